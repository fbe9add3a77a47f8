/*
 * The kernels that stand in for FAISS's scalar ones: integer sums equal a plain loop at every level this processor has, no query
 * can make them overflow, floats are near a sum in double.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/ann/faiss/kernels.c"
#include "../../src/ann/faiss/sq8.c"

static uint64_t rnd = 88172645463325252ull;
static uint64_t next(void)
{
	rnd ^= rnd << 13, rnd ^= rnd >> 7, rnd ^= rnd << 17;
	return rnd;
}

static float unit(void)
{
	return (float)((double)(next() >> 11) * 0x1p-52 - 1);
}

#if defined(__x86_64__)
static br_sq8_dot_fn *const dots[] = { dot_scalar, dot_sse2, dot_avx2, dot_avx512 };
#else
static br_sq8_dot_fn *const dots[] = { dot_scalar };
#endif

static void check_dots(const uint8_t *codes, size_t n, size_t dim, const int16_t *w)
{
	int32_t *out = malloc((n + 1) * sizeof *out);

	for (int l = 0; l <= (int)br_faiss_level(); l++) {
		out[n] = 0x55555555;
		dots[l](out, codes, n, dim, w);
		for (size_t i = 0; i < n; i++) {
			int64_t want = 0;
			for (size_t d = 0; d < dim; d++)
				want += (int64_t)w[d] * codes[i * dim + d];
			assert_int_equal(out[i], want);
		}
		assert_int_equal(out[n], 0x55555555);
	}
	free(out);
}

static void integer_sums(void **state)
{
	static const size_t dims[] = { 1, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 96, 100, 255, 256, 384, 1024, 4096 };

	(void)state;
	for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
		for (size_t n = 0; n < 6; n++) {
			size_t dim = dims[i];
			uint8_t *codes = malloc(n * dim + 1);
			int16_t *w = malloc(dim * sizeof *w);
			for (size_t k = 0; k < n * dim; k++)
				codes[k] = (uint8_t)next();
			for (size_t d = 0; d < dim; d++)
				w[d] = (int16_t)((int)(next() % 4001) - 2000); /* 2000 * 255 * 4096 < 2^31 */
			check_dots(codes, n, dim, w);
			free(codes);
			free(w);
		}
	}
}

/* Queries of any shape, with the codes that make the largest sums. */
static void no_query_overflows(void **state)
{
	static const size_t dims[] = { 1, 2, 32, 256, 300, 1024, 4096 };

	(void)state;
	for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
		for (int kind = 0; kind < 5; kind++) {
			size_t dim = dims[i];
			float *x = malloc(dim * sizeof *x), *min = malloc(dim * sizeof *min), *range = malloc(dim * sizeof *range);
			uint8_t *codes = malloc(3 * dim);
			struct br_sq8_query q = { .w = malloc(dim * sizeof *q.w), .dim = dim };
			double want[3] = { 0 };
			int32_t got[3];
			for (size_t d = 0; d < dim; d++) {
				x[d] = kind == 0 ? 0 : kind == 1 ? 1 : kind == 2 ? (d & 1 ? -1e-20f : 1e-20f) : kind == 3 ? (float)(d == 0) : unit();
				min[d] = kind == 4 ? unit() : -0.5f;
				range[d] = kind == 4 ? fabsf(unit()) : 1;
			}
			br_sq8_query(&q, x, min, range);
			for (size_t d = 0; d < dim; d++) {
				codes[d] = q.w[d] > 0 ? 255 : 0;
				codes[dim + d] = q.w[d] < 0 ? 255 : 0;
				codes[2 * dim + d] = (uint8_t)next();
			}
			check_dots(codes, 3, dim, q.w);
			br_sq8_dot(got, codes, 3, dim, q.w);
			for (size_t k = 0; k < 3; k++) {
				double size = 0;
				for (size_t d = 0; d < dim; d++) {
					double v = (double)min[d] + ((double)codes[k * dim + d] + 0.5) / 255 * (double)range[d];
					want[k] += (double)x[d] * v;
					size += fabs((double)x[d] * v) + fabs((double)x[d] * (double)range[d]);
				}
				assert_true(fabs((double)q.bias + (double)q.scale * got[k] - want[k]) <= 3e-4 * size);
			}
			free(x);
			free(min);
			free(range);
			free(codes);
			free(q.w);
		}
	}
}

static void near(double got, double want, double size)
{
	assert_true(fabs(got - want) <= 1e-5 * size + 1e-30);
}

static void float_sums(void **state)
{
	enum { MAX = 1100 };
	static float a[MAX], b[MAX], lo[MAX], step[MAX];
	static uint8_t x[MAX], y[MAX];

	(void)state;
	for (size_t n = 0; n < MAX; n += n < 70 ? 1 : 103) {
		double ip = 0, l2 = 0, pair = 0, ip_size = 0, pair_size = 0;
		for (size_t i = 0; i < n; i++) {
			a[i] = unit(), b[i] = unit(), lo[i] = unit(), step[i] = unit() / 255;
			x[i] = (uint8_t)next(), y[i] = (uint8_t)next();
			double p = (double)lo[i] + (double)step[i] * x[i], q = (double)lo[i] + (double)step[i] * y[i];
			ip += (double)a[i] * (double)b[i];
			ip_size += fabs((double)a[i] * (double)b[i]);
			l2 += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
			pair += p * q;
			pair_size += fabs(p * q) + 0.01;
		}
		for (int l = BR_LEVEL_SSE2; l <= (int)br_faiss_level(); l++) {
			near((double)ip_fn[l](a, b, n), ip, ip_size);
			near((double)l2_fn[l](a, b, n), l2, l2);
			near((double)pair_fn[l](x, y, lo, step, n), pair, pair_size);
		}
	}
}

static void many_at_once(void **state)
{
	enum { DIM = 37, N = 9 };
	float x[DIM], y[N * DIM], ip[N], l2[N];

	(void)state;
	for (size_t i = 0; i < DIM; i++)
		x[i] = unit();
	for (size_t i = 0; i < N * DIM; i++)
		y[i] = unit();
	memset(br_faiss_called, 0, sizeof br_faiss_called);
	__wrap__ZN5faiss22fvec_inner_products_nyEPfPKfS2_mm(ip, x, y, DIM, N);
	__wrap__ZN5faiss13fvec_L2sqr_nyEPfPKfS2_mm(l2, x, y, DIM, N);
	assert_true(br_faiss_called[BR_WRAPPED_fvec_inner_products_ny] && br_faiss_called[BR_WRAPPED_fvec_L2sqr_ny]);
	assert_false(br_faiss_called[BR_WRAPPED_fvec_norm_L2sqr]);
	for (size_t i = 0; i < N; i++) {
		assert_true(ip[i] == __wrap__ZN5faiss18fvec_inner_productEPKfS1_m(x, y + i * DIM, DIM));
		assert_true(l2[i] == __wrap__ZN5faiss10fvec_L2sqrEPKfS1_m(x, y + i * DIM, DIM));
	}
	assert_true(__wrap__ZN5faiss15fvec_norm_L2sqrEPKfm(x, DIM) == __wrap__ZN5faiss18fvec_inner_productEPKfS1_m(x, x, DIM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integer_sums), cmocka_unit_test(no_query_overflows), cmocka_unit_test(float_sums), cmocka_unit_test(many_at_once),
	};
	return cmocka_run_group_tests_name("faiss_kernels", tests, NULL, NULL);
}
