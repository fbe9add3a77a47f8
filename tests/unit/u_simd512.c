/*
 * The AVX-512 sources, executed whatever the processor: compiled here a second time against SIMDe under other names, and compared
 * bit for bit with the plain code. Where the processor has AVX-512 the native functions are compared as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* SIMDe passes vectors that the target lacks; all of it is inlined here. (gcc says so in a note, whatever the pragma.) */
#pragma GCC diagnostic ignored "-Wpsabi"

#define BR_SIMDE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
/* SIMDe 0.7.4 gives this alias the four arguments of the masked form. */
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)

#define br_dot_avx512 br_dot_simde
#define br_pool_rows_avx512 br_pool_rows_simde
#include "ann/kernels_avx512.c"
#include "embed/pool_avx512.c"
#undef br_dot_avx512
#undef br_pool_rows_avx512

extern br_dot_fn br_dot_avx512;
extern br_pool_rows_fn br_pool_rows_avx512;

#include "embed_vectors.h"

static uint64_t rnd = 88172645463325252ull;
static uint64_t next(void)
{
	rnd ^= rnd << 13, rnd ^= rnd >> 7, rnd ^= rnd << 17;
	return rnd;
}

static bool native(void) { return br_simd_level() == BR_SIMD_AVX512; }

static void same_dots(const int8_t *rows, size_t n, size_t dim, const int16_t *q)
{
	int32_t want[32], got[32];

	br_dot_scalar(want, rows, n, dim, q);
	memset(got, 0x55, sizeof got);
	br_dot_simde(got, rows, n, dim, q);
	assert_memory_equal(got, want, n * sizeof *got);
	assert_int_equal(got[n], 0x55555555);
	if (native()) {
		br_dot_avx512(got, rows, n, dim, q);
		assert_memory_equal(got, want, n * sizeof *got);
	}
}

static void dot_products(void **state)
{
	static const size_t dims[] = { 32, 64, 96, 128, 256, 320, 768, 1024, 4096 };

	(void)state;
	for (size_t i = 0; i < BR_COUNT(dims); i++) {
		for (size_t n = 0; n < 14; n++) {
			size_t dim = dims[i];
			int8_t *block = malloc(n * dim + 4);
			int16_t *q = malloc(dim * sizeof *q);
			for (size_t d = 0; d < n * dim + 3; d++)
				block[d] = (int8_t)next();
			for (size_t d = 0; d < dim; d++)
				q[d] = (int16_t)((int)(next() % 8001) - 4000);
			same_dots(block, n, dim, q);
			same_dots(block + 3, n, dim, q);
			for (size_t d = 0; d < n * dim; d++)
				block[d] = (int8_t)(next() & 1 ? -128 : 127);
			for (size_t d = 0; d < dim; d++)
				q[d] = (int16_t)(16777215 / BR_MAX(dim, (size_t)512) * (next() & 1 ? 1 : (size_t)-1));
			same_dots(block, n, dim, q);
			free(block);
			free(q);
		}
	}
}

static void same_sums(size_t n, size_t dim, bool extreme)
{
	size_t stride = (dim + 63) / 64 * 64, vocab = 40;
	int8_t *rows = malloc(vocab * stride);
	uint32_t *id = malloc((n + 1) * sizeof *id);
	int32_t *want = calloc(dim, sizeof *want), *got = calloc(dim, sizeof *got);

	for (size_t i = 0; i < vocab * stride; i++)
		rows[i] = (int8_t)(extreme ? (i / stride % 2 ? -128 : 127) : (int)next());
	for (size_t i = 0; i < n; i++)
		id[i] = extreme ? (uint32_t)(n & 1) : (uint32_t)(next() % vocab);
	br_pool_rows_scalar(want, rows, stride, id, n, dim);
	br_pool_rows_simde(got, rows, stride, id, n, dim);
	assert_memory_equal(got, want, dim * sizeof *got);
	if (native()) {
		memset(got, 0, dim * sizeof *got);
		br_pool_rows_avx512(got, rows, stride, id, n, dim);
		assert_memory_equal(got, want, dim * sizeof *got);
	}
	free(rows);
	free(id);
	free(want);
	free(got);
}

static void pooling(void **state)
{
	static const size_t dims[] = { 1, 64, 128, 255, 256, 257, 320, 512, 777, 1024 };
	static const size_t counts[] = { 0, 1, 8, 9, 254, 255, 256, 510, 511, 1000 };

	(void)state;
	for (size_t i = 0; i < BR_COUNT(dims); i++)
		for (size_t j = 0; j < BR_COUNT(counts); j++) {
			same_sums(counts[j], dims[i], false);
			same_sums(counts[j], dims[i], true);
		}
}

/* ---- the built-in model through this code ---- */

static struct br_embedder *embedder(void)
{
	struct br_embedder *e = br_embedder_new(br_model_builtin());

	e->pool = br_pool_rows_simde;
	return e;
}

static void known_sums(void **state)
{
	struct br_embedder *e = embedder();

	(void)state;
	for (size_t i = 0; i < BR_COUNT(vectors); i++) {
		int32_t sum[256];
		char hex[65];
		assert_int_equal(br_embed_sums(sum, e, br_slice_str(vectors[i].text)), vectors[i].pooled);
		sums_hex(hex, sum, 256);
		assert_string_equal(hex, vectors[i].sha);
	}
	br_embedder_free(e);
}

static void check_sums(const struct line *l, void *arg)
{
	int32_t sum[256];
	uint32_t pooled = br_embed_sums(sum, arg, br_slice(l->text, l->len));
	char *got = sums_text(sum, 256, pooled);

	assert_string_equal(got, l->rest);
	free(got);
}

static void shared_sums(void **state)
{
	struct br_embedder *e = embedder();

	(void)state;
	int n = lines_each("sums.tsv", check_sums, e);
	assert_true(n < 0 || n > 50);
	br_embedder_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dot_products), cmocka_unit_test(pooling), cmocka_unit_test(known_sums), cmocka_unit_test(shared_sums),
	};
	printf("AVX-512 through SIMDe%s\n", native() ? " and native" : "; this processor has none");
	return cmocka_run_group_tests_name("simd512", tests, NULL, NULL);
}
