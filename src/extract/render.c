/*
 * Words and breaks become text and blocks: white space collapsed as browsers do, one blank line between blocks, list items on
 * consecutive lines. Knows nothing of any format.
 */
#include "extract/extract.h"

#include <stdlib.h>

void br_extract__render_init(struct br_extract__render *r, struct br_extracted *out, struct br_err *err)
{
	*r = (struct br_extract__render){ .out = out, .err = err, .data_paras = BR_EXTRACT__DATA_PARAS };
	br_buf_init(&r->cells, BR_MAX_TEXT);
}

void br_extract__render_release(struct br_extract__render *r)
{
	br_vec_release(&r->regions);
	br_buf_release(&r->cells);
}

/* ---- blocks ---- */

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void push_block(struct br_extract__render *r, const struct br_block *b)
{
	struct br_extracted *e = r->out;

	if (e->blocks.n >= BR_MAX_BLOCKS) {
		r->rc = br_fail(r->err, BR_ETOOBIG, "more than %u blocks of text", BR_MAX_BLOCKS);
		return;
	}
	*br_vec_push(&e->blocks) = *b;
	e->blocks.v[e->blocks.n - 1].page = r->page;
	*br_vec_push(&r->regions) = r->region;
}

static const char *separator(const struct br_extract__render *r, enum br_block_kind next)
{
	const struct br_extracted *e = r->out;

	if (!e->blocks.n)
		return "";
	return next == BR_BLOCK_LIST && e->blocks.v[e->blocks.n - 1].kind == BR_BLOCK_LIST ? "\n" : "\n\n";
}

static void open_block(struct br_extract__render *r, uint32_t line)
{
	struct br_buf *t = &r->out->text;

	r->open = true;
	r->before = t->len;
	br_buf_adds(t, separator(r, r->kind));
	r->start = t->len;
	r->line = r->line_end = line;
	r->breaks = 0;
	if (r->marker && r->kind == BR_BLOCK_LIST)
		br_buf_adds(t, r->marker);
	r->marker = NULL;
	r->space = false;
}

void br_extract__cut_block(struct br_extract__render *r)
{
	struct br_buf *t = &r->out->text;
	struct br_block b = { .kind = (uint8_t)r->kind, .level = r->level, .line = r->line, .line_end = r->line_end };

	r->glued = false;
	r->lead_len = 0;
	r->space = r->in_table; /* there it only separates words */
	if (!r->open || r->rc < 0)
		return;
	r->open = false;
	while (t->len > r->start && is_blank(t->ptr[t->len - 1]))
		t->len--;
	t->ptr[t->len] = 0;
	if (t->len == r->start || t->failed) {
		t->len = t->failed ? t->len : r->before;
		return;
	}
	b.off = (uint32_t)r->start;
	b.len = (uint32_t)(t->len - r->start);
	push_block(r, &b);
}

void br_extract__end_block(struct br_extract__render *r)
{
	if (!r->glued || r->in_table)
		br_extract__cut_block(r);
}

void br_extract__glue(struct br_extract__render *r)
{
	if (r->open) {
		br_extract__line_break(r);
		r->breaks = 0;
	}
	r->glued = true;
}

void br_extract__add_block(struct br_extract__render *r, const struct br_block *like, const char *p, size_t n)
{
	struct br_buf *t = &r->out->text;
	struct br_block b = *like;

	if (!n || r->rc < 0)
		return;
	br_buf_adds(t, separator(r, (enum br_block_kind)b.kind));
	b.off = (uint32_t)t->len;
	b.len = (uint32_t)n;
	br_buf_add(t, p, n);
	if (!t->failed)
		push_block(r, &b);
}

/* ---- words ---- */

/* White space and characters that are not seen: 0 if p begins with neither, else its bytes. *blank: it separates words. */
static size_t unseen(const char *p, size_t n, bool *blank)
{
	unsigned char c = (unsigned char)*p;

	*blank = is_blank(*p);
	if (c < ' ' || c == ' ' || c == 0x7f)
		return 1;
	if (n >= 2 && c == 0xc2 && (p[1] == '\xa0' || p[1] == '\xad')) {
		*blank = p[1] == '\xa0'; /* the other is the soft hyphen */
		return 2;
	}
	if (n >= 3 && (!memcmp(p, "\xe2\x80\x8b", 3) || !memcmp(p, "\xef\xbb\xbf", 3)))
		return 3; /* zero width */
	return 0;
}

/* Begins a word: no white space, and nothing that could be unseen. */
static bool is_plain(char ch)
{
	unsigned char c = (unsigned char)ch;

	return c > ' ' && c != 0x7f && c != 0xc2 && c != 0xe2 && c != 0xef;
}

/* Length of the visible run at p. Single spaces between words belong to it: what is written does not change there. */
static size_t visible(const char *p, size_t n)
{
	size_t i = 0;
	bool blank;

	while (i < n && (is_plain(p[i]) || (p[i] == ' ' && i && i + 1 < n && is_plain(p[i + 1])) || !unseen(p + i, n - i, &blank)))
		i++;
	return i;
}

static struct br_buf *target(struct br_extract__render *r, uint32_t line)
{
	if (r->in_table) {
		if (!r->table_line)
			r->table_line = line;
		return &r->cells;
	}
	if (!r->open)
		open_block(r, line);
	return &r->out->text;
}

static bool at_line_start(const struct br_extract__render *r, const struct br_buf *t)
{
	if (!t->len || (unsigned char)t->ptr[t->len - 1] < ' ')
		return true; /* behind a line end, or the mark of a cell */
	return t == &r->out->text && t->len == r->start;
}

/* A run of visible bytes. */
static void add_run(struct br_extract__render *r, const char *p, size_t n, uint32_t line)
{
	struct br_buf *t = target(r, line);

	if (r->space && !at_line_start(r, t))
		br_buf_addc(t, ' ');
	r->space = r->glued = false;
	r->breaks = 0;
	br_buf_add(t, p, n);
}

static void add_pre_blank(struct br_extract__render *r, char c)
{
	c = c == '\n' || c == '\t' ? c : ' ';
	if (r->open)
		br_buf_addc(&r->out->text, c);
	else if (c == '\n')
		r->lead_len = 0;
	else if (r->lead_len < sizeof r->lead)
		r->lead[r->lead_len++] = c;
}

/* Preformatted: everything as it stands, but for empty lines in front. */
static void pre_words(struct br_extract__render *r, const char *p, size_t n, uint32_t line)
{
	for (size_t i = 0; i < n;) {
		size_t run = visible(p + i, n - i);
		bool blank;
		if (run && !r->open) {
			open_block(r, line);
			br_buf_add(&r->out->text, r->lead, r->lead_len);
		}
		br_buf_add(&r->out->text, p + i, run);
		i += run;
		if (i == n)
			break;
		run = unseen(p + i, n - i, &blank);
		if (blank)
			add_pre_blank(r, p[i]);
		line += p[i] == '\n';
		i += run;
	}
}

static uint32_t newlines(const char *p, size_t n)
{
	uint32_t c = 0;

	for (size_t i = 0; i < n; i++)
		c += p[i] == '\n';
	return c;
}

static void flowing_words(struct br_extract__render *r, const char *p, size_t n, uint32_t line)
{
	for (size_t i = 0; i < n;) {
		size_t run = visible(p + i, n - i);
		bool blank;
		if (run)
			add_run(r, p + i, run, line);
		i += run;
		if (i == n)
			break;
		run = unseen(p + i, n - i, &blank);
		r->space |= blank;
		line += p[i] == '\n';
		i += run;
	}
}

/* Trailing white space does not make a block longer. */
static uint32_t last_line(const char *p, size_t n, uint32_t line)
{
	for (; n && is_blank(p[n - 1]); n--)
		line -= p[n - 1] == '\n';
	return line;
}

void br_extract__words(struct br_extract__render *r, const char *p, size_t n, uint32_t line)
{
	uint32_t within = newlines(p, n), first = line > within ? line - within : 1;
	size_t had = r->out->text.len + r->cells.len;

	if (r->rc < 0)
		return;
	if (r->pre && !r->in_table)
		pre_words(r, p, n, first);
	else
		flowing_words(r, p, n, first);
	if (r->out->text.len + r->cells.len > had) {
		uint32_t *end = r->in_table ? &r->table_line_end : &r->line_end;
		*end = BR_MAX(r->in_table ? r->table_line : r->line, last_line(p, n, BR_MAX(line, first)));
	}
	if (r->out->text.failed || r->cells.failed)
		r->rc = br_buf_check(r->out->text.failed ? &r->out->text : &r->cells, "text", r->err);
}

void br_extract__line_break(struct br_extract__render *r)
{
	struct br_buf *t = &r->out->text;

	if (r->in_table || r->kind == BR_BLOCK_HEADING) {
		r->space = true;
		return;
	}
	if (!r->open)
		return;
	if (++r->breaks > 1 && !r->pre) {
		br_extract__cut_block(r);
		return;
	}
	while (!r->pre && t->len > r->start && t->ptr[t->len - 1] == ' ')
		t->len--;
	r->space = false;
	br_buf_addc(t, '\n');
}

/* ---- choosing ---- */

static bool wanted(uint8_t region, uint8_t with, uint8_t without)
{
	return !(region & without) && (!with || (region & with));
}

size_t br_extract__text_in(const struct br_extract__render *r, uint8_t with, uint8_t without)
{
	size_t n = 0;

	for (size_t i = 0; i < r->regions.n; i++)
		if (wanted(r->regions.v[i], with, without))
			n += r->out->blocks.v[i].len;
	return n;
}

void br_extract__keep(struct br_extract__render *r, uint8_t with, uint8_t without)
{
	struct br_extracted *e = r->out;
	char *t = e->text.ptr;
	size_t kept = 0, len = 0;

	/* What stays only moves forward: separators never grow, since each was written before its block. */
	for (size_t i = 0; i < r->regions.n; i++) {
		struct br_block b = e->blocks.v[i];
		bool list = kept && b.kind == BR_BLOCK_LIST && e->blocks.v[kept - 1].kind == BR_BLOCK_LIST;
		size_t gap = !kept ? 0 : list ? 1 : 2;

		if (!wanted(r->regions.v[i], with, without))
			continue;
		memmove(t + len + gap, t + b.off, b.len);
		memset(t + len, '\n', gap);
		b.off = (uint32_t)(len + gap);
		len = (size_t)b.off + b.len;
		r->regions.v[kept] = r->regions.v[i];
		e->blocks.v[kept++] = b;
	}
	e->blocks.n = r->regions.n = kept;
	if (e->text.cap) {
		e->text.len = len;
		t[len] = 0;
	}
}
