/* What `br eval` found, as a table or as JSON; the comparison with a baseline; the temporary folder. */
#include "eval.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#define SHOWN_WORST 10

/* ---- figures ---- */

static const struct { const char *name; size_t at; } measures[] = {
#define X(id, label) { label, offsetof(struct br_measures, id) },
	BR_MEASURE_LIST(X)
#undef X
};

static double measure(const struct br_measures *m, size_t i)
{
	double v;

	memcpy(&v, (const char *)m + measures[i].at, sizeof v);
	return v;
}

/* Nearest rank: the least time that this share of the questions did not exceed. */
static double percentile(const struct br_eval_outcome *o, unsigned percent)
{
	size_t rank = (o->ms.n * percent + 99) / 100;

	return o->ms.n ? o->ms.v[BR_MAX(rank, (size_t)1) - 1] : 0;
}

static const struct br_measures *find(const struct br_eval_result *r, const char *id)
{
	size_t i;

	for (i = 0; i < r->per.n; i++)
		if (!strcmp(r->per.v[i].id, id))
			return &r->per.v[i].m;
	return NULL;
}

/* The difference of two results of the same judgements, question by question, in ndcg@10. */
struct change { const char *id; double from, to; };
struct diff {
	size_t better, worse, equal;
	BR_VEC(struct change) worst; /* those that got worse, the greatest loss first */
};

static int by_loss(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	double lx = x->from - x->to, ly = y->from - y->to;

	return lx != ly ? (lx < ly) - (lx > ly) : strcmp(x->id, y->id);
}

/* Both results come from the same judgements, so their questions mostly stand in the same place. */
static void difference(struct diff *d, const struct br_eval_result *base, const struct br_eval_result *now)
{
	const struct br_measures *m;
	double from, to;
	bool same;
	size_t i;

	for (i = 0; i < now->per.n; i++) {
		same = i < base->per.n && !strcmp(base->per.v[i].id, now->per.v[i].id);
		m = same ? &base->per.v[i].m : find(base, now->per.v[i].id);
		from = m ? m->ndcg10 : 0;
		to = now->per.v[i].m.ndcg10;
		d->better += to > from + 1e-9;
		d->worse += to < from - 1e-9;
		if (to < from - 1e-9)
			*br_vec_push(&d->worst) = (struct change){ now->per.v[i].id, from, to };
	}
	d->equal = now->per.n - d->better - d->worse;
	if (d->worst.n)
		qsort(d->worst.v, d->worst.n, sizeof *d->worst.v, by_loss);
}

/* ---- text ---- */

static void table(const struct br_eval *e)
{
	struct br_columns t = { .align = "lrrrrrrrr" };
	const struct br_eval_outcome *o;
	size_t i, k;

	br_columns_add(&t, BR_DIM, "strategy");
	for (k = 0; k < BR_COUNT(measures); k++)
		br_columns_add(&t, BR_DIM, "%s", measures[k].name);
	for (k = 0; k < 3; k++)
		br_columns_add(&t, BR_DIM, "%s", (const char *const[]){ "p50 ms", "p95 ms", "p99 ms" }[k]);
	for (i = 0; i < e->outcomes.n; i++) {
		o = &e->outcomes.v[i];
		br_columns_add(&t, BR_BOLD, "%s", o->strategy);
		for (k = 0; k < BR_COUNT(measures); k++)
			br_columns_add(&t, BR_PLAIN, "%.4f", measure(&o->score.mean, k));
		br_columns_add(&t, BR_PLAIN, "%.2f", percentile(o, 50));
		br_columns_add(&t, BR_PLAIN, "%.2f", percentile(o, 95));
		br_columns_add(&t, BR_PLAIN, "%.2f", percentile(o, 99));
	}
	br_columns_print(&e->c->out, &t);
}

static void per_query(const struct br_eval *e, const struct br_eval_outcome *o)
{
	struct br_columns t = { .align = "lrrrrr" };
	size_t i, k;

	br_out_f(&e->c->out, "\n%s%s%s\n", br_out_style(&e->c->out, BR_BOLD), o->strategy, br_out_style(&e->c->out, BR_PLAIN));
	br_columns_add(&t, BR_DIM, "question");
	for (k = 0; k < BR_COUNT(measures); k++)
		br_columns_add(&t, BR_DIM, "%s", measures[k].name);
	for (i = 0; i < o->score.per.n; i++) {
		br_columns_add(&t, BR_PLAIN, "%s", o->score.per.v[i].id);
		for (k = 0; k < BR_COUNT(measures); k++)
			br_columns_add(&t, BR_PLAIN, "%.4f", measure(&o->score.per.v[i].m, k));
	}
	br_columns_print(&e->c->out, &t);
}

static void against_baseline(const struct br_eval *e, const struct br_eval_outcome *o)
{
	struct diff d = { 0 };
	struct br_out *out = &e->c->out;
	size_t i;

	difference(&d, &e->baseline, &o->score);
	br_out_f(out, "\n%s against the baseline: ndcg@10 %+.4f; %zu better, %zu worse, %zu equal\n", o->strategy,
	         o->score.mean.ndcg10 - e->baseline.mean.ndcg10, d.better, d.worse, d.equal);
	for (i = 0; i < d.worst.n && (i < SHOWN_WORST || e->c->opt.verbose); i++)
		br_out_f(out, "  worse: %-12s %.4f -> %.4f\n", d.worst.v[i].id, d.worst.v[i].from, d.worst.v[i].to);
	if (i < d.worst.n)
		br_out_f(out, "  and %zu more; -v shows all\n", d.worst.n - i);
	br_vec_release(&d.worst);
}

static void too_low(const struct br_eval *e)
{
	size_t i;

	for (i = 0; i < e->outcomes.n; i++)
		if (e->outcomes.v[i].score.mean.ndcg10 < e->p->min_ndcg)
			br_warn(&e->c->out, "%s: ndcg@10 %.4f is below %g", e->outcomes.v[i].strategy,
			        e->outcomes.v[i].score.mean.ndcg10, e->p->min_ndcg);
}

void br_eval_text(const struct br_eval *e)
{
	struct br_out *o = &e->c->out;
	size_t i;

	br_out_text(o, e->name, strlen(e->name));
	br_out_f(o, ": %s %s, %s %s", br_human_count(e->documents).s, br_plural(e->documents, "document", "documents"),
	         br_human_count(e->questions.n).s, br_plural(e->questions.n, "question", "questions"));
	if (e->index_seconds > 0)
		br_out_f(o, ", indexed in %s", br_human_seconds(e->index_seconds).s);
	br_out_s(o, "\n\n");
	table(e);
	for (i = 0; i < e->outcomes.n; i++) {
		if (e->p->per_query)
			per_query(e, &e->outcomes.v[i]);
		if (e->p->baseline)
			against_baseline(e, &e->outcomes.v[i]);
	}
	too_low(e);
}

/* ---- JSON ---- */

static void json_measures(struct br_json *j, const struct br_measures *m)
{
	size_t i;

	for (i = 0; i < BR_COUNT(measures); i++)
		br_json_knum(j, measures[i].name, measure(m, i), 6);
}

static void json_baseline(struct br_json *j, const struct br_eval *e, const struct br_eval_outcome *o)
{
	struct diff d = { 0 };
	size_t i;

	difference(&d, &e->baseline, &o->score);
	br_json_key(j, "baseline");
	br_json_obj(j);
	json_measures(j, &e->baseline.mean);
	br_json_kuint(j, "better", d.better);
	br_json_kuint(j, "equal", d.equal);
	br_json_key(j, "worse");
	br_json_arr(j);
	for (i = 0; i < d.worst.n; i++) {
		br_json_obj(j);
		br_json_kstr(j, "id", d.worst.v[i].id);
		br_json_knum(j, "from", d.worst.v[i].from, 6);
		br_json_knum(j, "to", d.worst.v[i].to, 6);
		br_json_end(j);
	}
	br_json_end(j);
	br_json_end(j);
	br_vec_release(&d.worst);
}

static void json_per_query(struct br_json *j, const struct br_eval_outcome *o)
{
	size_t i;

	br_json_key(j, "per_query");
	br_json_arr(j);
	for (i = 0; i < o->score.per.n; i++) {
		br_json_obj(j);
		br_json_kstr(j, "id", o->score.per.v[i].id);
		json_measures(j, &o->score.per.v[i].m);
		br_json_end(j);
	}
	br_json_end(j);
}

static void json_outcome(struct br_json *j, const struct br_eval *e, const struct br_eval_outcome *o)
{
	br_json_obj(j);
	br_json_kstr(j, "strategy", o->strategy);
	json_measures(j, &o->score.mean);
	br_json_kuint(j, "unanswered", o->score.unanswered);
	br_json_key(j, "latency_ms");
	br_json_obj(j);
	br_json_knum(j, "p50", percentile(o, 50), 3);
	br_json_knum(j, "p95", percentile(o, 95), 3);
	br_json_knum(j, "p99", percentile(o, 99), 3);
	br_json_end(j);
	if (e->p->per_query)
		json_per_query(j, o);
	if (e->p->baseline)
		json_baseline(j, e, o);
	br_json_end(j);
}

void br_eval_json(const struct br_eval *e)
{
	struct br_json j;
	size_t i;

	br_json_init(&j, br_out_json(&e->c->out), false);
	br_json_obj(&j);
	br_json_kint(&j, "v", 1);
	br_json_kstr(&j, "set", e->name);
	br_json_kuint(&j, "documents", e->documents);
	br_json_kuint(&j, "queries", e->questions.n);
	br_json_key(&j, "results");
	br_json_arr(&j);
	for (i = 0; i < e->outcomes.n; i++)
		json_outcome(&j, e, &e->outcomes.v[i]);
	br_json_end(&j);
	br_json_end(&j);
	br_out_line(&e->c->out);
}

/* ---- the temporary folder ---- */

int br_eval_temp_dir(char **out, struct br_err *err)
{
	const char *base = getenv("TMPDIR");
	char *path = br_sprintf("%s/br-eval-XXXXXX", base && base[0] ? base : "/tmp");
	int rc;

	if (mkdtemp(path)) {
		*out = path;
		return 0;
	}
	rc = br_fail_errno(err, BR_EIO, "cannot make a folder in '%s'", base && base[0] ? base : "/tmp");
	free(path);
	return rc;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void br_eval_temp_remove(const char *dir)
{
	if (dir)
		nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
