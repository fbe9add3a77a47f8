/*
 * From ranked candidates to the result: order by path where scores are equal, one hit for near-identical passages, copies of
 * everything that is shown.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

/* ---- near-identical passages: bottom-k sketches of hashed word runs ---- */

enum { SKETCH = 48, RUN_WORDS = 4, FOLD_LOOKBACK = 64 };
static const double SAME = 0.8; /* estimated Jaccard similarity from which two passages are one hit */
static const double NEAR_FROM = 0.2, NEAR_TO = 0.7; /* cosines of the built-in model */
/* Documents that are so alike are versions of one text: there, passages are one hit from a lesser similarity on. */
static const double SAME_DOC = 0.9, SAME_IN_VERSIONS = 0.6;

struct sketch { uint64_t h[SKETCH]; uint32_t n; };

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void make_sketch(struct sketch *out, struct search *s, struct br_slice text)
{
	const struct br_tokens *tok = br_tokenize_exact(s->s->tok, text);
	size_t n = tok->v.n >= RUN_WORDS ? tok->v.n - RUN_WORDS + 1 : tok->v.n ? 1 : 0;
	uint64_t *h = br_allocn(n + 1, sizeof *h);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t run = 0;
		for (size_t w = i; w < tok->v.n && w < i + RUN_WORDS; w++)
			run = (run ^ br_hash64(tok->v.v[w].term, tok->v.v[w].term_len)) * 0x9e3779b97f4a7c15u;
		h[i] = run ^ run >> 31;
	}
	qsort(h, n, sizeof *h, by_value);
	for (size_t i = 0; i < n; i++)
		if (!k || h[i] != h[k - 1])
			h[k++] = h[i];
	out->n = (uint32_t)BR_MIN(k, (size_t)SKETCH);
	memcpy(out->h, h, out->n * sizeof *h);
	free(h);
}

static double similarity(const struct sketch *a, const struct sketch *b)
{
	uint32_t i = 0, j = 0, both = 0, taken = 0, want = BR_MIN(BR_MAX(a->n, b->n), (uint32_t)SKETCH);

	if (!a->n || !b->n)
		return 0;
	for (; taken < want && (i < a->n || j < b->n); taken++) {
		if (i < a->n && j < b->n && a->h[i] == b->h[j]) {
			both++;
			i++;
			j++;
		} else if (j >= b->n || (i < a->n && a->h[i] < b->h[j]))
			i++;
		else
			j++;
	}
	return (double)both / taken;
}

/* ---- copies ---- */

static const char *const *heading_list(struct br_arena *a, struct br_slice path)
{
	const char **out;
	char *copy = br_arena_strndup(a, path.ptr, path.len), *part = copy;
	size_t n = path.len ? 1 : 0;

	for (size_t i = 0; i < path.len; i++)
		n += path.ptr[i] == '\x1f';
	out = br_arena_zalloc(a, (n + 1) * sizeof *out);
	for (size_t i = 0; i < n; i++) {
		char *end = strchr(part, '\x1f');
		out[i] = part;
		if (end)
			*end++ = 0;
		part = end;
	}
	return out;
}

static const char *matched_words(struct search *s, const struct cand *c)
{
	struct br_buf b = BR_BUF_INIT(1 << 16);
	const char *out;

	for (size_t g = 0; g < s->words.groups.n && g < 64; g++) {
		const struct br_fts_group *w = &s->words.groups.v[g];
		if (!(c->matched >> g & 1))
			continue;
		if (b.len)
			br_buf_addc(&b, ' ');
		br_buf_add(&b, s->q.plain.ptr + w->off, w->len);
	}
	out = br_arena_strndup(&s->out->arena, b.ptr, b.len);
	br_buf_release(&b);
	return out;
}

/*
 * One scale for every strategy, so that a threshold means the same: 1 - (1 - words) * (1 - meaning). words: share of the question's
 * weight that the passage has; meaning: cosine, as services give it; of the built-in model, whose cosines of texts that have nothing to
 * do with each other end at 0.2 and those of a question with its answer around 0.6, what lies between.
 */
static double similarity_to_question(const struct search *s, const struct cand *c)
{
	double have = 0, all = 0, words, meaning = isnan(c->cosine) ? 0 : (double)c->cosine;

	for (size_t g = 0; g < s->words.groups.n && g < 64; g++) {
		double weight = (double)s->words.groups.v[g].idf;
		all += weight;
		have += c->matched >> g & 1 ? weight : 0;
	}
	words = all > 0 ? have / all : 0;
	if (!s->service)
		meaning = s->gain * (meaning - NEAR_FROM) / (NEAR_TO - NEAR_FROM);
	return 1 - (1 - BR_MIN(words, 1.0)) * (1 - BR_MIN(BR_MAX(meaning, 0.0), 1.0));
}

static void copy_hit(struct search *s, struct br_found *h, const struct cand *c)
{
	struct br_arena *a = &s->out->arena;
	const struct br_doc *d = c->doc;

	*h = (struct br_found){ .score = c->score, .path = br_arena_strdup(a, d->path), .title = br_arena_strdup(a, d->title),
		.doc_id = br_arena_strdup(a, d->id), .format = br_format_name(d->format), .lang = br_arena_strdup(a, d->lang), .heading = heading_list(a, c->rec.heading),
		.line = c->rec.line, .line_end = c->rec.line_end, .page = c->rec.page, .doc = c->rec.doc, .chunk = c->chunk, .ordinal = c->rec.ordinal,
		.lexical_rank = c->lex_rank, .semantic_rank = c->sem_rank, .bm25 = (double)c->bm25, .cosine = (double)c->cosine,
		.f_lexical = c->f_lex, .f_semantic = c->f_sem, .f_title = c->f_title, .f_pairs = c->f_pairs,
		.f_about = c->f_about, .f_many = c->f_many, .f_crowding = c->f_crowding, .matched = "" };
	h->similarity = similarity_to_question(s, c);
	h->stale = s->opts->freshness_ns > 0 && br_source_state(s->s->ws, d) != BR_SOURCE_SAME;
	if (s->opts->explain)
		h->matched = matched_words(s, c);
	if (s->opts->no_text)
		return;
	h->text = br_arena_strndup(a, c->text.ptr, c->text.len);
	snippet(s, c, h);
}

/* ---- choosing ---- */

struct shown { struct br_found *hit; struct sketch *sketch; const struct cand **cand; size_t n; };

/* The same place of two documents with the same bytes: nothing need be read to know that they say the same. */
static bool is_copy(const struct cand *a, const struct cand *b)
{
	return a->rec.doc != b->rec.doc && a->rec.off == b->rec.off && a->rec.len == b->rec.len && a->doc->format == b->doc->format &&
	       !memcmp(a->doc->sha, b->doc->sha, sizeof a->doc->sha);
}

static bool says_the_same(const struct sketch *x, const struct cand *a, const struct sketch *y, const struct cand *b)
{
	double s = similarity(x, y);

	return s >= SAME || (s >= SAME_IN_VERSIONS && a->rec.doc != b->rec.doc && br_doc_similarity(a->doc, b->doc) >= SAME_DOC);
}

/* The hit that says what c says already, or NULL; else c's own sketch is kept. */
static struct br_found *twin(struct search *s, struct shown *shown, const struct cand *c)
{
	struct sketch *mine = &shown->sketch[shown->n];
	size_t from = shown->n > FOLD_LOOKBACK ? shown->n - FOLD_LOOKBACK : 0;

	if (s->opts->no_fold || s->opts->no_text)
		return NULL;
	for (size_t i = from; i < shown->n; i++)
		if (is_copy(c, shown->cand[i]))
			return &shown->hit[i];
	make_sketch(mine, s, c->text);
	for (size_t i = from; i < shown->n; i++)
		if (says_the_same(mine, c, &shown->sketch[i], shown->cand[i]))
			return &shown->hit[i];
	shown->cand[shown->n] = c;
	return NULL;
}

static bool doc_shown(const struct shown *shown, uint32_t doc)
{
	for (size_t i = 0; i < shown->n; i++)
		if (shown->hit[i].doc == doc)
			return true;
	return false;
}

/* Loads the candidates that may be shown and orders equal scores by path. */
static int settle_order(struct search *s, struct br_err *err)
{
	size_t n = s->cand.n;
	int rc = 0;

	if (!s->opts->by_doc && !s->opts->no_fold && n > 2 * (size_t)s->opts->top + RERANK_LEN)
		n = 2 * (size_t)s->opts->top + RERANK_LEN;
	while (n && n < s->cand.n && s->cand.v[n].score >= s->cand.v[n - 1].score)
		n++; /* never cut between equals */
	s->cand.n = n;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = load_cand(s, &s->cand.v[i], false, err);
	if (rc == 0)
		sort_cands(s, true);
	return rc;
}

int present(struct search *s, struct br_err *err)
{
	struct shown shown = { 0 };
	int rc;

	sort_cands(s, false);
	if ((rc = settle_order(s, err)) < 0)
		return rc;
	shown.hit = br_arena_zalloc(&s->out->arena, (s->opts->top + 1) * sizeof *shown.hit);
	shown.cand = br_arena_alloc(&s->scratch, (s->opts->top + 1) * sizeof *shown.cand);
	shown.sketch = br_arena_alloc(&s->scratch, (s->opts->top + 1) * sizeof *shown.sketch);
	for (size_t i = 0; i < s->cand.n && shown.n < s->opts->top; i++) {
		struct cand *c = &s->cand.v[i];
		struct br_found *same;
		if ((s->opts->by_doc && doc_shown(&shown, c->rec.doc)) || similarity_to_question(s, c) < s->opts->min_similarity)
			continue;
		if (!s->opts->no_text && (rc = load_cand(s, c, true, err)) < 0)
			return rc;
		if ((same = twin(s, &shown, c)))
			same->folded++;
		else
			copy_hit(s, &shown.hit[shown.n++], c);
	}
	s->out->hit = shown.hit;
	s->out->n = shown.n;
	return 0;
}
