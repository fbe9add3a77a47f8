/*
 * `br index`: vector indexes by hand, and what sync and ingest do about them when they end: a build that is due is started in
 * the background, as `br index build --auto`.
 */
#include "index.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- showing an index ---- */

static void index_json(struct br_json *j, const struct br_vindex_state *s)
{
	br_json_key(j, "index");
	if (!s->name[0]) {
		br_json_null(j);
		return;
	}
	br_json_obj(j);
	br_json_kstr(j, "file", s->name);
	br_json_kstr(j, "kind", br_ann_kind_name(s->file.kind));
	br_json_kstr(j, "factory", s->file.factory);
	br_json_kuint(j, "bytes", s->bytes);
	br_json_kuint(j, "generation", s->generation);
	br_json_kuint(j, "passages", s->file.rows);
	br_json_kuint(j, "vectors", s->file.vectors);
	br_json_kuint(j, "newer", s->newer);
	br_json_kuint(j, "deleted", s->dead);
	br_json_kuint(j, "lists", s->file.lists);
	br_json_kuint(j, "effort_10", s->file.effort[0]);
	br_json_kuint(j, "effort_100", s->file.effort[1]);
	br_json_knum(j, "recall_10", s->file.recall[0], 4);
	br_json_knum(j, "recall_100", s->file.recall[1], 4);
	br_json_end(j);
}

static void state_json(struct br_json *j, const char *notebook, const struct br_vindex_state *s)
{
	br_json_kstr(j, "notebook", notebook);
	br_json_kbool(j, "wanted", s->wanted);
	br_json_kbool(j, "due", s->due);
	br_json_kstr(j, "why", s->why[0] ? s->why : NULL);
	index_json(j, s);
}

/* "ivf, 120,000 vectors, 33 MB, finds 98.6 % of the best 10 and 98.1 % of the best 100" */
static void add_index(struct br_buf *b, const struct br_vindex_state *s)
{
	br_buf_addf(b, "%s, %s %s, %s", br_ann_kind_name(s->file.kind), br_human_count(s->file.vectors).s,
	            br_plural(s->file.vectors, "vector", "vectors"), br_human_bytes(s->bytes).s);
	br_buf_addf(b, ", finds %.1f %% of the best 10 and %.1f %% of the best 100", 100 * s->file.recall[0], 100 * s->file.recall[1]);
	if (s->newer)
		br_buf_addf(b, ", %s newer", br_human_count(s->newer).s);
	if (s->dead)
		br_buf_addf(b, ", %s deleted", br_human_count(s->dead).s);
}

static void state_text(struct br_out *o, const char *notebook, const struct br_vindex_state *s)
{
	struct br_buf b = BR_BUF_INIT(4096);

	if (s->name[0])
		add_index(&b, s);
	else
		br_buf_adds(&b, "no index");
	if (s->why[0])
		br_buf_addf(&b, "; %s%s", s->due ? "one is due: " : "", s->why);
	br_out_styled(o, BR_BOLD, notebook);
	br_out_f(o, ": %s\n", b.ptr);
	br_buf_release(&b);
}

/* ---- status ---- */

struct status { struct br_cli *c; struct br_txn *t; struct br_json *j; struct br_err *err; };

static int status_one(const struct br_nb *nb, void *arg)
{
	struct status *s = arg;
	struct br_vindex_state state;
	int rc = br_vindex_state(&state, s->c->ws, s->t, nb, s->err);

	if (rc < 0)
		return rc;
	if (s->c->opt.json) {
		br_json_obj(s->j);
		state_json(s->j, nb->name, &state);
		br_json_end(s->j);
	} else {
		state_text(&s->c->out, nb->name, &state);
	}
	return 0;
}

static int status_run(struct br_cli *c, struct br_err *err)
{
	struct br_json j;
	struct status s = { c, NULL, &j, err };
	struct br_nb *nb;
	int rc = br_cli_notebook(&nb, &s.t, c, err);

	if (rc < 0)
		return rc;
	br_json_init(&j, br_out_json(&c->out), false);
	if (c->opt.json) {
		br_json_obj(&j);
		br_json_kint(&j, "v", 1);
		br_json_kstr(&j, "faiss", br_ann_faiss(NULL));
		br_json_key(&j, "notebooks");
		br_json_arr(&j);
	}
	rc = c->opt.notebook && c->opt.notebook[0] ? status_one(nb, &s) : br_nb_each(s.t, status_one, &s, err);
	if (c->opt.json && rc == 0) {
		br_json_end(&j);
		br_json_end(&j);
		br_out_line(&c->out);
	} else if (c->opt.json) {
		br_buf_reset(br_out_json(&c->out));
	}
	br_txn_end(s.t);
	return rc;
}

/* ---- build ---- */

struct build_params { const char *kind; bool force, automatic; };
static const struct br_opt build_opts[] = {
	{ "kind", 'k', BR_AT_STR(struct build_params, kind), "kind", "build this kind, instead of what ann.kind says",
	  .choices = "flat|sq8|ivf|hnsw|pq" },
	{ "force", 'f', BR_AT_BOOL(struct build_params, force), NULL, "build even when nothing changed" },
	{ "auto", 0, BR_AT_BOOL(struct build_params, automatic), NULL, "in the background, and only what is due; sync and ingest start this" },
	BR_OPT_END,
};

struct progress { struct br_cli *c; const char *doing; };

static void on_progress(const char *doing, double share, void *arg)
{
	struct progress *p = arg;
	struct br_progress bar = { .bytes_done = (uint64_t)(share * 1000), .bytes_total = 1000 };

	if (p->doing != doing)
		p->c->out.bar.start_ns = 0; /* each step has its own pace */
	p->doing = doing;
	br_bar_show(&p->c->out, doing, &bar);
}

/* 1 built, 0 nothing to do. */
static int build(struct br_vindex_state *state, double *seconds, struct br_cli *c, const struct build_params *p, struct br_err *err)
{
	struct progress progress = { .c = c };
	struct br_vindex_opts o = {
		.kind = p->kind, .force = p->force, .only_due = p->automatic, .wait_ms = p->automatic ? 0 : c->opt.wait * 1000,
		.progress = on_progress, .arg = &progress,
	};
	int64_t start = br_mono_ns();
	int rc = br_vindex_build(state, c->ws, c->opt.notebook, &o, err);

	br_bar_hide(&c->out);
	*seconds = (double)(br_mono_ns() - start) / 1e9;
	return rc;
}

static void tell_built(struct br_cli *c, const struct br_vindex_state *s, double seconds)
{
	struct br_buf b = BR_BUF_INIT(4096);

	add_index(&b, s);
	br_out_f(&c->out, "built %s in %s\n", b.ptr, br_human_seconds(seconds).s);
	br_buf_release(&b);
}

static void tell_nothing(struct br_cli *c, const struct br_vindex_state *s)
{
	if (s->why[0])
		br_out_f(&c->out, "nothing to build: %s\n", s->why);
	else
		br_out_s(&c->out, "nothing to build: the index is up to date\n");
}

static int build_json(struct br_cli *c, const struct br_vindex_state *s, bool built, double seconds, struct br_err *err)
{
	struct br_json j;
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_cli_notebook(&nb, &t, c, err);

	if (rc < 0)
		return rc;
	br_txn_end(t);
	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kint(&j, "v", 1);
	br_json_kbool(&j, "built", built);
	state_json(&j, nb->name, s);
	br_json_knum(&j, "took_ms", seconds * 1000, 1);
	br_json_end(&j);
	br_out_line(&c->out);
	return 0;
}

/*
 * Goes on alone: a session and a low priority of its own, nothing inherited that somebody might wait for. The one who started it
 * goes on at once. Before anything is opened: neither the data file nor threads survive a fork.
 */
static int detach(struct br_err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = null < 0 ? -1 : fork();

	if (pid < 0)
		return br_fail_errno(err, BR_EIO, "cannot go into the background");
	if (pid > 0)
		_exit(0);
	setsid();
	setpriority(PRIO_PROCESS, 0, 10);
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) < 0)
			_exit(1);
	close_range(3, ~0u, 0);
	return 0;
}

static int build_run(struct br_cli *c, struct br_err *err)
{
	const struct build_params *p = c->params;
	struct br_vindex_state s;
	double seconds;
	int rc;

	if ((p->automatic && (rc = detach(err)) < 0) || (rc = br_cli_open(c, err)) < 0 || (rc = build(&s, &seconds, c, p, err)) < 0)
		return rc;
	if (c->opt.json)
		return build_json(c, &s, rc > 0, seconds, err);
	if (rc > 0 && !c->opt.quiet)
		tell_built(c, &s, seconds);
	else if (!c->opt.quiet)
		tell_nothing(c, &s);
	return 0;
}

/* ---- drop ---- */

static int drop_run(struct br_cli *c, struct br_err *err)
{
	int n = br_vindex_drop(c->ws, c->opt.notebook, err);
	struct br_json j;

	if (n < 0)
		return n;
	if (c->opt.json) {
		br_json_init(&j, br_out_json(&c->out), false);
		br_json_obj(&j);
		br_json_kint(&j, "v", 1);
		br_json_kint(&j, "removed", n);
		br_json_end(&j);
		br_out_line(&c->out);
	} else if (!c->opt.quiet) {
		br_out_f(&c->out, "%d %s removed\n", n, br_plural((uint64_t)n, "index", "indexes"));
	}
	return 0;
}

/* ---- after sync and ingest ---- */

static void start_background(struct br_cli *c, const char *nb_id)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	const char *argv[] = { self, "--workspace", c->dir, "-n", nb_id, "index", "build", "--auto", NULL };
	struct br_child child;
	struct br_err err;

	self[n > 0 ? n : 0] = 0;
	if (br_child_start(&child, argv, (const char *const *)environ, false, &err) < 0)
		br_log(BR_LOG_WARN, "no vector index is built: %s", err.msg);
	else
		br_child_end(&child, false);
}

static void build_now(struct br_cli *c)
{
	const struct build_params p = { .automatic = true };
	struct br_vindex_state s;
	struct br_err err;
	double seconds;
	int rc = build(&s, &seconds, c, &p, &err);

	if (rc < 0)
		br_warn(&c->out, "no vector index was built: %s", err.msg);
	else if (rc > 0)
		br_note(&c->out, "built a vector index (%s) in %s", br_ann_kind_name(s.file.kind), br_human_seconds(seconds).s);
}

void br_index_after_load(struct br_cli *c)
{
	const char *mode = br_config_get(c->config, "ann.auto", NULL);
	struct br_vindex_state s = { 0 };
	char id[37] = "";
	struct br_txn *t;
	struct br_nb *nb;
	struct br_err err;

	if (!strcmp(mode, "false") || br_cli_notebook(&nb, &t, c, &err) < 0)
		return;
	memcpy(id, nb->id, sizeof id);
	if (br_vindex_wanted(c->ws, nb) && br_vindex_state(&s, c->ws, t, nb, &err) < 0)
		br_log(BR_LOG_WARN, "vector index: %s", err.msg);
	br_txn_end(t);
	if (!s.due || !br_ann_faiss(NULL))
		return;
	if (!strcmp(mode, "wait"))
		build_now(c);
	else
		start_background(c, id);
}

/* ---- the tables ---- */

static const struct br_cmd build_cmd = {
	.name = "build", .summary = "build the index of a notebook", .opts = build_opts, .params_size = sizeof(struct build_params),
	.flags = BR_CMD_MAY_WS | BR_CMD_LONG, .run = build_run,
};
static const struct br_cmd status_cmd = {
	.name = "status", .summary = "show the indexes, and whether one is due", .flags = BR_CMD_WS, .run = status_run,
};
static const struct br_cmd drop_cmd = {
	.name = "drop", .summary = "remove the index of a notebook", .flags = BR_CMD_WS, .run = drop_run,
};
static const struct br_cmd *const subs[] = { &build_cmd, &status_cmd, &drop_cmd, NULL };
static const struct br_example examples[] = {
	{ "br index status", "the index of each notebook" },
	{ "br index build", "bring it up to date now" },
	{ "br index build --kind hnsw -n papers", "a graph, for this notebook" },
	{ NULL },
};
const struct br_cmd br_cmd_index = {
	.name = "index", .group = "care", .summary = "build and look at vector indexes for large notebooks",
	.operands = "build|status|drop", .sub = subs, .examples = examples,
};
