/* pool: order, bounds, states of workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "br/os.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ITEMS 2000

struct job {
	unsigned in, out;
};

struct shared {
	atomic_uint states, freed, running, most;
	atomic_bool signals_open;
	pthread_barrier_t *meet;
};

struct state {
	unsigned done;
	struct shared *s;
};

static void *state_new(void *arg)
{
	struct state *st = br_alloc(sizeof *st);

	st->s = arg;
	atomic_fetch_add(&st->s->states, 1);
	return st;
}

static void state_free(void *p)
{
	struct state *st = p;

	atomic_fetch_add(&st->s->freed, 1);
	free(st);
}

/* Some items take much longer than others, so that they end out of order. */
static void square(void *item, void *state, void *arg)
{
	struct job *j = item;
	struct shared *s = arg;
	volatile unsigned spin = j->in % 7 ? 0 : 20000;
	unsigned now = atomic_fetch_add(&s->running, 1) + 1, most = atomic_load(&s->most);
	sigset_t set;

	while (now > most && !atomic_compare_exchange_weak(&s->most, &most, now))
		;
	while (spin)
		spin--;
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	if (!sigismember(&set, SIGINT))
		atomic_store(&s->signals_open, true);
	((struct state *)state)->done++;
	j->out = j->in * j->in;
	atomic_fetch_sub(&s->running, 1);
}

static void run(unsigned n, unsigned depth, struct shared *s)
{
	struct br_pool_opts o = { .n = n, .depth = depth, .state_new = state_new, .state_free = state_free, .work = square, .arg = s };
	struct job *job = br_allocn(ITEMS, sizeof *job), *got;
	struct br_pool *p = br_pool_new(&o);
	unsigned taken = 0;

	assert_null(br_pool_take(p));
	assert_null(br_pool_try_take(p));
	for (unsigned i = 0; i < ITEMS; i++) {
		while (br_pool_full(p) || (i % 3 == 0 && i > taken)) {
			got = i % 2 ? br_pool_take(p) : br_pool_try_take(p);
			if (!got && !br_pool_full(p))
				break;
			if (!got)
				continue;
			assert_ptr_equal(got, &job[taken]);
			assert_int_equal(got->out, taken * taken);
			taken++;
		}
		job[i].in = i;
		br_pool_give(p, &job[i]);
		assert_true(i + 1 - taken <= depth);
	}
	while ((got = br_pool_take(p))) {
		assert_ptr_equal(got, &job[taken]);
		assert_int_equal(got->out, taken * taken);
		taken++;
	}
	assert_int_equal(taken, ITEMS);
	br_pool_free(p);
	free(job);
	assert_int_equal(s->states, s->freed);
	assert_int_equal(s->running, 0);
}

static void items_come_out_in_order(void **state)
{
	static const unsigned t[][2] = { { 1, 1 }, { 1, 8 }, { 2, 2 }, { 4, 16 }, { 8, 3 }, { 3, 64 } };

	(void)state;
	for (size_t i = 0; i < BR_COUNT(t); i++) {
		struct shared s = { 0 };

		run(t[i][0], t[i][1], &s);
		assert_true(s.states >= 1 && s.states <= t[i][0]);
		assert_true(s.most <= t[i][0]);
		assert_false(s.signals_open);
	}
}

static void without_workers_the_work_is_done_at_once(void **state)
{
	struct shared s = { 0 };

	(void)state;
	run(0, 4, &s);
	assert_int_equal(s.states, 1);
	assert_int_equal(s.most, 1);
}

static void one_item_costs_one_worker(void **state)
{
	struct shared s = { 0 };
	struct br_pool_opts o = { .n = 8, .depth = 8, .state_new = state_new, .state_free = state_free, .work = square, .arg = &s };
	struct br_pool *p = br_pool_new(&o);
	struct job j = { .in = 5 };

	(void)state;
	br_pool_give(p, &j);
	assert_ptr_equal(br_pool_take(p), &j);
	assert_int_equal(j.out, 25);
	br_pool_free(p);
	assert_int_equal(s.states, 1);
}

static void wait_for_all(void *item, void *state, void *arg)
{
	struct shared *s = arg;

	(void)item, (void)state;
	pthread_barrier_wait(s->meet);
}

/* Four items that only end when all four run: hangs if fewer than four workers do. */
static void workers_run_at_the_same_time(void **state)
{
	pthread_barrier_t meet;
	struct shared s = { .meet = &meet };
	struct br_pool_opts o = { .n = 4, .depth = 4, .work = wait_for_all, .arg = &s };
	struct br_pool *p = br_pool_new(&o);
	int item[4];

	(void)state;
	pthread_barrier_init(&meet, NULL, 4);
	for (int i = 0; i < 4; i++)
		br_pool_give(p, &item[i]);
	assert_true(br_pool_full(p));
	for (int i = 0; i < 4; i++)
		assert_ptr_equal(br_pool_take(p), &item[i]);
	assert_false(br_pool_full(p));
	br_pool_free(p);
	pthread_barrier_destroy(&meet);
}

static void free_without_taking(void **state)
{
	struct shared s = { 0 };
	struct br_pool_opts o = { .n = 2, .depth = 64, .state_new = state_new, .state_free = state_free, .work = square, .arg = &s };
	struct br_pool *p = br_pool_new(&o);
	struct job job[64] = { 0 };

	(void)state;
	br_pool_free(NULL);
	for (unsigned i = 0; i < 64; i++)
		br_pool_give(p, &job[i]);
	br_pool_free(p);
	assert_int_equal(s.states, s.freed);
	p = br_pool_new(&o);
	br_pool_free(p);
}

static void cores(void **state)
{
	(void)state;
	setenv("BR_THREADS", "3", 1);
	assert_int_equal(br_cores(), 3);
	setenv("BR_THREADS", "0", 1);
	assert_true(br_cores() >= 1);
	setenv("BR_THREADS", "many", 1);
	assert_true(br_cores() >= 1);
	unsetenv("BR_THREADS");
	assert_true(br_cores() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_out_in_order),
		cmocka_unit_test(without_workers_the_work_is_done_at_once),
		cmocka_unit_test(one_item_costs_one_worker),
		cmocka_unit_test(workers_run_at_the_same_time),
		cmocka_unit_test(free_without_taking),
		cmocka_unit_test(cores),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
