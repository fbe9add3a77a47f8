/*
 * file - whole files in and out, folders, mappings, paths.
 * Opening for reading never waits: O_NONBLOCK, then only regular files are accepted. Writing is always
 * "beside, fsync, rename, fsync of the folder", so a reader sees the old file or the new one.
 */
#include "br/os.h"

#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TMP_PREFIX ".br-tmp-"

/* ---- descriptors ---- */

int br_base__fd_high(int fd)
{
	int high, e;

	if (fd < 0 || fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	e = errno;
	close(fd);
	errno = e;
	return high;
}

void br_base__fd_wait(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	(void)poll(&p, 1, -1);
}

static int open_fail(struct br_err *err, const char *path)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return br_fail_errno(err, BR_ENOTFOUND, "cannot open '%s'", path);
	case ENXIO:
	case ENODEV:
		return br_fail(err, BR_EINPUT, "'%s' is not a regular file", path);
	default:
		return br_fail_errno(err, BR_EIO, "cannot open '%s'", path);
	}
}

int br_base__open_regular(int *fd_out, uint64_t *size, const char *path, struct br_err *err)
{
	struct stat st;
	int fd = br_base__fd_high(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));

	if (fd < 0)
		return open_fail(err, path);
	if (fstat(fd, &st) < 0) {
		int rc = br_fail_errno(err, BR_EIO, "cannot look at '%s'", path);

		close(fd);
		return rc;
	}
	if (S_ISREG(st.st_mode)) {
		*fd_out = fd;
		*size = (uint64_t)st.st_size;
		return 0;
	}
	close(fd);
	return br_fail(err, BR_EINPUT, "'%s' is %s", path, S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
}

/* ---- reading ---- */

int br_base__read_some(size_t *got, int fd, void *to, size_t room, const char *name, struct br_err *err)
{
	ssize_t n;

	while ((n = read(fd, to, room)) < 0) {
		int rc;

		if (errno == EAGAIN)
			br_base__fd_wait(fd, POLLIN);
		else if (errno != EINTR)
			return br_fail_errno(err, BR_EIO, "cannot read '%s'", name);
		if ((rc = br_check_stop(err)) < 0)
			return rc;
	}
	*got = (size_t)n;
	return 0;
}

/* `hint` bytes go straight into out, what comes after them through a small buffer. */
static int read_all(struct br_buf *out, int fd, size_t hint, size_t max, const char *name, struct br_err *err)
{
	char tail[16384];
	size_t total = 0, n = 0;
	int rc;

	if (hint && !br_buf_reserve(out, hint))
		return br_buf_check(out, name, err);
	do {
		bool direct = total < hint;

		if ((rc = br_base__read_some(&n, fd, direct ? out->ptr + out->len : tail, direct ? hint - total : sizeof tail, name, err)) < 0)
			return rc;
		if (n > max - total)
			return br_fail(err, BR_ETOOBIG, "'%s' is larger than %zu bytes", name, max);
		total += n;
		if (!direct)
			br_buf_add(out, tail, n);
		else if (n)
			out->ptr[out->len += n] = '\0';
	} while (n && !out->failed);
	return br_buf_check(out, name, err);
}

int br_fd_read(struct br_buf *out, int fd, size_t max, const char *name, struct br_err *err)
{
	return read_all(out, fd, 0, max, name, err);
}

int br_file_read(struct br_buf *out, const char *path, size_t max, struct br_err *err)
{
	uint64_t size;
	int fd, rc;

	if ((rc = br_base__open_regular(&fd, &size, path, err)) < 0)
		return rc;
	if (size > max)
		rc = br_fail(err, BR_ETOOBIG, "'%s' is larger than %zu bytes", path, max);
	else
		rc = read_all(out, fd, (size_t)size, max, path, err);
	close(fd);
	return rc;
}

/* ---- writing ---- */

int br_fd_write(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		ssize_t done = write(fd, at, n);

		if (done >= 0) {
			at += done;
			n -= (size_t)done;
		} else if (errno == EAGAIN) {
			br_base__fd_wait(fd, POLLOUT);
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

char *br_base__folder_of(const char *path)
{
	size_t n = (size_t)(br_path_base(path) - path);

	return n ? br_strndup(path, n) : br_strdup(".");
}

static int fsync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc, e;

	if (fd < 0)
		return errno == EACCES ? 0 : -1; /* one that may be written but not read */
	rc = fsync(fd);
	e = errno;
	close(fd);
	errno = e;
	return rc < 0 && e == EINVAL ? 0 : rc; /* some file systems cannot sync a folder */
}

/*
 * Taken 1, refused 0 or -1. The maker of a temporary file keeps it locked, so that br_tmp_sweep can tell it from what a process
 * left that died. Where locks do not work nothing is ever swept.
 */
static int lock_tmp(int fd, int cmd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int rc;

	while ((rc = fcntl(fd, cmd, &fl)) < 0 && errno == EINTR)
		;
	return rc == 0 ? 1 : errno == EAGAIN || errno == EACCES ? 0 : -1;
}

/* A sweep may have come between making the file and locking it. */
static bool swept(int fd)
{
	struct stat st;

	(void)lock_tmp(fd, F_OFD_SETLKW);
	return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

/* A new file of an unused name in dir, so that the umask applies to mode; *name is the caller's. */
static int create_beside(char **name, const char *dir, unsigned mode)
{
	uint8_t rnd[8];
	char hex[17];
	int fd, e;

	for (;;) {
		br_random(rnd, sizeof rnd);
		br_hex(hex, rnd, sizeof rnd);
		*name = br_sprintf("%s/" TMP_PREFIX "%s", dir, hex);
		fd = br_base__fd_high(open(*name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
		if (fd >= 0 && !swept(fd))
			return fd;
		e = errno;
		free(*name);
		*name = NULL;
		if (fd >= 0)
			close(fd);
		else if (e != EEXIST) {
			errno = e;
			return -1;
		}
	}
}

int br_tmp_open(char **path, const char *dir, unsigned mode, struct br_err *err)
{
	int fd = create_beside(path, dir, mode);

	return fd < 0 ? br_fail_errno(err, BR_EIO, "cannot create a file in '%s'", dir) : fd;
}

static bool is_left(int dir, const char *name, bool drop)
{
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool left = fd >= 0 && lock_tmp(fd, F_OFD_SETLK) > 0 && (!drop || unlinkat(dir, name, 0) == 0);

	if (fd >= 0)
		close(fd);
	return left;
}

unsigned br_tmp_sweep(const char *dir, bool drop)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, TMP_PREFIX, strlen(TMP_PREFIX)))
			n += is_left(dirfd(d), e->d_name, drop);
	if (d)
		closedir(d);
	return n;
}

int br_file_write_atomic(const char *path, const void *p, size_t n, unsigned mode, struct br_err *err)
{
	char *dir = br_base__folder_of(path), *tmp = NULL;
	int fd = create_beside(&tmp, dir, mode), rc = 0;
	bool renamed = fd >= 0 && br_fd_write(fd, p, n) == 0 && fsync(fd) == 0 && rename(tmp, path) == 0;

	if (!renamed || fsync_folder(dir) < 0)
		rc = br_fail_errno(err, BR_EIO, "cannot write '%s'", path);
	if (tmp && !renamed)
		unlink(tmp);
	if (fd >= 0)
		close(fd); /* only now: it is locked until it has its name */
	free(tmp);
	free(dir);
	return rc;
}

int br_sync_folder_of(const char *path, struct br_err *err)
{
	char *dir = br_base__folder_of(path);
	int rc = fsync_folder(dir) < 0 ? br_fail_errno(err, BR_EIO, "cannot write '%s'", dir) : 0;

	free(dir);
	return rc;
}

int br_mkdirs(const char *path, unsigned mode, struct br_err *err)
{
	char *part = br_path_join(path, "");
	int rc = 0;

	for (char *slash = part; rc == 0 && slash; ) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(part, mode) == 0)
			rc = br_sync_folder_of(part, err);
		else if (!br_is_dir(part))
			rc = br_fail_errno(err, BR_EIO, "cannot make folder '%s'", part);
		if (slash)
			*slash = '/';
	}
	free(part);
	return rc;
}

bool br_is_dir(const char *path)
{
	struct stat st;
	int e = errno;
	bool yes = stat(path, &st) == 0 && S_ISDIR(st.st_mode);

	errno = e; /* callers ask this to explain a failure that they then report */
	return yes;
}

bool br_is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* ---- mapping ---- */

int br_map_file(struct br_map *out, const char *path, struct br_err *err)
{
	uint64_t size;
	void *p;
	int fd, rc;

	if ((rc = br_base__open_regular(&fd, &size, path, err)) < 0)
		return rc;
	*out = (struct br_map){ "", 0 };
	if (size > PTRDIFF_MAX) {
		rc = br_fail(err, BR_ETOOBIG, "'%s' is too large to map", path);
	} else if (size) {
		p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			rc = br_fail_errno(err, BR_EIO, "cannot map '%s'", path);
		else
			*out = (struct br_map){ p, (size_t)size };
	}
	close(fd);
	return rc;
}

void br_unmap(struct br_map *m)
{
	if (m->len)
		munmap((void *)(uintptr_t)m->ptr, m->len);
	*m = (struct br_map){ NULL, 0 };
}

/* ---- paths ---- */

/* Cuts the last part off a clean path of n bytes; the "/" in front of everything stays. */
static size_t path_up(const char *p, size_t n)
{
	while (n && p[n - 1] != '/')
		n--;
	return n > 1 ? n - 1 : n;
}

/* In place, by the letters alone: no "//", no ".", no ".." but at the front of a relative path; never empty. */
static void path_clean(char *p)
{
	bool rooted = *p == '/';
	const char *from = p;
	size_t n = rooted, keep = n; /* keep: bytes of leading ".." that cannot be taken back */

	while (*from) {
		size_t part = strcspn(from, "/");
		bool up = part == 2 && from[0] == '.' && from[1] == '.';

		if (up && (rooted || n > keep)) {
			n = path_up(p, n);
		} else if (part && !(part == 1 && *from == '.')) {
			if (n > (size_t)rooted)
				p[n++] = '/';
			memmove(p + n, from, part);
			n += part;
			keep = up ? n : keep;
		}
		from += part;
		from += strspn(from, "/");
	}
	if (!n)
		p[n++] = '.';
	p[n] = '\0';
}

char *br_path_join(const char *a, const char *b)
{
	char *p = br_sprintf("%s/%s", *b == '/' ? "" : *a ? a : ".", b);

	path_clean(p);
	return p;
}

char *br_path_abs(const char *path)
{
	char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);
	char *abs = br_path_join(cwd ? cwd : "", path); /* without a current folder the path stays relative */

	free(cwd);
	return abs;
}

/* Bytes of the whole path parts that a and b begin with alike, without the '/' behind them. */
static size_t common_parts(const char *a, const char *b)
{
	size_t same = 0;

	for (size_t i = 0; ; i++) {
		if ((!a[i] || a[i] == '/') && (!b[i] || b[i] == '/'))
			same = i;
		if (!a[i] || a[i] != b[i])
			return same;
	}
}

char *br_path_relative(const char *path, const char *base)
{
	struct br_buf out = BR_BUF_INIT(SIZE_MAX);
	size_t same = common_parts(path, base);
	const char *rest = path + same + (path[same] == '/');

	for (const char *p = base + same + strspn(base + same, "/"); *p; p += strspn(p, "/")) {
		br_buf_adds(&out, out.len ? "/.." : "..");
		p += strcspn(p, "/");
	}
	if (out.len && *rest)
		br_buf_addc(&out, '/');
	br_buf_adds(&out, *rest || out.len ? rest : ".");
	return br_buf_take(&out, NULL);
}

const char *br_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *br_path_ext(const char *path)
{
	const char *base = br_path_base(path), *dot = strrchr(base, '.');

	return dot && dot > base ? dot + 1 : "";
}
