/*
 * Documents made by tests: ZIP containers, PDF files, and their text as br_extract gives it, through the real br-
 * extract (BR_EXTRACT names it). Include behind cmocka.h.
 */
#ifndef DOCUMENTS_H
#define DOCUMENTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zip.h>

#include "br/os.h"
#include "br/text.h"

static struct br_extractor *documents_extractor; /* one child for all documents */

static inline bool no_helper(void)
{
	if (getenv("BR_EXTRACT"))
		return false;
	print_message("skipped: BR_EXTRACT not set\n");
	return true;
}

static inline int documents_end(void **state)
{
	(void)state;
	br_extractor_free(documents_extractor);
	return 0;
}

static inline int extract_bytes(struct br_extracted *e, const char *name, enum br_format format, struct br_slice bytes,
                                struct br_err *err)
{
	struct br_source src = { .bytes = bytes, .name = name, .format = format };

	if (!documents_extractor)
		documents_extractor = br_extractor_new(getenv("BR_EXTRACT"));
	return br_extract(e, documents_extractor, &src, err);
}

/*
 * ---- containers: pairs of name and text, NULL at the end; a name that begins with '!' is stored without compression
 * ----
 */

static inline void make_zip(struct br_buf *out, const char *const *parts)
{
	zip_error_t e;
	zip_source_t *src = zip_source_buffer_create(NULL, 0, 0, &e);
	zip_t *z = zip_open_from_source(src, ZIP_TRUNCATE, &e);
	zip_stat_t st;

	assert_non_null(z);
	zip_source_keep(src);
	for (; *parts; parts += 2) {
		bool stored = **parts == '!';
		zip_int64_t at = zip_file_add(z, *parts + stored, zip_source_buffer(z, parts[1], strlen(parts[1]), 0),
		                              ZIP_FL_ENC_UTF_8);
		assert_true(at >= 0);
		if (stored)
			assert_int_equal(zip_set_file_compression(z, (zip_uint64_t)at, ZIP_CM_STORE, 0), 0);
	}
	assert_int_equal(zip_close(z), 0);
	assert_int_equal(zip_source_stat(src, &st), 0);
	br_buf_reset(out);
	assert_true(br_buf_reserve(out, st.size));
	assert_int_equal(zip_source_open(src), 0);
	assert_int_equal(zip_source_read(src, out->ptr, st.size), (zip_int64_t)st.size);
	out->len = st.size;
	zip_source_close(src);
	zip_source_free(src);
}

/* ---- what came out ---- */

/* One line a block: kind and level, page if there is one, text with ~ for line ends; a table's head ends at '^'. */
static inline void dump_blocks(struct br_buf *b, const struct br_extracted *e)
{
	for (size_t i = 0; i < e->blocks.n; i++) {
		const struct br_block *k = &e->blocks.v[i];

		br_buf_addf(b, "%c%u", "PHCTLQ"[k->kind], k->level);
		if (k->page)
			br_buf_addf(b, " p%u", k->page);
		br_buf_addc(b, ' ');
		for (uint32_t n = 0; n < k->len; n++) {
			char c = e->text.ptr[k->off + n];
			if (n == k->head_len && n)
				br_buf_addc(b, '^');
			br_buf_addc(b, c == '\n' ? '~' : c);
		}
		br_buf_addc(b, '\n');
	}
}

static inline void bytes_give(const char *name, struct br_slice bytes, enum br_format format, const char *title,
                              const char *expected)
{
	struct br_buf got = BR_BUF_INIT(64 << 20);
	struct br_extracted e;
	struct br_err err = { 0 };

	br_extracted_init(&e);
	if (extract_bytes(&e, name, BR_FMT_UNKNOWN, bytes, &err) < 0)
		fail_msg("%s: %s", name, err.msg);
	dump_blocks(&got, &e);
	assert_string_equal(got.ptr, expected);
	assert_string_equal(br_format_name(e.format), br_format_name(format));
	if (title)
		assert_string_equal(e.title ? e.title : "(none)", title);
	br_extracted_release(&e);
	br_buf_release(&got);
}

static inline void bytes_refused(const char *name, struct br_slice bytes, int rc, const char *message)
{
	struct br_extracted e;
	struct br_err err = { 0 };
	int got;

	br_extracted_init(&e);
	got = extract_bytes(&e, name, BR_FMT_UNKNOWN, bytes, &err);
	if (got != rc || !strstr(err.msg, message))
		fail_msg("%s: %d '%s', not %d '%s'", name, got, err.msg, rc, message);
	assert_int_equal(e.text.len, 0);
	br_extracted_release(&e);
}

static inline void parts_give(const char *name, const char *const *parts, enum br_format format, const char *title,
                              const char *expected)
{
	struct br_buf zip = BR_BUF_INIT(256 << 20);

	make_zip(&zip, parts);
	bytes_give(name, br_buf_slice(&zip), format, title, expected);
	br_buf_release(&zip);
}

static inline void parts_refused(const char *name, const char *const *parts, int rc, const char *message)
{
	struct br_buf zip = BR_BUF_INIT(256 << 20);

	make_zip(&zip, parts);
	bytes_refused(name, br_buf_slice(&zip), rc, message);
	br_buf_release(&zip);
}

/* ---- PDF: pages of lines, each with its place from the lower left corner and its size of type ---- */

struct pdf_line { int page, x, y, size; const char *text; };

static inline void make_pdf(struct br_buf *out, const struct pdf_line *v, size_t n, int pages, const char *info)
{
	struct br_buf s = BR_BUF_INIT(16 << 20);
	size_t at[600];
	int objects = 3 + 2 * pages;

	assert_true(pages > 0 && objects < 600);
	br_buf_reset(out);
	br_buf_adds(out, "%PDF-1.4\n");
	at[1] = out->len;
	br_buf_adds(out, "1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n");
	at[2] = out->len;
	br_buf_addf(out, "2 0 obj\n<</Type/Pages/Count %d/Kids[", pages);
	for (int p = 0; p < pages; p++)
		br_buf_addf(out, "%d 0 R ", 4 + 2 * p);
	br_buf_adds(out, "]>>\nendobj\n");
	at[3] = out->len;
	br_buf_adds(out, "3 0 obj\n<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>\nendobj\n");
	for (int p = 0; p < pages; p++) {
		br_buf_reset(&s);
		for (size_t i = 0; i < n; i++)
			if (v[i].page == p + 1)
				br_buf_addf(&s, "BT /F1 %d Tf %d %d Td (%s) Tj ET\n", v[i].size, v[i].x, v[i].y, v[i].text);
		at[4 + 2 * p] = out->len;
		br_buf_addf(out, "%d 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents %d 0 R/Resources<</Font<</F1 3 0 R>>>>>>\nendobj\n",
		            4 + 2 * p, 5 + 2 * p);
		at[5 + 2 * p] = out->len;
		br_buf_addf(out, "%d 0 obj\n<</Length %zu>>\nstream\n%sendstream\nendobj\n", 5 + 2 * p, s.len, s.ptr);
	}
	at[0] = out->len;
	br_buf_addf(out, "xref\n0 %d\n0000000000 65535 f \n", objects + 1);
	for (int i = 1; i <= objects; i++)
		br_buf_addf(out, "%010zu 00000 n \n", at[i]);
	br_buf_addf(out, "trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%zu\n%%%%EOF\n", objects + 1, info ? info : "",
	            at[0]);
	br_buf_release(&s);
}

#endif
