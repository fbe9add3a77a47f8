/*
 * Strings: strict numbers, UTF-8, and the nearest name for a mistyped one.
 */
#include "br/base.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

int br_parse_int(int64_t *out, const char *s, int64_t min, int64_t max, const char *what, struct br_err *err)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(s, &end, 10);
	if (!isdigit((unsigned char)s[s[0] == '-' && min < 0]) || *end)
		return br_fail(err, BR_EUSAGE, "%s: '%s' is not a whole number", what, s);
	if (errno || v < min || v > max)
		return br_fail(err, BR_EUSAGE, "%s: %s is not between %lld and %lld", what, s, (long long)min, (long long)max);
	*out = v;
	return 0;
}

int br_parse_double(double *out, const char *s, double min, double max, const char *what, struct br_err *err)
{
	char *end;
	double v;

	errno = 0;
	v = strtod(s, &end);
	if (end == s || *end || isspace((unsigned char)*s) || !isfinite(v) || errno)
		return br_fail(err, BR_EUSAGE, "%s: '%s' is not a number", what, s);
	if (v < min || v > max)
		return br_fail(err, BR_EUSAGE, "%s: %s is not between %g and %g", what, s, min, max);
	*out = v;
	return 0;
}

struct unit { const char *name; int64_t factor; };

static int parse_unit(int64_t *out, const char *s, const struct unit *unit, const char *what, const char *example, struct br_err *err)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(s, &end, 10);
	if (isdigit((unsigned char)*s) && !errno) {
		for (; unit->name; unit++) {
			int64_t r;
			if (!strcmp(end, unit->name) && !__builtin_mul_overflow((int64_t)v, unit->factor, &r)) {
				*out = r;
				return 0;
			}
		}
	}
	return br_fail(err, BR_EUSAGE, "%s: '%s' is not of the form %s", what, s, example);
}

int br_parse_seconds(int64_t *out, const char *s, const char *what, struct br_err *err)
{
	static const struct unit units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { 0 } };

	return parse_unit(out, s, units, what, "30, 30s, 15m, 2h or 7d", err);
}

int br_parse_bytes(int64_t *out, const char *s, const char *what, struct br_err *err)
{
	static const struct unit units[] = { { "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { 0 } };

	return parse_unit(out, s, units, what, "65536, 64K, 10M or 2G", err);
}

/* ---- UTF-8 ---- */

static inline bool cont(const unsigned char *p) { return (*p & 0xc0) == 0x80; }

/* Length of the valid sequence at p, 0 if there is none. The bounds of the second byte exclude overlongs, surrogates and > 10FFFF. */
static size_t seq(const unsigned char *p, size_t n)
{
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n < 2)
		return 0;
	if (p[0] < 0xe0)
		return cont(p + 1) ? 2 : 0;
	if (p[0] < 0xf0) {
		unsigned lo = p[0] == 0xe0 ? 0xa0 : 0x80, hi = p[0] == 0xed ? 0x9f : 0xbf;
		return n >= 3 && p[1] >= lo && p[1] <= hi && cont(p + 2) ? 3 : 0;
	}
	unsigned lo = p[0] == 0xf0 ? 0x90 : 0x80, hi = p[0] == 0xf4 ? 0x8f : 0xbf;
	return n >= 4 && p[1] >= lo && p[1] <= hi && cont(p + 2) && cont(p + 3) ? 4 : 0;
}

size_t br_utf8_next(uint32_t *cp, const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;

	switch (seq(p, n)) {
	case 1:
		*cp = p[0];
		return 1;
	case 2:
		*cp = (p[0] & 0x1fu) << 6 | (p[1] & 0x3f);
		return 2;
	case 3:
		*cp = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3f);
		return 3;
	case 4:
		*cp = (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3f);
		return 4;
	default:
		*cp = 0xfffd;
		return 1;
	}
}

size_t br_utf8_put(char out[4], uint32_t cp)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

/* Latin of ISO 8859-1 and basic Cyrillic: their small letters take as many bytes. */
static uint32_t small_letter(uint32_t cp)
{
	if ((cp >= 0xc0 && cp <= 0xde && cp != 0xd7) || (cp >= 0x410 && cp <= 0x42f))
		return cp + 32;
	return cp >= 0x400 && cp <= 0x40f ? cp + 80 : cp;
}

void br_utf8_lower(char *s, size_t n)
{
	uint32_t cp;

	for (size_t i = 0, k; i < n; i += k) {
		k = br_utf8_next(&cp, s + i, n - i);
		if (cp < 0x80)
			s[i] = cp >= 'A' && cp <= 'Z' ? (char)(cp + 32) : (char)cp;
		else if (small_letter(cp) != cp)
			br_utf8_put(s + i, small_letter(cp));
	}
}

size_t br_utf8_valid(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i = 0;

	while (i < n) {
		uint64_t w[2];
		size_t k;
		while (i + 16 <= n && (memcpy(w, p + i, 16), !((w[0] | w[1]) & 0x8080808080808080u)))
			i += 16;
		if (i == n)
			break;
		if (!(k = seq(p + i, n - i)))
			return i;
		i += k;
	}
	return n;
}

/* ---- did you mean ---- */

enum { NAME_MAX_LEN = 32, FAR = 3 };

static int distance(const char *a, const char *b)
{
	int row[NAME_MAX_LEN + 1], la = (int)strlen(a), lb = (int)strlen(b);

	if (la > NAME_MAX_LEN || lb > NAME_MAX_LEN || abs(la - lb) >= FAR)
		return FAR;
	for (int j = 0; j <= lb; j++)
		row[j] = j;
	for (int i = 1; i <= la; i++) {
		int diag = row[0];
		row[0] = i;
		for (int j = 1; j <= lb; j++) {
			int up = row[j], best = diag + (a[i - 1] != b[j - 1]);
			best = BR_MIN(best, BR_MIN(up, row[j - 1]) + 1);
			diag = up;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *br_closest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	int least = FAR;

	for (size_t i = 0; i < n; i++) {
		int d = distance(word, names[i]);
		if (d < least && d < (int)strlen(word)) {
			least = d;
			best = names[i];
		}
	}
	return best;
}
