/* tenant - shared inside src/tenant only. */
#ifndef BR_TENANT_INTERNAL_H
#define BR_TENANT_INTERNAL_H

#include "br/keep.h"
#include "br/net.h"
#include "br/tenant.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	TRIES = 3,                    /* of a document before it is a dead letter */
	MEMORY_TOKENS = 3000, MEMORY_SECONDS = 86400, SAID_MAX = 40, /* of a conversation; SAID_MAX: that are kept */
	CACHED_MAX = 4096,            /* answers kept in memory */
	AUDIT_MAX = 10000,            /* questions kept of a tenant */
	AUDIT_BATCH = 512,            /* that wait to be written */
	SHORT_PAGE = 500,             /* tokens; longer pages are summed up where there is a model */
};

/* ---- records: a table of members for each struct (record.c) ---- */

struct member { const char *key; char kind; size_t at; }; /* s text, u id[37], i number, b bool, r JSON */
#define MEM(T, f, k) { #f, k, offsetof(struct T, f) }
void record_write(struct br_json *j, const struct member *m, const void *rec);
void record_fields(void *rec, struct br_arena *a, const struct member *m, const struct br_jval *v);
int record_read(void *rec, struct br_arena *a, const struct member *m, const char *json, struct br_err *err);
char *record_text(struct br_arena *a, const struct member *m, const void *rec);
char *lower_id(struct br_arena *a, const char *id);
bool is_uuid(const char *s);

/* ---- threads (work.c) ---- */

struct due { uint32_t nb; char id[37]; int64_t at_ns; bool force; };
struct queue { BR_VEC(struct due) v; };
struct worker { pthread_t thread; pthread_cond_t stir; struct queue queue; bool started; void (*run)(struct br_tenancy *t); };

struct kb_stamps { uint64_t generation; struct br_arena arena; struct br_kbs all; int refs; };
struct kept;

struct br_tenancy {
	struct br_ws *ws;
	pthread_mutex_t mu;           /* queues, audit, stamps */
	pthread_mutex_t change;       /* documents and conversations are read, changed and written under it */
	struct worker index, fetch, crawl, compile, care;
	struct { struct queue docs; enum br_tdoc_status status; } now; /* what the index thread is at, for those who look; under mu */
	atomic_bool quit;
	struct kb_stamps *stamps;
	pthread_mutex_t cache_mu;
	struct kept **kept;           /* table of CACHED_MAX, by key */
	size_t kept_n, kept_at;
	struct br_embedder *embedder; /* under cache_mu */
	struct br_router *router;
	struct br_arena config;       /* names of models */
	BR_VEC(struct br_keep_row) audit;
	struct br_arena audit_arena;
	uint64_t audit_seq;
	_Atomic uint64_t paths[BR_PATH_COUNT], path_us[BR_PATH_COUNT], dead_letters, failed_flush;
	double retry_delay, scrape_delay; /* seconds */
};
void queue_add(struct br_tenancy *t, struct worker *w, uint32_t nb, const char *id, int64_t delay_ns);
bool queue_take(struct due *out, struct br_tenancy *t, struct worker *w); /* waits; false: to end */
void work_index(struct br_tenancy *t);
void work_fetch(struct br_tenancy *t);
void work_crawl(struct br_tenancy *t);
void work_compile(struct br_tenancy *t);
void tdoc_enqueue(struct br_tenancy *t, const struct br_tdoc *d, int64_t delay_ns);
int tdoc_read(struct br_tdoc *out, struct br_arena *a, struct br_ws *ws, uint32_t nb, const char *id, struct br_err *err); /* 1: there */
int tdoc_write(struct br_ws *ws, const struct br_tdoc *d, struct br_err *err);
void tdoc_decode(struct br_tdoc *out, struct br_arena *a, uint32_t nb, const char *json);
void tdoc_set(struct br_tdoc *d, struct br_arena *a, enum br_tdoc_status s);
int tdoc_failed(struct br_tenancy *t, struct br_tdoc *d, struct br_arena *a, const struct br_err *why);
/* Bytes of a document that came from the web. 1: they are there already, in another one. */
int tdoc_store(struct br_tenancy *t, struct br_tdoc *d, struct br_arena *a, struct br_slice bytes, const char *file_name, struct br_err *err);
int tdoc_add_page(struct br_tenancy *t, const struct br_tdoc *root, struct br_arena *a, const char *url, struct br_slice bytes, const char *file_name, const char *title, struct br_err *err);
/* The indexed document of that id goes, if it is there. */
int doc_drop(struct br_ws *ws, uint32_t nb, const char *id, struct br_err *err);
int doc_look(struct br_doc **out, struct br_arena *a, struct br_ws *ws, uint32_t nb, const char *id, struct br_err *err); /* NULL: not there */

/* ---- knowledge bases as of now, without reading them again while nothing changed (kb.c) ---- */

int stamps_take(struct kb_stamps **out, struct br_tenancy *t, struct br_err *err);
void stamps_put(struct br_tenancy *t, struct kb_stamps *s);
/* Of the tenant: all, or the one named. */
int scope_of(struct br_kbs *out, const struct kb_stamps *s, const char *tenant, const char *kb, struct br_err *err);
uint64_t scope_stamp(const struct br_kbs *kbs);
int kb_each(struct br_kbs *out, struct br_arena *a, struct br_ws *ws, const char *tenant, struct br_err *err);

/* ---- answers that were given (cache.c) ---- */

struct cache_find { const char *tenant, *kb, *question; uint64_t stamp; double similarity; };
bool cache_exact(struct br_answered *out, struct br_tenancy *t, const struct cache_find *f);
bool cache_similar(struct br_answered *out, double *cosine, struct br_tenancy *t, const struct cache_find *f);
void cache_keep(struct br_tenancy *t, const struct cache_find *f, int64_t ttl, const struct br_answered *a);
void cache_free(struct br_tenancy *t);
bool words_agree(const char *a, const char *b); /* they differ in words alone that say nothing (words.c) */

/* ---- conversations (session.c) ---- */

/* That of the question; a new one when there is none. Under `change`. */
int session_begin(struct br_session *out, struct br_arena *a, struct br_tenancy *t, const struct br_tenant *who, const struct br_question *q, struct br_err *err);
int session_write(struct br_tenancy *t, struct br_session *s, struct br_err *err);
void session_say(struct br_session *s, struct br_arena *a, const char *role, const char *text);
void session_move(struct br_session *s, enum br_handoff to);
int session_purge(struct br_tenancy *t, struct br_err *err);
/* What a model may see of it: the last messages, within the limits; how many. */
size_t session_memory(struct br_turn *out, const struct br_session *s, int64_t messages);

/* ---- audit ---- */

void audit_add(struct br_tenancy *t, const struct br_audit *q, enum br_path path);
int audit_flush(struct br_tenancy *t, struct br_err *err);

#endif
