/*
 * AsciiDoc within a block: targets of links and cross references, names of macros and schemes become skip ranges.
 */
#include "internal.h"

enum { MACRO_MAX = 12, TARGET_MAX = 250 };

/* Begin of the word that ends before the colon at `at`. */
static size_t word_begin(const char *p, size_t off, size_t at)
{
	size_t i = at;

	while (i > off && at - i < MACRO_MAX && br_text__alpha(p[i - 1]))
		i--;
	return i;
}

/* "link:target[text]" without its target when there is text; "linkgit:git-add[1]" without its name. */
static size_t macro(struct br_extracted *e, size_t off, size_t colon, size_t end)
{
	static const char *const names[] = { "link", "xref", "image", "mailto", "anchor" };
	const char *p = e->text.ptr;
	size_t begin = word_begin(p, off, colon), n = colon - begin, i = colon + 1, stop = BR_MIN(end, colon + TARGET_MAX);

	if (n == 7 && (!memcmp(p + begin, "linkgit", 7) || !memcmp(p + begin, "gitlink", 7))) {
		br_text__skip(e, begin, colon + 1);
		return colon + 1;
	}
	for (size_t k = 0; k < BR_COUNT(names); k++) {
		if (n != strlen(names[k]) || memcmp(p + begin, names[k], n))
			continue;
		while (i < stop && p[i] != '[' && !br_text__blank(p[i]))
			i++;
		if (i + 1 >= stop || p[i] != '[')
			return colon + 1;
		br_text__skip(e, begin, p[i + 1] == ']' ? colon + 1 : i + 1);
		return i + 1;
	}
	return br_text__skip_address(e, off, colon, end);
}

/* "<<anchor,words>>": the anchor; without words it stays. */
static size_t cross_reference(struct br_extracted *e, size_t at, size_t end)
{
	const char *p = e->text.ptr;
	size_t i = at + 2, stop = BR_MIN(end, at + TARGET_MAX);

	while (i < stop && p[i] != ',' && p[i] != '>' && p[i] != '<' && !br_text__blank(p[i]))
		i++;
	if (i < stop && p[i] == ',')
		br_text__skip(e, at, i + 1);
	return i;
}

/* "[[anchor]]" */
static size_t anchor(struct br_extracted *e, size_t at, size_t end)
{
	const char *p = e->text.ptr;
	size_t i = at + 2, stop = BR_MIN(end, at + TARGET_MAX);

	while (i < stop && p[i] != ']' && p[i] != '[' && p[i] != '\n')
		i++;
	if (i + 1 >= stop || p[i] != ']' || p[i + 1] != ']')
		return at + 2;
	br_text__skip(e, at, i + 2);
	return i + 2;
}

void br_text__adoc_inline(struct br_extracted *e, size_t off, size_t end)
{
	static const bool special[256] = { [':'] = true, ['<'] = true, ['['] = true };
	const char *p = e->text.ptr;

	for (size_t i = off; i < end;) {
		if (!special[(unsigned char)p[i]])
			i++;
		else if (p[i] == ':')
			i = macro(e, off, i, end);
		else if (p[i] == '<' && i + 1 < end && p[i + 1] == '<')
			i = cross_reference(e, i, end);
		else if (p[i] == '[' && i + 1 < end && p[i + 1] == '[')
			i = anchor(e, i, end);
		else
			i++;
	}
}
