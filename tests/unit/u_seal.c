/* Seals: every flipped bit of a stored value is noticed, and so is a record that stands under another's key. */
#include "store_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#define MARK "this value stands once in the data file: "

static int put_marked(struct br_txn *t, void *arg, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	int rc = 0;

	for (int table = 0; rc == 0 && table < BR_TABLE_COUNT; table++) {
		br_buf_reset(&b);
		br_buf_addf(&b, MARK "%c", 'a' + table);
		br_buf_addz(&b, *(size_t *)arg);
		rc = br_put(t, (enum br_table)table, str("marked"), br_buf_slice(&b), err);
	}
	br_buf_release(&b);
	return rc;
}

/* Where the value of a table begins in the file. */
static off_t place(const struct br_buf *file, int table)
{
	char want[sizeof MARK + 1];
	const char *p;

	snprintf(want, sizeof want, MARK "%c", 'a' + table);
	p = memmem(file->ptr, file->len, want, sizeof want - 1);
	assert_non_null(p);
	return p - file->ptr;
}

static int read_marked(struct fixture *f, enum br_table table, bool all)
{
	struct br_txn *t;
	struct br_slice v;
	struct br_cur c;
	int rc, walked;

	OK(br_txn_read(&t, f->s, &g_err));
	if (all)
		br_txn_check_all(t);
	OK(br_cur_open(&c, t, table, &g_err));
	walked = br_cur_seek(&c, str("marked"), &g_err);
	br_cur_close(&c);
	rc = br_get(&v, t, table, str("marked"), &g_err);
	br_txn_end(t);
	assert_int_equal(rc, walked);
	return rc;
}

static void flip(const struct fixture *f, off_t at, int bit)
{
	int fd = open(f->data, O_RDWR);
	uint8_t b;

	assert_int_equal(pread(fd, &b, 1, at), 1);
	b ^= (uint8_t)(1 << bit);
	assert_int_equal(pwrite(fd, &b, 1, at), 1);
	close(fd);
}

static void damage(struct fixture *f, size_t pad)
{
	struct br_buf file = BR_BUF_INIT(64 << 20);
	size_t len = sizeof MARK + pad;

	OK(br_store_write(f->s, put_marked, &pad, &g_err));
	OK(br_file_read(&file, f->data, 64 << 20, &g_err));
	for (int table = 0; table < BR_TABLE_COUNT; table++) {
		off_t at = place(&file, table);
		for (size_t i = 0; i < len + 4; i += i < 60 || i + 8 > len ? 1 : 97) {
			flip(f, at + (off_t)i, (int)i % 8);
			assert_int_equal(read_marked(f, (enum br_table)table, true), -BR_ECORRUPT);
			assert_non_null(strstr(g_err.msg, "does not match its checksum"));
			assert_int_equal(read_marked(f, (enum br_table)table, false), table == BR_T_VEC ? 1 : -BR_ECORRUPT);
			flip(f, at + (off_t)i, (int)i % 8);
		}
		assert_int_equal(read_marked(f, (enum br_table)table, true), 1);
	}
	br_buf_release(&file);
}

/* Short values are checked at every reading. */
static void every_bit(void **state)
{
	struct fixture *f = *state;

	create(f);
	damage(f, 100);
}

/* What was found whole is not looked at again in the same generation, and is after the next commit. */
static void remembered(void **state)
{
	struct fixture *f = *state;
	struct br_buf file = BR_BUF_INIT(64 << 20);
	size_t pad = 3000;

	create(f);
	OK(br_store_write(f->s, put_marked, &pad, &g_err));
	OK(br_file_read(&file, f->data, 64 << 20, &g_err));
	for (int i = 0; i < 3; i++)
		assert_int_equal(read_marked(f, BR_T_POST, false), 1);
	flip(f, place(&file, BR_T_POST) + 50, 3);
	assert_int_equal(read_marked(f, BR_T_POST, false), 1);
	OK(br_store_write(f->s, churn_fn, &(uint32_t){ 7 }, &g_err));
	assert_int_equal(read_marked(f, BR_T_POST, false), -BR_ECORRUPT);
	br_buf_release(&file);
}

static int put_twins(struct br_txn *t, void *arg, struct br_err *err)
{
	int rc = br_put(t, BR_T_DOC, str("left"), str("the value of the left one"), err);

	(void)arg;
	return rc ? rc : br_put(t, BR_T_DOC, str("rite"), str("the value of the rite one"), err);
}

/* The keys of two whole records are exchanged: neither is the other's. */
static void exchanged(void **state)
{
	struct fixture *f = *state;
	struct br_buf file = BR_BUF_INIT(64 << 20);
	struct br_slice v;
	struct br_txn *t;
	const char *p;

	create(f);
	OK(br_store_write(f->s, put_twins, NULL, &g_err));
	OK(br_file_read(&file, f->data, 64 << 20, &g_err));
	p = memmem(file.ptr, file.len, "leftthe value", 13);
	assert_non_null(p);
	int fd = open(f->data, O_RDWR);
	assert_int_equal(pwrite(fd, "kept", 4, p - file.ptr), 4);
	close(fd);
	OK(br_txn_read(&t, f->s, &g_err));
	assert_int_equal(br_get(&v, t, BR_T_DOC, str("kept"), &g_err), -BR_ECORRUPT);
	assert_int_equal(br_get(&v, t, BR_T_DOC, str("rite"), &g_err), 1);
	br_txn_end(t);
	br_buf_release(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = { T(every_bit), T(remembered), T(exchanged) };

	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
