/* `br status`: what is indexed, and how fresh it is. */
#include "cmd.h"

#include <stdlib.h>

#define FRESHNESS_NS 2000000000 /* for each notebook */

struct nb_status {
	uint64_t failed, uploaded;
	struct br_freshness fresh;
};
struct state {
	struct br_cli *c;
	struct br_txn *t;
	struct br_json j;
	struct br_columns table;
	const char *current, *only; /* only: name or NULL */
	uint64_t failed, jobs[BR_JOB_ERROR + 1]; /* by state */
	uint64_t paths[BR_PATH_COUNT], answers; /* for tenants, by what gave them; all */
	bool stale;
	int64_t now;
	struct br_err *err;
};

static int count_doc(const struct br_doc *d, void *arg)
{
	struct nb_status *s = arg;

	s->failed += d->state == BR_DOC_FAILED;
	s->uploaded += d->state == BR_DOC_UPLOADED;
	return 0;
}

static void add_json(struct br_json *j, const struct br_nb *nb, const struct nb_status *s, bool current)
{
	char iso[32];
	size_t i;

	br_json_obj(j);
	br_json_kstr(j, "id", nb->id);
	br_json_kstr(j, "name", nb->name);
	br_json_kbool(j, "current", current);
	br_json_kuint(j, "docs", nb->docs);
	br_json_kuint(j, "failed", s->failed);
	br_json_kuint(j, "uploaded", s->uploaded);
	br_json_kuint(j, "chunks", nb->chunks);
	br_json_kuint(j, "text_bytes", nb->text_bytes);
	br_json_kuint(j, "source_bytes", nb->source_bytes);
	br_json_kuint(j, "generation", nb->generation);
	br_time_iso(iso, s->fresh.indexed_at);
	br_json_kstr(j, "indexed_at", s->fresh.indexed_at ? iso : NULL);
	br_json_key(j, "sources");
	br_json_obj(j);
	br_json_kuint(j, "checked", s->fresh.checked);
	br_json_kuint(j, "changed", s->fresh.changed);
	br_json_kuint(j, "missing", s->fresh.missing);
	br_json_kbool(j, "complete", s->fresh.complete);
	br_json_end(j);
	br_json_key(j, "folders");
	br_json_arr(j);
	for (i = 0; i < nb->roots.n; i++)
		br_json_str(j, nb->roots.v[i]);
	br_json_end(j);
	br_json_end(j);
}

static void add_freshness(struct br_columns *t, const struct br_freshness *f)
{
	const char *least = f->complete ? "" : "at least ";

	if (!f->checked)
		br_columns_add(t, BR_DIM, "no files");
	else if (!f->changed && !f->missing)
		br_columns_add(t, BR_GOOD, "%s", f->complete ? "up to date" : "up to date as far as checked");
	else if (!f->missing)
		br_columns_add(t, BR_WARN, "%s%s changed", least, br_human_count(f->changed).s);
	else if (!f->changed)
		br_columns_add(t, BR_WARN, "%s%s missing", least, br_human_count(f->missing).s);
	else
		br_columns_add(t, BR_WARN, "%s%s changed, %s missing", least, br_human_count(f->changed).s,
		               br_human_count(f->missing).s);
}

static void add_row(struct state *s, const struct br_nb *nb, const struct nb_status *st, bool current)
{
	struct br_columns *t = &s->table;

	br_columns_add(t, current ? BR_GOOD : BR_PLAIN, "%s %s", current ? "*" : " ", nb->name);
	br_columns_add(t, BR_PLAIN, "%s", br_human_count(nb->docs).s);
	br_columns_add(t, BR_PLAIN, "%s", br_human_count(nb->chunks).s);
	br_columns_add(t, BR_PLAIN, "%s", br_human_bytes(nb->text_bytes).s);
	br_columns_add(t, BR_PLAIN, "%s", br_human_age(st->fresh.indexed_at, s->now).s);
	add_freshness(t, &st->fresh);
	s->failed += st->failed;
	s->stale |= st->fresh.changed || st->fresh.missing;
}

static int each_notebook(const struct br_nb *nb, void *arg)
{
	struct state *s = arg;
	struct nb_status st = { 0 };
	bool current = s->current && !strcmp(s->current, nb->name);
	int rc;

	if (s->only && strcmp(s->only, nb->name))
		return 0;
	if ((rc = br_doc_each(s->t, nb->nb, count_doc, &st, s->err)) < 0 ||
	    (rc = br_freshness(&st.fresh, s->t, s->c->ws, nb, FRESHNESS_NS, s->err)) < 0)
		return rc;
	if (s->c->opt.json)
		add_json(&s->j, nb, &st, current);
	else
		add_row(s, nb, &st, current);
	return 0;
}

static void head_json(struct state *s)
{
	const struct br_ws *ws = s->c->ws;
	const struct br_model_info *m = br_model_info(ws->model);

	br_json_init(&s->j, br_out_json(&s->c->out), false);
	br_json_obj(&s->j);
	br_json_kint(&s->j, "v", 1);
	br_json_kstr(&s->j, "workspace", ws->dir);
	br_json_kstr(&s->j, "root", ws->root);
	br_json_kuint(&s->j, "bytes", br_store_bytes(ws->store));
	br_json_kuint(&s->j, "generation", br_txn_generation(s->t));
	br_json_key(&s->j, "model");
	br_json_obj(&s->j);
	br_json_kstr(&s->j, "id", m->id);
	br_json_kuint(&s->j, "dimensions", m->dim);
	br_json_end(&s->j);
	br_json_kstr(&s->j, "untrusted_settings", br_config_ignored(ws->config));
	br_json_key(&s->j, "notebooks");
	br_json_arr(&s->j);
}

static void head_text(struct state *s)
{
	static const char *const titles[] = { "  notebook", "documents", "passages", "text", "indexed", "sources" };
	const struct br_ws *ws = s->c->ws;
	struct br_columns t = { .align = "ll" };
	size_t i;

	br_columns_add(&t, BR_DIM, "workspace");
	br_columns_add(&t, BR_PLAIN, "%s (%s, generation %s)", ws->dir, br_human_bytes(br_store_bytes(ws->store)).s,
	               br_human_count(br_txn_generation(s->t)).s);
	br_columns_add(&t, BR_DIM, "model");
	br_columns_add(&t, BR_PLAIN, "%s", br_model_info(ws->model)->id);
	br_columns_print(&s->c->out, &t);
	br_out_s(&s->c->out, "\n");
	for (i = 0; i < BR_COUNT(titles); i++)
		br_columns_add(&s->table, BR_DIM, "%s", titles[i]);
}

/* What a server does in the background, or would go on with. */
static int count_job(const struct br_job_info *job, void *arg)
{
	struct state *s = arg;

	s->jobs[job->state]++;
	return 0;
}

static void jobs_json(struct state *s)
{
	br_json_key(&s->j, "jobs");
	br_json_obj(&s->j);
	for (int i = 0; i <= BR_JOB_ERROR; i++)
		br_json_kuint(&s->j, br_job_state_name((enum br_job_state)i), s->jobs[i]);
	br_json_end(&s->j);
}

static bool has_jobs(const struct state *s)
{
	return s->jobs[BR_JOB_PENDING] || s->jobs[BR_JOB_PROCESSING] || s->jobs[BR_JOB_ERROR];
}

static void paths_json(struct state *s)
{
	br_json_key(&s->j, "answers");
	br_json_obj(&s->j);
	for (int i = 0; i < BR_PATH_COUNT; i++)
		br_json_kuint(&s->j, br_path_name((enum br_path)i), s->paths[i]);
	br_json_end(&s->j);
}

static void paths_text(struct state *s)
{
	const char *before = "";

	if (!s->answers)
		return;
	br_out_f(&s->c->out, "\nanswers for tenants: ");
	for (int i = 0; i < BR_PATH_COUNT; i++)
		if (s->paths[i]) {
			br_out_f(&s->c->out, "%s%s %s", before, br_human_count(s->paths[i]).s, br_path_name((enum br_path)i));
			before = ", ";
		}
	br_out_s(&s->c->out, "\n");
}

static void tail(struct state *s)
{
	struct br_out *o = &s->c->out;

	if (s->c->opt.json) {
		br_json_end(&s->j);
		jobs_json(s);
		if (s->answers)
			paths_json(s);
		br_json_end(&s->j);
		br_out_line(o);
		return;
	}
	br_columns_print(o, &s->table);
	paths_text(s);
	if (s->failed || s->stale || has_jobs(s))
		br_out_s(o, "\n");
	if (has_jobs(s))
		br_out_f(o, "jobs of 'br serve': %s pending, %s in work, %s failed\n", br_human_count(s->jobs[BR_JOB_PENDING]).s,
		         br_human_count(s->jobs[BR_JOB_PROCESSING]).s, br_human_count(s->jobs[BR_JOB_ERROR]).s);
	if (s->failed)
		br_out_f(o, "%s %s could not be indexed: 'br docs list --failed' tells why\n", br_human_count(s->failed).s,
		         br_plural(s->failed, "document", "documents"));
	if (s->stale)
		br_out_s(o, "'br sync' brings the index up to date\n");
}

static int status_run(struct br_cli *c, struct br_err *err)
{
	struct state s = { .c = c, .table = { .align = "lrrrll" }, .now = br_now(), .err = err };
	char *current = NULL;
	struct br_nb *nb;
	int rc;

	if ((rc = br_audit_sums(s.paths, c->ws, NULL, err)) < 0 || (rc = br_cli_notebook(&nb, &s.t, c, err)) < 0)
		return rc;
	for (int i = 0; i < BR_PATH_COUNT; i++)
		s.answers += s.paths[i];
	s.only = c->opt.notebook && c->opt.notebook[0] ? nb->name : NULL;
	s.current = br_nb_current(&current, s.t);
	if (c->opt.json)
		head_json(&s);
	else
		head_text(&s);
	rc = br_nb_each(s.t, each_notebook, &s, err);
	if (rc == 0)
		rc = br_job_each(s.t, s.only ? nb->nb : 0, count_job, &s, err);
	if (rc == 0)
		tail(&s);
	else
		br_buf_reset(br_out_json(&c->out));
	br_vec_release(&s.table.cells);
	br_arena_release(&s.table.arena);
	br_txn_end(s.t);
	free(current);
	return rc;
}

static const struct br_example examples[] = {
	{ "br status", "all notebooks" },
	{ "br status --json", "for scripts" },
	{ NULL },
};
const struct br_cmd br_cmd_status = {
	.name = "status", .group = "workspace", .summary = "show what is indexed and how fresh it is",
	.flags = BR_CMD_WS, .run = status_run, .examples = examples,
};
