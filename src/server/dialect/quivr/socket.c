/*
 * Questions over a WebSocket, one after the other. The thread of the request reads; each question is answered by a thread of its own,
 * so that a cancelling message, a ping or the end of the connection is heard while a model writes.
 */
#include "quivr.h"

#include "br/wsock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	TICK_MS = 250,               /* how often the reader looks up */
	PING_S = 20, DEAD_S = 60,    /* silence after which the client is asked, and given up */
	LINGER_MS = 1000,            /* for the client's closing frame */
	QUIET_MS = 50,
	STACK = 1 << 20,
};

struct socket {
	struct br_req *r;
	struct br_wsock *ws;
	pthread_t thread;
	bool started;                /* there is a thread to be joined */
	atomic_bool busy, cancel, revoked;
	atomic_bool ended;           /* its last frame is on its way: the client may ask again as soon as it has it */
	bool by_message;             /* read after `cancel` */
	struct br_jdoc *doc;         /* the question; the thread's while it is busy */
	struct br_err err;           /* why a frame could not be sent */
	struct br_buf line;
	int64_t pinged;
};

/* ---- frames ---- */

static void begin(struct socket *s, struct br_json *j, const char *type)
{
	br_buf_reset(&s->line);
	br_json_init(j, &s->line, false);
	br_json_obj(j);
	br_json_kstr(j, "type", type);
}

static int frame(struct socket *s, struct br_json *j, struct br_err *err)
{
	int rc;

	br_json_end(j);
	if ((rc = br_buf_check(&s->line, "a message", err)) == 0)
		rc = br_wsock_write(s->ws, br_buf_slice(&s->line), err);
	return rc;
}

/* Of the reader, which must not touch what belongs to the request while it is answered. */
static void complain(struct socket *s, const char *error, int status, const char *message)
{
	struct br_buf b = BR_BUF_INIT(64 << 10);
	struct br_json j;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "type", "error");
	br_json_kstr(&j, "error", error);
	br_json_kstr(&j, "message", message);
	br_json_kint(&j, "status_code", status);
	if (status == 400)
		br_json_kstr(&j, "field", "body");
	br_json_kstr(&j, "request_id", br_req_id(s->r));
	br_json_end(&j);
	if (br_wsock_write(s->ws, br_buf_slice(&b), NULL) < 0)
		atomic_store(&s->cancel, true); /* nobody reads any more */
	br_buf_release(&b);
}

/* ---- an answer ---- */

static int on_token(const char *text, size_t n, void *arg)
{
	struct socket *s = arg;
	struct br_json j;

	if (br_quivr__still(s->r, &s->err) < 0) {
		atomic_store(&s->revoked, true);
		return 1;
	}
	begin(s, &j, "token");
	br_json_key(&j, "token");
	br_json_strn(&j, text, n);
	return frame(s, &j, &s->err) < 0;
}

static int send_end(struct socket *s, const struct br_quivr_ask *ask, const struct br_quivr_answer *a, struct br_err *err)
{
	struct br_json j;
	int rc;

	begin(s, &j, "sources");
	br_json_key(&j, "sources");
	br_quivr__sources(&j, a, ask->include_sources);
	if ((rc = frame(s, &j, err)) < 0)
		return rc;
	atomic_store(&s->ended, true);
	begin(s, &j, "done");
	br_quivr__done_members(&j, a);
	return frame(s, &j, err);
}

static void send_error(struct socket *s, const struct br_err *why)
{
	struct br_json j;

	begin(s, &j, "error");
	br_quivr__error_members(&j, s->r, atomic_load(&s->revoked) ? br_err_info(why->code)->http : br_quivr__status(s->r, why), why->msg);
	(void)frame(s, &j, NULL);
}

static int ask(struct socket *s, struct br_err *err)
{
	const struct br_quivr_how how = { on_token, s, &s->cancel };
	struct br_quivr_answer a = { .source = NULL };
	struct br_quivr_ask q = { 0 };
	int rc;

	if ((rc = br_quivr__still(s->r, err)) < 0) {
		atomic_store(&s->revoked, true);
		return rc;
	}
	if (!br_quivr__take(s->r, err))
		return -(int)err->code;
	if ((rc = br_quivr__ask_read(&q, s->r, br_jdoc_root(s->doc), err)) < 0)
		return rc;
	if ((rc = br_quivr__answer(&a, s->r, &q, &how, err)) == 0)
		rc = send_end(s, &q, &a, err);
	else if (atomic_load(&s->revoked))
		*err = s->err;
	br_quivr__answer_release(&a);
	return rc;
}

/* What questions leave in the request's arena goes with each of them: a connection may carry any number. */
static void *answer(void *arg)
{
	struct socket *s = arg;
	struct br_arena *a = br_req_arena(s->r), kept = *a;
	struct br_err err = { 0 };
	int rc;

	*a = (struct br_arena){ 0 };
	rc = ask(s, &err);
	atomic_store(&s->ended, true);
	if (rc < 0 && atomic_load(&s->cancel) && s->by_message)
		complain(s, "cancelled", 499, "The question was cancelled");
	else if (rc < 0 && !br_req_gone(s->r))
		send_error(s, &err);
	br_req_forget(s->r);
	br_quivr__caller(s->r)->why = (struct br_quivr_why){ 0 };
	br_arena_release(a);
	*a = kept;
	br_jdoc_free(s->doc);
	s->doc = NULL;
	atomic_store(&s->busy, false);
	return NULL;
}

static void stop(void *arg)
{
	struct socket *s = arg;

	atomic_store(&s->cancel, true);
}

static void join(struct socket *s)
{
	if (s->started)
		pthread_join(s->thread, NULL);
	s->started = false;
}

static void start(struct socket *s, struct br_jdoc *doc)
{
	pthread_attr_t how;

	join(s);
	s->doc = doc;
	s->by_message = false;
	atomic_store(&s->cancel, br_req_gone(s->r));
	atomic_store(&s->ended, false);
	atomic_store(&s->busy, true);
	pthread_attr_init(&how);
	pthread_attr_setstacksize(&how, STACK);
	s->started = pthread_create(&s->thread, &how, answer, s) == 0;
	pthread_attr_destroy(&how);
	if (s->started)
		return;
	atomic_store(&s->busy, false);
	br_jdoc_free(doc);
	complain(s, "service_unavailable", 503, "The server is busy");
}

/* ---- messages ---- */

static void take_message(struct socket *s, struct br_slice text)
{
	struct br_jdoc *doc;
	const char *type;

	if (br_jdoc_parse(&doc, text, "the message", NULL) < 0) {
		complain(s, "validation_error", 400, "The message is not JSON");
		return;
	}
	type = br_jval_str(br_jval_get(br_jdoc_root(doc), "type"));
	if (type && !strcmp(type, "cancel")) {
		s->by_message = true;
		atomic_store(&s->cancel, true);
	} else if (atomic_load(&s->busy) && !atomic_load(&s->ended)) {
		complain(s, "conflict", 409, "A question is being answered: one at a time");
	} else {
		start(s, doc);
		return;
	}
	br_jdoc_free(doc);
}

/* False: the connection is at its end, and was told so. */
static bool look_around(struct socket *s)
{
	int64_t now = br_mono_ns(), silent = (now - BR_MAX(br_wsock_heard(s->ws), s->pinged)) / 1000000000;

	if (atomic_load(&s->busy))
		return true;
	if (atomic_load(&s->revoked)) {
		br_wsock_close(s->ws, 1008, "the key may no longer be used");
	} else if (br_req_draining(s->r)) {
		br_wsock_close(s->ws, 1001, "the server is ending");
	} else if ((now - br_wsock_heard(s->ws)) / 1000000000 >= DEAD_S) {
		br_wsock_close(s->ws, 1001, "nothing was heard");
	} else {
		if (silent >= PING_S) {
			s->pinged = now;
			return br_wsock_ping(s->ws, NULL) == 0;
		}
		return true;
	}
	return false;
}

static int64_t read_bytes(void *arg, void *p, size_t n, int timeout_ms, struct br_err *err) { return br_upgrade_read(arg, p, n, timeout_ms, err); }
static int write_bytes(void *arg, const void *p, size_t n, struct br_err *err) { return br_stream_write(arg, p, n, err); }

/* For the client's closing frame; and where it was not listened to any more, until it is quiet, lest it miss why. */
static void linger(struct socket *s)
{
	int64_t until = br_mono_ns() + LINGER_MS * 1000000ll;
	struct br_slice text;
	char waste[4096];

	while (br_mono_ns() < until && br_wsock_read(s->ws, &text, TICK_MS, NULL) >= 0)
		;
	while (br_mono_ns() < until && br_upgrade_read(s->r, waste, sizeof waste, QUIET_MS, NULL) > 0)
		;
}

static void talk(struct socket *s)
{
	struct br_slice text;
	int rc;

	br_req_on_gone(s->r, stop, s);
	while ((rc = br_wsock_read(s->ws, &text, TICK_MS, NULL)) >= 0 && look_around(s))
		if (rc > 0)
			take_message(s, text);
	atomic_store(&s->cancel, true);
	join(s);
	br_req_on_gone(s->r, NULL, NULL);
	if (!br_req_gone(s->r))
		linger(s);
}

/* ---- the handshake ---- */

static int shake_hands(struct br_req *r, struct br_err *err)
{
	const char *key = br_req_header(r, "Sec-WebSocket-Key"), *version = br_req_header(r, "Sec-WebSocket-Version");
	char accept[29];
	int rc;

	if (!version || strcmp(version, "13"))
		return br_quivr__bad(r, err, "Sec-WebSocket-Version", "This path wants a WebSocket of version 13");
	if (!key || !br_wsock_accept(accept, key))
		return br_quivr__bad(r, err, "Sec-WebSocket-Key", "This is not a key of a WebSocket");
	if ((rc = br_wsock_load(err)) < 0)
		return br_req_fail(r, 503, err, BR_EUPSTREAM, "This server has no WebSockets");
	br_reply_header(r, "Sec-WebSocket-Accept", accept);
	return br_req_upgrade(r, "websocket", err);
}

static int ws_query(struct br_req *r, const void *in, struct br_err *err)
{
	struct socket s = { .r = r, .line = BR_BUF_INIT(BR_MAX_REPLY * 8) };
	const struct br_wsock_io io = { read_bytes, write_bytes, r };
	int rc = shake_hands(r, err);

	(void)in;
	if (rc < 0 || (rc = br_wsock_new(&s.ws, &io, BR_SERVE_JSON_BODY, err)) < 0)
		return rc;
	talk(&s);
	br_wsock_free(s.ws);
	br_buf_release(&s.line);
	return 0;
}

static const short fails[] = { 400, 503, 0 };
static const struct br_route rows[] = {
	{ "GET", API "/ws/query", "quivr_ws_query", "Ask over a WebSocket, any number of times", "query", BR_LEVEL_KEY, .scopes = "query", .rate = "socket",
	  .fails = fails, .type = "application/json", .ok = 101, .flags = BR_ROUTE_SLOW | BR_ROUTE_STREAM, .run = ws_query },
};
const struct br_routes br_quivr__socket_rows = { rows, BR_COUNT(rows) };
