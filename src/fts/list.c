/* Opening the lists of a question, walking them by blocks, and the one place where the share of a posting in a score is computed. */
#include "search.h"

#include <stdlib.h>

/* ---- scores ---- */

void br_fts__bm25_init(struct br_fts__bm25 *m, const struct br_fts_query *q)
{
	m->base = (float)(q->k1 * (1 - q->b));
	m->slope = q->avg_len > 0 ? (float)(q->k1 * q->b / q->avg_len) : 0;
	for (unsigned c = 0; c < BR_COUNT(m->code_norm); c++)
		m->code_norm[c] = br_fts__norm(m, br_fts__len_floor((uint8_t)c));
}

float br_fts__part(const struct br_fts__bm25 *m, float weight, uint32_t tf, uint32_t len)
{
	return br_fts__share(weight, tf, br_fts__norm(m, len));
}

/* ---- spots ---- */

static int spot_load(struct br_fts__spot *s, struct br_fts__postings *p, struct br_err *err)
{
	s->block = 0;
	s->bound = -1;
	if (s->seg == p->n_segs) {
		s->from = p->n_tail ? p->tail_chunk[0] : BR_FTS__NONE;
		s->head.last = BR_FTS__NONE;
		return 0;
	}
	struct br_fts__seg *seg = &p->seg[s->seg];
	if (!seg->blocks) {
		int rc = br_fts__seg_check(seg->val, seg->first, &p->at, err);
		if (rc < 0)
			return rc;
		seg->blocks = (uint32_t)rc;
	}
	s->blocks = seg->blocks;
	s->from = seg->first;
	s->data = seg->val.ptr + 2 + (size_t)s->blocks * BR_FTS__HEADER;
	br_fts__header_decode(&s->head, seg->val.ptr + 2);
	return 0;
}

/* Not past the tail. */
int br_fts__spot_next(struct br_fts__spot *s, struct br_fts__postings *p, struct br_err *err)
{
	if (s->block + 1 == s->blocks) {
		s->seg++;
		return spot_load(s, p, err);
	}
	s->data += br_fts__data_bytes(&s->head);
	s->from = s->head.last + 1;
	s->bound = -1;
	s->block++;
	br_fts__header_decode(&s->head, p->seg[s->seg].val.ptr + 2 + (size_t)s->block * BR_FTS__HEADER);
	return 0;
}

int br_fts__spot_seek(struct br_fts__spot *s, struct br_fts__postings *p, uint32_t chunk, struct br_err *err)
{
	int rc = 0;
	uint32_t seg = s->seg;
	while (seg + 1 < p->n_segs && p->seg[seg + 1].first <= chunk)
		seg++;
	if (seg != s->seg) {
		s->seg = seg;
		rc = spot_load(s, p, err);
	}
	while (rc == 0 && s->head.last < chunk)
		rc = br_fts__spot_next(s, p, err);
	return rc;
}

/* ---- cursors ---- */

static void cursor_reset(struct br_fts__cursor *c, struct br_fts__postings *p)
{
	bool tail = c->spot.seg == p->n_segs;
	c->at = 0;
	c->chunks_ready = c->tfs_ready = tail;
	c->chunk = tail ? p->tail_chunk : c->chunks;
	c->tf = tail ? p->tail_tf : c->tfs;
	c->n = tail ? p->n_tail : BR_FTS__BLOCK;
}

int br_fts__cursor_rewind(struct br_fts__cursor *c, struct br_fts__postings *p, struct br_err *err)
{
	c->spot.seg = 0;
	int rc = spot_load(&c->spot, p, err);
	cursor_reset(c, p);
	return rc;
}

int br_fts__cursor_seek(struct br_fts__cursor *c, struct br_fts__postings *p, uint32_t chunk, struct br_err *err)
{
	if (c->spot.head.last >= chunk)
		return 0;
	int rc = br_fts__spot_seek(&c->spot, p, chunk, err);
	cursor_reset(c, p);
	return rc;
}

int br_fts__cursor_next(struct br_fts__cursor *c, struct br_fts__postings *p, struct br_err *err)
{
	int rc = br_fts__spot_next(&c->spot, p, err);
	cursor_reset(c, p);
	return rc;
}

/* Whether gaps as wide as these add up to no more than 32 bits hold; narrow ones always do. */
static bool gaps_fit(const uint32_t gap[BR_FTS__BLOCK], unsigned bits)
{
	uint64_t sum = 0;
	if (bits <= 24)
		return true;
	for (int i = 0; i < BR_FTS__BLOCK; i++)
		sum += gap[i];
	return sum <= UINT32_MAX - BR_FTS__BLOCK;
}

/* What passes ascends, from spot.from to head.last. */
int br_fts__cursor_chunks(struct br_fts__cursor *c, struct br_fts__postings *p, struct br_err *err)
{
	const struct br_fts__spot *s = &c->spot;
	if (c->chunks_ready)
		return 0;
	br_fts__unpack(c->chunks, s->data, s->head.gap_bits);
	bool fit = gaps_fit(c->chunks, s->head.gap_bits);
	br_fts__sum_gaps(c->chunks, s->from - 1);
	if (!fit || c->chunks[BR_FTS__BLOCK - 1] != s->head.last || s->head.last >= p->ever)
		return br_fts__damaged(err, &p->at, "a block of postings does not end where its header says");
	c->chunks_ready = true;
	return 0;
}

void br_fts__cursor_tfs(struct br_fts__cursor *c)
{
	const struct br_fts__spot *s = &c->spot;
	if (c->tfs_ready)
		return;
	br_fts__unpack(c->tfs, s->data + 16u * s->head.gap_bits, s->head.tf_bits);
	for (int i = 0; i < BR_FTS__BLOCK; i++)
		c->tfs[i]++;
	c->tfs_ready = true;
}

int br_fts__tf(uint32_t *tf, struct br_fts__cursor *c, struct br_fts__postings *p, uint32_t chunk, struct br_err *err)
{
	int rc = br_fts__cursor_seek(c, p, chunk, err);
	*tf = 0;
	if (rc < 0 || c->spot.from > chunk)
		return rc;
	if ((rc = br_fts__cursor_chunks(c, p, err)) < 0)
		return rc;
	c->at += br_fts__below(c->chunk + c->at, c->n - c->at, chunk);
	if (c->at == c->n || c->chunk[c->at] != chunk)
		return 0;
	br_fts__cursor_tfs(c);
	*tf = c->tf[c->at];
	return 0;
}

int br_fts__group_tf(uint32_t *tf, struct br_fts__lists *l, uint32_t group, uint32_t chunk, struct br_err *err)
{
	uint32_t one;
	int rc = 0;
	*tf = 0;
	for (uint32_t i = l->first[group]; rc == 0 && i < l->first[group + 1]; i++) {
		rc = br_fts__tf(&one, &l->list[i]->exact, l->list[i], chunk, err);
		*tf += one;
	}
	return rc;
}

/* ---- opening ---- */

/* The values of a term in POST. They are looked into when a cursor comes to them. */
static int open_segs(struct br_fts__postings *p, struct br_arena *a, struct br_txn *t, struct br_err *err)
{
	BR_VEC(struct br_fts__seg) segs = { 0 };
	struct br_cur c;
	struct br_key key;
	int rc = br_cur_open(&c, t, BR_T_POST, err);
	if (rc < 0)
		return rc;
	br_fts__post_key(&key, p->at.nb, p->list.number, 0);
	c.within = br_slice(key.b, 8);
	for (rc = br_cur_seek(&c, br_key_slice(&key), err); rc == 1; rc = br_cur_next(&c, err)) {
		if (c.key.len != 12 || memcmp(c.key.ptr, key.b, 8) != 0)
			break;
		*br_vec_push(&segs) = (struct br_fts__seg){ .val = c.val, .first = br_rd_be32(c.key.ptr + 8) };
	}
	br_cur_close(&c);
	if (rc >= 0 && (segs.n == 0 || segs.v[segs.n - 1].first != p->list.last_seg || p->list.last >= p->ever))
		rc = br_fts__damaged(err, &p->at, "its last postings are missing");
	p->seg = br_arena_alloc(a, (segs.n + 1) * sizeof *p->seg);
	memcpy(p->seg, segs.v ? segs.v : p->seg, segs.n * sizeof *p->seg);
	p->n_segs = (uint32_t)segs.n;
	br_vec_release(&segs);
	return rc < 0 ? rc : 0;
}

/* NULL in *out when the term is not there or only in deleted chunks. */
static int open_list(struct br_fts__postings **out, struct br_fts__lists *l, struct br_txn *t, const struct br_fts_alt *alt, struct br_err *err)
{
	struct br_fts__place at = { l->nb, br_slice(alt->term, alt->len) };
	struct br_fts__list list;
	int rc = br_fts__list_get(&list, t, &at, err);
	*out = NULL;
	if (rc <= 0 || list.df == 0)
		return rc < 0 ? rc : 0;
	struct br_fts__postings *p = br_arena_alloc(&l->arena, sizeof *p);
	p->at = at;
	p->list = list;
	p->ever = l->ever;
	p->n_segs = 0;
	p->n_tail = list.n % BR_FTS__BLOCK;
	p->bound = 0;
	p->tail_from = p->tail_to = 0;
	if ((rc = br_fts__tail_decode(p->tail_chunk, p->tail_tf, &list, l->ever, &at, err)) < 0 ||
	    (list.n >= BR_FTS__BLOCK && (rc = open_segs(p, &l->arena, t, err)) < 0))
		return rc;
	*out = p;
	rc = br_fts__cursor_rewind(&p->scan, p, err);
	if (rc == 0 && (rc = br_fts__cursor_rewind(&p->probe, p, err)) == 0)
		rc = br_fts__cursor_rewind(&p->exact, p, err);
	return rc;
}

static int open_group(struct br_fts__lists *l, struct br_txn *t, const struct br_fts_group *g, uint32_t number, struct br_err *err)
{
	for (size_t i = 0; i < g->alts.n; i++) {
		struct br_fts__postings *p;
		int rc = open_list(&p, l, t, &g->alts.v[i], err);
		if (rc < 0)
			return rc;
		if (!p)
			continue;
		p->group = number;
		p->weight = g->idf * (float)g->count;
		l->list[l->n++] = p;
	}
	return 0;
}

int br_fts__lists_open(struct br_fts__lists *l, struct br_txn *t, uint32_t nb, const struct br_fts_query *q, struct br_err *err)
{
	struct br_fts__totals totals;
	size_t alts = 0;
	*l = (struct br_fts__lists){ .nb = nb, .len_block = BR_FTS__NONE, .err = err };
	int rc = br_fts__totals_get(&totals, t, nb, err);
	if (rc < 0 || (rc = br_cur_open(&l->len_cur, t, BR_T_LEN, err)) < 0)
		return rc;
	for (size_t g = 0; g < q->groups.n; g++)
		alts += q->groups.v[g].alts.n;
	l->ever = totals.ever;
	l->list = br_arena_alloc(&l->arena, (alts + 1) * sizeof *l->list);
	l->first = br_arena_zalloc(&l->arena, (q->groups.n + 1) * sizeof *l->first);
	br_fts__bm25_init(&l->bm25, q);
	for (size_t g = 0; rc == 0 && g < q->groups.n; g++) {
		rc = open_group(l, t, &q->groups.v[g], (uint32_t)g, err);
		l->first[g + 1] = l->n;
	}
	return rc;
}

void br_fts__lists_close(struct br_fts__lists *l)
{
	br_cur_close(&l->len_cur);
	br_arena_release(&l->arena);
}

int br_fts__lists_len(struct br_fts__lists *l, uint32_t block)
{
	struct br_key key;
	int rc;
	if (l->len_block == block)
		return 0;
	br_fts__len_key(&key, l->nb, block);
	if (l->len_block != BR_FTS__NONE && l->len_block + 1 == block)
		rc = br_cur_next(&l->len_cur, l->err);
	else
		rc = br_cur_seek(&l->len_cur, br_key_slice(&key), l->err);
	if (rc < 0)
		return rc;
	uint32_t n = BR_MIN(l->ever - block * BR_FTS__LEN_BLOCK, (uint32_t)BR_FTS__LEN_BLOCK);
	if (rc == 0 || !br_slice_eq(l->len_cur.key, br_key_slice(&key)) || l->len_cur.val.len != (size_t)n * 2)
		return br_fail(l->err, BR_ECORRUPT, "full text of notebook %u: block %u of its lengths is missing or damaged", l->nb, block);
	l->len_block = block;
	l->n_len = n;
	l->len = l->len_cur.val.ptr;
	return 0;
}
