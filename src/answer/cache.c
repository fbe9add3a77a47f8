/*
 * Answers that were given, for the same question with the same settings. All of a notebook's belong to one generation of it: the
 * first one kept after a change drops those before it, so that an answer never outlives what it was made from.
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- the key ---- */

/* Case, white space and closing marks do not make another question. */
static void add_normal(struct br_buf *out, const char *s)
{
	size_t from = out->len;

	for (; *s; s++) {
		if (isspace((unsigned char)*s)) {
			if (out->len > from && out->ptr[out->len - 1] != ' ')
				br_buf_addc(out, ' ');
		} else {
			br_buf_addc(out, (char)tolower((unsigned char)*s));
		}
	}
	while (out->len > from && strchr(" ?!.", out->ptr[out->len - 1]))
		out->len--;
	br_buf_addc(out, 0);
}

static void add_text(struct br_buf *out, const char *s)
{
	br_buf_lstr(out, s ? s : "", s ? strlen(s) : 0);
}

void br_answer__cache_key(uint8_t key[16], const struct br_answer_opts *opts, const char *question)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);

	add_normal(&b, question);
	br_buf_addf(&b, "%u %d %d %d %u %.17g %.17g %.17g %d ", opts->query.top, opts->query.plain, opts->query.no_fold, opts->strict, opts->sentences,
	            opts->query.full_text_weight, opts->query.semantic_weight, opts->query.rrf_k, opts->query.reorder);
	add_text(&b, opts->query.strategy);
	add_text(&b, opts->persona);
	add_text(&b, opts->language);
	add_text(&b, opts->instructions);
	add_text(&b, opts->model ? opts->model->name : "");
	for (const char *const *f = opts->query.filter; f && *f; f++)
		add_text(&b, *f);
	br_hash128(key, b.ptr, b.len);
	br_buf_release(&b);
}

/* ---- the record ---- */

static void encode(struct br_buf *b, const struct br_reply *r, uint64_t generation)
{
	br_buf_u8(b, RECORD_VERSION);
	br_buf_le64(b, generation);
	put_str(b, r->asked);
	put_str(b, r->text);
	put_str(b, r->strategy);
	put_str(b, r->degraded);
	put_str(b, r->model);
	br_answer__put_number(b, r->support);
	br_buf_varint(b, r->repaired);
	br_buf_varint(b, r->n);
	for (size_t i = 0; i < r->n; i++) {
		const struct br_citation *c = &r->cite[i];
		br_buf_varint(b, c->n);
		br_buf_u8(b, c->cited);
		put_str(b, c->path);
		put_str(b, c->title);
		put_str(b, c->doc_id);
		br_buf_varint(b, c->line);
		br_buf_varint(b, c->line_end);
		br_buf_varint(b, c->page);
		br_buf_varint(b, c->ordinal);
		put_str(b, c->quote);
		br_answer__put_number(b, c->score);
	}
}

static const char *text_or_null(struct br_arena *a, struct br_rd *r)
{
	const char *s = get_str(a, r);

	return s[0] ? s : NULL;
}

static void decode_citation(struct br_citation *c, struct br_arena *a, struct br_rd *r)
{
	c->n = (uint32_t)br_rd_varint(r);
	c->cited = br_rd_u8(r);
	c->path = get_str(a, r);
	c->title = get_str(a, r);
	c->doc_id = get_str(a, r);
	c->line = (uint32_t)br_rd_varint(r);
	c->line_end = (uint32_t)br_rd_varint(r);
	c->page = (uint32_t)br_rd_varint(r);
	c->ordinal = (uint32_t)br_rd_varint(r);
	c->quote = get_str(a, r);
	c->score = br_answer__get_number(r);
}

/* Behind version and generation. */
static int decode(struct br_reply *out, struct br_rd *r, struct br_err *err)
{
	struct br_arena *a = &out->arena;
	uint64_t n;

	out->asked = get_str(a, r);
	out->text = get_str(a, r);
	out->strategy = get_str(a, r);
	out->degraded = text_or_null(a, r);
	out->model = text_or_null(a, r);
	out->support = br_answer__get_number(r);
	out->repaired = (uint32_t)br_rd_varint(r);
	n = br_rd_varint(r);
	if (r->bad || n > BR_MAX_TOP)
		return br_fail(err, BR_ECORRUPT, "a kept answer is damaged");
	out->cite = br_arena_zalloc(a, (n + 1) * sizeof *out->cite);
	for (out->n = 0; out->n < n && !r->bad; out->n++)
		decode_citation(&out->cite[out->n], a, r);
	return r->bad || r->p != r->end ? br_fail(err, BR_ECORRUPT, "a kept answer is damaged") : 0;
}

/* ---- looking ---- */

static int find_in(struct br_reply *out, struct br_txn *t, const struct br_nb *nb, const uint8_t hash[16], struct br_err *err)
{
	struct br_slice rec;
	struct br_key k;
	struct br_rd r;
	int rc;

	br_key_init(&k, nb->nb);
	br_key_bytes(&k, hash, 16);
	if ((rc = br_get(&rec, t, BR_T_REPLY, br_key_slice(&k), err)) <= 0)
		return rc;
	r = br_rd(rec);
	if (br_rd_u8(&r) != RECORD_VERSION || br_rd_u64(&r) != nb->generation)
		return 0;
	if ((rc = decode(out, &r, err)) < 0)
		return rc;
	out->found = out->cached = true;
	out->notebook = br_arena_strdup(&out->arena, nb->name);
	out->generation = br_txn_generation(t);
	out->indexed_at = nb->updated;
	return 1;
}

int br_answer__cache_find(struct br_reply *out, struct br_searcher *s, const struct br_answer_opts *opts, const char *question, struct br_err *err)
{
	struct br_arena a = { 0 };
	uint8_t hash[16];
	struct br_txn *t;
	struct br_nb *nb;
	int rc;

	br_answer__cache_key(hash, opts, question);
	if ((rc = br_txn_read(&t, br_searcher_workspace(s)->store, err)) < 0)
		return rc;
	if ((rc = br_nb_get(&nb, &a, t, opts->query.notebook, err)) == 0)
		rc = find_in(out, t, nb, hash, err);
	br_txn_end(t);
	br_arena_release(&a);
	return rc;
}

/* ---- keeping ---- */

struct keep { const char *notebook; uint8_t hash[16]; const struct br_reply *r; };

/* 1: those that are there are of another generation, or too many. */
static int outlived(struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	struct br_cur cur;
	struct br_key k;
	struct br_rd r;
	uint64_t n = 0;
	bool old = false;
	int rc = br_cur_open(&cur, t, BR_T_REPLY, err);

	if (rc < 0)
		return rc;
	br_key_init(&k, nb->nb);
	for (rc = br_cur_seek(&cur, br_key_slice(&k), err); rc > 0 && br_has_prefix(cur.key, br_key_slice(&k)) && !old; rc = br_cur_next(&cur, err)) {
		r = br_rd(cur.val);
		old = br_rd_u8(&r) != RECORD_VERSION || br_rd_u64(&r) != nb->generation || ++n >= BR_MAX_CACHED;
	}
	br_cur_close(&cur);
	return rc < 0 ? rc : old;
}

static int put_kept(struct br_txn *t, const struct keep *p, const struct br_nb *nb, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(4u * BR_MAX_REPLY);
	struct br_key k;
	int rc = outlived(t, nb, err);

	br_key_init(&k, nb->nb);
	if (rc > 0)
		rc = br_del_prefix(t, BR_T_REPLY, br_key_slice(&k), err);
	br_key_bytes(&k, p->hash, 16);
	encode(&b, p->r, nb->generation);
	if (rc == 0 && !b.failed) /* what is too long is not kept */
		rc = br_put(t, BR_T_REPLY, br_key_slice(&k), br_buf_slice(&b), err);
	br_buf_release(&b);
	return rc;
}

static int keep(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct keep *p = arg;
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc = br_nb_get(&nb, &a, t, p->notebook, err);

	/* The notebook changed while the model wrote: the answer is not of this generation. */
	if (rc == 0 && nb->generation <= p->r->generation)
		rc = put_kept(t, p, nb, err);
	br_arena_release(&a);
	return rc;
}

int br_answer__cache_keep(struct br_searcher *s, const struct br_answer_opts *opts, const char *question, const struct br_reply *r, struct br_err *err)
{
	struct keep p = { .notebook = opts->query.notebook, .r = r };

	br_answer__cache_key(p.hash, opts, question);
	return br_store_write(br_searcher_workspace(s)->store, keep, &p, err);
}
