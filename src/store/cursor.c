/*
 * Cursors over one table. `key` and `val` are set by every call that returns 1. Where there is none they become empty
 * slices, key.ptr not NULL, and the place is lost: the neighbours are none too, until the next seek.
 */
#include "internal.h"

int br_cur_open(struct br_cur *c, struct br_txn *t, enum br_table table, struct br_err *err)
{
	MDB_cursor *m;
	int rc = mdb_cursor_open(t->m, t->s->dbi[table], &m);

	*c = (struct br_cur){ .txn = t, .table = table };
	if (rc)
		return br_store__fail(err, t->s, rc, "read from", (int)table);
	c->c = m;
	return 0;
}

void br_cur_close(struct br_cur *c)
{
	if (c->c)
		mdb_cursor_close(c->c);
	*c = (struct br_cur){ 0 };
}

static int none(struct br_cur *c)
{
	c->key = c->val = br_slice("", 0);
	return 0;
}

static bool is_none(const struct br_cur *c)
{
	return c->key.ptr && c->key.len == 0;
}

static int move(struct br_cur *c, struct br_slice from, MDB_cursor_op op, struct br_err *err)
{
	MDB_val k = br_store__val(from), v = { 0 };
	int rc = IN_LMDB(mdb_cursor_get(c->c, &k, &v, op));

	if (rc == 0) {
		c->key = br_store__slice(k);
		c->val = br_slice("", 0); /* key and place stay when the seal is broken */
		if (c->within.len && !br_has_prefix(c->key, c->within))
			return none(c);
		return br_store__unseal(&c->val, c->txn, c->table, c->key, v, err);
	}
	none(c);
	return rc == MDB_NOTFOUND ? 0 : br_store__fail(err, c->txn->s, rc, "read from", (int)c->table);
}

int br_cur_seek(struct br_cur *c, struct br_slice key, struct br_err *err)
{
	return move(c, key, key.len ? MDB_SET_RANGE : MDB_FIRST, err);
}

int br_cur_next(struct br_cur *c, struct br_err *err)
{
	return is_none(c) ? 0 : move(c, br_slice(NULL, 0), MDB_NEXT, err);
}

int br_cur_prev(struct br_cur *c, struct br_err *err)
{
	return is_none(c) ? 0 : move(c, br_slice(NULL, 0), MDB_PREV, err);
}

int br_cur_last_le(struct br_cur *c, struct br_slice key, struct br_err *err)
{
	struct br_slice within = c->within;
	int rc;

	c->within = br_slice("", 0); /* the record behind may be another's */
	rc = br_cur_seek(c, key, err);
	c->within = within;
	if (rc == 0)
		return move(c, br_slice(NULL, 0), MDB_LAST, err);
	if (!c->key.len || br_slice_eq(c->key, key))
		return rc;
	return br_cur_prev(c, err); /* also from one that is damaged and was not asked for */
}
