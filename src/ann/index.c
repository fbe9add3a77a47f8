/*
 * Searching by an index: FAISS names candidates, their exact cosines decide, newer rows are scanned. Where few rows are kept, or
 * the index finds too little, the exact scan answers.
 */
#include "internal.h"

#include "br/os.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FEW_ROWS 20000u     /* of kept rows, or a tenth of all: an index would be slower, and poor */
#define FEW_SAMPLED 256u    /* rows of the sample that are kept: mean and sigma would be off by more than 5 % */

struct br_ann_index {
	const struct br_ann_plugin *plugin;
	struct br_ann_file file;
	struct br_map map;           /* of the file: the tail is used in place */
	struct br_ann__tail tail;
	void *faiss;
};

static const char *const kind_names[] = {
#define X(name, what) #name,
	BR_ANN_KIND_LIST(X)
#undef X
};

const char *br_ann_kind_name(enum br_ann_kind kind)
{
	return kind_names[kind];
}

bool br_ann_kind_parse(enum br_ann_kind *out, const char *name)
{
	for (int k = 0; k < BR_ANN_KIND_COUNT; k++) {
		if (strcmp(kind_names[k], name) == 0) {
			*out = (enum br_ann_kind)k;
			return true;
		}
	}
	return false;
}

/* ---- opening ---- */

void br_ann_index_close(struct br_ann_index *ix)
{
	if (!ix)
		return;
	if (ix->faiss)
		ix->plugin->free(ix->faiss);
	br_unmap(&ix->map);
	free(ix);
}

const struct br_ann_file *br_ann_index_file(const struct br_ann_index *ix)
{
	return &ix->file;
}

static bool map_in_range(const struct br_ann_index *ix)
{
	for (uint32_t i = 0; ix->tail.map && i < ix->file.vectors; i++)
		if (ix->tail.map[i] >= ix->file.rows)
			return false;
	return true;
}

static int open_faiss(struct br_ann_index *ix, const char *path, struct br_err *err)
{
	const struct br_ann_plugin *p = ix->plugin;

	if (p->open(&ix->faiss, path, ix->file.lists > 0) < 0)
		return br_fail(err, BR_ECORRUPT, "FAISS cannot read the index: %s", p->error());
	if (p->count(ix->faiss) != ix->file.vectors || p->dim(ix->faiss) != ix->file.dim || p->lists(ix->faiss) != ix->file.lists)
		return br_fail(err, BR_ECORRUPT, "the index holds something else than it should");
	return 0;
}

int br_ann_index_open(struct br_ann_index **out, const char *path, const struct br_ann_file *file, struct br_err *err)
{
	const struct br_ann_plugin *plugin = br_ann__plugin(err);
	struct br_ann_index *ix;
	int rc;

	*out = NULL;
	if (!plugin)
		return -BR_EUNSUPPORTED;
	ix = br_alloc(sizeof *ix);
	ix->plugin = plugin;
	ix->file = *file;
	if ((rc = br_map_file(&ix->map, path, err)) < 0 || (rc = br_ann__tail_read(&ix->tail, br_slice(ix->map.ptr, ix->map.len), file, err)) < 0)
		goto out;
	if (!map_in_range(ix))
		rc = br_fail(err, BR_ECORRUPT, "index file has a damaged tail");
	else
		rc = open_faiss(ix, path, err);
out:
	if (rc < 0)
		br_ann_index_close(ix);
	else
		*out = ix;
	return rc;
}

int br_ann_index_fits(const struct br_ann_index *ix, const struct br_ann_source *src, struct br_err *err)
{
	const struct br_ann_block *mine = &ix->tail.rows;
	uint32_t dim = ix->file.dim, looks = BR_MIN(mine->n, 16u);

	if (src->dim != dim || src->rows < ix->file.rows)
		return 0;
	for (uint32_t k = 0; k < looks; k++) {
		uint32_t i = (uint32_t)((uint64_t)k * mine->n / looks), row = ix->tail.row[i], at = row % src->per_block;
		struct br_ann_block b = { 0 };
		int rc;
		if (row >= src->rows)
			return 0;
		if ((rc = src->block(&b, row / src->per_block, src->arg, err)) < 0)
			return rc;
		if (!b.code || at >= b.n || memcmp(b.scale + 4 * (size_t)at, mine->scale + 4 * (size_t)i, 4) ||
		    memcmp(b.code + (size_t)at * dim, mine->code + (size_t)i * dim, dim))
			return 0;
	}
	return 1;
}

/* ---- candidates ---- */

/* How many candidates are asked of FAISS: its codes are coarser than ours, product codes much so. */
static uint32_t candidate_count(const struct br_ann_index *ix, uint32_t k)
{
	uint64_t n = ix->file.kind == BR_ANN_pq ? BR_MAX(200u, 10ull * k) : BR_MAX(40u, 2ull * k);

	return (uint32_t)BR_MIN(n, (uint64_t)ix->file.vectors);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Labels as rows, ascending, so that rows of one block are fetched together; what no row can be is left out. */
static uint32_t sort_rows(uint32_t *row, const int64_t *label, uint32_t n, uint32_t rows)
{
	uint32_t m = 0, k = 0;

	for (uint32_t i = 0; i < n; i++)
		if (label[i] >= 0 && label[i] < (int64_t)rows)
			row[m++] = (uint32_t)label[i];
	qsort(row, m, sizeof *row, by_number);
	for (uint32_t i = 0; i < m; i++)
		if (!i || row[i] != row[i - 1])
			row[k++] = row[i];
	return k;
}

static int rescore(struct br_topk *top, const struct br_ann_source *src, const struct br_ann_query *q, const struct br_bits *keep,
		   const uint32_t *row, float *score, uint32_t n, struct br_err *err)
{
	int rc = br_ann_score(score, src, q, row, n, err);

	for (uint32_t i = 0; i < n && rc == 0; i++)
		if (!isnan(score[i]) && (!keep || br_bits_get(keep, row[i])))
			br_topk_push(top, (struct br_hit){ row[i], score[i] });
	return rc;
}

int br_ann__candidates(struct br_topk *top, const struct br_ann_index *ix, const struct br_ann_source *src, const struct br_ann_query *q,
		       const struct br_bits *keep, uint32_t effort, struct br_err *err)
{
	uint32_t n = candidate_count(ix, top->k), found;
	struct br_ann_params params = { .keep = keep ? keep->w : NULL, .keep_bits = keep ? keep->n : 0, .row = ix->tail.map, .effort = effort };
	int64_t *label = br_allocn(n + 1, sizeof *label);
	uint32_t *row = br_allocn(n + 1, sizeof *row);
	float *score = br_allocn(n + 1, sizeof *score), x[BR_ANN_MAX_DIM];
	int rc;

	for (uint32_t d = 0; d < q->dim; d++)
		x[d] = (float)(q->code[d] * q->scale);
	if (ix->plugin->search(ix->faiss, x, &params, n, score, label) < 0) {
		rc = br_fail(err, BR_EUNSUPPORTED, "FAISS cannot search: %s", ix->plugin->error());
	} else {
		found = sort_rows(row, label, n, ix->file.rows);
		rc = rescore(top, src, q, keep, row, score, found, err);
		rc = rc < 0 ? rc : (int)found;
	}
	free(label);
	free(row);
	free(score);
	return rc;
}

/* ---- finding ---- */

static int exact(struct br_topk *out, struct br_ann_stats *stats, const struct br_ann_source *src, const struct br_ann_query *q,
		 const struct br_bits *keep, const char *why, struct br_err *err)
{
	int rc;

	out->n = 0;
	rc = br_ann_search(out, stats, src, q, keep, err);
	if (rc == 0 && *why)
		snprintf(stats->way, sizeof stats->way, "exact scan: %.140s", why);
	return rc;
}

/* What calibration found for 10 and 100 hits; more for more hits, and for kept rows that stand among others. */
static uint32_t effort_for(const struct br_ann_file *f, uint32_t k, double share)
{
	double want = f->effort[k > 10] * BR_MAX(1.0, k / 100.0) / share, most = f->lists ? f->lists : f->vectors;

	return (uint32_t)BR_MIN(ceil(want), most);
}

static void tell_way(char *way, size_t size, const struct br_ann_file *f, uint32_t effort, int rescored, uint32_t newer)
{
	int n = snprintf(way, size, "%s", br_ann_kind_name(f->kind));

	if (f->lists)
		n += snprintf(way + n, size - (size_t)n, ", nprobe %u of %u", effort, f->lists);
	else if (f->kind == BR_ANN_hnsw)
		n += snprintf(way + n, size - (size_t)n, ", ef %u", effort);
	n += snprintf(way + n, size - (size_t)n, ", %d rescored", rescored);
	if (newer)
		snprintf(way + n, size - (size_t)n, ", %u newer rows scanned", newer);
}

/* Why the index is not asked, or "". */
static void reason_for_scan(char *why, size_t size, const struct br_ann_index *ix, const struct br_ann_source *src, uint32_t k, uint32_t kept)
{
	*why = 0;
	if (src->rows < ix->file.rows)
		snprintf(why, size, "the index is newer than what is searched");
	else if (kept < src->rows && kept < BR_MAX(FEW_ROWS, src->rows / 10))
		snprintf(why, size, "filter keeps %.1f %% of %u rows", 100.0 * kept / src->rows, src->rows);
	else if (k >= ix->file.vectors / 8)
		snprintf(why, size, "%u hits of %u rows are asked for", k, src->rows);
}

int br_ann_find(struct br_topk *out, struct br_ann_stats *stats, const struct br_ann_index *ix, const struct br_ann_source *src,
		const struct br_ann_query *q, const struct br_bits *keep, struct br_err *err)
{
	uint32_t kept = keep ? br_bits_count(keep) : src->rows, effort;
	struct br_err why = { 0 };
	int rc, rescored;

	if (!ix)
		return exact(out, stats, src, q, keep, "", err);
	reason_for_scan(why.msg, sizeof why.msg, ix, src, out->k, kept);
	if (*why.msg)
		return exact(out, stats, src, q, keep, why.msg, err);
	if ((rc = br_ann__sample_stats(stats, &ix->tail.rows, ix->tail.row, q, keep, err)) < 0)
		return rc;
	if (stats->scored < BR_MIN(FEW_SAMPLED, ix->file.vectors))
		return exact(out, stats, src, q, keep, "filter keeps too little of the sample", err);
	effort = effort_for(&ix->file, out->k, (double)kept / src->rows);
	rescored = br_ann__candidates(out, ix, src, q, keep, effort, &why);
	if (rescored == -BR_EUNSUPPORTED)
		return exact(out, stats, src, q, keep, why.msg, err);
	if (rescored < 0) {
		if (err)
			*err = why;
		return rescored;
	}
	if (out->n < out->k)
		return exact(out, stats, src, q, keep, "the index found too few", err);
	if ((rc = br_ann__scan(out, NULL, src, ix->file.rows, q, keep, err)) < 0)
		return rc;
	tell_way(stats->way, sizeof stats->way, &ix->file, effort, rescored, src->rows - ix->file.rows);
	br_topk_sort(out);
	return 0;
}
