/*
 * The encoding of an HTML page. In order: byte order mark, valid UTF-8, what a <meta> names, what br_decode makes of it.
 * Done before the page goes to the child, which has no files to load converters from. Only converters that the web uses
 * are ever asked for, whatever a page names.
 */
#include "helper.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <strings.h>

enum { HEAD = 4096 }; /* bytes in which a <meta> is looked for; browsers look at 1024 */

/* Names a page may give, and the converter that browsers take for them. */
static const struct { const char *label, *converter; } labels[] = {
	{ "iso-8859-1", "WINDOWS-1252" }, { "latin1", "WINDOWS-1252" }, { "us-ascii", "WINDOWS-1252" },
	{ "ascii", "WINDOWS-1252" },
	{ "windows-1252", "WINDOWS-1252" }, { "cp1252", "WINDOWS-1252" }, { "iso-8859-2", "ISO-8859-2" }, { "latin2", "ISO-8859-2" },
	{ "iso-8859-3", "ISO-8859-3" }, { "iso-8859-4", "ISO-8859-4" }, { "iso-8859-5", "ISO-8859-5" }, { "iso-8859-6", "ISO-8859-6" },
	{ "iso-8859-7", "ISO-8859-7" }, { "iso-8859-8", "ISO-8859-8" }, { "iso-8859-8-i", "ISO-8859-8" }, { "iso-8859-9", "WINDOWS-1254" },
	{ "iso-8859-10", "ISO-8859-10" }, { "iso-8859-13", "ISO-8859-13" }, { "iso-8859-14", "ISO-8859-14" },
	{ "iso-8859-15", "ISO-8859-15" }, { "iso-8859-16", "ISO-8859-16" }, { "windows-1250", "WINDOWS-1250" },
	{ "windows-1251", "WINDOWS-1251" }, { "cp1251", "WINDOWS-1251" }, { "windows-1253", "WINDOWS-1253" },
	{ "windows-1254", "WINDOWS-1254" }, { "windows-1255", "WINDOWS-1255" }, { "windows-1256", "WINDOWS-1256" },
	{ "windows-1257", "WINDOWS-1257" }, { "windows-1258", "WINDOWS-1258" }, { "windows-874", "CP874" }, { "tis-620", "CP874" },
	{ "koi8-r", "KOI8-R" }, { "koi8-u", "KOI8-U" }, { "ibm866", "CP866" }, { "macintosh", "MACINTOSH" },
	{ "gb2312", "GBK" }, { "gbk", "GBK" }, { "gb18030", "GB18030" }, { "big5", "BIG5-HKSCS" }, { "big5-hkscs", "BIG5-HKSCS" },
	{ "euc-jp", "EUC-JP" }, { "shift_jis", "CP932" }, { "shift-jis", "CP932" }, { "sjis", "CP932" }, { "x-sjis", "CP932" },
	{ "iso-2022-jp", "ISO-2022-JP" }, { "euc-kr", "CP949" }, { "ks_c_5601-1987", "CP949" },
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The label that begins at p, without its quotes. */
static struct br_slice label_at(const char *p, const char *end)
{
	const char *start;

	while (p < end && is_blank(*p))
		p++;
	if (p == end || *p++ != '=')
		return br_slice(NULL, 0);
	while (p < end && (is_blank(*p) || *p == '"' || *p == '\''))
		p++;
	for (start = p; p < end && !is_blank(*p) && !strchr("\"'>;/", *p); p++)
		;
	return br_slice(start, (size_t)(p - start));
}

/* The label behind "charset" in the first <meta> that has one. */
static struct br_slice declared(struct br_slice bytes)
{
	const char *p = bytes.ptr, *end = p + BR_MIN(bytes.len, (size_t)HEAD);
	bool meta = false;

	for (; end - p > 7; p++) {
		if (*p == '<')
			meta = !strncasecmp(p + 1, "meta", 4);
		else if (meta && (*p | 32) == 'c' && !strncasecmp(p, "charset", 7))
			return label_at(p + 7, end);
	}
	return br_slice(NULL, 0);
}

static const char *converter_for(struct br_slice label)
{
	for (size_t i = 0; i < BR_COUNT(labels); i++)
		if (strlen(labels[i].label) == label.len && !strncasecmp(labels[i].label, label.ptr, label.len))
			return labels[i].converter;
	return NULL;
}

/* False when so much does not convert that the name must be wrong. */
static bool convert(struct br_buf *out, struct br_slice in, const char *from)
{
	iconv_t cd = iconv_open("UTF-8", from);
	char *p = (char *)(uintptr_t)in.ptr, piece[16384];
	size_t left = in.len, bad = 0;

	if (cd == (iconv_t)-1) {
		if (errno != EINVAL) /* not because the name is unknown */
			out->failed = BR_ENOMEM;
		return false;
	}
	while (left && !out->failed) {
		char *to = piece;
		size_t room = sizeof piece, rc = iconv(cd, &p, &left, &to, &room);

		br_buf_add(out, piece, sizeof piece - room);
		if (rc != (size_t)-1 || errno == E2BIG)
			continue;
		br_buf_add(out, "\xef\xbf\xbd", 3);
		bad++;
		p++;
		left--;
	}
	iconv_close(cd);
	return bad <= 1 + in.len / 200;
}

int br_text__decode_as(struct br_buf *out, char encoding[24], struct br_slice bytes, struct br_slice label, struct br_err *err)
{
	bool bom = bytes.len >= 3 && !memcmp(bytes.ptr, "\xef\xbb\xbf", 3);
	bool plain = bom || br_utf8_valid(bytes.ptr, bytes.len) == bytes.len;
	const char *converter = label.len ? converter_for(label) : NULL;
	bool shifts = converter && !strcmp(converter, "ISO-2022-JP") && memchr(bytes.ptr, 0x1b, bytes.len);
	struct br_buf utf8 = BR_BUF_INIT(out->max);
	int rc;

	if (!converter || (plain && !shifts) || !convert(&utf8, bytes, converter) || utf8.failed) {
		rc = utf8.failed == BR_ENOMEM ? br_buf_check(&utf8, "text", err) : br_decode(out, encoding, bytes, err);
		br_buf_release(&utf8);
		return rc;
	}
	/* br_decode once more, for line ends and NUL */
	rc = br_decode(out, encoding, br_buf_slice(&utf8), err);
	snprintf(encoding, 24, "%s", converter);
	br_buf_release(&utf8);
	return rc;
}

int br_text__decode_html(struct br_buf *out, char encoding[24], struct br_slice bytes, struct br_err *err)
{
	/* A page in UTF-16 does not show its <meta> as ASCII, so a name found here is not contradicted by a byte order mark. */
	return br_text__decode_as(out, encoding, bytes, bytes.len ? declared(bytes) : br_slice("", 0), err);
}

int br_text__decode_xml(struct br_buf *out, char encoding[24], struct br_slice bytes, struct br_err *err)
{
	const char *end = bytes.len >= 5 && !memcmp(bytes.ptr, "<?xml", 5) ? memmem(bytes.ptr, BR_MIN(bytes.len, (size_t)HEAD), "?>", 2) : NULL;
	const char *name = end ? memmem(bytes.ptr, (size_t)(end - bytes.ptr), "encoding", 8) : NULL;

	return br_text__decode_as(out, encoding, bytes, name ? label_at(name + 8, end) : br_slice("", 0), err);
}
