/*
 * What of a chunk is indexed: title, words of the file name, heading path, published context, body without its skip ranges.
 * The order and the choice are the same when a document is written and when it is forgotten, or df would drift.
 */
#include "internal.h"

static void add(br_slices *out, const char *p, size_t n)
{
	if (n)
		*br_vec_push(out) = br_slice(p, n);
}

/* Heading path without a first part that the title begins with ("git-reset(1)" of "git-reset(1) - Set HEAD ..."). */
static void add_heading(br_slices *out, const struct compose *c)
{
	struct br_slice h = c->heading;
	const char *sep = h.len ? memchr(h.ptr, '\x1f', h.len) : NULL;
	size_t first = sep ? (size_t)(sep - h.ptr) : h.len;

	if (first && !strncmp(c->title, h.ptr, first)) {
		size_t cut = sep ? first + 1 : first;
		h = br_slice(h.ptr + cut, h.len - cut);
	}
	add(out, h.ptr, h.len);
}

static void add_body(br_slices *out, const struct compose *c)
{
	uint32_t at = c->off, end = c->off + (uint32_t)c->body.len;

	for (size_t i = 0; i < c->n_skip && at < end; i++) {
		uint32_t from = c->skip[i].off, to = from + c->skip[i].len;
		if (to <= at)
			continue;
		if (from >= end)
			break;
		if (from > at)
			add(out, c->body.ptr + (at - c->off), from - at);
		at = BR_MAX(at, to);
	}
	if (at < end)
		add(out, c->body.ptr + (at - c->off), end - at);
}

size_t compose(br_slices *out, const struct compose *c)
{
	size_t before;

	out->n = 0;
	add(out, c->title, strlen(c->title));
	add(out, c->name.ptr, c->name.len);
	add_heading(out, c);
	add(out, c->context.ptr, c->context.len);
	before = out->n;
	add_body(out, c);
	return before;
}

void passage_text(struct br_buf *out, const br_slices *piece)
{
	for (size_t i = 0; i < piece->n; i++) {
		size_t at = out->len;

		br_buf_add(out, piece->v[i].ptr, piece->v[i].len);
		for (char *sep = out->ptr + at; sep < out->ptr + out->len && (sep = memchr(sep, '\x1f', (size_t)(out->ptr + out->len - sep))); )
			*sep = ' '; /* between headings */
		br_buf_u8(out, '\n');
	}
}

struct br_slice br_doc_name(const struct br_doc *d)
{
	struct br_slice base = d->origin == BR_FROM_URL ? br_url_name(d->path) : br_slice_str(br_path_base(d->path));
	const char *dot = base.len ? memrchr(base.ptr, '.', base.len) : NULL;

	if (d->origin == BR_FROM_RECORD)
		return br_slice("", 0);
	return dot && dot > base.ptr ? br_slice(base.ptr, (size_t)(dot - base.ptr)) : base;
}
