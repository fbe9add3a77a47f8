/*
 * Answers that were given, in memory: found by key, or by a question that is nearly the same. An answer carries the stamp of the knowledge
 * bases that it was made from, taken before they were read; when they changed since, it is as if it were not there, whoever changed them.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

struct kept {
	char key[69], tenant[37], kb[37]; /* kb "": none was named */
	uint64_t stamp;
	int64_t until, hits;
	char *question;
	struct br_ann_query vec;      /* dim 0: none */
	struct br_answered a;         /* path, text, note, sources, from_wiki, confidence, warning */
};

static void kept_free(struct kept *k)
{
	if (!k)
		return;
	br_answered_release(&k->a);
	free(k->question);
	free(k);
}

void cache_free(struct br_tenancy *t)
{
	for (size_t i = 0; i < t->kept_n; i++)
		kept_free(t->kept[i]);
	free(t->kept);
	br_embedder_free(t->embedder);
}

static void copy(struct br_answered *to, const struct br_answered *from)
{
	struct br_arena *a = &to->arena;

	to->path = from->path;
	to->text = br_arena_strdup(a, from->text);
	to->note = br_arena_strdup(a, from->note);
	to->warning = br_arena_strdup(a, from->warning);
	to->from_wiki = from->from_wiki;
	to->confidence = from->confidence;
	to->source = br_arena_zalloc(a, (from->n + 1) * sizeof *to->source);
	for (to->n = 0; to->n < from->n; to->n++) {
		const struct br_found_in *s = &from->source[to->n];
		to->source[to->n] = (struct br_found_in){ br_arena_strdup(a, s->id), br_arena_strdup(a, s->title), br_arena_strdup(a, s->kb), s->relevance };
	}
}

/* The tenant's, of the same knowledge base, made of what is there now, and not too old. */
static bool is_good(const struct kept *k, const struct cache_find *f)
{
	return !strcmp(k->tenant, f->tenant) && !strcmp(k->kb, f->kb ? f->kb : "") && k->stamp == f->stamp && k->until > br_now();
}

static void hand_out(struct br_answered *out, struct kept *k, enum br_path path)
{
	k->hits++;
	copy(out, &k->a);
	out->path = path;
	out->cached = true;
	out->tokens = (struct br_usage){ 0 };
}

bool cache_exact(struct br_answered *out, struct br_tenancy *t, const struct cache_find *f)
{
	bool found = false;
	char key[69];

	br_tenant_cache_key(key, f->tenant, f->kb, f->question);
	pthread_mutex_lock(&t->cache_mu);
	for (size_t i = 0; i < t->kept_n && !found; i++) {
		struct kept *k = t->kept[i];
		if (!memcmp(k->key, key, sizeof key) && (found = is_good(k, f)))
			hand_out(out, k, BR_PATH_CACHE);
	}
	pthread_mutex_unlock(&t->cache_mu);
	return found;
}

/* ---- questions that are nearly the same ---- */

static bool vector_of(struct br_ann_query *out, struct br_tenancy *t, const char *question)
{
	double fit;

	if (!t->embedder && t->ws->model)
		t->embedder = br_embedder_new(t->ws->model);
	return t->embedder && br_embed_query(out, &fit, t->embedder, br_slice_str(question));
}

static double cosine_of(const struct br_ann_query *a, const struct br_ann_query *b)
{
	double dot = 0, aa = 0, bb = 0;

	if (a->dim != b->dim || !a->dim)
		return 0;
	for (uint32_t i = 0; i < a->dim; i++) {
		dot += (double)a->code[i] * b->code[i];
		aa += (double)a->code[i] * a->code[i];
		bb += (double)b->code[i] * b->code[i];
	}
	return aa > 0 && bb > 0 ? dot / sqrt(aa * bb) : 0;
}

/*
 * Vectors alone take "model A" for "model B": what differs besides must be words that say nothing.
 */
bool cache_similar(struct br_answered *out, double *cosine, struct br_tenancy *t, const struct cache_find *f)
{
	struct br_ann_query q;
	struct kept *best = NULL;

	*cosine = 0;
	pthread_mutex_lock(&t->cache_mu);
	if (t->kept_n && vector_of(&q, t, f->question))
		for (size_t i = 0; i < t->kept_n; i++) {
			struct kept *k = t->kept[i];
			double c = is_good(k, f) ? cosine_of(&q, &k->vec) : 0;
			if (c > *cosine) {
				*cosine = c;
				best = k;
			}
		}
	if (best && *cosine > f->similarity && words_agree(best->question, f->question))
		hand_out(out, best, BR_PATH_SEMANTIC);
	else
		best = NULL;
	pthread_mutex_unlock(&t->cache_mu);
	return best != NULL;
}

/* ---- keeping ---- */

/* The one that has the key, an empty place, or the one whose turn it is to go. */
static struct kept **place(struct br_tenancy *t, const char *key)
{
	for (size_t i = 0; i < t->kept_n; i++)
		if (!strcmp(t->kept[i]->key, key))
			return &t->kept[i];
	if (!t->kept)
		t->kept = br_allocn(CACHED_MAX, sizeof *t->kept);
	if (t->kept_n < CACHED_MAX)
		return &t->kept[t->kept_n++];
	return &t->kept[t->kept_at++ % CACHED_MAX];
}

void cache_keep(struct br_tenancy *t, const struct cache_find *f, int64_t ttl, const struct br_answered *a)
{
	struct kept *k, **to;

	if (ttl <= 0)
		return;
	k = br_alloc(sizeof *k);
	br_tenant_cache_key(k->key, f->tenant, f->kb, f->question);
	memcpy(k->tenant, f->tenant, 36);
	memcpy(k->kb, f->kb ? f->kb : "", f->kb ? 36 : 0);
	k->stamp = f->stamp;
	k->until = br_now() + ttl;
	k->question = br_strdup(f->question);
	copy(&k->a, a);
	pthread_mutex_lock(&t->cache_mu);
	if (!vector_of(&k->vec, t, f->question))
		k->vec.dim = 0;
	to = place(t, k->key);
	kept_free(*to);
	*to = k;
	pthread_mutex_unlock(&t->cache_mu);
}
