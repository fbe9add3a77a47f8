/*
 * TAR archives as folders, bare or compressed by gzip, zstd or xz: old, POSIX and GNU headers with long names. A
 * compressed file that is no archive holds one document, the file itself.
 */
#include "extract/inflate.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCK = 512, LONG_NAME = 8192, TYPE = 156 };

struct tar {
	struct br_extract__inflate *in;
	const struct br_extract__emit *to;
	struct br_buf content;
	struct br_buf name;           /* from a header in front of the file's own, or empty */
	int64_t size;                 /* likewise, or -1 */
	struct br_err *err;
};

/* ---- headers ---- */

/* Octal digits, or with the top bit set a number in 8 to 12 bytes; -1 when it is neither. */
static int64_t number(const char *p, size_t n)
{
	int64_t v = 0;
	size_t i = 0;

	if (*p & 0x80) {
		for (i = n - 8; i < n; i++)
			v = (int64_t)((uint64_t)v << 8 | (unsigned char)p[i]);
		return v < 0 ? -1 : v;
	}
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		v = v << 3 | (p[i] - '0');
	return i < n && p[i] && p[i] != ' ' ? -1 : v;
}

static bool is_header(const char *h)
{
	int64_t sum = 0, stated = number(h + 148, 8);

	for (int i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)h[i];
	return stated == sum && sum;
}

static bool is_end(const char *h)
{
	for (int i = 0; i < BLOCK; i++)
		if (h[i])
			return false;
	return true;
}

static void own_name(struct tar *t, const char *h)
{
	if (t->name.len)
		return;
	if (!memcmp(h + 257, "ustar\0", 6) && h[345])
		br_buf_addf(&t->name, "%.155s/", h + 345);
	br_buf_addf(&t->name, "%.100s", h);
}

/* Records of a POSIX header: "27 path=some/name\n". */
static void read_pax(struct tar *t)
{
	const char *p = t->content.ptr, *end = p + t->content.len;

	while (p < end) {
		const char *record = p, *eq;
		size_t n = 0;

		while (p < end && *p >= '0' && *p <= '9' && n < LONG_NAME)
			n = n * 10 + (size_t)(*p++ - '0');
		if (p >= end || *p != ' ' || n > (size_t)(end - record) || n < (size_t)(p - record) + 3)
			return;
		p++;
		eq = memchr(p, '=', (size_t)(record + n - p));
		if (eq && eq - p == 4 && !memcmp(p, "path", 4)) {
			br_buf_reset(&t->name);
			br_buf_add(&t->name, eq + 1, (size_t)(record + n - 1 - (eq + 1)));
		} else if (eq && eq - p == 4 && !memcmp(p, "size", 4)) {
			t->size = strtoll(eq + 1, NULL, 10);
		}
		p = record + n;
	}
}

/* ---- contents ---- */

static int short_end(struct tar *t)
{
	return br_fail(t->err, BR_EINPUT, "damaged: it ends within '%.100s'", t->name.ptr);
}

/* n bytes and what fills the last block, into content when `keep`. */
static int read_content(struct tar *t, int64_t n, bool keep)
{
	uint64_t left = ((uint64_t)n + BLOCK - 1) / BLOCK * BLOCK;
	char piece[64 << 10];
	int64_t got;

	br_buf_reset(&t->content);
	while (left) {
		if ((got = br_extract__inflate(t->in, piece, BR_MIN(left, sizeof piece), t->err)) < 0)
			return (int)got;
		if (got == 0 && n <= 0)
			return 0;
		if (got == 0)
			return short_end(t);
		if (keep && n > 0)
			br_buf_add(&t->content, piece, (size_t)BR_MIN(got, n));
		n -= got;
		left -= (uint64_t)got;
	}
	return 0;
}

static int emit(struct tar *t, enum br_code code, struct br_slice body)
{
	return t->to->member(code, br_buf_slice(&t->name), body, t->to->arg) < 0 ? br_fail(t->err, BR_EIO,
	    "br is gone") : 0;
}

static int read_file(struct tar *t, int64_t size)
{
	bool fits = size <= (int64_t)BR_MAX_MEMBER;
	int rc = read_content(t, size, fits);

	if (rc == 0 && !fits)
		rc = emit(t, BR_ETOOBIG, br_slice_str("larger than 64 MB"));
	else if (rc == 0)
		rc = emit(t, BR_OK, br_buf_slice(&t->content));
	br_buf_reset(&t->name);
	t->size = -1;
	return rc;
}

static int read_entry(struct tar *t, const char *h)
{
	int64_t size = number(h + 124, 12);
	char type = h[TYPE];
	int rc;

	if (size < 0 || size > INT64_C(1) << 40)
		return br_fail(t->err, BR_EINPUT, "damaged: a size that makes no sense");
	if (type == 'L' || type == 'x') {
		rc = read_content(t, BR_MIN(size, (int64_t)BR_MAX_MEMBER), size <= (int64_t)BR_MAX_MEMBER);
		if (rc == 0 && type == 'x')
			read_pax(t);
		if (rc == 0 && type == 'L') {
			br_buf_reset(&t->name);
			br_buf_add(&t->name, t->content.ptr, strnlen(t->content.ptr, BR_MIN(t->content.len,
			    (size_t)LONG_NAME)));
		}
		return rc;
	}
	own_name(t, h);
	if (type == '0' || type == 0 || type == '7')
		if (!t->name.len || t->name.ptr[t->name.len - 1] != '/')
			return read_file(t, t->size >= 0 ? t->size : size);
	/* folders, links, devices, global headers */
	rc = type == '1' || type == '2' || type == '5' ? 0 : read_content(t, size, false);
	br_buf_reset(&t->name);
	t->size = -1;
	return rc;
}

/* Reads until the block is full or the input ends. */
static int64_t read_block(struct tar *t, char *h)
{
	int64_t n = 0, got;

	while (n < BLOCK) {
		if ((got = br_extract__inflate(t->in, h + n, (size_t)(BLOCK - n), t->err)) < 0)
			return got;
		if (got == 0)
			break;
		n += got;
	}
	return n;
}

static int read_entries(struct tar *t, char *h)
{
	int64_t n;
	int rc;

	for (;;) {
		if (is_end(h))
			return 0;
		if (!is_header(h))
			return br_fail(t->err, BR_EINPUT, "damaged: no header behind '%.100s'", t->name.len
			    ? t->name.ptr : "its last member");
		if ((rc = read_entry(t, h)) < 0)
			return rc;
		if ((n = read_block(t, h)) < 0)
			return (int)n;
		if (n == 0)
			return 0; /* without the two empty blocks: common */
		if (n < BLOCK)
			return br_fail(t->err, BR_EINPUT, "damaged: it ends within a header");
	}
}

/* What was compressed is a file: its first block is at hand. */
static int read_single(struct tar *t, const char *h, int64_t n)
{
	char piece[64 << 10];
	int64_t got = 1;

	br_buf_add(&t->content, h, (size_t)n);
	while (got > 0 && !t->content.failed)
		if ((got = br_extract__inflate(t->in, piece, sizeof piece, t->err)) > 0)
			br_buf_add(&t->content, piece, (size_t)got);
	if (got < 0)
		return (int)got;
	if (t->content.failed)
		return emit(t, BR_ETOOBIG, br_slice_str("larger than 64 MB"));
	return t->content.len ? emit(t, BR_OK, br_buf_slice(&t->content)) : 0;
}

int br_extract__untar(struct br_slice bytes, const struct br_extract__emit *to, struct br_err *err)
{
	struct tar t = { .to = to, .content = BR_BUF_INIT(BR_MAX_MEMBER), .name = BR_BUF_INIT(LONG_NAME + 512),
	    .size = -1, .err = err };
	bool packed;
	char h[BLOCK];
	int64_t n;
	int rc = br_extract__inflate_open(&t.in, bytes, &packed, err);

	if (rc < 0)
		return rc;
	if ((n = read_block(&t, h)) < 0)
		rc = (int)n;
	else if (n == BLOCK && (is_header(h) || (!packed && is_end(h))))
		rc = read_entries(&t, h);
	else
		rc = packed ? read_single(&t, h, n) : br_fail(err, BR_EINPUT,
		    "damaged: its first header is none of a tar archive");
	br_extract__inflate_close(t.in);
	br_buf_release(&t.content);
	br_buf_release(&t.name);
	return rc;
}
