/*
 * A question from its text to its answer: whose it is, what it is for, then caches, wiki, passages in this order; what was said and how it
 * was found are written down in any case.
 */
#include "ask.h"

#include <ctype.h>
#include <stdlib.h>

static const double LOW = 0.3;   /* confidence below it counts towards a handoff */
enum { LOW_ROUNDS = 3, ANSWER_KEPT = 2000 /* bytes of an answer in the audit */ };

/* ---- showing ---- */

int show(struct asking *a, const char *text, struct br_err *err)
{
	size_t n = strlen(text);

	a->shown |= n > 0;
	if (a->q->token && n && a->q->token(text, n, a->q->arg))
		return br_fail(err, BR_ECANCELLED, "nobody waits for the answer");
	return 0;
}

/* How much of text is, or may become, a mark such as " [12]": 0 none; *whole: it is one. */
static size_t mark_at(const char *p, size_t n, bool *whole)
{
	size_t i = 0, digits = 0;

	*whole = false;
	while (i < n && p[i] == ' ')
		i++;
	if (i == n)
		return n;
	if (p[i++] != '[')
		return 0;
	while (i < n && isdigit((unsigned char)p[i]) && digits < 4) {
		i++;
		digits++;
	}
	if (i == n)
		return n;
	*whole = p[i] == ']' && digits;
	return *whole ? i + 1 : 0;
}

/* What is left when `last`: kept as text, being no mark. Returns the bytes that were used. */
static size_t strip_some(struct br_buf *out, struct br_slice text, bool last)
{
	size_t i = 0, n;
	bool whole;

	while (i < text.len) {
		n = text.ptr[i] == ' ' || text.ptr[i] == '[' ? mark_at(text.ptr + i, text.len - i, &whole) : (whole = false, 0);
		if (n && !whole && !last)
			return i;
		if (whole)
			i += n;
		else
			br_buf_addc(out, text.ptr[i++]);
	}
	return i;
}

void strip_marks(struct br_buf *out, struct br_slice text) { strip_some(out, text, true); }

int show_piece(const char *text, size_t n, void *arg)
{
	struct asking *a = arg;
	struct br_buf out = BR_BUF_INIT(BR_MAX_REPLY);
	size_t used;
	int rc;

	br_buf_add(&a->strip, text, n);
	used = strip_some(&out, br_buf_slice(&a->strip), false);
	memmove(a->strip.ptr, a->strip.ptr + used, a->strip.len - used);
	a->strip.len -= used;
	rc = show(a, out.ptr, NULL);
	br_buf_release(&out);
	return rc;
}

int show_rest(struct asking *a, struct br_err *err)
{
	struct br_buf out = BR_BUF_INIT(BR_MAX_REPLY);
	int rc;

	strip_marks(&out, br_buf_slice(&a->strip));
	a->strip.len = 0;
	rc = show(a, out.ptr, err);
	br_buf_release(&out);
	return rc;
}

void add_source(struct asking *a, const char *id, const char *title, const char *kb, double relevance)
{
	struct br_answered *out = a->out;
	struct br_found_in *more;

	for (size_t i = 0; i < out->n; i++)
		if (!strcmp(out->source[i].id, id)) {
			out->source[i].relevance = BR_MAX(out->source[i].relevance, relevance);
			return;
		}
	more = br_arena_zalloc(&out->arena, (out->n + 1) * sizeof *more);
	if (out->n)
		memcpy(more, out->source, out->n * sizeof *more);
	more[out->n++] = (struct br_found_in){ id, br_arena_strdup(&out->arena, title), br_arena_strdup(&out->arena, kb), relevance };
	out->source = more;
}

/* ---- words of our own ---- */

static bool has_chinese(const char *s)
{
	uint32_t cp;
	size_t n = strlen(s), k;

	for (size_t i = 0; i < n; i += k) {
		k = br_utf8_next(&cp, s + i, n - i);
		if (cp >= 0x4e00 && cp <= 0x9fff)
			return true;
	}
	return false;
}

static int say(struct asking *a, const char *english, const char *chinese, enum br_path path, struct br_err *err)
{
	a->out->path = path;
	a->out->text = a->chinese ? chinese : english;
	return show(a, a->out->text, err);
}

static int greet(struct asking *a, struct br_err *err)
{
	const char *q = a->q->text;

	a->out->confidence = 1;
	if (strcasestr(q, "thank") || strcasestr(q, "thx") || strstr(q, "谢") || strstr(q, "謝"))
		return say(a, "You are welcome. Is there anything else I can look up for you?", "不客气，还有什么可以帮您查询的吗？", BR_PATH_INTENT, err);
	if (strcasestr(q, "bye") || strcasestr(q, "see you") || strstr(q, "再见") || strstr(q, "拜拜"))
		return say(a, "Goodbye. Come back whenever you have a question.", "再见，欢迎随时再来提问。", BR_PATH_INTENT, err);
	return say(a, "Hello. Ask me about anything in the knowledge base.", "您好，请问有什么可以帮您？", BR_PATH_INTENT, err);
}

static int ask_for_people(struct asking *a, const char *reason, struct br_err *err)
{
	enum br_handoff to;

	if (br_handoff_next(&to, a->session.status, BR_HO_REQUEST)) {
		session_move(&a->session, to);
		a->session.reason = reason;
	}
	return say(a, "I am handing you over to a person, who will answer here.", "正在为您转接人工客服，请稍候。", BR_PATH_HANDOFF, err);
}

/* ---- while people are asked for, or answer ---- */

static int keep_silent(struct asking *a, struct br_err *err)
{
	struct asking draft = *a;
	struct br_answered as = { 0 };
	struct br_question q = *a->q;

	a->out->path = BR_PATH_HANDOFF;
	a->out->intent = BR_INTENT_HANDOFF;
	a->out->text = "";
	if (a->session.status == BR_HANDOFF_PENDING) {
		a->out->note = a->chinese ? "已通知人工客服，请稍候。" : "A person has been asked to answer; please wait.";
		return 0;
	}
	a->out->note = a->chinese ? "人工客服正在为您服务。" : "A person is answering you.";
	q.token = NULL;
	draft.q = &q;
	draft.out = &as;
	if (answer_from_passages(&draft, err) > 0)
		a->session.suggestion = br_arena_strdup(&a->out->arena, as.text);
	br_answered_release(&as);
	return 0;
}

/* ---- knowledge ---- */

static int look_up(struct asking *a, struct br_err *err)
{
	struct br_answered *out = a->out;
	bool critical = br_router_mode(a->t->router) == BR_MODE_CRITICAL;
	int rc = 0;

	if (a->kbs.v.n && (rc = model_open(a, err)) < 0)
		return rc;
	if (a->kbs.v.n && !a->q->system_prompt && !(a->n_history && br_intent_refers_back(a->q->text)))
		rc = answer_from_wiki(a, err);
	if (rc == 0 && critical) {
		out->note = "degraded";
		rc = say(a, "The service is busy right now; your question was recorded.", "系统繁忙，您的问题已记录，请稍后再试。", BR_PATH_CANNED, err);
		return BR_MIN(rc, 0);
	}
	if (rc == 0)
		rc = answer_from_passages(a, err);
	if (rc == 0 && !a->shown)
		rc = say(a, "I could not find an answer to that in the knowledge base.", "抱歉，知识库中没有找到相关答案。", BR_PATH_NOTHING, err);
	else if (rc == 0) { /* what it was made from has gone meanwhile */
		out->path = BR_PATH_NOTHING;
		out->text = "";
	}
	return BR_MIN(rc, 0);
}

static int from_caches(struct asking *a, const struct cache_find *f)
{
	double cosine;

	if (cache_exact(a->out, a->t, f))
		return 1;
	if (!cache_similar(a->out, &cosine, a->t, f))
		return 0;
	a->score = cosine;
	return 1;
}

static int know(struct asking *a, struct br_err *err)
{
	struct cache_find f = { a->who.id, a->q->kb ? a->kbs.v.v[0].id : NULL, a->q->text, scope_stamp(&a->kbs), a->kbs.v.n ? a->kbs.v.v[0].similarity : 1 };
	bool plain = !a->q->system_prompt && !a->q->context && !a->n_history;
	int64_t began = br_mono_ns();
	int rc;

	if (plain && from_caches(a, &f))
		return show(a, a->out->text, err);
	rc = look_up(a, err);
	br_router_took(a->t->router, (double)(br_mono_ns() - began) / 1e9);
	if (rc == 0 && plain && a->kbs.v.n && (a->out->from_wiki || a->out->path == BR_PATH_PASSAGES || a->out->path == BR_PATH_MODEL) && !a->out->warning)
		cache_keep(a->t, &f, a->kbs.v.v[0].cache_ttl, a->out);
	return rc;
}

/* Three rounds without confidence: people are asked for. */
static void count_low(struct asking *a)
{
	a->session.low = a->out->confidence < LOW ? a->session.low + 1 : 0;
	if (a->session.low >= LOW_ROUNDS && a->session.status == BR_HANDOFF_AI && *a->session.name) {
		session_move(&a->session, BR_HANDOFF_PENDING);
		a->session.reason = "low confidence";
		a->out->note = a->chinese ? "已通知人工客服。" : "A person has been asked to help.";
	}
}

/* ---- beginning and end ---- */

static int begin(struct asking *a, struct br_err *err)
{
	struct br_arena *arena = &a->out->arena;
	struct kb_stamps *now;
	int rc = br_tenant_find(&a->who, arena, a->t->ws, a->q->tenant, err);

	if (rc < 0 || (rc = stamps_take(&now, a->t, err)) < 0)
		return rc;
	rc = scope_of(&a->kbs, now, a->who.id, a->q->kb, err);
	for (size_t i = 0; i < a->kbs.v.n; i++) /* what is shown of them lives on */
		a->kbs.v.v[i].name = a->kbs.v.v[i].description = a->kbs.v.v[i].metadata = "";
	stamps_put(a->t, now);
	if (rc == 0) {
		pthread_mutex_lock(&a->t->change);
		rc = session_begin(&a->session, arena, a->t, &a->who, a->q, err);
		pthread_mutex_unlock(&a->t->change);
	}
	if (rc < 0)
		return rc;
	a->n_history = session_memory(a->history, &a->session, BR_MIN(a->who.memory, (int64_t)SAID_MAX));
	memcpy(a->out->conversation, a->session.id, 37);
	if (a->q->reply_id)
		memcpy(a->out->id, a->q->reply_id, 37);
	else
		br_uuid(a->out->id);
	return 0;
}

static int run(struct asking *a, struct br_err *err)
{
	struct br_answered *out = a->out;

	out->intent = a->session.status == BR_HANDOFF_AI ? br_intent_of(a->q->text) : BR_INTENT_HANDOFF;
	if (a->q->start && a->q->start(out->conversation, out->id, out->intent, a->q->arg))
		return br_fail(err, BR_ECANCELLED, "nobody waits for the answer");
	out->confidence = 1;
	if (a->session.status != BR_HANDOFF_AI)
		return keep_silent(a, err);
	switch (out->intent) {
	case BR_INTENT_SMALLTALK:
		return greet(a, err);
	case BR_INTENT_OPINION:
		return say(a, "I have no opinions; I can tell you what the knowledge base says.", "我没有个人看法，但可以告诉您知识库中的内容。", BR_PATH_INTENT, err);
	case BR_INTENT_HANDOFF:
		return ask_for_people(a, "asked for", err);
	case BR_INTENT_KNOWLEDGE:
		break;
	}
	return know(a, err);
}

/* What others changed meanwhile (a claim, a reply) stays: the record is read again, and what was said now goes behind. */
static int remember(struct asking *a, struct br_err *err)
{
	struct br_arena *arena = &a->out->arena;
	struct br_session now = { 0 };
	enum br_handoff to = a->session.status;
	int rc;

	a->out->handoff = a->session.status;
	if (!*a->session.name && a->session.status == BR_HANDOFF_AI)
		return 0;
	pthread_mutex_lock(&a->t->change);
	rc = br_session_get(&now, arena, a->t, a->who.id, a->session.id, NULL);
	if (rc < 0) {
		now = a->session;
		memset(&a->session.said, 0, sizeof a->session.said);
	} else {
		if (to != now.status && now.status == BR_HANDOFF_AI)
			session_move(&now, to);
		now.reason = a->session.reason;
		now.low = a->session.low;
		if (now.status == BR_HANDOFF_AGENT)
			now.suggestion = a->session.suggestion;
	}
	session_say(&now, arena, "user", a->q->text);
	session_say(&now, arena, "assistant", a->out->text);
	rc = session_write(a->t, &now, err);
	br_session_release(&now);
	pthread_mutex_unlock(&a->t->change);
	return rc;
}

static void write_down(struct asking *a)
{
	const struct br_answered *out = a->out;
	struct br_buf ids = BR_BUF_INIT(SIZE_MAX);
	struct br_audit q = { .at_ms = br_now_ns() / 1000000, .tenant = a->who.id, .kb = a->q->kb ? a->kbs.v.v[0].id : "", .question = a->q->text,
		.path = br_path_name(out->path), .intent = br_intent_name(out->intent), .by = a->q->by, .vote = a->vote ? a->vote : "", .from_wiki = out->from_wiki,
		.took_ms = out->took_ms, .score = a->score, .prompt = (int64_t)out->tokens.prompt, .completion = (int64_t)out->tokens.completion };
	char *answer = br_arena_strndup(&a->out->arena, out->text ? out->text : "", strnlen(out->text ? out->text : "", ANSWER_KEPT));

	answer[br_utf8_valid(answer, strlen(answer))] = 0;
	q.answer = answer;
	for (size_t i = 0; i < out->n; i++)
		br_buf_addf(&ids, "%s%s", i ? "," : "", out->source[i].id);
	q.sources = ids.ptr;
	audit_add(a->t, &q, out->path);
	br_buf_release(&ids);
}

int br_tenancy_ask(struct br_answered *out, struct br_tenancy *t, struct br_searcher *s, const struct br_question *q, struct br_err *err)
{
	struct asking a = { .t = t, .s = s, .q = q, .out = out, .strip = BR_BUF_INIT(BR_MAX_REPLY), .chinese = has_chinese(q->text) };
	int64_t began = br_mono_ns();
	bool begun;
	int rc;

	*out = (struct br_answered){ .path = BR_PATH_NOTHING };
	rc = begin(&a, err);
	begun = rc == 0;
	if (rc == 0 && (rc = run(&a, err)) == 0 && out->intent == BR_INTENT_KNOWLEDGE)
		count_low(&a);
	if (rc == 0)
		rc = remember(&a, err);
	out->took_ms = (double)(br_mono_ns() - began) / 1e6;
	if (begun)
		write_down(&a);
	model_close(&a);
	br_session_release(&a.session);
	br_vec_release(&a.kbs.v);
	br_buf_release(&a.strip);
	return rc;
}

void br_answered_release(struct br_answered *r)
{
	struct br_arena a = r->arena;

	br_arena_release(&a); /* r's own fields point into it */
	*r = (struct br_answered){ 0 };
}
