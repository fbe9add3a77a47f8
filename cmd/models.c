/* `br models`: the models br would use: built in, configured, and whether their services can be reached. */
#include "cmd.h"

enum { CHECK_MS = 15000 };

struct models_params { bool check; const char *offered; };
static const struct br_opt models_opts[] = {
	{ "check", 0, BR_AT_BOOL(struct models_params, check), NULL, "ask each service for something small" },
	{ "offered", 0, BR_AT_STR(struct models_params, offered), "role", "list what the service of a role offers instead",
	  .choices = "chat|embed|rerank" },
	BR_OPT_END,
};

struct row {
	enum br_llm_role role;
	const struct br_llm_info *info;  /* NULL: the built-in model, or nothing */
	const struct br_model_info *own; /* the model inside br, for embed without a service */
	bool checked, listed;            /* listed: the service names the model among those it offers */
	bool knows_list;
	uint32_t dim;
	double ms;
	int rc;
	struct br_err err;
};

/* ---- asking ---- */

static const struct br_llm_ask brief = { .timeout_ms = CHECK_MS, .once = true };

static int check_chat(struct row *r, struct br_llm *s)
{
	struct br_llm_models m;
	int rc = br_llm_models(&m, s, &brief, &r->err);

	r->knows_list = rc == 0;
	for (size_t i = 0; i < m.v.n; i++)
		r->listed |= !strcmp(m.v.v[i].id, r->info->model);
	br_llm_models_release(&m);
	return rc;
}

static int check_embed(struct row *r, struct br_llm *s)
{
	struct br_slice text = br_slice_str("hello");
	struct br_llm_embed req = { .ask = brief, .text = &text, .n = 1 };
	struct br_llm_vectors v;
	int rc = br_llm_embed(&v, s, &req, &r->err);

	r->dim = rc == 0 ? v.dim : r->dim;
	br_llm_vectors_release(&v);
	return rc;
}

static int check_rerank(struct row *r, struct br_llm *s)
{
	struct br_slice text = br_slice_str("hello");
	struct br_llm_rerank req = { .ask = brief, .query = text, .text = &text, .n = 1 };
	struct br_llm_tokens tokens;
	double score;

	return br_llm_rerank(&score, &tokens, s, &req, &r->err);
}

static void check(struct row *r, struct br_llm *s)
{
	static int (*const how[BR_LLM_ROLES])(struct row *, struct br_llm *) = {
		check_chat, check_embed, check_rerank,
	};
	int64_t begun = br_mono_ns();

	r->rc = how[r->role](r, s);
	r->ms = (double)(br_mono_ns() - begun) / 1e6;
	r->checked = true;
}

/* ---- printing ---- */

static void print_json(struct br_cli *c, const struct row *r)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "role", br_llm_role_name(r->role));
	br_json_kbool(&j, "configured", r->info != NULL);
	br_json_kbool(&j, "built_in", r->own != NULL);
	br_json_kstr(&j, "provider", r->info ? r->info->provider : NULL);
	br_json_kstr(&j, "model", r->info ? r->info->model : r->own ? r->own->id : NULL);
	br_json_kstr(&j, "base_url", r->info ? r->info->base_url : NULL);
	br_json_key(&j, "dimensions");
	r->dim ? br_json_uint(&j, r->dim) : br_json_null(&j);
	br_json_kstr(&j, "key_from", r->info ? r->info->key_from : NULL);
	br_json_kbool(&j, "key_missing", r->info && r->info->key_missing);
	br_json_key(&j, "reachable");
	r->checked ? br_json_bool(&j, r->rc == 0) : br_json_null(&j);
	br_json_key(&j, "offered");
	r->knows_list ? br_json_bool(&j, r->listed) : br_json_null(&j);
	br_json_key(&j, "took_ms");
	r->checked ? br_json_num(&j, r->ms, 1) : br_json_null(&j);
	br_json_kstr(&j, "error", r->rc < 0 ? r->err.msg : NULL);
	br_json_end(&j);
	br_out_line(&c->out);
}

static void put_state(struct br_columns *t, const struct row *r)
{
	if (r->rc < 0)
		br_columns_add(t, BR_BAD, "%s", r->err.msg);
	else if (r->checked && r->knows_list && !r->listed)
		br_columns_add(t, BR_WARN, "reachable, %.0f ms, but it does not offer this model", r->ms);
	else if (r->checked)
		br_columns_add(t, BR_GOOD, "reachable, %.0f ms", r->ms);
	else if (r->info && r->info->key_missing)
		br_columns_add(t, BR_WARN, "no key");
	else if (r->info && r->info->key_from)
		br_columns_add(t, BR_PLAIN, "key from %s%s", r->info->key_from, r->info->key_in_clear ? ", unencrypted" : "");
	else
		br_columns_add(t, BR_DIM, "%s", r->own ? "built in" : r->info ? "no key" : "not configured");
}

static void put_row(struct br_cli *c, struct br_columns *t, const struct row *r)
{
	if (c->opt.json) {
		print_json(c, r);
		return;
	}
	br_columns_add(t, BR_BOLD, "%s", br_llm_role_name(r->role));
	br_columns_add(t, BR_PLAIN, "%s", r->info ? r->info->model : r->own ? r->own->id : "-");
	if (r->dim)
		br_columns_add(t, BR_PLAIN, "%u", r->dim);
	else
		br_columns_add(t, BR_DIM, "-");
	br_columns_add(t, BR_DIM, "%s", r->info ? r->info->base_url : "-");
	put_state(t, r);
}

/* ---- running ---- */

/* The model inside br, or the file that is configured in its place. */
static void use_own(struct br_cli *c, struct row *r, struct br_model **file)
{
	const char *path = br_config_get(c->config, "embed.model", NULL);

	if (path && *path && (r->rc = br_model_open(file, path, &r->err)) < 0)
		return;
	r->own = br_model_info(*file ? *file : br_model_builtin());
	r->dim = r->own->dim;
}

static int show_role(struct br_cli *c, struct br_columns *t, enum br_llm_role role, struct br_err *err)
{
	const struct models_params *p = c->params;
	struct row r = { .role = role };
	struct br_model *file = NULL;
	struct br_llm *s = NULL;

	if (!br_llm_configured(c->config, role)) {
		if (role == BR_LLM_EMBED)
			use_own(c, &r, &file);
	} else if ((r.rc = br_llm_open(&s, c->config, role, &r.err)) == 0) {
		r.info = br_llm_info(s);
		r.dim = r.info->dim;
		if (p->check)
			check(&r, s);
	}
	put_row(c, t, &r);
	br_llm_close(s);
	br_model_close(file);
	if (r.rc < 0)
		*err = r.err;
	return r.rc;
}

static void put_model(struct br_cli *c, struct br_columns *t, const struct br_llm_model *m)
{
	struct br_json j;

	if (!c->opt.json) {
		br_columns_add(t, BR_PLAIN, "%s", m->id);
		br_columns_add(t, BR_DIM, m->context ? "%lld" : "-", (long long)m->context);
		br_columns_add(t, BR_DIM, m->price_prompt < 0 ? "-" : "$%.2f/M", m->price_prompt);
		br_columns_add(t, BR_DIM, m->price_completion < 0 ? "-" : "$%.2f/M", m->price_completion);
		return;
	}
	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "id", m->id);
	br_json_kstr(&j, "owner", *m->owner ? m->owner : NULL);
	br_json_key(&j, "context");
	m->context ? br_json_int(&j, m->context) : br_json_null(&j);
	br_json_key(&j, "price_prompt");
	m->price_prompt < 0 ? br_json_null(&j) : br_json_num(&j, m->price_prompt, 6);
	br_json_key(&j, "price_completion");
	m->price_completion < 0 ? br_json_null(&j) : br_json_num(&j, m->price_completion, 6);
	br_json_end(&j);
	br_out_line(&c->out);
}

static int show_offered(struct br_cli *c, const char *name, struct br_err *err)
{
	struct br_columns t = { .align = "lrrr" };
	enum br_llm_role role = BR_LLM_CHAT;
	struct br_llm_models m;
	struct br_llm *s;
	int rc;

	while (strcmp(br_llm_role_name(role), name) != 0)
		role++;
	if ((rc = br_llm_open(&s, c->config, role, err)) < 0)
		return rc;
	rc = br_llm_models(&m, s, &brief, err);
	for (size_t i = 0; i < m.v.n && rc == 0; i++)
		put_model(c, &t, &m.v.v[i]);
	br_columns_print(&c->out, &t);
	br_llm_models_release(&m);
	br_llm_close(s);
	return rc;
}

static int models_run(struct br_cli *c, struct br_err *err)
{
	const struct models_params *p = c->params;
	struct br_columns t = { .align = "llrll" };
	struct br_err one;
	int rc = 0, got;

	if (br_config_ignored(c->config)[0])
		br_note(&c->out, "br: not honoured before 'br config trust': %s", br_config_ignored(c->config));
	if (p->offered)
		return show_offered(c, p->offered, err);
	for (enum br_llm_role role = 0; role < BR_LLM_ROLES; role++) {
		got = show_role(c, &t, role, &one);
		if (got < 0 && rc == 0) {
			rc = got;
			*err = one;
		}
	}
	br_columns_print(&c->out, &t);
	return rc;
}

static const struct br_example examples[] = {
	{ "br models", "what is built in and configured" },
	{ "br models --check", "and whether it can be reached" },
	{ NULL },
};
const struct br_cmd br_cmd_models = {
	.name = "models", .group = "care", .summary = "list the models in use and check their services",
	.opts = models_opts, .params_size = sizeof(struct models_params), .flags = BR_CMD_MAY_WS | BR_CMD_LONG, .run = models_run,
	.examples = examples,
};
