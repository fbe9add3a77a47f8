/*
 * Rows of spreadsheets: cells separated by " | ", rows in groups that fit a passage, each group a TABLE block of its
 * own that begins with the header row, so that a number is never quoted without its column's name.
 */
#include "extract/extract.h"

enum {
	GROUP = 1200,         /* bytes of rows in one group, about a passage */
	HEAD_MAX = 400,       /* a longer header is not repeated */
	GAP = 16,             /* empty cells in a row that are written as such; a wider gap counts as one */
	CELL_MAX = 32 << 10,  /* bytes of one cell, as Excel allows */
};

void br_extract__sheet_begin(struct br_extract__sheet *s, struct br_extract__render *r, const char *name)
{
	*s = (struct br_extract__sheet){ .r = r, .name = name };
	br_buf_init(&s->row, BR_MAX_TEXT);
	br_buf_init(&s->head, BR_MAX_TEXT);
	br_buf_init(&s->group, BR_MAX_TEXT);
}

/* White space within a cell becomes a space. */
static void add_clean(struct br_buf *out, struct br_slice t)
{
	size_t start = out->len;

	for (size_t i = 0; i < t.len && i < CELL_MAX; i++) {
		char c = (unsigned char)t.ptr[i] <= ' ' || t.ptr[i] == 0x7f ? ' ' : t.ptr[i];
		if (c != ' ' || (out->len > start && out->ptr[out->len - 1] != ' '))
			br_buf_addc(out, c);
	}
	out->len = start + br_utf8_valid(out->ptr + start, out->len - start);
	while (out->len > start && out->ptr[out->len - 1] == ' ')
		out->len--;
	out->ptr[out->len] = 0;
}

void br_extract__sheet_cell(struct br_extract__sheet *s, unsigned column, struct br_slice text, bool number)
{
	unsigned gap = column > s->column ? column - s->column : 1, separators = s->column ? gap : gap - 1;
	size_t had = s->row.len, words;

	for (unsigned i = 0; i < (separators > GAP ? 1 : separators); i++)
		br_buf_adds(&s->row, s->row.len ? " | " : "| ");
	words = s->row.len;
	add_clean(&s->row, text);
	if (s->row.len == words) { /* nothing in it */
		s->row.len = had;
		s->row.ptr[had] = 0;
		return;
	}
	s->column = column;
	s->filled++;
	s->numbers |= number;
}

/* The first row with more than one cell names the columns if it is all words. */
static bool is_header(const struct br_extract__sheet *s)
{
	return s->widest < 2 && s->filled >= 2 && !s->numbers && s->row.len <= HEAD_MAX;
}

static void add_group(struct br_extract__sheet *s)
{
	struct br_extract__render *r = s->r;
	struct br_block b = { .kind = BR_BLOCK_TABLE, .line = 1, .line_end = 1 };

	if (!s->group.len)
		return;
	if (!s->groups)
		br_extract__heading(r, 1, s->name);
	b.head_len = (uint32_t)s->head.len;
	if (s->widest < 2)
		b.kind = BR_BLOCK_PARA;
	br_extract__add_block(r, &b, s->group.ptr, s->group.len);
	s->groups++;
	br_buf_reset(&s->group);
}

void br_extract__sheet_row_end(struct br_extract__sheet *s)
{
	if (!s->filled || s->r->rc < 0)
		goto out;
	if (is_header(s)) {
		add_group(s); /* titles above it */
		br_buf_add(&s->head, s->row.ptr, s->row.len);
	} else {
		if (s->group.len && s->group.len + s->row.len > GROUP + s->head.len)
			add_group(s);
		if (!s->group.len)
			br_buf_add(&s->group, s->head.ptr, s->head.len);
		if (s->group.len)
			br_buf_addc(&s->group, '\n');
		br_buf_add(&s->group, s->row.ptr, s->row.len);
	}
	s->widest = BR_MAX(s->widest, s->filled);
	if (s->group.failed || s->row.failed)
		s->r->rc = br_buf_check(s->group.failed ? &s->group : &s->row, "text", s->r->err);
out:
	br_buf_reset(&s->row);
	s->filled = s->column = 0;
	s->numbers = false;
}

void br_extract__sheet_end(struct br_extract__sheet *s)
{
	if (s->head.len && !s->groups && !s->group.len) /* a header alone */
		br_buf_add(&s->group, s->head.ptr, s->head.len);
	add_group(s);
	br_buf_release(&s->row);
	br_buf_release(&s->head);
	br_buf_release(&s->group);
}
