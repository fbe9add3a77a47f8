/*
 * T1, T2: settings of a notebook. Names, types and defaults are those of the table in src/corpus/nb_settings.c; what is stored is laid
 * over the defaults, and only what a request names changes.
 */
#include "beyond.h"

#include <stdio.h>
#include <stdlib.h>

#define CONFIG "strategies_config."

static const char *const plain[] = {
	"db_type", "storage_provider", "embedding_model", "system_prompt_retrieval", "inference_provider", "inference_model",
	"inference_temperature", "active_strategy_id", "ingestion_timeout_minutes", "max_conversation_messages",
	"enable_multimodal_processing", "enable_ai_synthesis", "judge_enabled", "language_mode", "default_persona", "default_language",
	"enhancement_concurrency", "smart_router_enabled",
};
static const char prompt[] = "Answer only from the passages that were found, and say so when they do not suffice. Give the source of every "
	"statement as [n]. Keep the language of the question and a neutral tone.";

/* ---- T1 ---- */

static void write_config(struct br_json *j, const struct br_nb_values *v)
{
	size_t n;
	const struct br_nb_setting *s = br_nb_settings(&n);

	br_json_key(j, "strategies_config");
	br_json_obj(j);
	for (size_t i = 0; i < n; i++) {
		if (!s[i].beyond || strncmp(s[i].beyond, CONFIG, strlen(CONFIG)) || !br_nb_is_set(v, s[i].key))
			continue;
		br_json_key(j, s[i].beyond + strlen(CONFIG));
		br_nb_value_write(j, v, &s[i]);
	}
	br_json_end(j);
}

static void write_settings(struct br_json *j, const struct br_nb *nb)
{
	struct br_nb_values *v = br_nb_values_new(nb);

	br_json_obj(j);
	br_json_kstr(j, "notebook_id", nb->id);
	for (size_t i = 0; i < BR_COUNT(plain); i++) {
		br_json_key(j, plain[i]);
		br_nb_value_write(j, v, br_nb_setting_named(BR_API_BEYOND, plain[i]));
	}
	write_config(j, v);
	br_json_key(j, "default_system_prompts");
	br_json_obj(j);
	br_json_kstr(j, "system_prompt_retrieval", prompt);
	br_json_end(j);
	br_json_end(j);
	br_nb_values_free(v);
}

static int show(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc == 0)
		write_settings(br_reply(r, 0), nb);
	return rc;
}
static const struct br_field prompts_out[] = { { "system_prompt_retrieval", MUST(STR) }, BR_FIELD_END };
static const struct br_shape prompts_shape = { "BeyondDefaultPrompts", prompts_out, 0 };
static const struct br_field settings_out[] = {
	{ "notebook_id", MUST(STR) }, { "db_type", MUST(STR) }, { "storage_provider", MUST(STR) }, { "embedding_model", MUST(STR) },
	{ "system_prompt_retrieval", MUST(STR) }, { "inference_provider", MUST(STR) }, { "inference_model", MUST(STR) },
	{ "inference_temperature", MUST(NUM) }, { "active_strategy_id", MUST(STR) }, { "strategies_config", MUST(OBJ) },
	{ "ingestion_timeout_minutes", MUST(INT) }, { "max_conversation_messages", MUST(INT) }, { "enable_multimodal_processing", MUST(BOOL) },
	{ "enable_ai_synthesis", MUST(BOOL) }, { "judge_enabled", MUST(BOOL) }, { "language_mode", MAY_NULL(STR) },
	{ "default_persona", MAY_NULL(STR) }, { "default_language", MAY_NULL(STR) }, { "enhancement_concurrency", MAY_NULL(INT) },
	{ "smart_router_enabled", MUST(BOOL) }, { "default_system_prompts", MUST(OBJ), .shape = &prompts_shape }, BR_FIELD_END,
};
static const struct br_shape settings_shape = { "BeyondSettings", settings_out, 0 };

/* ---- T2 ---- */

struct change_in {
	const char *prompt, *provider, *model, *strategy, *mode, *persona, *language;
	double temperature;
	int64_t timeout, messages, concurrency;
	bool multimodal, synthesis, judge, router;
	const struct br_jval *config;
};
static const struct br_field change_in[] = {
	{ "system_prompt_retrieval", BR_FAT_STR(struct change_in, prompt), .max = 20000, .help = "instructions of persona custom" },
	{ "inference_provider", BR_FAT_STR(struct change_in, provider), .choices = "openrouter|openai|ollama",
	  .help = "used where the server has a key for it and no model service at an address of its own; else kept without effect" },
	{ "inference_model", BR_FAT_STR(struct change_in, model), .max = 200, .help = "asked of the server's model service; until it is set, the server's own" },
	{ "inference_temperature", BR_FAT_NUM(struct change_in, temperature), .min = 0, .max = 2, .help = "until it is set, the server's own" },
	{ "active_strategy_id", BR_FAT_STR(struct change_in, strategy), .max = 100, .help = "kept without effect: strategies_config.strategy_id decides" },
	{ "strategies_config", BR_FAT_OBJ(struct change_in, config),
	  .help = "strategy_id, match_count, full_text_weight, semantic_weight, rrf_k, rerank_top_k of questions that do not say; others are dropped" },
	{ "ingestion_timeout_minutes", BR_FAT_INT(struct change_in, timeout), .min = 1, .max = 1440, .help = "then the job of a file becomes an error" },
	{ "max_conversation_messages", BR_FAT_INT(struct change_in, messages), .min = 0, .max = 1000, .help = "that an answer may look back on" },
	{ "enable_multimodal_processing", BR_FAT_BOOL(struct change_in, multimodal),
	  .help = "text in pictures and scans is read, where tesseract is installed; pictures are not described" },
	{ "enable_ai_synthesis", BR_FAT_BOOL(struct change_in, synthesis), .help = "kept without effect" },
	{ "judge_enabled", BR_FAT_BOOL(struct change_in, judge),
	  .help = "a language model's answers are judged afterwards by it; run_metadata.judge has faithfulness, relevance and a comment" },
	{ "language_mode", BR_FAT_STR(struct change_in, mode), .max = 64, .help = "kept without effect: default_language decides" },
	{ "default_persona", BR_FAT_STR(struct change_in, persona), .choices = BR_PERSONAS },
	{ "default_language", BR_FAT_STR(struct change_in, language), .choices = BR_LANGUAGES },
	{ "enhancement_concurrency", BR_FAT_INT(struct change_in, concurrency), .min = 1, .max = 64, .help = "passages asked of the model at one time" },
	{ "smart_router_enabled", BR_FAT_BOOL(struct change_in, router), .help = "kept without effect" }, BR_FIELD_END,
};

struct change { struct br_req *r; BR_VEC(struct br_nb_pair) pair; };

static const char *as_text(struct br_arena *a, const struct br_jval *v)
{
	double d;
	bool b;

	if (br_jval_num(&d, v))
		return br_arena_printf(a, "%.12g", d);
	if (br_jval_bool(&b, v))
		return b ? "true" : "false";
	return br_jval_str(v) ? br_jval_str(v) : "";
}

/* null gives settings back that have no value by default; of others it stands for "not given". */
static void take(struct change *c, const char *name, const struct br_jval *v)
{
	const struct br_nb_setting *s = br_nb_setting_named(BR_API_BEYOND, name);
	bool null = br_jval_type(v) == BR_J_NULL;

	if (s && !(null && s->dflt))
		*br_vec_push(&c->pair) = (struct br_nb_pair){ s->key, null ? NULL : as_text(br_req_arena(c->r), v) };
}

static bool is_changeable(const char *name)
{
	for (const struct br_field *f = change_in; f->name; f++)
		if (!strcmp(f->name, name))
			return strcmp(name, "strategies_config") != 0;
	return false;
}

static void take_all(struct change *c, const struct br_jval *root)
{
	char name[100];

	for (const struct br_jval *m = br_jval_first(root); m; m = br_jval_next(m))
		if (is_changeable(br_jval_key(m)))
			take(c, br_jval_key(m), m);
	for (const struct br_jval *m = br_jval_first(br_jval_get(root, "strategies_config")); m; m = br_jval_next(m)) {
		snprintf(name, sizeof name, CONFIG "%.60s", br_jval_key(m));
		take(c, name, m);
	}
}

static int change(struct br_req *r, const void *in, struct br_err *err)
{
	struct change c = { .r = r };
	struct br_jdoc *doc;
	struct br_nb *nb;
	bool reindex;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc < 0 || (rc = br_jdoc_parse(&doc, br_req_body(r), "the body", err)) < 0)
		return rc;
	take_all(&c, br_jdoc_root(doc));
	rc = br_nb_set_all(br_req_ws(r), nb->id, c.pair.v, c.pair.n, &reindex, err);
	br_vec_release(&c.pair);
	br_jdoc_free(doc);
	if (rc == 0 && (rc = br_beyond__nb(&nb, r, err)) == 0)
		write_settings(br_reply(r, 0), nb);
	return rc;
}

static const short known[] = { 404, 0 }, change_fails[] = { 400, 404, 0 };
#define CHANGE(method, id) { method, NB "/settings", id, "Change settings", "settings", BR_LEVEL_ADMIN, .body = BR_BODY_JSON, .in = change_in, \
	.in_size = sizeof(struct change_in), .out = &settings_shape, .fails = change_fails, .flags = BR_ROUTE_SLOW, .run = change }
static const struct br_route rows[] = {
	{ "GET", NB "/settings", "beyond_settings", "Settings of a notebook", "settings", BR_LEVEL_ADMIN, .out = &settings_shape, .fails = known, .run = show },
	CHANGE("PUT", "beyond_set_settings"),
	CHANGE("PATCH", "beyond_change_settings"),
};
const struct br_routes br_beyond__settings_rows = { rows, BR_COUNT(rows) };
