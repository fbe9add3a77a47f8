/*
 * Table VEC: round trips, many small writes against one write, blocks without vectors, notebooks side by side, damage.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "br/embed.h"
#include "br/os.h"

#define DIM 256u
#define PER ((65520 - 16) / (DIM + 4)) /* 251 */

static char dir[] = "/tmp/u_vec.XXXXXX";
static struct br_store *store;

static uint64_t rnd = 88172645463325252ull;
static uint64_t next(void)
{
	rnd ^= rnd << 13, rnd ^= rnd >> 7, rnd ^= rnd << 17;
	return rnd;
}

static int setup(void **state)
{
	struct br_store_opts opts = { .flags = BR_STORE_CREATE, .wait_ms = -1 };

	(void)state;
	return mkdtemp(dir) && br_store_open(&store, dir, &opts, NULL) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	char *cmd = br_sprintf("rm -rf '%s'", dir);
	int rc;

	(void)state;
	br_store_close(store);
	rc = system(cmd);
	free(cmd);
	return rc;
}

/* ---- rows to write ---- */

struct rows {
	uint32_t nb, dim, first, n, step; /* step: rows per call */
	int8_t *code;
	float *scale;
};

/* The scale that makes row i a unit vector; 0 for a row of zeros. */
static float unit_scale(const struct rows *r, uint32_t i)
{
	const int8_t *c = r->code + (size_t)i * r->dim;
	double sq = 0;

	for (uint32_t d = 0; d < r->dim; d++)
		sq += c[d] * c[d];
	return sq > 0 ? (float)(1 / sqrt(sq)) : 0;
}

static struct rows rows_new(uint32_t nb, uint32_t dim, uint32_t n)
{
	struct rows r = { nb, dim, 0, n, n, malloc((size_t)n * dim + 1), malloc(((size_t)n + 1) * sizeof(float)) };

	for (size_t k = 0; k < (size_t)n * dim; k++)
		r.code[k] = (int8_t)((int)(next() % 255) - 127);
	for (uint32_t i = 0; i < n; i++)
		r.scale[i] = next() % 5 ? unit_scale(&r, i) : 0;
	return r;
}

static void rows_free(struct rows *r)
{
	free(r->code);
	free(r->scale);
}

static int write_rows(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct rows *r = arg;
	int rc = 0;

	for (uint32_t i = 0; i < r->n && rc == 0; i += r->step)
		rc = br_vec_write(t, r->nb, r->dim, r->first + i, r->code + (size_t)i * r->dim, r->scale + i, BR_MIN(r->step, r->n - i), err);
	return rc;
}

static int drop(struct br_txn *t, void *arg, struct br_err *err)
{
	return BR_MIN(0, br_vec_drop(t, *(uint32_t *)arg, err));
}

static void check_rows(const struct rows *r, uint32_t total)
{
	struct br_txn *t;
	struct br_vec_source src;
	struct br_ann_block b;

	assert_int_equal(br_txn_read(&t, store, NULL), 0);
	assert_int_equal(br_vec_verify(t, r->nb, r->dim, total, NULL), 0);
	br_vec_source(&src, t, r->nb, r->dim, total);
	assert_int_equal(src.ann.rows, total);
	assert_int_equal(src.ann.dim, r->dim);
	assert_int_equal(src.ann.per_block, (65520 - 16) / (r->dim + 4));
	for (uint32_t i = 0; i < r->n; i++) {
		uint32_t row = r->first + i, at = row % src.ann.per_block;
		float scale;
		assert_int_equal(src.ann.block(&b, row / src.ann.per_block, src.ann.arg, NULL), 0);
		assert_true(at < b.n);
		if (!b.code) {
			assert_true(r->scale[i] == 0);
			continue;
		}
		memcpy(&scale, b.scale + 4 * (size_t)at, 4);
		assert_true(scale == r->scale[i]);
		for (uint32_t d = 0; d < r->dim; d++)
			assert_int_equal(b.code[(size_t)at * r->dim + d], scale == 0 ? 0 : r->code[(size_t)i * r->dim + d]);
	}
	br_txn_end(t);
}

/* Every record of a notebook, one after the other. */
static void dump(struct br_buf *out, uint32_t nb)
{
	struct br_txn *t;
	struct br_cur c;
	struct br_key k;

	br_key_init(&k, nb);
	assert_int_equal(br_txn_read(&t, store, NULL), 0);
	assert_int_equal(br_cur_open(&c, t, BR_T_VEC, NULL), 0);
	for (int rc = br_cur_seek(&c, br_key_slice(&k), NULL); rc == 1 && br_has_prefix(c.key, br_key_slice(&k));
	     rc = br_cur_next(&c, NULL)) {
		br_buf_add(out, c.key.ptr + 4, c.key.len - 4);
		br_buf_add(out, c.val.ptr, c.val.len);
		assert_true(c.val.len <= 16 * 4096 - 16);
	}
	br_cur_close(&c);
	br_txn_end(t);
}

static size_t bytes_of(uint32_t nb)
{
	struct br_buf b = BR_BUF_INIT(1u << 30);
	dump(&b, nb);
	size_t n = b.len;
	br_buf_release(&b);
	return n;
}

/* ---- tests ---- */

static void round_trips(void **state)
{
	static const struct { uint32_t dim, n; } shape[] = {
		{ 256, 1 }, { 256, PER - 1 }, { 256, PER }, { 256, PER + 1 }, { 256, 3 * PER + 7 }, { 1, 14000 }, { 33, 5000 }, { 4096, 40 },
	};
	uint32_t nb = 7;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(shape); i++) {
		struct rows r = rows_new(nb, shape[i].dim, shape[i].n);
		assert_int_equal(br_store_write(store, write_rows, &r, NULL), 0);
		check_rows(&r, r.n);
		assert_int_equal(br_store_write(store, drop, &nb, NULL), 0);
		assert_int_equal(bytes_of(nb), 0);
		rows_free(&r);
	}
}

static void small_writes_equal_one(void **state)
{
	static const uint32_t step[] = { 1, 3, 100, PER, PER + 1 };
	struct rows r = rows_new(1, DIM, 2 * PER + 30);
	struct br_buf want = BR_BUF_INIT(1u << 30);

	(void)state;
	memset(r.scale + PER - 40, 0, 80 * sizeof *r.scale); /* a stretch without vectors over the end of a block */
	assert_int_equal(br_store_write(store, write_rows, &r, NULL), 0);
	dump(&want, 1);
	for (size_t i = 0; i < BR_COUNT(step); i++) {
		struct br_buf got = BR_BUF_INIT(1u << 30);
		r.nb = 2 + (uint32_t)i;
		r.step = step[i];
		assert_int_equal(br_store_write(store, write_rows, &r, NULL), 0);
		dump(&got, r.nb);
		assert_true(br_slice_eq(br_buf_slice(&want), br_buf_slice(&got)));
		br_buf_release(&got);
	}
	br_buf_release(&want);
	rows_free(&r);
}

/* In a transaction of its own each, and once more over the same place: what was behind it goes. */
static void writes_can_be_repeated(void **state)
{
	struct rows r = rows_new(20, DIM, 300);
	struct rows more = rows_new(20, DIM, 10), none = rows_new(20, DIM, 10);

	(void)state;
	more.first = none.first = 300;
	memset(none.scale, 0, 10 * sizeof *none.scale);
	assert_int_equal(br_store_write(store, write_rows, &r, NULL), 0);
	assert_int_equal(br_store_write(store, write_rows, &more, NULL), 0);
	check_rows(&r, 310);
	check_rows(&more, 310);
	assert_int_equal(br_store_write(store, write_rows, &none, NULL), 0);
	check_rows(&r, 310);
	check_rows(&none, 310);
	more.n = 4;
	assert_int_equal(br_store_write(store, write_rows, &more, NULL), 0);
	check_rows(&r, 304);
	check_rows(&more, 304);
	rows_free(&r);
	rows_free(&more);
	rows_free(&none);
}

static void blocks_without_vectors_are_not_stored(void **state)
{
	struct rows r = rows_new(30, DIM, 4 * PER), tail = rows_new(30, DIM, 5);

	(void)state;
	memset(r.scale + PER, 0, PER * sizeof *r.scale);
	memset(r.scale + 3 * PER, 0, PER * sizeof *r.scale);
	r.n = 3 * PER + 50;
	tail.first = r.n;
	assert_int_equal(br_store_write(store, write_rows, &r, NULL), 0);
	assert_int_equal(bytes_of(30), 2 * (4 + 16 + PER * (DIM + 4)));
	check_rows(&r, r.n);
	memset(tail.scale, 0, 4 * sizeof(float));
	tail.scale[4] = unit_scale(&tail, 4); /* now the last block comes to be, and its first 54 rows have no vector */
	assert_int_equal(br_store_write(store, write_rows, &tail, NULL), 0);
	assert_int_equal(bytes_of(30), 2 * (4 + 16 + PER * (DIM + 4)) + 4 + 16 + 55 * (DIM + 4));
	check_rows(&r, r.n + 5);
	check_rows(&tail, r.n + 5);
	rows_free(&r);
	rows_free(&tail);
}

static void notebooks_are_apart(void **state)
{
	struct rows a = rows_new(40, DIM, 300), b = rows_new(41, 64, 900);

	(void)state;
	assert_int_equal(br_store_write(store, write_rows, &a, NULL), 0);
	assert_int_equal(br_store_write(store, write_rows, &b, NULL), 0);
	check_rows(&a, 300);
	check_rows(&b, 900);
	assert_int_equal(br_store_write(store, drop, &a.nb, NULL), 0);
	assert_int_equal(bytes_of(40), 0);
	check_rows(&b, 900);
	rows_free(&a);
	rows_free(&b);
}

static void search_through_the_store(void **state)
{
	struct rows r = rows_new(50, DIM, 700);
	static struct br_ann_query q;
	struct br_vec_source src;
	struct br_ann_stats st;
	struct br_txn *t;
	struct br_topk top;
	float v[DIM];

	(void)state;
	for (uint32_t d = 0; d < DIM; d++)
		v[d] = r.code[600 * DIM + d];
	r.scale[600] = unit_scale(&r, 600);
	assert_int_equal(br_store_write(store, write_rows, &r, NULL), 0);
	assert_int_equal(br_txn_read(&t, store, NULL), 0);
	br_vec_source(&src, t, 50, DIM, 700);
	br_ann_query_init(&q, v, DIM);
	br_topk_init(&top, 5);
	assert_int_equal(br_ann_search(&top, &st, &src.ann, &q, NULL, NULL), 0);
	assert_int_equal(top.h[0].chunk, 600);
	assert_true(fabsf(top.h[0].score - 1) < 1e-4f);
	br_topk_release(&top);
	br_txn_end(t);
	rows_free(&r);
}

/* ---- damage ---- */

struct patch { uint32_t nb, block; size_t off, cut; uint8_t value; bool key; };

/* Changes one byte of a stored block, or cuts bytes off its end, or adds a record with a key that has no place there. */
static int damage(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct patch *p = arg;
	struct br_slice v;
	struct br_key k;

	br_key_init(&k, p->nb);
	br_key_u32(&k, p->block);
	if (p->key) {
		br_key_u32(&k, 1);
		return br_put(t, BR_T_VEC, br_key_slice(&k), br_slice("x", 1), err);
	}
	assert_int_equal(br_get(&v, t, BR_T_VEC, br_key_slice(&k), err), 1);
	char *copy = malloc(v.len + 1);
	memcpy(copy, v.ptr, v.len);
	if (!p->cut)
		copy[p->off] = (char)p->value;
	int rc = br_put(t, BR_T_VEC, br_key_slice(&k), br_slice(copy, v.len - p->cut), err);
	free(copy);
	return rc;
}

/* seen: a search must notice as well; else only br_vec_verify does. */
static void damage_case(struct patch p, bool seen)
{
	struct rows r = rows_new(60, DIM, 2 * PER + 9);
	static struct br_ann_query q;
	struct br_err err = { 0 };
	struct br_vec_source src;
	struct br_ann_stats st;
	struct br_txn *t;
	struct br_topk top;
	float v[DIM] = { 1 };

	p.nb = 60;
	for (uint32_t b = 0; b < 3; b++)
		r.scale[b * PER] = unit_scale(&r, b * PER);
	assert_int_equal(br_store_write(store, drop, &r.nb, NULL), 0);
	assert_int_equal(br_store_write(store, write_rows, &r, NULL), 0);
	check_rows(&r, r.n);
	assert_int_equal(br_store_write(store, damage, &p, NULL), 0);
	assert_int_equal(br_txn_read(&t, store, NULL), 0);
	assert_int_equal(br_vec_verify(t, 60, DIM, r.n, &err), -BR_ECORRUPT);
	assert_non_null(strstr(err.msg, "notebook 60"));
	br_vec_source(&src, t, 60, DIM, r.n);
	br_ann_query_init(&q, v, DIM);
	br_topk_init(&top, 5);
	int rc = br_ann_search(&top, &st, &src.ann, &q, NULL, &err);
	assert_int_equal(rc, seen ? -BR_ECORRUPT : 0);
	if (seen && p.cut)
		assert_non_null(strstr(err.msg, "block 1"));
	br_topk_release(&top);
	br_txn_end(t);
	rows_free(&r);
}

static void damaged_blocks(void **state)
{
	(void)state;
	for (size_t off = 0; off < 16; off++)
		damage_case((struct patch){ .block = 1, .off = off, .value = 0xA7 }, true);
	damage_case((struct patch){ .block = 1, .cut = 1 }, true);
	damage_case((struct patch){ .block = 1, .cut = PER * (DIM + 4) }, true);
	damage_case((struct patch){ .block = 1, .cut = PER * (DIM + 4) + 1 }, true);
	damage_case((struct patch){ .block = 1, .cut = 16 + PER * (DIM + 4) - 1 }, true);
	damage_case((struct patch){ .block = 0, .off = 16 + PER * DIM + 3, .value = 0x7F }, true); /* a scale of 10^38 */
	damage_case((struct patch){ .block = 1, .key = true }, false);
}

/* What only counts can tell: rows that the notebook does not have, and rows that are not there. */
static void wrong_counts(void **state)
{
	struct rows r = rows_new(70, DIM, PER + 9);
	struct br_vec_source src;
	struct br_ann_block b;
	struct br_err err;
	struct br_txn *t;

	(void)state;
	for (uint32_t d = 0; d < DIM; d++)
		r.code[PER * DIM + d] = 0;
	r.code[PER * DIM] = 1;
	r.scale[PER] = 1;
	assert_int_equal(br_store_write(store, write_rows, &r, NULL), 0);
	assert_int_equal(br_txn_read(&t, store, NULL), 0);
	assert_int_equal(br_vec_verify(t, 70, DIM, PER + 9, NULL), 0);
	assert_int_equal(br_vec_verify(t, 70, DIM, PER + 8, &err), -BR_ECORRUPT);
	assert_int_equal(br_vec_verify(t, 70, DIM, PER + 10, &err), -BR_ECORRUPT);
	assert_int_equal(br_vec_verify(t, 70, DIM, PER, &err), -BR_ECORRUPT);
	assert_int_equal(br_vec_verify(t, 70, 128, PER + 9, &err), -BR_ECORRUPT);
	br_vec_source(&src, t, 70, DIM, PER + 10);
	assert_int_equal(src.ann.block(&b, 1, src.ann.arg, &err), -BR_ECORRUPT);
	br_vec_source(&src, t, 70, DIM, PER + 9);
	assert_int_equal(src.ann.block(&b, 1, src.ann.arg, &err), 0);
	assert_int_equal(b.n, 9);
	br_txn_end(t);
	rows_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips), cmocka_unit_test(small_writes_equal_one), cmocka_unit_test(writes_can_be_repeated),
		cmocka_unit_test(blocks_without_vectors_are_not_stored), cmocka_unit_test(notebooks_are_apart),
		cmocka_unit_test(search_through_the_store), cmocka_unit_test(damaged_blocks), cmocka_unit_test(wrong_counts),
	};
	return cmocka_run_group_tests_name("vec", tests, setup, teardown);
}
