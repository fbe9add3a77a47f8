/*
 * `br eval`: retrieval quality over judged questions. A BEIR folder is indexed into a workspace of its own under the
 * temporary folder; own judgements run against the notebook at hand.
 */
#include "eval.h"

#include <stdio.h>
#include <stdlib.h>

#define CHOICE(name, ...) "|" #name
static const struct br_opt opts[] = {
	{ "strategy", 's', BR_AT_STR(struct br_eval_params, strategy), "names", "strategies, several separated by commas",
	  .dflt = "hybrid", .choices = BR_STRATEGY_LIST(CHOICE), .many = true },
	{ "qrels", 0, BR_AT_STR(struct br_eval_params, qrels), "file", "judgements whose documents are paths of this notebook",
	  .complete = BR_C_FILE },
	{ "queries", 0, BR_AT_STR(struct br_eval_params, queries), "file", "questions for --qrels, as BEIR's queries.jsonl",
	  .complete = BR_C_FILE },
	{ "run", 0, BR_AT_STR(struct br_eval_params, run), "file", "write the ranking as a TREC run file",
	  .complete = BR_C_FILE },
	{ "baseline", 0, BR_AT_STR(struct br_eval_params, baseline), "file", "compare with this run file",
	  .complete = BR_C_FILE },
	{ "per-query", 0, BR_AT_BOOL(struct br_eval_params, per_query), NULL, "show every question" },
	{ "min-ndcg", 0, BR_AT_NUM(struct br_eval_params, min_ndcg), "x", "exit 3 when ndcg@10 stays below x",
	  .min = 0, .max = 1 },
	BR_OPT_END,
};

/* ---- the questions that are judged ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Scoring an empty run names every question that counts. */
static void judged_ids(struct br_eval *e)
{
	struct br_eval_result none = { 0 };
	struct br_run *run = br_run_new();
	size_t i;

	br_eval_score(&none, run, e->qrels);
	for (i = 0; i < none.per.n; i++)
		*br_vec_push(&e->judged) = none.per.v[i].id;
	if (e->judged.n)
		qsort(e->judged.v, e->judged.n, sizeof *e->judged.v, by_text);
	br_eval_release(&none);
	br_run_free(run);
}

static int add_question(const struct br_beir_row *row, void *arg, struct br_err *err)
{
	struct br_eval *e = arg;
	struct br_arena *a = &e->c->arena;

	(void)err;
	if (e->judged.n && bsearch(&row->id, e->judged.v, e->judged.n, sizeof *e->judged.v, by_text))
		*br_vec_push(&e->questions) = (struct br_eval_question){ br_arena_strdup(a, row->id), br_arena_strdup(a, row->text) };
	return 0;
}

static int load_judgements(struct br_eval *e, const char *qrels, const char *queries, struct br_err *err)
{
	int rc;

	if ((rc = br_qrels_load(&e->qrels, qrels, err)) < 0)
		return rc;
	judged_ids(e);
	if (!e->judged.n)
		return br_fail(err, BR_EINPUT, "'%s' judges no document relevant", qrels);
	if ((rc = br_beir_each(queries, add_question, e, err)) < 0)
		return rc;
	if (!e->questions.n)
		return br_fail(err, BR_EINPUT, "none of the questions in '%s' is judged in '%s'", queries, qrels);
	return 0;
}

/* ---- one strategy ---- */

static int ask(struct br_eval *e, struct br_eval_outcome *o, const struct br_eval_question *q,
               const struct br_query_opts *how, struct br_err *err)
{
	struct br_result r = { 0 };
	int64_t start = br_mono_ns();
	int rc = br_retrieve(&r, e->searcher, q->text, how, err);
	size_t i;

	*br_vec_push(&o->ms) = (double)(br_mono_ns() - start) / 1e6;
	for (i = 0; rc == 0 && i < r.n; i++)
		br_run_add(o->run, q->id, r.hit[i].path, r.hit[i].score);
	br_result_release(&r);
	return br_err_prefix(rc < 0 ? err : NULL, rc, "question '%s'", q->id);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int run_strategy(struct br_eval *e, struct br_eval_outcome *o, struct br_err *err)
{
	struct br_query_opts qo = { .strategy = o->strategy, .top = 100, .no_fold = true, .by_doc = true, .no_text = true,
		                    .plain = true };
	struct br_llm *chat = NULL;
	size_t i;
	int rc = 0;

	if (br_strategy_asks(o->strategy)) { /* what ran as less would be measured under a wrong name */
		if ((rc = br_llm_open(&chat, e->c->config, BR_LLM_CHAT, err)) < 0)
			return rc;
		qo.ask = br_ask_llm;
		qo.ask_arg = qo.explorer = chat;
		qo.strict = true;
	}
	qo.notebook = e->ws == e->c->ws ? e->c->opt.notebook : NULL;
	o->run = br_run_new();
	for (i = 0; i < e->questions.n && rc == 0; i++)
		if ((rc = br_check_stop(err)) == 0)
			rc = ask(e, o, &e->questions.v[i], &qo, err);
	br_llm_close(chat);
	if (rc < 0)
		return rc;
	qsort(o->ms.v, o->ms.n, sizeof *o->ms.v, by_size);
	br_eval_score(&o->score, o->run, e->qrels);
	return 0;
}

static int run_all(struct br_eval *e, struct br_err *err)
{
	const char *at = e->p->strategy, *name;
	size_t n;
	int rc = 0;

	for (; rc == 0 && *at; at += at[n] ? n + 1 : n) {
		name = at;
		n = strcspn(at, ",");
		*br_vec_push(&e->outcomes) = (struct br_eval_outcome){ .strategy = br_arena_strndup(&e->c->arena, name, n) };
		rc = run_strategy(e, &e->outcomes.v[e->outcomes.n - 1], err);
	}
	return rc;
}

static int compare(struct br_eval *e, struct br_err *err)
{
	struct br_run *run;
	int rc;

	if (!e->p->baseline)
		return 0;
	if ((rc = br_run_load(&run, e->p->baseline, err)) < 0)
		return rc;
	br_eval_score(&e->baseline, run, e->qrels);
	br_run_free(run);
	return 0;
}

static int write_run(struct br_eval *e, struct br_err *err)
{
	char tag[64];

	if (!e->p->run)
		return 0;
	snprintf(tag, sizeof tag, "br-%s", e->outcomes.v[0].strategy);
	return br_run_write(e->outcomes.v[0].run, e->p->run, tag, err);
}

/* ---- where the documents are ---- */

static char *file_in(const char *dir, const char *name, const char *other)
{
	char *path = br_path_join(dir, name);

	if (br_is_file(path) || !other)
		return path;
	free(path);
	return br_path_join(dir, other);
}

static int ingest_corpus(struct br_eval *e, const char *corpus, struct br_err *err)
{
	const char *paths[] = { corpus };
	struct br_ingest_opts o = { .ndjson = true };
	struct br_ingest_stats stats = { 0 };
	int rc;

	if ((rc = br_ws_init(e->temp_ws, err)) < 0 || (rc = br_ws_open(&e->own_ws, e->temp_ws, 0, err)) < 0)
		return rc;
	rc = br_ingest(&stats, e->own_ws, paths, 1, &o, err);
	if (rc == -BR_EPARTIAL) {
		br_warn(&e->c->out, "%s of the documents in '%s' could not be indexed",
		        br_human_count(stats.count[BR_ACT_FAIL]).s, corpus);
		rc = 0;
	}
	e->ws = e->own_ws;
	e->documents = stats.count[BR_ACT_ADD];
	e->index_seconds = stats.seconds;
	return rc;
}

static int from_folder(struct br_eval *e, const char *dir, struct br_err *err)
{
	char *corpus = file_in(dir, "corpus.jsonl", NULL), *queries = file_in(dir, "queries.jsonl", NULL);
	char *qrels = file_in(dir, "qrels.tsv", "qrels/test.tsv");
	int rc;

	if (!br_is_dir(dir))
		rc = br_fail(err, BR_EINPUT, "'%s' is not a folder", dir);
	else if (!br_is_file(corpus))
		rc = br_fail(err, BR_EINPUT, "'%s' is not a BEIR folder: it has no corpus.jsonl", dir);
	else if ((rc = load_judgements(e, qrels, queries, err)) == 0 && (rc = br_eval_temp_dir(&e->temp, err)) == 0) {
		e->temp_ws = br_path_join(e->temp, ".br");
		rc = ingest_corpus(e, corpus, err);
	}
	free(corpus);
	free(queries);
	free(qrels);
	return rc;
}

static int from_notebook(struct br_eval *e, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc;

	if ((rc = br_cli_open(e->c, err)) < 0 || (rc = br_cli_notebook(&nb, &t, e->c, err)) < 0)
		return rc;
	e->documents = nb->docs;
	br_txn_end(t);
	e->ws = e->c->ws;
	return load_judgements(e, e->p->qrels, e->p->queries, err);
}

/* ---- the whole ---- */

static void release(struct br_eval *e)
{
	size_t i;

	for (i = 0; i < e->outcomes.n; i++) {
		br_run_free(e->outcomes.v[i].run);
		br_eval_release(&e->outcomes.v[i].score);
		br_vec_release(&e->outcomes.v[i].ms);
	}
	br_vec_release(&e->outcomes);
	br_vec_release(&e->judged);
	br_vec_release(&e->questions);
	br_eval_release(&e->baseline);
	br_searcher_free(e->searcher);
	br_ws_close(e->own_ws);
	br_eval_temp_remove(e->temp);
	free(e->temp_ws);
	free(e->temp);
	br_qrels_free(e->qrels);
}

static int below_minimum(const struct br_eval *e)
{
	bool below = false;
	size_t i;

	for (i = 0; i < e->outcomes.n; i++)
		below |= e->outcomes.v[i].score.mean.ndcg10 < e->p->min_ndcg;
	return br_status(below ? BR_ECHECK : BR_OK);
}

static int eval_check(struct br_cli *c, struct br_err *err)
{
	const struct br_eval_params *p = c->params;

	if (!c->n && !p->qrels && !p->queries)
		return br_fail(err, BR_EUSAGE, "name a BEIR folder, or --qrels and --queries");
	if (c->n && (p->qrels || p->queries))
		return br_fail(err, BR_EUSAGE, "a BEIR folder brings its own --qrels and --queries");
	if (!c->n && (!p->qrels || !p->queries))
		return br_fail(err, BR_EUSAGE, "--qrels and --queries go together");
	if (p->run && strchr(p->strategy, ','))
		return br_fail(err, BR_EUSAGE, "--run takes one strategy");
	return 0;
}

static int eval_run(struct br_cli *c, struct br_err *err)
{
	struct br_eval e = { .c = c, .p = c->params };
	int rc;

	e.name = c->n ? c->operand[0] : e.p->qrels;
	rc = c->n ? from_folder(&e, c->operand[0], err) : from_notebook(&e, err);
	if (rc == 0)
		e.searcher = br_searcher_new(e.ws);
	if (rc == 0 && (rc = run_all(&e, err)) == 0 && (rc = compare(&e, err)) == 0 && (rc = write_run(&e, err)) == 0) {
		if (c->opt.json)
			br_eval_json(&e);
		else
			br_eval_text(&e);
		rc = below_minimum(&e);
	}
	release(&e);
	return rc;
}

static const struct br_example examples[] = {
	{ "br eval beir/scifact", "index and measure a BEIR set" },
	{ "br eval -s hybrid,full_text beir/scifact", "two strategies side by side" },
	{ "br eval --qrels judged.tsv --queries asked.jsonl --min-ndcg 0.8", "this notebook, as a test" },
	{ NULL },
};
const struct br_cmd br_cmd_eval = {
	.name = "eval", .group = "search", .summary = "measure retrieval over judged questions",
	.operands = "[<beir-folder>]", .max = 1, .complete = BR_C_DIR,
	.opts = opts, .params_size = sizeof(struct br_eval_params),
	.flags = BR_CMD_MAY_WS | BR_CMD_LONG, .check = eval_check, .run = eval_run, .examples = examples,
};
