/*
 * Import: an exported notebook becomes one of this workspace, whole or not at all. Its records are written in batches under a number that
 * no notebook record names, so that no reader sees them; the last commit writes that record. META "importing" holds the number
 * meanwhile: what an import that died has left is removed by the next, by ingest and by gc. One import runs at a time.
 */
#include "import.h"

#include "brx.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	BATCH_BYTES = 32 << 20,         /* text of one transaction: fewer leave fewer half-full pages, more need less memory */
	PIECES_AHEAD = 8,
	TELL_NS = 100000000,
};

struct original { uint8_t sha[32]; bool there; };
struct import {
	struct br_ws *ws;
	const struct br_import_opts *opts;
	struct br_brx_stats *stats;
	struct br_lock lock;
	struct br_arena arena;
	struct brx_reader r;
	struct br_buf payload;          /* of the section that was read last */
	struct br_nb nb;                /* as it grows; nb.nb 0: nothing written yet */
	struct br_nb counted;           /* languages counted while it grows */
	struct import_env env;
	struct text_dict *dict;
	struct br_pool *pool;
	BR_VEC(struct piece *) batch;
	uint64_t batch_bytes;
	BR_VEC(struct original) want;   /* originals that documents name; sorted once the documents are read */
	struct br_outfile object;       /* the original that is being put together */
	struct br_sha256 sha;
	uint64_t object_size;
	struct br_progress progress;
	int64_t told_ns;
};

static void tell_progress(struct import *im)
{
	int64_t now = br_mono_ns();

	im->progress.bytes_done = im->r.in.at;
	if (!im->opts->progress || now - im->told_ns < TELL_NS)
		return;
	im->told_ns = now;
	im->opts->progress(&im->progress, im->opts->arg);
}

/* ---- the notebook's record ---- */

static void read_lists(struct import *im, struct br_rd *rd)
{
	struct br_nb *nb = &im->nb;
	uint64_t n = br_rd_varint(rd);

	rd->bad |= n > 1000;
	for (uint64_t i = 0; i < n && !rd->bad; i++) {
		struct br_lang_count *l = br_vec_push(&nb->langs);
		*l = (struct br_lang_count){ .docs = 0 };
		get_fixed(l->lang, sizeof l->lang, rd);
		l->docs = (uint32_t)br_rd_varint(rd);
	}
	n = br_rd_varint(rd);
	rd->bad |= n > 100000;
	for (uint64_t i = 0; i < n && !rd->bad; i++)
		*br_vec_push(&nb->roots) = get_str(&im->arena, rd);
}

static bool settings_ok(const struct br_nb *nb)
{
	struct br_jdoc *doc;
	bool ok;

	if (nb->chunking.how > BR_CHUNK_RECURSIVE || nb->chunking.overlap >= nb->chunking.size || nb->chunking.size > BR_MAX_TEXT ||
	    !(nb->k1 >= 0 && nb->k1 <= 1000) || !(nb->b >= 0 && nb->b <= 1) || nb->dim > BR_ANN_MAX_DIM)
		return false;
	for (const char *p = nb->lang; *p; p++)
		if (*p < 'a' || *p > 'z')
			return false;
	for (size_t i = 0; i < nb->roots.n; i++) /* a folder elsewhere on this machine is none of the file's business */
		if (nb->roots.v[i][0] == '/' || !strncmp(nb->roots.v[i], "..", 2) || strstr(nb->roots.v[i], "/.."))
			return false;
	if (br_jdoc_parse(&doc, br_slice_str(nb->settings), "settings", NULL) < 0)
		return false;
	ok = br_jval_type(br_jdoc_root(doc)) == BR_J_OBJ;
	br_jdoc_free(doc);
	return ok;
}

static int read_note(struct import *im, struct br_err *err)
{
	struct br_rd rd = br_rd(br_buf_slice(&im->payload));
	struct br_nb *nb = &im->nb;

	nb->name = get_str(&im->arena, &rd);
	nb->chunking.how = br_rd_u8(&rd);
	nb->chunking.size = (uint32_t)br_rd_varint(&rd);
	nb->chunking.overlap = (uint32_t)br_rd_varint(&rd);
	get_fixed(nb->lang, sizeof nb->lang, &rd);
	nb->k1 = get_double(&rd);
	nb->b = get_double(&rd);
	get_fixed(nb->model_id, sizeof nb->model_id, &rd);
	get_bytes(nb->model_sha, sizeof nb->model_sha, &rd);
	nb->dim = (uint32_t)br_rd_varint(&rd);
	nb->settings = get_str(&im->arena, &rd);
	read_lists(im, &rd);
	if (rd.bad || rd.p != rd.end || !settings_ok(nb) || !br_nb_name_ok(nb->name, NULL))
		return brx_damaged(&im->r, err, "the notebook's settings");
	return 0;
}

/* The vectors of the file serve only the model that made them. */
static int choose_model(struct import *im, struct br_err *err)
{
	const struct br_model_info *m = br_model_info(im->ws->model);
	struct br_nb *nb = &im->nb;
	char theirs[17], ours[17];

	im->env = (struct import_env){ .model = im->ws->model, .dim = nb->dim, .file_dim = nb->dim, .reembed = im->opts->reembed };
	if (im->opts->reembed) {
		space_pin_builtin(nb, im->ws->model);
		im->env.dim = nb->dim;
		return 0;
	}
	if (br_nb_space(im->ws, nb) != BR_SPACE_FOREIGN)
		return 0;
	br_hex(theirs, nb->model_sha, 8);
	br_hex(ours, m->sha, 8);
	return br_fail(err, BR_EUNSUPPORTED, "'%s' was made with model %s (%s, %u dimensions), here is %s (%s, %u)", im->r.in.name,
	               nb->model_id, theirs, nb->dim, m->id, ours, m->dim);
}

static int name_it(struct import *im, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_txn *t;
	struct br_nb *there;
	int rc;

	if (im->opts->as)
		im->nb.name = br_arena_strdup(&im->arena, im->opts->as);
	if (!br_nb_name_ok(im->nb.name, err))
		return -BR_EUSAGE;
	snprintf(im->stats->name, sizeof im->stats->name, "%s", im->nb.name);
	if (im->opts->replace)
		return 0;
	if ((rc = br_txn_read(&t, im->ws->store, err)) < 0)
		return rc;
	if ((rc = nb_by_name(&there, &a, t, im->nb.name, err)) > 0)
		rc = there->next_doc > 0;
	br_txn_end(t);
	br_arena_release(&a);
	return rc > 0 ? br_fail(err, BR_EEXISTS, "a notebook '%s' exists already", im->nb.name) : rc;
}

/* ---- removing what was left ---- */

static int drop_left(struct br_txn *t, void *arg, struct br_err *err)
{
	uint64_t nb;
	int rc = br_meta_get(&nb, t, IMPORTING, err);

	(void)arg;
	if (rc == 0 && nb && (rc = nb_drop_records(t, (uint32_t)nb, err)) == 0)
		rc = br_del(t, BR_T_META, br_slice_str(IMPORTING), err);
	return BR_MIN(rc, 0);
}

static int is_left(struct br_ws *ws, struct br_err *err)
{
	struct br_txn *t;
	uint64_t nb = 0;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_meta_get(&nb, t, IMPORTING, err);
	br_txn_end(t);
	return rc < 0 ? rc : nb != 0;
}

static int sweep_locked(struct br_ws *ws, struct br_err *err)
{
	int rc = is_left(ws, err);

	if (rc > 0 && (rc = br_store_write(ws->store, drop_left, NULL, err)) == 0)
		rc = 1;
	return rc;
}

static int take_lock(struct br_lock *lock, struct br_ws *ws, int64_t wait_ms, struct br_err *err)
{
	char *path = br_path_join(ws->dir, "import.lock");
	int rc = br_lock_take(lock, path, wait_ms, err);

	free(path);
	return rc;
}

int br_import_sweep(struct br_ws *ws, struct br_err *err)
{
	struct br_lock lock = { 0 };
	int rc = is_left(ws, err);

	if (rc <= 0)
		return rc;
	if ((rc = take_lock(&lock, ws, 0, err)) == -BR_ELOCKED)
		return 0; /* it is being written */
	if (rc == 0)
		rc = sweep_locked(ws, err);
	br_lock_drop(&lock);
	return rc;
}

int import_shut_out(struct br_lock *lock, struct br_ws *ws, struct br_err *err)
{
	int rc = take_lock(lock, ws, ws->wait_ms, err);

	return rc == 0 ? sweep_locked(ws, err) : rc;
}

/* ---- batches ---- */

static void piece_free(struct piece *p)
{
	if (!p)
		return;
	br_buf_release(&p->docs);
	br_buf_release(&p->contexts);
	br_buf_release(&p->vecs);
	slice_free(p->s);
	free(p);
}

struct apply {
	struct import *im;
	struct br_txn *t;
	uint32_t nb, next_doc, next_chunk;
};

/* The first batch takes a number; later ones make sure that it is still ours. */
static int claim(struct apply *a, struct br_err *err)
{
	uint64_t v;
	int rc;

	if (a->nb) {
		rc = br_meta_get(&v, a->t, IMPORTING, err);
		return rc < 0 || v == a->nb ? rc : br_fail(err, BR_ELOCKED, "what was imported so far has been removed by another process");
	}
	if ((rc = br_meta_get(&v, a->t, "next_notebook", err)) < 0)
		return rc;
	a->nb = v ? (uint32_t)v : 1;
	if ((rc = br_meta_put(a->t, "next_notebook", a->nb + 1, err)) < 0)
		return rc;
	if (a->im->dict && (rc = text_dict_put(a->t, a->nb, a->im->dict, err)) < 0)
		return rc;
	return br_meta_put(a->t, IMPORTING, a->nb, err);
}

static int put_index(struct apply *a, struct br_err *err)
{
	struct import *im = a->im;
	struct br_fts_unit **unit = br_allocn(im->batch.n + 1, sizeof *unit);
	uint32_t at = a->next_chunk, dim = im->env.dim;
	int rc;

	for (size_t i = 0; i < im->batch.n; i++)
		unit[i] = im->batch.v[i]->s->unit;
	rc = br_fts_write(a->t, a->nb, at, unit, im->batch.n, err);
	for (size_t i = 0; i < im->batch.n && rc == 0; at += im->batch.v[i++]->s->chunks) {
		const struct slice *s = im->batch.v[i]->s;
		if (dim && s->chunks)
			rc = br_vec_write(a->t, a->nb, dim, at, s->code.v, s->scale.v, s->chunks, err);
	}
	free(unit);
	return rc;
}

static int put_doc(struct apply *a, const struct made *m, struct br_err *err)
{
	struct br_doc d = m->doc;
	uint32_t there;
	int rc = doc_by_path(&there, a->t, a->nb, d.path, err);

	if (rc)
		return rc < 0 ? rc : br_fail(err, BR_EINPUT, "'%s' is damaged: document '%s' comes twice", a->im->r.in.name, d.path);
	d.doc = a->next_doc++;
	d.created = br_now();
	if (d.chunks) {
		d.indexed = d.created;
		d.first_chunk = a->next_chunk;
		a->next_chunk += d.chunks;
	}
	if ((rc = doc_put(a->t, a->nb, &d, err)) == 0 && (rc = text_put(a->t, a->nb, d.doc, &m->text, err)) == 0 &&
	    (!m->ctx || (rc = ctx_store(a->t, a->nb, d.doc, m->ctx, d.chunks, err)) == 0))
		rc = chunks_put(a->t, a->nb, d.doc, d.first_chunk, &m->chunks, err);
	return rc;
}

static int apply(struct br_txn *t, void *arg, struct br_err *err)
{
	struct apply *a = arg;
	struct import *im = a->im;
	int rc;

	*a = (struct apply){ im, t, im->nb.nb, im->nb.next_doc, im->nb.next_chunk };
	if ((rc = claim(a, err)) < 0 || (rc = put_index(a, err)) < 0)
		return rc;
	for (size_t i = 0; i < im->batch.n && rc == 0; i++)
		for (size_t k = 0; k < im->batch.v[i]->s->made.n && rc == 0; k++)
			rc = put_doc(a, &im->batch.v[i]->s->made.v[k], err);
	return rc;
}

static void count_doc(struct import *im, const struct br_doc *d)
{
	im->stats->docs++;
	im->stats->chunks += d->chunks;
	im->progress.files_done++;
	if (d->origin == BR_FROM_UPLOAD) {
		struct original *o = br_vec_push(&im->want);
		*o = (struct original){ .there = false };
		memcpy(o->sha, d->sha, sizeof o->sha);
	}
	if (!d->chunks)
		return;
	im->nb.docs++;
	im->nb.chunks += d->chunks;
	im->nb.text_bytes += d->text_bytes;
	im->nb.source_bytes += d->size;
	nb_count_lang(&im->counted, &im->arena, d->lang, 1);
}

static int flush(struct import *im, struct br_err *err)
{
	struct apply a = { .im = im };
	uint64_t add = 0;
	int rc;

	for (size_t i = 0; i < im->batch.n; i++)
		add += im->batch.v[i]->s->chunks;
	if (im->nb.next_chunk + add > UINT32_MAX - 1)
		return br_fail(err, BR_ETOOBIG, "'%s' has more than 4 billion passages", im->r.in.name);
	if ((rc = br_store_write(im->ws->store, apply, &a, err)) < 0)
		return rc;
	im->nb.nb = a.nb;
	im->nb.next_doc = a.next_doc;
	im->nb.next_chunk = a.next_chunk;
	for (size_t i = 0; i < im->batch.n; i++) {
		for (size_t k = 0; k < im->batch.v[i]->s->made.n; k++)
			count_doc(im, &im->batch.v[i]->s->made.v[k].doc);
		piece_free(im->batch.v[i]);
	}
	im->batch.n = 0;
	im->batch_bytes = 0;
	tell_progress(im);
	return br_check_stop(err);
}

static int take(struct import *im, struct piece *p, struct br_err *err)
{
	if (p->err.code) {
		int rc = br_fail(err, p->err.code, "'%s' is damaged: section at byte %llu: %s", im->r.in.name, (unsigned long long)p->at, p->err.msg);
		piece_free(p);
		return rc;
	}
	*br_vec_push(&im->batch) = p;
	im->batch_bytes += p->s->bytes;
	return im->batch_bytes >= (im->opts->batch ? im->opts->batch : BATCH_BYTES) ? flush(im, err) : 0;
}

/* ---- sections ---- */

/* Vectors of the passages in p come in one or more sections, codes and scales of each apart: here they are put together. */
static int add_vectors(struct piece *p, struct br_buf *scales, struct import *im, struct br_err *err)
{
	size_t row = im->env.file_dim + 4, n = im->payload.len / row;

	if (!im->env.file_dim || !n || im->payload.len % row)
		return brx_damaged(&im->r, err, "not a number of whole vectors");
	br_buf_add(&p->vecs, im->payload.ptr, n * im->env.file_dim);
	br_buf_add(scales, im->payload.ptr + n * im->env.file_dim, 4 * n);
	return br_buf_check(&p->vecs, "vectors", err);
}

static int give(struct import *im, struct piece *p, struct br_err *err)
{
	struct piece *done;
	int rc = 0;

	while (rc == 0 && br_pool_full(im->pool))
		rc = take(im, br_pool_take(im->pool), err);
	if (rc < 0) {
		piece_free(p);
		return rc;
	}
	br_pool_give(im->pool, p);
	while (rc == 0 && (done = br_pool_try_take(im->pool)))
		rc = take(im, done, err);
	return rc < 0 ? rc : br_check_stop(err);
}

/* A DOCS section, which was read, and CTXT and VECS behind it; then the section behind these has been read. */
static int take_docs(struct import *im, struct br_err *err)
{
	struct piece *p = br_alloc(sizeof *p);
	struct br_buf scales = BR_BUF_INIT(BR_MAX_BRX_VECTORS);
	int rc;

	br_buf_init(&p->vecs, BR_MAX_BRX_VECTORS);
	br_buf_init(&p->contexts, BR_MAX_BRX_SECTION);
	p->docs = im->payload;
	p->at = im->r.at;
	br_buf_init(&im->payload, BR_MAX_BRX_SECTION + 1);
	if ((rc = brx_read(&im->payload, &im->r, err)) == 0 && im->r.type == BRX_CTXT) {
		p->contexts = im->payload;
		br_buf_init(&im->payload, BR_MAX_BRX_SECTION + 1);
		rc = brx_read(&im->payload, &im->r, err);
	}
	for (; rc == 0 && im->r.type == BRX_VECS; rc = brx_read(&im->payload, &im->r, err))
		if ((rc = add_vectors(p, &scales, im, err)) < 0)
			break;
	if (rc == 0) {
		br_buf_add(&p->vecs, scales.ptr, scales.len);
		rc = br_buf_check(&p->vecs, "vectors", err);
	}
	br_buf_release(&scales);
	if (rc == 0)
		return give(im, p, err);
	piece_free(p);
	return rc;
}

static void start_pool(struct import *im)
{
	long cores = (long)br_config_int(im->ws->config, "core.threads");
	struct br_pool_opts o = { .n = cores > 0 ? (unsigned)cores : br_cores(), .depth = PIECES_AHEAD,
		.state_new = importer_new, .state_free = importer_free, .work = import_piece, .arg = &im->env };

	im->env.dict = im->dict;
	im->pool = br_pool_new(&o);
}

static int end_docs(struct import *im, struct br_err *err)
{
	struct piece *p;
	int rc = 0;

	while (rc == 0 && (p = br_pool_take(im->pool)))
		rc = take(im, p, err);
	return rc < 0 || !im->batch.n ? rc : flush(im, err);
}

/* ---- originals ---- */

static int by_sha(const void *a, const void *b) { return memcmp(a, b, 32); }

static void sort_wanted(struct import *im)
{
	size_t n = 0;

	if (im->want.n)
		qsort(im->want.v, im->want.n, sizeof *im->want.v, by_sha);
	for (size_t i = 0; i < im->want.n; i++)
		if (!n || memcmp(im->want.v[n - 1].sha, im->want.v[i].sha, 32))
			im->want.v[n++] = im->want.v[i];
	im->want.n = n;
}

static int open_object(struct import *im, const uint8_t sha[32], struct br_err *err)
{
	char *file = object_file(im->ws, sha), *dir = br_strndup(file, (size_t)(br_path_base(file) - file));
	int rc = br_mkdirs(dir, 0777, err);

	br_sha256_init(&im->sha);
	if (rc == 0)
		rc = br_outfile_open(&im->object, file, dir, 0666, err);
	free(file);
	free(dir);
	return rc;
}

static int close_object(struct import *im, struct original *o, struct br_err *err)
{
	uint8_t sha[32];

	br_sha256_end(sha, &im->sha);
	if (memcmp(sha, o->sha, sizeof sha))
		return brx_damaged(&im->r, err, "an original that is not what its hash says");
	o->there = true;
	im->stats->originals++;
	return br_outfile_commit(&im->object, err);
}

static int take_original(struct import *im, struct br_err *err)
{
	struct br_rd rd = br_rd(br_buf_slice(&im->payload));
	struct br_slice sha = br_rd_bytes(&rd, 32), bytes;
	uint64_t size = br_rd_varint(&rd), at = br_rd_varint(&rd);
	struct original *o;
	int rc = 0;

	if (rd.bad || size > BR_MAX_OBJECT)
		return brx_damaged(&im->r, err, "an original");
	bytes = br_slice(rd.p, (size_t)(rd.end - rd.p));
	o = im->want.n ? bsearch(sha.ptr, im->want.v, im->want.n, sizeof *im->want.v, by_sha) : NULL;
	if (!o || o->there || at != im->object.size || (at && size != im->object_size) || bytes.len > size - at || (!bytes.len && size))
		return brx_damaged(&im->r, err, "an original out of place");
	im->object_size = size;
	if (!at && (rc = open_object(im, o->sha, err)) < 0)
		return rc;
	br_sha256_add(&im->sha, bytes.ptr, bytes.len);
	if ((rc = br_outfile_write(&im->object, bytes.ptr, bytes.len, err)) == 0 && im->object.size == size)
		rc = close_object(im, o, err);
	tell_progress(im);
	return rc < 0 ? rc : br_check_stop(err);
}

/* ---- the end ---- */

/* The same languages with the same numbers of documents, in whatever order. */
static bool langs_agree(const struct import *im)
{
	const struct br_nb *nb = &im->nb, *c = &im->counted;
	size_t found = 0;

	for (size_t i = 0; i < nb->langs.n; i++)
		for (size_t k = 0; k < c->langs.n; k++)
			found += !strcmp(nb->langs.v[i].lang, c->langs.v[k].lang) && nb->langs.v[i].docs == c->langs.v[k].docs;
	return nb->langs.n == c->langs.n && found == c->langs.n;
}

static int originals_there(const struct import *im, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < im->want.n && rc == 0; i++) {
		char *file = object_file(im->ws, im->want.v[i].sha);
		if (!im->want.v[i].there || !br_is_file(file))
			rc = brx_damaged(&im->r, err, "an original is missing");
		free(file);
	}
	return rc;
}

static int appear(struct br_txn *t, void *arg, struct br_err *err)
{
	struct import *im = arg;
	struct apply a = { .im = im, .t = t, .nb = im->nb.nb };
	struct br_nb nb;
	int rc;

	if ((rc = claim(&a, err)) < 0 || (rc = originals_there(im, err)) < 0 || (rc = br_del(t, BR_T_META, br_slice_str(IMPORTING), err)) < 0)
		return rc;
	im->nb.created = br_now();
	br_uuid_ordered(im->nb.id, br_now_ns() / 1000000);
	nb = im->nb;
	nb.nb = a.nb;
	rc = nb_publish(t, &nb, im->opts->replace, err);
	im->stats->generation = br_txn_generation(t);
	return rc;
}

/* Sections come in one order: NOTE, perhaps DICT, any number of DOCS each with its CTXT and VECS, ORIG, the last. */
static int read_all(struct import *im, struct br_err *err)
{
	int rc;

	if ((rc = brx_read(&im->payload, &im->r, err)) < 0)
		return rc;
	if (im->r.type != BRX_NOTE)
		return brx_damaged(&im->r, err, "not a notebook");
	if ((rc = read_note(im, err)) < 0 || (rc = choose_model(im, err)) < 0 || (rc = name_it(im, err)) < 0 ||
	    (rc = sweep_locked(im->ws, err)) < 0 || (rc = brx_read(&im->payload, &im->r, err)) < 0)
		return rc;
	if (im->r.type == BRX_DICT) {
		if (text_dict_open(&im->dict, br_buf_slice(&im->payload), err) < 0)
			return brx_damaged(&im->r, err, "its dictionary");
		if ((rc = brx_read(&im->payload, &im->r, err)) < 0)
			return rc;
	}
	start_pool(im);
	while (rc == 0 && im->r.type == BRX_DOCS)
		rc = take_docs(im, err);
	if (rc < 0 || (rc = end_docs(im, err)) < 0)
		return rc;
	sort_wanted(im);
	while (rc == 0 && im->r.type == BRX_ORIG)
		if ((rc = take_original(im, err)) == 0)
			rc = brx_read(&im->payload, &im->r, err);
	if (rc < 0)
		return rc;
	if (im->r.type != BRX_LAST)
		return brx_damaged(&im->r, err, "of a type that does not belong here");
	return brx_check_end(&im->r, br_buf_slice(&im->payload), im->stats->docs, im->stats->chunks, im->stats->content, err);
}

static void import_end(struct import *im)
{
	struct piece *p;

	while (im->pool && (p = br_pool_take(im->pool)))
		piece_free(p);
	br_pool_free(im->pool);
	for (size_t i = 0; i < im->batch.n; i++)
		piece_free(im->batch.v[i]);
	br_vec_release(&im->batch);
	br_vec_release(&im->want);
	br_vec_release(&im->nb.langs);
	br_vec_release(&im->nb.roots);
	br_outfile_abort(&im->object);
	text_dict_free(im->dict);
	brx_close(&im->r);
	br_buf_release(&im->payload);
	br_arena_release(&im->arena);
}

int br_import(struct br_brx_stats *stats, struct br_ws *ws, const char *path, const struct br_import_opts *opts, struct br_err *err)
{
	struct import im = { .ws = ws, .opts = opts, .stats = stats };
	int64_t began = br_mono_ns();
	struct br_err later;
	int rc;

	*stats = (struct br_brx_stats){ 0 };
	br_buf_init(&im.payload, BR_MAX_BRX_SECTION + 1);
	if ((rc = brx_open(&im.r, path, err)) == 0 && (rc = take_lock(&im.lock, ws, ws->wait_ms, err)) == 0) {
		im.progress.bytes_total = im.r.in.size;
		rc = read_all(&im, err);
		if (rc == 0 && !langs_agree(&im))
			rc = brx_damaged(&im.r, err, "the notebook's languages are not those of its documents");
		if (rc == 0)
			rc = br_store_write(ws->store, appear, &im, err);
		if (rc < 0 && rc != -BR_ELOCKED && im.nb.nb)
			(void)!sweep_locked(ws, &later); /* or the next one does it */
		br_lock_drop(&im.lock);
	}
	stats->bytes = im.r.in.at;
	stats->seconds = (double)(br_mono_ns() - began) / 1e9;
	import_end(&im);
	return rc;
}
