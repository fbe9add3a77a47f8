/* eval - what the parts of `br eval` share. */
#ifndef BR_CMD_EVAL_H
#define BR_CMD_EVAL_H

#include "cmd.h"

struct br_eval_params {
	const char *strategy, *qrels, *queries, *run, *baseline;
	bool per_query;
	double min_ndcg;
};
struct br_eval_question { const char *id, *text; };
struct br_eval_outcome {
	const char *strategy;
	struct br_run *run;
	struct br_eval_result score;
	BR_VEC(double) ms;                /* of each question, ascending */
};
struct br_eval {
	struct br_cli *c;
	const struct br_eval_params *p;
	const char *name;                 /* folder or judgement file */
	struct br_ws *ws, *own_ws;        /* own_ws: the temporary one, or NULL */
	char *temp, *temp_ws;             /* its folders */
	struct br_searcher *searcher;
	struct br_qrels *qrels;
	BR_VEC(const char *) judged;      /* ids of questions with something relevant, sorted */
	BR_VEC(struct br_eval_question) questions;
	BR_VEC(struct br_eval_outcome) outcomes;
	struct br_eval_result baseline;   /* queries 0: none */
	uint64_t documents;
	double index_seconds;             /* 0: an existing notebook */
};
void br_eval_text(const struct br_eval *e);
void br_eval_json(const struct br_eval *e);
int br_eval_temp_dir(char **out, struct br_err *err);
void br_eval_temp_remove(const char *dir); /* with everything below; NULL is accepted */

#endif
