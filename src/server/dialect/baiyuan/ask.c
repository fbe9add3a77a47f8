/*
 * POST /ask: an answer at once, or as events: start, deltas, done; error in place of done. Pings come from the server while all is silent.
 */
#include "baiyuan.h"

#include "br/os.h"

#include <ctype.h>
#include <stdlib.h>

struct ask_in { const char *question, *kb, *kb_id, *session, *system_prompt, *context; double temperature; int64_t max_tokens; bool stream; };
static const struct br_field ask_in[] = {
	{ "question", BR_FAT_STR(struct ask_in, question), .flags = BR_REQUIRED, .min = 1, .max = BR_MAX_QUERY / 4 },
	{ "knowledge_base_id", BR_FAT_STR(struct ask_in, kb), .max = 100, .help = "all of the tenant without one" },
	{ "kb_id", BR_FAT_STR(struct ask_in, kb_id), .max = 100, .help = "another name of knowledge_base_id" },
	{ "session_id", BR_FAT_STR(struct ask_in, session), .max = 200, .help = "any text; what was said before under it counts" },
	{ "stream", BR_FAT_BOOL(struct ask_in, stream), .dflt = "false", .help = "as does Accept: text/event-stream" },
	{ "temperature", BR_FAT_NUM(struct ask_in, temperature), .min = 0, .max = 2, .dflt = "0" },
	{ "max_tokens", BR_FAT_INT(struct ask_in, max_tokens), .min = 1, .max = 100000, .dflt = "800" },
	{ "system_prompt", BR_FAT_STR(struct ask_in, system_prompt), .max = 20000 },
	{ "context", BR_FAT_STR(struct ask_in, context), .max = 50000, .help = "text of the page that the user looks at" }, BR_FIELD_END,
};

static const struct br_field source_out[] = {
	{ "id", MUST(STR) }, { "title", MUST(STR) }, { "relevance", MUST(NUM) }, { "knowledge_base_id", MUST(STR) }, BR_FIELD_END,
};
static const struct br_shape source_shape = { "BaiyuanSource", source_out, 0 };
static const struct br_field tokens_out[] = { { "prompt", MUST(INT) }, { "completion", MUST(INT) }, BR_FIELD_END };
static const struct br_shape tokens_shape = { "BaiyuanTokens", tokens_out, 0 };
static const struct br_field handoff_out[] = { { "status", MUST(STR) }, { "notice", MAY_NULL(STR) }, BR_FIELD_END };
static const struct br_shape handoff_shape = { "BaiyuanHandoff", handoff_out, 0 };
static const struct br_field answer_out[] = {
	{ "answer", MUST(STR) }, { "sources", MUST(ARR), .shape = &source_shape }, { "response_time", MUST(NUM), .help = "seconds" }, { "from_wiki", MUST(BOOL) },
	{ "tokens", MUST(OBJ), .shape = &tokens_shape }, { "timestamp", MUST(STR), .format = "date-time" }, { "conversation_id", MUST(STR) },
	{ "intent", MUST(STR), .choices = "knowledge|smalltalk|handoff|opinion" }, { "cached", MUST(BOOL) }, { "handoff", BR_FOUT(OBJ), .shape = &handoff_shape },
	{ "note", BR_FOUT(STR) }, { "warning", BR_FOUT(STR), .help = "a sentence that contradicts the passages" }, BR_FIELD_END,
};
static const struct br_shape answer_shape = { "BaiyuanAnswer", answer_out, 0 };

/* ---- the answer ---- */

static void write_sources(struct br_json *j, const struct br_answered *a)
{
	br_json_key(j, "sources");
	br_json_arr(j);
	for (size_t i = 0; i < a->n; i++) {
		br_json_obj(j);
		br_json_kstr(j, "id", a->source[i].id);
		br_json_kstr(j, "title", a->source[i].title);
		br_json_key(j, "relevance");
		if (a->source[i].relevance == 1)
			br_json_raw(j, "1.0", 3);
		else
			br_json_num(j, a->source[i].relevance, 4);
		br_json_kstr(j, "knowledge_base_id", a->source[i].kb);
		br_json_end(j);
	}
	br_json_end(j);
}

static void write_answer(struct br_json *j, const struct br_answered *a)
{
	br_json_kstr(j, "answer", a->text);
	write_sources(j, a);
	br_json_knum(j, "response_time", a->took_ms / 1000, 5);
	br_json_kbool(j, "from_wiki", a->from_wiki);
	br_json_key(j, "tokens");
	br_json_obj(j);
	br_json_kuint(j, "prompt", a->tokens.prompt);
	br_json_kuint(j, "completion", a->tokens.completion);
	br_json_end(j);
	br_baiyuan__time(j, "timestamp", br_now());
	br_json_kstr(j, "conversation_id", a->conversation);
	br_json_kstr(j, "intent", br_intent_name(a->intent));
	br_json_kbool(j, "cached", a->cached);
	if (a->handoff != BR_HANDOFF_AI) {
		br_json_key(j, "handoff");
		br_json_obj(j);
		br_json_kstr(j, "status", br_handoff_name(a->handoff));
		br_json_kstr(j, "notice", a->note ? a->note : a->text);
		br_json_end(j);
	} else if (a->note) {
		br_json_kstr(j, "note", a->note);
	}
	if (a->warning)
		br_json_kstr(j, "warning", a->warning);
}

/* ---- as events ---- */

struct stream { struct br_req *r; bool open, gone; };

static int send_event(struct stream *s, const char *event, struct br_buf *json)
{
	struct br_buf ascii = BR_BUF_INIT(BR_SERVE_REPLY);
	int rc;

	br_baiyuan__ascii(&ascii, br_buf_slice(json));
	rc = br_stream_event(s->r, NULL, event, ascii.ptr, ascii.len, NULL);
	br_buf_release(&ascii);
	br_buf_release(json);
	s->gone |= rc < 0;
	return rc < 0;
}

static int on_start(const char *conversation, const char *reply_id, enum br_intent intent, void *arg)
{
	struct stream *s = arg;
	struct br_buf b = BR_BUF_INIT(BR_SERVE_REPLY);
	struct br_json j;

	br_reply_header(s->r, "Cache-Control", "no-cache");
	br_stream_ping(s->r, br_config_int(br_req_ws(s->r)->config, "tenant.ping"), "event: ping\ndata: {}\n\n");
	s->open = true;
	if (br_stream_open(s->r, 200, "text/event-stream; charset=utf-8", NULL) < 0)
		return s->gone = true;
	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "conversation_id", conversation);
	br_json_kstr(&j, "reply_message_id", reply_id);
	br_json_kstr(&j, "intent", br_intent_name(intent));
	br_json_end(&j);
	return send_event(s, "start", &b);
}

static int on_token(const char *text, size_t n, void *arg)
{
	struct br_buf b = BR_BUF_INIT(BR_SERVE_REPLY);
	struct br_json j;

	if (!n)
		return 0;
	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_key(&j, "content");
	br_json_strn(&j, text, n);
	br_json_end(&j);
	return send_event(arg, "delta", &b);
}

static void send_done(struct stream *s, const struct br_answered *a)
{
	struct br_buf b = BR_BUF_INIT(BR_SERVE_REPLY);
	struct br_json j;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "message_id", a->id);
	write_answer(&j, a);
	br_json_end(&j);
	send_event(s, "done", &b);
}

static void send_error(struct stream *s, const struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BR_SERVE_REPLY);
	struct br_json j;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "error", err->msg);
	br_json_kint(&j, "code", br_err_info(err->code)->http);
	br_json_end(&j);
	send_event(s, "error", &b);
}

/* ---- the route ---- */

static const char *trimmed(struct br_req *r, const char *s)
{
	size_t n;

	s += strspn(s, " \t\r\n");
	for (n = strlen(s); n && isspace((unsigned char)s[n - 1]); n--)
		;
	return br_arena_strndup(br_req_arena(r), s, n);
}

static bool wants_events(struct br_req *r, const struct ask_in *p)
{
	const char *accept = br_req_header(r, "Accept");

	return p->stream || (accept && strcasestr(accept, "text/event-stream"));
}

static int ask(struct br_req *r, const void *in, struct br_err *err)
{
	const struct ask_in *p = in;
	struct stream s = { .r = r };
	struct br_question q = { .tenant = br_baiyuan__tenant(r), .kb = br_baiyuan__kb(p->kb, p->kb_id), .text = trimmed(r, p->question), .temperature = p->temperature,
		.session = p->session && *p->session ? p->session : NULL, .system_prompt = p->system_prompt && *p->system_prompt ? p->system_prompt : NULL,
		.context = p->context && *p->context ? p->context : NULL, .by = br_req_who(r)->key_id, .max_tokens = p->max_tokens, .arg = &s };
	struct br_answered a = { 0 };
	struct br_json *j;
	int rc;

	if (!*q.text)
		return br_fail(err, BR_EUSAGE, "question is missing");
	if (wants_events(r, p)) {
		q.start = on_start;
		q.token = on_token;
	}
	rc = br_tenancy_ask(&a, br_baiyuan__tenancy(r), br_req_searcher(r), &q, err);
	if (rc == 0 && s.open)
		send_done(&s, &a);
	else if (rc < 0 && s.open && !s.gone)
		send_error(&s, err);
	else if (rc == 0) {
		j = br_reply(r, 0);
		br_json_obj(j);
		write_answer(j, &a);
		br_json_end(j);
	}
	br_answered_release(&a);
	return s.open ? 0 : rc;
}

static const short ask_fails[] = { 400, 404, 502, 503, 0 };
static const struct br_route rows[] = {
	{ "POST", API "/ask", "baiyuan_ask", "Ask, and get an answer with its sources", "ask", BR_LEVEL_KEY, .scopes = "query", .rate = "tenant", .body = BR_BODY_JSON,
	  .in = ask_in, .in_size = sizeof(struct ask_in), .out = &answer_shape, .fails = ask_fails, .flags = BR_ROUTE_SLOW | BR_ROUTE_STREAM, .run = ask },
};
const struct br_routes br_baiyuan__ask_rows = { rows, BR_COUNT(rows) };
