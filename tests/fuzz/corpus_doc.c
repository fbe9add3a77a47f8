/* The record of a document: what is decoded encodes to a record that says the same. */
#include "fuzz.h"

#include "corpus/internal.h"

static void check_fields(const struct br_doc *d)
{
	HOLDS(strnlen(d->id, sizeof d->id) < sizeof d->id && strnlen(d->lang, sizeof d->lang) < sizeof d->lang);
	HOLDS(strnlen(d->encoding, sizeof d->encoding) < sizeof d->encoding);
	HOLDS(d->format < BR_FMT_COUNT && d->origin <= BR_FROM_RECORD && d->state <= BR_DOC_SKIPPED);
	HOLDS(d->path && d->title && d->meta && d->error);
	HOLDS(d->chunks <= UINT32_MAX - d->first_chunk);
	(void)br_doc_name(d);
	(void)original_lost(d);
}

static void same(const struct br_doc *a, const struct br_doc *b)
{
	HOLDS(!strcmp(a->id, b->id) && !strcmp(a->path, b->path) && !strcmp(a->title, b->title) && !strcmp(a->lang, b->lang));
	HOLDS(!strcmp(a->encoding, b->encoding) && a->format == b->format && a->origin == b->origin && a->state == b->state);
	HOLDS(a->size == b->size && a->inode == b->inode && a->mtime_ns == b->mtime_ns && a->seen_ns == b->seen_ns);
	HOLDS(a->created == b->created && a->indexed == b->indexed && !memcmp(a->sha, b->sha, sizeof a->sha));
	HOLDS(a->first_chunk == b->first_chunk && a->chunks == b->chunks && a->text_bytes == b->text_bytes && a->tokens == b->tokens);
	HOLDS(!strcmp(a->meta, b->meta) && !strcmp(a->error, b->error));
}

FUZZ(corpus_doc)
{
	struct br_arena a = { 0 };
	struct br_buf rec = BR_BUF_INIT(SIZE_MAX);
	struct br_doc d, again;
	struct br_err err = { 0 };

	if (doc_decode(&d, &a, 7, in, &err) == 0) {
		check_fields(&d);
		doc_encode(&rec, &d);
		if (strlen(d.id) == 36) {
			HOLDS(doc_decode(&again, &a, 7, br_buf_slice(&rec), &err) == 0);
			same(&d, &again);
		}
	} else {
		HOLDS(err.code == BR_ECORRUPT || err.code == BR_EVERSION);
	}
	br_buf_release(&rec);
	br_arena_release(&a);
}
