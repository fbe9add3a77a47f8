/*
 * Pages: versions and the pointer to the published one, and what holds of a version in a snapshot of the documents.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- what holds of a version now ---- */

static bool has_tag(const struct br_wiki_page *p, const char *tag)
{
	for (const char *const *s = p->tags; *s; s++)
		if (!strcmp(*s, tag))
			return true;
	return false;
}

/* E5, told when the version is read: nobody has to look for pages when a document goes. */
static void add_deleted(struct br_wiki_page *p, struct br_arena *a, const bool *gone, size_t n)
{
	struct br_wiki_error *v = br_arena_zalloc(a, (p->n_errors + 1) * sizeof *v);
	const char *first = "";

	for (size_t i = p->n_sources; i-- > 0;)
		if (gone[i])
			first = p->source[i].chunk;
	if (p->n_errors)
		memcpy(v, p->error, p->n_errors * sizeof *v);
	v[p->n_errors] = (struct br_wiki_error){ 5, true, br_arena_printf(a, "%zu of %zu cited passages were deleted or changed, such as [chunk_%s]", n, p->n_sources, first) };
	p->error = v;
	p->n_errors++;
	p->lint_status = BR_WIKI_FAILED;
}

static const char *why_not(const struct br_wiki_page *p, const struct head *h, bool enabled, size_t gone)
{
	if (h->deleted)
		return "it was deleted";
	if (gone)
		return "it cites passages that were deleted or changed";
	if (p->lint_status != BR_WIKI_PASSED)
		return p->lint_status == BR_WIKI_FAILED ? "lint failed" : "lint is pending";
	if (p->version != h->published)
		return has_tag(p, TAG_FALLBACK) ? "nobody has reviewed what the model wrote without citations" : "another version is published";
	return enabled ? "" : "the setting wiki.enabled is off";
}

int br_wiki__finish(struct version *v, struct br_arena *a, struct br_txn *t, const struct br_nb *nb, const struct head *h, struct br_err *err)
{
	struct br_nb_values *values = br_nb_values_new(nb);
	struct br_wiki_page *p = &v->p;
	bool *gone = br_allocn(p->n_sources + 1, sizeof *gone), enabled = br_nb_bool(values, "wiki.enabled"), shown;
	int n = br_wiki__gone(gone, t, nb->nb, v, err);

	br_nb_values_free(values);
	if (n > 0)
		add_deleted(p, a, gone, (size_t)n);
	free(gone);
	if (n < 0)
		return n;
	shown = p->version == (h->published ? h->published : h->newest);
	p->newest = h->newest;
	p->published = h->published;
	p->deleted_at = h->deleted;
	p->status = h->deleted ? BR_WIKI_DELETED : shown ? BR_WIKI_ACTIVE : BR_WIKI_STALE;
	if (shown && !h->deleted && p->n_sources && (size_t)n == p->n_sources && !h->patched)
		p->status = BR_WIKI_DELETED; /* nothing of what it was made of is left */
	p->dirty = h->generation != nb->generation;
	p->why = why_not(p, h, enabled, (size_t)n);
	p->serveable = !p->why[0];
	return 0;
}

/* ---- reading ---- */

static int head_of(struct head *h, struct br_nb **nb, struct br_arena *a, struct br_txn *t, uint32_t number, const char *slug, struct br_err *err)
{
	int rc = br_nb_by_number(nb, a, t, number, err);

	if (rc < 0)
		return rc;
	if (!br_wiki_slug_ok(slug, NULL) || (rc = br_wiki__head_get(h, a, t, number, slug, err)) == 0)
		return br_fail(err, BR_ENOTFOUND, "no wiki page '%.120s'", slug);
	return BR_MIN(rc, 0);
}

int br_wiki_get(struct br_wiki_page *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, uint32_t version, struct br_err *err)
{
	struct br_nb *rec;
	struct version v;
	struct head h;
	int rc = head_of(&h, &rec, a, t, nb, slug, err);

	if (rc == 0 && (rc = br_wiki__version_get(&v, a, t, nb, slug, version ? version : h.published ? h.published : h.newest, err)) == 0 &&
	    (rc = br_wiki__finish(&v, a, t, rec, &h, err)) == 0)
		*out = v.p;
	return rc;
}

struct listing { struct br_wiki_pages *out; struct br_arena *a; struct br_txn *t; struct br_nb *nb; struct head *head; bool deleted; struct br_err *err; };

static int list_head(const struct head *h, void *arg)
{
	struct listing *l = arg;
	struct version v;
	int rc;

	if (h->deleted && !l->deleted)
		return 0;
	if ((rc = br_wiki__version_get(&v, l->a, l->t, l->nb->nb, h->slug, h->published ? h->published : h->newest, l->err)) == 0 &&
	    (rc = br_wiki__finish(&v, l->a, l->t, l->nb, h, l->err)) == 0) {
		v.p.body = NULL;
		if (v.p.status != BR_WIKI_DELETED || l->deleted)
			*br_vec_push(&l->out->v) = v.p;
	}
	return rc;
}

int br_wiki_list(struct br_wiki_pages *out, struct br_arena *a, struct br_txn *t, uint32_t nb, bool deleted, struct br_err *err)
{
	struct listing l = { .out = out, .a = a, .t = t, .deleted = deleted, .err = err };
	int rc = br_nb_by_number(&l.nb, a, t, nb, err);

	*out = (struct br_wiki_pages){ 0 };
	if (rc == 0 && (rc = br_wiki__heads(a, t, nb, list_head, &l, err)) < 0)
		br_vec_release(&out->v);
	return rc;
}

static int list_version(const struct version *v, void *arg)
{
	struct listing *l = arg;
	struct version mine = *v;
	int rc = br_wiki__finish(&mine, l->a, l->t, l->nb, l->head, l->err);

	if (rc == 0) {
		mine.p.body = NULL;
		*br_vec_push(&l->out->v) = mine.p;
	}
	return rc;
}

int br_wiki_history(struct br_wiki_pages *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, struct br_err *err)
{
	struct listing l = { .out = out, .a = a, .t = t, .err = err };
	struct head h;
	int rc = head_of(&h, &l.nb, a, t, nb, slug, err);

	*out = (struct br_wiki_pages){ 0 };
	l.head = &h;
	if (rc == 0)
		rc = br_wiki__versions(a, t, nb, slug, list_version, &l, err);
	for (size_t i = 0; i < out->v.n / 2; i++) {
		struct br_wiki_page swap = out->v.v[i];
		out->v.v[i] = out->v.v[out->v.n - 1 - i];
		out->v.v[out->v.n - 1 - i] = swap;
	}
	if (rc < 0)
		br_vec_release(&out->v);
	return rc;
}

static int count_head(const struct head *h, void *arg)
{
	*(uint64_t *)arg += !h->deleted;
	return 0;
}

int br_wiki_count(uint64_t *out, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_arena a = { 0 };
	int rc;

	*out = 0;
	rc = br_wiki__heads(&a, t, nb, count_head, out, err);
	br_arena_release(&a);
	return rc;
}

int br_wiki_last_compile(struct br_wiki_report *out, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	int rc = br_wiki__state_get(out, t, nb, err);

	return BR_MIN(rc, 0);
}

/* ---- writing ---- */

void br_wiki__point(struct head *h, struct br_arena *a, const struct br_ws *ws, const struct version *v)
{
	struct br_slice part[2] = { br_slice_str(v->p.title), br_slice_str(v->p.summary) };
	const struct br_model_info *info = br_model_info(ws->model);
	struct br_embedder *e = br_embedder_new(ws->model);
	struct br_embedding vec;

	br_embed(&vec, e, part, 2);
	br_embedder_free(e);
	h->published = v->p.version;
	h->title = v->p.title;
	h->summary = v->p.summary;
	h->alias = v->p.alias;
	memcpy(h->model, info->sha, sizeof h->model);
	h->scale = vec.scale;
	h->code = br_slice(br_arena_strndup(a, (const char *)vec.code, info->dim), vec.scale > 0 ? info->dim : 0);
}

int br_wiki__add_version(struct br_txn *t, const struct br_ws *ws, uint32_t nb, struct head *h, struct version *v, struct br_err *err)
{
	struct br_arena a = { 0 };
	int rc;

	v->p.version = ++h->newest;
	h->deleted = 0;
	if (!h->created)
		h->created = v->p.compiled_at;
	if (v->p.lint_status == BR_WIKI_PASSED && !has_tag(&v->p, TAG_FALLBACK))
		br_wiki__point(h, &a, ws, v);
	if ((rc = br_wiki__version_put(t, nb, v, err)) == 0 && (rc = br_wiki__head_put(t, nb, h, err)) == 0)
		rc = br_wiki__touch(t, nb, err);
	if (rc == 0 && h->newest > BR_MAX_WIKI_VERSIONS && h->newest - BR_MAX_WIKI_VERSIONS != h->published)
		rc = br_wiki__version_del(t, nb, h->slug, h->newest - BR_MAX_WIKI_VERSIONS, err);
	br_arena_release(&a);
	return rc;
}

int br_wiki__retire(struct br_txn *t, uint32_t nb, struct head *h, struct br_err *err)
{
	int rc;

	h->deleted = BR_MAX(br_now(), (int64_t)1);
	if ((rc = br_wiki__head_put(t, nb, h, err)) == 0)
		rc = br_wiki__touch(t, nb, err);
	return rc;
}

/* ---- the pointer, by hand ---- */

struct publish { const struct br_ws *ws; uint32_t nb, version; const char *slug, *actor; bool reviewed; };

static int may_publish(const struct version *v, const struct publish *p, struct br_err *err)
{
	for (size_t i = 0; i < v->p.n_errors; i++)
		if (v->p.error[i].code == 5)
			return br_fail(err, BR_ECHECK, "version %u of '%s' cites passages that were deleted or changed", p->version, p->slug);
	if (!p->reviewed && v->p.lint_status != BR_WIKI_PASSED)
		return br_fail(err, BR_ECHECK, "version %u of '%s' did not pass lint", p->version, p->slug);
	if (!p->reviewed && has_tag(&v->p, TAG_FALLBACK))
		return br_fail(err, BR_ECHECK, "version %u of '%s' has no citations and was not reviewed", p->version, p->slug);
	return 0;
}

static int publish(struct br_txn *t, void *arg, struct br_err *err)
{
	static const char *const none[] = { NULL };
	const struct publish *p = arg;
	struct br_arena a = { 0 };
	struct br_nb *nb;
	struct version v;
	struct head h;
	int rc = head_of(&h, &nb, &a, t, p->nb, p->slug, err);

	if (rc == 0 && (rc = br_wiki__version_get(&v, &a, t, p->nb, p->slug, p->version, err)) == 0 &&
	    (rc = br_wiki__finish(&v, &a, t, nb, &h, err)) == 0 && (rc = may_publish(&v, p, err)) == 0) {
		h.deleted = 0;
		if (p->reviewed) { /* a person's word is as good as lint's */
			v.p.lint_status = BR_WIKI_PASSED;
			v.p.tags = none;
		}
		v.p.reason = "restore";
		v.p.actor = p->actor ? p->actor : "";
		br_wiki__point(&h, &a, p->ws, &v);
		if ((rc = br_wiki__version_put(t, p->nb, &v, err)) == 0 && (rc = br_wiki__head_put(t, p->nb, &h, err)) == 0)
			rc = br_wiki__touch(t, p->nb, err);
	}
	br_arena_release(&a);
	return rc;
}

int br_wiki_publish(struct br_ws *ws, uint32_t nb, const char *slug, uint32_t version, bool reviewed, const char *actor, struct br_err *err)
{
	struct publish p = { .ws = ws, .nb = nb, .version = version, .slug = slug, .actor = actor, .reviewed = reviewed };

	return br_store_write(ws->store, publish, &p, err);
}

/* ---- one run at a time ---- */

static char *lock_path(const struct br_ws *ws, uint32_t nb)
{
	char name[40];

	snprintf(name, sizeof name, "wiki-%u.lock", nb);
	return br_path_join(ws->dir, name);
}

int br_wiki__lock(struct br_lock *l, struct br_ws *ws, uint32_t nb, struct br_err *err)
{
	char *path = lock_path(ws, nb);
	struct br_err why = { 0 };
	int rc = br_lock_take(l, path, 0, &why);

	if (rc == -BR_ELOCKED)
		rc = br_fail(err, BR_EEXISTS, "the wiki of this notebook is being compiled: %s", why.msg);
	else if (rc < 0 && err)
		*err = why;
	free(path);
	return rc;
}

bool br_wiki_running(struct br_ws *ws, uint32_t nb)
{
	char *path = lock_path(ws, nb);
	struct br_lock l = { 0 };
	bool running = br_is_file(path) && br_lock_take(&l, path, 0, NULL) == -BR_ELOCKED;

	br_lock_drop(&l);
	free(path);
	return running;
}
