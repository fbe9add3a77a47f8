/*
 * semantic - cosine of vectors alone.
 */
#include "internal.h"

int rank_semantic(struct search *s, struct br_err *err)
{
	int rc;

	if (!s->has_vec) {
		degrade(s);
		return rank_full_text(s, err);
	}
	if ((rc = find_semantic(s, err)) < 0 || (rc = merge_lists(s, err)) < 0)
		return rc;
	for (size_t i = 0; i < s->cand.n; i++)
		s->cand.v[i].score = s->cand.v[i].f_sem = (double)s->cand.v[i].cosine;
	sort_cands(s, false);
	return 0;
}
