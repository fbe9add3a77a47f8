/*
 * br enhance - contexts for passages: written, looked at, published, reset.
 */
#include "cmd.h"

#include <stdlib.h>

/* ---- --files: globs over paths ---- */

struct files { BR_VEC(struct br_rx *) rx; uint64_t matched; };

static void files_release(struct files *f)
{
	for (size_t i = 0; i < f->rx.n; i++)
		br_rx_free(f->rx.v[i]);
	br_vec_release(&f->rx);
}

static int files_compile(struct files *f, const struct br_list *globs, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < globs->n && rc == 0; i++) {
		char *pattern = br_rx_from_glob(globs->v[i]);
		struct br_rx *rx;
		if ((rc = br_rx_new(&rx, pattern, 0, err)) == 0)
			*br_vec_push(&f->rx) = rx;
		free(pattern);
	}
	return rc;
}

static bool wants(const struct br_doc *d, void *arg)
{
	struct files *f = arg;

	for (size_t i = 0; i < f->rx.n; i++)
		if (br_rx_match(f->rx.v[i], br_slice_str(d->path), 0, NULL, 0, NULL) > 0) {
			f->matched++;
			return true;
		}
	f->matched += !f->rx.n;
	return !f->rx.n;
}

/* A glob that no document fits is a mistake rather than nothing to do. */
static int files_found(const struct files *f, const struct br_list *globs, struct br_err *err)
{
	if (!f->rx.n || f->matched)
		return 0;
	return br_fail(err, BR_ENOTFOUND, "no document matches '%s'%s", globs->v[0], globs->n > 1 ? " or the others" : "");
}

#define FILES_OPT(T) \
	{ "files", 'f', BR_AT_LIST(T, files), "glob", "only documents whose path fits; may be given more than once" }

static struct br_json json_begin(struct br_cli *c)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	return j;
}

static void json_end(struct br_cli *c, struct br_json *j)
{
	br_json_end(j);
	br_out_line(&c->out);
}

static void json_cost(struct br_json *j, double cost)
{
	br_json_key(j, "cost");
	if (cost < 0)
		br_json_null(j);
	else
		br_json_num(j, cost, 6);
}

/* ---- run ---- */

struct run_params { struct br_list files; int64_t limit; const char *model; bool plan; };
static const struct br_opt run_opts[] = {
	FILES_OPT(struct run_params),
	{ "limit", 0, BR_AT_INT(struct run_params, limit), "n", "at most n passages in this run; 0 is all", .dflt = "0", .min = 0, .max = 4e9 },
	{ "model", 0, BR_AT_STR(struct run_params, model), "when", "let the language model write: auto, if one is configured; off, never; on, or fail",
	  .dflt = "auto", .choices = "auto|on|off" },
	{ "plan", 0, BR_AT_BOOL(struct run_params, plan), NULL, "tell what it would take, and ask nobody; exit 4" },
	BR_OPT_END,
};

static void on_event(const struct br_enhance_event *e, void *arg)
{
	struct br_cli *c = arg;
	bool failed = e->ctx->state == BR_CTX_FAILED;
	struct br_json j;

	if (!c->opt.json) {
		if (failed)
			br_warn(&c->out, "no context for passage %u of '%s': %s", e->ordinal + 1, e->doc->path, e->ctx->text);
		return;
	}
	j = json_begin(c);
	br_json_kstr(&j, "event", "chunk");
	br_json_kstr(&j, "path", e->doc->path);
	br_json_kstr(&j, "doc_id", e->doc->id);
	br_json_kuint(&j, "chunk", e->ordinal);
	br_json_kstr(&j, "state", br_ctx_state_name(e->ctx->state));
	br_json_kstr(&j, "error", failed ? e->ctx->text : NULL);
	json_end(c, &j);
}

static void on_progress(const struct br_progress *p, void *arg)
{
	struct br_cli *c = arg;

	br_bar_show(&c->out, "enhancing", p);
}

static void run_json(struct br_cli *c, const struct br_enhance_stats *s, bool plan, int status)
{
	struct br_json j = json_begin(c);

	br_json_kstr(&j, "event", "done");
	br_json_kbool(&j, "plan", plan);
	br_json_kuint(&j, "documents", s->docs);
	br_json_kuint(&j, "todo", s->todo);
	br_json_kuint(&j, "success", s->success);
	br_json_kuint(&j, "failed", s->failed);
	br_json_kuint(&j, "kept", s->kept);
	br_json_kstr(&j, "model", strcmp(s->by, "br") ? s->by : NULL);
	br_json_key(&j, "tokens");
	br_json_obj(&j);
	br_json_kuint(&j, "prompt", s->prompt_tokens);
	br_json_kuint(&j, "completion", s->completion_tokens);
	br_json_end(&j);
	json_cost(&j, s->cost);
	br_json_knum(&j, "took_ms", s->seconds * 1000, 1);
	br_json_kint(&j, "exit", status);
	json_end(c, &j);
}

static void run_text(struct br_cli *c, const struct br_enhance_stats *s, bool plan)
{
	if (!s->todo) {
		br_out_f(&c->out, "nothing to do: %s %s a context\n", br_human_count(s->kept).s, br_plural(s->kept, "passage has", "passages have"));
		return;
	}
	br_out_f(&c->out, plan ? "%s %s to enhance" : "%s %s enhanced", br_human_count(plan ? s->todo : s->success).s,
	         br_plural(plan ? s->todo : s->success, "passage", "passages"));
	if (s->failed)
		br_out_f(&c->out, ", %s failed", br_human_count(s->failed).s);
	if (s->kept)
		br_out_f(&c->out, ", %s had one already", br_human_count(s->kept).s);
	if (s->prompt_tokens)
		br_out_f(&c->out, "; %s: %s%s tokens", s->by, plan ? "about " : "", br_human_count(s->prompt_tokens + s->completion_tokens).s);
	if (s->prompt_tokens && s->cost >= 0)
		br_out_f(&c->out, ", $%.4f", s->cost);
	br_out_s(&c->out, plan ? "\n" : "; 'br enhance publish' makes them count\n");
}

static enum br_enhance_model model_of(const char *word)
{
	return !strcmp(word, "on") ? BR_ENHANCE_ON : !strcmp(word, "off") ? BR_ENHANCE_OFF : BR_ENHANCE_AUTO;
}

static int run_run(struct br_cli *c, struct br_err *err)
{
	const struct run_params *p = c->params;
	struct files f = { 0 };
	struct br_enhance_opts o = { .notebook = c->opt.notebook, .want = wants, .want_arg = &f, .limit = (uint64_t)p->limit, .model = model_of(p->model),
		.plan = p->plan, .event = on_event, .progress = on_progress, .arg = c };
	struct br_enhance_stats s;
	int rc = files_compile(&f, &p->files, err), status;

	if (rc == 0) {
		rc = br_enhance(&s, c->ws, &o, err);
		br_bar_hide(&c->out);
		if (rc == 0)
			rc = files_found(&f, &p->files, err);
		status = rc < 0 ? br_status(err->code) : 0;
		if (s.docs || rc == 0) {
			if (c->opt.json)
				run_json(c, &s, p->plan, status);
			else if (!c->opt.quiet || p->plan)
				run_text(c, &s, p->plan);
		}
		if (rc == -BR_ECHANGES)
			rc = status;
	}
	files_release(&f);
	return rc;
}

/* ---- status ---- */

struct files_params { struct br_list files; };
static const struct br_opt files_opts[] = { FILES_OPT(struct files_params), BR_OPT_END };

struct status { struct br_cli *c; struct br_json j; struct br_columns t; };

static void json_counts(struct br_json *j, const struct br_enhance_count *n)
{
	br_json_kuint(j, "total", n->chunks);
	for (int i = 0; i < BR_CTX_STATES; i++)
		br_json_kuint(j, br_ctx_state_name((enum br_ctx_state)i), n->state[i]);
	br_json_knum(j, "progress_pct", br_enhance_percent(n), 1);
	br_json_kbool(j, "all_terminated", !n->state[BR_CTX_PENDING] && !n->state[BR_CTX_PROCESSING]);
}

static void row(struct br_columns *t, const char *name, const struct br_enhance_count *n)
{
	enum br_style style = n->state[BR_CTX_FAILED] ? BR_BAD : BR_PLAIN;

	br_columns_add(t, BR_PLAIN, "%.0f%%", br_enhance_percent(n));
	br_columns_add(t, BR_PLAIN, "%s", br_human_count(n->chunks).s);
	for (int i = 0; i < BR_CTX_STATES; i++)
		br_columns_add(t, n->state[i] ? i == BR_CTX_FAILED ? style : BR_PLAIN : BR_DIM, "%s", br_human_count(n->state[i]).s);
	br_columns_add(t, BR_PATH, "%s", name);
}

static int status_doc(const struct br_doc *d, const struct br_enhance_count *n, void *arg)
{
	struct status *s = arg;

	if (!s->c->opt.json) {
		row(&s->t, d->path, n);
		return 0;
	}
	br_json_obj(&s->j);
	br_json_kstr(&s->j, "doc_id", d->id);
	br_json_kstr(&s->j, "path", d->path);
	json_counts(&s->j, n);
	br_json_end(&s->j);
	return 0;
}

static int notebook_name(const char **out, struct br_cli *c, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_cli_notebook(&nb, &t, c, err);

	if (rc < 0)
		return rc;
	*out = nb->name;
	br_txn_end(t);
	return 0;
}

static void status_begin(struct status *s, const char *name)
{
	static const char *const heads[] = { "done", "total" };

	if (s->c->opt.json) {
		s->j = json_begin(s->c);
		br_json_kint(&s->j, "v", 1);
		br_json_kstr(&s->j, "notebook", name);
		br_json_kbool(&s->j, "running", br_enhance_running(s->c->ws));
		br_json_key(&s->j, "files");
		br_json_arr(&s->j);
		return;
	}
	s->t.align = "rrrrrrrl";
	for (size_t i = 0; i < BR_COUNT(heads); i++)
		br_columns_add(&s->t, BR_BOLD, "%s", heads[i]);
	for (int i = 0; i < BR_CTX_STATES; i++)
		br_columns_add(&s->t, BR_BOLD, "%s", br_ctx_state_name((enum br_ctx_state)i));
	br_columns_add(&s->t, BR_BOLD, "document");
}

static int status_run(struct br_cli *c, struct br_err *err)
{
	const struct files_params *p = c->params;
	struct status s = { .c = c };
	struct br_enhance_count total;
	struct files f = { 0 };
	const char *name;
	int rc = notebook_name(&name, c, err);

	if (rc == 0 && (rc = files_compile(&f, &p->files, err)) == 0) {
		status_begin(&s, name);
		if ((rc = br_enhance_status(&total, c->ws, c->opt.notebook, wants, &f, status_doc, &s, err)) == 0)
			rc = files_found(&f, &p->files, err);
		if (c->opt.json && rc == 0) {
			br_json_end(&s.j);
			json_counts(&s.j, &total);
			json_end(c, &s.j);
		} else if (!c->opt.json) {
			row(&s.t, "all", &total);
			br_columns_print(&c->out, &s.t);
		}
	}
	files_release(&f);
	return rc;
}

/* ---- show ---- */

struct show { struct br_cli *c; struct br_txn *t; uint32_t nb; const struct br_doc *d; struct br_text_reader *reader; };

static void show_json(struct show *s, uint32_t i, const struct br_ctx *x, struct br_slice text)
{
	bool written = x->state == BR_CTX_SUCCESS || x->state == BR_CTX_EMBEDDED;
	struct br_json j = json_begin(s->c);

	br_json_kstr(&j, "doc_id", s->d->id);
	br_json_kstr(&j, "path", s->d->path);
	br_json_kuint(&j, "chunk", i);
	br_json_kstr(&j, "state", br_ctx_state_name((enum br_ctx_state)x->state));
	br_json_kstr(&j, "context", written ? x->text : NULL);
	br_json_kstr(&j, "error", x->state == BR_CTX_FAILED ? x->text : NULL);
	br_json_kstr(&j, "by", x->by[0] ? x->by : NULL);
	br_json_kuint(&j, "attempts", x->attempts);
	br_json_key(&j, "updated");
	if (x->at) {
		char when[32];
		br_time_iso(when, x->at);
		br_json_str(&j, when);
	} else
		br_json_null(&j);
	br_json_key(&j, "text");
	br_json_strn(&j, text.ptr, text.len);
	json_end(s->c, &j);
}

static void show_text(struct show *s, uint32_t i, const struct br_ctx *x, const struct br_chunk_rec *rec)
{
	struct br_out *o = &s->c->out;

	br_out_f(o, "%spassage %u%s, lines %u-%u: %s%s%s\n", br_out_style(o, BR_BOLD), i + 1, br_out_style(o, BR_PLAIN), rec->line, rec->line_end,
	         br_ctx_state_name((enum br_ctx_state)x->state), x->by[0] ? ", by " : "", x->by);
	if (!x->text[0])
		return;
	br_out_s(o, "  ");
	br_out_text(o, x->text, strlen(x->text));
	br_out_s(o, "\n");
}

static int show_chunk(struct show *s, uint32_t i, const struct br_ctx *x, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_TEXT);
	struct br_chunk_rec rec;
	int rc = br_chunk_get(&rec, s->t, s->nb, s->d->first_chunk + i, err);

	if (rc == 0 && s->c->opt.json)
		rc = br_doc_text(&text, s->reader, s->t, s->nb, s->d->doc, rec.off, rec.len, err);
	if (rc == 0) {
		if (s->c->opt.json)
			show_json(s, i, x, br_buf_slice(&text));
		else
			show_text(s, i, x, &rec);
	}
	br_buf_release(&text);
	return rc;
}

static int show_run(struct br_cli *c, struct br_err *err)
{
	bool running = br_enhance_running(c->ws);
	struct show s = { .c = c };
	struct br_ctx *v;
	struct br_doc *d;
	struct br_nb *nb;
	int rc = br_cli_notebook(&nb, &s.t, c, err);

	if (rc < 0)
		return rc;
	s.nb = nb->nb;
	s.reader = br_text_reader_new();
	if ((rc = br_doc_find(&d, &c->arena, s.t, c->ws, nb->nb, c->operand[0], err)) == 0 &&
	    (rc = br_contexts_get(&v, &c->arena, s.t, nb->nb, d, err)) == 0) {
		s.d = d;
		for (uint32_t i = 0; i < d->chunks && rc == 0; i++) {
			if (v[i].state == BR_CTX_PROCESSING && !running)
				v[i].state = BR_CTX_PENDING;
			rc = show_chunk(&s, i, &v[i], err);
		}
	}
	br_text_reader_free(s.reader);
	br_txn_end(s.t);
	return rc;
}

/* ---- publish, reset ---- */

struct publish_params { struct br_list files; bool partial; };
static const struct br_opt publish_opts[] = {
	FILES_OPT(struct publish_params),
	{ "partial", 0, BR_AT_BOOL(struct publish_params, partial), NULL, "also what there is of documents that are not complete" },
	BR_OPT_END,
};
struct reset_params { struct br_list files; bool failed; };
static const struct br_opt reset_opts[] = {
	FILES_OPT(struct reset_params),
	{ "failed", 0, BR_AT_BOOL(struct reset_params, failed), NULL, "only passages that failed; nothing is taken out of the index" },
	BR_OPT_END,
};

static void change_json(struct br_cli *c, const char *name, const struct br_ctx_stats *s, const char *what)
{
	struct br_json j = json_begin(c);

	br_json_kint(&j, "v", 1);
	br_json_kstr(&j, "notebook", name);
	br_json_kuint(&j, "documents", s->docs);
	br_json_kuint(&j, what, s->chunks);
	br_json_kuint(&j, "left_documents", s->left_docs);
	br_json_kuint(&j, "left", s->left_chunks);
	br_json_key(&j, "generation");
	s->generation ? br_json_uint(&j, s->generation) : br_json_null(&j);
	json_end(c, &j);
}

static int change(struct br_cli *c, struct br_ctx_opts *o, const struct br_list *globs, const char *what, struct br_err *err)
{
	struct br_ctx_stats s;
	struct files f = { 0 };
	const char *name;
	int rc = notebook_name(&name, c, err);

	o->want = wants;
	o->arg = &f;
	if (rc == 0 && (rc = files_compile(&f, globs, err)) == 0 && (rc = br_contexts_change(&s, c->ws, name, o, err)) == 0) {
		if (c->opt.json)
			change_json(c, name, &s, what);
		else if (!c->opt.quiet)
			br_out_f(&c->out, "%s %s of %s %s %s\n", br_human_count(s.chunks).s, br_plural(s.chunks, "passage", "passages"),
			         br_human_count(s.docs).s, br_plural(s.docs, "document", "documents"), what);
		if (s.left_docs) {
			br_cli_hint(c, "'br enhance run' does what is missing, --partial publishes what there is");
			rc = br_fail(err, BR_EPARTIAL, "%llu %s not complete: %llu %s no context", (unsigned long long)s.left_docs,
			             br_plural(s.left_docs, "document is", "documents are"), (unsigned long long)s.left_chunks,
			             br_plural(s.left_chunks, "passage has", "passages have"));
		}
	}
	files_release(&f);
	return rc;
}

static int publish_run(struct br_cli *c, struct br_err *err)
{
	const struct publish_params *p = c->params;
	struct br_ctx_opts o = { .what = BR_CTX_PUBLISH, .partial = p->partial };

	return change(c, &o, &p->files, "published", err);
}

static int reset_run(struct br_cli *c, struct br_err *err)
{
	const struct reset_params *p = c->params;
	struct br_ctx_opts o = { .what = p->failed ? BR_CTX_RETRY : BR_CTX_RESET };

	return change(c, &o, &p->files, "reset", err);
}

/* ---- the tables ---- */

static const struct br_cmd run = {
	.name = "run", .summary = "write a context for every passage that has none", .opts = run_opts, .params_size = sizeof(struct run_params),
	.flags = BR_CMD_WS | BR_CMD_LONG | BR_CMD_STREAM, .run = run_run,
};
static const struct br_cmd status = {
	.name = "status", .summary = "tell how far each document is", .opts = files_opts, .params_size = sizeof(struct files_params),
	.flags = BR_CMD_WS | BR_CMD_PAGER, .run = status_run,
};
static const struct br_cmd show = {
	.name = "show", .summary = "print the contexts of a document", .operands = "<document>", .min = 1, .max = 1, .complete = BR_C_DOC,
	.flags = BR_CMD_WS | BR_CMD_PAGER, .run = show_run,
};
static const struct br_cmd publish = {
	.name = "publish", .summary = "make passages be found by their contexts, too", .opts = publish_opts, .params_size = sizeof(struct publish_params),
	.flags = BR_CMD_WS | BR_CMD_LONG, .run = publish_run,
};
static const struct br_cmd reset = {
	.name = "reset", .summary = "drop contexts, and take them out of the index", .opts = reset_opts, .params_size = sizeof(struct reset_params),
	.flags = BR_CMD_WS | BR_CMD_LONG, .run = reset_run,
};
static const struct br_cmd *const subs[] = { &run, &status, &show, &publish, &reset, NULL };
static const struct br_example examples[] = {
	{ "br enhance run --plan", "how many passages, how many tokens, what it costs" },
	{ "br enhance run --limit 100 && br enhance show docs/guide.md", "try it on some, and look" },
	{ "br enhance run && br enhance publish", "all of them, and make them count" },
	{ "br enhance reset --files 'old/*'", "take the contexts of some documents back" },
	{ NULL },
};
const struct br_cmd br_cmd_enhance = {
	.name = "enhance", .group = "documents", .summary = "write contexts for passages, so that more questions find them",
	.operands = "run|status|show|publish|reset", .sub = subs, .examples = examples,
};
