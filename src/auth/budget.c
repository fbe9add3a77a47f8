/*
 * Tokens that keys may spend in a day and a month of UTC. What a question will cost is known only when it is answered, so tokens
 * are set aside first: with an upper bound set aside, a budget is never passed, however many ask at once; with 0, only questions
 * after the budget is spent are refused.
 */
#include "internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct spent {
	uint32_t key, day_no, month_no;
	uint64_t day, month;     /* used */
	uint64_t aside;          /* taken and not settled */
};

struct br_budgets {
	pthread_mutex_t mu;
	br_budget_load *load;
	void *arg;
	BR_VEC(struct spent) keys; /* by number */
};

uint32_t month_of(int64_t now, int64_t *next)
{
	time_t t = (time_t)now;
	struct tm tm = { 0 };
	uint32_t month;

	gmtime_r(&t, &tm);
	month = (uint32_t)(tm.tm_year * 12 + tm.tm_mon);
	tm = (struct tm){ .tm_year = tm.tm_year, .tm_mon = tm.tm_mon + 1, .tm_mday = 1 };
	*next = timegm(&tm);
	return month;
}

struct br_budgets *br_budgets_new(br_budget_load *load, void *arg)
{
	struct br_budgets *b = br_alloc(sizeof *b);

	pthread_mutex_init(&b->mu, NULL);
	b->load = load;
	b->arg = arg;
	return b;
}

void br_budgets_free(struct br_budgets *b)
{
	if (!b)
		return;
	br_vec_release(&b->keys);
	pthread_mutex_destroy(&b->mu);
	free(b);
}

static struct spent *insert(struct br_budgets *b, size_t at, uint32_t key, int64_t now)
{
	struct spent *s;
	int64_t next;

	br_vec_reserve(&b->keys, 1);
	s = b->keys.v + at;
	memmove(s + 1, s, (b->keys.n - at) * sizeof *s);
	b->keys.n++;
	*s = (struct spent){ .key = key, .day_no = day_of(now), .month_no = month_of(now, &next) };
	if (b->load)
		b->load(&s->day, &s->month, key, now, b->arg);
	return s;
}

static struct spent *find(struct br_budgets *b, uint32_t key, int64_t now)
{
	size_t lo = 0, hi = b->keys.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (b->keys.v[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < b->keys.n && b->keys.v[lo].key == key ? b->keys.v + lo : insert(b, lo, key, now);
}

/* A new day or month begins at nothing; a clock that went back goes on counting where it was. */
static void turn(struct spent *s, int64_t now, int64_t *next_month)
{
	uint32_t day = day_of(now), month = month_of(now, next_month);

	if (day > s->day_no) {
		s->day_no = day;
		s->day = 0;
	}
	if (month > s->month_no) {
		s->month_no = month;
		s->month = 0;
	}
}

static bool over(uint64_t limit, uint64_t used, uint64_t aside, uint64_t tokens)
{
	uint64_t sum;

	return limit && (__builtin_add_overflow(used, aside, &sum) || __builtin_add_overflow(sum, BR_MAX(tokens, 1u), &sum) || sum > limit);
}

int64_t br_budget_take(struct br_budgets *b, uint32_t key, const struct br_budget *limit, uint64_t tokens, int64_t now)
{
	struct spent *s;
	int64_t wait = 0, next_month;

	if (!limit->day && !limit->month)
		return 0;
	pthread_mutex_lock(&b->mu);
	s = find(b, key, now);
	turn(s, now, &next_month);
	if (over(limit->month, s->month, s->aside, tokens))
		wait = next_month - now;
	else if (over(limit->day, s->day, s->aside, tokens))
		wait = ((int64_t)day_of(now) + 1) * DAY_SECONDS - now;
	else
		s->aside += tokens;
	pthread_mutex_unlock(&b->mu);
	return wait ? BR_MAX(wait, 1) : 0;
}

static uint64_t left_of(uint64_t limit, uint64_t used)
{
	return !limit ? UINT64_MAX : used < limit ? limit - used : 0;
}

uint64_t br_budget_take_rest(struct br_budgets *b, uint32_t key, const struct br_budget *limit, int64_t now)
{
	struct spent *s;
	uint64_t rest;
	int64_t next_month;

	pthread_mutex_lock(&b->mu);
	s = find(b, key, now);
	turn(s, now, &next_month);
	rest = s->aside ? 0 : BR_MIN(left_of(limit->day, s->day), left_of(limit->month, s->month));
	s->aside += rest;
	pthread_mutex_unlock(&b->mu);
	return rest;
}

void br_budget_settle(struct br_budgets *b, uint32_t key, uint64_t taken, uint64_t used, int64_t now)
{
	struct spent *s;
	int64_t next_month;

	pthread_mutex_lock(&b->mu);
	s = find(b, key, now);
	turn(s, now, &next_month);
	s->aside -= BR_MIN(s->aside, taken);
	s->day += used;
	s->month += used;
	pthread_mutex_unlock(&b->mu);
}
