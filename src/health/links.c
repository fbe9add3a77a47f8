/*
 * What a page refers to and what of it can be referred to, by one scan line by line for Markdown and tag by tag for HTML. It is made to
 * find links, not to render: code is passed over, and where two readers of Markdown differ, less is found.
 */
#include "internal.h"

#include <stdlib.h>
#include <strings.h>

struct cursor { const char *p, *end; };

static bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool alpha(char c) { return ((c | 32) >= 'a' && (c | 32) <= 'z'); }
static bool alnum(char c) { return alpha(c) || (c >= '0' && c <= '9'); }

uint64_t anchor_hash(struct br_slice name)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a: 0 is kept for nothing */
	bool any = false;

	for (size_t i = 0; i < name.len; i++) {
		if (!alnum(name.ptr[i]))
			continue;
		h = (h ^ (uint8_t)(name.ptr[i] | 32)) * 0x100000001b3u; /* '|': digits stay */
		any = true;
	}
	return any ? h | 1 : 0;
}

static void add_link(struct refs *r, struct br_slice target, uint32_t line)
{
	if (target.len && target.len <= BR_MAX_URL)
		*br_vec_push(&r->link) = (struct ref){ br_slice(br_arena_strndup(&r->arena, target.ptr, target.len), target.len), line };
}

static void add_anchor(struct refs *r, struct br_slice name) { *br_vec_push(&r->anchor) = anchor_hash(name); }

void refs_release(struct refs *r)
{
	br_vec_release(&r->link);
	br_vec_release(&r->anchor);
	br_arena_release(&r->arena);
}

/* ---- tags ---- */

static bool is(struct br_slice s, const char *word) { return s.len == strlen(word) && !strncasecmp(s.ptr, word, s.len); }

static struct br_slice value_of(struct cursor *c)
{
	const char *from = c->p;

	if (c->p < c->end && (*c->p == '"' || *c->p == '\'')) {
		char quote = *c->p++;
		for (from = c->p; c->p < c->end && *c->p != quote; c->p++)
			;
		c->p += c->p < c->end;
		return br_slice(from, (size_t)(c->p - from) - (c->p > from && c->p[-1] == quote));
	}
	while (c->p < c->end && !blank(*c->p) && *c->p != '>')
		c->p++;
	return br_slice(from, (size_t)(c->p - from));
}

/* The next attribute of a tag; false behind its '>'. */
static bool next_attr(struct br_slice *name, struct br_slice *value, struct cursor *c)
{
	const char *from;

	while (c->p < c->end && (blank(*c->p) || *c->p == '/'))
		c->p++;
	if (c->p >= c->end || *c->p == '>') {
		c->p += c->p < c->end;
		return false;
	}
	for (from = c->p++; c->p < c->end && !blank(*c->p) && !strchr("=>/", *c->p); c->p++)
		;
	*name = br_slice(from, (size_t)(c->p - from));
	*value = br_slice("", 0);
	while (c->p < c->end && blank(*c->p))
		c->p++;
	if (c->p < c->end && *c->p == '=') {
		for (c->p++; c->p < c->end && blank(*c->p); c->p++)
			;
		*value = value_of(c);
	}
	return true;
}

/* The one character reference that stands in addresses. */
static struct br_slice plain(struct refs *r, struct br_slice v)
{
	char *text = br_arena_strndup(&r->arena, v.ptr, v.len), *to = text;

	for (size_t i = 0; i < v.len; i++) {
		*to++ = v.ptr[i];
		i += v.ptr[i] == '&' && v.len - i >= 5 && !strncmp(v.ptr + i, "&amp;", 5) ? 4 : 0;
	}
	return br_slice(text, (size_t)(to - text));
}

static void on_tag(struct refs *r, struct br_slice tag, struct cursor *c, uint32_t line)
{
	bool a = is(tag, "a") || is(tag, "area"), img = is(tag, "img");
	struct br_slice name, value;

	while (next_attr(&name, &value, c)) {
		if ((a && is(name, "href")) || (img && is(name, "src")))
			add_link(r, plain(r, value), line);
		else if (is(name, "id") || (a && is(name, "name")))
			add_anchor(r, value);
	}
}

static void skip_to(struct cursor *c, const char *what, size_t n)
{
	while (c->p < c->end && ((size_t)(c->end - c->p) < n || strncasecmp(c->p, what, n)))
		c->p++;
}

static void skip_raw(struct cursor *c, struct br_slice tag)
{
	if (is(tag, "script"))
		skip_to(c, "</script", 8);
	else if (is(tag, "style"))
		skip_to(c, "</style", 7);
}

/* All tags; lines are counted from `line` on. */
static void scan_tags(struct refs *r, struct br_slice text, uint32_t line)
{
	struct cursor c = { text.ptr, text.ptr + text.len };
	const char *counted = c.p;

	while (c.p < c.end && (c.p = memchr(c.p, '<', (size_t)(c.end - c.p)))) {
		struct br_slice tag = { ++c.p, 0 };
		if (c.end - c.p >= 3 && !memcmp(c.p, "!--", 3)) {
			skip_to(&c, "-->", 3);
			continue;
		}
		while (c.p < c.end && alnum(*c.p))
			c.p++;
		tag.len = (size_t)(c.p - tag.ptr);
		if (!tag.len || !alpha(*tag.ptr))
			continue;
		for (; counted < tag.ptr; counted++)
			line += *counted == '\n';
		on_tag(r, tag, &c, line);
		skip_raw(&c, tag);
	}
}

void refs_html(struct refs *out, struct br_slice text)
{
	if (text.len)
		scan_tags(out, text, 1);
}

/* ---- Markdown ---- */

struct md {
	struct refs *r;
	struct br_buf tags;             /* what is no code, for the scan of tags: as many lines as the text */
	uint32_t line;
	char fence;                     /* '`' or '~' in a fenced block, else 0 */
	size_t fence_len;
	bool list, code, was_blank;
	struct br_slice before;         /* the line before, for underlined headings */
};

static size_t run_of(struct br_slice s, size_t at, char c)
{
	size_t n = 0;

	while (at + n < s.len && s.ptr[at + n] == c)
		n++;
	return n;
}

static size_t indent_of(struct br_slice s)
{
	size_t n = 0, i = 0;

	for (; i < s.len && (s.ptr[i] == ' ' || s.ptr[i] == '\t'); i++)
		n = s.ptr[i] == '\t' ? n + 4 : n + 1;
	return i == s.len ? 0 : n;
}

static struct br_slice trim(struct br_slice s)
{
	while (s.len && blank(*s.ptr))
		s.ptr++, s.len--;
	while (s.len && blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

/* A destination at s[i]: in angle brackets, or to a blank or the bracket that closes what is around it. *end is behind it. */
static struct br_slice destination(size_t *end, struct br_slice s, size_t i)
{
	size_t from, depth = 0;

	while (i < s.len && blank(s.ptr[i]))
		i++;
	if (i < s.len && s.ptr[i] == '<') {
		for (from = ++i; i < s.len && s.ptr[i] != '>'; i++)
			;
		*end = BR_MIN(i + 1, s.len);
		return br_slice(s.ptr + from, i < s.len ? i - from : 0);
	}
	for (from = i; i < s.len && !blank(s.ptr[i]); i++) {
		depth += s.ptr[i] == '(';
		if (s.ptr[i] == ')' && !depth--)
			break;
	}
	*end = i;
	return br_slice(s.ptr + from, i - from);
}

/* Behind the destination of a link: its end, or a title. Calls of functions, "f[T](x, y)", are no links. */
static bool closes(struct br_slice s, size_t i)
{
	while (i < s.len && blank(s.ptr[i]))
		i++;
	return i < s.len && strchr(")\"'(", s.ptr[i]);
}

/* The line without code in backticks. */
static struct br_slice without_code(struct br_buf *out, struct br_slice s)
{
	br_buf_reset(out);
	for (size_t i = 0; i < s.len;) {
		size_t n = run_of(s, i, '`'), k = i + n;
		if (!n) {
			br_buf_addc(out, s.ptr[i++]);
			continue;
		}
		while (k < s.len && run_of(s, k, '`') != n)
			k += BR_MAX(run_of(s, k, '`'), (size_t)1);
		i = k < s.len ? k + n : i + n;
	}
	return br_buf_slice(out);
}

static void on_links(struct md *m, struct br_slice s)
{
	for (size_t i = 0, end; i + 1 < s.len; i++) {
		struct br_slice target;
		if (s.ptr[i] != ']' || s.ptr[i + 1] != '(')
			continue;
		target = destination(&end, s, i + 2);
		if (closes(s, end))
			add_link(m->r, target, m->line);
	}
}

/* "[label]: target", not a footnote. */
static void on_definition(struct md *m, struct br_slice s)
{
	const char *close = s.len > 3 && s.ptr[0] == '[' && s.ptr[1] != '^' ? memchr(s.ptr, ']', s.len) : NULL;

	size_t end;

	if (close && close + 1 < s.ptr + s.len && close[1] == ':')
		add_link(m->r, destination(&end, s, (size_t)(close - s.ptr) + 2), m->line);
}

/* Its name: without targets of links, tags, and the id in braces, which is another. */
static void on_heading(struct md *m, struct br_slice s)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	const char *brace = memmem(s.ptr, s.len, "{#", 2);

	if (brace) {
		add_anchor(m->r, br_slice(brace + 2, (size_t)(s.ptr + s.len - brace) - 2));
		s.len = (size_t)(brace - s.ptr);
	}
	for (size_t i = 0; i < s.len; i++) {
		char close = s.ptr[i] == '<' ? '>' : s.ptr[i] == ']' && i + 1 < s.len && s.ptr[i + 1] == '(' ? ')' : 0;
		const char *end = close ? memchr(s.ptr + i, close, s.len - i) : NULL;
		if (end)
			i = (size_t)(end - s.ptr);
		else
			br_buf_addc(&b, s.ptr[i]);
	}
	add_anchor(m->r, br_buf_slice(&b));
	br_buf_release(&b);
}

static bool underlines(struct br_slice s)
{
	return s.len && (run_of(s, 0, '=') == s.len || run_of(s, 0, '-') == s.len);
}

static bool is_item(struct br_slice s)
{
	size_t i = 0;

	while (i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9')
		i++;
	return s.len && (i ? i < s.len && strchr(".)", s.ptr[i]) : strchr("-*+", *s.ptr) && s.len > 1 && blank(s.ptr[1]));
}

/* Whether the line is part of a block of code, or of a comment. */
static bool is_code(struct md *m, struct br_slice raw, struct br_slice s)
{
	char c = s.len ? *s.ptr : 0;
	size_t n = c == '`' || c == '~' ? run_of(s, 0, c) : 0;

	if (m->fence) {
		if (c == m->fence && n >= m->fence_len && n == s.len)
			m->fence = 0;
		return true;
	}
	if (n >= 3 && (c == '~' || !memchr(s.ptr + n, '`', s.len - n))) {
		m->fence = c;
		m->fence_len = n;
		return true;
	}
	if (s.len && indent_of(raw) == 0)
		m->list = is_item(s);
	m->list |= is_item(s);
	m->code = s.len && indent_of(raw) >= 4 && !m->list && (m->was_blank || m->code);
	return m->code;
}

static void on_line(struct md *m, struct br_slice raw, struct br_buf *scratch)
{
	struct br_slice s = trim(raw), text;
	size_t hashes = run_of(s, 0, '#');

	m->line++;
	if (is_code(m, raw, s)) {
		m->before.len = 0;
	} else {
		text = without_code(scratch, s);
		on_links(m, text);
		if (indent_of(raw) < 4)
			on_definition(m, text);
		if (hashes && hashes <= 6 && hashes < s.len && blank(s.ptr[hashes]))
			on_heading(m, trim(br_slice(s.ptr + hashes, s.len - hashes)));
		else if (underlines(s) && m->before.len)
			on_heading(m, m->before);
		br_buf_add(&m->tags, text.ptr, text.len);
		m->before = s;
	}
	m->was_blank = !s.len;
	br_buf_addc(&m->tags, '\n');
}

/* Takes comments out, but not the ends of their lines; returns the new length. */
static size_t drop_comments(char *p, size_t n)
{
	char *from = p, *to = p, *end = p + n;

	while (from < end) {
		char *open = memmem(from, (size_t)(end - from), "<!--", 4), *close;
		size_t text = (size_t)((open ? open : end) - from);

		memmove(to, from, text);
		to += text;
		if (!open)
			break;
		close = memmem(open, (size_t)(end - open), "-->", 3);
		for (from = close ? close + 3 : end; open < from; open++)
			if (*open == '\n')
				*to++ = '\n';
	}
	return (size_t)(to - p);
}

void refs_markdown(struct refs *out, struct br_slice text)
{
	struct br_buf scratch = BR_BUF_INIT(SIZE_MAX);
	struct md m = { .r = out, .was_blank = true };
	char *copy = br_strndup(text.ptr ? text.ptr : "", text.len);
	size_t size;

	br_buf_init(&m.tags, SIZE_MAX);
	size = drop_comments(copy, text.len);
	for (size_t at = 0; at < size;) {
		const char *end = memchr(copy + at, '\n', size - at);
		size_t n = end ? (size_t)(end - copy) - at : size - at;
		on_line(&m, br_slice(copy + at, n), &scratch);
		at += n + 1;
	}
	if (m.tags.len)
		scan_tags(out, br_buf_slice(&m.tags), 1);
	br_buf_release(&m.tags);
	br_buf_release(&scratch);
	free(copy);
}
