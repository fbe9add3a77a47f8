/*
 * The plan: which pages there are to be. A list that people keep, read and written as text or JSON, and topics that were found.
 */
#include "internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- lists ---- */

static int by_slug(const void *a, const void *b)
{
	const struct br_wiki_topic *x = a, *y = b;

	return strcmp(x->slug, y->slug);
}

struct alias { const char *phrase, *slug; };

static int by_phrase(const void *a, const void *b)
{
	const struct alias *x = a, *y = b;
	int d = strcmp(x->phrase, y->phrase);

	return d ? d : strcmp(x->slug, y->slug);
}

/* An alias of two topics would make both of them abstain. */
static int check_aliases(const struct br_wiki_topic *v, size_t n, struct br_err *err)
{
	BR_VEC(struct alias) all = { 0 };
	struct br_arena a = { 0 };
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		for (const char *const *s = v[i].alias; *s; s++)
			*br_vec_push(&all) = (struct alias){ br_wiki__phrase(&a, br_slice_str(*s)), v[i].slug };
	if (all.n)
		qsort(all.v, all.n, sizeof *all.v, by_phrase);
	for (size_t i = 1; i < all.n && rc == 0; i++)
		if (!strcmp(all.v[i].phrase, all.v[i - 1].phrase) && strcmp(all.v[i].slug, all.v[i - 1].slug))
			rc = br_fail(err, BR_EUSAGE, "'%s' is an alias of both '%s' and '%s'", all.v[i].phrase, all.v[i - 1].slug, all.v[i].slug);
	br_vec_release(&all);
	br_arena_release(&a);
	return rc;
}

static bool text_ok(const char *s, bool may_be_empty)
{
	struct marker m;
	size_t n = s ? strlen(s) : 0;

	return (n || may_be_empty) && n <= BR_MAX_WIKI_TITLE && br_utf8_valid(s ? s : "", n) == n && !strpbrk(s ? s : "", "\n\r|") &&
	       !br_wiki__next_marker(&m, br_slice(s, n), 0);
}

static int check_topic(const struct br_wiki_topic *t, struct br_err *err)
{
	size_t n = 0;

	if (!br_wiki_slug_ok(t->slug, err))
		return -BR_EUSAGE;
	if (!text_ok(t->title, false) || !text_ok(t->category, true))
		return br_fail(err, BR_EUSAGE, "topic '%s': title and category must be one line of at most %d bytes without '|'", t->slug, BR_MAX_WIKI_TITLE);
	for (; t->alias[n]; n++)
		if (!text_ok(t->alias[n], false) || strchr(t->alias[n], ','))
			return br_fail(err, BR_EUSAGE, "topic '%s': an alias must be 1 to %d bytes without ',' and '|'", t->slug, BR_MAX_WIKI_TITLE);
	return n > BR_MAX_WIKI_ALIASES ? br_fail(err, BR_ETOOBIG, "topic '%s': more than %d aliases", t->slug, BR_MAX_WIKI_ALIASES) : 0;
}

static int check_list(const struct br_wiki_topic *v, size_t n, struct br_err *err)
{
	struct br_wiki_topic *sorted = br_allocn(n + 1, sizeof *sorted);
	int rc = 0;

	if (n > BR_MAX_WIKI_TOPICS)
		rc = br_fail(err, BR_ETOOBIG, "more than %d topics", BR_MAX_WIKI_TOPICS);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = check_topic(&v[i], err);
	if (n)
		memcpy(sorted, v, n * sizeof *v);
	qsort(sorted, n, sizeof *sorted, by_slug);
	for (size_t i = 1; i < n && rc == 0; i++)
		if (!strcmp(sorted[i].slug, sorted[i - 1].slug))
			rc = br_fail(err, BR_EUSAGE, "topic '%s' stands twice in the list", sorted[i].slug);
	free(sorted);
	return rc < 0 ? rc : check_aliases(v, n, err);
}

/* ---- reading lists ---- */

static const char *cell(struct br_arena *a, struct br_slice *rest)
{
	const char *bar = rest->len ? memchr(rest->ptr, '|', rest->len) : NULL;
	struct br_slice s = br_wiki__trim(br_slice(rest->ptr, bar ? (size_t)(bar - rest->ptr) : rest->len));

	*rest = bar ? br_slice(bar + 1, rest->len - (size_t)(bar + 1 - rest->ptr)) : br_slice("", 0);
	return br_wiki__one_line(a, s);
}

static const char *const *split_aliases(struct br_arena *a, const char *s)
{
	const char *const *out;
	strings v = { 0 };

	while (*s) {
		size_t n = strcspn(s, ",");
		const char *one = br_wiki__one_line(a, br_slice(s, n));
		if (*one)
			*br_vec_push(&v) = one;
		s += n + (s[n] != '\0');
	}
	out = br_wiki__list(a, &v);
	br_vec_release(&v);
	return out;
}

/* A title from "return-policy". */
static const char *title_of(struct br_arena *a, const char *slug)
{
	char *s = br_arena_strdup(a, slug);

	for (char *p = s; *p; p++)
		*p = (char)(*p == '-' ? ' ' : p == s ? toupper((unsigned char)*p) : *p);
	return s;
}

static int parse_lines(struct br_wiki_topics *out, struct br_arena *a, struct br_slice text, const char *name, struct br_err *err)
{
	unsigned line = 1;

	for (size_t at = 0; at < text.len; line++) {
		const char *nl = memchr(text.ptr + at, '\n', text.len - at);
		size_t n = nl ? (size_t)(nl - text.ptr) - at : text.len - at;
		struct br_slice s = br_wiki__trim(br_slice(text.ptr + at, n));
		struct br_wiki_topic t = { .manual = true };
		struct br_err why;
		at += n + 1;
		if (!s.len || s.ptr[0] == '#')
			continue;
		t.slug = cell(a, &s);
		t.title = cell(a, &s);
		t.alias = split_aliases(a, cell(a, &s));
		t.category = cell(a, &s);
		if (!t.title[0])
			t.title = title_of(a, t.slug);
		if (check_topic(&t, &why) < 0)
			return br_fail(err, BR_EINPUT, "%s: line %u: %s", name, line, why.msg);
		*br_vec_push(&out->v) = t;
	}
	return 0;
}

static const char *const *json_aliases(struct br_arena *a, const struct br_jval *v)
{
	const char *const *out;
	strings s = { 0 };

	for (const struct br_jval *x = v ? br_jval_first(v) : NULL; x; x = br_jval_next(x))
		if (br_jval_str(x) && *br_wiki__one_line(a, br_slice_str(br_jval_str(x))))
			*br_vec_push(&s) = br_wiki__one_line(a, br_slice_str(br_jval_str(x)));
	out = br_wiki__list(a, &s);
	br_vec_release(&s);
	return out;
}

/* lenient: topics that make no sense are left out, as models have some. */
static int parse_json(struct br_wiki_topics *out, struct br_arena *a, struct br_slice text, const char *name, bool lenient, struct br_err *err)
{
	struct br_jdoc *d;
	unsigned n = 0;
	int rc = br_jdoc_parse(&d, text, name, err);

	if (rc < 0)
		return rc;
	if (br_jval_type(br_jdoc_root(d)) != BR_J_ARR)
		rc = br_fail(err, BR_EINPUT, "%s: no array of topics", name);
	for (const struct br_jval *v = rc == 0 ? br_jval_first(br_jdoc_root(d)) : NULL; v && rc == 0; v = br_jval_next(v)) {
		const char *slug = br_jval_str(br_jval_get(v, "slug")), *title = br_jval_str(br_jval_get(v, "title"));
		const char *category = br_jval_str(br_jval_get(v, "category"));
		struct br_wiki_topic t = { .manual = true, .slug = br_arena_strdup(a, slug ? slug : "") };
		struct br_err why;
		n++;
		t.title = title && *title ? br_wiki__one_line(a, br_slice_str(title)) : title_of(a, t.slug);
		t.alias = json_aliases(a, br_jval_get(v, "aliases"));
		t.category = br_wiki__one_line(a, br_slice_str(category ? category : ""));
		if (check_topic(&t, &why) == 0)
			*br_vec_push(&out->v) = t;
		else if (!lenient)
			rc = br_fail(err, BR_EINPUT, "%s: topic %u: %s", name, n, why.msg);
	}
	br_jdoc_free(d);
	return rc;
}

int br_wiki_plan_parse(struct br_wiki_topics *out, struct br_arena *a, struct br_slice text, const char *name, struct br_err *err)
{
	struct br_slice s = br_wiki__trim(text);
	int rc;

	*out = (struct br_wiki_topics){ 0 };
	if (text.len > BR_MAX_WIKI_PLAN)
		return br_fail(err, BR_ETOOBIG, "%s: more than %u bytes", name, BR_MAX_WIKI_PLAN);
	if (br_utf8_valid(text.ptr, text.len) != text.len || memchr(text.ptr, 0, text.len))
		return br_fail(err, BR_EINPUT, "%s: not UTF-8 text", name);
	rc = s.len && strchr("[{", s.ptr[0]) ? parse_json(out, a, s, name, false, err) : parse_lines(out, a, text, name, err);
	if (rc < 0)
		br_vec_release(&out->v);
	return rc;
}

int br_wiki__plan_json(struct br_wiki_topics *out, struct br_arena *a, struct br_slice text, const char *name, struct br_err *err)
{
	int rc = parse_json(out, a, text, name, true, err);

	if (rc < 0)
		br_vec_release(&out->v);
	return rc;
}

void br_wiki_plan_write(struct br_buf *out, const struct br_wiki_topics *t)
{
	for (size_t i = 0; i < t->v.n; i++) {
		const struct br_wiki_topic *x = &t->v.v[i];
		br_buf_addf(out, "%s | %s |", x->slug, x->title);
		for (const char *const *s = x->alias; *s; s++)
			br_buf_addf(out, "%s %s", s == x->alias ? "" : ",", *s);
		br_buf_addf(out, " | %s", x->category);
		while (out->len && strchr("| ", out->ptr[out->len - 1]))
			out->ptr[--out->len] = '\0';
		br_buf_addc(out, '\n');
	}
}

/* ---- what is kept ---- */

struct reading { struct br_wiki_topics *out; struct br_arena *a; };

static int copy_topic(const struct br_wiki_topic *t, void *arg)
{
	struct reading *r = arg;
	struct br_wiki_topic *x = br_vec_push(&r->out->v);
	strings alias = { 0 };

	for (const char *const *s = t->alias; *s; s++)
		*br_vec_push(&alias) = br_arena_strdup(r->a, *s);
	*x = (struct br_wiki_topic){ .slug = br_arena_strdup(r->a, t->slug), .title = br_arena_strdup(r->a, t->title), .alias = br_wiki__list(r->a, &alias),
		.category = br_arena_strdup(r->a, t->category), .manual = t->manual };
	br_vec_release(&alias);
	return 0;
}

int br_wiki_plan_get(struct br_wiki_topics *out, struct br_arena *a, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct reading r = { out, a };
	int rc;

	*out = (struct br_wiki_topics){ 0 };
	if ((rc = br_wiki__topics(t, nb, copy_topic, &r, err)) < 0)
		br_vec_release(&out->v);
	return rc;
}

struct change { uint32_t nb; const struct br_wiki_topic *v; size_t n; bool manual; };

static bool has_slug(const struct br_wiki_topic *v, size_t n, const char *slug)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(v[i].slug, slug))
			return true;
	return false;
}

/* All topics of one kind give way to the list; of the others those with a slug of the list, when the list is of people. */
static int replace(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct change *c = arg;
	struct br_wiki_topics old = { 0 };
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc = br_nb_by_number(&nb, &a, t, c->nb, err);

	if (rc == 0)
		rc = br_wiki_plan_get(&old, &a, t, c->nb, err);
	for (size_t i = 0; i < old.v.n && rc == 0; i++)
		if (old.v.v[i].manual == c->manual)
			rc = br_wiki__topic_del(t, c->nb, old.v.v[i].slug, err);
	for (size_t i = 0; i < c->n && rc == 0; i++) {
		struct br_wiki_topic topic = c->v[i], there;
		topic.manual = c->manual;
		if (!c->manual && (rc = br_wiki__topic_get(&there, &a, t, c->nb, topic.slug, err)) > 0) {
			rc = 0; /* of people: it stays */
			continue;
		}
		if (rc == 0)
			rc = br_wiki__topic_put(t, c->nb, &topic, err);
	}
	if (rc == 0)
		rc = br_wiki__touch(t, c->nb, err);
	br_vec_release(&old.v);
	br_arena_release(&a);
	return rc;
}

int br_wiki_plan_set(struct br_ws *ws, uint32_t nb, const struct br_wiki_topic *v, size_t n, struct br_err *err)
{
	struct change c = { nb, v, n, true };
	int rc = check_list(v, n, err);

	return rc < 0 ? rc : br_store_write(ws->store, replace, &c, err);
}

/* ---- planning ---- */

/* Out go topics that cannot be stored, second ones of a slug, and aliases that another topic, or one of people, has first. */
static void clean(struct br_wiki_topics *t, struct br_arena *a, const struct br_wiki_topics *manual)
{
	strings phrases = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < manual->v.n; i++)
		for (const char *const *s = manual->v.v[i].alias; *s; s++)
			*br_vec_push(&phrases) = br_wiki__phrase(a, br_slice_str(*s));
	for (size_t i = 0; i < t->v.n; i++) {
		struct br_wiki_topic x = t->v.v[i];
		strings alias = { 0 };
		if (check_topic(&x, NULL) < 0 || has_slug(t->v.v, n, x.slug) || has_slug(manual->v.v, manual->v.n, x.slug))
			continue;
		for (const char *const *s = x.alias; *s && alias.n < BR_MAX_WIKI_ALIASES; s++) {
			const char *phrase = br_wiki__phrase(a, br_slice_str(*s));
			bool known = !*phrase;
			for (size_t k = 0; k < phrases.n; k++)
				known |= !strcmp(phrases.v[k], phrase);
			if (!known) {
				*br_vec_push(&alias) = *s;
				*br_vec_push(&phrases) = phrase;
			}
		}
		x.alias = br_wiki__list(a, &alias);
		br_vec_release(&alias);
		t->v.v[n++] = x;
	}
	t->v.n = n;
	br_vec_release(&phrases);
}

struct source { struct br_wiki_topics found, manual; struct br_buf digest; };

static int look(struct source *s, struct br_arena *a, struct br_ws *ws, uint32_t number, bool model, struct br_err *err)
{
	struct br_wiki_topics all;
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_nb_by_number(&nb, a, t, number, err)) == 0 && (rc = br_wiki_plan_get(&all, a, t, number, err)) == 0) {
		for (size_t i = 0; i < all.v.n; i++)
			if (all.v.v[i].manual)
				*br_vec_push(&s->manual.v) = all.v.v[i];
		br_vec_release(&all.v);
		rc = br_wiki__topics_find(&s->found, a, t, nb, err);
		if (rc == 0 && model)
			rc = br_wiki__digest(&s->digest, t, number, err);
	}
	br_txn_end(t);
	return rc;
}

/* A model that fails, or answers with something else, is no reason to have no plan. */
static int ask_plan(struct source *s, struct br_arena *a, const struct br_wiki_model *model, struct br_err *err)
{
	struct br_wiki_topics asked = { 0 };
	struct br_err why = { 0 };
	int rc = br_wiki__ask_plan(&asked, a, br_buf_slice(&s->digest), model, &why);

	if (rc == -BR_ECANCELLED)
		return br_fail(err, why.code, "%s", why.msg);
	if (rc < 0 || !asked.v.n) {
		br_log(BR_LOG_WARN, "the wiki is planned without the model: %s", rc < 0 ? why.msg : "it named no topic");
		br_vec_release(&asked.v);
		return 0;
	}
	br_vec_release(&s->found.v);
	s->found = asked;
	return 0;
}

int br_wiki__plan_make(struct br_wiki_topics *out, struct br_arena *a, struct br_ws *ws, uint32_t nb, const struct br_wiki_model *model, struct br_err *err)
{
	struct source s = { .digest = BR_BUF_INIT(BR_MAX_PROMPT / 2) };
	int rc = look(&s, a, ws, nb, model != NULL, err);

	if (rc == 0 && model)
		rc = ask_plan(&s, a, model, err);
	if (rc == 0) {
		struct change c = { nb, NULL, 0, false };
		clean(&s.found, a, &s.manual);
		c.v = s.found.v.v;
		c.n = s.found.v.n;
		for (size_t i = 0; i < c.n; i++)
			s.found.v.v[i].manual = false;
		rc = br_store_write(ws->store, replace, &c, err);
	}
	br_vec_release(&s.manual.v);
	br_buf_release(&s.digest);
	if (rc < 0)
		br_vec_release(&s.found.v);
	*out = s.found;
	return rc;
}

int br_wiki_plan_make(struct br_wiki_topics *out, struct br_arena *a, struct br_ws *ws, uint32_t nb, const struct br_wiki_model *model, struct br_err *err)
{
	struct br_lock lock = { 0 };
	int rc = br_wiki__lock(&lock, ws, nb, err);

	*out = (struct br_wiki_topics){ 0 };
	if (rc == 0)
		rc = br_wiki__plan_make(out, a, ws, nb, model, err);
	br_lock_drop(&lock);
	return rc;
}
