/*
 * Numbering chunks anew: those that stay get the numbers from 0 on in their order. What is derived from chunk numbers outside the
 * data file learns of it from META "numbering.", which is raised.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

void numbering_name(char out[24], uint32_t nb) { snprintf(out, 24, "numbering.%08x", nb); }

struct renumber {
	struct br_txn *t;
	uint32_t nb;
	const struct br_bits *live;
	uint32_t *ranks;
	struct br_buf val;
};

/* ---- segments: they only move towards the front, so none is written over one that is still to come ---- */

/* A segment keeps its bytes and gets another key. */
static int move_segment(struct renumber *r, uint32_t first, struct br_slice val, struct br_err *err)
{
	struct br_key from, to;
	int rc;

	doc_key(&from, r->nb, first);
	doc_key(&to, r->nb, br_bits_rank(r->live, r->ranks, first));
	if (br_slice_eq(br_key_slice(&from), br_key_slice(&to)))
		return 0;
	br_buf_reset(&r->val);
	br_buf_add(&r->val, val.ptr, val.len);
	if ((rc = br_buf_check(&r->val, "chunk segment", err)) < 0 || (rc = br_del(r->t, BR_T_CHUNK, br_key_slice(&from), err)) < 0)
		return rc;
	return br_put(r->t, BR_T_CHUNK, br_key_slice(&to), br_buf_slice(&r->val), err);
}

static int renumber_segment(struct renumber *r, const struct br_cur *cur, int read, struct br_err *err)
{
	uint32_t first = br_rd_be32(cur->key.ptr + 4);
	struct br_key k;

	if (br_bits_get(r->live, first))
		return read < 0 ? read : move_segment(r, first, cur->val, err);
	doc_key(&k, r->nb, first);
	return BR_MIN(0, br_del(r->t, BR_T_CHUNK, br_key_slice(&k), err)); /* readable or not */
}

static int renumber_segments(struct renumber *r, uint32_t from, struct br_err *err)
{
	struct br_cur cur;
	struct br_key k, nb;
	int rc;

	br_key_init(&nb, r->nb);
	doc_key(&k, r->nb, from);
	if ((rc = br_cur_open(&cur, r->t, BR_T_CHUNK, err)) < 0)
		return rc;
	for (;;) {
		uint32_t first;
		rc = br_cur_seek(&cur, br_key_slice(&k), err);
		if (!br_has_prefix(cur.key, br_key_slice(&nb)))
			break;
		if (cur.key.len != 8) {
			rc = br_fail(err, BR_ECORRUPT, "chunk table of notebook %u: damaged key", r->nb);
			break;
		}
		first = br_rd_be32(cur.key.ptr + 4);
		if ((rc = renumber_segment(r, &cur, rc, err)) < 0 || first == UINT32_MAX)
			break;
		doc_key(&k, r->nb, first + 1);
	}
	br_cur_close(&cur);
	return BR_MIN(0, rc);
}

/* ---- documents ---- */

static int renumber_doc(struct renumber *r, uint32_t num, struct br_slice rec, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_doc d;
	int rc = doc_decode(&d, &a, num, rec, err);
	uint32_t was = rc < 0 ? 0 : d.first_chunk;

	if (rc == 0 && d.chunks && br_bits_get(r->live, was)) {
		d.first_chunk = br_bits_rank(r->live, r->ranks, was);
		if (d.first_chunk != was)
			rc = doc_store(r->t, r->nb, &d, err);
	}
	br_arena_release(&a);
	return rc;
}

static int renumber_docs(struct renumber *r, struct br_err *err)
{
	struct br_cur cur;
	struct br_key k, nb;
	int rc;

	br_key_init(&nb, r->nb);
	k = nb;
	if ((rc = br_cur_open(&cur, r->t, BR_T_DOC, err)) < 0)
		return rc;
	while ((rc = br_cur_seek(&cur, br_key_slice(&k), err)) > 0 && br_has_prefix(cur.key, br_key_slice(&nb))) {
		uint32_t num;
		if (cur.key.len != 8) {
			rc = br_fail(err, BR_ECORRUPT, "document table: damaged key");
			break;
		}
		num = br_rd_be32(cur.key.ptr + 4);
		if ((rc = renumber_doc(r, num, cur.val, err)) < 0 || num == UINT32_MAX)
			break;
		doc_key(&k, r->nb, num + 1);
	}
	br_cur_close(&cur);
	return BR_MIN(0, rc);
}

/* ---- the whole ---- */

static int raise_numbering(struct br_txn *t, uint32_t nb, struct br_err *err)
{
	char name[24];
	uint64_t n;
	int rc;

	numbering_name(name, nb);
	if ((rc = br_meta_get(&n, t, name, err)) < 0)
		return rc;
	return br_meta_put(t, name, n + 1, err);
}

int renumber_chunks(struct br_txn *t, struct br_nb *nb, const struct br_bits *live, struct br_err *err)
{
	struct renumber r = { .t = t, .nb = nb->nb, .live = live, .ranks = br_bits_ranks(live), .val = BR_BUF_INIT(64 << 20) };
	uint32_t from = 0;
	struct br_key k;
	int rc;

	while (from < live->n && br_bits_get(live, from)) /* chunks in front of the first deleted one keep their numbers */
		from++;
	br_key_init(&k, nb->nb);
	if ((rc = renumber_segments(&r, from, err)) == 0 && (rc = renumber_docs(&r, err)) == 0 &&
	    (rc = br_del_prefix(t, BR_T_DEAD, br_key_slice(&k), err)) == 0)
		rc = raise_numbering(t, nb->nb, err);
	nb->next_chunk = br_bits_count(live);
	nb->dead = 0;
	br_buf_release(&r.val);
	free(r.ranks);
	return rc;
}
