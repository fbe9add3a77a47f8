/*
 * Scoring codes of the 8-bit scalar quantizer against a query: 16-bit weights, integer sums. vpmaddubsw would take the bytes
 * as they are but saturates, so bytes are widened to 16 bits first. Sums are exact: all levels give the same.
 */
#include "kernels.h"

#include <math.h>
#include <stdbool.h>

#include "level.h"

#define AHEAD 3072 /* bytes ahead of the code in hand that are asked for from memory */

void br_sq8_query(struct br_sq8_query *q, const float *x, const float *min, const float *range)
{
	double max = 0, l1 = 0, bias = 0, factor;

	for (size_t d = 0; d < q->dim; d++) {
		double w = fabs((double)x[d] * (double)range[d]);
		max = w > max ? w : max;
		l1 += w;
		bias += (double)x[d] * ((double)min[d] + 0.5 / 255 * (double)range[d]);
	}
	/* |w| <= 32767 and sum|w| * 255 < 2^31, each entry having been rounded up by 1/2 at most */
	factor = max > 0 ? fmin(INT16_MAX / max, ((double)INT32_MAX / 255 - (double)q->dim) / l1) : 0;
	for (size_t d = 0; d < q->dim; d++)
		q->w[d] = (int16_t)lrint((double)x[d] * (double)range[d] * factor);
	q->scale = factor > 0 ? (float)(1 / (255 * factor)) : 0;
	q->bias = (float)bias;
}

static void dot_scalar(int32_t *out, const uint8_t *codes, size_t n, size_t dim, const int16_t *w)
{
	for (; n; n--, codes += dim) {
		int32_t s = 0;
		for (size_t d = 0; d < dim; d++)
			s += w[d] * codes[d];
		*out++ = s;
	}
}

static inline int32_t tail(const uint8_t *code, size_t from, size_t dim, const int16_t *w)
{
	int32_t s = 0;

	for (size_t d = from; d < dim; d++)
		s += w[d] * code[d];
	return s;
}

static inline void ahead(const uint8_t *code, size_t dim)
{
	for (size_t i = 0; i < dim; i += 64)
		__builtin_prefetch(code + AHEAD + i);
}

#if defined(__x86_64__)
#include <immintrin.h>

static inline int32_t sum4(__m128i s)
{
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
	return _mm_cvtsi128_si32(s);
}

static void dot_sse2(int32_t *out, const uint8_t *codes, size_t n, size_t dim, const int16_t *w)
{
	const __m128i zero = _mm_setzero_si128();
	size_t whole = dim & ~(size_t)15;

	for (; n; n--, codes += dim) {
		__m128i s = zero;
		ahead(codes, dim);
		for (size_t d = 0; d < whole; d += 16) {
			__m128i c = _mm_loadu_si128((const __m128i *)(const void *)(codes + d));
			__m128i lo = _mm_loadu_si128((const __m128i *)(const void *)(w + d));
			__m128i hi = _mm_loadu_si128((const __m128i *)(const void *)(w + d + 8));
			s = _mm_add_epi32(s, _mm_madd_epi16(_mm_unpacklo_epi8(c, zero), lo));
			s = _mm_add_epi32(s, _mm_madd_epi16(_mm_unpackhi_epi8(c, zero), hi));
		}
		*out++ = sum4(s) + tail(codes, whole, dim, w);
	}
}

BR_AVX2 static void dot_avx2(int32_t *out, const uint8_t *codes, size_t n, size_t dim, const int16_t *w)
{
	size_t whole = dim & ~(size_t)31;

	for (; n; n--, codes += dim) {
		__m256i a = _mm256_setzero_si256(), b = a;
		ahead(codes, dim);
		for (size_t d = 0; d < whole; d += 32) {
			const __m128i *c = (const __m128i *)(const void *)(codes + d);
			const __m256i *q = (const __m256i *)(const void *)(w + d);
			a = _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_cvtepu8_epi16(_mm_loadu_si128(c)), _mm256_loadu_si256(q)));
			b = _mm256_add_epi32(b, _mm256_madd_epi16(_mm256_cvtepu8_epi16(_mm_loadu_si128(c + 1)), _mm256_loadu_si256(q + 1)));
		}
		a = _mm256_add_epi32(a, b);
		*out++ = sum4(_mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1))) + tail(codes, whole, dim, w);
	}
}

BR_AVX512 static void dot_avx512(int32_t *out, const uint8_t *codes, size_t n, size_t dim, const int16_t *w)
{
	size_t whole = dim & ~(size_t)63;

	for (; n; n--, codes += dim) {
		__m512i a = _mm512_setzero_si512(), b = a;
		ahead(codes, dim);
		for (size_t d = 0; d < whole; d += 64) {
			const __m256i *c = (const __m256i *)(const void *)(codes + d);
			a = _mm512_add_epi32(a, _mm512_madd_epi16(_mm512_cvtepu8_epi16(_mm256_loadu_si256(c)), _mm512_loadu_si512(w + d)));
			b = _mm512_add_epi32(b, _mm512_madd_epi16(_mm512_cvtepu8_epi16(_mm256_loadu_si256(c + 1)), _mm512_loadu_si512(w + d + 32)));
		}
		*out++ = _mm512_reduce_add_epi32(_mm512_add_epi32(a, b)) + tail(codes, whole, dim, w);
	}
}

void br_sq8_dot(int32_t *out, const uint8_t *codes, size_t n, size_t dim, const int16_t *w)
{
	static br_sq8_dot_fn *const fn[] = { dot_scalar, dot_sse2, dot_avx2, dot_avx512 };
	fn[br_faiss_level()](out, codes, n, dim, w);
}

#else

void br_sq8_dot(int32_t *out, const uint8_t *codes, size_t n, size_t dim, const int16_t *w)
{
	dot_scalar(out, codes, n, dim, w);
}

#endif
