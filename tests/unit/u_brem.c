/*
 * Models that are damaged, cut, or of another kind: refused with a message, never a crash, whatever the bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "br/embed.h"
#include "brem_make.h"

static const char *const pieces[] = { "[UNK]", "the", "cat", "##s", "sat", "on", "mat", "a", "b", "##b", "!" };
static const char text[] = "The cats sat on the mat! abbb zebra caf\xC3\xA9 \xE4\xB8\xAD\xE6\x96\x87";
static char path[] = "/tmp/u_brem.XXXXXX";

static int setup(void **state)
{
	(void)state;
	close(mkstemp(path));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static struct brem tiny(void)
{
	return brem_make(pieces, BR_COUNT(pieces), 40, BREM_PLAIN);
}

/* Opens what m holds; if it opens, everything that reads the tables is called. */
static int try_model(const struct brem *m, struct br_err *err)
{
	static struct br_embedding emb;
	static struct br_ann_query q;
	struct br_slice s = br_slice(text, sizeof text - 1);
	struct br_model *model;
	struct br_embedder *e;
	size_t n;
	double fit;
	int rc;

	*err = (struct br_err){ 0 };
	brem_save(m, path);
	if ((rc = br_model_open(&model, path, err)) < 0) {
		assert_int_equal(rc, -(int)err->code);
		assert_true(err->msg[0]);
		return rc;
	}
	e = br_embedder_new(model);
	const uint32_t *id = br_embed_pieces(e, s, &n);
	for (size_t i = 0; i < n; i++)
		assert_true(id[i] < br_model_info(model)->vocab);
	br_embed(&emb, e, &s, 1);
	br_embed_query(&q, &fit, e, s);
	assert_true(fit >= 0 && fit <= 1);
	br_embedder_free(e);
	br_model_close(model);
	return 0;
}

static void whole_model(void **state)
{
	struct brem m = tiny();
	struct br_model *model;
	struct br_err err;

	(void)state;
	assert_int_equal(try_model(&m, &err), 0);
	assert_int_equal(br_model_open(&model, path, &err), 0);
	const struct br_model_info *info = br_model_info(model);
	assert_string_equal(info->id, "tiny");
	assert_int_equal(info->dim, 40);
	assert_int_equal(info->vocab, BR_COUNT(pieces));
	assert_memory_equal(info->sha, m.p + 144, 8);
	assert_int_equal(info->meta_len, 2);
	assert_memory_equal(info->meta, "{}", 2);
	assert_int_equal(br_model_verify(model, &err), 0);
	br_model_close(model);
	br_model_close(NULL);
	free(m.p);
}

static void builtin_model(void **state)
{
	const struct br_model *m = br_model_builtin();
	struct br_err err;

	(void)state;
	assert_ptr_equal(m, br_model_builtin());
	assert_string_equal(br_model_info(m)->id, "br-static-256-v1");
	assert_int_equal(br_model_info(m)->vocab, 37528);
	assert_int_equal(br_model_info(m)->dim, 256);
	assert_int_equal(br_model_info(m)->meta[0], '{');
	assert_int_equal(br_model_verify(m, &err), 0);
}

static void no_file(void **state)
{
	struct br_model *m;
	struct br_err err;

	(void)state;
	assert_true(br_model_open(&m, "/tmp/u_brem.no.such/file", &err) < 0);
	assert_non_null(strstr(err.msg, "no.such"));
}

static void wrong_fields(void **state)
{
	static const struct { size_t off, n; uint64_t v; enum br_code code; } bad[] = {
		{ 0, 1, 'X', BR_EINPUT },                     /* magic */
		{ 8, 4, 2, BR_EUNSUPPORTED },                 /* version */
		{ 12, 4, 512, BR_EINPUT },                    /* header_bytes */
		{ 16, 8, 1, BR_EINPUT },                      /* file_bytes */
		{ 24, 4, 0, BR_EINPUT }, { 24, 4, 5000, BR_EINPUT }, { 24, 4, UINT32_MAX, BR_EINPUT }, /* n_vocab */
		{ 28, 4, 0, BR_EINPUT }, { 28, 4, 65, BR_EINPUT }, { 28, 4, 5000, BR_EINPUT },        /* dim */
		{ 32, 4, 0, BR_EINPUT }, { 32, 4, 65, BR_EINPUT }, { 32, 4, 1u << 31, BR_EINPUT },    /* row_stride */
		{ 36, 4, BREM_PLAIN | 8, BR_EUNSUPPORTED },   /* flags: query weights */
		{ 36, 4, BREM_PLAIN | 32, BR_EUNSUPPORTED },  /* log2 of the term frequency */
		{ 36, 4, BREM_PLAIN | 128, BR_EUNSUPPORTED }, /* unknown */
		{ 36, 4, BREM_PLAIN | 1u << 31, BR_EUNSUPPORTED },
		{ 36, 4, 6, BR_EUNSUPPORTED },                /* without global scale */
		{ 40, 4, 0, BR_EINPUT }, { 40, 4, 0x7F800000, BR_EINPUT }, { 40, 4, 0xBF800000, BR_EINPUT }, /* 0, inf, -1 */
		{ 44, 4, 0, BR_EINPUT }, { 44, 4, UINT32_MAX, BR_EINPUT },                            /* max_word_chars */
		{ 48, 4, BR_COUNT(pieces), BR_EINPUT },       /* unk_id */
		{ 52, 4, 0, BR_EINPUT }, { 52, 4, 100000, BR_EINPUT },                                /* max_piece_bytes */
		{ 88, 4, 0, BR_EINPUT }, { 88, 4, 16, BR_EINPUT }, { 88, 4, 33, BR_EINPUT }, { 88, 4, 64, BR_EINPUT }, /* hash_slots: 32 */
		{ 92, 4, 1, BR_EINPUT },                      /* reserved */
		{ 96, 2, 41, BR_EINPUT },                     /* prefix longer than dim */
		{ 98, 2, 8, BR_EINPUT },                      /* a prefix after none */
		{ 112, 8, 256, BR_EINPUT },                   /* off_scale beside a global scale */
		{ 120, 8, 256, BR_EINPUT },                   /* off_qweight without its flag */
		{ 136, 8, UINT64_MAX, BR_EINPUT },            /* meta_bytes */
		{ 176, 1, 0, BR_EINPUT }, { 176, 1, 7, BR_EINPUT }, { 207, 1, 'x', BR_EINPUT },       /* model_id */
		{ 208, 1, 1, BR_EINPUT }, { 251, 1, 1, BR_EINPUT },                                   /* zeros */
	};
	struct br_err err;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(bad); i++) {
		struct brem m = tiny();
		memcpy(m.p + bad[i].off, &bad[i].v, bad[i].n);
		brem_seal(&m);
		if (try_model(&m, &err) != -(int)bad[i].code)
			fail_msg("field at %zu = %llu: code %d, %s", bad[i].off, (unsigned long long)bad[i].v, err.code, err.msg);
		assert_non_null(strstr(err.msg, path));
		free(m.p);
	}
}

static void wrong_sections(void **state)
{
	static const size_t field[] = { 56, 64, 72, 80, 104, 128 };
	struct br_err err;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(field); i++) {
		struct brem m = tiny();
		uint64_t good = brem_get64(&m, field[i]);
		const uint64_t bad[] = { 0, 64, good + 1, (m.n + 63) / 64 * 64, UINT64_MAX - 63, 1ull << 63 };
		for (size_t j = 0; j < BR_COUNT(bad); j++) {
			brem_u64(&m, field[i], bad[j]);
			brem_seal(&m);
			assert_int_equal(try_model(&m, &err), -BR_EINPUT);
		}
		free(m.p);
	}
}

static void header_checksum(void **state)
{
	struct brem m = tiny();
	struct br_err err;

	(void)state;
	m.p[144] ^= 1; /* the SHA-256 itself: only the checksum can see it */
	assert_int_equal(try_model(&m, &err), -BR_EINPUT);
	assert_non_null(strstr(err.msg, "checksum"));
	free(m.p);
}

static void wrong_content(void **state)
{
	struct brem m = tiny();
	struct br_model *model;
	struct br_err err;

	(void)state;
	m.p[brem_get64(&m, 104)] ^= 1;
	brem_save(&m, path);
	assert_int_equal(br_model_open(&model, path, &err), 0);
	assert_int_equal(br_model_verify(model, &err), -BR_EINPUT);
	assert_non_null(strstr(err.msg, "SHA-256"));
	br_model_close(model);
	free(m.p);
}

static void cut_files(void **state)
{
	struct brem m = tiny();
	struct br_err err;

	(void)state;
	for (size_t n = m.n; n--;) {
		struct brem cut = { m.p, n };
		assert_int_equal(try_model(&cut, &err), -BR_EINPUT);
		if (n > 256) {
			brem_u64(&m, 16, n); /* a header that knows the size, but not that the sections are gone */
			brem_seal(&m);
			try_model(&cut, &err);
			brem_u64(&m, 16, m.n);
			brem_seal(&m);
		}
	}
	free(m.p);
}

/* Every slot taken by a piece that is never asked for: a search must end. */
static void full_hash_table(void **state)
{
	struct brem m = tiny();
	size_t hash = brem_get64(&m, 80);
	struct br_err err;

	(void)state;
	for (uint32_t i = 0; i < br_rd_le32(m.p + 88); i++) {
		brem_u32(&m, hash + 8 * (size_t)i, 12345);
		brem_u32(&m, hash + 8 * (size_t)i + 4, 1);
	}
	assert_int_equal(try_model(&m, &err), 0);
	free(m.p);
}

/* Ids and string offsets out of range, under the right fingerprints. */
static void wild_tables(void **state)
{
	static const uint32_t wild[] = { UINT32_MAX - 1, 11, 12, 1u << 31, 0 };
	struct br_err err;

	(void)state;
	for (size_t k = 0; k < BR_COUNT(wild); k++) {
		struct brem m = tiny();
		size_t hash = brem_get64(&m, 80), stroff = brem_get64(&m, 56);
		for (uint32_t i = 0; i < br_rd_le32(m.p + 88); i++)
			brem_u32(&m, hash + 8 * (size_t)i + 4, wild[k]);
		assert_int_equal(try_model(&m, &err), 0);
		free(m.p);
		m = tiny();
		for (uint32_t i = 0; i < BR_COUNT(pieces); i++)
			brem_u32(&m, stroff + 4 * (size_t)i, wild[k] * (i + 1));
		assert_int_equal(try_model(&m, &err), 0);
		free(m.p);
	}
}

static uint64_t rnd = 88172645463325252ull;
static uint64_t next(void)
{
	rnd ^= rnd << 13, rnd ^= rnd >> 7, rnd ^= rnd << 17;
	return rnd;
}

static void random_damage(void **state)
{
	struct br_err err;
	unsigned opened = 0;

	(void)state;
	for (int round = 0; round < 4000; round++) {
		struct brem m = tiny();
		bool header = round & 1;
		for (uint64_t k = 1 + next() % 3; k; k--) {
			size_t off = header ? next() % 252 : 256 + next() % (m.n - 256);
			m.p[off] = (char)(next() & 1 ? next() : (uint64_t)(unsigned char)m.p[off] ^ 1ull << next() % 8);
		}
		brem_seal(&m);
		opened += try_model(&m, &err) == 0;
		free(m.p);
	}
	assert_in_range(opened, 1000, 3900); /* both ways were taken */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_model), cmocka_unit_test(builtin_model), cmocka_unit_test(no_file), cmocka_unit_test(wrong_fields),
		cmocka_unit_test(wrong_sections), cmocka_unit_test(header_checksum), cmocka_unit_test(wrong_content),
		cmocka_unit_test(cut_files), cmocka_unit_test(full_hash_table), cmocka_unit_test(wild_tables),
		cmocka_unit_test(random_damage),
	};
	return cmocka_run_group_tests_name("brem", tests, setup, teardown);
}
