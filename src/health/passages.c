/* Rules about passages and their vectors. */
#include "internal.h"

#include "br/os.h"

#include <stdio.h>
#include <stdlib.h>

struct sizes { uint32_t min, max; };

static void judge(struct look *l, const struct entry *e, const struct br_chunk_rec *c, const struct sizes *s)
{
	bool is_short = c->len < s->min && asked(l, BR_H_SHORT_PASSAGE), is_long = c->len > s->max && asked(l, BR_H_LONG_PASSAGE);
	char detail[64];

	if (!is_short && !is_long)
		return;
	snprintf(detail, sizeof detail, c->len ? "%u %s" : "empty", c->len, c->len == 1 ? "byte" : "bytes");
	found(l, (struct br_finding){ is_short ? BR_H_SHORT_PASSAGE : BR_H_LONG_PASSAGE, e->path, c->line, detail, false });
}

int check_passages(struct look *l, struct br_txn *t)
{
	const struct br_config *config = l->ws->config;
	struct sizes s = { (uint32_t)br_config_int(config, "health.min_passage"), (uint32_t)br_config_int(config, "health.max_passage") };
	bool sizes = asked(l, BR_H_SHORT_PASSAGE) || asked(l, BR_H_LONG_PASSAGE);

	if (sizes)
		l->out->rule[BR_H_SHORT_PASSAGE].of = l->out->rule[BR_H_LONG_PASSAGE].of = l->nb->chunks;
	for (size_t i = 0; i < l->v.n && sizes; i++) {
		const struct entry *e = &l->v.v[i];
		int rc = br_check_stop(l->err);
		for (uint32_t n = 0; n < e->chunks && rc >= 0; n++) {
			struct br_chunk_rec c;
			if ((rc = br_chunk_get(&c, t, l->nb->nb, e->first_chunk + n, l->err)) >= 0)
				judge(l, e, &c, &s);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- deleted ones ---- */

bool garbage_due(const struct look *l, uint64_t dead, uint64_t chunks)
{
	return dead && 100.0 * (double)dead / (double)(dead + chunks) > br_config_num(l->ws->config, "health.garbage");
}

static void check_garbage(struct look *l)
{
	struct br_health_result *r = &l->out->rule[BR_H_GARBAGE];
	char detail[64];

	r->of = l->nb->chunks + (uint64_t)l->nb->dead;
	if (!l->nb->dead)
		return;
	snprintf(detail, sizeof detail, "%u deleted %s", l->nb->dead, l->nb->dead == 1 ? "passage" : "passages");
	found(l, (struct br_finding){ BR_H_GARBAGE, NULL, 0, detail, garbage_due(l, l->nb->dead, l->nb->chunks) });
	r->found = l->nb->dead; /* told as one */
}

/* ---- vectors ---- */

struct vectors { struct look *l; uint64_t passages; bool fixable; };

static int on_missing(const struct br_doc *d, uint32_t passages, void *arg)
{
	struct vectors *v = arg;
	char detail[80];

	snprintf(detail, sizeof detail, "%u %s without a vector", passages, passages == 1 ? "passage" : "passages");
	found(v->l, (struct br_finding){ BR_H_MISSING_VECTOR, d->path, 0, detail, v->fixable });
	v->passages += passages;
	return 0;
}

static void tell_foreign(struct look *l)
{
	char *detail = br_sprintf("its vectors are of '%s', which is not configured: it is searched by words alone", l->nb->model_id);

	found(l, (struct br_finding){ BR_H_MISSING_VECTOR, NULL, 0, detail, false });
	free(detail);
}

int check_vectors(struct look *l, struct br_txn *t)
{
	struct br_health_result *r = &l->out->rule[BR_H_MISSING_VECTOR];
	struct vectors v = { .l = l };
	enum br_space space;
	int rc = 0;

	if (asked(l, BR_H_GARBAGE))
		check_garbage(l);
	if (!asked(l, BR_H_MISSING_VECTOR))
		return 0;
	r->of = l->nb->chunks;
	space = br_nb_space(l->ws, l->nb);
	v.fixable = space == BR_SPACE_BUILTIN;
	if (space == BR_SPACE_FOREIGN && l->nb->chunks) {
		tell_foreign(l);
		v.passages = l->nb->chunks;
	} else {
		rc = br_missing_vectors(l->ws, t, l->nb, on_missing, &v, l->err);
	}
	r->found = v.passages; /* documents were told, passages count */
	return rc;
}
