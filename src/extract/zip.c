/*
 * ZIP containers by libzip, from memory. What headers say of sizes is not believed: bytes are counted as they come out,
 * against the limits for a part, for the document, and for how much a part may grow.
 */
#include "extract/extract.h"

#include <stdlib.h>

#include <zip.h>

enum { PIECE = 64 << 10, SMALL = 1 << 20 /* bytes up to which any ratio is fine */ };

/* ---- open ---- */

static int damaged(int code, struct br_err *err)
{
	zip_error_t e;
	int rc;

	if (code == ZIP_ER_NOZIP)
		return br_fail(err, BR_EINPUT, "damaged: the file is cut off, or no ZIP container");
	zip_error_init_with_code(&e, code);
	rc = br_fail(err, code == ZIP_ER_MEMORY ? BR_ENOMEM : BR_EINPUT, "damaged container: %s", zip_error_strerror(&e));
	zip_error_fini(&e);
	return rc;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of two parts of one name readers take different ones: what one sees and what is indexed could differ. */
static int refuse_duplicates(const struct br_extract__zip *z, struct br_err *err)
{
	size_t n = br_extract__zip_count(z);
	const char **names = br_allocn(n + 1, sizeof *names);
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		names[i] = br_extract__zip_name(z, i);
	qsort(names, n, sizeof *names, by_text);
	for (size_t i = 1; i < n && rc == 0; i++)
		if (names[i][0] && !strcmp(names[i - 1], names[i]))
			rc = br_fail(err, BR_EINPUT, "damaged container: two parts are named '%.100s'", names[i]);
	free(names);
	return rc;
}

int br_extract__zip_open(struct br_extract__zip *z, struct br_slice bytes, struct br_err *err)
{
	zip_error_t e;
	zip_source_t *src;
	int rc;

	*z = (struct br_extract__zip){ .bytes = bytes.len, .left = BR_EXTRACT_UNPACKED };
	zip_error_init(&e);
	src = zip_source_buffer_create(bytes.ptr, bytes.len, 0, &e);
	z->z = src ? zip_open_from_source(src, ZIP_RDONLY, &e) : NULL;
	rc = z->z ? 0 : damaged(zip_error_code_zip(&e), err);
	if (src && !z->z)
		zip_source_free(src);
	zip_error_fini(&e);
	if (rc == 0 && br_extract__zip_count(z) > BR_EXTRACT_PARTS)
		rc = br_fail(err, BR_ETOOBIG, "more than %u parts in the container", BR_EXTRACT_PARTS);
	if (rc == 0)
		rc = refuse_duplicates(z, err);
	if (rc < 0)
		br_extract__zip_close(z);
	return rc;
}

void br_extract__zip_close(struct br_extract__zip *z)
{
	if (z->z)
		zip_discard(z->z);
	z->z = NULL;
}

size_t br_extract__zip_count(const struct br_extract__zip *z)
{
	zip_int64_t n = zip_get_num_entries(z->z, 0);

	return n > 0 ? (size_t)n : 0;
}

const char *br_extract__zip_name(const struct br_extract__zip *z, size_t part)
{
	const char *name = zip_get_name(z->z, part, 0);

	return name ? name : "";
}

int64_t br_extract__zip_find(const struct br_extract__zip *z, const char *name)
{
	int64_t at = zip_name_locate(z->z, name, 0);

	return at >= 0 ? at : zip_name_locate(z->z, name, ZIP_FL_NOCASE);
}

/* ---- unpack ---- */

static int grown(struct br_extract__zip *z, const char *name, uint64_t n, uint64_t packed, struct br_err *err)
{
	if (n > BR_EXTRACT_PART)
		return br_fail(err, BR_ETOOBIG, "its part '%.100s' is larger than %u MB", name, BR_EXTRACT_PART >> 20);
	if (n > SMALL && n / BR_EXTRACT_RATIO > packed)
		return br_fail(err, BR_ETOOBIG, "its part '%.100s' grows more than %u times when unpacked", name, BR_EXTRACT_RATIO);
	if (!z->left)
		return br_fail(err, BR_ETOOBIG, "its parts are larger than %u MB together", BR_EXTRACT_UNPACKED >> 20);
	return 0;
}

static int pump(struct br_extract__zip *z, zip_file_t *f, const zip_stat_t *st, br_extract__sink *sink, void *arg,
                struct br_err *err)
{
	uint64_t n = 0, packed = BR_MIN(st->comp_size, z->bytes);
	char *piece = br_alloc(PIECE);
	int rc = 0;

	while (rc == 0) {
		zip_int64_t got = zip_fread(f, piece, PIECE);
		if (got < 0)
			rc = br_fail(err, BR_EINPUT, "its part '%.100s' is damaged: %s", st->name, zip_file_strerror(f));
		if (got <= 0)
			break;
		n += (uint64_t)got;
		z->left -= BR_MIN((uint64_t)got, z->left);
		if ((rc = grown(z, st->name, n, packed, err)) == 0)
			rc = sink(arg, piece, (size_t)got);
	}
	free(piece);
	return rc;
}

int br_extract__zip_unpack(struct br_extract__zip *z, size_t part, br_extract__sink *sink, void *arg,
                           struct br_err *err)
{
	zip_stat_t st;
	zip_file_t *f;
	int rc;

	if (zip_stat_index(z->z, part, 0, &st) < 0 || !(st.valid & ZIP_STAT_NAME) || !(st.valid & ZIP_STAT_COMP_SIZE))
		return br_fail(err, BR_EINPUT, "damaged container: part %zu: %s", part, zip_strerror(z->z));
	if (st.valid & ZIP_STAT_ENCRYPTION_METHOD && st.encryption_method != ZIP_EM_NONE)
		return br_fail(err, BR_EUNSUPPORTED, "is password-protected");
	if (!(f = zip_fopen_index(z->z, part, 0)))
		return br_fail(err, zip_error_code_zip(zip_get_error(z->z)) == ZIP_ER_COMPNOTSUPP ? BR_EUNSUPPORTED : BR_EINPUT,
		               "its part '%.100s' cannot be unpacked: %s", st.name, zip_strerror(z->z));
	rc = pump(z, f, &st, sink, arg, err);
	zip_fclose(f);
	return rc;
}

static int to_buf(void *arg, const char *p, size_t n)
{
	br_buf_add(arg, p, n);
	return 0;
}

int br_extract__zip_read(struct br_buf *out, struct br_extract__zip *z, const char *name, struct br_err *err)
{
	int64_t part = br_extract__zip_find(z, name);
	int rc;

	if (part < 0)
		return br_fail(err, BR_ENOTFOUND, "its part '%.100s' is missing", name);
	rc = br_extract__zip_unpack(z, (size_t)part, to_buf, out, err);
	return rc < 0 ? rc : br_buf_check(out, name, err);
}
