/* OOXML: which of the three kinds of document a container holds is told by the place of its main part. */
#include "extract/extract.h"

#include <stdlib.h>

static const struct {
	const char *folder, *main;
	enum br_format format;
	int (*read)(struct br_extracted *, struct br_extract__zip *, const char *, struct br_err *);
} kinds[] = {
	{ "word/", "word/document.xml", BR_FMT_DOCX, br_extract__docx },
	{ "ppt/", "ppt/presentation.xml", BR_FMT_PPTX, br_extract__pptx },
	{ "xl/", "xl/workbook.xml", BR_FMT_XLSX, br_extract__xlsx },
};

static int read_kind(struct br_extracted *out, struct br_extract__zip *z, enum br_format format, const char *main,
                     struct br_err *err)
{
	for (size_t i = 0; i < BR_COUNT(kinds); i++) {
		if (*main ? strncmp(main, kinds[i].folder, strlen(kinds[i].folder)) != 0 : kinds[i].format != format)
			continue;
		out->format = kinds[i].format;
		return kinds[i].read(out, z, *main ? main : kinds[i].main, err);
	}
	for (size_t i = 0; i < BR_COUNT(kinds); i++) /* its main part is in a folder of another name */
		if (kinds[i].format == format)
			return kinds[i].read(out, z, main, err);
	return br_fail(err, BR_EUNSUPPORTED, "no Word, PowerPoint or Excel document");
}

static bool is_ole(struct br_slice b)
{
	return b.len >= 8 && !memcmp(b.ptr, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
}

int br_extract__ooxml(struct br_extracted *out, enum br_format format, struct br_slice bytes, struct br_err *err)
{
	struct br_extract__rels rels = { 0 };
	struct br_extract__zip z;
	int rc;

	if (is_ole(bytes))
		return br_fail(err, BR_EUNSUPPORTED, "is password-protected");
	if ((rc = br_extract__zip_open(&z, bytes, err)) < 0)
		return rc;
	if ((rc = br_extract__rels_read(&rels, &z, "", err)) == 0)
		rc = read_kind(out, &z, format, br_extract__rel_of_type(&rels, "officeDocument"), err);
	if (rc == -BR_ENOTFOUND)
		rc = br_fail(err, BR_EINPUT, "damaged: its main part is missing");
	br_extract__rels_release(&rels);
	br_extract__zip_close(&z);
	return rc;
}
