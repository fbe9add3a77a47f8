/* Packed blocks of numbers, sums of gaps, impact bounds. Input: a byte with the bits, then numbers. */
#include "fuzz.h"

#include "fts/internal.h"

static void check_packing(const uint32_t v[BR_FTS__BLOCK])
{
	unsigned bits = br_fts__bits(v);
	uint32_t again[BR_FTS__BLOCK];
	char *packed = br_alloc(bits * 16 + 1), *twice = br_alloc(bits * 16 + 1);

	HOLDS(bits <= 32);
	br_fts__pack(packed, v, bits);
	br_fts__unpack(again, packed, bits);
	HOLDS(!memcmp(v, again, sizeof again));
	br_fts__pack(twice, again, bits);
	HOLDS(!memcmp(packed, twice, bits * 16 + 1));
	free(packed);
	free(twice);
}

static void check_sums(const uint32_t v[BR_FTS__BLOCK], uint32_t base)
{
	uint32_t sum[BR_FTS__BLOCK], at = base;

	memcpy(sum, v, sizeof sum);
	br_fts__sum_gaps(sum, base);
	for (int i = 0; i < BR_FTS__BLOCK; i++) {
		at += v[i] + 1;
		HOLDS(sum[i] == at);
	}
}

/* A bound covers every posting it was made of. */
static void check_bound(const uint32_t v[BR_FTS__BLOCK])
{
	struct br_fts__frontier f;
	struct br_fts__bound b;

	br_fts__frontier_init(&f);
	for (int i = 0; i < BR_FTS__BLOCK; i += 2)
		br_fts__frontier_add(&f, (v[i] & 0xffff) + 1, br_fts__len_code(v[i + 1] & 0xffff));
	br_fts__frontier_bound(&b, &f);
	for (int i = 0; i < BR_FTS__BLOCK; i += 2) {
		uint32_t len = v[i + 1] & 0xffff;
		HOLDS(br_fts__len_floor(br_fts__len_code(len)) <= len);
		HOLDS(br_fts__bound_covers(&b, (v[i] & 0xffff) + 1, len));
	}
}

FUZZ(fts_pack)
{
	struct br_rd r = br_rd(in);
	unsigned bits = br_rd_u8(&r) % 33;
	uint32_t v[BR_FTS__BLOCK];

	for (int i = 0; i < BR_FTS__BLOCK; i++)
		v[i] = bits ? br_rd_u32(&r) >> (32 - bits) : 0;
	check_packing(v);
	check_sums(v, bits * 1000);
	check_bound(v);
}
