/* gc: the index without deleted chunks is byte for byte a fresh one; files go when nobody needs them; the data file shrinks. */
#include "workspace.h"

#include "corpus/internal.h"

#include <fcntl.h>
#include <sys/wait.h>

/* ---- comparing tables ---- */

/* Every record of a notebook in the tables of its index: table, key, value. */
static void dump_table(struct br_buf *b, struct br_txn *t, enum br_table table, struct br_slice prefix)
{
	struct br_err err = { 0 };
	struct br_cur cur;
	int rc;

	assert_int_equal(br_cur_open(&cur, t, table, &err), 0);
	for (rc = br_cur_seek(&cur, prefix, &err); rc > 0 && br_has_prefix(cur.key, prefix); rc = br_cur_next(&cur, &err)) {
		br_buf_u8(b, (uint8_t)table);
		br_buf_lstr(b, cur.key.ptr, cur.key.len);
		br_buf_lstr(b, cur.val.ptr, cur.val.len);
	}
	assert_true(rc >= 0);
	br_cur_close(&cur);
}

static struct br_buf dump(struct scratch *s, uint32_t nb)
{
	static const enum br_table tables[] = { BR_T_LEN, BR_T_VEC, BR_T_TERM, BR_T_POST, BR_T_DEAD };
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct br_err err = { 0 };
	struct br_key prefix;
	char totals[24];
	struct br_txn *t;

	br_key_init(&prefix, nb);
	assert_int_equal(br_txn_read(&t, s->ws->store, &err), 0);
	br_txn_check_all(t);
	for (size_t i = 0; i < BR_COUNT(tables); i++)
		dump_table(&b, t, tables[i], br_key_slice(&prefix));
	snprintf(totals, sizeof totals, "fts.%08x", nb);
	dump_table(&b, t, BR_T_META, br_slice_str(totals));
	br_txn_end(t);
	return b;
}

static void assert_same_index(struct scratch *a, struct scratch *b)
{
	struct br_buf x = dump(a, 1), y = dump(b, 1);

	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.ptr, y.ptr, x.len);
	br_buf_release(&x);
	br_buf_release(&y);
}

/* ---- a corpus that changes ---- */

static uint32_t roll(uint32_t *seed) { return (*seed = *seed * 1664525 + 1013904223) >> 8; }

/* Sections of a few hundred bytes: words of which some are everywhere, many are rare, and some of a document alone. */
static void write_doc(struct scratch *s, const char *name, unsigned sections, uint32_t seed)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	char path[80];

	br_buf_addf(&b, "# Document %u\n", roll(&seed) % 50);
	for (unsigned i = 0; i < sections; i++) {
		br_buf_addf(&b, "\n## Part %u about topic%u\n\n", i, roll(&seed) % 40);
		for (int w = 0; w < 60; w++)
			br_buf_addf(&b, "%s%u ", w % 7 ? "word" : "rare", roll(&seed) % (w % 7 ? 300 : 20000));
		br_buf_adds(&b, "the end\n");
	}
	snprintf(path, sizeof path, "docs/%s", name);
	put_file(s, path, b.ptr);
	br_buf_release(&b);
}

/* Some rounds of adding, changing and deleting. */
static void edit(struct scratch *s, uint32_t seed, int rounds, unsigned sections)
{
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < 8; i++) {
			char name[24], *path;
			snprintf(name, sizeof name, "f%02u.md", roll(&seed) % 24);
			write_doc(s, name, 1 + roll(&seed) % sections, seed);
			snprintf(name, sizeof name, "docs/f%02u.md", roll(&seed) % 24);
			path = scratch_path(s, name);
			if (roll(&seed) % 3 == 0)
				unlink(path);
			free(path);
		}
		free(sync_told(s, "docs", false, 0));
	}
}

struct in_order { BR_VEC(struct br_doc) v; struct br_arena a; };

static int note_doc(const struct br_doc *d, void *arg)
{
	struct in_order *o = arg;
	struct br_doc *n = br_vec_push(&o->v);

	*n = *d;
	n->path = br_arena_strdup(&o->a, d->path);
	return 0;
}

static int by_chunk(const void *a, const void *b)
{
	const struct br_doc *x = a, *y = b;

	return x->first_chunk < y->first_chunk ? -1 : x->first_chunk > y->first_chunk;
}

static struct in_order documents(struct scratch *s)
{
	struct in_order o = { 0 };
	struct br_err err = { 0 };
	struct br_txn *t;

	assert_int_equal(br_txn_read(&t, s->ws->store, &err), 0);
	assert_int_equal(br_doc_each(t, 1, note_doc, &o, &err), 0);
	br_txn_end(t);
	qsort(o.v.v, o.v.n, sizeof *o.v.v, by_chunk);
	return o;
}

/* Another workspace with the documents of s, ingested in the order of their chunks, `each` of them in one commit. */
static struct scratch *fresh_of(struct scratch *s, size_t each)
{
	struct in_order o = documents(s);
	char *copy, **path = br_allocn(o.v.n + 1, sizeof *path);
	struct br_ingest_opts opts = { 0 };
	struct br_ingest_stats st;
	struct br_err err = { 0 };
	struct scratch *f;
	void *state;

	scratch_setup(&state);
	f = state;
	copy = br_sprintf("cp -r '%s/docs' '%s/docs'", s->dir, f->dir);
	assert_int_equal(system(copy), 0);
	for (size_t i = 0; i < o.v.n; i++)
		path[i] = scratch_path(f, o.v.v[i].path);
	for (size_t i = 0; i < o.v.n; i += each)
		if (br_ingest(&st, f->ws, (const char *const *)path + i, BR_MIN(each, o.v.n - i), &opts, &err) < 0)
			fail_msg("%s", err.msg);
	for (size_t i = 0; i < o.v.n; i++)
		free(path[i]);
	free(path);
	free(copy);
	br_vec_release(&o.v);
	br_arena_release(&o.a);
	return f;
}

static struct br_gc_report gc(struct scratch *s, int want)
{
	struct br_gc_opts opts = { .plan = want == BR_ECHANGES, .no_compact = true };
	struct br_gc_report r;
	struct br_err err = { 0 };
	int rc = br_gc(&r, s->ws, &opts, &err);

	if (rc != -want)
		fail_msg("gc gave %d (%s), wanted %d", rc, err.msg, -want);
	return r;
}

static int force_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	struct scratch *s = arg;
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc = nb_load(&nb, &a, t, 1, err);

	if (rc > 0)
		rc = gc_notebook(t, s->ws, nb, true, err);
	br_arena_release(&a);
	return BR_MIN(0, rc);
}

static uint64_t meta(struct scratch *s, const char *name)
{
	struct br_txn *t;
	uint64_t v;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_meta_get(&v, t, name, NULL), 0);
	br_txn_end(t);
	return v;
}

/* ---- notebooks ---- */

static void same_as_fresh(struct scratch *s, uint32_t seed, int rounds, unsigned sections)
{
	struct scratch *one, *many;
	struct br_err err = { 0 };
	void *state;

	edit(s, seed, rounds, sections);
	one = fresh_of(s, SIZE_MAX);
	many = fresh_of(s, 3);
	gc(s, 0);
	check_verify(s);
	assert_same_index(s, one);
	assert_int_equal(br_store_write(many->ws->store, force_fn, many, &err), 0);
	check_verify(many);
	assert_same_index(many, one);
	assert_int_equal(br_store_write(one->ws->store, force_fn, one, &err), 0); /* what is canonical stays */
	assert_same_index(many, one);
	scratch_teardown(&(void *){ one });
	state = many;
	scratch_teardown(&state);
}

static void test_index_is_that_of_a_fresh_workspace(void **state)
{
	same_as_fresh(*state, 1, 4, 6);
}

/* More chunks than a block of lengths, a block of vectors or a value of postings holds. */
static void test_index_of_many_chunks(void **state)
{
	same_as_fresh(*state, 77, 2, 400);
}

static void test_random_edits_between_gcs(void **state)
{
	struct scratch *s = *state, *one;
	uint64_t raised;

	for (uint32_t i = 0; i < 6; i++) {
		edit(s, 1000 + i, 1, 12);
		one = fresh_of(s, SIZE_MAX);
		gc(s, 0);
		check_verify(s);
		assert_same_index(s, one);
		scratch_teardown(&(void *){ one });
	}
	raised = meta(s, "numbering.00000001");
	assert_true(raised >= 1 && raised <= 6);
}

static void test_answers_stay_and_nothing_is_left_to_do(void **state)
{
	static const char *const questions[] = { "word1 word2", "rare17 topic3", "document part end" };
	struct scratch *s = *state;
	char *before[3], *after;
	struct br_gc_report r;
	uint64_t generation;

	edit(s, 5, 5, 8);
	for (int i = 0; i < 3; i++)
		before[i] = answers(s, questions[i], NULL);
	r = gc(s, BR_ECHANGES); /* the plan */
	assert_int_equal(r.notebooks, 1);
	assert_true(r.chunks > 0);
	generation = meta(s, "generation");
	r = gc(s, 0);
	assert_true(r.anything && r.notebooks == 1 && r.chunks > 0 && r.terms > 0);
	assert_int_equal(meta(s, "generation"), generation + 1);
	for (int i = 0; i < 3; i++) {
		after = answers(s, questions[i], NULL);
		assert_string_equal(after, before[i]);
		free(before[i]);
		free(after);
	}
	r = gc(s, 0);
	assert_false(r.anything);
	assert_int_equal(meta(s, "generation"), generation + 1);
	edit(s, 6, 2, 8); /* and the index can be added to */
	check_verify(s);
}

static void test_a_notebook_of_which_all_was_deleted(void **state)
{
	struct scratch *s = *state, *empty;
	void *other;

	write_doc(s, "a.md", 3, 1);
	put_file(s, "docs/keep.txt", "x"); /* the folder stays */
	free(sync_told(s, "docs", false, 0));
	remove_file(s, "docs/a.md");
	remove_file(s, "docs/keep.txt");
	free(sync_told(s, "docs", false, 0));
	gc(s, 0);
	check_verify(s);
	scratch_setup(&other);
	empty = other;
	assert_same_index(s, empty);
	scratch_teardown(&other);
	write_doc(s, "b.md", 2, 2);
	free(sync_told(s, "docs", false, 0));
	check_verify(s);
}

static void test_other_notebooks_stay_as_they_are(void **state)
{
	struct scratch *s = *state;
	struct br_gc_opts opts = { .notebook = "other", .no_compact = true };
	struct br_gc_report r;
	struct br_buf before, after;
	struct br_err err = { 0 };
	char *first;

	edit(s, 11, 3, 6);
	assert_int_equal(br_nb_create(s->ws, "other", NULL, &err), 0);
	assert_int_equal(br_nb_use(s->ws, "other", &err), 0);
	edit(s, 12, 3, 6);
	before = dump(s, 1);
	first = answers(s, "word5 rare3", NULL);
	assert_int_equal(br_gc(&r, s->ws, &opts, &err), 0);
	assert_int_equal(r.notebooks, 1);
	after = dump(s, 1);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.ptr, after.ptr, after.len);
	char *second = answers(s, "word5 rare3", NULL);
	assert_string_equal(first, second);
	check_verify(s);
	opts.notebook = "no such";
	assert_int_equal(br_gc(&r, s->ws, &opts, &err), -BR_ENOTFOUND);
	assert_int_equal(gc(s, 0).notebooks, 1); /* now the first */
	check_verify(s);
	free(first);
	free(second);
	br_buf_release(&before);
	br_buf_release(&after);
}

/* ---- files ---- */

static void upload(struct scratch *s, const char *name, const char *text)
{
	char *file = scratch_path(s, name);
	struct br_ingest_opts opts = { 0 };
	struct br_ingest_stats st;
	struct br_err err = { 0 };

	put_file(s, name, text);
	if (br_upload(&st, s->ws, (const char *const *)&file, 1, &opts, &err) < 0)
		fail_msg("%s", err.msg);
	free(file);
}

static uint32_t doc_named(struct scratch *s, const char *name)
{
	struct br_arena a = { 0 };
	struct br_doc *d;
	struct br_txn *t;
	uint32_t num;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_doc_find(&d, &a, t, s->ws, 1, name, NULL), 0);
	num = d->doc;
	br_txn_end(t);
	br_arena_release(&a);
	return num;
}

static void test_originals_nobody_names_go(void **state)
{
	struct scratch *s = *state;
	struct br_err err = { 0 };
	struct br_gc_report r;
	uint8_t sha[2][32];
	char *file[2];
	uint32_t doc;

	upload(s, "one.txt", "Lighthouses warn ships.\n");
	upload(s, "two.txt", "Bakers rise early.\n");
	upload(s, "three.txt", "Lighthouses warn ships.\n"); /* the same bytes under another name */
	br_sha256(sha[0], "Lighthouses warn ships.\n", 24);
	br_sha256(sha[1], "Bakers rise early.\n", 19);
	for (int i = 0; i < 2; i++)
		file[i] = object_file(s->ws, sha[i]);
	assert_int_equal(gc(s, 0).objects, 0);
	doc = doc_named(s, "one.txt");
	assert_int_equal(br_doc_remove(s->ws, 1, &doc, 1, &err), 0);
	doc = doc_named(s, "two.txt");
	assert_int_equal(br_doc_remove(s->ws, 1, &doc, 1, &err), 0);
	put_file(s, ".br/objects/README", "not ours");
	put_file(s, ".br/objects/ab/note", "not ours");
	r = gc(s, BR_ECHANGES);
	assert_int_equal(r.objects, 1);
	assert_true(br_is_file(file[1]));
	r = gc(s, 0);
	assert_int_equal(r.objects, 1);
	assert_int_equal(r.file_bytes, 19);
	assert_true(br_is_file(file[0]));
	assert_false(br_is_file(file[1]));
	char *readme = scratch_path(s, ".br/objects/README"), *note = scratch_path(s, ".br/objects/ab/note");
	assert_true(br_is_file(readme) && br_is_file(note));
	check_verify(s);
	for (int i = 0; i < 2; i++)
		free(file[i]);
	free(readme);
	free(note);
}

static void test_what_dead_processes_left_goes(void **state)
{
	struct scratch *s = *state;
	char *tmp = scratch_path(s, ".br/tmp"), *mine, *left = scratch_path(s, ".br/tmp/.br-tmp-0123"), *fresh = scratch_path(s, ".br/data.mdb.new");
	struct br_err err = { 0 };
	int fd = br_tmp_open(&mine, tmp, 0600, &err);

	assert_true(fd >= 0);
	put_file(s, ".br/tmp/.br-tmp-0123", "half a file");
	put_file(s, ".br/data.mdb.new", "half a workspace");
	assert_int_equal(gc(s, BR_ECHANGES).leftovers, 2);
	assert_true(br_is_file(left) && br_is_file(fresh));
	assert_int_equal(gc(s, 0).leftovers, 2);
	assert_false(br_is_file(left) || br_is_file(fresh));
	assert_true(br_is_file(mine)); /* its maker lives */
	put_file(s, ".br/tmp/.br-tmp-0123", "half a file");
	scratch_reopen(s);
	write_doc(s, "a.md", 1, 1); /* the first write of a process does so too */
	free(sync_told(s, "docs", false, 0));
	assert_false(br_is_file(left));
	assert_true(br_is_file(mine));
	close(fd);
	assert_int_equal(gc(s, 0).leftovers, 1);
	assert_false(br_is_file(mine));
	free(tmp);
	free(mine);
	free(left);
	free(fresh);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		T(test_index_is_that_of_a_fresh_workspace), T(test_index_of_many_chunks), T(test_random_edits_between_gcs),
		T(test_answers_stay_and_nothing_is_left_to_do), T(test_a_notebook_of_which_all_was_deleted),
		T(test_other_notebooks_stay_as_they_are), T(test_originals_nobody_names_go), T(test_what_dead_processes_left_goes),
	};
	return cmocka_run_group_tests_name("gc", tests, NULL, NULL);
}
