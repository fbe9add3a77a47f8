/*
 * The record between br and br-extract: round trip, cut at every byte, mutated at random; what is accepted must be sound.
 */
#include "br/text.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char sample_text[] = "Caf\xc3\xa9\n\nOne paragraph.\n\na | b\n1 | 2\n\n\xe6\x97\xa5\xe6\x9c\xac";

static void make_sample(struct br_extracted *e)
{
	static const struct br_block blocks[] = {
		{ 0, 5, 3, 3, 0, 0, BR_BLOCK_HEADING, 1 },
		{ 7, 14, 5, 9, 2, 0, BR_BLOCK_PARA, 0 },
		{ 23, 11, 1, 1, 2, 6, BR_BLOCK_TABLE, 0 }, /* lines may fall: a source is not always in order */
		{ 36, 6, 70000, 70000, 3, 0, BR_BLOCK_LIST, 200 },
	};

	br_extracted_init(e);
	br_buf_adds(&e->text, sample_text);
	e->title = br_strdup("Caf\xc3\xa9");
	strcpy(e->lang, "fr");
	strcpy(e->encoding, "WINDOWS-1252");
	e->format = BR_FMT_HTML;
	for (size_t i = 0; i < BR_COUNT(blocks); i++)
		*br_vec_push(&e->blocks) = blocks[i];
	*br_vec_push(&e->skip) = (struct br_range){ 3, 2 };
	*br_vec_push(&e->skip) = (struct br_range){ 5, 1 };
}

static void assert_same(const struct br_extracted *a, const struct br_extracted *b)
{
	assert_true(br_slice_eq(br_buf_slice(&a->text), br_buf_slice(&b->text)));
	assert_int_equal(!a->title, !b->title);
	if (a->title)
		assert_string_equal(a->title, b->title);
	assert_string_equal(a->lang, b->lang);
	assert_string_equal(a->encoding, b->encoding);
	assert_int_equal(a->format, b->format);
	assert_int_equal(a->blocks.n, b->blocks.n);
	for (size_t i = 0; i < a->blocks.n; i++) {
		const struct br_block *x = &a->blocks.v[i], *y = &b->blocks.v[i];
		assert_true(x->off == y->off && x->len == y->len && x->line == y->line && x->line_end == y->line_end &&
		            x->page == y->page && x->head_len == y->head_len && x->kind == y->kind && x->level == y->level);
	}
	assert_int_equal(a->skip.n, b->skip.n);
	if (a->skip.n)
		assert_memory_equal(a->skip.v, b->skip.v, a->skip.n * sizeof *a->skip.v);
}

static void round_trip(const struct br_extracted *e)
{
	struct br_buf rec = BR_BUF_INIT(1 << 20);
	struct br_extracted back;
	struct br_err err;

	br_extracted_init(&back);
	assert_int_equal(br_proto_encode(&rec, e), 0);
	assert_int_equal(br_proto_decode(&back, br_buf_slice(&rec), &err), 0);
	assert_same(e, &back);
	br_extracted_release(&back);
	br_buf_release(&rec);
}

static void test_round_trip(void **state)
{
	struct br_extracted e;

	(void)state;
	make_sample(&e);
	round_trip(&e);
	br_extracted_release(&e);
	br_extracted_init(&e);
	e.format = BR_FMT_PLAIN; /* as empty as can be */
	round_trip(&e);
	br_extracted_release(&e);
}

static void test_encode_stops_at_the_maximum(void **state)
{
	struct br_buf rec = BR_BUF_INIT(40);
	struct br_extracted e;

	(void)state;
	make_sample(&e);
	assert_int_equal(br_proto_encode(&rec, &e), -BR_ETOOBIG);
	br_buf_release(&rec);
	br_extracted_release(&e);
}

/* Copies into memory of exactly that size, so that a checker sees a read past the end. */
static int decode_exact(struct br_extracted *out, const char *p, size_t n, struct br_err *err)
{
	char *copy = malloc(n ? n : 1);
	int rc;

	memcpy(copy, p, n);
	rc = br_proto_decode(out, br_slice(copy, n), err);
	free(copy);
	return rc;
}

static void test_cut_anywhere(void **state)
{
	struct br_buf rec = BR_BUF_INIT(1 << 20);
	struct br_extracted e, back;
	struct br_err err;

	(void)state;
	make_sample(&e);
	br_extracted_init(&back);
	assert_int_equal(br_proto_encode(&rec, &e), 0);
	for (size_t n = 0; n < rec.len; n++) {
		assert_int_equal(decode_exact(&back, rec.ptr, n, &err), -BR_ECORRUPT);
		assert_true(back.text.len == 0 && back.blocks.n == 0 && !back.title);
	}
	br_buf_addc(&rec, 0);
	assert_int_equal(decode_exact(&back, rec.ptr, rec.len, &err), -BR_ECORRUPT);
	br_extracted_release(&back);
	br_extracted_release(&e);
	br_buf_release(&rec);
}

static bool whole_chars(const struct br_extracted *e, size_t off, size_t len)
{
	return br_utf8_valid(e->text.ptr + off, len) == len;
}

static void assert_sound(const struct br_extracted *e)
{
	size_t at = 0;

	assert_int_equal(br_utf8_valid(e->text.ptr, e->text.len), e->text.len);
	assert_int_equal(strlen(e->text.ptr), e->text.len);
	assert_null(strchr(e->text.ptr, '\r'));
	assert_in_range(e->format, 1, BR_FMT_COUNT - 1);
	assert_true(strlen(e->lang) < sizeof e->lang && strlen(e->encoding) < sizeof e->encoding);
	if (e->title)
		assert_true(strlen(e->title) <= BR_MAX_TITLE && br_utf8_valid(e->title, strlen(e->title)) == strlen(e->title));
	for (size_t i = 0; i < e->blocks.n; i++) {
		const struct br_block *b = &e->blocks.v[i];
		assert_true(b->off >= at && b->len > 0 && (size_t)b->off + b->len <= e->text.len && whole_chars(e, b->off, b->len));
		assert_true(b->kind < BR_BLOCK_KIND_COUNT && b->line >= 1 && b->line_end >= b->line && b->head_len <= b->len);
		assert_true(b->kind != BR_BLOCK_HEADING || (b->level >= 1 && b->level <= 8));
		at = (size_t)b->off + b->len;
	}
	at = 0;
	for (size_t i = 0; i < e->skip.n; i++) {
		const struct br_range *s = &e->skip.v[i];
		assert_true(s->off >= at && s->len > 0 && (size_t)s->off + s->len <= e->text.len && whole_chars(e, s->off, s->len));
		at = (size_t)s->off + s->len;
	}
}

static void test_random_damage(void **state)
{
	struct br_buf rec = BR_BUF_INIT(1 << 20);
	struct br_extracted e, back;
	uint64_t seed = 7;
	size_t taken = 0;

	(void)state;
	make_sample(&e);
	br_extracted_init(&back);
	assert_int_equal(br_proto_encode(&rec, &e), 0);
	for (int round = 0; round < 20000; round++) {
		struct br_err err = { 0 };
		char bad[512];
		size_t n = rec.len;

		memcpy(bad, rec.ptr, n);
		for (int k = 0; k <= round % 4; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			if (round % 3)
				bad[(seed >> 33) % n] = (char)(seed >> 56);
			else
				bad[(seed >> 33) % n] ^= (char)(1 << (seed >> 61));
		}
		if (decode_exact(&back, bad, n, &err) == 0) {
			assert_sound(&back);
			taken++;
		} else {
			assert_int_equal(err.code, BR_ECORRUPT);
		}
	}
	assert_in_range(taken, 1, 19999); /* letters of the text may change freely */
	br_extracted_release(&back);
	br_extracted_release(&e);
	br_buf_release(&rec);
}

/* Counts that promise more than there is must not be believed: neither read nor allocated. */
static void test_huge_counts(void **state)
{
	struct br_buf rec = BR_BUF_INIT(1 << 20);
	struct br_extracted back;
	struct br_err err;

	(void)state;
	br_extracted_init(&back);
	for (uint64_t n = 1; n; n = n < UINT64_MAX / 2 ? n * 2 : 0) {
		br_buf_reset(&rec);
		br_buf_add(&rec, "BRX1\1\0\0\0\3abc", 12);
		br_buf_varint(&rec, n);
		assert_int_equal(decode_exact(&back, rec.ptr, rec.len, &err), -BR_ECORRUPT);
		rec.len = 8; /* where the length of the text stands */
		br_buf_varint(&rec, n);
		assert_int_equal(decode_exact(&back, rec.ptr, rec.len, &err), -BR_ECORRUPT);
		assert_true(back.blocks.cap < 64);
	}
	br_extracted_release(&back);
	br_buf_release(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_encode_stops_at_the_maximum),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_random_damage),
		cmocka_unit_test(test_huge_counts),
	};

	return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
