/*
 * What others ask about things that only this module knows: passages that should have a vector and have none, and whether the cache
 * of a service's embeddings is whole.
 */
#include "internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- vectors ---- */

struct missing {
	struct br_ws *ws;
	struct br_txn *t;
	const struct br_nb *nb;
	struct reindex *again;          /* NULL: every passage has a vector */
	float *scale;                   /* of every row */
	br_missing_fn *fn;
	void *arg;
	struct br_err *err;
};

/* A block that is not stored leaves zeros. */
static int load_scales(struct missing *m)
{
	struct br_vec_source from;
	int rc = 0;

	br_vec_source(&from, m->t, m->nb->nb, m->nb->dim, m->nb->next_chunk);
	m->scale = br_try_alloc(((size_t)m->nb->next_chunk + 1) * sizeof *m->scale);
	if (!m->scale)
		return br_fail(m->err, BR_ENOMEM, "out of memory for %u vectors", m->nb->next_chunk);
	for (uint32_t first = 0; first < m->nb->next_chunk && rc >= 0; first += from.ann.per_block) {
		struct br_ann_block b = { 0 };
		rc = from.ann.block(&b, first / from.ann.per_block, from.ann.arg, m->err);
		if (rc >= 0 && b.code)
			memcpy(m->scale + first, b.scale, BR_MIN((size_t)b.n, (size_t)m->nb->next_chunk - first) * sizeof *m->scale);
	}
	return BR_MIN(rc, 0);
}

static uint32_t without(const struct missing *m, const struct br_doc *d)
{
	uint32_t n = 0;

	for (uint32_t c = d->first_chunk; c < d->first_chunk + d->chunks && c < m->nb->next_chunk; c++)
		n += m->scale[c] == 0;
	return n;
}

/* The built-in model gives no vector to what it does not know: such a passage misses none. */
static int missing_of(const struct br_doc *d, void *arg)
{
	struct missing *m = arg;
	uint32_t n = d->state == BR_DOC_INDEXED ? without(m, d) : 0;
	int rc;

	if (!n)
		return 0;
	if (m->again) {
		reindex_reset(m->again);
		if ((rc = reindex_doc(m->again, m->t, m->nb->nb, d, m->err)) < 0)
			return rc;
		n = 0;
		for (uint32_t i = 0; i < m->again->scale.n && d->first_chunk + i < m->nb->next_chunk; i++)
			n += m->again->scale.v[i] != 0 && m->scale[d->first_chunk + i] == 0;
	}
	return n ? m->fn(d, n, m->arg) : 0;
}

int br_missing_vectors(struct br_ws *ws, struct br_txn *t, const struct br_nb *nb, br_missing_fn *fn, void *arg, struct br_err *err)
{
	struct missing m = { .ws = ws, .t = t, .nb = nb, .fn = fn, .arg = arg, .err = err };
	enum br_space space = br_nb_space(ws, nb);
	int rc = 0;

	if (space != BR_SPACE_BUILTIN && space != BR_SPACE_SERVICE)
		return 0;
	if (space == BR_SPACE_BUILTIN)
		m.again = reindex_new(ws->model);
	if ((rc = load_scales(&m)) == 0)
		rc = br_doc_each(t, nb->nb, missing_of, &m, err);
	if (m.again)
		reindex_free(m.again);
	free(m.scale);
	return rc;
}

/* ---- originals ---- */

bool br_original_there(const struct br_ws *ws, const struct br_doc *d)
{
	char *file = object_file(ws, d->sha);
	bool there = br_is_file(file);

	free(file);
	return there && !original_lost(d);
}

/* ---- the cache of embeddings ---- */

static int check_records(struct br_store *s, struct br_err *err)
{
	struct br_cur cur;
	struct br_txn *t;
	int rc = br_txn_read(&t, s, err);

	if (rc < 0)
		return rc;
	br_txn_check_all(t);
	if ((rc = br_cur_open(&cur, t, BR_T_VEC, err)) == 0) {
		while ((rc = br_cur_next(&cur, err)) > 0)
			;
		br_cur_close(&cur);
	}
	br_txn_end(t);
	return rc;
}

static int check_store(const char *dir, int64_t wait_ms, struct br_err *err)
{
	struct br_store_opts o = { .wait_ms = wait_ms };
	struct br_store *s;
	int rc = br_store_open(&s, dir, &o, err);

	if (rc < 0)
		return rc;
	if ((rc = br_store_check(s, err)) == 0)
		rc = check_records(s, err);
	br_store_close(s);
	return rc;
}

static int drop_cache(const char *dir, struct br_err *err)
{
	static const char *const files[] = { "data.mdb", "data.mdb-lock" };
	int rc = 0;

	for (size_t i = 0; i < BR_COUNT(files) && rc == 0; i++) {
		char *path = br_path_join(dir, files[i]);
		if (unlink(path) < 0 && errno != ENOENT)
			rc = br_fail_errno(err, BR_EIO, "cannot remove '%s'", path);
		free(path);
	}
	return rc;
}

int br_embeddings_check(struct br_ws *ws, bool drop, struct br_err *err)
{
	char *dir = br_path_join(ws->dir, "embeddings"), *data = br_path_join(dir, "data.mdb");
	int rc = 0;

	if (!services_cache_open(ws->services) && br_is_file(data)) {
		rc = check_store(dir, ws->wait_ms, err);
		if (drop && (rc == -BR_ECORRUPT || rc == -BR_EVERSION)) {
			rc = drop_cache(dir, err);
			rc = rc < 0 ? rc : 1;
		}
	}
	free(data);
	free(dir);
	return rc;
}
