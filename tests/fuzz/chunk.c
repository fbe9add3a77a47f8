/*
 * Both chunkers over documents of every reader and of br-extract. Input: kind of document, chunker and unit of size, size, overlap
 * (a byte each, the last two of 16 bits), then the document.
 */
#include "fuzz.h"

#include "chunk/internal.h"

static void mark_skips(unsigned char *seen, const struct br_extracted *e)
{
	for (size_t i = 0; i < e->skip.n; i++)
		memset(seen + e->skip.v[i].off, 1, e->skip.v[i].len);
}

/* Every word of [off, off + len) is in a chunk or in a skip range. */
static void check_covered(const unsigned char *seen, const struct br_extracted *e, size_t off, size_t len)
{
	for (size_t i = off; i < off + len; i++)
		HOLDS(seen[i] || fuzz_blank(e->text.ptr[i]));
}

static void check_headings(const struct br_chunks *c, const struct br_extracted *e)
{
	for (size_t i = 0; i < c->headings.n; i++) {
		const struct br_heading *h = &c->headings.v[i];
		HOLDS((size_t)h->off + h->len <= e->text.len && h->len <= BR_MAX_HEADING && h->level >= 1 && h->level <= BR_MAX_HEADING_DEPTH);
		HOLDS(br_utf8_valid(e->text.ptr + h->off, h->len) == h->len);
		HOLDS(h->parent == BR_NO_HEADING || (h->parent < i && c->headings.v[h->parent].level < h->level));
	}
}

static void check_chunks(const struct br_chunks *c, const struct br_extracted *e, const struct br_chunk_opts *o, bool source)
{
	struct br_slice text = br_buf_slice(&e->text);
	unsigned char *seen = br_alloc(text.len + 1);
	struct fuzz_place from = { 0 }, to = { 0 };
	size_t end = 0, off = 0;

	mark_skips(seen, e);
	for (size_t i = 0; i < c->chunks.n; i++) {
		const struct br_chunk *k = &c->chunks.v[i];
		HOLDS(k->len && (size_t)k->off + k->len <= text.len);
		HOLDS(fuzz_at_char(text, k->off) && fuzz_at_char(text, (size_t)k->off + k->len));
		HOLDS(!fuzz_blank(text.ptr[k->off]) && !fuzz_blank(text.ptr[k->off + k->len - 1]));
		HOLDS(i == 0 || (k->off > off && (size_t)k->off + k->len > end));
		HOLDS(o->how == BR_CHUNK_RECURSIVE ? o->overlap || k->off >= end : k->off >= end);
		HOLDS(k->line >= 1 && k->line_end >= k->line && (k->heading == BR_NO_HEADING || k->heading < c->headings.n));
		if (source)
			HOLDS(k->line == fuzz_line_of(&from, text, k->off) && k->line_end == fuzz_line_of(&to, text, (size_t)k->off + k->len - 1));
		memset(seen + k->off, 1, k->len);
		off = k->off;
		end = off + k->len;
	}
	if (o->how == BR_CHUNK_RECURSIVE)
		check_covered(seen, e, 0, text.len);
	for (size_t i = 0; i < e->blocks.n; i++)
		if (e->blocks.v[i].kind != BR_BLOCK_HEADING)
			check_covered(seen, e, e->blocks.v[i].off, e->blocks.v[i].len);
	check_headings(c, e);
	free(seen);
}

FUZZ(chunk)
{
	struct br_rd r = br_rd(in);
	uint8_t kind = br_rd_u8(&r), how = br_rd_u8(&r);
	struct br_chunk_opts o = { how & 1 ? BR_CHUNK_RECURSIVE : BR_CHUNK_STRUCTURE, br_rd_u16(&r), br_rd_u16(&r) };
	struct br_chunks c = { 0 };
	struct br_extracted e;
	struct br_err err = { 0 };
	uint64_t work = 0;
	bool source = kind < 200;

	if (how & 2)
		o.size %= 64;
	if (source) {
		fuzz_read_any(&e, kind, fuzz_rest(&r));
	} else {
		br_extracted_init(&e);
		if (br_proto_decode(&e, fuzz_rest(&r), NULL) < 0)
			br_extracted_reset(&e);
	}
	if (br_chunk__run(&c, &e, &o, &work, &err) == 0) {
		check_chunks(&c, &e, &o, source);
		HOLDS(work <= 200 * (e.text.len + 64 * e.blocks.n + 64) * (o.overlap ? o.overlap + 1u : 1u));
	} else {
		HOLDS(!o.size || o.overlap >= o.size);
	}
	br_chunks_release(&c);
	br_extracted_release(&e);
}
