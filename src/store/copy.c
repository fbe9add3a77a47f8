/*
 * A copy of the data file while others write: LMDB walks one snapshot and writes a compact copy of it into a pipe, in a thread
 * of its own; here the pieces are passed on as they come, so that the caller can hash, count and stop.
 */
#include "br/os.h"

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 1 << 18 };

struct copier {
	struct br_store *s;
	int fd, rc;
	struct br_err err;
};

static void *copier_run(void *arg)
{
	struct copier *c = arg;

	c->rc = br_store__copy(c->s, c->fd, &c->err);
	close(c->fd);
	return NULL;
}

static int pass_on(int fd, br_copy_fn *fn, void *arg, struct br_err *err)
{
	char *piece = br_alloc(PIECE);
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = read(fd, piece, PIECE)) != 0) {
		if (n > 0)
			rc = fn(br_slice(piece, (size_t)n), arg, err);
		else if (errno != EINTR)
			rc = br_fail_errno(err, BR_EIO, "cannot read from a pipe");
	}
	free(piece);
	return rc;
}

int br_store_copy(struct br_store *s, br_copy_fn *fn, void *arg, struct br_err *err)
{
	struct copier c = { .s = s };
	pthread_t thread;
	int end[2], rc;

	if (pipe2(end, O_CLOEXEC) < 0)
		return br_fail_errno(err, BR_EIO, "cannot make a pipe");
	(void)fcntl(end[1], F_SETPIPE_SZ, PIECE); /* a smaller one serves as well */
	c.fd = end[1];
	if ((errno = pthread_create(&thread, NULL, copier_run, &c))) {
		rc = br_fail_errno(err, BR_EIO, "cannot start a thread");
		close(end[0]);
		close(end[1]);
		return rc;
	}
	rc = pass_on(end[0], fn, arg, err);
	close(end[0]); /* after a failure the copier's next write fails */
	pthread_join(thread, NULL);
	if (rc == 0 && c.rc < 0)
		rc = br_fail(err, c.err.code, "%s", c.err.msg);
	return rc;
}
