/*
 * embed, inside: the opened model, the tokenizer's state, who calls what.
 * brem.c opens a model, wordpiece.c cuts text into pieces, pool*.c add rows up, embed.c makes vectors, rows.c stores them.
 */
#ifndef BR_EMBED_INTERNAL_H
#define BR_EMBED_INTERNAL_H

#include "br/embed.h"
#include "br/os.h"

#define BR_EMBED__MAX_PIECE 512 /* bytes of the longest piece a model may hold */

/* tokflags of a piece */
#define BR_PIECE_CONTINUES 1u
#define BR_PIECE_SPECIAL   2u

struct br_embed__slot { uint32_t fp, id; }; /* as in the file; id UINT32_MAX: empty */

/* Pointers go into the mapping. Everything that open did not check is checked where it is used. */
struct br_model {
	struct br_model_info info;
	struct br_map map;              /* zero for the built-in model */
	char *name;                     /* for messages */
	const char *base;
	size_t len;
	uint32_t row_stride, unk_id, max_word_chars, max_piece_bytes, hash_mask, strings_bytes;
	bool cjk_runs;
	const uint32_t *stroff;         /* [vocab + 1] */
	const char *strings;
	const uint8_t *tokflags;        /* [vocab] */
	const struct br_embed__slot *slot; /* [hash_mask + 1] */
	const int8_t *rows;             /* [vocab][row_stride] */
};

/* The bytes of a piece without its "##"; empty when the file is damaged there. */
struct br_slice br_embed__piece(const struct br_model *m, uint32_t id);

/* What a run of text came to. */
struct br_embed__tally {
	uint64_t pieces;
	uint64_t weak;          /* pieces that are unknown or a single character */
	uint64_t special;       /* pieces that are not pooled */
	uint64_t words, known;  /* words but for punctuation; those that are one known piece of more than one character */
	uint64_t punct;         /* words that are one punctuation character: each a piece, and weak */
};

#define BR_EMBED__WORD      24 /* bytes of a cached word, zero-padded; at most 23 are used */
#define BR_EMBED__IDS       6  /* pieces of a cached word */
/*
 * The word cache starts with 2^9 words, for a question's process would pay a page fault for nearly every one it touches, and grows
 * to 2^14, 1 MiB, where there is much text: then 97 % of the words of documentation are found, with 2^13 95 %.
 */
#define BR_EMBED__CACHE_MIN 9
#define BR_EMBED__CACHE_MAX 14

struct br_embed__word {
	uint64_t key[BR_EMBED__WORD / 8]; /* zero: empty */
	uint32_t id[BR_EMBED__IDS];
	uint8_t n, weak, special, known;
	char pad[12];
};

struct br_embedder {
	const struct br_model *m;
	br_pool_rows_fn *pool;
	BR_VEC(uint32_t) id;            /* pieces of the text in hand */
	struct br_embed__tally tally;
	BR_VEC(uint32_t) word;          /* characters of the word in hand, normalised; only up to the model's limit */
	BR_VEC(char) bytes;             /* the same in UTF-8 */
	size_t reorder;                 /* word[reorder..] has no character of combining class 0 */
	bool too_long, run;             /* word is over the limit; word is a run of Han, kana, Hangul, Thai */
	struct br_embed__word *cache;   /* in cache_mem, aligned to 64 */
	void *cache_mem;
	uint32_t cache_log, cache_puts; /* 2^cache_log words; those remembered since it has this size */
};

/*
 * Appends the pieces of text from *at on to e->id, and to the tally, until there are `limit` of them or text ends; moves *at.
 * Stops only between words, so that going on gives the same pieces.
 */
void br_embed__tokenise(struct br_embedder *e, struct br_slice text, size_t *at, size_t limit);

br_pool_rows_fn *br_embed__pool(void);
void br_embed__cache_new(struct br_embedder *e, uint32_t log); /* empty, of 2^log words */

#endif
