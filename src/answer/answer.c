/*
 * One question from text to reply: look into the cache, find what a follow-up refers to, retrieve, quote or ask the model, suggest.
 */
#include "internal.h"

#include <stdlib.h>

static void take_result(struct br_reply *out, const struct br_result *r)
{
	struct br_arena *a = &out->arena;

	out->notebook = br_arena_strdup(a, r->notebook);
	out->strategy = br_arena_strdup(a, r->strategy);
	out->degraded = br_arena_strdup(a, r->degraded);
	out->generation = r->generation;
	out->stale_sources = r->stale_sources;
	out->indexed_at = r->indexed_at;
}

static int tell(const struct br_answer_opts *opts, const char *text, struct br_err *err)
{
	if (opts->token && opts->token(text, strlen(text), opts->arg))
		return br_fail(err, BR_ECANCELLED, "the answer was stopped");
	return 0;
}

static int look_for(struct br_reply *out, struct br_searcher *s, const char *asked, const struct br_answer_opts *opts, struct br_err *err)
{
	struct inquiry q = { 0 };
	int rc = br_answer__inquiry_make(&q, s, asked, &opts->query, err);

	if (rc == 0) {
		out->asked = br_arena_strdup(&out->arena, asked);
		take_result(out, &q.r);
		if (opts->passages)
			opts->passages(&q.r, opts->arg);
		rc = opts->model ? br_answer__model_answer(out, &q, opts, err) : br_answer__quote_answer(out, &q, opts, err);
	}
	br_answer__inquiry_release(&q);
	return rc;
}

/* A follow-up that finds nothing by its own words is asked again with those of the question before it. */
static int quoted(struct br_reply *out, struct br_searcher *s, const char *question, const struct br_answer_opts *opts, struct br_err *err)
{
	const char *again;
	int rc = look_for(out, s, question, opts, err);

	if (rc == 0 && !out->found && (again = br_answer__condense_plainly(&out->arena, question, opts)))
		rc = look_for(out, s, again, opts, err);
	return rc;
}

static int by_model(struct br_reply *out, struct br_searcher *s, const char *question, const struct br_answer_opts *opts, struct br_err *err)
{
	const char *asked = question;
	int rc;

	if (opts->n_history && !(asked = br_answer__condense(&out->arena, question, opts, &out->tokens, err)))
		return -BR_ECANCELLED;
	rc = look_for(out, s, asked, opts, err);
	out->model = br_arena_strdup(&out->arena, opts->model->name); /* it may have given way to another one */
	return rc;
}

static int find_answer(struct br_reply *out, struct br_searcher *s, const char *question, const struct br_answer_opts *opts, struct br_err *err)
{
	bool cache = opts->cache && !opts->n_history;
	int rc = cache ? br_answer__cache_find(out, s, opts, question, err) : 0;

	if (rc)
		return rc < 0 ? rc : tell(opts, out->text, err);
	rc = opts->model ? by_model(out, s, question, opts, err) : quoted(out, s, question, opts, err);
	if (rc == 0 && !out->found && br_answer__asks_overview(&out->arena, question))
		rc = br_answer__overview(out, s, opts, err);
	if (rc < 0)
		return rc;
	if (!out->found)
		out->text = br_answer__nothing_found(opts->language, question);
	if ((!opts->model || !out->found || opts->strict) && (rc = tell(opts, out->text, err)) < 0)
		return rc;
	return cache && out->found ? br_answer__cache_keep(s, opts, question, out, err) : 0;
}

/* What the answer is asked of is asked for the search, too. */
static void prepare_query(struct br_answer_opts *opts)
{
	struct br_query_opts *q = &opts->query;

	if (!opts->model && !opts->only_top)
		q->top = BR_MAX(q->top, (uint32_t)ANSWER_LOOK);
	q->top = BR_MIN(q->top, (uint32_t)BR_MAX_PASSAGES);
	q->no_text = false;
	q->strict |= opts->strict;
	if (opts->model && opts->model->llm && !q->ask) {
		q->ask = br_ask_llm;
		q->ask_arg = q->explorer = opts->model->llm;
	}
}

int br_answer(struct br_reply *out, struct br_searcher *s, const char *question, const struct br_answer_opts *asked, struct br_err *err)
{
	struct br_answer_opts opts = *asked;
	int64_t began = br_mono_ns();
	int rc;

	*out = (struct br_reply){ 0 };
	if ((rc = br_answer__check_voice(&opts, err)) < 0)
		return rc;
	prepare_query(&opts);
	out->question = br_arena_strdup(&out->arena, question);
	rc = find_answer(out, s, question, &opts, err);
	if (rc == 0 && opts.suggest)
		rc = br_suggest(&out->suggested, &out->arena, br_searcher_workspace(s), opts.query.notebook, 3, err);
	out->took_ms = (double)(br_mono_ns() - began) / 1e6;
	if (rc < 0)
		br_reply_release(out);
	return rc;
}

void br_reply_release(struct br_reply *r)
{
	struct br_arena a = r->arena;

	br_arena_release(&a); /* r's own fields point into it */
	*r = (struct br_reply){ 0 };
}

static void number_or_null(struct br_json *j, const char *key, uint32_t n)
{
	if (n)
		br_json_kuint(j, key, n);
	else
		br_json_knull(j, key);
}

void br_reply_citations(struct br_json *j, const struct br_reply *r, bool all)
{
	br_json_arr(j);
	for (size_t i = 0; i < r->n; i++) {
		const struct br_citation *c = &r->cite[i];
		if (!all && !c->cited)
			continue;
		br_json_obj(j);
		br_json_kuint(j, "n", c->n);
		br_json_kstr(j, "path", c->path);
		br_json_kstr(j, "title", c->title);
		br_json_key(j, "lines");
		br_json_obj(j);
		number_or_null(j, "from", c->line);
		number_or_null(j, "to", c->line_end);
		br_json_end(j);
		number_or_null(j, "page", c->page);
		br_json_kstr(j, "quote", c->quote);
		br_json_knum(j, "score", c->score, 6);
		br_json_kbool(j, "stale", c->stale);
		br_json_kstr(j, "doc_id", c->doc_id);
		br_json_kuint(j, "chunk", c->ordinal);
		if (all)
			br_json_kbool(j, "cited", c->cited);
		br_json_end(j);
	}
	br_json_end(j);
}
