/*
 * ann - nearest neighbours over rows of scaled int8. The door behind which FAISS indexes will stand; the exact scan is the
 * first way and stays the reference.
 * Use:     fill a br_ann_source (where rows come from), br_ann_query_init, br_ann_search.
 * Values:  a row r stands for the vector scale[r] * code[r][0..dim); the query is int16 with one scale. A dot product is the exact
 *          integer sum, times both scales in double: bit-equal in scalar, AVX2 and AVX-512 code.
 * Threads: no state; any number at once.
 */
#ifndef BR_ANN_H
#define BR_ANN_H

#include "br/bits.h"

#define BR_ANN_MAX_DIM 4096

struct br_ann_block {
	const int8_t *code;   /* [n][dim], any alignment; NULL: no row of this block has a vector */
	const char *scale;    /* n little-endian f32, any alignment; 0: this row has no vector */
	uint32_t n;           /* rows in this block */
};
struct br_ann_source {
	uint32_t rows, dim, per_block; /* row = block * per_block + i */
	int (*block)(struct br_ann_block *out, uint32_t block, void *arg, struct br_err *err);
	void *arg;
};
struct br_ann_query {
	int16_t code[BR_ANN_MAX_DIM];
	double scale;
	uint32_t dim;
};
struct br_ann_stats {
	double mean, sigma;   /* of the cosine over all kept rows that have a vector */
	uint64_t scored;      /* rows whose cosine was computed */
	const char *way;      /* "exact scan" */
};
/* From a unit vector of floats (or anything proportional: it is normalised). */
void br_ann_query_init(struct br_ann_query *q, const float *v, uint32_t dim);
/* From integer sums; false when all are zero. */
bool br_ann_query_from_sums(struct br_ann_query *q, const int32_t *sum, uint32_t dim);
/*
 * Best k rows by cosine among `keep` (NULL: all) into `out`, which br_topk_init made; they come out sorted, best first.
 * mean and sigma are exact, and the same in whatever order the rows stand. CORRUPT for a row that no unit vector can be.
 */
BR_MUST_USE int br_ann_search(struct br_topk *out, struct br_ann_stats *stats, const struct br_ann_source *src, const struct br_ann_query *q, const struct br_bits *keep, struct br_err *err);
/* Cosines of given rows; NAN for a row without a vector. */
BR_MUST_USE int br_ann_score(float *out, const struct br_ann_source *src, const struct br_ann_query *q, const uint32_t *row, size_t n, struct br_err *err);

/* ---- kernels, chosen once by what the processor has; BR_SIMD=scalar|avx2|avx512 forces one ---- */

typedef void br_dot_fn(int32_t *out, const int8_t *rows, size_t n, size_t dim, const int16_t *q); /* dim a multiple of 32, rows dense */
enum br_simd { BR_SIMD_SCALAR, BR_SIMD_AVX2, BR_SIMD_AVX512 };
enum br_simd br_simd_level(void);
const char *br_simd_name(enum br_simd level);
br_dot_fn br_dot_scalar, br_dot_avx2, br_dot_avx512;

#endif
