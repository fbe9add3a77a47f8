/*
 * AsciiDoc, read line by line. Lists nest by their markers, not by indentation; "+" attaches a paragraph to an item;
 * delimited blocks put a barrier on the stack, so that lists within them end with them.
 */
#include "internal.h"

#include <stdlib.h>

enum { DEPTH_MAX = 32, MARKER_MAX = 8, LEVEL_MAX = 8 };

struct level {
	char marker[MARKER_MAX];        /* item: "*", "..", "::"; barrier: the delimiter's character */
	uint32_t id;
	uint32_t len;                   /* barrier: length of the delimiter; item: 0 */
};

struct adoc {
	struct br_extracted *e;
	struct br_slice text;
	struct br_text__flow flow;
	struct level stack[DEPTH_MAX];
	uint32_t depth, next_id;

	bool open;              /* a paragraph is open */
	bool item;              /* it began with a list marker */
	bool terms;             /* it has nothing but terms of a labelled list so far */
	bool attached;          /* "+": the next block belongs to the item */
	bool after_attributes;  /* the line above was "[...]" */
	bool header;            /* which says that the table's first row is its header */
	size_t begin, end;
	char unclosed[8];       /* delimiters of verbatim blocks that have no further end */
};

/* ---- paragraphs ---- */

static int item_level(const struct adoc *a)
{
	int level = 0;

	for (uint32_t i = 0; i < a->depth; i++)
		level += !a->stack[i].len;
	return level;
}

static bool quoted(const struct adoc *a)
{
	for (uint32_t i = 0; i < a->depth; i++)
		if (a->stack[i].len && a->stack[i].marker[0] == '_')
			return true;
	return false;
}

/* The innermost item, beyond barriers too: what an open block within an item holds belongs to it. */
static uint32_t item_id(const struct adoc *a)
{
	for (uint32_t i = a->depth; i; i--)
		if (!a->stack[i - 1].len)
			return a->stack[i - 1].id;
	return 0;
}

static void close_paragraph(struct adoc *a)
{
	int level = item_level(a);
	struct br_text__span s = { level ? BR_BLOCK_LIST : quoted(a) ? BR_BLOCK_QUOTE : BR_BLOCK_PARA, level, a->begin, a->end };

	if (!a->open)
		return;
	a->open = a->item = a->terms = false;
	br_text__flow_add(&a->flow, a->e, item_id(a), s);
	br_text__adoc_inline(a->e, s.off, s.end);
}

static void open_paragraph(struct adoc *a, const struct br_text__line *l)
{
	close_paragraph(a);
	a->open = true;
	a->begin = l->first;
	a->end = l->end;
	a->attached = false;
}

/* ---- the stack ---- */

static uint32_t barrier(const struct adoc *a)
{
	uint32_t i = a->depth;

	while (i && !a->stack[i - 1].len)
		i--;
	return i;
}

static void push(struct adoc *a, const char *marker, size_t n, uint32_t len)
{
	struct level *l = &a->stack[a->depth];

	if (a->depth == DEPTH_MAX)
		return;
	*l = (struct level){ .id = ++a->next_id, .len = len };
	memcpy(l->marker, marker, BR_MIN(n, sizeof l->marker - 1));
	a->depth++;
}

static bool same_marker(const struct level *l, const char *marker, size_t n)
{
	n = BR_MIN(n, sizeof l->marker - 1);
	return !l->len && !memcmp(l->marker, marker, n) && !l->marker[n];
}

/* A marker that is open already ends the lists within it; a new one is a list within the innermost item. */
static void enter_item(struct adoc *a, const char *marker, size_t n)
{
	uint32_t from = barrier(a);

	for (uint32_t i = from; i < a->depth; i++) {
		if (same_marker(&a->stack[i], marker, n)) {
			a->depth = i;
			break;
		}
	}
	push(a, marker, n, 0);
}

/* ---- headings ---- */

static void add_heading(struct adoc *a, int level, size_t off, size_t end)
{
	close_paragraph(a);
	a->depth = 0;
	a->attached = false;
	if (br_text__block(a->e, BR_BLOCK_HEADING, level, off, end))
		br_text__adoc_inline(a->e, off, end);
}

/* "== Words" */
static bool one_line_heading(struct adoc *a, const struct br_text__line *l)
{
	size_t i = l->first, end = l->end;

	while (i < end && l->p[i] == '=')
		i++;
	if (i == l->first || i - l->first > 6 || i >= end || l->p[i] != ' ')
		return false;
	add_heading(a, (int)(i - l->first), i, end);
	return true;
}

/* Words over a line of one character and about their length: where to go on, 0 if it is none. */
static size_t two_line_heading(struct adoc *a, const struct br_text__line *l)
{
	static const char chars[] = "=-~^+";
	struct br_text__line under;
	uint32_t width, n;
	char c = 0;

	if (l->indent || !br_text__line(&under, a->text, l->next) || under.indent || !br_text__line_rule(&under, 2, &c) || !strchr(chars, c))
		return 0;
	width = br_text__columns(l->p + l->first, br_text__line_len(l));
	n = br_text__line_len(&under);
	if (n > width + 1 || n + 1 < width || (!br_text__wordy(l->p[l->first]) && !br_text__wordy(l->p[l->end - 1])))
		return 0;
	if (width > 1 && strchr("*-.", l->p[l->first]) && l->p[l->first + 1] == ' ')
		return 0;
	/* Four dashes also open a listing, for which a line before would end with a colon. */
	if (n == 4 && l->p[l->end - 1] == ':')
		return 0;
	add_heading(a, (int)(strchr(chars, c) - chars) + 1, l->first, l->end);
	return under.next;
}

/* ---- delimited blocks ---- */

/* The end of the block that `l` opens: the line that equals it. */
static bool find_close(const struct adoc *a, const struct br_text__line *l, struct br_text__line *close)
{
	uint32_t n = br_text__line_len(l);

	for (size_t at = l->next; br_text__line(close, a->text, at); at = close->next)
		if (br_text__line_len(close) == n && !memcmp(close->p + close->first, l->p + l->first, n))
			return true;
	return false;
}

static bool verbatim_delimiter(const struct br_text__line *l, char *c)
{
	*c = l->p[l->first];
	if (br_text__starts(l, "```"))
		return true;
	if (br_text__is(l, "|===") || br_text__is(l, ",===") || br_text__is(l, "!==="))
		return true;
	return strchr("-.+/", *c) && br_text__line_rule(l, 4, c);
}

/* The header of a table is its first row when its attributes say so or a blank line follows. */
static size_t table_head(const struct adoc *a, const struct br_text__line *l, size_t end)
{
	struct br_text__line row, after;

	if (!br_text__line(&row, a->text, l->next) || br_text__line_blank(&row) || row.end >= end)
		return 0;
	return a->header || (br_text__line(&after, a->text, row.next) && br_text__line_blank(&after)) ? row.end : 0;
}

/* Listings, literals, passthroughs, comments, tables: where to go on, 0 if `l` opens none. */
static size_t verbatim(struct adoc *a, const struct br_text__line *l)
{
	struct br_text__line close;
	struct br_block *b;
	char c;

	if (!verbatim_delimiter(l, &c) || strchr(a->unclosed, c))
		return 0;
	if (c == '`' ? !find_close(a, &(struct br_text__line){ .p = l->p, .first = l->first, .end = l->first + 3, .next = l->next }, &close)
	             : !find_close(a, l, &close)) {
		a->unclosed[strlen(a->unclosed)] = c;
		return 0;
	}
	close_paragraph(a);
	if (c == '/') {
		br_text__skip(a->e, l->first, close.end);
	} else if (strchr("|,!", c)) {
		size_t head = table_head(a, l, close.off);
		b = br_text__block(a->e, BR_BLOCK_TABLE, 0, l->first, close.end);
		if (b && head)
			b->head_len = (uint32_t)(head - b->off);
		br_text__adoc_inline(a->e, l->first, close.end);
	} else {
		br_text__block(a->e, BR_BLOCK_CODE, 0, l->first, close.end);
	}
	a->attached = a->header = false;
	return close.next;
}

static bool compound_delimiter(const struct br_text__line *l)
{
	char c = 0;

	return br_text__is(l, "--") || (br_text__line_rule(l, 4, &c) && strchr("=*_", c));
}

/* Example, sidebar, quote, open block: their text is read like any other, up to the same delimiter. */
static bool compound(struct adoc *a, const struct br_text__line *l)
{
	uint32_t n = br_text__line_len(l);

	if (!compound_delimiter(l))
		return false;
	close_paragraph(a);
	for (uint32_t i = a->depth; i; i--) {
		if (a->stack[i - 1].len == n && a->stack[i - 1].marker[0] == l->p[l->first]) {
			a->depth = i - 1;
			a->attached = true;
			return true;
		}
	}
	if (!a->attached)
		a->depth = barrier(a);
	push(a, l->p + l->first, 1, n);
	a->attached = false;
	return true;
}

/* ---- lines that are no text ---- */

/* "ifdef::x[]", "include::x[]": done before anything else is read, so they may stand anywhere. */
static bool preprocessor(struct adoc *a, const struct br_text__line *l)
{
	static const char *const names[] = { "include::", "ifdef::", "ifndef::", "endif::", "ifeval::" };
	const char *p = l->p + l->first, *bracket;

	if (l->indent || !strchr("ie", p[0]))
		return false;
	for (size_t i = 0; i < BR_COUNT(names); i++) {
		if (!br_text__starts(l, names[i]) || !(bracket = memchr(p, '[', br_text__line_len(l))) || l->p[l->end - 1] != ']')
			continue;
		/* "ifdef::x[text]" shows its text; the brackets of the others are for programs. */
		if (i != 1 && i != 2)
			bracket = l->p + l->end;
		br_text__skip(a->e, l->first, (size_t)(bracket - l->p));
		if (bracket + 2 < l->p + l->end && a->open)
			a->end = l->end;
		else if (bracket + 2 < l->p + l->end)
			br_text__block(a->e, BR_BLOCK_PARA, 0, (size_t)(bracket - l->p) + 1, l->end - 1);
		return true;
	}
	return false;
}

static bool comment(const struct br_text__line *l)
{
	return !l->indent && br_text__starts(l, "//") && !(br_text__line_len(l) > 2 && l->p[l->first + 2] == '/');
}

/* ":name: value" and ":!name:" */
static bool attribute_entry(const struct br_text__line *l)
{
	size_t i = l->first + 1;

	if (l->indent || l->p[l->first] != ':')
		return false;
	i += i < l->end && l->p[i] == '!';
	if (i >= l->end || !br_text__wordy(l->p[i]))
		return false;
	while (i < l->end && (br_text__wordy(l->p[i]) || l->p[i] == '-' || l->p[i] == '_' || l->p[i] == '!'))
		i++;
	return i < l->end && l->p[i] == ':' && (i + 1 == l->end || l->p[i + 1] == ' ');
}

/* "[verse]", "[[anchor]]", "[cols=...]" */
static bool block_attributes(const struct br_text__line *l)
{
	const char *p = l->p + l->first;
	uint32_t n = br_text__line_len(l);

	if (l->indent || n < 2 || p[0] != '[' || p[n - 1] != ']')
		return false;
	return n == 2 || br_text__alpha(p[1]) || strchr("[#.%\",'", p[1]);
}

/* ---- lists ---- */

/* "* ", "..", "1. ", "<1> ": the length of the marker and what it is called on the stack. */
static size_t bullet(const struct br_text__line *l, const char **marker, size_t *marker_len)
{
	const char *p = l->p + l->first;
	size_t n = br_text__line_len(l), i = 1;

	*marker = p;
	if (strchr("*.-", p[0])) {
		while (i < n && p[i] == p[0])
			i++;
		*marker_len = i;
		return i < n && i < MARKER_MAX && p[i] == ' ' && !(p[0] == '-' && i > 1) ? i : 0;
	}
	i = p[0] == '<';
	while (i < n && i < 6 && (br_text__digit(p[i]) || (i == 0 && br_text__alpha(p[i]) && n > 1 && p[1] == '.')))
		i++;
	if (i == (p[0] == '<') || i + 1 >= n || p[i] != (p[0] == '<' ? '>' : '.') || p[i + 1] != ' ')
		return 0;
	*marker = p[0] == '<' ? "<" : "1";
	*marker_len = 1;
	return i + 1;
}

/* "term::" or "term:: text": the offset of the colons and how many, 0 if it is none. */
static size_t label(const struct br_text__line *l, size_t *n_out)
{
	size_t i = l->first, n;
	const char *c;

	if (l->end - l->first > 2 && l->p[l->end - 1] == ';' && l->p[l->end - 2] == ';') {
		*n_out = 2;
		return l->end - 2;
	}
	while (i < l->end && (c = memchr(l->p + i, ':', l->end - i))) {
		i = (size_t)(c - l->p);
		for (n = 1; i + n < l->end && l->p[i + n] == ':'; n++)
			;
		if (n >= 2 && n <= 4 && i > l->first && (i + n == l->end || br_text__blank(l->p[i + n]))) {
			*n_out = n;
			return i;
		}
		i += n;
	}
	return 0;
}

static bool starts_item(struct adoc *a, const struct br_text__line *l)
{
	const char *marker;
	size_t n = 0, colons;
	bool more_terms = a->open && a->terms;

	if (bullet(l, &marker, &n)) {
		close_paragraph(a);
		enter_item(a, marker, n);
		open_paragraph(a, l);
		a->item = true;
		return true;
	}
	colons = label(l, &n);
	if (!colons)
		return false;
	if (more_terms && a->depth && same_marker(&a->stack[a->depth - 1], l->p + colons, n)) {
		a->end = l->end;
	} else {
		close_paragraph(a);
		enter_item(a, l->p + colons, n);
		open_paragraph(a, l);
	}
	a->item = true;
	a->terms = colons + n == l->end;
	return true;
}

/* ---- lines ---- */

/* An indented paragraph outside lists is shown as it stands. */
static size_t literal_paragraph(struct adoc *a, const struct br_text__line *first)
{
	struct br_text__line l;
	size_t end = first->end, at = first->next;

	for (; br_text__line(&l, a->text, at) && !br_text__line_blank(&l); at = l.next)
		end = l.end;
	br_text__block(a->e, BR_BLOCK_CODE, 0, first->off, end);
	return at;
}

/* A line within a paragraph, which is not the first of anything. */
static bool continues(struct adoc *a, const struct br_text__line *l)
{
	char c = l->p[l->first];

	if (br_text__punct(c) && (br_text__is(l, "+") || verbatim_delimiter(l, &c) || compound_delimiter(l)))
		return false;
	if (item_level(a) && !a->terms && block_attributes(l) && !a->after_attributes)
		return false;
	if (item_level(a) && starts_item(a, l))
		return true;
	a->end = l->end;
	a->terms = false;
	return true;
}

/* The first line of a block, after a blank line or another block. */
static size_t start_block(struct adoc *a, const struct br_text__line *l)
{
	bool after_attributes = a->after_attributes;
	size_t next;
	char c;

	a->after_attributes = false;
	if (br_text__is(l, "+")) {
		a->attached = true;
		return l->next;
	}
	if (attribute_entry(l) || (!after_attributes && block_attributes(l))) {
		a->after_attributes = l->p[l->first] == '[' && l->p[l->first + 1] != '[';
		a->header = memmem(l->p + l->first, br_text__line_len(l), "header", 6) != NULL;
		br_text__skip(a->e, l->first, l->end);
		return l->next;
	}
	if (one_line_heading(a, l))
		return l->next;
	if ((next = two_line_heading(a, l)) || (next = verbatim(a, l)))
		return next;
	if (verbatim_delimiter(l, &c) || compound(a, l) || starts_item(a, l))
		return l->next;
	if (!a->attached && !l->indent)
		a->depth = barrier(a);
	if (l->indent && !item_level(a))
		return literal_paragraph(a, l);
	open_paragraph(a, l);
	return l->next;
}

static size_t read_line(struct adoc *a, const struct br_text__line *l)
{
	if (br_text__line_blank(l)) {
		if (!a->terms)
			close_paragraph(a);
		return l->next;
	}
	if (comment(l)) {
		br_text__skip(a->e, l->first, l->end);
		return l->next;
	}
	if (preprocessor(a, l))
		return l->next;
	if (a->open && continues(a, l))
		return l->next;
	close_paragraph(a);
	return start_block(a, l);
}

static void find_title(struct br_extracted *e)
{
	const struct br_block *b = e->blocks.v;
	size_t i = 0;

	while (i < e->blocks.n && b[i].kind != BR_BLOCK_HEADING)
		i++;
	if (i < e->blocks.n && (!i || b[i].level == 1))
		br_text__title_range(e, b[i].off, b[i].off + b[i].len);
	br_text__title_man(e);
}

int br_read_asciidoc(struct br_extracted *out, const char *name, struct br_err *err)
{
	struct adoc *a = br_alloc(sizeof *a);
	struct br_text__line l;
	size_t at = 0;

	(void)name, (void)err;
	a->e = out;
	a->text = br_buf_slice(&out->text);
	while (br_text__line(&l, a->text, at))
		at = read_line(a, &l);
	close_paragraph(a);
	br_text__finish(out);
	find_title(out);
	free(a);
	return 0;
}
