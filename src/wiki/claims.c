/*
 * Bodies of pages taken apart: markers, headings, and claims with the markers that stand behind them.
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- markers ---- */

static bool is_claim_char(char c) { return isalnum((unsigned char)c) || strchr("_-.:", c); }

static size_t id_length(struct br_slice s, bool patch)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] && (patch ? is_claim_char(s.ptr[n]) : isdigit((unsigned char)s.ptr[n]) || (s.ptr[n] >= 'a' && s.ptr[n] <= 'f')))
		n++;
	return n < s.len && s.ptr[n] == ']' && (patch ? n && n <= BR_MAX_WIKI_CLAIM : n == 32) ? n : 0;
}

bool br_wiki__next_marker(struct marker *out, struct br_slice body, size_t from)
{
	static const size_t begin = sizeof "[chunk_" - 1;
	const char *p;

	while (from + begin < body.len && (p = memchr(body.ptr + from, '[', body.len - from))) {
		size_t off = (size_t)(p - body.ptr), n;
		bool patch = body.len - off > begin && !memcmp(p, "[claim_", begin);
		from = off + 1;
		if (body.len - off <= begin || (!patch && memcmp(p, "[chunk_", begin)))
			continue;
		if (!(n = id_length(br_slice(p + begin, body.len - off - begin), patch)))
			continue;
		*out = (struct marker){ patch, br_slice(p + begin, n), (uint32_t)off, (uint32_t)(begin + n + 1) };
		return true;
	}
	return false;
}

void br_wiki_strip(struct br_buf *out, struct br_slice body)
{
	struct marker m;
	size_t at = 0;

	while (br_wiki__next_marker(&m, body, at)) {
		size_t end = m.off;
		while (end > at && (body.ptr[end - 1] == ' ' || body.ptr[end - 1] == '\t'))
			end--;
		br_buf_add(out, body.ptr + at, end - at);
		at = m.off + m.len;
	}
	br_buf_add(out, body.ptr + at, body.len - at);
}

/* ---- lines ---- */

bool br_wiki__heading(struct br_slice *out, struct br_slice line)
{
	size_t n = 0;

	while (n < line.len && n < 7 && line.ptr[n] == '#')
		n++;
	if (!n || n > 6 || n == line.len || line.ptr[n] != ' ')
		return false;
	*out = br_wiki__trim(br_slice(line.ptr + n, line.len - n));
	while (out->len && out->ptr[out->len - 1] == '#')
		out->len--;
	*out = br_wiki__trim(*out);
	return out->len > 0;
}

bool br_wiki__is_caveats(struct br_slice heading)
{
	static const char *const names[] = { "caveats", "注意事项", "注意事項", "hinweise" };

	for (size_t i = 0; i < BR_COUNT(names); i++)
		if (heading.len == strlen(names[i]) && !strncasecmp(heading.ptr, names[i], heading.len))
			return true;
	return false;
}

/* Bytes of "- ", "* ", "12. ", "> ", "| " at the beginning of a line. */
static size_t bullet(struct br_slice s)
{
	size_t n = 0;

	while (n < s.len && isdigit((unsigned char)s.ptr[n]))
		n++;
	if (n && n < 4 && n + 1 < s.len && strchr(".)", s.ptr[n]) && s.ptr[n + 1] == ' ')
		return n + 2;
	if (s.len > 1 && strchr("-*+", s.ptr[0]) && s.ptr[1] == ' ')
		return 2;
	return s.len && s.ptr[0] == '|' ? 1 : 0;
}

static bool says_something(struct br_slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += isalnum((unsigned char)s.ptr[i]) || (unsigned char)s.ptr[i] >= 0xc0;
	return n >= 2;
}

/* ---- claims ---- */

/* The sentences between two markers; the last one is what the marker behind them is for. */
static void add_sentences(struct claims *c, struct br_slice text, bool item)
{
	struct br_range r;
	size_t pos = 0;

	while (br_sentence_next(&r, text, &pos)) {
		struct br_slice s = br_wiki__trim(br_slice(text.ptr + r.off, r.len));
		if (says_something(s))
			*br_vec_push(&c->v) = (struct claim){ .text = s, .section = (uint32_t)c->section.n - 1, .first_marker = (uint32_t)c->m.n, .item = item };
	}
}

static void add_line(struct claims *c, struct br_slice line)
{
	size_t skip = bullet(line), at = skip, before = c->v.n;
	bool item = skip > 0;
	struct marker m;

	while (br_wiki__next_marker(&m, line, at)) {
		add_sentences(c, br_slice(line.ptr + at, m.off - at), item);
		at = m.off + m.len;
		if (c->v.n == before) /* a marker behind nothing */
			continue;
		if (!c->v.v[c->v.n - 1].markers)
			c->v.v[c->v.n - 1].first_marker = (uint32_t)c->m.n;
		c->v.v[c->v.n - 1].markers++;
		*br_vec_push(&c->m) = m;
	}
	add_sentences(c, br_slice(line.ptr + at, line.len - at), item);
}

void br_wiki__claims(struct claims *out, struct br_slice body)
{
	bool code = false;

	*out = (struct claims){ 0 };
	*br_vec_push(&out->section) = br_slice("", 0);
	for (size_t at = 0; at < body.len;) {
		const char *nl = memchr(body.ptr + at, '\n', body.len - at);
		size_t len = nl ? (size_t)(nl - body.ptr) - at : body.len - at;
		struct br_slice line = br_wiki__trim(br_slice(body.ptr + at, len)), heading;
		at += len + 1;
		if (line.len >= 3 && (!memcmp(line.ptr, "```", 3) || !memcmp(line.ptr, "~~~", 3)))
			code = !code;
		else if (!code && br_wiki__heading(&heading, line))
			*br_vec_push(&out->section) = heading;
		else if (!code && line.len)
			add_line(out, line);
	}
}

void br_wiki__claims_release(struct claims *c)
{
	br_vec_release(&c->v);
	br_vec_release(&c->m);
	br_vec_release(&c->section);
}
