/*
 * Latency of questions inside one process: no start, no printing. The searcher is made once, each question opens
 * its own transaction, and hits come with their text, as a server would have it. Prints one JSON object.
 *
 *   inproc [-s STRATEGY] [-k HITS] [-p PASSES] [-f] WORKSPACE QUESTIONS
 *
 * WORKSPACE is a folder inside which (or above which) .br is found; QUESTIONS holds one a line, up to the first TAB;
 * '#' begins a comment. One pass is not counted. -f adds the check of sources that `br query` makes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "br/json.h"
#include "br/retrieve.h"

struct questions { BR_VEC(char *) v; };
struct times { BR_VEC(int64_t) v; }; /* nanoseconds */

static int read_questions(struct questions *out, const char *path, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_CONFIG);
	int rc = br_file_read(&b, path, BR_MAX_CONFIG, err);
	char *save = NULL;

	for (char *line = strtok_r(b.ptr, "\n", &save); rc == 0 && line; line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "\t\r")] = '\0';
		if (*line && *line != '#')
			*br_vec_push(&out->v) = br_strdup(line);
	}
	br_buf_release(&b);
	if (rc == 0 && out->v.n == 0)
		rc = br_fail(err, BR_EINPUT, "'%s' holds no question", path);
	return rc;
}

/* Asks every question once; times are noted when `times` is not NULL. */
static int one_pass(struct times *times, size_t *hits, struct br_searcher *s, const struct questions *q, const struct br_query_opts *opts, struct br_err *err)
{
	for (size_t i = 0; i < q->v.n; i++) {
		struct br_result result = { 0 };
		int64_t start = br_mono_ns();
		int rc = br_retrieve(&result, s, q->v.v[i], opts, err);
		int64_t took = br_mono_ns() - start;
		*hits += result.n;
		br_result_release(&result);
		if (rc < 0)
			return rc;
		if (times)
			*br_vec_push(&times->v) = took;
	}
	return 0;
}

static int compare(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return (a > b) - (a < b);
}

/* Nearest rank, in milliseconds. */
static double quantile(const struct times *t, double q)
{
	size_t i = (size_t)(q * (double)t->v.n + 0.999999);

	return (double)t->v.v[i ? i - 1 : 0] / 1e6;
}

static void print_times(struct times *t, const struct br_query_opts *opts, size_t questions, size_t hits, uint32_t chunks)
{
	struct br_buf out = BR_BUF_INIT(4096);
	struct br_json j;

	qsort(t->v.v, t->v.n, sizeof *t->v.v, compare);
	br_json_init(&j, &out, false);
	br_json_obj(&j);
	br_json_kstr(&j, "strategy", opts->strategy);
	br_json_kuint(&j, "chunks", chunks);
	br_json_kuint(&j, "questions", questions);
	br_json_kuint(&j, "timed", t->v.n);
	br_json_kuint(&j, "hits", hits);
	br_json_kbool(&j, "freshness", opts->freshness_ns > 0);
	br_json_knum(&j, "p50_ms", quantile(t, 0.50), 4);
	br_json_knum(&j, "p95_ms", quantile(t, 0.95), 4);
	br_json_knum(&j, "p99_ms", quantile(t, 0.99), 4);
	br_json_knum(&j, "max_ms", quantile(t, 1), 4);
	br_json_end(&j);
	puts(out.ptr);
	br_buf_release(&out);
}

static int count_chunks(uint32_t *chunks, struct br_ws *ws, struct br_err *err)
{
	struct br_arena arena = { 0 };
	struct br_txn *t = NULL;
	struct br_nb *nb;
	int rc;

	if ((rc = br_txn_read(&t, ws->store, err)) == 0 && (rc = br_nb_get(&nb, &arena, t, NULL, err)) == 0)
		*chunks = nb->chunks;
	br_txn_end(t);
	br_arena_release(&arena);
	return rc;
}

static int measure(const char *folder, const char *file, const struct br_query_opts *opts, int passes, struct br_err *err)
{
	struct questions q = { 0 };
	struct times times = { 0 };
	struct br_searcher *s = NULL;
	struct br_ws *ws = NULL;
	char *dir = NULL;
	uint32_t chunks = 0;
	size_t hits = 0;
	int rc;

	if ((rc = read_questions(&q, file, err)) < 0 ||
	    (rc = br_ws_find(&dir, folder, NULL, err)) < 0 ||
	    (rc = br_ws_open(&ws, dir, 0, err)) < 0 ||
	    (rc = count_chunks(&chunks, ws, err)) < 0)
		goto out;
	s = br_searcher_new(ws);
	rc = one_pass(NULL, &hits, s, &q, opts, err);
	hits = 0;
	for (int i = 0; rc == 0 && i < passes; i++)
		rc = one_pass(&times, &hits, s, &q, opts, err);
	if (rc == 0)
		print_times(&times, opts, q.v.n, hits, chunks);
out:
	br_searcher_free(s);
	if (ws)
		br_ws_close(ws);
	for (size_t i = 0; i < q.v.n; i++)
		free(q.v.v[i]);
	br_vec_release(&q.v);
	br_vec_release(&times.v);
	free(dir);
	return rc;
}

int main(int argc, char **argv)
{
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct br_err err = { 0 };
	int64_t budget = opts.freshness_ns, passes = 5, top;
	int c;

	opts.strategy = "hybrid";
	opts.freshness_ns = 0;
	while ((c = getopt(argc, argv, "s:k:p:f")) != -1) {
		if (c == 's')
			opts.strategy = optarg;
		else if (c == 'f')
			opts.freshness_ns = budget;
		else if (c == 'k' && br_parse_int(&top, optarg, 1, BR_MAX_TOP, "-k", &err) == 0)
			opts.top = (uint32_t)top;
		else if (c != 'p' || br_parse_int(&passes, optarg, 1, 10000, "-p", &err) < 0)
			goto usage;
	}
	if (argc - optind != 2)
		goto usage;
	if (measure(argv[optind], argv[optind + 1], &opts, (int)passes, &err) == 0)
		return 0;
	fprintf(stderr, "inproc: %s\n", err.msg);
	return 1;
usage:
	fputs("usage: inproc [-s STRATEGY] [-k HITS] [-p PASSES] [-f] WORKSPACE QUESTIONS\n", stderr);
	return 129;
}
