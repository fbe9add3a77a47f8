/* Code pages by the numbers Windows gives them, converted by iconv. */
#include "rtf.h"

#include <errno.h>
#include <iconv.h>

static const struct { uint16_t page; const char *converter; } pages[] = {
	{ 437, "CP437" }, { 708, "ISO-8859-6" }, { 737, "CP737" }, { 775, "CP775" }, { 850, "CP850" }, { 852,
	    "CP852" }, { 855, "CP855" },
	{ 857, "CP857" }, { 860, "CP860" }, { 862, "CP862" }, { 863, "CP863" }, { 864, "CP864" }, { 865, "CP865" },
	    { 866, "CP866" },
	{ 874, "CP874" }, { 932, "CP932" }, { 936, "GBK" }, { 949, "CP949" }, { 950, "BIG5-HKSCS" }, { 1250, "CP1250" },
	{ 1251, "CP1251" }, { 1252, "CP1252" }, { 1253, "CP1253" }, { 1254, "CP1254" }, { 1255, "CP1255" }, { 1256,
	    "CP1256" },
	{ 1257, "CP1257" }, { 1258, "CP1258" }, { 10000, "MACINTOSH" }, { 20866, "KOI8-R" }, { 28591, "ISO-8859-1" },
	{ 28592, "ISO-8859-2" }, { 65001, "UTF-8" },
};

static const struct { uint8_t charset; uint16_t page; } charsets[] = {
	{ 77, 10000 }, { 128, 932 }, { 129, 949 }, { 134, 936 }, { 136, 950 }, { 161, 1253 }, { 162, 1254 }, { 163,
	    1258 }, { 177, 1255 },
	{ 178, 1256 }, { 186, 1257 }, { 204, 1251 }, { 222, 874 }, { 238, 1250 }, { 254, 437 }, { 255, 850 },
};

unsigned br_text__charset_page(int32_t charset)
{
	for (size_t i = 0; i < BR_COUNT(charsets); i++)
		if (charsets[i].charset == charset)
			return charsets[i].page;
	return charset == 0 ? 1252 : 0;
}

bool br_text__is_double(unsigned page)
{
	return page == 932 || page == 936 || page == 949 || page == 950;
}

void br_text__codepage_release(struct br_text__codepage *c)
{
	if (c->converter)
		iconv_close(c->converter);
	c->converter = NULL;
}

static iconv_t converter(struct br_text__codepage *c, unsigned page)
{
	const char *name = "CP1252";
	iconv_t cd;

	if (c->converter && c->page == page)
		return c->converter;
	for (size_t i = 0; i < BR_COUNT(pages); i++)
		if (pages[i].page == page)
			name = pages[i].converter;
	br_text__codepage_release(c);
	cd = iconv_open("UTF-8", name);
	c->page = page;
	c->converter = cd == (iconv_t)-1 ? NULL : cd;
	return c->converter;
}

void br_text__from_codepage(struct br_buf *out, struct br_text__codepage *c, unsigned page, struct br_slice bytes)
{
	iconv_t cd = converter(c, page);
	char *p = (char *)(uintptr_t)bytes.ptr, piece[4096];
	size_t left = bytes.len;

	while (left && !out->failed) {
		char *to = piece;
		size_t room = sizeof piece, rc = cd ? iconv(cd, &p, &left, &to, &room) : (size_t)-1;

		br_buf_add(out, piece, sizeof piece - room);
		if (rc != (size_t)-1 || (cd && errno == E2BIG))
			continue;
		br_buf_adds(out, "\xef\xbf\xbd");
		p++;
		left--;
	}
	if (cd)
		iconv(cd, NULL, NULL, NULL, NULL);
}
