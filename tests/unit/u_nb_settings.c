/* Settings of notebooks: the table is sound, values are checked, all or nothing is stored, and what others wrote stays. */
#include "workspace.h"

static void ok(int rc, const struct br_err *err)
{
	if (rc < 0)
		fail_msg("%s", err->msg);
}

/* ---- the table ---- */

static void test_table_is_sound(void **state)
{
	const struct br_nb_setting *s;
	struct br_err err;
	size_t n, i, k;

	(void)state;
	s = br_nb_settings(&n);
	assert_true(n > 50);
	for (i = 0; i < n; i++) {
		size_t h = strlen(s[i].help);
		if (h < 3 || s[i].help[h - 1] == '.')
			fail_msg("%s: help", s[i].key);
		if (s[i].type == BR_NBS_CONFIG ? !br_setting_find(s[i].key) : s[i].type == BR_NBS_ENUM ? !s[i].choices : s[i].choices != NULL)
			fail_msg("%s: type", s[i].key);
		if (s[i].dflt && br_nb_setting_check(s[i].key, s[i].dflt, &err) < 0)
			fail_msg("its own default: %s", err.msg);
		for (k = 0; k < i; k++) {
			assert_string_not_equal(s[k].key, s[i].key);
			if ((s[i].beyond && s[k].beyond && !strcmp(s[i].beyond, s[k].beyond)) || (s[i].quivr && s[k].quivr && !strcmp(s[i].quivr, s[k].quivr)) ||
			    (s[i].baiyuan && s[k].baiyuan && !strcmp(s[i].baiyuan, s[k].baiyuan)))
				fail_msg("%s and %s have one name in an API", s[i].key, s[k].key);
		}
	}
}

/* Names, types and defaults as the contract of the settings route has them. */
static void test_names_of_the_settings_route(void **state)
{
	static const struct { const char *name, *json; } rows[] = {
		{ "system_prompt_retrieval", "\"\"" }, { "inference_provider", "\"openrouter\"" }, { "inference_model", "\"openai/gpt-4o-mini\"" },
		{ "inference_temperature", "0.4" }, { "active_strategy_id", "\"fusion\"" }, { "ingestion_timeout_minutes", "10" },
		{ "max_conversation_messages", "50" }, { "enable_multimodal_processing", "false" }, { "enable_ai_synthesis", "false" },
		{ "judge_enabled", "true" }, { "language_mode", "null" }, { "default_persona", "null" }, { "default_language", "null" },
		{ "enhancement_concurrency", "null" }, { "smart_router_enabled", "false" }, { "strategies_config.strategy_id", "null" },
		{ "strategies_config.match_count", "10" }, { "strategies_config.full_text_weight", "1" }, { "strategies_config.semantic_weight", "1" },
		{ "strategies_config.rrf_k", "60" }, { "strategies_config.rerank_top_k", "5" }, { "db_type", "\"cloud\"" },
		{ "storage_provider", "\"supabase\"" }, { "embedding_model", "\"openai/text-embedding-3-small\"" },
		{ "ingestion_settings.chunk_size", "1000" }, { "ingestion_settings.chunk_overlap", "0" }, { "ingestion_settings.parser", "\"Docling Parser\"" },
	};
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_err err;
	struct br_txn *t;
	struct br_nb *nb;
	struct br_nb_values *v;

	ok(br_txn_read(&t, s->ws->store, &err), &err);
	ok(br_nb_get(&nb, &a, t, NULL, &err), &err);
	br_txn_end(t);
	v = br_nb_values_new(nb);
	for (size_t i = 0; i < BR_COUNT(rows); i++) {
		const struct br_nb_setting *row = br_nb_setting_named(BR_API_BEYOND, rows[i].name);
		struct br_buf b = BR_BUF_INIT(1000);
		struct br_json j;
		if (!row)
			fail_msg("no setting for %s", rows[i].name);
		br_json_init(&j, &b, false);
		br_nb_value_write(&j, v, row);
		assert_string_equal(b.ptr, rows[i].json);
		br_buf_release(&b);
	}
	assert_null(br_nb_setting_named(BR_API_BEYOND, "nonsense"));
	assert_string_equal(br_nb_setting_named(BR_API_QUIVR, "retention_policy.max_documents")->key, "retention.max_documents");
	assert_string_equal(br_nb_setting_named(BR_API_BAIYUAN, "wiki_enabled")->key, "wiki.enabled");
	br_nb_values_free(v);
	br_arena_release(&a);
}

/* ---- values ---- */

static void test_values_are_checked(void **state)
{
	static const struct { const char *key, *value; bool good; } rows[] = {
		{ "chat.temperature", "0", true }, { "chat.temperature", "2", true }, { "chat.temperature", "2.01", false }, { "chat.temperature", "-0.1", false },
		{ "chat.temperature", "warm", false }, { "chat.temperature", "", false }, { "chat.temperature", "nan", false }, { "chat.temperature", "0.5 ", false },
		{ "search.top", "1", true }, { "search.top", "50", true }, { "search.top", "0", false }, { "search.top", "51", false }, { "search.top", "3.5", false },
		{ "search.rrf_k", "200", true }, { "search.rrf_k", "201", false }, { "search.full_text_weight", "2", true }, { "search.full_text_weight", "2.5", false },
		{ "chat.judge", "true", true }, { "chat.judge", "off", true }, { "chat.judge", "maybe", false }, { "chat.judge", "True", false },
		{ "chat.persona", "mentor", true }, { "chat.persona", "pirate", false }, { "chat.persona", "mentor|clear", false }, { "chat.persona", "", false },
		{ "chat.language", "ja", true }, { "chat.language", "xx", false }, { "search.strategy", "kb_explorer", true },
		{ "search.strategy", "multi-query", true }, { "search.strategy", "magic", false },
		{ "chat.system_prompt", "Be brief.\nCite.\tAlways.", true }, { "chat.system_prompt", "\x07", false }, { "chat.system_prompt", "\xc3", false },
		{ "icon", "\xf0\x9f\x93\x8a", true }, { "icon", "a\nb", false }, { "icon", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", false },
		{ "tags", "a,b", true }, { "tags", "", true }, { "tags", "a,,b", false }, { "tags", "[\"a, b\"]", true }, { "tags", "[1]", false }, { "tags", "[\"a\"", false },
		{ "metadata", "{\"a\":[1,{}]}", true }, { "metadata", "[]", false }, { "metadata", "{", false }, { "metadata", "", false },
		{ "ingest.heading_patterns", "^Chapter [0-9]+", true }, { "ingest.heading_patterns", "(", false },
		{ "ingest.metadata_schema", "{\"team\":{\"type\":\"string\",\"required\":true,\"enum\":[\"a\"]}}", true },
		{ "ingest.metadata_schema", "{\"team\":{\"type\":\"colour\"}}", false }, { "ingest.metadata_schema", "{\"team\":1}", false },
		{ "ingest.metadata_schema", "{\"team\":{\"required\":\"yes\"}}", false }, { "ingest.metadata_schema", "{\"team\":{\"enum\":\"a\"}}", false },
		{ "chunk.size", "99", false }, { "chunk.size", "100", true }, { "nonsense", "1", false }, { "retention.max_storage_gb", "0.5", true },
	};
	struct br_err err;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(rows); i++) {
		int rc = br_nb_setting_check(rows[i].key, rows[i].value, &err);
		if (rc != (rows[i].good ? 0 : -BR_EUSAGE))
			fail_msg("%s = '%s' gives %d", rows[i].key, rows[i].value, rc);
		if (rc < 0)
			assert_non_null(strstr(err.msg, rows[i].key));
	}
	assert_int_equal(br_nb_setting_check("chat.persone", "x", &err), -BR_EUSAGE);
	assert_non_null(strstr(err.msg, "did you mean 'chat.persona'?"));
}

static void load(struct scratch *s, struct br_arena *a, struct br_nb **nb)
{
	struct br_err err;
	struct br_txn *t;

	ok(br_txn_read(&t, s->ws->store, &err), &err);
	ok(br_nb_get(nb, a, t, NULL, &err), &err);
	br_txn_end(t);
}

static void test_all_or_nothing(void **state)
{
	static const struct br_nb_pair good[] = {
		{ "chat.temperature", "0.7" }, { "chat.persona", "clear" }, { "chunk.overlap", "400" }, { "chunk.size", "500" }, { "tags", "x,y" },
		{ "chat.system_prompt", "a \"b\"\n" }, { "wiki.enabled", "false" }, { "chat.temperature", "0.8" },
	}, bad[] = { { "chat.temperature", "0.1" }, { "search.top", "99" } }, overlap[] = { { "chunk.size", "400" } };
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_nb_values *v;
	struct br_err err;
	struct br_nb *nb;
	bool reindex;

	ok(br_nb_set_all(s->ws, NULL, good, BR_COUNT(good), &reindex, &err), &err);
	assert_true(reindex);
	assert_int_equal(br_nb_set_all(s->ws, NULL, bad, 2, &reindex, &err), -BR_EUSAGE);
	assert_int_equal(br_nb_set_all(s->ws, NULL, overlap, 1, &reindex, &err), -BR_EUSAGE);
	scratch_reopen(s);
	load(s, &a, &nb);
	v = br_nb_values_new(nb);
	assert_true(br_nb_num(v, "chat.temperature") == 0.8);
	assert_string_equal(br_nb_str(v, "chat.persona"), "clear");
	assert_string_equal(br_nb_str(v, "chat.system_prompt"), "a \"b\"\n");
	assert_false(br_nb_bool(v, "wiki.enabled"));
	assert_int_equal(nb->chunking.size, 500);
	assert_int_equal(nb->chunking.overlap, 400);
	assert_int_equal(br_nb_int(v, "search.top"), 10);
	assert_false(br_nb_is_set(v, "search.top"));
	assert_true(br_nb_is_set(v, "tags"));
	assert_string_equal(br_jval_str(br_jval_first(br_nb_json(v, "tags"))), "x");
	assert_null(br_nb_str(v, "chat.language"));
	assert_int_equal(br_nb_int(v, "enhance.concurrency"), 0);
	assert_true(br_nb_bool(v, "chat.judge"));
	br_nb_values_free(v);

	ok(br_nb_set(s->ws, NULL, "chat.temperature", NULL, &reindex, &err), &err);
	assert_false(reindex);
	ok(br_nb_set_all(s->ws, NULL, (struct br_nb_pair[]){ { "chunk.size", NULL }, { "chunk.overlap", NULL } }, 2, &reindex, &err), &err);
	load(s, &a, &nb);
	v = br_nb_values_new(nb);
	assert_true(br_nb_num(v, "chat.temperature") == 0.4);
	assert_string_equal(br_nb_str(v, "chat.persona"), "clear");
	assert_int_equal(nb->chunking.size, 1000);
	assert_int_equal(nb->chunking.overlap, 0);
	br_nb_values_free(v);
	br_arena_release(&a);
	check_verify(s);
}

static void test_fixed_with_documents(void **state)
{
	struct scratch *s = *state;
	struct br_err err;
	bool reindex;

	ok(br_nb_set(s->ws, NULL, "api.embedding_model", "baai/bge-m3", &reindex, &err), &err);
	put_file(s, "docs/a.md", "# Apples\n\nApples grow on trees.\n");
	free(sync_told(s, "docs", false, 0));
	assert_int_equal(br_nb_set(s->ws, NULL, "api.embedding_model", "other", &reindex, &err), -BR_EUSAGE);
	assert_non_null(strstr(err.msg, "fixed"));
	ok(br_nb_set(s->ws, NULL, "chat.model", "other", &reindex, &err), &err);
	assert_best(s, "apples", NULL, "docs/a.md");
	check_verify(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_sound), cmocka_unit_test(test_values_are_checked), T(test_names_of_the_settings_route),
		T(test_all_or_nothing), T(test_fixed_with_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
