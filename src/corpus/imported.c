/*
 * Documents of an export, in worker threads: every field is checked as if a stranger had written it, then the words are counted and the
 * text is packed as they are at ingest. What comes out is a slice as ingest makes it.
 */
#include "import.h"

#include <stdlib.h>

struct importer {
	struct br_tokenizer *tok;
	struct br_embedder *embedder;
	struct br_embedding vec;
	struct text_packer *packer;
	struct signer signer;
	br_slices piece;
	BR_VEC(struct br_ctx) context;  /* of the document at hand */
};

void *importer_new(void *arg)
{
	const struct import_env *env = arg;
	struct importer *w = br_alloc(sizeof *w);

	w->tok = br_tokenizer_new();
	w->embedder = env->reembed ? br_embedder_new(env->model) : NULL;
	w->packer = text_packer_new(env->dict);
	return w;
}

void importer_free(void *arg)
{
	struct importer *w = arg;

	br_tokenizer_free(w->tok);
	if (w->embedder)
		br_embedder_free(w->embedder);
	text_packer_free(w->packer);
	br_vec_release(&w->piece);
	br_vec_release(&w->context);
	free(w);
}

/* The contexts of a section as they are read: the next document that has some. */
struct contexts { struct br_rd r; uint64_t place; };

struct job {                            /* one document on its way */
	struct importer *w;
	const struct import_env *env;
	struct piece *p;
	struct made *m;
	struct br_slice text;
	uint32_t chunks;                /* seen of it */
	uint32_t place;                 /* in its section */
	struct contexts *ctx;
	uint32_t left;                  /* contexts of it that are still to come */
};

static int bad(const struct job *j, struct br_err *err, const char *what)
{
	return br_fail(err, BR_EINPUT, "document '%.200s': %s", j->m->doc.path ? j->m->doc.path : "?", what);
}

static bool is_text(struct br_slice s) { return !s.len || (!memchr(s.ptr, 0, s.len) && br_utf8_valid(s.ptr, s.len) == s.len); }

static char *copy(struct job *j, struct br_slice s) { return br_arena_strndup(&j->p->s->arena, s.ptr, s.len); }

/* ---- fields ---- */

static bool is_object(struct br_slice json)
{
	struct br_jdoc *doc;
	bool yes;

	if (!json.len)
		return true;
	if (json.len > BR_MAX_META || br_jdoc_parse(&doc, json, "metadata", NULL) < 0)
		return false;
	yes = br_jval_type(br_jdoc_root(doc)) == BR_J_OBJ;
	br_jdoc_free(doc);
	return yes;
}

/* Letters, as ISO 639-1 has them. */
static bool is_lang(const char *lang)
{
	while (*lang >= 'a' && *lang <= 'z')
		lang++;
	return !*lang;
}

static int check_head(struct job *j, struct br_slice path, struct br_slice title, struct br_slice meta, struct br_err *err)
{
	const struct br_doc *d = &j->m->doc;

	if (!path.len || path.len > BR_MAX_PATH || memchr(path.ptr, 0, path.len))
		return bad(j, err, "its path");
	if (title.len > BR_MAX_TITLE || !is_text(title))
		return bad(j, err, "its title");
	if (!is_lang(d->lang) || !is_text(br_slice_str(d->encoding)))
		return bad(j, err, "its language or encoding");
	if (d->format >= BR_FMT_COUNT || d->origin > BR_FROM_MEMBER ||
	    (d->state > BR_DOC_UPLOADED && d->state != BR_DOC_CONTAINER))
		return bad(j, err, "its format, origin or state");
	if (!is_text(br_slice_str(d->etag)) || !is_text(br_slice_str(d->modified)) || !is_text(br_slice_str(d->gone)))
		return bad(j, err, "what its server said");
	if (d->size > BR_MAX_FILE || !is_object(meta))
		return bad(j, err, "its size or metadata");
	if (j->text.len > BR_MAX_TEXT || !is_text(j->text))
		return bad(j, err, "its text");
	return 0;
}

static int read_head(struct job *j, struct br_rd *r, struct br_err *err)
{
	struct br_doc *d = &j->m->doc;
	struct br_slice path = br_rd_lstr(r), title = br_rd_lstr(r), meta;

	d->path = copy(j, path);
	d->title = copy(j, title);
	get_fixed(d->lang, sizeof d->lang, r);
	get_fixed(d->encoding, sizeof d->encoding, r);
	d->format = br_rd_u8(r);
	d->origin = br_rd_u8(r);
	d->state = br_rd_u8(r);
	d->size = br_rd_varint(r);
	d->mtime_ns = (int64_t)br_rd_u64(r);
	get_bytes(d->sha, sizeof d->sha, r);
	meta = br_rd_lstr(r);
	d->meta = copy(j, meta);
	d->etag = copy(j, br_rd_lstr(r));
	d->modified = copy(j, br_rd_lstr(r));
	d->gone = copy(j, br_rd_lstr(r));
	d->error = copy(j, br_slice("", 0));
	d->seen_ns = br_now_ns();
	br_uuid_ordered(d->id, d->seen_ns / 1000000);
	j->text = br_rd_lstr(r);
	d->text_bytes = (uint32_t)j->text.len;
	return r->bad ? bad(j, err, "it ends too early") : check_head(j, path, title, meta, err);
}

/* ---- passages ---- */

static bool cuts_character(struct br_slice text, size_t at) { return at < text.len && (text.ptr[at] & 0xc0) == 0x80; }

static int check_chunk(struct job *j, const struct br_chunk_rec *c, const struct br_range *skip, size_t n_skip, struct br_err *err)
{
	uint64_t end = (uint64_t)c->off + c->len;

	if (c->ordinal != j->chunks || j->chunks >= BR_MAX_CHUNKS)
		return bad(j, err, "its passages are out of order");
	if (!c->len || end > j->text.len || cuts_character(j->text, c->off) || cuts_character(j->text, end))
		return bad(j, err, "a passage outside its text");
	if (!c->line || c->line > c->line_end || !is_text(c->heading))
		return bad(j, err, "lines or heading of a passage");
	for (size_t i = 0; c->ordinal % SEGMENT_CHUNKS == 0 && i < n_skip; i++) { /* one list for the whole segment */
		end = (uint64_t)skip[i].off + skip[i].len;
		if (end > j->text.len || cuts_character(j->text, skip[i].off) || cuts_character(j->text, end))
			return bad(j, err, "a range outside its text");
	}
	return 0;
}

static void embed(struct job *j)
{
	struct slice *s = j->p->s;

	br_embed(&j->w->vec, j->w->embedder, j->w->piece.v, j->w->piece.n);
	br_vec_reserve(&s->code, j->env->dim);
	memcpy(s->code.v + s->code.n, j->w->vec.code, j->env->dim);
	s->code.n += j->env->dim;
	*br_vec_push(&s->scale) = j->w->vec.scale;
}

/* ---- contexts: documents by place, of each some chunks by ordinal ---- */

static void next_contexts(struct contexts *c) { c->place = c->r.p < c->r.end ? br_rd_varint(&c->r) : UINT64_MAX; }

static void begin_contexts(struct job *j)
{
	if (j->ctx->place != j->place)
		return;
	j->left = get_varint32(&j->ctx->r);
	j->ctx->r.bad |= !j->left;
}

/* That of the chunk at hand, if it has one. They ascend: what stands elsewhere is still there at the end. */
static int take_context(struct br_slice *out, struct job *j, struct br_err *err)
{
	struct br_rd at = j->ctx->r;
	struct br_ctx *v = br_vec_push(&j->w->context);

	*v = (struct br_ctx){ .text = "", .by = "" };
	*out = br_slice("", 0);
	if (!j->left || br_rd_varint(&at) != j->chunks)
		return 0;
	*out = br_rd_lstr(&at);
	if (at.bad || !ctx_text_ok(*out))
		return bad(j, err, "a context of its passages");
	*v = (struct br_ctx){ .state = BR_CTX_EMBEDDED, .attempts = 1, .at = br_now(), .text = copy(j, *out), .by = "" };
	j->ctx->r = at;
	j->left--;
	return 0;
}

static int end_contexts(struct job *j, struct br_err *err)
{
	size_t bytes = j->w->context.n * sizeof *j->w->context.v;

	if (j->left || j->ctx->r.bad)
		return bad(j, err, "contexts that belong to none of its passages");
	if (j->ctx->place == j->place) {
		j->m->ctx = memcpy(br_arena_alloc(&j->p->s->arena, bytes + 1), j->w->context.v, bytes);
		next_contexts(j->ctx);
	}
	return 0;
}

/* ---- passages, each with its context ---- */

static int take_chunk(const struct br_chunk_rec *c, const struct br_range *skip, size_t n_skip, void *arg, struct br_err *err)
{
	struct job *j = arg;
	struct br_doc *d = &j->m->doc;
	struct compose what = { d->title, br_doc_name(d), c->heading, { 0 }, c->off, skip, n_skip };
	int rc = check_chunk(j, c, skip, n_skip, err);

	if (rc < 0 || (rc = take_context(&what.context, j, err)) < 0)
		return rc;
	what.body = br_slice(j->text.ptr + c->off, c->len);
	d->tokens += index_words(j->p->s->unit, j->w->tok, &j->w->signer, &j->w->piece, &what);
	if (j->env->reembed)
		embed(j);
	j->chunks++;
	j->p->s->chunks++;
	return 0;
}

static int take_segments(struct job *j, struct br_rd *r, struct br_err *err)
{
	struct packed_chunks *p = &j->m->chunks;
	uint64_t segments = br_rd_varint(r);
	int rc = 0;

	br_buf_init(&p->bytes, SIZE_MAX);
	for (uint64_t i = 0; i < segments && rc == 0; i++) {
		struct br_slice body = br_rd_lstr(r);
		uint32_t n;
		if (r->bad)
			return bad(j, err, "it ends too early");
		if ((rc = segment_read(&n, body, j->chunks, take_chunk, j, err)) < 0)
			return err->code == BR_EINPUT ? rc : bad(j, err, "its passages are damaged");
		if (n != SEGMENT_CHUNKS && i + 1 < segments)
			return bad(j, err, "its passages are damaged");
		br_buf_add(&p->bytes, body.ptr, body.len);
		*br_vec_push(&p->end) = (uint32_t)p->bytes.len;
	}
	return rc;
}

/* ---- documents ---- */

static int take_doc(struct job *j, struct br_rd *r, struct br_err *err)
{
	struct br_doc *d = &j->m->doc;
	int rc = read_head(j, r, err);

	if (rc < 0)
		return rc;
	br_tokenizer_lang(j->w->tok, d->lang);
	signer_begin(&j->w->signer);
	j->w->context.n = 0;
	begin_contexts(j);
	if ((rc = take_segments(j, r, err)) < 0 || (rc = end_contexts(j, err)) < 0)
		return rc;
	if (r->bad || (j->chunks > 0) != (d->state == BR_DOC_INDEXED) ||
	    (d->state != BR_DOC_INDEXED && j->text.len) || (d->state == BR_DOC_UPLOADED && d->origin != BR_FROM_UPLOAD))
		return bad(j, err, "state and passages do not agree");
	d->chunks = j->m->chunks.n = j->chunks;
	d->signature = signer_end(&j->w->signer, br_arena_alloc(&j->p->s->arena, SIGNATURE));
	return d->chunks ? pack_text(&j->m->text, j->w->packer, j->text, err) : 0;
}

/* Codes of all passages, then all scales: as they stand, once each row is found to be one. */
static int take_vectors(struct piece *p, const struct import_env *env, struct br_err *err)
{
	uint32_t n = p->s->chunks, dim = env->file_dim;
	const int8_t *code = (const int8_t *)p->vecs.ptr;

	if (p->vecs.len != (size_t)n * (dim + 4))
		return br_fail(err, BR_EINPUT, "%u passages have %zu bytes of vectors", n, p->vecs.len);
	br_vec_reserve(&p->s->scale, n + 1);
	memcpy(p->s->scale.v, p->vecs.ptr + (size_t)n * dim, 4 * (size_t)n);
	p->s->scale.n = n;
	for (uint32_t i = 0; i < n; i++)
		if (!br_vec_row_ok(code + (size_t)i * dim, p->s->scale.v[i], dim))
			return br_fail(err, BR_EINPUT, "vector %u is not one", i);
	br_vec_reserve(&p->s->code, (size_t)n * dim + 1);
	memcpy(p->s->code.v, code, (size_t)n * dim);
	p->s->code.n = (size_t)n * dim;
	return 0;
}

static int take_all(struct piece *p, struct importer *w, const struct import_env *env, struct br_err *err)
{
	struct br_rd r = br_rd(br_buf_slice(&p->docs));
	struct contexts ctx = { br_rd(br_buf_slice(&p->contexts)), 0 };
	uint64_t n = br_rd_varint(&r);
	int rc = 0;

	if (!n || n > BR_MAX_BRX_DOCS)
		return br_fail(err, BR_EINPUT, "number of documents");
	next_contexts(&ctx);
	br_vec_reserve(&p->s->made, n);
	for (uint64_t i = 0; i < n && rc == 0; i++) {
		struct job j = { .w = w, .env = env, .p = p, .m = br_vec_push(&p->s->made), .place = (uint32_t)i, .ctx = &ctx };
		*j.m = (struct made){ 0 };
		rc = take_doc(&j, &r, err);
		p->s->bytes += j.text.len;
	}
	if (rc == 0 && r.p != r.end)
		rc = br_fail(err, BR_EINPUT, "something stands behind its documents");
	if (rc == 0 && ctx.place != UINT64_MAX)
		rc = br_fail(err, BR_EINPUT, "contexts that belong to none of its documents");
	return rc < 0 || !env->file_dim || env->reembed ? rc : take_vectors(p, env, err);
}

void import_piece(void *item, void *importer, void *env)
{
	struct piece *p = item;
	struct br_err err = { 0 };

	p->s = slice_new();
	p->s->unit = br_fts_unit_new();
	if (take_all(p, importer, env, &err) < 0)
		p->err = err;
	br_fts_unit_finish(p->s->unit);
	br_buf_release(&p->docs);
	br_buf_release(&p->contexts);
	br_buf_release(&p->vecs);
}
