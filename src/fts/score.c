/* Scores of chunks that somebody else found (the vector search, say): the numbers br_fts_search would have given them. */
#include "search.h"

static int score_chunk(float *score, uint64_t *matched, struct br_fts__lists *l, const struct br_fts_query *q, uint32_t chunk, struct br_err *err)
{
	double sum = 0;
	uint64_t bits = 0;
	for (size_t g = 0; g < q->groups.n; g++) {
		const struct br_fts_group *group = &q->groups.v[g];
		uint32_t tf;
		int rc = br_fts__group_tf(&tf, l, (uint32_t)g, chunk, err);
		if (rc < 0)
			return rc;
		if (!tf)
			continue;
		bits |= g < 64 ? 1ull << g : 0;
		if (group->kind != BR_GROUP_NOT)
			sum += br_fts__part(&l->bm25, group->idf * (float)group->count, tf, br_fts__len_at(l, chunk % BR_FTS__LEN_BLOCK));
	}
	*score = (float)sum;
	if (matched)
		*matched = bits;
	return 0;
}

int br_fts_score(float *score, uint64_t *matched, struct br_txn *t, uint32_t nb, const struct br_fts_query *q, const uint32_t *chunk, size_t n, struct br_err *err)
{
	struct br_fts__lists l;
	int rc = br_fts__lists_open(&l, t, nb, q, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (chunk[i] >= l.ever || (i && chunk[i] <= chunk[i - 1]))
			rc = br_fail(err, BR_EBUG, "chunks to score must ascend and exist: %u of notebook %u", chunk[i], nb);
		if (rc == 0 && (rc = br_fts__lists_len(&l, chunk[i] / BR_FTS__LEN_BLOCK)) == 0)
			rc = score_chunk(&score[i], matched ? &matched[i] : NULL, &l, q, chunk[i], err);
	}
	br_fts__lists_close(&l);
	return rc;
}
