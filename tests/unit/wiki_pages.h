/* Wiki pages made by tests, a model that says what it is told, and short ways to look. Include behind workspace.h. */
#ifndef TEST_WIKI_PAGES_H
#define TEST_WIKI_PAGES_H

#include "wiki/internal.h"

static const char *const no_strings[] = { NULL };

static inline uint32_t first_nb(struct scratch *s)
{
	struct br_arena a = { 0 };
	struct br_txn *t;
	struct br_nb *nb;
	uint32_t n;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_nb_get(&nb, &a, t, NULL, NULL), 0);
	n = nb->nb;
	br_txn_end(t);
	br_arena_release(&a);
	return n;
}

/* ---- the model ---- */

struct puppet {
	const char *says[8];   /* one reply after the other, the last again and again; NULL: it fails */
	unsigned asked;
	char told[20000];      /* what it was last told */
	struct br_wiki_model model;
};

static inline int puppet_ask(struct br_buf *out, const char *system, const char *user, void *arg, struct br_err *err)
{
	struct puppet *p = arg;
	unsigned i = 0;

	(void)system;
	snprintf(p->told, sizeof p->told, "%s", user);
	while (i < p->asked && i + 1 < BR_COUNT(p->says) && p->says[i + 1])
		i++;
	p->asked++;
	if (!p->says[i])
		return br_fail(err, BR_EUPSTREAM, "the puppet is dumb");
	br_buf_adds(out, p->says[i]);
	return 0;
}

static inline const struct br_wiki_model *puppet(struct puppet *p, const char *says)
{
	*p = (struct puppet){ .says = { says } };
	p->model = (struct br_wiki_model){ puppet_ask, p, "puppet" };
	return &p->model;
}

/* ---- runs ---- */

static inline struct br_wiki_report compile(struct scratch *s, const struct br_wiki_model *model, bool force, int want)
{
	struct br_wiki_compile_opts o = { .model = model, .force = force };
	struct br_wiki_report r;
	struct br_err err = { 0 };
	int rc = br_wiki_compile(&r, s->ws, first_nb(s), &o, &err);

	if (rc != -want)
		fail_msg("compile gave %d (%s), wanted %d", rc, err.msg, -want);
	return r;
}

static inline void plan(struct scratch *s, const char *lines)
{
	struct br_arena a = { 0 };
	struct br_wiki_topics t;
	struct br_err err = { 0 };

	if (br_wiki_plan_parse(&t, &a, br_slice_str(lines), "test", &err) < 0 || br_wiki_plan_set(s->ws, first_nb(s), t.v.v, t.v.n, &err) < 0)
		fail_msg("plan: %s", err.msg);
	br_vec_release(&t.v);
	br_arena_release(&a);
}

/* NULL when there is none such. */
static inline struct br_wiki_page *page_of(struct br_arena *a, struct scratch *s, const char *slug, uint32_t version)
{
	struct br_wiki_page *p = br_arena_zalloc(a, sizeof *p);
	struct br_err err = { 0 };
	uint32_t nb = first_nb(s);
	struct br_txn *t;
	int rc;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	rc = br_wiki_get(p, a, t, nb, slug, version, &err);
	br_txn_end(t);
	if (rc < 0 && rc != -BR_ENOTFOUND)
		fail_msg("%s", err.msg);
	return rc < 0 ? NULL : p;
}

static inline bool has_error(const struct br_wiki_page *p, int code)
{
	for (size_t i = 0; i < p->n_errors; i++)
		if (p->error[i].code == code)
			return true;
	return false;
}

/* ---- pages as they are wanted ---- */

struct made { struct scratch *s; uint32_t nb; struct version v; };

static inline int make_in(struct br_txn *t, void *arg, struct br_err *err)
{
	struct made *m = arg;
	struct br_arena a = { 0 };
	struct head h;
	int rc = br_wiki__head_get(&h, &a, t, m->nb, m->v.p.slug, err);

	if (rc == 0)
		h = (struct head){ .slug = m->v.p.slug, .title = "", .summary = "", .alias = no_strings, .patched = !m->v.p.n_sources };
	if (rc >= 0 && (m->v.p.lint_status != BR_WIKI_PENDING || (rc = br_wiki__lint_version(&m->v, &a, t, m->nb, err)) == 0))
		rc = br_wiki__add_version(t, m->s->ws, m->nb, &h, &m->v, err);
	br_arena_release(&a);
	return rc;
}

/* A version that is linted, or (passed) taken as it is. With the sources of v, if it has any. */
static inline void make_version(struct scratch *s, struct version *v, bool passed)
{
	struct made m = { s, first_nb(s), *v };
	struct br_err err = { 0 };

	m.v.p.lint_status = passed ? BR_WIKI_PASSED : BR_WIKI_PENDING;
	m.v.base = m.v.p.body;
	if (!m.v.p.tags)
		m.v.p.tags = no_strings;
	if (!m.v.p.alias)
		m.v.p.alias = no_strings;
	m.v.p.reason = "compile";
	if (br_store_write(s->ws->store, make_in, &m, &err) < 0)
		fail_msg("%s", err.msg);
}

static inline void make_page(struct scratch *s, const char *slug, const char *title, const char *const *alias, const char *summary, const char *body, bool passed)
{
	struct version v = { .p = { .slug = slug, .title = title, .alias = alias, .summary = summary, .body = body } };

	make_version(s, &v, passed);
}

#endif
