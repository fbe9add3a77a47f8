/*
 * quivr - what the files of the Quivr dialect share: who calls, what is wrong, knowledge bases and documents, questions.
 *
 * The dialect is a gateway: identify, rate, match, size, parse, scopes, run. Errors are one flat object; what it says besides the
 * message stands in the caller's br_quivr_why, which handlers fill through br_quivr__refuse and its kin.
 */
#ifndef BR_SERVER_QUIVR_H
#define BR_SERVER_QUIVR_H

#include "br/answer.h"
#include "br/auth.h"
#include "br/hook.h"
#include "br/keep.h"
#include "br/os.h"
#include "br/server.h"

#define QUIVR_ROUTERS(X) X(system) X(kb) X(documents) X(ingest) X(query) X(stream) \
	X(webhooks) X(apikeys) X(socket) X(reports) X(neighbours)
#define X(name) extern const struct br_routes br_quivr__##name##_rows;
QUIVR_ROUTERS(X)
#undef X

#define API "/api/v1"
#define KB API "/kb/{id}"
#define DOC KB "/documents/{doc_id}"
#define MUST(kind) BR_FOUT(kind), .flags = BR_REQUIRED
#define MAY_NULL(kind) BR_FOUT(kind), .flags = BR_REQUIRED | BR_NULLABLE

/* ---- quivr.c: who calls, and what is wrong ---- */

/* What an error says besides its message; NULL and 0: nothing. Strings live as long as the request. */
struct br_quivr_why {
	const char *field;                        /* 400, 409, 413, 415: "metadata.team", "body" when none fits */
	const char *resource_type, *resource_id;  /* 404, 409 */
	const char *required_scope, *reason;      /* 403 */
	const char *limit;                        /* 429: "requests_per_minute", "tokens_per_day" */
	int64_t after;                            /* 429, 503: seconds */
	bool told;                                /* inside: the header is there already */
};
struct br_quivr_caller {
	struct br_apikey *key;
	size_t secret;                            /* its place in key->secret */
	const struct br_profile *profile;
	struct br_key_limits limits;              /* the key's, else the profile's */
	int64_t spent_after;                      /* seconds until there are tokens again; 0: there are some */
	bool counted;                             /* taken by the meter */
	int64_t began;                            /* br_mono_ns */
	struct br_quivr_why why;
};
struct br_quivr_caller *br_quivr__caller(const struct br_req *r); /* NULL on open routes */
/* Each returns a negative code, with err and the caller's why filled. */
int br_quivr__bad(struct br_req *r, struct br_err *err, const char *field, const char *fmt, ...) BR_PRINTF(4, 5);   /* 400 */
int br_quivr__absent(struct br_req *r, struct br_err *err, const char *type, const char *id);                      /* 404 */
int br_quivr__conflict(struct br_req *r, struct br_err *err, const char *type, const char *id, const char *field, const char *fmt, ...)
	BR_PRINTF(6, 7);                                                                                             /* 409 */
int br_quivr__forbid(struct br_req *r, struct br_err *err, const char *reason, const char *fmt, ...) BR_PRINTF(4, 5); /* 403 */
/* The status that goes with err, and the members of the error object (without braces): for frames of streams, too. */
int br_quivr__status(const struct br_req *r, const struct br_err *err);
void br_quivr__error_members(struct br_json *j, struct br_req *r, int status, const char *message);

/* The caller's scopes hold this one. */
bool br_quivr__has(const struct br_req *r, uint32_t scope);
/*
 * One more request of an open connection: the rates and the token budget, as for a request of its own. False: err is LIMITED and the
 * caller's why says when again.
 */
bool br_quivr__take(struct br_req *r, struct br_err *err);
/* 0, or AUTH or FORBIDDEN: the key was revoked, disabled or has expired since. One look into the store. */
int br_quivr__still(struct br_req *r, struct br_err *err);
/* Before an answer: sets tokens aside, 429 when the budget is spent. Then what it cost: for the budget and the usage of the key. */
int br_quivr__aside(uint64_t *taken, struct br_req *r, uint64_t tokens, struct br_err *err);
void br_quivr__spent(struct br_req *r, uint64_t taken, uint64_t tokens);

/* Something happened in the knowledge base of that id; data: the event's object. */
void br_quivr__event(struct br_req *r, enum br_hook_event_id event, const char *kb, struct br_slice data);

/* ---- audit.c: a line of JSON for each request and each answered question, where the profile or a setting wants them ---- */

void br_quivr__audit(struct br_req *r, int status);
struct br_quivr_answer;
/* status 200, or 499: the client went away or cancelled. */
void br_quivr__audit_answer(struct br_req *r, int status, const char *kb, const char *question, const struct br_quivr_answer *a);

/* ---- knowledge bases and documents (quivr.c) ---- */

/* By id or name, if the key may use it: 403 before 404. */
int br_quivr__kb(struct br_nb **out, struct br_req *r, const char *id, struct br_err *err);
int br_quivr__doc(struct br_doc **out, struct br_req *r, struct br_txn *t, const struct br_nb *nb, const char *id, struct br_err *err);
void br_quivr__time(struct br_json *j, const char *key, int64_t seconds); /* null for 0 */

/* ---- flight.c: uploads under way and lately answered. Global: one table of the process, in memory ---- */

struct br_quivr_flight;
struct br_quivr_said { int status; const char *json; }; /* in the request's arena */
/* Waits while somebody else is at the same place (the document's identity). what: all that makes a request the same request. */
struct br_quivr_flight *br_quivr__enter(struct br_slice place, struct br_slice what);
/*
 * The answer of the same request, when it came while that one was under way or its client did not get the answer. With idempotency
 * also later: `named` is what stands for the key then. 1 found; -1: the same key with another request.
 */
int br_quivr__said(struct br_quivr_said *out, const struct br_quivr_flight *f, struct br_arena *a, struct br_slice named);
void br_quivr__say(struct br_quivr_flight *f, struct br_slice named, int status, struct br_slice json, bool delivered);
void br_quivr__leave(struct br_quivr_flight *f); /* NULL is accepted */

/* ---- documents.c ---- */

/* The object of a document, without braces. status NULL: what it is. */
void br_quivr__doc_members(struct br_json *j, struct br_txn *t, const struct br_nb *nb, const struct br_doc *d, const char *status);
void br_quivr__doc_event(struct br_req *r, enum br_hook_event_id event, const struct br_nb *nb, const struct br_doc *d, uint32_t old_chunks);
void br_quivr__failure_event(struct br_req *r, const struct br_nb *nb, const char *path, const char *message);
/* Keeps what a document is, before it is replaced; the oldest go. */
int br_quivr__keep_version(struct br_req *r, const struct br_nb *nb, const struct br_doc *d, struct br_err *err);

/* ---- query.c: a question from request to answer, whichever way it is sent ---- */

struct br_quivr_ask {
	const char *kb, *question, *model;        /* model NULL: the configured one */
	int64_t top_k, max_tokens;                /* 0: the knowledge base's, else 5 and 1000 */
	double threshold, temperature;
	bool has_threshold, has_temperature;      /* else the knowledge base's, else 0 and 0.3 */
	const struct br_jval *filters;            /* or NULL */
	bool include_sources;
	const struct br_turn *history;            /* of a conversation, oldest first */
	size_t n_history;
};
#define QUIVR_ASK_FIELDS 10
extern const struct br_field br_quivr__ask_fields[];
extern const struct br_shape br_quivr__sources_shape, br_quivr__usage_shape;
/* Of an object that came another way than as a body. What was read before is forgotten; 400 as of a body. */
int br_quivr__ask_read(struct br_quivr_ask *out, struct br_req *r, const struct br_jval *root, struct br_err *err);

struct br_quivr_source {
	const char *filename, *path, *title, *doc_id, *text;
	const char *metadata;                     /* JSON object */
	uint32_t page, ordinal;                   /* page 0: none */
	double score;                             /* 0 to 1 */
};
struct br_quivr_answer {
	struct br_arena arena;
	char id[20];                              /* "q-..." */
	struct br_reply reply;
	const char *kb, *model;
	struct br_quivr_source *source;           /* best first */
	size_t n;
	double confidence;
	struct br_usage usage;
	int64_t latency_ms;
};
struct br_quivr_how {
	br_token_fn *token;                       /* pieces of the answer as they come; not 0: stop. May be NULL */
	void *arg;
	const atomic_bool *cancel;                /* stops a model within 100 ms; may be NULL */
};
/* Everything between the parsed request and its answer: access, filters, budget, usage, the event. Failures have their status. */
int br_quivr__answer(struct br_quivr_answer *out, struct br_req *r, const struct br_quivr_ask *ask, const struct br_quivr_how *how, struct br_err *err);
void br_quivr__answer_release(struct br_quivr_answer *a);
/* One value: an array. include false: an empty one. */
void br_quivr__sources(struct br_json *j, const struct br_quivr_answer *a, bool include);
/* Members: query_id, confidence, usage, latency_ms, model. */
void br_quivr__done_members(struct br_json *j, const struct br_quivr_answer *a);

#endif
