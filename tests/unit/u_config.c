/* config: the table, levels, the text of files, trust. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/internal.h"
#include "br/config.h"
#include "br/os.h"
#include "scratch.h"

static const char *const variables[] = { "BR_STRATEGY", "BR_TOP", "BR_THREADS", "BR_PAGER", "BR_WAIT", "BR_EXTRACT" };

/* A home and a workspace without files, no variables set. */
static int clean(void **state)
{
	(void)state;
	for (size_t i = 0; i < BR_COUNT(variables); i++)
		unsetenv(variables[i]);
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", scratch("home"), 1);
	unlink(scratch("home/.config/br/config"));
	unlink(scratch("home/.config/br/trust"));
	unlink(scratch("ws/config"));
	return br_mkdirs(scratch("ws"), 0755, NULL);
}

static const char *user_file(const char *text) { return scratch_put("home/.config/br/config", text); }
static const char *workspace_file(const char *text) { return scratch_put("ws/config", text); }

static struct br_config *load(void)
{
	struct br_err err = { 0 };
	struct br_config *c;

	if (br_config_load(&c, scratch("ws"), &err) < 0)
		fail_msg("%s", err.msg);
	return c;
}

static void want_value(const char *key, const char *value, enum br_config_level level)
{
	struct br_config *c = load();
	enum br_config_level got;
	const char *v = br_config_get(c, key, &got);

	if (value)
		assert_string_equal(v, value);
	else
		assert_null(v);
	assert_int_equal(got, level);
	br_config_free(c);
}

static void expect_text(const char *path, const char *text)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);

	assert_int_equal(br_file_read(&b, path, 1 << 20, NULL), 0);
	assert_string_equal(b.ptr, text);
	br_buf_release(&b);
}

/* ---- the table ---- */

static void table_is_sound(void **state)
{
	const struct br_setting *s;
	size_t n;

	(void)state;
	s = br_settings(&n);
	assert_true(n >= 16);
	for (size_t i = 0; i < n; i++) {
		struct br_err err = { 0 };

		assert_ptr_equal(br_setting_find(s[i].key), &s[i]); /* no key twice */
		assert_non_null(s[i].help);
		assert_true(s[i].help[0] >= 'a' && s[i].help[strlen(s[i].help) - 1] != '.');
		assert_int_equal(s[i].type == BR_SET_ENUM, s[i].choices != NULL);
		if (s[i].dflt && br_config_check(s[i].key, s[i].dflt, &err) < 0)
			fail_msg("%s", err.msg);
		if (!s[i].dflt)
			assert_int_equal(s[i].type, BR_SET_STR);
	}
	assert_null(br_setting_find("search"));
}

static void values_are_checked(void **state)
{
	static const struct { const char *key, *good, *bad; } t[] = {
		{ "search.top", "1", "0" }, { "search.top", "1000", "1001" }, { "search.top", "8", "8x" }, { "search.top", "9", "" },
		{ "search.strategy", "full_text", "full" }, { "search.strategy", "fusion", "hybrid|fusion" }, { "core.color", "never", "Never" },
		{ "search.strategy", "hybrid", "" }, { "bm25.b", "0.5", "1.5" }, { "bm25.k1", "0", "-1" }, { "bm25.k1", "2", "x" },
		{ "ingest.hidden", "yes", "y" }, { "ingest.hidden", "off", "2" }, { "core.wait", "2m", "2w" }, { "core.wait", "86400", "2d" },
		{ "ingest.max_file", "10M", "300M" }, { "ingest.max_file", "1", "0" }, { "core.pager", "less -R", "a\nb" },
		{ "core.threads", "0", "-1" }, { "language", "german", "\x1b[0m" },
	};
	struct br_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < BR_COUNT(t); i++) {
		assert_int_equal(br_config_check(t[i].key, t[i].good, &err), 0);
		assert_int_equal(br_config_check(t[i].key, t[i].bad, &err), -BR_EUSAGE);
		assert_non_null(strstr(err.msg, t[i].key));
	}
	assert_int_equal(br_config_check("search.topp", "1", &err), -BR_EUSAGE);
	assert_non_null(strstr(err.msg, "did you mean 'search.top'"));
	assert_int_equal(br_config_check("quite.unknown", "1", &err), -BR_EUSAGE);
	assert_null(strstr(err.msg, "did you mean"));
}

/* ---- levels ---- */

static void later_levels_win(void **state)
{
	(void)state;
	want_value("search.top", "8", BR_CONFIG_BUILTIN);
	want_value("core.pager", NULL, BR_CONFIG_BUILTIN);
	user_file("[search]\ntop = 11\nstrategy=semantic\n[core]\npager: more\n");
	want_value("search.top", "11", BR_CONFIG_USER);
	want_value("core.pager", "more", BR_CONFIG_USER);
	workspace_file("language = dutch\n[search]\ntop = 12\n");
	want_value("search.top", "12", BR_CONFIG_WORKSPACE);
	want_value("search.strategy", "semantic", BR_CONFIG_USER);
	want_value("language", "dutch", BR_CONFIG_WORKSPACE);
	setenv("BR_TOP", "13", 1);
	want_value("search.top", "13", BR_CONFIG_ENV);
	setenv("BR_TOP", "", 1);
	want_value("search.top", "12", BR_CONFIG_WORKSPACE);
	setenv("BR_TOP", "lots", 1);
	br_log_level = BR_LOG_ERROR;
	want_value("search.top", "12", BR_CONFIG_WORKSPACE);
	br_log_level = BR_LOG_WARN;
}

static void user_folder_follows_the_environment(void **state)
{
	struct br_config *c;
	char *path = br_config_path(NULL, BR_CONFIG_USER);

	(void)state;
	assert_string_equal(path, scratch("home/.config/br/config"));
	free(path);
	setenv("XDG_CONFIG_HOME", scratch("xdg"), 1);
	scratch_put("xdg/br/config", "[search]\ntop = 21\n");
	want_value("search.top", "21", BR_CONFIG_USER);
	setenv("XDG_CONFIG_HOME", "relative", 1); /* the standard wants such a value ignored */
	want_value("search.top", "8", BR_CONFIG_BUILTIN);
	unsetenv("HOME");
	assert_null(br_config_path(NULL, BR_CONFIG_USER));
	want_value("search.top", "8", BR_CONFIG_BUILTIN);
	assert_int_equal(br_config_set(NULL, BR_CONFIG_USER, "search.top", "1", NULL), -BR_EUSAGE);
	assert_int_equal(br_config_load(&c, NULL, NULL), 0);
	br_config_free(c);
	br_config_free(NULL);
	assert_null(br_config_path(NULL, BR_CONFIG_WORKSPACE));
	assert_null(br_config_path("x", BR_CONFIG_ENV));
}

static void values_have_types(void **state)
{
	struct br_config *c;

	(void)state;
	workspace_file("[core]\nwait = 2m\nthreads=3\n[ingest]\nmax_file = 1M\nhidden = on\n[bm25]\nk1 = 0.9\n");
	c = load();
	assert_int_equal(br_config_int(c, "core.wait"), 120);
	assert_int_equal(br_config_int(c, "core.threads"), 3);
	assert_int_equal(br_config_int(c, "ingest.max_file"), 1 << 20);
	assert_int_equal(br_config_int(c, "search.top"), 8);
	assert_true(br_config_bool(c, "ingest.hidden"));
	assert_true(br_config_num(c, "bm25.k1") == 0.9);
	assert_true(br_config_num(c, "bm25.b") == 0.75);
	br_config_free(c);
}

/* ---- files ---- */

/* What the log says while the configuration is loaded. Caller frees. */
static char *warnings(void)
{
	struct br_buf b = BR_BUF_INIT(1 << 16);
	int keep = dup(2), fd[2];

	assert_int_equal(pipe(fd), 0);
	dup2(fd[1], 2);
	br_config_free(load());
	dup2(keep, 2);
	close(keep);
	close(fd[1]);
	assert_int_equal(br_fd_read(&b, fd[0], 1 << 16, "log", NULL), 0);
	close(fd[0]);
	return br_buf_take(&b, NULL);
}

static void mistakes_are_warnings_with_their_line(void **state)
{
	char *log;

	(void)state;
	workspace_file("# head\n\n[search]\ntopp = 1\n  top = 5 ; five\n\n[core]\ncolor = blue\n");
	log = warnings();
	assert_non_null(strstr(log, "ws/config' line 4: no setting 'search.topp'; did you mean 'search.top'?\n"));
	assert_non_null(strstr(log, "ws/config' line 8: core.color: 'blue' is not one of auto|always|never\n"));
	free(log);
	br_log_level = BR_LOG_ERROR;
	want_value("search.top", "5", BR_CONFIG_WORKSPACE);
	want_value("core.color", "auto", BR_CONFIG_BUILTIN);
	br_log_level = BR_LOG_WARN;
}

/* inih would take the second of two indented lines for more of the first one's value. */
static void indented_lines_are_lines(void **state)
{
	(void)state;
	workspace_file("[search]\n\tstrategy = fusion\n\ttop = 3\n  [core]\n  threads = 2\n");
	want_value("search.strategy", "fusion", BR_CONFIG_WORKSPACE);
	want_value("search.top", "3", BR_CONFIG_WORKSPACE);
	want_value("core.threads", "2", BR_CONFIG_WORKSPACE);
}

static void expect_broken(const char *text, size_t n, const char *why)
{
	struct br_err err = { 0 };
	struct br_config *c;

	assert_int_equal(br_file_write_atomic(scratch("ws/config"), text, n, 0600, NULL), 0);
	br_log_level = BR_LOG_ERROR;
	assert_int_equal(br_config_load(&c, scratch("ws"), &err), -BR_EINPUT);
	br_log_level = BR_LOG_WARN;
	assert_null(c);
	if (!strstr(err.msg, why) || !strstr(err.msg, "ws/config"))
		fail_msg("'%s', expected '%s'", err.msg, why);
}

static void broken_files_are_errors(void **state)
{
	char longest[400];
	struct br_config *c;

	(void)state;
	expect_broken("[search]\ntop\n", 13, "line 2");
	expect_broken("[search\ntop=1\n", 14, "line 1");
	expect_broken("a\0b", 3, "text");
	memset(longest, 'x', sizeof longest);
	memcpy(longest, "\n[core]\npager=", 14);
	expect_broken(longest, sizeof longest, "line 3: line too long");
	assert_int_equal(unlink(scratch("ws/config")), 0);
	assert_int_equal(mkdir(scratch("ws/config"), 0700), 0);
	assert_int_equal(br_config_load(&c, scratch("ws"), NULL), -BR_EINPUT);
	assert_int_equal(rmdir(scratch("ws/config")), 0);
}

static void random_files_are_taken_or_refused(void **state)
{
	static const char *const piece[] = { "[", "]", "search", "top", "=", ":", ";", "#", " ", "\t", "\n", "\r\n", "5", "\xef\xbb\xbf", "\"", "x" };
	uint32_t seed = 5;

	(void)state;
	br_log_level = BR_LOG_ERROR;
	for (int round = 0; round < 3000; round++) {
		struct br_buf b = BR_BUF_INIT(1 << 16), now = BR_BUF_INIT(1 << 16);
		char *exact;

		for (int n = round % 40; n; n--) {
			seed = seed * 1664525 + 1013904223;
			br_buf_adds(&b, piece[(seed >> 12) % BR_COUNT(piece)]);
		}
		exact = malloc(b.len + 1);
		memcpy(exact, b.ptr, b.len);
		(void)!br_base__ini_edit(&now, br_slice(exact, b.len), "x", "search", "top", round % 3 ? "7" : NULL, NULL);
		free(exact);
		br_buf_release(&b);
		br_buf_release(&now);
	}
	br_log_level = BR_LOG_WARN;
}

/* ---- changing ---- */

static void edits_keep_everything_else(void **state)
{
	static const struct { const char *before, *key, *value, *after; } t[] = {
		{ "", "search.top", "5", "[search]\ntop = 5\n" },
		{ "# c\n", "search.top", "5", "# c\n\n[search]\ntop = 5\n" },
		{ "# c", "search.top", "5", "# c\n\n[search]\ntop = 5\n" },
		{ "[search]\ntop=1\n", "search.top", "5", "[search]\ntop = 5\n" },
		{ "[search]\n\ttop : 1 ; why\nx", "search.top", "5", NULL },
		{ "[search]\n\ttop : 1 ; why\n# y", "search.top", "5", "[search]\n\ttop = 5 ; why\n# y" },
		{ "[search]\r\ntop=1\r\n[core]\r\n", "search.top", "5", "[search]\r\ntop = 5\r\n[core]\r\n" },
		{ "[search]\n# top = 9\n\n[core]\nthreads = 1\n", "search.top", "5", "[search]\ntop = 5\n# top = 9\n\n[core]\nthreads = 1\n" },
		{ "[search]\nstrategy = fusion\n\n# about core\n[core]\n", "search.top", "5",
		  "[search]\nstrategy = fusion\ntop = 5\n\n# about core\n[core]\n" },
		{ "[core]\nthreads = 1", "search.top", "5", "[core]\nthreads = 1\n\n[search]\ntop = 5\n" },
		{ "[core]\nthreads = 1", "core.color", "never", "[core]\nthreads = 1\ncolor = never\n" },
		{ "[search]\ntop=1\ntop=2\n", "search.top", "5", "[search]\ntop=1\ntop = 5\n" },
		{ "[search]\ntop=1\n[core]\n[search]\n", "search.top", "5", "[search]\ntop = 5\n[core]\n[search]\n" },
		{ "[core]\ntop=1\n", "search.top", "5", "[core]\ntop=1\n\n[search]\ntop = 5\n" },
		{ "[core]\n", "language", "dutch", "language = dutch\n[core]\n" },
		{ "language=x\n# c\n[core]\n", "language", "dutch", "language = dutch\n# c\n[core]\n" },
		{ "[search]\ntop=1\n\n[core]\nthreads=2\n", "search.top", NULL, "[search]\n\n[core]\nthreads=2\n" },
		{ "[search]\ntop=1\n top : 2\n[core]\ntop=3\n[search]\ntop=4", "search.top", NULL, "[search]\n[core]\ntop=3\n[search]\n" },
		{ "# c\n", "search.top", NULL, "# c\n" },
		{ "[core]\npager = a\n", "core.pager", "less -R; x:y=z #1", "[core]\npager = less -R; x:y=z #1\n" },
		{ "[core]\n", "core.pager", "", "[core]\npager = \n" },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(t); i++) {
		struct br_err err = { 0 };
		int rc;

		workspace_file(t[i].before);
		rc = br_config_set(scratch("ws"), BR_CONFIG_WORKSPACE, t[i].key, t[i].value, &err);
		assert_int_equal(rc, t[i].after ? 0 : -BR_EINPUT);
		expect_text(scratch("ws/config"), t[i].after ? t[i].after : t[i].before);
	}
}

static void what_ini_cannot_hold_is_refused(void **state)
{
	static const char *const bad[] = { "a ; b", ";x", " a", "a ", "a\t;b" };
	char longest[300];
	struct br_err err = { 0 };

	(void)state;
	workspace_file("[core]\npager = old\n");
	for (size_t i = 0; i < BR_COUNT(bad); i++) {
		int rc = br_config_set(scratch("ws"), BR_CONFIG_WORKSPACE, "core.pager", bad[i], &err);

		if (rc == 0)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(rc, -BR_EUSAGE);
	}
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(br_config_set(scratch("ws"), BR_CONFIG_WORKSPACE, "core.pager", longest, &err), -BR_EINPUT);
	expect_text(scratch("ws/config"), "[core]\npager = old\n");
}

static void setting_makes_private_files(void **state)
{
	struct br_err err = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(br_config_set(NULL, BR_CONFIG_USER, "search.top", NULL, &err), 0);
	assert_false(br_is_file(scratch("home/.config/br/config")));
	assert_int_equal(br_config_set(NULL, BR_CONFIG_USER, "search.top", "6", &err), 0);
	assert_int_equal(stat(scratch("home/.config/br/config"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	want_value("search.top", "6", BR_CONFIG_USER);
	assert_int_equal(br_config_set(NULL, BR_CONFIG_USER, "search.top", NULL, &err), 0);
	want_value("search.top", "8", BR_CONFIG_BUILTIN);
	assert_int_equal(br_config_set(NULL, BR_CONFIG_USER, "search.top", "0", &err), -BR_EUSAGE);
	assert_int_equal(br_config_set(NULL, BR_CONFIG_USER, "no.such", "0", &err), -BR_EUSAGE);
	assert_int_equal(br_config_set(NULL, BR_CONFIG_USER, "no.such", NULL, &err), -BR_EUSAGE);
	assert_int_equal(br_config_set(NULL, BR_CONFIG_ENV, "search.top", "1", &err), -BR_EUSAGE);
	assert_int_equal(br_config_set(NULL, BR_CONFIG_WORKSPACE, "search.top", "1", &err), -BR_EUSAGE);
}

static void links_of_the_user_are_followed_those_of_a_workspace_not(void **state)
{
	struct stat st;

	(void)state;
	scratch_put("dotfiles/br", "[search]\ntop = 2\n");
	unlink(user_file(""));
	assert_int_equal(symlink(scratch("dotfiles/br"), scratch("home/.config/br/config")), 0);
	assert_int_equal(br_config_set(NULL, BR_CONFIG_USER, "search.top", "3", NULL), 0);
	expect_text(scratch("dotfiles/br"), "[search]\ntop = 3\n");
	assert_int_equal(lstat(scratch("home/.config/br/config"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(symlink(scratch("dotfiles/br"), scratch("ws/config")), 0);
	assert_int_equal(br_config_set(scratch("ws"), BR_CONFIG_WORKSPACE, "search.top", "4", NULL), 0);
	expect_text(scratch("dotfiles/br"), "[search]\ntop = 3\n");
	expect_text(scratch("ws/config"), "[search]\ntop = 4\n");
}

/* ---- trust ---- */

static void expect_trust(bool trusted, const char *ignored)
{
	struct br_config *c = load();

	assert_int_equal(br_config_trusted(c), trusted);
	assert_string_equal(br_config_ignored(c), ignored);
	br_config_free(c);
}

static void workspaces_need_trust(void **state)
{
	static const char text[] = "[core]\npager = evil\nthreads = 2\n[extract]\nhelper = /tmp/x\n";
	struct stat st;

	(void)state;
	expect_trust(false, "");
	workspace_file(text);
	user_file("[core]\npager = more\n");
	expect_trust(false, "core.pager,extract.helper");
	want_value("core.pager", "more", BR_CONFIG_USER);
	want_value("core.threads", "2", BR_CONFIG_WORKSPACE);
	want_value("extract.helper", NULL, BR_CONFIG_BUILTIN);

	assert_int_equal(br_config_trust(scratch("ws"), true, NULL), 0);
	assert_int_equal(stat(scratch("home/.config/br/trust"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	expect_trust(true, "");
	want_value("core.pager", "evil", BR_CONFIG_WORKSPACE);

	/* One byte of it changed by somebody else; then taken back. */
	workspace_file("[core]\npager = Evil\nthreads = 2\n[extract]\nhelper = /tmp/x\n");
	expect_trust(false, "core.pager,extract.helper");
	workspace_file(text);
	expect_trust(true, "");
	assert_int_equal(br_config_trust(scratch("ws"), false, NULL), 0);
	expect_trust(false, "core.pager,extract.helper");
	setenv("BR_PAGER", "less", 1);
	want_value("core.pager", "less", BR_CONFIG_ENV);
}

static void trust_is_for_one_place(void **state)
{
	struct br_config *c;
	struct br_buf b = BR_BUF_INIT(1 << 16);
	struct br_err err = { 0 };

	(void)state;
	workspace_file("[core]\npager = p\n");
	scratch_put("ws2/config", "[core]\npager = p\n");
	assert_int_equal(br_config_trust(scratch("ws"), true, NULL), 0);
	assert_int_equal(br_config_load(&c, scratch("ws2"), NULL), 0);
	assert_false(br_config_trusted(c));
	br_config_free(c);
	assert_int_equal(br_config_trust(scratch("ws2"), true, NULL), 0);
	assert_int_equal(br_config_trust(scratch("ws2"), true, NULL), 0);
	expect_trust(true, "");
	assert_int_equal(br_config_trust(scratch("ws2"), false, NULL), 0);
	expect_trust(true, "");
	assert_int_equal(br_file_read(&b, scratch("home/.config/br/trust"), 1 << 16, NULL), 0);
	assert_int_equal(strlen(b.ptr), strcspn(b.ptr, "\n") + 1); /* one line is left */
	assert_int_equal(strcspn(b.ptr, " "), 64);
	br_buf_release(&b);
	assert_int_equal(br_config_trust(scratch("nowhere"), true, &err), -BR_ENOTFOUND);
}

static void own_changes_keep_trust(void **state)
{
	(void)state;
	workspace_file("[core]\npager = p\n");
	assert_int_equal(br_config_set(scratch("ws"), BR_CONFIG_WORKSPACE, "search.top", "4", NULL), 0);
	expect_trust(false, "core.pager");
	assert_int_equal(br_config_trust(scratch("ws"), true, NULL), 0);
	assert_int_equal(br_config_set(scratch("ws"), BR_CONFIG_WORKSPACE, "search.top", "5", NULL), 0);
	expect_trust(true, "");
	want_value("search.top", "5", BR_CONFIG_WORKSPACE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(table_is_sound, clean),
		cmocka_unit_test_setup(values_are_checked, clean),
		cmocka_unit_test_setup(later_levels_win, clean),
		cmocka_unit_test_setup(user_folder_follows_the_environment, clean),
		cmocka_unit_test_setup(values_have_types, clean),
		cmocka_unit_test_setup(mistakes_are_warnings_with_their_line, clean),
		cmocka_unit_test_setup(indented_lines_are_lines, clean),
		cmocka_unit_test_setup(broken_files_are_errors, clean),
		cmocka_unit_test_setup(random_files_are_taken_or_refused, clean),
		cmocka_unit_test_setup(edits_keep_everything_else, clean),
		cmocka_unit_test_setup(what_ini_cannot_hold_is_refused, clean),
		cmocka_unit_test_setup(setting_makes_private_files, clean),
		cmocka_unit_test_setup(links_of_the_user_are_followed_those_of_a_workspace_not, clean),
		cmocka_unit_test_setup(workspaces_need_trust, clean),
		cmocka_unit_test_setup(trust_is_for_one_place, clean),
		cmocka_unit_test_setup(own_changes_keep_trust, clean),
	};

	return cmocka_run_group_tests_name("config", tests, scratch_setup, scratch_teardown);
}
