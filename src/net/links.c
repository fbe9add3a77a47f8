/*
 * Links of an HTML page, by one scan over its bytes in any encoding that contains ASCII: enough to go on from page to page.
 * It builds nothing and follows no nesting, so a hostile page costs its length. The page's text is read elsewhere, in a sandbox.
 */
#include "internal.h"

#include <stdlib.h>

struct scan { const char *p, *end; };
struct attr { struct br_slice name, value; };

static bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool is(struct br_slice s, const char *word)
{
	return s.len == strlen(word) && !strncasecmp(s.ptr, word, s.len);
}

static const char *find(struct scan *s, const char *what)
{
	return memmem(s->p, (size_t)(s->end - s->p), what, strlen(what));
}

static void skip_to(struct scan *s, const char *what)
{
	const char *at = find(s, what);

	s->p = at ? at + strlen(what) : s->end;
}

/* Behind the end tag of an element whose content is no markup. */
static void skip_raw(struct scan *s, struct br_slice name)
{
	while (s->p < s->end) {
		skip_to(s, "</");
		if ((size_t)(s->end - s->p) >= name.len && !strncasecmp(s->p, name.ptr, name.len))
			return;
	}
}

static void skip_blank(struct scan *s)
{
	while (s->p < s->end && (blank(*s->p) || *s->p == '/'))
		s->p++;
}

static struct br_slice value_of(struct scan *s)
{
	char quote = s->p < s->end ? *s->p : 0;
	const char *from, *close;

	if (quote == '"' || quote == '\'') {
		from = ++s->p;
		close = memchr(from, quote, (size_t)(s->end - from));
		s->p = close ? close + 1 : s->end;
		return br_slice(from, (size_t)((close ? close : s->end) - from));
	}
	for (from = s->p; s->p < s->end && !blank(*s->p) && *s->p != '>'; s->p++)
		;
	return br_slice(from, (size_t)(s->p - from));
}

/* The next attribute of a tag; false behind its '>'. */
static bool next_attr(struct attr *a, struct scan *s)
{
	const char *from;

	skip_blank(s);
	if (s->p >= s->end || *s->p == '>') {
		s->p += s->p < s->end;
		return false;
	}
	for (from = s->p++; s->p < s->end && !blank(*s->p) && !strchr("=>/", *s->p); s->p++)
		;
	*a = (struct attr){ br_slice(from, (size_t)(s->p - from)), { 0 } };
	while (s->p < s->end && blank(*s->p))
		s->p++;
	if (s->p < s->end && *s->p == '=') {
		for (s->p++; s->p < s->end && blank(*s->p); s->p++)
			;
		a->value = value_of(s);
	}
	return true;
}

/* ---- character references: those that stand in addresses ---- */

static size_t reference(char out[4], size_t *used, const char *p, size_t n)
{
	static const struct { const char *name; char c; } known[] = {
		{ "&amp;", '&' }, { "&quot;", '"' }, { "&apos;", '\'' }, { "&lt;", '<' }, { "&gt;", '>' },
	};
	uint32_t cp = 0;
	size_t i = 2;
	bool hex;

	for (size_t k = 0; k < BR_COUNT(known); k++)
		if (n >= strlen(known[k].name) && !strncmp(p, known[k].name, strlen(known[k].name))) {
			*used = strlen(known[k].name);
			out[0] = known[k].c;
			return 1;
		}
	if (n < 4 || p[1] != '#')
		return 0;
	hex = (p[2] | 32) == 'x';
	for (i += hex; i < n && i < 12 && (hex ? br_net__hex(p[i]) >= 0 : br_net__digit(p[i])); i++)
		cp = cp * (hex ? 16 : 10) + (uint32_t)br_net__hex(p[i]);
	if (i == 2u + hex || i >= n || p[i] != ';' || !cp || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
		return 0;
	*used = i + 1;
	return br_utf8_put(out, cp);
}

static struct br_slice resolved(struct br_links *out, struct br_slice v)
{
	char *text = br_arena_alloc(&out->arena, v.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < v.len;) {
		char c[4];
		size_t used = 1, k = v.ptr[i] == '&' ? reference(c, &used, v.ptr + i, v.len - i) : 0;

		if (k)
			memcpy(text + n, c, k);
		else
			text[n] = v.ptr[i];
		n += k ? k : 1;
		i += used;
	}
	return br_slice(text, n);
}

/* ---- elements ---- */

static bool has_word(struct br_slice s, const char *word)
{
	size_t k = strlen(word);

	for (size_t i = 0; i + k <= s.len; i++)
		if (!strncasecmp(s.ptr + i, word, k))
			return true;
	return false;
}

static void on_meta(struct br_links *out, struct br_slice name, struct br_slice content)
{
	if (!is(name, "robots"))
		return;
	out->nofollow |= has_word(content, "nofollow") || has_word(content, "none");
	out->noindex |= has_word(content, "noindex") || has_word(content, "none");
}

static void add_link(struct br_links *out, struct br_slice href)
{
	if (href.len && href.len <= BR_MAX_URL && out->href.n < BR_MAX_PAGE_LINKS)
		*br_vec_push(&out->href) = resolved(out, href);
}

static void on_tag(struct br_links *out, struct scan *s, struct br_slice name)
{
	struct br_slice href = { 0 }, rel = { 0 }, meta = { 0 }, content = { 0 };
	struct attr a;

	while (next_attr(&a, s)) {
		struct br_slice *to = is(a.name, "href") ? &href : is(a.name, "rel") ? &rel : is(a.name, "name") ? &meta
		                    : is(a.name, "content") ? &content : NULL;
		if (to && !to->ptr)
			*to = a.value;
	}
	if (is(name, "meta"))
		on_meta(out, meta, content);
	else if (is(name, "base") && !out->base.len && href.len && href.len <= BR_MAX_URL)
		out->base = resolved(out, href);
	else if ((is(name, "a") || is(name, "area")) && !has_word(rel, "nofollow"))
		add_link(out, href);
}

static bool holds_no_markup(struct br_slice name)
{
	static const char *const raw[] = { "script", "style", "textarea", "title", "template", "noscript", "iframe", "xmp" };

	for (size_t i = 0; i < BR_COUNT(raw); i++)
		if (is(name, raw[i]))
			return true;
	return false;
}

void br_links_scan(struct br_links *out, struct br_slice html)
{
	struct scan s = { html.ptr, html.len ? html.ptr + html.len : html.ptr };

	*out = (struct br_links){ 0 };
	while (s.p < s.end && (s.p = memchr(s.p, '<', (size_t)(s.end - s.p)))) {
		struct br_slice name = { ++s.p, 0 };

		if (s.end - s.p >= 3 && !memcmp(s.p, "!--", 3)) {
			s.p++; /* "<!-->" is a whole comment */
			skip_to(&s, "-->");
			continue;
		}
		while (s.p < s.end && (br_net__alpha(*s.p) || br_net__digit(*s.p)))
			s.p++;
		name.len = (size_t)(s.p - name.ptr);
		if (!name.len)
			continue;
		on_tag(out, &s, name);
		if (holds_no_markup(name))
			skip_raw(&s, name);
	}
}

void br_links_release(struct br_links *l)
{
	br_vec_release(&l->href);
	br_arena_release(&l->arena);
	*l = (struct br_links){ 0 };
}
