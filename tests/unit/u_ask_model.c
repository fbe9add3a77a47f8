/* hyde and multi_query with a model that says what a test tells it to. */
#include "workspace.h"

static const char *says;      /* NULL: it fails */
static char asked[BR_MAX_QUERY];
static unsigned times;

static int model(struct br_buf *out, const char *system, const char *user, void *arg, struct br_err *err)
{
	assert_true(strlen(system) > 20);
	assert_ptr_equal(arg, &says);
	snprintf(asked, sizeof asked, "%s", user);
	times++;
	if (!says)
		return br_fail(err, BR_EUPSTREAM, "out of order");
	br_buf_adds(out, says);
	return 0;
}

static int setup_library(void **state)
{
	struct scratch *s;

	scratch_setup(state);
	s = *state;
	put_file(s, "docs/stash.md", "# stash\n\nPut unfinished work aside and take it up again later.\n");
	put_file(s, "docs/timeout.md", "# Time-outs\n\nThe transfer may take at most this many seconds.\n");
	put_file(s, "docs/soup.md", "# Soup\n\nBoil carrots, onions and potatoes with salt.\n");
	put_file(s, "docs/bread.md", "# Bread\n\nBake flour, water and yeast in the oven.\n");
	free(sync_told(s, "docs", false, 0));
	return 0;
}

static int ask(struct br_result *r, struct scratch *s, const char *strategy, const char *question, bool strict,
               struct br_err *err)
{
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;

	opts.strategy = strategy;
	opts.ask = model;
	opts.ask_arg = &says;
	opts.strict = strict;
	times = 0;
	return br_retrieve(r, s->searcher, question, &opts, err);
}

static char *paths(const struct br_result *r)
{
	struct br_buf b = BR_BUF_INIT(1 << 16);

	for (size_t i = 0; i < r->n; i++)
		br_buf_addf(&b, "%s;", r->hit[i].path);
	return br_buf_take(&b, NULL);
}

static void expect(struct scratch *s, const char *strategy, const char *question, const char *wanted)
{
	struct br_err err = { 0 };
	struct br_result r;
	char *got;

	if (ask(&r, s, strategy, question, true, &err) < 0)
		fail_msg("%s", err.msg);
	got = paths(&r);
	assert_string_equal(got, wanted);
	assert_null(r.degraded);
	free(got);
	br_result_release(&r);
}

/* Each list's first has 1/61: soup is first in two of the lists, the others in one. */
static void test_multi_query_merges(void **state)
{
	says = "1. boil carrots and onions\n- \"potatoes with salt\"\n\n  stash unfinished work\nnever read: bread oven";
	expect(*state, "multi_query", "seconds transfer", "docs/soup.md;docs/stash.md;docs/timeout.md;");
	assert_int_equal(times, 1);
	assert_string_equal(asked, "seconds transfer");
}

static void test_multi_query_without_news(void **state)
{
	says = "\n\nseconds transfer\n\"seconds transfer\"\n- \n";
	expect(*state, "multi_query", "seconds transfer", "docs/timeout.md;");
	says = "";
	expect(*state, "multi_query", "seconds transfer", "docs/timeout.md;");
}

/* What was excluded stays so in other words. */
static void test_constraints_hold(void **state)
{
	says = "boil carrots\nbake flour in the oven\nput work aside";
	expect(*state, "multi_query", "transfer -oven -carrots", "docs/stash.md;docs/timeout.md;");
	assert_string_equal(asked, "transfer");
}

/* Words stay those of the question; the meaning is that of both. */
static void test_hyde_adds_meaning(void **state)
{
	struct br_err err = { 0 };
	struct br_result plain, with;

	says = "Boil vegetables such as carrots and onions with salt until they are soft.";
	assert_int_equal(ask(&plain, *state, "hybrid", "cooking dinner", true, &err), 0);
	assert_int_equal(times, 0);
	assert_int_equal(ask(&with, *state, "hyde", "cooking dinner", true, &err), 0);
	assert_int_equal(times, 1);
	assert_true(with.n >= 1);
	assert_string_equal(with.hit[0].path, "docs/soup.md");
	assert_true(with.hit[0].bm25 == 0);
	for (size_t i = 0; i < plain.n; i++)
		if (!strcmp(plain.hit[i].path, "docs/soup.md"))
			assert_true(plain.hit[i].cosine < with.hit[0].cosine);
	br_result_release(&plain);
	br_result_release(&with);
}

static void test_failures(void **state)
{
	struct br_err err = { 0 };
	struct br_result r;

	says = NULL;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(&r, *state, i ? "hyde" : "multi_query", "seconds", false, &err), 0);
		assert_string_equal(r.degraded, "the language model failed: out of order");
		assert_int_equal(r.n, 1);
		br_result_release(&r);
		assert_int_equal(ask(&r, *state, i ? "hyde" : "multi_query", "seconds", true, &err), -BR_EUPSTREAM);
		assert_string_equal(err.msg, "out of order");
	}
	says = "x";
	assert_int_equal(ask(&r, *state, "hyde", "type:markdown", true, &err), 0); /* nothing to ask */
	assert_int_equal(times, 0);
	assert_int_equal(r.n, 4);
	br_result_release(&r);
}

static void test_no_model(void **state)
{
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct scratch *s = *state;
	struct br_err err = { 0 };
	struct br_result r;

	opts.strategy = "hyde";
	assert_int_equal(br_retrieve(&r, s->searcher, "seconds", &opts, &err), 0);
	assert_string_equal(r.degraded, "no language model configured");
	assert_string_equal(r.strategy, "hyde");
	br_result_release(&r);
	opts.strict = true;
	assert_int_equal(br_retrieve(&r, s->searcher, "seconds", &opts, &err), -BR_ECHECK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_multi_query_merges), cmocka_unit_test(test_multi_query_without_news),
		cmocka_unit_test(test_constraints_hold), cmocka_unit_test(test_hyde_adds_meaning), cmocka_unit_test(test_failures),
		cmocka_unit_test(test_no_model),
	};

	return cmocka_run_group_tests(tests, setup_library, scratch_teardown);
}
