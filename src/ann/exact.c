/*
 * The exact scan: every kept row is scored, so the answer is the reference for any other way of searching, and
 * the mean and spread of the cosine come for free. Cosines are added up as integers (30 bits behind the point):
 * the sums do not depend on the order of the rows.
 */
#include "internal.h"

#include <math.h>

#define GROUP 64u /* rows per kernel call: one word of a bitmap */

struct sums {
	uint64_t n;
	int64_t sum;          /* of round(cos * 2^30) */
	__int128 sq;          /* of its squares */
};

struct scan {
	struct br_topk *top;
	const struct br_ann_query *q;
	br_dot_fn *dot;
	uint32_t dim;
	struct sums sums;
};

static float row_scale(const struct br_ann_block *b, uint32_t i)
{
	float f;
	memcpy(&f, b->scale + 4 * (size_t)i, 4);
	return f;
}

static double cosine(int32_t dot, float scale, const struct br_ann_query *q)
{
	return (double)dot * (double)scale * q->scale;
}

static int row_damaged(uint32_t row, struct br_err *err)
{
	return br_fail(err, BR_ECORRUPT, "vector %u has an impossible length", row);
}

/* Unit vectors have no such cosine: the scale is damaged. NaN included; it would poison the sums. */
static inline bool impossible(double c)
{
	return !(fabs(c) <= 1.5);
}

/* Half of the cosines are negative in no order: copysign, as a branch on the sign would be mispredicted every other time. */
static inline void sums_add(struct sums *s, double c)
{
	int64_t fixed = (int64_t)(c * 0x1p30 + copysign(0.5, c));

	s->n++;
	s->sum += fixed;
	s->sq += fixed * fixed;
}

static inline void top_add(struct br_topk *top, struct br_hit h)
{
	if (top->n < top->k || br_hit_before(h, br_topk_worst(top)))
		br_topk_push(top, h);
}

/* Bits from .. from + n - 1 of keep, n <= 64, as one word. */
static uint64_t keep_word(const struct br_bits *keep, uint32_t from, uint32_t n)
{
	uint64_t all = n < 64 ? (1ull << n) - 1 : UINT64_MAX, w;
	uint32_t at = from >> 6, shift = from & 63;

	if (!keep)
		return all;
	if (from >= keep->n)
		return 0;
	w = keep->w[at] >> shift;
	if (shift && at < (keep->n - 1) >> 6)
		w |= keep->w[at + 1] << (64 - shift);
	return w & all;
}

static bool keep_any(const struct br_bits *keep, uint32_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += GROUP)
		if (keep_word(keep, from + i, BR_MIN(GROUP, n - i)))
			return true;
	return false;
}

static int scan_group(struct scan *s, const struct br_ann_block *b, uint32_t at, uint32_t n, uint32_t first,
		      uint64_t keep, struct br_err *err)
{
	const int8_t *rows = b->code + (size_t)at * s->dim;
	bool sparse = (uint32_t)__builtin_popcountll(keep) * 4 < n;
	struct sums sums = s->sums; /* in registers */
	int32_t dot[GROUP];

	if (!sparse)
		s->dot(dot, rows, n, s->dim, s->q->code);
	for (; keep; keep &= keep - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(keep);
		float scale = row_scale(b, at + i);
		double c;
		if (scale == 0)
			continue;
		if (sparse)
			s->dot(&dot[i], rows + (size_t)i * s->dim, 1, s->dim, s->q->code);
		c = cosine(dot[i], scale, s->q);
		if (impossible(c))
			return row_damaged(first + i, err);
		sums_add(&sums, c);
		top_add(s->top, (struct br_hit){ first + i, (float)c });
	}
	s->sums = sums;
	return 0;
}

static int scan_block(struct scan *s, const struct br_ann_source *src, uint32_t block, const struct br_bits *keep,
		      struct br_err *err)
{
	struct br_ann_block b = { 0 };
	uint32_t first = block * src->per_block, n = BR_MIN(src->per_block, src->rows - first);
	int rc;

	if (!keep_any(keep, first, n))
		return 0;
	if ((rc = src->block(&b, block, src->arg, err)) < 0)
		return rc;
	if (!b.code)
		return 0;
	n = BR_MIN(n, b.n);
	for (uint32_t i = 0; i < n; i += GROUP) {
		uint32_t m = BR_MIN(GROUP, n - i);
		if ((rc = scan_group(s, &b, i, m, first + i, keep_word(keep, first + i, m), err)) < 0)
			return rc;
	}
	return 0;
}

/* n and |sum| stay below 2^32 and 2^63, so n * sq and sum * sum stay below 2^127. */
static void stats_fill(struct br_ann_stats *out, const struct sums *s)
{
	double n = (double)s->n;

	*out = (struct br_ann_stats){ .scored = s->n, .way = "exact scan" };
	if (!s->n)
		return;
	out->mean = (double)s->sum / n * 0x1p-30;
	out->sigma = sqrt((double)((__int128)s->n * s->sq - (__int128)s->sum * s->sum)) / n * 0x1p-30;
}

static uint32_t block_count(const struct br_ann_source *src)
{
	return src->rows / src->per_block + (src->rows % src->per_block != 0);
}

int br_ann_search(struct br_topk *out, struct br_ann_stats *stats, const struct br_ann_source *src,
		  const struct br_ann_query *q, const struct br_bits *keep, struct br_err *err)
{
	struct scan s = { .top = out, .q = q, .dot = br_ann__dot(src->dim), .dim = src->dim };
	int rc;

	BR_ASSERT(q->dim == src->dim && src->per_block > 0);
	for (uint32_t b = 0, n = block_count(src); b < n; b++)
		if ((rc = scan_block(&s, src, b, keep, err)) < 0)
			return rc;
	stats_fill(stats, &s.sums);
	br_topk_sort(out);
	return 0;
}

int br_ann_score(float *out, const struct br_ann_source *src, const struct br_ann_query *q, const uint32_t *row, size_t n,
		 struct br_err *err)
{
	br_dot_fn *dot = br_ann__dot(src->dim);
	struct br_ann_block b = { 0 };
	uint32_t have = UINT32_MAX; /* the block that b holds; no block has this number, as rows < 2^32 */

	BR_ASSERT(q->dim == src->dim && src->per_block > 0);
	for (size_t k = 0; k < n; k++) {
		uint32_t block = row[k] / src->per_block, i = row[k] % src->per_block;
		float scale;
		int32_t d;
		int rc;

		out[k] = NAN;
		if (row[k] >= src->rows)
			continue;
		if (block != have && (rc = src->block(&b, block, src->arg, err)) < 0)
			return rc;
		have = block;
		if (!b.code || i >= b.n || (scale = row_scale(&b, i)) == 0)
			continue;
		dot(&d, b.code + (size_t)i * src->dim, 1, src->dim, q->code);
		out[k] = (float)cosine(d, scale, q);
		if (impossible((double)out[k]))
			return row_damaged(row[k], err);
	}
	return 0;
}
