/*
 * eval: measures against figures worked out by hand and, where it is at hand, against a second implementation;
 * run files that come back the same; damaged judgement, run and BEIR files.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "br/eval.h"
#include "br/json.h"
#include "br/os.h"

static char dir[] = "/tmp/u_eval.XXXXXX";

static char *place(const char *name)
{
	return br_path_join(dir, name);
}

/* Writes text into a scratch file; the caller frees the path. */
static char *put_n(const char *name, const char *text, size_t n)
{
	char *path = place(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	return path;
}

static char *put(const char *name, const char *text)
{
	return put_n(name, text, strlen(text));
}

static char *slurp(const char *path)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_err err;

	assert_int_equal(br_file_read(&b, path, 1 << 20, &err), 0);
	return br_buf_take(&b, NULL);
}

static struct br_qrels *qrels_of(const char *text)
{
	struct br_qrels *q;
	struct br_err err = { 0 };
	char *path = put("qrels", text);

	if (br_qrels_load(&q, path, &err) < 0)
		fail_msg("%s", err.msg);
	free(path);
	return q;
}

static struct br_run *run_of(const char *text)
{
	struct br_run *r;
	struct br_err err = { 0 };
	char *path = put("run", text);

	if (br_run_load(&r, path, &err) < 0)
		fail_msg("%s", err.msg);
	free(path);
	return r;
}

static struct br_eval_result score(const char *run, const char *qrels_text, struct br_qrels **qrels)
{
	struct br_eval_result e;
	struct br_run *r = run_of(run);

	*qrels = qrels_of(qrels_text);
	br_eval_score(&e, r, *qrels);
	br_run_free(r);
	return e;
}

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-12)

/*
 * river: three relevant (2, 1, 1), the run has gains 1 0 2 0 at places 1..4: dcg 1 + 2/2 = 2, ideal 2 + 1/log2(3) + 1/2.
 * lake:  its only relevant document stands at place 11.
 * sea:   the run does not know it.
 * pond:  judged, nothing relevant: not counted. moor: not judged at all.
 */
static void measures_by_hand(void **state)
{
	const char *qrels = "query-id\tcorpus-id\tscore\n"
			    "river\td1\t2\nriver\td2\t1\nriver\td3\t1\nriver\td4\t0\n"
			    "lake\te\t1\nsea\tf\t3\npond\tg\t0\npond\th\t-1\n";
	struct br_buf run = BR_BUF_INIT(1 << 16);
	struct br_qrels *q;
	(void)state;

	br_buf_adds(&run, "river Q0 d2 1 0.9 t\nriver Q0 d4 2 0.8 t\nriver Q0 d1 3 0.7 t\nriver Q0 zz 4 0.6 t\n");
	for (int i = 1; i <= 10; i++)
		br_buf_addf(&run, "lake Q0 x%d %d %d t\n", i, i, 100 - i);
	br_buf_adds(&run, "lake Q0 e 11 1 t\nmoor Q0 d1 1 1 t\npond Q0 g 1 1 t\n");
	struct br_eval_result e = score(run.ptr, qrels, &q);

	assert_int_equal(e.queries, 3);
	assert_int_equal(e.unanswered, 1);
	assert_int_equal(e.per.n, 3);
	assert_string_equal(e.per.v[0].id, "river");
	assert_string_equal(e.per.v[1].id, "lake");
	assert_string_equal(e.per.v[2].id, "sea");
	double ndcg = 2.0 / (2.5 + 1.0 / log2(3));
	assert_true(fabs(ndcg - 0.638788) < 1e-6);
	NEAR(e.per.v[0].m.ndcg10, ndcg);
	NEAR(e.per.v[0].m.recall10, 2.0 / 3);
	NEAR(e.per.v[0].m.recall100, 2.0 / 3);
	NEAR(e.per.v[0].m.mrr10, 1);
	NEAR(e.per.v[0].m.map, (1.0 + 2.0 / 3) / 3);
	NEAR(e.per.v[1].m.ndcg10, 0);
	NEAR(e.per.v[1].m.recall10, 0);
	NEAR(e.per.v[1].m.recall100, 1);
	NEAR(e.per.v[1].m.mrr10, 0);
	NEAR(e.per.v[1].m.map, 1.0 / 11);
	NEAR(e.per.v[2].m.map, 0);
	NEAR(e.mean.ndcg10, ndcg / 3);
	NEAR(e.mean.recall10, 2.0 / 9);
	NEAR(e.mean.recall100, 5.0 / 9);
	NEAR(e.mean.mrr10, 1.0 / 3);
	NEAR(e.mean.map, (5.0 / 9 + 1.0 / 11) / 3);
	br_eval_release(&e);
	br_qrels_free(q);
	br_buf_release(&run);
}

/* The rank column says the opposite of the scores and must not be heard. */
static void score_decides_not_rank(void **state)
{
	struct br_qrels *q;
	(void)state;

	struct br_eval_result e = score("q Q0 low 1 1 t\nq Q0 high 2 2 t\n", "q\thigh\t1\n", &q);
	NEAR(e.mean.mrr10, 1);
	br_eval_release(&e);
	br_qrels_free(q);
}

static void ties_highest_id_first(void **state)
{
	struct br_qrels *q;
	(void)state;

	struct br_eval_result e = score("q Q0 a 1 5 t\nq Q0 b 2 5 t\nq Q0 \xc3\xa9 3 5.0 t\nq Q0 B 4 5e0 t\n", "q\tb\t1\n", &q);
	NEAR(e.mean.mrr10, 0.5); /* é, b, a, B */
	br_eval_release(&e);
	br_qrels_free(q);
}

/* d: at 3 and 1; its place is that of 3. Counted once, so the third document moves up. */
static void document_twice_counts_once(void **state)
{
	struct br_qrels *q;
	(void)state;

	struct br_eval_result e = score("q Q0 d 1 1 t\nq Q0 x 2 2 t\nq Q0 d 3 3 t\nq Q0 y 4 0.5 t\n", "q 0 d 1\nq 0 y 1\n", &q);
	NEAR(e.mean.mrr10, 1);
	NEAR(e.mean.map, (1.0 + 2.0 / 3) / 2);
	NEAR(e.mean.recall10, 1);
	br_eval_release(&e);
	br_qrels_free(q);
}

static void later_judgement_holds(void **state)
{
	struct br_qrels *q;
	(void)state;

	struct br_eval_result e = score("q Q0 d 1 1 t\nq Q0 c 2 0 t\n", "q\td\t1\nq\tc\t1\nq\td\t0\n", &q);
	NEAR(e.mean.mrr10, 0.5);
	NEAR(e.mean.recall10, 1);
	br_eval_release(&e);
	br_qrels_free(q);
}

/* 150 relevant documents, all found: ideal stops at ten, recall@100 at a hundred of them. */
static void many_relevant(void **state)
{
	struct br_buf run = BR_BUF_INIT(1 << 20), rel = BR_BUF_INIT(1 << 20);
	struct br_qrels *q;
	(void)state;

	for (int i = 0; i < 150; i++) {
		br_buf_addf(&run, "q Q0 d%d 1 %d t\n", i, -i);
		br_buf_addf(&rel, "q\td%d\t1\n", i);
	}
	struct br_eval_result e = score(run.ptr, rel.ptr, &q);
	NEAR(e.mean.ndcg10, 1);
	NEAR(e.mean.recall10, 10.0 / 150);
	NEAR(e.mean.recall100, 100.0 / 150);
	NEAR(e.mean.map, 1);
	br_eval_release(&e);
	br_qrels_free(q);
	br_buf_release(&run);
	br_buf_release(&rel);
}

static void nothing_to_average(void **state)
{
	struct br_qrels *q = qrels_of("q\td\t0\n");
	struct br_run *r = br_run_new();
	struct br_eval_result e;
	(void)state;

	br_eval_score(&e, r, q);
	assert_int_equal(e.queries, 0);
	NEAR(e.mean.ndcg10, 0);
	NEAR(e.mean.map, 0);
	br_eval_release(&e);
	br_eval_release(&e);
	br_run_free(r);
	br_qrels_free(q);
	br_run_free(NULL);
	br_qrels_free(NULL);
}

static void qrels_forms(void **state)
{
	struct br_qrels *q;
	(void)state;

	/* TREC's four columns; BOM, blank lines, CRLF and a missing last line end are no trouble; ids may have spaces between TABs */
	struct br_eval_result e = score("q1 Q0 d 1 1 t\n", "\xef\xbb\xbfq1 0 d 1\r\n\r\n   \nq1 0 c 1", &q);
	NEAR(e.mean.recall10, 0.5);
	br_eval_release(&e);
	br_qrels_free(q);
	e = score("q1 Q0 d 1 1 t\n", "\nquery\tdoc\trel\nq1\ta b\t1.0\nq1\td\t1\n", &q);
	NEAR(e.mean.recall10, 0.5);
	br_eval_release(&e);
	br_qrels_free(q);
}

static void expect_refusal(int rc, const struct br_err *err, enum br_code code, const char *says)
{
	assert_int_equal(rc, -(int)code);
	if (!strstr(err->msg, says))
		fail_msg("'%s' does not say '%s'", err->msg, says);
}

static void damaged_qrels(void **state)
{
	static const struct { const char *text, *says; } bad[] = {
		{ "q\td\t1\nq\td\n", "qrels:2: neither three columns" },
		{ "q d\n", "qrels:1: neither three columns" },
		{ "a\tb\tc\nq\td\tmany\n", "qrels:2: relevance 'many'" },
		{ "q\td\t1\n\nq\td\t0x1\n", "qrels:3: relevance '0x1'" },
		{ "q\td\t1\nq\td\tinf\n", "qrels:2: relevance 'inf'" },
		{ "q\td\t1\nq\td\t1e300\n", "qrels:2: relevance 1e300" },
		{ "q 0 d 1 more\n", "qrels:1: neither" },
		{ "q\td\t1\nq\td\t1\t\n", "qrels:2: relevance ''" },
	};
	(void)state;

	for (size_t i = 0; i < BR_COUNT(bad); i++) {
		struct br_qrels *q = (void *)1;
		struct br_err err = { 0 };
		char *path = put("qrels", bad[i].text);
		expect_refusal(br_qrels_load(&q, path, &err), &err, BR_EINPUT, bad[i].says);
		assert_null(q);
		free(path);
	}
}

static void damaged_run(void **state)
{
	static const struct { const char *text, *says; } bad[] = {
		{ "q Q0 d 1 1 t\nq Q0 d 1\n", "run:2: a run line has six columns" },
		{ "q Q0 d 1 good t\n", "run:1: score 'good'" },
		{ "q Q0 d 1 nan t\n", "run:1: score 'nan'" },
	};
	(void)state;

	for (size_t i = 0; i < BR_COUNT(bad); i++) {
		struct br_run *r = (void *)1;
		struct br_err err = { 0 };
		char *path = put("run", bad[i].text);
		expect_refusal(br_run_load(&r, path, &err), &err, BR_EINPUT, bad[i].says);
		assert_null(r);
		free(path);
	}
}

static void files_that_are_not_there(void **state)
{
	struct br_err err = { 0 };
	struct br_qrels *q;
	struct br_run *r;
	char *none = place("none"), *nul = put_n("nul", "q Q0 d 1 1\0 t\n", 14);
	(void)state;

	expect_refusal(br_qrels_load(&q, none, &err), &err, BR_EINPUT, "none");
	expect_refusal(br_run_load(&r, none, &err), &err, BR_EINPUT, "No such file");
	expect_refusal(br_run_load(&r, dir, &err), &err, BR_EINPUT, "not a regular file");
	expect_refusal(br_run_load(&r, nul, &err), &err, BR_EINPUT, "nul:1: holds a NUL byte");
	free(none);
	free(nul);
}

static void overlong_line(void **state)
{
	char *big = malloc(BR_MAX_NDJSON_LINE + 100u);
	struct br_err err = { 0 };
	struct br_run *r;
	(void)state;

	memset(big, 'x', BR_MAX_NDJSON_LINE + 100u);
	char *path = put_n("big", big, BR_MAX_NDJSON_LINE + 100u);
	expect_refusal(br_run_load(&r, path, &err), &err, BR_ETOOBIG, "big:1: line is longer");
	unlink(path);
	free(path);
	free(big);
}

static void written_run_is_in_rank_order(void **state)
{
	struct br_run *r = br_run_new();
	struct br_err err = { 0 };
	char *path = place("out");
	(void)state;

	br_run_add(r, "q2", "x", 1);
	br_run_add(r, "q1", "low", 0.25);
	br_run_add(r, "q1", "a", 3);
	br_run_add(r, "q1", "b", 3);
	br_run_add(r, "q1", "low", 0.125);
	br_run_add(r, "q1", "neg", -1e-9);
	br_run_add(r, "q1", "odd", (double)NAN);
	assert_int_equal(br_run_write(r, path, "br", &err), 0);
	char *text = slurp(path);
	assert_string_equal(text, "q2 Q0 x 1 1 br\n"
				  "q1 Q0 b 1 3 br\nq1 Q0 a 2 3 br\nq1 Q0 low 3 0.25 br\n"
				  "q1 Q0 neg 4 -1e-09 br\nq1 Q0 odd 5 -1.7976931348623157e+308 br\n");
	free(text);
	free(path);
	br_run_free(r);
}

/* Neighbouring doubles must not become a tie, or the order and with it the measures would change. */
static void scores_round_trip(void **state)
{
	struct br_run *r = br_run_new(), *back;
	struct br_qrels *q = qrels_of("q\ta\t1\n");
	struct br_eval_result before, after;
	struct br_err err = { 0 };
	char *path = place("out");
	(void)state;

	br_run_add(r, "q", "a", 0.1 + 0.2);
	br_run_add(r, "q", "b", 0.3);
	br_run_add(r, "q", "c", (double)0.7f);
	br_run_add(r, "q", "tiny", 4.9e-324);
	assert_int_equal(br_run_write(r, path, "br", &err), 0);
	assert_int_equal(br_run_load(&back, path, &err), 0);
	br_eval_score(&before, r, q);
	br_eval_score(&after, back, q);
	NEAR(before.mean.mrr10, 0.5);
	NEAR(after.mean.mrr10, 0.5);
	char *text = slurp(path);
	assert_non_null(strstr(text, "q Q0 a 2 0.30000000000000004 br"));
	assert_non_null(strstr(text, "q Q0 b 3 0.3 br"));
	free(text);
	br_eval_release(&before);
	br_eval_release(&after);
	br_run_free(r);
	br_run_free(back);
	br_qrels_free(q);
	free(path);
}

static void ids_that_cannot_be_written(void **state)
{
	static const struct { const char *query, *doc, *tag, *says; } bad[] = {
		{ "q", "a b", "t", "document id 'a b' has white space" },
		{ "q 1", "a", "t", "query id 'q 1' has white space" },
		{ "q", "a\xc2\xa0z", "t", "white space" },
		{ "q", "a\n", "t", "white space" },
		{ "q", "", "t", "document id is empty" },
		{ "q", "\xff", "t", "not valid UTF-8" },
		{ "q", "a", "my tag", "tag 'my tag'" },
	};
	char *path = place("never");
	(void)state;

	for (size_t i = 0; i < BR_COUNT(bad); i++) {
		struct br_run *r = br_run_new();
		struct br_err err = { 0 };
		br_run_add(r, bad[i].query, bad[i].doc, 1);
		expect_refusal(br_run_write(r, path, bad[i].tag, &err), &err, BR_EINPUT, bad[i].says);
		assert_false(br_is_file(path));
		br_run_free(r);
	}
	free(path);
}

/* ---- BEIR ---- */

struct rows { struct br_buf text; int n, stop_at; };

static int take_row(const struct br_beir_row *row, void *arg, struct br_err *err)
{
	struct rows *r = arg;

	br_buf_addf(&r->text, "[%s|%s|%s]", row->id, row->title, row->text);
	if (++r->n == r->stop_at)
		return br_fail(err, BR_ECANCELLED, "enough");
	return 0;
}

static int each(const char *text, struct rows *rows, struct br_err *err)
{
	char *path = put("beir.jsonl", text);
	int rc;

	*rows = (struct rows){ .text = BR_BUF_INIT(1 << 20), .stop_at = rows->stop_at };
	rc = br_beir_each(path, take_row, rows, err);
	free(path);
	return rc;
}

static void beir_rows(void **state)
{
	struct rows rows = { .stop_at = 0 };
	struct br_err err = { 0 };
	(void)state;

	assert_int_equal(each("\xef\xbb\xbf{\"_id\":\"a\",\"title\":\"T\",\"text\":\"x \\u00e9\"}\r\n\n"
			      "{\"text\":\"\",\"_id\":4983,\"title\":null,\"metadata\":{}}\n   \n{\"_id\":\"z\",\"text\":\"last\"}", &rows, &err), 0);
	assert_string_equal(rows.text.ptr, "[a|T|x \xc3\xa9][4983||][z||last]");
	br_buf_release(&rows.text);
	assert_int_equal(each("", &rows, &err), 0);
	assert_int_equal(rows.n, 0);
	br_buf_release(&rows.text);
	rows.stop_at = 1;
	assert_int_equal(each("{\"_id\":\"a\",\"text\":\"x\"}\n{\"_id\":\"b\",\"text\":\"x\"}\n", &rows, &err), -BR_ECANCELLED);
	assert_int_equal(rows.n, 1);
	br_buf_release(&rows.text);
}

static void damaged_beir(void **state)
{
	static const struct { const char *text, *says; } bad[] = {
		{ "{\"_id\":\"a\",\"text\":\"x\"}\n\n{\"text\":\"x\"}\n", "beir.jsonl:3: \"_id\"" },
		{ "{\"_id\":\"\",\"text\":\"x\"}\n", ":1: \"_id\"" },
		{ "{\"_id\":1.5,\"text\":\"x\"}\n", ":1: \"_id\"" },
		{ "{\"_id\":123456789012345678901,\"text\":\"x\"}\n", ":1: \"_id\"" },
		{ "{\"_id\":\"a\"}\n", ":1: \"text\"" },
		{ "{\"_id\":\"a\",\"text\":7}\n", ":1: \"text\"" },
		{ "{\"_id\":\"a\",\"text\":\"x\",\"title\":[]}\n", ":1: \"title\"" },
		{ "[1]\n", ":1: not a JSON object" },
		{ "{\"_id\":\"a\",\"text\":\"x\"\n", "beir.jsonl:1" },
		{ "{\"_id\":\"a\",\"text\":\"\xff\"}\n", "beir.jsonl:1" },
	};
	(void)state;

	for (size_t i = 0; i < BR_COUNT(bad); i++) {
		struct rows rows = { .stop_at = 0 };
		struct br_err err = { 0 };
		expect_refusal(each(bad[i].text, &rows, &err), &err, BR_EINPUT, bad[i].says);
		br_buf_release(&rows.text);
	}
}

/* ---- against a second implementation ---- */

struct ids { BR_VEC(char *) v; };

static int take_id(const struct br_beir_row *row, void *arg, struct br_err *err)
{
	(void)err;
	*br_vec_push(&((struct ids *)arg)->v) = br_strdup(row->id);
	return 0;
}

static struct ids ids_in(const char *set, const char *file)
{
	struct ids ids = { 0 };
	struct br_err err = { 0 };
	char *path = br_path_join(set, file);

	if (br_beir_each(path, take_id, &ids, &err) < 0)
		fail_msg("%s", err.msg);
	free(path);
	return ids;
}

static void ids_release(struct ids *ids)
{
	for (size_t i = 0; i < ids->v.n; i++)
		free(ids->v.v[i]);
	br_vec_release(&ids->v);
}

static uint32_t next_random(uint32_t *s)
{
	*s = *s * 1664525u + 1013904223u;
	return *s >> 8;
}

/* About 200 documents for most questions, few distinct scores (so that there are many ties), some documents twice. */
static void random_run(const char *path, const struct ids *query, const struct ids *doc)
{
	FILE *f = fopen(path, "w");
	uint32_t s = 7;

	assert_non_null(f);
	for (size_t i = 0; i < query->v.n; i++)
		for (int k = 0; i % 9 && k < 200; k++)
			fprintf(f, "%s Q0 %s %d %g t\n", query->v.v[i], doc->v.v[next_random(&s) % doc->v.n], k, (double)(next_random(&s) % 50) / 7);
	assert_int_equal(fclose(f), 0);
}

static double number_in(const struct br_jdoc *d, const char *key)
{
	double v = -1;

	assert_true(br_jval_num(&v, br_jval_get(br_jdoc_root(d), key)));
	return v;
}

static struct br_jdoc *other_program(const char *shared, const char *run, const char *qrels)
{
	char *command = br_sprintf("python3 '%s/eval/ir_eval.py' --json '%s' '%s'", shared, run, qrels);
	struct br_buf out = BR_BUF_INIT(1 << 16);
	struct br_jdoc *d;
	struct br_err err = { 0 };
	FILE *p = popen(command, "r");

	assert_non_null(p);
	for (int c; (c = fgetc(p)) != EOF;)
		br_buf_addc(&out, (char)c);
	assert_int_equal(pclose(p), 0);
	if (br_jdoc_parse(&d, br_buf_slice(&out), "ir_eval", &err) < 0)
		fail_msg("%s", err.msg);
	br_buf_release(&out);
	free(command);
	return d;
}

static void agrees_with_second_program(void **state)
{
	const char *shared = getenv("BR_SHARED");
	struct br_eval_result e;
	struct br_qrels *q;
	struct br_run *r;
	struct br_err err = { 0 };
	(void)state;

	if (!shared || system("python3 -c pass") != 0) {
		print_message("skipped: %s\n", shared ? "python3 is not installed" : "BR_SHARED not set");
		skip();
	}
	char *set = br_path_join(shared, "eval/cranfield"), *qrels = br_path_join(set, "qrels.tsv"), *run = place("random.run");
	struct ids query = ids_in(set, "queries.jsonl"), doc = ids_in(set, "corpus.jsonl");
	random_run(run, &query, &doc);
	struct br_jdoc *want = other_program(shared, run, qrels);
	assert_int_equal(br_qrels_load(&q, qrels, &err), 0);
	assert_int_equal(br_run_load(&r, run, &err), 0);
	br_eval_score(&e, r, q);
	assert_true(e.mean.recall100 > 0.01);
#define X(id, name) if (fabs(e.mean.id - number_in(want, name)) > 0.500001e-4) fail_msg("%s: %.6f here, %.4f there", name, e.mean.id, number_in(want, name));
	BR_MEASURE_LIST(X)
#undef X
	assert_int_equal(e.queries, (int)number_in(want, "queries"));
	assert_int_equal(e.unanswered, (int)number_in(want, "unanswered"));
	br_eval_release(&e);
	br_run_free(r);
	br_qrels_free(q);
	br_jdoc_free(want);
	ids_release(&query);
	ids_release(&doc);
	free(set);
	free(qrels);
	free(run);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const made[] = { "qrels", "run", "nul", "big", "out", "beir.jsonl", "random.run" };
	(void)state;

	for (size_t i = 0; i < BR_COUNT(made); i++) {
		char *path = place(made[i]);
		unlink(path);
		free(path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measures_by_hand),
		cmocka_unit_test(score_decides_not_rank),
		cmocka_unit_test(ties_highest_id_first),
		cmocka_unit_test(document_twice_counts_once),
		cmocka_unit_test(later_judgement_holds),
		cmocka_unit_test(many_relevant),
		cmocka_unit_test(nothing_to_average),
		cmocka_unit_test(qrels_forms),
		cmocka_unit_test(damaged_qrels),
		cmocka_unit_test(damaged_run),
		cmocka_unit_test(files_that_are_not_there),
		cmocka_unit_test(overlong_line),
		cmocka_unit_test(written_run_is_in_rank_order),
		cmocka_unit_test(scores_round_trip),
		cmocka_unit_test(ids_that_cannot_be_written),
		cmocka_unit_test(beir_rows),
		cmocka_unit_test(damaged_beir),
		cmocka_unit_test(agrees_with_second_program),
	};
	return cmocka_run_group_tests_name("eval", tests, set_up, tear_down);
}
