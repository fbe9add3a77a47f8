/*
 * The client of br-extract: starts the child when it is first needed, sends one document, waits for the reply with an
 * eye on the clock and on requests to stop, and explains a child that died. The child is not trusted: its reply is
 * bounded and checked.
 */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef BR_LIBDIR
#define BR_LIBDIR "/usr/local/lib/br"
#endif

enum { SLICE_MS = 200 }; /* how late a request to stop may be noticed */
#define KEEP_REPLY (16u << 20) /* room kept between documents */

void br_text__helper_release(struct br_text__helper *h)
{
	if (h->running)
		br_child_end(&h->child, true);
	h->running = false;
	free(h->path);
	h->path = NULL;
	br_buf_release(&h->reply);
}

/* ---- start ---- */

static char *beside_us(const char *name)
{
	char self[4096], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n <= 0)
		return NULL;
	self[n] = 0;
	if (!(slash = strrchr(self, '/')))
		return NULL;
	*slash = 0;
	return br_path_join(self, name);
}

char *br_text__find_helper(const char *name)
{
	char *path = beside_us(name);

	if (path && (access(path, X_OK) == 0 || errno == EIO))
		return path;
	free(path);
	return br_path_join(BR_LIBDIR, name);
}

bool br_text__nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static int start(struct br_text__helper *h, struct br_err *err)
{
	const char *argv[2] = { NULL, NULL };
	int rc;

	if (!h->path)
		h->path = br_text__find_helper("br-extract");
	argv[0] = h->path;
	if (access(h->path, X_OK) < 0)
		return errno == EIO ? br_fail_errno(err, BR_EIO, "cannot look for '%s'", h->path) :
		                      br_fail(err, BR_EUNSUPPORTED, "needs br-extract, which is not at '%s'", h->path);
	if ((rc = br_child_start(&h->child, argv, NULL, false, err)) < 0)
		return rc;
	h->running = true;
	if (!br_text__nonblocking(h->child.in) || !br_text__nonblocking(h->child.out))
		return br_fail_errno(err, BR_EIO, "cannot set up the pipes to br-extract");
	return 0;
}

/* A child that waits for a document neither says anything nor is gone: if it does, it is replaced. */
static void drop_if_dead(struct br_text__helper *h)
{
	struct pollfd p = { .fd = h->child.out, .events = POLLIN };

	if (h->running && poll(&p, 1, 0) != 0) {
		br_child_end(&h->child, true);
		h->running = false;
	}
}

/* ---- why it ended ---- */

static int explain(int status, struct br_err *err)
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (sig == SIGXCPU || (WIFEXITED(status) && WEXITSTATUS(status) == BR_EXTRACT_EXIT_CPU))
		return br_fail(err, BR_ETIMEOUT, "took more than %d s of processor time", BR_EXTRACT_CPU);
	if (sig == SIGSYS)
		return br_fail(err, BR_EINPUT, "the extractor tried something forbidden on this file");
	if (sig)
		return br_fail(err, BR_EINPUT, "the extractor crashed (signal %d) on this file", sig);
	if (WIFEXITED(status) && WEXITSTATUS(status) == BR_EXTRACT_EXIT_SANDBOX)
		return br_fail(err, BR_EUNSUPPORTED, "the extractor cannot set up its sandbox here; see 'br doctor'");
	return br_fail(err, BR_EINPUT, "the extractor gave up on this file (status %d)",
	               WIFEXITED(status) ? WEXITSTATUS(status) : status);
}

/* The child is not usable any more. `rc` is what is already known, 0: find out from how it ended. */
static int lost(struct br_text__helper *h, int rc, struct br_err *err)
{
	int status = br_child_end(&h->child, rc != 0);

	h->running = false;
	return rc ? rc : explain(status, err);
}

/* ---- talking ---- */

struct talk {
	struct br_text__helper *h;
	int64_t until; /* br_mono_ns */
	struct br_err *err;
};

/* Waits until fd can be used. Time-out and requests to stop are errors. */
static int wait_for(struct talk *t, int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = t->until - br_mono_ns();
		int rc, n;

		if ((rc = br_check_stop(t->err)) < 0)
			return rc;
		if (left <= 0)
			return br_fail(t->err, BR_ETIMEOUT, "took more than %d s", BR_EXTRACT_WALL);
		n = poll(&p, 1, (int)BR_MIN(left / 1000000 + 1, SLICE_MS));
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return br_fail_errno(t->err, BR_EIO, "cannot wait for br-extract");
	}
}

ssize_t br_text__write_quiet(int fd, const void *p, size_t n)
{
	sigset_t pipe_only, old, pending;
	struct timespec now = { 0, 0 };
	ssize_t done;
	int e;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &old);
	done = write(fd, p, n);
	e = errno;
	if (done < 0 && e == EPIPE && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&pipe_only, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = e;
	return done;
}

/* 1: sent; 0: the child closed its end; negative: an error. */
static int send_all(struct talk *t, const char *p, size_t n)
{
	while (n) {
		int rc = wait_for(t, t->h->child.in, POLLOUT);
		ssize_t done = rc < 0 ? 0 : br_text__write_quiet(t->h->child.in, p, n);

		if (rc < 0)
			return rc;
		if (done < 0 && errno == EPIPE)
			return 0;
		if (done < 0 && errno != EAGAIN && errno != EINTR)
			return br_fail_errno(t->err, BR_EIO, "cannot write to br-extract");
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 1;
}

/* Appends n bytes to the reply; results as send_all. */
static int receive(struct talk *t, size_t n)
{
	struct br_buf *b = &t->h->reply;
	int rc;

	if (!br_buf_reserve(b, n))
		return br_buf_check(b, "reply of br-extract", t->err);
	for (size_t end = b->len + n; b->len < end;) {
		ssize_t got;
		if ((rc = wait_for(t, t->h->child.out, POLLIN)) < 0)
			return rc;
		got = read(t->h->child.out, b->ptr + b->len, end - b->len);
		if (got == 0)
			return 0;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return br_fail_errno(t->err, BR_EIO, "cannot read from br-extract");
		b->len += got > 0 ? (size_t)got : 0;
	}
	b->ptr[b->len] = 0;
	return 1;
}

/* 1: sent; else as send_all. */
static int send_request(struct talk *t, enum br_format format, struct br_slice bytes)
{
	struct br_buf h = BR_BUF_INIT(BR_PROTO_HEADER);
	char head[BR_PROTO_HEADER];
	int rc;

	br_buf_le32(&h, BR_PROTO_REQUEST);
	br_buf_le32(&h, (uint32_t)format);
	br_buf_le64(&h, bytes.len);
	memcpy(head, h.ptr, sizeof head);
	br_buf_release(&h);
	rc = send_all(t, head, sizeof head);
	return rc <= 0 ? rc : send_all(t, bytes.ptr, bytes.len);
}

/* The body of a reply into h->reply. */
static int receive_reply(struct talk *t, uint32_t *magic, uint32_t *code)
{
	struct br_rd r;
	uint64_t n;
	int rc;

	br_buf_reset(&t->h->reply);
	if ((rc = receive(t, BR_PROTO_HEADER)) <= 0)
		return rc;
	r = br_rd(br_buf_slice(&t->h->reply));
	*magic = br_rd_u32(&r);
	*code = br_rd_u32(&r);
	n = br_rd_u64(&r);
	if ((*magic != BR_PROTO_REPLY && *magic != BR_PROTO_MEMBER) || *code >= BR_ERR_COUNT || n > BR_PROTO_MAX)
		return br_fail(t->err, BR_ECORRUPT, "the extractor's reply is damaged: header");
	br_buf_reset(&t->h->reply);
	return n ? receive(t, (size_t)n) : 1;
}

static int exchange(struct talk *t, enum br_format format, struct br_slice bytes, uint32_t *code)
{
	uint32_t magic = 0;
	int rc = send_request(t, format, bytes);

	if (rc > 0 && (rc = receive_reply(t, &magic, code)) > 0 && magic != BR_PROTO_REPLY)
		rc = br_fail(t->err, BR_ECORRUPT, "the extractor's reply is damaged: header");
	return rc;
}

/* The child's own words: made printable, since they end on terminals and in logs. */
static int refused(struct br_text__helper *h, enum br_code code, struct br_err *err)
{
	for (size_t i = 0; i < h->reply.len; i++)
		if ((unsigned char)h->reply.ptr[i] < ' ' || (unsigned char)h->reply.ptr[i] >= 0x7f)
			h->reply.ptr[i] = '?';
	return br_fail(err, code, "%.*s", (int)BR_MIN(h->reply.len, (size_t)200), h->reply.ptr);
}

int br_text__helper_ask(struct br_extracted *out, struct br_text__helper *h, enum br_format format,
                        struct br_slice bytes, struct br_err *err)
{
	struct talk t = { .h = h, .until = br_mono_ns() + BR_EXTRACT_WALL * INT64_C(1000000000), .err = err };
	uint32_t code = 0;
	int rc;

	drop_if_dead(h);
	if (!h->running && (rc = start(h, err)) < 0)
		return h->running ? lost(h, rc, err) : rc;
	if ((rc = exchange(&t, format, bytes, &code)) <= 0)
		return lost(h, rc, err);
	rc = code == BR_OK ? br_proto_decode(out, br_buf_slice(&h->reply), err) : refused(h, (enum br_code)code, err);
	if (rc == -BR_ECORRUPT)
		lost(h, rc, err);
	if (h->reply.cap > KEEP_REPLY)
		br_buf_release(&h->reply);
	return rc;
}

/* ---- containers ---- */

static struct talk talk(struct br_text__helper *h, struct br_err *err)
{
	return (struct talk){ .h = h, .until = br_mono_ns() + BR_EXTRACT_WALL * INT64_C(1000000000), .err = err };
}

int br_text__helper_unpack(struct br_text__helper *h, enum br_format format, struct br_slice bytes, struct br_err *err)
{
	struct talk t = talk(h, err);
	int rc;

	drop_if_dead(h);
	if (!h->running && (rc = start(h, err)) < 0)
		return h->running ? lost(h, rc, err) : rc;
	rc = send_request(&t, format, bytes);
	return rc <= 0 ? lost(h, rc, err) : 0;
}

int br_text__helper_member(struct br_text__helper *h, uint32_t *code, struct br_slice *body, struct br_err *err)
{
	struct talk t = talk(h, err);
	uint32_t magic = 0;
	int rc = receive_reply(&t, &magic, code);

	if (rc <= 0)
		return lost(h, rc, err);
	*body = br_buf_slice(&h->reply);
	if (magic == BR_PROTO_MEMBER)
		return 1;
	return *code == BR_OK ? 0 : refused(h, (enum br_code)*code, err);
}
