/*
 * What kind of file this is: magic numbers and control bytes tell binary files, then the name decides,
 * then a look at the first lines.
 */
#include "internal.h"

#include <strings.h>

enum { HEAD = 8192, LOOK = 16384 };

/* What is not read has a `why`. */
struct magic { uint16_t at; uint8_t len; const char *bytes, *why; enum br_format format; };
#define M(at, bytes, why) { at, sizeof(bytes) - 1, bytes, why, BR_FMT_UNKNOWN }
#define F(at, bytes, format) { at, sizeof(bytes) - 1, bytes, NULL, BR_FMT_##format }

static const struct magic magics[] = {
	F(0, "%PDF-", PDF), M(0, "%!PS", "PostScript document"), F(0, "{\\rtf", RTF),
	F(0, "\x89PNG\r\n\x1a\n", IMAGE), F(0, "\xff\xd8\xff", IMAGE), M(0, "GIF87a", "GIF image"), M(0, "GIF89a", "GIF image"),
	F(8, "WEBP", IMAGE), F(0, "II*\0", IMAGE), F(0, "MM\0*", IMAGE), M(0, "\0\0\1\0", "icon"), M(0, "8BPS", "Photoshop image"),
	M(4, "ftypavif", "AVIF image"), M(4, "ftypheic", "HEIF image"), M(4, "ftyp", "MP4 video"), M(0, "\x1a\x45\xdf\xa3", "Matroska video"),
	M(8, "AVI LIST", "AVI video"), M(0, "FLV\1", "Flash video"), M(0, "\0\0\1\xba", "MPEG video"),
	M(8, "WAVE", "WAV audio"), M(0, "OggS", "Ogg audio"), M(0, "fLaC", "FLAC audio"), M(0, "ID3", "MP3 audio"), M(0, "\xff\xfb", "MP3 audio"),
	M(0, "MThd", "MIDI audio"),
	M(0, "\x7f""ELF", "ELF program or library"), M(0, "MZ\x90\0", "Windows program"), M(0, "\xcf\xfa\xed\xfe", "Mach-O program"),
	M(0, "\xce\xfa\xed\xfe", "Mach-O program"), M(0, "\xca\xfe\xba\xbe", "Java class file"), M(0, "\0asm", "WebAssembly module"),
	M(0, "!<arch>\n", "static library"), M(2, "\r\n\0\0\0\0", "Python bytecode"), M(0, "BC\xc0\xde", "LLVM bitcode"),
	F(0, "\x1f\x8b", TAR), F(0, "\x28\xb5\x2f\xfd", TAR), F(0, "\xfd""7zXZ\0", TAR), M(0, "BZh", "bzip2 archive"),
	M(0, "\x04\x22\x4d\x18", "lz4 archive"), M(0, "7z\xbc\xaf\x27\x1c", "7-Zip archive"), M(0, "Rar!\x1a\x07", "RAR archive"),
	F(257, "ustar", TAR), M(0, "\xed\xab\xee\xdb", "RPM package"), M(0, "xar!", "xar archive"),
	M(0, "SQLite format 3\0", "SQLite database"), M(0, "PAR1", "Parquet data"), M(0, "ORC", "ORC data"), M(0, "\x89HDF\r\n", "HDF5 data"),
	M(0, "wOFF", "font"), M(0, "wOF2", "font"), M(0, "OTTO", "font"), M(0, "\0\1\0\0\0", "font"), M(0, "ttcf", "font"),
	M(0, "DIRC\0", "git index"), M(0, "PACK\0", "git pack"), M(0, "\xfftOc", "git pack index"),
};
#undef M
#undef F

/* NUL, or more than one byte in fifty is a control byte that text does not use. */
static bool binary_bytes(struct br_slice b)
{
	static const bool control[256] = { [1 ... 7] = true, [14 ... 26] = true, [28 ... 31] = true, [127] = true };
	size_t n = BR_MIN(b.len, (size_t)HEAD), count = 0;

	if (n && memchr(b.ptr, 0, n))
		return true;
	for (size_t i = 0; i < n; i++)
		count += control[(unsigned char)b.ptr[i]];
	return count * 50 > n;
}

static bool wide_text(struct br_slice b)
{
	return (b.len >= 2 && (!memcmp(b.ptr, "\xff\xfe", 2) || !memcmp(b.ptr, "\xfe\xff", 2))) ||
	       (b.len >= 4 && !memcmp(b.ptr, "\0\0\xfe\xff", 4)) || br_text__utf16_by_nul(b);
}

/* Most magic numbers could be letters that a text begins with: they count only in binary data. These stand in files that are text. */
static bool text_magic(const struct magic *m)
{
	return m->bytes[0] == '%' || m->bytes[0] == '{' || m->bytes[0] == '!';
}

/* Bytes in front of a PDF's magic number, which readers put up with, are few. */
static bool late_pdf(struct br_slice b)
{
	return memmem(b.ptr, BR_MIN(b.len, (size_t)1024), "%PDF-", 5) != NULL;
}

/* Formats that are no text. UNKNOWN with *why: nothing we read; without: it may be text. */
static enum br_format binary_format(struct br_slice b, enum br_format named, const char **why)
{
	bool binary = binary_bytes(b);
	enum br_format f = br_text__container(b, named, why);

	if (f || *why)
		return f;
	for (size_t i = 0; i < BR_COUNT(magics); i++) {
		const struct magic *m = &magics[i];
		if (b.len >= (size_t)m->at + m->len && !memcmp(b.ptr + m->at, m->bytes, m->len) && (binary || text_magic(m))) {
			*why = m->why;
			return m->format;
		}
	}
	if (binary && b.len > 54 && !memcmp(b.ptr, "BM", 2))
		return BR_FMT_IMAGE;
	if ((binary || named == BR_FMT_PDF) && late_pdf(b))
		return BR_FMT_PDF;
	*why = binary && !wide_text(b) ? "binary data" : NULL;
	return BR_FMT_UNKNOWN;
}

/* ---- text without a telling name ---- */

static bool begins(struct br_slice b, const char *word)
{
	size_t n = strlen(word);

	return b.len >= n && !strncasecmp(b.ptr, word, n);
}

static struct br_slice without_space(struct br_slice b)
{
	if (begins(b, "\xef\xbb\xbf"))
		b = br_slice(b.ptr + 3, b.len - 3);
	while (b.len && br_text__blank(*b.ptr))
		b = br_slice(b.ptr + 1, b.len - 1);
	return b;
}

/* Past "<?xml ...?>" and comments, to the first element. */
static struct br_slice without_prolog(struct br_slice b)
{
	for (;;) {
		const char *stop = begins(b, "<?") ? "?>" : begins(b, "<!--") ? "-->" : NULL, *end;
		if (!stop || !(end = memmem(b.ptr, BR_MIN(b.len, (size_t)LOOK), stop, strlen(stop))))
			return b;
		end += strlen(stop);
		b = without_space(br_slice(end, b.len - (size_t)(end - b.ptr)));
	}
}

/* A bracket, then what may follow it in JSON. "[link]: x" and "{% raw %}" are none. */
static bool like_json(struct br_slice b)
{
	struct br_slice in = without_space(br_slice(b.ptr + 1, b.len - 1));

	if (!in.len)
		return false;
	if (b.ptr[0] == '{')
		return in.ptr[0] == '}' || (in.ptr[0] == '"' && memmem(in.ptr, BR_MIN(in.len, (size_t)HEAD), "\":", 2)) ||
		       (in.ptr[0] == '"' && memmem(in.ptr, BR_MIN(in.len, (size_t)HEAD), "\" :", 3));
	return strchr("[{\"]", in.ptr[0]) || ((br_text__digit(in.ptr[0]) || in.ptr[0] == '-') && memchr(in.ptr, ',', BR_MIN(in.len, (size_t)HEAD)));
}

/* Two lines or more that are each an object. */
static bool like_ndjson(struct br_slice b)
{
	const char *nl = memchr(b.ptr, '\n', b.len);

	if (b.ptr[0] != '{' || !nl || nl[-1 - (nl[-1] == '\r')] != '}')
		return false;
	return begins(without_space(br_slice(nl + 1, b.len - (size_t)(nl + 1 - b.ptr))), "{\"");
}

struct signs { int rst, adoc, md; };

/* The line under `prev` is a rule of about its length: git's manual pages if prev ends with "(1)", reST otherwise. */
static void read_underline(struct signs *s, const struct br_text__line *l, const struct br_text__line *prev)
{
	uint32_t n = br_text__line_len(l), width = br_text__columns(prev->p + prev->first, br_text__line_len(prev));
	char c = '=';

	if (width < 3 || n + 1 < width || n > width + 1 || !br_text__line_rule(l, 3, &c))
		return;
	if (prev->p[prev->end - 1] == ')' && prev->p[prev->end - 3] == '(')
		s->adoc += 3;
	else
		s->rst++;
}

static void read_signs(struct signs *s, const struct br_text__line *l)
{
	const char *p = l->p + l->first;
	uint32_t n = br_text__line_len(l);

	if (l->indent || n < 3)
		return;
	if (br_text__starts(l, ".. ") && n > 4 && (memmem(p, n, "::", 2) || p[3] == '_' || p[3] == '['))
		s->rst += 2;
	else if (br_text__starts(l, "== ") || br_text__starts(l, "=== "))
		s->adoc += 2;
	else if (br_text__is(l, "|===") || br_text__starts(l, "[[") || br_text__starts(l, "ifdef::") || br_text__starts(l, "include::"))
		s->adoc++;
	else if (br_text__starts(l, "# ") || br_text__starts(l, "## "))
		s->md++;
	else if (br_text__starts(l, "```") || memmem(p, n, "](http", 6))
		s->md += 2;
}

static enum br_format by_signs(struct br_slice b)
{
	struct signs s = { 0, 0, 0 };
	struct br_text__line l, prev = { 0 };
	size_t at = 0;

	b.len = BR_MIN(b.len, (size_t)LOOK);
	for (; br_text__line(&l, b, at); at = l.next) {
		if (!br_text__line_blank(&prev))
			read_underline(&s, &l, &prev);
		read_signs(&s, &l);
		prev = l;
	}
	if (BR_MAX(s.rst, BR_MAX(s.adoc, s.md)) < 3)
		return BR_FMT_PLAIN;
	if (s.md >= s.rst && s.md >= s.adoc)
		return BR_FMT_MARKDOWN;
	return s.rst >= s.adoc ? BR_FMT_RST : BR_FMT_ASCIIDOC;
}

/* Lines "Name: value" up to an empty line, two or more of them of the kind that only mail has. */
static bool like_mail(struct br_slice b)
{
	static const char *const names[] = { "Received:", "From:", "Message-ID:", "MIME-Version:", "Return-Path:", "Delivered-To:", "Subject:",
		"Date:", "To:" };
	struct br_text__line l;
	int own = 0, known = 0;

	for (size_t at = 0; br_text__line(&l, br_slice(b.ptr, BR_MIN(b.len, (size_t)LOOK)), at) && !br_text__line_blank(&l); at = l.next) {
		size_t n = 0, len = br_text__line_len(&l);
		if (l.first > l.off)
			continue; /* folded */
		while (n < len && l.p[l.off + n] > ' ' && l.p[l.off + n] != ':')
			n++;
		if (!n || n == len || l.p[l.off + n] != ':')
			return false;
		for (size_t i = 0; i < BR_COUNT(names); i++)
			if (len >= strlen(names[i]) && !strncasecmp(l.p + l.off, names[i], strlen(names[i]))) {
				known++;
				own += i < 6;
			}
	}
	return own >= 1 && known >= 3;
}

static bool like_mbox(struct br_slice b)
{
	const char *nl = b.len > 6 && !memcmp(b.ptr, "From ", 5) ? memchr(b.ptr, '\n', BR_MIN(b.len, (size_t)HEAD)) : NULL;

	return nl && like_mail(br_slice(nl + 1, b.len - (size_t)(nl + 1 - b.ptr)));
}

static bool like_html(struct br_slice b)
{
	return begins(b, "<!doctype html") || begins(b, "<html") || begins(b, "<head") || begins(b, "<body");
}

static enum br_format by_content(struct br_slice bytes, enum br_format named)
{
	struct br_slice b = without_space(bytes);
	struct br_slice root = without_prolog(b);

	if (!b.len)
		return BR_FMT_PLAIN;
	if (like_html(root))
		return BR_FMT_HTML;
	if (!named && b.ptr[0] == '#' && b.len > 2 && b.ptr[1] == '!')
		return BR_FMT_CODE;
	if (!named && like_mbox(b))
		return BR_FMT_MBOX;
	if (!named && like_mail(b))
		return BR_FMT_MAIL;
	if (!named && begins(b, "WEBVTT"))
		return BR_FMT_SUBTITLES;
	if (begins(b, "<?xml"))
		return BR_FMT_XML;
	if ((b.ptr[0] == '{' || b.ptr[0] == '[') && like_json(b))
		return like_ndjson(b) ? BR_FMT_NDJSON : BR_FMT_JSON;
	return by_signs(b);
}

/* Formats whose files are text, so that a name is enough to tell them. */
static bool is_text_format(enum br_format f)
{
	return (f > BR_FMT_PLAIN && f <= BR_FMT_HTML) || f == BR_FMT_MAIL || f == BR_FMT_MBOX || f == BR_FMT_XML || f == BR_FMT_IPYNB ||
	       f == BR_FMT_SUBTITLES;
}

enum br_format br_sniff(const char *name, struct br_slice bytes, const char **why)
{
	enum br_format named = name ? br_text__by_name(name) : BR_FMT_UNKNOWN, f;
	size_t n = name ? strlen(name) : 0;
	const char *kind;

	f = binary_format(bytes, named, &kind);
	if (!f && !kind && n > 4 && !strcasecmp(name + n - 4, ".svg"))
		kind = "SVG image";
	if (why)
		*why = kind ? kind : "";
	if (f || kind)
		return f;
	if (wide_text(bytes))
		return named == BR_FMT_PLAIN || is_text_format(named) ? named : BR_FMT_PLAIN;
	return is_text_format(named) ? named : by_content(bytes, named == BR_FMT_PLAIN ? named : BR_FMT_UNKNOWN);
}
