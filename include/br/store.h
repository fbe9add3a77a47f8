/*
 * store - the LMDB environment: tables, transactions, the writer lock, growth of the map.
 * Use:     br_store_open; br_txn_begin(read) ... br_txn_end; br_store_write(fn) for every change.
 * Owns:    .br/data.mdb, .br/data.mdb-lock, .br/lock, .br/gate. Nobody else opens them.
 * Threads: a store may be shared; a transaction belongs to one thread, and a thread has one at a time (a second one, also
 *          br_store_write while reading, is refused with BUG). One open store per path and process; never used across fork.
 *          While its owner waits, several threads may br_get from one reading transaction, from table VEC alone, out of which the
 *          owner has read before (so that nothing in the transaction changes).
 * Growth:  when the map must grow, the writer waits until every reading transaction of this process has ended, and new ones
 *          wait meanwhile: whoever reads must not wait for a thread that writes.
 * Lives:   slices that come out point into the map: valid until the transaction ends (in a write transaction:
 *          until the next change). They are unaligned: memcpy numbers out (br_rd_le32 and friends).
 * Fails:   LOCKED, FULL, CORRUPT, VERSION, IO. After FULL or a kill the last commit is intact and readable.
 * Format:  man/br-index.5
 */
#ifndef BR_STORE_H
#define BR_STORE_H

#include "br/base.h"

#define BR_STORE_FORMAT 2

/* Keys of all per-notebook tables (not META, NOTEBOOK, EXTID and those of keys) begin with the notebook's u32, big-endian ("nb"). See br-index(5) for every record. */
#define BR_TABLE_LIST(X)                                                                             \
	X(META)     /* ascii name -> number or text                                            */    \
	X(NOTEBOOK) /* nb -> notebook record                                                   */    \
	X(EXTID)    /* kind u8, external id -> u64                                             */    \
	X(DOC)      /* nb, doc -> document record                                              */    \
	X(PATH)     /* nb, hash128(path) -> doc u32                                            */    \
	X(TEXT)     /* nb, doc, block -> zstd of stored text                                   */    \
	X(CHUNK)    /* nb, first chunk -> a segment of chunk entries of one document           */    \
	X(LEN)      /* nb, block -> u16 length per chunk                                       */    \
	X(VEC)      /* nb, block -> scaled int8 vectors, one row per chunk                     */    \
	X(DEAD)     /* nb, block -> bitmap of deleted chunks                                   */    \
	X(TERM)     /* nb, term -> df, and the postings or where they are                      */    \
	X(POST)     /* nb, term number, first chunk -> packed postings                         */    \
	X(DICT)     /* nb, dictionary id -> zstd dictionary of texts                           */    \
	X(KEY)      /* key number -> key record                                                */    \
	X(KEYREF)   /* kind u8, hash prefix and number, or id -> key number                    */    \
	X(KEYUSE)   /* key number, day -> what it was used for                                 */    \
	X(CHAT)     /* nb, conversation -> its record                                          */    \
	X(MSG)      /* nb, conversation, number -> one message                                 */    \
	X(REPLY)    /* nb, hash128(question and settings) -> an answer that was given          */    \
	X(ASKED)    /* nb, number -> a question that was asked                                 */    \
	X(CONTEXT)  /* nb, doc, block -> what was added to its passages                        */    \
	X(JOB)      /* nb, id of a document -> what is being done with it                      */    \
	X(API)      /* nb or 0, kind u8, name -> what an API of the server keeps              */    \
	X(WIKI)     /* nb, kind u8, name -> plan, pages, versions and patches of a wiki       */    \
	X(HOOK)     /* webhook number -> its record                                            */    \
	X(DELIVERY) /* webhook number, delivery number -> what is sent to it, and how it went  */

enum br_table {
#define X(name) BR_T_##name,
	BR_TABLE_LIST(X)
#undef X
	BR_TABLE_COUNT
};

struct br_store;
struct br_txn;
const char *br_store_library(void); /* "LMDB 0.9.24", what is linked */

enum br_store_flags { BR_STORE_CREATE = 1 };
struct br_store_opts {
	int flags;
	int64_t wait_ms;   /* for the writer lock; -1 for ever */
};

/*
 * dir is the workspace folder (".br"). NOWORKSPACE if there is no data file and no CREATE; with CREATE a data file that is
 * there is opened as it is. Creating is atomic and makes the folder. Ignores SIGXFSZ for the process.
 */
BR_MUST_USE int br_store_open(struct br_store **out, const char *dir, const struct br_store_opts *opts, struct br_err *err);
void br_store_close(struct br_store *s);
const char *br_store_dir(const struct br_store *s);
uint64_t br_store_bytes(const struct br_store *s);       /* size of data.mdb */

/*
 * Every page of data.mdb, without the help of LMDB, which trusts pages: CORRUPT names the page and table. A damaged page may
 * kill the process when records are read from it, so a thorough check of records begins with this one. Opening checks only
 * the file's length, the list of tables and META.
 */
BR_MUST_USE int br_store_check(struct br_store *s, struct br_err *err);

/*
 * For programs, once at their start: from then on a damaged page, on which LMDB stops or reads outside of the data file,
 * calls fn instead of killing the process. fn must be fit for a signal handler, must end the process, and may be called
 * in any thread.
 */
void br_store_on_damage(void (*fn)(void));

/*
 * Replaces a data file with damaged pages by one with all records that can still be read; pages and tables that cannot are told to
 * `lost`. The old one is kept as data.mdb.damaged. Whether what was read is whole remains to be looked at. LOCKED while another
 * process has it open; CORRUPT when nothing can be made of it. dir must not be open in this process.
 */
typedef void br_problem_fn(const char *what, void *arg);
BR_MUST_USE int br_store_salvage(uint64_t *records, const char *dir, int64_t wait_ms, br_problem_fn *lost, void *arg, struct br_err *err);

/*
 * A copy of data.mdb as of one commit, without its free pages, while others write: pieces in order, from the calling thread, which
 * has no transaction and does nothing with the store in fn. fn returning non-zero stops; that value is returned. CORRUPT when the
 * pages do not hang together; records are copied as they are.
 */
typedef int br_copy_fn(struct br_slice piece, void *arg, struct br_err *err);
BR_MUST_USE int br_store_copy(struct br_store *s, br_copy_fn *fn, void *arg, struct br_err *err);

/* A snapshot for reading. Never hold one across a model call or a slow client. */
BR_MUST_USE int br_txn_read(struct br_txn **out, struct br_store *s, struct br_err *err);
void br_txn_end(struct br_txn *t);                       /* NULL is accepted */
uint64_t br_txn_generation(struct br_txn *t);            /* raised by one with every commit; inside br_store_write: the new one */

const char *br_table_name(const struct br_txn *t, enum br_table table); /* in lower case */

/* From now on the checksums of vectors are looked at too, which reading leaves out: those of all other tables always are. */
void br_txn_check_all(struct br_txn *t);

/*
 * Runs fn inside a write transaction under the writer lock, then commits and syncs; what this returns 0 for is durable.
 * When the map must grow, fn's changes are undone and fn is called again: it must be repeatable (start from its
 * inputs, reset its outputs). fn returning non-zero undoes everything; that value is returned.
 */
typedef int br_write_fn(struct br_txn *t, void *arg, struct br_err *err);
BR_MUST_USE int br_store_write(struct br_store *s, br_write_fn *fn, void *arg, struct br_err *err);

/* Runs fn under the writer lock with a snapshot for reading: nobody commits meanwhile. Returns what fn returns. */
BR_MUST_USE int br_store_still(struct br_store *s, br_write_fn *fn, void *arg, struct br_err *err);

/* Bytes of data.mdb that hold nothing. */
BR_MUST_USE int br_store_slack(uint64_t *out, struct br_txn *t, struct br_err *err);
/*
 * Replaces data.mdb by a copy without its free pages when that gives back at least a tenth of it and 1 MB. The caller has no
 * transaction. Not `done` with a reason: it would be worth it, but another process has the workspace open. FULL: no room for
 * the copy. Until it is done the old file is untouched; after a failure of the exchange itself s can only be closed.
 */
bool br_store_worth_shrinking(const struct br_store *s, uint64_t slack);
struct br_shrunk { bool done; uint64_t before, after; char why[100]; };
BR_MUST_USE int br_store_shrink(struct br_shrunk *out, struct br_store *s, struct br_err *err);

/* ---- records; `key` 1 to 511 bytes; key and val must not point into the store when something is changed ---- */

/* 1 found, 0 not there, negative on damage. */
BR_MUST_USE int br_get(struct br_slice *out, struct br_txn *t, enum br_table table, struct br_slice key, struct br_err *err);
BR_MUST_USE int br_put(struct br_txn *t, enum br_table table, struct br_slice key, struct br_slice val, struct br_err *err);
/* As br_put where the caller knows that key sorts behind every key of the table; falls back to br_put when it does not. */
BR_MUST_USE int br_append(struct br_txn *t, enum br_table table, struct br_slice key, struct br_slice val, struct br_err *err);
/* As br_put, the value being the parts one behind the other. */
BR_MUST_USE int br_put_parts(struct br_txn *t, enum br_table table, struct br_slice key, const struct br_slice *part, size_t n, struct br_err *err);
BR_MUST_USE int br_del(struct br_txn *t, enum br_table table, struct br_slice key, struct br_err *err); /* 1 removed, 0 was not there */
BR_MUST_USE int br_del_prefix(struct br_txn *t, enum br_table table, struct br_slice prefix, struct br_err *err);
BR_MUST_USE int br_table_count(uint64_t *out, struct br_txn *t, enum br_table table, struct br_err *err);

/* ---- cursors: keys in byte order ---- */

/*
 * Close cursors before their transaction ends. A new cursor stands outside: next is the first record, prev the last. After
 * "none" it stands nowhere, and next and prev are none too: seek again. Seeking an empty key gives the first record.
 */
struct br_cur {
	void *c;
	struct br_txn *txn;
	enum br_table table;
	struct br_slice key, val;
	struct br_slice within; /* may be set after opening, borrowed: records whose key does not begin with it are not there, damaged or not */
};
BR_MUST_USE int br_cur_open(struct br_cur *c, struct br_txn *t, enum br_table table, struct br_err *err);
/*
 * First key >= key / the neighbours / the last key with this prefix: 1 there (key and val set), 0 none, negative on damage.
 * Where one record's checksum is wrong, key is set, and next and prev go on from there.
 */
int br_cur_seek(struct br_cur *c, struct br_slice key, struct br_err *err);
int br_cur_next(struct br_cur *c, struct br_err *err);
int br_cur_prev(struct br_cur *c, struct br_err *err);
int br_cur_last_le(struct br_cur *c, struct br_slice key, struct br_err *err); /* last key <= key */
void br_cur_close(struct br_cur *c);

/* ---- keys ---- */

struct br_key { char b[512]; size_t n; };
static inline struct br_slice br_key_slice(const struct br_key *k) { return br_slice(k->b, k->n); }
static inline void br_key_init(struct br_key *k, uint32_t nb) { br_be32(k->b, nb); k->n = 4; }
static inline void br_key_u32(struct br_key *k, uint32_t v) { br_be32(k->b + k->n, v); k->n += 4; }
static inline void br_key_bytes(struct br_key *k, const void *p, size_t n)
{
	BR_ASSERT(k->n + n <= 511);
	memcpy(k->b + k->n, p, n);
	k->n += n;
}
static inline bool br_has_prefix(struct br_slice s, struct br_slice prefix)
{
	return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

/* ---- counters in META ---- */

BR_MUST_USE int br_meta_get(uint64_t *out, struct br_txn *t, const char *name, struct br_err *err); /* 0 when never set */
BR_MUST_USE int br_meta_put(struct br_txn *t, const char *name, uint64_t v, struct br_err *err);

#endif
