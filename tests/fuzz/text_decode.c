/* Any bytes to text: sniffing, encodings, languages. Input: a byte that chooses a name, then the file. */
#include "fuzz.h"

#include "text/helper.h"

static void check_text(struct br_slice text, const char *encoding)
{
	HOLDS(br_utf8_valid(text.ptr, text.len) == text.len);
	HOLDS(!memchr(text.ptr, 0, text.len) && !memchr(text.ptr, '\r', text.len));
	HOLDS(encoding[0] && strlen(encoding) < 24);
}

FUZZ(text_decode)
{
	static const char *const names[] = { NULL, "x", "a.md", "a.txt", "a.html", "a.csv", "a.json", "README", "a.c", "a.pdf" };
	struct br_rd r = br_rd(in);
	const char *name = names[br_rd_u8(&r) % BR_COUNT(names)], *why = NULL, *lang;
	struct br_slice bytes = fuzz_rest(&r);
	struct br_buf once = BR_BUF_INIT(1 << 24), twice = BR_BUF_INIT(1 << 24);
	char encoding[24];
	enum br_format format = br_sniff(name, bytes, &why);

	HOLDS(format < BR_FMT_COUNT && (format != BR_FMT_UNKNOWN || why));
	if (br_decode(&once, encoding, bytes, NULL) == 0) {
		check_text(br_buf_slice(&once), encoding);
		lang = br_guess_lang(br_buf_slice(&once));
		HOLDS(lang && strlen(lang) < 8);
		HOLDS(br_decode(&twice, encoding, br_buf_slice(&once), NULL) == 0 && !strcmp(encoding, "UTF-8"));
		HOLDS(br_slice_eq(br_buf_slice(&once), br_buf_slice(&twice)));
	}
	br_buf_reset(&once);
	if (br_text__decode_html(&once, encoding, bytes, NULL) == 0)
		check_text(br_buf_slice(&once), encoding);
	br_buf_release(&once);
	br_buf_release(&twice);
}
