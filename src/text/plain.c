/*
 * Plain text: paragraphs at blank lines, list items, and headings only where they are hard to mistake
 * (underlined, numbered as in RFCs, capitals on a line of their own).
 */
#include "internal.h"

enum { HEADING_MAX = 100, CAPS_MAX = 60 };

struct plain {
	struct br_extracted *e;
	struct br_slice text;
	size_t start;                   /* the open paragraph or item, or SIZE_MAX */
	enum br_block_kind kind;
	struct br_text__line prev;      /* the line before; blank at the start */
};

static void close_block(struct plain *t, size_t end)
{
	if (t->start != SIZE_MAX)
		br_text__block(t->e, t->kind, t->kind == BR_BLOCK_LIST, t->start, end);
	t->start = SIZE_MAX;
}

static void open_block(struct plain *t, enum br_block_kind kind, size_t off)
{
	close_block(t, off);
	t->kind = kind;
	t->start = off;
}

static bool blank_at(struct br_slice text, size_t off)
{
	struct br_text__line l;

	return !br_text__line(&l, text, off) || br_text__line_blank(&l);
}

static bool ends_like_a_sentence(const struct br_text__line *l) { return strchr(".,;:", l->p[l->end - 1]) != NULL; }

/* ---- headings ---- */

static int underlined(const struct br_text__line *l, struct br_text__line *under, struct br_slice text)
{
	uint32_t width = br_text__columns(l->p + l->first, br_text__line_len(l));
	char c = 0;

	if (width > HEADING_MAX || l->indent > 3 || !br_text__wordy(l->p[l->first]) || !br_text__line(under, text, l->next))
		return 0;
	if (!br_text__line_rule(under, BR_MAX(3u, width > 2 ? width - 2 : 3), &c) || br_text__line_len(under) > width + 2)
		return 0;
	return c == '=' ? 1 : c == '-' ? 2 : c == '~' || c == '*' || c == '#' ? 3 : 0;
}

/* "1.2.  Terms": the number of its parts. Lines of a table of contents end with a page number after dots. */
static int numbered(const struct br_text__line *l)
{
	uint32_t i = l->first, parts = 0;

	while (i < l->end && br_text__digit(l->p[i])) {
		while (i < l->end && br_text__digit(l->p[i]))
			i++;
		parts++;
		if (i < l->end && l->p[i] == '.')
			i++;
	}
	if (!parts || i - l->first > 12 || i + 2 > l->end || l->p[i] != ' ' || !strchr(".", l->p[i - 1]))
		return 0;
	if (ends_like_a_sentence(l) || memmem(l->p + i, l->end - i, " . .", 4) || memmem(l->p + i, l->end - i, "....", 4))
		return 0;
	return (int)BR_MIN(parts, 7u);
}

static bool capitals(const struct br_text__line *l)
{
	uint32_t letters = 0;

	if (br_text__line_len(l) > CAPS_MAX || ends_like_a_sentence(l) || !br_text__alpha(l->p[l->first]))
		return false;
	for (uint32_t i = l->first; i < l->end; i++) {
		if (br_text__alpha(l->p[i])) {
			if (l->p[i] & 0x20)
				return false;
			letters++;
		} else if (!strchr(" -/&,'()0123456789", l->p[i])) {
			return false;
		}
	}
	return letters >= 3;
}

/* A heading on one line, which stands after a blank one. */
static int lone_heading(const struct plain *t, const struct br_text__line *l)
{
	struct br_text__line next;
	bool last, alone;
	int level;

	if (l->indent > 3 || br_text__line_len(l) > HEADING_MAX)
		return 0;
	last = !br_text__line(&next, t->text, l->next);
	alone = last || br_text__line_blank(&next);
	if (alone && (level = numbered(l)))
		return level;
	return (alone || next.indent >= l->indent + 3) && capitals(l) ? 1 : 0;
}

/* ---- lines ---- */

static bool item(const struct br_text__line *l)
{
	const char *p = l->p + l->first;
	uint32_t n = br_text__line_len(l), i = 0;

	if (n < 3)
		return false;
	if (p[1] == ' ' && strchr("-*+o", p[0]))
		return true;
	while (i < 3 && i + 2 < n && br_text__digit(p[i]))
		i++;
	return i && i + 1 < n && (p[i] == '.' || p[i] == ')') && p[i + 1] == ' ';
}

/* What printing left in RFCs: "Author   Informational   [Page 3]", and the line at the top of a page. */
static bool page_furniture(const struct br_text__line *l)
{
	uint32_t n = br_text__line_len(l), tail = BR_MIN(n, 12u);

	if (l->off < l->first && l->p[l->off] == '\f' && n > 20)
		return br_text__digit(l->p[l->end - 1]);
	return n > 20 && l->p[l->end - 1] == ']' && memmem(l->p + l->end - tail, tail, "[Page ", 6);
}

static void skip_addresses(struct plain *t, const struct br_text__line *l)
{
	size_t at = l->first;
	const char *colon;

	while (at < l->end && (colon = memchr(l->p + at, ':', l->end - at)))
		at = br_text__skip_address(t->e, at, (size_t)(colon - l->p), l->end);
}

/* Handles a line that is not blank; gives where to go on. */
static size_t read_line(struct plain *t, const struct br_text__line *l)
{
	bool after_blank = br_text__line_blank(&t->prev);
	struct br_text__line under;
	int level;

	if (page_furniture(l)) {
		close_block(t, l->off);
		br_text__skip(t->e, l->first, l->end);
		return l->next;
	}
	if (after_blank && (level = underlined(l, &under, t->text))) {
		close_block(t, l->off);
		br_text__block(t->e, BR_BLOCK_HEADING, level, l->first, l->end);
		return under.next;
	}
	if (after_blank && (level = lone_heading(t, l))) {
		close_block(t, l->off);
		br_text__block(t->e, BR_BLOCK_HEADING, level, l->first, l->end);
		return l->next;
	}
	if (item(l) && (after_blank || t->prev.p[t->prev.end - 1] == ':' || (t->start != SIZE_MAX && t->kind == BR_BLOCK_LIST)))
		open_block(t, BR_BLOCK_LIST, l->off);
	else if (t->start == SIZE_MAX)
		open_block(t, BR_BLOCK_PARA, l->off);
	skip_addresses(t, l);
	return l->next;
}

/* A first line that is short, no sentence, and stands alone or is a heading. */
static void find_title(struct br_extracted *e, struct br_slice text)
{
	const struct br_block *b = e->blocks.v;
	struct br_text__line l;

	if (!e->blocks.n || b->len > HEADING_MAX || !br_text__wordy(text.ptr[b->off]) || !br_text__line(&l, text, b->off))
		return;
	if (b->kind == BR_BLOCK_HEADING || (b->kind == BR_BLOCK_PARA && l.end == b->off + b->len && e->blocks.n > 1 &&
	                                    !ends_like_a_sentence(&l) && blank_at(text, l.next)))
		br_text__title(e, text.ptr + b->off, b->len);
}

int br_read_plain(struct br_extracted *out, const char *name, struct br_err *err)
{
	struct plain t = { .e = out, .text = br_buf_slice(&out->text), .start = SIZE_MAX };
	struct br_text__line l;
	size_t at = 0;

	(void)name, (void)err;
	while (br_text__line(&l, t.text, at)) {
		if (br_text__line_blank(&l)) {
			close_block(&t, l.off);
			at = l.next;
		} else {
			at = read_line(&t, &l);
		}
		t.prev = l;
	}
	close_block(&t, t.text.len);
	br_text__finish(out);
	find_title(out, t.text);
	br_text__title_man(out);
	return 0;
}
