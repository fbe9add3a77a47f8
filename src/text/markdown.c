/*
 * Markdown's block structure by CommonMark's rules plus tables, as ranges of the source. Written here instead of taken
 * from md4c, which tells no source positions of blocks; a test compares the two.
 * One pass over the lines. Containers (quotes, list items) are a stack; the leaf is the block that is open inside them.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { DEPTH_MAX = 64, REF_LABEL_MAX = 1000 };

struct container {
	uint32_t indent;        /* list item: columns its lines are indented by; quote: 0 */
	uint32_t id;            /* which one, over the whole document */
	bool quote;
	bool empty;             /* item whose first line has nothing after its marker */
};

enum leaf_kind { NO_LEAF, PARA, FENCE, INDENTED, TABLE, HTML };
enum html_end { HTML_RAW, HTML_COMMENT, HTML_PI, HTML_DECL, HTML_CDATA, HTML_BLANK };

struct md {
	struct br_extracted *e;
	struct br_slice text;
	const char *p;
	struct container stack[DEPTH_MAX];
	uint32_t depth, next_id;
	struct br_text__flow flow;

	/* the line */
	size_t line, stop, next;        /* first byte, newline, first byte of the next line */
	size_t begin;                   /* its first byte that is not white space */
	size_t at;                      /* read up to here */
	uint32_t col;                   /* column of `at`; inside a tab that is partly used up */

	/* the open leaf */
	enum leaf_kind leaf;
	size_t leaf_begin, leaf_end;
	size_t leaf_last;               /* first byte of its last line's own content */
	size_t leaf_last_line;          /* where that line begins, markers of containers included */
	uint32_t leaf_lines;
	char fence;
	uint32_t fence_len;
	enum html_end html;
	char html_name[12];
	size_t head_end;                /* table: after its delimiter row */
};

/* ---- reading a line ---- */

static uint32_t indent_at(const struct md *m, size_t *first)
{
	uint32_t col = m->col;
	size_t i = m->at;

	for (; i < m->stop && (m->p[i] == ' ' || m->p[i] == '\t'); i++)
		col = m->p[i] == ' ' ? col + 1 : (col | 3) + 1;
	*first = i;
	return col - m->col;
}

static void advance(struct md *m, uint32_t columns)
{
	while (columns && m->at < m->stop) {
		uint32_t width = m->p[m->at] == '\t' ? (m->col | 3) + 1 - m->col : 1;
		if (width > columns) {
			m->col += columns;
			return;
		}
		m->col += width;
		m->at++;
		columns -= width;
	}
}

static bool rest_blank(const struct md *m, size_t i)
{
	while (i < m->stop && br_text__blank(m->p[i]))
		i++;
	return i >= m->stop;
}

static bool begin_line(struct md *m, size_t off)
{
	const char *nl;

	if (off >= m->text.len)
		return false;
	nl = memchr(m->p + off, '\n', m->text.len - off);
	m->line = m->at = off;
	m->col = 0;
	m->stop = nl ? (size_t)(nl - m->p) : m->text.len;
	m->next = nl ? m->stop + 1 : m->stop;
	for (m->begin = off; m->begin < m->stop && br_text__blank(m->p[m->begin]); m->begin++)
		;
	return true;
}

/* ---- adding blocks ---- */

static uint32_t innermost(const struct md *m) { return m->depth ? m->stack[m->depth - 1].id : 0; }

static int item_level(const struct md *m)
{
	int level = 0;

	for (uint32_t i = 0; i < m->depth; i++)
		level += !m->stack[i].quote;
	return level;
}

/* Running text: its kind is that of its containers. */
static void add_text(struct md *m, size_t off, size_t end)
{
	int level = item_level(m);
	struct br_text__span s = { level ? BR_BLOCK_LIST : m->depth ? BR_BLOCK_QUOTE : BR_BLOCK_PARA, level, off, end };

	if (off >= end)
		return;
	br_text__flow_add(&m->flow, m->e, innermost(m), s);
	br_text__markdown_inline(m->e, off, end);
}

/* "{#anchor}" at the end of a heading's words. */
static size_t without_anchor(const struct md *m, size_t off, size_t end)
{
	const char *open;

	if (end - off < 4 || m->p[end - 1] != '}' || !(open = memrchr(m->p + off, '{', end - off)) || (open[1] != '#' && open[1] != ':'))
		return end;
	br_text__skip(m->e, (size_t)(open - m->p), end);
	end = (size_t)(open - m->p);
	while (end > off && br_text__blank(m->p[end - 1]))
		end--;
	return end;
}

static void add_heading(struct md *m, int level, size_t line, size_t off, size_t end)
{
	while (end > off && br_text__blank(m->p[end - 1]))
		end--;
	br_text__skip(m->e, line, off);
	if (br_text__block(m->e, BR_BLOCK_HEADING, level, off, without_anchor(m, off, end)))
		br_text__markdown_inline(m->e, off, end);
}

/* ---- closing the leaf ---- */

static size_t line_end(const struct md *m, size_t off)
{
	const char *nl = memchr(m->p + off, '\n', m->text.len - off);

	return nl ? (size_t)(nl - m->p) : m->text.len;
}

/* "[label]: target" at off: the offset after the line, 0 if it is no definition. Footnotes "[^1]:" are text. */
static size_t ref_definition(const struct md *m, size_t off, size_t end)
{
	size_t i = off, stop = BR_MIN(end, off + REF_LABEL_MAX);

	while (i < end && (br_text__blank(m->p[i]) || m->p[i] == '>'))
		i++;
	if (i + 1 >= end || m->p[i] != '[' || m->p[i + 1] == '^' || m->p[i + 1] == ']')
		return 0;
	for (i++; i < stop && m->p[i] != ']' && m->p[i] != '['; i++)
		i += m->p[i] == '\\';
	if (i + 2 >= end || m->p[i] != ']' || m->p[i + 1] != ':')
		return 0;
	for (i += 2; i < end && (m->p[i] == ' ' || m->p[i] == '\t'); i++)
		;
	return i < end && m->p[i] != '\n' ? BR_MIN(line_end(m, i), end) : 0;
}

static void close_paragraph(struct md *m, size_t end)
{
	size_t off = m->leaf_begin, after;

	while (off < end && (after = ref_definition(m, off, end))) {
		br_text__skip(m->e, off, after);
		for (off = after; off < end && br_text__blank(m->p[off]); off++)
			;
	}
	add_text(m, off, end);
}

static void close_table(struct md *m)
{
	struct br_block *b = br_text__block(m->e, BR_BLOCK_TABLE, 0, m->leaf_begin, m->leaf_end);

	if (!b)
		return;
	b->head_len = (uint32_t)(BR_MIN(m->head_end, (size_t)b->off + b->len) - b->off);
	br_text__markdown_inline(m->e, m->leaf_begin, m->leaf_end);
}

static void close_html(struct md *m)
{
	size_t off = m->leaf_begin, end = m->leaf_end;

	if (m->html == HTML_COMMENT && !m->e->title)
		br_text__title_json(m->e, m->p + off, end - off);
	if (m->html == HTML_RAW && !strcmp(m->html_name, "pre"))
		br_text__block(m->e, BR_BLOCK_CODE, 0, off, end);
	else if (m->html == HTML_BLANK && !strcmp(m->html_name, "table"))
		br_text__block(m->e, BR_BLOCK_TABLE, 0, off, end);
	else if (m->html == HTML_BLANK || m->html == HTML_CDATA || !strcmp(m->html_name, "textarea"))
		add_text(m, off, end);
	else
		br_text__skip(m->e, off, end);
	br_text__markdown_inline(m->e, off, end);
}

static void close_leaf(struct md *m)
{
	enum leaf_kind leaf = m->leaf;

	m->leaf = NO_LEAF;
	if (leaf == PARA)
		close_paragraph(m, m->leaf_end);
	else if (leaf == FENCE || leaf == INDENTED)
		br_text__block(m->e, BR_BLOCK_CODE, 0, m->leaf_begin, m->leaf_end);
	else if (leaf == TABLE)
		close_table(m);
	else if (leaf == HTML)
		close_html(m);
}

static void open_leaf(struct md *m, enum leaf_kind kind)
{
	close_leaf(m);
	m->leaf = kind;
	m->leaf_begin = m->begin;
	m->leaf_lines = 0;
}

static void add_line(struct md *m)
{
	m->leaf_end = m->stop;
	m->leaf_last = m->at;
	m->leaf_last_line = m->begin;
	m->leaf_lines++;
}

static void pop_to(struct md *m, uint32_t depth)
{
	if (depth == m->depth)
		return;
	close_leaf(m);
	m->depth = depth;
}

/* ---- what a line may begin with; `i` is its first byte that is not white space ---- */

static bool thematic_break(const struct md *m, size_t i)
{
	char c = m->p[i];
	uint32_t n = 0;

	if (c != '*' && c != '-' && c != '_')
		return false;
	for (; i < m->stop; i++) {
		if (m->p[i] == c)
			n++;
		else if (!br_text__blank(m->p[i]))
			return false;
	}
	return n >= 3;
}

static int atx_level(const struct md *m, size_t i)
{
	int level = 0;

	while (i < m->stop && m->p[i] == '#' && level < 7)
		i++, level++;
	return level && level < 7 && (i == m->stop || br_text__blank(m->p[i])) ? level : 0;
}

static uint32_t fence_length(const struct md *m, size_t i)
{
	char c = m->p[i];
	size_t n = i;

	if (c != '`' && c != '~')
		return 0;
	while (n < m->stop && m->p[n] == c)
		n++;
	if (n - i < 3 || (c == '`' && memchr(m->p + n, '`', m->stop - n)))
		return 0;
	return (uint32_t)(n - i);
}

/* "=" or "-" alone: the level of the heading that the paragraph above becomes. */
static int setext_level(const struct md *m, size_t i)
{
	char c = m->p[i];

	if (c != '=' && c != '-')
		return 0;
	while (i < m->stop && m->p[i] == c)
		i++;
	return rest_blank(m, i) ? (c == '=' ? 1 : 2) : 0;
}

/* Bytes of a list marker at i, 0 if there is none. */
static uint32_t list_marker(const struct md *m, size_t i, bool in_paragraph)
{
	size_t n = i;

	if (strchr("-+*", m->p[i])) {
		n++;
	} else {
		while (n < m->stop && n - i < 9 && br_text__digit(m->p[n]))
			n++;
		if (n == i || n >= m->stop || (m->p[n] != '.' && m->p[n] != ')'))
			return 0;
		if (in_paragraph && (n - i != 1 || m->p[i] != '1'))
			return 0;
		n++;
	}
	if (n < m->stop && m->p[n] != ' ' && m->p[n] != '\t')
		return 0;
	return in_paragraph && rest_blank(m, n) ? 0 : (uint32_t)(n - i);
}

static bool html_start(struct md *m, size_t i, bool in_paragraph)
{
	struct br_text__tag tag;
	size_t left = m->stop - i;
	const char *p = m->p + i;

	m->html_name[0] = 0;
	if (p[0] != '<' || left < 3)
		return false;
	if (p[1] == '?' || p[1] == '!') {
		m->html = p[1] == '?' ? HTML_PI : left >= 4 && p[2] == '-' && p[3] == '-' ? HTML_COMMENT :
		          left >= 9 && !memcmp(p, "<![CDATA[", 9) ? HTML_CDATA : HTML_DECL;
		return p[1] == '?' || m->html != HTML_DECL || br_text__alpha(p[2]);
	}
	if (!br_text__html_tag(&tag, m->p, i, m->stop))
		return false;
	m->html = HTML_BLANK;
	if (!tag.closing && (!strcmp(tag.name, "script") || !strcmp(tag.name, "pre") || !strcmp(tag.name, "style") || !strcmp(tag.name, "textarea")))
		m->html = HTML_RAW;
	memcpy(m->html_name, tag.name, sizeof tag.name);
	return tag.block || (!in_paragraph && tag.end && rest_blank(m, tag.end));
}

static bool starts_other_leaf(struct md *m, size_t i)
{
	return thematic_break(m, i) || atx_level(m, i) || fence_length(m, i) || html_start(m, i, true);
}

/* ---- containers ---- */

/* How many of the open containers this line belongs to; reads past their markers. */
static uint32_t match_containers(struct md *m)
{
	uint32_t n = 0;

	for (; n < m->depth; n++) {
		struct container *c = &m->stack[n];
		size_t first;
		uint32_t indent = indent_at(m, &first);

		if (c->quote) {
			if (indent > 3 || first >= m->stop || m->p[first] != '>')
				break;
			advance(m, indent + 1);
			if (m->at < m->stop && (m->p[m->at] == ' ' || m->p[m->at] == '\t'))
				advance(m, 1);
		} else if (rest_blank(m, first)) {
			if (c->empty)
				break;
		} else if (indent >= c->indent) {
			advance(m, c->indent);
		} else {
			break;
		}
		c->empty = false;
	}
	return n;
}

static void push(struct md *m, struct container c)
{
	close_leaf(m);
	c.id = ++m->next_id;
	m->stack[m->depth++] = c;
}

static void open_item(struct md *m, uint32_t indent, uint32_t marker)
{
	struct container c = { 0 };
	size_t first;
	uint32_t space;

	advance(m, indent + marker);
	space = indent_at(m, &first);
	c.empty = rest_blank(m, first);
	if (c.empty || space > 4)
		space = 1;
	c.indent = indent + marker + space;
	push(m, c);
	advance(m, space);
}

/* New quotes and items on this line, after the `matched` old ones. True if there were any. */
static bool open_containers(struct md *m, uint32_t matched)
{
	bool opened = false;

	while (m->depth < DEPTH_MAX || matched < m->depth) {
		size_t first;
		uint32_t indent = indent_at(m, &first), marker;
		bool in_paragraph = !opened && m->leaf == PARA && matched == m->depth;

		if (indent > 3 || rest_blank(m, first))
			break;
		if (m->p[first] == '>') {
			pop_to(m, opened ? m->depth : matched);
			advance(m, indent + 1);
			if (m->at < m->stop && (m->p[m->at] == ' ' || m->p[m->at] == '\t'))
				advance(m, 1);
			push(m, (struct container){ .quote = true });
		} else if (!thematic_break(m, first) && !(in_paragraph && setext_level(m, first)) &&
		           (marker = list_marker(m, first, in_paragraph))) {
			pop_to(m, opened ? m->depth : matched);
			open_item(m, indent, marker);
		} else {
			break;
		}
		opened = true;
		matched = m->depth;
	}
	return opened;
}

/* ---- leaves that take more lines ---- */

static bool closes_fence(const struct md *m, size_t i, uint32_t indent)
{
	size_t n = i;

	while (n < m->stop && m->p[n] == m->fence)
		n++;
	return indent < 4 && n - i >= m->fence_len && rest_blank(m, n);
}

static bool closes_html(const struct md *m)
{
	static const char *const ends[] = { [HTML_COMMENT] = "-->", [HTML_PI] = "?>", [HTML_DECL] = ">", [HTML_CDATA] = "]]>" };
	char raw[16] = "</";

	if (m->html == HTML_BLANK)
		return false;
	if (m->html != HTML_RAW)
		return memmem(m->p + m->at, m->stop - m->at, ends[m->html], strlen(ends[m->html])) != NULL;
	strcat(raw, m->html_name);
	for (size_t i = m->at, n = strlen(raw); i + n <= m->stop; i++)
		if (m->p[i] == '<' && !strncasecmp(m->p + i, raw, n))
			return true;
	return false;
}

/* "<h2 id=x>Words</h2>" on a line of its own is a heading. */
static bool html_heading(struct md *m, size_t i)
{
	struct br_text__tag open, close;
	const char *lt;

	if (m->p[i] != '<' || i + 2 >= m->stop || (m->p[i + 1] | 32) != 'h' || !br_text__html_tag(&open, m->p, i, m->stop) || !open.end)
		return false;
	if (open.closing || open.name[0] != 'h' || !br_text__digit(open.name[1]))
		return false;
	lt = memrchr(m->p + open.end, '<', m->stop - open.end);
	if (!lt || !br_text__html_tag(&close, m->p, (size_t)(lt - m->p), m->stop) || strcmp(open.name, close.name) || !rest_blank(m, close.end))
		return false;
	close_leaf(m);
	br_text__skip(m->e, m->begin, open.end);
	add_heading(m, open.name[1] - '0', open.end, open.end, (size_t)(lt - m->p));
	br_text__skip(m->e, (size_t)(lt - m->p), m->stop);
	return true;
}

static void html_line(struct md *m)
{
	if (m->html == HTML_BLANK && html_heading(m, m->begin))
		return;
	if (m->leaf != HTML)
		open_leaf(m, HTML);
	add_line(m);
	if (closes_html(m))
		close_leaf(m);
}

/* Fences and raw HTML take lines whatever is in them. True if the line is done. */
static bool take_verbatim(struct md *m)
{
	size_t first;
	uint32_t indent = indent_at(m, &first);

	if (m->leaf == FENCE) {
		add_line(m);
		if (closes_fence(m, first, indent))
			close_leaf(m);
		return true;
	}
	if (m->leaf != HTML || (m->html == HTML_BLANK && rest_blank(m, first)))
		return false;
	html_line(m);
	return true;
}

/* ---- tables ---- */

/* Cells of a row: its parts between "|", those at its ends not counted. */
static uint32_t cells(const struct md *m, size_t off, size_t end)
{
	uint32_t n = 1;

	while (off < end && br_text__blank(m->p[off]))
		off++;
	while (end > off && br_text__blank(m->p[end - 1]))
		end--;
	if (off < end && m->p[off] == '|')
		off++;
	if (end > off && m->p[end - 1] == '|' && !(end - off > 1 && m->p[end - 2] == '\\'))
		end--;
	for (size_t i = off; i < end; i++) {
		if (m->p[i] == '\\')
			i++;
		else
			n += m->p[i] == '|';
	}
	return n;
}

static bool delimiter_row(const struct md *m, size_t i)
{
	bool dash = false, bar = false;

	for (; i < m->stop; i++) {
		if (m->p[i] == '-')
			dash = true;
		else if (m->p[i] == '|')
			bar = true;
		else if (m->p[i] != ':' && !br_text__blank(m->p[i]))
			return false;
	}
	return dash && bar;
}

/* The paragraph's last line and this one open a table; what the paragraph has above stays one. */
static bool begin_table(struct md *m, size_t i)
{
	size_t head = m->leaf_last_line;

	if (!strchr("|:-", m->p[i]) || !delimiter_row(m, i) || cells(m, m->leaf_last, m->leaf_end) != cells(m, i, m->stop))
		return false;
	if (m->leaf_lines > 1)
		close_paragraph(m, head);
	m->leaf = TABLE;
	m->leaf_begin = head;
	m->head_end = m->stop;
	add_line(m);
	return true;
}

/* ---- lines ---- */

static void setext_heading(struct md *m, int level)
{
	size_t off = m->leaf_begin, after;

	while (off < m->leaf_end && (after = ref_definition(m, off, m->leaf_end))) {
		br_text__skip(m->e, off, after);
		for (off = after; off < m->leaf_end && br_text__blank(m->p[off]); off++)
			;
	}
	m->leaf = NO_LEAF;
	/* The markers of containers stand before the first line of the paragraph only, as far as headings go. */
	while (off < m->leaf_last && m->depth && m->leaf_lines == 1)
		off++;
	add_heading(m, level, m->leaf_begin, off, m->leaf_end);
}

static void atx_heading(struct md *m, size_t i, int level)
{
	size_t off = i + (size_t)level, end = m->stop;

	close_leaf(m);
	while (off < end && br_text__blank(m->p[off]))
		off++;
	while (end > off && br_text__blank(m->p[end - 1]))
		end--;
	for (i = end; i > off && m->p[i - 1] == '#'; i--)
		;
	if (i == off || br_text__blank(m->p[i - 1]))
		end = i;
	add_heading(m, level, m->begin, off, end);
}

static bool paragraph_ends_as_heading(struct md *m, size_t i)
{
	int level = m->leaf == PARA ? setext_level(m, i) : 0;

	if (level)
		setext_heading(m, level);
	return level != 0;
}

static void text_line(struct md *m, size_t i)
{
	m->at = i;
	if (m->leaf == PARA && begin_table(m, i))
		return;
	if (m->leaf != PARA && m->leaf != TABLE)
		open_leaf(m, PARA);
	add_line(m);
}

/* What stands after the containers' markers, not blank. */
static void read_leaf(struct md *m, size_t i, uint32_t indent)
{
	int level;
	uint32_t n;

	if (indent > 3 && m->leaf != PARA) {
		if (m->leaf != INDENTED)
			open_leaf(m, INDENTED);
		add_line(m);
	} else if (indent > 3) {
		text_line(m, i);
	} else if (paragraph_ends_as_heading(m, i)) {
		return;
	} else if ((level = atx_level(m, i))) {
		atx_heading(m, i, level);
	} else if ((n = fence_length(m, i))) {
		open_leaf(m, FENCE);
		m->fence = m->p[i];
		m->fence_len = n;
		add_line(m);
	} else if (thematic_break(m, i)) {
		close_leaf(m);
		} else if (html_start(m, i, m->leaf == PARA)) {
		m->at = i;
		html_line(m);
	} else {
		if (m->leaf == INDENTED)
			close_leaf(m);
		text_line(m, i);
	}
}

static void blank_line(struct md *m, uint32_t matched)
{
	if (m->leaf != INDENTED)
		close_leaf(m);
	/* A blank line belongs to every item, but to no quote. */
	pop_to(m, matched);
}

static void read_line(struct md *m)
{
	uint32_t matched = match_containers(m), indent;
	size_t first;
	bool opened;

	if (matched == m->depth && take_verbatim(m))
		return;
	indent_at(m, &first);
	if (rest_blank(m, first)) {
		blank_line(m, matched);
		return;
	}
	opened = open_containers(m, matched);
	indent = indent_at(m, &first);
	if (rest_blank(m, first))
		return;
	if (!opened && matched < m->depth) {
		if (m->leaf == PARA && (indent > 3 || !starts_other_leaf(m, first))) {
			m->at = first;
			add_line(m);
			return;
		}
		pop_to(m, matched);
	}
	read_leaf(m, first, indent);
}

/* ---- titles ---- */

/* "Feature Name: x" or "Title: x" in the first line of the first block. */
static void title_from_label(struct md *m, const struct br_block *b)
{
	static const char *const labels[] = { "Feature Name:", "Title:" };
	const char *p = m->p + b->off, *end = p + b->len, *nl = memchr(p, '\n', b->len);

	end = nl ? nl : end;
	while (p < end && !br_text__wordy(*p))
		p++;
	for (size_t i = 0; i < BR_COUNT(labels); i++) {
		size_t n = strlen(labels[i]);
		if ((size_t)(end - p) <= n || strncasecmp(p, labels[i], n))
			continue;
		for (p += n; p < end && br_text__blank(*p); p++)
			;
		if (p < end && *p != '(' && strncasecmp(p, "n/a", 3) && strncasecmp(p, "none", 4))
			br_text__title_range(m->e, (size_t)(p - m->p), (size_t)(end - m->p));
		return;
	}
}

/* The first heading if nothing stands above it, or if no other has level 1. */
static void title_from_heading(struct md *m)
{
	const struct br_block *b = m->e->blocks.v, *first = NULL;
	size_t from = 0, tops = 0;

	while (from < m->e->blocks.n && m->e->blocks.v[from].kind != BR_BLOCK_HEADING)
		from++;
	if (from == m->e->blocks.n)
		return;
	first = &b[from];
	for (size_t i = from; i < m->e->blocks.n && tops < 2; i++)
		tops += b[i].kind == BR_BLOCK_HEADING && b[i].level == 1;
	if (!from || (first->level == 1 && tops == 1))
		br_text__title_range(m->e, first->off, first->off + first->len);
}

static void find_title(struct md *m, const struct br_text__front *f)
{
	char title[2 * BR_MAX_TITLE];
	struct br_extracted *e = m->e;
	int n;

	if (f->title.len) {
		n = snprintf(title, sizeof title, f->section.len ? "%.*s(%.*s)" : "%.*s", (int)BR_MIN(f->title.len, (size_t)BR_MAX_TITLE),
			f->title.ptr, (int)BR_MIN(f->section.len, (size_t)8), f->section.ptr);
		br_text__title(e, title, BR_MIN((size_t)n, sizeof title - 1));
	}
	if (!e->title)
		title_from_heading(m);
	if (!e->title && e->blocks.n)
		title_from_label(m, e->blocks.v);
	if (e->title && f->help.len) {
		n = snprintf(title, sizeof title, "%s: %.*s", e->title, (int)BR_MIN(f->help.len, (size_t)BR_MAX_TITLE), f->help.ptr);
		br_text__title(e, title, BR_MIN((size_t)n, sizeof title - 1));
	}
	br_text__title_man(e);
}

int br_read_markdown(struct br_extracted *out, const char *name, struct br_err *err)
{
	struct md *m = br_alloc(sizeof *m);
	struct br_text__front front;

	(void)name, (void)err;
	m->e = out;
	m->text = br_buf_slice(&out->text);
	m->p = m->text.ptr;
	br_text__front_matter(&front, out);
	for (size_t at = front.end; begin_line(m, at); at = m->next)
		read_line(m);
	pop_to(m, 0);
	close_leaf(m);
	br_text__finish(out);
	find_title(m, &front);
	free(m);
	return 0;
}
