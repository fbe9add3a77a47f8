/*
 * Settings of notebooks: one table of every setting that people and the APIs know, with type, range, default and its names there.
 * `br notebook set`, its manual and the server's settings routes come from these rows. Those that the index is made with have
 * fields of their own in the notebook's record; all others stand in its JSON object, only those that were set.
 */
#include "internal.h"
#include "settings.h"

#include "br/rx.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define STRATEGIES "fusion|semantic|full_text|hybrid|hyde|multi_query|kb_explorer"
#define OLDER_STRATEGIES "semantic-context|semantic-rerank|hybrid-rerank|expanded-hybrid|multi-query|advanced-multipath|agentic-sql|" \
	"agent-router|agent-harness"
#define PERSONAS "professional|funny|mentor|storyteller|clear|custom"
#define LANGUAGES "en|de|es|fr|it|pt|nl|ru|zh|ja"

static const struct br_nb_setting table[] = {
	/* as the settings of the same names in br-config(5) */
	{ "language", BR_NBS_CONFIG,
	  .help = "language of the documents, for word stems; guessed for each when empty", .reindex = true },
	{ "chunk.strategy", BR_NBS_CONFIG, .beyond = "ingestion_settings.chunking_strategy", .quivr = "chunking_config.strategy",
	  .help = "how documents are cut: along headings, blocks and sentences, or by size alone", .reindex = true },
	{ "chunk.size", BR_NBS_CONFIG, .beyond = "ingestion_settings.chunk_size", .quivr = "chunking_config.chunk_size",
	  .help = "characters aimed at in one chunk", .reindex = true },
	{ "chunk.overlap", BR_NBS_CONFIG, .beyond = "ingestion_settings.chunk_overlap", .quivr = "chunking_config.chunk_overlap",
	  .help = "characters that a chunk repeats of the one before it", .reindex = true },
	{ "bm25.k1", BR_NBS_CONFIG, .help = "how much a repeated word adds" },
	{ "bm25.b", BR_NBS_CONFIG, .help = "how much long chunks are held back" },

	{ "title", BR_NBS_STR, .max = 800, .dflt = "", .beyond = "notebook_title", .help = "its name as clients show it; empty, its name" },
	{ "description", BR_NBS_TEXT, .max = 4096, .dflt = "", .beyond = "notebook_description", .quivr = "description", .baiyuan = "description",
	  .help = "what the notebook is about" },
	{ "icon", BR_NBS_STR, .max = 32, .dflt = "\xf0\x9f\x93\x8a", .beyond = "icon", .help = "a sign beside its name" },
	{ "tags", BR_NBS_LIST, .max = 100, .dflt = "[]", .quivr = "tags", .help = "words to group notebooks by" },
	{ "metadata", BR_NBS_OBJECT, .dflt = "{}", .quivr = "metadata", .baiyuan = "metadata",
	  .help = "kept and given back as it is" },
	{ "owner", BR_NBS_STR, .max = 200, .dflt = "", .beyond = "user_id", .help = "the user to whom it belongs" },
	{ "tenant", BR_NBS_STR, .max = 200, .dflt = "", .baiyuan = "tenant_id", .help = "the tenant to whom it belongs" },
	{ "public", BR_NBS_BOOL, .dflt = "false", .baiyuan = "is_public", .help = "whether other tenants may read it" },
	{ "archived", BR_NBS_BOOL, .dflt = "false", .quivr = "archived", .help = "whether it is out of use" },
	{ "api.db_type", BR_NBS_ENUM, .dflt = "cloud", .choices = "cloud|local", .beyond = "db_type",
	  .help = "told to clients, otherwise without effect" },
	{ "api.storage_provider", BR_NBS_ENUM, .dflt = "supabase", .choices = "supabase|s3|local|none", .beyond = "storage_provider",
	  .help = "told to clients; with none, uploads are refused" },
	{ "api.embedding_model", BR_NBS_STR, .max = 200, .dflt = "openai/text-embedding-3-small", .beyond = "embedding_model",
	  .quivr = "embedding_config.model", .fixed = true,
	  .help = "the model that a client asked for; the one in use is shown as model" },

	{ "ingest.parser", BR_NBS_ENUM, .dflt = "Docling Parser", .choices = "Docling Parser|Mistral OCR|Basic Extractor|LlamaParse|Gemini OCR",
	  .beyond = "ingestion_settings.parser",
	  .help = "told to clients; Mistral OCR and Gemini OCR ask for text recognition" },
	{ "ingest.contextual", BR_NBS_BOOL, .dflt = "false", .beyond = "ingestion_settings.enable_contextual_retrieval",
	  .help = "whether files that clients ingest are enhanced at once, where a language model is configured" },
	{ "ingest.multimodal", BR_NBS_BOOL, .dflt = "false", .beyond = "enable_multimodal_processing",
	  .help = "whether text in pictures and scans is read, where tesseract is installed; pictures are not described" },
	{ "ingest.timeout_minutes", BR_NBS_INT, 1, 1440, .dflt = "10", .beyond = "ingestion_timeout_minutes",
	  .help = "minutes after which the job of a file is given up, unless its passages are being embedded already" },
	{ "ingest.heading_patterns", BR_NBS_LIST, .max = 100, .dflt = "[]", .quivr = "chunking_config.heading_patterns", .reindex = true,
	  .check = BR_NBS_PATTERNS, .help = "regular expressions of lines that are headings" },
	{ "ingest.metadata_schema", BR_NBS_OBJECT, .dflt = "{}", .quivr = "metadata_schema", .check = BR_NBS_SCHEMA,
	  .help = "what metadata documents must have: {\"field\":{\"type\":\"string\",\"required\":true,\"enum\":[]}}" },
	{ "retention.max_documents", BR_NBS_INT, 0, 1e9, .dflt = "0", .quivr = "retention_policy.max_documents",
	  .help = "documents at most; 0 for no limit" },
	{ "retention.max_storage_gb", BR_NBS_NUM, 0, 1e6, .dflt = "0", .quivr = "retention_policy.max_storage_gb",
	  .help = "GB of sources at most; 0 for no limit" },
	{ "retention.archive_after_days", BR_NBS_INT, 0, 36500, .dflt = "0", .quivr = "retention_policy.auto_archive_after_days",
	  .help = "days without a change after which it is archived; 0 for never" },

	{ "search.strategy", BR_NBS_ENUM, .choices = STRATEGIES "|" OLDER_STRATEGIES, .beyond = "strategies_config.strategy_id",
	  .help = "how questions of clients are answered that name no strategy; unset, fusion" },
	{ "search.active_strategy", BR_NBS_ENUM, .dflt = "fusion", .choices = STRATEGIES "|" OLDER_STRATEGIES, .beyond = "active_strategy_id",
	  .help = "told to clients; search.strategy decides" },
	{ "search.top", BR_NBS_INT, 1, 50, .dflt = "10", .beyond = "strategies_config.match_count", .quivr = "top_k",
	  .help = "passages found by a question of a client" },
	{ "search.full_text_weight", BR_NBS_NUM, 0, 2, .dflt = "1", .beyond = "strategies_config.full_text_weight",
	  .help = "weight of words" },
	{ "search.semantic_weight", BR_NBS_NUM, 0, 2, .dflt = "1", .beyond = "strategies_config.semantic_weight",
	  .help = "weight of meaning; unset, the model decides" },
	{ "search.rrf_k", BR_NBS_INT, 1, 200, .dflt = "60", .beyond = "strategies_config.rrf_k",
	  .help = "how flat reciprocal ranks are in fusion" },
	{ "search.rerank_top", BR_NBS_INT, 1, 50, .dflt = "5", .beyond = "strategies_config.rerank_top_k",
	  .help = "passages that stay after reranking" },
	{ "search.rerank", BR_NBS_BOOL, .dflt = "false", .baiyuan = "rerank_enabled",
	  .help = "whether passages are reranked by a service" },
	{ "search.score_threshold", BR_NBS_NUM, 0, 1, .dflt = "0", .quivr = "score_threshold",
	  .help = "passages below this similarity are left out" },
	{ "search.smart_router", BR_NBS_BOOL, .dflt = "false", .beyond = "smart_router_enabled",
	  .help = "kept for clients, otherwise without effect" },

	{ "chat.provider", BR_NBS_ENUM, .dflt = "openrouter", .choices = "openrouter|openai|ollama", .beyond = "inference_provider",
	  .help = "service that writes answers; kept without effect unless chat.provider of br-config(5) is set, without a chat.base_url, and the service's key is in the environment" },
	{ "chat.model", BR_NBS_STR, .max = 200, .dflt = "openai/gpt-4o-mini", .beyond = "inference_model", .quivr = "model",
	  .help = "its model; unset, chat.model of br-config(5)" },
	{ "chat.temperature", BR_NBS_NUM, 0, 2, .dflt = "0.4", .beyond = "inference_temperature", .quivr = "temperature",
	  .help = "how freely it writes; unset, chat.temperature of br-config(5)" },
	{ "chat.max_tokens", BR_NBS_INT, 1, 1000000, .dflt = "1000", .quivr = "max_tokens", .baiyuan = "max_tokens",
	  .help = "length of an answer at most" },
	{ "chat.system_prompt", BR_NBS_TEXT, .max = BR_MAX_SETTING, .dflt = "", .beyond = "system_prompt_retrieval", .baiyuan = "system_prompt",
	  .help = "instructions instead of the built-in ones, for persona custom" },
	{ "chat.persona", BR_NBS_ENUM, .choices = PERSONAS, .beyond = "default_persona",
	  .help = "how answers sound; unset, professional" },
	{ "chat.language", BR_NBS_ENUM, .choices = LANGUAGES, .beyond = "default_language",
	  .help = "language of answers; unset, that of the question" },
	{ "chat.language_mode", BR_NBS_STR, .max = 64, .beyond = "language_mode",
	  .help = "kept for clients, otherwise without effect" },
	{ "chat.max_messages", BR_NBS_INT, 0, 1000, .dflt = "50", .beyond = "max_conversation_messages",
	  .help = "messages of a conversation that a model sees" },
	{ "chat.memory_rounds", BR_NBS_INT, 0, 100, .dflt = "6", .baiyuan = "memory_rounds",
	  .help = "rounds of a session that a question may refer to" },
	{ "chat.synthesis", BR_NBS_BOOL, .dflt = "false", .beyond = "enable_ai_synthesis",
	  .help = "kept for clients, otherwise without effect: answers of a language model sum up anyway" },
	{ "chat.judge", BR_NBS_BOOL, .dflt = "true", .beyond = "judge_enabled",
	  .help = "whether the language model judges its answers afterwards; what it says is in the metadata of the message" },
	{ "chat.check_contradictions", BR_NBS_BOOL, .dflt = "false", .baiyuan = "nli_enabled",
	  .help = "whether answers that contradict their passages are caught" },
	{ "enhance.concurrency", BR_NBS_INT, 1, 64, .beyond = "enhancement_concurrency",
	  .help = "passages enhanced at one time; unset, as the model service allows" },

	{ "cache.ttl", BR_NBS_INT, 0, 31536000, .dflt = "600", .baiyuan = "cache_ttl",
	  .help = "seconds that an answer is kept; 0 for not at all" },
	{ "cache.similarity", BR_NBS_NUM, 0, 1, .dflt = "0.95", .baiyuan = "semantic_cache_threshold",
	  .help = "a question must be more similar than this to get the answer of another" },
	{ "wiki.enabled", BR_NBS_BOOL, .dflt = "true", .baiyuan = "wiki_enabled",
	  .help = "whether questions are answered from wiki pages first" },
	{ "wiki.floor", BR_NBS_NUM, 0, 1, .dflt = "0.4",
	  .help = "a question must be at least so similar to a wiki page for meaning to choose it" },
	{ "wiki.margin", BR_NBS_NUM, 0, 1, .dflt = "0.03",
	  .help = "and so much more similar than to the next page" },
	{ "wiki.default", BR_NBS_BOOL, .dflt = "false", .baiyuan = "is_default",
	  .help = "the tenant's notebook when a request names none" },
};

const struct br_nb_setting *br_nb_settings(size_t *n)
{
	*n = BR_COUNT(table);
	return table;
}

const struct br_nb_setting *br_nb_setting_find(const char *key)
{
	for (size_t i = 0; i < BR_COUNT(table); i++)
		if (!strcmp(table[i].key, key))
			return &table[i];
	return NULL;
}

static const char *api_name(const struct br_nb_setting *s, enum br_nb_api api)
{
	return api == BR_API_BEYOND ? s->beyond : api == BR_API_QUIVR ? s->quivr : s->baiyuan;
}

const struct br_nb_setting *br_nb_setting_named(enum br_nb_api api, const char *name)
{
	for (size_t i = 0; i < BR_COUNT(table); i++) {
		const char *is = api_name(&table[i], api);
		if (is && !strcmp(is, name))
			return &table[i];
	}
	return NULL;
}

/* ---- values: checked, and written as JSON ---- */

static int check_text(const struct br_nb_setting *s, const char *text, bool lines, struct br_err *err)
{
	size_t n = strlen(text);

	if ((double)n > s->max)
		return br_fail(err, BR_EUSAGE, "%s: %zu bytes are more than %.0f", s->key, n, s->max);
	if (br_utf8_valid(text, n) != n)
		return br_fail(err, BR_EUSAGE, "%s: not valid UTF-8 at byte %zu", s->key, br_utf8_valid(text, n));
	for (const char *p = text; *p; p++)
		if (((unsigned char)*p < 32 && !(lines && strchr("\n\r\t", *p))) || *p == 127)
			return br_fail(err, BR_EUSAGE, "%s: control characters are not allowed", s->key);
	return 0;
}

static int put_text(struct br_json *j, const struct br_nb_setting *s, const char *text, struct br_err *err)
{
	int rc = check_text(s, text, s->type == BR_NBS_TEXT, err);

	if (rc == 0)
		br_json_str(j, text);
	return rc;
}

static int put_number(struct br_json *j, const struct br_nb_setting *s, const char *text, struct br_err *err)
{
	int64_t i;
	double d;
	int rc;

	if (s->type == BR_NBS_INT) {
		if ((rc = br_parse_int(&i, text, (int64_t)s->min, (int64_t)s->max, s->key, err)) == 0)
			br_json_int(j, i);
	} else if ((rc = br_parse_double(&d, text, s->min, s->max, s->key, err)) == 0) {
		br_json_num(j, d, 6);
	}
	return rc;
}

static bool is_choice(const char *choices, const char *word)
{
	size_t n = strlen(word), k;

	for (const char *p = choices;; p += k + 1) {
		k = strcspn(p, "|");
		if (k == n && !memcmp(p, word, n))
			return true;
		if (!p[k])
			return false;
	}
}

static int put_choice(struct br_json *j, const struct br_nb_setting *s, const char *text, struct br_err *err)
{
	if (!is_choice(s->choices, text))
		return br_fail(err, BR_EUSAGE, "%s: '%.60s' is not one of %s", s->key, text, s->choices);
	br_json_str(j, text);
	return 0;
}

static int put_bool(struct br_json *j, const struct br_nb_setting *s, const char *text, struct br_err *err)
{
	bool yes = is_choice("true|yes|on|1", text);

	if (!yes && !is_choice("false|no|off|0", text))
		return br_fail(err, BR_EUSAGE, "%s: '%.60s' is neither true nor false", s->key, text);
	br_json_bool(j, yes);
	return 0;
}

/* ---- values that are lists and objects ---- */

static int check_pattern(const struct br_nb_setting *s, const char *pattern, struct br_err *err)
{
	struct br_rx *rx;
	int rc = br_rx_new(&rx, pattern, 0, err);

	if (rc < 0)
		return br_fail(err, BR_EUSAGE, "%s: '%.60s' is not a regular expression", s->key, pattern);
	br_rx_free(rx);
	return 0;
}

static int put_element(struct br_json *j, const struct br_nb_setting *s, const char *text, struct br_err *err)
{
	struct br_nb_setting one = { .key = s->key, .max = 1024 };
	int rc;

	if (!*text)
		return br_fail(err, BR_EUSAGE, "%s: an element is empty", s->key);
	if ((rc = check_text(&one, text, false, err)) < 0 || (s->check == BR_NBS_PATTERNS && (rc = check_pattern(s, text, err)) < 0))
		return rc;
	br_json_str(j, text);
	return 0;
}

static int put_array(struct br_json *j, const struct br_nb_setting *s, const struct br_jval *v, struct br_err *err)
{
	size_t n = 0;
	int rc = 0;

	for (const struct br_jval *e = br_jval_first(v); e && rc == 0; e = br_jval_next(e)) {
		if (!br_jval_str(e))
			return br_fail(err, BR_EUSAGE, "%s: an element is not a string", s->key);
		if ((double)++n > s->max)
			return br_fail(err, BR_EUSAGE, "%s: more than %.0f elements", s->key, s->max);
		rc = put_element(j, s, br_jval_str(e), err);
	}
	return rc;
}

static int put_words(struct br_json *j, const struct br_nb_setting *s, const char *text, struct br_err *err)
{
	size_t n = 0, len;
	char *word;
	int rc = 0;

	for (const char *p = text; *p && rc == 0; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		if ((double)++n > s->max)
			return br_fail(err, BR_EUSAGE, "%s: more than %.0f elements", s->key, s->max);
		word = br_strndup(p, len);
		rc = put_element(j, s, word, err);
		free(word);
	}
	return rc;
}

static int parse(struct br_jdoc **doc, const struct br_nb_setting *s, const char *text, struct br_err *err)
{
	struct br_err why;

	if (strlen(text) > BR_MAX_SETTING)
		return br_fail(err, BR_EUSAGE, "%s: more than %u bytes", s->key, BR_MAX_SETTING);
	if (br_jdoc_parse(doc, br_slice_str(text), s->key, &why) < 0)
		return br_fail(err, BR_EUSAGE, "%s", why.msg);
	return 0;
}

static int put_list(struct br_json *j, const struct br_nb_setting *s, const char *text, struct br_err *err)
{
	struct br_jdoc *doc;
	int rc;

	br_json_arr(j);
	if (*text == '[') {
		if ((rc = parse(&doc, s, text, err)) < 0)
			return rc;
		rc = put_array(j, s, br_jdoc_root(doc), err);
		br_jdoc_free(doc);
	} else {
		rc = put_words(j, s, text, err);
	}
	br_json_end(j);
	return rc;
}

/* {"type": ..., "required": true, "enum": ["a"]}, of one field of documents' metadata. */
static int check_field(const struct br_nb_setting *s, const struct br_jval *f, struct br_err *err)
{
	const char *name = br_jval_key(f), *type = br_jval_str(br_jval_get(f, "type"));
	const struct br_jval *required = br_jval_get(f, "required"), *list = br_jval_get(f, "enum");

	if (br_jval_type(f) != BR_J_OBJ)
		return br_fail(err, BR_EUSAGE, "%s: '%.60s' is not an object", s->key, name);
	if (br_jval_get(f, "type") && (!type || !is_choice("string|number|integer|boolean|date|array", type)))
		return br_fail(err, BR_EUSAGE, "%s: type of '%.60s' is not one of string, number, integer, boolean, date, array", s->key, name);
	if (required && br_jval_type(required) != BR_J_BOOL)
		return br_fail(err, BR_EUSAGE, "%s: required of '%.60s' is neither true nor false", s->key, name);
	if (list && br_jval_type(list) != BR_J_ARR)
		return br_fail(err, BR_EUSAGE, "%s: enum of '%.60s' is not an array", s->key, name);
	return 0;
}

static int put_object(struct br_json *j, const struct br_nb_setting *s, const char *text, struct br_err *err)
{
	struct br_jdoc *doc;
	const struct br_jval *root;
	int rc = parse(&doc, s, text, err);

	if (rc < 0)
		return rc;
	root = br_jdoc_root(doc);
	if (br_jval_type(root) != BR_J_OBJ)
		rc = br_fail(err, BR_EUSAGE, "%s: not a JSON object", s->key);
	for (const struct br_jval *f = br_jval_first(root); f && rc == 0 && s->check == BR_NBS_SCHEMA; f = br_jval_next(f))
		rc = check_field(s, f, err);
	if (rc == 0)
		br_jval_write(j, root);
	br_jdoc_free(doc);
	return rc;
}

static int put_value(struct br_json *j, const struct br_nb_setting *s, const char *text, struct br_err *err)
{
	switch (s->type) {
	case BR_NBS_INT:
	case BR_NBS_NUM:
		return put_number(j, s, text, err);
	case BR_NBS_BOOL:
		return put_bool(j, s, text, err);
	case BR_NBS_ENUM:
		return put_choice(j, s, text, err);
	case BR_NBS_LIST:
		return put_list(j, s, text, err);
	case BR_NBS_OBJECT:
		return put_object(j, s, text, err);
	case BR_NBS_STR:
	case BR_NBS_TEXT:
		return put_text(j, s, text, err);
	case BR_NBS_CONFIG:
		break;
	}
	return br_fail(err, BR_EBUG, "%s has a field of its own", s->key);
}

int br_nb_setting_check(const char *key, const char *value, struct br_err *err)
{
	const struct br_nb_setting *s = br_nb_setting_find(key);
	struct br_buf b = BR_BUF_INIT(4 * BR_MAX_SETTING);
	struct br_json j;
	int rc;

	if (!s)
		return nb_setting_unknown(key, err);
	if (s->type == BR_NBS_CONFIG)
		return br_config_check(key, value, err);
	br_json_init(&j, &b, false);
	rc = put_value(&j, s, value, err);
	br_buf_release(&b);
	return rc;
}

int nb_setting_unknown(const char *key, struct br_err *err)
{
	const char *names[BR_COUNT(table)], *near;

	for (size_t i = 0; i < BR_COUNT(table); i++)
		names[i] = table[i].key;
	near = br_closest(key, names, BR_COUNT(names));
	return near ? br_fail(err, BR_EUSAGE, "no notebook setting '%.60s'; did you mean '%s'?", key, near)
	            : br_fail(err, BR_EUSAGE, "no notebook setting '%.60s'", key);
}

/* ---- the JSON object of the record ---- */

int nb_setting_put(struct br_nb *nb, struct br_arena *a, const struct br_nb_setting *s, const char *value, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(8 << 20);
	const struct br_jval *m;
	struct br_jdoc *doc;
	struct br_json j;
	int rc;

	if (s->fixed && nb->docs)
		return br_fail(err, BR_EUSAGE, "%s is fixed once a notebook has documents", s->key);
	if ((rc = br_jdoc_parse(&doc, br_slice_str(nb->settings), "settings of the notebook", err)) < 0)
		return rc;
	br_json_init(&j, &b, false);
	br_json_obj(&j);
	for (m = br_jval_first(br_jdoc_root(doc)); m; m = br_jval_next(m)) {
		if (!strcmp(br_jval_key(m), s->key))
			continue;
		br_json_key(&j, br_jval_key(m));
		br_jval_write(&j, m);
	}
	if (value) {
		br_json_key(&j, s->key);
		rc = put_value(&j, s, value, err);
	}
	if (rc == 0) {
		br_json_end(&j);
		if ((rc = br_buf_check(&b, "settings of the notebook", err)) == 0)
			nb->settings = br_arena_strndup(a, b.ptr, b.len);
	}
	br_jdoc_free(doc);
	br_buf_release(&b);
	return rc;
}

/* ---- reading ---- */

struct br_nb_values { struct br_jdoc *doc; const struct br_nb *nb; };

struct br_nb_values *br_nb_values_new(const struct br_nb *nb)
{
	struct br_nb_values *v = br_alloc(sizeof *v);

	int rc = br_jdoc_parse(&v->doc, br_slice_str(nb->settings), "settings", NULL);

	v->nb = nb;
	if (rc == -BR_ENOMEM)
		br_must(NULL); /* what is set must not look as if it was not */
	if (rc < 0)
		v->doc = NULL; /* damaged, as verify tells */
	return v;
}

void br_nb_values_free(struct br_nb_values *v)
{
	if (v)
		br_jdoc_free(v->doc);
	free(v);
}

static const struct br_jval *stored(const struct br_nb_values *v, const char *key)
{
	return v->doc ? br_jval_get(br_jdoc_root(v->doc), key) : NULL;
}

bool br_nb_is_set(const struct br_nb_values *v, const char *key)
{
	return stored(v, key) != NULL;
}

static const struct br_nb_setting *row(const char *key)
{
	const struct br_nb_setting *s = br_nb_setting_find(key);

	BR_ASSERT(s && s->type != BR_NBS_CONFIG);
	return s;
}

const char *br_nb_str(const struct br_nb_values *v, const char *key)
{
	const char *s = br_jval_str(stored(v, key));

	return s ? s : row(key)->dflt;
}

double br_nb_num(const struct br_nb_values *v, const char *key)
{
	const char *dflt = row(key)->dflt;
	double d;

	return br_jval_num(&d, stored(v, key)) ? d : dflt ? strtod(dflt, NULL) : 0;
}

int64_t br_nb_int(const struct br_nb_values *v, const char *key)
{
	return (int64_t)br_nb_num(v, key);
}

bool br_nb_bool(const struct br_nb_values *v, const char *key)
{
	const char *dflt = row(key)->dflt;
	bool b;

	return br_jval_bool(&b, stored(v, key)) ? b : dflt && !strcmp(dflt, "true");
}

const struct br_jval *br_nb_json(const struct br_nb_values *v, const char *key)
{
	return stored(v, key);
}

static void write_field(struct br_json *j, const struct br_nb *nb, const char *key)
{
	if (!strcmp(key, "language"))
		br_json_str(j, nb->lang);
	else if (!strcmp(key, "chunk.strategy"))
		br_json_str(j, nb->chunking.how == BR_CHUNK_RECURSIVE ? "recursive" : "structure");
	else if (!strcmp(key, "chunk.size"))
		br_json_uint(j, nb->chunking.size);
	else if (!strcmp(key, "chunk.overlap"))
		br_json_uint(j, nb->chunking.overlap);
	else
		br_json_num(j, !strcmp(key, "bm25.k1") ? nb->k1 : nb->b, 4);
}

void br_nb_value_write(struct br_json *j, const struct br_nb_values *v, const struct br_nb_setting *s)
{
	const struct br_jval *set = stored(v, s->key);

	if (s->type == BR_NBS_CONFIG)
		write_field(j, v->nb, s->key);
	else if (set)
		br_jval_write(j, set);
	else if (!s->dflt)
		br_json_null(j);
	else
		BR_ASSERT(put_value(j, s, s->dflt, NULL) == 0);
}
