/* The reader of Markdown: the promises of br/text.h. */
#include "fuzz.h"

FUZZ(text_markdown)
{
	struct br_extracted e;

	fuzz_read(&e, br_read_markdown, BR_FMT_MARKDOWN, in);
	br_extracted_release(&e);
}
