/* A document on its way into the store and out of it: chunks and text are what they were. Input: reader and size, then the file. */
#include "fuzz.h"

#include "corpus/internal.h"

enum { NB = 1, DOC = 2, FIRST = 300 };

struct document {
	struct br_extracted e;
	struct br_chunks c;
	uint32_t *tokens;
	size_t seen;
};

static int same_chunk(const struct br_chunk_rec *r, const struct br_range *skip, size_t n_skip, void *arg, struct br_err *err)
{
	struct document *d = arg;
	const struct br_chunk *c = &d->c.chunks.v[d->seen];
	struct br_buf path = BR_BUF_INIT(SIZE_MAX);

	(void)err;
	HOLDS(d->seen < d->c.chunks.n && r->chunk == FIRST + d->seen && r->doc == DOC && r->ordinal == d->seen);
	HOLDS(r->off == c->off && r->len == c->len && r->line == c->line && r->line_end == c->line_end && r->page == c->page);
	HOLDS(r->tokens == BR_MIN(d->tokens[d->seen], 65535u));
	heading_path(&path, &d->e, &d->c, c->heading);
	HOLDS(br_slice_eq(br_buf_slice(&path), r->heading));
	HOLDS(br_utf8_valid(path.ptr, path.len) == path.len && !memchr(path.ptr, '\n', path.len));
	br_buf_release(&path);
	/* Every skip range that touches the chunk is told. */
	for (size_t i = 0; i < d->e.skip.n; i++) {
		const struct br_range *s = &d->e.skip.v[i];
		bool told = s->off + s->len <= c->off || s->off >= c->off + c->len;
		for (size_t k = 0; k < n_skip && !told; k++)
			told = skip[k].off == s->off && skip[k].len == s->len;
		HOLDS(told);
	}
	d->seen++;
	return 0;
}

static void check_chunks(struct document *d, struct br_txn *t, struct br_err *err)
{
	struct packed_chunks p = { 0 };
	uint32_t n = (uint32_t)d->c.chunks.n;

	pack_chunks(&p, &d->e, &d->c, d->tokens);
	HOLDS(p.n == n);
	FUZZ_OK(chunks_put(t, NB, DOC, FIRST, &p, err));
	FUZZ_OK(chunks_each(t, NB, FIRST, n, same_chunk, d, err));
	HOLDS(d->seen == n);
	FUZZ_OK(chunks_del(t, NB, FIRST, n, err));
	HOLDS(n == 0 || chunks_each(t, NB, FIRST, 1, same_chunk, d, NULL) == -BR_ECORRUPT);
	packed_chunks_release(&p);
}

static void check_text(struct document *d, struct br_txn *t, struct br_err *err)
{
	struct br_slice text = br_buf_slice(&d->e.text);
	struct packed_text p = { 0 };
	struct text_packer *packer = text_packer_new(NULL);
	struct br_text_reader *reader = br_text_reader_new();
	struct br_buf out = BR_BUF_INIT(SIZE_MAX);

	FUZZ_OK(pack_text(&p, packer, text, err));
	FUZZ_OK(text_put(t, NB, DOC, &p, err));
	FUZZ_OK(br_doc_text(&out, reader, t, NB, DOC, 0, UINT32_MAX, err));
	HOLDS(br_slice_eq(br_buf_slice(&out), text));
	for (size_t i = 0; i < d->c.chunks.n; i++) {
		const struct br_chunk *c = &d->c.chunks.v[i];
		br_buf_reset(&out);
		FUZZ_OK(br_doc_text(&out, i & 1 ? reader : NULL, t, NB, DOC, c->off, c->len, err));
		HOLDS(br_slice_eq(br_buf_slice(&out), br_slice(text.ptr + c->off, c->len)));
	}
	br_buf_reset(&out);
	FUZZ_OK(br_doc_text(&out, reader, t, NB, DOC, (uint32_t)text.len, 100, err));
	HOLDS(out.len == 0);
	br_buf_release(&out);
	br_text_reader_free(reader);
	text_packer_free(packer);
	packed_text_release(&p);
}

static int run(struct br_txn *t, void *arg, struct br_err *err)
{
	struct document *d = arg;

	d->seen = 0;
	check_chunks(d, t, err);
	check_text(d, t, err);
	return 0;
}

FUZZ(corpus_stored)
{
	struct br_rd r = br_rd(in);
	struct document d = { .seen = 0 };
	uint8_t reader = br_rd_u8(&r), size = br_rd_u8(&r);
	struct br_chunk_opts o = { size & 1 ? BR_CHUNK_RECURSIVE : BR_CHUNK_STRUCTURE, size + 1u, 0 };
	unsigned times = reader >= 128 ? 8 : 1; /* more than one block of text */
	struct br_buf text = BR_BUF_INIT(SIZE_MAX);

	for (unsigned i = 0; i < times; i++)
		br_buf_add(&text, fuzz_rest(&r).ptr, fuzz_rest(&r).len);
	fuzz_read_any(&d.e, reader, br_buf_slice(&text));
	HOLDS(br_chunk(&d.c, &d.e, &o, NULL) == 0);
	d.tokens = br_allocn(d.c.chunks.n + 1, sizeof *d.tokens);
	for (size_t i = 0; i < d.c.chunks.n; i++)
		d.tokens[i] = (uint32_t)(i * 40000);
	fuzz_in_store(run, &d);
	free(d.tokens);
	br_chunks_release(&d.c);
	br_extracted_release(&d.e);
	br_buf_release(&text);
}
