/*
 * Spaces: whose vectors a notebook has. Those of the model inside br are made where text is cut. A service is asked for those of a
 * whole batch before its commit, through a cache, so that each text is embedded once even when the commit never comes.
 */
#include "br/llm.h"

#include "internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct br_services {
	pthread_mutex_t lock;
	struct br_llm *embed;           /* once it was asked for */
	struct br_llm_cache *cache;
};

struct br_services *services_new(void)
{
	struct br_services *s = br_alloc(sizeof *s);

	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void services_free(struct br_services *s)
{
	if (!s)
		return;
	br_llm_close(s->embed);
	br_llm_cache_close(s->cache);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

bool services_cache_open(struct br_services *s)
{
	bool open;

	pthread_mutex_lock(&s->lock);
	open = s->cache;
	pthread_mutex_unlock(&s->lock);
	return open;
}

static int service_of(struct br_llm **out, const struct br_ws *ws, struct br_err *err)
{
	struct br_services *s = ws->services;
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	if (!s->embed)
		rc = br_llm_open(&s->embed, ws->config, BR_LLM_EMBED, err);
	*out = s->embed;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int cache_of(struct br_llm_cache **out, const struct br_ws *ws, struct br_err *err)
{
	struct br_services *s = ws->services;
	char *dir = br_path_join(ws->dir, "embeddings");
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	if (!s->cache && (rc = br_mkdirs(dir, 0777, err)) == 0)
		rc = br_llm_cache_open(&s->cache, dir, (uint64_t)br_config_int(ws->config, "embed.cache"), ws->wait_ms, err);
	*out = s->cache;
	pthread_mutex_unlock(&s->lock);
	free(dir);
	return rc;
}

/* ---- which ---- */

static void pin(struct br_nb *nb, const char *id, const uint8_t sha[8], uint32_t dim)
{
	snprintf(nb->model_id, sizeof nb->model_id, "%s", id);
	memcpy(nb->model_sha, sha, sizeof nb->model_sha);
	nb->dim = dim;
}

void space_pin_builtin(struct br_nb *nb, const struct br_model *m)
{
	const struct br_model_info *info = br_model_info(m);

	pin(nb, info->id, info->sha, info->dim);
}

bool nb_fits(const struct br_nb *nb, const struct br_model *m)
{
	const struct br_model_info *info = br_model_info(m);

	return nb->dim == info->dim && !strcmp(nb->model_id, info->id) && !memcmp(nb->model_sha, info->sha, sizeof info->sha);
}

static bool is_of(const struct br_nb *nb, const struct br_llm *s)
{
	uint8_t sha[8];

	br_llm_fingerprint(sha, s);
	return !memcmp(sha, nb->model_sha, sizeof sha) && !strncmp(nb->model_id, br_llm_info(s)->model, sizeof nb->model_id - 1);
}

enum br_space br_nb_space(const struct br_ws *ws, const struct br_nb *nb)
{
	struct br_llm *s;

	if (!nb->dim)
		return BR_SPACE_NONE;
	if (nb_fits(nb, ws->model))
		return BR_SPACE_BUILTIN;
	if (!br_llm_configured(ws->config, BR_LLM_EMBED) || service_of(&s, ws, NULL) < 0)
		return BR_SPACE_FOREIGN;
	return is_of(nb, s) ? BR_SPACE_SERVICE : BR_SPACE_FOREIGN;
}

/* Nobody says how long its vectors are before it has made one. */
static int pin_service(struct br_nb *nb, const struct br_ws *ws, struct br_err *err)
{
	struct br_slice text = br_slice_str("dimensions");
	struct br_llm_embed req = { .text = &text, .n = 1 };
	struct br_llm_vectors v = { 0 };
	struct br_llm *s;
	uint8_t sha[8];
	int rc;

	if ((rc = service_of(&s, ws, err)) < 0)
		return rc;
	if ((rc = br_llm_embed(&v, s, &req, err)) == 0 && v.dim > BR_ANN_MAX_DIM)
		rc = br_fail(err, BR_EUNSUPPORTED, "model '%s' has vectors of %u dimensions, at most %d are possible", br_llm_info(s)->model, v.dim, BR_ANN_MAX_DIM);
	if (rc == 0) {
		br_llm_fingerprint(sha, s);
		pin(nb, br_llm_info(s)->model, sha, v.dim);
	}
	br_llm_vectors_release(&v);
	return rc;
}

int space_choose(struct br_nb *nb, const struct br_ws *ws, enum br_space want, struct br_err *err)
{
	if (want == BR_SPACE_SERVICE)
		return pin_service(nb, ws, err);
	space_pin_builtin(nb, ws->model);
	return 0;
}

static int put_pin(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct br_nb *want = arg;
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc = nb_load(&nb, &a, t, want->nb, err);

	if (rc > 0 && !nb->next_chunk) { /* else somebody was quicker */
		pin(nb, want->model_id, want->model_sha, want->dim);
		rc = nb_store(t, nb, err);
	}
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

int space_settle(struct br_nb *nb, struct br_ws *ws, struct br_err *err)
{
	enum br_space have = br_nb_space(ws, nb), want = br_llm_configured(ws->config, BR_LLM_EMBED) ? BR_SPACE_SERVICE : BR_SPACE_BUILTIN;
	int rc;

	if (have == BR_SPACE_NONE || have == want)
		return 0;
	if (nb->next_chunk)
		return have != BR_SPACE_FOREIGN ? 0 : br_fail(err, BR_EUNSUPPORTED, "notebook '%s' has vectors of '%s', which is not configured here; "
			"'br notebook reembed' makes new ones", nb->name, nb->model_id);
	if ((rc = space_choose(nb, ws, want, err)) < 0)
		return rc;
	return br_store_write(ws->store, put_pin, nb, err);
}

bool space_same(const struct br_nb *a, const struct br_nb *b)
{
	return a->dim == b->dim && !strcmp(a->model_id, b->model_id) && !memcmp(a->model_sha, b->model_sha, sizeof a->model_sha);
}

/* ---- vectors of a service ---- */

int space_embed(int8_t *code, float *scale, const struct br_ws *ws, uint32_t dim, const struct br_slice *text, size_t n, struct br_err *err)
{
	struct br_llm_embed req = { .text = text, .n = n, .dim = dim, .use = BR_LLM_PASSAGE };
	struct br_llm_vectors v = { 0 };
	struct br_llm_cache *cache;
	struct br_llm *s;
	int rc;

	if ((rc = service_of(&s, ws, err)) < 0 || (rc = cache_of(&cache, ws, err)) < 0)
		return rc;
	rc = br_llm_embed_cached(&v, s, cache, &req, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		scale[i] = br_vec_encode(code + i * dim, v.v + i * dim, dim);
	br_llm_vectors_release(&v);
	return rc;
}

int space_missing(struct br_reembed_stats *out, const struct br_ws *ws, uint32_t dim, const struct br_slice *text, size_t n, struct br_err *err)
{
	struct br_llm_embed req = { .text = text, .n = n, .dim = dim, .use = BR_LLM_PASSAGE };
	struct br_llm_cache *cache;
	struct br_llm *s;
	uint64_t bytes, tokens;
	size_t texts;
	double price;
	int rc;

	if ((rc = service_of(&s, ws, err)) < 0 || (rc = cache_of(&cache, ws, err)) < 0 ||
	    (rc = br_llm_cache_missing(&texts, &bytes, s, cache, &req, err)) < 0)
		return rc;
	tokens = br_llm_estimate_tokens(bytes);
	price = br_llm_price(s, tokens, 0);
	out->asked += texts;
	out->tokens += tokens;
	out->cost = price < 0 || out->cost < 0 ? -1 : out->cost + price;
	return 0;
}

int br_nb_embed_query(struct br_ann_query *out, const struct br_ws *ws, const struct br_nb *nb, struct br_slice text, struct br_err *err)
{
	struct br_llm_embed req = { .text = &text, .n = 1, .dim = nb->dim, .use = BR_LLM_QUERY };
	struct br_llm_vectors v = { 0 };
	struct br_llm *s;
	int rc;

	if ((rc = service_of(&s, ws, err)) == 0 && (rc = br_llm_embed(&v, s, &req, err)) == 0)
		br_ann_query_init(out, v.v, nb->dim);
	br_llm_vectors_release(&v);
	return rc;
}
