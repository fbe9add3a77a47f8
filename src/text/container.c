/*
 * Containers: ZIP archives and OLE2 files, told apart by the names of what is in them. Nothing is unpacked; names are
 * read from the directory at the end of a ZIP, or from the headers at its beginning when only that is at hand.
 */
#include "internal.h"

enum {
	ZIP_LOCAL = 30, ZIP_CENTRAL = 46, ZIP_END = 22,
	ZIP_NAMES = 10000,           /* names looked at */
	ZIP_TAIL = 64 << 10,         /* the comment behind a ZIP's directory is at most that long */
	ZIP_HEAD = 64 << 10,         /* where headers are looked for when the directory is missing */
	OLE_SECTOR = 512, OLE_ENTRY = 128,
};

/* What is in a ZIP, as bits. */
enum {
	IN_WORD = 1, IN_XL = 2, IN_PPT = 4, IN_OOXML = 8, IN_JAR = 16, IN_ANDROID = 32, IN_XLSB = 64, IN_EPUB = 128,
};

static bool name_is(struct br_slice n, const char *what)
{
	return n.len == strlen(what) && !memcmp(n.ptr, what, n.len);
}

static bool name_begins(struct br_slice n, const char *what)
{
	return n.len >= strlen(what) && !memcmp(n.ptr, what, strlen(what));
}

static unsigned bits_of(struct br_slice n)
{
	if (name_is(n, "[Content_Types].xml"))
		return IN_OOXML;
	if (name_is(n, "AndroidManifest.xml"))
		return IN_ANDROID;
	if (name_is(n, "META-INF/container.xml"))
		return IN_EPUB;
	if (name_is(n, "META-INF/MANIFEST.MF"))
		return IN_JAR;
	if (name_is(n, "xl/workbook.bin"))
		return IN_XLSB;
	return name_begins(n, "word/") ? IN_WORD : name_begins(n, "xl/") ? IN_XL : name_begins(n, "ppt/") ? IN_PPT : 0;
}

/* Where the directory begins, or b.len when there is none. */
static size_t zip_directory(struct br_slice b)
{
	size_t low = b.len > ZIP_TAIL + ZIP_END ? b.len - ZIP_TAIL - ZIP_END : 0;

	for (size_t at = b.len < ZIP_END ? 0 : b.len - ZIP_END + 1; at-- > low;)
		if (!memcmp(b.ptr + at, "PK\5\6", 4)) {
			size_t size = br_rd_le32(b.ptr + at + 12);
			return size <= at ? at - size : b.len; /* its own offset may be off when bytes stand before the archive */
		}
	return b.len;
}

static unsigned central_names(struct br_slice b, size_t at)
{
	unsigned bits = 0;

	for (int i = 0; i < ZIP_NAMES && at + ZIP_CENTRAL <= b.len && !memcmp(b.ptr + at, "PK\1\2", 4); i++) {
		size_t n = br_rd_le16(b.ptr + at + 28), rest = (size_t)br_rd_le16(b.ptr + at + 30) + br_rd_le16(b.ptr + at + 32);
		if (n > b.len - at - ZIP_CENTRAL)
			break;
		bits |= bits_of(br_slice(b.ptr + at + ZIP_CENTRAL, n));
		at += ZIP_CENTRAL + n + rest;
	}
	return bits;
}

static unsigned local_names(struct br_slice b)
{
	unsigned bits = 0;
	const char *p = b.ptr, *end = p + BR_MIN(b.len, (size_t)ZIP_HEAD);

	while (end - p >= ZIP_LOCAL && (p = memmem(p, (size_t)(end - p), "PK\3\4", 4)) && end - p >= ZIP_LOCAL) {
		size_t n = br_rd_le16(p + 26);
		p += ZIP_LOCAL;
		if (n <= (size_t)(end - p))
			bits |= bits_of(br_slice(p, n));
	}
	return bits;
}

/* OpenDocument and EPUB say what they are in a first part "mimetype", stored as it is. */
static enum br_format by_mimetype(struct br_slice b, bool *opendocument)
{
	static const struct { const char *mime; enum br_format format; } odf[] = {
		{ "text", BR_FMT_ODT }, { "spreadsheet", BR_FMT_ODS }, { "presentation", BR_FMT_ODP },
	};
	static const char base[] = "application/vnd.oasis.opendocument.";
	const char *p = b.ptr + ZIP_LOCAL + 8;
	size_t n;

	*opendocument = false;
	if (b.len < ZIP_LOCAL + 8 + 64 || br_rd_le16(b.ptr + 26) != 8 || memcmp(b.ptr + ZIP_LOCAL, "mimetype", 8))
		return BR_FMT_UNKNOWN;
	p += br_rd_le16(b.ptr + 28);
	n = p < b.ptr + b.len ? (size_t)(b.ptr + b.len - p) : 0;
	if (n >= 20 && !memcmp(p, "application/epub+zip", 20))
		return BR_FMT_EPUB;
	if (n < sizeof base + 16 || memcmp(p, base, sizeof base - 1))
		return BR_FMT_UNKNOWN;
	*opendocument = true; /* some kind of it, at least */
	for (size_t i = 0; i < BR_COUNT(odf); i++)
		if (!memcmp(p + sizeof base - 1, odf[i].mime, strlen(odf[i].mime)))
			return odf[i].format;
	return BR_FMT_UNKNOWN;
}

static enum br_format zip_format(struct br_slice b, enum br_format named, const char **why)
{
	unsigned bits = central_names(b, zip_directory(b));
	bool opendocument;
	enum br_format f = by_mimetype(b, &opendocument);

	bits = bits ? bits : local_names(b);
	*why = opendocument && !f ? "OpenDocument drawing or formula" : bits & IN_XLSB ? "binary Excel workbook (xlsb)" :
	       bits & IN_ANDROID ? "Android package" : bits == IN_JAR ? "Java archive" : NULL;
	if (f || *why)
		return f;
	if (bits & (IN_WORD | IN_XL | IN_PPT) && bits & IN_OOXML)
		return bits & IN_WORD ? BR_FMT_DOCX : bits & IN_PPT ? BR_FMT_PPTX : BR_FMT_XLSX;
	if (bits & IN_EPUB)
		return BR_FMT_EPUB;
	/* Cut off, or its parts in unusual places: its name may say more. */
	if (named >= BR_FMT_DOCX && named <= BR_FMT_EPUB)
		return named;
	return bits & IN_WORD ? BR_FMT_DOCX : bits & IN_PPT ? BR_FMT_PPTX : bits & IN_XL ? BR_FMT_XLSX : BR_FMT_ZIP;
}

/* ---- OLE2: entries of its directory are 128 bytes, the name in UTF-16 first, its bytes counted at 64 ---- */

static bool entry_is(const char *e, const char *name)
{
	size_t n = strlen(name);

	if (br_rd_le16(e + 64) != 2 * n + 2)
		return false;
	for (size_t i = 0; i < n; i++)
		if (e[2 * i] != name[i] || e[2 * i + 1])
			return false;
	return true;
}

static enum br_format ole_format(struct br_slice b, enum br_format named, const char **why)
{
	static const struct { const char *name; enum br_format format; } streams[] = {
		{ "WordDocument", BR_FMT_DOC }, { "Workbook", BR_FMT_XLS }, { "Book", BR_FMT_XLS },
		{ "PowerPoint Document", BR_FMT_PPT },
	};
	enum br_format found = BR_FMT_UNKNOWN;

	*why = NULL;
	for (size_t at = OLE_SECTOR; at + OLE_ENTRY <= b.len; at += OLE_ENTRY) {
		if (b.ptr[at] < 'B' || b.ptr[at] > '_')
			continue;
		if (entry_is(b.ptr + at, "EncryptedPackage")) {
			*why = "is password-protected";
			return BR_FMT_UNKNOWN;
		}
		for (size_t i = 0; i < BR_COUNT(streams) && !found; i++)
			if (entry_is(b.ptr + at, streams[i].name))
				found = streams[i].format;
		if (entry_is(b.ptr + at, "__properties_version1.0"))
			*why = "Outlook message";
	}
	if (!found && !*why && named >= BR_FMT_DOC && named <= BR_FMT_PPT)
		return named;
	if (!found && !*why)
		*why = "OLE2 file that is no Word, Excel or PowerPoint document";
	return found;
}

enum br_format br_text__container(struct br_slice b, enum br_format named, const char **why)
{
	*why = NULL;
	if (b.len >= 8 && !memcmp(b.ptr, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8))
		return ole_format(b, named, why);
	if (b.len >= 4 && (!memcmp(b.ptr, "PK\3\4", 4) || !memcmp(b.ptr, "PK\5\6", 4)))
		return zip_format(b, named, why);
	return BR_FMT_UNKNOWN;
}
