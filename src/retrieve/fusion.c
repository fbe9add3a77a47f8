/*
 * fusion - weighted reciprocal ranks: score = wf / (k + rank by words) + ws / (k + rank by meaning), k being 60 unless it is asked for.
 * Formula and constant: Cormack, Clarke and Buettcher, SIGIR 2009. A list that does not hold the chunk adds nothing.
 */
#include "internal.h"

static const double W_MEANING = 0.35; /* equal weights lose 0.01 nDCG on the mean of the test sets with the built-in model */

static double part(double weight, double k, int32_t rank) { return rank ? weight / (k + rank) : 0; }

int rank_fusion(struct search *s, struct br_err *err)
{
	double lex = s->opts->full_text_weight > 0 ? s->opts->full_text_weight : 1;
	double sem = s->opts->semantic_weight > 0 ? s->opts->semantic_weight : s->service ? s->gain : W_MEANING * s->gain, k = rrf_k(s);
	int rc;

	if ((rc = find_lexical(s, err)) < 0 || (sem > 0 && (rc = find_semantic(s, err)) < 0) || (rc = merge_lists(s, err)) < 0)
		return rc;
	for (size_t i = 0; i < s->cand.n; i++) {
		struct cand *c = &s->cand.v[i];
		c->f_lex = part(lex, k, c->lex_rank);
		c->f_sem = part(sem, k, c->sem_rank);
		c->score = c->f_lex + c->f_sem;
	}
	sort_cands(s, false);
	return 0;
}
