/*
 * The server as a whole: made, given its dialects, run until a signal, ended.
 */
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

const struct br_server_opts *br_server_opts(const struct br_server *s) { return &s->o; }

/* As many descriptors as we may have: connections are many. */
static void raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur == l.rlim_max)
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

/* ---- signals: only the thread that runs the server gets them, and only while it waits ---- */

static volatile sig_atomic_t hung_up;

static void on_hup(int sig)
{
	(void)sig;
	hung_up = 1;
}

static void block_signals(sigset_t *old)
{
	struct sigaction act = { .sa_handler = on_hup };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, old);
	sigaction(SIGHUP, &act, NULL);
	br_catch_signals();
}

static int open_tls(struct br_server *s, struct br_err *err)
{
	char why[300];

	if (!s->o.cert && !s->o.key)
		return 0;
	if (!s->o.cert || !s->o.key)
		return br_fail(err, BR_EUSAGE, "TLS needs both a certificate and its key");
	if (!(s->tls = br_tls__load(err)))
		return -(int)BR_EUNSUPPORTED;
	s->tls_ctx = s->tls->ctx_new(s->o.cert, s->o.key, why, sizeof why);
	return s->tls_ctx ? 0 : br_fail(err, BR_EINPUT, "%s", why);
}

static int start_loops(struct br_server *s, struct br_err *err)
{
	unsigned n = s->o.events ? s->o.events : BR_MIN(BR_MAX(br_cores(), 1u), 4u);
	int rc;

	s->loop = br_allocn(n, sizeof *s->loop);
	for (; s->loops < n; s->loops++)
		if ((rc = br_loop__init(&s->loop[s->loops], s, err)) < 0)
			return rc;
	return 0;
}

int br_server_new(struct br_server **out, const struct br_server_opts *opts, struct br_err *err)
{
	struct br_server *s = br_alloc(sizeof *s);
	int rc = 0;

	*out = NULL;
	s->o = *opts;
	s->any_host = opts->hosts && !strcmp(opts->hosts, "*");
	s->any_origin = opts->origins && !strcmp(opts->origins, "*");
	s->started = br_mono_ns();
	s->address_count = br_allocn(65536, sizeof *s->address_count);
	pthread_mutex_init(&s->log_mu, NULL);
	pthread_mutex_init(&s->address_mu, NULL);
	br_buf_init(&s->log, SIZE_MAX);
	br_buf_init(&s->log_out, SIZE_MAX);
	if (opts->ws) {
		block_signals(&s->mask);
		raise_limit();
		s->cache = opts->cache ? br_cache__new(opts->cache) : NULL;
		s->tmp = br_path_join(opts->ws->dir, "tmp");
		br_tmp_sweep(s->tmp, true); /* uploads of a server that was killed */
		br_work__init(&s->quick, opts->workers ? opts->workers : br_cores(), opts->workers ? opts->workers : br_cores(), BR_SERVE_QUEUE);
		br_work__init(&s->slow, 4, BR_SERVE_SLOW, BR_SERVE_QUEUE);
		if ((rc = br_front__open(s, err)) == 0 && (rc = open_tls(s, err)) == 0 && (rc = br_access__open(s, err)) == 0)
			rc = start_loops(s, err);
	}
	if (rc < 0) {
		br_server_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

int br_server_add(struct br_server *s, const struct br_dialect *d, struct br_err *err)
{
	return br_router__add(&s->router, d, err);
}

void br_server_free(struct br_server *s)
{
	if (!s)
		return;
	br_work__end(&s->quick);
	br_work__end(&s->slow);
	for (unsigned i = 0; i < s->loops; i++)
		br_loop__release(&s->loop[i]);
	br_listen__close(s);
	for (size_t i = 0; i < s->listeners; i++) {
		close(s->listen[i].fd);
		free(s->listen[i].url);
	}
	if (s->tls_ctx)
		s->tls->ctx_free(s->tls_ctx);
	br_access__close(s);
	br_front__close(s);
	br_cache__free(s->cache);
	br_router__release(&s->router);
	pthread_mutex_destroy(&s->log_mu);
	pthread_mutex_destroy(&s->address_mu);
	free(s->address_count);
	free(s->loop);
	free(s->tmp);
	free(s);
}

/* ---- running ---- */

static void reload(struct br_server *s)
{
	struct br_err err;

	hung_up = 0;
	br_listen__notify("RELOADING=1");
	if (br_access__open(s, &err) < 0)
		br_log(BR_LOG_ERROR, "%s", err.msg);
	if (s->o.on_reload)
		s->o.on_reload(s, s->o.arg);
	atomic_fetch_add(&s->reloads, 1);
	br_listen__notify("READY=1");
}

static void wait_for_end(struct br_server *s)
{
	const struct timespec often = { .tv_nsec = TICK_MS * 1000000L };

	while (!br_stop_signal()) {
		if (ppoll(NULL, 0, s->o.access_log ? &often : NULL, &s->mask) < 0 && errno != EINTR)
			break;
		br_access__flush(s);
		if (hung_up)
			reload(s);
	}
}

/* ---- ending ---- */

static void wake_all(struct br_server *s)
{
	for (unsigned i = 0; i < s->loops; i++)
		br_loop__wake(&s->loop[i]);
}

/* Answers that are on their way get s->o.grace seconds; then connections are closed. */
static void drain(struct br_server *s)
{
	int64_t end = br_mono_ns() + s->o.grace * SECOND;

	br_listen__notify("STOPPING=1");
	atomic_store(&s->draining, true);
	br_listen__close(s);
	wake_all(s);
	while (atomic_load(&s->conns) && br_mono_ns() < end) {
		poll(NULL, 0, 10);
		br_access__flush(s);
	}
	atomic_store(&s->stopping, true);
	wake_all(s);
}

int br_server_run(struct br_server *s, struct br_err *err)
{
	unsigned running = 0;
	int rc = 0;

	for (; running < s->loops && rc == 0; running += rc == 0)
		if (pthread_create(&s->loop[running].thread, NULL, br_loop__run, &s->loop[running]))
			rc = br_fail(err, BR_EIO, "cannot start a thread");
	if (rc == 0) {
		br_listen__notify("READY=1");
		wait_for_end(s);
	}
	drain(s);
	for (unsigned i = 0; i < running; i++)
		pthread_join(s->loop[i].thread, NULL);
	br_work__end(&s->quick);
	br_work__end(&s->slow);
	s->quick = s->slow = (struct br_work){ 0 };
	br_access__flush(s);
	pthread_sigmask(SIG_SETMASK, &s->mask, NULL);
	return rc;
}
