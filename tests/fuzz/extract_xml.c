/* XML of no known kind, as br-extract reads it. */
#include "fuzz.h"

#include "extract/extract.h"

FUZZ(extract_xml)
{
	struct br_extracted e;
	struct br_buf xml = BR_BUF_INIT(SIZE_MAX);
	struct br_err err = { 0 };

	br_extracted_init(&e);
	fuzz_text(&xml, in);
	if (br_extract__markup(&e, br_buf_slice(&xml), &err) == 0) {
		e.format = BR_FMT_XML;
		fuzz_check_rendered(&e);
	} else {
		HOLDS(err.code && err.msg[0]);
	}
	br_extracted_release(&e);
	br_buf_release(&xml);
}
