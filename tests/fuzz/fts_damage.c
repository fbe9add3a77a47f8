/*
 * An index of arbitrary records: whatever they say, walks, searches and changes end, and where the check finds nothing the searches
 * agree. Input: chunks ever and tokens (16 bits each), then records: kind u8 (term, postings, lengths), key u16, length u16, value.
 */
#include "fuzz.h"

#include "fts/internal.h"

enum { NB = 1 };
static const char *const terms[] = { "a", "b", "git", "commit" };

static int put_record(struct br_txn *t, struct br_rd *r, struct br_err *err)
{
	enum br_table table = BR_T_TERM;
	struct br_key k;
	uint8_t kind = br_rd_u8(r);
	uint16_t key = br_rd_u16(r), n = br_rd_u16(r);
	struct br_slice left = fuzz_rest(r), val = br_rd_bytes(r, BR_MIN((size_t)n, left.len));

	if (kind % 3 == 0) {
		br_fts__term_key(&k, NB, br_slice_str(terms[key % BR_COUNT(terms)]));
	} else if (kind % 3 == 1) {
		table = BR_T_POST;
		br_fts__post_key(&k, NB, key & 3, key >> 2);
	} else {
		table = BR_T_LEN;
		br_fts__len_key(&k, NB, key & 3);
	}
	return br_put(t, table, br_key_slice(&k), val, err);
}

static void search(struct br_txn *t, struct br_tokenizer *tok, bool whole, enum br_group_kind kind)
{
	static const char *const langs[] = { "", NULL };
	struct br_fts_query q;
	struct br_fts_want want = { .k = 10 };
	struct br_topk fast = { 0 }, plain = { 0 };

	br_fts_query_init(&q);
	br_fts_query_add(&q, tok, br_slice_str("a git git"), langs, BR_GROUP_SHOULD);
	br_fts_query_add(&q, tok, br_slice_str("commit"), langs, kind);
	if (br_fts_resolve(&q, t, NB, NULL) == 0) {
		static const uint32_t some[] = { 0, 1, 2, 127, 128, 129, 1000, 5000 };
		float score[BR_COUNT(some)];
		int one = br_fts_search(&fast, t, NB, &q, &want, NULL), two;
		want.exhaustive = true;
		two = br_fts_search(&plain, t, NB, &q, &want, NULL);
		HOLDS(!whole || (one == 0 && two == 0 && fast.n == plain.n));
		for (uint32_t i = 0; whole && i < fast.n; i++)
			HOLDS(fast.h[i].chunk == plain.h[i].chunk && fast.h[i].score == plain.h[i].score);
		(void)!br_fts_score(score, NULL, t, NB, &q, some, BR_COUNT(some), NULL);
	} else {
		HOLDS(!whole);
	}
	br_topk_release(&fast);
	br_topk_release(&plain);
	br_fts_query_release(&q);
}

static int run(struct br_txn *t, void *arg, struct br_err *err)
{
	struct br_rd r = *(struct br_rd *)arg;
	struct br_fts__totals v = { .ever = br_rd_u16(&r), .tokens = br_rd_u16(&r), .numbers = 4, .terms = 4 };
	struct br_tokenizer *tok = br_tokenizer_new();
	struct br_fts_unit *u = br_fts_unit_new(), *unit = u;
	struct br_bits live;
	bool whole;

	v.chunks = v.ever;
	FUZZ_OK(br_fts__totals_put(t, NB, &v, err));
	while (!r.bad && r.p < r.end)
		FUZZ_OK(put_record(t, &r, err));
	whole = br_fts_verify(t, NB, v.ever, NULL, NULL) == 0;
	search(t, tok, whole, BR_GROUP_SHOULD);
	search(t, tok, whole, BR_GROUP_MUST);
	search(t, tok, whole, BR_GROUP_NOT);
	br_fts_unit_begin(u);
	br_fts_unit_text(u, tok, br_slice_str("a git commit"));
	br_fts_unit_end(u);
	br_fts_unit_finish(u);
	(void)!br_fts_forget(t, NB, u, NULL);
	(void)!br_fts_write(t, NB, v.ever, &unit, 1, NULL);
	br_bits_init(&live, v.ever + 1, true);
	if (v.ever > 2)
		br_bits_clear_range(&live, 1, v.ever / 2);
	(void)!br_fts_compact(t, NB, &live, fuzz_dir(), NULL);
	br_bits_release(&live);
	br_fts_unit_free(u);
	br_tokenizer_free(tok);
	return 0;
}

FUZZ(fts_damage)
{
	struct br_rd r = br_rd(in);

	fuzz_in_store(run, &r);
}
