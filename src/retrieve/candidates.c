/*
 * Candidate lists: words by BM25, meaning by cosine, and their union with both scores for every member.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

static uint32_t list_len(const struct search *s)
{
	uint32_t want = s->opts->top * (s->opts->by_doc ? 2 : 1);

	if (s->opts->list)
		return BR_MIN(s->opts->list, (uint32_t)BR_MAX_TOP);
	return BR_MIN(BR_MAX(want, (uint32_t)LIST_LEN), (uint32_t)BR_MAX_TOP);
}

int find_lexical(struct search *s, struct br_err *err)
{
	struct br_fts_want want = { .k = list_len(s), .keep = s->keep };

	br_topk_init(&s->lexical, want.k);
	return s->words.groups.n ? br_fts_search(&s->lexical, s->t, s->nb->nb, &s->words, &want, err) : 0;
}

int find_semantic(struct search *s, struct br_err *err)
{
	struct br_vindex *index;
	int rc;

	br_topk_init(&s->semantic, list_len(s));
	s->ann.way[0] = 0;
	if (!s->has_vec)
		return 0;
	s->rows.ann.threads = s->opts->threads;
	index = br_vindex_get(s->s->ws, s->t, s->nb);
	rc = br_ann_find(&s->semantic, &s->ann, br_vindex_ann(index), &s->rows.ann, &s->vec, s->keep, err);
	br_vindex_put(s->s->ws, index);
	return rc;
}

static int by_chunk(const void *a, const void *b)
{
	const struct cand *x = a, *y = b;

	return x->chunk < y->chunk ? -1 : x->chunk > y->chunk;
}

/* Equal scores share the better rank, whatever their order in the list. */
static void add_list(struct search *s, const struct br_topk *list, bool lexical)
{
	int32_t rank = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		struct cand *c = br_vec_push(&s->cand);
		if (!i || list->h[i].score < list->h[i - 1].score)
			rank = (int32_t)i + 1;
		*c = (struct cand){ .chunk = list->h[i].chunk, .cosine = NAN };
		*(lexical ? &c->lex_rank : &c->sem_rank) = rank;
	}
}

/* Members of both lists stand twice: they become one. The result is in order of chunk numbers. */
static void join_doubles(struct search *s)
{
	size_t n = 0;

	if (s->cand.n)
		qsort(s->cand.v, s->cand.n, sizeof *s->cand.v, by_chunk);
	for (size_t i = 0; i < s->cand.n; i++) {
		struct cand *last = n ? &s->cand.v[n - 1] : NULL;
		if (last && last->chunk == s->cand.v[i].chunk) {
			last->lex_rank |= s->cand.v[i].lex_rank;
			last->sem_rank |= s->cand.v[i].sem_rank;
		} else
			s->cand.v[n++] = s->cand.v[i];
	}
	s->cand.n = n;
}

int merge_lists(struct search *s, struct br_err *err)
{
	uint32_t *chunk;
	uint64_t *matched;
	float *score;
	size_t n;
	int rc = 0;

	add_list(s, &s->lexical, true);
	add_list(s, &s->semantic, false);
	join_doubles(s);
	n = s->cand.n;
	chunk = br_arena_alloc(&s->scratch, n * sizeof *chunk);
	matched = br_arena_zalloc(&s->scratch, n * sizeof *matched);
	score = br_arena_zalloc(&s->scratch, n * sizeof *score);
	for (size_t i = 0; i < n; i++)
		chunk[i] = s->cand.v[i].chunk;
	if (s->words.groups.n)
		rc = br_fts_score(score, matched, s->t, s->nb->nb, &s->words, chunk, n, err);
	for (size_t i = 0; i < n; i++) {
		s->cand.v[i].bm25 = score[i];
		s->cand.v[i].matched = matched[i];
	}
	if (rc == 0 && s->has_vec && (rc = br_ann_score(score, &s->rows.ann, &s->vec, chunk, n, err)) == 0)
		for (size_t i = 0; i < n; i++)
			s->cand.v[i].cosine = score[i];
	s->out->candidates = n;
	return rc;
}

/* ---- records and text of a candidate ---- */

static int doc_of(const struct br_doc **out, struct search *s, uint32_t num, struct br_err *err)
{
	const struct br_doc **slot = &s->doc[num % BR_COUNT(s->doc)];
	struct br_doc *d;
	int rc;

	if (!*slot || (*slot)->doc != num) {
		if ((rc = br_doc_get(&d, &s->scratch, s->t, s->nb->nb, num, err)) < 0)
			return rc;
		*slot = d;
	}
	*out = *slot;
	return 0;
}

static int load_text(struct search *s, struct cand *c, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_TEXT);
	int rc = br_doc_text(&text, s->s->reader, s->t, s->nb->nb, c->rec.doc, c->rec.off, c->rec.len, err);

	if (rc == 0)
		c->text = br_slice(br_arena_strndup(&s->scratch, text.ptr, text.len), text.len);
	br_buf_release(&text);
	return rc;
}

int load_cand(struct search *s, struct cand *c, bool text, struct br_err *err)
{
	int rc;

	if (!c->doc && ((rc = br_chunk_get(&c->rec, s->t, s->nb->nb, c->chunk, err)) < 0 || (rc = doc_of(&c->doc, s, c->rec.doc, err)) < 0))
		return rc;
	return text && !c->text.ptr ? load_text(s, c, err) : 0;
}

static int better(const struct cand *x, const struct cand *y)
{
	return x->score > y->score ? -1 : x->score < y->score ? 1 : 0;
}

static int cmp_chunk(const void *a, const void *b)
{
	int c = better(a, b);

	return c ? c : by_chunk(a, b);
}

/* Paths do not depend on the order in which things were indexed: the same hits in the same order after any history. */
static int cmp_path(const void *a, const void *b)
{
	const struct cand *x = a, *y = b;
	int c = better(x, y);

	if (!c)
		c = strcmp(x->doc->path, y->doc->path);
	return c ? c : x->rec.ordinal < y->rec.ordinal ? -1 : x->rec.ordinal > y->rec.ordinal;
}

void sort_cands(struct search *s, bool by_path)
{
	if (s->cand.n)
		qsort(s->cand.v, s->cand.n, sizeof *s->cand.v, by_path ? cmp_path : cmp_chunk);
}
