/* Questions: words of a text as groups of alternatives, their document frequencies and weights. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

struct words { struct br_fts_group *v; size_t n, cap; }; /* a BR_VEC that can be passed on */

void br_fts_query_init(struct br_fts_query *q)
{
	*q = (struct br_fts_query){ .k1 = 1.2, .b = 0.75 };
}

static void group_release(struct br_fts_group *g) { br_vec_release(&g->alts); }

void br_fts_query_release(struct br_fts_query *q)
{
	for (size_t i = 0; i < q->groups.n; i++)
		group_release(&q->groups.v[i]);
	br_vec_release(&q->groups);
}

/* ---- words ---- */

static void add_alt(struct br_fts_group *g, const struct br_token *k)
{
	for (size_t i = 0; i < g->alts.n; i++)
		if (br_slice_eq(br_slice(g->alts.v[i].term, g->alts.v[i].len), br_slice(k->term, k->term_len)))
			return;
	struct br_fts_alt *a = br_vec_push(&g->alts);
	*a = (struct br_fts_alt){ .len = k->term_len };
	memcpy(a->term, k->term, k->term_len);
}

static bool same_word(const struct br_fts_group *g, const struct br_token *k)
{
	return g->off == k->off && g->len == k->len && (g->flags & BR_TOK_WHOLE) == (k->flags & BR_TOK_WHOLE);
}

/*
 * The words as one language cuts them, onto those of the languages before. Cuts differ at apostrophes only; a word that the others
 * do not have becomes a group of its own, of the given kind.
 */
static void add_language(struct words *words, const struct br_tokens *tokens, enum br_group_kind kind)
{
	size_t at = 0, old = words->n;
	for (size_t i = 0; i < tokens->v.n; i++) {
		const struct br_token *k = &tokens->v.v[i];
		size_t g = at;
		while (g < old && words->v[g].off <= k->off && !same_word(&words->v[g], k))
			g++;
		if (g < old && same_word(&words->v[g], k)) {
			add_alt(&words->v[g], k);
			at = g;
			continue;
		}
		*br_vec_push(words) = (struct br_fts_group){ .kind = kind, .flags = k->flags, .pos = k->pos, .count = 1, .off = k->off, .len = k->len };
		add_alt(&words->v[words->n - 1], k);
	}
}

/* ---- words seen before ---- */

static bool same_group(const struct br_fts_group *a, const struct br_fts_group *b)
{
	if (a->kind != b->kind || a->alts.n != b->alts.n || (a->flags & BR_TOK_WHOLE) != (b->flags & BR_TOK_WHOLE))
		return false;
	for (size_t i = 0; i < a->alts.n; i++)
		if (!br_slice_eq(br_slice(a->alts.v[i].term, a->alts.v[i].len), br_slice(b->alts.v[i].term, b->alts.v[i].len)))
			return false;
	return true;
}

struct index {
	uint32_t *slot; /* group + 1 by hash of its first alternative */
	size_t mask;
};

/* The group like g, or NULL and g's number is taken down as `number`. */
static struct br_fts_group *index_find(struct index *x, struct br_fts_query *q, const struct br_fts_group *g, uint32_t number)
{
	size_t h = br_hash64(g->alts.v[0].term, g->alts.v[0].len) & x->mask;
	for (; x->slot[h]; h = (h + 1) & x->mask)
		if (same_group(&q->groups.v[x->slot[h] - 1], g))
			return &q->groups.v[x->slot[h] - 1];
	x->slot[h] = number + 1;
	return NULL;
}

static struct index index_new(struct br_fts_query *q, size_t more)
{
	struct index x = { .mask = 15 };
	while (x.mask < 2 * (q->groups.n + more))
		x.mask = 2 * x.mask + 1;
	x.slot = br_allocn(x.mask + 1, sizeof *x.slot);
	for (uint32_t i = 0; i < q->groups.n; i++)
		index_find(&x, q, &q->groups.v[i], i);
	return x;
}

/*
 * A whole identifier beside its parts: what must be there is the parts, the whole only lifts; what must not be there is the whole,
 * since its parts are ordinary words.
 */
static bool settle_kind(struct br_fts_group *g, uint32_t whole_end)
{
	bool whole = g->flags & BR_TOK_WHOLE;
	if (whole && g->kind == BR_GROUP_MUST)
		g->kind = BR_GROUP_SHOULD;
	return g->kind != BR_GROUP_NOT || whole || g->off >= whole_end;
}

void br_fts_query_add(struct br_fts_query *q, struct br_tokenizer *t, struct br_slice text, const char *const *langs, enum br_group_kind kind)
{
	struct words words = { 0 };
	uint32_t whole_end = 0;
	for (size_t i = 0; langs[i]; i++) {
		br_tokenizer_lang(t, langs[i]);
		add_language(&words, br_tokenize(t, text), i && kind == BR_GROUP_MUST ? BR_GROUP_SHOULD : kind);
	}
	struct index x = index_new(q, words.n);
	for (size_t i = 0; i < words.n; i++) {
		struct br_fts_group *g = &words.v[i], *old;
		if (g->flags & BR_TOK_WHOLE)
			whole_end = BR_MAX(whole_end, g->off + g->len);
		if (!settle_kind(g, whole_end)) {
			group_release(g);
		} else if ((old = index_find(&x, q, g, (uint32_t)q->groups.n))) {
			old->count++;
			group_release(g);
		} else {
			*br_vec_push(&q->groups) = *g;
		}
	}
	free(x.slot);
	br_vec_release(&words);
}

/* ---- weights ---- */

static int resolve_group(struct br_fts_group *g, struct br_txn *t, uint32_t nb, uint64_t chunks, struct br_err *err)
{
	uint64_t df = 0;
	for (size_t i = 0; i < g->alts.n; i++) {
		struct br_fts_alt *a = &g->alts.v[i];
		struct br_fts__place at = { nb, br_slice(a->term, a->len) };
		struct br_fts__list l;
		int rc = br_fts__list_get(&l, t, &at, err);
		if (rc < 0)
			return rc;
		a->df = rc ? l.df : 0;
		df += a->df;
	}
	g->df = (uint32_t)BR_MIN(df, chunks);
	g->idf = (float)log(1 + ((double)chunks - g->df + 0.5) / (g->df + 0.5));
	return 0;
}

/* MUST and NOT are what was asked for expressly; of the rest the most frequent say least. Equal ones go from the end. */
static bool goes_first(const struct br_fts_group *a, const struct br_fts_group *b)
{
	if ((a->kind == BR_GROUP_SHOULD) != (b->kind == BR_GROUP_SHOULD))
		return a->kind == BR_GROUP_SHOULD;
	return a->df > b->df || (a->df == b->df && a > b);
}

static int by_going(const void *a, const void *b)
{
	const struct br_fts_group *x = *(struct br_fts_group *const *)a, *y = *(struct br_fts_group *const *)b;
	return goes_first(x, y) ? -1 : goes_first(y, x);
}

static void limit_groups(struct br_fts_query *q, size_t max)
{
	size_t over = q->groups.n > max ? q->groups.n - max : 0, n = 0;
	if (!over)
		return;
	struct br_fts_group **order = br_allocn(q->groups.n, sizeof *order);
	for (size_t i = 0; i < q->groups.n; i++)
		order[i] = &q->groups.v[i];
	qsort(order, q->groups.n, sizeof *order, by_going);
	for (size_t i = 0; i < over; i++)
		group_release(order[i]);
	free(order);
	for (size_t i = 0; i < q->groups.n; i++)
		if (q->groups.v[i].alts.v)
			q->groups.v[n++] = q->groups.v[i];
	q->groups.n = n;
}

int br_fts_resolve(struct br_fts_query *q, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_fts_stats stats;
	int rc = br_fts_stats(&stats, t, nb, err);
	if (rc < 0)
		return rc;
	q->chunks = stats.chunks;
	q->avg_len = stats.chunks ? (double)stats.tokens / (double)stats.chunks : 0;
	for (size_t i = 0; rc == 0 && i < q->groups.n; i++)
		rc = resolve_group(&q->groups.v[i], t, nb, q->chunks, err);
	if (rc == 0)
		limit_groups(q, BR_MAX_QUERY_TERMS);
	return rc;
}
