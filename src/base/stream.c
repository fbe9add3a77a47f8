/*
 * Streams. Files that are written piece by piece and appear whole or not at all; and standard output, which gets its bytes only when
 * all of them are there, so that whoever makes them never waits for whoever reads them. Files that are read once through.
 */
#include "br/os.h"

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const struct br_outfile *f, struct br_err *err)
{
	if (f->path)
		return br_fail_errno(err, BR_EIO, "cannot write '%s'", f->path);
	return br_fail_errno(err, BR_EIO, "cannot write to standard output");
}

/* What would be replaced must be a file: a device or a folder was not meant. */
static int may_replace(const char *path, struct br_err *err)
{
	struct stat st;

	if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		return 0;
	return br_fail(err, BR_EINPUT, "cannot write '%s': it is %s", path, S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
}

int br_outfile_open(struct br_outfile *f, const char *path, const char *tmp_dir, unsigned mode, struct br_err *err)
{
	bool out = !strcmp(path, "-");
	char *dir;
	int rc;

	*f = (struct br_outfile){ .fd = -1 };
	if (!out && (rc = may_replace(path, err)) < 0)
		return rc;
	f->path = out ? NULL : br_strdup(path);
	dir = out ? br_strdup(tmp_dir) : br_base__folder_of(path);
	f->fd = rc = br_tmp_open(&f->tmp, dir, mode, err);
	if (rc < 0)
		br_outfile_abort(f);
	else if (out)
		unlink(f->tmp);
	free(dir);
	return BR_MIN(rc, 0);
}

int br_outfile_write(struct br_outfile *f, const void *p, size_t n, struct br_err *err)
{
	f->size += n;
	return br_fd_write(f->fd, p, n) < 0 ? fail(f, err) : 0;
}

int br_outfile_patch(struct br_outfile *f, uint64_t off, const void *p, size_t n, struct br_err *err)
{
	ssize_t got = pwrite(f->fd, p, n, (off_t)off);

	if (got >= 0 && (size_t)got < n)
		errno = ENOSPC;
	return (size_t)got == n ? 0 : fail(f, err);
}

static int pass_on(struct br_outfile *f, struct br_err *err)
{
	char piece[1 << 16];
	ssize_t n;

	if (lseek(f->fd, 0, SEEK_SET) < 0)
		return fail(f, err);
	while ((n = read(f->fd, piece, sizeof piece)) > 0)
		if (br_fd_write(1, piece, (size_t)n) < 0)
			return fail(f, err);
	return n < 0 ? fail(f, err) : 0;
}

static int put_in_place(struct br_outfile *f, struct br_err *err)
{
	int e = fsync(f->fd) < 0 ? errno : 0;

	if (close(f->fd) < 0 && !e)
		e = errno;
	f->fd = -1;
	errno = e;
	if (e || rename(f->tmp, f->path) < 0)
		return fail(f, err);
	free(f->tmp);
	f->tmp = NULL;
	return br_sync_folder_of(f->path, err);
}

int br_outfile_commit(struct br_outfile *f, struct br_err *err)
{
	int rc = f->path ? put_in_place(f, err) : pass_on(f, err);

	br_outfile_abort(f);
	return rc;
}

void br_outfile_abort(struct br_outfile *f)
{
	if (f->fd > 0)
		close(f->fd);
	if (f->tmp && f->path)
		unlink(f->tmp);
	free(f->tmp);
	free(f->path);
	*f = (struct br_outfile){ 0 };
}

/* ---- reading ---- */

int br_infile_open(struct br_infile *f, const char *path, struct br_err *err)
{
	*f = (struct br_infile){ .name = path };
	if (!strcmp(path, "-")) {
		f->name = "standard input";
		return 0;
	}
	return br_base__open_regular(&f->fd, &f->size, path, err);
}

int br_infile_read(size_t *got, struct br_infile *f, void *p, size_t n, struct br_err *err)
{
	*got = 0;
	while (*got < n) {
		size_t some;
		int rc = br_base__read_some(&some, f->fd, (char *)p + *got, n - *got, f->name, err);
		if (rc < 0)
			return rc;
		if (!some)
			break;
		*got += some;
	}
	f->at += *got;
	return 0;
}

void br_infile_close(struct br_infile *f)
{
	if (f->fd > 0)
		close(f->fd);
	f->fd = 0;
}
