/*
 * Knowledge bases are notebooks whose setting `tenant` names their tenant. This is the only file that finds them: whoever wants a
 * notebook for this API says whose it must be, and what another tenant has is not there.
 */
#include "internal.h"

#include <stdlib.h>

struct gather { struct br_kbs *out; struct br_arena *a; const char *tenant; struct br_txn *t; struct br_err *err; int rc; };

static void take(struct br_kb *k, struct br_arena *a, const struct br_nb *nb, const struct br_nb_values *v)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct br_json j;

	*k = (struct br_kb){ .nb = nb->nb, .docs = nb->docs, .generation = nb->generation, .created = nb->created,
		.name = br_arena_strdup(a, *br_nb_str(v, "title") ? br_nb_str(v, "title") : nb->name),
		.description = br_arena_strdup(a, br_nb_str(v, "description")), .is_default = br_nb_bool(v, "wiki.default"),
		.wiki_enabled = br_nb_bool(v, "wiki.enabled"), .rerank = br_nb_bool(v, "search.rerank"), .nli = br_nb_bool(v, "chat.check_contradictions"),
		.cache_ttl = br_nb_int(v, "cache.ttl"), .similarity = br_nb_num(v, "cache.similarity") };
	memcpy(k->id, nb->id, sizeof k->id);
	memcpy(k->tenant, br_nb_str(v, "tenant"), 36);
	br_json_init(&j, &b, false);
	br_nb_value_write(&j, v, br_nb_setting_find("metadata"));
	k->metadata = br_arena_strndup(a, b.ptr, b.len);
	br_buf_release(&b);
}

static int look(const struct br_nb *nb, void *arg)
{
	struct gather *g = arg;
	struct br_nb_values *v;
	const char *of;

	if (!strstr(nb->settings, "\"tenant\"")) /* most notebooks of others, cheaply */
		return 0;
	v = br_nb_values_new(nb);
	of = br_nb_str(v, "tenant");
	if (is_uuid(of) && (!g->tenant || !strcmp(of, g->tenant))) {
		struct br_kb *k = br_vec_push(&g->out->v);
		take(k, g->a, nb, v);
		g->rc = br_wiki_stamp(&k->stamp, g->t, nb->nb, g->err);
	}
	br_nb_values_free(v);
	return g->rc;
}

/* By tenant, the default one first, then oldest first. */
static int in_order(const void *x, const void *y)
{
	const struct br_kb *a = x, *b = y;
	int by = strcmp(a->tenant, b->tenant);

	if (by || a->is_default != b->is_default)
		return by ? by : a->is_default ? -1 : 1;
	return a->nb < b->nb ? -1 : a->nb > b->nb;
}

static void choose_defaults(struct br_kbs *k)
{
	if (k->v.n)
		qsort(k->v.v, k->v.n, sizeof *k->v.v, in_order);
	for (size_t i = 0; i < k->v.n; i++)
		k->v.v[i].is_default = !i || strcmp(k->v.v[i].tenant, k->v.v[i - 1].tenant) != 0;
}

static int gather_in(struct br_kbs *out, struct br_arena *a, struct br_txn *t, const char *tenant, struct br_err *err)
{
	struct gather g = { out, a, tenant, t, err, 0 };
	int rc = br_nb_each(t, look, &g, err);

	if (rc < 0 || (rc = g.rc) < 0)
		return rc;
	choose_defaults(out);
	return 0;
}

int kb_each(struct br_kbs *out, struct br_arena *a, struct br_ws *ws, const char *tenant, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	rc = gather_in(out, a, t, tenant, err);
	br_txn_end(t);
	return rc;
}

int br_kb_list(struct br_kbs *out, struct br_arena *a, struct br_ws *ws, const char *tenant, struct br_err *err)
{
	return kb_each(out, a, ws, lower_id(a, tenant), err);
}

static int pick(struct br_kb *out, const struct br_kbs *all, const char *tenant, const char *id, struct br_err *err)
{
	for (size_t i = 0; i < all->v.n; i++) {
		const struct br_kb *k = &all->v.v[i];
		if (!strcmp(k->tenant, tenant) && (id ? !strcasecmp(k->id, id) : k->is_default)) {
			*out = *k;
			return 0;
		}
	}
	return br_fail(err, id ? BR_ENOTFOUND : BR_EUSAGE, id ? "knowledge base not found" : "there is no knowledge base: knowledge_base_id is missing");
}

int br_kb_get(struct br_kb *out, struct br_arena *a, struct br_ws *ws, const char *tenant, const char *id, struct br_err *err)
{
	struct br_kbs all = { 0 };
	int rc = br_kb_list(&all, a, ws, tenant, err);

	if (rc == 0)
		rc = pick(out, &all, tenant, id, err);
	br_vec_release(&all.v);
	return rc;
}

/* ---- making one ---- */

static int only_default(struct br_ws *ws, const struct br_kbs *others, const char *id, struct br_err *err)
{
	bool again;
	int rc = 0;

	for (size_t i = 0; i < others->v.n && rc >= 0; i++)
		if (others->v.v[i].is_default && strcmp(others->v.v[i].id, id))
			rc = br_nb_set(ws, others->v.v[i].id, "wiki.default", "false", &again, err);
	return rc;
}

int br_kb_create(struct br_kb *out, struct br_arena *a, struct br_ws *ws, const char *tenant, const struct br_kb_spec *spec, struct br_err *err)
{
	struct br_kbs all = { 0 };
	struct br_nb_pair pair[8];
	char id[37];
	size_t n = 0;
	int rc = br_kb_list(&all, a, ws, tenant, err);
	bool first = !all.v.n;

	br_uuid(id);
	pair[n++] = (struct br_nb_pair){ "tenant", tenant };
	pair[n++] = (struct br_nb_pair){ "title", spec->name };
	if (spec->description && *spec->description)
		pair[n++] = (struct br_nb_pair){ "description", spec->description };
	if (spec->metadata)
		pair[n++] = (struct br_nb_pair){ "metadata", spec->metadata };
	if (first || spec->is_default > 0)
		pair[n++] = (struct br_nb_pair){ "wiki.default", "true" };
	if (spec->wiki_enabled == 0)
		pair[n++] = (struct br_nb_pair){ "wiki.enabled", "false" };
	if (rc == 0 && (rc = br_nb_create_as(ws, br_arena_printf(a, "kb-%s", id), id, pair, n, err)) == 0 && spec->is_default > 0)
		rc = only_default(ws, &all, id, err);
	br_vec_release(&all.v);
	return rc < 0 ? rc : br_kb_get(out, a, ws, tenant, id, err);
}

/* ---- as of now ---- */

static void stamps_drop(struct kb_stamps *s)
{
	if (s && !--s->refs) {
		br_vec_release(&s->all.v);
		br_arena_release(&s->arena);
		free(s);
	}
}

void stamps_put(struct br_tenancy *t, struct kb_stamps *s)
{
	pthread_mutex_lock(&t->mu);
	stamps_drop(s);
	pthread_mutex_unlock(&t->mu);
}

static int stamps_read(struct kb_stamps **out, struct br_txn *txn, uint64_t generation, struct br_err *err)
{
	struct kb_stamps *s = br_alloc(sizeof *s);
	int rc;

	s->generation = generation;
	s->refs = 1;
	if ((rc = gather_in(&s->all, &s->arena, txn, NULL, err)) < 0)
		stamps_drop(s);
	else
		*out = s;
	return rc;
}

static struct kb_stamps *held(struct br_tenancy *t, uint64_t generation)
{
	struct kb_stamps *s;

	pthread_mutex_lock(&t->mu);
	if ((s = t->stamps) && s->generation == generation)
		s->refs++;
	else
		s = NULL;
	pthread_mutex_unlock(&t->mu);
	return s;
}

static void hold(struct br_tenancy *t, struct kb_stamps *s)
{
	pthread_mutex_lock(&t->mu);
	if (!t->stamps || t->stamps->generation < s->generation) {
		stamps_drop(t->stamps);
		t->stamps = s;
		s->refs++;
	}
	pthread_mutex_unlock(&t->mu);
}

int stamps_take(struct kb_stamps **out, struct br_tenancy *t, struct br_err *err)
{
	uint64_t generation;
	struct br_txn *txn;
	int rc = br_txn_read(&txn, t->ws->store, err);

	if (rc < 0)
		return rc;
	generation = br_txn_generation(txn);
	if (!(*out = held(t, generation)) && (rc = stamps_read(out, txn, generation, err)) == 0)
		hold(t, *out);
	br_txn_end(txn);
	return rc;
}

int scope_of(struct br_kbs *out, const struct kb_stamps *s, const char *tenant, const char *kb, struct br_err *err)
{
	for (size_t i = 0; i < s->all.v.n; i++)
		if (!strcmp(s->all.v.v[i].tenant, tenant) && (!kb || !strcasecmp(s->all.v.v[i].id, kb)))
			*br_vec_push(&out->v) = s->all.v.v[i];
	return kb && !out->v.n ? br_fail(err, BR_ENOTFOUND, "knowledge base not found") : 0;
}

uint64_t scope_stamp(const struct br_kbs *kbs)
{
	uint64_t h = kbs->v.n;

	for (size_t i = 0; i < kbs->v.n; i++) {
		uint64_t part[4] = { h, kbs->v.v[i].nb, kbs->v.v[i].generation, kbs->v.v[i].stamp };
		h = br_hash64(part, sizeof part);
	}
	return h;
}
