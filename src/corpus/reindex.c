/*
 * Words and vectors of a stored document, made again from its text and chunks exactly as when it was indexed: to take its words out
 * of the counts, and to build a damaged index anew.
 */
#include "internal.h"

#include <stdlib.h>

struct reindex *reindex_new(const struct br_model *model)
{
	struct reindex *r = br_alloc(sizeof *r);

	r->unit = br_fts_unit_new();
	r->tok = br_tokenizer_new();
	r->reader = br_text_reader_new();
	r->embedder = model ? br_embedder_new(model) : NULL;
	r->dim = model ? br_model_info(model)->dim : 0;
	br_buf_init(&r->text, BR_MAX_TEXT);
	br_buf_init(&r->passage, SIZE_MAX);
	return r;
}

void reindex_free(struct reindex *r)
{
	br_fts_unit_free(r->unit);
	br_tokenizer_free(r->tok);
	br_text_reader_free(r->reader);
	br_embedder_free(r->embedder);
	br_buf_release(&r->text);
	br_buf_release(&r->passage);
	br_vec_release(&r->passage_end);
	br_vec_release(&r->piece);
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

static void embed(struct reindex *r)
{
	br_embed(&r->vec, r->embedder, r->piece.v, r->piece.n);
	br_vec_reserve(&r->code, r->dim);
	memcpy(r->code.v + r->code.n, r->vec.code, r->dim);
	r->code.n += r->dim;
	*br_vec_push(&r->scale) = r->vec.scale;
}

static int add_chunk(const struct br_chunk_rec *c, const struct br_range *skip, size_t n_skip, void *arg, struct br_err *err)
{
	struct reindex *r = arg;
	struct compose what = { r->doc->title, br_doc_name(r->doc), c->heading, { 0 }, c->off, skip, n_skip };

	if ((uint64_t)c->off + c->len > r->text.len || c->ordinal >= r->doc->chunks)
		return br_fail(err, BR_ECORRUPT, "chunk %u reaches beyond its document", c->chunk);
	what.context = ctx_indexed(&r->ctx[c->ordinal]);
	what.body = br_slice(r->text.ptr + c->off, c->len);
	compose(&r->piece, &what);
	br_fts_unit_begin(r->unit);
	for (size_t i = 0; i < r->piece.n; i++)
		br_fts_unit_text(r->unit, r->tok, r->piece.v[i]);
	br_fts_unit_end(r->unit);
	if (r->embedder)
		embed(r);
	if (r->passages) {
		passage_text(&r->passage, &r->piece);
		*br_vec_push(&r->passage_end) = r->passage.len;
	}
	return 0;
}

int reindex_doc_with(struct reindex *r, struct br_txn *t, uint32_t nb, const struct br_doc *d, const struct br_ctx *ctx, struct br_err *err)
{
	int rc;

	r->doc = d;
	r->ctx = ctx;
	br_buf_reset(&r->text);
	br_text_reader_reset(r->reader);
	br_tokenizer_lang(r->tok, d->lang);
	if ((rc = br_doc_text(&r->text, r->reader, t, nb, d->doc, 0, UINT32_MAX, err)) < 0)
		return rc;
	return chunks_each(t, nb, d->first_chunk, d->chunks, add_chunk, r, err);
}

int reindex_doc(struct reindex *r, struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_ctx *ctx;
	int rc = ctx_load(&ctx, &a, t, nb, d->doc, d->chunks, err);

	if (rc == 0)
		rc = reindex_doc_with(r, t, nb, d, ctx, err);
	br_arena_release(&a);
	return rc;
}
