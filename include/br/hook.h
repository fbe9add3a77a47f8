/*
 * hook - webhooks: what happened is told to addresses of the web that asked for it, signed, and told again until they take it.
 * Use:     br_hooks_start when a server starts; br_hook_event from whoever did something. br_hook_create and the rest from anywhere.
 * Owns:    tables HOOK and DELIVERY. Secrets are kept enciphered (br/keep.h).
 * Threads: all may be called by any thread that has no transaction, unless a transaction is an argument. The engine has a thread that
 *          writes (events and outcomes that come together share a commit) and BR_HOOK_SENDERS that send.
 * Lives:   hooks and deliveries decoded into an arena live as long as the arena.
 * Promise: at least once, in no order, the same bytes each time. An event is on disk when br_hook_event returns, except QUERY_COMPLETED
 *          and except when the writer lock is not to be had within BR_HOOK_EVENT_WAIT; nobody waits for a receiver.
 * Fails:   INPUT (an address that may not be reached), USAGE, NOTFOUND, TOOBIG, CORRUPT, VERSION, and what the store fails with.
 * Format:  man/br-index.5, HOOK and DELIVERY
 */
#ifndef BR_HOOK_H
#define BR_HOOK_H

#include "br/keep.h"

/* ---- events: the one list. Written to disk: never reuse a number. ---- */

#define BR_HOOK_EVENT_LIST(X)                                                                                              \
	X(DOCUMENT_UPLOADED, 0, "document.uploaded", "a document that was not there before was taken in")                  \
	X(DOCUMENT_DELETED,  1, "document.deleted",  "a document was taken out")                                           \
	X(DOCUMENT_UPDATED,  2, "document.updated",  "a document was taken in anew")                                       \
	X(KB_CREATED,        3, "kb.created",        "a notebook was made")                                                \
	X(KB_DELETED,        4, "kb.deleted",        "a notebook was deleted")                                             \
	X(QUERY_COMPLETED,   5, "query.completed",   "a question was answered")                                            \
	X(SYNC_COMPLETED,    6, "sync.completed",    "a folder or source was compared and brought up to date")             \
	X(ERROR_INGESTION,   7, "error.ingestion",   "a document could not be taken in")
enum br_hook_event_id {
#define X(id, number, ...) BR_HOOK_##id = number,
	BR_HOOK_EVENT_LIST(X)
#undef X
	BR_HOOK_EVENT_COUNT
};
const char *br_hook_event_name(enum br_hook_event_id e);
bool br_hook_event_parse(enum br_hook_event_id *out, const char *name);

/* ---- webhooks ---- */

struct br_hook {
	uint32_t number;
	char id[37];
	const char *url;
	const char *secret;          /* to create and to change one: what deliveries are signed with, "": they are not. Else NULL */
	bool is_signed;
	const char *owner;           /* id of the key that made it, "" none */
	const char *notebooks;       /* ids with commas; "": events of all */
	uint32_t events;             /* 1 << enum br_hook_event_id, or'ed */
	bool active;
	const char *stopped;         /* why the engine made it inactive; "" if it did not */
	int64_t created, changed;    /* seconds */
	int64_t failing;             /* seconds: since when nothing but failures came; 0: the last delivery arrived */
	struct br_slice unknown;     /* fields of newer programs, kept as they are */
};

/* Who may be reached, how, and when again; the strings are borrowed. */
struct br_hook_rules {
	const struct br_net_rules *net; /* of the settings */
	bool https;                  /* nothing else */
};

/* Number, id and times are made here. INPUT or USAGE names what is wrong with the address. */
BR_MUST_USE int br_hook_create(struct br_hook *hook, struct br_ws *ws, const struct br_hook_rules *rules, struct br_err *err);
/* By id, or by a beginning of it of at least 6 characters that is of one alone. */
BR_MUST_USE int br_hook_find(struct br_hook *out, struct br_arena *a, struct br_txn *t, const char *id, struct br_err *err);
typedef int br_hook_fn(const struct br_hook *hook, void *arg); /* non-zero stops */
BR_MUST_USE int br_hook_each(struct br_txn *t, br_hook_fn *fn, void *arg, struct br_err *err); /* oldest first; hook lives for the call */
/* What fn changes (url, secret, notebooks, events, active) is stored; it may be called again. What it puts in lives as long as the call. */
typedef int br_hook_edit_fn(struct br_hook *hook, void *arg, struct br_err *err);
BR_MUST_USE int br_hook_edit(struct br_ws *ws, const char *id, const struct br_hook_rules *rules, br_hook_edit_fn *fn, void *arg, struct br_err *err);
BR_MUST_USE int br_hook_delete(struct br_ws *ws, const char *id, struct br_err *err); /* and its deliveries */

/* ---- deliveries ---- */

enum br_delivery_state { BR_DELIVERY_PENDING, BR_DELIVERY_DELIVERED, BR_DELIVERY_FAILED };
const char *br_delivery_state_name(enum br_delivery_state s);

struct br_delivery {
	uint32_t hook;
	uint64_t number;
	char id[37];                 /* of the event at this webhook; the receiver's "id" */
	enum br_hook_event_id event;
	enum br_delivery_state state;
	unsigned attempts;
	int64_t created, next, last; /* milliseconds since 1970; next: of the next attempt, 0 none; last: of the last one, 0 none */
	int status;                  /* HTTP status of the last attempt; 0: there was none */
	uint32_t took;               /* milliseconds of the last attempt */
	const char *error;           /* of the last attempt, "" none */
	struct br_slice body;        /* what is sent */
};
typedef int br_delivery_fn(const struct br_delivery *d, void *arg); /* non-zero stops */
/* Newest first; d lives for the call. */
BR_MUST_USE int br_delivery_each(struct br_txn *t, uint32_t hook, br_delivery_fn *fn, void *arg, struct br_err *err);

/* "sha256=" and 64 lower-case hexadecimal digits: HMAC-SHA256 of the body with the secret. */
void br_hook_sign(char out[72], const char *secret, struct br_slice body);

/* ---- the engine ---- */

struct br_hooks;
struct br_hooks_opts {
	struct br_ws *ws;
	struct br_hook_rules rules;
	const int64_t *delay;        /* seconds after each failure, then it is given up; NULL: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h */
	size_t delays;
	int64_t give_up;             /* seconds of nothing but failures after which a webhook is made inactive; 0: 5 days */
	int64_t timeout_ms;          /* of one attempt; 0: 10 s */
	int64_t (*now_ms)(void);     /* NULL: the wall clock */
};
BR_MUST_USE int br_hooks_start(struct br_hooks **out, const struct br_hooks_opts *opts, struct br_err *err);
void br_hooks_stop(struct br_hooks *h); /* what is under way will be sent again by the next server; NULL is accepted */

/*
 * Something happened in the notebook of that id. data: the event's JSON object. h NULL: written at once, sent by the next server.
 * Never fails for the caller: what goes wrong is logged.
 */
void br_hook_event(struct br_hooks *h, struct br_ws *ws, enum br_hook_event_id event, const char *notebook, struct br_slice data);
/* One delivery of an event of kind DOCUMENT_UPLOADED with made-up data, now, in this thread; it is in the list like any other. */
BR_MUST_USE int br_hook_test(struct br_delivery *out, struct br_arena *a, const struct br_hooks_opts *opts, const char *id, struct br_err *err);

/* Every record of both tables; problems are told to fn; how many. repair: in a write transaction, drops what cannot be used. */
BR_MUST_USE int br_hook_verify(uint64_t *problems, struct br_txn *t, bool repair, br_problem_fn *fn, void *arg, struct br_err *err);

#endif
