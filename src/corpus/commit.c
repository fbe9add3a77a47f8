/*
 * The committer: gathers finished slices and writes them in one transaction. Everything slow was done by the workers;
 * here numbers are given out and records are put. A document that exists keeps its number and id, its old chunks are retired.
 */
#include "internal.h"

#include <stdlib.h>

enum {
	BATCH_BYTES = 16 << 20,                 /* source bytes of one transaction: bounds memory */
	BATCH_ASKED = 256 << 10,                /* text that waits for a service: so much is asked for and written at a time */
	BATCH_NS = 2000000000,                  /* or this long since the first slice came in: bounds what a kill can cost */
	DELETES_PER_COMMIT = 500,
};

static const char *const names[BR_ACT_COUNT] = { "add", "change", "move", "delete", "keep", "skip", "fail" };

const char *br_action_name(enum br_action a) { return a < BR_ACT_COUNT ? names[a] : "?"; }

void tell(struct br_ingest_stats *stats, const struct br_ingest_opts *opts, const struct br_event *e)
{
	stats->count[e->action]++;
	if (opts->event)
		opts->event(e, opts->arg);
}

void commit_add(struct commit *c, struct slice *s)
{
	if (!c->slice.n)
		c->since_ns = br_mono_ns();
	*br_vec_push(&c->slice) = s;
	c->bytes += s->bytes;
	c->asked += s->passage.len;
}

bool commit_due(const struct commit *c)
{
	return c->slice.n && (c->bytes >= BATCH_BYTES || c->asked >= BATCH_ASKED || br_mono_ns() - c->since_ns > BATCH_NS);
}

static void drop_slices(struct commit *c)
{
	for (size_t i = 0; i < c->slice.n; i++)
		slice_free(c->slice.v[i]);
	c->slice.n = 0;
	c->bytes = c->asked = 0;
}

void commit_release(struct commit *c)
{
	drop_slices(c);
	br_vec_release(&c->slice);
}

/* ---- one document ---- */

struct apply {
	struct commit *c;
	struct br_txn *t;
	struct br_nb *nb;
	struct br_arena arena;
	uint32_t next_chunk;            /* number of the next made document's first chunk */
};

static int old_doc(struct br_doc **out, struct apply *a, const char *path, struct br_err *err)
{
	uint32_t num;
	int rc = doc_by_path(&num, a->t, a->nb->nb, path, err);

	*out = NULL;
	if (rc > 0)
		rc = br_doc_get(out, &a->arena, a->t, a->nb->nb, num, err);
	return rc;
}

static int touch(struct apply *a, const struct made *m, struct br_err *err)
{
	struct br_doc *old, d;
	int rc = old_doc(&old, a, m->doc.path, err);

	if (rc < 0 || !old || (old->origin != BR_FROM_FILE && old->origin != BR_FROM_URL && old->origin != BR_FROM_MEMBER))
		return rc;
	d = *old;
	d.etag = m->doc.etag;
	d.modified = m->doc.modified;
	d.gone = NULL; /* there it is */
	d.size = m->doc.size;
	d.inode = m->doc.inode;
	d.mtime_ns = m->doc.mtime_ns;
	d.seen_ns = m->doc.seen_ns;
	return doc_put(a->t, a->nb->nb, &d, err);
}

/* Takes over number, id and birth of the document that was there, whose content goes; or gives new ones. */
static int succeed(struct apply *a, struct br_doc *d, struct br_doc *old, struct br_err *err)
{
	d->indexed = br_now();
	if (!old) {
		d->doc = a->nb->next_doc++;
		d->created = d->indexed;
		return 0;
	}
	d->doc = old->doc;
	d->created = old->created;
	memcpy(d->id, old->id, sizeof d->id);
	if (strcmp(old->path, d->path)) /* moved: the old path's key goes, too */
		return doc_forget(a->t, a->nb, &a->arena, old, err);
	return doc_retire(a->t, a->nb, &a->arena, old, err);
}

static int put_failed(struct apply *a, const struct made *m, struct br_err *err)
{
	struct br_doc d = m->doc, *old;
	int rc;

	if (d.origin == BR_FROM_RECORD || m->only_good)
		return 0; /* a record that cannot be read has no name to be kept under */
	if ((rc = old_doc(&old, a, d.path, err)) < 0)
		return rc;
	if (old && m->unread && (old->state == BR_DOC_INDEXED || old->state == BR_DOC_UPLOADED))
		return 0;
	if ((rc = succeed(a, &d, old, err)) < 0)
		return rc;
	d.chunks = d.first_chunk = d.text_bytes = d.tokens = 0;
	return doc_put(a->t, a->nb->nb, &d, err);
}

static void count_in(struct apply *a, const struct br_doc *d)
{
	if (d->state != BR_DOC_INDEXED)
		return;
	a->nb->docs++;
	a->nb->chunks += d->chunks;
	a->nb->text_bytes += d->text_bytes;
	a->nb->source_bytes += d->size;
	nb_count_lang(a->nb, &a->arena, d->lang, 1);
}

/* What stands where a moved document goes (one that had failed there, say) makes room. */
static int forget_at(struct apply *a, const char *path, struct br_err *err)
{
	struct br_doc *there;
	int rc = old_doc(&there, a, path, err);

	return rc < 0 || !there ? rc : doc_forget(a->t, a->nb, &a->arena, there, err);
}

/* A document that only moved keeps its contexts, to be published anew: they were written for the same text. NULL: none to keep. */
static int moved_contexts(struct br_ctx **out, struct apply *a, const struct br_doc *old, const struct br_doc *d, struct br_err *err)
{
	int rc;

	*out = NULL;
	if (!old || old->state != BR_DOC_INDEXED || old->chunks != d->chunks || old->tokens != d->tokens || old->text_bytes != d->text_bytes ||
	    !strcmp(old->path, d->path) || memcmp(old->sha, d->sha, sizeof d->sha))
		return 0;
	rc = ctx_load(out, &a->arena, a->t, a->nb->nb, old->doc, old->chunks, err);
	for (uint32_t i = 0; rc == 0 && i < old->chunks; i++)
		if ((*out)[i].state == BR_CTX_EMBEDDED)
			(*out)[i].state = BR_CTX_SUCCESS;
	return rc;
}

static int put_made(struct apply *a, struct made *m, struct br_err *err)
{
	struct br_doc d = m->doc, *old;
	struct br_ctx *ctx;
	int rc;

	d.first_chunk = a->next_chunk;
	a->next_chunk += d.chunks;
	if ((rc = old_doc(&old, a, m->from ? m->from : d.path, err)) < 0)
		return rc;
	if (!old && m->from && (rc = old_doc(&old, a, d.path, err)) < 0) /* what moved is gone already */
		return rc;
	if (old && m->from && (rc = forget_at(a, d.path, err)) < 0)
		return rc;
	m->outcome = m->from && old ? BR_ACT_MOVE : old ? BR_ACT_CHANGE : BR_ACT_ADD;
	if ((rc = moved_contexts(&ctx, a, old, &d, err)) < 0 || (rc = succeed(a, &d, old, err)) < 0 ||
	    (rc = text_put(a->t, a->nb->nb, d.doc, &m->text, err)) < 0 ||
	    (rc = chunks_put(a->t, a->nb->nb, d.doc, d.first_chunk, &m->chunks, err)) < 0 ||
	    (ctx && (rc = ctx_store(a->t, a->nb->nb, d.doc, ctx, d.chunks, err)) < 0) ||
	    (rc = doc_put(a->t, a->nb->nb, &d, err)) < 0)
		return rc;
	count_in(a, &d);
	return 0;
}

static int put_one(struct apply *a, struct made *m, struct br_err *err)
{
	m->outcome = m->action;
	if (m->container)
		return 0;
	switch (m->action) {
	case BR_ACT_KEEP:
		return m->touch ? touch(a, m, err) : 0;
	case BR_ACT_SKIP:
	case BR_ACT_FAIL:
		return put_failed(a, m, err);
	default:
		return put_made(a, m, err);
	}
}

/* ---- the batch ---- */

static int put_index(struct apply *a, struct br_err *err)
{
	struct commit *c = a->c;
	struct br_fts_unit **unit = br_allocn(c->slice.n, sizeof *unit);
	uint32_t at = a->nb->next_chunk, dim = a->nb->dim;
	int rc;

	for (size_t i = 0; i < c->slice.n; i++)
		unit[i] = c->slice.v[i]->unit;
	rc = br_fts_write(a->t, a->nb->nb, at, unit, c->slice.n, err);
	for (size_t i = 0; i < c->slice.n && rc >= 0; at += c->slice.v[i++]->chunks)
		if (dim && c->slice.v[i]->chunks)
			rc = br_vec_write(a->t, a->nb->nb, dim, at, c->slice.v[i]->code.v, c->slice.v[i]->scale.v, c->slice.v[i]->chunks, err);
	free(unit);
	return rc;
}

/* What came through stdin is stored before its document is. */
static int keep_original(struct apply *a, const struct input *in, const struct made *m, struct br_err *err)
{
	bool lost = m->only_good && (m->action == BR_ACT_SKIP || m->action == BR_ACT_FAIL);

	return in->original.ptr && !m->container && !lost ? object_keep(a->c->ws, m->doc.sha, in->original, err) : 0;
}

static int put_docs(struct apply *a, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < a->c->slice.n && rc >= 0; i++) {
		struct slice *s = a->c->slice.v[i];
		for (size_t k = 0; k < s->made.n && rc >= 0; k++)
			if ((rc = keep_original(a, &s->in.v[k], &s->made.v[k], err)) >= 0)
				rc = put_one(a, &s->made.v[k], err);
	}
	return rc;
}

static uint64_t new_chunks(const struct commit *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->slice.n; i++)
		n += c->slice.v[i]->chunks;
	return n;
}

static int apply(struct br_txn *t, void *arg, struct br_err *err)
{
	struct apply a = { .c = arg, .t = t };
	uint64_t add = new_chunks(a.c);
	int rc = nb_load(&a.nb, &a.arena, t, a.c->nb, err);

	if (!rc)
		rc = br_fail(err, BR_ENOTFOUND, "the notebook was deleted meanwhile");
	else if (rc > 0 && a.nb->next_chunk + add > UINT32_MAX - 1)
		rc = br_fail(err, BR_ETOOBIG, "notebook '%s' is full: 4 billion chunks", a.nb->name);
	if (rc < 0)
		goto out;
	if (add && !space_same(a.nb, a.c->pinned)) {
		rc = br_fail(err, BR_ELOCKED, "notebook '%s' has another model since this began; run it again", a.nb->name);
		goto out;
	}
	a.next_chunk = a.nb->next_chunk;
	if ((a.c->dict && (rc = text_dict_put(t, a.nb->nb, a.c->dict, err)) < 0) || (rc = put_index(&a, err)) < 0)
		goto out;
	a.nb->next_chunk += (uint32_t)add; /* before put_docs: a path that comes twice retires chunks of this very batch */
	if ((rc = put_docs(&a, err)) < 0)
		goto out;
	rc = nb_store(t, a.nb, err);
out:
	br_arena_release(&a.arena);
	return rc < 0 ? rc : 0;
}

static void tell_made(struct commit *c, const struct input *in, const struct made *m)
{
	struct br_event e = { m->outcome, m->doc.path, m->outcome == BR_ACT_MOVE ? m->from : NULL,
		m->outcome == BR_ACT_FAIL || m->outcome == BR_ACT_SKIP ? m->doc.error : NULL, m->doc.size };

	if (in->touch_only || m->container)
		return; /* the plan told it as unchanged */
	tell(c->stats, c->opts, &e);
	if (m->outcome <= BR_ACT_MOVE) {
		c->stats->chunks += m->doc.chunks;
		c->stats->bytes += m->doc.size;
		c->stats->text_bytes += m->doc.text_bytes;
	}
}

/* Passages that wait for a service, of all slices at once: it is asked in large batches. */
static int embed_passages(struct commit *c, struct br_err *err)
{
	BR_VEC(struct br_slice) text = { 0 };
	uint32_t dim = c->pinned->dim;
	int8_t *code;
	float *scale;
	int rc;

	for (size_t i = 0; i < c->slice.n; i++) {
		const struct slice *s = c->slice.v[i];
		for (size_t k = 0, at = 0; k < s->passage_end.n; at = s->passage_end.v[k++])
			*br_vec_push(&text) = br_slice(s->passage.ptr + at, s->passage_end.v[k] - at);
	}
	if (!text.n)
		return 0;
	code = br_allocn(text.n, dim);
	scale = br_allocn(text.n, sizeof *scale);
	rc = space_embed(code, scale, c->ws, dim, text.v, text.n, err);
	for (size_t i = 0, at = 0; i < c->slice.n && rc == 0; at += c->slice.v[i++]->chunks) {
		struct slice *s = c->slice.v[i];
		br_vec_reserve(&s->code, (size_t)s->chunks * dim + 1);
		br_vec_reserve(&s->scale, s->chunks + 1);
		memcpy(s->code.v, code + at * dim, (size_t)s->chunks * dim);
		memcpy(s->scale.v, scale + at, s->chunks * sizeof *scale);
	}
	free(code);
	free(scale);
	br_vec_release(&text);
	return rc;
}

static void tell_storing(const struct commit *c)
{
	for (size_t i = 0; c->opts->stage && i < c->slice.n; i++)
		for (size_t k = 0; k < c->slice.v[i]->made.n; k++)
			(void)c->opts->stage(c->slice.v[i]->in.v[k].path, BR_STAGE_STORING, 0, c->opts->arg);
}

int commit_flush(struct commit *c, struct br_err *err)
{
	int rc;

	if (!c->slice.n)
		return 0;
	if ((rc = embed_passages(c, err)) < 0)
		return rc;
	tell_storing(c);
	if ((rc = br_store_write(c->ws->store, apply, c, err)) < 0)
		return rc;
	for (size_t i = 0; i < c->slice.n; i++)
		for (size_t k = 0; k < c->slice.v[i]->made.n; k++)
			tell_made(c, &c->slice.v[i]->in.v[k], &c->slice.v[i]->made.v[k]);
	drop_slices(c);
	return 0;
}

int commit_deletes(struct commit *c, const uint32_t *doc, size_t n, struct br_err *err)
{
	int rc = 0;

	for (size_t at = 0; at < n && rc >= 0; at += DELETES_PER_COMMIT) {
		if ((rc = br_check_stop(err)) < 0)
			return rc;
		rc = br_doc_remove(c->ws, c->nb, doc + at, BR_MIN(n - at, (size_t)DELETES_PER_COMMIT), err);
	}
	return rc;
}
