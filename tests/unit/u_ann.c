/*
 * Kernels against a plain loop, the scan against a plain reference: order, ties, filters, rows without vectors, statistics that
 * do not depend on the order of the rows; queries that cannot overflow; damage.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "br/ann.h"

static uint64_t rnd = 88172645463325252ull;
static uint64_t next(void)
{
	rnd ^= rnd << 13, rnd ^= rnd >> 7, rnd ^= rnd << 17;
	return rnd;
}

/* ---- kernels ---- */

static void check_kernels(const int8_t *rows, size_t n, size_t dim, const int16_t *q)
{
	br_dot_fn *const fn[] = { br_dot_scalar, br_dot_avx2, br_dot_avx512 };
	int32_t *out = malloc((n + 1) * sizeof *out);

	for (int k = 0; k <= (int)br_simd_level(); k++) {
		if (k && dim % 32)
			continue;
		memset(out, 0x55, (n + 1) * sizeof *out);
		fn[k](out, rows, n, dim, q);
		for (size_t i = 0; i < n; i++) {
			int64_t want = 0;
			for (size_t d = 0; d < dim; d++)
				want += rows[i * dim + d] * q[d];
			assert_int_equal(out[i], want);
		}
		assert_int_equal(out[n], 0x55555555);
	}
	free(out);
}

static void dot_products(void **state)
{
	static const size_t dims[] = { 1, 7, 32, 64, 96, 128, 160, 255, 256, 384, 768, 1024, 4096 };

	(void)state;
	for (size_t i = 0; i < BR_COUNT(dims); i++) {
		size_t dim = dims[i];
		for (size_t n = 0; n < 14; n++) {
			for (size_t align = 0; align < 4; align++) {
				char *block = malloc(n * dim + align + 1);
				int16_t *q = malloc(dim * sizeof *q);
				int8_t *rows = (int8_t *)block + align;
				for (size_t d = 0; d < n * dim; d++)
					rows[d] = (int8_t)next();
				for (size_t d = 0; d < dim; d++)
					q[d] = (int16_t)((int)(next() % 8001) - 4000); /* 4000 * 128 * 4096 < 2^31 */
				check_kernels(rows, n, dim, q);
				free(block);
				free(q);
			}
		}
	}
}

/* The largest queries that br_ann_query_init makes, with the rows that make the largest sums. */
static void no_query_overflows(void **state)
{
	static const uint32_t dims[] = { 1, 32, 256, 512, 544, 768, 1024, 4096 };
	static struct br_ann_query q;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(dims); i++) {
		uint32_t dim = dims[i];
		for (int kind = 0; kind < 4; kind++) {
			float *v = malloc(dim * sizeof *v);
			int8_t *rows = malloc(5 * (size_t)dim);
			double norm = 0;
			for (uint32_t d = 0; d < dim; d++)
				v[d] = kind == 0 ? 1e30f : kind == 1 ? (d & 1 ? -1e-30f : 1e-30f) : kind == 2 ? d == 0 : (float)((int)(next() % 2001) - 1000);
			br_ann_query_init(&q, v, dim);
			for (uint32_t d = 0; d < dim; d++) {
				rows[d] = q.code[d] < 0 ? -128 : 127;
				rows[dim + d] = q.code[d] < 0 ? 127 : -128;
				rows[2 * dim + d] = -128;
				rows[3 * dim + d] = 127;
				rows[4 * dim + d] = 0;
				norm += (double)q.code[d] * q.code[d];
			}
			check_kernels(rows, 5, dim, q.code);
			assert_true(fabs(sqrt(norm) * q.scale - 1) < 1e-12);
			free(v);
			free(rows);
		}
	}
}

static void queries(void **state)
{
	static struct br_ann_query q;
	const float v[] = { 3, -4, 0, NAN, INFINITY };
	const int32_t sum[] = { 3, -4, 0 }, big[] = { 2000000000, -1000000000, 7 }, zero[3] = { 0 };

	(void)state;
	br_ann_query_init(&q, v, 5); /* what is not finite counts as 0 */
	assert_int_equal(q.code[1], -32767);
	assert_int_equal(q.code[0], 24575); /* 24575.25 */
	assert_int_equal(q.code[3], 0);
	assert_int_equal(q.code[4], 0);
	assert_true(br_ann_query_from_sums(&q, sum, 3));
	assert_int_equal(q.code[0], 3); /* small sums are kept exactly */
	assert_int_equal(q.code[1], -4);
	assert_true(q.scale == 0.2);
	assert_true(br_ann_query_from_sums(&q, big, 3));
	assert_int_equal(q.code[0], 32767);
	assert_int_equal(q.code[1], -16384); /* half away from zero */
	assert_int_equal(q.code[2], 0);
	assert_false(br_ann_query_from_sums(&q, zero, 3));
	assert_true(q.scale == 0);
}

static void levels(void **state)
{
	(void)state;
	assert_string_equal(br_simd_name(BR_SIMD_SCALAR), "scalar");
	assert_string_equal(br_simd_name(BR_SIMD_AVX2), "avx2");
	assert_string_equal(br_simd_name(BR_SIMD_AVX512), "avx512");
	assert_int_equal(br_simd_level(), br_simd_level());
}

/* ---- the scan ---- */

struct table {
	int8_t *code;
	float *scale;
	uint32_t n, dim, per;
	unsigned fetched;    /* blocks asked for */
	uint32_t missing;    /* this block has code NULL */
	uint32_t fails;      /* this block cannot be read */
};

static int table_block(struct br_ann_block *out, uint32_t block, void *arg, struct br_err *err)
{
	struct table *t = arg;
	uint32_t first = block * t->per;

	assert_true(first < t->n);
	t->fetched++;
	if (block == t->fails)
		return br_fail(err, BR_EIO, "block %u", block);
	out->n = BR_MIN(t->per, t->n - first);
	out->code = block == t->missing ? NULL : t->code + (size_t)first * t->dim;
	out->scale = (const char *)(t->scale + first);
	return 0;
}

static struct br_ann_source source(struct table *t)
{
	return (struct br_ann_source){ .rows = t->n, .dim = t->dim, .per_block = t->per, .block = table_block, .arg = t };
}

static struct table table_new(uint32_t n, uint32_t dim, uint32_t per)
{
	struct table t = { malloc((size_t)n * dim + 1), malloc(((size_t)n + 1) * sizeof(float)), n, dim, per, 0, UINT32_MAX, UINT32_MAX };

	for (uint32_t r = 0; r < n; r++) {
		int8_t *c = t.code + (size_t)r * dim;
		double sq = 0;
		for (uint32_t d = 0; d < dim; d++) {
			c[d] = (int8_t)((int)(next() % 255) - 127);
			sq += c[d] * c[d];
		}
		if (r && next() % 5 == 0) { /* a copy of an earlier row: a tie */
			uint32_t from = (uint32_t)(next() % r);
			memcpy(c, t.code + (size_t)from * dim, dim);
			t.scale[r] = t.scale[from];
		} else {
			t.scale[r] = next() % 7 ? (float)(1 / sqrt(sq)) : 0;
		}
	}
	return t;
}

static void table_free(struct table *t)
{
	free(t->code);
	free(t->scale);
}

static bool has_vector(const struct table *t, uint32_t r)
{
	return t->scale[r] != 0 && r / t->per != t->missing;
}

static double reference_cosine(const struct table *t, uint32_t r, const struct br_ann_query *q)
{
	int64_t dot = 0;

	for (uint32_t d = 0; d < t->dim; d++)
		dot += t->code[(size_t)r * t->dim + d] * q->code[d];
	return (double)dot * (double)t->scale[r] * q->scale;
}

static int by_rank(const void *a, const void *b)
{
	const struct br_hit *x = a, *y = b;
	return br_hit_before(*x, *y) ? -1 : br_hit_before(*y, *x);
}

static void random_query(struct br_ann_query *q, uint32_t dim)
{
	float v[BR_ANN_MAX_DIM];

	for (uint32_t d = 0; d < dim; d++)
		v[d] = (float)((int)(next() % 2001) - 1000);
	br_ann_query_init(q, v, dim);
}

static void compare(struct table *t, const struct br_ann_query *q, const struct br_bits *keep, uint32_t k)
{
	struct br_ann_source src = source(t);
	struct br_hit *all = malloc((t->n + 1) * sizeof *all);
	struct br_ann_stats st;
	struct br_topk top;
	uint32_t n = 0;
	long double sum = 0, sq = 0;

	for (uint32_t r = 0; r < t->n; r++) {
		if (!has_vector(t, r) || (keep && !br_bits_get(keep, r)))
			continue;
		double c = reference_cosine(t, r, q);
		all[n++] = (struct br_hit){ r, (float)c };
		sum += c;
		sq += (long double)c * c;
	}
	qsort(all, n, sizeof *all, by_rank);
	br_topk_init(&top, k);
	assert_int_equal(br_ann_search(&top, &st, &src, q, keep, NULL), 0);
	assert_int_equal(top.n, BR_MIN(n, k));
	for (uint32_t i = 0; i < top.n; i++) {
		assert_int_equal(top.h[i].chunk, all[i].chunk);
		assert_true(top.h[i].score == all[i].score);
	}
	assert_int_equal(st.scored, n);
	assert_string_equal(st.way, "exact scan");
	if (n) {
		long double mean = sum / n, var = sq / n - mean * mean;
		assert_true(fabs(st.mean - (double)mean) < 2e-9);
		assert_true(fabs(st.sigma - sqrt((double)BR_MAX(var, 0.0L))) < 1e-7);
	} else {
		assert_true(st.mean == 0 && st.sigma == 0);
	}
	br_topk_release(&top);
	free(all);
}

static void compare_filters(struct table *t, const struct br_ann_query *q)
{
	static const unsigned one_in[] = { 1, 2, 5, 40 };

	for (size_t f = 0; f < BR_COUNT(one_in); f++) {
		struct br_bits keep;
		br_bits_init(&keep, t->n, false);
		for (uint32_t r = 0; r < t->n; r++)
			if (next() % one_in[f] == 0)
				br_bits_set(&keep, r);
		compare(t, q, &keep, 10);
		br_bits_clear_range(&keep, 0, t->n / 2);
		compare(t, q, &keep, 1000);
		keep.n = t->n / 3; /* rows behind the end of the bitmap are not kept */
		br_bits_clear_range(&keep, 0, 0);
		for (uint32_t r = keep.n; r < t->n; r++)
			keep.w[r >> 6] &= ~(1ull << (r & 63));
		compare(t, q, &keep, 10);
		br_bits_release(&keep);
	}
}

static void search_equals_reference(void **state)
{
	static const struct { uint32_t n, dim, per; } shape[] = {
		{ 0, 32, 10 }, { 1, 32, 10 }, { 64, 32, 64 }, { 65, 33, 64 }, { 500, 64, 251 }, { 502, 256, 251 },
		{ 1000, 128, 1 }, { 1000, 20, 63 }, { 777, 96, 65 }, { 2000, 256, 5000 }, { 300, 1024, 63 },
	};
	static struct br_ann_query q;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(shape); i++) {
		struct table t = table_new(shape[i].n, shape[i].dim, shape[i].per);
		random_query(&q, t.dim);
		compare(&t, &q, NULL, 0);
		compare(&t, &q, NULL, 1);
		compare(&t, &q, NULL, 10);
		compare(&t, &q, NULL, 5000);
		compare_filters(&t, &q);
		t.missing = 1;
		compare(&t, &q, NULL, 50);
		table_free(&t);
	}
}

static void worked_out_by_hand(void **state)
{
	int8_t code[] = { 127, 0, /**/ 0, 127, /**/ 0, 0, /**/ -127, 0, /**/ 127, 0 };
	float scale[] = { 1 / 127.f, 1 / 127.f, 0, 1 / 127.f, 1 / 127.f };
	struct table t = { code, scale, 5, 2, 2, 0, UINT32_MAX, UINT32_MAX };
	struct br_ann_source src = source(&t);
	const int32_t sum[] = { 9, 0 };
	static struct br_ann_query q;
	struct br_ann_stats st;
	struct br_topk top;

	(void)state;
	assert_true(br_ann_query_from_sums(&q, sum, 2));
	br_topk_init(&top, 3);
	assert_int_equal(br_ann_search(&top, &st, &src, &q, NULL, NULL), 0);
	assert_int_equal(top.n, 3);
	assert_int_equal(top.h[0].chunk, 0); /* 1, tie: the lower row first */
	assert_int_equal(top.h[1].chunk, 4); /* 1 */
	assert_int_equal(top.h[2].chunk, 1); /* 0 */
	assert_true(fabs(top.h[0].score - 1) < 1e-6f && top.h[2].score == 0);
	assert_true(fabs(st.mean - 0.25) < 1e-7);           /* (1 + 0 - 1 + 1) / 4 */
	assert_true(fabs(st.sigma - sqrt(0.6875)) < 1e-7);  /* 3/4 - 1/16 */
	br_topk_release(&top);
}

static void statistics_do_not_depend_on_order(void **state)
{
	struct table t = table_new(900, 64, 100);
	struct br_ann_source src = source(&t);
	struct br_ann_stats a, b;
	static struct br_ann_query q;
	struct br_topk top;

	(void)state;
	random_query(&q, t.dim);
	br_topk_init(&top, 1);
	assert_int_equal(br_ann_search(&top, &a, &src, &q, NULL, NULL), 0);
	for (uint32_t i = t.n - 1; i; i--) {
		uint32_t j = (uint32_t)(next() % (i + 1));
		float f = t.scale[i];
		t.scale[i] = t.scale[j];
		t.scale[j] = f;
		for (uint32_t d = 0; d < t.dim; d++) {
			int8_t *x = &t.code[(size_t)i * t.dim + d], *y = &t.code[(size_t)j * t.dim + d], c = *x;
			*x = *y;
			*y = c;
		}
	}
	src.per_block = t.per = 77;
	assert_int_equal(br_ann_search(&top, &b, &src, &q, NULL, NULL), 0);
	assert_true(a.mean == b.mean && a.sigma == b.sigma && a.scored == b.scored);
	br_topk_release(&top);
	table_free(&t);
}

static void blocks_without_kept_rows_are_not_read(void **state)
{
	struct table t = table_new(1000, 32, 100);
	struct br_ann_source src = source(&t);
	static struct br_ann_query q;
	struct br_ann_stats st;
	struct br_bits keep;
	struct br_topk top;

	(void)state;
	random_query(&q, t.dim);
	br_bits_init(&keep, t.n, false);
	br_bits_set(&keep, 199);
	br_bits_set(&keep, 700);
	br_topk_init(&top, 5);
	assert_int_equal(br_ann_search(&top, &st, &src, &q, &keep, NULL), 0);
	assert_int_equal(t.fetched, 2);
	br_topk_release(&top);
	br_bits_release(&keep);
	table_free(&t);
}

static void scores_of_given_rows(void **state)
{
	struct table t = table_new(300, 96, 50);
	struct br_ann_source src = source(&t);
	static struct br_ann_query q;
	uint32_t row[400];
	float out[400];

	(void)state;
	t.missing = 3;
	random_query(&q, t.dim);
	for (size_t i = 0; i < BR_COUNT(row); i++)
		row[i] = (uint32_t)(next() % 310);
	assert_int_equal(br_ann_score(out, &src, &q, row, BR_COUNT(row), NULL), 0);
	for (size_t i = 0; i < BR_COUNT(row); i++) {
		if (row[i] >= t.n || !has_vector(&t, row[i]))
			assert_true(isnan(out[i]));
		else
			assert_true(out[i] == (float)reference_cosine(&t, row[i], &q));
	}
	t.fetched = 0;
	for (uint32_t i = 0; i < 50; i++)
		row[i] = i;
	assert_int_equal(br_ann_score(out, &src, &q, row, 50, NULL), 0);
	assert_int_equal(t.fetched, 1);
	assert_int_equal(br_ann_score(out, &src, &q, row, 0, NULL), 0);
	table_free(&t);
}

static void damage_is_reported(void **state)
{
	const float bad[] = { NAN, INFINITY, -INFINITY, 1e30f };
	struct table t = table_new(200, 32, 50);
	struct br_ann_source src = source(&t);
	static struct br_ann_query q;
	struct br_ann_stats st;
	struct br_topk top;
	struct br_err err;
	uint32_t row = 123;
	float out;

	(void)state;
	random_query(&q, t.dim);
	br_topk_init(&top, 5);
	for (size_t i = 0; i < BR_COUNT(bad); i++) {
		t.scale[row] = bad[i];
		assert_int_equal(br_ann_search(&top, &st, &src, &q, NULL, &err), -BR_ECORRUPT);
		assert_non_null(strstr(err.msg, "123"));
		assert_int_equal(br_ann_score(&out, &src, &q, &row, 1, &err), -BR_ECORRUPT);
		top.n = 0;
	}
	t.fails = 1;
	assert_int_equal(br_ann_search(&top, &st, &src, &q, NULL, &err), -BR_EIO);
	row = 60;
	assert_int_equal(br_ann_score(&out, &src, &q, &row, 1, &err), -BR_EIO);
	br_topk_release(&top);
	table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dot_products), cmocka_unit_test(no_query_overflows), cmocka_unit_test(queries), cmocka_unit_test(levels),
		cmocka_unit_test(search_equals_reference), cmocka_unit_test(worked_out_by_hand),
		cmocka_unit_test(statistics_do_not_depend_on_order), cmocka_unit_test(blocks_without_kept_rows_are_not_read),
		cmocka_unit_test(scores_of_given_rows), cmocka_unit_test(damage_is_reported),
	};
	return cmocka_run_group_tests_name("ann", tests, NULL, NULL);
}
