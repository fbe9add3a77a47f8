/*
 * Another model for a notebook. First all passages are read and given to the service, a batch at a time and without a transaction,
 * so that the cache has their vectors; then one commit replaces the rows and the model. When the notebook changed in between, what
 * is new is asked for once more before the commit is tried again.
 */
#include "internal.h"

#include <stdlib.h>

enum { BATCH_TEXTS = 1024, TRIES = 4 };

struct gather {
	const struct br_doc *doc;
	const struct br_ctx *ctx;       /* of its chunks */
	struct br_text_reader *reader;
	struct br_buf text, passage;
	br_slices piece;
	BR_VEC(size_t) end;             /* of each passage in `passage` */
	BR_VEC(uint32_t) chunk;         /* number of each */
};

static void gather_release(struct gather *g)
{
	br_text_reader_free(g->reader);
	br_buf_release(&g->text);
	br_buf_release(&g->passage);
	br_vec_release(&g->piece);
	br_vec_release(&g->end);
	br_vec_release(&g->chunk);
}

static int add_chunk(const struct br_chunk_rec *c, const struct br_range *skip, size_t n_skip, void *arg, struct br_err *err)
{
	struct gather *g = arg;
	struct compose what = { g->doc->title, br_doc_name(g->doc), c->heading, { 0 }, c->off, skip, n_skip };

	if ((uint64_t)c->off + c->len > g->text.len || c->ordinal >= g->doc->chunks)
		return br_fail(err, BR_ECORRUPT, "chunk %u reaches beyond its document", c->chunk);
	what.context = ctx_indexed(&g->ctx[c->ordinal]);
	what.body = br_slice(g->text.ptr + c->off, c->len);
	compose(&g->piece, &what);
	passage_text(&g->passage, &g->piece);
	*br_vec_push(&g->end) = g->passage.len;
	*br_vec_push(&g->chunk) = c->chunk;
	return 0;
}

static int add_doc(struct gather *g, struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err)
{
	int rc;

	g->doc = d;
	br_buf_reset(&g->text);
	br_text_reader_reset(g->reader);
	if ((rc = br_doc_text(&g->text, g->reader, t, nb, d->doc, 0, UINT32_MAX, err)) < 0)
		return rc;
	return chunks_each(t, nb, d->first_chunk, d->chunks, add_chunk, g, err);
}

static struct br_slice passage(const struct gather *g, size_t i)
{
	size_t from = i ? g->end.v[i - 1] : 0;

	return br_slice(g->passage.ptr + from, g->end.v[i] - from);
}

static struct br_slice *passages(const struct gather *g)
{
	struct br_slice *text = br_allocn(g->end.n + 1, sizeof *text);

	for (size_t i = 0; i < g->end.n; i++)
		text[i] = passage(g, i);
	return text;
}

/* ---- documents in the order of their chunks ---- */

struct place { uint32_t first, doc; };
struct places { BR_VEC(struct place) v; };

static int add_place(const struct br_doc *d, void *arg)
{
	struct places *p = arg;

	if (d->state == BR_DOC_INDEXED && d->chunks)
		*br_vec_push(&p->v) = (struct place){ d->first_chunk, d->doc };
	return 0;
}

static int by_first(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static int find_places(struct places *p, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	int rc = br_doc_each(t, nb, add_place, p, err);

	if (rc == 0 && p->v.n)
		qsort(p->v.v, p->v.n, sizeof *p->v.v, by_first);
	return BR_MIN(rc, 0);
}

/* ---- the first pass: the service is asked ---- */

struct reembed {
	struct br_ws *ws;
	const struct br_reembed_opts *opts;
	struct br_reembed_stats *out;
	struct br_nb nb;                /* number, chunks, and the model that it is to have */
	uint64_t generation;            /* of the notebook, as the cache has it */
	struct gather g;
	bool counted;                   /* by the first pass */
	uint64_t done;                  /* passages of this pass */
};

static int give(struct reembed *r, struct br_err *err)
{
	struct br_slice *text = passages(&r->g);
	size_t n = r->g.end.n;
	int rc = 0;

	r->done += n;
	if (!r->counted) {
		r->out->texts += n;
		r->out->bytes += r->g.passage.len;
		if (r->opts->want == BR_SPACE_SERVICE)
			rc = space_missing(r->out, r->ws, r->nb.dim, text, n, err);
	}
	if (rc == 0 && !r->opts->plan && r->opts->want == BR_SPACE_SERVICE && n) {
		int8_t *code = br_allocn(n, r->nb.dim);
		float *scale = br_allocn(n, sizeof *scale);
		rc = space_embed(code, scale, r->ws, r->nb.dim, text, n, err);
		free(code);
		free(scale);
	}
	if (rc == 0 && r->opts->progress)
		r->opts->progress(&(struct br_progress){ .files_done = r->done, .files_total = r->nb.chunks }, r->opts->arg);
	r->g.passage.len = r->g.end.n = r->g.chunk.n = 0;
	free(text);
	return rc;
}

static int one_doc(struct gather *g, struct br_txn *t, uint32_t nb, uint32_t num, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_ctx *ctx;
	struct br_doc *d;
	int rc = br_doc_get(&d, &a, t, nb, num, err);

	if (rc == 0 && (rc = ctx_load(&ctx, &a, t, nb, num, d->chunks, err)) == 0) {
		g->ctx = ctx;
		rc = add_doc(g, t, nb, d, err);
	}
	br_arena_release(&a);
	return rc;
}

/* Some documents of one snapshot, from *next on: their texts outlive it. A document that went meanwhile is left out. */
static int gather_some(struct reembed *r, struct places *p, size_t *next, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, r->ws->store, err);

	if (rc < 0)
		return rc;
	while (rc == 0 && *next < p->v.n && r->g.end.n < BATCH_TEXTS)
		if ((rc = one_doc(&r->g, t, r->nb.nb, p->v.v[(*next)++].doc, err)) == -BR_ENOTFOUND)
			rc = 0;
	br_txn_end(t);
	return rc;
}

static int look(struct reembed *r, struct places *p, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_txn_read(&t, r->ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = nb_load(&nb, &a, t, r->nb.nb, err)) > 0) {
		r->generation = nb->generation;
		r->nb.chunks = nb->chunks;
		rc = find_places(p, t, r->nb.nb, err);
	} else if (rc == 0)
		rc = br_fail(err, BR_ENOTFOUND, "the notebook was deleted meanwhile");
	br_txn_end(t);
	br_arena_release(&a);
	return rc;
}

static int fill_cache(struct reembed *r, struct br_err *err)
{
	struct places p = { 0 };
	size_t next = 0;
	int rc = look(r, &p, err);

	r->done = 0;
	while (rc == 0 && next < p.v.n)
		if ((rc = br_check_stop(err)) == 0 && (rc = gather_some(r, &p, &next, err)) == 0)
			rc = give(r, err);
	r->counted = true;
	br_vec_release(&p.v);
	return rc;
}

/* ---- the second: rows are written ---- */

struct rows {
	struct reembed *r;
	struct br_txn *t;
	struct br_embedder *embedder;   /* NULL: the service's, from the cache */
	uint32_t next;                  /* row */
	BR_VEC(int8_t) code;
	BR_VEC(float) scale;
};

/* Rows of deleted chunks stay empty. */
static int pad(struct rows *w, uint32_t to, struct br_err *err)
{
	uint32_t dim = w->r->nb.dim, have = w->next + (uint32_t)w->scale.n, n = to - have;

	if (to < have)
		return br_fail(err, BR_ECORRUPT, "chunk %u is of two documents", to);
	br_vec_reserve(&w->code, (size_t)n * dim + 1);
	br_vec_reserve(&w->scale, n + 1);
	memset(w->code.v + w->code.n, 0, (size_t)n * dim);
	memset(w->scale.v + w->scale.n, 0, n * sizeof *w->scale.v);
	w->code.n += (size_t)n * dim;
	w->scale.n += n;
	return 0;
}

static int flush_rows(struct rows *w, struct br_err *err)
{
	int rc = 0;

	if (w->scale.n)
		rc = br_vec_write(w->t, w->r->nb.nb, w->r->nb.dim, w->next, w->code.v, w->scale.v, (uint32_t)w->scale.n, err);
	w->next += (uint32_t)w->scale.n;
	w->code.n = w->scale.n = 0;
	return rc;
}

static void embed_here(struct rows *w, int8_t *code, float *scale, const struct br_slice *text, size_t n)
{
	struct br_embedding v;

	for (size_t i = 0; i < n; i++) {
		br_embed(&v, w->embedder, &text[i], 1);
		memcpy(code + i * w->r->nb.dim, v.code, w->r->nb.dim);
		scale[i] = v.scale;
	}
}

static int rows_of(struct rows *w, struct br_err *err)
{
	struct gather *g = &w->r->g;
	struct br_slice *text = passages(g);
	size_t n = g->end.n, dim = w->r->nb.dim;
	int8_t *code = br_allocn(n + 1, dim);
	float *scale = br_allocn(n + 1, sizeof *scale);
	int rc = 0;

	if (w->embedder)
		embed_here(w, code, scale, text, n);
	else if (n)
		rc = space_embed(code, scale, w->r->ws, (uint32_t)dim, text, n, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if ((rc = pad(w, g->chunk.v[i] + 1, err)) < 0)
			break;
		memcpy(w->code.v + w->code.n - dim, code + i * dim, dim);
		w->scale.v[w->scale.n - 1] = scale[i];
	}
	g->passage.len = g->end.n = g->chunk.n = 0;
	free(text);
	free(code);
	free(scale);
	return rc < 0 ? rc : flush_rows(w, err);
}

static int write_rows(struct rows *w, const struct br_nb *nb, struct br_err *err)
{
	struct places p = { 0 };
	int rc = find_places(&p, w->t, nb->nb, err);

	for (size_t i = 0; i < p.v.n && rc == 0; i++)
		if ((rc = br_check_stop(err)) == 0 && (rc = one_doc(&w->r->g, w->t, nb->nb, p.v.v[i].doc, err)) == 0 &&
		    (w->r->g.end.n >= BATCH_TEXTS || i + 1 == p.v.n))
			rc = rows_of(w, err);
	if (rc == 0 && (rc = pad(w, nb->next_chunk, err)) == 0)
		rc = flush_rows(w, err);
	br_vec_release(&p.v);
	return rc;
}

static int replace(struct br_txn *t, void *arg, struct br_err *err)
{
	struct reembed *r = arg;
	struct rows w = { .r = r, .t = t };
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc = nb_load(&nb, &a, t, r->nb.nb, err);

	if (rc > 0 && r->opts->want == BR_SPACE_SERVICE && nb->generation != r->generation) {
		br_arena_release(&a);
		return br_fail(err, BR_ECHANGES, "the notebook changed");
	}
	if (rc > 0 && (rc = br_vec_drop(t, nb->nb, err)) == 0) {
		w.embedder = r->opts->want == BR_SPACE_BUILTIN ? br_embedder_new(r->ws->model) : NULL;
		rc = write_rows(&w, nb, err);
		br_embedder_free(w.embedder);
		memcpy(nb->model_id, r->nb.model_id, sizeof nb->model_id);
		memcpy(nb->model_sha, r->nb.model_sha, sizeof nb->model_sha);
		nb->dim = r->nb.dim;
		if (rc == 0)
			rc = nb_store(t, nb, err);
		r->out->generation = br_txn_generation(t);
	}
	br_vec_release(&w.code);
	br_vec_release(&w.scale);
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

static int find_nb(struct reembed *r, const char *name, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_txn_read(&t, r->ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_nb_get(&nb, &a, t, name, err)) == 0)
		r->nb.nb = nb->nb;
	br_txn_end(t);
	br_arena_release(&a);
	return rc;
}

int br_nb_reembed(struct br_reembed_stats *out, struct br_ws *ws, const char *name, const struct br_reembed_opts *opts, struct br_err *err)
{
	struct reembed r = { .ws = ws, .opts = opts, .out = out };
	int rc;

	*out = (struct br_reembed_stats){ 0 };
	r.g.reader = br_text_reader_new();
	br_buf_init(&r.g.text, BR_MAX_TEXT);
	br_buf_init(&r.g.passage, SIZE_MAX);
	if ((rc = find_nb(&r, name, err)) == 0 && (rc = space_choose(&r.nb, ws, opts->want, err)) == 0) {
		for (int i = 0; i < TRIES; i++) {
			rc = fill_cache(&r, err);
			if (rc < 0 || opts->plan || (rc = br_store_write(ws->store, replace, &r, err)) != -BR_ECHANGES)
				break;
		}
		if (rc == -BR_ECHANGES)
			rc = br_fail(err, BR_ELOCKED, "the notebook changes all the time; try again when less is written");
	}
	gather_release(&r.g);
	return rc;
}
