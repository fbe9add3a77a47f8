/*
 * lock - one writer at a time between processes, by open-file-description locks on a small file.
 * The kernel frees them when the last descriptor goes, however the holder ended. The file is never removed:
 * removing it would let two processes hold "the" lock on two different files.
 *
 * Who wants the lock first takes the turn, which is let go again once the lock is held. So one process at a time waits for
 * the lock itself, and one that lets it go and wants it back at once (a long sync between two commits) comes behind it.
 */
#include "br/os.h"

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum part { THE_LOCK, THE_TURN }; /* bytes of the file */

/* F_WRLCK or F_UNLCK. Done 1, busy 0, else -1 with errno. */
static int try_lock(int fd, enum part part, short type)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET, .l_start = part, .l_len = 1 };

	if (fcntl(fd, F_OFD_SETLK, &fl) == 0)
		return 1;
	return errno == EAGAIN || errno == EACCES || errno == EINTR ? 0 : -1;
}

/* The pid in the file, for the message only; 0 when there is none. */
static long holder(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strtol(text, NULL, 10);
}

static int locked(int fd, const char *path, struct br_err *err)
{
	long pid = holder(fd);

	if (pid > 0)
		return br_fail(err, BR_ELOCKED, "'%s' is locked by process %ld", path, pid);
	return br_fail(err, BR_ELOCKED, "'%s' is locked by another process", path);
}

static void sleep_ms(int64_t ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

/*
 * Asks again after 1, 2, 4 ... ms: nobody has to be woken, and F_OFD_SETLKW could neither time out nor be stopped. Whoever
 * has the turn asks more often than those behind it.
 */
static int wait_for(int fd, enum part part, const char *path, int64_t until_ns, struct br_err *err)
{
	int64_t pause = 1, most = part == THE_LOCK ? 5 : 50;
	int got, rc;

	while ((got = try_lock(fd, part, F_WRLCK)) == 0) {
		int64_t left = until_ns < 0 ? pause : (until_ns - br_mono_ns()) / 1000000;

		if ((rc = br_check_stop(err)) < 0)
			return rc;
		if (left <= 0)
			return locked(fd, path, err);
		sleep_ms(BR_MIN(pause, left));
		pause = BR_MIN(pause * 2, most);
	}
	return got > 0 ? 0 : br_fail_errno(err, BR_EIO, "cannot lock '%s'", path);
}

static int wait_for_both(int fd, const char *path, int64_t wait_ms, struct br_err *err)
{
	int64_t until_ns = wait_ms < 0 ? -1 : br_mono_ns() + BR_MIN(wait_ms, INT64_MAX / 4000000) * 1000000;
	int rc = wait_for(fd, THE_TURN, path, until_ns, err);

	if (rc == 0 && (rc = wait_for(fd, THE_LOCK, path, until_ns, err)) == 0 && try_lock(fd, THE_TURN, F_UNLCK) < 0)
		rc = br_fail_errno(err, BR_EIO, "cannot lock '%s'", path);
	return rc;
}

int br_lock_take(struct br_lock *l, const char *path, int64_t wait_ms, struct br_err *err)
{
	int fd = br_base__fd_high(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666)), n, rc;
	char text[24];

	l->fd = 0;
	if (fd < 0)
		return br_fail_errno(err, BR_EIO, "cannot open lock file '%s'", path);
	if ((rc = wait_for_both(fd, path, wait_ms, err)) < 0) {
		close(fd);
		return rc;
	}
	n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		br_log(BR_LOG_INFO, "cannot write the process number into '%s'", path); /* a full disk; the lock holds all the same */
	l->fd = fd;
	return 0;
}

void br_lock_drop(struct br_lock *l)
{
	if (l->fd <= 0)
		return;
	if (ftruncate(l->fd, 0) < 0)
		br_log(BR_LOG_DEBUG, "cannot empty the lock file");
	close(l->fd);
	l->fd = 0;
}
