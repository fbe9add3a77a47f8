/*
 * Constraints before any scoring: deleted chunks, filters, phrases and excluded words become one bitmap, so that no list
 * is ever cut to its best and filtered afterwards.
 */
#include "internal.h"

#include <stdlib.h>

/* ---- filters ---- */

struct filter_walk { struct search *s; struct filter **f; size_t n; struct br_buf text; struct br_err *err; };

static int one_chunk(struct filter_walk *w, struct where_facts *f, uint32_t chunk)
{
	struct search *s = w->s;
	struct br_chunk_rec rec;
	int rc = br_chunk_get(&rec, s->t, s->nb->nb, chunk, w->err);

	br_buf_reset(&w->text);
	if (rc < 0 || (rc = br_doc_text(&w->text, s->s->reader, s->t, s->nb->nb, rec.doc, rec.off, rec.len, w->err)) < 0)
		return rc;
	f->chunk = &rec;
	f->text = br_buf_slice(&w->text);
	if (where_match(s->opts->where, f))
		br_bits_set(&s->keep_bits, chunk);
	return 0;
}

/* Where facts of passages are asked for, each is looked at; else the document decides for all of them. */
static int by_where(struct filter_walk *w, const struct br_doc *d)
{
	const struct br_where *where = w->s->opts->where;
	struct where_facts f = { .doc = d };
	struct br_jdoc *meta = NULL;
	int rc = 0;

	if (!where || !where_of_passages(where)) {
		if (!where || br_where_doc(where, d))
			br_bits_set_range(&w->s->keep_bits, d->first_chunk, d->chunks);
		return 0;
	}
	if (d->meta[0] && br_jdoc_parse(&meta, br_slice_str(d->meta), "metadata", NULL) == 0)
		f.meta = br_jdoc_root(meta);
	for (uint32_t c = 0; c < d->chunks && rc == 0; c++)
		rc = one_chunk(w, &f, d->first_chunk + c);
	br_jdoc_free(meta);
	return rc;
}

static int on_doc(const struct br_doc *d, void *arg)
{
	struct filter_walk *w = arg;

	if (d->state != BR_DOC_INDEXED)
		return 0;
	for (size_t i = 0; i < w->n; i++)
		if (!filter_match(w->f[i], d))
			return 0;
	return by_where(w, d);
}

static size_t count_filters(const struct search *s)
{
	size_t n = s->q.filter.n;

	for (const char *const *p = s->opts->filter; p && *p; p++)
		n++;
	return n;
}

static int apply_filters(struct search *s, struct br_err *err)
{
	size_t total = count_filters(s);
	struct filter_walk w = { s, br_allocn(total + 1, sizeof *w.f), 0, BR_BUF_INIT(BR_MAX_TEXT), err };
	int rc = 0;

	for (; w.n < total && rc == 0; w.n++) {
		size_t own = s->q.filter.n;
		rc = filter_parse(&w.f[w.n], w.n < own ? s->q.filter.v[w.n] : s->opts->filter[w.n - own], err);
	}
	if (rc == 0 && (total || s->opts->where)) {
		br_bits_release(&s->keep_bits); /* documents are live by definition */
		br_bits_init(&s->keep_bits, s->nb->next_chunk, false);
		rc = br_doc_each(s->t, s->nb->nb, on_doc, &w, err);
		s->keep = &s->keep_bits;
	}
	while (w.n)
		filter_free(w.f[--w.n]);
	free(w.f);
	br_buf_release(&w.text);
	return rc;
}

/* ---- phrases: all words by the index, then their order by the text, unstemmed ---- */

struct phrase_check {
	struct search *s;
	BR_VEC(struct br_slice) word;   /* copies in the scratch arena */
	int rc;
	struct br_err *err;
};

static void phrase_words(struct phrase_check *p, struct br_slice text)
{
	const struct br_tokens *tok = br_tokenize_exact(p->s->s->tok, text);

	for (size_t i = 0; i < tok->v.n; i++) {
		const struct br_token *k = &tok->v.v[i];
		*br_vec_push(&p->word) = br_slice(br_arena_strndup(&p->s->scratch, k->term, k->term_len), k->term_len);
	}
}

static bool stands_in(const struct phrase_check *p, struct br_slice text)
{
	const struct br_tokens *tok = br_tokenize_exact(p->s->s->tok, text);
	size_t n = p->word.n;

	for (size_t i = 0; i + n <= tok->v.n; i++) {
		size_t k = 0;
		while (k < n && br_slice_eq(br_slice(tok->v.v[i + k].term, tok->v.v[i + k].term_len), p->word.v[k]))
			k++;
		if (k == n)
			return true;
	}
	return false;
}

static bool holds_phrase(uint32_t chunk, void *arg)
{
	struct phrase_check *p = arg;
	struct cand c = { .chunk = chunk };
	char *heading;

	if (p->rc < 0 || (p->rc = load_cand(p->s, &c, true, p->err)) < 0)
		return false;
	if (stands_in(p, c.text) || stands_in(p, br_slice_str(c.doc->title)))
		return true;
	heading = br_arena_strndup(&p->s->scratch, c.rec.heading.ptr, c.rec.heading.len);
	for (char *h = heading; *h; h++)
		*h = *h == '\x1f' ? '\n' : *h;
	return stands_in(p, br_slice_str(heading));
}

/* ---- which chunks match, as bits ---- */

static int matching(struct br_bits *out, struct search *s, struct br_slice text, enum br_group_kind kind, struct phrase_check *check, struct br_err *err)
{
	struct br_fts_query q;
	struct br_topk top;
	struct br_fts_want want = { .k = s->nb->next_chunk, .keep = s->keep, .accept = check ? holds_phrase : NULL, .arg = check };
	int rc;

	br_fts_query_init(&q);
	br_topk_init(&top, s->nb->next_chunk);
	br_bits_init(out, s->nb->next_chunk, false);
	br_fts_query_add(&q, s->s->tok, text, s->langs, kind);
	if ((rc = br_fts_resolve(&q, s->t, s->nb->nb, err)) == 0 && q.groups.n)
		rc = br_fts_search(&top, s->t, s->nb->nb, &q, &want, err);
	for (uint32_t i = 0; i < top.n && rc == 0; i++)
		br_bits_set(out, top.h[i].chunk);
	if (rc == 0 && check && check->rc < 0)
		rc = check->rc;
	br_topk_release(&top);
	br_fts_query_release(&q);
	return rc;
}

static void ensure_bits(struct search *s)
{
	if (s->keep)
		return;
	br_bits_init(&s->keep_bits, s->nb->next_chunk, true);
	s->keep = &s->keep_bits;
}

static int apply_phrase(struct search *s, const struct phrase *p, struct br_err *err)
{
	struct phrase_check check = { .s = s, .err = err };
	struct br_bits found = { 0 };
	int rc;

	phrase_words(&check, p->text);
	if (!check.word.n)
		return 0;
	rc = matching(&found, s, p->text, BR_GROUP_MUST, &check, err);
	ensure_bits(s);
	if (rc == 0 && p->exclude)
		br_bits_andnot(&s->keep_bits, &found);
	else if (rc == 0)
		br_bits_and(&s->keep_bits, &found);
	br_bits_release(&found);
	br_vec_release(&check.word);
	return rc;
}

static int apply_exclusion(struct search *s, struct br_slice word, struct br_err *err)
{
	struct br_bits found = { 0 };
	int rc = matching(&found, s, word, BR_GROUP_MUST, NULL, err);

	ensure_bits(s);
	if (rc == 0)
		br_bits_andnot(&s->keep_bits, &found);
	br_bits_release(&found);
	return rc;
}

int constrain(struct search *s, struct br_err *err)
{
	int rc;

	if ((rc = br_chunks_live(&s->keep_bits, s->t, s->nb, err)) < 0)
		return rc;
	s->keep = s->keep_bits.n ? &s->keep_bits : NULL;
	rc = apply_filters(s, err);
	for (size_t i = 0; i < s->q.phrases.n && rc == 0; i++)
		rc = apply_phrase(s, &s->q.phrases.v[i], err);
	for (size_t i = 0; i < s->q.exclude.n && rc == 0; i++)
		rc = apply_exclusion(s, s->q.exclude.v[i], err);
	return rc;
}
