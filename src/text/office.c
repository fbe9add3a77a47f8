/*
 * Word, Excel and PowerPoint as they were before 2007: what catdoc, xls2csv and catppt make of them. That a file is
 * encrypted is seen in its first stream, which nearly always stands behind the header.
 */
#include "helper.h"
#include "internal.h"

#include <stdlib.h>

enum { STREAM = 512 };

static int collect(void *arg, const char *p, size_t n)
{
	br_buf_add(arg, p, n);
	return ((struct br_buf *)arg)->failed ? -(int)((struct br_buf *)arg)->failed : 0;
}

int br_text__tool_needs(const char *program, const char *package, struct br_err *err)
{
	char *path = br_tool_find(program);

	free(path);
	return path ? 0 : br_fail(err, BR_EUNSUPPORTED, "needs %s: apt install %s", program, package);
}

static bool is_encrypted(enum br_format format, struct br_slice b)
{
	static const char summary[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0S\0u\0m\0m\0a\0r\0y";
	const char *p = b.ptr + STREAM;

	if (b.len < STREAM + 64)
		return false;
	if (format == BR_FMT_DOC)
		return br_rd_le16(p) == 0xa5ec && (br_rd_le16(p + 10) & 0x100);
	if (format == BR_FMT_XLS) /* the record behind the first: FILEPASS */
		return br_rd_le16(p) == 0x809 && br_rd_le16(p + 2) < 32 &&
		    br_rd_le16(p + 4 + br_rd_le16(p + 2)) == 0x2f;
	return memmem(b.ptr, b.len, summary, sizeof summary - 1) != NULL;
}

static int run(struct br_buf *text, const char *const *argv, const char *confine, struct br_slice bytes,
        struct br_err *err)
{
	struct br_text__tool tool = { .argv = argv, .package = "catdoc", .confine = confine, .in = bytes,
	    .file = true, .sink = collect, .arg = text };
	int status = 0, rc;

	if ((rc = br_text__tool_needs(argv[0], "catdoc", err)) < 0 || (rc = br_text__tool_run(&tool, &status, err)) < 0)
		return rc;
	if (status && !text->len)
		return br_fail(err, BR_EINPUT, "damaged: %s cannot read it", argv[0]);
	return br_buf_check(text, "text", err);
}

/* Slides are separated by form feeds; each is a page. */
static int add_slides(struct br_extracted *out, struct br_slice text, struct br_err *err)
{
	uint32_t page = 1;
	int rc = 0;

	for (size_t at = 0, n; at < text.len && rc == 0; at += n + 1, page++) {
		const char *stop = memchr(text.ptr + at, '\f', text.len - at);
		struct br_extracted slide;
		size_t first = out->blocks.n;

		n = stop ? (size_t)(stop - text.ptr) - at : text.len - at;
		br_extracted_init(&slide);
		br_buf_add(&slide.text, text.ptr + at, n);
		if ((rc = br_read_plain(&slide, "", err)) == 0)
			br_text__append(out, &slide);
		for (; first < out->blocks.n; first++)
			out->blocks.v[first].page = page;
		br_extracted_release(&slide);
	}
	return rc;
}

static int as_text(struct br_extracted *out, enum br_format format, struct br_slice raw, struct br_err *err)
{
	struct br_buf utf8 = BR_BUF_INIT(BR_MAX_TEXT);
	int rc = br_decode(&utf8, out->encoding, raw, err);

	if (rc == 0 && format == BR_FMT_PPT) {
		if ((rc = add_slides(out, br_buf_slice(&utf8), err)) == 0)
			br_text__finish(out);
	} else if (rc == 0) {
		for (size_t i = 0; i < utf8.len; i++)
			if (utf8.ptr[i] == '\f') /* between sheets, and between sections */
				utf8.ptr[i] = '\n';
		br_buf_add(&out->text, utf8.ptr, utf8.len);
		out->format = format == BR_FMT_XLS ? BR_FMT_CSV : BR_FMT_PLAIN;
		rc = format == BR_FMT_XLS ? br_read_csv(out, "", err) : br_read_plain(out, "", err);
	}
	br_buf_release(&utf8);
	return rc;
}

int br_text__read_old_office(struct br_extracted *out, const char *confine, enum br_format format,
        struct br_slice bytes, struct br_err *err)
{
	static const char *const doc[] = { "catdoc", "-w", "-s", "cp1252", "-d", "utf-8", BR_TEXT__TOOL_FILE, NULL };
	static const char *const xls[] = { "xls2csv", "-s", "cp1252", "-d", "utf-8", "-q", "1", BR_TEXT__TOOL_FILE, NULL };
	static const char *const ppt[] = { "catppt", "-s", "cp1252", "-d", "utf-8", BR_TEXT__TOOL_FILE, NULL };
	struct br_buf text = BR_BUF_INIT(BR_MAX_TEXT);
	int rc;

	if (is_encrypted(format, bytes))
		return br_fail(err, BR_EUNSUPPORTED, "is password-protected");
	rc = run(&text, format == BR_FMT_DOC ? doc : format == BR_FMT_XLS ? xls : ppt, confine, bytes, err);
	if (rc == 0)
		rc = as_text(out, format, br_buf_slice(&text), err);
	br_buf_release(&text);
	return rc;
}
