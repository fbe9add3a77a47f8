/*
 * The Baiyuan dialect: its envelope, its errors, and who calls: a key in X-RAG-API-Key for the tenant in X-Tenant-ID. Steps and statuses
 * are those of the contract; a server that asks nobody for proofs asks here all the same.
 */
#include "baiyuan.h"

#include "br/os.h"

#include <stdio.h>
#include <stdlib.h>

struct caller {
	struct br_apikey *key;
	struct br_tenant tenant;
	const char *scopes[16];
	int64_t after;               /* seconds until it may ask again; 0: it may */
};

/* ---- the envelope ---- */

static void open_envelope(struct br_json *j)
{
	br_json_obj(j);
	br_json_kstr(j, "status", "success");
	br_json_key(j, "data");
}

static void close_envelope(struct br_json *j) { br_json_end(j); }

static void error_body(struct br_json *j, struct br_req *r, struct br_fault *f)
{
	const struct caller *c = br_req_who(r)->own;

	if (f->stage == BR_AT_RUN && f->status == 422)
		f->status = 400;
	br_json_obj(j);
	br_json_kstr(j, "status", "error");
	br_json_kstr(j, "error", f->message);
	br_json_kint(j, "code", f->status);
	if (f->status == 429 && c)
		br_json_kint(j, "retry_after", c->after);
	br_json_end(j);
}

static void member(struct br_json *j, const char *key, const char *type)
{
	br_json_key(j, key);
	br_json_obj(j);
	br_json_kstr(j, "type", type);
	br_json_end(j);
}

static void required(struct br_json *j, const char *a, const char *b, const char *c)
{
	br_json_kstr(j, "type", "object");
	br_json_key(j, "required");
	br_json_arr(j);
	br_json_str(j, a);
	br_json_str(j, b);
	if (c)
		br_json_str(j, c);
	br_json_end(j);
	br_json_key(j, "properties");
	br_json_obj(j);
	member(j, "status", "string");
}

static void schema(struct br_json *j, void (*data)(struct br_json *j, const void *arg), const void *arg)
{
	br_json_obj(j);
	required(j, "status", "data", NULL);
	br_json_key(j, "data");
	data(j, arg);
	br_json_end(j);
	br_json_end(j);
}

static void error_schema(struct br_json *j)
{
	br_json_obj(j);
	required(j, "status", "error", "code");
	member(j, "error", "string");
	member(j, "code", "integer");
	member(j, "retry_after", "integer");
	br_json_end(j);
	br_json_end(j);
}

/* ---- who asks ---- */

/* Clients send what they read from files: blanks around a value mean nothing. NULL: absent or empty. */
static const char *header(struct br_req *r, const char *name)
{
	const char *v = br_req_header(r, name);
	size_t n;

	if (!v)
		return NULL;
	v += strspn(v, " \t\r\n");
	for (n = strlen(v); n && strchr(" \t\r\n", v[n - 1]); n--)
		;
	return n ? br_arena_strndup(br_req_arena(r), v, n) : NULL;
}

static bool is_uuid(const char *s)
{
	size_t i;

	for (i = 0; s && s[i]; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !strchr("0123456789abcdefABCDEF", s[i]))
			return false;
	return i == 36;
}

static int find_key(struct br_apikey **out, struct br_req *r, const char *secret, struct br_err *err)
{
	struct br_key_addr from;
	enum br_refusal why = BR_REFUSED_MISSING;
	struct br_txn *t;
	size_t which;
	int rc;

	if (!br_key_addr_parse(&from, br_req_address(r)) && !br_key_addr_parse(&from, "127.0.0.1"))
		return br_fail(err, BR_EBUG, "no address");
	if ((rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	rc = br_auth_check(out, &which, &why, br_req_arena(r), t, secret, &from, br_now(), err);
	br_txn_end(t);
	if (rc == -BR_EAUTH || (rc == -BR_EFORBIDDEN && why != BR_REFUSED_ADDRESS) ||
	    (rc == 0 && br_apikey_may(*out, BR_KEY_BAIYUAN, 0, NULL, NULL) != BR_ALLOWED))
		return br_fail(err, BR_EAUTH, "invalid API key");
	return rc;
}

/* A key without tenants is for none here. */
static bool belongs(const struct br_apikey *k, const struct br_tenant *t)
{
	for (size_t i = 0; i < k->tenants.n; i++)
		if (!strcasecmp(k->tenants.v[i], t->id))
			return true;
	return false;
}

static int check(struct caller *c, struct br_req *r, struct br_err *err)
{
	const char *secret = header(r, "X-RAG-API-Key"), *tenant = header(r, "X-Tenant-ID");
	int rc;

	if (!secret)
		return br_fail(err, BR_EAUTH, "missing credentials");
	if (!is_uuid(tenant))
		return br_req_fail(r, 400, err, BR_EUSAGE, tenant ? "X-Tenant-ID is not a UUID" : "X-Tenant-ID is missing");
	if ((rc = find_key(&c->key, r, secret, err)) < 0)
		return rc;
	rc = br_tenant_find(&c->tenant, br_req_arena(r), br_req_ws(r), tenant, err);
	if (rc == -BR_ENOTFOUND || (rc == 0 && !c->tenant.enabled))
		return br_fail(err, BR_EFORBIDDEN, "tenant not found or disabled");
	return rc < 0 || belongs(c->key, &c->tenant) ? rc : br_fail(err, BR_EFORBIDDEN, "tenant mismatch");
}

static void take_scopes(struct caller *c)
{
	const struct br_scope_info *all;
	size_t n, k = 0;

	all = br_scopes(&n);
	for (size_t i = 0; i < n; i++)
		if ((c->key->scopes & all[i].bit || c->key->scopes & BR_SCOPE_ADMIN) && k + 1 < BR_COUNT(c->scopes))
			c->scopes[k++] = all[i].name;
}

static enum br_who identify(struct br_identity *out, struct br_req *r, bool may_wait, struct br_err *err)
{
	struct caller *c;

	if (!may_wait)
		return BR_WHO_LATER;
	c = br_arena_zalloc(br_req_arena(r), sizeof *c);
	if (check(c, r, err) < 0)
		return BR_WHO_REFUSED;
	take_scopes(c);
	*out = (struct br_identity){ .level = BR_LEVEL_KEY, .key_id = c->key->id, .tenant = c->tenant.id, .scopes = c->scopes, .own = c,
		.user = br_arena_printf(br_req_arena(r), "tenant:%s", c->tenant.id) };
	return BR_WHO_KNOWN;
}

/* Of the tenant, whichever key asks; and of the key where it has limits of its own. */
static bool rate(struct br_rate *out, struct br_req *r, const char *class)
{
	const struct br_server_opts *o = br_server_opts(br_req_server(r));
	struct caller *c = (struct caller *)br_req_who(r)->own;
	const struct br_key_rate limit = { (uint32_t)c->tenant.rate, 60 };
	int64_t ns = 0;

	(void)class;
	if (o->meter)
		br_meter_add(o->meter, c->key->number, &(struct br_key_use){ .requests = 1 }, br_now());
	if (o->limiter && c->key->rates)
		ns = br_limiter_take(o->limiter, c->key->id, c->key->rate, c->key->rates);
	if (o->limiter && !ns)
		ns = br_limiter_take(o->limiter, br_req_who(r)->user, &limit, 1);
	if (!ns)
		return true;
	out->after = c->after = (ns + 999999999) / 1000000000;
	return false;
}

/* ---- what the routers share ---- */

struct br_tenancy *br_baiyuan__tenancy(struct br_req *r) { return br_server_opts(br_req_server(r))->tenancy; }
const char *br_baiyuan__tenant(struct br_req *r) { return br_req_who(r)->tenant; }
const char *br_baiyuan__kb(const char *a, const char *b) { return a && *a ? a : b && *b ? b : NULL; }

void br_baiyuan__time(struct br_json *j, const char *key, int64_t seconds)
{
	char iso[32];

	br_time_iso(iso, seconds);
	br_json_kstr(j, key, seconds ? iso : NULL);
}

void br_baiyuan__or_null(struct br_json *j, const char *key, const char *s) { br_json_kstr(j, key, s && *s ? s : NULL); }

void br_baiyuan__ascii(struct br_buf *out, struct br_slice json)
{
	uint32_t cp;
	size_t n;

	for (size_t i = 0; i < json.len; i += n) {
		n = br_utf8_next(&cp, json.ptr + i, json.len - i);
		if (cp < 0x80)
			br_buf_addc(out, (char)cp);
		else if (cp < 0x10000)
			br_buf_addf(out, "\\u%04x", cp);
		else
			br_buf_addf(out, "\\u%04x\\u%04x", 0xd7c0 + (cp >> 10), 0xdc00 + (cp & 0x3ff));
	}
}

/* ---- the dialect ---- */

static const struct br_routes *const routers[] = {
#define X(name) &br_baiyuan__##name##_rows,
	BAIYUAN_ROUTERS(X)
#undef X
	NULL,
};

const struct br_dialect br_dialect_baiyuan = {
	.name = "baiyuan", .prefix = API "/ask " API "/knowledge-bases " API "/documents " API "/wiki " API "/sessions",
	.more = routers, .identify = identify, .rate = rate, .open = open_envelope, .close = close_envelope,
	.error = error_body, .schema = schema, .error_schema = error_schema, .invalid = 400, .security = "X-RAG-API-Key",
};
