/* tenant - what the files of the answer path share. */
#ifndef BR_TENANT_ASK_H
#define BR_TENANT_ASK_H

#include "internal.h"

/* One question on its way. */
struct asking {
	struct br_tenancy *t;
	struct br_searcher *s;
	const struct br_question *q;
	struct br_answered *out;
	struct br_tenant who;
	struct br_kbs kbs;           /* that are asked, the default one first */
	struct br_session session;
	struct br_turn history[SAID_MAX];
	size_t n_history;
	struct br_llm *llm;          /* NULL: no model */
	struct br_llm *rerank;
	struct br_answer_model model;
	struct br_wiki_model wiki_model;
	const char *vote;            /* for the audit */
	double score;
	bool chinese, hold, shown;   /* hold: nothing is shown before it is whole; shown: something was */
	struct br_buf strip;         /* what may become a citation mark */
};

/* ---- model.c ---- */
int model_open(struct asking *a, struct br_err *err);
void model_close(struct asking *a);
/* One reply to a system text and a question; appended to out. */
int model_say(struct br_buf *out, struct asking *a, const char *system, const char *user, br_token_fn *token, void *arg, struct br_usage *usage, struct br_err *err);

/* ---- page.c: 1 answered, 0 not ---- */
int answer_from_wiki(struct asking *a, struct br_err *err);

/* ---- passages.c ---- */
int answer_from_passages(struct asking *a, struct br_err *err); /* 1 found, 0 not */

/* ---- ask.c ---- */
int show(struct asking *a, const char *text, struct br_err *err); /* to who waits; CANCELLED when nobody does */
int show_piece(const char *text, size_t n, void *arg);            /* a br_token_fn, without citation marks; arg an asking */
int show_rest(struct asking *a, struct br_err *err);
void strip_marks(struct br_buf *out, struct br_slice text);       /* "[1]" and the blank before it */
void add_source(struct asking *a, const char *id, const char *title, const char *kb, double relevance);

#endif
