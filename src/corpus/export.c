/*
 * Export: a notebook as one file that another br can import: documents with text, passages and vectors, settings, originals. The
 * keyword index is not in it: it is made again from the text, by the tokenizer that will also read the questions. Documents stand in the
 * order of their passages, on which the order of equal scores rests. Nothing that depends on machine, time or chance is written.
 */
#include "brx.h"
#include "internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SECTION_AIM = 1 << 20,          /* bytes of documents from which a section is closed */
	TELL_NS = 100000000,
};

struct ref { uint32_t first_chunk, doc; const char *path; uint8_t sha[32]; bool original; };
struct export {
	struct br_ws *ws;
	const struct br_export_opts *opts;
	struct br_brx_stats *stats;
	struct br_arena arena;
	struct br_txn *t;
	struct br_nb *nb;
	struct brx_writer w;
	struct br_text_reader *reader;
	BR_VEC(struct ref) ref;
	BR_VEC(uint32_t) doc;           /* indexed ones, in their order */
	struct br_buf docs, text;       /* the section in hand, a document's text */
	struct br_buf contexts;         /* published ones of its documents */
	uint32_t n_docs;                /* in it */
	BR_VEC(struct br_range) rows;   /* rows of its documents: first, count */
	struct br_progress progress;
	int64_t told_ns;
};

static int tell_progress(struct export *x, uint64_t bytes, struct br_err *err)
{
	int64_t now = br_mono_ns();

	x->progress.bytes_done += bytes;
	if (x->opts->progress && now - x->told_ns >= TELL_NS) {
		x->told_ns = now;
		x->opts->progress(&x->progress, x->opts->arg);
	}
	return br_check_stop(err);
}

/* ---- which documents ---- */

static int gather(const struct br_doc *d, void *arg)
{
	struct export *x = arg;
	struct ref *r;

	if (d->state != BR_DOC_INDEXED && d->state != BR_DOC_UPLOADED && d->state != BR_DOC_CONTAINER)
		return 0; /* what failed or was passed over says something of a folder's files, not of the notebook */
	r = br_vec_push(&x->ref);
	*r = (struct ref){ .first_chunk = d->state == BR_DOC_INDEXED ? d->first_chunk : UINT32_MAX, .doc = d->doc,
		.path = br_arena_strdup(&x->arena, d->path), .original = d->origin == BR_FROM_UPLOAD };
	memcpy(r->sha, d->sha, sizeof r->sha);
	return 0;
}

static int by_chunk(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;

	if (x->first_chunk != y->first_chunk)
		return x->first_chunk < y->first_chunk ? -1 : 1;
	return strcmp(x->path, y->path);
}

static int by_sha(const void *a, const void *b) { return memcmp(((const struct ref *)a)->sha, ((const struct ref *)b)->sha, 32); }

/* Folders that are kept equal go along only when they mean the same elsewhere. */
static bool is_portable(const char *root) { return root[0] != '/' && strncmp(root, "..", 2) != 0; }

/* ---- the first sections ---- */

static int put_note(struct export *x, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_BRX_SECTION);
	const struct br_nb *nb = x->nb;
	size_t roots = 0;
	int rc;

	put_str(&b, nb->name);
	br_buf_u8(&b, (uint8_t)nb->chunking.how);
	br_buf_varint(&b, nb->chunking.size);
	br_buf_varint(&b, nb->chunking.overlap);
	put_str(&b, nb->lang);
	put_double(&b, nb->k1);
	put_double(&b, nb->b);
	put_str(&b, nb->model_id);
	br_buf_add(&b, nb->model_sha, sizeof nb->model_sha);
	br_buf_varint(&b, nb->dim);
	put_str(&b, nb->settings);
	br_buf_varint(&b, nb->langs.n);
	for (size_t i = 0; i < nb->langs.n; i++) {
		put_str(&b, nb->langs.v[i].lang);
		br_buf_varint(&b, nb->langs.v[i].docs);
	}
	for (size_t i = 0; i < nb->roots.n; i++)
		roots += is_portable(nb->roots.v[i]);
	br_buf_varint(&b, roots);
	for (size_t i = 0; i < nb->roots.n; i++)
		if (is_portable(nb->roots.v[i]))
			put_str(&b, nb->roots.v[i]);
	if ((rc = br_buf_check(&b, "notebook", err)) == 0)
		rc = brx_write(&x->w, BRX_NOTE, true, br_buf_slice(&b), err);
	br_buf_release(&b);
	return rc;
}

static int put_dict(struct export *x, struct br_err *err)
{
	struct text_dict *d;
	int rc = text_dict_learn_stored(&d, x->t, x->nb->nb, x->doc.v, x->doc.n, x->nb->text_bytes, err);

	if (rc == 0 && d)
		rc = brx_write(&x->w, BRX_DICT, true, text_dict_bytes(d), err);
	text_dict_free(d);
	return rc;
}

/* ---- documents ---- */

static int vectors(struct br_buf *codes, struct br_buf *scales, struct export *x, struct br_vec_source *src, uint32_t row,
                   struct br_err *err)
{
	uint32_t dim = x->nb->dim, at = row % src->ann.per_block;
	struct br_ann_block b;
	int rc = src->ann.block(&b, row / src->ann.per_block, src->ann.arg, err);

	if (rc < 0)
		return rc;
	if (b.code) {
		br_buf_add(codes, b.code + (size_t)at * dim, dim);
		br_buf_add(scales, b.scale + 4 * (size_t)at, 4);
	} else {
		br_buf_addz(codes, dim);
		br_buf_addz(scales, 4);
	}
	return 0;
}

static int flush_vectors(struct export *x, struct br_buf *codes, struct br_buf *scales, struct br_err *err)
{
	int rc = br_buf_check(codes, "vectors", err);

	if (rc < 0 || !codes->len)
		return rc;
	br_buf_add(codes, scales->ptr, scales->len);
	if ((rc = br_buf_check(codes, "vectors", err)) == 0)
		rc = brx_write(&x->w, BRX_VECS, false, br_buf_slice(codes), err);
	br_buf_reset(codes);
	br_buf_reset(scales);
	return rc;
}

static int put_vectors(struct export *x, struct br_err *err)
{
	struct br_buf codes = BR_BUF_INIT(2 * BRX_PIECE), scales = BR_BUF_INIT(BRX_PIECE);
	struct br_vec_source src;
	int rc = 0;

	br_vec_source(&src, x->t, x->nb->nb, x->nb->dim, x->nb->next_chunk);
	for (size_t i = 0; i < x->rows.n && rc == 0; i++) {
		for (uint32_t k = 0; k < x->rows.v[i].len && rc == 0; k++) {
			if ((rc = vectors(&codes, &scales, x, &src, x->rows.v[i].off + k, err)) == 0 && codes.len + scales.len >= BRX_PIECE)
				rc = flush_vectors(x, &codes, &scales, err);
		}
	}
	if (rc == 0)
		rc = flush_vectors(x, &codes, &scales, err);
	br_buf_release(&codes);
	br_buf_release(&scales);
	return rc;
}

static int flush_docs(struct export *x, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_BRX_SECTION);
	int rc;

	if (!x->n_docs)
		return 0;
	br_buf_varint(&b, x->n_docs);
	br_buf_add(&b, x->docs.ptr, x->docs.len);
	if ((rc = br_buf_check(&b, "documents of a section", err)) == 0 && (rc = br_buf_check(&x->contexts, "contexts of a section", err)) == 0 &&
	    (rc = brx_write(&x->w, BRX_DOCS, true, br_buf_slice(&b), err)) == 0 &&
	    (!x->contexts.len || (rc = brx_write(&x->w, BRX_CTXT, true, br_buf_slice(&x->contexts), err)) == 0) && x->nb->dim)
		rc = put_vectors(x, err);
	br_buf_release(&b);
	br_buf_reset(&x->docs);
	br_buf_reset(&x->contexts);
	x->n_docs = 0;
	x->rows.n = 0;
	return rc;
}

static void put_head(struct export *x, const struct br_doc *d)
{
	struct br_buf *b = &x->docs;

	put_str(b, d->path);
	put_str(b, d->title);
	put_str(b, d->lang);
	put_str(b, d->encoding);
	br_buf_u8(b, d->format);
	br_buf_u8(b, d->origin);
	br_buf_u8(b, d->state);
	br_buf_varint(b, d->size);
	br_buf_le64(b, x->opts->no_times ? 0 : (uint64_t)d->mtime_ns);
	br_buf_add(b, d->sha, sizeof d->sha);
	put_str(b, d->meta);
	put_str(b, d->etag);
	put_str(b, d->modified);
	put_str(b, d->gone);
}

static int put_segments(struct export *x, const struct br_doc *d, struct br_err *err)
{
	struct packed_chunks p = { 0 };
	int rc;

	br_buf_init(&p.bytes, BR_MAX_BRX_SECTION);
	if ((rc = segments_get(&p, x->t, x->nb->nb, d, err)) == 0) {
		br_buf_varint(&x->docs, p.end.n);
		for (uint32_t i = 0, at = 0; i < p.end.n; at = p.end.v[i++])
			br_buf_lstr(&x->docs, p.bytes.ptr + at, p.end.v[i] - at);
	}
	packed_chunks_release(&p);
	return rc;
}

/* Place of the document in its section, how many, and each with its ordinal. */
static int put_contexts(struct export *x, const struct br_doc *d, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_ctx *v;
	uint32_t n = 0;
	int rc = ctx_load(&v, &a, x->t, x->nb->nb, d->doc, d->chunks, err);

	for (uint32_t i = 0; rc == 0 && i < d->chunks; i++)
		n += ctx_indexed(&v[i]).len > 0;
	if (n) {
		br_buf_varint(&x->contexts, x->n_docs);
		br_buf_varint(&x->contexts, n);
	}
	for (uint32_t i = 0; n && i < d->chunks; i++) {
		struct br_slice text = ctx_indexed(&v[i]);
		if (!text.len)
			continue;
		br_buf_varint(&x->contexts, i);
		br_buf_lstr(&x->contexts, text.ptr, text.len);
	}
	br_arena_release(&a);
	return rc;
}

static int put_doc(struct export *x, const struct ref *r, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_doc *d;
	int rc = br_doc_get(&d, &a, x->t, x->nb->nb, r->doc, err);

	if (rc < 0)
		goto out;
	br_buf_reset(&x->text);
	if (d->text_bytes && (rc = br_doc_text(&x->text, x->reader, x->t, x->nb->nb, d->doc, 0, UINT32_MAX, err)) < 0)
		goto out;
	if (x->text.len != d->text_bytes) {
		rc = br_fail(err, BR_ECORRUPT, "'%s': stored text has %zu of %u bytes", d->path, x->text.len, d->text_bytes);
		goto out;
	}
	put_head(x, d);
	br_buf_lstr(&x->docs, x->text.ptr, x->text.len);
	if ((rc = put_segments(x, d, err)) < 0 || (rc = put_contexts(x, d, err)) < 0 || (rc = br_buf_check(&x->docs, "document", err)) < 0)
		goto out;
	if (d->chunks)
		*br_vec_push(&x->rows) = (struct br_range){ d->first_chunk, d->chunks };
	x->n_docs++;
	x->stats->docs++;
	x->stats->chunks += d->chunks;
	x->progress.files_done++;
	rc = tell_progress(x, x->text.len, err);
	if (rc == 0 && (x->docs.len + x->contexts.len >= SECTION_AIM || x->n_docs == BR_MAX_BRX_DOCS))
		rc = flush_docs(x, err);
out:
	br_arena_release(&a);
	return rc;
}

/* ---- originals of uploads, in pieces ---- */

static int put_pieces(struct export *x, const struct ref *r, int fd, uint64_t size, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BRX_PIECE + 64);
	uint64_t at = 0;
	ssize_t n = 0;
	int rc = 0;

	do {
		br_buf_reset(&b);
		br_buf_add(&b, r->sha, sizeof r->sha);
		br_buf_varint(&b, size);
		br_buf_varint(&b, at);
		if (!br_buf_reserve(&b, BRX_PIECE) || (n = pread(fd, b.ptr + b.len, (size_t)BR_MIN((uint64_t)BRX_PIECE, size - at), (off_t)at)) < 0 || (!n && size))
			rc = br_fail(err, BR_EIO, "stored original of '%s' cannot be read", r->path);
		b.len += rc == 0 ? (size_t)n : 0;
		at += rc == 0 ? (uint64_t)n : 0;
		if (rc == 0 && (rc = brx_write(&x->w, BRX_ORIG, true, br_buf_slice(&b), err)) == 0)
			rc = tell_progress(x, 0, err);
	} while (rc == 0 && at < size);
	br_buf_release(&b);
	return rc;
}

static int put_original(struct export *x, const struct ref *r, struct br_err *err)
{
	char *file = object_file(x->ws, r->sha);
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;
	uint8_t sha[32];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		rc = br_fail_errno(err, BR_EIO, "stored original of '%s'", r->path);
	else if ((rc = object_hash(sha, file, err)) < 0)
		rc = br_err_prefix(err, rc, "stored original of '%s'", r->path);
	else if (memcmp(sha, r->sha, sizeof sha))
		rc = br_fail(err, BR_ECORRUPT, "stored original of '%s' does not match its hash", r->path);
	else
		rc = put_pieces(x, r, fd, (uint64_t)st.st_size, err);
	x->stats->originals++;
	if (fd >= 0)
		close(fd);
	free(file);
	return rc;
}

static int put_originals(struct export *x, struct br_err *err)
{
	int rc = 0;

	if (x->ref.n)
		qsort(x->ref.v, x->ref.n, sizeof *x->ref.v, by_sha);
	for (size_t i = 0, last = SIZE_MAX; i < x->ref.n && rc == 0; i++) {
		const struct ref *r = &x->ref.v[i];
		if (!r->original || (last != SIZE_MAX && !memcmp(r->sha, x->ref.v[last].sha, sizeof r->sha)))
			continue;
		rc = put_original(x, r, err);
		last = i;
	}
	return rc;
}

/* ---- the whole ---- */

static int put_all(struct export *x, struct br_err *err)
{
	int rc;

	if ((rc = br_doc_each(x->t, x->nb->nb, gather, x, err)) < 0)
		return rc;
	if (x->ref.n)
		qsort(x->ref.v, x->ref.n, sizeof *x->ref.v, by_chunk);
	for (size_t i = 0; i < x->ref.n; i++)
		if (x->ref.v[i].first_chunk != UINT32_MAX)
			*br_vec_push(&x->doc) = x->ref.v[i].doc;
	x->progress.files_total = x->ref.n;
	x->progress.bytes_total = x->nb->text_bytes;
	if ((rc = put_note(x, err)) < 0 || (rc = put_dict(x, err)) < 0)
		return rc;
	for (size_t i = 0; i < x->ref.n && rc == 0; i++)
		rc = put_doc(x, &x->ref.v[i], err);
	if (rc == 0 && (rc = flush_docs(x, err)) == 0)
		rc = put_originals(x, err);
	return rc;
}

static int export_begin(struct export *x, const char *notebook, const char *path, struct br_err *err)
{
	char *tmp = br_path_join(x->ws->dir, "tmp");
	int rc;

	if ((rc = br_mkdirs(tmp, 0777, err)) == 0 && (rc = brx_create(&x->w, path, tmp, err)) == 0 &&
	    (rc = br_txn_read(&x->t, x->ws->store, err)) == 0 && (rc = br_nb_get(&x->nb, &x->arena, x->t, notebook, err)) == 0) {
		x->stats->generation = br_txn_generation(x->t);
		snprintf(x->stats->name, sizeof x->stats->name, "%s", x->nb->name);
	}
	free(tmp);
	return rc;
}

int br_export(struct br_brx_stats *stats, struct br_ws *ws, const char *notebook, const char *path,
              const struct br_export_opts *opts, struct br_err *err)
{
	struct export x = { .ws = ws, .opts = opts, .stats = stats, .reader = br_text_reader_new() };
	int64_t began = br_mono_ns();
	int rc;

	*stats = (struct br_brx_stats){ 0 };
	br_buf_init(&x.docs, BR_MAX_BRX_SECTION);
	br_buf_init(&x.contexts, BR_MAX_BRX_SECTION);
	br_buf_init(&x.text, BR_MAX_TEXT);
	if ((rc = export_begin(&x, notebook, path, err)) == 0)
		rc = put_all(&x, err);
	br_text_reader_free(x.reader);
	br_txn_end(x.t); /* before a reader of standard output may be slow */
	if (rc == 0 && (rc = brx_finish(&x.w, stats->docs, stats->chunks, stats->content, err)) == 0)
		stats->bytes = x.w.size;
	stats->seconds = (double)(br_mono_ns() - began) / 1e9;
	brx_discard(&x.w);
	br_buf_release(&x.docs);
	br_buf_release(&x.contexts);
	br_buf_release(&x.text);
	br_vec_release(&x.ref);
	br_vec_release(&x.doc);
	br_vec_release(&x.rows);
	br_arena_release(&x.arena);
	return rc;
}
