/* Webhooks: what may be registered, the signature, one event told until it is taken, what a restart finds, what is given up. */
#include "workspace.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#define DATA "{\"document_id\":\"d\",\"filename\":\"a.md\",\"chunk_count\":3}"

static void ok(int rc, const struct br_err *err)
{
	if (rc < 0)
		fail_msg("%s", err->msg);
}

/* ---- a receiver: answers with the statuses of a script, then with 200, and keeps what came ---- */

struct receiver {
	int fd;
	unsigned port;
	pthread_t thread;
	const int *script;
	size_t n;
	pthread_mutex_t mu;
	size_t got;
	char *seen[64];              /* head and body */
};

static void answer(struct receiver *r, int fd)
{
	char buf[65536], out[200], *body;
	size_t len = 0;
	int status, n;

	for (;;) {
		ssize_t got = read(fd, buf + len, sizeof buf - 1 - len);
		if (got <= 0)
			return;
		buf[len += (size_t)got] = 0;
		if ((body = strstr(buf, "\r\n\r\n")) && strstr(buf, "Content-Length: ") &&
		    strlen(body + 4) >= strtoul(strstr(buf, "Content-Length: ") + 16, NULL, 10))
			break;
	}
	pthread_mutex_lock(&r->mu);
	status = r->got < r->n ? r->script[r->got] : 200;
	r->seen[r->got++] = strdup(buf);
	pthread_mutex_unlock(&r->mu);
	n = snprintf(out, sizeof out, "HTTP/1.1 %d x\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
	assert_int_equal(write(fd, out, (size_t)n), n);
}

static void *receive(void *arg)
{
	struct receiver *r = arg;
	int fd;

	while ((fd = accept(r->fd, NULL, NULL)) >= 0) {
		answer(r, fd);
		close(fd);
	}
	return NULL;
}

static void receiver_start(struct receiver *r, const int *script, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;

	*r = (struct receiver){ .fd = socket(AF_INET, SOCK_STREAM, 0), .script = script, .n = n };
	assert_int_equal(bind(r->fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(r->fd, 16), 0);
	assert_int_equal(getsockname(r->fd, (struct sockaddr *)&a, &len), 0);
	r->port = ntohs(a.sin_port);
	pthread_mutex_init(&r->mu, NULL);
	assert_int_equal(pthread_create(&r->thread, NULL, receive, r), 0);
}

static void receiver_stop(struct receiver *r)
{
	shutdown(r->fd, SHUT_RDWR);
	pthread_join(r->thread, NULL);
	close(r->fd);
	for (size_t i = 0; i < r->got; i++)
		free(r->seen[i]);
}

/* ---- hooks ---- */

static struct br_net_rules private_net = { .allow_private = true, .proxy = "", .timeout_ms = 10000, .max_bytes = 1 << 20 };
static struct br_net_rules public_net = { .proxy = "", .timeout_ms = 10000, .max_bytes = 1 << 20 };
static _Atomic int64_t test_now;
static int64_t fixed_clock(void) { return atomic_load(&test_now); }

static struct br_hook make(struct scratch *s, unsigned port, const char *secret, uint32_t events, const char *notebooks)
{
	static char url[4][100];
	static unsigned i;
	struct br_hook_rules rules = { .net = &private_net };
	struct br_hook h = { .url = url[i = (i + 1) % 4], .secret = secret, .events = events, .notebooks = notebooks, .active = true };
	struct br_err err;

	snprintf(url[i], sizeof url[i], "http://127.0.0.1:%u/hook", port);
	ok(br_hook_create(&h, s->ws, &rules, &err), &err);
	return h;
}

struct seen { size_t n; enum br_delivery_state state[100]; unsigned attempts[100]; int status[100]; int64_t next[100], last[100]; };

static int see(const struct br_delivery *d, void *arg)
{
	struct seen *s = arg;

	s->state[s->n] = d->state;
	s->attempts[s->n] = d->attempts;
	s->next[s->n] = d->next;
	s->last[s->n] = d->last;
	s->status[s->n++] = d->status;
	return s->n == 100;
}

static struct seen deliveries(struct scratch *s, uint32_t hook)
{
	struct seen seen = { 0 };
	struct br_err err;
	struct br_txn *t;

	ok(br_txn_read(&t, s->ws->store, &err), &err);
	ok(br_delivery_each(t, hook, see, &seen, &err), &err);
	br_txn_end(t);
	return seen;
}

/* Until the newest delivery has been tried so often, or is finished. */
static struct seen wait_for(struct scratch *s, uint32_t hook, unsigned attempts)
{
	struct seen seen = { 0 };

	for (int i = 0; i < 2000; i++) {
		seen = deliveries(s, hook);
		if (seen.n && (seen.attempts[0] >= attempts || seen.state[0] != BR_DELIVERY_PENDING))
			break;
		nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
	}
	return seen;
}

static struct br_hook load(struct scratch *s, const char *id, struct br_arena *a)
{
	struct br_err err;
	struct br_hook h;
	struct br_txn *t;

	ok(br_txn_read(&t, s->ws->store, &err), &err);
	ok(br_hook_find(&h, a, t, id, &err), &err);
	br_txn_end(t);
	return h;
}

static uint64_t problems(struct scratch *s)
{
	struct br_err err;
	struct br_txn *t;
	uint64_t n;

	ok(br_txn_read(&t, s->ws->store, &err), &err);
	ok(br_hook_verify(&n, t, false, NULL, NULL, &err), &err);
	br_txn_end(t);
	return n;
}

/* ---- tests ---- */

static void test_signature(void **state)
{
	char got[72];

	(void)state;
	br_hook_sign(got, "your-webhook-secret",
	             br_slice_str("{\"type\":\"document.uploaded\",\"data\":{\"document_id\":\"doc-1\",\"filename\":\"a.pdf\",\"chunk_count\":3}}"));
	assert_string_equal(got, "sha256=613e06b1d66f5781b010c0358817f22a4fa34b4786a4e42bb8dc6bc1aa88d42a");
	/* RFC 4231, cases 2 and 6: a short key, and one longer than a block */
	br_hook_sign(got, "Jefe", br_slice_str("what do ya want for nothing?"));
	assert_string_equal(got, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	{
		char key[132];
		memset(key, 0xaa, 131);
		key[131] = 0;
		br_hook_sign(got, key, br_slice_str("Test Using Larger Than Block-Size Key - Hash Key First"));
		assert_string_equal(got, "sha256=60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	}
}

static void test_addresses(void **state)
{
	static const char *const bad[] = { "ftp://h/x", "nothing", "http://127.0.0.1/x", "http://localhost:1/x", "http://a.localhost/", "http://[::1]/",
		"http://169.254.169.254/latest", "http://10.0.0.1/", "http://0x7f000001/", "http://2130706433/", "https://u:p@example.com/", "http:///x" };
	struct scratch *s = *state;
	struct br_hook_rules open = { .net = &public_net }, strict = { .net = &public_net, .https = true };
	struct br_hook h = { .events = 1, .active = true };
	struct br_err err;

	for (size_t i = 0; i < BR_COUNT(bad); i++) {
		h.url = bad[i];
		if (br_hook_create(&h, s->ws, &open, &err) != -BR_EUSAGE)
			fail_msg("%s", bad[i]);
	}
	h.url = "http://example.com/x";
	assert_int_equal(br_hook_create(&h, s->ws, &strict, &err), -BR_EUSAGE);
	ok(br_hook_create(&h, s->ws, &open, &err), &err);
	h.url = "https://example.com/x";
	ok(br_hook_create(&h, s->ws, &strict, &err), &err);
	assert_int_equal(h.number, 2);
	h.events = 0;
	assert_int_equal(br_hook_create(&h, s->ws, &open, &err), -BR_EUSAGE);
	assert_int_equal(problems(s), 0);
}

static void test_told_again_with_the_same_bytes(void **state)
{
	static const int script[] = { 500, 500 };
	static const int64_t delay[] = { 0, 0, 0 };
	struct scratch *s = *state;
	struct receiver r;
	struct br_hooks_opts o = { .ws = s->ws, .rules = { .net = &private_net }, .delay = delay, .delays = 3 };
	struct br_arena a = { 0 };
	struct br_hooks *e;
	struct br_hook h;
	struct br_err err;
	struct seen seen;
	char *body, want[72];

	receiver_start(&r, script, 2);
	h = make(s, r.port, "shh", 1 << BR_HOOK_DOCUMENT_UPLOADED, "");
	ok(br_hooks_start(&e, &o, &err), &err);
	br_hook_event(e, s->ws, BR_HOOK_DOCUMENT_UPLOADED, "nb", br_slice_str(DATA));
	br_hook_event(e, s->ws, BR_HOOK_KB_CREATED, "nb", br_slice_str("{}")); /* nobody wants it */
	seen = wait_for(s, h.number, 3);
	br_hooks_stop(e);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.state[0], BR_DELIVERY_DELIVERED);
	assert_int_equal(seen.attempts[0], 3);
	assert_int_equal(r.got, 3);
	assert_string_equal(r.seen[0], r.seen[1]);
	assert_string_equal(r.seen[0], r.seen[2]);
	body = strstr(r.seen[0], "\r\n\r\n") + 4;
	assert_non_null(strstr(body, "\"type\":\"document.uploaded\""));
	assert_non_null(strstr(body, "\"data\":" DATA));
	assert_non_null(strstr(body, h.id));
	br_hook_sign(want, "shh", br_slice_str(body));
	assert_non_null(strstr(r.seen[0], want));
	assert_non_null(strstr(r.seen[0], "Content-Type: application/json\r\n"));
	assert_int_equal(load(s, h.id, &a).failing, 0);
	assert_int_equal(problems(s), 0);
	br_arena_release(&a);
	receiver_stop(&r);
}

static void test_gone_redirect_and_no_secret(void **state)
{
	static const int script[] = { 410, 302 };
	static const int64_t delay[] = { 3600 };
	struct scratch *s = *state;
	struct receiver r;
	struct br_hooks_opts o = { .ws = s->ws, .rules = { .net = &private_net }, .delay = delay, .delays = 1 };
	struct br_hooks *e;
	struct br_hook h;
	struct br_err err;
	struct seen seen;

	receiver_start(&r, script, 2);
	h = make(s, r.port, "", 1 << BR_HOOK_KB_DELETED, "one,two");
	ok(br_hooks_start(&e, &o, &err), &err);
	br_hook_event(e, s->ws, BR_HOOK_KB_DELETED, "tw", br_slice_str("{}")); /* of another notebook */
	br_hook_event(e, s->ws, BR_HOOK_KB_DELETED, "two", br_slice_str("{}"));
	seen = wait_for(s, h.number, 1);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.state[0], BR_DELIVERY_FAILED);
	assert_int_equal(seen.status[0], 410);
	br_hook_event(e, s->ws, BR_HOOK_KB_DELETED, "one", br_slice_str("{}"));
	seen = wait_for(s, h.number, 1);
	br_hooks_stop(e);
	assert_int_equal(seen.state[0], BR_DELIVERY_PENDING);
	assert_int_equal(seen.status[0], 302);
	assert_true(seen.next[0] - seen.last[0] >= 3600000 && seen.next[0] - seen.last[0] <= 3960000);
	assert_int_equal(r.got, 2);
	assert_null(strstr(r.seen[0], "X-Quivr-Signature"));
	receiver_stop(&r);
}

/* The clock stands; what a server could not deliver the next one finds, and the schedule is that of the manual. */
static void test_restart_and_schedule(void **state)
{
	static const int64_t want[] = { 5, 300, 1800, 7200, 18000, 36000, 36000 };
	struct scratch *s = *state;
	struct br_hooks_opts o = { .ws = s->ws, .rules = { .net = &private_net }, .now_ms = fixed_clock, .give_up = 1000000 };
	struct br_arena a = { 0 };
	struct br_hook h = make(s, 9, "x", 0xff, ""); /* the discard port: nobody there */
	struct br_err err;
	struct seen seen;

	atomic_store(&test_now, br_now_ns() / 1000000 + 60000); /* behind the event below, which has no engine to tell it the time */
	br_hook_event(NULL, s->ws, BR_HOOK_SYNC_COMPLETED, "nb", br_slice_str("{}"));
	for (unsigned i = 0; i < 8; i++) {
		struct br_hooks *e;
		ok(br_hooks_start(&e, &o, &err), &err);
		seen = wait_for(s, h.number, i + 1);
		br_hooks_stop(e);
		assert_int_equal(seen.attempts[0], i + 1);
		assert_int_equal(seen.state[0], i < 7 ? BR_DELIVERY_PENDING : BR_DELIVERY_FAILED);
		if (i < 7) {
			int64_t pause = seen.next[0] - seen.last[0];
			assert_true(pause >= want[i] * 1000 && pause <= want[i] * 1100);
			atomic_store(&test_now, seen.next[0]);
		}
	}
	assert_true(load(s, h.id, &a).active);
	atomic_fetch_add(&test_now, 1000000000); /* nothing but failures for long */
	br_hook_event(NULL, s->ws, BR_HOOK_SYNC_COMPLETED, "nb", br_slice_str("{}"));
	{
		struct br_hooks *e;
		ok(br_hooks_start(&e, &o, &err), &err);
		seen = wait_for(s, h.number, 1);
		br_hooks_stop(e);
	}
	assert_false(load(s, h.id, &a).active);
	assert_true(*load(s, h.id, &a).stopped);
	br_hook_event(NULL, s->ws, BR_HOOK_SYNC_COMPLETED, "nb", br_slice_str("{}"));
	assert_int_equal(deliveries(s, h.number).n, 2);
	ok(br_hook_delete(s->ws, h.id, &err), &err);
	assert_int_equal(deliveries(s, h.number).n, 0);
	assert_int_equal(br_hook_delete(s->ws, h.id, &err), -BR_ENOTFOUND);
	assert_int_equal(problems(s), 0);
	br_arena_release(&a);
}

static int damage(struct br_txn *t, void *arg, struct br_err *err)
{
	struct br_key k;

	(void)arg;
	br_key_init(&k, 77);
	br_key_u32(&k, 0);
	br_key_u32(&k, 1);
	return br_put(t, BR_T_DELIVERY, br_key_slice(&k), br_slice_str("\1nothing that could be read"), err);
}

static int mend(struct br_txn *t, void *arg, struct br_err *err) { return br_hook_verify(arg, t, true, NULL, NULL, err); }

static void test_damage(void **state)
{
	struct scratch *s = *state;
	struct br_err err;
	uint64_t n;

	make(s, 9, "x", 0xff, "");
	br_hook_event(NULL, s->ws, BR_HOOK_SYNC_COMPLETED, "nb", br_slice_str("{}"));
	assert_int_equal(problems(s), 0);
	ok(br_store_write(s->ws->store, damage, NULL, &err), &err);
	assert_int_equal(problems(s), 1);
	ok(br_store_write(s->ws->store, mend, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(problems(s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature),
		cmocka_unit_test_setup_teardown(test_addresses, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_told_again_with_the_same_bytes, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_gone_redirect_and_no_secret, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_restart_and_schedule, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_damage, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
