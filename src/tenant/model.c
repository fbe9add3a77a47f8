/*
 * Language models by way of the router: the first that is not paused is asked, and the next when it fails, as long as nothing of its reply
 * was shown. A reply without text is a failure, too.
 */
#include "ask.h"

#include <stdlib.h>

enum { WAIT_MS = 60000 };

struct piece_to { br_token_fn *token; void *arg; bool any, stopped; };

static int pass_on(struct br_slice piece, void *arg)
{
	struct piece_to *to = arg;

	to->any |= piece.len > 0;
	to->stopped = to->token && to->token(piece.ptr, piece.len, to->arg);
	return to->stopped;
}

static int ask_one(struct asking *a, const char *name, const struct br_llm_message *m, size_t n, struct piece_to *to, struct br_usage *usage, struct br_err *err)
{
	const struct br_question *q = a->q;
	struct br_llm_chat req = { .ask = { .model = name, .timeout_ms = WAIT_MS, .cancel = &a->t->quit }, .message = m, .n = n, .temperature = &q->temperature,
		.max_tokens = q->max_tokens, .token = pass_on, .arg = to };
	struct br_llm_reply reply = { 0 };
	int rc = br_llm_chat(&reply, a->llm, &req, err);

	usage->prompt += reply.tokens.prompt;
	usage->completion += reply.tokens.completion;
	if (rc == 0 && !reply.text.len)
		rc = br_fail(err, BR_EUPSTREAM, "the model's reply is empty");
	br_llm_reply_release(&reply);
	return rc;
}

static int complete(void *arg, const struct br_chat_message *m, size_t n, br_token_fn *token, void *token_arg, struct br_usage *usage, struct br_err *err)
{
	struct asking *a = arg;
	struct br_llm_message *msg = br_allocn(n + 1, sizeof *msg);
	struct piece_to to = { .token = token, .arg = token_arg };
	const char *configured = br_llm_info(a->llm)->model;
	unsigned tried = 0;
	int rc = br_fail(err, BR_EUPSTREAM, "no model answers now"), i;

	for (size_t k = 0; k < n; k++)
		msg[k] = (struct br_llm_message){ .role = m[k].role, .text = br_slice_str(m[k].content) };
	while (rc < 0 && !to.any && !to.stopped && (i = br_router_pick(a->t->router, tried)) >= 0) {
		const char *name = br_router_name(a->t->router, i);
		tried |= 1u << i;
		rc = ask_one(a, name ? name : configured, msg, n, &to, usage, err);
		if (!to.stopped)
			br_router_told(a->t->router, i, rc == 0);
	}
	free(msg);
	return to.stopped ? br_fail(err, BR_ECANCELLED, "nobody waits for the answer") : rc;
}

static int add_text(const char *text, size_t n, void *arg)
{
	br_buf_add(arg, text, n);
	return ((struct br_buf *)arg)->failed;
}

int model_say(struct br_buf *out, struct asking *a, const char *system, const char *user, br_token_fn *token, void *arg, struct br_usage *usage, struct br_err *err)
{
	const struct br_chat_message m[] = { { "system", system }, { "user", user } };

	return complete(a, m, 2, token ? token : add_text, token ? arg : out, usage, err);
}

/* Voices of the wiki's vote: what they cost is the audit's, not the answer's. */
static int vote(struct br_buf *out, const char *system, const char *user, void *arg, struct br_err *err)
{
	struct br_usage usage = { 0 };

	return model_say(out, arg, system, user, NULL, NULL, &usage, err);
}

int model_open(struct asking *a, struct br_err *err)
{
	const struct br_config *c = a->t->ws->config;
	bool rerank = a->kbs.v.n && a->kbs.v.v[0].rerank && br_llm_configured(c, BR_LLM_RERANK);
	int rc = 0;

	if (br_llm_configured(c, BR_LLM_CHAT) && (rc = br_llm_open(&a->llm, c, BR_LLM_CHAT, err)) < 0)
		return rc;
	if (a->llm) {
		a->model = (struct br_answer_model){ .complete = complete, .arg = a, .name = br_llm_info(a->llm)->model };
		a->wiki_model = (struct br_wiki_model){ vote, a, a->model.name };
	}
	if (rerank && br_router_mode(a->t->router) == BR_MODE_NORMAL)
		rc = br_llm_open(&a->rerank, c, BR_LLM_RERANK, err);
	return rc;
}

void model_close(struct asking *a)
{
	br_llm_close(a->llm);
	br_llm_close(a->rerank);
}
