/*
 * embed - vectors of text: the built-in model (static word pieces, int8), and the stored rows of a notebook (table VEC).
 * Use:     br_model_builtin or br_model_open; br_embedder_new per thread; br_embed; br_vec_write in the write transaction;
 *          br_vec_source + br_ann_search to find.
 * Owns:    a model owns its mapping (the built-in one is part of the binary); pieces and rows are used in place.
 * Threads: a model is read-only and shared; an embedder (word cache, scratch) belongs to one thread.
 * Exact:   sums of int8 rows are integers: the same on every processor and SIMD width.
 * Format:  .brem and table VEC in man/br-index.5.
 */
#ifndef BR_EMBED_H
#define BR_EMBED_H

#include "br/ann.h"
#include "br/bits.h"
#include "br/store.h"

struct br_model;
struct br_model_info {
	char id[33];            /* "br-static-256-v1" */
	uint8_t sha[8];         /* first bytes of the SHA-256 of the content: a notebook is pinned to id + sha + dim */
	uint32_t dim, vocab;
	const char *meta;       /* JSON, meta_len bytes, not NUL-terminated */
	size_t meta_len;
};
const struct br_model *br_model_builtin(void);
/* Checks header and sections. INPUT: damaged; UNSUPPORTED: of another version or kind. */
BR_MUST_USE int br_model_open(struct br_model **out, const char *path, struct br_err *err);
BR_MUST_USE int br_model_verify(const struct br_model *m, struct br_err *err);              /* SHA-256 of everything */
void br_model_close(struct br_model *m);
const struct br_model_info *br_model_info(const struct br_model *m);

struct br_embedder;
struct br_embedder *br_embedder_new(const struct br_model *m);
void br_embedder_free(struct br_embedder *e);

struct br_embedding {
	int8_t code[BR_ANN_MAX_DIM]; /* S * 127 / max|S|, rounded half away from zero */
	float scale;                 /* 1 / |code|: unit vector = scale * code; 0: no vector */
	uint32_t tokens;             /* pieces pooled */
};
/* Piece ids of text. Overwritten by the next call. */
const uint32_t *br_embed_pieces(struct br_embedder *e, struct br_slice text, size_t *n);
/* Integer sums over the pieces that are pooled (the first 2^24, lest they overflow); returns how many. sum has dim entries. */
uint32_t br_embed_sums(int32_t *sum, struct br_embedder *e, struct br_slice text);
/*
 * Vector of a text given in pieces (title, headings, body: the sums add up). scale 0 when more than half of its pieces are
 * unknown or single characters (punctuation left out on both sides), or there is none.
 */
void br_embed(struct br_embedding *out, struct br_embedder *e, const struct br_slice *part, size_t n_parts);
/*
 * The vector of a question, and `fit`: the share of its words (punctuation is none) that are one known piece of more than one
 * character. false: no vector, as nothing of it is known. The rule of half the pieces is for texts: `fit` does its work here.
 */
bool br_embed_query(struct br_ann_query *out, double *fit, struct br_embedder *e, struct br_slice text);

/* sum += the rows id[0 .. n - 1]; at most 2^24 rows into one sum. */
typedef void br_pool_rows_fn(int32_t *sum, const int8_t *rows, size_t stride, const uint32_t *id, size_t n, size_t dim);
br_pool_rows_fn br_pool_rows_scalar, br_pool_rows_avx2, br_pool_rows_avx512; /* same result */

/* ---- rows of a notebook: row number = chunk number ---- */

/* Rows first .. first + n - 1 (first = rows ever written). code is [n][dim]; scale 0: no vector. */
BR_MUST_USE int br_vec_write(struct br_txn *t, uint32_t nb, uint32_t dim, uint32_t first, const int8_t *code, const float *scale, uint32_t n, struct br_err *err);
/* Keeps the rows in `live` (a bit for each ever written), numbered anew from 0 in their order: the table is that of a fresh index. */
BR_MUST_USE int br_vec_compact(struct br_txn *t, uint32_t nb, uint32_t dim, const struct br_bits *live, struct br_err *err);
BR_MUST_USE int br_vec_drop(struct br_txn *t, uint32_t nb, struct br_err *err);
struct br_vec_source { struct br_ann_source ann; struct br_txn *txn; uint32_t nb; };
void br_vec_source(struct br_vec_source *out, struct br_txn *t, uint32_t nb, uint32_t dim, uint32_t rows);
/* Whether code[dim] and scale are a row that could have been written: both zero, or a vector of length 1. */
bool br_vec_row_ok(const int8_t *code, float scale, uint32_t dim);
BR_MUST_USE int br_vec_verify(struct br_txn *t, uint32_t nb, uint32_t dim, uint32_t rows, struct br_err *err);

#endif
