/*
 * pool - an ordered pipeline of worker threads over a ring of slots.
 *
 *      oldest            next             end
 *   ... [done] [running] [ready] [ready] [empty] ...
 *
 * The owner gives at `end` and takes at `oldest`; a worker takes the slot at `next`. The three only grow and are
 * taken modulo depth. Threads start one by one as items come, so that a single item costs one thread.
 * When no thread can be started the work is done in br_pool_give.
 */
#include "br/os.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct slot {
	void *item;
	bool done;
};

struct br_pool {
	struct br_pool_opts o;
	pthread_mutex_t mu;
	pthread_cond_t work, done; /* next < end or quit; the oldest slot is done */
	struct slot *slot;
	uint64_t oldest, next, end;
	unsigned started, idle;
	bool quit;
	pthread_t *thread;
	void *own_state;           /* of work done in br_pool_give */
	bool own_ready;
};

static struct slot *slot_at(const struct br_pool *p, uint64_t i)
{
	return &p->slot[i % p->o.depth];
}

/* Waits for an item, holding mu; false: quit. */
static bool next_item(struct br_pool *p, uint64_t *at)
{
	p->idle++;
	while (p->next == p->end && !p->quit)
		pthread_cond_wait(&p->work, &p->mu);
	p->idle--;
	if (p->quit)
		return false;
	*at = p->next++;
	return true;
}

static void *worker(void *arg)
{
	struct br_pool *p = arg;
	void *state = p->o.state_new ? p->o.state_new(p->o.arg) : NULL;
	uint64_t at;

	pthread_mutex_lock(&p->mu);
	while (next_item(p, &at)) {
		void *item = slot_at(p, at)->item;

		pthread_mutex_unlock(&p->mu);
		p->o.work(item, state, p->o.arg);
		pthread_mutex_lock(&p->mu);
		slot_at(p, at)->done = true;
		if (at == p->oldest)
			pthread_cond_signal(&p->done);
	}
	pthread_mutex_unlock(&p->mu);
	if (p->o.state_free)
		p->o.state_free(state);
	return NULL;
}

/* Signals go to the thread that gives and takes; faults of the worker itself stay deliverable. */
static bool start_worker(struct br_pool *p)
{
	sigset_t block, old;
	int e;

	sigfillset(&block);
	for (const int *s = (const int[]){ SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, 0 }; *s; s++)
		sigdelset(&block, *s);
	pthread_sigmask(SIG_SETMASK, &block, &old);
	e = pthread_create(&p->thread[p->started], NULL, worker, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (e == 0)
		p->started++;
	return e == 0;
}

struct br_pool *br_pool_new(const struct br_pool_opts *opts)
{
	struct br_pool *p = br_alloc(sizeof *p);

	p->o = *opts;
	p->o.depth = BR_MAX(opts->depth, 1u);
	p->slot = br_allocn(p->o.depth, sizeof *p->slot);
	p->thread = br_allocn(BR_MAX(opts->n, 1u), sizeof *p->thread);
	pthread_mutex_init(&p->mu, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->done, NULL);
	return p;
}

/* oldest and end change only in the thread that calls this. */
bool br_pool_full(const struct br_pool *p)
{
	return p->end - p->oldest == p->o.depth;
}

static void work_here(struct br_pool *p, struct slot *s)
{
	if (!p->own_ready && p->o.state_new)
		p->own_state = p->o.state_new(p->o.arg);
	p->own_ready = true;
	p->o.work(s->item, p->own_state, p->o.arg);
	s->done = true;
}

void br_pool_give(struct br_pool *p, void *item)
{
	struct slot *s = slot_at(p, p->end);

	BR_ASSERT(!br_pool_full(p)); /* only this thread could make room: it would wait for itself */
	pthread_mutex_lock(&p->mu);
	*s = (struct slot){ .item = item };
	if (p->end - p->next >= p->idle && p->started < p->o.n && !start_worker(p) && !p->started)
		p->o.n = 0;
	p->end++;
	if (!p->o.n)
		p->next = p->end;
	else if (p->idle)
		pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->mu);
	if (!p->o.n)
		work_here(p, s);
}

static void *take(struct br_pool *p, bool wait)
{
	void *item = NULL;
	struct slot *s;

	if (p->oldest == p->end)
		return NULL;
	pthread_mutex_lock(&p->mu);
	s = slot_at(p, p->oldest);
	while (wait && !s->done)
		pthread_cond_wait(&p->done, &p->mu);
	if (s->done) {
		item = s->item;
		p->oldest++;
	}
	pthread_mutex_unlock(&p->mu);
	return item;
}

void *br_pool_take(struct br_pool *p) { return take(p, true); }
void *br_pool_try_take(struct br_pool *p) { return take(p, false); }

void br_pool_free(struct br_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->mu);
	p->quit = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->mu);
	for (unsigned i = 0; i < p->started; i++)
		pthread_join(p->thread[i], NULL);
	if (p->own_ready && p->o.state_free)
		p->o.state_free(p->own_state);
	pthread_mutex_destroy(&p->mu);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->done);
	free(p->thread);
	free(p->slot);
	free(p);
}

unsigned br_cores(void)
{
	const char *s = getenv("BR_THREADS");
	cpu_set_t set;
	int64_t n;

	if (s && br_parse_int(&n, s, 1, 1024, "BR_THREADS", NULL) == 0)
		return (unsigned)n;
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		return (unsigned)BR_MAX(CPU_COUNT(&set), 1);
	n = sysconf(_SC_NPROCESSORS_ONLN);
	return (unsigned)BR_MIN(BR_MAX(n, 1), 1024);
}
