/* The record that br-extract hands over: what is accepted keeps the promises of br/text.h, and encodes to the same again. */
#include "fuzz.h"

FUZZ(text_protocol)
{
	struct br_extracted e, again;
	struct br_buf once = BR_BUF_INIT(BR_PROTO_MAX), twice = BR_BUF_INIT(BR_PROTO_MAX);
	struct br_err err = { 0 };

	br_extracted_init(&e);
	br_extracted_init(&again);
	if (br_proto_decode(&e, in, &err) == 0) {
		fuzz_check_ranges(&e);
		HOLDS(br_proto_encode(&once, &e) == 0);
		HOLDS(br_proto_decode(&again, br_buf_slice(&once), &err) == 0);
		fuzz_same_extracted(&e, &again);
		HOLDS(br_proto_encode(&twice, &again) == 0 && br_slice_eq(br_buf_slice(&once), br_buf_slice(&twice)));
	} else {
		HOLDS(err.code == BR_ECORRUPT && err.msg[0] && !e.text.len && !e.blocks.n && !e.skip.n && !e.title);
	}
	br_extracted_release(&e);
	br_extracted_release(&again);
	br_buf_release(&once);
	br_buf_release(&twice);
}
