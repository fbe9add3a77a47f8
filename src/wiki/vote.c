/*
 * Which page answers a question: two votes by words and by meaning, a third by a language model only where they differ. A page that may
 * not be served does not take part; whether it may is looked at only where it would count.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

enum { SHOWN_TO_MODEL = 60, WIDE_CHARS = 2 };

struct candidate {
	uint32_t nb, book;             /* number; index into the notebooks asked */
	const char *slug, *title, *summary;
	strings phrase;                /* of aliases, title, slug: blanks for punctuation, and without it */
	double cosine;                 /* NAN: no vector */
	size_t words;                  /* characters of the longest phrase that is in the question, 0 none */
	const char *which;
	bool checked, out;             /* whether it may be served was looked at; it may not */
};
struct vote {
	struct br_arena *a;
	struct br_ws *ws;
	struct br_txn *t;
	const struct br_nb *nb;        /* the one that is being read */
	uint32_t book;
	const char *text[2];           /* the question with blanks for punctuation, and without it */
	struct br_embedding vec;
	BR_VEC(struct candidate) v;
	double floor, margin;
};

/* ---- words ---- */

static bool is_word_at(const char *p) { return *p && *p != ' '; }

/* The phrase in the text, not within a word of a script with blanks. */
static bool contains(const char *text, const char *phrase)
{
	size_t n = strlen(phrase);
	uint32_t first, last = 0;

	if (!n)
		return false;
	br_utf8_next(&first, phrase, n);
	for (size_t i = 0; i < n;)
		i += br_utf8_next(&last, phrase + i, n - i);
	for (const char *p = text; (p = strstr(p, phrase)); p++)
		if ((br_wiki__is_wide(first) || p == text || p[-1] == ' ' || (unsigned char)p[-1] >= 0xe2) &&
		    (br_wiki__is_wide(last) || !is_word_at(p + n) || (unsigned char)p[n] >= 0xe2))
			return true;
	return false;
}

static void add_phrases(struct candidate *c, struct br_arena *a, const char *text)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);

	*br_vec_push(&c->phrase) = br_wiki__phrase(a, br_slice_str(text));
	br_wiki_normalize(&b, br_slice_str(text));
	*br_vec_push(&c->phrase) = br_arena_strndup(a, b.ptr, b.len);
	br_buf_release(&b);
}

static bool is_wide_phrase(const char *s) { return (unsigned char)s[0] >= 0xe2; }

static void match_words(struct vote *v, struct candidate *c)
{
	for (size_t i = 0; i < c->phrase.n; i++) {
		const char *p = c->phrase.v[i];
		size_t chars = br_wiki__chars(br_slice_str(p));
		if (chars > c->words && (!is_wide_phrase(p) || chars >= WIDE_CHARS) && contains(v->text[i % 2], p)) {
			c->words = chars;
			c->which = p;
		}
	}
	br_vec_release(&c->phrase);
}

/* ---- meaning ---- */

static double cosine(const struct vote *v, const int8_t *code, size_t dim, float scale)
{
	int64_t dot = 0;

	if (v->vec.scale <= 0 || scale <= 0)
		return NAN;
	for (size_t i = 0; i < dim; i++)
		dot += (int32_t)code[i] * v->vec.code[i];
	return (double)dot * (double)scale * (double)v->vec.scale;
}

static double compare(const struct vote *v, const struct head *h)
{
	const struct br_model_info *info = br_model_info(v->ws->model);
	struct br_embedding vec;
	struct br_embedder *e;
	struct br_slice part[2];

	if (!memcmp(h->model, info->sha, sizeof h->model) && (!h->code.len || h->code.len == info->dim))
		return h->code.len ? cosine(v, (const int8_t *)h->code.ptr, info->dim, h->scale) : NAN;
	part[0] = br_slice_str(h->title); /* made with another model */
	part[1] = br_slice_str(h->summary);
	e = br_embedder_new(v->ws->model);
	br_embed(&vec, e, part, 2);
	br_embedder_free(e);
	return cosine(v, vec.code, info->dim, vec.scale);
}

/* ---- candidates ---- */

static int add_head(const struct head *h, void *arg)
{
	struct vote *v = arg;
	struct candidate *c;
	char *words;

	if (h->deleted || !h->published)
		return 0;
	c = br_vec_push(&v->v);
	*c = (struct candidate){ .nb = v->nb->nb, .book = v->book, .slug = h->slug, .title = h->title, .summary = h->summary, .cosine = compare(v, h) };
	for (const char *const *s = h->alias; *s; s++)
		add_phrases(c, v->a, *s);
	add_phrases(c, v->a, h->title);
	if (strncmp(h->slug, "topic-", 6)) {
		words = br_arena_strdup(v->a, h->slug);
		for (char *p = words; *p; p++)
			*p = (char)(*p == '-' ? ' ' : *p);
		add_phrases(c, v->a, words);
	}
	match_words(v, c);
	return 0;
}

static bool is_enabled(const struct br_nb *nb, const struct br_wiki_match_opts *opts, struct vote *v)
{
	struct br_nb_values *values = br_nb_values_new(nb);
	bool on = br_nb_bool(values, "wiki.enabled");

	if (v->book == 0) {
		v->floor = opts->floor > 0 ? opts->floor : br_nb_num(values, "wiki.floor");
		v->margin = opts->margin > 0 ? opts->margin : br_nb_num(values, "wiki.margin");
	}
	br_nb_values_free(values);
	return on;
}

/* The same slug in two notebooks: the first's when that is the default, else that of the higher cosine. */
static void drop_doubles(struct vote *v)
{
	for (size_t i = 0; i < v->v.n; i++)
		for (size_t k = 0; k < i; k++) {
			struct candidate *x = &v->v.v[k], *y = &v->v.v[i];
			if (x->out || y->out || strcmp(x->slug, y->slug))
				continue;
			if (x->book == 0 || isnan(y->cosine) || x->cosine >= y->cosine)
				y->out = true;
			else
				x->out = true;
		}
}

/* ---- who may be served ---- */

static int check(struct vote *v, struct candidate *c, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct version version;
	struct br_nb *nb;
	struct head h;
	int rc;

	if (!c || c->checked)
		return 0;
	c->checked = true;
	if ((rc = br_nb_by_number(&nb, &a, v->t, c->nb, err)) == 0 && (rc = br_wiki__head_get(&h, &a, v->t, c->nb, c->slug, err)) > 0 &&
	    (rc = br_wiki__version_get(&version, &a, v->t, c->nb, c->slug, h.published, err)) == 0 &&
	    (rc = br_wiki__finish(&version, &a, v->t, nb, &h, err)) == 0)
		c->out = !version.p.serveable;
	br_arena_release(&a);
	if (rc < 0 || !c->out)
		return rc;
	for (size_t i = 0; i < v->v.n; i++) /* its double of another notebook is back */
		if (&v->v.v[i] != c && !strcmp(v->v.v[i].slug, c->slug) && !v->v.v[i].checked)
			v->v.v[i].out = false;
	drop_doubles(v);
	return 1;
}

/* ---- the two voters ---- */

/* Longest phrase; two pages with one as long: abstains. *rival is the other one then. */
static struct candidate *by_words(const struct vote *v, struct candidate **rival)
{
	struct candidate *best = NULL;

	*rival = NULL;
	for (size_t i = 0; i < v->v.n; i++) {
		struct candidate *c = &v->v.v[i];
		if (c->out || !c->words || (best && c->words < best->words))
			continue;
		*rival = best && best->words == c->words ? best : NULL;
		best = c;
	}
	return best;
}

static struct candidate *by_meaning(const struct vote *v, struct candidate **second)
{
	struct candidate *best = NULL;

	*second = NULL;
	for (size_t i = 0; i < v->v.n; i++) {
		struct candidate *c = &v->v.v[i];
		if (c->out || isnan(c->cosine))
			continue;
		if (!best || c->cosine > best->cosine) {
			*second = best;
			best = c;
		} else if (!*second || c->cosine > (*second)->cosine) {
			*second = c;
		}
	}
	return best;
}

/* Votes until nobody who counts is one that may not be served. */
static int settle(struct vote *v, struct candidate **words, struct candidate **meaning, struct br_wiki_match *out, struct br_err *err)
{
	struct candidate *rival, *second;
	int rc;

	do {
		*words = by_words(v, &rival);
		*meaning = by_meaning(v, &second);
		rc = check(v, *words, err);
		rc = rc ? rc : check(v, rival, err);
		rc = rc ? rc : check(v, *meaning, err);
		rc = rc ? rc : check(v, second, err);
	} while (rc > 0);
	out->cosine = *meaning ? (*meaning)->cosine : 0;
	out->second = second ? second->cosine : 0;
	if (rival)
		*words = NULL;
	if (*meaning && (out->cosine < v->floor || (second && out->cosine - out->second < v->margin)))
		*meaning = NULL;
	return rc;
}

/* ---- the third ---- */

static int by_cosine(const void *a, const void *b)
{
	const struct candidate *x = *(struct candidate *const *)a, *y = *(struct candidate *const *)b;
	double p = (isnan(x->cosine) ? -2 : x->cosine) + (x->words ? 4 : 0), q = (isnan(y->cosine) ? -2 : y->cosine) + (y->words ? 4 : 0);

	return p != q ? (p > q ? -1 : 1) : strcmp(x->slug, y->slug);
}

static struct candidate *ask(struct vote *v, const char *question, const struct br_wiki_model *model, bool *asked, int *rc, struct br_err *err)
{
	struct candidate **c = br_allocn(v->v.n + 1, sizeof *c), *found = NULL;
	struct br_buf list = BR_BUF_INIT(BR_MAX_PROMPT / 2);
	struct br_err why = { 0 };
	const char *slug;
	size_t n = 0;

	for (size_t i = 0; i < v->v.n; i++)
		if (!v->v.v[i].out)
			c[n++] = &v->v.v[i];
	qsort(c, n, sizeof *c, by_cosine);
	for (size_t i = 0; i < n && i < SHOWN_TO_MODEL; i++)
		br_buf_addf(&list, "%s: %s. %s\n", c[i]->slug, c[i]->title, c[i]->summary);
	*rc = br_wiki__ask_slug(&slug, v->a, br_buf_slice(&list), question, model, &why);
	*asked = *rc == 0;
	for (size_t i = 0; i < n && *rc == 0 && !found; i++)
		if (!strcmp(c[i]->slug, slug))
			found = c[i];
	if (*rc == -BR_ECANCELLED)
		br_fail(err, why.code, "%s", why.msg);
	else if (*rc < 0) {
		br_log(BR_LOG_WARN, "the model has no vote for a wiki page: %s", why.msg);
		*rc = 0;
	}
	br_buf_release(&list);
	free(c);
	return found;
}

/* ---- the decision ---- */

static void hit(struct br_wiki_match *out, const struct candidate *c)
{
	out->hit = true;
	out->nb = c->nb;
	out->slug = c->slug;
}

static char row_of(const struct candidate *k, const struct candidate *e, bool asked, bool is_hit)
{
	if (!k && !e)
		return 'f';
	if (k == e)
		return 'a';
	if (!asked)
		return 'g';
	return k && e ? (is_hit ? 'b' : 'c') : k ? 'd' : 'e';
}

static int decide(struct vote *v, struct br_wiki_match *out, struct candidate *k, struct candidate *e, const char *question, const struct br_wiki_model *model,
                  struct br_err *err)
{
	struct candidate *l = NULL;
	int rc = 0;

	out->keyword = k ? k->slug : NULL;
	out->phrase = k ? k->which : NULL;
	out->embedding = e ? e->slug : NULL;
	if (k != e && model)
		l = ask(v, question, model, &out->asked, &rc, err);
	out->llm = l ? l->slug : NULL;
	if (k && k == e)
		hit(out, k);
	else if (l && (l == k || l == e))
		hit(out, l);
	out->row = row_of(k, e, out->asked, out->hit);
	return rc;
}

/* While the model was asked documents may have gone. */
static int check_again(struct vote *v, struct br_wiki_match *out, struct br_err *err)
{
	struct candidate c = { .nb = out->nb, .slug = out->slug };
	int rc = br_txn_read(&v->t, v->ws->store, err);

	if (rc < 0)
		return rc;
	v->v.n = 0;
	if ((rc = check(v, &c, err)) > 0) {
		out->hit = false;
		out->slug = NULL;
		rc = 0;
	}
	br_txn_end(v->t);
	return rc;
}

static int read_candidates(struct vote *v, const uint32_t *nb, size_t n, const struct br_wiki_match_opts *opts, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct br_nb *rec;
		if ((rc = br_nb_by_number(&rec, v->a, v->t, nb[i], err)) < 0)
			return rc;
		v->nb = rec;
		v->book = (uint32_t)i;
		if (is_enabled(rec, opts, v))
			rc = br_wiki__heads(v->a, v->t, nb[i], add_head, v, err);
	}
	return rc;
}

static void read_question(struct vote *v, const char *question)
{
	struct br_slice text = br_slice_str(question);
	struct br_embedder *e = br_embedder_new(v->ws->model);
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);

	text.len = BR_MIN(text.len, (size_t)BR_MAX_QUERY);
	v->text[0] = br_wiki__phrase(v->a, text);
	br_wiki_normalize(&b, text);
	v->text[1] = br_arena_strndup(v->a, b.ptr, b.len);
	br_embed(&v->vec, e, &text, 1);
	br_buf_release(&b);
	br_embedder_free(e);
}

int br_wiki_match(struct br_wiki_match *out, struct br_arena *a, struct br_ws *ws, const uint32_t *nb, size_t n, const char *question,
                  const struct br_wiki_match_opts *opts, struct br_err *err)
{
	struct vote v = { .a = a, .ws = ws };
	struct candidate *words = NULL, *meaning = NULL;
	int rc = br_txn_read(&v.t, ws->store, err);

	*out = (struct br_wiki_match){ .row = 'f' };
	if (rc < 0)
		return rc;
	read_question(&v, question);
	if ((rc = read_candidates(&v, nb, n, opts, err)) == 0) {
		drop_doubles(&v);
		rc = settle(&v, &words, &meaning, out, err);
	}
	br_txn_end(v.t);
	if (rc == 0)
		rc = decide(&v, out, words, meaning, question, opts->model, err);
	if (rc == 0 && out->hit && out->asked)
		rc = check_again(&v, out, err);
	br_vec_release(&v.v);
	return rc;
}
