/* Section 10: webhooks. A key that is bound to knowledge bases sees the webhooks it made, and they are told of these alone. */
#include "quivr.h"

#include "br/hook.h"
#include "br/net.h"

#include <stdio.h>
#include <stdlib.h>

#define HOOKS API "/webhooks"
#define HOOK HOOKS "/{id}"
#define HOOKS_ALIAS API "/webhook"
#define HOOK_ALIAS HOOKS_ALIAS "/{id}"

/* ---- the object ---- */

#define HOOK_OUT \
	{ "id", MUST(STR) }, { "url", MUST(STR) }, { "events", MUST(ARR), .of = BR_F_STR }, { "active", MUST(BOOL) }, \
	{ "signed", MUST(BOOL) }, { "knowledge_bases", MUST(ARR), .of = BR_F_STR, .help = "whose events are told; none: of all" }, \
	{ "failing_since", MAY_NULL(STR), .format = "date-time" }, { "inactive_reason", MAY_NULL(STR) }, \
	{ "created_at", MUST(STR), .format = "date-time" }, { "updated_at", MUST(STR), .format = "date-time" }
static const struct br_field hook_out[] = { HOOK_OUT, BR_FIELD_END };
static const struct br_shape hook_shape = { "QuivrWebhook", hook_out, 0 };
static const struct br_field list_out[] = { { "webhooks", MUST(ARR), .shape = &hook_shape }, { "total", MUST(INT) }, BR_FIELD_END };
static const struct br_shape list_shape = { "QuivrWebhooks", list_out, 0 };
static const struct br_field deleted_out[] = { { "id", MUST(STR) }, { "deleted", MUST(BOOL) }, BR_FIELD_END };
static const struct br_shape deleted_shape = { "QuivrDeletedWebhook", deleted_out, 0 };

#define DELIVERY_OUT \
	{ "id", MUST(STR) }, { "type", MUST(STR) }, { "status", MUST(STR), .choices = "pending|delivered|failed" }, { "attempts", MUST(INT) }, \
	{ "response_status", MAY_NULL(INT) }, { "latency_ms", MAY_NULL(INT) }, { "error", MAY_NULL(STR) }, \
	{ "created_at", MUST(STR), .format = "date-time" }, { "last_attempt_at", MAY_NULL(STR), .format = "date-time" }, \
	{ "next_attempt_at", MAY_NULL(STR), .format = "date-time" }
static const struct br_field delivery_out[] = { DELIVERY_OUT, BR_FIELD_END };
static const struct br_shape delivery_shape = { "QuivrDelivery", delivery_out, 0 };
static const struct br_field deliveries_out[] = { { "deliveries", MUST(ARR), .shape = &delivery_shape }, BR_FIELD_END };
static const struct br_shape deliveries_shape = { "QuivrDeliveries", deliveries_out, 0 };

static void write_words(struct br_json *j, const char *key, const char *list)
{
	br_json_key(j, key);
	br_json_arr(j);
	for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
		br_json_strn(j, p, strcspn(p, ","));
	br_json_end(j);
}

static void write_hook(struct br_json *j, const struct br_hook *h)
{
	br_json_obj(j);
	br_json_kstr(j, "id", h->id);
	br_json_kstr(j, "url", h->url);
	br_json_key(j, "events");
	br_json_arr(j);
	for (int e = 0; e < BR_HOOK_EVENT_COUNT; e++)
		if (h->events >> e & 1)
			br_json_str(j, br_hook_event_name((enum br_hook_event_id)e));
	br_json_end(j);
	br_json_kbool(j, "active", h->active);
	br_json_kbool(j, "signed", h->is_signed);
	write_words(j, "knowledge_bases", h->notebooks);
	br_quivr__time(j, "failing_since", h->failing);
	br_json_kstr(j, "inactive_reason", *h->stopped ? h->stopped : NULL);
	br_quivr__time(j, "created_at", h->created);
	br_quivr__time(j, "updated_at", h->changed);
	br_json_end(j);
}

/* ---- who sees which ---- */

static bool may_see(const struct br_hook *h, const struct br_apikey *k)
{
	return !k->notebooks.n || !strcmp(h->owner, k->id);
}

static int find(struct br_hook *out, struct br_req *r, struct br_err *err)
{
	const char *id = br_req_param(r, "id");
	struct br_txn *t;
	int rc = br_txn_read(&t, br_req_ws(r)->store, err);

	if (rc < 0)
		return rc;
	rc = strlen(id) == 36 ? br_hook_find(out, br_req_arena(r), t, id, err) : -BR_ENOTFOUND;
	br_txn_end(t);
	if (rc == -BR_ENOTFOUND || (rc == 0 && !may_see(out, br_quivr__caller(r)->key)))
		return br_quivr__absent(r, err, "webhook", id);
	return rc;
}

static void rules_of(struct br_hook_rules *out, struct br_net_rules *net, struct br_req *r)
{
	br_net_rules(net, br_req_ws(r)->config);
	*out = (struct br_hook_rules){ .net = net, .https = br_quivr__caller(r)->profile->https };
}

/* ---- what is sent in ---- */

struct hook_in { const char *url, *secret; const struct br_jval *events; bool active; };
#define HOOK_IN(must) \
	{ "url", BR_FAT_STR(struct hook_in, url), .flags = must, .min = 1, .max = BR_MAX_URL }, \
	{ "events", BR_FAT_ARR(struct hook_in, events), .flags = must, .min = 1, .max = 100, .of = BR_F_STR, .help = "names of events, or * for all" }, \
	{ "secret", BR_FAT_STR(struct hook_in, secret), .max = BR_MAX_HOOK_SECRET, .help = "what deliveries are signed with; never shown" }
static const struct br_field create_in[] = { HOOK_IN(BR_REQUIRED), { "active", BR_FAT_BOOL(struct hook_in, active), .dflt = "true" }, BR_FIELD_END };
static const struct br_field patch_in[] = { HOOK_IN(0), { "active", BR_FAT_BOOL(struct hook_in, active) }, BR_FIELD_END };

static int read_events(uint32_t *out, struct br_req *r, const struct br_jval *list, struct br_err *err)
{
	enum br_hook_event_id e;

	*out = 0;
	for (const struct br_jval *v = br_jval_first(list); v; v = br_jval_next(v)) {
		const char *name = br_jval_str(v);
		if (name && !strcmp(name, "*"))
			*out |= (1u << BR_HOOK_EVENT_COUNT) - 1;
		else if (name && br_hook_event_parse(&e, name))
			*out |= 1u << e;
		else
			return br_quivr__bad(r, err, "events", "Unknown event '%.100s'", name ? name : "");
	}
	return 0;
}

/* The engine's refusals are about the address, the rest having been looked at. */
static int about_url(struct br_req *r, int rc, struct br_err *err)
{
	char why[sizeof err->msg];

	if (rc != -BR_EUSAGE)
		return rc;
	snprintf(why, sizeof why, "%s", err->msg);
	return br_quivr__bad(r, err, "url", "%s", why);
}

static const char *joined(struct br_arena *a, const struct br_names *names)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	const char *out;

	for (size_t i = 0; i < names->n; i++)
		br_buf_addf(&b, "%s%s", i ? "," : "", names->v[i]);
	out = br_arena_strdup(a, b.ptr);
	br_buf_release(&b);
	return out;
}

static int create(struct br_req *r, const void *in, struct br_err *err)
{
	const struct hook_in *p = in;
	const struct br_apikey *k = br_quivr__caller(r)->key;
	struct br_hook h = { .url = p->url, .secret = p->secret, .owner = k->id, .active = p->active };
	struct br_hook_rules rules;
	struct br_net_rules net;
	int rc = read_events(&h.events, r, p->events, err);

	if (rc < 0)
		return rc;
	h.notebooks = joined(br_req_arena(r), &k->notebooks);
	rules_of(&rules, &net, r);
	if ((rc = about_url(r, br_hook_create(&h, br_req_ws(r), &rules, err), err)) < 0)
		return rc == -BR_ETOOBIG ? br_quivr__bad(r, err, "url", "There are %d webhooks already", BR_MAX_HOOKS) : rc;
	write_hook(br_reply(r, 0), &h);
	return 0;
}

/* ---- list, get ---- */

struct listing { const struct br_apikey *k; struct br_json j; uint64_t n; };

static int list_one(const struct br_hook *h, void *arg)
{
	struct listing *l = arg;

	if (may_see(h, l->k)) {
		write_hook(&l->j, h);
		l->n++;
	}
	return 0;
}

static int list(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_SERVE_REPLY);
	struct listing l = { .k = br_quivr__caller(r)->key };
	struct br_txn *t;
	int rc = br_txn_read(&t, br_req_ws(r)->store, err);

	(void)in;
	if (rc < 0)
		return rc;
	br_json_init(&l.j, &text, false);
	br_json_arr(&l.j);
	rc = br_hook_each(t, list_one, &l, err);
	br_json_end(&l.j);
	br_txn_end(t);
	if (rc == 0 && (rc = br_buf_check(&text, "the list", err)) == 0) {
		struct br_json *j = br_reply(r, 0);
		br_json_obj(j);
		br_json_key(j, "webhooks");
		br_json_raw(j, text.ptr, text.len);
		br_json_kuint(j, "total", l.n);
		br_json_end(j);
	}
	br_buf_release(&text);
	return rc;
}

static int get(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_hook h;
	int rc = find(&h, r, err);

	(void)in;
	if (rc == 0)
		write_hook(br_reply(r, 0), &h);
	return rc;
}

/* ---- change, delete ---- */

struct change { const struct hook_in *p; uint32_t events; bool active, secret; };

static int apply(struct br_hook *h, void *arg, struct br_err *err)
{
	const struct change *c = arg;

	(void)err;
	if (c->p->url)
		h->url = c->p->url;
	if (c->secret)
		h->secret = c->p->secret;
	if (c->events)
		h->events = c->events;
	if (c->active)
		h->active = c->p->active;
	return 0;
}

static int patch(struct br_req *r, const void *in, struct br_err *err)
{
	const struct hook_in *p = in;
	struct change c = { .p = p, .active = br_req_given(r, "active"), .secret = br_req_given(r, "secret") };
	struct br_hook_rules rules;
	struct br_net_rules net;
	struct br_hook h;
	int rc = find(&h, r, err);

	if (rc < 0 || (p->events && (rc = read_events(&c.events, r, p->events, err)) < 0))
		return rc;
	rules_of(&rules, &net, r);
	if ((rc = about_url(r, br_hook_edit(br_req_ws(r), h.id, &rules, apply, &c, err), err)) < 0)
		return rc;
	return get(r, NULL, err);
}

static int drop(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j;
	struct br_hook h;
	int rc = find(&h, r, err);

	(void)in;
	if (rc < 0 || (rc = br_hook_delete(br_req_ws(r), h.id, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "id", h.id);
	br_json_kbool(j, "deleted", true);
	br_json_end(j);
	return 0;
}

/* ---- deliveries ---- */

struct deliveries_in { int64_t limit; const char *status; };
static const struct br_field deliveries_in[] = {
	{ "limit", BR_FAT_INT(struct deliveries_in, limit), BR_IN_QUERY, .dflt = "50", .min = 1, .max = 1000 },
	{ "status", BR_FAT_STR(struct deliveries_in, status), BR_IN_QUERY, .choices = "pending|delivered|failed" }, BR_FIELD_END,
};

static void may_int(struct br_json *j, const char *key, int64_t v, bool there)
{
	if (there)
		br_json_kint(j, key, v);
	else
		br_json_knull(j, key);
}

static void write_delivery(struct br_json *j, const struct br_delivery *d)
{
	br_json_obj(j);
	br_json_kstr(j, "id", d->id);
	br_json_kstr(j, "type", br_hook_event_name(d->event));
	br_json_kstr(j, "status", br_delivery_state_name(d->state));
	br_json_kuint(j, "attempts", d->attempts);
	may_int(j, "response_status", d->status, d->status);
	may_int(j, "latency_ms", d->took, d->attempts);
	br_json_kstr(j, "error", *d->error ? d->error : NULL);
	br_quivr__time(j, "created_at", d->created / 1000);
	br_quivr__time(j, "last_attempt_at", d->last / 1000);
	br_quivr__time(j, "next_attempt_at", d->next / 1000);
	br_json_end(j);
}

struct delivering { struct br_json j; const struct deliveries_in *p; int64_t left; };

static int list_delivery(const struct br_delivery *d, void *arg)
{
	struct delivering *l = arg;

	if (l->p->status && strcmp(l->p->status, br_delivery_state_name(d->state)))
		return 0;
	write_delivery(&l->j, d);
	return --l->left == 0;
}

static int deliveries(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_SERVE_REPLY);
	struct delivering l = { .p = in, .left = ((const struct deliveries_in *)in)->limit };
	struct br_hook h;
	struct br_txn *t;
	int rc = find(&h, r, err);

	if (rc < 0 || (rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	br_json_init(&l.j, &text, false);
	br_json_arr(&l.j);
	rc = br_delivery_each(t, h.number, list_delivery, &l, err);
	br_json_end(&l.j);
	br_txn_end(t);
	if (rc >= 0 && (rc = br_buf_check(&text, "the list", err)) == 0) {
		struct br_json *j = br_reply(r, 0);
		br_json_obj(j);
		br_json_key(j, "deliveries");
		br_json_raw(j, text.ptr, text.len);
		br_json_end(j);
	}
	br_buf_release(&text);
	return BR_MIN(rc, 0);
}

static int test(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_hooks_opts o = { .ws = br_req_ws(r) };
	struct br_net_rules net;
	struct br_delivery d;
	struct br_hook h;
	int rc = find(&h, r, err);

	(void)in;
	if (rc < 0)
		return rc;
	rules_of(&o.rules, &net, r);
	if ((rc = br_hook_test(&d, br_req_arena(r), &o, h.id, err)) == 0)
		write_delivery(br_reply(r, 0), &d);
	return rc;
}

/* ---- the routes ---- */

static const short fails_400[] = { 400, 0 }, fails_404[] = { 404, 0 }, fails_both[] = { 400, 404, 0 };
#define MANAGE BR_LEVEL_KEY, .scopes = "webhooks:manage", .rate = "api"
#define ROUTES(hooks, hook, id, more) \
	{ "POST", hooks, "quivr_create_webhook" id, "Make a webhook", "webhooks", MANAGE, .body = BR_BODY_JSON, .in = create_in, \
	  .in_size = sizeof(struct hook_in), .out = &hook_shape, .ok = 201, .fails = fails_400, .flags = more, .run = create }, \
	{ "GET", hooks, "quivr_list_webhooks" id, "List webhooks", "webhooks", MANAGE, .out = &list_shape, .flags = more, .run = list }, \
	{ "GET", hook, "quivr_get_webhook" id, "Show a webhook", "webhooks", MANAGE, .out = &hook_shape, .fails = fails_404, .flags = more, .run = get }, \
	{ "PATCH", hook, "quivr_change_webhook" id, "Change a webhook", "webhooks", MANAGE, .body = BR_BODY_JSON, .in = patch_in, \
	  .in_size = sizeof(struct hook_in), .out = &hook_shape, .fails = fails_both, .flags = more, .run = patch }, \
	{ "DELETE", hook, "quivr_delete_webhook" id, "Delete a webhook and what waits for it", "webhooks", MANAGE, .out = &deleted_shape, \
	  .fails = fails_404, .flags = more, .run = drop }, \
	{ "GET", hook "/deliveries", "quivr_list_deliveries" id, "What was sent to a webhook and what waits, newest first", "webhooks", MANAGE, \
	  .in = deliveries_in, .in_size = sizeof(struct deliveries_in), .out = &deliveries_shape, .fails = fails_both, .flags = more, .run = deliveries }, \
	{ "POST", hook "/test", "quivr_test_webhook" id, "Send a made-up event now", "webhooks", MANAGE, .out = &delivery_shape, \
	  .fails = fails_404, .flags = BR_ROUTE_SLOW | (more), .run = test }

static const struct br_route rows[] = {
	ROUTES(HOOKS, HOOK, "", 0),
	ROUTES(HOOKS_ALIAS, HOOK_ALIAS, "_alias", BR_ROUTE_HIDDEN),
};
const struct br_routes br_quivr__webhooks_rows = { rows, BR_COUNT(rows) };
