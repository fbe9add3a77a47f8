/*
 * Text to pieces to vectors: test vectors of the built-in model; properties that hold for any text (characters that are
 * dropped change nothing, a sum is the sum of its words); runs of CJK with a small model; pooling kernels; codes and scales.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "br/embed.h"
#include "brem_make.h"
#include "embed/internal.h"
#include "embed_vectors.h"

#define DIM 256

static uint64_t rnd = 88172645463325252ull;
static uint64_t next(void)
{
	rnd ^= rnd << 13, rnd ^= rnd >> 7, rnd ^= rnd << 17;
	return rnd;
}

static struct br_slice str(const char *s) { return br_slice_str(s); }

static struct br_embedder *embedder(void) { return br_embedder_new(br_model_builtin()); }

static char *ids_text(const uint32_t *id, size_t n)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);

	for (size_t i = 0; i < n; i++)
		br_buf_addf(&b, "%s%u", i ? " " : "", id[i]);
	return br_buf_take(&b, NULL);
}

static char *pieces_of(struct br_embedder *e, struct br_slice s)
{
	size_t n;
	const uint32_t *id = br_embed_pieces(e, s, &n);
	return ids_text(id, n);
}

/* ---- test vectors ---- */

static void known_pieces(void **state)
{
	struct br_embedder *e = embedder();

	(void)state;
	for (int warm = 0; warm < 2; warm++) { /* the second time from the cache */
		for (size_t i = 0; i < BR_COUNT(vectors); i++) {
			char *got = pieces_of(e, str(vectors[i].text)), *want = ids_text(vectors[i].id, vectors[i].n);
			assert_string_equal(got, want);
			free(got);
			free(want);
		}
	}
	br_embedder_free(e);
}

static void check_pieces(const struct line *l, void *arg)
{
	char *got = pieces_of(arg, br_slice(l->text, l->len));

	assert_string_equal(got, l->rest);
	free(got);
}

static void shared_pieces(void **state)
{
	struct br_embedder *e = embedder();

	(void)state;
	int n = lines_each("tokens.tsv", check_pieces, e);
	assert_true(n < 0 || n > 50);
	br_embedder_free(e);
}

/* The kernels that this processor runs. */
static size_t kernels(br_pool_rows_fn *fn[3])
{
	fn[0] = br_pool_rows_scalar;
	fn[1] = br_pool_rows_avx2;
	fn[2] = br_pool_rows_avx512;
	return (size_t)br_simd_level() + 1;
}

static void known_sums(void **state)
{
	br_pool_rows_fn *fn[3];
	size_t n = kernels(fn);

	(void)state;
	for (size_t k = 0; k < n; k++) {
		struct br_embedder *e = embedder();
		e->pool = fn[k];
		for (size_t i = 0; i < BR_COUNT(vectors); i++) {
			int32_t sum[DIM];
			char hex[65];
			assert_int_equal(br_embed_sums(sum, e, str(vectors[i].text)), vectors[i].pooled);
			assert_memory_equal(sum, vectors[i].first, sizeof vectors[i].first);
			sums_hex(hex, sum, DIM);
			assert_string_equal(hex, vectors[i].sha);
		}
		br_embedder_free(e);
	}
}

static void check_sums(const struct line *l, void *arg)
{
	int32_t sum[DIM];
	uint32_t pooled = br_embed_sums(sum, arg, br_slice(l->text, l->len));
	char *got = sums_text(sum, DIM, pooled);

	assert_string_equal(got, l->rest);
	free(got);
}

static void shared_sums(void **state)
{
	br_pool_rows_fn *fn[3];
	size_t n = kernels(fn);

	(void)state;
	for (size_t k = 0; k < n; k++) {
		struct br_embedder *e = embedder();
		e->pool = fn[k];
		int lines = lines_each("sums.tsv", check_sums, e);
		assert_true(lines < 0 || lines > 50);
		br_embedder_free(e);
	}
}

/* ---- properties ---- */

static const char *const words[] = {
	"the", "Cat", "kubernetes", "x", "CamelCaseIdentifierOfMoreThan24Letters", "sixteen_letters!",
	"abcdefghijklmnop", "abcdefghijklmno", "abcdefghijklmnopqrstuvw", "abcdefghijklmnopqrstuvwx",
	"\xC3\x89t\xC3\xA9", "na\xC3\xAFve", "\xE2\x80\x94", "(", "...", "\xE4\xB8\xAD", "\xED\x95\x9C\xEA\xB5\xAD",
	"Gru\xC3\x9F", "0123456789", "\xF0\x9F\x98\x80", "e-mail", "\xCE\xA3\xCE\xB1\xCF\x82", "don't",
	"\xD0\x9C\xD0\xB8\xD1\x80",
};

/* A text of n random words, one space between. */
static char *random_text(size_t n)
{
	struct br_buf b = BR_BUF_INIT(1 << 24);

	while (n--)
		br_buf_addf(&b, "%s%s", words[next() % BR_COUNT(words)], n ? " " : "");
	return br_buf_take(&b, NULL);
}

/* Sends every word down the way for characters outside ASCII: a zero-width space is dropped. */
static void dropped_characters_change_nothing(void **state)
{
	static const char *const drop[] = {
		"\xE2\x80\x8B", "\x01", "\x7F", "\xEF\xBF\xBD", "\xFF", "\xC2\xAD", "\xEE\x80\x80", "\xCC\x81",
	};
	struct br_embedder *e = embedder();

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct br_buf b = BR_BUF_INIT(1 << 20);
		char *text = random_text(1 + next() % 12);
		for (const char *p = text; *p; p++) {
			br_buf_addc(&b, *p);
			if (((unsigned char)p[1] & 0xC0) != 0x80) /* not within a character */
				br_buf_adds(&b, drop[next() % BR_COUNT(drop)]);
		}
		char *got = pieces_of(e, br_buf_slice(&b)), *want = pieces_of(e, str(text));
		assert_string_equal(got, want);
		free(got);
		free(want);
		free(text);
		br_buf_release(&b);
	}
	br_embedder_free(e);
}

static void a_nul_is_dropped(void **state)
{
	struct br_embedder *e = embedder();
	char *got = pieces_of(e, br_slice("hel\0lo\0 \0world", 14)), *want = pieces_of(e, str("hello world"));

	(void)state;
	assert_string_equal(got, want);
	free(got);
	free(want);
	br_embedder_free(e);
}

static void a_sum_is_the_sum_of_its_words(void **state)
{
	struct br_embedder *e = embedder();
	char *text = random_text(5000); /* several batches, and more than 255 rows in one sum */
	int32_t all[DIM], one[DIM], sum[DIM] = { 0 };
	uint32_t pooled = 0;

	(void)state;
	assert_true(br_embed_sums(all, e, str(text)) > 5000);
	for (char *p = text, *q; p; p = q) {
		if ((q = strchr(p, ' ')))
			*q++ = 0;
		pooled += br_embed_sums(one, e, str(p));
		for (int d = 0; d < DIM; d++)
			sum[d] += one[d];
	}
	assert_memory_equal(sum, all, sizeof all);
	assert_true(pooled > 5000);
	free(text);
	br_embedder_free(e);
}

/* Every cut of a text is read in bounds (the copy has no byte to spare) and gives pieces that exist. */
static void any_bytes(void **state)
{
	struct br_embedder *e = embedder();
	size_t n;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t len = next() % 80;
		char *p = malloc(len + !len);
		for (size_t i = 0; i < len; i++)
			p[i] = next() % 3 ? "aB3 -\xC3\xA9\xE4\xB8\xAD\xF0\xCC\x81"[next() % 14] : (char)next();
		const uint32_t *id = br_embed_pieces(e, br_slice(p, len), &n);
		for (size_t i = 0; i < n; i++)
			assert_true(id[i] < 37528);
		assert_true(n <= len);
		free(p);
	}
	br_embed_pieces(e, br_slice(NULL, 0), &n);
	assert_int_equal(n, 0);
	br_embedder_free(e);
}

/* Musical marks of class 216 and 226 (not Mn) come in canonical order, whichever way they are written. */
static void marks_in_canonical_order(void **state)
{
	static const char *const piece[] = { "[UNK]", "a", "##\xF0\x9D\x85\xA5", "##\xF0\x9D\x85\xAD" };
	static char path[] = "/tmp/u_embed.XXXXXX";
	struct brem m = brem_make(piece, BR_COUNT(piece), 64, BREM_PLAIN);
	struct br_model *model;

	(void)state;
	close(mkstemp(path));
	brem_save(&m, path);
	assert_int_equal(br_model_open(&model, path, NULL), 0);
	struct br_embedder *e = br_embedder_new(model);
	char *a = pieces_of(e, str("a\xF0\x9D\x85\xA5\xF0\x9D\x85\xAD")), *b = pieces_of(e, str("a\xF0\x9D\x85\xAD\xF0\x9D\x85\xA5"));
	assert_string_equal(a, "1 2 3");
	assert_string_equal(b, "1 2 3");
	free(a);
	free(b);
	br_embedder_free(e);
	br_model_close(model);
	free(m.p);
	unlink(path);
}

/* ---- runs of Han, kana, Hangul, Thai ---- */

static const char *const cjk[] = {
	"[UNK]", "\xE4\xB8\xAD\xE6\x96\x87",            /* 1 zhongwen */
	"\xE4\xB8\xAD",                                 /* 2 zhong */
	"\xE3\x81\xAE",                                 /* 3 hiragana no */
	"\xE0\xB9\x84\xE0\xB8\x97\xE0\xB8\xA2",         /* 4 thai */
	"\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB",         /* 5 han, as jamo */
	"abc", "##d", "\xE3\x80\x82", "de", "##\xE6\x96\x87", /* 6, 7, 8 full stop, 9, 10 */
};

static void cjk_case(uint32_t flags, const char *text, const char *want)
{
	static char path[] = "/tmp/u_embed.XXXXXX";
	struct brem m = brem_make(cjk, BR_COUNT(cjk), 64, flags);
	struct br_model *model;

	if (strchr(path, 'X'))
		close(mkstemp(path));
	brem_save(&m, path);
	assert_int_equal(br_model_open(&model, path, NULL), 0);
	struct br_embedder *e = br_embedder_new(model);
	char *got = pieces_of(e, str(text));
	assert_string_equal(got, want);
	free(got);
	br_embedder_free(e);
	br_model_close(model);
	free(m.p);
	unlink(path);
}

#define ZHONG "\xE4\xB8\xAD"
#define WEN "\xE6\x96\x87"
#define NO "\xE3\x81\xAE"
#define THAI "\xE0\xB9\x84\xE0\xB8\x97\xE0\xB8\xA2"
#define HAN "\xED\x95\x9C"
#define STOP "\xE3\x80\x82"

static void cjk_runs(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 16), want = BR_BUF_INIT(1 << 16);
	const uint32_t on = BREM_PLAIN | BREM_CJK_RUNS;

	(void)state;
	cjk_case(on, ZHONG WEN, "1");                              /* longest match */
	cjk_case(on, ZHONG ZHONG WEN NO, "2 1 3");                 /* Han and kana are one run */
	cjk_case(on, "abc" ZHONG WEN "abcd", "6 1 6 7");           /* cut off from its neighbours */
	cjk_case(on, WEN ZHONG WEN, "1");                          /* no match: the character is skipped; ##wen does not count */
	cjk_case(on, ZHONG STOP WEN "abc", "2 8 6");               /* punctuation ends a run */
	cjk_case(on, THAI HAN, "4 5");
	cjk_case(on, ZHONG "\xE2\x80\x8B" WEN, "1");               /* a dropped character does not */
	cjk_case(on, ZHONG " " WEN, "2");
	cjk_case(BREM_PLAIN, ZHONG WEN, "2 0");                    /* without the flag each ideograph is a word */
	cjk_case(BREM_PLAIN, "abc" NO, "0");
	for (int i = 0; i < 300; i++) {                            /* the limit of 100 does not apply to runs */
		br_buf_adds(&b, ZHONG WEN);
		br_buf_adds(&want, i ? " 1" : "1");
	}
	cjk_case(on, b.ptr, want.ptr);
	br_buf_release(&b);
	br_buf_release(&want);
}

/* ---- pooling ---- */

static void pool_case(size_t n, size_t dim, size_t stride, bool extreme)
{
	br_pool_rows_fn *fn[3];
	size_t have = kernels(fn), vocab = 50;
	int8_t *rows = malloc(vocab * stride + 1);
	uint32_t *id = malloc((n + 1) * sizeof *id);
	int32_t *want = calloc(dim + 1, sizeof *want), *sum = calloc(dim + 1, sizeof *sum);

	for (size_t i = 0; i < vocab * stride; i++)
		rows[i] = (int8_t)(extreme ? (i / stride % 2 ? -128 : 127) : (int)next());
	for (size_t i = 0; i < n; i++)
		id[i] = extreme ? (uint32_t)(n & 1) : (uint32_t)(next() % vocab);
	for (size_t d = 0; d < dim; d++) {
		want[d] = (int32_t)d;
		for (size_t i = 0; i < n; i++)
			want[d] += rows[id[i] * stride + d];
	}
	for (size_t k = 0; k < have; k++) {
		for (size_t d = 0; d < dim; d++)
			sum[d] = (int32_t)d; /* sums are added to */
		fn[k](sum, rows, stride, id, n, dim);
		assert_memory_equal(sum, want, dim * sizeof *sum);
		assert_int_equal(sum[dim], 0);
	}
	free(rows);
	free(id);
	free(want);
	free(sum);
}

static void pool_kernels(void **state)
{
	static const size_t dims[] = { 1, 16, 63, 64, 127, 128, 130, 192, 255, 256, 257, 384, 512, 768, 1000 };
	static const size_t counts[] = { 0, 1, 2, 7, 8, 9, 254, 255, 256, 257, 511, 1000 };

	(void)state;
	for (size_t i = 0; i < BR_COUNT(dims); i++)
		for (size_t j = 0; j < BR_COUNT(counts); j++) {
			pool_case(counts[j], dims[i], (dims[i] + 63) / 64 * 64, false);
			pool_case(counts[j], dims[i], (dims[i] + 63) / 64 * 64, true);
		}
}

/* ---- vectors ---- */

static double exact_cosine(const int32_t *a, const int32_t *b)
{
	double ab = 0, aa = 0, bb = 0;

	for (int d = 0; d < DIM; d++) {
		ab += (double)a[d] * b[d];
		aa += (double)a[d] * a[d];
		bb += (double)b[d] * b[d];
	}
	return ab / sqrt(aa * bb);
}

static int reference_round(int32_t s, int32_t max)
{
	long double x = (long double)s * 127 / max;
	return (int)(x < 0 ? -floorl(-x + 0.5L) : floorl(x + 0.5L));
}

static void codes_and_scales(void **state)
{
	struct br_embedder *e = embedder();
	struct br_embedding emb;

	(void)state;
	for (int round = 0; round < 100; round++) {
		char *text = br_sprintf("the history of mathematics %d and %s", round, words[next() % 3]);
		struct br_slice s = str(text);
		int32_t sum[DIM], max = 0;
		double sq = 0;
		br_embed(&emb, e, &s, 1);
		assert_int_equal(emb.tokens, br_embed_sums(sum, e, s));
		for (int d = 0; d < DIM; d++)
			max = BR_MAX(max, abs(sum[d]));
		for (int d = 0; d < DIM; d++) {
			assert_int_equal(emb.code[d], reference_round(sum[d], max));
			sq += (double)emb.code[d] * emb.code[d];
		}
		assert_true(fabs(sqrt(sq) * (double)emb.scale - 1) < 1e-6);
		free(text);
	}
	br_embedder_free(e);
}

static void parts_add_up(void **state)
{
	struct br_embedder *e = embedder();
	struct br_slice part[] = { str("Installation guide"), str(""), str("how to install the program on Linux") };
	struct br_slice whole = str("Installation guide how to install the program on Linux");
	struct br_embedding a, b;

	(void)state;
	br_embed(&a, e, part, BR_COUNT(part));
	br_embed(&b, e, &whole, 1);
	assert_true(a.scale > 0 && a.scale == b.scale);
	assert_int_equal(a.tokens, b.tokens);
	assert_memory_equal(a.code, b.code, DIM);
	br_embed(&a, e, NULL, 0);
	assert_true(a.scale == 0 && a.tokens == 0);
	br_embedder_free(e);
}

static float scale_of(struct br_embedder *e, const char *text)
{
	static struct br_embedding emb;
	struct br_slice s = str(text);

	br_embed(&emb, e, &s, 1);
	for (int d = 0; d < DIM && emb.scale == 0; d++)
		assert_int_equal(emb.code[d], 0);
	return emb.scale;
}

static void weak_texts_have_no_vector(void **state)
{
	struct br_embedder *e = embedder();

	(void)state;
	assert_true(scale_of(e, "") == 0);
	assert_true(scale_of(e, " \n\t") == 0);
	assert_true(scale_of(e, "\xE0\xB9\x84\xE0\xB8\x97\xE0\xB8\xA2") == 0);  /* [UNK] */
	assert_true(scale_of(e, "a b c") == 0);
	assert_true(scale_of(e, ", ; .") == 0);                                 /* nothing but punctuation */
	assert_true(scale_of(e, "the , ;") > 0);                                /* which does not count otherwise */
	assert_true(scale_of(e, "the a b , ;") == 0);                           /* 2 of 3 */
	assert_true(scale_of(e, "the cat a b") > 0);                            /* 2 of 4: not more than half */
	assert_true(scale_of(e, "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82 \xD0\xBC\xD0\xB8\xD1\x80") == 0);
	br_embedder_free(e);
}

static double fit_of(struct br_embedder *e, const char *text, bool want)
{
	static struct br_ann_query q;
	double fit = -1;

	assert_int_equal(br_embed_query(&q, &fit, e, str(text)), want);
	return fit;
}

static void questions_and_fit(void **state)
{
	struct br_embedder *e = embedder();

	(void)state;
	assert_true(fit_of(e, "", false) == 0);
	assert_true(fit_of(e, "?!", true) == 0);                  /* punctuation is no word, but has a row */
	assert_true(fit_of(e, "the cat sat", true) == 1);
	assert_true(fit_of(e, "the cat, sat?", true) == 1);
	assert_true(fit_of(e, "the unaffable", true) == 0.5);     /* unaffable is in three pieces */
	assert_true(fit_of(e, "a cat", true) == 0.5);             /* one character does not count */
	assert_true(fit_of(e, "the \xE0\xB9\x84\xE0\xB8\x97\xE0\xB8\xA2 \xE4\xB8\xAD cat", true) == 0.5);
	assert_true(fit_of(e, "\xE0\xB9\x84\xE0\xB8\x97\xE0\xB8\xA2", false) == 0);
	br_embedder_free(e);
}

/* The cosine by int8 codes is that of the exact sums to 1/256 for sentences. */
static void cosines_are_close(void **state)
{
	static const char *const sentence[] = {
		"How do I reset my password?", "Passwords can be changed on the settings page of your account.",
		"The cat sat on the mat.", "A garbage collector frees memory that is no longer used.",
	};
	struct br_embedder *e = embedder();
	static struct br_ann_query q;
	struct br_embedding emb;
	double fit;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(sentence); i++) {
		for (size_t j = 0; j < BR_COUNT(sentence); j++) {
			struct br_slice s = str(sentence[j]);
			int32_t a[DIM], b[DIM], dot;
			assert_true(br_embed_query(&q, &fit, e, str(sentence[i])));
			br_embed(&emb, e, &s, 1);
			br_embed_sums(a, e, str(sentence[i]));
			br_embed_sums(b, e, s);
			br_dot_scalar(&dot, emb.code, 1, DIM, q.code);
			assert_true(fabs(dot * (double)emb.scale * q.scale - exact_cosine(a, b)) < 1. / 256);
		}
	}
	br_embedder_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_pieces), cmocka_unit_test(shared_pieces), cmocka_unit_test(known_sums), cmocka_unit_test(shared_sums),
		cmocka_unit_test(dropped_characters_change_nothing), cmocka_unit_test(a_nul_is_dropped),
		cmocka_unit_test(a_sum_is_the_sum_of_its_words), cmocka_unit_test(any_bytes), cmocka_unit_test(marks_in_canonical_order),
		cmocka_unit_test(cjk_runs), cmocka_unit_test(pool_kernels), cmocka_unit_test(codes_and_scales),
		cmocka_unit_test(parts_add_up), cmocka_unit_test(weak_texts_have_no_vector), cmocka_unit_test(questions_and_fit),
		cmocka_unit_test(cosines_are_close),
	};
	return cmocka_run_group_tests_name("embed", tests, NULL, NULL);
}
