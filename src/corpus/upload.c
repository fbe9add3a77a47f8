/*
 * Uploads of a server: files that came over the network, or bytes, become documents that wait to be indexed, all of a request in one commit.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct new_uploads { struct br_ws *ws; const char *notebook; struct br_new_upload *v; size_t n; };

static int put_new_upload(struct br_txn *t, struct br_nb *nb, struct br_ws *ws, struct br_new_upload *u, struct br_err *err)
{
	struct br_doc d = { .origin = BR_FROM_UPLOAD, .state = BR_DOC_UPLOADED, .title = (char *)(u->title ? u->title : ""), .meta = (char *)"",
		.created = br_now(), .seen_ns = br_now_ns(), .size = u->size };
	uint32_t num;
	int rc;

	free(u->path);
	u->path = br_strdup(u->name);
	rc = u->file ? object_take(ws, u->sha, u->file, err) : object_keep(ws, u->sha, u->bytes, err);
	if (rc < 0 || (rc = doc_by_path(&num, t, nb->nb, u->path, err)) < 0)
		return rc;
	if (rc) {
		free(u->path);
		u->path = br_sprintf("%s/%s", u->id, u->name);
	}
	memcpy(d.id, u->id, sizeof d.id);
	memcpy(d.sha, u->sha, sizeof d.sha);
	d.path = u->path;
	d.doc = nb->next_doc++;
	return doc_put(t, nb->nb, &d, err);
}

static int sync_objects(const struct br_ws *ws, struct br_err *err)
{
	int fd = open(ws->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = fd >= 0 ? syncfs(fd) : -1;

	if (rc < 0)
		br_fail_errno(err, BR_EIO, "cannot write '%s/objects'", ws->dir);
	if (fd >= 0)
		close(fd);
	return rc < 0 ? -BR_EIO : 0;
}

static int put_new_uploads(struct br_txn *t, void *arg, struct br_err *err)
{
	struct new_uploads *p = arg;
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc = br_nb_get(&nb, &a, t, p->notebook, err);

	for (size_t i = 0; i < p->n && rc == 0; i++)
		rc = put_new_upload(t, nb, p->ws, &p->v[i], err);
	if (rc == 0 && (rc = sync_objects(p->ws, err)) == 0)
		rc = nb_store_unseen(t, nb, err);
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

int br_upload_new(struct br_new_upload *v, size_t n, struct br_ws *ws, const char *notebook, struct br_err *err)
{
	struct new_uploads p = { ws, notebook, v, n };
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		v[i].path = NULL;
		if (!v[i].file)
			v[i].size = v[i].bytes.len;
		if (v[i].size > BR_MAX_OBJECT)
			rc = br_fail(err, BR_ETOOBIG, "'%s' has more than %llu MB", v[i].name, BR_MAX_OBJECT >> 20);
		if (!v[i].id[0])
			br_uuid_ordered(v[i].id, br_now_ns() / 1000000);
		if (rc == 0 && v[i].file)
			rc = object_hash(v[i].sha, v[i].file, err);
		else if (rc == 0)
			br_sha256(v[i].sha, v[i].bytes.ptr, v[i].bytes.len);
	}
	return rc < 0 || !n ? rc : br_store_write(ws->store, put_new_uploads, &p, err);
}
