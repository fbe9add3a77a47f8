/*
 * EPUB: the chapters of the spine in their order, each read as the HTML page it is and appended to the book. Navigation
 * and what is not in the spine stay out; a chapter without a heading gets the one of its <title>.
 */
#include "extract/extract.h"

#include <stdio.h>
#include <stdlib.h>

#include "text/internal.h"

enum { MAX_ITEMS = BR_EXTRACT_PARTS };

struct item { char *id, *part; bool page, nav; };

struct epub {
	struct br_extract__render r;
	struct br_extract__zip *zip;
	char *package;                   /* part with the list of all others */
	BR_VEC(struct item) items;
	BR_VEC(char *) spine;            /* ids */
	struct br_buf title, lang;
	struct br_buf *into;             /* where words go now */
	bool locked;
	char algorithm[128];
};

/* ---- container and package ---- */

static void container_start(struct br_extract__xml *x, const char *name)
{
	struct epub *b = x->ctx;

	if (!strcmp(name, "rootfile") && !b->package)
		b->package = br_strdup(br_extract__xml_attr(x, "full-path"));
}

/* "a%20b" */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		unsigned c;
		if (*s == '%' && sscanf(s + 1, "%2x", &c) == 1 && c >= ' ' && s[2]) {
			*to++ = (char)c;
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
}

static void add_item(struct epub *b, struct br_extract__xml *x)
{
	struct item i = { .id = br_strdup(br_extract__xml_attr(x, "id")) };
	char *href = br_strdup(br_extract__xml_attr(x, "href"));
	const char *type;

	unescape(href);
	i.part = br_extract__resolve(b->package, href);
	free(href);
	i.nav = strstr(br_extract__xml_attr(x, "properties"), "nav") != NULL;
	type = br_extract__xml_attr(x, "media-type");
	i.page = strstr(type, "html") != NULL;
	*br_vec_push(&b->items) = i;
}

static void package_start(struct br_extract__xml *x, const char *name)
{
	struct epub *b = x->ctx;

	if (!strcmp(name, "item") && b->items.n < MAX_ITEMS)
		add_item(b, x);
	else if (!strcmp(name, "itemref") && b->spine.n < MAX_ITEMS)
		*br_vec_push(&b->spine) = br_strdup(br_extract__xml_attr(x, "idref"));
	else if (!strcmp(name, "title") && !b->title.len)
		b->into = &b->title;
	else if (!strcmp(name, "language") && !b->lang.len)
		b->into = &b->lang;
}

static void package_end(struct br_extract__xml *x, const char *name)
{
	(void)name;
	((struct epub *)x->ctx)->into = NULL;
}

static void package_text(struct br_extract__xml *x, const char *p, size_t n)
{
	struct epub *b = x->ctx;

	if (b->into)
		br_buf_add(b->into, p, n);
}

/* Fonts are often made unusable outside of the book, by one of two methods; all other encryption is of text. */
static void encryption_start(struct br_extract__xml *x, const char *name)
{
	struct epub *b = x->ctx;

	if (strcmp(name, "EncryptionMethod"))
		return;
	snprintf(b->algorithm, sizeof b->algorithm, "%s", br_extract__xml_attr(x, "Algorithm"));
	b->locked |= !strstr(b->algorithm, "idpf.org/2008/embedding") && !strstr(b->algorithm, "ns.adobe.com/pdf/enc");
}

static int part(struct epub *b, const struct br_extract__xml_events *on, const char *name)
{
	struct br_extract__xml x = { .on = on, .ctx = b, .err = b->r.err };
	int rc = br_extract__xml_part(&x, b->zip, name);

	return rc == -BR_ENOTFOUND ? br_fail(b->r.err, BR_EINPUT, "damaged: its part '%.100s' is missing", name) : rc;
}

static int read_package(struct epub *b)
{
	static const struct br_extract__xml_events container = { .start = container_start },
	    encryption = { .start = encryption_start },
		package = { package_start, package_end, package_text };
	int rc;

	if (br_extract__zip_find(b->zip, "META-INF/encryption.xml") >= 0 &&
	    (rc = part(b, &encryption, "META-INF/encryption.xml")) < 0)
		return rc;
	if (b->locked)
		return br_fail(b->r.err, BR_EUNSUPPORTED, "is protected against copying (DRM)");
	if ((rc = part(b, &container, "META-INF/container.xml")) < 0)
		return rc;
	if (!b->package)
		return br_fail(b->r.err, BR_EINPUT, "damaged: it does not name its package");
	return part(b, &package, b->package);
}

/* ---- chapters ---- */

static bool has_heading(const struct br_extracted *e)
{
	for (size_t i = 0; i < e->blocks.n; i++)
		if (e->blocks.v[i].kind == BR_BLOCK_HEADING)
			return true;
	return false;
}

static void append(struct epub *b, const struct br_extracted *e)
{
	if (!has_heading(e) && e->title && b->title.len && strcmp(e->title, b->title.ptr))
		br_extract__heading(&b->r, 1, e->title);
	for (size_t i = 0; i < e->blocks.n; i++)
		br_extract__add_block(&b->r, &e->blocks.v[i], e->text.ptr + e->blocks.v[i].off, e->blocks.v[i].len);
	if (b->r.out->text.failed)
		b->r.rc = br_buf_check(&b->r.out->text, "text", b->r.err);
}

/* UTF-8 as the reader of HTML wants it: bytes that are none are taken for Windows' Latin letters. */
static void to_utf8(struct br_buf *out, struct br_slice in)
{
	while (in.len) {
		size_t n = br_utf8_valid(in.ptr, in.len);
		char utf8[4];
		br_buf_add(out, in.ptr, n);
		if (n == in.len)
			break;
		br_buf_add(out, utf8, br_utf8_put(utf8, (unsigned char)in.ptr[n]));
		in = br_slice(in.ptr + n + 1, in.len - n - 1);
	}
}

static int read_chapter(struct epub *b, const char *name)
{
	struct br_buf raw = BR_BUF_INIT(BR_EXTRACT_PART), page = BR_BUF_INIT(2 * BR_EXTRACT_PART);
	struct br_extracted e;
	int rc;

	br_extracted_init(&e);
	if ((rc = br_extract__zip_read(&raw, b->zip, name, b->r.err)) == 0) {
		to_utf8(&page, br_buf_slice(&raw));
		if ((rc = br_extract__html(&e, br_buf_slice(&page), b->r.err)) == 0)
			append(b, &e);
	}
	br_extracted_release(&e);
	br_buf_release(&raw);
	br_buf_release(&page);
	/* A cover without text, or a chapter that is not there, does not spoil the book; a locked one does. */
	if (rc == -BR_ENOTFOUND || (rc == -BR_EUNSUPPORTED && b->r.err && strncmp(b->r.err->msg, "is password", 11)))
		rc = 0;
	return rc < 0 ? rc : b->r.rc;
}

static const struct item *find_item(const struct epub *b, const char *id)
{
	for (size_t i = 0; i < b->items.n; i++)
		if (!strcmp(b->items.v[i].id, id))
			return &b->items.v[i];
	return NULL;
}

static int read_book(struct epub *b, struct br_extracted *out)
{
	int rc = read_package(b);

	for (size_t i = 0; i < b->spine.n && rc == 0; i++) {
		const struct item *it = find_item(b, b->spine.v[i]);
		if (it && it->page && !it->nav)
			rc = read_chapter(b, it->part);
	}
	if (rc < 0 || (rc = br_extract__finish(&b->r)) < 0)
		return rc;
	br_text__title(out, b->title.ptr, b->title.len);
	if (b->lang.len >= 2 && strspn(b->lang.ptr, "abcdefghijklmnopqrstuvwxyz") == 2)
		snprintf(out->lang, sizeof out->lang, "%.2s", b->lang.ptr);
	return 0;
}

int br_extract__epub(struct br_extracted *out, struct br_slice bytes, struct br_err *err)
{
	struct epub b = { .title = BR_BUF_INIT(1 << 20), .lang = BR_BUF_INIT(1 << 10) };
	struct br_extract__zip z;
	int rc;

	if ((rc = br_extract__zip_open(&z, bytes, err)) < 0)
		return rc;
	b.zip = &z;
	br_extract__render_init(&b.r, out, err);
	rc = read_book(&b, out);
	br_extract__zip_close(&z);
	for (size_t i = 0; i < b.items.n; i++) {
		free(b.items.v[i].id);
		free(b.items.v[i].part);
	}
	for (size_t i = 0; i < b.spine.n; i++)
		free(b.spine.v[i]);
	br_vec_release(&b.items);
	br_vec_release(&b.spine);
	br_buf_release(&b.title);
	br_buf_release(&b.lang);
	free(b.package);
	br_extract__render_release(&b.r);
	return rc;
}
