/*
 * Streams: a worker writes into a ring of bounded size, the event thread empties it towards the client. Who writes into a full
 * ring waits; a client that went away ends the waiting.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int gone(struct br_err *err)
{
	return br_fail(err, BR_ECANCELLED, "the client has gone");
}

int br_stream_open(struct br_req *r, int status, const char *type, struct br_err *err)
{
	bool is_gone;

	BR_ASSERT(!r->replied);
	r->replied = true;
	r->status = status ? status : 200;
	r->type = type;
	if (!r->upgrade) {
		if (!strcasestr(r->headers.ptr, "cache-control:"))
			br_reply_header(r, "Cache-Control", "no-store");
		br_reply_header(r, "X-Accel-Buffering", "no");
	}
	r->streaming = true; /* read by the event thread only after it saw head_out, which it learns from the post below */
	br_reply__finish(r);
	pthread_mutex_lock(&r->mu);
	r->gone |= r->head_only; /* nobody will see what is written */
	is_gone = r->gone;
	pthread_mutex_unlock(&r->mu);
	br_loop__post(r, false);
	return is_gone ? gone(err) : 0;
}

void br_stream_ping(struct br_req *r, int64_t seconds, const char *text)
{
	BR_ASSERT(!r->replied);
	r->ping = text;
	r->ping_after = seconds;
}

int br_stream_write(struct br_req *r, const void *p, size_t n, struct br_err *err)
{
	const char *at = p;

	pthread_mutex_lock(&r->mu);
	while (n && !r->gone) {
		size_t room = BR_SERVE_RING - r->ring.len, part = BR_MIN(n, room);
		bool was_empty = !r->ring.len;

		if (!room) {
			pthread_cond_wait(&r->stirred, &r->mu);
			continue;
		}
		br_buf_add(&r->ring, at, part);
		at += part;
		n -= part;
		if (was_empty || part == room) {
			pthread_mutex_unlock(&r->mu);
			br_loop__post(r, false);
			pthread_mutex_lock(&r->mu);
		}
	}
	pthread_mutex_unlock(&r->mu);
	return n ? gone(err) : 0;
}

int br_stream_event(struct br_req *r, const char *id, const char *event, const char *data, size_t n, struct br_err *err)
{
	struct br_slice rest = br_slice(data ? data : "", n), line;
	struct br_buf b = BR_BUF_INIT(BR_SERVE_REPLY);
	int rc;

	if (id)
		br_buf_addf(&b, "id: %s\n", id);
	if (event)
		br_buf_addf(&b, "event: %s\n", event);
	do {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		line = br_slice(rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len);
		rest = end ? br_slice(end + 1, rest.len - line.len - 1) : br_slice(NULL, 0);
		br_buf_adds(&b, "data: ");
		br_buf_add(&b, line.ptr, line.len);
		br_buf_addc(&b, '\n');
	} while (rest.ptr);
	br_buf_addc(&b, '\n');
	if ((rc = br_buf_check(&b, "an event", err)) == 0)
		rc = br_stream_write(r, b.ptr, b.len, err);
	br_buf_release(&b);
	return rc;
}

/* ---- who has gone ---- */

bool br_req_gone(struct br_req *r)
{
	bool is_gone;

	pthread_mutex_lock(&r->mu);
	is_gone = r->gone;
	pthread_mutex_unlock(&r->mu);
	return is_gone;
}

bool br_req_draining(struct br_req *r)
{
	return atomic_load(&r->server->draining);
}

void br_req_on_gone(struct br_req *r, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&r->mu);
	if (r->gone && fn)
		fn(arg);
	r->on_gone = r->gone ? NULL : fn;
	r->on_gone_arg = arg;
	pthread_mutex_unlock(&r->mu);
}

void br_req__gone(struct br_req *r)
{
	pthread_mutex_lock(&r->mu);
	if (!r->gone && r->on_gone)
		r->on_gone(r->on_gone_arg);
	r->on_gone = NULL;
	r->gone = true;
	pthread_cond_broadcast(&r->stirred);
	pthread_mutex_unlock(&r->mu);
}

/* ---- both directions ---- */

int br_req_upgrade(struct br_req *r, const char *protocol, struct br_err *err)
{
	if (r->head.minor == 0 || !r->head.upgrade)
		return br_req_fail(r, 426, err, BR_EUSAGE, "this path wants an upgrade to %s", protocol);
	br_reply_header(r, "Upgrade", protocol);
	r->upgrade = true;
	return br_stream_open(r, 101, NULL, err);
}

static void until(struct timespec *t, int timeout_ms)
{
	clock_gettime(CLOCK_REALTIME, t);
	t->tv_sec += timeout_ms / 1000;
	t->tv_nsec += timeout_ms % 1000 * 1000000L;
	if (t->tv_nsec >= 1000000000L) {
		t->tv_sec++;
		t->tv_nsec -= 1000000000L;
	}
}

int64_t br_upgrade_read(struct br_req *r, void *p, size_t n, int timeout_ms, struct br_err *err)
{
	struct timespec end;
	size_t got;
	bool over;
	int late = 0;

	until(&end, BR_MAX(timeout_ms, 0));
	pthread_mutex_lock(&r->mu);
	while (!r->inward.len && !r->gone && !late && timeout_ms) {
		if (timeout_ms < 0)
			pthread_cond_wait(&r->stirred, &r->mu);
		else
			late = pthread_cond_timedwait(&r->stirred, &r->mu, &end) == ETIMEDOUT;
	}
	got = BR_MIN(n, r->inward.len);
	over = !got && r->gone;
	if (got) {
		memcpy(p, r->inward.ptr, got);
		memmove(r->inward.ptr, r->inward.ptr + got, r->inward.len - got);
		r->inward.len -= got;
	}
	pthread_mutex_unlock(&r->mu);
	if (got)
		br_loop__post(r, false); /* there may be more where that came from */
	return over ? gone(err) : (int64_t)got;
}
