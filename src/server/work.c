/*
 * Threads that take jobs from a bounded queue. There are two such sets: as many threads as processors for what computes, and
 * threads as they are needed for what waits for others.
 */
#include "internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define STACK (1u << 20)
#define SPARE_NS 10000000000LL

void br_work__init(struct br_work *w, unsigned keep, unsigned most, unsigned depth)
{
	pthread_condattr_t how;

	*w = (struct br_work){ .keep = keep, .most = most, .depth = depth, .spare_ns = SPARE_NS };
	w->last = &w->first;
	pthread_mutex_init(&w->mu, NULL);
	pthread_condattr_init(&how);
	pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
	pthread_cond_init(&w->work, &how);
	pthread_cond_init(&w->ended, NULL);
	pthread_condattr_destroy(&how);
}

/* Waits for a job, holding mu; NULL: this thread is to end. */
static struct br_job *next_job(struct br_work *w)
{
	int64_t end = br_mono_ns() + w->spare_ns;
	struct timespec until = { .tv_sec = end / 1000000000, .tv_nsec = end % 1000000000 };
	struct br_job *j;
	bool late = false;

	w->idle++;
	while (!w->first && !w->quit && !(late && w->threads > w->keep)) {
		if (w->threads <= w->keep)
			pthread_cond_wait(&w->work, &w->mu);
		else
			late |= pthread_cond_timedwait(&w->work, &w->mu, &until) == ETIMEDOUT;
	}
	w->idle--;
	if (!(j = w->first))
		return NULL;
	w->first = j->next;
	if (!w->first)
		w->last = &w->first;
	w->queued--;
	return j;
}

static void *worker(void *arg)
{
	struct br_worker self = { 0 };
	struct br_work *w = arg;
	struct br_job *j;

	pthread_mutex_lock(&w->mu);
	while ((j = next_job(w))) {
		pthread_mutex_unlock(&w->mu);
		j->fn(j, &self);
		pthread_mutex_lock(&w->mu);
	}
	pthread_mutex_unlock(&w->mu);
	br_searcher_free(self.searcher);
	pthread_mutex_lock(&w->mu);
	w->threads--;
	pthread_cond_broadcast(&w->ended);
	pthread_mutex_unlock(&w->mu);
	return NULL;
}

static bool start_thread(struct br_work *w)
{
	pthread_attr_t how;
	pthread_t t;
	int e;

	pthread_attr_init(&how);
	pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&how, STACK);
	e = pthread_create(&t, &how, worker, w);
	pthread_attr_destroy(&how);
	w->threads += e == 0;
	return e == 0;
}

bool br_work__give(struct br_work *w, struct br_job *j)
{
	bool ok = false;

	pthread_mutex_lock(&w->mu);
	if (w->queued >= w->idle && w->threads < w->most)
		start_thread(w);
	if (w->threads && w->queued < w->depth) {
		j->next = NULL;
		*w->last = j;
		w->last = &j->next;
		w->queued++;
		ok = true;
		pthread_cond_signal(&w->work);
	}
	pthread_mutex_unlock(&w->mu);
	return ok;
}

void br_work__end(struct br_work *w)
{
	if (!w->most) /* never begun */
		return;
	pthread_mutex_lock(&w->mu);
	w->quit = true;
	pthread_cond_broadcast(&w->work);
	while (w->threads)
		pthread_cond_wait(&w->ended, &w->mu);
	pthread_mutex_unlock(&w->mu);
	pthread_mutex_destroy(&w->mu);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->ended);
}
