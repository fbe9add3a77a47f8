/*
 * writer - JSON straight into a buffer: a stack of open brackets instead of a tree.
 * A call at the wrong place (a value without a key inside an object, an end too many) is a mistake of ours and aborts;
 * a buffer over its limit shows in br_buf_check as everywhere.
 */
#include "br/json.h"

#include <math.h>
#include <stdio.h>

void br_json_init(struct br_json *j, struct br_buf *out, bool pretty)
{
	*j = (struct br_json){ .out = out, .pretty = pretty };
}

static void line(struct br_json *j)
{
	br_buf_addc(j->out, '\n');
	for (uint32_t i = 0; i < j->depth; i++)
		br_buf_adds(j->out, "  ");
}

/* The comma and the line in front of a member or element. */
static void member(struct br_json *j)
{
	bool *more = &j->more[j->depth - 1];

	if (*more)
		br_buf_addc(j->out, ',');
	*more = true;
	if (j->pretty)
		line(j);
}

/* What comes in front of a value: nothing behind a key or at the top. */
static void value(struct br_json *j)
{
	if (j->keyed) {
		j->keyed = false;
		return;
	}
	if (!j->depth)
		return;
	BR_ASSERT(j->open[j->depth - 1] == '[');
	member(j);
}

static void open_bracket(struct br_json *j, char c)
{
	value(j);
	BR_ASSERT(j->depth < BR_COUNT(j->open));
	j->open[j->depth] = c;
	j->more[j->depth++] = false;
	br_buf_addc(j->out, c);
}

void br_json_obj(struct br_json *j) { open_bracket(j, '{'); }
void br_json_arr(struct br_json *j) { open_bracket(j, '['); }

void br_json_end(struct br_json *j)
{
	bool more;

	BR_ASSERT(j->depth && !j->keyed);
	more = j->more[--j->depth];
	if (more && j->pretty)
		line(j);
	br_buf_addc(j->out, j->open[j->depth] == '{' ? '}' : ']');
}

/* ---- strings ---- */

static void escape(struct br_buf *out, unsigned char c)
{
	switch (c) {
	case '"':  br_buf_adds(out, "\\\""); break;
	case '\\': br_buf_adds(out, "\\\\"); break;
	case '\n': br_buf_adds(out, "\\n"); break;
	case '\t': br_buf_adds(out, "\\t"); break;
	case '\r': br_buf_adds(out, "\\r"); break;
	case '\b': br_buf_adds(out, "\\b"); break;
	case '\f': br_buf_adds(out, "\\f"); break;
	default:   br_buf_addf(out, "\\u%04x", c); break;
	}
}

/* Bytes at the front that need no change. */
static size_t plain_run(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		unsigned char c = (unsigned char)s[i];
		uint32_t cp;

		if (c < 0x80) {
			if (c < 0x20 || c == '"' || c == '\\')
				break;
			i++;
		} else {
			size_t k = br_utf8_next(&cp, s + i, n - i);

			if (k == 1)
				break; /* no valid character beyond ASCII has one byte */
			i += k;
		}
	}
	return i;
}

static void quoted(struct br_buf *out, const char *s, size_t n)
{
	br_buf_addc(out, '"');
	for (size_t i = 0; i < n; ) {
		size_t run = plain_run(s + i, n - i);

		br_buf_add(out, s + i, run);
		i += run;
		if (i == n)
			break;
		if ((unsigned char)s[i] < 0x80)
			escape(out, (unsigned char)s[i]);
		else
			br_buf_adds(out, "\xef\xbf\xbd");
		i++;
	}
	br_buf_addc(out, '"');
}

void br_json_key(struct br_json *j, const char *key)
{
	BR_ASSERT(j->depth && j->open[j->depth - 1] == '{' && !j->keyed);
	member(j);
	quoted(j->out, key, strlen(key));
	br_buf_adds(j->out, j->pretty ? ": " : ":");
	j->keyed = true;
}

void br_json_strn(struct br_json *j, const char *s, size_t n)
{
	value(j);
	quoted(j->out, s, n);
}

void br_json_str(struct br_json *j, const char *s)
{
	if (s)
		br_json_strn(j, s, strlen(s));
	else
		br_json_null(j);
}

/* ---- numbers and words ---- */

void br_json_raw(struct br_json *j, const char *s, size_t n)
{
	value(j);
	br_buf_add(j->out, s, n);
}

void br_json_int(struct br_json *j, int64_t v)
{
	value(j);
	br_buf_addf(j->out, "%lld", (long long)v);
}

void br_json_uint(struct br_json *j, uint64_t v)
{
	value(j);
	br_buf_addf(j->out, "%llu", (unsigned long long)v);
}

void br_json_num(struct br_json *j, double v, int decimals)
{
	char text[352]; /* 309 digits, point, 17 decimals, sign */
	size_t n;

	if (!isfinite(v)) {
		br_json_null(j);
		return;
	}
	n = (size_t)snprintf(text, sizeof text, "%.*f", BR_MIN(BR_MAX(decimals, 0), 17), v);
	if (memchr(text, '.', n)) {
		while (text[n - 1] == '0')
			n--;
		n -= text[n - 1] == '.';
	}
	if (n == 2 && text[0] == '-' && text[1] == '0')
		br_json_raw(j, "0", 1);
	else
		br_json_raw(j, text, n);
}

void br_json_bool(struct br_json *j, bool v) { br_json_raw(j, v ? "true" : "false", v ? 4 : 5); }
void br_json_null(struct br_json *j) { br_json_raw(j, "null", 4); }

/* ---- key and value ---- */

void br_json_kstr(struct br_json *j, const char *key, const char *s)
{
	br_json_key(j, key);
	br_json_str(j, s);
}

void br_json_kint(struct br_json *j, const char *key, int64_t v)
{
	br_json_key(j, key);
	br_json_int(j, v);
}

void br_json_kuint(struct br_json *j, const char *key, uint64_t v)
{
	br_json_key(j, key);
	br_json_uint(j, v);
}

void br_json_knum(struct br_json *j, const char *key, double v, int decimals)
{
	br_json_key(j, key);
	br_json_num(j, v, decimals);
}

void br_json_kbool(struct br_json *j, const char *key, bool v)
{
	br_json_key(j, key);
	br_json_bool(j, v);
}

void br_json_knull(struct br_json *j, const char *key)
{
	br_json_key(j, key);
	br_json_null(j);
}
