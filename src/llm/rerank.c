/*
 * Rerank: one request with the question and the texts, one score for each text.
 */
#include "internal.h"

#include <math.h>

static void write_request(struct br_buf *out, const struct br_llm *s, const struct br_llm_rerank *req)
{
	struct br_json j;

	br_json_init(&j, out, false);
	br_json_obj(&j);
	br_json_kstr(&j, "model", req->ask.model ? req->ask.model : s->info.model);
	br_json_key(&j, "query");
	br_json_strn(&j, req->query.ptr, req->query.len);
	br_json_key(&j, "documents");
	br_json_arr(&j);
	for (size_t i = 0; i < req->n; i++)
		br_json_strn(&j, req->text[i].ptr, req->text[i].len);
	br_json_end(&j);
	br_json_kuint(&j, "top_n", req->top ? BR_MIN(req->top, req->n) : req->n);
	br_json_kbool(&j, "return_documents", false);
	br_json_end(&j);
}

static int read_scores(double *score, struct br_llm__call *c, const struct br_llm_rerank *req,
                       const struct br_jval *root, struct br_err *err)
{
	const struct br_jval *list = br_jval_get(root, "results");
	bool there;
	double v;

	list = list ? list : br_jval_get(root, "data");
	if (!list || br_jval_type(list) != BR_J_ARR)
		return br_llm__fail(c, err, "its answer has no 'results'");
	for (const struct br_jval *e = br_jval_first(list); e; e = br_jval_next(e)) {
		uint64_t i = br_llm__uint_at(e, "index", &there);

		if (!there || i >= req->n)
			return br_llm__fail(c, err, "a result of its answer is for no text that was sent");
		if (!br_jval_num(&v, br_jval_get(e, "relevance_score")) && !br_jval_num(&v, br_jval_get(e, "score")))
			v = NAN;
		if (!isfinite(v))
			return br_llm__fail(c, err, "result %llu of its answer has no score", (unsigned long long)i);
		score[i] = v;
	}
	return 0;
}

int br_llm_rerank(double *score, struct br_llm_tokens *tokens, struct br_llm *s, const struct br_llm_rerank *req,
                  struct br_err *err)
{
	struct br_llm__call c;
	struct br_llm__desk desk;
	struct br_jdoc *doc = NULL;
	uint64_t bytes = req->query.len;
	int rc;

	BR_ASSERT(s->info.role == BR_LLM_RERANK);
	*tokens = (struct br_llm_tokens){ 0 };
	for (size_t i = 0; i < req->n; i++) {
		score[i] = -INFINITY;
		bytes += req->text[i].len;
	}
	if (!req->n)
		return 0;
	br_llm__desk_open(&desk);
	if ((rc = br_llm__call_open(&c, s, &desk, &req->ask, "/rerank", err)) == 0) {
		write_request(&c.body, s, req);
		rc = br_llm__call_json(&doc, &c, err);
	}
	if (rc == 0 && (rc = read_scores(score, &c, req, br_jdoc_root(doc), err)) == 0) {
		br_llm__tokens(tokens, br_jdoc_root(doc), bytes, 0);
		br_llm__count(s, tokens);
	}
	br_jdoc_free(doc);
	br_llm__call_release(&c);
	br_llm__desk_close(&desk);
	return rc;
}
