/*
 * Garbage: deleted chunks, originals that no document names, files that dead processes left, free pages of the data file.
 *
 * Every notebook is one commit, after which its index is byte for byte that of a fresh one with the same documents; a reader sees
 * the old or the new one. Originals are looked at under the writer lock, so that no commit can name one meanwhile.
 */
#include "internal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- notebooks ---- */

static int live_chunks(struct br_bits *live, struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	int rc = br_chunks_live(live, t, nb, err);

	if (rc == 0 && !live->n && nb->next_chunk)
		br_bits_init(live, nb->next_chunk, true);
	if (rc == 0 && (live->n != nb->next_chunk || br_bits_count(live) != nb->chunks))
		rc = br_fail(err, BR_ECORRUPT, "notebook '%s': deleted chunks and its counts disagree", nb->name);
	return rc;
}

int gc_notebook(struct br_txn *t, struct br_ws *ws, struct br_nb *nb, bool force, struct br_err *err)
{
	struct br_bits live = { 0 };
	char *tmp;
	int rc;

	if (!nb->dead && !(force && nb->chunks))
		return 0;
	tmp = br_path_join(ws->dir, "tmp");
	br_txn_check_all(t); /* what is written anew gets a new checksum, so that of the old must be right */
	if ((rc = live_chunks(&live, t, nb, err)) == 0 && (rc = br_mkdirs(tmp, 0777, err)) == 0 &&
	    (rc = br_fts_compact(t, nb->nb, &live, tmp, err)) == 0 &&
	    (!nb->dim || (rc = br_vec_compact(t, nb->nb, nb->dim, &live, err)) == 0) &&
	    (rc = renumber_chunks(t, nb, &live, err)) == 0)
		rc = nb_restore(t, nb, err);
	br_bits_release(&live);
	free(tmp);
	return rc < 0 ? rc : 1;
}

struct gc {
	struct br_ws *ws;
	const struct br_gc_opts *opts;
	struct br_gc_report *out;
	BR_VEC(uint32_t) nb;            /* with something to do */
	BR_VEC(struct sha { uint8_t b[32]; }) named; /* originals that documents name, sorted */
	BR_VEC(struct nb_id { char s[37]; }) ids;    /* of notebooks */
};

struct one_nb { struct gc *gc; uint32_t nb; struct br_gc_event e; char *name; };

static int clean_nb(struct br_txn *t, void *arg, struct br_err *err)
{
	struct one_nb *o = arg;
	struct br_arena a = { 0 };
	struct br_fts_stats before = { 0 }, after = { 0 };
	struct br_nb *nb;
	int rc = nb_load(&nb, &a, t, o->nb, err);

	free(o->name);
	o->name = NULL;
	o->e = (struct br_gc_event){ 0 };
	if (rc > 0) { /* else it was deleted meanwhile */
		o->name = br_strdup(nb->name);
		o->e = (struct br_gc_event){ .notebook = o->name, .chunks = nb->dead, .kept = nb->chunks };
		if ((rc = br_fts_stats(&before, t, nb->nb, err)) == 0 && (rc = gc_notebook(t, o->gc->ws, nb, false, err)) >= 0)
			rc = br_fts_stats(&after, t, nb->nb, err);
		o->e.terms = before.terms - after.terms;
	}
	br_arena_release(&a);
	return BR_MIN(0, rc);
}

static void tell_nb(struct gc *gc, const struct br_gc_event *e)
{
	gc->out->notebooks++;
	gc->out->chunks += e->chunks;
	gc->out->terms += e->terms;
	if (gc->opts->event)
		gc->opts->event(e, gc->opts->arg);
}

static int clean_notebooks(struct gc *gc, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < gc->nb.n && rc == 0; i++) {
		struct one_nb o = { .gc = gc, .nb = gc->nb.v[i] };
		if ((rc = br_check_stop(err)) == 0 && (rc = br_store_write(gc->ws->store, clean_nb, &o, err)) == 0 && o.e.notebook)
			tell_nb(gc, &o.e);
		free(o.name);
	}
	return rc;
}

static int find_nb(const struct br_nb *nb, void *arg)
{
	struct gc *gc = arg;
	const char *only = gc->opts->notebook;

	if (!nb->dead || (only && strcmp(only, nb->name) && strcmp(only, nb->id)))
		return 0;
	*br_vec_push(&gc->nb) = nb->nb;
	if (gc->opts->plan)
		tell_nb(gc, &(struct br_gc_event){ .notebook = nb->name, .chunks = nb->dead, .kept = nb->chunks });
	return 0;
}

static int find_notebooks(struct gc *gc, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_txn_read(&t, gc->ws->store, err);

	if (rc < 0)
		return rc;
	if (!gc->opts->notebook || (rc = br_nb_get(&nb, &a, t, gc->opts->notebook, err)) == 0)
		rc = br_nb_each(t, find_nb, gc, err);
	br_txn_end(t);
	br_arena_release(&a);
	return rc;
}

/* ---- files; each is told by its name, and others are left alone ---- */

static void drop_file(struct gc *gc, const char *path, uint64_t *files)
{
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || (!gc->opts->plan && unlink(path) < 0))
		return;
	++*files;
	gc->out->file_bytes += (uint64_t)st.st_size;
}

typedef void file_fn(struct gc *gc, const char *dir, const char *name);

static void each_file(struct gc *gc, const char *dir, file_fn *fn)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			fn(gc, dir, e->d_name);
	if (d)
		closedir(d);
}

static bool is_hex(const char *s, size_t n) { return strlen(s) == n && strspn(s, "0123456789abcdef") == n; }

static int by_bytes(const void *a, const void *b) { return memcmp(a, b, sizeof(struct sha)); }

static uint8_t hex_digit(char c) { return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10); }

static void clean_object(struct gc *gc, const char *dir, const char *name)
{
	const char *two = br_path_base(dir);
	struct sha sha;
	char hex[65], *path;

	if (!is_hex(name, 62))
		return;
	snprintf(hex, sizeof hex, "%s%s", two, name);
	for (size_t i = 0; i < 32; i++)
		sha.b[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
	if (gc->named.n && bsearch(&sha, gc->named.v, gc->named.n, sizeof sha, by_bytes))
		return;
	path = br_path_join(dir, name);
	drop_file(gc, path, &gc->out->objects);
	free(path);
}

static void clean_objects_in(struct gc *gc, const char *dir, const char *name)
{
	char *sub;

	if (!is_hex(name, 2))
		return;
	sub = br_path_join(dir, name);
	each_file(gc, sub, clean_object);
	gc->out->leftovers += br_tmp_sweep(sub, !gc->opts->plan);
	if (!gc->opts->plan)
		rmdir(sub); /* refused unless it is empty */
	free(sub);
}

/* A vector index is named after its notebook (sidecar.c); one of a notebook that is gone serves nobody. */
static void clean_index(struct gc *gc, const char *dir, const char *name)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xxxxxxxx";
	size_t n = sizeof form - 1;
	char *path;

	if (strnlen(name, n) < n || (strcmp(name + n, ".faiss") && strcmp(name + n, ".json")))
		return;
	for (size_t i = 0; i < n; i++)
		if (form[i] == '-' ? name[i] != '-' : !strchr("0123456789abcdef", name[i]))
			return;
	for (size_t i = 0; i < gc->ids.n; i++)
		if (!strncmp(gc->ids.v[i].s, name, 36))
			return;
	path = br_path_join(dir, name);
	drop_file(gc, path, &gc->out->indexes);
	free(path);
}

static int name_original(const struct br_doc *d, void *arg)
{
	struct gc *gc = arg;

	if (d->origin == BR_FROM_UPLOAD)
		memcpy(br_vec_push(&gc->named)->b, d->sha, sizeof d->sha);
	return 0;
}

struct name_originals { struct gc *gc; struct br_txn *t; struct br_err *err; };

static int name_originals_of(const struct br_nb *nb, void *arg)
{
	struct name_originals *n = arg;

	memcpy(br_vec_push(&n->gc->ids)->s, nb->id, sizeof nb->id);
	return br_doc_each(n->t, nb->nb, name_original, n->gc, n->err);
}

static int clean_files(struct br_txn *t, void *arg, struct br_err *err)
{
	struct gc *gc = arg;
	struct name_originals n = { gc, t, err };
	char *objects = br_path_join(gc->ws->dir, "objects"), *index = br_path_join(gc->ws->dir, "index");
	char *left = br_path_join(gc->ws->dir, "data.mdb.new");
	int rc = br_nb_each(t, name_originals_of, &n, err); /* damage stops it: nothing is removed on the word of half the documents */

	if (rc == 0) {
		if (gc->named.n)
			qsort(gc->named.v, gc->named.n, sizeof *gc->named.v, by_bytes);
		each_file(gc, objects, clean_objects_in);
		each_file(gc, index, clean_index);
		drop_file(gc, left, &gc->out->leftovers);
	}
	free(objects);
	free(index);
	free(left);
	return rc;
}

static void sweep(struct gc *gc)
{
	static const char *const dirs[] = { ".", "tmp", "index" };

	for (size_t i = 0; i < BR_COUNT(dirs); i++) {
		char *dir = br_path_join(gc->ws->dir, dirs[i]);
		gc->out->leftovers += br_tmp_sweep(dir, !gc->opts->plan);
		free(dir);
	}
}

/* ---- the whole ---- */

static bool anything(const struct br_gc_report *r) { return r->notebooks || r->objects || r->indexes || r->leftovers || r->shrunk.done; }

static int tell_plan(struct gc *gc, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, gc->ws->store, err);

	if (rc < 0)
		return rc;
	gc->out->generation = br_txn_generation(t);
	rc = br_store_slack(&gc->out->slack, t, err);
	br_txn_end(t);
	if (rc == 0 && (anything(gc->out) || (!gc->opts->no_compact && !gc->opts->passages_only && br_store_worth_shrinking(gc->ws->store, gc->out->slack))))
		rc = br_fail(err, BR_ECHANGES, "there is something to do");
	return rc;
}

static int finish(struct gc *gc, struct br_err *err)
{
	struct br_txn *t;
	int rc = 0;

	if (!gc->opts->no_compact && !gc->opts->passages_only)
		rc = br_store_shrink(&gc->out->shrunk, gc->ws->store, err);
	if (rc < 0 || (rc = br_txn_read(&t, gc->ws->store, err)) < 0)
		return rc;
	gc->out->generation = br_txn_generation(t);
	rc = br_store_slack(&gc->out->slack, t, err);
	br_txn_end(t);
	return rc;
}

int br_gc(struct br_gc_report *out, struct br_ws *ws, const struct br_gc_opts *opts, struct br_err *err)
{
	struct gc gc = { .ws = ws, .opts = opts, .out = out };
	struct br_lock imports = { 0 };
	int rc;

	*out = (struct br_gc_report){ 0 };
	if ((opts->plan || (rc = import_shut_out(&imports, ws, err)) >= 0) && (rc = find_notebooks(&gc, err)) == 0 && (opts->plan || (rc = clean_notebooks(&gc, err)) == 0) &&
	    (opts->passages_only || (rc = br_store_still(ws->store, clean_files, &gc, err)) == 0)) {
		if (!opts->passages_only)
			sweep(&gc);
		rc = opts->plan ? tell_plan(&gc, err) : finish(&gc, err);
	}
	out->anything = anything(out);
	br_lock_drop(&imports);
	br_vec_release(&gc.nb);
	br_vec_release(&gc.named);
	br_vec_release(&gc.ids);
	return rc;
}
