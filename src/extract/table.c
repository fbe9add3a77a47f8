/*
 * Tables: rows and cells are collected first, because only the end shows whether it was data or the layout of a page. Data
 * becomes one TABLE block, a row a line, cells separated by " | ". Layout becomes paragraphs.
 *
 * Raw cells: a mark in front of each row and cell, which cannot come from words; a line end between paragraphs of a cell.
 */
#include "extract/extract.h"

#define ROW       '\x1e'
#define HEAD_ROW  '\x1d'
#define CELL      '\x1f'
#define HEAD_CELL '\x1c'

void br_extract__table_begin(struct br_extract__render *r)
{
	br_extract__cut_block(r);
	br_buf_reset(&r->cells);
	r->in_table = true;
	r->paras = 0;
	r->table_line = r->table_line_end = 0;
}

static void mark(struct br_extract__render *r, char c)
{
	r->space = false;
	br_buf_addc(&r->cells, c);
}

void br_extract__table_row(struct br_extract__render *r, bool head)
{
	if (r->in_table)
		mark(r, head ? HEAD_ROW : ROW);
}

void br_extract__table_cell(struct br_extract__render *r, bool head)
{
	r->paras = 0;
	if (r->in_table)
		mark(r, head ? HEAD_CELL : CELL);
}

void br_extract__table_para(struct br_extract__render *r)
{
	if (!r->in_table)
		return;
	mark(r, '\n');
	if (++r->paras > r->data_paras)
		br_extract__table_is_layout(r);
}

/* ---- ends ---- */

static struct br_block block(const struct br_extract__render *r, enum br_block_kind kind)
{
	uint32_t line = BR_MAX(r->table_line, 1);

	return (struct br_block){ .kind = (uint8_t)kind, .line = line, .line_end = BR_MAX(r->table_line_end, line) };
}

static size_t piece_len(const char *p, const char *end)
{
	const char *q = p;

	while (q < end && (unsigned char)*q >= ' ')
		q++;
	return (size_t)(q - p);
}

static void as_paragraphs(struct br_extract__render *r)
{
	struct br_block b = block(r, BR_BLOCK_PARA);
	const char *p = r->cells.ptr, *end = p + r->cells.len;

	while (p < end) {
		size_t n = piece_len(p, end);
		br_extract__add_block(r, &b, p, n - (n && p[n - 1] == ' '));
		p += n + 1;
	}
	br_buf_reset(&r->cells);
}

void br_extract__table_is_layout(struct br_extract__render *r)
{
	if (!r->in_table)
		return;
	r->in_table = r->space = false;
	as_paragraphs(r);
}

void br_extract__table_caption_end(struct br_extract__render *r)
{
	if (r->in_table && !memchr(r->cells.ptr, CELL, r->cells.len))
		as_paragraphs(r);
}

/* One row: from behind its mark to the next row's mark. */
struct row {
	const char *p, *end;
	unsigned filled; /* cells with words */
	bool head;       /* in <thead>, or all its cells are head cells */
};

static struct row next_row(const char *p, const char *end)
{
	struct row w = { .head = true };
	bool marked_head = *p == HEAD_ROW, cells = false, words = false;

	if (*p == ROW || *p == HEAD_ROW)
		p++;
	for (w.p = p; p < end && *p != ROW && *p != HEAD_ROW; p++) {
		if (*p == CELL || *p == HEAD_CELL) {
			w.filled += words;
			w.head &= *p == HEAD_CELL;
			cells = true;
			words = false;
		}
		words |= (unsigned char)*p > ' ';
	}
	w.end = p;
	w.filled += words;
	w.head = marked_head || (w.head && cells);
	return w;
}

static void write_row(struct br_buf *out, const struct row *w)
{
	size_t start;
	bool first = true;

	if (out->len)
		br_buf_addc(out, '\n');
	start = out->len;
	for (const char *p = w->p; p < w->end;) {
		size_t n = piece_len(p, w->end);
		br_buf_add(out, p, n);
		p += n;
		if (p < w->end && *p == '\n')
			br_buf_adds(out, out->len > start && out->ptr[out->len - 1] != ' ' ? " " : "");
		else if (p < w->end && !first)
			br_buf_adds(out, out->len == start ? "| " : " | ");
		first &= p == w->end || *p == '\n';
		p++;
	}
	while (out->len > start && out->ptr[out->len - 1] == ' ')
		out->ptr[--out->len] = 0;
}

void br_extract__table_end(struct br_extract__render *r)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_TEXT);
	struct br_block b = block(r, BR_BLOCK_TABLE);
	const char *end = r->cells.ptr + r->cells.len;
	unsigned widest = 0;
	bool heads = true;

	if (!r->in_table)
		return;
	r->in_table = r->space = false;
	for (const char *p = r->cells.ptr; p < end;) {
		struct row w = next_row(p, end);
		p = w.end;
		widest = BR_MAX(widest, w.filled);
		if (!w.filled)
			continue;
		write_row(&text, &w);
		heads &= w.head;
		if (heads)
			b.head_len = (uint32_t)text.len;
	}
	if (widest < 2)
		as_paragraphs(r);
	else
		br_extract__add_block(r, &b, text.ptr, text.len);
	br_buf_release(&text);
	br_buf_reset(&r->cells);
}
