/* Formats that are rendered in br itself: RTF, subtitles, notebooks of Jupyter. Input: a byte that chooses one, then the file. */
#include "fuzz.h"

#include "text/helper.h"

FUZZ(text_rendered)
{
	struct br_rd r = br_rd(in);
	uint8_t which = br_rd_u8(&r) % 3;
	struct br_extracted e;
	struct br_err err = { 0 };
	int rc;

	br_extracted_init(&e);
	e.format = which == 0 ? BR_FMT_RTF : which == 1 ? BR_FMT_SUBTITLES : BR_FMT_IPYNB;
	if (which)
		fuzz_text(&e.text, fuzz_rest(&r));
	rc = which == 0 ? br_text__read_rtf(&e, fuzz_rest(&r), &err) : which == 1 ? br_read_subtitles(&e, "a.vtt", &err) : br_read_ipynb(&e, "a.ipynb", &err);
	if (rc == 0)
		fuzz_check_rendered(&e);
	else
		HOLDS(err.code && err.msg[0]);
	br_extracted_release(&e);
}
