/*
 * Signatures: what a document's text has in common with another's, estimated from 128 bytes each. One-permutation MinHash: each run of
 * four words falls by its hash into one of 128 bins, each bin keeps its least hash, of which one byte is stored. The share of bins
 * in which two signatures agree estimates the share of runs that two texts have in common (Jaccard). Layout: man/br-index.5.
 */
#include "internal.h"

enum {
	KIND = 1,
	RUN = 4,                /* words of a run */
	LEAST_WORDS = 20,       /* a shorter text says too little about itself */
	BIN_SHIFT = 57,         /* upper 7 bits: the bin */
};
static const uint64_t MULTIPLY = 0x9E3779B97F4A7C15u, MIX = 0xC2B2AE3D27D4EB4Fu;

void signer_begin(struct signer *s)
{
	memset(s->least, 0xff, sizeof s->least);
	memset(s->word, 0, sizeof s->word);
	s->words = 0;
}

static inline uint64_t run_hash(const uint32_t w[RUN])
{
	uint64_t h = w[0];

	for (int i = 1; i < RUN; i++)
		h = h * MULTIPLY + w[i];
	h = (h ^ h >> 32) * MIX;
	return h ^ h >> 29;
}

void signer_add(struct signer *s, const uint32_t *hash, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		memmove(s->word, s->word + 1, (RUN - 1) * sizeof *s->word);
		s->word[RUN - 1] = hash[i];
		if (++s->words >= RUN) {
			uint64_t h = run_hash(s->word), *least = &s->least[h >> BIN_SHIFT];
			*least = BR_MIN(*least, h);
		}
	}
}

struct br_slice signer_end(const struct signer *s, char out[SIGNATURE])
{
	if (s->words < LEAST_WORDS)
		return br_slice("", 0);
	out[0] = KIND;
	for (int i = 0; i < SIGNATURE_BINS; i++) /* 0: no run fell into this bin */
		out[1 + i] = s->least[i] == UINT64_MAX ? 0 : (char)(1 + (s->least[i] & 0xffffff) % 255);
	return br_slice(out, SIGNATURE);
}

double br_doc_similarity(const struct br_doc *a, const struct br_doc *b)
{
	const char *x = a->signature.ptr, *y = b->signature.ptr;
	int same = 0, none = 0;
	double p;

	if (a->signature.len != SIGNATURE || b->signature.len != SIGNATURE || x[0] != KIND || y[0] != KIND)
		return 0;
	for (int i = 1; i <= SIGNATURE_BINS; i++) {
		same += x[i] == y[i];
		none += !x[i] & !y[i];
	}
	if (none == SIGNATURE_BINS)
		return 0;
	p = (double)(same - none) / (SIGNATURE_BINS - none);
	return BR_MAX(0.0, (p - 1.0 / 255) / (1 - 1.0 / 255)); /* one agreement in 255 is chance */
}
