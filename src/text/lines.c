/*
 * Lines: cutting the text into them, small questions about one, and counting them fast for the line numbers of blocks.
 */
#include "internal.h"

static uint32_t measure_indent(const char *p, const char *end, const char **first)
{
	uint32_t col = 0;

	for (; p < end; p++) {
		if (*p == ' ')
			col++;
		else if (*p == '\t')
			col = (col | 7) + 1;
		else if (!br_text__blank(*p))
			break;
	}
	*first = p;
	return col;
}

bool br_text__line(struct br_text__line *l, struct br_slice text, size_t off)
{
	const char *p = text.ptr + off, *stop = text.ptr + text.len, *nl, *first;

	if (off >= text.len)
		return false;
	nl = memchr(p, '\n', (size_t)(stop - p));
	l->p = text.ptr;
	l->off = (uint32_t)off;
	l->next = (uint32_t)((nl ? nl + 1 : stop) - text.ptr);
	stop = nl ? nl : stop;
	l->indent = measure_indent(p, stop, &first);
	while (stop > first && br_text__blank(stop[-1]))
		stop--;
	l->first = (uint32_t)(first - text.ptr);
	l->end = (uint32_t)(stop - text.ptr);
	return true;
}

bool br_text__line_rule(const struct br_text__line *l, uint32_t min, char *c)
{
	const char *p = l->p + l->first;
	uint32_t n = br_text__line_len(l);

	if (n < min || !n || (*c ? p[0] != *c : !br_text__punct(p[0])))
		return false;
	/* Most lines differ at their second byte; the overlapping comparison then is not reached. */
	if (n > 1 && (p[1] != p[0] || memcmp(p, p + 1, n - 1)))
		return false;
	*c = p[0];
	return true;
}

uint32_t br_text__columns(const char *p, size_t n)
{
	uint32_t cols = 0;

	for (size_t i = 0; i < n; i++)
		cols += (p[i] & 0xc0) != 0x80;
	return cols;
}

/* Eight bytes a step: a byte of x is 0 where the text has a newline, and (x + 7f) | x has its top bit clear just there.
 * The product adds the eight marks up in its top byte. */
size_t br_text__count_newlines(const char *p, size_t n)
{
	const uint64_t low = 0x7f7f7f7f7f7f7f7full, nl = 0x0a0a0a0a0a0a0a0aull;
	size_t count = 0, i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t x;
		memcpy(&x, p + i, 8);
		x ^= nl;
		x = ~(((x & low) + low) | x) & ~low;
		count += (x >> 7) * 0x0101010101010101ull >> 56;
	}
	for (; i < n; i++)
		count += p[i] == '\n';
	return count;
}
