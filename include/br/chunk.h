/*
 * chunk - from text and structure to ranges. Pure: same input and settings, same ranges, on every machine.
 * A chunk is a range of the stored text; its heading path is indexed with it and never part of the quotation.
 */
#ifndef BR_CHUNK_H
#define BR_CHUNK_H

#include "br/text.h"

enum br_chunker { BR_CHUNK_STRUCTURE, BR_CHUNK_RECURSIVE };
struct br_chunk_opts {
	enum br_chunker how;
	uint32_t size;     /* characters (code points) aimed at; default 1000 */
	uint32_t overlap;  /* characters, RECURSIVE only; < size */
};
#define BR_CHUNK_OPTS_DEFAULT { BR_CHUNK_STRUCTURE, 1000, 0 }

struct br_chunk {
	uint32_t off, len;       /* bytes of text; never cuts a character; trimmed of white space; never empty */
	uint32_t line, line_end; /* from 1 */
	uint32_t page;           /* from 1, 0 none */
	uint32_t heading;        /* index into headings of the nearest heading, or BR_NO_HEADING */
};
#define BR_NO_HEADING UINT32_MAX
/* The headings of a document as a tree: a path is found by following `parent`. */
struct br_heading {
	uint32_t off, len;       /* the words, in text */
	uint32_t parent;         /* index, or BR_NO_HEADING */
	uint8_t level;
};
struct br_chunks {
	BR_VEC(struct br_chunk) chunks;
	BR_VEC(struct br_heading) headings;
};
void br_chunks_release(struct br_chunks *c);

/*
 * structure: sections by heading, then blocks (code, tables and list items whole when they fit), then sentences, then
 *   words; packed up to `size`; a small section joins its neighbours under the same parent rather than stand alone; a heading
 *   with nothing below it still gives a chunk.
 * recursive: split at blank lines, lines, sentences, words, characters, in that order, packed to `size` with `overlap`.
 */
BR_MUST_USE int br_chunk(struct br_chunks *out, const struct br_extracted *e, const struct br_chunk_opts *opts, struct br_err *err);

/* Next sentence of text from *pos: its range, or false at the end. Knows abbreviations, decimals, CJK full stops. */
bool br_sentence_next(struct br_range *out, struct br_slice text, size_t *pos);

#endif
