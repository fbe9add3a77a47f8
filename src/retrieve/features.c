/*
 * Features of the rerank step, each between 0 and 1:
 *   title: idf-weighted share of the question's distinct words that stand in title, file name or heading path;
 *   pairs: share of the question's neighbouring words (weighted by the lesser idf) that stand at most PAIR_DISTANCE words apart;
 *   about: cosine of the question with title and heading path, which name in few words what a page is about.
 */
#include "internal.h"

#include <stdlib.h>

enum { PAIR_DISTANCE = 2 };

/* Tokens of text of which only those are told apart that may be words of the question. */
const struct br_tokens *question_words(struct search *s, struct br_slice text)
{
	const struct br_tokens *out;
	uint32_t letters = 0;

	for (size_t g = 0; g < s->words.groups.n; g++)
		for (size_t i = 0; i < s->words.groups.v[g].alts.n; i++) {
			char c = s->words.groups.v[g].alts.v[i].term[0];
			letters |= c >= 'a' && c <= 'z' ? 1u << (c - 'a') : 0;
		}
	br_tokenizer_letters(s->s->tok, letters);
	out = br_tokenize(s->s->tok, text);
	br_tokenizer_letters(s->s->tok, UINT32_MAX);
	return out;
}

static bool is_word(const struct br_fts_group *g) { return !(g->flags & BR_TOK_WHOLE); }

/* ---- title ---- */

static void mark(struct search *s, struct br_slice text, bool *seen)
{
	const struct br_tokens *tok = question_words(s, text);

	for (size_t i = 0; i < tok->v.n; i++)
		for (size_t g = 0; g < s->words.groups.n; g++)
			seen[g] = seen[g] || group_has(&s->words.groups.v[g], &tok->v.v[i]);
}

double title_share(struct search *s, const struct cand *c)
{
	bool seen[BR_MAX_QUERY_TERMS] = { false };
	double have = 0, all = 0;

	br_tokenizer_lang(s->s->tok, c->doc->lang);
	mark(s, br_slice_str(c->doc->title), seen);
	mark(s, br_doc_name(c->doc), seen);
	mark(s, c->rec.heading, seen);
	for (size_t g = 0; g < s->words.groups.n; g++) {
		const struct br_fts_group *w = &s->words.groups.v[g];
		if (!is_word(w))
			continue;
		all += (double)w->idf;
		have += seen[g] ? (double)w->idf : 0;
	}
	return all > 0 ? have / all : 0;
}

/* ---- pairs ---- */

struct pair { size_t a, b; float weight; bool found; };

/* Neighbouring words of the question, in its order. */
static size_t list_pairs(const struct search *s, struct pair *out)
{
	const struct br_fts_group *prev = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->words.groups.n; i++) {
		const struct br_fts_group *g = &s->words.groups.v[i];
		if (!is_word(g))
			continue;
		if (prev)
			out[n++] = (struct pair){ (size_t)(prev - s->words.groups.v), i, BR_MIN(prev->idf, g->idf), false };
		prev = g;
	}
	return n;
}

/* group_at[i]: which group the i-th word of the chunk belongs to, SIZE_MAX none. */
static size_t groups_of_words(struct search *s, const struct br_tokens *tok, uint16_t *at)
{
	size_t n = 0;

	for (size_t i = 0; i < tok->v.n; i++) {
		const struct br_token *k = &tok->v.v[i];
		if (k->flags & BR_TOK_WHOLE)
			continue;
		at[n] = UINT16_MAX;
		for (size_t g = 0; g < s->words.groups.n && at[n] == UINT16_MAX; g++)
			if (is_word(&s->words.groups.v[g]) && group_has(&s->words.groups.v[g], k))
				at[n] = (uint16_t)g;
		n++;
	}
	return n;
}

static bool near(const uint16_t *at, size_t n, const struct pair *p)
{
	for (size_t i = 0; i < n; i++) {
		if (at[i] != p->a)
			continue;
		for (size_t d = 1; d <= PAIR_DISTANCE; d++)
			if ((i + d < n && at[i + d] == p->b) || (i >= d && at[i - d] == p->b))
				return true;
	}
	return false;
}

static bool may_have(const struct cand *c, size_t group) { return group >= 64 || (c->matched >> group & 1); }

double pair_bound(const struct search *s, const struct cand *c)
{
	struct pair pair[BR_MAX_QUERY_TERMS];
	size_t n = list_pairs(s, pair);
	double have = 0, all = 0;

	for (size_t i = 0; i < n; i++) {
		all += (double)pair[i].weight;
		if (may_have(c, pair[i].a) && may_have(c, pair[i].b))
			have += (double)pair[i].weight;
	}
	return all > 0 ? have / all : 0;
}

double pair_share(struct search *s, const struct cand *c)
{
	struct pair pair[BR_MAX_QUERY_TERMS];
	size_t n_pairs = list_pairs(s, pair), n;
	const struct br_tokens *tok;
	double have = 0, all = 0;
	uint16_t *at;

	if (!n_pairs)
		return 0;
	br_tokenizer_lang(s->s->tok, c->doc->lang);
	tok = question_words(s, c->text);
	at = br_allocn(tok->v.n + 1, sizeof *at);
	n = groups_of_words(s, tok, at);
	for (size_t i = 0; i < n_pairs; i++) {
		all += (double)pair[i].weight;
		if (near(at, n, &pair[i]))
			have += (double)pair[i].weight;
	}
	free(at);
	return all > 0 ? have / all : 0;
}

/* ---- about ---- */

double about_cosine(struct search *s, const struct cand *c)
{
	const struct br_slice part[] = { br_slice_str(c->doc->title), c->rec.heading };
	struct br_embedding *v = &s->s->vec;
	int32_t dot;

	if (!s->has_vec || s->service) /* a service would have to be asked for each heading */
		return 0;
	br_embed(v, s->s->embedder, part, BR_COUNT(part));
	if (v->scale == 0)
		return 0;
	br_dot_scalar(&dot, v->code, 1, s->nb->dim, s->vec.code);
	return BR_MAX(0.0, (double)dot * (double)v->scale * s->vec.scale);
}
