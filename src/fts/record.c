/* Records of the inverted index: keys, totals, TERM records and the headers of POST values. */
#include "internal.h"

#include <stdio.h>

int br_fts__damaged(struct br_err *err, const struct br_fts__place *at, const char *what)
{
	return br_fail(err, BR_ECORRUPT, "full text of notebook %u, term '%.*s': %s", at->nb, (int)at->term.len, at->term.ptr, what);
}

/* ---- totals ---- */

void br_fts__totals_key(struct br_key *k, uint32_t nb)
{
	k->n = (size_t)snprintf(k->b, sizeof k->b, "fts.%08x", nb);
}

int br_fts__totals_get(struct br_fts__totals *out, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_key key;
	struct br_slice v;
	memset(out, 0, sizeof *out);
	br_fts__totals_key(&key, nb);
	int rc = br_get(&v, t, BR_T_META, br_key_slice(&key), err);
	if (rc <= 0)
		return rc;
	if (v.len != 32)
		return br_fail(err, BR_ECORRUPT, "full text of notebook %u: its totals have %zu bytes, not 32", nb, v.len);
	out->ever = br_rd_le32(v.ptr);
	out->numbers = br_rd_le32(v.ptr + 4);
	out->chunks = br_rd_le64(v.ptr + 8);
	out->tokens = br_rd_le64(v.ptr + 16);
	out->terms = br_rd_le64(v.ptr + 24);
	if (out->chunks > out->ever || (out->chunks == 0) != (out->tokens == 0) || out->tokens < out->chunks)
		return br_fail(err, BR_ECORRUPT, "full text of notebook %u: its totals contradict each other", nb);
	return 0;
}

int br_fts__totals_put(struct br_txn *t, uint32_t nb, const struct br_fts__totals *v, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct br_key key;
	br_buf_le32(&b, v->ever);
	br_buf_le32(&b, v->numbers);
	br_buf_le64(&b, v->chunks);
	br_buf_le64(&b, v->tokens);
	br_buf_le64(&b, v->terms);
	br_fts__totals_key(&key, nb);
	int rc = br_put(t, BR_T_META, br_key_slice(&key), br_buf_slice(&b), err);
	br_buf_release(&b);
	return rc;
}

/* ---- keys ---- */

void br_fts__term_key(struct br_key *k, uint32_t nb, struct br_slice term)
{
	br_key_init(k, nb);
	br_key_bytes(k, term.ptr, term.len);
}

void br_fts__post_key(struct br_key *k, uint32_t nb, uint32_t number, uint32_t first)
{
	br_key_init(k, nb);
	br_key_u32(k, number);
	br_key_u32(k, first);
}

void br_fts__len_key(struct br_key *k, uint32_t nb, uint32_t block)
{
	br_key_init(k, nb);
	br_key_u32(k, block);
}

/* ---- varints; the reader in base is a call for each byte, and tails are read in every search ---- */

static char *put_varint(char *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (char)(v | 0x80);
	*p++ = (char)v;
	return p;
}

static void put_le32(char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (char)(v >> (8 * i));
}

/* NULL when it does not end within 5 bytes or before `end`. */
static inline const char *get_varint(uint64_t *out, const char *p, const char *end)
{
	uint64_t v = 0;
	for (int shift = 0; shift < 35 && p < end; shift += 7) {
		uint8_t b = (uint8_t)*p++;
		v |= (uint64_t)(b & 0x7F) << shift;
		if (b < 0x80) {
			*out = v;
			return p;
		}
	}
	return NULL;
}

/* ---- TERM ---- */

int br_fts__list_decode(struct br_fts__list *out, struct br_slice val, const struct br_fts__place *at, struct br_err *err)
{
	const char *p = val.ptr, *end = p + val.len;
	uint64_t df = 0, n = 0;
	memset(out, 0, sizeof *out);
	if (!(p = get_varint(&df, p, end)) || !(p = get_varint(&n, p, end)) || n == 0 || n > UINT32_MAX || df > n)
		return br_fts__damaged(err, at, "its counts are unreadable");
	out->df = (uint32_t)df;
	out->n = (uint32_t)n;
	out->last = BR_FTS__NONE;
	if (n >= BR_FTS__BLOCK) {
		if (end - p < 12)
			return br_fts__damaged(err, at, "its record is cut short");
		out->number = br_rd_le32(p);
		out->last_seg = br_rd_le32(p + 4);
		out->last = br_rd_le32(p + 8);
		p += 12;
	}
	out->tail = br_slice(p, (size_t)(end - p));
	return 0;
}

int br_fts__list_get(struct br_fts__list *out, struct br_txn *t, const struct br_fts__place *at, struct br_err *err)
{
	struct br_key key;
	struct br_slice v;
	br_fts__term_key(&key, at->nb, at->term);
	int rc = br_get(&v, t, BR_T_TERM, br_key_slice(&key), err);
	if (rc <= 0)
		return rc;
	return (rc = br_fts__list_decode(out, v, at, err)) < 0 ? rc : 1;
}

size_t br_fts__list_encode(char out[BR_FTS__LIST_MAX], const struct br_fts__list *l, const uint32_t *chunk, const uint32_t *tf)
{
	uint32_t before = BR_FTS__NONE;
	char *p = put_varint(put_varint(out, l->df), l->n);
	if (l->n >= BR_FTS__BLOCK) {
		put_le32(p, l->number);
		put_le32(p + 4, l->last_seg);
		put_le32(p + 8, l->last);
		p += 12;
		before = l->last;
	}
	for (uint32_t i = 0; i < l->n % BR_FTS__BLOCK; i++) {
		p = put_varint(p, (uint64_t)(chunk[i] - before - 1) << 1 | (tf[i] > 1));
		if (tf[i] > 1)
			p = put_varint(p, tf[i] - 2);
		before = chunk[i];
	}
	return (size_t)(p - out);
}

int br_fts__tail_decode(uint32_t *chunk, uint32_t *tf, const struct br_fts__list *l, uint32_t ever, const struct br_fts__place *at, struct br_err *err)
{
	const char *p = l->tail.ptr, *end = p + l->tail.len;
	uint64_t next = l->last == BR_FTS__NONE ? 0 : (uint64_t)l->last + 1;
	for (uint32_t i = 0; i < l->n % BR_FTS__BLOCK; i++) {
		uint64_t v, f = 0;
		if (!(p = get_varint(&v, p, end)) || ((v & 1) && !(p = get_varint(&f, p, end))))
			return br_fts__damaged(err, at, "its last postings are cut short");
		next += v >> 1;
		if (next >= ever || f > UINT16_MAX - 2)
			return br_fts__damaged(err, at, "a posting is out of range");
		chunk[i] = (uint32_t)next++;
		tf[i] = v & 1 ? (uint32_t)f + 2 : 1;
	}
	return p == end ? 0 : br_fts__damaged(err, at, "its record is too long");
}

/* ---- POST ---- */

void br_fts__header_encode(char out[BR_FTS__HEADER], const struct br_fts__header *h)
{
	put_le32(out, h->last);
	out[4] = (char)h->gap_bits;
	out[5] = (char)h->tf_bits;
	memcpy(out + 6, &h->bound, sizeof h->bound);
}

int br_fts__seg_check(struct br_slice val, uint32_t first, const struct br_fts__place *at, struct br_err *err)
{
	uint32_t n = val.len >= 2 ? br_rd_le16(val.ptr) : 0;
	size_t size = 2 + (size_t)n * BR_FTS__HEADER;
	uint64_t next = first;
	if (n == 0 || n > BR_FTS__SEG_BLOCKS || size > val.len)
		return br_fts__damaged(err, at, "a value of its postings has no headers");
	for (uint32_t i = 0; i < n; i++) {
		struct br_fts__header h;
		br_fts__header_decode(&h, val.ptr + 2 + (size_t)i * BR_FTS__HEADER);
		if (h.gap_bits > 32 || h.tf_bits > 16 || h.last < next + BR_FTS__BLOCK - 1)
			return br_fts__damaged(err, at, "the headers of its postings are unreadable");
		size += br_fts__data_bytes(&h);
		next = (uint64_t)h.last + 1;
	}
	return size == val.len ? (int)n : br_fts__damaged(err, at, "a value of its postings has the wrong size");
}
