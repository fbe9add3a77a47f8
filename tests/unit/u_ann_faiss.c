/*
 * Indexes of every kind against the exact scan: the same scores, the same hits where the kind is exact, nearly all of them where it
 * is not; filters, deleted and newer rows, rows without a vector, tiny and empty sets; files that do not fit; and that FAISS calls
 * our kernels, which a misspelt --wrap would silently not do.
 */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "vectors.h"

#include "scratch.h"

static bool no_faiss(void)
{
	struct br_err err;

	if (br_ann_faiss(&err))
		return false;
	printf("skipped: %s\n", err.msg);
	return true;
}

#define NEEDS_FAISS()      \
	do {               \
		if (no_faiss()) \
			return; \
	} while (0)

/* ---- helpers ---- */

static const char *index_path(void)
{
	static unsigned n;
	static char path[300];

	snprintf(path, sizeof path, "%s/ix%u", scratch_dir, n++);
	return path;
}

static struct br_ann_index *build_at(const char *path, struct br_ann_file *file, const struct br_ann_source *src, const struct br_bits *live, enum br_ann_kind kind)
{
	struct br_ann_build_opts opts = { .threads = 2 };
	struct br_ann_index *ix = NULL;
	struct br_err err = { 0 };

	if (br_ann_build(file, path, src, live, kind, &opts, &err) < 0 || br_ann_index_open(&ix, path, file, &err) < 0)
		fail_msg("%s: %s", br_ann_kind_name(kind), err.msg);
	return ix;
}

static struct br_ann_index *build(const struct br_ann_source *src, const struct br_bits *live, enum br_ann_kind kind)
{
	struct br_ann_file file;

	return build_at(index_path(), &file, src, live, kind);
}

struct both { struct br_topk want, got; struct br_ann_stats exact, index; };

static void both_release(struct both *b)
{
	br_topk_release(&b->want);
	br_topk_release(&b->got);
}

/* The exact answer and the index's; every hit has its exact score and is kept. */
static void ask(struct both *b, const struct br_ann_index *ix, const struct br_ann_source *src, const struct br_ann_query *q, const struct br_bits *keep, uint32_t k)
{
	struct br_err err = { 0 };

	br_topk_init(&b->want, k);
	br_topk_init(&b->got, k);
	if (br_ann_search(&b->want, &b->exact, src, q, keep, &err) < 0 || br_ann_find(&b->got, &b->index, ix, src, q, keep, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(b->got.n, b->want.n);
	for (uint32_t i = 0; i < b->got.n; i++) {
		float score;
		assert_int_equal(br_ann_score(&score, src, q, &b->got.h[i].chunk, 1, NULL), 0);
		assert_true(score == b->got.h[i].score);
		assert_true(!keep || br_bits_get(keep, b->got.h[i].chunk));
		assert_true(!i || br_hit_before(b->got.h[i - 1], b->got.h[i]));
	}
}

static uint32_t hits_found(const struct both *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->got.n; i++)
		n += b->got.h[i].score >= b->want.h[b->want.n - 1].score;
	return n;
}

static void same_hits(const struct both *b)
{
	for (uint32_t i = 0; i < b->want.n; i++) {
		assert_int_equal(b->got.h[i].chunk, b->want.h[i].chunk);
		assert_true(b->got.h[i].score == b->want.h[i].score);
	}
}

/* Share of the true k found over fresh questions, half of them between two. */
static double recall(struct vectors *v, const struct br_ann_index *ix, const struct br_ann_source *src, const struct br_bits *keep, uint32_t k, unsigned questions)
{
	static struct br_ann_query q;
	uint64_t found = 0, all = 0;

	for (unsigned i = 0; i < questions; i++) {
		struct both b;
		vectors_question(v, &q, i & 1);
		ask(&b, ix, src, &q, keep, k);
		found += hits_found(&b);
		all += b.want.n;
		both_release(&b);
	}
	return (double)found / (double)all;
}

/* ---- every kind ---- */

static void kinds_find_what_the_scan_finds(void **state)
{
	static struct br_ann_query q;
	struct vector_rows *r;
	struct vectors v;

	(void)state;
	NEEDS_FAISS();
	vectors_init(&v, 64, 10, 80, 1);
	r = vector_rows_new(&v, 4000);
	for (int kind = 0; kind < BR_ANN_KIND_COUNT; kind++) {
		struct br_ann_index *ix = build(&r->src, NULL, (enum br_ann_kind)kind);
		struct both b;
		vectors_question(&v, &q, false);
		ask(&b, ix, &r->src, &q, NULL, 10);
		assert_non_null(strstr(b.index.way, br_ann_kind_name((enum br_ann_kind)kind)));
		assert_int_equal(b.index.scored, 4000); /* the sample is all there is: the same mean and sigma */
		assert_true(b.index.mean == b.exact.mean && b.index.sigma == b.exact.sigma);
		if (kind == BR_ANN_flat || kind == BR_ANN_sq8)
			same_hits(&b);
		both_release(&b);
		assert_in_range(1000 * recall(&v, ix, &r->src, NULL, 10, 60), kind == BR_ANN_flat || kind == BR_ANN_sq8 ? 1000 : 950, 1000);
		assert_in_range(1000 * recall(&v, ix, &r->src, NULL, 100, 20), kind == BR_ANN_flat || kind == BR_ANN_sq8 ? 999 : 950, 1000);
		br_ann_index_close(ix);
	}
	vector_rows_free(r);
	vectors_release(&v);
}

static void dimensions(void **state)
{
	static const uint32_t dims[] = { 1, 20, 32, 33, 100, 384, 1024 };

	(void)state;
	NEEDS_FAISS();
	for (size_t i = 0; i < BR_COUNT(dims); i++) {
		struct vectors v;
		struct vector_rows *r;
		vectors_init(&v, dims[i], 4, 12, 2);
		r = vector_rows_new(&v, 600);
		for (int kind = 0; kind < BR_ANN_KIND_COUNT; kind++) {
			struct br_ann_index *ix = build(&r->src, NULL, (enum br_ann_kind)kind);
			if (dims[i] >= 20) /* in one dimension all are equal */
				assert_in_range(1000 * recall(&v, ix, &r->src, NULL, 5, 20), kind == BR_ANN_flat || kind == BR_ANN_sq8 ? 1000 : 900, 1000);
			br_ann_index_close(ix);
		}
		vector_rows_free(r);
		vectors_release(&v);
	}
}

static void our_kernels_are_called(void **state)
{
	static const struct { enum br_ann_kind kind; const char *build, *search; } want[] = {
		{ BR_ANN_flat, "", "fvec_inner_product" },
		{ BR_ANN_sq8, "", "sq8_scanner" },
		{ BR_ANN_ivf, "fvec_norm_L2sqr", "sq8_scanner fvec_inner_product" },
		{ BR_ANN_hnsw, "sq8_distance_computer", "sq8_distance_computer" },
		{ BR_ANN_pq, "fvec_norm_L2sqr", "fvec_inner_products_ny" },
	};
	static struct br_ann_query q;
	const char *const *name;
	struct vector_rows *r;
	struct vectors v;
	bool called[16];

	(void)state;
	NEEDS_FAISS();
	vectors_init(&v, 64, 4, 20, 3);
	r = vector_rows_new(&v, 3000);
	vectors_question(&v, &q, false);
	for (size_t i = 0; i < BR_COUNT(want); i++) {
		struct br_ann_index *ix;
		struct both b;
		char built[400] = "", searched[400] = "", *word, *save, list[100];
		size_t n = br_ann_wrapped(&name, called, 16);
		ix = build(&r->src, NULL, want[i].kind);
		br_ann_wrapped(&name, called, 16);
		for (size_t k = 0; k < n; k++)
			if (called[k])
				strcat(strcat(built, name[k]), " ");
		ask(&b, ix, &r->src, &q, NULL, 10);
		br_ann_wrapped(&name, called, 16);
		for (size_t k = 0; k < n; k++)
			if (called[k])
				strcat(strcat(searched, name[k]), " ");
		strcpy(list, want[i].build);
		for (word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save))
			if (!strstr(built, word))
				fail_msg("%s: building called %s, not %s", br_ann_kind_name(want[i].kind), built, word);
		strcpy(list, want[i].search);
		for (word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save))
			if (!strstr(searched, word))
				fail_msg("%s: searching called %s, not %s", br_ann_kind_name(want[i].kind), searched, word);
		both_release(&b);
		br_ann_index_close(ix);
	}
	vector_rows_free(r);
	vectors_release(&v);
}

/* ---- filters, deleted rows ---- */

static void keep_share(struct br_bits *keep, struct vectors *v, uint32_t rows, double share)
{
	br_bits_init(keep, rows, false);
	for (uint32_t i = 0; i < rows; i++)
		if (vectors_uniform(v) < share)
			br_bits_set(keep, i);
}

static void filters(void **state)
{
	static const double share[] = { 0.001, 0.01, 0.1, 0.55, 0.9 };
	static const enum br_ann_kind kind[] = { BR_ANN_ivf, BR_ANN_sq8 };
	static struct br_ann_query q;
	struct vector_rows *r;
	struct vectors v;

	(void)state;
	NEEDS_FAISS();
	vectors_init(&v, 32, 20, 300, 4);
	r = vector_rows_new(&v, 40000);
	for (size_t k = 0; k < BR_COUNT(kind); k++) {
		struct br_ann_index *ix = build(&r->src, NULL, kind[k]);
		for (size_t i = 0; i < BR_COUNT(share); i++) {
			struct br_bits keep;
			struct both b;
			keep_share(&keep, &v, r->src.rows, share[i]);
			vectors_question(&v, &q, i & 1);
			ask(&b, ix, &r->src, &q, &keep, 10);
			if (br_bits_count(&keep) < 20000) { /* few: scored one by one */
				assert_non_null(strstr(b.index.way, "exact scan: filter keeps"));
				assert_true(b.index.mean == b.exact.mean && b.index.scored == b.exact.scored);
				same_hits(&b);
			} else {
				assert_non_null(strstr(b.index.way, br_ann_kind_name(kind[k])));
				assert_true(fabs(b.index.mean - b.exact.mean) < 5 * b.exact.sigma / sqrt((double)b.index.scored));
				assert_true(fabs(b.index.sigma / b.exact.sigma - 1) < 0.1);
				assert_in_range(1000 * recall(&v, ix, &r->src, &keep, 10, 40), 950, 1000);
			}
			both_release(&b);
			br_bits_release(&keep);
		}
		br_ann_index_close(ix);
	}
	vector_rows_free(r);
	vectors_release(&v);
}

/* Rows deleted before the build are not in the file, those deleted since are masked. */
static void deleted_rows(void **state)
{
	struct vector_rows *r;
	struct vectors v;

	(void)state;
	NEEDS_FAISS();
	vectors_init(&v, 32, 10, 100, 5);
	r = vector_rows_new(&v, 25000);
	for (int kind = 0; kind < BR_ANN_KIND_COUNT; kind++) {
		struct br_ann_index *ix;
		struct br_ann_file file;
		struct br_bits live;
		br_bits_init(&live, r->src.rows, true);
		for (uint32_t i = 0; i < r->src.rows; i += 20)
			br_bits_clear_range(&live, i, 1);
		ix = build_at(index_path(), &file, &r->src, &live, (enum br_ann_kind)kind);
		assert_int_equal(file.vectors, 25000 - 1250);
		assert_int_equal(file.rows, 25000);
		for (uint32_t i = 7; i < r->src.rows; i += 30)
			br_bits_clear_range(&live, i, 1);
		assert_in_range(1000 * recall(&v, ix, &r->src, &live, 10, 20), 940, 1000); /* ask() sees that none comes up */
		br_bits_release(&live);
		br_ann_index_close(ix);
	}
	vector_rows_free(r);
	vectors_release(&v);
}

/* ---- newer rows ---- */

static void newer_rows(void **state)
{
	static struct br_ann_query q;
	struct vector_rows *r;
	struct vectors v;
	float x[32];

	(void)state;
	NEEDS_FAISS();
	vectors_init(&v, 32, 10, 100, 6);
	r = vector_rows_new(&v, 3000);
	r->src.rows = 2700;
	for (int kind = 0; kind < BR_ANN_KIND_COUNT; kind++) {
		struct br_ann_index *ix = build(&r->src, NULL, (enum br_ann_kind)kind);
		struct both b;
		r->src.rows = 3000;
		for (uint32_t row = 2690; row < 3000; row += 13) {
			for (uint32_t d = 0; d < 32; d++)
				x[d] = r->code[(size_t)row * 32 + d];
			br_ann_query_init(&q, x, 32);
			ask(&b, ix, &r->src, &q, NULL, 10);
			assert_int_equal(b.got.h[0].chunk, row);
			assert_non_null(strstr(b.index.way, ", 300 newer rows scanned"));
			both_release(&b);
		}
		r->src.rows = 2699; /* a snapshot from before the build */
		ask(&b, ix, &r->src, &q, NULL, 10);
		assert_non_null(strstr(b.index.way, "exact scan: the index is newer"));
		same_hits(&b);
		both_release(&b);
		br_ann_index_close(ix);
		r->src.rows = 2700;
	}
	vector_rows_free(r);
	vectors_release(&v);
}

/* ---- small and empty sets ---- */

static void rows_without_vectors(void **state)
{
	struct vector_rows *r;
	struct vectors v;

	(void)state;
	NEEDS_FAISS();
	vectors_init(&v, 32, 5, 30, 7);
	r = vector_rows_new(&v, 2000);
	for (uint32_t i = 0; i < r->src.rows; i++)
		if (i % 3 == 1 || (i > 300 && i < 900))
			r->scale[i] = 0;
	for (int kind = 0; kind < BR_ANN_KIND_COUNT; kind++) {
		struct br_ann_index *ix = build(&r->src, NULL, (enum br_ann_kind)kind);
		assert_in_range(1000 * recall(&v, ix, &r->src, NULL, 10, 20), 900, 1000); /* a hit without a vector would score NAN */
		br_ann_index_close(ix);
	}
	vector_rows_free(r);
	vectors_release(&v);
}

static void small_sets(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 3, 17, 100 };
	struct vectors v;

	(void)state;
	NEEDS_FAISS();
	vectors_init(&v, 32, 2, 3, 8);
	for (size_t i = 0; i < BR_COUNT(sizes); i++) {
		struct vector_rows *r = vector_rows_new(&v, sizes[i]);
		for (int kind = 0; kind < BR_ANN_KIND_COUNT; kind++) {
			struct br_ann_index *ix = build(&r->src, NULL, (enum br_ann_kind)kind);
			recall(&v, ix, &r->src, NULL, 1, 3);
			assert_true(recall(&v, ix, &r->src, NULL, 1000, 3) == 1); /* more than there are: all of them */
			br_ann_index_close(ix);
		}
		vector_rows_free(r);
	}
	vectors_release(&v);
}

static void nothing_to_index(void **state)
{
	struct br_ann_build_opts opts = { .threads = 1 };
	struct br_ann_file file;
	struct vector_rows *r;
	struct vectors v;
	struct br_err err;
	struct br_bits none;
	const char *path = index_path();

	(void)state;
	NEEDS_FAISS();
	vectors_init(&v, 32, 2, 3, 9);
	r = vector_rows_new(&v, 10);
	br_bits_init(&none, 10, false);
	assert_int_equal(br_ann_build(&file, path, &r->src, &none, BR_ANN_ivf, &opts, &err), -BR_ENOTFOUND);
	memset(r->scale, 0, 10 * sizeof *r->scale);
	assert_int_equal(br_ann_build(&file, path, &r->src, NULL, BR_ANN_flat, &opts, &err), -BR_ENOTFOUND);
	r->src.rows = 0;
	assert_int_equal(br_ann_build(&file, path, &r->src, NULL, BR_ANN_sq8, &opts, &err), -BR_ENOTFOUND);
	assert_int_equal(access(path, F_OK), -1);
	br_bits_release(&none);
	vector_rows_free(r);
	vectors_release(&v);
}

/* ---- files ---- */

static void a_build_does_not_overwrite(void **state)
{
	struct br_ann_build_opts opts = { .threads = 1 };
	char *path = br_strdup(scratch_put("there", "somebody's"));
	struct br_ann_file file;
	struct vector_rows *r;
	struct vectors v;
	struct br_err err;

	(void)state;
	NEEDS_FAISS();
	vectors_init(&v, 32, 2, 3, 10);
	r = vector_rows_new(&v, 100);
	assert_int_equal(br_ann_build(&file, scratch("no/such/folder"), &r->src, NULL, BR_ANN_ivf, &opts, &err), -BR_EIO);
	assert_int_equal(br_ann_build(&file, path, &r->src, NULL, BR_ANN_ivf, &opts, &err), -BR_EIO);
	assert_int_equal(access(path, F_OK), 0);
	free(path);
	vector_rows_free(r);
	vectors_release(&v);
}

static void refused(const char *path, const struct br_ann_file *file)
{
	struct br_ann_index *ix;
	struct br_err err;

	assert_int_equal(br_ann_index_open(&ix, path, file, &err), -BR_ECORRUPT);
	assert_null(ix);
}

/* What open can see without a hash: lengths, the tail, and what FAISS says it has read. */
static void files_that_do_not_fit(void **state)
{
	struct vector_rows *r;
	struct vectors v;

	(void)state;
	NEEDS_FAISS();
	vectors_init(&v, 32, 2, 10, 11);
	r = vector_rows_new(&v, 1000);
	for (int kind = 0; kind < BR_ANN_KIND_COUNT; kind++) {
		char *path = br_strdup(index_path());
		struct br_ann_file file, other;
		struct br_ann_index *ix = build_at(path, &file, &r->src, NULL, (enum br_ann_kind)kind);
		struct stat st;
		assert_int_equal(br_ann_index_fits(ix, &r->src, NULL), 1);
		r->code[0] ^= 1; /* the first row of every sample */
		assert_int_equal(br_ann_index_fits(ix, &r->src, NULL), 0);
		r->code[0] ^= 1;
		br_ann_index_close(ix);
		other = file, other.vectors--;
		refused(path, &other);
		other = file, other.rows = 10, other.dim = 33;
		refused(path, &other);
		other = file, other.lists++;
		refused(path, &other);
		other = file, other.faiss_bytes += 64;
		refused(path, &other);
		other = file, other.faiss_bytes = UINT64_MAX;
		refused(path, &other);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(truncate(path, st.st_size - 1), 0);
		refused(path, &file);
		assert_int_equal(truncate(path, 10), 0);
		refused(path, &file);
		assert_int_equal(truncate(path, 0), 0);
		refused(path, &file);
		free(path);
	}
	vector_rows_free(r);
	vectors_release(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_find_what_the_scan_finds), cmocka_unit_test(dimensions), cmocka_unit_test(our_kernels_are_called),
		cmocka_unit_test(filters), cmocka_unit_test(deleted_rows), cmocka_unit_test(newer_rows), cmocka_unit_test(rows_without_vectors),
		cmocka_unit_test(small_sets), cmocka_unit_test(nothing_to_index), cmocka_unit_test(a_build_does_not_overwrite),
		cmocka_unit_test(files_that_do_not_fit),
	};
	return cmocka_run_group_tests_name("ann_faiss", tests, scratch_setup, scratch_teardown);
}
