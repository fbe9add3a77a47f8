/*
 * The question's syntax: words, "exact phrases", -word, -"phrase", and field:value for the fields that filters know.
 * Everything else is words: a question is never refused for what it looks like. An option such as -k or --force is words, too:
 * only a single '-' before three or more letters, or before a quote, excludes.
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>

enum { EXCLUDE_MIN = 3 };

static const struct { const char *name, *filter; } fields[] = {
	{ "path:", "path~" }, { "file:", "path~" }, { "title:", "title~" }, { "type:", "type=" }, { "lang:", "lang=" },
	{ "after:", "date>=" }, { "before:", "date<" },
};

void question_release(struct question *q)
{
	br_buf_release(&q->plain);
	br_vec_release(&q->phrases);
	br_vec_release(&q->exclude);
	for (size_t i = 0; i < q->filter.n; i++)
		free(q->filter.v[i]);
	br_vec_release(&q->filter);
	free(q->copy);
	*q = (struct question){ 0 };
}

static void add_words(struct question *q, const char *p, size_t n)
{
	if (q->plain.len)
		br_buf_addc(&q->plain, ' ');
	br_buf_add(&q->plain, p, n);
}

/* p stands on a quote: the phrase up to the next one, or NULL when there is none. */
static const char *take_phrase(struct question *q, const char *p, bool exclude)
{
	const char *end = strchr(p + 1, '"');

	if (!end || end == p + 1)
		return NULL;
	*br_vec_push(&q->phrases) = (struct phrase){ br_slice(p + 1, (size_t)(end - p - 1)), exclude };
	if (!exclude)
		add_words(q, p + 1, (size_t)(end - p - 1));
	return end + 1;
}

static bool take_field(struct question *q, const char *p, size_t n)
{
	for (size_t i = 0; i < BR_COUNT(fields); i++) {
		size_t k = strlen(fields[i].name);
		if (n <= k || strncmp(p, fields[i].name, k) || isspace((unsigned char)p[k]) || p[k] == ':' || p[k] == '/')
			continue;
		if (fields[i].filter[strlen(fields[i].filter) - 1] == '~' && !memchr(p + k, '*', n - k))
			*br_vec_push(&q->filter) = br_sprintf("%s*%.*s*", fields[i].filter, (int)(n - k), p + k);
		else
			*br_vec_push(&q->filter) = br_sprintf("%s%.*s", fields[i].filter, (int)(n - k), p + k);
		return true;
	}
	return false;
}

static bool is_letter(char c) { return isalpha((unsigned char)c) || (c & 0x80); }

static size_t letters(const char *p, size_t n)
{
	size_t k = 0;

	while (k < n && is_letter(p[k]))
		k++;
	return k;
}

/* One part without white space at p; returns what follows. */
static const char *take_part(struct question *q, const char *p)
{
	const char *end = p, *after;

	while (*end && !isspace((unsigned char)*end))
		end++;
	if (*p == '"' && (after = take_phrase(q, p, false)))
		return after;
	if (*p == '-' && p[1] == '"' && (after = take_phrase(q, p + 1, true)))
		return after;
	if (*p == '-' && letters(p + 1, (size_t)(end - p - 1)) >= EXCLUDE_MIN) {
		*br_vec_push(&q->exclude) = br_slice(p + 1, (size_t)(end - p - 1));
		return end;
	}
	if (!take_field(q, p, (size_t)(end - p)))
		add_words(q, p, (size_t)(end - p));
	return end;
}

int question_parse(struct question *q, const char *text, bool plain, struct br_err *err)
{
	size_t n = strlen(text), bad = br_utf8_valid(text, n);

	br_buf_init(&q->plain, 2 * BR_MAX_QUERY);
	if (n > BR_MAX_QUERY)
		return br_fail(err, BR_ETOOBIG, "the question has more than %d bytes", BR_MAX_QUERY);
	if (bad != n)
		return br_fail(err, BR_EUSAGE, "the question is not valid UTF-8 (byte %zu)", bad);
	q->copy = br_strndup(text, n);
	if (plain)
		br_buf_adds(&q->plain, text);
	for (const char *p = q->copy; *p && !plain;) {
		if (isspace((unsigned char)*p))
			p++;
		else
			p = take_part(q, p);
	}
	if (q->plain.failed)
		return br_buf_check(&q->plain, "the question", err);
	if (!q->plain.len && !q->filter.n && !q->exclude.n)
		return br_fail(err, BR_EUSAGE, "the question is empty");
	return 0;
}
