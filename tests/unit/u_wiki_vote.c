/* Which page answers a question: each row of the table, who may take part, several notebooks. */
#include "workspace.h"

#include "wiki_pages.h"

static const char *const returns[] = { "refund", "send goods back", "退货政策", NULL }, *const shipping[] = { "postage", "delivery fee", NULL };

/* Two pages that words and meaning tell apart. The bodies pass by decree. */
static void prepare(struct scratch *s)
{
	make_page(s, "return-policy", "Return policy", returns, "Goods may be sent back within fourteen days for a refund.", "Body of returns.\n", true);
	make_page(s, "shipping-fees", "Shipping fees", shipping, "Parcels cost five euros of postage inside the country.", "Body of shipping.\n", true);
}

static struct br_wiki_match match(struct br_arena *a, struct scratch *s, const char *question, double floor, double margin, const struct br_wiki_model *model)
{
	struct br_wiki_match_opts o = { floor, margin, model };
	uint32_t nb = first_nb(s);
	struct br_wiki_match m;
	struct br_err err = { 0 };

	if (br_wiki_match(&m, a, s->ws, &nb, 1, question, &o, &err) < 0)
		fail_msg("%s", err.msg);
	return m;
}

/* Meaning as the tests want it: NEVER no page is near enough, ALWAYS the nearest is. */
#define NEVER 0.9999, 0.0001
#define ALWAYS 0.0001, 1e-9
#define GIVEN(q, meaning, m) match(&a, s, q, meaning, m)

static void test_row_a_both_agree(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_match m;
	struct puppet p;

	prepare(s);
	m = GIVEN("How do I get a refund for goods?", ALWAYS, puppet(&p, "shipping-fees"));
	assert_int_equal(m.row, 'a');
	assert_true(m.hit);
	assert_string_equal(m.slug, "return-policy");
	assert_string_equal(m.keyword, "return-policy");
	assert_string_equal(m.phrase, "refund");
	assert_string_equal(m.embedding, "return-policy");
	assert_true(m.cosine > m.second);
	assert_false(m.asked);
	assert_int_equal(p.asked, 0);
	br_arena_release(&a);
}

static void test_rows_b_and_c_the_model_decides(void **state)
{
	static const char *const aliases[] = { "parcel goods sent back within fourteen days for a refund", NULL };
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_match m;
	struct puppet p;

	/* An alias of the shipping page is the other's whole summary: the words choose the one, the meaning the other. */
	make_page(s, "return-policy", "Return policy", returns, "Goods may be sent back within fourteen days for a refund.", "B.\n", true);
	make_page(s, "shipping-fees", "Shipping fees", aliases, "Parcels cost five euros.", "B.\n", true);
	m = GIVEN("parcel goods sent back within fourteen days for a refund", ALWAYS, puppet(&p, " `shipping-fees`.\n"));
	assert_string_equal(m.keyword, "shipping-fees");
	assert_string_equal(m.embedding, "return-policy");
	assert_int_equal(m.row, 'b');
	assert_true(m.hit && m.asked);
	assert_string_equal(m.slug, "shipping-fees");
	assert_non_null(strstr(p.told, "return-policy: Return policy. Goods may be"));
	m = GIVEN("parcel goods sent back within fourteen days for a refund", ALWAYS, puppet(&p, "return-policy"));
	assert_int_equal(m.row, 'b');
	assert_string_equal(m.slug, "return-policy");
	m = GIVEN("parcel goods sent back within fourteen days for a refund", ALWAYS, puppet(&p, "none"));
	assert_int_equal(m.row, 'c');
	assert_false(m.hit);
	assert_null(m.slug);
	assert_null(m.llm);
	assert_int_equal(p.asked, 1);
	br_arena_release(&a);
}

static void test_row_d_words_alone_need_the_model(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_match m;
	struct puppet p;

	prepare(s);
	m = GIVEN("postage?", NEVER, puppet(&p, "shipping-fees"));
	assert_int_equal(m.row, 'd');
	assert_null(m.embedding);
	assert_true(m.hit);
	assert_string_equal(m.slug, "shipping-fees");
	m = GIVEN("postage?", NEVER, puppet(&p, "return-policy")); /* nobody else is for it */
	assert_int_equal(m.row, 'd');
	assert_false(m.hit);
	br_arena_release(&a);
}

static void test_row_e_meaning_alone_needs_the_model(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_match m;
	struct puppet p;

	prepare(s);
	m = GIVEN("How many euros do parcels cost?", ALWAYS, puppet(&p, "shipping-fees"));
	assert_int_equal(m.row, 'e');
	assert_null(m.keyword);
	assert_string_equal(m.embedding, "shipping-fees");
	assert_true(m.hit);
	assert_string_equal(m.slug, "shipping-fees");
	br_arena_release(&a);
}

static void test_row_f_nobody_votes(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_match m;
	struct puppet p;

	prepare(s);
	m = GIVEN("Who won the race?", NEVER, puppet(&p, "return-policy"));
	assert_int_equal(m.row, 'f');
	assert_false(m.hit || m.asked);
	assert_int_equal(p.asked, 0);
	br_arena_release(&a);
}

static void test_row_g_differing_without_a_model_is_a_miss(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_match m;
	struct puppet p;

	prepare(s);
	m = GIVEN("postage?", NEVER, NULL);
	assert_int_equal(m.row, 'g');
	assert_string_equal(m.keyword, "shipping-fees");
	assert_false(m.hit);
	m = GIVEN("How many euros do parcels cost?", ALWAYS, NULL);
	assert_int_equal(m.row, 'g');
	assert_false(m.hit);
	m = GIVEN("postage?", NEVER, puppet(&p, NULL)); /* one that fails is as none */
	assert_int_equal(m.row, 'g');
	assert_false(m.hit || m.asked);
	br_arena_release(&a);
}

static void test_words_are_whole_and_the_longest_win(void **state)
{
	static const char *const one[] = { "go", NULL }, *const two[] = { "go modules", "re-index", NULL };
	struct scratch *s = *state;
	struct br_arena a = { 0 };

	make_page(s, "go-language", "Golang", one, "x", "B.\n", true);
	make_page(s, "modules", "Modules of it", two, "y", "B.\n", true);
	prepare(s);
	assert_null(GIVEN("Where are the goals?", NEVER, NULL).keyword);
	assert_string_equal(GIVEN("Why GO?!", NEVER, NULL).keyword, "go-language");
	assert_string_equal(GIVEN("How do Go  modules work", NEVER, NULL).keyword, "modules");
	assert_string_equal(GIVEN("the go-modules thing", NEVER, NULL).keyword, "modules");
	assert_string_equal(GIVEN("must I reindex?", NEVER, NULL).keyword, "modules");
	assert_string_equal(GIVEN("RE-INDEX it", NEVER, NULL).keyword, "modules");
	assert_string_equal(GIVEN("你们的退货政策是什么？", NEVER, NULL).keyword, "return-policy");
	assert_string_equal(GIVEN("ｒｅｆｕｎｄ", NEVER, NULL).keyword, "return-policy"); /* full width */
	br_arena_release(&a);
}

static void test_equal_phrases_of_two_pages_abstain(void **state)
{
	static const char *const one[] = { "lamp", NULL };
	struct scratch *s = *state;
	struct br_arena a = { 0 };

	make_page(s, "one", "First", one, "x", "B.\n", true);
	make_page(s, "two", "Second", one, "y", "B.\n", true);
	assert_null(GIVEN("the lamp", NEVER, NULL).keyword);
	assert_int_equal(GIVEN("the lamp", NEVER, NULL).row, 'f');
	br_arena_release(&a);
}

static void test_floor_and_margin(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_match m;

	prepare(s);
	m = GIVEN("How many euros do parcels cost?", ALWAYS, NULL);
	assert_non_null(m.embedding);
	assert_null(match(&a, s, "How many euros do parcels cost?", m.cosine + 0.001, 1e-9, NULL).embedding);
	assert_non_null(match(&a, s, "How many euros do parcels cost?", m.cosine - 0.001, 1e-9, NULL).embedding);
	assert_null(match(&a, s, "How many euros do parcels cost?", 0.0001, m.cosine - m.second + 0.001, NULL).embedding);
	assert_non_null(match(&a, s, "How many euros do parcels cost?", 0.0001, m.cosine - m.second - 0.001, NULL).embedding);
	br_arena_release(&a);
}

static void test_only_serveable_pages_take_part(void **state)
{
	static const char *const both[] = { "refund", NULL };
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_match m;
	bool reindex;

	prepare(s);
	/* As good a match, and failed: with it the words would abstain. */
	make_page(s, "failed-page", "Failed", both, "Goods may be sent back within fourteen days for a refund.", "- no citation 7\n", false);
	m = GIVEN("How do I get a refund for goods?", ALWAYS, NULL);
	assert_true(m.hit);
	assert_string_equal(m.slug, "return-policy");
	assert_int_equal(br_nb_set(s->ws, "default", "wiki.enabled", "false", &reindex, NULL), 0);
	m = GIVEN("How do I get a refund for goods?", ALWAYS, NULL);
	assert_false(m.hit);
	assert_int_equal(m.row, 'f');
	br_arena_release(&a);
}

static void test_a_page_that_lost_a_passage_leaves_the_vote(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_match m;

	put_file(s, "docs/a.md", "# Leases\n\nA lease is a lock that ends by itself after ten seconds.\n");
	put_file(s, "docs/b.md", "# Boats\n\nA boat is a small ship that floats on water.\n");
	free(sync_told(s, "docs", false, 0));
	plan(s, "leases | Leases | lease\nboats | Boats | boat\n");
	assert_int_equal(compile(s, NULL, false, 0).compiled, 2);
	m = GIVEN("What is a lease?", ALWAYS, NULL);
	assert_true(m.hit);
	assert_string_equal(m.slug, "leases");
	remove_file(s, "docs/a.md");
	free(sync_told(s, "docs", false, 0));
	m = GIVEN("What is a lease?", ALWAYS, NULL);
	assert_false(m.hit);
	assert_null(m.keyword);
	assert_string_equal(m.embedding, "boats"); /* the next one, as nothing is asked of it here */
	br_arena_release(&a);
}

/* ---- several notebooks ---- */

static void make_in_notebook(struct scratch *s, const char *name, const char *summary)
{
	assert_int_equal(br_nb_use(s->ws, name, NULL), 0);
	make_page(s, "return-policy", "Return policy", returns, summary, "B.\n", true);
}

static void test_the_default_notebook_wins_a_slug_of_two(void **state)
{
	struct br_wiki_match_opts o = { ALWAYS, NULL };
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_match m;
	uint32_t one, nb[2];
	char id[37];

	one = first_nb(s);
	assert_int_equal(br_nb_create(s->ws, "second", id, NULL), 0);
	make_in_notebook(s, "default", "Something about goods.");
	make_in_notebook(s, "second", "How do I get a refund for goods?");
	nb[0] = one;
	nb[1] = first_nb(s);
	assert_int_not_equal(nb[0], nb[1]);
	assert_int_equal(br_wiki_match(&m, &a, s->ws, nb, 2, "How do I get a refund for goods?", &o, NULL), 0);
	assert_true(m.hit);
	assert_int_equal(m.nb, one);
	nb[0] = nb[1];
	assert_int_equal(br_wiki_match(&m, &a, s->ws, nb, 1, "How do I get a refund for goods?", &o, NULL), 0);
	assert_int_equal(m.nb, nb[1]);
	assert_true(m.cosine > 0.6); /* that one's own summary is the question */
	br_arena_release(&a);
}

static void test_of_two_others_the_nearer_wins(void **state)
{
	struct br_wiki_match_opts o = { ALWAYS, NULL };
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_match m;
	uint32_t nb[3];
	char id[37];

	nb[0] = first_nb(s);
	assert_int_equal(br_nb_create(s->ws, "second", id, NULL), 0);
	assert_int_equal(br_nb_create(s->ws, "third", id, NULL), 0);
	make_in_notebook(s, "second", "Something about goods.");
	nb[1] = first_nb(s);
	make_in_notebook(s, "third", "How do I get a refund for goods?");
	nb[2] = first_nb(s);
	assert_int_equal(br_wiki_match(&m, &a, s->ws, nb, 3, "How do I get a refund for goods?", &o, NULL), 0);
	assert_true(m.hit);
	assert_int_equal(m.nb, nb[2]);
	assert_int_equal(br_wiki_match(&m, &a, s->ws, (uint32_t[]){ 99 }, 1, "refund", &o, NULL), -BR_ENOTFOUND);
	br_arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
		TEST(test_row_a_both_agree),
		TEST(test_rows_b_and_c_the_model_decides),
		TEST(test_row_d_words_alone_need_the_model),
		TEST(test_row_e_meaning_alone_needs_the_model),
		TEST(test_row_f_nobody_votes),
		TEST(test_row_g_differing_without_a_model_is_a_miss),
		TEST(test_words_are_whole_and_the_longest_win),
		TEST(test_equal_phrases_of_two_pages_abstain),
		TEST(test_floor_and_margin),
		TEST(test_only_serveable_pages_take_part),
		TEST(test_a_page_that_lost_a_passage_leaves_the_vote),
		TEST(test_the_default_notebook_wins_a_slug_of_two),
		TEST(test_of_two_others_the_nearer_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
