/*
 * Block-max search against the exhaustive reference: the same chunks, the same scores to the last bit, over many random questions. The
 * text is generated; with BR_SHARED set, also the real collections in $BR_SHARED/eval.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fts_index.h"

#include <dirent.h>
#include <math.h>

static const char *const plain[] = { "", NULL };

/* ---- generated text: Zipf's law, some chunks short, some long, some words in bursts ---- */

enum { CHUNKS = 9000, WORDS = 6000 };

static uint32_t zipf(uint32_t *seed)
{
	double u = (fts_random(seed) % 1000003 + 1) / 1000004.0;

	return (uint32_t)pow(WORDS, u) - 1;
}

static void add_generated(struct fts_index *f, uint32_t nb, uint32_t chunks, uint32_t seed)
{
	char text[4096];
	const char *one = text;
	BR_VEC(struct br_fts_unit *) units = { 0 };
	struct fts_job j = { .nb = nb };

	for (uint32_t c = 0; c < chunks; c++) {
		size_t words = fts_random(&seed) % 10 == 0 ? 150 : 3 + fts_random(&seed) % 40, n = 0;
		uint32_t burst = zipf(&seed), near = c / 500;

		for (size_t w = 0; w < words; w++) {
			uint32_t word = fts_random(&seed) % 12 == 0 ? burst : zipf(&seed);

			if (fts_random(&seed) % 15 == 0)
				word = 5000 + near; /* only in chunks of the same neighbourhood */
			n += (size_t)sprintf(text + n, "w%u ", word);
		}
		*br_vec_push(&units) = fts_unit(f, &one, 1);
	}
	j.units = units.v;
	j.n = units.n;
	OK(f, br_store_write(f->store, fts_job_run, &j, &f->err));
	for (size_t i = 0; i < units.n; i++)
		br_fts_unit_free(units.v[i]);
	br_vec_release(&units);
}

struct asked { struct fts_index *f; struct br_txn *t; uint32_t nb; struct br_fts_query q; };

static bool two_thirds(uint32_t chunk, void *arg)
{
	(void)arg;
	return chunk % 3 != 0;
}

static void compare(struct asked *a, const struct br_fts_want *want, const char *what)
{
	struct br_fts_want reference = *want;
	struct br_topk x = { 0 }, y = { 0 };

	reference.exhaustive = true;
	OK(a->f, br_fts_search(&x, a->t, a->nb, &a->q, want, &a->f->err));
	OK(a->f, br_fts_search(&y, a->t, a->nb, &a->q, &reference, &a->f->err));
	fts_same_hits(&x, &y, what);
	if (x.n) {
		uint32_t one = x.h[x.n / 2].chunk;
		float score;

		OK(a->f, br_fts_score(&score, NULL, a->t, a->nb, &a->q, &one, 1, &a->f->err));
		assert_memory_equal(&score, &x.h[x.n / 2].score, sizeof score);
	}
	br_topk_release(&x);
	br_topk_release(&y);
}

static void add_words(struct br_fts_query *q, struct br_tokenizer *t, char *out, size_t room, uint32_t *seed, uint32_t n, enum br_group_kind kind)
{
	size_t len = 0;

	for (uint32_t i = 0; i < n; i++)
		len += (size_t)snprintf(out + len, room - len, "w%u ", fts_random(seed) % 8 ? zipf(seed) : 5000 + fts_random(seed) % 18);
	br_fts_query_add(q, t, br_slice(out, len), plain, kind);
}

/* Words of any frequency, sometimes MUST and NOT, a filter, a callback, other settings of BM25. */
static void random_question(struct asked *a, uint32_t *seed, const struct br_bits *keep)
{
	static const uint32_t ks[] = { 1, 10, 100, 1000 };
	struct br_fts_want want = { .k = ks[fts_random(seed) % 4] };
	char text[3][200];

	br_fts_query_init(&a->q);
	add_words(&a->q, a->f->tok, text[0], sizeof text[0], seed, 1 + fts_random(seed) % 8, BR_GROUP_SHOULD);
	if (fts_random(seed) % 4 == 0)
		add_words(&a->q, a->f->tok, text[1], sizeof text[1], seed, 1 + fts_random(seed) % 3, BR_GROUP_MUST);
	if (fts_random(seed) % 5 == 0)
		add_words(&a->q, a->f->tok, text[2], sizeof text[2], seed, 1 + fts_random(seed) % 2, BR_GROUP_NOT);
	if (fts_random(seed) % 3 == 0)
		want.keep = keep;
	if (fts_random(seed) % 6 == 0)
		want.accept = two_thirds;
	if (fts_random(seed) % 8 == 0) {
		a->q.k1 = fts_random(seed) % 4;
		a->q.b = fts_random(seed) % 3 / 2.0;
	}
	OK(a->f, br_fts_resolve(&a->q, a->t, a->nb, &a->f->err));
	compare(a, &want, text[0]);
	br_fts_query_release(&a->q);
}

static void generated(void **state)
{
	struct fts_index *f = *state;
	struct asked a = { .f = f, .nb = 1 };
	struct br_bits keep;
	uint32_t seed = 77;

	add_generated(f, 1, CHUNKS, 1);
	br_bits_init(&keep, CHUNKS, true);
	for (uint32_t i = 0; i < CHUNKS; i += 1 + fts_random(&seed) % 60)
		br_bits_clear_range(&keep, i, BR_MIN(fts_random(&seed) % 30, CHUNKS - i));
	OK(f, br_txn_read(&a.t, f->store, &f->err));
	OK(f, br_fts_verify(a.t, 1, CHUNKS, NULL, &f->err));
	for (int i = 0; i < 10000; i++)
		random_question(&a, &seed, &keep);
	br_txn_end(a.t);
	br_bits_release(&keep);
}

/* Alternatives of one word: the sum of their tf, one idf, also where both stand in one chunk. */
static void alternatives(void **state)
{
	struct fts_index *f = *state;
	struct asked a = { .f = f, .nb = 1 };
	uint32_t seed = 5;

	add_generated(f, 1, 5000, 9);
	OK(f, br_txn_read(&a.t, f->store, &f->err));
	for (int i = 0; i < 300; i++) {
		char text[100], more[3][20];
		struct br_fts_want want = { .k = 1 + fts_random(&seed) % 50 };

		br_fts_query_init(&a.q);
		add_words(&a.q, f->tok, text, sizeof text, &seed, 3, fts_random(&seed) % 3 ? BR_GROUP_SHOULD : BR_GROUP_MUST);
		for (size_t g = 0; g < a.q.groups.n; g++) {
			struct br_fts_alt *alt = br_vec_push(&a.q.groups.v[g].alts);

			*alt = (struct br_fts_alt){ .len = (uint16_t)snprintf(more[g], sizeof more[g], "w%u", zipf(&seed)) };
			memcpy(alt->term, more[g], alt->len);
		}
		OK(f, br_fts_resolve(&a.q, a.t, 1, &f->err));
		compare(&a, &want, text);
		br_fts_query_release(&a.q);
	}
	br_txn_end(a.t);
}

/* 256 words, among them every frequent one. */
static void long_question(void **state)
{
	struct fts_index *f = *state;
	struct asked a = { .f = f, .nb = 1 };
	struct br_fts_want want = { .k = 50 };
	struct br_buf b = BR_BUF_INIT(1 << 16);

	add_generated(f, 1, 5000, 9);
	for (int i = 0; i < BR_MAX_QUERY_TERMS; i++)
		br_buf_addf(&b, "w%d ", i * i / 16);
	br_fts_query_init(&a.q);
	br_fts_query_add(&a.q, f->tok, br_buf_slice(&b), plain, BR_GROUP_SHOULD);
	OK(f, br_txn_read(&a.t, f->store, &f->err));
	OK(f, br_fts_resolve(&a.q, a.t, 1, &f->err));
	compare(&a, &want, "256 words");
	br_txn_end(a.t);
	br_fts_query_release(&a.q);
	br_buf_release(&b);
}

/* ---- real text ---- */

/* The "text" of a line of JSON, as it stands there: escapes are left, quotes end it. */
static struct br_slice text_of(char *line)
{
	char *p = strstr(line, "\"text\": \""), *q;

	if (!p)
		return br_slice(line, 0);
	p += 9;
	for (q = p; *q && *q != '"'; q++)
		if (*q == '\\' && q[1])
			*q = ' ', *++q = ' ';
	return br_slice(p, (size_t)(q - p));
}

/* Texts of a file of JSON lines, a chunk each. */
static void read_texts(struct br_buf *all, const char *path, uint32_t *lines)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;

	assert_non_null(file);
	while (getline(&line, &cap, file) >= 0) {
		struct br_slice s = text_of(line);

		br_buf_add(all, s.ptr, br_utf8_valid(s.ptr, s.len));
		br_buf_addc(all, '\n');
		++*lines;
	}
	free(line);
	fclose(file);
}

static void index_lines(struct fts_index *f, uint32_t nb, struct br_slice all)
{
	struct br_fts_unit *u = br_fts_unit_new();
	struct fts_job j = { .nb = nb, .units = &u, .n = 1 };

	for (const char *p = all.ptr, *end = p + all.len, *q; p < end; p = q + 1) {
		q = memchr(p, '\n', (size_t)(end - p));
		br_fts_unit_begin(u);
		br_fts_unit_text(u, f->tok, br_slice(p, (size_t)(q - p)));
		br_fts_unit_end(u);
	}
	br_fts_unit_finish(u);
	OK(f, br_store_write(f->store, fts_job_run, &j, &f->err));
	br_fts_unit_free(u);
}

/* 1 to 8 words that stand together somewhere in the text. */
static struct br_slice random_words(struct br_slice all, const struct br_tokens *k, uint32_t *seed)
{
	uint32_t n = 1 + fts_random(seed) % 8, at = (fts_random(seed) << 8 ^ fts_random(seed)) % (uint32_t)k->v.n;
	const struct br_token *a = &k->v.v[at], *b = &k->v.v[BR_MIN(at + n, (uint32_t)k->v.n) - 1];

	return br_slice(all.ptr + a->off, b->off + b->len - a->off);
}

static void collection(struct fts_index *f, uint32_t nb, const char *dir, int questions)
{
	static const uint32_t ks[] = { 1, 10, 100 };
	struct br_buf all = BR_BUF_INIT(64 << 20);
	struct asked a = { .f = f, .nb = nb };
	struct br_tokenizer *words = br_tokenizer_new();
	const char *lang = strstr(dir, "xquad-");
	const char *langs[] = { lang ? lang + 6 : "en", NULL };
	uint32_t lines = 0, seed = nb;
	char path[1100];

	snprintf(path, sizeof path, "%s/corpus.jsonl", dir);
	read_texts(&all, path, &lines);
	snprintf(path, sizeof path, "%s/queries.jsonl", dir);
	read_texts(&all, path, &lines);
	br_tokenizer_lang(f->tok, langs[0]);
	index_lines(f, nb, br_buf_slice(&all));
	OK(f, br_txn_read(&a.t, f->store, &f->err));
	OK(f, br_fts_verify(a.t, nb, lines, NULL, &f->err));
	const struct br_tokens *k = br_tokenize_exact(words, br_buf_slice(&all));
	for (int i = 0; i < questions; i++) {
		struct br_slice text = random_words(br_buf_slice(&all), k, &seed);
		struct br_fts_want want = { .k = ks[i % 3] };

		br_fts_query_init(&a.q);
		br_fts_query_add(&a.q, f->tok, text, langs, BR_GROUP_SHOULD);
		OK(f, br_fts_resolve(&a.q, a.t, nb, &f->err));
		compare(&a, &want, dir);
		br_fts_query_release(&a.q);
	}
	br_txn_end(a.t);
	br_tokenizer_free(words);
	br_buf_release(&all);
}

static void real_text(void **state)
{
	const char *shared = getenv("BR_SHARED");
	char eval[512], dir[1024];
	struct dirent **entry;
	uint32_t nb = 10;

	if (!shared) {
		print_message("skipped: BR_SHARED not set\n");
		skip();
	}
	snprintf(eval, sizeof eval, "%s/eval", shared);
	int n = scandir(eval, &entry, NULL, alphasort);
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		snprintf(dir, sizeof dir, "%s/%s/corpus.jsonl", eval, entry[i]->d_name);
		if (access(dir, R_OK) == 0) {
			snprintf(dir, sizeof dir, "%s/%s", eval, entry[i]->d_name);
			collection(*state, nb++, dir, 1500);
		}
		free(entry[i]);
	}
	free(entry);
	assert_true(nb > 10);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fts_setup, fts_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(generated), T(alternatives), T(long_question), T(real_text) };

	return cmocka_run_group_tests_name("fts_search", tests, NULL, NULL);
}
