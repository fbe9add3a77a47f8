/*
 * From lines of a PDF, in reading order, to text: what repeats at the edges of pages is dropped, large type makes
 * headings, lines are joined to paragraphs over columns and pages, words that were divided at line ends are mended. The
 * numbers here are rules of thumb, in parts of the height of a line or of a page.
 */
#include "pdf.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#define EDGE        0.12f  /* of the page, above and below: where headers and footers stand */
#define EDGE_NUMBER 0.2f  /* the same for page numbers */
#define LARGER      1.12f  /* than the type of the body: a heading */
enum {
	SIZES = 400,           /* quarters of a point: type up to 100 points is told apart */
	HEADING_LINES = 4, HEADING_MAX = 200, NUMBERED_MAX = 90, LEVELS = 6,
	CONTINUES_MIN = 25,    /* bytes of a line that a paragraph may go on from, in another block */
	REPEATED_MAX = 200,
	FULL_LINE = 60,        /* bytes of a line that does not end for want of words */
};

struct layout {
	struct br_extracted *out;
	struct br_text__pdf_doc *doc;
	float body;               /* height of most of the text */
	float sizes[LEVELS];      /* of headings, largest first */
	int n_sizes;
	/* the paragraph being written */
	size_t start;
	enum br_block_kind kind;
	int level;
	uint32_t page;
	const struct br_text__pdf_line *last;       /* its last line; NULL: none is open */
	float indent;             /* where its first line begins */
	bool bullet;              /* a bullet came alone: it belongs to what follows */
	const struct br_text__pdf_line *number; /* likewise the number of a heading */
	size_t no_table;          /* no table begins before this line */
};

static struct br_slice text_of(const struct layout *l, const struct br_text__pdf_line *n)
{
	return br_slice(l->doc->words.ptr + n->off, n->len);
}

static bool is_alpha(char c) { return isalpha((unsigned char)c) || (c & 0x80); }
static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

/* ---- what repeats on pages ---- */

struct mark { uint64_t key; uint32_t page, line; };

static int by_key(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

/* The same for lines that differ in numbers only and stand at the same height. */
static uint64_t key_of(struct br_slice t, float y)
{
	char norm[REPEATED_MAX + 8];
	size_t n = 0;
	int32_t at = (int32_t)(y / 4);

	for (size_t i = 0; i < t.len; i++) {
		char c = isdigit((unsigned char)t.ptr[i]) ? '#' : t.ptr[i];
		if (c != '#' || !n || norm[n - 1] != '#')
			norm[n++] = c;
	}
	memcpy(norm + n, &at, sizeof at);
	return br_hash64(norm, n + sizeof at);
}

static void drop_group(struct layout *l, const struct mark *v, size_t n)
{
	size_t pages = 0, least = l->doc->pages.n < 4 ? 2 : 3;

	for (size_t i = 0; i < n; i++)
		pages += i == 0 || v[i].page != v[i - 1].page;
	if (pages < least)
		return;
	for (size_t i = 0; i < n; i++)
		l->doc->lines.v[v[i].line].dropped = true;
}

static bool at_edge(const struct layout *l, const struct br_text__pdf_line *n)
{
	struct br_slice t = text_of(l, n);
	float h = l->doc->pages.v[n->page - 1].height, edge = h * EDGE;

	if (t.len < 12 && memchr("0123456789-", t.ptr[t.len - 1], 11))
		edge = h * EDGE_NUMBER;
	return n->y1 < edge || n->y0 > h - edge;
}

static void drop_repeated(struct layout *l)
{
	BR_VEC(struct mark) marks = { 0 };
	size_t from = 0;

	for (size_t i = 0; i < l->doc->lines.n; i++) {
		const struct br_text__pdf_line *n = &l->doc->lines.v[i];
		if (n->len <= REPEATED_MAX && at_edge(l, n))
			*br_vec_push(&marks) = (struct mark){ key_of(text_of(l, n), n->y0), n->page, (uint32_t)i };
	}
	if (marks.n)
		qsort(marks.v, marks.n, sizeof *marks.v, by_key);
	for (size_t i = 1; i <= marks.n; i++)
		if (i == marks.n || marks.v[i].key != marks.v[from].key) {
			drop_group(l, marks.v + from, i - from);
			from = i;
		}
	br_vec_release(&marks);
}

/* ---- sizes of type ---- */

static int size_class(float height)
{
	return height <= 0 ? 0 : height >= SIZES / 4 ? SIZES - 1 : (int)(height * 4);
}

static float body_height(const struct layout *l)
{
	size_t count[SIZES] = { 0 }, best = 0;

	for (size_t i = 0; i < l->doc->lines.n; i++)
		if (!l->doc->lines.v[i].dropped)
			count[size_class(l->doc->lines.v[i].height)] += l->doc->lines.v[i].len;
	for (size_t i = 1; i < SIZES; i++)
		best = count[i] > count[best] ? i : best;
	return (float)best / 4 + 0.125f;
}

/* Lines of the block that begins at v[0], and their bytes. */
static size_t block_lines(const struct layout *l, const struct br_text__pdf_line *v, size_t *bytes)
{
	const struct br_text__pdf_line *end = l->doc->lines.v + l->doc->lines.n;
	size_t n = 0;

	*bytes = 0;
	for (; v + n < end && v[n].block == v->block; n++)
		*bytes += v[n].len;
	return n;
}

static bool has_words(struct br_slice t)
{
	size_t letters = 0;

	for (size_t i = 0; i < t.len; i++)
		letters += is_alpha(t.ptr[i]);
	return letters >= 2 && letters * 2 >= t.len;
}

static bool is_large(const struct layout *l, const struct br_text__pdf_line *v)
{
	size_t bytes, n = block_lines(l, v, &bytes);

	return v->upright && !v->dropped && v->height > LARGER * l->body && n <= HEADING_LINES && bytes <= HEADING_MAX &&
	       has_words(text_of(l, v));
}

static void add_size(struct layout *l, float h)
{
	int i = 0;

	while (i < l->n_sizes && l->sizes[i] > h * 1.04f)
		i++;
	if (i == LEVELS || (i < l->n_sizes && l->sizes[i] > h * 0.96f))
		return;
	memmove(l->sizes + i + 1, l->sizes + i, (size_t)(BR_MIN(l->n_sizes, LEVELS - 1) - i) * sizeof *l->sizes);
	l->sizes[i] = h;
	l->n_sizes = BR_MIN(l->n_sizes + 1, LEVELS);
}

/* Where most of the text would be headings, size says nothing. */
static void find_sizes(struct layout *l)
{
	size_t large = 0, all = 0;

	for (size_t i = 0, n; i < l->doc->lines.n; i += n) {
		const struct br_text__pdf_line *v = &l->doc->lines.v[i];
		size_t bytes;
		n = block_lines(l, v, &bytes);
		all += bytes;
		if (!is_large(l, v))
			continue;
		large += bytes;
		add_size(l, v->height);
	}
	if (large * 5 > all * 2)
		l->n_sizes = 0;
}

/* ---- headings ---- */

/* "3.1 Results": how many numbers; 0 when it is none. */
static int numbering(struct br_slice t)
{
	size_t i = 0;
	int parts = 0;

	while (i < t.len && isdigit((unsigned char)t.ptr[i])) {
		size_t from = i;
		while (i < t.len && isdigit((unsigned char)t.ptr[i]))
			i++;
		if (i - from > 2)
			return 0;
		parts++;
		if (i < t.len && t.ptr[i] == '.')
			i++;
	}
	if (!parts || i + 3 > t.len || t.ptr[i] != ' ' || is_lower(t.ptr[i + 1]) || !is_alpha(t.ptr[i + 1]))
		return 0;
	return parts;
}

static bool is_section_name(struct br_slice t)
{
	static const char *const names[] = {
		"abstract", "introduction", "background", "related work", "methods", "results", "discussion", "conclusion",
		"conclusions", "references", "bibliography", "acknowledgements", "acknowledgments", "appendix", "summary",
		"contents", "executive summary",
	};

	for (size_t i = 0; i < BR_COUNT(names); i++)
		if (t.len == strlen(names[i]) && !strncasecmp(t.ptr, names[i], t.len))
			return true;
	return false;
}

/* The block at v[0] is nothing but "3.1", and the next one, a heading perhaps, stands to its right. */
static bool is_number_beside(const struct layout *l, const struct br_text__pdf_line *v)
{
	const struct br_text__pdf_line *next = v + 1;
	struct br_slice t = text_of(l, v);
	size_t bytes;

	if (next >= l->doc->lines.v + l->doc->lines.n || block_lines(l, v, &bytes) != 1 || next->page != v->page || v->dropped)
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (!isdigit((unsigned char)t.ptr[i]) && (t.ptr[i] != '.' || !i))
			return false;
	return t.len < 10 && next->x0 > v->x1 && next->x0 - v->x1 < 4 * v->height && next->y0 < v->y1 && next->y1 > v->y0 &&
	       next->height < v->height * 1.1f && next->height > v->height * 0.9f && block_lines(l, next,
	                                                                                         &bytes) <= HEADING_LINES &&
	       bytes <= NUMBERED_MAX && has_words(text_of(l, next)) && v->height > l->body * 0.98f;
}

/* A number follows at its right: the page, in a table of contents. */
static bool is_contents_line(const struct layout *l, const struct br_text__pdf_line *v)
{
	const struct br_text__pdf_line *next = v + 1;

	return next < l->doc->lines.v + l->doc->lines.n && next->page == v->page && next->x0 > v->x1 && next->y0 < v->y1 &&
	       next->y1 > v->y0 &&
	       isdigit((unsigned char)text_of(l, next).ptr[0]) && !has_words(text_of(l, next));
}

/* Level of the heading that the block at v[0] is, 0: none. */
static int heading_level(const struct layout *l, const struct br_text__pdf_line *v)
{
	struct br_slice t = text_of(l, v);
	size_t bytes, n = block_lines(l, v, &bytes);
	int parts = numbering(t);
	bool single = n == 1 && bytes <= NUMBERED_MAX && v->upright && !v->dropped && !memmem(t.ptr, t.len, "...", 3) &&
	              !memmem(t.ptr, t.len, ". .", 3);

	if (is_contents_line(l, v))
		return 0;
	if (l->n_sizes && is_large(l, v)) {
		int i = 0;
		while (i < l->n_sizes - 1 && l->sizes[i] > v->height * 1.04f)
			i++;
		return parts ? 1 + parts : 1 + i;
	}
	if (single && parts && !strchr(".,;:", t.ptr[t.len - 1]) && (parts > 1 || v->height >= l->body * 0.98f))
		return 1 + parts;
	return single && is_section_name(t) ? 2 : 0;
}

/* ---- writing paragraphs ---- */

static void close_paragraph(struct layout *l)
{
	struct br_block *b;

	if (!l->last)
		return;
	if (l->kind == BR_BLOCK_HEADING)
		b = br_text__block(l->out, BR_BLOCK_HEADING, BR_MIN(l->level, BR_MAX_HEADING_DEPTH), l->start, l->out->text.len);
	else
		b = br_text__block(l->out, l->kind, l->kind == BR_BLOCK_LIST, l->start, l->out->text.len);
	if (b)
		b->page = l->page;
	l->last = NULL;
}

static void open_paragraph(struct layout *l, const struct br_text__pdf_line *n, enum br_block_kind kind, int level)
{
	bool list = l->last && l->kind == BR_BLOCK_LIST && kind == BR_BLOCK_LIST;

	close_paragraph(l);
	if (l->out->text.len)
		br_buf_adds(&l->out->text, list ? "\n" : "\n\n");
	l->start = l->out->text.len;
	l->kind = kind;
	l->level = level;
	l->page = n->page;
	l->indent = n->x0;
}

/* Ends with a hyphen behind a letter: the bytes of it, 0 when there is none. */
static size_t hyphen(struct br_slice t)
{
	static const char *const hyphens[] = { "-", "\xe2\x80\x90" };

	for (size_t i = 0; i < BR_COUNT(hyphens); i++) {
		size_t n = strlen(hyphens[i]);
		if (t.len > n && !memcmp(t.ptr + t.len - n, hyphens[i], n) && is_alpha(t.ptr[t.len - n - 1]))
			return n;
	}
	return 0;
}

/* Small letter at its begin, of any alphabet as far as its bytes tell: what continues a word. */
static bool goes_on(struct br_slice t)
{
	return t.len && (is_lower(*t.ptr) || (t.len > 1 && t.ptr[0] == '\xc3' && (unsigned char)t.ptr[1] >= 0x9f));
}

static void add_line(struct layout *l, const struct br_text__pdf_line *n, struct br_slice t)
{
	struct br_buf *out = &l->out->text;
	size_t cut = l->last ? hyphen(br_slice(out->ptr + l->start, out->len - l->start)) : 0;

	if (cut && goes_on(t)) {
		out->len -= cut;
		out->ptr[out->len] = 0;
	} else if (l->last && !cut) {
		br_buf_addc(out, ' ');
	}
	br_buf_add(out, t.ptr, t.len);
	l->last = n;
}

/*
 * The paragraph goes on on another page: a block of its own for the sake of its page; a divided word stays in the
 * first.
 */
static struct br_slice turn_page(struct layout *l, const struct br_text__pdf_line *n, struct br_slice t)
{
	const char *space = memchr(t.ptr, ' ', t.len);
	size_t first = space ? (size_t)(space - t.ptr) : t.len;

	add_line(l, n, br_slice(t.ptr, first));
	if (!space)
		return br_slice(t.ptr, 0);
	close_paragraph(l);
	br_buf_addc(&l->out->text, ' ');
	l->start = l->out->text.len;
	l->page = n->page;
	return br_slice(space + 1, t.len - first - 1);
}

/* ---- where paragraphs begin ---- */

/* Bytes of a bullet and the space behind it; a number or letter with a dot or bracket counts when `numbers`. */
static size_t bullet(struct br_slice t, bool numbers)
{
	static const char *const bullets[] = {
		"\xe2\x80\xa2", "\xe2\x97\xa6", "\xe2\x96\xaa", "\xe2\x80\xa3", "\xe2\x97\x8f", "\xe2\x96\xa0", "\xe2\x80\x93",
		"\xc2\xb7", "*", "-",
	};
	size_t i = 0;

	for (size_t k = 0; k < BR_COUNT(bullets); k++) {
		size_t n = strlen(bullets[k]);
		if (t.len >= n && !memcmp(t.ptr, bullets[k], n) && (t.len == n ? n > 1 : t.ptr[n] == ' '))
			return n + (t.len > n);
	}
	if (!numbers)
		return 0;
	i += t.len && *t.ptr == '(';
	while (i < t.len && i < 4 && isalnum((unsigned char)t.ptr[i]) && (isdigit((unsigned char)t.ptr[i]) || i < 2))
		i++;
	if (i && i + 2 < t.len && isalnum((unsigned char)t.ptr[i - 1]) && (t.ptr[i] == '.' || t.ptr[i] == ')') &&
	    t.ptr[i + 1] == ' ')
		return i + 2;
	return 0;
}

static bool ends_sentence(struct br_slice t)
{
	return t.len && strchr(".!?:;\"", t.ptr[t.len - 1]);
}

/* A paragraph that goes on in another block: the next column or page. */
static bool continues(const struct layout *l, const struct br_text__pdf_line *n)
{
	struct br_slice before, t = text_of(l, n);

	if (!l->last || l->kind == BR_BLOCK_HEADING || !n->upright || n->height > l->last->height * 1.05f ||
	    n->height < l->last->height * 0.95f)
		return false;
	before = text_of(l, l->last);
	if (l->last->len >= FULL_LINE && !ends_sentence(before) && n->page == l->last->page && n->y0 > l->last->y0 &&
	    n->y0 - l->last->y1 < 2 * n->height)
		return true; /* lines set far apart */
	return l->last->len >= CONTINUES_MIN && goes_on(t) && (hyphen(before) || !ends_sentence(before));
}

/* Within a block whose lines reach from x0 to x1. */
static bool begins(const struct layout *l, const struct br_text__pdf_line *n, float x0, float x1)
{
	const struct br_text__pdf_line *p = l->last;
	float h = n->height;
	bool ended = ends_sentence(text_of(l, p));

	if (n->height > p->height * LARGER || p->height > n->height * LARGER)
		return true;
	if (l->kind == BR_BLOCK_LIST)
		return n->x0 < l->indent - 0.2f * h || (n->x0 < l->indent + 0.2f * h && ended);
	if (n->x0 - x0 > 0.7f * h && n->x0 - x0 < 5 * h && p->x0 - x0 < 0.3f * h && !goes_on(text_of(l, n)))
		return true;
	return ended && p->x1 < x1 - 0.2f * (x1 - x0) && !goes_on(text_of(l, n));
}

/* Where a number makes an item: nothing stands before it, or items that begin there. */
static bool at_item(const struct layout *l, const struct br_text__pdf_line *n)
{
	return !l->last || (l->kind == BR_BLOCK_LIST && n->x0 < l->indent + 0.3f * n->height &&
	                    n->x0 > l->indent - 0.3f * n->height);
}

static void add_body_line(struct layout *l, const struct br_text__pdf_line *n, bool first, float x0, float x1)
{
	struct br_slice t = text_of(l, n);
	size_t mark = bullet(t, false), number = mark ? 0 : bullet(t, first || at_item(l, n) ||
	                                                           ends_sentence(text_of(l, l->last)));

	if (mark == t.len) {
		l->bullet = true;
		return;
	}
	if (mark || l->bullet) {
		open_paragraph(l, n, BR_BLOCK_LIST, 1);
		br_buf_adds(&l->out->text, "- ");
		t = br_slice(t.ptr + mark, t.len - mark);
	} else if (number) {
		open_paragraph(l, n, BR_BLOCK_LIST, 1);
	} else if (!l->last || l->kind == BR_BLOCK_HEADING || (first ? !continues(l, n) : begins(l, n, x0, x1))) {
		open_paragraph(l, n, BR_BLOCK_PARA, 0);
	} else if (n->page != l->page) {
		t = turn_page(l, n, t);
	}
	l->bullet = false;
	if (t.len)
		add_line(l, n, t);
}

/* A heading in two blocks, as long titles are. */
static bool same_heading(const struct layout *l, const struct br_text__pdf_line *n, int level)
{
	const struct br_text__pdf_line *p = l->last;

	return p && l->kind == BR_BLOCK_HEADING && l->level == level && p->page == n->page && !numbering(text_of(l, n)) &&
	       n->y0 - p->y1 < n->height &&
	       n->y0 > p->y0 && n->height < p->height * 1.04f && n->height > p->height * 0.96f &&
	           l->out->text.len - l->start < HEADING_MAX;
}

static int count_numbers(struct br_slice t)
{
	int parts = 0;

	for (size_t i = 0; i < t.len; i++)
		parts += t.ptr[i] != '.' && (i + 1 == t.len || t.ptr[i + 1] == '.');
	return parts;
}

static void add_block(struct layout *l, const struct br_text__pdf_line *v, size_t n)
{
	int level = heading_level(l, v);
	float x0 = v->x0, x1 = v->x1;
	bool first = true, numbered = false;

	if (is_number_beside(l, v)) {
		l->number = v;
		return;
	}
	if (l->number && is_contents_line(l, v)) {
		add_body_line(l, l->number, true, v->x0, v->x1);
		l->number = NULL;
	} else if (l->number) {
		level = 1 + count_numbers(text_of(l, l->number));
		open_paragraph(l, v, BR_BLOCK_HEADING, level);
		add_line(l, l->number, text_of(l, l->number));
		l->number = NULL;
		numbered = true;
	}
	for (size_t i = 1; i < n; i++) {
		x0 = BR_MIN(x0, v[i].x0);
		x1 = BR_MAX(x1, v[i].x1);
	}
	if (level && !numbered && !same_heading(l, v, level))
		open_paragraph(l, v, BR_BLOCK_HEADING, level);
	for (size_t i = 0; i < n; i++) {
		if (v[i].dropped)
			continue;
		if (level)
			add_line(l, &v[i], text_of(l, &v[i]));
		else
			add_body_line(l, &v[i], first, x0, x1);
		first = false;
	}
}

/* The lines that make a table from line i on, 0: none does. */
static size_t add_table(struct layout *l, size_t i)
{
	struct br_buf rows = BR_BUF_INIT(BR_MAX_TEXT);
	uint32_t head;
	size_t looked, n;
	struct br_block *b;

	if (i < l->no_table || l->number)
		return 0;
	n = br_text__pdf_table(&rows, &head, l->doc, i, l->body, &looked);
	l->no_table = n ? 0 : i + looked;
	if (n) {
		open_paragraph(l, &l->doc->lines.v[i], BR_BLOCK_TABLE, 0);
		br_buf_add(&l->out->text, rows.ptr, rows.len);
		if ((b = br_text__block(l->out, BR_BLOCK_TABLE, 0, l->start, l->out->text.len))) {
			b->page = l->page;
			b->head_len = head;
		}
	}
	br_buf_release(&rows);
	return n;
}

/* ---- title ---- */

/* What programs write when nobody gave a title. */
static bool sensible(const char *t)
{
	static const char *const junk[] = {
		"untitled", "document", "presentation", "slide 1", "book1", "title", "no title", "powerpoint presentation",
	};
	static const char *const ends[] = {
		".doc", ".docx", ".pdf", ".tex", ".dvi", ".indd", ".qxd", ".ps", ".ppt", ".pptx", ".xls", ".xlsx", ".odt", ".rtf",
		".html", ".htm", ".txt", ".md", ".cdr", ".ai", ".eps",
	};
	size_t n = strlen(t);

	if (n < 4 || !has_words(br_slice(t, n)) || !strncasecmp(t, "microsoft ", 10) || strchr(t, '\\'))
		return false;
	for (size_t i = 0; i < BR_COUNT(junk); i++) {
		size_t k = strlen(junk[i]);
		if (!strncasecmp(t, junk[i], k) && strspn(t + k, "0123456789- ") == n - k)
			return false;
	}
	for (size_t i = 0; i < BR_COUNT(ends); i++) {
		size_t k = strlen(ends[i]);
		if (n > k && !strcasecmp(t + n - k, ends[i]))
			return false;
	}
	return true;
}

/* The metadata's, else the highest heading of the first page. */
static void set_title(struct layout *l)
{
	struct br_extracted *e = l->out;
	const struct br_block *best = NULL;
	struct br_slice words;

	if (sensible(l->doc->title)) {
		br_text__title(e, l->doc->title, strlen(l->doc->title));
		return;
	}
	for (size_t i = 0; i < e->blocks.n && e->blocks.v[i].page <= 1; i++)
		if (e->blocks.v[i].kind == BR_BLOCK_HEADING && (!best || e->blocks.v[i].level < best->level))
			best = &e->blocks.v[i];
	if (!best || best->level > 2)
		return;
	words = br_slice(e->text.ptr + best->off, best->len);
	if (!isdigit((unsigned char)*words.ptr) && !is_section_name(words))
		br_text__title(e, words.ptr, words.len);
}

void br_text__pdf_layout(struct br_extracted *out, struct br_text__pdf_doc *doc)
{
	struct layout l = { .out = out, .doc = doc };

	drop_repeated(&l);
	l.body = body_height(&l);
	find_sizes(&l);
	for (size_t i = 0, n, bytes; i < doc->lines.n; i += n) {
		if ((n = add_table(&l, i)))
			continue;
		n = block_lines(&l, &doc->lines.v[i], &bytes);
		add_block(&l, &doc->lines.v[i], n);
	}
	close_paragraph(&l);
	set_title(&l);
	br_text__finish(out);
}
