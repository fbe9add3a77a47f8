/*
 * The comparison and the run. What is there and what is here are two lists sorted by path; what must be done is in their differences,
 * and nothing else is remembered between runs, so that one which was interrupted is just repeated.
 */
#include "internal.h"

#include <stdatomic.h>
#include <stdlib.h>

struct job {
	enum br_action action;       /* ADD, CHANGE, DELETE */
	struct near *file;
	const struct far *doc;
	int rc;                      /* negative: it is of no use to go on */
	enum said said;
	struct br_err err;
};

struct run {
	const struct br_remote_opts *o;
	struct br_ingest_stats *stats;
	struct br_arena arena;
	struct nears files;
	struct fars docs;
	BR_VEC(struct job) job;
	struct br_progress progress;
	atomic_bool stop;
	bool blind;                  /* some of the folder could not be read */
	int rc;
	struct br_err *err;
};

static void tell(struct run *r, enum br_action action, const char *path, const char *reason, uint64_t size)
{
	const struct br_event e = { .action = action, .path = path, .reason = reason, .size = size };

	r->stats->count[action]++;
	if (r->o->event)
		r->o->event(&e, r->o->arg);
}

/* ---- what is here ---- */

static int take_file(const struct br_walk_entry *e, void *arg)
{
	struct run *r = arg;

	*br_vec_push(&r->files.v) = (struct near){ .rel = br_arena_strdup(&r->arena, e->rel), .path = br_arena_strdup(&r->arena, e->path),
		.size = e->size, .inode = e->inode, .mtime = e->mtime_ns };
	return 0;
}

static void take_bad(const char *path, const struct br_err *why, void *arg)
{
	((struct run *)arg)->blind = true;
	tell(arg, BR_ACT_FAIL, path, why->msg, 0);
}

static int by_rel(const void *a, const void *b)
{
	return strcmp(((const struct near *)a)->rel, ((const struct near *)b)->rel);
}

/* Names that the server would read as other paths. */
static const char *unfit(const char *rel)
{
	for (const char *p = rel; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\')
			return "the name has characters that paths on the server may not have";
	return br_utf8_valid(rel, strlen(rel)) != strlen(rel) ? "the name is not UTF-8" : NULL;
}

static int hash(struct near *f, struct br_err *err)
{
	struct br_map m;
	int rc;

	if (f->hashed)
		return 0;
	if (f->size > BR_MAX_FILE)
		return br_fail(err, BR_ETOOBIG, "it has more than %u bytes", BR_MAX_FILE);
	if ((rc = br_map_file(&m, f->path, err)) < 0)
		return rc;
	br_sha256(f->sha, m.ptr, m.len);
	br_unmap(&m);
	f->hashed = true;
	return 0;
}

/* ---- what is to be done ---- */

static void want(struct run *r, enum br_action action, struct near *f, const struct far *d)
{
	*br_vec_push(&r->job) = (struct job){ .action = action, .file = f, .doc = d };
}

static void compare_file(struct run *r, struct near *f, const struct far *d)
{
	struct br_err why;
	const char *bad = unfit(f->rel);

	if (bad)
		tell(r, BR_ACT_SKIP, f->rel, bad, f->size);
	else if (hash(f, &why) < 0)
		tell(r, BR_ACT_FAIL, f->rel, why.msg, f->size);
	else if (f->refused && !r->o->force)
		tell(r, BR_ACT_SKIP, f->rel, "the server does not take it", f->size);
	else if (!d)
		want(r, BR_ACT_ADD, f, NULL);
	else if (r->o->force || d->failed || memcmp(d->sha, f->sha, sizeof f->sha))
		want(r, BR_ACT_CHANGE, f, d);
	else
		tell(r, BR_ACT_KEEP, f->rel, NULL, f->size);
}

static void compare(struct run *r)
{
	size_t i = 0, k = 0;

	while (i < r->files.v.n || k < r->docs.v.n) {
		struct near *f = i < r->files.v.n ? &r->files.v.v[i] : NULL;
		const struct far *d = k < r->docs.v.n ? &r->docs.v.v[k] : NULL;
		int order = !f ? 1 : !d ? -1 : strcmp(f->rel, d->path);
		if (order <= 0) {
			compare_file(r, f, order == 0 ? d : NULL);
			i++;
		} else if (d->ours) {
			want(r, BR_ACT_DELETE, NULL, d);
		}
		k += order >= 0;
	}
}

/* ---- doing it ---- */

static void *open_state(void *arg)
{
	struct api *a = br_alloc(sizeof *a);

	if (api_open(a, ((struct run *)arg)->o, NULL) == 0)
		return a;
	api_close(a);
	free(a);
	return NULL;
}

static void close_state(void *state)
{
	if (state)
		api_close(state);
	free(state);
}

static void work(void *item, void *state, void *arg)
{
	struct run *r = arg;
	struct job *j = item;

	if (atomic_load(&r->stop))
		j->rc = br_fail(&j->err, BR_ECANCELLED, "stopped");
	else if (!state)
		j->rc = br_fail(&j->err, BR_EUNSUPPORTED, "the network cannot be used");
	else
		j->rc = j->action == BR_ACT_DELETE ? api_delete(&j->said, state, j->doc, &j->err) :
			api_upload(&j->said, state, j->file, j->action == BR_ACT_CHANGE, &j->err);
	if (j->rc < 0)
		atomic_store(&r->stop, true);
}

static void finish(struct run *r, struct job *j)
{
	const char *path = j->file ? j->file->rel : j->doc->path;

	r->progress.files_done++;
	if (r->o->progress)
		r->o->progress(&r->progress, r->o->arg);
	if (j->rc < 0) {
		if (r->rc == 0 || r->rc == -BR_ECANCELLED) { /* the cause, not its consequences */
			r->rc = j->rc;
			if (r->err)
				*r->err = j->err;
		}
		return;
	}
	if (j->file)
		j->file->refused = j->said == SAID_NO_DOCUMENT;
	r->stats->bytes += j->file && j->said == SAID_YES ? j->file->size : 0;
	tell(r, j->said == SAID_YES ? j->action : j->said == SAID_NO_DOCUMENT ? BR_ACT_SKIP : BR_ACT_FAIL, path,
	     j->said == SAID_YES ? NULL : j->err.msg, j->file ? j->file->size : 0);
	if (r->o->max_errors && r->stats->count[BR_ACT_FAIL] >= r->o->max_errors) {
		r->stats->stopped = true;
		atomic_store(&r->stop, true);
	}
}

static void run_jobs(struct run *r, bool deletions)
{
	struct br_pool_opts o = { .n = r->o->jobs, .depth = r->o->jobs * 2, .state_new = open_state, .state_free = close_state, .work = work, .arg = r };
	struct br_pool *p = br_pool_new(&o);
	struct job *done;

	for (size_t i = 0; i < r->job.n && !atomic_load(&r->stop); i++) {
		if ((r->job.v[i].action == BR_ACT_DELETE) != deletions)
			continue;
		while (br_pool_full(p))
			finish(r, br_pool_take(p));
		br_pool_give(p, &r->job.v[i]);
	}
	while ((done = br_pool_take(p)))
		finish(r, done);
	br_pool_free(p);
}

static int plan(struct run *r)
{
	for (size_t i = 0; i < r->job.n; i++) {
		const struct job *j = &r->job.v[i];
		tell(r, j->action, j->file ? j->file->rel : j->doc->path, NULL, j->file ? j->file->size : 0);
	}
	return r->job.n ? -BR_ECHANGES : 0;
}

static int look(struct run *r, struct api *a, struct br_err *err)
{
	int rc;

	if (!br_is_dir(r->o->dir))
		return br_fail(err, BR_EUSAGE, "'%s' is not a folder", r->o->dir);
	if ((rc = api_list(&r->docs, &r->arena, a, err)) < 0 || (rc = br_walk(r->o->dir, &r->o->walk, take_file, take_bad, r, err)) < 0)
		return rc;
	if (r->files.v.n)
		qsort(r->files.v.v, r->files.v.n, sizeof *r->files.v.v, by_rel);
	cache_read(&r->files, r->o->cache);
	compare(r);
	return br_check_stop(err);
}

static int run(struct run *r, struct api *a, struct br_err *err)
{
	const uint64_t *n = r->stats->count;
	int64_t since = br_now_ns();
	int rc = look(r, a, err);

	if (rc < 0)
		return rc;
	if (r->o->plan)
		return plan(r);
	r->progress.files_total = r->job.n;
	run_jobs(r, false);
	if (!r->blind) /* a folder that is half there must not empty a knowledge base */
		run_jobs(r, true);
	cache_write(&r->files, r->o->cache, since);
	if (r->rc < 0)
		return r->rc;
	if ((n[BR_ACT_ADD] || n[BR_ACT_CHANGE] || n[BR_ACT_DELETE] || n[BR_ACT_FAIL]) && (rc = api_report(a, r->stats, err)) < 0)
		return rc;
	return n[BR_ACT_FAIL] ? -BR_EPARTIAL : 0;
}

int br_remote_sync(struct br_ingest_stats *stats, const struct br_remote_opts *opts, struct br_err *err)
{
	struct run r = { .o = opts, .stats = stats, .err = err };
	int64_t began = br_mono_ns();
	struct api a;
	int rc;

	*stats = (struct br_ingest_stats){ .seconds = 0 };
	if ((rc = api_open(&a, opts, err)) == 0)
		rc = run(&r, &a, err);
	api_close(&a);
	stats->seconds = (double)(br_mono_ns() - began) / 1e9;
	br_vec_release(&r.files.v);
	br_vec_release(&r.docs.v);
	br_vec_release(&r.job);
	br_arena_release(&r.arena);
	return rc;
}
