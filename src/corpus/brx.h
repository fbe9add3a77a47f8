/*
 * brx - the frame of an exported notebook: sections with lengths and checksums. Byte by byte in man/brx.5.
 * Shared by brx.c, export.c, import.c.
 */
#ifndef BR_CORPUS_BRX_H
#define BR_CORPUS_BRX_H

#include "br/base.h"
#include "br/os.h"

enum {
	BRX_VERSION = 1,
	BRX_HEADER = 16,
	BRX_SECTION = 24,               /* bytes in front of a section's payload; behind it stands BRX_SUM */
	BRX_SUM = 16,
	BRX_END = 80,                   /* payload of the last section */
	BRX_PIECE = 4 << 20,            /* originals and vectors come in pieces of this many bytes */
	BRX_ZSTD = 1,                   /* flag: the payload is a zstd frame */
};
#define BRX_MAGIC "\x89" "BRX\r\n\x1a\n"
#define BRX_TYPE(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define BRX_NOTE BRX_TYPE('N', 'O', 'T', 'E')
#define BRX_DICT BRX_TYPE('D', 'I', 'C', 'T')
#define BRX_DOCS BRX_TYPE('D', 'O', 'C', 'S')
#define BRX_CTXT BRX_TYPE('C', 'T', 'X', 'T')
#define BRX_VECS BRX_TYPE('V', 'E', 'C', 'S')
#define BRX_ORIG BRX_TYPE('O', 'R', 'I', 'G')
#define BRX_LAST BRX_TYPE('E', 'N', 'D', ' ')

struct brx_writer {
	struct br_outfile out;
	struct br_sha256 file, content;
	void *zstd;
	struct br_buf packed;           /* a section as it is written */
	uint64_t size;                  /* of the file, once finished */
};
int brx_create(struct brx_writer *w, const char *path, const char *tmp_dir, struct br_err *err);
int brx_write(struct brx_writer *w, uint32_t type, bool pack, struct br_slice payload, struct br_err *err);
/* The last section; content is the hash that stands in it. Then the file is put in place. */
int brx_finish(struct brx_writer *w, uint64_t docs, uint64_t chunks, uint8_t content[32], struct br_err *err);
void brx_discard(struct brx_writer *w); /* after brx_finish: nothing left to do */

struct brx_reader {
	struct br_infile in;
	struct br_sha256 file, content;
	void *zstd;
	struct br_buf packed;
	uint32_t type;                  /* of the section that was read */
	uint64_t at;                    /* where it begins */
};
int brx_open(struct brx_reader *r, const char *path, struct br_err *err);
/* The next section that matters, whole and with the right checksum, its payload unpacked into out (which is emptied first). */
int brx_read(struct br_buf *out, struct brx_reader *r, struct br_err *err);
/* Checks the payload of the last section and that nothing stands behind it. */
int brx_check_end(struct brx_reader *r, struct br_slice payload, uint64_t docs, uint64_t chunks, uint8_t content[32], struct br_err *err);
/* INPUT "'FILE' is damaged at byte N: what" of the section that was read. */
int brx_damaged(const struct brx_reader *r, struct br_err *err, const char *what);
void brx_close(struct brx_reader *r);

#endif
