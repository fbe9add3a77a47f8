/*
 * text, inside: a PDF as lines of words with their places on the page (pdf.c), and what text that makes
 * (pdf_layout.c).
 */
#ifndef BR_TEXT_PDF_H
#define BR_TEXT_PDF_H

#include "internal.h"

/* Places are in points from the upper left corner of the page. */
struct br_text__pdf_line {
	float x0, y0, x1, y1;
	float height;        /* of its longest word: tells the size of the type */
	uint32_t off, len;   /* bytes of `words` */
	uint32_t page;       /* from 1 */
	uint32_t block;      /* lines of one block follow each other, set in one size of type */
	bool upright;        /* false: text that runs up or down the page */
	bool dropped;        /* repeated at the edge of pages */
};
struct br_text__pdf_page { float width, height; };

struct br_text__pdf_doc {
	struct br_buf words;
	BR_VEC(struct br_text__pdf_line) lines;
	BR_VEC(struct br_text__pdf_page) pages;
	char title[BR_MAX_TITLE + 1]; /* from its metadata */
};
/*
 * Appends the table that begins with line `first`, a row a line, and gives how many lines of the document it is made
 * of; 0: there is none. `size` is the height of most text. *looked: so many lines need not be tried again.
 */
size_t br_text__pdf_table(struct br_buf *out, uint32_t *head_len, const struct br_text__pdf_doc *doc, size_t first,
                          float size, size_t *looked);
/* Fills text, title and blocks of out from doc, whose lines it marks. */
void br_text__pdf_layout(struct br_extracted *out, struct br_text__pdf_doc *doc);

#endif
