/*
 * Buffers: growable bytes with a maximum and a sticky failure, and the byte codecs that write into them and read back.
 */
#include "br/base.h"

#include <stdio.h>
#include <stdlib.h>

char br_buf_empty[1];

void br_buf_init(struct br_buf *b, size_t max)
{
	*b = (struct br_buf)BR_BUF_INIT(max);
}

void br_buf_release(struct br_buf *b)
{
	if (b->cap)
		free(b->ptr);
	br_buf_init(b, b->max);
}

void br_buf_reset(struct br_buf *b)
{
	if (b->cap)
		b->ptr[0] = 0;
	else
		b->ptr = br_buf_empty;
	b->len = 0;
	b->failed = BR_OK;
}

static bool grow(struct br_buf *b, size_t need)
{
	size_t cap = BR_MAX(BR_MAX(b->cap + b->cap / 2, need + 1), 64);
	char *old = b->cap ? b->ptr : NULL, *p = b->max == SIZE_MAX ? br_realloc(old, cap) : realloc(old, cap);

	if (!p) {
		b->failed = BR_ENOMEM;
		return false;
	}
	b->ptr = p;
	b->cap = cap;
	b->ptr[b->len] = 0;
	return true;
}

bool br_buf_reserve(struct br_buf *b, size_t extra)
{
	if (b->failed)
		return false;
	if (extra > b->max || b->len > b->max - extra) {
		b->failed = BR_ETOOBIG;
		return false;
	}
	return b->len + extra < b->cap || grow(b, b->len + extra);
}

void br_buf_add(struct br_buf *b, const void *p, size_t n)
{
	if (!n || !br_buf_reserve(b, n))
		return;
	memcpy(b->ptr + b->len, p, n);
	b->len += n;
	b->ptr[b->len] = 0;
}

void br_buf_addz(struct br_buf *b, size_t n)
{
	if (!n || !br_buf_reserve(b, n))
		return;
	memset(b->ptr + b->len, 0, n + 1);
	b->len += n;
}

void br_buf_adds(struct br_buf *b, const char *s) { br_buf_add(b, s, strlen(s)); }
void br_buf_addc(struct br_buf *b, char c) { br_buf_add(b, &c, 1); }

void br_buf_vaddf(struct br_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n <= 0 || !br_buf_reserve(b, (size_t)n))
		return;
	vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void br_buf_addf(struct br_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	br_buf_vaddf(b, fmt, ap);
	va_end(ap);
}

char *br_buf_take(struct br_buf *b, size_t *len)
{
	char *p = b->cap ? b->ptr : br_strdup("");

	if (len)
		*len = b->len;
	br_buf_init(b, b->max);
	return p;
}

int br_buf_check(const struct br_buf *b, const char *what, struct br_err *err)
{
	if (!b->failed)
		return 0;
	if (b->failed == BR_ETOOBIG)
		return br_fail(err, BR_ETOOBIG, "%s: over the limit of %zu bytes", what, b->max);
	return br_fail(err, b->failed, "%s: out of memory", what);
}

/* ---- codecs ---- */

void br_buf_u8(struct br_buf *b, uint8_t v) { br_buf_add(b, &v, 1); }
void br_buf_le16(struct br_buf *b, uint16_t v) { br_buf_add(b, &v, 2); }
void br_buf_le32(struct br_buf *b, uint32_t v) { br_buf_add(b, &v, 4); }
void br_buf_le64(struct br_buf *b, uint64_t v) { br_buf_add(b, &v, 8); }

void br_buf_varint(struct br_buf *b, uint64_t v)
{
	unsigned char p[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		p[n++] = (unsigned char)(v | 0x80);
	p[n++] = (unsigned char)v;
	br_buf_add(b, p, n);
}

void br_buf_lstr(struct br_buf *b, const char *p, size_t n)
{
	br_buf_varint(b, n);
	br_buf_add(b, p, n);
}

static bool have(struct br_rd *r, size_t n)
{
	if (r->bad || (size_t)(r->end - r->p) < n) {
		r->bad = true;
		return false;
	}
	return true;
}

uint8_t br_rd_u8(struct br_rd *r) { return have(r, 1) ? *r->p++ : 0; }

#define READER(name, type, reader, size)         \
	type name(struct br_rd *r)               \
	{                                        \
		if (!have(r, size))              \
			return 0;                \
		r->p += (size);                  \
		return reader(r->p - (size));    \
	}
READER(br_rd_u16, uint16_t, br_rd_le16, 2)
READER(br_rd_u32, uint32_t, br_rd_le32, 4)
READER(br_rd_u64, uint64_t, br_rd_le64, 8)

uint64_t br_rd_varint(struct br_rd *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t c = br_rd_u8(r);
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return v;
	}
	r->bad = true;
	return 0;
}

struct br_slice br_rd_bytes(struct br_rd *r, size_t n)
{
	if (!have(r, n))
		return br_slice("", 0);
	r->p += n;
	return br_slice(r->p - n, n);
}

struct br_slice br_rd_lstr(struct br_rd *r)
{
	return br_rd_bytes(r, br_rd_varint(r));
}
