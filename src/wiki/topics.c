/*
 * Topics without a language model: what titles and headings of many documents have in common. Every run of up to three words of them is
 * counted by documents; those that say something and stand in several win, and what says nearly the same becomes their aliases.
 */
#include "internal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

enum { MOST_NEAR = 2, MOST_TOPICS = 50, MOST_ALIASES = 5, NGRAM = 3, WHOLE_WORDS = 6, WHOLE_WIDE = 16, LONGEST = 160, CANDIDATES = 2000, DIGEST_HEADINGS = 6 };
static const double COMMON = 0.2, COMMON_WORD = 0.05, TOO_COMMON = 0.25; /* share of documents from which a phrase, or a word, says little; what is left of it */
static const double RELATED = 0.5;

static const char function_words[] =
	" a an the and or of in on at to for from by with without as is are be was were it its this that these those how what when where which who why "
	"do does can if not no your you we our i my about into over under than then so using use used via vs per all any more most other some each new "
	"der die das ein eine einer und oder von im in mit zu zum zur für auf ist sind wie was bei des dem den als nicht le la les un une de du des et ou "
	"en dans pour par sur est sont au aux el los las una y o con por para del al es ";
static const char generic_words[] =
	" introduction overview description options option synopsis examples example see also notes note usage parameters parameter return returns value values "
	"name names author authors contents summary conclusion references reference index faq changelog history details general other miscellaneous "
	"background purpose table arguments argument environment files file exit status bugs report reporting discussion further reading readme chapter section "
	"part appendix page pages document documents documentation guide manual tutorial user users quick start getting started basic basics advanced "
	"rule rules type types list lists item items thing things way ways work works set sets get one two three first second next previous version versions release "
	"important warning tip tips caution copyright license output input result results default defaults syntax how simple common special "
	"einleitung überblick beispiel beispiele hinweis hinweise inhalt anhang kapitel abschnitt seite introducción ejemplo ejemplos "
	"概述 简介 介绍 目录 附录 参考 示例 说明 总结 注意 ";

/* What a title says beside its topic. */
static const char edge_words[] =
	" introduction overview guide guides handbook manual tutorial basics faq reference howto part chapter section appendix example examples "
	"einführung überblick handbuch anleitung guía manual introduction guide ";

struct phrase {
	uint64_t key;
	uint32_t docs, titles, whole, last_doc;
	uint8_t words;
	const char *text, *norm, *variant; /* as first written; normalised; another spelling or NULL */
	double score;
};
struct phrases {
	struct br_arena *a;
	BR_VEC(struct phrase) v;
	uint32_t *slot, slots;         /* v index + 1, by key; slots is a power of two */
	uint32_t doc, docs;
};

static bool in_list(const char *list, struct br_slice w)
{
	for (const char *p = list; w.len && (p = memmem(p, strlen(p), w.ptr, w.len)); p++)
		if (p[-1] == ' ' && p[w.len] == ' ')
			return true;
	return false;
}

bool br_wiki__is_function_word(struct br_slice word) { return in_list(function_words, word); }

/* ---- counting ---- */

/* The key takes plurals for their singulars. */
static uint64_t key_of(const char *norm)
{
	char b[LONGEST * 2 + 1];
	size_t n = 0;

	for (const char *p = norm; *p && n < sizeof b; p += strcspn(p, " "), p += *p == ' ') {
		size_t len = strcspn(p, " ");
		size_t keep = len > 3 && p[len - 1] == 's' && p[len - 2] != 's' ? len - 1 : len;
		keep = BR_MIN(keep, sizeof b - n - 1);
		memcpy(b + n, p, keep);
		n += keep;
		b[n++] = ' ';
	}
	return br_hash64(b, n);
}

static void grow(struct phrases *p)
{
	uint32_t n = p->slots ? p->slots * 2 : 4096;

	free(p->slot);
	p->slot = br_allocn(n, sizeof *p->slot);
	p->slots = n;
	for (uint32_t i = 0; i < p->v.n; i++) {
		uint32_t s = (uint32_t)p->v.v[i].key & (n - 1);
		while (p->slot[s])
			s = (s + 1) & (n - 1);
		p->slot[s] = i + 1;
	}
}

static struct phrase *find(struct phrases *p, uint64_t key)
{
	uint32_t s;

	if (2 * (p->v.n + 1) > p->slots)
		grow(p);
	for (s = (uint32_t)key & (p->slots - 1); p->slot[s]; s = (s + 1) & (p->slots - 1))
		if (p->v.v[p->slot[s] - 1].key == key)
			return &p->v.v[p->slot[s] - 1];
	if (p->v.n >= BR_MAX_WIKI_PHRASES)
		return NULL;
	p->slot[s] = (uint32_t)p->v.n + 1;
	*br_vec_push(&p->v) = (struct phrase){ .key = key, .last_doc = UINT32_MAX };
	return &p->v.v[p->v.n - 1];
}

static uint8_t count_words(const char *norm, bool *says)
{
	uint8_t n = 0;

	*says = false;
	for (const char *w = norm; *w; w += strcspn(w, " "), w += *w == ' ') {
		struct br_slice s = br_slice(w, strcspn(w, " "));
		bool digits = s.len == strspn(w, "0123456789");
		n++;
		*says |= !digits && s.len > 1 && !in_list(generic_words, s) && !in_list(function_words, s);
	}
	return n;
}

static void count(struct phrases *p, struct br_slice text, bool title, bool whole)
{
	struct br_arena a = { 0 };
	const char *norm = br_wiki__phrase(&a, text);
	bool says;
	uint8_t words = count_words(norm, &says);
	struct phrase *x = says && br_wiki__chars(br_slice_str(norm)) > 1 ? find(p, key_of(norm)) : NULL;

	if (x && !x->text) {
		x->text = br_arena_strndup(p->a, text.ptr, text.len);
		x->norm = br_arena_strdup(p->a, norm);
		x->words = words;
	} else if (x && !x->variant && strcmp(x->norm, norm)) {
		x->variant = br_arena_strndup(p->a, text.ptr, text.len);
	}
	if (x && x->last_doc != p->doc) {
		x->last_doc = p->doc;
		x->docs++;
		x->titles += title;
	}
	if (x)
		x->whole += whole;
	br_arena_release(&a);
}

bool br_wiki__is_generic(const char *heading)
{
	struct br_arena a = { 0 };
	bool says;

	count_words(br_wiki__phrase(&a, br_slice_str(heading)), &says);
	br_arena_release(&a);
	return !says;
}

/* ---- titles and headings ---- */

/* Without markup at both ends and "(1)" behind it. */
static struct br_slice strip(struct br_slice s)
{
	while (s.len && strchr("#*_`\"'.:;,-=>([ ", s.ptr[0]))
		s = br_slice(s.ptr + 1, s.len - 1);
	while (s.len && strchr("#*_`\"'.:;,-=>?! ", s.ptr[s.len - 1]))
		s.len--;
	if (s.len > 3 && s.ptr[s.len - 1] == ')') {
		const char *open = memrchr(s.ptr, '(', s.len);
		if (open && open > s.ptr)
			s = br_wiki__trim(br_slice(s.ptr, (size_t)(open - s.ptr)));
	}
	return s;
}

/* No topic begins or ends with such a word. */
static bool is_function(struct br_arena *a, struct br_slice w)
{
	const char *norm = br_wiki__phrase(a, w);

	return !*norm || in_list(function_words, br_slice_str(norm)) || in_list(edge_words, br_slice_str(norm));
}

static bool is_wide(struct br_slice s)
{
	uint32_t cp;

	for (size_t i = 0; i < s.len;) {
		i += br_utf8_next(&cp, s.ptr + i, s.len - i);
		if (br_wiki__is_wide(cp))
			return true;
	}
	return false;
}

static void count_runs(struct phrases *p, struct br_slice s, bool title)
{
	struct br_slice word[WHOLE_WORDS * 2];
	struct br_arena a = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < s.len && n < BR_COUNT(word); i++) {
		size_t from = i;
		while (i < s.len && s.ptr[i] != ' ')
			i++;
		word[n++] = br_slice(s.ptr + from, i - from);
	}
	for (size_t i = 0; i < n; i++) {
		if (is_function(&a, word[i]))
			continue;
		for (size_t k = i; k < n && k < i + NGRAM; k++) {
			struct br_slice run = strip(br_slice(word[i].ptr, (size_t)(word[k].ptr + word[k].len - word[i].ptr)));
			if (run.len && k - i + 1 < n && !is_function(&a, word[k]))
				count(p, run, title, false);
		}
	}
	while (n > 1 && is_function(&a, word[n - 1]))
		n--;
	if (n && n <= WHOLE_WORDS)
		count(p, strip(br_slice(s.ptr, (size_t)(word[n - 1].ptr + word[n - 1].len - s.ptr))), title, true);
	br_arena_release(&a);
}

static void add_text(struct phrases *p, struct br_slice text, bool title)
{
	struct br_arena a = { 0 };
	struct br_slice s = strip(br_slice_str(br_wiki__one_line(&a, text)));
	struct marker m;

	if (s.len && s.len <= LONGEST && !memchr(s.ptr, '|', s.len) && !br_wiki__next_marker(&m, s, 0)) {
		if (!is_wide(s))
			count_runs(p, s, title);
		else if (br_wiki__chars(s) <= WHOLE_WIDE)
			count(p, s, title, true);
	}
	br_arena_release(&a);
}

/* ---- documents ---- */

struct headings { struct br_txn *t; uint32_t nb; struct br_err *err; void (*fn)(struct headings *h, struct br_slice heading); void *arg; };

/* The last heading of each passage of a document, those of neighbours once. */
static int each_heading(struct headings *h, const struct br_doc *d)
{
	struct br_slice last = { "", 0 };
	struct br_chunk_rec c;
	int rc = 0;

	for (uint32_t i = 0; i < d->chunks && rc == 0; i++) {
		const char *cut;
		if ((rc = br_chunk_get(&c, h->t, h->nb, d->first_chunk + i, h->err)) < 0 || !c.heading.len || br_slice_eq(c.heading, last))
			continue;
		last = c.heading;
		cut = memrchr(last.ptr, '\x1f', last.len);
		h->fn(h, cut ? br_slice(cut + 1, (size_t)(last.ptr + last.len - cut - 1)) : last);
	}
	return rc;
}

static void on_heading(struct headings *h, struct br_slice heading) { add_text(h->arg, heading, false); }

static int add_doc(const struct br_doc *d, void *arg)
{
	struct headings *h = arg;
	struct phrases *p = h->arg;
	struct br_slice name = br_doc_name(d);

	if (d->state != BR_DOC_INDEXED || !d->chunks)
		return 0;
	p->doc = d->doc;
	p->docs++;
	add_text(p, d->title[0] ? br_slice_str(d->title) : name, true);
	return each_heading(h, d);
}

/* ---- choosing ---- */

/* "Abstract" and "Rationale": what many documents have a section of, and hardly any is about. */
static bool is_template(const struct phrase *x) { return x->docs >= 4 && x->whole * 2 > x->docs && x->titles * 8 < x->docs; }

static double by_words(const struct phrase *x)
{
	static const double worth[] = { 0, 0.4, 1.0, 1.1, 0.95, 0.85 };

	if (is_wide(br_slice_str(x->norm)))
		return 1; /* one word by blanks, several as it is */
	if (x->words == 1 && x->text[0] && isupper((unsigned char)x->text[0]) && isupper((unsigned char)x->text[strlen(x->text) - 1]))
		return 0.8; /* an abbreviation */
	return worth[BR_MIN((size_t)x->words, BR_COUNT(worth) - 1)];
}

/* How much less a phrase tells that has a word of the usual kind at an end, or a function word within. */
static double blunt(const struct phrase *x)
{
	const char *last = strrchr(x->norm, ' ');
	double worth = 1;

	if (in_list(generic_words, br_slice(x->norm, strcspn(x->norm, " "))) || (last && in_list(generic_words, br_slice_str(last + 1))))
		worth = 0.5;
	for (const char *w = x->norm; !x->whole && *w; w += strcspn(w, " "), w += *w == ' ')
		if (in_list(function_words, br_slice(w, strcspn(w, " "))))
			return 0.5 * worth;
	return worth;
}

static void score(struct phrases *p)
{
	for (size_t i = 0; i < p->v.n; i++) {
		struct phrase *x = &p->v.v[i];
		double titled = (double)x->titles / BR_MAX(x->docs, 1u);
		x->score = log2(1 + x->docs) * (0.4 + titled) * by_words(x) * blunt(x);
		if (x->whole)
			x->score *= 1.3;
		if (is_template(x))
			x->score *= TOO_COMMON;
		if (p->docs >= 10 && x->docs > (x->words == 1 ? COMMON_WORD : COMMON) * p->docs) /* what everything is about */
			x->score *= TOO_COMMON * TOO_COMMON;
		if (x->docs < 2 && !(x->whole && x->titles))
			x->score = x->whole ? 0.2 * x->score : 0;
	}
}

static int by_score(const void *a, const void *b)
{
	const struct phrase *x = a, *y = b;

	return x->score != y->score ? (x->score > y->score ? -1 : 1) : strcmp(x->norm, y->norm);
}

/* One is in the other, at the bounds of words. */
static bool within(const char *part, const char *whole)
{
	size_t n = strlen(part);
	bool wide = (unsigned char)part[0] >= 0xe2;

	for (const char *p = whole; (p = strstr(p, part)); p++)
		if (wide || ((p == whole || p[-1] == ' ') && (!p[n] || p[n] == ' ')))
			return true;
	return false;
}

struct picked { const struct phrase *p; strings alias; };

/* A topic of which this phrase is but another name; *near counts those that one of is within the other. */
static struct picked *same_as(struct picked *v, size_t n, const struct phrase *x, unsigned *near)
{
	*near = 0;
	for (size_t i = 0; i < n; i++) {
		const struct phrase *t = v[i].p;
		double ratio = (double)BR_MIN(x->docs, t->docs) / BR_MAX(BR_MAX(x->docs, t->docs), 1u);
		if (!within(x->norm, t->norm) && !within(t->norm, x->norm))
			continue;
		if (ratio >= RELATED)
			return &v[i];
		++*near;
	}
	return NULL;
}

static void add_alias(struct picked *t, const char *text)
{
	if (text && t->alias.n < MOST_ALIASES && strlen(text) <= BR_MAX_WIKI_TITLE && !strpbrk(text, ",|"))
		*br_vec_push(&t->alias) = text;
}

static size_t pick(struct picked *out, struct phrases *p)
{
	size_t n = 0;

	qsort(p->v.v, p->v.n, sizeof *p->v.v, by_score);
	for (size_t i = 0; i < p->v.n && i < CANDIDATES && p->v.v[i].score > 0; i++) {
		const struct phrase *x = &p->v.v[i];
		unsigned near;
		struct picked *same = same_as(out, n, x, &near);
		if (same) {
			if (x->words > 1 || x->docs == same->p->docs)
				add_alias(same, x->text);
		} else if (n < MOST_TOPICS && near < MOST_NEAR) {
			out[n++] = (struct picked){ .p = x };
			add_alias(&out[n - 1], x->variant);
		}
	}
	return n;
}

static void take(struct br_wiki_topics *out, struct br_arena *a, struct picked *x)
{
	char *title = br_arena_strdup(a, x->p->text);
	const char *other = br_wiki__synonym(x->p->norm);

	if (x->p->words > 1 || !is_wide(br_slice_str(title)))
		title[0] = (char)toupper((unsigned char)title[0]);
	add_alias(x, other);
	*br_vec_push(&out->v) = (struct br_wiki_topic){ .slug = br_wiki_slugify(a, title), .title = title, .alias = br_wiki__list(a, &x->alias), .category = "" };
	br_vec_release(&x->alias);
}

int br_wiki__topics_find(struct br_wiki_topics *out, struct br_arena *a, struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	struct phrases p = { .a = a };
	struct headings h = { t, nb->nb, err, on_heading, &p };
	struct picked *v = br_allocn(MOST_TOPICS, sizeof *v);
	int rc = br_doc_each(t, nb->nb, add_doc, &h, err);

	*out = (struct br_wiki_topics){ 0 };
	if (rc == 0 && p.v.n) {
		score(&p);
		for (size_t i = 0, n = pick(v, &p); i < n; i++)
			take(out, a, &v[i]);
	}
	free(v);
	free(p.slot);
	br_vec_release(&p.v);
	return rc;
}

/* ---- for a model ---- */

struct digest { struct br_buf *out; unsigned n; };

static void digest_heading(struct headings *h, struct br_slice heading)
{
	struct digest *d = h->arg;

	if (d->n++ < DIGEST_HEADINGS)
		br_buf_addf(d->out, "; %.*s", (int)heading.len, heading.ptr);
}

static int digest_doc(const struct br_doc *d, void *arg)
{
	struct headings *h = arg;
	struct digest *x = h->arg;

	if (d->state != BR_DOC_INDEXED || !d->chunks || x->out->len > x->out->max / 2)
		return 0;
	x->n = 0;
	br_buf_addf(x->out, "- %s", d->title[0] ? d->title : d->path);
	return each_heading(h, d) < 0 ? -1 : (br_buf_addc(x->out, '\n'), 0);
}

int br_wiki__digest(struct br_buf *out, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct digest d = { out, 0 };
	struct headings h = { t, nb, err, digest_heading, &d };

	return br_doc_each(t, nb, digest_doc, &h, err);
}
