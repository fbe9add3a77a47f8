/*
 * Dot products of int8 rows with an int16 query, AVX-512 (F and BW), the same shape as the AVX2 code.
 * With BR_SIMDE the test suite compiles this file against SIMDe, so that it runs on any processor.
 */
#include "internal.h"

#if defined(BR_SIMDE)
#include <simde/x86/avx512.h>
#define AVX512
#elif defined(__x86_64__)
#include <immintrin.h>
#define AVX512 __attribute__((target("avx512f,avx512bw")))
#endif

#if defined(AVX512)

AVX512 static inline __m512i mul_add(__m512i acc, const int8_t *row, __m512i q)
{
	__m512i wide = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)row));
	return _mm512_add_epi32(acc, _mm512_madd_epi16(wide, q));
}

AVX512 static inline __m128i quarters(__m512i a)
{
	__m256i h = _mm256_add_epi32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
	return _mm_add_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
}

AVX512 static inline void dot4(int32_t *out, const int8_t *r, size_t dim, const int16_t *q)
{
	__m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;

	for (size_t i = 0; i < dim; i += 32) {
		__m512i x = _mm512_loadu_si512(q + i);
		a = mul_add(a, r + i, x);
		b = mul_add(b, r + dim + i, x);
		c = mul_add(c, r + 2 * dim + i, x);
		d = mul_add(d, r + 3 * dim + i, x);
	}
	__m128i ab = _mm_hadd_epi32(quarters(a), quarters(b)), cd = _mm_hadd_epi32(quarters(c), quarters(d));
	_mm_storeu_si128((__m128i *)(void *)out, _mm_hadd_epi32(ab, cd));
}

AVX512 static inline int32_t dot1(const int8_t *r, size_t dim, const int16_t *q)
{
	__m512i a = _mm512_setzero_si512();

	for (size_t i = 0; i < dim; i += 32)
		a = mul_add(a, r + i, _mm512_loadu_si512(q + i));
	__m128i s = _mm_hadd_epi32(quarters(a), _mm_setzero_si128());
	return _mm_cvtsi128_si32(_mm_hadd_epi32(s, s));
}

AVX512 void br_dot_avx512(int32_t *out, const int8_t *rows, size_t n, size_t dim, const int16_t *q)
{
	for (; n >= 4; n -= 4, rows += 4 * dim, out += 4) {
		for (size_t i = 0; i < 4 * dim; i += 64)
			__builtin_prefetch(rows + BR_ANN__AHEAD + i);
		dot4(out, rows, dim, q);
	}
	for (; n; n--, rows += dim)
		*out++ = dot1(rows, dim, q);
}

#undef AVX512
#else

void br_dot_avx512(int32_t *out, const int8_t *rows, size_t n, size_t dim, const int16_t *q)
{
	br_dot_scalar(out, rows, n, dim, q);
}

#endif
