/*
 * Contexts of passages: records of 64 chunks of a document each, with the state of every one, and their codec. Layout: man/br-index.5,
 * CONTEXTS. What is not there is pending.
 */
#include "internal.h"

#include <stdlib.h>

enum { CONTEXT_VERSION = 1, MAX_BY = 200, MAX_RECORD = CONTEXT_CHUNKS * (BR_MAX_CONTEXT + MAX_BY + 64) };

static const struct br_ctx pending = { .state = BR_CTX_PENDING, .text = "", .by = "" };

const char *br_ctx_state_name(enum br_ctx_state s)
{
	static const char *const names[BR_CTX_STATES] = { "pending", "processing", "success", "failed", "embedded" };

	return s < BR_CTX_STATES ? names[s] : "unknown";
}

bool ctx_text_ok(struct br_slice text)
{
	return text.len && text.len <= BR_MAX_CONTEXT && !memchr(text.ptr, 0, text.len) && br_utf8_valid(text.ptr, text.len) == text.len;
}

/* A context is there in the states that have one; a reason may be missing; the others have no text. */
static bool is_sound(uint8_t state, struct br_slice text)
{
	bool written = state == BR_CTX_SUCCESS || state == BR_CTX_EMBEDDED;

	return state < BR_CTX_STATES && (text.len ? (written || state == BR_CTX_FAILED) && ctx_text_ok(text) : !written);
}

/* ---- codec ---- */

static void ctx_key(struct br_key *k, uint32_t nb, uint32_t doc, uint32_t block)
{
	doc_key(k, nb, doc);
	br_key_u32(k, block);
}

static void encode(struct br_buf *b, const struct br_ctx *v, uint32_t n)
{
	br_buf_u8(b, CONTEXT_VERSION);
	br_buf_varint(b, n);
	for (uint32_t i = 0; i < n; i++) {
		br_buf_u8(b, v[i].state);
		br_buf_varint(b, v[i].attempts);
		br_buf_varint(b, (uint64_t)v[i].at);
		put_str(b, v[i].text);
		put_str(b, v[i].by);
	}
}

static bool decode_one(struct br_ctx *c, struct br_arena *a, struct br_rd *r)
{
	struct br_slice text;

	c->state = br_rd_u8(r);
	c->attempts = get_varint32(r);
	c->at = (int64_t)br_rd_varint(r);
	text = br_rd_lstr(r);
	c->text = br_arena_strndup(a, text.ptr, text.len);
	c->by = get_str(a, r);
	return !r->bad && c->at >= 0 && is_sound(c->state, text);
}

/* At most `room` contexts of one record into v; how many there were in *n. */
static int decode(struct br_ctx *v, uint32_t *n, struct br_arena *a, uint32_t room, struct br_slice key, struct br_slice val, struct br_err *err)
{
	struct br_rd r = br_rd(val);
	uint8_t version = br_rd_u8(&r);
	uint32_t doc = br_rd_be32(key.ptr + 4);
	bool ok = true;

	if (version > CONTEXT_VERSION)
		return br_fail(err, BR_EVERSION, "contexts of document %u: record version %u is newer than this br", doc, version);
	*n = get_varint32(&r);
	if (version != CONTEXT_VERSION || r.bad || !*n || *n > CONTEXT_CHUNKS || *n > room)
		return br_fail(err, BR_ECORRUPT, "contexts of document %u: damaged record", doc);
	for (uint32_t i = 0; i < *n && ok; i++)
		ok = decode_one(&v[i], a, &r);
	return ok && r.p == r.end ? 0 : br_fail(err, BR_ECORRUPT, "contexts of document %u: damaged record", doc);
}

int ctx_check(struct br_slice key, struct br_slice val, struct br_err *err)
{
	struct br_ctx v[CONTEXT_CHUNKS];
	struct br_arena a = { 0 };
	uint32_t n;
	int rc = key.len == 12 ? decode(v, &n, &a, CONTEXT_CHUNKS, key, val, err) : br_fail(err, BR_ECORRUPT, "table of contexts: damaged key");

	br_arena_release(&a);
	return rc;
}

/* ---- of one document ---- */

static int load_block(struct br_ctx *v, uint32_t chunks, struct br_arena *a, const struct br_cur *cur, struct br_err *err)
{
	uint32_t block = cur->key.len == 12 ? br_rd_be32(cur->key.ptr + 8) : UINT32_MAX, n;
	uint64_t first = (uint64_t)block * CONTEXT_CHUNKS;

	if (first >= chunks)
		return br_fail(err, BR_ECORRUPT, "contexts of a document reach beyond its chunks");
	return decode(v + first, &n, a, chunks - (uint32_t)first, cur->key, cur->val, err);
}

int ctx_load(struct br_ctx **out, struct br_arena *a, struct br_txn *t, uint32_t nb, uint32_t doc, uint32_t n, struct br_err *err)
{
	struct br_cur cur;
	struct br_key k;
	int rc, did = 0;

	*out = br_arena_alloc(a, ((size_t)n + 1) * sizeof **out);
	for (uint32_t i = 0; i < n; i++)
		(*out)[i] = pending;
	doc_key(&k, nb, doc);
	if ((rc = br_cur_open(&cur, t, BR_T_CONTEXT, err)) < 0)
		return rc;
	cur.within = br_key_slice(&k);
	for (rc = br_cur_seek(&cur, br_key_slice(&k), err); rc > 0 && did == 0 && br_has_prefix(cur.key, br_key_slice(&k)); rc = br_cur_next(&cur, err))
		did = load_block(*out, n, a, &cur, err);
	br_cur_close(&cur);
	return did < 0 ? did : BR_MIN(rc, 0);
}

static int store_block(struct br_txn *t, uint32_t nb, uint32_t doc, uint32_t block, const struct br_ctx *v, uint32_t n, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(MAX_RECORD);
	struct br_key k;
	bool any = false;
	int rc;

	ctx_key(&k, nb, doc, block);
	for (uint32_t i = 0; i < n; i++) {
		any |= v[i].state != BR_CTX_PENDING || v[i].attempts;
		if (!is_sound(v[i].state, br_slice_str(v[i].text)))
			return br_fail(err, BR_EBUG, "a context of document %u is not a text", doc);
	}
	if (!any)
		return BR_MIN(0, br_del(t, BR_T_CONTEXT, br_key_slice(&k), err));
	encode(&b, v, n);
	if ((rc = br_buf_check(&b, "contexts", err)) == 0)
		rc = br_put(t, BR_T_CONTEXT, br_key_slice(&k), br_buf_slice(&b), err);
	br_buf_release(&b);
	return rc;
}

int ctx_store(struct br_txn *t, uint32_t nb, uint32_t doc, const struct br_ctx *v, uint32_t n, struct br_err *err)
{
	int rc = 0;

	for (uint32_t at = 0; at < n && rc == 0; at += CONTEXT_CHUNKS)
		rc = store_block(t, nb, doc, at / CONTEXT_CHUNKS, v + at, BR_MIN(n - at, (uint32_t)CONTEXT_CHUNKS), err);
	return rc;
}

int br_contexts_get(struct br_ctx **out, struct br_arena *a, struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err)
{
	return ctx_load(out, a, t, nb, d->doc, d->chunks, err);
}

/* ---- new states ---- */

struct put { uint32_t nb; const struct br_ctx_put *v; size_t n; uint64_t done; };

/* Publishing gives a document's chunks other numbers; everything else that is compared changes with its text. */
static bool same_text(const struct br_doc *a, const struct br_doc *b)
{
	return a->state == BR_DOC_INDEXED && a->indexed == b->indexed && a->chunks == b->chunks && a->text_bytes == b->text_bytes &&
	       a->tokens == b->tokens && !memcmp(a->sha, b->sha, sizeof a->sha) && !strcmp(a->id, b->id) && !strcmp(a->path, b->path);
}

/* Only the records that some of the n entries touch are written. */
static int put_entries(struct put *p, struct br_txn *t, struct br_ctx *have, const struct br_ctx_put *v, size_t n, struct br_err *err)
{
	const struct br_doc *d = v->doc;
	uint32_t block = UINT32_MAX;
	int rc = 0;

	for (size_t i = 0; i <= n && rc == 0; i++) {
		uint32_t at = i < n ? v[i].ordinal / CONTEXT_CHUNKS : UINT32_MAX;
		if (at != block && block != UINT32_MAX)
			rc = store_block(t, p->nb, d->doc, block, have + block * CONTEXT_CHUNKS, BR_MIN(d->chunks - block * CONTEXT_CHUNKS, (uint32_t)CONTEXT_CHUNKS), err);
		block = at;
		if (i == n || v[i].ordinal >= d->chunks || have[v[i].ordinal].state == BR_CTX_EMBEDDED)
			continue;
		have[v[i].ordinal] = v[i].ctx;
		p->done++;
	}
	return rc;
}

static int put_doc(struct put *p, struct br_txn *t, const struct br_ctx_put *v, size_t n, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_err why = { 0 };
	struct br_ctx *have;
	struct br_doc *d;
	int rc = br_doc_get(&d, &a, t, p->nb, v->doc->doc, &why);

	if (rc == 0 && same_text(d, v->doc) && (rc = ctx_load(&have, &a, t, p->nb, d->doc, d->chunks, &why)) == 0)
		rc = put_entries(p, t, have, v, n, &why);
	br_arena_release(&a);
	if (rc == -BR_ENOTFOUND) /* it was removed meanwhile */
		return 0;
	return rc < 0 ? br_fail(err, why.code, "%s", why.msg) : 0;
}

static int put_all(struct br_txn *t, void *arg, struct br_err *err)
{
	struct put *p = arg;
	int rc = 0;

	p->done = 0;
	for (size_t i = 0, to; i < p->n && rc == 0; i = to) {
		for (to = i + 1; to < p->n && p->v[to].doc == p->v[i].doc; to++)
			;
		rc = put_doc(p, t, p->v + i, to - i, err);
	}
	return rc;
}

int br_contexts_put(uint64_t *done, struct br_ws *ws, uint32_t nb, const struct br_ctx_put *v, size_t n, struct br_err *err)
{
	struct put p = { nb, v, n, 0 };
	int rc = n ? br_store_write(ws->store, put_all, &p, err) : 0;

	*done = p.done;
	return rc;
}
