/*
 * Stored chunks: segments of chunk entries, bitmaps of deleted chunks.
 * Every layout here is specified in man/br-index.5, DOCUMENTS; encoder and decoder stand beside each other.
 */
#include "internal.h"

#include <stdlib.h>

/* ---- chunks: segments {version, doc, ordinal, n, headings, skips, entries} ---- */

enum { SEGMENT_VERSION = 1 };

void packed_chunks_release(struct packed_chunks *p)
{
	br_buf_release(&p->bytes);
	br_vec_release(&p->end);
}

void heading_path(struct br_buf *out, const struct br_extracted *e, const struct br_chunks *c, uint32_t h)
{
	uint32_t up[BR_MAX_HEADING_DEPTH], n = 0;

	br_buf_reset(out);
	for (; h != BR_NO_HEADING && n < BR_MAX_HEADING_DEPTH; h = c->headings.v[h].parent)
		up[n++] = h;
	while (n--) {
		const struct br_heading *d = &c->headings.v[up[n]];
		size_t len = BR_MIN(d->len, (uint32_t)BR_MAX_HEADING);
		while (len && len < d->len && (e->text.ptr[d->off + len] & 0xc0) == 0x80)
			len--; /* do not cut a character */
		if (out->len)
			br_buf_addc(out, '\x1f');
		for (size_t i = 0; i < len; i++) {
			char ch = e->text.ptr[d->off + i];
			br_buf_addc(out, ch == '\n' || ch == '\t' || ch == '\x1f' ? ' ' : ch);
		}
	}
}

struct segment_range { uint32_t from, to; };

/* Distinct headings of chunks [from, to) in order of first use; index[i] = number of chunk from + i's heading, 0xffff none. */
static uint32_t segment_headings(uint16_t *index, struct br_buf *list, const struct br_extracted *e, const struct br_chunks *c, struct segment_range r)
{
	uint32_t seen[SEGMENT_CHUNKS], n = 0;
	struct br_buf path = BR_BUF_INIT(SIZE_MAX);

	for (uint32_t i = r.from; i < r.to; i++) {
		uint32_t h = c->chunks.v[i].heading, j = n;
		if (h == BR_NO_HEADING) {
			index[i - r.from] = UINT16_MAX;
			continue;
		}
		while (j > 0 && seen[j - 1] != h)
			j--;
		if (j == 0) {
			seen[n++] = h;
			j = n;
			heading_path(&path, e, c, h);
			br_buf_lstr(list, path.ptr, path.len);
		}
		index[i - r.from] = (uint16_t)(j - 1);
	}
	br_buf_release(&path);
	return n;
}

/* Skip ranges that touch the segment's text, as varint pairs: distance from the end of the one before, length. */
static void segment_skips(struct br_buf *out, const struct br_extracted *e, const struct br_chunks *c, struct segment_range r)
{
	uint32_t lo = UINT32_MAX, hi = 0, n = 0, last = 0;
	struct br_buf pairs = BR_BUF_INIT(SIZE_MAX);

	for (uint32_t i = r.from; i < r.to; i++) {
		lo = BR_MIN(lo, c->chunks.v[i].off);
		hi = BR_MAX(hi, c->chunks.v[i].off + c->chunks.v[i].len);
	}
	for (size_t i = 0; i < e->skip.n; i++) {
		const struct br_range *s = &e->skip.v[i];
		if (s->off + s->len <= lo || s->off >= hi)
			continue;
		br_buf_varint(&pairs, s->off - last);
		br_buf_varint(&pairs, s->len);
		last = s->off + s->len;
		n++;
	}
	br_buf_varint(out, n);
	br_buf_lstr(out, pairs.ptr, pairs.len);
	br_buf_release(&pairs);
}

/* A difference of either sign as a varint: 0, -1, 1, -2 ... are 0, 1, 2, 3 ... */
static void put_step(struct br_buf *b, uint32_t from, uint32_t to)
{
	int64_t d = (int64_t)to - from;

	br_buf_varint(b, d < 0 ? (uint64_t)-d * 2 - 1 : (uint64_t)d * 2);
}

static uint32_t get_step(struct br_rd *r, uint32_t from)
{
	uint64_t v = br_rd_varint(r);
	int64_t to = (int64_t)from + (v & 1 ? -(int64_t)(v / 2) - 1 : (int64_t)(v / 2));

	r->bad |= v > UINT32_MAX * 2ull + 1 || to < 0 || to > UINT32_MAX;
	return (uint32_t)to;
}

static void pack_entries(struct br_buf *b, const struct br_chunks *c, const uint32_t *tokens, const uint16_t *heading, struct segment_range r)
{
	uint32_t off = 0, line = 0, page = 0;

	for (uint32_t i = r.from; i < r.to; i++) {
		const struct br_chunk *k = &c->chunks.v[i];
		put_step(b, off, k->off);
		br_buf_varint(b, k->len);
		put_step(b, line, k->line);
		put_step(b, k->line, k->line_end);
		put_step(b, page, k->page);
		br_buf_varint(b, heading[i - r.from] == UINT16_MAX ? 0 : heading[i - r.from] + 1u);
		br_buf_varint(b, BR_MIN(tokens[i], 65535u));
		off = k->off + k->len;
		line = k->line_end;
		page = k->page;
	}
}

static void put_segment(struct br_buf *b, const struct br_extracted *e, const struct br_chunks *c, const uint32_t *tokens, const uint16_t *index,
                        uint32_t headings, const struct br_buf *list, struct segment_range r)
{
	br_buf_varint(b, r.from);
	br_buf_varint(b, r.to - r.from);
	br_buf_varint(b, headings);
	br_buf_lstr(b, list->ptr, list->len);
	segment_skips(b, e, c, r);
	pack_entries(b, c, tokens, index, r);
}

static void pack_segment(struct br_buf *b, const struct br_extracted *e, const struct br_chunks *c, const uint32_t *tokens, struct segment_range r)
{
	uint16_t index[SEGMENT_CHUNKS];
	struct br_buf list = BR_BUF_INIT(SIZE_MAX);
	uint32_t n = segment_headings(index, &list, e, c, r);

	put_segment(b, e, c, tokens, index, n, &list, r);
	br_buf_release(&list);
}

void pack_chunks(struct packed_chunks *out, const struct br_extracted *e, const struct br_chunks *c, const uint32_t *tokens)
{
	br_buf_init(&out->bytes, SIZE_MAX);
	out->n = (uint32_t)c->chunks.n;
	for (uint32_t from = 0; from < out->n; from += SEGMENT_CHUNKS) {
		pack_segment(&out->bytes, e, c, tokens, (struct segment_range){ from, BR_MIN(from + SEGMENT_CHUNKS, out->n) });
		*br_vec_push(&out->end) = (uint32_t)out->bytes.len;
	}
}

/* ---- segments of chunks that are stored already, some of them left out ---- */

/* Their headings in order of first use, each once; index[i] as segment_headings has it. */
static uint32_t rec_headings(uint16_t *index, struct br_buf *list, const struct br_chunk_rec *v, uint32_t n)
{
	struct br_slice seen[SEGMENT_CHUNKS];
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = 0;
		index[i] = UINT16_MAX;
		if (!v[i].heading.len)
			continue;
		while (j < k && !br_slice_eq(seen[j], v[i].heading))
			j++;
		if (j == k) {
			seen[k++] = v[i].heading;
			br_buf_lstr(list, v[i].heading.ptr, v[i].heading.len);
		}
		index[i] = (uint16_t)j;
	}
	return k;
}

/* The lists that segment_skips and pack_entries read, from records. */
static void rec_lists(struct br_extracted *e, struct br_chunks *c, uint32_t *tokens, const struct br_chunk_rec *v, uint32_t n,
                      const struct br_range *skip, size_t n_skip)
{
	for (size_t i = 0; i < n_skip; i++)
		*br_vec_push(&e->skip) = skip[i];
	for (uint32_t i = 0; i < n; i++) {
		*br_vec_push(&c->chunks) = (struct br_chunk){ .off = v[i].off, .len = v[i].len, .line = v[i].line, .line_end = v[i].line_end,
			.page = v[i].page };
		tokens[i] = v[i].tokens;
	}
}

void pack_recs(struct packed_chunks *out, const struct br_chunk_rec *v, uint32_t n, const struct br_range *skip, size_t n_skip)
{
	uint32_t *tokens = br_allocn(n + 1, sizeof *tokens);
	struct br_extracted e = { 0 };
	struct br_chunks c = { 0 };

	br_buf_init(&out->bytes, SIZE_MAX);
	out->n = n;
	rec_lists(&e, &c, tokens, v, n, skip, n_skip);
	for (uint32_t from = 0; from < n; from += SEGMENT_CHUNKS) {
		struct segment_range r = { from, BR_MIN(from + SEGMENT_CHUNKS, n) };
		struct br_buf list = BR_BUF_INIT(SIZE_MAX);
		uint16_t index[SEGMENT_CHUNKS];
		uint32_t headings = rec_headings(index, &list, v + from, r.to - r.from);
		put_segment(&out->bytes, &e, &c, tokens, index, headings, &list, r);
		*br_vec_push(&out->end) = (uint32_t)out->bytes.len;
		br_buf_release(&list);
	}
	br_vec_release(&e.skip);
	br_vec_release(&c.chunks);
	free(tokens);
}

static void chunk_key(struct br_key *k, uint32_t nb, uint32_t chunk)
{
	br_key_init(k, nb);
	br_key_u32(k, chunk);
}

int chunks_put(struct br_txn *t, uint32_t nb, uint32_t doc, uint32_t first, const struct packed_chunks *p, struct br_err *err)
{
	struct br_buf val = BR_BUF_INIT(SIZE_MAX);
	int rc = 0;

	for (uint32_t i = 0, at = 0; i < p->end.n && rc >= 0; at = p->end.v[i++]) {
		struct br_key k;
		br_buf_reset(&val);
		br_buf_u8(&val, SEGMENT_VERSION);
		br_buf_varint(&val, doc);
		br_buf_add(&val, p->bytes.ptr + at, p->end.v[i] - at);
		chunk_key(&k, nb, first + i * SEGMENT_CHUNKS);
		rc = br_append(t, BR_T_CHUNK, br_key_slice(&k), br_buf_slice(&val), err);
	}
	br_buf_release(&val);
	return rc;
}

struct segment {
	uint32_t first, doc, ordinal, n, n_headings, n_skip;
	struct br_slice headings, skips, entries;
};

static int segment_decode(struct segment *s, uint32_t first, struct br_slice val, struct br_err *err)
{
	struct br_rd r = br_rd(val);
	uint8_t version = br_rd_u8(&r);

	s->first = first;
	s->doc = get_varint32(&r);
	s->ordinal = get_varint32(&r);
	s->n = get_varint32(&r);
	s->n_headings = get_varint32(&r);
	s->headings = br_rd_lstr(&r);
	s->n_skip = get_varint32(&r);
	s->skips = br_rd_lstr(&r);
	s->entries = br_slice(r.p, (size_t)(r.end - r.p));
	if (r.bad || version != SEGMENT_VERSION || s->n > SEGMENT_CHUNKS || s->n == 0 || s->n_headings > SEGMENT_CHUNKS || s->n_skip > s->skips.len)
		return br_fail(err, BR_ECORRUPT, "chunk segment %u is damaged", first);
	return 0;
}

/* Goes through the entries of a segment: each builds on the one before. */
struct entries {
	const struct segment *s;
	struct br_rd r;
	struct br_chunk_rec at;         /* without heading */
	uint32_t i, heading;            /* entries read; heading + 1, 0 none */
};

static int entry_next(struct entries *e, struct br_err *err)
{
	struct br_chunk_rec *c = &e->at;

	c->chunk = e->s->first + e->i;
	c->doc = e->s->doc;
	c->ordinal = e->s->ordinal + e->i;
	c->off = get_step(&e->r, c->off + c->len);
	c->len = get_varint32(&e->r);
	c->line = get_step(&e->r, c->line_end);
	c->line_end = get_step(&e->r, c->line);
	c->page = get_step(&e->r, c->page);
	e->heading = get_varint32(&e->r);
	c->tokens = get_varint32(&e->r);
	if (e->r.bad || e->heading > e->s->n_headings || c->len > UINT32_MAX - c->off || (++e->i == e->s->n && e->r.p != e->r.end))
		return br_fail(err, BR_ECORRUPT, "chunk %u is damaged", c->chunk);
	return 0;
}

static struct br_slice entry_heading(const struct entries *e)
{
	struct br_rd r = br_rd(e->s->headings);

	if (!e->heading)
		return br_slice("", 0);
	for (uint32_t i = 1; i < e->heading; i++)
		br_rd_lstr(&r);
	return br_rd_lstr(&r);
}

static int entry_decode(struct br_chunk_rec *out, const struct segment *s, uint32_t i, struct br_err *err)
{
	struct entries e = { .s = s, .r = br_rd(s->entries) };

	while (e.i <= i) {
		int rc = entry_next(&e, err);
		if (rc < 0)
			return rc;
	}
	*out = e.at;
	out->heading = entry_heading(&e);
	return 0;
}

static int segment_at(struct segment *s, struct br_cur *cur, uint32_t nb, uint32_t chunk, struct br_err *err)
{
	struct br_key k;
	int rc;

	chunk_key(&k, nb, chunk);
	if ((rc = br_cur_last_le(cur, br_key_slice(&k), err)) < 0)
		return rc;
	if (!rc || cur->key.len != 8 || br_rd_be32(cur->key.ptr) != nb)
		return br_fail(err, BR_ECORRUPT, "chunk %u has no record", chunk);
	if ((rc = segment_decode(s, br_rd_be32(cur->key.ptr + 4), cur->val, err)) < 0)
		return rc;
	return chunk - s->first < s->n ? 0 : br_fail(err, BR_ECORRUPT, "chunk %u has no record", chunk);
}

int br_chunk_get(struct br_chunk_rec *out, struct br_txn *t, uint32_t nb, uint32_t chunk, struct br_err *err)
{
	struct segment s;
	struct br_cur cur;
	int rc;

	if ((rc = br_cur_open(&cur, t, BR_T_CHUNK, err)) < 0)
		return rc;
	if ((rc = segment_at(&s, &cur, nb, chunk, err)) == 0)
		rc = entry_decode(out, &s, chunk - s.first, err);
	br_cur_close(&cur);
	return rc;
}

int br_chunk_docs(uint32_t *doc, struct br_txn *t, uint32_t nb, const uint32_t *chunk, size_t n, struct br_err *err)
{
	struct segment s = { 0 };
	struct br_cur cur;
	int rc;

	if ((rc = br_cur_open(&cur, t, BR_T_CHUNK, err)) < 0)
		return rc;
	for (size_t i = 0; i < n && rc >= 0; i++) {
		if (chunk[i] - s.first >= s.n)
			rc = segment_at(&s, &cur, nb, chunk[i], err);
		doc[i] = s.doc;
	}
	br_cur_close(&cur);
	return rc;
}

static int segment_skip_list(struct br_range **out, const struct segment *s, struct br_arena *a, struct br_err *err)
{
	struct br_range *v = *out = br_arena_alloc(a, (s->n_skip + 1) * sizeof *v);
	struct br_rd r = br_rd(s->skips);
	uint64_t last = 0;

	for (uint32_t i = 0; i < s->n_skip; i++) {
		uint64_t off = last + get_varint32(&r), len = get_varint32(&r);
		r.bad |= off + len > UINT32_MAX;
		v[i] = (struct br_range){ (uint32_t)off, (uint32_t)len };
		last = off + len;
	}
	return r.bad || r.p != r.end ? br_fail(err, BR_ECORRUPT, "chunk segment %u: damaged skip ranges", s->first) : 0;
}

/* The first `most` chunks of the segment. */
static int segment_each(const struct segment *s, uint32_t most, struct br_arena *a, chunk_fn *fn, void *arg, struct br_err *err)
{
	struct entries e = { .s = s, .r = br_rd(s->entries) };
	struct br_rd h = br_rd(s->headings);
	struct br_range *skip;
	int rc = segment_skip_list(&skip, s, a, err);

	for (uint32_t i = 0; i < s->n_headings; i++)
		br_rd_lstr(&h);
	if (rc == 0 && (h.bad || h.p != h.end))
		rc = br_fail(err, BR_ECORRUPT, "chunk segment %u: damaged headings", s->first);
	while (rc >= 0 && e.i < s->n && e.i < most) {
		if ((rc = entry_next(&e, err)) < 0)
			break;
		e.at.heading = entry_heading(&e);
		rc = fn(&e.at, skip, s->n_skip, arg, err);
	}
	return rc;
}

int chunks_each(struct br_txn *t, uint32_t nb, uint32_t first, uint32_t n, chunk_fn *fn, void *arg, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_cur cur;
	int rc;

	if ((rc = br_cur_open(&cur, t, BR_T_CHUNK, err)) < 0)
		return rc;
	for (uint32_t c = first; c - first < n && rc >= 0;) {
		struct segment s;
		if ((rc = segment_at(&s, &cur, nb, c, err)) < 0)
			break;
		if (s.first != c) {
			rc = br_fail(err, BR_ECORRUPT, "chunk %u is not the first of its segment", c);
			break;
		}
		rc = segment_each(&s, first + n - c, &a, fn, arg, err);
		c = s.first + s.n;
		br_arena_reset(&a);
	}
	br_cur_close(&cur);
	br_arena_release(&a);
	return rc;
}

/* ---- segments as they stand in an export: without version and document ---- */

int segments_get(struct packed_chunks *out, struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err)
{
	struct br_cur cur;
	int rc = br_cur_open(&cur, t, BR_T_CHUNK, err);

	if (rc < 0)
		return rc;
	out->n = d->chunks;
	for (uint32_t n = 0; n < d->chunks && rc >= 0;) {
		struct segment s;
		struct br_rd r;
		if ((rc = segment_at(&s, &cur, nb, d->first_chunk + n, err)) < 0)
			break;
		if (s.doc != d->doc || s.ordinal != n || s.n > d->chunks - n) {
			rc = br_fail(err, BR_ECORRUPT, "chunk segment %u is not that of '%s'", s.first, d->path);
			break;
		}
		r = br_rd(cur.val);
		br_rd_u8(&r);
		br_rd_varint(&r);
		br_buf_add(&out->bytes, r.p, (size_t)(r.end - r.p));
		*br_vec_push(&out->end) = (uint32_t)out->bytes.len;
		n += s.n;
	}
	br_cur_close(&cur);
	return rc < 0 ? rc : br_buf_check(&out->bytes, "chunk segments", err);
}

int segment_read(uint32_t *n, struct br_slice body, uint32_t ordinal, chunk_fn *fn, void *arg, struct br_err *err)
{
	struct br_buf val = BR_BUF_INIT(SIZE_MAX);
	struct br_arena a = { 0 };
	struct segment s;
	int rc;

	br_buf_u8(&val, SEGMENT_VERSION);
	br_buf_varint(&val, 0);
	br_buf_add(&val, body.ptr, body.len);
	if ((rc = segment_decode(&s, ordinal, br_buf_slice(&val), err)) == 0 && s.ordinal != ordinal)
		rc = br_fail(err, BR_ECORRUPT, "chunk segment %u is out of order", ordinal);
	if (rc == 0)
		rc = segment_each(&s, s.n, &a, fn, arg, err);
	*n = rc < 0 ? 0 : s.n;
	br_arena_release(&a);
	br_buf_release(&val);
	return rc;
}

int chunks_del(struct br_txn *t, uint32_t nb, uint32_t first, uint32_t n, struct br_err *err)
{
	int rc = 0;

	for (uint32_t c = first; c - first < n && rc >= 0; c += SEGMENT_CHUNKS) {
		struct br_key k;
		chunk_key(&k, nb, c);
		rc = br_del(t, BR_T_CHUNK, br_key_slice(&k), err);
	}
	return rc < 0 ? rc : 0;
}

/* ---- deleted chunks ---- */

int dead_mark(struct br_txn *t, uint32_t nb, uint32_t first, uint32_t n, struct br_err *err)
{
	unsigned char bits[DEAD_BITS / 8];
	uint64_t end = (uint64_t)first + n;
	int rc = 0;

	for (uint64_t at = first; at < end && rc >= 0;) {
		uint32_t block = (uint32_t)(at / DEAD_BITS);
		uint64_t stop = BR_MIN(end, (uint64_t)(block + 1) * DEAD_BITS);
		struct br_slice val;
		struct br_key k;
		chunk_key(&k, nb, block);
		if ((rc = br_get(&val, t, BR_T_DEAD, br_key_slice(&k), err)) < 0)
			return rc;
		memset(bits, 0, sizeof bits);
		if (rc)
			memcpy(bits, val.ptr, BR_MIN(val.len, sizeof bits));
		for (; at < stop; at++)
			bits[at % DEAD_BITS / 8] |= (unsigned char)(1 << (at % 8));
		rc = br_put(t, BR_T_DEAD, br_key_slice(&k), br_slice(bits, sizeof bits), err);
	}
	return rc;
}

int dead_load(struct br_bits *out, struct br_txn *t, uint32_t nb, uint32_t chunks, struct br_err *err)
{
	br_bits_init(out, chunks, false);
	for (uint32_t block = 0; (uint64_t)block * DEAD_BITS < chunks; block++) {
		size_t at = (size_t)block * (DEAD_BITS / 8), room = (chunks + 7) / 8 - at;
		struct br_slice val;
		struct br_key k;
		int rc;
		chunk_key(&k, nb, block);
		if ((rc = br_get(&val, t, BR_T_DEAD, br_key_slice(&k), err)) < 0)
			return rc;
		if (!rc)
			continue;
		if (val.len != DEAD_BITS / 8)
			return br_fail(err, BR_ECORRUPT, "bitmap %u of deleted chunks is damaged", block);
		memcpy((char *)out->w + at, val.ptr, BR_MIN(val.len, room));
	}
	if (chunks % 64)
		out->w[chunks / 64] &= ~0ull >> (64 - chunks % 64);
	return 0;
}

int br_chunks_live(struct br_bits *out, struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	int rc;

	*out = (struct br_bits){ 0 };
	if (!nb->dead)
		return 0;
	if ((rc = dead_load(out, t, nb->nb, nb->next_chunk, err)) < 0)
		return rc;
	for (uint32_t i = 0; i < (nb->next_chunk + 63) / 64; i++)
		out->w[i] = ~out->w[i];
	if (nb->next_chunk % 64)
		out->w[nb->next_chunk / 64] &= ~0ull >> (64 - nb->next_chunk % 64);
	return 0;
}
