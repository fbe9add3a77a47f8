/*
 * Questions: from the request to an answer with its sources. Passages are ranked by fusion; what clients see and put thresholds on is
 * their similarity, 0 to 1. Without a model service answers are quoted, and tokens are estimated as services count them.
 */
#include "quivr.h"

#include "br/net.h"

#include <stdio.h>
#include <stdlib.h>

enum { TOP = 5, MAX_TOKENS = 1000, PROMPT_TOKENS = 500 };
static const double TEMPERATURE = 0.3;

/* ---- the request ---- */

const struct br_field br_quivr__ask_fields[] = {
	{ "knowledge_base_id", BR_FAT_STR(struct br_quivr_ask, kb), .flags = BR_REQUIRED, .min = 1, .max = 200 },
	{ "question", BR_FAT_STR(struct br_quivr_ask, question), .flags = BR_REQUIRED, .min = 1, .max = 1000 },
	{ "top_k", BR_FAT_INT(struct br_quivr_ask, top_k), .min = 1, .max = 100, .help = "passages for the answer; the knowledge base's, else 5" },
	{ "score_threshold", BR_FAT_NUM(struct br_quivr_ask, threshold), .min = 0, .max = 1, .help = "similarity that passages must have" },
	{ "filters", BR_FAT_OBJ(struct br_quivr_ask, filters), .help = "conditions on metadata, {\"team\": {\"$in\": [...]}}" },
	{ "include_sources", BR_FAT_BOOL(struct br_quivr_ask, include_sources), .dflt = "true" },
	{ "model", BR_FAT_STR(struct br_quivr_ask, model), .max = 200, .help = "the configured one where the service does not have it" },
	{ "temperature", BR_FAT_NUM(struct br_quivr_ask, temperature), .min = 0, .max = 2, .help = "0.3" },
	{ "max_tokens", BR_FAT_INT(struct br_quivr_ask, max_tokens), .min = 1, .max = 1000000, .help = "1000" }, BR_FIELD_END,
};
_Static_assert(BR_COUNT(br_quivr__ask_fields) == QUIVR_ASK_FIELDS, "as the header says");

static bool is_there(const struct br_jval *root, const char *key)
{
	const struct br_jval *v = br_jval_get(root, key);

	return v && br_jval_type(v) != BR_J_NULL;
}

int br_quivr__ask_read(struct br_quivr_ask *out, struct br_req *r, const struct br_jval *root, struct br_err *err)
{
	static const struct br_shape shape = { NULL, br_quivr__ask_fields, sizeof *out };
	const struct br_problem *p;
	size_t n;

	br_req_forget(r);
	br_quivr__caller(r)->why = (struct br_quivr_why){ 0 };
	if (br_jval_type(root) != BR_J_OBJ)
		return br_quivr__bad(r, err, "body", "the question must be a JSON object");
	if (!br_shape_read(out, &shape, root, r)) {
		p = br_req_problems(r, &n);
		return br_quivr__bad(r, err, p[0].field, "%s %s", p[0].field, p[0].what);
	}
	out->has_threshold = is_there(root, "score_threshold");
	out->has_temperature = is_there(root, "temperature");
	return 0;
}

/* ---- one question on its way ---- */

struct asking {
	struct br_quivr_answer *out;
	struct br_req *r;
	const struct br_quivr_ask *ask;
	const struct br_quivr_how *how;
	struct br_nb *nb;
	struct br_nb_values *v;
	struct br_answer_opts opts;
	struct br_answer_service *service;
	struct br_answer_voice voice;
	double temperature;
	uint64_t taken, written;       /* tokens set aside; bytes of the answer that were passed on */
};

static int by_score(const void *a, const void *b)
{
	const struct br_quivr_source *x = a, *y = b;

	return x->score > y->score ? -1 : x->score < y->score;
}

static const char *metadata(struct asking *q, struct br_txn *t, uint32_t doc)
{
	struct br_doc *d;

	return br_doc_get(&d, &q->out->arena, t, q->nb->nb, doc, NULL) == 0 && d->meta[0] ? d->meta : "{}";
}

/* Of the passages from which the answer is made. */
static void take_passages(const struct br_result *found, void *arg)
{
	struct asking *q = arg;
	struct br_quivr_answer *out = q->out;
	struct br_arena *a = &out->arena;
	struct br_txn *t;

	out->n = 0;
	out->source = br_arena_zalloc(a, (found->n + 1) * sizeof *out->source);
	if (br_txn_read(&t, br_req_ws(q->r)->store, NULL) < 0)
		return;
	for (size_t i = 0; i < found->n; i++) {
		const struct br_found *f = &found->hit[i];
		out->source[out->n++] = (struct br_quivr_source){ .filename = br_arena_strdup(a, br_path_base(f->path)), .path = br_arena_strdup(a, f->path),
			.title = br_arena_strdup(a, f->title), .doc_id = br_arena_strdup(a, f->doc_id), .text = br_arena_strdup(a, f->text),
			.metadata = metadata(q, t, f->doc), .page = f->page, .ordinal = f->ordinal, .score = f->similarity };
	}
	br_txn_end(t);
	qsort(out->source, out->n, sizeof *out->source, by_score);
}

static int pass_on(const char *text, size_t n, void *arg)
{
	struct asking *q = arg;

	q->written += n;
	return q->how->token ? q->how->token(text, n, q->how->arg) : 0;
}

/* ---- how it is asked ---- */

static int set_filters(struct asking *q, struct br_err *err)
{
	struct br_where *where;
	const char *place;
	int rc = br_where_compile(&where, &place, &q->out->arena, q->ask->filters, err);

	q->opts.query.where = where;
	if (rc == -BR_EUSAGE) {
		char why[sizeof err->msg];
		memcpy(why, err->msg, sizeof why);
		return br_quivr__bad(q->r, err, *place ? br_arena_printf(&q->out->arena, "filters.%s", place) : "filters", "%s", why);
	}
	return rc;
}

static const char *strategy(const struct br_nb_values *v)
{
	const char *set = br_nb_is_set(v, "search.strategy") ? br_nb_str(v, "search.strategy") : NULL;
	size_t n;
	const char *const *names = br_strategy_names(&n);

	for (size_t i = 0; set && i < n; i++)
		if (!strcmp(names[i], set))
			return set;
	return NULL;
}

static void set_query(struct asking *q)
{
	const struct br_quivr_ask *p = q->ask;
	struct br_query_opts *o = &q->opts.query;

	o->notebook = q->nb->id;
	o->strategy = strategy(q->v);
	o->top = (uint32_t)(p->top_k ? p->top_k : br_nb_is_set(q->v, "search.top") ? br_nb_int(q->v, "search.top") : TOP);
	o->min_similarity = p->has_threshold ? p->threshold : br_nb_num(q->v, "search.score_threshold");
	o->plain = true;
	q->opts.only_top = true;
	q->opts.history = p->history;
	q->opts.n_history = p->n_history;
	q->opts.passages = take_passages;
	q->opts.token = pass_on;
	q->opts.arg = q;
}

static int64_t max_tokens(const struct asking *q)
{
	return q->ask->max_tokens ? q->ask->max_tokens : br_nb_is_set(q->v, "chat.max_tokens") ? br_nb_int(q->v, "chat.max_tokens") : MAX_TOKENS;
}

static int set_model(struct asking *q, struct br_err *err)
{
	const struct br_config *c = br_req_ws(q->r)->config;
	int rc;

	if (!br_llm_configured(c, BR_LLM_CHAT))
		return 0;
	if ((rc = br_answer_service_open(&q->service, c, q->how->cancel, err)) < 0)
		return rc;
	q->temperature = q->ask->has_temperature ? q->ask->temperature : br_nb_is_set(q->v, "chat.temperature") ? br_nb_num(q->v, "chat.temperature") :
		TEMPERATURE;
	q->voice = (struct br_answer_voice){ q->ask->model ? q->ask->model : br_nb_is_set(q->v, "chat.model") ? br_nb_str(q->v, "chat.model") : NULL,
		&q->temperature, max_tokens(q) };
	br_answer_service_voice(q->service, &q->voice);
	q->opts.model = br_answer_service_model(q->service);
	return 0;
}

/* At most this, as far as one can say: the passages, the instructions, the answer. */
static uint64_t tokens_at_most(const struct asking *q)
{
	return q->opts.query.top * br_llm_estimate_tokens((uint64_t)q->nb->chunking.size * 2) + PROMPT_TOKENS + (uint64_t)max_tokens(q);
}

/* ---- what came of it ---- */

/* As the service says; else what was read and written, also by an answer that was stopped. */
static void count_tokens(const struct asking *q)
{
	struct br_quivr_answer *out = q->out;

	out->usage = out->reply.tokens;
	if (out->usage.prompt || out->usage.completion || !(q->written || out->reply.text))
		return;
	out->usage.prompt = br_llm_estimate_tokens(strlen(q->ask->question));
	for (size_t i = 0; i < out->n; i++)
		out->usage.prompt += br_llm_estimate_tokens(strlen(out->source[i].text));
	out->usage.completion = br_llm_estimate_tokens(out->reply.text ? strlen(out->reply.text) : q->written);
}

/* The mean score of the sources, half of it when the answer is that there is none. */
static double confidence(const struct br_quivr_answer *out)
{
	double sum = 0;

	for (size_t i = 0; i < out->n; i++)
		sum += out->source[i].score;
	return out->n ? sum / (double)out->n * (out->reply.found ? 1 : 0.5) : 0;
}

static void tell(struct asking *q)
{
	const struct br_quivr_answer *out = q->out;
	struct br_buf b = BR_BUF_INIT(64 << 10);
	struct br_json j;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "query", q->ask->question);
	br_json_kint(&j, "latency_ms", out->latency_ms);
	br_json_kuint(&j, "source_count", out->n);
	br_json_kstr(&j, "query_id", out->id);
	br_json_kstr(&j, "kb_id", q->nb->id);
	br_json_kstr(&j, "knowledge_base_id", q->nb->id);
	br_json_end(&j);
	br_quivr__event(q->r, BR_HOOK_QUERY_COMPLETED, q->nb->id, br_buf_slice(&b));
	br_buf_release(&b);
}

static void make_id(char id[20])
{
	uint8_t raw[8];

	br_random(raw, sizeof raw);
	memcpy(id, "q-", 2);
	br_hex(id + 2, raw, sizeof raw);
}

static int run(struct asking *q, struct br_err *err)
{
	struct br_quivr_answer *out = q->out;
	int64_t began = br_mono_ns();
	int rc;

	if ((rc = set_filters(q, err)) < 0 || (rc = br_quivr__aside(&q->taken, q->r, tokens_at_most(q), err)) < 0)
		return rc;
	if ((rc = set_model(q, err)) == 0)
		rc = br_answer(&out->reply, br_req_searcher(q->r), q->ask->question, &q->opts, err);
	count_tokens(q);
	br_quivr__spent(q->r, q->taken, out->usage.prompt + out->usage.completion);
	if (rc < 0) {
		if (q->how->cancel && atomic_load(q->how->cancel))
			br_quivr__audit_answer(q->r, 499, q->nb->id, q->ask->question, out);
		return rc;
	}
	out->kb = br_arena_strdup(&out->arena, q->nb->id);
	out->model = out->reply.model ? out->reply.model : "extractive";
	out->confidence = confidence(out);
	out->latency_ms = (br_mono_ns() - began) / 1000000;
	br_quivr__audit_answer(q->r, 200, q->nb->id, q->ask->question, out);
	if ((rc = br_asked_add(br_req_ws(q->r), q->nb->id, &out->reply, br_req_who(q->r)->user, err)) == 0)
		tell(q);
	return rc;
}

int br_quivr__answer(struct br_quivr_answer *out, struct br_req *r, const struct br_quivr_ask *ask, const struct br_quivr_how *how, struct br_err *err)
{
	struct asking q = { .out = out, .r = r, .ask = ask, .how = how, .opts = BR_ANSWER_OPTS_DEFAULT };
	int rc = br_quivr__kb(&q.nb, r, ask->kb, err);

	*out = (struct br_quivr_answer){ .source = NULL };
	if (rc < 0)
		return rc;
	make_id(out->id);
	q.v = br_nb_values_new(q.nb);
	set_query(&q);
	rc = run(&q, err);
	br_answer_service_close(q.service);
	br_nb_values_free(q.v);
	return rc == -BR_EAUTH ? br_req_fail(r, 503, err, BR_EUPSTREAM, "the model service refused the key of the server") : rc;
}

void br_quivr__answer_release(struct br_quivr_answer *a)
{
	br_reply_release(&a->reply);
	br_arena_release(&a->arena);
}

/* ---- the answer as JSON ---- */

static void write_source(struct br_json *j, const struct br_quivr_source *s)
{
	struct br_arena a = { 0 };
	const char *url = br_keep_member(&a, s->metadata, "document_url"), *edit = br_keep_member(&a, s->metadata, "edit_url");
	char id[64];

	snprintf(id, sizeof id, "%s-%u", s->doc_id, s->ordinal);
	br_json_obj(j);
	br_json_kstr(j, "filename", s->filename);
	if (s->page)
		br_json_kuint(j, "page", s->page);
	else
		br_json_knull(j, "page");
	br_json_knum(j, "score", s->score, 6);
	br_json_kstr(j, "document_id", s->doc_id);
	br_json_kstr(j, "chunk_id", id);
	br_json_kuint(j, "chunk_index", s->ordinal);
	br_json_kstr(j, "file_path", s->path);
	br_json_kstr(j, "title", *s->title ? s->title : NULL);
	br_json_kstr(j, "text", s->text);
	br_json_key(j, "metadata");
	br_json_raw(j, s->metadata, strlen(s->metadata));
	br_json_kstr(j, "document_url", url ? url : br_is_url(s->path) ? s->path : NULL);
	br_json_kstr(j, "edit_url", edit);
	br_json_end(j);
	br_arena_release(&a);
}
static const struct br_field source_out[] = {
	{ "filename", MUST(STR) }, { "page", MAY_NULL(INT) }, { "score", MUST(NUM), .help = "similarity, 0 to 1" }, { "document_id", MUST(STR) },
	{ "chunk_id", MUST(STR) }, { "chunk_index", MUST(INT) }, { "file_path", MUST(STR) }, { "title", MAY_NULL(STR) }, { "text", MUST(STR) },
	{ "metadata", MUST(OBJ) }, { "document_url", MAY_NULL(STR) }, { "edit_url", MAY_NULL(STR) }, BR_FIELD_END,
};
const struct br_shape br_quivr__sources_shape = { "QuivrSource", source_out, 0 };

void br_quivr__sources(struct br_json *j, const struct br_quivr_answer *a, bool include)
{
	br_json_arr(j);
	for (size_t i = 0; include && i < a->n; i++)
		write_source(j, &a->source[i]);
	br_json_end(j);
}

void br_quivr__done_members(struct br_json *j, const struct br_quivr_answer *a)
{
	br_json_kstr(j, "query_id", a->id);
	br_json_knum(j, "confidence", a->confidence, 4);
	br_json_key(j, "usage");
	br_json_obj(j);
	br_json_kuint(j, "prompt_tokens", a->usage.prompt);
	br_json_kuint(j, "completion_tokens", a->usage.completion);
	br_json_kuint(j, "total_tokens", a->usage.prompt + a->usage.completion);
	br_json_end(j);
	br_json_kint(j, "latency_ms", a->latency_ms);
	br_json_kstr(j, "model", a->model);
}
static const struct br_field usage_out[] = { { "prompt_tokens", MUST(INT) }, { "completion_tokens", MUST(INT) }, { "total_tokens", MUST(INT) }, BR_FIELD_END };
const struct br_shape br_quivr__usage_shape = { "QuivrUsage", usage_out, 0 };

/* ---- POST /query ---- */

static void stop(void *flag)
{
	atomic_store((atomic_bool *)flag, true);
}

static int query(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_quivr_ask ask = *(const struct br_quivr_ask *)in;
	struct br_quivr_answer a;
	atomic_bool cancel = false;
	struct br_json *j;
	int rc;

	ask.has_threshold = br_req_given(r, "score_threshold");
	ask.has_temperature = br_req_given(r, "temperature");
	br_req_on_gone(r, stop, &cancel);
	if ((rc = br_quivr__answer(&a, r, &ask, &(struct br_quivr_how){ .cancel = &cancel }, err)) == 0) {
		j = br_reply(r, 0);
		br_json_obj(j);
		br_json_kstr(j, "answer", a.reply.text);
		br_json_key(j, "sources");
		br_quivr__sources(j, &a, ask.include_sources);
		br_quivr__done_members(j, &a);
		br_json_kstr(j, "knowledge_base_id", a.kb);
		br_json_end(j);
	}
	br_req_on_gone(r, NULL, NULL);
	br_quivr__answer_release(&a);
	return rc;
}
static const struct br_field query_out[] = {
	{ "answer", MUST(STR) }, { "sources", MUST(ARR), .shape = &br_quivr__sources_shape }, { "query_id", MUST(STR) }, { "confidence", MUST(NUM) },
	{ "usage", MUST(OBJ), .shape = &br_quivr__usage_shape }, { "latency_ms", MUST(INT) }, { "model", MUST(STR) }, { "knowledge_base_id", MUST(STR) },
	BR_FIELD_END,
};
static const struct br_shape query_shape = { "QuivrAnswer", query_out, 0 };

static const short fails[] = { 400, 404, 503, 0 };
static const struct br_route rows[] = {
	{ "POST", API "/query", "quivr_query", "Ask, and get an answer with its sources", "query", BR_LEVEL_KEY, .scopes = "query", .rate = "query",
	  .body = BR_BODY_JSON, .in = br_quivr__ask_fields, .in_size = sizeof(struct br_quivr_ask), .out = &query_shape, .fails = fails,
	  .flags = BR_ROUTE_SLOW, .run = query },
};
const struct br_routes br_quivr__query_rows = { rows, BR_COUNT(rows) };
