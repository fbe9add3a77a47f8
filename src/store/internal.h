/* store, private: the only module that knows LMDB. */
#ifndef BR_STORE_INTERNAL_H
#define BR_STORE_INTERNAL_H

#include "br/store.h"

#include <lmdb.h>
#include <pthread.h>

#define STORE_DBS        32  /* tables LMDB has handles for: room for later formats */
#define STORE_READERS    512
#define STORE_SPARE_MAX  16  /* read transactions kept for reuse; each holds a reader slot */
#define STORE_MAP_START  (1ull << 30)
#define STORE_SEAL       4   /* bytes behind every value, see seal.c */
#define STORE_MEMO       8192
#define STORE_MAP_UNIT   (1ull << 16) /* map sizes are multiples of it: every page size divides it */

struct store_memo {
	uint64_t generation, maps;
	const char *whole[STORE_MEMO]; /* values whose seal was found right */
};

struct br_txn {
	MDB_txn *m;
	struct br_store *s;
	struct br_txn *prev, *next; /* in s->live; spare ones use next alone */
	pthread_t owner;
	struct store_memo *memo;    /* NULL until the transaction is used again */
	bool check_all;             /* br_txn_check_all */
	bool write, map_full;       /* map_full: a change found no room; the map grows and the work is done again */
	uint64_t generation;        /* write: the one its commit makes */
};

struct br_store {
	MDB_env *env;
	MDB_dbi dbi[BR_TABLE_COUNT];
	char table_name[BR_TABLE_COUNT][12]; /* the names of BR_TABLE_LIST in lower case */
	char *dir, *data_path, *lock_path, *gate_path;
	int64_t wait_ms;
	int gate;                   /* descriptor of the gate; -1: not entered */

	/*
	 * The map may only be changed while no transaction of this process uses it, and LMDB does not check. So every
	 * transaction stands in `live` from before its begin until after its end, and a change of the map waits until
	 * that list is empty; while it waits, new transactions do too.
	 */
	pthread_mutex_t mu;         /* guards what follows */
	pthread_cond_t changed;     /* live became empty, or remapping false */
	struct br_txn *live, *spare;
	unsigned n_spare;
	bool remapping, swept;       /* swept: what dead processes left, before the first write */
	uint64_t maps;              /* how often the map was changed: addresses of another one mean nothing */
};

/* fail.c: `op` as in "cannot read from"; table is a br_table, or -1 for the store as a whole. */
int br_store__fail(struct br_err *err, const struct br_store *s, int rc, const char *op, int table);

/* seal.c: writes the seal behind the n bytes at val; the value without its seal, 1, or CORRUPT; forgets what was found whole. */
void br_store__seal(char *val, size_t n, enum br_table table, struct br_slice key);
int br_store__unseal(struct br_slice *out, struct br_txn *t, enum br_table table, struct br_slice key, MDB_val v, struct br_err *err);
void br_store__memo_begin(struct br_txn *t, uint64_t generation);

/* check.c: is what stands at path, by its header and size, a whole LMDB file? */
int br_store__check_file(const char *path, struct br_err *err);

/* check.c: every record on pages that are in order; what is passed over is told. Nobody else has the file open. */
struct br_store__rescue {
	int (*record)(struct br_slice table, struct br_slice key, struct br_slice val, void *arg, struct br_err *err); /* non-zero ends it */
	void (*lost)(const char *what, void *arg);
	void *arg;
};
int br_store__rescue(const char *path, const struct br_store__rescue *to, struct br_err *err);

/* txn.c: ends a reading transaction without keeping it for reuse; `keep` keeps the table handles opened in it. */
void br_store__txn_finish(struct br_txn *t, bool keep);
void br_store__txn_free(struct br_txn *t);

/*
 * gate.c. Enter: waits while another process exchanges the data file, and is counted as one that has it open until it leaves.
 * Alone: 1 when nobody else has it open, and nobody can come in until `open`; 0 when that could not be had within ms.
 */
int br_store__gate_enter(struct br_store *s, struct br_err *err);
void br_store__gate_leave(struct br_store *s);
int br_store__gate_alone(struct br_store *s, int64_t ms, struct br_err *err);
void br_store__gate_open(struct br_store *s);

/* env.c: a store of which nothing is open yet; an environment at path without locks, for a file that is being made. */
struct br_store *br_store__new(const char *dir, int64_t wait_ms);
int br_store__new_env(MDB_env **out, uint64_t map, const char *path, unsigned flags);
/* env.c: what LMDB has open, and its tables. After a failure s can only be closed. */
int br_store__open_env(struct br_store *s, struct br_err *err);
void br_store__close_env(struct br_store *s);
/* shrink.c: gives the file fd owner and rights of the data file. */
int br_store__inherit(int fd, const struct br_store *s, struct br_err *err);

/* damage.c: from now on faults in s's map, which has come or changed, are known for damage; what LMDB's assertions call. */
void br_store__watch(const struct br_store *s);
void br_store__unwatch(const struct br_store *s);
void br_store__on_assert(MDB_env *env, const char *text);

/* A call of LMDB that goes through pages: what goes wrong in this thread meanwhile is damage, wherever it leads. */
extern _Thread_local unsigned br_store__in_lmdb;
#define IN_LMDB(call) __extension__({ br_store__in_lmdb++; int lmdb_rc_ = (call); br_store__in_lmdb--; lmdb_rc_; })

/* txn.c: LMDB's compact copy of the newest snapshot into fd. */
int br_store__copy(struct br_store *s, int fd, struct br_err *err);

/* env.c: at least doubles the map, once all transactions of this process have ended. */
int br_store__remap(struct br_store *s, struct br_err *err);

static inline void br_store__le64(char out[8], uint64_t v)
{
	for (int i = 0; i < 8; i++)
		out[i] = (char)(v >> 8 * i);
}
static inline MDB_val br_store__val(struct br_slice s) { return (MDB_val){ s.len, (void *)(uintptr_t)s.ptr }; }
static inline struct br_slice br_store__slice(MDB_val v) { return br_slice(v.mv_data, v.mv_size); }

#endif
