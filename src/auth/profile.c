/*
 * Profiles: how strict a server is, by one switch (setting auth.profile). The rows are those of the integration API's matrix.
 */
#include "internal.h"

#include <stdlib.h>

#define MIB (1u << 20)

static const struct br_profile profiles[] = {
	{ .name = "production", .body = 25 * MIB, .rate = { 100, 60 }, .rotate_days = 30, .https = true, .audit = true, .addresses = true },
	{ .name = "staging", .body = 50 * MIB, .rate = { 500, 60 }, .budget = { .day = 1000000 }, .rotate_days = 90, .https = true, .audit = true },
	{ .name = "development", .body = 100 * MIB, .any_origin = true },
};

const struct br_profile *br_profile_find(const char *name)
{
	for (size_t i = 0; i < BR_COUNT(profiles); i++)
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	return NULL;
}

void br_apikey_limits(struct br_key_limits *out, const struct br_apikey *k, const struct br_profile *p)
{
	*out = (struct br_key_limits){ .rates = k->rates, .budget = k->budget };
	memcpy(out->rate, k->rate, sizeof out->rate);
	if (!out->rates && p->rate.n)
		out->rate[out->rates++] = p->rate;
	if (!out->budget.day && !out->budget.month)
		out->budget = p->budget;
}

int64_t br_apikey_overdue(const struct br_apikey *k, const struct br_profile *p, int64_t now)
{
	int64_t age = (now - br_apikey_current(k)->created) / DAY_SECONDS;

	return p->rotate_days && age > p->rotate_days ? age : 0;
}
