/*
 * What the records of this module have in common: strings, fixed fields, doubles.
 */
#include "internal.h"

void put_str(struct br_buf *b, const char *s) { br_buf_lstr(b, s ? s : "", s ? strlen(s) : 0); }

char *get_str(struct br_arena *a, struct br_rd *r)
{
	struct br_slice s = br_rd_lstr(r);

	return br_arena_strndup(a, s.ptr, s.len);
}

void get_fixed(char *out, size_t size, struct br_rd *r)
{
	struct br_slice s = br_rd_lstr(r);

	if (s.len >= size)
		r->bad = true;
	else if (s.len)
		memcpy(out, s.ptr, s.len);
}

void get_bytes(void *out, size_t n, struct br_rd *r)
{
	struct br_slice s = br_rd_bytes(r, n);

	if (s.len)
		memcpy(out, s.ptr, n);
}

void put_double(struct br_buf *b, double v)
{
	uint64_t u;

	memcpy(&u, &v, 8);
	br_buf_le64(b, u);
}

uint32_t get_varint32(struct br_rd *r)
{
	uint64_t v = br_rd_varint(r);

	r->bad |= v > UINT32_MAX;
	return (uint32_t)v;
}

double get_double(struct br_rd *r)
{
	uint64_t u = br_rd_u64(r);
	double v;

	memcpy(&v, &u, 8);
	return v;
}
