/*
 * Shrinking: a copy of the data file without its free pages takes its place. For the exchange everybody else must have closed the
 * file (gate.c). A small file is copied then, too; the copy of a large one is made before, beside readers and writers, and is good
 * only if nobody has written since it was begun. Else nothing is done, and it is said why. The writer lock is not needed for that,
 * and those who wait for it could not close the file.
 */
#include "br/os.h"

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define GAIN_LEAST (1ull << 20) /* bytes, and a tenth of the file: less is not worth a copy */
#define ALONE_MS   300          /* openers wait so long at the most, so it is short */
#define ALONE_COPY (64ull << 20) /* bytes that are copied while openers wait */
#define TRIES      3            /* copies of a large file, when others write meanwhile */

/* ---- what there is to gain ---- */

/* Pages in LMDB's list of free ones: values that begin with their number. */
static int count_free(uint64_t *out, MDB_txn *m)
{
	MDB_cursor *c;
	MDB_val k, v;
	int rc = mdb_cursor_open(m, 0, &c);

	*out = 0;
	if (rc)
		return rc;
	while ((rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0)
		if (v.mv_size >= 8)
			*out += br_rd_le64(v.mv_data);
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int br_store_slack(uint64_t *out, struct br_txn *t, struct br_err *err)
{
	uint64_t empty, used, size = br_store_bytes(t->s);
	MDB_envinfo info;
	MDB_stat st;
	int rc;

	*out = 0;
	if ((rc = mdb_env_info(t->s->env, &info)) || (rc = mdb_env_stat(t->s->env, &st)) || (rc = count_free(&empty, t->m)))
		return br_store__fail(err, t->s, rc, "read from", -1);
	used = (info.me_last_pgno + 1 - BR_MIN(empty, info.me_last_pgno)) * st.ms_psize;
	*out = size > used ? size - used : 0;
	return 0;
}

bool br_store_worth_shrinking(const struct br_store *s, uint64_t slack)
{
	return slack >= GAIN_LEAST && slack >= br_store_bytes(s) / 10;
}

static int look(uint64_t *slack, struct br_store *s, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, s, err);

	if (rc < 0)
		return rc;
	rc = br_store_slack(slack, t, err);
	br_txn_end(t);
	return rc;
}

/* ---- who else is there ---- */

static int other_pid(const char *line, void *arg)
{
	long *pid = arg, p = strtol(line, NULL, 10);

	if (p > 0 && p != (long)getpid())
		*pid = p;
	return 0;
}

/* Readers have a slot with their process number; one that has not read yet stays unnamed. */
static void not_alone(struct br_shrunk *out, struct br_store *s)
{
	long pid = 0;
	int dead;

	if (mdb_reader_check(s->env, &dead) == 0)
		mdb_reader_list(s->env, other_pid, &pid);
	if (pid)
		snprintf(out->why, sizeof out->why, "the workspace is open in process %ld", pid);
	else
		snprintf(out->why, sizeof out->why, "the workspace is open in another process");
}

/* 1: for this moment nobody else had the file open, so that a copy has a chance to be used. */
static int was_alone(struct br_store *s, struct br_err *err)
{
	int rc = br_store__gate_alone(s, ALONE_MS, err);

	if (rc > 0)
		br_store__gate_open(s);
	return rc;
}

/* ---- the copy ---- */

static int check_room(const struct br_store *s, uint64_t need, struct br_err *err)
{
	struct statvfs fs;
	uint64_t room;

	if (statvfs(s->dir, &fs) < 0)
		return 0;
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (room >= need + GAIN_LEAST)
		return 0;
	return br_fail(err, BR_EFULL, "cannot shrink '%s': its copy needs %llu MB, %llu MB are free on the disk", s->data_path,
	               (unsigned long long)(need >> 20) + 1, (unsigned long long)(room >> 20));
}

/* Owner and rights are those of the file that it will replace. */
int br_store__inherit(int fd, const struct br_store *s, struct br_err *err)
{
	struct stat st, own;

	if (stat(s->data_path, &st) < 0 || fstat(fd, &own) < 0 || fchmod(fd, st.st_mode & 07777) < 0 ||
	    ((st.st_uid != own.st_uid || st.st_gid != own.st_gid) && fchown(fd, st.st_uid, st.st_gid) < 0))
		return br_fail_errno(err, BR_EIO, "cannot give the copy of '%s' its owner and rights", s->data_path);
	return 0;
}

/* The last commit. */
static uint64_t last_txn(struct br_store *s)
{
	MDB_envinfo info;

	return mdb_env_info(s->env, &info) ? 0 : info.me_last_txnid;
}

/* 1 copied; 0 another process made the file grow just now. */
static int copy(struct br_store *s, int fd, const char *path, struct br_err *err)
{
	uint64_t slack;
	int rc = br_store__inherit(fd, s, err);

	if (rc < 0 || (rc = look(&slack, s, err)) < 0) /* looking follows a file that has grown */
		return rc;
	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return br_fail_errno(err, BR_EIO, "cannot write '%s'", path);
	if ((rc = mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT)) == MDB_MAP_RESIZED)
		return 0;
	if (rc)
		return br_store__fail(err, s, rc, "copy", -1);
	if (fsync(fd) < 0)
		return br_fail_errno(err, BR_EIO, "cannot write '%s'", path);
	return (rc = br_store__check_file(path, err)) < 0 ? rc : 1;
}

/* ---- the exchange ---- */

/* No transaction of this process is open, and no other process has the file open. */
static int replace(struct br_store *s, const char *path, struct br_err *err)
{
	int rc;

	if (rename(path, s->data_path) < 0)
		return br_fail_errno(err, BR_EIO, "cannot replace '%s'", s->data_path);
	rc = br_sync_folder_of(s->data_path, err);
	br_store__close_env(s);
	return rc < 0 ? rc : br_store__open_env(s, err);
}

/* Copies unless that was done at the commit `txn`. 1 done, or impossible now for a reason; 0 the copy is out of date. */
static int exchange(struct br_shrunk *out, struct br_store *s, int fd, const char *path, uint64_t txn, struct br_err *err)
{
	int rc = br_store__gate_alone(s, ALONE_MS, err);

	if (rc < 0)
		return rc;
	if (rc == 0) {
		not_alone(out, s);
		return 1;
	}
	if ((rc = txn ? last_txn(s) == txn : copy(s, fd, path, err)) > 0) {
		rc = replace(s, path, err);
		out->done = rc == 0;
	}
	br_store__gate_open(s);
	return out->done ? 1 : rc;
}

static int shrink_large(struct br_shrunk *out, struct br_store *s, int fd, const char *path, struct br_err *err)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < TRIES; i++) {
		uint64_t txn = last_txn(s);
		if ((rc = copy(s, fd, path, err)) > 0)
			rc = exchange(out, s, fd, path, txn, err);
	}
	if (rc == 0)
		snprintf(out->why, sizeof out->why, "other processes write to the workspace");
	return rc;
}

static int shrink(struct br_shrunk *out, struct br_store *s, uint64_t slack, struct br_err *err)
{
	char *dir = br_path_join(s->dir, "tmp"), *path = NULL;
	uint64_t bytes = br_store_bytes(s) - slack;
	int fd = -1, rc;

	if ((rc = br_mkdirs(dir, 0777, err)) == 0 && (rc = check_room(s, bytes, err)) == 0 && (rc = fd = br_tmp_open(&path, dir, 0600, err)) >= 0)
		rc = bytes <= ALONE_COPY ? exchange(out, s, fd, path, 0, err) : shrink_large(out, s, fd, path, err);
	if (path && !out->done)
		unlink(path);
	if (fd >= 0)
		close(fd);
	free(path);
	free(dir);
	return rc;
}

int br_store_shrink(struct br_shrunk *out, struct br_store *s, struct br_err *err)
{
	uint64_t slack;
	int rc;

	*out = (struct br_shrunk){ .before = br_store_bytes(s) };
	if ((rc = look(&slack, s, err)) == 0 && br_store_worth_shrinking(s, slack)) {
		if (br_store_bytes(s) - slack <= ALONE_COPY || (rc = was_alone(s, err)) > 0)
			rc = BR_MIN(0, shrink(out, s, slack, err));
		else if (rc == 0)
			not_alone(out, s);
	}
	out->after = br_store_bytes(s);
	return rc;
}
