/* A scratch workspace for unit tests: folder, files, ingest and questions in a few words. */
#ifndef TEST_WORKSPACE_H
#define TEST_WORKSPACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "br/br.h"

struct scratch {
	char dir[64];
	struct br_ws *ws;
	struct br_searcher *searcher;
};

static inline char *scratch_path(const struct scratch *s, const char *rel) { return br_path_join(s->dir, rel); }

static inline void scratch_reopen(struct scratch *s)
{
	char *dir = scratch_path(s, ".br");
	struct br_err err = { 0 };

	br_searcher_free(s->searcher);
	br_ws_close(s->ws);
	if (br_ws_open(&s->ws, dir, 1000, &err) < 0)
		fail_msg("%s", err.msg);
	s->searcher = br_searcher_new(s->ws);
	free(dir);
}

static inline int scratch_setup(void **state)
{
	struct scratch *s = br_alloc(sizeof *s);
	struct br_err err = { 0 };
	char *dir;

	snprintf(s->dir, sizeof s->dir, "%s/br-unit-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(s->dir));
	setenv("XDG_CONFIG_HOME", s->dir, 1);
	dir = scratch_path(s, ".br");
	if (br_ws_init(dir, &err) < 0)
		fail_msg("%s", err.msg);
	free(dir);
	scratch_reopen(s);
	*state = s;
	return 0;
}

static inline int scratch_teardown(void **state)
{
	struct scratch *s = *state;
	char *cmd = br_sprintf("rm -rf '%s'", s->dir);

	br_searcher_free(s->searcher);
	br_ws_close(s->ws);
	assert_int_equal(system(cmd), 0);
	free(cmd);
	free(s);
	return 0;
}

static inline void put_file(const struct scratch *s, const char *rel, const char *text)
{
	char *path = scratch_path(s, rel), *dir = br_strndup(path, (size_t)(br_path_base(path) - path));
	FILE *f;

	assert_int_equal(br_mkdirs(dir, 0777, NULL), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	free(path);
	free(dir);
}

static inline void remove_file(const struct scratch *s, const char *rel)
{
	char *path = scratch_path(s, rel);

	assert_int_equal(unlink(path), 0);
	free(path);
}

static inline void move_file(const struct scratch *s, const char *from, const char *to)
{
	char *a = scratch_path(s, from), *b = scratch_path(s, to);

	assert_int_equal(rename(a, b), 0);
	free(a);
	free(b);
}

/* "A a.md;D b.md;" : what was told, without keeps. */
struct told { struct br_buf text; };

static inline void tell_event(const struct br_event *e, void *arg)
{
	struct told *t = arg;

	if (e->action == BR_ACT_KEEP)
		return;
	if (e->from)
		br_buf_addf(&t->text, "%s %s -> %s;", br_action_name(e->action), e->from, e->path);
	else
		br_buf_addf(&t->text, "%s %s;", br_action_name(e->action), e->path);
}

/* Syncs the folder `rel` and gives what was told; caller frees. */
static inline char *sync_told(struct scratch *s, const char *rel, bool plan, int want)
{
	char *path = scratch_path(s, rel);
	struct told told = { BR_BUF_INIT(1 << 20) };
	struct br_ingest_opts opts = { .plan = plan, .event = tell_event, .arg = &told };
	struct br_ingest_stats stats;
	struct br_err err = { 0 };
	int rc = br_sync(&stats, s->ws, (const char *const *)&path, 1, &opts, &err);

	if (rc != -want)
		fail_msg("sync gave %d (%s), wanted %d", rc, err.msg, -want);
	free(path);
	return br_buf_take(&told.text, NULL);
}

static inline void check_verify(struct scratch *s)
{
	struct br_verify_report r;
	struct br_err err = { 0 };

	if (br_verify(&r, s->ws, false, NULL, NULL, &err) < 0)
		fail_msg("verify: %s", err.msg);
}

/* Path of the best hit, or "" ; caller frees. */
static inline char *best(struct scratch *s, const char *question, const char *strategy)
{
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct br_result r;
	struct br_err err = { 0 };
	char *path;

	opts.strategy = strategy;
	if (br_retrieve(&r, s->searcher, question, &opts, &err) < 0)
		fail_msg("query '%s': %s", question, err.msg);
	path = br_strdup(r.n ? r.hit[0].path : "");
	br_result_release(&r);
	return path;
}

/* Every hit as "path:line score;" : equal strings are equal answers. */
static inline char *answers(struct scratch *s, const char *question, const char *strategy)
{
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_result r;
	struct br_err err = { 0 };

	opts.strategy = strategy;
	if (br_retrieve(&r, s->searcher, question, &opts, &err) < 0)
		fail_msg("query '%s': %s", question, err.msg);
	for (size_t i = 0; i < r.n; i++)
		br_buf_addf(&b, "%s:%u %.6f;", r.hit[i].path, r.hit[i].line, r.hit[i].score);
	br_result_release(&r);
	return br_buf_take(&b, NULL);
}

static inline void assert_best(struct scratch *s, const char *question, const char *strategy, const char *path)
{
	char *got = best(s, question, strategy);

	if (strcmp(got, path))
		fail_msg("'%s' (%s) found '%s', wanted '%s'", question, strategy ? strategy : "default", got, path);
	free(got);
}

#endif
