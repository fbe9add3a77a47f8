/*
 * Ingest, sync and upload: inputs are cut into slices, workers make documents of them, the committer writes them in order.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SLICE_BYTES = 192 << 10,        /* a slice is about this much source, or this many inputs */
	SLICE_INPUTS = 64,
	MEMBER_BYTES_AHEAD = 64 << 20,  /* bytes of members in the pool at once */
	SLICES_AHEAD = 24,              /* in the pool at once: keeps workers busy during a commit, bounds memory */
	PROGRESS_NS = 100000000,
};

struct run {
	struct br_ws *ws;
	const struct br_ingest_opts *opts;
	struct br_arena arena;
	struct br_nb *nb;
	struct work_env env;
	struct commit commit;
	struct br_pool *pool;
	const struct plan *plan;        /* NULL: inputs are not files that were planned */
	struct slice *open;             /* being filled */
	struct members *members;        /* once a container came */
	BR_VEC(struct input) closed;    /* containers to be opened when the other inputs are done */
	BR_VEC(const char *) dropped;   /* files that are no containers any more */
	uint64_t ahead;                 /* bytes of members that are given and not taken */
	uint64_t failing;               /* inputs that failed and wait for their commit to be told */
	struct br_progress progress;
	int64_t told_ns;
};

static int run_begin(struct run *r, struct br_ingest_stats *stats, struct br_ws *ws, const struct br_ingest_opts *opts, struct br_err *err)
{
	struct br_txn *t;
	int rc;

	*stats = (struct br_ingest_stats){ 0 };
	*r = (struct run){ .ws = ws, .opts = opts };
	if (!opts->plan && (rc = br_import_sweep(ws, err)) < 0)
		return rc;
	if ((rc = br_txn_read(&t, ws->store, err)) < 0)
		return rc;
	rc = br_nb_get(&r->nb, &r->arena, t, opts->notebook, err);
	br_txn_end(t);
	if (rc < 0)
		return rc;
	if (opts->chunking)
		r->nb->chunking = *opts->chunking;
	r->env = (struct work_env){ .ws = ws, .nb = r->nb, .opts = opts };
	r->commit = (struct commit){ .ws = ws, .nb = r->nb->nb, .pinned = r->nb, .opts = opts, .stats = stats };
	return 0;
}

static void run_end(struct run *r)
{
	struct slice *s;

	while (r->pool && (s = br_pool_take(r->pool)))
		slice_free(s);
	br_pool_free(r->pool);
	slice_free(r->open);
	members_free(r->members);
	br_vec_release(&r->closed);
	br_vec_release(&r->dropped);
	commit_release(&r->commit);
	text_dict_free(r->env.dict);
	br_arena_release(&r->arena);
}

static void tell_progress(struct run *r, bool last)
{
	int64_t now = br_mono_ns();

	if (!r->opts->progress || (!last && now - r->told_ns < PROGRESS_NS))
		return;
	r->told_ns = now;
	r->opts->progress(&r->progress, r->opts->arg);
}

/* ---- slices through the pool ---- */

static int find_dict(struct run *r, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, r->ws->store, err);

	if (rc < 0)
		return rc;
	rc = text_dict_load(&r->env.dict, t, r->nb->nb, err);
	br_txn_end(t);
	if (rc == 0 && !r->env.dict && r->plan)
		r->env.dict = text_dict_learn(r->plan);
	r->commit.dict = r->env.dict;
	return rc;
}

static int start_pool(struct run *r, struct br_err *err)
{
	long cores = (long)br_config_int(r->ws->config, "core.threads");
	struct br_pool_opts o = { .n = cores > 0 ? (unsigned)cores : br_cores(), .depth = SLICES_AHEAD,
		.state_new = worker_new, .state_free = worker_free, .work = work_slice, .arg = &r->env };
	int rc = find_dict(r, err);

	if (rc == 0 && (rc = space_settle(r->nb, r->ws, err)) == 0) {
		r->env.service = br_nb_space(r->ws, r->nb) == BR_SPACE_SERVICE;
		r->pool = br_pool_new(&o);
	}
	return rc;
}

int check_errors(struct br_ingest_stats *stats, const struct br_ingest_opts *opts, uint64_t more, struct br_err *err)
{
	uint64_t n = stats->count[BR_ACT_FAIL] + more;

	if (!opts->max_errors || n < opts->max_errors)
		return 0;
	stats->stopped = true;
	return br_fail(err, BR_EPARTIAL, "stopped after %llu failed inputs", (unsigned long long)n);
}

/* Failures that are known but not told before their commit. */
static uint64_t failures(const struct slice *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->made.n; i++)
		n += s->made.v[i].action == BR_ACT_FAIL;
	return n;
}

static int flush(struct run *r, struct br_err *err)
{
	r->failing = 0;
	return commit_flush(&r->commit, err);
}

/* Its bytes and strings go with the slice. */
static void keep_closed(struct run *r, const struct input *in, const struct made *m)
{
	struct input *kept = br_vec_push(&r->closed);

	*kept = *in;
	kept->path = br_arena_strdup(&r->arena, in->path);
	kept->title = br_arena_strdup(&r->arena, in->title);
	kept->meta = br_arena_strdup(&r->arena, in->meta);
	kept->etag = br_arena_strdup(&r->arena, in->etag);
	kept->modified = br_arena_strdup(&r->arena, in->modified);
	kept->same = in->again && m->action == BR_ACT_KEEP;
	kept->bytes = br_slice("", 0);
	if (in->file)
		kept->file = br_arena_strdup(&r->arena, in->file);
	else
		kept->bytes = br_slice(br_arena_strndup(&r->arena, in->bytes.ptr, in->bytes.len), in->bytes.len);
	if (in->original.ptr)
		kept->original = kept->bytes;
}

static void note_containers(struct run *r, const struct slice *s)
{
	for (size_t i = 0; i < s->made.n; i++) {
		const struct input *in = &s->in.v[i];
		const struct made *m = &s->made.v[i];
		if (m->container)
			keep_closed(r, in, m);
		else if (in->members && !in->touch_only && !m->unread && (m->action != BR_ACT_KEEP || in->again))
			*br_vec_push(&r->dropped) = br_arena_strdup(&r->arena, in->path);
		r->ahead -= in->origin == BR_FROM_MEMBER ? in->bytes.len : 0;
	}
}

static int take(struct run *r, struct slice *s, struct br_err *err)
{
	int rc;

	note_containers(r, s);

	r->failing += failures(s);
	r->progress.files_done += s->made.n;
	r->progress.bytes_done += s->bytes;
	commit_add(&r->commit, s);
	tell_progress(r, false);
	rc = commit_due(&r->commit) ? flush(r, err) : 0;
	return rc < 0 ? rc : check_errors(r->commit.stats, r->opts, r->failing, err);
}

static int give(struct run *r, struct br_err *err)
{
	struct slice *s;
	int rc;

	if (!r->open)
		return 0;
	if (!r->pool && (rc = start_pool(r, err)) < 0)
		return rc;
	while (br_pool_full(r->pool))
		if ((s = br_pool_take(r->pool)) && (rc = take(r, s, err)) < 0)
			return rc;
	br_pool_give(r->pool, r->open);
	r->open = NULL;
	while ((s = br_pool_try_take(r->pool)))
		if ((rc = take(r, s, err)) < 0)
			return rc;
	if (r->opts->cancel && atomic_load(r->opts->cancel))
		return br_fail(err, BR_ECANCELLED, "stopped");
	return br_check_stop(err);
}

/* Room for one more input in the open slice. */
static struct input *next_input(struct run *r)
{
	if (!r->open)
		r->open = slice_new();
	return br_vec_push(&r->open->in);
}

static int input_done(struct run *r, uint64_t bytes, struct br_err *err)
{
	r->open->bytes += bytes;
	return r->open->bytes >= SLICE_BYTES || r->open->in.n >= SLICE_INPUTS ? give(r, err) : 0;
}

static bool ended_well(int rc) { return rc == 0 || rc == -BR_ECANCELLED || rc == -BR_EPARTIAL; }

static int drain(struct run *r, int rc, struct br_err *err)
{
	struct br_err later;
	struct slice *s;

	if (rc == 0)
		rc = give(r, err);
	/* Stopped by a signal or by failures: what is finished is still written. */
	while (r->pool && ended_well(rc) && (s = br_pool_take(r->pool))) {
		int more = take(r, s, rc ? &later : err);
		rc = rc ? rc : more;
	}
	return rc;
}

/* ---- containers: opened when all that was planned is read; their members go the same way ---- */

static int give_member(const struct input *from, void *arg, struct br_err *err)
{
	struct run *r = arg;
	struct slice *s;
	struct input *in;
	struct br_arena *a;
	int rc;

	while (r->ahead > MEMBER_BYTES_AHEAD && (s = br_pool_take(r->pool)))
		if ((rc = take(r, s, err)) < 0)
			return rc;
	in = next_input(r);
	a = &r->open->arena;
	*in = *from;
	in->path = br_arena_strdup(a, from->path);
	in->from = br_arena_strdup(a, from->from);
	in->refused = br_arena_strdup(a, from->refused);
	in->sha = from->sha ? memcpy(br_arena_alloc(a, 32), from->sha, 32) : NULL;
	in->bytes = from->refused ? br_slice("", 0) : br_slice(br_arena_strndup(a, from->bytes.ptr, from->bytes.len), from->bytes.len);
	if (in->origin == BR_FROM_MEMBER)
		r->ahead += in->bytes.len;
	r->progress.files_total++;
	r->progress.bytes_total += in->bytes.len;
	return input_done(r, in->bytes.len, err);
}

static int remove_members(const uint32_t *doc, size_t n, void *arg, struct br_err *err)
{
	struct run *r = arg;

	return commit_deletes(&r->commit, doc, n, err);
}

static int open_closed(struct run *r, struct br_err *err)
{
	struct members_run m = { r->ws, r->nb, r->opts, r->commit.stats, give_member, remove_members, r };
	int rc = r->members ? 0 : members_new(&r->members, &m, err);

	for (size_t i = 0; i < r->dropped.n && rc == 0; i++)
		rc = members_drop(r->members, r->dropped.v[i], err);
	for (size_t i = 0; i < r->closed.n && rc == 0; i++)
		rc = members_open(r->members, &r->closed.v[i], err);
	members_free(r->members);
	r->members = NULL;
	r->closed.n = r->dropped.n = 0;
	return rc;
}

static int finish(struct run *r, int rc, struct br_err *err)
{
	struct br_err later;

	rc = drain(r, rc, err);
	if (rc == 0 && (r->closed.n || r->dropped.n))
		rc = drain(r, open_closed(r, err), err);
	if (ended_well(rc)) {
		int more = flush(r, rc ? &later : err);
		rc = rc ? rc : more;
	}
	tell_progress(r, true);
	return rc;
}

/* ---- files ---- */

static int run_plan(struct run *r, const struct plan *p, struct br_err *err)
{
	int rc = check_errors(r->commit.stats, r->opts, 0, err); /* of what the plan could not look at */

	r->progress.files_total = p->in.n;
	r->progress.bytes_total = p->bytes;
	r->plan = p;
	for (size_t i = 0; i < p->in.n && rc >= 0; i++) {
		*next_input(r) = p->in.v[i];
		rc = input_done(r, p->in.v[i].touch_only ? 0 : p->in.v[i].size, err);
	}
	return rc;
}

static bool is_change(enum br_action a) { return a <= BR_ACT_DELETE; }

static int tell_plan(struct run *r, const struct plan *p, struct br_err *err)
{
	size_t changes = 0;

	for (size_t i = 0; i < p->events.n; i++) {
		tell(r->commit.stats, r->opts, &p->events.v[i]);
		changes += is_change(p->events.v[i].action);
	}
	return changes ? br_fail(err, BR_ECHANGES, "%zu changes", changes) : 0;
}

/* What needs no work is told before the work begins. */
static void tell_unchanged(struct run *r, const struct plan *p)
{
	for (size_t i = 0; i < p->events.n; i++)
		if (!is_change(p->events.v[i].action))
			tell(r->commit.stats, r->opts, &p->events.v[i]);
}

static int delete_gone(struct run *r, const struct plan *p, struct br_err *err)
{
	int rc = commit_deletes(&r->commit, p->gone.v, p->gone.n, err);

	for (size_t i = 0; i < p->events.n && rc == 0; i++)
		if (p->events.v[i].action == BR_ACT_DELETE)
			tell(r->commit.stats, r->opts, &p->events.v[i]);
	return rc;
}

static int result(struct br_ingest_stats *stats, struct br_ws *ws, int rc, int64_t began, struct br_err *err)
{
	struct br_txn *t;
	struct br_err why;

	stats->seconds = (double)(br_mono_ns() - began) / 1e9;
	if ((rc == 0 || rc == -BR_EPARTIAL) && br_txn_read(&t, ws->store, &why) == 0) {
		stats->generation = br_txn_generation(t);
		br_txn_end(t);
	} else if (rc == 0)
		rc = br_fail(err, why.code, "%s", why.msg);
	if (rc == 0 && stats->count[BR_ACT_FAIL])
		rc = br_fail(err, BR_EPARTIAL, "%llu of the inputs failed", (unsigned long long)stats->count[BR_ACT_FAIL]);
	return rc;
}

/* ---- records, one a line ---- */

static int add_line(struct run *r, const char *line, size_t n, const char *name, size_t number, struct br_err *err)
{
	struct input *in;

	while (n && (line[n - 1] == '\n' || line[n - 1] == '\r' || line[n - 1] == ' '))
		n--;
	if (number == 1 && n >= 3 && !memcmp(line, "\xef\xbb\xbf", 3)) {
		line += 3;
		n -= 3;
	}
	if (!n)
		return 0;
	in = next_input(r);
	*in = (struct input){ .origin = BR_FROM_RECORD, .action = BR_ACT_ADD, .size = n };
	in->path = br_arena_printf(&r->open->arena, "%s:%zu", name, number);
	in->bytes = br_slice(br_arena_strndup(&r->open->arena, line, n), n);
	return input_done(r, n, err);
}

static int add_records(struct run *r, FILE *f, const char *name, struct br_err *err)
{
	char *line = NULL;
	size_t cap = 0, number = 0;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = getline(&line, &cap, f)) >= 0) {
		number++;
		if (n > (ssize_t)BR_MAX_NDJSON_LINE)
			rc = br_fail(err, BR_ETOOBIG, "%s:%zu: a record of more than %u bytes", name, number, BR_MAX_NDJSON_LINE);
		else
			rc = add_line(r, line, (size_t)n, name, number, err);
	}
	if (rc == 0)
		rc = br_check_stop(err);
	if (rc == 0 && !feof(f)) /* a line for which there is no memory ends the loop, too */
		rc = br_fail_errno(err, BR_EIO, "cannot read '%s'", name);
	free(line);
	return rc;
}

static int ingest_records(struct run *r, const char *const *path, size_t n, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		bool in = !strcmp(path[i], "-");
		FILE *f = in ? stdin : fopen(path[i], "re");
		if (!f)
			return br_fail_errno(err, BR_EINPUT, "cannot read '%s'", path[i]);
		rc = add_records(r, f, in ? (r->opts->stdin_name ? r->opts->stdin_name : "stdin") : path[i], err);
		if (!in)
			fclose(f);
	}
	return finish(r, rc, err);
}

/* ---- uploads and stdin: bytes without a file that stays ---- */

static int ingest_stdin(struct run *r, struct br_err *err)
{
	const char *name = r->opts->stdin_name ? r->opts->stdin_name : "stdin";
	struct br_buf b = BR_BUF_INIT(BR_MAX_FILE);
	struct input *in;
	int rc;

	if ((rc = br_fd_read(&b, 0, BR_MAX_FILE, name, err)) < 0)
		goto out;
	in = next_input(r);
	*in = (struct input){ .origin = BR_FROM_UPLOAD, .action = BR_ACT_ADD, .size = b.len };
	in->path = br_arena_strdup(&r->open->arena, name);
	in->bytes = in->original = br_slice(br_arena_strndup(&r->open->arena, b.ptr, b.len), b.len);
	rc = input_done(r, b.len, err);
out:
	br_buf_release(&b);
	return rc;
}

/* ---- one upload from a file that goes away ---- */

struct put_told { bool done; char why[300]; };

static void on_put(const struct br_event *e, void *arg)
{
	struct put_told *t = arg;

	if (e->action == BR_ACT_FAIL || e->action == BR_ACT_SKIP)
		snprintf(t->why, sizeof t->why, "%s", e->reason ? e->reason : "no text");
	else
		t->done = true;
}

static int put_input(struct run *r, const struct br_put *p, struct br_slice bytes, struct br_err *err)
{
	struct input *in = next_input(r);

	*in = (struct input){ .origin = BR_FROM_UPLOAD, .action = BR_ACT_ADD, .size = bytes.len, .only_good = true };
	in->path = br_arena_strdup(&r->open->arena, p->path);
	in->title = p->title;
	in->bytes = in->original = bytes;
	return input_done(r, bytes.len, err);
}

int br_put_upload(struct br_ws *ws, const char *notebook, const struct br_put *p, struct br_err *err)
{
	struct put_told told = { .done = false };
	struct br_ingest_opts opts = { .notebook = notebook, .meta = p->meta, .chunking = p->chunking, .format = p->format, .force = true,
		.cancel = p->cancel, .event = on_put, .arg = &told };
	struct br_ingest_stats stats;
	struct br_map m;
	struct run r;
	int rc = br_map_file(&m, p->file, err);

	if (rc < 0)
		return rc;
	if (m.len > BR_MAX_FILE)
		rc = br_fail(err, BR_ETOOBIG, "'%s' has more than %u MB", p->path, BR_MAX_FILE >> 20);
	else {
		if ((rc = run_begin(&r, &stats, ws, &opts, err)) == 0)
			rc = finish(&r, put_input(&r, p, br_slice(m.ptr, m.len), err), err);
		run_end(&r);
	}
	br_unmap(&m);
	return rc < 0 || told.done ? rc : br_fail(err, BR_EINPUT, "%s", told.why[0] ? told.why : "no text");
}

struct pending { struct run *r; BR_VEC(struct input) in; };

static bool is_asked(const char *const *id, const char *of)
{
	while (*id && strcmp(*id, of))
		id++;
	return *id != NULL;
}

static int find_pending(const struct br_doc *d, void *arg)
{
	struct pending *p = arg;
	char *file;

	if (d->origin != BR_FROM_UPLOAD || !(p->r->opts->uploads ? is_asked(p->r->opts->uploads, d->id) : d->state == BR_DOC_UPLOADED || p->r->opts->force))
		return 0;
	file = object_file(p->r->ws, d->sha);
	*br_vec_push(&p->in) = (struct input){ .origin = BR_FROM_UPLOAD, .action = BR_ACT_CHANGE, .size = d->size,
		.path = br_arena_strdup(&p->r->arena, d->path), .file = br_arena_strdup(&p->r->arena, file),
		.title = d->title[0] ? br_arena_strdup(&p->r->arena, d->title) : NULL,
		.meta = d->meta[0] ? br_arena_strdup(&p->r->arena, d->meta) : NULL };
	free(file);
	return 0;
}

static int ingest_pending(struct run *r, struct br_err *err)
{
	struct pending p = { .r = r };
	struct br_txn *t;
	int rc = br_txn_read(&t, r->ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_doc_each(t, r->nb->nb, find_pending, &p, err);
	br_txn_end(t);
	for (size_t i = 0; i < p.in.n && rc == 0; i++) {
		*next_input(r) = p.in.v[i];
		rc = input_done(r, p.in.v[i].size, err);
	}
	br_vec_release(&p.in);
	return finish(r, rc, err);
}

static int take_page(const struct input *page, void *arg, struct br_err *err)
{
	struct run *r = arg;
	struct input *in = next_input(r);
	struct br_arena *a = &r->open->arena;
	int rc;

	*in = *page;
	in->path = br_arena_strdup(a, page->path);
	in->bytes = br_slice(br_arena_strndup(a, page->bytes.ptr, page->bytes.len), page->bytes.len);
	in->etag = br_arena_strdup(a, page->etag);
	in->modified = br_arena_strdup(a, page->modified);
	r->open->bytes += page->bytes.len;
	if ((rc = give(r, err)) == 0 && commit_due(&r->commit)) /* the next page may be long in coming */
		rc = flush(r, err);
	return rc;
}

static int ingest_urls(struct run *r, const char *const *url, size_t n, struct br_err *err)
{
	struct web_run w = { r->ws, r->nb, r->opts, r->commit.stats, take_page, r };

	if (r->opts->plan)
		return br_fail(err, BR_EUSAGE, "what a URL would bring is not known before it is fetched; --plan is for files");
	return finish(r, web_ingest(&w, url, n, err), err);
}

static int ingest_files(struct run *r, const char *const *path, size_t n, struct br_err *err)
{
	const char **file = br_allocn(2 * n, sizeof *file), **url = file + n;
	struct plan plan = { 0 };
	size_t files = 0, urls = 0;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (br_is_url(path[i]))
			url[urls++] = path[i];
		else if (strcmp(path[i], "-"))
			file[files++] = path[i];
		else if (!r->opts->plan)
			rc = ingest_stdin(r, err);
	}
	if (rc == 0 && urls)
		rc = ingest_urls(r, url, urls, err);
	if (rc == 0 && files)
		rc = plan_make(&plan, r->ws, r->nb, file, files, r->opts, false, err);
	if (rc == 0 && r->opts->plan)
		rc = tell_plan(r, &plan, err);
	else if (rc == 0) {
		tell_unchanged(r, &plan);
		rc = finish(r, run_plan(r, &plan, err), err);
	}
	plan_release(&plan);
	free(file);
	return rc;
}

int br_ingest(struct br_ingest_stats *stats, struct br_ws *ws, const char *const *path, size_t n, const struct br_ingest_opts *opts, struct br_err *err)
{
	int64_t began = br_mono_ns();
	struct run r;
	int rc = run_begin(&r, stats, ws, opts, err);

	if (rc == 0)
		rc = opts->refresh ? ingest_urls(&r, NULL, 0, err) : !n ? ingest_pending(&r, err) : opts->ndjson ? ingest_records(&r, path, n, err) : ingest_files(&r, path, n, err);
	run_end(&r);
	return result(stats, ws, rc, began, err);
}

/* ---- sync ---- */

static bool has_root(const struct br_nb *nb, const char *root)
{
	for (size_t i = 0; i < nb->roots.n; i++)
		if (!strcmp(nb->roots.v[i], root))
			return true;
	return false;
}

struct new_roots { uint32_t nb; char **root; size_t n; };

static int put_roots(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct new_roots *w = arg;
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc = nb_load(&nb, &a, t, w->nb, err);

	if (rc > 0) {
		char **v = br_arena_alloc(&a, (nb->roots.n + w->n) * sizeof *v);
		if (nb->roots.n)
			memcpy(v, nb->roots.v, nb->roots.n * sizeof *v);
		nb->roots.v = v;
		for (size_t i = 0; i < w->n; i++)
			if (!has_root(nb, w->root[i]))
				v[nb->roots.n++] = w->root[i];
		rc = nb_store(t, nb, err);
	}
	br_arena_release(&a);
	return rc;
}

/* Remembers folders that were synced for the first time, so that `br sync` alone does them again. */
static int remember_roots(struct run *r, const char *const *path, size_t n, struct br_err *err)
{
	struct new_roots w = { r->nb->nb, br_allocn(n + 1, sizeof *w.root), 0 };
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		char *p = doc_path_of(r->ws, path[i]);
		if (has_root(r->nb, p))
			free(p);
		else
			w.root[w.n++] = p;
	}
	if (w.n)
		rc = br_store_write(r->ws->store, put_roots, &w, err);
	while (w.n)
		free(w.root[--w.n]);
	free(w.root);
	return rc;
}

/* With --since-commit the sync looks at what git names, and at nothing else. */
static int select_changed(struct path_list *changed, struct br_ingest_opts *o, const char *const *path, size_t n, struct br_err *err)
{
	int rc = 0;

	if (!o->since_commit)
		return 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		if (br_is_dir(path[i])) /* the plan tells of others what is wrong */
			rc = git_changed(changed, path[i], o->since_commit, err);
	path_list_sort(changed);
	o->only = changed->v.v;
	o->n_only = changed->v.n;
	return rc;
}

static int sync_folders(struct run *r, const char *const *path, size_t n, struct br_err *err)
{
	struct br_ingest_opts opts = *r->opts;
	struct path_list changed = { 0 };
	struct plan plan = { 0 };
	int rc = select_changed(&changed, &opts, path, n, err);

	if (rc == 0)
		rc = plan_make(&plan, r->ws, r->nb, path, n, &opts, true, err);

	if (rc == 0 && r->opts->plan)
		rc = tell_plan(r, &plan, err);
	else if (rc == 0) {
		if ((rc = remember_roots(r, path, n, err)) == 0) { /* first, so that an interrupted sync can be gone on with */
			tell_unchanged(r, &plan);
			rc = finish(r, run_plan(r, &plan, err), err);
		}
		if (rc == 0)
			rc = delete_gone(r, &plan, err);
	}
	plan_release(&plan);
	path_list_release(&changed);
	return rc;
}

static int sync_again(struct run *r, struct br_err *err)
{
	size_t n = r->nb->roots.n;
	const char **path = br_allocn(n + 1, sizeof *path);
	int rc;

	for (size_t i = 0; i < n; i++) {
		char *file = doc_file_of(r->ws, r->nb->roots.v[i]);
		path[i] = br_arena_strdup(&r->arena, file);
		free(file);
	}
	rc = n ? sync_folders(r, path, n, err) : br_fail(err, BR_EUSAGE, "no folder was synced into notebook '%s' before; name one", r->nb->name);
	free(path);
	return rc;
}

int br_sync(struct br_ingest_stats *stats, struct br_ws *ws, const char *const *path, size_t n, const struct br_ingest_opts *opts, struct br_err *err)
{
	int64_t began = br_mono_ns();
	struct run r;
	int rc = run_begin(&r, stats, ws, opts, err);

	if (rc == 0)
		rc = n ? sync_folders(&r, path, n, err) : sync_again(&r, err);
	run_end(&r);
	return result(stats, ws, rc, began, err);
}

/* ---- upload ---- */

struct upload { struct run *r; const char *path; struct br_slice bytes; struct br_doc doc; enum br_action outcome; };

static int put_upload(struct br_txn *t, void *arg, struct br_err *err)
{
	struct upload *u = arg;
	struct br_arena a = { 0 };
	struct br_doc d = u->doc, *old;
	struct br_nb *nb;
	uint32_t num;
	int rc = nb_load(&nb, &a, t, u->r->nb->nb, err);

	u->outcome = BR_ACT_ADD;
	if (rc <= 0 || (rc = object_keep(u->r->ws, d.sha, u->bytes, err)) < 0)
		goto out;
	if ((rc = doc_by_path(&num, t, nb->nb, d.path, err)) < 0)
		goto out;
	if (rc) {
		if ((rc = br_doc_get(&old, &a, t, nb->nb, num, err)) < 0)
			goto out;
		u->outcome = memcmp(old->sha, d.sha, sizeof d.sha) ? BR_ACT_CHANGE : BR_ACT_KEEP;
		if (u->outcome == BR_ACT_KEEP || (rc = doc_forget(t, nb, &a, old, err)) < 0)
			goto out;
		memcpy(d.id, old->id, sizeof d.id);
	}
	d.doc = nb->next_doc++;
	if ((rc = doc_put(t, nb->nb, &d, err)) == 0)
		rc = nb_store(t, nb, err);
out:
	br_arena_release(&a);
	return rc < 0 ? rc : 0;
}

static int upload_bytes(struct upload *u, struct br_slice bytes, struct br_err *err)
{
	const struct br_ingest_opts *o = u->r->opts;

	u->bytes = bytes;
	u->doc = (struct br_doc){ .origin = BR_FROM_UPLOAD, .state = BR_DOC_UPLOADED, .path = (char *)u->path, .size = bytes.len,
		.title = (char *)o->title, .meta = (char *)o->meta, .created = br_now(), .seen_ns = br_now_ns() };
	br_uuid_ordered(u->doc.id, u->doc.seen_ns / 1000000);
	br_sha256(u->doc.sha, bytes.ptr, bytes.len);
	return br_store_write(u->r->ws->store, put_upload, u, err);
}

static int upload_one(struct run *r, const char *path, struct br_err *err)
{
	bool in = !strcmp(path, "-");
	struct br_buf b = BR_BUF_INIT(BR_MAX_FILE);
	struct upload u = { .r = r, .path = in ? (r->opts->stdin_name ? r->opts->stdin_name : "stdin") : br_path_base(path) };
	struct br_event e = { .path = u.path };
	struct br_err why = { 0 };
	int rc = in ? br_fd_read(&b, 0, BR_MAX_FILE, u.path, &why) : br_file_read(&b, path, BR_MAX_FILE, &why);

	if (rc < 0) {
		e.action = BR_ACT_FAIL;
		e.reason = why.msg;
		tell(r->commit.stats, r->opts, &e);
	} else if ((rc = upload_bytes(&u, br_buf_slice(&b), err)) == 0) {
		e.action = u.outcome;
		e.size = b.len;
		tell(r->commit.stats, r->opts, &e);
		r->commit.stats->bytes += b.len;
	} else {
		br_buf_release(&b);
		return rc;
	}
	br_buf_release(&b);
	return br_check_stop(err);
}

int br_upload(struct br_ingest_stats *stats, struct br_ws *ws, const char *const *path, size_t n, const struct br_ingest_opts *opts, struct br_err *err)
{
	int64_t began = br_mono_ns();
	struct run r;
	int rc = run_begin(&r, stats, ws, opts, err);

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = upload_one(&r, path[i], err);
	run_end(&r);
	return result(stats, ws, rc, began, err);
}
