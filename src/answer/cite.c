/*
 * Citations of a stream: "[n]" is passed on when n is a passage that was given, else removed with the space before it. From a "["
 * on text is held back until it is clear what it is, at most BR_CITE_HOLD bytes; a space is held until it is known what follows.
 */
#include "internal.h"

#include <ctype.h>

static int put(struct br_cite_filter *f, const char *text, size_t n)
{
	return n ? f->out(text, n, f->arg) : 0;
}

static int flush(struct br_cite_filter *f)
{
	size_t n = f->n;

	f->n = 0;
	return put(f, f->held, n);
}

/* What is held may still become " [12, 3]". */
static bool may_be_citation(const struct br_cite_filter *f)
{
	size_t i = 0;

	while (i < f->n && f->held[i] == ' ')
		i++;
	if (i == f->n)
		return true;
	if (f->held[i++] != '[')
		return false;
	for (; i < f->n; i++)
		if (!isdigit((unsigned char)f->held[i]) && !strchr(", ", f->held[i]))
			return false;
	return true;
}

static bool given(const struct br_cite_filter *f, uint32_t n) { return n >= 1 && n <= f->passages && n <= BR_MAX_TOP; }

/* f->held is " [1, 9" and its "]" has come: what of it stays is written as "[1][2]". */
static int settle(struct br_cite_filter *f)
{
	char keep[2 * BR_CITE_HOLD + 16];
	size_t spaces = 0, n = 0;
	uint32_t numbers = 0, kept = 0;

	while (f->held[spaces] == ' ' && spaces < f->n)
		spaces++;
	for (size_t i = spaces + 1; i < f->n;) {
		uint32_t number = 0;
		size_t digits = 0;
		for (; i < f->n && isdigit((unsigned char)f->held[i]); i++, digits++)
			number = number > BR_MAX_TOP ? number : number * 10 + (uint32_t)(f->held[i] - '0');
		if (!digits) {
			i++;
			continue;
		}
		numbers++;
		if (!given(f, number)) {
			f->removed++;
			continue;
		}
		kept++;
		f->seen[number / 64] |= 1ull << (number % 64);
		n += (size_t)__builtin_snprintf(keep + n, sizeof keep - n, "[%u]", number);
	}
	if (!numbers) { /* "[]", "[ ]": no citation */
		f->held[f->n++] = ']';
		return flush(f);
	}
	f->n = 0;
	if (kept && put(f, "                                                                ", spaces))
		return 1;
	return put(f, keep, n);
}

/* *again: c was not taken; it begins a run. A character of several bytes must not be torn. */
static int push_byte(struct br_cite_filter *f, char c, bool *again)
{
	bool open = f->n && memchr(f->held, '[', f->n);
	int rc;

	if (c == ']' && open && may_be_citation(f))
		return settle(f);
	if (f->n == sizeof f->held - 1 && (rc = flush(f)))
		return rc;
	f->held[f->n++] = c;
	if (may_be_citation(f))
		return 0;
	f->n--;
	*again = true;
	return flush(f);
}

/* Runs that cannot be part of a citation go on in one piece. */
int br_cite_push(struct br_cite_filter *f, const char *text, size_t n)
{
	size_t i = 0, from;
	bool again;
	int rc;

	while (i < n) {
		for (from = i; i < n && !f->n && (f->code || (text[i] != ' ' && text[i] != '[')); i++)
			f->code ^= text[i] == '`';
		if (i > from && (rc = put(f, text + from, i - from)))
			return rc;
		again = false;
		if (i < n && (rc = push_byte(f, text[i], &again)))
			return rc;
		i += i < n && !again;
	}
	return 0;
}

int br_cite_end(struct br_cite_filter *f)
{
	return flush(f);
}
