/* rx: matches, groups, limits, globs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "br/rx.h"

#include <stdlib.h>

static struct br_rx *compile(const char *pattern, int flags)
{
	struct br_err err = { 0 };
	struct br_rx *rx;

	if (br_rx_new(&rx, pattern, flags, &err) < 0)
		fail_msg("%s", err.msg);
	return rx;
}

static int match(const struct br_rx *rx, const char *text, size_t from, struct br_rx_range *g, size_t n)
{
	return br_rx_match(rx, br_slice_str(text), from, g, n, NULL);
}

static void finds_groups(void **state)
{
	struct br_rx *rx = compile("(a+)(b)?(c)", 0);
	struct br_rx_range g[5];

	(void)state;
	assert_int_equal(match(rx, "xxaacaabc", 0, g, 5), 1);
	assert_int_equal(g[0].off, 2);
	assert_int_equal(g[0].len, 3);
	assert_int_equal(g[1].off, 2);
	assert_int_equal(g[1].len, 2);
	assert_int_equal(g[2].off, UINT32_MAX);
	assert_int_equal(g[3].off, 4);
	assert_int_equal(g[4].off, UINT32_MAX);
	assert_int_equal(match(rx, "xxaacaabc", 3, g, 1), 1);
	assert_int_equal(g[0].off, 3);
	assert_int_equal(match(rx, "xxaacaabc", 5, g, 3), 1);
	assert_int_equal(g[2].off, 7);
	assert_int_equal(match(rx, "xxaacaabc", 9, g, 3), 0);
	assert_int_equal(match(rx, "xxaacaabc", 10, g, 3), 0);
	assert_int_equal(match(rx, "xxaacaabc", SIZE_MAX, NULL, 0), 0);
	assert_int_equal(match(rx, "", 0, NULL, 0), 0);
	br_rx_free(rx);
	br_rx_free(NULL);
	rx = compile("", 0);
	assert_int_equal(br_rx_match(rx, br_slice(NULL, 0), 0, g, 1, NULL), 1);
	assert_int_equal(g[0].len, 0);
	br_rx_free(rx);
}

static void obeys_flags(void **state)
{
	static const struct { const char *pattern; int flags; const char *text; int found; } t[] = {
		{ "ABC", 0, "abc", 0 }, { "ABC", BR_RX_ICASE, "abc", 1 }, { "\xc3\x89", BR_RX_ICASE, "\xc3\xa9", 1 },
		{ "^b", 0, "a\nb", 0 }, { "^b", BR_RX_MULTILINE, "a\nb", 1 }, { "b", BR_RX_ANCHORED, "ab", 0 }, { "a", BR_RX_ANCHORED, "ab", 1 },
		{ "^.$", 0, "\xe2\x82\xac", 1 }, { "^\\w+$", 0, "\xc3\xa9t\xc3\xa9", 1 },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(t); i++) {
		struct br_rx *rx = compile(t[i].pattern, t[i].flags);

		if (match(rx, t[i].text, 0, NULL, 0) != t[i].found)
			fail_msg("'%s' against '%s'", t[i].pattern, t[i].text);
		br_rx_free(rx);
	}
}

/* A start inside a character moves to the next one. */
static void begins_at_characters(void **state)
{
	struct br_rx *rx = compile(".", 0);
	struct br_rx_range g;

	(void)state;
	assert_int_equal(match(rx, "\xe2\x82\xac" "b", 1, &g, 1), 1);
	assert_int_equal(g.off, 3);
	assert_int_equal(match(rx, "\xe2\x82\xac", 2, &g, 1), 0);
	br_rx_free(rx);
}

static void refuses_patterns(void **state)
{
	static const char *const bad[] = { "(", "a{2,1}", "[z-a]", "\\C", "(?<n>a)(?<n>b)", "\xff", "*a", "\\" };
	char *longest = br_alloc(BR_RX_MAX_PATTERN + 2);
	struct br_err err = { 0 };
	struct br_rx *rx;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(bad); i++) {
		assert_int_equal(br_rx_new(&rx, bad[i], 0, &err), -BR_EUSAGE);
		assert_null(rx);
		assert_non_null(strstr(err.msg, "at byte "));
	}
	assert_int_equal(br_rx_new(&rx, "ab(c", 0, &err), -BR_EUSAGE);
	assert_non_null(strstr(err.msg, "at byte 4"));
	memset(longest, 'a', BR_RX_MAX_PATTERN + 1);
	assert_int_equal(br_rx_new(&rx, longest, 0, &err), -BR_EUSAGE);
	longest[BR_RX_MAX_PATTERN] = '\0';
	assert_int_equal(br_rx_new(&rx, longest, 0, &err), 0);
	br_rx_free(rx);
	free(longest);
}

/* Would take 2^n steps. */
static void limits_the_work(void **state)
{
	static const char *const slow[] = { "^(a+)+$", "^(a|aa)+$", "(x+x+)+y" };
	char text[200];

	(void)state;
	memset(text, 'a', sizeof text);
	text[sizeof text - 2] = 'b';
	text[sizeof text - 1] = '\0';
	for (size_t i = 0; i < BR_COUNT(slow); i++) {
		struct br_rx *rx = compile(slow[i], 0);
		struct br_err err = { 0 };

		if (i == 2)
			memset(text, 'x', sizeof text - 1);
		assert_true(br_rx_match(rx, br_slice_str(text), 0, NULL, 0, &err) <= 0);
		if (i < 2)
			assert_int_equal(err.code, BR_ETOOBIG);
		br_rx_free(rx);
	}
}

/* Needs more stack than the compiled code has. */
static void deep_matches_do_not_fail(void **state)
{
	struct br_rx *rx = compile("^(?:(a)|b|(c))*$", 0);
	char *text = br_alloc(20001);
	struct br_rx_range g[2];

	(void)state;
	memset(text, 'a', 20000);
	assert_int_equal(match(rx, text, 0, g, 2), 1);
	assert_int_equal(g[0].len, 20000);
	assert_int_equal(g[1].off, 19999);
	br_rx_free(rx);
	free(text);
}

static void globs(void **state)
{
	static const struct { const char *glob, *text; int found; } t[] = {
		{ "*.md", "a.md", 1 }, { "*.md", ".md", 1 }, { "*.md", "d/a.md", 0 }, { "*.md", "a.mdx", 0 }, { "*.md", "xamd", 0 },
		{ "**/*.md", "a.md", 1 }, { "**/*.md", "d/e/a.md", 1 }, { "**/*.md", "d/a.txt", 0 },
		{ "docs/**", "docs/a/b", 1 }, { "docs/**", "docs/a", 1 }, { "docs/**", "docs", 0 }, { "docs/**", "xdocs/a", 0 },
		{ "docs/**/x", "docs/x", 1 }, { "docs/**/x", "docs/a/b/x", 1 }, { "docs/**/x", "docs/ax", 0 },
		{ "docs/*/x", "docs/a/x", 1 }, { "docs/*/x", "docs/x", 0 }, { "docs/*/x", "docs/a/b/x", 0 },
		{ "?", "a", 1 }, { "?", "\xc3\xa9", 1 }, { "?", "/", 0 }, { "?", "", 0 }, { "a?c", "abc", 1 },
		{ "[ab]", "b", 1 }, { "[ab]", "c", 0 }, { "[!ab]", "c", 1 }, { "[!ab]", "a", 0 }, { "[!a]", "/", 0 }, { "[^a]", "b", 1 },
		{ "[a-c]x", "bx", 1 }, { "[a-c]x", "-x", 0 }, { "[]]", "]", 1 }, { "[!]]", "]", 0 }, { "[\\]]", "]", 1 }, { "[[]", "[", 1 },
		{ "[.]", ".", 1 }, { "[.]", "a", 0 }, { "[a", "[a", 1 }, { "a]", "a]", 1 }, { "[!]", "[!]", 1 },
		{ "a.b", "a.b", 1 }, { "a.b", "axb", 0 }, { "a+(b)|{c}$^", "a+(b)|{c}$^", 1 }, { "a#b c", "a#b c", 1 },
		{ "\\*", "*", 1 }, { "\\*", "a", 0 }, { "a\\", "a\\", 1 }, { "\\\\", "\\", 1 },
		{ "a*", "a\nb", 1 }, { "**", "a/b\nc", 1 }, { "", "", 1 }, { "", "a", 0 }, { "a", "a\n", 0 }, { "a", "ba", 0 },
		{ "\xc3\xa9*", "\xc3\xa9t", 1 }, { "a**b", "a/x/b", 1 },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(t); i++) {
		char *pattern = br_rx_from_glob(t[i].glob);
		struct br_rx *rx = compile(pattern, 0);

		if (match(rx, t[i].text, 0, NULL, 0) != t[i].found)
			fail_msg("glob '%s' (%s) against '%s'", t[i].glob, pattern, t[i].text);
		br_rx_free(rx);
		free(pattern);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_groups),
		cmocka_unit_test(obeys_flags),
		cmocka_unit_test(begins_at_characters),
		cmocka_unit_test(refuses_patterns),
		cmocka_unit_test(limits_the_work),
		cmocka_unit_test(deep_matches_do_not_fail),
		cmocka_unit_test(globs),
	};

	return cmocka_run_group_tests_name("rx", tests, NULL, NULL);
}
