/*
 * What every reader returns: the format table, life of struct br_extracted, appending blocks and skip ranges, titles,
 * and the last step that makes the promises of the header true whatever the input was.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { MERGE_MAX = 1200 };

static const struct { const char *name, *mime; } formats[BR_FMT_COUNT] = {
	[BR_FMT_UNKNOWN] = { "unknown", "application/octet-stream" },
#define X(id, name, mime, in_process) [BR_FMT_##id] = { name, mime },
	BR_FORMAT_LIST(X)
#undef X
};

const char *br_format_name(enum br_format f) { return formats[f < BR_FMT_COUNT ? f : BR_FMT_UNKNOWN].name; }
const char *br_format_mime(enum br_format f) { return formats[f < BR_FMT_COUNT ? f : BR_FMT_UNKNOWN].mime; }

enum br_format br_format_by_name(const char *name)
{
	for (int f = BR_FMT_UNKNOWN + 1; f < BR_FMT_COUNT; f++)
		if (!strcmp(name, formats[f].name))
			return (enum br_format)f;
	return BR_FMT_UNKNOWN;
}

/* ---- life ---- */

void br_extracted_init(struct br_extracted *e)
{
	*e = (struct br_extracted){ 0 };
	br_buf_init(&e->text, BR_MAX_TEXT);
}

void br_extracted_release(struct br_extracted *e)
{
	br_buf_release(&e->text);
	free(e->title);
	br_vec_release(&e->blocks);
	br_vec_release(&e->skip);
	br_extracted_init(e);
}

void br_extracted_reset(struct br_extracted *e)
{
	br_buf_reset(&e->text);
	e->text.max = BR_MAX_TEXT;
	free(e->title);
	e->title = NULL;
	e->lang[0] = e->encoding[0] = 0;
	e->format = BR_FMT_UNKNOWN;
	e->blocks.n = e->skip.n = 0;
}

/* ---- blocks and skip ranges ---- */

static uint32_t blocks_end(const struct br_extracted *e)
{
	return e->blocks.n ? e->blocks.v[e->blocks.n - 1].off + e->blocks.v[e->blocks.n - 1].len : 0;
}

static bool trim(const char *p, size_t *off, size_t *end)
{
	while (*off < *end && br_text__blank(p[*off]))
		++*off;
	while (*end > *off && br_text__blank(p[*end - 1]))
		--*end;
	return *off < *end;
}

struct br_block *br_text__block(struct br_extracted *e, enum br_block_kind kind, int level, size_t off, size_t end)
{
	struct br_block *b;

	off = BR_MAX(off, blocks_end(e));
	if (off >= end || !trim(e->text.ptr, &off, &end))
		return NULL;
	if (e->blocks.n == BR_MAX_BLOCKS) {
		b = &e->blocks.v[e->blocks.n - 1];
		b->kind = BR_BLOCK_PARA;
		b->level = 0;
		b->head_len = 0;
		b->len = (uint32_t)(end - b->off);
		return b;
	}
	b = br_vec_push(&e->blocks);
	*b = (struct br_block){ .off = (uint32_t)off, .len = (uint32_t)(end - off), .kind = kind, .level = (uint8_t)BR_MIN(level, 255) };
	return b;
}

void br_text__flow_add(struct br_text__flow *f, struct br_extracted *e, uint32_t id, struct br_text__span s)
{
	struct br_block *b = e->blocks.n ? &e->blocks.v[e->blocks.n - 1] : NULL;

	if (b && id && f->id == id && f->blocks == e->blocks.n && s.off >= (size_t)b->off + b->len && s.end - b->off <= MERGE_MAX) {
		if (trim(e->text.ptr, &s.off, &s.end))
			b->len = (uint32_t)(s.end - b->off);
	} else if (br_text__block(e, s.kind, s.level, s.off, s.end)) {
		f->id = id;
		f->blocks = e->blocks.n;
	}
}

void br_text__skip(struct br_extracted *e, size_t off, size_t end)
{
	struct br_range *last = e->skip.n ? &e->skip.v[e->skip.n - 1] : NULL;

	if (off >= end)
		return;
	if (last && off >= last->off && off <= (size_t)last->off + last->len)
		last->len = (uint32_t)(BR_MAX(end, (size_t)last->off + last->len) - last->off);
	else if (e->skip.n < BR_MAX_BLOCKS)
		*br_vec_push(&e->skip) = (struct br_range){ (uint32_t)off, (uint32_t)(end - off) };
}

static int by_offset(const void *a, const void *b)
{
	const struct br_range *x = a, *y = b;

	return (x->off > y->off) - (x->off < y->off);
}

static void sort_skip(struct br_extracted *e)
{
	size_t n = 0;
	struct br_range *v = e->skip.v;

	for (n = 1; n < e->skip.n && v[n - 1].off + v[n - 1].len < v[n].off; n++)
		;
	if (n >= e->skip.n)
		return;
	qsort(v, e->skip.n, sizeof *v, by_offset);
	n = 1;
	for (size_t i = 1; i < e->skip.n; i++) {
		uint32_t end = v[n - 1].off + v[n - 1].len;
		if (v[i].off > end)
			v[n++] = v[i];
		else
			v[n - 1].len = BR_MAX(end, v[i].off + v[i].len) - v[n - 1].off;
	}
	e->skip.n = n;
}

/* ---- what no block covers ---- */

struct gaps {
	struct br_extracted *e;
	size_t skip;                            /* the first skip range that may reach beyond the place looked at */
	BR_VEC(struct br_block) para;           /* gaps with words */
	BR_VEC(struct br_range) rest;           /* gaps without */
};

static void gap_piece(struct gaps *g, size_t off, size_t end)
{
	const char *p = g->e->text.ptr;

	if (off >= end || !trim(p, &off, &end))
		return;
	for (size_t i = off; i < end; i++) {
		if (br_text__wordy(p[i])) {
			*br_vec_push(&g->para) = (struct br_block){ .off = (uint32_t)off, .len = (uint32_t)(end - off) };
			return;
		}
	}
	*br_vec_push(&g->rest) = (struct br_range){ (uint32_t)off, (uint32_t)(end - off) };
}

/* [off, end) belongs to no block: the parts between skip ranges get a place. */
static void gap(struct gaps *g, size_t off, size_t end)
{
	const struct br_extracted *e = g->e;

	while (off < end) {
		const struct br_range *s;
		while (g->skip < e->skip.n && e->skip.v[g->skip].off + e->skip.v[g->skip].len <= off)
			g->skip++;
		s = g->skip < e->skip.n ? &e->skip.v[g->skip] : NULL;
		if (!s || s->off >= end) {
			gap_piece(g, off, end);
			return;
		}
		gap_piece(g, off, BR_MAX(s->off, off));
		off = s->off + s->len;
	}
}

static void merge_paras(struct br_extracted *e, const struct br_block *para, size_t n)
{
	size_t to = e->blocks.n + n, from = e->blocks.n;

	if (!n)
		return;
	br_vec_reserve(&e->blocks, n);
	e->blocks.n = to;
	while (n) {
		if (from && e->blocks.v[from - 1].off > para[n - 1].off)
			e->blocks.v[--to] = e->blocks.v[--from];
		else
			e->blocks.v[--to] = para[--n];
	}
}

static void fill_gaps(struct br_extracted *e)
{
	struct gaps g = { .e = e };
	size_t at = 0;

	for (size_t i = 0; i < e->blocks.n; i++) {
		gap(&g, at, e->blocks.v[i].off);
		at = e->blocks.v[i].off + e->blocks.v[i].len;
	}
	gap(&g, at, e->text.len);
	merge_paras(e, g.para.v, g.para.n);
	if (g.rest.n) {
		br_vec_reserve(&e->skip, g.rest.n);
		memcpy(e->skip.v + e->skip.n, g.rest.v, g.rest.n * sizeof *g.rest.v);
		e->skip.n += g.rest.n;
		sort_skip(e);
	}
	br_vec_release(&g.para);
	br_vec_release(&g.rest);
}

static void number_lines(struct br_extracted *e)
{
	size_t at = 0, line = 1;

	for (size_t i = 0; i < e->blocks.n; i++) {
		struct br_block *b = &e->blocks.v[i];
		line += br_text__count_newlines(e->text.ptr + at, b->off - at);
		b->line = (uint32_t)line;
		line += br_text__count_newlines(e->text.ptr + b->off, b->len);
		b->line_end = (uint32_t)line;
		at = b->off + b->len;
	}
}

void br_text__finish(struct br_extracted *e)
{
	sort_skip(e);
	fill_gaps(e);
	number_lines(e);
}

/* ---- titles ---- */

/* One line: runs of white space become one space, backquotes go; cut at a character when too long. */
static size_t clean_title(char out[BR_MAX_TITLE + 1], const char *p, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n && len < BR_MAX_TITLE; i++) {
		if (p[i] == '`')
			continue;
		if (!br_text__blank(p[i]))
			out[len++] = p[i];
		else if (len && out[len - 1] != ' ')
			out[len++] = ' ';
	}
	len = br_utf8_valid(out, len);
	while (len && out[len - 1] == ' ')
		len--;
	out[len] = 0;
	return len;
}

void br_text__title(struct br_extracted *e, const char *p, size_t n)
{
	char title[BR_MAX_TITLE + 1];
	size_t len = clean_title(title, p, n);

	if (!len)
		return;
	free(e->title);
	e->title = br_strndup(title, len);
}

/* The "[" that a left out "](target)" belongs to. */
static size_t without_bracket(char *p, size_t n)
{
	char *open = n ? memrchr(p, '[', n) : NULL;

	if (!open)
		return n;
	memmove(open, open + 1, (size_t)(p + n - open - 1));
	return n - 1;
}

void br_text__title_range(struct br_extracted *e, size_t off, size_t end)
{
	char words[2 * BR_MAX_TITLE];
	const char *p = e->text.ptr;
	size_t n = 0, skip = 0;

	/* The ranges of this heading were appended last, so the search from the back is short. */
	for (skip = e->skip.n; skip && e->skip.v[skip - 1].off + e->skip.v[skip - 1].len > off; skip--)
		;
	for (size_t i = off; i < end && n < sizeof words; i++) {
		const struct br_range *s = skip < e->skip.n ? &e->skip.v[skip] : NULL;
		if (s && i >= s->off) {
			if (p[i] == ']')
				n = without_bracket(words, n);
			i = s->off + s->len - 1;
			skip++;
		} else if (p[i] == '*' && i + 1 < end && p[i + 1] == '*') {
			i++;
		} else {
			words[n++] = p[i];
		}
	}
	br_text__title(e, words, n);
}

static bool is_name_heading(const struct br_extracted *e, const struct br_block *b)
{
	return b->kind == BR_BLOCK_HEADING && b->len == 4 && !strncasecmp(e->text.ptr + b->off, "NAME", 4);
}

void br_text__title_man(struct br_extracted *e)
{
	char title[2 * BR_MAX_TITLE];
	const struct br_block *b = e->blocks.v;
	size_t i = 0, n, room = BR_MIN(e->blocks.n, 8);
	const char *dash;

	while (i < room && !is_name_heading(e, &b[i]))
		i++;
	if (i + 1 >= e->blocks.n || i >= room || b[i + 1].kind == BR_BLOCK_HEADING || b[i + 1].len > BR_MAX_TITLE)
		return;
	dash = memmem(e->text.ptr + b[i + 1].off, b[i + 1].len, " - ", 3);
	if (!dash)
		return;
	n = (size_t)(e->text.ptr + b[i + 1].off + b[i + 1].len - dash);
	if (e->title && strcasecmp(e->title, "NAME")) {
		n = (size_t)snprintf(title, sizeof title, "%s%.*s", e->title, (int)n, dash);
		br_text__title(e, title, BR_MIN(n, sizeof title - 1));
	} else {
		br_text__title(e, e->text.ptr + b[i + 1].off, b[i + 1].len);
	}
}
