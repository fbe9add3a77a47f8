/* repair: whatever is damaged, the rest is whole afterwards, what can be derived is as before, and what is lost is named. */
#include "workspace.h"

#include "corpus/internal.h"

#include <fcntl.h>

/* ---- damage ---- */

struct at { enum br_table table; char key[64]; size_t n; };

/* The first record of a table that belongs to notebook nb (0: of any), or the one whose key ends with `tail`. */
static struct at find(struct scratch *s, enum br_table table, uint32_t nb, const char *tail)
{
	struct at at = { .table = table };
	size_t skip = table == BR_T_EXTID ? 1 : 0;
	struct br_cur cur;
	struct br_txn *t;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_cur_open(&cur, t, table, NULL), 0);
	for (int rc = br_cur_seek(&cur, br_slice("", 0), NULL); rc > 0 && !at.n; rc = br_cur_next(&cur, NULL)) {
		size_t n = tail ? strlen(tail) : 0;
		if (nb && (cur.key.len < 4 + skip || br_rd_be32(cur.key.ptr + skip) != nb))
			continue;
		if (tail && (cur.key.len < n || memcmp(cur.key.ptr + cur.key.len - n, tail, n)))
			continue;
		memcpy(at.key, cur.key.ptr, cur.key.len);
		at.n = cur.key.len;
	}
	br_cur_close(&cur);
	br_txn_end(t);
	assert_true(at.n > 0);
	return at;
}

static int erase_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct at *at = arg;

	return br_del(t, at->table, br_slice(at->key, at->n), err) == 1 ? 0 : -1;
}

static void erase(struct scratch *s, struct at at)
{
	assert_int_equal(br_store_write(s->ws->store, erase_fn, &at, NULL), 0);
}

struct put { struct at at; const char *val; size_t n; };

static int put_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct put *p = arg;

	return br_put(t, p->at.table, br_slice(p->at.key, p->at.n), br_slice(p->val, p->n), err);
}

static void put(struct scratch *s, struct at at, const char *val, size_t n)
{
	struct put p = { at, val, n };

	assert_int_equal(br_store_write(s->ws->store, put_fn, &p, NULL), 0);
}

/* Changes a byte of the record's value on the disk, so that its checksum is wrong. */
static void flip(struct scratch *s, struct at at)
{
	struct br_buf file = BR_BUF_INIT(SIZE_MAX), look = BR_BUF_INIT(SIZE_MAX);
	char *path = scratch_path(s, ".br/data.mdb"), *p;
	struct br_slice val;
	struct br_txn *t;
	size_t n = 0, from = 0;
	int fd;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_get(&val, t, at.table, br_slice(at.key, at.n), NULL), 1);
	if (val.len < 2000) {
		br_buf_add(&look, at.key, at.n); /* a key and a small value stand side by side */
		from = at.n;
	}
	br_buf_add(&look, val.ptr, BR_MIN(val.len, (size_t)100));
	br_txn_end(t);
	br_ws_close(s->ws);
	s->ws = NULL;
	assert_int_equal(br_file_read(&file, path, SIZE_MAX, NULL), 0);
	for (char *at_most = file.ptr + file.len; (p = memmem(file.ptr, (size_t)(at_most - file.ptr), look.ptr, look.len)); n++)
		p[from] ^= 0x41; /* old copies on free pages, too */
	assert_true(n > 0);
	fd = open(path, O_WRONLY);
	assert_int_equal(br_fd_write(fd, file.ptr, file.len), 0);
	close(fd);
	br_searcher_free(s->searcher);
	s->searcher = NULL;
	scratch_reopen(s);
	br_buf_release(&file);
	br_buf_release(&look);
	free(path);
}

/* ---- checking ---- */

struct said { struct br_buf text; };

static void note(const char *what, void *arg)
{
	struct said *s = arg;

	br_buf_adds(&s->text, what);
	br_buf_addc(&s->text, '\n');
}

static uint64_t problems(struct scratch *s)
{
	struct br_verify_report r;
	struct br_err err;
	int rc = br_verify(&r, s->ws, false, NULL, NULL, &err);

	assert_true(rc == 0 || (rc == -BR_ECORRUPT && r.problems > 0));
	return r.problems;
}

/* There is damage; repairs it; there is none. What was said is the caller's. */
static char *repair(struct scratch *s, struct br_repair_report *r)
{
	struct said said = { BR_BUF_INIT(SIZE_MAX) };
	struct br_err err = { 0 };

	if (!problems(s))
		fail_msg("no damage was found");
	if (br_repair(r, s->ws, false, note, &said, &err) < 0)
		fail_msg("repair: %s", err.msg);
	check_verify(s);
	return br_buf_take(&said.text, NULL);
}

static void repair_all(struct scratch *s)
{
	struct br_repair_report r;

	free(repair(s, &r));
	assert_int_equal(r.notebooks, 1);
	assert_int_equal(r.again, 0);
	assert_int_equal(r.lost, 0);
}

static struct br_buf dump(struct scratch *s)
{
	static const enum br_table tables[] = { BR_T_LEN, BR_T_VEC, BR_T_TERM, BR_T_POST, BR_T_PATH, BR_T_EXTID, BR_T_DOC, BR_T_CHUNK, BR_T_TEXT };
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct br_cur cur;
	struct br_txn *t;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	for (size_t i = 0; i < BR_COUNT(tables); i++) {
		assert_int_equal(br_cur_open(&cur, t, tables[i], NULL), 0);
		for (int rc = br_cur_seek(&cur, br_slice("", 0), NULL); rc > 0; rc = br_cur_next(&cur, NULL)) {
			br_buf_u8(&b, (uint8_t)tables[i]);
			br_buf_lstr(&b, cur.key.ptr, cur.key.len);
			br_buf_lstr(&b, cur.val.ptr, cur.val.len);
		}
		br_cur_close(&cur);
	}
	br_txn_end(t);
	return b;
}

static void assert_dump(struct scratch *s, const struct br_buf *want)
{
	struct br_buf got = dump(s);

	assert_int_equal(got.len, want->len);
	assert_memory_equal(got.ptr, want->ptr, got.len);
	br_buf_release(&got);
}

static void small_corpus(struct scratch *s)
{
	for (int i = 0; i < 30; i++) {
		struct br_buf b = BR_BUF_INIT(SIZE_MAX);
		char name[40];
		br_buf_addf(&b, "# Number %d\n", i);
		for (int k = 0; k < 60; k++)
			br_buf_addf(&b, "\n## Part %d of %d\n\nThe word common and the word special%dx%d stand in this part, with river%d.\n", k, i, i, k, k % 5);
		snprintf(name, sizeof name, "docs/n%02d.md", i);
		put_file(s, name, b.ptr);
		br_buf_release(&b);
	}
	free(sync_told(s, "docs", false, 0));
	check_verify(s);
}

/* ---- what can be derived ---- */

static void test_what_is_derived_is_made_again(void **state)
{
	static const enum br_table tables[] = { BR_T_LEN, BR_T_VEC, BR_T_TERM, BR_T_POST, BR_T_PATH, BR_T_EXTID };
	struct scratch *s = *state;
	struct br_buf want;

	small_corpus(s);
	want = dump(s);
	for (size_t i = 0; i < BR_COUNT(tables); i++) {
		uint32_t nb = tables[i] == BR_T_EXTID ? 0 : 1;
		if (tables[i] != BR_T_VEC) { /* a block that is not there is one without vectors */
			erase(s, find(s, tables[i], nb, NULL));
			repair_all(s);
			assert_dump(s, &want);
		}
		put(s, find(s, tables[i], nb, NULL), "nonsense", 8);
		repair_all(s);
		assert_dump(s, &want);
		flip(s, find(s, tables[i], nb, NULL));
		repair_all(s);
		assert_dump(s, &want);
	}
	erase(s, find(s, BR_T_META, 0, "fts.00000001"));
	repair_all(s);
	assert_dump(s, &want);
	br_buf_release(&want);
}

static void test_lists_of_deleted_chunks(void **state)
{
	struct scratch *s = *state;
	char *before, *after;

	small_corpus(s);
	remove_file(s, "docs/n03.md");
	remove_file(s, "docs/n17.md");
	free(sync_told(s, "docs", false, 0));
	before = answers(s, "common special4x5 river2", NULL);
	flip(s, find(s, BR_T_DEAD, 1, NULL));
	repair_all(s);
	after = answers(s, "common special4x5 river2", NULL);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void test_records_that_belong_to_nothing(void **state)
{
	struct scratch *s = *state;
	struct br_repair_report r;
	struct br_buf want;
	struct at text = { BR_T_TEXT, "\0\0\0\1\0\0\0\x63\0\0\0", 12 }, len = { BR_T_LEN, "\0\0\0\x63\0\0\0", 8 },
	          chunk = { BR_T_CHUNK, "\0\0\0\1\0\0\x63", 8 }, odd = { BR_T_CHUNK, "\0\0\0\1\0", 5 }, path = { BR_T_PATH, "\0\0\0\1sixteen bytes...", 20 };

	small_corpus(s);
	want = dump(s);
	put(s, text, "x", 1);
	put(s, chunk, "x", 1);
	put(s, odd, "x", 1);
	put(s, path, "abcd", 4);
	repair_all(s);
	assert_dump(s, &want);
	put(s, len, "x", 1);
	free(repair(s, &r));
	assert_int_equal(r.notebooks, 0);
	assert_dump(s, &want);
	br_buf_release(&want);
}

static void test_only_the_damaged_notebook_is_touched(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_nb *nb;
	struct br_err err = { 0 };
	struct br_txn *t;
	uint64_t generation;

	small_corpus(s);
	assert_int_equal(br_nb_create(s->ws, "other", NULL, &err), 0);
	assert_int_equal(br_nb_use(s->ws, "other", &err), 0);
	free(sync_told(s, "docs", false, 0));
	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_nb_get(&nb, &a, t, "default", NULL), 0);
	generation = nb->generation;
	br_txn_end(t);
	flip(s, find(s, BR_T_TERM, 2, NULL));
	repair_all(s);
	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_nb_get(&nb, &a, t, "default", NULL), 0);
	assert_int_equal(nb->generation, generation);
	assert_int_equal(br_nb_get(&nb, &a, t, "other", NULL), 0);
	assert_true(nb->generation > generation);
	br_txn_end(t);
	br_arena_release(&a);
}

/* ---- documents ---- */

static void damaged_document(struct scratch *s, enum br_table table, bool erased)
{
	struct br_repair_report r;
	char *said, *before, *after, *told;

	small_corpus(s);
	before = answers(s, "special0x5 special0x17", "full_text");
	if (erased)
		erase(s, find(s, table, 1, NULL));
	else
		flip(s, find(s, table, 1, NULL)); /* of docs/n00.md, the first document */
	said = repair(s, &r);
	assert_int_equal(r.notebooks, 1);
	assert_int_equal(r.again, 1);
	assert_int_equal(r.lost, 0);
	assert_non_null(strstr(said, "taken out: 'docs/n00.md'"));
	assert_best(s, "special0x5", "full_text", "");
	assert_best(s, "special1x5", "full_text", "docs/n01.md");
	told = sync_told(s, "docs", false, 0);
	assert_string_equal(told, "change docs/n00.md;");
	check_verify(s);
	after = answers(s, "special0x5 special0x17", "full_text");
	assert_string_equal(before, after);
	free(said);
	free(told);
	free(before);
	free(after);
}

static void test_stored_text(void **state) { damaged_document(*state, BR_T_TEXT, false); }
static void test_stored_text_is_gone(void **state) { damaged_document(*state, BR_T_TEXT, true); }
static void test_chunks(void **state) { damaged_document(*state, BR_T_CHUNK, false); }
static void test_chunks_are_gone(void **state) { damaged_document(*state, BR_T_CHUNK, true); }

/* Its file was touched meanwhile: the same content is read again all the same. */
static void test_a_touched_file_is_read_again(void **state)
{
	struct scratch *s = *state;
	struct br_repair_report r;
	char *told, *cmd;

	small_corpus(s);
	flip(s, find(s, BR_T_TEXT, 1, NULL));
	free(repair(s, &r));
	cmd = br_sprintf("touch -d 2020-01-01 '%s/docs/n00.md'", s->dir);
	assert_int_equal(system(cmd), 0);
	told = sync_told(s, "docs", false, 0);
	assert_string_equal(told, "change docs/n00.md;");
	assert_best(s, "special0x5", "full_text", "docs/n00.md");
	free(told);
	free(cmd);
}

static void test_a_document_whose_file_is_gone_is_lost(void **state)
{
	struct scratch *s = *state;
	struct br_repair_report r;
	char *said;

	small_corpus(s);
	remove_file(s, "docs/n00.md");
	flip(s, find(s, BR_T_TEXT, 1, NULL));
	said = repair(s, &r);
	assert_int_equal(r.again, 0);
	assert_int_equal(r.lost, 1);
	assert_non_null(strstr(said, "lost: 'docs/n00.md'"));
	free(said);
}

static void test_a_documents_record(void **state)
{
	struct scratch *s = *state;
	struct br_repair_report r;
	char *said, *told;

	small_corpus(s);
	flip(s, find(s, BR_T_DOC, 1, NULL));
	said = repair(s, &r);
	assert_int_equal(r.again, 0);
	assert_int_equal(r.lost, 1);
	assert_non_null(strstr(said, "lost: document 0 of notebook 'default'"));
	told = sync_told(s, "docs", false, 0);
	assert_string_equal(told, "add docs/n00.md;");
	check_verify(s);
	free(said);
	free(told);
}

/* ---- uploads ---- */

static void upload(struct scratch *s, const char *text)
{
	char *file = scratch_path(s, "note.txt");
	struct br_ingest_opts opts = { 0 };
	struct br_ingest_stats st;
	struct br_err err = { 0 };

	put_file(s, "note.txt", text);
	if (br_upload(&st, s->ws, (const char *const *)&file, 1, &opts, &err) < 0 || br_ingest(&st, s->ws, NULL, 0, &opts, &err) < 0)
		fail_msg("%s", err.msg);
	free(file);
}

static const char note_text[] = "Lighthouses warn ships of rocks.\n";

static char *original(struct scratch *s)
{
	uint8_t sha[32];

	br_sha256(sha, note_text, sizeof note_text - 1);
	return object_file(s->ws, sha);
}

static void test_an_upload_is_indexed_again_from_its_original(void **state)
{
	struct scratch *s = *state;
	struct br_ingest_opts opts = { 0 };
	struct br_ingest_stats st;
	struct br_repair_report r;
	struct br_err err = { 0 };
	char *said;

	upload(s, note_text);
	flip(s, find(s, BR_T_TEXT, 1, NULL));
	said = repair(s, &r);
	assert_int_equal(r.again, 1);
	assert_int_equal(r.lost, 0);
	assert_non_null(strstr(said, "taken out: 'note.txt'"));
	assert_best(s, "lighthouses", "full_text", "");
	assert_int_equal(br_ingest(&st, s->ws, NULL, 0, &opts, &err), 0);
	assert_best(s, "lighthouses", "full_text", "note.txt");
	check_verify(s);
	free(said);
}

static void test_a_lost_original(void **state)
{
	struct scratch *s = *state;
	struct br_repair_report r;
	char *said, *file;

	upload(s, note_text);
	file = original(s);
	assert_int_equal(truncate(file, 5), 0);
	said = repair(s, &r);
	assert_int_equal(r.lost, 1);
	assert_non_null(strstr(said, "lost: the stored original of 'note.txt'"));
	assert_best(s, "lighthouses", "full_text", "note.txt"); /* the text is whole */
	upload(s, note_text); /* brings it back */
	assert_int_equal(access(file, F_OK), 0);
	struct br_buf b = BR_BUF_INIT(1000);
	assert_int_equal(br_file_read(&b, file, 1000, NULL), 0);
	assert_string_equal(b.ptr, note_text);
	br_buf_release(&b);
	free(said);
	free(file);
}

static void test_text_and_original_lost(void **state)
{
	struct scratch *s = *state;
	struct br_repair_report r;
	char *said, *file;

	upload(s, note_text);
	file = original(s);
	assert_int_equal(unlink(file), 0);
	flip(s, find(s, BR_T_TEXT, 1, NULL));
	said = repair(s, &r);
	assert_int_equal(r.again, 0);
	assert_int_equal(r.lost, 2);
	assert_non_null(strstr(said, "lost: 'note.txt'"));
	assert_best(s, "lighthouses", "full_text", "");
	free(said);
	free(file);
}

/* ---- notebooks and META ---- */

static void test_a_notebooks_record(void **state)
{
	struct scratch *s = *state;
	struct br_repair_report r;
	struct br_err err = { 0 };
	char id[37], *said, *before, *after;

	assert_int_equal(br_nb_create(s->ws, "notes", id, &err), 0);
	assert_int_equal(br_nb_use(s->ws, "notes", &err), 0);
	small_corpus(s);
	before = answers(s, "common special0x5 river2", NULL);
	flip(s, find(s, BR_T_NOTEBOOK, 2, NULL));
	said = repair(s, &r);
	assert_int_equal(r.notebooks, 1);
	assert_int_equal(r.lost, 1);
	assert_non_null(strstr(said, "lost: settings of notebook 'notes'"));
	struct br_arena a = { 0 };
	struct br_nb *nb;
	struct br_txn *t;
	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_nb_get(&nb, &a, t, id, NULL), 0);
	assert_string_equal(nb->name, "notes");
	assert_int_equal(nb->docs, 30);
	br_txn_end(t);
	br_arena_release(&a);
	after = answers(s, "common special0x5 river2", NULL);
	assert_string_equal(before, after);
	erase(s, find(s, BR_T_NOTEBOOK, 2, NULL)); /* and when there is none at all */
	free(repair(s, &r));
	free(after);
	after = answers(s, "common special0x5 river2", NULL);
	assert_string_equal(before, after);
	free(said);
	free(before);
	free(after);
}

static void test_names(void **state)
{
	static const char *const names[] = { "uuid", "created", "next_notebook", "current", "numbering.00000001" };
	struct scratch *s = *state;
	struct br_gc_report g;
	struct br_gc_opts o = { .no_compact = true };
	struct br_repair_report r;
	struct br_err err = { 0 };

	small_corpus(s);
	remove_file(s, "docs/n00.md");
	free(sync_told(s, "docs", false, 0));
	assert_int_equal(br_gc(&g, s->ws, &o, &err), 0); /* makes "numbering" */
	for (size_t i = 0; i < BR_COUNT(names); i++) {
		flip(s, find(s, BR_T_META, 0, names[i]));
		free(repair(s, &r));
		assert_int_equal(r.lost, 0);
		assert_best(s, "special1x5", "full_text", "docs/n01.md");
		assert_int_equal(br_nb_create(s->ws, names[i], NULL, &err), 0); /* with a number of its own */
		check_verify(s);
	}
}

/* ---- pages ---- */

static void lost_page(const char *what, void *arg)
{
	(void)what;
	++*(unsigned *)arg;
}

/* The generation cannot be read, so nothing can be committed: only another data file helps. */
static void test_salvage(void **state)
{
	struct scratch *s = *state;
	char *dir = scratch_path(s, ".br"), *kept = scratch_path(s, ".br/data.mdb.damaged");
	struct br_repair_report r;
	struct br_err err = { 0 };
	struct br_buf want;
	unsigned lost = 0;
	uint64_t records;

	small_corpus(s);
	want = dump(s);
	flip(s, find(s, BR_T_META, 0, "generation"));
	assert_int_equal(br_repair(&r, s->ws, false, note, &(struct said){ BR_BUF_INIT(0) }, &err), -BR_ECORRUPT);
	br_searcher_free(s->searcher);
	br_ws_close(s->ws);
	s->searcher = NULL;
	s->ws = NULL;
	if (br_store_salvage(&records, dir, 1000, lost_page, &lost, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(lost, 1);
	assert_true(records > 100);
	assert_true(br_is_file(kept));
	scratch_reopen(s);
	check_verify(s);
	assert_dump(s, &want);
	struct said said = { BR_BUF_INIT(SIZE_MAX) };
	erase(s, find(s, BR_T_VEC, 1, NULL)); /* what a lost page cannot be seen to lack */
	assert_int_equal(br_repair(&r, s->ws, true, note, &said, &err), 0);
	assert_int_equal(r.notebooks, 1);
	check_verify(s);
	assert_dump(s, &want);
	put_file(s, "docs/new.md", "# New\n\nA heron waits.\n");
	free(sync_told(s, "docs", false, 0));
	assert_best(s, "heron", "full_text", "docs/new.md");
	br_buf_release(&said.text);
	br_buf_release(&want);
	free(dir);
	free(kept);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		T(test_what_is_derived_is_made_again), T(test_lists_of_deleted_chunks), T(test_records_that_belong_to_nothing),
		T(test_only_the_damaged_notebook_is_touched), T(test_stored_text), T(test_stored_text_is_gone), T(test_chunks),
		T(test_chunks_are_gone), T(test_a_touched_file_is_read_again), T(test_a_document_whose_file_is_gone_is_lost),
		T(test_a_documents_record), T(test_an_upload_is_indexed_again_from_its_original), T(test_a_lost_original),
		T(test_text_and_original_lost), T(test_a_notebooks_record), T(test_names), T(test_salvage),
	};
	return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
