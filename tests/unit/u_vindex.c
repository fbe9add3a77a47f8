/*
 * Index files of a workspace: built when due, found, used by questions with the scan's answers; out of date, foreign, truncated or
 * flipped ones are noticed and not used; what a new one replaces goes; two builds at once.
 */
#include "workspace.h"

#include <dirent.h>
#include <fcntl.h>

struct fixture { struct scratch *s; struct br_txn *t; struct br_nb *nb; struct br_arena a; };

static bool no_faiss(void)
{
	struct br_err err;

	if (br_ann_faiss(&err))
		return false;
	printf("skipped: %s\n", err.msg);
	return true;
}

static const char *const subjects[] = {
	"rain wind weather storm cloud", "carrot onion soup salt kitchen", "writer lock reader commit page", "violin piano concert music opera",
	"goal football team referee match", "planet orbit star telescope moon", "river bridge boat harbour sea", "court judge law witness trial",
};

/* n documents of one passage each, about one subject or two. */
static void fill(struct scratch *s, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++) {
		char *rel = br_sprintf("docs/d%u.txt", i), *text = br_sprintf("%s %s number %u", subjects[i % 8], subjects[i / 8 % 8], i);
		put_file(s, rel, text);
		free(rel);
		free(text);
	}
	free(sync_told(s, "docs", false, BR_OK));
}

static int setup(void **state)
{
	int rc;

	br_log_level = BR_LOG_ERROR;
	rc = scratch_setup(state);
	if (rc == 0)
		fill(*state, 0, 1000);
	return rc;
}

static void set(struct scratch *s, const char *key, const char *value)
{
	struct br_err err;

	if (br_config_set(s->ws->dir, BR_CONFIG_WORKSPACE, key, value, &err) < 0)
		fail_msg("%s", err.msg);
	scratch_reopen(s);
}

static int build(struct scratch *s, const char *kind, bool force, struct br_vindex_state *out)
{
	struct br_vindex_opts o = { .kind = kind, .force = force };
	struct br_err err = { 0 };
	int rc = br_vindex_build(out, s->ws, NULL, &o, &err);

	if (rc < 0 && rc != -BR_ELOCKED)
		fail_msg("%s", err.msg);
	return rc;
}

static void begin(struct fixture *f, struct scratch *s)
{
	*f = (struct fixture){ .s = s };
	assert_int_equal(br_txn_read(&f->t, s->ws->store, NULL), 0);
	assert_int_equal(br_nb_get(&f->nb, &f->a, f->t, NULL, NULL), 0);
}

static void end(struct fixture *f)
{
	br_txn_end(f->t);
	br_arena_release(&f->a);
}

/* A searcher that opens the workspace now uses an index. */
static bool used(struct scratch *s)
{
	struct br_vindex *x;
	struct fixture f;
	bool yes;

	scratch_reopen(s);
	begin(&f, s);
	x = br_vindex_get(s->ws, f.t, f.nb);
	yes = br_vindex_ann(x) != NULL;
	br_vindex_put(s->ws, x);
	end(&f);
	return yes;
}

static struct br_vindex_state state_of(struct scratch *s)
{
	struct br_vindex_state out;
	struct fixture f;

	begin(&f, s);
	assert_int_equal(br_vindex_state(&out, s->ws, f.t, f.nb, NULL), 0);
	end(&f);
	return out;
}

static unsigned files_in(struct scratch *s, const char *rel, const char *ending)
{
	char *dir = scratch_path(s, rel);
	DIR *d = opendir(dir);
	unsigned n = 0;

	for (struct dirent *e; (e = readdir(d));)
		n += strlen(e->d_name) > strlen(ending) && !strcmp(e->d_name + strlen(e->d_name) - strlen(ending), ending);
	closedir(d);
	free(dir);
	return n;
}

static char *file_of(struct scratch *s, const struct br_vindex_state *st, const char *ending)
{
	return br_sprintf("%s/.br/index/%s%s", s->dir, st->name, ending);
}

static char *way(struct scratch *s, const char *question)
{
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct br_result r;
	struct br_err err;
	char *out;

	opts.top = 2;
	opts.strategy = "semantic";
	if (br_retrieve(&r, s->searcher, question, &opts, &err) < 0)
		fail_msg("%s", err.msg);
	out = br_strdup(r.way);
	br_result_release(&r);
	return out;
}

static void assert_way(struct scratch *s, const char *begins)
{
	char *w = way(s, "reader and writer");

	if (strncmp(w, begins, strlen(begins)))
		fail_msg("way is '%s', not '%s'", w, begins);
	free(w);
}

static unsigned problems;
static void on_problem(const char *what, void *arg)
{
	(void)arg;
	assert_non_null(strstr(what, "vector index"));
	problems++;
}

static int verify(struct scratch *s, bool repair)
{
	struct fixture f;
	int n;

	problems = 0;
	begin(&f, s);
	n = br_vindex_verify(s->ws, f.nb, repair, on_problem, NULL, NULL);
	assert_int_equal(n, problems);
	end(&f);
	return n;
}

/* ---- building and using ---- */

static void policy(void **state)
{
	struct scratch *s = *state;
	struct br_vindex_state st;

	if (no_faiss())
		return;
	st = state_of(s);
	assert_false(st.wanted || st.due || st.name[0]);
	assert_non_null(strstr(st.why, "ann.min_rows"));
	assert_int_equal(build(s, NULL, false, &st), 0);
	set(s, "ann.min_rows", "100");
	st = state_of(s);
	assert_true(st.wanted && st.due);
	assert_int_equal(build(s, NULL, false, &st), 1);
	assert_int_equal(st.file.kind, BR_ANN_ivf);
	assert_int_equal(st.file.rows, 1000);
	st = state_of(s);
	assert_true(st.wanted && !st.due && st.name[0] && !st.why[0]);
	assert_int_equal(build(s, NULL, false, &st), 0);
	assert_int_equal(build(s, "hnsw", false, &st), 1);
	st = state_of(s);
	assert_false(st.due); /* auto stays with what was asked for once */
	set(s, "ann.kind", "sq8");
	st = state_of(s);
	assert_true(st.due);
	assert_string_equal(st.why, "it is hnsw, not sq8");
	set(s, "ann.kind", "exact");
	assert_false(state_of(s).wanted);
	assert_way(s, "exact scan");
}

static void every_kind_answers(void **state)
{
	struct scratch *s = *state;
	char *exact = answers(s, "stars and planets", "semantic"), *hybrid = answers(s, "court of law", NULL);
	struct br_vindex_state st;

	if (no_faiss())
		return;
	for (int kind = 0; kind < BR_ANN_KIND_COUNT; kind++) {
		const char *name = br_ann_kind_name((enum br_ann_kind)kind);
		char *got;
		assert_int_equal(build(s, name, false, &st), 1);
		assert_int_equal(files_in(s, ".br/index", ".faiss"), 1); /* the one before is gone */
		assert_int_equal(files_in(s, ".br/index", ".json"), 1);
		assert_int_equal(files_in(s, ".br/tmp", "s"), 0);
		scratch_reopen(s);
		assert_way(s, name);
		if (kind == BR_ANN_flat || kind == BR_ANN_sq8) {
			got = answers(s, "stars and planets", "semantic");
			assert_string_equal(got, exact);
			free(got);
			got = answers(s, "court of law", NULL);
			assert_string_equal(got, hybrid); /* the sample is everything: mean and sigma are the same */
			free(got);
		}
		assert_int_equal(verify(s, false), 0);
	}
	assert_int_equal(br_vindex_drop(s->ws, NULL, NULL), 1);
	assert_int_equal(br_vindex_drop(s->ws, NULL, NULL), 0);
	assert_false(used(s));
	free(exact);
	free(hybrid);
}

/* An open searcher takes up a new index, and what is added or deleted meanwhile. */
static void changes_are_seen(void **state)
{
	struct scratch *s = *state;
	struct br_vindex_state st;

	if (no_faiss())
		return;
	assert_way(s, "exact scan");
	assert_int_equal(build(s, "ivf", false, &st), 1);
	assert_way(s, "ivf, nprobe ");
	put_file(s, "docs/new.txt", "a xylophone, a zither and a glockenspiel");
	free(sync_told(s, "docs", false, BR_OK));
	assert_best(s, "glockenspiel zither", "semantic", "docs/new.txt");
	{
		char *w = way(s, "glockenspiel");
		assert_non_null(strstr(w, ", 1 newer rows scanned"));
		free(w);
	}
	st = state_of(s);
	assert_int_equal(st.newer, 1);
	assert_false(st.due);
	remove_file(s, "docs/new.txt");
	for (unsigned i = 0; i < 250; i++) {
		char *rel = br_sprintf("docs/d%u.txt", i);
		remove_file(s, rel);
		free(rel);
	}
	free(sync_told(s, "docs", false, BR_OK));
	st = state_of(s);
	assert_int_equal(st.dead, 251);
	assert_true(st.wanted && st.due); /* more than a fifth */
	assert_int_equal(build(s, NULL, false, &st), 1);
	assert_int_equal(st.file.vectors, 750);
	assert_int_equal(st.file.rows, 1001);
	check_verify(s);
}

/* ---- files that must not be used ---- */

static void write_at(const char *path, off_t at, uint8_t byte)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static uint8_t read_at(const char *path, off_t at)
{
	uint8_t byte;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	close(fd);
	return byte;
}

static off_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* A bit flipped anywhere is noticed by verify, and the file is not used. */
static void flipped_bits(void **state)
{
	static const char *const ending[] = { ".faiss", ".json" };
	struct scratch *s = *state;
	struct br_vindex_state st;

	if (no_faiss())
		return;
	assert_int_equal(build(s, "ivf", false, &st), 1);
	assert_true(used(s));
	for (size_t e = 0; e < BR_COUNT(ending); e++) {
		char *path = file_of(s, &st, ending[e]);
		off_t size = size_of(path), step = e ? 1 : size / 97;
		for (off_t at = 0; at < size; at += at < 200 ? 1 : step) {
			uint8_t was = read_at(path, at);
			write_at(path, at, was ^ (uint8_t)(1u << at % 8));
			assert_int_equal(verify(s, false), 1);
			if (e || at % 5 == 0)
				assert_false(used(s));
			write_at(path, at, was);
		}
		assert_int_equal(verify(s, false), 0);
		assert_true(used(s)); /* hashed again, as the time of change differs */
		free(path);
	}
}

static void truncated_and_missing(void **state)
{
	static const char *const ending[] = { ".faiss", ".json" };
	struct scratch *s = *state;
	struct br_vindex_state st;

	if (no_faiss())
		return;
	for (size_t e = 0; e < BR_COUNT(ending); e++) {
		char *path;
		assert_int_equal(build(s, "ivf", true, &st), 1);
		path = file_of(s, &st, ending[e]);
		for (off_t size = size_of(path) - 1; size > 0; size = size * 2 / 3) {
			assert_int_equal(truncate(path, size), 0);
			assert_false(used(s));
			assert_int_equal(verify(s, false), 1);
		}
		assert_int_equal(unlink(path), 0);
		assert_false(used(s));
		assert_int_equal(verify(s, true), !e); /* an index file alone is none, one that is missing is damage */
		free(path);
	}
	assert_int_equal(build(s, "ivf", false, &st), 1);
	assert_int_equal(files_in(s, ".br/index", ".faiss"), 1); /* what was left alone is swept away */
	assert_true(used(s));
}

static void repair_removes(void **state)
{
	struct scratch *s = *state;
	struct br_vindex_state st;
	char *path;

	if (no_faiss())
		return;
	assert_int_equal(build(s, "sq8", false, &st), 1);
	path = file_of(s, &st, ".faiss");
	write_at(path, size_of(path) / 2, read_at(path, size_of(path) / 2) ^ 1);
	assert_int_equal(verify(s, true), 1);
	assert_int_equal(verify(s, true), 0);
	assert_int_equal(files_in(s, ".br/index", ".faiss"), 0);
	free(path);
}

static int raise_numbering(struct br_txn *t, void *arg, struct br_err *err)
{
	char name[32];

	snprintf(name, sizeof name, "numbering.%08x", *(uint32_t *)arg);
	return br_meta_put(t, name, 1, err);
}

/* Whole files that describe something else. */
static void foreign_and_stale(void **state)
{
	struct scratch *s = *state, *other;
	struct br_vindex_state st;
	struct fixture f;
	uint32_t nb;
	char *cmd;

	if (no_faiss())
		return;
	assert_int_equal(build(s, "ivf", false, &st), 1);
	assert_true(used(s));
	/* the same files in another workspace, even under its notebook's name */
	assert_int_equal(setup((void **)&other), 0);
	begin(&f, other);
	cmd = br_sprintf("cd '%s/.br/index' && for e in faiss json; do cp %s.$e '%s/.br/index/' && cp %s.$e '%s/.br/index/%.36s-0000000000000009-00000000.'$e; done",
			 s->dir, st.name, other->dir, st.name, other->dir, f.nb->id);
	end(&f);
	assert_int_equal(system(cmd), 0);
	free(cmd);
	assert_false(used(other));
	assert_int_equal(build(other, "ivf", false, &st), 1);
	assert_int_equal(files_in(other, ".br/index", ".faiss"), 1);
	assert_true(used(other));
	assert_int_equal(scratch_teardown((void **)&other), 0);
	/* numbered anew */
	begin(&f, s);
	nb = f.nb->nb;
	end(&f);
	assert_int_equal(br_store_write(s->ws->store, raise_numbering, &nb, NULL), 0);
	assert_false(used(s));
	assert_int_equal(build(s, "ivf", false, &st), 1);
	assert_true(used(s));
}

/* ---- two at once ---- */

static void one_build_at_a_time(void **state)
{
	struct scratch *s = *state;
	struct br_vindex_state st;
	struct br_lock l;
	char *path = scratch_path(s, ".br/index/lock");

	if (no_faiss())
		return;
	assert_int_equal(br_lock_take(&l, path, 0, NULL), 0);
	assert_int_equal(build(s, "ivf", false, &st), -BR_ELOCKED);
	br_lock_drop(&l);
	assert_int_equal(build(s, "ivf", false, &st), 1);
	free(path);
}

/* An index in use outlives its file. */
static void replaced_while_in_use(void **state)
{
	struct scratch *s = *state;
	struct br_vindex_state st;
	struct br_vindex *x;
	struct fixture f;

	if (no_faiss())
		return;
	assert_int_equal(build(s, "ivf", false, &st), 1);
	begin(&f, s);
	x = br_vindex_get(s->ws, f.t, f.nb);
	assert_non_null(x);
	end(&f);
	assert_int_equal(build(s, "sq8", false, &st), 1);
	assert_way(s, "sq8");
	begin(&f, s);
	{
		struct br_vec_source src;
		struct br_ann_query q;
		struct br_ann_stats stats;
		struct br_topk top;
		float v[BR_ANN_MAX_DIM] = { 1 };
		br_ann_query_init(&q, v, f.nb->dim);
		br_vec_source(&src, f.t, f.nb->nb, f.nb->dim, f.nb->next_chunk);
		br_topk_init(&top, 3);
		assert_int_equal(br_ann_find(&top, &stats, br_vindex_ann(x), &src.ann, &q, NULL, NULL), 0);
		assert_non_null(strstr(stats.way, "ivf"));
		br_topk_release(&top);
	}
	end(&f);
	br_vindex_put(s->ws, x);
}

int main(void)
{
#define EACH(f) cmocka_unit_test_setup_teardown(f, setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		EACH(policy), EACH(every_kind_answers), EACH(changes_are_seen), EACH(flipped_bits), EACH(truncated_and_missing),
		EACH(repair_removes), EACH(foreign_and_stale), EACH(one_build_at_a_time), EACH(replaced_while_in_use),
	};
	return cmocka_run_group_tests_name("vindex", tests, NULL, NULL);
}
