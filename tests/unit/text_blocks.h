/* Reads a text by one reader and writes what comes out as lines: "H1 words", "P text", "L2 item", "C code", "T table", "Q quote".
 * Newlines within a block show as "/"; skip_of() lists the skip ranges in the same way. */
#ifndef TEXT_BLOCKS_H
#define TEXT_BLOCKS_H

#include "br/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static inline void read_text(struct br_extracted *e, br_reader_fn *fn, enum br_format format, const char *text)
{
	struct br_err err;

	br_extracted_init(e);
	br_buf_adds(&e->text, text);
	e->format = format;
	assert_int_equal(0, fn(e, "test", &err));
}

static inline void add_flat(struct br_buf *out, const struct br_extracted *e, size_t off, size_t len)
{
	for (size_t i = off; i < off + len; i++)
		br_buf_addc(out, e->text.ptr[i] == '\n' ? '/' : e->text.ptr[i]);
	br_buf_addc(out, '\n');
}

static inline char *blocks_of(const struct br_extracted *e)
{
	struct br_buf out = BR_BUF_INIT(1 << 20);

	for (size_t i = 0; i < e->blocks.n; i++) {
		const struct br_block *b = &e->blocks.v[i];
		br_buf_addc(&out, "PHCTLQ"[b->kind]);
		if (b->level)
			br_buf_addf(&out, "%d", b->level);
		br_buf_addc(&out, ' ');
		add_flat(&out, e, b->off, b->len);
	}
	return br_buf_take(&out, NULL);
}

static inline char *skip_of(const struct br_extracted *e)
{
	struct br_buf out = BR_BUF_INIT(1 << 20);

	for (size_t i = 0; i < e->skip.n; i++)
		add_flat(&out, e, e->skip.v[i].off, e->skip.v[i].len);
	return br_buf_take(&out, NULL);
}

/* NULL: not compared. */
static inline void expect_text(br_reader_fn *fn, enum br_format format, const char *text, const char *blocks, const char *skip, const char *title)
{
	struct br_extracted e;
	char *got;

	read_text(&e, fn, format, text);
	got = blocks_of(&e);
	if (blocks)
		assert_string_equal(got, blocks);
	free(got);
	got = skip_of(&e);
	if (skip)
		assert_string_equal(got, skip);
	free(got);
	if (title)
		assert_string_equal(e.title ? e.title : "(none)", title);
	br_extracted_release(&e);
}

#endif
