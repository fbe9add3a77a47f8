/*
 * Rerank by a service: after the transaction, on the copies in the result. Reordering without one: in the transaction, by the features
 * that hybrid has, on whatever list a strategy made.
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

/* ---- without a service ---- */

static const double W_WORDS = 0.5, W_TITLE = 0.3, W_PAIRS = 0.2;

/* Share of what the question is about, by weight, that the passage has a word for. */
static double word_share(const struct search *s, const struct cand *c)
{
	double have = 0, all = 0;

	for (size_t g = 0; g < s->words.groups.n && g < 64; g++) {
		double idf = (double)s->words.groups.v[g].idf;
		all += idf;
		have += c->matched >> g & 1 ? idf : 0;
	}
	return all > 0 ? have / all : 0;
}

int reorder_cands(struct search *s, struct br_err *err)
{
	size_t n = BR_MIN(s->cand.n, (size_t)RERANK_LEN);
	double best = n ? s->cand.v[0].score : 0;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct cand *c = &s->cand.v[i];
		if ((rc = load_cand(s, c, true, err)) < 0)
			break;
		c->score = (best > 0 ? c->score / best : 0) + W_WORDS * word_share(s, c) + W_TITLE * title_share(s, c) + W_PAIRS * pair_share(s, c);
	}
	s->cand.n = n; /* those behind have scores of another kind */
	sort_cands(s, false);
	return rc;
}
