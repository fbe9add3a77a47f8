/*
 * Passages are taken out of documents: those that stay get new numbers at the end of the notebook, as when a document changes, with the
 * vectors and contexts that they had; the old ones are counted out and left to gc. No model is asked.
 */
#include "internal.h"

#include <stdlib.h>

struct prune {
	struct br_txn *t;
	struct br_nb *nb;
	struct br_arena *arena;
	struct reindex *was, *now;      /* words that go, words that come */
	struct br_vec_source rows;
	BR_VEC(int8_t) code;            /* of those that stay */
	BR_VEC(float) scale;
	uint64_t done;
};

struct job { struct br_ws *ws; uint32_t nb; struct br_passage *v; size_t n; uint64_t *done; };

static int by_place(const void *a, const void *b)
{
	const struct br_passage *x = a, *y = b;

	if (x->doc != y->doc)
		return x->doc < y->doc ? -1 : 1;
	return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

/* ---- what stays of one document ---- */

struct rest {
	struct prune *p;
	const bool *gone;               /* by ordinal */
	BR_VEC(struct br_chunk_rec) rec;
	BR_VEC(struct br_range) skip;
	uint32_t tokens;                /* of those that go */
};

static int take(const struct br_chunk_rec *c, const struct br_range *skip, size_t n_skip, void *arg, struct br_err *err)
{
	struct rest *r = arg;

	(void)err;
	for (size_t i = 0; i < n_skip; i++) { /* the lists of neighbouring segments overlap */
		const struct br_range *last = r->skip.n ? &r->skip.v[r->skip.n - 1] : NULL;
		if (!last || skip[i].off >= last->off + last->len)
			*br_vec_push(&r->skip) = skip[i];
	}
	if (r->gone[c->ordinal]) {
		r->tokens += c->tokens;
		return 0;
	}
	*br_vec_push(&r->rec) = *c;
	r->rec.v[r->rec.n - 1].heading = br_slice(br_arena_strndup(r->p->arena, c->heading.ptr, c->heading.len), c->heading.len);
	return 0;
}

static int copy_row(struct prune *p, uint32_t row, struct br_err *err)
{
	const struct br_ann_source *s = &p->rows.ann;
	uint32_t i = row % s->per_block;
	struct br_ann_block b = { 0 };
	float scale = 0;
	int rc = s->block(&b, row / s->per_block, s->arg, err);

	if (rc < 0)
		return rc;
	br_vec_reserve(&p->code, s->dim);
	memset(p->code.v + p->code.n, 0, s->dim);
	if (b.code && i < b.n) {
		memcpy(p->code.v + p->code.n, b.code + (size_t)i * s->dim, s->dim);
		memcpy(&scale, b.scale + (size_t)i * sizeof scale, sizeof scale);
	}
	p->code.n += s->dim;
	*br_vec_push(&p->scale) = scale;
	return 0;
}

static int copy_rows(struct prune *p, const struct rest *r, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < r->rec.n && p->nb->dim && rc == 0; i++)
		rc = copy_row(p, r->rec.v[i].chunk, err);
	return rc;
}

/* ---- the change ---- */

static int drop_text(struct prune *p, struct br_doc *d, struct br_err *err)
{
	struct br_key k;

	doc_key(&k, p->nb->nb, d->doc);
	p->nb->text_bytes -= d->text_bytes;
	d->text_bytes = 0;
	return br_del_prefix(p->t, BR_T_TEXT, br_key_slice(&k), err);
}

static int put_rest(struct prune *p, struct br_doc *d, const struct rest *r, const struct br_ctx *ctx, struct br_err *err)
{
	struct br_ctx *left = br_arena_alloc(p->arena, (r->rec.n + 1) * sizeof *left);
	uint32_t old = d->first_chunk, n = d->chunks, nb = p->nb->nb;
	struct packed_chunks packed = { 0 };
	int rc;

	for (size_t i = 0; i < r->rec.n; i++)
		left[i] = ctx[r->rec.v[i].ordinal];
	d->first_chunk = r->rec.n ? p->nb->next_chunk : 0;
	d->chunks = (uint32_t)r->rec.n;
	d->tokens -= BR_MIN(d->tokens, r->tokens);
	pack_recs(&packed, r->rec.v, d->chunks, r->skip.v, r->skip.n);
	if ((rc = chunks_del(p->t, nb, old, n, err)) == 0 && (rc = dead_mark(p->t, nb, old, n, err)) == 0 &&
	    (rc = chunks_put(p->t, nb, d->doc, d->first_chunk, &packed, err)) == 0 && (rc = ctx_store(p->t, nb, d->doc, left, d->chunks, err)) == 0 &&
	    (d->chunks || (rc = drop_text(p, d, err)) == 0))
		rc = doc_store(p->t, nb, d, err);
	p->nb->next_chunk += d->chunks;
	p->nb->dead += n;
	p->nb->chunks -= n - d->chunks;
	p->done += n - d->chunks;
	packed_chunks_release(&packed);
	return rc;
}

static int prune_doc(struct prune *p, struct br_doc *d, const bool *gone, struct br_err *err)
{
	struct rest r = { .p = p, .gone = gone };
	struct br_ctx *ctx;
	int rc = ctx_load(&ctx, p->arena, p->t, p->nb->nb, d->doc, d->chunks, err);

	if (rc == 0 && d->chunks > UINT32_MAX - 1 - p->nb->next_chunk)
		rc = br_fail(err, BR_ETOOBIG, "notebook '%s' is full: 4 billion chunks; 'br gc' makes room", p->nb->name);
	if (rc == 0 && (rc = reindex_doc(p->was, p->t, p->nb->nb, d, err)) == 0 &&
	    (rc = chunks_each(p->t, p->nb->nb, d->first_chunk, d->chunks, take, &r, err)) == 0 && (rc = copy_rows(p, &r, err)) == 0 &&
	    (rc = put_rest(p, d, &r, ctx, err)) == 0 && d->chunks)
		rc = reindex_doc(p->now, p->t, p->nb->nb, d, err);
	br_vec_release(&r.rec);
	br_vec_release(&r.skip);
	return rc;
}

/* v[0 .. n): passages of one document. */
static int prune_some(struct prune *p, const struct br_passage *v, size_t n, struct br_err *err)
{
	struct br_doc *d;
	bool *gone;
	size_t k = 0;
	int rc = br_doc_get(&d, p->arena, p->t, p->nb->nb, v->doc, err);

	if (rc == -BR_ENOTFOUND || (rc == 0 && d->state != BR_DOC_INDEXED))
		return 0;
	if (rc < 0)
		return rc;
	gone = br_arena_zalloc(p->arena, d->chunks + 1);
	for (size_t i = 0; i < n; i++) {
		if (v[i].ordinal < d->chunks && d->first_chunk + v[i].ordinal == v[i].chunk)
			gone[v[i].ordinal] = k++ < d->chunks;
	}
	return k ? prune_doc(p, d, gone, err) : 0;
}

/* Words and vectors of all documents at once. */
static int put_index(struct prune *p, uint32_t at, struct br_err *err)
{
	uint32_t n = br_fts_unit_chunks(p->now->unit);
	int rc;

	br_fts_unit_finish(p->was->unit);
	br_fts_unit_finish(p->now->unit);
	if ((rc = br_fts_forget(p->t, p->nb->nb, p->was->unit, err)) < 0)
		return rc;
	if (n && (rc = br_fts_write(p->t, p->nb->nb, at, &p->now->unit, 1, err)) < 0)
		return rc;
	return n && p->nb->dim ? br_vec_write(p->t, p->nb->nb, p->nb->dim, at, p->code.v, p->scale.v, n, err) : 0;
}

static int prune_all(struct prune *p, const struct job *j, struct br_err *err)
{
	uint32_t at = p->nb->next_chunk;
	int rc = 0;

	if (p->nb->dim)
		br_vec_source(&p->rows, p->t, p->nb->nb, p->nb->dim, p->nb->next_chunk);
	for (size_t i = 0, k; i < j->n && rc == 0; i = k) {
		for (k = i + 1; k < j->n && j->v[k].doc == j->v[i].doc; k++)
			;
		rc = prune_some(p, j->v + i, k - i, err);
	}
	if (rc == 0 && p->done && (rc = put_index(p, at, err)) == 0)
		rc = nb_store(p->t, p->nb, err);
	return rc;
}

/* 1 undoes the transaction: there was nothing to do. */
static int change(struct br_txn *t, void *arg, struct br_err *err)
{
	struct job *j = arg;
	struct br_arena a = { 0 };
	struct prune p = { .t = t, .arena = &a };
	int rc = nb_load(&p.nb, &a, t, j->nb, err);

	if (rc == 0)
		rc = br_fail(err, BR_ENOTFOUND, "the notebook was deleted meanwhile");
	if (rc > 0) {
		p.was = reindex_new(NULL);
		p.now = reindex_new(NULL);
		rc = prune_all(&p, j, err);
		reindex_free(p.was);
		reindex_free(p.now);
		br_vec_release(&p.code);
		br_vec_release(&p.scale);
	}
	br_arena_release(&a);
	*j->done = rc < 0 ? 0 : p.done;
	return rc < 0 ? rc : !p.done;
}

int br_passages_remove(uint64_t *done, struct br_ws *ws, uint32_t nb, const struct br_passage *v, size_t n, struct br_err *err)
{
	struct job j = { ws, nb, br_allocn(n + 1, sizeof *v), n, done };
	int rc;

	*done = 0;
	memcpy(j.v, v, n * sizeof *v);
	if (n)
		qsort(j.v, n, sizeof *j.v, by_place);
	rc = n ? br_store_write(ws->store, change, &j, err) : 0;
	free(j.v);
	return BR_MIN(rc, 0);
}
