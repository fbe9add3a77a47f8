/* llm, inside. */
#ifndef BR_LLM_INTERNAL_H
#define BR_LLM_INTERNAL_H

#include "br/json.h"
#include "br/llm.h"
#include "br/net.h"

#include <pthread.h>

/* ---- services (service.c) ---- */

enum {
	WANTS_KEY = 1,
	TELLS_COST = 2,       /* usage.cost when {"usage": {"include": true}} is asked for */
	NEW_MAX_TOKENS = 4,   /* max_completion_tokens instead of max_tokens */
	COSTS_NOTHING = 8,
};
struct br_llm__provider { const char *name, *base_url, *key_env; unsigned flags; const char *probe; }; /* probe: a path that wants a key */

struct br_llm {
	struct br_llm_info info;
	struct br_arena mem;          /* every string here and in info, but the key */
	const struct br_llm__provider *provider;
	const char *name;             /* in messages: the provider's, or host:port */
	const char *key_command;
	struct br_net_rules rules;
	int64_t connect_ms, first_ms, idle_ms, timeout_ms;
	unsigned retries, concurrency, batch;
	const char *input_type;       /* embed.input_type: what a passage is called; NULL: not sent */
	double temperature;           /* negative: the service's */
	int64_t max_tokens;
	uint32_t asked_dim;           /* embed.dimensions */
	double price_prompt, price_completion; /* for a million tokens; negative: not known */
	struct br_hub *hub;           /* under mu */
	pthread_mutex_t mu;
	char *key;                    /* under mu; NULL: none, or its command has not run */
	bool key_ready;               /* under mu */
	struct br_llm_usage usage;    /* under mu */
};

/* The hub of the process, opened by the first who asks; given back once by whoever got one (hub.c). */
int br_llm__hub_take(struct br_hub **out, struct br_err *err);
void br_llm__hub_drop(void);

void br_llm__add(struct br_llm *s, const struct br_llm_usage *by);
/* Adds up and fills in what the service did not tell. */
void br_llm__count(struct br_llm *s, struct br_llm_tokens *t);

/* ---- keys (key.c) ---- */

/* Where the key is to come from; reads it unless a command must run. */
int br_llm__key_find(struct br_llm *s, const struct br_config *c, struct br_err *err);
int br_llm__key_set(struct br_llm *s, const char *key, const char *from, struct br_err *err);
/* A copy of the key, NULL when none is sent; br_llm__key_free. */
int br_llm__key_get(char **out, struct br_llm *s, struct br_err *err);
void br_llm__key_free(char *key);
/* Whatever of the key stands in text (8 bytes of it or more) becomes '*'. key may be NULL. */
void br_llm__scrub(char *text, const char *key);

/* ---- one request with its retries (call.c) ---- */

struct br_llm__desk {             /* where the answers of one caller arrive */
	pthread_mutex_t mu;
	pthread_cond_t news;
};
void br_llm__desk_open(struct br_llm__desk *d);
void br_llm__desk_close(struct br_llm__desk *d);

struct br_llm__call {
	struct br_llm *s;
	struct br_llm__desk *desk;
	const struct br_llm_ask *ask;
	char *url, *key, *auth;
	struct br_http_header header[4];
	struct br_buf body;           /* the request; ptr NULL: GET */
	bool get, stream, running;
	bool passed_on;               /* the caller had some of the answer: no retry any more */
	unsigned attempts;
	int64_t until_ns;
	uint64_t id;
	struct br_buf answer;         /* what br_llm__call_take gathered of an answer that comes whole */
	/* under desk->mu */
	struct br_buf in;             /* of a 2xx answer, not taken yet; or the beginning of another one */
	uint64_t bytes;
	bool paused, done, again;
	int rc;
	struct br_hub_head head;
	struct br_err err;
};
/* path: behind the base URL. Then the body is written, then the call started. Release in every case. */
int br_llm__call_open(struct br_llm__call *c, struct br_llm *s, struct br_llm__desk *d, const struct br_llm_ask *ask, const char *path, struct br_err *err);
int br_llm__call_start(struct br_llm__call *c, struct br_err *err);
void br_llm__call_release(struct br_llm__call *c);
/* Sleeps until one of the running calls has something. CANCELLED. */
int br_llm__wait(struct br_llm__call *const *call, size_t n, struct br_err *err);
void br_llm__call_linger(struct br_llm__call *c);
/* Moves to `to` what has come of a good answer; true: the request has ended, and br_llm__call_settle says how. */
bool br_llm__call_take(struct br_llm__call *c, struct br_buf *to);
/* Of a call that ended: 1 it was started again, 0 it is good, or the failure in words. */
int br_llm__call_settle(struct br_llm__call *c, struct br_err *err);
/* The answer itself says that it went wrong, with `status`: 1 started again, else 0. Ends the request if it runs. */
int br_llm__call_retry(struct br_llm__call *c, int status);
/* UPSTREAM with the service's name in front. */
int br_llm__fail(const struct br_llm__call *c, struct br_err *err, const char *fmt, ...) BR_PRINTF(3, 4);
/* The service says no: status 0 when that is not known. */
int br_llm__refused(const struct br_llm__call *c, int status, const char *why, struct br_err *err);
bool br_llm__call_ended(struct br_llm__call *c);
/* Of a call that ended, its answer as JSON: 1 it was started again, 0 or a failure. */
int br_llm__call_read(struct br_jdoc **out, struct br_llm__call *c, struct br_err *err);
/* Runs one whole request; the answer as JSON. */
int br_llm__call_json(struct br_jdoc **out, struct br_llm__call *c, struct br_err *err);
bool br_llm__has_error(const struct br_jval *root);
/* Message in an answer's "error", "message" or "detail"; NULL if there is none. *status: its numeric code, or 0. */
const char *br_llm__error_in(const struct br_jval *root, int *status);
uint64_t br_llm__uint_at(const struct br_jval *obj, const char *key, bool *there);
/* From "usage" of root; estimates from bytes what is not there. */
void br_llm__tokens(struct br_llm_tokens *out, const struct br_jval *root, uint64_t asked, uint64_t answered);

/* ---- server-sent events (sse.c) ---- */

struct br_llm__sse {
	struct br_buf line, data;
	bool cr;                      /* the last byte was CR: an LF that follows is part of it */
	bool has_data, begun;
	int (*event)(struct br_slice data, void *arg, struct br_err *err); /* non-zero ends the reading */
	void *arg;
};
void br_llm__sse_init(struct br_llm__sse *p, int (*event)(struct br_slice, void *, struct br_err *), void *arg);
int br_llm__sse_feed(struct br_llm__sse *p, struct br_slice bytes, struct br_err *err);
int br_llm__sse_end(struct br_llm__sse *p, struct br_err *err); /* what came without its last line end */
void br_llm__sse_release(struct br_llm__sse *p);

/* ---- embeddings, inside (embed.c) ---- */

/* Told after each batch: the vectors of the texts index[0 .. n - 1] of the request stand in out->v. */
typedef int br_llm__batch_fn(struct br_llm_vectors *out, const size_t *index, size_t n, void *arg, struct br_err *err);
/* Sends the texts index[0 .. n - 1], none of them empty. out->n is set; out->v is made when the dimension is known. */
int br_llm__embed(struct br_llm_vectors *out, struct br_llm *s, const struct br_llm_embed *req, const size_t *index, size_t n,
                  br_llm__batch_fn *got, void *arg, struct br_err *err);
/* Room for out->n vectors of this dimension, all zero; refuses another than there is or was asked for. */
int br_llm__vectors_dim(struct br_llm_vectors *out, uint32_t dim, const struct br_llm *s, const struct br_llm_embed *req, struct br_err *err);
const char *br_llm__prefix(const struct br_llm *s, enum br_llm_use use);
const char *br_llm__input_type(const struct br_llm *s, enum br_llm_use use); /* NULL: not sent */

#endif
