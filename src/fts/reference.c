/*
 * The plain way: every posting of every list, then every chunk. Kept for tests, where it must give what search.c gives,
 * and small enough to be believed.
 */
#include "search.h"

#include <stdlib.h>

/* Adds the tf of one list to tf[chunk]. */
static int add_list(uint32_t *tf, struct br_fts__postings *p, struct br_err *err)
{
	struct br_fts__cursor *c = &p->scan;
	for (;;) {
		int rc = br_fts__cursor_chunks(c, p, err);
		if (rc < 0)
			return rc;
		br_fts__cursor_tfs(c);
		for (uint32_t i = 0; i < c->n; i++)
			if (c->chunk[i] < p->ever)
				tf[c->chunk[i]] += c->tf[i];
		if (c->spot.seg == p->n_segs)
			return 0;
		if ((rc = br_fts__cursor_next(c, p, err)) < 0)
			return rc;
	}
}

struct tally {
	double *score;
	uint32_t *tf, *must; /* of one group; MUST groups found */
	bool *out, *any;     /* a NOT group was found; another was */
};

static int add_group(struct tally *a, struct br_fts__lists *l, const struct br_fts_group *g, uint32_t number, struct br_err *err)
{
	int rc = 0;
	memset(a->tf, 0, l->ever * sizeof *a->tf);
	for (uint32_t i = l->first[number]; rc == 0 && i < l->first[number + 1]; i++)
		rc = add_list(a->tf, l->list[i], err);
	for (uint32_t c = 0; rc == 0 && c < l->ever; c++) {
		if (!a->tf[c])
			continue;
		if (g->kind == BR_GROUP_NOT) {
			a->out[c] = true;
			continue;
		}
		if ((rc = br_fts__lists_len(l, c / BR_FTS__LEN_BLOCK)) < 0)
			break;
		a->score[c] += br_fts__part(&l->bm25, g->idf * (float)g->count, a->tf[c], br_fts__len_at(l, c % BR_FTS__LEN_BLOCK));
		a->any[c] = true;
		a->must[c] += g->kind == BR_GROUP_MUST;
	}
	return rc;
}

static void collect(struct br_topk *out, const struct tally *a, uint32_t ever, uint32_t musts, const struct br_fts_want *want)
{
	for (uint32_t c = 0; c < ever; c++) {
		struct br_hit hit = { c, (float)a->score[c] };
		if (!a->any[c] || a->out[c] || a->must[c] != musts || (want->keep && !br_bits_get(want->keep, c)))
			continue;
		if (br_hit_before(hit, br_topk_worst(out)) && (!want->accept || want->accept(c, want->arg)))
			br_topk_push(out, hit);
	}
}

int br_fts__exhaustive(struct br_topk *out, struct br_fts__lists *l, const struct br_fts_query *q, const struct br_fts_want *want, struct br_err *err)
{
	/* Memory is taken on the word of a record: the last lengths must be there. */
	int rc = l->ever ? br_fts__lists_len(l, (l->ever - 1) / BR_FTS__LEN_BLOCK) : 0;
	if (rc < 0)
		return rc;
	size_t n = (size_t)l->ever + 1;
	struct tally a = { br_allocn(n, sizeof *a.score), br_allocn(n, sizeof *a.tf), br_allocn(n, sizeof *a.must), br_allocn(n, 1), br_allocn(n, 1) };
	uint32_t musts = 0;
	for (size_t g = 0; rc == 0 && g < q->groups.n; g++) {
		rc = add_group(&a, l, &q->groups.v[g], (uint32_t)g, err);
		musts += q->groups.v[g].kind == BR_GROUP_MUST;
	}
	if (rc == 0)
		collect(out, &a, l->ever, musts, want);
	free(a.score);
	free(a.tf);
	free(a.must);
	free(a.out);
	free(a.any);
	return rc;
}
