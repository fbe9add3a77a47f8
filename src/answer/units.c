/*
 * Cuts a passage into what can be quoted: sentences of paragraphs and list items, rows of tables, and a few lines of code. Headings,
 * rules and directives are no answers. Structure is told from the lines themselves, since a passage may begin and end anywhere.
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>

enum { CODE_LINES = 6, LONGEST_QUOTE = 600 };

struct cutter {
	units *out;
	struct inquiry *q;
	const struct br_found *f;
	uint32_t hit;
	struct br_slice text;
	bool code;       /* the whole document is code */
	bool listing;    /* "----" and "...." enclose code */
	char fence;      /* inside a fenced block that such a line ends, else 0 */
};

struct line { uint32_t off, len, indent; };

static bool next_line(struct line *l, struct br_slice text, uint32_t *at)
{
	const char *nl;

	if (*at >= text.len)
		return false;
	nl = memchr(text.ptr + *at, '\n', text.len - *at);
	l->off = *at;
	l->len = (uint32_t)(nl ? (size_t)(nl - text.ptr) - *at : text.len - *at);
	l->indent = 0;
	while (l->indent < l->len && (text.ptr[l->off + l->indent] == ' ' || text.ptr[l->off + l->indent] == '\t'))
		l->indent++;
	*at = l->off + l->len + 1;
	return true;
}

static bool is_empty(const struct line *l) { return l->indent == l->len; }

/* "```", "~~~", "----", "....", "====" and the like: nothing but one mark, at least `least` of it; what may follow is a name. */
static char ruled(struct br_slice text, const struct line *l, const char *marks, uint32_t least, bool name)
{
	const char *p = text.ptr + l->off + l->indent;
	uint32_t n = l->len - l->indent, k = 0;

	if (!n || !strchr(marks, *p))
		return 0;
	while (k < n && p[k] == *p)
		k++;
	return k >= least && (k == n || name) ? *p : 0;
}

static char fence_of(struct br_slice text, const struct line *l, bool listing)
{
	char c = ruled(text, l, "`~", 3, true);

	return c || !listing ? c : ruled(text, l, "-.", 4, false);
}

/* Bytes of "- ", "* ", "12. ", ":: " that begin a list item, else 0. */
static uint32_t marker(struct br_slice text, const struct line *l)
{
	const char *p = text.ptr + l->off + l->indent;
	uint32_t n = l->len - l->indent, k = 0;

	while (k < n && k < 3 && strchr("-*+.", p[k]))
		k++;
	if (!k) {
		while (k < n && k < 3 && isdigit((unsigned char)p[k]))
			k++;
		if (!k || k == n || !strchr(".)", p[k]))
			return 0;
		k++;
	}
	return k < n && p[k] == ' ' ? k + 1 : 0;
}

static bool is_heading(struct br_slice text, const struct line *l)
{
	const char *p = text.ptr + l->off;
	uint32_t k = 0;

	while (k < l->len && k < 7 && p[k] == *p)
		k++;
	return (*p == '#' || *p == '=') && k < l->len && p[k] == ' ';
}

/* Attributes, directives, comments and pictures: "[source]", ".. note::", "<!--", "![". */
static bool is_markup(struct br_slice text, const struct line *l)
{
	static const char *const begin[] = { ".. ", "<!--", "![", "//", "{{", ":::", "|--", "| --", "|:-", "|==", "+--", "+==" };
	const char *p = text.ptr + l->off + l->indent;
	uint32_t n = l->len - l->indent;

	for (size_t i = 0; i < BR_COUNT(begin); i++)
		if (n >= strlen(begin[i]) && !memcmp(p, begin[i], strlen(begin[i])))
			return true;
	return n > 2 && p[0] == '[' && p[n - 1] == ']' && !memchr(p, ' ', n);
}

/* Letters or digits of any script. */
static bool says_something(struct br_slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += isalnum((unsigned char)s.ptr[i]) || (unsigned char)s.ptr[i] >= 0xc0;
	return n >= 2;
}

/* Ends with a question mark, whatever closes behind it. */
static bool asks(struct br_slice s)
{
	while (s.len && strchr("*_`\"')]}", s.ptr[s.len - 1]))
		s.len--;
	return s.len && (s.ptr[s.len - 1] == '?' || (s.len > 3 && !memcmp(s.ptr + s.len - 3, "\xef\xbc\x9f", 3)));
}

static void add_unit(struct cutter *c, uint32_t off, uint32_t len, bool code)
{
	struct br_slice s = br_slice(c->text.ptr + off, len);
	uint32_t cut = LONGEST_QUOTE;

	if (!says_something(s))
		return;
	if (len > LONGEST_QUOTE) { /* at a space, never within a character */
		while (cut > LONGEST_QUOTE / 2 && !isspace((unsigned char)s.ptr[cut]))
			cut--;
		while (cut && ((unsigned char)s.ptr[cut] & 0xc0) == 0x80)
			cut--;
		while (cut && isspace((unsigned char)s.ptr[cut - 1]))
			cut--;
		add_unit(c, off, cut, code);
		while (cut < len && isspace((unsigned char)s.ptr[cut]))
			cut++;
		if (cut < len)
			add_unit(c, off + cut, len - cut, code);
		return;
	}
	*br_vec_push(c->out) = (struct unit){ .hit = c->hit, .off = off, .len = len, .code = code, .asks = !code && asks(s) };
}

static void add_sentences(struct cutter *c, uint32_t from, uint32_t to)
{
	struct br_slice s = br_slice(c->text.ptr + from, to - from);
	struct br_range r;
	size_t pos = 0;

	while (br_sentence_next(&r, s, &pos))
		add_unit(c, from + r.off, r.len, false);
}

static void add_block(struct cutter *c, uint32_t from, uint32_t to, bool code)
{
	while (to > from && isspace((unsigned char)c->text.ptr[to - 1]))
		to--;
	if (to <= from)
		return;
	if (code)
		add_unit(c, from, to - from, true);
	else
		add_sentences(c, from, to);
}

/* One block may be open: text or code from `from` on. */
struct open { uint32_t from, lines; bool any, code; };

static void close_block(struct cutter *c, struct open *o, uint32_t to)
{
	if (o->any)
		add_block(c, o->from, to, o->code);
	o->any = false;
}

static void take(struct cutter *c, struct open *o, const struct line *l, uint32_t skip, bool code)
{
	if (o->any && (o->code != code || (code && o->lines == CODE_LINES)))
		close_block(c, o, l->off);
	if (!o->any)
		*o = (struct open){ l->off + (code ? 0 : l->indent + skip), 0, true, code };
	o->lines++;
}

static void cut_line(struct cutter *c, struct open *o, const struct line *l, const struct line *after)
{
	char fence = c->code ? 0 : fence_of(c->text, l, c->listing);
	uint32_t skip;

	if (is_empty(l)) {
		close_block(c, o, l->off);
	} else if (c->fence ? fence == c->fence : fence && !o->any) {
		close_block(c, o, l->off);
		c->fence = c->fence ? 0 : fence;
	} else if (c->code || c->fence) {
		take(c, o, l, 0, true);
	} else if (!o->any && after && ruled(c->text, after, "=-~^*+#\"`", 3, false) && l->len <= after->len + 2) {
		close_block(c, o, l->off); /* underlined: a heading */
	} else if (is_heading(c->text, l) || is_markup(c->text, l) || ruled(c->text, l, "=-~^*+_#\"`", 3, false)) {
		close_block(c, o, l->off);
	} else if ((skip = marker(c->text, l)) || c->text.ptr[l->off + l->indent] == '|') {
		close_block(c, o, l->off);
		take(c, o, l, skip, false);
	} else {
		take(c, o, l, 0, !o->any && l->indent >= 4 && l->off > 0);
	}
}

/* "Title: ...", "  - item", "---": what the head of a document is made of. */
static bool is_field(struct br_slice text, const struct line *l)
{
	const char *p = text.ptr + l->off;
	uint32_t k = 0;

	if (l->indent || (l->len >= 2 && p[0] == '-' && strchr(" -", p[1])))
		return true;
	while (k < l->len && (isalnum((unsigned char)p[k]) || p[k] == '-' || p[k] == '_'))
		k++;
	return k && k < l->len && p[k] == ':' && (k + 1 == l->len || p[k + 1] == ' ');
}

/* Bytes of the fields at the beginning of a document, two of them at the least. */
static uint32_t front_matter(const struct cutter *c)
{
	struct line l;
	uint32_t at = 0, lines = 0;

	while (c->f->ordinal == 0 && next_line(&l, c->text, &at)) {
		if (is_empty(&l) || !is_field(c->text, &l))
			return lines >= 2 ? l.off : 0;
		lines++;
	}
	return lines >= 2 ? (uint32_t)c->text.len : 0;
}

static void cut_lines(struct cutter *c)
{
	struct open o = { 0 };
	struct line l, after;
	uint32_t at = front_matter(c), peek;

	while (next_line(&l, c->text, &at)) {
		peek = at;
		cut_line(c, &o, &l, next_line(&after, c->text, &peek) ? &after : NULL);
	}
	close_block(c, &o, (uint32_t)c->text.len);
}

/* The passage is tokenised once; each token goes to the unit it stands in. */
static void mark_words(struct passage *p, struct cutter *c, size_t first)
{
	const struct br_tokens *t;
	size_t u = first;

	br_tokenizer_lang(c->q->tok, c->f->lang);
	t = br_tokenize(c->q->tok, c->text);
	for (size_t i = 0; i < t->v.n; i++) {
		uint64_t words = br_answer__words_of_token(c->q, &t->v.v[i]);
		p->words |= words;
		while (u < c->out->n && c->out->v[u].off + c->out->v[u].len <= t->v.v[i].off)
			u++;
		if (words && u < c->out->n && c->out->v[u].off <= t->v.v[i].off)
			c->out->v[u].words |= words;
	}
	p->loose = br_answer__loose_share(c->q, t, p->words);
}

void br_answer__cut_passage(units *out, struct passage *p, struct inquiry *q, uint32_t hit)
{
	const struct br_found *f = &q->r.hit[hit];
	struct cutter c = { .out = out, .q = q, .f = f, .hit = hit, .text = br_slice_str(f->text), .code = !strcmp(f->format, "code"),
		.listing = !strcmp(f->format, "asciidoc") };
	size_t first = out->n;

	*p = (struct passage){ .above = br_answer__words_above(q, f) };
	p->words = p->above;
	cut_lines(&c);
	mark_words(p, &c, first);
}
