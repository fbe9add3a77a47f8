/*
 * Rerank by a service: after the transaction, on the copies in the result.
 */
#include "internal.h"

#include <math.h>

static int score_hits(double *score, const struct br_result *r, struct br_llm *service, struct br_err *err)
{
	struct br_llm_rerank req = { .query = br_slice_str(r->query), .n = BR_MIN(r->n, (size_t)RERANK_LEN) };
	struct br_slice text[RERANK_LEN];
	struct br_llm_tokens tokens;

	for (size_t i = 0; i < req.n; i++)
		text[i] = br_slice_str(r->hit[i].text);
	req.text = text;
	return br_llm_rerank(score, &tokens, service, &req, err);
}

/* By score; what has none stays behind, all else in the order it had. */
static void reorder(struct br_found *hit, double *score, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct br_found h = hit[i];
		double s = score[i];
		size_t k = i;

		for (; k && score[k - 1] < s; k--) {
			hit[k] = hit[k - 1];
			score[k] = score[k - 1];
		}
		hit[k] = h;
		score[k] = s;
	}
	for (size_t i = 0; i < n && isfinite(score[i]); i++)
		hit[i].score = score[i];
}

int rerank_hits(struct br_result *r, const struct br_query_opts *opts, struct br_err *err)
{
	double score[RERANK_LEN];
	struct br_err why = { 0 };
	int rc = r->n ? score_hits(score, r, opts->rerank, &why) : 0;

	if (rc == 0)
		reorder(r->hit, score, BR_MIN(r->n, (size_t)RERANK_LEN));
	else if ((rc = service_failed(r, opts, "the rerank service failed", rc, &why, err)) < 0)
		return rc;
	r->n = BR_MIN(r->n, (size_t)opts->top);
	return 0;
}
