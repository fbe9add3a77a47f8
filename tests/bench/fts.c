/*
 * Keyword search inside one process, over passages given one a line: the index alone, without documents and vectors.
 *
 *   fts build PASSAGES DIR      a new index in the folder DIR, committed; prints one JSON object
 *   fts serve DIR [-x]          reads lines "QUESTIONS K" and asks every line of the file QUESTIONS for its best K; prints for each
 *                               {"hits":N,"ns":[...]}, the time of every question. -x: also compares all hits with the plain reference.
 *
 * Passages and questions are stemmed as English. A question's time is that of looking its terms up and searching; cutting it into terms is
 * left out, as it is with the peers. One transaction serves all questions of a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "br/fts.h"
#include "br/limits.h"
#include "br/os.h"

#define UNIT 2000             /* passages of one unit */
#define BATCH_UNITS 10        /* units of one commit */

static const char *const english[] = { "en", NULL };

/* ---- building ---- */

struct batch {
	uint32_t first;
	struct br_fts_unit *unit[BATCH_UNITS];
	size_t n;
};

static int write_batch(struct br_txn *t, void *arg, struct br_err *err)
{
	struct batch *b = arg;

	return br_fts_write(t, 1, b->first, b->unit, b->n, err);
}

static int flush(struct batch *b, struct br_store *s, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < b->n; i++)
		br_fts_unit_finish(b->unit[i]);
	if (b->n)
		rc = br_store_write(s, write_batch, b, err);
	for (size_t i = 0; i < b->n; i++) {
		b->first += br_fts_unit_chunks(b->unit[i]);
		br_fts_unit_free(b->unit[i]);
	}
	b->n = 0;
	return rc;
}

static int add_lines(struct batch *b, struct br_store *s, FILE *in, struct br_err *err)
{
	struct br_tokenizer *tok = br_tokenizer_new();
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = 0;

	br_tokenizer_lang(tok, "en");
	while (rc == 0 && (n = getline(&line, &cap, in)) > 0) {
		struct br_fts_unit **u = &b->unit[b->n ? b->n - 1 : 0];
		if (!b->n || br_fts_unit_chunks(*u) == UNIT)
			*(u = &b->unit[b->n++]) = br_fts_unit_new();
		br_fts_unit_begin(*u);
		br_fts_unit_text(*u, tok, br_slice(line, (size_t)n - (line[n - 1] == '\n')));
		br_fts_unit_end(*u);
		if (b->n == BATCH_UNITS && br_fts_unit_chunks(*u) == UNIT)
			rc = flush(b, s, err);
	}
	free(line);
	br_tokenizer_free(tok);
	return rc < 0 ? rc : flush(b, s, err);
}

static int build(const char *passages, const char *dir, struct br_err *err)
{
	const struct br_store_opts opts = { BR_STORE_CREATE, 0 };
	struct batch b = { 0 };
	struct br_store *s;
	int64_t start = br_mono_ns();
	FILE *in = fopen(passages, "r");
	int rc;

	if (!in)
		return br_fail(err, BR_ENOTFOUND, "cannot read '%s'", passages);
	if ((rc = br_store_open(&s, dir, &opts, err)) == 0) {
		rc = add_lines(&b, s, in, err);
		printf("{\"passages\":%u,\"seconds\":%.3f,\"bytes\":%llu}\n", b.first, (double)(br_mono_ns() - start) / 1e9, (unsigned long long)br_store_bytes(s));
		br_store_close(s);
	}
	fclose(in);
	return rc;
}

/* ---- asking ---- */

static int same(const struct br_topk *a, struct br_txn *t, const struct br_fts_query *q, uint32_t k, const char *text, struct br_err *err)
{
	struct br_fts_want want = { .k = k, .exhaustive = true };
	struct br_topk b = { 0 };
	int rc = br_fts_search(&b, t, 1, q, &want, err);

	if (rc == 0 && (a->n != b.n || (a->n && memcmp(a->h, b.h, a->n * sizeof *a->h) != 0)))
		rc = br_fail(err, BR_EBUG, "other hits than the reference has: %s", text);
	br_topk_release(&b);
	return rc;
}

static int ask(int64_t *ns, uint32_t *hits, struct br_txn *t, struct br_tokenizer *tok, const char *text, uint32_t k, bool check, struct br_err *err)
{
	struct br_fts_want want = { .k = k };
	struct br_fts_query q;
	struct br_topk top = { 0 };
	int64_t start;
	int rc;

	br_fts_query_init(&q);
	br_fts_query_add(&q, tok, br_slice_str(text), english, BR_GROUP_SHOULD);
	start = br_mono_ns();
	if ((rc = br_fts_resolve(&q, t, 1, err)) == 0)
		rc = br_fts_search(&top, t, 1, &q, &want, err);
	*ns = br_mono_ns() - start;
	*hits += top.n;
	if (rc == 0 && check)
		rc = same(&top, t, &q, k, text, err);
	br_topk_release(&top);
	br_fts_query_release(&q);
	return rc;
}

static int ask_file(struct br_store *s, struct br_tokenizer *tok, const char *path, uint32_t k, bool check, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(64u << 20);
	BR_VEC(int64_t) ns = { 0 };
	struct br_txn *t = NULL;
	uint32_t hits = 0;
	char *save = NULL;
	int rc = br_file_read(&b, path, 64u << 20, err);

	if (rc == 0)
		rc = br_txn_read(&t, s, err);
	for (char *line = rc == 0 ? strtok_r(b.ptr, "\n", &save) : NULL; rc == 0 && line; line = strtok_r(NULL, "\n", &save))
		rc = ask(br_vec_push(&ns), &hits, t, tok, line, k, check, err);
	br_txn_end(t);
	printf("{\"hits\":%u,\"ns\":[", hits);
	for (size_t i = 0; i < ns.n; i++)
		printf("%s%lld", i ? "," : "", (long long)ns.v[i]);
	puts("]}");
	fflush(stdout);
	br_buf_release(&b);
	br_vec_release(&ns);
	return rc;
}

static int serve(const char *dir, bool check, struct br_err *err)
{
	const struct br_store_opts opts = { 0, 0 };
	struct br_tokenizer *tok = br_tokenizer_new();
	struct br_store *s = NULL;
	char line[4096], path[4096];
	unsigned k;
	int rc = br_store_open(&s, dir, &opts, err);

	while (rc == 0 && fgets(line, sizeof line, stdin) && sscanf(line, "%4095s %u", path, &k) == 2)
		rc = ask_file(s, tok, path, BR_MIN(k, (unsigned)BR_MAX_TOP), check, err);
	if (s)
		br_store_close(s);
	br_tokenizer_free(tok);
	return rc;
}

int main(int argc, char **argv)
{
	struct br_err err = { 0 };
	bool check = argc == 4 && strcmp(argv[3], "-x") == 0;
	int rc = -1;

	if (argc == 4 && strcmp(argv[1], "build") == 0)
		rc = build(argv[2], argv[3], &err);
	else if ((argc == 3 || check) && strcmp(argv[1], "serve") == 0)
		rc = serve(argv[2], check, &err);
	else {
		fputs("usage: fts build PASSAGES DIR | fts serve DIR [-x]\n", stderr);
		return 129;
	}
	if (rc < 0)
		fprintf(stderr, "fts: %s\n", err.msg);
	return rc < 0;
}
