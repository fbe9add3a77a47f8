/*
 * The reader of .brem: a small whole model with some bytes changed. Input: a byte (1: with the right header checksum, 2: with the
 * right hash, 4: cut short), then changes: offset u16, length u8, bytes.
 */
#include "fuzz.h"

#include "../unit/brem_make.h"

static struct brem changed(struct br_rd *r, uint8_t how)
{
	static const char *const pieces[] = { "[UNK]", "[PAD]", "tea", "cup", "##s", "##y", "a", "b", "##a", "##b", "green", "\xc3\xa9t\xc3\xa9", "\xe8\x8c\xb6" };
	struct brem m = brem_make(pieces, BR_COUNT(pieces), 8, BREM_PLAIN | BREM_CJK_RUNS);

	while (!r->bad && r->p < r->end) {
		size_t off = br_rd_u16(r), left;
		struct br_slice bytes = fuzz_rest(r);
		if (bytes.len < 2)
			break;
		left = BR_MIN((size_t)(uint8_t)bytes.ptr[0] % 9, bytes.len - 1);
		bytes = br_slice(bytes.ptr + 1, left);
		r->p += 1 + left;
		off %= m.n;
		memcpy(m.p + off, bytes.ptr, BR_MIN(bytes.len, m.n - off));
	}
	if (how & 2)
		br_sha256((uint8_t *)m.p + 144, m.p + 256, m.n - 256);
	if (how & 1)
		brem_seal(&m);
	if (how & 4)
		m.n = (size_t)how * 37 % m.n;
	return m;
}

static void use(const struct br_model *m)
{
	const struct br_model_info *info = br_model_info(m);
	struct br_embedder *e = br_embedder_new(m);
	struct br_slice text = br_slice_str("Green tea, cups of tea; abba \xc3\xa9t\xc3\xa9s \xe8\x8c\xb6\xe8\x8c\xb6 [UNK] unknown words");
	struct br_embedding v;
	size_t n;
	const uint32_t *id = br_embed_pieces(e, text, &n);

	HOLDS(info->dim >= 1 && info->dim <= BR_ANN_MAX_DIM && info->vocab >= 1);
	for (size_t i = 0; i < n; i++)
		HOLDS(id[i] < info->vocab);
	br_embed(&v, e, &text, 1);
	HOLDS(v.scale >= 0 && v.scale <= 1);
	for (size_t i = 0; i < info->meta_len; i++)
		(void)*(volatile const char *)(info->meta + i);
	(void)!br_model_verify(m, NULL);
	br_embedder_free(e);
}

FUZZ(embed_brem)
{
	struct br_rd r = br_rd(in);
	struct brem file = changed(&r, br_rd_u8(&r));
	struct br_model *m = NULL;
	struct br_err err = { 0 };
	int rc = br_model_open(&m, fuzz_file("model.brem", br_slice(file.p, file.n)), &err);

	if (rc == 0)
		use(m);
	else
		HOLDS(err.code == BR_EINPUT || err.code == BR_EUNSUPPORTED);
	br_model_close(m);
	free(file.p);
}
