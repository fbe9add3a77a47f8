/*
 * Vector indexes in use: the newest file of a notebook that is whole and fits the snapshot, opened once for all searchers of the
 * workspace. What is damaged, foreign or out of date is not used, which the log says once; the exact scan answers instead.
 */
#include "vindex.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTLED_NS 1000000000 /* a folder that changed less than this before it was read may have changed again unseen */

struct br_vindex {
	unsigned refs;
	struct sidecar side;
	struct br_ann_index *ann;
};
struct slot {                           /* a notebook */
	char nb_id[37];
	int64_t folder_ns, looked_ns;   /* mtime of index/ when it was read, and when that was */
	struct br_vindex *cur;          /* NULL: none that could be opened */
	char complaint[400];            /* the last that was told */
};
struct br_vindexes {
	pthread_mutex_t lock;
	BR_VEC(struct slot) slot;
};

struct br_vindexes *br_vindexes_new(void)
{
	struct br_vindexes *v = br_alloc(sizeof *v);

	pthread_mutex_init(&v->lock, NULL);
	return v;
}

static void unref(struct br_vindex *x)
{
	if (!x || --x->refs)
		return;
	br_ann_index_close(x->ann);
	free(x);
}

void br_vindexes_free(struct br_vindexes *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->slot.n; i++)
		unref(v->slot.v[i].cur);
	br_vec_release(&v->slot);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

/* ---- does it fit ---- */

int vindex_workspace_id(char out[37], struct br_txn *t, struct br_err *err)
{
	struct br_slice v;
	int rc = br_get(&v, t, BR_T_META, br_slice_str("uuid"), err);

	if (rc <= 0 || v.len != 36)
		return rc < 0 ? rc : br_fail(err, BR_ECORRUPT, "the workspace has no id");
	memcpy(out, v.ptr, 36);
	out[36] = 0;
	return 0;
}

int vindex_numbering(uint64_t *out, struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	char name[24];

	numbering_name(name, nb->nb);
	return br_meta_get(out, t, name, err);
}

int vindex_belongs(const struct sidecar *s, struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	uint64_t numbering;
	char id[37];
	int rc;

	if ((rc = vindex_workspace_id(id, t, err)) < 0 || (rc = vindex_numbering(&numbering, t, nb, err)) < 0)
		return rc;
	if (strcmp(id, s->workspace))
		return br_fail(err, BR_ENOTFOUND, "it comes from another workspace");
	if (s->file.dim != nb->dim || strcmp(s->model_id, nb->model_id) || memcmp(s->model_sha, nb->model_sha, sizeof s->model_sha))
		return br_fail(err, BR_ENOTFOUND, "its vectors are of another model");
	if (s->numbering != numbering)
		return br_fail(err, BR_ENOTFOUND, "passages were numbered anew since it was built");
	if (s->file.rows > nb->next_chunk || s->generation > br_txn_generation(t))
		return br_fail(err, BR_ENOTFOUND, "it is newer than the notebook");
	return 0;
}

/* ---- opening ---- */

static int check_bytes(const struct sidecar *s, int fd, struct br_err *err)
{
	struct sidecar now = { 0 };
	uint8_t hash[16];
	int rc = sidecar_stat(&now, fd, err);

	if (rc < 0)
		return rc;
	if (now.size != s->size)
		return br_fail(err, BR_ECORRUPT, "it has %llu of %llu bytes", (unsigned long long)now.size, (unsigned long long)s->size);
	if (now.inode == s->inode && now.mtime_ns == s->mtime_ns)
		return 0;
	if ((rc = vindex_hash(hash, fd, err)) < 0)
		return rc;
	return memcmp(hash, s->hash, sizeof hash) ? br_fail(err, BR_ECORRUPT, "it does not match its hash") : 0;
}

static int open_checked(struct br_ann_index **out, int fd, const struct sidecar *s, struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	const char *faiss;
	struct br_vec_source src;
	char path[40];
	int rc;

	if ((rc = check_bytes(s, fd, err)) < 0)
		return rc;
	if (!(faiss = br_ann_faiss(err)))
		return -BR_EUNSUPPORTED;
	if (strcmp(faiss, s->faiss))
		return br_fail(err, BR_ENOTFOUND, "it was written by FAISS %s, this is %s", s->faiss, faiss);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* the file that was checked, whatever stands at its name by now */
	if ((rc = br_ann_index_open(out, path, &s->file, err)) < 0)
		return rc;
	br_vec_source(&src, t, nb->nb, nb->dim, nb->next_chunk);
	if ((rc = br_ann_index_fits(*out, &src.ann, err)) > 0)
		return 0;
	br_ann_index_close(*out);
	*out = NULL;
	return rc < 0 ? rc : br_fail(err, BR_ENOTFOUND, "the notebook's vectors are others by now");
}

int vindex_open(struct br_ann_index **out, const struct br_ws *ws, const struct sidecar *s, struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	char *path = vindex_path(ws, s->name, ".faiss");
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), rc;

	*out = NULL;
	if (fd < 0)
		rc = br_fail_errno(err, BR_ENOTFOUND, "cannot open it");
	else
		rc = open_checked(out, fd, s, t, nb, err);
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

/* ---- the one in use ---- */

static int64_t folder_mtime(const struct br_ws *ws)
{
	char *dir = vindex_path(ws, "", "");
	struct stat st = { 0 };
	int rc = stat(dir, &st);

	free(dir);
	return rc < 0 ? 0 : st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
}

static void complain(struct slot *s, const char *name, const struct br_err *why)
{
	char now[sizeof s->complaint];

	snprintf(now, sizeof now, "%.80s: %.300s", name, why->msg);
	if (!strcmp(now, s->complaint))
		return;
	strcpy(s->complaint, now);
	br_log(BR_LOG_WARN, "vector index %s; searching without it ('br index build' makes a new one)", now);
}

/* The newest whose description can be read; names end with the generation, so order is age. */
static bool newest(struct sidecar *out, struct slot *slot, const struct br_ws *ws)
{
	vindex_names names = { 0 };
	struct br_err err;
	bool found = false;

	if (vindex_list(&names, ws, slot->nb_id, &err) < 0)
		complain(slot, slot->nb_id, &err);
	for (size_t i = names.n; i-- > 0 && !found;) {
		int rc = sidecar_read(out, ws, names.v[i], &err);
		found = rc == 0;
		if (rc < 0 && rc != -BR_ENOTFOUND) /* an index file without a description: being built, or left behind */
			complain(slot, names.v[i], &err);
	}
	vindex_names_release(&names);
	return found;
}

static void look(struct slot *slot, const struct br_ws *ws, struct br_txn *t, const struct br_nb *nb)
{
	int64_t folder_ns = folder_mtime(ws), now = br_mono_ns();
	struct br_ann_index *ann = NULL;
	struct sidecar side;
	struct br_err err;

	if (slot->looked_ns && slot->folder_ns == folder_ns && now - slot->looked_ns > SETTLED_NS)
		return;
	if (slot->folder_ns != folder_ns || !slot->looked_ns) {
		slot->folder_ns = folder_ns;
		slot->looked_ns = now;
	}
	if (newest(&side, slot, ws)) {
		if (slot->cur && !strcmp(slot->cur->side.name, side.name))
			return;
		if (vindex_belongs(&side, t, nb, &err) < 0 || vindex_open(&ann, ws, &side, t, nb, &err) < 0) {
			char *json = vindex_path(ws, side.name, ".json");
			if (access(json, F_OK) == 0) /* else a newer one has just taken its place */
				complain(slot, side.name, &err);
			free(json);
		}
	}
	unref(slot->cur);
	slot->cur = NULL;
	if (ann) {
		slot->cur = br_alloc(sizeof *slot->cur);
		*slot->cur = (struct br_vindex){ .refs = 1, .side = side, .ann = ann };
	}
}

static struct slot *slot_of(struct br_vindexes *v, const char *nb_id)
{
	struct slot *s;

	for (size_t i = 0; i < v->slot.n; i++)
		if (!strcmp(v->slot.v[i].nb_id, nb_id))
			return &v->slot.v[i];
	s = br_vec_push(&v->slot);
	*s = (struct slot){ 0 };
	memcpy(s->nb_id, nb_id, sizeof s->nb_id);
	return s;
}

struct br_vindex *br_vindex_get(struct br_ws *ws, struct br_txn *t, const struct br_nb *nb)
{
	struct br_vindex *out = NULL;
	struct br_err err;
	struct slot *slot;

	if (!ws->vindexes || !nb->dim || !strcmp(br_config_get(ws->config, "ann.kind", NULL), "exact"))
		return NULL;
	pthread_mutex_lock(&ws->vindexes->lock);
	slot = slot_of(ws->vindexes, nb->id);
	look(slot, ws, t, nb);
	if (slot->cur && vindex_belongs(&slot->cur->side, t, nb, &err) < 0) {
		if (slot->cur->side.generation <= br_txn_generation(t)) /* else this reader's snapshot is old, nothing is wrong */
			complain(slot, slot->cur->side.name, &err);
	} else if (slot->cur) {
		out = slot->cur;
		out->refs++;
	}
	pthread_mutex_unlock(&ws->vindexes->lock);
	return out;
}

void br_vindex_put(struct br_ws *ws, struct br_vindex *x)
{
	if (!x)
		return;
	pthread_mutex_lock(&ws->vindexes->lock);
	unref(x);
	pthread_mutex_unlock(&ws->vindexes->lock);
}

const struct br_ann_index *br_vindex_ann(const struct br_vindex *x)
{
	return x ? x->ann : NULL;
}

/* ---- verifying ---- */

static void BR_PRINTF(3, 4) report(br_problem_fn *fn, void *arg, const char *fmt, ...)
{
	char what[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	if (fn)
		fn(what, arg);
}

static int check_hash(const struct br_ws *ws, const struct sidecar *s, struct br_err *err)
{
	char *path = vindex_path(ws, s->name, ".faiss");
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), rc;
	uint8_t hash[16];

	if (fd < 0) {
		rc = br_fail_errno(err, BR_ENOTFOUND, "cannot open '%s'", path);
	} else {
		if ((rc = vindex_hash(hash, fd, err)) == 0 && memcmp(hash, s->hash, sizeof hash))
			rc = br_fail(err, BR_ECORRUPT, "'%s' does not match its hash", path);
		close(fd);
	}
	free(path);
	return rc;
}

int br_vindex_verify(struct br_ws *ws, const struct br_nb *nb, bool repair, br_problem_fn *fn, void *arg, struct br_err *err)
{
	vindex_names names = { 0 };
	int rc = vindex_list(&names, ws, nb->id, err), bad = 0;

	for (size_t i = 0; i < names.n && rc == 0; i++) {
		char *json = vindex_path(ws, names.v[i], ".json");
		struct sidecar s;
		struct br_err why;
		/* an index file alone is one being built, or left by a build that was killed: no damage */
		if (access(json, F_OK) == 0 && (sidecar_read(&s, ws, names.v[i], &why) < 0 || check_hash(ws, &s, &why) < 0)) {
			bad++;
			report(fn, arg, repair ? "repaired: notebook '%s': vector index removed ('br index build' makes a new one): %s" : "notebook '%s': vector index: %s",
			       nb->name, why.msg);
			if (repair)
				vindex_remove(ws, names.v[i]);
		}
		free(json);
	}
	vindex_names_release(&names);
	return rc < 0 ? rc : bad;
}
