/*
 * M1 to M4: catalogues of models: what the provider says where there is a key for it (the caller's or the server's) or, for Ollama, an
 * address; else, and when the provider cannot be asked, what is known here.
 */
#include "beyond.h"

#include "br/llm.h"

#include <stdio.h>
#include <stdlib.h>

#define ASK_MS 10000

struct model { const char *id, *name, *provider; int64_t context, dimensions; const char *cost; };
struct catalogue { const struct model *model; size_t n; const char *name, *service, *env; bool embeddings; };

static const struct model chat[] = {
	{ "openai/gpt-4o-mini", "GPT-4o Mini", "OpenAI", 128000, 0, NULL }, { "openai/gpt-4o", "GPT-4o", "OpenAI", 128000, 0, NULL },
	{ "openai/gpt-4.1", "GPT-4.1", "OpenAI", 1047576, 0, NULL }, { "openai/gpt-4.1-mini", "GPT-4.1 Mini", "OpenAI", 1047576, 0, NULL },
	{ "anthropic/claude-3.5-haiku", "Claude 3.5 Haiku", "Anthropic", 200000, 0, NULL },
	{ "anthropic/claude-3.7-sonnet", "Claude 3.7 Sonnet", "Anthropic", 200000, 0, NULL },
	{ "google/gemini-2.0-flash-001", "Gemini 2.0 Flash", "Google", 1048576, 0, NULL },
	{ "mistralai/mistral-small-3.1-24b-instruct", "Mistral Small 3.1", "Mistral AI", 128000, 0, NULL },
	{ "meta-llama/llama-3.3-70b-instruct", "Llama 3.3 70B", "Meta", 131072, 0, NULL },
	{ "qwen/qwen-2.5-72b-instruct", "Qwen 2.5 72B", "Qwen", 32768, 0, NULL },
	{ "deepseek/deepseek-chat", "DeepSeek V3", "DeepSeek", 64000, 0, NULL },
	{ "openai/gpt-4.1-nano", "GPT-4.1 Nano", "OpenAI", 1047576, 0, NULL }, { "openai/o3-mini", "o3 Mini", "OpenAI", 200000, 0, NULL },
	{ "openai/o4-mini", "o4 Mini", "OpenAI", 200000, 0, NULL }, { "anthropic/claude-3.5-sonnet", "Claude 3.5 Sonnet", "Anthropic", 200000, 0, NULL },
	{ "anthropic/claude-sonnet-4", "Claude Sonnet 4", "Anthropic", 200000, 0, NULL },
	{ "google/gemini-2.5-flash", "Gemini 2.5 Flash", "Google", 1048576, 0, NULL }, { "google/gemini-2.5-pro", "Gemini 2.5 Pro", "Google", 1048576, 0, NULL },
	{ "mistralai/mistral-nemo", "Mistral Nemo", "Mistral AI", 131072, 0, NULL },
	{ "meta-llama/llama-3.1-8b-instruct", "Llama 3.1 8B", "Meta", 131072, 0, NULL }, { "deepseek/deepseek-r1", "DeepSeek R1", "DeepSeek", 64000, 0, NULL },
	{ "qwen/qwen3-32b", "Qwen3 32B", "Qwen", 40960, 0, NULL }, { "cohere/command-r-plus-08-2024", "Command R+", "Cohere", 128000, 0, NULL },
};
static const struct model embedding[] = {
	{ "openai/text-embedding-3-small", "Text Embedding 3 Small", "OpenAI", 8192, 1536, "$0.02" },
	{ "openai/text-embedding-3-large", "Text Embedding 3 Large", "OpenAI", 8192, 3072, "$0.13" },
	{ "baai/bge-m3", "BGE-M3", "BAAI", 8192, 1024, "$0.01" },
	{ "google/text-embedding-004", "Text Embedding 004", "Google", 2048, 768, "$0.00" },
	{ "nomic-embed-text", "Nomic Embed Text", "Nomic AI", 8192, 768, "$0.00" },
	{ "openai/text-embedding-ada-002", "Text Embedding Ada 002", "OpenAI", 8192, 1536, "$0.10" },
	{ "google/gemini-embedding-001", "Gemini Embedding 001", "Google", 2048, 3072, "$0.15" },
	{ "baai/bge-base-en-v1.5", "BGE Base", "BAAI", 512, 768, "$0.01" }, { "baai/bge-large-en-v1.5", "BGE Large", "BAAI", 512, 1024, "$0.01" },
	{ "intfloat/e5-base-v2", "E5 Base", "Intfloat", 512, 768, "$0.01" }, { "intfloat/e5-large-v2", "E5 Large", "Intfloat", 512, 1024, "$0.01" },
	{ "intfloat/multilingual-e5-large", "Multilingual E5 Large", "Intfloat", 512, 1024, "$0.01" },
	{ "mistralai/mistral-embed-2312", "Mistral Embed", "Mistral AI", 8192, 1024, "$0.10" },
	{ "mistralai/codestral-embed-2505", "Codestral Embed", "Mistral AI", 8192, 1536, "$0.15" },
	{ "qwen/qwen3-embedding-0.6b", "Qwen3 Embedding 0.6B", "Qwen", 32768, 1024, "$0.01" },
	{ "qwen/qwen3-embedding-4b", "Qwen3 Embedding 4B", "Qwen", 32768, 2560, "$0.02" },
	{ "qwen/qwen3-embedding-8b", "Qwen3 Embedding 8B", "Qwen", 32768, 4096, "$0.05" },
	{ "sentence-transformers/all-minilm-l6-v2", "All MiniLM L6 v2", "Sentence Transformers", 512, 384, "$0.01" },
	{ "sentence-transformers/all-minilm-l12-v2", "All MiniLM L12 v2", "Sentence Transformers", 512, 384, "$0.01" },
	{ "sentence-transformers/all-mpnet-base-v2", "All MPNet Base v2", "Sentence Transformers", 512, 768, "$0.01" },
	{ "sentence-transformers/paraphrase-minilm-l6-v2", "Paraphrase MiniLM L6 v2", "Sentence Transformers", 512, 384, "$0.01" },
};
static const struct model openai[] = {
	{ "gpt-4o-mini", "GPT-4o Mini", "OpenAI", 128000, 0, NULL }, { "gpt-4o", "GPT-4o", "OpenAI", 128000, 0, NULL },
	{ "gpt-4.1", "GPT-4.1", "OpenAI", 1047576, 0, NULL }, { "gpt-4.1-mini", "GPT-4.1 Mini", "OpenAI", 1047576, 0, NULL },
};
static const struct model ollama[] = {
	{ "qwen2.5:1.5b", "Qwen 2.5 1.5B", "Ollama", 32768, 0, NULL }, { "llama3.2:3b", "Llama 3.2 3B", "Ollama", 131072, 0, NULL },
	{ "nomic-embed-text", "Nomic Embed Text", "Ollama", 8192, 768, NULL },
};

/* "0.00000015": decimal, whatever the size. */
static void write_price(struct br_json *j, const char *key, double per_million)
{
	char text[64];
	int n = snprintf(text, sizeof text, "%.12f", per_million / 1e6);

	while (n > 1 && text[n - 1] == '0')
		n--;
	n -= text[n - 1] == '.';
	text[n] = 0;
	br_json_kstr(j, key, text);
}

static void write_model(struct br_json *j, const struct model *m)
{
	br_json_obj(j);
	br_json_kstr(j, "id", m->id);
	br_json_kstr(j, "name", m->name);
	br_json_kstr(j, "provider", m->provider);
	br_json_kint(j, "context", m->context);
	if (m->cost) {
		br_json_kint(j, "dimensions", m->dimensions);
		br_json_kstr(j, "cost_per_million", m->cost);
	}
	br_json_end(j);
}

static int reply_curated(struct br_req *r, const struct catalogue *c, const char *source)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_key(j, "models");
	br_json_arr(j);
	for (size_t i = 0; i < c->n; i++)
		write_model(j, &c->model[i]);
	br_json_end(j);
	br_json_kstr(j, "source", source);
	br_json_end(j);
	return 0;
}

/* ---- what a provider says ---- */

static const struct model *known(const struct catalogue *c, const char *id)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->model[i].id, id))
			return &c->model[i];
	return NULL;
}

/* "openai/gpt-4o": who made it stands before the slash, in small letters; some also write it into the name. */
static const char *maker(struct br_req *r, const struct catalogue *c, const struct br_llm_model *m)
{
	const struct model *k = known(c, m->id);
	const char *slash = strchr(m->id, '/'), *colon = strstr(m->name, ": ");

	if (k)
		return k->provider;
	if (colon)
		return br_arena_strndup(br_req_arena(r), m->name, (size_t)(colon - m->name));
	return slash ? br_arena_strndup(br_req_arena(r), m->id, (size_t)(slash - m->id)) : *m->owner ? m->owner : c->name;
}

static void write_found(struct br_json *j, struct br_req *r, const struct catalogue *c, const struct br_llm_model *m)
{
	const struct model *k = known(c, m->id);

	br_json_obj(j);
	br_json_kstr(j, "id", m->id);
	br_json_kstr(j, "name", m->name);
	br_json_kstr(j, "provider", maker(r, c, m));
	br_json_kint(j, "context", m->context ? m->context : k ? k->context : 0);
	if (c->embeddings) {
		br_json_kint(j, "dimensions", k ? k->dimensions : 0);
		br_json_kstr(j, "cost_per_million", m->price_prompt >= 0 ? br_arena_printf(br_req_arena(r), "$%.2f", m->price_prompt) : k ? k->cost : "$0.00");
	} else if (m->price_prompt >= 0 && m->price_completion >= 0) {
		br_json_key(j, "pricing");
		br_json_obj(j);
		write_price(j, "prompt", m->price_prompt);
		write_price(j, "completion", m->price_completion);
		br_json_end(j);
	}
	br_json_end(j);
}

static int reply_found(struct br_req *r, const struct catalogue *c, const struct br_llm_models *all)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_key(j, "models");
	br_json_arr(j);
	for (size_t i = 0; i < all->v.n; i++)
		write_found(j, r, c, &all->v.v[i]);
	br_json_end(j);
	br_json_kstr(j, "source", "api");
	br_json_kuint(j, "total", all->v.n);
	br_json_end(j);
	return 0;
}

/* Is there anybody to ask: a key, or for Ollama, which wants none, an address? */
static int may_ask(bool *out, char **key, struct br_req *r, const struct catalogue *c, struct br_err *err)
{
	const struct br_config *conf = br_req_ws(r)->config;
	const char *url = br_config_get(conf, "ollama.base_url", NULL), *env = c->env ? getenv(c->env) : NULL;
	int rc = br_beyond__provider_key(key, r, c->service, err);

	*out = *key || (env && *env) || (!c->env && ((url && *url) || !strcmp(br_config_get(conf, "chat.provider", NULL), c->service)));
	return rc;
}

static int ask(struct br_llm_models *out, struct br_req *r, const struct catalogue *c, const char *key, struct br_err *err)
{
	const struct br_llm_ask how = { .timeout_ms = ASK_MS, .once = true };
	struct br_llm *s;
	int rc = br_llm_open_provider(&s, br_req_ws(r)->config, c->service, key, err);

	if (rc == 0)
		rc = c->embeddings ? br_llm_embedding_models(out, s, &how, err) : br_llm_models(out, s, &how, err);
	br_llm_close(s);
	return rc;
}

static int list(struct br_req *r, const struct catalogue *c, struct br_err *err)
{
	struct br_llm_models all = { 0 };
	char *key = NULL;
	bool may;
	int rc = may_ask(&may, &key, r, c, err);

	if (rc == 0 && !may)
		rc = reply_curated(r, c, "curated");
	else if (rc == 0 && ask(&all, r, c, key, err) == 0)
		rc = reply_found(r, c, &all);
	else if (rc == 0)
		rc = reply_curated(r, c, "curated_fallback");
	br_llm_models_release(&all);
	if (key)
		br_wipe(key, strlen(key));
	free(key);
	return rc;
}

#define LIST(fn, ...)                                                                                              \
	static int list_##fn(struct br_req *r, const void *in, struct br_err *err)                                 \
	{                                                                                                          \
		static const struct catalogue c = { fn, BR_COUNT(fn), __VA_ARGS__ };                               \
		(void)in;                                                                                          \
		return list(r, &c, err);                                                                           \
	}
LIST(chat, "OpenRouter", "openrouter", "OPENROUTER_API_KEY", false)
LIST(embedding, "OpenRouter", "openrouter", "OPENROUTER_API_KEY", true)
LIST(openai, "OpenAI", "openai", "OPENAI_API_KEY", false)
LIST(ollama, "Ollama", "ollama", NULL, false)

static const struct br_field pricing_out[] = { { "prompt", MUST(STR) }, { "completion", MUST(STR) }, BR_FIELD_END };
static const struct br_shape pricing_shape = { "BeyondPricing", pricing_out, 0 };
static const struct br_field model_out[] = {
	{ "id", MUST(STR) }, { "name", MUST(STR) }, { "provider", MUST(STR) }, { "context", MUST(INT) }, { "dimensions", BR_FOUT(INT) },
	{ "cost_per_million", BR_FOUT(STR) }, { "pricing", BR_FOUT(OBJ), .shape = &pricing_shape }, BR_FIELD_END,
};
static const struct br_shape model_shape = { "BeyondModel", model_out, 0 };
static const struct br_field models_out[] = {
	{ "models", MUST(ARR), .shape = &model_shape }, { "source", MUST(STR), .choices = "api|curated|curated_fallback" },
	{ "total", BR_FOUT(INT) }, BR_FIELD_END,
};
static const struct br_shape models_shape = { "BeyondModels", models_out, 0 };

#define ROW(path, id, name) { "GET", "/api/models/" path, id, "Models", "models", BR_LEVEL_USER, .out = &models_shape, .flags = BR_ROUTE_SLOW, .run = list_##name }
static const struct br_route rows[] = {
	ROW("openrouter", "beyond_models", chat),
	ROW("openrouter/embeddings", "beyond_embedding_models", embedding),
	ROW("openai", "beyond_openai_models", openai),
	ROW("ollama", "beyond_ollama_models", ollama),
};
const struct br_routes br_beyond__models_rows = { rows, BR_COUNT(rows) };
