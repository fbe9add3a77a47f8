/*
 * The plain dot product, which the fast ones must equal bit for bit, and the choice among them.
 * A query is scaled so that no sum of products can leave int32, whatever the rows hold.
 */
#include "internal.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_once_t level_once = PTHREAD_ONCE_INIT;
static enum br_simd level;

static enum br_simd level_of_cpu(void)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
		return BR_SIMD_AVX512;
	if (__builtin_cpu_supports("avx2"))
		return BR_SIMD_AVX2;
#endif
	return BR_SIMD_SCALAR;
}

/* BR_SIMD can only lower the level: a name the processor cannot run would end in an illegal instruction. */
static void level_choose(void)
{
	const char *wish = getenv("BR_SIMD");

	level = level_of_cpu();
	for (int l = BR_SIMD_SCALAR; wish && l < (int)level; l++)
		if (strcmp(wish, br_simd_name((enum br_simd)l)) == 0)
			level = (enum br_simd)l;
}

enum br_simd br_simd_level(void)
{
	pthread_once(&level_once, level_choose);
	return level;
}

const char *br_simd_name(enum br_simd l)
{
	static const char *const name[] = { "scalar", "avx2", "avx512" };
	return name[l];
}

br_dot_fn *br_ann__dot(uint32_t dim)
{
	static br_dot_fn *const fn[] = { br_dot_scalar, br_dot_avx2, br_dot_avx512 };
	return dim % 32 ? br_dot_scalar : fn[br_simd_level()];
}

void br_dot_scalar(int32_t *out, const int8_t *rows, size_t n, size_t dim, const int16_t *q)
{
	for (; n; n--, rows += dim) {
		int32_t s = 0;
		size_t d = 0;
		for (; d + 32 <= dim; d += 32)
			for (size_t i = 0; i < 32; i++) /* a fixed count: compilers vectorise it */
				s += rows[d + i] * q[d + i];
		for (; d < dim; d++)
			s += rows[d] * q[d];
		*out++ = s;
	}
}

/* ---- queries ---- */

/* Largest code value that keeps |code| and the sum of all |code| in bounds; rounding may add 1/2 to each entry. */
static double code_limit(double max, double l1, uint32_t dim)
{
	return BR_MIN((double)INT16_MAX, floor((BR_ANN__MAX_L1 - (double)dim) * max / l1));
}

static bool query_fill(struct br_ann_query *q, const double *v, uint32_t dim, bool whole)
{
	double max = 0, l1 = 0, factor;
	int64_t sq = 0;

	q->dim = dim;
	q->scale = 0;
	for (uint32_t d = 0; d < dim; d++) {
		max = BR_MAX(max, fabs(v[d]));
		l1 += fabs(v[d]);
	}
	factor = max > 0 ? code_limit(max, l1, dim) / max : 0;
	if (whole && factor > 1)
		factor = 1; /* small integers are kept as they are: no rounding at all */
	for (uint32_t d = 0; d < dim; d++) {
		q->code[d] = (int16_t)(v[d] * factor + (v[d] < 0 ? -0.5 : 0.5));
		sq += (int64_t)q->code[d] * q->code[d];
	}
	if (sq)
		q->scale = 1 / sqrt((double)sq);
	return sq != 0;
}

void br_ann_query_init(struct br_ann_query *q, const float *v, uint32_t dim)
{
	double x[BR_ANN_MAX_DIM];

	BR_ASSERT(dim <= BR_ANN_MAX_DIM);
	for (uint32_t d = 0; d < dim; d++)
		x[d] = isfinite(v[d]) ? (double)v[d] : 0;
	query_fill(q, x, dim, false);
}

bool br_ann_query_from_sums(struct br_ann_query *q, const int32_t *sum, uint32_t dim)
{
	double x[BR_ANN_MAX_DIM];

	BR_ASSERT(dim <= BR_ANN_MAX_DIM);
	for (uint32_t d = 0; d < dim; d++)
		x[d] = sum[d];
	return query_fill(q, x, dim, true);
}
