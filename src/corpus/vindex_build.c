/*
 * Building vector indexes: when one is due, and how. The codes are copied out of one short snapshot; what takes minutes happens
 * without a transaction and without the writers' lock. A new file is published by renaming, its description last.
 */
#include "vindex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NEWER_MIN 10000u   /* rows behind the index that are scanned without worry, or 5 % of what it covers */

/* ---- policy ---- */

static const char *wanted_kind(const struct br_ws *ws, const char *asked)
{
	return asked ? asked : br_config_get(ws->config, "ann.kind", NULL);
}

/* The kind to build, or false and why none. `now`: of the index there is, NULL if none; auto stays with it. */
static bool choose_kind(enum br_ann_kind *out, char *why, size_t size, const struct br_ws *ws, const struct br_nb *nb, const char *asked, const enum br_ann_kind *now)
{
	const char *kind = wanted_kind(ws, asked);
	int64_t min = br_config_int(ws->config, "ann.min_rows");

	*out = now ? *now : BR_ANN_ivf;
	if (!nb->dim || !nb->next_chunk)
		snprintf(why, size, "there are no vectors");
	else if (!strcmp(kind, "exact"))
		snprintf(why, size, "ann.kind is exact");
	else if (!now && !strcmp(kind, "auto") && nb->next_chunk < min)
		snprintf(why, size, "%u passages are compared one by one; an index is made from %lld on (ann.min_rows)", nb->next_chunk, (long long)min);
	else
		return br_ann_kind_parse(out, kind) || true;
	return false;
}

/* Why another should take the place of the one that is there; "" if it is good enough. */
static void reason_to_build(char *why, size_t size, const struct br_vindex_state *s, enum br_ann_kind kind)
{
	*why = 0;
	if (s->file.kind != kind)
		snprintf(why, size, "it is %s, not %s", br_ann_kind_name(s->file.kind), br_ann_kind_name(kind));
	else if (s->newer > NEWER_MIN && s->newer > s->file.rows / 20)
		snprintf(why, size, "%u passages are newer", s->newer);
	else if (s->dead > s->file.rows / 5)
		snprintf(why, size, "%u of its %u passages were deleted", s->dead, s->file.rows);
}

static void fill_state(struct br_vindex_state *out, const struct sidecar *side, const struct br_nb *nb)
{
	memcpy(out->name, side->name, sizeof out->name);
	out->file = side->file;
	out->bytes = side->size;
	out->generation = side->generation;
	out->newer = nb->next_chunk - side->file.rows;
	out->dead = nb->dead > side->dead ? nb->dead - side->dead : 0;
}

/* The newest file that holds; without one, why says what is wrong with the newest there is. */
static int find_current(struct br_vindex_state *out, struct br_ws *ws, struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	vindex_names names = { 0 };
	int rc = vindex_list(&names, ws, nb->id, err);

	snprintf(out->why, sizeof out->why, "there is none");
	for (size_t i = names.n; i-- > 0 && rc == 0 && !out->name[0];) {
		struct br_ann_index *ann = NULL;
		struct sidecar side;
		struct br_err why;
		int bad = sidecar_read(&side, ws, names.v[i], &why);
		if (bad == -BR_ENOTFOUND) /* being built, or left behind */
			continue;
		out->broken = true;
		if (bad == 0 && out->kind == BR_ANN_KIND_COUNT)
			out->kind = side.file.kind;
		if (bad < 0 || vindex_belongs(&side, t, nb, &why) < 0 || vindex_open(&ann, ws, &side, t, nb, &why) < 0)
			snprintf(out->why, sizeof out->why, "%.190s", why.msg);
		else
			fill_state(out, &side, nb);
		br_ann_index_close(ann);
	}
	out->broken &= !out->name[0];
	vindex_names_release(&names);
	return rc;
}

static int find_state(struct br_vindex_state *out, struct br_ws *ws, struct br_txn *t, const struct br_nb *nb, const char *asked, struct br_err *err)
{
	enum br_ann_kind kind;
	char why[200];
	int rc;

	*out = (struct br_vindex_state){ .kind = BR_ANN_KIND_COUNT };
	if ((rc = find_current(out, ws, t, nb, err)) < 0)
		return rc;
	out->wanted = choose_kind(&kind, why, sizeof why, ws, nb, asked, out->kind < BR_ANN_KIND_COUNT ? &out->kind : NULL);
	if (out->wanted && out->name[0])
		reason_to_build(why, sizeof why, out, kind);
	if (!out->wanted || out->name[0])
		strcpy(out->why, why);
	out->due = out->wanted && out->why[0];
	return 0;
}

bool br_vindex_wanted(const struct br_ws *ws, const struct br_nb *nb)
{
	enum br_ann_kind kind;
	char why[200];

	return choose_kind(&kind, why, sizeof why, ws, nb, NULL, NULL);
}

int br_vindex_state(struct br_vindex_state *out, struct br_ws *ws, struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	return find_state(out, ws, t, nb, NULL, err);
}

/* ---- the copy ---- */

struct copy {
	int8_t *code;
	float *scale;
	struct br_bits live;     /* n 0: all */
	struct br_ann_source src;
	struct sidecar side;
	enum br_ann_kind kind;
};

static void copy_release(struct copy *c)
{
	free(c->code);
	free(c->scale);
	br_bits_release(&c->live);
}

static int copy_block(struct br_ann_block *out, uint32_t block, void *arg, struct br_err *err)
{
	struct copy *c = arg;
	uint32_t first = block * c->src.per_block;

	(void)err;
	out->n = BR_MIN(c->src.per_block, c->src.rows - first);
	out->code = c->code + (size_t)first * c->src.dim;
	out->scale = (const char *)(c->scale + first);
	return 0;
}

/* A block that is not stored leaves zeros: rows without a vector. */
static int copy_rows(struct copy *c, struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	struct br_vec_source from;
	int rc = 0;

	br_vec_source(&from, t, nb->nb, nb->dim, nb->next_chunk);
	c->src = from.ann;
	c->src.block = copy_block;
	c->src.arg = c;
	c->code = br_try_alloc((size_t)nb->next_chunk * nb->dim);
	c->scale = br_try_alloc((size_t)nb->next_chunk * sizeof *c->scale);
	if (!c->code || !c->scale)
		return br_fail(err, BR_ENOMEM, "out of memory for a copy of %u vectors", nb->next_chunk);
	for (uint32_t first = 0; first < nb->next_chunk && rc == 0; first += from.ann.per_block) {
		struct br_ann_block b = { 0 };
		if ((rc = from.ann.block(&b, first / from.ann.per_block, from.ann.arg, err)) < 0 || !b.code)
			continue;
		memcpy(c->code + (size_t)first * nb->dim, b.code, (size_t)b.n * nb->dim);
		memcpy(c->scale + first, b.scale, (size_t)b.n * sizeof *c->scale);
		rc = br_check_stop(err);
	}
	return rc;
}

static int describe(struct copy *c, struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	struct sidecar *s = &c->side;
	const char *faiss = br_ann_faiss(err);
	int rc;

	if (!faiss)
		return -BR_EUNSUPPORTED;
	snprintf(s->faiss, sizeof s->faiss, "%s", faiss);
	if ((rc = vindex_workspace_id(s->workspace, t, err)) < 0 || (rc = vindex_numbering(&s->numbering, t, nb, err)) < 0)
		return rc;
	memcpy(s->notebook, nb->id, sizeof s->notebook);
	memcpy(s->model_id, nb->model_id, sizeof s->model_id);
	memcpy(s->model_sha, nb->model_sha, sizeof s->model_sha);
	s->generation = br_txn_generation(t);
	s->dead = nb->dead;
	sidecar_name(s->name, nb->id, s->generation);
	return 0;
}

/* All files of the notebook but the one named; how many. Readers that have one mapped go on with it. */
static int remove_but(const struct br_ws *ws, const char *nb_id, const char *but, struct br_err *err)
{
	vindex_names names = { 0 };
	int rc = vindex_list(&names, ws, nb_id, err), n = 0;

	for (size_t i = 0; i < names.n && rc == 0; i++) {
		if (strcmp(names.v[i], but)) {
			vindex_remove(ws, names.v[i]);
			n++;
		}
	}
	vindex_names_release(&names);
	return rc < 0 ? rc : n;
}

/* Asked by a person, any newer or deleted passage is reason enough. */
static bool worth_it(const struct br_vindex_state *s, const struct br_vindex_opts *opts)
{
	return s->due || opts->force || (!opts->only_due && (s->newer || s->dead));
}

/* 1: copied and described; 0: nothing to do. */
static int take_copy(struct copy *c, struct br_vindex_state *out, struct br_ws *ws, const char *notebook, const struct br_vindex_opts *opts, struct br_err *err)
{
	struct br_arena arena = { 0 };
	struct br_txn *t = NULL;
	struct br_nb *nb;
	int rc;

	if ((rc = br_txn_read(&t, ws->store, err)) < 0 || (rc = br_nb_get(&nb, &arena, t, notebook, err)) < 0 ||
	    (rc = find_state(out, ws, t, nb, opts->kind, err)) < 0)
		goto out;
	if (!out->wanted && out->broken && br_ann_faiss(NULL)) /* nobody will replace them */
		rc = BR_MIN(0, remove_but(ws, nb->id, "", err));
	if (rc < 0 || !out->wanted || !worth_it(out, opts))
		goto out;
	choose_kind(&c->kind, out->why, sizeof out->why, ws, nb, opts->kind, out->kind < BR_ANN_KIND_COUNT ? &out->kind : NULL);
	br_txn_check_all(t);
	if ((rc = describe(c, t, nb, err)) == 0 && (rc = br_chunks_live(&c->live, t, nb, err)) == 0 && (rc = copy_rows(c, t, nb, err)) == 0)
		rc = 1;
out:
	br_txn_end(t);
	br_arena_release(&arena);
	return rc;
}

/* ---- publishing ---- */

static int publish(const char *tmp, const char *path, struct br_err *err)
{
	if (rename(tmp, path) < 0)
		return br_fail_errno(err, BR_EIO, "cannot write '%s'", path);
	return br_sync_folder_of(path, err);
}

static int publish_index(struct sidecar *s, const struct br_ws *ws, const char *tmp, struct br_err *err)
{
	char *path = vindex_path(ws, s->name, ".faiss");
	int fd = open(tmp, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc;

	if (fd < 0)
		rc = br_fail_errno(err, BR_EIO, "cannot open '%s'", tmp);
	else if ((rc = vindex_hash(s->hash, fd, err)) == 0 && (rc = sidecar_stat(s, fd, err)) == 0)
		rc = publish(tmp, path, err);
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

static int publish_sidecar(const struct sidecar *s, const struct br_ws *ws, struct br_err *err)
{
	char *tmp = br_sprintf("%s/tmp/%s.json", ws->dir, s->name), *path = vindex_path(ws, s->name, ".json");
	struct br_buf text = BR_BUF_INIT(BR_MAX_VINDEX_JSON);
	int rc;

	sidecar_encode(&text, s);
	if ((rc = br_buf_check(&text, "description of the index", err)) == 0 && (rc = br_file_write_atomic(tmp, text.ptr, text.len, 0666, err)) == 0 &&
	    (rc = publish(tmp, path, err)) < 0)
		unlink(tmp);
	br_buf_release(&text);
	free(tmp);
	free(path);
	return rc;
}

/* ---- what is left over ---- */

struct alive { const struct br_ws *ws; vindex_names *names; };

static int keep_notebook(const struct br_nb *nb, void *arg)
{
	struct alive *a = arg;
	size_t k = 0;

	for (size_t i = 0; i < a->names->n; i++) {
		if (strncmp(a->names->v[i], nb->id, 36))
			a->names->v[k++] = a->names->v[i];
		else
			free(a->names->v[i]);
	}
	a->names->n = k;
	return 0;
}

/* Files of notebooks that are gone. */
static int sweep(struct br_ws *ws, struct br_err *err)
{
	vindex_names names = { 0 };
	struct alive a = { ws, &names };
	struct br_txn *t = NULL;
	int rc = vindex_list(&names, ws, "", err);

	if (rc == 0 && names.n && (rc = br_txn_read(&t, ws->store, err)) == 0) {
		rc = br_nb_each(t, keep_notebook, &a, err);
		br_txn_end(t);
	}
	for (size_t i = 0; i < names.n && rc == 0; i++)
		vindex_remove(ws, names.v[i]);
	vindex_names_release(&names);
	return rc;
}

/* ---- all of it ---- */

static int lock(struct br_lock *l, const struct br_ws *ws, int64_t wait_ms, struct br_err *err)
{
	char *dir = br_path_join(ws->dir, "index"), *tmp = br_path_join(ws->dir, "tmp"), *path = br_path_join(dir, "lock");
	int rc;

	if ((rc = br_mkdirs(dir, 0777, err)) == 0 && (rc = br_mkdirs(tmp, 0777, err)) == 0)
		rc = br_lock_take(l, path, wait_ms, err);
	free(dir);
	free(tmp);
	free(path);
	return rc;
}

static int build(struct copy *c, const struct br_ws *ws, const struct br_vindex_opts *opts, struct br_err *err)
{
	struct br_ann_build_opts ann = { .threads = br_cores(), .progress = opts->progress, .arg = opts->arg };
	char *tmp = br_sprintf("%s/tmp/%s.faiss", ws->dir, c->side.name);
	int rc = br_ann_build(&c->side.file, tmp, &c->src, c->live.n ? &c->live : NULL, c->kind, &ann, err);

	if (rc == 0 && (rc = publish_index(&c->side, ws, tmp, err)) < 0)
		unlink(tmp);
	if (rc == 0 && (rc = publish_sidecar(&c->side, ws, err)) < 0)
		vindex_remove(ws, c->side.name);
	free(tmp);
	return rc;
}

int br_vindex_build(struct br_vindex_state *out, struct br_ws *ws, const char *notebook, const struct br_vindex_opts *opts, struct br_err *err)
{
	struct copy c = { 0 };
	struct br_lock l = { 0 };
	int rc;

	*out = (struct br_vindex_state){ 0 };
	if ((rc = lock(&l, ws, opts->wait_ms, err)) < 0)
		return rc;
	if ((rc = sweep(ws, err)) == 0 && (rc = take_copy(&c, out, ws, notebook, opts, err)) > 0 && (rc = build(&c, ws, opts, err)) == 0 &&
	    (rc = remove_but(ws, c.side.notebook, c.side.name, err)) >= 0) {
		struct br_nb as_copied = { .next_chunk = c.src.rows, .dead = c.side.dead };
		fill_state(out, &c.side, &as_copied);
		out->due = false;
		out->why[0] = 0;
		rc = 1;
	}
	if (rc == -BR_ENOTFOUND && c.src.rows) { /* rows, but no vector in any of them */
		snprintf(out->why, sizeof out->why, "there are no vectors");
		rc = 0;
	}
	copy_release(&c);
	br_lock_drop(&l);
	return rc;
}

int br_vindex_drop(struct br_ws *ws, const char *notebook, struct br_err *err)
{
	struct br_arena arena = { 0 };
	struct br_txn *t = NULL;
	struct br_lock l = { 0 };
	struct br_nb *nb;
	int rc;

	if ((rc = br_txn_read(&t, ws->store, err)) == 0 && (rc = br_nb_get(&nb, &arena, t, notebook, err)) == 0 && (rc = lock(&l, ws, 0, err)) == 0)
		rc = remove_but(ws, nb->id, "", err);
	br_lock_drop(&l);
	br_txn_end(t);
	br_arena_release(&arena);
	return rc;
}
