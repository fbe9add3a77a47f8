/*
 * Adding up rows of the model, AVX-512 (F and BW): 256 columns at a time in eight registers, else as the AVX2 code.
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

#define COLUMNS 256
#define BATCH 255
#define AHEAD 8

/* sum += 32 lanes of a */
AVX512 static inline void empty(int32_t *sum, __m512i a)
{
	int16_t lane[32];

	_mm512_storeu_si512(lane, a);
	for (int i = 0; i < 32; i++)
		sum[i] += lane[i];
}

AVX512 static void pool_columns(int32_t *sum, const int8_t *rows, size_t stride, const uint32_t *id, size_t n)
{
	__m512i a[COLUMNS / 32];

	for (int j = 0; j < COLUMNS / 32; j++)
		a[j] = _mm512_setzero_si512();
	for (size_t i = 0; i < n; i++) {
		const int8_t *row = rows + (size_t)id[i] * stride, *next = rows + (size_t)id[BR_MIN(i + AHEAD, n - 1)] * stride;
		for (int j = 0; j < COLUMNS; j += 64)
			__builtin_prefetch(next + j);
#pragma GCC unroll 8
		for (int j = 0; j < COLUMNS / 32; j++) {
			__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(row + 32 * j));
			a[j] = _mm512_add_epi16(a[j], _mm512_cvtepi8_epi16(b));
		}
	}
	for (int j = 0; j < COLUMNS / 32; j++)
		empty(sum + 32 * j, a[j]);
}

AVX512 void br_pool_rows_avx512(int32_t *sum, const int8_t *rows, size_t stride, const uint32_t *id, size_t n, size_t dim)
{
	size_t d = 0;

	for (; d + COLUMNS <= dim; d += COLUMNS)
		for (size_t i = 0; i < n; i += BATCH)
			pool_columns(sum + d, rows + d, stride, id + i, BR_MIN(BATCH, n - i));
	br_pool_rows_scalar(sum + d, rows + d, stride, id, n, dim - d);
}

#undef AVX512
#else

void br_pool_rows_avx512(int32_t *sum, const int8_t *rows, size_t stride, const uint32_t *id, size_t n, size_t dim)
{
	br_pool_rows_scalar(sum, rows, stride, id, n, dim);
}

#endif
