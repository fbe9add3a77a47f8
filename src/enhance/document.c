/*
 * A document as the writing of contexts needs it: text, passages, definitions and the contexts it has. It outlives its transaction,
 * since models are slow.
 */
#include "internal.h"

#include <stdlib.h>

static int load_passages(struct document *d, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	d->passage = br_arena_alloc(&d->arena, (d->doc->chunks + 1) * sizeof *d->passage);
	for (uint32_t i = 0; i < d->doc->chunks; i++) {
		struct br_chunk_rec c;
		int rc = br_chunk_get(&c, t, nb, d->doc->first_chunk + i, err);
		if (rc < 0)
			return rc;
		if ((uint64_t)c.off + c.len > d->text.len)
			return br_fail(err, BR_ECORRUPT, "chunk %u reaches beyond its document's text", c.chunk);
		d->passage[i] = (struct passage){ c.off, c.len, { br_arena_strndup(&d->arena, c.heading.ptr, c.heading.len), c.heading.len } };
	}
	return 0;
}

static int load(struct document *d, struct br_txn *t, uint32_t nb, uint32_t doc, struct br_err *err)
{
	int rc;

	if ((rc = br_doc_get(&d->doc, &d->arena, t, nb, doc, err)) < 0)
		return rc;
	if (d->doc->state != BR_DOC_INDEXED || !d->doc->chunks)
		return br_fail(err, BR_ENOTFOUND, "'%s' is not indexed", d->doc->path);
	if ((rc = br_doc_text(&d->text, NULL, t, nb, doc, 0, UINT32_MAX, err)) < 0 || (rc = load_passages(d, t, nb, err)) < 0)
		return rc;
	return br_contexts_get(&d->ctx, &d->arena, t, nb, d->doc, err);
}

int document_load(struct document **out, struct br_ws *ws, uint32_t nb, uint32_t doc, struct br_err *err)
{
	struct document *d = br_alloc(sizeof *d);
	struct br_txn *t;
	int rc;

	*out = NULL;
	d->users = 1;
	br_buf_init(&d->text, BR_MAX_TEXT);
	if ((rc = br_txn_read(&t, ws->store, err)) == 0) {
		rc = load(d, t, nb, doc, err);
		br_txn_end(t);
	}
	if (rc == 0) {
		find_definitions(&d->defs, br_buf_slice(&d->text));
		drop_common(&d->defs, br_buf_slice(&d->text), d->passage, d->doc->chunks);
		*out = d;
		return 0;
	}
	document_drop(d);
	return rc == -BR_ENOTFOUND ? 0 : rc;
}

void document_drop(struct document *d)
{
	if (!d || --d->users)
		return;
	br_buf_release(&d->text);
	br_vec_release(&d->defs);
	br_arena_release(&d->arena);
	free(d);
}
