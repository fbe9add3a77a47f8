/*
 * What a service says it offers.
 */
#include "internal.h"

#include <stdlib.h>

/* Some write prices as strings, in dollars for one token. */
static double price_at(const struct br_jval *pricing, const char *key)
{
	const struct br_jval *v = br_jval_get(pricing, key);
	const char *s = br_jval_str(v);
	double d;

	if (s ? br_parse_double(&d, s, 0, 1e6, key, NULL) < 0 : !br_jval_num(&d, v))
		return -1;
	return d >= 0 ? d * 1e6 : -1;
}

static void add_model(struct br_llm_models *out, const struct br_jval *v)
{
	const char *id = br_jval_str(br_jval_get(v, "id")), *owner = br_jval_str(br_jval_get(v, "owned_by")), *name = br_jval_str(br_jval_get(v, "name"));
	const struct br_jval *pricing = br_jval_get(v, "pricing");
	bool there;

	if (!id || !*id || out->v.n >= BR_MAX_LLM_MODELS)
		return;
	*br_vec_push(&out->v) = (struct br_llm_model){
		.id = br_arena_strdup(&out->arena, id), .owner = br_arena_strdup(&out->arena, owner ? owner : ""),
		.name = br_arena_strdup(&out->arena, name && *name ? name : id),
		.context = (int64_t)br_llm__uint_at(v, "context_length", &there),
		.price_prompt = price_at(pricing, "prompt"), .price_completion = price_at(pricing, "completion"),
	};
}

static int read_list(struct br_llm_models *out, const struct br_llm__call *c, const struct br_jval *root, struct br_err *err)
{
	const struct br_jval *list = br_jval_get(root, "data");

	if (!list || br_jval_type(list) != BR_J_ARR)
		return br_llm__fail(c, err, "its answer has no 'data'");
	for (const struct br_jval *v = br_jval_first(list); v; v = br_jval_next(v))
		add_model(out, v);
	return 0;
}

/* out NULL: what the answer says does not matter. */
static int get(struct br_llm_models *out, struct br_llm *s, const struct br_llm_ask *ask, const char *path, struct br_err *err)
{
	struct br_llm__call c;
	struct br_llm__desk desk;
	struct br_jdoc *doc = NULL;
	int rc;

	br_llm__desk_open(&desk);
	if ((rc = br_llm__call_open(&c, s, &desk, ask, path, err)) == 0) {
		c.get = true;
		rc = br_llm__call_json(&doc, &c, err);
	}
	if (rc == 0 && out)
		rc = read_list(out, &c, br_jdoc_root(doc), err);
	br_jdoc_free(doc);
	br_llm__call_release(&c);
	br_llm__desk_close(&desk);
	return rc;
}

int br_llm_models(struct br_llm_models *out, struct br_llm *s, const struct br_llm_ask *ask, struct br_err *err)
{
	*out = (struct br_llm_models){ 0 };
	return get(out, s, ask, "/models", err);
}

int br_llm_embedding_models(struct br_llm_models *out, struct br_llm *s, const struct br_llm_ask *ask, struct br_err *err)
{
	*out = (struct br_llm_models){ 0 };
	return get(out, s, ask, "/embeddings/models", err);
}

int br_llm_probe(struct br_llm *s, const struct br_llm_ask *ask, struct br_err *err)
{
	return get(NULL, s, ask, s->provider->probe ? s->provider->probe : "/models", err);
}

void br_llm_models_release(struct br_llm_models *m)
{
	br_vec_release(&m->v);
	br_arena_release(&m->arena);
}
