/* A run of word characters and the parts it falls into. Between run.c and token.c. */
#ifndef BR_FTS_RUN_H
#define BR_FTS_RUN_H

#include "token.h"

struct br_fts__part {
	uint32_t from, to; /* bytes of the text */
	bool digits;       /* has one */
};
struct br_fts__run {
	size_t from, to;   /* bytes of the text that are the word */
	size_t next;       /* where to go on */
	bool blob;         /* longer than any word: parts is empty */
	uint32_t n;
	struct br_fts__part part[BR_MAX_WORD + 2];
};

/* The run that begins with the letter or digit at `from`. */
void br_fts__run_scan(struct br_fts__run *r, const struct br_tokenizer *t, const char *s, size_t n, size_t from);

#endif
