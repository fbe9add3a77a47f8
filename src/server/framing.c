/*
 * The bytes of a body out of the bytes of a connection: counted, or in chunks. Chunk sizes, extensions and trailers are read as
 * strictly as heads are, and are bounded.
 */
#include "head.h"

#include <ctype.h>

#define LINE_MAX 8192u /* bytes of a chunk's extension, of all trailers */

void br_framing_init(struct br_framing *f, const struct br_head *h)
{
	*f = (struct br_framing){ 0 };
	if (h->chunked) {
		f->state = BR_FR_SIZE;
	} else if (h->length > 0) {
		f->state = BR_FR_PLAIN;
		f->left = (uint64_t)h->length;
	}
}

static int hex(unsigned char c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? (c | 0x20) - 'a' + 10 : -1;
}

static bool size_byte(struct br_framing *f, unsigned char c)
{
	int v = hex(c);

	if (v >= 0) {
		f->size = f->size << 4 | (unsigned)v;
		return ++f->digits <= 15;
	}
	if (!f->digits)
		return false;
	f->state = c == '\r' ? BR_FR_SIZE_LF : BR_FR_EXT;
	return c == '\r' || c == ';' || c == ' ' || c == '\t';
}

static void chunk_begins(struct br_framing *f)
{
	f->state = f->size ? BR_FR_DATA : BR_FR_TRAILER;
	f->left = f->size;
	f->size = f->digits = f->line = 0;
}

/* `line` counts bytes over all trailers; digits those of this line. */
static bool trailer_byte(struct br_framing *f, unsigned char c)
{
	if (c == '\r') {
		f->state = f->digits ? BR_FR_TRAILER_LF : BR_FR_LAST_LF;
		return true;
	}
	f->digits = 1;
	return ++f->line <= LINE_MAX && (c >= 0x20 || c == '\t') && c != 0x7f;
}

/* One byte between the pieces of data; false: damaged. */
static bool step(struct br_framing *f, unsigned char c)
{
	switch (f->state) {
	case BR_FR_SIZE:
		return size_byte(f, c);
	case BR_FR_EXT:
		if (c == '\r')
			f->state = BR_FR_SIZE_LF;
		return ++f->line <= LINE_MAX && (c >= 0x20 || c == '\t' || c == '\r') && c != 0x7f;
	case BR_FR_SIZE_LF:
		chunk_begins(f);
		return c == '\n';
	case BR_FR_DATA_CR:
		f->state = BR_FR_DATA_LF;
		return c == '\r';
	case BR_FR_DATA_LF:
		f->state = BR_FR_SIZE;
		return c == '\n';
	case BR_FR_TRAILER:
		return trailer_byte(f, c);
	case BR_FR_TRAILER_LF:
		f->state = BR_FR_TRAILER;
		f->digits = 0;
		return c == '\n';
	case BR_FR_LAST_LF:
		f->state = BR_FR_END;
		return c == '\n';
	default:
		return false;
	}
}

int br_framing_next(struct br_framing *f, struct br_slice *in, struct br_slice *data)
{
	size_t n;

	while (f->state != BR_FR_END && in->len) {
		if (f->state != BR_FR_PLAIN && f->state != BR_FR_DATA) {
			if (!step(f, (unsigned char)*in->ptr))
				return -400;
			*in = br_slice(in->ptr + 1, in->len - 1);
			continue;
		}
		n = (size_t)BR_MIN(f->left, (uint64_t)in->len);
		*data = br_slice(in->ptr, n);
		*in = br_slice(in->ptr + n, in->len - n);
		f->left -= n;
		if (!f->left)
			f->state = f->state == BR_FR_DATA ? BR_FR_DATA_CR : BR_FR_END;
		return 1;
	}
	return f->state == BR_FR_END ? 2 : 0;
}
