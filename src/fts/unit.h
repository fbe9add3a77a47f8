/* A finished unit as write.c reads it. */
#ifndef BR_FTS_UNIT_H
#define BR_FTS_UNIT_H

#include "br/fts.h"

struct br_fts__posting {
	uint32_t chunk, tf; /* chunk: within the unit, or absolute, as the holder says; tf 1..65535 */
};

struct br_fts__term {
	uint64_t prefix;      /* first 8 bytes, big-endian, padded with zeros: most comparisons end here */
	const char *s;
	uint32_t n;           /* postings */
	uint32_t first;       /* of them, in unit->posting; once finished */
	uint32_t hash;
	uint32_t slot, stamp; /* while building: entry in the log, and in which chunk that was */
	uint8_t len;
};

struct br_fts_unit {
	struct br_arena arena;                         /* bytes of the terms */
	BR_VEC(struct br_fts__term) term;              /* in order of appearance; once finished, bytewise */
	BR_VEC(struct br_fts__posting) log;            /* while building, in order of chunks; chunk holds the term's index */
	BR_VEC(uint32_t) log_start;                    /* of each chunk */
	BR_VEC(uint16_t) len;                          /* of each chunk */
	struct br_fts__posting *posting;               /* once finished: by term, then by chunk */
	size_t postings;
	uint32_t *table;                               /* index + 1 by hash */
	uint32_t table_size;
	BR_VEC(uint32_t) hash;                         /* of the tokens in hand */
	uint32_t tokens;                               /* of the open chunk */
	char *room;
	size_t room_left;
};

static inline int br_fts__term_cmp(uint64_t ap, const char *a, size_t an, uint64_t bp, const char *b, size_t bn)
{
	if (ap != bp)
		return ap < bp ? -1 : 1;
	int d = memcmp(a, b, BR_MIN(an, bn));
	return d ? d : (an > bn) - (an < bn);
}

#endif
