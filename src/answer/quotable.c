/*
 * What can be quoted of the passages found for a question: all of it with its scores, where a quoted answer takes but the best.
 */
#include "internal.h"

#include <stdlib.h>

static void take(struct br_quotables *out, const struct inquiry *q, const struct passage *p, const units *u)
{
	for (size_t i = 0; i < u->n; i++) {
		const struct unit *x = &u->v[i];
		*br_vec_push(&out->v) = (struct br_quotable){ x->hit, x->off, x->len, x->code, x->asks, x->score, br_answer__share(q, x->words | p[x->hit].above) };
	}
}

int br_quotables_find(struct br_quotables *out, struct br_searcher *s, const char *question, const struct br_query_opts *opts, struct br_err *err)
{
	struct inquiry q = { 0 };
	int rc = br_answer__inquiry_make(&q, s, question, opts, err);

	*out = (struct br_quotables){ 0 };
	if (rc == 0) {
		struct passage *p = br_allocn(q.r.n + 1, sizeof *p);
		units u = { 0 };
		for (uint32_t i = 0; i < q.r.n; i++)
			br_answer__cut_passage(&u, &p[i], &q, i);
		br_answer__score_units(&q, p, &u);
		take(out, &q, p, &u);
		out->r = q.r;
		q.r = (struct br_result){ 0 };
		br_vec_release(&u);
		free(p);
	}
	br_answer__inquiry_release(&q);
	return rc;
}

void br_quotables_release(struct br_quotables *q)
{
	br_result_release(&q->r);
	br_vec_release(&q->v);
}
