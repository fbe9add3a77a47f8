/*
 * Requests against the server of tests/http/server.py, in both directions: what it answers, and what it was asked.
 * Nothing here leaves the machine: other hosts are names that BR_RESOLVE gives to it.
 */
#include "br/json.h"
#include "br/net.h"
#include "br/os.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"

static struct br_child server;
static int64_t port;
static struct br_net_rules rules;

/* ---- the server ---- */

static bool read_port(const char *file)
{
	struct br_buf b = BR_BUF_INIT(64);
	bool there = br_file_read(&b, file, 64, NULL) == 0 && br_parse_int(&port, b.ptr, 1, 65535, "port", NULL) == 0;

	br_buf_release(&b);
	return there;
}

static int setup(void **state)
{
	const char *argv[] = { "/usr/bin/python3", "tests/http/server.py", NULL, NULL, NULL, NULL };

	if (scratch_setup(state) < 0)
		return -1;
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	argv[2] = scratch_dir;
	argv[3] = scratch("port");
	argv[4] = scratch("log");
	if (access(argv[0], X_OK) < 0 || access(argv[1], R_OK) < 0) {
		printf("skipped: no python3, or not run from the top of the tree\n");
		return 0;
	}
	if (br_child_start(&server, argv, NULL, true, NULL) < 0)
		return -1;
	for (int i = 0; i < 500 && !read_port(argv[3]); i++)
		usleep(20000);
	return port ? 0 : -1;
}

static int teardown(void **state)
{
	br_child_end(&server, true);
	return scratch_teardown(state);
}

/* "http://127.0.0.1:PORT/rest"; one of four strings in turn. */
static const char *at_host(const char *host, const char *rest)
{
	static char url[4][1024];
	static unsigned turn;

	snprintf(url[turn %= 4], sizeof *url, "http://%s:%lld%s", host, (long long)port, rest);
	return url[turn++];
}
static const char *at(const char *rest) { return at_host("127.0.0.1", rest); }

struct run { struct br_http_request ask; struct br_http_response got; struct br_err err; struct br_net *net; int rc; };

static void go(struct run *r)
{
	assert_int_equal(br_net_open(&r->net, &rules, &r->err), 0);
	r->rc = br_http(&r->got, r->net, &r->ask, &r->err);
	br_net_close(r->net);
}

static void done(struct run *r)
{
	br_http_response_release(&r->got);
	memset(r, 0, sizeof *r);
}

static void need_server(void)
{
	if (!port)
		skip();
	rules = (struct br_net_rules){ .allow = "127.0.0.1", .timeout_ms = 20000, .max_bytes = 1 << 20, .proxy = "" };
	unsetenv("BR_RESOLVE");
}

static void expect(struct run *r, int rc, const char *words)
{
	if (r->rc != rc || (words && !strstr(r->err.msg, words)))
		fail_msg("%d (%s), not %d (%s)", r->rc, r->rc ? r->err.msg : "ok", rc, words ? words : "");
}

/* Value of a string in the object that /_/echo gives; "" when it is not there. */
static const char *echoed(const struct run *r, const char *object, const char *key)
{
	static char value[1024];
	struct br_jdoc *doc;
	const struct br_jval *v;

	assert_int_equal(br_jdoc_parse(&doc, br_buf_slice(&r->got.body), "echo", NULL), 0);
	v = br_jdoc_root(doc);
	v = br_jval_get(object ? br_jval_get(v, object) : v, key);
	snprintf(value, sizeof value, "%s", v && br_jval_str(v) ? br_jval_str(v) : "");
	br_jdoc_free(doc);
	return value;
}

/* ---- what is asked and answered ---- */

static void test_get(void **state)
{
	struct run r = { 0 };

	(void)state;
	need_server();
	rules.contact = "https://example.org/br";
	r.ask = (struct br_http_request){ .url = at("/_/echo?a=b#c"), .headers = (struct br_http_header[]){ { "X-Key", "1" }, { "X-Evil", "a\r\nX-More: b" }, { NULL } } };
	go(&r);
	expect(&r, 0, NULL);
	assert_int_equal(r.got.status, 200);
	assert_int_equal(r.got.attempts, 1);
	assert_string_equal(br_http_header(&r.got, "content-TYPE"), "application/json");
	assert_null(br_http_header(&r.got, "X-Nothing"));
	assert_string_equal(echoed(&r, NULL, "method"), "GET");
	assert_string_equal(echoed(&r, NULL, "path"), "/_/echo?a=b");
	assert_string_equal(echoed(&r, "headers", "x-key"), "1");
	assert_string_equal(echoed(&r, "headers", "x-evil"), "");
	assert_string_equal(echoed(&r, "headers", "x-more"), "");
	assert_non_null(strstr(echoed(&r, "headers", "user-agent"), "(+https://example.org/br)"));
	done(&r);
}

static void test_post(void **state)
{
	struct run r = { 0 };

	(void)state;
	need_server();
	r.ask = (struct br_http_request){ .url = at("/_/echo"), .body = br_slice_str("{\"q\":1}"), .content_type = "application/json" };
	go(&r);
	expect(&r, 0, NULL);
	assert_string_equal(echoed(&r, NULL, "method"), "POST");
	assert_string_equal(echoed(&r, NULL, "body"), "{\"q\":1}");
	assert_string_equal(echoed(&r, "headers", "content-type"), "application/json");
	assert_string_equal(echoed(&r, "headers", "expect"), "");
	done(&r);
	r.ask = (struct br_http_request){ .url = at("/_/echo"), .method = "PUT", .body = br_slice("", 0) };
	go(&r);
	expect(&r, 0, NULL);
	assert_string_equal(echoed(&r, NULL, "method"), "PUT");
	assert_string_equal(echoed(&r, "headers", "content-length"), "0");
	done(&r);
	r.ask = (struct br_http_request){ .url = at("/_/echo"), .method = "HEAD" };
	go(&r);
	expect(&r, 0, NULL);
	assert_int_equal(r.got.body.len, 0);
	done(&r);
}

struct pieces { struct br_buf all; unsigned n, stop_at; };

static int take_piece(struct br_slice piece, void *arg)
{
	struct pieces *p = arg;

	br_buf_add(&p->all, piece.ptr, piece.len);
	return ++p->n == p->stop_at;
}

static void test_stream(void **state)
{
	struct pieces p = { BR_BUF_INIT(4096), 0, 0 };
	struct run r = { 0 };

	(void)state;
	need_server();
	r.ask = (struct br_http_request){ .url = at("/_/stream?n=3&s=0.05"), .timeout_ms = -1, .data = take_piece, .arg = &p };
	go(&r);
	expect(&r, 0, NULL);
	assert_string_equal(p.all.ptr, "data: 0\n\ndata: 1\n\ndata: 2\n\n");
	assert_true(p.n > 1); /* they came as they were sent */
	assert_int_equal(r.got.body.len, 0);
	assert_int_equal(r.got.bytes, p.all.len);
	done(&r);
	br_buf_reset(&p.all);
	p.n = 0;
	p.stop_at = 1;
	r.ask = (struct br_http_request){ .url = at("/_/stream?n=1000&s=0.05"), .data = take_piece, .arg = &p, .retries = 3 };
	go(&r);
	expect(&r, -BR_ECANCELLED, "stopped by its reader");
	assert_int_equal(p.n, 1);
	done(&r);
	/* an answer that says no is not part of the stream */
	r.ask = (struct br_http_request){ .url = at("/_/status?n=500"), .data = take_piece, .arg = &p };
	go(&r);
	expect(&r, 0, NULL);
	assert_int_equal(r.got.status, 500);
	assert_string_equal(r.got.body.ptr, "as asked");
	assert_int_equal(p.n, 1);
	done(&r);
	br_buf_release(&p.all);
}

static void test_credentials(void **state)
{
	struct run r = { 0 };
	char url[128];

	(void)state;
	need_server();
	snprintf(url, sizeof url, "http://u:p%%20w@127.0.0.1:%lld/_/auth", (long long)port);
	r.ask = (struct br_http_request){ .url = url };
	go(&r);
	expect(&r, 0, NULL);
	assert_int_equal(r.got.status, 200);
	assert_null(strstr(r.got.url.text, "p%20w"));
	done(&r);
	r.ask.url = at("/_/auth");
	go(&r);
	assert_int_equal(r.got.status, 401);
	done(&r);
}

/* ---- limits ---- */

static void test_too_big(void **state)
{
	static const char *const urls[] = { "/_/big?kb=2000", "/_/bomb?mb=50" };
	struct run r = { 0 };

	(void)state;
	need_server();
	for (size_t i = 0; i < BR_COUNT(urls); i++) {
		r.ask = (struct br_http_request){ .url = at(urls[i]), .max_bytes = 100000 };
		go(&r);
		expect(&r, -BR_ETOOBIG, "more than 100000 bytes");
		assert_true(r.got.body.len <= 100000);
		done(&r);
	}
	r.ask = (struct br_http_request){ .url = at("/_/big?kb=10"), .max_bytes = 10240 };
	go(&r);
	expect(&r, 0, NULL);
	assert_int_equal(r.got.body.len, 10240);
	done(&r);
}

static void test_slow(void **state)
{
	struct run r = { 0 };

	(void)state;
	need_server();
	r.ask = (struct br_http_request){ .url = at("/_/slow?s=30"), .timeout_ms = 300 };
	go(&r);
	expect(&r, -BR_ETIMEOUT, "takes too long");
	assert_int_equal(r.got.attempts, 1);
	done(&r);
	r.ask = (struct br_http_request){ .url = at("/_/slow?s=30"), .timeout_ms = -1, .idle_ms = 1000 };
	go(&r);
	expect(&r, -BR_ETIMEOUT, NULL);
	done(&r);
}

static void test_retries(void **state)
{
	struct run r = { 0 };

	(void)state;
	need_server();
	r.ask = (struct br_http_request){ .url = at("/_/flaky?key=a&n=2"), .retries = 2 };
	go(&r);
	expect(&r, 0, NULL);
	assert_int_equal(r.got.status, 200);
	assert_int_equal(r.got.attempts, 3);
	done(&r);
	r.ask = (struct br_http_request){ .url = at("/_/flaky?key=b&n=2"), .retries = 1 };
	go(&r);
	assert_int_equal(r.got.status, 503);
	assert_int_equal(r.got.attempts, 2);
	done(&r);
	r.ask = (struct br_http_request){ .url = at("/_/flaky?key=c&n=1"), .retries = 5, .body = br_slice_str("x") };
	go(&r);
	assert_int_equal(r.got.attempts, 1); /* a POST may have had its effect */
	done(&r);
	r.ask = (struct br_http_request){ .url = at("/_/flaky?key=d&n=1"), .retries = 5, .body = br_slice_str("x"), .retry_post = true };
	go(&r);
	assert_int_equal(r.got.status, 200);
	done(&r);
	r.ask = (struct br_http_request){ .url = at("/_/status?n=503&after=86400"), .retries = 5 };
	go(&r);
	assert_int_equal(r.got.attempts, 1); /* nobody waits a day */
	done(&r);
	r.ask = (struct br_http_request){ .url = at("/_/status?n=404&after=0"), .retries = 5 };
	go(&r);
	assert_int_equal(r.got.attempts, 1);
	done(&r);
	r.ask = (struct br_http_request){ .url = at("/_/cut"), .retries = 1 };
	go(&r);
	expect(&r, -BR_EIO, "cannot read from '127.0.0.1'");
	assert_int_equal(r.got.attempts, 2);
	done(&r);
}

/* ---- redirects ---- */

static void test_redirects(void **state)
{
	struct run r = { 0 };

	(void)state;
	need_server();
	r.ask = (struct br_http_request){ .url = at("/_/to?url=/_/echo%3fx"), .redirects = 1,
		.headers = (struct br_http_header[]){ { "X-Key", "1" }, { NULL } } };
	go(&r);
	expect(&r, 0, NULL);
	assert_string_equal(r.got.url.text, at("/_/echo?x"));
	assert_string_equal(echoed(&r, "headers", "x-key"), "1");
	done(&r);
	r.ask = (struct br_http_request){ .url = at("/_/to?url=/x") };
	go(&r);
	expect(&r, 0, NULL);
	assert_int_equal(r.got.status, 302);
	assert_string_equal(r.got.body.ptr, "elsewhere");
	done(&r);
	r.ask = (struct br_http_request){ .url = at("/_/loop"), .redirects = 5, .retries = 3 };
	go(&r);
	expect(&r, -BR_EINPUT, "redirected more than 5 times");
	assert_int_equal(r.got.attempts, 1);
	done(&r);
	r.ask = (struct br_http_request){ .url = at("/_/to?url=file:///etc/passwd"), .redirects = 5 };
	go(&r);
	expect(&r, -BR_EINPUT, "only http and https");
	done(&r);
}

static void test_redirected_methods(void **state)
{
	static const struct { int status; const char *method; } row[] = {
		{ 301, "GET" }, { 302, "GET" }, { 303, "GET" }, { 307, "POST" }, { 308, "POST" },
	};
	struct run r = { 0 };
	char rest[64];

	(void)state;
	need_server();
	for (size_t i = 0; i < BR_COUNT(row); i++) {
		snprintf(rest, sizeof rest, "/_/to?url=/_/echo&status=%d", row[i].status);
		r.ask = (struct br_http_request){ .url = at(rest), .redirects = 1, .body = br_slice_str("b") };
		go(&r);
		expect(&r, 0, NULL);
		assert_string_equal(echoed(&r, NULL, "method"), row[i].method);
		assert_string_equal(echoed(&r, NULL, "body"), *row[i].method == 'P' ? "b" : "");
		done(&r);
	}
}

static void resolve(const char *const *host, size_t n)
{
	struct br_buf b = BR_BUF_INIT(4096);

	for (size_t i = 0; i < n; i++)
		br_buf_addf(&b, "%s:%lld:127.0.0.1 ", host[i], (long long)port);
	setenv("BR_RESOLVE", b.ptr, 1);
	br_buf_release(&b);
}

/* What was meant for one server is not shown to another one that it points to. */
static void test_secrets_stay(void **state)
{
	static const char *const hosts[] = { "one.test", "two.test" };
	struct run r = { 0 };
	char url[512];

	(void)state;
	need_server();
	resolve(hosts, 2);
	snprintf(url, sizeof url, "http://u:p@one.test:%lld/_/to?url=%s", (long long)port, at_host("two.test", "/_/echo"));
	r.ask = (struct br_http_request){ .url = url, .redirects = 3, .headers = (struct br_http_header[]){ { "Authorization", "Bearer x" }, { "X-Key", "1" }, { NULL } } };
	go(&r);
	expect(&r, 0, NULL);
	assert_string_equal(echoed(&r, "headers", "authorization"), "");
	assert_string_equal(echoed(&r, "headers", "x-key"), "");
	done(&r);
}

static int refuse_second(struct br_http_hop *hop, void *arg, struct br_err *err)
{
	unsigned *n = arg;

	++*n;
	*br_vec_push(&hop->headers) = (struct br_http_header){ "X-Hop", hop->number ? "later" : "first" };
	return hop->number && strstr(hop->url->path, "private") ? br_fail(err, BR_EFORBIDDEN, "not there") : 0;
}

static void test_hop_hook(void **state)
{
	struct run r = { 0 };
	unsigned n = 0;

	(void)state;
	need_server();
	r.ask = (struct br_http_request){ .url = at("/_/to?url=/_/echo"), .redirects = 3, .hop = refuse_second, .arg = &n };
	go(&r);
	expect(&r, 0, NULL);
	assert_int_equal(n, 2);
	assert_string_equal(echoed(&r, "headers", "x-hop"), "later");
	done(&r);
	r.ask.url = at("/_/to?url=/private");
	r.ask.redirects = 3;
	r.ask.hop = refuse_second;
	r.ask.arg = &n;
	go(&r);
	expect(&r, -BR_EFORBIDDEN, "not there");
	done(&r);
}

/* ---- who may not be reached ---- */

static void test_refused(void **state)
{
	static const char *const literal[] = { "127.0.0.1", "2130706433", "0x7f.1", "0177.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254",
		"[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "0.0.0.0", "224.0.0.1", "[fe80::1]" };
	static const char *const hosts[] = { "public.test" };
	struct run r = { 0 };

	(void)state;
	need_server();
	rules.allow = NULL;
	for (size_t i = 0; i < BR_COUNT(literal); i++) {
		r.ask = (struct br_http_request){ .url = at_host(literal[i], "/"), .retries = 3 };
		go(&r);
		expect(&r, -BR_EINPUT, "may not be reached");
		assert_int_equal(r.got.attempts, 1);
		done(&r);
	}
	/* A name that is resolved to this machine: the address of the socket decides, so a second resolution gains nothing. */
	resolve(hosts, 1);
	r.ask = (struct br_http_request){ .url = at_host("public.test", "/_/echo") };
	go(&r);
	expect(&r, -BR_EINPUT, "public.test: 127.0.0.1 is a loopback address, which may not be reached");
	done(&r);
	rules.allow = "public.test";
	r.ask = (struct br_http_request){ .url = at_host("public.test", "/_/echo") };
	go(&r);
	expect(&r, 0, NULL);
	done(&r);
	rules.allow = NULL;
	rules.allow_private = true;
	r.ask = (struct br_http_request){ .url = at("/_/echo") };
	go(&r);
	expect(&r, 0, NULL);
	done(&r);
	r.ask = (struct br_http_request){ .url = "http://169.254.169.254/latest/meta-data/" };
	go(&r);
	expect(&r, -BR_EINPUT, "metadata service");
	done(&r);
}

static void test_redirected_inside(void **state)
{
	static const char *const to[] = { "http://169.254.169.254/latest/", "http://[::ffff:169.254.169.254]/", "http://0xa9fea9fe/", "http://10.0.0.1/",
		"//localhost.test/" };
	struct run r = { 0 };
	char rest[256];

	(void)state;
	need_server();
	setenv("BR_RESOLVE", "localhost.test:80:127.0.0.2", 1);
	for (size_t i = 0; i < BR_COUNT(to); i++) {
		snprintf(rest, sizeof rest, "/_/to?url=%s", to[i]);
		r.ask = (struct br_http_request){ .url = at(rest), .redirects = 5, .retries = 2 };
		go(&r);
		expect(&r, -BR_EINPUT, "may not be reached");
		done(&r);
	}
}

/* A connection that was opened under other rules is not used under these: each client has its own. Within one, the same
 * rules hold for a connection that was kept. */
static void test_kept_connection(void **state)
{
	struct br_http_request ask = { 0 };
	struct br_http_response got;
	struct br_net *n;

	(void)state;
	need_server();
	assert_int_equal(br_net_open(&n, &rules, NULL), 0);
	for (int i = 0; i < 3; i++) {
		ask.url = at("/_/echo");
		assert_int_equal(br_http(&got, n, &ask, NULL), 0);
		br_http_response_release(&got);
	}
	br_net_close(n);
}

static void test_proxy(void **state)
{
	struct run r = { 0 };
	char proxy[64];

	(void)state;
	need_server();
	snprintf(proxy, sizeof proxy, "http://127.0.0.1:%lld", (long long)port);
	rules.allow = NULL; /* the proxy is the user's choice and needs no leave */
	rules.proxy = proxy;
	r.ask = (struct br_http_request){ .url = "http://example.test/x" };
	go(&r);
	expect(&r, 0, NULL);
	assert_string_equal(r.got.body.ptr, "the proxy fetched http://example.test/x");
	done(&r);
	for (size_t i = 0; i < 3; i++) {
		static const char *const inside[] = { "http://127.0.0.1/", "http://localhost/", "http://metadata.google.internal/" };
		r.ask = (struct br_http_request){ .url = inside[i] };
		go(&r);
		expect(&r, -BR_EINPUT, "may not be reached");
		done(&r);
	}
	rules.proxy = NULL;
	setenv("http_proxy", proxy, 1);
	r.ask = (struct br_http_request){ .url = "http://example.test/y" };
	go(&r);
	expect(&r, 0, NULL);
	assert_string_equal(r.got.body.ptr, "the proxy fetched http://example.test/y");
	done(&r);
	setenv("no_proxy", "other.test, .test", 1);
	setenv("BR_RESOLVE", "example.test:80:127.0.0.1", 1);
	r.ask = (struct br_http_request){ .url = "http://example.test/y" };
	go(&r);
	expect(&r, -BR_EINPUT, "example.test: 127.0.0.1 is a loopback address");
	done(&r);
	unsetenv("http_proxy");
	unsetenv("no_proxy");
}

static void test_nobody_there(void **state)
{
	struct run r = { 0 };

	(void)state;
	need_server();
	r.ask = (struct br_http_request){ .url = "http://127.0.0.1:1/" };
	go(&r);
	expect(&r, -BR_EIO, "cannot read from '127.0.0.1'");
	done(&r);
	/* A server that speaks no TLS proves nothing. */
	{
		char url[64];

		snprintf(url, sizeof url, "https://127.0.0.1:%lld/", (long long)port);
		r.ask = (struct br_http_request){ .url = url };
		go(&r);
		expect(&r, -BR_EIO, NULL);
		done(&r);
	}
}

/* Last, because the request to stop stays. */
static void test_signal(void **state)
{
	struct run r = { 0 };

	(void)state;
	need_server();
	br_catch_signals();
	raise(SIGTERM);
	r.ask = (struct br_http_request){ .url = at("/_/slow?s=30"), .retries = 5 };
	go(&r);
	expect(&r, -BR_ECANCELLED, "request to end");
	done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_retries),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_redirected_methods),
		cmocka_unit_test(test_secrets_stay),
		cmocka_unit_test(test_hop_hook),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_redirected_inside),
		cmocka_unit_test(test_kept_connection),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_signal),
	};

	return cmocka_run_group_tests_name("http", tests, setup, teardown);
}
