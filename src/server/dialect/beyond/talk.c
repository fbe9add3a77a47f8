/*
 * A turn of a conversation: what the notebook says where the request does not, the history, retrieval, the answer, both messages kept.
 * Nothing is held in the store while a model is asked.
 */
#include "beyond.h"

#include <stdlib.h>

int br_beyond__chat(struct br_chat *out, struct br_req *r, const struct br_nb *nb, const char *id, struct br_err *err)
{
	int rc = strlen(id) == 36 ? br_chat_get(out, br_req_arena(r), br_req_ws(r), nb->id, id, err) : -BR_ENOTFOUND;

	if (rc == -BR_ENOTFOUND || (rc == 0 && strcmp(out->id, id)))
		return br_fail(err, BR_ENOTFOUND, "Conversation not found");
	return rc;
}

int br_beyond__messages(struct br_messages *out, struct br_req *r, const struct br_nb *nb, const char *id, struct br_err *err)
{
	return br_chat_messages(out, br_req_arena(r), br_req_ws(r), nb->id, id, 0, err);
}

/* ---- one turn ---- */

struct turn {
	struct br_req *r;
	const struct br_nb *nb;
	struct br_nb_values *v;
	struct br_messages past;
	struct br_beyond_ask ask;
	struct br_answer_service *service;
	struct br_answer_opts o;
};

static int load_history(struct turn *t, const char *chat, struct br_err *err)
{
	uint32_t most = (uint32_t)br_nb_int(t->v, "chat.max_messages");
	struct br_turn *turn;
	int rc;

	if (!most)
		return 0;
	if ((rc = br_chat_messages(&t->past, br_req_arena(t->r), br_req_ws(t->r), t->nb->id, chat, BR_MIN(most, BR_MAX_HISTORY), err)) < 0)
		return rc;
	turn = br_arena_alloc(br_req_arena(t->r), (t->past.v.n + 1) * sizeof *turn);
	for (size_t i = 0; i < t->past.v.n; i++)
		turn[i] = (struct br_turn){ t->past.v.v[i].role == BR_ROLE_USER, t->past.v.v[i].text };
	t->o.history = turn;
	t->o.n_history = t->past.v.n;
	return 0;
}

/* One model answers and searches. */
static int open_model(struct turn *t, struct br_err *err)
{
	struct br_llm *llm;
	int rc = br_nb_llm_open(&llm, br_req_ws(t->r)->config, t->nb, err);

	if (rc < 0 || !llm)
		return rc;
	t->service = br_answer_service_over(llm, NULL);
	t->o.model = br_answer_service_model(t->service);
	return br_beyond__use_key(llm, t->r, t->nb, err);
}

static const char *first(const char *a, const char *b, const char *c)
{
	return a ? a : b ? b : c;
}

static int prepare(struct turn *t, const struct br_beyond_turn *how, struct br_err *err)
{
	int rc = br_beyond__ask(&t->ask, t->r, t->nb, &how->q, err);

	if (rc < 0 || (rc = load_history(t, how->chat, err)) < 0 || (rc = open_model(t, err)) < 0)
		return rc;
	t->o.query = t->ask.opts;
	t->o.cache = !t->o.n_history;
	t->o.persona = first(how->persona, br_nb_str(t->v, "chat.persona"), "professional");
	t->o.language = first(how->language, br_nb_str(t->v, "chat.language"), "en");
	if (!strcmp(t->o.persona, "custom"))
		t->o.instructions = br_nb_str(t->v, "chat.system_prompt");
	t->o.suggest = true;
	return 0;
}

static int say(struct br_beyond_said *out, struct turn *t, const struct br_beyond_turn *how, struct br_err *err)
{
	int rc = br_answer(&out->reply, br_req_searcher(t->r), how->q.query, &t->o, err);

	if (rc < 0)
		return rc;
	out->strategy = t->ask.strategy;
	for (size_t i = 0; i < out->reply.n; i++)
		out->best = BR_MAX(out->best, out->reply.cite[i].score);
	if ((rc = br_chat_save(out->m, br_req_arena(t->r), br_req_ws(t->r), t->nb->id, how->chat, &out->reply, NULL, NULL, err)) < 0)
		return rc;
	br_beyond__judge(t->r, t->nb, out);
	return br_asked_add(br_req_ws(t->r), t->nb->id, &out->reply, br_req_who(t->r)->user, err);
}

int br_beyond__turn(struct br_beyond_said *out, struct br_req *r, const struct br_nb *nb, const struct br_beyond_turn *how, struct br_err *err)
{
	struct turn t = { .r = r, .nb = nb, .o = BR_ANSWER_OPTS_DEFAULT };
	int rc;

	*out = (struct br_beyond_said){ 0 };
	t.v = br_nb_values_new(nb);
	if ((rc = prepare(&t, how, err)) == 0)
		rc = say(out, &t, how, err);
	br_answer_service_close(t.service);
	br_beyond__ask_close(&t.ask);
	br_vec_release(&t.past.v);
	br_nb_values_free(t.v);
	return rc == -BR_EAUTH ? br_req_fail(r, 502, err, BR_EUPSTREAM, "the model service refused the key of the server") : rc;
}

void br_beyond__suggested(struct br_json *j, const struct br_reply *r)
{
	br_json_key(j, "suggested_questions");
	br_json_arr(j);
	for (size_t i = 0; r->suggested && r->suggested[i]; i++)
		br_json_str(j, r->suggested[i]);
	br_json_end(j);
}
