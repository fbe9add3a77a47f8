/*
 * Tables of a PDF: pdftotext gives them cell by cell or column by column. A run of blocks of short lines that stand
 * beside each other is put together again: lines at one height are a row, from left to right.
 */
#include "pdf.h"

#include <ctype.h>
#include <stdlib.h>

enum {
	CELL_MAX = 30,      /* bytes of the lines of a block of cells, on average: columns of prose have more */
	BLOCKS_MIN = 3, LINES_MAX = 4000,
};

static float middle(const struct br_text__pdf_line *n) { return (n->y0 + n->y1) / 2; }

static int by_height(const void *a, const void *b)
{
	const struct br_text__pdf_line *x = *(const struct br_text__pdf_line *const *)a,
	    *y = *(const struct br_text__pdf_line *const *)b;

	return (middle(x) > middle(y)) - (middle(x) < middle(y));
}

static int by_side(const void *a, const void *b)
{
	const struct br_text__pdf_line *x = *(const struct br_text__pdf_line *const *)a,
	    *y = *(const struct br_text__pdf_line *const *)b;

	return (x->x0 > y->x0) - (x->x0 < y->x0);
}

/* Lines of the block at v[0] if it could be cells of a table set in type of about `size`, else 0. */
static size_t cells(const struct br_text__pdf_doc *doc, const struct br_text__pdf_line *v, float size)
{
	const struct br_text__pdf_line *end = doc->lines.v + doc->lines.n;
	size_t n = 0, bytes = 0;

	for (; v + n < end && v[n].block == v->block; n++) {
		if (!v[n].upright || v[n].dropped || v[n].height > 1.12f * size || v[n].height < 0.6f * size)
			return 0;
		bytes += v[n].len;
	}
	return bytes <= CELL_MAX * n ? n : 0;
}

/* How many lines from `first` on are blocks of cells near each other; *blocks: how many blocks. */
static size_t run_of_cells(const struct br_text__pdf_doc *doc, size_t first, float size, size_t *blocks)
{
	const struct br_text__pdf_line *v = doc->lines.v + first;
	float top = v->y0, bottom = v->y1, slack = 1.5f * size;
	size_t n = 0, k;

	*blocks = 0;
	while (first + n < doc->lines.n && n < LINES_MAX && v[n].page == v->page && v[n].y0 < bottom + slack &&
	       v[n].y1 > top - slack &&
	       (k = cells(doc, v + n, size))) {
		for (size_t i = n; i < n + k; i++) {
			top = BR_MIN(top, v[i].y0);
			bottom = BR_MAX(bottom, v[i].y1);
		}
		n += k;
		++*blocks;
	}
	return n;
}

/* End of the row that begins at v[i]. */
static size_t row_end(const struct br_text__pdf_line *const *v, size_t i, size_t n, float size)
{
	size_t k = i + 1;

	while (k < n && middle(v[k]) - middle(v[i]) < 0.5f * size)
		k++;
	return k;
}

/* Most cells have others beside them, in two rows or more. */
static bool is_table(const struct br_text__pdf_line *const *v, size_t n, float size)
{
	size_t rows = 0, beside = 0;

	for (size_t i = 0, k; i < n; i = k) {
		k = row_end(v, i, n, size);
		rows += k - i > 1;
		beside += k - i > 1 ? k - i : 0;
	}
	return rows >= 2 && beside * 10 >= n * 7;
}

static void write_row(struct br_buf *out, const struct br_text__pdf_doc *doc, const struct br_text__pdf_line *const *v,
                      size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			br_buf_adds(out, " | ");
		br_buf_add(out, doc->words.ptr + v[i]->off, v[i]->len);
	}
}

/* Words over the columns, no numbers. */
static bool is_head(const struct br_text__pdf_doc *doc, const struct br_text__pdf_line *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (isdigit((unsigned char)doc->words.ptr[v[i]->off]))
			return false;
	return n > 1;
}

size_t br_text__pdf_table(struct br_buf *out, uint32_t *head_len, const struct br_text__pdf_doc *doc, size_t first,
                          float size, size_t *looked)
{
	size_t blocks, n = run_of_cells(doc, first, size, &blocks), start = out->len;
	const struct br_text__pdf_line **v;

	*looked = n;
	*head_len = 0;
	if (blocks < BLOCKS_MIN)
		return 0;
	v = br_allocn(n, sizeof *v);
	for (size_t i = 0; i < n; i++)
		v[i] = doc->lines.v + first + i;
	qsort(v, n, sizeof *v, by_height);
	if (!is_table(v, n, size)) {
		free(v);
		return 0;
	}
	for (size_t i = 0, k; i < n; i = k) {
		k = row_end(v, i, n, size);
		qsort(v + i, k - i, sizeof *v, by_side);
		if (i)
			br_buf_addc(out, '\n');
		write_row(out, doc, v + i, k - i);
		if (i == 0 && k < n && is_head(doc, v, k))
			*head_len = (uint32_t)(out->len - start);
	}
	free(v);
	return n;
}
