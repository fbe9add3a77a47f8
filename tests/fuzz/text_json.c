/* The reader of JSON documents and lines of JSON: the promises of br/text.h. */
#include "fuzz.h"

FUZZ(text_json)
{
	struct br_extracted e;

	fuzz_read(&e, br_read_json, BR_FMT_JSON, in);
	br_extracted_release(&e);
	fuzz_read(&e, br_read_json, BR_FMT_NDJSON, in);
	br_extracted_release(&e);
}
