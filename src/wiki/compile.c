/*
 * Compiling: topic by topic the passages are gathered, and where they or the topic are not what they were the page is written anew, linted
 * and published, in a commit of its own. What failed keeps the page it had.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEEN_AT_ONCE = 16, IN_A_ROW = 3 };

struct run {
	struct br_ws *ws;
	uint32_t nb;
	char notebook[37];
	uint64_t generation;           /* of the notebook, when the run began */
	const struct br_wiki_compile_opts *opts;
	struct br_wiki_report *out;
	struct br_searcher *s;
	struct br_wiki_topics topics;
	BR_VEC(struct head) seen;      /* looked at, nothing to do: told the store together */
	struct br_arena a, seen_a;
	unsigned in_a_row;             /* failures of the model */
	bool again;                    /* lint asks for it */
};

/* One page on its way. */
struct job {
	struct run *r;
	const struct br_wiki_topic *topic;
	struct br_arena a;
	struct head h;
	bool there;                    /* h is */
	const char *existing;          /* body before patches, or NULL */
	bool cites_gone;
	struct gathered g;
	struct draft d;
	struct br_wiki_event e;
};

/* ---- what there is ---- */

static int load(struct job *j, struct br_err *err)
{
	struct version v;
	struct br_txn *t;
	int rc = br_txn_read(&t, j->r->ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_wiki__head_get(&j->h, &j->a, t, j->r->nb, j->topic->slug, err)) > 0) {
		j->there = true;
		rc = br_wiki__version_get(&v, &j->a, t, j->r->nb, j->topic->slug, j->h.published ? j->h.published : j->h.newest, err);
		if (rc == 0) {
			bool *gone = br_allocn(v.p.n_sources + 1, sizeof *gone);
			rc = br_wiki__gone(gone, t, j->r->nb, &v, err);
			j->cites_gone = rc > 0;
			j->existing = v.base;
			free(gone);
		}
	}
	br_txn_end(t);
	return BR_MIN(rc, 0);
}

/* Nothing happened to the documents or the topic since it was looked at. */
static bool is_settled(const struct job *j)
{
	uint8_t input[16];

	br_wiki__input(input, j->topic, j->r->opts->model);
	return j->there && !j->h.deleted && !j->r->opts->force && !j->r->again && !j->cites_gone && j->h.generation == j->r->generation &&
	       !memcmp(input, j->h.input, sizeof input);
}

static bool is_same(const struct job *j)
{
	return j->there && !j->h.deleted && !j->r->opts->force && !j->r->again && !j->cites_gone &&
	       !memcmp(j->g.fingerprint, j->h.fingerprint, sizeof j->h.fingerprint);
}

/* ---- writing a page ---- */

static void fill_sources(struct version *v, struct job *j)
{
	struct gathered *g = &j->g;
	struct br_wiki_source *source = br_arena_zalloc(&j->a, (g->used + 1) * sizeof *source);
	struct cited *doc = br_arena_zalloc(&j->a, (g->used + 1) * sizeof *doc);
	uint32_t *of = br_arena_zalloc(&j->a, (g->used + 1) * sizeof *of);
	const char **id = br_arena_zalloc(&j->a, (g->used + 1) * sizeof *id);
	size_t n = 0;

	for (size_t i = 0; i < g->q.r.n; i++) {
		const struct br_found *f = &g->q.r.hit[i];
		uint32_t d = 0;
		if (!g->use[i] || !strstr(j->d.body.ptr, g->id[i])) /* gathered, and not cited: it may go */
			continue;
		while (d < v->n_docs && doc[d].doc != f->doc)
			d++;
		if (d == v->n_docs) {
			doc[v->n_docs++] = (struct cited){ .doc = f->doc };
			snprintf(doc[d].id, sizeof doc[d].id, "%s", f->doc_id);
			id[d] = doc[d].id;
		}
		memcpy(source[n].chunk, g->id[i], sizeof source[n].chunk);
		memcpy(source[n].doc_id, doc[d].id, sizeof source[n].doc_id);
		of[n++] = d;
	}
	v->p.source = source;
	v->p.n_sources = n;
	v->p.doc_id = id;
	v->doc = doc;
	v->of = of;
}

/* Documents that may have changed since they were read get no signature: their passages are compared whenever the page is read. */
static int sign_docs(struct version *v, struct br_arena *a, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct cited *doc = (struct cited *)v->doc;

	for (size_t i = 0; i < v->n_docs; i++) {
		struct br_doc *d;
		int rc = br_doc_get(&d, a, t, nb, doc[i].doc, err);
		if (rc == 0)
			doc[i].sig = br_wiki__doc_sig(d);
		else if (rc != -BR_ENOTFOUND)
			return rc;
	}
	return 0;
}

static void fill(struct version *v, struct job *j)
{
	static const char *const none[] = { NULL }, *const fallback[] = { TAG_FALLBACK, NULL };
	const struct br_wiki_model *model = j->r->opts->model;

	*v = (struct version){ .base = j->d.body.ptr };
	v->p = (struct br_wiki_page){ .slug = j->topic->slug, .title = j->topic->title, .alias = j->topic->alias, .category = j->topic->category,
		.summary = j->d.summary, .tags = j->d.fallback ? fallback : none, .confidence = j->d.confidence, .compiled_at = br_now(),
		.compiled_by = model ? model->name : PLAIN_NAME, .compiled_prompt = model ? PROMPT_MODEL : PROMPT_PLAIN,
		.reason = j->r->again ? "recompile" : "compile", .actor = "", .why = "" };
	memcpy(v->fingerprint, j->g.fingerprint, sizeof v->fingerprint);
	br_hex(v->p.fingerprint, v->fingerprint, sizeof v->fingerprint);
	fill_sources(v, j);
}

static int put_patched(struct version *v, struct br_arena *a, struct br_txn *t, struct job *j, struct br_err *err)
{
	struct br_buf body = BR_BUF_INIT(BR_MAX_WIKI_BODY);
	struct br_wiki_patches patches;
	int rc = br_wiki_patches(&patches, a, t, j->r->nb, j->topic->slug, err);

	if (rc < 0)
		return rc;
	br_wiki__apply(&body, v->base, &patches, NULL);
	if ((rc = br_buf_check(&body, "a wiki page", err)) == 0) {
		v->p.body = br_arena_strndup(a, body.ptr, body.len);
		v->p.token_count = br_wiki_token_count(br_buf_slice(&body));
	}
	br_buf_release(&body);
	br_vec_release(&patches.v);
	return rc;
}

static int put_page(struct br_txn *t, void *arg, struct br_err *err)
{
	static const char *const none[] = { NULL };
	struct job *j = arg;
	struct br_arena a = { 0 };
	struct version v;
	struct head h;
	struct br_nb *nb;
	int rc = br_nb_by_number(&nb, &a, t, j->r->nb, err);

	if (rc == 0 && (rc = br_wiki__head_get(&h, &a, t, j->r->nb, j->topic->slug, err)) == 0)
		h = (struct head){ .slug = j->topic->slug, .title = "", .summary = "", .alias = none };
	if (rc >= 0) {
		fill(&v, j);
		memcpy(h.input, j->g.input, sizeof h.input);
		memcpy(h.fingerprint, j->g.fingerprint, sizeof h.fingerprint);
		if (j->r->again)
			memcpy(h.again, j->g.fingerprint, sizeof h.again);
		h.generation = j->r->generation;
		rc = 0;
		if ((nb->generation != h.generation || (rc = sign_docs(&v, &a, t, j->r->nb, err)) == 0) && (rc = put_patched(&v, &a, t, j, err)) == 0 &&
		    (rc = br_wiki__lint_version(&v, &a, t, j->r->nb, err)) == 0)
			rc = br_wiki__add_version(t, j->r->ws, j->r->nb, &h, &v, err);
		j->e.version = v.p.version;
		j->e.lint_status = v.p.lint_status;
	}
	br_arena_release(&a);
	return rc;
}

static int write_draft(struct job *j, struct br_err *err)
{
	const struct br_wiki_model *model = j->r->opts->model;

	br_buf_init(&j->d.body, BR_MAX_WIKI_BODY);
	if (!model)
		return br_wiki__extract(&j->d, &j->a, j->topic, &j->g, err);
	return br_wiki__ask_page(&j->d, &j->a, j->topic, &j->g, j->existing, j->r->again, model, err);
}

/* A page whose claims miss markers is asked for once more: models mend that when they are told. */
static int write_again(struct job *j, struct br_err *err)
{
	struct br_err why;
	bool asked = j->r->again;
	int rc = 0;

	if (!j->r->opts->model || asked || j->e.lint_status != BR_WIKI_FAILED || j->d.fallback)
		return 0;
	j->r->again = true;
	br_buf_release(&j->d.body);
	if (write_draft(j, &why) == 0)
		rc = br_store_write(j->r->ws->store, put_page, j, err);
	j->r->again = asked;
	return rc;
}

/* ---- pages without passages, and those that did not change ---- */

static int flush_seen(struct br_txn *t, void *arg, struct br_err *err)
{
	struct run *r = arg;
	int rc = 0;

	for (size_t i = 0; i < r->seen.n && rc >= 0; i++) {
		struct br_arena a = { 0 };
		struct head h;
		rc = br_wiki__head_get(&h, &a, t, r->nb, r->seen.v[i].slug, err);
		if (rc > 0 && !memcmp(h.fingerprint, r->seen.v[i].fingerprint, sizeof h.fingerprint)) {
			h.generation = r->generation;
			memcpy(h.input, r->seen.v[i].input, sizeof h.input);
			rc = br_wiki__head_put(t, r->nb, &h, err);
		}
		br_arena_release(&a);
	}
	return BR_MIN(rc, 0);
}

static int flush(struct run *r, struct br_err *err)
{
	int rc = r->seen.n ? br_store_write(r->ws->store, flush_seen, r, err) : 0;

	r->seen.n = 0;
	br_arena_reset(&r->seen_a);
	return rc;
}

static int note_seen(struct job *j, struct br_err *err)
{
	struct head *h = br_vec_push(&j->r->seen);

	*h = (struct head){ .slug = br_arena_strdup(&j->r->seen_a, j->topic->slug) };
	memcpy(h->input, j->g.input, sizeof h->input);
	memcpy(h->fingerprint, j->g.fingerprint, sizeof h->fingerprint);
	return j->r->seen.n >= SEEN_AT_ONCE ? flush(j->r, err) : 0;
}

struct removal { struct run *r; const char *slug; };

static int retire(struct br_txn *t, void *arg, struct br_err *err)
{
	struct removal *x = arg;
	struct br_arena a = { 0 };
	struct head h;
	int rc = br_wiki__head_get(&h, &a, t, x->r->nb, x->slug, err);

	if (rc > 0 && !h.deleted)
		rc = br_wiki__retire(t, x->r->nb, &h, err);
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

static int remove_page(struct run *r, const char *slug, struct br_err *err)
{
	struct removal x = { r, slug };

	r->out->removed++;
	return r->opts->plan ? 0 : br_store_write(r->ws->store, retire, &x, err);
}

/* Nothing is left to make a page of: one that lives by patches stays. */
static int without_passages(struct job *j, struct br_err *err)
{
	j->e.why = "no passages about it";
	if (j->there && !j->h.deleted && !j->h.patched) {
		j->e.outcome = BR_WIKI_REMOVED;
		return remove_page(j->r, j->topic->slug, err);
	}
	j->e.outcome = BR_WIKI_SKIPPED;
	return 0;
}

/* ---- one page ---- */

static int compile_page(struct job *j, struct br_err *err)
{
	struct run *r = j->r;
	int rc = load(j, err);

	j->e.outcome = BR_WIKI_SKIPPED;
	j->e.version = j->there ? j->h.newest : 0;
	if (rc < 0 || is_settled(j))
		return rc;
	if ((rc = br_wiki__gather(&j->g, r->s, r->notebook, j->topic, r->opts->model, err)) < 0)
		return rc;
	if (!j->g.used)
		return without_passages(j, err);
	if (is_same(j))
		return r->opts->plan ? 0 : note_seen(j, err);
	if (r->again && j->there && !memcmp(j->h.again, j->g.fingerprint, sizeof j->h.again))
		return 0; /* once is enough */
	j->e.outcome = BR_WIKI_COMPILED;
	if (r->opts->plan)
		return 0;
	if ((rc = write_draft(j, err)) == -BR_ENOTFOUND && !r->opts->model)
		return without_passages(j, err);
	if (rc == 0 && (rc = br_store_write(r->ws->store, put_page, j, err)) == 0)
		rc = write_again(j, err);
	return rc;
}

/* Errors of one page: of the model, or of what it wrote. All others end the run. */
static bool is_own_fault(int rc) { return rc == -BR_EUPSTREAM || rc == -BR_EAUTH || rc == -BR_ETOOBIG || rc == -BR_EINPUT || rc == -BR_ENOTFOUND; }

static void count(struct run *r, const struct br_wiki_event *e)
{
	r->out->compiled += e->outcome == BR_WIKI_COMPILED;
	r->out->skipped += e->outcome == BR_WIKI_SKIPPED;
	r->out->failed += e->outcome == BR_WIKI_FAILED_PAGE;
	r->out->passed += e->outcome == BR_WIKI_COMPILED && e->lint_status == BR_WIKI_PASSED;
	if (r->opts->event)
		r->opts->event(e, r->opts->arg);
}

static int one_topic(struct run *r, const struct br_wiki_topic *topic, struct br_err *err)
{
	struct job j = { .r = r, .topic = topic, .e = { .slug = topic->slug, .why = "" } };
	struct br_err why = { 0 };
	int rc;

	if (r->in_a_row >= IN_A_ROW)
		rc = br_fail(&why, BR_EUPSTREAM, "the model failed %d times in a row and is not asked any more", IN_A_ROW);
	else
		rc = compile_page(&j, &why);
	if (rc == -BR_EUPSTREAM || rc == -BR_EAUTH)
		r->in_a_row++;
	else if (j.e.outcome == BR_WIKI_COMPILED)
		r->in_a_row = 0;
	if (is_own_fault(rc)) {
		why.msg[br_utf8_valid(why.msg, strlen(why.msg))] = '\0';
		j.e.outcome = BR_WIKI_FAILED_PAGE;
		j.e.why = why.msg;
		rc = 0;
	}
	if (rc == 0)
		count(r, &j.e);
	else if (err)
		*err = why;
	br_buf_release(&j.d.body);
	br_wiki__gathered_release(&j.g);
	br_arena_release(&j.a);
	return rc;
}

/* ---- which ---- */

static const struct br_wiki_topic *topic_of(const struct run *r, const char *slug)
{
	for (size_t i = 0; i < r->topics.v.n; i++)
		if (!strcmp(r->topics.v.v[i].slug, slug))
			return &r->topics.v.v[i];
	return NULL;
}

static bool is_wanted(const struct run *r, const char *slug)
{
	for (const char *const *s = r->opts->slug; s && *s; s++)
		if (!strcmp(*s, slug))
			return true;
	return !r->opts->slug;
}

static int check_wanted(const struct run *r, struct br_err *err)
{
	for (const char *const *s = r->opts->slug; s && *s; s++)
		if (!topic_of(r, *s))
			return br_fail(err, BR_ENOTFOUND, "no topic '%.120s' is planned", *s);
	return 0;
}

static int read_state(struct run *r, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_txn_read(&t, r->ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_nb_by_number(&nb, &r->a, t, r->nb, err)) == 0) {
		memcpy(r->notebook, nb->id, sizeof r->notebook);
		r->generation = nb->generation;
		rc = br_wiki_plan_get(&r->topics, &r->a, t, r->nb, err);
	}
	br_txn_end(t);
	return rc;
}

/* What would be planned, without a model and without keeping it. */
static int look_for_topics(struct run *r, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_txn_read(&t, r->ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_nb_by_number(&nb, &r->a, t, r->nb, err)) == 0)
		rc = br_wiki__topics_find(&r->topics, &r->a, t, nb, err);
	br_txn_end(t);
	return rc;
}

static int plan_first(struct run *r, struct br_err *err)
{
	struct br_wiki_topics made;
	int rc;

	if (r->topics.v.n)
		return 0;
	if (r->opts->plan)
		return look_for_topics(r, err);
	rc = br_wiki__plan_make(&made, &r->a, r->ws, r->nb, r->opts->model, err);
	br_vec_release(&r->topics.v);
	br_vec_release(&made.v);
	return rc < 0 ? rc : read_state(r, err);
}

/* ---- pages that nobody plans any more ---- */

struct strays { struct run *r; strings slug; };

static int on_head(const struct head *h, void *arg)
{
	struct strays *s = arg;

	if (!h->deleted && !h->patched && !topic_of(s->r, h->slug))
		*br_vec_push(&s->slug) = h->slug;
	return 0;
}

static int remove_unplanned(struct run *r, struct br_err *err)
{
	struct strays s = { r, { 0 } };
	struct br_txn *t;
	int rc;

	if (r->opts->slug)
		return 0;
	if ((rc = br_txn_read(&t, r->ws->store, err)) < 0)
		return rc;
	rc = br_wiki__heads(&r->a, t, r->nb, on_head, &s, err);
	br_txn_end(t);
	for (size_t i = 0; i < s.slug.n && rc == 0; i++) {
		struct br_wiki_event e = { .slug = s.slug.v[i], .outcome = BR_WIKI_REMOVED, .why = "not planned any more" };
		if ((rc = remove_page(r, s.slug.v[i], err)) == 0)
			count(r, &e);
	}
	br_vec_release(&s.slug);
	return rc;
}

/* ---- the whole ---- */

static int check_stop(const struct run *r, struct br_err *err)
{
	if (r->opts->cancel && atomic_load(r->opts->cancel))
		return br_fail(err, BR_ECANCELLED, "stopped");
	return br_check_stop(err);
}

static int run_all(struct run *r, struct br_err *err)
{
	struct br_progress p = { 0 };
	int rc = 0, last;

	for (size_t i = 0; i < r->topics.v.n; i++)
		r->out->topics += is_wanted(r, r->topics.v.v[i].slug);
	p.files_total = r->out->topics;
	for (size_t i = 0; i < r->topics.v.n && rc == 0; i++) {
		if (!is_wanted(r, r->topics.v.v[i].slug))
			continue;
		if ((rc = check_stop(r, err)) == 0)
			rc = one_topic(r, &r->topics.v.v[i], err);
		p.files_done++;
		if (r->opts->progress)
			r->opts->progress(&p, r->opts->arg);
	}
	last = r->opts->plan ? 0 : flush(r, rc < 0 ? NULL : err);
	if (rc == 0)
		rc = last;
	return rc < 0 ? rc : remove_unplanned(r, err);
}

static int put_report(struct br_txn *t, void *arg, struct br_err *err)
{
	struct run *r = arg;
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc = br_nb_by_number(&nb, &a, t, r->nb, err);

	br_arena_release(&a);
	return rc < 0 ? rc : br_wiki__state_put(t, r->nb, r->out, err);
}

static int finish(struct run *r, int64_t began, struct br_err *err)
{
	r->out->at = br_now();
	r->out->seconds = (double)(br_mono_ns() - began) / 1e9;
	if (r->opts->plan)
		return r->out->compiled + r->out->removed ? br_fail(err, BR_ECHANGES, "there is something to do") : 0;
	return br_store_write(r->ws->store, put_report, r, err);
}

static void run_release(struct run *r)
{
	br_searcher_free(r->s);
	br_vec_release(&r->topics.v);
	br_vec_release(&r->seen);
	br_arena_release(&r->a);
	br_arena_release(&r->seen_a);
}

int br_wiki_compile(struct br_wiki_report *out, struct br_ws *ws, uint32_t nb, const struct br_wiki_compile_opts *opts, struct br_err *err)
{
	struct run r = { .ws = ws, .nb = nb, .opts = opts, .out = out };
	struct br_lock lock = { 0 };
	int64_t began = br_mono_ns();
	int rc = 0;

	*out = (struct br_wiki_report){ 0 };
	if ((opts->plan || (rc = br_wiki__lock(&lock, ws, nb, err)) == 0) && (rc = read_state(&r, err)) == 0 && (rc = plan_first(&r, err)) == 0 &&
	    (rc = check_wanted(&r, err)) == 0) {
		r.s = br_searcher_new(ws);
		if ((rc = run_all(&r, err)) == 0)
			rc = finish(&r, began, err);
	}
	run_release(&r);
	br_lock_drop(&lock);
	if (rc == 0 && out->failed)
		rc = br_fail(err, BR_EPARTIAL, "%llu of %llu wiki pages failed", (unsigned long long)out->failed, (unsigned long long)out->topics);
	return rc;
}

static void keep_outcome(const struct br_wiki_event *e, void *arg) { *(struct br_wiki_event *)arg = (struct br_wiki_event){ .outcome = e->outcome }; }

int br_wiki__compile_one(bool *compiled, struct br_ws *ws, uint32_t nb, const char *slug, const struct br_wiki_model *model, bool again, struct br_err *err)
{
	struct br_wiki_event e = { .outcome = BR_WIKI_SKIPPED };
	struct br_wiki_compile_opts opts = { .model = model, .event = keep_outcome, .arg = &e };
	struct br_wiki_report report = { 0 };
	struct run r = { .ws = ws, .nb = nb, .opts = &opts, .out = &report, .again = again };
	const struct br_wiki_topic *topic;
	int rc = read_state(&r, err);

	if (rc == 0 && (topic = topic_of(&r, slug))) {
		r.s = br_searcher_new(ws);
		rc = one_topic(&r, topic, err);
	}
	*compiled = e.outcome == BR_WIKI_COMPILED || e.outcome == BR_WIKI_REMOVED;
	run_release(&r);
	return rc;
}
