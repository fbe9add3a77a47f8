/*
 * Answers as they are written: server-sent events for clients that read line by line. Each payload is one line of ASCII JSON behind
 * "data: "; tokens, then the sources, then done with an event name. What fails before the first token is an ordinary error.
 */
#include "quivr.h"

#include <stdio.h>
#include <stdlib.h>

struct streaming {
	struct br_req *r;
	struct br_quivr_ask ask;
	struct br_buf line;
	bool open, revoked;
	struct br_err err;             /* why it was stopped */
	atomic_bool cancel;
};

/* The character at p, of valid UTF-8; how many bytes it has. */
static size_t decode(uint32_t *c, const char *p)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t n = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;

	*c = n == 1 ? u[0] : u[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		*c = *c << 6 | (u[i] & 0x3fu);
	return n;
}

/* Clients cut lines at characters that a JSON string may hold as they are: none of them leaves here. */
static int ascii(struct br_buf *out, const struct br_buf *in, struct br_err *err)
{
	for (const char *p = in->ptr, *end = in->ptr + in->len; p < end;) {
		uint32_t c;

		p += decode(&c, p);
		if (c < 0x7f)
			br_buf_addc(out, (char)c);
		else if (c > 0xffff)
			br_buf_addf(out, "\\u%04x\\u%04x", 0xd800 + (unsigned)((c - 0x10000) >> 10), 0xdc00 + (unsigned)((c - 0x10000) & 0x3ff));
		else
			br_buf_addf(out, "\\u%04x", (unsigned)c);
	}
	return br_buf_check(out, "an event", err);
}

static int open_stream(struct streaming *s, struct br_err *err)
{
	if (s->open)
		return 0;
	s->open = true;
	br_reply_header(s->r, "Cache-Control", "no-cache");
	br_stream_ping(s->r, BR_SERVE_PING_TIME, ": keep-alive\n\n");
	return br_stream_open(s->r, 200, "text/event-stream; charset=utf-8", err);
}

static int frame(struct streaming *s, const char *event, struct br_err *err)
{
	struct br_buf out = BR_BUF_INIT(BR_SERVE_REPLY);
	int rc = ascii(&out, &s->line, err);

	if (rc == 0 && (rc = open_stream(s, err)) == 0)
		rc = br_stream_event(s->r, NULL, event, out.ptr, out.len, err);
	br_buf_release(&out);
	return rc;
}

static void begin(struct streaming *s, struct br_json *j, const char *type)
{
	br_buf_reset(&s->line);
	br_json_init(j, &s->line, false);
	br_json_obj(j);
	br_json_kstr(j, "type", type);
}

static int on_token(const char *text, size_t n, void *arg)
{
	struct streaming *s = arg;
	struct br_json j;

	if (br_quivr__still(s->r, &s->err) < 0) {
		s->revoked = true;
		return 1;
	}
	begin(s, &j, "token");
	br_json_key(&j, "token");
	br_json_strn(&j, text, n);
	br_json_end(&j);
	return frame(s, NULL, &s->err) < 0;
}

/* A word with the blanks behind it, so that quoted answers come in pieces, too. */
static size_t word(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != ' ' && p[i] != '\n')
		i++;
	while (i < n && (p[i] == ' ' || p[i] == '\n'))
		i++;
	return i;
}

static int on_text(const char *text, size_t n, void *arg)
{
	int rc = 0;

	for (size_t k; n && rc == 0; text += k, n -= k) {
		for (k = word(text, n); k < 24 && k < n;)
			k += word(text + k, n - k);
		rc = on_token(text, k, arg);
	}
	return rc;
}

static int send_end(struct streaming *s, const struct br_quivr_answer *a, struct br_err *err)
{
	struct br_json j;
	int rc;

	begin(s, &j, "sources");
	br_json_key(&j, "sources");
	br_quivr__sources(&j, a, s->ask.include_sources);
	br_json_end(&j);
	if ((rc = frame(s, NULL, err)) < 0)
		return rc;
	begin(s, &j, "done");
	br_quivr__done_members(&j, a);
	br_json_end(&j);
	return frame(s, "done", err);
}

/* The stream has begun: its end tells what went wrong. */
static void send_error(struct streaming *s, const struct br_err *why)
{
	int status = s->revoked ? br_err_info(why->code)->http : br_quivr__status(s->r, why);
	struct br_json j;

	begin(s, &j, "error");
	br_quivr__error_members(&j, s->r, status, why->msg);
	br_json_end(&j);
	(void)frame(s, "error", NULL);
}

static void stop(void *flag)
{
	atomic_store((atomic_bool *)flag, true);
}

static int run(struct streaming *s, struct br_err *err)
{
	const struct br_quivr_how how = { on_text, s, &s->cancel };
	struct br_quivr_answer a;
	int rc;

	br_req_on_gone(s->r, stop, &s->cancel);
	rc = br_quivr__answer(&a, s->r, &s->ask, &how, err);
	br_req_on_gone(s->r, NULL, NULL);
	if (rc == 0 && (rc = br_quivr__still(s->r, &s->err)) < 0)
		s->revoked = true;
	if (rc == 0)
		rc = send_end(s, &a, err);
	else if (s->open)
		send_error(s, s->revoked ? &s->err : err);
	else if (s->revoked)
		*err = s->err;
	br_quivr__answer_release(&a);
	return rc;
}

static int stream(struct br_req *r, const void *in, struct br_err *err)
{
	struct streaming s = { .r = r, .ask = *(const struct br_quivr_ask *)in, .line = BR_BUF_INIT(BR_SERVE_REPLY) };
	int rc;

	s.ask.has_threshold = br_req_given(r, "score_threshold");
	s.ask.has_temperature = br_req_given(r, "temperature");
	rc = run(&s, err);
	br_buf_release(&s.line);
	return rc;
}

static const short fails[] = { 400, 404, 503, 0 };
static const struct br_route rows[] = {
	{ "POST", API "/query/stream", "quivr_query_stream", "Ask, and get the answer as it is written", "query", BR_LEVEL_KEY, .scopes = "query",
	  .rate = "query", .body = BR_BODY_JSON, .in = br_quivr__ask_fields, .in_size = sizeof(struct br_quivr_ask), .fails = fails,
	  .type = "text/event-stream", .flags = BR_ROUTE_SLOW | BR_ROUTE_STREAM, .run = stream },
};
const struct br_routes br_quivr__stream_rows = { rows, BR_COUNT(rows) };
