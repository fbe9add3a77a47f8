/* A folder of a test's own, and short ways to fill it. Include behind cmocka.h. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "br/os.h"

static char scratch_dir[256];

static inline int scratch_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(scratch_dir, sizeof scratch_dir, "%s/br-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	return mkdtemp(scratch_dir) ? 0 : -1;
}

static inline int scratch_unlink(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	return remove(path);
}

static inline int scratch_teardown(void **state)
{
	(void)state;
	return nftw(scratch_dir, scratch_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* Path inside the folder; one of eight strings in turn. */
static inline const char *scratch(const char *rel)
{
	static char path[8][6000];
	static unsigned turn;
	char *p = path[turn++ % 8];

	snprintf(p, sizeof path[0], "%s%s%s", scratch_dir, *rel ? "/" : "", rel);
	return p;
}

/* A file with this text; the folders above it are made. */
static inline const char *scratch_put(const char *rel, const char *text)
{
	const char *path = scratch(rel);
	char *dir = br_path_join(path, "..");
	struct br_err err = { 0 };
	FILE *f;

	if (br_mkdirs(dir, 0755, &err) < 0)
		fail_msg("%s", err.msg);
	free(dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	return path;
}

#endif
