/*
 * Salvage: a data file with damaged pages is replaced by one with every record that can still be read, found without the help of
 * LMDB (check.c). Whether the records are whole and belong together is another question: seals travel with them. The damaged
 * file is kept beside, as data.mdb.damaged.
 */
#include "br/os.h"

#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALONE_MS 1000
#define MAP_ROOM (256ull << 20) /* beyond the size of the damaged file */

struct salvage {
	struct br_store *s;
	MDB_env *env;
	MDB_txn *m;
	uint64_t records;
	br_problem_fn *lost;
	void *arg;
};

static int table_of(const struct br_store *s, struct br_slice name)
{
	for (int i = 0; i < BR_TABLE_COUNT; i++)
		if (br_slice_eq(name, br_slice_str(s->table_name[i])))
			return i;
	return -1;
}

static int take_record(struct br_slice table, struct br_slice key, struct br_slice val, void *arg, struct br_err *err)
{
	struct salvage *v = arg;
	MDB_val k = br_store__val(key), d = br_store__val(val);
	int i = table_of(v->s, table), rc;

	if (i < 0 || !key.len || key.len > 511)
		return 0;
	rc = mdb_put(v->m, v->s->dbi[i], &k, &d, MDB_APPEND);
	if (rc == MDB_KEYEXIST)
		rc = mdb_put(v->m, v->s->dbi[i], &k, &d, 0);
	v->records += rc == 0;
	return rc ? br_store__fail(err, v->s, rc, "copy", i) : 0;
}

static void tell_lost(const char *what, void *arg)
{
	const struct salvage *v = arg;

	if (v->lost)
		v->lost(what, v->arg);
}

/* A counter that is not there or damaged gets this value; `what` is told. */
static int need_counter(struct br_txn *t, struct salvage *v, const char *name, uint64_t value, const char *what, struct br_err *err)
{
	uint64_t there;

	if (br_meta_get(&there, t, name, NULL) == 0 && there)
		return 0;
	tell_lost(what, v);
	return br_meta_put(t, name, value, err);
}

/*
 * What is needed to open a store and to commit to it. A generation that is damaged goes on from one that was never reached. Records
 * tell their versions themselves and are sealed, so that where the format is lost it can be taken for ours.
 */
static int check_meta(struct salvage *v, struct br_err *err)
{
	struct br_txn t = { .m = v->m, .s = v->s, .write = true };
	uint64_t format, now = (uint64_t)br_now();
	struct br_slice uuid;
	char made[37];
	int rc;

	if (br_meta_get(&format, &t, "format", NULL) == 0 && format && format != BR_STORE_FORMAT)
		return br_fail(err, BR_EVERSION, "'%s' has format %llu, this br knows format %d", v->s->data_path,
		               (unsigned long long)format, BR_STORE_FORMAT);
	if ((rc = need_counter(&t, v, "format", BR_STORE_FORMAT, "the format record of table meta; that of this br is assumed", err)) < 0 ||
	    (rc = need_counter(&t, v, "created", now, "the time of creation in table meta", err)) < 0 ||
	    (rc = need_counter(&t, v, "generation", now, "the number of commits in table meta", err)) < 0 ||
	    br_get(&uuid, &t, BR_T_META, br_slice_str("uuid"), NULL) > 0)
		return rc;
	br_uuid(made);
	return br_put(&t, BR_T_META, br_slice_str("uuid"), br_slice(made, 36), err);
}

static int copy_records(struct salvage *v, struct br_err *err)
{
	const struct br_store__rescue to = { take_record, tell_lost, v };
	int rc = mdb_txn_begin(v->env, NULL, 0, &v->m);

	for (int i = 0; rc == 0 && i < BR_TABLE_COUNT; i++)
		rc = mdb_dbi_open(v->m, v->s->table_name[i], MDB_CREATE, &v->s->dbi[i]);
	if (rc)
		rc = br_store__fail(err, v->s, rc, "copy", -1);
	else if ((rc = br_store__rescue(v->s->data_path, &to, err)) == 0)
		rc = check_meta(v, err);
	if (rc < 0) {
		mdb_txn_abort(v->m);
		return rc;
	}
	rc = mdb_txn_commit(v->m);
	return rc ? br_store__fail(err, v->s, rc, "copy", -1) : 0;
}

static int make_copy(struct salvage *v, int fd, const char *path, struct br_err *err)
{
	int rc = br_store__new_env(&v->env, br_store_bytes(v->s) * 2 + MAP_ROOM, path, MDB_NOLOCK);

	if (rc)
		return br_store__fail(err, v->s, rc, "copy", -1);
	rc = copy_records(v, err);
	mdb_env_close(v->env);
	if (rc < 0)
		return rc;
	if (fsync(fd) < 0)
		return br_fail_errno(err, BR_EIO, "cannot write '%s'", path);
	return (rc = br_store__inherit(fd, v->s, err)) < 0 ? rc : br_store__check_file(path, err);
}

/* At every moment one of the two files stands at the data file's place. */
static int exchange(struct br_store *s, const char *path, struct br_err *err)
{
	char *kept = br_sprintf("%s.damaged", s->data_path);
	int rc = 0;

	if ((unlink(kept) < 0 && errno != ENOENT) || link(s->data_path, kept) < 0)
		rc = br_fail_errno(err, BR_EIO, "cannot keep the damaged file as '%s'", kept);
	else if (rename(path, s->data_path) < 0)
		rc = br_fail_errno(err, BR_EIO, "cannot replace '%s'", s->data_path);
	else
		rc = br_sync_folder_of(s->data_path, err);
	free(kept);
	return rc;
}

static int salvage(struct salvage *v, struct br_err *err)
{
	char *dir = br_path_join(v->s->dir, "tmp"), *path = NULL;
	int fd = -1, rc;

	if ((rc = br_mkdirs(dir, 0777, err)) == 0 && (rc = fd = br_tmp_open(&path, dir, 0600, err)) >= 0 &&
	    (rc = make_copy(v, fd, path, err)) == 0)
		rc = exchange(v->s, path, err);
	if (path && rc < 0)
		unlink(path);
	if (fd >= 0)
		close(fd);
	free(path);
	free(dir);
	return rc;
}

static int alone(struct br_store *s, struct br_err *err)
{
	int rc = br_store__gate_enter(s, err);

	if (rc == 0 && (rc = br_store__gate_alone(s, BR_MAX(s->wait_ms, ALONE_MS), err)) == 0)
		return br_fail(err, BR_ELOCKED, "cannot repair '%s': another process has it open", s->data_path);
	return BR_MIN(0, rc);
}

int br_store_salvage(uint64_t *records, const char *dir, int64_t wait_ms, br_problem_fn *lost, void *arg, struct br_err *err)
{
	struct salvage v = { .s = br_store__new(dir, wait_ms), .lost = lost, .arg = arg };
	int rc = alone(v.s, err);

	if (rc == 0)
		rc = salvage(&v, err);
	*records = v.records;
	br_store_close(v.s);
	return rc;
}
