/*
 * Figures for people (counts, sizes, times, ages) and columns that line up, also with wide and combining characters.
 */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>

struct br_human br_human_count(uint64_t n)
{
	struct br_human h;
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), i, at = 0;

	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			h.s[at++] = ',';
		h.s[at++] = digits[i];
	}
	h.s[at] = '\0';
	return h;
}

struct br_human br_human_bytes(uint64_t n)
{
	static const char *const unit[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	struct br_human h;
	double v = (double)n;
	size_t i = 0;

	if (n < 1000) {
		snprintf(h.s, sizeof h.s, "%u B", (unsigned)n);
		return h;
	}
	for (v /= 1000; v >= 999.5 && i + 1 < BR_COUNT(unit); v /= 1000)
		i++;
	snprintf(h.s, sizeof h.s, v < 9.95 ? "%.1f %s" : "%.0f %s", v, unit[i]);
	return h;
}

struct br_human br_human_seconds(double s)
{
	struct br_human h;
	unsigned long n = s < 0 ? 0 : (unsigned long)(s + 0.5);

	if (s < 9.95)
		snprintf(h.s, sizeof h.s, s < 0.995 ? "%.2f s" : "%.1f s", BR_MAX(s, 0.0));
	else if (n < 60)
		snprintf(h.s, sizeof h.s, "%lu s", n);
	else if (n < 3600)
		snprintf(h.s, sizeof h.s, "%lu min %lu s", n / 60, n % 60);
	else
		snprintf(h.s, sizeof h.s, "%lu h %lu min", n / 3600, n % 3600 / 60);
	return h;
}

struct br_human br_human_age(int64_t then, int64_t now)
{
	static const struct { int64_t upto, unit; const char *one, *many; } step[] = {
		{ 90, 1, "second", "seconds" },          { 90 * 60, 60, "minute", "minutes" },
		{ 36 * 3600, 3600, "hour", "hours" },    { 14 * 86400, 86400, "day", "days" },
		{ 60 * 86400, 7 * 86400, "week", "weeks" }, { 730 * (int64_t)86400, 30 * 86400, "month", "months" },
		{ INT64_MAX, 365 * 86400, "year", "years" },
	};
	struct br_human h;
	int64_t age = now - then, n;
	size_t i = 0;

	if (then <= 0) {
		snprintf(h.s, sizeof h.s, "never");
		return h;
	}
	if (age < 5) {
		snprintf(h.s, sizeof h.s, "just now");
		return h;
	}
	while (age >= step[i].upto)
		i++;
	n = age / step[i].unit;
	snprintf(h.s, sizeof h.s, "%lld %s ago", (long long)n, n == 1 ? step[i].one : step[i].many);
	return h;
}

const char *br_plural(uint64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

/* ---- width ---- */

static bool in_ranges(const uint32_t (*range)[2], size_t n, uint32_t cp)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (cp >= range[i][0] && cp <= range[i][1])
			return true;
	return false;
}

static unsigned char_width(uint32_t cp)
{
	static const uint32_t wide[][2] = { /* East Asian wide and full-width blocks, emoji */
		{ 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff },
		{ 0x20000, 0x3fffd } };
	static const uint32_t none[][2] = { /* combining marks, zero-width spaces and joiners, variation selectors */
		{ 0x300, 0x36f }, { 0x483, 0x489 }, { 0x591, 0x5bd }, { 0x610, 0x61a }, { 0x64b, 0x65f }, { 0xe31, 0xe31 },
		{ 0xe34, 0xe3a }, { 0xe47, 0xe4e }, { 0x200b, 0x200f }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f } };

	if (cp < 0x300)
		return 1;
	if (in_ranges(none, BR_COUNT(none), cp))
		return 0;
	return in_ranges(wide, BR_COUNT(wide), cp) ? 2 : 1;
}

size_t br_text_width(const char *s, size_t n)
{
	size_t i, width = 0;
	uint32_t cp;

	for (i = 0; i < n; i += br_utf8_next(&cp, s + i, n - i), width += char_width(cp))
		;
	return width;
}

/* ---- columns ---- */

void br_columns_add(struct br_columns *t, enum br_style style, const char *fmt, ...)
{
	struct br_buf b = BR_BUF_INIT(1u << 20);
	va_list ap;

	va_start(ap, fmt);
	br_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	*br_vec_push(&t->cells) = (struct br_cell){ br_arena_strndup(&t->arena, b.ptr, b.len), style };
	br_buf_release(&b);
}

static void pad(struct br_out *o, size_t n)
{
	br_out_f(o, "%*s", (int)n, "");
}

static void cell(struct br_out *o, const struct br_cell *c, char align, size_t width, bool last)
{
	size_t w = br_text_width(c->text, strlen(c->text));
	size_t gap = width > w ? width - w : 0;

	if (align == 'r')
		pad(o, gap);
	br_out_styled(o, c->style, c->text);
	if (!last)
		pad(o, (align == 'r' ? 0 : gap) + 2);
}

void br_columns_print(struct br_out *o, struct br_columns *t)
{
	size_t n = strlen(t->align), i, width[16] = { 0 };

	BR_ASSERT(n <= BR_COUNT(width) && t->cells.n % n == 0);
	for (i = 0; i < t->cells.n; i++)
		width[i % n] = BR_MAX(width[i % n], br_text_width(t->cells.v[i].text, strlen(t->cells.v[i].text)));
	for (i = 0; i < t->cells.n; i++) {
		cell(o, &t->cells.v[i], t->align[i % n], width[i % n], i % n + 1 == n);
		if (i % n + 1 == n)
			br_out_s(o, "\n");
	}
	br_vec_release(&t->cells);
	br_arena_release(&t->arena);
}
