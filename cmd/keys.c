/* `br keys`: makes, changes and ends the keys with which programs may use the server. */
#include "keys.h"

#include <stdlib.h>

/* ---- what create and set share ---- */

struct spec_params {
	const char *kind, *name, *owner, *expires;
	struct br_list scope, notebook, tenant, rate, from;
	int64_t day, month;
	bool disabled;
};
#define SPEC_OPTS(all)                                                                                                                    \
	{ "scope", 0, BR_AT_LIST(struct spec_params, scope), "scopes",                                                                    \
	  "what it allows: query, kb:read, kb:write, documents:write, webhooks:manage, wiki:write, admin; separated by commas" },         \
	{ "for", 0, BR_AT_LIST(struct spec_params, notebook), "notebook", "a notebook that it may use; " all, .complete = BR_C_NOTEBOOK }, \
	{ "tenant", 0, BR_AT_LIST(struct spec_params, tenant), "tenant", "a tenant that it belongs to" },                                 \
	{ "from", 0, BR_AT_LIST(struct spec_params, from), "network", "an address or network that it may be used from; any without one" }, \
	{ "rate", 0, BR_AT_LIST(struct spec_params, rate), "n/period",                                                                    \
	  "at most n requests in any second, minute, hour or day; may be given for several periods" },                                    \
	{ "tokens-per-day", 0, BR_AT_INT(struct spec_params, day), "n", "tokens of answers in a day of UTC; 0 for no limit", .max = 1e15 }, \
	{ "tokens-per-month", 0, BR_AT_INT(struct spec_params, month), "n", "and in a month", .max = 1e15 },                              \
	{ "expires", 0, BR_AT_STR(struct spec_params, expires), "time",                                                                   \
	  "when it ends: 90d or 12h from now, 2027-01-31, 2027-01-31T12:00:00Z, or never" },                                              \
	{ "owner", 0, BR_AT_STR(struct spec_params, owner), "user", "the user to whom it belongs" }

static const struct br_opt create_opts[] = {
	{ "kind", 0, BR_AT_STR(struct spec_params, kind), "kind", "the API that it is for", .dflt = "any", .choices = "any|beyond|quivr|baiyuan" },
	SPEC_OPTS("all without one, but for kind beyond the one in use"),
	{ "disabled", 0, BR_AT_BOOL(struct spec_params, disabled), NULL, "not usable until 'br keys enable'" },
	BR_OPT_END,
};
static const struct br_opt set_opts[] = {
	{ "name", 0, BR_AT_STR(struct spec_params, name), "name", "another name" },
	SPEC_OPTS("'all' for every one"),
	BR_OPT_END,
};

static int parse_expires(int64_t *out, const char *text, struct br_err *err)
{
	int64_t seconds;
	int rc;

	if (!strcmp(text, "never")) {
		*out = 0;
		return 0;
	}
	if (br_time_parse(out, text) < 0) {
		if ((rc = br_parse_seconds(&seconds, text, "--expires", NULL)) < 0 || seconds > INT64_MAX - br_now())
			return br_fail(err, BR_EUSAGE, "--expires: '%s' is not of the form 90d, 2027-01-31, 2027-01-31T12:00:00Z or never", text);
		*out = br_now() + seconds;
	}
	return *out > br_now() ? 0 : br_fail(err, BR_EUSAGE, "--expires: %s is not in the future", text);
}

/* One word ("all", "any", "none") empties a list. */
static bool empties(const struct br_list *l, const char *word)
{
	return l->n == 1 && !strcmp(l->v[0], word);
}

static int take_scopes(uint32_t *out, const struct br_list *l, struct br_err *err)
{
	uint32_t one;
	int rc = 0;

	for (size_t i = 0; i < l->n && rc == 0; i++)
		if ((rc = br_scopes_parse(&one, l->v[i], err)) == 0)
			*out = (i ? *out : 0) | one;
	return rc;
}

static int take_rates(struct br_apikey *k, const struct br_list *l, struct br_err *err)
{
	int rc = 0;

	if (!l->n)
		return 0;
	k->rates = 0;
	for (size_t i = 0; i < l->n && rc == 0 && !empties(l, "none"); i++) {
		if (k->rates == BR_MAX_KEY_RATES)
			return br_fail(err, BR_EUSAGE, "--rate: a key has at most %d", BR_MAX_KEY_RATES);
		rc = br_key_rate_parse(&k->rate[k->rates++], l->v[i], err);
	}
	return rc;
}

static int take_from(struct br_apikey *k, struct br_arena *a, const struct br_list *l, struct br_err *err)
{
	int rc = 0;

	if (!l->n)
		return 0;
	k->from.v = br_arena_zalloc(a, l->n * sizeof *k->from.v);
	k->from.n = 0;
	for (size_t i = 0; i < l->n && rc == 0 && !empties(l, "any"); i++)
		rc = br_key_net_parse(&k->from.v[k->from.n++], l->v[i], err);
	return rc;
}

/* What the command line says, its notebooks looked up: kept by id, so that a new one of the same name is another one. */
struct spec {
	struct br_cli *c;
	struct br_names notebooks;
};

static int look_up(struct spec *s, struct br_txn *t, struct br_err *err)
{
	const struct br_list *l = &((const struct spec_params *)s->c->params)->notebook;
	struct br_nb *nb;
	int rc = 0;

	s->notebooks.v = br_arena_alloc(&s->c->arena, l->n * sizeof *s->notebooks.v);
	for (size_t i = 0; i < l->n && rc == 0 && !empties(l, "all"); i++)
		if ((rc = br_nb_get(&nb, &s->c->arena, t, l->v[i], err)) == 0)
			s->notebooks.v[s->notebooks.n++] = nb->id;
	return rc;
}

static void take_tenants(struct br_apikey *k, const struct br_list *l)
{
	if (!l->n)
		return;
	k->tenants.v = l->v;
	k->tenants.n = empties(l, "none") ? 0 : l->n;
}

/* Puts what was said over k. */
static int take_spec(struct br_apikey *k, void *arg, struct br_err *err)
{
	struct spec *s = arg;
	struct br_cli *c = s->c;
	const struct spec_params *p = c->params;
	int rc;

	if (p->name)
		k->name = p->name;
	if (p->owner)
		k->owner = p->owner;
	if (br_opt_is_set(c, "tokens-per-day"))
		k->budget.day = (uint64_t)p->day;
	if (br_opt_is_set(c, "tokens-per-month"))
		k->budget.month = (uint64_t)p->month;
	if (p->notebook.n)
		k->notebooks = s->notebooks;
	take_tenants(k, &p->tenant);
	if ((rc = take_scopes(&k->scopes, &p->scope, err)) < 0 || (rc = take_rates(k, &p->rate, err)) < 0 ||
	    (rc = take_from(k, &c->arena, &p->from, err)) < 0)
		return rc;
	return p->expires ? parse_expires(&k->expires, p->expires, err) : 0;
}

/* ---- create, rotate: the only two that show a secret ---- */

static int show_secret(struct br_cli *c, const struct br_apikey *k, const char *secret, struct br_err *err)
{
	struct br_txn *t;
	int rc = 0;

	if (!c->opt.json) {
		br_out_f(&c->out, "%s\n", secret);
		br_note(&c->out, "br: key '%s', id %s; its secret is not shown again", k->name, k->id);
	} else if ((rc = br_txn_read(&t, c->ws->store, err)) == 0) {
		rc = br_keys_json(c, t, k, secret, err);
		br_txn_end(t);
	}
	return rc;
}

/* A key of kind beyond is for one notebook and has a rate: those in force where none was named. */
static int complete_beyond(struct br_apikey *k, struct br_cli *c, struct br_txn *t, struct br_err *err)
{
	struct br_nb *nb;
	int rc;

	if (k->kind != BR_KEY_BEYOND)
		return 0;
	if (!k->rates && (rc = br_key_rate_parse(&k->rate[k->rates++], br_config_get(c->config, "auth.developer_rate", NULL), err)) < 0)
		return br_err_prefix(err, rc, "setting auth.developer_rate");
	if (k->notebooks.n)
		return 0;
	if ((rc = br_nb_get(&nb, &c->arena, t, c->opt.notebook, err)) < 0)
		return rc;
	k->notebooks.v = br_arena_alloc(&c->arena, sizeof *k->notebooks.v);
	k->notebooks.v[k->notebooks.n++] = nb->id;
	return 0;
}

/* Tenants by name are kept by id, so that a new one of the same name is another one. Those that are not known stay as they are written. */
static int resolve_tenants(struct br_cli *c, struct br_err *err)
{
	struct br_list *l = &((struct spec_params *)c->params)->tenant;
	const char **id = br_arena_alloc(&c->arena, (l->n + 1) * sizeof *id);
	int rc = 0;

	for (size_t i = 0; i < l->n && rc == 0; i++) {
		struct br_tenant t;
		id[i] = l->v[i];
		if ((rc = br_tenant_find(&t, &c->arena, c->ws, l->v[i], err)) == 0)
			id[i] = br_arena_strdup(&c->arena, t.id);
		else if (rc == -BR_ENOTFOUND)
			rc = 0;
	}
	id[l->n] = NULL;
	if (l->n)
		l->v = id;
	return rc;
}

static int make_spec(struct br_apikey *spec, struct br_cli *c, struct br_err *err)
{
	struct spec said = { .c = c };
	struct br_txn *t;
	int rc;

	if ((rc = br_key_kind_parse(&spec->kind, ((const struct spec_params *)c->params)->kind, err)) < 0 || (rc = resolve_tenants(c, err)) < 0 ||
	    (rc = br_txn_read(&t, c->ws->store, err)) < 0)
		return rc;
	if ((rc = look_up(&said, t, err)) == 0 && (rc = take_spec(spec, &said, err)) == 0)
		rc = complete_beyond(spec, c, t, err);
	br_txn_end(t);
	return rc;
}

static int create_run(struct br_cli *c, struct br_err *err)
{
	const struct spec_params *p = c->params;
	struct br_apikey spec = { .name = c->operand[0], .enabled = !p->disabled }, *k;
	char secret[BR_SECRET_SIZE];
	int rc;

	if ((rc = make_spec(&spec, c, err)) < 0 || (rc = br_apikey_create(&k, secret, &c->arena, c->ws->store, &spec, err)) < 0)
		return rc;
	rc = show_secret(c, k, secret, err);
	br_wipe(secret, sizeof secret);
	return rc;
}

struct rotate_params { int64_t grace; };
static const struct br_opt rotate_opts[] = {
	{ "grace", 0, BR_AT_SECONDS(struct rotate_params, grace), "time", "how long the old secret still works (0, 90m, 24h, 7d)", .dflt = "0" },
	BR_OPT_END,
};

static int rotate_run(struct br_cli *c, struct br_err *err)
{
	const struct rotate_params *p = c->params;
	char secret[BR_SECRET_SIZE];
	struct br_apikey *k;
	int rc = br_apikey_rotate(&k, secret, &c->arena, c->ws->store, c->operand[0], p->grace, err);

	if (rc < 0)
		return rc;
	rc = show_secret(c, k, secret, err);
	br_wipe(secret, sizeof secret);
	return rc;
}

/* ---- set, enable, disable ---- */

static int set_run(struct br_cli *c, struct br_err *err)
{
	struct spec said = { .c = c };
	struct br_txn *t;
	int rc;

	if ((rc = resolve_tenants(c, err)) < 0 || (rc = br_txn_read(&t, c->ws->store, err)) < 0)
		return rc;
	rc = look_up(&said, t, err);
	br_txn_end(t);
	return rc < 0 ? rc : br_apikey_edit(c->ws->store, c->operand[0], take_spec, &said, err);
}

static int switch_on(struct br_apikey *k, void *arg, struct br_err *err)
{
	(void)err;
	k->enabled = *(const bool *)arg;
	return 0;
}

static int enable_run(struct br_cli *c, struct br_err *err)
{
	bool on = true;

	return br_apikey_edit(c->ws->store, c->operand[0], switch_on, &on, err);
}

static int disable_run(struct br_cli *c, struct br_err *err)
{
	bool on = false;

	return br_apikey_edit(c->ws->store, c->operand[0], switch_on, &on, err);
}

/* ---- revoke, delete ---- */

struct revoke_params { bool old; };
static const struct br_opt revoke_opts[] = {
	{ "old", 0, BR_AT_BOOL(struct revoke_params, old), NULL, "only secrets that were rotated away, before their time" },
	BR_OPT_END,
};

static int revoke_run(struct br_cli *c, struct br_err *err)
{
	const struct revoke_params *p = c->params;

	return br_apikey_revoke(c->ws->store, c->operand[0], p->old ? BR_REVOKE_OLD : BR_REVOKE_KEY, err);
}

struct delete_params { bool yes; };
static const struct br_opt delete_opts[] = {
	{ "yes", 'y', BR_AT_BOOL(struct delete_params, yes), NULL, "do not ask" },
	BR_OPT_END,
};

static int may_delete(struct br_cli *c, struct br_err *err)
{
	const struct delete_params *p = c->params;
	struct br_apikey *k;
	struct br_txn *t;
	char *question;
	int rc = br_txn_read(&t, c->ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_apikey_find(&k, &c->arena, t, c->operand[0], err);
	br_txn_end(t);
	if (rc < 0 || p->yes)
		return rc;
	question = br_arena_printf(&c->arena, "Delete key '%s' and its usage?", k->name);
	if (br_confirm(c, question))
		return 0;
	br_cli_hint(c, "--yes deletes without asking; 'br keys revoke' ends a key and keeps its usage");
	return br_fail(err, BR_EUSAGE, "key '%s' was not deleted: nobody said yes", k->name);
}

static int delete_run(struct br_cli *c, struct br_err *err)
{
	int rc = may_delete(c, err);

	return rc < 0 ? rc : br_apikey_delete(c->ws->store, c->operand[0], err);
}

/* ---- check: what the server would say to a secret, which is read from standard input, where no process list shows it ---- */

struct check_params { const char *address, *scope, *notebook, *tenant, *kind; };
static const struct br_opt check_opts[] = {
	{ "address", 0, BR_AT_STR(struct check_params, address), "address", "as if it came from there" },
	{ "scope", 0, BR_AT_STR(struct check_params, scope), "scopes", "and wanted to do this" },
	{ "for", 0, BR_AT_STR(struct check_params, notebook), "notebook", "with this notebook", .complete = BR_C_NOTEBOOK },
	{ "tenant", 0, BR_AT_STR(struct check_params, tenant), "tenant", "as this tenant" },
	{ "kind", 0, BR_AT_STR(struct check_params, kind), "kind", "at this API", .dflt = "any", .choices = "any|beyond|quivr|baiyuan" },
	BR_OPT_END,
};

static enum br_refusal over_budget(const struct br_apikey *k, uint64_t day, uint64_t month)
{
	return (k->budget.day && day >= k->budget.day) || (k->budget.month && month >= k->budget.month) ? BR_REFUSED_BUDGET : BR_ALLOWED;
}

static int check_rights(enum br_refusal *why, struct br_cli *c, struct br_txn *t, const struct br_apikey *k, struct br_err *err)
{
	const struct check_params *p = c->params;
	struct br_nb *nb = NULL;
	enum br_key_kind kind;
	uint64_t day, month;
	uint32_t scopes = 0;
	int rc;

	if ((rc = br_key_kind_parse(&kind, p->kind, err)) < 0 || (p->scope && (rc = br_scopes_parse(&scopes, p->scope, err)) < 0) ||
	    (p->notebook && (rc = br_nb_get(&nb, &c->arena, t, p->notebook, err)) < 0) ||
	    (rc = br_key_spent(&day, &month, t, k->number, br_now(), err)) < 0)
		return rc;
	if ((*why = br_apikey_may(k, kind, scopes, nb ? nb->id : NULL, p->tenant)) == BR_ALLOWED)
		*why = over_budget(k, day, month);
	return 0;
}

static int check_answer(struct br_cli *c, const struct br_apikey *k, enum br_refusal why, struct br_err *err)
{
	const struct br_refusal_info *info = br_refusal_info(why);
	struct br_json j;

	if (!c->opt.json) {
		if (why != BR_ALLOWED)
			return br_auth_refuse(err, why);
		br_out_f(&c->out, "allowed: key '%s', id %s\n", k->name, k->id);
		return 0;
	}
	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kint(&j, "v", 1);
	br_json_kbool(&j, "allowed", why == BR_ALLOWED);
	br_json_kstr(&j, "reason", why == BR_ALLOWED ? NULL : info->name);
	br_json_kint(&j, "http", why == BR_ALLOWED ? 200 : br_err_info(info->code)->http);
	br_json_kstr(&j, "id", k ? k->id : NULL);
	br_json_kstr(&j, "name", k ? k->name : NULL);
	br_json_end(&j);
	br_out_line(&c->out);
	return br_status(info->code);
}

static int check_secret(struct br_cli *c, const char *secret, struct br_err *err)
{
	const struct check_params *p = c->params;
	enum br_refusal why = BR_ALLOWED;
	struct br_apikey *k = NULL;
	struct br_key_addr from;
	struct br_txn *t;
	size_t which;
	int rc;

	if (p->address && !br_key_addr_parse(&from, p->address))
		return br_fail(err, BR_EUSAGE, "--address: '%s' is not an address", p->address);
	if ((rc = br_txn_read(&t, c->ws->store, err)) < 0)
		return rc;
	rc = br_auth_check(&k, &which, &why, &c->arena, t, secret, p->address ? &from : NULL, br_now(), err);
	if (rc == 0)
		rc = check_rights(&why, c, t, k, err);
	br_txn_end(t);
	return rc < 0 && why == BR_ALLOWED ? rc : check_answer(c, k, why, err);
}

static int check_run(struct br_cli *c, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_SECRET + 2);
	int rc = br_fd_read(&b, 0, BR_MAX_SECRET + 1, "standard input", err);

	while (b.len && (b.ptr[b.len - 1] == '\n' || b.ptr[b.len - 1] == '\r'))
		b.ptr[--b.len] = 0;
	if (rc == 0)
		rc = strlen(b.ptr) == b.len ? check_secret(c, b.ptr, err) : br_fail(err, BR_EINPUT, "standard input: a secret has no NUL");
	br_wipe(b.ptr, b.len);
	br_buf_release(&b);
	return rc;
}

/* ---- the tables ---- */

#define KEY_CMD(id, word, what, fn, ...)                                                                              \
	static const struct br_cmd id = {                                                                             \
		.name = word, .summary = what, .operands = "<key>", .min = 1, .max = 1, .flags = BR_CMD_WS, .run = fn, __VA_ARGS__ \
	}
static const struct br_cmd create = {
	.name = "create", .summary = "make a key and print its secret, this once", .operands = "<name>", .min = 1, .max = 1,
	.opts = create_opts, .params_size = sizeof(struct spec_params), .flags = BR_CMD_WS, .run = create_run,
};
KEY_CMD(set, "set", "change what a key may do", set_run, .opts = set_opts, .params_size = sizeof(struct spec_params));
KEY_CMD(enable, "enable", "let a key be used again", enable_run, .opts = NULL);
KEY_CMD(disable, "disable", "let a key not be used for a while", disable_run, .opts = NULL);
KEY_CMD(rotate, "rotate", "give a key a new secret and print it, this once", rotate_run, .opts = rotate_opts, .params_size = sizeof(struct rotate_params));
KEY_CMD(revoke, "revoke", "end a key for good, and keep its usage", revoke_run, .opts = revoke_opts, .params_size = sizeof(struct revoke_params));
KEY_CMD(delete_cmd, "delete", "remove a key and its usage", delete_run, .opts = delete_opts, .params_size = sizeof(struct delete_params));
static const struct br_cmd check = {
	.name = "check", .summary = "tell what a secret on standard input may do", .opts = check_opts, .params_size = sizeof(struct check_params),
	.flags = BR_CMD_WS, .run = check_run,
};
static const struct br_cmd *const subs[] = {
	&create, &br_keys_list, &br_keys_show, &set, &enable, &disable, &rotate, &revoke, &delete_cmd, &br_keys_usage, &check, NULL,
};
static const struct br_example examples[] = {
	{ "br keys create kiosk --kind beyond --rate 100/hour", "for one notebook; prints the secret" },
	{ "br keys create ci --scope documents:write --from 10.0.0.0/8 --expires 90d", "to upload from your own network" },
	{ "br keys rotate ci --grace 24h", "the old secret works for a day more" },
	{ "br keys usage ci --days 7", "requests, errors and tokens by day" },
	{ NULL },
};
const struct br_cmd br_cmd_keys = {
	.name = "keys", .group = "care", .summary = "make and manage keys for programs that use the server",
	.operands = "create|list|show|set|enable|disable|rotate|revoke|delete|usage|check", .sub = subs, .examples = examples,
};
