/*
 * Lists of postings as a search walks them, and the arithmetic of a score. Shared by search.c (block-max), reference.c (exhaustive)
 * and score.c (given chunks), which must agree to the last bit: all three add br_fts__part in the order of the groups.
 */
#ifndef BR_FTS_SEARCH_H
#define BR_FTS_SEARCH_H

#include "internal.h"

/* ---- scores ---- */

struct br_fts__bm25 {
	float base, slope;    /* k1 * (1 - b) and k1 * b / average length: tf / (tf + base + slope * len) */
	float code_norm[208]; /* base + slope * len for the shortest length of each code */
};
void br_fts__bm25_init(struct br_fts__bm25 *m, const struct br_fts_query *q);
static inline float br_fts__norm(const struct br_fts__bm25 *m, uint32_t len) { return m->base + m->slope * (float)len; }
static inline float br_fts__share(float weight, uint32_t tf, float norm) { return weight * ((float)tf / ((float)tf + norm)); }
/* What a group adds to a chunk's score. One function, so that all callers get the same bits whatever the compiler contracts. */
float br_fts__part(const struct br_fts__bm25 *m, float weight, uint32_t tf, uint32_t len);

/* ---- lists ---- */

struct br_fts__seg {
	struct br_slice val;
	uint32_t first;
	uint32_t blocks; /* 0 until br_fts__seg_check has passed */
};

/* Where a cursor stands: a block, or the tail when seg == n_segs (then last is BR_FTS__NONE). */
struct br_fts__spot {
	uint32_t seg, block, blocks;
	uint32_t from;  /* no posting of the block is below */
	float bound;    /* most that one of its postings adds; below 0: not computed yet */
	const char *data;
	struct br_fts__header head;
};
/* Goes forward only. Decodes a block when it is first looked into. */
struct br_fts__cursor {
	struct br_fts__spot spot;
	bool chunks_ready, tfs_ready;
	uint32_t at, n;               /* postings before `at` are passed */
	const uint32_t *chunk, *tf;   /* into the arrays below, or the list's tail */
	uint32_t chunks[BR_FTS__BLOCK], tfs[BR_FTS__BLOCK];
};

/* How many of n ascending numbers are below x. No branch depends on the numbers, which no processor could foresee. */
static inline uint32_t br_fts__below(const uint32_t *v, uint32_t n, uint32_t x)
{
	const uint32_t *base = v;
	while (n > 1) {
		uint32_t half = n / 2;
		base += half & -(uint32_t)(base[half - 1] < x);
		n -= half;
	}
	return (uint32_t)(base - v) + (n && *base < x);
}

struct br_fts__postings {
	struct br_fts__place at;
	struct br_fts__list list;
	uint32_t group, ever;
	float weight;                 /* idf * count of the group */
	struct br_fts__seg *seg;
	uint32_t n_segs, n_tail;
	uint32_t tail_chunk[BR_FTS__BLOCK], tail_tf[BR_FTS__BLOCK];
	struct br_fts__cursor scan, probe, exact;

	/* search.c: bounds of windows of chunks, and of the window in hand */
	float *block_bound;           /* [window]: most that a posting of its blocks adds to a chunk; 0: none is there */
	double bound;                 /* most that any posting adds; 0: the list has none in the window */
	uint32_t tail_from, tail_to;  /* postings of the tail */
};

/* All lists of a question, those of group g from first[g] to first[g + 1]; terms that are not there have none. */
struct br_fts__lists {
	struct br_arena arena;
	struct br_fts__postings **list;
	uint32_t n;
	uint32_t *first;
	uint32_t ever;

	struct br_fts__bm25 bm25;
	struct br_cur len_cur;        /* the block of lengths in hand */
	uint32_t nb, len_block, n_len;
	const char *len;
	struct br_err *err;
};
int br_fts__lists_open(struct br_fts__lists *l, struct br_txn *t, uint32_t nb, const struct br_fts_query *q, struct br_err *err);
void br_fts__lists_close(struct br_fts__lists *l);
/* Makes l->len and n_len those of a block of lengths. */
int br_fts__lists_len(struct br_fts__lists *l, uint32_t block);
static inline uint32_t br_fts__len_at(const struct br_fts__lists *l, uint32_t i) { return br_rd_le16(l->len + 2 * (size_t)i); }

/* Onto the first block whose last chunk is not below `chunk`. */
int br_fts__spot_seek(struct br_fts__spot *s, struct br_fts__postings *p, uint32_t chunk, struct br_err *err);
int br_fts__spot_next(struct br_fts__spot *s, struct br_fts__postings *p, struct br_err *err);
/* Back to the first posting. */
int br_fts__cursor_rewind(struct br_fts__cursor *c, struct br_fts__postings *p, struct br_err *err);
int br_fts__cursor_seek(struct br_fts__cursor *c, struct br_fts__postings *p, uint32_t chunk, struct br_err *err);
int br_fts__cursor_next(struct br_fts__cursor *c, struct br_fts__postings *p, struct br_err *err);
int br_fts__cursor_chunks(struct br_fts__cursor *c, struct br_fts__postings *p, struct br_err *err);
void br_fts__cursor_tfs(struct br_fts__cursor *c);
/* tf of a chunk, 0 when it is not in the list. Chunks asked for must ascend. */
int br_fts__tf(uint32_t *tf, struct br_fts__cursor *c, struct br_fts__postings *p, uint32_t chunk, struct br_err *err);
/* Sum over the lists of a group, by their exact cursors. */
int br_fts__group_tf(uint32_t *tf, struct br_fts__lists *l, uint32_t group, uint32_t chunk, struct br_err *err);

/* reference.c: every posting of every list. Same results as search.c. */
int br_fts__exhaustive(struct br_topk *out, struct br_fts__lists *l, const struct br_fts_query *q, const struct br_fts_want *want, struct br_err *err);

#endif
