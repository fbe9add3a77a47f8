/*
 * Chat against the fake service: what is sent, what comes back in whole answers and in streams, every fault and its message.
 */
#include "br/os.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"
#include "fake_model.h"

#define KEY "sk-test-0123456789abcdef"

struct run {
	struct br_llm *s;
	struct br_llm_chat req;
	struct br_llm_reply got;
	struct br_err err;
	int rc;
	struct br_buf streamed;
	unsigned pieces, stop_after;
	atomic_bool *set;            /* set by the first piece */
};

static int on_token(struct br_slice piece, void *arg)
{
	struct run *r = arg;

	br_buf_add(&r->streamed, piece.ptr, piece.len);
	if (r->set)
		atomic_store(r->set, true);
	return ++r->pieces == r->stop_after;
}

static struct br_llm_message hello = { "user", { "hello world", 11 }, NULL, 0, NULL };

static void chat(struct run *r, struct br_llm *s, bool stream)
{
	r->s = s;
	br_buf_init(&r->streamed, 1 << 20);
	if (!r->req.message)
		r->req.message = &hello, r->req.n = 1;
	r->req.token = stream ? on_token : NULL;
	r->req.arg = r;
	r->rc = br_llm_chat(&r->got, s, &r->req, &r->err);
}

static void done(struct run *r)
{
	br_llm_reply_release(&r->got);
	br_buf_release(&r->streamed);
	br_llm_close(r->s);
	memset(r, 0, sizeof *r);
}

static void ask(struct run *r, const char *model, bool stream)
{
	fake_needed();
	chat(r, fake_open(fake_config("chat", model, NULL), BR_LLM_CHAT), stream);
}

static void expect(struct run *r, enum br_code code, const char *words)
{
	if (r->rc != -(int)code || (words && (code ? !strstr(r->err.msg, words) : strcmp(r->got.text.ptr, words) != 0)))
		fail_msg("%d (%s, '%s'), not %d (%s)", r->rc, r->rc ? r->err.msg : "ok", r->got.text.ptr, -(int)code,
		         words ? words : "");
}

/* ---- whole answers ---- */

static void test_whole(void **state)
{
	struct run r = { 0 };
	struct br_llm_usage u;

	(void)state;
	ask(&r, "fake;one", false);
	expect(&r, BR_OK, "echo: hello world");
	assert_string_equal(r.got.model, "fake-1");
	assert_string_equal(r.got.finish, "stop");
	assert_int_equal(r.got.attempts, 1);
	assert_int_equal(r.got.tokens.prompt, 2);
	assert_int_equal(r.got.tokens.completion, 3);
	assert_false(r.got.tokens.estimated);
	assert_true(r.got.tokens.cost < 0);
	br_llm_usage(&u, r.s);
	assert_int_equal(u.requests, 1);
	assert_int_equal(u.prompt_tokens, 2);
	assert_false(u.cost_known);
	done(&r);
	ask(&r, "fake;gzip;nousage", false);
	expect(&r, BR_OK, "echo: hello world");
	assert_true(r.got.tokens.estimated);
	assert_int_equal(r.got.tokens.prompt, 3);      /* 11 bytes */
	assert_int_equal(r.got.tokens.completion, 5);  /* 17 bytes */
	done(&r);
}

static void test_request(void **state)
{
	struct br_llm_tool_call call = { "c1", "look", "{\"q\":\"x\"}" };
	struct br_llm_message m[] = {
		{ "system", br_slice_str("be brief"), NULL, 0, NULL }, { "assistant", br_slice(NULL, 0), &call, 1, NULL },
		{ "tool", br_slice_str("found \"it\" \xff"), NULL, 0, "c1" },
	};
	struct run r = { .req = { .message = m, .n = 3, .json = true, .max_tokens = 77, .tools = "[{\"type\":\"function\"}]" } };
	double t = 0.5;

	(void)state;
	fake_needed();
	r.req.temperature = &t;
	chat(&r, fake_open(fake_config("chat", "fake;request", NULL), BR_LLM_CHAT), false);
	expect(&r, BR_OK, NULL);
	assert_int_equal(fake_logged("fake;request", "\"max_tokens\": 77"), 1);
	assert_int_equal(fake_logged("fake;request", "\"temperature\": 0.5"), 1);
	assert_int_equal(fake_logged("fake;request", "\"response_format\": {\"type\": \"json_object\"}"), 1);
	assert_int_equal(fake_logged("fake;request", "\"tools\": [{\"type\": \"function\"}]"), 1);
	assert_int_equal(fake_logged("fake;request", "\"tool_call_id\": \"c1\""), 1);
	assert_int_equal(fake_logged("fake;request", "\"arguments\": \"{\\\"q\\\":\\\"x\\\"}\""), 1);
	assert_int_equal(fake_logged("fake;request", "found \\\"it\\\" \\ufffd"), 1);
	done(&r);
}

static void test_settings(void **state)
{
	struct run r = { 0 };

	(void)state;
	fake_needed();
	chat(&r, fake_open(fake_config("chat", "fake;settings", "chat.provider", "openai", "chat.temperature", "0.25",
	                               "chat.max_tokens", "9",
	     "chat.price_prompt", "100000", "chat.price_completion", "50000", NULL), BR_LLM_CHAT), false);
	expect(&r, BR_OK, "echo: hello world");
	assert_int_equal(fake_logged("fake;settings", "\"max_completion_tokens\": 9"), 1);
	assert_int_equal(fake_logged("fake;settings", "\"temperature\": 0.25"), 1);
	assert_true(r.got.tokens.cost > 0.3499 && r.got.tokens.cost < 0.3501); /* 2 tokens asked at 0.1, 3 answered at 0.05 */
	done(&r);
	chat(&r, fake_open(fake_config("chat", "fake;cost", "chat.provider", "openrouter", "chat.price_prompt", "9",
	                               NULL), BR_LLM_CHAT), true);
	expect(&r, BR_OK, "echo: hello world");
	assert_true(r.got.tokens.cost == 0.25);      /* what the service tells goes before what is set */
	done(&r);
}

static void test_tools(void **state)
{
	struct run r = { 0 };

	(void)state;
	for (int stream = 0; stream < 2; stream++) {
		ask(&r, "fake;tool=search,{\"query\":\"lmdb map\"}", stream);
		expect(&r, BR_OK, "");
		assert_string_equal(r.got.finish, "tool_calls");
		assert_int_equal(r.got.calls.n, 1);
		assert_string_equal(r.got.calls.v[0].id, "call_1");
		assert_string_equal(r.got.calls.v[0].name, "search");
		assert_string_equal(r.got.calls.v[0].arguments, "{\"query\":\"lmdb map\"}");
		done(&r);
	}
}

/* ---- streams ---- */

static void test_stream(void **state)
{
	static const char *const models[] = {
		"fake;s", "fake;chunk=1", "fake;chunk=2;crlf", "fake;chunk=7;cr", "fake;chunk=3;crlf;comments;bom", "fake;nodone", "fake;nofinish",
		"fake;open", "fake;cut=4", "fake;plain",
	};
	struct run r = { 0 };

	(void)state;
	for (size_t i = 0; i < BR_COUNT(models); i++) {
		ask(&r, models[i], true);
		expect(&r, BR_OK, "echo: hello world");
		assert_string_equal(r.streamed.ptr, "echo: hello world");
		assert_int_equal(r.pieces, strstr(models[i], "plain") ? 1 : 3);
		assert_true(r.got.first_ms >= 0 && r.got.first_ms <= r.got.took_ms);
		assert_int_equal(r.got.attempts, 1);
		assert_string_equal(r.got.finish, strstr(models[i], "nofinish") ? "" : "stop");
		assert_int_equal(r.got.tokens.completion, 3);
		done(&r);
	}
}

static void test_stream_utf8(void **state)
{
	struct run r = { 0 };

	(void)state;
	ask(&r, "fake;chunk=1;text=zwölf_Boxkämpfer_\u732b\u306f\U0001F408", true);
	expect(&r, BR_OK, "zwölf Boxkämpfer \u732b\u306f\U0001F408");
	assert_string_equal(r.streamed.ptr, r.got.text.ptr);
	done(&r);
}

static void test_stream_faults(void **state)
{
	struct run r = { 0 };

	(void)state;
	ask(&r, "fake;nodone;nofinish", true);
	expect(&r, BR_EUPSTREAM, "its stream ends before the answer does");
	assert_string_equal(r.got.text.ptr, "echo: hello world");   /* what had come */
	assert_int_equal(r.got.attempts, 1);
	done(&r);
	ask(&r, "fake;cut=2", true);            /* after the role and one word */
	expect(&r, BR_EUPSTREAM, "cannot read from");
	assert_string_equal(r.streamed.ptr, "echo:");
	assert_int_equal(r.got.attempts, 1);
	done(&r);
	ask(&r, "fake;badat=2", true);
	expect(&r, BR_EUPSTREAM, "a piece of its stream is not the JSON it should be");
	done(&r);
	ask(&r, "fake;errorat=2,503", true);
	expect(&r, BR_EUPSTREAM, "says no (HTTP 503 Service Unavailable): failed in the middle");
	assert_int_equal(r.got.attempts, 1);
	done(&r);
}

/* Before the first piece nothing is lost by asking again. */
static void test_stream_retries(void **state)
{
	struct run r = { 0 };

	(void)state;
	ask(&r, "fake;cut=1,1;retry", true);
	expect(&r, BR_OK, "echo: hello world");
	assert_int_equal(r.got.attempts, 2);
	assert_int_equal(r.pieces, 3);
	done(&r);
	ask(&r, "fake;errorat=0,429,1;retry", true);
	expect(&r, BR_OK, "echo: hello world");
	assert_int_equal(r.got.attempts, 2);
	done(&r);
	ask(&r, "fake;errorat=0,400;retry", true);
	expect(&r, BR_EUPSTREAM, "failed in the middle");
	assert_int_equal(r.got.attempts, 1);
	done(&r);
}

/* ---- failures ---- */

static void test_retries(void **state)
{
	struct run r = { 0 };
	struct br_llm_usage u;

	(void)state;
	ask(&r, "fake;fail=429,2,0", false);
	expect(&r, BR_OK, "echo: hello world");
	assert_int_equal(r.got.attempts, 3);
	br_llm_usage(&u, r.s);
	assert_int_equal(u.requests, 3);
	assert_int_equal(u.retries, 2);
	assert_int_equal(u.failed, 0);
	done(&r);
	ask(&r, "fake;fail=500,1;a", true);
	expect(&r, BR_OK, "echo: hello world");
	assert_int_equal(r.got.attempts, 2);
	done(&r);
	ask(&r, "fake;reset=1;a", false);
	expect(&r, BR_OK, "echo: hello world");
	assert_int_equal(r.got.attempts, 2);
	done(&r);
	ask(&r, "fake;drop=1;a", false);
	expect(&r, BR_OK, "echo: hello world");
	assert_int_equal(r.got.attempts, 2);
	done(&r);
	fake_needed();
	chat(&r, fake_open(fake_config("chat", "fake;fail=503,0,0;b", "llm.retries", "2", NULL), BR_LLM_CHAT), false);
	expect(&r, BR_EUPSTREAM, "says no (HTTP 503 Service Unavailable): made to fail with 503");
	assert_int_equal(r.got.attempts, 3);
	br_llm_usage(&u, r.s);
	assert_int_equal(u.failed, 1);
	done(&r);
}

static void test_no_retry(void **state)
{
	static const struct { const char *model, *words; enum br_code code; } cases[] = {
		{ "fake;fail=400,0", "says no (HTTP 400 Bad Request): made to fail with 400", BR_EUPSTREAM },
		{ "fake;fail=404,0", "says no (HTTP 404 Not Found)", BR_EUPSTREAM },
		{ "fake;fail=401,0", "wants a key (HTTP 401 Unauthorized): set chat.key", BR_EAUTH },
		{ "fake;fail=429,0,3600", "asks to come back after 3600 s (HTTP 429)", BR_EUPSTREAM },
		{ "fake;malformed", "its answer is not the JSON it should be", BR_EUPSTREAM },
		{ "fake;error=400", "failed behind the scenes", BR_EUPSTREAM },
		{ "fake;huge=70000000", "the answer has more than 67108864 bytes", BR_EUPSTREAM },
		{ "fake;huge=10", "its answer has no 'choices'", BR_EUPSTREAM },
	};
	struct run r = { 0 };

	(void)state;
	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		ask(&r, cases[i].model, false);
		expect(&r, cases[i].code, cases[i].words);
		assert_int_equal(r.got.attempts, 1);
		done(&r);
	}
}

static void test_unreachable(void **state)
{
	struct run r = { 0 };

	(void)state;
	fake_needed();
	chat(&r, fake_open(fake_config("chat", "x", "chat.base_url", "http://127.0.0.1:1/v1", "llm.retries", "1", NULL),
	                   BR_LLM_CHAT), false);
	expect(&r, BR_EUPSTREAM, "127.0.0.1:1: cannot read from '127.0.0.1'");
	assert_int_equal(r.got.attempts, 2);
	done(&r);
	chat(&r, fake_open(fake_config("chat", "x", "chat.base_url", "http://nowhere.invalid/v1", NULL), BR_LLM_CHAT),
	     false);
	expect(&r, BR_EUPSTREAM, "cannot find host 'nowhere.invalid'");
	done(&r);
}

static void test_timeouts(void **state)
{
	struct run r = { 0 };

	(void)state;
	fake_needed();
	chat(&r, fake_open(fake_config("chat", "fake;mute", "llm.first_timeout", "1", NULL), BR_LLM_CHAT), false);
	expect(&r, BR_EUPSTREAM, "does not answer within 1 s");
	assert_int_equal(r.got.attempts, 1);
	done(&r);
	chat(&r, fake_open(fake_config("chat", "fake;stall=2", "llm.idle_timeout", "1", NULL), BR_LLM_CHAT), true);
	expect(&r, BR_EUPSTREAM, "has said nothing for 1 s");
	assert_string_equal(r.streamed.ptr, "echo:");
	done(&r);
	r.req.ask.timeout_ms = 300;
	chat(&r, fake_open(fake_config("chat", "fake;gap=50;text=a_b_c_d_e_f_g_h_i_j_k_l_m_n", NULL), BR_LLM_CHAT), true);
	expect(&r, BR_EUPSTREAM, "is not done after 0.");
	done(&r);
}

/* ---- stopping ---- */

static void test_cancel(void **state)
{
	struct run r = { 0 };
	atomic_bool stop = false;

	(void)state;
	r.req.ask.cancel = &stop;
	r.set = &stop;
	ask(&r, "fake;stall=2;cancel", true);
	expect(&r, BR_ECANCELLED, "stopped");
	assert_string_equal(r.streamed.ptr, "echo:");
	done(&r);
	fake_expect_log(1, "\"closed\"", "fake;stall=2;cancel");
	r.req.ask.cancel = &stop;
	ask(&r, "fake;mute;cancel", false);
	expect(&r, BR_ECANCELLED, "stopped");
	done(&r);
	r.stop_after = 2;
	ask(&r, "fake;stall=3;reader", true);
	expect(&r, BR_ECANCELLED, "stopped by its reader");
	assert_string_equal(r.streamed.ptr, "echo: hello");
	done(&r);
	fake_expect_log(1, "\"closed\"", "fake;stall=3;reader");
}

/* ---- the event parser ---- */

#include "llm/internal.h"

struct events { struct br_buf text; unsigned n; };

static int note_event(struct br_slice data, void *arg, struct br_err *err)
{
	struct events *e = arg;

	(void)err;
	e->n++;
	br_buf_addf(&e->text, "<%.*s>", (int)data.len, data.ptr);
	return 0;
}

static void parse(struct events *e, const char *text, size_t n, size_t cut, size_t step)
{
	struct br_llm__sse p;
	struct br_err err;

	br_buf_init(&e->text, 1 << 20);
	e->n = 0;
	br_llm__sse_init(&p, note_event, e);
	assert_int_equal(br_llm__sse_feed(&p, br_slice(text, cut), &err), 0);
	for (size_t at = cut; at < n; at += step)
		assert_int_equal(br_llm__sse_feed(&p, br_slice(text + at, BR_MIN(step, n - at)), &err), 0);
	assert_int_equal(br_llm__sse_end(&p, &err), 0);
	br_llm__sse_release(&p);
}

static const char stream_text[] =
	"\xef\xbb\xbf: hello\n\ndata: one\n\ndata:two\r\n\r\n:c\r\ndata: a\r\ndata\r\ndata:  b\r\n\r\nevent: x\rid: 3\rdata: cr\r\r"
	"retry: 5\n\n\n\ndatax: no\ndata: z\xc3\xb6\n\ndata: last";

static void test_sse(void **state)
{
	static const char wanted[] = "<one><two><a\n\n b><cr><z\xc3\xb6><last>";
	size_t n = sizeof stream_text - 1;
	struct events e;

	(void)state;
	for (size_t cut = 0; cut <= n; cut++)
		for (size_t step = 1; step <= n; step += n - 1) {
			parse(&e, stream_text, n, cut, step);
			assert_string_equal(e.text.ptr, wanted);
			assert_int_equal(e.n, 6);
			br_buf_release(&e.text);
		}
}

static void test_sse_limits(void **state)
{
	struct br_buf big = BR_BUF_INIT(4 << 20);
	struct br_llm__sse p;
	struct events e = { .text = BR_BUF_INIT(16) };
	struct br_err err;

	(void)state;
	br_buf_addz(&big, BR_MAX_LLM_EVENT + 1);
	memset(big.ptr, 'a', big.len);
	br_llm__sse_init(&p, note_event, &e);
	assert_int_equal(br_llm__sse_feed(&p, br_buf_slice(&big), &err), -BR_ETOOBIG);
	br_llm__sse_release(&p);
	big.len = BR_MAX_LLM_EVENT / 2;      /* three lines of one event */
	memcpy(big.ptr, "data:", 5);
	big.ptr[big.len - 1] = '\n';
	br_llm__sse_init(&p, note_event, &e);
	assert_int_equal(br_llm__sse_feed(&p, br_buf_slice(&big), &err), 0);
	assert_int_equal(br_llm__sse_feed(&p, br_buf_slice(&big), &err), 0);
	assert_int_equal(br_llm__sse_feed(&p, br_buf_slice(&big), &err), -BR_ETOOBIG);
	br_llm__sse_release(&p);
	assert_int_equal(e.n, 0);
	br_buf_release(&big);
	br_buf_release(&e.text);
}

/* ---- keys ---- */

static void test_scrub(void **state)
{
	static const struct { const char *text, *wanted; } cases[] = {
		{ "wrong key " KEY ".", "wrong key ************************." },
		{ KEY KEY, "************************************************" },
		{ "sk-test-", "********" },
		{ "sk-test", "sk-test" },
		{ "ends in 9abcdef", "ends in 9abcdef" },
		{ "ends in 89abcdef", "ends in ********" },
		{ "", "" },
	};
	char text[100];

	(void)state;
	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		snprintf(text, sizeof text, "%s", cases[i].text);
		br_llm__scrub(text, KEY);
		assert_string_equal(text, cases[i].wanted);
		snprintf(text, sizeof text, "%s", cases[i].text);
		br_llm__scrub(text, NULL);
		assert_string_equal(text, cases[i].text);
	}
	snprintf(text, sizeof text, "a pass word");
	br_llm__scrub(text, "pass");
	assert_string_equal(text, "a **** word");
}

/* Where it comes from, that it arrives, and that a refusal which repeats it is not believed. */
static void key_case(const char *from, const char *setting, const char *value)
{
	struct run r = { 0 };

	chat(&r, fake_open(fake_config("chat", "fake;key=" KEY, setting, value, NULL), BR_LLM_CHAT), false);
	expect(&r, BR_OK, "echo: hello world");
	assert_string_equal(br_llm_info(r.s)->key_from, from);
	done(&r);
	chat(&r, fake_open(fake_config("chat", "fake;key=another", setting, value, NULL), BR_LLM_CHAT), true);
	expect(&r, BR_EAUTH, "refuses the key of");
	assert_non_null(strstr(r.err.msg, from));
	assert_non_null(strstr(r.err.msg, "provided: ****"));
	assert_null(strstr(r.err.msg, "sk-test-"));
	assert_null(strstr(r.err.msg, "9abcdef"));
	assert_int_equal(r.got.attempts, 1);
	done(&r);
}

static void test_keys(void **state)
{
	(void)state;
	fake_needed();
	key_case("chat.key", "chat.key", KEY);
	key_case("chat.key_command", "chat.key_command", "printf '%s\\nuser: me\\n' " KEY);
	setenv("OPENAI_API_KEY", KEY, 1);
	key_case("OPENAI_API_KEY", "chat.provider", "openai");
	key_case("OPENAI_API_KEY", "chat.provider", "openai");
	unsetenv("OPENAI_API_KEY");
	setenv("BR_CHAT_KEY", KEY, 1);
	key_case("BR_CHAT_KEY", "chat.key", "another");  /* the environment goes first */
	unsetenv("BR_CHAT_KEY");
}

static void test_key_faults(void **state)
{
	static const struct { const char *setting, *value, *words; } cases[] = {
		{ "chat.key_command", "exit 3", "chat.key_command gives no key: it ended with status 3" },
		{ "chat.key_command", "true", "the key of chat.key_command is empty" },
		{ "chat.key_command", "echo 'sk-a b'", "has a character that no key has" },
		{ "chat.key_command", "head -c 9000 /dev/zero | tr '\\0' a", "it prints more than a key" },
	};
	struct run r = { 0 };
	struct br_llm *s;
	struct br_config *c;
	struct br_err err;

	(void)state;
	fake_needed();
	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		chat(&r, fake_open(fake_config("chat", "fake;k", cases[i].setting, cases[i].value, NULL), BR_LLM_CHAT),
		     false);
		expect(&r, BR_EAUTH, cases[i].words);
		assert_int_equal(r.got.attempts, 0);
		done(&r);
	}
	c = fake_config("chat", "fake;k", "chat.key", "sk-secret word", NULL);
	assert_int_equal(br_llm_open(&s, c, BR_LLM_CHAT, &err), -BR_EAUTH);
	assert_null(strstr(err.msg, "secret"));
	br_config_free(c);
}

/* ---- settings ---- */

static void refuse_open(struct br_config *c, enum br_llm_role role, enum br_code code, const char *words)
{
	struct br_err err;
	struct br_llm *s;

	assert_int_equal(br_llm_open(&s, c, role, &err), -(int)code);
	assert_null(s);
	if (!strstr(err.msg, words))
		fail_msg("%s", err.msg);
	br_config_free(c);
}

static struct br_config *config(const char *text)
{
	struct br_config *c;
	struct br_err err;

	chmod(scratch_put("br/config", text), 0600);
	assert_int_equal(br_config_load(&c, NULL, &err), 0);
	return c;
}

static void test_open(void **state)
{
	struct br_config *c = config("");
	struct run r = { 0 };
	struct br_llm *s;

	(void)state;
	for (enum br_llm_role role = 0; role < BR_LLM_ROLES; role++)
		assert_false(br_llm_configured(c, role));
	refuse_open(c, BR_LLM_CHAT, BR_ENOTFOUND, "no language model configured");
	refuse_open(config("[embed]\nprovider = builtin\nmodel = /x.brem\n"), BR_LLM_EMBED, BR_ENOTFOUND,
	            "no embedding service configured");
	refuse_open(config("[chat]\nprovider = none\nbase_url = http://h/v1\nmodel = m\n"), BR_LLM_CHAT, BR_ENOTFOUND,
	            "no language model");
	refuse_open(config("[chat]\nprovider = openai\n"), BR_LLM_CHAT, BR_EUSAGE, "chat.model is not set");
	refuse_open(config("[chat]\nprovider = custom\nmodel = m\n"), BR_LLM_CHAT, BR_EUSAGE, "chat.base_url is not set");
	refuse_open(config("[chat]\nbase_url = ftp://h/v1\nmodel = m\n"), BR_LLM_CHAT, BR_EUSAGE,
	            "chat.base_url is no http or https address");
	refuse_open(config("[chat]\nbase_url = http://u:pw@h/v1\nmodel = m\n"), BR_LLM_CHAT, BR_EUSAGE,
	            "must not hold a password");
	s = fake_open(config("[chat]\nprovider = openrouter\nmodel = a/b\n"), BR_LLM_CHAT);
	assert_string_equal(br_llm_info(s)->base_url, "https://openrouter.ai/api/v1");
	assert_string_equal(br_llm_info(s)->provider, "openrouter");
	assert_true(br_llm_info(s)->key_missing);
	chat(&r, s, false);                    /* nothing is sent without the key it needs */
	expect(&r, BR_EAUTH, "no key for openrouter: set OPENROUTER_API_KEY, chat.key or chat.key_command");
	done(&r);
	s = fake_open(config("[chat]\nbase_url = http://10.1.2.3:80/v1/\nmodel = m\nkey = abc\n"), BR_LLM_CHAT);
	assert_string_equal(br_llm_info(s)->base_url, "http://10.1.2.3/v1");
	assert_string_equal(br_llm_info(s)->provider, "custom");
	assert_true(br_llm_info(s)->key_in_clear);
	br_llm_close(s);
	s = fake_open(config("[chat]\nprovider = ollama\nmodel = m\n"), BR_LLM_CHAT);
	assert_string_equal(br_llm_info(s)->base_url, "http://127.0.0.1:11434/v1");
	assert_false(br_llm_info(s)->key_missing || br_llm_info(s)->key_in_clear);
	assert_null(br_llm_info(s)->key_from);
	assert_true(br_llm_price(s, 1000, 1000) == 0);
	br_llm_close(s);
}

/* ---- the way there ---- */

/* A proxy gets the whole address; what runs here is reached without one. */
static void test_proxy(void **state)
{
	struct run r = { 0 };
	char proxy[64];

	(void)state;
	fake_needed();
	snprintf(proxy, sizeof proxy, "http://127.0.0.1:%lld", (long long)fake_port);
	setenv("http_proxy", proxy, 1);
	chat(&r, fake_open(fake_config("chat", "fake;proxied", "chat.base_url", "http://model.example/v1", NULL),
	                   BR_LLM_CHAT), true);
	expect(&r, BR_OK, "echo: hello world");
	assert_int_equal(fake_logged("http://model.example/v1/chat/completions", "\"request\""), 1);
	done(&r);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	ask(&r, "fake;not proxied", false);
	expect(&r, BR_OK, "echo: hello world");
	done(&r);
	unsetenv("http_proxy");
}

static void test_models(void **state)
{
	struct br_llm *s;
	struct br_llm_models m;
	struct br_llm_ask none = { 0 };
	struct br_err err;

	(void)state;
	fake_needed();
	s = fake_open(fake_config("chat", "fake", NULL), BR_LLM_CHAT);
	assert_int_equal(br_llm_models(&m, s, &none, &err), 0);
	assert_int_equal(m.v.n, 2);
	assert_string_equal(m.v.v[0].id, "fake");
	assert_string_equal(m.v.v[0].owner, "tests");
	assert_int_equal(m.v.v[0].context, 8192);
	assert_true(m.v.v[0].price_prompt > 0.9999 && m.v.v[0].price_prompt < 1.0001);
	assert_true(m.v.v[1].price_prompt < 0);
	br_llm_models_release(&m);
	br_llm_close(s);
}

static void *chat_thread(void *arg)
{
	struct run *r = arg;

	chat(r, r->s, true);
	return NULL;
}

/* Many answers at once over the one thread, each whole and its own. */
static void test_many(void **state)
{
	enum { N = 24 };
	static struct run r[N];
	struct br_llm_message m[N];
	pthread_t t[N];
	char text[N][24], wanted[64];
	struct br_llm *s;

	(void)state;
	fake_needed();
	s = fake_open(fake_config("chat", "fake;gap=2;chunk=9", NULL), BR_LLM_CHAT);
	for (int i = 0; i < N; i++) {
		snprintf(text[i], sizeof text[i], "number %d", i);
		m[i] = (struct br_llm_message){ "user", br_slice_str(text[i]), NULL, 0, NULL };
		r[i] = (struct run){ .s = s, .req = { .message = &m[i], .n = 1 } };
		assert_int_equal(pthread_create(&t[i], NULL, chat_thread, &r[i]), 0);
	}
	for (int i = 0; i < N; i++) {
		pthread_join(t[i], NULL);
		snprintf(wanted, sizeof wanted, "echo: number %d", i);
		expect(&r[i], BR_OK, wanted);
		assert_string_equal(r[i].streamed.ptr, wanted);
		br_llm_reply_release(&r[i].got);
		br_buf_release(&r[i].streamed);
	}
	br_llm_close(s);
}

/* The last: the signal stays. */
static void test_signal(void **state)
{
	struct run r = { 0 };
	atomic_bool dummy = false;

	(void)state;
	fake_needed();
	br_catch_signals();
	r.set = &dummy;
	raise(SIGINT);
	ask(&r, "fake;mute;signal", false);
	expect(&r, BR_ECANCELLED, "stopped by an interrupt");
	done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sse), cmocka_unit_test(test_sse_limits), cmocka_unit_test(test_scrub), cmocka_unit_test(test_open),
		cmocka_unit_test(test_whole), cmocka_unit_test(test_request), cmocka_unit_test(test_settings), cmocka_unit_test(test_tools),
		cmocka_unit_test(test_stream), cmocka_unit_test(test_stream_utf8), cmocka_unit_test(test_stream_faults),
		cmocka_unit_test(test_stream_retries), cmocka_unit_test(test_retries), cmocka_unit_test(test_no_retry),
		cmocka_unit_test(test_unreachable), cmocka_unit_test(test_timeouts), cmocka_unit_test(test_cancel), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_key_faults), cmocka_unit_test(test_proxy), cmocka_unit_test(test_models), cmocka_unit_test(test_many),
		cmocka_unit_test(test_signal),
	};

	return cmocka_run_group_tests(tests, fake_setup, fake_teardown);
}
