/*
 * Markdown within a block: what is not for readers (link targets, tags, entities, comments) becomes skip ranges.
 * One pass; each search that fails is remembered, so that hostile input stays linear.
 */
#include "internal.h"

enum { RUN_MAX = 32, PARENS_MAX = 32, LABEL_MAX = 200, ENTITY_MAX = 10 };

struct scan {
	struct br_extracted *e;
	const char *p;
	size_t begin, end;
	uint32_t no_closer;     /* bit n: no further run of n backticks */
	bool no_comment_end;
	uint32_t brackets;      /* open "[" */
};

static size_t run_length(const struct scan *s, size_t at)
{
	size_t n = 1;

	while (at + n < s->end && s->p[at + n] == s->p[at])
		n++;
	return n;
}

/* `code`: links and tags in it are none. */
static size_t code_span(struct scan *s, size_t at)
{
	size_t n = run_length(s, at), i = at + n;
	const char *next;

	if (n >= RUN_MAX || (s->no_closer & 1u << n))
		return i;
	while (i < s->end && (next = memchr(s->p + i, '`', s->end - i))) {
		size_t m;
		i = (size_t)(next - s->p);
		m = run_length(s, i);
		i += m;
		if (m == n)
			return i;
	}
	s->no_closer |= 1u << n;
	return at + n;
}

static size_t blanks(const struct scan *s, size_t at)
{
	while (at < s->end && br_text__blank(s->p[at]))
		at++;
	return at;
}

/* The end of a link target that begins at `at`, 0 if it is none. */
static size_t target_end(const struct scan *s, size_t at)
{
	size_t depth = 0, i = at;

	if (i < s->end && s->p[i] == '<') {
		for (i++; i < s->end && s->p[i] != '>'; i++)
			if (s->p[i] == '\n' || s->p[i] == '<')
				return 0;
		return i < s->end ? i + 1 : 0;
	}
	for (; i < s->end && !br_text__blank(s->p[i]); i++) {
		if (s->p[i] == '\\' && i + 1 < s->end && br_text__punct(s->p[i + 1]))
			i++;
		else if (s->p[i] == '(' && ++depth > PARENS_MAX)
			return 0;
		else if (s->p[i] == ')' && depth-- == 0)
			break;
	}
	return i;
}

/* "](target "title")": the target is left out, the title stays. */
static size_t link_target(struct scan *s, size_t close)
{
	size_t begin = blanks(s, close + 2), end = target_end(s, begin), after;

	if (!end)
		return close + 2;
	after = blanks(s, end);
	if (after >= s->end || (s->p[after] != ')' && (after == end || !strchr("\"'(", s->p[after]))))
		return close + 2;
	end = s->p[after] == ')' ? after + 1 : end;
	br_text__skip(s->e, close, end);
	return end;
}

/* "][label]" */
static size_t link_label(struct scan *s, size_t close)
{
	size_t i = close + 2, stop = BR_MIN(s->end, close + LABEL_MAX);

	while (i < stop && s->p[i] != ']' && s->p[i] != '[')
		i++;
	if (i >= stop || s->p[i] != ']')
		return close + 1;
	br_text__skip(s->e, close, i + 1);
	return i + 1;
}

static size_t close_bracket(struct scan *s, size_t at)
{
	char next = at + 1 < s->end ? s->p[at + 1] : 0;

	if (!s->brackets)
		return at + 1;
	s->brackets--;
	return next == '(' ? link_target(s, at) : next == '[' ? link_label(s, at) : at + 1;
}

static size_t comment(struct scan *s, size_t at)
{
	const char *stop = s->no_comment_end ? NULL : memmem(s->p + at, s->end - at, "-->", 3);
	size_t end;

	if (!stop) {
		s->no_comment_end = true;
		return at + 4;
	}
	end = (size_t)(stop - s->p) + 3;
	br_text__skip(s->e, at, end);
	return end;
}

static size_t angle(struct scan *s, size_t at)
{
	struct br_text__tag tag;

	if (s->end - at >= 4 && !memcmp(s->p + at, "<!--", 4))
		return comment(s, at);
	if (!br_text__html_tag(&tag, s->p, at, s->end) || !tag.end)
		return at + 1;
	br_text__skip(s->e, at, tag.end);
	return tag.end;
}

/* "&lt;" and the like would put "lt" among the words. */
static size_t entity(struct scan *s, size_t at)
{
	size_t i = at + 1, stop = BR_MIN(s->end, at + ENTITY_MAX);

	if (i < stop && s->p[i] == '#')
		i++;
	while (i < stop && (br_text__alpha(s->p[i]) || br_text__digit(s->p[i])))
		i++;
	if (i >= stop || s->p[i] != ';' || i < at + 3)
		return at + 1;
	br_text__skip(s->e, at, i + 1);
	return i + 1;
}

static size_t step(struct scan *s, size_t at)
{
	switch (s->p[at]) {
	case '`':
		return code_span(s, at);
	case '\\':
		return at + 2;
	case '[':
		s->brackets++;
		return at + 1;
	case ']':
		return close_bracket(s, at);
	case '<':
		return angle(s, at);
	case '&':
		return entity(s, at);
	default:
		return br_text__skip_address(s->e, s->begin, at, s->end);
	}
}

void br_text__markdown_inline(struct br_extracted *e, size_t off, size_t end)
{
	static const bool special[256] = { ['`'] = true, ['\\'] = true, ['['] = true, [']'] = true, ['<'] = true, ['&'] = true, [':'] = true };
	struct scan s = { .e = e, .p = e->text.ptr, .begin = off, .end = end };
	size_t i = off;

	while (i < end) {
		if (special[(unsigned char)s.p[i]])
			i = step(&s, i);
		else
			i++;
	}
}
