/*
 * child - helper programs: started with posix_spawn, fed and read through two pipes.
 * All our descriptors are CLOEXEC, so a child inherits its three and nothing else; it starts with no signal blocked or ignored.
 */
#include "br/os.h"

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_fd(int *fd)
{
	if (*fd > 0)
		close(*fd);
	*fd = 0;
}

static int high_pipe(int fd[2])
{
	if (pipe2(fd, O_CLOEXEC) < 0)
		return -1;
	fd[0] = br_base__fd_high(fd[0]);
	fd[1] = br_base__fd_high(fd[1]);
	if (fd[0] > 0 && fd[1] > 0)
		return 0;
	close_fd(&fd[0]);
	close_fd(&fd[1]);
	return -1;
}

/* Returns an errno value, as posix_spawn does. */
static int spawn(pid_t *pid, const char *const *argv, const char *const *env, int in, int out, bool keep_stderr)
{
	static const char *const none[] = { NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t set;
	int e;

	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attr, &set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &set);
	if ((e = posix_spawn_file_actions_adddup2(&fa, in, 0)) == 0 &&
	    (e = posix_spawn_file_actions_adddup2(&fa, out, 1)) == 0 &&
	    (keep_stderr || (e = posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0)) == 0))
		e = posix_spawn(pid, argv[0], &fa, &attr, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)(env ? env : none));
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return e;
}

int br_child_start(struct br_child *c, const char *const *argv, const char *const *env, bool keep_stderr, struct br_err *err)
{
	int to[2] = { 0 }, from[2] = { 0 }, e;

	*c = (struct br_child){ 0 };
	e = high_pipe(to) < 0 || high_pipe(from) < 0 ? errno : spawn(&c->pid, argv, env, to[0], from[1], keep_stderr);
	close_fd(&to[0]);
	close_fd(&from[1]);
	if (e) {
		close_fd(&to[1]);
		close_fd(&from[0]);
		*c = (struct br_child){ 0 };
		errno = e;
		return br_fail_errno(err, e == ENOENT ? BR_ENOTFOUND : BR_EIO, "cannot start '%s'", argv[0]);
	}
	c->in = to[1];
	c->out = from[0];
	return 0;
}

int br_child_end(struct br_child *c, bool kill_it)
{
	int status = 0;

	close_fd(&c->in);
	close_fd(&c->out);
	if (c->pid <= 0)
		return 0;
	if (kill_it)
		kill(c->pid, SIGKILL);
	while (waitpid(c->pid, &status, 0) < 0)
		if (errno != EINTR) {
			status = -1;
			break;
		}
	c->pid = 0;
	return status;
}
