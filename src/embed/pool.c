/*
 * Adding up rows of the model, the plain way, which the fast ones must equal, and the choice among them.
 * The sums are added to what `sum` holds. At most 2^24 rows may go into one sum: 127 * 2^24 < 2^31.
 */
#include "internal.h"

br_pool_rows_fn *br_embed__pool(void)
{
	static br_pool_rows_fn *const fn[] = { br_pool_rows_scalar, br_pool_rows_avx2, br_pool_rows_avx512 };
	return fn[br_simd_level()];
}

/* A fixed count and no overlap: compilers vectorise it. */
static inline void add32(int32_t *restrict sum, const int8_t *restrict row)
{
	for (size_t d = 0; d < 32; d++)
		sum[d] += row[d];
}

void br_pool_rows_scalar(int32_t *sum, const int8_t *rows, size_t stride, const uint32_t *id, size_t n, size_t dim)
{
	for (size_t i = 0; i < n; i++) {
		const int8_t *row = rows + (size_t)id[i] * stride;
		size_t d = 0;
		for (; d + 32 <= dim; d += 32)
			add32(sum + d, row + d);
		for (; d < dim; d++)
			sum[d] += row[d];
	}
}
