/*
 * RTF: the words of the document and of its tables, headings by style or outline level. Groups that hold something
 * else (fonts, pictures, field codes, what is not known and marked as optional) are passed over. Damage is put up
 * with: a group that is never closed ends with the file, one that was never opened is ignored.
 */
#include "helper.h"
#include "rtf.h"

#include <stdlib.h>
#include <strings.h>

enum {
	DEPTH = 512,          /* groups within groups that are followed; the words of deeper ones count as of this one */
	NO_LEVEL = 0,
};

enum where { IN_TEXT, IN_FONTS, IN_STYLES, IN_TITLE, IN_FIELD_CODE, IN_NOWHERE, IN_INFO };

struct state {                        /* what a group may change and its end restores */
	uint8_t where;
	uint8_t uc;                   /* characters that stand in for a \u */
	bool hidden, table, item;
	uint8_t level;                /* of a heading, 0: none */
	uint16_t charset;             /* code page of the font, 0: the document's */
	int32_t style;                /* being defined */
};

struct rtf {
	struct br_extracted *e;
	const char *p, *end;
	struct state s, stack[DEPTH];
	size_t depth;                 /* groups that are open; those beyond DEPTH are only counted */
	bool optional;                /* \* came: what is not known is passed over */
	unsigned swallow;             /* characters still standing in for the last \u */
	uint32_t high;                /* first half of a surrogate pair */

	struct br_text__codepage page;
	struct br_buf raw;            /* bytes in a code page, not converted yet */
	unsigned raw_page;
	struct br_buf words;          /* the paragraph or cell being read */
	struct br_buf row, rows;      /* cells read of this row; finished rows */
	uint8_t words_level;
	bool words_item;

	uint16_t ansi;                /* code page of the document */
	unsigned font;                /* being defined */
	BR_VEC(uint16_t) fonts;       /* code page by number of the font */
	BR_VEC(uint8_t) styles;       /* heading level by number of the style */
	struct br_buf name;           /* of the style being defined, or the title */
};

/* ---- characters ---- */

static void flush_raw(struct rtf *r)
{
	if (r->raw.len)
		br_text__from_codepage(&r->words, &r->page, r->raw_page, br_buf_slice(&r->raw));
	br_buf_reset(&r->raw);
}

static void put_utf8(struct rtf *r, const char *p, size_t n)
{
	struct br_buf *to = r->s.where == IN_TEXT ? &r->words : &r->name;

	if (to == &r->name ? r->s.where != IN_TITLE && r->s.where != IN_STYLES : r->s.hidden)
		return;
	flush_raw(r);
	if (to == &r->words && !to->len) {
		r->words_level = r->s.level;
		r->words_item |= r->s.item;
	}
	br_buf_add(to, p, n);
}

static void put_char(struct rtf *r, uint32_t c)
{
	char utf8[4];

	put_utf8(r, utf8, br_utf8_put(utf8, c));
}

/* One byte of a code page; 128 and up wait for the bytes that may belong to the same character. */
static void put_byte(struct rtf *r, unsigned char c)
{
	unsigned page = r->s.charset ? r->s.charset : r->ansi;

	if (r->swallow) {
		r->swallow--;
		return;
	}
	if (c < 0x80 && !(r->raw.len && br_text__is_double(r->raw_page))) {
		char ch = (char)c;
		put_utf8(r, &ch, 1);
	} else if (r->s.where == IN_TEXT && !r->s.hidden) {
		if (r->raw.len && r->raw_page != page)
			flush_raw(r);
		if (!r->words.len && !r->raw.len)
			put_utf8(r, "", 0);
		r->raw_page = page;
		br_buf_addc(&r->raw, (char)c);
	} else if (r->s.where == IN_TITLE) {
		br_text__from_codepage(&r->name, &r->page, page, br_slice(&c, 1));
	}
}

/* A character by its number, UTF-16: halves of a pair wait for each other. */
static void put_unicode(struct rtf *r, int32_t n)
{
	uint32_t c = (uint32_t)(n < 0 ? n + 65536 : n);

	r->swallow = r->s.uc;
	if (c >= 0xd800 && c < 0xdc00) {
		r->high = c;
		return;
	}
	if (c >= 0xdc00 && c < 0xe000)
		c = r->high ? 0x10000 + ((r->high - 0xd800) << 10) + (c - 0xdc00) : 0xfffd;
	r->high = 0;
	if (c >= 0x20 && c <= 0x10ffff)
		put_char(r, c);
}

/* ---- blocks ---- */

static void squeeze(struct br_buf *b)
{
	size_t to = 0;

	for (size_t i = 0; i < b->len; i++) {
		if ((b->ptr[i] == ' ' || b->ptr[i] == '\t') && (!to || b->ptr[to - 1] == ' ' || b->ptr[to - 1] == '\n'))
			continue;
		b->ptr[to++] = b->ptr[i] == '\t' ? ' ' : b->ptr[i];
	}
	while (to && br_text__blank(b->ptr[to - 1]))
		to--;
	b->len = to;
}

static void end_table(struct rtf *r)
{
	if (r->rows.len)
		br_text__put(r->e, BR_BLOCK_TABLE, 0, br_buf_slice(&r->rows));
	br_buf_reset(&r->rows);
}

static void end_paragraph(struct rtf *r)
{
	flush_raw(r);
	if (r->s.table) {
		br_buf_addc(&r->words, ' ');
		return;
	}
	squeeze(&r->words);
	if (r->words.len) {
		end_table(r);
		if (r->words_item)
			br_text__put(r->e, BR_BLOCK_LIST, 1, br_buf_slice(&r->words));
		else if (r->words_level)
			br_text__put(r->e, BR_BLOCK_HEADING, r->words_level, br_buf_slice(&r->words));
		else
			br_text__put(r->e, BR_BLOCK_PARA, 0, br_buf_slice(&r->words));
	}
	br_buf_reset(&r->words);
	r->words_item = false;
}

static void end_cell(struct rtf *r)
{
	flush_raw(r);
	squeeze(&r->words);
	br_buf_add(&r->row, r->words.ptr, r->words.len);
	br_buf_addc(&r->row, '\x1f');
	br_buf_reset(&r->words);
}

static void end_row(struct rtf *r)
{
	bool first = true;

	if (r->words.len)
		end_cell(r);
	if (r->rows.len && r->row.len)
		br_buf_addc(&r->rows, '\n');
	for (const char *p = r->row.ptr, *end = p + r->row.len; p < end;) {
		const char *stop = memchr(p, '\x1f', (size_t)(end - p));
		stop = stop ? stop : end;
		if (!first)
			br_buf_adds(&r->rows, " | ");
		for (; p < stop; p++)
			br_buf_addc(&r->rows, *p == '\n' ? ' ' : *p);
		first = false;
		p = stop + 1;
	}
	br_buf_reset(&r->row);
}

/* ---- groups ---- */

static int heading_level(const char *name)
{
	while (*name == ' ')
		name++;
	if (strncasecmp(name, "heading ", 8) || name[8] < '1' || name[8] > '8' || br_text__digit(name[9]))
		return NO_LEVEL;
	return name[8] - '0';
}

static void end_definition(struct rtf *r)
{
	if (r->s.where == IN_STYLES && r->name.len) {
		if (r->s.style >= 0 && heading_level(r->name.ptr)) {
			while (r->styles.n <= (size_t)r->s.style)
				*br_vec_push(&r->styles) = NO_LEVEL;
			r->styles.v[r->s.style] = (uint8_t)heading_level(r->name.ptr);
		}
		br_buf_reset(&r->name);
	} else if (r->s.where == IN_TITLE) {
		br_text__title(r->e, r->name.ptr, r->name.len);
		br_buf_reset(&r->name);
	}
}

static void open_group(struct rtf *r)
{
	if (r->depth < DEPTH)
		r->stack[r->depth] = r->s;
	r->depth++;
	r->swallow = 0;
	if (r->s.where == IN_STYLES) {
		r->s.style = 0;
		br_buf_reset(&r->name);
	}
}

static void close_group(struct rtf *r)
{
	flush_raw(r);
	end_definition(r);
	if (r->depth) {
		r->depth--;
		if (r->depth < DEPTH)
			r->s = r->stack[r->depth];
	}
	r->swallow = 0;
	r->optional = false;
}

/* ---- words of control ---- */

static void set_font(struct rtf *r, int32_t n)
{
	if (r->s.where == IN_FONTS)
		r->font = (unsigned)BR_MIN(BR_MAX(n, 0), 65535);
	else
		r->s.charset = n >= 0 && (size_t)n < r->fonts.n ? r->fonts.v[n] : 0;
}

static void set_charset(struct rtf *r, int32_t charset)
{
	if (r->s.where != IN_FONTS)
		return;
	while (r->fonts.n <= r->font)
		*br_vec_push(&r->fonts) = 0;
	r->fonts.v[r->font] = (uint16_t)br_text__charset_page(charset);
}

static void set_style(struct rtf *r, int32_t n)
{
	if (r->s.where == IN_STYLES)
		r->s.style = n >= 0 && n < 10000 ? n : -1;
	else
		r->s.level = n >= 0 && (size_t)n < r->styles.n ? r->styles.v[n] : NO_LEVEL;
}

static void reset_paragraph(struct rtf *r)
{
	r->s.table = r->s.item = false;
	r->s.level = NO_LEVEL;
}

static void skip_bytes(struct rtf *r, int32_t n)
{
	r->p += n > 0 ? BR_MIN((ptrdiff_t)n, r->end - r->p) : 0;
}

static void set_place(struct rtf *r, enum where where)
{
	if (r->s.where != IN_NOWHERE)
		r->s.where = (uint8_t)where;
}

static void act(struct rtf *r, const struct br_rtf__word *w, int32_t n, bool given)
{
	switch (w->what) {
	case RTF_PLACE: set_place(r, (enum where)w->value); break;
	case RTF_TEXT: set_place(r, IN_TEXT); break;
	case RTF_CHAR: put_char(r, (uint32_t)w->value); break;
	case RTF_PAR: end_paragraph(r); break;
	case RTF_CELL: end_cell(r); break;
	case RTF_ROW: end_row(r); break;
	case RTF_INTBL: r->s.table = true; break;
	case RTF_PARD: reset_paragraph(r); break;
	case RTF_ITEM:
		r->s.where = IN_NOWHERE;
		r->words_item = true;
		break;
	case RTF_LIST: r->s.item = given && n > 0; break;
	case RTF_OUTLINE: r->s.level = given && n >= 0 && n < BR_MAX_HEADING_DEPTH ? (uint8_t)(n + 1) : NO_LEVEL; break;
	case RTF_STYLE: set_style(r, given ? n : 0); break;
	case RTF_HIDDEN: r->s.hidden = !given || n; break;
	case RTF_PLAIN: r->s.hidden = false; break;
	case RTF_FONT: set_font(r, n); break;
	case RTF_CHARSET: set_charset(r, n); break;
	case RTF_ANSI: r->ansi = (uint16_t)(given ? BR_MIN(BR_MAX(n, 0), 65535) : w->value); break;
	case RTF_UC: r->s.uc = (uint8_t)BR_MIN(BR_MAX(n, 0), 8); break;
	case RTF_U: put_unicode(r, n); break;
	case RTF_BIN: skip_bytes(r, n); break;
	}
}

/* "\word-12 " behind its backslash: letters, a number, one space. */
static void control_word(struct rtf *r)
{
	char name[BR_RTF__NAME];
	const struct br_rtf__word *w;
	size_t len = 0;
	int32_t n = 0;
	bool minus, given = false, optional = r->optional;

	for (; r->p < r->end && br_text__alpha(*r->p); r->p++)
		if (len < sizeof name - 1)
			name[len++] = *r->p;
	name[len] = 0;
	minus = r->p < r->end && *r->p == '-';
	r->p += minus;
	for (; r->p < r->end && br_text__digit(*r->p); r->p++, given = true)
		n = n < 100000000 ? n * 10 + (*r->p - '0') : n;
	r->p += r->p < r->end && *r->p == ' ';
	r->optional = false;
	if (r->swallow && !(len == 1 && *name == 'u')) {
		r->swallow--;
		if ((w = br_rtf__find(name)) && w->what == RTF_CHAR)
			return;
	}
	w = br_rtf__find(name);
	if (w)
		act(r, w, minus ? -n : n, given);
	else if (optional)
		r->s.where = IN_NOWHERE;
}

static int hex(char c)
{
	return br_text__digit(c) ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static void control_symbol(struct rtf *r)
{
	char c = *r->p++;

	switch (c) {
	case '\'':
		if (r->end - r->p >= 2 && hex(r->p[0]) >= 0 && hex(r->p[1]) >= 0) {
			put_byte(r, (unsigned char)(hex(r->p[0]) << 4 | hex(r->p[1])));
			r->p += 2;
		}
		break;
	case '*': r->optional = true; break;
	case '~': put_byte(r, ' '); break;
	case '_': put_byte(r, '-'); break;
	case '-': case '|': case ':': break;
	case '\r': case '\n': end_paragraph(r); break;
	case '\\': case '{': case '}': put_byte(r, (unsigned char)c); break;
	default: r->swallow -= r->swallow > 0; break;
	}
}

static void read_all(struct rtf *r)
{
	while (r->p < r->end && !r->words.failed && !r->e->text.failed) {
		char c = *r->p++;
		if (c == '{')
			open_group(r);
		else if (c == '}')
			close_group(r);
		else if (c == '\\' && r->p == r->end)
			break;
		else if (c == '\\')
			br_text__alpha(*r->p) ? control_word(r) : control_symbol(r);
		else if (c == '\t')
			put_byte(r, ' ');
		else if ((unsigned char)c >= ' ')
			put_byte(r, (unsigned char)c);
	}
	if (r->row.len || r->s.table)
		end_row(r);
	r->s.table = false;
	end_paragraph(r);
	end_table(r);
}

static void release(struct rtf *r)
{
	br_text__codepage_release(&r->page);
	br_buf_release(&r->raw);
	br_buf_release(&r->words);
	br_buf_release(&r->row);
	br_buf_release(&r->rows);
	br_buf_release(&r->name);
	br_vec_release(&r->fonts);
	br_vec_release(&r->styles);
	free(r);
}

int br_text__read_rtf(struct br_extracted *out, struct br_slice bytes, struct br_err *err)
{
	struct rtf *r = br_alloc(sizeof *r);
	int rc;

	r->e = out;
	r->p = bytes.ptr;
	r->end = bytes.ptr + bytes.len;
	r->s = (struct state){ .where = IN_TEXT, .uc = 1 };
	r->ansi = 1252;
	br_buf_init(&r->raw, BR_MAX_TEXT);
	br_buf_init(&r->words, BR_MAX_TEXT);
	br_buf_init(&r->row, BR_MAX_TEXT);
	br_buf_init(&r->rows, BR_MAX_TEXT);
	br_buf_init(&r->name, BR_MAX_TEXT);
	strcpy(out->encoding, "RTF");
	read_all(r);
	rc = r->words.failed ? br_buf_check(&r->words, "text", err) : br_buf_check(&out->text, "text", err);
	release(r);
	if (rc == 0)
		br_text__finish(out);
	return rc;
}
