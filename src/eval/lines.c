/*
 * Text files by lines: judgements, runs, BEIR records. Memory is bounded by the longest line allowed, whatever the
 * size of the file; every refusal names file and line.
 */
#include <errno.h>
#include <math.h>
#include <sys/stat.h>

#include "internal.h"

int eval__lines_open(struct eval_lines *l, const char *path, struct br_err *err)
{
	struct stat st;

	*l = (struct eval_lines){ .path = path };
	br_buf_init(&l->line, BR_MAX_NDJSON_LINE);
	if (stat(path, &st) < 0)
		return br_fail_errno(err, BR_EINPUT, "cannot read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return br_fail(err, BR_EINPUT, "cannot read '%s': not a regular file", path);
	l->f = fopen(path, "re");
	if (!l->f)
		return br_fail_errno(err, BR_EINPUT, "cannot read '%s'", path);
	return 0;
}

void eval__lines_close(struct eval_lines *l)
{
	if (l->f)
		fclose(l->f);
	l->f = NULL;
	br_buf_release(&l->line);
}

/* One line into l->line: 1, or 0 at the end of the file. */
static int read_line(struct eval_lines *l, struct br_err *err)
{
	bool any = false;

	br_buf_reset(&l->line);
	for (;;) {
		if (l->pos == l->len) {
			l->len = fread(l->block, 1, sizeof l->block, l->f);
			l->pos = 0;
			if (ferror(l->f))
				return br_fail_errno(err, BR_EIO, "cannot read '%s'", l->path);
			if (l->len == 0)
				return any;
		}
		const char *from = l->block + l->pos, *end = memchr(from, '\n', l->len - l->pos);
		size_t n = end ? (size_t)(end - from) : l->len - l->pos;
		br_buf_add(&l->line, from, n);
		l->pos += n + (end != NULL);
		any = true;
		if (end)
			return 1;
	}
}

static void trim_line(struct eval_lines *l)
{
	struct br_buf *b = &l->line;

	if (l->no == 1 && b->len >= 3 && !memcmp(b->ptr, "\xef\xbb\xbf", 3)) {
		b->len -= 3;
		memmove(b->ptr, b->ptr + 3, b->len + 1);
	}
	while (b->len && b->ptr[b->len - 1] == '\r')
		b->ptr[--b->len] = '\0';
}

static bool is_blank(const char *p, size_t n)
{
	size_t k;

	for (; n && (k = eval__space(p, n)); p += k)
		n -= k;
	return n == 0;
}

int eval__lines_next(struct eval_lines *l, struct br_err *err)
{
	int rc;

	while ((rc = read_line(l, err)) > 0) {
		l->no++;
		if (l->line.failed)
			return br_fail(err, BR_ETOOBIG, "%s:%zu: line is longer than %u bytes", l->path, l->no, BR_MAX_NDJSON_LINE);
		if (memchr(l->line.ptr, 0, l->line.len))
			return br_fail(err, BR_EINPUT, "%s:%zu: holds a NUL byte; the file is not UTF-8 text", l->path, l->no);
		trim_line(l);
		if (!is_blank(l->line.ptr, l->line.len))
			return 1;
	}
	return rc;
}

/* What Python's str.split() splits at, so that both read the same fields. */
size_t eval__space(const char *p, size_t n)
{
	uint32_t c;
	size_t k;

	if (n == 0)
		return 0;
	k = br_utf8_next(&c, p, n);
	if ((c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	    c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000)
		return k;
	return 0;
}

size_t eval__words(char *line, char **field, size_t max)
{
	char *p = line, *end = line + strlen(line);
	size_t n = 0, k;

	for (;;) {
		while ((k = eval__space(p, (size_t)(end - p)))) {
			*p = '\0';
			p += k;
		}
		if (p == end)
			return n;
		if (n < max)
			field[n] = p;
		n++;
		while (p < end && !eval__space(p, (size_t)(end - p)))
			p++;
	}
}

size_t eval__tabs(char *line, char **field, size_t max)
{
	size_t n = 0;
	char *p = line;

	while (p) {
		char *tab = strchr(p, '\t');
		if (tab)
			*tab++ = '\0';
		if (n < max)
			field[n] = p;
		n++;
		p = tab;
	}
	return n;
}

bool eval__number(double *out, const char *s)
{
	char *end;

	if (strpbrk(s, "xX"))
		return false;
	*out = strtod(s, &end);
	while (*end == ' ')
		end++;
	return end != s && !*end && isfinite(*out);
}
