/*
 * Reading a backup: every member's name, size and checksum, and that the list at the end names exactly the members that are there.
 * Verify looks, restore writes what it sees into a folder beside .br and renames that folder once all is found right.
 */
#include "backup.h"

#include "br/os.h"
#include "internal.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 1 << 17, TELL_NS = 100000000 };

struct restore {
	struct br_infile in;
	const struct br_backup_opts *opts;
	struct br_backup_stats *stats;
	const char *into;               /* folder that stands for ".br"; NULL: only look */
	int fd;                         /* the file being written, 0 none */
	struct tar_entry e;             /* the member in hand */
	struct br_buf sums, list;       /* as it should be, as it is in the file */
	bool data;
	int64_t told_ns;
};

bool backup_unhex(uint8_t out[32], const char *hex)
{
	for (int i = 0; i < 64; i++) {
		const char *digits = "0123456789abcdef", *at = hex[i] ? strchr(digits, hex[i]) : NULL;
		if (!at)
			return false;
		out[i / 2] = (uint8_t)((i & 1 ? out[i / 2] << 4 : 0) | (at - digits));
	}
	return !hex[64];
}

static int damaged(struct restore *r, struct br_err *err, const char *what)
{
	return br_fail(err, BR_EINPUT, "'%s' is not a whole backup: at byte %llu: %s", r->in.name, (unsigned long long)r->in.at, what);
}

static int need(struct restore *r, void *p, size_t n, struct br_err *err)
{
	size_t got;
	int rc = br_infile_read(&got, &r->in, p, n, err);

	return rc < 0 || got == n ? rc : damaged(r, err, "it ends too early");
}

static void tell_progress(struct restore *r)
{
	struct br_progress p = { r->stats->objects, r->stats->objects, r->in.at, r->in.size };
	int64_t now = br_mono_ns();

	if (!r->opts->progress || now - r->told_ns < TELL_NS)
		return;
	r->told_ns = now;
	r->opts->progress(&p, r->opts->arg);
}

/* ---- members ---- */

static bool is_object(const char *name)
{
	char hex[65];
	uint8_t sha[32];
	size_t n = sizeof BACKUP_OBJECTS - 1;

	if (strncmp(name, BACKUP_OBJECTS, n) || strlen(name) != n + 65 || name[n + 2] != '/')
		return false;
	snprintf(hex, sizeof hex, "%.2s%s", name + n, name + n + 3);
	return backup_unhex(sha, hex);
}

/* Only names that a backup has: nothing else is ever written, wherever it would lead. */
static bool name_ok(const struct tar_entry *e)
{
	static const char *const folder[] = { ".br/", BACKUP_OBJECTS, ".br/index/", ".br/tmp/" };

	for (size_t i = 0; i < BR_COUNT(folder); i++)
		if (!strcmp(e->name, folder[i]))
			return e->size == 0;
	return !strcmp(e->name, BACKUP_CONFIG) || !strcmp(e->name, BACKUP_DATA) || !strcmp(e->name, BACKUP_SUMS) || is_object(e->name);
}

static bool is_folder(const struct tar_entry *e) { return e->name[strlen(e->name) - 1] == '/'; }

/* Where the member goes; caller frees. */
static char *target(const struct restore *r) { return br_path_join(r->into, r->e.name + 4); }

static int open_target(struct restore *r, struct br_err *err)
{
	char *path = target(r), *dir = br_strndup(path, (size_t)(br_path_base(path) - path));
	int rc = br_mkdirs(is_folder(&r->e) ? path : dir, 0777, err);

	if (rc == 0 && !is_folder(&r->e) && strcmp(r->e.name, BACKUP_SUMS)) {
		r->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, r->e.mode & 0666);
		if (r->fd < 0) {
			r->fd = 0;
			rc = br_fail_errno(err, BR_EIO, "cannot write '%s'", path);
		}
	}
	free(dir);
	free(path);
	return rc;
}

static int take_piece(struct restore *r, const char *p, size_t n, struct br_sha256 *sha, struct br_err *err)
{
	br_sha256_add(sha, p, n);
	if (!strcmp(r->e.name, BACKUP_SUMS))
		br_buf_add(&r->list, p, n);
	if (r->fd > 0 && br_fd_write(r->fd, p, n) < 0)
		return br_fail_errno(err, BR_EIO, "cannot write '%s' of the backup", r->e.name);
	tell_progress(r);
	return br_check_stop(err);
}

static int take_content(struct restore *r, uint8_t out[32], struct br_err *err)
{
	char *piece = br_alloc(PIECE);
	struct br_sha256 sha;
	int rc = 0;

	br_sha256_init(&sha);
	for (uint64_t left = r->e.size; left && rc == 0;) {
		size_t n = (size_t)BR_MIN(left, (uint64_t)PIECE);
		if ((rc = need(r, piece, n, err)) == 0)
			rc = take_piece(r, piece, n, &sha, err);
		left -= n;
	}
	br_sha256_end(out, &sha);
	free(piece);
	return rc;
}

static int take_padding(struct restore *r, struct br_err *err)
{
	char pad[TAR_BLOCK] = { 0 };
	size_t n = tar_padding(r->e.size);
	int rc = need(r, pad, n, err);

	for (size_t i = 0; i < n && rc == 0; i++)
		if (pad[i])
			rc = damaged(r, err, "bytes between two members");
	return rc;
}

/* An original is named after its content. */
static bool object_matches(const struct restore *r, const char *hex)
{
	const char *name = r->e.name + sizeof BACKUP_OBJECTS - 1;

	return !is_object(r->e.name) || (!strncmp(name, hex, 2) && !strcmp(name + 3, hex + 2));
}

static int take_file(struct restore *r, struct br_err *err)
{
	uint8_t sha[32];
	char hex[65];
	int rc = take_content(r, sha, err);

	if (r->fd > 0 && close(r->fd) < 0 && rc == 0)
		rc = br_fail_errno(err, BR_EIO, "cannot write '%s' of the backup", r->e.name);
	r->fd = 0;
	if (rc < 0 || (rc = take_padding(r, err)) < 0 || !strcmp(r->e.name, BACKUP_SUMS))
		return rc;
	br_hex(hex, sha, 32);
	if (!object_matches(r, hex))
		return damaged(r, err, "an original is not what its name says");
	br_buf_addf(&r->sums, "%s  %s\n", hex, r->e.name);
	r->stats->objects += is_object(r->e.name);
	if (!strcmp(r->e.name, BACKUP_DATA)) {
		r->stats->data_bytes = r->e.size;
		r->data = true;
	}
	return br_buf_check(&r->sums, "list of checksums", err);
}

/* ---- the whole ---- */

static int take_end(struct restore *r, struct br_err *err)
{
	char block[TAR_BLOCK + 1];
	struct tar_entry e;
	size_t got;
	int rc = br_infile_read(&got, &r->in, block, sizeof block, err);

	if (rc < 0)
		return rc;
	if (got != TAR_BLOCK || tar_decode(&e, block) != 0)
		return damaged(r, err, "its end");
	if (!r->data)
		return damaged(r, err, "there is no data file in it");
	if (!br_slice_eq(br_buf_slice(&r->sums), br_buf_slice(&r->list)))
		return br_fail(err, BR_EINPUT, "'%s' is damaged: its files do not have the checksums in its list", r->in.name);
	return 0;
}

static int take_all(struct restore *r, struct br_err *err)
{
	char block[TAR_BLOCK];
	int rc, kind;

	for (;;) {
		if ((rc = need(r, block, sizeof block, err)) < 0)
			return rc;
		if ((kind = tar_decode(&r->e, block)) == 0)
			return take_end(r, err);
		if (kind < 0 || !name_ok(&r->e))
			return damaged(r, err, "not the header of a member");
		if (r->list.len)
			return damaged(r, err, "a member behind the list of checksums");
		if ((r->into && (rc = open_target(r, err)) < 0) || (!is_folder(&r->e) && (rc = take_file(r, err)) < 0))
			return rc;
	}
}

static int run(struct br_backup_stats *stats, const char *path, const char *into, const struct br_backup_opts *opts, struct br_err *err)
{
	struct restore r = { .opts = opts, .stats = stats, .into = into };
	int64_t began = br_mono_ns();
	int rc;

	*stats = (struct br_backup_stats){ 0 };
	br_buf_init(&r.sums, BR_MAX_BACKUP_LIST);
	br_buf_init(&r.list, BR_MAX_BACKUP_LIST);
	if ((rc = br_infile_open(&r.in, path, err)) == 0)
		rc = take_all(&r, err);
	if (r.fd > 0)
		close(r.fd);
	stats->bytes = r.in.at;
	stats->seconds = (double)(br_mono_ns() - began) / 1e9;
	br_infile_close(&r.in);
	br_buf_release(&r.sums);
	br_buf_release(&r.list);
	return rc;
}

int br_backup_verify(struct br_backup_stats *stats, const char *path, const struct br_backup_opts *opts, struct br_err *err)
{
	return run(stats, path, NULL, opts, err);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	return remove(path);
}

static int sync_all(const char *dir, struct br_err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || syncfs(fd) < 0 ? br_fail_errno(err, BR_EIO, "cannot write '%s'", dir) : 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

static int put_in_place(const char *tmp, const char *place, struct br_err *err)
{
	int rc = sync_all(tmp, err);

	if (rc == 0 && rename(tmp, place) < 0)
		rc = br_fail_errno(err, BR_EIO, "cannot make '%s'", place);
	return rc < 0 ? rc : br_sync_folder_of(place, err);
}

int br_backup_restore(struct br_backup_stats *stats, const char *path, const char *dir, const struct br_backup_opts *opts,
                      struct br_err *err)
{
	char *place = br_path_join(dir, ".br"), *tmp = br_sprintf("%s/.br-restore-%d", dir, (int)getpid());
	int rc;

	if (access(place, F_OK) == 0)
		rc = br_fail(err, BR_EEXISTS, "'%s' is there already", place);
	else if ((rc = br_mkdirs(tmp, 0777, err)) == 0) {
		if ((rc = run(stats, path, tmp, opts, err)) == 0)
			rc = put_in_place(tmp, place, err);
		if (rc < 0)
			nftw(tmp, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	free(place);
	free(tmp);
	return rc;
}
