/*
 * Kernels that stand in for the scalar ones of Debian's FAISS. C on purpose: target attributes in a C++ file that includes
 * FAISS headers would change the types there.
 */
#ifndef BR_FAISS_KERNELS_H
#define BR_FAISS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- functions that the linker redirects (--wrap): whether each was called since the last look ---- */
#define BR_FAISS_WRAPPED(X)                                                                              \
	X(fvec_inner_product) X(fvec_L2sqr) X(fvec_norm_L2sqr) X(fvec_inner_products_ny) X(fvec_L2sqr_ny) \
	X(sq8_distance_computer) X(sq8_scanner)
enum br_faiss_wrapped {
#define X(name) BR_WRAPPED_##name,
	BR_FAISS_WRAPPED(X)
#undef X
	BR_WRAPPED_COUNT
};
extern unsigned char br_faiss_called[BR_WRAPPED_COUNT];
/* A mark, written once: a counter that threads share would cost more than the kernel. */
static inline void br_faiss_mark(enum br_faiss_wrapped w)
{
	if (!__atomic_load_n(&br_faiss_called[w], __ATOMIC_RELAXED))
		__atomic_store_n(&br_faiss_called[w], 1, __ATOMIC_RELAXED);
}

/* ---- 8-bit scalar quantizer, inner product: x[d] = min[d] + (code[d] + 0.5) * range[d] / 255 ---- */

struct br_sq8_query {
	int16_t *w;             /* [dim]: query * range, scaled so that no sum leaves int32 */
	float scale, bias;      /* score = bias + scale * sum(w * code) */
	size_t dim;
};
void br_sq8_query(struct br_sq8_query *q, const float *x, const float *min, const float *range);
/* out[i] = sum over d of w[d] * codes[i * dim + d], exact, the same on every processor. */
typedef void br_sq8_dot_fn(int32_t *out, const uint8_t *codes, size_t n, size_t dim, const int16_t *w);
void br_sq8_dot(int32_t *out, const uint8_t *codes, size_t n, size_t dim, const int16_t *w);
/* Inner product of two coded vectors; lo[d] and step[d]: x[d] = lo[d] + step[d] * code[d]. */
float br_sq8_pair(const uint8_t *a, const uint8_t *b, const float *lo, const float *step, size_t dim);

#ifdef __cplusplus
}
#endif
#endif
