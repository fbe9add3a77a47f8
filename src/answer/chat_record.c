/*
 * Records of conversations and messages: encoder beside decoder (man/br-index.5, CONVERSATIONS).
 */
#include "chat.h"

#include <math.h>

enum { PINNED = 1, ARCHIVED = 2 };

void br_answer__put_number(struct br_buf *b, double v)
{
	uint64_t u;

	memcpy(&u, &v, 8);
	br_buf_le64(b, u);
}

double br_answer__get_number(struct br_rd *r)
{
	uint64_t u = br_rd_u64(r);
	double v;

	memcpy(&v, &u, 8);
	return isfinite(v) ? v : 0;
}

static void get_id(char out[37], struct br_rd *r)
{
	struct br_slice s = br_rd_lstr(r);

	if (s.len > 36)
		r->bad = true;
	else
		memcpy(out, s.ptr ? s.ptr : "", s.len);
}

void br_answer__chat_encode(struct br_buf *b, const struct br_chat *c)
{
	br_buf_u8(b, RECORD_VERSION);
	put_str(b, c->id);
	put_str(b, c->title);
	put_str(b, c->owner);
	br_buf_u8(b, (uint8_t)((c->pinned ? PINNED : 0) | (c->archived ? ARCHIVED : 0)));
	br_buf_le64(b, (uint64_t)c->created);
	br_buf_le64(b, (uint64_t)c->updated);
	br_buf_le64(b, (uint64_t)c->last);
	br_buf_varint(b, c->messages);
	put_str(b, c->meta);
}

static int decoded(const struct br_rd *r, uint8_t version, const char *what, struct br_err *err)
{
	if (version > RECORD_VERSION)
		return br_fail(err, BR_EVERSION, "%s was written by a newer br", what);
	if (r->bad || r->p != r->end)
		return br_fail(err, BR_ECORRUPT, "%s is damaged", what);
	return 0;
}

int br_answer__chat_decode(struct br_chat *out, struct br_arena *a, uint32_t number, struct br_slice rec, struct br_err *err)
{
	struct br_rd r = br_rd(rec);
	uint8_t version = br_rd_u8(&r), flags;

	*out = (struct br_chat){ .number = number };
	get_id(out->id, &r);
	out->title = get_str(a, &r);
	out->owner = get_str(a, &r);
	flags = br_rd_u8(&r);
	out->pinned = flags & PINNED;
	out->archived = flags & ARCHIVED;
	out->created = (int64_t)br_rd_u64(&r);
	out->updated = (int64_t)br_rd_u64(&r);
	out->last = (int64_t)br_rd_u64(&r);
	out->messages = (uint32_t)br_rd_varint(&r);
	out->meta = get_str(a, &r);
	return decoded(&r, version, "the record of a conversation", err);
}

void br_answer__message_encode(struct br_buf *b, const struct br_message *m)
{
	br_buf_u8(b, RECORD_VERSION);
	put_str(b, m->id);
	br_buf_u8(b, (uint8_t)m->role);
	br_buf_le64(b, (uint64_t)m->created_ms);
	put_str(b, m->text);
	put_str(b, m->citations && m->citations[0] ? m->citations : "[]");
	put_str(b, m->meta && m->meta[0] ? m->meta : "{}");
	br_buf_varint(b, m->tokens.prompt);
	br_buf_varint(b, m->tokens.completion);
	br_answer__put_number(b, m->took_ms);
	br_buf_u8(b, (uint8_t)m->verdict);
	put_str(b, m->comment);
}

int br_answer__message_decode(struct br_message *out, struct br_arena *a, struct br_slice rec, struct br_err *err)
{
	struct br_rd r = br_rd(rec);
	uint8_t version = br_rd_u8(&r);

	*out = (struct br_message){ 0 };
	get_id(out->id, &r);
	out->role = br_rd_u8(&r) == BR_ROLE_ASSISTANT ? BR_ROLE_ASSISTANT : BR_ROLE_USER;
	out->created_ms = (int64_t)br_rd_u64(&r);
	out->text = get_str(a, &r);
	out->citations = get_str(a, &r);
	out->meta = get_str(a, &r);
	out->tokens.prompt = br_rd_varint(&r);
	out->tokens.completion = br_rd_varint(&r);
	out->took_ms = br_answer__get_number(&r);
	out->verdict = (int8_t)br_rd_u8(&r);
	out->comment = get_str(a, &r);
	return decoded(&r, version, "the record of a message", err);
}

void br_answer__chat_key(struct br_key *k, uint32_t nb, uint32_t number)
{
	br_key_init(k, nb);
	br_key_u32(k, number);
}

void br_answer__message_key(struct br_key *k, uint32_t nb, uint32_t chat, uint32_t number)
{
	br_answer__chat_key(k, nb, chat);
	br_key_u32(k, number);
}

void br_answer__said_id_key(struct br_key *k, int kind, uint32_t nb, const char *id)
{
	k->b[0] = (char)kind;
	k->n = 1;
	br_key_u32(k, nb);
	br_key_bytes(k, id, strnlen(id, 36));
}
