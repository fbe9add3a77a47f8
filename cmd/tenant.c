/* `br tenant`: makes and manages the tenants of the Baiyuan API, which no program can make for itself. */
#include "cmd.h"

#include <stdlib.h>

static int find(struct br_tenant *t, struct br_cli *c, struct br_err *err) { return br_tenant_find(t, &c->arena, c->ws, c->operand[0], err); }

/* ---- showing ---- */

static int figures(uint64_t *kbs, uint64_t *docs, uint64_t sum[BR_PATH_COUNT], struct br_cli *c, const struct br_tenant *t, struct br_err *err)
{
	struct br_kbs all = { 0 };
	int rc = br_kb_list(&all, &c->arena, c->ws, t->id, err);

	*kbs = all.v.n;
	*docs = 0;
	for (size_t i = 0; i < all.v.n; i++)
		*docs += all.v.v[i].docs;
	br_vec_release(&all.v);
	return rc < 0 ? rc : br_audit_sums(sum, c->ws, t->id, err);
}

static void write_json(struct br_json *j, const struct br_tenant *t)
{
	char iso[32];

	br_json_obj(j);
	br_json_kint(j, "v", 1);
	br_json_kstr(j, "id", t->id);
	br_json_kstr(j, "name", t->name);
	br_json_kbool(j, "enabled", t->enabled);
	br_json_kint(j, "rate", t->rate);
	br_json_kint(j, "memory", t->memory);
	br_json_kint(j, "handoff_timeout", t->handoff_timeout);
	br_json_kbool(j, "has_secret", *t->secret);
	br_time_iso(iso, t->created);
	br_json_kstr(j, "created_at", iso);
}

static int show_json(struct br_cli *c, const struct br_tenant *t, const char *key, struct br_err *err)
{
	uint64_t kbs, docs, sum[BR_PATH_COUNT];
	struct br_json j;
	int rc = figures(&kbs, &docs, sum, c, t, err);

	if (rc < 0)
		return rc;
	br_json_init(&j, br_out_json(&c->out), false);
	write_json(&j, t);
	br_json_kuint(&j, "knowledge_bases", kbs);
	br_json_kuint(&j, "documents", docs);
	br_json_key(&j, "answers");
	br_json_obj(&j);
	for (int i = 0; i < BR_PATH_COUNT; i++)
		br_json_kuint(&j, br_path_name((enum br_path)i), sum[i]);
	br_json_end(&j);
	if (key)
		br_json_kstr(&j, "key", key);
	br_json_end(&j);
	br_out_line(&c->out);
	return 0;
}

static void line(struct br_columns *t, const char *name, const char *value)
{
	br_columns_add(t, BR_DIM, "%s", name);
	br_columns_add(t, BR_PLAIN, "%s", value);
}

static int show_text(struct br_cli *c, const struct br_tenant *t, struct br_err *err)
{
	struct br_columns cols = { .align = "ll" };
	uint64_t kbs, docs, sum[BR_PATH_COUNT];
	char iso[32];
	int rc = figures(&kbs, &docs, sum, c, t, err);

	if (rc < 0)
		return rc;
	br_time_iso(iso, t->created);
	line(&cols, "id", t->id);
	line(&cols, "name", t->name);
	line(&cols, "state", t->enabled ? "enabled" : "disabled");
	line(&cols, "rate", br_arena_printf(&c->arena, "%lld a minute", (long long)t->rate));
	line(&cols, "memory", br_arena_printf(&c->arena, "%lld messages", (long long)t->memory));
	line(&cols, "handoff timeout", t->handoff_timeout ? br_arena_printf(&c->arena, "%lld s", (long long)t->handoff_timeout) : "none");
	line(&cols, "secret of pushes", *t->secret ? "set" : "none");
	line(&cols, "created", iso);
	line(&cols, "knowledge bases", br_arena_printf(&c->arena, "%llu", (unsigned long long)kbs));
	line(&cols, "documents", br_arena_printf(&c->arena, "%llu", (unsigned long long)docs));
	for (int i = 0; i < BR_PATH_COUNT; i++)
		if (sum[i])
			line(&cols, br_arena_printf(&c->arena, "answers by %s", br_path_name((enum br_path)i)), br_human_count(sum[i]).s);
	br_columns_print(&c->out, &cols);
	return 0;
}

static int show_run(struct br_cli *c, struct br_err *err)
{
	struct br_tenant t;
	int rc = find(&t, c, err);

	return rc < 0 ? rc : c->opt.json ? show_json(c, &t, NULL, err) : show_text(c, &t, err);
}

struct listing { struct br_cli *c; struct br_columns cols; };

static void list_one(const struct br_tenant *t, void *arg)
{
	struct listing *l = arg;
	struct br_json j;

	if (l->c->opt.json) {
		br_json_init(&j, br_out_json(&l->c->out), false);
		write_json(&j, t);
		br_json_end(&j);
		br_out_line(&l->c->out);
		return;
	}
	br_columns_add(&l->cols, BR_PLAIN, "%s", t->id);
	br_columns_add(&l->cols, t->enabled ? BR_GOOD : BR_WARN, "%s", t->enabled ? "enabled" : "disabled");
	br_columns_add(&l->cols, BR_PLAIN, "%s", t->name);
}

static int list_run(struct br_cli *c, struct br_err *err)
{
	struct listing l = { c, { .align = "lll" } };
	int rc = br_tenant_each(&c->arena, c->ws, list_one, &l, err);

	br_columns_print(&c->out, &l.cols);
	return rc;
}

/* ---- create ---- */

struct create_params { const char *id, *key; };
static const struct br_opt create_opts[] = {
	{ "id", 0, BR_AT_STR(struct create_params, id), "uuid", "an id that clients know already, instead of a new one" },
	{ "key", 0, BR_AT_STR(struct create_params, key), "name", "make a key of this name for it, too, and print its secret" },
	BR_OPT_END,
};

static int make_key(char secret[BR_SECRET_SIZE], struct br_cli *c, const struct br_tenant *t, const char *name, struct br_err *err)
{
	const char *id[] = { t->id };
	struct br_apikey spec = { .name = name, .owner = "", .kind = BR_KEY_BAIYUAN, .enabled = true, .tenants = { id, 1 } }, *k;

	return br_apikey_create(&k, secret, &c->arena, c->ws->store, &spec, err);
}

static int create_run(struct br_cli *c, struct br_err *err)
{
	const struct create_params *p = c->params;
	char secret[BR_SECRET_SIZE] = "";
	struct br_tenant t;
	int rc = br_tenant_create(&t, &c->arena, c->ws, c->operand[0], p->id, err);

	if (rc == 0 && p->key)
		rc = make_key(secret, c, &t, p->key, err);
	if (rc == 0 && c->opt.json)
		rc = show_json(c, &t, *secret ? secret : NULL, err);
	else if (rc == 0) {
		br_out_f(&c->out, "%s\n", t.id);
		if (*secret)
			br_out_f(&c->out, "%s\n", secret);
		else
			br_note(&c->out, "'br keys create NAME --kind baiyuan --tenant %s' makes a key for it", t.id);
	}
	br_wipe(secret, sizeof secret);
	return rc;
}

/* ---- set, enable, disable ---- */

struct set_params { int64_t rate, memory, timeout; const char *name; };
static const struct br_opt set_opts[] = {
	{ "name", 0, BR_AT_STR(struct set_params, name), "name", "another name" },
	{ "rate", 0, BR_AT_INT(struct set_params, rate), "n", "requests a minute, whatever keys ask", .min = 1, .max = BR_MAX_RATE },
	{ "memory", 0, BR_AT_INT(struct set_params, memory), "n", "messages of a conversation that count; 12 at first", .min = 0, .max = 40 },
	{ "handoff-timeout", 0, BR_AT_SECONDS(struct set_params, timeout), "time", "when people do not come, the AI answers again after so long; 0 for never" },
	BR_OPT_END,
};

static int set_run(struct br_cli *c, struct br_err *err)
{
	const struct set_params *p = c->params;
	struct br_tenant t, other;
	int rc = find(&t, c, err);

	if (rc < 0)
		return rc;
	if (p->name && strcmp(p->name, t.name) && br_tenant_find(&other, &c->arena, c->ws, p->name, NULL) == 0)
		return br_fail(err, BR_EEXISTS, "there is a tenant '%s' already", p->name);
	if (p->name && !br_nb_name_ok(p->name, err))
		return -BR_EUSAGE;
	t.name = p->name ? p->name : t.name;
	t.rate = br_opt_is_set(c, "rate") ? p->rate : t.rate;
	t.memory = br_opt_is_set(c, "memory") ? p->memory : t.memory;
	t.handoff_timeout = br_opt_is_set(c, "handoff-timeout") ? p->timeout : t.handoff_timeout;
	return br_tenant_put(c->ws, &t, err);
}

static int switch_to(struct br_cli *c, bool on, struct br_err *err)
{
	struct br_tenant t;
	int rc = find(&t, c, err);

	t.enabled = on;
	return rc < 0 ? rc : br_tenant_put(c->ws, &t, err);
}

static int enable_run(struct br_cli *c, struct br_err *err) { return switch_to(c, true, err); }
static int disable_run(struct br_cli *c, struct br_err *err) { return switch_to(c, false, err); }

/* ---- secret ---- */

struct secret_params { bool from_stdin, clear; };
static const struct br_opt secret_opts[] = {
	{ "stdin", 0, BR_AT_BOOL(struct secret_params, from_stdin), NULL, "take the one on standard input instead of a new one" },
	{ "clear", 0, BR_AT_BOOL(struct secret_params, clear), NULL, "remove it: nothing can be pushed any more" },
	BR_OPT_END,
};

static int new_secret(struct br_buf *out, const struct secret_params *p, struct br_err *err)
{
	uint8_t bytes[32];
	int rc = 0;

	if (p->from_stdin) {
		rc = br_fd_read(out, 0, BR_MAX_SECRET, "standard input", err);
		while (out->len && (out->ptr[out->len - 1] == '\n' || out->ptr[out->len - 1] == '\r'))
			out->ptr[--out->len] = 0;
		return rc == 0 && (!out->len || strlen(out->ptr) != out->len) ? br_fail(err, BR_EINPUT, "standard input: there is no secret") : rc;
	}
	if (!p->clear) {
		br_random(bytes, sizeof bytes);
		br_base64url(out, bytes, sizeof bytes);
	}
	return 0;
}

static int secret_run(struct br_cli *c, struct br_err *err)
{
	const struct secret_params *p = c->params;
	struct br_buf b = BR_BUF_INIT(BR_MAX_SECRET + 2);
	struct br_tenant t;
	int rc = find(&t, c, err);

	if (rc == 0 && (rc = new_secret(&b, p, err)) == 0) {
		t.secret = b.ptr;
		rc = br_tenant_put(c->ws, &t, err);
	}
	if (rc == 0 && !p->from_stdin && !p->clear)
		br_out_f(&c->out, "%s\n", b.ptr);
	br_wipe(b.ptr, b.len);
	br_buf_release(&b);
	return rc;
}

/* ---- delete ---- */

struct delete_params { bool yes; };
static const struct br_opt delete_opts[] = {
	{ "yes", 'y', BR_AT_BOOL(struct delete_params, yes), NULL, "do not ask" },
	BR_OPT_END,
};

static int delete_run(struct br_cli *c, struct br_err *err)
{
	const struct delete_params *p = c->params;
	struct br_tenant t;
	int rc = find(&t, c, err);

	if (rc < 0)
		return rc;
	if (!p->yes && !br_confirm(c, br_arena_printf(&c->arena, "Delete tenant '%s' with all its knowledge bases?", t.name))) {
		br_cli_hint(c, "--yes deletes without asking; 'br tenant disable' keeps everything");
		return br_fail(err, BR_EUSAGE, "tenant '%s' was not deleted: nobody said yes", t.name);
	}
	return (rc = br_tenant_delete(c->ws, t.id, err)) < 0 ? rc : 0;
}

/* ---- the tables ---- */

#define TENANT_CMD(id, word, what, fn, ...)                                                                                \
	static const struct br_cmd id = {                                                                                  \
		.name = word, .summary = what, .operands = "<tenant>", .min = 1, .max = 1, .flags = BR_CMD_WS, .run = fn, __VA_ARGS__ \
	}
static const struct br_cmd create = {
	.name = "create", .summary = "make a tenant and print its id", .operands = "<name>", .min = 1, .max = 1, .opts = create_opts,
	.params_size = sizeof(struct create_params), .flags = BR_CMD_WS, .run = create_run,
};
static const struct br_cmd list = { .name = "list", .summary = "list tenants", .flags = BR_CMD_WS, .run = list_run };
TENANT_CMD(show, "show", "show a tenant, and how its questions were answered", show_run, .opts = NULL);
TENANT_CMD(set, "set", "change limits or the name of a tenant", set_run, .opts = set_opts, .params_size = sizeof(struct set_params));
TENANT_CMD(enable, "enable", "let a tenant be served again", enable_run, .opts = NULL);
TENANT_CMD(disable, "disable", "refuse all requests for a tenant, and keep what it has", disable_run, .opts = NULL);
TENANT_CMD(secret, "secret", "give a tenant a secret for signed pushes and print it", secret_run, .opts = secret_opts, .params_size = sizeof(struct secret_params));
TENANT_CMD(delete_cmd, "delete", "remove a tenant with its knowledge bases, conversations and records", delete_run, .opts = delete_opts,
           .params_size = sizeof(struct delete_params));
static const struct br_cmd *const subs[] = { &create, &list, &show, &set, &enable, &disable, &secret, &delete_cmd, NULL };
static const struct br_example examples[] = {
	{ "br tenant create acme --key shop", "a tenant and a key for it; prints id and secret" },
	{ "br tenant show acme", "what it has, and how its questions were answered" },
	{ "br tenant secret acme", "a secret for signed pushes" },
	{ NULL },
};
const struct br_cmd br_cmd_tenant = {
	.name = "tenant", .group = "care", .summary = "make and manage tenants of the Baiyuan API",
	.operands = "create|list|show|set|enable|disable|secret|delete", .sub = subs, .examples = examples,
};
