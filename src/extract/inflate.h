/* extract, inside: a stream of bytes that may be compressed by gzip, zstd or xz. */
#ifndef BR_EXTRACT_INFLATE_H
#define BR_EXTRACT_INFLATE_H

#include "extract/extract.h"

struct br_extract__inflate;
/* *packed: it is compressed; else the bytes come as they are. */
BR_MUST_USE int br_extract__inflate_open(struct br_extract__inflate **out, struct br_slice bytes, bool *packed, struct br_err *err);
/* Up to n bytes, 0 at the end. INPUT: damaged; TOOBIG: more than BR_MAX_UNPACKED, or grown too much to be honest. */
BR_MUST_USE int64_t br_extract__inflate(struct br_extract__inflate *s, void *to, size_t n, struct br_err *err);
void br_extract__inflate_close(struct br_extract__inflate *s);

#endif
