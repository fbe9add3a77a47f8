/*
 * A look at a notebook: the documents are read once, in one transaction with everything that comes from the store; then come rules
 * that need no transaction or one of their own.
 */
#include "internal.h"

#include "br/os.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

bool asked(const struct look *l, enum br_health_id id) { return !l->opts->rules || (l->opts->rules >> id & 1); }

static struct br_finding kept_copy(struct br_arena *a, const struct br_finding *f)
{
	struct br_finding c = *f;

	c.path = br_arena_strdup(a, f->path);
	c.detail = br_arena_strdup(a, f->detail);
	return c;
}

void found(struct look *l, struct br_finding f)
{
	struct br_health_result *r = &l->out->rule[f.rule];

	f.path = f.path ? f.path : "";
	f.fixable &= br_health_rule(f.rule)->fix != NULL;
	r->found++;
	r->fixable += f.fixable;
	if (r->examples.n < l->opts->examples)
		*br_vec_push(&r->examples) = kept_copy(&l->out->arena, &f);
	if (l->opts->finding)
		l->opts->finding(&f, l->opts->arg);
}

/* ---- gathering ---- */

static bool is_below(const char *path, const char *root)
{
	size_t n = strlen(root);

	if (!strcmp(root, "."))
		return *path != '/';
	return !strncmp(path, root, n) && (path[n] == '/' || !path[n]);
}

static bool is_kept(const struct look *l, const char *path)
{
	for (size_t i = 0; i < l->nb->roots.n; i++) {
		char *dir;
		bool there;

		if (!is_below(path, l->nb->roots.v[i]))
			continue;
		dir = br_path_join(l->ws->root, l->nb->roots.v[i]);
		there = br_is_dir(dir);
		free(dir);
		if (there)
			return true;
	}
	return false;
}

/* Whether the file is gone, and not just hidden from us. Of a member: no file stands at any path in front of a "!/". */
static bool is_absent(bool *unseen, const struct br_ws *ws, const struct br_doc *d)
{
	const char *end = d->origin == BR_FROM_MEMBER ? strstr(d->path, "!/") : d->path + strlen(d->path);
	bool absent = end;

	*unseen = false;
	for (; end && absent; end = *end ? strstr(end + 1, "!/") : NULL) {
		char *path = br_strndup(d->path, (size_t)(end - d->path)), *file = br_path_join(ws->root, path);
		struct stat st;

		absent = stat(file, &st) < 0;
		*unseen |= absent && errno != ENOENT && errno != ENOTDIR;
		free(file);
		free(path);
	}
	return absent && !*unseen;
}

static const char *told_of(const struct br_doc *d)
{
	if (d->origin == BR_FROM_URL && d->gone[0])
		return d->gone;
	return d->state == BR_DOC_INDEXED ? d->meta : d->error;
}

static int gather(const struct br_doc *d, void *arg)
{
	struct look *l = arg;
	struct entry *e = br_vec_push(&l->v);

	*e = (struct entry){ .doc = d->doc, .first_chunk = d->first_chunk, .chunks = d->chunks, .origin = d->origin, .state = d->state,
	                     .format = d->format, .created = d->created };
	memcpy(e->id, d->id, sizeof e->id);
	memcpy(e->sha, d->sha, sizeof e->sha);
	e->path = br_arena_strdup(&l->arena, d->path);
	e->meta = br_arena_strdup(&l->arena, told_of(d));
	e->source = br_source_state(l->ws, d);
	e->kept = (d->origin == BR_FROM_FILE || d->origin == BR_FROM_MEMBER) && is_kept(l, d->path);
	e->absent = e->source == BR_SOURCE_MISSING && d->origin != BR_FROM_URL && is_absent(&e->unseen, l->ws, d);
	e->original = d->origin != BR_FROM_UPLOAD || br_original_there(l->ws, d);
	l->out->failed += d->state == BR_DOC_FAILED;
	l->out->uploaded += d->state == BR_DOC_UPLOADED;
	l->out->indexed_at = BR_MAX(l->out->indexed_at, d->indexed);
	return br_check_stop(l->err);
}

static int gather_in(struct look *l, struct br_txn *t, const char *notebook)
{
	struct br_health *h = l->out;
	int rc = br_nb_get(&l->nb, &l->arena, t, notebook, l->err);

	if (rc < 0)
		return rc;
	h->notebook = br_arena_strdup(&h->arena, l->nb->name);
	memcpy(h->id, l->nb->id, sizeof h->id);
	h->docs = l->nb->docs;
	h->chunks = l->nb->chunks;
	h->dead = l->nb->dead;
	h->text_bytes = l->nb->text_bytes;
	h->source_bytes = l->nb->source_bytes;
	h->generation = l->nb->generation;
	return br_doc_each(t, l->nb->nb, gather, l, l->err);
}

int look_gather(struct look *l, const char *notebook)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, l->ws->store, l->err);

	if (rc < 0)
		return rc;
	rc = gather_in(l, t, notebook);
	br_txn_end(t);
	return rc;
}

void look_release(struct look *l)
{
	br_vec_release(&l->v);
	br_arena_release(&l->arena);
}

/* ---- the whole ---- */

static int check_stored(struct look *l, const char *notebook)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, l->ws->store, l->err);

	if (rc < 0)
		return rc;
	if ((rc = gather_in(l, t, notebook)) == 0 && (rc = check_passages(l, t)) == 0 && (rc = check_vectors(l, t)) == 0)
		rc = check_references(l, t);
	br_txn_end(t);
	return rc;
}

int br_health_check(struct br_health *out, struct br_ws *ws, const char *notebook, const struct br_health_opts *opts, struct br_err *err)
{
	struct look l = { .ws = ws, .out = out, .opts = opts, .err = err };
	int64_t start = br_mono_ns();
	int rc;

	*out = (struct br_health){ 0 };
	for (int i = 0; i < BR_H_COUNT; i++)
		out->rule[i].asked = asked(&l, (enum br_health_id)i);
	if ((rc = check_stored(&l, notebook)) == 0) {
		check_documents(&l);
		check_copies(&l);
		if ((rc = check_near(&l)) == 0)
			rc = check_caches(&l);
	}
	health_score(out, ws->config);
	out->seconds = (double)(br_mono_ns() - start) / 1e9;
	look_release(&l);
	return rc;
}

void br_health_release(struct br_health *h)
{
	for (int i = 0; i < BR_H_COUNT; i++)
		br_vec_release(&h->rule[i].examples);
	br_arena_release(&h->arena);
	*h = (struct br_health){ 0 };
}
