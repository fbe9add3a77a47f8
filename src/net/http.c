/*
 * Requests. Redirects are followed here, hop by hop, and not by libcurl: each hop is a URL of its own, whose host, proxy and
 * headers are decided anew. The address is judged when a socket is about to be opened and again when it is connected.
 */
#include "br/os.h"
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { POLL_MS = 200, CONNECT_MS = 10000, IDLE_MS = 20000, BACKOFF_MS = 500 };

struct transfer {                       /* one hop */
	struct br_net *n;
	const struct br_http_request *r;
	struct br_http_response *out;
	struct br_url *url;
	const char *method;
	struct br_slice body;
	struct curl_slist *headers;
	bool via_proxy;
	bool foreign;                   /* another origin than the one asked for: the caller's headers are not for it */
	bool may_redirect;              /* a redirect would be followed: its body is of no use */
	bool again;                     /* the failure may pass */
	bool passed_on;                 /* the caller has had some of the body */
	int64_t until_ns;               /* 0: no end */
	int rc;                         /* failure inside a callback, err filled */
	char why[CURL_ERROR_SIZE];
	struct br_err *err;
};

/* ---- the answer ---- */

void br_http_response_release(struct br_http_response *r)
{
	br_url_release(&r->url);
	br_buf_release(&r->body);
	br_vec_release(&r->headers);
	br_arena_release(&r->arena);
}

static void response_reset(struct br_http_response *r)
{
	r->status = 0;
	r->bytes = 0;
	r->headers.n = 0;
	br_buf_reset(&r->body);
	br_arena_reset(&r->arena);
}

const char *br_http_header(const struct br_http_response *r, const char *name)
{
	for (size_t i = r->headers.n; i-- > 0;)
		if (!strcasecmp(r->headers.v[i].name, name))
			return r->headers.v[i].value;
	return NULL;
}

const char *br_http_status_text(int status)
{
	static const struct { int status; const char *text; } known[] = {
		{ 301, "Moved Permanently" }, { 302, "Found" }, { 303, "See Other" }, { 304, "Not Modified" },
		{ 307, "Temporary Redirect" }, { 308, "Permanent Redirect" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 406, "Not Acceptable" },
		{ 408, "Request Timeout" }, { 410, "Gone" }, { 413, "Content Too Large" }, { 429, "Too Many Requests" },
		{ 451, "Unavailable For Legal Reasons" }, { 500, "Internal Server Error" }, { 502, "Bad Gateway" },
		{ 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < BR_COUNT(known); i++)
		if (known[i].status == status)
			return known[i].text;
	return "";
}

int64_t br_http_retry_after(const char *value, int64_t now)
{
	struct tm tm = { 0 };
	const char *end;
	int64_t s;

	if (!value)
		return -1;
	if (br_parse_int(&s, value, 0, INT32_MAX, "Retry-After", NULL) == 0)
		return s * 1000;
	end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (!end || *end)
		return -1;
	s = (int64_t)timegm(&tm) - now;
	return s > 0 ? s * 1000 : 0;
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* ---- callbacks: what comes in ---- */

static void take_header(struct br_http_response *out, const char *p, size_t n)
{
	const char *colon = memchr(p, ':', n), *v;
	struct br_http_header *h;

	if (!colon || colon == p || n > BR_MAX_HTTP_HEADER || out->headers.n >= BR_MAX_HTTP_HEADERS)
		return;
	for (v = colon + 1; v < p + n && (*v == ' ' || *v == '\t'); v++)
		;
	while (n && (unsigned char)p[n - 1] <= ' ')
		n--;
	h = br_vec_push(&out->headers);
	h->name = br_arena_strndup(&out->arena, p, (size_t)(colon - p));
	h->value = v < p + n ? br_arena_strndup(&out->arena, v, (size_t)(p + n - v)) : "";
}

static size_t on_header(char *p, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t n = size * count;

	if (n > 9 && !memcmp(p, "HTTP/", 5)) { /* of 100 Continue and the like there may be several */
		const char *space = memchr(p, ' ', n);
		t->out->headers.n = 0;
		t->out->status = space && p + n - space > 3 ? atoi(space + 1) : 0;
	} else
		take_header(t->out, p, n);
	return n;
}

static uint64_t max_bytes(const struct transfer *t)
{
	uint64_t max = t->r->max_bytes ? t->r->max_bytes : t->n->rules.max_bytes;

	return max ? BR_MIN(max, (uint64_t)BR_MAX_HTTP_BODY) : BR_MAX_HTTP_BODY;
}

static int too_big(struct transfer *t)
{
	return br_fail(t->err, BR_ETOOBIG, "the answer has more than %llu bytes", (unsigned long long)max_bytes(t));
}

/* Returns something else than what it was given to end the transfer; t->rc says why. */
static size_t on_body(char *p, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t n = size * count;
	bool good = t->out->status >= 200 && t->out->status < 300;
	struct br_buf *body = &t->out->body;

	t->out->bytes += n;
	if (t->out->bytes > max_bytes(t)) {
		t->rc = too_big(t);
		return 0;
	}
	if (t->may_redirect && is_redirect(t->out->status))
		return n;
	if (good && t->r->data) {
		t->passed_on = true;
		if (t->r->data(br_slice(p, n), t->r->arg)) {
			t->rc = br_fail(t->err, BR_ECANCELLED, "stopped by its reader");
			return 0;
		}
		return n;
	}
	br_buf_add(body, p, good ? n : BR_MIN(n, BR_MAX_HTTP_ERROR - BR_MIN(body->len, (size_t)BR_MAX_HTTP_ERROR)));
	if (body->failed && (t->rc = br_buf_check(body, "answer", t->err)) < 0)
		return 0;
	return n;
}

/* ---- callbacks: where it goes ---- */

static int refuse(struct transfer *t, const struct br_addr *a)
{
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(a->len == 4 ? AF_INET : AF_INET6, a->b, text, sizeof text);
	return br_fail(t->err, BR_EINPUT, "%s%s%s is a %s address, which may not be reached (see net.allow%s)",
	               strcmp(text, t->url->host) ? t->url->host : "", strcmp(text, t->url->host) ? ": " : "", text,
	               br_addr_kind_name(br_addr_kind(a)), br_addr_kind(a) == BR_ADDR_METADATA ? "" : ", net.allow_private");
}

static bool addr_of(struct br_addr *out, const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		out->len = 4;
		memcpy(out->b, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		out->len = 16;
		memcpy(out->b, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
	} else
		return false;
	return true;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *sa)
{
	struct transfer *t = arg;
	struct br_addr a = { { 0 }, 4 };

	(void)purpose;
	if (!t->via_proxy && (!addr_of(&a, &sa->addr) || !br_net_permits(&t->n->rules, t->url->host, &a))) {
		t->rc = refuse(t, &a);
		return CURL_SOCKET_BAD;
	}
	return socket(sa->family, sa->socktype | SOCK_CLOEXEC, sa->protocol);
}

/* The connection stands, perhaps one that was kept, and nothing has been said yet. */
static int before_request(void *arg, char *to, char *from, int to_port, int from_port)
{
	struct transfer *t = arg;
	struct br_addr a;

	(void)from, (void)to_port, (void)from_port;
	t->rc = 0; /* an address that was refused before another one was tried */
	if (t->via_proxy || (br_addr_parse(&a, to) && br_net_permits(&t->n->rules, t->url->host, &a)))
		return CURL_PREREQFUNC_OK;
	a = (struct br_addr){ { 0 }, 4 };
	(void)br_addr_parse(&a, to);
	t->rc = refuse(t, &a);
	return CURL_PREREQFUNC_ABORT;
}

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), k = strlen(tail);

	return n >= k && !strcmp(s + n - k, tail);
}

/* A proxy looks names up where we cannot see it: names that always mean a machine of its own side are not given to it. */
static bool names_inside(struct br_addr *a, const char *host)
{
	static const char *const tails[] = { ".localhost", ".internal", ".local" };
	bool inside = !strcmp(host, "localhost");

	*a = (struct br_addr){ { 127, 0, 0, 1 }, 4 };
	if (!strcmp(host, "metadata.google.internal") || !strcmp(host, "metadata")) {
		*a = (struct br_addr){ { 169, 254, 169, 254 }, 4 };
		return true;
	}
	for (size_t i = 0; i < BR_COUNT(tails); i++)
		inside |= ends_with(host, tails[i]);
	return inside;
}

static int check_host(struct transfer *t)
{
	struct br_addr a;

	if ((br_addr_parse(&a, t->url->host) || (t->via_proxy && names_inside(&a, t->url->host))) &&
	    !br_net_permits(&t->n->rules, t->url->host, &a))
		return refuse(t, &a);
	return 0;
}

/* ---- one hop ---- */

static void add_header(struct transfer *t, const char *name, const char *value)
{
	char *line = br_sprintf("%s: %s", name, value);

	if (!line[strcspn(line, "\r\n")]) /* a value from outside cannot begin another header */
		t->headers = t->n->c->slist_append(t->headers, line);
	free(line);
}

static void set_headers(struct transfer *t, const struct br_http_hop *hop)
{
	for (const struct br_http_header *h = t->foreign ? NULL : t->r->headers; h && h->name; h++)
		add_header(t, h->name, h->value);
	for (size_t i = 0; i < hop->headers.n; i++)
		add_header(t, hop->headers.v[i].name, hop->headers.v[i].value);
	if (t->body.ptr && t->r->content_type)
		add_header(t, "Content-Type", t->r->content_type);
	t->headers = t->n->c->slist_append(t->headers, "Expect:"); /* nobody waits for 100 Continue */
}

static void set_method(struct transfer *t)
{
	const struct br_net__curl *c = t->n->c;
	CURL *e = t->n->easy;

	if (t->body.ptr) {
		c->easy_setopt(e, CURLOPT_POST, 1L);
		c->easy_setopt(e, CURLOPT_POSTFIELDS, t->body.ptr);
		c->easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.len);
	} else if (!strcmp(t->method, "HEAD"))
		c->easy_setopt(e, CURLOPT_NOBODY, 1L);
	else
		c->easy_setopt(e, CURLOPT_HTTPGET, 1L);
	if (strcmp(t->method, t->body.ptr ? "POST" : "GET") && strcmp(t->method, "HEAD"))
		c->easy_setopt(e, CURLOPT_CUSTOMREQUEST, t->method);
}

static void set_limits(struct transfer *t)
{
	const struct br_net__curl *c = t->n->c;
	CURL *e = t->n->easy;
	long idle = t->r->idle_ms ? (long)t->r->idle_ms : IDLE_MS;

	c->easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	c->easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
	c->easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (idle + 999) / 1000);
	if (t->until_ns)
		c->easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)BR_MAX((t->until_ns - br_mono_ns()) / 1000000, (int64_t)1));
	c->easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)max_bytes(t));
}

static void set_trust(struct transfer *t)
{
	const struct br_net__curl *c = t->n->c;
	CURL *e = t->n->easy;

	c->easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	c->easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	c->easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	c->easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	c->easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	if (t->n->rules.ca_file)
		c->easy_setopt(e, CURLOPT_CAINFO, t->n->rules.ca_file);
	if (t->url->user) {
		c->easy_setopt(e, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		c->easy_setopt(e, CURLOPT_USERNAME, t->url->user);
		c->easy_setopt(e, CURLOPT_PASSWORD, t->url->password ? t->url->password : "");
	}
	c->easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	c->easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
	c->easy_setopt(e, CURLOPT_PREREQFUNCTION, before_request);
	c->easy_setopt(e, CURLOPT_PREREQDATA, t);
}

static void set_up(struct transfer *t, const struct br_http_hop *hop)
{
	const struct br_net__curl *c = t->n->c;
	CURL *e = t->n->easy;

	c->easy_reset(e);
	set_headers(t, hop);
	set_method(t);
	set_limits(t);
	set_trust(t);
	c->easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	c->easy_setopt(e, CURLOPT_URL, t->url->text);
	c->easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	c->easy_setopt(e, CURLOPT_PROXY, br_net__proxy_for(&t->n->rules, t->url));
	c->easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	c->easy_setopt(e, CURLOPT_USERAGENT, t->n->agent);
	c->easy_setopt(e, CURLOPT_RESOLVE, t->n->resolve);
	c->easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
	c->easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	c->easy_setopt(e, CURLOPT_HEADERDATA, t);
	c->easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	c->easy_setopt(e, CURLOPT_WRITEDATA, t);
	c->easy_setopt(e, CURLOPT_ERRORBUFFER, t->why);
	if (!t->r->data) /* a packed stream would come late */
		c->easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
}

/* Runs until the transfer ends by itself or by a signal. */
static int drive(struct transfer *t, CURLcode *result)
{
	const struct br_net__curl *c = t->n->c;
	CURLMcode m = CURLM_OK;
	CURLMsg *msg;
	int running = 1, left, rc = 0;

	c->multi_add_handle(t->n->multi, t->n->easy);
	while (running && m == CURLM_OK && (rc = br_check_stop(t->err)) == 0) {
		if ((m = c->multi_perform(t->n->multi, &running)) == CURLM_OK && running)
			m = c->multi_poll(t->n->multi, NULL, 0, POLL_MS, NULL);
	}
	*result = CURLE_FAILED_INIT;
	while ((msg = c->multi_info_read(t->n->multi, &left)))
		if (msg->msg == CURLMSG_DONE)
			*result = msg->data.result;
	c->multi_remove_handle(t->n->multi, t->n->easy);
	if (rc == 0 && m != CURLM_OK)
		rc = br_fail(t->err, BR_EIO, "cannot reach '%s': %s", t->url->host, c->multi_strerror(m));
	return rc;
}

static int explain(struct transfer *t, CURLcode code)
{
	const char *why = t->why[0] ? t->why : t->n->c->easy_strerror(code);

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return br_fail(t->err, BR_EIO, "cannot find host '%s'", t->url->host);
	case CURLE_COULDNT_RESOLVE_PROXY:
		return br_fail(t->err, BR_EIO, "cannot find the proxy for '%s'", t->url->host);
	case CURLE_OPERATION_TIMEDOUT:
		t->again = true;
		return br_fail(t->err, BR_ETIMEOUT, "'%s' takes too long: %s", t->url->host, why);
	case CURLE_PEER_FAILED_VERIFICATION:
		return br_fail(t->err, BR_EIO, "'%s' does not prove that it is who it says: %s", t->url->host, why);
	case CURLE_FILESIZE_EXCEEDED:
		return too_big(t);
	case CURLE_COULDNT_CONNECT:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		t->again = true;
		break;
	default:
		break;
	}
	return br_fail(t->err, BR_EIO, "cannot read from '%s': %s", t->url->host, why);
}

static int run_hop(struct transfer *t, const struct br_http_hop *hop)
{
	CURLcode code;
	int rc;

	t->via_proxy = *br_net__proxy_for(&t->n->rules, t->url) != 0;
	if ((rc = check_host(t)) < 0)
		return rc;
	response_reset(t->out);
	set_up(t, hop);
	rc = drive(t, &code);
	t->n->c->slist_free_all(t->headers);
	t->headers = NULL;
	if (rc < 0)
		return rc;
	if (code == CURLE_OK)
		return 0;
	return t->rc ? t->rc : explain(t, code);
}

/* ---- all hops of one attempt ---- */

/* After 303, and as everybody does after 301 and 302, what was asked by POST is fetched by GET. */
static void redirect_method(struct transfer *t)
{
	bool keeps = t->out->status == 307 || t->out->status == 308 || !strcmp(t->method, "HEAD");

	if (keeps || (t->out->status != 303 && strcmp(t->method, "POST")))
		return;
	t->method = "GET";
	t->body = br_slice(NULL, 0);
}

static int next_url(struct transfer *t, const struct br_url *first, const char *location)
{
	struct br_url to;
	int rc = br_url_parse(&to, t->url, br_slice_str(location), t->err);

	if (rc < 0)
		return br_err_prefix(t->err, rc, "redirected to a place that cannot be read");
	if (!to.user && t->url->user && br_url_same_origin(&to, t->url)) {
		to.user = br_strdup(t->url->user);
		to.password = br_strdup(t->url->password);
	}
	br_url_release(t->url);
	*t->url = to;
	t->foreign = !br_url_same_origin(first, t->url);
	return 0;
}

static int ask_hook(struct transfer *t, struct br_http_hop *hop)
{
	hop->url = t->url;
	hop->headers.n = 0;
	return t->r->hop ? t->r->hop(hop, t->r->arg, t->err) : 0;
}

static int attempt(struct transfer *t, const struct br_url *first)
{
	struct br_http_hop hop = { 0 };
	const char *location;
	char *to;
	int rc;

	for (;; hop.number++) {
		t->may_redirect = hop.number < t->r->redirects;
		if ((rc = ask_hook(t, &hop)) < 0 || (rc = run_hop(t, &hop)) < 0)
			break;
		location = is_redirect(t->out->status) ? br_http_header(t->out, "Location") : NULL;
		if (!location || !t->r->redirects)
			break;
		if (!t->may_redirect) {
			rc = br_fail(t->err, BR_EINPUT, "redirected more than %u times", t->r->redirects);
			break;
		}
		redirect_method(t);
		to = br_strdup(location); /* the header's memory goes with the next answer */
		rc = next_url(t, first, to);
		free(to);
		if (rc < 0)
			break;
	}
	br_vec_release(&hop.headers);
	return rc;
}

/* ---- attempts ---- */

static bool status_may_pass(int status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

/* Asking twice has the effect of asking once. */
static bool is_safe(const struct br_http_request *r)
{
	return r->retry_post || (!r->body.ptr && (!r->method || !strcmp(r->method, "GET") || !strcmp(r->method, "HEAD")));
}

/* Milliseconds to wait before the next attempt; -1: there is none. */
static int64_t pause_before(const struct transfer *t, int rc, unsigned done)
{
	int64_t ms = (int64_t)BACKOFF_MS << BR_MIN(done - 1, 7u), asked;
	bool may_pass = rc < 0 ? t->again : status_may_pass(t->out->status);
	uint16_t noise;

	if (done > t->r->retries || t->passed_on || !is_safe(t->r) || !may_pass)
		return -1;
	asked = rc < 0 ? -1 : br_http_retry_after(br_http_header(t->out, "Retry-After"), br_now());
	if (asked > BR_MAX_RETRY_WAIT * 1000)
		return -1;
	br_random(&noise, sizeof noise); /* so that many that failed together do not come back together */
	return asked >= 0 ? asked : ms + ms * noise / 4 / UINT16_MAX;
}

static int wait_ms(int64_t ms, struct br_err *err)
{
	int64_t until = br_mono_ns() + ms * 1000000, left;
	int rc;

	while ((rc = br_check_stop(err)) == 0 && (left = until - br_mono_ns()) > 0)
		nanosleep(&(struct timespec){ .tv_nsec = (long)BR_MIN(left, (int64_t)POLL_MS * 1000000) }, NULL);
	return rc;
}

static int64_t deadline(const struct br_net *n, const struct br_http_request *r)
{
	int64_t ms = r->timeout_ms ? r->timeout_ms : n->rules.timeout_ms;

	return ms > 0 ? br_mono_ns() + ms * 1000000 : 0;
}

static int start(struct transfer *t, struct br_url *first)
{
	int rc = br_url_parse(t->url, NULL, br_slice_str(t->r->url), t->err);

	if (rc < 0)
		return rc;
	*first = (struct br_url){ .host = t->url->host, .port = t->url->port, .https = t->url->https };
	first->host = br_strdup(t->url->host); /* t->url moves on with redirects */
	t->body = t->r->body;
	t->method = t->r->method ? t->r->method : t->body.ptr ? "POST" : "GET";
	t->foreign = t->again = false;
	t->rc = 0;
	t->why[0] = 0;
	t->until_ns = deadline(t->n, t->r);
	return 0;
}

int br_http(struct br_http_response *out, struct br_net *n, const struct br_http_request *r, struct br_err *err)
{
	struct transfer t = { .n = n, .r = r, .out = out, .url = &out->url, .err = err };
	int64_t pause;
	int rc;

	*out = (struct br_http_response){ 0 };
	br_buf_init(&out->body, BR_MAX_HTTP_BODY);
	do {
		struct br_url first = { 0 };

		br_url_release(&out->url);
		if ((rc = start(&t, &first)) == 0) {
			out->attempts++;
			rc = attempt(&t, &first);
		}
		br_url_release(&first);
		pause = rc < 0 && !out->attempts ? -1 : pause_before(&t, rc, out->attempts);
	} while (pause >= 0 && (rc = wait_ms(pause, err)) == 0);
	return rc;
}
