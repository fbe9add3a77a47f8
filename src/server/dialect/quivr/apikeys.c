/* Section 9: keys are made, rotated and revoked by a key with the scope admin, the contract's master key. */
#include "quivr.h"

#include <stdio.h>
#include <stdlib.h>

#define KEYS API "/admin/keys"
#define KEY KEYS "/{id}"
#define DAY 86400

/* ---- the object ---- */

static const struct br_field rate_out[] = { { "requests_per_minute", MAY_NULL(INT) }, { "tokens_per_day", MAY_NULL(INT) }, BR_FIELD_END };
static const struct br_shape rate_shape = { "QuivrRateLimit", rate_out, 0 };
#define KEY_OUT \
	{ "id", MUST(STR) }, { "name", MUST(STR) }, { "key_prefix", MUST(STR) }, { "status", MUST(STR), .choices = "active|expired|revoked|disabled" }, \
	{ "scopes", MUST(ARR), .of = BR_F_STR }, { "rate_limit", MUST(OBJ), .shape = &rate_shape }, { "ip_restrictions", MUST(ARR), .of = BR_F_STR }, \
	{ "knowledge_bases", MUST(ARR), .of = BR_F_STR }, { "created_at", MUST(STR), .format = "date-time" }, \
	{ "expires_at", MAY_NULL(STR), .format = "date-time" }, { "revoked_at", MAY_NULL(STR), .format = "date-time" }, \
	{ "last_used_at", MAY_NULL(STR), .format = "date-time" }, { "rotated_from", MAY_NULL(STR) }, \
	{ "grace_until", MAY_NULL(STR), .format = "date-time", .help = "until when the secret before this one works" }, \
	{ "rotation_overdue_days", MAY_NULL(INT), .help = "age of the secret when the profile wants a newer one" }
static const struct br_field key_out[] = { KEY_OUT, BR_FIELD_END };
static const struct br_shape key_shape = { "QuivrKey", key_out, 0 };
static const struct br_field made_out[] = { KEY_OUT, { "key", MUST(STR), .help = "the secret, shown this once" }, BR_FIELD_END };
static const struct br_shape made_shape = { "QuivrNewKey", made_out, 0 };
static const struct br_field list_out[] = { { "keys", MUST(ARR), .shape = &key_shape }, { "total", MUST(INT) }, BR_FIELD_END };
static const struct br_shape list_shape = { "QuivrKeys", list_out, 0 };
static const struct br_field revoked_out[] = {
	{ "id", MUST(STR) }, { "revoked", MUST(BOOL) }, { "revoked_at", MAY_NULL(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape revoked_shape = { "QuivrRevokedKey", revoked_out, 0 };
static const struct br_field usage_out[] = {
	{ "key_id", MUST(STR) }, { "period_days", MUST(INT) }, { "total_requests", MUST(INT) }, { "total_tokens", MUST(INT) },
	{ "error_count", MUST(INT) }, { "unique_ips", MUST(INT) }, { "last_used_at", MAY_NULL(STR), .format = "date-time" },
	{ "tokens_today", MUST(INT) }, { "rotation_overdue_days", MAY_NULL(INT) }, BR_FIELD_END,
};
static const struct br_shape usage_shape = { "QuivrKeyUsage", usage_out, 0 };

static void may_uint(struct br_json *j, const char *key, uint64_t v)
{
	if (v)
		br_json_kuint(j, key, v);
	else
		br_json_knull(j, key);
}

/* Of the key itself; the profile's stand in for what is null. */
static void write_limits(struct br_json *j, const struct br_apikey *k)
{
	uint64_t minute = 0;

	for (unsigned i = 0; i < k->rates; i++)
		if (k->rate[i].seconds == 60)
			minute = k->rate[i].n;
	br_json_key(j, "rate_limit");
	br_json_obj(j);
	may_uint(j, "requests_per_minute", minute);
	may_uint(j, "tokens_per_day", k->budget.day);
	br_json_end(j);
}

static void write_lists(struct br_json *j, const struct br_apikey *k)
{
	size_t n;
	const struct br_scope_info *all = br_scopes(&n);
	char net[64];

	br_json_key(j, "scopes");
	br_json_arr(j);
	for (size_t i = 0; i < n; i++)
		if (k->scopes & all[i].bit)
			br_json_str(j, all[i].name);
	br_json_end(j);
	write_limits(j, k);
	br_json_key(j, "ip_restrictions");
	br_json_arr(j);
	for (size_t i = 0; i < k->from.n; i++) {
		br_key_net_text(net, &k->from.v[i]);
		br_json_str(j, net);
	}
	br_json_end(j);
	br_json_key(j, "knowledge_bases");
	br_json_arr(j);
	for (size_t i = 0; i < k->notebooks.n; i++)
		br_json_str(j, k->notebooks.v[i]);
	br_json_end(j);
}

static const char *status_of(const struct br_apikey *k)
{
	switch (br_apikey_state(k, br_now())) {
	case BR_ALLOWED: return "active";
	case BR_REFUSED_EXPIRED: return "expired";
	case BR_REFUSED_DISABLED: return "disabled";
	default: return "revoked";
	}
}

/* Members; the caller opens and closes. A key goes by the id of the secret in use, so that a rotated one has a new id. */
static void write_key(struct br_json *j, const struct br_apikey *k, const struct br_profile *p, int64_t used)
{
	const struct br_key_secret *now = br_apikey_current(k), *before = k->secrets > 1 ? &k->secret[k->secrets - 2] : NULL;

	br_json_kstr(j, "id", now->id);
	br_json_kstr(j, "name", k->name);
	br_json_kstr(j, "key_prefix", now->shown);
	br_json_kstr(j, "status", status_of(k));
	write_lists(j, k);
	br_quivr__time(j, "created_at", k->created);
	br_quivr__time(j, "expires_at", k->expires);
	br_quivr__time(j, "revoked_at", k->revoked);
	br_quivr__time(j, "last_used_at", used);
	br_json_kstr(j, "rotated_from", before ? before->id : NULL);
	br_quivr__time(j, "grace_until", before && !before->revoked && before->until > br_now() ? before->until : 0);
	may_uint(j, "rotation_overdue_days", (uint64_t)br_apikey_overdue(k, p, br_now()));
}

/* ---- finding ---- */

/* Keys of other APIs are none here. What was counted is written first. */
static int find(struct br_apikey **out, int64_t *used, struct br_req *r, struct br_txn **t, struct br_err *err)
{
	struct br_meter *m = br_server_opts(br_req_server(r))->meter;
	const char *id = br_req_param(r, "id");
	int rc = m ? br_meter_flush(m, err) : 0;

	*t = NULL;
	if (rc < 0 || (rc = br_txn_read(t, br_req_ws(r)->store, err)) < 0)
		return rc;
	rc = strlen(id) == 36 ? br_apikey_find(out, br_req_arena(r), *t, id, err) : -BR_ENOTFOUND;
	if (rc == -BR_ENOTFOUND || (rc == 0 && (*out)->kind != BR_KEY_QUIVR && (*out)->kind != BR_KEY_ANY))
		rc = br_quivr__absent(r, err, "api_key", id);
	return rc < 0 ? rc : br_key_last_use(used, *t, (*out)->number, err);
}

static int get(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_apikey *k;
	struct br_json *j;
	struct br_txn *t;
	int64_t used;
	int rc = find(&k, &used, r, &t, err);

	(void)in;
	br_txn_end(t);
	if (rc < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	write_key(j, k, br_quivr__caller(r)->profile, used);
	br_json_end(j);
	return 0;
}

struct listing { struct br_req *r; struct br_txn *t; struct br_json j; uint64_t n; };

static int list_one(const struct br_apikey *k, void *arg)
{
	struct listing *l = arg;
	int64_t used = 0;

	if ((k->kind != BR_KEY_QUIVR && k->kind != BR_KEY_ANY) || br_key_last_use(&used, l->t, k->number, NULL) < 0)
		return 0;
	br_json_obj(&l->j);
	write_key(&l->j, k, br_quivr__caller(l->r)->profile, used);
	br_json_end(&l->j);
	l->n++;
	return 0;
}

static int list(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_meter *m = br_server_opts(br_req_server(r))->meter;
	struct br_buf text = BR_BUF_INIT(BR_SERVE_REPLY);
	struct listing l = { .r = r };
	int rc = m ? br_meter_flush(m, err) : 0;

	(void)in;
	if (rc < 0 || (rc = br_txn_read(&l.t, br_req_ws(r)->store, err)) < 0)
		return rc;
	br_json_init(&l.j, &text, false);
	br_json_arr(&l.j);
	rc = br_apikey_each(l.t, list_one, &l, err);
	br_json_end(&l.j);
	br_txn_end(l.t);
	if (rc == 0 && (rc = br_buf_check(&text, "the list", err)) == 0) {
		struct br_json *j = br_reply(r, 0);
		br_json_obj(j);
		br_json_key(j, "keys");
		br_json_raw(j, text.ptr, text.len);
		br_json_kuint(j, "total", l.n);
		br_json_end(j);
	}
	br_buf_release(&text);
	return rc;
}

/* ---- create ---- */

struct limit_in { int64_t minute, day; };
static const struct br_field limit_in[] = {
	{ "requests_per_minute", BR_FAT_INT(struct limit_in, minute), .min = 1, .max = BR_MAX_RATE },
	{ "tokens_per_day", BR_FAT_INT(struct limit_in, day), .min = 1, .max = 1e15 }, BR_FIELD_END,
};
static const struct br_shape limit_shape = { "QuivrRateLimitIn", limit_in, sizeof(struct limit_in) };
struct create_in { const char *name; const struct br_jval *scopes, *limit, *from, *kbs; int64_t days; };
static const struct br_field create_in[] = {
	{ "name", BR_FAT_STR(struct create_in, name), .flags = BR_REQUIRED, .min = 1, .max = BR_MAX_KEY_NAME },
	{ "scopes", BR_FAT_ARR(struct create_in, scopes), .of = BR_F_STR, .max = 32, .help = "query and kb:read without any" },
	{ "rate_limit", BR_FAT_OBJ(struct create_in, limit), .shape = &limit_shape },
	{ "ip_restrictions", BR_FAT_ARR(struct create_in, from), .of = BR_F_STR, .max = BR_MAX_KEY_LIST, .help = "addresses and networks; none: any" },
	{ "knowledge_bases", BR_FAT_ARR(struct create_in, kbs), .of = BR_F_STR, .max = BR_MAX_KEY_LIST, .help = "none: every one" },
	{ "expires_in_days", BR_FAT_INT(struct create_in, days), .min = 1, .max = 36500 }, BR_FIELD_END,
};

static size_t count(const struct br_jval *list)
{
	size_t n = 0;

	for (const struct br_jval *v = br_jval_first(list); v; v = br_jval_next(v))
		n++;
	return n;
}

static int read_scopes(uint32_t *out, struct br_req *r, const struct br_jval *list, struct br_err *err)
{
	uint32_t one;

	for (const struct br_jval *v = list ? br_jval_first(list) : NULL; v; v = br_jval_next(v)) {
		if (br_scopes_parse(&one, br_jval_str(v), NULL) < 0 || strchr(br_jval_str(v), ','))
			return br_quivr__bad(r, err, "scopes", "Unknown scope '%.100s'", br_jval_str(v));
		*out |= one;
	}
	return 0;
}

static int read_from(struct br_apikey *k, struct br_req *r, const struct br_jval *list, struct br_err *err)
{
	if (!list)
		return 0;
	k->from.v = br_arena_zalloc(br_req_arena(r), (count(list) + 1) * sizeof *k->from.v);
	for (const struct br_jval *v = br_jval_first(list); v; v = br_jval_next(v))
		if (br_key_net_parse(&k->from.v[k->from.n++], br_jval_str(v), NULL) < 0)
			return br_quivr__bad(r, err, "ip_restrictions", "'%.100s' is neither an address nor a network", br_jval_str(v));
	return 0;
}

static int read_kbs(struct br_apikey *k, struct br_req *r, const struct br_jval *list, struct br_err *err)
{
	struct br_nb *nb;
	int rc = 0;

	if (!list)
		return 0;
	k->notebooks.v = br_arena_zalloc(br_req_arena(r), (count(list) + 1) * sizeof *k->notebooks.v);
	for (const struct br_jval *v = br_jval_first(list); v && rc == 0; v = br_jval_next(v))
		if ((rc = br_quivr__kb(&nb, r, br_jval_str(v), err)) == 0)
			k->notebooks.v[k->notebooks.n++] = nb->id;
	return rc;
}

static int reply_secret(struct br_req *r, const struct br_apikey *k, char secret[BR_SECRET_SIZE], int status)
{
	struct br_json *j = br_reply(r, status);

	br_json_obj(j);
	write_key(j, k, br_quivr__caller(r)->profile, 0);
	br_json_kstr(j, "key", secret);
	br_json_end(j);
	br_wipe(secret, BR_SECRET_SIZE);
	return 0;
}

static int create(struct br_req *r, const void *in, struct br_err *err)
{
	const struct create_in *p = in;
	struct limit_in limit = { 0 };
	struct br_apikey spec = { .name = p->name, .owner = br_quivr__caller(r)->key->id, .kind = BR_KEY_QUIVR, .enabled = true }, *k;
	char secret[BR_SECRET_SIZE];
	int rc;

	if (p->limit && !br_shape_read(&limit, &limit_shape, p->limit, r))
		return br_fail(err, BR_EUSAGE, "rate_limit is wrong");
	if ((rc = read_scopes(&spec.scopes, r, p->scopes, err)) < 0 || (rc = read_from(&spec, r, p->from, err)) < 0 ||
	    (rc = read_kbs(&spec, r, p->kbs, err)) < 0)
		return rc;
	if (limit.minute)
		spec.rate[spec.rates++] = (struct br_key_rate){ (uint32_t)limit.minute, 60 };
	spec.budget.day = (uint64_t)limit.day;
	spec.expires = p->days ? br_now() + p->days * DAY : 0;
	if ((rc = br_apikey_create(&k, secret, br_req_arena(r), br_req_ws(r)->store, &spec, err)) == 0)
		return reply_secret(r, k, secret, 0);
	if (rc == -BR_EEXISTS)
		return br_quivr__conflict(r, err, "api_key", p->name, "name", "There is a key named '%.200s'", p->name);
	return rc == -BR_EUSAGE ? br_quivr__bad(r, err, "name", "This name cannot be used") : rc;
}

/* ---- rotate, revoke ---- */

struct rotate_in { double hours; };
static const struct br_field rotate_in[] = {
	{ "grace_period_hours", BR_FAT_NUM(struct rotate_in, hours), .dflt = "0", .min = 0, .max = 24 * 365, .help = "how long the old secret still works" },
	BR_FIELD_END,
};

static int rotate(struct br_req *r, const void *in, struct br_err *err)
{
	const struct rotate_in *p = in;
	char secret[BR_SECRET_SIZE];
	struct br_apikey *k;
	struct br_txn *t;
	int64_t used;
	int rc = find(&k, &used, r, &t, err);

	br_txn_end(t);
	if (rc < 0)
		return rc;
	if (k->revoked)
		return br_quivr__conflict(r, err, "api_key", br_req_param(r, "id"), "id", "This key was revoked");
	if ((rc = br_apikey_rotate(&k, secret, br_req_arena(r), br_req_ws(r)->store, k->id, (int64_t)(p->hours * 3600), err)) < 0)
		return rc;
	return reply_secret(r, k, secret, 0);
}

/* A secret that was rotated away is revoked alone, before its time. */
static int revoke(struct br_req *r, const void *in, struct br_err *err)
{
	const char *id = br_req_param(r, "id");
	struct br_apikey *k;
	struct br_json *j;
	struct br_txn *t;
	int64_t used;
	int rc = find(&k, &used, r, &t, err);

	(void)in;
	br_txn_end(t);
	if (rc < 0)
		return rc;
	if (!k->revoked && (rc = br_apikey_revoke(br_req_ws(r)->store, id, BR_REVOKE_ONE, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "id", id);
	br_json_kbool(j, "revoked", true);
	br_quivr__time(j, "revoked_at", k->revoked ? k->revoked : br_now());
	br_json_end(j);
	return 0;
}

/* ---- usage ---- */

struct usage_in { int64_t days; };
static const struct br_field usage_in[] = {
	{ "period_days", BR_FAT_INT(struct usage_in, days), BR_IN_QUERY, .dflt = "30", .min = 1, .max = 3650 }, BR_FIELD_END,
};

static int usage(struct br_req *r, const void *in, struct br_err *err)
{
	const struct usage_in *p = in;
	uint32_t today = (uint32_t)(br_now() / DAY), from = today - BR_MIN((uint32_t)p->days - 1, today);
	struct br_key_usage sum;
	struct br_apikey *k;
	struct br_json *j;
	struct br_txn *t;
	uint64_t day, month;
	int64_t used;
	int rc = find(&k, &used, r, &t, err);

	if (rc == 0 && (rc = br_key_usage(&sum, t, k->number, from, today, NULL, NULL, err)) == 0)
		rc = br_key_spent(&day, &month, t, k->number, br_now(), err);
	br_txn_end(t);
	if (rc < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "key_id", br_req_param(r, "id"));
	br_json_kint(j, "period_days", p->days);
	br_json_kuint(j, "total_requests", sum.requests);
	br_json_kuint(j, "total_tokens", sum.tokens);
	br_json_kuint(j, "error_count", sum.errors);
	br_json_kuint(j, "unique_ips", sum.addresses);
	br_quivr__time(j, "last_used_at", used);
	br_json_kuint(j, "tokens_today", day);
	may_uint(j, "rotation_overdue_days", (uint64_t)br_apikey_overdue(k, br_quivr__caller(r)->profile, br_now()));
	br_json_end(j);
	return 0;
}

/* ---- the routes ---- */

static const short fails_400[] = { 400, 0 }, fails_404[] = { 404, 0 }, fails_both[] = { 400, 404, 0 }, fails_all[] = { 400, 404, 409, 0 };
#define MASTER "admin", BR_LEVEL_ADMIN, .rate = "api"
static const struct br_route rows[] = {
	{ "POST", KEYS, "quivr_create_key", "Make a key and show its secret, this once", MASTER, .body = BR_BODY_JSON, .in = create_in,
	  .in_size = sizeof(struct create_in), .out = &made_shape, .ok = 201, .fails = fails_all, .run = create },
	{ "GET", KEYS, "quivr_list_keys", "List keys", MASTER, .out = &list_shape, .fails = fails_400, .run = list },
	{ "GET", KEY, "quivr_get_key", "Show a key", MASTER, .out = &key_shape, .fails = fails_404, .run = get },
	{ "POST", KEY "/rotate", "quivr_rotate_key", "Give a key a new secret and show it, this once", MASTER, .body = BR_BODY_JSON, .in = rotate_in,
	  .in_size = sizeof(struct rotate_in), .out = &made_shape, .fails = fails_all, .flags = BR_ROUTE_MAY_BODY, .run = rotate },
	{ "POST", KEY "/revoke", "quivr_revoke_key", "End a key for good", MASTER, .out = &revoked_shape, .fails = fails_404, .run = revoke },
	{ "DELETE", KEY, "quivr_delete_key", "End a key for good", MASTER, .out = &revoked_shape, .fails = fails_404, .run = revoke },
	{ "GET", KEY "/usage", "quivr_key_usage", "What a key was used for", MASTER, .in = usage_in, .in_size = sizeof(struct usage_in),
	  .out = &usage_shape, .fails = fails_both, .run = usage },
};
const struct br_routes br_quivr__apikeys_rows = { rows, BR_COUNT(rows) };
