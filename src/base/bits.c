/*
 * bits - dense bitmaps and the bounded heap that keeps the best hits.
 */
#include "br/bits.h"

#include <stdlib.h>

/* ---- bitmaps ---- */

static size_t words(uint32_t n)
{
	return ((size_t)n + 63) / 64;
}

/* Ones at bit numbers [from, to) of one word; 0 <= from < to <= 64. */
static uint64_t mask(uint32_t from, uint32_t to)
{
	return ~0ull >> (64 - (to - from)) << from;
}

void br_bits_init(struct br_bits *b, uint32_t n, bool ones)
{
	b->w = br_allocn(BR_MAX(words(n), (size_t)1), sizeof *b->w);
	b->n = n;
	if (ones)
		br_bits_set_range(b, 0, n);
}

void br_bits_release(struct br_bits *b)
{
	free(b->w);
	*b = (struct br_bits){ NULL, 0 };
}

static void change_range(struct br_bits *b, uint32_t from, uint32_t count, bool on)
{
	uint64_t to = BR_MIN((uint64_t)from + count, (uint64_t)b->n);

	for (uint64_t i = from; i < to; i = (i | 63) + 1) {
		uint64_t m = mask(i & 63, (uint32_t)BR_MIN(to - (i & ~63ull), 64ull));

		if (on)
			b->w[i >> 6] |= m;
		else
			b->w[i >> 6] &= ~m;
	}
}

void br_bits_set_range(struct br_bits *b, uint32_t from, uint32_t count) { change_range(b, from, count, true); }
void br_bits_clear_range(struct br_bits *b, uint32_t from, uint32_t count) { change_range(b, from, count, false); }

void br_bits_and(struct br_bits *b, const struct br_bits *other)
{
	BR_ASSERT(b->n == other->n);
	for (size_t i = 0; i < words(b->n); i++)
		b->w[i] &= other->w[i];
}

void br_bits_andnot(struct br_bits *b, const struct br_bits *other)
{
	BR_ASSERT(b->n == other->n);
	for (size_t i = 0; i < words(b->n); i++)
		b->w[i] &= ~other->w[i];
}

uint32_t *br_bits_ranks(const struct br_bits *b)
{
	uint32_t words = (b->n + 63) / 64, *ranks = br_allocn((size_t)words + 1, sizeof *ranks);

	for (uint32_t i = 0; i < words; i++)
		ranks[i + 1] = ranks[i] + (uint32_t)__builtin_popcountll(b->w[i]);
	return ranks;
}

uint32_t br_bits_count(const struct br_bits *b)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < words(b->n); i++)
		sum += (uint32_t)__builtin_popcountll(b->w[i]);
	return sum;
}

/* ---- top k: a heap with the worst hit at h[0] ---- */

void br_topk_init(struct br_topk *t, uint32_t k)
{
	*t = (struct br_topk){ br_allocn(BR_MAX(k, 1u), sizeof *t->h), 0, k };
}

void br_topk_release(struct br_topk *t)
{
	free(t->h);
	*t = (struct br_topk){ NULL, 0, 0 };
}

static void sift_up(struct br_hit *h, uint32_t i, struct br_hit x)
{
	while (i && br_hit_before(h[(i - 1) / 2], x)) {
		h[i] = h[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	h[i] = x;
}

static void sift_down(struct br_hit *h, uint32_t n, struct br_hit x)
{
	uint64_t i = 0, c;

	while ((c = 2 * i + 1) < n) {
		if (c + 1 < n && br_hit_before(h[c], h[c + 1]))
			c++;
		if (!br_hit_before(x, h[c]))
			break;
		h[i] = h[c];
		i = c;
	}
	h[i] = x;
}

void br_topk_push(struct br_topk *t, struct br_hit x)
{
	if (x.score != x.score)
		return; /* NaN has no place in the order */
	if (t->n < t->k)
		sift_up(t->h, t->n++, x);
	else if (t->k && br_hit_before(x, t->h[0]))
		sift_down(t->h, t->n, x);
}

static int by_rank(const void *a, const void *b)
{
	const struct br_hit *x = a, *y = b;

	return br_hit_before(*x, *y) ? -1 : br_hit_before(*y, *x);
}

void br_topk_sort(struct br_topk *t)
{
	if (t->n > 1)
		qsort(t->h, t->n, sizeof *t->h, by_rank);
}
