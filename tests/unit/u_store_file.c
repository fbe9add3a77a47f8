/* store: the data file. Creation, versions, what is no data file, what is cut short or damaged. */
#include "store_fixture.h"

int br_store__check_file(const char *path, struct br_err *err);

/* ---- opening ---- */

static void open_missing(void **state)
{
	struct fixture *f = *state;

	FAILS(NOWORKSPACE, try_open(f, 0));
	assert_null(f->s);
	assert_int_equal(size_of(f->dir), -1);
	OK(br_mkdirs(f->dir, 0777, &g_err));
	FAILS(NOWORKSPACE, try_open(f, 0));
	assert_int_equal(size_of(f->data), -1);
}

static void create_and_reopen(void **state)
{
	struct fixture *f = *state;
	struct br_txn *t;
	struct br_slice uuid, created;
	uint64_t n, format;
	char first[36], left[96];

	snprintf(left, sizeof left, "%s/data.mdb.new", f->dir);
	OK(br_mkdirs(f->dir, 0777, &g_err));
	OK(br_file_write_atomic(left, "left by a killed creator", 24, 0666, &g_err));
	create(f);
	assert_string_equal(br_store_dir(f->s), f->dir);
	assert_int_equal(br_store_bytes(f->s), size_of(f->data));
	assert_int_equal(size_of(left), -1);
	OK(br_txn_read(&t, f->s, &g_err));
	OK(br_meta_get(&format, t, "format", &g_err));
	assert_int_equal(format, BR_STORE_FORMAT);
	assert_int_equal(br_txn_generation(t), 0);
	assert_int_equal(br_get(&uuid, t, BR_T_META, str("uuid"), &g_err), 1);
	assert_int_equal(uuid.len, 36);
	memcpy(first, uuid.ptr, 36);
	assert_int_equal(br_get(&created, t, BR_T_META, str("created"), &g_err), 1);
	assert_int_equal(created.len, 8);
	for (int i = 0; i < BR_TABLE_COUNT; i++) {
		OK(br_table_count(&n, t, (enum br_table)i, &g_err));
		assert_int_equal(n, i == BR_T_META ? 4 : 0);
	}
	br_txn_end(t);
	close_store(f);

	OK(try_open(f, BR_STORE_CREATE)); /* is there: opened, not made anew */
	OK(br_txn_read(&t, f->s, &g_err));
	assert_int_equal(br_get(&uuid, t, BR_T_META, str("uuid"), &g_err), 1);
	assert_memory_equal(uuid.ptr, first, 36);
	br_txn_end(t);
}

static int set_format(struct br_txn *t, void *arg, struct br_err *err)
{
	struct br_slice *v = arg;

	return br_put(t, BR_T_META, str("format"), *v, err);
}

static void format_versions(void **state)
{
	struct fixture *f = *state;
	struct br_slice newer = br_slice("\3\0\0\0\0\0\0", 8), older = br_slice("\1\0\0\0\0\0\0", 8), cut = br_slice("\1\0\0", 3), zero = br_slice("\0\0\0\0\0\0\0", 8);

	create(f);
	OK(br_store_write(f->s, set_format, &newer, &g_err));
	OK(br_store_write(f->s, set_format, &cut, &g_err)); /* an open store goes on */
	close_store(f);
	FAILS(CORRUPT, try_open(f, 0));

	unlink(f->data);
	create(f);
	OK(br_store_write(f->s, set_format, &zero, &g_err));
	close_store(f);
	FAILS(CORRUPT, try_open(f, 0));

	unlink(f->data);
	create(f);
	OK(br_store_write(f->s, set_format, &newer, &g_err));
	close_store(f);
	FAILS(VERSION, try_open(f, 0));
	assert_non_null(strstr(g_err.msg, "format 3"));
	assert_non_null(strstr(g_err.msg, "up to 2"));

	unlink(f->data);
	create(f);
	OK(br_store_write(f->s, set_format, &older, &g_err));
	close_store(f);
	FAILS(VERSION, try_open(f, 0));
	assert_non_null(strstr(g_err.msg, "index again"));
}

static void write_file(const char *path, const char *p, size_t n)
{
	OK(br_file_write_atomic(path, p, n, 0666, &g_err));
}

static void garbage_files(void **state)
{
	struct fixture *f = *state;
	char noise[20000];
	uint32_t x = 1;

	OK(br_mkdirs(f->dir, 0777, &g_err));
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
	for (size_t n = 0; n <= sizeof noise; n = n * 3 + 1) {
		write_file(f->data, noise, n);
		FAILS(CORRUPT, try_open(f, BR_STORE_CREATE));
		assert_int_equal(size_of(f->data), n); /* and left alone */
	}
	unlink(f->data);
	OK(br_mkdirs(f->data, 0777, &g_err));
	assert_true(try_open(f, 0) < 0);
	rmdir(f->data);
	assert_int_equal(mkfifo(f->data, 0600), 0);
	assert_true(try_open(f, 0) < 0); /* and does not wait for a writer */
}

static void foreign_lmdb_file(void **state)
{
	struct fixture *f = *state;
	struct br_buf b = BR_BUF_INIT(1 << 20);

	create(f);
	close_store(f);
	OK(br_file_read(&b, f->data, 1 << 20, &g_err));
	b.ptr[20] = 2; /* data version of the first meta page */
	write_file(f->data, b.ptr, b.len);
	FAILS(VERSION, try_open(f, 0));
	b.ptr[20] = 1;
	memcpy(b.ptr + 40, "\0\0\0\0", 4); /* page size */
	write_file(f->data, b.ptr, b.len);
	FAILS(CORRUPT, try_open(f, 0));
	br_buf_release(&b);
}

static int erase_first_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	char key[4];

	(void)arg;
	for (uint32_t i = 0; i < 50; i++) {
		br_be32(key, i);
		OK(br_del(t, BR_T_TEXT, br_slice(key, 4), err));
	}
	return 0;
}

/* Cut where a live record stands, for each of 150: none may be opened, though list and META are whole for most. */
static void truncated_files(void **state)
{
	struct fixture *f = *state;
	struct fill w = { .n = 200, .bytes = 3000 };
	struct br_buf b = BR_BUF_INIT(8 << 20);
	char run[64];

	create(f);
	OK(br_store_write(f->s, fill_fn, &w, &g_err));
	OK(br_store_write(f->s, erase_first_fn, NULL, &g_err));
	for (int i = 0; i < 6; i++) /* into pages of the erased: list and META move to the front */
		put(f, "a", "1");
	close_store(f);
	OK(br_file_read(&b, f->data, 8 << 20, &g_err));
	OK(try_open(f, 0));
	close_store(f);
	for (int i = 199; i >= 50; i--) {
		memset(run, i, sizeof run);
		const char *at = memmem(b.ptr, b.len, run, sizeof run);
		assert_non_null(at);
		assert_int_equal(truncate(f->data, at - b.ptr), 0);
		FAILS(CORRUPT, try_open(f, 0));
		write_file(f->data, b.ptr, b.len);
	}
	for (off_t n = 16384; n > 0; n /= 2) {
		assert_int_equal(truncate(f->data, n), 0);
		FAILS(CORRUPT, try_open(f, 0));
	}
	br_buf_release(&b);
}

/* A file whose last pages were taken and given back in one transaction: LMDB never writes them. */
static void short_but_whole(struct fixture *f, uint32_t n)
{
	struct fill w = { .n = n, .bytes = 5000, .erase = true };

	create(f);
	for (int i = 0; i < 4; i++) /* so that there are free pages, or LMDB does not look for them */
		put(f, "a", "1");
	OK(br_store_write(f->s, fill_fn, &w, &g_err));
	close_store(f);
}

static uint64_t pages_promised(const char *path)
{
	struct br_buf b = BR_BUF_INIT(1 << 30);
	uint64_t last[2], txn[2];

	OK(br_file_read(&b, path, 1 << 30, &g_err));
	for (int i = 0; i < 2; i++) {
		last[i] = br_rd_le64(b.ptr + 4096 * i + 16 + 120);
		txn[i] = br_rd_le64(b.ptr + 4096 * i + 16 + 128);
	}
	br_buf_release(&b);
	return last[txn[1] > txn[0]] + 1;
}

static void short_file_is_accepted(void **state)
{
	struct fixture *f = *state;
	const uint32_t n[] = { 8, 3000 }; /* a list of free pages inside one page, and one on pages of its own */

	for (size_t i = 0; i < BR_COUNT(n); i++) {
		short_but_whole(f, n[i]);
		assert_true((uint64_t)size_of(f->data) < pages_promised(f->data) * 4096); /* else this tests nothing */
		OK(try_open(f, 0));
		OK(br_store_check(f->s, &g_err));
		assert_true(store_has(f->s, "a", "1"));
		put(f, "b", "2");
		close_store(f);
		OK(try_open(f, 0));
		OK(br_store_check(f->s, &g_err));
		assert_true(store_has(f->s, "b", "2"));
		close_store(f);
		assert_int_equal(truncate(f->data, 4 * 4096), 0);
		FAILS(CORRUPT, try_open(f, 0));
		unlink(f->data);
	}
}

/* No damage to the list of free pages may lead the check out of bounds or into a circle. */
static void damaged_free_list(void **state)
{
	struct fixture *f = *state;
	struct br_buf b = BR_BUF_INIT(1 << 30);
	uint32_t x = 7;
	int fd, accepted = 0;

	short_but_whole(f, 3000);
	OK(br_file_read(&b, f->data, 1 << 30, &g_err));
	fd = open(f->data, O_RDWR);
	assert_true(fd >= 0);
	for (int i = 0; i < 3000; i++) {
		size_t at[8];
		for (int k = 0; k < 8; k++) {
			x = x * 1664525 + 1013904223;
			at[k] = (x >> 4) % b.len / 4096 * 4096 + (k < 6 ? x % 64 : x % 4096);
			assert_int_equal(pwrite(fd, (char *)&x + 3, 1, (off_t)at[k]), 1);
		}
		accepted += br_store__check_file(f->data, &g_err) == 0;
		for (int k = 0; k < 8; k++)
			assert_int_equal(pwrite(fd, b.ptr + at[k], 1, (off_t)at[k]), 1);
	}
	assert_true(accepted < 3000);
	OK(br_store__check_file(f->data, &g_err));
	close(fd);
	br_buf_release(&b);
}

/* A branch page whose children are all itself: fifty to the power of the tree's depth. */
static void list_in_a_circle(void **state)
{
	struct fixture *f = *state;
	struct br_buf b = BR_BUF_INIT(1 << 20);
	uint64_t root;
	uint16_t v;

	create(f);
	close_store(f);
	OK(br_file_read(&b, f->data, 1 << 20, &g_err));
	root = br_rd_le64(b.ptr + 4096 + 16 + 72 + 40);
	assert_true(root >= 2 && root < b.len / 4096);
	char *page = b.ptr + root * 4096;
	for (unsigned i = 0; i < 50; i++) {
		char *node = page + 4096 - 16 * (i + 1);
		memset(node, 0, 16);
		v = (uint16_t)root;
		memcpy(node, &v, 2); /* child */
		v = 8;
		memcpy(node + 6, &v, 2);
		br_be64(node + 8, i);
		v = (uint16_t)(node - page);
		memcpy(page + 16 + 2 * i, &v, 2);
	}
	v = 1;
	memcpy(page + 10, &v, 2); /* branch */
	v = 16 + 2 * 50;
	memcpy(page + 12, &v, 2);
	v = 4096 - 16 * 50;
	memcpy(page + 14, &v, 2);
	v = 32;
	memcpy(b.ptr + 4096 + 16 + 72 + 6, &v, 2); /* depth */
	write_file(f->data, b.ptr, b.len);
	FAILS(CORRUPT, try_open(f, 0));
	assert_non_null(strstr(g_err.msg, "keys that belong elsewhere"));
	br_buf_release(&b);
}

/* ---- damage ---- */

/* Commits write the meta pages in turn: a number that does not follow the other's would bring back an older state. */
static void meta_pages_belong_together(void **state)
{
	struct fixture *f = *state;
	char number[8], saved[8], other[8];
	int fd, refused = 0;

	create(f);
	put(f, "a", "1");
	put(f, "a", "2");
	close_store(f);
	fd = open(f->data, O_RDWR);
	assert_true(fd >= 0);
	for (off_t page = 0; page <= 4096; page += 4096) {
		for (int bit = 0; bit < 64; bit++) {
			assert_int_equal(pread(fd, saved, 8, page + 16 + 128), 8);
			memcpy(number, saved, 8);
			number[bit / 8] ^= (char)(1 << bit % 8);
			assert_int_equal(pread(fd, other, 8, 4096 - page + 16 + 128), 8);
			if (br_rd_le64(number) + 1 == br_rd_le64(other)) /* the neighbour on the other side: cannot be told */
				continue;
			assert_int_equal(pwrite(fd, number, 8, page + 16 + 128), 8);
			FAILS(CORRUPT, br_store__check_file(f->data, &g_err));
			assert_int_equal(pwrite(fd, saved, 8, page + 16 + 128), 8);
			refused++;
		}
	}
	assert_true(refused >= 2 * 63);
	close(fd);
	OK(br_store__check_file(f->data, &g_err));
}

static int rising_fn(struct br_txn *t, void *arg, struct br_err *err)
{
	char key[16], val[500] = { 0 };
	int rc = 0;

	(void)arg;
	for (int i = 0; rc == 0 && i < 100; i++) {
		snprintf(key, sizeof key, "key%05d", 2 * i);
		rc = br_put(t, BR_T_DOC, str(key), br_slice(val, sizeof val), err);
	}
	return rc;
}

/* A key in a branch page that is still in order there, but not with the keys below it: some of them would not be found. */
static void keys_belong_where_they_are(void **state)
{
	struct fixture *f = *state;
	struct br_buf b = BR_BUF_INIT(1 << 24);
	int fd, changed = 0;

	create(f);
	OK(br_store_write(f->s, rising_fn, NULL, &g_err));
	close_store(f);
	OK(br_file_read(&b, f->data, 1 << 24, &g_err));
	fd = open(f->data, O_RDWR);
	assert_true(fd >= 0);
	for (size_t page = 2; page < b.len / 4096; page++) {
		const char *p = b.ptr + page * 4096;
		if (br_rd_le64(p) != page || br_rd_le16(p + 10) != 1 || br_rd_le16(p + 12) < 16 + 2 * 3)
			continue;
		off_t last = (off_t)(page * 4096) + br_rd_le16(p + br_rd_le16(p + 12) - 2) + 8 + 7; /* last digit of the last key */
		char digit = b.ptr[last] + 1;
		if (memcmp(b.ptr + last - 7, "key", 3) != 0)
			continue;
		assert_int_equal(pwrite(fd, &digit, 1, last), 1);
		OK(try_open(f, 0));
		FAILS(CORRUPT, br_store_check(f->s, &g_err));
		close_store(f);
		assert_int_equal(pwrite(fd, b.ptr + last, 1, last), 1);
		changed++;
	}
	close(fd);
	br_buf_release(&b);
	assert_true(changed > 0);
	OK(try_open(f, 0));
	OK(br_store_check(f->s, &g_err));
}

static int scanning_child(struct fixture *f, int say, int go)
{
	struct br_txn *t;
	struct br_cur c;
	unsigned sum = 0;
	int rc = 0;

	(void)say, (void)go;
	if (try_open(f, 0) < 0 || br_store_check(f->s, &g_err) < 0)
		return g_err.code == BR_ECORRUPT || g_err.code == BR_EVERSION ? 1 : 2;
	if (br_txn_read(&t, f->s, &g_err) < 0)
		return 3;
	for (int i = 0; i < BR_TABLE_COUNT && rc >= 0; i++) {
		if (br_cur_open(&c, t, (enum br_table)i, &g_err) < 0)
			return 4;
		while ((rc = br_cur_next(&c, &g_err)) == 1)
			for (size_t k = 0; k < c.val.len; k++)
				sum += (uint8_t)c.val.ptr[k];
		br_cur_close(&c);
	}
	br_txn_end(t);
	return rc < 0 ? (g_err.code == BR_ECORRUPT ? 1 : 5) : sum == 0 ? 6 : 0; /* 1: a seal was broken */
}

/* A file that passes the check can be read to the last byte; one that does not is refused, and nobody is killed. */
static void damaged_pages(void **state)
{
	struct fixture *f = *state;
	struct br_buf b = BR_BUF_INIT(64 << 20);
	uint32_t x = 5;
	int fd, count[2] = { 0, 0 };

	create(f);
	for (int i = 0; i < 30; i++)
		OK(br_store_write(f->s, churn_fn, &x, &g_err));
	close_store(f);
	OK(br_file_read(&b, f->data, 64 << 20, &g_err));
	fd = open(f->data, O_RDWR);
	assert_true(fd >= 0);
	for (int i = 0; i < 250; i++) {
		struct child c;
		int status;
		for (int k = 0; k < 8; k++) {
			x = x * 1664525 + 1013904223;
			size_t at = (x >> 4) % b.len;
			if (k < 6)
				at = at / 4096 * 4096 + at % 48; /* page headers and offsets */
			assert_int_equal(pwrite(fd, (char *)&x + 3, 1, (off_t)at), 1);
		}
		c = spawn(f, scanning_child);
		status = finish(&c);
		assert_true(WIFEXITED(status));
		assert_in_range(WEXITSTATUS(status), 0, 1);
		count[WEXITSTATUS(status)]++;
		assert_int_equal(pwrite(fd, b.ptr, b.len, 0), (ssize_t)b.len);
	}
	assert_true(count[0] > 0 && count[1] > 50);
	close(fd);
	br_buf_release(&b);
	OK(try_open(f, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(open_missing), T(create_and_reopen), T(format_versions), T(garbage_files), T(foreign_lmdb_file),
		T(truncated_files), T(short_file_is_accepted), T(damaged_free_list), T(list_in_a_circle), T(meta_pages_belong_together),
		T(keys_belong_where_they_are), T(damaged_pages),
	};

	return cmocka_run_group_tests_name("store_file", tests, NULL, NULL);
}
