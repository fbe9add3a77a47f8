/* Conversations that people take over, and give back. */
#include "baiyuan.h"

#include <stdlib.h>

#define SESSION API "/sessions/{conversation_id}"

static const struct br_field message_out[] = {
	{ "role", MUST(STR), .choices = "user|assistant|agent" }, { "content", MUST(STR) }, { "timestamp", MUST(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape message_shape = { "BaiyuanMessage", message_out, 0 };
static const struct br_field summary_out[] = {
	{ "customer_name", MAY_NULL(STR) }, { "main_question", MUST(STR) }, { "context_facts", MUST(ARR), .of = BR_F_STR }, { "pending_facts", MUST(ARR), .of = BR_F_STR },
	{ "suggested_actions", MUST(ARR), .of = BR_F_STR }, { "sentiment", MUST(STR), .choices = "neutral|frustrated|urgent" }, BR_FIELD_END,
};
static const struct br_shape summary_shape = { "BaiyuanSummary", summary_out, 0 };
static const struct br_field session_out[] = {
	{ "conversation_id", MUST(STR) }, { "session_id", MAY_NULL(STR) }, { "status", MUST(STR), .choices = "ai_active|pending_handoff|agent_active|ended" },
	{ "assigned_to", MAY_NULL(STR) }, { "reason", MAY_NULL(STR) }, { "mirror_human_reply", MUST(BOOL) },
	{ "suggestion", MAY_NULL(STR), .help = "what the AI would have said to the last question" }, { "updated_at", MUST(STR), .format = "date-time" },
	{ "messages", MUST(ARR), .shape = &message_shape }, { "summary", MUST(OBJ), .shape = &summary_shape }, BR_FIELD_END,
};
static const struct br_shape session_shape = { "BaiyuanSession", session_out, 0 };

static void reply_session(struct br_req *r, const struct br_session *s)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_kstr(j, "conversation_id", s->id);
	br_baiyuan__or_null(j, "session_id", s->name);
	br_json_kstr(j, "status", br_handoff_name(s->status));
	br_baiyuan__or_null(j, "assigned_to", s->assigned_to);
	br_baiyuan__or_null(j, "reason", s->reason);
	br_json_kbool(j, "mirror_human_reply", s->mirror);
	br_baiyuan__or_null(j, "suggestion", s->suggestion);
	br_baiyuan__time(j, "updated_at", s->updated);
	br_json_key(j, "messages");
	br_json_arr(j);
	for (size_t i = 0; i < s->said.n; i++) {
		br_json_obj(j);
		br_json_kstr(j, "role", s->said.v[i].role);
		br_json_kstr(j, "content", s->said.v[i].content);
		br_baiyuan__time(j, "timestamp", s->said.v[i].at);
		br_json_end(j);
	}
	br_json_end(j);
	br_json_key(j, "summary");
	br_session_summary(j, s);
	br_json_end(j);
}

struct act_in { const char *agent, *content, *message, *reason; bool mirror; };
static const struct br_field act_in[] = {
	{ "agent_email", BR_FAT_STR(struct act_in, agent), .max = 320 }, { "content", BR_FAT_STR(struct act_in, content), .max = 20000 },
	{ "message", BR_FAT_STR(struct act_in, message), .max = 20000, .help = "another name of content" }, { "reason", BR_FAT_STR(struct act_in, reason), .max = 1000 },
	{ "mirror_human_reply", BR_FAT_BOOL(struct act_in, mirror), .help = "whether what people say is remembered; true at first" }, BR_FIELD_END,
};

static int act(struct br_req *r, const struct act_in *p, enum br_handoff_event event, struct br_err *err)
{
	const char *text = event == BR_HO_REQUEST ? p->reason : p->content ? p->content : p->message;
	const struct br_session_act a = { event, p->agent, text, br_req_given(r, "mirror_human_reply") ? p->mirror : -1 };
	struct br_session s;
	int rc;

	if ((event == BR_HO_CLAIM || event == BR_HO_RESUME) && (!p->agent || !*p->agent))
		return br_fail(err, BR_EUSAGE, "agent_email is missing");
	if (event == BR_HO_REPLY && (!text || !text[strspn(text, " \t\r\n")]))
		return br_fail(err, BR_EUSAGE, "content is missing");
	if ((rc = br_session_act(&s, br_req_arena(r), br_baiyuan__tenancy(r), br_baiyuan__tenant(r), br_req_param(r, "conversation_id"), &a, err)) < 0)
		return rc;
	reply_session(r, &s);
	br_session_release(&s);
	return 0;
}

static int request(struct br_req *r, const void *in, struct br_err *err) { return act(r, in, BR_HO_REQUEST, err); }
static int claim(struct br_req *r, const void *in, struct br_err *err) { return act(r, in, BR_HO_CLAIM, err); }
static int reply(struct br_req *r, const void *in, struct br_err *err) { return act(r, in, BR_HO_REPLY, err); }
static int resume(struct br_req *r, const void *in, struct br_err *err) { return act(r, in, BR_HO_RESUME, err); }
static int cancel(struct br_req *r, const void *in, struct br_err *err) { return act(r, in, BR_HO_CANCEL, err); }
static int end(struct br_req *r, const void *in, struct br_err *err) { return act(r, in, BR_HO_END, err); }

static int get(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_session s;
	int rc = br_session_get(&s, br_req_arena(r), br_baiyuan__tenancy(r), br_baiyuan__tenant(r), br_req_param(r, "conversation_id"), err);

	(void)in;
	if (rc < 0)
		return rc;
	reply_session(r, &s);
	br_session_release(&s);
	return 0;
}

#define ACTS(path, id, what, fn) \
	{ "POST", SESSION path, id, what, "sessions", BR_LEVEL_KEY, .scopes = "query", .rate = "tenant", .body = BR_BODY_JSON, .in = act_in, \
	  .in_size = sizeof(struct act_in), .out = &session_shape, .fails = act_fails, .flags = BR_ROUTE_MAY_BODY, .run = fn }
static const short act_fails[] = { 400, 404, 409, 0 }, get_fails[] = { 404, 0 };
static const struct br_route rows[] = {
	{ "GET", SESSION, "baiyuan_session", "Who answers, and what was said", "sessions", BR_LEVEL_KEY, .scopes = "query", .rate = "tenant", .out = &session_shape,
	  .fails = get_fails, .run = get },
	ACTS("/handoff-request", "baiyuan_handoff_request", "Ask for a person", request),
	ACTS("/claim", "baiyuan_handoff_claim", "A person takes over", claim),
	ACTS("/human-reply", "baiyuan_human_reply", "What the person says", reply),
	ACTS("/resume-ai", "baiyuan_resume_ai", "The AI answers again", resume),
	ACTS("/cancel", "baiyuan_handoff_cancel", "Nobody needs to come", cancel),
	ACTS("/end", "baiyuan_session_end", "The conversation is over", end),
};
const struct br_routes br_baiyuan__sessions_rows = { rows, BR_COUNT(rows) };
