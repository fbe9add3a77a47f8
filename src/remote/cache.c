/*
 * What files hashed to in an earlier run: a text file with a line each. Nothing depends on it: a line that is missing or wrong in
 * form costs reading a file.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define HEAD "br-remote 1\n"
enum { CACHE_MAX = 256 << 20 };

static int by_rel(const void *a, const void *b)
{
	return strcmp(((const struct near *)a)->rel, ((const struct near *)b)->rel);
}

static bool unhex(uint8_t out[32], const char *s)
{
	for (int i = 0; i < 32; i++) {
		unsigned v;
		if (sscanf(s + 2 * i, "%2x", &v) != 1)
			return false;
		out[i] = (uint8_t)v;
	}
	return true;
}

static void take_line(struct nears *files, char *line)
{
	struct near want = { 0 }, *f;
	char sha[65], mark;
	int at = 0;

	if (sscanf(line, "%" SCNu64 " %" SCNd64 " %" SCNu64 " %c %64[0-9a-f] %n", &want.size, &want.mtime, &want.inode, &mark, sha, &at) != 5 || !at)
		return;
	want.rel = line + at;
	if (!files->v.n || !(f = bsearch(&want, files->v.v, files->v.n, sizeof want, by_rel)) || f->size != want.size || f->mtime != want.mtime ||
	    f->inode != want.inode || strlen(sha) != 64 || !unhex(f->sha, sha))
		return;
	f->hashed = true;
	f->refused = mark == 'r';
}

void cache_read(struct nears *files, const char *path)
{
	struct br_buf b = BR_BUF_INIT(CACHE_MAX);

	if (path && br_file_read(&b, path, CACHE_MAX, NULL) == 0 && !strncmp(b.ptr, HEAD, strlen(HEAD)))
		for (char *p = b.ptr + strlen(HEAD), *end; (end = strchr(p, '\n')); p = end + 1) {
			*end = 0;
			take_line(files, p);
		}
	br_buf_release(&b);
}

/* A file that changed since shortly before it was hashed may change again without its time telling. */
void cache_write(const struct nears *files, const char *path, int64_t since_ns)
{
	struct br_buf b = BR_BUF_INIT(CACHE_MAX);
	char sha[65], *dir;

	if (!path)
		return;
	br_buf_adds(&b, HEAD);
	for (size_t i = 0; i < files->v.n; i++) {
		const struct near *f = &files->v.v[i];
		if (!f->hashed || f->mtime > since_ns - 2000000000 || strchr(f->rel, '\n'))
			continue;
		br_hex(sha, f->sha, 32);
		br_buf_addf(&b, "%" PRIu64 " %" PRId64 " %" PRIu64 " %c %s %s\n", f->size, f->mtime, f->inode, f->refused ? 'r' : '=', sha, f->rel);
	}
	dir = br_strndup(path, (size_t)(br_path_base(path) - path));
	if (!b.failed && br_mkdirs(dir, 0700, NULL) == 0 && br_file_write_atomic(path, b.ptr, b.len, 0600, NULL) < 0)
		br_log(BR_LOG_INFO, "hashes are not remembered: '%s' cannot be written", path);
	free(dir);
	br_buf_release(&b);
}
