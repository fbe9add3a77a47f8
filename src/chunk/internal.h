/*
 * chunk - what its files share: the state of one run, places in the text, measuring.
 */
#ifndef BR_CHUNK_INTERNAL_H
#define BR_CHUNK_INTERNAL_H

#include "br/chunk.h"

/* Finds line and page of rising offsets. `edge` says what a place inside a block without exact lines gets. */
struct place {
	size_t block;      /* the last block that begins at or before the offset */
	size_t pos;        /* newlines are counted up to here */
	uint32_t newlines; /* between the block's start and pos */
	bool exact;        /* lines inside the block follow the text's newlines */
	bool started;
};

struct chunker {
	struct br_chunks *out;
	const struct br_extracted *e;
	struct br_slice text;
	uint64_t size, overlap;
	struct place from, to;
	uint64_t work; /* bytes looked at: what the tests of linear cost count */
	struct br_err *err;
};

int br_chunk__structure(struct chunker *c);
int br_chunk__recursive(struct chunker *c);

/* br_chunk, with the count of bytes looked at in *work. */
int br_chunk__run(struct br_chunks *out, const struct br_extracted *e, const struct br_chunk_opts *opts, uint64_t *work,
                  struct br_err *err);

/* Appends the chunk [off, end), trimmed; nothing when it is blank. Offsets must not fall from call to call. */
int br_chunk__emit(struct chunker *c, size_t off, size_t end, uint32_t heading);

/* Characters in [off, end) of the text that are not in a skip range: what is kept but not indexed has no size. */
uint64_t br_chunk__chars(struct chunker *c, size_t off, size_t end);

/* Index of the first skip range that ends behind off. */
size_t br_chunk__skip_at(const struct chunker *c, size_t off);

static inline bool is_blank(char ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r');
}
static inline bool is_cont(char ch)
{
	return ((unsigned char)ch & 0xc0) == 0x80;
}

#endif
