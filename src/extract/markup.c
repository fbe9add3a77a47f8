/*
 * XML that is no format we know: its words, by elements. One that follows words directly stands in running text, any
 * other is a block of its own. Comments, processing instructions and attributes are left out. Entities are those of
 * HTML, whatever a document declares; others are written as they stand. Damage ends the document where it is: what
 * came before is kept.
 */
#include "extract/extract.h"

#include <stdio.h>
#include <stdlib.h>

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>

enum { ENOUGH = 1 /* bytes of text that make a damaged document worth keeping */, TITLE_DEPTH = 6 };

struct markup {
	struct br_extract__render r;
	xmlParserCtxtPtr parser;
	int depth;
	bool words;                  /* words came last, and no element ended since: the next may be inline */
	bool block[BR_EXTRACT_NESTING + 1]; /* by depth: the element began a block, so that its end ends one */
	int title;                   /* depth of the element that is read as title, 0: none */
	struct br_buf title_text;
	bool titled;
	xmlEntity entity;            /* the one that was asked for last */
	char entity_text[80];
};

static uint32_t line(const struct markup *m)
{
	return (uint32_t)BR_MAX(m->parser->input ? m->parser->input->line : 1, 1);
}

static bool is_blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != ' ' && (p[i] < '\t' || p[i] > '\r'))
			return false;
	return true;
}

static void stop_if_failed(struct markup *m)
{
	if (m->r.rc < 0)
		xmlStopParser(m->parser);
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_spaces,
        const xmlChar **spaces,
                     int n_atts, int n_defaulted, const xmlChar **atts)
{
	struct markup *m = ctx;

	(void)prefix, (void)uri, (void)n_spaces, (void)spaces, (void)n_atts, (void)n_defaulted, (void)atts;
	if (++m->depth <= BR_EXTRACT_NESTING)
		m->block[m->depth] = !m->words;
	if (!m->words)
		br_extract__end_block(&m->r);
	if (!m->titled && !m->title && m->depth <= TITLE_DEPTH && !xmlStrcasecmp(name, BAD_CAST "title"))
		m->title = m->depth;
	stop_if_failed(m);
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct markup *m = ctx;

	(void)name, (void)prefix, (void)uri;
	if (m->title == m->depth) {
		m->titled = m->title_text.len > 0;
		m->title = 0;
	}
	if (m->depth <= BR_EXTRACT_NESTING && m->block[m->depth])
		br_extract__end_block(&m->r);
	m->words = false;
	m->depth--;
	stop_if_failed(m);
}

static void on_words(void *ctx, const xmlChar *text, int n)
{
	struct markup *m = ctx;
	const char *p = (const char *)text;
	bool blank = is_blank(p, (size_t)n);

	if (m->title && !blank)
		br_buf_add(&m->title_text, p, (size_t)n);
	/* A line end between elements: they are no running text. */
	if (blank && memchr(p, '\n', (size_t)n)) {
		m->words = false;
		br_extract__end_block(&m->r);
		return;
	}
	m->words |= !blank;
	br_extract__words(&m->r, p, (size_t)n, line(m));
	stop_if_failed(m);
}

/* The parser takes a "predefined" entity for the characters it holds and looks no further. */
static xmlEntityPtr entity(void *ctx, const xmlChar *name)
{
	struct markup *m = ctx;
	const htmlEntityDesc *known = htmlEntityLookup(name);
	size_t n;

	if (known)
		n = br_utf8_put(m->entity_text, known->value);
	else
		n = (size_t)snprintf(m->entity_text, sizeof m->entity_text, "&%.60s;", (const char *)name);
	n = br_utf8_valid(m->entity_text, n);
	m->entity_text[n] = 0;
	m->entity = (xmlEntity){ .type = XML_ENTITY_DECL, .etype = XML_INTERNAL_PREDEFINED_ENTITY, .name = BAD_CAST "x",
		.content = BAD_CAST m->entity_text, .orig = BAD_CAST m->entity_text, .length = (int)n };
	return &m->entity;
}

static int parse(struct markup *m, struct br_slice bytes, struct br_err *err)
{
	enum { PIECE = 1 << 20 };
	xmlSAXHandler sax = { .initialized = XML_SAX2_MAGIC, .startElementNs = on_start, .endElementNs = on_end,
	    .characters = on_words,
		              .cdataBlock = on_words, .ignorableWhitespace = on_words, .getEntity = entity };
	const xmlError *e;
	int rc = 0;

	if (!(m->parser = xmlCreatePushParserCtxt(&sax, m, NULL, 0, NULL)))
		return br_fail(err, BR_ENOMEM, "out of memory for the XML parser");
	xmlCtxtUseOptions(m->parser,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC | XML_PARSE_RECOVER);
	for (size_t at = 0; at < bytes.len && m->r.rc == 0; at += PIECE)
		xmlParseChunk(m->parser, bytes.ptr + at, (int)BR_MIN(bytes.len - at, (size_t)PIECE),
		    bytes.len - at <= PIECE);
	br_extract__cut_block(&m->r);
	e = xmlCtxtGetLastError(m->parser);
	if (m->r.rc < 0)
		rc = m->r.rc;
	else if (e && e->code == XML_ERR_NO_MEMORY)
		rc = br_fail(err, BR_ETOOBIG, "needs too much memory");
	else if (e && e->level == XML_ERR_FATAL && m->r.out->text.len < ENOUGH)
		rc = br_fail(err, BR_EINPUT, "damaged XML at line %d: %.*s", e->line, e->message
		    ? (int)strcspn(e->message, "\n") : 0, e->message ? e->message : "");
	xmlFreeDoc(m->parser->myDoc); /* declarations make one even here */
	xmlFreeParserCtxt(m->parser);
	return rc;
}

static void set_title(struct markup *m)
{
	char title[BR_MAX_TITLE + 1];
	size_t n = 0;

	for (const char *p = m->title_text.ptr; *p && n < BR_MAX_TITLE; p++) {
		if ((unsigned char)*p > ' ')
			title[n++] = *p;
		else if (n && title[n - 1] != ' ')
			title[n++] = ' ';
	}
	n = br_utf8_valid(title, n);
	n -= n && title[n - 1] == ' ';
	if (n)
		m->r.out->title = br_strndup(title, n);
}

int br_extract__markup(struct br_extracted *out, struct br_slice bytes, struct br_err *err)
{
	struct markup m = { .title_text = BR_BUF_INIT(64 << 10) };
	int rc;

	br_extract__render_init(&m.r, out, err);
	m.r.kind = BR_BLOCK_PARA;
	if ((rc = parse(&m, bytes, err)) == 0) {
		set_title(&m);
		if (!out->blocks.n)
			rc = br_fail(err, BR_EUNSUPPORTED, "no text in this file");
	}
	br_extract__render_release(&m.r);
	br_buf_release(&m.title_text);
	return rc;
}
