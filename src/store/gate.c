/*
 * The gate: locks on two bytes of the file .br/gate, by which a data file is replaced only while nobody else has it open.
 *
 *   byte 0  shared for the moment in which a store is opened; exclusive for whoever wants to be alone
 *   byte 1  shared as long as a store is open; exclusive: alone
 *
 * Who holds both exclusively is the only one who has the data file and LMDB's lock file open, and no other can come in: it may
 * put another file in their place. Open file description locks end with their holder. The file is never removed.
 */
#include "br/os.h"

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define GATE_WAIT 5000 /* milliseconds an opener waits at the least: being alone lasts for less than one second */

enum { BYTE_GATE, BYTE_OPEN };

/* Got 1, busy 0, else -1 with errno. */
static int lock(const struct br_store *s, int byte, short type)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	if (fcntl(s->gate, F_OFD_SETLK, &fl) == 0)
		return 1;
	return errno == EAGAIN || errno == EACCES || errno == EINTR ? 0 : -1;
}

/* As lock, asking again for ms milliseconds (-1: for ever). */
static int wait_lock(const struct br_store *s, int byte, short type, int64_t ms, struct br_err *err)
{
	int64_t start = br_mono_ns();
	int got, rc;

	while ((got = lock(s, byte, type)) == 0) {
		if ((rc = br_check_stop(err)) < 0)
			return rc;
		if (ms >= 0 && br_mono_ns() - start >= ms * 1000000)
			return 0;
		nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
	}
	return got > 0 ? 1 : br_fail_errno(err, BR_EIO, "cannot lock '%s'", s->gate_path);
}

int br_store__gate_enter(struct br_store *s, struct br_err *err)
{
	int64_t ms = s->wait_ms < 0 ? -1 : BR_MAX(s->wait_ms, GATE_WAIT);
	int rc;

	s->gate = open(s->gate_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
	if (s->gate < 0)
		return br_fail_errno(err, BR_EIO, "cannot open '%s'", s->gate_path);
	if ((rc = wait_lock(s, BYTE_GATE, F_RDLCK, ms, err)) > 0)
		rc = wait_lock(s, BYTE_OPEN, F_RDLCK, 0, err);
	lock(s, BYTE_GATE, F_UNLCK);
	if (rc == 0)
		rc = br_fail(err, BR_ELOCKED, "'%s' is being replaced by another process", s->data_path);
	return BR_MIN(0, rc);
}

void br_store__gate_leave(struct br_store *s)
{
	if (s->gate >= 0)
		close(s->gate);
	s->gate = -1;
}

int br_store__gate_alone(struct br_store *s, int64_t ms, struct br_err *err)
{
	int rc = wait_lock(s, BYTE_GATE, F_WRLCK, ms, err);

	if (rc > 0 && (rc = wait_lock(s, BYTE_OPEN, F_WRLCK, ms, err)) <= 0)
		lock(s, BYTE_GATE, F_UNLCK);
	return rc;
}

void br_store__gate_open(struct br_store *s)
{
	lock(s, BYTE_OPEN, F_RDLCK); /* from exclusive to shared: never refused */
	lock(s, BYTE_GATE, F_UNLCK);
}
