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
	[BR_FMT_HTML] = { NULL, true },
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
	char encoding[24];
	int rc;

	if ((rc = br_text__decode_html(&x->utf8, encoding, src->bytes, err)) < 0 ||
	    (rc = br_text__helper_ask(out, &x->helper, format, br_buf_slice(&x->utf8), err)) < 0)
		return rc;
	out->format = format;
	memcpy(out->encoding, encoding, sizeof encoding);
	return 0;
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
	rc = formats[format].read ? read_here(out, src, format, err) : read_by_child(out, x, src, format, err);
	if (rc == 0)
		set_lang(out, src->lang);
	else
		br_extracted_reset(out);
	/* Keeping the room of an unusual document would multiply by the number of threads. */
	if (x->utf8.cap > 16u << 20)
		br_buf_release(&x->utf8);
	return rc;
}
