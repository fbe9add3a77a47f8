/*
 * What git says changed since a commit: the difference between that commit and the files as they are now.
 * git runs with what a repository can configure to start programs switched off, and without the variables of a hook it may
 * have been started from, which would point it elsewhere.
 */
#include "internal.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { ENV_MOST = 4096 };

void path_list_release(struct path_list *l)
{
	br_vec_release(&l->v);
	br_arena_release(&l->arena);
}

static int by_string(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

void path_list_sort(struct path_list *l)
{
	size_t n = 0;

	if (!l->v.n)
		(void)(br_vec_push(&l->v), l->v.n = 0); /* an empty selection is not the absence of one */
	else
		qsort(l->v.v, l->v.n, sizeof *l->v.v, by_string);
	for (size_t i = 0; i < l->v.n; i++)
		if (!n || strcmp(l->v.v[n - 1], l->v.v[i]))
			l->v.v[n++] = l->v.v[i];
	l->v.n = n;
}

/* Absolute folders of PATH only: one that is relative may belong to somebody else's repository. */
static char *find_git(void)
{
	const char *at = getenv("PATH");

	while (at && *at) {
		size_t n = strcspn(at, ":");
		char *path = br_sprintf("%.*s/git", (int)n, at);

		if (*at == '/' && access(path, X_OK) == 0)
			return path;
		free(path);
		at += n + (at[n] == ':');
	}
	return NULL;
}

static bool belongs_to_a_hook(const char *var)
{
	static const char *const names[] = {
		"GIT_DIR=", "GIT_WORK_TREE=", "GIT_INDEX_FILE=", "GIT_PREFIX=", "GIT_OBJECT_DIRECTORY=", "GIT_EXTERNAL_DIFF=",
		"GIT_ALTERNATE_OBJECT_DIRECTORIES=", "LC_ALL=",
	};

	for (size_t i = 0; i < BR_COUNT(names); i++)
		if (!strncmp(var, names[i], strlen(names[i])))
			return true;
	return false;
}

static const char **child_env(void)
{
	const char **env = br_allocn(ENV_MOST + 3, sizeof *env);
	size_t n = 0;

	for (char **e = environ; *e && n < ENV_MOST; e++)
		if (!belongs_to_a_hook(*e))
			env[n++] = *e;
	env[n++] = "GIT_OPTIONAL_LOCKS=0";
	env[n++] = "LC_ALL=C";
	return env;
}

/* Runs `git -C dir args...`; its output in out and whether it was content in *ok. */
static int run_git(struct br_buf *out, bool *ok, const char *dir, const char *const *args, struct br_err *err)
{
	const char *argv[24] = { NULL, "-C", dir, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-pager" };
	char *git = find_git();
	struct br_child child;
	const char **env;
	size_t n = 8;
	int rc, st;

	if (!git)
		return br_fail(err, BR_EUNSUPPORTED, "--since-commit asks git, which is not installed");
	argv[0] = git;
	while (*args)
		argv[n++] = *args++;
	env = child_env();
	if ((rc = br_child_start(&child, argv, env, false, err)) == 0) {
		rc = br_fd_read(out, child.out, out->max, "git", err);
		st = br_child_end(&child, rc < 0);
		*ok = WIFEXITED(st) && WEXITSTATUS(st) == 0;
	}
	free(env);
	free(git);
	return rc;
}

/* The commit's own name: what was given may be a branch, and may look like an option. */
static int resolve(struct br_buf *id, const char *dir, const char *commit, struct br_err *err)
{
	char *rev = br_sprintf("%s^{commit}", commit);
	const char *parse[] = { "rev-parse", "--verify", "--quiet", "--end-of-options", rev, NULL };
	const char *top[] = { "rev-parse", "--show-toplevel", NULL };
	bool ok = false;
	int rc = run_git(id, &ok, dir, parse, err);

	free(rev);
	if (rc == 0 && ok) {
		id->ptr[strcspn(id->ptr, "\n")] = 0;
		return 0;
	}
	br_buf_reset(id);
	if (rc < 0 || (rc = run_git(id, &ok, dir, top, err)) < 0)
		return rc;
	if (ok)
		return br_fail(err, BR_EUSAGE, "--since-commit: '%s' is no commit of the repository of '%s'", commit, dir);
	return br_fail(err, BR_EUSAGE, "--since-commit: '%s' is in no git repository, or in one that git does not trust", dir);
}

/* Pairs of a letter and a path relative to dir, each ended by NUL. */
static int take(struct path_list *out, const struct br_buf *said, const char *dir, struct br_err *err)
{
	char *abs = br_path_abs(dir);
	const char *p = said->ptr, *end = p + said->len;
	int rc = 0;

	while (p < end && rc == 0) {
		const char *path = memchr(p, 0, (size_t)(end - p));
		char *full;

		path = path ? path + 1 : end;
		if (path >= end || !memchr(path, 0, (size_t)(end - path))) {
			rc = br_fail(err, BR_EIO, "git's list of changes ends in the middle");
			break;
		}
		full = br_path_join(abs, path);
		*br_vec_push(&out->v) = br_arena_strdup(&out->arena, full);
		free(full);
		p = path + strlen(path) + 1;
	}
	free(abs);
	return rc;
}

int git_changed(struct path_list *out, const char *dir, const char *commit, struct br_err *err)
{
	struct br_buf id = BR_BUF_INIT(BR_MAX_PATH), said = BR_BUF_INIT(BR_MAX_FILE);
	bool ok = false;
	int rc = resolve(&id, dir, commit, err);

	if (rc == 0) {
		const char *diff[] = { "diff", "--name-status", "-z", "--no-renames", "--no-ext-diff", "--no-textconv",
			"--ignore-submodules", "--relative", id.ptr, "--", ".", NULL };
		rc = run_git(&said, &ok, dir, diff, err);
	}
	if (rc == 0 && !ok)
		rc = br_fail(err, BR_EIO, "git cannot tell what changed in '%s' since '%s'", dir, commit);
	if (rc == 0)
		rc = take(out, &said, dir, err);
	br_buf_release(&id);
	br_buf_release(&said);
	return rc;
}
