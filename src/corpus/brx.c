/*
 * The frame of an exported notebook: sections one behind the other, each with type, lengths and a checksum of all its bytes; the last
 * one holds hashes of the whole. Writer and reader stand beside each other; the layout is that of man/brx.5.
 */
#include "brx.h"

#include <stdlib.h>
#include <zstd.h>

enum { LEVEL = 6, ANCILLARY = 0x20 }; /* a lower-case first letter: may be passed over by who does not know it */

/* ---- writing ---- */

static int put(struct brx_writer *w, struct br_slice bytes, struct br_err *err)
{
	br_sha256_add(&w->file, bytes.ptr, bytes.len);
	return br_outfile_write(&w->out, bytes.ptr, bytes.len, err);
}

int brx_create(struct brx_writer *w, const char *path, const char *tmp_dir, struct br_err *err)
{
	struct br_buf head = BR_BUF_INIT(BRX_HEADER);
	int rc;

	*w = (struct brx_writer){ 0 };
	br_buf_init(&w->packed, 2 * (size_t)BR_MAX_BRX_SECTION);
	w->zstd = br_must(ZSTD_createCCtx());
	ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL);
	br_sha256_init(&w->file);
	br_sha256_init(&w->content);
	br_buf_add(&head, BRX_MAGIC, 8);
	br_buf_le32(&head, BRX_VERSION);
	br_buf_le32(&head, 0);
	if ((rc = br_outfile_open(&w->out, path, tmp_dir, 0666, err)) == 0)
		rc = put(w, br_buf_slice(&head), err);
	br_buf_release(&head);
	return rc;
}

static void begin(struct br_buf *b, uint32_t type, uint32_t flags, uint64_t stored, uint64_t raw)
{
	br_buf_le32(b, type);
	br_buf_le32(b, flags);
	br_buf_le64(b, stored);
	br_buf_le64(b, raw);
}

static void add_sum(struct br_buf *b)
{
	uint8_t sum[BRX_SUM];

	br_hash128(sum, b->ptr, b->len);
	br_buf_add(b, sum, sizeof sum);
}

/* What a section holds, whatever packed it. */
static void add_content(struct br_sha256 *c, uint32_t type, struct br_slice payload)
{
	char head[12];

	memcpy(head, &type, 4);
	memcpy(head + 4, &(uint64_t){ payload.len }, 8);
	br_sha256_add(c, head, sizeof head);
	br_sha256_add(c, payload.ptr, payload.len);
}

static int pack(struct brx_writer *w, struct br_slice payload, struct br_err *err)
{
	size_t bound = ZSTD_compressBound(payload.len), n;

	br_buf_addz(&w->packed, BRX_SECTION);
	if (!br_buf_reserve(&w->packed, bound))
		return br_buf_check(&w->packed, "section of an export", err);
	n = ZSTD_compress2(w->zstd, w->packed.ptr + BRX_SECTION, bound, payload.ptr, payload.len);
	if (ZSTD_isError(n))
		return br_fail(err, BR_EBUG, "compressing a section: %s", ZSTD_getErrorName(n));
	w->packed.len += n;
	return 0;
}

int brx_write(struct brx_writer *w, uint32_t type, bool pack_it, struct br_slice payload, struct br_err *err)
{
	struct br_buf head = BR_BUF_INIT(BRX_SECTION);
	int rc = 0;

	br_buf_reset(&w->packed);
	if (pack_it)
		rc = pack(w, payload, err);
	else {
		br_buf_addz(&w->packed, BRX_SECTION);
		br_buf_add(&w->packed, payload.ptr, payload.len);
	}
	if (rc == 0 && (rc = br_buf_check(&w->packed, "section of an export", err)) == 0) {
		begin(&head, type, pack_it ? BRX_ZSTD : 0, w->packed.len - BRX_SECTION, payload.len);
		memcpy(w->packed.ptr, head.ptr, BRX_SECTION);
		add_sum(&w->packed);
		if (type != BRX_LAST && !(type & ANCILLARY))
			add_content(&w->content, type, payload);
		rc = put(w, br_buf_slice(&w->packed), err);
	}
	br_buf_release(&head);
	return rc;
}

int brx_finish(struct brx_writer *w, uint64_t docs, uint64_t chunks, uint8_t content[32], struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BRX_END);
	uint8_t file[32];
	int rc;

	br_sha256_end(content, &w->content);
	br_sha256_end(file, &w->file);
	br_buf_le64(&b, docs);
	br_buf_le64(&b, chunks);
	br_buf_add(&b, content, 32);
	br_buf_add(&b, file, 32);
	if ((rc = brx_write(w, BRX_LAST, false, br_buf_slice(&b), err)) == 0) {
		w->size = w->out.size;
		rc = br_outfile_commit(&w->out, err);
	}
	br_buf_release(&b);
	return rc;
}

void brx_discard(struct brx_writer *w)
{
	br_outfile_abort(&w->out);
	ZSTD_freeCCtx(w->zstd);
	br_buf_release(&w->packed);
	w->zstd = NULL;
}

/* ---- reading ---- */

int brx_damaged(const struct brx_reader *r, struct br_err *err, const char *what)
{
	return br_fail(err, BR_EINPUT, "'%s' is damaged: section at byte %llu: %s", r->in.name, (unsigned long long)r->at, what);
}

static int check_header(struct brx_reader *r, const char head[BRX_HEADER], size_t got, struct br_err *err)
{
	if (got < BRX_HEADER || memcmp(head, BRX_MAGIC, 8))
		return br_fail(err, BR_EINPUT, "'%s' is not an exported notebook", r->in.name);
	if (br_rd_le32(head + 8) > BRX_VERSION)
		return br_fail(err, BR_EVERSION, "'%s' has version %u of the format, this br knows %d", r->in.name, br_rd_le32(head + 8), BRX_VERSION);
	if (br_rd_le32(head + 8) != BRX_VERSION || br_rd_le32(head + 12))
		return br_fail(err, BR_EINPUT, "'%s' is damaged: its header", r->in.name);
	br_sha256_add(&r->file, head, BRX_HEADER);
	return 0;
}

int brx_open(struct brx_reader *r, const char *path, struct br_err *err)
{
	char head[BRX_HEADER];
	size_t got;
	int rc;

	*r = (struct brx_reader){ 0 };
	br_buf_init(&r->packed, 2 * (size_t)BR_MAX_BRX_SECTION);
	r->zstd = br_must(ZSTD_createDCtx());
	br_sha256_init(&r->file);
	br_sha256_init(&r->content);
	if ((rc = br_infile_open(&r->in, path, err)) < 0 || (rc = br_infile_read(&got, &r->in, head, sizeof head, err)) < 0)
		return rc;
	return check_header(r, head, got, err);
}

/* n bytes more into r->packed, in steps: a length that lies does not cost memory. */
static int need(struct brx_reader *r, uint64_t n, struct br_err *err)
{
	while (n) {
		size_t step = (size_t)BR_MIN(n, (uint64_t)BRX_PIECE), got;
		int rc;
		if (!br_buf_reserve(&r->packed, step))
			return br_buf_check(&r->packed, "section of an export", err);
		if ((rc = br_infile_read(&got, &r->in, r->packed.ptr + r->packed.len, step, err)) < 0)
			return rc;
		if (got < step)
			return brx_damaged(r, err, "the file ends within it");
		r->packed.len += step;
		n -= step;
	}
	return 0;
}

static int unpack(struct br_buf *out, struct brx_reader *r, uint32_t flags, uint64_t raw, struct br_err *err)
{
	const char *p = r->packed.ptr + BRX_SECTION;
	size_t stored = r->packed.len - BRX_SECTION, n;

	if (flags & ~(uint32_t)BRX_ZSTD)
		return brx_damaged(r, err, "unknown flags");
	if (!br_buf_reserve(out, (size_t)raw + 1))
		return br_buf_check(out, "section of an export", err);
	if (!(flags & BRX_ZSTD)) {
		if (stored != raw)
			return brx_damaged(r, err, "its length");
		br_buf_add(out, p, stored);
		return 0;
	}
	if (ZSTD_findFrameCompressedSize(p, stored) != stored)
		return brx_damaged(r, err, "not one whole zstd frame");
	n = ZSTD_decompressDCtx(r->zstd, out->ptr, (size_t)raw, p, stored);
	if (ZSTD_isError(n) || n != raw)
		return brx_damaged(r, err, "it cannot be unpacked");
	out->len = n;
	out->ptr[n] = 0;
	return 0;
}

/* One section, its header and checksum included, into r->packed (without the checksum). */
static int read_section(uint32_t *flags, uint64_t *raw, struct brx_reader *r, struct br_err *err)
{
	uint8_t sum[BRX_SUM], want[BRX_SUM];
	uint64_t stored;
	size_t got;
	int rc;

	r->at = r->in.at;
	br_buf_reset(&r->packed);
	if ((rc = need(r, BRX_SECTION, err)) < 0)
		return rc;
	r->type = br_rd_le32(r->packed.ptr);
	*flags = br_rd_le32(r->packed.ptr + 4);
	stored = br_rd_le64(r->packed.ptr + 8);
	*raw = br_rd_le64(r->packed.ptr + 16);
	if (*raw > BR_MAX_BRX_SECTION || stored > ZSTD_compressBound((size_t)*raw))
		return brx_damaged(r, err, "longer than a section may be");
	if ((rc = need(r, stored, err)) < 0 || (rc = br_infile_read(&got, &r->in, want, sizeof want, err)) < 0)
		return rc;
	br_hash128(sum, r->packed.ptr, r->packed.len);
	if (got < sizeof want || memcmp(sum, want, sizeof sum))
		return brx_damaged(r, err, "it does not have its checksum");
	if (r->type != BRX_LAST) {
		br_sha256_add(&r->file, r->packed.ptr, r->packed.len);
		br_sha256_add(&r->file, want, sizeof want);
	}
	return 0;
}

int brx_read(struct br_buf *out, struct brx_reader *r, struct br_err *err)
{
	uint32_t flags;
	uint64_t raw;
	int rc;

	do {
		if ((rc = read_section(&flags, &raw, r, err)) < 0)
			return rc;
	} while (r->type & ANCILLARY);
	br_buf_reset(out);
	if ((rc = unpack(out, r, flags, raw, err)) == 0 && r->type != BRX_LAST)
		add_content(&r->content, r->type, br_buf_slice(out));
	return rc;
}

int brx_check_end(struct brx_reader *r, struct br_slice payload, uint64_t docs, uint64_t chunks, uint8_t content[32], struct br_err *err)
{
	uint8_t file[32];
	size_t more;
	char c;
	int rc;

	br_sha256_end(content, &r->content);
	br_sha256_end(file, &r->file);
	if (payload.len != BRX_END || memcmp(payload.ptr + 16, content, 32) || memcmp(payload.ptr + 48, file, 32))
		return brx_damaged(r, err, "the file does not have its checksum");
	if (br_rd_le64(payload.ptr) != docs || br_rd_le64(payload.ptr + 8) != chunks)
		return brx_damaged(r, err, "other numbers of documents or passages than are in the file");
	if ((rc = br_infile_read(&more, &r->in, &c, 1, err)) < 0)
		return rc;
	return more ? brx_damaged(r, err, "something stands behind the last section") : 0;
}

void brx_close(struct brx_reader *r)
{
	br_infile_close(&r->in);
	ZSTD_freeDCtx(r->zstd);
	br_buf_release(&r->packed);
	r->zstd = NULL;
}
