/* `br keys list`, `show` and `usage`: keys as people and programs see them. Never their secrets, which nobody has. */
#include "keys.h"

#include <stdlib.h>

const char *br_keys_state(const struct br_apikey *k, int64_t now)
{
	enum br_refusal why = br_apikey_state(k, now);

	return why == BR_ALLOWED ? "active" : br_refusal_info(why)->name;
}

const char *br_keys_notebook(struct br_cli *c, struct br_txn *t, const char *id)
{
	struct br_nb *nb;

	return br_nb_get(&nb, &c->arena, t, id, NULL) < 0 || strcmp(nb->id, id) ? NULL : nb->name;
}

static const char *secret_state(const struct br_apikey *k, const struct br_key_secret *s, int64_t now)
{
	if (s->revoked || (s->until && s->until <= now))
		return "revoked";
	return s == br_apikey_current(k) ? "current" : "overlap";
}

/* ---- JSON ---- */

static void json_time(struct br_json *j, const char *key, int64_t t)
{
	char iso[32];

	br_time_iso(iso, t);
	br_json_kstr(j, key, t ? iso : NULL);
}

static void json_names(struct br_json *j, const char *key, const struct br_names *l)
{
	br_json_key(j, key);
	br_json_arr(j);
	for (size_t i = 0; i < l->n; i++)
		br_json_str(j, l->v[i]);
	br_json_end(j);
}

static void json_scopes(struct br_json *j, uint32_t scopes)
{
	const struct br_scope_info *s;
	size_t n, i;

	s = br_scopes(&n);
	br_json_key(j, "scopes");
	br_json_arr(j);
	for (i = 0; i < n; i++)
		if (scopes & s[i].bit)
			br_json_str(j, s[i].name);
	br_json_end(j);
}

static void json_notebooks(struct br_cli *c, struct br_txn *t, struct br_json *j, const struct br_names *l)
{
	br_json_key(j, "notebooks");
	br_json_arr(j);
	for (size_t i = 0; i < l->n; i++) {
		br_json_obj(j);
		br_json_kstr(j, "id", l->v[i]);
		br_json_kstr(j, "name", br_keys_notebook(c, t, l->v[i]));
		br_json_end(j);
	}
	br_json_end(j);
}

static void json_limits(struct br_json *j, const struct br_apikey *k)
{
	char text[64];

	br_json_key(j, "from");
	br_json_arr(j);
	for (size_t i = 0; i < k->from.n; i++) {
		br_key_net_text(text, &k->from.v[i]);
		br_json_str(j, text);
	}
	br_json_end(j);
	br_json_key(j, "rates");
	br_json_arr(j);
	for (unsigned i = 0; i < k->rates; i++) {
		br_key_rate_text(text, k->rate[i]);
		br_json_str(j, text);
	}
	br_json_end(j);
	br_json_key(j, "tokens_per_day");
	k->budget.day ? br_json_uint(j, k->budget.day) : br_json_null(j);
	br_json_key(j, "tokens_per_month");
	k->budget.month ? br_json_uint(j, k->budget.month) : br_json_null(j);
}

static void json_secrets(struct br_json *j, const struct br_apikey *k, int64_t now)
{
	br_json_key(j, "secrets");
	br_json_arr(j);
	for (size_t i = 0; i < k->secrets; i++) {
		const struct br_key_secret *s = &k->secret[i];
		br_json_obj(j);
		br_json_kstr(j, "id", s->id);
		br_json_kstr(j, "begins", s->shown);
		br_json_kstr(j, "state", secret_state(k, s, now));
		json_time(j, "created", s->created);
		json_time(j, "until", s->until);
		json_time(j, "revoked", s->revoked);
		br_json_end(j);
	}
	br_json_end(j);
}

int br_keys_json(struct br_cli *c, struct br_txn *t, const struct br_apikey *k, const char *secret, struct br_err *err)
{
	int64_t last, now = br_now();
	struct br_json j;
	int rc = br_key_last_use(&last, t, k->number, err);

	if (rc < 0)
		return rc;
	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "id", k->id);
	br_json_kstr(&j, "name", k->name);
	if (secret)
		br_json_kstr(&j, "secret", secret);
	br_json_kstr(&j, "begins", br_apikey_current(k)->shown);
	br_json_kstr(&j, "kind", br_key_kind_info(k->kind)->name);
	br_json_kstr(&j, "state", br_keys_state(k, now));
	br_json_kbool(&j, "enabled", k->enabled);
	json_scopes(&j, k->scopes);
	json_notebooks(c, t, &j, &k->notebooks);
	json_names(&j, "tenants", &k->tenants);
	br_json_kstr(&j, "owner", k->owner[0] ? k->owner : NULL);
	json_limits(&j, k);
	json_time(&j, "created", k->created);
	json_time(&j, "changed", k->changed);
	json_time(&j, "expires", k->expires);
	json_time(&j, "revoked", k->revoked);
	json_time(&j, "last_used", last);
	json_secrets(&j, k, now);
	br_json_end(&j);
	br_out_line(&c->out);
	return 0;
}

/* ---- text ---- */

static void row(struct br_columns *t, const char *name, const char *value)
{
	br_columns_add(t, BR_DIM, "%s", name);
	br_columns_add(t, BR_PLAIN, "%s", value);
}

static void time_row(struct br_columns *t, const char *name, int64_t at, const char *none)
{
	char iso[32];

	br_time_iso(iso, at);
	row(t, name, at ? iso : none);
}

static const char *scopes_text(struct br_buf *b, uint32_t scopes)
{
	const struct br_scope_info *s;
	size_t n, i;

	s = br_scopes(&n);
	br_buf_reset(b);
	for (i = 0; i < n; i++)
		if (scopes & s[i].bit)
			br_buf_addf(b, "%s%s", b->len ? "," : "", s[i].name);
	return b->ptr;
}

static void limit_rows(struct br_columns *t, const struct br_apikey *k)
{
	char text[64];

	for (unsigned i = 0; i < k->rates; i++) {
		br_key_rate_text(text, k->rate[i]);
		row(t, i ? "" : "requests", text);
	}
	if (!k->rates)
		row(t, "requests", "as the server allows");
	if (k->budget.day)
		row(t, "tokens a day", br_human_count(k->budget.day).s);
	if (k->budget.month)
		row(t, "tokens a month", br_human_count(k->budget.month).s);
	for (size_t i = 0; i < k->from.n; i++) {
		br_key_net_text(text, &k->from.v[i]);
		row(t, i ? "" : "addresses", text);
	}
	if (!k->from.n)
		row(t, "addresses", "any");
}

static void notebook_rows(struct br_cli *c, struct br_txn *t, struct br_columns *cols, const struct br_apikey *k)
{
	for (size_t i = 0; i < k->notebooks.n; i++) {
		const char *name = br_keys_notebook(c, t, k->notebooks.v[i]);
		row(cols, i ? "" : "notebooks", name ? name : "(deleted)");
	}
	if (!k->notebooks.n)
		row(cols, "notebooks", "all");
	for (size_t i = 0; i < k->tenants.n; i++)
		row(cols, i ? "" : "tenants", k->tenants.v[i]);
}

static void secret_rows(struct br_columns *t, const struct br_apikey *k, int64_t now)
{
	char iso[32];

	for (size_t i = k->secrets; i-- > 0;) {
		const struct br_key_secret *s = &k->secret[i];
		const char *state = secret_state(k, s, now);
		br_columns_add(t, BR_DIM, "%s", i + 1 == k->secrets ? "secrets" : "");
		br_time_iso(iso, s->until);
		if (s->until && !s->revoked)
			br_columns_add(t, BR_PLAIN, "%s...  %s, until %s  %s", s->shown, state, iso, s->id);
		else
			br_columns_add(t, BR_PLAIN, "%s...  %s  %s", s->shown, state, s->id);
	}
}

int br_keys_text(struct br_cli *c, struct br_txn *t, const struct br_apikey *k, struct br_err *err)
{
	struct br_columns cols = { .align = "ll" };
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	int64_t last, now = br_now();
	int rc = br_key_last_use(&last, t, k->number, err);

	if (rc < 0)
		return rc;
	row(&cols, "name", k->name);
	row(&cols, "id", k->id);
	row(&cols, "kind", br_key_kind_info(k->kind)->name);
	row(&cols, "state", br_keys_state(k, now));
	row(&cols, "scopes", scopes_text(&b, k->scopes));
	notebook_rows(c, t, &cols, k);
	if (k->owner[0])
		row(&cols, "owner", k->owner);
	limit_rows(&cols, k);
	time_row(&cols, "made", k->created, "-");
	time_row(&cols, "expires", k->expires, "never");
	if (k->revoked)
		time_row(&cols, "revoked", k->revoked, "-");
	time_row(&cols, "last used", last, "never");
	secret_rows(&cols, k, now);
	br_columns_print(&c->out, &cols);
	br_buf_release(&b);
	return 0;
}

/* ---- what the profile thinks of it ---- */

static void note_profile(struct br_cli *c, const struct br_apikey *k)
{
	const struct br_profile *p = br_profile_find(br_config_get(c->config, "auth.profile", NULL));
	int64_t days;

	if (!p || br_apikey_state(k, br_now()) != BR_ALLOWED)
		return;
	if ((days = br_apikey_overdue(k, p, br_now())))
		br_note(&c->out, "br: the secret of key '%s' is %lld days old; profile %s wants a new one every %lld: 'br keys rotate'", k->name,
		        (long long)days, p->name, (long long)p->rotate_days);
	if (p->addresses && !k->from.n)
		br_note(&c->out, "br: key '%s' may be used from any address; profile %s wants networks: 'br keys set --from'", k->name, p->name);
}

/* ---- list, show ---- */

struct list_params { const char *kind; bool all; };
static const struct br_opt list_opts[] = {
	{ "kind", 0, BR_AT_STR(struct list_params, kind), "kind", "only keys of this kind", .choices = "any|beyond|quivr|baiyuan" },
	{ "all", 'a', BR_AT_BOOL(struct list_params, all), NULL, "revoked keys too" },
	BR_OPT_END,
};
struct list_state {
	struct br_cli *c;
	struct br_txn *t;
	struct br_columns cols;
	struct br_buf b;
	struct br_err *err;
	int64_t now;
	size_t shown;
};

static int list_row(struct list_state *s, const struct br_apikey *k)
{
	const char *state = br_keys_state(k, s->now);
	int64_t last;
	int rc = br_key_last_use(&last, s->t, k->number, s->err);

	if (rc < 0)
		return rc;
	br_columns_add(&s->cols, BR_PLAIN, "%s", k->name);
	br_columns_add(&s->cols, BR_DIM, "%s...", br_apikey_current(k)->shown);
	br_columns_add(&s->cols, strcmp(state, "active") ? BR_BAD : BR_GOOD, "%s", state);
	br_columns_add(&s->cols, BR_PLAIN, "%s", br_key_kind_info(k->kind)->name);
	br_columns_add(&s->cols, BR_PLAIN, "%s", scopes_text(&s->b, k->scopes));
	br_columns_add(&s->cols, BR_DIM, "%s%s", last ? "used " : "never used", last ? br_human_age(last, s->now).s : "");
	br_columns_add(&s->cols, BR_DIM, "%.8s", k->id);
	return 0;
}

static int list_one(const struct br_apikey *k, void *arg)
{
	struct list_state *s = arg;
	const struct list_params *p = s->c->params;

	if ((k->revoked && !p->all) || (p->kind && strcmp(p->kind, br_key_kind_info(k->kind)->name)))
		return 0;
	s->shown++;
	return s->c->opt.json ? br_keys_json(s->c, s->t, k, NULL, s->err) : list_row(s, k);
}

static int list_run(struct br_cli *c, struct br_err *err)
{
	struct list_state s = { .c = c, .cols = { .align = "lllllll" }, .b = BR_BUF_INIT(SIZE_MAX), .err = err, .now = br_now() };
	int rc;

	if ((rc = br_txn_read(&s.t, c->ws->store, err)) < 0)
		return rc;
	rc = br_apikey_each(s.t, list_one, &s, err);
	br_txn_end(s.t);
	br_columns_print(&c->out, &s.cols);
	br_buf_release(&s.b);
	if (rc == 0 && !s.shown)
		br_note(&c->out, "br: no keys%s", ((const struct list_params *)c->params)->all ? "" : "; 'br keys create' makes one");
	return rc;
}

static int show_run(struct br_cli *c, struct br_err *err)
{
	struct br_apikey *k;
	struct br_txn *t;
	int rc = br_txn_read(&t, c->ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_apikey_find(&k, &c->arena, t, c->operand[0], err)) == 0 && !c->opt.json)
		note_profile(c, k);
	if (rc == 0)
		rc = c->opt.json ? br_keys_json(c, t, k, NULL, err) : br_keys_text(c, t, k, err);
	br_txn_end(t);
	return rc;
}

/* ---- usage ---- */

struct usage_params { int64_t days; };
static const struct br_opt usage_opts[] = {
	{ "days", 0, BR_AT_INT(struct usage_params, days), "n", "so many days, today included", .dflt = "30", .min = 1, .max = 36500 },
	BR_OPT_END,
};
struct usage_state { struct br_cli *c; struct br_json j; struct br_columns cols; };

static void day_text(char out[32], uint32_t day)
{
	br_time_iso(out, (int64_t)day * 86400);
	out[10] = 0;
}

static void json_counts(struct br_json *j, const struct br_key_usage *u)
{
	br_json_kuint(j, "requests", u->requests);
	br_json_kuint(j, "errors", u->errors);
	br_json_kuint(j, "tokens", u->tokens);
	br_json_kuint(j, "addresses", u->addresses);
	br_json_kbool(j, "more_addresses", u->more_addresses);
}

static int usage_day(const struct br_key_usage *u, void *arg)
{
	struct usage_state *s = arg;
	char day[32];

	day_text(day, u->day);
	if (s->c->opt.json) {
		br_json_obj(&s->j);
		br_json_kstr(&s->j, "day", day);
		json_counts(&s->j, u);
		br_json_end(&s->j);
		return 0;
	}
	br_columns_add(&s->cols, BR_PLAIN, "%s", day);
	br_columns_add(&s->cols, BR_PLAIN, "%s", br_human_count(u->requests).s);
	br_columns_add(&s->cols, u->errors ? BR_BAD : BR_DIM, "%s", br_human_count(u->errors).s);
	br_columns_add(&s->cols, BR_PLAIN, "%s", br_human_count(u->tokens).s);
	br_columns_add(&s->cols, BR_PLAIN, "%s%s", br_human_count(u->addresses).s, u->more_addresses ? "+" : "");
	return 0;
}

static void usage_head(struct usage_state *s, const struct br_apikey *k)
{
	static const char *const title[] = { "day", "requests", "errors", "tokens", "addresses" };

	if (s->c->opt.json) {
		br_json_init(&s->j, br_out_json(&s->c->out), false);
		br_json_obj(&s->j);
		br_json_kint(&s->j, "v", 1);
		br_json_kstr(&s->j, "id", k->id);
		br_json_kstr(&s->j, "name", k->name);
		br_json_key(&s->j, "days");
		br_json_arr(&s->j);
		return;
	}
	for (size_t i = 0; i < BR_COUNT(title); i++)
		br_columns_add(&s->cols, BR_DIM, "%s", title[i]);
}

static int usage_end(struct usage_state *s, struct br_txn *t, const struct br_apikey *k, const struct br_key_usage *sum, struct br_err *err)
{
	uint64_t day, month;
	char iso[32];
	int rc = br_key_spent(&day, &month, t, k->number, br_now(), err);

	if (rc < 0 || !s->c->opt.json)
		return rc;
	br_json_end(&s->j);
	json_counts(&s->j, sum);
	br_time_iso(iso, sum->last);
	br_json_kstr(&s->j, "last_used", sum->last ? iso : NULL);
	br_json_kuint(&s->j, "tokens_today", day);
	br_json_kuint(&s->j, "tokens_this_month", month);
	br_json_end(&s->j);
	br_out_line(&s->c->out);
	return 0;
}

static int usage_of(struct br_cli *c, struct br_txn *t, const struct br_apikey *k, struct br_err *err)
{
	const struct usage_params *p = c->params;
	struct usage_state s = { .c = c, .cols = { .align = "lrrrr" } };
	uint32_t today = (uint32_t)(br_now() / 86400), from = today - BR_MIN((uint32_t)p->days - 1, today);
	struct br_key_usage sum;
	int rc;

	usage_head(&s, k);
	if ((rc = br_key_usage(&sum, t, k->number, from, today, usage_day, &s, err)) == 0)
		rc = usage_end(&s, t, k, &sum, err);
	if (rc < 0 && c->opt.json)
		br_buf_reset(br_out_json(&c->out));
	br_columns_print(&c->out, &s.cols);
	return rc;
}

static int usage_run(struct br_cli *c, struct br_err *err)
{
	struct br_apikey *k;
	struct br_txn *t;
	int rc = br_txn_read(&t, c->ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_apikey_find(&k, &c->arena, t, c->operand[0], err)) == 0) {
		if (!c->opt.json)
			note_profile(c, k);
		rc = usage_of(c, t, k, err);
	}
	br_txn_end(t);
	return rc;
}

const struct br_cmd br_keys_list = {
	.name = "list", .summary = "show all keys that are not revoked", .opts = list_opts, .params_size = sizeof(struct list_params),
	.flags = BR_CMD_WS, .run = list_run,
};
const struct br_cmd br_keys_show = {
	.name = "show", .summary = "show one key: its state, limits and secrets' ids", .operands = "<key>", .min = 1, .max = 1,
	.flags = BR_CMD_WS, .run = show_run,
};
const struct br_cmd br_keys_usage = {
	.name = "usage", .summary = "show what a key was used for, by day", .operands = "<key>", .min = 1, .max = 1,
	.opts = usage_opts, .params_size = sizeof(struct usage_params), .flags = BR_CMD_WS, .run = usage_run,
};
