/*
 * hybrid - the default, in two steps. Constants are from the flat middle of their curves over many test sets.
 *   1. union of both lists: f = BM25 / max + weight * gain * z, where z = (cosine - mean) / sigma over every chunk that may be a hit.
 *      gain says how far the model is trusted with this question: with words it does not know it keeps silent.
 *   2. the best RERANK_LEN: f + 0.3 * title + 0.2 * pairs + 0.3 * gain * about (features.c) + 0.05 * ln(number of candidates of the
 *      same document): a page that speaks of the matter in many places is more likely about it.
 *   3. a document's second passage ranks 0.15 lower, its third 0.30 ...: one page does not crowd out the others.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

static const double W_MEANING = 0.10, W_MEANING_SERVICE = 0.20, W_TITLE = 0.30, W_PAIRS = 0.20, W_ABOUT = 0.30, W_MANY = 0.05, CROWDING = 0.15;
static const double NEAR_COSINE = 0.2; /* texts that have nothing to do with each other stay below this with the built-in model */
static const double NEAR_Z = 2.5;      /* of services: their cosines have no common zero, so that sigmas above the mean are counted */

static double weight(double asked, double own) { return asked > 0 ? asked * own : own; }

static void step1(struct search *s)
{
	double lex = weight(s->opts->full_text_weight, 1.0), sem = weight(s->opts->semantic_weight, s->service ? W_MEANING_SERVICE : W_MEANING) * s->gain;
	double max = s->lexical.n ? (double)s->lexical.h[0].score : 0;

	for (size_t i = 0; i < s->cand.n; i++) {
		struct cand *c = &s->cand.v[i];
		c->f_lex = max > 0 ? lex * (double)c->bm25 / max : 0;
		c->f_sem = !isnan(c->cosine) && s->ann.sigma > 0 ? sem * ((double)c->cosine - s->ann.mean) / s->ann.sigma : 0;
		c->score = c->f_lex + c->f_sem;
	}
}

static int by_doc(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Documents of all candidates, which are still in order of their chunks; sorted, one entry a candidate. */
static int list_docs(uint32_t **out, struct search *s, struct br_err *err)
{
	size_t n = s->cand.n;
	uint32_t *doc = br_arena_alloc(&s->scratch, (n + 1) * sizeof *doc), *chunk = br_arena_alloc(&s->scratch, (n + 1) * sizeof *chunk);
	int rc;

	for (size_t i = 0; i < n; i++)
		chunk[i] = s->cand.v[i].chunk;
	rc = br_chunk_docs(doc, s->t, s->nb->nb, chunk, n, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		s->cand.v[i].rec.doc = doc[i];
	qsort(doc, n, sizeof *doc, by_doc);
	*out = doc;
	return rc;
}

static size_t count_doc(const uint32_t *sorted, size_t n, uint32_t doc)
{
	size_t lo = 0, hi = n, k = 0;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (sorted[mid] < doc)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo + k < n && sorted[lo + k] == doc)
		k++;
	return k;
}

static bool is_near(const struct search *s, const struct cand *c)
{
	if (!(c->f_sem > 0))
		return false;
	return s->service ? ((double)c->cosine - s->ann.mean) / s->ann.sigma >= NEAR_Z : (double)c->cosine >= NEAR_COSINE;
}

/*
 * A passage that has no word of the question, or only "of" and "the", is a hit only if its meaning is near: nearer than that of most passages, and near
 * enough at all. Else a question about something that the notebook does not have would be answered with whatever it has.
 */
static void drop_unrelated(struct search *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->cand.n; i++) {
		const struct cand *c = &s->cand.v[i];
		if ((c->matched & s->content) || is_near(s, c))
			s->cand.v[n++] = *c;
	}
	s->cand.n = n;
}

/* What is known of a candidate without its text. */
static int step2_without_text(struct search *s, size_t n, const uint32_t *docs, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct cand *c = &s->cand.v[i];
		if ((rc = load_cand(s, c, false, err)) < 0)
			break;
		c->f_title = W_TITLE * title_share(s, c);
		c->f_about = W_ABOUT * s->gain * about_cosine(s, c);
		c->f_many = W_MANY * log((double)count_doc(docs, s->cand.n, c->rec.doc));
		c->score += c->f_title + c->f_about + c->f_many;
	}
	return rc;
}

/*
 * A score that so many documents have a passage at or above as will be shown, whatever pairs still add: the first passage of a
 * document never pays for crowding. Half as many again as asked for, since near-identical hits are folded.
 */
static double text_bar(const struct search *s, size_t n)
{
	size_t want = s->opts->top + s->opts->top / 2, docs = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (k < i && s->cand.v[k].rec.doc != s->cand.v[i].rec.doc)
			k++;
		docs += k == i;
		if (docs == want)
			return s->cand.v[i].score;
	}
	return -INFINITY;
}

/* The text is read only of candidates that pairs can lift to the bar. */
static int step2(struct search *s, const uint32_t *docs, struct br_err *err)
{
	size_t n = BR_MIN(s->cand.n, (size_t)RERANK_LEN);
	int rc = step2_without_text(s, n, docs, err);
	double bar;

	if (rc < 0)
		return rc;
	sort_cands(s, false);
	bar = text_bar(s, n);
	for (size_t i = 0; i < n; i++) {
		struct cand *c = &s->cand.v[i];
		double bound = W_PAIRS * pair_bound(s, c);
		if (bound <= 0 || c->score + bound < bar)
			continue;
		if ((rc = load_cand(s, c, true, err)) < 0)
			return rc;
		c->f_pairs = W_PAIRS * pair_share(s, c);
		c->score += c->f_pairs;
	}
	return 0;
}

/* Best first; each passage behind a better one of its document pays for it. */
static void step3(struct search *s)
{
	size_t n = BR_MIN(s->cand.n, (size_t)RERANK_LEN);

	sort_cands(s, false);
	for (size_t i = n; i-- > 0;) {
		size_t before = 0;
		for (size_t k = 0; k < i; k++)
			before += s->cand.v[k].rec.doc == s->cand.v[i].rec.doc;
		s->cand.v[i].f_crowding = -CROWDING * (double)before;
		s->cand.v[i].score += s->cand.v[i].f_crowding;
	}
}

int rank_hybrid(struct search *s, struct br_err *err)
{
	uint32_t *docs;
	int rc;

	if ((rc = find_lexical(s, err)) < 0 || (s->gain > 0 && (rc = find_semantic(s, err)) < 0) || (rc = merge_lists(s, err)) < 0)
		return rc;
	step1(s);
	drop_unrelated(s);
	if ((rc = list_docs(&docs, s, err)) < 0)
		return rc;
	sort_cands(s, false);
	if (!s->words.groups.n || (rc = step2(s, docs, err)) < 0)
		return rc;
	step3(s);
	return 0;
}
