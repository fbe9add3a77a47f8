/*
 * full_text - BM25 alone.
 */
#include "internal.h"

int rank_full_text(struct search *s, struct br_err *err)
{
	int rc;

	s->has_vec = false;
	if ((rc = find_lexical(s, err)) < 0 || (rc = merge_lists(s, err)) < 0)
		return rc;
	for (size_t i = 0; i < s->cand.n; i++)
		s->cand.v[i].score = s->cand.v[i].f_lex = (double)s->cand.v[i].bm25;
	sort_cands(s, false);
	return 0;
}
