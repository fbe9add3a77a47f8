/* Records of keys and of their use: damaged ones are refused, others come back as they were. Input: which (8 bits), the record. */
#include "fuzz.h"

#include "auth/internal.h"

static void try_key(struct br_slice rec)
{
	struct br_buf once = BR_BUF_INIT(1 << 20), again = BR_BUF_INIT(1 << 20);
	struct br_arena a = { 0 };
	struct br_apikey k;

	if (apikey_decode(&k, &a, 7, rec, NULL) == 0) {
		HOLDS(k.secrets > 0 && k.name && k.owner && k.rates <= BR_MAX_KEY_RATES && k.id[36] == 0);
		(void)br_apikey_state(&k, 1700000000);
		(void)br_apikey_may(&k, BR_KEY_QUIVR, BR_SCOPE_QUERY, "notebook", "tenant");
		apikey_encode(&once, &k);
		HOLDS(apikey_decode(&k, &a, 7, br_buf_slice(&once), NULL) == 0);
		apikey_encode(&again, &k);
		HOLDS(br_slice_eq(br_buf_slice(&once), br_buf_slice(&again)));
	}
	br_arena_release(&a);
	br_buf_release(&once);
	br_buf_release(&again);
}

static void try_use(struct br_slice rec)
{
	struct br_buf once = BR_BUF_INIT(1 << 20), again = BR_BUF_INIT(1 << 20);
	struct use_rec u;

	if (use_decode(&u, 7, 1, rec, NULL) == 0) {
		for (size_t i = 1; i < u.addresses.n; i++)
			HOLDS(u.addresses.v[i - 1] < u.addresses.v[i]);
		use_encode(&once, &u);
		use_release(&u);
		HOLDS(use_decode(&u, 7, 1, br_buf_slice(&once), NULL) == 0);
		use_encode(&again, &u);
		HOLDS(br_slice_eq(br_buf_slice(&once), br_buf_slice(&again)));
		use_release(&u);
	}
	br_buf_release(&once);
	br_buf_release(&again);
}

FUZZ(auth_key)
{
	struct br_rd r = br_rd(in);

	if (br_rd_u8(&r) % 2)
		try_use(fuzz_rest(&r));
	else
		try_key(fuzz_rest(&r));
}
