/*
 * Answers of a language model: passages are retrieved and numbered, the model's reply is streamed through the citation filter, and a
 * reply that says that nothing was found is recognised before any of it is shown. Strict replies are shown once they are whole, since
 * one without a citation counts as nothing.
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>

struct stream {
	struct br_cite_filter filter;
	struct br_buf lead;            /* beginning of the reply until it is known not to be NOT_FOUND_MARK */
	struct br_buf text;            /* what was passed on */
	const struct br_answer_opts *opts;
	bool begun, stopped;
};

static int on_checked(const char *text, size_t n, void *arg)
{
	struct stream *s = arg;

	br_buf_add(&s->text, text, n);
	if (s->text.failed || (s->opts->token && !s->opts->strict && s->opts->token(text, n, s->opts->arg))) {
		s->stopped = !s->text.failed;
		return 1;
	}
	return 0;
}

/* Whether the reply so far begins with the mark (or, while it is shorter, may). */
static bool looks_not_found(const struct br_buf *lead, bool whole)
{
	const char *p = lead->ptr;
	size_t n;

	while (isspace((unsigned char)*p) || *p == '*' || *p == '"')
		p++;
	n = strlen(p);
	if (n < sizeof NOT_FOUND_MARK - 1)
		return !whole && !strncmp(p, NOT_FOUND_MARK, n);
	return !strncmp(p, NOT_FOUND_MARK, sizeof NOT_FOUND_MARK - 1);
}

static int begin(struct stream *s)
{
	s->begun = true;
	return br_cite_push(&s->filter, s->lead.ptr, s->lead.len);
}

static int on_token(const char *text, size_t n, void *arg)
{
	struct stream *s = arg;

	if (s->begun)
		return br_cite_push(&s->filter, text, n);
	br_buf_add(&s->lead, text, n);
	if (s->lead.failed)
		return 1;
	return looks_not_found(&s->lead, false) ? 0 : begin(s);
}

static int finish(struct stream *s)
{
	if (!s->begun && (looks_not_found(&s->lead, true) || begin(s)))
		return 0;
	return br_cite_end(&s->filter);
}

static void stream_release(struct stream *s)
{
	br_buf_release(&s->lead);
	br_buf_release(&s->text);
}

/* The conversation, then passages and question; the caller frees the array. */
static struct br_chat_message *messages(size_t *n, const struct br_answer_opts *opts, const char *system, const char *question)
{
	size_t from = opts->n_history > BR_MAX_HISTORY ? opts->n_history - BR_MAX_HISTORY : 0;
	struct br_chat_message *m = br_allocn(opts->n_history - from + 2, sizeof *m);

	*n = 0;
	m[(*n)++] = (struct br_chat_message){ "system", system };
	for (size_t i = from; i < opts->n_history; i++)
		m[(*n)++] = (struct br_chat_message){ opts->history[i].user ? "user" : "assistant", opts->history[i].text };
	m[(*n)++] = (struct br_chat_message){ "user", question };
	return m;
}

static void take_passages(struct br_reply *out, const struct inquiry *q, const struct br_cite_filter *f)
{
	out->cite = br_arena_zalloc(&out->arena, (q->r.n + 1) * sizeof *out->cite);
	for (uint32_t i = 0; i < q->r.n; i++) {
		br_answer__cite_range(&out->cite[i], &out->arena, &q->r.hit[i], 0, (uint32_t)strlen(q->r.hit[i].text));
		out->cite[i].n = i + 1;
		out->cite[i].cited = br_cite_seen(f, i + 1);
	}
	out->n = q->r.n;
}

static int take_reply(struct br_reply *out, const struct inquiry *q, struct stream *s, struct br_err *err)
{
	bool cited = false;

	take_passages(out, q, &s->filter);
	for (size_t i = 0; i < out->n; i++)
		cited |= out->cite[i].cited;
	out->repaired = s->filter.removed;
	out->found = s->text.len && (cited || !s->opts->strict);
	out->text = br_arena_strndup(&out->arena, s->text.ptr, s->text.len);
	return br_buf_check(&s->text, "the model's reply", err);
}

static int ask_model(struct br_reply *out, struct inquiry *q, const struct br_answer_opts *opts, const char *system, const char *question, struct br_err *err)
{
	struct stream s = { .opts = opts, .lead = BR_BUF_INIT(BR_MAX_REPLY), .text = BR_BUF_INIT(BR_MAX_REPLY),
		.filter = { .passages = (uint32_t)q->r.n, .out = on_checked } };
	struct br_usage used = { 0 };
	size_t n;
	struct br_chat_message *m = messages(&n, opts, system, question);
	int rc;

	s.filter.arg = &s;
	rc = opts->model->complete(opts->model->arg, m, n, on_token, &s, &used, err);
	if (rc == 0 && !s.stopped && !s.text.failed && !s.lead.failed)
		(void)finish(&s);
	if (rc == 0 && s.stopped)
		rc = br_fail(err, BR_ECANCELLED, "the answer was stopped");
	out->tokens.prompt += used.prompt;
	out->tokens.completion += used.completion;
	if (rc == 0)
		rc = take_reply(out, q, &s, err);
	stream_release(&s);
	free(m);
	return rc;
}

int br_answer__model_answer(struct br_reply *out, struct inquiry *q, const struct br_answer_opts *opts, struct br_err *err)
{
	struct br_buf system = BR_BUF_INIT(BR_MAX_PROMPT), question = BR_BUF_INIT(BR_MAX_PROMPT);
	int rc = 0;

	if (q->r.n && (rc = br_answer__prompt_system(&system, opts, err)) == 0 &&
	    (rc = br_answer__prompt_question(&question, &q->r, out->question, err)) == 0)
		rc = ask_model(out, q, opts, system.ptr, question.ptr, err);
	br_buf_release(&system);
	br_buf_release(&question);
	return rc;
}
