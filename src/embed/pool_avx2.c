/*
 * Adding up rows of the model, AVX2: 128 columns at a time in eight registers of 16-bit lanes, emptied into the int32 sums
 * every 255 rows (255 * 128 < 32768, so even a damaged model cannot overflow a lane).
 */
#include "internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define COLUMNS 128
#define BATCH 255
#define AHEAD 8 /* rows: about the latency of memory at 10 ns a row */

AVX2 static inline __m256i wide(const int8_t *p)
{
	return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p));
}

/* sum += 16 lanes of a */
AVX2 static inline void empty(int32_t *sum, __m256i a)
{
	__m256i *s = (__m256i *)sum;
	__m256i lo = _mm256_cvtepi16_epi32(_mm256_castsi256_si128(a)), hi = _mm256_cvtepi16_epi32(_mm256_extracti128_si256(a, 1));

	_mm256_storeu_si256(s, _mm256_add_epi32(_mm256_loadu_si256(s), lo));
	_mm256_storeu_si256(s + 1, _mm256_add_epi32(_mm256_loadu_si256(s + 1), hi));
}

AVX2 static void pool_columns(int32_t *sum, const int8_t *rows, size_t stride, const uint32_t *id, size_t n)
{
	__m256i a[COLUMNS / 16];

	for (int j = 0; j < COLUMNS / 16; j++)
		a[j] = _mm256_setzero_si256();
	for (size_t i = 0; i < n; i++) {
		const int8_t *row = rows + (size_t)id[i] * stride, *next = rows + (size_t)id[BR_MIN(i + AHEAD, n - 1)] * stride;
		__builtin_prefetch(next);
		__builtin_prefetch(next + 64);
#pragma GCC unroll 8
		for (int j = 0; j < COLUMNS / 16; j++)
			a[j] = _mm256_add_epi16(a[j], wide(row + 16 * j));
	}
	for (int j = 0; j < COLUMNS / 16; j++)
		empty(sum + 16 * j, a[j]);
}

AVX2 void br_pool_rows_avx2(int32_t *sum, const int8_t *rows, size_t stride, const uint32_t *id, size_t n, size_t dim)
{
	size_t d = 0;

	for (; d + COLUMNS <= dim; d += COLUMNS)
		for (size_t i = 0; i < n; i += BATCH)
			pool_columns(sum + d, rows + d, stride, id + i, BR_MIN(BATCH, n - i));
	br_pool_rows_scalar(sum + d, rows + d, stride, id, n, dim - d);
}

#else

void br_pool_rows_avx2(int32_t *sum, const int8_t *rows, size_t stride, const uint32_t *id, size_t n, size_t dim)
{
	br_pool_rows_scalar(sum, rows, stride, id, n, dim);
}

#endif
