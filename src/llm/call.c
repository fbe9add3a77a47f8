/*
 * One request with its retries. The hub's thread only puts bytes into the call and wakes its owner; everything that understands
 * them happens in the thread that asked.
 */
#include "br/os.h"
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	LOOK_MS = 40,      /* between two looks at what may stop us */
	LINGER_MS = 50,    /* for the end of a stream whose last event has come */
	BACKOFF_MS = 250, MOST_BACKOFF_MS = 8000,
	KEPT_MESSAGE = 240, /* bytes of a service's message */
};

/* ---- the desk ---- */

void br_llm__desk_open(struct br_llm__desk *d)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&d->mu, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->news, &attr);
	pthread_condattr_destroy(&attr);
}

void br_llm__desk_close(struct br_llm__desk *d)
{
	pthread_cond_destroy(&d->news);
	pthread_mutex_destroy(&d->mu);
}

/* ---- in the hub's thread ---- */

static bool is_good(const struct br_llm__call *c)
{
	return c->head.status >= 200 && c->head.status < 300;
}

static int on_data(struct br_slice piece, const struct br_hub_head *head, void *arg)
{
	struct br_llm__call *c = arg;
	int rc = 0;

	pthread_mutex_lock(&c->desk->mu);
	c->head = *head;
	if (!is_good(c)) {
		br_buf_add(&c->in, piece.ptr, BR_MIN(piece.len, (size_t)BR_MAX_HTTP_ERROR - c->in.len));
	} else if (c->stream && c->in.len && c->in.len + piece.len > BR_MAX_LLM_INBOX) {
		c->paused = true;
		rc = BR_HUB_PAUSE;
	} else {
		c->bytes += piece.len;
		br_buf_add(&c->in, piece.ptr, piece.len);
		if (c->in.failed || c->bytes > BR_MAX_LLM_REPLY)
			rc = -BR_ETOOBIG;
		if (c->stream)
			pthread_cond_signal(&c->desk->news);
	}
	pthread_mutex_unlock(&c->desk->mu);
	return rc;
}

static void on_done(int rc, bool again, const struct br_hub_head *head, const struct br_err *err, void *arg)
{
	struct br_llm__call *c = arg;

	pthread_mutex_lock(&c->desk->mu);
	c->done = true;
	c->rc = rc;
	c->again = again;
	c->head = *head;
	c->err = *err;
	pthread_cond_signal(&c->desk->news);
	pthread_mutex_unlock(&c->desk->mu);
}

/* ---- beginning ---- */

static void add_header(struct br_llm__call *c, const char *name, const char *value)
{
	size_t n = 0;

	while (c->header[n].name)
		n++;
	BR_ASSERT(n + 1 < BR_COUNT(c->header));
	c->header[n] = (struct br_http_header){ name, value };
}

int br_llm__call_open(struct br_llm__call *c, struct br_llm *s, struct br_llm__desk *d, const struct br_llm_ask *ask,
                      const char *path, struct br_err *err)
{
	int rc = 0;

	*c = (struct br_llm__call){ .s = s, .desk = d, .ask = ask };
	c->until_ns = br_mono_ns() + (ask->timeout_ms > 0 ? ask->timeout_ms : s->timeout_ms) * 1000000;
	br_buf_init(&c->body, BR_MAX_LLM_REQUEST);
	br_buf_init(&c->in, BR_MAX_LLM_REPLY);
	br_buf_init(&c->answer, BR_MAX_LLM_REPLY);
	c->url = br_sprintf("%s%s", s->info.base_url, path);
	pthread_mutex_lock(&s->mu);
	if (!s->hub)
		rc = br_llm__hub_take(&s->hub, err);
	pthread_mutex_unlock(&s->mu);
	if (rc < 0 || (rc = br_llm__key_get(&c->key, s, err)) < 0)
		return rc;
	if (c->key) {
		c->auth = br_sprintf("Bearer %s", c->key);
		add_header(c, "Authorization", c->auth);
	}
	add_header(c, "Accept", "application/json, text/event-stream");
	return 0;
}

static void start(struct br_llm__call *c, int64_t delay_ms)
{
	int64_t left = (c->until_ns - br_mono_ns()) / 1000000 - delay_ms;
	struct br_hub_request r = {
		.rules = &c->s->rules, .url = c->url, .headers = c->header, .stream = c->stream, .delay_ms = delay_ms,
		.body = c->get ? br_slice(NULL, 0) : br_buf_slice(&c->body),
		.connect_ms = c->s->connect_ms, .first_ms = c->s->first_ms, .idle_ms = c->s->idle_ms, .whole_ms = BR_MAX(left, (int64_t)1),
		.data = on_data, .done = on_done, .arg = c,
	};

	br_buf_reset(&c->in);
	c->bytes = 0;
	c->paused = c->done = c->again = false;
	c->head = (struct br_hub_head){ 0, -1 };
	c->running = true;
	c->attempts++;
	br_llm__add(c->s, &(struct br_llm_usage){ .requests = 1, .retries = c->attempts > 1, .cost_known = true });
	c->id = br_hub_start(c->s->hub, &r);
}

int br_llm__call_start(struct br_llm__call *c, struct br_err *err)
{
	int rc = c->get ? 0 : br_buf_check(&c->body, "request", err);

	if (rc == 0)
		start(c, 0);
	return rc;
}

/* ---- waiting ---- */

static int stopped(const struct br_llm__call *c, struct br_err *err)
{
	if (c->ask->cancel && atomic_load_explicit(c->ask->cancel, memory_order_relaxed))
		return br_fail(err, BR_ECANCELLED, "stopped");
	return br_check_stop(err);
}

static bool has_news(struct br_llm__call *const *call, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (call[i]->running && (call[i]->done || (call[i]->stream && call[i]->in.len && is_good(call[i]))))
			return true;
	return false;
}

static void sleep_at(struct br_llm__desk *d, int64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&d->news, &d->mu, &until);
}

int br_llm__wait(struct br_llm__call *const *call, size_t n, struct br_err *err)
{
	struct br_llm__desk *d = call[0]->desk;
	int rc;

	pthread_mutex_lock(&d->mu);
	while ((rc = stopped(call[0], err)) == 0 && !has_news(call, n))
		sleep_at(d, LOOK_MS);
	pthread_mutex_unlock(&d->mu);
	return rc;
}

/* The connection serves another request when the stream is read to its end. */
void br_llm__call_linger(struct br_llm__call *c)
{
	int64_t until = br_mono_ns() + LINGER_MS * INT64_C(1000000);

	pthread_mutex_lock(&c->desk->mu);
	while (!c->done && br_mono_ns() < until)
		sleep_at(c->desk, LINGER_MS);
	pthread_mutex_unlock(&c->desk->mu);
}

bool br_llm__call_ended(struct br_llm__call *c)
{
	bool done;

	pthread_mutex_lock(&c->desk->mu);
	done = c->done;
	pthread_mutex_unlock(&c->desk->mu);
	return done;
}

bool br_llm__call_take(struct br_llm__call *c, struct br_buf *to)
{
	bool done, resume;

	pthread_mutex_lock(&c->desk->mu);
	done = c->done;
	if (is_good(c)) {
		br_buf_add(to, c->in.ptr, c->in.len);
		br_buf_reset(&c->in);
	}
	resume = c->paused && !done;
	c->paused = false;
	pthread_mutex_unlock(&c->desk->mu);
	if (resume)
		br_hub_resume(c->s->hub, c->id);
	return done;
}

/* ---- ending ---- */

static void stop(struct br_llm__call *c)
{
	if (!c->running)
		return;
	br_hub_cancel(c->s->hub, c->id);
	pthread_mutex_lock(&c->desk->mu);
	while (!c->done)
		pthread_cond_wait(&c->desk->news, &c->desk->mu);
	pthread_mutex_unlock(&c->desk->mu);
	c->running = false;
}

void br_llm__call_release(struct br_llm__call *c)
{
	if (!c->s)
		return;
	stop(c);
	br_llm__key_free(c->key);
	br_llm__key_free(c->auth);
	free(c->url);
	br_buf_release(&c->body);
	br_buf_release(&c->in);
	br_buf_release(&c->answer);
	*c = (struct br_llm__call){ 0 };
}

static bool status_may_pass(int status)
{
	return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/* Milliseconds to wait before the next attempt. */
static int64_t pause_before(const struct br_llm__call *c, int64_t asked_ms)
{
	int64_t ms = BR_MIN((int64_t)BACKOFF_MS << BR_MIN(c->attempts - 1, 10u), (int64_t)MOST_BACKOFF_MS);
	uint16_t noise;

	if (asked_ms >= 0)
		return asked_ms;
	br_random(&noise, sizeof noise); /* so that many that failed together do not come back together */
	return ms + ms * noise / 2 / UINT16_MAX;
}

static bool start_again(struct br_llm__call *c, int64_t asked_ms)
{
	int64_t pause = pause_before(c, asked_ms);

	if (c->ask->once || c->attempts > c->s->retries || c->passed_on || asked_ms > BR_MAX_RETRY_WAIT * 1000 ||
	    br_mono_ns() + pause * 1000000 > c->until_ns)
		return false;
	start(c, pause);
	return true;
}

int br_llm__call_retry(struct br_llm__call *c, int status)
{
	if (!status_may_pass(status))
		return 0;
	stop(c);
	return start_again(c, -1);
}

/* ---- failures in words ---- */

static int count_failure(const struct br_llm__call *c, int rc)
{
	br_llm__add(c->s, &(struct br_llm_usage){ .failed = 1, .cost_known = true });
	return rc;
}

int br_llm__fail(const struct br_llm__call *c, struct br_err *err, const char *fmt, ...)
{
	char text[sizeof ((struct br_err *)0)->msg];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	br_llm__scrub(text, c->key);
	return count_failure(c, br_fail(err, BR_EUPSTREAM, "%s: %s", c->s->name, text));
}

/* One line of at most KEPT_MESSAGE bytes, whole characters, nothing that a terminal obeys. */
static void tidy(char *out, const char *text)
{
	size_t n = 0, k, left = strlen(text);
	uint32_t cp;

	for (; left; text += k, left -= k) {
		k = br_utf8_next(&cp, text, left);
		if (n + k > KEPT_MESSAGE)
			break;
		if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			out[n++] = ' ';
		else if (cp != 0xfffd || k > 1) {
			memcpy(out + n, text, k);
			n += k;
		}
	}
	out[n] = 0;
}

int br_llm__refused(const struct br_llm__call *c, int status, const char *why, struct br_err *err)
{
	const char *role = br_llm_role_name(c->s->info.role), *from = c->s->info.key_from;
	char text[KEPT_MESSAGE + 1], code[64] = "";

	tidy(text, why);
	br_llm__scrub(text, c->key);
	if (status)
		snprintf(code, sizeof code, " (HTTP %d%s%s)", status, *br_http_status_text(status) ? " " : "",
		         br_http_status_text(status));
	count_failure(c, 0);
	if ((status == 401 || status == 403) && from)
		return br_fail(err, BR_EAUTH, "%s refuses the key of %s%s%s%s", c->s->name, from, code,
		               *text ? ": " : "", text);
	if (status == 401 || status == 403)
		return br_fail(err, BR_EAUTH, "%s wants a key%s: set %s.key or %s.key_command", c->s->name, code, role,
		               role);
	return br_fail(err, BR_EUPSTREAM, "%s says no%s%s%s", c->s->name, code, *text ? ": " : "", text);
}

const char *br_llm__error_in(const struct br_jval *root, int *status)
{
	const struct br_jval *e = br_jval_get(root, "error"), *m;
	double code;

	*status = 0;
	if (e && br_jval_type(e) == BR_J_OBJ) {
		if (br_jval_num(&code, br_jval_get(e, "code")) && code >= 100 && code < 600)
			*status = (int)code;
		m = br_jval_get(e, "message");
		return br_jval_str(m) ? br_jval_str(m) : "an error that it does not explain";
	}
	if (br_jval_str(e))
		return br_jval_str(e);
	m = br_jval_get(root, "detail");
	return br_jval_str(m) ? br_jval_str(m) : br_jval_str(br_jval_get(root, "message"));
}

bool br_llm__has_error(const struct br_jval *root)
{
	const struct br_jval *e = br_jval_get(root, "error");

	return e && br_jval_type(e) != BR_J_NULL;
}

/* A quota that is used up does not come back within a minute. */
static bool is_final(const struct br_jval *root)
{
	const struct br_jval *e = br_jval_get(root, "error");
	const char *code = br_jval_str(br_jval_get(e, "code")), *type = br_jval_str(br_jval_get(e, "type"));

	return (code && !strcmp(code, "insufficient_quota")) || (type && !strcmp(type, "insufficient_quota"));
}

static int settle_status(struct br_llm__call *c, struct br_err *err)
{
	struct br_jdoc *doc = NULL;
	const char *why = NULL;
	int status, rc = br_jdoc_parse(&doc, br_buf_slice(&c->in), "answer", NULL);

	if (rc == 0)
		why = br_llm__error_in(br_jdoc_root(doc), &status);
	if (status_may_pass(c->head.status) && !(rc == 0 && is_final(br_jdoc_root(doc))) &&
	    start_again(c, c->head.retry_after_ms))
		rc = 1;
	else if (c->head.retry_after_ms > BR_MAX_RETRY_WAIT * 1000)
		rc = br_llm__fail(c, err, "asks to come back after %lld s (HTTP %d)",
		                  (long long)(c->head.retry_after_ms / 1000), c->head.status);
	else
		rc = br_llm__refused(c, c->head.status, why ? why : rc == 0 ? "" : c->in.ptr, err);
	br_jdoc_free(doc);
	return rc;
}

int br_llm__call_settle(struct br_llm__call *c, struct br_err *err)
{
	c->running = false;
	if (c->rc == -BR_ETOOBIG)
		return br_llm__fail(c, err, "the answer has more than %u bytes", BR_MAX_LLM_REPLY);
	if (c->rc < 0)
		return c->again && start_again(c, -1) ? 1 : br_llm__fail(c, err, "%s", c->err.msg);
	return is_good(c) ? 0 : settle_status(c, err);
}

/* ---- whole answers ---- */

/* 1: started again. */
static int read_json(struct br_jdoc **out, struct br_llm__call *c, struct br_err *err)
{
	struct br_err why;
	const char *text;
	int status, rc;

	if (br_jdoc_parse(out, br_buf_slice(&c->answer), "answer", &why) < 0)
		return br_llm__fail(c, err, "its answer is not the JSON it should be: %s", why.msg);
	text = br_llm__has_error(br_jdoc_root(*out)) ? br_llm__error_in(br_jdoc_root(*out), &status) : NULL;
	if (!text)
		return 0;
	rc = !is_final(br_jdoc_root(*out)) && br_llm__call_retry(c, status) ? 1 : br_llm__refused(c, status, text, err);
	br_jdoc_free(*out);
	*out = NULL;
	return rc;
}

int br_llm__call_read(struct br_jdoc **out, struct br_llm__call *c, struct br_err *err)
{
	int rc;

	*out = NULL;
	br_buf_reset(&c->answer);
	br_llm__call_take(c, &c->answer);
	rc = br_llm__call_settle(c, err);
	return rc == 0 ? read_json(out, c, err) : rc;
}

int br_llm__call_json(struct br_jdoc **out, struct br_llm__call *c, struct br_err *err)
{
	int rc = br_llm__call_start(c, err);

	*out = NULL;
	if (rc < 0)
		return rc;
	do { /* of an answer that comes whole there is no other news than its end */
		if ((rc = br_llm__wait(&(struct br_llm__call *){ c }, 1, err)) < 0)
			return rc;
	} while ((rc = br_llm__call_read(out, c, err)) == 1);
	return rc;
}

uint64_t br_llm__uint_at(const struct br_jval *obj, const char *key, bool *there)
{
	double v;

	*there = br_jval_num(&v, br_jval_get(obj, key)) && v >= 0 && v < 1e15;
	return *there ? (uint64_t)v : 0;
}

void br_llm__tokens(struct br_llm_tokens *out, const struct br_jval *root, uint64_t asked, uint64_t answered)
{
	const struct br_jval *usage = br_jval_get(root, "usage");
	bool has_prompt, has_completion, has_total;
	uint64_t total = br_llm__uint_at(usage, "total_tokens", &has_total);
	double cost;

	*out = (struct br_llm_tokens){ .cost = -1 };
	out->prompt = br_llm__uint_at(usage, "prompt_tokens", &has_prompt);
	out->completion = br_llm__uint_at(usage, "completion_tokens", &has_completion);
	if (!has_prompt)
		out->prompt = has_total && !answered ? total : br_llm_estimate_tokens(asked);
	if (!has_completion)
		out->completion = br_llm_estimate_tokens(answered);
	out->estimated = !(has_prompt || (has_total && !answered)) || (!has_completion && answered);
	if (br_jval_num(&cost, br_jval_get(usage, "cost")) && cost >= 0)
		out->cost = cost;
}
