/*
 * What was searched for: remembered in a ring in memory at the cost of a few strings, and written into the log of questions by a thread of
 * its own every few seconds. Searches wait for no commit, and answers that are given again stay good for a while.
 */
#include "br/answer.h"

#include "internal.h"

#include <stdlib.h>
#include <time.h>

enum { EVERY_SECONDS = 5 };

struct search { struct br_searched s; char *text; }; /* the strings of s, one behind the other */

struct br_history {
	struct br_ws *ws;
	pthread_t thread;
	pthread_mutex_t mu;           /* of the ring */
	pthread_mutex_t writing;      /* one flush at a time: the order stays */
	pthread_cond_t stir;
	struct search ring[BR_SERVE_HISTORY];
	size_t first, n;
	bool quit;
};

/* ---- the ring ---- */

static void keep(struct br_buf *b, const char *s)
{
	br_buf_adds(b, s ? s : "");
	br_buf_addc(b, 0);
}

static const char *next_text(char **at)
{
	char *s = *at;

	*at += strlen(s) + 1;
	return s;
}

static struct search copy_of(const struct br_searched *s)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct search out = { .s = *s };
	char *at;

	keep(&b, s->notebook);
	keep(&b, s->query);
	keep(&b, s->strategy);
	keep(&b, s->by);
	out.text = at = b.ptr;
	out.s.notebook = next_text(&at);
	out.s.query = next_text(&at);
	out.s.strategy = next_text(&at);
	out.s.by = next_text(&at);
	return out;
}

void br_history_add(struct br_history *h, const struct br_searched *s)
{
	struct search mine;

	if (!h)
		return;
	mine = copy_of(s);
	pthread_mutex_lock(&h->mu);
	if (h->n == BR_SERVE_HISTORY) { /* the oldest makes room */
		free(h->ring[h->first].text);
		h->first = (h->first + 1) % BR_SERVE_HISTORY;
		h->n--;
	}
	h->ring[(h->first + h->n++) % BR_SERVE_HISTORY] = mine;
	pthread_mutex_unlock(&h->mu);
}

static size_t take_all(struct search *out, struct br_history *h)
{
	size_t n;

	pthread_mutex_lock(&h->mu);
	n = h->n;
	for (size_t i = 0; i < n; i++)
		out[i] = h->ring[(h->first + i) % BR_SERVE_HISTORY];
	h->n = h->first = 0;
	pthread_mutex_unlock(&h->mu);
	return n;
}

/* ---- writing ---- */

static int write_all(struct br_ws *ws, const struct search *s, size_t n, struct br_err *err)
{
	const char **nb = br_allocn(n + 1, sizeof *nb);
	struct br_asked *q = br_allocn(n + 1, sizeof *q);
	int rc;

	for (size_t i = 0; i < n; i++) {
		nb[i] = s[i].s.notebook;
		q[i] = (struct br_asked){ .at_ms = s[i].s.at_ms, .question = s[i].s.query, .by = s[i].s.by, .strategy = s[i].s.strategy, .way = "search",
			.top = "", .took_ms = s[i].s.took_ms, .citations = s[i].s.found };
	}
	rc = br_asked_put(ws, nb, q, n, err);
	free(nb);
	free(q);
	return rc == -BR_ENOTFOUND ? 0 : rc;
}

int br_history_flush(struct br_history *h, struct br_err *err)
{
	struct search *s;
	size_t n;
	int rc;

	if (!h)
		return 0;
	s = br_allocn(BR_SERVE_HISTORY, sizeof *s);
	pthread_mutex_lock(&h->writing);
	n = take_all(s, h);
	rc = write_all(h->ws, s, n, err);
	pthread_mutex_unlock(&h->writing);
	for (size_t i = 0; i < n; i++)
		free(s[i].text);
	free(s);
	return rc;
}

/* ---- the thread ---- */

static bool wait_a_while(struct br_history *h)
{
	struct timespec until;
	bool go;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += EVERY_SECONDS;
	pthread_mutex_lock(&h->mu);
	while (!h->quit && pthread_cond_timedwait(&h->stir, &h->mu, &until) == 0)
		;
	go = !h->quit;
	pthread_mutex_unlock(&h->mu);
	return go;
}

static void *run(void *arg)
{
	struct br_history *h = arg;
	struct br_err err;
	bool go;

	do {
		go = wait_a_while(h);
		if (br_history_flush(h, &err) < 0)
			br_log(BR_LOG_ERROR, "the history of searches: %s", err.msg);
	} while (go);
	return NULL;
}

int br_history_start(struct br_history **out, struct br_ws *ws, struct br_err *err)
{
	struct br_history *h = br_alloc(sizeof *h);
	sigset_t all, old;
	int rc;

	*out = NULL;
	h->ws = ws;
	pthread_mutex_init(&h->mu, NULL);
	pthread_mutex_init(&h->writing, NULL);
	pthread_cond_init(&h->stir, NULL);
	sigfillset(&all); /* they are the main thread's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&h->thread, NULL, run, h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		free(h);
		return br_fail(err, BR_ENOMEM, "cannot start a thread for the history");
	}
	*out = h;
	return 0;
}

void br_history_stop(struct br_history *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->mu);
	h->quit = true;
	pthread_cond_signal(&h->stir);
	pthread_mutex_unlock(&h->mu);
	pthread_join(h->thread, NULL);
	pthread_mutex_destroy(&h->mu);
	pthread_mutex_destroy(&h->writing);
	pthread_cond_destroy(&h->stir);
	free(h);
}
