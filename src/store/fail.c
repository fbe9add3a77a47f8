/*
 * Translation of LMDB's and the system's error numbers into ours. LMDB reports a full disk as a plain EIO (it sees a
 * short write), so for that one the file system and the file size limit are asked.
 */
#include "internal.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* Bytes. A short write takes what is left, so after one there is less than a block or a preallocation unit. */
#define NO_SPACE (1u << 20)

static bool no_space_left(const struct br_store *s)
{
	struct statvfs fs;
	struct rlimit lim;
	struct stat st;

	if (statvfs(s->dir, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < NO_SPACE)
		return true;
	return getrlimit(RLIMIT_FSIZE, &lim) == 0 && lim.rlim_cur != RLIM_INFINITY &&
	       stat(s->data_path, &st) == 0 && (uint64_t)st.st_size + NO_SPACE > lim.rlim_cur;
}

static enum br_code code_of(const struct br_store *s, int rc)
{
	switch (rc) {
	case MDB_CORRUPTED: case MDB_PAGE_NOTFOUND: case MDB_INVALID: case MDB_NOTFOUND:
	case MDB_INCOMPATIBLE: case MDB_CURSOR_FULL: case MDB_PAGE_FULL:
		return BR_ECORRUPT;
	case MDB_VERSION_MISMATCH:
		return BR_EVERSION;
	case MDB_MAP_FULL: case ENOSPC: case EDQUOT: case EFBIG:
		return BR_EFULL;
	case EIO:
		return no_space_left(s) ? BR_EFULL : BR_EIO;
	case MDB_TXN_FULL:
		return BR_ETOOBIG;
	case MDB_READERS_FULL:
		return BR_ELOCKED;
	case MDB_BAD_VALSIZE: case MDB_BAD_DBI:
		return BR_EBUG;
	case ENOMEM:
		return BR_ENOMEM;
	default:
		return BR_EIO;
	}
}

static const char *text_of(int rc, enum br_code code)
{
	switch (rc) {
	case MDB_MAP_FULL:     return "the memory map is full";
	case MDB_TXN_FULL:     return "too many changes for one transaction";
	case MDB_READERS_FULL: return "too many readers";
	case MDB_BAD_VALSIZE:  return "key or value of a length that cannot be stored";
	case MDB_BAD_TXN:      return "the transaction has failed before";
	case MDB_PANIC:        return "a write failed before; the workspace must be opened again";
	case MDB_NOTFOUND:     return "not there";
	default:               return code == BR_EFULL ? "disk full" : mdb_strerror(rc);
	}
}

int br_store__fail(struct br_err *err, const struct br_store *s, int rc, const char *op, int table)
{
	enum br_code code = code_of(s, rc);

	if (table < 0)
		return br_fail(err, code, "cannot %s '%s': %s", op, s->data_path, text_of(rc, code));
	return br_fail(err, code, "cannot %s table '%s' of '%s': %s", op, s->table_name[table], s->data_path,
	               text_of(rc, code));
}
