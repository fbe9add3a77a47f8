/* From dot products to cosines: the vector code gives the plain code's sums and rows to the last bit, and a scan in parts the whole one's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "ann/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t rnd = 88172645463325252ull;

static uint64_t next(void)
{
	rnd ^= rnd << 13, rnd ^= rnd >> 7, rnd ^= rnd << 17;
	return rnd;
}

/* Cosines up to `most`; every fifth row without a vector. */
static void fill(int32_t dot[64], char scales[256], double most)
{
	for (int i = 0; i < 64; i++) {
		float f = next() % 5 ? (float)(next() % 1000 + 1) / 1e6f : 0;
		dot[i] = f > 0 ? (int32_t)(most / (double)f * ((double)(next() % 2000001) / 1e6 - 1)) : (int32_t)next() % 1000;
		memcpy(scales + 4 * i, &f, 4);
	}
}

static bool same(const struct br_ann__sums *a, const struct br_ann__sums *b)
{
	return a->n == b->n && a->sum == b->sum && a->sq == b->sq && a->damaged == b->damaged;
}

static void vector_is_plain(void **state)
{
	int32_t dot[64];
	char scales[256];

	(void)state;
#if defined(__x86_64__)
	if (br_simd_level() < BR_SIMD_AVX2) {
		printf("skipped: no AVX2 here\n");
		return;
	}
	for (int round = 0; round < 20000; round++) {
		struct br_ann__sums a = { 0 }, b = { 0 };
		struct br_ann__group g = { dot, scales, 1.0, (uint32_t)(next() % 65) };
		float floor = round % 7 ? (float)(next() % 1000) / 700 - 0.5f : -INFINITY;
		fill(dot, scales, round % 3 ? 1.4 : 1e-6);
		assert_int_equal(br_ann__tally_scalar(&a, &g, floor), br_ann__tally_avx2(&b, &g, floor));
		assert_true(same(&a, &b));
		assert_false(a.damaged);
	}
#else
	printf("skipped: no AVX2 here\n");
#endif
}

static void damage_is_seen(void **state)
{
	static const float bad[] = { NAN, INFINITY, -INFINITY, 1.0f };

	(void)state;
	for (uint32_t at = 0; at < 63; at++) {
		for (size_t k = 0; k < BR_COUNT(bad); k++) {
			int32_t dot[64];
			char scales[256];
			struct br_ann__group g = { dot, scales, 1.0, 63 };
			struct br_ann__sums a = { 0 }, b = { 0 };
			fill(dot, scales, 1);
			dot[at] = 2;
			memcpy(scales + 4 * at, &bad[k], 4);
			br_ann__tally_scalar(&a, &g, 0);
			br_ann__tally()(&b, &g, 0);
			assert_true(a.damaged && b.damaged);
		}
	}
}

/* ---- parts ---- */

enum { DIM = 256, PER = 251, ROWS = 40 * PER * 8 + 17 };

static int8_t *codes;
static float scale_of[ROWS];

static int block(struct br_ann_block *out, uint32_t no, void *arg, struct br_err *err)
{
	uint32_t first = no * PER;

	if (arg && no == *(uint32_t *)arg)
		return br_fail(err, BR_ECORRUPT, "block %u", no);
	*out = (struct br_ann_block){ codes + (size_t)first * DIM, (const char *)(scale_of + first), BR_MIN((uint32_t)PER, ROWS - first) };
	return 0;
}

static void make_rows(void)
{
	codes = malloc((size_t)ROWS * DIM);
	for (uint32_t r = 0; r < ROWS; r++) {
		int64_t sq = 0;
		for (uint32_t d = 0; d < DIM; d++) {
			int8_t c = (int8_t)((int)(next() % 64) - 32);
			codes[(size_t)r * DIM + d] = c;
			sq += c * c;
		}
		scale_of[r] = r % 11 ? (float)(1 / sqrt((double)sq)) : 0;
	}
}

static void parts_are_the_whole(void **state)
{
	struct br_ann_source src = { .rows = ROWS, .dim = DIM, .per_block = PER, .block = block };
	struct br_ann_query *q = malloc(sizeof *q);
	float v[DIM];
	struct br_bits keep;

	(void)state;
	make_rows();
	br_bits_init(&keep, ROWS, false);
	for (uint32_t i = 0; i < ROWS; i += 1 + (uint32_t)(next() % 40))
		br_bits_set(&keep, i);
	for (int round = 0; round < 12; round++) {
		const struct br_bits *k = round % 3 ? NULL : &keep;
		struct br_topk want, got;
		struct br_ann_stats a, b;
		for (int d = 0; d < DIM; d++)
			v[d] = (float)((int)(next() % 2001) - 1000);
		br_ann_query_init(q, v, DIM);
		br_topk_init(&want, 100);
		br_topk_init(&got, 100);
		src.threads = 0;
		assert_int_equal(br_ann_search(&want, &a, &src, q, k, NULL), 0);
		src.threads = 2 + (unsigned)round;
		assert_int_equal(br_ann_search(&got, &b, &src, q, k, NULL), 0);
		assert_int_equal(want.n, got.n);
		assert_memory_equal(want.h, got.h, want.n * sizeof *want.h);
		assert_true(a.mean == b.mean && a.sigma == b.sigma && a.scored == b.scored);
		br_topk_release(&want);
		br_topk_release(&got);
	}
	br_bits_release(&keep);
	free(q);
}

/* A block that cannot be read fails the whole scan, whoever came upon it. */
static void part_that_fails(void **state)
{
	static const uint32_t at[] = { 0, 7, 300, ROWS / PER };
	struct br_ann_query *q = malloc(sizeof *q);
	float v[DIM] = { 1 };

	(void)state;
	br_ann_query_init(q, v, DIM);
	for (size_t i = 0; i < BR_COUNT(at); i++) {
		uint32_t bad = at[i];
		struct br_ann_source src = { .rows = ROWS, .dim = DIM, .per_block = PER, .block = block, .arg = &bad, .threads = 4 };
		struct br_ann_stats st;
		struct br_topk top;
		struct br_err err = { 0 };
		br_topk_init(&top, 10);
		assert_int_equal(br_ann_search(&top, &st, &src, q, NULL, &err), -BR_ECORRUPT);
		br_topk_release(&top);
	}
	free(q);
	free(codes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vector_is_plain),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(parts_are_the_whole),
		cmocka_unit_test(part_that_fails),
	};

	return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
