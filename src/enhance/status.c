/*
 * How far the contexts of a notebook are. PROCESSING in a record counts as PENDING unless a run is going on, so nothing has to be
 * tidied up behind one that was killed.
 */
#include "internal.h"

#include <stdlib.h>

bool br_enhance_running(struct br_ws *ws)
{
	char *path = br_path_join(ws->dir, "enhance.lock");
	struct br_lock lock = { 0 };
	bool held = br_is_file(path) && br_lock_take(&lock, path, 0, NULL) == -BR_ELOCKED;

	br_lock_drop(&lock);
	free(path);
	return held;
}

double br_enhance_percent(const struct br_enhance_count *n)
{
	uint64_t ended = n->state[BR_CTX_SUCCESS] + n->state[BR_CTX_FAILED] + n->state[BR_CTX_EMBEDDED];

	return n->chunks ? 100.0 * (double)ended / (double)n->chunks : 100;
}

struct status {
	struct br_enhance_count *total;
	struct br_txn *t;
	uint32_t nb;
	bool running;
	br_want_fn *want;
	void *want_arg;
	br_enhance_file_fn *fn;
	void *arg;
	struct br_err *err;
};

static int count(struct br_enhance_count *n, struct status *s, const struct br_doc *d)
{
	struct br_arena a = { 0 };
	struct br_ctx *v;
	int rc = br_contexts_get(&v, &a, s->t, s->nb, d, s->err);

	*n = (struct br_enhance_count){ .chunks = d->chunks };
	for (uint32_t i = 0; rc == 0 && i < d->chunks; i++)
		n->state[v[i].state == BR_CTX_PROCESSING && !s->running ? BR_CTX_PENDING : v[i].state]++;
	br_arena_release(&a);
	return rc;
}

static int add_doc(const struct br_doc *d, void *arg)
{
	struct status *s = arg;
	struct br_enhance_count n;
	int rc;

	if (d->state != BR_DOC_INDEXED || !d->chunks || (s->want && !s->want(d, s->want_arg)))
		return 0;
	if ((rc = count(&n, s, d)) < 0)
		return rc;
	s->total->chunks += n.chunks;
	for (int i = 0; i < BR_CTX_STATES; i++)
		s->total->state[i] += n.state[i];
	return s->fn ? s->fn(d, &n, s->arg) : 0;
}

int br_enhance_status(struct br_enhance_count *total, struct br_ws *ws, const char *notebook, br_want_fn *want, void *want_arg,
                      br_enhance_file_fn *fn, void *arg, struct br_err *err)
{
	struct status s = { .total = total, .want = want, .want_arg = want_arg, .fn = fn, .arg = arg, .err = err };
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc = br_txn_read(&s.t, ws->store, err);

	*total = (struct br_enhance_count){ 0 };
	if (rc < 0)
		return rc;
	s.running = br_enhance_running(ws); /* behind the snapshot: a run that ended before it has left nothing in work */
	if ((rc = br_nb_get(&nb, &a, s.t, notebook, err)) == 0) {
		s.nb = nb->nb;
		rc = br_doc_each(s.t, nb->nb, add_doc, &s, err);
	}
	br_txn_end(s.t);
	br_arena_release(&a);
	return rc;
}
