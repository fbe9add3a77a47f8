/*
 * The check of pages and the rescue of records, which read a data file without LMDB: a small whole file with some bytes changed.
 * Input: a byte (bit 0: cut short), then changes: page u8, offset within it u16, length u8, bytes.
 */
#include "fuzz.h"

#include "store/internal.h"

enum { PAGE = 4096 };

static int fill(struct br_txn *t, void *arg, struct br_err *err)
{
	char big[9000];
	int rc = 0;

	(void)arg;
	for (uint32_t i = 0; i < 150 && rc == 0; i++) {
		struct br_key k;
		br_key_init(&k, i % 3);
		br_key_u32(&k, i);
		memset(big, (int)i, sizeof big);
		rc = br_put(t, i % 2 ? BR_T_DOC : BR_T_TEXT, br_key_slice(&k), br_slice(big, i % 50 == 0 ? sizeof big : 200), err);
	}
	return rc;
}

static int drop(struct br_txn *t, void *arg, struct br_err *err)
{
	struct br_key k;

	(void)arg;
	br_key_init(&k, 2);
	return br_del_prefix(t, BR_T_DOC, br_key_slice(&k), err);
}

/* The file to start from, the same each time but for its id and times. */
static struct br_buf whole_file(void)
{
	const struct br_store_opts opts = { BR_STORE_CREATE, 0 };
	struct br_buf out = BR_BUF_INIT(SIZE_MAX);
	char *dir = br_path_join(fuzz_dir(), "pages"), *file = br_path_join(dir, "data.mdb");
	struct br_store *s;

	HOLDS(br_store_open(&s, dir, &opts, NULL) == 0);
	HOLDS(br_store_write(s, fill, NULL, NULL) == 0 && br_store_write(s, drop, NULL, NULL) == 0);
	HOLDS(br_store_check(s, NULL) == 0);
	br_store_close(s);
	HOLDS(br_file_read(&out, file, SIZE_MAX, NULL) == 0);
	free(dir);
	free(file);
	return out;
}

static uint64_t touched;

static int take(struct br_slice table, struct br_slice key, struct br_slice val, void *arg, struct br_err *err)
{
	(void)err;
	touched += br_hash64(table.ptr, table.len) + br_hash64(key.ptr, key.len) + br_hash64(val.ptr, val.len);
	++*(unsigned *)arg;
	return 0;
}

static void lost(const char *what, void *arg)
{
	(void)arg;
	HOLDS(*what);
}

FUZZ(store_pages)
{
	static struct br_buf base;
	struct br_rd r = br_rd(in);
	uint8_t how = br_rd_u8(&r);
	unsigned records = 0;
	const struct br_store__rescue to = { take, lost, &records };
	char *p;
	size_t n;
	const char *path;

	if (!base.ptr)
		base = whole_file();
	n = base.len;
	p = br_alloc(n);
	memcpy(p, base.ptr, n);
	while (!r.bad && r.p < r.end) {
		size_t at = (size_t)br_rd_u8(&r) * PAGE + br_rd_u16(&r) % PAGE, want = br_rd_u8(&r) % 17;
		struct br_slice left = fuzz_rest(&r), bytes = br_rd_bytes(&r, BR_MIN(want, left.len));
		at %= n;
		memcpy(p + at, bytes.len ? bytes.ptr : "", BR_MIN(bytes.len, n - at));
	}
	if (how & 1)
		n = (size_t)(how >> 1) * PAGE / 3 % n;
	path = fuzz_file("data.mdb", br_slice(p, n));
	(void)!br_store__check_file(path, NULL);
	(void)!br_store__rescue(path, &to, NULL);
	HOLDS(in.len || (br_store__check_file(path, NULL) == 0 && records > 100));
	free(p);
}
