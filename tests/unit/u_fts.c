/*
 * The inverted index: scores worked out by hand, MUST and NOT, several languages, many small writes against one, deletion,
 * verification, limits. Search against the exhaustive reference is in u_fts_search.c, damaged records in u_fts_damage.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fts_index.h"

#include <math.h>

static const char *const plain[] = { "", NULL };

static const char *const toy[] = {
	"red apple",                       /* 0: 2 words */
	"green apple green pear",          /* 1: 4 */
	"red red red wine",                /* 2: 4 */
	"blue sky",                        /* 3: 2 */
	"max_connections and the apple x", /* 4: 6, the whole identifier not counted */
};

/* One question of one kind; the hits must be freed. */
static struct br_topk ask(struct fts_index *f, uint32_t nb, const char *should, const char *must, const char *not, const struct br_fts_want *want)
{
	struct br_topk out = { 0 };
	struct br_fts_query q;
	struct br_txn *t;

	br_fts_query_init(&q);
	br_fts_query_add(&q, f->tok, br_slice_str(should), plain, BR_GROUP_SHOULD);
	br_fts_query_add(&q, f->tok, br_slice_str(must), plain, BR_GROUP_MUST);
	br_fts_query_add(&q, f->tok, br_slice_str(not), plain, BR_GROUP_NOT);
	OK(f, br_txn_read(&t, f->store, &f->err));
	OK(f, br_fts_resolve(&q, t, nb, &f->err));
	OK(f, br_fts_search(&out, t, nb, &q, want, &f->err));
	br_txn_end(t);
	br_fts_query_release(&q);
	return out;
}

static void expect(struct fts_index *f, const char *should, const char *must, const char *not, const char *chunks)
{
	const struct br_fts_want want = { .k = 10 };
	struct br_topk out = ask(f, 1, should, must, not, &want);
	char got[100] = "";

	for (uint32_t i = 0; i < out.n; i++)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s%u", i ? " " : "", out.h[i].chunk);
	assert_string_equal(got, chunks);
	br_topk_release(&out);
}

static double bm25(double n, double df, double tf, double len, double avg)
{
	return log(1 + (n - df + 0.5) / (df + 0.5)) * tf / (tf + 1.2 * (0.25 + 0.75 * len / avg));
}

static void hand_scores(void **state)
{
	struct fts_index *f = *state;
	const struct br_fts_want want = { .k = 10 };
	const double avg = (2 + 4 + 4 + 2 + 6) / 5.0;
	struct br_topk out;

	fts_add(f, 1, 0, toy, BR_COUNT(toy), 2);
	out = ask(f, 1, "red apple red", "", "", &want); /* red counts twice */
	assert_int_equal(out.n, 4);
	assert_int_equal(out.h[0].chunk, 0);
	assert_float_equal(out.h[0].score, 2 * bm25(5, 2, 1, 2, avg) + bm25(5, 3, 1, 2, avg), 1e-6);
	assert_int_equal(out.h[1].chunk, 2);
	assert_float_equal(out.h[1].score, 2 * bm25(5, 2, 3, 4, avg), 1e-6);
	assert_int_equal(out.h[2].chunk, 1);
	assert_float_equal(out.h[2].score, bm25(5, 3, 1, 4, avg), 1e-6);
	assert_int_equal(out.h[3].chunk, 4);
	assert_float_equal(out.h[3].score, bm25(5, 3, 1, 6, avg), 1e-6);
	br_topk_release(&out);
}

static void kinds(void **state)
{
	struct fts_index *f = *state;

	fts_add(f, 1, 0, toy, BR_COUNT(toy), 5);
	expect(f, "apple", "", "", "0 1 4");
	expect(f, "apple", "red", "", "0 2");
	expect(f, "", "apple red", "", "0");
	expect(f, "wine", "apple", "", "0 1 4");
	expect(f, "apple", "", "green", "0 4");
	expect(f, "", "apple", "red", "1 4");
	expect(f, "", "", "red", "");
	expect(f, "", "", "", "");
	expect(f, "nowhere", "", "", "");
	expect(f, "apple nowhere", "", "", "0 1 4");
	expect(f, "apple", "nowhere", "", "");
	expect(f, "apple", "", "nowhere", "0 1 4");
	expect(f, "sky", "", "sky", "");
	/* a whole identifier: its parts find it, as MUST the parts suffice, as NOT the parts alone do not exclude */
	expect(f, "connections", "", "", "4");
	expect(f, "max_connections", "", "", "4");
	expect(f, "", "max.connections", "", "4");
	expect(f, "apple", "", "max_connections", "0 1");
	expect(f, "apple", "", "max_wine", "0 1 4");
}

static void whole_identifier_lifts(void **state)
{
	static const char *const text[] = { "max of connections", "max_connections", "connections max" };
	struct fts_index *f = *state;
	const struct br_fts_want want = { .k = 3 };
	struct br_topk out;

	fts_add(f, 1, 0, text, 3, 3);
	out = ask(f, 1, "max_connections", "", "", &want);
	assert_int_equal(out.n, 3);
	assert_int_equal(out.h[0].chunk, 1);
	br_topk_release(&out);
}

static bool even(uint32_t chunk, void *arg)
{
	++*(int *)arg;
	return chunk % 2 == 0;
}

static void keep_accept_and_k(void **state)
{
	struct fts_index *f = *state;
	struct br_fts_want want = { .k = 1 };
	struct br_bits keep;
	struct br_topk out;
	int asked = 0;

	fts_add(f, 1, 0, toy, BR_COUNT(toy), 5);
	out = ask(f, 1, "apple", "", "", &want);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.h[0].chunk, 0);
	br_topk_release(&out);

	br_bits_init(&keep, 5, false);
	br_bits_set(&keep, 1);
	br_bits_set(&keep, 2);
	br_bits_set(&keep, 4);
	want = (struct br_fts_want){ .k = 10, .keep = &keep };
	out = ask(f, 1, "apple red", "", "", &want);
	assert_int_equal(out.n, 3);
	assert_int_equal(out.h[0].chunk, 2);
	br_topk_release(&out);

	want.accept = even;
	want.arg = &asked;
	out = ask(f, 1, "apple", "", "", &want);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.h[0].chunk, 4);
	assert_int_equal(asked, 2); /* 1 and 4: chunk 0 is not kept */
	br_topk_release(&out);
	br_bits_release(&keep);

	want = (struct br_fts_want){ .k = 0 };
	out = ask(f, 1, "apple", "", "", &want);
	assert_int_equal(out.n, 0);
	br_topk_release(&out);
}

/* Equal scores: the lower chunk number first, also where the list is full. */
static void ties(void **state)
{
	static const char *const text[] = { "b c", "a c", "a d", "a e", "a f" };
	struct fts_index *f = *state;
	struct br_fts_want want = { .k = 2 };
	struct br_topk out;

	fts_add(f, 1, 0, text, 5, 1);
	out = ask(f, 1, "a", "", "", &want);
	assert_int_equal(out.n, 2);
	assert_int_equal(out.h[0].chunk, 1);
	assert_int_equal(out.h[1].chunk, 2);
	br_topk_release(&out);
}

static void languages(void **state)
{
	struct fts_index *f = *state;
	static const char *const en[] = { "the organization organizes", "nothing fog" };
	static const char *const langs[] = { "en", "de", "", NULL };
	struct br_fts_query q;
	struct br_txn *t;
	struct br_topk out = { 0 };
	const struct br_fts_want want = { .k = 5 };

	br_tokenizer_lang(f->tok, "en");
	fts_add(f, 1, 0, en, 2, 2);
	br_tokenizer_lang(f->tok, "");
	fts_add(f, 1, 2, (const char *const[]){ "organizes" }, 1, 1);

	br_fts_query_init(&q);
	br_fts_query_add(&q, f->tok, br_slice_str("organizes fog organizes"), langs, BR_GROUP_SHOULD);
	assert_int_equal(q.groups.n, 2);
	assert_int_equal(q.groups.v[0].count, 2);
	assert_int_equal(q.groups.v[0].alts.n, 3); /* organ, organiz, organizes */
	assert_int_equal(q.groups.v[1].alts.n, 1);
	assert_int_equal(q.groups.v[1].off, 10);
	assert_int_equal(q.groups.v[1].pos, 1);
	OK(f, br_txn_read(&t, f->store, &f->err));
	OK(f, br_fts_resolve(&q, t, 1, &f->err));
	assert_int_equal(q.chunks, 3);
	assert_float_equal(q.avg_len, 2, 1e-12);
	assert_int_equal(q.groups.v[0].df, 2);
	assert_float_equal(q.groups.v[0].idf, log(1 + 1.5 / 2.5), 1e-6);
	OK(f, br_fts_search(&out, t, 1, &q, &want, &f->err));
	assert_int_equal(out.n, 3);
	assert_int_equal(out.h[0].chunk, 2); /* the shortest */
	assert_int_equal(out.h[1].chunk, 0); /* both words of it are the stem */
	assert_float_equal(out.h[1].score, 2 * bm25(3, 2, 2, 3, 2), 1e-6);
	br_topk_release(&out);
	br_txn_end(t);
	br_fts_query_release(&q);
}

/* Languages that cut at apostrophes differently find each other's words. */
static void elision_between_languages(void **state)
{
	static const char *const langs[] = { "fr", "en", NULL };
	struct fts_index *f = *state;
	struct br_fts_query q;

	br_fts_query_init(&q);
	br_fts_query_add(&q, f->tok, br_slice_str("l'opera house"), langs, BR_GROUP_MUST);
	assert_int_equal(q.groups.n, 4);
	assert_int_equal(q.groups.v[2].kind, BR_GROUP_MUST); /* house */
	assert_memory_equal(q.groups.v[3].alts.v[0].term, "lopera", 6);
	assert_int_equal(q.groups.v[3].kind, BR_GROUP_SHOULD); /* only one of the two cuts can be there */
	br_fts_query_release(&q);
}

static void given_chunks(void **state)
{
	static const uint32_t chunk[] = { 0, 2, 3 };
	struct fts_index *f = *state;
	const struct br_fts_want want = { .k = 10 };
	struct br_fts_query q;
	struct br_txn *t;
	struct br_topk out = { 0 };
	float score[3];
	uint64_t matched[3];

	fts_add(f, 1, 0, toy, BR_COUNT(toy), 5);
	br_fts_query_init(&q);
	br_fts_query_add(&q, f->tok, br_slice_str("red apple wine"), plain, BR_GROUP_SHOULD);
	OK(f, br_txn_read(&t, f->store, &f->err));
	OK(f, br_fts_resolve(&q, t, 1, &f->err));
	OK(f, br_fts_search(&out, t, 1, &q, &want, &f->err));
	OK(f, br_fts_score(score, matched, t, 1, &q, chunk, 3, &f->err));
	for (uint32_t i = 0; i < out.n; i++)
		for (int c = 0; c < 3; c++)
			if (out.h[i].chunk == chunk[c])
				assert_memory_equal(&out.h[i].score, &score[c], sizeof(float));
	assert_int_equal(matched[0], 3);
	assert_int_equal(matched[1], 5);
	assert_int_equal(matched[2], 0);
	assert_true(score[2] == 0);
	OK(f, br_fts_score(score, NULL, t, 1, &q, chunk, 3, &f->err));
	assert_int_equal(br_fts_score(score, NULL, t, 1, &q, (const uint32_t[]){ 3, 3 }, 2, &f->err), -BR_EBUG);
	assert_int_equal(br_fts_score(score, NULL, t, 1, &q, (const uint32_t[]){ 5 }, 1, &f->err), -BR_EBUG);
	br_topk_release(&out);
	br_txn_end(t);
	br_fts_query_release(&q);
}

/* ---- many chunks: words w0 (in nearly every chunk) to w399 (rare) ---- */

static char **random_texts(size_t n, uint32_t seed)
{
	char **text = br_allocn(n, sizeof *text);

	for (size_t i = 0; i < n; i++) {
		size_t words = 1 + fts_random(&seed) % 40;

		text[i] = br_alloc(words * 6 + 1);
		for (size_t w = 0; w < words; w++) {
			double u = (fts_random(&seed) % 65536 + 1) / 65537.0;

			sprintf(text[i] + strlen(text[i]), "w%d ", (int)(400 * u * u * u));
		}
	}
	return text;
}

static void free_texts(char **text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(text[i]);
	free(text);
}

static void expect_same_answers(struct fts_index *f, uint32_t a, uint32_t b, const struct br_bits *keep_a)
{
	uint32_t seed = 5;

	for (int i = 0; i < 200; i++) {
		char text[100];
		struct br_fts_want want = { .k = 20 };

		snprintf(text, sizeof text, "w%u w%u w%u", fts_random(&seed) % 400, fts_random(&seed) % 30, fts_random(&seed) % 100);
		struct br_topk y = ask(f, b, text, "", "", &want);
		want.keep = keep_a;
		struct br_topk x = ask(f, a, text, "", "", &want);
		fts_same_hits(&x, &y, text);
		br_topk_release(&x);
		br_topk_release(&y);
	}
}

static void verify(struct fts_index *f, uint32_t nb, uint32_t chunks, const struct br_bits *dead)
{
	struct br_txn *t;

	OK(f, br_txn_read(&t, f->store, &f->err));
	OK(f, br_fts_verify(t, nb, chunks, dead, &f->err));
	br_txn_end(t);
}

/* Every record of notebook a, its number aside, is that of notebook b. */
static void expect_same_records(struct fts_index *f, uint32_t a, uint32_t b)
{
	static const enum br_table tables[] = { BR_T_LEN, BR_T_TERM };
	struct br_txn *t;
	struct br_key key, other;

	OK(f, br_txn_read(&t, f->store, &f->err));
	for (size_t i = 0; i < BR_COUNT(tables); i++) {
		struct br_cur c;
		size_t n = 0;

		OK(f, br_cur_open(&c, t, tables[i], &f->err));
		br_key_init(&key, a);
		for (int rc = br_cur_seek(&c, br_key_slice(&key), &f->err); rc == 1; rc = br_cur_next(&c, &f->err)) {
			struct br_slice v;

			if (!br_has_prefix(c.key, br_key_slice(&key)))
				break;
			br_key_init(&other, b);
			br_key_bytes(&other, c.key.ptr + 4, c.key.len - 4);
			assert_int_equal(br_get(&v, t, tables[i], br_key_slice(&other), &f->err), 1);
			if (tables[i] == BR_T_LEN)
				assert_true(br_slice_eq(v, c.val));
			n++;
		}
		assert_true(n > 0);
		br_cur_close(&c);
	}
	br_txn_end(t);
}

static void many_writes_equal_one(void **state)
{
	enum { N = 5000 };
	struct fts_index *f = *state;
	char **text = random_texts(N, 3);
	uint32_t seed = 11, first = 0;
	struct br_fts_stats a, b;
	struct br_txn *t;

	fts_add(f, 2, 0, (const char *const *)text, N, 700);
	while (first < N) {
		uint32_t n = BR_MIN(1 + fts_random(&seed) % 200, N - first);

		fts_add(f, 1, first, (const char *const *)text + first, n, 1 + fts_random(&seed) % 50);
		first += n;
	}
	verify(f, 1, N, NULL);
	verify(f, 2, N, NULL);
	OK(f, br_txn_read(&t, f->store, &f->err));
	OK(f, br_fts_stats(&a, t, 1, &f->err));
	OK(f, br_fts_stats(&b, t, 2, &f->err));
	br_txn_end(t);
	assert_memory_equal(&a, &b, sizeof a);
	assert_int_equal(a.chunks, N);
	expect_same_records(f, 1, 2);
	expect_same_answers(f, 1, 2, NULL);
	free_texts(text, N);
}

/* After deletion scores are those of an index that never had the deleted chunks. */
static void forget(void **state)
{
	enum { N = 1500 };
	struct fts_index *f = *state;
	char **text = random_texts(N, 4);
	const char **kept = br_allocn(N, sizeof *kept);
	struct br_bits keep, dead;
	struct br_fts_want want = { .k = 20 };
	uint32_t number[N], n = 0;

	br_bits_init(&keep, N, true);
	br_bits_init(&dead, N, false);
	fts_add(f, 1, 0, (const char *const *)text, N, 100);
	for (uint32_t i = 0; i < N; i++) {
		if (i % 3 == 1) {
			fts_forget(f, 1, text[i]);
			br_bits_clear_range(&keep, i, 1);
			br_bits_set(&dead, i);
		} else {
			number[n] = i;
			kept[n++] = text[i];
		}
	}
	fts_add(f, 2, 0, kept, n, 100);
	verify(f, 1, N, &dead);
	uint32_t seed = 8;
	for (int i = 0; i < 200; i++) {
		char q[60];

		snprintf(q, sizeof q, "w%u w%u", fts_random(&seed) % 400, fts_random(&seed) % 20);
		want.keep = NULL;
		struct br_topk y = ask(f, 2, q, "", "", &want);
		want.keep = &keep;
		struct br_topk x = ask(f, 1, q, "", "", &want);
		for (uint32_t h = 0; h < y.n; h++)
			y.h[h].chunk = number[y.h[h].chunk];
		fts_same_hits(&x, &y, q);
		br_topk_release(&x);
		br_topk_release(&y);
	}

	/* more is taken back than there is */
	struct br_fts_unit *u = fts_unit(f, (const char *const[]){ "unheard" }, 1);
	struct fts_job j = { .nb = 1, .units = &u, .n = 1, .forget = true };
	assert_int_equal(br_store_write(f->store, fts_job_run, &j, &f->err), -BR_ECORRUPT);
	assert_non_null(strstr(f->err.msg, "unheard"));
	br_fts_unit_free(u);
	verify(f, 1, N, &dead);

	br_bits_release(&keep);
	br_bits_release(&dead);
	free(kept);
	free_texts(text, N);
}

static void notebooks_are_apart(void **state)
{
	struct fts_index *f = *state;
	struct fts_job drop = { .nb = 2, .drop = true };
	struct br_fts_stats s;
	struct br_txn *t;

	for (uint32_t nb = 1; nb <= 3; nb++)
		fts_add(f, nb, 0, toy, nb, 1);
	fts_add(f, 1, 1, toy + 1, 4, 1); /* not the last notebook any more */
	expect(f, "apple", "", "", "0 1 4");
	OK(f, br_store_write(f->store, fts_job_run, &drop, &f->err));
	verify(f, 1, 5, NULL);
	verify(f, 2, 0, NULL);
	verify(f, 3, 3, NULL);
	OK(f, br_txn_read(&t, f->store, &f->err));
	OK(f, br_fts_stats(&s, t, 2, &f->err));
	assert_int_equal(s.chunks + s.tokens + s.terms, 0);
	OK(f, br_fts_stats(&s, t, 3, &f->err));
	assert_int_equal(s.chunks, 3);
	assert_int_equal(s.tokens, 10);
	assert_int_equal(s.terms, 5); /* red apple green pear wine */
	br_txn_end(t);
}

static void wrong_first_chunk(void **state)
{
	struct fts_index *f = *state;
	struct br_fts_unit *u = fts_unit(f, toy, 1);
	struct fts_job j = { .nb = 1, .first = 3, .units = &u, .n = 1 };

	assert_int_equal(br_store_write(f->store, fts_job_run, &j, &f->err), -BR_ECORRUPT);
	br_fts_unit_free(u);
}

static void verify_sees(void **state)
{
	struct fts_index *f = *state;
	struct br_bits dead;
	struct br_txn *t;

	fts_add(f, 1, 0, toy, BR_COUNT(toy), 5);
	br_bits_init(&dead, 5, false);
	br_bits_set(&dead, 2);
	OK(f, br_txn_read(&t, f->store, &f->err));
	assert_int_equal(br_fts_verify(t, 1, 6, NULL, &f->err), -BR_ECORRUPT);
	assert_int_equal(br_fts_verify(t, 1, 5, &dead, &f->err), -BR_ECORRUPT); /* deleted, but still counted */
	br_txn_end(t);
	br_bits_release(&dead);
}

/* Long chunks count as 65,535 words, empty ones as 1; tf stops at 65,535. */
static void extreme_chunks(void **state)
{
	struct fts_index *f = *state;
	struct br_fts_unit *u = br_fts_unit_new();
	struct fts_job j = { .nb = 1, .units = &u, .n = 1 };
	char *text = br_alloc(2 * 70000 + 1);
	const struct br_fts_want want = { .k = 5 };
	struct br_topk out;

	for (int i = 0; i < 70000; i++)
		memcpy(text + 2 * i, "z ", 2);
	br_fts_unit_begin(u);
	assert_int_equal(br_fts_unit_end(u), 1);
	br_fts_unit_begin(u);
	br_fts_unit_text(u, f->tok, br_slice_str(text));
	assert_int_equal(br_fts_unit_end(u), 65535);
	br_fts_unit_begin(u);
	br_fts_unit_text(u, f->tok, br_slice_str("two "));
	br_fts_unit_text(u, f->tok, br_slice_str("pieces of foo.bar"));
	assert_int_equal(br_fts_unit_end(u), 5);
	assert_int_equal(br_fts_unit_chunks(u), 3);
	br_fts_unit_finish(u);
	assert_true(br_fts_unit_bytes(u) > 0);
	OK(f, br_store_write(f->store, fts_job_run, &j, &f->err));
	verify(f, 1, 3, NULL);
	out = ask(f, 1, "z", "", "", &want);
	assert_int_equal(out.n, 1);
	assert_float_equal(out.h[0].score, bm25(3, 1, 65535, 65535, (65535 + 1 + 5) / 3.0), 1e-6);
	br_topk_release(&out);
	br_fts_unit_free(u);
	free(text);
}

/* Of too many words the rarest stay, whatever their place. */
static void too_many_words(void **state)
{
	struct fts_index *f = *state;
	struct br_buf b = BR_BUF_INIT(1 << 16);
	struct br_fts_query q;
	struct br_txn *t;
	bool seen = false;

	fts_add(f, 1, 0, toy, BR_COUNT(toy), 5);
	br_buf_adds(&b, "apple red ");
	for (int i = 0; i < 1000; i++)
		br_buf_addf(&b, "x%d ", i);
	br_buf_adds(&b, "wine");
	br_fts_query_init(&q);
	br_fts_query_add(&q, f->tok, br_buf_slice(&b), plain, BR_GROUP_SHOULD);
	br_fts_query_add(&q, f->tok, br_slice_str("apple"), plain, BR_GROUP_MUST);
	OK(f, br_txn_read(&t, f->store, &f->err));
	OK(f, br_fts_resolve(&q, t, 1, &f->err));
	br_txn_end(t);
	assert_int_equal(q.groups.n, BR_MAX_QUERY_TERMS);
	for (size_t i = 0; i < q.groups.n; i++) {
		if (q.groups.v[i].kind == BR_GROUP_MUST)
			seen = true;
		else
			assert_int_equal(q.groups.v[i].df, 0);
		if (i && q.groups.v[i].kind == BR_GROUP_SHOULD)
			assert_true(q.groups.v[i].pos > q.groups.v[i - 1].pos);
	}
	assert_true(seen);
	br_fts_query_release(&q);
	br_buf_release(&b);
}

static void empty_notebook(void **state)
{
	struct fts_index *f = *state;
	const struct br_fts_want want = { .k = 3 };
	struct br_topk out = ask(f, 9, "anything", "", "", &want);

	assert_int_equal(out.n, 0);
	br_topk_release(&out);
	verify(f, 9, 0, NULL);
	fts_add(f, 9, 0, NULL, 0, 1);
	verify(f, 9, 0, NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fts_setup, fts_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(hand_scores), T(kinds), T(whole_identifier_lifts), T(keep_accept_and_k), T(ties), T(languages), T(elision_between_languages),
		T(given_chunks), T(many_writes_equal_one), T(forget), T(notebooks_are_apart), T(wrong_first_chunk), T(verify_sees),
		T(extreme_chunks), T(too_many_words), T(empty_notebook),
	};

	return cmocka_run_group_tests_name("fts", tests, NULL, NULL);
}
