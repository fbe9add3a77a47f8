/*
 * eval - retrieval quality: nDCG@10, Recall@10, Recall@100, MRR@10, MAP over judged questions, and TREC run files.
 * Measures: as trec_eval: documents by score, highest first, equal scores by document id, highest string first; linear gain;
 *           averages over every judged question with at least one relevant document; an unanswered question counts 0.
 * Threads: plain values.
 */
#ifndef BR_EVAL_H
#define BR_EVAL_H

#include "br/base.h"

struct br_qrels;  /* question -> document -> relevance */
/* BEIR "query-id TAB corpus-id TAB score" with or without header, or TREC's four columns. INPUT names file and line. */
BR_MUST_USE int br_qrels_load(struct br_qrels **out, const char *path, struct br_err *err);
void br_qrels_free(struct br_qrels *q);

struct br_run;    /* question -> scored documents */
struct br_run *br_run_new(void);
void br_run_free(struct br_run *r);
void br_run_add(struct br_run *r, const char *query, const char *doc, double score);
BR_MUST_USE int br_run_load(struct br_run **out, const char *path, struct br_err *err);             /* TREC's six columns */
BR_MUST_USE int br_run_write(const struct br_run *r, const char *path, const char *tag, struct br_err *err); /* scores round-trip: the file gives the same measures */

#define BR_MEASURE_LIST(X) X(ndcg10, "ndcg@10") X(recall10, "recall@10") X(recall100, "recall@100") X(mrr10, "mrr@10") X(map, "map")
struct br_measures {
#define X(id, name) double id;
	BR_MEASURE_LIST(X)
#undef X
};
struct br_eval_result {
	struct br_measures mean;
	size_t queries, unanswered;      /* judged questions with something relevant; those without any hit */
	BR_VEC(struct br_eval_query { const char *id; struct br_measures m; }) per; /* ids borrow from the qrels */
};
void br_eval_score(struct br_eval_result *out, const struct br_run *run, const struct br_qrels *qrels);
void br_eval_release(struct br_eval_result *r);

/* One question or document of a BEIR file: {"_id","text"[,"title","metadata"]}; INPUT names file and line. */
struct br_beir_row { const char *id, *title, *text; };
typedef int br_beir_fn(const struct br_beir_row *row, void *arg, struct br_err *err);
BR_MUST_USE int br_beir_each(const char *path, br_beir_fn *fn, void *arg, struct br_err *err);

#endif
