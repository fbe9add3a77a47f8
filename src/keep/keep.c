/* Small records that APIs keep: a JSON object each, by notebook (0: of the workspace), kind and name (man/br-index.5, API). */
#include "br/keep.h"

#include "br/json.h"

#include <stdlib.h>

static void make_key(struct br_key *k, uint32_t nb, enum br_keep_kind kind, const char *name)
{
	char c = (char)kind;

	br_key_init(k, nb);
	br_key_bytes(k, &c, 1);
	br_key_bytes(k, name, strnlen(name, BR_KEEP_NAME));
}

int br_keep_get(const char **out, struct br_arena *a, struct br_ws *ws, uint32_t nb, enum br_keep_kind kind, const char *name, struct br_err *err)
{
	struct br_slice val;
	struct br_txn *t;
	struct br_key k;
	int rc;

	*out = NULL;
	if (strlen(name) > BR_KEEP_NAME)
		return 0;
	if ((rc = br_txn_read(&t, ws->store, err)) < 0)
		return rc;
	make_key(&k, nb, kind, name);
	if ((rc = br_get(&val, t, BR_T_API, br_key_slice(&k), err)) > 0)
		*out = br_arena_strndup(a, val.ptr, val.len);
	br_txn_end(t);
	return BR_MIN(rc, 0);
}

/* ---- writing ---- */

struct change { struct br_key key; const char *json; bool was; };

static int write_one(struct br_txn *t, void *arg, struct br_err *err)
{
	struct change *c = arg;
	int rc = c->json ? br_put(t, BR_T_API, br_key_slice(&c->key), br_slice_str(c->json), err) : br_del(t, BR_T_API, br_key_slice(&c->key), err);

	c->was = rc > 0;
	return BR_MIN(rc, 0);
}

int br_keep_put(struct br_ws *ws, uint32_t nb, enum br_keep_kind kind, const char *name, const char *json, struct br_err *err)
{
	struct change c = { .json = json };
	int rc;

	if (!*name || strlen(name) > BR_KEEP_NAME)
		return json ? br_fail(err, BR_EUSAGE, "a name has 1 to %d bytes", BR_KEEP_NAME) : 0;
	make_key(&c.key, nb, kind, name);
	if ((rc = br_store_write(ws->store, write_one, &c, err)) < 0)
		return rc;
	return c.was;
}

struct rows { const struct br_keep_row *row; size_t n; };

static int write_rows(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct rows *all = arg;
	struct br_slice was;
	struct br_key k;
	int rc = 0;

	for (size_t i = 0; i < all->n && rc >= 0; i++) {
		const struct br_keep_row *r = &all->row[i];
		br_key_init(&k, r->nb);
		if (r->nb && (rc = br_get(&was, t, BR_T_NOTEBOOK, br_key_slice(&k), err)) <= 0)
			continue;
		make_key(&k, r->nb, r->kind, r->name);
		rc = r->json ? br_put(t, BR_T_API, br_key_slice(&k), br_slice_str(r->json), err) : br_del(t, BR_T_API, br_key_slice(&k), err);
	}
	return BR_MIN(rc, 0);
}

int br_keep_put_all(struct br_ws *ws, const struct br_keep_row *row, size_t n, struct br_err *err)
{
	struct rows all = { row, n };

	for (size_t i = 0; i < n; i++)
		if (!*row[i].name || strlen(row[i].name) > BR_KEEP_NAME)
			return br_fail(err, BR_EUSAGE, "a name has 1 to %d bytes", BR_KEEP_NAME);
	return br_store_write(ws->store, write_rows, &all, err);
}

/* ---- going through them ---- */

int br_keep_under(struct br_arena *a, struct br_ws *ws, uint32_t nb, enum br_keep_kind kind, const char *prefix, br_keep_under_fn *fn, void *arg, struct br_err *err)
{
	struct br_cur cur;
	struct br_txn *t;
	struct br_key k;
	int rc = br_txn_read(&t, ws->store, err), stop = 0;

	if (rc < 0)
		return rc;
	make_key(&k, nb, kind, prefix);
	if ((rc = br_cur_open(&cur, t, BR_T_API, err)) == 0) {
		cur.within = br_key_slice(&k);
		for (rc = br_cur_seek(&cur, br_key_slice(&k), err); rc > 0 && !stop; rc = br_cur_next(&cur, err))
			stop = fn(br_arena_strndup(a, cur.key.ptr + 5, cur.key.len - 5), br_arena_strndup(a, cur.val.ptr, cur.val.len), arg);
		br_cur_close(&cur);
	}
	br_txn_end(t);
	return rc < 0 ? rc : stop;
}

int br_keep_each(struct br_arena *a, struct br_ws *ws, uint32_t nb, enum br_keep_kind kind, br_keep_fn *fn, void *arg, struct br_err *err)
{
	struct br_cur cur;
	struct br_txn *t;
	struct br_key k;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	make_key(&k, nb, kind, "");
	if ((rc = br_cur_open(&cur, t, BR_T_API, err)) == 0) {
		if (nb)
			cur.within = br_key_slice(&k);
		for (rc = br_cur_seek(&cur, nb ? br_key_slice(&k) : br_slice("", 0), err); rc > 0; rc = br_cur_next(&cur, err))
			if (cur.key.len > 5 && cur.key.ptr[4] == (char)kind)
				fn(br_rd_be32(cur.key.ptr), br_arena_strndup(a, cur.key.ptr + 5, cur.key.len - 5),
				   br_arena_strndup(a, cur.val.ptr, cur.val.len), arg);
		br_cur_close(&cur);
	}
	br_txn_end(t);
	return BR_MIN(rc, 0);
}

const char *br_keep_member(struct br_arena *a, const char *json, const char *key)
{
	struct br_jdoc *doc;
	const char *s;

	if (!json || br_jdoc_parse(&doc, br_slice_str(json), "a record", NULL) < 0)
		return NULL;
	s = br_arena_strdup(a, br_jval_str(br_jval_get(br_jdoc_root(doc), key)));
	br_jdoc_free(doc);
	return s;
}
