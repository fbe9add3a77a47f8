/*
 * Entry of the chunker: checks its input, builds the tree of headings, hands over to one of the two ways, and turns
 * ranges into chunks with line and page.
 */
#include "internal.h"

#include <stdlib.h>

void br_chunks_release(struct br_chunks *c)
{
	br_vec_release(&c->chunks);
	br_vec_release(&c->headings);
}

/* ---- measuring ---- */

static uint64_t count_chars(const char *p, size_t n)
{
	uint64_t conts = 0;
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t w;
		memcpy(&w, p + i, 8);
		w = (w >> 7) & ~(w >> 6) & 0x0101010101010101u; /* one bit for each continuation byte */
		conts += (w * 0x0101010101010101u) >> 56;
	}
	for (; i < n; i++)
		conts += is_cont(p[i]);
	return n - conts;
}

size_t br_chunk__skip_at(const struct chunker *c, size_t off)
{
	const struct br_range *v = c->e->skip.v;
	size_t lo = 0, hi = c->e->skip.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if ((size_t)v[mid].off + v[mid].len <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint64_t br_chunk__chars(struct chunker *c, size_t off, size_t end)
{
	const struct br_range *v = c->e->skip.v;
	uint64_t n = 0;

	c->work += end - off + 1;
	for (size_t i = br_chunk__skip_at(c, off); i < c->e->skip.n && v[i].off < end; i++) {
		if (v[i].off > off)
			n += count_chars(c->text.ptr + off, v[i].off - off);
		off = BR_MIN(end, (size_t)v[i].off + v[i].len);
	}
	return n + count_chars(c->text.ptr + off, end - off);
}

/* ---- places ---- */

static uint32_t newlines_in(struct chunker *c, size_t off, size_t end)
{
	const char *p = c->text.ptr + off, *stop = c->text.ptr + end;
	uint32_t n = 0;

	c->work += end - off;
	while (p < stop && (p = memchr(p, '\n', (size_t)(stop - p))) != NULL) {
		n++;
		p++;
	}
	return n;
}

static bool keeps_source_lines(enum br_format f)
{
	static const bool in_process[BR_FMT_COUNT] = {
#define X(id, name, mime, here) [BR_FMT_##id] = here,
		BR_FORMAT_LIST(X)
#undef X
	};
	return f < BR_FMT_COUNT && in_process[f];
}

/* Rendered formats: a block whose newlines match its source lines (preformatted text) is taken to follow them. */
static bool block_is_exact(struct chunker *c, const struct br_block *b)
{
	size_t end = (size_t)b->off + b->len;

	if (keeps_source_lines(c->e->format))
		return true;
	while (end > b->off && is_blank(c->text.ptr[end - 1]))
		end--;
	return newlines_in(c, b->off, end) == b->line_end - b->line;
}

static void place_move(struct chunker *c, struct place *p, size_t off)
{
	const struct br_block *v = c->e->blocks.v;
	size_t block = p->block;

	while (block + 1 < c->e->blocks.n && v[block + 1].off <= off)
		block++;
	if (!p->started || block != p->block) {
		*p = (struct place){ .block = block, .pos = v[block].off, .started = true };
		p->exact = block_is_exact(c, &v[block]);
		if (p->exact && off < v[block].off) { /* in front of the first block: lines below its own */
			p->newlines = 0 - newlines_in(c, off, v[block].off);
			p->pos = off;
		}
	}
	if (p->exact && off > p->pos) {
		p->newlines += newlines_in(c, p->pos, off);
		p->pos = off;
	}
}

/* Line of the text's byte `off`; `coarse` is used where only the block's own lines are known. */
static uint32_t place_line(const struct place *p, const struct br_block *b, uint32_t coarse)
{
	return p->exact ? b->line + p->newlines : coarse;
}

static void locate(struct chunker *c, struct br_chunk *k)
{
	const struct br_block *v = c->e->blocks.v, *b;

	place_move(c, &c->from, k->off);
	b = &v[c->from.block];
	k->line = place_line(&c->from, b, b->line);
	k->page = b->page;
	place_move(c, &c->to, k->off + k->len - 1);
	b = &v[c->to.block];
	k->line_end = place_line(&c->to, b, b->line_end);
	k->line_end = BR_MAX(k->line, k->line_end);
}

int br_chunk__emit(struct chunker *c, size_t off, size_t end, uint32_t heading)
{
	const char *t = c->text.ptr;
	struct br_chunk k = { .heading = heading };

	while (off < end && is_blank(t[off]))
		off++;
	while (end > off && is_blank(t[end - 1]))
		end--;
	if (off == end)
		return 0;
	if (c->out->chunks.n >= BR_MAX_CHUNKS)
		return br_fail(c->err, BR_ETOOBIG, "more than %u chunks in one document", BR_MAX_CHUNKS);
	k.off = (uint32_t)off;
	k.len = (uint32_t)(end - off);
	locate(c, &k);
	*br_vec_push(&c->out->chunks) = k;
	return 0;
}

/* ---- headings ---- */

/* Bytes of the first `max` that end on a character. */
static uint32_t cut_at_char(const char *p, uint32_t len, uint32_t max)
{
	if (len <= max)
		return len;
	while (max && is_cont(p[max]))
		max--;
	return max;
}

static void add_headings(struct chunker *c)
{
	uint32_t open[BR_MAX_HEADING_DEPTH + 1];
	const struct br_extracted *e = c->e;

	for (size_t i = 0; i < BR_COUNT(open); i++)
		open[i] = BR_NO_HEADING;
	for (size_t i = 0; i < e->blocks.n; i++) {
		const struct br_block *b = &e->blocks.v[i];
		struct br_heading h = { .off = b->off, .parent = BR_NO_HEADING };

		if (b->kind != BR_BLOCK_HEADING)
			continue;
		h.len = cut_at_char(c->text.ptr + b->off, b->len, BR_MAX_HEADING);
		h.level = BR_MIN(BR_MAX(b->level, 1), BR_MAX_HEADING_DEPTH);
		for (int l = h.level - 1; l > 0 && h.parent == BR_NO_HEADING; l--)
			h.parent = open[l];
		open[h.level] = (uint32_t)c->out->headings.n;
		for (int l = h.level + 1; l <= BR_MAX_HEADING_DEPTH; l++)
			open[l] = BR_NO_HEADING;
		*br_vec_push(&c->out->headings) = h;
	}
}

/* ---- entry ---- */

static int check_blocks(const struct br_extracted *e, struct br_err *err)
{
	size_t at = 0;

	if (e->text.len > BR_MAX_TEXT || e->blocks.n > BR_MAX_BLOCKS)
		return br_fail(err, BR_ETOOBIG, "text or structure over the limit");
	for (size_t i = 0; i < e->blocks.n; i++) {
		const struct br_block *b = &e->blocks.v[i];
		if (!b->len || b->off < at || (size_t)b->off + b->len > e->text.len || b->line_end < b->line)
			return br_fail(err, BR_EBUG, "block %zu of %zu is empty or out of order", i, e->blocks.n);
		at = (size_t)b->off + b->len;
	}
	return 0;
}

int br_chunk__run(struct br_chunks *out, const struct br_extracted *e, const struct br_chunk_opts *opts, uint64_t *work,
                  struct br_err *err)
{
	/* A text without structure is one paragraph. */
	struct br_block all = { .len = (uint32_t)e->text.len, .line = 1, .line_end = 1 };
	struct br_extracted plain = { .text = e->text, .format = BR_FMT_PLAIN, .blocks = { &all, 1, 1 },
		                      .skip = { e->skip.v, e->skip.n, 0 } };
	struct chunker c = { .out = out, .e = e, .text = br_buf_slice(&e->text), .size = opts->size, .overlap = opts->overlap,
		             .err = err };
	int rc;

	if (!opts->size)
		return br_fail(err, BR_EUSAGE, "chunk size must be at least 1 character");
	if (opts->overlap >= opts->size)
		return br_fail(err, BR_EUSAGE, "chunk overlap (%u) must be less than the chunk size (%u)", opts->overlap, opts->size);
	if ((rc = check_blocks(e, err)) < 0)
		return rc;
	if (!e->text.len)
		return 0;
	if (!e->blocks.n)
		c.e = &plain;
	add_headings(&c);
	rc = opts->how == BR_CHUNK_RECURSIVE ? br_chunk__recursive(&c) : br_chunk__structure(&c);
	if (work)
		*work = c.work;
	return rc;
}

int br_chunk(struct br_chunks *out, const struct br_extracted *e, const struct br_chunk_opts *opts, struct br_err *err)
{
	return br_chunk__run(out, e, opts, NULL, err);
}
