/*
 * Conversations: what was said lately, and who answers. A record each, found by the conversation's id or by the name that the client gave
 * the session; both begin with the tenant. The steps between the four states are a table.
 */
#include "internal.h"

#include <stdlib.h>

static const char *const names[] = {
#define X(id, name) name,
	BR_HANDOFF_LIST(X)
#undef X
};
const char *br_handoff_name(enum br_handoff h) { return names[h]; }

bool br_handoff_next(enum br_handoff *out, enum br_handoff from, enum br_handoff_event e)
{
	static const struct { uint8_t from, event, to; } step[] = {
		{ BR_HANDOFF_AI, BR_HO_REQUEST, BR_HANDOFF_PENDING },  { BR_HANDOFF_AI, BR_HO_END, BR_HANDOFF_ENDED },
		{ BR_HANDOFF_PENDING, BR_HO_CLAIM, BR_HANDOFF_AGENT }, { BR_HANDOFF_PENDING, BR_HO_CANCEL, BR_HANDOFF_AI },
		{ BR_HANDOFF_PENDING, BR_HO_TIMEOUT, BR_HANDOFF_AI },  { BR_HANDOFF_AGENT, BR_HO_REPLY, BR_HANDOFF_AGENT },
		{ BR_HANDOFF_AGENT, BR_HO_RESUME, BR_HANDOFF_AI },     { BR_HANDOFF_AGENT, BR_HO_END, BR_HANDOFF_ENDED },
	};

	for (size_t i = 0; i < BR_COUNT(step); i++)
		if (step[i].from == from && step[i].event == e) {
			*out = (enum br_handoff)step[i].to;
			return true;
		}
	return false;
}

/* ---- the record ---- */

static const struct member members[] = {
	MEM(br_session, id, 'u'), MEM(br_session, tenant, 'u'), MEM(br_session, name, 's'), MEM(br_session, assigned_to, 's'), MEM(br_session, reason, 's'),
	MEM(br_session, kb, 's'), MEM(br_session, mirror, 'b'), MEM(br_session, created, 'i'), MEM(br_session, updated, 'i'), MEM(br_session, since, 'i'),
	MEM(br_session, low, 'i'), MEM(br_session, suggestion, 's'), { NULL },
};
static const struct member said_members[] = { MEM(br_said, role, 's'), MEM(br_said, content, 's'), MEM(br_said, at, 'i'), { NULL } };

void br_session_release(struct br_session *s) { br_vec_release(&s->said); }

static char *encode(struct br_arena *a, const struct br_session *s)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct br_json j;
	char *text;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "status", names[s->status]);
	record_write(&j, members, s);
	br_json_key(&j, "said");
	br_json_arr(&j);
	for (size_t i = 0; i < s->said.n; i++) {
		br_json_obj(&j);
		record_write(&j, said_members, &s->said.v[i]);
		br_json_end(&j);
	}
	br_json_end(&j);
	br_json_end(&j);
	text = br_arena_strndup(a, b.ptr, b.len);
	br_buf_release(&b);
	return text;
}

static int decode(struct br_session *out, struct br_arena *a, const char *json, struct br_err *err)
{
	const struct br_jval *root, *v;
	const char *status;
	struct br_jdoc *doc;

	*out = (struct br_session){ .status = BR_HANDOFF_ENDED };
	if (br_jdoc_parse(&doc, br_slice_str(json), "a conversation", NULL) < 0)
		return br_fail(err, BR_ECORRUPT, "the record of a conversation is damaged");
	root = br_jdoc_root(doc);
	record_fields(out, a, members, root);
	status = br_jval_str(br_jval_get(root, "status"));
	for (size_t i = 0; status && i < BR_COUNT(names); i++)
		if (!strcmp(names[i], status))
			out->status = (enum br_handoff)i;
	for (v = br_jval_first(br_jval_get(root, "said")); v && out->said.n < SAID_MAX; v = br_jval_next(v))
		record_fields(br_vec_push(&out->said), a, said_members, v);
	br_jdoc_free(doc);
	return 0;
}

static char *row_name(struct br_arena *a, const char *tenant, const char *what) { return br_arena_printf(a, "%s/%s", tenant, what); }

static char *name_key(struct br_arena *a, const char *tenant, const char *name)
{
	uint8_t sha[32];
	char hex[65];

	br_sha256(sha, name, strlen(name));
	br_hex(hex, sha, 32);
	return row_name(a, tenant, hex);
}

/* 1: there. */
static int read_one(struct br_session *out, struct br_arena *a, struct br_tenancy *t, const char *tenant, const char *id, struct br_err *err)
{
	const char *json;
	int rc = is_uuid(id) ? br_keep_get(&json, a, t->ws, 0, BR_KEEP_SESSION, row_name(a, tenant, lower_id(a, id)), err) : (json = NULL, 0);

	if (rc < 0 || !json)
		return rc;
	if ((rc = decode(out, a, json, err)) == 0 && strcmp(out->tenant, tenant))
		rc = br_fail(err, BR_EBUG, "a conversation of another tenant was read");
	if (rc < 0)
		br_session_release(out);
	return rc < 0 ? rc : 1;
}

int session_write(struct br_tenancy *t, struct br_session *s, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_keep_row row[2] = { { 0, BR_KEEP_SESSION, row_name(&a, s->tenant, s->id), NULL }, { 0, BR_KEEP_SESSION_NAME, NULL, NULL } };
	size_t n = 1;
	int rc;

	s->updated = br_now();
	row[0].json = encode(&a, s);
	if (*s->name) {
		row[n].name = name_key(&a, s->tenant, s->name);
		row[n++].json = br_arena_printf(&a, "{\"id\":\"%s\"}", s->id);
	}
	rc = br_keep_put_all(t->ws, row, n, err);
	br_arena_release(&a);
	return rc;
}

/* ---- changes ---- */

void session_move(struct br_session *s, enum br_handoff to)
{
	if (s->status != to)
		s->since = br_now();
	s->status = to;
	if (to == BR_HANDOFF_AI) {
		s->assigned_to = s->suggestion = "";
		s->low = 0;
	}
}

void session_say(struct br_session *s, struct br_arena *a, const char *role, const char *text)
{
	if (!*text)
		return;
	if (s->said.n == SAID_MAX)
		memmove(&s->said.v[0], &s->said.v[1], --s->said.n * sizeof *s->said.v);
	*br_vec_push(&s->said) = (struct br_said){ role, br_arena_strdup(a, text), br_now() };
}

/* Nobody came: the AI takes over again. */
static void look_at_clock(struct br_session *s, const struct br_tenant *who)
{
	enum br_handoff to;

	if (s->status == BR_HANDOFF_PENDING && who->handoff_timeout && br_now() - s->since >= who->handoff_timeout &&
	    br_handoff_next(&to, s->status, BR_HO_TIMEOUT))
		session_move(s, to);
}

size_t session_memory(struct br_turn *out, const struct br_session *s, int64_t messages)
{
	size_t from = s->said.n, n = 0;
	uint64_t tokens = 0;

	while (from && (int64_t)(s->said.n - from) < messages) {
		tokens += br_wiki_token_count(br_slice_str(s->said.v[from - 1].content));
		if (tokens > MEMORY_TOKENS)
			break;
		from--;
	}
	for (; from < s->said.n; from++)
		out[n++] = (struct br_turn){ !strcmp(s->said.v[from].role, "user"), s->said.v[from].content };
	return n;
}

int session_begin(struct br_session *out, struct br_arena *a, struct br_tenancy *t, const struct br_tenant *who, const struct br_question *q, struct br_err *err)
{
	const char *json = NULL, *id = NULL;
	int rc = 0;

	if (q->session && (rc = br_keep_get(&json, a, t->ws, 0, BR_KEEP_SESSION_NAME, name_key(a, who->id, q->session), err)) < 0)
		return rc;
	id = json ? br_keep_member(a, json, "id") : q->session;
	if (id && (rc = read_one(out, a, t, who->id, id, err)) < 0)
		return rc;
	if (rc > 0)
		look_at_clock(out, who);
	if (rc > 0 && out->status != BR_HANDOFF_ENDED && br_now() - out->updated < MEMORY_SECONDS)
		return 0;
	if (rc > 0)
		br_session_release(out);
	*out = (struct br_session){ .name = q->session ? br_arena_strdup(a, q->session) : "", .assigned_to = "", .reason = "", .suggestion = "", .mirror = true,
		.kb = q->kb ? br_arena_strdup(a, q->kb) : "", .created = br_now(), .since = br_now() };
	br_uuid(out->id);
	memcpy(out->tenant, who->id, 37);
	return 0;
}

int br_session_get(struct br_session *out, struct br_arena *a, struct br_tenancy *t, const char *tenant, const char *conversation, struct br_err *err)
{
	struct br_tenant who;
	int rc = br_tenant_find(&who, a, t->ws, tenant, err);

	if (rc < 0 || (rc = read_one(out, a, t, who.id, conversation, err)) < 0)
		return rc;
	if (!rc)
		return br_fail(err, BR_ENOTFOUND, "conversation not found");
	look_at_clock(out, &who);
	return 0;
}

static void apply(struct br_session *s, struct br_arena *a, const struct br_session_act *act)
{
	if (act->mirror >= 0)
		s->mirror = act->mirror;
	if (act->event == BR_HO_CLAIM)
		s->assigned_to = act->agent;
	if (act->event == BR_HO_REQUEST)
		s->reason = act->text ? act->text : "";
	if (act->event == BR_HO_REPLY) {
		s->suggestion = "";
		if (s->mirror)
			session_say(s, a, "agent", act->text);
	}
}

int br_session_act(struct br_session *out, struct br_arena *a, struct br_tenancy *t, const char *tenant, const char *conversation, const struct br_session_act *act,
                   struct br_err *err)
{
	enum br_handoff to;
	int rc;

	pthread_mutex_lock(&t->change);
	if ((rc = br_session_get(out, a, t, tenant, conversation, err)) == 0) {
		if (br_handoff_next(&to, out->status, act->event)) {
			session_move(out, to);
			apply(out, a, act);
			rc = session_write(t, out, err);
		} else {
			rc = br_fail(err, BR_EEXISTS, "the conversation is %s", names[out->status]);
		}
		if (rc < 0)
			br_session_release(out);
	}
	pthread_mutex_unlock(&t->change);
	return rc;
}

/* ---- forgetting ---- */

struct purge { struct br_arena a; BR_VEC(struct br_keep_row) row; };

static int old_one(const char *key, const char *json, void *arg)
{
	struct purge *p = arg;
	struct br_session s;

	if (decode(&s, &p->a, json, NULL) == 0 && br_now() - s.updated > 30 * MEMORY_SECONDS) {
		*br_vec_push(&p->row) = (struct br_keep_row){ 0, BR_KEEP_SESSION, key, NULL };
		if (*s.name)
			*br_vec_push(&p->row) = (struct br_keep_row){ 0, BR_KEEP_SESSION_NAME, name_key(&p->a, s.tenant, s.name), NULL };
	}
	br_session_release(&s);
	return 0;
}

/* A month after they were archived or left. */
int session_purge(struct br_tenancy *t, struct br_err *err)
{
	struct purge p = { 0 };
	int rc = br_keep_under(&p.a, t->ws, 0, BR_KEEP_SESSION, "", old_one, &p, err);

	if (rc == 0 && p.row.n)
		rc = br_keep_put_all(t->ws, p.row.v, p.row.n, err);
	br_vec_release(&p.row);
	br_arena_release(&p.a);
	return rc;
}
