/*
 * What is written of deliveries: events that become deliveries, outcomes of attempts, and which finished ones are kept. Many of both
 * share a commit.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *const state_names[] = { "pending", "delivered", "failed" };
static const int64_t schedule[] = { 5, 300, 1800, 7200, 18000, 36000, 36000 };

const char *br_delivery_state_name(enum br_delivery_state s) { return state_names[s]; }

int64_t hook_now_ms(const struct br_hooks_opts *o)
{
	return o->now_ms ? o->now_ms() : br_now_ns() / 1000000;
}

/* Up to a tenth longer, so that receivers that were down are not met by everything at once. */
int64_t hook_delay_ms(const struct br_hooks_opts *o, unsigned failures)
{
	const int64_t *delay = o->delay ? o->delay : schedule;
	size_t n = o->delay ? o->delays : BR_COUNT(schedule);
	uint32_t r;

	if (failures == 0 || failures > n)
		return -1;
	br_random(&r, sizeof r);
	return delay[failures - 1] * 1000 + (int64_t)((double)delay[failures - 1] * 100 * r / UINT32_MAX);
}

/* ---- events ---- */

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
		if (!strncmp(p, word, n) && (p[n] == ',' || !p[n]))
			return true;
	return false;
}

bool hook_wants(const struct br_hook *h, enum br_hook_event_id e, const char *notebook)
{
	return h->active && h->events >> e & 1 && (!*h->notebooks || has_word(h->notebooks, notebook));
}

static void make_body(struct br_buf *out, const struct event *e, const struct br_hook *h, const char *id)
{
	struct br_json j;
	char at[32];

	br_time_iso(at, e->at / 1000);
	br_json_init(&j, out, false);
	br_json_obj(&j);
	br_json_kstr(&j, "id", id);
	br_json_kstr(&j, "type", br_hook_event_name(e->id));
	br_json_kstr(&j, "created_at", at);
	br_json_kstr(&j, "webhook_id", h->id);
	br_json_key(&j, "data");
	br_json_raw(&j, e->data, e->n);
	br_json_end(&j);
}

struct adding { struct batch *b; struct br_txn *t; const struct event *e; uint64_t next; struct br_err *err; };

static int add_delivery(const struct br_hook *h, void *arg)
{
	struct adding *g = arg;
	struct batch *b = g->b;
	struct br_buf body = BR_BUF_INIT(BR_MAX_HOOK_BODY);
	struct br_delivery d = { .hook = h->number, .number = g->next, .event = g->e->id, .created = g->e->at, .next = g->e->at, .error = "" };
	size_t more = 0;
	int rc;

	if (!hook_wants(h, g->e->id, g->e->notebook))
		return 0;
	for (size_t i = 0; i < b->fresh.n; i++)
		more += b->fresh.v[i].hook == h->number;
	br_uuid_ordered(d.id, g->e->at);
	make_body(&body, g->e, h, d.id);
	if (body.failed || (b->room && !b->room(h->number, more, b->arg))) {
		b->dropped++;
		br_buf_release(&body);
		return 0;
	}
	d.body = br_buf_slice(&body);
	if ((rc = delivery_store(g->t, &d, g->err)) >= 0)
		*br_vec_push(&b->fresh) = (struct fresh){ h->number, g->next++, d.next };
	br_buf_release(&body);
	return BR_MIN(rc, 0);
}

static int add_events(struct batch *b, struct br_txn *t, struct br_err *err)
{
	struct adding g = { .b = b, .t = t, .err = err };
	uint64_t first;
	int rc;

	if (!b->events)
		return 0;
	if ((rc = br_meta_get(&first, t, "next_delivery", err)) < 0)
		return rc;
	g.next = first;
	for (size_t i = 0; i < b->events && rc == 0; i++) {
		g.e = &b->event[i];
		rc = br_hook_each(t, add_delivery, &g, err);
	}
	if (rc == 0 && g.next != first)
		rc = br_meta_put(t, "next_delivery", g.next, err);
	return rc;
}

/* ---- outcomes ---- */

static int note_at_hook(const struct batch *b, const struct outcome *o, struct br_arena *a, struct br_txn *t, struct br_err *err)
{
	int64_t now = o->at / 1000, give_up = b->o->give_up ? b->o->give_up : 5 * 86400;
	struct br_hook h;
	int rc = hook_load(&h, a, t, o->hook, err);

	if (rc <= 0 || (o->a.ok && !h.failing))
		return BR_MIN(rc, 0);
	if (o->a.ok) {
		h.failing = 0;
	} else if (!h.failing) {
		h.failing = now;
	} else if (h.active && now - h.failing >= give_up) {
		h.active = false;
		h.stopped = "nothing arrived for days";
	} else {
		return 0;
	}
	rc = hook_store(t, &h, err);
	return BR_MIN(rc, 0);
}

static int add_outcome(const struct batch *b, struct outcome *o, struct br_txn *t, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_delivery d;
	int64_t delay;
	int rc = delivery_load(&d, &a, t, o->hook, o->number, err);

	o->next = -1;
	if (rc > 0) {
		char *body = br_arena_strndup(&a, d.body.ptr, d.body.len); /* what is written must not point into the store */

		d.body.ptr = body;
		d.attempts++;
		d.last = o->at;
		d.status = o->a.status;
		d.took = o->a.took;
		d.error = o->a.error;
		delay = o->a.ok || o->a.gone || o->last ? -1 : hook_delay_ms(b->o, d.attempts);
		d.state = o->a.ok ? BR_DELIVERY_DELIVERED : delay < 0 ? BR_DELIVERY_FAILED : BR_DELIVERY_PENDING;
		o->next = d.next = delay < 0 ? 0 : o->at + delay;
		rc = delivery_store(t, &d, err);
		if (rc >= 0)
			rc = note_at_hook(b, o, &a, t, err);
	}
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

static int write_all(struct br_txn *t, void *arg, struct br_err *err)
{
	struct batch *b = arg;
	int rc = 0;

	b->fresh.n = 0;
	b->dropped = 0;
	for (size_t i = 0; i < b->outcomes && rc == 0; i++)
		rc = add_outcome(b, &b->outcome[i], t, err);
	return rc == 0 ? add_events(b, t, err) : rc;
}

int batch_write(struct batch *b, struct br_store *s, struct br_err *err)
{
	return br_store_write(s, write_all, b, err);
}

/* ---- reading and forgetting ---- */

int br_delivery_each(struct br_txn *t, uint32_t hook, br_delivery_fn *fn, void *arg, struct br_err *err)
{
	struct br_cur cur;
	struct br_key k;
	int rc = br_cur_open(&cur, t, BR_T_DELIVERY, err), stop = 0;

	if (rc < 0)
		return rc;
	delivery_key(&k, hook, UINT64_MAX);
	for (rc = br_cur_last_le(&cur, br_key_slice(&k), err); rc > 0 && !stop; rc = br_cur_prev(&cur, err)) {
		struct br_arena a = { 0 };
		struct br_delivery d;
		int bad;
		if (cur.key.len < 4 || br_rd_be32(cur.key.ptr) != hook)
			break;
		if ((bad = delivery_decode(&d, &a, cur.key, cur.val, err)) == 0)
			stop = fn(&d, arg);
		br_arena_release(&a);
		if (bad < 0) {
			rc = bad;
			break;
		}
	}
	br_cur_close(&cur);
	return rc < 0 ? rc : stop;
}

struct pruning { uint32_t hook; size_t kept; BR_VEC(uint64_t) drop; };

static int note_old(const struct br_delivery *d, void *arg)
{
	struct pruning *p = arg;

	if (d->state != BR_DELIVERY_PENDING && ++p->kept > BR_HOOK_KEPT)
		*br_vec_push(&p->drop) = d->number;
	return 0;
}

static int prune(struct br_txn *t, void *arg, struct br_err *err)
{
	struct pruning *p = arg;
	struct br_key k;
	int rc;

	p->kept = p->drop.n = 0;
	rc = br_delivery_each(t, p->hook, note_old, p, err);
	for (size_t i = 0; i < p->drop.n && rc >= 0; i++) {
		delivery_key(&k, p->hook, p->drop.v[i]);
		rc = br_del(t, BR_T_DELIVERY, br_key_slice(&k), err);
	}
	return BR_MIN(rc, 0);
}

int hook_prune(struct br_store *s, uint32_t hook, struct br_err *err)
{
	struct pruning p = { .hook = hook };
	int rc = br_store_write(s, prune, &p, err);

	br_vec_release(&p.drop);
	return rc;
}
