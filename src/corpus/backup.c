/*
 * Backup: the whole workspace as of one commit in one tar file, while others write. The data file is LMDB's own copy; originals never
 * change and are copied before it and, those that came meanwhile, after it, so that every one the copy names is there. Last stands a
 * list of SHA-256 sums. Layout: man/br-backup.1, FORMAT.
 */
#include "backup.h"

#include "br/os.h"
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 17, TELL_NS = 100000000 };

struct object { uint8_t sha[32]; };
struct backup {
	struct br_ws *ws;
	const struct br_backup_opts *opts;
	struct br_backup_stats *stats;
	struct br_outfile out;
	struct br_buf sums;             /* the list, as sha256sum writes it */
	struct br_sha256 sha;           /* of the member in hand */
	uint64_t member;                /* where its header stands */
	struct br_progress progress;
	int64_t told_ns;
	BR_VEC(struct object) done;     /* originals in the file, ascending */
};

static void tell_progress(struct backup *b, uint64_t bytes)
{
	int64_t now = br_mono_ns();

	b->progress.bytes_done += bytes;
	if (!b->opts->progress || now - b->told_ns < TELL_NS)
		return;
	b->told_ns = now;
	b->opts->progress(&b->progress, b->opts->arg);
}

/* ---- members of the tar file ---- */

static int member_begin(struct backup *b, struct br_err *err)
{
	static const char room[TAR_BLOCK];

	b->member = b->out.size;
	br_sha256_init(&b->sha);
	return br_outfile_write(&b->out, room, sizeof room, err);
}

static int member_add(struct br_slice piece, void *arg, struct br_err *err)
{
	struct backup *b = arg;
	int rc = br_check_stop(err);

	if (rc == 0 && (rc = br_outfile_write(&b->out, piece.ptr, piece.len, err)) == 0) {
		br_sha256_add(&b->sha, piece.ptr, piece.len);
		tell_progress(b, piece.len);
	}
	return rc;
}

/* The header can be written only now: nobody knows how large a copy of the data file will be. */
static int member_end(struct backup *b, const char *name, unsigned mode, uint8_t sha[32], struct br_err *err)
{
	static const char zero[TAR_BLOCK];
	struct tar_entry e = { .mode = mode, .size = b->out.size - b->member - TAR_BLOCK, .mtime = br_now() };
	char head[TAR_BLOCK], hex[65];
	int rc;

	memcpy(e.name, name, strlen(name));
	tar_encode(head, &e);
	br_sha256_end(sha, &b->sha);
	br_hex(hex, sha, 32);
	br_buf_addf(&b->sums, "%s  %s\n", hex, name);
	if ((rc = br_outfile_write(&b->out, zero, tar_padding(e.size), err)) < 0)
		return rc;
	return br_outfile_patch(&b->out, b->member, head, sizeof head, err);
}

static int add_folder(struct backup *b, const char *name, struct br_err *err)
{
	struct tar_entry e = { .mode = 0755, .mtime = br_now() };
	char head[TAR_BLOCK];

	memcpy(e.name, name, strlen(name));
	tar_encode(head, &e);
	return br_outfile_write(&b->out, head, sizeof head, err);
}

static int add_bytes(struct backup *b, const char *name, struct br_slice bytes, unsigned mode, struct br_err *err)
{
	uint8_t sha[32];
	int rc = member_begin(b, err);

	if (rc == 0)
		rc = member_add(bytes, b, err);
	return rc < 0 ? rc : member_end(b, name, mode, sha, err);
}

static int add_config(struct backup *b, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_CONFIG);
	char *path = br_path_join(b->ws->dir, "config");
	int rc = 0;

	if (br_is_file(path) && (rc = br_file_read(&text, path, BR_MAX_CONFIG, err)) == 0)
		rc = add_bytes(b, BACKUP_CONFIG, br_buf_slice(&text), 0600, err);
	br_buf_release(&text);
	free(path);
	return rc;
}

static int add_data(struct backup *b, struct br_err *err)
{
	uint8_t sha[32];
	int rc = member_begin(b, err);

	if (rc == 0 && (rc = br_store_copy(b->ws->store, member_add, b, err)) == 0) {
		b->stats->data_bytes = b->out.size - b->member - TAR_BLOCK;
		rc = member_end(b, BACKUP_DATA, 0644, sha, err);
	}
	return rc;
}

/* ---- originals ---- */

struct listing { BR_VEC(struct object) v; uint64_t bytes; };

static int by_sha(const void *a, const void *b) { return memcmp(a, b, 32); }

/* Adds the files of objects/ab whose names are digits; what has another name is none of ours. */
static void list_folder(struct listing *l, const char *objects, const char *two)
{
	char *path = br_path_join(objects, two);
	DIR *d = opendir(path);
	struct dirent *e;
	struct stat st;
	struct object o;
	char hex[65];

	while (d && (e = readdir(d))) {
		if (strlen(e->d_name) != 62)
			continue;
		memcpy(hex, two, 2);
		memcpy(hex + 2, e->d_name, 63);
		if (!backup_unhex(o.sha, hex))
			continue;
		*br_vec_push(&l->v) = o;
		if (fstatat(dirfd(d), e->d_name, &st, 0) == 0)
			l->bytes += (uint64_t)st.st_size;
	}
	if (d)
		closedir(d);
	free(path);
}

static void list_objects(struct listing *l, const struct br_ws *ws)
{
	char *objects = br_path_join(ws->dir, "objects"), two[3];

	*l = (struct listing){ 0 };
	for (unsigned i = 0; i < 256; i++) {
		br_hex(two, &(uint8_t){ (uint8_t)i }, 1);
		list_folder(l, objects, two);
	}
	if (l->v.n)
		qsort(l->v.v, l->v.n, sizeof *l->v.v, by_sha);
	free(objects);
}

static int copy_file(struct backup *b, int fd, const char *path, struct br_err *err)
{
	char *piece = br_alloc(PIECE);
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = read(fd, piece, PIECE)) != 0)
		rc = n < 0 ? br_fail_errno(err, BR_EIO, "cannot read '%s'", path) : member_add(br_slice(piece, (size_t)n), b, err);
	free(piece);
	return rc;
}

static int add_object(struct backup *b, const struct object *o, struct br_err *err)
{
	char *path = object_file(b->ws, o->sha), name[TAR_NAME], hex[65];
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	uint8_t sha[32];

	if (fd < 0) {
		rc = errno == ENOENT ? 0 : br_fail_errno(err, BR_EIO, "cannot read '%s'", path); /* nobody needed it, and it went */
		free(path);
		return rc;
	}
	br_hex(hex, o->sha, 32);
	snprintf(name, sizeof name, BACKUP_OBJECTS "%.2s/%s", hex, hex + 2);
	if ((rc = member_begin(b, err)) == 0 && (rc = copy_file(b, fd, path, err)) == 0 &&
	    (rc = member_end(b, name, 0644, sha, err)) == 0 && memcmp(sha, o->sha, sizeof sha))
		rc = br_fail(err, BR_ECORRUPT, "'%s' is damaged: its content is not that of its name", path);
	close(fd);
	free(path);
	b->stats->objects++;
	return rc;
}

/* Those that are not in the file already; *done is what was there before, in order. */
static int add_objects(struct backup *b, const struct listing *l, struct br_err *err)
{
	size_t before = b->done.n;
	int rc = 0;

	for (size_t i = 0; i < l->v.n && rc == 0; i++) {
		const struct object *o = &l->v.v[i];
		if (before && bsearch(o, b->done.v, before, sizeof *o, by_sha))
			continue;
		if ((rc = add_object(b, o, err)) == 0 && !before)
			*br_vec_push(&b->done) = *o;
	}
	return rc;
}

/* ---- the whole ---- */

static int add_all(struct backup *b, struct br_err *err)
{
	static const char *const folder[] = { ".br/", BACKUP_OBJECTS, ".br/index/", ".br/tmp/" };
	static const char end[2 * TAR_BLOCK];
	struct listing l;
	int rc = 0;

	for (size_t i = 0; i < BR_COUNT(folder) && rc == 0; i++)
		rc = add_folder(b, folder[i], err);
	list_objects(&l, b->ws);
	b->progress.files_total = l.v.n + 1;
	b->progress.bytes_total = l.bytes + br_store_bytes(b->ws->store);
	if (rc == 0 && (rc = add_config(b, err)) == 0 && (rc = add_objects(b, &l, err)) == 0)
		rc = add_data(b, err);
	br_vec_release(&l.v);
	if (rc < 0)
		return rc;
	list_objects(&l, b->ws);
	rc = add_objects(b, &l, err);
	br_vec_release(&l.v);
	if (rc < 0 || (rc = br_buf_check(&b->sums, "list of checksums", err)) < 0)
		return rc;
	if ((rc = add_bytes(b, BACKUP_SUMS, br_buf_slice(&b->sums), 0644, err)) == 0)
		rc = br_outfile_write(&b->out, end, sizeof end, err);
	return rc;
}

static int generation_now(uint64_t *out, struct br_ws *ws, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	*out = br_txn_generation(t);
	br_txn_end(t);
	return 0;
}

int br_backup(struct br_backup_stats *stats, struct br_ws *ws, const char *path, const struct br_backup_opts *opts, struct br_err *err)
{
	struct backup b = { .ws = ws, .opts = opts, .stats = stats };
	int64_t began = br_mono_ns();
	char *tmp = br_path_join(ws->dir, "tmp");
	int rc;

	*stats = (struct br_backup_stats){ 0 };
	br_buf_init(&b.sums, BR_MAX_BACKUP_LIST);
	if ((rc = br_mkdirs(tmp, 0777, err)) == 0 && (rc = generation_now(&stats->generation, ws, err)) == 0 &&
	    (rc = br_outfile_open(&b.out, path, tmp, 0600, err)) == 0 && (rc = add_all(&b, err)) == 0) {
		stats->bytes = b.out.size;
		rc = br_outfile_commit(&b.out, err);
	}
	br_outfile_abort(&b.out);
	stats->seconds = (double)(br_mono_ns() - began) / 1e9;
	br_buf_release(&b.sums);
	br_vec_release(&b.done);
	free(tmp);
	return rc;
}
