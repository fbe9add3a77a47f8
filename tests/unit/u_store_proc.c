/* store: several processes. The lock, killed writers and readers, growth that others follow, a full disk. */
#include "store_fixture.h"

/* ---- lock, kill, growth ---- */

struct hold { int say, go; };

static int hold_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	struct hold *h = arg;
	struct fill w = { .n = 300, .bytes = 5000 };

	if (br_put(t, BR_T_DOC, str("a"), str("child"), err) < 0 || fill_fn(t, &w, err) < 0)
		return -1;
	tell(h->say);
	hear(h->go);
	return 0;
}

static int writer_child(struct fixture *f, int say, int go)
{
	struct hold h = { say, go };

	return try_open(f, 0) < 0 || br_store_write(f->s, hold_fn, &h, &g_err) < 0;
}

static void lock_names_holder(void **state)
{
	struct fixture *f = *state;
	struct br_store_opts o = { .wait_ms = 20 };
	struct put p = { BR_T_DOC, "b", "parent" };
	struct child c;
	char pid[24];

	create(f);
	put(f, "a", "1");
	close_store(f);
	c = spawn(f, writer_child);
	hear(c.say);
	snprintf(pid, sizeof pid, "%ld", (long)c.pid);

	OK(try_open(f, 0)); /* does not wait at all */
	FAILS(LOCKED, br_store_write(f->s, put_fn, &p, &g_err));
	assert_non_null(strstr(g_err.msg, pid));
	assert_true(store_has(f->s, "a", "1")); /* readers never block */
	close_store(f);
	OK(br_store_open(&f->s, f->dir, &o, &g_err)); /* waits, then gives up */
	FAILS(LOCKED, br_store_write(f->s, put_fn, &p, &g_err));
	assert_non_null(strstr(g_err.msg, pid));

	tell(c.go);
	EXITS(0, &c);
	OK(br_store_write(f->s, put_fn, &p, &g_err));
	assert_true(store_has(f->s, "a", "child"));
	assert_true(store_has(f->s, "b", "parent"));
	assert_int_equal(generation(f->s), 3);
}

static void killed_writer(void **state)
{
	struct fixture *f = *state;
	struct child c;

	create(f);
	put(f, "a", "1");
	close_store(f);
	for (int i = 0; i < 5; i++) {
		c = spawn(f, writer_child);
		hear(c.say);
		kill_child(&c);
		OK(try_open(f, 0));
		OK(br_store_check(f->s, &g_err));
		assert_int_equal(generation(f->s), 1 + i);
		assert_true(store_has(f->s, "a", "1"));
		put(f, "b", "2");
		close_store(f);
	}
}

static int growing_child(struct fixture *f, int say, int go)
{
	struct fill w = { .n = 500, .bytes = 5000 };

	(void)go;
	if (try_open(f, 0) < 0 || br_store_write(f->s, fill_fn, &w, &g_err) < 0)
		return 1;
	close_store(f);
	tell(say);
	return 0;
}

static int following_child(struct fixture *f, int say, int go)
{
	struct put p = { BR_T_DOC, "b", "2" };

	if (try_open(f, 0) < 0 || !store_has(f->s, "a", "1"))
		return 1;
	tell(say);
	hear(go);
	if (!filled(f->s, 500, 5000)) /* meets the grown file at a renewed read */
		return 2;
	tell(say);
	hear(go);
	return br_store_write(f->s, put_fn, &p, &g_err) < 0 ? 3 : 0;
}

static int following_writer_child(struct fixture *f, int say, int go)
{
	struct put p = { BR_T_DOC, "c", "3" };

	if (try_open(f, 0) < 0)
		return 1;
	tell(say);
	hear(go);
	return br_store_write(f->s, put_fn, &p, &g_err) < 0 ? 2 : 0;
}

static void others_follow_growth(void **state)
{
	struct fixture *f = *state;
	struct child grower, reader, writer;

	setenv("BR_STORE_MAP", "200000", 1);
	create(f);
	put(f, "a", "1");
	close_store(f);
	reader = spawn(f, following_child);
	writer = spawn(f, following_writer_child);
	hear(reader.say);
	hear(writer.say);
	grower = spawn(f, growing_child);
	hear(grower.say);
	EXITS(0, &grower);
	tell(reader.go);
	hear(reader.say);
	tell(writer.go);
	EXITS(0, &writer);
	tell(reader.go);
	EXITS(0, &reader);
	OK(try_open(f, 0));
	assert_true(store_has(f->s, "b", "2") && store_has(f->s, "c", "3"));
}

static int creating_child(struct fixture *f, int say, int go)
{
	struct br_store_opts o = { .flags = BR_STORE_CREATE, .wait_ms = -1 };
	struct put p = { BR_T_DOC, "b", "2" };
	char key[24];

	snprintf(key, sizeof key, "%ld", (long)getpid());
	p.key = key;
	tell(say);
	hear(go);
	if (br_store_open(&f->s, f->dir, &o, &g_err) < 0)
		return 1;
	return br_store_write(f->s, put_fn, &p, &g_err) < 0 ? 2 : 0;
}

static void creation_race(void **state)
{
	struct fixture *f = *state;
	struct child c[6];
	char key[24];

	for (size_t i = 0; i < BR_COUNT(c); i++)
		c[i] = spawn(f, creating_child);
	for (size_t i = 0; i < BR_COUNT(c); i++)
		hear(c[i].say);
	for (size_t i = 0; i < BR_COUNT(c); i++)
		tell(c[i].go);
	for (size_t i = 0; i < BR_COUNT(c); i++)
		EXITS(0, &c[i]);
	OK(try_open(f, 0));
	assert_int_equal(generation(f->s), 6); /* one file: nobody's commit was lost under a second creation */
	for (size_t i = 0; i < BR_COUNT(c); i++) {
		snprintf(key, sizeof key, "%ld", (long)c[i].pid);
		assert_true(store_has(f->s, key, "2"));
	}
}

static int churning_child(struct fixture *f, int say, int go)
{
	uint32_t x = 99;

	(void)go;
	if (try_open(f, 0) < 0)
		return 1;
	for (int i = 0; i < 400; i++)
		if (br_store_write(f->s, churn_fn, &x, &g_err) < 0)
			return 2;
	tell(say);
	return 0;
}

static void check_beside_a_writer(void **state)
{
	struct fixture *f = *state;
	struct child c;
	uint64_t g;

	create(f);
	close_store(f);
	c = spawn(f, churning_child);
	do { /* opening checks the file too */
		OK(try_open(f, 0));
		OK(br_store_check(f->s, &g_err));
		g = generation(f->s);
		close_store(f);
	} while (g < 400);
	hear(c.say);
	EXITS(0, &c);
}

/* ---- a full disk ---- */

static int full_disk_child(struct fixture *f, int say, int go)
{
	struct fill w = { .n = 1000, .bytes = 5000 };
	struct rlimit lim = { 0, RLIM_INFINITY };
	struct put p = { BR_T_DOC, "b", "2" };

	(void)say, (void)go;
	if (try_open(f, 0) < 0)
		return 1;
	for (int i = 0; i < 3; i++) {
		/* first a write that begins at the limit (that would be SIGXFSZ), then ones that are cut short */
		lim.rlim_cur = i ? 500001 : (rlim_t)size_of(f->data);
		if (setrlimit(RLIMIT_FSIZE, &lim) < 0)
			return 1;
		if (br_store_write(f->s, fill_fn, &w, &g_err) != -BR_EFULL || g_err.code != BR_EFULL)
			return 2;
		if (!strstr(g_err.msg, "disk full") || !store_has(f->s, "a", "1"))
			return 3;
	}
	return br_store_write(f->s, put_fn, &p, &g_err) < 0 ? 4 : 0; /* what still fits goes on */
}

static void full_disk(void **state)
{
	struct fixture *f = *state;
	struct fill w = { .n = 1000, .bytes = 5000 };
	struct child c;

	create(f);
	put(f, "a", "1");
	close_store(f);
	c = spawn(f, full_disk_child);
	EXITS(0, &c);
	assert_true(size_of(f->data) % 4096 != 0); /* a cut page at the end, of no commit */
	OK(try_open(f, 0));
	assert_int_equal(generation(f->s), 2);
	assert_true(store_has(f->s, "a", "1") && store_has(f->s, "b", "2"));
	OK(br_store_write(f->s, fill_fn, &w, &g_err));
	assert_true(filled(f->s, 1000, 5000));
}

/* ---- reader slots ---- */

struct slots { struct br_store *s; int say, go; };

static void *slot_main(void *arg)
{
	struct slots *h = arg;
	struct br_txn *t;

	if (br_txn_read(&t, h->s, NULL) == 0)
		tell(h->say);
	hear(h->go);
	return NULL;
}

/* Opens, says so, and at a word takes n slots, saying so for each. */
static int read_child(struct fixture *f, int n, int say, int go)
{
	struct slots h = { .say = say, .go = go };
	pthread_attr_t attr;
	pthread_t th;

	if (try_open(f, 0) < 0)
		return 1;
	tell(say);
	hear(go);
	h.s = f->s;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	for (int i = 0; i < n; i++)
		if (pthread_create(&th, &attr, slot_main, &h))
			return 2;
	pause();
	return 0;
}

static int one_slot_child(struct fixture *f, int say, int go) { return read_child(f, 1, say, go); }
static int half_the_slots_child(struct fixture *f, int say, int go) { return read_child(f, 256, say, go); }

/* A second process keeps the store open all the time: the first to open one sweeps all slots anyway. */
static void dead_reader_frees_pages(void **state)
{
	struct fixture *f = *state;
	struct fill w = { .n = 1, .bytes = 100000 };
	struct child c, idle;
	off_t before;

	create(f);
	OK(br_store_write(f->s, fill_fn, &w, &g_err));
	close_store(f);
	idle = spawn(f, one_slot_child);
	hear(idle.say);
	c = spawn(f, one_slot_child);
	hear(c.say);
	tell(c.go);
	hear(c.say);
	kill_child(&c);
	OK(try_open(f, 0));
	before = size_of(f->data);
	for (int i = 0; i < 40; i++)
		OK(br_store_write(f->s, fill_fn, &w, &g_err));
	assert_true(size_of(f->data) < before + 500000); /* 4 MB when the slot of the dead reader is honoured */
	kill_child(&idle);
}

static void reader_slots_run_out(void **state)
{
	struct fixture *f = *state;
	struct child c[2], idle;
	struct br_txn *t;

	create(f);
	put(f, "a", "1");
	close_store(f);
	idle = spawn(f, one_slot_child);
	hear(idle.say);
	for (int i = 0; i < 2; i++) {
		c[i] = spawn(f, half_the_slots_child);
		hear(c[i].say);
	}
	OK(try_open(f, 0));
	put(f, "a", "2"); /* has its sweep behind it */
	for (int i = 0; i < 2; i++)
		tell(c[i].go);
	for (int i = 0; i < 512; i++)
		hear(c[i % 2].say);
	FAILS(LOCKED, br_txn_read(&t, f->s, &g_err));
	assert_null(t);
	kill_child(&c[0]);
	kill_child(&c[1]);
	assert_true(store_has(f->s, "a", "2"));
	kill_child(&idle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(lock_names_holder), T(killed_writer), T(others_follow_growth), T(creation_race),
		T(check_beside_a_writer), T(full_disk), T(dead_reader_frees_pages), T(reader_slots_run_out),
	};

	return cmocka_run_group_tests_name("store_proc", tests, NULL, NULL);
}
