/*
 * Damaged records: bytes of stored values changed, values cut, lengthened, lost. Search, writing and verification must not crash
 * or hang; they give an error or a result, and verification never passes over a damage that changes a result.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fts_index.h"

enum { CHUNKS = 5000 };

static const char *const plain[] = { "", NULL };

/* "all" in each chunk, "half" in every second, "some" in a run: blocks of many shapes; "rare" only has a tail. */
static void fill(struct fts_index *f)
{
	static char *text[CHUNKS];
	uint32_t seed = 1;

	for (uint32_t c = 0; c < CHUNKS; c++) {
		char *p = text[c] = br_alloc(400);

		p += sprintf(p, "all ");
		for (uint32_t i = fts_random(&seed) % 9; i > 0; i--)
			p += sprintf(p, "all ");
		if (fts_random(&seed) % 2)
			p += sprintf(p, "half ");
		if (c > 3000 && c < 3400)
			p += sprintf(p, "some some ");
		if (c % 97 == 0)
			p += sprintf(p, "rare ");
		for (uint32_t i = fts_random(&seed) % 30; i > 0; i--)
			p += sprintf(p, "x%u ", fts_random(&seed) % 500);
	}
	fts_add(f, 1, 0, (const char *const *)text, CHUNKS, 1000);
	for (uint32_t c = 0; c < CHUNKS; c++)
		free(text[c]);
}

struct damage {
	enum br_table table;
	uint32_t seed;
	int kind;
	struct br_buf old_key, old_val; /* to put it back */
	bool undo;
};

static void change(char *v, size_t *n, uint32_t *seed, int kind)
{
	switch (kind) {
	case 0: /* one bit */
		v[fts_random(seed) % *n] ^= (char)(1 << fts_random(seed) % 8);
		break;
	case 1: /* some bytes */
		for (int i = 0; i < 4; i++)
			v[fts_random(seed) % *n] = (char)fts_random(seed);
		break;
	case 2: /* shorter */
		*n = fts_random(seed) % *n;
		break;
	case 3: /* longer */
		memset(v + *n, (int)fts_random(seed), 9);
		*n += 9;
		break;
	default: /* near the front, where the headers are */
		v[fts_random(seed) % BR_MIN(*n, (size_t)40)] = (char)(fts_random(seed) % 3 ? 0xFF : fts_random(seed));
	}
}

static int spoil(struct br_txn *t, void *arg, struct br_err *err)
{
	struct damage *d = arg;
	struct br_cur c;
	struct br_key from;
	char val[8192];
	uint32_t seed = d->seed;
	int rc;

	if (d->undo)
		return br_put(t, d->table, br_buf_slice(&d->old_key), br_buf_slice(&d->old_val), err);
	if ((rc = br_cur_open(&c, t, d->table, err)) < 0)
		return rc;
	br_key_init(&from, 1);
	if (d->table == BR_T_META)
		from = (struct br_key){ .b = "fts.00000001", .n = 12 };
	else
		br_key_bytes(&from, (const char[]){ "\0ahsx"[fts_random(&seed) % 5], (char)fts_random(&seed) }, d->table == BR_T_TERM ? 2 : 0);
	rc = br_cur_seek(&c, br_key_slice(&from), err);
	for (uint32_t skip = d->table == BR_T_META ? 0 : fts_random(&seed) % (d->table == BR_T_LEN ? 3 : 8); rc == 1 && skip > 0; skip--)
		rc = br_cur_next(&c, err);
	if (rc == 1) {
		size_t n = c.val.len;

		br_buf_reset(&d->old_key);
		br_buf_reset(&d->old_val);
		br_buf_add(&d->old_key, c.key.ptr, c.key.len);
		br_buf_add(&d->old_val, c.val.ptr, n);
		memcpy(val, c.val.ptr, n);
		change(val, &n, &seed, d->kind);
		br_cur_close(&c);
		return br_put(t, d->table, br_buf_slice(&d->old_key), br_slice(val, n), err);
	}
	br_cur_close(&c);
	return rc < 0 ? rc : br_fail(err, BR_ENOTFOUND, "nothing there");
}

static int ask(struct br_topk *out, struct fts_index *f, const char *text, bool exhaustive, struct br_err *err)
{
	struct br_fts_want want = { .k = 10, .exhaustive = exhaustive };
	struct br_fts_query q;
	struct br_txn *t;
	int rc;

	br_fts_query_init(&q);
	br_fts_query_add(&q, f->tok, br_slice_str(text), plain, BR_GROUP_SHOULD);
	OK(f, br_txn_read(&t, f->store, &f->err));
	if ((rc = br_fts_resolve(&q, t, 1, err)) == 0)
		rc = br_fts_search(out, t, 1, &q, &want, err);
	br_txn_end(t);
	br_fts_query_release(&q);
	return rc;
}

static const char *const questions[] = { "half some rare", "all half", "some x1 x2 x3", "all", "rare all x7 x8" };

/* An error is CORRUPT and says where. */
static void expect_corrupt(int rc, const struct br_err *err)
{
	if (rc < 0 && (rc != -BR_ECORRUPT || !strstr(err->msg, "notebook 1")))
		fail_msg("%d: %s", rc, err->msg);
}

/* Writes or takes back, and undoes it. */
struct trial {
	struct fts_job job;
	int rc;
	struct br_err err;
};

static int trial_run(struct br_txn *t, void *arg, struct br_err *err)
{
	struct trial *x = arg;

	x->rc = fts_job_run(t, &x->job, &x->err);
	return br_fail(err, BR_ECANCELLED, "undone");
}

static void try_changes(struct fts_index *f)
{
	const char *more[150];
	struct br_fts_unit *u;
	struct br_err err;

	for (size_t i = 0; i < BR_COUNT(more); i++)
		more[i] = "all half some rare x1 x2";
	u = fts_unit(f, more, BR_COUNT(more)); /* more than a block */
	for (int forget = 0; forget < 2; forget++) {
		struct trial x = { .job = { .nb = 1, .first = CHUNKS, .units = &u, .n = 1, .forget = forget } };

		assert_int_equal(br_store_write(f->store, trial_run, &x, &err), -BR_ECANCELLED);
		expect_corrupt(x.rc, &x.err);
	}
	br_fts_unit_free(u);
}

/* What verification passes, every search can read, and the bounds hold. */
static void try_searches(struct fts_index *f, bool verified)
{
	for (size_t i = 0; i < BR_COUNT(questions); i++) {
		struct br_topk fast = { 0 }, plainly = { 0 };
		struct br_err err = { 0 };
		int a = ask(&fast, f, questions[i], false, &err), b;

		expect_corrupt(a, &err);
		b = ask(&plainly, f, questions[i], true, &err);
		expect_corrupt(b, &err);
		if (verified && (a < 0 || b < 0))
			fail_msg("verified, but: %s", err.msg);
		if (verified)
			fts_same_hits(&fast, &plainly, questions[i]);
		br_topk_release(&fast);
		br_topk_release(&plainly);
	}
}

static void try_everything(struct fts_index *f)
{
	struct br_err err = { 0 };
	struct br_txn *t;
	int rc;

	OK(f, br_txn_read(&t, f->store, &f->err));
	rc = br_fts_verify(t, 1, CHUNKS, NULL, &err);
	expect_corrupt(rc, &err);
	br_txn_end(t);
	try_searches(f, rc == 0);
	try_changes(f);
}

static void damaged_values(void **state)
{
	static const enum br_table tables[] = { BR_T_TERM, BR_T_POST, BR_T_LEN, BR_T_META };
	struct fts_index *f = *state;
	struct damage d = { .old_key = BR_BUF_INIT(1000), .old_val = BR_BUF_INIT(10000) };
	int done = 0;

	fill(f);
	for (int round = 0; round < 400; round++) {
		d.table = tables[round % 4];
		d.kind = round / 4 % 5;
		d.seed = (uint32_t)round * 7919;
		d.undo = false;
		if (br_store_write(f->store, spoil, &d, &f->err) < 0)
			continue;
		try_everything(f);
		done++;
		d.undo = true;
		OK(f, br_store_write(f->store, spoil, &d, &f->err));
	}
	assert_true(done > 300);
	try_searches(f, true);
	br_buf_release(&d.old_key);
	br_buf_release(&d.old_val);
}

/* The first block gets gaps of 32 bits that end where the header says, but on the way leave what 32 bits hold. */
static int wrap_gaps(struct br_txn *t, void *arg, struct br_err *err)
{
	struct br_key key = { .n = 0 };
	struct br_cur c;
	char val[2 + 16 + 128 * 4] = { 0 };
	int rc;

	(void)arg;
	if ((rc = br_cur_open(&c, t, BR_T_POST, err)) < 0)
		return rc;
	if ((rc = br_cur_seek(&c, br_slice(NULL, 0), err)) == 1) {
		memcpy(key.b, c.key.ptr, key.n = c.key.len);
		memcpy(val, c.val.ptr, 2 + 16);
		val[2 + 4] = 32;                 /* bits of a gap */
		val[2 + 5] = 0;                  /* bits of a tf */
		val[2 + 16 + 3] = (char)0x80;    /* two gaps of 2^31 */
		val[2 + 16 + 4 + 3] = (char)0x80;
	}
	br_cur_close(&c);
	return rc == 1 ? br_put(t, BR_T_POST, br_key_slice(&key), br_slice(val, sizeof val), err) : br_fail(err, BR_ENOTFOUND, "nothing there");
}

static void wrapping_gaps(void **state)
{
	struct fts_index *f = *state;
	const char *text[200];

	for (size_t i = 0; i < BR_COUNT(text); i++)
		text[i] = "all";
	fts_add(f, 1, 0, text, BR_COUNT(text), 200);
	OK(f, br_store_write(f->store, wrap_gaps, NULL, &f->err));
	for (int exhaustive = 0; exhaustive < 2; exhaustive++) {
		struct br_topk out = { 0 };
		struct br_err err = { 0 };

		assert_int_equal(ask(&out, f, "all", exhaustive, &err), -BR_ECORRUPT);
		assert_non_null(strstr(err.msg, "does not end where its header says"));
		br_topk_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(damaged_values, fts_setup, fts_teardown),
		cmocka_unit_test_setup_teardown(wrapping_gaps, fts_setup, fts_teardown),
	};

	return cmocka_run_group_tests_name("fts_damage", tests, NULL, NULL);
}
