/*
 * The configured language model as the callback that answers are made with.
 */
#include "br/llm.h"

#include "internal.h"

#include <stdlib.h>

struct br_answer_service {
	struct br_answer_model model;
	struct br_llm *llm;
	const atomic_bool *cancel;
	struct br_answer_voice voice;
};

struct piece_to { br_token_fn *token; void *arg; bool begun; };

static int pass_on(struct br_slice piece, void *arg)
{
	struct piece_to *to = arg;

	to->begun = true;
	return to->token(piece.ptr, piece.len, to->arg);
}

/* As services say it: 400 or 404, which passing time does not mend. */
static bool no_such_model(int rc, const struct br_err *err)
{
	return rc == -BR_EUPSTREAM && (strstr(err->msg, "(HTTP 404") || strstr(err->msg, "(HTTP 400"));
}

static int complete(void *arg, const struct br_chat_message *m, size_t n, br_token_fn *token, void *token_arg, struct br_usage *usage,
		    struct br_err *err)
{
	struct br_answer_service *s = arg;
	struct br_llm_message *msg = br_allocn(n + 1, sizeof *msg);
	struct piece_to to = { token, token_arg, false };
	struct br_llm_chat req = { .ask = { .cancel = s->cancel, .model = s->voice.model }, .message = msg, .n = n, .token = pass_on, .arg = &to,
		.temperature = s->voice.temperature, .max_tokens = s->voice.max_tokens };
	struct br_llm_reply reply = { 0 };
	int rc;

	for (size_t i = 0; i < n; i++)
		msg[i] = (struct br_llm_message){ .role = m[i].role, .text = br_slice_str(m[i].content) };
	rc = br_llm_chat(&reply, s->llm, &req, err);
	if (s->voice.model && !to.begun && no_such_model(rc, err)) {
		br_llm_reply_release(&reply);
		s->voice.model = req.ask.model = NULL;
		s->model.name = br_llm_info(s->llm)->model;
		rc = br_llm_chat(&reply, s->llm, &req, err);
	}
	usage->prompt += reply.tokens.prompt;
	usage->completion += reply.tokens.completion;
	br_llm_reply_release(&reply);
	free(msg);
	return rc;
}

struct br_answer_service *br_answer_service_over(struct br_llm *llm, const atomic_bool *cancel)
{
	struct br_answer_service *s = br_alloc(sizeof *s);

	*s = (struct br_answer_service){ { complete, s, br_llm_info(llm)->model, llm }, llm, cancel, { 0 } };
	return s;
}

int br_answer_service_open(struct br_answer_service **out, const struct br_config *c, const atomic_bool *cancel, struct br_err *err)
{
	struct br_llm *llm;
	int rc = br_llm_open(&llm, c, BR_LLM_CHAT, err);

	*out = rc < 0 ? NULL : br_answer_service_over(llm, cancel);
	return rc;
}

const struct br_answer_model *br_answer_service_model(const struct br_answer_service *s) { return &s->model; }

void br_answer_service_voice(struct br_answer_service *s, const struct br_answer_voice *v)
{
	s->voice = *v;
	if (v->model)
		s->model.name = v->model;
}

void br_answer_service_close(struct br_answer_service *s)
{
	if (s)
		br_llm_close(s->llm);
	free(s);
}
