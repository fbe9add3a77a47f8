/*
 * reST within a block: targets of `text <target>`_, names of :role:`text`, schemes of addresses become skip ranges.
 */
#include "internal.h"

enum { ROLE_MAX = 40 };

struct scan {
	struct br_extracted *e;
	const char *p;
	size_t begin, end;
	bool no_literal, no_text;       /* no further "``" or "`" */
};

/* ":py:func:" before the "`" at `at`: where it begins, or `at`. */
static size_t role_begin(const struct scan *s, size_t at)
{
	size_t i = at, least = at - BR_MIN(at - s->begin, (size_t)ROLE_MAX);

	if (i == s->begin || s->p[i - 1] != ':')
		return at;
	for (i--; i > least; i--) {
		char c = s->p[i - 1];
		if (c != ':' && c != '-' && c != '.' && c != '+' && c != '_' && !br_text__alpha(c) && !br_text__digit(c))
			break;
	}
	return s->p[i] == ':' && i + 2 < at ? i : at;
}

static size_t literal(struct scan *s, size_t at)
{
	const char *close = s->no_literal ? NULL : memmem(s->p + at + 2, s->end - at - 2, "``", 2);

	s->no_literal = !close;
	return close ? (size_t)(close - s->p) + 2 : at + 2;
}

static size_t interpreted(struct scan *s, size_t at)
{
	const char *close = s->no_text ? NULL : memchr(s->p + at + 1, '`', s->end - at - 1), *open;
	size_t n;

	s->no_text = !close;
	if (!close)
		return at + 1;
	br_text__skip(s->e, role_begin(s, at), at);
	n = (size_t)(close - s->p) - at - 1;
	if (n > 3 && close[-1] == '>' && (open = memrchr(s->p + at + 1, '<', n)) && open > s->p + at + 1)
		br_text__skip(s->e, (size_t)(open - s->p), (size_t)(close - s->p));
	return (size_t)(close - s->p) + 1;
}

void br_text__rst_inline(struct br_extracted *e, size_t off, size_t end)
{
	static const bool special[256] = { ['`'] = true, [':'] = true };
	struct scan s = { .e = e, .p = e->text.ptr, .begin = off, .end = end };

	for (size_t i = off; i < end;) {
		if (!special[(unsigned char)s.p[i]])
			i++;
		else if (s.p[i] == '`')
			i = i + 1 < end && s.p[i + 1] == '`' ? literal(&s, i) : interpreted(&s, i);
		else
			i = br_text__skip_address(e, off, i, end);
	}
}
