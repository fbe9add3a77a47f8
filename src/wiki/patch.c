/*
 * Patches: facts that somebody verified, merged into a page and put back after every compile. The rules P1 to P9 are in br-wiki(1).
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>

static const double LEAST_CONFIDENCE = 0.5;
enum { KEY_BYTES = 60, KEY_WORDS = 5, SUMMARY = 80 };

/* ---- lines of a body ---- */

struct line { struct br_slice text; bool heading; };
typedef BR_VEC(struct line) lines;

static void split(lines *out, struct br_slice body)
{
	for (size_t at = 0; at < body.len;) {
		const char *nl = memchr(body.ptr + at, '\n', body.len - at);
		size_t len = nl ? (size_t)(nl - body.ptr) - at : body.len - at;
		struct br_slice heading, text = br_slice(body.ptr + at, len);
		*br_vec_push(out) = (struct line){ text, br_wiki__heading(&heading, text) };
		at += len + 1;
	}
}

static bool is_blank(struct br_slice s) { return !br_wiki__trim(s).len; }

static void put_line(struct br_buf *out, struct br_slice s)
{
	br_buf_add(out, s.ptr, s.len);
	br_buf_addc(out, '\n');
}

/* Lines of the section: those behind its heading, up to the next one. */
static bool find_section(size_t *from, size_t *end, struct br_arena *a, const lines *l, const char *section)
{
	const char *want = br_wiki_slugify(a, section);

	*from = *end = l->n;
	for (size_t i = 0; i < l->n; i++) {
		struct br_slice h;
		if (!l->v[i].heading || !br_wiki__heading(&h, l->v[i].text) || strcmp(br_wiki_slugify(a, br_arena_strndup(a, h.ptr, h.len)), want))
			continue;
		*from = i + 1;
		for (*end = i + 1; *end < l->n && !l->v[*end].heading; ++*end)
			;
		return true;
	}
	return false;
}

/* ---- what a line gives way to ---- */

/* "CEO" of "- **CEO**: Anna", as a phrase; "" none. */
static const char *key_of(struct br_arena *a, struct br_slice line)
{
	struct br_slice s = br_wiki__trim(line);
	size_t n = 0, words = 1;

	while (s.len && strchr("-*+ \t", s.ptr[0]))
		s = br_slice(s.ptr + 1, s.len - 1);
	while (n < s.len && n < KEY_BYTES && s.ptr[n] != ':' && !(n + 3 <= s.len && !memcmp(s.ptr + n, "\xef\xbc\x9a", 3))) {
		if (strchr(".!?[", s.ptr[n]))
			return "";
		words += s.ptr[n++] == ' ';
	}
	return n == s.len || n == KEY_BYTES || words > KEY_WORDS ? "" : br_wiki__phrase(a, br_slice(s.ptr, n));
}

/* The line without claims that the patch contradicts; false when nothing of it is left. */
static bool without_contradicted(struct br_buf *out, struct br_slice line, const struct judged *fact, uint32_t *superseded)
{
	size_t at = 0, kept = 0;
	struct claims c;

	br_wiki__claims(&c, line);
	for (size_t i = 0; i < c.v.n; i++) {
		const struct claim *x = &c.v.v[i];
		size_t from = (size_t)(x->text.ptr - line.ptr), to = from + x->text.len;
		struct judged j;
		br_wiki__judged(&j, x->text);
		if (br_wiki__compare(&j, fact) != BR_CONTRADICTION) {
			kept++;
			continue;
		}
		if (x->markers) { /* markers of a line are counted from the line's beginning */
			const struct marker *m = &c.m.v[x->first_marker + x->markers - 1];
			to = m->off + m->len;
		}
		br_buf_add(out, line.ptr + at, from - at);
		at = to;
		++*superseded;
	}
	br_buf_add(out, line.ptr + at, line.len - at);
	br_wiki__claims_release(&c);
	return kept > 0 || at == 0;
}

static void put_section(struct br_buf *out, struct br_arena *a, const lines *l, size_t from, size_t to, const struct br_wiki_patch *p, uint32_t *superseded)
{
	const char *key = key_of(a, br_slice_str(p->content));
	struct judged fact;

	br_wiki__judged(&fact, br_slice_str(p->content));
	for (size_t i = from; i < to; i++) {
		struct br_buf rest = BR_BUF_INIT(SIZE_MAX);
		if (key[0] && !strcmp(key_of(a, l->v[i].text), key))
			++*superseded;
		else if (without_contradicted(&rest, l->v[i].text, &fact, superseded))
			put_line(out, br_buf_slice(&rest));
		br_buf_release(&rest);
	}
}

/* ---- merging ---- */

/* Every sentence gets the marker, so that none is without. */
static void put_fact(struct br_buf *out, struct br_arena *a, const struct br_wiki_patch *p)
{
	struct br_slice text = br_slice_str(br_wiki__one_line(a, br_slice_str(p->content)));
	struct br_range r;
	size_t pos = 0;

	br_buf_addc(out, '-');
	while (br_sentence_next(&r, text, &pos)) {
		br_buf_addc(out, ' ');
		br_buf_add(out, text.ptr + r.off, r.len);
		br_buf_addf(out, " [claim_%s]", p->claim);
	}
	br_buf_addc(out, '\n');
}

/* "leadership-team" is a heading "Leadership team"; anything else stands as it is. */
static void put_heading(struct br_buf *out, const char *section)
{
	size_t at;

	br_buf_adds(out, "## ");
	at = out->len;
	br_buf_adds(out, section);
	if (!br_wiki_slug_ok(section, NULL) || out->failed)
		return;
	out->ptr[at] = (char)toupper((unsigned char)out->ptr[at]);
	for (size_t i = at; i < out->len; i++)
		out->ptr[i] = out->ptr[i] == '-' ? ' ' : out->ptr[i];
}

static void apply_one(struct br_buf *out, struct br_slice body, const struct br_wiki_patch *p, uint32_t *superseded)
{
	struct br_arena a = { 0 };
	lines l = { 0 };
	size_t from, to, last;
	bool there;

	split(&l, body);
	there = find_section(&from, &to, &a, &l, p->section);
	for (last = to; last > from && is_blank(l.v[last - 1].text); last--)
		;
	for (size_t i = 0; i < from; i++)
		put_line(out, l.v[i].text);
	if (!there) {
		br_buf_adds(out, out->len ? "\n" : "");
		put_heading(out, p->section);
		br_buf_addc(out, '\n');
	}
	if (from == last)
		br_buf_addc(out, '\n');
	put_section(out, &a, &l, from, last, p, superseded);
	put_fact(out, &a, p);
	for (size_t i = last; i < l.n; i++)
		put_line(out, l.v[i].text);
	br_vec_release(&l);
	br_arena_release(&a);
}

void br_wiki__apply(struct br_buf *out, const char *base, const struct br_wiki_patches *p, uint32_t *superseded)
{
	struct br_buf body = BR_BUF_INIT(BR_MAX_WIKI_BODY);
	uint32_t n = 0;

	br_buf_adds(&body, base);
	for (size_t i = 0; i < p->v.n; i++) {
		struct br_buf next = BR_BUF_INIT(BR_MAX_WIKI_BODY);
		n = 0;
		apply_one(&next, br_buf_slice(&body), &p->v.v[i], &n);
		br_buf_release(&body);
		body = next;
	}
	if (superseded)
		*superseded = n; /* by the last one */
	br_buf_add(out, body.ptr, body.len);
	if (body.failed)
		out->failed = body.failed;
	br_buf_release(&body);
}

/* ---- one patch ---- */

static bool claim_ok(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("_-.:", s[i]))
			return false;
	return n && n <= BR_MAX_WIKI_CLAIM;
}

static bool text_ok(const char *s, size_t most)
{
	struct marker m;
	size_t n = s ? strlen(s) : 0;

	return n && n <= most && br_utf8_valid(s, n) == n && br_wiki__trim(br_slice(s, n)).len && !br_wiki__next_marker(&m, br_slice(s, n), 0);
}

static int check(const struct br_wiki_patch *p, struct br_err *err)
{
	if (!br_wiki_slug_ok(p->slug, err))
		return -BR_EUSAGE;
	if (!claim_ok(p->claim))
		return br_fail(err, BR_EUSAGE, "the id of the claim must be 1 to %d letters, digits, '_', '-', '.' or ':'", BR_MAX_WIKI_CLAIM);
	if (!text_ok(p->section, BR_MAX_WIKI_TITLE) || strpbrk(p->section, "\n\r#"))
		return br_fail(err, BR_EUSAGE, "the section must be a heading of 1 to %d bytes", BR_MAX_WIKI_TITLE);
	if (!text_ok(p->content, BR_MAX_WIKI_PATCH) || p->content[0] == '#')
		return br_fail(err, BR_EUSAGE, "the content must be 1 to %d bytes of text without markers and headings", BR_MAX_WIKI_PATCH);
	if (!(p->confidence >= LEAST_CONFIDENCE && p->confidence <= 1))
		return br_fail(err, BR_EUSAGE, "confidence must be between %.1f and 1", LEAST_CONFIDENCE);
	return 0;
}

struct change {
	struct br_ws *ws;
	uint32_t nb;
	struct br_wiki_patch patch;
	struct br_wiki_patched *out;
	struct br_arena *a;
};

/* A page made of nothing but this patch. */
static void new_page(struct version *v, struct head *h, struct br_arena *a, const struct br_wiki_patch *p)
{
	static const char *const none[] = { NULL };
	char *title = br_arena_strdup(a, p->slug);

	for (char *s = title; *s; s++)
		*s = (char)(*s == '-' ? ' ' : s == title ? toupper((unsigned char)*s) : *s);
	if (!h->slug)
		*h = (struct head){ .slug = p->slug, .title = "", .summary = "", .alias = none };
	h->patched = true;
	*v = (struct version){ .base = "" };
	v->p = (struct br_wiki_page){ .slug = p->slug, .title = title, .alias = none, .category = "", .tags = none, .doc_id = none, .confidence = p->confidence,
		.compiled_by = PLAIN_NAME, .compiled_prompt = PROMPT_PLAIN, .why = "", .body = "" };
	v->p.summary = br_wiki__summary(a, br_slice_str(br_wiki__one_line(a, br_slice_str(p->content))));
}

static int load(struct version *v, struct head *h, struct br_arena *a, struct br_txn *t, struct change *c, struct br_err *err)
{
	struct br_wiki_topic topic;
	int rc = br_wiki__head_get(h, a, t, c->nb, c->patch.slug, err);

	if (rc > 0 && !h->deleted)
		return br_wiki__version_get(v, a, t, c->nb, h->slug, h->published ? h->published : h->newest, err);
	if (rc == 0)
		h->slug = NULL;
	if (rc >= 0 && !c->patch.create)
		return br_fail(err, BR_ENOTFOUND, "no wiki page '%s'", c->patch.slug);
	if (rc < 0)
		return rc;
	new_page(v, h, a, &c->patch);
	if ((rc = br_wiki__topic_get(&topic, a, t, c->nb, c->patch.slug, err)) > 0) { /* planned, and no passages so far */
		v->p.title = topic.title;
		v->p.alias = topic.alias;
		v->p.category = topic.category;
	}
	return BR_MIN(rc, 0);
}

/* The list with this patch in the place of one of the same claim. 1: it says the same already. */
static int merge(struct br_wiki_patches *list, const struct br_wiki_patch *p, struct br_err *err)
{
	for (size_t i = 0; i < list->v.n; i++) {
		struct br_wiki_patch *old = &list->v.v[i];
		if (strcmp(old->claim, p->claim))
			continue;
		if (!strcmp(old->section, p->section) && !strcmp(old->content, p->content))
			return 1;
		memmove(old, old + 1, (list->v.n - i - 1) * sizeof *old);
		list->v.v[list->v.n - 1] = *p;
		return 0;
	}
	if (list->v.n >= BR_MAX_WIKI_PATCHES)
		return br_fail(err, BR_ETOOBIG, "page '%s' has %d patches, the most there may be", p->slug, BR_MAX_WIKI_PATCHES);
	*br_vec_push(&list->v) = *p;
	return 0;
}

static void tell(struct br_wiki_patched *out, struct br_arena *a, const struct br_wiki_page *p, uint32_t published)
{
	struct br_wiki_error *e = br_arena_zalloc(a, (p->n_errors + 1) * sizeof *e);

	for (size_t i = 0; i < p->n_errors; i++)
		e[i] = (struct br_wiki_error){ p->error[i].code, p->error[i].blocks, br_arena_strdup(a, p->error[i].text) };
	out->version = p->version;
	out->lint_status = p->lint_status;
	out->live = published == p->version && p->lint_status == BR_WIKI_PASSED;
	out->error = e;
	out->n_errors = p->n_errors;
}

static int write_version(struct br_txn *t, struct change *c, struct version *v, struct head *h, struct br_arena *a, const struct br_wiki_patches *list, struct br_err *err)
{
	struct br_buf body = BR_BUF_INIT(BR_MAX_WIKI_BODY);
	int rc;

	br_wiki__apply(&body, v->base, list, &c->out->superseded);
	if ((rc = br_buf_check(&body, "a wiki page", err)) == 0) {
		v->p.body = br_arena_strndup(a, body.ptr, body.len);
		v->p.token_count = br_wiki_token_count(br_buf_slice(&body));
		v->p.compiled_at = c->patch.at;
		v->p.reason = "patch";
		v->p.actor = c->patch.actor ? c->patch.actor : "";
		c->patch.version = h->newest + 1;
		if ((rc = br_wiki__patch_put(t, c->nb, &c->patch, err)) == 0 && (rc = br_wiki__lint_version(v, a, t, c->nb, err)) == 0)
			rc = br_wiki__add_version(t, c->ws, c->nb, h, v, err);
	}
	br_buf_release(&body);
	return rc;
}

static int patch(struct br_txn *t, void *arg, struct br_err *err)
{
	struct change *c = arg;
	struct br_arena a = { 0 };
	struct br_wiki_patches list = { 0 };
	struct version v;
	struct br_nb *nb;
	struct head h;
	int rc = br_nb_by_number(&nb, &a, t, c->nb, err), same = 0;

	c->out->superseded = 0;
	if (rc == 0 && (rc = load(&v, &h, &a, t, c, err)) == 0 && (rc = br_wiki_patches(&list, &a, t, c->nb, c->patch.slug, err)) == 0 &&
	    (rc = same = merge(&list, &c->patch, err)) >= 0) {
		if (same && h.newest && !h.deleted)
			rc = br_wiki__version_get(&v, &a, t, c->nb, h.slug, h.newest, err);
		else
			rc = write_version(t, c, &v, &h, &a, &list, err);
	}
	if (rc == 0 && (rc = br_wiki__finish(&v, &a, t, nb, &h, err)) == 0)
		tell(c->out, c->a, &v.p, h.published);
	br_vec_release(&list.v);
	br_arena_release(&a);
	return rc;
}

int br_wiki_patch(struct br_wiki_patched *out, struct br_arena *a, struct br_ws *ws, uint32_t nb, const struct br_wiki_patch *p, struct br_err *err)
{
	struct change c = { .ws = ws, .nb = nb, .patch = *p, .out = out, .a = a };
	int rc = check(p, err);

	*out = (struct br_wiki_patched){ 0 };
	if (rc < 0)
		return rc;
	c.patch.content = br_wiki__one_line(a, br_slice_str(p->content));
	c.patch.section = br_wiki__one_line(a, br_slice_str(p->section));
	c.patch.actor = p->actor ? p->actor : "";
	c.patch.at = br_now();
	return br_store_write(ws->store, patch, &c, err);
}
