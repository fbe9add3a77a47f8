/*
 * Relevance judgements: BEIR's three columns or TREC's four, into one sorted list per question.
 */
#include "internal.h"

static struct eval_judged *judged_of(struct br_qrels *q, const char *query)
{
	uint32_t no = eval__id_add(&q->query, query);

	if (no == q->judged.n)
		*br_vec_push(&q->judged) = (struct eval_judged){ 0 };
	return &q->judged.v[no];
}

/* A first line whose judgement is no number is BEIR's header. */
static int add_line(struct br_qrels *q, struct eval_lines *l, bool first, struct br_err *err)
{
	char *field[4];
	size_t n = strchr(l->line.ptr, '\t') ? eval__tabs(l->line.ptr, field, 4) : eval__words(l->line.ptr, field, 4);
	double rel;

	if (n != 3 && n != 4)
		return br_fail(err, BR_EINPUT, "%s:%zu: neither three columns (query document relevance) nor TREC's four", l->path, l->no);
	if (!eval__number(&rel, field[n - 1])) {
		if (first)
			return 0;
		return br_fail(err, BR_EINPUT, "%s:%zu: relevance '%s' is not a number", l->path, l->no, field[n - 1]);
	}
	if (rel > 1e9 || rel < -1e9)
		return br_fail(err, BR_EINPUT, "%s:%zu: relevance %s is out of range", l->path, l->no, field[n - 1]);
	struct eval_judged *j = judged_of(q, field[0]);
	*br_vec_push(&j->v) = (struct eval_judgement){ br_arena_strdup(&q->docs, field[n - 2]), (int64_t)rel, l->no };
	return 0;
}

static int by_doc_later_first(const void *x, const void *y)
{
	const struct eval_judgement *a = x, *b = y;
	int c = strcmp(a->doc, b->doc);

	return c ? c : (a->seq < b->seq) - (a->seq > b->seq);
}

static void seal(struct eval_judged *j)
{
	size_t n = 0;

	qsort(j->v.v, j->v.n, sizeof *j->v.v, by_doc_later_first);
	for (size_t i = 0; i < j->v.n; i++)
		if (n == 0 || strcmp(j->v.v[n - 1].doc, j->v.v[i].doc))
			j->v.v[n++] = j->v.v[i];
	j->v.n = n;
}

int br_qrels_load(struct br_qrels **out, const char *path, struct br_err *err)
{
	struct br_qrels *q = br_alloc(sizeof *q);
	struct eval_lines l;
	bool first = true;
	int rc;

	*out = NULL;
	rc = eval__lines_open(&l, path, err);
	if (rc < 0)
		goto fail;
	while ((rc = eval__lines_next(&l, err)) > 0) {
		rc = add_line(q, &l, first, err);
		if (rc < 0)
			break;
		first = false;
	}
	if (rc < 0)
		goto fail;
	eval__lines_close(&l);
	for (size_t i = 0; i < q->judged.n; i++)
		seal(&q->judged.v[i]);
	*out = q;
	return 0;
fail:
	eval__lines_close(&l);
	br_qrels_free(q);
	return rc;
}

int64_t eval__rel(const struct eval_judged *j, const char *doc)
{
	size_t lo = 0, hi = j->v.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(j->v.v[mid].doc, doc);
		if (c == 0)
			return j->v.v[mid].rel;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

void br_qrels_free(struct br_qrels *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->judged.n; i++)
		br_vec_release(&q->judged.v[i].v);
	br_vec_release(&q->judged);
	eval__ids_release(&q->query);
	br_arena_release(&q->docs);
	free(q);
}
