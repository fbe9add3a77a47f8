/* The seal behind each value. Input: table, length of the key, what to change (a byte each), the key, then the stored value. */
#include "fuzz.h"

#include "store/internal.h"

struct record { enum br_table table; struct br_slice key, val; uint8_t change; };

static bool whole(struct br_txn *t, const struct record *r, struct br_slice key, enum br_table table, struct br_slice stored)
{
	struct br_slice out;
	int rc = br_store__unseal(&out, t, table, key, (MDB_val){ stored.len, (void *)(uintptr_t)stored.ptr }, NULL);

	HOLDS(rc == 1 || rc == -BR_ECORRUPT);
	HOLDS(rc < 0 || (out.len + STORE_SEAL == stored.len && out.ptr == stored.ptr));
	(void)r;
	return rc == 1;
}

static int run(struct br_txn *t, void *arg, struct br_err *err)
{
	struct record *r = arg;
	size_t n = r->val.len;
	char *p = br_alloc(n + STORE_SEAL + 1), other[512];
	struct br_slice sealed = br_slice(p, n + STORE_SEAL), got;

	br_txn_check_all(t);
	(void)whole(t, r, r->key, r->table, r->val);
	memcpy(p, n ? r->val.ptr : "", n);
	br_store__seal(p, n, r->table, r->key);
	HOLDS(whole(t, r, r->key, r->table, sealed));
	p[r->change % sealed.len] ^= (char)(1 << r->change % 8);
	HOLDS(!whole(t, r, r->key, r->table, sealed));
	p[r->change % sealed.len] ^= (char)(1 << r->change % 8);
	HOLDS(!whole(t, r, r->key, (r->table + 1) % BR_TABLE_COUNT, sealed));
	memcpy(other, r->key.ptr, r->key.len);
	other[r->change % r->key.len] ^= 1;
	HOLDS(!whole(t, r, br_slice(other, r->key.len), r->table, sealed));
	HOLDS(!whole(t, r, r->key, r->table, br_slice(p, sealed.len - 1)));
	FUZZ_OK(br_put(t, r->table, r->key, r->val, err));
	HOLDS(FUZZ_OK(br_get(&got, t, r->table, r->key, err)) == 1 && br_slice_eq(got, r->val));
	free(p);
	return 0;
}

FUZZ(store_seal)
{
	struct br_rd rd = br_rd(in);
	struct record r = { .table = br_rd_u8(&rd) % BR_TABLE_COUNT };
	size_t key = br_rd_u8(&rd) + 1u;

	r.change = br_rd_u8(&rd);
	r.key = br_rd_bytes(&rd, key);
	r.val = fuzz_rest(&rd);
	if (!rd.bad && r.table != BR_T_META)
		fuzz_in_store(run, &r);
}
