/* Ignore patterns. Input: a path in the first line, then patterns. */
#include "fuzz.h"

#include "base/internal.h"

/* The path as a pattern that stands for nothing else. */
static void add_literal(struct br_buf *b, const char *path)
{
	br_buf_addc(b, '/');
	for (; *path; path++) {
		if (*path != '/')
			br_buf_addc(b, '\\');
		br_buf_addc(b, *path);
	}
	br_buf_addc(b, '\n');
}

static bool walked(const char *p)
{
	return *p && *p != '/' && p[strlen(p) - 1] != '/' && !strstr(p, "//") && !strchr(p, '\r') && strlen(p) < 500;
}

FUZZ(base_ignore)
{
	struct br_rd r = br_rd(in);
	char *path = fuzz_line(&r);
	size_t len = strlen(path), name = (size_t)(br_path_base(path) - path);
	struct br_base__ignore ig = { 0 };
	struct br_buf own = BR_BUF_INIT(SIZE_MAX);
	int is, dir;

	br_base__ignore_push(&ig, fuzz_rest(&r), 0, true);
	is = br_base__ignore_verdict(&ig, path, name, len, false);
	dir = br_base__ignore_verdict(&ig, path, name, len, true);
	HOLDS(is >= -1 && is <= 1 && dir >= -1 && dir <= 1);
	HOLDS(is == 0 || dir != 0); /* what holds for a file of that name holds for a folder */
	br_base__ignore_push(&ig, br_slice_str("# nothing\n\n!\n/\n"), 0, true);
	HOLDS(br_base__ignore_verdict(&ig, path, name, len, true) == dir);
	if (walked(path)) {
		add_literal(&own, path);
		br_base__ignore_push(&ig, br_buf_slice(&own), 0, true);
		HOLDS(br_base__ignore_verdict(&ig, path, name, len, false) == 1);
		br_base__ignore_push(&ig, br_slice_str("!*\n"), 0, false);
		HOLDS(br_base__ignore_verdict(&ig, path, name, len, false) == -1);
	}
	br_base__ignore_pop(&ig, 1);
	HOLDS(br_base__ignore_verdict(&ig, path, name, len, false) == is);
	br_base__ignore_release(&ig);
	br_buf_release(&own);
	free(path);
}
