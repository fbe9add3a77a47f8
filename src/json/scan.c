/*
 * scan - decides what is JSON before cJSON sees it. cJSON takes leading zeros, control characters, lone surrogates, invalid
 * UTF-8 and \u0000, and says little about where an error is; here all of that is refused with its byte offset.
 */
#include "internal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#define NUMBER_MAX 63 /* characters; cJSON copies numbers into 64 bytes */

struct scan {
	const char *start, *p, *end;
	const char *bad;             /* what was wrong at p */
	unsigned depth;
	char open[BR_MAX_JSON_DEPTH];
};

static bool fail(struct scan *s, const char *why)
{
	s->bad = why;
	return false;
}

static void blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
		s->p++;
}

static bool next_is(struct scan *s, char c)
{
	blanks(s);
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* Four hex digits behind "\u"; p stays. */
static bool hex4(const struct scan *s, const char *p, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++, p++) {
		if (p >= s->end || !isxdigit((unsigned char)*p))
			return false;
		*out = *out * 16 + (uint32_t)(isdigit((unsigned char)*p) ? *p - '0' : (*p | 0x20) - 'a' + 10);
	}
	return true;
}

/* At "\u". */
static bool scan_unicode(struct scan *s)
{
	uint32_t hi, lo;

	if (!hex4(s, s->p + 2, &hi))
		return fail(s, "bad \\u escape");
	if (!hi)
		return fail(s, "\\u0000 is not allowed");
	if (hi < 0xd800 || hi > 0xdfff) {
		s->p += 6;
		return true;
	}
	if (hi > 0xdbff || s->end - s->p < 12 || s->p[6] != '\\' || s->p[7] != 'u' || !hex4(s, s->p + 8, &lo) ||
	    lo < 0xdc00 || lo > 0xdfff)
		return fail(s, "half of a surrogate pair");
	s->p += 12;
	return true;
}

static bool scan_escape(struct scan *s)
{
	if (s->end - s->p > 1 && s->p[1] == 'u')
		return scan_unicode(s);
	if (s->end - s->p < 2 || !memchr("\"\\/bfnrt", s->p[1], 8))
		return fail(s, "bad escape");
	s->p += 2;
	return true;
}

/* Behind the opening quote; UTF-8 has been checked. */
static bool scan_string(struct scan *s)
{
	while (s->p < s->end && *s->p != '"') {
		if ((unsigned char)*s->p < 0x20)
			return fail(s, "control character in a string");
		if (*s->p != '\\')
			s->p++;
		else if (!scan_escape(s))
			return false;
	}
	if (s->p == s->end)
		return fail(s, "string without an end");
	s->p++;
	return true;
}

static size_t digits(struct scan *s)
{
	const char *from = s->p;

	while (s->p < s->end && isdigit((unsigned char)*s->p))
		s->p++;
	return (size_t)(s->p - from);
}

static bool too_large(const char *from, const char *to)
{
	char text[NUMBER_MAX + 1];

	memcpy(text, from, (size_t)(to - from));
	text[to - from] = '\0';
	return isinf(strtod(text, NULL));
}

static bool scan_number(struct scan *s)
{
	const char *from = s->p;
	bool exponent = false;
	size_t whole;

	s->p += *s->p == '-';
	whole = digits(s);
	if (!whole)
		return fail(s, "expected a value");
	if (whole > 1 && s->p[-(ptrdiff_t)whole] == '0')
		return fail(s, "number with a leading zero");
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!digits(s))
			return fail(s, "number without digits behind its point");
	}
	if (s->p < s->end && (*s->p | 0x20) == 'e') {
		s->p++;
		s->p += s->p < s->end && (*s->p == '+' || *s->p == '-');
		if (!digits(s))
			return fail(s, "number without digits in its exponent");
		exponent = true;
	}
	if (s->p - from > NUMBER_MAX || (exponent && too_large(from, s->p)))
		return fail(s, "number too large");
	return true;
}

static bool scan_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return fail(s, "expected a value");
	s->p += n;
	return true;
}

static bool scan_key(struct scan *s)
{
	if (!next_is(s, '"'))
		return fail(s, "expected a key");
	if (!scan_string(s))
		return false;
	return next_is(s, ':') || fail(s, "expected ':'");
}

static bool scan_scalar(struct scan *s)
{
	switch (*s->p) {
	case '"':
		s->p++;
		return scan_string(s);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	default:
		return scan_number(s);
	}
}

/* At '{' or '['. *closed: it was empty, so that a value is complete. */
static bool scan_open(struct scan *s, bool *closed)
{
	char c = *s->p;

	if (s->depth == BR_MAX_JSON_DEPTH)
		return fail(s, "brackets nested too deep");
	s->p++;
	*closed = next_is(s, c == '{' ? '}' : ']');
	if (*closed)
		return true;
	s->open[s->depth++] = c;
	return c == '[' || scan_key(s);
}

/* Behind a complete value: closes what ends here. *more: another value must follow. */
static bool scan_close(struct scan *s, bool *more)
{
	for (*more = false; s->depth; s->depth--) {
		bool obj = s->open[s->depth - 1] == '{';

		if (next_is(s, ',')) {
			*more = true;
			return !obj || scan_key(s);
		}
		if (!next_is(s, obj ? '}' : ']'))
			return fail(s, obj ? "expected ',' or '}'" : "expected ',' or ']'");
	}
	return true;
}

static bool scan_value(struct scan *s)
{
	bool more = true, closed;

	while (more) {
		blanks(s);
		if (s->p == s->end)
			return fail(s, "expected a value");
		closed = true;
		if (!(*s->p == '{' || *s->p == '[' ? scan_open(s, &closed) : scan_scalar(s)))
			return false;
		if (closed && !scan_close(s, &more))
			return false;
	}
	blanks(s);
	return s->p == s->end || fail(s, "more text behind the value");
}

int br_json__scan(struct br_slice text, const char *name, struct br_err *err)
{
	const char *p = text.len ? text.ptr : "";
	struct scan s = { .start = p, .p = p, .end = p + text.len };
	size_t valid;

	if (text.len > BR_MAX_JSON)
		return br_fail(err, BR_ETOOBIG, "%s: JSON is larger than %u bytes", name, BR_MAX_JSON);
	valid = br_utf8_valid(p, text.len);
	if (valid < text.len)
		return br_fail(err, BR_EINPUT, "%s: byte %zu: invalid UTF-8", name, valid);
	if (!scan_value(&s))
		return br_fail(err, BR_EINPUT, "%s: byte %zu: %s", name, (size_t)(s.p - s.start), s.bad);
	return 0;
}
