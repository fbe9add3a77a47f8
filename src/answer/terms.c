/*
 * A question against its passages: which of its words a text has, how much they weigh, and how near a text is in meaning.
 */
#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_word(const struct br_fts_group *g) { return !(g->flags & BR_TOK_WHOLE); }

static size_t groups_of(const struct inquiry *q) { return BR_MIN(q->terms.words.groups.n, (size_t)64); }

static bool group_has(const struct br_fts_group *g, const struct br_token *t)
{
	for (size_t i = 0; i < g->alts.n; i++)
		if (g->alts.v[i].len == t->term_len && !memcmp(g->alts.v[i].term, t->term, t->term_len))
			return true;
	return false;
}

static void embed_question(struct inquiry *q)
{
	struct br_slice text = br_buf_slice(&q->terms.plain);
	uint32_t dim = br_model_info(q->ws->model)->dim;
	struct br_embedding v;

	q->gain = BR_MIN(BR_MAX((q->r.fit - 0.4) / 0.3, 0.0), 1.0); /* as hybrid trusts the model */
	if (q->gain <= 0 || !text.len)
		return;
	br_embed(&v, q->embedder, &text, 1);
	q->scale = (double)v.scale;
	for (uint32_t i = 0; i < dim; i++)
		q->vec[i] = v.code[i];
}

/* Only words that begin as one of the question does need their stems. */
static void want_letters(struct inquiry *q)
{
	uint32_t letters = 0;

	for (size_t g = 0; g < groups_of(q); g++)
		for (size_t i = 0; i < q->terms.words.groups.v[g].alts.n; i++) {
			char c = q->terms.words.groups.v[g].alts.v[i].term[0];
			letters |= c >= 'a' && c <= 'z' ? 1u << (c - 'a') : 0;
		}
	br_tokenizer_letters(q->tok, letters);
}

static double idf(double n, double df) { return log(1 + (n - df + 0.5) / (df + 0.5)); }

/* How it is asked, beside function words: "how long does it take", "how does it work". Where they stand nowhere they say nothing. */
static bool is_frame(struct br_slice word)
{
	static const char list[] = " long take takes took work works working happen happens happened mean means explain describe tell know find get gets use used need "
		"needs want many much often old big far give show name names called look looks like kind type sort exactly please help "
		"dauert lange funktioniert funktionieren bedeutet passiert heißt erkläre nenne zeige brauche viel viele oft genau "
		"tarda funciona funcionan significa pasa explica dime cuánto tiempo hace falta "
		"dure fonctionne fonctionnent signifie marche explique temps prend faut "
		"dura funziona significa succede spiega tempo vuole demora acontece explique leva "
		"duurt werkt betekent gebeurt lang длится работает работают значит происходит занимает объясни долго ";
	char needle[48];

	if (word.len > sizeof needle - 3)
		return false;
	snprintf(needle, sizeof needle, " %.*s ", (int)word.len, word.ptr);
	br_utf8_lower(needle, strlen(needle));
	return strstr(list, needle) != NULL;
}

/*
 * In a notebook of a few passages a word that stands in all of them would weigh nothing, and whatever else is in the question would
 * drown it: words weigh as if there were FEW passages. A word that stands nowhere weighs as much as one that stands once, since in a
 * small notebook it tells little that it is missing.
 */
static void weigh_words(struct inquiry *q)
{
	enum { FEW = 8 };
	static const float FRAME_WEIGHT = 0.1f;
	struct br_fts_query *words = &q->terms.words;
	double n = BR_MAX((double)words->chunks, 1.0), as_if = BR_MAX(n, (double)FEW);

	q->once = idf(as_if, 1);
	for (size_t g = 0; g < words->groups.n; g++) {
		struct br_fts_group *w = &words->groups.v[g];
		double df = BR_MIN((double)w->df, n);
		if (g < 64)
			q->retrieved[g] = w->idf;
		w->idf *= (float)(idf(as_if, BR_MAX(df, 1.0)) / idf(n, df));
		if (!w->df && is_frame(br_slice(q->terms.plain.ptr + w->off, w->len)))
			w->idf *= FRAME_WEIGHT;
	}
}

/* Retrieval's score of a passage with these words, had it weighed words as they are weighed here. */
double br_answer__bm25(const struct inquiry *q, const struct br_found *f, uint64_t words)
{
	double sum = 0;

	for (size_t g = 0; g < groups_of(q); g++)
		if ((words >> g & 1) && is_word(&q->terms.words.groups.v[g]))
			sum += q->retrieved[g];
	return sum > 0 ? f->bm25 * br_answer__weight_of(q, words) / sum : f->bm25;
}

int br_answer__inquiry_make(struct inquiry *q, struct br_searcher *s, const char *question, const struct br_query_opts *opts, struct br_err *err)
{
	int rc;

	q->s = s;
	q->ws = br_searcher_workspace(s);
	if ((rc = br_retrieve(&q->r, s, question, opts, err)) < 0 || (rc = br_terms_read(&q->terms, s, question, opts, err)) < 0)
		return rc;
	weigh_words(q);
	q->tok = br_tokenizer_new();
	q->embedder = br_embedder_new(q->ws->model);
	want_letters(q);
	embed_question(q);
	q->all = br_answer__weight_of(q, UINT64_MAX);
	return 0;
}

void br_answer__inquiry_release(struct inquiry *q)
{
	br_terms_release(&q->terms);
	br_result_release(&q->r);
	br_tokenizer_free(q->tok);
	br_embedder_free(q->embedder);
	q->tok = NULL;
	q->embedder = NULL;
}

double br_answer__weight_of(const struct inquiry *q, uint64_t words)
{
	double sum = 0;

	for (size_t g = 0; g < groups_of(q); g++)
		if ((words >> g & 1) && is_word(&q->terms.words.groups.v[g]))
			sum += (double)q->terms.words.groups.v[g].idf;
	return sum;
}

double br_answer__share(const struct inquiry *q, uint64_t words)
{
	return q->all > 0 ? br_answer__weight_of(q, words) / q->all : 0;
}

uint64_t br_answer__words_of_token(const struct inquiry *q, const struct br_token *t)
{
	uint64_t words = 0;

	for (size_t g = 0; g < groups_of(q); g++)
		if (group_has(&q->terms.words.groups.v[g], t))
			words |= 1ull << g;
	return words;
}

uint64_t br_answer__words_of(struct inquiry *q, const char *lang, struct br_slice text)
{
	const struct br_tokens *t;
	uint64_t words = 0;

	br_tokenizer_lang(q->tok, lang);
	t = br_tokenize(q->tok, text);
	for (size_t i = 0; i < t->v.n; i++)
		words |= br_answer__words_of_token(q, &t->v.v[i]);
	return words;
}

uint64_t br_answer__words_above(struct inquiry *q, const struct br_found *f)
{
	uint64_t words = br_answer__words_of(q, f->lang, br_slice_str(f->title));

	for (const char *const *h = f->heading; h && *h; h++)
		words |= br_answer__words_of(q, f->lang, br_slice_str(*h));
	return words;
}

double br_answer__closeness(struct inquiry *q, struct br_slice text)
{
	struct br_embedding v;
	int32_t dot;

	if (q->scale <= 0)
		return 0;
	br_embed(&v, q->embedder, &text, 1);
	if (v.scale <= 0)
		return 0;
	br_dot_scalar(&dot, v.code, 1, br_model_info(q->ws->model)->dim, q->vec);
	return BR_MAX(0.0, (double)dot * (double)v.scale * q->scale);
}

/* ---- words that differ in their ends ---- */

enum { LOOSE_ASCII = 4, LOOSE_OTHER = 8 }; /* bytes that must be the same at the beginning */
static const double LOOSE_SHARE = 0.5, LOOSE_WORTH = 0.8;

static double same_beginning(const struct br_fts_group *g, const struct br_token *t)
{
	double best = 0;

	for (size_t i = 0; i < g->alts.n; i++) {
		const struct br_fts_alt *a = &g->alts.v[i];
		size_t k = 0, n = BR_MAX(a->len, t->term_len);
		while (k < a->len && k < t->term_len && a->term[k] == t->term[k])
			k++;
		if (k >= ((unsigned char)a->term[0] >= 0x80 ? LOOSE_OTHER : LOOSE_ASCII))
			best = BR_MAX(best, (double)k / (double)n);
	}
	return best;
}

/* Share of the question's weight where a missing word counts in part when one that begins alike is there. */
double br_answer__loose_share(const struct inquiry *q, const struct br_tokens *t, uint64_t have)
{
	double sum = br_answer__weight_of(q, have);

	for (size_t g = 0; g < groups_of(q); g++) {
		const struct br_fts_group *w = &q->terms.words.groups.v[g];
		double best = 0;
		if ((have >> g & 1) || !is_word(w))
			continue;
		for (size_t i = 0; i < t->v.n; i++)
			best = BR_MAX(best, same_beginning(w, &t->v.v[i]));
		if (best >= LOOSE_SHARE)
			sum += LOOSE_WORTH * best * (double)w->idf;
	}
	return q->all > 0 ? sum / q->all : 0;
}
