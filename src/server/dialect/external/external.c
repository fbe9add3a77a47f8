/*
 * The Developer API: retrieval, chat and history of the one notebook that the key in X-API-Key is bound to. Checks come in the order
 * switch, key, rate, body.
 */
#include "../beyond/beyond.h"

#include <stdlib.h>

struct caller { struct br_apikey *key; struct br_key_rate rate[BR_MAX_KEY_RATES]; unsigned rates; };

/* ---- who asks ---- */

static const char *refusal_text(enum br_refusal why)
{
	return why == BR_REFUSED_MISSING ? "Missing API key" : why == BR_REFUSED_EXPIRED ? "API key has expired" :
		why == BR_REFUSED_DISABLED ? "API key is disabled" : "Invalid API key";
}

static int check_key(struct br_apikey **out, struct br_req *r, struct br_err *err)
{
	const char *secret = br_req_header(r, "X-API-Key");
	struct br_key_addr from;
	enum br_refusal why = BR_REFUSED_MISSING;
	struct br_txn *t;
	size_t which;
	int rc;

	if (!br_config_bool(br_req_ws(r)->config, "external.enabled"))
		return br_fail(err, BR_EFORBIDDEN, "The external API is disabled");
	if (!secret || !*secret)
		return br_fail(err, BR_EAUTH, "%s", refusal_text(why));
	if (!br_key_addr_parse(&from, br_req_address(r)) && !br_key_addr_parse(&from, "127.0.0.1"))
		return br_fail(err, BR_EBUG, "no address");
	if ((rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	rc = br_auth_check(out, &which, &why, br_req_arena(r), t, secret, &from, br_now(), err);
	br_txn_end(t);
	if (rc == -BR_EAUTH || (rc == -BR_EFORBIDDEN && why == BR_REFUSED_REVOKED))
		return br_fail(err, BR_EAUTH, "%s", refusal_text(why));
	if (rc == 0 && (why = br_apikey_may(*out, BR_KEY_BEYOND, BR_SCOPE_QUERY, NULL, NULL)) != BR_ALLOWED)
		return br_auth_refuse(err, why);
	if (rc == 0 && (*out)->notebooks.n != 1)
		return br_fail(err, BR_EFORBIDDEN, "This key is not bound to one notebook");
	return rc;
}

static enum br_who identify(struct br_identity *out, struct br_req *r, bool may_wait, struct br_err *err)
{
	struct caller *c;

	if (!may_wait)
		return BR_WHO_LATER;
	c = br_arena_zalloc(br_req_arena(r), sizeof *c);
	if (check_key(&c->key, r, err) < 0)
		return BR_WHO_REFUSED;
	c->rates = c->key->rates;
	memcpy(c->rate, c->key->rate, sizeof c->rate);
	if (!c->rates && br_key_rate_parse(&c->rate[0], br_config_get(br_req_ws(r)->config, "external.rate", NULL), NULL) == 0)
		c->rates = 1;
	*out = (struct br_identity){ .level = BR_LEVEL_KEY, .key_id = c->key->id, .own = c,
		.user = br_arena_printf(br_req_arena(r), "external:%s", c->key->id) };
	return BR_WHO_KNOWN;
}

static bool rate(struct br_rate *out, struct br_req *r, const char *class)
{
	const struct caller *c = br_req_who(r)->own;
	struct br_limiter *l = br_server_opts(br_req_server(r))->limiter;
	int64_t ns;

	(void)class;
	if (!l || !c->rates || (ns = br_limiter_take(l, c->key->id, c->rate, c->rates)) == 0)
		return true;
	out->after = (ns + 999999999) / 1000000000;
	return false;
}

static int bound(struct br_nb **out, struct br_req *r, struct br_err *err)
{
	const struct caller *c = br_req_who(r)->own;

	return br_beyond__nb_by_id(out, r, c->key->notebooks.v[0], err);
}

static void count(struct br_req *r)
{
	const struct caller *c = br_req_who(r)->own;
	struct br_meter *m = br_server_opts(br_req_server(r))->meter;

	if (m)
		br_meter_add(m, c->key->number, &(struct br_key_use){ .requests = 1 }, br_now());
}

/* ---- X1 ---- */

struct query_in { const char *query, *strategy; int64_t top; };
static const struct br_field query_in[] = {
	{ "query", BR_FAT_STR(struct query_in, query), .flags = BR_REQUIRED, .min = 1, .max = BR_MAX_QUERY },
	{ "strategy_id", BR_FAT_STR(struct query_in, strategy), .max = 100, .help = "the notebook's, else fusion" },
	{ "top_k", BR_FAT_INT(struct query_in, top), .min = 1, .max = 50, .help = "the notebook's, else 10" }, BR_FIELD_END,
};

static void reply_found(struct br_req *r, const struct br_nb *nb, const struct br_result *found, const char *strategy, const char *query)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_kstr(j, "query", query);
	br_json_kstr(j, "strategy_id", strategy);
	br_json_key(j, "chunks");
	br_json_arr(j);
	for (size_t i = 0; i < found->n; i++) {
		br_json_obj(j);
		br_json_kstr(j, "content", found->hit[i].text);
		br_json_kstr(j, "source", br_path_base(found->hit[i].path));
		br_beyond__float(j, "score", br_beyond__score(found->hit[i].score, found->hit[0].score), 6);
		br_json_key(j, "metadata");
		br_beyond__metadata(j, nb, &found->hit[i]);
		br_json_end(j);
	}
	br_json_end(j);
	br_json_kuint(j, "total_results", found->n);
	br_beyond__float(j, "execution_time_ms", found->took_ms, 1);
	br_json_end(j);
}

static int query(struct br_req *r, const void *in, struct br_err *err)
{
	const struct query_in *p = in;
	const struct br_beyond_question q = { .query = p->query, .strategy = p->strategy, .top = p->top, .full_text = -1, .semantic = -1 };
	struct br_beyond_ask ask = { 0 };
	struct br_result found = { 0 };
	struct br_nb *nb;
	int rc = bound(&nb, r, err);

	if (rc == 0 && (rc = br_beyond__ask(&ask, r, nb, &q, err)) == 0 && !ask.later &&
	    (rc = br_retrieve(&found, br_req_searcher(r), p->query, &ask.opts, err)) == 0)
		reply_found(r, nb, &found, ask.strategy, p->query);
	if (!ask.later) /* it is not run again */
		count(r);
	br_result_release(&found);
	br_beyond__ask_close(&ask);
	return rc;
}
static const struct br_field chunk_out[] = {
	{ "content", MUST(STR) }, { "source", MUST(STR) }, { "score", MUST(NUM) }, { "metadata", MUST(OBJ), .shape = &br_beyond__metadata_shape }, BR_FIELD_END,
};
static const struct br_shape chunk_shape = { "ExternalChunk", chunk_out, 0 };
static const struct br_field query_out[] = {
	{ "query", MUST(STR) }, { "strategy_id", MUST(STR) }, { "chunks", MUST(ARR), .shape = &chunk_shape }, { "total_results", MUST(INT) },
	{ "execution_time_ms", MUST(NUM) }, BR_FIELD_END,
};
static const struct br_shape query_shape = { "ExternalQuery", query_out, 0 };

/* ---- conversations: 403 for those of other notebooks ---- */

struct search { struct br_req *r; BR_VEC(const char *) id; };

static int take_id(const struct br_nb *nb, void *arg)
{
	struct search *s = arg;

	*br_vec_push(&s->id) = br_arena_strdup(br_req_arena(s->r), nb->id);
	return 0;
}

static int elsewhere(struct br_req *r, const char *id, struct br_err *err)
{
	struct search s = { .r = r };
	struct br_chat c;
	struct br_txn *t;
	bool there = false;
	int rc = br_txn_read(&t, br_req_ws(r)->store, err);

	if (rc < 0)
		return rc;
	rc = br_nb_each(t, take_id, &s, err);
	br_txn_end(t);
	for (size_t i = 0; i < s.id.n && rc == 0 && !there; i++)
		there = br_chat_get(&c, br_req_arena(r), br_req_ws(r), s.id.v[i], id, NULL) == 0 && !strcmp(c.id, id);
	br_vec_release(&s.id);
	if (rc < 0)
		return rc;
	return there ? br_fail(err, BR_EFORBIDDEN, "This conversation belongs to another notebook") :
		br_fail(err, BR_ENOTFOUND, "Conversation not found");
}

static int find_chat(struct br_chat *out, struct br_req *r, const struct br_nb *nb, const char *id, struct br_err *err)
{
	int rc = br_beyond__chat(out, r, nb, id, err);

	return rc == -BR_ENOTFOUND && strlen(id) == 36 ? elsewhere(r, id, err) : rc;
}

/* ---- X2 ---- */

struct chat_in { const char *message, *chat, *strategy, *persona, *language; };
static const struct br_field chat_in[] = {
	{ "message", BR_FAT_STR(struct chat_in, message), .flags = BR_REQUIRED, .min = 1, .max = BR_MAX_QUERY },
	{ "conversation_id", BR_FAT_STR(struct chat_in, chat), .format = "uuid", .help = "one is begun when there is none" },
	{ "strategy_id", BR_FAT_STR(struct chat_in, strategy), .max = 100 },
	{ "persona", BR_FAT_STR(struct chat_in, persona), .choices = BR_PERSONAS },
	{ "language", BR_FAT_STR(struct chat_in, language), .choices = BR_LANGUAGES }, BR_FIELD_END,
};

static void reply_said(struct br_req *r, const char *chat, const struct br_beyond_said *s)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_kstr(j, "conversation_id", chat);
	br_json_kstr(j, "answer", s->reply.text);
	br_json_key(j, "citations");
	br_json_arr(j);
	for (size_t i = 0; i < s->reply.n; i++) {
		const struct br_citation *c = &s->reply.cite[i];
		br_json_obj(j);
		br_json_kuint(j, "citation_id", c->n);
		br_json_kstr(j, "content", c->quote);
		br_json_kstr(j, "file_name", br_path_base(c->path));
		br_beyond__float(j, "similarity", br_beyond__score(c->score, s->best), 6);
		br_json_end(j);
	}
	br_json_end(j);
	br_beyond__suggested(j, &s->reply);
	br_json_kbool(j, "is_cached", s->reply.cached);
	br_beyond__float(j, "execution_time_ms", s->reply.took_ms, 1);
	br_json_end(j);
}

/* A strategy that is not known must not leave an empty conversation behind. */
static int begin(struct br_chat *out, struct br_req *r, const struct br_nb *nb, const struct br_beyond_question *q, struct br_err *err)
{
	struct br_beyond_ask ask = { 0 };
	int rc = br_beyond__ask(&ask, r, nb, q, err);

	br_beyond__ask_close(&ask);
	return rc < 0 ? rc : br_chat_create(out, br_req_arena(r), br_req_ws(r), nb->id, NULL, br_req_who(r)->user, err);
}

static int chat(struct br_req *r, const void *in, struct br_err *err)
{
	const struct chat_in *p = in;
	struct br_beyond_turn t = { .q = { .query = p->message, .strategy = p->strategy, .full_text = -1, .semantic = -1 }, .persona = p->persona,
		.language = p->language };
	struct br_beyond_said said = { 0 };
	struct br_chat c;
	struct br_nb *nb;
	int rc = bound(&nb, r, err);

	count(r);
	if (rc == 0)
		rc = p->chat ? find_chat(&c, r, nb, p->chat, err) : begin(&c, r, nb, &t.q, err);
	t.chat = c.id;
	if (rc == 0 && (rc = br_beyond__turn(&said, r, nb, &t, err)) == 0)
		reply_said(r, c.id, &said);
	br_reply_release(&said.reply);
	return rc;
}
static const struct br_field citation_out[] = {
	{ "citation_id", MUST(INT) }, { "content", MUST(STR) }, { "file_name", MUST(STR) }, { "similarity", MUST(NUM) }, BR_FIELD_END,
};
static const struct br_shape citation_shape = { "ExternalCitation", citation_out, 0 };
static const struct br_field chat_out[] = {
	{ "conversation_id", MUST(STR) }, { "answer", MUST(STR) }, { "citations", MUST(ARR), .shape = &citation_shape },
	{ "suggested_questions", MUST(ARR), .of = BR_F_STR }, { "is_cached", MUST(BOOL) }, { "execution_time_ms", MUST(NUM) }, BR_FIELD_END,
};
static const struct br_shape chat_shape = { "ExternalChat", chat_out, 0 };

/* ---- X3 ---- */

static int history(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_messages all = { 0 };
	struct br_json *j;
	struct br_chat c;
	struct br_nb *nb;
	int rc = bound(&nb, r, err);

	(void)in;
	count(r);
	if (rc == 0 && (rc = find_chat(&c, r, nb, br_req_param(r, "conversation_id"), err)) == 0 &&
	    (rc = br_beyond__messages(&all, r, nb, c.id, err)) == 0) {
		j = br_reply(r, 0);
		br_json_obj(j);
		br_json_kstr(j, "conversation_id", c.id);
		br_json_key(j, "messages");
		br_json_arr(j);
		for (size_t i = 0; i < all.v.n; i++) {
			br_json_obj(j);
			br_json_kstr(j, "role", all.v.v[i].role == BR_ROLE_USER ? "user" : "assistant");
			br_json_kstr(j, "content", all.v.v[i].text);
			br_beyond__time_ms(j, "created_at", all.v.v[i].created_ms);
			br_json_end(j);
		}
		br_json_end(j);
		br_json_end(j);
	}
	br_vec_release(&all.v);
	return rc;
}
static const struct br_field message_out[] = {
	{ "role", MUST(STR), .choices = "user|assistant" }, { "content", MUST(STR) }, { "created_at", MUST(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape message_shape = { "ExternalMessage", message_out, 0 };
static const struct br_field history_out[] = { { "conversation_id", MUST(STR) }, { "messages", MUST(ARR), .shape = &message_shape }, BR_FIELD_END };
static const struct br_shape history_shape = { "ExternalHistory", history_out, 0 };

/* ---- the dialect ---- */

#define EXT "/api/v1/external"
static const short query_fails[] = { 400, 404, 502, 0 }, history_fails[] = { 404, 0 };
static const struct br_route rows[] = {
	{ "POST", EXT "/query", "external_query", "Find passages", "external", BR_LEVEL_KEY, .rate = "key", .body = BR_BODY_JSON, .in = query_in,
	  .in_size = sizeof(struct query_in), .out = &query_shape, .fails = query_fails, .run = query },
	{ "POST", EXT "/chat", "external_chat", "Ask, and get an answer with citations", "external", BR_LEVEL_KEY, .rate = "key", .body = BR_BODY_JSON,
	  .in = chat_in, .in_size = sizeof(struct chat_in), .out = &chat_shape, .fails = query_fails, .flags = BR_ROUTE_SLOW, .run = chat },
	{ "GET", EXT "/chat/{conversation_id}/messages", "external_messages", "What was said, oldest first", "external", BR_LEVEL_KEY, .rate = "key",
	  .out = &history_shape, .fails = history_fails, .run = history },
};

const struct br_dialect br_dialect_external = {
	.name = "external", .prefix = EXT, .route = rows, .n = BR_COUNT(rows), .identify = identify, .rate = rate, .open = br_beyond__open,
	.close = br_beyond__close, .error = br_beyond__error, .schema = br_beyond__schema, .error_schema = br_beyond__error_schema,
	.security = "X-API-Key",
};
