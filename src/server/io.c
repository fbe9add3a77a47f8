/*
 * Bytes in and out of a connection, in the clear or through the TLS plugin. Nothing here waits.
 */
#include "internal.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

ssize_t br_io__read(struct br_conn *c, void *p, size_t n)
{
	short want = 0;

	if (c->tls)
		return c->loop->server->tls->read(c->tls, p, n, &want);
	return recv(c->fd, p, n, 0);
}

ssize_t br_io__send(struct br_conn *c, struct br_slice a, struct br_slice b, bool more)
{
	struct iovec part[2] = { { (void *)a.ptr, a.len }, { (void *)b.ptr, b.len } };
	struct msghdr msg = { .msg_iov = a.len ? part : part + 1, .msg_iovlen = a.len && b.len ? 2 : 1 };
	short want = 0;

	if (c->tls)
		return a.len ? c->loop->server->tls->write(c->tls, a.ptr, a.len, &want) : c->loop->server->tls->write(c->tls, b.ptr, b.len, &want);
	return sendmsg(c->fd, &msg, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
}

ssize_t br_io__sendfile(struct br_conn *c, int fd, uint64_t at, size_t n)
{
	struct br_buf *b = &c->loop->scratch;
	off_t from = (off_t)at;
	ssize_t got;
	short want = 0;

	n = BR_MIN(n, (size_t)BR_SERVE_BLOCK);
	if (!c->tls)
		return sendfile(c->fd, fd, &from, n);
	br_buf_reset(b);
	if (!br_buf_reserve(b, n))
		return -1;
	got = pread(fd, b->ptr, n, from);
	return got <= 0 ? got : c->loop->server->tls->write(c->tls, b->ptr, (size_t)got, &want);
}
