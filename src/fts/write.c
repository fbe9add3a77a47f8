/*
 * Writing: units are merged term by term; each term's new postings go behind its tail, and every 128 of them become a packed block.
 * br_fts_forget takes counts back. All state is read from the transaction and ends up there, so both may be repeated.
 */
#include "internal.h"
#include "unit.h"

#include <stdlib.h>

/* The last POST value of a term, while blocks are added to it. */
struct segment {
	uint32_t first, blocks;
	bool fresh, dirty;   /* fresh: not in the table yet */
	size_t data_len;
	char head[BR_FTS__SEG_BLOCKS * BR_FTS__HEADER];
	char data[BR_FTS__SEG_BYTES];
};

struct source {
	uint64_t prefix;
	const struct br_fts_unit *unit;
	uint32_t at;         /* term of the unit */
	uint32_t order;      /* of the unit */
	uint32_t first;      /* number of the unit's first chunk */
};

struct br_fts__writer {
	struct br_txn *txn;
	struct br_err *err;
	uint32_t nb, first;
	struct br_fts__totals totals;
	bool append_terms, append_posts; /* nothing stands behind in the table */
	const uint16_t *len;             /* of the new chunks, from `first` on */
	uint32_t n_len;
	uint16_t **old_len;              /* blocks of LEN, read when needed */
	struct segment seg;
	struct br_fts__place at;         /* the term in hand */
	struct br_fts__list list;
	uint32_t n;                      /* postings in the next block or the tail */
	uint32_t chunk[BR_FTS__BLOCK], tf[BR_FTS__BLOCK];
};

/* ---- lengths ---- */

static int load_old_len(struct br_fts__writer *w, uint32_t block)
{
	struct br_key key;
	struct br_slice v;
	br_fts__len_key(&key, w->nb, block);
	int rc = br_get(&v, w->txn, BR_T_LEN, br_key_slice(&key), w->err);
	if (rc < 0)
		return rc;
	if (rc == 0 || v.len > BR_FTS__LEN_BLOCK * 2)
		return br_fail(w->err, BR_ECORRUPT, "full text of notebook %u: block %u of its lengths is missing or damaged", w->nb, block);
	w->old_len[block] = br_alloc(BR_FTS__LEN_BLOCK * 2);
	memcpy(w->old_len[block], v.ptr, v.len);
	return 0;
}

static int len_code_of(struct br_fts__writer *w, uint32_t chunk)
{
	uint32_t block = chunk / BR_FTS__LEN_BLOCK;
	int rc;
	if (chunk >= w->first)
		return br_fts__len_code(w->len[chunk - w->first]);
	if (!w->old_len[block] && (rc = load_old_len(w, block)) < 0)
		return rc;
	return br_fts__len_code(w->old_len[block][chunk % BR_FTS__LEN_BLOCK]);
}

/* One block; the first may have an older beginning. */
static int write_len_block(struct br_fts__writer *w, uint32_t block)
{
	uint32_t from = block * BR_FTS__LEN_BLOCK, to = BR_MIN(from + BR_FTS__LEN_BLOCK, w->first + w->n_len);
	char val[BR_FTS__LEN_BLOCK * 2];
	struct br_key key;
	struct br_slice old;
	uint32_t c = from;
	int rc;
	br_fts__len_key(&key, w->nb, block);
	if (from < w->first) {
		if ((rc = br_get(&old, w->txn, BR_T_LEN, br_key_slice(&key), w->err)) < 0)
			return rc;
		c = w->first;
		if (old.len != (size_t)(c - from) * 2)
			return br_fail(w->err, BR_ECORRUPT, "full text of notebook %u: block %u of its lengths has %zu bytes, not %u", w->nb,
			               block, old.len, (c - from) * 2);
		memcpy(val, old.ptr, old.len);
	}
	for (; c < to; c++) {
		val[(c - from) * 2] = (char)w->len[c - w->first];
		val[(c - from) * 2 + 1] = (char)(w->len[c - w->first] >> 8);
	}
	return br_append(w->txn, BR_T_LEN, br_key_slice(&key), br_slice(val, (size_t)(to - from) * 2), w->err);
}

static int write_lens(struct br_fts__writer *w)
{
	int rc = 0;
	for (uint32_t b = w->first / BR_FTS__LEN_BLOCK; rc == 0 && b <= (w->first + w->n_len - 1) / BR_FTS__LEN_BLOCK; b++)
		rc = write_len_block(w, b);
	return rc;
}

/* ---- segments ---- */

static int seg_flush(struct br_fts__writer *w)
{
	struct segment *s = &w->seg;
	char val[BR_FTS__SEG_BYTES] = { (char)s->blocks, (char)(s->blocks >> 8) };
	size_t head = s->blocks * BR_FTS__HEADER, size = 2 + head + s->data_len;
	struct br_key key;
	if (!s->dirty)
		return 0;
	memcpy(val + 2, s->head, head);
	memcpy(val + 2 + head, s->data, s->data_len);
	br_fts__post_key(&key, w->nb, w->list.number, s->first);
	bool append = s->fresh && w->append_posts && w->list.number + 1 == w->totals.numbers;
	s->dirty = s->fresh = false;
	return (append ? br_append : br_put)(w->txn, BR_T_POST, br_key_slice(&key), br_slice(val, size), w->err);
}

static void seg_start(struct br_fts__writer *w, uint32_t first)
{
	w->seg = (struct segment){ .first = first, .fresh = true };
	w->list.last_seg = first;
}

static int seg_load(struct br_fts__writer *w)
{
	struct segment *s = &w->seg;
	struct br_key key;
	struct br_slice v;
	br_fts__post_key(&key, w->nb, w->list.number, w->list.last_seg);
	int rc = br_get(&v, w->txn, BR_T_POST, br_key_slice(&key), w->err);
	if (rc < 0)
		return rc;
	if (rc == 0 || v.len > BR_FTS__SEG_BYTES)
		return br_fts__damaged(w->err, &w->at, "its last postings are missing");
	if ((rc = br_fts__seg_check(v, w->list.last_seg, &w->at, w->err)) < 0)
		return rc;
	s->first = w->list.last_seg;
	s->blocks = (uint32_t)rc;
	s->fresh = s->dirty = false;
	memcpy(s->head, v.ptr + 2, s->blocks * BR_FTS__HEADER);
	s->data_len = v.len - 2 - s->blocks * BR_FTS__HEADER;
	memcpy(s->data, v.ptr + 2 + s->blocks * BR_FTS__HEADER, s->data_len);
	return 0;
}

/* A segment that takes `size` more bytes of data. */
static int seg_room(struct br_fts__writer *w, size_t size)
{
	struct segment *s = &w->seg;
	int rc;
	if (w->list.last == BR_FTS__NONE) {
		w->list.number = w->totals.numbers++;
		seg_start(w, w->chunk[0]);
		return 0;
	}
	if (s->blocks == 0 && (rc = seg_load(w)) < 0)
		return rc;
	if (s->blocks < BR_FTS__SEG_BLOCKS && 2 + (s->blocks + 1) * BR_FTS__HEADER + s->data_len + size <= BR_FTS__SEG_BYTES)
		return 0;
	if ((rc = seg_flush(w)) < 0)
		return rc;
	seg_start(w, w->chunk[0]);
	return 0;
}

/* ---- blocks ---- */

static int block_frontier(struct br_fts__writer *w, struct br_fts__frontier *f)
{
	br_fts__frontier_init(f);
	for (uint32_t i = 0; i < w->n; i++) {
		int code = len_code_of(w, w->chunk[i]);
		if (code < 0)
			return code;
		br_fts__frontier_add(f, w->tf[i], (uint8_t)code);
	}
	return 0;
}

static void gaps_of(uint32_t gap[BR_FTS__BLOCK], const struct br_fts__writer *w, uint32_t before)
{
	for (int i = 0; i < BR_FTS__BLOCK; i++) {
		gap[i] = w->chunk[i] - before - 1;
		before = w->chunk[i];
	}
}

/* The 128 postings in hand become a block. */
static int block_write(struct br_fts__writer *w)
{
	struct segment *s = &w->seg;
	struct br_fts__header h = { .last = w->chunk[BR_FTS__BLOCK - 1] };
	struct br_fts__frontier f;
	uint32_t gap[BR_FTS__BLOCK], tf[BR_FTS__BLOCK];
	int rc = block_frontier(w, &f);
	if (rc < 0)
		return rc;
	br_fts__frontier_bound(&h.bound, &f);
	for (int i = 0; i < BR_FTS__BLOCK; i++)
		tf[i] = w->tf[i] - 1;
	h.tf_bits = (uint8_t)br_fts__bits(tf);
	gaps_of(gap, w, w->list.last);
	h.gap_bits = (uint8_t)br_fts__bits(gap);
	if ((rc = seg_room(w, br_fts__data_bytes(&h))) < 0)
		return rc;
	if (s->blocks == 0) { /* the first gap of a value is counted from its own first chunk */
		gaps_of(gap, w, w->chunk[0] - 1);
		h.gap_bits = (uint8_t)br_fts__bits(gap);
	}
	br_fts__header_encode(s->head + s->blocks++ * BR_FTS__HEADER, &h);
	br_fts__pack(s->data + s->data_len, gap, h.gap_bits);
	br_fts__pack(s->data + s->data_len + 16u * h.gap_bits, tf, h.tf_bits);
	s->data_len += br_fts__data_bytes(&h);
	s->dirty = true;
	w->list.last = h.last;
	w->n = 0;
	return 0;
}

/* ---- one term ---- */

int br_fts__writer_term(struct br_fts__writer *w, struct br_slice term)
{
	int rc = 0;
	w->at = (struct br_fts__place){ w->nb, term };
	w->n = 0;
	w->seg.blocks = 0;
	w->seg.dirty = false;
	if (!w->append_terms && (rc = br_fts__list_get(&w->list, w->txn, &w->at, w->err)) < 0)
		return rc;
	if (rc == 0) {
		w->list = (struct br_fts__list){ .last = BR_FTS__NONE };
		w->totals.terms++;
		return 0;
	}
	w->n = w->list.n % BR_FTS__BLOCK;
	return br_fts__tail_decode(w->chunk, w->tf, &w->list, w->first, &w->at, w->err);
}

int br_fts__writer_add(struct br_fts__writer *w, uint32_t chunk, uint32_t tf)
{
	w->chunk[w->n] = chunk;
	w->tf[w->n] = tf;
	w->list.df++;
	w->list.n++;
	return ++w->n == BR_FTS__BLOCK ? block_write(w) : 0;
}

static int term_add(struct br_fts__writer *w, const struct source *s)
{
	const struct br_fts__term *t = &s->unit->term.v[s->at];
	const struct br_fts__posting *p = s->unit->posting + t->first;
	int rc = 0;
	if (t->n > UINT32_MAX - w->list.n)
		return br_fail(w->err, BR_ETOOBIG, "full text of notebook %u: too many postings", w->nb);
	for (uint32_t i = 0; rc == 0 && i < t->n; i++)
		rc = br_fts__writer_add(w, s->first + p[i].chunk, p[i].tf);
	return rc;
}

int br_fts__writer_term_end(struct br_fts__writer *w)
{
	char val[BR_FTS__LIST_MAX];
	struct br_key key;
	int rc = seg_flush(w);
	if (rc < 0)
		return rc;
	size_t len = br_fts__list_encode(val, &w->list, w->chunk, w->tf);
	br_fts__term_key(&key, w->nb, w->at.term);
	return (w->append_terms ? br_append : br_put)(w->txn, BR_T_TERM, br_key_slice(&key), br_slice(val, len), w->err);
}

/* ---- the merge: a heap of units by their next term, then by order ---- */

static bool source_before(const struct source *a, const struct source *b)
{
	const struct br_fts__term *ta = &a->unit->term.v[a->at], *tb = &b->unit->term.v[b->at];
	int d = br_fts__term_cmp(a->prefix, ta->s, ta->len, b->prefix, tb->s, tb->len);
	return d ? d < 0 : a->order < b->order;
}

static void sift_down(struct source *h, size_t n, size_t i)
{
	struct source s = h[i];
	for (size_t c; (c = 2 * i + 1) < n; i = c) {
		if (c + 1 < n && source_before(&h[c + 1], &h[c]))
			c++;
		if (!source_before(&h[c], &s))
			break;
		h[i] = h[c];
	}
	h[i] = s;
}

static size_t heap_fill(struct source *h, struct br_fts_unit *const *units, size_t n, uint32_t first)
{
	size_t m = 0;
	for (size_t i = 0; i < n; i++) {
		if (units[i]->term.n)
			h[m++] = (struct source){ units[i]->term.v[0].prefix, units[i], 0, (uint32_t)i, first };
		first += (uint32_t)units[i]->len.n;
	}
	for (size_t i = m / 2; i-- > 0;)
		sift_down(h, m, i);
	return m;
}

/* The unit on top goes on to its next term; returns the units left. */
static size_t heap_next(struct source *h, size_t n)
{
	if (++h->at == h->unit->term.n)
		h[0] = h[--n];
	else
		h->prefix = h->unit->term.v[h->at].prefix;
	if (n)
		sift_down(h, n, 0);
	return n;
}

static int write_terms(struct br_fts__writer *w, struct source *h, size_t n)
{
	int rc = 0;
	while (n && rc == 0) {
		struct br_fts__term term = h->unit->term.v[h->at];
		if ((rc = br_fts__writer_term(w, br_slice(term.s, term.len))) < 0)
			break;
		do {
			rc = term_add(w, h);
			n = heap_next(h, n);
		} while (rc == 0 && n && h->prefix == term.prefix &&
		         br_slice_eq(w->at.term, br_slice(h->unit->term.v[h->at].s, h->unit->term.v[h->at].len)));
		if (rc == 0)
			rc = br_fts__writer_term_end(w);
	}
	return rc;
}

/* ---- the whole ---- */

/* Whether a table has no record from (nb, number) on. */
static int nothing_from(bool *out, struct br_fts__writer *w, enum br_table table, const uint32_t *number)
{
	struct br_cur c;
	struct br_key key;
	int rc = br_cur_open(&c, w->txn, table, w->err);
	if (rc < 0)
		return rc;
	br_key_init(&key, w->nb);
	if (number)
		br_key_u32(&key, *number);
	rc = br_cur_seek(&c, br_key_slice(&key), w->err);
	*out = rc == 0;
	if (rc < 0 && c.key.len) /* a damaged record is one, and not ours to read */
		rc = 0;
	br_cur_close(&c);
	return rc < 0 ? rc : 0;
}

static uint64_t chunks_of(struct br_fts_unit *const *units, size_t n)
{
	uint64_t chunks = 0;
	for (size_t i = 0; i < n; i++)
		chunks += units[i]->len.n;
	return chunks;
}

/* All lengths of the units in a row; NULL when there are none. Adds to the totals. */
static uint16_t *collect_lens(struct br_fts__writer *w, struct br_fts_unit *const *units, size_t n)
{
	size_t at = 0;
	w->n_len = (uint32_t)chunks_of(units, n);
	uint16_t *len = w->n_len ? br_allocn(w->n_len, sizeof *len) : NULL;
	for (size_t i = 0; i < n; i++) {
		BR_ASSERT(units[i]->posting);
		if (units[i]->len.n)
			memcpy(len + at, units[i]->len.v, units[i]->len.n * sizeof *len);
		at += units[i]->len.n;
	}
	for (size_t i = 0; i < at; i++)
		w->totals.tokens += len[i];
	w->totals.chunks += at;
	w->totals.ever += (uint32_t)at;
	return len;
}

static int begin(struct br_fts__writer *w)
{
	int rc = nothing_from(&w->append_terms, w, BR_T_TERM, NULL);
	return rc < 0 ? rc : nothing_from(&w->append_posts, w, BR_T_POST, &w->totals.numbers);
}

static int end(struct br_fts__writer *w)
{
	int rc = write_lens(w);
	return rc < 0 ? rc : br_fts__totals_put(w->txn, w->nb, &w->totals, w->err);
}

static int write_all(struct br_fts__writer *w, struct source *h, size_t n)
{
	int rc;
	if ((rc = begin(w)) < 0 || (rc = write_terms(w, h, n)) < 0)
		return rc;
	return end(w);
}

int br_fts_write(struct br_txn *t, uint32_t nb, uint32_t first, struct br_fts_unit *const *units, size_t n, struct br_err *err)
{
	struct br_fts__writer *w = br_alloc(sizeof *w);
	size_t old_blocks = first / BR_FTS__LEN_BLOCK + 1;
	uint16_t *len = NULL;
	*w = (struct br_fts__writer){ .txn = t, .err = err, .nb = nb, .first = first };
	int rc = br_fts__totals_get(&w->totals, t, nb, err);
	if (rc == 0 && w->totals.ever != first)
		rc = br_fail(err, BR_ECORRUPT, "full text of notebook %u has %u chunks where %u were expected", nb, w->totals.ever, first);
	if (rc == 0 && chunks_of(units, n) > BR_FTS__NONE - 1 - first)
		rc = br_fail(err, BR_ETOOBIG, "full text of notebook %u: too many chunks", nb);
	if (rc == 0 && (w->len = len = collect_lens(w, units, n))) {
		struct source *h = br_allocn(n, sizeof *h);
		w->old_len = br_allocn(old_blocks, sizeof *w->old_len);
		rc = write_all(w, h, heap_fill(h, units, n, first));
		for (size_t i = 0; i < old_blocks; i++)
			free(w->old_len[i]);
		free(w->old_len);
		free(h);
	}
	free(len);
	free(w);
	return rc;
}

/* ---- the whole anew, from lists that another writer of terms brings ---- */

int br_fts__writer_new(struct br_fts__writer **out, struct br_txn *t, uint32_t nb, const uint16_t *len, uint32_t n, struct br_err *err)
{
	struct br_fts__writer *w = *out = br_alloc(sizeof *w);
	*w = (struct br_fts__writer){ .txn = t, .err = err, .nb = nb, .len = len, .n_len = n, .totals = { .ever = n, .chunks = n } };
	for (uint32_t i = 0; i < n; i++)
		w->totals.tokens += len[i];
	return begin(w);
}

int br_fts__writer_finish(struct br_fts__writer *w)
{
	return w->n_len ? end(w) : 0;
}

/* ---- taking back ---- */

static int forget_term(struct br_txn *t, uint32_t nb, const struct br_fts__term *term, struct br_err *err)
{
	struct br_fts__place at = { nb, br_slice(term->s, term->len) };
	struct br_fts__list l;
	uint32_t chunk[BR_FTS__BLOCK], tf[BR_FTS__BLOCK];
	char val[BR_FTS__LIST_MAX];
	struct br_key key;
	int rc = br_fts__list_get(&l, t, &at, err);
	if (rc < 0)
		return rc;
	if (rc == 0 || l.df < term->n)
		return br_fts__damaged(err, &at, "it counts fewer chunks than are deleted");
	if ((rc = br_fts__tail_decode(chunk, tf, &l, UINT32_MAX, &at, err)) < 0)
		return rc;
	l.df -= term->n;
	br_fts__term_key(&key, nb, at.term);
	return br_put(t, BR_T_TERM, br_key_slice(&key), br_slice(val, br_fts__list_encode(val, &l, chunk, tf)), err);
}

int br_fts_forget(struct br_txn *t, uint32_t nb, const struct br_fts_unit *u, struct br_err *err)
{
	struct br_fts__totals totals;
	uint64_t tokens = 0;
	BR_ASSERT(u->posting);
	int rc = br_fts__totals_get(&totals, t, nb, err);
	for (size_t i = 0; i < u->len.n; i++)
		tokens += u->len.v[i];
	if (rc == 0 && (totals.chunks < u->len.n || totals.tokens < tokens))
		rc = br_fail(err, BR_ECORRUPT, "full text of notebook %u counts fewer chunks than are deleted", nb);
	for (size_t i = 0; rc == 0 && i < u->term.n; i++)
		rc = forget_term(t, nb, &u->term.v[i], err);
	if (rc < 0)
		return rc;
	totals.chunks -= u->len.n;
	totals.tokens -= tokens;
	return br_fts__totals_put(t, nb, &totals, err);
}

int br_fts_drop(struct br_txn *t, uint32_t nb, struct br_err *err)
{
	static const enum br_table tables[] = { BR_T_LEN, BR_T_TERM, BR_T_POST };
	struct br_key key;
	int rc = 0;
	br_key_init(&key, nb);
	for (size_t i = 0; rc == 0 && i < BR_COUNT(tables); i++)
		rc = br_del_prefix(t, tables[i], br_key_slice(&key), err);
	br_fts__totals_key(&key, nb);
	if (rc == 0)
		rc = br_del(t, BR_T_META, br_key_slice(&key), err);
	return rc < 0 ? rc : 0;
}

int br_fts_stats(struct br_fts_stats *out, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_fts__totals totals;
	int rc = br_fts__totals_get(&totals, t, nb, err);
	*out = (struct br_fts_stats){ totals.chunks, totals.tokens, totals.terms };
	return rc;
}
