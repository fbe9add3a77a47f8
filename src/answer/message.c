/*
 * Messages: appended so that a retry stores nothing twice, read, judged.
 */
#include "chat.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- finding ---- */

/* Where the message of this id stands: 1 there, 0 not. */
static int place_of(uint32_t *chat, uint32_t *number, struct br_txn *t, uint32_t nb, const char *id, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	uint64_t at;
	int rc;

	br_answer__said_id_key(&k, BR_EXT_MESSAGE, nb, id);
	if ((rc = br_get(&val, t, BR_T_EXTID, br_key_slice(&k), err)) <= 0)
		return rc;
	if (val.len != 8)
		return br_fail(err, BR_ECORRUPT, "the id of a message is damaged");
	at = br_rd_le64(val.ptr);
	*chat = (uint32_t)(at >> 32);
	*number = (uint32_t)at;
	return 1;
}

static int load(struct br_message *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *id, struct br_key *k, struct br_err *err)
{
	uint32_t chat, number;
	struct br_slice rec;
	struct br_chat c;
	int rc;

	if ((rc = strlen(id) > 36 ? 0 : place_of(&chat, &number, t, nb, id, err)) < 0)
		return rc;
	if (!rc)
		return br_fail(err, BR_ENOTFOUND, "no message '%.60s'", id);
	br_answer__message_key(k, nb, chat, number);
	if ((rc = br_get(&rec, t, BR_T_MSG, br_key_slice(k), err)) < 0)
		return rc;
	if (!rc)
		return br_fail(err, BR_ECORRUPT, "message '%s' has an id but no record", id);
	if ((rc = br_answer__message_decode(out, a, rec, err)) < 0)
		return rc;
	br_answer__chat_key(k, nb, chat);
	if ((rc = br_get(&rec, t, BR_T_CHAT, br_key_slice(k), err)) > 0 && (rc = br_answer__chat_decode(&c, a, chat, rec, err)) == 0)
		memcpy(out->chat_id, c.id, sizeof c.id);
	br_answer__message_key(k, nb, chat, number);
	return BR_MIN(rc, 0);
}

int br_message_get(struct br_message *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *id, struct br_err *err)
{
	struct br_txn *t;
	struct br_key k;
	uint32_t nb;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_answer__nb_number(&nb, t, notebook, err)) == 0)
		rc = load(out, a, t, nb, id, &k, err);
	br_txn_end(t);
	return rc;
}

static int read_messages(struct br_messages *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const struct br_chat *c, uint32_t newest, struct br_err *err)
{
	struct br_cur cur;
	struct br_key k, from;
	uint32_t skip = newest && c->messages > newest ? c->messages - newest : 0;
	int rc = br_cur_open(&cur, t, BR_T_MSG, err), step;

	if (rc < 0)
		return rc;
	br_answer__chat_key(&k, nb, c->number);
	br_answer__message_key(&from, nb, c->number, skip); /* messages count from 0 and are never taken out one by one */
	for (step = br_cur_seek(&cur, br_key_slice(&from), err); step > 0 && br_has_prefix(cur.key, br_key_slice(&k)) && rc == 0; step = br_cur_next(&cur, err)) {
		struct br_message *m = br_vec_push(&out->v);
		if ((rc = br_answer__message_decode(m, a, cur.val, err)) == 0)
			memcpy(m->chat_id, c->id, sizeof c->id);
	}
	br_cur_close(&cur);
	return rc < 0 ? rc : BR_MIN(step, 0);
}

int br_chat_messages(struct br_messages *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *id, uint32_t newest, struct br_err *err)
{
	struct br_chat c;
	struct br_txn *t;
	uint32_t nb;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_answer__nb_number(&nb, t, notebook, err)) == 0 && (rc = br_answer__chat_find(&c, a, t, nb, id, err)) == 0)
		rc = read_messages(out, a, t, nb, &c, newest, err);
	br_txn_end(t);
	return rc;
}

/* ---- appending ---- */

struct append { const char *notebook, *id; struct br_message *m; size_t n; };

static int check_message(const struct br_message *m, struct br_err *err)
{
	for (const char *p = m->id; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-')
			return br_fail(err, BR_EUSAGE, "the id of a message is made of letters, digits and '-'");
	if (!m->text || strlen(m->text) > BR_MAX_MESSAGE || (m->citations && strlen(m->citations) > BR_MAX_MESSAGE))
		return br_fail(err, BR_ETOOBIG, "a message has at most %d bytes", BR_MAX_MESSAGE);
	return 0;
}

static int put_message(struct br_txn *t, uint32_t nb, uint32_t chat, uint32_t number, const struct br_message *m, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(4u * BR_MAX_MESSAGE);
	struct br_key k;
	int rc;

	br_answer__message_encode(&b, m);
	br_answer__message_key(&k, nb, chat, number);
	if ((rc = br_buf_check(&b, "the record of a message", err)) == 0)
		rc = br_put(t, BR_T_MSG, br_key_slice(&k), br_buf_slice(&b), err);
	br_buf_release(&b);
	return rc;
}

static int put_place(struct br_txn *t, uint32_t nb, uint32_t chat, uint32_t number, const char *id, struct br_err *err)
{
	uint64_t at = (uint64_t)chat << 32 | number;
	struct br_key k;
	char v[8];

	br_answer__said_id_key(&k, BR_EXT_MESSAGE, nb, id);
	for (int i = 0; i < 8; i++)
		v[i] = (char)(at >> (8 * i));
	return br_put(t, BR_T_EXTID, br_key_slice(&k), br_slice(v, 8), err);
}

/* The first question, cut behind 50 characters. */
static const char *title_from(struct br_arena *a, const char *text)
{
	enum { TITLE_CHARS = 50 };
	size_t n = strlen(text), at = 0, chars = 0;
	uint32_t cp;
	char *out;

	while (at < n && chars < TITLE_CHARS) {
		at += br_utf8_next(&cp, text + at, n - at);
		chars++;
	}
	out = br_arena_printf(a, "%.*s%s", (int)at, text, at < n ? "..." : "");
	for (char *p = out; *p; p++)
		if ((unsigned char)*p < 0x20)
			*p = ' ';
	return out[strspn(out, " ")] ? out : BR_CHAT_NEW_TITLE;
}

static int append_one(struct br_txn *t, uint32_t nb, struct br_chat *c, struct br_arena *a, const struct br_message *m, struct br_err *err)
{
	uint32_t chat, number;
	int rc = place_of(&chat, &number, t, nb, m->id, err);

	if (rc < 0)
		return rc;
	if (rc && chat != c->number)
		return br_fail(err, BR_EEXISTS, "message '%s' is part of another conversation", m->id);
	if (rc)
		return 0;
	if ((rc = put_message(t, nb, c->number, c->messages, m, err)) < 0 || (rc = put_place(t, nb, c->number, c->messages, m->id, err)) < 0)
		return rc;
	if (m->role == BR_ROLE_USER && !strcmp(c->title, BR_CHAT_NEW_TITLE))
		c->title = title_from(a, m->text);
	c->messages++;
	c->last = BR_MAX(c->last, m->created_ms / 1000);
	c->updated = br_now();
	return br_answer__chat_put(t, nb, c, err);
}

static int append_all(struct br_txn *t, void *arg, struct br_err *err)
{
	struct append *p = arg;
	struct br_arena a = { 0 };
	struct br_chat c;
	uint32_t nb;
	int rc;

	if ((rc = br_answer__nb_number(&nb, t, p->notebook, err)) == 0)
		rc = br_answer__chat_find(&c, &a, t, nb, p->id, err);
	for (size_t i = 0; i < p->n && rc == 0; i++) {
		memcpy(p->m[i].chat_id, c.id, sizeof c.id);
		rc = append_one(t, nb, &c, &a, &p->m[i], err);
	}
	br_arena_release(&a);
	return rc;
}

int br_chat_append(struct br_ws *ws, const char *notebook, const char *id, struct br_message *m, size_t n, struct br_err *err)
{
	struct append p = { notebook, id, m, n };
	int rc;

	for (size_t i = 0; i < n; i++) {
		if (!m[i].id[0])
			br_uuid_ordered(m[i].id, br_now_ns() / 1000000);
		if (!m[i].created_ms)
			m[i].created_ms = br_now_ns() / 1000000;
		if ((rc = check_message(&m[i], err)) < 0)
			return rc;
	}
	return br_store_write(ws->store, append_all, &p, err);
}

/* ---- a question and its reply ---- */

static const char *json_in(struct br_arena *a, struct br_buf *b)
{
	const char *out = br_arena_strndup(a, b->ptr, b->len);

	br_buf_release(b);
	return out;
}

static const char *citations_of(struct br_arena *a, const struct br_reply *r)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_MESSAGE);
	struct br_json j;

	br_json_init(&j, &b, false);
	br_reply_citations(&j, r, r->model != NULL);
	if (b.failed) { /* too much to quote: the text keeps its numbers */
		br_buf_reset(&b);
		br_buf_adds(&b, "[]");
	}
	return json_in(a, &b);
}

void br_reply_origin(struct br_json *j, const struct br_reply *r)
{
	br_json_kstr(j, "strategy", r->strategy);
	br_json_kstr(j, "degraded", r->degraded);
	br_json_kstr(j, "model", r->model);
	br_json_kbool(j, "cached", r->cached);
	br_json_kuint(j, "repaired", r->repaired);
	br_json_kuint(j, "generation", r->generation);
}

static const char *meta_of(struct br_arena *a, const struct br_reply *r)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_MESSAGE);
	struct br_json j;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kbool(&j, "found", r->found);
	br_reply_origin(&j, r);
	br_json_knum(&j, "support", r->support, 3);
	br_json_end(&j);
	return json_in(a, &b);
}

static int give_id(struct br_message *m, const char *id, struct br_err *err)
{
	if (id && strlen(id) >= sizeof m->id)
		return br_fail(err, BR_EUSAGE, "the id of a message has at most 36 characters");
	if (id)
		memcpy(m->id, id, strlen(id));
	return 0;
}

int br_chat_save(struct br_message saved[2], struct br_arena *a, struct br_ws *ws, const char *notebook, const char *id, const struct br_reply *r,
		 const char *question_id, const char *reply_id, struct br_err *err)
{
	int64_t now = br_now_ns() / 1000000;
	int rc;

	saved[0] = (struct br_message){ .role = BR_ROLE_USER, .created_ms = now - (int64_t)r->took_ms, .text = r->question, .comment = "" };
	saved[1] = (struct br_message){ .role = BR_ROLE_ASSISTANT, .created_ms = now, .text = r->text, .citations = citations_of(a, r), .meta = meta_of(a, r),
		.tokens = r->tokens, .took_ms = r->took_ms, .comment = "" };
	if ((rc = give_id(&saved[0], question_id, err)) < 0 || (rc = give_id(&saved[1], reply_id, err)) < 0)
		return rc;
	return br_chat_append(ws, notebook, id, saved, 2, err);
}

/* ---- feedback ---- */

struct feedback { const char *notebook, *id, *comment; int verdict; struct br_message *out; struct br_arena *a; };

static int judge(struct br_txn *t, void *arg, struct br_err *err)
{
	struct feedback *f = arg;
	struct br_key k;
	uint32_t nb;
	int rc;

	if ((rc = br_answer__nb_number(&nb, t, f->notebook, err)) < 0 || (rc = load(f->out, f->a, t, nb, f->id, &k, err)) < 0)
		return rc;
	f->out->verdict = (int8_t)f->verdict;
	f->out->comment = br_arena_strdup(f->a, f->comment ? f->comment : "");
	return put_message(t, nb, br_rd_be32(k.b + 4), br_rd_be32(k.b + 8), f->out, err);
}

int br_message_feedback(struct br_message *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *id, int verdict, const char *comment, struct br_err *err)
{
	struct feedback f = { notebook, id, comment, verdict > 0 ? 1 : verdict < 0 ? -1 : 0, out, a };

	if (comment && (strlen(comment) > BR_MAX_COMMENT || br_utf8_valid(comment, strlen(comment)) != strlen(comment)))
		return br_fail(err, BR_ETOOBIG, "a comment has at most %d bytes of UTF-8", BR_MAX_COMMENT);
	return br_store_write(ws->store, judge, &f, err);
}

/* ---- notes ---- */

struct note { const char *notebook, *id, *name, *json; };

static int add_note(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct note *n = arg;
	struct br_buf meta = BR_BUF_INIT(BR_MAX_MESSAGE);
	struct br_arena a = { 0 };
	struct br_jdoc *doc = NULL;
	struct br_message m;
	struct br_json j;
	struct br_key k;
	uint32_t nb;
	int rc = br_answer__nb_number(&nb, t, n->notebook, err);

	if (rc == 0 && (rc = load(&m, &a, t, nb, n->id, &k, err)) == 0 && (rc = br_jdoc_parse(&doc, br_slice_str(m.meta), "a message", err)) == 0) {
		br_json_init(&j, &meta, false);
		br_json_obj(&j);
		for (const struct br_jval *v = br_jval_first(br_jdoc_root(doc)); v; v = br_jval_next(v))
			if (strcmp(br_jval_key(v), n->name) != 0) {
				br_json_key(&j, br_jval_key(v));
				br_jval_write(&j, v);
			}
		br_json_key(&j, n->name);
		br_json_raw(&j, n->json, strlen(n->json));
		br_json_end(&j);
		m.meta = meta.ptr;
		if ((rc = br_buf_check(&meta, "a message", err)) == 0)
			rc = put_message(t, nb, br_rd_be32(k.b + 4), br_rd_be32(k.b + 8), &m, err);
	}
	br_jdoc_free(doc);
	br_buf_release(&meta);
	br_arena_release(&a);
	return rc;
}

int br_message_note(struct br_ws *ws, const char *notebook, const char *id, const char *name, const char *json, struct br_err *err)
{
	struct note n = { notebook, id, name, json };

	return br_store_write(ws->store, add_note, &n, err);
}
