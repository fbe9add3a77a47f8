/* Workspace, notebooks, sync and ingest: what is told is what is done, and the answers do not depend on the history. */
#include "workspace.h"

static void told(struct scratch *s, bool plan, int want_rc, const char *want)
{
	char *got = sync_told(s, "docs", plan, want_rc);

	assert_string_equal(got, want);
	free(got);
}

static void test_sync_does_what_the_plan_tells(void **state)
{
	struct scratch *s = *state;

	put_file(s, "docs/a.md", "# Apples\n\nApples grow on trees in autumn.\n");
	put_file(s, "docs/b.md", "# Bridges\n\nA bridge carries a road over a river.\n");
	put_file(s, "docs/sub/c.txt", "Clocks measure time with a pendulum or a crystal.\n");
	told(s, true, BR_ECHANGES, "add docs/a.md;add docs/b.md;add docs/sub/c.txt;");
	assert_best(s, "pendulum", NULL, "");
	told(s, false, 0, "add docs/a.md;add docs/b.md;add docs/sub/c.txt;");
	told(s, true, 0, "");
	told(s, false, 0, "");
	assert_best(s, "pendulum", NULL, "docs/sub/c.txt");

	put_file(s, "docs/b.md", "# Bridges\n\nA drawbridge opens for tall ships.\n");
	remove_file(s, "docs/a.md");
	move_file(s, "docs/sub/c.txt", "docs/clocks.txt");
	put_file(s, "docs/d.md", "# Deserts\n\nDunes of sand wander with the wind.\n");
	told(s, true, BR_ECHANGES, "change docs/b.md;move docs/sub/c.txt -> docs/clocks.txt;add docs/d.md;delete docs/a.md;");
	told(s, false, 0, "change docs/b.md;move docs/sub/c.txt -> docs/clocks.txt;add docs/d.md;delete docs/a.md;");
	told(s, false, 0, "");
	assert_best(s, "apples", "full_text", "");
	assert_best(s, "river", "full_text", "");
	assert_best(s, "drawbridge", "full_text", "docs/b.md");
	assert_best(s, "pendulum", "full_text", "docs/clocks.txt");
	assert_best(s, "clocks", "full_text", "docs/clocks.txt");
	check_verify(s);
}

static void test_answers_equal_those_of_a_fresh_workspace(void **state)
{
	static const char *const words[] = { "river", "stone", "bread", "winter", "engine", "letter", "garden", "signal", "copper", "music" };
	static const char *const questions[] = { "river stone", "bread in winter", "engine signal", "copper garden letter", "music" };
	struct scratch *s = *state;
	void *other;
	struct scratch *fresh;
	unsigned seed = 7;

	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < 12; i++) {
			char name[64], text[512];
			seed = seed * 1103515245 + 12345;
			snprintf(name, sizeof name, "docs/f%02u.md", (seed >> 16) % 20);
			snprintf(text, sizeof text, "# About %s and %s\n\nThe %s near the %s is number %u. A second %s follows the %s.\n",
				 words[(seed >> 3) % 10], words[(seed >> 7) % 10], words[(seed >> 11) % 10], words[(seed >> 13) % 10], seed % 97,
				 words[(seed >> 17) % 10], words[(seed >> 19) % 10]);
			put_file(s, name, text);
		}
		if (round % 2) {
			seed = seed * 1103515245 + 12345;
			char name[64];
			snprintf(name, sizeof name, "docs/f%02u.md", (seed >> 16) % 20);
			char *path = scratch_path(s, name);
			unlink(path);
			free(path);
		}
		free(sync_told(s, "docs", false, 0));
		check_verify(s);
	}
	scratch_setup(&other);
	fresh = other;
	char *copy = br_sprintf("cp -r '%s/docs' '%s/docs'", s->dir, fresh->dir);
	assert_int_equal(system(copy), 0);
	free(copy);
	free(sync_told(fresh, "docs", false, 0));
	for (size_t i = 0; i < BR_COUNT(questions); i++) {
		size_t n;
		const char *const *name = br_strategy_names(&n);
		for (size_t k = 0; k < n; k++) {
			char *a = answers(s, questions[i], name[k]), *b = answers(fresh, questions[i], name[k]);
			assert_string_equal(a, b);
			assert_true(strlen(a) > 0);
			free(a);
			free(b);
		}
	}
	scratch_teardown(&other);
}

static void test_failures_are_kept_and_the_rest_goes_on(void **state)
{
	struct scratch *s = *state;
	char *got;

	put_file(s, "docs/good.md", "# Good\n\nThis one is fine.\n");
	put_file(s, "docs/empty.md", "");
	char *path = scratch_path(s, "docs/image.png");
	FILE *f = fopen(path, "w");
	fwrite("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 1, 16, f);
	fclose(f);
	free(path);
	got = sync_told(s, "docs", false, 0);
	assert_non_null(strstr(got, "skip docs/empty.md;"));
	assert_non_null(strstr(got, "skip docs/image.png;"));
	assert_non_null(strstr(got, "add docs/good.md;"));
	free(got);
	got = sync_told(s, "docs", false, 0); /* told again, not read again */
	assert_non_null(strstr(got, "skip docs/image.png;"));
	assert_null(strstr(got, "add"));
	free(got);
	check_verify(s);
}

static struct br_ingest_stats ingest_text(struct scratch *s, const char *ndjson, int want)
{
	char *file = scratch_path(s, "records.ndjson");
	struct br_ingest_opts opts = { .ndjson = true };
	struct br_ingest_stats stats;
	struct br_err err = { 0 };
	int rc;

	put_file(s, "records.ndjson", ndjson);
	rc = br_ingest(&stats, s->ws, (const char *const *)&file, 1, &opts, &err);
	if (rc != -want)
		fail_msg("ingest gave %d: %s", rc, err.msg);
	free(file);
	return stats;
}

static void test_records(void **state)
{
	struct scratch *s = *state;
	struct br_ingest_stats st;

	st = ingest_text(s, "{\"id\":\"r1\",\"title\":\"Whales\",\"text\":\"Whales sing across oceans.\",\"metadata\":{\"year\":2020}}\n"
			    "{\"_id\":7,\"text\":\"Moths fly to lamps.\"}\n", 0);
	assert_int_equal(st.count[BR_ACT_ADD], 2);
	st = ingest_text(s, "{\"id\":\"r1\",\"title\":\"Whales\",\"text\":\"Whales sing across oceans.\",\"metadata\":{\"year\":2020}}\n", 0);
	assert_int_equal(st.count[BR_ACT_KEEP], 1);
	st = ingest_text(s, "{\"id\":\"r1\",\"text\":\"Whales dive deep.\"}\n{\"id\":\"r1\",\"text\":\"Whales breathe air.\"}\nnot json\n{\"text\":\"no id\"}\n", BR_EPARTIAL);
	assert_int_equal(st.count[BR_ACT_FAIL], 2);
	assert_best(s, "breathe", "full_text", "r1");
	assert_best(s, "dive", "full_text", "");
	assert_best(s, "sing oceans", "full_text", "");
	assert_best(s, "lamps", "full_text", "7");
	check_verify(s);
}

static void test_upload_then_ingest(void **state)
{
	struct scratch *s = *state;
	char *file = scratch_path(s, "note.txt");
	struct br_ingest_opts opts = { 0 };
	struct br_ingest_stats st;
	struct br_err err = { 0 };

	put_file(s, "note.txt", "Lighthouses warn ships of rocks.\n");
	assert_int_equal(br_upload(&st, s->ws, (const char *const *)&file, 1, &opts, &err), 0);
	assert_int_equal(st.count[BR_ACT_ADD], 1);
	assert_best(s, "lighthouses", "full_text", "");
	remove_file(s, "note.txt"); /* the original is stored */
	assert_int_equal(br_ingest(&st, s->ws, NULL, 0, &opts, &err), 0);
	assert_best(s, "lighthouses", "full_text", "note.txt");
	check_verify(s);
	free(file);
}

static void test_notebooks(void **state)
{
	struct scratch *s = *state;
	struct br_err err = { 0 };
	struct br_arena a = { 0 };
	struct br_txn *t;
	struct br_nb *nb;
	bool reindex;
	char id[37];

	assert_int_equal(br_nb_create(s->ws, "notes", id, &err), 0);
	assert_int_equal(br_nb_create(s->ws, "notes", id, &err), -BR_EEXISTS);
	assert_int_equal(br_nb_use(s->ws, "notes", &err), 0);
	put_file(s, "docs/a.md", "# Apples\n\nApples grow on trees.\n");
	free(sync_told(s, "docs", false, 0));
	assert_best(s, "apples", NULL, "docs/a.md");
	assert_int_equal(br_nb_use(s->ws, "default", &err), 0);
	assert_best(s, "apples", NULL, "");
	assert_int_equal(br_nb_set(s->ws, "notes", "chunk.size", "400", &reindex, &err), 0);
	assert_true(reindex);
	assert_int_equal(br_nb_set(s->ws, "notes", "chunk.size", "x", &reindex, &err), -BR_EUSAGE);
	assert_int_equal(br_nb_set(s->ws, "notes", "colour", "red", &reindex, &err), -BR_EUSAGE);
	assert_int_equal(br_nb_rename(s->ws, "notes", "default", &err), -BR_EEXISTS);
	assert_int_equal(br_nb_rename(s->ws, "notes", "fruit", &err), 0);
	assert_int_equal(br_txn_read(&t, s->ws->store, &err), 0);
	assert_int_equal(br_nb_get(&nb, &a, t, "fruit", &err), 0);
	assert_int_equal(nb->chunking.size, 400);
	assert_int_equal(nb->docs, 1);
	assert_string_equal(nb->id, id);
	assert_int_equal(br_nb_get(&nb, &a, t, "notes", &err), -BR_ENOTFOUND);
	br_txn_end(t);
	check_verify(s);
	assert_int_equal(br_nb_delete(s->ws, "fruit", &err), 0);
	check_verify(s);
	scratch_reopen(s);
	check_verify(s);
	br_arena_release(&a);
}

static void test_a_folder_that_cannot_be_read_deletes_nothing(void **state)
{
	struct scratch *s = *state;
	char *dir = scratch_path(s, "docs"), *away = scratch_path(s, "away");
	struct br_ingest_opts opts = { 0 };
	struct br_ingest_stats st;
	struct br_err err = { 0 };

	put_file(s, "docs/a.md", "# Apples\n\nApples grow on trees.\n");
	free(sync_told(s, "docs", false, 0));
	assert_int_equal(rename(dir, away), 0);
	assert_int_equal(br_sync(&st, s->ws, NULL, 0, &opts, &err), -BR_EINPUT);
	assert_best(s, "apples", NULL, "docs/a.md");
	free(dir);
	free(away);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		T(test_sync_does_what_the_plan_tells), T(test_answers_equal_those_of_a_fresh_workspace),
		T(test_failures_are_kept_and_the_rest_goes_on), T(test_records), T(test_upload_then_ingest),
		T(test_notebooks), T(test_a_folder_that_cannot_be_read_deletes_nothing),
	};
	return cmocka_run_group_tests_name("corpus", tests, NULL, NULL);
}
