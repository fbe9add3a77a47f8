/*
 * Programs of others that read one document and write what they make of it: found on the search path, run by br-confine with an
 * empty environment, fed and read through pipes under a limit of time and of output.
 */
#include "helper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS = 32, PIECE = 64 << 10, SLICE_MS = 200 };

char *br_tool_find(const char *name)
{
	const char *dirs = getenv("PATH");

	for (dirs = dirs && *dirs ? dirs : "/usr/local/bin:/usr/bin:/bin"; *dirs;) {
		size_t n = strcspn(dirs, ":");
		char *dir = br_strndup(dirs, n), *path = dir[0] == '/' ? br_path_join(dir, name) : NULL;
		free(dir);
		if (path && access(path, X_OK) == 0)
			return path;
		free(path);
		dirs += n + (dirs[n] == ':');
	}
	return NULL;
}

struct run {
	const struct br_text__tool *t;
	struct br_child child;
	size_t sent;
	uint64_t got;
	int64_t until; /* br_mono_ns */
	char *piece;
	struct br_err *err;
};

static void close_input(struct run *r)
{
	close(r->child.in);
	r->child.in = 0;
}

static void feed(struct run *r)
{
	ssize_t n = r->sent < r->t->in.len ? br_text__write_quiet(r->child.in, r->t->in.ptr + r->sent, r->t->in.len - r->sent) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	r->sent += n > 0 ? (size_t)n : 0;
	if (n < 0 || r->sent == r->t->in.len) /* a program may end without having read everything */
		close_input(r);
}

/* 1: there may be more; 0: it closed its output. */
static int drain(struct run *r)
{
	ssize_t n = read(r->child.out, r->piece, PIECE);
	int rc;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : br_fail_errno(r->err, BR_EIO, "cannot read from %s", r->t->argv[0]);
	if (n == 0)
		return 0;
	r->got += (uint64_t)n;
	if (r->got > BR_EXTRACT_OUTPUT)
		return br_fail(r->err, BR_ETOOBIG, "%s writes more than %u MB for it", r->t->argv[0], BR_EXTRACT_OUTPUT >> 20);
	rc = r->t->sink(r->t->arg, r->piece, (size_t)n);
	return rc < 0 ? rc : 1;
}

static int talk(struct run *r)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = r->child.out, .events = POLLIN }, { .fd = r->child.in ? r->child.in : -1, .events = POLLOUT } };
		int64_t left = r->until - br_mono_ns();
		int rc, n;

		if ((rc = br_check_stop(r->err)) < 0)
			return rc;
		if (left <= 0)
			return br_fail(r->err, BR_ETIMEOUT, "took more than %d s", BR_EXTRACT_WALL);
		n = poll(p, 2, (int)BR_MIN(left / 1000000 + 1, SLICE_MS));
		if (n < 0 && errno != EINTR)
			return br_fail_errno(r->err, BR_EIO, "cannot wait for %s", r->t->argv[0]);
		if (n > 0 && p[1].revents)
			feed(r);
		if (n > 0 && p[0].revents && (rc = drain(r)) <= 0)
			return rc;
	}
}

static int explain(const struct br_text__tool *t, int st, int *status, struct br_err *err)
{
	int sig = WIFSIGNALED(st) ? WTERMSIG(st) : 0;

	*status = WIFEXITED(st) ? WEXITSTATUS(st) : -1;
	if (sig == SIGXCPU || sig == SIGKILL)
		return br_fail(err, BR_ETIMEOUT, "took more than %d s of processor time", BR_EXTRACT_CPU);
	if (sig)
		return br_fail(err, BR_EINPUT, "%s crashed (signal %d) on this file", t->argv[0], sig);
	if (*status == BR_EXTRACT_EXIT_SANDBOX)
		return br_fail(err, BR_EINPUT, "the sandbox for %s cannot be set up here; see 'br doctor'", t->argv[0]);
	if (*status == BR_EXTRACT_EXIT_NO_TOOL)
		return br_fail(err, BR_EINPUT, "%s does not start; see 'br doctor'", t->argv[0]);
	return 0;
}

static int run(const struct br_text__tool *t, const char *const *argv, int *status, struct br_err *err)
{
	struct run r = { .t = t, .until = br_mono_ns() + BR_EXTRACT_WALL * INT64_C(1000000000), .err = err };
	int rc, st;

	if ((rc = br_child_start(&r.child, argv, t->env, false, err)) < 0)
		return rc;
	r.piece = br_alloc(PIECE);
	rc = br_text__nonblocking(r.child.in) && br_text__nonblocking(r.child.out) ? talk(&r)
	                                                                           : br_fail_errno(err, BR_EIO, "cannot set up pipes");
	st = br_child_end(&r.child, rc < 0);
	free(r.piece);
	return rc < 0 ? rc : explain(t, st, status, err);
}

int br_text__tool_run(const struct br_text__tool *t, int *status, struct br_err *err)
{
	const char *argv[ARGS + 3] = { NULL };
	bool given = t->confine && access(t->confine, X_OK) == 0;
	char *confine = given ? br_strdup(t->confine) : br_text__find_helper("br-confine"), *program = br_tool_find(t->argv[0]);
	size_t n = 0;
	int rc;

	argv[n++] = confine;
	if (t->file)
		argv[n++] = "--file";
	argv[n++] = program;
	for (size_t i = 1; t->argv[i]; i++) {
		BR_ASSERT(n <= ARGS);
		argv[n++] = t->argv[i];
	}
	if (!program)
		rc = br_fail(err, BR_EINPUT, "cannot be read without %s; install %s", t->argv[0], t->package);
	else if (access(confine, X_OK) < 0)
		rc = br_fail(err, BR_EINPUT, "needs br-confine, which is not at '%s'", confine);
	else
		rc = run(t, argv, status, err);
	free(confine);
	free(program);
	return rc;
}
