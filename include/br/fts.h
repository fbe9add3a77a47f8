/*
 * fts - the tokenizer and the inverted index over chunks, kept in the store (tables LEN, TERM, POST and META "fts").
 * Use:     index:  br_fts_unit_new; per chunk br_fts_unit_begin, _text ..., _end; br_fts_unit_finish (any thread);
 *                  then, in the write transaction, br_fts_write for units in order.
 *          search: br_fts_query_* to build, br_fts_resolve, br_fts_search / br_fts_score.
 * Scores:  BM25 as Lucene has it: idf = ln(1 + (N - df + 0.5) / (df + 0.5)); tf * (k1 + 1) is left out:
 *          score = sum over groups of idf * tf / (tf + k1 * (1 - b + b * len / avglen)), N and avglen over live chunks, len exact.
 *          A group is one word of the question; its alternatives (stems in several languages) share one idf, from the sum of
 *          their df, so that a rare stem of a rare language does not outweigh the word itself.
 * Exact:   df, N and avglen count live chunks only, so scores equal those of an index built afresh.
 * Threads: units and tokenizers belong to one thread; a search to its transaction's thread.
 * Format:  man/br-index.5, FULL TEXT.
 */
#ifndef BR_FTS_H
#define BR_FTS_H

#include "br/bits.h"
#include "br/store.h"

/* ---- tokenizer: the only one; documents, questions, titles and snippets all go through it ---- */

const char *br_fts_library(void); /* "utf8proc 2.8.0, Snowball", what is linked */
enum br_token_flags {
	BR_TOK_WHOLE = 1, /* a whole identifier; its parts follow from the same position; does not count in the length */
	BR_TOK_CJK = 2,   /* a bigram (or a lone character) of a run without spaces */
	BR_TOK_NUM = 4,   /* has a digit: not stemmed */
};
struct br_token {
	const char *term;   /* normalised, stemmed; valid until the next br_tokenize of this tokenizer */
	uint32_t off, len;  /* bytes of the source text */
	uint32_t pos;       /* position in words, from 0 for each call */
	uint16_t term_len;  /* 1..BR_MAX_TOKEN */
	uint8_t flags;
};
struct br_tokens { BR_VEC(struct br_token) v; uint32_t positions; };

struct br_tokenizer;
struct br_tokenizer *br_tokenizer_new(void);
void br_tokenizer_free(struct br_tokenizer *t);
/* ISO 639-1 of what follows; "" or an unknown language: no stemming. Cheap when unchanged (stemmers are kept). */
void br_tokenizer_lang(struct br_tokenizer *t, const char *lang);
/*
 * For those who look for few terms in much text: plain ASCII words that begin with another letter (bit 0 is 'a') may come out with
 * an empty term, which saves their stemming. UINT32_MAX, as at first: every term is wanted.
 */
void br_tokenizer_letters(struct br_tokenizer *t, uint32_t letters);
/* Tokens of text (valid UTF-8) into t's own list, which is overwritten by the next call. */
const struct br_tokens *br_tokenize(struct br_tokenizer *t, struct br_slice text);
/* As br_tokenize without stemming and without WHOLE tokens: the words for phrases ("exact words in this order"). */
const struct br_tokens *br_tokenize_exact(struct br_tokenizer *t, struct br_slice text);

/* ---- units: an inverted index of some consecutive documents, in memory ---- */

struct br_fts_unit;
struct br_fts_unit *br_fts_unit_new(void);
void br_fts_unit_free(struct br_fts_unit *u);
void br_fts_unit_begin(struct br_fts_unit *u);                 /* the next chunk of this unit: 0, 1, 2 ... */
void br_fts_unit_text(struct br_fts_unit *u, struct br_tokenizer *t, struct br_slice text); /* any number of pieces */
const uint32_t *br_fts_unit_hashes(const struct br_fts_unit *u, size_t *n); /* of the words of that text; see br-index(5), SIGNATURES */
uint32_t br_fts_unit_end(struct br_fts_unit *u);               /* its length in tokens, 1 at the least, 65535 at the most */
void br_fts_unit_finish(struct br_fts_unit *u);                /* sorts; the unit is then ready to be written */
uint32_t br_fts_unit_chunks(const struct br_fts_unit *u);
size_t br_fts_unit_bytes(const struct br_fts_unit *u);         /* memory held */

/* Adds the units' chunks as numbers first, first + 1, ... (units in order; first = chunks ever written to this notebook). */
BR_MUST_USE int br_fts_write(struct br_txn *t, uint32_t nb, uint32_t first, struct br_fts_unit *const *units, size_t n, struct br_err *err);
/* The chunks of `u`, built from the same texts as when they were written, are now deleted: df, N and the length total go down. Postings stay. */
BR_MUST_USE int br_fts_forget(struct br_txn *t, uint32_t nb, const struct br_fts_unit *u, struct br_err *err);
/*
 * Keeps the chunks in `live` (a bit for each ever written) and numbers them anew from 0 in their order: the index is then, byte for
 * byte, that of those chunks written by one br_fts_write. Needs room for all postings in a file of the folder `tmp`.
 */
BR_MUST_USE int br_fts_compact(struct br_txn *t, uint32_t nb, const struct br_bits *live, const char *tmp, struct br_err *err);
/* Everything of this notebook. */
BR_MUST_USE int br_fts_drop(struct br_txn *t, uint32_t nb, struct br_err *err);

struct br_fts_stats { uint64_t chunks, tokens, terms; }; /* live chunks, their tokens, terms ever seen */
BR_MUST_USE int br_fts_stats(struct br_fts_stats *out, struct br_txn *t, uint32_t nb, struct br_err *err);
/* Walks every term and posting; damage is named: CORRUPT. dead may be NULL. Checks df against the live postings. */
BR_MUST_USE int br_fts_verify(struct br_txn *t, uint32_t nb, uint32_t chunks, const struct br_bits *dead, struct br_err *err);

/* ---- questions ---- */

enum br_group_kind { BR_GROUP_SHOULD, BR_GROUP_MUST, BR_GROUP_NOT };
struct br_fts_alt { char term[BR_MAX_TOKEN]; uint16_t len; uint32_t df; };
struct br_fts_group {
	BR_VEC(struct br_fts_alt) alts;
	enum br_group_kind kind;
	uint8_t flags;         /* br_token_flags of the word */
	uint32_t pos;          /* position in the question; WHOLE tokens share that of their first part */
	uint32_t count;        /* times it stands in the question: weight, BM25's qtf */
	uint32_t df;           /* sum over alts, at most N */
	float idf;             /* set by br_fts_resolve */
	uint32_t off, len;     /* bytes of the question */
};
struct br_fts_query {
	BR_VEC(struct br_fts_group) groups;
	double k1, b;
	uint64_t chunks;       /* N */
	double avg_len;
};
void br_fts_query_init(struct br_fts_query *q); /* k1 1.2, b 0.75 */
void br_fts_query_release(struct br_fts_query *q);
/*
 * The words of text as groups of this kind. Each word is stemmed in each of langs (NULL-terminated; "" = unstemmed);
 * equal results merge, so one language gives one alternative. A word seen before in the same kind raises its count.
 * Of an identifier, MUST asks for the parts only (the whole becomes SHOULD), NOT excludes the whole only. Where a later language cuts
 * a word differently (l'opera), its cut becomes groups of its own, SHOULD instead of MUST. Leaves t in the last language.
 */
void br_fts_query_add(struct br_fts_query *q, struct br_tokenizer *t, struct br_slice text, const char *const *langs, enum br_group_kind kind);
/* Looks up df, computes idf; groups over BR_MAX_QUERY_TERMS go, the most frequent first. */
BR_MUST_USE int br_fts_resolve(struct br_fts_query *q, struct br_txn *t, uint32_t nb, struct br_err *err);

struct br_fts_want {
	uint32_t k;
	const struct br_bits *keep;                    /* chunks that may be hits; NULL: all (then none is deleted) */
	bool (*accept)(uint32_t chunk, void *arg);     /* last word on a would-be hit (phrases); may be NULL */
	void *arg;
	bool exhaustive;                               /* the plain reference instead of block-max: same result, for tests */
};
/*
 * Best k chunks that match at least one SHOULD or MUST group, all MUST groups and no NOT group; best first into out, which comes in
 * zeroed or initialised, is set up here for want->k, and is the caller's to release.
 */
BR_MUST_USE int br_fts_search(struct br_topk *out, struct br_txn *t, uint32_t nb, const struct br_fts_query *q, const struct br_fts_want *want, struct br_err *err);
/* Scores of given chunks (ascending, distinct); matched (may be NULL) gets for each a bit per group, groups beyond 63 left out. */
BR_MUST_USE int br_fts_score(float *score, uint64_t *matched, struct br_txn *t, uint32_t nb, const struct br_fts_query *q, const uint32_t *chunk, size_t n, struct br_err *err);

#endif
