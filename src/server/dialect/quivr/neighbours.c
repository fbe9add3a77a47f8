/*
 * What stands beside questions and documents: conversations, figures, who was granted what, feedback, and questions to several
 * knowledge bases at once.
 */
#include "quivr.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CHATS API "/conversations"
#define CHAT CHATS "/{conversation_id}"

/* ---- conversations: those of the notebook, found by their id alone ---- */

static int find_chat(struct br_chat *out, struct br_nb **nb, struct br_req *r, struct br_err *err)
{
	const char *id = br_req_param(r, "conversation_id"), *kept = NULL, *kb;
	int rc = br_keep_get(&kept, br_req_arena(r), br_req_ws(r), 0, BR_KEEP_QUIVR_CHAT, id, err);

	if (rc < 0)
		return rc;
	kb = kept ? br_keep_member(br_req_arena(r), kept, "kb") : NULL;
	if (!kb)
		return br_quivr__absent(r, err, "conversation", id);
	if ((rc = br_quivr__kb(nb, r, kb, err)) < 0)
		return rc;
	rc = br_chat_get(out, br_req_arena(r), br_req_ws(r), (*nb)->id, id, err);
	return rc == -BR_ENOTFOUND ? br_quivr__absent(r, err, "conversation", id) : rc;
}

static void write_chat(struct br_json *j, const struct br_nb *nb, const struct br_chat *c)
{
	br_json_obj(j);
	br_json_kstr(j, "id", c->id);
	br_json_kstr(j, "conversation_id", c->id);
	br_json_kstr(j, "knowledge_base_id", nb->id);
	br_json_kstr(j, "title", c->title);
	br_json_kuint(j, "message_count", c->messages);
	br_quivr__time(j, "created_at", c->created);
	br_json_end(j);
}
static const struct br_field chat_out[] = {
	{ "id", MUST(STR) }, { "conversation_id", MUST(STR) }, { "knowledge_base_id", MUST(STR) }, { "title", MUST(STR) }, { "message_count", MUST(INT) },
	{ "created_at", MAY_NULL(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape chat_shape = { "QuivrConversation", chat_out, 0 };

struct create_in { const char *kb, *title; };
static const struct br_field create_in[] = {
	{ "knowledge_base_id", BR_FAT_STR(struct create_in, kb), .flags = BR_REQUIRED, .min = 1, .max = 200 },
	{ "title", BR_FAT_STR(struct create_in, title), .max = 200, .help = "the first question" }, BR_FIELD_END,
};

static int create(struct br_req *r, const void *in, struct br_err *err)
{
	const struct create_in *p = in;
	struct br_chat c;
	struct br_nb *nb;
	int rc = br_quivr__kb(&nb, r, p->kb, err);

	if (rc < 0 || (rc = br_chat_create(&c, br_req_arena(r), br_req_ws(r), nb->id, p->title, br_req_who(r)->user, err)) < 0 ||
	    (rc = br_keep_put(br_req_ws(r), 0, BR_KEEP_QUIVR_CHAT, c.id, br_arena_printf(br_req_arena(r), "{\"kb\":\"%s\"}", nb->id), err)) < 0)
		return rc;
	write_chat(br_reply(r, 0), nb, &c);
	return 0;
}

static int show(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_chat c;
	struct br_nb *nb;
	int rc = find_chat(&c, &nb, r, err);

	(void)in;
	if (rc == 0)
		write_chat(br_reply(r, 0), nb, &c);
	return rc;
}

static int drop(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j;
	struct br_chat c;
	struct br_nb *nb;
	uint32_t n;
	int rc = find_chat(&c, &nb, r, err);

	(void)in;
	if (rc < 0 || (rc = br_chat_delete(&n, br_req_ws(r), nb->id, c.id, err)) < 0 ||
	    (rc = br_keep_put(br_req_ws(r), 0, BR_KEEP_QUIVR_CHAT, c.id, NULL, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "id", c.id);
	br_json_kbool(j, "deleted", true);
	br_json_end(j);
	return 0;
}
static const struct br_field gone_out[] = { { "id", MUST(STR) }, { "deleted", MUST(BOOL) }, BR_FIELD_END };
static const struct br_shape gone_shape = { "QuivrDeleted", gone_out, 0 };

static int messages(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_messages all = { 0 };
	struct br_json *j;
	struct br_chat c;
	struct br_nb *nb;
	int rc = find_chat(&c, &nb, r, err);

	(void)in;
	if (rc == 0 && (rc = br_chat_messages(&all, br_req_arena(r), br_req_ws(r), nb->id, c.id, 0, err)) == 0) {
		j = br_reply(r, 0);
		br_json_obj(j);
		br_json_kstr(j, "conversation_id", c.id);
		br_json_key(j, "messages");
		br_json_arr(j);
		for (size_t i = 0; i < all.v.n; i++) {
			br_json_obj(j);
			br_json_kstr(j, "id", all.v.v[i].id);
			br_json_kstr(j, "role", all.v.v[i].role == BR_ROLE_USER ? "user" : "assistant");
			br_json_kstr(j, "content", all.v.v[i].text);
			br_quivr__time(j, "created_at", all.v.v[i].created_ms / 1000);
			br_json_end(j);
		}
		br_json_end(j);
		br_json_end(j);
	}
	br_vec_release(&all.v);
	return rc;
}
static const struct br_field message_out[] = {
	{ "id", MUST(STR) }, { "role", MUST(STR), .choices = "user|assistant" }, { "content", MUST(STR) }, { "created_at", MAY_NULL(STR), .format = "date-time" },
	BR_FIELD_END,
};
static const struct br_shape message_shape = { "QuivrMessage", message_out, 0 };
static const struct br_field messages_out[] = { { "conversation_id", MUST(STR) }, { "messages", MUST(ARR), .shape = &message_shape }, BR_FIELD_END };
static const struct br_shape messages_shape = { "QuivrMessages", messages_out, 0 };

struct say_in { const char *question; int64_t top; const struct br_jval *filters; };
static const struct br_field say_in[] = {
	{ "question", BR_FAT_STR(struct say_in, question), .flags = BR_REQUIRED, .min = 1, .max = 1000 },
	{ "top_k", BR_FAT_INT(struct say_in, top), .min = 1, .max = 100 }, { "filters", BR_FAT_OBJ(struct say_in, filters) }, BR_FIELD_END,
};

static int load_history(struct br_quivr_ask *ask, struct br_messages *past, struct br_req *r, const struct br_nb *nb, const char *id, struct br_err *err)
{
	struct br_turn *turn;
	int rc = br_chat_messages(past, br_req_arena(r), br_req_ws(r), nb->id, id, BR_MAX_HISTORY, err);

	if (rc < 0)
		return rc;
	turn = br_arena_alloc(br_req_arena(r), (past->v.n + 1) * sizeof *turn);
	for (size_t i = 0; i < past->v.n; i++)
		turn[i] = (struct br_turn){ past->v.v[i].role == BR_ROLE_USER, past->v.v[i].text };
	ask->history = turn;
	ask->n_history = past->v.n;
	return 0;
}

static void stop(void *flag)
{
	atomic_store((atomic_bool *)flag, true);
}

static void reply_said(struct br_req *r, const struct br_chat *c, const struct br_quivr_answer *a)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_kstr(j, "conversation_id", c->id);
	br_json_kstr(j, "answer", a->reply.text);
	br_json_key(j, "sources");
	br_quivr__sources(j, a, true);
	br_quivr__done_members(j, a);
	br_json_end(j);
}

static int say(struct br_req *r, const void *in, struct br_err *err)
{
	const struct say_in *p = in;
	struct br_quivr_ask ask = { .question = p->question, .top_k = p->top, .filters = p->filters, .include_sources = true };
	struct br_quivr_answer a = { .source = NULL };
	struct br_messages past = { 0 };
	struct br_message saved[2];
	atomic_bool cancel = false;
	struct br_chat c;
	struct br_nb *nb;
	int rc = find_chat(&c, &nb, r, err);

	if (rc == 0)
		rc = load_history(&ask, &past, r, nb, c.id, err);
	br_req_on_gone(r, stop, &cancel);
	ask.kb = rc == 0 ? nb->id : NULL;
	if (rc == 0 && (rc = br_quivr__answer(&a, r, &ask, &(struct br_quivr_how){ .cancel = &cancel }, err)) == 0 &&
	    (rc = br_chat_save(saved, br_req_arena(r), br_req_ws(r), nb->id, c.id, &a.reply, NULL, NULL, err)) == 0)
		reply_said(r, &c, &a);
	br_req_on_gone(r, NULL, NULL);
	br_quivr__answer_release(&a);
	br_vec_release(&past.v);
	return rc;
}
static const struct br_field said_out[] = {
	{ "conversation_id", MUST(STR) }, { "answer", MUST(STR) }, { "sources", MUST(ARR), .shape = &br_quivr__sources_shape }, { "query_id", MUST(STR) },
	{ "confidence", MUST(NUM) }, { "usage", MUST(OBJ), .shape = &br_quivr__usage_shape }, { "latency_ms", MUST(INT) }, { "model", MUST(STR) }, BR_FIELD_END,
};
static const struct br_shape said_shape = { "QuivrSaid", said_out, 0 };

/* ---- figures: of the notebook, and of past questions where they are kept (setting log.questions) ---- */

static int stats(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j;
	struct br_nb *nb;
	int rc = br_quivr__kb(&nb, r, br_req_param(r, "id"), err);

	(void)in;
	if (rc < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "knowledge_base_id", nb->id);
	br_json_kuint(j, "document_count", nb->docs);
	br_json_kuint(j, "chunk_count", nb->chunks);
	br_json_kuint(j, "total_documents", nb->docs);
	br_json_kuint(j, "total_chunks", nb->chunks);
	br_json_kuint(j, "text_bytes", nb->text_bytes);
	br_json_knum(j, "storage_mb", (double)nb->source_bytes / 1048576, 3);
	br_json_key(j, "languages");
	br_json_obj(j);
	for (size_t i = 0; i < nb->langs.n; i++)
		br_json_kuint(j, nb->langs.v[i].lang[0] ? nb->langs.v[i].lang : "other", nb->langs.v[i].docs);
	br_json_end(j);
	br_quivr__time(j, "last_updated", nb->updated ? nb->updated : nb->created);
	br_json_end(j);
	return 0;
}
static const struct br_field stats_out[] = {
	{ "knowledge_base_id", MUST(STR) }, { "document_count", MUST(INT) }, { "chunk_count", MUST(INT) }, { "total_documents", MUST(INT) },
	{ "total_chunks", MUST(INT) }, { "text_bytes", MUST(INT) }, { "storage_mb", MUST(NUM) }, { "languages", MUST(OBJ) },
	{ "last_updated", MAY_NULL(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape stats_shape = { "QuivrStats", stats_out, 0 };

struct analytics { struct br_json j; uint64_t n; double took, score; int64_t limit; };
struct analytics_in { int64_t limit; };
static const struct br_field analytics_in[] = {
	{ "limit", BR_FAT_INT(struct analytics_in, limit), .in = BR_IN_QUERY, .min = 1, .max = 1000, .dflt = "20" }, BR_FIELD_END,
};

static int add_asked(const struct br_asked *q, void *arg)
{
	struct analytics *a = arg;

	if ((int64_t)a->n++ < a->limit) {
		br_json_obj(&a->j);
		br_json_kstr(&a->j, "question", q->question);
		br_json_knum(&a->j, "response_time", q->took_ms, 1);
		br_json_knum(&a->j, "relevance_score", BR_MIN(BR_MAX(q->score, 0.0), 1.0), 4);
		br_quivr__time(&a->j, "created_at", q->at_ms / 1000);
		br_json_end(&a->j);
	}
	a->took += q->took_ms;
	return 0;
}

static int analytics(struct br_req *r, const void *in, struct br_err *err)
{
	const struct analytics_in *p = in;
	struct br_buf text = BR_BUF_INIT(16 << 20);
	struct analytics a = { .limit = p->limit };
	struct br_json *j;
	struct br_nb *nb;
	int rc = br_quivr__kb(&nb, r, br_req_param(r, "id"), err);

	if (rc < 0)
		return rc;
	br_json_init(&a.j, &text, false);
	br_json_arr(&a.j);
	rc = br_asked_each(br_req_ws(r), nb->id, SIZE_MAX, add_asked, &a, err);
	br_json_end(&a.j);
	if (rc == 0 && (rc = br_buf_check(&text, "the list", err)) == 0) {
		j = br_reply(r, 0);
		br_json_obj(j);
		br_json_kstr(j, "knowledge_base_id", nb->id);
		br_json_kuint(j, "total_queries", a.n);
		br_json_knum(j, "avg_response_time", a.n ? a.took / (double)a.n : 0, 1);
		br_json_key(j, "recent_queries");
		br_json_raw(j, text.ptr, text.len);
		br_json_end(j);
	}
	br_buf_release(&text);
	return rc;
}
static const struct br_field asked_out[] = {
	{ "question", MUST(STR) }, { "response_time", MUST(NUM), .help = "milliseconds" }, { "relevance_score", MUST(NUM) },
	{ "created_at", MAY_NULL(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape asked_shape = { "QuivrAsked", asked_out, 0 };
static const struct br_field analytics_out[] = {
	{ "knowledge_base_id", MUST(STR) }, { "total_queries", MUST(INT) }, { "avg_response_time", MUST(NUM) },
	{ "recent_queries", MUST(ARR), .shape = &asked_shape }, BR_FIELD_END,
};
static const struct br_shape analytics_shape = { "QuivrAnalytics", analytics_out, 0 };

/* ---- permissions: kept for the client's own gateway; what a key may do is in the key ---- */

struct grant_in { const char *user, *role; };
static const struct br_field grant_in[] = {
	{ "user_id", BR_FAT_STR(struct grant_in, user), .flags = BR_REQUIRED, .min = 1, .max = 100 },
	{ "role", BR_FAT_STR(struct grant_in, role), .flags = BR_REQUIRED, .choices = "viewer|editor|admin" }, BR_FIELD_END,
};

static const char *grant_text(struct br_req *r, const char *user, const char *role)
{
	struct br_buf b = BR_BUF_INIT(4096);
	struct br_json j;
	char iso[32];
	const char *out;

	br_time_iso(iso, br_now());
	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "user_id", user);
	br_json_kstr(&j, "role", role);
	br_json_kstr(&j, "granted_at", iso);
	br_json_end(&j);
	out = br_arena_strdup(br_req_arena(r), b.ptr);
	br_buf_release(&b);
	return out;
}

static int grant(struct br_req *r, const void *in, struct br_err *err)
{
	const struct grant_in *p = in;
	const char *text;
	struct br_nb *nb;
	int rc = br_quivr__kb(&nb, r, br_req_param(r, "id"), err);

	if (rc < 0)
		return rc;
	text = grant_text(r, p->user, p->role);
	if ((rc = br_keep_put(br_req_ws(r), nb->nb, BR_KEEP_QUIVR_GRANT, p->user, text, err)) < 0)
		return rc == -BR_EUSAGE ? br_quivr__bad(r, err, "user_id", "user_id is too long") : rc;
	br_json_raw(br_reply(r, 0), text, strlen(text));
	return 0;
}
static const struct br_field grant_out[] = {
	{ "user_id", MUST(STR) }, { "role", MUST(STR), .choices = "viewer|editor|admin" }, { "granted_at", MUST(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape grant_shape = { "QuivrPermission", grant_out, 0 };

static void add_grant(uint32_t nb, const char *name, const char *json, void *arg)
{
	(void)nb;
	(void)name;
	br_json_raw(arg, json, strlen(json));
}

static int grants(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(16 << 20);
	struct br_json *out, j;
	struct br_nb *nb;
	int rc = br_quivr__kb(&nb, r, br_req_param(r, "id"), err);

	(void)in;
	if (rc < 0)
		return rc;
	br_json_init(&j, &text, false);
	br_json_arr(&j);
	rc = br_keep_each(br_req_arena(r), br_req_ws(r), nb->nb, BR_KEEP_QUIVR_GRANT, add_grant, &j, err);
	br_json_end(&j);
	if (rc == 0) {
		out = br_reply(r, 0);
		br_json_obj(out);
		br_json_key(out, "permissions");
		br_json_raw(out, text.ptr, text.len);
		br_json_end(out);
	}
	br_buf_release(&text);
	return rc;
}
static const struct br_field grants_out[] = { { "permissions", MUST(ARR), .shape = &grant_shape }, BR_FIELD_END };
static const struct br_shape grants_shape = { "QuivrPermissions", grants_out, 0 };

static int revoke(struct br_req *r, const void *in, struct br_err *err)
{
	const char *user = br_req_param(r, "user_id");
	struct br_json *j;
	struct br_nb *nb;
	int rc = br_quivr__kb(&nb, r, br_req_param(r, "id"), err);

	(void)in;
	if (rc < 0 || (rc = br_keep_put(br_req_ws(r), nb->nb, BR_KEEP_QUIVR_GRANT, user, NULL, err)) < 0)
		return rc;
	if (!rc)
		return br_quivr__absent(r, err, "permission", user);
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "id", user);
	br_json_kbool(j, "deleted", true);
	br_json_end(j);
	return 0;
}

/* ---- feedback, by query_id: the last word counts ---- */

struct feedback_in { const char *query, *type, *comment, *correction; };
static const struct br_field feedback_in[] = {
	{ "query_id", BR_FAT_STR(struct feedback_in, query), .flags = BR_REQUIRED, .min = 1, .max = 100 },
	{ "feedback_type", BR_FAT_STR(struct feedback_in, type), .flags = BR_REQUIRED, .choices = "positive|negative|correction" },
	{ "comment", BR_FAT_STR(struct feedback_in, comment), .max = 5000 }, { "correction", BR_FAT_STR(struct feedback_in, correction), .max = 20000 }, BR_FIELD_END,
};

static int feedback(struct br_req *r, const void *in, struct br_err *err)
{
	const struct feedback_in *p = in;
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_json j;
	char iso[32];
	int rc;

	br_time_iso(iso, br_now());
	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "query_id", p->query);
	br_json_kstr(&j, "feedback_type", p->type);
	br_json_kstr(&j, "comment", p->comment);
	br_json_kstr(&j, "correction", p->correction);
	br_json_kstr(&j, "key_id", br_req_who(r)->key_id);
	br_json_kstr(&j, "created_at", iso);
	br_json_end(&j);
	rc = br_keep_put(br_req_ws(r), 0, BR_KEEP_QUIVR_FEEDBACK, p->query, b.ptr, err);
	if (rc >= 0)
		br_json_raw(br_reply(r, 0), b.ptr, b.len);
	br_buf_release(&b);
	return BR_MIN(rc, 0);
}
static const struct br_field feedback_out[] = {
	{ "query_id", MUST(STR) }, { "feedback_type", MUST(STR) }, { "comment", MAY_NULL(STR) }, { "correction", MAY_NULL(STR) }, { "key_id", MUST(STR) },
	{ "created_at", MUST(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape feedback_shape = { "QuivrFeedback", feedback_out, 0 };

/* ---- POST /query/federated: reciprocal ranks of several knowledge bases, weighted ---- */

struct federated_in { const struct br_jval *kbs, *filters; const char *question; int64_t top; double min; bool deduplicate; };
static const struct br_field federated_in[] = {
	{ "knowledge_bases", BR_FAT_ARR(struct federated_in, kbs), .flags = BR_REQUIRED, .min = 1, .max = 20, .help = "ids, or objects with id and weight" },
	{ "question", BR_FAT_STR(struct federated_in, question), .flags = BR_REQUIRED, .min = 1, .max = 1000 },
	{ "top_k", BR_FAT_INT(struct federated_in, top), .min = 1, .max = 100, .dflt = "10" },
	{ "min_score", BR_FAT_NUM(struct federated_in, min), .min = 0, .max = 1 },
	{ "filters", BR_FAT_OBJ(struct federated_in, filters) }, { "deduplicate", BR_FAT_BOOL(struct federated_in, deduplicate), .dflt = "true" }, BR_FIELD_END,
};

struct merged { const char *kb, *name; struct br_quivr_source s; double fused; };
struct federated { struct br_req *r; const struct federated_in *in; struct br_where *where; BR_VEC(struct merged) all; };

static bool says_so_already(const struct federated *f, const char *text)
{
	for (size_t i = 0; f->in->deduplicate && i < f->all.n; i++)
		if (!strcmp(f->all.v[i].s.text, text))
			return true;
	return false;
}

static int ask_one(struct federated *f, const char *id, double weight, struct br_err *err)
{
	struct br_query_opts o = BR_QUERY_OPTS_DEFAULT;
	struct br_arena *a = br_req_arena(f->r);
	struct br_result found = { 0 };
	struct br_nb *nb;
	int rc = br_quivr__kb(&nb, f->r, id, err);

	if (rc < 0)
		return rc;
	o.notebook = nb->id;
	o.top = (uint32_t)f->in->top;
	o.min_similarity = f->in->min;
	o.where = f->where;
	o.plain = true;
	rc = br_retrieve(&found, br_req_searcher(f->r), f->in->question, &o, err);
	for (size_t i = 0; i < found.n && rc == 0; i++) {
		const struct br_found *h = &found.hit[i];
		if (says_so_already(f, h->text))
			continue;
		*br_vec_push(&f->all) = (struct merged){ br_arena_strdup(a, nb->id), br_arena_strdup(a, nb->name),
			{ .filename = br_arena_strdup(a, br_path_base(h->path)), .path = br_arena_strdup(a, h->path), .title = br_arena_strdup(a, h->title),
			  .doc_id = br_arena_strdup(a, h->doc_id), .text = br_arena_strdup(a, h->text), .page = h->page, .ordinal = h->ordinal,
			  .score = h->similarity }, weight / (60.0 + (double)i + 1) };
	}
	br_result_release(&found);
	return rc;
}

static int ask_all(struct federated *f, struct br_err *err)
{
	int rc = 0;
	size_t i = 0;

	for (const struct br_jval *v = br_jval_first(f->in->kbs); v && rc == 0; v = br_jval_next(v), i++) {
		const char *id = br_jval_str(v) ? br_jval_str(v) : br_jval_str(br_jval_get(v, "id"));
		double weight = 1;
		br_jval_num(&weight, br_jval_get(v, "weight"));
		if (!id || !(weight >= 0) || weight > 1e6)
			return br_quivr__bad(f->r, err, br_arena_printf(br_req_arena(f->r), "knowledge_bases[%zu]", i), "must be an id, or an object with id and weight");
		rc = ask_one(f, id, weight, err);
	}
	return rc;
}

static int by_fused(const void *a, const void *b)
{
	const struct merged *x = a, *y = b;

	return x->fused > y->fused ? -1 : x->fused < y->fused;
}

static void reply_merged(struct br_req *r, const struct federated *f, int64_t began)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_key(j, "results");
	br_json_arr(j);
	for (size_t i = 0; i < f->all.n && (int64_t)i < f->in->top; i++) {
		const struct merged *m = &f->all.v[i];
		br_json_obj(j);
		br_json_kstr(j, "knowledge_base_id", m->kb);
		br_json_kstr(j, "knowledge_base_name", m->name);
		br_json_kstr(j, "document_id", m->s.doc_id);
		br_json_kstr(j, "filename", m->s.filename);
		br_json_key(j, "page");
		if (m->s.page)
			br_json_uint(j, m->s.page);
		else
			br_json_null(j);
		br_json_kuint(j, "chunk_index", m->s.ordinal);
		br_json_kstr(j, "text", m->s.text);
		br_json_knum(j, "score", m->s.score, 6);
		br_json_knum(j, "fused_score", m->fused, 8);
		br_json_end(j);
	}
	br_json_end(j);
	br_json_kuint(j, "total", f->all.n);
	br_json_kint(j, "latency_ms", (br_mono_ns() - began) / 1000000);
	br_json_end(j);
}

static int federated(struct br_req *r, const void *in, struct br_err *err)
{
	struct federated f = { .r = r, .in = in };
	int64_t began = br_mono_ns();
	const char *place;
	char why[sizeof err->msg];
	int rc = br_where_compile(&f.where, &place, br_req_arena(r), f.in->filters, err);

	if (rc < 0) {
		memcpy(why, err->msg, sizeof why);
		return br_quivr__bad(r, err, *place ? br_arena_printf(br_req_arena(r), "filters.%s", place) : "filters", "%s", why);
	}
	if ((rc = ask_all(&f, err)) == 0) {
		if (f.all.n)
			qsort(f.all.v, f.all.n, sizeof *f.all.v, by_fused);
		reply_merged(r, &f, began);
	}
	br_vec_release(&f.all);
	return rc;
}
static const struct br_field result_out[] = {
	{ "knowledge_base_id", MUST(STR) }, { "knowledge_base_name", MUST(STR) }, { "document_id", MUST(STR) }, { "filename", MUST(STR) }, { "page", MAY_NULL(INT) },
	{ "chunk_index", MUST(INT) }, { "text", MUST(STR) }, { "score", MUST(NUM) }, { "fused_score", MUST(NUM) }, BR_FIELD_END,
};
static const struct br_shape result_shape = { "QuivrFederatedResult", result_out, 0 };
static const struct br_field federated_out[] = {
	{ "results", MUST(ARR), .shape = &result_shape }, { "total", MUST(INT) }, { "latency_ms", MUST(INT) }, BR_FIELD_END,
};
static const struct br_shape federated_shape = { "QuivrFederated", federated_out, 0 };

static const short known[] = { 404, 0 }, usage[] = { 400, 404, 0 }, say_fails[] = { 400, 404, 503, 0 };
#define QUERY BR_LEVEL_KEY, .scopes = "query", .rate = "key"
#define READ BR_LEVEL_KEY, .scopes = "kb:read", .rate = "key"
#define WRITE BR_LEVEL_KEY, .scopes = "kb:write", .rate = "key"
static const struct br_route rows[] = {
	{ "POST", CHATS, "quivr_create_conversation", "Begin a conversation", "conversations", QUERY, .body = BR_BODY_JSON, .in = create_in,
	  .in_size = sizeof(struct create_in), .out = &chat_shape, .ok = 201, .fails = usage, .flags = BR_ROUTE_SLOW, .run = create },
	{ "GET", CHAT, "quivr_conversation", "A conversation", "conversations", QUERY, .out = &chat_shape, .fails = known, .run = show },
	{ "DELETE", CHAT, "quivr_delete_conversation", "Delete a conversation", "conversations", QUERY, .out = &gone_shape, .fails = known,
	  .flags = BR_ROUTE_SLOW, .run = drop },
	{ "GET", CHAT "/messages", "quivr_messages", "What was said, oldest first", "conversations", QUERY, .out = &messages_shape, .fails = known,
	  .run = messages },
	{ "POST", CHAT "/messages", "quivr_say", "Ask within a conversation", "conversations", BR_LEVEL_KEY, .scopes = "query", .rate = "query",
	  .body = BR_BODY_JSON, .in = say_in, .in_size = sizeof(struct say_in), .out = &said_shape, .fails = say_fails, .flags = BR_ROUTE_SLOW, .run = say },
	{ "GET", KB "/stats", "quivr_stats", "Figures of a knowledge base", "knowledge bases", READ, .out = &stats_shape, .fails = known, .run = stats },
	{ "GET", KB "/analytics", "quivr_analytics", "Past questions", "knowledge bases", READ, .in = analytics_in, .in_size = sizeof(struct analytics_in),
	  .out = &analytics_shape, .fails = known, .run = analytics },
	{ "GET", KB "/permissions", "quivr_permissions", "Who was granted what", "knowledge bases", READ, .out = &grants_shape, .fails = known, .run = grants },
	{ "POST", KB "/permissions", "quivr_grant", "Grant a role", "knowledge bases", WRITE, .body = BR_BODY_JSON, .in = grant_in,
	  .in_size = sizeof(struct grant_in), .out = &grant_shape, .ok = 201, .fails = usage, .flags = BR_ROUTE_SLOW, .run = grant },
	{ "DELETE", KB "/permissions/{user_id}", "quivr_revoke_permission", "Take a role back", "knowledge bases", WRITE, .out = &gone_shape, .fails = known,
	  .flags = BR_ROUTE_SLOW, .run = revoke },
	{ "POST", API "/feedback", "quivr_feedback", "Say how an answer was", "query", QUERY, .body = BR_BODY_JSON, .in = feedback_in,
	  .in_size = sizeof(struct feedback_in), .out = &feedback_shape, .ok = 201, .fails = usage, .flags = BR_ROUTE_SLOW, .run = feedback },
	{ "POST", API "/query/federated", "quivr_federated", "Search several knowledge bases", "query", QUERY, .body = BR_BODY_JSON, .in = federated_in,
	  .in_size = sizeof(struct federated_in), .out = &federated_shape, .fails = usage, .flags = BR_ROUTE_SLOW, .run = federated },
};
const struct br_routes br_quivr__neighbours_rows = { rows, BR_COUNT(rows) };
