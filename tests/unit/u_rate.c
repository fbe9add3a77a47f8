/* The limiter and the budgets: exact at their borders, and under many threads. Times are the test's own. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "br/auth.h"

#define S 1000000000ll

static _Atomic int64_t g_now;

static int64_t now(void) { return g_now; }

static struct br_limiter *limiter(void)
{
	g_now = 1000 * S;
	return br_limiter_new(now);
}

static int64_t take(struct br_limiter *l, const char *who, uint32_t n, uint32_t seconds)
{
	return br_limiter_take(l, who, &(struct br_key_rate){ n, seconds }, 1);
}

static void test_window_moves(void **state)
{
	struct br_limiter *l = limiter();

	(void)state;
	assert_int_equal(take(l, "k", 3, 60), 0); /* at 0 s, 10 s, 20 s */
	g_now += 10 * S;
	assert_int_equal(take(l, "k", 3, 60), 0);
	g_now += 10 * S;
	assert_int_equal(take(l, "k", 3, 60), 0);
	assert_int_equal(take(l, "k", 3, 60), 40 * S);
	g_now += 40 * S - 1;
	assert_int_equal(take(l, "k", 3, 60), 1);
	g_now += 1; /* the first is a whole window old */
	assert_int_equal(take(l, "k", 3, 60), 0);
	assert_int_equal(take(l, "k", 3, 60), 10 * S);
	g_now += 10 * S;
	assert_int_equal(take(l, "k", 3, 60), 0);
	assert_int_equal(take(l, "other", 3, 60), 0); /* each for itself */
	br_limiter_free(l);
}

static void test_what_is_refused_does_not_count(void **state)
{
	struct br_limiter *l = limiter();

	(void)state;
	assert_int_equal(take(l, "k", 1, 10), 0);
	for (int i = 0; i < 1000; i++) {
		g_now += S / 100 - (i == 999);
		assert_true(take(l, "k", 1, 10) > 0);
	}
	g_now += 1;
	assert_int_equal(take(l, "k", 1, 10), 0);
	br_limiter_free(l);
}

static void test_several_rates(void **state)
{
	struct br_key_rate both[] = { { 2, 1 }, { 5, 60 } };
	struct br_limiter *l = limiter();
	int passed = 0;

	(void)state;
	for (int i = 0; i < 10; i++, g_now += S / 4) /* 2 in the first second, 2 in the next, 1 in the third: 5 */
		passed += br_limiter_take(l, "k", both, 2) == 0;
	assert_int_equal(passed, 5);
	assert_true(br_limiter_take(l, "k", both, 2) > 50 * S);
	assert_int_equal(br_limiter_take(l, "k", both, 1), 0); /* the short one alone has room: the long one did not use it up */
	assert_int_equal(br_limiter_take(l, "k", both, 0), 0);
	br_limiter_free(l);
}

static void test_a_changed_limit_holds_at_once(void **state)
{
	struct br_limiter *l = limiter();

	(void)state;
	for (int i = 0; i < 10; i++, g_now += S)
		assert_int_equal(take(l, "k", 10, 60), 0);
	assert_int_equal(take(l, "k", 20, 60), 0);
	assert_int_equal(take(l, "k", 2, 60), 59 * S); /* the last two came 0 and 1 seconds ago */
	for (uint32_t i = 1; i < 40; i++) /* other periods, again and again */
		take(l, "k", 1, i);
	br_limiter_free(l);
}

static void test_clock_that_goes_back(void **state)
{
	struct br_limiter *l = limiter();

	(void)state;
	assert_int_equal(take(l, "k", 1, 10), 0);
	g_now -= 500 * S;
	assert_int_equal(take(l, "k", 1, 10), 10 * S);
	g_now += 510 * S;
	assert_int_equal(take(l, "k", 1, 10), 0);
	br_limiter_free(l);
}

static void test_the_idle_are_forgotten(void **state)
{
	struct br_limiter *l = limiter();
	char who[32];

	(void)state;
	for (int i = 0; i < 200000; i++) {
		snprintf(who, sizeof who, "client-%d", i);
		assert_int_equal(take(l, who, 1, 1), 0);
		g_now += S / 1000;
	}
	assert_true(br_limiter_size(l) < 20000); /* 1,000 are within the window */
	br_limiter_free(l);
}

/* Against the definition: in no window of any place are more than n. */
static void test_against_the_definition(void **state)
{
	struct br_limiter *l = limiter();
	int64_t passed[3000];
	size_t n = 0;
	uint32_t seed = 5;

	(void)state;
	for (int i = 0; i < 20000 && n < BR_COUNT(passed); i++) {
		seed = seed * 1664525 + 1013904223;
		g_now += (seed >> 8) % (S / 20);
		int64_t wait = take(l, "k", 7, 1);
		bool free = n < 7 || passed[n - 7] + S <= g_now;
		assert_int_equal(wait == 0, free);
		if (!free)
			assert_int_equal(wait, passed[n - 7] + S - g_now);
		else
			passed[n++] = g_now;
	}
	assert_true(n > 1000);
	br_limiter_free(l);
}

/* ---- threads ---- */

enum { THREADS = 64 };

static void run(void *(*fn)(void *), void *arg)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, fn, arg), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
}

struct shared {
	struct br_limiter *l;
	struct br_budgets *b;
	struct br_budget limit;
	_Atomic int passed, asked;
};

static void *ask(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < 300; i++) {
		s->asked++;
		s->passed += take(s->l, i % 2 ? "a" : "b", 500, 60) == 0;
	}
	return NULL;
}

static void test_threads_pass_exactly_the_limit(void **state)
{
	struct shared s = { .l = limiter() };

	(void)state;
	run(ask, &s);
	assert_int_equal(s.asked, 300 * THREADS);
	assert_int_equal(s.passed, 2 * 500);
	g_now += 60 * S;
	s.passed = 0;
	run(ask, &s);
	assert_int_equal(s.passed, 2 * 500);
	br_limiter_free(s.l);
}

/* With the real clock: the times of those that passed, sorted, hold the definition. */
enum { MOST = 40, EACH = 400 };
struct timed { struct br_limiter *l; _Atomic int n; int64_t at[THREADS * EACH]; _Atomic int64_t tick; };
static struct timed *g_timed;

static int64_t tick(void) { return atomic_fetch_add(&g_timed->tick, 1000) + 1000; } /* every look at the clock is later than the one before */

static void *race(void *arg)
{
	struct timed *t = arg;

	for (int i = 0; i < EACH; i++) {
		int64_t before = t->tick;
		if (take(t->l, "k", MOST, 1) == 0)
			t->at[t->n++] = before;
		t->tick += S / 2000;
	}
	return NULL;
}

static int ascending(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void test_threads_and_a_moving_clock(void **state)
{
	struct timed *t = calloc(1, sizeof *t);
	int64_t whole;
	size_t n;

	(void)state;
	g_timed = t;
	t->tick = S;
	t->l = br_limiter_new(tick);
	run(race, t);
	n = (size_t)t->n;
	whole = t->tick - S;
	qsort(t->at, n, sizeof *t->at, ascending);
	assert_true(n > MOST);
	assert_true((int64_t)n <= (whole / S + 1) * MOST); /* windows side by side */
	br_limiter_free(t->l);
	free(t);
}

/* ---- budgets ---- */

#define DAY 86400
#define NOON (19675 * (int64_t)DAY + DAY / 2) /* 2023-11-14 12:00 UTC */

static void load(uint64_t *day, uint64_t *month, uint32_t key, int64_t at, void *arg)
{
	(void)at;
	++*(int *)arg;
	*day = key == 2 ? 90 : 0;
	*month = key == 2 ? 900 : 0;
}

static void test_budget_of_a_day(void **state)
{
	struct br_budget limit = { .day = 100 };
	struct br_budgets *b = br_budgets_new(NULL, NULL);

	(void)state;
	assert_int_equal(br_budget_take(b, 1, &limit, 0, NOON), 0);
	br_budget_settle(b, 1, 0, 99, NOON);
	assert_int_equal(br_budget_take(b, 1, &limit, 0, NOON), 0); /* one is left */
	br_budget_settle(b, 1, 0, 500, NOON);                         /* an answer may end beyond it */
	assert_int_equal(br_budget_take(b, 1, &limit, 0, NOON), DAY / 2);
	assert_int_equal(br_budget_take(b, 1, &limit, 0, NOON + DAY / 2 - 1), 1);
	assert_int_equal(br_budget_take(b, 1, &limit, 0, NOON + DAY / 2), 0); /* midnight of UTC */
	assert_int_equal(br_budget_take(b, 3, &limit, 0, NOON), 0);
	assert_int_equal(br_budget_take(b, 1, &(struct br_budget){ 0 }, 1ull << 60, NOON), 0); /* no limit */
	br_budgets_free(b);
}

static void test_budget_set_aside(void **state)
{
	struct br_budget limit = { .day = 100 };
	struct br_budgets *b = br_budgets_new(NULL, NULL);

	(void)state;
	assert_int_equal(br_budget_take(b, 1, &limit, 60, NOON), 0);
	assert_true(br_budget_take(b, 1, &limit, 41, NOON) > 0);
	assert_int_equal(br_budget_take(b, 1, &limit, 40, NOON), 0);
	assert_true(br_budget_take(b, 1, &limit, 0, NOON) > 0);
	br_budget_settle(b, 1, 60, 10, NOON);
	assert_int_equal(br_budget_take(b, 1, &limit, 50, NOON), 0);
	br_budget_settle(b, 1, 40, 40, NOON);
	br_budget_settle(b, 1, 50, 50, NOON);
	assert_true(br_budget_take(b, 1, &limit, 0, NOON) > 0);
	assert_true(br_budget_take(b, 1, &limit, UINT64_MAX, NOON) > 0);
	br_budgets_free(b);
}

static void test_the_rest_of_a_budget(void **state)
{
	struct br_budget limit = { .day = 100 };
	struct br_budgets *b = br_budgets_new(NULL, NULL);

	(void)state;
	assert_true(br_budget_take(b, 1, &limit, 500, NOON) > 0);
	assert_int_equal(br_budget_take_rest(b, 1, &limit, NOON), 100); /* more than there is: one alone may try */
	assert_int_equal(br_budget_take_rest(b, 1, &limit, NOON), 0);
	br_budget_settle(b, 1, 100, 30, NOON);
	assert_int_equal(br_budget_take(b, 1, &limit, 10, NOON), 0);
	assert_int_equal(br_budget_take_rest(b, 1, &limit, NOON), 0);   /* somebody is spending */
	br_budget_settle(b, 1, 10, 10, NOON);
	assert_int_equal(br_budget_take_rest(b, 1, &limit, NOON), 60);
	br_budget_settle(b, 1, 60, 400, NOON);
	assert_int_equal(br_budget_take_rest(b, 1, &limit, NOON), 0);   /* spent */
	assert_int_equal(br_budget_take_rest(b, 1, &limit, NOON + DAY), 100);
	br_budgets_free(b);
}

static void test_budget_of_a_month(void **state)
{
	struct br_budget limit = { .day = 0, .month = 1000 };
	int loads = 0;
	struct br_budgets *b = br_budgets_new(load, &loads);
	int64_t next = 19692 * (int64_t)DAY; /* 2023-12-01 */

	(void)state;
	assert_int_equal(br_budget_take(b, 2, &limit, 100, NOON), 0); /* 900 were spent before */
	br_budget_settle(b, 2, 100, 100, NOON);
	assert_int_equal(br_budget_take(b, 2, &limit, 0, NOON), next - NOON);
	assert_int_equal(br_budget_take(b, 2, &limit, 0, NOON + DAY), next - NOON - DAY); /* a new day is no new month */
	assert_int_equal(br_budget_take(b, 2, &limit, 0, next), 0);
	assert_int_equal(loads, 1);
	limit.day = 100;
	assert_int_equal(br_budget_take(b, 2, &limit, 100, next), 0);
	assert_int_equal(br_budget_take(b, 2, &limit, 1, next), DAY);
	br_budgets_free(b);
}

static void *spend(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < 200; i++) {
		if (br_budget_take(s->b, 1 + (uint32_t)i % 2, &s->limit, 10, NOON) == 0) {
			s->passed++;
			br_budget_settle(s->b, 1 + (uint32_t)i % 2, 10, 10, NOON);
		}
	}
	return NULL;
}

static void test_threads_spend_exactly_the_budget(void **state)
{
	struct shared s = { .b = br_budgets_new(NULL, NULL), .limit = { .day = 1234 } };

	(void)state;
	run(spend, &s);
	assert_int_equal(s.passed, 2 * 123);
	br_budgets_free(s.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_moves), cmocka_unit_test(test_what_is_refused_does_not_count), cmocka_unit_test(test_several_rates),
		cmocka_unit_test(test_a_changed_limit_holds_at_once), cmocka_unit_test(test_clock_that_goes_back), cmocka_unit_test(test_the_idle_are_forgotten),
		cmocka_unit_test(test_against_the_definition), cmocka_unit_test(test_threads_pass_exactly_the_limit), cmocka_unit_test(test_threads_and_a_moving_clock),
		cmocka_unit_test(test_budget_of_a_day), cmocka_unit_test(test_budget_set_aside), cmocka_unit_test(test_budget_of_a_month),
		cmocka_unit_test(test_the_rest_of_a_budget),
		cmocka_unit_test(test_threads_spend_exactly_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
