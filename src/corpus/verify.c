/*
 * Verify: every record of every notebook decodes, and the counts, ranges and references agree.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

struct verify {
	struct br_ws *ws;
	struct br_txn *t;
	struct br_verify_report *out;
	br_problem_fn *fn;
	void *arg;
	bool quick;
	const struct br_nb *nb;
	uint32_t docs, chunks;          /* counted */
	uint64_t text_bytes;
	struct br_bits used;            /* chunk numbers that belong to a live document */
	struct br_buf text;
	struct br_text_reader *reader;
};

static void BR_PRINTF(2, 3) problem(struct verify *v, const char *fmt, ...)
{
	char msg[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	v->out->problems++;
	if (v->fn)
		v->fn(msg, v->arg);
}

static void check(struct verify *v, int rc, const struct br_err *err)
{
	if (rc < 0)
		problem(v, "notebook '%s': %s", v->nb->name, err->msg);
}

/* ---- one document ---- */

struct chunk_walk { struct verify *v; const struct br_doc *d; uint32_t at; };

static int check_chunk(const struct br_chunk_rec *c, const struct br_range *skip, size_t n_skip, void *arg, struct br_err *err)
{
	struct chunk_walk *w = arg;
	const struct br_buf *text = &w->v->text;

	if (c->doc != w->d->doc || c->ordinal != w->at++)
		return br_fail(err, BR_ECORRUPT, "chunk %u belongs to document %u, not %u", c->chunk, c->doc, w->d->doc);
	if (!c->len || (uint64_t)c->off + c->len > w->d->text_bytes || c->line > c->line_end)
		return br_fail(err, BR_ECORRUPT, "chunk %u: range %u+%u is outside the text", c->chunk, c->off, c->len);
	for (size_t i = 0; i < n_skip; i++)
		if ((uint64_t)skip[i].off + skip[i].len > w->d->text_bytes)
			return br_fail(err, BR_ECORRUPT, "chunk %u: a skip range is outside the text", c->chunk);
	if (text->len && br_utf8_valid(text->ptr + c->off, c->len) != c->len)
		return br_fail(err, BR_ECORRUPT, "chunk %u is not valid UTF-8", c->chunk);
	return 0;
}

static void check_keys(struct verify *v, const struct br_doc *d)
{
	struct br_err err = { 0 };
	struct br_slice val;
	struct br_key k;
	uint32_t num = 0;
	int rc = doc_by_path(&num, v->t, v->nb->nb, d->path, &err);

	if (rc < 0 || !rc || num != d->doc)
		problem(v, "document %u ('%s') is not found by its path", d->doc, d->path);
	extid_key(&k, EXT_DOC_ID, v->nb->nb, d->id);
	rc = br_get(&val, v->t, BR_T_EXTID, br_key_slice(&k), &err);
	if (rc <= 0 || val.len != 8 || br_rd_le64(val.ptr) != d->doc)
		problem(v, "document %u ('%s') is not found by its id", d->doc, d->path);
}

static void check_chunks(struct verify *v, const struct br_doc *d)
{
	struct chunk_walk w = { v, d, 0 };
	struct br_err err = { 0 };
	int rc = 0;

	if ((uint64_t)d->first_chunk + d->chunks > v->nb->next_chunk) {
		problem(v, "document %u ('%s'): chunks %u+%u were never given out", d->doc, d->path, d->first_chunk, d->chunks);
		return;
	}
	for (uint32_t c = d->first_chunk; c < d->first_chunk + d->chunks; c++) {
		if (br_bits_get(&v->used, c))
			problem(v, "chunk %u belongs to two documents", c);
		br_bits_set(&v->used, c);
	}
	br_buf_reset(&v->text);
	if (!v->quick) {
		if ((rc = br_doc_text(&v->text, v->reader, v->t, v->nb->nb, d->doc, 0, UINT32_MAX, &err)) == 0 && v->text.len != d->text_bytes)
			rc = br_fail(&err, BR_ECORRUPT, "stored text has %zu of %u bytes", v->text.len, d->text_bytes);
	}
	if (rc == 0)
		rc = chunks_each(v->t, v->nb->nb, d->first_chunk, d->chunks, check_chunk, &w, &err);
	if (rc < 0)
		problem(v, "document %u ('%s'): %s", d->doc, d->path, err.msg);
}

static void check_object(struct verify *v, const struct br_doc *d)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_FILE);
	struct br_err err = { 0 };
	uint8_t sha[32];
	char *file;

	if (d->origin != BR_FROM_UPLOAD || v->quick)
		return;
	file = object_file(v->ws, d->sha);
	if (br_file_read(&b, file, BR_MAX_FILE, &err) < 0)
		problem(v, "document %u ('%s'): stored original: %s", d->doc, d->path, err.msg);
	else {
		br_sha256(sha, b.ptr, b.len);
		if (memcmp(sha, d->sha, sizeof sha))
			problem(v, "document %u ('%s'): stored original does not match its hash", d->doc, d->path);
	}
	br_buf_release(&b);
	free(file);
}

static int check_doc(const struct br_doc *d, void *arg)
{
	struct verify *v = arg;

	v->out->docs++;
	if (d->doc >= v->nb->next_doc)
		problem(v, "document %u was never given out", d->doc);
	check_keys(v, d);
	check_object(v, d);
	if (d->state != BR_DOC_INDEXED) {
		if (d->chunks)
			problem(v, "document %u ('%s') is not indexed but has chunks", d->doc, d->path);
		return 0;
	}
	v->docs++;
	v->chunks += d->chunks;
	v->text_bytes += d->text_bytes;
	check_chunks(v, d);
	return 0;
}

/* ---- one notebook ---- */

static void check_counts(struct verify *v)
{
	const struct br_nb *nb = v->nb;
	struct br_fts_stats s;
	struct br_err err = { 0 };
	int rc = br_fts_stats(&s, v->t, nb->nb, &err);

	check(v, rc, &err);
	if (v->docs != nb->docs)
		problem(v, "notebook '%s': %u documents, the record says %u", nb->name, v->docs, nb->docs);
	if (v->chunks != nb->chunks || v->chunks + nb->dead != nb->next_chunk)
		problem(v, "notebook '%s': %u chunks, the record says %u (+ %u deleted of %u)", nb->name, v->chunks, nb->chunks, nb->dead, nb->next_chunk);
	if (v->text_bytes != nb->text_bytes)
		problem(v, "notebook '%s': %llu bytes of text, the record says %llu", nb->name, (unsigned long long)v->text_bytes, (unsigned long long)nb->text_bytes);
	if (rc == 0 && s.chunks != nb->chunks)
		problem(v, "notebook '%s': the keyword index counts %llu chunks of %u", nb->name, (unsigned long long)s.chunks, nb->chunks);
	if (rc == 0)
		v->out->terms += s.terms;
}

static void check_dead(struct verify *v, const struct br_bits *dead)
{
	for (uint32_t c = 0; c < v->nb->next_chunk; c++) {
		if (br_bits_get(&v->used, c) != br_bits_get(dead, c))
			continue;
		problem(v, "notebook '%s': chunk %u is %s", v->nb->name, c, br_bits_get(dead, c) ? "in use and deleted" : "neither in use nor deleted");
		return; /* one is enough: the bitmap is off as a whole */
	}
}

static int check_nb(const struct br_nb *nb, void *arg)
{
	struct verify *v = arg;
	struct br_bits dead = { 0 };
	struct br_err err = { 0 };
	int rc;

	v->nb = nb;
	v->docs = v->chunks = 0;
	v->text_bytes = 0;
	v->out->notebooks++;
	br_bits_init(&v->used, nb->next_chunk, false);
	rc = br_doc_each(v->t, nb->nb, check_doc, v, &err);
	check(v, rc, &err);
	check_counts(v);
	rc = dead_load(&dead, v->t, nb->nb, nb->next_chunk, &err);
	check(v, rc, &err);
	if (rc == 0)
		check_dead(v, &dead);
	if (!v->quick) {
		check(v, br_fts_verify(v->t, nb->nb, nb->next_chunk, &dead, &err), &err);
		if (nb->dim)
			check(v, br_vec_verify(v->t, nb->nb, nb->dim, nb->next_chunk, &err), &err);
	}
	v->out->chunks += v->chunks;
	v->out->vectors += nb->dim ? v->chunks : 0;
	br_bits_release(&v->used);
	br_bits_release(&dead);
	return 0;
}

int br_verify(struct br_verify_report *out, struct br_ws *ws, bool quick, br_problem_fn *fn, void *arg, struct br_err *err)
{
	struct verify v = { .ws = ws, .out = out, .fn = fn, .arg = arg, .quick = quick };
	int rc;

	*out = (struct br_verify_report){ 0 };
	if (!quick && (rc = br_store_check(ws->store, err)) < 0) /* pages that LMDB would trust */
		return rc;
	if ((rc = br_txn_read(&v.t, ws->store, err)) < 0)
		return rc;
	br_txn_check_all(v.t);
	br_buf_init(&v.text, BR_MAX_TEXT);
	v.reader = br_text_reader_new();
	rc = br_nb_each(v.t, check_nb, &v, err);
	br_buf_release(&v.text);
	br_text_reader_free(v.reader);
	br_txn_end(v.t);
	if (rc < 0)
		return rc;
	return out->problems ? br_fail(err, BR_ECORRUPT, "%llu problems", (unsigned long long)out->problems) : 0;
}
