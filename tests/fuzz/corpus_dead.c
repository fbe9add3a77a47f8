/* Bitmaps of deleted chunks against a plain list. Input: chunks (24 bits), then runs: first and number (24 and 8 bits). */
#include "fuzz.h"

#include "corpus/internal.h"

enum { NB = 1, MOST = DEAD_BITS + 2000 };

static uint32_t number(struct br_rd *r)
{
	uint32_t v = br_rd_u16(r);

	return (v | (uint32_t)br_rd_u8(r) << 16) % MOST;
}

static int run(struct br_txn *t, void *arg, struct br_err *err)
{
	struct br_rd r = *(struct br_rd *)arg;
	uint32_t chunks = number(&r);
	bool *plain = br_alloc(2 * MOST);
	struct br_bits dead, live;
	struct br_nb nb = { .nb = NB, .next_chunk = chunks, .dead = 1 };

	for (int i = 0; i < 12 && r.p < r.end && !r.bad; i++) {
		uint32_t first = number(&r), n = br_rd_u8(&r);
		n = n > 250 ? n * 20 : n;
		FUZZ_OK(dead_mark(t, NB, first, n, err));
		memset(plain + first, 1, n);
	}
	FUZZ_OK(dead_load(&dead, t, NB, chunks, err));
	FUZZ_OK(br_chunks_live(&live, t, &nb, err));
	HOLDS(dead.n == chunks && live.n == chunks && br_bits_count(&dead) + br_bits_count(&live) == chunks);
	for (uint32_t i = 0; i < chunks; i++)
		HOLDS(br_bits_get(&dead, i) == plain[i] && br_bits_get(&live, i) == !plain[i]);
	br_bits_release(&dead);
	br_bits_release(&live);
	free(plain);
	return 0;
}

static int run_raw(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct br_slice *val = arg;
	struct br_bits dead = { 0 };
	struct br_key k;

	br_key_init(&k, NB);
	br_key_u32(&k, 0);
	FUZZ_OK(br_put(t, BR_T_DEAD, br_key_slice(&k), *val, err));
	HOLDS((dead_load(&dead, t, NB, 1000, NULL) == 0) == (val->len == DEAD_BITS / 8));
	br_bits_release(&dead);
	(void)!dead_mark(t, NB, 5, 10, NULL);
	return 0;
}

FUZZ(corpus_dead)
{
	struct br_rd r = br_rd(in);

	fuzz_in_store(run, &r);
	fuzz_in_store(run_raw, &in);
}
