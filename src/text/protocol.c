/*
 * The record in which br-extract hands over a document. Its reader trusts nothing: a helper that was taken over by a
 * hostile file can still only produce what the invariants of text.h allow.
 *
 * u32 magic, u8 format, lstr lang, lstr encoding, u8 has_title [, lstr title], lstr text,
 * varint blocks, each: varint gap (bytes since the block before), varint len, u8 kind, u8 level,
 *                      varint zigzag(line - line of the block before), varint line_end - line, varint page, varint head_len
 * varint skips, each: varint gap, varint len.  (lstr: varint length, bytes)
 */
#include "br/text.h"

#include <stdio.h>

enum { MAGIC = 0x31585242, /* "BRX1" */ BLOCK_MIN = 8, SKIP_MIN = 2 /* bytes of the shortest record of each */ };

/* ---- encode ---- */

static uint64_t zigzag(int64_t v) { return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63); }
static int64_t unzigzag(uint64_t v) { return (int64_t)(v >> 1) ^ -(int64_t)(v & 1); }

static void put_str(struct br_buf *out, const char *s)
{
	br_buf_lstr(out, s, strlen(s));
}

static void put_blocks(struct br_buf *out, const struct br_extracted *e)
{
	uint32_t at = 0, line = 0;

	br_buf_varint(out, e->blocks.n);
	for (size_t i = 0; i < e->blocks.n; i++) {
		const struct br_block *b = &e->blocks.v[i];
		br_buf_varint(out, b->off - at);
		br_buf_varint(out, b->len);
		br_buf_u8(out, b->kind);
		br_buf_u8(out, b->level);
		br_buf_varint(out, zigzag((int64_t)b->line - line));
		br_buf_varint(out, b->line_end - b->line);
		br_buf_varint(out, b->page);
		br_buf_varint(out, b->head_len);
		at = b->off + b->len;
		line = b->line;
	}
}

static void put_skips(struct br_buf *out, const struct br_extracted *e)
{
	uint32_t at = 0;

	br_buf_varint(out, e->skip.n);
	for (size_t i = 0; i < e->skip.n; i++) {
		br_buf_varint(out, e->skip.v[i].off - at);
		br_buf_varint(out, e->skip.v[i].len);
		at = e->skip.v[i].off + e->skip.v[i].len;
	}
}

int br_proto_encode(struct br_buf *out, const struct br_extracted *e)
{
	br_buf_le32(out, MAGIC);
	br_buf_u8(out, (uint8_t)e->format);
	put_str(out, e->lang);
	put_str(out, e->encoding);
	br_buf_u8(out, e->title != NULL);
	if (e->title)
		put_str(out, e->title);
	br_buf_lstr(out, e->text.ptr, e->text.len);
	put_blocks(out, e);
	put_skips(out, e);
	return -(int)out->failed;
}

/* ---- decode ---- */

static int damaged(struct br_err *err, const char *what)
{
	return br_fail(err, BR_ECORRUPT, "the extractor's reply is damaged: %s", what);
}

/* Printable ASCII of at most `room` - 1 bytes. */
static bool get_name(char *out, size_t room, struct br_rd *r)
{
	struct br_slice s = br_rd_lstr(r);

	if (r->bad || s.len >= room)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f)
			return false;
	memcpy(out, s.len ? s.ptr : "", s.len);
	out[s.len] = 0;
	return true;
}

static bool is_text(struct br_slice s)
{
	return s.len == 0 || (br_utf8_valid(s.ptr, s.len) == s.len && !memchr(s.ptr, 0, s.len) && !memchr(s.ptr, '\r', s.len));
}

static int get_head(struct br_extracted *out, struct br_rd *r, struct br_err *err)
{
	struct br_slice title = { 0 }, text;
	uint32_t magic = br_rd_u32(r);
	uint8_t format = br_rd_u8(r), has_title;

	if (magic != MAGIC || format <= BR_FMT_UNKNOWN || format >= BR_FMT_COUNT)
		return damaged(err, "not a reply");
	out->format = (enum br_format)format;
	if (!get_name(out->lang, sizeof out->lang, r) || !get_name(out->encoding, sizeof out->encoding, r))
		return damaged(err, "language or encoding");
	if ((has_title = br_rd_u8(r)) == 1)
		title = br_rd_lstr(r);
	if (has_title > 1 || title.len > BR_MAX_TITLE || !is_text(title))
		return damaged(err, "title");
	text = br_rd_lstr(r);
	if (r->bad || text.len > BR_MAX_TEXT || !is_text(text))
		return damaged(err, "text");
	if (has_title)
		out->title = br_strndup(title.len ? title.ptr : "", title.len);
	br_buf_add(&out->text, text.ptr, text.len);
	return br_buf_check(&out->text, "text", err);
}

/* Whether [off, off + len) is a non-empty range of whole characters. */
static bool on_chars(struct br_slice t, uint64_t off, uint64_t len)
{
	if (!len || off > t.len || len > t.len - off)
		return false;
	return (t.ptr[off] & 0xc0) != 0x80 && (off + len == t.len || (t.ptr[off + len] & 0xc0) != 0x80);
}

/* Reads a gap and a length; the range must follow `at` and stay inside the text. */
static bool get_range(struct br_range *out, struct br_rd *r, struct br_slice text, uint64_t at)
{
	uint64_t gap = br_rd_varint(r), len = br_rd_varint(r);

	if (r->bad || gap > text.len || !on_chars(text, at + gap, len))
		return false;
	*out = (struct br_range){ (uint32_t)(at + gap), (uint32_t)len };
	return true;
}

static bool get_block(struct br_block *b, struct br_rd *r, struct br_slice text, const struct br_block *prev)
{
	struct br_range range;
	int64_t line;
	uint64_t lines, page, head;

	if (!get_range(&range, r, text, (uint64_t)prev->off + prev->len))
		return false;
	*b = (struct br_block){ .off = range.off, .len = range.len };
	b->kind = br_rd_u8(r);
	b->level = br_rd_u8(r);
	if (__builtin_add_overflow((int64_t)prev->line, unzigzag(br_rd_varint(r)), &line))
		return false;
	lines = br_rd_varint(r);
	page = br_rd_varint(r);
	head = br_rd_varint(r);
	if (r->bad || line < 1 || line > UINT32_MAX || lines > UINT32_MAX - (uint64_t)line || page > UINT32_MAX || head > b->len)
		return false;
	b->line = (uint32_t)line;
	b->line_end = (uint32_t)((uint64_t)line + lines);
	b->page = (uint32_t)page;
	b->head_len = (uint32_t)head;
	return b->kind < BR_BLOCK_KIND_COUNT && (head == 0 || b->kind == BR_BLOCK_TABLE) &&
	       (b->kind != BR_BLOCK_HEADING || (b->level >= 1 && b->level <= BR_MAX_HEADING_DEPTH));
}

/* A count of things that take at least `min` bytes each; false when there cannot be so many. */
static bool get_count(size_t *out, struct br_rd *r, size_t min)
{
	uint64_t n = br_rd_varint(r);

	*out = (size_t)n;
	return !r->bad && n <= BR_MAX_BLOCKS && n <= (size_t)(r->end - r->p) / min;
}

static int get_blocks(struct br_extracted *out, struct br_rd *r, struct br_err *err)
{
	struct br_slice text = br_buf_slice(&out->text);
	struct br_block b = { 0 };
	size_t n;

	if (!get_count(&n, r, BLOCK_MIN))
		return damaged(err, "number of blocks");
	br_vec_reserve(&out->blocks, n);
	for (size_t i = 0; i < n; i++) {
		struct br_block next;
		if (!get_block(&next, r, text, &b))
			return br_fail(err, BR_ECORRUPT, "the extractor's reply is damaged: block %zu of %zu", i, n);
		*br_vec_push(&out->blocks) = b = next;
	}
	return 0;
}

static int get_skips(struct br_extracted *out, struct br_rd *r, struct br_err *err)
{
	struct br_slice text = br_buf_slice(&out->text);
	struct br_range s = { 0 };
	size_t n;

	if (!get_count(&n, r, SKIP_MIN))
		return damaged(err, "number of skip ranges");
	br_vec_reserve(&out->skip, n);
	for (size_t i = 0; i < n; i++) {
		if (!get_range(&s, r, text, (uint64_t)s.off + s.len))
			return br_fail(err, BR_ECORRUPT, "the extractor's reply is damaged: skip range %zu of %zu", i, n);
		*br_vec_push(&out->skip) = s;
	}
	return 0;
}

int br_proto_decode(struct br_extracted *out, struct br_slice record, struct br_err *err)
{
	struct br_rd r = br_rd(record);
	int rc;

	br_extracted_reset(out);
	if ((rc = get_head(out, &r, err)) < 0 || (rc = get_blocks(out, &r, err)) < 0 || (rc = get_skips(out, &r, err)) < 0)
		goto fail;
	if (r.p == r.end)
		return 0;
	rc = damaged(err, "bytes behind its end");
fail:
	br_extracted_reset(out);
	return rc;
}
