/*
 * Inside of the inverted index: records of LEN, TERM, POST and META "fts", packed blocks, impact bounds. The layouts are those of
 * man/br-index.5, FULL TEXT; encoder and decoder of each stand beside each other in pack.c, bound.c and record.c.
 */
#ifndef BR_FTS_INTERNAL_H
#define BR_FTS_INTERNAL_H

#include "br/fts.h"

#define BR_FTS__BLOCK 128      /* postings of a packed block */
#define BR_FTS__SEG_BLOCKS 64  /* blocks of one POST value, at most */
#define BR_FTS__SEG_BYTES 4064 /* bytes of one POST value: with LMDB's header it fits one page */
#define BR_FTS__HEADER 16      /* bytes of a block's header */
#define BR_FTS__LEN_BLOCK 2032 /* chunks of one LEN value, for the same reason */
#define BR_FTS__PAIRS 5
#define BR_FTS__NONE UINT32_MAX

/* ---- pack.c: 128 numbers in a fixed number of bits; bits * 16 bytes ---- */

unsigned br_fts__bits(const uint32_t v[BR_FTS__BLOCK]);
void br_fts__pack(char *out, const uint32_t v[BR_FTS__BLOCK], unsigned bits);
void br_fts__unpack(uint32_t v[BR_FTS__BLOCK], const char *in, unsigned bits);
/* In place: gaps (chunks passed over) behind `base` become chunk numbers. */
void br_fts__sum_gaps(uint32_t v[BR_FTS__BLOCK], uint32_t base);

/* ---- bound.c: upper bounds of what a posting of a set can add to a score, whatever k1, b and the average length are ---- */

struct br_fts__bound { uint8_t pair[2 * BR_FTS__PAIRS]; }; /* tf, length code; tf 0: unused */

/* Smallest length code of each tf; 255 stands for all tf from there on. */
struct br_fts__frontier { uint8_t len[256]; };

uint8_t br_fts__len_code(uint32_t len);   /* rounds down */
uint32_t br_fts__len_floor(uint8_t code); /* shortest length with this code */
void br_fts__frontier_init(struct br_fts__frontier *f);
void br_fts__frontier_add(struct br_fts__frontier *f, uint32_t tf, uint8_t len_code);
void br_fts__frontier_bound(struct br_fts__bound *out, const struct br_fts__frontier *f);
bool br_fts__bound_covers(const struct br_fts__bound *b, uint32_t tf, uint32_t len);

/* ---- record.c ---- */

struct br_fts__totals {
	uint32_t ever;    /* chunks ever written */
	uint32_t numbers; /* term numbers given out */
	uint64_t chunks, tokens, terms;
};
int br_fts__totals_get(struct br_fts__totals *out, struct br_txn *t, uint32_t nb, struct br_err *err);
int br_fts__totals_put(struct br_txn *t, uint32_t nb, const struct br_fts__totals *v, struct br_err *err);
void br_fts__totals_key(struct br_key *k, uint32_t nb);

/* A TERM record. The second group of fields is there when n >= BR_FTS__BLOCK. */
struct br_fts__list {
	uint32_t df, n;
	uint32_t number, last_seg, last;
	struct br_slice tail; /* n % BR_FTS__BLOCK postings */
};
/* In messages: which term of which notebook. */
struct br_fts__place { uint32_t nb; struct br_slice term; };

int br_fts__damaged(struct br_err *err, const struct br_fts__place *at, const char *what);
void br_fts__term_key(struct br_key *k, uint32_t nb, struct br_slice term);
/* 1 found, 0 not there. */
int br_fts__list_get(struct br_fts__list *out, struct br_txn *t, const struct br_fts__place *at, struct br_err *err);
int br_fts__list_decode(struct br_fts__list *out, struct br_slice val, const struct br_fts__place *at, struct br_err *err);
/* Bytes written; out has room for BR_FTS__LIST_MAX. The tail is encoded from chunk and tf. */
#define BR_FTS__LIST_MAX (5 + 5 + 12 + BR_FTS__BLOCK * 8)
size_t br_fts__list_encode(char out[BR_FTS__LIST_MAX], const struct br_fts__list *l, const uint32_t *chunk, const uint32_t *tf);
/* n % BR_FTS__BLOCK postings, ascending and below `ever`. */
int br_fts__tail_decode(uint32_t *chunk, uint32_t *tf, const struct br_fts__list *l, uint32_t ever, const struct br_fts__place *at, struct br_err *err);

/* A block's header, and where its data is. */
struct br_fts__header {
	uint32_t last;
	uint8_t gap_bits, tf_bits;
	struct br_fts__bound bound;
};
static inline size_t br_fts__data_bytes(const struct br_fts__header *h) { return ((size_t)h->gap_bits + h->tf_bits) * 16; }
void br_fts__header_encode(char out[BR_FTS__HEADER], const struct br_fts__header *h);
static inline void br_fts__header_decode(struct br_fts__header *h, const char *p)
{
	h->last = br_rd_le32(p);
	h->gap_bits = (uint8_t)p[4];
	h->tf_bits = (uint8_t)p[5];
	memcpy(&h->bound, p + 6, sizeof h->bound);
}
void br_fts__post_key(struct br_key *k, uint32_t nb, uint32_t number, uint32_t first);
/* Number of blocks of a POST value when its size fits its headers and they ascend from `first`; else CORRUPT. */
int br_fts__seg_check(struct br_slice val, uint32_t first, const struct br_fts__place *at, struct br_err *err);

void br_fts__len_key(struct br_key *k, uint32_t nb, uint32_t block);

/* ---- write.c: an index written anew, the same as br_fts_write of all its chunks in one commit ---- */

/* The notebook has no index. len, one for each of the n chunks, is borrowed; so is each term until its end. Free by free(). */
struct br_fts__writer;
int br_fts__writer_new(struct br_fts__writer **out, struct br_txn *t, uint32_t nb, const uint16_t *len, uint32_t n, struct br_err *err);
/* Terms in byte order; of each its postings in order of chunks, one at the least. */
int br_fts__writer_term(struct br_fts__writer *w, struct br_slice term);
int br_fts__writer_add(struct br_fts__writer *w, uint32_t chunk, uint32_t tf);
int br_fts__writer_term_end(struct br_fts__writer *w);
int br_fts__writer_finish(struct br_fts__writer *w); /* lengths and totals */

#endif
