/*
 * walk: ignore rules by hand against gitignore(5), whole walks, and, where git is installed, both against git on
 * random rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/internal.h"
#include "br/os.h"
#include "scratch.h"

/* ---- rules by hand ---- */

/* As the walk asks: a path is out when it or one of the folders above it is. */
static bool is_out(const struct br_base__ignore *ig, const char *path)
{
	size_t len = strlen(path), name = 0;
	bool dir = path[len - 1] == '/';

	len -= dir;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && path[i] != '/')
			continue;
		if (br_base__ignore_verdict(ig, path, name, i, i < len || dir) > 0)
			return true;
		name = i + 1;
	}
	return false;
}

/* rules, then paths: "+" kept, "-" excluded; a folder ends with '/'. */
static const char *const table[][14] = {
	/* names and anchors */
	{ "foo", "-foo", "-a/foo", "-foo/", "-foo/x", "-a/foo/x", "+foox", "+xfoo", "+a/xfoo" },
	{ "/foo", "-foo", "-foo/", "+a/foo", "+foox" },
	{ "foo/", "+foo", "-foo/", "-foo/x", "+a/foo", "-a/foo/", "-a/foo/b" },
	{ "/foo/", "+foo", "-foo/", "+a/foo/", "+a/foo/b" },
	{ "a/foo", "-a/foo", "+b/a/foo", "+foo", "-a/foo/x" },
	{ "/a/foo", "-a/foo", "+b/a/foo" },
	{ "a/foo/", "+a/foo", "-a/foo/", "+b/a/foo/" },
	{ "doc/frotz/", "-doc/frotz/", "+a/doc/frotz/", "+doc/frotz" },
	{ "frotz/", "-frotz/", "-a/frotz/", "+frotz" },
	/* wildcards in one part */
	{ "*.o", "-x.o", "-.o", "-a/x.o", "+x.oo", "+o", "-a/b/c.o" },
	{ "*", "-x", "-a/", "-a/x", "-.x" },
	{ "?", "-x", "+xy", "-a/", "+ab/cd" },
	{ "a?c", "-abc", "+ac", "+abbc", "-x/a.c" },
	{ "foo*", "-foo", "-foobar", "+xfoo", "-x/foo1" },
	{ "*foo*bar", "-foobar", "-xfooybar", "-fooxfoobar", "+foobarx", "+barfoo" },
	{ "a*b*c", "-abc", "-aXbXc", "-abbcc", "+acb", "+ab" },
	{ "/*.c", "-x.c", "+a/x.c" },
	{ "a/*", "-a/x", "-a/y/", "-a/y/z", "+b/x", "+x/a/y", "+a/" },
	{ "foo/*", "-foo/test.json", "-foo/bar/", "-foo/bar/hello.c", "+foo/" },
	{ "a/*/c", "-a/b/c", "+a/c", "+a/b/b/c", "-a/b/c/d" },
	{ "*/foo", "-a/foo", "+foo", "+a/b/foo" },
	{ "a/?.c", "-a/x.c", "+a/xy.c", "+a//.c" },
	/* two stars */
	{ "**/foo", "-foo", "-a/foo", "-a/b/foo", "-foo/x", "+foox", "+a/xfoo" },
	{ "**/foo/bar", "-foo/bar", "-a/foo/bar", "-a/b/foo/bar", "+foo/x/bar" },
	{ "abc/**", "-abc/x", "-abc/x/y", "+abc", "+abc/", "+x/abc/y", "-abc/d/" },
	{ "a/**/b", "-a/b", "-a/x/b", "-a/x/y/b", "+b", "+x/a/b", "+a/xb", "+a/x/bb", "-a/b/c" },
	{ "a/**/b/**/c", "-a/b/c", "-a/x/b/y/c", "-a/b/b/c", "+a/c", "+a/x/c", "+b/c", "-a/c/b/c/c" },
	{ "**", "-x", "-a/b", "-a/" },
	{ "/**", "-x", "-a/b" },
	{ "**/", "+x", "-a/", "-a/x" },
	{ "a/**/", "+a/x", "-a/x/", "-a/x/y", "+a/" },
	{ "**/a/**", "-a/x", "-b/a/x", "+a/", "+b/a/", "-a/a/" },
	{ "***/foo", "-foo", "-a/b/foo" },
	{ "a**b", "-ab", "-axxb", "+a/b", "-x/aab" },
	{ "x/a**b", "-x/ab", "-x/axb", "+x/a/b", "+ab" },
	{ "x/**a", "-x/a", "-x/ba", "+x/b/a" },
	{ "**/*.c", "-x.c", "-a/b/x.c", "+x.h" },
	/* sets */
	{ "[abc]", "-a", "-b", "+d", "+ab", "-x/c" },
	{ "[a-c]x", "-ax", "-bx", "-cx", "+dx", "+-x" },
	{ "[!a-c]x", "+ax", "-dx", "+x" },
	{ "[^a]x", "+ax", "-bx", "-^x" },
	{ "[]a]", "-]", "-a", "+b" },
	{ "[!]a]", "+]", "+a", "-b" },
	{ "[a-]", "-a", "--", "+b" },
	{ "[-a]", "-a", "--", "+b" },
	{ "[a\\-c]", "-a", "--", "-c", "+b" },
	{ "[\\]]", "-]", "+a" },
	{ "[[:digit:]]*", "-1", "-9x", "+x9" },
	{ "[[:alpha:][:digit:]_]", "-a", "-Z", "-5", "-_", "+-" },
	{ "[![:space:]]", "-a", "+ " },
	{ "[[:upper:]]", "-A", "+a", "+1" },
	{ "[[:nope:]]", "+a", "+n", "+:" },
	{ "[[:digit]", "-:", "-d", "-[", "+1" },
	{ "[ab", "+[ab", "+a" },
	{ "x[", "+x[", "+x" },
	{ "a[/]b", "+a/b" },
	{ "a/[!x]", "-a/y", "+a/x", "-a/y/" },
	{ "a[^x]b", "+a/b", "-ayb" },
	{ "[a/b]x", "-ax", "-bx", "+x/ax" },
	/* escapes, comments, blanks, ends of lines */
	{ "\\#x", "-#x", "+x" },
	{ "#x", "+#x", "+x" },
	{ "\\!x", "-!x", "+x" },
	{ "a\\*b", "-a*b", "+axb" },
	{ "a\\?", "-a?", "+ab" },
	{ "\\a", "-a" },
	{ "a\\\\b", "-a\\b", "+ab" },
	{ "a\\", "+a", "+a\\" },
	{ "a\\/b", "-a/b", "+c/a/b" },
	{ "a\\\\/b", "-a\\/b", "+a/b" },
	{ "foo  ", "-foo", "+foo  " },
	{ "foo\\ ", "-foo ", "+foo" },
	{ "foo\\  ", "-foo ", "+foo", "+foo  " },
	{ "foo\\ \\ ", "-foo  ", "+foo " },
	{ " foo", "- foo", "+foo" },
	{ "foo\t", "-foo\t", "+foo" },
	{ "a b", "-a b", "+a", "+b" },
	{ "foo\r\nbar\r\n", "-foo", "-bar", "+foo\r" },
	{ "foo \r\n", "-foo" },
	{ "\n\n \n/\n!\n//\n!/\n", "+a", "+a/", "+ ", "+!" },
	{ "\xef\xbb\xbf" "foo", "-foo", "+bar" },
	{ "//a", "+a", "+x/a" },
	{ "a//", "+a/", "+a" },
	/* order and negation */
	{ "*.c\n!keep.c", "-x.c", "+keep.c", "+a/keep.c", "-a/x.c" },
	{ "!keep.c\n*.c", "-keep.c" },
	{ "*\n!*.c", "+x.c", "-x", "-a/", "-a/x.c" },
	{ "*\n!*/\n!*.c", "+x.c", "-x", "+a/x.c", "-a/x" },
	{ "/*\n!/foo\n/foo/*\n!/foo/bar", "-x", "+foo/bar", "-foo/x", "+foo/bar/x", "-y/foo" },
	{ "foo\n!foo/", "-foo", "+foo/", "+foo/x" },
	{ "a/\n!a/b", "-a/b" },
	{ "x\n!x\nx", "-x" },
	{ "!\\!x\n\\!y", "+!x", "-!y" },
	/* bytes beyond ASCII */
	{ "\xc3\xa9*", "-\xc3\xa9t\xc3\xa9", "+e" },
	{ "??", "-\xc3\xa9", "-ab" },
	{ "A", "-A", "+a" },
};

static void rules_by_hand(void **state)
{
	unsigned asked = 0;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(table); i++) {
		struct br_base__ignore ig = { 0 };

		br_base__ignore_push(&ig, br_slice_str(table[i][0]), 0, true);
		for (size_t k = 1; k < BR_COUNT(table[i]) && table[i][k]; k++, asked++)
			if (is_out(&ig, table[i][k] + 1) != (table[i][k][0] == '-'))
				fail_msg("rules '%s': wrong about '%s'", table[i][0], table[i][k] + 1);
		br_base__ignore_release(&ig);
	}
	assert_true(asked > 300);
}

static void nearer_files_win(void **state)
{
	struct br_base__ignore ig = { 0 };

	(void)state;
	br_base__ignore_push(&ig, br_slice_str("*.c\n/top\n"), 0, true);
	br_base__ignore_push(&ig, br_slice_str("!x.c\n/only\nq/*.h\n"), 4, true); /* of "sub/" */
	assert_true(is_out(&ig, "x.c") == false); /* base 4 cuts here too: the walk asks only below sub */
	assert_false(is_out(&ig, "sub/x.c"));
	assert_true(is_out(&ig, "sub/y.c"));
	assert_true(is_out(&ig, "sub/only"));
	assert_false(is_out(&ig, "sub/a/only"));
	assert_true(is_out(&ig, "sub/q/a.h"));
	br_base__ignore_pop(&ig, 1);
	assert_true(is_out(&ig, "sub/x.c"));
	assert_false(is_out(&ig, "sub/only"));
	assert_false(is_out(&ig, "sub/top"));
	ig.git_from = 1;
	assert_false(is_out(&ig, "sub/x.c"));
	br_base__ignore_release(&ig);
	br_base__ignore_release(&ig);
}

/* Patterns that take exponential time in matchers which go back at every star. Ends at once or never. */
static void hostile_patterns_end(void **state)
{
	struct br_buf rules = BR_BUF_INIT(BR_MAX_IGNORE_FILE), path = BR_BUF_INIT(1 << 16);
	struct br_base__ignore ig = { 0 };

	(void)state;
	for (int i = 0; i < 60; i++)
		br_buf_adds(&rules, "*a");
	br_buf_adds(&rules, "b\n");
	for (int i = 0; i < 60; i++)
		br_buf_adds(&rules, "**/a/");
	br_buf_adds(&rules, "b\n");
	for (int i = 0; i < 2000; i++)
		br_buf_adds(&rules, "[");
	br_buf_addc(&rules, '\n');
	for (int i = 0; i < 1300; i++)
		br_buf_adds(&rules, "[[:");
	br_buf_addc(&rules, '\n');
	for (int i = 0; i < 5000; i++)
		br_buf_addc(&rules, '*');
	br_base__ignore_push(&ig, br_buf_slice(&rules), 0, true);
	for (int i = 0; i < 200; i++)
		br_buf_addc(&path, 'a');
	assert_false(is_out(&ig, path.ptr));
	for (int i = 0; i < 120; i++)
		br_buf_adds(&path, "/a");
	assert_false(is_out(&ig, path.ptr));
	br_buf_adds(&path, "b");
	br_base__ignore_release(&ig);
	br_buf_release(&rules);
	br_buf_release(&path);
}

/* Any bytes are taken without harm. */
static void random_bytes_are_taken(void **state)
{
	static const char alphabet[] = "ab*?[]!-\\/ \n\r#^:[:\0.";
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct br_base__ignore ig = { 0 };
		char text[40], *exact;
		size_t n = (seed >> 9) % sizeof text;

		for (size_t i = 0; i < n; i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = alphabet[(seed >> 10) % (sizeof alphabet - 1)];
		}
		seed = seed * 1664525 + 1013904223;
		exact = br_strndup(text, n);
		br_base__ignore_push(&ig, br_slice(text, n), 0, true);
		is_out(&ig, "a/b-/[a]/ab");
		is_out(&ig, "b");
		br_base__ignore_release(&ig);
		free(exact);
	}
}

/* ---- whole walks ---- */

struct seen {
	struct br_buf list, bad;   /* one path a line */
	const char *stop_at;
	uint64_t bytes;
};

static int see(const struct br_walk_entry *e, void *arg)
{
	struct seen *s = arg;
	struct stat st;

	assert_int_equal(stat(e->path, &st), 0);
	assert_int_equal(e->size, st.st_size);
	assert_int_equal(e->inode, st.st_ino);
	assert_int_equal(e->mtime_ns, (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
	br_buf_addf(&s->list, "%s\n", e->rel);
	s->bytes += e->size;
	return s->stop_at && strcmp(e->rel, s->stop_at) == 0 ? 42 : 0;
}

static void see_bad(const char *path, const struct br_err *why, void *arg)
{
	struct seen *s = arg;

	assert_true(why->code != BR_OK && why->msg[0]);
	br_buf_addf(&s->bad, "%s\n", path);
}

static int walk(struct seen *s, const char *root, const struct br_walk_opts *o)
{
	struct br_err err = { 0 };

	*s = (struct seen){ .list = BR_BUF_INIT(1 << 24), .bad = BR_BUF_INIT(1 << 20), .stop_at = s->stop_at };
	return br_walk(root, o, see, see_bad, s, &err);
}

static void release(struct seen *s)
{
	br_buf_release(&s->list);
	br_buf_release(&s->bad);
}

static void expect_walk(const char *root, const struct br_walk_opts *o, const char *list)
{
	struct seen s = { 0 };

	assert_int_equal(walk(&s, root, o), 0);
	assert_string_equal(s.list.ptr, list);
	assert_string_equal(s.bad.ptr, "");
	release(&s);
}

static void files_come_sorted(void **state)
{
	const struct br_walk_opts hidden = { .hidden = true }, exclude = { .exclude = (const char *const[]){ "b", "/a/z", "!a/y", NULL } };

	(void)state;
	scratch_put("s/b", "1");
	scratch_put("s/a.txt", "22");
	scratch_put("s/a/z", "");
	scratch_put("s/a/y", "");
	scratch_put("s/B", "");
	scratch_put("s/.hid", "");
	scratch_put("s/.d/x", "");
	scratch_put("s/\xc3\xa9", "");
	scratch_put("s/.br/data", "");
	scratch_put("s/.git/HEAD", "");
	scratch_put("s/a/.git", "gitdir: elsewhere\n");
	assert_int_equal(mkfifo(scratch("s/pipe"), 0600), 0);
	expect_walk(scratch("s"), NULL, "B\na/y\na/z\na.txt\nb\n\xc3\xa9\n");
	expect_walk(scratch("s/"), &hidden, ".d/x\n.hid\nB\na/y\na/z\na.txt\nb\n\xc3\xa9\n");
	expect_walk(scratch("s"), &exclude, "B\na/y\na.txt\n\xc3\xa9\n");
}

static void root_may_be_a_file(void **state)
{
	struct br_err err = { 0 };
	struct seen s = { 0 };

	(void)state;
	expect_walk(scratch_put("one", "x"), NULL, "\n");
	assert_int_equal(br_walk(scratch("none"), NULL, see, see_bad, &s, &err), -BR_ENOTFOUND);
	assert_int_equal(mkfifo(scratch("fifo"), 0600), 0);
	assert_int_equal(br_walk(scratch("fifo"), NULL, see, see_bad, &s, &err), -BR_EINPUT);
	assert_int_equal(br_mkdirs(scratch("hollow"), 0755, NULL), 0);
	expect_walk(scratch("hollow"), NULL, "");
}

static void root_may_be_the_current_folder(void **state)
{
	struct seen s = { 0 };
	char here[4096];

	(void)state;
	scratch_put("cur/x/y", "");
	assert_non_null(getcwd(here, sizeof here));
	assert_int_equal(chdir(scratch("cur")), 0);
	assert_int_equal(walk(&s, ".", NULL), 0);
	assert_string_equal(s.list.ptr, "x/y\n");
	release(&s);
	assert_int_equal(walk(&s, "../cur/./x", NULL), 0);
	assert_string_equal(s.list.ptr, "y\n");
	release(&s);
	assert_int_equal(chdir(here), 0);
}

static void fn_stops_the_walk(void **state)
{
	struct seen s = { .stop_at = "a/y" };

	(void)state;
	assert_int_equal(walk(&s, scratch("s"), NULL), 42);
	assert_string_equal(s.list.ptr, "B\na/y\n");
	release(&s);
}

static void ignore_files_nest(void **state)
{
	const struct br_walk_opts all = { .no_ignore = true };

	(void)state;
	scratch_put("n/.gitignore", "*.log\n/build/\n");
	scratch_put("n/.brignore", "secret*\n!keep.log\n");
	scratch_put("n/a.log", "");
	scratch_put("n/keep.log", "");
	scratch_put("n/secret1", "");
	scratch_put("n/build/x", "");
	scratch_put("n/sub/build/x", "");
	scratch_put("n/sub/.gitignore", "!secret2\nx\n");
	scratch_put("n/sub/.brignore", "!b.log\n");
	scratch_put("n/sub/secret1", "");
	scratch_put("n/sub/secret2", "");
	scratch_put("n/sub/b.log", "");
	scratch_put("n/sub/c.log", "");
	expect_walk(scratch("n"), NULL, "keep.log\nsub/b.log\nsub/secret2\n");
	expect_walk(scratch("n"), &all, "a.log\nbuild/x\nkeep.log\nsecret1\nsub/b.log\nsub/build/x\nsub/c.log\nsub/secret1\nsub/secret2\n");
}

/* Rules of a repository reach a walk that begins below its top, and end at a repository within it. */
static void repositories_bound_git_rules(void **state)
{
	(void)state;
	scratch_put("r/.gitignore", "outer\n");
	scratch_put("r/.git/info/exclude", "info\n/p/q/anchored\n");
	scratch_put("r/p/.brignore", "mine\n");
	scratch_put("r/p/.gitignore", "/q/here\n");
	scratch_put("r/p/q/outer", "");
	scratch_put("r/p/q/info", "");
	scratch_put("r/p/q/anchored", "");
	scratch_put("r/p/q/mine", "");
	scratch_put("r/p/q/here", "");
	scratch_put("r/p/q/left", "");
	scratch_put("r/p/q/in/.git/info/exclude", "inner\n");
	scratch_put("r/p/q/in/outer", "");
	scratch_put("r/p/q/in/info", "");
	scratch_put("r/p/q/in/inner", "");
	scratch_put("r/p/q/in/mine", "");
	expect_walk(scratch("r/p/q"), NULL, "in/info\nin/outer\nleft\n");
	expect_walk(scratch("r"), NULL, "p/q/in/info\np/q/in/outer\np/q/left\n");
	expect_walk(scratch("r/p"), NULL, "q/in/info\nq/in/outer\nq/left\n");
	/* What is named is taken, whatever the rules above say of it. */
	scratch_put("r/outer/x", "");
	expect_walk(scratch("r/outer"), NULL, "x\n");
}

static void links(void **state)
{
	(void)state;
	scratch_put("l/real", "content");
	scratch_put("l/d/x", "");
	scratch_put("l/.git/config", "");
	scratch_put("outside", "");
	scratch_put("l2", "");
	assert_int_equal(symlink("real", scratch("l/to_file")), 0);
	assert_int_equal(symlink("to_file", scratch("l/to_link")), 0);
	assert_int_equal(symlink("d", scratch("l/to_dir")), 0);
	assert_int_equal(symlink("../outside", scratch("l/to_outside")), 0);
	assert_int_equal(symlink("../l2", scratch("l/to_sibling")), 0); /* begins with the same letters as the root */
	assert_int_equal(symlink("../real", scratch("l/d/to_up")), 0);
	assert_int_equal(symlink("nothing", scratch("l/to_nothing")), 0);
	assert_int_equal(symlink("loop", scratch("l/loop")), 0);
	assert_int_equal(symlink(".", scratch("l/self")), 0);
	assert_int_equal(symlink(".git/config", scratch("l/to_git")), 0);
	assert_int_equal(symlink("l", scratch("to_root")), 0);
	expect_walk(scratch("l"), NULL, "d/to_up\nd/x\nreal\nto_file\nto_link\n");
	expect_walk(scratch("to_root"), NULL, "d/to_up\nd/x\nreal\nto_file\nto_link\n");
	/* A link is no ignore file. */
	scratch_put("k/rules", "x\n");
	scratch_put("k/x", "");
	assert_int_equal(symlink("rules", scratch("k/.gitignore")), 0);
	expect_walk(scratch("k"), NULL, "rules\nx\n");
}

static void bad_folders_are_reported(void **state)
{
	bool root = geteuid() == 0;
	struct seen s = { 0 };

	(void)state;
	scratch_put("p/a", "");
	scratch_put("p/locked/x", "");
	scratch_put("p/z", "");
	assert_int_equal(chmod(scratch("p/locked"), 0), 0);
	assert_int_equal(chmod(scratch(""), 0755), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0); /* root may read everything */
	assert_int_equal(walk(&s, scratch("p"), NULL), 0);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_string_equal(s.list.ptr, "a\nz\n");
	assert_non_null(strstr(s.bad.ptr, "/p/locked\n"));
	assert_int_equal(chmod(scratch("p/locked"), 0700), 0);
	release(&s);
}

static void depth_and_ignore_size_are_bounded(void **state)
{
	struct br_buf deep = BR_BUF_INIT(1 << 16), big = BR_BUF_INIT(BR_MAX_IGNORE_FILE + 100);
	struct seen s = { 0 };

	(void)state;
	br_buf_adds(&deep, "deep");
	for (unsigned i = 0; i <= BR_MAX_WALK_DEPTH; i++)
		br_buf_adds(&deep, "/d");
	br_buf_adds(&deep, "/f");
	scratch_put(deep.ptr, "");
	scratch_put("deep/d/d/f", "");
	assert_int_equal(walk(&s, scratch("deep"), NULL), 0);
	assert_string_equal(s.list.ptr, "d/d/f\n");
	assert_int_equal(s.bad.len, strlen(scratch(deep.ptr)) - 2 + 1);
	release(&s);

	while (big.len <= BR_MAX_IGNORE_FILE)
		br_buf_adds(&big, "nothing\n");
	scratch_put("big/.gitignore", big.ptr);
	scratch_put("big/f", "");
	assert_int_equal(walk(&s, scratch("big"), NULL), 0);
	assert_string_equal(s.list.ptr, "f\n");
	assert_true(s.bad.len > 0);
	release(&s);
	br_buf_release(&deep);
	br_buf_release(&big);
}

/* ---- against git ---- */

static uint32_t seed = 20260131;

static const char *pick(const char *const *list, size_t n)
{
	seed = seed * 1664525 + 1013904223;
	return list[(seed >> 12) % n];
}
#define PICK(...) pick((const char *const[]){ __VA_ARGS__ }, sizeof (const char *const[]){ __VA_ARGS__ } / sizeof(char *))

/* One part; no "**" behind letters: git takes "a**" + "/" for a crossing there, against its own manual. */
static void random_part(struct br_buf *b)
{
	unsigned n = (unsigned)strlen(PICK("a", "a", "ab", "abc"));

	for (unsigned i = 0; i < n; i++)
		br_buf_adds(b, PICK("a", "b", "ab", "foo", ".c", "x y", "?", "*", "[ab]", "[!a]", "[a-c]", "[^b-z]", "[[:alpha:]]", "\\a", "[]x]", "[\\]a]"));
}

static void random_rules(struct br_buf *b)
{
	unsigned lines = 1 + (unsigned)strlen(PICK("", "a", "ab", "abc", "abcd", "abcde"));

	while (lines--) {
		br_buf_adds(b, PICK("", "", "", "!", "!"));
		br_buf_adds(b, PICK("", "", "", "", "/", "**/", "a/", "*/", "foo/", "b/**/"));
		random_part(b);
		br_buf_adds(b, PICK("", "", "", "/", "/**", "/*", "/a", "/**/b", "/**/*.c"));
		br_buf_adds(b, PICK("", "", "", "/", " ", "\\ ", "\r", "  "));
		br_buf_addc(b, '\n');
	}
}

static void make_tree(const char *top)
{
	static const char *const dirs[] = { "", "a/", "b/", "foo/", "ab/", "a/b/", "a/a/", "b/foo/", "foo/a/b/", "x y/" };
	static const char *const names[] = { "ab.c", "foo.c", "x y.c", "c", "bb", "fooa", "]", "a ", "a.c" };

	for (size_t d = 0; d < BR_COUNT(dirs); d++)
		for (size_t i = 0; i < BR_COUNT(names); i++) {
			char *path = br_sprintf("%s/%s%s", top, dirs[d], names[i]);

			scratch_put(path, "");
			free(path);
		}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lines of b in bytewise order: git sorts whole paths, the walk folder by folder. */
static void sort_lines(struct br_buf *b)
{
	BR_VEC(char *) line = { 0 };
	char *copy = br_strndup(b->ptr, b->len);

	for (char *save = NULL, *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		*br_vec_push(&line) = l;
	if (line.n)
		qsort(line.v, line.n, sizeof *line.v, by_text);
	br_buf_reset(b);
	for (size_t i = 0; i < line.n; i++)
		br_buf_addf(b, "%s\n", line.v[i]);
	br_vec_release(&line);
	free(copy);
}

static void ask_git(struct br_buf *out, const char *top)
{
	char *cmd = br_sprintf("git -C '%s' -c core.quotePath=off ls-files -o --exclude-standard -z | tr '\\0' '\\n'", top);
	FILE *f = popen(cmd, "r");
	char part[4096];
	size_t n;

	while ((n = fread(part, 1, sizeof part, f)) > 0)
		br_buf_add(out, part, n);
	assert_int_equal(pclose(f), 0);
	free(cmd);
}

static void same_as_git(void **state)
{
	static const char *const place[] = { ".gitignore", "a/.gitignore", "foo/a/.gitignore", ".git/info/exclude" };
	const struct br_walk_opts o = { .hidden = true };
	const char *more = getenv("BR_TEST_ROUNDS");
	int rounds = more ? atoi(more) : 60;
	char *cmd;

	(void)state;
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	cmd = br_sprintf("git init -q '%s' >/dev/null 2>&1", scratch("g"));
	if (system(cmd) != 0) {
		print_message("skipped: git is not installed\n");
		free(cmd);
		return;
	}
	free(cmd);
	make_tree("g");
	for (int round = 0; round < rounds; round++) {
		struct br_buf rules = BR_BUF_INIT(1 << 16), git = BR_BUF_INIT(1 << 20), all = BR_BUF_INIT(1 << 20);
		struct seen s = { 0 };

		for (size_t i = 0; i < BR_COUNT(place); i++) {
			char *path = br_sprintf("g/%s", place[i]);

			br_buf_reset(&rules);
			if (i == 0 || round % (int)(i + 1) == 0)
				random_rules(&rules);
			scratch_put(path, rules.ptr);
			br_buf_addf(&all, "--- %s\n%s", place[i], rules.ptr);
			free(path);
		}
		assert_int_equal(walk(&s, scratch("g"), &o), 0);
		ask_git(&git, scratch("g"));
		sort_lines(&git);
		sort_lines(&s.list);
		if (strcmp(git.ptr, s.list.ptr) != 0)
			fail_msg("round %d\n%s\n=== git:\n%s\n=== walk:\n%s", round, all.ptr, git.ptr, s.list.ptr);
		release(&s);
		br_buf_release(&git);
		br_buf_release(&rules);
		br_buf_release(&all);
	}
}

/* ---- a selection, against the whole walk filtered ---- */

static bool in_selection(const char *path, const char *const *only, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = strlen(only[i]);

		if (!strncmp(path, only[i], k) && (!path[k] || path[k] == '/'))
			return true;
	}
	return false;
}

static void filter(struct br_buf *out, const char *list, const char *const *only, size_t n)
{
	char *copy = br_strdup(list), *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (in_selection(line, only, n))
			br_buf_addf(out, "%s\n", line);
	free(copy);
}

static void selection_equals_filter(void **state)
{
	static const char *const words[] = { "a", "a/b", "a/b/c.txt", "a b", "a.txt", "a-b", "a/bb", "b", "b/c", "nowhere", "a/nowhere/x", "b.log", "a/b.log" };
	const char *only[8];

	(void)state;
	scratch_put("o/.gitignore", "*.log\n");
	for (size_t i = 0; i < BR_COUNT(words); i++) {
		char *file = br_sprintf("o/%s%s", words[i], strchr(words[i], '.') ? "" : "/file");
		if (!strstr(words[i], "nowhere"))
			scratch_put(file, words[i]);
		free(file);
	}
	for (int round = 0; round < 300; round++) {
		struct br_buf want = BR_BUF_INIT(1 << 20);
		struct seen all = { 0 }, some = { 0 };
		struct br_walk_opts o = { .only = only };

		for (size_t i = 0, n = (size_t)round % 8; i < n; i++)
			only[o.n_only++] = pick(words, BR_COUNT(words));
		qsort(only, o.n_only, sizeof *only, by_text);
		assert_int_equal(walk(&all, scratch("o"), NULL), 0);
		assert_int_equal(walk(&some, scratch("o"), &o), 0);
		filter(&want, all.list.ptr, only, o.n_only);
		assert_string_equal(some.list.ptr, want.ptr);
		release(&all);
		release(&some);
		br_buf_release(&want);
	}
}

static void note_folder(const char *path, void *arg)
{
	struct seen *s = arg;

	br_buf_addf(&s->bad, "%s\n", strstr(path, "/f") ? strstr(path, "/f") : path);
}

static void folders_are_told_before_they_are_read(void **state)
{
	struct br_walk_opts o = { .folder = note_folder };
	struct seen s = { 0 };

	(void)state;
	scratch_put("f/x/y/z", "");
	scratch_put("f/.hidden/z", "");
	scratch_put("f/out/z", "");
	scratch_put("f/.gitignore", "out/\n");
	assert_int_equal(walk(&s, scratch("f"), &o), 0);
	assert_string_equal(s.bad.ptr, "/f\n/f/x\n/f/x/y\n");
	release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_by_hand),
		cmocka_unit_test(nearer_files_win),
		cmocka_unit_test(hostile_patterns_end),
		cmocka_unit_test(random_bytes_are_taken),
		cmocka_unit_test(files_come_sorted),
		cmocka_unit_test(root_may_be_a_file),
		cmocka_unit_test(root_may_be_the_current_folder),
		cmocka_unit_test(fn_stops_the_walk),
		cmocka_unit_test(ignore_files_nest),
		cmocka_unit_test(repositories_bound_git_rules),
		cmocka_unit_test(links),
		cmocka_unit_test(bad_folders_are_reported),
		cmocka_unit_test(depth_and_ignore_size_are_bounded),
		cmocka_unit_test(same_as_git),
		cmocka_unit_test(selection_equals_filter),
		cmocka_unit_test(folders_are_told_before_they_are_read),
	};

	return cmocka_run_group_tests_name("walk", tests, scratch_setup, scratch_teardown);
}
