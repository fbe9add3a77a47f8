/*
 * Chat completions: the request as JSON, and the answer from one object or from the events of a stream.
 */
#include "br/os.h"
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { MORE, LAST_EVENT, ERROR_EVENT };

struct tool { struct br_buf id, name, arguments; };
struct reading {
	struct br_llm_reply *out;
	const struct br_llm_chat *req;
	struct br_llm__call call;
	struct br_llm__sse sse;
	struct tool tool[BR_MAX_LLM_CALLS];
	size_t n_tools;
	int64_t begun_ns;
	bool plain, knows_form;       /* asked for a stream, it gives one object */
	bool has_usage;
	struct br_llm_tokens tokens;  /* of the usage event */
	int error_status;
	char error[200];
	struct br_buf bytes;          /* as they came */
};

/* ---- the request ---- */

static void write_calls(struct br_json *j, const struct br_llm_message *m)
{
	br_json_key(j, "tool_calls");
	br_json_arr(j);
	for (size_t i = 0; i < m->n_calls; i++) {
		br_json_obj(j);
		br_json_kstr(j, "id", m->call[i].id);
		br_json_kstr(j, "type", "function");
		br_json_key(j, "function");
		br_json_obj(j);
		br_json_kstr(j, "name", m->call[i].name);
		br_json_kstr(j, "arguments", m->call[i].arguments);
		br_json_end(j);
		br_json_end(j);
	}
	br_json_end(j);
}

static void write_message(struct br_json *j, const struct br_llm_message *m)
{
	br_json_obj(j);
	br_json_kstr(j, "role", m->role);
	br_json_key(j, "content");
	if (m->text.len || !m->n_calls)
		br_json_strn(j, m->text.len ? m->text.ptr : "", m->text.len);
	else
		br_json_null(j);
	if (m->n_calls)
		write_calls(j, m);
	if (m->call_id)
		br_json_kstr(j, "tool_call_id", m->call_id);
	br_json_end(j);
}

static void write_flag(struct br_json *j, const char *object, const char *key)
{
	br_json_key(j, object);
	br_json_obj(j);
	br_json_kbool(j, key, true);
	br_json_end(j);
}

static void write_limits(struct br_json *j, const struct br_llm *s, const struct br_llm_chat *req)
{
	int64_t most = req->max_tokens > 0 ? req->max_tokens : s->max_tokens;

	double heat = req->temperature ? *req->temperature : s->temperature;

	if (heat >= 0)
		br_json_knum(j, "temperature", heat, 4);
	if (most > 0)
		br_json_kint(j, s->provider->flags & NEW_MAX_TOKENS ? "max_completion_tokens" : "max_tokens", most);
}

static void write_request(struct br_buf *out, const struct br_llm *s, const struct br_llm_chat *req)
{
	struct br_json j;

	br_json_init(&j, out, false);
	br_json_obj(&j);
	br_json_kstr(&j, "model", req->ask.model ? req->ask.model : s->info.model);
	br_json_key(&j, "messages");
	br_json_arr(&j);
	for (size_t i = 0; i < req->n; i++)
		write_message(&j, &req->message[i]);
	br_json_end(&j);
	write_limits(&j, s, req);
	if (req->tools) {
		br_json_key(&j, "tools");
		br_json_raw(&j, req->tools, strlen(req->tools));
	}
	if (req->json) {
		br_json_key(&j, "response_format");
		br_json_obj(&j);
		br_json_kstr(&j, "type", "json_object");
		br_json_end(&j);
	}
	br_json_kbool(&j, "stream", req->token != NULL);
	if (req->token)
		write_flag(&j, "stream_options", "include_usage");
	if (s->provider->flags & TELLS_COST)
		write_flag(&j, "usage", "include");
	br_json_end(&j);
}

static uint64_t asked_bytes(const struct br_llm_chat *req)
{
	uint64_t n = 0;

	for (size_t i = 0; i < req->n; i++)
		n += req->message[i].text.len;
	return n;
}

/* ---- what an answer is made of ---- */

static void release_parts(struct reading *r)
{
	for (size_t i = 0; i < r->n_tools; i++) {
		br_buf_release(&r->tool[i].id);
		br_buf_release(&r->tool[i].name);
		br_buf_release(&r->tool[i].arguments);
	}
	r->n_tools = 0;
	br_llm__sse_release(&r->sse);
}

/* Before the next attempt. */
static void forget(struct reading *r)
{
	release_parts(r);
	br_buf_reset(&r->out->text);
	r->out->finish = "";
	r->knows_form = r->plain = r->has_usage = false;
}

static void mark_first(struct reading *r)
{
	if (r->out->first_ms < 0)
		r->out->first_ms = (br_mono_ns() - r->begun_ns) / 1000000;
}

static int take_text(struct reading *r, const char *text, struct br_err *err)
{
	size_t n = text ? strlen(text) : 0;

	if (!n)
		return 0;
	mark_first(r);
	br_buf_add(&r->out->text, text, n);
	if (r->out->text.failed)
		return br_llm__fail(&r->call, err, "the answer has more than %u bytes", BR_MAX_LLM_TEXT);
	if (!r->req->token)
		return 0;
	r->call.passed_on = true;
	return r->req->token(br_slice(text, n), r->req->arg) ? br_fail(err, BR_ECANCELLED, "stopped by its reader") : 0;
}

static void add_string(struct br_buf *to, const struct br_jval *v)
{
	if (br_jval_str(v))
		br_buf_adds(to, br_jval_str(v));
}

/* In a stream the parts of a call come one by one, told apart by their index. */
static int take_tools(struct reading *r, const struct br_jval *list, struct br_err *err)
{
	size_t at = 0;

	for (const struct br_jval *v = br_jval_first(list); v; v = br_jval_next(v), at++) {
		const struct br_jval *fn = br_jval_get(v, "function");
		struct tool *t;
		bool there;
		uint64_t i = br_llm__uint_at(v, "index", &there);

		i = there ? i : at;
		if (i > r->n_tools || i >= BR_MAX_LLM_CALLS)
			return br_llm__fail(&r->call, err, "it calls tool number %llu, which makes no sense",
			                    (unsigned long long)i);
		t = &r->tool[i];
		if (i == r->n_tools) {
			br_buf_init(&t->id, BR_MAX_LLM_KEY);
			br_buf_init(&t->name, BR_MAX_LLM_KEY);
			br_buf_init(&t->arguments, BR_MAX_LLM_TEXT);
			r->n_tools++;
		}
		mark_first(r);
		add_string(&t->id, br_jval_get(v, "id"));
		add_string(&t->name, br_jval_get(fn, "name"));
		add_string(&t->arguments, br_jval_get(fn, "arguments"));
		if (t->id.failed || t->name.failed || t->arguments.failed)
			return br_llm__fail(&r->call, err, "it calls a tool with more than it can take");
	}
	return 0;
}

/* One completion object or one chunk of a stream. part: "message" or "delta". */
static int take_object(struct reading *r, const struct br_jval *root, const char *part, struct br_err *err)
{
	const struct br_jval *choice = br_jval_first(br_jval_get(root, "choices")), *body = br_jval_get(choice, part);
	const char *finish = br_jval_str(br_jval_get(choice, "finish_reason"));
	const char *model = br_jval_str(br_jval_get(root, "model"));
	int rc;

	if (model && *model && strcmp(model, r->out->model) != 0)
		r->out->model = br_arena_strdup(&r->out->arena, model);
	if (finish)
		r->out->finish = br_arena_strdup(&r->out->arena, finish);
	if (br_jval_first(br_jval_get(root, "usage"))) {
		r->has_usage = true;
		br_llm__tokens(&r->tokens, root, asked_bytes(r->req), r->out->text.len);
	}
	if ((rc = take_text(r, br_jval_str(br_jval_get(body, "content")), err)) < 0)
		return rc;
	return take_tools(r, br_jval_get(body, "tool_calls"), err);
}

/* ---- streams ---- */

static int take_error(struct reading *r, const struct br_jval *at)
{
	snprintf(r->error, sizeof r->error, "%s", br_llm__error_in(at, &r->error_status));
	return ERROR_EVENT;
}

static int on_event(struct br_slice data, void *arg, struct br_err *err)
{
	struct reading *r = arg;
	const struct br_jval *root, *choice;
	struct br_err why;
	struct br_jdoc *doc;
	int rc;

	if (br_slice_eq(data, br_slice_str("[DONE]")))
		return LAST_EVENT;
	if (br_jdoc_parse(&doc, data, "event", &why) < 0)
		return br_llm__fail(&r->call, err, "a piece of its stream is not the JSON it should be: %s", why.msg);
	root = br_jdoc_root(doc);
	choice = br_jval_first(br_jval_get(root, "choices"));
	if (br_llm__has_error(root) || br_llm__has_error(choice))
		rc = take_error(r, br_llm__has_error(root) ? root : choice);
	else
		rc = take_object(r, root, "delta", err);
	br_jdoc_free(doc);
	return rc;
}

static void look_at_form(struct reading *r)
{
	for (size_t i = 0; i < r->bytes.len && !r->knows_form; i++)
		if (!strchr(" \t\r\n", r->bytes.ptr[i])) {
			r->knows_form = true;
			r->plain = r->bytes.ptr[i] == '{';
		}
}

static int feed(struct reading *r, struct br_err *err)
{
	int rc;

	look_at_form(r);
	if (!r->knows_form)
		return MORE;
	if (r->plain) {
		br_buf_add(&r->call.answer, r->bytes.ptr, r->bytes.len);
		return MORE;
	}
	rc = br_llm__sse_feed(&r->sse, br_buf_slice(&r->bytes), err);
	return rc == -BR_ETOOBIG ? br_llm__fail(&r->call, err, "%s", err ? err->msg : "too long") : rc;
}

static int take_plain(struct reading *r, struct br_err *err)
{
	struct br_err why;
	struct br_jdoc *doc;
	int rc;

	if (br_jdoc_parse(&doc, br_buf_slice(&r->call.answer), "answer", &why) < 0)
		return br_llm__fail(&r->call, err, "its answer is not the JSON it should be: %s", why.msg);
	if (br_llm__has_error(br_jdoc_root(doc)))
		rc = take_error(r, br_jdoc_root(doc));
	else if ((rc = take_object(r, br_jdoc_root(doc), "message", err)) == 0)
		rc = LAST_EVENT;
	br_jdoc_free(doc);
	return rc;
}

/* The bytes are at their end: LAST_EVENT when all is there. */
static int end_of_stream(struct reading *r, struct br_err *err)
{
	int rc;

	if (r->plain)
		return take_plain(r, err);
	if ((rc = br_llm__sse_end(&r->sse, err)) != MORE)
		return rc;
	if (*r->out->finish)
		return LAST_EVENT;
	snprintf(r->error, sizeof r->error, "its stream ends before the answer does");
	r->error_status = 502;
	return ERROR_EVENT;
}

/* 0: good and at its end, 1: begun again, negative: failed. */
static int run_attempt(struct reading *r, struct br_err *err)
{
	bool ended = false;
	int rc = MORE;

	br_llm__sse_init(&r->sse, on_event, r);
	br_buf_reset(&r->call.answer);
	while (rc == MORE && !ended) {
		if ((rc = br_llm__wait(&(struct br_llm__call *){ &r->call }, 1, err)) < 0)
			return rc;
		br_buf_reset(&r->bytes);
		ended = br_llm__call_take(&r->call, &r->bytes);
		rc = feed(r, err);
	}
	if (ended && rc == MORE && !*r->out->finish && (rc = br_llm__call_settle(&r->call, err)) != 0)
		return rc;
	if (ended && rc == MORE)
		rc = end_of_stream(r, err);
	if (rc == ERROR_EVENT && br_llm__call_retry(&r->call, r->error_status))
		return 1;
	if (rc == ERROR_EVENT)
		return br_llm__refused(&r->call, r->error_status, r->error, err);
	if (rc == LAST_EVENT && !ended)
		br_llm__call_linger(&r->call);
	return BR_MIN(rc, 0);
}

static int run_stream(struct reading *r, struct br_err *err)
{
	int rc;

	r->call.stream = true;
	if ((rc = br_llm__call_start(&r->call, err)) < 0)
		return rc;
	while ((rc = run_attempt(r, err)) == 1)
		forget(r);
	return rc;
}

/* ---- whole answers ---- */

static int run_whole(struct reading *r, struct br_err *err)
{
	struct br_jdoc *doc;
	int rc = br_llm__call_json(&doc, &r->call, err);

	if (rc == 0 && !br_jval_first(br_jval_get(br_jdoc_root(doc), "choices")))
		rc = br_llm__fail(&r->call, err, "its answer has no 'choices'");
	if (rc == 0)
		rc = take_object(r, br_jdoc_root(doc), "message", err);
	br_jdoc_free(doc);
	return rc;
}

/* ---- the call ---- */

static void put_tools(struct reading *r)
{
	struct br_arena *a = &r->out->arena;

	for (size_t i = 0; i < r->n_tools; i++)
		*br_vec_push(&r->out->calls) = (struct br_llm_tool_call){
			br_arena_strdup(a, r->tool[i].id.ptr), br_arena_strdup(a, r->tool[i].name.ptr),
			br_arena_strdup(a, r->tool[i].arguments.ptr),
		};
}

/* Also of an answer that broke off: its tokens were made and are paid. */
static void put_tokens(struct reading *r, int rc)
{
	if (!r->has_usage && (rc == 0 || r->out->text.len))
		br_llm__tokens(&r->tokens, NULL, asked_bytes(r->req), r->out->text.len);
	if (r->has_usage || rc == 0 || r->out->text.len)
		br_llm__count(r->call.s, &r->tokens);
	r->out->tokens = r->tokens;
}

int br_llm_chat(struct br_llm_reply *out, struct br_llm *s, const struct br_llm_chat *req, struct br_err *err)
{
	struct reading *r = br_alloc(sizeof *r);
	struct br_llm__desk desk;
	int rc;

	BR_ASSERT(s->info.role == BR_LLM_CHAT);
	*out = (struct br_llm_reply){ .finish = "", .first_ms = -1, .tokens.cost = -1 };
	br_buf_init(&out->text, BR_MAX_LLM_TEXT);
	out->model = br_arena_strdup(&out->arena, req->ask.model ? req->ask.model : s->info.model);
	*r = (struct reading){ .out = out, .req = req, .begun_ns = br_mono_ns(), .tokens.cost = -1 };
	br_buf_init(&r->bytes, BR_MAX_LLM_REPLY);
	br_llm__desk_open(&desk);
	if ((rc = br_llm__call_open(&r->call, s, &desk, &req->ask, "/chat/completions", err)) == 0) {
		write_request(&r->call.body, s, req);
		rc = req->token ? run_stream(r, err) : run_whole(r, err);
		if (rc == 0)
			put_tools(r);
		put_tokens(r, rc);
	}
	out->attempts = r->call.attempts;
	out->took_ms = (br_mono_ns() - r->begun_ns) / 1000000;
	br_llm__call_release(&r->call);
	br_llm__desk_close(&desk);
	br_buf_release(&r->bytes);
	release_parts(r);
	free(r);
	return rc;
}

void br_llm_reply_release(struct br_llm_reply *r)
{
	br_buf_release(&r->text);
	br_vec_release(&r->calls);
	br_arena_release(&r->arena);
}
