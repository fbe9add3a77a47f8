/*
 * Text of pictures by tesseract, and of scanned PDF by pdftoppm, a page at a time, and tesseract. Only on demand: a
 * page takes seconds.
 */
#include "helper.h"
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGE_BYTES = 128 << 20, NO_SUCH_PAGE = 99 /* exit status of pdftoppm behind the last page */ };

static int collect(void *arg, const char *p, size_t n)
{
	br_buf_add(arg, p, n);
	return ((struct br_buf *)arg)->failed ? -(int)((struct br_buf *)arg)->failed : 0;
}

static bool is_language(const char *s)
{
	return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+") == strlen(s);
}

static int recognise(struct br_buf *text, const char *confine, const char *lang, struct br_slice picture,
        struct br_err *err)
{
	static const char *const env[] = { "OMP_THREAD_LIMIT=1", NULL }; /* br has threads of its own */
	const char *const argv[] = { "tesseract", "stdin", "stdout", "-l", lang, NULL };
	struct br_text__tool tool = { .argv = argv, .package = "tesseract-ocr", .env = env, .confine = confine,
	    .in = picture, .sink = collect, .arg = text };
	int status = 0, rc;

	if (!is_language(lang))
		return br_fail(err, BR_EUNSUPPORTED,
		    "needs another extract.ocr_language: '%.50s' is no name of tesseract's", lang);
	if ((rc = br_text__tool_needs("tesseract", "tesseract-ocr", err)) < 0)
		return rc;
	if ((rc = br_text__tool_run(&tool, &status, err)) < 0)
		return rc;
	return status ? br_fail(err, BR_EINPUT,
	    "tesseract cannot read it (status %d; is the language '%.50s' installed?)", status, lang) : 0;
}

/* One page of recognised text behind what is there. */
static int add_page(struct br_extracted *out, struct br_slice raw, uint32_t page, struct br_err *err)
{
	struct br_extracted part;
	size_t first = out->blocks.n;
	char encoding[24];
	int rc;

	br_extracted_init(&part);
	rc = br_decode(&part.text, encoding, raw, err);
	for (size_t i = 0; i < part.text.len; i++)
		if (part.text.ptr[i] == '\f')
			part.text.ptr[i] = '\n';
	if (rc == 0 && (rc = br_read_plain(&part, "", err)) == 0)
		br_text__append(out, &part);
	for (; first < out->blocks.n; first++)
		out->blocks.v[first].page = page;
	br_extracted_release(&part);
	return rc;
}

static int finish(struct br_extracted *out, const char *what, struct br_err *err)
{
	if (!out->blocks.n)
		return br_fail(err, BR_EUNSUPPORTED, "is %s in which no text was found", what);
	free(out->title); /* the first line of a page is no title */
	out->title = NULL;
	strcpy(out->encoding, "UTF-8");
	br_text__finish(out);
	return 0;
}

int br_text__ocr_image(struct br_extracted *out, const char *confine, const char *lang, struct br_slice bytes,
        struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_TEXT);
	int rc = recognise(&text, confine, lang, bytes, err);

	if (rc == 0)
		rc = add_page(out, br_buf_slice(&text), 0, err);
	br_buf_release(&text);
	return rc < 0 ? rc : finish(out, "an image", err);
}

/* 1: its picture is in png; 0: there is no such page. */
static int draw(struct br_buf *png, const char *confine, struct br_slice pdf, unsigned page, struct br_err *err)
{
	char number[12];
	const char *const argv[] = { "pdftoppm", "-r", "200", "-gray", "-png", "-f", number, "-l", number, "-", NULL };
	struct br_text__tool tool = { .argv = argv, .package = "poppler-utils", .confine = confine, .in = pdf,
	    .sink = collect, .arg = png };
	int status = 0, rc;

	snprintf(number, sizeof number, "%u", page);
	br_buf_reset(png);
	if ((rc = br_text__tool_run(&tool, &status, err)) < 0)
		return rc;
	if (page > 1 && (status == NO_SUCH_PAGE || !png->len))
		return 0;
	return png->len ? 1 : br_fail(err, BR_EINPUT, "damaged: pdftoppm cannot draw page %u", page);
}

int br_text__ocr_pdf(struct br_extracted *out, const char *confine, const char *lang, struct br_slice bytes,
        struct br_err *err)
{
	struct br_buf png = BR_BUF_INIT(PAGE_BYTES), text = BR_BUF_INIT(BR_MAX_TEXT);
	int64_t until = br_mono_ns() + BR_MAX_OCR_SECONDS * INT64_C(1000000000);
	int rc = 1;

	for (unsigned page = 1; page <= BR_MAX_OCR_PAGES && rc > 0 && br_mono_ns() < until; page++) {
		br_buf_reset(&text);
		if ((rc = draw(&png, confine, bytes, page, err)) <= 0)
			break;
		if ((rc = recognise(&text, confine, lang, br_buf_slice(&png), err)) == 0 && (rc = add_page(out,
		    br_buf_slice(&text), page, err)) == 0)
			rc = 1;
	}
	br_buf_release(&png);
	br_buf_release(&text);
	return rc < 0 ? rc : finish(out, "a scan", err);
}
