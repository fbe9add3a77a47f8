/*
 * clock - wall clock (fixed by BR_CLOCK in tests), monotonic clock, and the one way times are written.
 */
#include "br/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define YEAR_0    (-62167219200) /* 0000-01-01T00:00:00Z */
#define YEAR_9999 253402300799   /* 9999-12-31T23:59:59Z */

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Asked each time: tests change it while they run, and a look-up costs less than a hash of a line. */
static bool fixed_clock(int64_t *seconds)
{
	const char *s = getenv("BR_CLOCK");

	return s && br_parse_int(seconds, s, 0, INT64_MAX / 1000000000, "BR_CLOCK", NULL) == 0;
}

int64_t br_now_ns(void)
{
	int64_t s;

	return fixed_clock(&s) ? s * 1000000000 : clock_ns(CLOCK_REALTIME);
}

int64_t br_now(void) { return br_now_ns() / 1000000000; }
int64_t br_mono_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

void br_time_iso(char out[32], int64_t seconds)
{
	time_t t = (time_t)BR_MIN(BR_MAX(seconds, YEAR_0), YEAR_9999);
	struct tm tm;

	gmtime_r(&t, &tm);
	snprintf(out, 32, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
	         (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

/* n digits; -1 if one is missing. */
static int digits(const char *s, int n)
{
	int v = 0;

	for (; n; n--, s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (*s - '0');
	}
	return v;
}

/* Digits where `form` has '0', the very character elsewhere. */
static bool looks_like(const char *s, const char *form)
{
	for (; *form; s++, form++)
		if (*form == '0' ? *s < '0' || *s > '9' : *s != *form)
			return false;
	return !*s;
}

int br_time_parse(int64_t *out, const char *s)
{
	bool full = looks_like(s, "0000-00-00T00:00:00Z");
	struct tm tm = { 0 }, back;
	time_t t;

	if (!full && !looks_like(s, "0000-00-00"))
		return -1;
	tm.tm_year = digits(s, 4) - 1900;
	tm.tm_mon = digits(s + 5, 2) - 1;
	tm.tm_mday = digits(s + 8, 2);
	if (full) {
		tm.tm_hour = digits(s + 11, 2);
		tm.tm_min = digits(s + 14, 2);
		tm.tm_sec = digits(s + 17, 2);
	}
	back = tm;
	t = timegm(&tm); /* carries what is out of range, such as day 31 of a short month: refused by the comparison */
	if (tm.tm_mon != back.tm_mon || tm.tm_mday != back.tm_mday || tm.tm_hour != back.tm_hour ||
	    tm.tm_min != back.tm_min || tm.tm_sec != back.tm_sec)
		return -1;
	*out = t;
	return 0;
}
