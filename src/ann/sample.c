/*
 * The tail of an index file: the rows that entries stand for, where FAISS numbers them as they come, and an evenly spaced sample
 * of rows, from which the mean and spread of a question's cosines are estimated. Layout: man/br-index.5, VECTOR INDEXES.
 */
#include "internal.h"

#include "br/os.h"

#include <stdlib.h>
#include <unistd.h>

#define ALIGN 64u
static const char MAGIC[8] = "BRTAIL1";
#define HEAD 32u

bool br_ann__numbered(enum br_ann_kind kind)
{
	return kind == BR_ANN_flat || kind == BR_ANN_sq8 || kind == BR_ANN_hnsw;
}

static uint64_t aligned(uint64_t n)
{
	return (n + ALIGN - 1) / ALIGN * ALIGN;
}

static int row_of(struct br_ann_block *b, uint32_t *have, uint32_t *at, const struct br_ann_source *src, uint32_t row, struct br_err *err)
{
	uint32_t block = row / src->per_block;
	int rc;

	*at = row % src->per_block;
	if (block == *have)
		return 0;
	if ((rc = src->block(b, block, src->arg, err)) < 0)
		return rc;
	*have = block;
	return b->code && *at < b->n ? 0 : br_fail(err, BR_ECORRUPT, "vector %u has gone", row);
}

/* Row numbers, scales, codes of the sample. */
static int add_sample(struct br_buf *out, const struct br_ann_source *src, const uint32_t *row, uint32_t n, uint32_t sample, struct br_err *err)
{
	struct br_ann_block b = { 0 };
	struct br_buf codes = BR_BUF_INIT((size_t)BR_ANN__SAMPLE * BR_ANN_MAX_DIM);
	uint32_t have = UINT32_MAX, at;
	int rc = 0;

	for (uint32_t i = 0; i < sample; i++)
		br_buf_le32(out, row[(uint64_t)i * n / sample]);
	for (uint32_t i = 0; i < sample && rc == 0; i++) {
		if ((rc = row_of(&b, &have, &at, src, row[(uint64_t)i * n / sample], err)) < 0)
			break;
		br_buf_add(out, b.scale + 4 * (size_t)at, 4);
		br_buf_add(&codes, b.code + (size_t)at * src->dim, src->dim);
	}
	br_buf_add(out, codes.ptr, codes.len);
	if (rc == 0)
		rc = br_buf_check(&codes, "sample of the vectors", err);
	br_buf_release(&codes);
	return rc;
}

int br_ann__tail_write(int fd, uint64_t at, const struct br_ann_source *src, const uint32_t *row, uint32_t n, bool with_map, struct br_err *err)
{
	uint32_t sample = BR_MIN(n, BR_ANN__SAMPLE);
	struct br_buf b = BR_BUF_INIT(SIZE_MAX / 2);
	int rc;

	br_buf_addz(&b, (size_t)(aligned(at) - at));
	br_buf_add(&b, MAGIC, sizeof MAGIC);
	br_buf_le32(&b, src->dim);
	br_buf_le32(&b, with_map ? n : 0);
	br_buf_le32(&b, sample);
	br_buf_addz(&b, HEAD - 20);
	if (with_map)
		br_buf_add(&b, row, 4 * (size_t)n);
	if ((rc = add_sample(&b, src, row, n, sample, err)) == 0 && (rc = br_buf_check(&b, "tail of the index", err)) == 0 &&
	    br_fd_write(fd, b.ptr, b.len) < 0)
		rc = br_fail_errno(err, BR_EIO, "cannot write the index");
	br_buf_release(&b);
	return rc;
}

int br_ann__tail_read(struct br_ann__tail *out, struct br_slice file, const struct br_ann_file *f, struct br_err *err)
{
	uint64_t at = aligned(f->faiss_bytes), map = br_ann__numbered(f->kind) ? f->vectors : 0;
	uint32_t n = BR_MIN(f->vectors, BR_ANN__SAMPLE);
	struct br_rd r;

	if (f->faiss_bytes > file.len || at + HEAD > file.len || file.len - at != HEAD + 4 * map + (uint64_t)n * (8 + f->dim))
		return br_fail(err, BR_ECORRUPT, "index file has a wrong length");
	r = br_rd(br_slice(file.ptr + at, HEAD));
	if (memcmp(br_rd_bytes(&r, sizeof MAGIC).ptr, MAGIC, sizeof MAGIC) || br_rd_u32(&r) != f->dim || br_rd_u32(&r) != map || br_rd_u32(&r) != n)
		return br_fail(err, BR_ECORRUPT, "index file has a damaged tail");
	/* aligned: the file is mapped at a page, `at` is a multiple of 64 */
	out->map = map ? (const uint32_t *)(const void *)(file.ptr + at + HEAD) : NULL;
	out->row = (const uint32_t *)(const void *)(file.ptr + at + HEAD + 4 * map);
	out->rows = (struct br_ann_block){ .scale = (const char *)(out->row + n), .code = (const int8_t *)(out->row + 2 * (size_t)n), .n = n };
	return 0;
}
