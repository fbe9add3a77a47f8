/*
 * Impact bounds. BM25 rises with tf and falls with length, so the postings of a set that are beaten by no other in both (the
 * frontier) hold its maximum for every k1, b and average length. A bound keeps five pairs: more are merged, which loosens it a little.
 */
#include "internal.h"

uint8_t br_fts__len_code(uint32_t len)
{
	if (len < 16)
		return (uint8_t)len;
	unsigned e = 27 - (unsigned)__builtin_clz(len); /* len has e + 5 bits */
	return (uint8_t)(16 * (e + 1) + ((len >> e) & 15));
}

uint32_t br_fts__len_floor(uint8_t code)
{
	return code < 16 ? code : (16u + (code & 15)) << (code / 16 - 1);
}

void br_fts__frontier_init(struct br_fts__frontier *f) { memset(f->len, 0xFF, sizeof f->len); }

void br_fts__frontier_add(struct br_fts__frontier *f, uint32_t tf, uint8_t len_code)
{
	uint8_t *l = &f->len[BR_MIN(tf, 255u)];
	*l = BR_MIN(*l, len_code);
}

/* What the pair would add under the usual settings; decides which pairs to merge, nothing else. */
static double usual(uint32_t tf, uint8_t code)
{
	return tf >= 255 ? 1 : tf / (tf + 0.3 + 0.9 / 160 * br_fts__len_floor(code));
}

/* Merging neighbours i and i + 1 (tf falls with i, so does the length) leaves the greater tf with the lesser length. */
static size_t merge_cheapest(uint8_t (*p)[2], size_t n)
{
	size_t best = 0;
	double least = 2;
	for (size_t i = 0; i + 1 < n; i++) {
		double v = usual(p[i][0], p[i + 1][1]);
		if (v < least) {
			least = v;
			best = i;
		}
	}
	p[best][1] = p[best + 1][1];
	memmove(p + best + 1, p + best + 2, (n - best - 2) * sizeof *p);
	return n - 1;
}

void br_fts__frontier_bound(struct br_fts__bound *out, const struct br_fts__frontier *f)
{
	uint8_t p[256][2];
	size_t n = 0;
	unsigned least = 0xFF;
	for (unsigned tf = 255; tf > 0; tf--) {
		if (f->len[tf] >= least)
			continue;
		least = f->len[tf];
		p[n][0] = (uint8_t)tf;
		p[n++][1] = f->len[tf];
	}
	while (n > BR_FTS__PAIRS)
		n = merge_cheapest(p, n);
	memset(out, 0, sizeof *out);
	memcpy(out->pair, p, n * sizeof *p);
}

bool br_fts__bound_covers(const struct br_fts__bound *b, uint32_t tf, uint32_t len)
{
	for (int i = 0; i < BR_FTS__PAIRS && b->pair[2 * i]; i++)
		if ((b->pair[2 * i] >= tf || b->pair[2 * i] == 255) && br_fts__len_floor(b->pair[2 * i + 1]) <= len)
			return true;
	return false;
}
