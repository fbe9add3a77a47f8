/*
 * Vectors like those of texts, made up: a few wide topics, in them clusters whose sizes follow Zipf's law, each spread along 24
 * directions of its own, and noise. The same seed gives the same vectors. For unit tests and the benchmark of indexes.
 */
#ifndef TEST_VECTORS_H
#define TEST_VECTORS_H

#include <math.h>
#include <stdlib.h>

#include "br/ann.h"

#define VECTORS_RANK 24

struct vectors {
	uint32_t dim, topics, clusters;
	float *centre;    /* [clusters][dim] */
	float *direction; /* [clusters][VECTORS_RANK][dim] */
	double *upto;     /* [clusters] share of vectors in clusters 0 .. this */
	uint64_t state;
};

static inline double vectors_uniform(struct vectors *v)
{
	v->state ^= v->state << 13, v->state ^= v->state >> 7, v->state ^= v->state << 17;
	return (double)(v->state >> 11) * 0x1p-53;
}

static inline float vectors_normal(struct vectors *v)
{
	double s = 0;

	for (int i = 0; i < 6; i++)
		s += vectors_uniform(v);
	return (float)((s - 3) * M_SQRT2);
}

static inline void vectors_unit(float *x, uint32_t dim)
{
	double sq = 0;

	for (uint32_t d = 0; d < dim; d++)
		sq += (double)x[d] * (double)x[d];
	for (uint32_t d = 0; d < dim; d++)
		x[d] *= (float)(1 / sqrt(sq));
}

static inline void vectors_random_unit(struct vectors *v, float *x)
{
	for (uint32_t d = 0; d < v->dim; d++)
		x[d] = vectors_normal(v);
	vectors_unit(x, v->dim);
}

static inline void vectors_init(struct vectors *v, uint32_t dim, uint32_t topics, uint32_t clusters, uint64_t seed)
{
	float *topic = br_allocn((size_t)topics * dim, sizeof *topic);
	double sum = 0;

	*v = (struct vectors){ .dim = dim, .topics = topics, .clusters = clusters, .state = seed * 0x9e3779b97f4a7c15u + 1 };
	v->centre = br_allocn((size_t)clusters * dim, sizeof *v->centre);
	v->direction = br_allocn((size_t)clusters * VECTORS_RANK * dim, sizeof *v->direction);
	v->upto = br_allocn(clusters, sizeof *v->upto);
	for (uint32_t t = 0; t < topics; t++)
		vectors_random_unit(v, topic + (size_t)t * dim);
	for (uint32_t c = 0; c < clusters; c++) {
		float *x = v->centre + (size_t)c * dim, *t = topic + (size_t)(vectors_uniform(v) * topics) * dim;
		vectors_random_unit(v, x);
		for (uint32_t d = 0; d < dim; d++)
			x[d] = t[d] + 0.8f * x[d];
		vectors_unit(x, dim);
		for (uint32_t r = 0; r < VECTORS_RANK; r++)
			vectors_random_unit(v, v->direction + ((size_t)c * VECTORS_RANK + r) * dim);
		v->upto[c] = sum += 1 / (c + 10.0);
	}
	for (uint32_t c = 0; c < clusters; c++)
		v->upto[c] /= sum;
	free(topic);
}

static inline void vectors_release(struct vectors *v)
{
	free(v->centre);
	free(v->direction);
	free(v->upto);
}

/* A fresh vector of unit length. */
static inline void vectors_draw(struct vectors *v, float *x)
{
	double u = vectors_uniform(v);
	uint32_t lo = 0, hi = v->clusters - 1;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		if (v->upto[mid] < u)
			lo = mid + 1;
		else
			hi = mid;
	}
	memcpy(x, v->centre + (size_t)lo * v->dim, v->dim * sizeof *x);
	for (uint32_t r = 0; r < VECTORS_RANK; r++) {
		const float *b = v->direction + ((size_t)lo * VECTORS_RANK + r) * v->dim;
		float z = vectors_normal(v) * 0.7f / sqrtf(VECTORS_RANK);
		for (uint32_t d = 0; d < v->dim; d++)
			x[d] += z * b[d];
	}
	for (uint32_t d = 0; d < v->dim; d++)
		x[d] += vectors_normal(v) * 0.3f / sqrtf((float)v->dim);
	vectors_unit(x, v->dim);
}

/* As a question: a fresh vector, or the middle of two. */
static inline void vectors_question(struct vectors *v, struct br_ann_query *q, bool middle)
{
	float x[BR_ANN_MAX_DIM], y[BR_ANN_MAX_DIM];

	vectors_draw(v, x);
	if (middle) {
		vectors_draw(v, y);
		for (uint32_t d = 0; d < v->dim; d++)
			x[d] += y[d];
	}
	br_ann_query_init(q, x, v->dim);
}

/* ---- rows as they are stored, in memory ---- */

struct vector_rows {
	int8_t *code;
	float *scale;
	struct br_ann_source src;
};

static inline int vector_rows_block(struct br_ann_block *out, uint32_t block, void *arg, struct br_err *err)
{
	struct vector_rows *r = arg;
	uint32_t first = block * r->src.per_block;

	(void)err;
	out->n = BR_MIN(r->src.per_block, r->src.rows - first);
	out->code = r->code + (size_t)first * r->src.dim;
	out->scale = (const char *)(r->scale + first);
	return 0;
}

static inline void vector_rows_set(struct vector_rows *r, uint32_t row, const float *x)
{
	uint32_t dim = r->src.dim;
	int8_t *code = r->code + (size_t)row * dim;
	float max = 0;
	int64_t sq = 0;

	for (uint32_t d = 0; d < dim; d++)
		max = fmaxf(max, fabsf(x[d]));
	for (uint32_t d = 0; d < dim; d++) {
		code[d] = (int8_t)lrintf(x[d] * 127 / max);
		sq += code[d] * code[d];
	}
	r->scale[row] = (float)(1 / sqrt((double)sq));
}

static inline struct vector_rows *vector_rows_new(struct vectors *v, uint32_t rows)
{
	struct vector_rows *r = br_alloc(sizeof *r);
	float x[BR_ANN_MAX_DIM];

	r->code = br_alloc((size_t)rows * v->dim + 1);
	r->scale = br_allocn(rows + 1, sizeof *r->scale);
	r->src = (struct br_ann_source){ .rows = rows, .dim = v->dim, .per_block = 251, .block = vector_rows_block, .arg = r };
	for (uint32_t i = 0; i < rows; i++) {
		vectors_draw(v, x);
		vector_rows_set(r, i, x);
	}
	return r;
}

static inline void vector_rows_free(struct vector_rows *r)
{
	free(r->code);
	free(r->scale);
	free(r);
}

#endif
