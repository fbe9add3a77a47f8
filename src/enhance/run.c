/*
 * A run: every chunk without a context gets one. Documents are read one after the other; their chunks go through a pool of threads
 * that ask the model (or, without one, are done here); what comes out is committed in batches. A chunk that was asked for is PROCESSING
 * until then, in records as well, and goes back to what it was when the run is stopped.
 */
#include "internal.h"

#include "br/keep.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	BATCH = 64, PLAIN_BATCH = 1024, /* chunks of one commit */
	BATCH_NS = 200000000,           /* or so long after the first of them */
	IN_A_ROW = 4,                   /* failures without a success after which the service is given up */
	REPLY_TOKENS = 80,              /* of one answer, for an estimate */
};

struct item {
	struct document *d;
	uint32_t ordinal;
	struct br_ctx was;
	struct br_buf text;             /* what came of it */
	struct br_llm_tokens tokens;
	int rc;
	struct br_err err;
};

struct run {
	struct br_ws *ws;
	const struct br_enhance_opts *opts;
	struct br_enhance_stats *out;
	uint32_t nb;
	struct br_lock lock;
	struct br_llm *llm;             /* NULL: without a model */
	unsigned concurrency;
	struct br_pool *pool;
	atomic_bool own, *cancel;       /* the asker's, or our own: requests that are on their way end */
	BR_VEC(uint32_t) doc;           /* wanted ones */
	BR_VEC(struct item *) done;     /* not committed yet */
	int64_t since_ns;               /* of the first of them */
	unsigned in_a_row;
	uint64_t asked_bytes, total;    /* plan; progress */
	int stop;                       /* why no more is asked: negative */
	struct br_err why;
};

static bool is_stopped(const struct run *r)
{
	return br_stop_signal() || (!r->stop && atomic_load(r->cancel));
}

/* ---- one chunk, in any thread ---- */

static void ask(struct item *it, struct run *r)
{
	struct br_buf prompt = BR_BUF_INIT(BR_MAX_PROMPT);
	struct br_llm_reply reply = { 0 };

	prompt_passage(&prompt, it->d, it->ordinal);
	if ((it->rc = br_buf_check(&prompt, "what the model is told", &it->err)) == 0) {
		const struct br_llm_message m[] = { { "system", br_slice_str(prompt_instructions) }, { "user", br_buf_slice(&prompt) } };
		const struct br_llm_chat req = { .ask.cancel = r->cancel, .message = m, .n = BR_COUNT(m) };
		if ((it->rc = br_llm_chat(&reply, r->llm, &req, &it->err)) == 0)
			it->rc = take_answer(&it->text, br_buf_slice(&reply.text), &it->err);
		it->tokens = reply.tokens;
		br_llm_reply_release(&reply);
	}
	br_buf_release(&prompt);
}

static void work(void *item, void *state, void *arg)
{
	struct item *it = item;
	struct run *r = arg;

	(void)state;
	if (atomic_load(r->cancel) || is_stopped(r))
		it->rc = br_fail(&it->err, BR_ECANCELLED, "stopped");
	else if (r->llm)
		ask(it, r);
	else {
		plain_context(&it->text, it->d, it->ordinal);
		it->rc = br_buf_check(&it->text, "context", &it->err);
	}
	if (it->rc < 0) /* a message may have been cut within a character */
		it->err.msg[br_utf8_valid(it->err.msg, strlen(it->err.msg))] = 0;
}

static void item_free(struct item *it)
{
	document_drop(it->d);
	br_buf_release(&it->text);
	free(it);
}

/* ---- what came out ---- */

/* The fault of this text, not of the way to the service. */
static bool is_own_fault(int rc) { return rc == -BR_EINPUT || rc == -BR_ETOOBIG; }

static struct br_ctx outcome(const struct item *it, const struct run *r)
{
	struct br_ctx c = { .attempts = it->was.attempts + 1, .at = br_now(), .by = r->out->by };

	if (it->rc == 0) {
		c.state = BR_CTX_SUCCESS;
		c.text = it->text.ptr;
	} else if (it->rc == -BR_EUPSTREAM || is_own_fault(it->rc)) {
		c.state = BR_CTX_FAILED;
		c.text = it->err.msg;
	} else { /* nobody had a try at it */
		c = it->was;
		if (c.state == BR_CTX_PROCESSING)
			c.state = BR_CTX_PENDING;
	}
	return c;
}

static void give_up(struct run *r, int rc, const struct br_err *why)
{
	if (!r->stop) {
		r->stop = rc;
		r->why = *why;
	}
	atomic_store(r->cancel, true);
}

static void note(struct run *r, const struct item *it)
{
	if (it->rc == 0) {
		r->in_a_row = 0;
		return;
	}
	if (it->rc == -BR_EUPSTREAM && ++r->in_a_row >= IN_A_ROW)
		give_up(r, it->rc, &it->err);
	else if (it->rc != -BR_EUPSTREAM && it->rc != -BR_ECANCELLED && !is_own_fault(it->rc))
		give_up(r, it->rc, &it->err);
}

static void tell(struct run *r, const struct item *it, const struct br_ctx *c)
{
	struct br_enhance_event e = { it->d->doc, it->ordinal, c };

	r->out->success += c->state == BR_CTX_SUCCESS;
	r->out->failed += c->state == BR_CTX_FAILED && it->rc < 0 && it->rc != -BR_ECANCELLED;
	r->out->prompt_tokens += it->tokens.prompt;
	r->out->completion_tokens += it->tokens.completion;
	r->out->cost = r->out->cost < 0 || it->tokens.cost < 0 ? -1 : r->out->cost + it->tokens.cost;
	if (r->opts->event && (it->rc == 0 || it->rc == -BR_EUPSTREAM || is_own_fault(it->rc)))
		r->opts->event(&e, r->opts->arg);
}

static void tell_progress(const struct run *r)
{
	struct br_progress p = { .files_done = r->out->success + r->out->failed, .files_total = r->total };

	if (!r->opts->limit)
		p.files_done += r->out->kept;
	if (r->opts->progress)
		r->opts->progress(&p, r->opts->arg);
}

static int flush(struct run *r, struct br_err *err)
{
	struct br_ctx_put *v = br_allocn(r->done.n + 1, sizeof *v);
	uint64_t done;
	int rc;

	for (size_t i = 0; i < r->done.n; i++)
		v[i] = (struct br_ctx_put){ r->done.v[i]->d->doc, r->done.v[i]->ordinal, outcome(r->done.v[i], r) };
	rc = br_contexts_put(&done, r->ws, r->nb, v, r->done.n, err);
	for (size_t i = 0; i < r->done.n; i++) {
		if (rc == 0)
			tell(r, r->done.v[i], &v[i].ctx);
		item_free(r->done.v[i]);
	}
	r->done.n = 0;
	tell_progress(r);
	free(v);
	return rc;
}

static int take(struct run *r, struct item *it, struct br_err *err)
{
	if (!r->done.n)
		r->since_ns = br_mono_ns();
	note(r, it);
	*br_vec_push(&r->done) = it;
	if (r->done.n >= (r->llm ? BATCH : PLAIN_BATCH) || (r->llm && br_mono_ns() - r->since_ns > BATCH_NS))
		return flush(r, err);
	return 0;
}

/* Takes the oldest item, if there is one. Before waiting for a model what is there is committed: a kill costs little. */
static int take_oldest(struct run *r, struct br_err *err)
{
	struct item *it = br_pool_try_take(r->pool);
	int rc = !it && r->llm && r->done.n ? flush(r, err) : 0;

	if (rc < 0)
		return rc;
	if (!it && !(it = br_pool_take(r->pool)))
		return 0;
	return (rc = take(r, it, err)) < 0 ? rc : 1;
}

/* ---- chunks of one document ---- */

static bool is_missing(const struct br_ctx *c) { return c->state != BR_CTX_SUCCESS && c->state != BR_CTX_EMBEDDED; }

static void estimate(struct run *r, struct document *d, uint32_t ordinal)
{
	struct br_buf prompt = BR_BUF_INIT(BR_MAX_PROMPT);

	if (r->llm) {
		prompt_passage(&prompt, d, ordinal);
		r->asked_bytes += prompt.len + strlen(prompt_instructions);
		r->out->completion_tokens += REPLY_TOKENS;
	}
	br_buf_release(&prompt);
}

/* New states of n chunks of a document: `processing`, or else what they were. */
static int put_states(struct run *r, const struct document *d, const uint32_t *ordinal, size_t n, bool processing, struct br_err *err)
{
	struct br_ctx_put *v = br_allocn(n + 1, sizeof *v);
	uint64_t done;
	int rc;

	for (size_t i = 0; i < n; i++) {
		struct br_ctx c = d->ctx[ordinal[i]];
		if (processing)
			c = (struct br_ctx){ .state = BR_CTX_PROCESSING, .attempts = c.attempts, .at = br_now(), .text = "", .by = "" };
		else if (c.state == BR_CTX_PROCESSING)
			c.state = BR_CTX_PENDING;
		v[i] = (struct br_ctx_put){ d->doc, ordinal[i], c };
	}
	rc = br_contexts_put(&done, r->ws, r->nb, v, n, err);
	free(v);
	return rc;
}

static int give(struct run *r, struct document *d, uint32_t ordinal, struct br_err *err)
{
	struct item *it, *done;
	int rc = 0;

	while (rc >= 0 && br_pool_full(r->pool))
		rc = take_oldest(r, err);
	if (rc < 0)
		return rc;
	it = br_alloc(sizeof *it);
	*it = (struct item){ .d = d, .ordinal = ordinal, .was = d->ctx[ordinal], .text = BR_BUF_INIT(BR_MAX_CONTEXT) };
	it->tokens.cost = r->llm ? -1 : 0;
	d->users++;
	br_pool_give(r->pool, it);
	for (rc = 0; rc == 0 && (done = br_pool_try_take(r->pool));)
		rc = take(r, done, err);
	return rc;
}

/* So that others see what is in work chunks are marked first; a run that waits for no service is too short for that. */
static int run_chunks(struct run *r, struct document *d, const uint32_t *ordinal, size_t n, struct br_err *err)
{
	int rc = r->llm && n ? put_states(r, d, ordinal, n, true, err) : 0, undo = 0;
	size_t i = 0;

	while (rc == 0 && i < n && !r->stop && !is_stopped(r))
		rc = give(r, d, ordinal[i++], err);
	if (r->llm && i < n) /* those that no thread was given */
		undo = put_states(r, d, ordinal + i, n - i, false, rc < 0 ? NULL : err);
	return rc < 0 ? rc : undo;
}

static int run_doc(struct run *r, uint32_t num, struct br_err *err)
{
	BR_VEC(uint32_t) todo = { 0 };
	struct document *d;
	int rc = document_load(&d, r->ws, r->nb, num, err);

	if (rc < 0 || !d)
		return rc;
	r->out->docs++;
	for (uint32_t i = 0; i < d->doc->chunks; i++) {
		if (!is_missing(&d->ctx[i]))
			r->out->kept++;
		else if (!r->opts->limit || r->out->todo < r->opts->limit) {
			r->out->todo++;
			*br_vec_push(&todo) = i;
			if (r->opts->plan)
				estimate(r, d, i);
		}
	}
	if (!r->opts->plan)
		rc = run_chunks(r, d, todo.v, todo.n, err);
	br_vec_release(&todo);
	document_drop(d);
	return rc;
}

static int run_docs(struct run *r, struct br_err *err)
{
	struct item *it;
	int rc = 0, last;

	for (size_t i = 0; i < r->doc.n && rc == 0 && !r->stop && !is_stopped(r); i++)
		rc = run_doc(r, r->doc.v[i], err);
	if (r->opts->plan)
		return rc < 0 ? rc : br_check_stop(err);
	if (rc < 0 || is_stopped(r))
		atomic_store(r->cancel, true);
	if (rc == 0)
		while ((rc = take_oldest(r, err)) > 0)
			;
	while ((it = br_pool_take(r->pool))) /* after a failure, too: what was paid for is kept if it can be */
		*br_vec_push(&r->done) = it;
	last = flush(r, rc < 0 ? NULL : err);
	return rc < 0 ? rc : last;
}

/* ---- the whole ---- */

static int add_doc(const struct br_doc *d, void *arg)
{
	struct run *r = arg;

	if (d->state == BR_DOC_INDEXED && d->chunks && (!r->opts->want || r->opts->want(d, r->opts->want_arg))) {
		*br_vec_push(&r->doc) = d->doc;
		r->total += d->chunks;
	}
	return 0;
}

static unsigned threads(const struct run *r, const struct br_nb *nb)
{
	struct br_nb_values *v = br_nb_values_new(nb);
	int64_t n = br_nb_is_set(v, "enhance.concurrency") ? br_nb_int(v, "enhance.concurrency") : br_config_int(r->ws->config, "llm.concurrency");

	br_nb_values_free(v);
	return (unsigned)BR_MAX(1, BR_MIN(n, BR_MAX_LLM_AT_ONCE));
}

static int choose_model(struct run *r, const struct br_nb *nb, struct br_err *err)
{
	bool there = br_llm_configured(r->ws->config, BR_LLM_CHAT);
	struct br_nb_values *v;
	int rc;

	snprintf(r->out->by, sizeof r->out->by, "br");
	if (r->opts->model == BR_ENHANCE_ON && !there)
		return br_fail(err, BR_EUSAGE, "no language model is configured");
	if (r->opts->model == BR_ENHANCE_OFF || !there)
		return 0;
	v = br_nb_values_new(nb);
	if ((rc = br_nb_llm_open(&r->llm, r->ws->config, nb, err)) == 0) /* with the key of the notebook's owner, or of the workspace, if there is one */
		rc = br_keep_use_key(r->llm, r->ws, (const char *[]){ br_nb_str(v, "owner"), NULL }, err);
	br_nb_values_free(v);
	if (rc == 0)
		snprintf(r->out->by, sizeof r->out->by, "%s", br_llm_info(r->llm)->model);
	return rc;
}

static int find_docs(struct run *r, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_txn_read(&t, r->ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_nb_get(&nb, &a, t, r->opts->notebook, err)) == 0) {
		r->nb = nb->nb;
		r->concurrency = threads(r, nb);
		rc = br_doc_each(t, nb->nb, add_doc, r, err);
	}
	br_txn_end(t);
	if (rc == 0)
		rc = choose_model(r, nb, err);
	br_arena_release(&a);
	return rc;
}

static int begin(struct run *r, struct br_err *err)
{
	char *path = br_path_join(r->ws->dir, "enhance.lock");
	int rc = 0;

	if (r->opts->plan || (rc = br_lock_take(&r->lock, path, r->ws->wait_ms, err)) == 0)
		rc = find_docs(r, err);
	free(path);
	if (rc == 0 && !r->opts->plan) {
		unsigned n = r->llm ? r->concurrency : 0;
		r->pool = br_pool_new(&(struct br_pool_opts){ .n = n, .depth = BR_MAX(n, 1u), .work = work, .arg = r });
		if (r->opts->limit)
			r->total = BR_MIN(r->total, r->opts->limit);
	}
	return rc;
}

static int finish(struct run *r, struct br_err *err)
{
	struct br_enhance_stats *s = r->out;

	if (r->opts->plan) {
		s->prompt_tokens = br_llm_estimate_tokens(r->asked_bytes);
		s->cost = r->llm ? br_llm_price(r->llm, s->prompt_tokens, s->completion_tokens) : 0;
		return s->todo ? br_fail(err, BR_ECHANGES, "there is something to do") : 0;
	}
	if (r->stop)
		return br_fail(err, r->why.code, "%s", r->why.msg);
	if (is_stopped(r))
		return br_stop_signal() ? br_check_stop(err) : br_fail(err, BR_ECANCELLED, "stopped");
	if (s->failed)
		return br_fail(err, s->success || s->kept ? BR_EPARTIAL : BR_EUPSTREAM, "%llu of %llu passages got no context",
		               (unsigned long long)s->failed, (unsigned long long)s->todo);
	return 0;
}

int br_enhance(struct br_enhance_stats *out, struct br_ws *ws, const struct br_enhance_opts *opts, struct br_err *err)
{
	struct run r = { .ws = ws, .opts = opts, .out = out };
	int64_t began = br_mono_ns();
	int rc;

	*out = (struct br_enhance_stats){ 0 };
	r.cancel = opts->cancel ? opts->cancel : &r.own;
	if ((rc = begin(&r, err)) == 0 && (rc = run_docs(&r, err)) == 0)
		rc = finish(&r, err);
	out->seconds = (double)(br_mono_ns() - began) / 1e9;
	br_pool_free(r.pool);
	br_llm_close(r.llm);
	br_lock_drop(&r.lock);
	br_vec_release(&r.doc);
	br_vec_release(&r.done);
	return rc;
}
