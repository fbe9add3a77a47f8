/* R1 to R4: strategies, retrieval, and the questions that were asked. */
#include "beyond.h"

#include <stdlib.h>

/* ---- R1 ---- */

struct strategy { const char *id, *name, *what; bool llm; };
static const struct strategy strategies[] = {
	{ "fusion", "Fusion (RRF)", "Words and meaning, merged by reciprocal rank", false },
	{ "semantic", "Semantic", "Similarity of meaning alone", false },
	{ "full_text", "Full-Text", "Words alone", false },
	{ "hybrid", "Hybrid", "Weighted sum of words and meaning", false },
	{ "hyde", "HyDE", "Searches with an answer that a language model imagines", true },
	{ "multi_query", "Multi-Query", "Asks in several ways and merges what is found", true },
	{ "kb_explorer", "KB Explorer", "Takes a question apart and looks for each part", true },
};

static int list_strategies(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_arr(j);
	for (size_t i = 0; i < BR_COUNT(strategies); i++) {
		br_json_obj(j);
		br_json_kstr(j, "id", strategies[i].id);
		br_json_kstr(j, "name", strategies[i].name);
		br_json_kbool(j, "requires_llm", strategies[i].llm);
		br_json_kstr(j, "description", strategies[i].what);
		br_json_end(j);
	}
	br_json_end(j);
	return 0;
}
static const struct br_field strategy_out[] = {
	{ "id", MUST(STR) }, { "name", MUST(STR) }, { "requires_llm", MUST(BOOL) }, { "description", MUST(STR) }, BR_FIELD_END,
};
static const struct br_shape strategy_shape = { "BeyondStrategy", strategy_out, 0 };

/* ---- R2 ---- */

struct retrieve_in { const char *query, *strategy; int64_t top, rrf_k, rerank; double full_text, semantic; const struct br_jval *files; };
static const struct br_field retrieve_in[] = {
	{ "query", BR_FAT_STR(struct retrieve_in, query), .flags = BR_REQUIRED, .min = 1, .max = BR_MAX_QUERY },
	{ "strategy_id", BR_FAT_STR(struct retrieve_in, strategy), .max = 100, .dflt = "fusion" },
	{ "top_k", BR_FAT_INT(struct retrieve_in, top), .min = 1, .max = 50, .dflt = "10" },
	{ "full_text_weight", BR_FAT_NUM(struct retrieve_in, full_text), .min = 0, .max = 2, .dflt = "1" },
	{ "semantic_weight", BR_FAT_NUM(struct retrieve_in, semantic), .min = 0, .max = 2, .dflt = "1" },
	{ "rrf_k", BR_FAT_INT(struct retrieve_in, rrf_k), .min = 1, .max = 200, .dflt = "60" },
	{ "rerank_top_k", BR_FAT_INT(struct retrieve_in, rerank), .min = 1, .max = 50, .dflt = "5" },
	{ "file_ids", BR_FAT_ARR(struct retrieve_in, files), .of = BR_F_STR, .max = 1000, .help = "of these files alone" }, BR_FIELD_END,
};

static void write_chunk(struct br_json *j, const struct br_nb *nb, const struct br_found *f, size_t rank, double best)
{
	br_json_obj(j);
	br_json_kuint(j, "rank", rank);
	br_json_kstr(j, "content", f->text);
	br_beyond__float(j, "score", br_beyond__score(f->score, best), 6);
	br_json_key(j, "metadata");
	br_beyond__metadata(j, nb, f);
	br_json_kstr(j, "file_name", br_path_base(f->path));
	br_json_kstr(j, "file_id", f->doc_id);
	br_json_kuint(j, "chunk_index", f->ordinal);
	br_json_end(j);
}

static void reply_chunks(struct br_req *r, const struct br_nb *nb, const struct br_result *found, const char *strategy, const char *query)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_kstr(j, "strategy_id", strategy);
	br_json_kstr(j, "query", query);
	br_json_key(j, "chunks");
	br_json_arr(j);
	for (size_t i = 0; i < found->n; i++)
		write_chunk(j, nb, &found->hit[i], i + 1, found->hit[0].score);
	br_json_end(j);
	br_json_kuint(j, "total_results", found->n);
	br_beyond__float(j, "execution_time_ms", found->took_ms, 1);
	br_json_end(j);
}

static void remember(struct br_req *r, const char *notebook, const char *query, const char *strategy, uint32_t found, double took_ms)
{
	br_history_add(br_server_opts(br_req_server(r))->history, &(struct br_searched){ .at_ms = br_now_ns() / 1000000, .notebook = notebook,
		.query = query, .strategy = strategy, .by = br_req_who(r)->user, .found = found, .took_ms = took_ms });
}

static int retrieve(struct br_req *r, const void *in, struct br_err *err)
{
	const struct retrieve_in *p = in;
	const struct br_beyond_question q = { .query = p->query, .strategy = p->strategy, .top = p->top, .full_text = p->full_text,
		.semantic = p->semantic, .rerank_top = p->rerank, .rrf_k = p->rrf_k, .files = p->files };
	struct br_beyond_ask ask = { 0 };
	struct br_result found = { 0 };
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	if (rc == 0 && (rc = br_beyond__ask(&ask, r, nb, &q, err)) == 0 && !ask.later &&
	    (rc = br_retrieve(&found, br_req_searcher(r), p->query, &ask.opts, err)) == 0) {
		if (found.degraded || ask.llm || ask.rerank)
			br_reply_transient(r);
		reply_chunks(r, nb, &found, ask.strategy, p->query);
		remember(r, nb->id, p->query, ask.strategy, (uint32_t)found.n, found.took_ms);
	}
	br_result_release(&found);
	br_beyond__ask_close(&ask);
	return rc;
}

/* The last number of that name in an answer of ours, which stands near its end. */
static double last_number(struct br_slice text, const char *name)
{
	size_t near = BR_MIN(text.len, (size_t)200), n = strlen(name);
	char tail[201];
	const char *at;

	memcpy(tail, text.ptr + text.len - near, near);
	tail[near] = 0;
	at = strstr(tail, name);
	return at ? strtod(at + n, NULL) : 0;
}

/* Searches that are answered from memory are searches, too. */
static void again(struct br_req *r, struct br_slice answer)
{
	struct br_jdoc *doc;
	const struct br_jval *root;
	const char *query, *strategy;

	if (br_jdoc_parse(&doc, br_req_body(r), "the body", NULL) < 0)
		return;
	root = br_jdoc_root(doc);
	query = br_jval_str(br_jval_get(root, "query"));
	strategy = br_jval_str(br_jval_get(root, "strategy_id"));
	remember(r, br_req_param(r, "notebook_id"), query, strategy ? strategy : BEYOND_STRATEGY,
		(uint32_t)last_number(answer, "\"total_results\":"), last_number(answer, "\"execution_time_ms\":"));
	br_jdoc_free(doc);
}
static const struct br_field chunk_out[] = {
	{ "rank", MUST(INT) }, { "content", MUST(STR) }, { "score", MUST(NUM) }, { "metadata", MUST(OBJ), .shape = &br_beyond__metadata_shape },
	{ "file_name", MUST(STR) }, { "file_id", MUST(STR) }, { "chunk_index", MUST(INT) }, BR_FIELD_END,
};
static const struct br_shape chunk_shape = { "BeyondChunk", chunk_out, 0 };
static const struct br_field retrieve_out[] = {
	{ "strategy_id", MUST(STR) }, { "query", MUST(STR) }, { "chunks", MUST(ARR), .shape = &chunk_shape }, { "total_results", MUST(INT) },
	{ "execution_time_ms", MUST(NUM) }, BR_FIELD_END,
};
static const struct br_shape retrieve_shape = { "BeyondRetrieval", retrieve_out, 0 };

/* ---- R3, R4 ---- */

struct history { struct br_json *j; const struct br_identity *who; };

/* Everybody sees their own; whom nobody asks who they are, all. */
static int put_asked(const struct br_asked *q, void *arg)
{
	const struct history *past = arg;
	struct br_json *j = past->j;
	char id[24];
	uint64_t h = br_hash64(q->question, strlen(q->question)) ^ (uint64_t)q->at_ms;

	if (!past->who->bypass && strcmp(q->by, past->who->user))
		return 0;
	br_hex(id, (const uint8_t *)&h, 8);
	br_json_obj(j);
	br_json_kstr(j, "id", id);
	br_json_kstr(j, "query", q->question);
	br_json_kstr(j, "strategy_id", q->strategy);
	br_json_kuint(j, "total_results", q->citations);
	br_beyond__float(j, "execution_time_ms", q->took_ms, 1);
	br_beyond__time_ms(j, "created_at", q->at_ms);
	br_json_end(j);
	return 0;
}

static int history(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_SERVE_REPLY);
	struct br_json j;
	struct history past = { &j, br_req_who(r) };
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	br_json_init(&j, &text, false);
	br_json_arr(&j);
	if (rc == 0 && (rc = br_history_flush(br_server_opts(br_req_server(r))->history, err)) == 0 &&
	    (rc = br_asked_each(br_req_ws(r), nb->id, BR_SERVE_HISTORY, put_asked, &past, err)) == 0) {
		br_json_end(&j);
		if ((rc = br_buf_check(&text, "the history", err)) == 0)
			br_json_raw(br_reply(r, 0), text.ptr, text.len);
	}
	br_buf_release(&text);
	return rc;
}
static const struct br_field asked_out[] = {
	{ "id", MUST(STR) }, { "query", MUST(STR) }, { "strategy_id", MUST(STR) }, { "total_results", MUST(INT) }, { "execution_time_ms", MUST(NUM) },
	{ "created_at", MUST(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape asked_shape = { "BeyondPastQuery", asked_out, 0 };

static int forget(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc < 0 || (rc = br_history_flush(br_server_opts(br_req_server(r))->history, err)) < 0 ||
	    (rc = br_asked_clear(br_req_ws(r), nb->id, br_req_who(r)->bypass ? NULL : br_req_who(r)->user, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kbool(j, "deleted", true);
	br_json_end(j);
	return 0;
}
static const struct br_field forget_out[] = { { "deleted", MUST(BOOL) }, BR_FIELD_END };
static const struct br_shape forget_shape = { "BeyondHistoryDeleted", forget_out, 0 };

static const short retrieve_fails[] = { 400, 404, 502, 0 }, known[] = { 404, 0 };
static const struct br_route rows[] = {
	{ "GET", NB "/retrieval/strategies", "beyond_strategies", "Strategies", "retrieval", BR_LEVEL_USER, .out = &strategy_shape, .fails = known,
	  .flags = BR_ROUTE_LIST, .run = list_strategies },
	{ "POST", NB "/retrieval/retrieve", "beyond_retrieve", "Find passages", "retrieval", BR_LEVEL_USER, .body = BR_BODY_JSON, .in = retrieve_in,
	  .in_size = sizeof(struct retrieve_in), .out = &retrieve_shape, .fails = retrieve_fails, .flags = BR_ROUTE_CACHE_NB, .run = retrieve, .again = again },
	{ "GET", NB "/retrieval/history", "beyond_history", "Past questions, newest first", "retrieval", BR_LEVEL_USER, .out = &asked_shape,
	  .fails = known, .flags = BR_ROUTE_LIST | BR_ROUTE_SLOW, .run = history },
	{ "DELETE", NB "/retrieval/history", "beyond_clear_history", "Forget past questions", "retrieval", BR_LEVEL_USER, .out = &forget_shape,
	  .fails = known, .flags = BR_ROUTE_SLOW, .run = forget },
};
const struct br_routes br_beyond__retrieval_rows = { rows, BR_COUNT(rows) };
