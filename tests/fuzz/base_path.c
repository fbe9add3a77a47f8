/* Paths put together, cleaned, and seen from elsewhere. Input: two lines. */
#include "fuzz.h"

static void check_clean(const char *p)
{
	char *again = br_path_join(*p == '/' ? "/" : "", p);
	const char *part = p;

	HOLDS(*p && !strcmp(again, p));
	HOLDS(!strstr(p, "//") && (p[1] == 0 || p[strlen(p) - 1] != '/'));
	for (bool up = *p != '/'; *part; part += strcspn(part, "/")) {
		part += *part == '/';
		HOLDS(strncmp(part, "./", 2) && (strcmp(part, ".") || part == p));
		up = up && (!strncmp(part, "../", 3) || !strcmp(part, ".."));
		HOLDS(up || (strncmp(part, "../", 3) && strcmp(part, "..")));
	}
	free(again);
}

static void check_relative(const char *a, const char *b)
{
	char *x = br_path_join("/", a), *y = br_path_join("/", b), *rel, *back;

	check_clean(x);
	rel = br_path_relative(x, y);
	back = br_path_join(y, rel);
	HOLDS(*rel != '/' && !strcmp(back, x));
	free(x);
	free(y);
	free(rel);
	free(back);
}

FUZZ(base_path)
{
	struct br_rd r = br_rd(in);
	char *a = fuzz_line(&r), *b = fuzz_line(&r), *joined = br_path_join(a, b);

	check_clean(joined);
	HOLDS(br_path_base(joined) >= joined && !strchr(br_path_base(joined), '/'));
	HOLDS(!strpbrk(br_path_ext(joined), "./"));
	if (*a != '/' && *b != '/')
		check_relative(a, b);
	free(a);
	free(b);
	free(joined);
}
