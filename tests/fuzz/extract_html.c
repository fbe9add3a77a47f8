/* The HTML reader of br-extract: what it gives passes through the protocol unchanged. */
#include "fuzz.h"

#include "extract/extract.h"

FUZZ(extract_html)
{
	struct br_extracted e, again;
	struct br_buf html = BR_BUF_INIT(SIZE_MAX), record = BR_BUF_INIT(BR_PROTO_MAX);
	struct br_err err = { 0 };

	br_extracted_init(&e);
	br_extracted_init(&again);
	fuzz_text(&html, in);
	if (br_extract__html(&e, br_buf_slice(&html), &err) == 0) {
		e.format = BR_FMT_HTML;
		snprintf(e.encoding, sizeof e.encoding, "UTF-8");
		fuzz_check_ranges(&e);
		HOLDS(br_proto_encode(&record, &e) == 0 && br_proto_decode(&again, br_buf_slice(&record), &err) == 0);
		fuzz_same_extracted(&e, &again);
	} else {
		HOLDS(err.code && err.msg[0]);
	}
	br_extracted_release(&e);
	br_extracted_release(&again);
	br_buf_release(&html);
	br_buf_release(&record);
}
