/*
 * Dot products of int8 rows with an int16 query, AVX2. Bytes are widened to 16 bits because the shorter way
 * (vpmaddubsw) saturates. Four rows share each load of the query.
 */
#include "internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i mul_add(__m256i acc, const int8_t *row, __m256i q)
{
	__m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)row));
	return _mm256_add_epi32(acc, _mm256_madd_epi16(wide, q));
}

AVX2 static inline __m256i load_q(const int16_t *q)
{
	return _mm256_loadu_si256((const __m256i *)q);
}

AVX2 static inline __m128i halves(__m256i a)
{
	return _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
}

AVX2 static inline void dot4(int32_t *out, const int8_t *r, size_t dim, const int16_t *q)
{
	__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;

	for (size_t i = 0; i < dim; i += 32) {
		__m256i lo = load_q(q + i), hi = load_q(q + i + 16);
		a = mul_add(mul_add(a, r + i, lo), r + i + 16, hi);
		b = mul_add(mul_add(b, r + dim + i, lo), r + dim + i + 16, hi);
		c = mul_add(mul_add(c, r + 2 * dim + i, lo), r + 2 * dim + i + 16, hi);
		d = mul_add(mul_add(d, r + 3 * dim + i, lo), r + 3 * dim + i + 16, hi);
	}
	__m128i ab = _mm_hadd_epi32(halves(a), halves(b)), cd = _mm_hadd_epi32(halves(c), halves(d));
	_mm_storeu_si128((__m128i *)out, _mm_hadd_epi32(ab, cd));
}

AVX2 static inline int32_t dot1(const int8_t *r, size_t dim, const int16_t *q)
{
	__m256i a = _mm256_setzero_si256();

	for (size_t i = 0; i < dim; i += 16)
		a = mul_add(a, r + i, load_q(q + i));
	__m128i s = _mm_hadd_epi32(halves(a), _mm_setzero_si128());
	return _mm_cvtsi128_si32(_mm_hadd_epi32(s, s));
}

AVX2 void br_dot_avx2(int32_t *out, const int8_t *rows, size_t n, size_t dim, const int16_t *q)
{
	for (; n >= 4; n -= 4, rows += 4 * dim, out += 4) {
		for (size_t i = 0; i < 4 * dim; i += 64)
			__builtin_prefetch(rows + BR_ANN__AHEAD + i);
		dot4(out, rows, dim, q);
	}
	for (; n; n--, rows += dim)
		*out++ = dot1(rows, dim, q);
}

#else

void br_dot_avx2(int32_t *out, const int8_t *rows, size_t n, size_t dim, const int16_t *q)
{
	br_dot_scalar(out, rows, n, dim, q);
}

#endif
