/*
 * An index of chunks: the same however it was written, block-max search finds what the plain one finds, and what is left after
 * deletion and compaction is the index of the chunks that stay. Input: repetitions, k and which chunks go (a byte each), a line with
 * the question, then a chunk a line.
 */
#include "fuzz.h"

enum { ONE = 1, MANY = 2, FRESH = 3, MOST = 400 };

struct index {
	BR_VEC(char *) text;
	char *question;
	uint32_t k;
	uint8_t gone;
	struct br_tokenizer *tok;
};

static struct br_fts_unit *unit(struct index *x, size_t from, size_t to, const struct br_bits *live)
{
	struct br_fts_unit *u = br_fts_unit_new();

	for (size_t i = from; i < to; i++) {
		uint32_t len;
		if (live && !br_bits_get(live, (uint32_t)i))
			continue;
		br_fts_unit_begin(u);
		br_fts_unit_text(u, x->tok, br_slice_str(x->text.v[i]));
		len = br_fts_unit_end(u);
		HOLDS(len >= 1 && len <= UINT16_MAX);
	}
	br_fts_unit_finish(u);
	return u;
}

static void write_units(struct index *x, struct br_txn *t, uint32_t nb, size_t each, const struct br_bits *live, struct br_err *err)
{
	uint32_t first = 0;

	for (size_t i = 0; i < x->text.n; i += each) {
		struct br_fts_unit *u = unit(x, i, BR_MIN(i + each, x->text.n), live);
		FUZZ_OK(br_fts_write(t, nb, first, &u, 1, err));
		first += br_fts_unit_chunks(u);
		br_fts_unit_free(u);
	}
}

/* Records of two notebooks are the same. */
static void same_table(struct br_txn *t, enum br_table table, uint32_t a, uint32_t b, struct br_err *err)
{
	struct br_cur x, y;
	struct br_key ka, kb;
	int one, two;

	br_key_init(&ka, a);
	br_key_init(&kb, b);
	FUZZ_OK(br_cur_open(&x, t, table, err));
	FUZZ_OK(br_cur_open(&y, t, table, err));
	x.within = br_key_slice(&ka);
	y.within = br_key_slice(&kb);
	one = br_cur_seek(&x, x.within, err);
	two = br_cur_seek(&y, y.within, err);
	for (;;) {
		bool more = FUZZ_OK(one) && br_has_prefix(x.key, x.within), other = FUZZ_OK(two) && br_has_prefix(y.key, y.within);
		HOLDS(more == other);
		if (!more)
			break;
		HOLDS(br_slice_eq(br_slice(x.key.ptr + 4, x.key.len - 4), br_slice(y.key.ptr + 4, y.key.len - 4)) && br_slice_eq(x.val, y.val));
		one = br_cur_next(&x, err);
		two = br_cur_next(&y, err);
	}
	br_cur_close(&x);
	br_cur_close(&y);
}

static void same_index(struct br_txn *t, uint32_t a, uint32_t b, struct br_err *err)
{
	struct br_fts_stats x, y;

	same_table(t, BR_T_TERM, a, b, err);
	same_table(t, BR_T_POST, a, b, err);
	same_table(t, BR_T_LEN, a, b, err);
	FUZZ_OK(br_fts_stats(&x, t, a, err));
	FUZZ_OK(br_fts_stats(&y, t, b, err));
	HOLDS(!memcmp(&x, &y, sizeof x));
}

static void same_hits(const struct br_topk *a, const struct br_topk *b)
{
	HOLDS(a->n == b->n);
	for (uint32_t i = 0; i < a->n; i++) {
		HOLDS(a->h[i].chunk == b->h[i].chunk && !memcmp(&a->h[i].score, &b->h[i].score, sizeof(float)));
		HOLDS(i == 0 || br_hit_before(a->h[i - 1], a->h[i]));
	}
}

/* Scores of given chunks are those that the search gave. */
static void check_scores(struct br_txn *t, uint32_t nb, const struct br_fts_query *q, const struct br_topk *hits, struct br_err *err)
{
	for (uint32_t i = 0; i < hits->n; i++) {
		float score;
		uint64_t matched;
		FUZZ_OK(br_fts_score(&score, &matched, t, nb, q, &hits->h[i].chunk, 1, err));
		HOLDS(!memcmp(&score, &hits->h[i].score, sizeof score));
	}
}

static void search(struct index *x, struct br_txn *t, uint32_t nb, const struct br_bits *keep, struct br_err *err)
{
	static const char *const langs[] = { "en", "", NULL };
	struct br_fts_query q;
	struct br_fts_want want = { .k = x->k, .keep = keep };
	struct br_topk fast = { 0 }, plain = { 0 };
	struct br_slice text = br_slice_str(x->question);
	const char *must = memchr(text.ptr, '+', text.len), *not = memchr(text.ptr, '-', text.len);

	br_fts_query_init(&q);
	br_fts_query_add(&q, x->tok, text, langs, BR_GROUP_SHOULD);
	if (must)
		br_fts_query_add(&q, x->tok, br_slice_str(must), langs, BR_GROUP_MUST);
	if (not)
		br_fts_query_add(&q, x->tok, br_slice_str(not), langs, BR_GROUP_NOT);
	br_tokenizer_lang(x->tok, "en");
	FUZZ_OK(br_fts_resolve(&q, t, nb, err));
	FUZZ_OK(br_fts_search(&fast, t, nb, &q, &want, err));
	want.exhaustive = true;
	FUZZ_OK(br_fts_search(&plain, t, nb, &q, &want, err));
	same_hits(&fast, &plain);
	check_scores(t, nb, &q, &fast, err);
	br_topk_release(&fast);
	br_topk_release(&plain);
	br_fts_query_release(&q);
}

static int run(struct br_txn *t, void *arg, struct br_err *err)
{
	struct index *x = arg;
	uint32_t n = (uint32_t)x->text.n, left;
	struct br_bits live, dead;

	br_bits_init(&live, n, true);
	br_bits_init(&dead, n, false);
	for (uint32_t i = 0; i < n; i++)
		if (x->gone >> (i * 7 % 8) & 1) {
			br_bits_set(&dead, i);
			br_bits_clear_range(&live, i, 1);
		}
	write_units(x, t, ONE, n, NULL, err);
	write_units(x, t, MANY, n / 5 + 1, NULL, err);
	FUZZ_OK(br_fts_verify(t, ONE, n, NULL, err));
	FUZZ_OK(br_fts_verify(t, MANY, n, NULL, err));
	search(x, t, ONE, NULL, err);
	search(x, t, MANY, NULL, err);
	for (uint32_t i = 0; i < n; i++)
		if (br_bits_get(&dead, i)) {
			struct br_fts_unit *u = unit(x, i, i + 1, NULL);
			FUZZ_OK(br_fts_forget(t, MANY, u, err));
			br_fts_unit_free(u);
		}
	FUZZ_OK(br_fts_verify(t, MANY, n, &dead, err));
	search(x, t, MANY, &live, err);
	left = br_bits_count(&live);
	if (left) {
		FUZZ_OK(br_fts_compact(t, MANY, &live, fuzz_dir(), err));
		write_units(x, t, FRESH, n, &live, err);
		FUZZ_OK(br_fts_verify(t, MANY, left, NULL, err));
		same_index(t, MANY, FRESH, err);
		search(x, t, MANY, NULL, err);
	}
	br_bits_release(&live);
	br_bits_release(&dead);
	return 0;
}

FUZZ(fts_index)
{
	struct br_rd r = br_rd(in);
	struct index x = { .tok = br_tokenizer_new() };
	unsigned times = br_rd_u8(&r) % 80 + 1;
	struct br_buf text = BR_BUF_INIT(SIZE_MAX);

	x.k = br_rd_u8(&r) % 50 + 1;
	x.gone = br_rd_u8(&r);
	fuzz_text(&text, fuzz_rest(&r));
	r = br_rd(br_buf_slice(&text));
	x.question = fuzz_line(&r);
	while (r.p < r.end && x.text.n < MOST)
		*br_vec_push(&x.text) = fuzz_line(&r);
	for (size_t n = x.text.n, i = 0; i < n * (times - 1) && x.text.n < MOST; i++) {
		char *again = br_strdup(x.text.v[i % n]);
		*br_vec_push(&x.text) = again;
	}
	br_tokenizer_lang(x.tok, "en");
	if (x.text.n)
		fuzz_in_store(run, &x);
	for (size_t i = 0; i < x.text.n; i++)
		free(x.text.v[i]);
	br_vec_release(&x.text);
	free(x.question);
	br_tokenizer_free(x.tok);
	br_buf_release(&text);
}
