/* The readers of plain text and source code: the promises of br/text.h. */
#include "fuzz.h"

FUZZ(text_plain)
{
	struct br_extracted e;

	fuzz_read(&e, br_read_plain, BR_FMT_PLAIN, in);
	br_extracted_release(&e);
	fuzz_read(&e, br_read_code, BR_FMT_CODE, in);
	br_extracted_release(&e);
}
