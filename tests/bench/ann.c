/*
 * Vector indexes side by side on made-up clustered vectors, one thread: time to build, size, time to open, p50 of a question and
 * the share of the true best that is found, over questions that were not used for calibration. The exact scan comes first.
 *
 *   ann [-n ROWS] [-d DIM] [-q QUESTIONS] [KIND...]
 *
 * Ends with status 1 when ivf finds less than 0.97 of the true best 10, or takes more than 0.5 ms at up to 200,000 rows.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/vectors.h"
#include "br/os.h"

struct bench {
	struct vector_rows *rows;
	struct br_ann_query *q;
	struct br_topk *truth;   /* of 100 */
	uint32_t n;
	int64_t *took;
	bool failed;
};

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double p50(struct bench *b)
{
	qsort(b->took, b->n, sizeof *b->took, by_time);
	return (double)b->took[b->n / 2] / 1e6;
}

static int ask(struct bench *b, double *recall, double *ms, char way[160], const struct br_ann_index *ix, uint32_t k, struct br_err *err)
{
	uint64_t found = 0;

	for (int pass = 0; pass < 2; pass++) { /* the first warms up */
		found = 0;
		for (uint32_t i = 0; i < b->n; i++) {
			struct br_ann_stats stats;
			int64_t start = br_mono_ns();
			struct br_topk top;
			int rc;
			br_topk_init(&top, k);
			rc = br_ann_find(&top, &stats, ix, &b->rows->src, &b->q[i], NULL, err);
			b->took[i] = br_mono_ns() - start;
			if (rc < 0)
				return rc;
			for (uint32_t j = 0; j < top.n; j++)
				found += top.h[j].score >= b->truth[i].h[k - 1].score;
			strcpy(way, stats.way);
			br_topk_release(&top);
		}
	}
	*recall = (double)found / ((double)b->n * k);
	*ms = p50(b);
	return 0;
}

static void print_row(const char *name, double build, double megabytes, double open_ms, const double ms[2], const double recall[2], const char *way)
{
	printf("%-6s %8.1f %8.1f %8.2f %9.3f %9.4f %9.3f %9.4f  %s\n", name, build, megabytes, open_ms, ms[0], recall[0], ms[1], recall[1], way);
	fflush(stdout);
}

static int measure(struct bench *b, double ms[2], double recall[2], char way[160], const struct br_ann_index *ix, struct br_err *err)
{
	char way100[160];
	int rc = ask(b, &recall[0], &ms[0], way, ix, 10, err);

	return rc < 0 ? rc : ask(b, &recall[1], &ms[1], way100, ix, 100, err);
}

static int one_kind(struct bench *b, enum br_ann_kind kind, struct br_err *err)
{
	struct br_ann_build_opts opts = { .threads = br_cores() };
	char *path = br_sprintf("%s/br-bench-ann-%ld", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (long)getpid()), way[160];
	struct br_ann_index *ix = NULL;
	struct br_ann_file file;
	int64_t start = br_mono_ns();
	double build, open_ms, ms[2], recall[2];
	struct stat st;
	int rc = br_ann_build(&file, path, &b->rows->src, NULL, kind, &opts, err);

	build = (double)(br_mono_ns() - start) / 1e9;
	start = br_mono_ns();
	if (rc == 0 && (rc = br_ann_index_open(&ix, path, &file, err)) == 0) {
		open_ms = (double)(br_mono_ns() - start) / 1e6;
		stat(path, &st);
		rc = measure(b, ms, recall, way, ix, err);
		if (rc == 0)
			print_row(br_ann_kind_name(kind), build, (double)st.st_size / 1e6, open_ms, ms, recall, way);
		if (rc == 0 && kind == BR_ANN_ivf)
			b->failed |= recall[0] < 0.97 || (b->rows->src.rows <= 200000 && ms[0] > 0.5);
	}
	br_ann_index_close(ix);
	unlink(path);
	free(path);
	return rc;
}

static int run(struct bench *b, const char *const *kinds, int n, struct br_err *err)
{
	static const char *const usual[] = { "flat", "sq8", "ivf", "hnsw" };
	double ms[2], recall[2];
	char way[160];
	int rc = measure(b, ms, recall, way, NULL, err);

	if (!n) {
		kinds = usual;
		n = BR_COUNT(usual);
	}
	if (rc == 0)
		print_row("exact", 0, (double)b->rows->src.rows * (b->rows->src.dim + 4) / 1e6, 0, ms, recall, way);
	for (int i = 0; i < n && rc == 0; i++) {
		enum br_ann_kind kind;
		rc = br_ann_kind_parse(&kind, kinds[i]) ? one_kind(b, kind, err) : br_fail(err, BR_EUSAGE, "no kind '%s'", kinds[i]);
	}
	return rc;
}

static void make_questions(struct bench *b, struct vectors *v)
{
	struct br_ann_stats stats;

	b->q = br_allocn(b->n, sizeof *b->q);
	b->truth = br_allocn(b->n, sizeof *b->truth);
	b->took = br_allocn(b->n, sizeof *b->took);
	for (uint32_t i = 0; i < b->n; i++) {
		vectors_question(v, &b->q[i], i & 1);
		br_topk_init(&b->truth[i], 100);
		if (br_ann_search(&b->truth[i], &stats, &b->rows->src, &b->q[i], NULL, NULL) < 0)
			abort();
	}
}

int main(int argc, char **argv)
{
	int64_t rows = 200000, dim = 256, questions = 300;
	struct br_err err = { 0 };
	struct bench b = { 0 };
	struct vectors v;
	int c, rc;

	while ((c = getopt(argc, argv, "n:d:q:")) != -1)
		if ((c == 'n' && br_parse_int(&rows, optarg, 1000, 100000000, "-n", &err) < 0) ||
		    (c == 'd' && br_parse_int(&dim, optarg, 8, BR_ANN_MAX_DIM, "-d", &err) < 0) ||
		    (c == 'q' && br_parse_int(&questions, optarg, 1, 100000, "-q", &err) < 0) || c == '?') {
			fputs("usage: ann [-n ROWS] [-d DIM] [-q QUESTIONS] [flat|sq8|ivf|hnsw|pq ...]\n", stderr);
			return 129;
		}
	vectors_init(&v, (uint32_t)dim, 60, 2000, 7);
	b.n = (uint32_t)questions;
	b.rows = vector_rows_new(&v, (uint32_t)rows);
	make_questions(&b, &v);
	printf("%lld rows of %lld, %s, FAISS %s\n", (long long)rows, (long long)dim, br_simd_name(br_simd_level()), br_ann_faiss(NULL));
	printf("%-6s %8s %8s %8s %9s %9s %9s %9s  %s\n", "kind", "build s", "MB", "open ms", "p50 of 10", "recall", "p50 of100", "recall", "way");
	rc = run(&b, (const char *const *)argv + optind, argc - optind, &err);
	if (rc < 0)
		fprintf(stderr, "ann: %s\n", err.msg);
	vectors_release(&v);
	vector_rows_free(b.rows);
	for (uint32_t i = 0; i < b.n; i++)
		br_topk_release(&b.truth[i]);
	free(b.q);
	free(b.truth);
	free(b.took);
	return rc < 0 ? 128 : b.failed;
}
