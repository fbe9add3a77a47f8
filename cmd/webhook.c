/* `br webhook`: makes, shows, tests and deletes the webhooks to which the server tells what happened. */
#include "cmd.h"

#include <stdlib.h>

/* ---- settings ---- */

static int read_delays(struct br_hooks_opts *out, struct br_cli *c, struct br_err *err)
{
	const char *list = br_config_get(c->config, "webhook.retry", NULL);
	size_t most = strlen(list) + 1;
	int64_t *delay = br_arena_alloc(&c->arena, most * sizeof *delay);
	int rc = 0;

	out->delay = delay;
	while (rc == 0 && *list) {
		size_t n = strcspn(list, ",");
		rc = br_parse_seconds(&delay[out->delays++], br_arena_strndup(&c->arena, list, n), "webhook.retry", err);
		list += n + (list[n] == ',');
	}
	return rc;
}

int br_hook_opts(struct br_hooks_opts *out, struct br_net_rules *net, struct br_cli *c, struct br_err *err)
{
	const struct br_profile *p = br_profile_find(br_config_get(c->config, "auth.profile", NULL));

	br_net_rules(net, c->config);
	*out = (struct br_hooks_opts){ .ws = c->ws, .rules = { net, p->https }, .give_up = br_config_int(c->config, "webhook.give_up") };
	return read_delays(out, c, err);
}

/* ---- create ---- */

struct create_params { struct br_list event, notebook; const char *secret; bool unsigned_, inactive; };
static const struct br_opt create_opts[] = {
	{ "event", 0, BR_AT_LIST(struct create_params, event), "event",
	  "an event that is told: document.uploaded, document.deleted, document.updated, kb.created, kb.deleted, query.completed, sync.completed, "
	  "error.ingestion; all but query.completed without one" },
	{ "for", 0, BR_AT_LIST(struct create_params, notebook), "notebook", "a notebook whose events are told; all without one", .complete = BR_C_NOTEBOOK },
	{ "secret", 0, BR_AT_STR(struct create_params, secret), "text", "what deliveries are signed with; without it one is made and printed",
	  .env = "BR_WEBHOOK_SECRET" },
	{ "unsigned", 0, BR_AT_BOOL(struct create_params, unsigned_), NULL, "do not sign deliveries" },
	{ "inactive", 0, BR_AT_BOOL(struct create_params, inactive), NULL, "tell it nothing yet" },
	BR_OPT_END,
};

static int read_events(uint32_t *out, const struct br_list *l, struct br_err *err)
{
	enum br_hook_event_id e;

	*out = l->n ? 0 : ((1u << BR_HOOK_EVENT_COUNT) - 1) & ~(1u << BR_HOOK_QUERY_COMPLETED);
	for (size_t i = 0; i < l->n; i++) {
		if (!br_hook_event_parse(&e, l->v[i]))
			return br_fail(err, BR_EUSAGE, "--event: there is no event '%s'", l->v[i]);
		*out |= 1u << e;
	}
	return 0;
}

static int read_notebooks(const char **out, struct br_cli *c, const struct br_list *l, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc = l->n ? br_txn_read(&t, c->ws->store, err) : 0;

	*out = "";
	if (!l->n || rc < 0)
		return rc;
	for (size_t i = 0; i < l->n && rc == 0; i++)
		if ((rc = br_nb_get(&nb, &c->arena, t, l->v[i], err)) == 0)
			*out = br_arena_printf(&c->arena, "%s%s%s", *out, i ? "," : "", nb->id);
	br_txn_end(t);
	return rc;
}

static const char *make_secret(struct br_cli *c)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	uint8_t bits[32];
	const char *out;

	br_random(bits, sizeof bits);
	br_buf_adds(&b, "whsec_");
	br_base64url(&b, bits, sizeof bits);
	out = br_arena_strdup(&c->arena, b.ptr);
	br_buf_release(&b);
	return out;
}

static void json_events(struct br_json *j, uint32_t events)
{
	br_json_key(j, "events");
	br_json_arr(j);
	for (int e = 0; e < BR_HOOK_EVENT_COUNT; e++)
		if (events >> e & 1)
			br_json_str(j, br_hook_event_name((enum br_hook_event_id)e));
	br_json_end(j);
}

static void json_time(struct br_json *j, const char *key, int64_t seconds)
{
	char iso[32];

	br_time_iso(iso, seconds);
	br_json_kstr(j, key, seconds ? iso : NULL);
}

static void json_hook(struct br_json *j, const struct br_hook *h)
{
	br_json_kstr(j, "id", h->id);
	br_json_kstr(j, "url", h->url);
	json_events(j, h->events);
	br_json_kstr(j, "notebooks", *h->notebooks ? h->notebooks : NULL);
	br_json_kbool(j, "signed", h->is_signed);
	br_json_kbool(j, "active", h->active);
	br_json_kstr(j, "stopped", *h->stopped ? h->stopped : NULL);
	json_time(j, "created", h->created);
	json_time(j, "failing_since", h->failing);
}

static int create_run(struct br_cli *c, struct br_err *err)
{
	const struct create_params *p = c->params;
	bool made = !p->secret && !p->unsigned_;
	struct br_hook h = { .url = c->operand[0], .active = !p->inactive };
	struct br_net_rules net;
	struct br_hooks_opts o;
	struct br_json j;
	int rc;

	h.secret = p->unsigned_ ? "" : made ? make_secret(c) : p->secret;
	if ((rc = read_events(&h.events, &p->event, err)) < 0 || (rc = read_notebooks(&h.notebooks, c, &p->notebook, err)) < 0 ||
	    (rc = br_hook_opts(&o, &net, c, err)) < 0 || (rc = br_hook_create(&h, c->ws, &o.rules, err)) < 0)
		return rc;
	if (!c->opt.json) {
		br_out_f(&c->out, "%s\n", h.id);
		if (made)
			br_note(&c->out, "br: its secret is %s; it is not shown again", h.secret);
		return 0;
	}
	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kint(&j, "v", 1);
	json_hook(&j, &h);
	if (made)
		br_json_kstr(&j, "secret", h.secret);
	br_json_end(&j);
	br_out_line(&c->out);
	return 0;
}

/* ---- list, show ---- */

struct listing { struct br_cli *c; struct br_json j; struct br_columns cols; };

static void event_words(struct br_buf *out, uint32_t events)
{
	if (events == (1u << BR_HOOK_EVENT_COUNT) - 1) {
		br_buf_adds(out, "all");
		return;
	}
	for (int e = 0; e < BR_HOOK_EVENT_COUNT; e++)
		if (events >> e & 1)
			br_buf_addf(out, "%s%s", out->len ? "," : "", br_hook_event_name((enum br_hook_event_id)e));
}

static const char *state_of(const struct br_hook *h)
{
	return !h->active ? *h->stopped ? "stopped" : "inactive" : h->failing ? "failing" : "active";
}

static int list_one(const struct br_hook *h, void *arg)
{
	struct listing *l = arg;
	struct br_buf events = BR_BUF_INIT(SIZE_MAX);

	if (l->c->opt.json) {
		br_json_obj(&l->j);
		json_hook(&l->j, h);
		br_json_end(&l->j);
		return 0;
	}
	event_words(&events, h->events);
	br_columns_add(&l->cols, BR_PLAIN, "%.8s", h->id);
	br_columns_add(&l->cols, BR_PLAIN, "%s", state_of(h));
	br_columns_add(&l->cols, BR_PLAIN, "%s", h->url);
	br_columns_add(&l->cols, BR_DIM, "%s", events.ptr);
	br_buf_release(&events);
	return 0;
}

static int list_run(struct br_cli *c, struct br_err *err)
{
	struct listing l = { .c = c, .cols = { .align = "llll" } };
	struct br_txn *t;
	int rc = br_txn_read(&t, c->ws->store, err);

	if (rc < 0)
		return rc;
	if (c->opt.json) {
		br_json_init(&l.j, br_out_json(&c->out), false);
		br_json_obj(&l.j);
		br_json_kint(&l.j, "v", 1);
		br_json_key(&l.j, "webhooks");
		br_json_arr(&l.j);
	}
	rc = br_hook_each(t, list_one, &l, err);
	br_txn_end(t);
	if (c->opt.json && rc == 0) {
		br_json_end(&l.j);
		br_json_end(&l.j);
		br_out_line(&c->out);
	} else if (c->opt.json) {
		br_buf_reset(br_out_json(&c->out));
	}
	br_columns_print(&c->out, &l.cols);
	return rc;
}

static int find(struct br_hook *out, struct br_cli *c, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, c->ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_hook_find(out, &c->arena, t, c->operand[0], err);
	br_txn_end(t);
	return rc;
}

static int show_run(struct br_cli *c, struct br_err *err)
{
	struct br_buf events = BR_BUF_INIT(SIZE_MAX);
	struct br_hook h;
	struct br_json j;
	char iso[32];
	int rc = find(&h, c, err);

	if (rc < 0)
		return rc;
	if (c->opt.json) {
		br_json_init(&j, br_out_json(&c->out), false);
		br_json_obj(&j);
		br_json_kint(&j, "v", 1);
		json_hook(&j, &h);
		br_json_end(&j);
		br_out_line(&c->out);
		return 0;
	}
	event_words(&events, h.events);
	br_time_iso(iso, h.created);
	br_out_f(&c->out, "id         %s\nurl        %s\nevents     %s\nnotebooks  %s\nsigned     %s\nstate      %s%s%s\ncreated    %s\n", h.id, h.url,
	         events.ptr, *h.notebooks ? h.notebooks : "all", h.is_signed ? "yes" : "no", state_of(&h), *h.stopped ? ": " : "", h.stopped, iso);
	br_buf_release(&events);
	return 0;
}

/* ---- deliveries, test ---- */

struct deliveries_params { int64_t limit; };
static const struct br_opt deliveries_opts[] = {
	{ "limit", 0, BR_AT_INT(struct deliveries_params, limit), "n", "the last n", .dflt = "20", .min = 1, .max = 100000 },
	BR_OPT_END,
};

static void json_ms(struct br_json *j, const char *key, int64_t ms)
{
	json_time(j, key, ms / 1000);
}

static void json_delivery(struct br_json *j, const struct br_delivery *d)
{
	br_json_kstr(j, "id", d->id);
	br_json_kstr(j, "event", br_hook_event_name(d->event));
	br_json_kstr(j, "state", br_delivery_state_name(d->state));
	br_json_kuint(j, "attempts", d->attempts);
	br_json_kint(j, "status", d->status);
	br_json_kuint(j, "ms", d->took);
	br_json_kstr(j, "error", *d->error ? d->error : NULL);
	json_ms(j, "created", d->created);
	json_ms(j, "last_attempt", d->last);
	json_ms(j, "next_attempt", d->next);
}

struct showing { struct listing l; int64_t left; };

static int show_delivery(const struct br_delivery *d, void *arg)
{
	struct showing *s = arg;
	struct br_columns *cols = &s->l.cols;
	char iso[32];

	if (s->l.c->opt.json) {
		br_json_obj(&s->l.j);
		json_delivery(&s->l.j, d);
		br_json_end(&s->l.j);
	} else {
		br_time_iso(iso, d->created / 1000);
		br_columns_add(cols, BR_DIM, "%s", iso);
		br_columns_add(cols, BR_PLAIN, "%s", br_hook_event_name(d->event));
		br_columns_add(cols, BR_PLAIN, "%s", br_delivery_state_name(d->state));
		br_columns_add(cols, BR_PLAIN, "%u", d->attempts);
		br_columns_add(cols, BR_DIM, "%s", d->error);
	}
	return --s->left == 0;
}

static int deliveries_run(struct br_cli *c, struct br_err *err)
{
	const struct deliveries_params *p = c->params;
	struct showing s = { .l = { .c = c, .cols = { .align = "lllrl" } }, .left = p->limit };
	struct br_hook h;
	struct br_txn *t;
	int rc = find(&h, c, err);

	if (rc < 0 || (rc = br_txn_read(&t, c->ws->store, err)) < 0)
		return rc;
	if (c->opt.json) {
		br_json_init(&s.l.j, br_out_json(&c->out), false);
		br_json_obj(&s.l.j);
		br_json_kint(&s.l.j, "v", 1);
		br_json_key(&s.l.j, "deliveries");
		br_json_arr(&s.l.j);
	}
	rc = br_delivery_each(t, h.number, show_delivery, &s, err);
	br_txn_end(t);
	if (c->opt.json && rc >= 0) {
		br_json_end(&s.l.j);
		br_json_end(&s.l.j);
		br_out_line(&c->out);
	} else if (c->opt.json) {
		br_buf_reset(br_out_json(&c->out));
	}
	br_columns_print(&c->out, &s.l.cols);
	return BR_MIN(rc, 0);
}

static int test_run(struct br_cli *c, struct br_err *err)
{
	struct br_net_rules net;
	struct br_hooks_opts o;
	struct br_delivery d;
	struct br_json j;
	int rc = br_hook_opts(&o, &net, c, err);

	if (rc < 0 || (rc = br_hook_test(&d, &c->arena, &o, c->operand[0], err)) < 0)
		return rc;
	if (c->opt.json) {
		br_json_init(&j, br_out_json(&c->out), false);
		br_json_obj(&j);
		br_json_kint(&j, "v", 1);
		json_delivery(&j, &d);
		br_json_end(&j);
		br_out_line(&c->out);
	} else if (d.state == BR_DELIVERY_DELIVERED) {
		br_out_f(&c->out, "delivered: status %d in %u ms\n", d.status, d.took);
	} else {
		return br_fail(err, BR_ECHECK, "it did not arrive: %s", d.error);
	}
	return br_status(d.state == BR_DELIVERY_DELIVERED ? BR_OK : BR_ECHECK);
}

/* ---- enable, disable, delete ---- */

static int switch_to(struct br_hook *h, void *arg, struct br_err *err)
{
	(void)err;
	h->active = *(bool *)arg;
	return 0;
}

static int switch_run(struct br_cli *c, bool on, struct br_err *err)
{
	struct br_net_rules net;
	struct br_hooks_opts o;
	int rc = br_hook_opts(&o, &net, c, err);

	return rc < 0 ? rc : br_hook_edit(c->ws, c->operand[0], &o.rules, switch_to, &on, err);
}

static int enable_run(struct br_cli *c, struct br_err *err) { return switch_run(c, true, err); }
static int disable_run(struct br_cli *c, struct br_err *err) { return switch_run(c, false, err); }
static int delete_run(struct br_cli *c, struct br_err *err) { return br_hook_delete(c->ws, c->operand[0], err); }

/* ---- the tables ---- */

#define HOOK_CMD(id, word, what, fn, ...)                                                                             \
	static const struct br_cmd id = {                                                                             \
		.name = word, .summary = what, .operands = "<webhook>", .min = 1, .max = 1, .flags = BR_CMD_WS, .run = fn, __VA_ARGS__ \
	}
static const struct br_cmd create = {
	.name = "create", .summary = "make a webhook and print its id", .operands = "<url>", .min = 1, .max = 1, .opts = create_opts,
	.params_size = sizeof(struct create_params), .flags = BR_CMD_WS, .run = create_run,
};
static const struct br_cmd list = { .name = "list", .summary = "show all webhooks", .flags = BR_CMD_WS, .run = list_run };
HOOK_CMD(show, "show", "show one webhook", show_run, .opts = NULL);
HOOK_CMD(test, "test", "send a made-up event now and tell whether it arrived", test_run, .opts = NULL);
HOOK_CMD(deliveries, "deliveries", "show what was sent and what waits, newest first", deliveries_run, .opts = deliveries_opts,
         .params_size = sizeof(struct deliveries_params));
HOOK_CMD(enable, "enable", "let a webhook be told again", enable_run, .opts = NULL);
HOOK_CMD(disable, "disable", "tell a webhook nothing for a while", disable_run, .opts = NULL);
HOOK_CMD(delete_cmd, "delete", "remove a webhook and what waits for it", delete_run, .opts = NULL);
static const struct br_cmd *const subs[] = { &create, &list, &show, &test, &deliveries, &enable, &disable, &delete_cmd, NULL };
static const struct br_example examples[] = {
	{ "br webhook create https://ci.example.com/hook --event document.updated", "prints its id, and once the secret" },
	{ "br webhook test 3f2a90", "whether it arrives" },
	{ "br webhook deliveries 3f2a90", "and what came of the others" },
	{ NULL },
};
const struct br_cmd br_cmd_webhook = {
	.name = "webhook", .group = "care", .summary = "tell other programs over HTTP what happens in the server",
	.operands = "create|list|show|test|deliveries|enable|disable|delete", .sub = subs, .examples = examples,
};
