/*
 * Whether passages support an answer: a linear score, found from 0 on. The features and their weights were fitted on half of the
 * questions of five judged sets in English, German, Spanish, Russian and Chinese and of the questions about documentation in
 * tests/data, asked of notebooks of 8 to 28,000 passages with and without the paragraphs that answer them, and checked on the other
 * half:
 *   sentence  the best share of the question's weight in one sentence with its title and headings
 *   bm25      of the best passage, as a share of what the question could have at most
 *   known     weight of the words found in the passage that has most, a word that stands once being 1: many rare words are better
 *             evidence than one
 *   loose     share of weight in a passage when words may differ in their ends
 *   cjk       share of weight that is bigrams: those across two words are rarely found again
 *   cosine    of the nearest passage, as far as the model is trusted with the question
 */
#include "internal.h"

#include <math.h>

static const double W_SENTENCE = 3.2, W_BM25 = 8.5, W_KNOWN = 3.0, W_LOOSE = 4.5, W_CJK = 1.05, W_COSINE = 5.7, FAR = 0.75;
static const double ENOUGH = 6.9;
enum { LOOSE_PASSAGES = 3 };

static double cjk_share(const struct inquiry *q)
{
	uint64_t words = 0;

	for (size_t g = 0; g < q->terms.words.groups.n && g < 64; g++)
		if (q->terms.words.groups.v[g].flags & BR_TOK_CJK)
			words |= 1ull << g;
	return br_answer__share(q, words);
}

static double best_sentence(const struct inquiry *q, const struct passage *p, const units *u)
{
	double best = 0;

	for (size_t i = 0; i < u->n; i++)
		best = BR_MAX(best, br_answer__share(q, u->v[i].words | p[u->v[i].hit].above));
	return best;
}

double br_answer__support(const struct inquiry *q, const struct passage *p, const units *u)
{
	double bm25 = 0, known = 0, loose = 0, cosine = 0, nearness = 0;

	if (!q->r.n || q->all <= 0)
		return -ENOUGH;
	for (size_t i = 0; i < q->r.n && i < ANSWER_LOOK; i++) {
		const struct br_found *f = &q->r.hit[i];
		bm25 = BR_MAX(bm25, br_answer__bm25(q, f, p[i].words) / q->all);
		known = BR_MAX(known, br_answer__weight_of(q, p[i].words));
		if (i < LOOSE_PASSAGES)
			loose = BR_MAX(loose, p[i].loose);
		if (!isnan(f->cosine))
			cosine = BR_MAX(cosine, f->cosine);
	}
	if (cosine > 0)
		nearness = q->gain * W_COSINE * (cosine - FAR);
	return W_SENTENCE * best_sentence(q, p, u) + W_BM25 * bm25 + W_KNOWN * log(1 + known / q->once) + W_LOOSE * loose + W_CJK * cjk_share(q) +
	       nearness - ENOUGH;
}
