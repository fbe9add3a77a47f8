/*
 * Services: the table of providers, and one service for a role as the settings describe it.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

static const struct br_llm__provider providers[] = {
	/* name          base URL                          key's variable        flags */
	{ "openrouter", "https://openrouter.ai/api/v1",   "OPENROUTER_API_KEY", WANTS_KEY | TELLS_COST, "/key" }, /* its list of models is for everybody */
	{ "openai",     "https://api.openai.com/v1",      "OPENAI_API_KEY",     WANTS_KEY | NEW_MAX_TOKENS },
	{ "ollama",     "http://127.0.0.1:11434/v1",      "OLLAMA_API_KEY",     COSTS_NOTHING },
	{ "mistral",    "https://api.mistral.ai/v1",      "MISTRAL_API_KEY",    WANTS_KEY },
	{ "custom",     NULL,                             NULL,                 0 },
};
static const char *const role_names[BR_LLM_ROLES] = { "chat", "embed", "rerank" };
static const char *const missing[BR_LLM_ROLES] = {
	"no language model configured", "no embedding service configured", "no rerank service configured",
};

const char *br_llm_role_name(enum br_llm_role role) { return role_names[role]; }

/* ---- settings of a role ---- */

struct key_name { char s[40]; };

static struct key_name key_name(enum br_llm_role role, const char *name)
{
	struct key_name k;

	snprintf(k.s, sizeof k.s, "%s.%s", role_names[role], name);
	return k;
}

/* NULL when unset or empty. */
static const char *get(const struct br_config *c, enum br_llm_role role, const char *name)
{
	const char *v = br_config_get(c, key_name(role, name).s, NULL);

	return v && *v ? v : NULL;
}

static const struct br_llm__provider *find_provider(const struct br_config *c, enum br_llm_role role)
{
	enum br_config_level level;
	const char *name = br_config_get(c, key_name(role, "provider").s, &level);

	if (level == BR_CONFIG_BUILTIN && get(c, role, "base_url"))
		name = "custom";
	for (size_t i = 0; i < BR_COUNT(providers); i++)
		if (!strcmp(providers[i].name, name))
			return &providers[i];
	return NULL;
}

bool br_llm_configured(const struct br_config *c, enum br_llm_role role)
{
	return find_provider(c, role) != NULL;
}

/* ---- opening ---- */

static bool is_here(const char *host)
{
	struct br_addr a;

	return !strcmp(host, "localhost") || (br_addr_parse(&a, host) && br_addr_kind(&a) == BR_ADDR_LOOPBACK);
}

/* "https://h/v1/" and "https://h/v1" are the same; credentials go the way of every key and not into a URL. */
static int set_url(struct br_llm *s, const char *text, struct br_err *err)
{
	const char *role = role_names[s->info.role];
	struct br_url u;
	size_t n;
	int rc;

	if (!text)
		return br_fail(err, BR_EUSAGE, "%s.base_url is not set", role);
	if ((rc = br_url_parse(&u, NULL, br_slice_str(text), err)) < 0)
		return br_fail(err, BR_EUSAGE, "%s.base_url is no http or https address", role);
	for (n = strlen(u.text); n && u.text[n - 1] == '/'; n--)
		;
	s->info.base_url = br_arena_strndup(&s->mem, u.text, n);
	s->name = s->provider->base_url ? s->provider->name : br_arena_printf(&s->mem, "%s:%u", u.host, u.port);
	s->info.key_in_clear = !u.https && !is_here(u.host);
	if (u.user)
		rc = br_fail(err, BR_EUSAGE, "%s.base_url must not hold a password; see %s.key", role, role);
	else if (strchr(u.text, '?'))
		rc = br_fail(err, BR_EUSAGE, "%s.base_url must not hold a query", role);
	br_url_release(&u);
	return rc;
}

/* "query:" -> "query: "; in double quotes as it stands, \n being a line end. */
static const char *prefix(struct br_llm *s, const char *v)
{
	size_t n = v ? strlen(v) : 0, k = 0;
	char *out;

	if (!n)
		return "";
	if (n < 2 || v[0] != '"' || v[n - 1] != '"')
		return br_arena_printf(&s->mem, "%s ", v);
	out = br_arena_zalloc(&s->mem, n);
	for (size_t i = 1; i + 1 < n; i++) {
		bool escape = v[i] == '\\' && i + 2 < n;

		i += escape;
		out[k++] = escape && v[i] == 'n' ? '\n' : v[i];
	}
	return out;
}

static void set_role(struct br_llm *s, const struct br_config *c)
{
	s->info.query_prefix = s->info.passage_prefix = "";
	s->price_prompt = s->price_completion = -1;
	switch (s->info.role) {
	case BR_LLM_CHAT:
		s->temperature = br_config_num(c, "chat.temperature");
		s->max_tokens = br_config_int(c, "chat.max_tokens");
		s->price_prompt = br_config_num(c, "chat.price_prompt");
		s->price_completion = br_config_num(c, "chat.price_completion");
		break;
	case BR_LLM_EMBED:
		s->info.query_prefix = prefix(s, get(c, BR_LLM_EMBED, "query_prefix"));
		s->info.passage_prefix = prefix(s, get(c, BR_LLM_EMBED, "passage_prefix"));
		s->info.dim = s->asked_dim = (uint32_t)br_config_int(c, "embed.dimensions");
		s->input_type = get(c, BR_LLM_EMBED, "input_type");
		s->input_type = strcmp(s->input_type, "none") ? br_arena_strdup(&s->mem, s->input_type) : NULL;
		s->batch = (unsigned)br_config_int(c, "embed.batch");
		s->price_prompt = br_config_num(c, "embed.price");
		break;
	default:
		s->price_prompt = br_config_num(c, "rerank.price");
		break;
	}
	if (s->provider->flags & COSTS_NOTHING && s->price_prompt < 0)
		s->price_prompt = s->price_completion = 0;
}

static void set_common(struct br_llm *s, const struct br_config *c)
{
	s->connect_ms = br_config_int(c, "llm.connect_timeout") * 1000;
	s->first_ms = br_config_int(c, "llm.first_timeout") * 1000;
	s->idle_ms = br_config_int(c, "llm.idle_timeout") * 1000;
	s->timeout_ms = br_config_int(c, "llm.timeout") * 1000;
	s->retries = (unsigned)br_config_int(c, "llm.retries");
	s->concurrency = (unsigned)br_config_int(c, "llm.concurrency");
	s->rules.proxy = br_arena_strdup(&s->mem, br_config_get(c, "net.proxy", NULL));
	s->rules.ca_file = br_arena_strdup(&s->mem, br_config_get(c, "net.ca_file", NULL));
}

static int set_model(struct br_llm *s, const struct br_config *c, const char *wish, struct br_err *err)
{
	const char *role = role_names[s->info.role], *model = wish ? wish : get(c, s->info.role, "model");

	s->info.model = br_arena_strdup(&s->mem, model);
	return model ? 0 : br_fail(err, BR_EUSAGE, "%s.model is not set: which model of %s?", role, s->name);
}

static struct br_llm *make(const struct br_llm__provider *p, enum br_llm_role role)
{
	struct br_llm *s = br_alloc(sizeof *s);

	s->provider = p;
	s->info.role = role;
	s->info.provider = p->name;
	s->usage.cost_known = true;
	pthread_mutex_init(&s->mu, NULL);
	return s;
}

/* Of Ollama, which runs anywhere: OLLAMA_BASE_URL names the machine, to which belongs the path of the dialect that is spoken here. */
static const char *home(struct br_llm *s, const struct br_config *c)
{
	const char *url = strcmp(s->provider->name, "ollama") ? NULL : br_config_get(c, "ollama.base_url", NULL);
	size_t n = url ? strlen(url) : 0;

	while (n && url[n - 1] == '/')
		n--;
	if (!n)
		return s->provider->base_url;
	return n > 3 && !strncmp(url + n - 3, "/v1", 3) ? url : br_arena_printf(&s->mem, "%.*s/v1", (int)n, url);
}

int br_llm_open_provider(struct br_llm **out, const struct br_config *c, const char *provider, const char *key, struct br_err *err)
{
	const char *chosen = br_config_get(c, "chat.provider", NULL), *url = get(c, BR_LLM_CHAT, "base_url"), *env;
	const struct br_llm__provider *p = NULL;
	struct br_llm *s;
	int rc;

	*out = NULL;
	for (size_t i = 0; i < BR_COUNT(providers); i++)
		if (providers[i].base_url && !strcmp(providers[i].name, provider))
			p = &providers[i];
	if (!p)
		return br_fail(err, BR_ENOTFOUND, "there is no provider '%.60s'", provider);
	s = make(p, BR_LLM_CHAT);
	s->info.query_prefix = s->info.passage_prefix = "";
	s->key_ready = true;
	if ((rc = set_url(s, url && !strcmp(chosen, provider) ? url : home(s, c), err)) == 0) {
		set_common(s, c);
		if (!key && (env = getenv(p->key_env)) && *env)
			key = env;
		rc = key ? br_llm_use_key(s, key, p->key_env, err) : 0;
	}
	if (rc < 0)
		br_llm_close(s);
	else
		*out = s;
	return rc;
}

int br_llm_use_key(struct br_llm *s, const char *key, const char *from, struct br_err *err)
{
	return br_llm__key_set(s, key, from, err);
}

static void set_wish(struct br_llm *s, const struct br_llm_wish *w)
{
	if (w->temperature)
		s->temperature = *w->temperature;
	if (w->max_tokens)
		s->max_tokens = w->max_tokens;
}

/* The provider that is wished for, where it may be had; else the one of the settings. */
static const struct br_llm__provider *wished(const struct br_config *c, enum br_llm_role role, const struct br_llm_wish *w)
{
	const struct br_llm__provider *p = find_provider(c, role);

	for (size_t i = 0; p && p->base_url && w->provider && !get(c, role, "base_url") && i < BR_COUNT(providers); i++) {
		const struct br_llm__provider *q = &providers[i];
		const char *key = q->key_env ? getenv(q->key_env) : NULL;
		if (!strcmp(q->name, w->provider) && q->base_url && (!(q->flags & WANTS_KEY) || (key && *key)))
			return q;
	}
	return p;
}

int br_llm_open_wish(struct br_llm **out, const struct br_config *c, enum br_llm_role role, const struct br_llm_wish *wish, struct br_err *err)
{
	const struct br_llm__provider *p = wished(c, role, wish);
	const char *url = get(c, role, "base_url");
	struct br_llm *s;
	int rc;

	*out = NULL;
	if (!p)
		return br_fail(err, BR_ENOTFOUND, "%s", missing[role]);
	s = make(p, role);
	if ((rc = set_url(s, url ? url : home(s, c), err)) == 0 && (rc = set_model(s, c, wish->model, err)) == 0) {
		set_role(s, c);
		set_common(s, c);
		set_wish(s, wish);
		rc = br_llm__key_find(s, p == find_provider(c, role) ? c : NULL, err);
	}
	if (rc < 0)
		br_llm_close(s);
	else
		*out = s;
	return rc;
}

int br_llm_open(struct br_llm **out, const struct br_config *c, enum br_llm_role role, struct br_err *err)
{
	return br_llm_open_wish(out, c, role, &(struct br_llm_wish){ 0 }, err);
}

void br_llm_close(struct br_llm *s)
{
	if (!s)
		return;
	if (s->hub)
		br_llm__hub_drop();
	br_llm__key_free(s->key);
	pthread_mutex_destroy(&s->mu);
	br_arena_release(&s->mem);
	free(s);
}

/* ---- asking ---- */

const struct br_llm_info *br_llm_info(const struct br_llm *s) { return &s->info; }

void br_llm_fingerprint(uint8_t out[8], const struct br_llm *s)
{
	char *text = br_sprintf("%s\n%u\n%s%s%s", s->info.model, s->asked_dim, s->info.passage_prefix,
	                        s->input_type ? "\n" : "",
	                        s->input_type ? s->input_type : "");
	uint8_t sum[32];

	br_sha256(sum, text, strlen(text));
	memcpy(out, sum, 8);
	free(text);
}

void br_llm_usage(struct br_llm_usage *out, struct br_llm *s)
{
	pthread_mutex_lock(&s->mu);
	*out = s->usage;
	pthread_mutex_unlock(&s->mu);
}

uint64_t br_llm_estimate_tokens(uint64_t bytes) { return (bytes + 3) / 4; }

double br_llm_price(const struct br_llm *s, uint64_t prompt_tokens, uint64_t completion_tokens)
{
	if (s->price_prompt < 0 || (completion_tokens && s->price_completion < 0))
		return -1;
	return (double)prompt_tokens * s->price_prompt / 1e6 +
	       (double)completion_tokens * BR_MAX(s->price_completion, 0.0) / 1e6;
}

static struct { pthread_mutex_t mu; struct br_llm_usage role[BR_LLM_ROLES]; } totals = { .mu = PTHREAD_MUTEX_INITIALIZER };

static void add_usage(struct br_llm_usage *to, const struct br_llm_usage *by)
{
	to->requests += by->requests;
	to->retries += by->retries;
	to->failed += by->failed;
	to->prompt_tokens += by->prompt_tokens;
	to->completion_tokens += by->completion_tokens;
	to->cost += by->cost;
	to->cost_known &= by->cost_known;
}

void br_llm__add(struct br_llm *s, const struct br_llm_usage *by)
{
	pthread_mutex_lock(&s->mu);
	add_usage(&s->usage, by);
	pthread_mutex_unlock(&s->mu);
	pthread_mutex_lock(&totals.mu);
	add_usage(&totals.role[s->info.role], by);
	pthread_mutex_unlock(&totals.mu);
}

void br_llm_totals(struct br_llm_usage *out, enum br_llm_role role)
{
	pthread_mutex_lock(&totals.mu);
	*out = totals.role[role];
	pthread_mutex_unlock(&totals.mu);
}

void br_llm__count(struct br_llm *s, struct br_llm_tokens *t)
{
	if (t->cost < 0)
		t->cost = br_llm_price(s, t->prompt, t->completion);
	br_llm__add(s, &(struct br_llm_usage){ .prompt_tokens = t->prompt, .completion_tokens = t->completion, .cost = BR_MAX(t->cost, 0.0), .cost_known = t->cost >= 0 });
}
