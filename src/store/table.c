/* Records of the tables, and the counters in META. */
#include "internal.h"

/* Remembers that the map was full: the transaction is lost, and br_store_write does it again with a larger one. */
static int change_failed(struct br_txn *t, enum br_table table, int rc, struct br_err *err)
{
	if (rc == MDB_MAP_FULL)
		t->map_full = true;
	return br_store__fail(err, t->s, rc, "write to", (int)table);
}

const char *br_table_name(const struct br_txn *t, enum br_table table)
{
	return t->s->table_name[table];
}

int br_get(struct br_slice *out, struct br_txn *t, enum br_table table, struct br_slice key, struct br_err *err)
{
	MDB_val k = br_store__val(key), v;
	int rc = IN_LMDB(mdb_get(t->m, t->s->dbi[table], &k, &v));

	*out = br_slice(NULL, 0);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc)
		return br_store__fail(err, t->s, rc, "read from", (int)table);
	return br_store__unseal(out, t, table, key, v, err);
}

/* LMDB gives the room, the parts and their seal go into it. */
static int put(struct br_txn *t, enum br_table table, struct br_slice key, const struct br_slice *part, size_t n, unsigned flags)
{
	MDB_val k = br_store__val(key), v = { STORE_SEAL, NULL };
	char *p;
	int rc;

	for (size_t i = 0; i < n; i++)
		v.mv_size += part[i].len;
	if ((rc = IN_LMDB(mdb_put(t->m, t->s->dbi[table], &k, &v, MDB_RESERVE | flags))))
		return rc;
	p = v.mv_data;
	for (size_t i = 0; i < n; p += part[i++].len)
		if (part[i].len)
			memcpy(p, part[i].ptr, part[i].len);
	br_store__seal(v.mv_data, (size_t)(p - (char *)v.mv_data), table, key);
	return 0;
}

int br_put_parts(struct br_txn *t, enum br_table table, struct br_slice key, const struct br_slice *part, size_t n, struct br_err *err)
{
	int rc = put(t, table, key, part, n, 0);

	return rc ? change_failed(t, table, rc, err) : 0;
}

int br_put(struct br_txn *t, enum br_table table, struct br_slice key, struct br_slice val, struct br_err *err)
{
	return br_put_parts(t, table, key, &val, 1, err);
}

int br_append(struct br_txn *t, enum br_table table, struct br_slice key, struct br_slice val, struct br_err *err)
{
	int rc = put(t, table, key, &val, 1, MDB_APPEND);

	if (rc == MDB_KEYEXIST)
		return br_put(t, table, key, val, err);
	return rc ? change_failed(t, table, rc, err) : 0;
}

int br_del(struct br_txn *t, enum br_table table, struct br_slice key, struct br_err *err)
{
	MDB_val k = br_store__val(key);
	int rc = IN_LMDB(mdb_del(t->m, t->s->dbi[table], &k, NULL));

	if (rc == MDB_NOTFOUND)
		return 0;
	return rc ? change_failed(t, table, rc, err) : 1;
}

/* Seeks afresh after each removal: from the page where the cursor stands that is cheap, and it never skips a record. */
static int del_range(MDB_cursor *c, struct br_slice prefix)
{
	int rc;

	for (;;) {
		MDB_val k = br_store__val(prefix), v;
		rc = IN_LMDB(mdb_cursor_get(c, &k, &v, MDB_SET_RANGE));
		if (rc || !br_has_prefix(br_store__slice(k), prefix))
			break;
		if ((rc = IN_LMDB(mdb_cursor_del(c, 0))))
			break;
	}
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int br_del_prefix(struct br_txn *t, enum br_table table, struct br_slice prefix, struct br_err *err)
{
	MDB_cursor *c;
	int rc;

	if (prefix.len == 0) {
		rc = IN_LMDB(mdb_drop(t->m, t->s->dbi[table], 0));
	} else if (!(rc = mdb_cursor_open(t->m, t->s->dbi[table], &c))) {
		rc = del_range(c, prefix);
		mdb_cursor_close(c);
	}
	return rc ? change_failed(t, table, rc, err) : 0;
}

int br_table_count(uint64_t *out, struct br_txn *t, enum br_table table, struct br_err *err)
{
	MDB_stat st;
	int rc = mdb_stat(t->m, t->s->dbi[table], &st);

	*out = rc ? 0 : st.ms_entries;
	return rc ? br_store__fail(err, t->s, rc, "read from", (int)table) : 0;
}

/* ---- counters ---- */

int br_meta_get(uint64_t *out, struct br_txn *t, const char *name, struct br_err *err)
{
	struct br_slice v;
	int rc = br_get(&v, t, BR_T_META, br_slice_str(name), err);

	*out = 0;
	if (rc <= 0)
		return rc;
	if (v.len != 8)
		return br_fail(err, BR_ECORRUPT, "'%s' is damaged: record '%s' of table 'meta' has %zu bytes instead of 8",
		               t->s->data_path, name, v.len);
	*out = br_rd_le64(v.ptr);
	return 0;
}

int br_meta_put(struct br_txn *t, const char *name, uint64_t v, struct br_err *err)
{
	char b[8];

	br_store__le64(b, v);
	return br_put(t, BR_T_META, br_slice_str(name), br_slice(b, sizeof b), err);
}
