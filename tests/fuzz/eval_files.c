/* Judgements, runs and BEIR files. Input: judgements, a line "%", a run, a line "%", BEIR rows. */
#include "fuzz.h"

#include "eval/internal.h"

static struct br_slice part(struct br_slice *rest)
{
	const char *cut = rest->len ? memmem(rest->ptr, rest->len, "\n%\n", 3) : NULL;
	struct br_slice head = cut ? br_slice(rest->ptr, (size_t)(cut - rest->ptr) + 1) : *rest;

	*rest = cut ? br_slice(cut + 3, rest->len - head.len - 2) : br_slice("", 0);
	return head;
}

static void check_range(const struct br_measures *m)
{
#define X(id, name) HOLDS(m->id >= 0 && m->id <= 1 + 1e-9);
	BR_MEASURE_LIST(X)
#undef X
}

static void check_score(struct br_eval_result *r, const struct br_run *run, const struct br_qrels *qrels)
{
	br_eval_score(r, run, qrels);
	HOLDS(r->queries == r->per.n && r->unanswered <= r->queries);
	check_range(&r->mean);
	for (size_t i = 0; i < r->per.n; i++)
		check_range(&r->per.v[i].m);
}

/* A written run gives the same measures. */
static void check_written(const struct br_run *run, const struct br_qrels *qrels, const struct br_eval_result *first)
{
	char *path = br_path_join(fuzz_dir(), "written");
	struct br_run *again = NULL;
	struct br_eval_result r = { .queries = 0 };

	if (br_run_write(run, path, "tag", NULL) == 0) {
		HOLDS(br_run_load(&again, path, NULL) == 0);
		check_score(&r, again, qrels);
		HOLDS(!memcmp(&r.mean, &first->mean, sizeof r.mean) && r.queries == first->queries && r.unanswered == first->unanswered);
		br_eval_release(&r);
	}
	br_run_free(again);
	free(path);
}

static int row(const struct br_beir_row *r, void *arg, struct br_err *err)
{
	(void)arg, (void)err;
	HOLDS(r->id && *r->id && r->text);
	return 0;
}

FUZZ(eval_files)
{
	struct br_qrels *qrels = NULL;
	struct br_run *run = NULL;
	struct br_eval_result r = { .queries = 0 };
	struct br_slice rest = in;
	struct br_err err = { 0 };
	int one = br_qrels_load(&qrels, fuzz_file("qrels", part(&rest)), &err);
	int two = br_run_load(&run, fuzz_file("run", part(&rest)), &err);

	HOLDS((one == 0 && two == 0) || (err.code == BR_EINPUT && err.msg[0]) || err.code == BR_ETOOBIG);
	if (one == 0 && two == 0) {
		check_score(&r, run, qrels);
		check_written(run, qrels, &r);
		br_eval_release(&r);
	}
	(void)!br_beir_each(fuzz_file("beir", rest), row, NULL, NULL);
	br_qrels_free(qrels);
	br_run_free(run);
}
