/*
 * PDF by pdftotext -bbox-layout, which says where each word stands: the rows of its XHTML are read as they come and
 * become lines. The program runs in the sandbox of br-confine; what it writes is trusted no more than the file.
 */
#include "helper.h"
#include "pdf.h"

#include <stdlib.h>

enum { ROW = 64 << 10 }; /* bytes of one row of output; the rest of a longer one is left out */

struct reader {
	struct br_text__pdf_doc *doc;
	struct br_buf row;
	uint32_t block;
	struct br_text__pdf_line line;
	float longest;           /* bytes of its longest word */
	float before_x, before_y; /* lower right corner of the word before */
	bool open;
};

/* ---- attributes and text of a row ---- */

static float number(const char *row, const char *name)
{
	const char *p = strstr(row, name);
	double v = 0;

	if (!p)
		return 0;
	for (p += strlen(name); *p && (*p == '=' || *p == '"'); p++)
		;
	v = strtod(p, NULL);
	return v > -1e6 && v < 1e6 ? (float)v : 0;
}

static size_t entity(const char *p, char *c)
{
	static const struct { const char *name; char c; } known[] = {
		{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&apos;", '\'' }, { "&#39;", '\'' },
	};

	for (size_t i = 0; i < BR_COUNT(known); i++)
		if (!strncmp(p, known[i].name, strlen(known[i].name))) {
			*c = known[i].c;
			return strlen(known[i].name);
		}
	return 0;
}

/* Ligatures apart; soft hyphens at line ends like hyphens; bullets of symbol fonts like bullets. */
static const char *plain_form(uint32_t cp)
{
	static const char *const ligatures[] = { "ff", "fi", "fl", "ffi", "ffl", "st", "st" };

	if (cp >= 0xfb00 && cp <= 0xfb06)
		return ligatures[cp - 0xfb00];
	return cp == 0xad ? "-" : cp == 0xa0 ? " " : cp == 0xf0b7 || cp == 0xf0a7 ? "\xe2\x80\xa2" : NULL;
}

static void add_text(struct br_buf *out, const char *p, const char *end)
{
	while (p < end) {
		uint32_t cp;
		char c, utf8[4];
		size_t n = *p == '&' ? entity(p, &c) : 0;
		const char *plain;

		if (n) {
			br_buf_addc(out, c);
			p += n;
			continue;
		}
		p += br_utf8_next(&cp, p, (size_t)(end - p));
		if ((plain = plain_form(cp)))
			br_buf_adds(out, plain);
		else if (cp >= ' ' && (cp < 0x7f || cp > 0x9f))
			br_buf_add(out, utf8, br_utf8_put(utf8, cp));
	}
}

static void set_title(struct reader *r, const char *p, const char *end)
{
	struct br_buf b = BR_BUF_INIT(16 * BR_MAX_TITLE);
	size_t n;

	add_text(&b, p, BR_MIN(end, p + 4 * BR_MAX_TITLE));
	n = br_utf8_valid(b.ptr, BR_MIN(b.len, (size_t)BR_MAX_TITLE));
	memcpy(r->doc->title, b.ptr, n);
	r->doc->title[n] = 0;
	br_buf_release(&b);
}

/* ---- rows ---- */

static void begin_line(struct reader *r, const char *row)
{
	r->line = (struct br_text__pdf_line){ .x0 = number(row, "xMin"), .y0 = number(row, "yMin"), .x1 = number(row, "xMax"),
		.y1 = number(row, "yMax"),
		.off = (uint32_t)r->doc->words.len, .page = (uint32_t)r->doc->pages.n, .block = r->block, .upright = true };
	r->longest = 0;
	r->open = true;
}

/* Words that only a change of font divides stand without space between them. */
static bool touches(const struct reader *r, float x0, float y0, float height)
{
	float gap = x0 - r->before_x, beside = r->before_y - y0;

	return gap < 0.06f * height && gap > -0.3f * height && beside > 0.5f * height;
}

static void add_word(struct reader *r, const char *row)
{
	float x0 = number(row, "xMin"), x1 = number(row, "xMax"), y0 = number(row, "yMin"), h = number(row, "yMax") - y0, n;
	struct br_buf *w = &r->doc->words;
	const char *p = strchr(row, '>'), *end = p ? strstr(p, "</word>") : NULL;
	size_t had = w->len;

	if (!r->open || !p)
		return;
	if (w->len > r->line.off && !touches(r, x0, y0, h))
		br_buf_addc(w, ' ');
	add_text(w, p + 1, end ? end : row + strlen(row));
	n = (float)(w->len - had);
	if (n > r->longest) {
		r->longest = n;
		r->line.upright = n < 4 || h < 2 * (x1 - x0);
		r->line.height = r->line.upright ? h : x1 - x0;
	}
	r->before_x = x1;
	r->before_y = y0 + h;
}

static void end_line(struct reader *r)
{
	struct br_buf *w = &r->doc->words;

	if (!r->open)
		return;
	r->open = false;
	while (w->len > r->line.off && w->ptr[w->len - 1] == ' ')
		w->len--;
	r->line.len = (uint32_t)(w->len - r->line.off);
	if (r->line.len && r->doc->pages.n && r->doc->lines.n < BR_MAX_BLOCKS)
		*br_vec_push(&r->doc->lines) = r->line;
}

static bool is(const char *row, const char *tag)
{
	return !strncmp(row, tag, strlen(tag));
}

static void on_row(struct reader *r)
{
	const char *row = r->row.ptr + strspn(r->row.ptr, " "), *end;

	if (is(row, "<word "))
		add_word(r, row);
	else if (is(row, "<line "))
		begin_line(r, row);
	else if (is(row, "</line>"))
		end_line(r);
	else if (is(row, "<block "))
		r->block++;
	else if (is(row, "<page ") && r->doc->pages.n < BR_MAX_BLOCKS)
		*br_vec_push(&r->doc->pages) = (struct br_text__pdf_page){ number(row, "width"), number(row, "height") };
	else if (is(row, "<title>") && (end = strstr(row, "</title>")))
		set_title(r, row + strlen("<title>"), end);
}

static int on_output(void *arg, const char *p, size_t n)
{
	struct reader *r = arg;

	while (n) {
		const char *nl = memchr(p, '\n', n);
		size_t part = nl ? (size_t)(nl - p) : n;

		br_buf_add(&r->row, p, BR_MIN(part, r->row.max - r->row.len));
		if (nl) {
			if (memchr(r->row.ptr, 0, r->row.len) == NULL)
				on_row(r);
			br_buf_reset(&r->row);
		}
		part += nl != NULL;
		p += part;
		n -= part;
	}
	return r->doc->words.failed ? -(int)BR_ETOOBIG : 0;
}

/* ---- the document ---- */

static bool mentions(struct br_slice bytes, const char *name)
{
	return memmem(bytes.ptr, bytes.len, name, strlen(name)) != NULL;
}

static int verdict(const struct br_text__pdf_doc *doc, int status, struct br_slice bytes, struct br_err *err)
{
	if (status == 1 && mentions(bytes, "/Encrypt"))
		return br_fail(err, BR_EUNSUPPORTED, "is password-protected: it needs a password to be read");
	if (status == 3)
		return br_fail(err, BR_EUNSUPPORTED, "its author does not permit to take text from it");
	if (doc->lines.n)
		return 0;
	if (status)
		return br_fail(err, BR_EINPUT, "damaged: pdftotext cannot read it (status %d)", status);
	if (mentions(bytes, "/Image"))
		return br_fail(err, BR_EUNSUPPORTED, "is a scan without text: use --ocr");
	return br_fail(err, BR_EUNSUPPORTED, "no text");
}

int br_text__pdf(struct br_extracted *out, const char *confine, struct br_slice bytes, struct br_err *err)
{
	static const char *const argv[] = { "pdftotext", "-enc", "UTF-8", "-bbox-layout", "-", "-", NULL };
	struct br_text__pdf_doc doc = { .words = BR_BUF_INIT(BR_MAX_TEXT / 2) };
	struct reader r = { .doc = &doc, .row = BR_BUF_INIT(ROW) };
	struct br_text__tool tool = { .argv = argv, .package = "poppler-utils", .confine = confine, .in = bytes,
		.sink = on_output, .arg = &r };
	int status = 0, rc;

	if ((rc = br_text__tool_needs(argv[0], tool.package, err)) == 0)
		rc = br_text__tool_run(&tool, &status, err);
	if (rc < 0 && doc.words.failed)
		rc = br_buf_check(&doc.words, "text", err);
	if (rc == 0)
		rc = verdict(&doc, status, bytes, err);
	if (rc == 0) {
		br_text__pdf_layout(out, &doc);
		out->format = BR_FMT_PDF;
		strcpy(out->encoding, "UTF-8");
		rc = br_buf_check(&out->text, "text", err);
	}
	br_buf_release(&doc.words);
	br_buf_release(&r.row);
	br_vec_release(&doc.lines);
	br_vec_release(&doc.pages);
	return rc;
}
