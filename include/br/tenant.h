/*
 * tenant - what the Baiyuan API is made of: tenants and their knowledge bases, documents on their way into them, conversations with
 *          handoff to people, and the path of a question through caches, wiki and passages to an answer that is written down.
 * Use:     br_tenant_* and br_kb_* from anywhere; br_tenancy_open when a server starts, then br_tdoc_*, br_session_* and br_tenancy_ask.
 * Isolation: every call names the tenant, and only src/tenant/kb.c finds notebooks: those whose setting `tenant` is that tenant. What a
 *          record says about its tenant is compared again when it is read (BUG).
 * Owns:    kinds 30 to 37 of table API. Caches and the last second of audit records are in memory.
 * Threads: a tenancy may be shared; it has threads of its own (documents, pages, sites, wikis, care).
 * Lives:   what is read lives as long as the arena.
 * Fails:   NOTFOUND (also for what belongs to another tenant), EXISTS (409: not in this state), USAGE, AUTH, UNSUPPORTED, and what the
 *          store, the network and models fail with.
 */
#ifndef BR_TENANT_H
#define BR_TENANT_H

#include "br/answer.h"
#include "br/corpus.h"
#include "br/wiki.h"

/* ---- tenants (tenant.c) ---- */

struct br_tenant {
	char id[37];
	const char *name, *secret;   /* secret: of pushes, "" none */
	bool enabled;
	int64_t rate;                /* requests a minute */
	int64_t memory;              /* messages of a conversation that count */
	int64_t handoff_timeout;     /* seconds until the AI takes over again from people who do not come; 0: never */
	int64_t created;
};
enum { BR_TENANT_RATE = 600, BR_TENANT_MEMORY = 12, BR_TENANT_HANDOFF = 600 };
BR_MUST_USE int br_tenant_create(struct br_tenant *out, struct br_arena *a, struct br_ws *ws, const char *name, const char *id, struct br_err *err); /* id NULL: a new one */
BR_MUST_USE int br_tenant_find(struct br_tenant *out, struct br_arena *a, struct br_ws *ws, const char *name, struct br_err *err); /* by name or id */
BR_MUST_USE int br_tenant_put(struct br_ws *ws, const struct br_tenant *t, struct br_err *err);
typedef void br_tenant_fn(const struct br_tenant *t, void *arg);
BR_MUST_USE int br_tenant_each(struct br_arena *a, struct br_ws *ws, br_tenant_fn *fn, void *arg, struct br_err *err);
BR_MUST_USE int br_tenant_delete(struct br_ws *ws, const char *id, struct br_err *err); /* with all that belongs to it; how many notebooks went */

/* ---- knowledge bases: notebooks of a tenant (kb.c) ---- */

struct br_kb {
	char id[37], tenant[37];
	uint32_t nb, docs;
	uint64_t generation, stamp;  /* stamp: of its wiki */
	const char *name, *description, *metadata; /* metadata: a JSON object */
	bool is_default, wiki_enabled, rerank, nli;
	int64_t cache_ttl, created;
	double similarity;
};
struct br_kbs { BR_VEC(struct br_kb) v; };
/* The default one first, then oldest first. One is always the default. */
BR_MUST_USE int br_kb_list(struct br_kbs *out, struct br_arena *a, struct br_ws *ws, const char *tenant, struct br_err *err);
BR_MUST_USE int br_kb_get(struct br_kb *out, struct br_arena *a, struct br_ws *ws, const char *tenant, const char *id, struct br_err *err); /* id NULL: the default one */
struct br_kb_spec { const char *name, *description, *metadata; int is_default, wiki_enabled; /* -1: not said */ };
BR_MUST_USE int br_kb_create(struct br_kb *out, struct br_arena *a, struct br_ws *ws, const char *tenant, const struct br_kb_spec *spec, struct br_err *err);

/* ---- words (words.c, intent.c) ---- */

void br_tenant_cache_key(char out[69], const char *tenant, const char *kb, const char *question); /* "ans:" and 64 hex; kb NULL: none named */
void br_tenant_sign(char hex[65], const char *secret, struct br_slice body); /* HMAC-SHA256 of a push */
enum br_intent { BR_INTENT_KNOWLEDGE, BR_INTENT_SMALLTALK, BR_INTENT_HANDOFF, BR_INTENT_OPINION };
const char *br_intent_name(enum br_intent i);
enum br_intent br_intent_of(const char *question);
bool br_intent_refers_back(const char *question); /* it cannot be understood without what was said before */

/* ---- models, and how well things go (router.c) ---- */

enum br_mode { BR_MODE_NORMAL, BR_MODE_DEGRADED, BR_MODE_CRITICAL };
const char *br_mode_name(enum br_mode m); /* "normal", "degraded", "critical_degraded" */
struct br_router;
struct br_router_model { const char *name; bool small; };
struct br_router *br_router_new(const struct br_router_model *model, size_t n, int64_t (*clock)(void)); /* clock NULL: br_mono_ns */
void br_router_free(struct br_router *r);
int br_router_pick(struct br_router *r, unsigned tried);   /* index of the next model that is not paused and whose bit in tried is 0; -1: none */
const char *br_router_name(const struct br_router *r, int model);
void br_router_told(struct br_router *r, int model, bool good);
void br_router_took(struct br_router *r, double seconds);  /* an answer that was made, not repeated */
enum br_mode br_router_mode(struct br_router *r);
double br_router_p95(struct br_router *r);                 /* seconds; 0: not known */

/* ---- the tenancy of a server ---- */

struct br_tenancy;
BR_MUST_USE int br_tenancy_open(struct br_tenancy **out, struct br_ws *ws, struct br_err *err);
void br_tenancy_close(struct br_tenancy *t);
BR_MUST_USE int br_tenancy_kb_delete(struct br_tenancy *t, const char *tenant, const char *id, struct br_err *err);
/* In the background; EXISTS while one is waiting or running. */
BR_MUST_USE int br_tenancy_compile(struct br_tenancy *t, char job[37], const char *tenant, const char *kb, bool force, struct br_err *err);
void br_tenancy_metrics(struct br_buf *out, struct br_tenancy *t); /* Prometheus text */

/* ---- documents (document.c, work.c, fetch.c) ---- */

#define BR_TDOC_STATUS_LIST(X) X(UPLOADED, "uploaded") X(EXTRACTING, "extracting") X(CHUNKING, "chunking") X(EMBEDDING, "embedding") X(READY, "ready") \
	X(RE_EMBEDDING, "re_embedding") X(FAILED, "failed") X(DELETED, "deleted")
enum br_tdoc_status {
#define X(id, name) BR_TDOC_##id,
	BR_TDOC_STATUS_LIST(X)
#undef X
	BR_TDOC_STATUS_COUNT
};
const char *br_tdoc_status_name(enum br_tdoc_status s);
/* Whether the contract has this step. */
bool br_tdoc_may_become(enum br_tdoc_status from, enum br_tdoc_status to);

struct br_tdoc {
	char id[37], kb[37], tenant[37];
	uint32_t nb;
	const char *title, *doc_type; /* "text", "url", "file", "scraped", "auto_push", "api" */
	const char *source_uri, *file_name, *error, *external_id, *source_hash, *replaces; /* "" none */
	const char *history;         /* a JSON object: when it came into each state */
	int64_t file_size, char_count, chunk_count, version, created, ingested, ready, deleted, attempts, next, depth, max_depth, max_pages;
	bool robots, dead;           /* dead: it failed too often, and is not tried again by itself */
	enum br_tdoc_status status;
};
struct br_tdoc_spec {
	const char *kb;              /* NULL: the default one */
	const char *title, *doc_type;
	const char *file_name;       /* of bytes; its ending tells the format */
	struct br_slice bytes;       /* ptr NULL: they come from url */
	const char *url, *external_id;
	int64_t version, max_depth, max_pages;
	bool robots;
};
/* Stored at once, worked on later. *duplicate: the document was there already, and out is it. USAGE: no knowledge base, no content. */
BR_MUST_USE int br_tdoc_add(struct br_tdoc *out, bool *duplicate, struct br_arena *a, struct br_tenancy *t, const char *tenant, const struct br_tdoc_spec *spec,
                            struct br_err *err);
BR_MUST_USE int br_tdoc_get(struct br_tdoc *out, struct br_arena *a, struct br_tenancy *t, const char *tenant, const char *id, struct br_err *err);
struct br_tdocs { BR_VEC(struct br_tdoc) v; size_t total; };
struct br_tdoc_query { const char *kb, *status; size_t limit, offset; }; /* NULL: any; those that are deleted only when asked for */
BR_MUST_USE int br_tdoc_list(struct br_tdocs *out, struct br_arena *a, struct br_tenancy *t, const char *tenant, const struct br_tdoc_query *q, struct br_err *err);
/* At once: passages, pages that cite it and answers that were kept are out of use when this returns. */
BR_MUST_USE int br_tdoc_delete(struct br_tenancy *t, const char *tenant, const char *id, struct br_err *err);
/* FAILED: tried anew. READY: its vectors are made anew. EXISTS: it is being worked on. */
BR_MUST_USE int br_tdoc_retry(struct br_tdoc *out, struct br_arena *a, struct br_tenancy *t, const char *tenant, const char *id, struct br_err *err);
BR_MUST_USE int br_tdoc_purge(uint64_t *n, struct br_ws *ws, int64_t before, struct br_err *err); /* forgets those deleted before */
enum { BR_TDOC_KEEP_DELETED = 30 * 86400 };

/* ---- conversations (session.c) ---- */

#define BR_HANDOFF_LIST(X) X(AI, "ai_active") X(PENDING, "pending_handoff") X(AGENT, "agent_active") X(ENDED, "ended")
enum br_handoff {
#define X(id, name) BR_HANDOFF_##id,
	BR_HANDOFF_LIST(X)
#undef X
};
const char *br_handoff_name(enum br_handoff h);
enum br_handoff_event { BR_HO_REQUEST, BR_HO_CLAIM, BR_HO_REPLY, BR_HO_RESUME, BR_HO_CANCEL, BR_HO_END, BR_HO_TIMEOUT };
bool br_handoff_next(enum br_handoff *out, enum br_handoff from, enum br_handoff_event e); /* false: not from there */

struct br_said { const char *role, *content; int64_t at; }; /* "user", "assistant", "agent" */
struct br_session {
	char id[37], tenant[37];     /* id: of the conversation */
	const char *name;            /* session_id, "" none */
	const char *assigned_to, *reason, *kb;
	enum br_handoff status;
	bool mirror;                 /* what people say is remembered */
	int64_t created, updated, since, low; /* since: in this status; low: answers of little confidence, one after the other */
	const char *suggestion;      /* what the AI would have said, while people answer; "" none */
	BR_VEC(struct br_said) said;
};
void br_session_release(struct br_session *s);
BR_MUST_USE int br_session_get(struct br_session *out, struct br_arena *a, struct br_tenancy *t, const char *tenant, const char *conversation, struct br_err *err);
struct br_session_act { enum br_handoff_event event; const char *agent, *text; int mirror; /* -1: as it is */ };
/* EXISTS: not from this status. */
BR_MUST_USE int br_session_act(struct br_session *out, struct br_arena *a, struct br_tenancy *t, const char *tenant, const char *conversation, const struct br_session_act *act,
                               struct br_err *err);
/* What someone who takes over should know, as the contract's object. */
void br_session_summary(struct br_json *j, const struct br_session *s);

/* ---- questions (ask.c) ---- */

#define BR_PATH_LIST(X) X(CACHE, "answer_cache") X(SEMANTIC, "semantic_cache") X(WIKI, "wiki") X(WIKI_SUMMARY, "wiki_summary") X(PASSAGES, "passages") X(MODEL, "model") \
	X(NOTHING, "nothing") X(CANNED, "canned") X(INTENT, "intent") X(HANDOFF, "handoff")
enum br_path {
#define X(id, name) BR_PATH_##id,
	BR_PATH_LIST(X)
#undef X
	BR_PATH_COUNT
};
const char *br_path_name(enum br_path p);

struct br_question {
	const char *tenant, *kb, *text, *session, *system_prompt, *context, *by; /* by: id of the key */
	const char *reply_id;        /* of the answer; NULL: a new one */
	double temperature;
	int64_t max_tokens;
	/* Before anything is looked for; not 0 stops. */
	int (*start)(const char *conversation, const char *reply_id, enum br_intent intent, void *arg);
	br_token_fn *token;          /* the answer as it comes; may be NULL */
	void *arg;
	bool (*gone)(void *arg);     /* nobody waits any more; may be NULL */
};
struct br_found_in { const char *id, *title, *kb; double relevance; };
struct br_answered {
	struct br_arena arena;
	char conversation[37], id[37];
	enum br_intent intent;
	enum br_path path;
	const char *text, *note;     /* note: what the client should know besides; NULL */
	struct br_found_in *source;
	size_t n;
	bool from_wiki, cached;
	struct br_usage tokens;
	enum br_handoff handoff;
	const char *warning;         /* the answer contradicts its passages here; NULL */
	double confidence, took_ms;
};
BR_MUST_USE int br_tenancy_ask(struct br_answered *out, struct br_tenancy *t, struct br_searcher *s, const struct br_question *q, struct br_err *err);
void br_answered_release(struct br_answered *a);

/* ---- what was asked (audit.c) ---- */

struct br_audit {
	int64_t at_ms;
	const char *tenant, *kb, *question, *answer, *path, *intent, *by, *sources, *vote; /* sources: ids, with commas; vote: how the wiki was chosen */
	bool from_wiki;
	double took_ms, score;
	int64_t prompt, completion;
};
typedef int br_audit_fn(const struct br_audit *q, void *arg);
BR_MUST_USE int br_audit_each(struct br_ws *ws, const char *tenant, size_t n, br_audit_fn *fn, void *arg, struct br_err *err); /* newest first */
BR_MUST_USE int br_audit_sums(uint64_t sum[BR_PATH_COUNT], struct br_ws *ws, const char *tenant, struct br_err *err);          /* tenant NULL: of all */

#endif
