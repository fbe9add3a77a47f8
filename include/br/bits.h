/*
 * bits - dense bitmaps over chunk numbers (filters, tombstones) and bounded top-k selection. Part of base.
 * Threads: plain values.
 */
#ifndef BR_BITS_H
#define BR_BITS_H

#include "br/base.h"

struct br_bits {
	uint64_t *w; /* words, little end first; bits beyond n are 0 */
	uint32_t n;  /* bits */
};
void br_bits_init(struct br_bits *b, uint32_t n, bool ones);
void br_bits_release(struct br_bits *b);
void br_bits_set_range(struct br_bits *b, uint32_t from, uint32_t count);
void br_bits_clear_range(struct br_bits *b, uint32_t from, uint32_t count);
void br_bits_and(struct br_bits *b, const struct br_bits *other); /* same n */
void br_bits_andnot(struct br_bits *b, const struct br_bits *other);
uint32_t br_bits_count(const struct br_bits *b);
/* For numbering anew what is set: bits set below each word (caller frees), and from that the bits set below i. */
uint32_t *br_bits_ranks(const struct br_bits *b);
static inline uint32_t br_bits_rank(const struct br_bits *b, const uint32_t *ranks, uint32_t i)
{
	return ranks[i >> 6] + (i < b->n ? (uint32_t)__builtin_popcountll(b->w[i >> 6] & ((1ull << (i & 63)) - 1)) : 0);
}
static inline bool br_bits_get(const struct br_bits *b, uint32_t i) { return i < b->n && (b->w[i >> 6] >> (i & 63) & 1); }
static inline void br_bits_set(struct br_bits *b, uint32_t i) { b->w[i >> 6] |= 1ull << (i & 63); }

/* A hit of one list. Order everywhere: higher score first, equal scores by lower chunk number. */
struct br_hit { uint32_t chunk; float score; };
static inline bool br_hit_before(struct br_hit a, struct br_hit b)
{
	return a.score > b.score || (a.score == b.score && a.chunk < b.chunk);
}
/* Keeps the best k of what is pushed. */
struct br_topk { struct br_hit *h; uint32_t n, k; };
void br_topk_init(struct br_topk *t, uint32_t k);
void br_topk_release(struct br_topk *t);
void br_topk_push(struct br_topk *t, struct br_hit h);
void br_topk_sort(struct br_topk *t); /* best first; push no more */
/* The worst kept hit when full (a candidate must come before it), else score -inf. */
static inline struct br_hit br_topk_worst(const struct br_topk *t)
{
	return t->n < t->k || !t->k ? (struct br_hit){ UINT32_MAX, -__builtin_inff() } : t->h[0];
}

#endif
