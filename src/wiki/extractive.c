/*
 * Pages without a language model: the sentences of the passages that say most about the topic, each once, exactly as they stand there
 * but for white space, under the headings they stand under, with their markers. What contradicts a better one goes to "Caveats".
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>

enum { TELLING = 40, SENTENCES = 24, PER_SECTION = 6, SHORTEST = 20, SHORTEST_WIDE = 8, LONGEST = 400, SUMMARY = 80, LOOKS = 400, HEADING = 100 };
static const double FLOOR = 0.4, SAME = 0.7; /* share of the best score; overlap from which two say the same */

struct chosen {
	uint32_t hit, off, section;
	double score;
	const char *text;
	struct word_set words;
	struct judged judged;
	bool caveat;
};
struct page {
	struct br_arena *a;
	const struct br_wiki_topic *topic;
	const struct gathered *g;
	BR_VEC(struct chosen) v;
	strings section;               /* headings in the order in which they appear */
	size_t in_section[SENTENCES + 2];
};

/* ---- summaries ---- */

char *br_wiki__summary(struct br_arena *a, struct br_slice first)
{
	size_t n = br_wiki__cut(first, SUMMARY);

	if (n == first.len)
		return br_arena_strndup(a, first.ptr, n);
	n = br_wiki__cut(first, SUMMARY - 1);
	for (size_t k = n; k > n / 2; k--)
		if (first.ptr[k] == ' ') {
			n = k;
			break;
		}
	return br_arena_printf(a, "%.*s\xe2\x80\xa6", (int)n, first.ptr);
}

/* ---- what may be quoted ---- */

static bool is_one_sentence(struct br_slice s)
{
	struct br_range r;
	size_t pos = 0, n = 0;

	while (br_sentence_next(&r, s, &pos))
		n++;
	return n == 1;
}

static bool fits(const struct br_quotable *q, const char *text)
{
	struct br_slice s = br_slice_str(text), h;
	size_t chars = br_wiki__chars(s), wide = s.len - chars; /* bytes beyond one a character */
	unsigned char c = (unsigned char)text[0];

	if (q->code || q->asks || q->share <= 0 || chars > LONGEST || chars < (wide > chars ? SHORTEST_WIDE : SHORTEST))
		return false;
	if (strchr("|#>`:;,.)]}-*+=~<", c) || strstr(text, "[chunk_") || strstr(text, "[claim_") || br_wiki__heading(&h, s))
		return false;
	return is_one_sentence(s);
}

static bool says_new(struct page *p, const struct word_set *w)
{
	for (size_t i = 0; i < p->v.n; i++)
		if (br_wiki__overlap(w, &p->v.v[i].words, false) >= SAME)
			return false;
	return w->n > 2;
}

/* ---- sections ---- */

static const char *heading_of(struct page *p, const struct br_found *f)
{
	const char *last = f->title, *clean;

	for (const char *const *h = f->heading; h && *h; h++)
		last = *h;
	if (br_wiki__is_generic(last) && f->title[0]) /* "Options" of what? */
		last = f->title;
	clean = br_wiki__one_line(p->a, br_slice_str(last[0] ? last : br_path_base(f->path)));
	while (*clean == '#' || *clean == ' ')
		clean++;
	clean = br_arena_strndup(p->a, clean, br_wiki__cut(br_slice_str(clean), HEADING));
	return *clean ? clean : p->topic->title;
}

static uint32_t section_of(struct page *p, const char *heading)
{
	const char *slug = br_wiki_slugify(p->a, heading);

	for (uint32_t i = 0; i < p->section.n; i++)
		if (!strcmp(br_wiki_slugify(p->a, p->section.v[i]), slug))
			return i;
	*br_vec_push(&p->section) = heading;
	return (uint32_t)p->section.n - 1;
}

/* ---- choosing ---- */

static int by_score(const void *a, const void *b)
{
	const struct br_quotable *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->hit != y->hit ? (x->hit < y->hit ? -1 : 1) : x->off < y->off ? -1 : x->off > y->off;
}

static bool contradicts(struct page *p, const struct judged *j)
{
	for (size_t i = 0; i < p->v.n; i++)
		if (!p->v.v[i].caveat && br_wiki__compare(&p->v.v[i].judged, j) == BR_CONTRADICTION)
			return true;
	return false;
}

static void consider(struct page *p, const struct br_quotable *q)
{
	const struct br_found *f = &p->g->q.r.hit[q->hit];
	const char *text = br_wiki__one_line(p->a, br_slice(f->text + q->off, q->len));
	struct chosen c = { .hit = q->hit, .off = q->off, .score = q->score, .text = text };

	if (!fits(q, text))
		return;
	br_wiki__words(&c.words, br_slice_str(text));
	c.section = section_of(p, heading_of(p, f));
	br_wiki__judged(&c.judged, br_slice_str(text));
	c.caveat = contradicts(p, &c.judged);
	if ((!c.caveat && !says_new(p, &c.words)) || p->in_section[c.section] >= PER_SECTION) {
		br_wiki__words_release(&c.words);
		p->section.n -= !p->in_section[c.section]; /* a new one, which is the last */
		return;
	}
	p->in_section[c.section]++;
	*br_vec_push(&p->v) = c;
}

static void choose(struct page *p)
{
	struct br_quotable *v = br_allocn(p->g->q.v.n + 1, sizeof *v);
	size_t n = 0;

	for (size_t i = 0; i < p->g->q.v.n; i++)
		if (p->g->use[p->g->q.v.v[i].hit])
			v[n++] = p->g->q.v.v[i];
	qsort(v, n, sizeof *v, by_score);
	for (size_t i = 0; i < n && i < LOOKS && p->v.n < SENTENCES && p->section.n <= SENTENCES; i++)
		if (!p->v.n || v[i].score >= FLOOR * p->v.v[0].score)
			consider(p, &v[i]);
	free(v);
}

/* ---- writing ---- */

static bool is_whole(const char *s)
{
	size_t n = strlen(s);

	return n && (strchr(".!", s[n - 1]) || (n > 3 && !memcmp(s + n - 3, "\xe3\x80\x82", 3)));
}

/* The best that is short enough: a whole sentence of some length if there is one; else the best of all, which the summary cuts. */
static size_t summary_of(const struct page *p)
{
	size_t short_one = SIZE_MAX, whole = SIZE_MAX;

	for (size_t i = 0; i < p->v.n; i++) {
		const char *s = p->v.v[i].text;
		size_t chars = br_wiki__chars(br_slice_str(s));
		if (p->v.v[i].caveat || chars > SUMMARY)
			continue;
		if (is_whole(s) && (chars >= TELLING || strlen(s) > 2 * chars))
			return i;
		if (is_whole(s) && whole == SIZE_MAX)
			whole = i;
		if (short_one == SIZE_MAX)
			short_one = i;
	}
	return whole != SIZE_MAX ? whole : short_one != SIZE_MAX ? short_one : 0;
}

static void put(struct br_buf *out, const struct page *p, size_t i, const char *bullet)
{
	br_buf_addf(out, "%s%s [chunk_%s]\n", bullet, p->v.v[i].text, p->g->id[p->v.v[i].hit]);
}

static int in_order(const void *a, const void *b)
{
	const struct chosen *x = a, *y = b;

	return x->hit != y->hit ? (x->hit < y->hit ? -1 : 1) : x->off < y->off ? -1 : x->off > y->off;
}

static void put_section(struct br_buf *out, const struct page *p, const char *heading, uint32_t section, bool caveats)
{
	bool any = false;

	for (size_t i = 0; i < p->v.n; i++) {
		const struct chosen *c = &p->v.v[i];
		if (c->caveat != caveats || (!caveats && c->section != section))
			continue;
		if (!any)
			br_buf_addf(out, "\n## %s\n\n", heading);
		any = true;
		put(out, p, i, "- ");
	}
}

static void write_page(struct draft *out, struct page *p)
{
	size_t first = summary_of(p);

	out->summary = br_wiki__summary(p->a, br_slice_str(p->v.v[first].text));
	put(&out->body, p, first, "");
	br_wiki__words_release(&p->v.v[first].words);
	memmove(&p->v.v[first], &p->v.v[first + 1], (p->v.n - first - 1) * sizeof *p->v.v);
	p->v.n--;
	if (p->v.n)
		qsort(p->v.v, p->v.n, sizeof *p->v.v, in_order);
	for (uint32_t i = 0; i < p->section.n; i++)
		put_section(&out->body, p, p->section.v[i], i, false);
	put_section(&out->body, p, "Caveats", 0, true);
}

int br_wiki__extract(struct draft *out, struct br_arena *a, const struct br_wiki_topic *topic, const struct gathered *g, struct br_err *err)
{
	struct page p = { .a = a, .topic = topic, .g = g };
	int rc = 0;

	choose(&p);
	if (!p.v.n)
		rc = br_fail(err, BR_ENOTFOUND, "no sentence about '%s'", topic->title);
	else
		write_page(out, &p);
	out->confidence = 1;
	for (size_t i = 0; i < p.v.n; i++)
		br_wiki__words_release(&p.v.v[i].words);
	br_vec_release(&p.v);
	br_vec_release(&p.section);
	return rc < 0 ? rc : br_buf_check(&out->body, "a wiki page", err);
}
