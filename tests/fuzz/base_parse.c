/* Numbers, times and sizes as people write them; UTF-8 and varints. */
#include "fuzz.h"

#include <math.h>

static void check_numbers(const char *s)
{
	int64_t v;
	double d;

	if (br_parse_int(&v, s, -1000, INT64_MAX, "x", NULL) == 0) {
		char *again = br_sprintf("%lld", (long long)v);
		int64_t w;
		HOLDS(v >= -1000 && br_parse_int(&w, again, -1000, INT64_MAX, "x", NULL) == 0 && w == v);
		free(again);
	}
	if (br_parse_double(&d, s, -1, 1e6, "x", NULL) == 0)
		HOLDS(isfinite(d) && d >= -1 && d <= 1e6);
	if (br_parse_seconds(&v, s, "x", NULL) == 0)
		HOLDS(v >= 0);
	if (br_parse_bytes(&v, s, "x", NULL) == 0)
		HOLDS(v >= 0);
}

static void check_time(const char *s)
{
	int64_t v, w;
	char iso[32];

	if (br_time_parse(&v, s) < 0)
		return;
	br_time_iso(iso, v);
	HOLDS(br_time_parse(&w, iso) == 0 && v == w);
}

static void check_utf8(struct br_slice in)
{
	size_t valid = br_utf8_valid(in.ptr, in.len), at = 0;

	while (at < in.len) {
		uint32_t c;
		char put[4];
		size_t k = br_utf8_next(&c, in.ptr + at, in.len - at);
		bool bad = k == 1 && c == 0xfffd;
		HOLDS(k >= 1 && k <= 4 && k <= in.len - at);
		HOLDS(bad ? at >= valid : br_utf8_put(put, c) == k && !memcmp(put, in.ptr + at, k));
		if (bad && at == valid)
			return;
		at += k;
	}
	HOLDS(valid == in.len);
}

static void check_varints(struct br_slice in)
{
	struct br_rd r = br_rd(in);
	struct br_buf b = BR_BUF_INIT(64);

	while (!r.bad && r.p < r.end) {
		uint64_t v = br_rd_varint(&r);
		struct br_rd again;
		br_buf_reset(&b);
		br_buf_varint(&b, v);
		again = br_rd(br_buf_slice(&b));
		HOLDS(br_rd_varint(&again) == v && !again.bad && again.p == again.end);
	}
	HOLDS(!r.bad || (br_rd_u64(&r) == 0 && br_rd_lstr(&r).len == 0));
	br_buf_release(&b);
}

FUZZ(base_parse)
{
	static const char *const names[] = { "ingest", "sync", "query", "verify", "status" };
	char *s = br_strndup(in.len ? in.ptr : "", in.len);

	check_numbers(s);
	check_time(s);
	check_utf8(in);
	check_varints(in);
	(void)br_closest(s, names, BR_COUNT(names));
	free(s);
}
