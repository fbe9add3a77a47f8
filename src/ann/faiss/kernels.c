/*
 * Float kernels of FAISS, which Debian compiles for any amd64 and so without SIMD. `ld --wrap` redirects the calls between
 * FAISS's own object files to the functions below. Each is written once over 16 lanes; the compiler makes SSE2, AVX2 and
 * AVX-512 code of it, and one of them is chosen at run time.
 */
#include "kernels.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "level.h"

unsigned char br_faiss_called[BR_WRAPPED_COUNT];

/* ---- the level ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static enum br_faiss_level level;

static void choose(void)
{
	static const char *const name[] = { "scalar", "sse2", "avx2" };
	const char *wish = getenv("BR_SIMD");

#if defined(__x86_64__)
	__builtin_cpu_init();
	level = BR_LEVEL_SSE2;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		level = BR_LEVEL_AVX2;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
		level = BR_LEVEL_AVX512;
#endif
	for (int l = 0; wish && l < (int)level; l++)
		if (strcmp(wish, name[l]) == 0)
			level = (enum br_faiss_level)l;
}

enum br_faiss_level br_faiss_level(void)
{
	pthread_once(&once, choose);
	return level;
}

/* ---- bodies over 16 lanes ---- */

#define BODY static inline __attribute__((always_inline))
typedef float lanes __attribute__((vector_size(64)));
typedef int32_t ilanes __attribute__((vector_size(64)));
typedef uint8_t blanes __attribute__((vector_size(16)));

typedef float half_lanes __attribute__((vector_size(32)));
typedef float quarter_lanes __attribute__((vector_size(16)));

/* Macros, as vectors of 64 bytes cannot be passed to functions without AVX-512. */
#define LOAD(v, p) memcpy(&(v), (p), sizeof(v))
#define SUM(v) ({                                                                                            \
	half_lanes h_[2];                                                                                    \
	quarter_lanes q_[2];                                                                                 \
	memcpy(h_, &(v), sizeof h_);                                                                         \
	h_[0] += h_[1];                                                                                      \
	memcpy(q_, h_, sizeof q_);                                                                           \
	q_[0] += q_[1];                                                                                      \
	(q_[0][0] + q_[0][2]) + (q_[0][1] + q_[0][3]); })

BODY float ip_body(const float *a, const float *b, size_t n)
{
	lanes s = { 0 }, t = { 0 }, x, y;
	size_t i = 0;
	float rest = 0;

	for (; i + 32 <= n; i += 32) {
		LOAD(x, a + i);
		LOAD(y, b + i);
		s += x * y;
		LOAD(x, a + i + 16);
		LOAD(y, b + i + 16);
		t += x * y;
	}
	for (; i < n; i++)
		rest += a[i] * b[i];
	s += t;
	return i >= 32 ? SUM(s) + rest : rest;
}

BODY float l2_body(const float *a, const float *b, size_t n)
{
	lanes s = { 0 }, x, y;
	size_t i = 0;
	float rest = 0;

	for (; i + 16 <= n; i += 16) {
		LOAD(x, a + i);
		LOAD(y, b + i);
		x -= y;
		s += x * x;
	}
	for (; i < n; i++)
		rest += (a[i] - b[i]) * (a[i] - b[i]);
	return i >= 16 ? SUM(s) + rest : rest;
}

BODY float pair_body(const uint8_t *a, const uint8_t *b, const float *lo, const float *step, size_t n)
{
	lanes s = { 0 }, l, m;
	blanes x, y;
	size_t i = 0;
	float rest = 0;

	for (; i + 16 <= n; i += 16) {
		LOAD(x, a + i);
		LOAD(y, b + i);
		LOAD(l, lo + i);
		LOAD(m, step + i);
		s += (l + m * __builtin_convertvector(__builtin_convertvector(x, ilanes), lanes)) *
		     (l + m * __builtin_convertvector(__builtin_convertvector(y, ilanes), lanes));
	}
	for (; i < n; i++)
		rest += (lo[i] + step[i] * (float)a[i]) * (lo[i] + step[i] * (float)b[i]);
	return SUM(s) + rest;
}

/* ---- one function a level ---- */

#define EACH_LEVEL(type, name, body, params, args)                                                           \
	static type name##_sse2 params { return body args; }                                                 \
	BR_AVX2 static type name##_avx2 params { return body args; }                                         \
	BR_AVX512 static type name##_avx512 params { return body args; }                                     \
	static type (*const name##_fn[]) params = { name##_sse2, name##_sse2, name##_avx2, name##_avx512 };

#if !defined(__x86_64__)
#undef BR_AVX2
#undef BR_AVX512
#define BR_AVX2
#define BR_AVX512
#endif

EACH_LEVEL(float, ip, ip_body, (const float *a, const float *b, size_t n), (a, b, n))
EACH_LEVEL(float, l2, l2_body, (const float *a, const float *b, size_t n), (a, b, n))
EACH_LEVEL(float, pair, pair_body, (const uint8_t *a, const uint8_t *b, const float *lo, const float *step, size_t n), (a, b, lo, step, n))

float br_sq8_pair(const uint8_t *a, const uint8_t *b, const float *lo, const float *step, size_t dim)
{
	return pair_fn[br_faiss_level()](a, b, lo, step, dim);
}

/* ---- what the linker puts in the place of FAISS's own ---- */

float __wrap__ZN5faiss18fvec_inner_productEPKfS1_m(const float *a, const float *b, size_t d);
float __wrap__ZN5faiss10fvec_L2sqrEPKfS1_m(const float *a, const float *b, size_t d);
float __wrap__ZN5faiss15fvec_norm_L2sqrEPKfm(const float *a, size_t d);
void __wrap__ZN5faiss22fvec_inner_products_nyEPfPKfS2_mm(float *out, const float *x, const float *y, size_t d, size_t ny);
void __wrap__ZN5faiss13fvec_L2sqr_nyEPfPKfS2_mm(float *out, const float *x, const float *y, size_t d, size_t ny);

float __wrap__ZN5faiss18fvec_inner_productEPKfS1_m(const float *a, const float *b, size_t d)
{
	br_faiss_mark(BR_WRAPPED_fvec_inner_product);
	return ip_fn[br_faiss_level()](a, b, d);
}

float __wrap__ZN5faiss10fvec_L2sqrEPKfS1_m(const float *a, const float *b, size_t d)
{
	br_faiss_mark(BR_WRAPPED_fvec_L2sqr);
	return l2_fn[br_faiss_level()](a, b, d);
}

float __wrap__ZN5faiss15fvec_norm_L2sqrEPKfm(const float *a, size_t d)
{
	br_faiss_mark(BR_WRAPPED_fvec_norm_L2sqr);
	return ip_fn[br_faiss_level()](a, a, d);
}

void __wrap__ZN5faiss22fvec_inner_products_nyEPfPKfS2_mm(float *out, const float *x, const float *y, size_t d, size_t ny)
{
	float (*const ip)(const float *, const float *, size_t) = ip_fn[br_faiss_level()];

	br_faiss_mark(BR_WRAPPED_fvec_inner_products_ny);
	for (size_t i = 0; i < ny; i++, y += d)
		out[i] = ip(x, y, d);
}

void __wrap__ZN5faiss13fvec_L2sqr_nyEPfPKfS2_mm(float *out, const float *x, const float *y, size_t d, size_t ny)
{
	float (*const l2)(const float *, const float *, size_t) = l2_fn[br_faiss_level()];

	br_faiss_mark(BR_WRAPPED_fvec_L2sqr_ny);
	for (size_t i = 0; i < ny; i++, y += d)
		out[i] = l2(x, y, d);
}
