/*
 * Records of webhooks and deliveries, encoder beside decoder (man/br-index.5, HOOK and DELIVERY). A webhook is a version and fields,
 * each with a tag and its length: what an older program does not know it keeps. A delivery is never changed by older programs.
 */
#include "internal.h"

#include <stdlib.h>

enum { HOOK_VERSION = 1, DELIVERY_VERSION = 1, RECORD_MAX = BR_MAX_HOOK_BODY + (8 << 10) };
enum tag { H_ID = 1, H_URL, H_SIGNED, H_OWNER, H_NOTEBOOKS, H_EVENTS, H_ACTIVE, H_STOPPED, H_CREATED, H_CHANGED, H_FAILING };

static void put_text(struct br_buf *b, enum tag tag, const char *s)
{
	if (s && *s) {
		br_buf_varint(b, tag);
		br_buf_lstr(b, s, strlen(s));
	}
}

static void put_u64(struct br_buf *b, enum tag tag, uint64_t v)
{
	struct br_buf f = BR_BUF_INIT(SIZE_MAX);

	br_buf_varint(&f, v);
	br_buf_varint(b, tag);
	br_buf_lstr(b, f.ptr, f.len);
	br_buf_release(&f);
}

static uint64_t get_u64(struct br_slice f, bool *bad)
{
	struct br_rd r = br_rd(f);
	uint64_t v = br_rd_varint(&r);

	*bad |= r.bad || r.p != r.end || v > INT64_MAX;
	return v;
}

static const char *get_text(struct br_arena *a, struct br_slice f, size_t max, bool *bad)
{
	*bad |= f.len > max || (f.len && memchr(f.ptr, 0, f.len));
	return *bad ? "" : br_arena_strndup(a, f.ptr, f.len);
}

static bool is_id(struct br_slice f)
{
	if (f.len != 36)
		return false;
	for (size_t i = 0; i < f.len; i++)
		if (!f.ptr[i] || !strchr("0123456789abcdef-", f.ptr[i]))
			return false;
	return true;
}

/* ---- a webhook ---- */

void hook_encode(struct br_buf *b, const struct br_hook *h)
{
	br_buf_u8(b, HOOK_VERSION);
	put_text(b, H_ID, h->id);
	put_text(b, H_URL, h->url);
	put_u64(b, H_SIGNED, h->is_signed);
	put_text(b, H_OWNER, h->owner);
	put_text(b, H_NOTEBOOKS, h->notebooks);
	put_u64(b, H_EVENTS, h->events);
	put_u64(b, H_ACTIVE, h->active);
	put_text(b, H_STOPPED, h->stopped);
	put_u64(b, H_CREATED, (uint64_t)h->created);
	put_u64(b, H_CHANGED, (uint64_t)h->changed);
	put_u64(b, H_FAILING, (uint64_t)h->failing);
	br_buf_add(b, h->unknown.ptr, h->unknown.len);
}

static void get_field(struct br_hook *h, struct br_arena *a, uint64_t tag, struct br_slice f, struct br_buf *unknown, bool *bad)
{
	switch (tag) {
	case H_ID:
		if (is_id(f))
			memcpy(h->id, f.ptr, f.len);
		break;
	case H_URL: h->url = get_text(a, f, BR_MAX_URL, bad); break;
	case H_SIGNED: h->is_signed = get_u64(f, bad) != 0; break;
	case H_OWNER: h->owner = get_text(a, f, BR_MAX_KEY_NAME, bad); break;
	case H_NOTEBOOKS: h->notebooks = get_text(a, f, 64 * BR_MAX_KEY_LIST, bad); break;
	case H_EVENTS: h->events = (uint32_t)get_u64(f, bad); break;
	case H_ACTIVE: h->active = get_u64(f, bad) != 0; break;
	case H_STOPPED: h->stopped = get_text(a, f, 400, bad); break;
	case H_CREATED: h->created = (int64_t)get_u64(f, bad); break;
	case H_CHANGED: h->changed = (int64_t)get_u64(f, bad); break;
	case H_FAILING: h->failing = (int64_t)get_u64(f, bad); break;
	default:
		br_buf_varint(unknown, tag);
		br_buf_lstr(unknown, f.ptr, f.len);
	}
}

int hook_decode(struct br_hook *out, struct br_arena *a, uint32_t number, struct br_slice rec, struct br_err *err)
{
	struct br_rd r = br_rd(rec);
	uint8_t version = br_rd_u8(&r);
	struct br_buf unknown = BR_BUF_INIT(RECORD_MAX);
	bool bad = false;

	*out = (struct br_hook){ .number = number, .url = "", .owner = "", .notebooks = "", .stopped = "" };
	if (version > HOOK_VERSION)
		return br_fail(err, BR_EVERSION, "a webhook was written by a newer br");
	while (!r.bad && !bad && r.p != r.end) {
		uint64_t tag = br_rd_varint(&r);
		struct br_slice f = br_rd_lstr(&r);
		if (!r.bad)
			get_field(out, a, tag, f, &unknown, &bad);
	}
	out->unknown = br_slice(br_arena_strndup(a, unknown.ptr, unknown.len), unknown.len);
	br_buf_release(&unknown);
	if (r.bad || bad || !*out->id || !*out->url)
		return br_fail(err, BR_ECORRUPT, "the record of webhook %u is damaged", number);
	return 0;
}

int hook_load(struct br_hook *out, struct br_arena *a, struct br_txn *t, uint32_t number, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	br_key_init(&k, number);
	if ((rc = br_get(&val, t, BR_T_HOOK, br_key_slice(&k), err)) <= 0)
		return rc;
	rc = hook_decode(out, a, number, val, err);
	return rc < 0 ? rc : 1;
}

int hook_store(struct br_txn *t, const struct br_hook *h, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(RECORD_MAX);
	struct br_key k;
	int rc;

	hook_encode(&b, h);
	br_key_init(&k, h->number);
	if ((rc = br_buf_check(&b, "a webhook", err)) == 0)
		rc = br_put(t, BR_T_HOOK, br_key_slice(&k), br_buf_slice(&b), err);
	br_buf_release(&b);
	return rc;
}

/* ---- a delivery ---- */

void delivery_key(struct br_key *k, uint32_t hook, uint64_t number)
{
	br_key_init(k, hook);
	br_be64(k->b + k->n, number);
	k->n += 8;
}

int delivery_store(struct br_txn *t, const struct br_delivery *d, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(RECORD_MAX);
	struct br_key k;
	int rc;

	br_buf_u8(&b, DELIVERY_VERSION);
	br_buf_add(&b, d->id, 36);
	br_buf_u8(&b, (uint8_t)d->event);
	br_buf_u8(&b, (uint8_t)d->state);
	br_buf_varint(&b, d->attempts);
	br_buf_le64(&b, (uint64_t)d->created);
	br_buf_le64(&b, (uint64_t)d->next);
	br_buf_le64(&b, (uint64_t)d->last);
	br_buf_varint(&b, (uint64_t)d->status);
	br_buf_varint(&b, d->took);
	br_buf_lstr(&b, d->error, strlen(d->error));
	br_buf_lstr(&b, d->body.ptr, d->body.len);
	delivery_key(&k, d->hook, d->number);
	if ((rc = br_buf_check(&b, "a delivery", err)) == 0)
		rc = br_put(t, BR_T_DELIVERY, br_key_slice(&k), br_buf_slice(&b), err);
	br_buf_release(&b);
	return rc;
}

int delivery_decode(struct br_delivery *out, struct br_arena *a, struct br_slice key, struct br_slice rec, struct br_err *err)
{
	struct br_rd r = br_rd(rec);
	uint8_t version = br_rd_u8(&r);
	struct br_slice id = br_rd_bytes(&r, 36), error;
	bool bad = key.len != 12 || !is_id(id);

	if (version > DELIVERY_VERSION)
		return br_fail(err, BR_EVERSION, "a delivery was written by a newer br");
	*out = (struct br_delivery){ .error = "" };
	if (!bad) {
		out->hook = br_rd_be32(key.ptr);
		out->number = br_rd_be64(key.ptr + 4);
		memcpy(out->id, id.ptr, 36);
	}
	out->event = (enum br_hook_event_id)br_rd_u8(&r);
	out->state = (enum br_delivery_state)br_rd_u8(&r);
	out->attempts = (unsigned)br_rd_varint(&r);
	out->created = (int64_t)br_rd_u64(&r);
	out->next = (int64_t)br_rd_u64(&r);
	out->last = (int64_t)br_rd_u64(&r);
	out->status = (int)br_rd_varint(&r);
	out->took = (uint32_t)br_rd_varint(&r);
	error = br_rd_lstr(&r);
	out->body = br_rd_lstr(&r);
	if (bad || r.bad || r.p != r.end || (unsigned)out->state > BR_DELIVERY_FAILED || (unsigned)out->event >= BR_HOOK_EVENT_COUNT)
		return br_fail(err, BR_ECORRUPT, "the record of a delivery is damaged");
	out->error = br_arena_strndup(a, error.len ? error.ptr : "", error.len);
	return 0;
}

int delivery_load(struct br_delivery *out, struct br_arena *a, struct br_txn *t, uint32_t hook, uint64_t number, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	delivery_key(&k, hook, number);
	if ((rc = br_get(&val, t, BR_T_DELIVERY, br_key_slice(&k), err)) <= 0)
		return rc;
	rc = delivery_decode(out, a, br_key_slice(&k), val, err);
	return rc < 0 ? rc : 1;
}
