/*
 * Care for the tables of keys: records decode, every secret and id is found by its reference, every reference and every day of
 * use belongs to a key. References follow from records, so repair makes them again; a record that is damaged is lost, and so
 * its secrets no longer work, which is the safe side.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

struct check {
	struct br_txn *t;
	br_problem_fn *fn;
	void *arg;
	uint64_t n;
	BR_VEC(struct br_key) drop; /* keys of records of the table at hand */
	BR_VEC(uint32_t) numbers;   /* of keys that are whole, ascending */
};

static void BR_PRINTF(2, 3) problem(struct check *c, const char *fmt, ...)
{
	char msg[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	c->n++;
	if (c->fn)
		c->fn(msg, c->arg);
}

static void to_drop(struct check *c, struct br_slice key)
{
	struct br_key *k = br_vec_push(&c->drop);

	k->n = 0;
	br_key_bytes(k, key.ptr, key.len);
}

static bool is_whole(const struct check *c, uint32_t number)
{
	size_t lo = 0, hi = c->numbers.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (c->numbers.v[mid] < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->numbers.n && c->numbers.v[lo] == number;
}

static bool has_ref(struct check *c, const struct br_key *ref, uint32_t number)
{
	struct br_slice val;

	return br_get(&val, c->t, BR_T_KEYREF, br_key_slice(ref), NULL) > 0 && val.len == 4 && br_rd_be32(val.ptr) == number;
}

static void check_refs(struct check *c, const struct br_apikey *k)
{
	struct br_key ref;

	ref_id_key(&ref, k->id);
	if (!has_ref(c, &ref, k->number))
		problem(c, "key '%s' is not found by its id", k->name);
	for (size_t i = 0; i < k->secrets; i++) {
		ref_hash_key(&ref, k->secret[i].hash, k->number);
		if (!has_ref(c, &ref, k->number))
			problem(c, "key '%s': secret %zu is not found by its hash", k->name, i + 1);
		ref_id_key(&ref, k->secret[i].id);
		if (!has_ref(c, &ref, k->number))
			problem(c, "key '%s': secret %zu is not found by its id", k->name, i + 1);
	}
}

/* why NULL: the record can be read. */
static void check_record(struct check *c, enum br_table table, const struct br_cur *cur, const struct br_err *why)
{
	uint32_t number = cur->key.len >= 4 ? br_rd_be32(cur->key.ptr) : 0;
	struct br_err err = { 0 };
	struct br_arena a = { 0 };
	struct br_apikey k;
	struct use_rec u;

	if (table == BR_T_KEY && !why && cur->key.len == 4 && apikey_decode(&k, &a, number, cur->val, &err) == 0) {
		*br_vec_push(&c->numbers) = number;
		check_refs(c, &k);
	} else if (table == BR_T_KEYUSE && !why && cur->key.len == 8 && is_whole(c, number) &&
	           use_decode(&u, number, br_rd_be32(cur->key.ptr + 4), cur->val, &err) == 0) {
		use_release(&u);
	} else if (table != BR_T_KEYREF || why || cur->val.len != 4 || !is_whole(c, br_rd_be32(cur->val.ptr))) {
		problem(c, "table '%s': %s", br_table_name(c->t, table), why ? why->msg : err.msg[0] ? err.msg : "a record that belongs to nothing");
		if (err.code != BR_EVERSION)
			to_drop(c, cur->key);
	}
	br_arena_release(&a);
}

static int check_table(struct check *c, enum br_table table, struct br_err *err)
{
	struct br_err why = { 0 };
	struct br_cur cur;
	int rc;

	c->drop.n = 0;
	if ((rc = br_cur_open(&cur, c->t, table, err)) < 0)
		return rc;
	rc = br_cur_seek(&cur, br_slice("", 0), &why);
	while (rc > 0 || (rc == -BR_ECORRUPT && cur.key.len)) {
		check_record(c, table, &cur, rc < 0 ? &why : NULL);
		rc = br_cur_next(&cur, &why);
	}
	br_cur_close(&cur);
	return rc < 0 ? br_fail(err, why.code, "%s", why.msg) : 0;
}

static int drop_all(struct check *c, enum br_table table, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < c->drop.n && rc >= 0; i++)
		rc = br_del(c->t, table, br_key_slice(&c->drop.v[i]), err);
	return BR_MIN(rc, 0);
}

static int put_refs(struct check *c, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_apikey *k;
	int rc = 0;

	for (size_t i = 0; i < c->numbers.n && rc >= 0; i++)
		if ((rc = apikey_load(&k, &a, c->t, c->numbers.v[i], err)) > 0)
			rc = apikey_store(c->t, k, err);
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

/* Numbers are never given twice, also when the counter was lost. */
static int check_counter(struct check *c, bool repair, struct br_err *err)
{
	uint64_t next, least = c->numbers.n ? (uint64_t)c->numbers.v[c->numbers.n - 1] + 1 : 0;

	if (br_meta_get(&next, c->t, "next_key", NULL) == 0 && next >= least)
		return 0;
	problem(c, "the number of the next key is damaged");
	return repair ? br_meta_put(c->t, "next_key", least, err) : 0;
}

int br_auth_verify(uint64_t *problems, struct br_txn *t, bool repair, br_problem_fn *fn, void *arg, struct br_err *err)
{
	static const enum br_table tables[] = { BR_T_KEY, BR_T_KEYREF, BR_T_KEYUSE };
	struct check c = { .t = t, .fn = fn, .arg = arg };
	int rc = 0;

	for (size_t i = 0; i < BR_COUNT(tables) && rc == 0; i++)
		if ((rc = check_table(&c, tables[i], err)) == 0 && repair)
			rc = drop_all(&c, tables[i], err);
	if (rc == 0 && repair && c.n)
		rc = put_refs(&c, err);
	if (rc == 0)
		rc = check_counter(&c, repair, err);
	*problems = c.n;
	br_vec_release(&c.drop);
	br_vec_release(&c.numbers);
	return rc;
}
