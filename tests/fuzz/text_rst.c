/* The reader of reStructuredText: the promises of br/text.h. */
#include "fuzz.h"

FUZZ(text_rst)
{
	struct br_extracted e;

	fuzz_read(&e, br_read_rst, BR_FMT_RST, in);
	br_extracted_release(&e);
}
