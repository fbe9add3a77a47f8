/*
 * What the tests of the store share: a folder for each test, small pieces of work for write transactions, and children
 * that open the store themselves and are kept in step by pipes.
 */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "br/os.h"
#include "br/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(call) check_ok((call), &g_err, __FILE__, __LINE__)
#define FAILS(code, call) check_fails((call), BR_E##code, &g_err, __FILE__, __LINE__)

static struct br_err g_err;

static inline void check_ok(int rc, const struct br_err *err, const char *file, int line)
{
	if (rc < 0)
		print_error("%s\n", err->msg);
	_assert_true(rc >= 0, "succeeds", file, line);
}

static inline void check_fails(int rc, enum br_code code, const struct br_err *err, const char *file, int line)
{
	if (rc != -(int)code)
		print_error("got %d: %s\n", rc, err->msg);
	_assert_int_equal((uintmax_t)rc, (uintmax_t)-(int)code, file, line);
	_assert_int_equal(err->code, code, file, line);
}

/* ---- a folder of its own for every test ---- */

struct fixture {
	char root[64], dir[80], data[96];
	struct br_store *s;
};

static inline int setup(void **state)
{
	struct fixture *f = br_alloc(sizeof *f);

	snprintf(f->root, sizeof f->root, "/tmp/u_store-XXXXXX");
	if (!mkdtemp(f->root))
		return -1;
	snprintf(f->dir, sizeof f->dir, "%s/.br", f->root);
	snprintf(f->data, sizeof f->data, "%s/data.mdb", f->dir);
	unsetenv("BR_STORE_MAP");
	*state = f;
	return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st, (void)type, (void)w;
	return remove(path);
}

/* Whatever a test did, every page of the file must be in order afterwards. */
static inline int teardown(void **state)
{
	struct fixture *f = *state;
	int rc = f->s ? br_store_check(f->s, &g_err) : 0;

	if (rc < 0)
		print_error("%s\n", g_err.msg);
	br_store_close(f->s);
	nftw(f->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return rc;
}

static inline int try_open(struct fixture *f, int flags)
{
	struct br_store_opts o = { .flags = flags, .wait_ms = 0 };

	return br_store_open(&f->s, f->dir, &o, &g_err);
}

static inline void create(struct fixture *f)
{
	OK(try_open(f, BR_STORE_CREATE));
}

static inline void close_store(struct fixture *f)
{
	br_store_close(f->s);
	f->s = NULL;
}

static inline off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

/* ---- small work for write transactions ---- */

static inline struct br_slice str(const char *s)
{
	return br_slice_str(s);
}

struct put { enum br_table table; const char *key, *val; };

static inline int put_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct put *p = arg;

	return br_put(t, p->table, str(p->key), str(p->val), err);
}

static inline void put(struct fixture *f, const char *key, const char *val)
{
	struct put p = { BR_T_DOC, key, val };

	OK(br_store_write(f->s, put_fn, &p, &g_err));
}

static inline bool has(struct br_txn *t, const char *key, const char *val)
{
	struct br_slice v;

	return br_get(&v, t, BR_T_DOC, str(key), NULL) == 1 && br_slice_eq(v, str(val));
}

static inline bool store_has(struct br_store *s, const char *key, const char *val)
{
	struct br_txn *t;
	bool yes = br_txn_read(&t, s, NULL) == 0 && has(t, key, val);

	br_txn_end(t);
	return yes;
}

static inline uint64_t generation(struct br_store *s)
{
	struct br_txn *t;
	uint64_t g;

	OK(br_txn_read(&t, s, &g_err));
	g = br_txn_generation(t);
	br_txn_end(t);
	return g;
}

/* `n` records of `bytes` each under ascending u32 keys. */
struct fill { uint32_t n; size_t bytes; unsigned calls; bool erase; int at_end; };

static inline struct br_slice repeated(struct br_buf *b, char c, size_t n)
{
	br_buf_reset(b);
	br_buf_addz(b, n);
	memset(b->ptr, c, n);
	return br_buf_slice(b);
}

static inline int fill_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	struct fill *w = arg;
	char key[4];
	struct br_buf val = BR_BUF_INIT(SIZE_MAX);
	int rc = 0;

	w->calls++;
	for (uint32_t i = 0; rc == 0 && i < w->n; i++) {
		br_be32(key, i);
		rc = br_put(t, BR_T_TEXT, br_slice(key, 4), repeated(&val, (char)(i & 0xff), w->bytes), err);
	}
	br_buf_release(&val);
	if (rc == 0 && w->erase)
		rc = br_del_prefix(t, BR_T_TEXT, br_slice(key, 2), err);
	return rc < 0 ? rc : w->at_end;
}

static inline bool filled(struct br_store *s, uint32_t n, size_t bytes)
{
	struct br_txn *t;
	struct br_slice v;
	char key[4];
	uint32_t i = 0;

	if (br_txn_read(&t, s, NULL) < 0)
		return false;
	for (; i < n; i++) {
		br_be32(key, i);
		if (br_get(&v, t, BR_T_TEXT, br_slice(key, 4), NULL) != 1 || v.len != bytes ||
		    (uint8_t)v.ptr[0] != (i & 0xff) || (uint8_t)v.ptr[bytes - 1] != (i & 0xff))
			break;
	}
	br_txn_end(t);
	return i == n;
}

/* Rewrites records of many sizes: pages come, go and come back. */
static inline int churn_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	uint32_t *x = arg;
	struct br_buf val = BR_BUF_INIT(SIZE_MAX);
	char key[4];
	int rc = 0;

	for (int i = 0; rc >= 0 && i < 60; i++) {
		*x = *x * 1664525 + 1013904223;
		br_be32(key, *x >> 25);
		if (*x >> 8 & 3) {
			size_t n = *x >> 12 & 1 ? *x >> 10 & 0xff : *x >> 10 & 0x3fff;
			rc = br_put(t, BR_T_TEXT, br_slice(key, 4), repeated(&val, 'r', n), err);
		} else {
			rc = br_del(t, BR_T_TEXT, br_slice(key, 4), err);
		}
	}
	br_buf_release(&val);
	return rc < 0 ? rc : 0;
}

/* ---- processes: each opens the store itself; `say` and `go` keep them in step ---- */

static inline void tell(int fd)
{
	if (write(fd, "", 1) != 1)
		abort();
}

static inline void hear(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		abort();
}

struct child { pid_t pid; int say, go; };
typedef int child_fn(struct fixture *f, int say, int go);

static inline struct child spawn(struct fixture *f, child_fn *fn)
{
	struct child c;
	int up[2], down[2];

	assert_null(f->s); /* an environment must not cross a fork */
	assert_int_equal(pipe(up) | pipe(down), 0);
	if ((c.pid = fork()) == 0) {
		close(up[0]);
		close(down[1]);
		int rc = fn(f, up[1], down[0]);
		br_store_close(f->s);
		_exit(rc);
	}
	assert_true(c.pid > 0);
	close(up[1]);
	close(down[0]);
	c.say = up[0];
	c.go = down[1];
	return c;
}

static inline int finish(struct child *c)
{
	int status;

	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	close(c->say);
	close(c->go);
	return status;
}

static inline void kill_child(struct child *c)
{
	kill(c->pid, SIGKILL);
	assert_true(WIFSIGNALED(finish(c)));
}

#define EXITS(n, c) do { int st_ = finish(c); assert_true(WIFEXITED(st_)); assert_int_equal(WEXITSTATUS(st_), n); } while (0)

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
