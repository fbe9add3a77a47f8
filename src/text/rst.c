/*
 * reStructuredText, read line by line and forgiving: what docutils would refuse is a paragraph here. Containers
 * (list items, definitions, bodies of directives) are told by indentation and kept on a stack.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { DEPTH_MAX = 32, STYLES_MAX = 16, HEADING_MAX = 250, NAME_MAX_LEN = 40 };

struct container {
	uint32_t least;         /* lines indented by at least this many columns belong to it */
	uint32_t base;          /* directive: indentation of its body, UINT32_MAX before that is known */
	uint32_t marker;        /* item: column of its marker */
	uint32_t id;
	bool item;              /* list item or definition */
};

struct style { char c; bool over; };

struct rst {
	struct br_extracted *e;
	struct br_slice text;
	struct br_text__flow flow;
	struct container stack[DEPTH_MAX];
	uint32_t depth, next_id;
	struct style styles[STYLES_MAX];        /* of headings, in order of first use */
	int n_styles;

	bool open;              /* a paragraph is open */
	size_t begin, end;      /* its range */
	uint32_t indent;        /* its lines are indented by at least this much */
	uint32_t lines;
	uint32_t text_column;   /* where the words of its first line begin: a literal block after it is deeper */
	bool marked;            /* its first line began with a list marker */

	bool literal;           /* the last paragraph ended with "::" */
	uint32_t literal_indent;
};

/* ---- containers ---- */

static void leave(struct rst *r, uint32_t indent)
{
	while (r->depth && indent < r->stack[r->depth - 1].least)
		r->depth--;
}

static void enter(struct rst *r, struct container c)
{
	if (r->depth == DEPTH_MAX)
		return;
	c.id = ++r->next_id;
	r->stack[r->depth++] = c;
}

static int item_level(const struct rst *r)
{
	int level = 0;

	for (uint32_t i = 0; i < r->depth; i++)
		level += r->stack[i].item;
	return level;
}

/* ---- paragraphs ---- */

static void close_paragraph(struct rst *r)
{
	const struct container *top = r->depth ? &r->stack[r->depth - 1] : NULL;
	int level = item_level(r);
	struct br_text__span s = { BR_BLOCK_PARA, level, r->begin, r->end };

	if (!r->open)
		return;
	r->open = false;
	if (level)
		s.kind = BR_BLOCK_LIST;
	else if (r->indent > (top ? top->base : 0))
		s.kind = BR_BLOCK_QUOTE;
	br_text__flow_add(&r->flow, r->e, top && top->item ? top->id : 0, s);
	br_text__rst_inline(r->e, s.off, s.end);
	r->literal = s.end - s.off >= 2 && !memcmp(r->text.ptr + s.end - 2, "::", 2);
	r->literal_indent = r->text_column;
}

static void open_paragraph(struct rst *r, const struct br_text__line *l, size_t begin, uint32_t indent)
{
	r->open = true;
	r->begin = begin;
	r->end = l->end;
	r->indent = r->text_column = indent;
	r->lines = 1;
	r->marked = false;
}

/* ---- indented bodies ---- */

/* After the lines that follow `l` and are blank or indented by more than `indent`; *begin and *end are those with text. */
static size_t body(const struct rst *r, size_t at, uint32_t indent, size_t *begin, size_t *end)
{
	struct br_text__line l;
	size_t next = at;

	*begin = *end = at;
	while (br_text__line(&l, r->text, at) && (br_text__line_blank(&l) || l.indent > indent)) {
		at = l.next;
		if (br_text__line_blank(&l))
			continue;
		if (*begin == *end)
			*begin = l.off;
		*end = l.end;
		next = l.next;
	}
	return next;
}

static size_t literal_block(struct rst *r, const struct br_text__line *l)
{
	size_t begin, end, next = body(r, l->off, r->literal_indent, &begin, &end);

	r->literal = false;
	br_text__block(r->e, BR_BLOCK_CODE, 0, begin, end);
	return next;
}

/* ---- headings ---- */

static int heading_level(struct rst *r, char c, bool over)
{
	int i = 0;

	while (i < r->n_styles && (r->styles[i].c != c || r->styles[i].over != over))
		i++;
	if (i == r->n_styles && i < STYLES_MAX)
		r->styles[r->n_styles++] = (struct style){ c, over };
	return BR_MIN(i + 1, 8);
}

static size_t add_heading(struct rst *r, const struct br_text__line *words, const struct br_text__line *under, char c, bool over)
{
	int level = heading_level(r, c, over);

	r->depth = 0;
	r->literal = false;
	if (br_text__block(r->e, BR_BLOCK_HEADING, level, words->first, words->end))
		br_text__rst_inline(r->e, words->first, words->end);
	return under->next;
}

/* Words with a line of punctuation of about their length below, and perhaps the same above. 0: none. */
static size_t heading(struct rst *r, const struct br_text__line *l)
{
	struct br_text__line second, third;
	uint32_t width;
	char c = 0, o = 0;

	if (l->indent || !br_text__line(&second, r->text, l->next) || br_text__line_blank(&second) || second.end - second.first > HEADING_MAX * 4u)
		return 0;
	if (br_text__line_rule(l, 3, &o)) {
		width = br_text__columns(second.p + second.first, br_text__line_len(&second));
		if (width + second.indent > br_text__line_len(l) + 2 || !br_text__line(&third, r->text, second.next) || third.indent)
			return 0;
		if (br_text__line_rule(&second, 1, &c) || !br_text__line_rule(&third, 3, &o))
			return 0;
		return add_heading(r, &second, &third, o, true);
	}
	if (second.indent || !br_text__line_rule(&second, 2, &c))
		return 0;
	width = br_text__columns(l->p + l->first, br_text__line_len(l));
	if (width > HEADING_MAX || br_text__line_len(&second) < BR_MIN(width, 4u) || br_text__line_len(&second) + 3 < width)
		return 0;
	return add_heading(r, l, &second, c, false);
}

/* ---- tables ---- */

static bool grid_border(const struct br_text__line *l)
{
	return br_text__starts(l, "+-") || br_text__starts(l, "+=");
}

static size_t grid_table(struct rst *r, const struct br_text__line *first)
{
	struct br_text__line l = *first;
	size_t end = first->end, head = 0, next = first->next;
	struct br_block *b;

	while (br_text__line(&l, r->text, next) && !br_text__line_blank(&l) && strchr("+|", l.p[l.first])) {
		end = l.end;
		next = l.next;
		if (!head && br_text__starts(&l, "+="))
			head = l.end;
	}
	b = br_text__block(r->e, BR_BLOCK_TABLE, 0, first->first, end);
	if (b && head)
		b->head_len = (uint32_t)(head - b->off);
	br_text__rst_inline(r->e, first->first, end);
	return next;
}

/* "=====  ===  ==" with at least two columns. */
static bool simple_border(const struct br_text__line *l)
{
	const char *p = l->p + l->first;
	uint32_t n = br_text__line_len(l);

	if (n < 3 || p[0] != '=' || !memchr(p, ' ', n))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (p[i] != '=' && p[i] != ' ')
			return false;
	return true;
}

/* Ends at the border that is followed by a blank line, or at the third. 0: not closed. */
static size_t simple_table(struct rst *r, const struct br_text__line *first)
{
	struct br_text__line l, after;
	size_t head = 0;
	struct br_block *b;

	for (size_t at = first->next; br_text__line(&l, r->text, at); at = l.next) {
		if (!simple_border(&l))
			continue;
		if (!head && br_text__line(&after, r->text, l.next) && !br_text__line_blank(&after)) {
			head = l.end;
			continue;
		}
		b = br_text__block(r->e, BR_BLOCK_TABLE, 0, first->first, l.end);
		if (b && head)
			b->head_len = (uint32_t)(head - b->off);
		br_text__rst_inline(r->e, first->first, l.end);
		return l.next;
	}
	return 0;
}

/* ---- explicit markup: ".. something" ---- */

enum directive { ADMONITION, CODE_BODY, TABLE_BODY, DEFINITION, HIDDEN };

static enum directive directive_kind(const char *p, size_t n)
{
	static const struct { const char *name; enum directive kind; } known[] = {
		{ "code-block", CODE_BODY }, { "code", CODE_BODY }, { "sourcecode", CODE_BODY }, { "parsed-literal", CODE_BODY },
		{ "math", CODE_BODY }, { "productionlist", CODE_BODY }, { "doctest", CODE_BODY }, { "testcode", CODE_BODY },
		{ "testoutput", CODE_BODY }, { "testsetup", CODE_BODY }, { "graphviz", CODE_BODY }, { "prompt", CODE_BODY }, { "highlight", HIDDEN },
		{ "list-table", TABLE_BODY }, { "csv-table", TABLE_BODY },
		{ "function", DEFINITION }, { "class", DEFINITION }, { "method", DEFINITION }, { "attribute", DEFINITION }, { "data", DEFINITION },
		{ "exception", DEFINITION }, { "describe", DEFINITION }, { "option", DEFINITION }, { "cmdoption", DEFINITION }, { "envvar", DEFINITION },
		{ "confval", DEFINITION }, { "macro", DEFINITION }, { "type", DEFINITION }, { "var", DEFINITION }, { "member", DEFINITION },
		{ "struct", DEFINITION }, { "staticmethod", DEFINITION }, { "classmethod", DEFINITION }, { "property", DEFINITION },
		{ "toctree", HIDDEN }, { "contents", HIDDEN }, { "raw", HIDDEN }, { "include", HIDDEN }, { "literalinclude", HIDDEN },
		{ "meta", HIDDEN }, { "index", HIDDEN }, { "currentmodule", HIDDEN }, { "module", HIDDEN }, { "default-role", HIDDEN },
		{ "role", HIDDEN }, { "sectnum", HIDDEN }, { "target-notes", HIDDEN }, { "image", HIDDEN }, { "automodule", HIDDEN },
	};
	const char *colon = memrchr(p, ':', n);    /* "py:function" */

	if (colon) {
		n -= (size_t)(colon + 1 - p);
		p = colon + 1;
	}
	for (size_t i = 0; i < BR_COUNT(known); i++)
		if (strlen(known[i].name) == n && !strncasecmp(known[i].name, p, n))
			return known[i].kind;
	return ADMONITION;
}

/* ":name: value" */
static bool field(const struct br_text__line *l)
{
	const char *p = l->p + l->first, *end = l->p + l->end, *close;

	if (end - p < 3 || p[0] != ':' || p[1] == ':' || br_text__blank(p[1]) || p[1] == '`')
		return false;
	close = memchr(p + 1, ':', (size_t)(end - p - 1));
	while (close && close + 1 < end && close[1] != ' ' && close[1] != '\t' && close[1] != '`')
		close = memchr(close + 1, ':', (size_t)(end - close - 1));
	return close && (close + 1 == end || close[1] != '`');
}

static size_t options(struct rst *r, size_t at, uint32_t indent)
{
	struct br_text__line l;

	while (br_text__line(&l, r->text, at) && !br_text__line_blank(&l) && l.indent > indent && field(&l)) {
		br_text__skip(r->e, l.first, l.end);
		at = l.next;
	}
	return at;
}

/* Bodies that are one block: code, tables given as lists, or nothing for readers. */
static size_t whole_body(struct rst *r, const struct br_text__line *l, enum directive kind, size_t args)
{
	size_t at = l->next, begin, end, next;

	if (kind != HIDDEN)
		at = options(r, at, l->indent);
	next = body(r, at, l->indent, &begin, &end);
	if (kind == HIDDEN) {
		br_text__skip(r->e, l->first, begin == end ? l->end : end);
		return BR_MAX(next, at);
	}
	if (kind == TABLE_BODY)
		br_text__block(r->e, BR_BLOCK_PARA, 0, args, l->end);
	else
		br_text__skip(r->e, args, l->end);
	br_text__block(r->e, kind == TABLE_BODY ? BR_BLOCK_TABLE : BR_BLOCK_CODE, 0, begin, end);
	return BR_MAX(next, at);
}

static size_t directive(struct rst *r, const struct br_text__line *l, size_t name, size_t colons)
{
	enum directive kind = directive_kind(l->p + name, colons - name);
	size_t args = colons + 2;
	struct container c = { .least = l->indent + 1, .base = UINT32_MAX, .marker = UINT32_MAX, .item = kind == DEFINITION };

	br_text__skip(r->e, l->first, BR_MIN(args, (size_t)l->end));
	while (args < l->end && br_text__blank(l->p[args]))
		args++;
	if (kind == CODE_BODY || kind == TABLE_BODY || kind == HIDDEN)
		return whole_body(r, l, kind, args);
	enter(r, c);
	if (args >= l->end)
		return options(r, l->next, l->indent);
	open_paragraph(r, l, args, l->indent + 1);
	r->marked = true;
	return options(r, l->next, l->indent);
}

/* Where "name::" begins and its colons stand, from `at`; false if there is no such thing. */
static bool directive_name(const struct br_text__line *l, size_t *at, size_t *colons)
{
	size_t i = *at;

	if (i < l->end && l->p[i] == '|') {
		const char *bar = memchr(l->p + i + 1, '|', l->end - i - 1);
		if (!bar)
			return false;
		for (i = (size_t)(bar - l->p) + 1; i < l->end && l->p[i] == ' '; i++)
			;
	}
	*at = i;
	while (i < l->end && i - *at < NAME_MAX_LEN && (br_text__wordy(l->p[i]) || strchr("-_+.", l->p[i]) ||
	                                               (l->p[i] == ':' && i + 1 < l->end && l->p[i + 1] != ':')))
		i++;
	*colons = i;
	return i > *at && i + 1 < l->end && l->p[i] == ':' && l->p[i + 1] == ':' && (i + 2 == l->end || l->p[i + 2] == ' ');
}

static size_t hide(struct rst *r, const struct br_text__line *l)
{
	size_t begin, end, next = body(r, l->next, l->indent, &begin, &end);

	br_text__skip(r->e, l->first, begin == end ? l->end : end);
	return next;
}

static size_t explicit_markup(struct rst *r, const struct br_text__line *l)
{
	size_t at = l->first + 2, colons;
	struct br_text__line next;

	while (at < l->end && br_text__blank(l->p[at]))
		at++;
	/* ".." before a blank line ends what is above and takes nothing. */
	if (at >= l->end && (!br_text__line(&next, r->text, l->next) || br_text__line_blank(&next)))
		return l->next;
	if (at < l->end && l->p[at] == '[') {
		enter(r, (struct container){ .least = l->indent + 1, .base = UINT32_MAX, .marker = UINT32_MAX });
		open_paragraph(r, l, l->first, l->indent + 1);
		r->marked = true;
		return l->next;
	}
	if (at < l->end && l->p[at] != '_' && directive_name(l, &at, &colons))
		return directive(r, l, at, colons);
	return hide(r, l);
}

/* ---- list items ---- */

static bool marker_follows(const struct br_text__line *l, size_t i)
{
	return i == l->end || l->p[i] == ' ' || l->p[i] == '\t';
}

/* Offset after the marker, 0 if there is none. */
static size_t list_marker(const struct br_text__line *l)
{
	const char *p = l->p;
	size_t i = l->first;
	bool paren = p[i] == '(';

	if (strchr("-*+", p[i]) || !strncmp(p + i, "\xe2\x80\xa2", 3)) {
		i += p[i] & 0x80 ? 3 : 1;
		return marker_follows(l, i) && i < l->end ? i : 0;
	}
	i += paren;
	if (i < l->end && (p[i] == '#' || br_text__alpha(p[i])))
		i++;
	else
		while (i < l->end && i < l->first + 5 && br_text__digit(p[i]))
			i++;
	if (i == l->first + paren || i + 1 >= l->end || (p[i] != ')' && (paren || p[i] != '.')))
		return 0;
	return marker_follows(l, i + 1) ? i + 1 : 0;
}

static void open_item(struct rst *r, const struct br_text__line *l, size_t after)
{
	uint32_t width = (uint32_t)(after - l->first);
	struct container c = { .least = l->indent + (after ? BR_MIN(width, 2u) : 1), .marker = l->indent, .item = true };

	enter(r, c);
	open_paragraph(r, l, l->first, c.least);
	r->marked = true;
	while (after && after < l->end && br_text__blank(l->p[after]))
		after++;
	if (after)
		r->text_column = l->indent + (uint32_t)(after - l->first);
}

/* ---- lines ---- */

/* The line goes on with the open paragraph? A deeper second line makes a definition of the first. */
static bool continues(struct rst *r, const struct br_text__line *l)
{
	const struct container *top = r->depth ? &r->stack[r->depth - 1] : NULL;

	if (l->indent < r->indent || (top && top->item && l->indent == top->marker && r->marked))
		return false;
	if (!r->marked && r->lines == 1 && l->indent > r->indent) {
		enter(r, (struct container){ .least = r->indent + 1, .marker = UINT32_MAX, .item = true });
		r->indent++;
		r->text_column = l->indent;
		r->marked = true;
	}
	r->end = l->end;
	r->lines++;
	return true;
}

static size_t start_line(struct rst *r, const struct br_text__line *l)
{
	size_t after;
	char c = 0;

	leave(r, l->indent);
	if (r->depth && r->stack[r->depth - 1].base == UINT32_MAX)
		r->stack[r->depth - 1].base = l->indent;
	if (l->p[l->first] == '.' && br_text__starts(l, "..") && (br_text__line_len(l) == 2 || br_text__blank(l->p[l->first + 2])))
		return explicit_markup(r, l);
	if (grid_border(l))
		return grid_table(r, l);
	if (simple_border(l) && (after = simple_table(r, l)))
		return after;
	if (br_text__is(l, "::")) {
		r->literal = true;
		r->literal_indent = l->indent;
		return l->next;
	}
	if (br_text__line_rule(l, 4, &c))
		return l->next;
	if (br_text__starts(l, "__ ")) {
		br_text__skip(r->e, l->first, l->end);
		return l->next;
	}
	if ((after = list_marker(l)) || field(l))
		open_item(r, l, after);
	else
		open_paragraph(r, l, l->first, l->indent);
	return l->next;
}

static size_t doctest(struct rst *r, const struct br_text__line *first)
{
	struct br_text__line l;
	size_t end = first->end, at = first->next;

	for (; br_text__line(&l, r->text, at) && !br_text__line_blank(&l); at = l.next)
		end = l.end;
	br_text__block(r->e, BR_BLOCK_CODE, 0, first->off, end);
	return at;
}

static size_t read_line(struct rst *r, const struct br_text__line *l)
{
	size_t next;

	if (br_text__line_blank(l)) {
		close_paragraph(r);
		return l->next;
	}
	if (r->open && continues(r, l))
		return l->next;
	close_paragraph(r);
	if (r->literal && l->indent > r->literal_indent)
		return literal_block(r, l);
	r->literal = false;
	if ((next = heading(r, l)))
		return next;
	if (br_text__starts(l, ">>> "))
		return doctest(r, l);
	return start_line(r, l);
}

/* ---- head of the file ---- */

/* "Title: x" as in mail; gives the value. */
static struct br_slice header_value(const struct br_text__line *l, const char *key)
{
	size_t n = strlen(key), i = l->first + n;

	if (!br_text__starts(l, key))
		return br_slice("", 0);
	while (i < l->end && br_text__blank(l->p[i]))
		i++;
	return br_slice(l->p + i, l->end - i);
}

static bool header_line(const struct br_text__line *l)
{
	uint32_t i = l->first;

	if (l->indent || l->p[i] < 'A' || l->p[i] > 'Z')
		return false;
	while (i < l->end && (br_text__wordy(l->p[i]) || l->p[i] == '-'))
		i++;
	return i + 1 < l->end && l->p[i] == ':' && l->p[i + 1] == ' ';
}

/* The header of a Python Enhancement Proposal: lines as in mail up to a blank one. */
static size_t read_header(struct rst *r)
{
	struct br_slice number = { 0 }, title = { 0 };
	struct br_text__line l;
	char words[BR_MAX_TITLE];
	size_t at = 0, lines = 0;
	int n;

	for (; br_text__line(&l, r->text, at) && !br_text__line_blank(&l) && (header_line(&l) || (at && l.indent)); at = l.next, lines++) {
		number = number.len ? number : header_value(&l, "PEP:");
		title = title.len ? title : header_value(&l, "Title:");
	}
	if (lines < 3 || !title.len)
		return 0;
	br_text__block(r->e, BR_BLOCK_PARA, 0, 0, at);
	br_text__rst_inline(r->e, 0, at);
	n = snprintf(words, sizeof words, number.len ? "PEP %.*s: %.*s" : "%.*s%.*s", (int)BR_MIN(number.len, (size_t)8), number.ptr,
		(int)BR_MIN(title.len, (size_t)BR_MAX_TITLE), title.ptr);
	br_text__title(r->e, words, BR_MIN((size_t)n, sizeof words - 1));
	return at;
}

static void find_title(struct br_extracted *e)
{
	const struct br_block *b = e->blocks.v;
	size_t i = 0, tops = 0;

	while (i < e->blocks.n && b[i].kind != BR_BLOCK_HEADING)
		i++;
	for (size_t j = i; j < e->blocks.n && tops < 2; j++)
		tops += b[j].kind == BR_BLOCK_HEADING && b[j].level == 1;
	if (!e->title && i < e->blocks.n && (!i || tops == 1))
		br_text__title_range(e, b[i].off, b[i].off + b[i].len);
	br_text__title_man(e);
}

int br_read_rst(struct br_extracted *out, const char *name, struct br_err *err)
{
	struct rst *r = br_alloc(sizeof *r);
	struct br_text__line l;
	size_t at;

	(void)name, (void)err;
	r->e = out;
	r->text = br_buf_slice(&out->text);
	for (at = read_header(r); br_text__line(&l, r->text, at);)
		at = read_line(r, &l);
	close_paragraph(r);
	br_text__finish(out);
	find_title(out);
	free(r);
	return 0;
}
