/*
 * The identity provider: where its key set is, a thread that fetches it, and tokens checked with what was fetched last. Nobody waits
 * for the network but who has a token that no key at hand fits.
 */
#include "internal.h"

#include "br/config.h"
#include "br/net.h"
#include "br/os.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SECOND INT64_C(1000000000)
#define RETRY_LEAST 1   /* seconds after a failure, doubled with each */
#define RETRY_MOST 60
#define PATH "/.well-known/jwks.json"

struct set { struct br_jwks *keys; unsigned refs; };

struct br_idp {
	const struct br_config *config;
	pthread_t thread;
	pthread_mutex_t mu;
	pthread_cond_t stirred;      /* the thread has something to do, or has done it */
	struct set *set;             /* NULL: never had one */
	int64_t fetched, next;       /* br_mono_ns: of the set; when to fetch again */
	int64_t asked[BR_JWKS_ASKED]; /* when tokens with unknown keys made us fetch */
	unsigned asks, failures;     /* failures: one after the other */
	uint64_t rounds;             /* fetches that ended */
	bool stop;
	struct br_err why;           /* of the last failure */
};

/* ---- what the settings say ---- */

static const char *get(const struct br_config *c, const char *key)
{
	const char *v = br_config_get(c, key, NULL);

	return v && *v ? v : NULL;
}

bool br_idp_wanted(const struct br_config *c)
{
	const char *bypass = br_config_get(c, "auth.bypass", NULL);

	if (strcmp(bypass, "auto"))
		return !strcmp(bypass, "false") || !strcmp(bypass, "0");
	return get(c, "auth.secret_key") || get(c, "auth.jwks_url") || get(c, "auth.jwks_file");
}

static bool is_host(const char *s, size_t n)
{
	return n && n < 256 && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:") >= n;
}

/* "pk_test_" or "pk_live_", then base64 of the host and a dollar sign. */
static bool host_of(char *out, size_t size, const char *key)
{
	struct br_buf host = BR_BUF_INIT(SIZE_MAX);
	char text[400];
	size_t n = 0;
	bool ok = false;

	if (key && strlen(key) < sizeof text && (!strncmp(key, "pk_test_", 8) || !strncmp(key, "pk_live_", 8))) {
		for (const char *p = key + 8; *p && *p != '='; p++)
			text[n++] = *p == '+' ? '-' : *p == '/' ? '_' : *p;
		ok = br_base64url_decode(&host, br_slice(text, n)) && host.len > 1 && host.ptr[host.len - 1] == '$' &&
			is_host(host.ptr, host.len - 1) && host.len <= size;
	}
	if (ok)
		snprintf(out, size, "%.*s", (int)host.len - 1, host.ptr);
	br_buf_release(&host);
	return ok;
}

static bool may_carry_keys(const char *url)
{
	struct br_addr a;
	struct br_url u;
	bool ok;

	if (br_url_parse(&u, NULL, br_slice_str(url), NULL) < 0)
		return false;
	ok = u.https || !strcmp(u.host, "localhost") || (br_addr_parse(&a, u.host) && br_addr_kind(&a) == BR_ADDR_LOOPBACK);
	br_url_release(&u);
	return ok;
}

const char *br_idp_problem(char *out, size_t size, const struct br_config *c)
{
	const char *url = get(c, "auth.jwks_url"), *key = get(c, "auth.publishable_key");
	char host[256];

	*out = 0;
	if (get(c, "auth.jwks_file"))
		return NULL;
	if (url && !may_carry_keys(url))
		snprintf(out, size, "auth.jwks_url is not an https address");
	else if (!url && !key)
		snprintf(out, size, "tokens are asked for, but none of auth.jwks_url, auth.jwks_file and auth.publishable_key is set");
	else if (!url && !host_of(host, sizeof host, key))
		snprintf(out, size, "auth.publishable_key is not one: it names no host");
	return *out ? out : NULL;
}

/* ---- fetching ---- */

static int get_url(struct br_buf *out, const struct br_config *c, const char *url, struct br_err *err)
{
	struct br_net_rules rules;
	struct br_http_response answer = { 0 };
	struct br_net *net;
	int rc;

	br_net_rules(&rules, c);
	rules.allow_private = true; /* the administrator names it */
	if ((rc = br_net_open(&net, &rules, err)) < 0)
		return rc;
	rc = br_http(&answer, net, &(struct br_http_request){ .url = url, .timeout_ms = BR_JWKS_WAIT * 1000, .idle_ms = BR_JWKS_WAIT * 1000,
	                                                       .max_bytes = BR_MAX_JWKS }, err);
	if (rc == 0 && answer.status != 200)
		rc = br_fail(err, BR_EUPSTREAM, "it answers with status %d", answer.status);
	if (rc == 0)
		br_buf_add(out, answer.body.ptr, answer.body.len);
	br_http_response_release(&answer);
	br_net_close(net);
	return rc;
}

static int fetch(struct br_jwks **out, const struct br_config *c, struct br_err *err)
{
	const char *file = get(c, "auth.jwks_file"), *set = get(c, "auth.jwks_url");
	struct br_buf text = BR_BUF_INIT(BR_MAX_JWKS + 1);
	char host[256] = "", url[300], why[200];
	int rc;

	if (br_idp_problem(why, sizeof why, c))
		return br_fail(err, BR_EUSAGE, "%s", why);
	if (!file && !set && host_of(host, sizeof host, get(c, "auth.publishable_key"))) {
		snprintf(url, sizeof url, "https://%s" PATH, host);
		set = url;
	}
	rc = file ? br_file_read(&text, file, BR_MAX_JWKS, err) : get_url(&text, c, set, err);
	if (rc == 0)
		rc = br_jwks_parse(out, br_buf_slice(&text), err);
	br_buf_release(&text);
	return rc < 0 ? br_err_prefix(err, rc, "key set of the identity provider") : 0;
}

/* ---- sets ---- */

static void drop(struct set *s) /* holding mu */
{
	if (!s || --s->refs)
		return;
	br_jwks_free(s->keys);
	free(s);
}

static void give_back(struct br_idp *p, struct set *s)
{
	pthread_mutex_lock(&p->mu);
	drop(s);
	pthread_mutex_unlock(&p->mu);
}

/* ---- the thread ---- */

static void settle(struct br_idp *p, int rc, struct br_jwks *keys, const struct br_err *err) /* holding mu */
{
	int64_t now = br_mono_ns(), wait = RETRY_LEAST;

	p->rounds++;
	if (rc == 0) {
		drop(p->set);
		p->set = br_alloc(sizeof *p->set);
		*p->set = (struct set){ keys, 1 };
		p->fetched = now;
		p->failures = 0;
		p->next = now + br_config_int(p->config, "auth.refresh") * SECOND;
		return;
	}
	if (!p->failures)
		br_log(BR_LOG_ERROR, "%s", err->msg);
	p->why = *err;
	for (unsigned i = 0; i < p->failures && wait < RETRY_MOST; i++)
		wait *= 2;
	p->failures++;
	p->next = now + BR_MIN(wait, (int64_t)RETRY_MOST) * SECOND;
}

static void sleep_until(struct br_idp *p, int64_t ns) /* holding mu */
{
	const struct timespec at = { ns / SECOND, ns % SECOND };

	pthread_cond_timedwait(&p->stirred, &p->mu, &at);
}

static void *run(void *arg)
{
	struct br_idp *p = arg;

	pthread_mutex_lock(&p->mu);
	while (!p->stop) {
		struct br_jwks *keys = NULL;
		struct br_err err = { 0 };
		int rc;

		if (p->next > br_mono_ns()) {
			sleep_until(p, p->next);
			continue;
		}
		pthread_mutex_unlock(&p->mu);
		rc = fetch(&keys, p->config, &err);
		pthread_mutex_lock(&p->mu);
		settle(p, rc, keys, &err);
		pthread_cond_broadcast(&p->stirred);
	}
	pthread_mutex_unlock(&p->mu);
	return NULL;
}

static int start(struct br_idp *p, struct br_err *err)
{
	sigset_t all, old;
	int e;

	sigfillset(&all); /* signals are for others */
	pthread_sigmask(SIG_BLOCK, &all, &old);
	e = pthread_create(&p->thread, NULL, run, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return e ? br_fail(err, BR_ENOMEM, "no thread can be started") : 0;
}

static void release(struct br_idp *p)
{
	drop(p->set);
	pthread_mutex_destroy(&p->mu);
	pthread_cond_destroy(&p->stirred);
	free(p);
}

int br_idp_open(struct br_idp **out, const struct br_config *c, struct br_err *err)
{
	struct br_idp *p = br_alloc(sizeof *p);
	pthread_condattr_t how;
	int rc;

	*out = NULL;
	p->config = c;
	pthread_mutex_init(&p->mu, NULL);
	pthread_condattr_init(&how);
	pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
	pthread_cond_init(&p->stirred, &how);
	pthread_condattr_destroy(&how);
	if ((rc = start(p, err)) < 0)
		release(p);
	else
		*out = p;
	return rc;
}

void br_idp_close(struct br_idp *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->mu);
	p->stop = true;
	pthread_cond_broadcast(&p->stirred);
	pthread_mutex_unlock(&p->mu);
	pthread_join(p->thread, NULL);
	release(p);
}

void br_idp_refresh(struct br_idp *p)
{
	pthread_mutex_lock(&p->mu);
	p->next = 0;
	pthread_cond_broadcast(&p->stirred);
	pthread_mutex_unlock(&p->mu);
}

/* ---- waiting for it ---- */

static void wait_round(struct br_idp *p) /* holding mu */
{
	int64_t until = br_mono_ns() + (BR_JWKS_WAIT + 1) * SECOND;
	uint64_t round = p->rounds;

	while (p->rounds == round && !p->stop && br_mono_ns() < until)
		sleep_until(p, until);
}

static bool serves(const struct br_idp *p) /* holding mu */
{
	return p->set && br_mono_ns() - p->fetched < br_config_int(p->config, "auth.max_age") * SECOND;
}

static int take(struct set **out, struct br_idp *p, struct br_err *err)
{
	int rc = 0;

	pthread_mutex_lock(&p->mu);
	if (!serves(p) && !p->failures)
		wait_round(p);
	if (serves(p)) {
		*out = p->set;
		p->set->refs++;
	} else {
		rc = p->why.code == BR_EUSAGE ? br_fail(err, BR_EUSAGE, "%s", p->why.msg) :
			br_fail(err, BR_EUPSTREAM, "The identity provider cannot be reached");
	}
	pthread_mutex_unlock(&p->mu);
	return rc;
}

/* Whoever can make up names of keys must not make us ask the provider as often as they like. */
static bool may_ask(struct br_idp *p) /* holding mu */
{
	int64_t now = br_mono_ns(), *at = &p->asked[p->asks % BR_JWKS_ASKED];

	if (*at && now - *at < 60 * SECOND)
		return false;
	*at = now;
	p->asks++;
	return true;
}

/* True: *s is another set than it was. */
static bool newer(struct set **s, struct br_idp *p)
{
	bool other;

	pthread_mutex_lock(&p->mu);
	if (p->set == *s && may_ask(p)) {
		p->next = 0;
		pthread_cond_broadcast(&p->stirred);
		wait_round(p);
	}
	other = p->set != *s;
	if (other) {
		drop(*s);
		*s = p->set;
		p->set->refs++;
	}
	pthread_mutex_unlock(&p->mu);
	return other;
}

/* ---- tokens ---- */

static int verify(struct br_jwt *out, enum br_jwt_refusal *why, const struct br_idp *p, const struct set *s,
                  struct br_slice token, struct br_err *err)
{
	struct br_jwt_rules rules = {
		.issuer = get(p->config, "auth.issuer"), .audience = get(p->config, "auth.audience"), .now = br_now(), .leeway = BR_JWT_LEEWAY,
	};
	char host[256], issuer[300];

	if (!rules.issuer && !get(p->config, "auth.jwks_url") && !get(p->config, "auth.jwks_file") &&
	    host_of(host, sizeof host, get(p->config, "auth.publishable_key"))) {
		snprintf(issuer, sizeof issuer, "https://%s", host);
		rules.issuer = issuer;
	}
	return br_jwt_verify(out, why, s->keys, token, &rules, err);
}

int br_idp_check(struct br_jwt *out, enum br_jwt_refusal *why, struct br_idp *p, struct br_slice token, struct br_err *err)
{
	struct set *s = NULL;
	int rc = take(&s, p, err);

	*why = BR_JWT_ALLOWED;
	if (rc < 0)
		return rc;
	rc = verify(out, why, p, s, token, err);
	if (rc < 0 && *why == BR_JWT_KEY && newer(&s, p))
		rc = verify(out, why, p, s, token, err);
	give_back(p, s);
	return rc;
}
