/*
 * Rows of vectors: written in pieces and whole they are the same records, compacted they are those of a fresh notebook, and records
 * of any bytes are read without harm. Input: dim, rows, piece, which rows go (a byte each), then codes; or a whole record behind 0.
 */
#include "fuzz.h"

enum { WHOLE = 1, PIECES = 2, FRESH = 3, RAW = 4 };

struct rows {
	uint32_t dim, n, piece;
	uint8_t gone;
	int8_t *code;
	float *scale;
	struct br_slice raw;
};

/* Rows that a model could have made: a vector of length 1, or none. */
static void make(struct rows *x, struct br_rd *r)
{
	x->code = br_alloc((size_t)x->n * x->dim);
	x->scale = br_allocn(x->n, sizeof *x->scale);
	for (uint32_t i = 0; i < x->n; i++) {
		int64_t sq = 0;
		for (uint32_t d = 0; d < x->dim; d++) {
			int8_t v = (int8_t)br_rd_u8(r);
			v = v == -128 ? 0 : v;
			x->code[(size_t)i * x->dim + d] = v;
			sq += v * v;
		}
		x->scale[i] = sq ? (float)(1 / __builtin_sqrt((double)sq)) : 0;
	}
}

static void same_rows(struct br_txn *t, uint32_t a, uint32_t b, struct br_err *err)
{
	for (uint32_t block = 0; block < 4; block++) {
		struct br_key k;
		struct br_slice x, y;
		int one, two;
		br_key_init(&k, a);
		br_key_u32(&k, block);
		one = FUZZ_OK(br_get(&x, t, BR_T_VEC, br_key_slice(&k), err));
		br_key_init(&k, b);
		br_key_u32(&k, block);
		two = FUZZ_OK(br_get(&y, t, BR_T_VEC, br_key_slice(&k), err));
		HOLDS(one == two && (!one || br_slice_eq(x, y)));
	}
}

static void scan(struct br_txn *t, uint32_t nb, const struct rows *x, bool whole)
{
	struct br_vec_source src;
	struct br_ann_query *q = br_alloc(sizeof *q);
	struct br_ann_stats stats;
	struct br_topk hits;
	float v[BR_ANN_MAX_DIM], cosine[3];
	static const uint32_t row[3] = { 0, 1, 5 };

	for (uint32_t d = 0; d < x->dim; d++)
		v[d] = (float)(d % 3) + 1;
	br_ann_query_init(q, v, x->dim);
	br_vec_source(&src, t, nb, x->dim, x->n);
	br_topk_init(&hits, 5);
	if (br_ann_search(&hits, &stats, &src.ann, q, NULL, NULL) == 0) {
		for (uint32_t i = 0; i < hits.n; i++)
			HOLDS(hits.h[i].chunk < x->n && hits.h[i].score >= -1.01f && hits.h[i].score <= 1.01f);
	} else {
		HOLDS(!whole);
	}
	if (x->n > 5)
		HOLDS(br_ann_score(cosine, &src.ann, q, row, 3, NULL) == 0 || !whole);
	br_topk_release(&hits);
	free(q);
}

static int run(struct br_txn *t, void *arg, struct br_err *err)
{
	struct rows *x = arg;
	struct br_bits live;
	uint32_t kept = 0;
	int8_t *code = br_alloc((size_t)x->n * x->dim + 1);
	float *scale = br_allocn(x->n + 1, sizeof *scale);

	br_bits_init(&live, x->n, false);
	for (uint32_t i = 0; i < x->n; i++)
		if (!(x->gone >> (i % 8) & 1)) {
			br_bits_set(&live, i);
			memcpy(code + (size_t)kept * x->dim, x->code + (size_t)i * x->dim, x->dim);
			scale[kept++] = x->scale[i];
		}
	FUZZ_OK(br_vec_write(t, WHOLE, x->dim, 0, x->code, x->scale, x->n, err));
	for (uint32_t i = 0; i < x->n; i += x->piece)
		FUZZ_OK(br_vec_write(t, PIECES, x->dim, i, x->code + (size_t)i * x->dim, x->scale + i, BR_MIN(x->piece, x->n - i), err));
	same_rows(t, WHOLE, PIECES, err);
	FUZZ_OK(br_vec_verify(t, PIECES, x->dim, x->n, err));
	scan(t, PIECES, x, true);
	FUZZ_OK(br_vec_compact(t, PIECES, x->dim, &live, err));
	if (kept)
		FUZZ_OK(br_vec_write(t, FRESH, x->dim, 0, code, scale, kept, err));
	same_rows(t, PIECES, FRESH, err);
	FUZZ_OK(br_vec_verify(t, PIECES, x->dim, kept, err));
	br_bits_release(&live);
	free(code);
	free(scale);
	return 0;
}

static int run_raw(struct br_txn *t, void *arg, struct br_err *err)
{
	struct rows *x = arg;
	struct br_bits live;
	struct br_key k;

	br_key_init(&k, RAW);
	br_key_u32(&k, 0);
	FUZZ_OK(br_put(t, BR_T_VEC, br_key_slice(&k), x->raw, err));
	scan(t, RAW, x, br_vec_verify(t, RAW, x->dim, x->n, NULL) == 0);
	br_bits_init(&live, x->n, true);
	br_bits_clear_range(&live, 0, 1);
	(void)!br_vec_compact(t, RAW, x->dim, &live, NULL);
	br_bits_release(&live);
	return 0;
}

FUZZ(embed_rows)
{
	struct br_rd r = br_rd(in);
	struct rows x = { .dim = br_rd_u8(&r) };
	bool raw = x.dim == 0;

	if (raw)
		x.dim = br_rd_u8(&r);
	x.dim += !x.dim;
	x.n = br_rd_u8(&r) + 1;
	x.piece = br_rd_u8(&r) + 1;
	x.gone = br_rd_u8(&r);
	x.raw = fuzz_rest(&r);
	if (raw) {
		fuzz_in_store(run_raw, &x);
		return;
	}
	make(&x, &r);
	fuzz_in_store(run, &x);
	free(x.code);
	free(x.scale);
}
