/*
 * Answers without a language model: the sentences that say most about the question, quoted exactly, each with where it stands.
 */
#include "internal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

static const double W_ABOVE = 0.4, W_NEAR = 0.4, W_RANK = 0.4;  /* beside the share of words in the sentence itself */
static const double SHORT = 0.6, ASKS = 0.6, CODE = 0.75, NOTES = 0.8, LONG = 0.001, BEHIND_QUESTION = 0.2;
static const double FURTHER = 0.75, FURTHER_NEW = 0.5, SAME = 0.7; /* of the best score; overlap from which two say the same */
enum { SHORT_BYTES = 25, LONG_BYTES = 300 };

/* ---- what to say when there is nothing ---- */

const char *br_answer__nothing_found(const char *language, const char *question)
{
	static const struct { const char *lang, *text; } say[] = {
		{ "en", "Nothing in this notebook answers that." },
		{ "de", "In diesem Notizbuch steht darauf keine Antwort." },
		{ "es", "En este cuaderno no hay respuesta a eso." },
		{ "fr", "Rien dans ce carnet ne répond à cela." },
		{ "it", "In questo quaderno non c'è una risposta." },
		{ "pt", "Nada neste caderno responde a isso." },
		{ "nl", "Niets in dit notitieboek geeft daar antwoord op." },
		{ "ru", "В этом блокноте нет ответа на этот вопрос." },
		{ "zh", "此笔记本中没有相关答案。" },
		{ "ja", "このノートブックには答えがありません。" },
	};
	const char *want = language ? language : br_guess_lang(br_slice_str(question));

	for (size_t i = 0; i < BR_COUNT(say); i++)
		if (!strcmp(say[i].lang, want))
			return say[i].text;
	return say[0].text;
}

/* ---- where a quote stands ---- */

static uint32_t newlines(const char *p, size_t n)
{
	uint32_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += p[i] == '\n';
	return k;
}

/* The lines of the quote itself where lines of the text are lines of the source; else those of the passage. */
void br_answer__cite_range(struct br_citation *c, struct br_arena *a, const struct br_found *f, uint32_t off, uint32_t len)
{
	uint32_t before = newlines(f->text, off), within = newlines(f->text + off, len);
	bool exact = f->line && f->line_end - f->line == newlines(f->text, strlen(f->text));

	*c = (struct br_citation){ .path = br_arena_strdup(a, f->path), .title = br_arena_strdup(a, f->title), .doc_id = br_arena_strdup(a, f->doc_id),
		.line = f->line + (exact ? before : 0), .line_end = exact ? f->line + before + within : f->line_end, .page = f->page,
		.ordinal = f->ordinal, .quote = br_arena_strndup(a, f->text + off, len), .score = f->score,
		.cosine = isnan(f->cosine) ? 0 : f->cosine, .stale = f->stale };
}

/* ---- scores of units ---- */

/* Notes of the text's own, "[1]", which would read as ours. */
static bool has_notes(const char *p, size_t n)
{
	for (size_t i = 0; i + 2 < n; i++)
		if (p[i] == '[' && isdigit((unsigned char)p[i + 1]))
			return true;
	return false;
}

static double score_unit(struct inquiry *q, const struct passage *p, const struct unit *u)
{
	const struct br_found *f = &q->r.hit[u->hit];
	double own = br_answer__share(q, u->words), with = br_answer__share(q, u->words | p[u->hit].above), top = q->r.hit[0].score;
	double score = own + W_ABOVE * (with - own) + W_RANK * (top > 0 ? BR_MAX(0.0, f->score / top) : 0);

	score += W_NEAR * q->gain * br_answer__closeness(q, br_slice(f->text + u->off, u->len));
	if (u->len < SHORT_BYTES)
		score *= SHORT;
	if (u->len > LONG_BYTES)
		score *= 1 - LONG * (u->len - LONG_BYTES);
	if (u->asks)
		score *= ASKS;
	if (has_notes(f->text + u->off, u->len))
		score *= NOTES;
	return u->code ? score * CODE : score;
}

void br_answer__score_units(struct inquiry *q, const struct passage *p, units *u)
{
	for (size_t i = 0; i < u->n; i++) {
		u->v[i].score = score_unit(q, p, &u->v[i]);
		if (i && u->v[i - 1].asks && u->v[i - 1].hit == u->v[i].hit) /* the answer in a list of questions */
			u->v[i].score += BEHIND_QUESTION * br_answer__share(q, u->v[i - 1].words);
	}
}

/* ---- choosing ---- */

struct words { uint64_t *h; size_t n; };

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static struct words distinct_words(struct inquiry *q, const struct unit *u)
{
	const struct br_tokens *t = br_tokenize_exact(q->tok, br_slice(q->r.hit[u->hit].text + u->off, u->len));
	struct words w = { br_allocn(t->v.n + 1, sizeof *w.h), 0 };
	size_t n = 0;

	for (size_t i = 0; i < t->v.n; i++)
		w.h[w.n++] = br_hash64(t->v.v[i].term, t->v.v[i].term_len);
	qsort(w.h, w.n, sizeof *w.h, by_value);
	for (size_t i = 0; i < w.n; i++)
		if (!n || w.h[n - 1] != w.h[i])
			w.h[n++] = w.h[i];
	w.n = n;
	return w;
}

/* Share of the shorter one's words that the other has. */
static double overlap(const struct words *a, const struct words *b)
{
	size_t i = 0, j = 0, both = 0, least = BR_MIN(a->n, b->n);

	while (i < a->n && j < b->n) {
		if (a->h[i] == b->h[j]) {
			both++;
			i++;
			j++;
		} else if (a->h[i] < b->h[j])
			i++;
		else
			j++;
	}
	return least ? (double)both / (double)least : 1;
}

struct choice {
	struct unit **u;
	struct words *words;
	size_t n;
	uint64_t covered;
};

static bool worth_adding(struct inquiry *q, const struct choice *c, const struct unit *u, const struct words *w)
{
	double best = c->n ? c->u[0]->score : 0, news = br_answer__share(q, u->words & ~c->covered);

	if (c->n && u->score < best * (news > 0.05 ? FURTHER_NEW : FURTHER))
		return false;
	if (c->n && u->asks)
		return false;
	for (size_t i = 0; i < c->n; i++)
		if (overlap(w, &c->words[i]) >= SAME)
			return false;
	return true;
}

static struct unit *best_left(units *u, const bool *done, size_t *at)
{
	struct unit *best = NULL;

	for (size_t i = 0; i < u->n; i++) {
		if (!done[i] && u->v[i].score > 0 && (!best || u->v[i].score > best->score)) {
			best = &u->v[i];
			*at = i;
		}
	}
	return best;
}

static void choose(struct choice *c, struct inquiry *q, units *u, size_t most)
{
	bool *done = br_allocn(u->n + 1, sizeof *done);
	struct unit *next;
	size_t at = 0, looks = 0;

	c->u = br_allocn(most + 1, sizeof *c->u);
	c->words = br_allocn(most + 1, sizeof *c->words);
	while (c->n < most && looks++ < 8 * most && (next = best_left(u, done, &at))) {
		struct words w = distinct_words(q, next);
		done[at] = true;
		if (worth_adding(q, c, next, &w)) {
			c->u[c->n] = next;
			c->words[c->n++] = w;
			c->covered |= next->words;
		} else {
			free(w.h);
		}
	}
	free(done);
}

static void choice_release(struct choice *c)
{
	while (c->n)
		free(c->words[--c->n].h);
	free(c->words);
	free(c->u);
}

/* Passages in the order of their best sentence, sentences of one in the order in which they stand. */
static void reading_order(struct choice *c)
{
	for (size_t i = 0; i < c->n; i++) {
		size_t from = i, to = i + 1;
		for (size_t k = i + 1; k < c->n; k++) {
			struct unit *u = c->u[k];
			if (u->hit != c->u[from]->hit)
				continue;
			memmove(&c->u[to + 1], &c->u[to], (k - to) * sizeof *c->u);
			c->u[to] = u;
			for (size_t b = to++; b > from && c->u[b - 1]->off > c->u[b]->off; b--) {
				struct unit *swap = c->u[b];
				c->u[b] = c->u[b - 1];
				c->u[b - 1] = swap;
			}
		}
		i = to - 1;
	}
}

/* ---- writing ---- */

static void add_quote(struct br_buf *out, const struct br_citation *c, bool code)
{
	bool space = false;

	if (code)
		br_buf_adds(out, c->quote);
	for (const char *p = c->quote; *p && !code; p++) {
		bool blank = isspace((unsigned char)*p);
		if (!blank)
			br_buf_addc(out, *p);
		else if (!space)
			br_buf_addc(out, ' ');
		space = blank;
	}
	br_buf_addf(out, " [%u]", c->n);
}

int br_answer__write_quotes(struct br_reply *out, const struct inquiry *q, struct unit *const *u, size_t n, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_REPLY);
	int rc;

	out->cite = br_arena_zalloc(&out->arena, (n + 1) * sizeof *out->cite);
	for (size_t i = 0; i < n; i++) {
		struct br_citation *to = &out->cite[i];
		br_answer__cite_range(to, &out->arena, &q->r.hit[u[i]->hit], u[i]->off, u[i]->len);
		to->n = (uint32_t)i + 1;
		to->cited = true;
		if (i)
			br_buf_addc(&text, '\n');
		add_quote(&text, to, u[i]->code);
	}
	out->n = n;
	rc = br_buf_check(&text, "the answer", err);
	out->text = br_arena_strndup(&out->arena, text.ptr, text.len);
	br_buf_release(&text);
	return rc;
}

int br_answer__quote_answer(struct br_reply *out, struct inquiry *q, const struct br_answer_opts *opts, struct br_err *err)
{
	struct passage p[ANSWER_LOOK];
	struct choice c = { 0 };
	units u = { 0 };
	int rc = 0;

	for (uint32_t i = 0; i < q->r.n && i < ANSWER_LOOK; i++)
		br_answer__cut_passage(&u, &p[i], q, i);
	out->support = br_answer__support(q, p, &u);
	if (out->support >= 0 && u.n) {
		br_answer__score_units(q, p, &u);
		choose(&c, q, &u, opts->sentences);
		reading_order(&c);
		rc = br_answer__write_quotes(out, q, c.u, c.n, err);
		out->found = c.n > 0;
		choice_release(&c);
	}
	br_vec_release(&u);
	return rc;
}
