/*
 * The seal: four bytes behind every value, a hash of table, key and value, so that a record that was damaged on the disk
 * or stands under another's key is noticed when it is read. Vectors are left out there, since a scan of them all would
 * take twice as long; whoever wants them looked at too sets br_txn_check_all.
 *
 * A reading transaction that is used again remembers the addresses of longer values that it has found whole, as long as
 * generation and map stay the same: that makes a second question as fast as it would be without seals.
 */
#include "internal.h"

#define MEMO_LEAST 256u

static uint32_t seal_of(enum br_table table, struct br_slice key, const char *val, size_t n)
{
	uint64_t h = br_hash64(val, n) ^ (br_hash64(key.ptr, key.len) + ((uint64_t)table + 1) * 0x9e3779b97f4a7c15u);

	return (uint32_t)(h ^ h >> 32);
}

void br_store__seal(char *val, size_t n, enum br_table table, struct br_slice key)
{
	uint32_t seal = seal_of(table, key, val, n);

	memcpy(val + n, &seal, STORE_SEAL);
}

/* ---- what was found whole before ---- */

void br_store__memo_begin(struct br_txn *t, uint64_t generation)
{
	if (!t->memo)
		t->memo = br_alloc(sizeof *t->memo);
	if (t->memo->generation == generation && t->memo->maps == t->s->maps)
		return;
	memset(t->memo, 0, sizeof *t->memo);
	t->memo->generation = generation;
	t->memo->maps = t->s->maps;
}

/* Where p is noted, if it is noted; NULL when nothing is remembered of it. */
static const char **memo_at(struct br_txn *t, const char *p, size_t n)
{
	if (!t->memo || t->write || n < MEMO_LEAST)
		return NULL;
	return &t->memo->whole[((uintptr_t)p * 0x9e3779b97f4a7c15u >> 32) % STORE_MEMO]; /* most begin a page: their low bits are alike */
}

/* ---- checking ---- */

static int broken(const struct br_txn *t, enum br_table table, struct br_slice key, struct br_err *err)
{
	char hex[2 * 24 + 1];
	size_t n = BR_MIN(key.len, (size_t)24);

	br_hex(hex, (const uint8_t *)key.ptr, n);
	return br_fail(err, BR_ECORRUPT, "'%s' is damaged: record %s%s of table '%s' does not match its checksum", t->s->data_path,
	               hex, n < key.len ? "..." : "", t->s->table_name[table]);
}

/*
 * Does the seal behind val fit? A damaged page may give a length that leads out of the file, so reading it counts as LMDB's
 * work; `only_reach` looks whether there is an end and no more.
 */
static bool fits(enum br_table table, struct br_slice key, struct br_slice val, bool only_reach)
{
	uint32_t seal;
	bool yes;

	br_store__in_lmdb++;
	memcpy(&seal, val.ptr + val.len, STORE_SEAL);
	yes = only_reach || seal == seal_of(table, key, val.ptr, val.len);
	br_store__in_lmdb--;
	return yes;
}

int br_store__unseal(struct br_slice *out, struct br_txn *t, enum br_table table, struct br_slice key, MDB_val v, struct br_err *err)
{
	bool only_reach = table == BR_T_VEC && !t->check_all;
	const char **memo;

	if (v.mv_size < STORE_SEAL)
		return broken(t, table, key, err);
	*out = br_slice(v.mv_data, v.mv_size - STORE_SEAL);
	memo = only_reach ? NULL : memo_at(t, out->ptr, out->len);
	if (memo && *memo == out->ptr)
		return 1;
	if (!fits(table, key, *out, only_reach)) {
		*out = br_slice(NULL, 0);
		return broken(t, table, key, err);
	}
	if (memo)
		*memo = out->ptr;
	return 1;
}

void br_txn_check_all(struct br_txn *t)
{
	t->check_all = true;
}
