/*
 * The engine: a keeper, the only thread that writes, and senders. What is to be sent waits in memory by webhook, ordered by when it is
 * due; its bytes stay in the store. What comes in while a commit is on its way shares the next one.
 */
#include "internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { KEPT_SLACK = 100 };           /* finished deliveries beyond BR_HOOK_KEPT before they are looked through */
enum { WRITE_AGAIN_MS = 2000, SEND_AGAIN_MS = 30000, INBOX_BYTES = 64 << 20 };

struct due { uint64_t number; int64_t at; };
struct line {                        /* what waits for one webhook: a heap, the earliest first */
	uint32_t hook;
	BR_VEC(struct due) heap;
	unsigned busy;               /* under way, or not yet written how it went */
	size_t finished;             /* in the store */
};

struct br_hooks {
	struct br_hooks_opts o;
	struct br_net_rules net;     /* own copies of the strings */
	int64_t *delay;
	pthread_t keeper, sender[BR_HOOK_SENDERS];
	unsigned senders;
	pthread_mutex_t mu;
	pthread_cond_t stir, work, written;
	BR_VEC(struct event) inbox;
	BR_VEC(struct outcome) outbox; /* outcomes to be written */
	BR_VEC(struct line) line;
	size_t inbox_bytes, writing; /* writing: events that are in the commit under way */
	uint64_t in, out;            /* events taken in, and written */
	bool quit, over;             /* over: senders have ended */
};

/* ---- lines: with mu held ---- */

static struct line *line_of(struct br_hooks *h, uint32_t hook)
{
	struct line *l;

	for (size_t i = 0; i < h->line.n; i++)
		if (h->line.v[i].hook == hook)
			return &h->line.v[i];
	l = br_vec_push(&h->line);
	*l = (struct line){ .hook = hook };
	return l;
}

static void push(struct line *l, uint64_t number, int64_t at)
{
	size_t i = l->heap.n;

	br_vec_push(&l->heap);
	for (; i && l->heap.v[(i - 1) / 2].at > at; i = (i - 1) / 2)
		l->heap.v[i] = l->heap.v[(i - 1) / 2];
	l->heap.v[i] = (struct due){ number, at };
}

static struct due pop(struct line *l)
{
	struct due top = l->heap.v[0], last = l->heap.v[--l->heap.n];
	size_t i = 0, n = l->heap.n;

	for (size_t c; (c = 2 * i + 1) < n; i = c) {
		if (c + 1 < n && l->heap.v[c + 1].at < l->heap.v[c].at)
			c++;
		if (l->heap.v[c].at >= last.at)
			break;
		l->heap.v[i] = l->heap.v[c];
	}
	if (n)
		l->heap.v[i] = last;
	return top;
}

/* The line whose delivery is due first among those that may send now; NULL, and how long to sleep (-1: until woken). */
static struct line *first_due(struct br_hooks *h, int64_t *sleep_ms)
{
	int64_t now = hook_now_ms(&h->o);
	struct line *best = NULL;

	*sleep_ms = -1;
	for (size_t i = 0; i < h->line.n; i++) {
		struct line *l = &h->line.v[i];
		if (l->heap.n && l->busy < BR_HOOK_AT_ONCE && (!best || l->heap.v[0].at < best->heap.v[0].at))
			best = l;
	}
	if (!best || best->heap.v[0].at <= now)
		return best;
	*sleep_ms = best->heap.v[0].at - now;
	return NULL;
}

/* Finished ones wait for nothing. */
static bool has_room(uint32_t hook, size_t more, void *arg)
{
	struct br_hooks *h = arg;
	struct line *l;
	bool room;

	pthread_mutex_lock(&h->mu);
	l = line_of(h, hook);
	room = l->heap.n + l->busy + more < BR_MAX_HOOK_QUEUE;
	pthread_mutex_unlock(&h->mu);
	return room;
}

/* ---- senders ---- */

static void wait_a_while(struct br_hooks *h, pthread_cond_t *cond, int64_t ms)
{
	struct timespec until;

	if (ms < 0) {
		pthread_cond_wait(cond, &h->mu);
		return;
	}
	ms = BR_MIN(ms, 60000) + 1; /* also when the clock is set */
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(cond, &h->mu, &until);
}

/* 0: *out is how it went. NOTFOUND: there is nothing to send any more. */
static int send_one(struct outcome *out, struct br_hooks *h, struct br_net *net, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_delivery d;
	struct br_hook hook;
	struct br_txn *t;
	int rc = br_txn_read(&t, h->o.ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = hook_load(&hook, &a, t, out->hook, err)) > 0 && (rc = delivery_load(&d, &a, t, out->hook, out->number, err)) > 0)
		d.body = br_slice(br_arena_strndup(&a, d.body.ptr, d.body.len), d.body.len);
	br_txn_end(t);
	if (rc == 0 || (rc > 0 && d.state != BR_DELIVERY_PENDING)) {
		rc = br_fail(err, BR_ENOTFOUND, "it is gone");
	} else if (rc > 0 && !hook.active) {
		out->a = (struct attempt){ .error = "the webhook is not active" };
		out->last = true;
		rc = 0;
	} else if (rc > 0) {
		rc = hook_attempt(&out->a, net, &h->o, &hook, &d, err);
	}
	out->at = hook_now_ms(&h->o);
	br_arena_release(&a);
	return rc;
}

static void give_back(struct br_hooks *h, const struct outcome *o, int rc, const struct br_err *err)
{
	struct line *l = line_of(h, o->hook);

	if (rc == 0) {
		*br_vec_push(&h->outbox) = *o;
		pthread_cond_signal(&h->stir);
		return;
	}
	l->busy--;
	if (rc == -BR_ENOTFOUND)
		return;
	if (rc != -BR_ECANCELLED)
		br_log(BR_LOG_ERROR, "a webhook: %s", err->msg);
	push(l, o->number, hook_now_ms(&h->o) + SEND_AGAIN_MS);
}

static void *send_all(void *arg)
{
	struct br_hooks *h = arg;
	struct br_net *net = NULL;
	struct br_err err = { 0 };
	int64_t ms;

	pthread_mutex_lock(&h->mu);
	while (!h->quit) {
		struct line *l = first_due(h, &ms);
		struct outcome o = { 0 };
		int rc;
		if (!l) {
			wait_a_while(h, &h->work, ms);
			continue;
		}
		o.hook = l->hook;
		o.number = pop(l).number;
		l->busy++;
		pthread_mutex_unlock(&h->mu);
		rc = net ? 0 : br_net_open(&net, h->o.rules.net, &err);
		if (rc == 0)
			rc = send_one(&o, h, net, &err);
		pthread_mutex_lock(&h->mu);
		give_back(h, &o, rc, &err);
	}
	pthread_mutex_unlock(&h->mu);
	br_net_close(net);
	return NULL;
}

/* ---- the keeper ---- */

static void event_release(struct event *e)
{
	free(e->notebook);
	free(e->data);
}

static void settle(struct br_hooks *h, struct batch *b, uint32_t full[static BR_MAX_HOOKS], size_t *n_full)
{
	for (size_t i = 0; i < b->outcomes; i++) {
		struct line *l = line_of(h, b->outcome[i].hook);
		l->busy--;
		if (b->outcome[i].next > 0)
			push(l, b->outcome[i].number, b->outcome[i].next);
		else if (b->outcome[i].next == 0)
			l->finished++;
		if (l->finished > BR_HOOK_KEPT + KEPT_SLACK && *n_full < BR_MAX_HOOKS) {
			full[(*n_full)++] = l->hook;
			l->finished = BR_HOOK_KEPT;
		}
	}
	for (size_t i = 0; i < b->fresh.n; i++)
		push(line_of(h, b->fresh.v[i].hook), b->fresh.v[i].number, b->fresh.v[i].next);
	if (b->dropped)
		br_log(BR_LOG_ERROR, "%llu events were not kept for webhooks: too many wait, or they are too long", (unsigned long long)b->dropped);
	if (b->outcomes || b->fresh.n)
		pthread_cond_broadcast(&h->work);
}

/* Writes what is there; with mu held, which is let go meanwhile. False: it could not be written and stays. */
static bool write_some(struct br_hooks *h)
{
	struct batch b = { .o = &h->o, .events = h->inbox.n, .outcomes = h->outbox.n, .room = has_room, .arg = h };
	struct event *event = br_allocn(b.events + 1, sizeof *event);
	struct outcome *outcome = br_allocn(b.outcomes + 1, sizeof *outcome);
	uint32_t full[BR_MAX_HOOKS];
	struct br_err err;
	size_t n_full = 0;
	int rc;

	if (b.events)
		memcpy(event, h->inbox.v, b.events * sizeof *event);
	if (b.outcomes)
		memcpy(outcome, h->outbox.v, b.outcomes * sizeof *outcome);
	b.event = event;
	b.outcome = outcome;
	pthread_mutex_unlock(&h->mu);
	if ((rc = batch_write(&b, h->o.ws->store, &err)) < 0)
		br_log(BR_LOG_ERROR, "webhooks: %s", err.msg);
	pthread_mutex_lock(&h->mu);
	if (rc == 0) {
		settle(h, &b, full, &n_full);
		for (size_t i = 0; i < b.events; i++) {
			h->inbox_bytes -= event[i].n;
			event_release(&event[i]);
		}
		if (b.events)
			memmove(h->inbox.v, h->inbox.v + b.events, (h->inbox.n - b.events) * sizeof *h->inbox.v);
		h->inbox.n -= b.events;
		if (b.outcomes)
			memmove(h->outbox.v, h->outbox.v + b.outcomes, (h->outbox.n - b.outcomes) * sizeof *h->outbox.v);
		h->outbox.n -= b.outcomes;
		h->out += b.events;
		pthread_cond_broadcast(&h->written);
	}
	br_vec_release(&b.fresh);
	free(event);
	free(outcome);
	pthread_mutex_unlock(&h->mu);
	for (size_t i = 0; i < n_full; i++)
		if (hook_prune(h->o.ws->store, full[i], &err) < 0)
			br_log(BR_LOG_WARN, "old deliveries stay: %s", err.msg);
	pthread_mutex_lock(&h->mu);
	return rc == 0;
}

static void *keep(void *arg)
{
	struct br_hooks *h = arg;

	pthread_mutex_lock(&h->mu);
	for (;;) {
		if (h->inbox.n || h->outbox.n) {
			if (write_some(h))
				continue;
			if (h->over)
				break;
			wait_a_while(h, &h->stir, WRITE_AGAIN_MS);
		} else if (h->over) {
			break;
		} else {
			wait_a_while(h, &h->stir, -1);
		}
	}
	pthread_mutex_unlock(&h->mu);
	return NULL;
}

/* ---- starting: what a server before this one left ---- */

static int load(struct br_hooks *h, struct br_err *err)
{
	struct br_cur cur;
	struct br_txn *t;
	int rc = br_txn_read(&t, h->o.ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_cur_open(&cur, t, BR_T_DELIVERY, err)) == 0) {
		for (rc = br_cur_seek(&cur, br_slice("", 0), err); rc > 0; rc = br_cur_next(&cur, err)) {
			struct br_arena a = { 0 };
			struct br_delivery d;
			if (delivery_decode(&d, &a, cur.key, cur.val, NULL) == 0) { /* br verify speaks of the others */
				struct line *l = line_of(h, d.hook);
				if (d.state == BR_DELIVERY_PENDING)
					push(l, d.number, d.next);
				else
					l->finished++;
			}
			br_arena_release(&a);
		}
		br_cur_close(&cur);
	}
	br_txn_end(t);
	return BR_MIN(rc, 0);
}

static void copy_rules(struct br_hooks *h, const struct br_hooks_opts *o)
{
	h->o = *o;
	h->net = *o->rules.net;
	h->net.allow = br_strdup(h->net.allow);
	h->net.proxy = br_strdup(h->net.proxy);
	h->net.ca_file = br_strdup(h->net.ca_file);
	h->net.contact = br_strdup(h->net.contact);
	h->o.rules.net = &h->net;
	if (o->delay) {
		h->delay = br_allocn(o->delays, sizeof *h->delay);
		memcpy(h->delay, o->delay, o->delays * sizeof *h->delay);
		h->o.delay = h->delay;
	}
}

static void release(struct br_hooks *h)
{
	for (size_t i = 0; i < h->line.n; i++)
		br_vec_release(&h->line.v[i].heap);
	for (size_t i = 0; i < h->inbox.n; i++)
		event_release(&h->inbox.v[i]);
	br_vec_release(&h->line);
	br_vec_release(&h->inbox);
	br_vec_release(&h->outbox);
	pthread_mutex_destroy(&h->mu);
	pthread_cond_destroy(&h->stir);
	pthread_cond_destroy(&h->work);
	pthread_cond_destroy(&h->written);
	free((char *)h->net.allow);
	free((char *)h->net.proxy);
	free((char *)h->net.ca_file);
	free((char *)h->net.contact);
	free(h->delay);
	free(h);
}

static bool start_threads(struct br_hooks *h)
{
	sigset_t all, old;
	bool ok;

	sigfillset(&all); /* they are the main thread's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ok = pthread_create(&h->keeper, NULL, keep, h) == 0;
	while (ok && h->senders < BR_HOOK_SENDERS && pthread_create(&h->sender[h->senders], NULL, send_all, h) == 0)
		h->senders++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ok;
}

int br_hooks_start(struct br_hooks **out, const struct br_hooks_opts *opts, struct br_err *err)
{
	struct br_hooks *h = br_alloc(sizeof *h);
	pthread_condattr_t mono;
	int rc;

	*out = NULL;
	copy_rules(h, opts);
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_mutex_init(&h->mu, NULL);
	pthread_cond_init(&h->stir, &mono);
	pthread_cond_init(&h->work, &mono);
	pthread_cond_init(&h->written, &mono);
	pthread_condattr_destroy(&mono);
	rc = load(h, err);
	if (rc == 0 && !start_threads(h))
		rc = br_fail(err, BR_ENOMEM, "cannot start a thread for webhooks");
	if (rc < 0) {
		release(h);
		return rc;
	}
	*out = h;
	return 0;
}

void br_hooks_stop(struct br_hooks *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->mu);
	h->quit = true;
	pthread_cond_broadcast(&h->work);
	pthread_mutex_unlock(&h->mu);
	for (unsigned i = 0; i < h->senders; i++)
		pthread_join(h->sender[i], NULL);
	pthread_mutex_lock(&h->mu);
	h->over = true;
	pthread_cond_signal(&h->stir);
	pthread_mutex_unlock(&h->mu);
	pthread_join(h->keeper, NULL);
	release(h);
}

/* ---- events ---- */

struct question { enum br_hook_event_id event; const char *notebook; };

static int is_wanted(const struct br_hook *h, void *arg)
{
	const struct question *q = arg;

	return hook_wants(h, q->event, q->notebook);
}

/* Mostly nobody wants it, and then nothing is written. */
static int anybody_wants(struct br_ws *ws, enum br_hook_event_id event, const char *notebook, struct br_err *err)
{
	struct question q = { event, notebook };
	struct br_txn *t;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_hook_each(t, is_wanted, &q, err);
	br_txn_end(t);
	return rc;
}

static int write_event(struct br_ws *ws, struct event *e, struct br_err *err)
{
	struct br_hooks_opts o = { 0 };
	struct batch b = { .o = &o, .event = e, .events = 1 };
	int rc = batch_write(&b, ws->store, err);

	br_vec_release(&b.fresh);
	event_release(e);
	return rc;
}

/* Waits until it is on disk, but not for long. */
static void hand_over(struct br_hooks *h, struct event *e, bool wait)
{
	int64_t until = br_mono_ns() + BR_HOOK_EVENT_WAIT * 1000000ll;
	uint64_t mine;

	pthread_mutex_lock(&h->mu);
	if (h->quit || h->inbox.n >= BR_MAX_HOOK_INBOX || h->inbox_bytes + e->n > INBOX_BYTES) {
		br_log(BR_LOG_ERROR, "an event was not kept for webhooks: %s", h->quit ? "the server is ending" : "too many wait to be written");
		event_release(e);
	} else {
		*br_vec_push(&h->inbox) = *e;
		h->inbox_bytes += e->n;
		mine = ++h->in;
		pthread_cond_signal(&h->stir);
		while (wait && h->out < mine && br_mono_ns() < until)
			wait_a_while(h, &h->written, (until - br_mono_ns()) / 1000000);
	}
	pthread_mutex_unlock(&h->mu);
}

void br_hook_event(struct br_hooks *h, struct br_ws *ws, enum br_hook_event_id event, const char *notebook, struct br_slice data)
{
	struct event e = { .id = event };
	struct br_err err;
	int rc = anybody_wants(ws, event, notebook ? notebook : "", &err);

	if (rc > 0 && data.len > BR_MAX_HOOK_BODY)
		rc = br_fail(&err, BR_ETOOBIG, "it has more than %d bytes", BR_MAX_HOOK_BODY);
	if (rc > 0) {
		e.notebook = br_strdup(notebook ? notebook : "");
		e.data = br_strndup(data.ptr, data.len);
		e.n = data.len;
		e.at = hook_now_ms(h ? &h->o : &(struct br_hooks_opts){ 0 });
		rc = 0;
		if (h)
			hand_over(h, &e, event != BR_HOOK_QUERY_COMPLETED);
		else
			rc = write_event(ws, &e, &err);
	}
	if (rc < 0)
		br_log(BR_LOG_ERROR, "event %s was not kept for webhooks: %s", br_hook_event_name(event), err.msg);
}

/* ---- a test ---- */

struct testing { const struct br_hooks_opts *o; struct br_arena *a; const char *id; struct br_hook hook; struct br_delivery d; struct attempt got; };

static int begin_test(struct br_txn *t, void *arg, struct br_err *err)
{
	struct testing *g = arg;
	struct br_buf body = BR_BUF_INIT(BR_MAX_HOOK_BODY);
	static char data[] = "{\"document_id\":\"test\",\"filename\":\"test.md\",\"chunk_count\":0,\"knowledge_base_id\":\"test\",\"kb_id\":\"test\",\"test\":true}";
	int64_t now = hook_now_ms(g->o);
	uint64_t next;
	char at[32];
	int rc;

	if ((rc = br_hook_find(&g->hook, g->a, t, g->id, err)) < 0 || (rc = br_meta_get(&next, t, "next_delivery", err)) < 0)
		return rc;
	g->d = (struct br_delivery){ .hook = g->hook.number, .number = next, .created = now, .next = now, .error = "" };
	br_uuid_ordered(g->d.id, now);
	br_time_iso(at, now / 1000);
	br_buf_addf(&body, "{\"id\":\"%s\",\"type\":\"document.uploaded\",\"created_at\":\"%s\",\"webhook_id\":\"%s\",\"data\":%s}", g->d.id, at, g->hook.id, data);
	g->d.body = br_slice(br_arena_strndup(g->a, body.ptr, body.len), body.len);
	br_buf_release(&body);
	if ((rc = delivery_store(t, &g->d, err)) >= 0)
		rc = br_meta_put(t, "next_delivery", next + 1, err);
	return BR_MIN(rc, 0);
}

int br_hook_test(struct br_delivery *out, struct br_arena *a, const struct br_hooks_opts *opts, const char *id, struct br_err *err)
{
	struct testing g = { .o = opts, .a = a, .id = id };
	struct outcome o = { .last = true };
	struct batch b = { .o = opts, .outcome = &o, .outcomes = 1 };
	struct br_net *net;
	int rc;

	if ((rc = br_store_write(opts->ws->store, begin_test, &g, err)) < 0 || (rc = br_net_open(&net, opts->rules.net, err)) < 0)
		return rc;
	if ((rc = hook_attempt(&o.a, net, opts, &g.hook, &g.d, err)) == 0) {
		o.hook = g.d.hook;
		o.number = g.d.number;
		o.at = hook_now_ms(opts);
		rc = batch_write(&b, opts->ws->store, err);
	}
	br_net_close(net);
	*out = g.d;
	out->attempts = 1;
	out->last = o.at;
	out->next = 0;
	out->status = o.a.status;
	out->took = o.a.took;
	out->state = o.a.ok ? BR_DELIVERY_DELIVERED : BR_DELIVERY_FAILED;
	out->error = br_arena_strdup(a, o.a.error);
	return rc;
}
