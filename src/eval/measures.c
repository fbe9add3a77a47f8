/*
 * The measures. Linear gain, discount 1 / log2(rank + 1), the ideal order from all judgements of the question.
 */
#include <math.h>

#include "internal.h"

static double gain_at(int64_t rel, size_t place) /* place from 0 */
{
	return (double)rel / log2((double)place + 2);
}

static int rel_high_first(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return (a < b) - (a > b);
}

/* Number of relevant documents; *ideal: the discounted gain of the best ten. */
static size_t relevant_of(const struct eval_judged *j, double *ideal)
{
	int64_t *rel = br_allocn(j->v.n + 1, sizeof *rel);
	size_t n = 0;

	for (size_t i = 0; i < j->v.n; i++)
		if (j->v.v[i].rel > 0)
			rel[n++] = j->v.v[i].rel;
	qsort(rel, n, sizeof *rel, rel_high_first);
	*ideal = 0;
	for (size_t i = 0; i < BR_MIN(n, (size_t)10); i++)
		*ideal += gain_at(rel[i], i);
	free(rel);
	return n;
}

static struct br_measures measure(const struct eval_scored *doc, size_t n, const struct eval_judged *j, size_t good, double ideal)
{
	struct br_measures m = { 0 };
	double dcg = 0, precision = 0;
	size_t hits = 0, in10 = 0, in100 = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t rel = eval__rel(j, doc[i].doc);
		if (rel <= 0)
			continue;
		hits++;
		precision += (double)hits / (double)(i + 1);
		in100 += i < 100;
		if (i >= 10)
			continue;
		in10++;
		dcg += gain_at(rel, i);
		if (hits == 1)
			m.mrr10 = 1.0 / (double)(i + 1);
	}
	m.ndcg10 = dcg / ideal;
	m.recall10 = (double)in10 / (double)good;
	m.recall100 = (double)in100 / (double)good;
	m.map = precision / (double)good;
	return m;
}

static void score_query(struct br_eval_result *out, const struct br_run *run, const char *query, const struct eval_judged *j)
{
	struct eval_scored *doc = NULL;
	uint32_t no = eval__id_find(&run->query, query);
	double ideal;
	size_t n = 0, good = relevant_of(j, &ideal);

	if (good == 0)
		return;
	if (no != EVAL_NO_ID)
		n = eval__rank(&doc, &run->ranking.v[no]);
	struct br_measures m = measure(doc, n, j, good, ideal);
	free(doc);
	br_vec_push(&out->per)->id = query;
	out->per.v[out->per.n - 1].m = m;
	out->queries++;
	out->unanswered += n == 0;
}

void br_eval_score(struct br_eval_result *out, const struct br_run *run, const struct br_qrels *qrels)
{
	*out = (struct br_eval_result){ 0 };
	for (size_t i = 0; i < qrels->judged.n; i++)
		score_query(out, run, qrels->query.name.v[i], &qrels->judged.v[i]);
	for (size_t i = 0; i < out->per.n; i++) {
#define X(id, name) out->mean.id += out->per.v[i].m.id;
		BR_MEASURE_LIST(X)
#undef X
	}
	if (out->queries == 0)
		return;
#define X(id, name) out->mean.id /= (double)out->queries;
	BR_MEASURE_LIST(X)
#undef X
}

void br_eval_release(struct br_eval_result *r)
{
	br_vec_release(&r->per);
	*r = (struct br_eval_result){ 0 };
}
