/*
 * multi_query - a language model asks the question in other words; each is answered as hybrid answers it, and a passage's
 * score is the sum of 1 / (k + rank) over all of them, k being 60 unless it is asked for.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_VARIANTS = 3 };

static const char system_text[] =
	"Ask the question in three other ways that a search engine could find other passages for: other words, narrower or wider. "
	"One a line, in the language of the question, without numbers and without anything else.";

/* ---- what the model wrote ---- */

/* "2. How ..." and "- How ..." are "How ..."; quotes around a line go, too. */
static struct br_slice tidy(const char *p, size_t n)
{
	size_t skip = strspn(p, " \t-*\"'0123456789.)");
	struct br_slice s;

	skip = BR_MIN(skip, n);
	s = br_slice(p + skip, n - skip);
	while (s.len && strchr(" \t\r\"'", s.ptr[s.len - 1]))
		s.len--;
	return s;
}

static bool is_known(const struct search *s, struct br_slice line)
{
	if (br_slice_eq(line, br_buf_slice(&s->q.plain)))
		return true;
	for (size_t i = 0; i < s->n_variants; i++)
		if (br_slice_eq(line, br_slice_str(s->variant[i])))
			return true;
	return false;
}

bool add_variant(struct search *s, struct br_slice text)
{
	if (!text.len || s->n_variants == BR_COUNT(s->variant) || is_known(s, text))
		return false;
	s->variant[s->n_variants++] = br_arena_strndup(&s->scratch, text.ptr, text.len);
	return true;
}

int prepare_multi_query(struct search *s, struct br_err *err)
{
	const char *text;
	int rc = ask_model(&text, s, system_text, err);

	for (const char *p = rc < 0 ? NULL : text; p && *p && s->n_variants < MOST_VARIANTS; ) {
		size_t n = strcspn(p, "\n");

		add_variant(s, tidy(p, n));
		p += n + (p[n] != 0);
	}
	return rc;
}

/* ---- one list for all ---- */

/* Adds the ranks of one list; members that are new come behind. */
static void add_list(struct search *s, const struct search *from)
{
	size_t known = s->cand.n, k;

	for (size_t i = 0; i < from->cand.n; i++) {
		const struct cand *c = &from->cand.v[i];

		for (k = 0; k < known && s->cand.v[k].chunk != c->chunk; k++)
			;
		if (k == known) {
			k = s->cand.n;
			*br_vec_push(&s->cand) = (struct cand){ .chunk = c->chunk, .bm25 = c->bm25, .cosine = c->cosine };
		}
		s->cand.v[k].score += 1 / (rrf_k(s) + (double)i + 1);
	}
}

/* The question in other words, under the constraints of the one that was asked, in its transaction. */
static int rank_variant(struct search *s, size_t i, struct br_err *err)
{
	struct search *v = br_alloc(sizeof *v);
	struct br_result out = { 0 };
	int rc;

	v->s = s->s;
	v->opts = s->opts;
	v->out = &out;
	v->t = s->t;
	v->nb = s->nb;
	v->keep = s->keep;
	v->asked = s->asked;
	v->no_vec = s->no_vec;
	if (s->variant_vec)
		v->vec = s->variant_vec[i];
	memcpy(v->langs, s->langs, sizeof v->langs);
	rc = question_parse(&v->q, s->variant[i], true, err);
	if (rc == 0 && (rc = prepare_words(v, err)) == 0) {
		prepare_vector(v);
		rc = v->q.plain.len ? rank_hybrid(v, err) : 0;
	}
	if (rc == 0)
		add_list(s, v);
	question_release(&v->q);
	br_fts_query_release(&v->words);
	br_topk_release(&v->lexical);
	br_topk_release(&v->semantic);
	br_vec_release(&v->cand);
	br_arena_release(&v->scratch);
	br_result_release(&out);
	free(v);
	return rc;
}

int rank_multi_query(struct search *s, struct br_err *err)
{
	int rc = rank_hybrid(s, err);

	if (rc < 0 || !s->n_variants)
		return rc;
	for (size_t i = 0; i < s->cand.n; i++)
		s->cand.v[i].score = 1 / (rrf_k(s) + (double)i + 1);
	for (size_t i = 0; i < s->n_variants && rc == 0; i++)
		rc = rank_variant(s, i, err);
	sort_cands(s, false);
	s->out->candidates = s->cand.n;
	return rc;
}
