/* bits: bitmaps against one byte per bit, top k against sorting everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "br/bits.h"

#include <math.h>
#include <stdlib.h>

static uint32_t next_random(uint32_t *seed)
{
	return (*seed = *seed * 1664525 + 1013904223) >> 8;
}

static void expect(const struct br_bits *b, const unsigned char *plain, uint32_t n)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(br_bits_get(b, i), plain[i]);
		count += plain[i];
	}
	assert_int_equal(br_bits_count(b), count);
}

static void ranges_against_bytes(void **state)
{
	static const uint32_t size[] = { 1, 63, 64, 65, 127, 128, 1000 };
	uint32_t seed = 7;

	(void)state;
	for (size_t s = 0; s < BR_COUNT(size); s++) {
		uint32_t n = size[s];
		unsigned char *plain = br_alloc(n);
		struct br_bits b;

		br_bits_init(&b, n, s & 1);
		memset(plain, s & 1, n);
		expect(&b, plain, n);
		for (int round = 0; round < 200; round++) {
			uint32_t from = next_random(&seed) % (n + 3), count = next_random(&seed) % (n + 3);
			bool on = next_random(&seed) & 1;

			if (on)
				br_bits_set_range(&b, from, count);
			else
				br_bits_clear_range(&b, from, count);
			for (uint32_t i = from; i < n && i < from + count; i++)
				plain[i] = on;
			expect(&b, plain, n);
		}
		br_bits_release(&b);
		free(plain);
	}
}

static void bits_by_hand(void **state)
{
	struct br_bits b, c;

	(void)state;
	br_bits_init(&b, 70, false);
	br_bits_set(&b, 0);
	br_bits_set(&b, 69);
	br_bits_set_range(&b, 62, 4);
	assert_int_equal(b.w[0], 0xc000000000000001);
	assert_int_equal(b.w[1], 0x23);
	assert_false(br_bits_get(&b, 70));
	assert_false(br_bits_get(&b, UINT32_MAX));
	br_bits_init(&c, 70, true);
	assert_int_equal(c.w[1], 0x3f); /* nothing beyond n */
	br_bits_clear_range(&c, 63, 1);
	br_bits_and(&b, &c);
	assert_int_equal(br_bits_count(&b), 5);
	br_bits_andnot(&c, &b);
	assert_int_equal(br_bits_count(&c), 69 - 5);
	br_bits_set_range(&b, 10, UINT32_MAX);
	assert_int_equal(br_bits_count(&b), 61);
	br_bits_set_range(&b, UINT32_MAX, UINT32_MAX);
	assert_int_equal(br_bits_count(&b), 61);
	br_bits_release(&b);
	br_bits_release(&b);
	br_bits_release(&c);
	br_bits_init(&b, 0, true);
	assert_int_equal(br_bits_count(&b), 0);
	assert_false(br_bits_get(&b, 0));
	br_bits_release(&b);
}

static int before(const void *a, const void *b)
{
	return br_hit_before(*(const struct br_hit *)a, *(const struct br_hit *)b) ? -1 : 1;
}

static void topk_against_sorting(void **state)
{
	enum { N = 500 };
	uint32_t seed = 3;

	(void)state;
	for (uint32_t k = 1; k <= N + 1; k += 1 + k / 3) {
		struct br_hit all[N];
		struct br_topk t;

		br_topk_init(&t, k);
		for (uint32_t i = 0; i < N; i++) {
			all[i] = (struct br_hit){ (i * 7919) % N, (float)(next_random(&seed) % 50) - 25 }; /* many equal scores */
			br_topk_push(&t, all[i]);
		}
		qsort(all, N, sizeof *all, before);
		assert_int_equal(t.n, BR_MIN(k, (uint32_t)N));
		if (k <= N) {
			assert_int_equal(br_topk_worst(&t).chunk, all[k - 1].chunk);
		} else {
			assert_true(isinf(br_topk_worst(&t).score));
		}
		br_topk_sort(&t);
		for (uint32_t i = 0; i < t.n; i++) {
			assert_int_equal(t.h[i].chunk, all[i].chunk);
			assert_true(t.h[i].score == all[i].score);
		}
		br_topk_release(&t);
	}
}

static void topk_edges(void **state)
{
	struct br_topk t;

	(void)state;
	br_topk_init(&t, 0);
	br_topk_push(&t, (struct br_hit){ 1, 1 });
	assert_int_equal(t.n, 0);
	assert_true(br_topk_worst(&t).score < 0);
	br_topk_sort(&t);
	br_topk_release(&t);
	br_topk_release(&t);
	br_topk_init(&t, 2);
	br_topk_push(&t, (struct br_hit){ 1, NAN });
	br_topk_push(&t, (struct br_hit){ 9, 1 });
	br_topk_push(&t, (struct br_hit){ 3, 1 });
	br_topk_push(&t, (struct br_hit){ 5, 1 });
	br_topk_push(&t, (struct br_hit){ 2, NAN });
	br_topk_push(&t, (struct br_hit){ 4, -INFINITY });
	br_topk_sort(&t);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.h[0].chunk, 3);
	assert_int_equal(t.h[1].chunk, 5);
	br_topk_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bits_by_hand),
		cmocka_unit_test(ranges_against_bytes),
		cmocka_unit_test(topk_against_sorting),
		cmocka_unit_test(topk_edges),
	};

	return cmocka_run_group_tests_name("bits", tests, NULL, NULL);
}
