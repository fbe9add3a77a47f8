/*
 * beyond - what the files of the Beyond Retrieval dialect share with each other and with the Developer API.
 */
#ifndef BR_SERVER_BEYOND_H
#define BR_SERVER_BEYOND_H

#include "br/answer.h"
#include "br/auth.h"
#include "br/jobs.h"
#include "br/os.h"
#include "br/keep.h"
#include "br/server.h"

#define BEYOND_ROUTERS(X) X(system) X(notebooks) X(documents) X(viewer) X(chat) X(retrieval) X(settings) X(keys) X(models) X(sharing) X(users) X(global) \
	X(onedrive) X(health) X(enhance) X(events)
#define X(name) extern const struct br_routes br_beyond__##name##_rows;
BEYOND_ROUTERS(X)
#undef X

#define NB "/api/notebooks/{notebook_id}"
#define MUST(kind) BR_FOUT(kind), .flags = BR_REQUIRED                /* a member of an answer that is always there */
#define MAY_NULL(kind) BR_FOUT(kind), .flags = BR_REQUIRED | BR_NULLABLE
#define BR_PERSONAS "professional|funny|mentor|storyteller|clear|custom"
#define BR_LANGUAGES "en|de|es|fr|it|pt|nl|ru|zh|ja"
#define BEYOND_STRATEGY "fusion"                                      /* when neither request nor notebook names one */

/* ---- beyond.c: the envelope, errors ---- */

void br_beyond__open(struct br_json *j);
void br_beyond__close(struct br_json *j);
void br_beyond__error(struct br_json *j, struct br_req *r, struct br_fault *f);
void br_beyond__schema(struct br_json *j, void (*data)(struct br_json *j, const void *arg), const void *arg);
void br_beyond__error_schema(struct br_json *j);

/* The notebook that the path names by its id; that the caller has access was seen to before (access.c). */
int br_beyond__nb(struct br_nb **out, struct br_req *r, struct br_err *err);
int br_beyond__nb_by_id(struct br_nb **out, struct br_req *r, const char *id, struct br_err *err);
/* A document of it, by its id alone. In a transaction. */
int br_beyond__doc(struct br_doc **out, struct br_req *r, struct br_txn *t, uint32_t nb, const char *id, struct br_err *err);
void br_beyond__time(struct br_json *j, const char *key, int64_t seconds); /* null for 0 */
void br_beyond__float(struct br_json *j, const char *key, double v, int decimals); /* 1.0, where clients look for a float */
void br_beyond__time_ms(struct br_json *j, const char *key, int64_t ms);
/* ISO 8601 with or without fraction and zone; -1: it is none. */
int br_beyond__parse_time(int64_t *out, const char *s);
const char *br_beyond__file_type(struct br_arena *a, const char *name);    /* "PDF" */

const char *br_beyond__base_url(struct br_req *r);                         /* "https://host", as clients see it */

/* ---- access.c: who may do what with which notebook ---- */

enum br_who br_beyond__identify(struct br_identity *out, struct br_req *r, bool may_wait, struct br_err *err);
int br_beyond__authorise(struct br_req *r, struct br_err *err);
/* Of a notebook that the path does not name. FORBIDDEN. */
int br_beyond__need_full(struct br_req *r, const struct br_nb *nb, struct br_err *err);
bool br_beyond__owns(const struct br_identity *who, const struct br_nb *nb);
struct br_beyond_mine { const struct br_identity *who; BR_VEC(uint32_t) nb; }; /* nb is to be released */
int br_beyond__mine(struct br_beyond_mine *out, struct br_req *r, struct br_err *err);
bool br_beyond__is_mine(const struct br_beyond_mine *m, const struct br_nb *nb); /* any access */

int br_beyond__provider_key(char **out, struct br_req *r, const char *provider, struct br_err *err); /* see br_keep_provider_key */
int br_beyond__use_key(struct br_llm *s, struct br_req *r, const struct br_nb *nb, struct br_err *err);

/* ---- find.c: retrieval as the contract has it ---- */

struct br_beyond_question {
	const char *query, *strategy; /* strategy: an id of either list, NULL: the notebook's */
	int64_t top;                  /* 0: the notebook's */
	double full_text, semantic;   /* weights; negative: the notebook's */
	int64_t rerank_top, rrf_k;    /* 0: the notebook's */
	const struct br_jval *files;  /* ids, or NULL */
};
struct br_beyond_ask { /* what came of it, for br_retrieve and br_answer */
	struct br_query_opts opts;
	const char *strategy;         /* as told to the client */
	struct br_llm *llm, *rerank;
	bool later;                   /* it needs a service, and this thread must not wait: see br_req_may_wait */
};
/* USAGE (400): no such strategy. To be closed in every case. */
int br_beyond__ask(struct br_beyond_ask *out, struct br_req *r, const struct br_nb *nb, const struct br_beyond_question *q, struct br_err *err);
void br_beyond__ask_close(struct br_beyond_ask *a);
double br_beyond__score(double score, double best); /* 0 to 1, the best 1 */
/* The object "metadata" of a passage. */
void br_beyond__metadata(struct br_json *j, const struct br_nb *nb, const struct br_found *f);
extern const struct br_shape br_beyond__metadata_shape;

/* ---- talk.c: a turn of a conversation ---- */

struct br_beyond_turn {
	struct br_beyond_question q;
	const char *chat, *persona, *language; /* persona, language: NULL: the notebook's */
};
struct br_beyond_said { struct br_reply reply; struct br_message m[2]; const char *strategy; double best; };
int br_beyond__turn(struct br_beyond_said *out, struct br_req *r, const struct br_nb *nb, const struct br_beyond_turn *t, struct br_err *err);
/* By its whole id, of any owner. NOTFOUND. */
int br_beyond__chat(struct br_chat *out, struct br_req *r, const struct br_nb *nb, const char *id, struct br_err *err);
int br_beyond__messages(struct br_messages *out, struct br_req *r, const struct br_nb *nb, const char *id, struct br_err *err);
/* Has a model's answer judged in the background, if the notebook wants that. */
void br_beyond__judge(struct br_req *r, const struct br_nb *nb, const struct br_beyond_said *s); /* judge.c */
void br_beyond__suggested(struct br_json *j, const struct br_reply *r);

#endif
