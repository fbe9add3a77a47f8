/* K1 to K5: developer keys. The key itself is shown once, when it is made; only its hash is kept. */
#include "beyond.h"

#include <stdio.h>
#include <stdlib.h>

#define KEYS "/api/settings/developer-keys"
#define KEY KEYS "/{key_id}"

/* ---- the object ---- */

#define KEY_OUT \
	{ "key_id", MUST(STR) }, { "id", MUST(STR) }, { "notebook_id", MAY_NULL(STR) }, { "name", MUST(STR) }, { "key_prefix", MUST(STR) }, \
	{ "rate_limit", MUST(STR) }, { "is_active", MUST(BOOL) }, { "expires_at", MAY_NULL(STR), .format = "date-time" }, \
	{ "last_used_at", MAY_NULL(STR), .format = "date-time" }, { "created_at", MUST(STR), .format = "date-time" }
static const struct br_field key_out[] = { KEY_OUT, BR_FIELD_END };
static const struct br_shape key_shape = { "BeyondDeveloperKey", key_out, 0 };
static const struct br_field made_out[] = { KEY_OUT, { "api_key", MUST(STR), .help = "shown this once" }, BR_FIELD_END };
static const struct br_shape made_shape = { "BeyondNewDeveloperKey", made_out, 0 };

/* Members; the caller opens and closes. */
static void write_key(struct br_json *j, const struct br_apikey *k, int64_t used, const char *dflt)
{
	char rate[32];

	if (k->rates)
		br_key_rate_text(rate, k->rate[0]);
	br_json_kstr(j, "key_id", k->id);
	br_json_kstr(j, "id", k->id);
	br_json_kstr(j, "notebook_id", k->notebooks.n ? k->notebooks.v[0] : NULL);
	br_json_kstr(j, "name", k->name);
	br_json_kstr(j, "key_prefix", br_apikey_current(k)->shown);
	br_json_kstr(j, "rate_limit", k->rates ? rate : dflt);
	br_json_kbool(j, "is_active", k->enabled);
	br_beyond__time(j, "expires_at", k->expires);
	br_beyond__time(j, "last_used_at", used);
	br_beyond__time(j, "created_at", k->created);
}

static const char *default_rate(struct br_req *r)
{
	return br_config_get(br_req_ws(r)->config, "external.rate", NULL);
}

/* A key is the affair of those who have full access to its notebook. */
static int check_access(struct br_req *r, const struct br_apikey *k, struct br_err *err)
{
	struct br_nb *nb;
	int rc;

	if (br_req_who(r)->bypass)
		return 0;
	if (k->notebooks.n != 1)
		return br_fail(err, BR_ENOTFOUND, "Developer key not found");
	rc = br_beyond__nb_by_id(&nb, r, k->notebooks.v[0], err);
	return rc < 0 ? rc : br_beyond__need_full(r, nb, err);
}

/* By its whole id. */
static int find(struct br_apikey **out, int64_t *used, struct br_req *r, const char *id, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, br_req_ws(r)->store, err);

	if (rc < 0)
		return rc;
	rc = strlen(id) == 36 ? br_apikey_find(out, br_req_arena(r), t, id, err) : -BR_ENOTFOUND;
	if (rc == -BR_ENOTFOUND || (rc == 0 && (strcmp((*out)->id, id) || (*out)->kind != BR_KEY_BEYOND || (*out)->revoked)))
		rc = br_fail(err, BR_ENOTFOUND, "Developer key not found");
	if (rc == 0)
		rc = br_key_last_use(used, t, (*out)->number, err);
	br_txn_end(t);
	return rc < 0 ? rc : check_access(r, *out, err);
}

static int reply_key(struct br_req *r, const char *id, struct br_err *err)
{
	struct br_apikey *k;
	struct br_json *j;
	int64_t used;
	int rc = find(&k, &used, r, id, err);

	if (rc < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	write_key(j, k, used, default_rate(r));
	br_json_end(j);
	return 0;
}

/* ---- K1 ---- */

struct listing { struct br_req *r; struct br_txn *t; BR_VEC(const char *) id; };

static int take_id(const struct br_apikey *k, void *arg)
{
	struct listing *l = arg;

	if (k->kind == BR_KEY_BEYOND && !k->revoked)
		*br_vec_push(&l->id) = br_arena_strdup(br_req_arena(l->r), k->id);
	return 0;
}

/* Not of those that are deleted meanwhile, nor of notebooks that are others' affair. */
static void put_key(struct br_json *j, struct br_req *r, const char *id)
{
	struct br_apikey *k;
	int64_t used;

	if (find(&k, &used, r, id, NULL) < 0)
		return;
	br_json_obj(j);
	write_key(j, k, used, default_rate(r));
	br_json_end(j);
}

static int list(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_meter *m = br_server_opts(br_req_server(r))->meter;
	struct br_buf text = BR_BUF_INIT(BR_SERVE_REPLY);
	struct br_json j;
	struct listing l = { .r = r };
	int rc = m ? br_meter_flush(m, err) : 0;

	(void)in;
	if (rc < 0 || (rc = br_txn_read(&l.t, br_req_ws(r)->store, err)) < 0)
		return rc;
	rc = br_apikey_each(l.t, take_id, &l, err);
	br_txn_end(l.t);
	br_json_init(&j, &text, false);
	br_json_arr(&j);
	for (size_t i = 0; i < l.id.n; i++)
		put_key(&j, r, l.id.v[i]);
	br_json_end(&j);
	br_vec_release(&l.id);
	if (rc == 0 && (rc = br_buf_check(&text, "the list", err)) == 0)
		br_json_raw(br_reply(r, 0), text.ptr, text.len);
	br_buf_release(&text);
	return rc;
}

/* ---- K2 ---- */

struct create_in { const char *notebook, *name, *rate, *expires; };
static const struct br_field create_in[] = {
	{ "notebook_id", BR_FAT_STR(struct create_in, notebook), .flags = BR_REQUIRED, .min = 1, .max = 100 },
	{ "name", BR_FAT_STR(struct create_in, name), .flags = BR_REQUIRED, .min = 1, .max = 200 },
	{ "rate_limit", BR_FAT_STR(struct create_in, rate), .max = 40, .help = "such as 100/hour: second, minute, hour, day" },
	{ "expires_at", BR_FAT_STR(struct create_in, expires), .max = 40, .format = "date-time" }, BR_FIELD_END,
};

static int read_rate(struct br_apikey *k, struct br_req *r, const char *text, struct br_err *err)
{
	char small[41];
	size_t i;

	if (!text)
		return 0;
	for (i = 0; text[i]; i++)
		small[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
	small[i] = 0;
	if (br_key_rate_parse(&k->rate[0], small, NULL) < 0)
		return br_req_fail(r, 400, err, BR_EUSAGE, "rate_limit must look like 100/hour");
	k->rates = 1;
	return 0;
}

static int read_expiry(int64_t *out, struct br_req *r, const char *text, struct br_err *err)
{
	*out = 0;
	if (text && (br_beyond__parse_time(out, text) < 0 || *out <= 0))
		return br_req_fail(r, 422, err, BR_EUSAGE, "expires_at must be a time such as 2030-01-31T12:00:00Z");
	return 0;
}

static int create(struct br_req *r, const void *in, struct br_err *err)
{
	const struct create_in *p = in;
	struct br_apikey spec = { .name = p->name, .owner = br_req_who(r)->user, .kind = BR_KEY_BEYOND, .enabled = true }, *k;
	char secret[BR_SECRET_SIZE];
	struct br_json *j;
	struct br_nb *nb;
	int rc = br_beyond__nb_by_id(&nb, r, p->notebook, err);

	if (rc < 0 || (rc = br_beyond__need_full(r, nb, err)) < 0 || (rc = read_rate(&spec, r, p->rate ? p->rate : default_rate(r), err)) < 0 ||
	    (rc = read_expiry(&spec.expires, r, p->expires, err)) < 0)
		return rc;
	spec.notebooks.v = (const char *[]){ nb->id };
	spec.notebooks.n = 1;
	if ((rc = br_apikey_create(&k, secret, br_req_arena(r), br_req_ws(r)->store, &spec, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	write_key(j, k, 0, default_rate(r));
	br_json_kstr(j, "api_key", secret);
	br_json_end(j);
	br_wipe(secret, sizeof secret);
	return 0;
}

/* ---- K3 ---- */

struct patch_in { const char *name, *rate, *expires; bool active; };
static const struct br_field patch_in[] = {
	{ "name", BR_FAT_STR(struct patch_in, name), .min = 1, .max = 200 }, { "rate_limit", BR_FAT_STR(struct patch_in, rate), .max = 40 },
	{ "is_active", BR_FAT_BOOL(struct patch_in, active) },
	{ "expires_at", BR_FAT_STR(struct patch_in, expires), .max = 40, .format = "date-time", .help = "null: never" }, BR_FIELD_END,
};

struct change { const struct patch_in *p; struct br_apikey to; bool active, expires; };

static int apply(struct br_apikey *k, void *arg, struct br_err *err)
{
	const struct change *c = arg;

	(void)err;
	if (c->p->name)
		k->name = c->p->name;
	if (c->to.rates) {
		k->rate[0] = c->to.rate[0];
		k->rates = 1;
	}
	if (c->active)
		k->enabled = c->p->active;
	if (c->expires)
		k->expires = c->to.expires;
	return 0;
}

static bool names(struct br_req *r, const char *field)
{
	struct br_jdoc *doc;
	bool there;

	if (br_jdoc_parse(&doc, br_req_body(r), "the body", NULL) < 0)
		return false;
	there = br_jval_get(br_jdoc_root(doc), field) != NULL;
	br_jdoc_free(doc);
	return there;
}

static int patch(struct br_req *r, const void *in, struct br_err *err)
{
	struct change c = { .p = in, .active = br_req_given(r, "is_active"), .expires = names(r, "expires_at") };
	struct br_apikey *k;
	int64_t used;
	int rc = find(&k, &used, r, br_req_param(r, "key_id"), err);

	if (rc < 0 || (rc = read_rate(&c.to, r, c.p->rate, err)) < 0 || (rc = read_expiry(&c.to.expires, r, c.p->expires, err)) < 0 ||
	    (rc = br_apikey_edit(br_req_ws(r)->store, k->id, apply, &c, err)) < 0)
		return rc;
	return reply_key(r, k->id, err);
}

/* ---- K4 ---- */

static int drop(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_apikey *k;
	struct br_json *j;
	int64_t used;
	int rc = find(&k, &used, r, br_req_param(r, "key_id"), err);

	(void)in;
	if (rc < 0 || (rc = br_apikey_delete(br_req_ws(r)->store, k->id, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kbool(j, "deleted", true);
	br_json_kstr(j, "key_id", k->id);
	br_json_end(j);
	return 0;
}
static const struct br_field drop_out[] = { { "deleted", MUST(BOOL) }, { "key_id", MUST(STR) }, BR_FIELD_END };
static const struct br_shape drop_shape = { "BeyondDeveloperKeyDeleted", drop_out, 0 };

/* ---- K5 ---- */

static bool is_plain(const char *s)
{
	return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")] == 0;
}

/* Of the setting, or of the request: nothing of it may leave the quotes of a snippet. */
const char *br_beyond__base_url(struct br_req *r)
{
	const char *set = br_config_get(br_req_ws(r)->config, "external.base_url", NULL), *host = br_req_header(r, "X-Forwarded-Host");
	const char *proto = br_req_header(r, "X-Forwarded-Proto");

	if (set && *set)
		return set;
	if (!host || !is_plain(host))
		host = br_req_header(r, "Host");
	if (!host || !is_plain(host))
		host = "localhost:8000";
	if (!proto || (strcmp(proto, "http") && strcmp(proto, "https")))
		proto = br_server_opts(br_req_server(r))->cert ? "https" : "http";
	return br_arena_printf(br_req_arena(r), "%s://%s", proto, host);
}

#define PLACE "br_key_YOUR_KEY_HERE"
static const char curl_text[] =
	"curl -X POST '%s/api/v1/external/query' \\\n"
	"  -H 'X-API-Key: " PLACE "' \\\n"
	"  -H 'Content-Type: application/json' \\\n"
	"  -d '{\"query\": \"What is this about?\", \"top_k\": 5}'\n";
static const char python_text[] =
	"import json\n"
	"import urllib.request\n"
	"\n"
	"request = urllib.request.Request(\n"
	"    \"%s/api/v1/external/query\",\n"
	"    data=json.dumps({\"query\": \"What is this about?\", \"top_k\": 5}).encode(),\n"
	"    headers={\"X-API-Key\": \"" PLACE "\", \"Content-Type\": \"application/json\"},\n"
	")\n"
	"with urllib.request.urlopen(request, timeout=30) as answer:\n"
	"    for chunk in json.load(answer)[\"data\"][\"chunks\"]:\n"
	"        print(chunk[\"score\"], chunk[\"source\"], chunk[\"content\"])\n";
static const char javascript_text[] =
	"fetch(\"%s/api/v1/external/query\", {\n"
	"  method: \"POST\",\n"
	"  headers: { \"X-API-Key\": \"" PLACE "\", \"Content-Type\": \"application/json\" },\n"
	"  body: JSON.stringify({ query: \"What is this about?\", top_k: 5 }),\n"
	"})\n"
	"  .then((answer) => answer.json())\n"
	"  .then(({ data }) => data.chunks.forEach((chunk) => console.log(chunk.score, chunk.source, chunk.content)));\n";

static int snippets(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_arena *a = br_req_arena(r);
	struct br_apikey *k;
	struct br_json *j;
	const char *url;
	int64_t used;
	int rc = find(&k, &used, r, br_req_param(r, "key_id"), err);

	(void)in;
	if (rc < 0)
		return rc;
	url = br_beyond__base_url(r);
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "base_url", url);
	br_json_key(j, "snippets");
	br_json_obj(j);
	br_json_kstr(j, "curl", br_arena_printf(a, curl_text, url));
	br_json_kstr(j, "python", br_arena_printf(a, python_text, url));
	br_json_kstr(j, "javascript", br_arena_printf(a, javascript_text, url));
	br_json_end(j);
	br_json_end(j);
	return 0;
}
static const struct br_field texts_out[] = { { "curl", MUST(STR) }, { "python", MUST(STR) }, { "javascript", MUST(STR) }, BR_FIELD_END };
static const struct br_shape texts_shape = { "BeyondSnippetTexts", texts_out, 0 };
static const struct br_field snippets_out[] = { { "base_url", MUST(STR) }, { "snippets", MUST(OBJ), .shape = &texts_shape }, BR_FIELD_END };
static const struct br_shape snippets_shape = { "BeyondSnippets", snippets_out, 0 };

static const short create_fails[] = { 400, 404, 0 }, known[] = { 404, 0 };
static const struct br_route rows[] = {
	{ "GET", KEYS, "beyond_keys", "Developer keys", "developer keys", BR_LEVEL_ADMIN, .out = &key_shape, .flags = BR_ROUTE_LIST | BR_ROUTE_SLOW, .run = list },
	{ "POST", KEYS, "beyond_create_key", "Make a key for a notebook", "developer keys", BR_LEVEL_ADMIN, .body = BR_BODY_JSON, .in = create_in,
	  .in_size = sizeof(struct create_in), .out = &made_shape, .ok = 201, .fails = create_fails, .flags = BR_ROUTE_SLOW, .run = create },
	{ "PATCH", KEY, "beyond_change_key", "Change a key", "developer keys", BR_LEVEL_ADMIN, .body = BR_BODY_JSON, .in = patch_in,
	  .in_size = sizeof(struct patch_in), .out = &key_shape, .fails = create_fails, .flags = BR_ROUTE_SLOW, .run = patch },
	{ "DELETE", KEY, "beyond_delete_key", "Delete a key for good", "developer keys", BR_LEVEL_ADMIN, .out = &drop_shape, .fails = known,
	  .flags = BR_ROUTE_SLOW, .run = drop },
	{ "GET", KEY "/snippets", "beyond_snippets", "Programs that use the key", "developer keys", BR_LEVEL_ADMIN, .out = &snippets_shape,
	  .fails = known, .run = snippets },
};
const struct br_routes br_beyond__keys_rows = { rows, BR_COUNT(rows) };
