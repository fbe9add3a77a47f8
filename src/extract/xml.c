/*
 * XML by libxml2's push parser and its SAX2 events. The parser gets no handler for entities, so that those a document
 * declares are unknown when it uses them, and no file or address is ever opened. Encodings other than UTF-8 and UTF-16
 * would load converters from disk, which the sandbox forbids: what a document says of its encoding is not heeded.
 */
#include "extract/extract.h"

#include <stdio.h>

#include <libxml/parser.h>

/* ---- attributes: five pointers each: name, prefix, namespace, value, its end ---- */

/* With entities not replaced, libxml2 leaves an ampersand as "&#38;". */
static const char *unescaped(char *value, const unsigned char *p, const unsigned char *end)
{
	size_t n = 0;

	while (p < end && n < BR_EXTRACT__VALUE - 1) {
		value[n++] = (char)*p;
		p += *p == '&' && end - p >= 5 && !memcmp(p, "&#38;", 5) ? 5 : 1;
	}
	n = br_utf8_valid(value, n);
	value[n] = 0;
	return value;
}

static const unsigned char **find(struct br_extract__xml *x, const char *space, const char *name)
{
	for (int i = 0; i < x->n_atts; i++) {
		const unsigned char **a = x->atts + 5 * i;
		if (!strcmp((const char *)a[0], name) && (!space || (a[2] && strstr((const char *)a[2], space))))
			return a;
	}
	return NULL;
}

const char *br_extract__xml_attr_in(struct br_extract__xml *x, const char *space, const char *name)
{
	const unsigned char **a = find(x, space, name);

	return a ? unescaped(x->value, a[3], a[4]) : "";
}

const char *br_extract__xml_attr(struct br_extract__xml *x, const char *name)
{
	return br_extract__xml_attr_in(x, NULL, name);
}

bool br_extract__xml_has(struct br_extract__xml *x, const char *name)
{
	return find(x, NULL, name) != NULL;
}

/* ---- events ---- */

static void stop_if_failed(struct br_extract__xml *x)
{
	if (x->rc < 0)
		xmlStopParser(x->parser);
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_spaces,
                     const xmlChar **spaces,
                     int n_atts, int n_defaulted, const xmlChar **atts)
{
	struct br_extract__xml *x = ctx;

	(void)prefix, (void)n_spaces, (void)spaces, (void)n_defaulted;
	if (++x->depth > BR_EXTRACT_NESTING)
		x->rc = br_fail(x->err, BR_ETOOBIG, "its part '%.100s' has more than %d elements within each other", x->name,
		                BR_EXTRACT_NESTING);
	if (!x->skip && x->rc == 0) {
		x->space = uri ? (const char *)uri : "";
		x->atts = atts;
		x->n_atts = n_atts;
		x->on->start(x, (const char *)name);
		x->n_atts = 0;
	}
	stop_if_failed(x);
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct br_extract__xml *x = ctx;

	(void)prefix;
	if (x->skip && x->depth > x->skip) {
		x->depth--;
		return;
	}
	x->skip = 0;
	x->space = uri ? (const char *)uri : "";
	if (x->rc == 0 && x->on->end)
		x->on->end(x, (const char *)name);
	x->depth--;
	stop_if_failed(x);
}

static void on_text(void *ctx, const xmlChar *p, int n)
{
	struct br_extract__xml *x = ctx;

	if (!x->skip && x->rc == 0 && x->on->text)
		x->on->text(x, (const char *)p, (size_t)n);
	stop_if_failed(x);
}

/* ---- parsing ---- */

static int begin(struct br_extract__xml *x, const char *name)
{
	xmlSAXHandler sax = { .initialized = XML_SAX2_MAGIC, .startElementNs = on_start, .endElementNs = on_end,
		.characters = on_text,
		              .cdataBlock = on_text, .ignorableWhitespace = on_text };

	x->name = name;
	x->depth = x->skip = x->rc = x->n_atts = 0;
	if (!(x->parser = xmlCreatePushParserCtxt(&sax, x, NULL, 0, NULL)))
		return br_fail(x->err, BR_ENOMEM, "out of memory for the XML parser");
	xmlCtxtUseOptions(x->parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC);
	return 0;
}

static int why_damaged(struct br_extract__xml *x)
{
	const xmlError *e = xmlCtxtGetLastError(x->parser);
	const char *msg = e && e->message ? e->message : "not well-formed";

	if (e && e->code == XML_ERR_NO_MEMORY)
		return br_fail(x->err, BR_ETOOBIG, "needs too much memory");
	return br_fail(x->err, BR_EINPUT, "its part '%.100s' is damaged at line %d: %.*s", x->name, e ? e->line : 0,
	               (int)strcspn(msg, "\n"), msg);
}

static int feed(void *arg, const char *p, size_t n)
{
	struct br_extract__xml *x = arg;

	if (xmlParseChunk(x->parser, p, (int)n, 0) != 0 && x->rc == 0)
		x->rc = why_damaged(x);
	return x->rc;
}

static int finish(struct br_extract__xml *x, int rc)
{
	if (rc == 0 && xmlParseChunk(x->parser, NULL, 0, 1) != 0)
		rc = x->rc < 0 ? x->rc : why_damaged(x);
	xmlFreeDoc(((xmlParserCtxtPtr)x->parser)->myDoc); /* declarations make one even here */
	xmlFreeParserCtxt(x->parser);
	x->parser = NULL;
	return rc;
}

int br_extract__xml_part(struct br_extract__xml *x, struct br_extract__zip *z, const char *name)
{
	int64_t part = br_extract__zip_find(z, name);
	int rc;

	if (part < 0)
		return br_fail(x->err, BR_ENOTFOUND, "its part '%.100s' is missing", name);
	if ((rc = begin(x, name)) < 0)
		return rc;
	rc = br_extract__zip_unpack(z, (size_t)part, feed, x, x->err);
	return finish(x, rc);
}

int br_extract__xml_bytes(struct br_extract__xml *x, struct br_slice bytes, const char *name)
{
	enum { PIECE = 1 << 20 };
	int rc = begin(x, name);

	if (rc < 0)
		return rc;
	for (size_t at = 0; at < bytes.len && rc == 0; at += PIECE)
		rc = feed(x, bytes.ptr + at, BR_MIN(bytes.len - at, (size_t)PIECE));
	return finish(x, rc);
}
