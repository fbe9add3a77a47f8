/*
 * Words and vectors of a stored document, made again from its text and chunks exactly as when it was indexed: to take its words out
 * of the counts, and to build a damaged index anew.
 */
#include "internal.h"

#include <stdlib.h>

/* ---- composing ---- */

void composer_init(struct composer *c)
{
	*c = (struct composer){ .reader = br_text_reader_new() };
	br_buf_init(&c->text, BR_MAX_TEXT);
}

void composer_release(struct composer *c)
{
	br_text_reader_free(c->reader);
	br_buf_release(&c->text);
	br_vec_release(&c->piece);
}

static int compose_chunk(const struct br_chunk_rec *rec, const struct br_range *skip, size_t n_skip, void *arg, struct br_err *err)
{
	struct composer *c = arg;
	struct compose what = { c->doc->title, br_doc_name(c->doc), rec->heading, { 0 }, rec->off, skip, n_skip };

	if ((uint64_t)rec->off + rec->len > c->text.len || rec->ordinal >= c->doc->chunks)
		return br_fail(err, BR_ECORRUPT, "chunk %u reaches beyond its document", rec->chunk);
	what.context = ctx_indexed(&c->ctx[rec->ordinal]);
	what.body = br_slice(c->text.ptr + rec->off, rec->len);
	compose(&c->piece, &what);
	return c->fn(rec, &c->piece, c->arg, err);
}

int compose_doc(struct composer *c, struct br_txn *t, uint32_t nb, const struct br_doc *d, const struct br_ctx *ctx, composed_fn *fn, void *arg,
                struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_ctx *stored = NULL;
	int rc = ctx ? 0 : ctx_load(&stored, &a, t, nb, d->doc, d->chunks, err);

	c->doc = d;
	c->ctx = ctx ? ctx : stored;
	c->fn = fn;
	c->arg = arg;
	br_buf_reset(&c->text);
	br_text_reader_reset(c->reader);
	if (rc == 0 && (rc = br_doc_text(&c->text, c->reader, t, nb, d->doc, 0, UINT32_MAX, err)) >= 0)
		rc = chunks_each(t, nb, d->first_chunk, d->chunks, compose_chunk, c, err);
	br_arena_release(&a);
	return rc;
}

static int by_first(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

void places_sort(struct place *v, size_t n)
{
	if (n)
		qsort(v, n, sizeof *v, by_first);
}

/* ---- words and vectors ---- */

struct reindex *reindex_new(const struct br_model *model)
{
	struct reindex *r = br_alloc(sizeof *r);

	r->unit = br_fts_unit_new();
	r->tok = br_tokenizer_new();
	r->embedder = model ? br_embedder_new(model) : NULL;
	r->dim = model ? br_model_info(model)->dim : 0;
	composer_init(&r->composer);
	br_buf_init(&r->passage, SIZE_MAX);
	return r;
}

void reindex_free(struct reindex *r)
{
	br_fts_unit_free(r->unit);
	br_tokenizer_free(r->tok);
	composer_release(&r->composer);
	br_embedder_free(r->embedder);
	br_buf_release(&r->passage);
	br_vec_release(&r->passage_end);
	br_vec_release(&r->code);
	br_vec_release(&r->scale);
	free(r);
}

void reindex_reset(struct reindex *r)
{
	br_fts_unit_free(r->unit);
	r->unit = br_fts_unit_new();
	r->code.n = r->scale.n = 0;
	r->passage.len = r->passage_end.n = 0;
}

static void embed(struct reindex *r, const br_slices *piece)
{
	br_embed(&r->vec, r->embedder, piece->v, piece->n);
	br_vec_reserve(&r->code, r->dim);
	memcpy(r->code.v + r->code.n, r->vec.code, r->dim);
	r->code.n += r->dim;
	*br_vec_push(&r->scale) = r->vec.scale;
}

static int add_chunk(const struct br_chunk_rec *c, const br_slices *piece, void *arg, struct br_err *err)
{
	struct reindex *r = arg;

	(void)c, (void)err;
	br_fts_unit_begin(r->unit);
	for (size_t i = 0; i < piece->n; i++)
		br_fts_unit_text(r->unit, r->tok, piece->v[i]);
	br_fts_unit_end(r->unit);
	if (r->embedder)
		embed(r, piece);
	if (r->passages) {
		passage_text(&r->passage, piece);
		*br_vec_push(&r->passage_end) = r->passage.len;
	}
	return 0;
}

int reindex_doc_with(struct reindex *r, struct br_txn *t, uint32_t nb, const struct br_doc *d, const struct br_ctx *ctx, struct br_err *err)
{
	br_tokenizer_lang(r->tok, d->lang);
	return compose_doc(&r->composer, t, nb, d, ctx, add_chunk, r, err);
}

int reindex_doc(struct reindex *r, struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err)
{
	return reindex_doc_with(r, t, nb, d, NULL, err);
}
