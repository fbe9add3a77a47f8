/* tar - one header of a POSIX ustar archive; shared by backup.c and restore.c. */
#ifndef BR_CORPUS_TAR_H
#define BR_CORPUS_TAR_H

#include "br/base.h"

enum { TAR_BLOCK = 512, TAR_NAME = 100 };
struct tar_entry {
	char name[TAR_NAME + 1];        /* folders end with '/' */
	unsigned mode;
	uint64_t size;                  /* bytes of content; then zeros up to a whole block */
	int64_t mtime;                  /* seconds, not negative */
};
void tar_encode(char out[TAR_BLOCK], const struct tar_entry *e);
/* 1 a header, 0 a block of zeros (the end), -1 neither: only what tar_encode writes is one. */
int tar_decode(struct tar_entry *out, const char block[TAR_BLOCK]);
static inline size_t tar_padding(uint64_t size) { return (size_t)(-size % TAR_BLOCK); }

#endif
