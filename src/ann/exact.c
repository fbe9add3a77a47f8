/*
 * The exact scan: every kept row is scored, so the answer is the reference for any other way of searching, and
 * the mean and spread of the cosine come for free. Cosines are added up as integers (30 bits behind the point):
 * the sums do not depend on the order of the rows.
 */
#include "internal.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#define GROUP 64u /* rows per kernel call: one word of a bitmap */
#define THREAD_BYTES (2u << 20) /* of codes: less is not worth a thread */

struct scan {
	struct br_topk *top;
	const struct br_ann_query *q;
	br_dot_fn *dot;
	br_ann__tally_fn *tally;
	uint32_t dim;
	struct br_ann__sums sums;
};

float br_ann__scale(const struct br_ann_block *b, uint32_t i)
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

static inline bool impossible(double c)
{
	return !(fabs(c) <= BR_ANN__MAX_COSINE);
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

/* Dot products of the kept rows; the others' are not used. */
static void dots(int32_t *out, const struct scan *s, const int8_t *rows, uint32_t n, uint64_t keep)
{
	if ((uint32_t)__builtin_popcountll(keep) * 4 >= n) {
		s->dot(out, rows, n, s->dim, s->q->code);
		return;
	}
	memset(out, 0, n * sizeof *out);
	for (; keep; keep &= keep - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(keep);
		s->dot(&out[i], rows + (size_t)i * s->dim, 1, s->dim, s->q->code);
	}
}

/* The scales, 0 for rows that are not kept: those count as rows without a vector. */
static const char *kept_scales(char room[4 * GROUP], const char *scales, uint32_t n, uint64_t keep)
{
	if (keep == keep_word(NULL, 0, n))
		return scales;
	memset(room, 0, 4 * GROUP);
	for (; keep; keep &= keep - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(keep);
		memcpy(room + 4 * i, scales + 4 * i, 4);
	}
	return room;
}

static int damaged_row(const struct br_ann__group *g, uint32_t first, struct br_err *err)
{
	uint32_t i = 0;

	while (!impossible(br_ann__cosine(g, i)))
		i++;
	return row_damaged(first + i, err);
}

static int scan_group(struct scan *s, const struct br_ann_block *b, uint32_t at, uint32_t n, uint32_t first,
		      uint64_t keep, struct br_err *err)
{
	float floor = s->top->n < s->top->k ? -INFINITY : br_topk_worst(s->top).score;
	struct br_ann__group g = { .scale = s->q->scale, .n = n };
	int32_t dot[GROUP];
	char room[4 * GROUP];
	uint64_t near;

	if (!keep)
		return 0;
	dots(dot, s, b->code + (size_t)at * s->dim, n, keep);
	g.dot = dot;
	g.scales = kept_scales(room, b->scale + 4 * (size_t)at, n, keep);
	near = s->tally(&s->sums, &g, floor);
	if (s->sums.damaged)
		return damaged_row(&g, first, err);
	for (; near; near &= near - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(near);
		top_add(s->top, (struct br_hit){ first + i, (float)br_ann__cosine(&g, i) });
	}
	return 0;
}

/* Rows of the block that are not before `from`. */
static int scan_block(struct scan *s, const struct br_ann_source *src, uint32_t block, uint32_t from, const struct br_bits *keep,
		      struct br_err *err)
{
	struct br_ann_block b = { 0 };
	uint32_t first = block * src->per_block, n = BR_MIN(src->per_block, src->rows - first), at = from > first ? from - first : 0;
	int rc;

	if (!keep_any(keep, first + at, n - at))
		return 0;
	if ((rc = src->block(&b, block, src->arg, err)) < 0)
		return rc;
	if (!b.code)
		return 0;
	n = BR_MIN(n, b.n);
	for (uint32_t i = at; i < n; i += GROUP) {
		uint32_t m = BR_MIN(GROUP, n - i);
		if ((rc = scan_group(s, &b, i, m, first + i, keep_word(keep, first + i, m), err)) < 0)
			return rc;
	}
	return 0;
}

/* n and |sum| stay below 2^32 and 2^63, so n * sq and sum * sum stay below 2^127. */
static void stats_fill(struct br_ann_stats *out, const struct br_ann__sums *s)
{
	double n = (double)s->n;

	out->scored = s->n;
	out->mean = out->sigma = 0;
	if (!s->n)
		return;
	out->mean = (double)s->sum / n * 0x1p-30;
	out->sigma = sqrt((double)((__int128)s->n * s->sq - (__int128)s->sum * s->sum)) / n * 0x1p-30;
}

static uint32_t block_count(const struct br_ann_source *src)
{
	return src->rows / src->per_block + (src->rows % src->per_block != 0);
}

/* ---- in parts, each by a thread: sums and the best do not depend on how rows are divided ---- */

struct part {
	struct scan scan;
	struct br_topk top;
	const struct br_ann_source *src;
	const struct br_bits *keep;
	uint32_t from, block, end;  /* rows not before `from`, of blocks up to `end` */
	struct br_err err;
	int rc;
};

static void *scan_part(void *arg)
{
	struct part *p = arg;

	for (; p->rc == 0 && p->block < p->end; p->block++)
		p->rc = scan_block(&p->scan, p->src, p->block, p->from, p->keep, &p->err);
	return NULL;
}

static uint32_t part_count(const struct br_ann_source *src, uint32_t blocks)
{
	uint64_t bytes = (uint64_t)blocks * src->per_block * src->dim;

	return (uint32_t)BR_MAX(1, BR_MIN(BR_MIN(src->threads, BR_ANN_MAX_THREADS), bytes / THREAD_BYTES));
}

static void join_part(struct br_topk *top, struct br_ann__sums *sums, const struct part *p)
{
	for (uint32_t i = 0; i < p->top.n; i++)
		top_add(top, p->top.h[i]);
	sums->n += p->scan.sums.n;
	sums->sum += p->scan.sums.sum;
	sums->sq += p->scan.sums.sq;
}

int br_ann__scan(struct br_topk *top, struct br_ann_stats *stats, const struct br_ann_source *src, uint32_t from, const struct br_ann_query *q,
		 const struct br_bits *keep, struct br_err *err)
{
	uint32_t first = from / src->per_block, blocks = block_count(src) - BR_MIN(first, block_count(src)), n = part_count(src, blocks);
	struct part *part = br_allocn(n, sizeof *part);
	struct br_ann__sums sums = { 0 };
	struct br_ann_block before;
	pthread_t thread[BR_ANN_MAX_THREADS];
	bool runs[BR_ANN_MAX_THREADS] = { false };
	int rc = n > 1 ? src->block(&before, first, src->arg, err) : 0;

	BR_ASSERT(q->dim == src->dim && src->per_block > 0);
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		struct part *p = &part[i];
		*p = (struct part){ .scan = { .top = &p->top, .q = q, .dot = br_ann__dot(src->dim), .tally = br_ann__tally(), .dim = src->dim },
			.src = src, .keep = keep, .from = from, .block = first + (uint32_t)((uint64_t)blocks * i / n),
			.end = first + (uint32_t)((uint64_t)blocks * (i + 1) / n) };
		br_topk_init(&p->top, top->k);
		runs[i] = i && pthread_create(&thread[i], NULL, scan_part, p) == 0;
	}
	for (uint32_t i = 0; i < n && part[i].src; i++) {
		if (runs[i])
			pthread_join(thread[i], NULL);
		else
			scan_part(&part[i]);
		if (part[i].rc < 0 && rc == 0)
			rc = br_fail(err, part[i].err.code, "%s", part[i].err.msg);
		join_part(top, &sums, &part[i]);
		br_topk_release(&part[i].top);
	}
	if (stats)
		stats_fill(stats, &sums);
	free(part);
	return rc;
}

int br_ann_search(struct br_topk *out, struct br_ann_stats *stats, const struct br_ann_source *src,
		  const struct br_ann_query *q, const struct br_bits *keep, struct br_err *err)
{
	int rc = br_ann__scan(out, stats, src, 0, q, keep, err);

	if (rc < 0)
		return rc;
	strcpy(stats->way, "exact scan");
	br_topk_sort(out);
	return 0;
}

int br_ann__sample_stats(struct br_ann_stats *out, const struct br_ann_block *b, const uint32_t *row, const struct br_ann_query *q,
			 const struct br_bits *keep, struct br_err *err)
{
	br_dot_fn *dot = br_ann__dot(q->dim);
	struct br_ann__sums sums = { 0 };
	int32_t d[GROUP];

	for (uint32_t at = 0; at < b->n; at += GROUP) {
		uint32_t m = BR_MIN(GROUP, b->n - at);
		dot(d, b->code + (size_t)at * q->dim, m, q->dim, q->code);
		for (uint32_t i = 0; i < m; i++) {
			double c = cosine(d[i], br_ann__scale(b, at + i), q);
			if (keep && !br_bits_get(keep, row[at + i]))
				continue;
			if (impossible(c))
				return row_damaged(row[at + i], err);
			br_ann__sums_add(&sums, c);
		}
	}
	stats_fill(out, &sums);
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
		if (!b.code || i >= b.n || (scale = br_ann__scale(&b, i)) == 0)
			continue;
		dot(&d, b.code + (size_t)i * src->dim, 1, src->dim, q->code);
		out[k] = (float)cosine(d, scale, q);
		if (impossible((double)out[k]))
			return row_damaged(row[k], err);
	}
	return 0;
}
