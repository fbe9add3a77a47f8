/* Signatures and duplicates: estimates against the plain Jaccard of all runs of words, groups, records of the version before. */
#include "workspace.h"

/* ---- made texts: numbered words, a share of which is taken from another stream ---- */

static void write_doc(struct scratch *s, const char *rel, unsigned seed, int n, int change_every)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);

	for (int i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		unsigned w = (seed >> 12) % 3000;
		br_buf_addf(&b, "%sq%u%s", change_every && i % change_every == 0 ? "changed" : "", w, i % 12 == 11 ? ".\n" : " ");
		if (i % 150 == 149)
			br_buf_adds(&b, "\n");
	}
	put_file(s, rel, b.ptr);
	br_buf_release(&b);
}

/* ---- the reference: sets of hashed runs of four tokens ---- */

struct runs { uint64_t *h; size_t n; };
static int cmp64(const void *a, const void *b) { uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b; return (x > y) - (x < y); }

static struct runs runs_of(struct scratch *s, const char *rel)
{
	struct br_tokenizer *t = br_tokenizer_new();
	struct br_buf b = BR_BUF_INIT(1 << 20);
	char *path = scratch_path(s, rel);
	struct runs r = { 0 };

	assert_int_equal(br_file_read(&b, path, 1 << 20, NULL), 0);
	const struct br_tokens *k = br_tokenize(t, br_buf_slice(&b));
	r.h = br_allocn(k->v.n + 1, sizeof *r.h);
	for (size_t i = 0; i + 4 <= k->v.n; i++) {
		char all[4 * BR_MAX_TOKEN + 4];
		size_t n = 0;
		for (size_t w = i; w < i + 4; w++) {
			memcpy(all + n, k->v.v[w].term, k->v.v[w].term_len);
			n += k->v.v[w].term_len;
			all[n++] = 0;
		}
		r.h[r.n++] = br_hash64(all, n);
	}
	qsort(r.h, r.n, sizeof *r.h, cmp64);
	size_t n = 0;
	for (size_t i = 0; i < r.n; i++)
		if (!n || r.h[n - 1] != r.h[i])
			r.h[n++] = r.h[i];
	r.n = n;
	br_tokenizer_free(t);
	br_buf_release(&b);
	free(path);
	return r;
}

static double jaccard(struct runs a, struct runs b)
{
	size_t i = 0, j = 0, both = 0;

	while (i < a.n && j < b.n) {
		both += a.h[i] == b.h[j];
		if (a.h[i] == b.h[j])
			i++, j++;
		else if (a.h[i] < b.h[j])
			i++;
		else
			j++;
	}
	return (double)both / (double)(a.n + b.n - both);
}

static struct br_doc *doc(struct scratch *s, struct br_arena *a, const char *rel)
{
	struct br_txn *t;
	struct br_doc *d;
	struct br_err err = { 0 };

	assert_int_equal(br_txn_read(&t, s->ws->store, &err), 0);
	if (br_doc_find(&d, a, t, s->ws, 1, rel, &err) < 0)
		fail_msg("%s", err.msg);
	br_txn_end(t);
	return d;
}

static void test_estimates(void **state)
{
	struct scratch *s = *state;
	static const int every[] = { 1, 5, 8, 12, 20, 40, 100 };
	struct br_arena a = { 0 };
	double sum = 0, off = 0;
	int n = 0;

	for (int i = 0; i < 10; i++) {
		char base[64], other[64];
		snprintf(base, sizeof base, "docs/b%d.txt", i);
		write_doc(s, base, (unsigned)i * 77 + 1, 400 + 130 * i, 0);
		for (size_t k = 0; k < BR_COUNT(every); k++) {
			snprintf(other, sizeof other, "docs/b%d-%zu.txt", i, k);
			write_doc(s, other, (unsigned)i * 77 + 1, 400 + 130 * i, every[k]);
		}
	}
	free(sync_told(s, "docs", false, 0));
	for (int i = 0; i < 10; i++) {
		char base[64], other[64];
		snprintf(base, sizeof base, "docs/b%d.txt", i);
		struct br_doc *d = doc(s, &a, base);
		struct runs mine = runs_of(s, base);
		assert_true(br_doc_similarity(d, d) == 1);
		for (size_t k = 0; k < BR_COUNT(every); k++) {
			snprintf(other, sizeof other, "docs/b%d-%zu.txt", i, k);
			struct br_doc *e = doc(s, &a, other);
			struct runs theirs = runs_of(s, other);
			double truth = jaccard(mine, theirs), got = br_doc_similarity(d, e);
			if (got < truth - 0.16 || got > truth + 0.16)
				fail_msg("%s: %.3f, really %.3f", other, got, truth);
			sum += got - truth;
			off += got > truth ? got - truth : truth - got;
			n++;
			free(theirs.h);
		}
		free(mine.h);
	}
	if (sum / n > 0.02 || sum / n < -0.02 || off / n > 0.04)
		fail_msg("bias %.4f, mean error %.4f", sum / n, off / n);
	br_arena_release(&a);
}

/* ---- groups, as "exact a b;near a c=0.9;" ---- */

static int add_group(const struct br_dup_group *g, void *arg)
{
	struct br_buf *b = arg;

	br_buf_adds(b, g->exact ? "exact" : "near");
	for (size_t i = 0; i < g->n; i++) {
		br_buf_addf(b, " %s%s", br_path_base(g->doc[i].doc->path), g->doc[i].same_bytes ? "" : "~");
		assert_true(g->doc[i].similarity > 0.5 && g->doc[i].similarity <= 1);
		assert_int_equal(strlen(g->doc[i].doc->id), 36);
	}
	br_buf_addc(b, ';');
	return 0;
}

static char *groups(struct scratch *s, double threshold, struct br_dup_report *r)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_err err = { 0 };

	if (br_duplicates(r, s->ws, 1, threshold, add_group, &b, &err) < 0)
		fail_msg("%s", err.msg);
	return br_buf_take(&b, NULL);
}

static void assert_groups(struct scratch *s, double threshold, const char *want)
{
	struct br_dup_report r;
	char *got = groups(s, threshold, &r);

	assert_string_equal(got, want);
	free(got);
}

static void test_groups(void **state)
{
	struct scratch *s = *state;
	struct br_dup_report r;

	assert_groups(s, 0.8, "");
	write_doc(s, "docs/a.txt", 1, 800, 0);
	write_doc(s, "docs/b.txt", 1, 800, 100); /* near a */
	write_doc(s, "docs/c.txt", 1, 800, 100); /* the bytes of b */
	write_doc(s, "docs/d.txt", 2, 800, 0);   /* on its own */
	write_doc(s, "docs/e.txt", 3, 800, 0);
	write_doc(s, "docs/f.txt", 3, 800, 0);   /* the bytes of e */
	write_doc(s, "docs/g.txt", 4, 6, 0);
	write_doc(s, "docs/h.txt", 4, 6, 0);     /* short, the bytes of g */
	write_doc(s, "docs/i.txt", 4, 7, 0);     /* short, nearly */
	write_doc(s, "docs/j.txt", 1, 800, 3);   /* far from a */
	free(sync_told(s, "docs", false, 0));
	assert_groups(s, 0.8, "near a.txt b.txt~ c.txt~;exact e.txt f.txt;exact g.txt h.txt;");
	assert_groups(s, 1.1, "exact b.txt c.txt;exact e.txt f.txt;exact g.txt h.txt;");
	free(groups(s, 0.8, &r));
	assert_true(r.docs == 10 && r.near == 1 && r.exact == 2 && r.copies == 4 && r.bytes_only == 3);

	put_file(s, "docs/b.txt", "Something else altogether stands here now.\n");
	remove_file(s, "docs/f.txt");
	move_file(s, "docs/g.txt", "docs/z.txt");
	free(sync_told(s, "docs", false, 0));
	assert_groups(s, 0.8, "near a.txt c.txt~;exact h.txt z.txt;");
	check_verify(s);
}

/* A chain of small changes: each member is like the first, not only like its neighbour. */
static void test_members_are_like_the_first(void **state)
{
	struct scratch *s = *state;
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_dup_report r;

	for (int v = 0; v < 8; v++) {
		char name[32];
		br_buf_reset(&b);
		for (int i = 0; i < 600; i++)
			br_buf_addf(&b, "w%d%s", i < v * 75 ? 10000 + i : i, i % 10 == 9 ? ".\n" : " ");
		snprintf(name, sizeof name, "docs/v%d.txt", v);
		put_file(s, name, b.ptr);
	}
	free(sync_told(s, "docs", false, 0));
	char *got = groups(s, 0.7, &r);
	assert_null(strstr(got, "v0.txt v1.txt~ v2.txt~ v3.txt~"));
	assert_true(r.near >= 2);
	free(got);
	br_buf_release(&b);
}

static void test_many_documents_with_a_common_beginning(void **state)
{
	struct scratch *s = *state;
	struct br_dup_report r;
	char *file = scratch_path(s, "many.ndjson");
	struct br_ingest_opts opts = { .ndjson = true };
	struct br_ingest_stats st;
	struct br_buf b = BR_BUF_INIT(16 << 20);

	for (int i = 0; i < 1500; i++) {
		br_buf_addf(&b, "{\"id\":\"m%04d\",\"text\":\"The licence of this page is the same as that of all others and goes on for a while.", i);
		for (int k = 0; k < 40; k++)
			br_buf_addf(&b, " own%d", i / 2 * 1000 + k); /* two and two alike */
		br_buf_adds(&b, i % 2 ? " odd\"}\n" : " even\"}\n");
	}
	put_file(s, "many.ndjson", b.ptr);
	assert_int_equal(br_ingest(&st, s->ws, (const char *const *)&file, 1, &opts, NULL), 0);
	free(groups(s, 0.8, &r));
	assert_true(r.docs == 1500 && r.near >= 740 && r.near <= 750 && r.copies <= 755);
	br_buf_release(&b);
	free(file);
}

/* ---- what is stored ---- */

/* The layout and its hashes are stored in workspaces: they stay what they are. */
static void test_a_signature_stays_what_it_is(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_doc *d;
	char hex[2 * 129 + 1];
	static const char golden[] = /* worked out by the words of br-index(5), in another language */
		"01c60000000000000000000000000000009600000000000000008600130000000092250000000000005a00000000004a000000000000"
		"9cdd000000000000000000000000000000000000000000000000000000000000b0000000e40000c80000005000000000000000"
		"60be00000000000000000000000035000000000000c06200";

	put_file(s, "docs/a.txt", "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
		 "seventeen eighteen nineteen twenty twentyone internationalisation electroencephalographically.\n");
	put_file(s, "docs/b.txt", "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
		 "seventeen eighteen nineteen.\n");
	free(sync_told(s, "docs", false, 0));
	d = doc(s, &a, "docs/b.txt");
	assert_int_equal(d->signature.len, 0);
	d = doc(s, &a, "docs/a.txt");
	assert_int_equal(d->signature.len, 129);
	br_hex(hex, (const uint8_t *)d->signature.ptr, 129);
	assert_string_equal(hex, golden);
	br_arena_release(&a);
}

static int make_old(struct br_txn *t, void *arg, struct br_err *err)
{
	struct br_slice val;
	char old[4096], key[8] = { 0, 0, 0, 1, 0, 0, 0, 0 };
	size_t sig = *(size_t *)arg;

	assert_int_equal(br_get(&val, t, BR_T_DOC, br_slice(key, 8), err), 1);
	assert_int_equal(val.ptr[0], 2);
	memcpy(old, val.ptr, val.len);
	old[0] = 1;
	return br_put(t, BR_T_DOC, br_slice(key, 8), br_slice(old, val.len - sig), err);
}

static void test_a_record_of_the_version_before(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_dup_report r;
	struct br_err err = { 0 };
	size_t sig = 1 + 2 + 129; /* its tag; its length is a varint of two bytes */

	write_doc(s, "docs/a.txt", 1, 800, 0);
	write_doc(s, "docs/b.txt", 1, 800, 100);
	free(sync_told(s, "docs", false, 0));
	assert_groups(s, 0.8, "near a.txt b.txt~;");
	assert_int_equal(br_store_write(s->ws->store, make_old, &sig, &err), 0);
	check_verify(s);
	assert_int_equal(doc(s, &a, "docs/a.txt")->signature.len, 0);
	free(groups(s, 0.8, &r));
	assert_true(r.near == 0 && r.bytes_only == 1);
	write_doc(s, "docs/a.txt", 1, 801, 0);
	free(sync_told(s, "docs", false, 0));
	assert_groups(s, 0.8, "near a.txt b.txt~;");
	br_arena_release(&a);
}

/* ---- folding of hits ---- */

static void test_versions_fold_together(void **state)
{
	struct scratch *s = *state;
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_result r;

	for (int v = 0; v < 3; v++) { /* two versions, and one passage of theirs alone in another document */
		br_buf_reset(&b);
		for (int i = 0; i < 700 && v < 2; i++)
			br_buf_addf(&b, "t%d%s", i, i % 10 == 9 ? ".\n" : i % 140 == 139 ? ".\n\n" : " ");
		br_buf_addf(&b, "\n\nThe zebra crosses the %s river at dawn and drinks %s before the lions of the plain wake up and look for it.\n",
			    v == 1 ? "wide" : "narrow", v == 1 ? "much" : "little");
		put_file(s, v == 0 ? "docs/v0.txt" : v == 1 ? "docs/v1.txt" : "docs/x.txt", b.ptr);
	}
	put_file(s, "docs/copy.txt", b.ptr);
	free(sync_told(s, "docs", false, 0));
	opts.strategy = "full_text";
	assert_int_equal(br_retrieve(&r, s->searcher, "zebra lions", &opts, NULL), 0);
	assert_int_equal(r.n, 2); /* x with its copy, the two versions */
	assert_int_equal(r.hit[0].folded + r.hit[1].folded, 2);
	br_result_release(&r);
	opts.no_fold = true;
	assert_int_equal(br_retrieve(&r, s->searcher, "zebra lions", &opts, NULL), 0);
	assert_int_equal(r.n, 4);
	br_result_release(&r);
	br_buf_release(&b);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		T(test_estimates), T(test_groups), T(test_members_are_like_the_first), T(test_many_documents_with_a_common_beginning),
		T(test_a_signature_stays_what_it_is), T(test_a_record_of_the_version_before), T(test_versions_fold_together),
	};
	return cmocka_run_group_tests_name("dups", tests, NULL, NULL);
}
