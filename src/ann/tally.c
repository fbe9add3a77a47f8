/*
 * From dot products to cosines: their sums, and which rows come near enough to the best to be looked at. One group of rows at
 * a time; the AVX2 code gives the sums of the plain code to the last bit, since cosines are added up as integers.
 */
#include "internal.h"

#include <math.h>

#define ONE 0x1p30

/* Half of the cosines are negative in no order: copysign, as a branch on the sign would be mispredicted every other time. */
static int64_t fixed(double c)
{
	return (int64_t)(c * ONE + copysign(0.5, c));
}

void br_ann__sums_add(struct br_ann__sums *s, double c)
{
	int64_t f = fixed(c);

	s->n++;
	s->sum += f;
	s->sq += f * f;
}

uint64_t br_ann__tally_scalar(struct br_ann__sums *s, const struct br_ann__group *g, float floor)
{
	uint64_t near = 0;

	for (uint32_t i = 0; i < g->n; i++) {
		double c = br_ann__cosine(g, i);
		if (!(fabs(c) <= BR_ANN__MAX_COSINE))
			s->damaged = true;
		else if (br_ann__group_scale(g, i) != 0) {
			br_ann__sums_add(s, c);
			near |= (uint64_t)((float)c >= floor) << i;
		}
	}
	return near;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

struct lanes { __m256i sum, lo, hi; __m256d bad; }; /* lo and hi: halves of the squares, which would not fit together */

AVX2 static inline __m256d cosines(const struct br_ann__group *g, uint32_t i, __m256d scale)
{
	__m256d dot = _mm256_cvtepi32_pd(_mm_loadu_si128((const __m128i *)(g->dot + i)));

	return _mm256_mul_pd(_mm256_mul_pd(dot, scale), _mm256_set1_pd(g->scale));
}

/* |cosine| <= 1.5, so that its fixed-point form fits 32 bits. */
AVX2 static inline void add(struct lanes *l, __m256d c)
{
	const __m256d sign = _mm256_set1_pd(-0.0);
	__m256d half = _mm256_or_pd(_mm256_and_pd(c, sign), _mm256_set1_pd(0.5));
	__m128i f = _mm256_cvttpd_epi32(_mm256_add_pd(_mm256_mul_pd(c, _mm256_set1_pd(ONE)), half));
	__m256i w = _mm256_cvtepi32_epi64(f), sq = _mm256_mul_epi32(w, w);

	l->sum = _mm256_add_epi64(l->sum, w);
	l->lo = _mm256_add_epi64(l->lo, _mm256_and_si256(sq, _mm256_set1_epi64x(UINT32_MAX)));
	l->hi = _mm256_add_epi64(l->hi, _mm256_srli_epi64(sq, 32));
	l->bad = _mm256_or_pd(l->bad, _mm256_cmp_pd(_mm256_andnot_pd(sign, c), _mm256_set1_pd(BR_ANN__MAX_COSINE), _CMP_NLE_UQ));
}

AVX2 static inline int64_t total(__m256i v)
{
	int64_t a[4];

	_mm256_storeu_si256((__m256i *)a, v);
	return a[0] + a[1] + a[2] + a[3];
}

AVX2 uint64_t br_ann__tally_avx2(struct br_ann__sums *s, const struct br_ann__group *g, float floor)
{
	struct lanes l = { 0 };
	uint64_t near = 0;
	uint32_t i = 0;

	for (; i + 4 <= g->n; i += 4) {
		__m128 scale = _mm_loadu_ps((const float *)(const void *)(g->scales + 4 * (size_t)i));
		__m256d c = cosines(g, i, _mm256_cvtps_pd(scale));
		unsigned with = (unsigned)_mm_movemask_ps(_mm_cmpneq_ps(scale, _mm_setzero_ps()));
		add(&l, c);
		s->n += (unsigned)__builtin_popcount(with);
		near |= (uint64_t)(with & (unsigned)_mm_movemask_ps(_mm_cmpge_ps(_mm256_cvtpd_ps(c), _mm_set1_ps(floor)))) << i;
	}
	s->sum += total(l.sum);
	s->sq += ((__int128)total(l.hi) << 32) + total(l.lo);
	s->damaged |= _mm256_movemask_pd(l.bad) != 0;
	if (i < g->n) {
		struct br_ann__group rest = { g->dot + i, g->scales + 4 * (size_t)i, g->scale, g->n - i };
		near |= br_ann__tally_scalar(s, &rest, floor) << i;
	}
	return near;
}
#endif

br_ann__tally_fn *br_ann__tally(void)
{
#if defined(__x86_64__)
	if (br_simd_level() >= BR_SIMD_AVX2)
		return br_ann__tally_avx2;
#endif
	return br_ann__tally_scalar;
}
