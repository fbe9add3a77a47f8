/* Lint of the wiki: what bodies are made of, the judge, and each code by itself. */
#include "workspace.h"

#include "wiki_pages.h"

#define C1 "[chunk_0123456789abcdef0123456789abcdef]"
#define C2 "[chunk_ffffffffffffffffffffffffffffffff]"

/* ---- bodies ---- */

static void test_markers_have_one_form(void **state)
{
	static const char text[] = "a [chunk_0123] b " C1 " c [chunk_0123456789ABCDEF0123456789abcdef] d [claim_a-1.b:c_2] e [claim_] f [claim_a b] [chunk_";
	struct br_slice body = br_slice_str(text);
	struct marker m;

	(void)state;
	assert_true(br_wiki__next_marker(&m, body, 0));
	assert_false(m.patch);
	assert_memory_equal(text + m.off, C1, m.len);
	assert_int_equal(m.len, strlen(C1));
	assert_true(br_wiki__next_marker(&m, body, m.off + m.len));
	assert_true(m.patch);
	assert_int_equal(m.id.len, 9);
	assert_memory_equal(m.id.ptr, "a-1.b:c_2", 9);
	assert_false(br_wiki__next_marker(&m, body, m.off + m.len));
}

static void assert_stripped(const char *body, const char *want)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);

	br_wiki_strip(&b, br_slice_str(body));
	assert_string_equal(b.ptr, want);
	br_buf_release(&b);
}

static void test_markers_are_stripped_with_their_blanks(void **state)
{
	(void)state;
	assert_stripped("One. " C1 "\n\n- two  " C1 " " C2 "\nthree [claim_x] four.", "One.\n\n- two\nthree four.");
	assert_stripped("none [chunk_x] [x]", "none [chunk_x] [x]");
	assert_stripped("", "");
}

static void test_claims_know_section_and_markers(void **state)
{
	static const char body[] = "Sum of it. " C1 "\n\n## One\n\n- First thing. Second thing. " C1 " " C2 "\n- Third.\n\n```\ncode is 7 no claim\n```\n### Two ##\n| a | 3 " C2 " |\n";
	struct claims c;

	(void)state;
	br_wiki__claims(&c, br_slice_str(body));
	assert_int_equal(c.section.n, 3);
	assert_memory_equal(c.section.v[2].ptr, "Two", c.section.v[2].len);
	assert_int_equal(c.v.n, 5);
	assert_memory_equal(c.v.v[0].text.ptr, "Sum of it.", c.v.v[0].text.len);
	assert_int_equal(c.v.v[0].section, 0);
	assert_int_equal(c.v.v[0].markers, 1);
	assert_int_equal(c.v.v[1].markers, 0); /* the marker is the last sentence's */
	assert_true(c.v.v[1].item);
	assert_int_equal(c.v.v[2].markers, 2);
	assert_memory_equal(c.m.v[c.v.v[2].first_marker + 1].id.ptr, "ffff", 4);
	assert_int_equal(c.v.v[3].markers, 0);
	assert_int_equal(c.v.v[4].section, 2);
	assert_int_equal(c.v.v[4].markers, 1);
	br_wiki__claims_release(&c);
}

/* ---- the judge ---- */

static enum br_verdict judge(const char *a, const char *b)
{
	enum br_verdict v = br_wiki_judge(br_slice_str(a), br_slice_str(b));

	assert_int_equal(br_wiki_judge(br_slice_str(b), br_slice_str(a)), v);
	return v;
}

static void test_numbers_dates_and_negations_contradict(void **state)
{
	(void)state;
	assert_int_equal(judge("The return window is 14 days.", "The return window is 30 days."), BR_CONTRADICTION);
	assert_int_equal(judge("The shop opens on 2026-01-02.", "The shop opens on 2026-01-05."), BR_CONTRADICTION);
	assert_int_equal(judge("The offer ends in March.", "The offer ends in April."), BR_CONTRADICTION);
	assert_int_equal(judge("Digital goods can be returned.", "Digital goods cannot be returned."), BR_CONTRADICTION);
	assert_int_equal(judge("Opened digital goods are refunded here.", "Opened digital goods are not refunded here."), BR_CONTRADICTION);
	assert_int_equal(judge("The parser doesn't accept trailing commas.", "The parser does accept trailing commas."), BR_CONTRADICTION);
	assert_int_equal(judge("退货期限为14天。", "退货期限为30天。"), BR_CONTRADICTION);
	assert_int_equal(judge("数码商品可以退货。", "数码商品不可以退货。"), BR_CONTRADICTION);
}

static void test_what_is_no_contradiction_is_neutral(void **state)
{
	(void)state;
	assert_int_equal(judge("The return window is 14 days.", "The return window is 14 days!"), BR_ENTAILMENT);
	assert_int_equal(judge("The return window is 14 days.", "The shipping fee is 30 euros."), BR_NEUTRAL);
	assert_int_equal(judge("In 2019 the limit was 10 items.", "In 2020 the limit was 20 items."), BR_NEUTRAL); /* two differ: two times */
	assert_int_equal(judge("The server speaks HTTP/2 to clients.", "The server speaks HTTP/3 to clients."), BR_NEUTRAL); /* names */
	assert_int_equal(judge("The upload limit is 10 MB.", "The download limit is 20 MB."), BR_NEUTRAL);
	assert_int_equal(judge("14", "30"), BR_NEUTRAL);
	assert_int_equal(judge("", ""), BR_NEUTRAL);
}

/* ---- each code ---- */

static struct br_wiki_page *linted(struct br_arena *a, struct scratch *s, const char *slug, const char *body)
{
	static const struct br_wiki_source source[] = { { "0123456789abcdef0123456789abcdef", "" }, { "ffffffffffffffffffffffffffffffff", "" } };
	struct version v = { .p = { .slug = slug, .title = slug, .summary = "s", .body = body, .source = source, .n_sources = 2 } };
	struct made m = { s, first_nb(s), v };
	struct br_wiki_page *p = br_arena_zalloc(a, sizeof *p);
	struct br_txn *t;

	m.v.p.alias = m.v.p.tags = no_strings;
	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_wiki__lint_version(&m.v, a, t, m.nb, NULL), 0);
	br_txn_end(t);
	*p = m.v.p;
	return p;
}

#define LINT(body) linted(&a, s, "page", body)

static void test_e1_warns_of_repetition(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_page *p = LINT("Leases end after ten seconds of silence. " C1 "\n\n## A\n\n- leases end, after ten seconds of silence " C2 "\n");

	assert_true(has_error(p, 1));
	assert_int_equal(p->lint_status, BR_WIKI_PASSED);
	assert_int_equal(p->n_errors, 1);
	p = LINT("Leases end after ten seconds of silence. " C1 "\n- Locks are kept for longer than that by far. " C1 "\n");
	assert_int_equal(p->n_errors, 0);
	br_arena_release(&a);
}

static void test_e2_blocks_claims_without_citation(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };

	assert_int_equal(LINT("Leases end. " C1 "\n")->lint_status, BR_WIKI_PASSED);
	assert_true(has_error(LINT("It takes 10 seconds.\n"), 2));                                          /* a digit */
	assert_true(has_error(LINT("It was made by Anna.\n"), 2));                                          /* a name */
	assert_true(has_error(LINT("Leases end. " C1 "\n- and so on\n"), 2));                               /* an item */
	assert_true(has_error(LINT("Leases end. [chunk_abcdefabcdefabcdefabcdefabcdefab]\n"), 2));          /* not of this page */
	assert_true(has_error(LINT("Leases end. [claim_c1]\n"), 2));                                        /* no such patch */
	assert_true(has_error(LINT(""), 2));
	/* four of five claims are 80 %, three of four are not */
	assert_int_equal(LINT("One is so. " C1 " two is so. " C1 " three is so. " C1 " four is so. " C1 "\n\nfive stands alone.\n")->lint_status, BR_WIKI_PASSED);
	assert_true(has_error(LINT("One is so. " C1 " two is so. " C1 " three is so. " C1 "\n\nfive stands alone.\n"), 2));
	br_arena_release(&a);
}

static void test_e3_blocks_contradictions_but_in_caveats(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_page *p = LINT("The return window is 14 days. " C1 "\n\n## B\n\nThe return window is 30 days. " C2 "\n");

	assert_true(has_error(p, 3));
	assert_int_equal(p->lint_status, BR_WIKI_FAILED);
	p = LINT("The return window is 14 days. " C1 "\n\n## Caveats\n\nThe return window is 30 days. " C2 "\n");
	assert_int_equal(p->n_errors, 0);
	br_arena_release(&a);
}

static void test_e4_warns_of_other_pages(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_page *p;

	make_page(s, "other", "Other", NULL, "", "The return window is 30 days. " C1 "\n", true);
	p = LINT("The return window is 14 days. " C1 "\n");
	assert_true(has_error(p, 4));
	assert_non_null(strstr(p->error[0].text, "page 'other'"));
	assert_int_equal(p->lint_status, BR_WIKI_PASSED);
	p = linted(&a, s, "other", "The return window is 14 days. " C1 "\n"); /* not against its own published version */
	assert_int_equal(p->n_errors, 0);
	br_arena_release(&a);
}

static void test_findings_are_bounded(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);

	for (int i = 0; i < 200; i++)
		br_buf_addf(&b, "- item %d\n", i);
	assert_int_equal(LINT(b.ptr)->n_errors, BR_MAX_WIKI_ERRORS);
	br_buf_release(&b);
	br_arena_release(&a);
}

/* ---- the run ---- */

static struct br_wiki_linted run(struct scratch *s, bool no_recompile, int want)
{
	struct br_wiki_lint_opts o = { .no_recompile = no_recompile };
	struct br_wiki_linted l;
	struct br_err err = { 0 };
	int rc = br_wiki_lint(&l, s->ws, first_nb(s), &o, &err);

	if (rc != -want)
		fail_msg("lint gave %d (%s), wanted %d", rc, err.msg, -want);
	return l;
}

static void test_e5_is_there_from_the_removal_on(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_page *p;
	struct br_wiki_linted l;

	put_file(s, "docs/a.md", "# Leases\n\nA lease is a lock that ends by itself after ten seconds.\n");
	put_file(s, "docs/b.md", "# Leases again\n\nThe lease is renewed by whoever holds it, every five seconds.\n");
	free(sync_told(s, "docs", false, 0));
	plan(s, "leases | Leases\n");
	assert_int_equal(compile(s, NULL, false, 0).compiled, 1);
	p = page_of(&a, s, "leases", 0);
	assert_true(p->serveable);
	assert_int_equal(p->n_sources, 2);
	remove_file(s, "docs/b.md");
	free(sync_told(s, "docs", false, 0));
	p = page_of(&a, s, "leases", 0);
	assert_true(has_error(p, 5));
	assert_int_equal(p->lint_status, BR_WIKI_FAILED);
	assert_false(p->serveable);
	assert_true(p->dirty);
	assert_non_null(strstr(p->why, "deleted"));
	l = run(s, true, BR_ECHECK);
	assert_int_equal(l.failed, 1);
	assert_int_equal(l.recompiled, 0);
	l = run(s, false, 0); /* compiles it anew */
	assert_int_equal(l.recompiled, 1);
	assert_int_equal(l.passed, 1);
	p = page_of(&a, s, "leases", 0);
	assert_true(p->serveable);
	assert_int_equal(p->version, 2);
	assert_int_equal(p->n_sources, 1);
	assert_string_equal(p->reason, "recompile");
	assert_null(strstr(p->body, "renewed"));
	br_arena_release(&a);
}

static void test_e2_is_compiled_anew_once(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct puppet pup;
	const struct br_wiki_model *m = puppet(&pup, "It has 3 things and none of them is cited here, for fifty characters and more.");
	struct br_wiki_lint_opts o = { .model = m };
	struct br_wiki_linted l;

	put_file(s, "docs/a.md", "# Leases\n\nA lease is a lock that ends by itself after ten seconds.\n");
	free(sync_told(s, "docs", false, 0));
	plan(s, "leases | Leases\n");
	assert_int_equal(compile(s, m, false, 0).passed, 0);
	assert_int_equal(pup.asked, 1); /* a fallback is not asked for again by the compile itself */
	assert_int_equal(br_wiki_lint(&l, s->ws, first_nb(s), &o, NULL), -BR_ECHECK);
	assert_int_equal(l.recompiled, 1);
	assert_int_equal(pup.asked, 2);
	assert_int_equal(br_wiki_lint(&l, s->ws, first_nb(s), &o, NULL), -BR_ECHECK);
	assert_int_equal(l.recompiled, 0);
	assert_int_equal(pup.asked, 2);
	assert_int_equal(page_of(&a, s, "leases", 0)->newest, 2);
	br_arena_release(&a);
}

static void test_lint_names_pages_that_are_not_there(void **state)
{
	struct scratch *s = *state;
	const char *const slug[] = { "nothing", NULL }, *const bad[] = { "No Slug", NULL };
	struct br_wiki_lint_opts o = { .slug = slug };
	struct br_wiki_linted l;

	assert_int_equal(br_wiki_lint(&l, s->ws, first_nb(s), &o, NULL), -BR_ENOTFOUND);
	o.slug = bad;
	assert_int_equal(br_wiki_lint(&l, s->ws, first_nb(s), &o, NULL), -BR_EUSAGE);
	assert_int_equal(run(s, false, 0).checked, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_markers_have_one_form),
		cmocka_unit_test(test_markers_are_stripped_with_their_blanks),
		cmocka_unit_test(test_claims_know_section_and_markers),
		cmocka_unit_test(test_numbers_dates_and_negations_contradict),
		cmocka_unit_test(test_what_is_no_contradiction_is_neutral),
		cmocka_unit_test_setup_teardown(test_e1_warns_of_repetition, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_e2_blocks_claims_without_citation, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_e3_blocks_contradictions_but_in_caveats, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_e4_warns_of_other_pages, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_findings_are_bounded, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_e5_is_there_from_the_removal_on, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_e2_is_compiled_anew_once, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_lint_names_pages_that_are_not_there, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
