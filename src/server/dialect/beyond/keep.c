/* Small records of the API: a JSON object each, by notebook (0: of the workspace), kind and name (man/br-index.5, API). */
#include "beyond.h"

#include <stdlib.h>

static void make_key(struct br_key *k, uint32_t nb, enum br_beyond_kind kind, const char *name)
{
	char c = (char)kind;

	br_key_init(k, nb);
	br_key_bytes(k, &c, 1);
	br_key_bytes(k, name, strnlen(name, BEYOND_NAME));
}

int br_beyond__kept(const char **out, struct br_req *r, uint32_t nb, enum br_beyond_kind kind, const char *name, struct br_err *err)
{
	struct br_slice val;
	struct br_txn *t;
	struct br_key k;
	int rc;

	*out = NULL;
	if (strlen(name) > BEYOND_NAME)
		return 0;
	if ((rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	make_key(&k, nb, kind, name);
	if ((rc = br_get(&val, t, BR_T_API, br_key_slice(&k), err)) > 0)
		*out = br_arena_strndup(br_req_arena(r), val.ptr, val.len);
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

int br_beyond__keep(struct br_req *r, uint32_t nb, enum br_beyond_kind kind, const char *name, const char *json, struct br_err *err)
{
	struct change c = { .json = json };
	int rc;

	if (!*name || strlen(name) > BEYOND_NAME)
		return json ? br_fail(err, BR_EUSAGE, "a name has 1 to %d bytes", BEYOND_NAME) : 0;
	make_key(&c.key, nb, kind, name);
	if ((rc = br_store_write(br_req_ws(r)->store, write_one, &c, err)) < 0)
		return rc;
	return c.was;
}

/* ---- going through them ---- */

int br_beyond__each_kept(struct br_req *r, uint32_t nb, enum br_beyond_kind kind, br_beyond_fn *fn, void *arg, struct br_err *err)
{
	struct br_arena *a = br_req_arena(r);
	struct br_cur cur;
	struct br_txn *t;
	struct br_key k;
	int rc = br_txn_read(&t, br_req_ws(r)->store, err);

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

const char *br_beyond__member(struct br_req *r, const char *json, const char *key)
{
	struct br_jdoc *doc;
	const char *s;

	if (!json || br_jdoc_parse(&doc, br_slice_str(json), "a record", NULL) < 0)
		return NULL;
	s = br_arena_strdup(br_req_arena(r), br_jval_str(br_jval_get(br_jdoc_root(doc), key)));
	br_jdoc_free(doc);
	return s;
}
