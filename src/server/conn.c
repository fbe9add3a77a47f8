/*
 * A connection's life: head, gate, body, worker, answer, and again. Every step says whether there is more to do at once, so that
 * any number of requests in one packet is one loop. What ends a connection ends it here.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define READ_SIZE 65536u         /* of a body */
#define HEAD_READ 4096u
#define FEED_FROM (BR_SERVE_BLOCK / 2)
#define LINGER_BYTES (64u << 20) /* that are thrown away behind an answer that ends a connection */
#define LINGER_TIME 30
#define SENDS 32                 /* of files and streams in a row */

enum { GONE = -1, WAIT = 0, MORE = 1 }; /* of a step: the connection is no more, waits for an event, can go on */

static int drop(struct br_conn *c)
{
	br_loop__drop(c);
	return GONE;
}

static void enter(struct br_conn *c, enum conn_state state)
{
	c->state = state;
	c->since = c->moved = br_mono_ns();
	c->phase_bytes = 0;
}

/* ---- input ---- */

static size_t unread(const struct br_conn *c)
{
	return c->in.len - c->in_at;
}

static void use(struct br_conn *c, size_t n)
{
	c->in_at += n;
	if (c->in_at == c->in.len) {
		c->in_at = 0;
		if (c->in.cap > HEAD_READ * 2)
			br_buf_release(&c->in);
		else
			br_buf_reset(&c->in);
	}
}

static void compact(struct br_conn *c)
{
	if (!c->in_at)
		return;
	memmove(c->in.ptr, c->in.ptr + c->in_at, unread(c));
	c->in.len -= c->in_at;
	c->in_at = 0;
}

static int receive(struct br_conn *c)
{
	size_t want = c->state == CONN_BODY ? READ_SIZE : HEAD_READ;
	ssize_t n;

	compact(c);
	if (!br_buf_reserve(&c->in, want))
		return drop(c);
	n = br_io__read(c, c->in.ptr + c->in.len, want);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? WAIT : drop(c);
	if (!c->in.len && n && c->state == CONN_HEAD)
		c->since = br_mono_ns();
	c->in.len += (size_t)n;
	c->eof |= n == 0;
	return MORE;
}

/* ---- answering ---- */

/* Bytes of a body that came with its head and will not be looked at: then the connection can be used again. */
static void swallow(struct br_conn *c)
{
	struct br_slice in = br_slice(c->in.ptr + c->in_at, unread(c)), data;
	struct br_framing *f = &c->req->framing;
	size_t had = in.len;

	while (br_framing_next(f, &in, &data) == 1)
		;
	use(c, had - in.len);
	c->last |= f->state != BR_FR_END;
}

static int answer(struct br_conn *c)
{
	struct br_req *r = c->req;
	struct br_buf *h = &r->head_out;

	if (!h->len)
		br_reply__finish(r);
	if (r->framing.state != BR_FR_END)
		swallow(c);
	c->last |= r->head.close || (r->head.minor == 0 && !r->head.keep_alive) || (c->eof && !unread(c)) || atomic_load(&c->loop->server->draining) ||
	           (r->streaming && (r->head.minor == 0 || r->upgrade));
	br_buf_addf(h, "Date: %s\r\n", br_loop__date(c->loop));
	if (r->upgrade)
		br_buf_adds(h, "Connection: Upgrade\r\n\r\n");
	else if (c->last)
		br_buf_adds(h, "Connection: close\r\n\r\n");
	else
		br_buf_adds(h, r->head.minor == 0 ? "Connection: keep-alive\r\n\r\n" : "\r\n");
	enter(c, CONN_WRITE);
	c->sent = 0;
	return MORE;
}

static int refuse(struct br_conn *c, int status, const char *why)
{
	c->last = true;
	atomic_fetch_add(&c->loop->server->refused, 1);
	br_reply__fault(c->req, BR_AT_HTTP, status, status == 413 ? BR_ETOOBIG : status == 501 ? BR_EUNSUPPORTED : BR_EUSAGE, "%s", why);
	return answer(c);
}

/* ---- workers ---- */

static int give(struct br_conn *c, enum br_step step)
{
	struct br_req *r = c->req;
	bool slow = step != STEP_RUN || (r->row->route->flags & (BR_ROUTE_SLOW | BR_ROUTE_STREAM));

	if (step == STEP_RUN && (r->row->route->flags & BR_ROUTE_INLINE)) {
		br_step__handle(r);
		return answer(c);
	}
	r->step = step;
	r->busy = true;
	r->slow = slow;
	enter(c, CONN_WAIT);
	if (br_work__give(slow ? &c->loop->server->slow : &c->loop->server->quick, &r->job))
		return WAIT;
	r->busy = false;
	br_reply__fault(r, BR_AT_RUN, 503, BR_ENOMEM, "too many requests are waiting");
	return answer(c);
}

/* ---- the body ---- */

static int body_begins(struct br_conn *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct br_req *r = c->req;

	if (r->framing.state == BR_FR_END)
		return give(c, STEP_RUN);
	if (r->head.expect && !unread(c))
		(void)!br_io__send(c, br_slice(go_on, sizeof go_on - 1), br_slice("", 0), false);
	enter(c, CONN_BODY);
	return MORE;
}

static bool keep_piece(struct br_req *r, struct br_slice data)
{
	struct br_buf *b = r->row->route->body == BR_BODY_JSON ? &r->body : r->row->route->body == BR_BODY_NONE ? NULL : &r->block;

	r->body_seen += data.len;
	if (b)
		br_buf_add(b, data.ptr, data.len);
	return r->body_seen <= r->body_max && !(b && b->failed);
}

static int body_over(struct br_conn *c)
{
	struct br_req *r = c->req;

	r->body_over = true;
	return give(c, r->row->route->body == BR_BODY_FORM || r->row->route->body == BR_BODY_RAW ? STEP_FEED : STEP_RUN);
}

static int take_body(struct br_conn *c)
{
	struct br_slice in = br_slice(c->in.ptr + c->in_at, unread(c)), data;
	struct br_req *r = c->req;
	size_t had = in.len;
	bool fits = true;
	char why[80];
	int rc;

	while (fits && (rc = br_framing_next(&r->framing, &in, &data)) == 1)
		fits = keep_piece(r, data);
	c->phase_bytes += had - in.len;
	use(c, had - in.len);
	if (!fits) {
		snprintf(why, sizeof why, "the body is larger than %llu bytes", (unsigned long long)r->body_max);
		return refuse(c, 413, why);
	}
	if (rc < 0)
		return refuse(c, 400, "the chunks of the body are damaged");
	if (rc == 2)
		return body_over(c);
	if (r->block.len >= FEED_FROM)
		return give(c, STEP_FEED);
	return c->eof ? drop(c) : WAIT;
}

/* ---- the head ---- */

static int begin_request(struct br_conn *c, size_t n)
{
	struct br_req *r = c->req = br_req__new(c);
	const char *why = NULL;
	int status = 0, gate;
	bool ok = br_req__take_head(r, c->in.ptr + c->in_at, n, &status, &why);

	use(c, n);
	c->seen = 0;
	if (!ok)
		return refuse(c, status, why);
	br_framing_init(&r->framing, &r->head); /* before anything may answer: what belongs to this body is never a next request */
	gate = br_gate__enter(r);
	if (gate > 0)
		return give(c, STEP_IDENTIFY);
	return gate < 0 ? answer(c) : body_begins(c);
}

/* Of a head that is not accepted: its first line, if that is one, so that the answer is in the words of the path's dialect. */
static void take_line(struct br_conn *c)
{
	const char *p = c->in.ptr + c->in_at;
	size_t n = 0;

	while (n < unread(c) && (unsigned char)p[n] >= 0x20 && p[n] != 0x7f)
		n++;
	if (n + 1 >= unread(c) || p[n] != '\r' || p[n + 1] != '\n')
		p = "\r\n";
	br_req__take_head(c->req, p, *p == '\r' ? 2 : n + 2, &(int){ 0 }, &(const char *){ 0 });
}

static int take_head(struct br_conn *c)
{
	const char *why = NULL;
	int64_t n;

	while (unread(c) && !c->seen && (c->in.ptr[c->in_at] == '\r' || c->in.ptr[c->in_at] == '\n')) /* behind a body, from careless clients */
		use(c, 1);
	n = unread(c) ? br_head_find(&c->seen, c->in.ptr + c->in_at, unread(c), &why) : 0;
	if (n > 0)
		return begin_request(c, (size_t)n);
	if (n < 0) {
		c->req = br_req__new(c);
		take_line(c);
		return refuse(c, (int)-n, why);
	}
	return c->eof ? drop(c) : WAIT;
}

/* ---- output ---- */

/* The answer is out: the next request, or the end. */
static int finish(struct br_conn *c)
{
	struct br_req *r = c->req;

	br_access__line(r);
	c->req = NULL;
	br_req__done(r);
	br_buf_release(&c->sending);
	if (c->last) {
		if (c->eof)
			return drop(c);
		if (c->tls)
			c->loop->server->tls->bye(c->tls);
		shutdown(c->fd, SHUT_WR);
		enter(c, CONN_LINGER);
		br_loop__arm(c, EPOLLIN | EPOLLRDHUP);
		return WAIT;
	}
	enter(c, CONN_HEAD);
	br_loop__arm(c, EPOLLIN | EPOLLRDHUP);
	return MORE;
}

/* A client that reads as fast as we write must not keep the thread for itself. */
static bool others_turn(struct br_conn *c)
{
	if (c->sends-- > 0)
		return false;
	br_loop__arm(c, EPOLLOUT | EPOLLRDHUP);
	return true;
}

/* n: of a send. MORE: bytes went out */
static int sent(struct br_conn *c, ssize_t n)
{
	if (n > 0) {
		c->moved = br_mono_ns();
		return MORE;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		return drop(c);
	br_loop__arm(c, EPOLLOUT | EPOLLRDHUP);
	return WAIT;
}

static int write_memory(struct br_conn *c)
{
	struct br_req *r = c->req;
	size_t head = r->head_out.len, body = r->head_only || r->no_body || r->streaming ? 0 : r->out.len, at;
	int rc;

	while (c->sent < head + body) {
		bool in_head = c->sent < head;
		ssize_t n;

		at = in_head ? c->sent : c->sent - head;
		n = in_head ? br_io__send(c, br_slice(r->head_out.ptr + at, head - at), br_slice(r->out.ptr, body), r->file_left > 0)
		            : br_io__send(c, br_slice(NULL, 0), br_slice(r->out.ptr + at, body - at), false);
		if ((rc = sent(c, n)) != MORE)
			return rc;
		c->sent += (size_t)n;
	}
	r->bytes = body;
	return MORE;
}

static int write_file(struct br_conn *c)
{
	struct br_req *r = c->req;
	int rc;

	while (r->file_left && !r->head_only) {
		ssize_t n;

		if (others_turn(c))
			return WAIT;
		n = br_io__sendfile(c, r->file, r->file_at, (size_t)BR_MIN(r->file_left, (uint64_t)BR_SERVE_BLOCK));

		if ((rc = sent(c, n)) != MORE)
			return rc;
		r->file_at += (uint64_t)n;
		r->file_left -= (uint64_t)n;
		r->bytes += (uint64_t)n;
	}
	return finish(c);
}

/* Moves what is in the ring to c->sending, framed. *over: that was all there will be. */
static void take_ring(struct br_conn *c, bool *over)
{
	struct br_req *r = c->req;
	bool chunks = r->head.minor == 1 && !r->upgrade;

	br_buf_reset(&c->sending);
	c->sent = 0;
	pthread_mutex_lock(&r->mu);
	if (r->ring.len && !r->head_only) {
		if (chunks)
			br_buf_addf(&c->sending, "%zx\r\n", r->ring.len);
		br_buf_add(&c->sending, r->ring.ptr, r->ring.len);
		if (chunks)
			br_buf_adds(&c->sending, "\r\n");
		r->bytes += r->ring.len;
	}
	r->ring.len = 0;
	*over = r->stream_over;
	if (*over && chunks && !r->head_only)
		br_buf_adds(&c->sending, "0\r\n\r\n");
	pthread_cond_broadcast(&r->stirred);
	pthread_mutex_unlock(&r->mu);
}

static int write_stream(struct br_conn *c)
{
	bool over = false;
	int rc;

	for (;;) {
		while (c->sent < c->sending.len) {
			ssize_t n;

			if (others_turn(c))
				return WAIT;
			n = br_io__send(c, br_slice(c->sending.ptr + c->sent, c->sending.len - c->sent), br_slice("", 0), false);
			if ((rc = sent(c, n)) != MORE)
				return rc;
			c->sent += (size_t)n;
		}
		if (over)
			return finish(c);
		take_ring(c, &over);
		if (!c->sending.len && !over)
			break;
	}
	br_loop__arm(c, EPOLLRDHUP | (c->req->upgrade ? EPOLLIN : 0));
	return WAIT;
}

/* c->sent counts head and body first, then a stream's bytes: head_out is emptied when the stream begins. */
static int write_some(struct br_conn *c)
{
	struct br_req *r = c->req;
	int rc = MORE;

	if (r->head_out.len && (rc = write_memory(c)) != MORE)
		return rc;
	if (!r->streaming)
		return write_file(c);
	if (r->head_out.len) {
		br_buf_reset(&r->head_out);
		c->sent = 0;
	}
	return write_stream(c);
}

/* ---- the loop over steps ---- */

static int step(struct br_conn *c)
{
	switch (c->state) {
	case CONN_HEAD:
		return take_head(c);
	case CONN_BODY:
		return take_body(c);
	case CONN_WRITE:
		return write_some(c);
	default:
		return WAIT;
	}
}

/* TLS may hold bytes that the descriptor does not tell of, so there one reads until nothing comes. */
static void drive(struct br_conn *c)
{
	int rc;

	c->sends = SENDS;
	do {
		while ((rc = step(c)) == MORE)
			;
		if (rc == WAIT && (c->state == CONN_HEAD || c->state == CONN_BODY) && c->tls)
			rc = receive(c);
	} while (rc == MORE);
	if (rc == WAIT && (c->state == CONN_HEAD || c->state == CONN_BODY))
		br_loop__arm(c, EPOLLIN | EPOLLRDHUP);
}

/* ---- events ---- */

static void handshake(struct br_conn *c)
{
	short want = 0;
	int rc = c->loop->server->tls->handshake(c->tls, &want);

	if (rc == 0) {
		enter(c, CONN_HEAD);
		drive(c);
	} else if (rc < 0 && errno == EAGAIN) {
		br_loop__arm(c, want == EPOLLOUT ? EPOLLOUT : EPOLLIN);
	} else {
		drop(c);
	}
}

static void linger(struct br_conn *c)
{
	struct br_buf *b = &c->loop->scratch;
	ssize_t n;

	br_buf_reset(b);
	if (!br_buf_reserve(b, READ_SIZE)) {
		drop(c);
		return;
	}
	n = recv(c->fd, b->ptr, READ_SIZE, 0);
	if (n > 0) {
		c->moved = br_mono_ns();
		c->phase_bytes += (uint64_t)n;
	}
	if (n == 0 || (n < 0 && errno != EAGAIN) || c->phase_bytes > LINGER_BYTES)
		drop(c);
}

/* While a worker has the request. Half a goodbye ends what may wait for long, not what is answered at once. */
static void while_waiting(struct br_conn *c, uint32_t events)
{
	if (events & (EPOLLHUP | EPOLLERR)) {
		drop(c);
		return;
	}
	if ((events & EPOLLRDHUP) && c->req->row && (c->req->row->route->flags & (BR_ROUTE_SLOW | BR_ROUTE_STREAM)))
		br_req__gone(c->req);
	br_loop__arm(c, events & EPOLLRDHUP ? 0 : EPOLLRDHUP);
}

static int read_inward(struct br_conn *c)
{
	struct br_req *r = c->req;
	char text[16384];
	ssize_t n = 0;
	size_t room;

	for (;;) {
		pthread_mutex_lock(&r->mu);
		room = BR_SERVE_RING - r->inward.len;
		pthread_mutex_unlock(&r->mu);
		if (!room) {
			br_loop__arm(c, c->armed & ~(uint32_t)EPOLLIN);
			return WAIT;
		}
		n = unread(c) ? (ssize_t)BR_MIN(unread(c), BR_MIN(room, sizeof text)) : 0;
		if (n) {
			memcpy(text, c->in.ptr + c->in_at, (size_t)n);
			use(c, (size_t)n);
		} else if ((n = br_io__read(c, text, BR_MIN(room, sizeof text))) <= 0) {
			return n < 0 && (errno == EAGAIN || errno == EINTR) ? WAIT : drop(c);
		}
		pthread_mutex_lock(&r->mu);
		br_buf_add(&r->inward, text, (size_t)n);
		pthread_cond_broadcast(&r->stirred);
		pthread_mutex_unlock(&r->mu);
	}
}

static void while_writing(struct br_conn *c, uint32_t events)
{
	struct br_req *r = c->req;

	if ((events & (EPOLLHUP | EPOLLERR)) || ((events & EPOLLRDHUP) && r->streaming && !r->upgrade)) {
		drop(c);
		return;
	}
	if (r->upgrade && (events & (EPOLLIN | EPOLLRDHUP)) && read_inward(c) == GONE)
		return;
	if (events & EPOLLRDHUP)
		br_loop__arm(c, c->armed & ~(uint32_t)EPOLLRDHUP);
	drive(c);
}

void br_conn__ready(struct br_conn *c, uint32_t events)
{
	int rc;

	switch (c->state) {
	case CONN_TLS:
		handshake(c);
		break;
	case CONN_HEAD:
	case CONN_BODY:
		rc = receive(c);
		if (rc == MORE)
			drive(c);
		else if (rc == WAIT && (events & (EPOLLHUP | EPOLLERR)))
			drop(c);
		break;
	case CONN_WAIT:
		while_waiting(c, events);
		break;
	case CONN_WRITE:
		while_writing(c, events);
		break;
	case CONN_LINGER:
		linger(c);
		break;
	}
}

/* ---- what workers hand back ---- */

static int fed(struct br_conn *c)
{
	struct br_req *r = c->req;
	int status = r->fail_status ? r->fail_status : r->err.code == BR_EINPUT ? 400 : br_err_info(r->err.code)->http;

	if (r->step_rc < 0) {
		br_reply__err(r, BR_AT_PARSE, status, &r->err);
		return answer(c);
	}
	if (r->body_over)
		return give(c, STEP_RUN);
	c->state = CONN_BODY; /* its clock goes on: time in the worker is not the client's */
	c->moved = br_mono_ns();
	return MORE;
}

static int stepped(struct br_conn *c)
{
	struct br_req *r = c->req;
	int gate;

	switch (r->step) {
	case STEP_IDENTIFY:
		gate = br_gate__identified(r, r->step_who);
		return gate < 0 ? answer(c) : body_begins(c);
	case STEP_FEED:
		return fed(c);
	case STEP_RUN:
		if (!r->streaming)
			return answer(c);
		pthread_mutex_lock(&r->mu);
		r->stream_over = true;
		pthread_mutex_unlock(&r->mu);
		return c->state == CONN_WAIT ? answer(c) : MORE;
	}
	return WAIT;
}

void br_conn__posted(struct br_req *r, bool done)
{
	struct br_conn *c = r->conn;
	int rc = MORE;

	if (done) {
		r->busy = false;
		if (c->fd < 0) {
			br_loop__drop(c);
			return;
		}
		rc = stepped(c);
	} else if (c->fd < 0) {
		return;
	} else if (c->state == CONN_WAIT) { /* a stream begins */
		rc = answer(c);
	}
	if (rc == MORE && c->req && c->req->upgrade && c->state == CONN_WRITE && read_inward(c) == GONE)
		return;
	if (rc == MORE)
		drive(c);
}

/* ---- deadlines ---- */

static void late(struct br_conn *c, const char *why)
{
	if (!c->req) {
		c->req = br_req__new(c);
		take_line(c);
	}
	if (refuse(c, 408, why) == MORE)
		drive(c);
}

static bool silent(const struct br_conn *c)
{
	struct br_req *r = c->req;

	return r->streaming && !r->head_out.len && c->sent == c->sending.len;
}

/* A comment keeps proxies from closing a stream of events, and shows whether the client is there. */
static void ping(struct br_conn *c, int64_t now)
{
	struct br_req *r = c->req;

	if (now - c->moved < (r->ping ? r->ping_after : BR_SERVE_PING_TIME) * SECOND || !r->type || strncmp(r->type, "text/event-stream", 17))
		return;
	pthread_mutex_lock(&r->mu);
	if (!r->ring.len && !r->head_only)
		br_buf_adds(&r->ring, r->ping ? r->ping : ": ping\n\n");
	pthread_mutex_unlock(&r->mu);
	c->moved = now;
	drive(c);
}

static bool over_time(const struct br_conn *c, int64_t now)
{
	switch (c->state) {
	case CONN_TLS:
		return now - c->since > BR_SERVE_HEAD_TIME * SECOND;
	case CONN_HEAD:
		return now - c->since > (unread(c) ? BR_SERVE_HEAD_TIME : BR_SERVE_IDLE_TIME) * SECOND;
	case CONN_BODY:
		return now - c->since > (int64_t)(BR_SERVE_BODY_TIME + c->phase_bytes / BR_SERVE_BODY_RATE) * SECOND;
	case CONN_WRITE:
		return !silent(c) && now - c->moved > BR_SERVE_WRITE_TIME * SECOND;
	case CONN_LINGER:
		return now - c->moved > 2 * SECOND || now - c->since > LINGER_TIME * SECOND;
	default:
		return false;
	}
}

void br_conn__tick(struct br_conn *c, int64_t now)
{
	struct br_server *s = c->loop->server;

	if (c->fd < 0)
		return;
	if (atomic_load(&s->stopping) || (atomic_load(&s->draining) && c->state == CONN_HEAD && !unread(c))) {
		drop(c);
		return;
	}
	if (!over_time(c, now)) {
		if (c->state == CONN_WRITE && silent(c))
			ping(c, now);
		else if (c->state == CONN_HEAD && !unread(c) && now - c->since > SECOND)
			br_buf_release(&c->in); /* thousands may be idle */
	} else if (c->state == CONN_HEAD && unread(c)) {
		late(c, "the head of the request did not come in time");
	} else if (c->state == CONN_BODY) {
		late(c, "the body did not come in time");
	} else {
		drop(c);
	}
}

bool br_conn__begin(struct br_conn *c)
{
	struct br_server *s = c->loop->server;

	enter(c, s->tls_ctx ? CONN_TLS : CONN_HEAD);
	return !s->tls_ctx || (c->tls = s->tls->conn_new(s->tls_ctx, c->fd));
}
