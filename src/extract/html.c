/*
 * HTML, by libxml2's push parser and its SAX events (no tree, no network, no entities of the page's own). What an
 * element does is a row of `tags`; what is open is kept as the depth at which it began, so deep nesting costs nothing.
 * Elements deeper than BR_EXTRACT_NESTING have no effect, but their words stay.
 */
#include "extract/extract.h"

#include <stdlib.h>
#include <strings.h>

#include <libxml/HTMLparser.h>

enum { LIST_DEPTH = 32, ENOUGH = 200 /* bytes of text that make <main> or <article> worth believing */ };

enum what {
	T_INLINE, T_BLOCK, T_SKIP, T_HEADING, T_PARA, T_PRE, T_BR, T_IMG, T_TITLE, T_HTML, T_BODY, T_NAV, T_PAGE, T_MAIN, T_ARTICLE,
	T_FORM, T_UL, T_OL, T_LI, T_DT, T_DD, T_QUOTE, T_TABLE, T_THEAD, T_TR, T_TD, T_TH, T_CAPTION,
};
static const struct tag { const char *name; enum what what; uint8_t level; } tags[] = { /* sorted */
	{ "address", T_BLOCK }, { "annotation", T_SKIP }, { "annotation-xml", T_SKIP }, { "article", T_ARTICLE }, { "aside", T_PAGE },
	{ "audio", T_SKIP }, { "blockquote", T_QUOTE }, { "body", T_BODY }, { "br", T_BR }, { "button", T_SKIP }, { "canvas", T_SKIP },
	{ "caption", T_CAPTION }, { "center", T_BLOCK }, { "datalist", T_SKIP }, { "dd", T_DD }, { "details", T_BLOCK },
	{ "dialog", T_SKIP }, { "div", T_BLOCK }, { "dl", T_BLOCK }, { "dt", T_DT }, { "fieldset", T_BLOCK }, { "figcaption", T_BLOCK },
	{ "figure", T_BLOCK }, { "footer", T_PAGE }, { "form", T_FORM }, { "h1", T_HEADING, 1 }, { "h2", T_HEADING, 2 },
	{ "h3", T_HEADING, 3 }, { "h4", T_HEADING, 4 }, { "h5", T_HEADING, 5 }, { "h6", T_HEADING, 6 }, { "header", T_PAGE },
	{ "hgroup", T_BLOCK }, { "hr", T_BLOCK }, { "html", T_HTML }, { "iframe", T_SKIP }, { "img", T_IMG }, { "legend", T_BLOCK },
	{ "li", T_LI }, { "listing", T_PRE }, { "main", T_MAIN }, { "menu", T_UL }, { "nav", T_NAV }, { "noframes", T_SKIP },
	{ "noscript", T_SKIP }, { "object", T_SKIP }, { "ol", T_OL }, { "optgroup", T_SKIP }, { "option", T_SKIP }, { "p", T_PARA },
	{ "plaintext", T_PRE }, { "pre", T_PRE }, { "rp", T_SKIP }, { "script", T_SKIP }, { "section", T_BLOCK }, { "select", T_SKIP },
	{ "style", T_SKIP }, { "summary", T_BLOCK }, { "svg", T_SKIP }, { "table", T_TABLE }, { "tbody", T_BLOCK }, { "td", T_TD },
	{ "template", T_SKIP }, { "textarea", T_SKIP }, { "tfoot", T_BLOCK }, { "th", T_TH }, { "thead", T_THEAD }, { "title", T_TITLE },
	{ "tr", T_TR }, { "ul", T_UL }, { "video", T_SKIP }, { "xmp", T_PRE },
};

/* Words of class and id that mark what is not content; compared whole. */
static const char *const chrome_names[] = {
	"ad", "ad-banner", "ads", "advert", "advertisement", "breadcrumb", "breadcrumbs", "catlinks", "consent", "cookie",
	"cookie-banner", "cookie-bar", "cookie-consent", "cookie-notice", "cookies", "editsection", "footer",
	"header-anchor", "headerlink", "hidden-print", "lineno", "linenos", "main-menu", "md-footer", "md-header",
	"md-sidebar", "md-tabs", "menubar", "mw-editsection", "mw-jump-link", "nav", "navbar", "navbox", "navigation",
	"newsletter", "noprint", "page-footer", "pagination", "popup", "related-posts", "rst-footer-buttons", "share",
	"share-buttons", "side-bar", "sidebar", "site-footer", "site-header", "site-nav", "skip-link", "skip-to-content",
	"skiplink", "social", "social-share", "sphinxsidebar", "sr-only", "visually-hidden", "wy-nav-side", "wy-nav-top",
};

struct html {
	struct br_extract__render r;
	htmlParserCtxtPtr parser;
	int depth;
	/* depth at which the outermost such element began; 0: none is open */
	int skip, chrome, main, article, form, heading, pre, title, table, thead, caption;
	int quotes, lists;             /* how many are open */
	int item;                      /* lists, when the innermost <li> began; 0: not in an item */
	int defs;                      /* <dt> or <dd> open */
	struct { bool ordered; unsigned n; } list[LIST_DEPTH];
	char marker[16];
	struct br_buf title_text;
	char *comment_title;           /* from a comment of JSON at the top */
};

/* ---- lookups ---- */

static int by_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct tag *)row)->name);
}

static const struct tag *find_tag(const xmlChar *name)
{
	static const struct tag other = { "", T_INLINE, 0 };
	const struct tag *t = bsearch(name, tags, BR_COUNT(tags), sizeof *tags, by_name);

	return t ? t : &other;
}

static const char *attribute(const xmlChar **atts, const char *name)
{
	for (; atts && atts[0]; atts += 2)
		if (!strcmp((const char *)atts[0], name))
			return atts[1] ? (const char *)atts[1] : "";
	return NULL;
}

/* The next word of a class attribute at *p; its length, 0 at the end. */
static size_t next_word(const char **p)
{
	*p += strspn(*p, " \t\r\n\f");
	return strcspn(*p, " \t\r\n\f");
}

static bool in_chrome_names(const char *p, size_t n)
{
	for (size_t i = 0; i < BR_COUNT(chrome_names); i++)
		if (strlen(chrome_names[i]) == n && !strncasecmp(chrome_names[i], p, n))
			return true;
	return false;
}

static bool has_chrome_name(const char *words)
{
	size_t n;

	for (; words && (n = next_word(&words)) != 0; words += n)
		if (in_chrome_names(words, n))
			return true;
	return false;
}

static bool is_toc(const char *words)
{
	return words && (strcasestr(words, "toc") || strcasestr(words, "contents"));
}

static bool is_role(const char *role, const char *name)
{
	return role && !strcasecmp(role, name);
}

/* What stands around the content rather than in it. */
static bool is_chrome(const struct html *h, const struct tag *t, const xmlChar **atts)
{
	const char *class = attribute(atts, "class"), *id = attribute(atts, "id"), *role = attribute(atts, "role");

	if (t->what == T_HTML || t->what == T_BODY || t->what == T_MAIN || t->what == T_ARTICLE || t->what == T_HEADING)
		return false;
	if (t->what == T_NAV || is_role(role, "navigation"))
		return !is_toc(class) && !is_toc(id);
	if (!h->main && !h->article &&
	    (t->what == T_PAGE || is_role(role, "banner") || is_role(role, "contentinfo") || is_role(role, "complementary")))
		return true;
	return has_chrome_name(class) || has_chrome_name(id) || is_role(role, "search");
}

/* ---- state ---- */

static void set_region(struct html *h)
{
	h->r.region = (uint8_t)((h->chrome ? BR_REGION_CHROME : 0) | (h->main ? BR_REGION_MAIN : 0) |
	                        (h->article ? BR_REGION_ARTICLE : 0) | (h->form ? BR_REGION_FORM : 0));
}

/* What kind of block the next words would open. */
static void set_kind(struct html *h)
{
	struct br_extract__render *r = &h->r;

	if (r->open)
		return; /* still inside a block, whose kind does not change */
	r->pre = h->pre != 0;
	r->level = 0;
	r->marker = NULL;
	if (h->heading) {
		r->kind = BR_BLOCK_HEADING;
		r->level = (uint8_t)(h->heading & 7);
	} else if (h->pre) {
		r->kind = BR_BLOCK_CODE;
	} else if (h->item || h->defs) {
		r->kind = BR_BLOCK_LIST;
		r->level = (uint8_t)BR_MIN(BR_MAX(h->lists, 1), 255);
		r->marker = h->marker[0] ? h->marker : NULL;
	} else {
		r->kind = h->quotes ? BR_BLOCK_QUOTE : BR_BLOCK_PARA;
	}
}

static void begin_region(struct html *h, int *at)
{
	br_extract__end_block(&h->r);
	if (!*at)
		*at = h->depth;
}

static void layout(struct html *h)
{
	br_extract__table_is_layout(&h->r);
	h->table = 0;
}

/* A block that stands for itself even at the begin of an item, and shows that a table is no data. */
static void begin_own_block(struct html *h)
{
	layout(h);
	br_extract__cut_block(&h->r);
}

/* Number of an <ol start> or <li value>; `otherwise` when there is none that makes sense. */
static unsigned number_of(const char *s, unsigned otherwise)
{
	int64_t n;

	return s && br_parse_int(&n, s, 0, 999999, "number", NULL) == 0 ? (unsigned)n : otherwise;
}

static void begin_list(struct html *h, bool ordered, const char *start)
{
	h->item = 0;
	br_extract__cut_block(&h->r);
	if (h->lists < LIST_DEPTH) {
		h->list[h->lists].ordered = ordered;
		h->list[h->lists].n = number_of(start, 1);
	}
	h->lists++;
}

static void begin_item(struct html *h, const char *value)
{
	int at = BR_MIN(h->lists, LIST_DEPTH) - 1;

	br_extract__end_block(&h->r);
	h->item = BR_MAX(h->lists, 1);
	strcpy(h->marker, "- ");
	if (at >= 0 && h->list[at].ordered) {
		h->list[at].n = number_of(value, h->list[at].n);
		snprintf(h->marker, sizeof h->marker, "%u. ", h->list[at].n++);
	}
	br_extract__glue(&h->r);
}

static void begin_definition(struct html *h, bool term)
{
	if (!h->r.in_table && !term && h->r.open && h->r.kind == BR_BLOCK_LIST)
		br_extract__glue(&h->r);
	else
		br_extract__end_block(&h->r);
	h->marker[0] = 0;
	h->defs++;
}

static void begin_table(struct html *h)
{
	if (h->r.in_table)
		layout(h); /* a table within a table: only the inner one can be data */
	br_extract__table_begin(&h->r);
	h->table = h->depth;
	h->thead = h->caption = 0;
}

/* ---- events ---- */

static void open_tag(struct html *h, const struct tag *t, const xmlChar **atts)
{
	struct br_extract__render *r = &h->r;

	switch (t->what) {
	case T_HEADING:
		begin_own_block(h);
		h->heading = h->depth << 3 | t->level;
		break;
	case T_PRE:
		begin_own_block(h);
		if (!h->pre)
			h->pre = h->depth;
		break;
	case T_UL: case T_OL: begin_list(h, t->what == T_OL, attribute(atts, "start")); break;
	case T_LI: begin_item(h, attribute(atts, "value")); break;
	case T_DT: case T_DD: begin_definition(h, t->what == T_DT); break;
	case T_QUOTE:
		br_extract__end_block(r);
		h->quotes++;
		break;
	case T_MAIN: begin_region(h, &h->main); break;
	case T_ARTICLE: begin_region(h, &h->article); break;
	case T_FORM: begin_region(h, &h->form); break;
	case T_TABLE: begin_table(h); break;
	case T_THEAD: h->thead = h->depth; break;
	case T_CAPTION: h->caption = h->depth; break;
	case T_TR:
		br_extract__end_block(r);
		br_extract__table_row(r, h->thead != 0);
		break;
	case T_TD: case T_TH:
		br_extract__end_block(r);
		br_extract__table_cell(r, t->what == T_TH);
		break;
	case T_PARA:
		br_extract__end_block(r);
		br_extract__table_para(r);
		h->table = r->in_table ? h->table : 0;
		break;
	case T_BR: br_extract__line_break(r); break;
	case T_IMG: {
		const char *alt = attribute(atts, "alt");
		if (alt && *alt)
			br_extract__words(r, alt, strlen(alt), (uint32_t)h->parser->input->line);
		break;
	}
	case T_INLINE: break;
	default: br_extract__end_block(r); break;
	}
}

static void close_region(struct html *h, int *at)
{
	if (*at != h->depth)
		return;
	br_extract__cut_block(&h->r);
	*at = 0;
}

static void close_list(struct html *h)
{
	br_extract__cut_block(&h->r);
	h->lists -= h->lists > 0;
	h->item = h->lists; /* what follows a nested list still belongs to the outer item */
	h->marker[0] = 0;
}

static void close_tag(struct html *h, const struct tag *t)
{
	struct br_extract__render *r = &h->r;

	switch (t->what) {
	case T_HEADING:
		br_extract__cut_block(r);
		h->heading = 0;
		break;
	case T_PRE:
		br_extract__cut_block(r);
		h->pre = h->pre == h->depth ? 0 : h->pre;
		break;
	case T_UL: case T_OL: close_list(h); break;
	case T_LI:
		br_extract__cut_block(r);
		h->item = 0;
		h->marker[0] = 0;
		break;
	case T_DT: h->defs -= h->defs > 0; break; /* its <dd> goes on with the block */
	case T_DD:
		br_extract__end_block(r);
		h->defs -= h->defs > 0;
		break;
	case T_QUOTE:
		br_extract__end_block(r);
		h->quotes -= h->quotes > 0;
		break;
	case T_TABLE:
		if (h->table == h->depth) {
			br_extract__table_end(r);
			h->table = 0;
		}
		br_extract__end_block(r);
		break;
	case T_THEAD: h->thead = 0; break;
	case T_CAPTION:
		if (h->caption == h->depth)
			br_extract__table_caption_end(r);
		h->caption = 0;
		break;
	case T_INLINE: case T_BR: case T_IMG: break;
	default: br_extract__end_block(r); break;
	}
}

/* Elements whose words are not wanted at all. Inline chrome stands within a paragraph, so it cannot be sorted out later. */
static bool drops(const struct html *h, const struct tag *t, const xmlChar **atts)
{
	if (t->what == T_SKIP)
		return true;
	return t->what == T_INLINE && (is_chrome(h, t, atts) || is_role(attribute(atts, "aria-hidden"), "true"));
}

static bool is_letter(char c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static void set_lang(struct html *h, const char *lang)
{
	struct br_extracted *e = h->r.out;

	if (lang && !e->lang[0] && is_letter(lang[0]) && is_letter(lang[1]) && !is_letter(lang[2])) {
		e->lang[0] = (char)(lang[0] | 32);
		e->lang[1] = (char)(lang[1] | 32);
		e->lang[2] = 0;
	}
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar **atts)
{
	struct html *h = ctx;
	const struct tag *t = find_tag(name);

	h->depth++;
	if (h->skip)
		return;
	if (drops(h, t, atts)) {
		h->skip = h->depth;
		if (t->what == T_SKIP)
			h->r.space = true;
		return;
	}
	if (h->depth > BR_EXTRACT_NESTING) {
		h->r.space |= t->what != T_INLINE;
		return;
	}
	if (t->what == T_TITLE && !h->title && !h->title_text.len)
		h->title = h->depth;
	if (t->what == T_HTML || t->what == T_BODY)
		set_lang(h, attribute(atts, "lang"));
	if (!h->chrome && t->what != T_INLINE && is_chrome(h, t, atts))
		begin_region(h, &h->chrome);
	if (!h->main && is_role(attribute(atts, "role"), "main"))
		begin_region(h, &h->main);
	open_tag(h, t, atts);
	set_region(h);
	set_kind(h);
}

static void close_regions(struct html *h)
{
	close_region(h, &h->chrome);
	close_region(h, &h->main);
	close_region(h, &h->article);
	close_region(h, &h->form);
}

static void on_end(void *ctx, const xmlChar *name)
{
	struct html *h = ctx;

	if (h->skip) {
		h->skip = h->skip == h->depth ? 0 : h->skip;
	} else if (h->depth <= BR_EXTRACT_NESTING) {
		h->title = h->title == h->depth ? 0 : h->title;
		close_tag(h, find_tag(name));
		close_regions(h);
		set_region(h);
		set_kind(h);
	}
	h->depth--;
}

static void on_words(void *ctx, const xmlChar *p, int n)
{
	struct html *h = ctx;

	if (h->skip)
		return;
	if (h->title) {
		br_buf_add(&h->title_text, p, (size_t)n);
		return;
	}
	br_extract__words(&h->r, (const char *)p, (size_t)n, (uint32_t)h->parser->input->line);
	if (!h->r.marker)
		h->marker[0] = 0;
	if (h->r.rc < 0)
		xmlStopParser(h->parser);
}

/* ---- title ---- */

/* White space collapsed, cut at a character; NULL when nothing is left. */
static char *clean_title(const char *p, size_t n)
{
	struct br_buf b = BR_BUF_INIT(4 * BR_MAX_TITLE);
	size_t len;

	for (size_t i = 0; i < n && b.len <= BR_MAX_TITLE; i++) {
		if ((unsigned char)p[i] > ' ' && p[i] != 0x7f)
			br_buf_addc(&b, p[i]);
		else if (b.len && b.ptr[b.len - 1] != ' ')
			br_buf_addc(&b, ' ');
	}
	len = BR_MIN(b.len, (size_t)BR_MAX_TITLE);
	len = br_utf8_valid(b.ptr, len);
	while (len && b.ptr[len - 1] == ' ')
		len--;
	p = len ? br_strndup(b.ptr, len) : NULL;
	br_buf_release(&b);
	return (char *)(uintptr_t)p;
}

/* Some sites keep what their templates need in a comment at the top: <!--{ "Title": "Effective Go" }-->. */
static void on_comment(void *ctx, const xmlChar *text)
{
	struct html *h = ctx;
	struct br_buf b = BR_BUF_INIT(4 * BR_MAX_TITLE);
	const char *p = (const char *)text;

	if (h->comment_title || h->r.out->blocks.n || *p != '{' || !(p = strstr(p, "\"Title\"")))
		return;
	p += strlen("\"Title\"");
	p += strspn(p, " \t\r\n");
	p += *p == ':';
	p += strspn(p, " \t\r\n");
	if (*p++ != '"')
		return;
	for (; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		br_buf_addc(&b, *p);
	}
	h->comment_title = clean_title(b.ptr, b.len);
	br_buf_release(&b);
}

static char *first_heading(const struct br_extracted *e)
{
	for (size_t i = 0; i < e->blocks.n; i++)
		if (e->blocks.v[i].kind == BR_BLOCK_HEADING && e->blocks.v[i].level == 1)
			return clean_title(e->text.ptr + e->blocks.v[i].off, e->blocks.v[i].len);
	return NULL;
}

static void set_title(struct html *h)
{
	struct br_extracted *e = h->r.out;

	e->title = clean_title(h->title_text.ptr, h->title_text.len);
	if (!e->title && h->comment_title)
		e->title = br_strdup(h->comment_title);
	if (!e->title)
		e->title = first_heading(e);
}

/* ---- the page as a whole ---- */

/*
 * Takes the first choice with enough text: <main>, <article>, what is neither around the content nor in a form, what is not
 * around the content, everything.
 */
static void choose_regions(struct html *h)
{
	struct br_extract__render *r = &h->r;
	size_t content = br_extract__text_in(r, 0, BR_REGION_CHROME);
	static const uint8_t parts[] = { BR_REGION_MAIN, BR_REGION_ARTICLE };

	for (size_t i = 0; i < BR_COUNT(parts); i++) {
		size_t n = br_extract__text_in(r, parts[i], BR_REGION_CHROME);
		if (n >= ENOUGH && n >= content / 4) {
			br_extract__keep(r, parts[i], BR_REGION_CHROME);
			return;
		}
	}
	if (br_extract__text_in(r, 0, BR_REGION_CHROME | BR_REGION_FORM) * 2 >= content && content)
		br_extract__keep(r, 0, BR_REGION_CHROME | BR_REGION_FORM);
	else if (content)
		br_extract__keep(r, 0, BR_REGION_CHROME);
}

static void finish(struct html *h)
{
	layout(h); /* a table that was never closed */
	br_extract__cut_block(&h->r);
	set_title(h);
	choose_regions(h);
}

static htmlParserCtxtPtr new_parser(struct html *h)
{
	htmlSAXHandler sax = { .startElement = on_start, .endElement = on_end, .characters = on_words, .ignorableWhitespace = on_words,
		                   .comment = on_comment };
	htmlParserCtxtPtr p = htmlCreatePushParserCtxt(&sax, h, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);

	if (p)
		htmlCtxtUseOptions(p, HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
		                      HTML_PARSE_IGNORE_ENC);
	return p;
}

static int parse(struct html *h, struct br_slice bytes)
{
	enum { PIECE = 1 << 20 };
	int rc = 0;

	if (!(h->parser = new_parser(h)))
		return br_fail(h->r.err, BR_ENOMEM, "out of memory for the HTML parser");
	for (size_t at = 0; at < bytes.len && h->r.rc == 0; at += PIECE)
		htmlParseChunk(h->parser, bytes.ptr + at, (int)BR_MIN(bytes.len - at, (size_t)PIECE), bytes.len - at <= PIECE);
	if (h->r.rc == 0 && h->parser->errNo == XML_ERR_NO_MEMORY)
		rc = br_fail(h->r.err, BR_ETOOBIG, "needs too much memory");
	htmlFreeParserCtxt(h->parser);
	return h->r.rc < 0 ? h->r.rc : rc;
}

int br_extract__html(struct br_extracted *out, struct br_slice bytes, struct br_err *err)
{
	struct html h = { .title_text = BR_BUF_INIT(64 << 10) };
	int rc;

	br_extract__render_init(&h.r, out, err);
	set_kind(&h);
	if ((rc = parse(&h, bytes)) == 0) {
		finish(&h);
		rc = h.r.rc;
	}
	if (rc == 0 && !out->blocks.n)
		rc = br_fail(err, BR_EUNSUPPORTED, "no text in this page");
	br_extract__render_release(&h.r);
	br_buf_release(&h.title_text);
	free(h.comment_title);
	return rc;
}
