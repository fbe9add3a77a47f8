/* The reader of tables separated by commas and tabs: the promises of br/text.h. */
#include "fuzz.h"

FUZZ(text_csv)
{
	struct br_extracted e;

	fuzz_read(&e, br_read_csv, BR_FMT_CSV, in);
	br_extracted_release(&e);
	fuzz_read(&e, br_read_csv, BR_FMT_TSV, in);
	br_extracted_release(&e);
}
