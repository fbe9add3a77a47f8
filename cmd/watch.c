/* `br watch`: keeps a notebook equal to folders as they change. Between two batches nothing is held: others read and write. */
#include "load.h"

#include <stdlib.h>
#include <time.h>

enum { QUIET_MS = 200, MOST_MS = 2000 };

static const struct br_opt opts[] = {
	BR_LOAD_POLL_OPT,
	BR_LOAD_NICE_OPT,
	BR_LOAD_WALK_OPTS,
	BR_OPT_END,
};

struct roots { BR_VEC(const char *) v; };

static void add_root(struct roots *r, struct br_arena *a, char *path)
{
	*br_vec_push(&r->v) = br_arena_strdup(a, path);
	free(path);
}

/* The operands, or the folders of earlier syncs; absolute. */
static int find_roots(struct roots *r, struct br_cli *c, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc;

	for (size_t i = 0; i < c->n; i++)
		add_root(r, &c->arena, br_path_abs(c->operand[i]));
	if (c->n)
		return 0;
	if ((rc = br_cli_notebook(&nb, &t, c, err)) < 0)
		return rc;
	for (size_t i = 0; i < nb->roots.n; i++)
		add_root(r, &c->arena, br_path_join(c->ws->root, nb->roots.v[i]));
	br_txn_end(t);
	return r->v.n ? 0 : br_fail(err, BR_EUSAGE, "no folder was synced into notebook '%s' before; name one", nb->name);
}

static void tell_ready(struct br_load *l, const struct br_watch *w)
{
	struct br_out *o = &l->c->out;
	uint64_t n = br_watch_folders(w);
	struct br_json j;

	if (!l->c->opt.json && l->p->poll) {
		br_note(o, "looking every %lld s; Ctrl-C ends it", (long long)l->p->poll);
		return;
	}
	if (!l->c->opt.json) {
		br_note(o, "watching %s %s; Ctrl-C ends it", br_human_count(n).s, br_plural(n, "folder", "folders"));
		return;
	}
	br_json_init(&j, br_out_json(o), false);
	br_json_obj(&j);
	br_json_kstr(&j, "event", "watch");
	br_json_kuint(&j, "folders", n);
	br_json_kbool(&j, "poll", l->p->poll > 0);
	br_json_end(&j);
	br_out_line(o);
	br_out_flush(o);
}

static bool did_something(const struct br_ingest_stats *s)
{
	for (int a = 0; a < BR_ACT_COUNT; a++)
		if (a != BR_ACT_KEEP && a != BR_ACT_SKIP && s->count[a])
			return true;
	return false;
}

/* One sync. changes NULL: of everything. */
static int sync_once(struct br_load *l, const struct roots *r, const struct br_watch_changes *changes, struct br_err *err)
{
	struct br_ingest_stats stats = { 0 };
	struct br_ingest_opts o;
	int rc;

	br_load_options(&o, l);
	if (changes && !changes->all) {
		o.only = changes->path;
		o.n_only = changes->n;
	}
	rc = br_sync(&stats, l->c->ws, r->v.v, r->v.n, &o, err);
	if (rc < 0 && rc != -BR_EPARTIAL)
		return rc;
	if (!changes || did_something(&stats))
		rc = br_load_finish(l, &stats, rc, err);
	br_out_flush(&l->c->out);
	return rc < 0 && rc != -BR_EPARTIAL ? rc : 0;
}

/* Somebody else writes for longer than --wait: said once, tried until it goes. Nothing is lost, for all is looked at then. */
static int sync_patiently(struct br_load *l, const struct roots *r, struct br_watch_changes *changes, struct br_err *err)
{
	bool told = false;
	int rc;

	while ((rc = sync_once(l, r, changes, err)) == -BR_ELOCKED) {
		if (!told)
			br_warn(&l->c->out, "%s; trying again", err->msg);
		told = true;
		changes->all = true;
		nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
		if ((rc = br_check_stop(err)) < 0)
			break;
	}
	return rc;
}

static int watch(struct br_load *l, const struct roots *r, struct br_watch *w, struct br_err *err)
{
	struct br_watch_changes changes;
	int rc = sync_once(l, r, NULL, err);

	if (rc < 0)
		return rc;
	tell_ready(l, w);
	l->changes_only = true;
	while ((rc = br_watch_wait(w, &changes, err)) == 0)
		if ((rc = sync_patiently(l, r, &changes, err)) < 0)
			break;
	return rc;
}

int br_watch_run(struct br_cli *c, struct br_err *err)
{
	const struct br_load_params *p = c->params;
	struct br_watch_opts o = { .walk = { .hidden = p->hidden, .no_ignore = p->no_ignore, .exclude = p->exclude.v },
		.quiet_ms = QUIET_MS, .most_ms = MOST_MS, .poll_ms = p->poll * 1000 };
	struct br_load l = { .c = c, .p = p, .doing = "syncing", .changes_only = c->opt.json };
	struct br_watch *w = NULL;
	struct roots roots = { 0 };
	int rc = find_roots(&roots, c, err);

	/* Watched first, then synced: what changes in between is in the first batch. */
	if (rc == 0 && (rc = br_watch_open(&w, roots.v.v, roots.v.n, &o, err)) == 0)
		rc = watch(&l, &roots, w, err);
	if (rc == -BR_ETOOBIG && !w)
		br_cli_hint(c, "'sysctl fs.inotify.max_user_watches=1048576' raises it; --poll 10 does without");
	br_watch_close(w);
	br_vec_release(&roots.v);
	return rc == -BR_ECANCELLED ? 0 : rc; /* the ordinary end */
}

static const struct br_example examples[] = {
	{ "br watch docs", "sync this folder now and whenever something in it changes" },
	{ "br watch --json", "the folders of earlier syncs; events as JSON, one a line" },
	{ NULL },
};
const struct br_cmd br_cmd_watch = {
	.name = "watch", .group = "documents", .summary = "keep a notebook equal to folders as they change",
	.operands = "[<dir>...]", .max = -1, .complete = BR_C_DIR,
	.opts = opts, .params_size = sizeof(struct br_load_params),
	.flags = BR_CMD_WS | BR_CMD_LONG | BR_CMD_STREAM, .run = br_watch_run, .examples = examples,
};
