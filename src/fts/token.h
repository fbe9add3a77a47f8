/*
 * Inside of the tokenizer: character classes, the word cache and normalisation. Included by the files of src/fts only.
 */
#ifndef BR_FTS_TOKEN_H
#define BR_FTS_TOKEN_H

#include "br/fts.h"

/* What a character does to a word. CJK classes are runs without spaces and must stay last. */
enum br_fts__class {
	C_SEP,
	C_LOWER,
	C_UPPER,
	C_LETTER, /* a letter without case */
	C_DIGIT,
	C_MARK,   /* combining or invisible: belongs to what stands before it */
	C_UNDER,
	C_DOT,
	C_APOS,
	C_COMMA,
	C_HIGH,   /* of a byte: 0x80 and above, decode first */
	C_HAN,    /* Han, kana, bopomofo */
	C_HANGUL,
	C_SEA,    /* Thai, Lao, Khmer, Myanmar */
};

#define BR_FTS__LANGS 64    /* more than there are languages with a stemmer or a script of their own */
/*
 * Entries of the word cache, 64 bytes each, powers of two. It starts small, for a question's process would pay a page fault for
 * nearly every entry it touches, and grows where there is much text: with 8192 ingest loses a fifth of its speed.
 */
#define BR_FTS__CACHE_MIN 512
#define BR_FTS__CACHE_MAX 32768
#define BR_FTS__RAW 24      /* bytes of a word that fits the cache */
#define BR_FTS__EXPAND 18   /* characters one character may become under NFKC: U+FDFA */

struct sb_stemmer;

/* lang 0 of a tokenizer is "no stemming"; the slots of others are filled as they are asked for. */
struct br_fts__lang {
	char code[4];
	struct sb_stemmer *stem;  /* NULL: none */
	struct sb_stemmer *ascii; /* for words in plain ASCII letters: English where the language has another script */
	bool keeps_first;         /* its stemmer never changes the first letter of a plain ASCII word */
	bool fold_first;          /* accents are folded before stemming and not after it */
	uint8_t elision;          /* letters that may stand before an apostrophe as a word of their own; 0: none */
	bool elision_known;       /* ... only the usual ones: l d j m n s t c qu */
};

/* One word seen before: 64 bytes, a cache line. Padding of raw is zero and cannot stand in a word, so it needs no length. */
struct br_fts__cached {
	uint64_t raw[3];
	uint8_t lang, term_len; /* term_len 0: empty slot */
	char term[38];
};

struct br_tokenizer {
	struct br_tokens out;
	struct br_arena arena; /* bytes of the terms in out */
	char *room;
	size_t room_left;
	struct br_fts__cached *cache;
	uint32_t cache_size, cache_puts; /* entries; words remembered since it has this size */
	struct br_fts__lang langs[BR_FTS__LANGS];
	struct sb_stemmer *english; /* owned here when it serves a language of another script */
	uint32_t n_langs;
	uint32_t lang;              /* index into langs, of br_tokenizer_lang */
	uint32_t stem;              /* the same, or 0 while tokenizing exactly */
	bool whole;                 /* WHOLE tokens are wanted */
	uint32_t letters;           /* of br_tokenizer_letters */
	uint8_t classes[0x800];     /* of U+0000 .. U+07FF */
	int32_t work[BR_MAX_WORD * BR_FTS__EXPAND + 8];
	char folded[BR_MAX_WORD * BR_FTS__EXPAND * 4 + 8];
};

/* Class of a character; c < 0x800 is looked up in t. */
enum br_fts__class br_fts__class_of(uint32_t c);
static inline enum br_fts__class br_fts__class(const struct br_tokenizer *t, uint32_t c)
{
	return c < 0x800 ? (enum br_fts__class)t->classes[c] : br_fts__class_of(c);
}
/* Small marks and vowels of a CJK cell that join the character before it (conjoining jamo, half-width sound marks). */
bool br_fts__joins(uint32_t c);

/* Index of the language in t->langs, added when new; 0 for "" and languages nothing is known about. */
uint32_t br_fts__lang_index(struct br_tokenizer *t, const char *code);
void br_fts__langs_release(struct br_tokenizer *t);

/*
 * The term of one word of at most BR_MAX_WORD bytes: NFKC casefold, apostrophes and commas dropped, stemmed in language
 * `lang` (0: not), accents folded, cut by hash. Returns its length, 0 when nothing is left.
 */
size_t br_fts__normalise(struct br_tokenizer *t, char out[BR_MAX_TOKEN], const char *raw, size_t n, uint32_t lang);
/* The term of a run too long for a word. */
size_t br_fts__normalise_blob(struct br_tokenizer *t, char out[BR_MAX_TOKEN], const char *raw, size_t n);

#endif
