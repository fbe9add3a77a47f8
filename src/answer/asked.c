/*
 * The log of past questions of a notebook, kept when the setting log.questions is on, and what was searched for over an API that has a
 * history; the oldest go when there are too many.
 */
#include "chat.h"

#include <stdlib.h>

static void encode(struct br_buf *b, const struct br_asked *q)
{
	br_buf_u8(b, RECORD_VERSION);
	br_buf_le64(b, (uint64_t)q->at_ms);
	put_str(b, q->question);
	put_str(b, q->by);
	put_str(b, q->strategy);
	put_str(b, q->way);
	put_str(b, q->top);
	br_answer__put_number(b, q->score);
	br_answer__put_number(b, q->took_ms);
	br_buf_varint(b, q->citations);
}

static int decode(struct br_asked *out, struct br_arena *a, struct br_slice rec, struct br_err *err)
{
	struct br_rd r = br_rd(rec);
	uint8_t version = br_rd_u8(&r);

	out->at_ms = (int64_t)br_rd_u64(&r);
	out->question = get_str(a, &r);
	out->by = get_str(a, &r);
	out->strategy = get_str(a, &r);
	out->way = get_str(a, &r);
	out->top = get_str(a, &r);
	out->score = br_answer__get_number(&r);
	out->took_ms = br_answer__get_number(&r);
	out->citations = (uint32_t)br_rd_varint(&r);
	if (version > RECORD_VERSION)
		return br_fail(err, BR_EVERSION, "the log of questions was written by a newer br");
	return r.bad || r.p != r.end ? br_fail(err, BR_ECORRUPT, "a record of the log of questions is damaged") : 0;
}

static void number_key(struct br_key *k, uint32_t nb, uint64_t number)
{
	char b[8];

	br_be64(b, number);
	br_key_init(k, nb);
	br_key_bytes(k, b, 8);
}

/* ---- writing ---- */

struct add { const char *const *notebook; const struct br_asked *q; size_t n; };

static int bounds(uint64_t *first, uint64_t *next, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_cur cur;
	struct br_key k;
	int rc = br_cur_open(&cur, t, BR_T_ASKED, err);

	*first = *next = 0;
	if (rc < 0)
		return rc;
	number_key(&k, nb, 0);
	if ((rc = br_cur_seek(&cur, br_key_slice(&k), err)) > 0 && cur.key.len == 12 && br_rd_be32(cur.key.ptr) == nb)
		*first = br_rd_be64(cur.key.ptr + 4);
	number_key(&k, nb, UINT64_MAX);
	if (rc >= 0 && (rc = br_cur_last_le(&cur, br_key_slice(&k), err)) > 0 && cur.key.len == 12 && br_rd_be32(cur.key.ptr) == nb)
		*next = br_rd_be64(cur.key.ptr + 4) + 1;
	br_cur_close(&cur);
	return BR_MIN(rc, 0);
}

static int add_one(struct br_txn *t, uint32_t nb, const struct br_asked *q, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_MESSAGE);
	uint64_t first, next;
	struct br_key k;
	int rc;

	encode(&b, q);
	if ((rc = br_buf_check(&b, "the log of questions", err)) < 0 || (rc = bounds(&first, &next, t, nb, err)) < 0)
		goto out;
	for (; next - first >= BR_MAX_ASKED && rc >= 0; first++) {
		number_key(&k, nb, first);
		rc = br_del(t, BR_T_ASKED, br_key_slice(&k), err);
	}
	number_key(&k, nb, next);
	if (rc >= 0)
		rc = br_put(t, BR_T_ASKED, br_key_slice(&k), br_buf_slice(&b), err);
out:
	br_buf_release(&b);
	return BR_MIN(rc, 0);
}

static int add(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct add *p = arg;
	int rc = 0;

	for (size_t i = 0; i < p->n && rc == 0; i++) {
		uint32_t nb;
		if ((rc = br_answer__nb_number(&nb, t, p->notebook[i], err)) == 0)
			rc = add_one(t, nb, &p->q[i], err);
		else if (rc == -BR_ENOTFOUND && p->n > 1)
			rc = 0;
	}
	return rc;
}

int br_asked_put(struct br_ws *ws, const char *const *notebook, const struct br_asked *q, size_t n, struct br_err *err)
{
	struct add p = { notebook, q, n };

	return n ? br_store_write(ws->store, add, &p, err) : 0;
}

int br_asked_add(struct br_ws *ws, const char *notebook, const struct br_reply *r, const char *by, struct br_err *err)
{
	const struct br_asked q = { .at_ms = br_now_ns() / 1000000, .question = r->question, .by = by, .strategy = r->strategy,
		.way = !r->found ? "none" : r->cached ? "cache" : r->model ? "model" : "quoted",
		.top = r->n ? r->cite[0].path : "", .score = r->n ? r->cite[0].score : 0, .took_ms = r->took_ms,
		.citations = (uint32_t)r->n };

	return br_config_bool(ws->config, "log.questions") ? br_asked_put(ws, &notebook, &q, 1, err) : 0;
}

struct clearing { const char *notebook, *by; };

static int clear_of(struct br_txn *t, const struct br_key *nb, const char *by, struct br_err *err)
{
	BR_VEC(struct br_slice) theirs = { 0 };
	struct br_arena a = { 0 };
	struct br_asked q;
	struct br_cur cur;
	int rc;

	if ((rc = br_cur_open(&cur, t, BR_T_ASKED, err)) < 0)
		return rc;
	cur.within = br_key_slice(nb);
	for (rc = br_cur_seek(&cur, br_key_slice(nb), err); rc > 0; rc = br_cur_next(&cur, err)) {
		if ((rc = decode(&q, &a, cur.val, err)) < 0)
			break;
		if (!strcmp(q.by, by))
			*br_vec_push(&theirs) = br_slice(br_arena_strndup(&a, cur.key.ptr, cur.key.len), cur.key.len);
	}
	br_cur_close(&cur);
	for (size_t i = 0; i < theirs.n && rc >= 0; i++)
		rc = br_del(t, BR_T_ASKED, theirs.v[i], err);
	br_vec_release(&theirs);
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

static int clear(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct clearing *c = arg;
	struct br_key k;
	uint32_t nb;
	int rc = br_answer__nb_number(&nb, t, c->notebook, err);

	br_key_init(&k, nb);
	if (rc < 0)
		return rc;
	return c->by ? clear_of(t, &k, c->by, err) : br_del_prefix(t, BR_T_ASKED, br_key_slice(&k), err);
}

int br_asked_clear(struct br_ws *ws, const char *notebook, const char *by, struct br_err *err)
{
	struct clearing c = { notebook, by };

	return br_store_write(ws->store, clear, &c, err);
}

/* ---- reading ---- */

int br_asked_each(struct br_ws *ws, const char *notebook, size_t n, br_asked_fn *fn, void *arg, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_asked q;
	struct br_cur cur = { 0 };
	struct br_txn *t;
	struct br_key k;
	uint32_t nb;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_answer__nb_number(&nb, t, notebook, err)) < 0 || (rc = br_cur_open(&cur, t, BR_T_ASKED, err)) < 0)
		goto out;
	number_key(&k, nb, UINT64_MAX);
	for (rc = br_cur_last_le(&cur, br_key_slice(&k), err); rc > 0 && n-- && cur.key.len == 12 && br_rd_be32(cur.key.ptr) == nb; rc = br_cur_prev(&cur, err)) {
		br_arena_reset(&a);
		if ((rc = decode(&q, &a, cur.val, err)) < 0 || (rc = fn(&q, arg)))
			break;
	}
	br_cur_close(&cur);
out:
	br_txn_end(t);
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}
