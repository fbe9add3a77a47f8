/*
 * Answers from passages: 20 by words and 20 by meaning, merged by reciprocal rank, 10 kept. Of several knowledge bases the one whose passages
 * support an answer best is taken. A model writes the answer where there is one; when it fails, sentences are quoted.
 */
#include "ask.h"

#include <math.h>
#include <stdlib.h>

enum { LIST = 20, KEPT = 10, TO_MODEL = 5 };

static void options(struct br_answer_opts *o, struct asking *a, const struct br_kb *kb)
{
	*o = (struct br_answer_opts)BR_ANSWER_OPTS_DEFAULT;
	o->query.notebook = kb->id;
	o->query.strategy = "fusion";
	o->query.list = LIST;
	o->query.top = KEPT;
	o->query.full_text_weight = o->query.semantic_weight = 1;
	o->query.plain = true;
	o->query.freshness_ns = 0;
	o->query.rerank = a->rerank;
	o->history = a->history;
	o->n_history = a->n_history;
}

/* What quoting alone finds, best first: cheap, and it tells where to look. */
static int best_of(struct br_reply *out, const struct br_kb **kb, struct asking *a, struct br_err *err)
{
	struct br_answer_opts o;
	struct br_reply r;
	int rc = 0;

	*kb = NULL;
	for (size_t i = 0; i < a->kbs.v.n && rc == 0; i++) {
		BR_ASSERT(!strcmp(a->kbs.v.v[i].tenant, a->who.id));
		if (!a->kbs.v.v[i].docs)
			continue;
		options(&o, a, &a->kbs.v.v[i]);
		if ((rc = br_answer(&r, a->s, a->q->text, &o, err)) < 0)
			rc = rc == -BR_ENOTFOUND ? 0 : rc; /* deleted just now */
		else if (!*kb || r.support > out->support) {
			br_reply_release(out);
			*out = r;
			*kb = &a->kbs.v.v[i];
		} else {
			br_reply_release(&r);
		}
	}
	return rc;
}

/* ---- with a model ---- */

static char *instructions(struct asking *a)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_PROMPT);
	char *s;

	if (a->q->system_prompt)
		br_buf_addf(&b, "%s\n", a->q->system_prompt);
	if (a->q->context)
		br_buf_addf(&b, "The user is looking at a page with this text:\n%s\n", a->q->context);
	s = b.len ? br_arena_strndup(&a->out->arena, b.ptr, b.len) : NULL;
	br_buf_release(&b);
	return s;
}

static int by_model(struct br_reply *out, struct asking *a, const struct br_kb *kb, const char *more, struct br_err *err)
{
	struct br_answer_opts o;

	options(&o, a, kb);
	o.query.top = TO_MODEL;
	o.model = &a->model;
	o.instructions = more;
	o.persona = more ? "custom" : NULL;
	o.token = a->hold ? NULL : show_piece;
	o.arg = a;
	return br_answer(out, a->s, a->q->text, &o, err);
}

static struct br_slice next_sentence(const char **p)
{
	const char *from = *p + strspn(*p, " \t\n"), *at = from;

	while (*at && *at != '\n' && strncmp(at, "。", 3) && !(strchr(".!?", *at) && (!at[1] || at[1] == ' ' || at[1] == '\n')))
		at++;
	*p = at + (!*at ? 0 : strncmp(at, "。", 3) ? 1 : 3);
	return br_slice(from, (size_t)(at - from));
}

static bool any_contradicts(struct br_slice claim, const char *passage)
{
	struct br_slice s;

	while (*passage)
		if ((s = next_sentence(&passage)).len && br_wiki_judge(claim, s) == BR_CONTRADICTION)
			return true;
	return false;
}

/* A sentence of the answer that contradicts a passage it was made from; NULL: none. */
static const char *contradicted(struct br_arena *a, const struct br_reply *r)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_REPLY);
	const char *p, *bad = NULL;
	struct br_slice s;

	strip_marks(&text, br_slice_str(r->text));
	for (p = text.ptr; *p && !bad;) {
		s = next_sentence(&p);
		for (size_t i = 0; i < r->n && s.len && !bad; i++)
			if (r->cite[i].quote && any_contradicts(s, r->cite[i].quote))
				bad = br_arena_strndup(a, s.ptr, s.len);
	}
	br_buf_release(&text);
	return bad;
}

/* Once more when it contradicts its passages; and if it still does, the client is told. */
static int checked(struct br_reply *r, struct asking *a, const struct br_kb *kb, const char *more, struct br_err *err)
{
	struct br_reply again = { 0 };
	const char *bad;
	int rc;

	if (!kb->nli || !(bad = contradicted(&a->out->arena, r)))
		return 0;
	more = br_arena_printf(&a->out->arena, "%s%sAnswer strictly by the passages. An earlier answer contradicted them here: \"%s\"\n", more ? more : "", more ? "\n" : "", bad);
	if ((rc = by_model(&again, a, kb, more, err)) < 0)
		return rc == -BR_ECANCELLED ? rc : (a->out->warning = bad, 0);
	br_reply_release(r);
	*r = again;
	a->out->warning = contradicted(&a->out->arena, r);
	return 0;
}

/* ---- the answer ---- */

/* Documents that were deleted while the answer was made must not be in it. */
static int is_gone(struct asking *a, const struct br_kb *kb, const struct br_citation *c, struct br_err *err)
{
	struct br_arena tmp = { 0 };
	struct br_tdoc d;
	int rc = tdoc_read(&d, &tmp, a->t->ws, kb->nb, c->doc_id, err);

	rc = rc > 0 ? d.status == BR_TDOC_DELETED : rc;
	br_arena_release(&tmp);
	return rc;
}

static double relevance(const struct br_citation *c)
{
	double v = c->cosine > 0 ? c->cosine : c->score * 61 / 2;

	return v < 0 ? 0 : v > 1 ? 1 : round(v * 10000) / 10000;
}

static int take(struct asking *a, const struct br_reply *r, const struct br_kb *kb, struct br_err *err)
{
	struct br_answered *out = a->out;
	struct br_buf b = BR_BUF_INIT(BR_MAX_REPLY);
	int rc = 0;

	for (size_t i = 0; i < r->n && rc == 0; i++)
		if (r->cite[i].cited && (rc = is_gone(a, kb, &r->cite[i], err)) == 0)
			add_source(a, br_arena_printf(&out->arena, "doc:%s", r->cite[i].doc_id),
			           br_arena_strdup(&out->arena, r->cite[i].title && *r->cite[i].title ? r->cite[i].title : br_path_base(r->cite[i].path)), kb->id, relevance(&r->cite[i]));
	if (rc != 0) {
		out->n = 0;
		return rc < 0 ? rc : 0;
	}
	strip_marks(&b, br_slice_str(r->text));
	out->text = br_arena_strndup(&out->arena, b.ptr, b.len);
	br_buf_release(&b);
	out->path = r->model ? BR_PATH_MODEL : BR_PATH_PASSAGES;
	out->tokens = r->tokens;
	return 1;
}

static double confidence(const struct br_reply *r)
{
	double p = 1 / (1 + exp(-r->support));

	return r->found ? BR_MAX(p, 0.5) : BR_MIN(p, 0.29);
}

static int with_model(struct br_reply *r, struct asking *a, const struct br_kb *kb, struct br_err *err)
{
	char *more = instructions(a);
	struct br_reply m = { 0 };
	int rc;

	a->hold = kb->nli;
	rc = by_model(&m, a, kb, more, err);
	if (rc == -BR_ECANCELLED || (rc < 0 && a->shown))
		return rc;
	if (rc < 0) { /* the sentences that we have will do */
		a->out->note = "no model answered; sentences are quoted";
		return 0;
	}
	m.support = r->support; /* that of the passages; a model does not tell */
	br_reply_release(r);
	*r = m;
	return r->found ? checked(r, a, kb, more, err) : 0;
}

int answer_from_passages(struct asking *a, struct br_err *err)
{
	struct br_reply r = { .support = -20 };
	const struct br_kb *kb;
	int rc = best_of(&r, &kb, a, err);

	if (rc == 0 && kb && a->llm)
		rc = with_model(&r, a, kb, err);
	a->score = r.support;
	a->out->confidence = kb ? confidence(&r) : 0.29;
	if (rc == 0 && kb && r.found)
		rc = take(a, &r, kb, err);
	else if (rc == 0)
		a->out->tokens = r.tokens;
	if (rc > 0 && (a->shown ? show_rest(a, err) : show(a, a->out->text, err)) < 0)
		rc = -BR_ECANCELLED;
	br_reply_release(&r);
	return rc;
}
