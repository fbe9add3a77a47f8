/*
 * br notebook reembed - another embedding model for a notebook: all vectors are made anew. Says first what that costs.
 */
#include "cmd.h"

#include "br/llm.h"

struct reembed_params {
	bool plan;
	const char *model;
};
static const struct br_opt opts[] = {
	{ "plan", 0, BR_AT_BOOL(struct reembed_params, plan), NULL, "tell what it would take, and change nothing; exit 4" },
	{ "model", 0, BR_AT_STR(struct reembed_params, model), "which",
	  "whose vectors: of the model inside br, or of the embedding service; the service's if one is configured", .choices = "|builtin|service" },
	BR_OPT_END,
};

static enum br_space wanted(const struct br_cli *c)
{
	const struct reembed_params *p = c->params;

	if (!p->model)
		return br_llm_configured(c->config, BR_LLM_EMBED) ? BR_SPACE_SERVICE : BR_SPACE_BUILTIN;
	return strcmp(p->model, "service") ? BR_SPACE_BUILTIN : BR_SPACE_SERVICE;
}

static void on_progress(const struct br_progress *p, void *arg)
{
	struct br_cli *c = arg;

	br_bar_show(&c->out, "embedding", p);
}

static void as_json(struct br_cli *c, const struct br_nb *nb, const struct br_reembed_stats *s, bool plan)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "notebook", nb->name);
	br_json_kstr(&j, "model", nb->model_id);
	br_json_kuint(&j, "dimensions", nb->dim);
	br_json_kbool(&j, "plan", plan);
	br_json_kuint(&j, "passages", s->texts);
	br_json_kuint(&j, "bytes", s->bytes);
	br_json_kuint(&j, "asked", s->asked);
	br_json_kuint(&j, "tokens", s->tokens);
	br_json_key(&j, "cost");
	if (s->cost < 0)
		br_json_null(&j);
	else
		br_json_num(&j, s->cost, 6);
	br_json_end(&j);
	br_out_line(&c->out);
}

static void as_text(struct br_cli *c, const struct br_nb *nb, const struct br_reembed_stats *s, bool plan)
{
	br_out_f(&c->out, "%s %s %s of '%s'", plan ? "would embed" : "embedded", br_human_count(s->texts).s,
	         br_plural(s->texts, "passage", "passages"), nb->name);
	if (s->asked || (plan && s->tokens))
		br_out_f(&c->out, ": the service %s asked for %s of them, about %s tokens", plan ? "would be" : "was", br_human_count(s->asked).s,
		         br_human_count(s->tokens).s);
	if (s->asked && s->cost >= 0)
		br_out_f(&c->out, ", $%.4f", s->cost);
	if (!plan)
		br_out_f(&c->out, "; vectors are now of %s, %u dimensions", nb->model_id, nb->dim);
	br_out_s(&c->out, "\n");
}

static int run(struct br_cli *c, struct br_err *err)
{
	const struct reembed_params *p = c->params;
	struct br_reembed_opts o = { .want = wanted(c), .plan = p->plan, .progress = on_progress, .arg = c };
	struct br_reembed_stats s;
	struct br_txn *t;
	struct br_nb *nb;
	int rc;

	if (c->n)
		c->opt.notebook = c->operand[0];
	rc = br_nb_reembed(&s, c->ws, c->opt.notebook, &o, err);
	br_bar_hide(&c->out);
	if (rc < 0 || (rc = br_cli_notebook(&nb, &t, c, err)) < 0)
		return rc;
	(c->opt.json ? as_json : as_text)(c, nb, &s, p->plan);
	br_txn_end(t);
	return p->plan && s.texts ? br_status(BR_ECHANGES) : 0;
}

const struct br_cmd br_cmd_notebook_reembed = {
	.name = "reembed", .summary = "make the vectors of a notebook anew, with another model", .operands = "[<name>]", .max = 1,
	.complete = BR_C_NOTEBOOK, .opts = opts, .params_size = sizeof(struct reembed_params), .flags = BR_CMD_WS | BR_CMD_LONG, .run = run,
};
