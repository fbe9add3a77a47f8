/*
 * llm - model services that speak OpenAI's HTTP dialect: chat (whole or streamed), embeddings, rerank.
 * Use:     br_llm_open for a role, from the settings chat.*, embed.*, rerank.* and llm.*; requests from any thread; br_llm_close.
 * Owns:    what a request fills belongs to the caller (release in every case); messages and texts are borrowed for the call.
 * Threads: a service may be shared; every call blocks its caller, never another one.
 * Global:  one thread carries the requests of all services of the process over one libcurl multi handle. It starts with
 *          the first request and ends with the last br_llm_close. The sums that br_llm_totals gives.
 * Fails:   NOTFOUND (the role is not configured), AUTH (key missing or refused), UPSTREAM (everything else the service or
 *          the way to it does wrong, time-outs too), CANCELLED (signal, cancel flag, or a callback), USAGE (a setting that
 *          makes no sense), TOOBIG, UNSUPPORTED (no libcurl). Messages name the service and the cause, never the key.
 * Retries: 429, 500, 502, 503, 504 and connections that are refused, reset or cut, with back-off or as Retry-After says;
 *          never after the first piece of an answer was passed on.
 * Stops:   within 100 ms of SIGINT or SIGTERM (br_stop_signal) or of *cancel; the connection is closed.
 */
#ifndef BR_LLM_H
#define BR_LLM_H

#include "br/config.h"
#include "br/store.h"

#include <stdatomic.h>

/* ---- services (service.c) ---- */

enum br_llm_role { BR_LLM_CHAT, BR_LLM_EMBED, BR_LLM_RERANK, BR_LLM_ROLES };
const char *br_llm_role_name(enum br_llm_role role);                    /* "chat", "embed", "rerank": also the section of its settings */

struct br_llm;
struct br_llm_info {
	enum br_llm_role role;
	const char *provider;       /* "openrouter", "openai", "ollama", or "custom" when there is but a base_url */
	const char *base_url;       /* "https://openrouter.ai/api/v1", no credentials */
	const char *model;
	const char *key_from;       /* "OPENROUTER_API_KEY", "chat.key", "chat.key_command"; NULL: no key is sent */
	bool key_missing;           /* this provider wants one and there is none: requests fail with AUTH */
	bool key_in_clear;          /* it would travel unencrypted to another machine */
	uint32_t dim;               /* embed: embed.dimensions; 0: whatever the service gives */
	const char *query_prefix, *passage_prefix;  /* embed; "" for none */
};

/* Is there a service for the role? False for the built-in model of embeddings. Reads no key and reaches nothing. */
bool br_llm_configured(const struct br_config *c, enum br_llm_role role);
/*
 * Reads the settings; reaches nothing, and key_command runs at the first request. c may be freed afterwards. NOTFOUND:
 * "no language model configured" and the like.
 */
BR_MUST_USE int br_llm_open(struct br_llm **out, const struct br_config *c, enum br_llm_role role, struct br_err *err);
/*
 * What one asker wants otherwise than the settings say; zero: as they say. A provider counts where the settings name one of the known
 * ones at its own address, and only if there is a key for it in the environment: the key of the settings never goes elsewhere.
 */
struct br_llm_wish { const char *provider, *model; const double *temperature; int64_t max_tokens; };
BR_MUST_USE int br_llm_open_wish(struct br_llm **out, const struct br_config *c, enum br_llm_role role, const struct br_llm_wish *wish, struct br_err *err);
/*
 * A service by the name of its provider ("openrouter", "openai", "mistral", "ollama"), where the settings put it: for br_llm_models and
 * br_llm_probe. key NULL: that of its variable. NOTFOUND: no such provider.
 */
BR_MUST_USE int br_llm_open_provider(struct br_llm **out, const struct br_config *c, const char *provider, const char *key, struct br_err *err);
/* Before the first request: this key instead of what the settings say. from: what it is called in messages. AUTH: no key looks so. */
BR_MUST_USE int br_llm_use_key(struct br_llm *s, const char *key, const char *from, struct br_err *err);
void br_llm_close(struct br_llm *s);                                     /* NULL is accepted; no call may be running */
const struct br_llm_info *br_llm_info(const struct br_llm *s);
/* What a notebook is pinned to besides dim: SHA-256 over model, embed.dimensions and passage prefix, its first bytes. */
void br_llm_fingerprint(uint8_t out[8], const struct br_llm *s);

/* What a service did since it was opened. */
struct br_llm_usage {
	uint64_t requests, retries, failed;
	uint64_t prompt_tokens, completion_tokens;
	double cost;                /* US dollars, as told by the service or from chat.price_*; what is not known counts 0 */
	bool cost_known;            /* of every request */
};
void br_llm_usage(struct br_llm_usage *out, struct br_llm *s);
void br_llm_totals(struct br_llm_usage *out, enum br_llm_role role);     /* of all services of a role since the process began; cost_known means nothing */

/* Of one request. */
struct br_llm_tokens {
	uint64_t prompt, completion;
	bool estimated;             /* the service did not say: four bytes are taken for a token */
	double cost;                /* US dollars; negative: not known */
};

/* What every request may say; zero is the usual. */
struct br_llm_ask {
	const char *model;          /* NULL: the configured one */
	int64_t timeout_ms;         /* of the whole, retries included; 0: llm.timeout */
	const atomic_bool *cancel;  /* may be NULL */
	bool once;                  /* no retries */
};

/* ---- chat (chat.c) ---- */

struct br_llm_tool_call { const char *id, *name, *arguments; /* JSON */ };
struct br_llm_message {
	const char *role;           /* "system", "user", "assistant", "tool" */
	struct br_slice text;       /* invalid UTF-8 is sent as U+FFFD */
	const struct br_llm_tool_call *call; /* assistant: the calls it made, n_calls */
	size_t n_calls;
	const char *call_id;        /* tool: the call that this answers */
};
struct br_llm_chat {
	struct br_llm_ask ask;
	const struct br_llm_message *message;
	size_t n;
	const double *temperature;  /* NULL: chat.temperature; negative: the service's */
	int64_t max_tokens;         /* 0: chat.max_tokens, of which 0 is the service's */
	const char *tools;          /* JSON array of tools as the API has it, or NULL */
	bool json;                  /* the answer is to be one JSON object */
	/*
	 * Pieces of the answer as they come, whole characters, in the thread that called; non-zero stops with CANCELLED.
	 * NULL: the answer is asked for whole.
	 */
	int (*token)(struct br_slice piece, void *arg);
	void *arg;
};
struct br_llm_reply {
	struct br_buf text;         /* all of the answer; after a failure what had come */
	const char *model;          /* as the service names it */
	const char *finish;         /* "stop", "length", "tool_calls", "content_filter"; "" when not said */
	BR_VEC(struct br_llm_tool_call) calls; /* tools it wants to be called */
	struct br_llm_tokens tokens;
	unsigned attempts;
	int64_t first_ms, took_ms;  /* until the first piece (-1: none came), and all; retries included */
	struct br_arena arena;
};
BR_MUST_USE int br_llm_chat(struct br_llm_reply *out, struct br_llm *s, const struct br_llm_chat *req, struct br_err *err);
void br_llm_reply_release(struct br_llm_reply *r);

/* ---- embeddings (embed.c) ---- */

enum br_llm_use { BR_LLM_PASSAGE, BR_LLM_QUERY }; /* which prefix of the settings goes before each text */
struct br_llm_vectors {
	uint32_t dim;
	float *v;                   /* [n][dim], of length 1; all zero for an empty text, which is not sent; NULL when all are empty */
	size_t n;
	struct br_llm_tokens tokens;
	uint64_t sent, cached;      /* texts */
};
/*
 * Texts are sent in batches (embed.batch), llm.concurrency of them at a time. dim: what the answer must have, 0 for
 * embed.dimensions or any, but the same for all. UPSTREAM when a vector has another dimension, is not finite or is missing.
 */
struct br_llm_embed { struct br_llm_ask ask; const struct br_slice *text; size_t n; enum br_llm_use use; uint32_t dim; };
BR_MUST_USE int br_llm_embed(struct br_llm_vectors *out, struct br_llm *s, const struct br_llm_embed *req,
                             struct br_err *err);
void br_llm_vectors_release(struct br_llm_vectors *v);

/* ---- the cache of embeddings (cache.c): each text of a model is embedded once, also across a kill ---- */

/*
 * A store of its own (dir/data.mdb, beside the workspace's; may be deleted at any time), at most max_bytes of vectors: then old and
 * new ones go at random. Vectors come out as half floats hold them, whether they were there or not. One cache may be shared;
 * its calls wait for each other, so that no text is under way twice.
 */
struct br_llm_cache;
BR_MUST_USE int br_llm_cache_open(struct br_llm_cache **out, const char *dir, uint64_t max_bytes, int64_t wait_ms,
                                  struct br_err *err);
void br_llm_cache_close(struct br_llm_cache *c);                          /* NULL is accepted */
/* As br_llm_embed; what comes from the service is durable batch by batch, also when a later batch fails. */
BR_MUST_USE int br_llm_embed_cached(struct br_llm_vectors *out, struct br_llm *s, struct br_llm_cache *c,
                                    const struct br_llm_embed *req, struct br_err *err);
/* How many of the texts are not in the cache, and their bytes: what a plan says it will cost. */
BR_MUST_USE int br_llm_cache_missing(size_t *texts, uint64_t *bytes, struct br_llm *s, struct br_llm_cache *c,
                                     const struct br_llm_embed *req, struct br_err *err);
/* What so many tokens would cost in US dollars by the settings; negative when there are no prices. */
double br_llm_price(const struct br_llm *s, uint64_t prompt_tokens, uint64_t completion_tokens);
uint64_t br_llm_estimate_tokens(uint64_t bytes);

/* ---- rerank (rerank.c) ---- */

struct br_llm_rerank { struct br_llm_ask ask; struct br_slice query; const struct br_slice *text; size_t n; size_t top; /* 0: all */ };
/* score[i] of text[i], as the service scales it; -INFINITY for those it left out. */
BR_MUST_USE int br_llm_rerank(double *score, struct br_llm_tokens *tokens, struct br_llm *s,
                              const struct br_llm_rerank *req, struct br_err *err);

/* ---- what a service offers (models.c) ---- */

struct br_llm_model {
	const char *id, *owner, *name; /* name: for people; the id when there is none */
	int64_t context;            /* tokens; 0: not said */
	double price_prompt, price_completion; /* dollars for a million tokens; -1: not said */
};
struct br_llm_models { BR_VEC(struct br_llm_model) v; struct br_arena arena; };
/* GET <base_url>/models, in its order. */
BR_MUST_USE int br_llm_models(struct br_llm_models *out, struct br_llm *s, const struct br_llm_ask *ask,
                              struct br_err *err);
BR_MUST_USE int br_llm_embedding_models(struct br_llm_models *out, struct br_llm *s, const struct br_llm_ask *ask, struct br_err *err); /* OpenRouter's second list */
/* Does the service take its key? AUTH: no. */
BR_MUST_USE int br_llm_probe(struct br_llm *s, const struct br_llm_ask *ask, struct br_err *err);
void br_llm_models_release(struct br_llm_models *m);

#endif
