/*
 * The seam: br is linked a second time with --wrap for each function named here, so that any one call can fail, be cut
 * short, kill the process, be counted or be recorded. The static archives (LMDB, zstd, PCRE2, ...) go through it too.
 *
 * BR_SEAM is a comma-separated list:
 *   class=NAME     alloc write sync open read map name stat lock spawn thread, or all but alloc: all (the default)
 *   at=N           the Nth call of that class, from 1, fails
 *   from           and every later one
 *   errno=NAME     with this: ENOMEM EIO ENOSPC EMFILE EAGAIN EACCES; spawn and thread as their kind of result
 *   short          a read or write does half of its bytes instead
 *   kill, killed   the process dies by SIGKILL before, after the call
 *   torn           a write does half of its bytes, then the process dies
 *   only=TEXT      counts only calls on paths with TEXT in them (of descriptors: the path that was opened)
 *   count=FILE     u64 for each class in the order above, then how many calls failed
 *   record=FILE    appends every change of a file or folder, with its data, and every write to stdout; see power.py
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum class { ALLOC, WRITE, SYNC, OPEN, READ, MAP, NAME, STAT, LOCK, SPAWN, THREAD, CLASSES };
static const char *const class_name[CLASSES] = {
	"alloc", "write", "sync", "open", "read", "map", "name", "stat", "lock", "spawn", "thread",
};
static const struct { const char *name; int value; } errnos[] = {
	{ "ENOMEM", ENOMEM }, { "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EMFILE", EMFILE }, { "EAGAIN", EAGAIN }, { "EACCES", EACCES },
};

static struct {
	unsigned classes;         /* bit per class; 0: nothing ever fails */
	uint64_t at;
	int err;
	bool from, half, kill_before, kill_after, torn;
	char only[256];
	int record;               /* descriptor, or -1 */
} plan = { .record = -1 };

struct counts { _Atomic uint64_t call[CLASSES], fired; };
static struct counts private_counts, *counts = &private_counts;
static _Atomic uint64_t matching;     /* calls of the planned classes */

#define FDS 1024
static char fd_path[FDS][512];

ssize_t __real_writev(int fd, const struct iovec *v, int n);
ssize_t __real_write(int fd, const void *p, size_t n);
int __real_open(const char *path, int flags, ...);
void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t off);
int __real_ftruncate(int fd, off_t n);
char *__real_getcwd(char *buf, size_t n);

/* ---- BR_SEAM ---- */

static void set_class(const char *name)
{
	for (int i = 0; i < CLASSES; i++)
		if (!strcmp(name, class_name[i]))
			plan.classes = 1u << i;
	if (!strcmp(name, "all"))
		plan.classes = (1u << CLASSES) - 1 - (1u << ALLOC);
}

static void set_errno(const char *name)
{
	for (size_t i = 0; i < sizeof errnos / sizeof *errnos; i++)
		if (!strcmp(name, errnos[i].name))
			plan.err = errnos[i].value;
}

static void share_counts(const char *path)
{
	int fd = __real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	void *p = MAP_FAILED;

	if (fd >= 0 && __real_ftruncate(fd, sizeof *counts) == 0)
		p = __real_mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		counts = p;
	if (fd >= 0)
		close(fd);
}

static bool word(const char *s, const char *name, const char **value)
{
	size_t n = strlen(name);

	*value = s + n;
	return !strncmp(s, name, n);
}

static void set_one(const char *s)
{
	const char *v;

	if (word(s, "class=", &v))
		set_class(v);
	else if (word(s, "at=", &v))
		plan.at = strtoull(v, NULL, 10);
	else if (word(s, "errno=", &v))
		set_errno(v);
	else if (word(s, "only=", &v))
		snprintf(plan.only, sizeof plan.only, "%s", v);
	else if (word(s, "count=", &v))
		share_counts(v);
	else if (word(s, "record=", &v))
		plan.record = __real_open(v, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	else if (!strcmp(s, "from"))
		plan.from = true;
	else if (!strcmp(s, "short"))
		plan.half = true;
	else if (!strcmp(s, "kill"))
		plan.kill_before = true;
	else if (!strcmp(s, "killed"))
		plan.kill_after = true;
	else if (!strcmp(s, "torn"))
		plan.torn = true;
	else {
		fprintf(stderr, "seam: BR_SEAM: what is '%s'?\n", s);
		_exit(99);
	}
}

/* ---- one call ---- */

static _Noreturn void die(void)
{
	for (;;)
		kill(getpid(), SIGKILL);
}

enum verdict { PASS, FAIL, HALF, TORN, DIE_AFTER };

static enum verdict judge(enum class c, const char *path)
{
	uint64_t n;

	if (plan.only[0] && (!path || !strstr(path, plan.only)))
		return PASS;
	atomic_fetch_add(&counts->call[c], 1);
	if (!plan.at || !(plan.classes & 1u << c))
		return PASS;
	n = atomic_fetch_add(&matching, 1) + 1;
	if (n < plan.at || (n > plan.at && !plan.from))
		return PASS;
	atomic_fetch_add(&counts->fired, 1);
	if (plan.kill_before)
		die();
	if (plan.kill_after)
		return DIE_AFTER;
	if (plan.torn)
		return TORN;
	if (plan.half)
		return HALF;
	errno = plan.err;
	return FAIL;
}

/* For calls that cannot be done by half. */
static bool fails(enum class c, const char *path)
{
	enum verdict v = judge(c, path);

	if (v == DIE_AFTER || v == TORN)
		die();
	return v == FAIL;
}

static const char *path_of(int fd) { return fd >= 0 && fd < FDS ? fd_path[fd] : ""; }

static void opened(int fd, const char *path)
{
	if (fd >= 0 && fd < FDS)
		snprintf(fd_path[fd], sizeof fd_path[fd], "%s", path ? path : "");
}

/* ---- the record ---- */

static pthread_mutex_t record_mu = PTHREAD_MUTEX_INITIALIZER;

struct head { uint32_t op, fd; uint64_t off, len; uint32_t flags, path, to; };
enum op { OP_START = 1, OP_OPEN, OP_WRITE, OP_TRUNC, OP_SYNC, OP_RENAME, OP_UNLINK, OP_MKDIR, OP_LINK };

static void absolute(char out[1024], const char *path)
{
	char cwd[512] = "";

	if (path && *path && *path != '/' && !__real_getcwd(cwd, sizeof cwd))
		cwd[0] = 0;
	snprintf(out, 1024, "%s%s%s", cwd, cwd[0] ? "/" : "", path ? path : "");
}

static void record(enum op op, int fd, uint64_t off, const void *data, size_t n, const char *path, const char *to, int flags)
{
	char a[1024], b[1024];
	struct head h = { op, (uint32_t)fd, off, n, (uint32_t)flags, 0, 0 };
	int e = errno;

	if (plan.record < 0)
		return;
	absolute(a, path);
	absolute(b, to);
	h.path = (uint32_t)strlen(a);
	h.to = (uint32_t)strlen(b);
	struct iovec v[] = { { &h, sizeof h }, { a, h.path }, { b, h.to }, { (void *)(uintptr_t)data, data ? n : 0 } };
	if (__real_writev(plan.record, v, 4) < 0)
		die();
	errno = e;
}

__attribute__((constructor)) static void seam_begin(void)
{
	static char text[2048];
	const char *set = getenv("BR_SEAM");

	set_class("all");
	plan.err = EIO;
	if (!set)
		return;
	snprintf(text, sizeof text, "%s", set);
	for (char *save = NULL, *s = strtok_r(text, ",", &save); s; s = strtok_r(NULL, ",", &save))
		set_one(s);
	record(OP_START, 0, 0, NULL, 0, NULL, NULL, 0);
}

/* Changes are made and recorded as one step, so that the record is in their true order. */
#define RECORDED(result, type, call, ok, ...)                                  \
	type result;                                                           \
	if (plan.record >= 0)                                                  \
		pthread_mutex_lock(&record_mu);                                \
	result = call;                                                         \
	if (ok)                                                                \
		record(__VA_ARGS__);                                           \
	if (plan.record >= 0)                                                  \
		pthread_mutex_unlock(&record_mu)

/* ---- calls that only pass or fail: the Makefile takes the names to wrap from these lines ---- */

#define SEAM(type, name, class, bad, path, params, ...)                        \
	type __real_##name params;                                             \
	type __wrap_##name params;                                             \
	type __wrap_##name params { return fails(class, path) ? (bad) : __real_##name(__VA_ARGS__); }

SEAM(void *, malloc, ALLOC, NULL, NULL, (size_t n), n)
SEAM(void *, calloc, ALLOC, NULL, NULL, (size_t n, size_t size), n, size)
SEAM(void *, realloc, ALLOC, NULL, NULL, (void *p, size_t n), p, n)
SEAM(int, posix_memalign, ALLOC, ENOMEM, NULL, (void **p, size_t align, size_t n), p, align, n)
SEAM(void *, aligned_alloc, ALLOC, NULL, NULL, (size_t align, size_t n), align, n)
SEAM(char *, strdup, ALLOC, NULL, NULL, (const char *s), s)
SEAM(char *, strndup, ALLOC, NULL, NULL, (const char *s, size_t n), s, n)
SEAM(int, vasprintf, ALLOC, -1, NULL, (char **p, const char *fmt, va_list ap), p, fmt, ap)
SEAM(ssize_t, readv, READ, -1, path_of(fd), (int fd, const struct iovec *v, int n), fd, v, n)
SEAM(size_t, fread, READ, 0, "", (void *p, size_t size, size_t n, FILE *f), p, size, n, f)
SEAM(ssize_t, __getdelim, READ, -1, "", (char **line, size_t *cap, int delim, FILE *f), line, cap, delim, f)
SEAM(struct dirent *, readdir, READ, NULL, "", (DIR *d), d)
SEAM(DIR *, opendir, OPEN, NULL, path, (const char *path), path)
SEAM(DIR *, fdopendir, OPEN, NULL, path_of(fd), (int fd), fd)
SEAM(FILE *, fopen, OPEN, NULL, path, (const char *path, const char *mode), path, mode)
SEAM(FILE *, fopen64, OPEN, NULL, path, (const char *path, const char *mode), path, mode)
SEAM(int, pipe, OPEN, -1, "", (int fd[2]), fd)
SEAM(int, pipe2, OPEN, -1, "", (int fd[2], int flags), fd, flags)
SEAM(void *, mmap, MAP, MAP_FAILED, path_of(fd), (void *at, size_t n, int prot, int flags, int fd, off_t off), at, n, prot, flags, fd, off)
SEAM(iconv_t, iconv_open, OPEN, (iconv_t)-1, "", (const char *to, const char *from), to, from)
SEAM(int, msync, SYNC, -1, "", (void *p, size_t n, int flags), p, n, flags)
SEAM(int, stat, STAT, -1, path, (const char *path, struct stat *st), path, st)
SEAM(int, fstat, STAT, -1, path_of(fd), (int fd, struct stat *st), fd, st)
SEAM(int, fstatat, STAT, -1, path, (int dir, const char *path, struct stat *st, int flags), dir, path, st, flags)
SEAM(int, __fxstat, STAT, -1, path_of(fd), (int version, int fd, struct stat *st), version, fd, st)
SEAM(int, access, STAT, -1, path, (const char *path, int mode), path, mode)
SEAM(int, statvfs, STAT, -1, path, (const char *path, struct statvfs *st), path, st)
SEAM(int, fstatfs, STAT, -1, path_of(fd), (int fd, struct statfs *st), fd, st)
SEAM(char *, realpath, STAT, NULL, path, (const char *path, char *out), path, out)
SEAM(char *, getcwd, STAT, NULL, "", (char *buf, size_t n), buf, n)
SEAM(int, posix_spawn, SPAWN, plan.err, path, (pid_t *pid, const char *path, const posix_spawn_file_actions_t *fa, const posix_spawnattr_t *at, char *const *argv, char *const *env), pid, path, fa, at, argv, env)
SEAM(int, pthread_create, THREAD, EAGAIN, "", (pthread_t *t, const pthread_attr_t *at, void *(*fn)(void *), void *arg), t, at, fn, arg)

/* ---- calls that can be done by half ---- */

#define READER(name, class, params, half_args, ...)                            \
	ssize_t __real_##name params;                                          \
	ssize_t __wrap_##name params;                                          \
	ssize_t __wrap_##name params                                           \
	{                                                                      \
		enum verdict v = judge(class, path_of(fd));                    \
		if (v == FAIL)                                                 \
			return -1;                                             \
		if (v == HALF)                                                 \
			return __real_##name half_args;                        \
		ssize_t got = __real_##name(__VA_ARGS__);                      \
		if (v == DIE_AFTER || v == TORN)                               \
			die();                                                 \
		return got;                                                    \
	}

READER(read, READ, (int fd, void *p, size_t n), (fd, p, (n + 1) / 2), fd, p, n)
READER(pread, READ, (int fd, void *p, size_t n, off_t off), (fd, p, (n + 1) / 2, off), fd, p, n, off)

static size_t total(const struct iovec *v, int n)
{
	size_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += v[i].iov_len;
	return sum;
}

/* The first `want` bytes of v in one piece; the caller frees. */
void *__real_malloc(size_t n);
static char *gather(const struct iovec *v, int n, size_t want)
{
	char *p = __real_malloc(want + 1);
	size_t at = 0;

	for (int i = 0; i < n && at < want; i++) {
		size_t k = v[i].iov_len < want - at ? v[i].iov_len : want - at;
		memcpy(p + at, v[i].iov_base, k);
		at += k;
	}
	return p;
}

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t off);

/* off < 0: where the file stands. Everything that writes bytes ends here. */
static ssize_t put(int fd, const struct iovec *v, int n, off_t off)
{
	size_t want = total(v, n);
	enum verdict verdict = fd == 2 ? PASS : judge(WRITE, path_of(fd));
	off_t at = off < 0 && plan.record >= 0 ? lseek(fd, 0, SEEK_CUR) : off;
	char *flat;

	if (verdict == FAIL)
		return -1;
	if ((verdict == HALF || verdict == TORN) && want > 1)
		want /= 2;
	flat = gather(v, n, want);
	RECORDED(done, ssize_t, off < 0 ? __real_write(fd, flat, want) : __real_pwrite(fd, flat, want, off), done > 0,
	         OP_WRITE, fd, at < 0 ? 0 : (uint64_t)at, flat, (size_t)done, path_of(fd), NULL, 0);
	free(flat);
	if (verdict == TORN || verdict == DIE_AFTER)
		die();
	return done;
}

ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	return put(fd, &(struct iovec){ (void *)(uintptr_t)p, n }, 1, -1);
}

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t off);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t off)
{
	return put(fd, &(struct iovec){ (void *)(uintptr_t)p, n }, 1, off);
}

ssize_t __wrap_writev(int fd, const struct iovec *v, int n);
ssize_t __wrap_writev(int fd, const struct iovec *v, int n) { return put(fd, v, n, -1); }

ssize_t __wrap_pwritev(int fd, const struct iovec *v, int n, off_t off);
ssize_t __wrap_pwritev(int fd, const struct iovec *v, int n, off_t off) { return put(fd, v, n, off); }

/* ---- files and folders ---- */

int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (fails(OPEN, path))
		return -1;
	RECORDED(fd, int, __real_open(path, flags, mode), fd >= 0, OP_OPEN, fd, 0, NULL, 0, path, NULL, flags);
	opened(fd, path);
	return fd;
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;
	int fd;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (fails(OPEN, path))
		return -1;
	fd = __real_openat(dir, path, flags, mode);
	opened(fd, path);
	return fd;
}

#define CHANGE(name, class, params, where, args, ...)                          \
	int __real_##name params;                                              \
	int __wrap_##name params;                                              \
	int __wrap_##name params                                               \
	{                                                                      \
		enum verdict v = judge(class, where);                          \
		if (v == FAIL)                                                 \
			return -1;                                             \
		RECORDED(rc, int, __real_##name args, rc == 0, __VA_ARGS__);   \
		if (v == DIE_AFTER || v == TORN)                               \
			die();                                                 \
		return rc;                                                     \
	}

CHANGE(ftruncate, WRITE, (int fd, off_t n), path_of(fd), (fd, n), OP_TRUNC, fd, (uint64_t)n, NULL, 0, path_of(fd), NULL, 0)
CHANGE(fsync, SYNC, (int fd), path_of(fd), (fd), OP_SYNC, fd, 0, NULL, 0, path_of(fd), NULL, 0)
CHANGE(fdatasync, SYNC, (int fd), path_of(fd), (fd), OP_SYNC, fd, 0, NULL, 0, path_of(fd), NULL, 1)
CHANGE(rename, NAME, (const char *from, const char *to), from, (from, to), OP_RENAME, 0, 0, NULL, 0, from, to, 0)
CHANGE(link, NAME, (const char *from, const char *to), from, (from, to), OP_LINK, 0, 0, NULL, 0, from, to, 0)
CHANGE(unlink, NAME, (const char *path), path, (path), OP_UNLINK, 0, 0, NULL, 0, path, NULL, 0)
CHANGE(remove, NAME, (const char *path), path, (path), OP_UNLINK, 0, 0, NULL, 0, path, NULL, 0)
CHANGE(mkdir, NAME, (const char *path, mode_t mode), path, (path, mode), OP_MKDIR, 0, 0, NULL, 0, path, NULL, 0)

/* Locks alone can fail; F_DUPFD and the like pass. */
int __real_fcntl(int fd, int cmd, ...);
int __wrap_fcntl(int fd, int cmd, ...);
int __wrap_fcntl(int fd, int cmd, ...)
{
	bool locks = cmd == F_SETLK || cmd == F_SETLKW || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return locks && fails(LOCK, path_of(fd)) ? -1 : __real_fcntl(fd, cmd, arg);
}
