/* `br log`: past questions of a notebook, where they were kept. */
#include "cmd.h"

#include <stdio.h>

struct log_params { int64_t top; bool clear; const char *tenant; };
static const struct br_opt opts[] = {
	{ "top", 'k', BR_AT_INT(struct log_params, top), "n", "show at most n questions", .dflt = "20", .min = 1, .max = BR_MAX_ASKED },
	{ "tenant", 0, BR_AT_STR(struct log_params, tenant), "tenant", "show what was asked for this tenant, over all its knowledge bases" },
	{ "clear", 0, BR_AT_BOOL(struct log_params, clear), NULL, "forget all past questions of the notebook" },
	BR_OPT_END,
};

struct listing { struct br_cli *c; struct br_columns t; size_t n; };

static void question_json(struct br_cli *c, const struct br_asked *q, const char *at)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "at", at);
	br_json_kstr(&j, "question", q->question);
	br_json_kstr(&j, "by", q->by[0] ? q->by : NULL);
	br_json_kstr(&j, "way", q->way);
	br_json_kstr(&j, "strategy", q->strategy);
	br_json_kstr(&j, "top", q->top[0] ? q->top : NULL);
	br_json_knum(&j, "score", q->score, 6);
	br_json_kuint(&j, "citations", q->citations);
	br_json_knum(&j, "took_ms", q->took_ms, 3);
	br_json_end(&j);
	br_out_line(&c->out);
}

static int show_one(const struct br_asked *q, void *arg)
{
	struct listing *l = arg;
	char at[32];

	l->n++;
	br_time_iso(at, q->at_ms / 1000);
	if (l->c->opt.json) {
		question_json(l->c, q, at);
		return 0;
	}
	br_columns_add(&l->t, BR_DIM, "%s", at);
	br_columns_add(&l->t, q->citations ? BR_PLAIN : BR_WARN, "%s", q->way);
	br_columns_add(&l->t, BR_DIM, "%.1f ms", q->took_ms);
	br_columns_add(&l->t, BR_PLAIN, "%.3f", q->score);
	br_columns_add(&l->t, BR_PATH, "%s", q->top[0] ? q->top : "-");
	br_columns_add(&l->t, BR_PLAIN, "%s", q->question);
	return 0;
}

/* ---- of a tenant: kept in any case ---- */

static void audit_json(struct br_cli *c, const struct br_audit *q, const char *at)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "at", at);
	br_json_kstr(&j, "tenant", q->tenant);
	br_json_kstr(&j, "knowledge_base", *q->kb ? q->kb : NULL);
	br_json_kstr(&j, "question", q->question);
	br_json_kstr(&j, "answer", q->answer);
	br_json_kstr(&j, "by", q->by);
	br_json_kstr(&j, "path", q->path);
	br_json_kstr(&j, "intent", q->intent);
	br_json_kbool(&j, "from_wiki", q->from_wiki);
	br_json_kstr(&j, "sources", q->sources);
	br_json_kstr(&j, "vote", *q->vote ? q->vote : NULL);
	br_json_knum(&j, "score", q->score, 6);
	br_json_kint(&j, "prompt_tokens", q->prompt);
	br_json_kint(&j, "completion_tokens", q->completion);
	br_json_knum(&j, "took_ms", q->took_ms, 3);
	br_json_end(&j);
	br_out_line(&c->out);
}

static int show_audit(const struct br_audit *q, void *arg)
{
	struct listing *l = arg;
	char at[32];

	l->n++;
	br_time_iso(at, q->at_ms / 1000);
	if (l->c->opt.json) {
		audit_json(l->c, q, at);
		return 0;
	}
	br_columns_add(&l->t, BR_DIM, "%s", at);
	br_columns_add(&l->t, BR_PLAIN, "%s", q->path);
	br_columns_add(&l->t, BR_DIM, "%.1f ms", q->took_ms);
	br_columns_add(&l->t, BR_PLAIN, "%.3f", q->score);
	br_columns_add(&l->t, BR_PATH, "%s", *q->sources ? q->sources : "-");
	br_columns_add(&l->t, BR_PLAIN, "%s", q->question);
	return 0;
}

static int tenant_run(struct listing *l, const char *name, size_t top, struct br_err *err)
{
	struct br_tenant t;
	int rc = br_tenant_find(&t, &l->c->arena, l->c->ws, name, err);

	if (rc == 0)
		rc = br_audit_each(l->c->ws, t.id, top, show_audit, l, err);
	br_columns_print(&l->c->out, &l->t);
	return rc;
}

static int log_run(struct br_cli *c, struct br_err *err)
{
	const struct log_params *p = c->params;
	struct listing l = { c, { .align = "llrrll" }, 0 };
	int rc;

	if (p->tenant)
		return tenant_run(&l, p->tenant, (size_t)p->top, err);
	if (p->clear)
		return br_asked_clear(c->ws, c->opt.notebook, NULL, err);
	rc = br_asked_each(c->ws, c->opt.notebook, (size_t)p->top, show_one, &l, err);
	br_columns_print(&c->out, &l.t);
	if (rc == 0 && !l.n && !br_config_bool(c->config, "log.questions"))
		br_note(&c->out, "nothing: 'br config set log.questions true' keeps questions from now on");
	return rc;
}

static const struct br_example examples[] = {
	{ "br config set log.questions true", "keep questions from now on" },
	{ "br log -k 5", "the newest five" },
	{ "br log --json", "for scripts" },
	{ "br log --tenant acme", "what was asked over the API for tenants" },
	{ NULL },
};
const struct br_cmd br_cmd_log = {
	.name = "log", .group = "search", .summary = "show past questions and where their answers came from",
	.opts = opts, .params_size = sizeof(struct log_params), .flags = BR_CMD_WS | BR_CMD_PAGER, .run = log_run, .examples = examples,
};
