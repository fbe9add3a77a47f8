/* Conversations, messages, feedback, the log of questions, and workspaces that are older than their tables. */
#include "workspace.h"

#include <lmdb.h>

static struct br_chat make_chat(struct scratch *s, struct br_arena *a, const char *title)
{
	struct br_chat c;
	struct br_err err = { 0 };

	if (br_chat_create(&c, a, s->ws, NULL, title, "", &err) < 0)
		fail_msg("%s", err.msg);
	return c;
}

static void say(struct scratch *s, const char *chat, const char *id, enum br_role role, const char *text)
{
	struct br_message m = { .role = role, .text = text, .took_ms = 1.5, .tokens = { 3, 4 } };
	struct br_err err = { 0 };

	if (id)
		strcpy(m.id, id);
	if (br_chat_append(s->ws, NULL, chat, &m, 1, &err) < 0)
		fail_msg("%s", err.msg);
}

static struct br_messages messages_of(struct scratch *s, struct br_arena *a, const char *chat, uint32_t newest)
{
	struct br_messages m = { 0 };
	struct br_err err = { 0 };

	if (br_chat_messages(&m, a, s->ws, NULL, chat, newest, &err) < 0)
		fail_msg("%s", err.msg);
	return m;
}

static uint64_t records(struct scratch *s, enum br_table table)
{
	struct br_txn *t;
	uint64_t n;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_table_count(&n, t, table, NULL), 0);
	br_txn_end(t);
	return n;
}

/* ---- life of a conversation ---- */

static void test_messages_come_back_as_they_were(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_chat c = make_chat(s, &a, NULL);
	struct br_messages m;

	assert_string_equal(c.title, BR_CHAT_NEW_TITLE);
	assert_int_equal(c.last, 0);
	say(s, c.id, NULL, BR_ROLE_USER, "what is a seal");
	say(s, c.id, "answer-1", BR_ROLE_ASSISTANT, "a ring [1]");
	scratch_reopen(s);
	m = messages_of(s, &a, c.id, 0);
	assert_int_equal(m.v.n, 2);
	assert_int_equal(m.v.v[0].role, BR_ROLE_USER);
	assert_int_equal(strlen(m.v.v[0].id), 36);
	assert_string_equal(m.v.v[0].text, "what is a seal");
	assert_string_equal(m.v.v[0].chat_id, c.id);
	assert_string_equal(m.v.v[1].id, "answer-1");
	assert_string_equal(m.v.v[1].citations, "[]");
	assert_int_equal(m.v.v[1].tokens.prompt, 3);
	assert_int_equal(m.v.v[1].tokens.completion, 4);
	assert_true(m.v.v[1].took_ms > 1.49 && m.v.v[1].took_ms < 1.51);
	br_vec_release(&m.v);
	assert_int_equal(br_chat_get(&c, &a, s->ws, NULL, c.id, NULL), 0);
	assert_int_equal(c.messages, 2);
	assert_true(c.last > 0);
	br_arena_release(&a);
	check_verify(s);
}

static void test_the_first_question_names_the_conversation(void **state)
{
	static const struct { const char *text, *title; } cases[] = {
		{ "short", "short" },
		{ "12345678901234567890123456789012345678901234567890", "12345678901234567890123456789012345678901234567890" },
		{ "123456789012345678901234567890123456789012345678901", "12345678901234567890123456789012345678901234567890..." },
		{ "ääääääääääääääääääääääääääääääääääääääääääääääääääö", "ääääääääääääääääääääääääääääääääääääääääääääääääää..." },
		{ "two\nlines", "two lines" },
	};
	struct scratch *s = *state;
	struct br_arena a = { 0 };

	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		struct br_chat c = make_chat(s, &a, NULL);
		say(s, c.id, NULL, BR_ROLE_USER, cases[i].text);
		say(s, c.id, NULL, BR_ROLE_USER, "another");
		assert_int_equal(br_chat_get(&c, &a, s->ws, NULL, c.id, NULL), 0);
		assert_string_equal(c.title, cases[i].title);
	}
	br_arena_release(&a);
}

static void test_a_retry_stores_nothing_twice(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_chat c = make_chat(s, &a, NULL), other = make_chat(s, &a, NULL);
	struct br_message again = { .id = "m-1", .text = "elsewhere" };
	struct br_messages m;
	struct br_err err = { 0 };

	for (int i = 0; i < 3; i++) {
		say(s, c.id, "m-1", BR_ROLE_USER, "once");
		say(s, c.id, "m-2", BR_ROLE_ASSISTANT, "and for all");
	}
	m = messages_of(s, &a, c.id, 0);
	assert_int_equal(m.v.n, 2);
	assert_string_equal(m.v.v[0].text, "once");
	br_vec_release(&m.v);
	assert_int_equal(br_chat_append(s->ws, NULL, other.id, &again, 1, &err), -BR_EEXISTS);
	again = (struct br_message){ .id = "no spaces", .text = "x" };
	assert_int_equal(br_chat_append(s->ws, NULL, c.id, &again, 1, &err), -BR_EUSAGE);
	br_arena_release(&a);
}

static void test_the_newest_messages(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_chat c = make_chat(s, &a, NULL);
	struct br_messages m;
	char text[16];

	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof text, "m%d", i);
		say(s, c.id, NULL, BR_ROLE_USER, text);
	}
	m = messages_of(s, &a, c.id, 2);
	assert_int_equal(m.v.n, 2);
	assert_string_equal(m.v.v[0].text, "m3");
	assert_string_equal(m.v.v[1].text, "m4");
	br_vec_release(&m.v);
	m = messages_of(s, &a, c.id, 9);
	assert_int_equal(m.v.n, 5);
	br_vec_release(&m.v);
	br_arena_release(&a);
}

static void test_order_of_the_list(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_chat one, three, gone;
	struct br_chats list = { 0 };

	setenv("BR_CLOCK", "1700000000", 1);
	one = make_chat(s, &a, "one");
	make_chat(s, &a, "two");
	three = make_chat(s, &a, "three");
	gone = make_chat(s, &a, "gone");
	setenv("BR_CLOCK", "1700000100", 1);
	say(s, one.id, NULL, BR_ROLE_USER, "x");
	unsetenv("BR_CLOCK");
	assert_int_equal(br_chat_set(&three, &a, s->ws, NULL, three.id, &(struct br_chat_change){ NULL, 1, -1 }, NULL), 0);
	assert_int_equal(br_chat_set(&gone, &a, s->ws, NULL, gone.id, &(struct br_chat_change){ NULL, -1, 1 }, NULL), 0);
	assert_int_equal(br_chat_list(&list, &a, s->ws, NULL, NULL, false, NULL), 0);
	assert_int_equal(list.v.n, 3);
	assert_string_equal(list.v.v[0].title, "three");
	assert_string_equal(list.v.v[1].title, "one");
	assert_string_equal(list.v.v[2].title, "two");
	br_vec_release(&list.v);
	assert_int_equal(br_chat_list(&list, &a, s->ws, NULL, "", true, NULL), 0);
	assert_int_equal(list.v.n, 4);
	br_vec_release(&list.v);
	assert_int_equal(br_chat_list(&list, &a, s->ws, NULL, "somebody", true, NULL), 0);
	assert_int_equal(list.v.n, 0);
	assert_int_equal(br_chat_get(&one, &a, s->ws, NULL, "last", NULL), 0);
	assert_string_equal(one.title, "one");
	br_arena_release(&a);
}

static void test_names_of_conversations(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_chat c, got;
	struct br_err err = { 0 };
	char begin[37];

	assert_int_equal(br_chat_get(&got, &a, s->ws, NULL, "last", &err), -BR_ENOTFOUND);
	c = make_chat(s, &a, "one");
	memcpy(begin, c.id, sizeof begin);
	begin[30] = 0;
	assert_int_equal(br_chat_get(&got, &a, s->ws, NULL, begin, &err), 0);
	assert_string_equal(got.id, c.id);
	begin[5] = 0;
	assert_int_equal(br_chat_get(&got, &a, s->ws, NULL, begin, &err), -BR_ENOTFOUND);
	assert_int_equal(br_chat_get(&got, &a, s->ws, NULL, "00000000-0000-0000-0000-000000000000", &err), -BR_ENOTFOUND);
	assert_int_equal(br_chat_set(&got, &a, s->ws, NULL, c.id, &(struct br_chat_change){ "  ", -1, -1 }, &err), -BR_EUSAGE);
	br_arena_release(&a);
}

static void test_deleting_leaves_nothing(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	uint64_t ids = records(s, BR_T_EXTID);
	struct br_chat keep, c;
	struct br_messages m;
	uint32_t n = 0;
	struct br_err err = { 0 };

	keep = make_chat(s, &a, "keep");
	c = make_chat(s, &a, "go");
	say(s, keep.id, "k", BR_ROLE_USER, "x");
	say(s, c.id, "a", BR_ROLE_USER, "x");
	say(s, c.id, "b", BR_ROLE_USER, "y");
	assert_int_equal(br_chat_delete(&n, s->ws, NULL, c.id, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(br_chat_delete(&n, s->ws, NULL, c.id, &err), -BR_ENOTFOUND);
	m = messages_of(s, &a, keep.id, 0);
	assert_int_equal(m.v.n, 1);
	br_vec_release(&m.v);
	assert_int_equal(records(s, BR_T_CHAT), 1);
	assert_int_equal(records(s, BR_T_MSG), 1);
	assert_int_equal(records(s, BR_T_EXTID), ids + 2);
	say(s, keep.id, "a", BR_ROLE_USER, "the id is free again");
	br_arena_release(&a);
	check_verify(s);
}

static void test_a_notebook_takes_its_conversations_along(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	uint64_t ids = records(s, BR_T_EXTID);
	struct br_chat c;
	struct br_message m = { .text = "x" };

	assert_int_equal(br_nb_create(s->ws, "other", NULL, NULL), 0);
	assert_int_equal(br_chat_create(&c, &a, s->ws, "other", NULL, NULL, NULL), 0);
	assert_int_equal(br_chat_append(s->ws, "other", c.id, &m, 1, NULL), 0);
	assert_int_equal(br_chat_get(&c, &a, s->ws, NULL, c.id, NULL), -BR_ENOTFOUND); /* not of the default notebook */
	assert_int_equal(br_nb_delete(s->ws, "other", NULL), 0);
	assert_int_equal(records(s, BR_T_CHAT), 0);
	assert_int_equal(records(s, BR_T_MSG), 0);
	assert_int_equal(records(s, BR_T_EXTID), ids);
	br_arena_release(&a);
	check_verify(s);
}

/* ---- replies, feedback ---- */

static void test_a_reply_is_kept_with_its_citations(void **state)
{
	struct scratch *s = *state;
	struct br_answer_opts opts = BR_ANSWER_OPTS_DEFAULT;
	struct br_arena a = { 0 };
	struct br_chat c = make_chat(s, &a, NULL);
	struct br_message saved[2], m;
	struct br_reply r;
	struct br_jdoc *d;

	put_file(s, "docs/seal.md", "# Seal\n\nReplace the shaft seal after two thousand hours.\n");
	free(sync_told(s, "docs", false, 0));
	assert_int_equal(br_answer(&r, s->searcher, "when is the shaft seal replaced", &opts, NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(br_chat_save(saved, &a, s->ws, NULL, c.id, &r, "q-1", "a-1", NULL), 0);
	assert_int_equal(br_message_get(&m, &a, s->ws, NULL, "a-1", NULL), 0);
	assert_string_equal(m.text, r.text);
	assert_string_equal(m.chat_id, c.id);
	assert_int_equal(br_jdoc_parse(&d, br_slice_str(m.citations), "citations", NULL), 0);
	assert_string_equal(br_jval_str(br_jval_get(br_jval_first(br_jdoc_root(d)), "path")), "docs/seal.md");
	br_jdoc_free(d);
	assert_non_null(strstr(m.meta, "\"found\":true"));
	assert_int_equal(records(s, BR_T_MSG), 2);
	br_reply_release(&r);
	br_arena_release(&a);
}

static void test_feedback_replaces_feedback(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_chat c = make_chat(s, &a, NULL);
	struct br_message m;
	struct br_err err = { 0 };

	say(s, c.id, "a-1", BR_ROLE_ASSISTANT, "an answer");
	assert_int_equal(br_message_feedback(&m, &a, s->ws, NULL, "a-1", -1, "too short", NULL), 0);
	assert_int_equal(br_message_get(&m, &a, s->ws, NULL, "a-1", NULL), 0);
	assert_int_equal(m.verdict, -1);
	assert_string_equal(m.comment, "too short");
	assert_string_equal(m.text, "an answer");
	assert_int_equal(br_message_feedback(&m, &a, s->ws, NULL, "a-1", 1, NULL, NULL), 0);
	assert_int_equal(br_message_get(&m, &a, s->ws, NULL, "a-1", NULL), 0);
	assert_int_equal(m.verdict, 1);
	assert_string_equal(m.comment, "");
	assert_int_equal(br_message_feedback(&m, &a, s->ws, NULL, "a-2", 1, NULL, &err), -BR_ENOTFOUND);
	br_arena_release(&a);
}

static void test_export(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_chat c = make_chat(s, &a, "About seals");
	struct br_message m = { .role = BR_ROLE_ASSISTANT, .text = "A ring [1].",
		.citations = "[{\"n\":1,\"path\":\"docs/a.md\",\"lines\":{\"from\":3,\"to\":4},\"page\":7,\"quote\":\"a\\nring\",\"cited\":true},"
		             "{\"n\":2,\"path\":\"docs/b.md\",\"quote\":\"no\",\"cited\":false}]" };
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_messages all;

	say(s, c.id, NULL, BR_ROLE_USER, "What is a seal?");
	assert_int_equal(br_chat_append(s->ws, NULL, c.id, &m, 1, NULL), 0);
	all = messages_of(s, &a, c.id, 0);
	br_chat_export_markdown(&b, &c, all.v.v, all.v.n);
	assert_non_null(strstr(b.ptr, "# About seals\n"));
	assert_non_null(strstr(b.ptr, "What is a seal?\n"));
	assert_non_null(strstr(b.ptr, "- [1] `docs/a.md:3-4`, page 7: a ring\n"));
	assert_null(strstr(b.ptr, "docs/b.md"));
	br_vec_release(&all.v);
	br_buf_release(&b);
	br_arena_release(&a);
}

/* ---- damage ---- */

static int cut_records(struct br_txn *t, void *arg, struct br_err *err)
{
	enum br_table table = *(enum br_table *)arg;
	struct br_cur cur;
	char key[64], val[1024];
	size_t nk, nv;
	int rc;

	assert_int_equal(br_cur_open(&cur, t, table, err), 0);
	assert_true(br_cur_seek(&cur, br_slice("", 0), err) > 0);
	nk = cur.key.len;
	nv = cur.val.len;
	memcpy(key, cur.key.ptr, nk);
	memcpy(val, cur.val.ptr, nv);
	br_cur_close(&cur);
	rc = br_put(t, table, br_slice(key, nk), br_slice(val, nv - 3), err);
	return rc;
}

static void test_cut_records_are_damage(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_chat c = make_chat(s, &a, NULL);
	struct br_messages m = { 0 };
	struct br_err err = { 0 };
	enum br_table table = BR_T_MSG;

	say(s, c.id, "a", BR_ROLE_USER, "x");
	assert_int_equal(br_store_write(s->ws->store, cut_records, &table, NULL), 0);
	assert_int_equal(br_chat_messages(&m, &a, s->ws, NULL, c.id, 0, &err), -BR_ECORRUPT);
	br_vec_release(&m.v);
	table = BR_T_CHAT;
	assert_int_equal(br_store_write(s->ws->store, cut_records, &table, NULL), 0);
	assert_int_equal(br_chat_get(&c, &a, s->ws, NULL, c.id, &err), -BR_ECORRUPT);
	br_arena_release(&a);
}

/* ---- a workspace from before there were conversations ---- */

static void drop_tables(const char *data)
{
	static const char *const names[] = { "chat", "msg", "reply", "asked" };
	MDB_env *env;
	MDB_txn *t;
	MDB_dbi dbi;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 32), 0);
	assert_int_equal(mdb_env_open(env, data, MDB_NOSUBDIR, 0666), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &t), 0);
	for (size_t i = 0; i < BR_COUNT(names); i++) {
		assert_int_equal(mdb_dbi_open(t, names[i], 0, &dbi), 0);
		assert_int_equal(mdb_drop(t, dbi, 1), 0);
	}
	assert_int_equal(mdb_txn_commit(t), 0);
	mdb_env_close(env);
}

static void test_an_older_workspace_gets_the_tables(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	char *data = scratch_path(s, ".br/data.mdb");
	struct br_chat c;
	struct br_messages m;

	put_file(s, "docs/a.md", "# A\n\nSomething about seals.\n");
	free(sync_told(s, "docs", false, 0));
	br_searcher_free(s->searcher);
	br_ws_close(s->ws);
	s->searcher = NULL;
	s->ws = NULL;
	drop_tables(data);
	scratch_reopen(s);
	assert_best(s, "seals", NULL, "docs/a.md");
	c = make_chat(s, &a, NULL);
	say(s, c.id, NULL, BR_ROLE_USER, "x");
	scratch_reopen(s);
	m = messages_of(s, &a, c.id, 0);
	assert_int_equal(m.v.n, 1);
	br_vec_release(&m.v);
	check_verify(s);
	free(data);
	br_arena_release(&a);
}

/* ---- the log ---- */

static int gather(const struct br_asked *q, void *arg)
{
	br_buf_addf(arg, "%s %s %u;", q->question, q->way, q->citations);
	return 0;
}

static void ask_logged(struct scratch *s, const char *question)
{
	struct br_answer_opts opts = BR_ANSWER_OPTS_DEFAULT;
	struct br_reply r;

	assert_int_equal(br_answer(&r, s->searcher, question, &opts, NULL), 0);
	assert_int_equal(br_asked_add(s->ws, NULL, &r, "", NULL), 0);
	br_reply_release(&r);
}

static void test_questions_are_logged_only_when_asked_for(void **state)
{
	struct scratch *s = *state;
	struct br_buf b = BR_BUF_INIT(1 << 20);
	char *dir = scratch_path(s, ".br");

	put_file(s, "docs/seal.md", "# Seal\n\nReplace the shaft seal after two thousand hours.\n");
	free(sync_told(s, "docs", false, 0));
	ask_logged(s, "not kept");
	assert_int_equal(br_config_set(dir, BR_CONFIG_WORKSPACE, "log.questions", "true", NULL), 0);
	scratch_reopen(s);
	ask_logged(s, "when is the shaft seal replaced");
	ask_logged(s, "xyzzy");
	assert_int_equal(br_asked_each(s->ws, NULL, 10, gather, &b, NULL), 0);
	assert_string_equal(b.ptr, "xyzzy none 0;when is the shaft seal replaced quoted 1;");
	br_buf_reset(&b);
	assert_int_equal(br_asked_each(s->ws, NULL, 1, gather, &b, NULL), 0);
	assert_string_equal(b.ptr, "xyzzy none 0;");
	assert_int_equal(br_asked_clear(s->ws, NULL, NULL, NULL), 0);
	assert_int_equal(records(s, BR_T_ASKED), 0);
	br_buf_release(&b);
	free(dir);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		T(test_messages_come_back_as_they_were), T(test_the_first_question_names_the_conversation), T(test_a_retry_stores_nothing_twice),
		T(test_the_newest_messages), T(test_order_of_the_list), T(test_names_of_conversations), T(test_deleting_leaves_nothing),
		T(test_a_notebook_takes_its_conversations_along), T(test_a_reply_is_kept_with_its_citations), T(test_feedback_replaces_feedback),
		T(test_export), T(test_cut_records_are_damage), T(test_an_older_workspace_gets_the_tables),
		T(test_questions_are_logged_only_when_asked_for),
	};
	return cmocka_run_group_tests_name("conversation", tests, NULL, NULL);
}
