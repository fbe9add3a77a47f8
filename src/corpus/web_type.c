/*
 * What a server says about a page's type and encoding, weighed against the bytes.
 */
#include "web.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

/* "text/html" of "Text/HTML ; charset=x". */
static struct br_slice media_type(const char *type)
{
	size_t n;

	type += strspn(type, " \t");
	n = strcspn(type, "; \t");
	return br_slice(type, n);
}

static enum br_format told_format(const char *type)
{
	static const struct { const char *mime; enum br_format f; } also[] = {
		{ "application/xhtml+xml", BR_FMT_HTML }, { "text/x-markdown", BR_FMT_MARKDOWN }, { "text/rst", BR_FMT_RST },
		{ "text/prs.fallenstein.rst", BR_FMT_RST }, { "text/json", BR_FMT_JSON }, { "application/jsonl", BR_FMT_NDJSON },
	};
	struct br_slice t = type ? media_type(type) : br_slice("", 0);

	for (size_t i = 0; i < BR_COUNT(also); i++)
		if (strlen(also[i].mime) == t.len && !strncasecmp(also[i].mime, t.ptr, t.len))
			return also[i].f;
	for (int f = BR_FMT_UNKNOWN + 1; f < BR_FMT_COUNT; f++) {
		const char *mime = br_format_mime((enum br_format)f);
		if (f != BR_FMT_PLAIN && strlen(mime) == t.len && !strncasecmp(mime, t.ptr, t.len))
			return (enum br_format)f;
	}
	return BR_FMT_UNKNOWN; /* text/plain among them: servers say it of everything */
}

static bool is_texty(enum br_format f)
{
	return f >= BR_FMT_PLAIN && f <= BR_FMT_HTML;
}

enum br_format web__format(const char *content_type, const char *url, struct br_slice bytes)
{
	struct br_slice name = br_url_name(url);
	char *own = br_strndup(name.ptr, name.len);
	const char *why = NULL;
	enum br_format seen = br_sniff(own, bytes, &why), told = told_format(content_type);

	free(own);
	return is_texty(seen) && is_texty(told) ? told : seen;
}

/* The charset parameter, or an empty slice. */
static struct br_slice charset_of(const char *type)
{
	const char *p = strcasestr(type, "charset=");
	size_t n;

	if (!p)
		return br_slice("", 0);
	p += 8;
	p += *p == '"' || *p == '\'';
	n = strcspn(p, "\"'; \t,");
	return br_slice(p, n);
}

static bool convert(struct br_buf *out, iconv_t cd, struct br_slice in)
{
	char *from = (char *)(uintptr_t)in.ptr, piece[8192];
	size_t left = in.len;

	while (left && !out->failed) {
		char *to = piece;
		size_t room = sizeof piece;
		size_t rc = iconv(cd, &from, &left, &to, &room);

		br_buf_add(out, piece, (size_t)(to - piece));
		if (rc == (size_t)-1 && errno != E2BIG)
			return false;
	}
	return !out->failed;
}

bool web__to_utf8(struct br_buf *out, const char *content_type, enum br_format f, struct br_slice bytes)
{
	struct br_slice set = content_type ? charset_of(content_type) : br_slice("", 0);
	char name[32];
	iconv_t cd;
	bool ok;

	if (!is_texty(f) || !set.len || set.len >= sizeof name || br_utf8_valid(bytes.ptr, bytes.len) == bytes.len)
		return false;
	memcpy(name, set.ptr, set.len);
	name[set.len] = 0;
	if (!strcasecmp(name, "utf-8") || strchr(name, '/') || (cd = iconv_open("UTF-8", name)) == (iconv_t)-1)
		return false;
	br_buf_adds(out, "\xef\xbb\xbf"); /* tells readers more loudly than what the page says of itself */
	ok = convert(out, cd, bytes);
	iconv_close(cd);
	return ok;
}

bool web__is_no_text(const char *url)
{
	static const char *const endings[] = {
		"7z", "avi", "bin", "bz2", "css", "deb", "dmg", "exe", "gif", "gz", "ico", "iso", "jar", "jpeg", "jpg", "js", "mjs",
		"mov", "mp3", "mp4", "mpeg", "mpg", "msi", "ogg", "otf", "png", "rar", "rpm", "svg", "tgz", "tif", "tiff", "ttf", "wasm",
		"wav", "webm", "webp", "woff", "woff2", "xz", "zip", "zst",
	};
	struct br_slice name = br_url_name(url);
	const char *dot = name.len ? memrchr(name.ptr, '.', name.len) : NULL;
	size_t n = dot ? name.len - (size_t)(dot + 1 - name.ptr) : 0;

	for (size_t i = 0; i < BR_COUNT(endings); i++)
		if (strlen(endings[i]) == n && !strncasecmp(endings[i], dot + 1, n))
			return true;
	return false;
}
