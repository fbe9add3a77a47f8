/*
 * The hub: a thread with one multi handle that carries many requests at once. Others hand over work under a lock and wake it;
 * all that libcurl sees, callbacks included, happens in the thread.
 */
#include "br/os.h"
#include "internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#ifndef BR_VERSION
#define BR_VERSION "0"
#endif

enum { IDLE_POLL_MS = 60000 };

struct job {
	struct job *next;
	uint64_t id;
	struct br_hub *hub;
	struct br_hub_request r;
	struct br_url url;
	CURL *easy;                 /* NULL: waits for its time */
	struct curl_slist *headers;
	struct br_hub_head head;
	int64_t begun_ns, until_ns; /* until_ns: of the whole, 0 for no end */
	int64_t next_ns;            /* when it begins; then until when the next byte must come, 0 for no end */
	bool answered, paused;
	int rc;                     /* failure inside a callback, err filled */
	char why[CURL_ERROR_SIZE];
	struct br_err err;
};

enum order_kind { CANCEL, RESUME };
struct order { enum order_kind kind; uint64_t id; };

struct br_hub {
	const struct br_net__curl *c;
	CURLM *multi;
	struct curl_slist *resolve;
	pthread_t thread;
	pthread_mutex_t mu;
	/* under mu */
	struct job *incoming;
	BR_VEC(struct order) orders;
	uint64_t last_id;
	bool ending;
	/* the thread's own */
	struct job *jobs;
};

/* ---- what comes in ---- */

static int64_t later(int64_t ms)
{
	return ms > 0 ? br_mono_ns() + ms * 1000000 : 0;
}

static void heard(struct job *j)
{
	j->answered = true;
	j->next_ns = later(j->r.idle_ms);
}

static const char *header_value(const char *p, size_t n, const char *name, size_t *len)
{
	size_t k = strlen(name);

	if (n <= k || strncasecmp(p, name, k) != 0 || p[k] != ':')
		return NULL;
	for (p += k + 1, n -= k + 1; n && (*p == ' ' || *p == '\t'); p++)
		n--;
	while (n && (unsigned char)p[n - 1] <= ' ')
		n--;
	*len = n;
	return p;
}

static size_t on_header(char *p, size_t size, size_t count, void *arg)
{
	struct job *j = arg;
	size_t n = size * count, len;
	const char *v;
	char text[64];

	heard(j);
	if (n > 9 && !memcmp(p, "HTTP/", 5)) {
		const char *space = memchr(p, ' ', n);

		j->head = (struct br_hub_head){ space && p + n - space > 3 ? atoi(space + 1) : 0, -1 };
	} else if ((v = header_value(p, n, "Retry-After", &len)) && len < sizeof text) {
		snprintf(text, sizeof text, "%.*s", (int)len, v);
		j->head.retry_after_ms = br_http_retry_after(text, br_now());
	}
	return n;
}

static size_t on_body(char *p, size_t size, size_t count, void *arg)
{
	struct job *j = arg;
	size_t n = size * count;
	int rc;

	heard(j);
	rc = j->r.data(br_slice(p, n), &j->head, j->r.arg);
	if (rc == BR_HUB_PAUSE) {
		j->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	j->rc = rc;
	return rc < 0 ? 0 : n;
}

/* ---- a request ---- */

static void job_free(struct job *j)
{
	const struct br_net__curl *c = j->hub->c;

	if (j->easy)
		c->easy_cleanup(j->easy);
	for (struct curl_slist *h = j->headers; h; h = h->next) /* one of them has the key */
		explicit_bzero(h->data, strlen(h->data));
	c->slist_free_all(j->headers);
	br_url_release(&j->url);
	free(j);
}

static void add_headers(struct job *j)
{
	const struct br_net__curl *c = j->hub->c;

	for (const struct br_http_header *h = j->r.headers; h && h->name; h++) {
		char *line = br_sprintf("%s: %s", h->name, h->value);

		if (!line[strcspn(line, "\r\n")])
			j->headers = c->slist_append(j->headers, line);
		explicit_bzero(line, strlen(line));
		free(line);
	}
	if (j->r.body.ptr)
		j->headers = c->slist_append(j->headers, "Content-Type: application/json");
	j->headers = c->slist_append(j->headers, "Expect:"); /* nobody waits for 100 Continue */
}

/* What runs on this machine is not behind a proxy. */
static const char *proxy_for(const struct job *j)
{
	struct br_addr a;

	if (!strcmp(j->url.host, "localhost") || (br_addr_parse(&a, j->url.host) && br_addr_kind(&a) == BR_ADDR_LOOPBACK))
		return "";
	return br_net__proxy_for(j->r.rules, &j->url);
}

static void set_trust(struct job *j)
{
	const struct br_net__curl *c = j->hub->c;

	c->easy_setopt(j->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	c->easy_setopt(j->easy, CURLOPT_FOLLOWLOCATION, 0L);
	c->easy_setopt(j->easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	c->easy_setopt(j->easy, CURLOPT_SSL_VERIFYPEER, 1L);
	c->easy_setopt(j->easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (j->r.rules->ca_file)
		c->easy_setopt(j->easy, CURLOPT_CAINFO, j->r.rules->ca_file);
	if (j->url.user) {
		c->easy_setopt(j->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		c->easy_setopt(j->easy, CURLOPT_USERNAME, j->url.user);
		c->easy_setopt(j->easy, CURLOPT_PASSWORD, j->url.password ? j->url.password : "");
	}
	c->easy_setopt(j->easy, CURLOPT_PROXY, proxy_for(j));
	c->easy_setopt(j->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

static void set_up(struct job *j)
{
	const struct br_net__curl *c = j->hub->c;
	CURL *e = j->easy;

	add_headers(j);
	set_trust(j);
	c->easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	c->easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* a cancelled request does not wait for the resolver */
	c->easy_setopt(e, CURLOPT_URL, j->url.text);
	c->easy_setopt(e, CURLOPT_RESOLVE, j->hub->resolve);
	c->easy_setopt(e, CURLOPT_USERAGENT, "br/" BR_VERSION);
	c->easy_setopt(e, CURLOPT_HTTPHEADER, j->headers);
	if (j->r.body.ptr) {
		c->easy_setopt(e, CURLOPT_POST, 1L);
		c->easy_setopt(e, CURLOPT_POSTFIELDS, j->r.body.ptr);
		c->easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)j->r.body.len);
	}
	if (!j->r.stream)
		c->easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
	if (j->r.connect_ms)
		c->easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)j->r.connect_ms);
	c->easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	c->easy_setopt(e, CURLOPT_HEADERDATA, j);
	c->easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	c->easy_setopt(e, CURLOPT_WRITEDATA, j);
	c->easy_setopt(e, CURLOPT_ERRORBUFFER, j->why);
	c->easy_setopt(e, CURLOPT_PRIVATE, j);
}

static struct job **place_of(struct br_hub *h, const struct job *j)
{
	struct job **at = &h->jobs;

	while (*at != j)
		at = &(*at)->next;
	return at;
}

/* The request is over: takes it out of everything, tells, frees. */
static void finish(struct job *j, int rc, bool again)
{
	*place_of(j->hub, j) = j->next;
	if (j->easy)
		j->hub->c->multi_remove_handle(j->hub->multi, j->easy);
	j->r.done(rc, again, &j->head, &j->err, j->r.arg);
	job_free(j);
}

static void begin(struct job *j)
{
	struct br_hub *h = j->hub;
	int rc = br_url_parse(&j->url, NULL, br_slice_str(j->r.url), &j->err);

	j->begun_ns = br_mono_ns();
	j->next_ns = later(j->r.first_ms);
	j->until_ns = later(j->r.whole_ms);
	if (rc == 0 && !(j->easy = h->c->easy_init()))
		rc = br_fail(&j->err, BR_ENOMEM, "libcurl gives no handle");
	if (rc < 0) {
		finish(j, rc, false);
		return;
	}
	set_up(j);
	h->c->multi_add_handle(h->multi, j->easy);
}

/* ---- ends ---- */

static void end_by_curl(struct job *j, CURLcode code)
{
	bool again = false;
	int rc = j->rc;

	if (code != CURLE_OK && rc == 0)
		rc = br_net__explain(&again, j->hub->c, code, j->url.host, j->why, &j->err);
	finish(j, rc, again);
}

static void end_by_clock(struct job *j, int64_t now)
{
	bool whole = j->until_ns && now >= j->until_ns;
	const char *host = j->url.host;

	if (whole)
		br_fail(&j->err, BR_ETIMEOUT, "'%s' is not done after %.3g s", host, (double)j->r.whole_ms / 1e3);
	else if (j->answered)
		br_fail(&j->err, BR_ETIMEOUT, "'%s' has said nothing for %.3g s", host, (double)j->r.idle_ms / 1e3);
	else
		br_fail(&j->err, BR_ETIMEOUT, "'%s' does not answer within %.3g s", host, (double)j->r.first_ms / 1e3);
	finish(j, -BR_ETIMEOUT, false);
}

static int64_t next_event(const struct job *j)
{
	int64_t at = j->easy && j->paused ? 0 : j->next_ns;

	return j->easy && j->until_ns && (!at || j->until_ns < at) ? j->until_ns : at;
}

/* Begins and ends what is due; returns milliseconds until the next time, 0 when there was something. */
static int run_clock(struct br_hub *h)
{
	int64_t now = br_mono_ns(), at, first = now + (int64_t)IDLE_POLL_MS * 1000000;

	for (struct job *j = h->jobs, *next; j; j = next) {
		next = j->next;
		at = next_event(j);
		if (j->easy ? at && now >= at : now >= at) {
			j->easy ? end_by_clock(j, now) : begin(j);
			first = now; /* look again */
		} else if (at)
			first = BR_MIN(first, at);
	}
	return (int)((first - now + 999999) / 1000000);
}

/* ---- orders from other threads ---- */

static void obey(struct br_hub *h, struct order o)
{
	struct job *j = h->jobs;

	while (j && j->id != o.id)
		j = j->next;
	if (!j)
		return;
	if (o.kind == CANCEL) {
		finish(j, br_fail(&j->err, BR_ECANCELLED, "stopped"), false);
	} else if (j->paused) {
		j->paused = false;
		heard(j);
		h->c->easy_pause(j->easy, CURLPAUSE_CONT);
	}
}

/* Takes over what was handed in; false: the hub is to end. */
static bool take_orders(struct br_hub *h)
{
	struct job *in, *next;
	struct order *order;
	size_t n;
	bool ending;

	pthread_mutex_lock(&h->mu);
	in = h->incoming;
	h->incoming = NULL;
	order = h->orders.v;
	n = h->orders.n;
	memset(&h->orders, 0, sizeof h->orders);
	ending = h->ending;
	pthread_mutex_unlock(&h->mu);
	for (; in; in = next) {
		next = in->next;
		in->next = h->jobs;
		h->jobs = in;
	}
	for (size_t i = 0; i < n; i++)
		obey(h, order[i]);
	free(order);
	return !ending;
}

static void take_messages(struct br_hub *h)
{
	CURLMsg *msg;
	int left;

	while ((msg = h->c->multi_info_read(h->multi, &left))) {
		struct job *j = NULL;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		h->c->easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&j);
		end_by_curl(j, code);
	}
}

static void *run(void *arg)
{
	struct br_hub *h = arg;
	int running;

	while (take_orders(h)) {
		h->c->multi_perform(h->multi, &running);
		take_messages(h);
		h->c->multi_poll(h->multi, NULL, 0, run_clock(h), NULL);
	}
	while (h->jobs)
		finish(h->jobs, br_fail(&h->jobs->err, BR_ECANCELLED, "stopped"), false);
	return NULL;
}

/* ---- outside of the thread ---- */

/* Signals are for the program's own threads. */
static int start_thread(struct br_hub *h, struct br_err *err)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&h->thread, NULL, run, h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc ? br_fail(err, BR_ENOMEM, "cannot start a thread for the network: %s", strerror(rc)) : 0;
}

static void hub_free(struct br_hub *h)
{
	if (h->multi)
		h->c->multi_cleanup(h->multi);
	h->c->slist_free_all(h->resolve);
	pthread_mutex_destroy(&h->mu);
	br_vec_release(&h->orders);
	free(h);
}

int br_hub_open(struct br_hub **out, struct br_err *err)
{
	const struct br_net__curl *c;
	struct br_hub *h;
	int rc = br_net__load(&c, err);

	*out = NULL;
	if (rc < 0)
		return rc;
	h = br_alloc(sizeof *h);
	*h = (struct br_hub){ .c = c, .multi = c->multi_init(), .resolve = br_net__resolve(c) };
	pthread_mutex_init(&h->mu, NULL);
	rc = h->multi ? start_thread(h, err) : br_fail(err, BR_ENOMEM, "libcurl does not start");
	if (rc < 0)
		hub_free(h);
	else
		*out = h;
	return rc;
}

void br_hub_close(struct br_hub *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->mu);
	h->ending = true;
	pthread_mutex_unlock(&h->mu);
	h->c->multi_wakeup(h->multi);
	pthread_join(h->thread, NULL);
	hub_free(h);
}

uint64_t br_hub_start(struct br_hub *h, const struct br_hub_request *r)
{
	struct job *j = br_alloc(sizeof *j);
	uint64_t id;

	*j = (struct job){ .hub = h, .r = *r, .next_ns = later(r->delay_ms), .head = { 0, -1 } };
	pthread_mutex_lock(&h->mu);
	id = j->id = ++h->last_id;
	j->next = h->incoming;
	h->incoming = j;
	pthread_mutex_unlock(&h->mu);
	h->c->multi_wakeup(h->multi);
	return id;
}

static void put_order(struct br_hub *h, enum order_kind kind, uint64_t id)
{
	pthread_mutex_lock(&h->mu);
	*br_vec_push(&h->orders) = (struct order){ kind, id };
	pthread_mutex_unlock(&h->mu);
	h->c->multi_wakeup(h->multi);
}

void br_hub_cancel(struct br_hub *h, uint64_t id) { put_order(h, CANCEL, id); }
void br_hub_resume(struct br_hub *h, uint64_t id) { put_order(h, RESUME, id); }
