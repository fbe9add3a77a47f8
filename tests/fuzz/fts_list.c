/* Records TERM and POST by themselves. Input: two numbers of 32 bits (chunks ever, first chunk), then the record. */
#include "fuzz.h"

#include "fts/internal.h"

static const struct br_fts__place at = { 1, { "term", 4 } };

static void check_term(struct br_slice val, uint32_t ever)
{
	struct br_fts__list l, again;
	uint32_t chunk[BR_FTS__BLOCK], tf[BR_FTS__BLOCK], chunk2[BR_FTS__BLOCK], tf2[BR_FTS__BLOCK], n;
	char out[BR_FTS__LIST_MAX];

	if (br_fts__list_decode(&l, val, &at, NULL) < 0 || br_fts__tail_decode(chunk, tf, &l, ever, &at, NULL) < 0)
		return;
	n = l.n % BR_FTS__BLOCK;
	for (uint32_t i = 0; i < n; i++) {
		HOLDS(chunk[i] < ever && tf[i] >= 1 && tf[i] <= UINT16_MAX);
		HOLDS(i ? chunk[i] > chunk[i - 1] : l.n < BR_FTS__BLOCK || l.last == BR_FTS__NONE || chunk[i] > l.last);
	}
	HOLDS(br_fts__list_decode(&again, br_slice(out, br_fts__list_encode(out, &l, chunk, tf)), &at, NULL) == 0);
	HOLDS(again.df == l.df && again.n == l.n && again.number == l.number && again.last_seg == l.last_seg && again.last == l.last);
	HOLDS(br_fts__tail_decode(chunk2, tf2, &again, ever, &at, NULL) == 0);
	HOLDS(!memcmp(chunk, chunk2, n * sizeof *chunk) && !memcmp(tf, tf2, n * sizeof *tf));
}

static void check_post(struct br_slice val, uint32_t first)
{
	int n = br_fts__seg_check(val, first, &at, NULL);
	size_t size = 2;

	for (int i = 0; i < n; i++) {
		struct br_fts__header h;
		char again[BR_FTS__HEADER];
		br_fts__header_decode(&h, val.ptr + 2 + (size_t)i * BR_FTS__HEADER);
		br_fts__header_encode(again, &h);
		HOLDS(!memcmp(again, val.ptr + 2 + (size_t)i * BR_FTS__HEADER, BR_FTS__HEADER) && h.last >= first);
		size += BR_FTS__HEADER + br_fts__data_bytes(&h);
	}
	HOLDS(n < 0 || size == val.len);
}

FUZZ(fts_list)
{
	struct br_rd r = br_rd(in);
	uint32_t ever = br_rd_u32(&r), first = br_rd_u32(&r);

	check_term(fuzz_rest(&r), ever);
	check_post(fuzz_rest(&r), first);
}
