/*
 * What keys are used for: collected in memory, since a commit for each request would cost more than the request, and added to the
 * records of the day when flushed. A crash loses what was collected since, never more.
 */
#include "internal.h"

#include <pthread.h>
#include <stdlib.h>

struct use {
	uint32_t key, day;
	struct use_rec rec;
};
typedef BR_VEC(struct use) uses; /* by key, then day */

struct br_meter {
	struct br_store *store;
	pthread_mutex_t mu;      /* guards now */
	uses now;
	pthread_mutex_t flush;   /* one flush at a time */
};

static void uses_release(uses *u)
{
	for (size_t i = 0; i < u->n; i++)
		use_release(&u->v[i].rec);
	br_vec_release(u);
}

static struct use_rec *rec_of(uses *u, uint32_t key, uint32_t day)
{
	uint64_t want = (uint64_t)key << 32 | day;
	size_t lo = 0, hi = u->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (((uint64_t)u->v[mid].key << 32 | u->v[mid].day) < want)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == u->n || u->v[lo].key != key || u->v[lo].day != day) {
		br_vec_reserve(u, 1);
		memmove(u->v + lo + 1, u->v + lo, (u->n - lo) * sizeof *u->v);
		u->n++;
		u->v[lo] = (struct use){ .key = key, .day = day };
	}
	return &u->v[lo].rec;
}

struct br_meter *br_meter_new(struct br_store *s)
{
	struct br_meter *m = br_alloc(sizeof *m);

	m->store = s;
	pthread_mutex_init(&m->mu, NULL);
	pthread_mutex_init(&m->flush, NULL);
	return m;
}

void br_meter_free(struct br_meter *m)
{
	if (!m)
		return;
	uses_release(&m->now);
	pthread_mutex_destroy(&m->mu);
	pthread_mutex_destroy(&m->flush);
	free(m);
}

void br_meter_add(struct br_meter *m, uint32_t key, const struct br_key_use *use, int64_t now)
{
	struct use_rec *r;

	pthread_mutex_lock(&m->mu);
	r = rec_of(&m->now, key, day_of(now));
	r->requests += use->requests;
	r->errors += use->errors;
	r->tokens += use->tokens;
	r->last = BR_MAX(r->last, now);
	if (use->from)
		use_add_address(r, br_hash64(use->from->b, sizeof use->from->b));
	pthread_mutex_unlock(&m->mu);
}

/* ---- writing ---- */

/* Of a key that was deleted meanwhile nothing is written. */
static int has_key(struct br_txn *t, uint32_t key, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;

	apikey_key(&k, key);
	return br_get(&val, t, BR_T_KEY, br_key_slice(&k), err);
}

static int write_one(struct br_txn *t, const struct use *u, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(64 << 10);
	struct use_rec sum = { 0 };
	struct br_slice val;
	struct br_key k;
	int rc;

	use_key(&k, u->key, u->day);
	if ((rc = has_key(t, u->key, err)) <= 0 || (rc = br_get(&val, t, BR_T_KEYUSE, br_key_slice(&k), err)) < 0)
		return rc;
	if (rc > 0 && (rc = use_decode(&sum, u->key, u->day, val, err)) < 0)
		return rc;
	use_merge(&sum, &u->rec);
	use_encode(&b, &sum);
	if ((rc = br_buf_check(&b, "use record", err)) == 0)
		rc = br_put(t, BR_T_KEYUSE, br_key_slice(&k), br_buf_slice(&b), err);
	use_release(&sum);
	br_buf_release(&b);
	return rc;
}

static int write_all(struct br_txn *t, void *arg, struct br_err *err)
{
	const uses *u = arg;
	int rc = 0;

	for (size_t i = 0; i < u->n && rc >= 0; i++)
		rc = write_one(t, &u->v[i], err);
	return BR_MIN(rc, 0);
}

static void give_back(struct br_meter *m, const uses *from)
{
	pthread_mutex_lock(&m->mu);
	for (size_t i = 0; i < from->n; i++)
		use_merge(rec_of(&m->now, from->v[i].key, from->v[i].day), &from->v[i].rec);
	pthread_mutex_unlock(&m->mu);
}

int br_meter_flush(struct br_meter *m, struct br_err *err)
{
	uses mine;
	int rc = 0;

	pthread_mutex_lock(&m->flush);
	pthread_mutex_lock(&m->mu);
	mine = m->now;
	memset(&m->now, 0, sizeof m->now);
	pthread_mutex_unlock(&m->mu);
	if (mine.n && (rc = br_store_write(m->store, write_all, &mine, err)) < 0)
		give_back(m, &mine);
	uses_release(&mine);
	pthread_mutex_unlock(&m->flush);
	return rc;
}

/* ---- reading ---- */

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t different(uint64_t *v, size_t n)
{
	uint64_t count = 0;

	if (n)
		qsort(v, n, sizeof *v, by_value);
	for (size_t i = 0; i < n; i++)
		count += !i || v[i] != v[i - 1];
	return count;
}

struct sum { struct br_key_usage *out; BR_VEC(uint64_t) addresses; br_key_usage_fn *fn; void *arg; };

static int add_day(struct sum *s, uint32_t day, const struct use_rec *u)
{
	struct br_key_usage one = { day, u->requests, u->errors, u->tokens, u->addresses.n, u->more, u->last };

	s->out->requests += u->requests;
	s->out->errors += u->errors;
	s->out->tokens += u->tokens;
	s->out->last = BR_MAX(s->out->last, u->last);
	s->out->more_addresses |= u->more;
	br_vec_reserve(&s->addresses, u->addresses.n);
	if (u->addresses.n)
		memcpy(s->addresses.v + s->addresses.n, u->addresses.v, u->addresses.n * sizeof *u->addresses.v);
	s->addresses.n += u->addresses.n;
	return s->fn ? s->fn(&one, s->arg) : 0;
}

static int each_day(struct sum *s, struct br_cur *cur, uint32_t key, uint32_t from, uint32_t to, struct br_err *err)
{
	struct use_rec u;
	struct br_key k;
	int rc, stop = 0;

	use_key(&k, key, from);
	for (rc = br_cur_seek(cur, br_key_slice(&k), err); rc > 0 && !stop; rc = br_cur_next(cur, err)) {
		uint32_t day;
		if (cur->key.len != 8)
			return br_fail(err, BR_ECORRUPT, "table 'keyuse': damaged key");
		if ((day = br_rd_be32(cur->key.ptr + 4)) > to)
			break;
		if ((rc = use_decode(&u, key, day, cur->val, err)) < 0)
			return rc;
		stop = add_day(s, day, &u);
		use_release(&u);
	}
	return rc < 0 ? rc : stop;
}

int br_key_usage(struct br_key_usage *out, struct br_txn *t, uint32_t key, uint32_t from, uint32_t to, br_key_usage_fn *fn,
                 void *arg, struct br_err *err)
{
	struct sum s = { .out = out, .fn = fn, .arg = arg };
	struct br_key prefix;
	struct br_cur cur;
	int rc;

	*out = (struct br_key_usage){ .day = from };
	apikey_key(&prefix, key);
	if ((rc = br_cur_open(&cur, t, BR_T_KEYUSE, err)) < 0)
		return rc;
	cur.within = br_key_slice(&prefix);
	rc = each_day(&s, &cur, key, from, to, err);
	br_cur_close(&cur);
	out->addresses = different(s.addresses.v, s.addresses.n);
	br_vec_release(&s.addresses);
	return rc;
}

int br_key_last_use(int64_t *out, struct br_txn *t, uint32_t key, struct br_err *err)
{
	struct br_key prefix, last;
	struct use_rec u;
	struct br_cur cur;
	int rc;

	*out = 0;
	apikey_key(&prefix, key);
	use_key(&last, key, UINT32_MAX);
	if ((rc = br_cur_open(&cur, t, BR_T_KEYUSE, err)) < 0)
		return rc;
	cur.within = br_key_slice(&prefix);
	if ((rc = br_cur_last_le(&cur, br_key_slice(&last), err)) > 0) {
		if ((rc = use_decode(&u, key, 0, cur.val, err)) == 0) {
			*out = u.last;
			use_release(&u);
		}
	}
	br_cur_close(&cur);
	return rc;
}

int br_key_spent(uint64_t *day, uint64_t *month, struct br_txn *t, uint32_t key, int64_t now, struct br_err *err)
{
	int64_t next, first = now;
	uint32_t this = month_of(now, &next);
	struct br_key_usage u;
	int rc;

	while (day_of(first) && month_of(first - DAY_SECONDS, &next) == this)
		first -= DAY_SECONDS;
	*day = *month = 0;
	if ((rc = br_key_usage(&u, t, key, day_of(now), day_of(now), NULL, NULL, err)) < 0)
		return rc;
	*day = u.tokens;
	if ((rc = br_key_usage(&u, t, key, day_of(first), day_of(now), NULL, NULL, err)) < 0)
		return rc;
	*month = u.tokens;
	return 0;
}
