/* Backup: taken while others write it holds the state of one commit; damage anywhere is found; restoring is whole or nothing. */
#include "workspace.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "corpus/tar.h"

static const struct br_backup_opts quiet;

static void put_records(struct scratch *s, const char *file, int round)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	char *path = scratch_path(s, file);
	struct br_ingest_opts opts = { .ndjson = true };
	struct br_ingest_stats st;
	struct br_err err = { 0 };

	for (int i = 0; i < 8; i++)
		br_buf_addf(&b, "{\"id\":\"r%d\",\"text\":\"This is round %d of the record, with words such as w%dx and w%dy.\"}\n", i, round, round, round * 7 % 31);
	put_file(s, file, b.ptr);
	assert_int_equal(br_ingest(&st, s->ws, (const char *const *)&path, 1, &opts, &err), 0);
	br_buf_release(&b);
	free(path);
}

static void backup(struct scratch *s, const char *name)
{
	char *path = scratch_path(s, name);
	struct br_backup_stats st;
	struct br_err err = { 0 };

	if (br_backup(&st, s->ws, path, &quiet, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(st.bytes > st.data_bytes && st.data_bytes > 0 && st.generation > 0);
	free(path);
}

static struct br_ws *open_restored(struct scratch *s, const char *name, const char *to)
{
	char *path = scratch_path(s, name), *dir = scratch_path(s, to), *br = br_path_join(dir, ".br");
	struct br_backup_stats st;
	struct br_verify_report r;
	struct br_err err = { 0 };
	struct br_ws *ws = NULL;

	if (br_backup_restore(&st, path, dir, &quiet, &err) < 0 || br_ws_open(&ws, br, 1000, &err) < 0 ||
	    br_verify(&r, ws, false, NULL, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(br_backup_restore(&st, path, dir, &quiet, &err), -BR_EEXISTS);
	free(path);
	free(dir);
	free(br);
	return ws;
}

struct rounds { struct br_txn *t; struct br_buf seen; int docs; };

static int see_round(const struct br_doc *d, void *arg)
{
	struct rounds *r = arg;
	struct br_buf text = BR_BUF_INIT(1 << 16);

	assert_int_equal(br_doc_text(&text, NULL, r->t, 1, d->doc, 0, UINT32_MAX, NULL), 0);
	if (!r->docs++)
		br_buf_adds(&r->seen, text.ptr);
	assert_string_equal(text.ptr, r->seen.ptr); /* every record is of the same round: no commit is there in part */
	br_buf_release(&text);
	return 0;
}

static void check_one_round(struct br_ws *ws)
{
	struct rounds r = { .seen = BR_BUF_INIT(1 << 16) };

	assert_int_equal(br_txn_read(&r.t, ws->store, NULL), 0);
	assert_int_equal(br_doc_each(r.t, 1, see_round, &r, NULL), 0);
	assert_int_equal(r.docs, 8);
	br_txn_end(r.t);
	br_buf_release(&r.seen);
}

static void test_while_another_process_writes(void **state)
{
	struct scratch *s = *state;
	pid_t writer;
	int status;

	put_records(s, "first.ndjson", 0);
	br_searcher_free(s->searcher); /* a store is never used across fork */
	br_ws_close(s->ws);
	s->ws = NULL;
	s->searcher = NULL;
	if ((writer = fork()) == 0) {
		scratch_reopen(s);
		for (int round = 1;; round++)
			put_records(s, "more.ndjson", round);
	}
	scratch_reopen(s);
	for (int i = 0; i < 6; i++) {
		char name[16], to[16];
		struct br_ws *ws;
		snprintf(name, sizeof name, "b%d.tar", i);
		snprintf(to, sizeof to, "to%d", i);
		backup(s, name);
		ws = open_restored(s, name, to);
		check_one_round(ws);
		br_ws_close(ws);
	}
	kill(writer, SIGKILL);
	waitpid(writer, &status, 0);
	check_verify(s);
}

static void test_originals_and_settings_come_along(void **state)
{
	struct scratch *s = *state;
	char *file = scratch_path(s, "note.txt");
	struct br_ingest_opts opts = { 0 };
	struct br_ingest_stats st;
	struct br_backup_stats bs;
	struct br_err err = { 0 };
	struct br_ws *ws;
	struct scratch restored;

	put_file(s, "note.txt", "Lighthouses warn ships of rocks.\n");
	assert_int_equal(br_upload(&st, s->ws, (const char *const *)&file, 1, &opts, &err), 0);
	assert_int_equal(br_config_set(s->ws->dir, BR_CONFIG_WORKSPACE, "search.top", "3", &err), 0);
	free(file);
	backup(s, "b.tar");
	file = scratch_path(s, "b.tar");
	assert_int_equal(br_backup_verify(&bs, file, &quiet, &err), 0);
	assert_int_equal(bs.objects, 1);
	free(file);
	ws = open_restored(s, "b.tar", "to");
	assert_int_equal(br_config_int(ws->config, "search.top"), 3);
	assert_int_equal(br_ingest(&st, ws, NULL, 0, &opts, &err), 0);
	restored = (struct scratch){ .ws = ws, .searcher = br_searcher_new(ws) };
	assert_best(&restored, "lighthouses", "full_text", "note.txt");
	br_searcher_free(restored.searcher);
	br_ws_close(ws);
}

/* Flips bytes of the file one at a time; each must be noticed. */
static void test_a_flipped_byte_is_noticed(void **state)
{
	struct scratch *s = *state;
	char *path = scratch_path(s, "b.tar"), *bad = scratch_path(s, "bad.tar");
	struct br_buf b = BR_BUF_INIT(64 << 20);
	struct br_backup_stats st;
	struct br_err err = { 0 };
	size_t missed = 0;

	put_file(s, "docs/a.md", "# Apples\n\nApples grow on trees in autumn.\n");
	free(sync_told(s, "docs", false, 0));
	backup(s, "b.tar");
	assert_int_equal(br_file_read(&b, path, 64 << 20, &err), 0);
	for (size_t i = 0; i < b.len; i += i < 4096 || i > b.len - 4096 ? 7 : 509) {
		int fd = open(bad, O_WRONLY | O_CREAT | O_TRUNC, 0666);
		b.ptr[i] ^= 0x20;
		assert_int_equal(br_fd_write(fd, b.ptr, b.len), 0);
		close(fd);
		missed += br_backup_verify(&st, bad, &quiet, &err) != -BR_EINPUT;
		b.ptr[i] ^= 0x20;
	}
	assert_int_equal(missed, 0);
	for (size_t n = 0; n < b.len; n += 1536) { /* cut off */
		assert_int_equal(truncate(bad, 0), 0);
		int fd = open(bad, O_WRONLY);
		assert_int_equal(br_fd_write(fd, b.ptr, n), 0);
		close(fd);
		assert_int_equal(br_backup_verify(&st, bad, &quiet, &err), -BR_EINPUT);
	}
	char *dir = scratch_path(s, "to"), *br = br_path_join(dir, ".br");
	assert_int_equal(br_backup_restore(&st, bad, dir, &quiet, &err), -BR_EINPUT);
	assert_int_not_equal(access(br, F_OK), 0);
	assert_int_equal(rmdir(dir), 0); /* nothing was left in it */
	br_buf_release(&b);
	free(dir);
	free(br);
	free(path);
	free(bad);
}

static void test_a_failing_write_leaves_nothing(void **state)
{
	struct scratch *s = *state;
	char *path = scratch_path(s, "sub/b.tar"), *dir = scratch_path(s, "sub");
	struct rlimit old, small;
	struct br_backup_stats st;
	struct br_err err = { 0 };

	put_file(s, "docs/a.md", "# Apples\n\nApples grow on trees in autumn.\n");
	free(sync_told(s, "docs", false, 0));
	assert_int_equal(br_mkdirs(dir, 0777, &err), 0);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 20000;
	setrlimit(RLIMIT_FSIZE, &small);
	assert_true(br_backup(&st, s->ws, path, &quiet, &err) < 0);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_non_null(strstr(err.msg, "b.tar"));
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(br_backup(&st, s->ws, s->dir, &quiet, &err), -BR_EINPUT); /* a folder */
	check_verify(s);
	free(path);
	free(dir);
}

static void test_headers(void **state)
{
	struct tar_entry e = { .name = ".br/data.mdb", .mode = 0644, .size = 0x123456789abcull, .mtime = 1700000000 }, back;
	char block[TAR_BLOCK];

	(void)state;
	tar_encode(block, &e);
	assert_int_equal(tar_decode(&back, block), 1);
	assert_string_equal(back.name, e.name);
	assert_true(back.size == e.size && back.mtime == e.mtime && back.mode == e.mode);
	e.size = 1000;
	tar_encode(block, &e);
	assert_memory_equal(block + 124, "00000001750", 12);
	assert_memory_equal(block + 257, "ustar\00000", 8);
	assert_int_equal(tar_decode(&back, block), 1);
	for (int i = 0; i < TAR_BLOCK; i++) { /* not one byte is free */
		block[i] ^= 1;
		assert_int_equal(tar_decode(&back, block), -1);
		block[i] ^= 1;
	}
	assert_int_equal(tar_padding(1000), 24);
	assert_int_equal(tar_padding(1024), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		T(test_while_another_process_writes), T(test_originals_and_settings_come_along), T(test_a_flipped_byte_is_noticed),
		T(test_a_failing_write_leaves_nothing), cmocka_unit_test(test_headers),
	};
	return cmocka_run_group_tests_name("backup", tests, NULL, NULL);
}
