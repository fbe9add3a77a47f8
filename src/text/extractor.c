/*
 * br_extract: sniffs, decodes and reads. Text-like formats are read here by the table below; what a foreign library
 * parses goes to the br-extract child.
 */
#include "helper.h"

#include <stdio.h>
#include <stdlib.h>

struct br_extractor {
	struct br_text__helper helper;
	struct br_buf utf8; /* a document on its way to the child */
};

/* How a format is read. No reader: the child. No words: data and programs, whose language is not guessed. */
static const struct {
	br_reader_fn *read;
	bool words;
	bool text;  /* for the child: decoded to UTF-8 first */
} formats[BR_FMT_COUNT] = {
	[BR_FMT_PLAIN] = { br_read_plain, true },
	[BR_FMT_MARKDOWN] = { br_read_markdown, true },
	[BR_FMT_RST] = { br_read_rst, true },
	[BR_FMT_ASCIIDOC] = { br_read_asciidoc, true },
	[BR_FMT_CODE] = { br_read_code, false },
	[BR_FMT_CSV] = { br_read_csv, false },
	[BR_FMT_TSV] = { br_read_csv, false },
	[BR_FMT_JSON] = { br_read_json, false },
	[BR_FMT_NDJSON] = { br_read_json, false },
	[BR_FMT_HTML] = { NULL, true, true },
	[BR_FMT_PDF ... BR_FMT_MBOX] = { NULL, true, false },
	[BR_FMT_XML] = { NULL, true, true },
	[BR_FMT_RTF] = { NULL, true, false },
	[BR_FMT_IPYNB] = { br_read_ipynb, true },
	[BR_FMT_SUBTITLES] = { br_read_subtitles, true },
	[BR_FMT_DOC ... BR_FMT_TAR] = { NULL, true, false },
};

struct br_extractor *br_extractor_new(const char *helper)
{
	struct br_extractor *x = br_alloc(sizeof *x);

	x->helper.path = br_strdup(helper);
	br_buf_init(&x->helper.reply, BR_PROTO_MAX);
	br_buf_init(&x->utf8, BR_MAX_FILE + BR_MAX_FILE / 2);
	return x;
}

void br_extractor_free(struct br_extractor *x)
{
	if (!x)
		return;
	br_text__helper_release(&x->helper);
	br_buf_release(&x->utf8);
	free(x);
}

static int which_format(enum br_format *out, const struct br_source *src, struct br_err *err)
{
	const char *why = NULL;

	*out = src->format;
	if (*out == BR_FMT_UNKNOWN)
		*out = br_sniff(src->name, src->bytes, &why);
	if (*out > BR_FMT_UNKNOWN && *out < BR_FMT_COUNT)
		return 0;
	return br_fail(err, BR_EUNSUPPORTED, "%s", why ? why : "not text");
}

static int read_here(struct br_extracted *out, const struct br_source *src, enum br_format format, struct br_err *err)
{
	int rc = br_decode(&out->text, out->encoding, src->bytes, err);

	out->format = format;
	return rc < 0 ? rc : formats[format].read(out, src->name, err);
}

static int read_by_child(struct br_extracted *out, struct br_extractor *x, const struct br_source *src, enum br_format format,
                         struct br_err *err)
{
	struct br_slice bytes = src->bytes;
	char encoding[24] = "";
	int rc;

	if (formats[format].text) {
		rc = format == BR_FMT_XML ? br_text__decode_xml(&x->utf8, encoding, bytes, err) : br_text__decode_html(&x->utf8, encoding, bytes, err);
		if (rc < 0)
			return rc;
		bytes = br_buf_slice(&x->utf8);
	}
	if ((rc = br_text__helper_ask(out, &x->helper, format, bytes, err)) < 0)
		return rc;
	if (encoding[0])
		memcpy(out->encoding, encoding, sizeof encoding);
	return 0;
}

/* br-confine stands beside br-extract. */
static char *find_confine(const struct br_extractor *x)
{
	char *folder = x->helper.path ? br_path_join(x->helper.path, "..") : NULL, *confine = folder ? br_path_join(folder, "br-confine") : NULL;

	free(folder);
	return confine;
}

static int read_pdf(struct br_extracted *out, const char *confine, const struct br_source *src, struct br_err *err)
{
	struct br_err why = { 0 };
	int rc = br_text__pdf(out, confine, src->bytes, &why);

	if (rc == -BR_EUNSUPPORTED && src->ocr && strstr(why.msg, "--ocr"))
		return br_text__ocr_pdf(out, confine, src->ocr, src->bytes, err);
	return rc < 0 ? br_fail(err, why.code, "%s", why.msg) : 0;
}

/* By programs of others. */
static int read_by_tool(struct br_extracted *out, struct br_extractor *x, const struct br_source *src, enum br_format format, struct br_err *err)
{
	char *confine = find_confine(x);
	int rc;

	if (format == BR_FMT_PDF)
		rc = read_pdf(out, confine, src, err);
	else if (format != BR_FMT_IMAGE)
		rc = br_text__read_old_office(out, confine, format, src->bytes, err);
	else if (src->ocr)
		rc = br_text__ocr_image(out, confine, src->ocr, src->bytes, err);
	else
		rc = br_fail(err, BR_EUNSUPPORTED, "is an image: use --ocr to read its text");
	free(confine);
	return rc;
}

/* What neither a reader of decoded text nor the child alone can do. */
static int read_one(struct br_extracted *out, struct br_extractor *x, const struct br_source *src, enum br_format format, struct br_err *err)
{
	int rc;

	if (formats[format].read)
		return read_here(out, src, format, err);
	switch (format) {
	case BR_FMT_MAIL: rc = br_text__read_mail(out, &x->helper, src->bytes, err); break;
	case BR_FMT_RTF: rc = br_text__read_rtf(out, src->bytes, err); break;
	case BR_FMT_PDF: case BR_FMT_DOC: case BR_FMT_XLS: case BR_FMT_PPT: case BR_FMT_IMAGE:
		rc = read_by_tool(out, x, src, format, err);
		break;
	case BR_FMT_MBOX: case BR_FMT_ZIP: case BR_FMT_TAR:
		return br_fail(err, BR_EUNSUPPORTED, "is a container of documents, not a document");
	default: return read_by_child(out, x, src, format, err);
	}
	out->format = format;
	return rc;
}

static void set_lang(struct br_extracted *out, const char *given)
{
	if (given)
		snprintf(out->lang, sizeof out->lang, "%s", given);
	else if (!formats[out->format].words)
		out->lang[0] = 0;
	else if (!out->lang[0])
		snprintf(out->lang, sizeof out->lang, "%s", br_guess_lang(br_buf_slice(&out->text)));
}

int br_extract(struct br_extracted *out, struct br_extractor *x, const struct br_source *src, struct br_err *err)
{
	enum br_format format;
	int rc;

	br_extracted_reset(out);
	if (src->bytes.len > BR_MAX_FILE)
		return br_fail(err, BR_ETOOBIG, "larger than %u MB", BR_MAX_FILE >> 20);
	if ((rc = which_format(&format, src, err)) < 0)
		return rc;
	rc = read_one(out, x, src, format, err);
	if (rc == 0)
		set_lang(out, src->lang);
	else
		br_extracted_reset(out);
	/* Keeping the room of an unusual document would multiply by the number of threads. */
	if (x->utf8.cap > 16u << 20)
		br_buf_release(&x->utf8);
	return rc;
}
