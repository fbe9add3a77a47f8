/*
 * os - files, folders, locks, clock, log, processes, worker threads.
 * Part of base. Nothing here prints except the log, which writes to stderr.
 */
#ifndef BR_OS_H
#define BR_OS_H

#include "br/base.h"

#include <sys/types.h>

/* ---- files ---- */

/* Whole file into out (appended). TOOBIG over max, NOTFOUND, IO, INPUT (not a regular file: FIFOs and devices are never opened for reading). */
BR_MUST_USE int br_file_read(struct br_buf *out, const char *path, size_t max, struct br_err *err);
/* All of fd until end of file; for stdin. */
BR_MUST_USE int br_fd_read(struct br_buf *out, int fd, size_t max, const char *name, struct br_err *err);
int br_fd_write(int fd, const void *p, size_t n); /* all of it; 0 or -1 with errno */
/* tmp file beside path, write, fsync, rename, fsync of the folder. */
BR_MUST_USE int br_file_write_atomic(const char *path, const void *p, size_t n, unsigned mode, struct br_err *err);
/*
 * A new file in dir to be written and then renamed: its descriptor, *path (caller frees). It is locked until the descriptor is
 * closed, which the caller does after the rename; br_tmp_sweep counts those in dir whose makers died, and removes them with drop.
 */
BR_MUST_USE int br_tmp_open(char **path, const char *dir, unsigned mode, struct br_err *err);
unsigned br_tmp_sweep(const char *dir, bool drop);
/*
 * A file that is written piece by piece and appears at its path only when committed: whole, synced, in place of what was there.
 * The path "-" is standard output: it gets everything at once, at the commit, from a nameless file in tmp_dir. After a failure,
 * or when it is not wanted after all, abort it; abort after commit does nothing.
 */
struct br_outfile { int fd; char *path, *tmp; uint64_t size; };
BR_MUST_USE int br_outfile_open(struct br_outfile *f, const char *path, const char *tmp_dir, unsigned mode, struct br_err *err);
BR_MUST_USE int br_outfile_write(struct br_outfile *f, const void *p, size_t n, struct br_err *err);
BR_MUST_USE int br_outfile_patch(struct br_outfile *f, uint64_t off, const void *p, size_t n, struct br_err *err); /* over what is written */
BR_MUST_USE int br_outfile_commit(struct br_outfile *f, struct br_err *err);
void br_outfile_abort(struct br_outfile *f);
/* A regular file, or "-" (standard input), read from beginning to end. */
struct br_infile { int fd; uint64_t size, at; const char *name; }; /* size 0: not known */
BR_MUST_USE int br_infile_open(struct br_infile *f, const char *path, struct br_err *err); /* path outlives it */
BR_MUST_USE int br_infile_read(size_t *got, struct br_infile *f, void *p, size_t n, struct br_err *err); /* *got < n: the end */
void br_infile_close(struct br_infile *f);
BR_MUST_USE int br_mkdirs(const char *path, unsigned mode, struct br_err *err); /* durable: what was made is synced */
BR_MUST_USE int br_sync_folder_of(const char *path, struct br_err *err);        /* so that the entry at path is durable */
bool br_is_dir(const char *path);
bool br_is_file(const char *path);
/* Joined and cleaned ("a/./b//c", "a/b/../c" -> "a/c"); caller frees. An absolute b stands alone. */
char *br_path_join(const char *a, const char *b);
char *br_path_abs(const char *path);               /* against the current folder, cleaned, symlinks kept; caller frees */
/* `path` as seen from the folder `base`, both absolute and clean: "../x/y"; caller frees. */
char *br_path_relative(const char *path, const char *base);
const char *br_path_base(const char *path);        /* behind the last '/' */
const char *br_path_ext(const char *path);         /* behind the last '.' of the base name, or ""; ".profile" has none */

struct br_map { const char *ptr; size_t len; };
BR_MUST_USE int br_map_file(struct br_map *out, const char *path, struct br_err *err); /* read-only, private */
void br_unmap(struct br_map *m);

/* ---- walking folders ---- */

struct br_walk_entry {
	const char *path;     /* root joined with rel, openable */
	const char *rel;      /* relative to the root; "" for a root that is itself a file */
	uint64_t size, inode; /* bytes */
	int64_t mtime_ns;
};
struct br_walk_opts {
	bool hidden;          /* also names that begin with '.' */
	bool no_ignore;       /* do not read .gitignore and .brignore */
	const char *const *exclude; /* further gitignore patterns, NULL-terminated, or NULL */
	const char *const *only; /* look only at these paths below the root and what is below them: relative, sorted (strcmp); or NULL */
	size_t n_only;
	void (*folder)(const char *path, void *arg); /* each folder, before it is read; or NULL */
};
/*
 * Calls fn for every regular file below root, sorted by name in each folder (bytewise), so that the order is the
 * same everywhere. Honours .gitignore and .brignore (nested; the nearer file wins; '!' re-includes) and .git/info/exclude.
 * Symlinks to files are followed when they stay inside root, to folders never. Skips sockets, FIFOs, devices and ".br", ".git".
 * A folder or file that cannot be read goes to `bad` (may be NULL), and the walk goes on. fn returning non-zero stops; that value is returned.
 */
typedef int br_walk_fn(const struct br_walk_entry *e, void *arg);
typedef void br_walk_bad_fn(const char *path, const struct br_err *why, void *arg);
BR_MUST_USE int br_walk(const char *root, const struct br_walk_opts *opts, br_walk_fn *fn, br_walk_bad_fn *bad, void *arg, struct br_err *err);

/* ---- watching folders (inotify): what changed below them, told in batches ---- */

struct br_watch;
struct br_watch_opts {
	struct br_walk_opts walk;    /* which folders are watched: those the walk enters */
	int64_t quiet_ms, most_ms;   /* a batch ends when nothing came for so long, or so long after its first change */
	int64_t poll_ms;             /* > 0: no inotify; every so often everything may have changed */
};
struct br_watch_changes {
	bool all;                    /* anything may have changed: too much came, or it is not known what */
	const char *const *path;     /* else these and what is below them: absolute, sorted; they live until the next wait */
	size_t n;
};
/* roots: absolute and clean. TOOBIG names fs.inotify.max_user_watches when that is not enough. */
BR_MUST_USE int br_watch_open(struct br_watch **out, const char *const *root, size_t n, const struct br_watch_opts *opts, struct br_err *err);
/* Sleeps until there is a batch. CANCELLED when br_stop_signal asks; INPUT when a root is gone. */
BR_MUST_USE int br_watch_wait(struct br_watch *w, struct br_watch_changes *out, struct br_err *err);
size_t br_watch_folders(const struct br_watch *w);
void br_watch_close(struct br_watch *w);

/* ---- locks between processes (OFD locks: freed by the kernel when the holder dies) ---- */

struct br_lock { int fd; }; /* 0: not held */
/*
 * Takes the lock file at path, waiting up to wait_ms (-1: for ever). LOCKED names the holder's pid, which is written into the
 * file. Whoever waits comes before a holder that wants the lock again.
 */
BR_MUST_USE int br_lock_take(struct br_lock *l, const char *path, int64_t wait_ms, struct br_err *err);
void br_lock_drop(struct br_lock *l);

/* ---- clock: BR_CLOCK (seconds since 1970) fixes the wall clock for tests ---- */

int64_t br_now(void);        /* seconds since 1970 */
int64_t br_now_ns(void);     /* wall clock */
int64_t br_mono_ns(void);    /* for measuring; BR_CLOCK does not touch it */
void br_time_iso(char out[32], int64_t seconds); /* 2026-01-31T12:00:00Z */
int br_time_parse(int64_t *out, const char *s);  /* that form, or 2026-01-31; -1 if neither */

/* ---- log ---- */

enum br_log_level { BR_LOG_ERROR, BR_LOG_WARN, BR_LOG_INFO, BR_LOG_DEBUG };
extern enum br_log_level br_log_level; /* WARN by default */
void br_log(enum br_log_level level, const char *fmt, ...) BR_PRINTF(2, 3);

/* ---- signals: SIGINT and SIGTERM set a flag that long work asks (a second one ends the program);
 *      SIGPIPE is ignored, so that writing to a closed pipe fails with EPIPE ---- */

void br_catch_signals(void);
int br_stop_signal(void);                                   /* 0, or the signal that asked us to stop */
BR_MUST_USE int br_check_stop(struct br_err *err);          /* CANCELLED when one came */

/* ---- child processes ---- */

struct br_child { pid_t pid; int in, out; }; /* our ends of its stdin and stdout, 0 once closed; its stderr is /dev/null unless keep_stderr */
/* posix_spawn; env may be NULL for an empty environment. argv[0] is a path. */
BR_MUST_USE int br_child_start(struct br_child *c, const char *const *argv, const char *const *env, bool keep_stderr, struct br_err *err);
/* Closes our ends, kills if `kill_it`, reaps. Returns the wait status. */
int br_child_end(struct br_child *c, bool kill_it);

/* ---- worker threads ---- */

/*
 * An ordered pipeline: `n` workers run work(item, state_of_worker); finished items come out of br_pool_take in the
 * order in which they were given. At most `depth` items are inside, so memory is bounded. One thread gives and takes.
 */
struct br_pool;
typedef void br_pool_work(void *item, void *state, void *arg);
struct br_pool_opts {
	unsigned n, depth;             /* n 0: the work is done in br_pool_give, in order */
	void *(*state_new)(void *arg); /* per worker and in its thread, several at once; may be NULL */
	void (*state_free)(void *state);
	br_pool_work *work;
	void *arg;
};
struct br_pool *br_pool_new(const struct br_pool_opts *opts);
bool br_pool_full(const struct br_pool *p);  /* take before the next give: giving to a full pool is a BR_ASSERT */
void br_pool_give(struct br_pool *p, void *item);
void *br_pool_take(struct br_pool *p);       /* blocks for the oldest item; NULL when nothing is inside */
void *br_pool_try_take(struct br_pool *p);   /* NULL when the oldest is not done */
void br_pool_free(struct br_pool *p);        /* waits for what runs; items not taken are leaked to the caller: take them first */
unsigned br_cores(void);                     /* processors we may use (BR_THREADS overrides) */

#endif
