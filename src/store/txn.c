/*
 * Transactions. Reading ones are kept for reuse, since renewing one costs a few nanoseconds and keeps its reader slot.
 * Writing goes through br_store_write alone: our own lock around each commit (LMDB's would wait without end and not
 * say for whom), growth of the map, the generation counter.
 */
#include "br/os.h"

#include "internal.h"

#include <stdlib.h>

#define GENERATION "generation"

/* ---- who uses the map ---- */

static bool thread_has_one(const struct br_store *s)
{
	for (const struct br_txn *t = s->live; t; t = t->next)
		if (pthread_equal(t->owner, pthread_self()))
			return true;
	return false;
}

/* Two in one thread would wait for each other when the map must change: refused always, not only on that day. */
static int refuse_second(const struct br_store *s, struct br_err *err)
{
	return thread_has_one(s) ? br_fail(err, BR_EBUG, "a thread began a second transaction of '%s'", s->data_path) : 0;
}

static int enter_locked(struct br_store *s, struct br_txn *t, struct br_err *err)
{
	int rc = refuse_second(s, err);

	if (rc < 0)
		return rc;
	while (s->remapping)
		pthread_cond_wait(&s->changed, &s->mu);
	t->owner = pthread_self();
	t->prev = NULL;
	t->next = s->live;
	if (s->live)
		s->live->prev = t;
	s->live = t;
	return 0;
}

static void leave_locked(struct br_store *s, struct br_txn *t)
{
	if (t->prev)
		t->prev->next = t->next;
	else
		s->live = t->next;
	if (t->next)
		t->next->prev = t->prev;
	if (!s->live)
		pthread_cond_broadcast(&s->changed);
}

static int enter(struct br_store *s, struct br_txn *t, struct br_err *err)
{
	int rc;

	pthread_mutex_lock(&s->mu);
	rc = enter_locked(s, t, err);
	pthread_mutex_unlock(&s->mu);
	return rc;
}

static void leave(struct br_store *s, struct br_txn *t)
{
	pthread_mutex_lock(&s->mu);
	leave_locked(s, t);
	pthread_mutex_unlock(&s->mu);
}

/* ---- begin ---- */

static int mdb_begin(struct br_txn *t)
{
	int rc, dead;

	for (int tries = 0;; tries++) {
		if (t->m && !t->write)
			rc = mdb_txn_renew(t->m);
		else
			rc = mdb_txn_begin(t->s->env, NULL, t->write ? 0 : MDB_RDONLY, &t->m);
		if (rc != MDB_READERS_FULL || tries || mdb_reader_check(t->s->env, &dead))
			return rc;
	}
}

/* t is entered; on failure it has been left. Another process may have grown the file beyond our map: follow it. */
static int begin(struct br_txn *t, struct br_err *err)
{
	struct br_store *s = t->s;
	int rc;

	while ((rc = mdb_begin(t)) == MDB_MAP_RESIZED) {
		leave(s, t);
		if ((rc = br_store__remap(s, err)) < 0 || (rc = enter(s, t, err)) < 0)
			return rc;
	}
	if (rc) {
		leave(s, t);
		return br_store__fail(err, s, rc, t->write ? "write to" : "read from", -1);
	}
	return 0;
}

/* ---- copying ---- */

/* The transaction is LMDB's own; ours only stands in `live`. Nothing was written when LMDB could not begin it. */
static int copy_once(int *mdb, struct br_store *s, int fd, struct br_err *err)
{
	struct br_txn t = { .s = s };
	int dead, rc = enter(s, &t, err);

	if (rc < 0)
		return rc;
	*mdb = IN_LMDB(mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT));
	if (*mdb == MDB_READERS_FULL && !mdb_reader_check(s->env, &dead))
		*mdb = IN_LMDB(mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT));
	leave(s, &t);
	return 0;
}

int br_store__copy(struct br_store *s, int fd, struct br_err *err)
{
	int mdb = 0, rc;

	while ((rc = copy_once(&mdb, s, fd, err)) == 0 && mdb == MDB_MAP_RESIZED)
		if ((rc = br_store__remap(s, err)) < 0)
			return rc;
	if (mdb == MDB_INCOMPATIBLE)
		mdb = MDB_CORRUPTED; /* LMDB's word for pages that stand in no table and in no list of free ones */
	return rc == 0 && mdb ? br_store__fail(err, s, mdb, "copy", -1) : rc;
}

/* ---- reading ---- */

int br_txn_read(struct br_txn **out, struct br_store *s, struct br_err *err)
{
	struct br_txn *t;
	bool again;
	int rc;

	*out = NULL;
	pthread_mutex_lock(&s->mu);
	if ((t = s->spare)) {
		s->spare = t->next;
		s->n_spare--;
	} else {
		t = br_alloc(sizeof *t);
		t->s = s;
	}
	rc = enter_locked(s, t, err);
	pthread_mutex_unlock(&s->mu);
	again = t->m != NULL;
	if (rc < 0 || (rc = begin(t, err)) < 0) {
		if (t->m)
			mdb_txn_abort(t->m);
		br_store__txn_free(t);
		return rc;
	}
	if (again)
		br_store__memo_begin(t, br_txn_generation(t));
	*out = t;
	return 0;
}

void br_store__txn_free(struct br_txn *t)
{
	free(t->memo);
	free(t);
}

void br_store__txn_finish(struct br_txn *t, bool keep)
{
	if (keep)
		mdb_txn_commit(t->m); /* reading: nothing to write, cannot fail */
	else
		mdb_txn_abort(t->m);
	leave(t->s, t);
	br_store__txn_free(t);
}

void br_txn_end(struct br_txn *t)
{
	struct br_store *s;

	if (!t)
		return;
	BR_ASSERT(!t->write); /* br_store_write ends its own */
	s = t->s;
	t->check_all = false;
	mdb_txn_reset(t->m);
	pthread_mutex_lock(&s->mu);
	if (s->n_spare < STORE_SPARE_MAX) {
		leave_locked(s, t);
		t->next = s->spare;
		s->spare = t;
		s->n_spare++;
		t = NULL;
	}
	pthread_mutex_unlock(&s->mu);
	if (t)
		br_store__txn_finish(t, false);
}

uint64_t br_txn_generation(struct br_txn *t)
{
	uint64_t v;

	if (t->write)
		return t->generation;
	return br_meta_get(&v, t, GENERATION, NULL) < 0 ? 0 : v;
}

/* ---- writing ---- */

static int begin_write(struct br_txn *t, struct br_err *err)
{
	uint64_t v;
	int rc;

	if ((rc = enter(t->s, t, err)) < 0 || (rc = begin(t, err)) < 0)
		return rc;
	if ((rc = br_meta_get(&v, t, GENERATION, err)) < 0) {
		mdb_txn_abort(t->m);
		leave(t->s, t);
		return rc;
	}
	t->generation = v + 1;
	return 0;
}

/* Ends t. *again: the map was too small. */
static int commit(struct br_txn *t, bool *again, struct br_err *err)
{
	int rc = IN_LMDB(mdb_txn_commit(t->m));

	*again = rc == MDB_MAP_FULL;
	return rc ? br_store__fail(err, t->s, rc, "write to", -1) : 0;
}

static int attempt(struct br_store *s, br_write_fn *fn, void *arg, bool *again, struct br_err *err)
{
	struct br_txn t = { .s = s, .write = true };
	int rc;

	*again = false;
	if ((rc = begin_write(&t, err)) < 0)
		return rc;
	if ((rc = fn(&t, arg, err)) == 0)
		rc = br_meta_put(&t, GENERATION, t.generation, err);
	*again = t.map_full;
	if (rc == 0 && !*again)
		rc = commit(&t, again, err);
	else
		(void)IN_LMDB((mdb_txn_abort(t.m), 0));
	leave(s, &t);
	return rc;
}

static void sweep(struct br_store *s)
{
	char *tmp = br_path_join(s->dir, "tmp");
	unsigned left = br_tmp_sweep(tmp, true) + br_tmp_sweep(s->dir, true);
	int dead;

	if (left)
		br_log(BR_LOG_INFO, "%u temporary file(s) in '%s' were left by processes that died", left, s->dir);
	if (mdb_reader_check(s->env, &dead) == 0 && dead > 0)
		br_log(BR_LOG_INFO, "%d reader(s) of '%s' had died", dead, s->data_path);
	free(tmp);
}

/*
 * What processes left that were killed is cleared before the first write: slots of readers, which keep old pages from being used
 * again, and temporary files.
 */
static int prepare(struct br_store *s, struct br_err *err)
{
	bool first;
	int rc;

	pthread_mutex_lock(&s->mu);
	rc = refuse_second(s, err);
	first = rc == 0 && !s->swept;
	s->swept |= first;
	pthread_mutex_unlock(&s->mu);
	if (first)
		sweep(s);
	return rc;
}

int br_store_write(struct br_store *s, br_write_fn *fn, void *arg, struct br_err *err)
{
	struct br_lock lock;
	bool again;
	int rc;

	if ((rc = prepare(s, err)) < 0 || (rc = br_lock_take(&lock, s->lock_path, s->wait_ms, err)) < 0)
		return rc;
	do {
		rc = attempt(s, fn, arg, &again, err);
		if (again)
			rc = br_store__remap(s, err);
	} while (again && rc == 0);
	br_lock_drop(&lock);
	return rc;
}

int br_store_still(struct br_store *s, br_write_fn *fn, void *arg, struct br_err *err)
{
	struct br_lock lock;
	struct br_txn *t;
	int rc = br_lock_take(&lock, s->lock_path, s->wait_ms, err);

	if (rc < 0)
		return rc;
	if ((rc = br_txn_read(&t, s, err)) == 0) {
		rc = fn(t, arg, err);
		br_txn_end(t);
	}
	br_lock_drop(&lock);
	return rc;
}
