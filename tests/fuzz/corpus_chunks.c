/* A stored segment of chunks, of any bytes: whoever reads it sees the same, and what is indexed of it lies within. */
#include "fuzz.h"

#include "corpus/internal.h"

enum { NB = 1, DOC = 2, FIRST = 100 };

struct seen { BR_VEC(struct br_chunk_rec) v; };

static void check_composed(const struct br_chunk_rec *c, const struct br_range *skip, size_t n)
{
	static const char body[4096];
	br_slices piece = { 0 };
	struct compose what = { .title = "Title", .name = br_slice("name", 4), .heading = c->heading, .off = c->off, .skip = skip, .n_skip = n };

	what.body = br_slice(body, BR_MIN(c->len, (uint32_t)sizeof body));
	compose(&piece, &what);
	for (size_t i = 0; i < piece.n; i++)
		if (piece.v[i].ptr >= body && piece.v[i].ptr <= body + sizeof body)
			HOLDS(piece.v[i].len && piece.v[i].ptr + piece.v[i].len <= body + what.body.len);
	br_vec_release(&piece);
}

static int see(const struct br_chunk_rec *c, const struct br_range *skip, size_t n_skip, void *arg, struct br_err *err)
{
	struct seen *s = arg;
	uint64_t end = 0;

	(void)err;
	HOLDS(c->chunk == FIRST + s->v.n && (uint64_t)c->off + c->len <= UINT32_MAX);
	for (size_t i = 0; i < n_skip; i++) {
		HOLDS(skip[i].off >= end && (uint64_t)skip[i].off + skip[i].len <= UINT32_MAX);
		end = (uint64_t)skip[i].off + skip[i].len;
	}
	check_composed(c, skip, n_skip);
	*br_vec_push(&s->v) = *c;
	return 0;
}

static int run(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct br_slice *val = arg;
	struct seen all = { { 0 } };
	struct br_chunk_rec c;
	struct br_err why = { 0 };
	struct br_key k;
	uint32_t doc, chunk;
	int rc;

	br_key_init(&k, NB);
	br_key_u32(&k, FIRST);
	FUZZ_OK(br_put(t, BR_T_CHUNK, br_key_slice(&k), *val, err));
	rc = chunks_each(t, NB, FIRST, UINT32_MAX - FIRST, see, &all, &why);
	HOLDS(rc == -BR_ECORRUPT && why.msg[0]); /* behind the only segment there is none */
	for (size_t i = 0; i < all.v.n; i++) {
		const struct br_chunk_rec *x = &all.v.v[i];
		chunk = FIRST + (uint32_t)i;
		FUZZ_OK(br_chunk_get(&c, t, NB, chunk, err));
		HOLDS(c.chunk == x->chunk && c.doc == x->doc && c.ordinal == x->ordinal && c.off == x->off && c.len == x->len);
		HOLDS(c.line == x->line && c.line_end == x->line_end && c.page == x->page && c.tokens == x->tokens);
		HOLDS(br_slice_eq(c.heading, x->heading));
		FUZZ_OK(br_chunk_docs(&doc, t, NB, &chunk, 1, err));
		HOLDS(doc == c.doc);
	}
	HOLDS(br_chunk_get(&c, t, NB, FIRST + 200, NULL) == -BR_ECORRUPT && br_chunk_get(&c, t, NB, FIRST - 1, NULL) == -BR_ECORRUPT);
	br_vec_release(&all.v);
	return 0;
}

FUZZ(corpus_chunks)
{
	fuzz_in_store(run, &in);
}
