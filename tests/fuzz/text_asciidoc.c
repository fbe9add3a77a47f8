/* The reader of AsciiDoc: the promises of br/text.h. */
#include "fuzz.h"

FUZZ(text_asciidoc)
{
	struct br_extracted e;

	fuzz_read(&e, br_read_asciidoc, BR_FMT_ASCIIDOC, in);
	br_extracted_release(&e);
}
