/*
 * Embeddings and rerank against the fake service, and the cache: each text is asked for once, across a kill, too.
 */
#include "br/os.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "scratch.h"
#include "fake_model.h"

enum { MANY = 150 };

static struct br_slice many[MANY];

static void fill_many(const char *word)
{
	static char text[MANY][64];

	for (int i = 0; i < MANY; i++) {
		snprintf(text[i], sizeof text[i], "%s number%d", word, i);
		many[i] = br_slice_str(text[i]);
	}
}

static double dot(const struct br_llm_vectors *v, size_t a, size_t b)
{
	double sum = 0;

	for (uint32_t k = 0; k < v->dim; k++)
		sum += (double)v->v[a * v->dim + k] * v->v[b * v->dim + k];
	return sum;
}

static void ok(int rc, const struct br_err *err)
{
	if (rc < 0)
		fail_msg("%s", err->msg);
}

/* ---- requests ---- */

static void test_vectors(void **state)
{
	struct br_slice text[] = {
		br_slice_str("the cat sat on the mat"), br_slice_str("a cat sat on a mat"), br_slice_str(""),
		br_slice_str("interest rates rise"),
	};
	struct br_llm_embed req = { .text = text, .n = 4 };
	struct br_llm_vectors v;
	struct br_err err;
	struct br_llm *s;

	(void)state;
	fake_needed();
	for (int shuffled = 0; shuffled < 2; shuffled++) {
		s = fake_open(fake_config("embed", shuffled ? "fake;shuffle" : "fake;v", NULL), BR_LLM_EMBED);
		ok(br_llm_embed(&v, s, &req, &err), &err);
		assert_int_equal(v.dim, 256);
		assert_int_equal(v.n, 4);
		assert_int_equal(v.sent, 3);
		assert_int_equal(v.tokens.prompt, 15);
		assert_false(v.tokens.estimated);
		assert_true(fabs(dot(&v, 0, 0) - 1) < 1e-5 && fabs(dot(&v, 3, 3) - 1) < 1e-5);
		assert_true(dot(&v, 0, 1) > 0.5 && dot(&v, 0, 3) < 0.4);
		assert_true(dot(&v, 2, 2) == 0);
		br_llm_vectors_release(&v);
		br_llm_close(s);
	}
}

/* 150 texts in batches of 16: ten requests, four at a time, of which some have to be made again. */
static void test_batches(void **state)
{
	struct br_llm_embed req = { .text = many, .n = MANY };
	struct br_llm_vectors one, all;
	struct br_llm_usage u;
	struct br_err err;
	struct br_llm *s;

	(void)state;
	fake_needed();
	fill_many("batch");
	s = fake_open(fake_config("embed", "fake;dim=64;fail=429,3,0", "embed.batch", "16", "embed.dimensions", "64",
	                          NULL), BR_LLM_EMBED);
	ok(br_llm_embed(&all, s, &req, &err), &err);
	br_llm_usage(&u, s);
	assert_int_equal(u.requests, 13);
	assert_int_equal(u.retries, 3);
	assert_int_equal(all.dim, 64);
	assert_int_equal(fake_logged("\"request\"", "\"dimensions\": 64"), 13);
	for (size_t i = 0; i < MANY; i += 37) {       /* each at its place */
		ok(br_llm_embed(&one, s, &(struct br_llm_embed){ .text = many + i, .n = 1 }, &err), &err);
		assert_memory_equal(one.v, all.v + i * 64, 64 * sizeof *one.v);
		br_llm_vectors_release(&one);
	}
	br_llm_vectors_release(&all);
	br_llm_close(s);
}

static void test_prefixes(void **state)
{
	struct br_slice text = br_slice_str("word");
	struct br_llm_embed req = { .text = &text, .n = 1 };
	struct br_llm_vectors v;
	uint8_t a[8], b[8];
	struct br_err err;
	struct br_llm *s;

	(void)state;
	fake_needed();
	s = fake_open(fake_config("embed", "fake;prefix", "embed.query_prefix", "\"Do this\\nQuery:\"",
	                          "embed.passage_prefix", "passage:", NULL), BR_LLM_EMBED);
	assert_string_equal(br_llm_info(s)->passage_prefix, "passage: ");
	ok(br_llm_embed(&v, s, &req, &err), &err);
	br_llm_vectors_release(&v);
	req.use = BR_LLM_QUERY;
	ok(br_llm_embed(&v, s, &req, &err), &err);
	br_llm_vectors_release(&v);
	assert_int_equal(fake_logged("fake;prefix", "\"input\": [\"passage: word\"]"), 1);
	assert_int_equal(fake_logged("fake;prefix", "\"input\": [\"Do this\\nQuery:word\"]"), 1);
	assert_int_equal(fake_logged("fake;prefix", "input_type"), 0);
	br_llm_fingerprint(a, s);
	br_llm_close(s);
	s = fake_open(fake_config("embed", "fake;typed", "embed.input_type", "document", NULL), BR_LLM_EMBED);
	ok(br_llm_embed(&v, s, &req, &err), &err);
	br_llm_vectors_release(&v);
	req.use = BR_LLM_PASSAGE;
	ok(br_llm_embed(&v, s, &req, &err), &err);
	br_llm_vectors_release(&v);
	assert_int_equal(fake_logged("fake;typed", "\"input_type\": \"query\""), 1);
	assert_int_equal(fake_logged("fake;typed", "\"input_type\": \"document\""), 1);
	br_llm_close(s);
	s = fake_open(fake_config("embed", "fake;prefix", "embed.passage_prefix", "other:", NULL), BR_LLM_EMBED);
	br_llm_fingerprint(b, s);
	assert_memory_not_equal(a, b, 8);             /* other vectors */
	br_llm_close(s);
}

static void test_faults(void **state)
{
	static const struct { const char *model, *words; uint32_t dim; } cases[] = {
		{ "fake;wrongat=1", "gave a vector of 255 dimensions where 256 are needed", 0 },
		{ "fake;dim=10", "gave a vector of 10 dimensions where 1536 are needed", 1536 },
		{ "fake;dim=20000", "at most 16384", 0 },
		{ "fake;short", "2 vectors for 3 texts", 0 },
		{ "fake;big", "is not made of finite numbers", 0 },
		{ "fake;zero", "is all zero", 0 },
		{ "fake;text", "has no vector", 0 },
		{ "fake;malformed", "is not the JSON it should be", 0 },
		{ "fake;huge=9", "0 vectors for 3 texts", 0 },
	};
	struct br_slice text[] = { br_slice_str("one"), br_slice_str("two"), br_slice_str("three") };
	struct br_llm_vectors v;
	struct br_err err;
	struct br_llm *s;

	(void)state;
	fake_needed();
	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		s = fake_open(fake_config("embed", cases[i].model, NULL), BR_LLM_EMBED);
		assert_int_equal(br_llm_embed(&v, s, &(struct br_llm_embed){ .text = text, .n = 3,
		                                                            .dim = cases[i].dim }, &err), -BR_EUPSTREAM);
		if (!strstr(err.msg, cases[i].words))
			fail_msg("%s: %s", cases[i].model, err.msg);
		br_llm_vectors_release(&v);
		br_llm_close(s);
	}
}

static void test_rerank(void **state)
{
	struct br_slice text[] = { br_slice_str("a dog"), br_slice_str("the red fox jumps"), br_slice_str("a red dog") };
	struct br_llm_rerank req = { .query = br_slice_str("red fox"), .text = text, .n = 3 };
	struct br_llm_tokens tokens;
	struct br_err err;
	struct br_llm *s;
	double score[3];

	(void)state;
	fake_needed();
	s = fake_open(fake_config("rerank", "fake", NULL), BR_LLM_RERANK);
	ok(br_llm_rerank(score, &tokens, s, &req, &err), &err);
	assert_true(score[0] == 0 && score[1] == 1 && score[2] == 0.5);
	assert_int_equal(tokens.prompt, 17);
	assert_false(tokens.estimated);
	req.top = 1;
	ok(br_llm_rerank(score, &tokens, s, &req, &err), &err);
	assert_true(score[1] == 1 && score[2] < -1e300);
	br_llm_close(s);
	s = fake_open(fake_config("rerank", "fake;huge=3", NULL), BR_LLM_RERANK);
	assert_int_equal(br_llm_rerank(score, &tokens, s, &req, &err), -BR_EUPSTREAM);
	assert_non_null(strstr(err.msg, "its answer has no 'results'"));
	br_llm_close(s);
}

/* ---- the cache ---- */

static struct br_llm_cache *cache_open(const char *name, uint64_t max)
{
	struct br_llm_cache *c;
	struct br_err err;

	ok(br_llm_cache_open(&c, scratch(name), max, 10000, &err), &err);
	return c;
}

static void test_cache(void **state)
{
	struct br_slice text[] = {
		br_slice_str("alpha beta"), br_slice_str("gamma"), br_slice_str(""), br_slice_str("alpha beta"), br_slice_str("delta"),
	};
	struct br_llm_embed req = { .text = text, .n = 3 };
	struct br_llm_cache *c;
	struct br_llm_vectors fresh, v;
	struct br_err err;
	struct br_llm *s;
	size_t missing;
	uint64_t bytes;

	(void)state;
	fake_needed();
	s = fake_open(fake_config("embed", "fake;dim=1536;cache", NULL), BR_LLM_EMBED);
	c = cache_open("cache", 1 << 20);
	ok(br_llm_embed_cached(&fresh, s, c, &req, &err), &err);
	assert_int_equal(fresh.sent, 2);
	assert_int_equal(fresh.cached, 0);
	assert_int_equal(fresh.dim, 1536);
	br_llm_cache_close(c);
	c = cache_open("cache", 1 << 20);
	req.n = 5;
	ok(br_llm_cache_missing(&missing, &bytes, s, c, &req, &err), &err);
	assert_int_equal(missing, 1);
	assert_int_equal(bytes, 5);
	ok(br_llm_embed_cached(&v, s, c, &req, &err), &err);
	assert_int_equal(v.sent, 1);
	assert_int_equal(v.cached, 3);
	assert_memory_equal(v.v, fresh.v, 3 * 1536 * sizeof *v.v);   /* bit by bit, the empty one too */
	assert_memory_equal(v.v + 3 * 1536, fresh.v, 1536 * sizeof *v.v);
	assert_true(fabs(dot(&v, 0, 0) - 1) < 2e-3 && fabs(dot(&v, 4, 4) - 1) < 2e-3);
	assert_int_equal(fake_logged("\"request\"", "dim=1536;cache"), 2);
	br_llm_vectors_release(&fresh);
	br_llm_vectors_release(&v);
	req.use = BR_LLM_QUERY;                       /* without a prefix it is the same text */
	ok(br_llm_embed_cached(&v, s, c, &req, &err), &err);
	assert_int_equal(v.sent, 0);
	br_llm_vectors_release(&v);
	br_llm_close(s);
	s = fake_open(fake_config("embed", "fake;dim=1536;other", NULL), BR_LLM_EMBED);
	ok(br_llm_embed_cached(&v, s, c, &req, &err), &err);
	assert_int_equal(v.sent, 3);                  /* another model has its own */
	br_llm_vectors_release(&v);
	br_llm_close(s);
	br_llm_cache_close(c);
}

/* What came before the service failed is kept. */
static void test_cache_resume(void **state)
{
	struct br_llm_embed req = { .text = many, .n = MANY };
	struct br_llm_cache *c;
	struct br_llm_vectors v;
	struct br_err err;
	struct br_llm *s;
	size_t missing;
	uint64_t bytes;

	(void)state;
	fake_needed();
	fill_many("resume");
	s = fake_open(fake_config("embed", "fake;dim=32;fail=400,1;resume", "embed.batch", "10", "llm.concurrency", "3",
	                          NULL), BR_LLM_EMBED);
	c = cache_open("resume", 1 << 20);
	assert_int_equal(br_llm_embed_cached(&v, s, c, &req, &err), -BR_EUPSTREAM);
	br_llm_vectors_release(&v);
	ok(br_llm_embed_cached(&v, s, c, &req, &err), &err);
	assert_int_equal(v.sent + v.cached, MANY);
	br_llm_vectors_release(&v);
	ok(br_llm_cache_missing(&missing, &bytes, s, c, &req, &err), &err);
	assert_int_equal(missing, 0);
	br_llm_cache_close(c);
	br_llm_close(s);
}

/* Half floats: what is written is what comes back, and the bound holds. */
static void test_cache_bound(void **state)
{
	struct br_llm_embed req = { .text = many, .n = MANY };
	struct br_llm_cache *c;
	struct br_llm_vectors v;
	struct br_err err;
	struct br_llm *s;
	size_t missing;
	uint64_t bytes;

	(void)state;
	fake_needed();
	fill_many("bound");
	s = fake_open(fake_config("embed", "fake;dim=100;bound", "embed.batch", "50", NULL), BR_LLM_EMBED);
	c = cache_open("bound", 50 * (2 * 100 + 48));
	ok(br_llm_embed_cached(&v, s, c, &req, &err), &err);
	assert_int_equal(v.sent, MANY);
	br_llm_vectors_release(&v);
	ok(br_llm_cache_missing(&missing, &bytes, s, c, &req, &err), &err);
	assert_in_range(missing, MANY - 50, MANY - 45);
	br_llm_cache_close(c);
	scratch_put("bound/data.mdb", "this is no data file at all");
	c = cache_open("bound", 1 << 20);             /* damaged: it begins anew */
	ok(br_llm_cache_missing(&missing, &bytes, s, c, &req, &err), &err);
	assert_int_equal(missing, MANY);
	br_llm_cache_close(c);
	br_llm_close(s);
}

/* A child embeds and is killed when the service has seen some batches; whoever goes on asks only for the rest. */
static void embed_in_child(const char *dir)
{
	struct br_llm_embed req = { .text = many, .n = MANY };
	struct br_llm_cache *c;
	struct br_llm_vectors v;
	struct br_llm *s = fake_open(fake_config("embed", "fake;dim=64;delay=20;kill", "embed.batch", "5",
	                                         "llm.concurrency", "1", NULL), BR_LLM_EMBED);

	if (br_llm_cache_open(&c, dir, 1 << 20, 10000, NULL) < 0 || br_llm_embed_cached(&v, s, c, &req, NULL) < 0)
		_exit(1);
	_exit(0);
}

static void test_cache_kill(void **state)
{
	struct br_llm_embed req = { .text = many, .n = MANY };
	struct br_llm_cache *c;
	struct br_llm_vectors v;
	struct br_err err;
	struct br_llm *s;
	size_t seen, missing;
	uint64_t bytes;
	pid_t pid;

	(void)state;
	fake_needed();
	fill_many("kill");
	if (!(pid = fork()))
		embed_in_child(scratch("killed"));
	for (int i = 0; i < 500 && fake_logged("\"done\"", ";kill") < 6; i++)
		usleep(10000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	seen = fake_logged("\"done\"", ";kill");
	s = fake_open(fake_config("embed", "fake;dim=64;delay=20;kill", "embed.batch", "5", NULL), BR_LLM_EMBED);
	c = cache_open("killed", 1 << 20);
	ok(br_llm_cache_missing(&missing, &bytes, s, c, &req, &err), &err);
	assert_in_range(missing, MANY - 5 * seen, MANY - 5 * (seen - 1)); /* at most the answer on its way was lost */
	ok(br_llm_embed_cached(&v, s, c, &req, &err), &err);
	assert_int_equal(v.sent, missing);
	br_llm_vectors_release(&v);
	br_llm_cache_close(c);
	br_llm_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache_kill), cmocka_unit_test(test_vectors), cmocka_unit_test(test_batches), cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_faults), cmocka_unit_test(test_rerank), cmocka_unit_test(test_cache), cmocka_unit_test(test_cache_resume),
		cmocka_unit_test(test_cache_bound),
	};

	return cmocka_run_group_tests(tests, fake_setup, fake_teardown);
}
