/* Conditions as JSON: the truth table, types, absence, lists, dates, what is refused and where it stands, passages. */
#include "workspace.h"

static const char *meta = "{\"doc_type\":\"guide\",\"status\":\"published\",\"n\":5,\"tags\":[\"a\",\"b\",7],\"flag\":true,\"none\":null,\"document_id\":\"mine\","
	"\"date\":\"2024-06-15\",\"deep\":{\"x\":1}}";

static struct br_doc sample(void)
{
	return (struct br_doc){ .id = "01a1ffe3-cefc-70a2-a81e-bb1e61b3f060", .path = (char *)"docs/guide.md", .title = (char *)"Guide", .lang = "en", .format = BR_FMT_MARKDOWN,
		.created = 1718445600 /* 2024-06-15T10:00:00Z */, .meta = (char *)meta, .chunks = 1 };
}

static int compile(struct br_where **out, const char **place, struct br_arena *a, struct br_jdoc **doc, const char *text)
{
	struct br_err err = { 0 };

	assert_int_equal(br_jdoc_parse(doc, br_slice_str(text), "filter", &err), 0);
	return br_where_compile(out, place, a, br_jdoc_root(*doc), &err);
}

static void test_truth(void **state)
{
	static const struct { const char *where; bool match; } cases[] = {
		{ "{\"doc_type\":{\"$in\":[\"runbook\",\"guide\"]},\"status\":\"published\"}", true },
		{ "{\"doc_type\":\"guide\",\"status\":\"draft\"}", false },
		{ "{\"$and\":[{\"doc_type\":{\"$eq\":\"guide\"}},{\"n\":{\"$gte\":5}}]}", true },
		{ "{\"n\":{\"$gt\":4,\"$lt\":5}}", false },
		{ "{\"n\":\"5\"}", false },
		{ "{\"tags\":\"b\"}", true },
		{ "{\"accessible_by\":\"eng\"}", false },
		{ "{\"accessible_by\":{\"$ne\":\"eng\"}}", true },
		{ "{\"$or\":[{\"status\":\"draft\"},{\"tags\":{\"$in\":[\"z\",\"a\"]}}]}", true },
		/* types */
		{ "{\"flag\":1}", false }, { "{\"flag\":true}", true }, { "{\"n\":5.0}", true }, { "{\"none\":null}", true }, { "{\"missing\":null}", false },
		{ "{\"tags\":7}", true }, { "{\"tags\":\"7\"}", false }, { "{\"deep\":\"x\"}", false }, { "{\"deep.x\":1}", false },
		/* absent: only negations hold */
		{ "{\"missing\":{\"$gt\":0}}", false }, { "{\"missing\":{\"$nin\":[1]}}", true }, { "{\"missing\":{\"$in\":[1]}}", false },
		{ "{\"missing\":{\"$contains\":\"\"}}", false }, { "{\"missing\":{\"$not_contains\":\"x\"}}", true },
		/* lists */
		{ "{\"tags\":{\"$ne\":\"a\"}}", false }, { "{\"tags\":{\"$nin\":[\"z\"]}}", true }, { "{\"tags\":{\"$gt\":\"A\"}}", false },
		{ "{\"tags\":{\"$contains\":\"a\"}}", true }, { "{\"tags\":{\"$contains\":\"aa\"}}", false }, { "{\"n\":{\"$in\":[]}}", false }, { "{\"n\":{\"$nin\":[]}}", true },
		/* order, of bytes */
		{ "{\"status\":{\"$gt\":\"publish\"}}", true }, { "{\"status\":{\"$lte\":\"published\"}}", true }, { "{\"status\":{\"$lt\":\"Z\"}}", false },
		{ "{\"n\":{\"$gt\":\"4\"}}", false }, { "{\"flag\":{\"$gte\":0}}", false },
		/* logic */
		{ "{\"$not\":{\"n\":5}}", false }, { "{\"n\":{\"$not\":{\"$gt\":5}}}", true }, { "{\"$or\":[{\"n\":1},{\"$and\":[{\"n\":5},{\"flag\":true}]}],\"status\":\"published\"}", true },
		{ "{\"$or\":[{\"n\":1},{}]}", true }, { "{\"$and\":[{\"n\":5}],\"$or\":[{\"n\":6}]}", false },
		/* facts: metadata first, but for the id */
		{ "{\"filename\":\"guide.md\"}", true }, { "{\"file_path\":\"docs/guide.md\"}", true }, { "{\"document_id\":\"mine\"}", false },
		{ "{\"document_id\":\"01a1ffe3-cefc-70a2-a81e-bb1e61b3f060\"}", true }, { "{\"content_type\":\"text/markdown\"}", true }, { "{\"language\":\"en\"}", true },
		{ "{\"upload_date\":{\"$gte\":\"2024-06-15\",\"$lt\":\"2024-06-16\"}}", true }, { "{\"page_number\":0}", false },
		/* dates, both ends included */
		{ "{\"date_range\":[\"2024-06-15\",\"2024-06-15\"]}", true }, { "{\"date_range\":[null,\"2024-06-14\"]}", false },
		{ "{\"date_range\":[\"2024-06-01\",null]}", true }, { "{\"date_range\":[\"2024-06-15T00:00:01Z\",null]}", false },
	};
	struct br_doc d = sample();

	(void)state;
	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		struct br_arena a = { 0 };
		struct br_where *w;
		struct br_jdoc *doc;
		const char *place;
		assert_int_equal(compile(&w, &place, &a, &doc, cases[i].where), 0);
		assert_non_null(w);
		if (br_where_doc(w, &d) != cases[i].match)
			fail_msg("%s", cases[i].where);
		br_jdoc_free(doc);
		br_arena_release(&a);
	}
}

static void test_what_is_refused_and_where(void **state)
{
	static const struct { const char *where, *place; } cases[] = {
		{ "[]", "" }, { "5", "" }, { "{\"a\":{\"$near\":5}}", "a.$near" }, { "{\"a\":{}}", "a" }, { "{\"a\":[1,2]}", "a" }, { "{\"$and\":[]}", "$and" },
		{ "{\"$or\":{}}", "$or" }, { "{\"$or\":[{\"a\":1},{\"b\":{\"$x\":1}}]}", "$or[1].b.$x" }, { "{\"$nor\":[]}", "$nor" }, { "{\"a\":{\"b\":1}}", "a.b" },
		{ "{\"a\":{\"$in\":\"b\"}}", "a.$in" }, { "{\"a\":{\"$in\":[[1]]}}", "a.$in" }, { "{\"a\":{\"$gt\":true}}", "a.$gt" }, { "{\"a\":{\"$eq\":{}}}", "a.$eq" },
		{ "{\"a\":{\"$regex\":\"x\"}}", "a.$regex" }, { "{\"date_range\":[]}", "date_range" }, { "{\"date_range\":[1,2]}", "date_range" },
		{ "{\"date_range\":[\"2024-01-01\",\"2024-01-02\",null]}", "date_range" }, { "{\"$and\":[5]}", "$and[0]" }, { "{\"$not\":[]}", "$not" },
		{ "{\"a\":{\"$not\":{\"$x\":1}}}", "a.$not.$x" },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		struct br_arena a = { 0 };
		struct br_where *w;
		struct br_jdoc *doc;
		const char *place;
		assert_int_equal(compile(&w, &place, &a, &doc, cases[i].where), -BR_EUSAGE);
		assert_string_equal(place, cases[i].place);
		br_jdoc_free(doc);
		br_arena_release(&a);
	}
}

static void test_no_condition(void **state)
{
	struct br_err err = { 0 };
	struct br_arena a = { 0 };
	struct br_where *w;
	struct br_jdoc *doc;
	const char *place;

	(void)state;
	assert_int_equal(br_where_compile(&w, &place, &a, NULL, &err), 0);
	assert_null(w);
	assert_int_equal(compile(&w, &place, &a, &doc, "{}"), 0);
	assert_null(w);
	br_jdoc_free(doc);
	br_arena_release(&a);
}

static size_t hits(struct scratch *s, const char *text, double least)
{
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct br_err err = { 0 };
	struct br_arena a = { 0 };
	struct br_where *w = NULL;
	struct br_jdoc *doc;
	struct br_result r;
	const char *place;
	size_t n;

	assert_int_equal(compile(&w, &place, &a, &doc, text), 0);
	opts.where = w;
	opts.min_similarity = least;
	opts.strategy = "full_text";
	if (br_retrieve(&r, s->searcher, "fruit", &opts, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < r.n; i++)
		assert_true(r.hit[i].similarity >= 0 && r.hit[i].similarity <= 1);
	n = r.n;
	br_result_release(&r);
	br_jdoc_free(doc);
	br_arena_release(&a);
	return n;
}

static void test_passages_are_chosen_before_ranking(void **state)
{
	struct scratch *s = *state;
	struct br_buf b = BR_BUF_INIT(1 << 20);

	for (int i = 0; i < 3; i++)
		br_buf_addf(&b, "# Part %d\n\nfruit number %d %s\n\n%s", i, i, i == 1 ? "\n\n```\ncode of fruit\n```\n" : "", i == 2 ? "|fruit|b|\n|-|-|\n|1|2|\n\n" : "");
	for (int i = 0; i < 200; i++)
		br_buf_addf(&b, "fill%d ", i);
	put_file(s, "docs/a.md", b.ptr);
	put_file(s, "docs/b.md", "# Other\n\nfruit elsewhere\n");
	free(sync_told(s, "docs", false, 0));
	assert_int_equal(hits(s, "{}", 0), hits(s, "{\"chunk_index\":{\"$gte\":0}}", 0));
	assert_int_equal(hits(s, "{\"filename\":\"b.md\"}", 0), 1);
	assert_int_equal(hits(s, "{\"heading\":\"Other\"}", 0), 1);
	assert_int_equal(hits(s, "{\"heading\":{\"$contains\":\"the\"}}", 0), 1);
	assert_int_equal(hits(s, "{\"filename\":\"b.md\",\"has_code\":true}", 0), 0);
	assert_true(hits(s, "{\"has_code\":true}", 0) >= 1);
	assert_true(hits(s, "{\"has_table\":true}", 0) >= 1);
	assert_int_equal(hits(s, "{\"page_number\":{\"$gte\":1}}", 0), 0);
	assert_int_equal(hits(s, "{\"filename\":\"b.md\"}", 1.0), 1); /* it has every word of the question: nothing is nearer */
	br_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truth),
		cmocka_unit_test(test_what_is_refused_and_where),
		cmocka_unit_test(test_no_condition),
		cmocka_unit_test_setup_teardown(test_passages_are_chosen_before_ranking, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
