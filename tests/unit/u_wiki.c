/* The wiki: slugs and lists, compiling, versions and what may be served, patches, records that are damaged, export. */
#include "workspace.h"

#include "wiki_pages.h"

/* ---- words ---- */

static void assert_normal(const char *text, const char *want)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);

	br_wiki_normalize(&b, br_slice_str(text));
	assert_string_equal(b.ptr, want);
	br_buf_release(&b);
}

static void test_normal_form_of_questions(void **state)
{
	(void)state;
	assert_normal("Return policy?", "return policy");
	assert_normal("  RETURN\t\n policy ", "return policy");
	assert_normal("Ｒｅｔｕｒｎ　ｐｏｌｉｃｙ？", "return policy");
	assert_normal("退货政策是什么？", "退货政策是什么");
	assert_normal("退货，政策。", "退货政策");
	assert_normal("a-b's", "abs");
	assert_normal("ÄÖÜ ÉÀ ЖЁ", "äöü éà жё");
	assert_normal("?!", "");
}

static void assert_slug(const char *text, const char *want)
{
	struct br_arena a = { 0 };

	assert_string_equal(br_wiki_slugify(&a, text), want);
	br_arena_release(&a);
}

static void test_slugs(void **state)
{
	struct br_err err = { 0 };
	struct br_arena a = { 0 };
	char *zh = br_wiki_slugify(&a, "退货政策");

	(void)state;
	assert_slug("Return Policy", "return-policy");
	assert_slug("  What's new in C++ 11? ", "whats-new-in-c-11");
	assert_slug("Größe & Éclair", "grosse-eclair");
	assert_memory_equal(zh, "topic-", 6);
	assert_int_equal(strlen(zh), 14);
	assert_string_equal(zh, br_wiki_slugify(&a, "退货政策"));
	assert_string_not_equal(zh, br_wiki_slugify(&a, "运费"));
	assert_true(br_wiki_slug_ok("a", NULL) && br_wiki_slug_ok("return-policy-2", NULL) && br_wiki_slug_ok(zh, NULL));
	assert_false(br_wiki_slug_ok("", NULL) || br_wiki_slug_ok("-a", NULL) || br_wiki_slug_ok("a-", NULL) || br_wiki_slug_ok("a--b", NULL) ||
		     br_wiki_slug_ok("A", NULL) || br_wiki_slug_ok("a/b", NULL) || br_wiki_slug_ok("../a", NULL) || br_wiki_slug_ok(NULL, NULL));
	assert_false(br_wiki_slug_ok("a b", &err));
	assert_int_equal(err.code, BR_EUSAGE);
	br_arena_release(&a);
}

static void test_tokens_and_summaries(void **state)
{
	struct br_arena a = { 0 };
	char *s;

	(void)state;
	assert_int_equal(br_wiki_token_count(br_slice_str("Leases end. [chunk_0123456789abcdef0123456789abcdef]")), 3);
	assert_int_equal(br_wiki_token_count(br_slice_str("退货政策")), 4);
	assert_int_equal(br_wiki_token_count(br_slice_str("internationalisation")), 4); /* 20 letters, six to a token */
	assert_int_equal(br_wiki_token_count(br_slice_str("")), 0);
	assert_string_equal(br_wiki__summary(&a, br_slice_str("Short.")), "Short.");
	s = br_wiki__summary(&a, br_slice_str("One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen."));
	assert_true(br_wiki__chars(br_slice_str(s)) <= 80);
	assert_string_equal(s, "One two three four five six seven eight nine ten eleven twelve thirteen…");
	br_arena_release(&a);
}

/* ---- lists ---- */

static int parse(struct br_wiki_topics *t, struct br_arena *a, const char *text, struct br_err *err)
{
	return br_wiki_plan_parse(t, a, br_slice_str(text), "topics", err);
}

static void test_lists_are_read_and_written(void **state)
{
	static const char text[] = "return-policy | Return policy | returns, refund | policy\nshipping-fees | Shipping fees\n";
	struct br_buf out = BR_BUF_INIT(SIZE_MAX);
	struct br_arena a = { 0 };
	struct br_wiki_topics t;

	(void)state;
	assert_int_equal(parse(&t, &a, "# a comment\n\nreturn-policy|Return  policy|returns,, refund |policy\nshipping-fees\n", NULL), 0);
	assert_int_equal(t.v.n, 2);
	assert_string_equal(t.v.v[0].alias[1], "refund");
	assert_null(t.v.v[0].alias[2]);
	br_wiki_plan_write(&out, &t);
	assert_string_equal(out.ptr, text);
	br_vec_release(&t.v);
	assert_int_equal(parse(&t, &a, "[{\"slug\":\"a-b\",\"title\":\"A B\",\"aliases\":[\"x\",\"y\"],\"category\":\"c\"},{\"slug\":\"c\"}]", NULL), 0);
	assert_string_equal(t.v.v[0].alias[1], "y");
	assert_string_equal(t.v.v[1].title, "C");
	br_vec_release(&t.v);
	br_buf_release(&out);
	br_arena_release(&a);
}

static void test_lists_that_make_no_sense(void **state)
{
	static const char *const bad[] = { "Not A Slug\n", "[{\"title\":\"x\"}]", "{\"slug\":\"x\"}", "[1,", "a | t | [chunk_0123456789abcdef0123456789abcdef]\n" };
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_topics t;
	struct br_err err = { 0 };

	for (size_t i = 0; i < BR_COUNT(bad); i++)
		assert_int_equal(parse(&t, &a, bad[i], &err), -BR_EINPUT);
	assert_int_equal(parse(&t, &a, "ok\n\nx | \xff\n", NULL), -BR_EINPUT);
	assert_int_equal(parse(&t, &a, "ok\n\nNo\n", &err), -BR_EINPUT);
	assert_non_null(strstr(err.msg, "topics: line 3"));
	assert_int_equal(parse(&t, &a, "a | A | one\nb | B | ONE\n", &err), 0);
	assert_int_equal(br_wiki_plan_set(s->ws, first_nb(s), t.v.v, t.v.n, &err), -BR_EUSAGE);
	assert_non_null(strstr(err.msg, "alias of both 'a' and 'b'"));
	br_vec_release(&t.v);
	assert_int_equal(parse(&t, &a, "a\na\n", &err), 0);
	assert_int_equal(br_wiki_plan_set(s->ws, first_nb(s), t.v.v, t.v.n, &err), -BR_EUSAGE);
	br_vec_release(&t.v);
	assert_int_equal(br_wiki_plan_set(s->ws, 77, NULL, 0, &err), -BR_ENOTFOUND);
	br_arena_release(&a);
}

/* ---- documents ---- */

static void put_docs(struct scratch *s)
{
	put_file(s, "docs/leases.md", "# Leases\n\nA lease is a lock that ends by itself after ten seconds.\n\n## Renewal of a lease\n\n"
		"Whoever holds a lease renews it every five seconds.\nIs a lease a promise?\n\n```\nlease --code\n```\n");
	put_file(s, "docs/grants.md", "# Grants\n\nA grant names the lease and whoever got it.\n\nGrants are kept in a log.\n");
	put_file(s, "docs/boats.md", "# Boats\n\nA boat is a small ship that floats on water.\n");
	free(sync_told(s, "docs", false, 0));
}

/* Every marker resolves to a passage that has the words of its claim. */
static void check_claims(struct scratch *s, const char *slug)
{
	struct br_arena a = { 0 };
	struct br_wiki_page *p = page_of(&a, s, slug, 0);
	uint32_t nb = first_nb(s);
	struct br_wiki_passages src;
	struct claims c;
	struct br_txn *t;

	assert_non_null(p);
	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_wiki_sources(&src, &a, t, nb, p, NULL), 0);
	br_txn_end(t);
	assert_int_equal(src.v.n, p->n_sources);
	br_wiki__claims(&c, br_slice_str(p->body));
	assert_true(c.v.n > 0);
	for (size_t i = 0; i < c.v.n; i++) {
		const char *text = NULL;
		assert_int_equal(c.v.v[i].markers, 1);
		for (size_t k = 0; k < src.v.n; k++)
			if (!memcmp(src.v.v[k].chunk, c.m.v[c.v.v[i].first_marker].id.ptr, 32))
				text = src.v.v[k].text;
		assert_non_null(text);
		assert_non_null(strstr(br_wiki__one_line(&a, br_slice_str(text)), br_arena_strndup(&a, c.v.v[i].text.ptr, c.v.v[i].text.len)));
	}
	br_wiki__claims_release(&c);
	br_vec_release(&src.v);
	br_arena_release(&a);
}

/* ---- compiling without a model ---- */

static void test_a_page_is_made_of_quoted_sentences(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_page *p;
	struct br_wiki_report r;

	put_docs(s);
	plan(s, "lease | Lease | leases | locks\nwarranty | Product warranty\n");
	r = compile(s, NULL, false, 0);
	assert_int_equal(r.topics, 2);
	assert_int_equal(r.compiled, 1);
	assert_int_equal(r.passed, 1);
	assert_int_equal(r.skipped, 1); /* nothing about warranties */
	assert_null(page_of(&a, s, "warranty", 0));
	p = page_of(&a, s, "lease", 0);
	assert_string_equal(p->title, "Lease");
	assert_string_equal(p->category, "locks");
	assert_string_equal(p->compiled_by, "br");
	assert_true(p->serveable);
	assert_false(p->dirty);
	assert_int_equal(p->version, 1);
	assert_int_equal(p->published, 1);
	assert_int_equal(p->status, BR_WIKI_ACTIVE);
	assert_true(strlen(p->summary) <= 80);
	assert_memory_equal(p->body, p->summary, strlen(p->summary));
	assert_non_null(strstr(p->body, "A lease is a lock that ends by itself after ten seconds. [chunk_"));
	assert_null(strstr(p->body, "boat"));
	assert_null(strstr(p->body, "Is a lease a promise"));
	assert_null(strstr(p->body, "--code"));
	check_claims(s, "lease");
	br_arena_release(&a);
}

static void test_unchanged_pages_are_skipped(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	uint64_t stamp[3];
	uint32_t nb;
	struct br_txn *t;

	put_docs(s);
	nb = first_nb(s);
	plan(s, "lease | Lease\nboat | Boat\n");
	assert_int_equal(compile(s, NULL, false, 0).compiled, 2);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
		assert_int_equal(br_wiki_stamp(&stamp[i], t, nb, NULL), 0);
		br_txn_end(t);
		if (i == 0) {
			assert_int_equal(compile(s, NULL, false, 0).skipped, 2); /* settled */
		} else if (i == 1) {
			put_file(s, "docs/rain.md", "# Rain\n\nRain falls on water now and then.\n");
			free(sync_told(s, "docs", false, 0));
			assert_true(page_of(&a, s, "lease", 0)->dirty);
			assert_int_equal(compile(s, NULL, false, 0).skipped, 2); /* gathered, and the same */
			assert_false(page_of(&a, s, "lease", 0)->dirty);
		}
	}
	assert_true(stamp[0] > 0 && stamp[0] == stamp[1] && stamp[1] == stamp[2]);
	assert_int_equal(compile(s, NULL, true, 0).compiled, 2);
	assert_int_equal(page_of(&a, s, "lease", 0)->version, 2);
	br_arena_release(&a);
}

static void test_what_changes_a_page(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	const char *before;

	put_docs(s);
	plan(s, "lease | Lease\nboat | Boat\n");
	compile(s, NULL, false, 0);
	plan(s, "lease | Lease | tenancy\nboat | Boat\n"); /* an alias is part of the fingerprint */
	assert_int_equal(compile(s, NULL, false, 0).compiled, 1);
	assert_int_equal(page_of(&a, s, "lease", 0)->version, 2);
	put_file(s, "docs/more.md", "# More about the lease\n\nThe lease of a dead holder is taken by the next one.\n");
	free(sync_told(s, "docs", false, 0));
	assert_true(page_of(&a, s, "lease", 0)->serveable); /* until the next compile */
	assert_int_equal(compile(s, NULL, false, 0).compiled, 1);
	assert_non_null(strstr(page_of(&a, s, "lease", 0)->body, "dead holder"));
	/* passages that did not change keep their ids when their document does */
	before = page_of(&a, s, "lease", 0)->body;
	put_file(s, "docs/boats.md", "# Boats\n\nA boat is a small ship that floats on water.\n\n## Oars\n\nOars are long and made of wood, most often.\n");
	free(sync_told(s, "docs", false, 0));
	assert_true(page_of(&a, s, "boat", 0)->version == 1);
	compile(s, NULL, false, 0);
	assert_string_equal(page_of(&a, s, "lease", 0)->body, before);
	br_arena_release(&a);
}

static void test_a_document_indexed_again_keeps_its_pages(void **state)
{
	struct scratch *s = *state;
	struct br_ingest_opts o = { .force = true };
	struct br_ingest_stats st;
	struct br_arena a = { 0 };
	char *path;

	put_docs(s);
	plan(s, "lease | Lease\n");
	compile(s, NULL, false, 0);
	path = scratch_path(s, "docs/leases.md");
	assert_int_equal(br_ingest(&st, s->ws, (const char *const *)&path, 1, &o, NULL), 0);
	free(path);
	assert_true(page_of(&a, s, "lease", 0)->serveable);
	assert_int_equal(compile(s, NULL, false, 0).skipped, 1);
	move_file(s, "docs/leases.md", "docs/tenancies.md");
	free(sync_told(s, "docs", false, 0));
	assert_true(page_of(&a, s, "lease", 0)->serveable);
	check_claims(s, "lease");
	br_arena_release(&a);
}

static void test_pages_without_a_source_or_a_plan_go(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_pages list;
	uint32_t nb;
	uint64_t n;
	struct br_txn *t;

	put_docs(s);
	nb = first_nb(s);
	plan(s, "lease | Lease\nboat | Boat\n");
	compile(s, NULL, false, 0);
	remove_file(s, "docs/boats.md");
	free(sync_told(s, "docs", false, 0));
	assert_int_equal(page_of(&a, s, "boat", 0)->status, BR_WIKI_DELETED); /* at once */
	assert_int_equal(compile(s, NULL, false, 0).removed, 1);
	assert_true(page_of(&a, s, "boat", 0)->deleted_at > 0);
	plan(s, "boat | Boat\n");
	assert_int_equal(compile(s, NULL, false, 0).removed, 1);
	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_wiki_count(&n, t, nb, NULL), 0);
	assert_int_equal(n, 0);
	assert_int_equal(br_wiki_list(&list, &a, t, nb, false, NULL), 0);
	assert_int_equal(list.v.n, 0);
	assert_int_equal(br_wiki_list(&list, &a, t, nb, true, NULL), 0);
	assert_int_equal(list.v.n, 2);
	br_txn_end(t);
	br_vec_release(&list.v);
	put_docs(s);
	assert_int_equal(compile(s, NULL, false, 0).compiled, 1); /* and comes back */
	assert_int_equal(page_of(&a, s, "boat", 0)->version, 2);
	assert_true(page_of(&a, s, "boat", 0)->serveable);
	br_arena_release(&a);
}

static void test_without_a_plan_topics_are_found(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_topics t;
	struct br_txn *txn;
	uint32_t nb;
	bool lease = false;

	put_docs(s);
	nb = first_nb(s);
	plan(s, "grants | What grants are\n");
	assert_int_equal(br_wiki_plan_make(&t, &a, s->ws, nb, NULL, NULL), 0);
	for (size_t i = 0; i < t.v.n; i++) {
		lease |= !strcmp(t.v.v[i].slug, "leases");
		assert_string_not_equal(t.v.v[i].slug, "grants"); /* that of people stays */
	}
	assert_true(lease);
	br_vec_release(&t.v);
	assert_int_equal(br_txn_read(&txn, s->ws->store, NULL), 0);
	assert_int_equal(br_wiki_plan_get(&t, &a, txn, nb, NULL), 0);
	br_txn_end(txn);
	for (size_t i = 0; i < t.v.n; i++)
		assert_int_equal(t.v.v[i].manual, !strcmp(t.v.v[i].slug, "grants"));
	br_vec_release(&t.v);
	br_arena_release(&a);
}

static void test_contradicting_sources_go_to_caveats(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_page *p;

	put_file(s, "docs/a.md", "# Return window\n\nThe return window for goods is 14 days after delivery.\n");
	put_file(s, "docs/b.md", "# Return window, older\n\nThe return window for goods is 30 days after delivery.\n");
	free(sync_told(s, "docs", false, 0));
	plan(s, "return-window | Return window\n");
	assert_int_equal(compile(s, NULL, false, 0).passed, 1);
	p = page_of(&a, s, "return-window", 0);
	assert_non_null(strstr(p->body, "## Caveats\n\n- The return window for goods is"));
	br_arena_release(&a);
}

static void test_one_run_at_a_time(void **state)
{
	struct scratch *s = *state;
	struct br_wiki_compile_opts o = { 0 };
	struct br_wiki_report r;
	struct br_lock lock;
	uint32_t nb = first_nb(s);

	put_docs(s);
	assert_false(br_wiki_running(s->ws, nb));
	assert_int_equal(br_wiki__lock(&lock, s->ws, nb, NULL), 0);
	assert_true(br_wiki_running(s->ws, nb));
	assert_false(br_wiki_running(s->ws, nb + 1));
	assert_int_equal(br_wiki_compile(&r, s->ws, nb, &o, NULL), -BR_EEXISTS);
	br_lock_drop(&lock);
	assert_int_equal(br_wiki_compile(&r, s->ws, nb, &o, NULL), 0);
	assert_int_equal(br_wiki_compile(&r, s->ws, 77, &o, NULL), -BR_ENOTFOUND);
}

/* ---- compiling with a model ---- */

static const char *id_in(struct br_arena *a, struct scratch *s, const char *slug)
{
	return br_arena_strdup(a, page_of(a, s, slug, 0)->source[0].chunk);
}

static void test_a_model_is_held_to_its_passages(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct puppet pup;
	struct br_wiki_page *p;
	const char *id, *before;

	put_docs(s);
	plan(s, "lease | Lease\n");
	compile(s, NULL, false, 0);
	id = id_in(&a, s, "lease");
	before = page_of(&a, s, "lease", 0)->body;
	compile(s, puppet(&pup, br_arena_printf(&a, "```markdown\n# Lease\n\nLeases end by themselves. [chunk_%s] [chunk_00000000000000000000000000000000]\n\n"
		"## Renewal\n\n- Every 5 seconds. [chunk_%s] [claim_x]\n```\n", id, id)), false, 0);
	assert_int_equal(pup.asked, 1);
	assert_non_null(strstr(pup.told, br_arena_printf(&a, "<passage marker=\"[chunk_%s]\">", id)));
	assert_non_null(strstr(pup.told, br_arena_printf(&a, "The page as it is:\n%s", before)));
	p = page_of(&a, s, "lease", 0);
	assert_string_equal(p->compiled_by, "puppet");
	assert_string_equal(p->body, br_arena_printf(&a, "Leases end by themselves. [chunk_%s]\n\n## Renewal\n\n- Every 5 seconds. [chunk_%s]\n", id, id));
	assert_string_equal(p->summary, "Leases end by themselves.");
	assert_int_equal(p->n_sources, 1);
	assert_true(p->serveable);
	br_arena_release(&a);
}

static void test_a_model_that_misses_markers_is_told_once(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct puppet pup;
	const struct br_wiki_model *m = puppet(&pup, NULL);
	struct br_wiki_page *p;
	const char *id;

	put_docs(s);
	plan(s, "lease | Lease\n");
	compile(s, NULL, false, 0);
	id = id_in(&a, s, "lease");
	pup.says[0] = br_arena_printf(&a, "Leases end. [chunk_%s]\n- after 10 seconds\n", id);
	pup.says[1] = br_arena_printf(&a, "Leases end. [chunk_%s]\n- after 10 seconds [chunk_%s]\n", id, id);
	compile(s, m, false, 0);
	assert_int_equal(pup.asked, 2);
	assert_non_null(strstr(pup.told, "Every sentence and list item needs one"));
	p = page_of(&a, s, "lease", 0);
	assert_int_equal(p->version, 3);
	assert_true(p->serveable);
	assert_int_equal(page_of(&a, s, "lease", 2)->lint_status, BR_WIKI_FAILED);
	br_arena_release(&a);
}

static void test_a_page_without_markers_waits_for_a_person(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct puppet pup;
	struct br_wiki_page *p;
	uint32_t nb;

	put_docs(s);
	nb = first_nb(s);
	plan(s, "lease | Lease\n");
	compile(s, NULL, false, 0);
	compile(s, puppet(&pup, "leases are something that ends, and nobody here says where that was read"), false, 0);
	p = page_of(&a, s, "lease", 0);
	assert_int_equal(p->version, 1); /* what was published keeps serving */
	assert_true(p->serveable);
	assert_int_equal(p->newest, 2);
	p = page_of(&a, s, "lease", 2);
	assert_string_equal(p->tags[0], "wiki_fallback");
	assert_true(p->confidence < 0.5);
	assert_false(p->serveable);
	assert_int_equal(br_wiki_publish(s->ws, nb, "lease", 2, false, "anna", NULL), -BR_ECHECK);
	assert_int_equal(br_wiki_publish(s->ws, nb, "lease", 2, true, "anna", NULL), 0);
	p = page_of(&a, s, "lease", 0);
	assert_int_equal(p->version, 2);
	assert_true(p->serveable);
	assert_string_equal(p->actor, "anna");
	br_arena_release(&a);
}

static void test_a_failing_model_keeps_pages(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_report r;
	struct puppet pup;

	put_docs(s);
	plan(s, "boat | Boat\ngrant | Grant\nlease | Lease\nwater | Water\n");
	assert_int_equal(compile(s, NULL, false, 0).compiled, 4);
	r = compile(s, puppet(&pup, NULL), false, BR_EPARTIAL);
	assert_int_equal(r.failed, 4);
	assert_int_equal(pup.asked, 3); /* then it is given up */
	assert_true(page_of(&a, s, "lease", 0)->serveable);
	assert_int_equal(page_of(&a, s, "lease", 0)->version, 1);
	r = compile(s, puppet(&pup, "too short"), false, BR_EPARTIAL);
	assert_true(r.failed == 4);
	br_arena_release(&a);
}

static void test_a_model_plans(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_topics t;
	struct puppet pup;

	put_docs(s);
	assert_int_equal(br_wiki_plan_make(&t, &a, s->ws, first_nb(s), puppet(&pup, "```json\n[{\"slug\":\"water-craft\",\"title\":\"Water craft\",\"aliases\":[\"boats\",\"ships\"],"
		"\"category\":\"x\"},{\"slug\":\"Bad Slug\"},{\"slug\":\"leases\",\"aliases\":[\"boats\",\"tenancy\"]}]\n```"), NULL), 0);
	assert_non_null(strstr(pup.told, "- Leases"));
	assert_int_equal(t.v.n, 2);
	assert_string_equal(t.v.v[0].slug, "water-craft");
	assert_string_equal(t.v.v[1].alias[0], "tenancy"); /* an alias belongs to one */
	assert_null(t.v.v[1].alias[1]);
	br_vec_release(&t.v);
	assert_int_equal(br_wiki_plan_make(&t, &a, s->ws, first_nb(s), puppet(&pup, "I cannot do that."), NULL), 0);
	assert_true(t.v.n > 0); /* of titles and headings, then */
	br_vec_release(&t.v);
	br_arena_release(&a);
}

/* ---- versions ---- */

static void test_versions_and_the_pointer(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_pages h;
	uint32_t nb;
	struct br_txn *t;

	put_docs(s);
	nb = first_nb(s);
	plan(s, "lease | Lease\n");
	compile(s, NULL, false, 0);
	make_page(s, "lease", "Lease", NULL, "x", "- uncited 7\n", false);
	assert_int_equal(page_of(&a, s, "lease", 0)->version, 1);
	assert_int_equal(page_of(&a, s, "lease", 2)->lint_status, BR_WIKI_FAILED);
	assert_int_equal(page_of(&a, s, "lease", 2)->status, BR_WIKI_STALE);
	compile(s, NULL, true, 0);
	assert_int_equal(page_of(&a, s, "lease", 0)->version, 3);
	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_wiki_history(&h, &a, t, nb, "lease", NULL), 0);
	br_txn_end(t);
	assert_int_equal(h.v.n, 3);
	assert_int_equal(h.v.v[0].version, 3);
	assert_int_equal(h.v.v[2].version, 1);
	assert_null(h.v.v[0].body);
	br_vec_release(&h.v);
	assert_int_equal(br_wiki_publish(s->ws, nb, "lease", 2, false, "", NULL), -BR_ECHECK);
	assert_int_equal(br_wiki_publish(s->ws, nb, "lease", 1, false, "", NULL), 0);
	assert_int_equal(page_of(&a, s, "lease", 0)->version, 1);
	assert_int_equal(br_wiki_publish(s->ws, nb, "lease", 9, false, "", NULL), -BR_ENOTFOUND);
	remove_file(s, "docs/leases.md");
	free(sync_told(s, "docs", false, 0));
	assert_int_equal(br_wiki_publish(s->ws, nb, "lease", 3, true, "", NULL), -BR_ECHECK); /* deleted knowledge does not come back */
	assert_null(page_of(&a, s, "nothing", 0));
	assert_null(page_of(&a, s, "../x", 0));
	br_arena_release(&a);
}

static void test_old_versions_go_but_the_published_one(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_pages h;
	uint32_t nb = first_nb(s);
	struct br_txn *t;

	make_page(s, "p", "P", NULL, "x", "B.\n", true);
	for (int i = 0; i < BR_MAX_WIKI_VERSIONS + 2; i++)
		make_page(s, "p", "P", NULL, "x", "- uncited 7\n", false);
	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_wiki_history(&h, &a, t, nb, "p", NULL), 0);
	br_txn_end(t);
	assert_int_equal(h.v.n, BR_MAX_WIKI_VERSIONS + 1);
	assert_int_equal(h.v.v[h.v.n - 1].version, 1);
	assert_int_equal(page_of(&a, s, "p", 0)->version, 1);
	br_vec_release(&h.v);
	br_arena_release(&a);
}

static void test_the_setting_switches_the_wiki_off(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	bool reindex;

	make_page(s, "p", "P", NULL, "x", "B.\n", true);
	assert_true(page_of(&a, s, "p", 0)->serveable);
	assert_int_equal(br_nb_set(s->ws, "default", "wiki.enabled", "false", &reindex, NULL), 0);
	assert_false(page_of(&a, s, "p", 0)->serveable);
	br_arena_release(&a);
}

/* ---- patches ---- */

static struct br_wiki_patched patch_as(struct br_arena *a, struct scratch *s, struct br_wiki_patch p, int want)
{
	struct br_wiki_patched r;
	struct br_err err = { 0 };
	int rc = br_wiki_patch(&r, a, s->ws, first_nb(s), &p, &err);

	if (rc != -want)
		fail_msg("patch gave %d (%s), wanted %d", rc, err.msg, -want);
	return r;
}

static struct br_wiki_patched patch(struct br_arena *a, struct scratch *s, const char *section, const char *claim, const char *content)
{
	return patch_as(a, s, (struct br_wiki_patch){ .slug = "company", .section = section, .claim = claim, .content = content, .confidence = 0.98, .actor = "geo" }, 0);
}

static void put_company(struct scratch *s)
{
	put_file(s, "docs/company.md", "# Company overview\n\nThe company makes small boats for rivers.\n\n## Company leadership\n\nThe company leadership meets twice a year.\n");
	free(sync_told(s, "docs", false, 0));
	plan(s, "company | Company\n");
	assert_int_equal(compile(s, NULL, false, 0).passed, 1);
}

static const char *body(struct br_arena *a, struct scratch *s) { return page_of(a, s, "company", 0)->body; }

static void test_p1_p2_merging_into_a_section(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_patched r;
	const char *before;

	put_company(s);
	before = body(&a, s);
	r = patch(&a, s, "board-members", "c-1", "CEO: Anna Berg"); /* P9 */
	assert_int_equal(r.version, 2);
	assert_int_equal(r.lint_status, BR_WIKI_PASSED); /* P2 */
	assert_true(r.live);
	assert_int_equal(r.n_errors, 0);
	assert_string_equal(body(&a, s), br_arena_printf(&a, "%s\n## Board members\n\n- CEO: Anna Berg [claim_c-1]\n", before));
	r = patch(&a, s, "Board Members", "c-2", "The board has 5 members. It meets in May.");
	assert_non_null(strstr(body(&a, s), "- CEO: Anna Berg [claim_c-1]\n- The board has 5 members. [claim_c-2] It meets in May. [claim_c-2]\n"));
	r = patch(&a, s, "board-members", "c-1", "CEO: Carl Dorn"); /* the same claim is replaced */
	assert_null(strstr(body(&a, s), "Anna"));
	assert_non_null(strstr(body(&a, s), "CEO: Carl Dorn [claim_c-1]"));
	assert_int_equal(r.version, 4);
	r = patch(&a, s, "board-members", "c-1", "CEO: Carl Dorn"); /* idempotent */
	assert_int_equal(r.version, 4);
	assert_int_equal(page_of(&a, s, "company", 0)->newest, 4);
	br_arena_release(&a);
}

static void test_p3_patches_outlive_a_compile(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_patches list;
	uint32_t nb;
	struct br_txn *t;

	put_company(s);
	nb = first_nb(s);
	patch(&a, s, "facts", "c-1", "Founded: 1998");
	compile(s, NULL, true, 0);
	assert_int_equal(page_of(&a, s, "company", 0)->version, 3);
	assert_non_null(strstr(body(&a, s), "- Founded: 1998 [claim_c-1]\n"));
	assert_true(page_of(&a, s, "company", 0)->serveable);
	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_wiki_patches(&list, &a, t, nb, "company", NULL), 0);
	br_txn_end(t);
	assert_int_equal(list.v.n, 1);
	assert_string_equal(list.v.v[0].actor, "geo"); /* P8 */
	assert_int_equal(list.v.v[0].version, 2);
	assert_string_equal(page_of(&a, s, "company", 2)->reason, "patch");
	assert_string_equal(page_of(&a, s, "company", 2)->actor, "geo");
	br_vec_release(&list.v);
	br_arena_release(&a);
}

static void test_p4_a_patch_that_fails_lint_is_not_live(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_patched r;

	put_company(s);
	patch(&a, s, "facts", "c-1", "The whole company has 90 people.");
	r = patch(&a, s, "other-facts", "c-2", "The whole company has 120 people.");
	assert_int_equal(r.lint_status, BR_WIKI_FAILED);
	assert_false(r.live);
	assert_int_equal(r.error[0].code, 3);
	assert_int_equal(page_of(&a, s, "company", 0)->version, 2);
	assert_true(page_of(&a, s, "company", 0)->serveable);
	br_arena_release(&a);
}

static void test_p5_a_patch_raises_the_stamp(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	uint64_t before, after;
	struct br_txn *t;
	uint32_t nb;

	put_company(s);
	nb = first_nb(s);
	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_wiki_stamp(&before, t, nb, NULL), 0);
	br_txn_end(t);
	patch(&a, s, "facts", "c-1", "Founded: 1998");
	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_wiki_stamp(&after, t, nb, NULL), 0);
	br_txn_end(t);
	assert_true(after > before);
	br_arena_release(&a);
}

static void test_p6_what_gives_way(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_patched r;

	put_company(s);
	patch(&a, s, "facts", "c-1", "**CEO**: Anna Berg");
	r = patch(&a, s, "facts", "c-2", "ceo: Carl Dorn"); /* the same key */
	assert_int_equal(r.superseded, 1);
	assert_null(strstr(body(&a, s), "Anna"));
	patch(&a, s, "facts", "c-3", "The whole company has 90 people.");
	r = patch(&a, s, "facts", "c-4", "The whole company has 120 people."); /* contradicted */
	assert_int_equal(r.superseded, 1);
	assert_true(r.live);
	assert_null(strstr(body(&a, s), "90 people"));
	assert_non_null(strstr(body(&a, s), "Carl Dorn"));
	br_arena_release(&a);
}

static void test_p7_a_page_that_is_not_there(void **state)
{
	struct br_wiki_patch p = { .slug = "new-page", .section = "facts", .claim = "c", .content = "Founded: 1998", .confidence = 1 };
	struct scratch *s = *state;
	struct br_arena a = { 0 };

	patch_as(&a, s, p, BR_ENOTFOUND);
	p.create = true;
	assert_true(patch_as(&a, s, p, 0).live);
	assert_string_equal(page_of(&a, s, "new-page", 0)->body, "## Facts\n\n- Founded: 1998 [claim_c]\n");
	assert_string_equal(page_of(&a, s, "new-page", 0)->title, "New page");
	put_file(s, "docs/a.md", "# Boats\n\nA boat is a small ship that floats on water.\n");
	free(sync_told(s, "docs", false, 0));
	assert_int_equal(compile(s, NULL, false, 0).removed, 0); /* no plan, and it stays */
	assert_true(page_of(&a, s, "new-page", 0)->serveable);
	br_arena_release(&a);
}

static void test_p8_patches_that_are_refused(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_patch good = { .slug = "company", .section = "facts", .claim = "c", .content = "Founded: 1998", .confidence = 0.5 }, p;

	put_company(s);
	p = good, p.confidence = 0.49;
	patch_as(&a, s, p, BR_EUSAGE);
	p = good, p.confidence = 1.01;
	patch_as(&a, s, p, BR_EUSAGE);
	p = good, p.claim = "c d";
	patch_as(&a, s, p, BR_EUSAGE);
	p = good, p.claim = "c]";
	patch_as(&a, s, p, BR_EUSAGE);
	p = good, p.slug = "Company";
	patch_as(&a, s, p, BR_EUSAGE);
	p = good, p.section = "";
	patch_as(&a, s, p, BR_EUSAGE);
	p = good, p.section = "a\n## b";
	patch_as(&a, s, p, BR_EUSAGE);
	p = good, p.content = NULL;
	patch_as(&a, s, p, BR_EUSAGE);
	p = good, p.content = "x [chunk_0123456789abcdef0123456789abcdef]";
	patch_as(&a, s, p, BR_EUSAGE);
	p = good, p.content = "## Heading";
	patch_as(&a, s, p, BR_EUSAGE);
	patch_as(&a, s, good, 0);
	br_arena_release(&a);
}

/* ---- damage ---- */

struct record { struct br_key key; char val[8192]; size_t n; };
struct all { BR_VEC(struct record) v; };

static void read_all(struct all *out, struct scratch *s)
{
	struct br_cur cur;
	struct br_txn *t;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_cur_open(&cur, t, BR_T_WIKI, NULL), 0);
	for (int rc = br_cur_seek(&cur, br_slice("", 0), NULL); rc > 0; rc = br_cur_next(&cur, NULL)) {
		struct record *r = br_vec_push(&out->v);
		assert_true(cur.val.len <= sizeof r->val);
		r->key.n = cur.key.len;
		memcpy(r->key.b, cur.key.ptr, cur.key.len);
		memcpy(r->val, cur.val.ptr, r->n = cur.val.len);
	}
	br_cur_close(&cur);
	br_txn_end(t);
}

static void test_damaged_records_are_told(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct all all = { { 0 } };

	put_company(s);
	patch(&a, s, "facts", "c-1", "Founded: 1998");
	read_all(&all, s);
	assert_int_equal(all.v.n, 7); /* topic, page, two versions, patch, report, stamp */
	for (size_t i = 0; i < all.v.n; i++) {
		struct record *r = &all.v.v[i];
		struct br_slice key = br_key_slice(&r->key);
		char *copy;
		assert_int_equal(br_wiki__record_check(key, br_slice(r->val, r->n), NULL), 0);
		for (size_t n = 0; n < r->n; n++) { /* every length but the right one, in memory of just that size */
			copy = br_alloc(n + 1);
			memcpy(copy, r->val, n);
			assert_int_equal(br_wiki__record_check(key, br_slice(copy, n), NULL), -BR_ECORRUPT);
			free(copy);
		}
		r->val[r->n] = 0;
		assert_int_equal(br_wiki__record_check(key, br_slice(r->val, r->n + 1), NULL), -BR_ECORRUPT);
		if (strcmp(r->key.b + 5, "stamp")) {
			r->val[0] = 9;
			assert_int_equal(br_wiki__record_check(key, br_slice(r->val, r->n), NULL), -BR_EVERSION);
		}
		assert_int_equal(br_wiki__record_check(br_slice(key.ptr, 5), br_slice(r->val, r->n), NULL), -BR_ECORRUPT);
	}
	br_vec_release(&all.v);
	br_arena_release(&a);
}

static int damage(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct record *r = arg;

	return br_put(t, BR_T_WIKI, br_key_slice(&r->key), br_slice(r->val, r->n), err);
}

static int fix(struct br_txn *t, void *arg, struct br_err *err) { return br_wiki_verify(arg, t, true, NULL, NULL, err); }

static uint64_t problems(struct scratch *s)
{
	struct br_txn *t;
	uint64_t n;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_wiki_verify(&n, t, false, NULL, NULL, NULL), 0);
	br_txn_end(t);
	return n;
}

static void test_verify_and_repair(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct all all = { { 0 } };
	uint64_t n;

	put_company(s);
	read_all(&all, s);
	assert_int_equal(problems(s), 0);
	for (size_t i = 0; i < all.v.n; i++)
		if (all.v.v[i].key.b[4] == KIND_VERSION) {
			all.v.v[i].n -= 3;
			assert_int_equal(br_store_write(s->ws->store, damage, &all.v.v[i], NULL), 0);
		}
	assert_int_equal(problems(s), 1);
	assert_int_equal(br_store_write(s->ws->store, fix, &n, NULL), 0);
	assert_int_equal(problems(s), 0);
	assert_null(page_of(&a, s, "company", 0));
	assert_int_equal(compile(s, NULL, false, 0).passed, 1);
	assert_true(page_of(&a, s, "company", 0)->serveable);
	check_verify(s);
	br_vec_release(&all.v);
	br_arena_release(&a);
}

static void test_a_notebook_takes_its_wiki_along(void **state)
{
	struct scratch *s = *state;
	struct all all = { { 0 } };

	put_company(s);
	assert_int_equal(br_nb_delete(s->ws, "default", NULL), 0);
	read_all(&all, s);
	assert_int_equal(all.v.n, 0);
	br_vec_release(&all.v);
}

/* ---- export ---- */

static struct br_wiki_exported export(struct scratch *s, int want)
{
	struct br_wiki_export_opts o = { 0 };
	struct br_wiki_exported x;
	char *dir = scratch_path(s, "wiki");

	assert_int_equal(br_wiki_export(&x, s->ws, first_nb(s), dir, &o, NULL), -want);
	free(dir);
	return x;
}

static char *read_text(struct scratch *s, const char *rel)
{
	char *path = scratch_path(s, rel);
	struct br_buf b = BR_BUF_INIT(1 << 20);

	assert_int_equal(br_file_read(&b, path, 1 << 20, NULL), 0);
	free(path);
	return br_buf_take(&b, NULL);
}

static void test_export_writes_what_changed(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_wiki_exported x;
	char *text;

	put_company(s);
	put_file(s, "wiki/mine.md", "# My own\n");
	x = export(s, 0);
	assert_int_equal(x.written, 2);
	text = read_text(s, "wiki/company.md");
	assert_memory_equal(text, "---\ngenerator: br wiki\ntitle: \"Company\"\nslug: \"company\"\naliases: []\n", 68);
	assert_non_null(strstr(text, "[^1]: `docs/company.md`, lines "));
	assert_null(strstr(text, " [chunk_"));
	free(text);
	text = read_text(s, "wiki/README.md");
	assert_non_null(strstr(text, "- [Company](company.md): "));
	free(text);
	x = export(s, 0);
	assert_int_equal(x.written, 0);
	assert_int_equal(x.same, 2);
	patch(&a, s, "facts", "c-1", "Founded: 1998");
	x = export(s, 0);
	assert_int_equal(x.written, 1);
	assert_int_equal(x.same, 1);
	remove_file(s, "docs/company.md");
	free(sync_told(s, "docs", false, 0));
	x = export(s, 0);
	assert_int_equal(x.removed, 1);
	free(read_text(s, "wiki/mine.md"));
	put_file(s, "wiki/README.md", "# Mine\n");
	export(s, BR_EEXISTS);
	br_arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
		cmocka_unit_test(test_normal_form_of_questions),
		cmocka_unit_test(test_slugs),
		cmocka_unit_test(test_tokens_and_summaries),
		cmocka_unit_test(test_lists_are_read_and_written),
		TEST(test_lists_that_make_no_sense),
		TEST(test_a_page_is_made_of_quoted_sentences),
		TEST(test_unchanged_pages_are_skipped),
		TEST(test_what_changes_a_page),
		TEST(test_a_document_indexed_again_keeps_its_pages),
		TEST(test_pages_without_a_source_or_a_plan_go),
		TEST(test_without_a_plan_topics_are_found),
		TEST(test_contradicting_sources_go_to_caveats),
		TEST(test_one_run_at_a_time),
		TEST(test_a_model_is_held_to_its_passages),
		TEST(test_a_model_that_misses_markers_is_told_once),
		TEST(test_a_page_without_markers_waits_for_a_person),
		TEST(test_a_failing_model_keeps_pages),
		TEST(test_a_model_plans),
		TEST(test_versions_and_the_pointer),
		TEST(test_old_versions_go_but_the_published_one),
		TEST(test_the_setting_switches_the_wiki_off),
		TEST(test_p1_p2_merging_into_a_section),
		TEST(test_p3_patches_outlive_a_compile),
		TEST(test_p4_a_patch_that_fails_lint_is_not_live),
		TEST(test_p5_a_patch_raises_the_stamp),
		TEST(test_p6_what_gives_way),
		TEST(test_p7_a_page_that_is_not_there),
		TEST(test_p8_patches_that_are_refused),
		TEST(test_damaged_records_are_told),
		TEST(test_verify_and_repair),
		TEST(test_a_notebook_takes_its_wiki_along),
		TEST(test_export_writes_what_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
