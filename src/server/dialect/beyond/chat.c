/* C1 to C7: conversations, messages, feedback. Conversations belong to those who began them; those of the command line to whom nobody asks who they are. */
#include "beyond.h"

#include <stdlib.h>

#define CHATS NB "/conversations"
#define CHAT CHATS "/{conversation_id}"

/* ---- the conversation object ---- */

static const struct br_field meta_out[] = { BR_FIELD_END };
static const struct br_shape meta_shape = { NULL, meta_out, 0 };
static const struct br_field chat_out[] = {
	{ "conversation_id", MUST(STR) }, { "notebook_id", MUST(STR) }, { "user_id", MUST(STR) }, { "title", MUST(STR) }, { "chat_mode", MUST(STR) },
	{ "is_pinned", MUST(BOOL) }, { "is_archived", MUST(BOOL) }, { "message_count", MUST(INT) },
	{ "last_message_at", MAY_NULL(STR), .format = "date-time" }, { "created_at", MUST(STR), .format = "date-time" },
	{ "updated_at", MUST(STR), .format = "date-time" }, { "session_metadata", MUST(OBJ), .shape = &meta_shape }, BR_FIELD_END,
};
static const struct br_shape chat_shape = { "BeyondConversation", chat_out, 0 };

static void write_chat(struct br_json *j, const struct br_nb *nb, const struct br_chat *c)
{
	br_json_obj(j);
	br_json_kstr(j, "conversation_id", c->id);
	br_json_kstr(j, "notebook_id", nb->id);
	br_json_kstr(j, "user_id", c->owner);
	br_json_kstr(j, "title", c->title);
	br_json_kstr(j, "chat_mode", "rag");
	br_json_kbool(j, "is_pinned", c->pinned);
	br_json_kbool(j, "is_archived", c->archived);
	br_json_kuint(j, "message_count", c->messages);
	br_beyond__time(j, "last_message_at", c->last);
	br_beyond__time(j, "created_at", c->created);
	br_beyond__time(j, "updated_at", c->updated);
	br_json_key(j, "session_metadata");
	br_json_raw(j, c->meta, strlen(c->meta));
	br_json_end(j);
}

static bool is_mine(const struct br_req *r, const struct br_chat *c)
{
	return *c->owner ? !strcmp(c->owner, br_req_who(r)->user) : br_req_who(r)->bypass;
}

/* The one that the path names. */
static int named(struct br_chat *out, struct br_nb **nb, struct br_req *r, struct br_err *err)
{
	int rc = br_beyond__nb(nb, r, err);

	if (rc < 0 || (rc = br_beyond__chat(out, r, *nb, br_req_param(r, "conversation_id"), err)) < 0)
		return rc;
	return is_mine(r, out) ? 0 : br_fail(err, BR_ENOTFOUND, "Conversation not found");
}

/* ---- C1, C2 ---- */

struct list_in { bool archived; };
static const struct br_field list_in[] = {
	{ "include_archived", BR_FAT_BOOL(struct list_in, archived), .in = BR_IN_QUERY, .dflt = "false" }, BR_FIELD_END,
};

static int list(struct br_req *r, const void *in, struct br_err *err)
{
	const struct list_in *p = in;
	struct br_chats all = { 0 };
	struct br_json *j;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	if (rc == 0 && (rc = br_chat_list(&all, br_req_arena(r), br_req_ws(r), nb->id, NULL, p->archived, err)) == 0) {
		j = br_reply(r, 0);
		br_json_arr(j);
		for (size_t i = 0; i < all.v.n; i++)
			if (is_mine(r, &all.v.v[i]))
				write_chat(j, nb, &all.v.v[i]);
		br_json_end(j);
	}
	br_vec_release(&all.v);
	return rc;
}

struct create_in { const char *title, *mode; };
static const struct br_field create_in[] = {
	{ "title", BR_FAT_STR(struct create_in, title), .min = 1, .max = 200, .dflt = BR_CHAT_NEW_TITLE },
	{ "chat_mode", BR_FAT_STR(struct create_in, mode), .max = 50, .dflt = "rag" }, BR_FIELD_END,
};

static int create(struct br_req *r, const void *in, struct br_err *err)
{
	const struct create_in *p = in;
	struct br_chat c;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	if (rc == 0 && (rc = br_chat_create(&c, br_req_arena(r), br_req_ws(r), nb->id, p->title, br_req_who(r)->user, err)) == 0)
		write_chat(br_reply(r, 0), nb, &c);
	return rc;
}

/* ---- C3, C4 ---- */

struct patch_in { const char *title; bool pinned, archived; };
static const struct br_field patch_in[] = {
	{ "title", BR_FAT_STR(struct patch_in, title), .min = 1, .max = 200 }, { "is_pinned", BR_FAT_BOOL(struct patch_in, pinned) },
	{ "is_archived", BR_FAT_BOOL(struct patch_in, archived) }, BR_FIELD_END,
};

static int patch(struct br_req *r, const void *in, struct br_err *err)
{
	const struct patch_in *p = in;
	const struct br_chat_change to = { p->title, br_req_given(r, "is_pinned") ? p->pinned : -1, br_req_given(r, "is_archived") ? p->archived : -1 };
	struct br_chat c;
	struct br_nb *nb;
	int rc = named(&c, &nb, r, err);

	if (rc == 0 && (rc = br_chat_set(&c, br_req_arena(r), br_req_ws(r), nb->id, c.id, &to, err)) == 0)
		write_chat(br_reply(r, 0), nb, &c);
	return rc;
}

static int drop(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j;
	struct br_chat c;
	struct br_nb *nb;
	uint32_t n;
	int rc = named(&c, &nb, r, err);

	(void)in;
	if (rc < 0 || (rc = br_chat_delete(&n, br_req_ws(r), nb->id, c.id, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kbool(j, "deleted", true);
	br_json_kstr(j, "conversation_id", c.id);
	br_json_kuint(j, "messages_deleted", n);
	br_json_end(j);
	return 0;
}
static const struct br_field drop_out[] = { { "deleted", MUST(BOOL) }, { "conversation_id", MUST(STR) }, { "messages_deleted", MUST(INT) }, BR_FIELD_END };
static const struct br_shape drop_shape = { "BeyondConversationDeleted", drop_out, 0 };

/* ---- messages ---- */

static const struct br_field place_out[] = {
	{ "file_id", MUST(STR) }, { "file_name", MUST(STR) }, { "chunk_index", MUST(INT) }, BR_FIELD_END,
};
static const struct br_shape place_shape = { "BeyondCitationMetadata", place_out, 0 };
static const struct br_field citation_out[] = {
	{ "citation_id", MUST(INT) }, { "content", MUST(STR) }, { "file_name", MUST(STR) }, { "similarity", MUST(NUM) },
	{ "metadata", MUST(OBJ), .shape = &place_shape }, BR_FIELD_END,
};
static const struct br_shape citation_shape = { "BeyondCitation", citation_out, 0 };
static const struct br_field run_out[] = { { "strategy_id", BR_FOUT(STR) }, BR_FIELD_END };
static const struct br_shape run_shape = { "BeyondRunMetadata", run_out, 0 };
static const struct br_field message_out[] = {
	{ "id", MUST(STR) }, { "conversation_id", MUST(STR) }, { "notebook_id", MUST(STR) }, { "role", MUST(STR), .choices = "user|assistant" },
	{ "content", MUST(STR) }, { "citations", MUST(ARR), .shape = &citation_shape }, { "run_metadata", MUST(OBJ), .shape = &run_shape },
	{ "created_at", MUST(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape message_shape = { "BeyondMessage", message_out, 0 };

static const char *text_of(const struct br_jval *v, const char *key)
{
	const char *s = br_jval_str(br_jval_get(v, key));

	return s ? s : "";
}

static double num_of(const struct br_jval *v, const char *key)
{
	double d = 0;

	return br_jval_num(&d, br_jval_get(v, key)) ? d : 0;
}

static void write_citation(struct br_json *j, const struct br_jval *c, double best)
{
	const char *name = br_path_base(text_of(c, "path"));

	br_json_obj(j);
	br_json_kint(j, "citation_id", (int64_t)num_of(c, "n"));
	br_json_kstr(j, "content", text_of(c, "quote"));
	br_json_kstr(j, "file_name", name);
	br_beyond__float(j, "similarity", br_beyond__score(num_of(c, "score"), best), 6);
	br_json_key(j, "metadata");
	br_json_obj(j);
	br_json_kstr(j, "file_id", text_of(c, "doc_id"));
	br_json_kstr(j, "file_name", name);
	br_json_kint(j, "chunk_index", (int64_t)num_of(c, "chunk"));
	br_json_end(j);
	br_json_end(j);
}

/* As they are stored: br_reply_citations. */
static void write_citations(struct br_json *j, const char *text)
{
	struct br_jdoc *doc = NULL;
	const struct br_jval *all = NULL;
	double best = 0;

	if (text && *text && br_jdoc_parse(&doc, br_slice_str(text), "citations", NULL) == 0)
		all = br_jdoc_root(doc);
	for (const struct br_jval *c = br_jval_first(all); c; c = br_jval_next(c))
		best = BR_MAX(best, num_of(c, "score"));
	br_json_arr(j);
	for (const struct br_jval *c = br_jval_first(all); c; c = br_jval_next(c))
		write_citation(j, c, best);
	br_json_end(j);
	br_jdoc_free(doc);
}

static void write_run(struct br_json *j, const char *meta, const char *strategy)
{
	struct br_jdoc *doc = NULL;
	const struct br_jval *root = NULL;

	if (meta && *meta && br_jdoc_parse(&doc, br_slice_str(meta), "message", NULL) == 0)
		root = br_jdoc_root(doc);
	br_json_obj(j);
	if (strategy || br_jval_get(root, "strategy"))
		br_json_kstr(j, "strategy_id", strategy ? strategy : text_of(root, "strategy"));
	for (const struct br_jval *m = br_jval_first(root); m; m = br_jval_next(m)) {
		br_json_key(j, br_jval_key(m));
		br_jval_write(j, m);
	}
	br_json_end(j);
	br_jdoc_free(doc);
}

static void write_message(struct br_json *j, const struct br_nb *nb, const struct br_message *m, const char *strategy)
{
	br_json_obj(j);
	br_json_kstr(j, "id", m->id);
	br_json_kstr(j, "conversation_id", m->chat_id);
	br_json_kstr(j, "notebook_id", nb->id);
	br_json_kstr(j, "role", m->role == BR_ROLE_USER ? "user" : "assistant");
	br_json_kstr(j, "content", m->text);
	br_json_key(j, "citations");
	write_citations(j, m->citations);
	br_json_key(j, "run_metadata");
	write_run(j, m->meta, strategy);
	br_beyond__time_ms(j, "created_at", m->created_ms);
	br_json_end(j);
}

/* ---- C5, C6 ---- */

static int list_messages(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_messages all = { 0 };
	struct br_json *j;
	struct br_chat c;
	struct br_nb *nb;
	int rc = named(&c, &nb, r, err);

	(void)in;
	if (rc == 0 && (rc = br_beyond__messages(&all, r, nb, c.id, err)) == 0) {
		j = br_reply(r, 0);
		br_json_arr(j);
		for (size_t i = 0; i < all.v.n; i++)
			write_message(j, nb, &all.v.v[i], NULL);
		br_json_end(j);
	}
	br_vec_release(&all.v);
	return rc;
}

struct say_in { const char *content, *mode, *strategy, *persona, *language; const struct br_jval *files; };
static const struct br_field say_in[] = {
	{ "content", BR_FAT_STR(struct say_in, content), .flags = BR_REQUIRED, .min = 1, .max = BR_MAX_QUERY },
	{ "chat_mode", BR_FAT_STR(struct say_in, mode), .max = 50, .dflt = "rag" }, { "strategy_id", BR_FAT_STR(struct say_in, strategy), .max = 100 },
	{ "persona", BR_FAT_STR(struct say_in, persona), .choices = BR_PERSONAS },
	{ "language", BR_FAT_STR(struct say_in, language), .choices = BR_LANGUAGES },
	{ "file_ids", BR_FAT_ARR(struct say_in, files), .of = BR_F_STR, .max = 1000 }, BR_FIELD_END,
};

static void reply_turn(struct br_req *r, const struct br_nb *nb, const struct br_beyond_said *s)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_key(j, "user_message");
	write_message(j, nb, &s->m[0], s->strategy);
	br_json_key(j, "assistant_message");
	write_message(j, nb, &s->m[1], s->strategy);
	br_beyond__suggested(j, &s->reply);
	br_json_kbool(j, "is_cached", s->reply.cached);
	br_beyond__float(j, "execution_time_ms", s->reply.took_ms, 1);
	br_json_end(j);
}

static int say(struct br_req *r, const void *in, struct br_err *err)
{
	const struct say_in *p = in;
	struct br_beyond_turn t = { .q = { .query = p->content, .strategy = p->strategy, .full_text = -1, .semantic = -1, .files = p->files },
		.persona = p->persona, .language = p->language };
	struct br_beyond_said said = { 0 };
	struct br_chat c;
	struct br_nb *nb;
	int rc = named(&c, &nb, r, err);

	t.chat = c.id;
	if (rc == 0 && (rc = br_beyond__turn(&said, r, nb, &t, err)) == 0)
		reply_turn(r, nb, &said);
	br_reply_release(&said.reply);
	return rc;
}
static const struct br_field turn_out[] = {
	{ "user_message", MUST(OBJ), .shape = &message_shape }, { "assistant_message", MUST(OBJ), .shape = &message_shape },
	{ "suggested_questions", MUST(ARR), .of = BR_F_STR }, { "is_cached", MUST(BOOL) }, { "execution_time_ms", MUST(NUM) }, BR_FIELD_END,
};
static const struct br_shape turn_shape = { "BeyondTurn", turn_out, 0 };

/* ---- C7 ---- */

struct feedback_in { bool positive; const char *text; };
static const struct br_field feedback_in[] = {
	{ "is_positive", BR_FAT_BOOL(struct feedback_in, positive), .flags = BR_REQUIRED },
	{ "feedback_text", BR_FAT_STR(struct feedback_in, text), .max = 5000 }, BR_FIELD_END,
};

static int feedback(struct br_req *r, const void *in, struct br_err *err)
{
	const struct feedback_in *p = in;
	const char *id = br_req_param(r, "message_id");
	struct br_message m;
	struct br_json *j;
	struct br_chat c;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	if (rc == 0 && (rc = br_message_get(&m, br_req_arena(r), br_req_ws(r), nb->id, id, err)) == 0 &&
	    (strcmp(m.id, id) || br_beyond__chat(&c, r, nb, m.chat_id, err) < 0 || !is_mine(r, &c)))
		rc = -BR_ENOTFOUND;
	if (rc == -BR_ENOTFOUND)
		return br_fail(err, BR_ENOTFOUND, nb ? "Message not found" : "Notebook not found");
	if (rc < 0 || (rc = br_message_feedback(&m, br_req_arena(r), br_req_ws(r), nb->id, id, p->positive ? 1 : -1, p->text ? p->text : "", err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "message_id", m.id);
	br_json_kbool(j, "is_positive", p->positive);
	br_json_kstr(j, "feedback_text", p->text);
	br_json_end(j);
	return 0;
}
static const struct br_field feedback_out[] = {
	{ "message_id", MUST(STR) }, { "is_positive", MUST(BOOL) }, { "feedback_text", MAY_NULL(STR) }, BR_FIELD_END,
};
static const struct br_shape feedback_shape = { "BeyondFeedback", feedback_out, 0 };

static const short known[] = { 404, 0 }, usage[] = { 400, 404, 0 }, say_fails[] = { 400, 404, 502, 0 };
static const struct br_route rows[] = {
	{ "GET", CHATS, "beyond_conversations", "The caller's conversations", "chat", BR_LEVEL_USER, .in = list_in, .in_size = sizeof(struct list_in),
	  .out = &chat_shape, .fails = known, .flags = BR_ROUTE_LIST, .run = list },
	{ "POST", CHATS, "beyond_create_conversation", "Begin a conversation", "chat", BR_LEVEL_USER, .body = BR_BODY_JSON, .in = create_in,
	  .in_size = sizeof(struct create_in), .out = &chat_shape, .ok = 201, .fails = usage, .flags = BR_ROUTE_SLOW | BR_ROUTE_MAY_BODY, .run = create },
	{ "PATCH", CHAT, "beyond_change_conversation", "Rename, pin or archive", "chat", BR_LEVEL_USER, .body = BR_BODY_JSON, .in = patch_in,
	  .in_size = sizeof(struct patch_in), .out = &chat_shape, .fails = usage, .flags = BR_ROUTE_SLOW, .run = patch },
	{ "DELETE", CHAT, "beyond_delete_conversation", "Delete a conversation with its messages", "chat", BR_LEVEL_USER, .out = &drop_shape,
	  .fails = known, .flags = BR_ROUTE_SLOW, .run = drop },
	{ "GET", CHAT "/messages", "beyond_messages", "Messages, oldest first", "chat", BR_LEVEL_USER, .out = &message_shape, .fails = known,
	  .flags = BR_ROUTE_LIST, .run = list_messages },
	{ "POST", CHAT "/messages", "beyond_say", "Ask, and get an answer with citations", "chat", BR_LEVEL_USER, .body = BR_BODY_JSON, .in = say_in,
	  .in_size = sizeof(struct say_in), .out = &turn_shape, .fails = say_fails, .flags = BR_ROUTE_SLOW, .run = say },
	{ "POST", NB "/messages/{message_id}/feedback", "beyond_feedback", "Like or dislike an answer", "chat", BR_LEVEL_USER, .body = BR_BODY_JSON,
	  .in = feedback_in, .in_size = sizeof(struct feedback_in), .out = &feedback_shape, .fails = known, .flags = BR_ROUTE_SLOW, .run = feedback },
};
const struct br_routes br_beyond__chat_rows = { rows, BR_COUNT(rows) };
