/*
 * Requests in a moving window, exactly: for each who and period the times of the last n requests that passed. One more passes
 * when the n-th last is a whole window old, so no window ever holds more than n; what is refused does not count.
 * Times are read under the lock, so that they ascend whatever thread comes first.
 */
#include "br/os.h"

#include "internal.h"

#include <pthread.h>
#include <stdlib.h>

enum { SHARDS = 16, BUCKETS = 512, SWEEP_LEAST = 256, RING_FIRST = 8 };
#define NS 1000000000ll

struct ring {
	struct br_key_rate rate;
	int64_t *at;             /* times, oldest at `first`, cap of them at most */
	uint32_t first, n, cap;
};

struct who {
	struct who *next;
	struct ring ring[BR_MAX_KEY_RATES];
	unsigned rings;
	char name[];
};

struct shard {
	pthread_mutex_t mu;
	struct who *bucket[BUCKETS];
	size_t n, sweep_at;      /* who's; at how many those that did nothing for long are forgotten */
	int64_t last;
};

struct br_limiter {
	int64_t (*clock)(void);
	struct shard shard[SHARDS];
};

struct br_limiter *br_limiter_new(int64_t (*clock)(void))
{
	struct br_limiter *l = br_alloc(sizeof *l);

	l->clock = clock ? clock : br_mono_ns;
	for (int i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&l->shard[i].mu, NULL);
		l->shard[i].sweep_at = SWEEP_LEAST;
	}
	return l;
}

static void who_free(struct who *w)
{
	for (unsigned i = 0; i < w->rings; i++)
		free(w->ring[i].at);
	free(w);
}

void br_limiter_free(struct br_limiter *l)
{
	if (!l)
		return;
	for (int i = 0; i < SHARDS; i++) {
		for (int b = 0; b < BUCKETS; b++) {
			for (struct who *w = l->shard[i].bucket[b], *next; w; w = next) {
				next = w->next;
				who_free(w);
			}
		}
		pthread_mutex_destroy(&l->shard[i].mu);
	}
	free(l);
}

/* ---- one window ---- */

static int64_t window(const struct ring *r) { return (int64_t)r->rate.seconds * NS; }

static void forget_old(struct ring *r, int64_t now)
{
	while (r->n && r->at[r->first] <= now - window(r)) {
		r->first = (r->first + 1) % r->cap;
		r->n--;
	}
}

static int64_t wait_of(struct ring *r, int64_t now)
{
	forget_old(r, now);
	if (r->n < r->rate.n)
		return 0;
	return r->at[(r->first + r->n - r->rate.n) % r->cap] + window(r) - now;
}

static void grow(struct ring *r)
{
	uint32_t cap = r->cap ? r->cap * 2 : RING_FIRST;
	int64_t *at = br_allocn(cap, sizeof *at);

	for (uint32_t i = 0; i < r->n; i++)
		at[i] = r->at[(r->first + i) % r->cap];
	free(r->at);
	r->at = at;
	r->first = 0;
	r->cap = cap;
}

static void count(struct ring *r, int64_t now)
{
	if (r->n == r->cap)
		grow(r);
	r->at[(r->first + r->n++) % r->cap] = now;
}

/* The ring of a period; a number that was changed holds from now on, for what is remembered too. */
static struct ring *ring_for(struct who *w, struct br_key_rate rate)
{
	unsigned i;

	for (i = 0; i < w->rings && w->ring[i].rate.seconds != rate.seconds; i++)
		;
	if (i == BR_MAX_KEY_RATES) { /* periods were changed again and again: the first makes room */
		free(w->ring[0].at);
		memmove(w->ring, w->ring + 1, (--i) * sizeof *w->ring);
		w->rings--;
	}
	if (i == w->rings)
		w->ring[w->rings++] = (struct ring){ .rate = rate };
	w->ring[i].rate = rate;
	return &w->ring[i];
}

/* ---- who ---- */

static bool is_idle(struct who *w, int64_t now)
{
	for (unsigned i = 0; i < w->rings; i++) {
		forget_old(&w->ring[i], now);
		if (w->ring[i].n)
			return false;
	}
	return true;
}

static void sweep(struct shard *s, int64_t now)
{
	for (int b = 0; b < BUCKETS; b++) {
		for (struct who **at = &s->bucket[b]; *at;) {
			struct who *w = *at;
			if (!is_idle(w, now)) {
				at = &w->next;
				continue;
			}
			*at = w->next;
			who_free(w);
			s->n--;
		}
	}
	s->sweep_at = BR_MAX(2 * s->n, (size_t)SWEEP_LEAST);
}

static struct who *who_of(struct shard *s, const char *name, uint64_t hash, int64_t now)
{
	struct who **bucket = &s->bucket[hash / SHARDS % BUCKETS], *w;
	size_t n;

	for (w = *bucket; w; w = w->next)
		if (!strcmp(w->name, name))
			return w;
	if (s->n >= s->sweep_at)
		sweep(s, now);
	n = strlen(name) + 1;
	w = br_alloc(sizeof *w + n);
	memcpy(w->name, name, n);
	w->next = *bucket;
	*bucket = w;
	s->n++;
	return w;
}

static int64_t take_locked(struct who *w, const struct br_key_rate *rate, unsigned n, int64_t now, bool peek)
{
	int64_t wait = 0;

	for (unsigned i = 0; i < n; i++) {
		int64_t one = wait_of(ring_for(w, rate[i]), now);
		wait = BR_MAX(wait, one);
	}
	for (unsigned i = 0; i < n && !wait && !peek; i++)
		count(ring_for(w, rate[i]), now);
	return wait;
}

static int64_t ask(struct br_limiter *l, const char *who, const struct br_key_rate *rate, unsigned n, bool peek)
{
	uint64_t hash = br_hash64(who, strlen(who));
	struct shard *s = &l->shard[hash % SHARDS];
	int64_t wait;

	if (!n)
		return 0;
	pthread_mutex_lock(&s->mu);
	s->last = BR_MAX(s->last, l->clock());
	wait = take_locked(who_of(s, who, hash, s->last), rate, BR_MIN(n, (unsigned)BR_MAX_KEY_RATES), s->last, peek);
	pthread_mutex_unlock(&s->mu);
	return wait;
}

int64_t br_limiter_take(struct br_limiter *l, const char *who, const struct br_key_rate *rate, unsigned n)
{
	return ask(l, who, rate, n, false);
}

int64_t br_limiter_peek(struct br_limiter *l, const char *who, const struct br_key_rate *rate, unsigned n)
{
	return ask(l, who, rate, n, true);
}

size_t br_limiter_size(struct br_limiter *l)
{
	size_t n = 0;

	for (int i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&l->shard[i].mu);
		n += l->shard[i].n;
		pthread_mutex_unlock(&l->shard[i].mu);
	}
	return n;
}
