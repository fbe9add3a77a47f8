/*
 * Walks over a part of a table that damaged records do not end: for verify and repair, which look at what cannot be relied on.
 */
#include "internal.h"

/* The record in hand goes; the cursor stands behind it. */
static int drop(struct br_cur *cur, struct br_txn *t, enum br_table table, struct br_err *err)
{
	struct br_key k = { .n = 0 };
	int rc;

	br_key_bytes(&k, cur->key.ptr, cur->key.len);
	if ((rc = br_del(t, table, br_key_slice(&k), err)) < 0)
		return rc;
	return br_cur_seek(cur, br_key_slice(&k), err);
}

int scan(struct br_txn *t, enum br_table table, struct br_slice prefix, scan_fn *fn, void *arg, struct br_err *err)
{
	struct br_err why = { 0 };
	struct br_cur cur;
	int rc, did = SCAN_KEEP;

	if ((rc = br_cur_open(&cur, t, table, err)) < 0)
		return rc;
	rc = br_cur_seek(&cur, prefix, &why);
	while (cur.key.len && br_has_prefix(cur.key, prefix)) { /* a record of which only the key can be read has one, too */
		if (rc < 0 && rc != -BR_ECORRUPT)
			break;
		if ((did = fn(cur.key, cur.val, rc < 0 ? &why : NULL, arg)) < 0)
			break;
		rc = did == SCAN_DROP ? drop(&cur, t, table, &why) : br_cur_next(&cur, &why);
	}
	if (did >= 0 && rc < 0 && (rc != -BR_ECORRUPT || !cur.key.len)) /* more than one record */
		did = br_fail(err, why.code, "%s", why.msg);
	br_cur_close(&cur);
	return BR_MIN(0, did);
}
