/* json: what the writer writes, what the reader takes and refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "br/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct br_buf out = BR_BUF_INIT(1 << 24);

static struct br_json fresh(bool pretty)
{
	struct br_json j;

	br_buf_reset(&out);
	br_json_init(&j, &out, pretty);
	return j;
}

/* ---- writing ---- */

static void writes_members_and_elements(void **state)
{
	struct br_json j = fresh(false);

	(void)state;
	br_json_obj(&j);
	br_json_kstr(&j, "a", "x");
	br_json_key(&j, "b");
	br_json_arr(&j);
	br_json_int(&j, -1);
	br_json_uint(&j, UINT64_MAX);
	br_json_int(&j, INT64_MIN);
	br_json_obj(&j);
	br_json_end(&j);
	br_json_arr(&j);
	br_json_end(&j);
	br_json_null(&j);
	br_json_end(&j);
	br_json_kbool(&j, "t", true);
	br_json_kbool(&j, "f", false);
	br_json_knull(&j, "n");
	br_json_kstr(&j, "s", NULL);
	br_json_kint(&j, "i", 5);
	br_json_kuint(&j, "u", 6);
	br_json_knum(&j, "d", 0.5, 3);
	br_json_key(&j, "r");
	br_json_raw(&j, "{\"q\":1}", 7);
	br_json_end(&j);
	assert_int_equal(j.depth, 0);
	assert_string_equal(out.ptr, "{\"a\":\"x\",\"b\":[-1,18446744073709551615,-9223372036854775808,{},[],null],\"t\":true,\"f\":false,"
	                             "\"n\":null,\"s\":null,\"i\":5,\"u\":6,\"d\":0.5,\"r\":{\"q\":1}}");
}

static void writes_pretty(void **state)
{
	struct br_json j = fresh(true);

	(void)state;
	br_json_obj(&j);
	br_json_kint(&j, "a", 1);
	br_json_key(&j, "b");
	br_json_arr(&j);
	br_json_int(&j, 1);
	br_json_obj(&j);
	br_json_end(&j);
	br_json_end(&j);
	br_json_end(&j);
	assert_string_equal(out.ptr, "{\n  \"a\": 1,\n  \"b\": [\n    1,\n    {}\n  ]\n}");
}

static void escapes_strings(void **state)
{
	static const struct { const char *s; size_t n; const char *json; } t[] = {
		{ "", 0, "\"\"" },
		{ "a\"b\\c/", 6, "\"a\\\"b\\\\c/\"" },
		{ "\n\t\r\b\f", 5, "\"\\n\\t\\r\\b\\f\"" },
		{ "\x01\x1f\x7f\0z", 5, "\"\\u0001\\u001f\x7f\\u0000z\"" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "a\xff" "b", 3, "\"a\xef\xbf\xbd" "b\"" },
		{ "\xc3", 1, "\"\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* a surrogate */
		{ "\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },                 /* an overlong '/' */
		{ "\xef\xbf\xbd", 3, "\"\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(t); i++) {
		struct br_json j = fresh(false);

		br_json_strn(&j, t[i].s, t[i].n);
		assert_string_equal(out.ptr, t[i].json);
		j = fresh(false);
		br_json_obj(&j);
		br_json_kstr(&j, "\"k\n", "v");
		br_json_end(&j);
		assert_string_equal(out.ptr, "{\"\\\"k\\n\":\"v\"}");
	}
}

static void writes_numbers(void **state)
{
	static const struct { double v; int decimals; const char *json; } t[] = {
		{ 1.5, 3, "1.5" }, { 2, 4, "2" }, { 0, 2, "0" }, { -0.0, 2, "0" }, { -0.0004, 3, "0" }, { -0.0006, 3, "-0.001" },
		{ 1.0 / 3, 4, "0.3333" }, { 2.0 / 3, 4, "0.6667" }, { 100, 0, "100" }, { 1000, 2, "1000" }, { 1e15, 1, "1000000000000000" },
		{ NAN, 2, "null" }, { INFINITY, 2, "null" }, { -INFINITY, 2, "null" }, { 0.1, 17, "0.10000000000000001" }, { 12.5, -3, "12" },
	};
	struct br_json j;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(t); i++) {
		j = fresh(false);
		br_json_num(&j, t[i].v, t[i].decimals);
		assert_string_equal(out.ptr, t[i].json);
	}
	j = fresh(false);
	br_json_num(&j, -1.7976931348623157e308, 99);
	assert_int_equal(out.len, 310);
}

static void a_full_buffer_shows(void **state)
{
	struct br_buf small = BR_BUF_INIT(8);
	struct br_json j;

	(void)state;
	br_json_init(&j, &small, false);
	br_json_arr(&j);
	br_json_str(&j, "far too long for it");
	br_json_end(&j);
	assert_int_equal(br_buf_check(&small, "reply", NULL), -BR_ETOOBIG);
	br_buf_release(&small);
}

/* ---- reading ---- */

static struct br_jdoc *parse(const char *text)
{
	struct br_err err = { 0 };
	struct br_jdoc *d;
	size_t n = strlen(text);
	char *exact = malloc(n ? n : 1); /* no NUL behind it: a read too far is seen by the sanitizer */

	memcpy(exact, text, n);
	if (br_jdoc_parse(&d, br_slice(exact, n), "test", &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	free(exact);
	return d;
}

static void expect_refused(const char *text, size_t n, size_t at, const char *why)
{
	struct br_err err = { 0 };
	struct br_jdoc *d = (struct br_jdoc *)1;
	char *exact = malloc(n ? n : 1), place[64];

	memcpy(exact, text, n);
	if (br_jdoc_parse(&d, br_slice(exact, n), "test", &err) != -BR_EINPUT)
		fail_msg("taken: %s", text);
	assert_null(d);
	snprintf(place, sizeof place, "test: byte %zu: ", at);
	if (strncmp(err.msg, place, strlen(place)) != 0 || !strstr(err.msg, why))
		fail_msg("%s: '%s', expected '%s' '%s'", text, err.msg, place, why);
	free(exact);
}

static void reads_values(void **state)
{
	struct br_jdoc *d = parse(" {\"a\":1.5,\"A\":\"x\\u00e9\\ud83d\\ude00\\n\",\"l\":[true,false,null,{}],\"o\":{\"b\":-0},\"a\":2}\n");
	const struct br_jval *r = br_jdoc_root(d), *l, *v;
	double num = 0;
	bool b = false;

	(void)state;
	assert_int_equal(br_jval_type(r), BR_J_OBJ);
	assert_true(br_jval_num(&num, br_jval_get(r, "a")));
	assert_true(num == 1.5);
	assert_string_equal(br_jval_str(br_jval_get(r, "A")), "x\xc3\xa9\xf0\x9f\x98\x80\n");
	assert_null(br_jval_get(r, "L"));
	assert_null(br_jval_get(r, "b"));
	l = br_jval_get(r, "l");
	assert_int_equal(br_jval_type(l), BR_J_ARR);
	assert_null(br_jval_get(l, "a"));
	v = br_jval_first(l);
	assert_true(br_jval_bool(&b, v) && b);
	assert_false(br_jval_num(&num, v));
	v = br_jval_next(v);
	assert_true(br_jval_bool(&b, v) && !b);
	v = br_jval_next(v);
	assert_int_equal(br_jval_type(v), BR_J_NULL);
	assert_null(br_jval_str(v));
	v = br_jval_next(v);
	assert_int_equal(br_jval_type(v), BR_J_OBJ);
	assert_null(br_jval_first(v));
	assert_null(br_jval_next(v));
	v = br_jval_first(br_jval_get(r, "o"));
	assert_string_equal(br_jval_key(v), "b");
	assert_int_equal(br_jval_type(v), BR_J_NUM);
	assert_null(br_jval_first(v));
	assert_null(br_jval_get(NULL, "a"));
	assert_null(br_jval_first(NULL));
	assert_null(br_jval_next(NULL));
	assert_null(br_jval_str(NULL));
	br_jdoc_free(d);
	br_jdoc_free(NULL);
}

static void refuses_what_is_not_json(void **state)
{
	static const struct { const char *text; size_t at; const char *why; } t[] = {
		{ "", 0, "expected a value" }, { "  ", 2, "expected a value" }, { "nul", 0, "expected a value" },
		{ "True", 0, "expected a value" }, { "'a'", 0, "expected a value" }, { "NaN", 0, "expected a value" },
		{ "{} x", 3, "more text" }, { "1 2", 2, "more text" }, { "[1]]", 3, "more text" }, { "nullx", 4, "more text" },
		{ "[1,]", 3, "expected a value" }, { "[1 2]", 3, "expected ',' or ']'" }, { "[1", 2, "expected ',' or ']'" },
		{ "[", 1, "expected a value" }, { "[1}", 2, "expected ',' or ']'" },
		{ "{\"a\":1,}", 7, "expected a key" }, { "{a:1}", 1, "expected a key" }, { "{\"a\" 1}", 5, "expected ':'" },
		{ "{\"a\":1 \"b\":2}", 7, "expected ',' or '}'" }, { "{\"a\":}", 5, "expected a value" }, { "{", 1, "expected a key" },
		{ "{\"a\":1]", 6, "expected ',' or '}'" },
		{ "01", 2, "leading zero" }, { "-01", 3, "leading zero" }, { "-", 1, "expected a value" }, { "+1", 0, "expected a value" },
		{ ".5", 0, "expected a value" }, { "1.", 2, "point" }, { "1.e5", 2, "point" }, { "1e", 2, "exponent" },
		{ "1e+", 3, "exponent" }, { "0x10", 1, "more text" }, { "1e999", 5, "too large" },
		{ "1234567890123456789012345678901234567890123456789012345678901234", 64, "too large" },
		{ "\"a", 2, "without an end" }, { "\"a\\\"", 4, "without an end" }, { "\"a\nb\"", 2, "control" }, { "\"\x1f\"", 1, "control" },
		{ "\"\\x\"", 1, "bad escape" }, { "\"\\", 1, "bad escape" }, { "\"\\u12\"", 1, "bad \\u" }, { "\"\\u12g4\"", 1, "bad \\u" },
		{ "\"\\u0000\"", 1, "\\u0000" }, { "{\"a\\u0000\":1}", 3, "\\u0000" },
		{ "\"\\ud800\"", 1, "surrogate" }, { "\"\\udc00\"", 1, "surrogate" }, { "\"\\ud800\\ud800\"", 1, "surrogate" },
		{ "\"\\ud800x12345\"", 1, "surrogate" }, { "\"a\\ud83d\\n\"", 2, "surrogate" },
		{ "\"\xff\"", 1, "UTF-8" }, { "\"\xed\xa0\x80\"", 1, "UTF-8" }, { "[1,\xc3", 3, "UTF-8" },
		{ "\xef\xbb\xbf{}", 0, "expected a value" }, { "// c\n1", 0, "expected a value" }, { "\v1", 0, "expected a value" },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(t); i++)
		expect_refused(t[i].text, strlen(t[i].text), t[i].at, t[i].why);
	expect_refused("1\0", 2, 1, "more text");
	expect_refused("\"a\0b\"", 5, 2, "control");
}

static char *nested(unsigned depth, const char *open, const char *close)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);

	for (unsigned i = 0; i < depth; i++)
		br_buf_adds(&b, open);
	br_buf_adds(&b, "1");
	for (unsigned i = 0; i < depth; i++)
		br_buf_adds(&b, close);
	return br_buf_take(&b, NULL);
}

static void depth_is_bounded_and_can_be_written_again(void **state)
{
	char *deep = nested(BR_MAX_JSON_DEPTH, "{\"a\":", "}"), *deeper = nested(BR_MAX_JSON_DEPTH + 1, "[", "]");
	struct br_jdoc *d = parse(deep);
	struct br_json j = fresh(false);

	(void)state;
	br_jval_write(&j, br_jdoc_root(d));
	assert_string_equal(out.ptr, deep);
	br_jdoc_free(d);
	expect_refused(deeper, strlen(deeper), BR_MAX_JSON_DEPTH, "too deep");
	free(deep);
	free(deeper);
}

static void size_is_bounded(void **state)
{
	struct br_err err = { 0 };
	struct br_jdoc *d;

	(void)state;
	assert_int_equal(br_jdoc_parse(&d, br_slice("1", (size_t)BR_MAX_JSON + 1), "big", &err), -BR_ETOOBIG);
	assert_int_equal(br_jdoc_parse(&d, br_slice(NULL, 0), "none", &err), -BR_EINPUT);
}

static void values_survive_a_round_trip(void **state)
{
	static const char *const same[] = {
		"{\"z\":1,\"a\":[],\"m\":{}}", "[0,-1,9007199254740992,-9007199254740992,0.1,1e+300,1.5e-07,3.141592653589793,123456789.125]",
		"\"\\u0001\\\"\\\\/\xe2\x82\xac\"", "[true,false,null,\"\"]", "4.94065645841247e-324", "1.7976931348623157e+308",
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(same); i++) {
		struct br_jdoc *d = parse(same[i]);
		struct br_json j = fresh(false);

		br_jval_write(&j, br_jdoc_root(d));
		assert_string_equal(out.ptr, same[i]);
		br_jdoc_free(d);
	}
}

/* Whatever the bytes: refused, or the same value after writing and reading again. */
static void random_bytes(void **state)
{
	static const char *const piece[] = { "{", "}", "[", "]", "\"", "a", ":", ",", "1", "-", ".", "e", "0", "\\u00e9", "\\", "true", "null",
	                                     " ", "\"a\":", "\"b\"", "\xc3\xa9", "\xff", "\n", "\\ud83d\\ude00" };
	uint32_t seed = 9;
	unsigned taken = 0;

	(void)state;
	for (int round = 0; round < 60000; round++) {
		struct br_buf b = BR_BUF_INIT(1 << 16);
		struct br_jdoc *d, *again;
		struct br_json j = fresh(false);
		char *first, *exact;

		for (unsigned n = 1 + round % 9; n; n--) {
			seed = seed * 1664525 + 1013904223;
			br_buf_adds(&b, piece[(seed >> 12) % BR_COUNT(piece)]);
		}
		exact = malloc(b.len);
		memcpy(exact, b.ptr, b.len);
		if (br_jdoc_parse(&d, br_slice(exact, b.len), "random", NULL) == 0) {
			taken++;
			br_jval_write(&j, br_jdoc_root(d));
			first = br_strndup(out.ptr, out.len);
			again = parse(first);
			j = fresh(false);
			br_jval_write(&j, br_jdoc_root(again));
			assert_string_equal(out.ptr, first);
			free(first);
			br_jdoc_free(again);
			br_jdoc_free(d);
		}
		free(exact);
		br_buf_release(&b);
	}
	assert_true(taken > 500);
}

static int teardown(void **state)
{
	(void)state;
	br_buf_release(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_members_and_elements),
		cmocka_unit_test(writes_pretty),
		cmocka_unit_test(escapes_strings),
		cmocka_unit_test(writes_numbers),
		cmocka_unit_test(a_full_buffer_shows),
		cmocka_unit_test(reads_values),
		cmocka_unit_test(refuses_what_is_not_json),
		cmocka_unit_test(depth_is_bounded_and_can_be_written_again),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(values_survive_a_round_trip),
		cmocka_unit_test(random_bytes),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, teardown);
}
