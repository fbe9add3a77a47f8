/* Word pieces and vectors of the built-in model: the same with warm and cold caches, in parts and whole, and for every pooling code. */
#include "fuzz.h"

#include "embed/internal.h"

static void check_batches(struct br_embedder *e, struct br_slice text, const uint32_t *id, size_t n, size_t limit)
{
	size_t at = 0, got = 0;

	while (at < text.len) {
		size_t before = at;
		e->id.n = 0;
		br_embed__tokenise(e, text, &at, limit);
		HOLDS(at > before && got + e->id.n <= n);
		HOLDS(!e->id.n || !memcmp(e->id.v, id + got, e->id.n * sizeof *id));
		got += e->id.n;
	}
	HOLDS(got == n);
}

static void check_pooling(const struct br_model *m, const uint32_t *id, size_t n)
{
	int32_t plain[BR_ANN_MAX_DIM] = { 0 }, fast[BR_ANN_MAX_DIM] = { 0 };

	br_pool_rows_scalar(plain, m->rows, m->row_stride, id, n, m->info.dim);
	br_embed__pool()(fast, m->rows, m->row_stride, id, n, m->info.dim);
	HOLDS(!memcmp(plain, fast, m->info.dim * sizeof *plain));
}

/* A text in two parts, cut at a line's end, is the text. */
static void check_parts(struct br_embedder *e, struct br_slice text)
{
	const char *cut = text.len ? memchr(text.ptr, '\n', text.len) : NULL;
	size_t n = cut ? (size_t)(cut - text.ptr) + 1 : 0;
	struct br_slice part[2] = { br_slice(text.ptr, n), br_slice(text.ptr + n, text.len - n) };
	struct br_embedding whole, parts;
	uint32_t dim = e->m->info.dim;

	br_embed(&whole, e, &text, 1);
	br_embed(&parts, e, part, 2);
	HOLDS(whole.scale == parts.scale && whole.tokens == parts.tokens && !memcmp(whole.code, parts.code, dim));
	HOLDS(whole.scale >= 0 && whole.scale <= 1);
}

FUZZ(embed_pieces)
{
	static struct br_embedder *warm;
	static unsigned runs;
	struct br_rd r = br_rd(in);
	size_t limit = br_rd_u8(&r) % 40 + 1, n, m;
	struct br_slice text = fuzz_rest(&r);
	struct br_embedder *cold = br_embedder_new(br_model_builtin());
	const uint32_t *id;
	uint32_t *kept;
	struct br_ann_query q;
	double fit;

	if (!warm)
		warm = br_embedder_new(br_model_builtin());
	id = br_embed_pieces(cold, text, &n);
	kept = br_allocn(n + 1, sizeof *kept);
	if (n)
		memcpy(kept, id, n * sizeof *kept);
	id = br_embed_pieces(warm, text, &m);
	HOLDS(n == m && (!n || !memcmp(kept, id, n * sizeof *kept)));
	for (size_t i = 0; i < n; i++)
		HOLDS(kept[i] < cold->m->info.vocab);
	check_batches(cold, text, kept, n, limit);
	check_pooling(warm->m, kept, n);
	check_parts(warm, text);
	(void)br_embed_query(&q, &fit, warm, text);
	HOLDS(fit >= 0 && fit <= 1);
	free(kept);
	br_embedder_free(cold);
	if (++runs % 256 == 0) {
		br_embedder_free(warm);
		warm = NULL;
	}
}
