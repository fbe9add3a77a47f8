/*
 * Verify: every record of every notebook decodes, the counts, ranges and references agree, and nothing is left over. What is
 * damaged does not hide the rest: each record is looked at by itself.
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
	bool quick, no_memory;
	bool files;                     /* index files, too: they are no records */
	const struct br_nb *nb;
	uint32_t all_docs, docs, chunks; /* counted; all_docs: in any state */
	uint64_t text_bytes;
	struct br_bits used;            /* chunk numbers that belong to a live document */
	struct br_bits has_text;        /* documents that have stored text */
	struct doc_check doc;
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

/* Was it memory that was missing, and not a record that is damaged? */
static bool no_memory(struct verify *v, int rc)
{
	v->no_memory |= rc == -BR_ENOMEM;
	return rc == -BR_ENOMEM;
}

static void check(struct verify *v, int rc, const struct br_err *err)
{
	if (rc < 0 && !no_memory(v, rc))
		problem(v, "notebook '%s': %s", v->nb->name, err->msg);
}

/* ---- one document: its text and chunks ---- */

void doc_check_init(struct doc_check *c, struct br_txn *t, uint32_t nb)
{
	*c = (struct doc_check){ .t = t, .nb = nb, .reader = br_text_reader_new() };
	br_buf_init(&c->text, BR_MAX_TEXT);
}

void doc_check_release(struct doc_check *c)
{
	br_text_reader_free(c->reader);
	br_buf_release(&c->text);
}

struct chunk_walk { const struct br_buf *text; const struct br_doc *d; uint32_t at; };

static int check_chunk(const struct br_chunk_rec *c, const struct br_range *skip, size_t n_skip, void *arg, struct br_err *err)
{
	struct chunk_walk *w = arg;

	if (c->doc != w->d->doc || c->ordinal != w->at++)
		return br_fail(err, BR_ECORRUPT, "chunk %u belongs to document %u, not %u", c->chunk, c->doc, w->d->doc);
	if (!c->len || (uint64_t)c->off + c->len > w->d->text_bytes || c->line > c->line_end)
		return br_fail(err, BR_ECORRUPT, "chunk %u: range %u+%u is outside the text", c->chunk, c->off, c->len);
	for (size_t i = 0; i < n_skip; i++)
		if ((uint64_t)skip[i].off + skip[i].len > w->d->text_bytes)
			return br_fail(err, BR_ECORRUPT, "chunk %u: a skip range is outside the text", c->chunk);
	if (w->text->len && br_utf8_valid(w->text->ptr + c->off, c->len) != c->len)
		return br_fail(err, BR_ECORRUPT, "chunk %u is not valid UTF-8", c->chunk);
	return 0;
}

int doc_check(struct doc_check *c, const struct br_doc *d, struct br_err *err)
{
	struct chunk_walk w = { &c->text, d, 0 };
	int rc = 0;

	br_buf_reset(&c->text);
	if (!c->quick && (rc = br_doc_text(&c->text, c->reader, c->t, c->nb, d->doc, 0, UINT32_MAX, err)) == 0 && c->text.len != d->text_bytes)
		rc = br_fail(err, BR_ECORRUPT, "stored text has %zu of %u bytes", c->text.len, d->text_bytes);
	return rc < 0 ? rc : chunks_each(c->t, c->nb, d->first_chunk, d->chunks, check_chunk, &w, err);
}

int object_check(const struct br_ws *ws, const struct br_doc *d, struct br_err *err)
{
	char *file = object_file(ws, d->sha);
	uint8_t sha[32];
	int rc = object_hash(sha, file, err);

	if (rc < 0)
		br_err_prefix(err, rc, "stored original");
	else if (memcmp(sha, d->sha, sizeof sha))
		rc = br_fail(err, BR_ECORRUPT, "stored original does not match its hash");
	free(file);
	return rc;
}

/* ---- one document: what refers to it ---- */

static void check_keys(struct verify *v, const struct br_doc *d)
{
	struct br_err err = { 0 };
	struct br_slice val;
	struct br_key k;
	uint32_t num = 0;
	int rc = doc_by_path(&num, v->t, v->nb->nb, d->path, &err);

	if (!no_memory(v, rc) && (rc <= 0 || num != d->doc))
		problem(v, "document %u ('%s') is not found by its path", d->doc, d->path);
	extid_key(&k, EXT_DOC_ID, v->nb->nb, d->id);
	rc = br_get(&val, v->t, BR_T_EXTID, br_key_slice(&k), &err);
	if (!no_memory(v, rc) && (rc <= 0 || val.len != 8 || br_rd_le64(val.ptr) != d->doc))
		problem(v, "document %u ('%s') is not found by its id", d->doc, d->path);
}

static void check_content(struct verify *v, const struct br_doc *d)
{
	struct br_err err = { 0 };
	int rc;

	if ((uint64_t)d->first_chunk + d->chunks > v->nb->next_chunk) {
		problem(v, "document %u ('%s'): chunks %u+%u were never given out", d->doc, d->path, d->first_chunk, d->chunks);
		return;
	}
	for (uint32_t c = d->first_chunk; c < d->first_chunk + d->chunks; c++) {
		if (br_bits_get(&v->used, c))
			problem(v, "chunk %u belongs to two documents", c);
		br_bits_set(&v->used, c);
	}
	if ((rc = doc_check(&v->doc, d, &err)) < 0 && !no_memory(v, rc))
		problem(v, "document %u ('%s'): %s", d->doc, d->path, err.msg);
}

static void check_object(struct verify *v, const struct br_doc *d)
{
	struct br_err err = { 0 };
	int rc;

	if (d->origin == BR_FROM_UPLOAD && !v->quick && !original_lost(d) && (rc = object_check(v->ws, d, &err)) < 0 && !no_memory(v, rc))
		problem(v, "document %u ('%s'): %s", d->doc, d->path, err.msg);
}

static void check_doc(struct verify *v, const struct br_doc *d)
{
	if (d->doc >= v->nb->next_doc)
		problem(v, "document %u was never given out", d->doc);
	else if (d->chunks)
		br_bits_set(&v->has_text, d->doc);
	check_keys(v, d);
	check_object(v, d);
	if (d->state != BR_DOC_INDEXED) {
		if (d->chunks)
			problem(v, "document %u ('%s') is not indexed but has chunks", d->doc, d->path);
		return;
	}
	v->docs++;
	v->chunks += d->chunks;
	v->text_bytes += d->text_bytes;
	check_content(v, d);
}

static int check_doc_record(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	struct verify *v = arg;
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	struct br_doc d;

	v->out->docs++;
	v->all_docs++;
	if (key.len != 8)
		problem(v, "notebook '%s': a document's key is damaged", v->nb->name);
	else if (why || doc_decode(&d, &a, br_rd_be32(key.ptr + 4), val, &err) < 0)
		problem(v, "document %u of notebook '%s': %s", br_rd_be32(key.ptr + 4), v->nb->name, why ? why->msg : err.msg);
	else
		check_doc(v, &d);
	br_arena_release(&a);
	return SCAN_KEEP;
}

/* ---- records that belong to nothing ---- */

struct stray { struct verify *v; enum br_table table; uint64_t n; };

static bool belongs(const struct verify *v, enum br_table table, struct br_slice key, struct br_slice val)
{
	switch (table) {
	case BR_T_PATH:
		return key.len == 20 && val.len == 4;
	case BR_T_TEXT:
		return key.len == 12 && br_bits_get(&v->has_text, br_rd_be32(key.ptr + 4));
	case BR_T_CHUNK:
		return key.len == 8 && br_bits_get(&v->used, br_rd_be32(key.ptr + 4));
	case BR_T_DEAD:
		return key.len == 8 && (uint64_t)br_rd_be32(key.ptr + 4) * DEAD_BITS < v->nb->next_chunk;
	case BR_T_DICT:
		return key.len == 8;
	case BR_T_CONTEXT:
		return key.len == 12 && br_bits_get(&v->has_text, br_rd_be32(key.ptr + 4)) && ctx_check(key, val, NULL) == 0;
	default:
		return true;
	}
}

static int check_stray(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	struct stray *s = arg;

	s->n++;
	if (why && s->table != BR_T_TEXT && s->table != BR_T_CHUNK) /* those two were told with their document */
		problem(s->v, "notebook '%s': %s", s->v->nb->name, why->msg);
	else if (!why && !belongs(s->v, s->table, key, val))
		problem(s->v, "notebook '%s': a record that belongs to nothing in table '%s'", s->v->nb->name, br_table_name(s->v->t, s->table));
	return SCAN_KEEP;
}

static void check_strays(struct verify *v)
{
	static const enum br_table tables[] = { BR_T_PATH, BR_T_TEXT, BR_T_CHUNK, BR_T_DEAD, BR_T_DICT,
		BR_T_CONTEXT, BR_T_CHAT, BR_T_MSG, BR_T_REPLY, BR_T_ASKED, BR_T_JOB, BR_T_API, BR_T_WIKI };
	struct stray s = { .v = v };
	struct br_err err = { 0 };
	struct br_key k;

	for (size_t i = 0; i < BR_COUNT(tables); i++) {
		br_key_init(&k, v->nb->nb);
		s.table = tables[i];
		s.n = 0;
		if (v->quick && (s.table == BR_T_TEXT || s.table == BR_T_DICT))
			continue;
		check(v, scan(v->t, s.table, br_key_slice(&k), check_stray, &s, &err), &err);
		if (s.table == BR_T_PATH && s.n != v->all_docs)
			problem(v, "notebook '%s': %llu paths for %u documents", v->nb->name, (unsigned long long)s.n, v->all_docs);
	}
	extid_key(&k, EXT_DOC_ID, v->nb->nb, "");
	s.table = BR_T_EXTID;
	s.n = 0;
	check(v, scan(v->t, BR_T_EXTID, br_key_slice(&k), check_stray, &s, &err), &err);
	if (s.n != v->all_docs)
		problem(v, "notebook '%s': %llu ids for %u documents", v->nb->name, (unsigned long long)s.n, v->all_docs);
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

static void check_name(struct verify *v, enum br_extid_kind kind, const char *name)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	extid_key(&k, kind, 0, name);
	rc = br_get(&val, v->t, BR_T_EXTID, br_key_slice(&k), NULL);
	if (!no_memory(v, rc) && (rc <= 0 || val.len != 8 || br_rd_le64(val.ptr) != v->nb->nb))
		problem(v, "notebook '%s' is not found by its %s", v->nb->name, kind == EXT_NB_ID ? "id" : "name");
}

static void check_settings(struct verify *v)
{
	struct br_err err = { 0 };
	struct br_jdoc *doc;
	int rc = br_jdoc_parse(&doc, br_slice_str(v->nb->settings), "settings", &err);

	if (rc == -BR_EINPUT)
		problem(v, "notebook '%s': %s", v->nb->name, err.msg);
	else if (!no_memory(v, rc))
		br_jdoc_free(doc);
}

static void check_index(struct verify *v)
{
	const struct br_nb *nb = v->nb;
	struct br_bits dead = { 0 };
	struct br_err err = { 0 };
	char name[24];
	uint64_t n;
	int rc = dead_load(&dead, v->t, nb->nb, nb->next_chunk, &err);

	check(v, rc, &err);
	if (rc == 0)
		check_dead(v, &dead);
	if (!v->quick) {
		check(v, br_fts_verify(v->t, nb->nb, nb->next_chunk, &dead, &err), &err);
		if (nb->dim)
			check(v, br_vec_verify(v->t, nb->nb, nb->dim, nb->next_chunk, &err), &err);
	}
	numbering_name(name, nb->nb);
	check(v, br_meta_get(&n, v->t, name, &err), &err);
	br_bits_release(&dead);
}

static void vindex_problem(const char *what, void *arg)
{
	problem(arg, "%s", what);
}

static void check_nb(struct verify *v, const struct br_nb *nb)
{
	struct br_err err = { 0 };
	struct br_key k;

	v->nb = nb;
	v->all_docs = v->docs = v->chunks = 0;
	v->text_bytes = 0;
	v->out->notebooks++;
	br_bits_init(&v->used, nb->next_chunk, false);
	br_bits_init(&v->has_text, nb->next_doc, false);
	doc_check_init(&v->doc, v->t, nb->nb);
	v->doc.quick = v->quick;
	br_key_init(&k, nb->nb);
	check_settings(v);
	check_name(v, EXT_NB_ID, nb->id);
	check_name(v, EXT_NB_NAME, nb->name);
	check(v, scan(v->t, BR_T_DOC, br_key_slice(&k), check_doc_record, v, &err), &err);
	check_counts(v);
	check_index(v);
	check_strays(v);
	if (v->files && !v->quick)
		check(v, BR_MIN(0, br_vindex_verify(v->ws, nb, false, vindex_problem, v, &err)), &err);
	v->out->chunks += v->chunks;
	v->out->vectors += nb->dim ? v->chunks : 0;
	doc_check_release(&v->doc);
	br_bits_release(&v->used);
	br_bits_release(&v->has_text);
}

static int check_nb_record(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	struct verify *v = arg;
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	struct br_nb *nb;

	(void)val;
	if (key.len != 4)
		problem(v, "a notebook's key is damaged");
	else if (why || nb_load(&nb, &a, v->t, br_rd_be32(key.ptr), &err) < 0)
		problem(v, "notebook %u: %s", br_rd_be32(key.ptr), why ? why->msg : err.msg);
	else
		check_nb(v, nb);
	br_arena_release(&a);
	return SCAN_KEEP;
}

int nb_problems(uint64_t *n, struct br_ws *ws, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_verify_report r = { 0 };
	struct verify v = { .ws = ws, .t = t, .out = &r };
	struct br_key k;
	int rc;

	br_txn_check_all(t);
	br_key_init(&k, nb);
	if ((rc = scan(t, BR_T_NOTEBOOK, br_key_slice(&k), check_nb_record, &v, err)) < 0)
		return rc;
	*n = r.problems + !r.notebooks;
	return v.no_memory ? br_fail(err, BR_ENOMEM, "cannot check notebook %u: out of memory", nb) : 0;
}

/* ---- what belongs to no notebook ---- */

/* Numbers of notebooks that have records in a table: one seek for each. What an import has written so far has no notebook yet. */
static void check_owners(struct verify *v, enum br_table table, uint64_t importing)
{
	struct br_err err = { 0 };
	struct br_slice val;
	struct br_cur cur;
	struct br_key k = { .n = 0 };
	int rc = br_cur_open(&cur, v->t, table, &err);

	for (; rc >= 0; br_key_init(&k, br_rd_be32(k.b) + 1)) {
		rc = br_cur_seek(&cur, br_key_slice(&k), &err);
		if (cur.key.len < 4) {
			if (cur.key.len)
				problem(v, "a key in table '%s' is damaged", br_table_name(v->t, table));
			break;
		}
		k.n = 0;
		br_key_bytes(&k, cur.key.ptr, 4);
		if (br_rd_be32(k.b) != importing && br_get(&val, v->t, BR_T_NOTEBOOK, br_key_slice(&k), &err) == 0)
			problem(v, "table '%s' has records of notebook %u, which has none itself", br_table_name(v->t, table), br_rd_be32(k.b));
		if (br_rd_be32(k.b) == UINT32_MAX)
			break;
		rc = 0; /* a damaged record is told with its notebook */
	}
	br_cur_close(&cur);
}

static int check_meta(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	(void)key, (void)val;
	if (why)
		problem(arg, "%s", why->msg);
	return SCAN_KEEP;
}

static int check_all(struct verify *v, struct br_err *err)
{
	static const enum br_table owned[] = {
		BR_T_DOC, BR_T_PATH, BR_T_TEXT, BR_T_DICT, BR_T_CHUNK, BR_T_LEN, BR_T_VEC, BR_T_DEAD, BR_T_TERM, BR_T_POST,
		BR_T_CONTEXT, BR_T_CHAT, BR_T_MSG, BR_T_REPLY, BR_T_ASKED, BR_T_JOB,
	};
	uint64_t importing = 0;
	int rc;

	if ((rc = scan(v->t, BR_T_META, br_slice("", 0), check_meta, v, err)) < 0 ||
	    (rc = br_meta_get(&importing, v->t, IMPORTING, err)) == -BR_ENOMEM ||
	    (rc = scan(v->t, BR_T_NOTEBOOK, br_slice("", 0), check_nb_record, v, err)) < 0)
		return rc;
	for (size_t i = 0; i < BR_COUNT(owned); i++)
		check_owners(v, owned[i], importing);
	return 0;
}

int br_verify(struct br_verify_report *out, struct br_ws *ws, bool quick, br_problem_fn *fn, void *arg, struct br_err *err)
{
	struct verify v = { .ws = ws, .out = out, .fn = fn, .arg = arg, .quick = quick, .files = true };
	int rc;

	*out = (struct br_verify_report){ 0 };
	if (!quick && (rc = br_store_check(ws->store, err)) < 0) /* pages that LMDB would trust */
		return rc;
	if ((rc = br_txn_read(&v.t, ws->store, err)) < 0)
		return rc;
	br_txn_check_all(v.t);
	rc = check_all(&v, err);
	br_txn_end(v.t);
	if (rc < 0)
		return rc;
	if (v.no_memory) /* what was found may follow from that */
		return br_fail(err, BR_ENOMEM, "not everything was checked: out of memory");
	return out->problems ? br_fail(err, BR_ECORRUPT, "%llu problems", (unsigned long long)out->problems) : 0;
}
