/*
 * The default way: the document as sections (a heading and the blocks up to the next one), each filled into chunks of
 * about `size` characters. Blocks that are too large are taken apart at rows, lines, sentences or words; sections that
 * are too small to stand alone join the siblings behind them.
 */
#include "internal.h"

#include <stdlib.h>

/* Characters, as parts of `size`. What is too small says too little by itself; what is halved loses its context. */
#define SMALL_SECTION(size)  ((size) / 4)            /* joins its siblings */
#define SCRAP(size)          ((size) / 8)            /* is never a chunk beside other text of its section */
#define WHOLE_PARA(size)     ((size) + (size) / 4)   /* paragraphs up to this are not split */
#define WHOLE_BLOCK(size)    ((size) * 2)            /* code, tables, list items */
#define WHOLE_ALONE(size)    ((size) * 2)            /* the paragraph of a document of one paragraph */
#define TURNS_PAGE(size)     ((size) / 2)            /* a chunk of that size does not go on on the next page */

/* Character positions: characters before a place, counted from the document's start. */
struct section {
	size_t first, n;      /* its body: blocks[first .. first + n) */
	uint32_t heading;     /* BR_NO_HEADING before the first one */
	uint32_t off, end;    /* bytes of the body; of the heading when there is none */
	uint64_t c0, c1;      /* the same as character positions */
	bool bare;            /* no body */
};

/* A run of text that is not divided further. */
struct unit {
	size_t off, end;
	uint64_t c0, c1;
	uint32_t page;     /* where it ends */
};

/* The chunk being filled, and the section it belongs to. */
struct filler {
	struct chunker *c;
	const struct section *s;
	struct unit now;
	bool open;
	bool alone; /* the section's only block is the document's only one */
	int rc;
};

/* ---- filling ---- */

static void flush(struct filler *f)
{
	if (f->open && f->rc == 0)
		f->rc = br_chunk__emit(f->c, f->now.off, f->now.end, f->s->heading);
	f->open = false;
}

static bool joins(const struct filler *f, const struct unit *u)
{
	uint64_t size = f->c->size, gap = u->c0 - f->now.c1;

	if (u->page != f->now.page && f->now.c1 - f->now.c0 >= TURNS_PAGE(size))
		return false;
	if (u->c1 - f->now.c0 <= size)
		return true;
	if (f->s->c1 - f->now.c1 < SCRAP(size))
		return true; /* what is left of the section would be a scrap */
	return f->now.c1 - f->now.c0 < SCRAP(size) && gap < SCRAP(size);
}

static void add_unit(struct filler *f, const struct unit *u)
{
	if (f->open && !joins(f, u))
		flush(f);
	if (!f->open)
		f->now = *u;
	f->now.end = u->end;
	f->now.c1 = u->c1;
	f->now.page = u->page;
	f->open = true;
}

/* ---- taking large blocks apart ---- */

enum level { BY_ROWS, BY_LINES, BY_SENTENCES, BY_WORDS };

/* End of the CSV row at pos: a line end outside quotes. */
static size_t row_end(struct br_slice t, size_t pos, size_t end)
{
	for (bool quoted = false; pos < end; pos++) {
		if (t.ptr[pos] == '"')
			quoted = !quoted;
		else if (t.ptr[pos] == '\n' && !quoted)
			return pos + 1;
	}
	return end;
}

static size_t line_end(struct br_slice t, size_t pos, size_t end)
{
	const char *p = memchr(t.ptr + pos, '\n', end - pos);

	return p ? (size_t)(p - t.ptr) + 1 : end;
}

static size_t sentence_end(struct br_slice t, size_t pos, size_t end)
{
	struct br_range r;

	return br_sentence_next(&r, br_slice(t.ptr, end), &pos) ? pos : end;
}

/* End of the piece of text that begins at pos; pieces tile the range. */
static size_t piece_end(struct chunker *c, enum level by, size_t pos, size_t end)
{
	size_t stop = by == BY_ROWS ? row_end(c->text, pos, end) : by == BY_LINES ? line_end(c->text, pos, end)
	                                                                          : sentence_end(c->text, pos, end);
	c->work += stop - pos;
	return stop;
}

/* Characters for the next part, so that `left` comes out in parts of equal size none of which is over `size`. */
static uint64_t fair_share(uint64_t left, uint64_t size)
{
	uint64_t parts = (left + size - 1) / size;

	return parts ? (left + parts - 1) / parts : 0;
}

/* Steps over one character, or over a whole skip range, which counts for nothing. */
static size_t step(const struct chunker *c, size_t pos, size_t end, size_t *skip, uint64_t *chars)
{
	const struct br_range *v = c->e->skip.v;

	while (*skip < c->e->skip.n && (size_t)v[*skip].off + v[*skip].len <= pos)
		++*skip;
	if (*skip < c->e->skip.n && v[*skip].off <= pos)
		return BR_MIN(end, (size_t)v[*skip].off + v[*skip].len);
	for (pos++; pos < end && is_cont(c->text.ptr[pos]); pos++)
		;
	++*chars;
	return pos;
}

/* End of a part of about `want` characters that begins at pos, at most `most`: behind a blank when one is near. */
static size_t word_cut(struct chunker *c, size_t pos, size_t end, uint64_t want, uint64_t most)
{
	size_t skip = br_chunk__skip_at(c, pos), before = 0, exact = end, start = pos;
	uint64_t chars = 0;

	while (pos < end && chars < most) {
		bool blank = is_blank(c->text.ptr[pos]);
		pos = step(c, pos, end, &skip, &chars);
		if (blank && chars <= want && chars >= want / 2)
			before = pos;
		else if (blank && chars > want)
			break;
		if (chars <= want)
			exact = pos;
		else if (before)
			break;
	}
	c->work += pos - start;
	if (before)
		return before;
	return pos == end || is_blank(c->text.ptr[pos - 1]) ? pos : exact;
}

static void split_words(struct filler *f, struct unit u)
{
	uint64_t size = f->c->size;

	while (u.off < u.end && f->rc == 0) {
		struct unit part = u;
		part.end = word_cut(f->c, u.off, u.end, fair_share(u.c1 - u.c0, size), size);
		part.c1 = u.c0 + br_chunk__chars(f->c, u.off, part.end);
		add_unit(f, &part);
		u.off = part.end;
		u.c0 = part.c1;
	}
}

/* `u` is over its limit: equal parts made of whole pieces; a piece that is too large itself goes one level down. */
static void split(struct filler *f, struct unit u, enum level by)
{
	uint64_t size = f->c->size;
	struct unit part = { u.off, u.off, u.c0, u.c0, u.page };

	if (by == BY_WORDS) {
		split_words(f, u);
		return;
	}
	while (part.end < u.end && f->rc == 0) {
		struct unit piece = { .off = part.end, .c0 = part.c1 };
		uint64_t have = part.c1 - part.c0, want = fair_share(u.c1 - part.c0, size), n;

		piece.end = piece_end(f->c, by, piece.off, u.end);
		n = br_chunk__chars(f->c, piece.off, piece.end);
		piece.c1 = piece.c0 + n;
		if (have && (have + n > size || have + n / 2 > want)) {
			add_unit(f, &part);
			part.off = piece.off;
			part.c0 = piece.c0;
		}
		part.end = piece.end;
		part.c1 = piece.c1;
		if (n > WHOLE_PARA(size)) {
			split(f, part, by + 1);
			part.off = part.end;
			part.c0 = part.c1;
		}
	}
	if (part.off < part.end)
		add_unit(f, &part);
}

static void add_block(struct filler *f, const struct br_block *b, struct unit u)
{
	bool prose = b->kind == BR_BLOCK_PARA || b->kind == BR_BLOCK_QUOTE || b->kind == BR_BLOCK_HEADING;
	bool csv = f->c->e->format == BR_FMT_CSV && b->kind == BR_BLOCK_TABLE;
	uint64_t size = f->c->size, whole = f->alone ? WHOLE_ALONE(size) : prose ? WHOLE_PARA(size) : WHOLE_BLOCK(size);

	if (u.c1 - u.c0 <= whole)
		add_unit(f, &u);
	else
		split(f, u, prose ? BY_SENTENCES : csv ? BY_ROWS : BY_LINES);
}

static int fill_section(struct chunker *c, const struct section *s, size_t bodies)
{
	const struct br_block *v = c->e->blocks.v;
	struct filler f = { .c = c, .s = s, .alone = bodies == 1 };
	uint64_t at = s->c0;
	size_t off = s->off;

	for (size_t i = s->first; i < s->first + s->n && f.rc == 0; i++) {
		struct unit u = { .off = v[i].off, .end = (size_t)v[i].off + v[i].len, .page = v[i].page };
		u.c0 = at + br_chunk__chars(c, off, u.off);
		u.c1 = at = u.c0 + br_chunk__chars(c, u.off, u.end);
		off = u.end;
		add_block(&f, &v[i], u);
	}
	flush(&f);
	return f.rc;
}

/* ---- sections ---- */

/* A heading longer than what is kept of one is text as well. */
static bool is_body(const struct br_block *b)
{
	return b->kind != BR_BLOCK_HEADING || b->len > BR_MAX_HEADING;
}

/*
 * Reads the section that begins at block *at, and moves *at behind it. `prev` is the section before it: character
 * positions go on from there, so that each byte is counted once.
 */
static struct section next_section(struct chunker *c, const struct section *prev, size_t *at)
{
	const struct br_block *v = c->e->blocks.v;
	size_t n = c->e->blocks.n, i = *at, last;
	struct section s = { .heading = prev->heading };

	if (v[i].kind == BR_BLOCK_HEADING) {
		s.heading = prev->heading == BR_NO_HEADING ? 0 : prev->heading + 1;
		i += !is_body(&v[i]);
	}
	s.first = i;
	while (i < n && (i == *at || v[i].kind != BR_BLOCK_HEADING))
		i++;
	s.n = i - s.first;
	s.bare = s.n == 0;
	last = s.bare ? *at : i - 1;
	s.off = v[s.bare ? *at : s.first].off;
	s.end = v[last].off + v[last].len;
	s.c0 = prev->c1 + br_chunk__chars(c, prev->end, s.off);
	s.c1 = s.c0 + br_chunk__chars(c, s.off, s.end);
	*at = i;
	return s;
}

static int read_sections(struct chunker *c, struct section **out, size_t *n_out, size_t *bodies)
{
	struct section none = { .heading = BR_NO_HEADING }, *v;
	size_t n = 0, at = 0;

	if (!(v = br_try_alloc((c->out->headings.n + 1) * sizeof *v)))
		return br_fail(c->err, BR_ENOMEM, "out of memory for %zu sections", c->out->headings.n + 1);
	while (at < c->e->blocks.n) {
		v[n] = next_section(c, n ? &v[n - 1] : &none, &at);
		*bodies += v[n++].n;
	}
	*out = v;
	*n_out = n;
	return 0;
}

static uint32_t parent_of(const struct chunker *c, const struct section *s)
{
	return c->out->headings.v[s->heading].parent;
}

/* The words of a heading with sections below it are in their paths; alone they would only be noise. */
static bool is_only_a_path(const struct chunker *c, const struct section *s, size_t following)
{
	return s->bare && following && parent_of(c, s + 1) == s->heading;
}

static uint32_t page_of(const struct chunker *c, const struct section *s)
{
	return c->e->blocks.v[s->bare ? s->first - 1 : s->first].page;
}

/* How many sections from v[0] on make one chunk: 1 unless it is small and siblings follow on the same page, slide or sheet. */
static size_t group(const struct chunker *c, const struct section *v, size_t n)
{
	uint64_t size = c->size, small = SMALL_SECTION(size);
	size_t i = 1;

	if (v->heading == BR_NO_HEADING)
		return 1;
	for (; i < n && parent_of(c, &v[i]) == parent_of(c, v) && !is_only_a_path(c, &v[i], n - i - 1); i++) {
		bool weak = v[i - 1].c1 - v->c0 < small || v[i].c1 - v[i].c0 < small;
		if (!weak || page_of(c, &v[i]) != page_of(c, v) || v->c1 - v->c0 >= small || v[i].c1 - v->c0 > size)
			break;
	}
	return i;
}

int br_chunk__structure(struct chunker *c)
{
	struct section *v = NULL;
	size_t n = 0, bodies = 0, taken;
	int rc = read_sections(c, &v, &n, &bodies);

	for (size_t i = 0; i < n && rc == 0; i += taken) {
		taken = 1;
		if (is_only_a_path(c, &v[i], n - i - 1))
			continue;
		taken = group(c, &v[i], n - i);
		if (taken > 1 || v[i].bare)
			rc = br_chunk__emit(c, v[i].off, v[i + taken - 1].end, v[i].heading);
		else
			rc = fill_section(c, &v[i], bodies);
	}
	free(v);
	return rc;
}
