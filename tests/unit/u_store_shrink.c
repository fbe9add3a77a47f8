/* store: the data file is replaced by a smaller copy, only while nobody else has it open, and nobody loses a commit by it. */
#include "store_fixture.h"

#include <dirent.h>

/* Leaves some megabytes of free pages. */
static void make_slack(struct br_store *s)
{
	struct fill w = { .n = 600, .bytes = 5000 }, e = { .n = 600, .bytes = 5000, .erase = true };

	OK(br_store_write(s, fill_fn, &w, &g_err));
	OK(br_store_write(s, fill_fn, &e, &g_err));
}

static unsigned files_in_tmp(const struct fixture *f)
{
	char *path = br_path_join(f->dir, "tmp");
	DIR *d = opendir(path);
	unsigned n = 0;

	for (struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.' || e->d_name[1] == 'b';
	if (d)
		closedir(d);
	free(path);
	return n;
}

static struct br_shrunk shrink(struct fixture *f)
{
	struct br_shrunk r;

	OK(br_store_shrink(&r, f->s, &g_err));
	assert_int_equal(files_in_tmp(f), 0);
	return r;
}

static void gives_room_back(void **state)
{
	struct fixture *f = *state;
	struct br_shrunk r;
	uint64_t g;

	create(f);
	put(f, "a", "1");
	make_slack(f->s);
	g = generation(f->s);
	assert_int_equal(chmod(f->data, 0640), 0);
	r = shrink(f);
	assert_true(r.done && r.before > 3000000 && r.after < 300000);
	assert_int_equal(size_of(f->data), r.after);
	assert_true(store_has(f->s, "a", "1"));
	assert_int_equal(generation(f->s), g);
	struct stat st;
	assert_int_equal(stat(f->data, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	put(f, "b", "2"); /* the store goes on, also after being opened again */
	close_store(f);
	OK(try_open(f, 0));
	assert_true(store_has(f->s, "a", "1") && store_has(f->s, "b", "2"));
	assert_int_equal(generation(f->s), g + 1);
}

/* Too large to be copied while others wait. */
static void a_large_file(void **state)
{
	struct fixture *f = *state;
	struct fill w = { .n = 6000, .bytes = 12000 };
	struct br_shrunk r;

	create(f);
	put(f, "a", "1");
	OK(br_store_write(f->s, fill_fn, &w, &g_err));
	w.n = 1500;
	OK(br_store_write(f->s, fill_fn, &w, &g_err));
	r = shrink(f);
	assert_true(r.done && r.after > 70000000 && r.after < r.before - 15000000);
	assert_true(store_has(f->s, "a", "1"));
	assert_true(filled(f->s, 6000, 12000));
}

static void leaves_what_is_not_worth_it(void **state)
{
	struct fixture *f = *state;
	struct fill w = { .n = 4000, .bytes = 5000 }, again = { .n = 300, .bytes = 5000 };
	struct stat before, after;
	struct br_shrunk r;

	create(f);
	put(f, "a", "1");
	r = shrink(f); /* small */
	assert_false(r.done || r.why[0]);
	OK(br_store_write(f->s, fill_fn, &w, &g_err));
	OK(br_store_write(f->s, fill_fn, &again, &g_err)); /* more than 1 MB, but less than a tenth */
	assert_int_equal(stat(f->data, &before), 0);
	r = shrink(f);
	assert_false(r.done || r.why[0]);
	assert_int_equal(stat(f->data, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static int reading_child(struct fixture *f, int say, int go)
{
	if (try_open(f, 0) < 0 || !store_has(f->s, "a", "1"))
		return 1;
	tell(say);
	hear(go);
	return store_has(f->s, "a", "1") ? 0 : 2;
}

static void waits_for_nobody(void **state)
{
	struct fixture *f = *state;
	struct br_shrunk r;
	struct child c;
	char pid[24];

	create(f);
	put(f, "a", "1");
	make_slack(f->s);
	close_store(f);
	c = spawn(f, reading_child);
	hear(c.say);
	OK(try_open(f, 0));
	r = shrink(f);
	assert_false(r.done);
	snprintf(pid, sizeof pid, "%ld", (long)c.pid);
	assert_non_null(strstr(r.why, pid));
	put(f, "b", "2"); /* the other one is not cut off */
	tell(c.go);
	EXITS(0, &c);
	r = shrink(f);
	assert_true(r.done);
	assert_true(store_has(f->s, "b", "2"));
}

/* ---- many others, while the file is exchanged again and again ---- */

struct count { char key[24]; uint64_t n; };

static int count_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	struct count *c = arg;
	struct br_slice v;
	uint64_t n = 0;
	int rc = br_get(&v, t, BR_T_DOC, str(c->key), err);

	if (rc < 0)
		return rc;
	if (rc)
		memcpy(&n, v.ptr, 8);
	if (n != c->n) /* a commit of ours was lost */
		return br_fail(err, BR_EBUG, "%s: %llu instead of %llu", c->key, (unsigned long long)n, (unsigned long long)c->n);
	n++;
	return br_put(t, BR_T_DOC, str(c->key), br_slice(&n, 8), err);
}

static int busy_child(struct fixture *f, int say, int go)
{
	struct br_store_opts o = { .wait_ms = 60000 };
	struct count c = { .n = 0 };

	snprintf(c.key, sizeof c.key, "%ld", (long)getpid());
	fcntl(go, F_SETFL, O_NONBLOCK);
	tell(say);
	for (char b; read(go, &b, 1) != 1; c.n++) {
		if (br_store_open(&f->s, f->dir, &o, &g_err) < 0 || !store_has(f->s, "a", "1")) {
			print_error("%s\n", g_err.msg);
			return 1;
		}
		if (br_store_write(f->s, count_fn, &c, &g_err) < 0) {
			print_error("%s\n", g_err.msg);
			return 2;
		}
		close_store(f);
		usleep(1000 + (useconds_t)(c.n * 7919 + (uint64_t)getpid() * 104729) % 8000);
	}
	return c.n > 0 ? 0 : 3;
}

static void nobody_loses_a_commit(void **state)
{
	struct fixture *f = *state;
	struct br_store_opts o = { .wait_ms = 60000 };
	const char *rounds = getenv("BR_TEST_ROUNDS");
	int want = rounds ? atoi(rounds) : 10, done = 0;
	struct child c[4];

	create(f);
	put(f, "a", "1");
	close_store(f);
	for (size_t i = 0; i < BR_COUNT(c); i++) {
		c[i] = spawn(f, busy_child);
		hear(c[i].say);
	}
	OK(br_store_open(&f->s, f->dir, &o, &g_err));
	for (int i = 0; done < want && i < 100 * want; i++) {
		make_slack(f->s);
		done += shrink(f).done;
	}
	for (size_t i = 0; i < BR_COUNT(c); i++)
		tell(c[i].go);
	for (size_t i = 0; i < BR_COUNT(c); i++)
		EXITS(0, &c[i]);
	assert_int_equal(done, want);
	assert_true(store_has(f->s, "a", "1"));
}

/* ---- no room for the copy ---- */

static int full_child(struct fixture *f, int say, int go)
{
	struct rlimit lim = { 100000, RLIM_INFINITY };
	struct br_shrunk r;

	(void)say, (void)go;
	if (try_open(f, 0) < 0 || setrlimit(RLIMIT_FSIZE, &lim) < 0)
		return 1;
	if (br_store_shrink(&r, f->s, &g_err) != -BR_EFULL || r.done)
		return 2;
	return store_has(f->s, "a", "1") && files_in_tmp(f) == 0 ? 0 : 3;
}

static void no_room_for_the_copy(void **state)
{
	struct fixture *f = *state;
	struct fill w = { .n = 100, .bytes = 5000 };
	struct child c;
	off_t size;

	create(f);
	make_slack(f->s);
	OK(br_store_write(f->s, fill_fn, &w, &g_err));
	put(f, "a", "1");
	close_store(f);
	size = size_of(f->data);
	c = spawn(f, full_child);
	EXITS(0, &c);
	assert_int_equal(size_of(f->data), size);
	OK(try_open(f, 0));
	assert_true(shrink(f).done);
	assert_true(filled(f->s, 100, 5000));
}

/* ---- under the writer lock ---- */

static int no_writer_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	struct fixture *f = arg;
	char *path = br_path_join(f->dir, "lock");
	struct br_lock l;
	int rc = br_lock_take(&l, path, 0, NULL);

	(void)t, (void)err;
	free(path);
	return rc == -BR_ELOCKED ? 7 : 8;
}

static void still_keeps_writers_out(void **state)
{
	struct fixture *f = *state;
	struct br_lock l;
	char *path;

	create(f);
	put(f, "a", "1");
	assert_int_equal(br_store_still(f->s, no_writer_fn, f, &g_err), 7);
	assert_int_equal(generation(f->s), 1);
	path = br_path_join(f->dir, "lock");
	OK(br_lock_take(&l, path, 0, &g_err));
	FAILS(LOCKED, br_store_still(f->s, no_writer_fn, f, &g_err));
	br_lock_drop(&l);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(gives_room_back), T(a_large_file), T(leaves_what_is_not_worth_it), T(waits_for_nobody), T(nobody_loses_a_commit),
		T(no_room_for_the_copy), T(still_keeps_writers_out),
	};

	return cmocka_run_group_tests_name("store_shrink", tests, NULL, NULL);
}
