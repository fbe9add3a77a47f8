/* store: records and cursors against a plain model, transactions, generations, growth of the map, threads. */
#include "store_fixture.h"

/* ---- records ---- */

static int records_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	char longest[512];
	struct br_slice v;
	struct br_buf big = BR_BUF_INIT(2 << 20);

	(void)arg;
	memset(longest, 'k', sizeof longest);
	OK(br_put(t, BR_T_DOC, str("k"), str("one"), err));
	OK(br_put(t, BR_T_DOC, str("k"), str("two"), err));
	assert_true(has(t, "k", "two"));
	OK(br_put(t, BR_T_PATH, str("k"), str("elsewhere"), err));
	assert_true(has(t, "k", "two"));
	OK(br_put(t, BR_T_DOC, br_slice("\0", 1), br_slice(NULL, 0), err));
	assert_int_equal(br_get(&v, t, BR_T_DOC, br_slice("\0", 1), err), 1);
	assert_int_equal(v.len, 0);
	OK(br_put(t, BR_T_DOC, br_slice(longest, 511), str("x"), err));
	FAILS(BUG, br_put(t, BR_T_DOC, br_slice(longest, 512), str("x"), &g_err));
	FAILS(BUG, br_put(t, BR_T_DOC, str(""), str("x"), &g_err));
	assert_non_null(strstr(g_err.msg, "'doc'"));

	br_buf_addz(&big, 1 << 20);
	big.ptr[(1 << 20) - 1] = 'e';
	OK(br_put(t, BR_T_DOC, str("big"), br_buf_slice(&big), err));
	br_buf_release(&big);
	OK(br_put_parts(t, BR_T_DOC, str("room"), (struct br_slice[]){ str("ab"), str(""), str("cde") }, 3, err));
	assert_true(has(t, "room", "abcde"));

	assert_int_equal(br_del(t, BR_T_DOC, str("nothing"), err), 0);
	assert_int_equal(br_del(t, BR_T_DOC, str("room"), err), 1);
	assert_int_equal(br_get(&v, t, BR_T_DOC, str("room"), err), 0);
	assert_int_equal(br_del(t, BR_T_DOC, str("room"), err), 0);

	OK(br_meta_put(t, "counter", UINT64_MAX - 1, err));
	OK(br_put(t, BR_T_META, str("odd"), str("four"), err));
	return 0;
}

static void records(void **state)
{
	struct fixture *f = *state;
	struct br_txn *t;
	struct br_slice v;
	uint64_t n;

	create(f);
	OK(br_store_write(f->s, records_fn, NULL, &g_err));
	close_store(f);
	OK(try_open(f, 0));
	OK(br_txn_read(&t, f->s, &g_err));
	OK(br_table_count(&n, t, BR_T_DOC, &g_err));
	assert_int_equal(n, 4);
	assert_int_equal(br_get(&v, t, BR_T_DOC, str("big"), &g_err), 1);
	assert_int_equal(v.len, 1 << 20);
	assert_int_equal(v.ptr[(1 << 20) - 1], 'e');
	OK(br_meta_get(&n, t, "counter", &g_err));
	assert_true(n == UINT64_MAX - 1);
	OK(br_meta_get(&n, t, "never", &g_err));
	assert_int_equal(n, 0);
	FAILS(CORRUPT, br_meta_get(&n, t, "odd", &g_err));
	br_txn_end(t);
	br_txn_end(NULL);
}

static int append_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	(void)arg;
	OK(br_append(t, BR_T_DOC, str("b"), str("1"), err));
	OK(br_append(t, BR_T_DOC, str("d"), str("2"), err));
	OK(br_append(t, BR_T_DOC, str("c"), str("3"), err)); /* sorts before the last */
	OK(br_append(t, BR_T_DOC, str("d"), str("4"), err)); /* is the last */
	OK(br_append(t, BR_T_DOC, str("a"), str("5"), err));
	OK(br_append(t, BR_T_DOC, str("e"), str("6"), err));
	return 0;
}

static void append_out_of_order(void **state)
{
	static const char *const want[][2] = { { "a", "5" }, { "b", "1" }, { "c", "3" }, { "d", "4" }, { "e", "6" } };
	struct fixture *f = *state;
	struct br_txn *t;
	struct br_cur c;

	create(f);
	OK(br_store_write(f->s, append_fn, NULL, &g_err));
	OK(br_txn_read(&t, f->s, &g_err));
	OK(br_cur_open(&c, t, BR_T_DOC, &g_err));
	for (size_t i = 0; i < BR_COUNT(want); i++) {
		assert_int_equal(br_cur_next(&c, &g_err), 1);
		assert_true(br_slice_eq(c.key, str(want[i][0])) && br_slice_eq(c.val, str(want[i][1])));
	}
	assert_int_equal(br_cur_next(&c, &g_err), 0);
	br_cur_close(&c);
	br_txn_end(t);
}

/* ---- cursors and range deletion against a sorted array ---- */

#define MODEL_KEYS 3000
struct model {
	struct { char k[12]; size_t n; bool there; } key[MODEL_KEYS]; /* in byte order, distinct */
	size_t n;
	uint32_t x;
};

static uint32_t rnd(struct model *m, uint32_t below)
{
	return (m->x = m->x * 1664525 + 1013904223) / 8192 % below;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Keys of 1 to 6 letters out of three: dense in common prefixes. */
static void model_init(struct model *m)
{
	size_t n = 0;

	m->x = 12345;
	for (size_t i = 0; i < MODEL_KEYS; i++)
		for (size_t k = 0, len = 1 + rnd(m, 7); k < len; k++)
			m->key[i].k[k] = (char)('a' + rnd(m, 3));
	qsort(m->key, MODEL_KEYS, sizeof m->key[0], by_bytes);
	for (size_t i = 0; i < MODEL_KEYS; i++)
		if (n == 0 || strcmp(m->key[n - 1].k, m->key[i].k) != 0)
			m->key[n++] = m->key[i];
	m->n = n;
	for (size_t i = 0; i < n; i++)
		m->key[i].n = strlen(m->key[i].k);
}

static struct br_slice model_key(const struct model *m, size_t i)
{
	return br_slice(m->key[i].k, m->key[i].n);
}

static void expect_at(struct br_cur *c, int rc, const struct model *m, size_t i)
{
	if (i >= m->n) {
		assert_int_equal(rc, 0);
		return;
	}
	assert_int_equal(rc, 1);
	assert_true(br_slice_eq(c->key, model_key(m, i)));
	assert_true(c->val.len >= c->key.len && memcmp(c->val.ptr, c->key.ptr, c->key.len) == 0);
}

static size_t model_next(const struct model *m, size_t i)
{
	for (; i < m->n && !m->key[i].there; i++)
		;
	return i;
}

static size_t model_prev(const struct model *m, size_t i) /* last there at or before i; i and the result: m->n for none */
{
	for (i = i < m->n ? i + 1 : 0; i-- > 0;)
		if (m->key[i].there)
			return i;
	return m->n;
}

static void check_cursors(struct model *m, struct br_txn *t)
{
	struct br_cur c;
	uint64_t count, want = 0;

	OK(br_cur_open(&c, t, BR_T_DOC, &g_err));
	expect_at(&c, br_cur_next(&c, &g_err), m, model_next(m, 0));
	br_cur_close(&c);
	OK(br_cur_open(&c, t, BR_T_DOC, &g_err));
	expect_at(&c, br_cur_prev(&c, &g_err), m, model_prev(m, m->n - 1));
	for (size_t i = 0; i < m->n; i++) {
		size_t at = model_next(m, i);
		want += m->key[i].there;
		expect_at(&c, br_cur_seek(&c, model_key(m, i), &g_err), m, at);
		if (at < m->n) {
			expect_at(&c, br_cur_prev(&c, &g_err), m, at ? model_prev(m, at - 1) : m->n);
			expect_at(&c, br_cur_seek(&c, model_key(m, i), &g_err), m, at);
		}
		expect_at(&c, br_cur_next(&c, &g_err), m, at < m->n ? model_next(m, at + 1) : m->n);
		expect_at(&c, br_cur_last_le(&c, model_key(m, i), &g_err), m, model_prev(m, i));
	}
	expect_at(&c, br_cur_seek(&c, str("zz"), &g_err), m, m->n);
	assert_int_equal(br_cur_next(&c, &g_err), 0);
	assert_int_equal(br_cur_prev(&c, &g_err), 0);
	expect_at(&c, br_cur_last_le(&c, str("zz"), &g_err), m, model_prev(m, m->n - 1));
	expect_at(&c, br_cur_last_le(&c, str("A"), &g_err), m, m->n);
	expect_at(&c, br_cur_seek(&c, str(""), &g_err), m, model_next(m, 0));
	br_cur_close(&c);
	br_cur_close(&c);
	OK(br_table_count(&count, t, BR_T_DOC, &g_err));
	assert_int_equal(count, want);
}

static int model_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	struct model *m = arg;
	char val[700];

	for (int i = 0; i < 1200; i++) {
		size_t at = rnd(m, (uint32_t)m->n);
		size_t len = m->key[at].n + rnd(m, 600);
		memset(val, 'v', sizeof val);
		memcpy(val, m->key[at].k, m->key[at].n);
		OK(br_put(t, BR_T_DOC, model_key(m, at), br_slice(val, len), err));
		m->key[at].there = true;
		at = rnd(m, (uint32_t)m->n);
		if (rnd(m, 3) == 0) {
			assert_int_equal(br_del(t, BR_T_DOC, model_key(m, at), err), m->key[at].there);
			m->key[at].there = false;
		}
		if (rnd(m, 100) == 0) {
			struct br_slice prefix = br_slice(m->key[at].k, BR_MIN(m->key[at].n, 1 + rnd(m, 4)));
			OK(br_del_prefix(t, BR_T_DOC, prefix, err));
			for (size_t k = 0; k < m->n; k++)
				if (br_has_prefix(model_key(m, k), prefix))
					m->key[k].there = false;
		}
	}
	check_cursors(m, t);
	return 0;
}

static void cursors_against_model(void **state)
{
	struct fixture *f = *state;
	struct model *m = br_alloc(sizeof *m);
	struct br_txn *t;

	model_init(m);
	assert_true(m->n > 500);
	create(f);
	OK(br_txn_read(&t, f->s, &g_err));
	check_cursors(m, t); /* an empty table */
	br_txn_end(t);
	for (int round = 0; round < 12; round++) {
		OK(br_store_write(f->s, model_fn, m, &g_err));
		OK(br_store_check(f->s, &g_err));
		OK(br_txn_read(&t, f->s, &g_err));
		check_cursors(m, t);
		br_txn_end(t);
	}
	free(m);
}

static int wipe_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	(void)arg;
	return br_del_prefix(t, BR_T_TEXT, br_slice(NULL, 0), err);
}

static void delete_all_of_a_table(void **state)
{
	struct fixture *f = *state;
	struct fill w = { .n = 500, .bytes = 100 };
	struct br_txn *t;
	uint64_t n;

	create(f);
	put(f, "a", "1");
	OK(br_store_write(f->s, fill_fn, &w, &g_err));
	OK(br_store_write(f->s, wipe_fn, NULL, &g_err));
	OK(br_txn_read(&t, f->s, &g_err));
	OK(br_table_count(&n, t, BR_T_TEXT, &g_err));
	assert_int_equal(n, 0);
	assert_true(has(t, "a", "1"));
	br_txn_end(t);
	OK(br_store_write(f->s, fill_fn, &w, &g_err));
	assert_true(filled(f->s, 500, 100));
}

/* ---- transactions ---- */

static int seen_generation(struct br_txn *t, void *arg, struct br_err *err)
{
	(void)err;
	*(uint64_t *)arg = br_txn_generation(t);
	return 0;
}

static int fail_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	OK(br_put(t, BR_T_DOC, str("a"), str("undone"), err));
	return *(int *)arg;
}

static void generations(void **state)
{
	struct fixture *f = *state;
	uint64_t inside = 0;
	int four = 4;

	create(f);
	put(f, "a", "1");
	assert_int_equal(generation(f->s), 1);
	OK(br_store_write(f->s, seen_generation, &inside, &g_err));
	assert_int_equal(inside, 2);
	assert_int_equal(generation(f->s), 2);
	assert_int_equal(br_store_write(f->s, fail_fn, &four, &g_err), 4);
	assert_int_equal(generation(f->s), 2);
	assert_true(store_has(f->s, "a", "1"));
	close_store(f);
	OK(try_open(f, 0));
	assert_int_equal(generation(f->s), 2);
	assert_true(store_has(f->s, "a", "1"));
}

static int damage_generation(struct br_txn *t, void *arg, struct br_err *err)
{
	(void)arg;
	OK(br_put(t, BR_T_META, str("generation"), str("xxx"), err));
	return 0;
}

static void damaged_generation(void **state)
{
	struct fixture *f = *state;
	struct br_txn *t;

	create(f);
	OK(br_store_write(f->s, damage_generation, NULL, &g_err)); /* raised behind it: still whole */
	assert_int_equal(generation(f->s), 1);
	OK(br_txn_read(&t, f->s, &g_err));
	br_txn_end(t);
}

static int nested_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	struct fixture *f = arg;
	struct br_txn *second;
	uint64_t g;

	(void)t, (void)err;
	FAILS(BUG, br_txn_read(&second, f->s, &g_err));
	assert_null(second);
	FAILS(BUG, br_store_write(f->s, seen_generation, &g, &g_err));
	return 0;
}

static void one_transaction_per_thread(void **state)
{
	struct fixture *f = *state;
	struct br_txn *t, *second;
	uint64_t g;

	create(f);
	OK(br_txn_read(&t, f->s, &g_err));
	FAILS(BUG, br_txn_read(&second, f->s, &g_err));
	FAILS(BUG, br_store_write(f->s, seen_generation, &g, &g_err));
	br_txn_end(t);
	OK(br_store_write(f->s, nested_fn, f, &g_err));
	OK(br_txn_read(&t, f->s, &g_err));
	br_txn_end(t);
}

/* ---- threads: a reader that begins, tells, waits for a word, looks, ends ---- */

struct reader {
	struct br_store *s;
	int go[2], ready[2];
	atomic_bool done;
	bool saw_old;
};

static void *reader_main(void *arg)
{
	struct reader *r = arg;
	struct br_txn *t;

	if (br_txn_read(&t, r->s, NULL) < 0)
		abort();
	tell(r->ready[1]);
	hear(r->go[0]);
	r->saw_old = has(t, "a", "old") && br_txn_generation(t) == 1;
	atomic_store(&r->done, true);
	br_txn_end(t);
	return NULL;
}

static pthread_t reader_start(struct reader *r, struct br_store *s)
{
	pthread_t th;

	*r = (struct reader){ .s = s };
	assert_int_equal(pipe(r->go) | pipe(r->ready), 0);
	assert_int_equal(pthread_create(&th, NULL, reader_main, r), 0);
	hear(r->ready[0]);
	return th;
}

static void reader_join(struct reader *r, pthread_t th)
{
	pthread_join(th, NULL);
	for (int i = 0; i < 2; i++) {
		close(r->go[i]);
		close(r->ready[i]);
	}
}

static void readers_see_their_snapshot(void **state)
{
	struct fixture *f = *state;
	struct reader r;
	pthread_t th;

	create(f);
	put(f, "a", "old");
	th = reader_start(&r, f->s);
	for (int i = 0; i < 5; i++)
		put(f, "a", "new");
	assert_true(store_has(f->s, "a", "new"));
	tell(r.go[1]);
	reader_join(&r, th);
	assert_true(r.saw_old);
}

static void growth_replays(void **state)
{
	struct fixture *f = *state;
	struct fill w = { .n = 2000, .bytes = 4000 };

	setenv("BR_STORE_MAP", "100000", 1);
	create(f);
	put(f, "a", "1");
	OK(br_store_write(f->s, fill_fn, &w, &g_err));
	assert_true(w.calls >= 3); /* 8 MB, doubling from 0.1 MB */
	assert_true(w.calls <= 12);
	assert_int_equal(generation(f->s), 2);
	assert_true(filled(f->s, 2000, 4000));
	w = (struct fill){ .n = 10, .bytes = 10 };
	OK(br_store_write(f->s, fill_fn, &w, &g_err));
	assert_int_equal(w.calls, 1);
	close_store(f);
	OK(try_open(f, 0));
	assert_true(store_has(f->s, "a", "1"));
}

static void map_size_settings(void **state)
{
	struct fixture *f = *state;
	struct fill w = { .n = 100, .bytes = 5000 };

	setenv("BR_STORE_MAP", "4000000000000000000", 1); /* more than there is: halved until it fits */
	OK(try_open(f, BR_STORE_CREATE));
	OK(br_store_write(f->s, fill_fn, &w, &g_err));
	assert_true(filled(f->s, 100, 5000));
	close_store(f);
	setenv("BR_STORE_MAP", "1", 1); /* less than the file */
	OK(try_open(f, 0));
	assert_true(filled(f->s, 100, 5000));
	close_store(f);

	setenv("BR_STORE_MAP", "much", 1);
	FAILS(USAGE, try_open(f, BR_STORE_CREATE));
}

struct slow_growth { struct fill fill; struct reader *r; bool reader_had_ended; };

/* The first call outgrows the map while a reader is in it; the second may only come once that one has ended. */
static int slow_growth_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	struct slow_growth *g = arg;
	int rc = fill_fn(t, &g->fill, err);

	if (g->fill.calls == 1)
		tell(g->r->go[1]);
	else
		g->reader_had_ended = atomic_load(&g->r->done);
	return rc;
}

static void growth_waits_for_readers(void **state)
{
	struct fixture *f = *state;
	struct reader r;
	struct slow_growth g = { .fill = { .n = 1000, .bytes = 4000 }, .r = &r };
	pthread_t th;

	setenv("BR_STORE_MAP", "200000", 1);
	create(f);
	put(f, "a", "old");
	th = reader_start(&r, f->s);
	OK(br_store_write(f->s, slow_growth_fn, &g, &g_err));
	reader_join(&r, th);
	assert_true(g.fill.calls >= 2);
	assert_true(g.reader_had_ended);
	assert_true(r.saw_old);
	assert_true(filled(f->s, 1000, 4000));
}

struct crowd { struct br_store *s; atomic_bool stop; atomic_int torn, failed, reads; };

static void *crowd_main(void *arg)
{
	struct crowd *c = arg;

	while (!atomic_load(&c->stop)) {
		struct br_txn *t;
		struct br_slice x, y;
		if (br_txn_read(&t, c->s, NULL) < 0) {
			atomic_fetch_add(&c->failed, 1);
			break;
		}
		int a = br_get(&x, t, BR_T_DOC, str("x"), NULL), b = br_get(&y, t, BR_T_DOC, str("y"), NULL);
		if (a != b || (a == 1 && !br_slice_eq(x, y)))
			atomic_fetch_add(&c->torn, 1);
		br_txn_end(t);
		atomic_fetch_add(&c->reads, 1);
	}
	return NULL;
}

static int pair_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	char b[4000], key[4];
	int rc;

	memset(b, *(int *)arg, sizeof b);
	br_be32(key, (uint32_t)*(int *)arg);
	if ((rc = br_put(t, BR_T_DOC, str("x"), br_slice(b, sizeof b), err)) < 0 ||
	    (rc = br_put(t, BR_T_TEXT, br_slice(key, 4), br_slice(b, sizeof b), err)) < 0)
		return rc;
	return br_put(t, BR_T_DOC, str("y"), br_slice(b, sizeof b), err);
}

static void many_readers_while_growing(void **state)
{
	struct fixture *f = *state;
	struct crowd c = { 0 };
	pthread_t th[4];

	setenv("BR_STORE_MAP", "100000", 1);
	create(f);
	c.s = f->s;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&th[i], NULL, crowd_main, &c), 0);
	for (int i = 0; i < 150; i++)
		OK(br_store_write(f->s, pair_fn, &i, &g_err));
	atomic_store(&c.stop, true);
	for (int i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
	assert_int_equal(c.torn, 0);
	assert_int_equal(c.failed, 0);
	assert_true(br_store_bytes(f->s) > 600000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(records), T(append_out_of_order), T(cursors_against_model), T(delete_all_of_a_table), T(generations),
		T(damaged_generation), T(one_transaction_per_thread), T(readers_see_their_snapshot), T(growth_replays),
		T(map_size_settings), T(growth_waits_for_readers), T(many_readers_while_growing),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
