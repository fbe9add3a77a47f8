/*
 * Vectors of text: pieces, sums, and the int8 code that is stored.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

#define BATCH 1024          /* pieces cut before they are pooled: ids stay in L1, memory stays small for any text */
#define MAX_POOLED (1u << 24) /* pieces in one sum; what comes after them is left out (see pool.c) */

void br_embed__cache_new(struct br_embedder *e, uint32_t log)
{
	free(e->cache_mem);
	e->cache_mem = br_alloc((sizeof(struct br_embed__word) << log) + 63); /* entries on cache lines */
	e->cache = (void *)(((uintptr_t)e->cache_mem + 63) & ~(uintptr_t)63);
	e->cache_log = log;
	e->cache_puts = 0;
}

struct br_embedder *br_embedder_new(const struct br_model *m)
{
	struct br_embedder *e = br_alloc(sizeof *e);

	e->m = m;
	e->pool = br_embed__pool();
	br_embed__cache_new(e, BR_EMBED__CACHE_MIN);
	br_vec_reserve(&e->id, BATCH);
	return e;
}

void br_embedder_free(struct br_embedder *e)
{
	if (!e)
		return;
	br_vec_release(&e->id);
	br_vec_release(&e->word);
	br_vec_release(&e->bytes);
	free(e->cache_mem);
	free(e);
}

const uint32_t *br_embed_pieces(struct br_embedder *e, struct br_slice text, size_t *n)
{
	size_t at = 0;

	e->id.n = 0;
	br_embed__tokenise(e, text, &at, SIZE_MAX);
	*n = e->id.n;
	return e->id.v;
}

static void drop_special(struct br_embedder *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->id.n; i++)
		if (!(e->m->tokflags[e->id.v[i]] & BR_PIECE_SPECIAL))
			e->id.v[n++] = e->id.v[i];
	e->id.n = n;
}

/* Adds a text to sum, of which `pooled` pieces are already there; returns how many then are. The tally goes on, too. */
static uint32_t sums_add(int32_t *sum, uint32_t pooled, struct br_embedder *e, struct br_slice text)
{
	const struct br_model *m = e->m;

	for (size_t at = 0; at < text.len && pooled < MAX_POOLED;) {
		uint64_t special = e->tally.special;
		e->id.n = 0;
		br_embed__tokenise(e, text, &at, BATCH);
		if (e->tally.special != special)
			drop_special(e);
		size_t n = BR_MIN(e->id.n, (size_t)(MAX_POOLED - pooled));
		e->pool(sum, m->rows, m->row_stride, e->id.v, n, m->info.dim);
		pooled += (uint32_t)n;
	}
	return pooled;
}

static void begin(int32_t *sum, struct br_embedder *e)
{
	memset(sum, 0, e->m->info.dim * sizeof *sum);
	e->tally = (struct br_embed__tally){ 0 };
}

uint32_t br_embed_sums(int32_t *sum, struct br_embedder *e, struct br_slice text)
{
	begin(sum, e);
	return sums_add(sum, 0, e, text);
}

/* sum * 127 / max|sum| in integers, rounded half away from zero; returns the scale that makes the code a unit vector. */
static float encode(int8_t *code, const int32_t *sum, uint32_t dim)
{
	int64_t max = 0, sq = 0;

	for (uint32_t d = 0; d < dim; d++)
		max = BR_MAX(max, (int64_t)abs(sum[d]));
	if (max == 0)
		return 0;
	for (uint32_t d = 0; d < dim; d++) {
		int64_t a = (2 * 127 * (int64_t)abs(sum[d]) + max) / (2 * max);
		code[d] = (int8_t)(sum[d] < 0 ? -a : a);
		sq += a * a;
	}
	return (float)(1 / sqrt((double)sq));
}

float br_vec_encode(int8_t *code, const float *v, uint32_t dim)
{
	float max = 0;
	int64_t sq = 0;

	for (uint32_t d = 0; d < dim; d++)
		max = BR_MAX(max, fabsf(v[d]));
	memset(code, 0, dim);
	if (!(max > 0))
		return 0;
	for (uint32_t d = 0; d < dim; d++) {
		code[d] = (int8_t)roundf(v[d] * (127 / max));
		sq += code[d] * code[d];
	}
	return (float)(1 / sqrt((double)sq));
}

void br_embed(struct br_embedding *out, struct br_embedder *e, const struct br_slice *part, size_t n_parts)
{
	int32_t sum[BR_ANN_MAX_DIM];
	uint32_t dim = e->m->info.dim;

	begin(sum, e);
	out->tokens = 0;
	for (size_t i = 0; i < n_parts; i++)
		out->tokens = sums_add(sum, out->tokens, e, part[i]);
	if (2 * (e->tally.weak - e->tally.punct) > e->tally.pieces - e->tally.punct || e->tally.pieces == e->tally.punct)
		out->scale = 0;
	else
		out->scale = encode(out->code, sum, dim);
	if (out->scale == 0)
		memset(out->code, 0, dim);
}

/* A question keeps its vector however little of it is known: `fit` tells the caller what the vector is worth. */
bool br_embed_query(struct br_ann_query *out, double *fit, struct br_embedder *e, struct br_slice text)
{
	int32_t sum[BR_ANN_MAX_DIM];

	br_embed_sums(sum, e, text);
	*fit = e->tally.words ? (double)e->tally.known / (double)e->tally.words : 0;
	return br_ann_query_from_sums(out, sum, e->m->info.dim);
}
