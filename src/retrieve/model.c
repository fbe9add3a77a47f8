/*
 * What strategies ask of a language model, and what becomes of a question when there is none or it fails.
 */
#include "internal.h"

enum { MOST_TOKENS = 400 }; /* of a passage or a few questions */

int br_ask_llm(struct br_buf *out, const char *system, const char *user, void *arg, struct br_err *err)
{
	struct br_llm_message m[] = {
		{ "system", br_slice_str(system), NULL, 0, NULL }, { "user", br_slice_str(user), NULL, 0, NULL },
	};
	struct br_llm_chat req = { .message = m, .n = BR_COUNT(m), .max_tokens = MOST_TOKENS };
	struct br_llm_reply reply;
	int rc = br_llm_chat(&reply, arg, &req, err);

	if (rc == 0)
		br_buf_add(out, reply.text.ptr, reply.text.len);
	br_llm_reply_release(&reply);
	return rc;
}

int service_failed(struct br_result *r, const struct br_query_opts *opts, const char *what, int rc,
                   const struct br_err *why, struct br_err *err)
{
	if (rc == -BR_ECANCELLED || opts->strict) {
		if (err)
			*err = *why;
		return rc;
	}
	r->degraded = br_arena_printf(&r->arena, "%s: %s", what, why->msg);
	return 0;
}

int ask_model(const char **out, struct search *s, const char *system, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_LLM_TEXT);
	struct br_err why = { 0 };
	int rc = 0;

	*out = NULL;
	if (!s->q.plain.len) /* only filters: nothing to say in other words */
		return 0;
	if (!s->opts->ask) {
		s->out->degraded = "no language model configured";
		return 0;
	}
	rc = s->opts->ask(&text, system, s->q.plain.ptr, s->opts->ask_arg, &why);
	if (rc == 0)
		*out = br_arena_strndup(&s->scratch, text.ptr, BR_MIN(text.len, (size_t)BR_MAX_QUERY));
	else
		rc = service_failed(s->out, s->opts, "the language model failed", rc, &why, err);
	br_buf_release(&text);
	return rc;
}
