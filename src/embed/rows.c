/*
 * Table VEC: the rows of a notebook in blocks of at most 16 * 4096 - 20 bytes, so that a block with its seal and LMDB's
 * page header fills whole pages. Layout: man/br-index.5, VECTORS. A block in which no row has a vector is not stored.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

#define BLOCK_MAX (16 * 4096 - 16 - 4)
#define BLOCK_HEAD 16u
#define BLOCK_MAGIC 0x5642u /* "BV" */
#define KIND_INT8 1u

static uint32_t rows_per_block(uint32_t dim)
{
	BR_ASSERT(dim > 0 && dim <= BR_ANN_MAX_DIM);
	return (BLOCK_MAX - BLOCK_HEAD) / (dim + 4);
}

static void block_key(struct br_key *k, uint32_t nb, uint32_t block)
{
	br_key_init(k, nb);
	br_key_u32(k, block);
}

static int damaged(struct br_err *err, uint32_t nb, uint32_t block, const char *what)
{
	return br_fail(err, BR_ECORRUPT, "vectors of notebook %u, block %u: %s", nb, block, what);
}

/* ---- one block: encode and decode ---- */

static size_t block_bytes(uint32_t dim, uint32_t rows)
{
	return BLOCK_HEAD + (size_t)rows * (dim + 4);
}

static void block_head(char *p, uint32_t dim, uint32_t rows)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);

	br_buf_le16(&b, BLOCK_MAGIC);
	br_buf_u8(&b, KIND_INT8);
	br_buf_u8(&b, 0);
	br_buf_le32(&b, dim);
	br_buf_le32(&b, rows);
	br_buf_le32(&b, 0);
	memcpy(p, b.ptr, BLOCK_HEAD);
	br_buf_release(&b);
}

static int block_read(struct br_ann_block *out, struct br_slice v, uint32_t dim, uint32_t nb, uint32_t block, struct br_err *err)
{
	struct br_rd r = br_rd(v);
	bool ok = br_rd_u16(&r) == BLOCK_MAGIC && br_rd_u8(&r) == KIND_INT8 && br_rd_u8(&r) == 0 && br_rd_u32(&r) == dim;
	uint32_t rows = br_rd_u32(&r);

	if (!ok || br_rd_u32(&r) != 0 || r.bad)
		return damaged(err, nb, block, "header");
	if (rows == 0 || rows > rows_per_block(dim) || v.len != block_bytes(dim, rows))
		return damaged(err, nb, block, "number of rows");
	out->code = (const int8_t *)v.ptr + BLOCK_HEAD;
	out->scale = v.ptr + BLOCK_HEAD + (size_t)rows * dim;
	out->n = rows;
	return 0;
}

/* The stored block; code NULL and n 0 when there is none. */
static int block_get(struct br_ann_block *out, struct br_txn *t, uint32_t nb, uint32_t dim, uint32_t block, struct br_err *err)
{
	struct br_slice v;
	struct br_key k;
	int rc;

	*out = (struct br_ann_block){ 0 };
	block_key(&k, nb, block);
	if ((rc = br_get(&v, t, BR_T_VEC, br_key_slice(&k), err)) <= 0)
		return rc;
	return block_read(out, v, dim, nb, block, err);
}

/* ---- writing ---- */

static float scale_at(const char *scale, uint32_t i)
{
	float f;
	memcpy(&f, scale + 4 * (size_t)i, 4);
	return f;
}

/* Rows of a block being put together: the codes and scales of a whole block, apart, as their number is not known yet. */
struct draft {
	int8_t *code;
	char *scale;
	uint32_t dim, n;
};

static struct draft draft_new(uint32_t dim)
{
	uint32_t per = rows_per_block(dim);

	return (struct draft){ .code = br_alloc((size_t)per * dim), .scale = br_alloc(4 * (size_t)per), .dim = dim };
}

static void draft_free(struct draft *d)
{
	free(d->code);
	free(d->scale);
}

/* The rows before `at` that the block already holds; rows of a block that is not stored have no vector. */
static int draft_head(struct draft *d, struct br_txn *t, uint32_t nb, uint32_t block, uint32_t at, struct br_err *err)
{
	struct br_ann_block b;
	int rc;

	d->n = at;
	if (at == 0)
		return 0;
	if ((rc = block_get(&b, t, nb, d->dim, block, err)) < 0)
		return rc;
	if (b.code && b.n < at)
		return damaged(err, nb, block, "rows are missing at its end");
	if (b.code) {
		memcpy(d->code, b.code, (size_t)at * d->dim);
		memcpy(d->scale, b.scale, (size_t)at * 4);
	} else {
		memset(d->code, 0, (size_t)at * d->dim);
		memset(d->scale, 0, (size_t)at * 4);
	}
	return 0;
}

static void draft_add(struct draft *d, const int8_t *code, const float *scale, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++, d->n++, code += d->dim) {
		int8_t *to = d->code + (size_t)d->n * d->dim;
		memcpy(d->scale + 4 * (size_t)d->n, &scale[i], 4);
		if (scale[i] == 0)
			memset(to, 0, d->dim);
		else
			memcpy(to, code, d->dim);
	}
}

static bool draft_empty(const struct draft *d)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (scale_at(d->scale, i) != 0)
			return false;
	return true;
}

static int draft_put(const struct draft *d, struct br_txn *t, uint32_t nb, uint32_t block, struct br_err *err)
{
	char head[BLOCK_HEAD];
	struct br_slice part[] = { br_slice(head, sizeof head), br_slice(d->code, (size_t)d->n * d->dim), br_slice(d->scale, 4 * (size_t)d->n) };
	struct br_key k;

	block_key(&k, nb, block);
	if (draft_empty(d))
		return BR_MIN(0, br_del(t, BR_T_VEC, br_key_slice(&k), err));
	block_head(head, d->dim, d->n);
	return br_put_parts(t, BR_T_VEC, br_key_slice(&k), part, BR_COUNT(part), err);
}

int br_vec_write(struct br_txn *t, uint32_t nb, uint32_t dim, uint32_t first, const int8_t *code, const float *scale, uint32_t n,
		 struct br_err *err)
{
	uint32_t per = rows_per_block(dim);
	struct draft d = draft_new(dim);
	int rc = 0;

	br_txn_check_all(t); /* the last block is written anew with a new checksum, so its old one must be right */
	for (uint32_t m; rc == 0 && n; n -= m, first += m, code += (size_t)m * dim, scale += m) {
		uint32_t block = first / per, at = first % per;
		m = BR_MIN(n, per - at);
		if ((rc = draft_head(&d, t, nb, block, at, err)) < 0)
			break;
		draft_add(&d, code, scale, m);
		rc = draft_put(&d, t, nb, block, err);
	}
	draft_free(&d);
	return rc;
}

int br_vec_drop(struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_key k;

	br_key_init(&k, nb);
	return br_del_prefix(t, BR_T_VEC, br_key_slice(&k), err);
}

/* ---- compaction: rows only move towards the front, so a block is read before anything is written over it ---- */

/* The rows of a block, copied, since what is read from a store ends with the next change; one that is not stored is all zero. */
static int draft_load(struct draft *d, struct br_txn *t, uint32_t nb, uint32_t block, uint32_t rows, struct br_err *err)
{
	struct br_ann_block b;
	int rc = block_get(&b, t, nb, d->dim, block, err);

	if (rc < 0)
		return rc;
	if (b.code && b.n != rows)
		return damaged(err, nb, block, "number of rows");
	d->n = 0;
	return draft_head(d, t, nb, block, rows, err);
}

/* Row i of `from` goes behind the last of `to`. */
static void draft_move(struct draft *to, const struct draft *from, uint32_t i)
{
	memcpy(to->code + (size_t)to->n * to->dim, from->code + (size_t)i * to->dim, to->dim);
	memcpy(to->scale + 4 * (size_t)to->n, from->scale + 4 * (size_t)i, 4);
	to->n++;
}

struct squeeze { struct br_txn *txn; uint32_t nb, per, block; struct draft old, now; }; /* block: the next to be written */

static int squeeze_put(struct squeeze *q, struct br_err *err)
{
	int rc = draft_put(&q->now, q->txn, q->nb, q->block++, err);

	q->now.n = 0;
	return rc;
}

static int squeeze_block(struct squeeze *q, uint32_t block, const struct br_bits *live, struct br_err *err)
{
	uint32_t from = block * q->per, rows = BR_MIN(q->per, live->n - from);
	int rc = draft_load(&q->old, q->txn, q->nb, block, rows, err);

	for (uint32_t i = 0; rc == 0 && i < rows; i++) {
		if (!br_bits_get(live, from + i))
			continue;
		draft_move(&q->now, &q->old, i);
		if (q->now.n == q->per)
			rc = squeeze_put(q, err);
	}
	return rc;
}

static int squeeze_all(struct squeeze *q, const struct br_bits *live, struct br_err *err)
{
	uint32_t blocks = (live->n + q->per - 1) / q->per;
	struct br_key k;
	int rc = 0;

	for (uint32_t b = q->block; rc == 0 && b < blocks; b++)
		rc = squeeze_block(q, b, live, err);
	if (rc == 0 && q->now.n)
		rc = squeeze_put(q, err);
	for (uint32_t b = q->block; rc >= 0 && b < blocks; b++) {
		block_key(&k, q->nb, b);
		rc = br_del(q->txn, BR_T_VEC, br_key_slice(&k), err);
	}
	return BR_MIN(0, rc);
}

int br_vec_compact(struct br_txn *t, uint32_t nb, uint32_t dim, const struct br_bits *live, struct br_err *err)
{
	struct squeeze q = { .txn = t, .nb = nb, .per = rows_per_block(dim) };
	uint32_t first = 0;
	int rc;

	while (first < live->n && br_bits_get(live, first)) /* rows in front of the first deleted one stay where they are */
		first++;
	if (first == live->n)
		return 0;
	q.block = first / q.per;
	q.old = draft_new(dim);
	q.now = draft_new(dim);
	rc = squeeze_all(&q, live, err);
	draft_free(&q.old);
	draft_free(&q.now);
	return rc;
}

/* ---- reading ---- */

static int source_block(struct br_ann_block *out, uint32_t block, void *arg, struct br_err *err)
{
	const struct br_vec_source *s = arg;
	uint32_t want = BR_MIN(s->ann.per_block, s->ann.rows - block * s->ann.per_block);
	int rc = block_get(out, s->txn, s->nb, s->ann.dim, block, err);

	if (rc < 0)
		return rc;
	if (out->code && out->n < want)
		return damaged(err, s->nb, block, "rows are missing at its end");
	out->n = want;
	return 0;
}

void br_vec_source(struct br_vec_source *out, struct br_txn *t, uint32_t nb, uint32_t dim, uint32_t rows)
{
	*out = (struct br_vec_source){
		.ann = { .rows = rows, .dim = dim, .per_block = rows_per_block(dim), .block = source_block, .arg = out },
		.txn = t, .nb = nb,
	};
}

/* ---- verifying ---- */

/* A row is all zero with scale 0, or its vector has length 1 (as near as the 24 bits of the scale allow). */
bool br_vec_row_ok(const int8_t *code, float scale, uint32_t dim)
{
	int64_t sq = 0;

	for (uint32_t d = 0; d < dim; d++)
		sq += code[d] * code[d];
	if (sq == 0 || scale == 0)
		return sq == 0 && scale == 0;
	return fabs(sqrt((double)sq) * (double)scale - 1) < 1e-4;
}

static int verify_block(const struct br_cur *c, uint32_t nb, uint32_t dim, uint32_t rows, struct br_err *err)
{
	uint32_t block = br_rd_be32(c->key.ptr + 4), per = rows_per_block(dim), with = 0;
	struct br_ann_block b;
	int rc;

	if ((rc = block_read(&b, c->val, dim, nb, block, err)) < 0)
		return rc;
	if ((uint64_t)block * per >= rows)
		return damaged(err, nb, block, "behind the last row");
	if (b.n != BR_MIN(per, rows - block * per))
		return damaged(err, nb, block, "number of rows");
	for (uint32_t i = 0; i < b.n; i++) {
		float scale = scale_at(b.scale, i);
		if (!br_vec_row_ok(b.code + (size_t)i * dim, scale, dim))
			return br_fail(err, BR_ECORRUPT, "vectors of notebook %u, block %u: row %u is no unit vector", nb, block, block * per + i);
		with += scale != 0;
	}
	return with ? 0 : damaged(err, nb, block, "stored without any vector");
}

int br_vec_verify(struct br_txn *t, uint32_t nb, uint32_t dim, uint32_t rows, struct br_err *err)
{
	struct br_cur c = { 0 };
	struct br_key k;
	int rc;

	br_key_init(&k, nb);
	if ((rc = br_cur_open(&c, t, BR_T_VEC, err)) < 0)
		return rc;
	c.within = br_key_slice(&k);
	rc = br_cur_seek(&c, br_key_slice(&k), err);
	while (rc > 0 && br_has_prefix(c.key, br_key_slice(&k))) {
		if (c.key.len != 8)
			rc = br_fail(err, BR_ECORRUPT, "vectors of notebook %u: key of %zu bytes", nb, c.key.len);
		else
			rc = verify_block(&c, nb, dim, rows, err);
		if (rc < 0)
			break;
		rc = br_cur_next(&c, err);
	}
	br_cur_close(&c);
	return BR_MIN(0, rc);
}
