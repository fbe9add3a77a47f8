/*
 * Lint: E1 the same fact twice, E2 a claim without a citation, E3 a contradiction within the page, E4 one with another page. E5, a
 * passage that was deleted, is found whenever a page is read (page.c).
 */
#include "internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const double SAME_FACT = 0.9, ENOUGH_MARKED = 0.8;
enum { SAME_WORDS = 4, SHOWN = 100 };

struct lint {
	struct br_arena *a;
	struct claims c;
	struct judged *judged;         /* of each claim */
	BR_VEC(struct br_wiki_error) error;
	bool blocks;
};

BR_PRINTF(4, 5)
static void find(struct lint *l, uint8_t code, bool blocks, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	l->blocks |= blocks;
	if (l->error.n >= BR_MAX_WIKI_ERRORS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	text[br_utf8_valid(text, strlen(text))] = '\0'; /* cut within a character */
	*br_vec_push(&l->error) = (struct br_wiki_error){ code, blocks, br_arena_strdup(l->a, text) };
}

static int shown(struct br_slice s) { return (int)br_wiki__cut(s, SHOWN); }

/* ---- E1 ---- */

static void find_repeated(struct lint *l)
{
	struct word_set *w = br_allocn(l->c.v.n + 1, sizeof *w);

	for (size_t i = 0; i < l->c.v.n; i++) {
		br_wiki__words(&w[i], l->c.v.v[i].text);
		for (size_t k = 0; k < i; k++)
			if (w[i].n >= SAME_WORDS && br_wiki__overlap(&w[i], &w[k], true) >= SAME_FACT) {
				struct br_slice s = l->c.v.v[i].text;
				find(l, 1, false, "stated repeatedly: \"%.*s\"", shown(s), s.ptr);
				break;
			}
	}
	for (size_t i = 0; i < l->c.v.n; i++)
		br_wiki__words_release(&w[i]);
	free(w);
}

/* ---- E2 ---- */

/* Digits, list items, and names: a capital behind the first word. */
static bool needs_marker(const struct claim *c)
{
	bool word = false, first = true;

	for (size_t i = 0; i < c->text.len; i++) {
		unsigned char ch = (unsigned char)c->text.ptr[i];
		if (isdigit(ch) || (isupper(ch) && !word && !first))
			return true;
		if (word && !isalnum(ch) && ch < 0x80)
			first = false;
		word = isalnum(ch) || ch >= 0x80;
	}
	return c->item;
}

static bool is_known(const struct marker *m, const struct br_wiki_page *p, const struct br_wiki_patches *patches)
{
	for (size_t i = 0; i < p->n_sources && !m->patch; i++)
		if (!memcmp(p->source[i].chunk, m->id.ptr, 32))
			return true;
	for (size_t i = 0; i < patches->v.n && m->patch; i++)
		if (br_slice_eq(br_slice_str(patches->v.v[i].claim), m->id))
			return true;
	return false;
}

static void find_uncited(struct lint *l, const struct br_wiki_page *p, const struct br_wiki_patches *patches)
{
	size_t cited = 0;

	for (size_t i = 0; i < l->c.v.n; i++) {
		const struct claim *c = &l->c.v.v[i];
		bool any = false;
		for (uint32_t k = 0; k < c->markers; k++) {
			const struct marker *m = &l->c.m.v[c->first_marker + k];
			if (is_known(m, p, patches))
				any = true;
			else
				find(l, 2, true, "cites what the page does not have: [%s_%.*s]", m->patch ? "claim" : "chunk", (int)m->id.len, m->id.ptr);
		}
		cited += any;
		if (!any && !c->markers && needs_marker(c))
			find(l, 2, true, "no citation: \"%.*s\"", shown(c->text), c->text.ptr);
	}
	if (!l->c.v.n)
		find(l, 2, true, "the page says nothing");
	else if ((double)cited < ENOUGH_MARKED * (double)l->c.v.n)
		find(l, 2, true, "%zu of %zu claims have a citation, fewer than %.0f%%", cited, l->c.v.n, 100 * ENOUGH_MARKED);
}

/* ---- E3, E4 ---- */

static bool is_caveat(const struct claims *c, size_t i) { return br_wiki__is_caveats(c->section.v[c->v.v[i].section]); }

static void judge_all(struct lint *l)
{
	l->judged = br_allocn(l->c.v.n + 1, sizeof *l->judged);
	for (size_t i = 0; i < l->c.v.n; i++)
		br_wiki__judged(&l->judged[i], l->c.v.v[i].text);
}

/* Under "Caveats" a page says itself that its sources contradict each other. */
static void find_contradictions(struct lint *l)
{
	for (size_t i = 0; i < l->c.v.n; i++)
		for (size_t k = 0; k < i; k++) {
			struct br_slice x = l->c.v.v[k].text, y = l->c.v.v[i].text;
			if (!is_caveat(&l->c, i) && !is_caveat(&l->c, k) && br_wiki__compare(&l->judged[i], &l->judged[k]) == BR_CONTRADICTION)
				find(l, 3, true, "contradiction: \"%.*s\" and \"%.*s\"", shown(x), x.ptr, shown(y), y.ptr);
		}
}

static void against(struct lint *l, const char *slug, const char *body)
{
	struct claims c;

	br_wiki__claims(&c, br_slice_str(body));
	for (size_t i = 0; i < c.v.n; i++) {
		struct judged j;
		if (is_caveat(&c, i))
			continue;
		br_wiki__judged(&j, c.v.v[i].text);
		for (size_t k = 0; k < l->c.v.n; k++) {
			struct br_slice x = l->c.v.v[k].text, y = c.v.v[i].text;
			if (!is_caveat(&l->c, k) && br_wiki__compare(&l->judged[k], &j) == BR_CONTRADICTION)
				find(l, 4, false, "contradicts page '%s': \"%.*s\" and \"%.*s\"", slug, shown(x), x.ptr, shown(y), y.ptr);
		}
	}
	br_wiki__claims_release(&c);
}

struct others { struct lint *l; struct br_txn *t; uint32_t nb; const char *slug; struct br_err *err; };

static int other_page(const struct head *h, void *arg)
{
	struct others *o = arg;
	struct br_arena a = { 0 };
	struct version v;
	int rc;

	if (h->deleted || !h->published || !strcmp(h->slug, o->slug))
		return 0;
	if ((rc = br_wiki__version_get(&v, &a, o->t, o->nb, h->slug, h->published, o->err)) == 0)
		against(o->l, h->slug, v.p.body);
	br_arena_release(&a);
	return rc;
}

/* ---- one version ---- */

static void keep_errors(struct version *v, struct lint *l)
{
	struct br_wiki_error *e = br_arena_zalloc(l->a, (l->error.n + 1) * sizeof *e);

	if (l->error.n)
		memcpy(e, l->error.v, l->error.n * sizeof *e);
	v->p.error = e;
	v->p.n_errors = l->error.n;
	v->p.lint_status = l->blocks ? BR_WIKI_FAILED : BR_WIKI_PASSED;
}

int br_wiki__lint_version(struct version *v, struct br_arena *a, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_wiki_patches patches;
	struct lint l = { .a = a };
	struct others o = { &l, t, nb, v->p.slug, err };
	struct br_arena scratch = { 0 };
	int rc = br_wiki_patches(&patches, a, t, nb, v->p.slug, err);

	if (rc == 0) {
		br_wiki__claims(&l.c, br_slice_str(v->p.body));
		judge_all(&l);
		find_repeated(&l);
		find_uncited(&l, &v->p, &patches);
		find_contradictions(&l);
		rc = br_wiki__heads(&scratch, t, nb, other_page, &o, err);
	}
	if (rc == 0)
		keep_errors(v, &l);
	br_arena_release(&scratch);
	br_wiki__claims_release(&l.c);
	br_vec_release(&l.error);
	br_vec_release(&patches.v);
	free(l.judged);
	return rc;
}

/* ---- all pages ---- */

struct pass {
	struct br_ws *ws;
	uint32_t nb;
	const struct br_wiki_lint_opts *opts;
	struct br_wiki_linted *out;
	strings slug;
	struct br_arena *a;
};

static int add_slug(const struct head *h, void *arg)
{
	struct pass *p = arg;

	if (!h->deleted)
		*br_vec_push(&p->slug) = h->slug;
	return 0;
}

static bool same_errors(const struct br_wiki_page *a, const struct br_wiki_page *b)
{
	if (a->lint_status != b->lint_status || a->n_errors != b->n_errors)
		return false;
	for (size_t i = 0; i < a->n_errors; i++)
		if (a->error[i].code != b->error[i].code || strcmp(a->error[i].text, b->error[i].text))
			return false;
	return true;
}

struct relint { struct pass *p; const char *slug; bool write, changed; struct version v; struct head h; struct br_arena a; };

/* Looks at the newest version; when what is known of it changes, it is written by a second call that may. */
static int relint(struct br_txn *t, void *arg, struct br_err *err)
{
	struct relint *r = arg;
	struct version was;
	int rc = br_wiki__head_get(&r->h, &r->a, t, r->p->nb, r->slug, err);

	if (rc <= 0)
		return rc < 0 ? rc : br_fail(err, BR_ENOTFOUND, "no wiki page '%s'", r->slug);
	if ((rc = br_wiki__version_get(&was, &r->a, t, r->p->nb, r->slug, r->h.newest, err)) < 0)
		return rc;
	r->v = was;
	if (!strcmp(was.p.reason, "restore") && was.p.lint_status == BR_WIKI_PASSED) /* a person read it */
		rc = 0;
	else
		rc = br_wiki__lint_version(&r->v, &r->a, t, r->p->nb, err);
	r->changed = rc == 0 && !same_errors(&was.p, &r->v.p);
	if (rc < 0 || !r->changed || !r->write)
		return rc;
	if (r->v.p.lint_status == BR_WIKI_PASSED && was.p.lint_status != BR_WIKI_PASSED && !r->v.p.tags[0])
		br_wiki__point(&r->h, &r->a, r->p->ws, &r->v);
	if ((rc = br_wiki__version_put(t, r->p->nb, &r->v, err)) == 0 && (rc = br_wiki__head_put(t, r->p->nb, &r->h, err)) == 0)
		rc = br_wiki__touch(t, r->p->nb, err);
	return rc;
}

static int finish(struct relint *r, struct br_txn *t, struct br_err *err)
{
	struct br_nb *nb;
	int rc = br_nb_by_number(&nb, &r->a, t, r->p->nb, err);

	return rc < 0 ? rc : br_wiki__finish(&r->v, &r->a, t, nb, &r->h, err);
}

static int look(struct relint *r, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, r->p->ws->store, err);

	if (rc < 0)
		return rc;
	r->write = false;
	if ((rc = relint(t, r, err)) == 0)
		rc = finish(r, t, err);
	br_txn_end(t);
	if (rc == 0 && r->changed) {
		r->write = true;
		if ((rc = br_store_write(r->p->ws->store, relint, r, err)) == 0 && (rc = br_txn_read(&t, r->p->ws->store, err)) == 0) {
			rc = finish(r, t, err);
			br_txn_end(t);
		}
	}
	return rc;
}

static bool wants_compile(const struct relint *r)
{
	bool can = false;

	for (size_t i = 0; i < r->v.p.n_errors; i++)
		can |= r->v.p.error[i].code == 2 || r->v.p.error[i].code == 5;
	return can && !r->p->opts->no_recompile;
}

/* At most once for what the page was made of; while another run goes on, that one does it. */
static int compile_again(struct relint *r, struct br_err *err)
{
	struct br_lock lock = { 0 };
	bool compiled = false;
	struct br_err why = { 0 };
	int rc = br_wiki__lock(&lock, r->p->ws, r->p->nb, &why);

	if (rc == -BR_EEXISTS)
		return 0;
	if (rc == 0)
		rc = br_wiki__compile_one(&compiled, r->p->ws, r->p->nb, r->slug, r->p->opts->model, true, &why);
	br_lock_drop(&lock);
	if (rc < 0 && rc != -BR_EUPSTREAM && rc != -BR_EAUTH) {
		if (err)
			*err = why;
		return rc;
	}
	if (compiled) {
		r->p->out->recompiled++;
		rc = look(r, &why);
		return rc == -BR_ENOTFOUND ? 0 : rc < 0 ? br_fail(err, why.code, "%s", why.msg) : 0;
	}
	return 0;
}

static int lint_page(struct pass *p, const char *slug, struct br_err *err)
{
	struct relint r = { .p = p, .slug = slug };
	int rc = look(&r, err);

	if (rc == 0 && wants_compile(&r))
		rc = compile_again(&r, err);
	if (rc == 0 && !r.h.deleted) {
		p->out->checked++;
		p->out->passed += r.v.p.lint_status == BR_WIKI_PASSED;
		p->out->failed += r.v.p.lint_status == BR_WIKI_FAILED;
		for (size_t i = 0; i < r.v.p.n_errors; i++)
			p->out->warnings += !r.v.p.error[i].blocks;
		if (p->opts->event)
			p->opts->event(&r.v.p, p->opts->arg);
	}
	br_arena_release(&r.a);
	return rc == -BR_ENOTFOUND && !p->opts->slug ? 0 : rc; /* deleted meanwhile */
}

static int choose(struct pass *p, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc;

	for (const char *const *s = p->opts->slug; s && *s; s++) {
		if (!br_wiki_slug_ok(*s, err))
			return -BR_EUSAGE;
		*br_vec_push(&p->slug) = *s;
	}
	if ((rc = br_txn_read(&t, p->ws->store, err)) < 0)
		return rc;
	if ((rc = br_nb_by_number(&nb, p->a, t, p->nb, err)) == 0 && !p->opts->slug)
		rc = br_wiki__heads(p->a, t, p->nb, add_slug, p, err);
	br_txn_end(t);
	return rc;
}

int br_wiki_lint(struct br_wiki_linted *out, struct br_ws *ws, uint32_t nb, const struct br_wiki_lint_opts *opts, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct pass p = { .ws = ws, .nb = nb, .opts = opts, .out = out, .a = &a };
	int rc;

	*out = (struct br_wiki_linted){ 0 };
	rc = choose(&p, err);
	for (size_t i = 0; i < p.slug.n && rc == 0; i++)
		if ((rc = br_check_stop(err)) == 0)
			rc = lint_page(&p, p.slug.v[i], err);
	if (rc == 0 && out->failed)
		rc = br_fail(err, BR_ECHECK, "%llu of %llu wiki pages failed lint", (unsigned long long)out->failed, (unsigned long long)out->checked);
	br_vec_release(&p.slug);
	br_arena_release(&a);
	return rc;
}
