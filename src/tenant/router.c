/*
 * Which model is asked, and how much is asked of the machine. Three failures in a row pause a model for five minutes. The time that
 * answers take decides the mode: from normal to degraded above 5 s (95th percentile) or while a model is paused, on to critical
 * above 10 s; back again below 8 s and 3 s, when that has held for five minutes.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

enum { MODELS_MAX = 16, WINDOW = 256, LEAST = 5, STRIKES = 3 };
static const int64_t PAUSE = 300, HOLD = 300, REACH = 300; /* seconds: of a pause, of calm, that times count */
static const double INTO[] = { 0, 5, 10 }, OUT_OF[] = { 0, 3, 8 };

struct br_router {
	pthread_mutex_t mu;
	int64_t (*clock)(void);
	struct { const char *name; bool small; unsigned failed; int64_t paused_until; } model[MODELS_MAX];
	size_t n;
	struct { int64_t at; double seconds; } took[WINDOW];
	size_t took_n;
	enum br_mode mode;
	int64_t calm_since;           /* 0: it is not calm */
};

static const char *const names[] = { "normal", "degraded", "critical_degraded" };
const char *br_mode_name(enum br_mode m) { return names[m]; }

struct br_router *br_router_new(const struct br_router_model *model, size_t n, int64_t (*clock)(void))
{
	struct br_router *r = br_alloc(sizeof *r);

	pthread_mutex_init(&r->mu, NULL);
	r->clock = clock ? clock : br_mono_ns;
	for (; r->n < n && r->n < MODELS_MAX; r->n++) {
		r->model[r->n].name = model[r->n].name;
		r->model[r->n].small = model[r->n].small;
	}
	return r;
}

void br_router_free(struct br_router *r)
{
	if (r)
		pthread_mutex_destroy(&r->mu);
	free(r);
}

static int64_t seconds_now(const struct br_router *r) { return r->clock() / 1000000000 + 1; }

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* 0 while too few are known. */
static double p95(const struct br_router *r, int64_t now)
{
	double all[WINDOW];
	size_t n = 0;

	for (size_t i = 0; i < BR_MIN(r->took_n, (size_t)WINDOW); i++)
		if (now - r->took[i].at < REACH)
			all[n++] = r->took[i].seconds;
	if (n < LEAST)
		return 0;
	qsort(all, n, sizeof *all, by_size);
	return all[(size_t)ceil(0.95 * (double)n) - 1];
}

static bool any_paused(const struct br_router *r, int64_t now)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->model[i].paused_until > now)
			return true;
	return false;
}

static void look(struct br_router *r)
{
	int64_t now = seconds_now(r);
	double p = p95(r, now);
	bool paused = any_paused(r, now);

	while (r->mode < BR_MODE_CRITICAL && (p > INTO[r->mode + 1] || (r->mode == BR_MODE_NORMAL && paused))) {
		r->mode++;
		r->calm_since = 0;
	}
	if (r->mode == BR_MODE_NORMAL)
		return;
	if (p >= OUT_OF[r->mode] || (r->mode == BR_MODE_DEGRADED && paused))
		r->calm_since = 0;
	else if (!r->calm_since)
		r->calm_since = now;
	else if (now - r->calm_since >= HOLD) {
		r->mode--;
		r->calm_since = p < OUT_OF[r->mode] ? now : 0;
	}
}

enum br_mode br_router_mode(struct br_router *r)
{
	enum br_mode m;

	pthread_mutex_lock(&r->mu);
	look(r);
	m = r->mode;
	pthread_mutex_unlock(&r->mu);
	return m;
}

double br_router_p95(struct br_router *r)
{
	double p;

	pthread_mutex_lock(&r->mu);
	p = p95(r, seconds_now(r));
	pthread_mutex_unlock(&r->mu);
	return p;
}

void br_router_took(struct br_router *r, double seconds)
{
	pthread_mutex_lock(&r->mu);
	r->took[r->took_n % WINDOW].at = seconds_now(r);
	r->took[r->took_n++ % WINDOW].seconds = seconds;
	look(r);
	pthread_mutex_unlock(&r->mu);
}

const char *br_router_name(const struct br_router *r, int model) { return r->model[model].name; }

/* Small ones first while not all is well, last otherwise. */
int br_router_pick(struct br_router *r, unsigned tried)
{
	int64_t now;
	int found = -1;

	pthread_mutex_lock(&r->mu);
	now = seconds_now(r);
	look(r);
	for (int pass = 0; pass < 2 && found < 0; pass++)
		for (size_t i = 0; i < r->n && found < 0; i++)
			if (!(tried >> i & 1) && r->model[i].paused_until <= now && r->model[i].small == ((r->mode == BR_MODE_NORMAL) == (pass == 1)))
				found = (int)i;
	pthread_mutex_unlock(&r->mu);
	return found;
}

void br_router_told(struct br_router *r, int model, bool good)
{
	pthread_mutex_lock(&r->mu);
	if (good)
		r->model[model].failed = 0;
	else if (++r->model[model].failed >= STRIKES) {
		r->model[model].paused_until = seconds_now(r) + PAUSE;
		r->model[model].failed = 0;
	}
	look(r);
	pthread_mutex_unlock(&r->mu);
}
