/*
 * Bytes in any encoding to UTF-8 with LF line ends. The usual file, UTF-8 with LF, costs one copy and three scans;
 * all else is named by its byte order mark, by where its NUL bytes are, or by uchardet, and converted by iconv.
 * uchardet is loaded when the first such file comes: with libstdc++ behind it, linking it would cost every start 0.8 ms.
 */
#include "internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <uchardet/uchardet.h>

enum { SAMPLE = 256 << 10, NUL_SAMPLE = 4096 };

static void add_replacement(struct br_buf *out) { br_buf_add(out, "\xef\xbf\xbd", 3); }

/* CRLF and CR become LF, NUL goes; in place, from the first byte that needs it. */
static void normalise(char *p, size_t *len)
{
	size_t n = *len, to, i;
	const char *cr = memchr(p, '\r', n), *nul = memchr(p, 0, n);

	if (!cr && !nul)
		return;
	to = i = (size_t)(BR_MIN(cr ? cr : p + n, nul ? nul : p + n) - p);
	for (bool after_cr = false; i < n; i++) {
		char c = p[i];
		if (c == '\r')
			p[to++] = '\n';
		else if (c && !(c == '\n' && after_cr))
			p[to++] = c;
		after_cr = c == '\r';
	}
	*len = to;
	p[to] = 0;
}

/* Byte order marks in front: some files have two, or one behind NULs. */
static void drop_marks(struct br_buf *b)
{
	size_t n = 0;

	while (b->len - n >= 3 && !memcmp(b->ptr + n, "\xef\xbb\xbf", 3))
		n += 3;
	if (!n)
		return;
	b->len -= n;
	memmove(b->ptr, b->ptr + n, b->len + 1);
}

/* UTF-8 with single bytes damaged: each of them becomes U+FFFD. */
static void add_damaged_utf8(struct br_buf *out, struct br_slice in)
{
	while (in.len && !out->failed) {
		size_t n = br_utf8_valid(in.ptr, in.len);
		br_buf_add(out, in.ptr, n);
		if (n == in.len)
			return;
		add_replacement(out);
		in = br_slice(in.ptr + n + 1, in.len - n - 1);
	}
}

/* ---- which encoding ---- */

struct bom { const char *bytes; uint8_t len; const char *encoding; };
static const struct bom boms[] = {
	{ "\xef\xbb\xbf", 3, "UTF-8" },
	{ "\xff\xfe\0\0", 4, "UTF-32LE" },
	{ "\0\0\xfe\xff", 4, "UTF-32BE" },
	{ "\xff\xfe", 2, "UTF-16LE" },
	{ "\xfe\xff", 2, "UTF-16BE" },
};

static const char *by_bom(struct br_slice *bytes)
{
	for (size_t i = 0; i < BR_COUNT(boms); i++) {
		if (bytes->len >= boms[i].len && !memcmp(bytes->ptr, boms[i].bytes, boms[i].len)) {
			*bytes = br_slice(bytes->ptr + boms[i].len, bytes->len - boms[i].len);
			return boms[i].encoding;
		}
	}
	return NULL;
}

const char *br_text__utf16_by_nul(struct br_slice bytes)
{
	size_t n = BR_MIN(bytes.len, (size_t)NUL_SAMPLE) & ~(size_t)1, nul[2] = { 0, 0 };

	if (n < 4 || !memchr(bytes.ptr, 0, n))
		return NULL;
	for (size_t i = 0; i < n; i++)
		nul[i & 1] += bytes.ptr[i] == 0;
	if (nul[0] + nul[1] < n / 8)
		return NULL;
	if (nul[1] > 10 * nul[0])
		return "UTF-16LE";
	return nul[0] > 10 * nul[1] ? "UTF-16BE" : NULL;
}

/* Most of what is beyond ASCII is valid UTF-8: a file cut in a character, or a stray byte. */
static bool mostly_utf8(struct br_slice in)
{
	size_t good = 0, bad = 0;

	in.len = BR_MIN(in.len, (size_t)SAMPLE);
	for (size_t i = 0; i < in.len;) {
		uint32_t cp;
		size_t n = in.ptr[i] & 0x80 ? br_utf8_next(&cp, in.ptr + i, in.len - i) : 1;
		good += n > 1;
		bad += n == 1 && (in.ptr[i] & 0x80);
		i += n;
	}
	return good >= 2 * bad && good;
}

/* High bytes that stand alone between ASCII: the accents of a Latin alphabet, whatever a detector says of a short text. */
static bool accents_only(struct br_slice in)
{
	size_t alone = 0, high = 0;

	in.len = BR_MIN(in.len, (size_t)SAMPLE);
	for (size_t i = 0; i < in.len; i++) {
		if (!(in.ptr[i] & 0x80))
			continue;
		high++;
		alone += !(i && in.ptr[i - 1] & 0x80) && !(i + 1 < in.len && in.ptr[i + 1] & 0x80);
	}
	return alone * 4 > high * 3;
}

static bool is_latin(const char *name)
{
	static const char *const latin[] = { "ISO-8859-1", "ISO-8859-2", "ISO-8859-3", "ISO-8859-4", "ISO-8859-9", "ISO-8859-10", "ISO-8859-13",
		"ISO-8859-15", "ISO-8859-16", "WINDOWS-1250", "WINDOWS-1252", "WINDOWS-1254", "WINDOWS-1257", "WINDOWS-1258" };

	for (size_t i = 0; i < BR_COUNT(latin); i++)
		if (!strcmp(name, latin[i]))
			return true;
	return false;
}

struct detector {
	void *lib;
	__typeof__(&uchardet_new) new;
	__typeof__(&uchardet_delete) delete;
	__typeof__(&uchardet_handle_data) handle_data;
	__typeof__(&uchardet_data_end) data_end;
	__typeof__(&uchardet_get_charset) get_charset;
};

/* NODELETE: the second and later times cost next to nothing. Without the library what is left are rules of thumb. */
static bool detector_load(struct detector *d)
{
	d->lib = dlopen("libuchardet.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!d->lib)
		return false;
	d->new = (__typeof__(d->new))dlsym(d->lib, "uchardet_new");
	d->delete = (__typeof__(d->delete))dlsym(d->lib, "uchardet_delete");
	d->handle_data = (__typeof__(d->handle_data))dlsym(d->lib, "uchardet_handle_data");
	d->data_end = (__typeof__(d->data_end))dlsym(d->lib, "uchardet_data_end");
	d->get_charset = (__typeof__(d->get_charset))dlsym(d->lib, "uchardet_get_charset");
	return d->new && d->delete && d->handle_data && d->data_end && d->get_charset;
}

static void ask_detector(char name[24], struct br_slice sample)
{
	struct detector d = { 0 };
	uchardet_t u = detector_load(&d) ? d.new() : NULL;

	if (u && !d.handle_data(u, sample.ptr, sample.len)) {
		d.data_end(u);
		snprintf(name, 24, "%s", d.get_charset(u));
	}
	if (u)
		d.delete(u);
	if (d.lib)
		dlclose(d.lib);
}

/* Files of mainframes: letters, digits and spaces stand where other encodings have accents and signs. A detector takes them for anything. */
static bool like_ebcdic(struct br_slice in)
{
	size_t spaces = 0, ascii = 0, words = 0, n = BR_MIN(in.len, (size_t)NUL_SAMPLE);

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)in.ptr[i], low = c & 15;
		spaces += c == 0x40;
		ascii += c == ' ' || c == '\n';
		words += c == 0x40 || c == 0x0d || c == 0x15 || c == 0x25 || (c >= 0x80 && c < 0xf0 && low >= 1 && low <= 9) || (c >= 0xf0 && low <= 9);
	}
	return n >= 64 && spaces * 16 > n && ascii * 100 < n && words * 100 > n * 85;
}

static void detect(char name[24], struct br_slice bytes)
{
	struct br_slice sample = bytes;
	size_t first = 0;

	/* The first bytes beyond ASCII may come late in a large file. */
	if (bytes.len > SAMPLE) {
		while (first < bytes.len - SAMPLE && !(bytes.ptr[first] & 0x80))
			first++;
		sample = br_slice(bytes.ptr + first, SAMPLE);
	}
	if (like_ebcdic(bytes)) {
		strcpy(name, "CP500");
		return;
	}
	ask_detector(name, sample);
	if (!name[0] || !strcmp(name, "ASCII") || !strcmp(name, "UTF-8") || (!is_latin(name) && accents_only(sample)))
		strcpy(name, "WINDOWS-1252");
}

/* ---- conversion ---- */

/* What cannot be converted becomes U+FFFD, one for each `unit` bytes. */
static int convert(struct br_buf *out, struct br_slice in, const char *encoding, size_t unit, struct br_err *err)
{
	iconv_t cd = iconv_open("UTF-8", encoding);
	char *from = (char *)(uintptr_t)in.ptr;
	size_t left = in.len;

	if (cd == (iconv_t)-1)
		return errno == EINVAL ? br_fail(err, BR_EUNSUPPORTED, "cannot convert from %s", encoding) :
		                         br_fail_errno(err, BR_EIO, "cannot convert from %s", encoding);
	while (left && br_buf_reserve(out, BR_MIN(left + left / 2 + 64, out->max - out->len))) {
		char *to = out->ptr + out->len;
		size_t room = BR_MIN(out->cap - 1, out->max) - out->len, had = room;
		size_t rc = iconv(cd, &from, &left, &to, &room);

		out->len += had - room;
		out->ptr[out->len] = 0;
		if (rc != (size_t)-1)
			break;
		if (errno == E2BIG) {
			if (had - room == 0)
				br_buf_reserve(out, 16);
			continue;
		}
		add_replacement(out);
		from += BR_MIN(left, unit);
		left -= BR_MIN(left, unit);
	}
	iconv_close(cd);
	return 0;
}

static int decode_other(struct br_buf *out, char encoding[24], struct br_slice in, struct br_err *err)
{
	const char *wide = encoding[0] ? encoding : br_text__utf16_by_nul(in);
	char name[24] = "";

	if (!wide && mostly_utf8(in)) {
		strcpy(encoding, "UTF-8");
		add_damaged_utf8(out, in);
		return 0;
	}
	if (wide)
		snprintf(name, sizeof name, "%s", wide);
	else
		detect(name, in);
	snprintf(encoding, 24, "%s", name);
	return convert(out, in, encoding, !wide ? 1 : !strncmp(wide, "UTF-32", 6) ? 4 : 2, err);
}

int br_decode(struct br_buf *out, char encoding[24], struct br_slice bytes, struct br_err *err)
{
	const char *bom = by_bom(&bytes);
	bool utf8 = !bom || !strcmp(bom, "UTF-8");
	int rc = 0;

	br_buf_reset(out);
	snprintf(encoding, 24, "%s", bom ? bom : "");
	if (utf8 && br_utf8_valid(bytes.ptr, bytes.len) == bytes.len && (bom || !br_text__utf16_by_nul(bytes))) {
		strcpy(encoding, "UTF-8");
		br_buf_add(out, bytes.ptr, bytes.len);
	} else if (bom && utf8) {
		add_damaged_utf8(out, bytes);
	} else {
		rc = decode_other(out, encoding, bytes, err);
	}
	if (rc < 0 || (rc = br_buf_check(out, "text", err)) < 0)
		return rc;
	if (out->len)
		normalise(out->ptr, &out->len);
	drop_marks(out);
	return 0;
}
