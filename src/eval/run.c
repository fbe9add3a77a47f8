/*
 * Runs: what a system answered. Reads and writes TREC's six columns "query Q0 document rank score tag". The score
 * decides, never the rank column, so a written file must carry scores that read back to the same numbers.
 */
#include <float.h>

#include "br/os.h"
#include "internal.h"

#define MAX_RUN_FILE ((size_t)1 << 31)

struct br_run *br_run_new(void)
{
	return br_alloc(sizeof(struct br_run));
}

void br_run_free(struct br_run *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->ranking.n; i++)
		br_vec_release(&r->ranking.v[i].v);
	br_vec_release(&r->ranking);
	eval__ids_release(&r->query);
	br_arena_release(&r->docs);
	free(r);
}

void br_run_add(struct br_run *r, const char *query, const char *doc, double score)
{
	uint32_t no = eval__id_add(&r->query, query);

	if (no == r->ranking.n)
		*br_vec_push(&r->ranking) = (struct eval_ranking){ 0 };
	/* NaN has no place in an order, and infinities none in a file: the worst and the nearest number stand for them. */
	score = score >= -DBL_MAX ? BR_MIN(score, DBL_MAX) : -DBL_MAX;
	*br_vec_push(&r->ranking.v[no].v) = (struct eval_scored){ br_arena_strdup(&r->docs, doc), score };
}

int br_run_load(struct br_run **out, const char *path, struct br_err *err)
{
	struct br_run *r = br_run_new();
	struct eval_lines l;
	char *f[5];
	double score;
	int rc;

	*out = NULL;
	rc = eval__lines_open(&l, path, err);
	while (rc >= 0 && (rc = eval__lines_next(&l, err)) > 0) {
		if (eval__words(l.line.ptr, f, 5) < 5)
			rc = br_fail(err, BR_EINPUT, "%s:%zu: a run line has six columns: query Q0 document rank score tag", path, l.no);
		else if (!eval__number(&score, f[4]))
			rc = br_fail(err, BR_EINPUT, "%s:%zu: score '%s' is not a number", path, l.no, f[4]);
		else
			br_run_add(r, f[0], f[2], score);
	}
	eval__lines_close(&l);
	if (rc < 0) {
		br_run_free(r);
		return rc;
	}
	*out = r;
	return 0;
}

static int by_doc_best_first(const void *x, const void *y)
{
	const struct eval_scored *a = x, *b = y;
	int c = strcmp(a->doc, b->doc);

	return c ? c : (a->score < b->score) - (a->score > b->score);
}

/* trec_eval's order: score, highest first; equal scores by id, highest string first. */
static int by_rank(const void *x, const void *y)
{
	const struct eval_scored *a = x, *b = y;

	return a->score != b->score ? (a->score < b->score) - (a->score > b->score) : strcmp(b->doc, a->doc);
}

size_t eval__rank(struct eval_scored **out, const struct eval_ranking *r)
{
	struct eval_scored *v = br_allocn(r->v.n, sizeof *v);
	size_t n = 0;

	*out = v;
	if (r->v.n == 0)
		return 0;
	memcpy(v, r->v.v, r->v.n * sizeof *v);
	qsort(v, r->v.n, sizeof *v, by_doc_best_first);
	for (size_t i = 0; i < r->v.n; i++)
		if (n == 0 || strcmp(v[n - 1].doc, v[i].doc))
			v[n++] = v[i];
	qsort(v, n, sizeof *v, by_rank);
	return n;
}

/* The columns stand apart by white space and the file is read as UTF-8. */
static int check_id(const char *what, const char *id, struct br_err *err)
{
	size_t n = strlen(id);

	if (n == 0)
		return br_fail(err, BR_EINPUT, "cannot write a run: the %s is empty", what);
	if (br_utf8_valid(id, n) < n)
		return br_fail(err, BR_EINPUT, "cannot write a run: %s '%.200s' is not valid UTF-8", what, id);
	for (size_t i = 0; i < n; i++)
		if (eval__space(id + i, n - i))
			return br_fail(err, BR_EINPUT, "cannot write a run: %s '%.200s' has white space in it", what, id);
	return 0;
}

/* Nine digits hold a float, seventeen a double. */
static void add_score(struct br_buf *b, double score)
{
	char s[32];

	snprintf(s, sizeof s, "%.9g", score);
	if (strtod(s, NULL) != score)
		snprintf(s, sizeof s, "%.17g", score);
	br_buf_adds(b, s);
}

static int add_ranking(struct br_buf *b, const char *query, const struct eval_ranking *r, const char *tag, struct br_err *err)
{
	struct eval_scored *v;
	size_t n = eval__rank(&v, r);
	int rc = check_id("query id", query, err);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = check_id("document id", v[i].doc, err);
		br_buf_addf(b, "%s Q0 %s %zu ", query, v[i].doc, i + 1);
		add_score(b, v[i].score);
		br_buf_addf(b, " %s\n", tag);
	}
	free(v);
	return rc;
}

int br_run_write(const struct br_run *r, const char *path, const char *tag, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(MAX_RUN_FILE);
	int rc = check_id("tag", tag, err);

	for (size_t i = 0; rc == 0 && i < r->ranking.n; i++)
		rc = add_ranking(&b, r->query.name.v[i], &r->ranking.v[i], tag, err);
	if (rc == 0)
		rc = br_buf_check(&b, "run file", err);
	if (rc == 0)
		rc = br_file_write_atomic(path, b.ptr, b.len, 0644, err);
	br_buf_release(&b);
	return rc;
}
