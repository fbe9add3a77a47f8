/* The HTML reader of br-extract: what it gives passes through the protocol unchanged. */
#include "fuzz.h"

#include "extract/extract.h"

FUZZ(extract_html)
{
	struct br_extracted e;
	struct br_buf html = BR_BUF_INIT(SIZE_MAX);
	struct br_err err = { 0 };

	br_extracted_init(&e);
	fuzz_text(&html, in);
	if (br_extract__html(&e, br_buf_slice(&html), &err) == 0) {
		e.format = BR_FMT_HTML;
		fuzz_check_rendered(&e);
	} else {
		HOLDS(err.code && err.msg[0]);
	}
	br_extracted_release(&e);
	br_buf_release(&html);
}
