/* M1 to M4: catalogues of models. Nothing is asked of a provider: the lists are what is known here. */
#include "beyond.h"

struct model { const char *id, *name, *provider; int64_t context, dimensions; const char *cost; };

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
};
static const struct model embedding[] = {
	{ "openai/text-embedding-3-small", "Text Embedding 3 Small", "OpenAI", 8192, 1536, "$0.02" },
	{ "openai/text-embedding-3-large", "Text Embedding 3 Large", "OpenAI", 8192, 3072, "$0.13" },
	{ "baai/bge-m3", "BGE-M3", "BAAI", 8192, 1024, "$0.01" },
	{ "google/text-embedding-004", "Text Embedding 004", "Google", 2048, 768, "$0.00" },
	{ "nomic-embed-text", "Nomic Embed Text", "Nomic AI", 8192, 768, "$0.00" },
};
static const struct model openai[] = {
	{ "gpt-4o-mini", "GPT-4o Mini", "OpenAI", 128000, 0, NULL }, { "gpt-4o", "GPT-4o", "OpenAI", 128000, 0, NULL },
	{ "gpt-4.1", "GPT-4.1", "OpenAI", 1047576, 0, NULL }, { "gpt-4.1-mini", "GPT-4.1 Mini", "OpenAI", 1047576, 0, NULL },
};
static const struct model ollama[] = {
	{ "qwen2.5:1.5b", "Qwen 2.5 1.5B", "Ollama", 32768, 0, NULL }, { "llama3.2:3b", "Llama 3.2 3B", "Ollama", 131072, 0, NULL },
	{ "nomic-embed-text", "Nomic Embed Text", "Ollama", 8192, 768, NULL },
};

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

static int reply_models(struct br_req *r, const struct model *m, size_t n)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_key(j, "models");
	br_json_arr(j);
	for (size_t i = 0; i < n; i++)
		write_model(j, &m[i]);
	br_json_end(j);
	br_json_kstr(j, "source", "curated");
	br_json_end(j);
	return 0;
}

#define LIST(name)                                                                \
	static int list_##name(struct br_req *r, const void *in, struct br_err *err) \
	{                                                                         \
		(void)in;                                                         \
		(void)err;                                                        \
		return reply_models(r, name, BR_COUNT(name));                     \
	}
LIST(chat)
LIST(embedding)
LIST(openai)
LIST(ollama)

static const struct br_field model_out[] = {
	{ "id", MUST(STR) }, { "name", MUST(STR) }, { "provider", MUST(STR) }, { "context", MUST(INT) }, { "dimensions", BR_FOUT(INT) },
	{ "cost_per_million", BR_FOUT(STR) }, BR_FIELD_END,
};
static const struct br_shape model_shape = { "BeyondModel", model_out, 0 };
static const struct br_field models_out[] = {
	{ "models", MUST(ARR), .shape = &model_shape }, { "source", MUST(STR), .choices = "api|curated|curated_fallback" }, BR_FIELD_END,
};
static const struct br_shape models_shape = { "BeyondModels", models_out, 0 };

#define ROW(path, id, name) { "GET", "/api/models/" path, id, "Models", "models", BR_LEVEL_USER, .out = &models_shape, .flags = BR_ROUTE_INLINE, .run = list_##name }
static const struct br_route rows[] = {
	ROW("openrouter", "beyond_models", chat),
	ROW("openrouter/embeddings", "beyond_embedding_models", embedding),
	ROW("openai", "beyond_openai_models", openai),
	ROW("ollama", "beyond_ollama_models", ollama),
};
const struct br_routes br_beyond__models_rows = { rows, BR_COUNT(rows) };
