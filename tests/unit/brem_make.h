/*
 * For tests: writes small models in the format .brem, by the words of man/br-index.5 and with none of the reader's code.
 * Piece i has the row (i * 31 + d * 7) % 255 - 127. "##x" continues a word; "[x]" is special; piece 0 is the unknown one.
 */
#ifndef BREM_MAKE_H
#define BREM_MAKE_H

#include "br/base.h"

#include <stdio.h>
#include <stdlib.h>

#define BREM_GLOBAL_SCALE 1u
#define BREM_CJK_RUNS 64u
#define BREM_PLAIN 7u /* global scale, normalised, BERT uncased */

struct brem {
	char *p;
	size_t n;
};

static inline void brem_put(struct brem *m, size_t off, const void *p, size_t n) { memcpy(m->p + off, p, n); }
static inline void brem_u32(struct brem *m, size_t off, uint32_t v) { brem_put(m, off, &v, 4); }
static inline void brem_u64(struct brem *m, size_t off, uint64_t v) { brem_put(m, off, &v, 8); }
static inline uint64_t brem_get64(const struct brem *m, size_t off) { return br_rd_le64(m->p + off); }

static inline void brem_seal(struct brem *m)
{
	uint32_t crc = UINT32_MAX;

	for (int i = 0; i < 252; i++)
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (((crc ^ (unsigned)(unsigned char)m->p[i] >> bit) & 1) ? 0xEDB88320u : 0);
	brem_u32(m, 252, ~crc);
}

static inline int8_t brem_cell(uint32_t id, uint32_t d) { return (int8_t)((int)((id * 31 + d * 7) % 255) - 127); }

/* Room of n bytes at the next multiple of 64; its offset goes into the header at `field`. */
static inline size_t brem_section(struct brem *m, size_t field, size_t n)
{
	size_t off = (m->n + 63) & ~(size_t)63;

	m->p = br_realloc(m->p, off + n);
	memset(m->p + m->n, 0, off + n - m->n);
	m->n = off + n;
	brem_u64(m, field, off);
	return off;
}

static inline void brem_hash(struct brem *m, size_t hash, uint32_t slots, uint32_t id, const char *piece)
{
	uint64_t h = 0xCBF29CE484222325ull;
	uint32_t at;

	for (const char *c = piece; *c; c++)
		h = (h ^ (unsigned char)*c) * 0x100000001B3ull;
	at = (uint32_t)(h ^ h >> 32) & (slots - 1);
	while (br_rd_le32(m->p + hash + 8 * (size_t)at + 4) != UINT32_MAX)
		at = (at + 1) & (slots - 1);
	brem_u32(m, hash + 8 * (size_t)at, (uint32_t)(h >> 32));
	brem_u32(m, hash + 8 * (size_t)at + 4, id);
}

static inline struct brem brem_make(const char *const *piece, uint32_t n, uint32_t dim, uint32_t flags)
{
	struct brem m = { NULL, 0 };
	uint32_t stride = (dim + 63) / 64 * 64, slots = 1, longest = 0;
	size_t rows, stroff, strings, tokflags, hash, meta, len = 0;
	float scale = 0.01f;

	while (slots * 2 < n * 3)
		slots *= 2;
	for (uint32_t i = 0; i < n; i++)
		len += strlen(piece[i]);
	brem_section(&m, 0, 256);
	rows = brem_section(&m, 104, (size_t)n * stride);
	stroff = brem_section(&m, 56, 4 * ((size_t)n + 1));
	strings = brem_section(&m, 64, len);
	tokflags = brem_section(&m, 72, n);
	hash = brem_section(&m, 80, 8 * (size_t)slots);
	meta = brem_section(&m, 128, 2);
	memset(m.p + hash, 0xFF, 8 * (size_t)slots);
	len = 0;
	for (uint32_t i = 0; i < n; i++) {
		bool more = strncmp(piece[i], "##", 2) == 0, special = piece[i][0] == '[' && piece[i][1];
		const char *text = piece[i] + (more ? 2 : 0);
		m.p[tokflags + i] = (char)(more | special << 1);
		brem_u32(&m, stroff + 4 * (size_t)i, (uint32_t)len);
		brem_put(&m, strings + len, text, strlen(text));
		len += strlen(text);
		longest = BR_MAX(longest, (uint32_t)strlen(text));
		brem_hash(&m, hash, slots, i, piece[i]);
		for (uint32_t d = 0; d < dim; d++)
			m.p[rows + (size_t)i * stride + d] = (char)brem_cell(i, d);
	}
	brem_u32(&m, stroff + 4 * (size_t)n, (uint32_t)len);
	brem_put(&m, meta, "{}", 2);
	memcpy(m.p, "BREMBED", 8);
	brem_u32(&m, 8, 1);
	brem_u32(&m, 12, 256);
	brem_u64(&m, 16, m.n);
	brem_u32(&m, 24, n);
	brem_u32(&m, 28, dim);
	brem_u32(&m, 32, stride);
	brem_u32(&m, 36, flags);
	brem_put(&m, 40, &scale, 4);
	brem_u32(&m, 44, 100);
	brem_u32(&m, 48, 0);
	brem_u32(&m, 52, longest);
	brem_u32(&m, 88, slots);
	brem_u64(&m, 136, 2);
	br_sha256((uint8_t *)m.p + 144, m.p + 256, m.n - 256);
	memcpy(m.p + 176, "tiny", 5);
	brem_seal(&m);
	return m;
}

static inline void brem_save(const struct brem *m, const char *path)
{
	FILE *f = fopen(path, "wb");

	BR_ASSERT(f && fwrite(m->p, 1, m->n, f) == m->n);
	fclose(f);
}

#endif
