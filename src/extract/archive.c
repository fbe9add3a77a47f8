/*
 * ZIP archives as folders: each file in it is handed over with its name. Unpacked bytes are counted as they come; what
 * an archive says of itself is believed in nothing.
 */
#include "extract/extract.h"

#include <zip.h>

static int to_buf(void *arg, const char *p, size_t n)
{
	br_buf_add(arg, p, n);
	return 0;
}

static bool is_folder(const char *name)
{
	size_t n = strlen(name);

	return !n || name[n - 1] == '/';
}

/* Reasons that hold for the archive as a whole end it; the others for one member. */
static bool ends_it(const struct br_err *why)
{
	return why->code == BR_ETOOBIG && !strstr(why->msg, "larger than 64 MB");
}

static int bomb(const struct br_extract__zip *z, const char *name, struct br_err *err)
{
	if (z->left)
		return br_fail(err, BR_ETOOBIG,
		    "is a zip bomb: '%.100s' is more than %u times as large as its packed bytes", name,
		    BR_EXTRACT_RATIO);
	return br_fail(err, BR_ETOOBIG, "unpacks to more than %u MB", BR_MAX_UNPACKED >> 20);
}

static int one(struct br_extract__zip *z, size_t i, struct br_buf *content, const struct br_extract__emit *to,
        unsigned *locked, struct br_err *err)
{
	const char *name = br_extract__zip_name(z, i);
	struct br_err why = { 0 };
	int rc;

	if (is_folder(name))
		return 0;
	br_buf_reset(content);
	rc = br_extract__zip_unpack(z, i, to_buf, content, &why);
	if (rc < 0 && ends_it(&why))
		return bomb(z, name, err);
	if (rc == 0)
		rc = br_buf_check(content, "member", &why);
	*locked += rc == -BR_EUNSUPPORTED && strstr(why.msg, "password");
	rc = to->member(rc < 0 ? why.code : BR_OK, br_slice_str(name), rc < 0 ? br_slice_str(why.msg)
	    : br_buf_slice(content), to->arg);
	return rc < 0 ? br_fail(err, BR_EIO, "br is gone") : 1;
}

int br_extract__unzip(struct br_slice bytes, const struct br_extract__emit *to, struct br_err *err)
{
	struct br_buf content = BR_BUF_INIT(BR_MAX_MEMBER + (128u << 10));
	struct br_extract__zip z;
	unsigned files = 0, locked = 0;
	int rc = br_extract__zip_open(&z, bytes, err);

	if (rc < 0)
		return rc;
	z.left = BR_MAX_UNPACKED;
	for (size_t i = 0; i < br_extract__zip_count(&z) && rc >= 0; i++)
		if ((rc = one(&z, i, &content, to, &locked, err)) > 0)
			files++;
	if (rc >= 0)
		rc = files && files == locked ? br_fail(err, BR_EUNSUPPORTED, "is password-protected") : 0;
	br_extract__zip_close(&z);
	br_buf_release(&content);
	return rc;
}
