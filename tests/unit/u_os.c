/* os: files, paths, locks, clock, log, signals, children. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "br/os.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

/* ---- reading ---- */

static void reads_whole_file(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_err err = { 0 };

	(void)state;
	br_buf_adds(&b, "x");
	assert_int_equal(br_file_read(&b, scratch_put("a", "hello\n"), 100, &err), 0);
	assert_string_equal(b.ptr, "xhello\n");
	assert_int_equal(b.len, 7);
	assert_int_equal(br_file_read(&b, scratch_put("empty", ""), 0, &err), 0);
	assert_int_equal(b.len, 7);
	br_buf_release(&b);
}

static void reads_up_to_the_limit(void **state)
{
	struct br_buf b = BR_BUF_INIT(6);
	struct br_err err = { 0 };
	const char *path = scratch_put("six", "sixsix");

	(void)state;
	assert_int_equal(br_file_read(&b, path, 6, &err), 0);
	assert_string_equal(b.ptr, "sixsix");
	br_buf_reset(&b);
	assert_int_equal(br_file_read(&b, path, 5, &err), -BR_ETOOBIG);
	assert_non_null(strstr(err.msg, "six"));
	br_buf_release(&b);
	br_buf_init(&b, 5);
	assert_int_equal(br_file_read(&b, path, 6, &err), -BR_ETOOBIG);
	br_buf_release(&b);
}

/* A file of /proc has size 0 and content all the same. */
static void reads_files_without_size(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);

	(void)state;
	assert_int_equal(br_file_read(&b, "/proc/self/status", 1 << 20, NULL), 0);
	assert_non_null(strstr(b.ptr, "Pid:"));
	br_buf_reset(&b);
	assert_int_equal(br_file_read(&b, "/proc/self/status", 10, NULL), -BR_ETOOBIG);
	br_buf_release(&b);
}

static void make_socket(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%.*s", (int)sizeof a.sun_path - 1, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	close(fd);
}

static void refuses_what_is_no_file(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_err err = { 0 };

	(void)state;
	assert_int_equal(mkfifo(scratch("fifo"), 0600), 0);
	assert_int_equal(br_file_read(&b, scratch("fifo"), 10, &err), -BR_EINPUT);
	assert_non_null(strstr(err.msg, "not a regular file"));
	make_socket(scratch("sock"));
	assert_int_equal(br_file_read(&b, scratch("sock"), 10, &err), -BR_EINPUT);
	assert_int_equal(br_file_read(&b, "/dev/zero", 10, &err), -BR_EINPUT);
	assert_int_equal(br_file_read(&b, scratch(""), 10, &err), -BR_EINPUT);
	assert_non_null(strstr(err.msg, "folder"));
	assert_int_equal(br_file_read(&b, scratch("none"), 10, &err), -BR_ENOTFOUND);
	assert_non_null(strstr(err.msg, "none"));
	assert_int_equal(br_file_read(&b, scratch("six/x"), 10, &err), -BR_ENOTFOUND);
	assert_int_equal(b.len, 0);
	br_buf_release(&b);
}

static void reads_a_pipe_to_its_end(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	char text[40000];
	int fd[2];

	(void)state;
	memset(text, 'q', sizeof text);
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(br_fd_write(fd[1], text, sizeof text), 0);
	close(fd[1]);
	assert_int_equal(br_fd_read(&b, fd[0], sizeof text, "stdin", NULL), 0);
	assert_int_equal(b.len, sizeof text);
	assert_memory_equal(b.ptr, text, sizeof text);
	close(fd[0]);
	br_buf_release(&b);
}

static void maps_files(void **state)
{
	struct br_map m = { 0 };

	(void)state;
	br_unmap(&m);
	assert_int_equal(br_map_file(&m, scratch_put("m", "mapped"), NULL), 0);
	assert_int_equal(m.len, 6);
	assert_memory_equal(m.ptr, "mapped", 6);
	br_unmap(&m);
	br_unmap(&m);
	assert_int_equal(br_map_file(&m, scratch_put("m0", ""), NULL), 0);
	assert_int_equal(m.len, 0);
	assert_non_null(m.ptr);
	br_unmap(&m);
	assert_int_equal(br_map_file(&m, scratch("fifo"), NULL), -BR_EINPUT);
	assert_int_equal(br_map_file(&m, scratch("gone"), NULL), -BR_ENOTFOUND);
}

/* ---- writing ---- */

static unsigned count_files(const char *dir)
{
	unsigned n = 0;
	char *cmd = br_sprintf("ls -A '%s' | wc -l", dir);
	FILE *f = popen(cmd, "r");

	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	free(cmd);
	return n;
}

static void writes_atomically(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_err err = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(br_mkdirs(scratch("w"), 0755, NULL), 0);
	assert_int_equal(br_file_write_atomic(scratch("w/f"), "one", 3, 0600, &err), 0);
	assert_int_equal(stat(scratch("w/f"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(br_file_write_atomic(scratch("w/f"), "twotwo", 6, 0600, &err), 0);
	assert_int_equal(br_file_write_atomic(scratch("w/e"), "", 0, 0600, &err), 0);
	assert_int_equal(br_file_read(&b, scratch("w/f"), 100, NULL), 0);
	assert_string_equal(b.ptr, "twotwo");
	assert_int_equal(count_files(scratch("w")), 2);
	br_buf_release(&b);
}

static void failed_write_leaves_nothing(void **state)
{
	struct br_err err = { 0 };

	(void)state;
	assert_int_equal(br_mkdirs(scratch("v/taken/x"), 0755, NULL), 0);
	assert_int_equal(br_file_write_atomic(scratch("v/taken"), "x", 1, 0600, &err), -BR_EIO);
	assert_non_null(strstr(err.msg, "v/taken"));
	assert_int_equal(count_files(scratch("v")), 1);
	assert_int_equal(br_file_write_atomic(scratch("nowhere/f"), "x", 1, 0600, &err), -BR_EIO);
}

static void writes_in_the_current_folder(void **state)
{
	char here[4096];

	(void)state;
	assert_non_null(getcwd(here, sizeof here));
	assert_int_equal(chdir(scratch("")), 0);
	assert_int_equal(br_file_write_atomic("bare", "x", 1, 0600, NULL), 0);
	assert_true(br_is_file("bare"));
	assert_int_equal(chdir(here), 0);
}

static void makes_folders(void **state)
{
	struct br_err err = { 0 };

	(void)state;
	assert_int_equal(br_mkdirs(scratch("d/e//f/../g/"), 0755, NULL), 0);
	assert_true(br_is_dir(scratch("d/e/g")));
	assert_false(br_is_dir(scratch("d/e/f")));
	assert_int_equal(br_mkdirs(scratch("d/e/g"), 0755, NULL), 0);
	scratch_put("d/file", "");
	assert_int_equal(br_mkdirs(scratch("d/file/x"), 0755, &err), -BR_EIO);
	assert_non_null(strstr(err.msg, "d/file'"));
	assert_int_equal(br_mkdirs("/", 0755, NULL), 0);
	assert_true(br_is_file(scratch("d/file")));
	assert_false(br_is_file(scratch("d")));
}

/* ---- paths ---- */

static void joins_and_cleans(void **state)
{
	static const char *const t[][3] = {
		{ "a/./b//c", "", "a/b/c" }, { "a/b", "../c", "a/c" }, { "", "", "." }, { "a", "", "a" }, { "", "b", "b" }, { "a", "b", "a/b" }, { "a/", "b", "a/b" },
		{ "a", "/b", "/b" }, { "/", "b", "/b" }, { "/", "..", "/" }, { "/a", "../..", "/" }, { "/a/b", "..", "/a" },
		{ "a", "..", "." }, { "a", "../..", ".." }, { "..", "..", "../.." },
		{ "../a", "..", ".." }, { "../../a", "../b", "../../b" }, { ".", "a", "a" }, { "./a", ".", "a" },
		{ "//a//b//", "", "/a/b" }, { "/../a", "", "/a" }, { "...", "..a", ".../..a" }, { "a/..", "../b", "../b" },
		{ "x", "y/../../z", "z" }, { "x/y/z", "../../../..", ".." }, { "a..", "b", "a../b" },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(t); i++) {
		char *p = br_path_join(t[i][0], t[i][1]);

		assert_string_equal(p, t[i][2]);
		free(p);
	}
}

static void relative_paths(void **state)
{
	static const char *const t[][3] = {
		{ "/a/b/c", "/a/b", "c" }, { "/a/b", "/a/b", "." }, { "/a/b", "/a/b/c", ".." }, { "/a/x/y", "/a/b/c", "../../x/y" },
		{ "/ab", "/a", "../ab" }, { "/a", "/ab", "../a" }, { "/", "/", "." }, { "/a", "/", "a" }, { "/", "/a/b", "../.." },
		{ "/abc/d", "/abx/d", "../../abc/d" },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(t); i++) {
		char *p = br_path_relative(t[i][0], t[i][1]);

		assert_string_equal(p, t[i][2]);
		free(p);
	}
}

static void names_and_endings(void **state)
{
	char *abs = br_path_abs("x/../y"), cwd[4096];

	(void)state;
	assert_non_null(getcwd(cwd, sizeof cwd));
	assert_int_equal(strncmp(abs, cwd, strlen(cwd)), 0);
	assert_string_equal(abs + strlen(cwd), "/y");
	free(abs);
	abs = br_path_abs("/q/./w");
	assert_string_equal(abs, "/q/w");
	free(abs);
	assert_string_equal(br_path_base("a/b.c"), "b.c");
	assert_string_equal(br_path_base("b"), "b");
	assert_string_equal(br_path_base("a/"), "");
	assert_string_equal(br_path_ext("a.b/c"), "");
	assert_string_equal(br_path_ext("a/c.tar.gz"), "gz");
	assert_string_equal(br_path_ext("a/.profile"), "");
	assert_string_equal(br_path_ext("a/x."), "");
}

/* ---- locks ---- */

static void lock_is_exclusive_and_names_the_holder(void **state)
{
	struct br_lock a = { 0 }, b = { 0 };
	struct br_err err = { 0 };
	char pid[32];

	(void)state;
	br_lock_drop(&a);
	assert_int_equal(br_lock_take(&a, scratch("lock"), 0, &err), 0);
	assert_true(a.fd > 2);
	assert_int_equal(br_lock_take(&b, scratch("lock"), 0, &err), -BR_ELOCKED);
	snprintf(pid, sizeof pid, "process %ld", (long)getpid());
	assert_non_null(strstr(err.msg, pid));
	assert_int_equal(b.fd, 0);
	assert_int_equal(br_lock_take(&b, scratch("lock"), 5, &err), -BR_ELOCKED);
	br_lock_drop(&a);
	br_lock_drop(&a);
	assert_int_equal(br_lock_take(&b, scratch("lock"), 0, &err), 0);
	br_lock_drop(&b);
	assert_int_equal(br_lock_take(&b, scratch("no/folder"), 0, &err), -BR_EIO);
}

/* The holder dies by SIGKILL while another process waits without limit. */
static void lock_ends_with_its_holder(void **state)
{
	struct br_lock l = { 0 };
	char byte;
	int ready[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (br_lock_take(&l, scratch("lock2"), 0, NULL) < 0 || write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(br_lock_take(&l, scratch("lock2"), 0, NULL), -BR_ELOCKED);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(br_lock_take(&l, scratch("lock2"), -1, NULL), 0);
	br_lock_drop(&l);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready[0]);
	close(ready[1]);
}

/* ---- clock ---- */

static void clock_can_be_fixed(void **state)
{
	int64_t a, b;

	(void)state;
	setenv("BR_CLOCK", "1769860800", 1);
	assert_int_equal(br_now(), 1769860800);
	assert_int_equal(br_now_ns(), 1769860800000000000);
	setenv("BR_CLOCK", "nonsense", 1);
	assert_true(br_now() > 1600000000 && br_now() != 1769860800);
	unsetenv("BR_CLOCK");
	a = br_mono_ns();
	b = br_mono_ns();
	assert_true(a > 0 && b >= a);
}

static void times_are_written_and_read(void **state)
{
	static const struct { int64_t s; const char *iso; } t[] = {
		{ 0, "1970-01-01T00:00:00Z" }, { 1769860800, "2026-01-31T12:00:00Z" }, { 951782400, "2000-02-29T00:00:00Z" },
		{ -1, "1969-12-31T23:59:59Z" }, { 253402300799, "9999-12-31T23:59:59Z" }, { -62135596800, "0001-01-01T00:00:00Z" },
	};
	static const char *const bad[] = {
		"", "2026", "2026-1-31", "2026-02-30", "2026-13-01", "2026-00-01", "2026-01-00", "2025-02-29", "2026-01-31T12:00:00",
		"2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:60Z", "2026-01-31t12:00:00Z", "2026-01-31 ",
		"2026-01-31T12:00:00Z ", "+026-01-31", "2026/01/31",
	};
	char out[32];
	int64_t s;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(t); i++) {
		br_time_iso(out, t[i].s);
		assert_string_equal(out, t[i].iso);
		assert_int_equal(br_time_parse(&s, t[i].iso), 0);
		assert_int_equal(s, t[i].s);
	}
	br_time_iso(out, INT64_MAX);
	assert_string_equal(out, "9999-12-31T23:59:59Z");
	br_time_iso(out, INT64_MIN);
	assert_string_equal(out, "0000-01-01T00:00:00Z");
	assert_int_equal(br_time_parse(&s, "2026-01-31"), 0);
	assert_int_equal(s, 1769860800 - 12 * 3600);
	for (size_t i = 0; i < BR_COUNT(bad); i++)
		assert_int_equal(br_time_parse(&s, bad[i]), -1);
}

/* ---- log ---- */

static void log_obeys_its_level_and_hides_controls(void **state)
{
	int keep = dup(2), fd[2];
	char text[8192], huge[5000];
	ssize_t n;

	(void)state;
	memset(huge, 'h', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	assert_int_equal(pipe(fd), 0);
	dup2(fd[1], 2);
	br_log(BR_LOG_INFO, "not seen");
	br_log(BR_LOG_WARN, "file '%s'", "a\x1b[31m\nb");
	br_log(BR_LOG_ERROR, "%s", huge);
	dup2(keep, 2);
	close(keep);
	close(fd[1]);
	n = read(fd[0], text, sizeof text - 1);
	close(fd[0]);
	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(strncmp(text, "br: warning: file 'a?[31m?b'\nbr: error: hhh", 43), 0);
	assert_true(n < 3000 && text[n - 1] == '\n');
}

/* ---- children ---- */

static void child_is_fed_and_read(void **state)
{
	static const char *const argv[] = { "/bin/cat", NULL };
	struct br_buf b = BR_BUF_INIT(1000);
	struct br_child c;

	(void)state;
	assert_int_equal(br_child_start(&c, argv, NULL, false, NULL), 0);
	assert_int_equal(br_fd_write(c.in, "to and fro", 10), 0);
	close(c.in);
	c.in = 0;
	assert_int_equal(br_fd_read(&b, c.out, 100, "cat", NULL), 0);
	assert_string_equal(b.ptr, "to and fro");
	assert_int_equal(br_child_end(&c, false), 0);
	assert_int_equal(br_child_end(&c, true), 0);
	br_buf_release(&b);
}

static void child_gets_its_environment_and_no_descriptor(void **state)
{
	static const char *const argv[] = { "/bin/sh", "-c", "echo ${HOME-none} $X; test -e /proc/self/fd/$F || echo closed", NULL };
	static const char *const cat[] = { "/bin/cat", NULL };
	const char *env[] = { "X=y", NULL, NULL };
	struct br_buf b = BR_BUF_INIT(1000);
	struct br_child first, c;
	char *f;

	(void)state;
	assert_int_equal(br_child_start(&first, cat, NULL, false, NULL), 0);
	env[1] = f = br_sprintf("F=%d", first.in);
	assert_int_equal(br_child_start(&c, argv, env, false, NULL), 0);
	assert_int_equal(br_fd_read(&b, c.out, 100, "sh", NULL), 0);
	assert_string_equal(b.ptr, "none y\nclosed\n");
	assert_int_equal(br_child_end(&c, false), 0);
	assert_int_equal(br_child_end(&first, false), 0);
	br_buf_release(&b);
	free(f);
}

static void child_ends(void **state)
{
	static const char *const absent[] = { "/no/such/program", NULL }, *const seven[] = { "/bin/sh", "-c", "exit 7", NULL };
	static const char *const cat[] = { "/bin/cat", NULL };
	struct br_err err = { 0 };
	struct br_child c;
	int status;

	(void)state;
	if (getenv("BR_VALGRIND")) { /* whose posix_spawn succeeds always */
		puts("skipped: a program that is not there, under valgrind");
	} else {
		assert_int_equal(br_child_start(&c, absent, NULL, false, &err), -BR_ENOTFOUND);
		assert_non_null(strstr(err.msg, "/no/such/program"));
		assert_int_equal(c.pid, 0);
	}
	assert_int_equal(br_child_start(&c, seven, NULL, true, NULL), 0);
	status = br_child_end(&c, false);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_int_equal(br_child_start(&c, cat, NULL, true, NULL), 0);
	status = br_child_end(&c, true);
	assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

/* Is the byte of the file at path locked by anyone? */
static bool byte_is_locked(const char *path, off_t byte)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_OFD_GETLK, &fl), 0);
	close(fd);
	return fl.l_type != F_UNLCK;
}

/* A holder that wants the lock back at once, as a long sync does, comes behind a process that waits. */
static void whoever_waits_comes_first(void **state)
{
	struct br_lock l = { 0 };
	int had[2];
	pid_t pid;
	char byte;

	(void)state;
	assert_int_equal(pipe(had), 0);
	assert_int_equal(br_lock_take(&l, scratch("lock4"), 0, NULL), 0);
	pid = fork();
	if (pid == 0) {
		close(l.fd); /* the parent's lock, which the child would keep alive */
		if (br_lock_take(&l, scratch("lock4"), -1, NULL) < 0 || write(had[1], "h", 1) != 1)
			_exit(1);
		br_lock_drop(&l);
		_exit(0);
	}
	close(had[1]);
	while (!byte_is_locked(scratch("lock4"), 1))
		sched_yield();
	assert_int_equal(fcntl(had[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(read(had[0], &byte, 1), -1); /* we hold it still */
	br_lock_drop(&l);
	assert_int_equal(br_lock_take(&l, scratch("lock4"), -1, NULL), 0);
	assert_int_equal(read(had[0], &byte, 1), 1);
	assert_false(byte_is_locked(scratch("lock4"), 1));
	br_lock_drop(&l);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(had[0]);
}

/* ---- signals ---- */

/* In a child, since the flag cannot be taken back. */
static void signals_ask_to_stop(void **state)
{
	struct br_lock a = { 0 }, b = { 0 };
	struct br_err err = { 0 };
	int status, fd[2];
	pid_t pid;

	(void)state;
	assert_int_equal(br_check_stop(&err), 0);
	pid = fork();
	if (pid == 0) {
		br_catch_signals();
		raise(SIGTERM);
		if (br_stop_signal() != SIGTERM || br_check_stop(&err) != -BR_ECANCELLED)
			_exit(1);
		if (pipe(fd) < 0 || close(fd[0]) < 0 || br_fd_write(fd[1], "x", 1) != -1 || errno != EPIPE)
			_exit(2);
		if (br_lock_take(&a, scratch("lock3"), 0, NULL) < 0 || br_lock_take(&b, scratch("lock3"), -1, &err) != -BR_ECANCELLED)
			_exit(3);
		raise(SIGTERM);
		_exit(4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_whole_file),
		cmocka_unit_test(reads_up_to_the_limit),
		cmocka_unit_test(reads_files_without_size),
		cmocka_unit_test(refuses_what_is_no_file),
		cmocka_unit_test(reads_a_pipe_to_its_end),
		cmocka_unit_test(maps_files),
		cmocka_unit_test(writes_atomically),
		cmocka_unit_test(failed_write_leaves_nothing),
		cmocka_unit_test(writes_in_the_current_folder),
		cmocka_unit_test(makes_folders),
		cmocka_unit_test(joins_and_cleans),
		cmocka_unit_test(relative_paths),
		cmocka_unit_test(names_and_endings),
		cmocka_unit_test(lock_is_exclusive_and_names_the_holder),
		cmocka_unit_test(lock_ends_with_its_holder),
		cmocka_unit_test(whoever_waits_comes_first),
		cmocka_unit_test(clock_can_be_fixed),
		cmocka_unit_test(times_are_written_and_read),
		cmocka_unit_test(log_obeys_its_level_and_hides_controls),
		cmocka_unit_test(child_is_fed_and_read),
		cmocka_unit_test(child_gets_its_environment_and_no_descriptor),
		cmocka_unit_test(child_ends),
		cmocka_unit_test(signals_ask_to_stop),
	};

	return cmocka_run_group_tests_name("os", tests, scratch_setup, scratch_teardown);
}
