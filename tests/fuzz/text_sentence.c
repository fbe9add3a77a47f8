/* Sentences: in order, apart, inside the text, and nothing but white space between them. */
#include "fuzz.h"

FUZZ(text_sentence)
{
	struct br_buf text = BR_BUF_INIT(SIZE_MAX);
	struct br_range s;
	size_t pos = 0, end = 0;

	fuzz_text(&text, in);
	while (br_sentence_next(&s, br_buf_slice(&text), &pos)) {
		HOLDS(s.len && s.off >= end && (size_t)s.off + s.len <= text.len);
		for (; end < s.off; end++)
			HOLDS(fuzz_blank(text.ptr[end]));
		end = (size_t)s.off + s.len;
		HOLDS(pos >= end && fuzz_at_char(br_buf_slice(&text), s.off) && fuzz_at_char(br_buf_slice(&text), end));
	}
	for (; end < text.len; end++)
		HOLDS(fuzz_blank(text.ptr[end]));
	br_buf_release(&text);
}
