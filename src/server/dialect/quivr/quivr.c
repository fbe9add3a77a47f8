/*
 * The Quivr dialect: who calls (a key of ours as a bearer token), how often and for how many tokens, the flat error object, and what
 * its routers need to find knowledge bases and documents.
 */
#include "quivr.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define SECOND 1000000000LL

struct br_quivr_caller *br_quivr__caller(const struct br_req *r)
{
	return (struct br_quivr_caller *)br_req_who(r)->own;
}

/* ---- what is wrong ---- */

static struct br_quivr_why *why_of(const struct br_req *r)
{
	struct br_quivr_caller *c = br_quivr__caller(r);

	return c ? &c->why : NULL;
}

static BR_PRINTF(2, 0) const char *formatted(struct br_req *r, const char *fmt, va_list ap)
{
	char text[400];

	vsnprintf(text, sizeof text, fmt, ap);
	return br_arena_strdup(br_req_arena(r), text);
}
#define FORMAT(out, r, fmt) do { va_list ap_; va_start(ap_, fmt); out = formatted(r, fmt, ap_); va_end(ap_); } while (0)

int br_quivr__bad(struct br_req *r, struct br_err *err, const char *field, const char *fmt, ...)
{
	struct br_quivr_why *w = why_of(r);
	const char *text;

	FORMAT(text, r, fmt);
	if (w)
		w->field = br_arena_strdup(br_req_arena(r), field);
	return br_req_fail(r, 400, err, BR_EUSAGE, "%s", text);
}

int br_quivr__absent(struct br_req *r, struct br_err *err, const char *type, const char *id)
{
	struct br_quivr_why *w = why_of(r);
	const char *what = !strcmp(type, "knowledge_base") ? "Knowledge base" : !strcmp(type, "document") ? "Document" :
		!strcmp(type, "api_key") ? "API key" : !strcmp(type, "webhook") ? "Webhook" : type;

	if (w) {
		w->resource_type = type;
		w->resource_id = br_arena_strdup(br_req_arena(r), id);
	}
	return br_req_fail(r, 404, err, BR_ENOTFOUND, "%s %.200s not found", what, id);
}

int br_quivr__conflict(struct br_req *r, struct br_err *err, const char *type, const char *id, const char *field, const char *fmt, ...)
{
	struct br_quivr_why *w = why_of(r);
	const char *text;

	FORMAT(text, r, fmt);
	if (w) {
		w->resource_type = type;
		w->resource_id = br_arena_strdup(br_req_arena(r), id);
		w->field = field;
	}
	return br_req_fail(r, 409, err, BR_EEXISTS, "%s", text);
}

int br_quivr__forbid(struct br_req *r, struct br_err *err, const char *reason, const char *fmt, ...)
{
	struct br_quivr_why *w = why_of(r);
	const char *text;

	FORMAT(text, r, fmt);
	if (w)
		w->reason = reason;
	return br_req_fail(r, 403, err, BR_EFORBIDDEN, "%s", text);
}

static int limited(struct br_req *r, struct br_err *err, const char *limit, int64_t after)
{
	struct br_quivr_why *w = why_of(r);

	w->limit = limit;
	w->after = BR_MAX(after, 1);
	return br_req_fail(r, 429, err, BR_EFORBIDDEN, "%s", !strcmp(limit, "tokens_per_day") ? "The token budget of this key is spent" :
			   "Rate limit exceeded");
}

/* ---- who calls ---- */

/* "Bearer X", in any case; NULL: something else. */
static const char *bearer(const char *header)
{
	if (!header || strncasecmp(header, "bearer", 6) || (header[6] != ' ' && header[6] != '\t'))
		return NULL;
	return header + 6 + strspn(header + 6, " \t");
}

static const char *refusal_text(enum br_refusal why)
{
	switch (why) {
	case BR_REFUSED_MISSING: return "Missing API key: send Authorization: Bearer <key>";
	case BR_REFUSED_EXPIRED: return "This API key has expired";
	case BR_REFUSED_DISABLED: return "This API key is disabled";
	case BR_REFUSED_REVOKED: return "This API key was revoked";
	case BR_REFUSED_ADDRESS: return "This API key may not be used from this address";
	case BR_REFUSED_KIND: return "This API key is for another API";
	default: return "Invalid API key";
	}
}

static int refuse(struct br_quivr_caller *c, enum br_refusal why, struct br_err *err)
{
	c->why.reason = why == BR_REFUSED_REVOKED ? "key_revoked" : why == BR_REFUSED_ADDRESS ? "ip_not_allowed" : why == BR_REFUSED_KIND ?
		"key_kind" : NULL;
	return br_fail(err, br_refusal_info(why)->code, "%s", refusal_text(why));
}

static int check_key(struct br_quivr_caller *c, struct br_req *r, struct br_arena *a, struct br_err *err)
{
	const char *secret = bearer(br_req_header(r, "Authorization"));
	enum br_refusal why = BR_ALLOWED;
	struct br_key_addr from;
	struct br_txn *t;
	int rc;

	if (!secret || !*secret)
		return refuse(c, BR_REFUSED_MISSING, err);
	if (!br_key_addr_parse(&from, br_req_address(r)) && !br_key_addr_parse(&from, "127.0.0.1"))
		return br_fail(err, BR_EBUG, "no address");
	if ((rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	rc = br_auth_check(&c->key, &c->secret, &why, a, t, secret, &from, br_now(), err);
	br_txn_end(t);
	if (rc < 0)
		return why ? refuse(c, why, err) : rc;
	why = br_apikey_may(c->key, BR_KEY_QUIVR, 0, NULL, NULL);
	return why ? refuse(c, why, err) : 0;
}

static const char *const *scope_names(struct br_arena *a, uint32_t scopes)
{
	size_t n, k = 0;
	const struct br_scope_info *all = br_scopes(&n);
	const char **out = br_arena_zalloc(a, (n + 1) * sizeof *out);

	for (size_t i = 0; i < n; i++)
		if (scopes & all[i].bit)
			out[k++] = all[i].name;
	return out;
}

static bool is_query(const struct br_req *r)
{
	const struct br_route *route = br_req_route(r);

	return route && route->rate && (!strcmp(route->rate, "query") || !strcmp(route->rate, "socket"));
}

static int64_t spent_after(const struct br_quivr_caller *c, struct br_req *r)
{
	struct br_budgets *b = br_server_opts(br_req_server(r))->budgets;

	return b ? br_budget_take(b, c->key->number, &c->limits.budget, 0, br_now()) : 0;
}

static enum br_who identify(struct br_identity *out, struct br_req *r, bool may_wait, struct br_err *err)
{
	struct br_quivr_caller *c;
	struct br_arena *a = br_req_arena(r);
	bool admin;

	if (!may_wait)
		return BR_WHO_LATER;
	c = br_arena_zalloc(a, sizeof *c);
	out->own = c;
	c->began = br_mono_ns();
	c->profile = br_profile_find(br_config_get(br_req_ws(r)->config, "auth.profile", NULL));
	if (c->profile->https && !br_req_secure(r)) {
		c->why.reason = "https_required";
		br_fail(err, BR_EFORBIDDEN, "This server is to be asked over HTTPS only");
		return BR_WHO_REFUSED;
	}
	if (check_key(c, r, a, err) < 0)
		return BR_WHO_REFUSED;
	br_apikey_limits(&c->limits, c->key, c->profile);
	c->spent_after = is_query(r) ? spent_after(c, r) : 0;
	admin = c->key->scopes & BR_SCOPE_ADMIN;
	*out = (struct br_identity){ .level = admin ? BR_LEVEL_ADMIN : BR_LEVEL_KEY, .key_id = c->key->id, .own = c,
		.scopes = admin ? NULL : scope_names(a, c->key->scopes), .user = br_arena_printf(a, "quivr:%s", c->key->id) };
	return BR_WHO_KNOWN;
}

bool br_quivr__has(const struct br_req *r, uint32_t scope)
{
	return br_apikey_may(br_quivr__caller(r)->key, BR_KEY_QUIVR, scope, NULL, NULL) == BR_ALLOWED;
}

int br_quivr__still(struct br_req *r, struct br_err *err)
{
	struct br_quivr_caller now = { 0 };
	struct br_arena a = { 0 }; /* asked for each frame of a stream */
	int rc = check_key(&now, r, &a, err);

	if (rc < 0)
		br_quivr__caller(r)->why = now.why;
	br_arena_release(&a);
	return rc;
}

/* ---- rates, budgets, usage ---- */

/* 0, or seconds. peek: nothing is counted. */
static int64_t rate_after(const struct br_quivr_caller *c, struct br_req *r, bool peek)
{
	struct br_limiter *l = br_server_opts(br_req_server(r))->limiter;
	int64_t (*ask)(struct br_limiter *, const char *, const struct br_key_rate *, unsigned) = peek ? br_limiter_peek : br_limiter_take;
	int64_t ns = l && c->limits.rates ? ask(l, c->key->id, c->limits.rate, c->limits.rates) : 0;

	return (ns + SECOND - 1) / SECOND;
}

static bool rate(struct br_rate *out, struct br_req *r, const char *class)
{
	struct br_quivr_caller *c = br_quivr__caller(r);

	if (!c) /* an open route */
		return true;
	c->why.limit = "requests_per_minute";
	if (!(out->after = rate_after(c, r, class && !strcmp(class, "socket")))) { /* of a socket each question counts */
		c->why.limit = "tokens_per_day";
		out->after = c->spent_after;
	}
	c->why.after = out->after;
	c->why.told = true;
	return !out->after;
}

static void add_use(struct br_req *r, struct br_key_use use)
{
	struct br_meter *m = br_server_opts(br_req_server(r))->meter;
	struct br_quivr_caller *c = br_quivr__caller(r);
	struct br_key_addr from;

	if (!m || !c || !c->key)
		return;
	use.from = br_key_addr_parse(&from, br_req_address(r)) ? &from : NULL;
	br_meter_add(m, c->key->number, &use, br_now());
}

bool br_quivr__take(struct br_req *r, struct br_err *err)
{
	struct br_quivr_caller *c = br_quivr__caller(r);
	int64_t after = rate_after(c, r, false);

	c->why = (struct br_quivr_why){ 0 };
	add_use(r, (struct br_key_use){ .requests = 1, .errors = after != 0 });
	if (after) {
		limited(r, err, "requests_per_minute", after);
		return false;
	}
	if ((after = spent_after(c, r))) {
		limited(r, err, "tokens_per_day", after);
		return false;
	}
	return true;
}

int br_quivr__aside(uint64_t *taken, struct br_req *r, uint64_t tokens, struct br_err *err)
{
	struct br_budgets *b = br_server_opts(br_req_server(r))->budgets;
	struct br_quivr_caller *c = br_quivr__caller(r);
	const struct br_budget *limit = &c->limits.budget;
	int64_t after;

	*taken = 0;
	if (!b || (!limit->day && !limit->month))
		return 0;
	after = br_budget_take(b, c->key->number, limit, tokens, br_now());
	*taken = after ? br_budget_take_rest(b, c->key->number, limit, br_now()) : tokens;
	return *taken ? 0 : limited(r, err, "tokens_per_day", after);
}

void br_quivr__spent(struct br_req *r, uint64_t taken, uint64_t tokens)
{
	struct br_budgets *b = br_server_opts(br_req_server(r))->budgets;
	const struct br_quivr_caller *c = br_quivr__caller(r);

	if (b)
		br_budget_settle(b, c->key->number, taken, tokens, br_now());
	add_use(r, (struct br_key_use){ .tokens = tokens });
}

static void answered(struct br_req *r, int status)
{
	add_use(r, (struct br_key_use){ .requests = status != 101, .errors = status >= 400 }); /* of a socket the questions count */
	br_quivr__audit(r, status);
}

static uint64_t largest(struct br_req *r)
{
	const struct br_quivr_caller *c = br_quivr__caller(r);

	return c && c->profile ? c->profile->body : 0;
}

void br_quivr__event(struct br_req *r, enum br_hook_event_id event, const char *kb, struct br_slice data)
{
	br_hook_event(br_server_opts(br_req_server(r))->hooks, br_req_ws(r), event, kb, data);
}

/* ---- errors ---- */

static const struct { int status; const char *name; } error_names[] = {
	{ 400, "validation_error" }, { 401, "unauthorized" }, { 403, "forbidden" }, { 404, "not_found" }, { 405, "method_not_allowed" },
	{ 409, "conflict" }, { 413, "payload_too_large" }, { 415, "unsupported_media_type" }, { 429, "rate_limited" }, { 500, "server_error" },
	{ 503, "service_unavailable" },
};

static const char *error_name(int status)
{
	for (size_t i = 0; i < BR_COUNT(error_names); i++)
		if (error_names[i].status == status)
			return error_names[i].name;
	return status >= 500 ? "server_error" : "validation_error";
}

/* The contract knows ten statuses; what the engine says besides becomes one of them. */
static int known_status(int status)
{
	for (size_t i = 0; i < BR_COUNT(error_names); i++)
		if (error_names[i].status == status)
			return status;
	switch (status) {
	case 502: case 504: case 507: case 499:
		return 503;
	default:
		return status >= 500 ? 500 : 400;
	}
}

int br_quivr__status(const struct br_req *r, const struct br_err *err)
{
	const struct br_quivr_why *w = why_of(r);

	return w && w->limit && w->after ? 429 : w && w->field && err->code == BR_EUSAGE ? 400 : known_status(br_err_info(err->code)->http);
}

/* Nothing of the inside of the machine goes out with a failure of ours. */
static const char *public_message(int status, const char *message)
{
	return status == 500 ? "Internal error" : message;
}

static void may_str(struct br_json *j, const char *key, const char *value)
{
	if (value)
		br_json_kstr(j, key, value);
}

void br_quivr__error_members(struct br_json *j, struct br_req *r, int status, const char *message)
{
	static const struct br_quivr_why none;
	const struct br_quivr_why *w = why_of(r) ? why_of(r) : &none;

	br_json_kstr(j, "error", error_name(status));
	br_json_kstr(j, "message", public_message(status, message));
	br_json_kint(j, "status_code", status);
	if (status == 400 || status == 413 || status == 415)
		br_json_kstr(j, "field", w->field ? w->field : "body");
	else if (status == 409)
		may_str(j, "field", w->field);
	if (status == 404)
		br_json_kstr(j, "resource_type", w->resource_type ? w->resource_type : "route");
	else if (status == 409)
		may_str(j, "resource_type", w->resource_type);
	if (status == 404)
		br_json_kstr(j, "resource_id", w->resource_id ? w->resource_id : br_req_path(r));
	else if (status == 409)
		may_str(j, "resource_id", w->resource_id);
	if (status == 403) {
		may_str(j, "required_scope", w->required_scope);
		may_str(j, "reason", w->reason);
	}
	if (status == 429 || status == 503)
		br_json_kint(j, "retry_after_seconds", BR_MAX(w->after, 1));
	if (status == 429)
		br_json_kstr(j, "limit", w->limit ? w->limit : "requests_per_minute");
	br_json_kstr(j, "request_id", br_req_id(r));
}

/* The first scope of the route that the key lacks. */
static const char *lacking(struct br_req *r)
{
	const struct br_route *route = br_req_route(r);
	size_t n;
	const struct br_scope_info *all = br_scopes(&n);

	if (route && route->level == BR_LEVEL_ADMIN)
		return "admin";
	for (size_t i = 0; route && route->scopes && i < n; i++)
		if (strstr(route->scopes, all[i].name) && !br_quivr__has(r, all[i].bit))
			return all[i].name;
	return NULL;
}

static const char *field_of(const struct br_fault *f)
{
	return f->problems ? f->problem[0].field : f->status == 413 || f->status == 415 ? "body" : NULL;
}

static void add_headers(struct br_req *r, const struct br_fault *f, struct br_quivr_why *w)
{
	char seconds[24];

	if ((f->status != 429 && f->status != 503) || (w && w->told) || br_err_info(f->code)->retry)
		return; /* the core adds one for faults that pass by themselves */
	snprintf(seconds, sizeof seconds, "%lld", (long long)(w && w->after ? w->after : 1));
	br_reply_header(r, "Retry-After", seconds);
}

static void error_body(struct br_json *j, struct br_req *r, struct br_fault *f)
{
	struct br_quivr_why *w = why_of(r);

	f->status = f->stage == BR_AT_PARSE && f->status == 422 ? 400 : known_status(f->status);
	if (w && !w->field)
		w->field = field_of(f);
	if (w && f->stage == BR_AT_AUTHORISE && f->status == 403 && !w->reason)
		w->required_scope = lacking(r);
	add_headers(r, f, w);
	br_json_obj(j);
	br_quivr__error_members(j, r, f->status, f->message);
	if (f->limit)
		br_json_kuint(j, "limit_bytes", f->limit);
	br_json_end(j);
}

static void schema_member(struct br_json *j, const char *key, const char *type)
{
	br_json_key(j, key);
	br_json_obj(j);
	br_json_kstr(j, "type", type);
	br_json_end(j);
}

static void error_schema(struct br_json *j)
{
	static const char *const always[] = { "error", "message", "status_code", "request_id" };

	br_json_obj(j);
	br_json_kstr(j, "type", "object");
	br_json_key(j, "required");
	br_json_arr(j);
	for (size_t i = 0; i < BR_COUNT(always); i++)
		br_json_str(j, always[i]);
	br_json_end(j);
	br_json_key(j, "properties");
	br_json_obj(j);
	for (size_t i = 0; i < BR_COUNT(always); i++)
		schema_member(j, always[i], i == 2 ? "integer" : "string");
	br_json_end(j);
	br_json_end(j);
}

/* ---- knowledge bases and documents ---- */

static bool may_use(const struct br_apikey *k, const char *id)
{
	return br_apikey_may(k, BR_KEY_ANY, 0, id, NULL) == BR_ALLOWED;
}

int br_quivr__kb(struct br_nb **out, struct br_req *r, const char *id, struct br_err *err)
{
	const struct br_apikey *k = br_quivr__caller(r)->key;
	struct br_txn *t;
	int rc = br_txn_read(&t, br_req_ws(r)->store, err);

	if (rc < 0)
		return rc;
	rc = id && *id ? br_nb_get(out, br_req_arena(r), t, id, err) : -BR_ENOTFOUND;
	br_txn_end(t);
	if (rc == 0 && strcasecmp((*out)->id, id) && strcmp((*out)->name, id))
		rc = -BR_ENOTFOUND;
	if ((rc == 0 && !may_use(k, (*out)->id)) || (rc == -BR_ENOTFOUND && k->notebooks.n))
		return br_quivr__forbid(r, err, "kb_access", "This API key may not use this knowledge base");
	return rc == -BR_ENOTFOUND ? br_quivr__absent(r, err, "knowledge_base", id ? id : "") : rc;
}

int br_quivr__doc(struct br_doc **out, struct br_req *r, struct br_txn *t, const struct br_nb *nb, const char *id, struct br_err *err)
{
	int rc = strlen(id) != 36 ? -BR_ENOTFOUND : br_doc_find(out, br_req_arena(r), t, br_req_ws(r), nb->nb, id, err);

	if (rc == -BR_ENOTFOUND || (rc == 0 && strcasecmp((*out)->id, id)))
		return br_quivr__absent(r, err, "document", id);
	return rc;
}

void br_quivr__time(struct br_json *j, const char *key, int64_t seconds)
{
	char iso[32];

	br_time_iso(iso, seconds);
	br_json_kstr(j, key, seconds ? iso : NULL);
}

/* ---- the dialect ---- */

static const struct br_routes *const routers[] = {
#define X(name) &br_quivr__##name##_rows,
	QUIVR_ROUTERS(X)
#undef X
	NULL,
};

const struct br_dialect br_dialect_quivr = {
	.name = "quivr", .prefix = API, .more = routers, .identify = identify, .rate = rate, .error = error_body, .error_schema = error_schema,
	.invalid = 400, .security = "bearer", .gateway = true, .id_begins = "req-", .largest = largest, .answered = answered,
};
