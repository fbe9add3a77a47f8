/* hook - shared inside src/hook only. */
#ifndef BR_HOOK_INTERNAL_H
#define BR_HOOK_INTERNAL_H

#include "br/config.h"
#include "br/hook.h"
#include "br/json.h"
#include "br/net.h"

/* ---- records (record.c); man/br-index.5, HOOK and DELIVERY ---- */
void hook_encode(struct br_buf *out, const struct br_hook *h);
int hook_decode(struct br_hook *out, struct br_arena *a, uint32_t number, struct br_slice rec, struct br_err *err);
int hook_load(struct br_hook *out, struct br_arena *a, struct br_txn *t, uint32_t number, struct br_err *err); /* 1 there, 0 not */
int hook_store(struct br_txn *t, const struct br_hook *h, struct br_err *err);
void delivery_key(struct br_key *k, uint32_t hook, uint64_t number);
/* The body is borrowed from rec, the error copied into the arena. */
int delivery_decode(struct br_delivery *out, struct br_arena *a, struct br_slice key, struct br_slice rec, struct br_err *err);
int delivery_load(struct br_delivery *out, struct br_arena *a, struct br_txn *t, uint32_t hook, uint64_t number, struct br_err *err);
int delivery_store(struct br_txn *t, const struct br_delivery *d, struct br_err *err);

/* ---- one attempt (send.c) ---- */
char *hook_secret(struct br_ws *ws, const struct br_hook *h, struct br_err *err); /* to be wiped and freed; NULL: err */
void hook_secret_free(char *secret);
struct attempt { int status; uint32_t took; char error[200]; bool gone; /* 410: never again */ bool ok; };
/* CANCELLED: the program is ending, and it is not known what the receiver made of it. */
int hook_attempt(struct attempt *out, struct br_net *net, const struct br_hooks_opts *o, const struct br_hook *hook, const struct br_delivery *d, struct br_err *err);
int hook_url_check(const char *url, const struct br_hook_rules *rules, struct br_err *err);

/* ---- what is written (queue.c) ---- */
struct event {
	enum br_hook_event_id id;
	char *notebook, *data;
	size_t n;
	int64_t at;                  /* milliseconds */
};
struct outcome {                     /* of an attempt */
	uint32_t hook;
	uint64_t number;
	int64_t at;
	struct attempt a;
	bool last;                   /* no further attempt whatever came of it */
	/* filled when it is written */
	int64_t next;                /* of the next attempt; 0: it is finished, -1: it is not there any more */
};
struct fresh { uint32_t hook; uint64_t number; int64_t next; };
struct batch {                       /* one commit */
	const struct br_hooks_opts *o;
	const struct event *event;
	size_t events;
	struct outcome *outcome;
	size_t outcomes;
	bool (*room)(uint32_t hook, size_t more, void *arg); /* for one more delivery beside `more`; NULL: always */
	void *arg;
	BR_VEC(struct fresh) fresh;  /* made by it */
	uint64_t dropped;
};
int batch_write(struct batch *b, struct br_store *s, struct br_err *err);
bool hook_wants(const struct br_hook *h, enum br_hook_event_id e, const char *notebook);
int hook_prune(struct br_store *s, uint32_t hook, struct br_err *err);
int64_t hook_delay_ms(const struct br_hooks_opts *o, unsigned failures); /* -1: it is given up */
int64_t hook_now_ms(const struct br_hooks_opts *o);

#endif
