/*
 * Documents with the same bytes, of which the earliest stays; and those with nearly the same words, which are told and nothing more.
 *
 * What may be removed: nothing is lost by it, and no later sync brings it back. So the one that stays must have a source that is what
 * was indexed. A file below a folder that sync keeps, a member of an archive, what holds members, and a document with metadata of its
 * own stay as well; and so does the only upload, record or page with these bytes, as the file that has them may go.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the same bytes ---- */

static bool is_sound(const struct entry *e) { return e->source == BR_SOURCE_SAME && e->original; }

/* By bytes; then those whose source is as indexed before others, the earliest first. */
static int by_age(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
	int d = memcmp(x->sha, y->sha, sizeof x->sha);

	if (d || (d = is_sound(y) - is_sound(x)))
		return d;
	if (x->created != y->created)
		return x->created < y->created ? -1 : 1;
	return (x->doc > y->doc) - (x->doc < y->doc);
}

/* kinds: a bit for each origin of which a document with these bytes stays. */
static const char *why_stays(const struct entry *e, const struct entry *stays, unsigned kinds)
{
	if (!is_sound(stays))
		return "the source of none is what was indexed";
	if (orphan_fixable(e))
		return "its file is gone";
	if (e->source == BR_SOURCE_CHANGED)
		return "its file changed";
	if (e->origin == BR_FROM_FILE && e->kept)
		return "sync would bring it back: remove the file, or exclude it";
	if (e->origin == BR_FROM_MEMBER)
		return "it stands in an archive";
	if (e->format == BR_FMT_MAIL)
		return "it may hold others";
	if (e->origin != BR_FROM_FILE && !(kinds >> e->origin & 1))
		return e->origin == BR_FROM_UPLOAD ? "it was uploaded only once" : "no other of its kind has them";
	if (e->meta[0] && strcmp(e->meta, "{}") && strcmp(e->meta, stays->meta))
		return "it has metadata of its own";
	return NULL;
}

static void add_group(struct copies *out, const struct entry *const *v, size_t n)
{
	unsigned kinds = 0;

	for (size_t i = 0; i < n; i++) {
		const char *why_not = i ? why_stays(v[i], v[0], kinds) : "it is the earliest";
		if (i)
			*br_vec_push(&out->v) = (struct copy){ v[i], v[0], why_not };
		if (why_not && is_sound(v[i]))
			kinds |= 1u << v[i]->origin;
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct copy *)a)->e->path, ((const struct copy *)b)->e->path);
}

void find_copies(struct copies *out, const struct look *l)
{
	const struct entry **v = br_allocn(l->v.n + 1, sizeof *v);
	size_t n = 0;

	*out = (struct copies){ 0 };
	for (size_t i = 0; i < l->v.n; i++)
		if (l->v.v[i].state == BR_DOC_INDEXED)
			v[n++] = &l->v.v[i];
	if (n)
		qsort(v, n, sizeof *v, by_age);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && !memcmp(v[i]->sha, v[j]->sha, sizeof v[i]->sha); j++)
			;
		add_group(out, v + i, j - i);
	}
	if (out->v.n)
		qsort(out->v.v, out->v.n, sizeof *out->v.v, by_name);
	free(v);
}

void copies_release(struct copies *c) { br_vec_release(&c->v); }

void check_copies(struct look *l)
{
	struct copies c;

	if (!asked(l, BR_H_DUPLICATE))
		return;
	l->out->rule[BR_H_DUPLICATE].of = l->v.n;
	find_copies(&c, l);
	for (size_t i = 0; i < c.v.n; i++) {
		const struct copy *k = &c.v.v[i];
		char *detail = br_sprintf("the same bytes as '%s'%s%s", k->stays->path, k->why_not ? "; " : "", k->why_not ? k->why_not : "");
		found(l, (struct br_finding){ BR_H_DUPLICATE, k->e->path, 0, detail, !k->why_not });
		free(detail);
	}
	copies_release(&c);
}

/* ---- nearly the same words ---- */

/* Bytes that were told already, of the same group, are the other rule's. */
static bool seen_before(const struct br_dup_group *g, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!memcmp(g->doc[k].doc->sha, g->doc[i].doc->sha, sizeof g->doc[i].doc->sha))
			return true;
	return false;
}

static int tell_near(const struct br_dup_group *g, void *arg)
{
	struct look *l = arg;

	for (size_t i = 1; i < g->n && !g->exact; i++) {
		const struct br_dup *d = &g->doc[i];
		char *detail;
		if (d->same_bytes || seen_before(g, i))
			continue;
		detail = br_sprintf("%.0f %% of the words of '%s'", 100 * d->similarity, g->doc[0].doc->path);
		found(l, (struct br_finding){ BR_H_NEAR_DUPLICATE, d->doc->path, 0, detail, false });
		free(detail);
	}
	return 0;
}

int check_near(struct look *l)
{
	struct br_dup_report r;

	if (!asked(l, BR_H_NEAR_DUPLICATE))
		return 0;
	l->out->rule[BR_H_NEAR_DUPLICATE].of = l->v.n;
	return br_duplicates(&r, l->ws, l->nb->nb, br_config_num(l->ws->config, "health.similarity"), tell_near, l, l->err);
}
