/*
 * Text that is rendered rather than kept: blocks are written one behind the other with a blank line between them,
 * alone or a whole document at a time.
 */
#include "internal.h"

/* White space around it does not count; true when something is left. */
static bool trimmed(struct br_slice *s)
{
	while (s->len && br_text__blank(s->ptr[s->len - 1]))
		s->len--;
	while (s->len && (*s->ptr == '\n' || (br_text__blank(*s->ptr) && s->len == 1)))
		*s = br_slice(s->ptr + 1, s->len - 1);
	return s->len > 0;
}

static void separate(struct br_extracted *e, bool list)
{
	bool after_list = e->blocks.n && e->blocks.v[e->blocks.n - 1].kind == BR_BLOCK_LIST;

	if (e->text.len)
		br_buf_adds(&e->text, list && after_list ? "\n" : "\n\n");
}

struct br_block *br_text__put(struct br_extracted *e, enum br_block_kind kind, int level, struct br_slice words)
{
	size_t off;

	if (!trimmed(&words))
		return NULL;
	separate(e, kind == BR_BLOCK_LIST);
	off = e->text.len;
	br_buf_add(&e->text, words.ptr, words.len);
	return e->text.failed ? NULL : br_text__block(e, kind, level, off, e->text.len);
}

void br_text__append(struct br_extracted *out, const struct br_extracted *part)
{
	size_t at;

	if (!part->text.len)
		return;
	separate(out, false);
	at = out->text.len;
	br_buf_add(&out->text, part->text.ptr, part->text.len);
	if (out->text.failed)
		return;
	for (size_t i = 0; i < part->blocks.n; i++) {
		const struct br_block *from = &part->blocks.v[i];
		struct br_block *b = br_text__block(out, (enum br_block_kind)from->kind, from->level, at + from->off,
		    at + from->off + from->len);
		if (b && b->len == from->len)
			b->head_len = from->head_len;
	}
	for (size_t i = 0; i < part->skip.n; i++)
		br_text__skip(out, at + part->skip.v[i].off, at + part->skip.v[i].off + part->skip.v[i].len);
	if (!out->title && part->title)
		br_text__title(out, part->title, strlen(part->title));
}
