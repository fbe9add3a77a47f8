/* Care for the tables of webhooks: records decode, deliveries belong to a webhook, numbers are not given twice. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

struct check {
	struct br_txn *t;
	br_problem_fn *fn;
	void *arg;
	uint64_t n;
	BR_VEC(struct br_key) drop;
	BR_VEC(uint32_t) hooks;      /* that are whole, ascending */
	uint64_t next_delivery;      /* one more than the highest number */
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

static bool is_hook(const struct check *c, uint32_t number)
{
	for (size_t i = 0; i < c->hooks.n; i++)
		if (c->hooks.v[i] == number)
			return true;
	return false;
}

/* why NULL: the record can be read. */
static void check_record(struct check *c, enum br_table table, const struct br_cur *cur, const struct br_err *why)
{
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	struct br_delivery d;
	struct br_hook h;
	struct br_key *k;

	if (table == BR_T_HOOK && !why && cur->key.len == 4 && hook_decode(&h, &a, br_rd_be32(cur->key.ptr), cur->val, &err) == 0) {
		*br_vec_push(&c->hooks) = h.number;
	} else if (table == BR_T_DELIVERY && !why && delivery_decode(&d, &a, cur->key, cur->val, &err) == 0 && is_hook(c, d.hook)) {
		c->next_delivery = BR_MAX(c->next_delivery, d.number + 1);
	} else {
		problem(c, "table '%s': %s", br_table_name(c->t, table), why ? why->msg : err.msg[0] ? err.msg : "a record that belongs to nothing");
		if (err.code == BR_EVERSION && table == BR_T_HOOK && cur->key.len == 4) {
			*br_vec_push(&c->hooks) = br_rd_be32(cur->key.ptr); /* and so its deliveries stay */
		} else if (err.code != BR_EVERSION) {
			k = br_vec_push(&c->drop);
			k->n = 0;
			br_key_bytes(k, cur->key.ptr, cur->key.len);
		}
	}
	br_arena_release(&a);
}

static int check_table(struct check *c, enum br_table table, bool repair, struct br_err *err)
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
	if (rc < 0)
		return br_fail(err, why.code, "%s", why.msg);
	for (size_t i = 0; repair && i < c->drop.n && rc >= 0; i++)
		rc = br_del(c->t, table, br_key_slice(&c->drop.v[i]), err);
	return BR_MIN(rc, 0);
}

static int check_counter(struct check *c, const char *name, uint64_t least, bool repair, struct br_err *err)
{
	uint64_t next;

	if (br_meta_get(&next, c->t, name, NULL) == 0 && next >= least)
		return 0;
	problem(c, "the number '%s' is damaged", name);
	return repair ? br_meta_put(c->t, name, least, err) : 0;
}

int br_hook_verify(uint64_t *problems, struct br_txn *t, bool repair, br_problem_fn *fn, void *arg, struct br_err *err)
{
	struct check c = { .t = t, .fn = fn, .arg = arg };
	int rc;

	if ((rc = check_table(&c, BR_T_HOOK, repair, err)) == 0 && (rc = check_table(&c, BR_T_DELIVERY, repair, err)) == 0 &&
	    (rc = check_counter(&c, "next_hook", c.hooks.n ? c.hooks.v[c.hooks.n - 1] : 0, repair, err)) == 0)
		rc = check_counter(&c, "next_delivery", c.next_delivery, repair, err);
	*problems = c.n;
	br_vec_release(&c.drop);
	br_vec_release(&c.hooks);
	return rc;
}
