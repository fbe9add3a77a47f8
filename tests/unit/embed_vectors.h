/*
 * For tests: a few texts with their pieces and sums under br-static-256-v1 (the full set is read from BR_SHARED where that is
 * set), the reader of that set, and the check of one set of sums.
 */
#ifndef EMBED_VECTORS_H
#define EMBED_VECTORS_H

#include "br/embed.h"

#include <stdio.h>
#include <stdlib.h>

struct vector {
	const char *text;
	uint32_t id[24], n;     /* pieces */
	uint32_t pooled;
	int32_t first[8];       /* sums */
	const char *sha;        /* of the 256 sums as little-endian int32, hex */
};
static const struct vector vectors[] = {
	{ "Hello, World!", { 6598, 16, 1094, 5 }, 4,
	  4, { 19, 56, 28, -17, -38, 13, -29, 26 }, "ae317452e0f89c6600bbb1ca306192cc4b8cf30b72587025a9644da977155a05" },
	{ "don't can't I'm", { 1129, 11, 62, 1070, 11, 62, 51, 11, 55 }, 9,
	  9, { -14, 18, -13, 8, 15, 25, -6, 7 }, "8bff8ccbec19ab82801e343eacf3cfa4616df8f4736c0a0de62f681fd1a66b65" },
	{ "unaffable", { 13483, 19967, 2474 }, 3,
	  3, { 19, 44, -23, 22, 5, 42, 63, 19 }, "cdb8afd6658fe58dd788c85cc58e7a63fd13e3b101d1928bb8f4fe295bce1b4d" },
	{ "x=1+2*3<4>5|6&7^8~9`0", { 66, 33, 21, 15, 22, 14, 23, 32, 24, 34, 25, 70, 26, 10, 27, 40, 28, 72, 29, 42, 20 }, 21,
	  21, { -23, 25, 39, -2, -29, 89, -111, 63 }, "129b4556d981aaf4f860352884b08d2ddb25e702f6e3591d604a951e1e9a8c15" },
	{ "\xC4\xB0stanbul \xC4\xB1spanak", { 8966, 110, 12108, 4168, 1249 }, 5,
	  5, { 8, -3, 127, -42, 10, -41, -20, 100 }, "4d937bcef506f89c1325c558cca01626daa41136d134befc100002ed092bf847" },
	{ "\xE4\xB8\xAD\xE6\x96\x87\xE5\xAD\x97 mixed\xE4\xB8\xADtext", { 752, 867, 1, 2822, 752, 2799 }, 6,
	  5, { 11, -53, -43, 96, -113, -50, -51, -187 }, "97f7b404d07d03c541eafaea52b5d31dccb48c65162446bdba9934f37689b6ce" },
	{ "cafe\xCC\x81", { 6674 }, 1,
	  1, { -2, 35, 48, -34, -7, 13, -27, -19 }, "39cc7d549e0324eae2c32e2d121ec218a1b93af3eede71b46668508c73666c97" },
	{ "kubectl apply -f deployment.yaml --namespace=prod", { 29584, 5617, 17, 48, 9819, 18, 30285, 17, 17, 29712, 33, 3019, 1100 }, 13,
	  13, { -117, -46, 79, -63, 12, 79, -9, 119 }, "987d7033d4a3779bd16752bd70eb9bc3ed0ddcf084fbe0b5c422bf2f0759ac9a" },
	{ "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8 \xEA\xB0\x81", { 461, 29012, 29026, 461, 29012, 29026 }, 6,
	  6, { -60, -24, 36, -22, 70, 60, -24, -10 }, "0d076c58891727ca855f8a9cddc94fb8598d0ff2f59a9d392e742b95aa57ecc5" },
	{ "the the the the", { 1002, 1002, 1002, 1002 }, 4,
	  4, { 12, -24, -16, -4, 0, 0, -8, -8 }, "10da2c29766262b47277cc3494fb871d30aa1abd33f218bf45e357059065009e" },
	{ "1,234.56 \xE2\x82\xAC/kg at 37.5\xC2\xB0" "C", { 21, 16, 21024, 18, 4185, 580, 19, 3711, 1018, 3267, 18, 25, 6743, 1284 }, 14,
	  14, { 0, -57, 51, -4, 5, 23, -87, 36 }, "e5b61d2731251b4b7c7958c3e0b08343a00a5ac8ae80085090c504b4544871f9" },
	{ "e\xCC\x81" "cole \xE2\x80\x8Bzero\xC2\xADwidth\xEF\xBB\xBF", { 11437, 4723, 8154, 10933, 1238 }, 5,
	  5, { -2, -19, -14, -14, -5, 42, -58, -12 }, "aacf5c8c25b7f37174e71c29d2e360ae191f6f7149f3993190c11ea2ea19c143" },
	{ "snake_case and camelCase and kebab-case", { 6494, 41, 1559, 1004, 18136, 17388, 1004, 16716, 2682, 1503, 17, 1559 }, 12,
	  12, { 53, 124, 136, 134, -61, 106, 32, 44 }, "53728f12d6256f22fd064a0e31e9466e0aaeca1eb39d3e01cb6965855f548021" },
};

/* One line of a file of vectors: its text (unescaped, with its length) and what stands behind the tab. */
struct line {
	char *text;
	size_t len;
	const char *rest;
};

static inline unsigned line_hex4(const char *p)
{
	unsigned v = 0;
	BR_ASSERT(sscanf(p, "%4x", &v) == 1);
	return v;
}

/* Undoes the escapes of a JSON string in place; s is at the opening quote. */
static inline struct line line_parse(char *s)
{
	static const char plain[] = "\"\\/bfnrt", value[] = "\"\\/\b\f\n\r\t";
	struct line l = { s, 0, NULL };
	char *to = s++;

	while (*s != '"') {
		if (*s != '\\') {
			*to++ = *s++;
		} else if (s[1] != 'u') {
			*to++ = value[strchr(plain, s[1]) - plain];
			s += 2;
		} else {
			uint32_t cp = line_hex4(s + 2);
			s += 6;
			if (cp >= 0xD800 && cp < 0xDC00 && s[0] == '\\' && s[1] == 'u') {
				cp = 0x10000 + ((cp - 0xD800) << 10) + (line_hex4(s + 2) - 0xDC00);
				s += 6;
			}
			to += br_utf8_put(to, cp);
		}
	}
	l.len = (size_t)(to - l.text);
	l.rest = s + 1 + (s[1] == '\t');
	return l;
}

/* Calls fn for each line of $BR_SHARED/model/<name>; how many there were, or -1 (said aloud) without BR_SHARED. */
static inline int lines_each(const char *name, void (*fn)(const struct line *l, void *arg), void *arg)
{
	const char *shared = getenv("BR_SHARED");
	char *path, *buf = NULL;
	size_t cap = 0;
	int n = 0;
	FILE *f;

	if (!shared) {
		printf("skipped: BR_SHARED not set\n");
		return -1;
	}
	path = br_sprintf("%s/model/%s", shared, name);
	f = fopen(path, "r");
	BR_ASSERT(f != NULL);
	while (getline(&buf, &cap, f) > 0) {
		if (buf[0] != '"')
			continue;
		buf[strcspn(buf, "\n")] = 0;
		struct line l = line_parse(buf);
		fn(&l, arg);
		n++;
	}
	fclose(f);
	free(buf);
	free(path);
	return n;
}

static inline void sums_hex(char out[65], const int32_t *sum, size_t dim)
{
	uint8_t sha[32];

	br_sha256(sha, sum, dim * sizeof *sum);
	br_hex(out, sha, sizeof sha);
}

/* "count TAB eight sums TAB sha" for a line of sums.tsv, as it ought to be. */
static inline char *sums_text(const int32_t *sum, size_t dim, uint32_t pooled)
{
	char hex[65];

	sums_hex(hex, sum, dim);
	return br_sprintf("%u\t%d %d %d %d %d %d %d %d\t%s", pooled, sum[0], sum[1], sum[2], sum[3], sum[4], sum[5], sum[6], sum[7], hex);
}

#endif
