/* What the Baiyuan API is made of, piece by piece: keys and signatures, intents, the router and its modes, states, steps of a handoff, records. */
#include "workspace.h"

#include "../../src/tenant/internal.h"

static void ok(int rc, const struct br_err *err)
{
	if (rc < 0)
		fail_msg("%s", err->msg);
}

/* ---- words ---- */

static void test_the_cache_key_of_the_contract(void **state)
{
	char key[69], other[69];

	(void)state;
	br_tenant_cache_key(key, "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222", "Return policy?");
	assert_string_equal(key, "ans:d1792770dd304fd7def42b10db4de631b4e9b02e2aa7147c7cf93da16cfd2e5a");
	static const char *const same[] = { "return policy", "  RETURN   policy ?!", "Ｒeturn　Policy？", "return policy。" };
	for (size_t i = 0; i < BR_COUNT(same); i++) {
		br_tenant_cache_key(other, "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222", same[i]);
		assert_string_equal(other, key);
	}
	br_tenant_cache_key(other, "11111111-1111-1111-1111-111111111111", NULL, "Return policy?");
	assert_string_not_equal(other, key);
	br_tenant_cache_key(other, "31111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222", "Return policy?");
	assert_string_not_equal(other, key);
	br_tenant_cache_key(other, "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222", "Return policies?");
	assert_string_not_equal(other, key);
}

static void test_the_signature_of_the_contract(void **state)
{
	static const char body[] = "{\"external_id\":\"crm-product-1234\",\"kb_id\":\"22222222-2222-2222-2222-222222222222\",\"title\":\"t\",\"content\":\"c\",\"version\":5}";
	char hex[65];

	(void)state;
	assert_int_equal(sizeof body - 1, 119);
	br_tenant_sign(hex, "push-secret", br_slice_str(body));
	assert_string_equal(hex, "96b123bf5e363ce72b501e725c3b28e04a35b8973bffb6256e5cd57af2e38a1a");
	br_tenant_sign(hex, "Jefe", br_slice_str("what do ya want for nothing?")); /* RFC 4231, case 2 */
	assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void test_questions_in_nearly_the_same_words(void **state)
{
	(void)state;
	assert_true(words_agree("What is the return policy?", "please tell me about the return policy"));
	assert_true(words_agree("How do I reset pump A7?", "how can I reset the pump A7"));
	assert_true(words_agree("请问怎么退货？", "怎样退货"));
	assert_false(words_agree("How do I reset pump A7?", "How do I reset pump A8?"));
	assert_false(words_agree("Can I return it?", "Can I not return it?"));
	assert_false(words_agree("可以退货吗", "不可以退货吗"));
	assert_false(words_agree("Is it the pump?", "Is it the pump pump?"));
	assert_false(words_agree("what is it", "how is it"));
}

/* ---- intents ---- */

static void test_intents(void **state)
{
	static const struct { const char *q; enum br_intent is; } t[] = {
		{ "hi", BR_INTENT_SMALLTALK }, { "Hello there!", BR_INTENT_SMALLTALK }, { "thank you very much", BR_INTENT_SMALLTALK }, { "你好！", BR_INTENT_SMALLTALK },
		{ "您好，谢谢", BR_INTENT_SMALLTALK }, { "再见", BR_INTENT_SMALLTALK }, { "你是谁", BR_INTENT_SMALLTALK },
		{ "hi, what is the return policy", BR_INTENT_KNOWLEDGE }, { "high voltage", BR_INTENT_KNOWLEDGE }, { "thanks for the parcel, where is the invoice", BR_INTENT_KNOWLEDGE },
		{ "你好请问怎么退货", BR_INTENT_KNOWLEDGE }, { "好的产品有哪些", BR_INTENT_KNOWLEDGE }, { "okapi", BR_INTENT_KNOWLEDGE }, { "", BR_INTENT_KNOWLEDGE },
		{ "I want to talk to a human!", BR_INTENT_HANDOFF }, { "please transfer me to support", BR_INTENT_HANDOFF }, { "我要转人工", BR_INTENT_HANDOFF },
		{ "請幫我轉人工客服", BR_INTENT_HANDOFF }, { "My lawyer will call you", BR_INTENT_HANDOFF }, { "我要起诉你们", BR_INTENT_HANDOFF },
		{ "What rights do human agents have", BR_INTENT_KNOWLEDGE }, { "law yer", BR_INTENT_KNOWLEDGE }, { "what is the legal notice", BR_INTENT_KNOWLEDGE },
		{ "人工智能是什么", BR_INTENT_KNOWLEDGE },
		{ "What do you think about cats?", BR_INTENT_OPINION }, { "你觉得猫怎么样", BR_INTENT_OPINION }, { "Do you like pizza", BR_INTENT_OPINION },
		{ "How do you like the coffee served", BR_INTENT_KNOWLEDGE },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(t); i++)
		if (br_intent_of(t[i].q) != t[i].is)
			fail_msg("'%s' is %s", t[i].q, br_intent_name(br_intent_of(t[i].q)));
	assert_true(br_intent_refers_back("and the extended one?"));
	assert_true(br_intent_refers_back("那运费呢"));
	assert_true(br_intent_refers_back("does it cost more"));
	assert_false(br_intent_refers_back("what does shipping to islands cost"));
	assert_false(br_intent_refers_back("寄往海岛的包裹收取多少运费"));
}

/* ---- the router ---- */

static int64_t now_s;
static int64_t clock_ns(void) { return now_s * 1000000000; }
static const struct br_router_model models[] = { { "big", false }, { "other", false }, { "small", true } };

static void took(struct br_router *r, double seconds, int n)
{
	while (n--)
		br_router_took(r, seconds);
}

static void test_three_failures_pause_a_model(void **state)
{
	struct br_router *r;

	(void)state;
	now_s = 1000;
	r = br_router_new(models, 3, clock_ns);
	assert_int_equal(br_router_pick(r, 0), 0);
	assert_int_equal(br_router_pick(r, 1), 1);
	assert_int_equal(br_router_pick(r, 3), 2);
	assert_int_equal(br_router_pick(r, 7), -1);
	br_router_told(r, 0, false);
	br_router_told(r, 0, false);
	br_router_told(r, 0, true); /* not three in a row */
	br_router_told(r, 0, false);
	br_router_told(r, 0, false);
	assert_int_equal(br_router_mode(r), BR_MODE_NORMAL);
	assert_int_equal(br_router_pick(r, 0), 0);
	br_router_told(r, 0, false);
	assert_int_equal(br_router_mode(r), BR_MODE_DEGRADED); /* a model is down: the small one comes first */
	assert_int_equal(br_router_pick(r, 0), 2);
	assert_int_equal(br_router_pick(r, 4), 1);
	assert_int_equal(br_router_pick(r, 6), -1);
	now_s += 299;
	assert_int_equal(br_router_pick(r, 6), -1);
	now_s += 1;
	assert_int_equal(br_router_pick(r, 6), 0);
	assert_int_equal(br_router_mode(r), BR_MODE_DEGRADED); /* calm must last five minutes */
	now_s += 299;
	assert_int_equal(br_router_mode(r), BR_MODE_DEGRADED);
	now_s += 1;
	assert_int_equal(br_router_mode(r), BR_MODE_NORMAL);
	br_router_free(r);
}

static void test_modes_follow_the_time_answers_take(void **state)
{
	struct br_router *r;

	(void)state;
	now_s = 5000;
	r = br_router_new(models, 3, clock_ns);
	took(r, 9, 4);
	assert_int_equal(br_router_mode(r), BR_MODE_NORMAL); /* too few to tell */
	took(r, 5, 1);
	assert_int_equal(br_router_mode(r), BR_MODE_DEGRADED);
	assert_true(br_router_p95(r) == 9);
	now_s += 301; /* what was slow is forgotten */
	took(r, 4, 10);
	now_s += 300;
	took(r, 4, 10);
	assert_int_equal(br_router_mode(r), BR_MODE_DEGRADED); /* 4 s is neither good nor worse */
	took(r, 10.5, 5);
	assert_int_equal(br_router_mode(r), BR_MODE_CRITICAL);
	now_s += 301;
	took(r, 7, 10);
	assert_int_equal(br_router_mode(r), BR_MODE_CRITICAL);
	now_s += 150;
	took(r, 7, 10);
	assert_int_equal(br_router_mode(r), BR_MODE_CRITICAL);
	now_s += 150;
	assert_int_equal(br_router_mode(r), BR_MODE_DEGRADED); /* below 8 s for five minutes */
	now_s += 301;
	took(r, 1, 10);
	assert_int_equal(br_router_mode(r), BR_MODE_DEGRADED);
	now_s += 200;
	took(r, 9, 10); /* not calm any more: it begins anew */
	now_s += 301;
	took(r, 1, 10);
	now_s += 299;
	assert_int_equal(br_router_mode(r), BR_MODE_DEGRADED);
	now_s += 2;
	assert_int_equal(br_router_mode(r), BR_MODE_NORMAL);
	took(r, 20, 10);
	assert_int_equal(br_router_mode(r), BR_MODE_CRITICAL); /* both steps at once */
	br_router_free(r);
}

static void test_the_95th_of_a_hundred(void **state)
{
	struct br_router *r;

	(void)state;
	now_s = 9000;
	r = br_router_new(NULL, 0, clock_ns);
	assert_true(br_router_p95(r) == 0);
	for (int i = 1; i <= 100; i++)
		br_router_took(r, i / 100.0);
	assert_true(br_router_p95(r) == 0.95);
	assert_int_equal(br_router_pick(r, 0), -1);
	br_router_free(r);
}

/* ---- states ---- */

static void test_states_of_a_document(void **state)
{
	static const char *const may[] = { "uploaded extracting", "uploaded chunking", "extracting chunking", "extracting failed", "chunking embedding", "chunking failed",
		"embedding ready", "embedding failed", "ready re_embedding", "re_embedding ready", "failed extracting" };
	char step[60];

	(void)state;
	for (int from = 0; from < BR_TDOC_STATUS_COUNT; from++)
		for (int to = 0; to < BR_TDOC_STATUS_COUNT; to++) {
			bool want = to == BR_TDOC_DELETED && from != BR_TDOC_DELETED;
			snprintf(step, sizeof step, "%s %s", br_tdoc_status_name((enum br_tdoc_status)from), br_tdoc_status_name((enum br_tdoc_status)to));
			for (size_t i = 0; i < BR_COUNT(may); i++)
				want |= !strcmp(may[i], step);
			if (br_tdoc_may_become((enum br_tdoc_status)from, (enum br_tdoc_status)to) != want)
				fail_msg("%s", step);
		}
}

static void test_steps_of_a_handoff(void **state)
{
	static const int want[4][7] = { /* request claim reply resume cancel end timeout; -1: no */
		[BR_HANDOFF_AI] = { BR_HANDOFF_PENDING, -1, -1, -1, -1, BR_HANDOFF_ENDED, -1 },
		[BR_HANDOFF_PENDING] = { -1, BR_HANDOFF_AGENT, -1, -1, BR_HANDOFF_AI, -1, BR_HANDOFF_AI },
		[BR_HANDOFF_AGENT] = { -1, -1, BR_HANDOFF_AGENT, BR_HANDOFF_AI, -1, BR_HANDOFF_ENDED, -1 },
		[BR_HANDOFF_ENDED] = { -1, -1, -1, -1, -1, -1, -1 },
	};
	enum br_handoff to;

	(void)state;
	for (int from = 0; from < 4; from++)
		for (int e = 0; e < 7; e++) {
			bool may = br_handoff_next(&to, (enum br_handoff)from, (enum br_handoff_event)e);
			assert_int_equal(may, want[from][e] >= 0);
			if (may)
				assert_int_equal(to, want[from][e]);
		}
}

/* ---- memory ---- */

static void test_memory_of_a_conversation_is_bounded(void **state)
{
	struct br_session s = { .name = "" };
	struct br_arena a = { 0 };
	struct br_turn turn[SAID_MAX];
	char text[20], *flood;

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof text, "message %d", i);
		session_say(&s, &a, i % 2 ? "assistant" : "user", text);
	}
	assert_int_equal(s.said.n, SAID_MAX);
	assert_int_equal(session_memory(turn, &s, 12), 12);
	assert_string_equal(turn[0].text, "message 88");
	assert_true(turn[0].user && !turn[11].user);
	assert_string_equal(turn[11].text, "message 99");
	assert_int_equal(session_memory(turn, &s, 0), 0);
	flood = br_alloc(12001);
	for (int i = 0; i < 12000; i += 6)
		memcpy(flood + i, "words ", 6);
	session_say(&s, &a, "user", flood); /* 2,000 tokens */
	assert_in_range(session_memory(turn, &s, 12), 1, 12);
	session_say(&s, &a, "agent", flood);
	assert_int_equal(session_memory(turn, &s, 12), 1); /* the oldest go beyond 3,000 tokens */
	assert_false(turn[0].user);
	free(flood);
	br_session_release(&s);
	br_arena_release(&a);
}

/* ---- tenants and their knowledge bases ---- */

static void test_tenants(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	struct br_tenant one, two, got;
	struct br_kb kb;
	struct br_kbs all = { 0 };

	ok(br_tenant_create(&one, &a, s->ws, "acme", NULL, &err), &err);
	ok(br_tenant_create(&two, &a, s->ws, "beta", "ABCDEF00-1111-4222-8333-444444444444", &err), &err);
	assert_string_equal(two.id, "abcdef00-1111-4222-8333-444444444444");
	assert_int_equal(br_tenant_create(&got, &a, s->ws, "acme", NULL, &err), -BR_EEXISTS);
	assert_int_equal(br_tenant_create(&got, &a, s->ws, "gamma", two.id, &err), -BR_EEXISTS);
	assert_int_equal(br_tenant_create(&got, &a, s->ws, "gamma", "nonsense", &err), -BR_EUSAGE);
	assert_int_equal(br_tenant_create(&got, &a, s->ws, two.id, NULL, &err), -BR_EUSAGE);
	ok(br_tenant_find(&got, &a, s->ws, "acme", &err), &err);
	assert_string_equal(got.id, one.id);
	assert_int_equal(got.rate, 600);
	assert_int_equal(br_tenant_find(&got, &a, s->ws, "nobody", &err), -BR_ENOTFOUND);

	struct br_kb_spec spec = { .name = "Shop", .metadata = "{\"x\":[1,null]}", .is_default = -1, .wiki_enabled = -1 };
	ok(br_kb_create(&kb, &a, s->ws, one.id, &spec, &err), &err);
	assert_true(kb.is_default && kb.wiki_enabled);
	assert_string_equal(kb.metadata, "{\"x\":[1,null]}");
	assert_int_equal(kb.cache_ttl, 600);
	assert_int_equal(br_kb_get(&kb, &a, s->ws, two.id, kb.id, &err), -BR_ENOTFOUND);
	assert_int_equal(br_kb_get(&kb, &a, s->ws, two.id, NULL, &err), -BR_EUSAGE);
	ok(br_kb_list(&all, &a, s->ws, two.id, &err), &err);
	assert_int_equal(all.v.n, 0);
	ok(br_kb_create(&kb, &a, s->ws, two.id, &spec, &err), &err);
	assert_int_equal(br_tenant_delete(s->ws, one.id, &err), 1);
	assert_int_equal(br_tenant_find(&got, &a, s->ws, "acme", &err), -BR_ENOTFOUND);
	ok(br_kb_get(&kb, &a, s->ws, two.id, NULL, &err), &err);
	br_vec_release(&all.v);
	br_arena_release(&a);
}

static void put_damaged(struct br_ws *ws, const char *name, const char *json)
{
	struct br_err err = { 0 };

	ok(br_keep_put(ws, 0, BR_KEEP_TENANT, name, json, &err), &err);
}

static void test_damaged_records_are_no_tenants(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_tenant got;

	put_damaged(s->ws, "00000000-0000-4000-8000-000000000001", "{");
	put_damaged(s->ws, "00000000-0000-4000-8000-000000000002", "[]");
	put_damaged(s->ws, "00000000-0000-4000-8000-000000000003", "{\"id\":\"00000000-0000-4000-8000-000000000009\",\"name\":\"x\"}");
	assert_int_equal(br_tenant_find(&got, &a, s->ws, "x", NULL), -BR_ENOTFOUND);
	assert_int_equal(br_tenant_find(&got, &a, s->ws, "00000000-0000-4000-8000-000000000001", NULL), -BR_ECORRUPT);
	br_arena_release(&a);
}

/* ---- many rows ---- */

static int count(const char *name, const char *json, void *arg)
{
	(void)json;
	assert_true(!strncmp(name, "a/", 2));
	return ++*(int *)arg == 3 ? 7 : 0;
}

static void test_kept_rows_by_their_beginning(void **state)
{
	struct scratch *s = *state;
	const struct br_keep_row rows[] = { { 0, BR_KEEP_AUDIT, "a/1", "{}" }, { 0, BR_KEEP_AUDIT, "a/2", "{}" }, { 0, BR_KEEP_AUDIT, "b/1", "{}" },
		{ 0, BR_KEEP_AUDIT_SUM, "a/9", "{}" }, { 99, BR_KEEP_AUDIT, "a/3", "{}" } };
	const struct br_keep_row more[] = { { 0, BR_KEEP_AUDIT, "a/2", NULL }, { 0, BR_KEEP_AUDIT, "a/4", "{}" }, { 0, BR_KEEP_AUDIT, "a/5", "{}" } };
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	const char *json;
	int n = 0;

	ok(br_keep_put_all(s->ws, rows, BR_COUNT(rows), &err), &err);
	assert_int_equal(br_keep_under(&a, s->ws, 0, BR_KEEP_AUDIT, "a/", count, &n, &err), 0);
	assert_int_equal(n, 2);
	ok(br_keep_get(&json, &a, s->ws, 99, BR_KEEP_AUDIT, "a/3", &err), &err);
	assert_null(json); /* there is no such notebook */
	ok(br_keep_put_all(s->ws, more, BR_COUNT(more), &err), &err);
	n = 0;
	assert_int_equal(br_keep_under(&a, s->ws, 0, BR_KEEP_AUDIT, "a/", count, &n, &err), 7); /* stopped at the third */
	br_arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_cache_key_of_the_contract), cmocka_unit_test(test_the_signature_of_the_contract),
		cmocka_unit_test(test_questions_in_nearly_the_same_words), cmocka_unit_test(test_intents), cmocka_unit_test(test_three_failures_pause_a_model),
		cmocka_unit_test(test_modes_follow_the_time_answers_take), cmocka_unit_test(test_the_95th_of_a_hundred), cmocka_unit_test(test_states_of_a_document),
		cmocka_unit_test(test_steps_of_a_handoff), cmocka_unit_test(test_memory_of_a_conversation_is_bounded),
		cmocka_unit_test_setup_teardown(test_tenants, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_records_are_no_tenants, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_kept_rows_by_their_beginning, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
