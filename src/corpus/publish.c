/*
 * Contexts become part of what is indexed, or cease to be: documents get new chunks, words and vectors with other contexts, and the old
 * ones are counted out and left to gc, as when a document changes; text, segments and id stay. All of it is one commit. Vectors of a
 * service are asked for before it, so that the cache has them, and once more when the notebook changed meanwhile.
 */
#include "internal.h"

#include <stdlib.h>

enum { FLUSH_BYTES = 16 << 20, BATCH_PASSAGES = 1024, TRIES = 4 };

struct todo { uint32_t first, doc; };
struct change {
	struct br_ws *ws;
	const struct br_ctx_opts *opts;
	struct br_ctx_stats *out;
	uint32_t number;                /* of the notebook */
	uint64_t generation;            /* of the notebook, as the cache has it */
	bool service, records;          /* whose vectors; records were written */
	struct br_txn *t;
	struct br_nb *nb;
	struct reindex *was, *now;      /* forms of the documents at hand */
	uint32_t at;                    /* number of the first chunk in now */
	BR_VEC(struct todo) todo;       /* documents with contexts, in the order of their chunks */
};

/* ---- what changes of one document ---- */

static bool is_written(const struct br_ctx *c) { return c->state == BR_CTX_SUCCESS || c->state == BR_CTX_EMBEDDED; }

/* The contexts as they are to be. *indexed: so is the index. Returns how many change. */
static uint32_t transform(struct br_ctx *v, uint32_t n, const struct br_ctx_opts *o, bool *indexed)
{
	uint32_t changed = 0;

	*indexed = false;
	for (uint32_t i = 0; i < n; i++) {
		if (o->what == BR_CTX_PUBLISH && v[i].state == BR_CTX_SUCCESS) {
			v[i].state = BR_CTX_EMBEDDED;
			*indexed = true;
		} else if ((o->what == BR_CTX_RESET && v[i].state != BR_CTX_PENDING) || (o->what == BR_CTX_RETRY && v[i].state == BR_CTX_FAILED)) {
			*indexed |= v[i].state == BR_CTX_EMBEDDED;
			v[i] = (struct br_ctx){ .text = "", .by = "" };
		} else
			continue;
		v[i].at = br_now();
		changed++;
	}
	return changed;
}

static bool is_complete(struct change *c, const struct br_ctx *v, uint32_t n)
{
	uint32_t missing = 0;

	if (c->opts->what != BR_CTX_PUBLISH || c->opts->partial)
		return true;
	for (uint32_t i = 0; i < n; i++)
		missing += !is_written(&v[i]);
	c->out->left_docs += missing > 0;
	c->out->left_chunks += missing;
	return !missing;
}

/* 1: something changes, 0: nothing. */
static int look_at_doc(struct br_doc **d, struct br_ctx **v, bool *indexed, struct br_arena *a, struct change *c, struct br_txn *t, uint32_t num, struct br_err *err)
{
	uint32_t changed;
	int rc = br_doc_get(d, a, t, c->number, num, err);

	if (rc < 0 || (*d)->state != BR_DOC_INDEXED || (c->opts->want && !c->opts->want(*d, c->opts->arg)) ||
	    (rc = ctx_load(v, a, t, c->number, num, (*d)->chunks, err)) < 0 || !is_complete(c, *v, (*d)->chunks))
		return rc;
	if (!(changed = transform(*v, (*d)->chunks, c->opts, indexed)))
		return 0;
	c->out->docs++;
	c->out->chunks += changed;
	return 1;
}

static int by_first(const void *a, const void *b)
{
	const struct todo *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Documents that have records of contexts. */
static int find_docs(struct change *c, struct br_txn *t, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_key k, nb;
	struct br_cur cur;
	struct br_doc *d;
	int rc = br_cur_open(&cur, t, BR_T_CONTEXT, err);

	if (rc < 0)
		return rc;
	c->todo.n = 0;
	br_key_init(&nb, c->number);
	k = nb;
	cur.within = br_key_slice(&nb);
	while ((rc = br_cur_seek(&cur, br_key_slice(&k), err)) > 0 && br_has_prefix(cur.key, br_key_slice(&nb)) && cur.key.len == 12) {
		uint32_t num = br_rd_be32(cur.key.ptr + 4);
		if ((rc = br_doc_get(&d, &a, t, c->number, num, err)) == 0)
			*br_vec_push(&c->todo) = (struct todo){ d->first_chunk, num };
		else if (rc != -BR_ENOTFOUND) /* verify tells of records that belong to nothing */
			break;
		br_arena_reset(&a);
		if (num == UINT32_MAX)
			break;
		doc_key(&k, c->number, num + 1);
	}
	br_cur_close(&cur);
	br_arena_release(&a);
	if (c->todo.n)
		qsort(c->todo.v, c->todo.n, sizeof *c->todo.v, by_first);
	return BR_MIN(rc, 0);
}

/* ---- vectors of a service ---- */

static int embed_passages(struct reindex *r, const struct change *c, uint32_t dim, struct br_err *err)
{
	size_t n = r->passage_end.n;
	struct br_slice *text = br_allocn(n + 1, sizeof *text);
	int rc;

	for (size_t i = 0, from = 0; i < n; from = r->passage_end.v[i++])
		text[i] = br_slice(r->passage.ptr + from, r->passage_end.v[i] - from);
	br_vec_reserve(&r->code, n * dim + 1);
	br_vec_reserve(&r->scale, n + 1);
	rc = n ? space_embed(r->code.v, r->scale.v, c->ws, dim, text, n, err) : 0;
	r->code.n = n * dim;
	r->scale.n = n;
	free(text);
	return rc;
}

/* Some documents of one snapshot in their new form, from *next on. */
static int gather_some(struct change *c, struct reindex *r, size_t *next, uint32_t *dim, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc = br_txn_read(&c->t, c->ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = nb_load(&nb, &a, c->t, c->number, err)) == 0)
		rc = br_fail(err, BR_ENOTFOUND, "the notebook was deleted meanwhile");
	*dim = rc > 0 ? nb->dim : 0;
	while (rc >= 0 && *next < c->todo.n && r->passage_end.n < BATCH_PASSAGES) {
		bool indexed = false;
		struct br_ctx *v;
		struct br_doc *d;
		if ((rc = look_at_doc(&d, &v, &indexed, &a, c, c->t, c->todo.v[(*next)++].doc, err)) == -BR_ENOTFOUND)
			rc = 0;
		if (rc > 0 && indexed)
			rc = reindex_doc_with(r, c->t, c->number, d, v, err);
		br_arena_reset(&a);
	}
	br_txn_end(c->t);
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

static int fill_cache(struct change *c, struct br_err *err)
{
	struct reindex *r = reindex_new(NULL);
	size_t next = 0;
	uint32_t dim;
	int rc = 0;

	r->passages = true;
	while (rc == 0 && next < c->todo.n) {
		if ((rc = br_check_stop(err)) == 0 && (rc = gather_some(c, r, &next, &dim, err)) == 0)
			rc = embed_passages(r, c, dim, err);
		reindex_reset(r);
	}
	reindex_free(r);
	return rc;
}

/* ---- the commit ---- */

/* Segments keep their bytes and get other numbers. */
static int move_chunks(struct change *c, const struct br_doc *d, uint32_t to, struct br_err *err)
{
	struct packed_chunks p = { 0 };
	int rc;

	br_buf_init(&p.bytes, SIZE_MAX);
	if ((rc = segments_get(&p, c->t, c->number, d, err)) == 0 && (rc = chunks_del(c->t, c->number, d->first_chunk, d->chunks, err)) == 0 &&
	    (rc = dead_mark(c->t, c->number, d->first_chunk, d->chunks, err)) == 0)
		rc = chunks_put(c->t, c->number, d->doc, to, &p, err);
	packed_chunks_release(&p);
	return rc;
}

static int move_doc(struct change *c, struct br_doc *d, const struct br_ctx *v, struct br_err *err)
{
	struct br_nb *nb = c->nb;
	uint32_t to = nb->next_chunk;
	int rc;

	if (d->chunks > UINT32_MAX - 1 - to)
		return br_fail(err, BR_ETOOBIG, "notebook '%s' is full: 4 billion chunks; 'br gc' makes room", nb->name);
	if ((rc = reindex_doc(c->was, c->t, c->number, d, err)) < 0 || (rc = move_chunks(c, d, to, err)) < 0)
		return rc;
	nb->next_chunk += d->chunks;
	nb->dead += d->chunks;
	d->first_chunk = to;
	if ((rc = doc_store(c->t, c->number, d, err)) < 0)
		return rc;
	return reindex_doc_with(c->now, c->t, c->number, d, v, err);
}

static int flush(struct change *c, struct br_err *err)
{
	uint32_t n = br_fts_unit_chunks(c->now->unit);
	int rc;

	if (!n)
		return 0;
	br_fts_unit_finish(c->was->unit);
	br_fts_unit_finish(c->now->unit);
	if ((c->service && (rc = embed_passages(c->now, c, c->nb->dim, err)) < 0) || (rc = br_fts_forget(c->t, c->number, c->was->unit, err)) < 0 ||
	    (rc = br_fts_write(c->t, c->number, c->at, &c->now->unit, 1, err)) < 0)
		return rc;
	if (c->nb->dim && (rc = br_vec_write(c->t, c->number, c->nb->dim, c->at, c->now->code.v, c->now->scale.v, n, err)) < 0)
		return rc;
	c->at += n;
	reindex_reset(c->was);
	reindex_reset(c->now);
	return 0;
}

static int change_doc(struct change *c, uint32_t num, struct br_err *err)
{
	struct br_arena a = { 0 };
	bool indexed = false;
	struct br_ctx *v;
	struct br_doc *d;
	int rc = look_at_doc(&d, &v, &indexed, &a, c, c->t, num, err);

	if (rc > 0) {
		c->records = true;
		if ((rc = indexed ? move_doc(c, d, v, err) : 0) == 0)
			rc = ctx_store(c->t, c->number, num, v, d->chunks, err);
	}
	br_arena_release(&a);
	return rc;
}

static int change_docs(struct change *c, struct br_err *err)
{
	int rc = find_docs(c, c->t, err);

	for (size_t i = 0; i < c->todo.n && rc == 0; i++)
		if ((rc = br_check_stop(err)) == 0 && (rc = change_doc(c, c->todo.v[i].doc, err)) == 0 &&
		    br_fts_unit_bytes(c->now->unit) + c->now->code.n + c->now->passage.len > FLUSH_BYTES)
			rc = flush(c, err);
	return rc < 0 ? rc : flush(c, err);
}

/* 1 undoes the transaction: there was nothing to do. */
static int change_all(struct br_txn *t, void *arg, struct br_err *err)
{
	struct change *c = arg;
	struct br_arena a = { 0 };
	uint32_t first;
	int rc = nb_load(&c->nb, &a, t, c->number, err);

	*c->out = (struct br_ctx_stats){ 0 };
	c->t = t;
	c->records = false;
	if (rc == 0)
		rc = br_fail(err, BR_ENOTFOUND, "the notebook was deleted meanwhile");
	else if (rc > 0 && c->service && c->nb->generation != c->generation)
		rc = br_fail(err, BR_ECHANGES, "the notebook changed");
	if (rc > 0) {
		c->was = reindex_new(NULL);
		c->now = reindex_new(!c->service && c->nb->dim ? c->ws->model : NULL);
		c->now->passages = c->service;
		first = c->at = c->nb->next_chunk;
		rc = change_docs(c, err);
		if (rc == 0 && c->nb->next_chunk != first)
			rc = nb_store(t, c->nb, err);
		reindex_free(c->was);
		reindex_free(c->now);
		c->out->generation = rc == 0 && c->records ? br_txn_generation(t) : 0;
	}
	br_arena_release(&a);
	return rc < 0 ? rc : !c->records;
}

/* ---- the whole ---- */

static int begin(struct change *c, const char *notebook, struct br_err *err)
{
	struct br_arena a = { 0 };
	enum br_space space;
	struct br_nb *nb;
	struct br_txn *t;
	int rc = br_txn_read(&t, c->ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_nb_get(&nb, &a, t, notebook, err)) == 0) {
		c->number = nb->nb;
		c->generation = nb->generation;
		space = br_nb_space(c->ws, nb);
		c->service = space == BR_SPACE_SERVICE;
		rc = space == BR_SPACE_FOREIGN ? br_fail(err, BR_EUNSUPPORTED, "notebook '%s' has vectors of '%s', which is not configured here; "
			"'br notebook reembed' makes new ones", nb->name, nb->model_id) : c->service ? find_docs(c, t, err) : 0;
	}
	br_txn_end(t);
	br_arena_release(&a);
	return rc;
}

int br_contexts_change(struct br_ctx_stats *out, struct br_ws *ws, const char *notebook, const struct br_ctx_opts *opts, struct br_err *err)
{
	struct change c = { .ws = ws, .opts = opts, .out = out };
	int rc = -BR_ECHANGES;

	*out = (struct br_ctx_stats){ 0 };
	for (int i = 0; i < TRIES && rc == -BR_ECHANGES; i++) {
		if ((rc = begin(&c, notebook, err)) < 0 || (c.service && (rc = fill_cache(&c, err)) < 0))
			break;
		rc = br_store_write(ws->store, change_all, &c, err);
	}
	if (rc == -BR_ECHANGES)
		rc = br_fail(err, BR_ELOCKED, "the notebook changes all the time; try again when less is written");
	br_vec_release(&c.todo);
	return BR_MIN(rc, 0);
}
