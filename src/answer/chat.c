/*
 * Conversations: made, found, listed, changed, deleted. Each change is one commit.
 */
#include "chat.h"

#include <stdlib.h>

int br_answer__nb_number(uint32_t *out, struct br_txn *t, const char *notebook, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc = br_nb_get(&nb, &a, t, notebook, err);

	*out = rc == 0 ? nb->nb : 0;
	br_arena_release(&a);
	return rc;
}

/* ---- in a transaction ---- */

int br_answer__chat_put(struct br_txn *t, uint32_t nb, const struct br_chat *c, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(1u << 20);
	struct br_key k;
	int rc;

	br_answer__chat_encode(&b, c);
	br_answer__chat_key(&k, nb, c->number);
	if ((rc = br_buf_check(&b, "the record of a conversation", err)) == 0)
		rc = br_put(t, BR_T_CHAT, br_key_slice(&k), br_buf_slice(&b), err);
	br_buf_release(&b);
	return rc;
}

static int chat_load(struct br_chat *out, struct br_arena *a, struct br_txn *t, uint32_t nb, uint32_t number, struct br_err *err)
{
	struct br_slice rec;
	struct br_key k;
	int rc;

	br_answer__chat_key(&k, nb, number);
	if ((rc = br_get(&rec, t, BR_T_CHAT, br_key_slice(&k), err)) < 0)
		return rc;
	return rc ? br_answer__chat_decode(out, a, number, rec, err) : br_fail(err, BR_ECORRUPT, "conversation %u has an id but no record", number);
}

int br_answer__chat_each(struct br_txn *t, struct br_arena *a, uint32_t nb, chat_fn *fn, void *arg, struct br_err *err)
{
	struct br_chat c;
	struct br_cur cur;
	struct br_key k;
	int rc = br_cur_open(&cur, t, BR_T_CHAT, err), step = 0;

	if (rc < 0)
		return rc;
	br_key_init(&k, nb);
	for (step = br_cur_seek(&cur, br_key_slice(&k), err); step > 0 && br_has_prefix(cur.key, br_key_slice(&k)) && rc == 0; step = br_cur_next(&cur, err)) {
		if (cur.key.len != 8)
			rc = br_fail(err, BR_ECORRUPT, "the key of a conversation is damaged");
		else if ((rc = br_answer__chat_decode(&c, a, br_rd_be32(cur.key.ptr + 4), cur.val, err)) == 0)
			rc = fn(&c, arg, err);
	}
	br_cur_close(&cur);
	return rc < 0 ? rc : BR_MIN(step, 0);
}

struct search { const char *begin; struct br_chat best; uint32_t n; };

static int match_newest(const struct br_chat *c, void *arg, struct br_err *err)
{
	struct search *s = arg;
	int64_t mine = BR_MAX(c->last, c->created), best = BR_MAX(s->best.last, s->best.created);

	(void)err;
	if (!s->n++ || mine > best || (mine == best && c->number > s->best.number))
		s->best = *c;
	return 0;
}

static int match_beginning(const struct br_chat *c, void *arg, struct br_err *err)
{
	struct search *s = arg;

	if (strncmp(c->id, s->begin, strlen(s->begin)))
		return 0;
	if (s->n++)
		return br_fail(err, BR_EUSAGE, "more than one conversation begins with '%s'", s->begin);
	s->best = *c;
	return 0;
}

static int chat_by_walk(struct br_chat *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *id, struct br_err *err)
{
	bool last = !strcmp(id, "last");
	struct search s = { .begin = id };
	int rc = 0;

	if (last || strlen(id) >= 6)
		rc = br_answer__chat_each(t, a, nb, last ? match_newest : match_beginning, &s, err);
	if (rc < 0)
		return rc;
	if (!s.n)
		return last ? br_fail(err, BR_ENOTFOUND, "there is no conversation yet") : br_fail(err, BR_ENOTFOUND, "no conversation '%.60s'", id);
	*out = s.best;
	return 0;
}

int br_answer__chat_find(struct br_chat *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *id, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	if (strlen(id) != 36)
		return chat_by_walk(out, a, t, nb, id, err);
	br_answer__said_id_key(&k, BR_EXT_CHAT, nb, id);
	if ((rc = br_get(&val, t, BR_T_EXTID, br_key_slice(&k), err)) < 0)
		return rc;
	if (!rc || val.len != 8)
		return br_fail(err, BR_ENOTFOUND, "no conversation '%s'", id);
	return chat_load(out, a, t, nb, (uint32_t)br_rd_le64(val.ptr), err);
}

/* ---- reading ---- */

int br_chat_get(struct br_chat *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *id, struct br_err *err)
{
	struct br_txn *t;
	uint32_t nb;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_answer__nb_number(&nb, t, notebook, err)) == 0)
		rc = br_answer__chat_find(out, a, t, nb, id, err);
	br_txn_end(t);
	return rc;
}

struct listing { struct br_chats *out; const char *owner; bool archived; };

static int take_chat(const struct br_chat *c, void *arg, struct br_err *err)
{
	struct listing *l = arg;

	(void)err;
	if ((l->archived || !c->archived) && (!l->owner || !strcmp(l->owner, c->owner)))
		*br_vec_push(&l->out->v) = *c;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct br_chat *x = a, *y = b;

	if (x->pinned != y->pinned)
		return x->pinned ? -1 : 1;
	if (x->last != y->last)
		return x->last > y->last ? -1 : 1;
	if (x->created != y->created)
		return x->created > y->created ? -1 : 1;
	return x->number > y->number ? -1 : 1;
}

int br_chat_list(struct br_chats *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *owner, bool archived, struct br_err *err)
{
	struct listing l = { out, owner, archived };
	struct br_txn *t;
	uint32_t nb;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_answer__nb_number(&nb, t, notebook, err)) == 0)
		rc = br_answer__chat_each(t, a, nb, take_chat, &l, err);
	br_txn_end(t);
	if (out->v.n)
		qsort(out->v.v, out->v.n, sizeof *out->v.v, by_time);
	return rc;
}

/* ---- changing ---- */

struct change {
	const char *notebook, *id;
	struct br_chat *chat;
	struct br_arena *a;
	const struct br_chat_change *to;
	uint32_t messages;
};

static int check_title(const char *title, struct br_err *err)
{
	size_t n = strlen(title);

	if (!n || title[strspn(title, " \t\r\n")] == 0)
		return br_fail(err, BR_EUSAGE, "a conversation's title must not be empty");
	if (n > BR_MAX_CHAT_TITLE || br_utf8_valid(title, n) != n)
		return br_fail(err, BR_EUSAGE, "a conversation's title has at most %d bytes of UTF-8", BR_MAX_CHAT_TITLE);
	return 0;
}

static int next_number(uint32_t *out, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_cur cur;
	struct br_key k;
	int rc = br_cur_open(&cur, t, BR_T_CHAT, err);

	*out = 1;
	if (rc < 0)
		return rc;
	br_answer__chat_key(&k, nb, UINT32_MAX);
	if ((rc = br_cur_last_le(&cur, br_key_slice(&k), err)) > 0 && cur.key.len == 8 && br_rd_be32(cur.key.ptr) == nb)
		*out = br_rd_be32(cur.key.ptr + 4) + 1;
	br_cur_close(&cur);
	return BR_MIN(rc, 0);
}

static int create(struct br_txn *t, void *arg, struct br_err *err)
{
	struct change *c = arg;
	struct br_key k;
	char number[8];
	uint32_t nb;
	int rc;

	if ((rc = br_answer__nb_number(&nb, t, c->notebook, err)) < 0 || (rc = next_number(&c->chat->number, t, nb, err)) < 0)
		return rc;
	br_answer__said_id_key(&k, BR_EXT_CHAT, nb, c->chat->id);
	for (int i = 0; i < 8; i++)
		number[i] = (char)((uint64_t)c->chat->number >> (8 * i));
	if ((rc = br_put(t, BR_T_EXTID, br_key_slice(&k), br_slice(number, 8), err)) < 0)
		return rc;
	return br_answer__chat_put(t, nb, c->chat, err);
}

int br_chat_create(struct br_chat *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *title, const char *owner, struct br_err *err)
{
	struct change c = { .notebook = notebook, .chat = out };
	int64_t now = br_now();
	int rc;

	*out = (struct br_chat){ .title = br_arena_strdup(a, title ? title : BR_CHAT_NEW_TITLE), .owner = br_arena_strdup(a, owner ? owner : ""),
		.created = now, .updated = now, .meta = "{}" };
	if ((rc = check_title(out->title, err)) < 0)
		return rc;
	br_uuid_ordered(out->id, br_now_ns() / 1000000);
	return br_store_write(ws->store, create, &c, err);
}

static int apply(struct br_txn *t, void *arg, struct br_err *err)
{
	struct change *c = arg;
	uint32_t nb;
	int rc;

	if ((rc = br_answer__nb_number(&nb, t, c->notebook, err)) < 0 || (rc = br_answer__chat_find(c->chat, c->a, t, nb, c->id, err)) < 0)
		return rc;
	if (c->to->title)
		c->chat->title = br_arena_strdup(c->a, c->to->title);
	if (c->to->pinned >= 0)
		c->chat->pinned = c->to->pinned;
	if (c->to->archived >= 0)
		c->chat->archived = c->to->archived;
	c->chat->updated = br_now();
	return br_answer__chat_put(t, nb, c->chat, err);
}

int br_chat_set(struct br_chat *out, struct br_arena *a, struct br_ws *ws, const char *notebook, const char *id, const struct br_chat_change *to, struct br_err *err)
{
	struct change c = { notebook, id, out, a, to, 0 };
	int rc = to->title ? check_title(to->title, err) : 0;

	return rc < 0 ? rc : br_store_write(ws->store, apply, &c, err);
}

static int forget_message_ids(struct br_txn *t, uint32_t nb, uint32_t chat, uint32_t *n, struct br_err *err)
{
	BR_VEC(struct br_key) ids = { 0 };
	struct br_arena a = { 0 };
	struct br_message m;
	struct br_cur cur;
	struct br_key k;
	int rc = br_cur_open(&cur, t, BR_T_MSG, err), step;

	if (rc < 0)
		return rc;
	br_answer__chat_key(&k, nb, chat);
	for (step = br_cur_seek(&cur, br_key_slice(&k), err); step > 0 && br_has_prefix(cur.key, br_key_slice(&k)) && rc == 0; step = br_cur_next(&cur, err))
		if ((rc = br_answer__message_decode(&m, &a, cur.val, err)) == 0)
			br_answer__said_id_key(br_vec_push(&ids), BR_EXT_MESSAGE, nb, m.id);
	br_cur_close(&cur);
	rc = rc < 0 ? rc : BR_MIN(step, 0);
	for (size_t i = 0; i < ids.n && rc >= 0; i++)
		rc = br_del(t, BR_T_EXTID, br_key_slice(&ids.v[i]), err);
	*n = (uint32_t)ids.n;
	br_vec_release(&ids);
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

static int remove_chat(struct br_txn *t, void *arg, struct br_err *err)
{
	struct change *c = arg;
	struct br_key k;
	uint32_t nb;
	int rc;

	if ((rc = br_answer__nb_number(&nb, t, c->notebook, err)) < 0 || (rc = br_answer__chat_find(c->chat, c->a, t, nb, c->id, err)) < 0 ||
	    (rc = forget_message_ids(t, nb, c->chat->number, &c->messages, err)) < 0)
		return rc;
	br_answer__chat_key(&k, nb, c->chat->number);
	if ((rc = br_del_prefix(t, BR_T_MSG, br_key_slice(&k), err)) < 0 || (rc = br_del(t, BR_T_CHAT, br_key_slice(&k), err)) < 0)
		return rc;
	br_answer__said_id_key(&k, BR_EXT_CHAT, nb, c->chat->id);
	return BR_MIN(0, br_del(t, BR_T_EXTID, br_key_slice(&k), err));
}

int br_chat_delete(uint32_t *messages, struct br_ws *ws, const char *notebook, const char *id, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_chat chat;
	struct change c = { .notebook = notebook, .id = id, .chat = &chat, .a = &a };
	int rc = br_store_write(ws->store, remove_chat, &c, err);

	if (messages)
		*messages = c.messages;
	br_arena_release(&a);
	return rc;
}
