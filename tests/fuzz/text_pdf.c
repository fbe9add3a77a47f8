/* What pdftotext writes about a PDF, read in pieces of any size. Input: size of the pieces (a byte), then its output. */
#include "fuzz.h"

/* For its reader of that output. */
#include "text/pdf.c"

static void read_pieces(struct br_extracted *e, struct br_slice in, size_t piece)
{
	struct br_text__pdf_doc doc = { .words = BR_BUF_INIT(1 << 20) };
	struct reader r = { .doc = &doc, .row = BR_BUF_INIT(ROW) };

	for (size_t at = 0; at < in.len; at += piece)
		HOLDS(on_output(&r, in.ptr + at, BR_MIN(piece, in.len - at)) == 0);
	br_extracted_init(e);
	e->format = BR_FMT_PDF;
	if (doc.lines.n)
		br_text__pdf_layout(e, &doc);
	br_buf_release(&doc.words);
	br_buf_release(&r.row);
	br_vec_release(&doc.lines);
	br_vec_release(&doc.pages);
}

FUZZ(text_pdf)
{
	struct br_rd r = br_rd(in);
	size_t piece = br_rd_u8(&r) + 1u;
	struct br_buf text = BR_BUF_INIT(SIZE_MAX);
	struct br_extracted whole, parts;

	fuzz_text(&text, fuzz_rest(&r));
	read_pieces(&whole, br_buf_slice(&text), SIZE_MAX / 2);
	read_pieces(&parts, br_buf_slice(&text), piece);
	fuzz_check_rendered(&whole);
	fuzz_check_rendered(&parts);
	fuzz_same_extracted(&whole, &parts);
	br_extracted_release(&whole);
	br_extracted_release(&parts);
	br_buf_release(&text);
}
