/* Export and import: the same answers with the same scores, equal bytes for equal content, no trust in the file, whole or nothing. */
#include "workspace.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "brem_make.h"
#include "corpus/brx.h"

static const struct br_export_opts plain;
static const char *const questions[] = { "river stone", "bread in winter", "engine signal letter", "copper garden", "music", "\"the letter\" garden", "second river -stone" };

/* ---- a notebook with a history: documents of several kinds, changed, moved and deleted ---- */

static void write_some(struct scratch *s, unsigned *seed, int n)
{
	static const char *const words[] = { "river", "stone", "bread", "winter", "engine", "letter", "garden", "signal", "copper", "music" };

	for (int i = 0; i < n; i++) {
		struct br_buf b = BR_BUF_INIT(1 << 20);
		char name[64];
		*seed = *seed * 1103515245 + 12345;
		snprintf(name, sizeof name, "docs/f%02u.md", (*seed >> 16) % 30);
		br_buf_addf(&b, "# About %s\n\n", words[(*seed >> 3) % 10]);
		for (unsigned k = 0; k < 1 + (*seed >> 9) % 6; k++)
			br_buf_addf(&b, "## Part %u on %s\n\nThe %s near the %s is number %u. A second %s follows the letter. <!-- %s -->\n\n", k,
				    words[(*seed >> (k + 2)) % 10], words[(*seed >> (k + 5)) % 10], words[(*seed >> (k + 7)) % 10], *seed % 97,
				    words[(*seed >> (k + 11)) % 10], words[(*seed >> k) % 10]);
		put_file(s, name, b.ptr);
		br_buf_release(&b);
	}
}

static void upload(struct scratch *s, const char *name, const char *text)
{
	char *file = scratch_path(s, name);
	struct br_ingest_opts opts = { .meta = "{\"by\":\"ann\"}" };
	struct br_ingest_stats st;
	struct br_err err = { 0 };

	put_file(s, name, text);
	assert_int_equal(br_upload(&st, s->ws, (const char *const *)&file, 1, &opts, &err), 0);
	remove_file(s, name);
	free(file);
}

static void fill(struct scratch *s)
{
	struct br_ingest_opts opts = { 0 };
	struct br_ingest_stats st;
	struct br_err err = { 0 };
	unsigned seed = 11;
	bool reindex;

	assert_int_equal(br_nb_set(s->ws, "default", "chunk.size", "200", &reindex, &err), 0);
	for (int round = 0; round < 4; round++) {
		write_some(s, &seed, 14);
		free(sync_told(s, "docs", false, 0));
	}
	put_file(s, "docs/de.txt", "Der Fluss und der Stein liegen im Garten, und die Musik ist aus dem Haus zu h\xc3\xb6ren. Das ist nicht alles.\n");
	put_file(s, "docs/empty.txt", "");
	upload(s, "kept.txt", "An uploaded letter about copper and music.\n");
	assert_int_equal(br_ingest(&st, s->ws, NULL, 0, &opts, &err), 0);
	upload(s, "later.txt", "This one is not indexed yet.\n");
	char *gone = scratch_path(s, "docs/f07.md");
	unlink(gone);
	free(gone);
	free(sync_told(s, "docs", false, 0));
}

/* ---- comparing ---- */

/* Every figure of every hit, to the last bit. */
static char *all_answers(struct scratch *s, const char *notebook)
{
	struct br_buf b = BR_BUF_INIT(4 << 20);
	size_t n;
	const char *const *name = br_strategy_names(&n);

	for (size_t q = 0; q < BR_COUNT(questions); q++) {
		for (size_t k = 0; k < n; k++) {
			struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
			struct br_result r;
			struct br_err err = { 0 };
			opts.strategy = name[k];
			opts.notebook = notebook;
			opts.explain = true;
			opts.top = 20;
			if (br_retrieve(&r, s->searcher, questions[q], &opts, &err) < 0)
				fail_msg("query '%s': %s", questions[q], err.msg);
			br_buf_addf(&b, "%s (%s) %a\n", questions[q], name[k], r.fit);
			for (size_t i = 0; i < r.n; i++)
				br_buf_addf(&b, "%s:%u-%u %a %a %a %a %a %d %d %u %s %s\n", r.hit[i].path, r.hit[i].line, r.hit[i].line_end, r.hit[i].score,
					    r.hit[i].bm25, r.hit[i].cosine, r.hit[i].f_title, r.hit[i].f_many, r.hit[i].lexical_rank, r.hit[i].semantic_rank,
					    r.hit[i].folded, r.hit[i].matched, r.hit[i].text);
			br_result_release(&r);
		}
	}
	return br_buf_take(&b, NULL);
}

static struct br_buf bytes_of(struct scratch *s, const char *name)
{
	struct br_buf b = BR_BUF_INIT(64 << 20);
	char *path = scratch_path(s, name);

	assert_int_equal(br_file_read(&b, path, 64 << 20, NULL), 0);
	free(path);
	return b;
}

static struct br_brx_stats export(struct scratch *s, const char *notebook, const char *name, const struct br_export_opts *opts)
{
	char *path = scratch_path(s, name);
	struct br_brx_stats st;
	struct br_err err = { 0 };

	if (br_export(&st, s->ws, notebook, path, opts, &err) < 0)
		fail_msg("export: %s", err.msg);
	free(path);
	return st;
}

static int import(struct scratch *s, const struct scratch *from, const char *name, const struct br_import_opts *opts, struct br_err *err)
{
	char *path = scratch_path(from, name);
	struct br_brx_stats st;
	int rc = br_import(&st, s->ws, path, opts, err);

	free(path);
	return rc;
}

static void import_ok(struct scratch *s, const struct scratch *from, const char *name, const struct br_import_opts *opts)
{
	struct br_err err = { 0 };

	if (import(s, from, name, opts, &err) < 0)
		fail_msg("import: %s", err.msg);
}

static void assert_same_bytes(struct br_buf a, struct br_buf b)
{
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.ptr, b.ptr, a.len);
	br_buf_release(&a);
	br_buf_release(&b);
}

static void test_the_same_answers_elsewhere(void **state)
{
	struct scratch *s = *state, *o;
	void *other;
	struct br_brx_stats a, b;

	scratch_setup(&other);
	o = other;
	fill(s);
	a = export(s, "default", "a.brx", &plain);
	assert_true(a.docs > 20 && a.chunks > a.docs && a.originals == 2);
	import_ok(o, s, "a.brx", &(struct br_import_opts){ .batch = 1000 }); /* many commits */
	char *x = all_answers(s, NULL), *y = all_answers(o, NULL);
	assert_true(strlen(x) > 5000);
	assert_string_equal(x, y);
	free(y);
	check_verify(o);
	b = export(o, "default", "b.brx", &plain);
	assert_same_bytes(bytes_of(s, "a.brx"), bytes_of(o, "b.brx"));
	assert_memory_equal(a.content, b.content, 32);
	import_ok(o, s, "a.brx", &(struct br_import_opts){ .as = "again" }); /* and in one commit */
	y = all_answers(o, "again");
	assert_string_equal(x, y);
	free(x);
	free(y);
	assert_best(o, "indexed yet", "full_text", "");
	struct br_ingest_opts opts = { .notebook = "again" }; /* the upload that was pending can be indexed from its original */
	struct br_ingest_stats st;
	assert_int_equal(br_ingest(&st, o->ws, NULL, 0, &opts, NULL), 0);
	assert_int_equal(st.count[BR_ACT_CHANGE], 1);
	check_verify(o);
	scratch_teardown(&other);
}

static void test_equal_files_give_equal_bytes(void **state)
{
	struct scratch *s = *state, *o;
	struct br_brx_stats a, b;
	unsigned seed = 5, again = 5;
	void *other;

	scratch_setup(&other);
	o = other;
	write_some(s, &seed, 30);
	write_some(o, &again, 30);
	free(sync_told(s, "docs", false, 0));
	free(sync_told(o, "docs", false, 0));
	export(s, NULL, "timed.brx", &plain);
	a = export(s, NULL, "a.brx", &(struct br_export_opts){ .no_times = true });
	b = export(o, NULL, "a.brx", &(struct br_export_opts){ .no_times = true });
	assert_memory_equal(a.content, b.content, 32);
	assert_same_bytes(bytes_of(s, "a.brx"), bytes_of(o, "a.brx"));
	put_file(o, "docs/f99.md", "One more.\n");
	free(sync_told(o, "docs", false, 0));
	b = export(o, NULL, "a.brx", &(struct br_export_opts){ .no_times = true });
	assert_memory_not_equal(a.content, b.content, 32);
	scratch_teardown(&other);
}

/* The files of an imported notebook: not there is not stale; there and equal, a sync keeps them all. */
static void test_a_sync_after_an_import_keeps_what_is_equal(void **state)
{
	struct scratch *s = *state, *o;
	unsigned seed = 5, again = 5;
	void *other;
	char *told;

	scratch_setup(&other);
	o = other;
	write_some(s, &seed, 30);
	free(sync_told(s, "docs", false, 0));
	export(s, NULL, "a.brx", &plain);
	import_ok(o, s, "a.brx", &(struct br_import_opts){ 0 });
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct br_result r;
	assert_int_equal(br_retrieve(&r, o->searcher, "river", &opts, NULL), 0);
	assert_true(r.n > 0 && !r.hit[0].stale && r.stale_sources == 0);
	br_result_release(&r);
	write_some(o, &again, 30);
	told = sync_told(o, "docs", false, 0);
	assert_string_equal(told, "");
	free(told);
	check_verify(o);
	scratch_teardown(&other);
}

/* ---- names ---- */

static void test_names_and_replacing(void **state)
{
	struct scratch *s = *state;
	struct br_err err = { 0 };
	struct br_arena a = { 0 };
	struct br_txn *t;
	struct br_nb *nb;
	char id[37];

	fill(s);
	export(s, "default", "a.brx", &plain);
	assert_int_equal(import(s, s, "a.brx", &(struct br_import_opts){ 0 }, &err), -BR_EEXISTS);
	assert_int_equal(import(s, s, "a.brx", &(struct br_import_opts){ .as = "bad\n" }, &err), -BR_EUSAGE);
	assert_int_equal(br_nb_create(s->ws, "copy", id, &err), 0);
	import_ok(s, s, "a.brx", &(struct br_import_opts){ .as = "copy" }); /* an empty one gives way */
	assert_int_equal(import(s, s, "a.brx", &(struct br_import_opts){ .as = "copy" }, &err), -BR_EEXISTS);
	put_file(s, "docs/zebra.md", "# Zebras\n\nA zebra crosses the river.\n");
	free(sync_told(s, "docs", false, 0));
	assert_int_equal(br_nb_use(s->ws, "copy", &err), 0);
	assert_best(s, "zebra", "full_text", "");
	export(s, "default", "b.brx", &plain);
	import_ok(s, s, "b.brx", &(struct br_import_opts){ .as = "copy", .replace = true });
	assert_best(s, "zebra", "full_text", "docs/zebra.md"); /* it is still the one in use */
	assert_int_equal(br_txn_read(&t, s->ws->store, &err), 0);
	assert_int_equal(br_nb_get(&nb, &a, t, "copy", &err), 0);
	assert_string_equal(nb->id, id);
	br_txn_end(t);
	check_verify(s);
	br_arena_release(&a);
}

static void test_another_model(void **state)
{
	struct scratch *s = *state, *o;
	struct br_err err = { 0 };
	struct br_brx_stats a, b;
	void *other;

	scratch_setup(&other);
	o = other;
	fill(s);
	a = export(s, NULL, "a.brx", &plain);
	char *file = scratch_path(o, "small.brem");
	{
		static const char *const pieces[] = { "[unk]", "river", "stone", "bread", "letter", "music", "the", "and", "##s" };
		struct brem m = brem_make(pieces, BR_COUNT(pieces), 40, BREM_PLAIN);
		brem_save(&m, file);
		free(m.p);
	}
	assert_int_equal(br_config_set(o->ws->dir, BR_CONFIG_WORKSPACE, "embed.model", file, &err), 0);
	assert_int_equal(br_config_trust(o->ws->dir, true, &err), 0);
	free(file);
	scratch_reopen(o);
	assert_int_equal(import(o, s, "a.brx", &(struct br_import_opts){ .as = "x" }, &err), -BR_EUNSUPPORTED);
	assert_non_null(strstr(err.msg, "br-static-256-v1"));
	import_ok(o, s, "a.brx", &(struct br_import_opts){ .as = "x", .reembed = true });
	check_verify(o);
	b = export(o, "x", "b.brx", &plain);
	assert_int_equal(a.chunks, b.chunks);
	assert_memory_not_equal(a.content, b.content, 32);
	scratch_teardown(&other);
}

/* ---- damage ---- */

static void put_bytes(struct scratch *s, const char *name, const char *p, size_t n)
{
	char *path = scratch_path(s, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	assert_int_equal(br_fd_write(fd, p, n), 0);
	close(fd);
	free(path);
}

static void little(struct scratch *s)
{
	put_file(s, "docs/a.md", "# Apples\n\nApples grow on trees.\n\n## Kinds\n\nThere are red ones. <!-- x -->\n");
	free(sync_told(s, "docs", false, 0));
	upload(s, "u.txt", "Bees.\n");
	export(s, NULL, "a.brx", &plain);
}

static uint64_t records(struct scratch *s)
{
	uint64_t n, sum = 0;
	struct br_txn *t;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	for (int i = 0; i < BR_TABLE_COUNT; i++) {
		assert_int_equal(br_table_count(&n, t, (enum br_table)i, NULL), 0);
		sum += n;
	}
	br_txn_end(t);
	return sum;
}

static void test_a_flipped_byte_is_noticed(void **state)
{
	struct scratch *s = *state;
	struct br_err err = { 0 };
	struct br_buf b;
	uint64_t before;

	little(s);
	b = bytes_of(s, "a.brx");
	import_ok(s, s, "a.brx", &(struct br_import_opts){ .as = "fine" });
	before = records(s);
	for (size_t i = 0; i < b.len; i++) {
		b.ptr[i] ^= (char)(1 << i % 8);
		put_bytes(s, "bad.brx", b.ptr, b.len);
		int rc = import(s, s, "bad.brx", &(struct br_import_opts){ .as = "bad" }, &err);
		if (rc != -BR_EINPUT && rc != -BR_EVERSION)
			fail_msg("byte %zu: %d", i, rc);
		b.ptr[i] ^= (char)(1 << i % 8);
	}
	for (size_t n = 0; n < b.len; n += 13) { /* cut off */
		put_bytes(s, "bad.brx", b.ptr, n);
		assert_int_equal(import(s, s, "bad.brx", &(struct br_import_opts){ .as = "bad" }, &err), -BR_EINPUT);
	}
	br_buf_addc(&b, 'x');
	put_bytes(s, "bad.brx", b.ptr, b.len);
	assert_int_equal(import(s, s, "bad.brx", &(struct br_import_opts){ .as = "bad" }, &err), -BR_EINPUT);
	assert_int_equal(records(s), before); /* of none of them is anything left */
	check_verify(s);
	br_buf_release(&b);
}

struct part { uint32_t type; struct br_buf b; };
static size_t read_parts(struct part *part, struct scratch *s, const char *name, uint64_t *docs, uint64_t *chunks)
{
	char *path = scratch_path(s, name);
	struct brx_reader r;
	size_t n = 0;

	assert_int_equal(brx_open(&r, path, NULL), 0);
	do {
		br_buf_init(&part[n].b, BR_MAX_BRX_SECTION + 1);
		assert_int_equal(brx_read(&part[n].b, &r, NULL), 0);
		part[n++].type = r.type;
	} while (r.type != BRX_LAST);
	*docs = br_rd_le64(part[n - 1].b.ptr);
	*chunks = br_rd_le64(part[n - 1].b.ptr + 8);
	br_buf_release(&part[--n].b);
	brx_close(&r);
	free(path);
	return n;
}

static void write_parts(struct scratch *s, const char *name, const struct part *part, size_t n, uint64_t docs, uint64_t chunks)
{
	char *path = scratch_path(s, name);
	struct brx_writer w;
	uint8_t content[32];

	assert_int_equal(brx_create(&w, path, s->dir, NULL), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(brx_write(&w, part[i].type, true, br_buf_slice(&part[i].b), NULL), 0);
	assert_int_equal(brx_finish(&w, docs, chunks, content, NULL), 0);
	brx_discard(&w);
	free(path);
}

/* What a stranger may write: payloads changed at will, all checksums right. It is refused, or makes a notebook that verifies. */
static void test_payloads_are_not_trusted(void **state)
{
	struct scratch *s = *state;
	struct part part[16];
	uint64_t docs, chunks;
	struct br_err err = { 0 };
	unsigned seed = 3, taken = 0, refused = 0;

	little(s);
	size_t n = read_parts(part, s, "a.brx", &docs, &chunks);
	assert_int_equal(n, 4);
	for (int i = 0; i < 900; i++) {
		seed = seed * 1103515245 + 12345;
		struct br_buf *b = &part[(seed >> 8) % n].b;
		seed = seed * 1103515245 + 12345;
		size_t at = (seed >> 8) % BR_MIN(b->len, (size_t)300);
		static const char values[] = { 0, 1, 2, 0x7f, (char)0x80, (char)0xff, '/', '"' };
		char was = b->ptr[at];
		seed = seed * 1103515245 + 12345;
		b->ptr[at] = i % 3 ? (char)(was + 1 + (char)((seed >> 9) % 250)) : values[(seed >> 9) % 8];
		write_parts(s, "bad.brx", part, n, docs, chunks);
		b->ptr[at] = was;
		int rc = import(s, s, "bad.brx", &(struct br_import_opts){ .as = "odd", .replace = true }, &err);
		if (rc == 0) {
			check_verify(s);
			free(all_answers(s, "odd"));
			taken++;
		} else if (rc == -BR_EINPUT || rc == -BR_EUNSUPPORTED)
			refused++;
		else
			fail_msg("change %d: %d %s", i, rc, err.msg);
	}
	assert_true(taken > 20 && refused > 200);
	for (size_t i = 0; i < n; i++)
		br_buf_release(&part[i].b);
}

static void test_sections_that_do_not_belong(void **state)
{
	struct scratch *s = *state;
	struct part part[16], more[16];
	uint64_t docs, chunks;
	struct br_err err = { 0 };
	const struct br_import_opts o = { .as = "x" };

	little(s);
	size_t n = read_parts(part, s, "a.brx", &docs, &chunks);
	memcpy(more, part, sizeof part);
	more[n] = (struct part){ BRX_TYPE('s', 'i', 'g', 'n'), part[0].b }; /* not known, and may be passed over */
	write_parts(s, "b.brx", more, n + 1, docs, chunks);
	import_ok(s, s, "b.brx", &(struct br_import_opts){ .as = "y" });
	more[n].type = BRX_TYPE('S', 'I', 'G', 'N');
	write_parts(s, "b.brx", more, n + 1, docs, chunks);
	assert_int_equal(import(s, s, "b.brx", &o, &err), -BR_EINPUT);
	write_parts(s, "b.brx", part, n - 1, docs, chunks); /* no original */
	assert_int_equal(import(s, s, "b.brx", &o, &err), -BR_EINPUT);
	write_parts(s, "b.brx", part, n, docs + 1, chunks);
	assert_int_equal(import(s, s, "b.brx", &o, &err), -BR_EINPUT);
	more[n] = part[1]; /* the documents twice */
	write_parts(s, "b.brx", more, n + 1, docs, chunks);
	assert_int_equal(import(s, s, "b.brx", &o, &err), -BR_EINPUT);
	more[0] = part[1];
	write_parts(s, "b.brx", more, n, docs, chunks);
	assert_int_equal(import(s, s, "b.brx", &o, &err), -BR_EINPUT);
	write_parts(s, "b.brx", part, n, docs, chunks);
	assert_int_equal(import(s, s, "b.brx", &o, &err), 0);
	for (size_t i = 0; i < n; i++)
		br_buf_release(&part[i].b);
	check_verify(s);
}

/* ---- being killed ---- */

static void die_soon(const struct br_progress *p, void *arg)
{
	(void)arg;
	if (p->files_done > 5)
		kill(getpid(), SIGKILL);
}

static void test_a_killed_import_leaves_nothing(void **state)
{
	struct scratch *s = *state;
	struct br_err err = { 0 };
	uint64_t before, dirty;
	int status;
	pid_t pid;

	fill(s);
	export(s, NULL, "a.brx", &plain);
	before = records(s);
	br_searcher_free(s->searcher);
	br_ws_close(s->ws);
	s->searcher = NULL;
	s->ws = NULL;
	if ((pid = fork()) == 0) {
		scratch_reopen(s);
		import(s, s, "a.brx", &(struct br_import_opts){ .as = "x", .batch = 1, .progress = die_soon }, &err);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	scratch_reopen(s);
	check_verify(s);
	dirty = records(s);
	assert_true(dirty > before);
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct br_result r;
	opts.notebook = "x";
	assert_int_equal(br_retrieve(&r, s->searcher, "river", &opts, &err), -BR_ENOTFOUND);
	assert_int_equal(br_import_sweep(s->ws, &err), 1);
	assert_int_equal(records(s), before + 0);
	assert_int_equal(br_import_sweep(s->ws, &err), 0);
	import_ok(s, s, "a.brx", &(struct br_import_opts){ .as = "x" });
	check_verify(s);
}

static void test_one_import_at_a_time(void **state)
{
	struct scratch *s = *state;
	struct br_lock lock;
	struct br_err err = { 0 };
	char *path = scratch_path(s, ".br/import.lock");

	little(s);
	assert_int_equal(br_lock_take(&lock, path, 0, &err), 0);
	s->ws->wait_ms = 0;
	assert_int_equal(import(s, s, "a.brx", &(struct br_import_opts){ .as = "x" }, &err), -BR_ELOCKED);
	br_lock_drop(&lock);
	import_ok(s, s, "a.brx", &(struct br_import_opts){ .as = "x" });
	free(path);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		T(test_the_same_answers_elsewhere), T(test_equal_files_give_equal_bytes), T(test_a_sync_after_an_import_keeps_what_is_equal),
		T(test_names_and_replacing), T(test_another_model), T(test_a_flipped_byte_is_noticed), T(test_payloads_are_not_trusted),
		T(test_sections_that_do_not_belong), T(test_a_killed_import_leaves_nothing), T(test_one_import_at_a_time),
	};
	return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
