/* A ZIP archive of stored parts, made from memory. */
#ifndef FUZZ_ZIP_H
#define FUZZ_ZIP_H

#include "fuzz.h"

struct fuzz_part { const char *name; struct br_slice body; };

static inline uint32_t fuzz_crc(struct br_slice s)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < s.len; i++) {
		crc ^= (unsigned char)s.ptr[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
	}
	return ~crc;
}

/* What local header and directory have in common. */
static inline void fuzz_zip_fields(struct br_buf *b, const struct fuzz_part *p)
{
	br_buf_le16(b, 20);
	br_buf_le16(b, 0x800); /* names are UTF-8 */
	br_buf_le16(b, 0);
	br_buf_le32(b, 0x21u << 16);
	br_buf_le32(b, fuzz_crc(p->body));
	br_buf_le32(b, (uint32_t)p->body.len);
	br_buf_le32(b, (uint32_t)p->body.len);
	br_buf_le16(b, (uint16_t)strlen(p->name));
	br_buf_le16(b, 0);
}

static inline void fuzz_zip(struct br_buf *out, const struct fuzz_part *part, size_t n)
{
	struct br_buf dir = BR_BUF_INIT(SIZE_MAX);
	uint32_t start;

	for (size_t i = 0; i < n; i++) {
		uint32_t at = (uint32_t)out->len;
		br_buf_add(out, "PK\3\4", 4);
		fuzz_zip_fields(out, &part[i]);
		br_buf_adds(out, part[i].name);
		br_buf_add(out, part[i].body.ptr, part[i].body.len);
		br_buf_add(&dir, "PK\1\2\24\0", 6);
		fuzz_zip_fields(&dir, &part[i]);
		br_buf_addz(&dir, 10); /* comment, disk, attributes */
		br_buf_le32(&dir, at);
		br_buf_adds(&dir, part[i].name);
	}
	start = (uint32_t)out->len;
	br_buf_add(out, dir.ptr, dir.len);
	br_buf_add(out, "PK\5\6\0\0\0\0", 8);
	br_buf_le16(out, (uint16_t)n);
	br_buf_le16(out, (uint16_t)n);
	br_buf_le32(out, (uint32_t)dir.len);
	br_buf_le32(out, start);
	br_buf_le16(out, 0);
	br_buf_release(&dir);
}

#endif
