/*
 * The environment: creating it atomically, opening it after a check, the size of its map.
 *
 * A map is address space, not memory, and starts far larger than the file; yet address space is limited under
 * valgrind, sanitizers and `ulimit -v`, so a size that is refused is halved. BR_STORE_MAP (bytes) sets the first size,
 * for tests of growth.
 */
#include "br/os.h"

#include "internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE   0666         /* less the umask */
#define CREATE_MAP  (1ull << 20)

/* ---- sizes ---- */

static uint64_t file_size(const struct br_store *s)
{
	struct stat st;

	return stat(s->data_path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static uint64_t round_up(uint64_t n)
{
	return (n + STORE_MAP_UNIT - 1) / STORE_MAP_UNIT * STORE_MAP_UNIT;
}

static int first_map_size(uint64_t *out, const struct br_store *s, struct br_err *err)
{
	const char *set = getenv("BR_STORE_MAP");
	int64_t n;
	int rc;

	*out = BR_MAX(STORE_MAP_START, 2 * file_size(s));
	if (!set || !*set)
		return 0;
	if ((rc = br_parse_int(&n, set, 1, INT64_MAX / 2, "BR_STORE_MAP", err)) < 0)
		return rc;
	*out = BR_MAX((uint64_t)n, file_size(s));
	return 0;
}

/* LMDB unmaps before it maps and cannot go back when that fails, so the size is tried on a mapping of our own first. */
static bool can_map(MDB_env *env, uint64_t size)
{
	void *p;
	int fd;

	if (size > SIZE_MAX || mdb_env_get_fd(env, &fd))
		return false;
	p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return false;
	munmap(p, size);
	return true;
}

static int grow(struct br_store *s, struct br_err *err)
{
	MDB_envinfo info;
	uint64_t size;
	int rc;

	if ((rc = mdb_env_info(s->env, &info)))
		return br_store__fail(err, s, rc, "map", -1);
	size = round_up(2 * BR_MAX(file_size(s), info.me_mapsize));
	while (!can_map(s->env, size)) {
		if (size <= info.me_mapsize + STORE_MAP_UNIT)
			return br_fail(err, BR_ENOMEM, "cannot map more of '%s': no address space left", s->data_path);
		size = round_up(info.me_mapsize + (size - info.me_mapsize) / 2);
	}
	rc = mdb_env_set_mapsize(s->env, size);
	br_store__watch(s);
	return rc ? br_store__fail(err, s, rc, "map", -1) : 0;
}

int br_store__remap(struct br_store *s, struct br_err *err)
{
	int rc;

	pthread_mutex_lock(&s->mu);
	while (s->remapping)
		pthread_cond_wait(&s->changed, &s->mu);
	s->remapping = true;
	while (s->live)
		pthread_cond_wait(&s->changed, &s->mu);
	rc = grow(s, err);
	s->maps++;
	s->remapping = false;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->mu);
	return rc;
}

/* ---- creation ---- */

int br_store__new_env(MDB_env **out, uint64_t map, const char *path, unsigned flags)
{
	int rc = mdb_env_create(out);

	if (rc) {
		*out = NULL;
		return rc;
	}
	if (!(rc = mdb_env_set_assert(*out, br_store__on_assert)) && !(rc = mdb_env_set_maxdbs(*out, STORE_DBS)) &&
	    !(rc = mdb_env_set_maxreaders(*out, STORE_READERS)) && !(rc = mdb_env_set_mapsize(*out, map)))
		rc = mdb_env_open(*out, path, flags | MDB_NOSUBDIR | MDB_NOTLS, FILE_MODE);
	if (rc) {
		mdb_env_close(*out);
		*out = NULL;
	}
	return rc;
}

static int put_first(MDB_txn *m, MDB_dbi meta, const char *name, const void *p, size_t n)
{
	MDB_val key = br_store__val(br_slice_str(name)), val = { n + STORE_SEAL, NULL };
	int rc = mdb_put(m, meta, &key, &val, MDB_RESERVE);

	if (rc)
		return rc;
	memcpy(val.mv_data, p, n);
	br_store__seal(val.mv_data, n, BR_T_META, br_slice_str(name));
	return 0;
}

static int fill_new(struct br_store *s, MDB_env *env)
{
	char uuid[37], number[3][8];
	MDB_txn *m;
	int rc = mdb_txn_begin(env, NULL, 0, &m);

	if (rc)
		return rc;
	for (int i = 0; !rc && i < BR_TABLE_COUNT; i++)
		rc = mdb_dbi_open(m, s->table_name[i], MDB_CREATE, &s->dbi[i]);
	br_uuid(uuid);
	br_store__le64(number[0], BR_STORE_FORMAT);
	br_store__le64(number[1], (uint64_t)br_now());
	br_store__le64(number[2], 0);
	if (rc || (rc = put_first(m, s->dbi[BR_T_META], "format", number[0], 8)) ||
	    (rc = put_first(m, s->dbi[BR_T_META], "created", number[1], 8)) ||
	    (rc = put_first(m, s->dbi[BR_T_META], "generation", number[2], 8)) ||
	    (rc = put_first(m, s->dbi[BR_T_META], "uuid", uuid, 36))) {
		mdb_txn_abort(m);
		return rc;
	}
	return mdb_txn_commit(m);
}

static int sync_path(const char *path, int flags, struct br_err *err)
{
	int rc = 0, fd = open(path, flags | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		rc = br_fail_errno(err, BR_EIO, "cannot write '%s'", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Under the writer lock, so that there is one creator, and what stands at `tmp` is left from one that died. */
static int create_at(struct br_store *s, const char *tmp, struct br_err *err)
{
	MDB_env *env;
	int rc;

	if (unlink(tmp) < 0 && errno != ENOENT)
		return br_fail_errno(err, BR_EIO, "cannot remove '%s'", tmp);
	if (!(rc = br_store__new_env(&env, CREATE_MAP, tmp, MDB_NOLOCK))) {
		rc = fill_new(s, env);
		mdb_env_close(env);
	}
	if (rc)
		rc = br_store__fail(err, s, rc, "create", -1);
	else if ((rc = sync_path(tmp, O_RDWR, err)) == 0 && rename(tmp, s->data_path) < 0)
		rc = br_fail_errno(err, BR_EIO, "cannot create '%s'", s->data_path);
	if (rc < 0)
		unlink(tmp);
	return rc < 0 ? rc : sync_path(s->dir, O_RDONLY | O_DIRECTORY, err);
}

static int create(struct br_store *s, struct br_err *err)
{
	struct br_lock lock;
	char *tmp;
	int rc;

	if ((rc = br_mkdirs(s->dir, 0777, err)) < 0 || (rc = br_lock_take(&lock, s->lock_path, s->wait_ms, err)) < 0)
		return rc;
	tmp = br_path_join(s->dir, "data.mdb.new");
	if (access(s->data_path, F_OK) < 0)
		rc = create_at(s, tmp, err);
	free(tmp);
	br_lock_drop(&lock);
	return rc;
}

/* ---- opening ---- */

/* Address space that is refused is asked for again by halves; below the file and some room it makes no sense. */
static int map_env(struct br_store *s, struct br_err *err)
{
	uint64_t map, least = file_size(s) + (16 << 20);
	int rc = first_map_size(&map, s, err);

	if (rc < 0)
		return rc;
	for (;;) {
		rc = br_store__new_env(&s->env, round_up(map), s->data_path, 0);
		if ((rc != ENOMEM && rc != EINVAL) || map / 2 < least)
			break;
		map /= 2;
	}
	return rc ? br_store__fail(err, s, rc, "open", -1) : 0;
}

static int check_format(struct br_store *s, MDB_txn *m, struct br_err *err)
{
	MDB_val key = br_store__val(br_slice_str("format")), val;
	int rc = mdb_dbi_open(m, s->table_name[BR_T_META], 0, &s->dbi[BR_T_META]);
	uint64_t format;

	if (!rc)
		rc = mdb_get(m, s->dbi[BR_T_META], &key, &val);
	if (rc == MDB_NOTFOUND)
		return br_fail(err, BR_ECORRUPT, "'%s' is not a data file of br: it has no format record", s->data_path);
	if (rc)
		return br_store__fail(err, s, rc, "read the format of", -1);
	format = val.mv_size >= 8 ? br_rd_le64(val.mv_data) : 0; /* of any version, so its seal is not asked for */
	if (format == 0)
		return br_fail(err, BR_ECORRUPT, "'%s' is damaged: its format record makes no sense", s->data_path);
	if (format > BR_STORE_FORMAT)
		return br_fail(err, BR_EVERSION, "'%s' has format %llu, this br knows formats up to %d", s->data_path,
		               (unsigned long long)format, BR_STORE_FORMAT);
	if (format < BR_STORE_FORMAT)
		return br_fail(err, BR_EVERSION, "'%s' has format %llu of an older br, this br reads format %d: remove it and index again",
		               s->data_path, (unsigned long long)format, BR_STORE_FORMAT);
	return 0;
}

/* Tables from this one on came after format 2 was first written: where one is missing it is made. */
enum { FIRST_LATER_TABLE = BR_T_CHAT };

/* Outside of the writers' count of commits: nothing that anybody has read changes. */
static int add_tables(struct br_store *s, struct br_err *err)
{
	struct br_lock lock;
	MDB_txn *m;
	MDB_dbi dbi;
	int rc = br_lock_take(&lock, s->lock_path, s->wait_ms, err);

	if (rc < 0)
		return rc;
	rc = mdb_txn_begin(s->env, NULL, 0, &m);
	for (int i = FIRST_LATER_TABLE; !rc && i < BR_TABLE_COUNT; i++)
		rc = mdb_dbi_open(m, s->table_name[i], MDB_CREATE, &dbi);
	if (rc)
		mdb_txn_abort(m);
	else
		rc = mdb_txn_commit(m);
	br_lock_drop(&lock);
	return rc ? br_store__fail(err, s, rc, "add tables to", -1) : 0;
}

/* 1: a later table is missing. */
static int open_tables_once(struct br_store *s, struct br_err *err)
{
	struct br_txn *t;
	bool missing = false;
	int rc = br_txn_read(&t, s, err);

	if (rc < 0)
		return rc;
	rc = check_format(s, t->m, err);
	for (int i = 0; rc == 0 && i < BR_TABLE_COUNT; i++) {
		rc = mdb_dbi_open(t->m, s->table_name[i], 0, &s->dbi[i]);
		if (rc == MDB_NOTFOUND && i >= FIRST_LATER_TABLE) {
			missing = true;
			rc = 0;
		}
		if (rc)
			rc = br_store__fail(err, s, rc, "open", i);
	}
	br_store__txn_finish(t, rc == 0);
	return rc ? rc : missing;
}

static int open_tables(struct br_store *s, struct br_err *err)
{
	int rc = open_tables_once(s, err);

	if (rc > 0 && (rc = add_tables(s, err)) == 0)
		rc = open_tables_once(s, err);
	if (rc > 0)
		rc = br_fail(err, BR_ECORRUPT, "'%s' is damaged: tables that were added are not there", s->data_path);
	if (rc == 0)
		br_store__watch(s);
	return rc;
}

struct br_store *br_store__new(const char *dir, int64_t wait_ms)
{
	static const char *const name[] = {
#define X(name) #name,
		BR_TABLE_LIST(X)
#undef X
	};
	struct br_store *s = br_alloc(sizeof *s);

	s->dir = br_strdup(dir);
	s->data_path = br_path_join(dir, "data.mdb");
	s->lock_path = br_path_join(dir, "lock");
	s->gate_path = br_path_join(dir, "gate");
	s->gate = -1;
	s->wait_ms = wait_ms;
	pthread_mutex_init(&s->mu, NULL);
	pthread_cond_init(&s->changed, NULL);
	for (int i = 0; i < BR_TABLE_COUNT; i++)
		for (size_t k = 0; name[i][k]; k++)
			s->table_name[i][k] = (char)tolower((unsigned char)name[i][k]);
	return s;
}

int br_store__open_env(struct br_store *s, struct br_err *err)
{
	int rc;

	if ((rc = br_store__check_file(s->data_path, err)) < 0 || (rc = map_env(s, err)) < 0 || (rc = open_tables(s, err)) < 0)
		return rc;
	mdb_env_set_userctx(s->env, s);
	return 0;
}

void br_store__close_env(struct br_store *s)
{
	BR_ASSERT(!s->live);
	for (struct br_txn *t = s->spare, *next; t; t = next) {
		next = t->next;
		mdb_txn_abort(t->m);
		br_store__txn_free(t);
	}
	s->spare = NULL;
	s->n_spare = 0;
	s->maps++;
	br_store__unwatch(s);
	if (s->env)
		(void)IN_LMDB((mdb_env_close(s->env), 0)); /* frees what a damaged page may have spoilt */
	s->env = NULL;
}

int br_store_open(struct br_store **out, const char *dir, const struct br_store_opts *opts, struct br_err *err)
{
	struct br_store *s = br_store__new(dir, opts ? opts->wait_ms : 0);
	bool there = access(s->data_path, F_OK) == 0;
	int rc = 0;

	*out = NULL;
	signal(SIGXFSZ, SIG_IGN); /* a write over the file size limit is to fail, not to kill */
	if (!there && opts && opts->flags & BR_STORE_CREATE)
		rc = create(s, err);
	else if (!there)
		rc = br_store__check_file(s->data_path, err); /* says so; where no workspace is, no gate is made */
	if (rc < 0 || (rc = br_store__gate_enter(s, err)) < 0 || (rc = br_store__open_env(s, err)) < 0) {
		br_store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void br_store_close(struct br_store *s)
{
	if (!s)
		return;
	br_store__close_env(s);
	br_store__gate_leave(s);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->mu);
	free(s->dir);
	free(s->data_path);
	free(s->lock_path);
	free(s->gate_path);
	free(s);
}

const char *br_store_dir(const struct br_store *s)
{
	return s->dir;
}

uint64_t br_store_bytes(const struct br_store *s)
{
	return file_size(s);
}

const char *br_store_library(void)
{
	static const char name[] = "LMDB " BR_STRINGIFY(MDB_VERSION_MAJOR) "." BR_STRINGIFY(MDB_VERSION_MINOR) "." BR_STRINGIFY(MDB_VERSION_PATCH);

	return name;
}
