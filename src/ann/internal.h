/* ann, inside: what the kernels and the scan share. */
#ifndef BR_ANN_INTERNAL_H
#define BR_ANN_INTERNAL_H

#include "br/ann.h"
#include "plugin.h"

/* sum|q| stays at or below this, so that a dot product with any int8 row (-128 included) fits an int32. */
#define BR_ANN__MAX_L1 (INT32_MAX / 128)

/* Bytes ahead of the row in hand that are asked for from memory: a dozen rows of 256. */
#define BR_ANN__AHEAD 3072

/* The best kernel of this processor for rows of `dim`. */
br_dot_fn *br_ann__dot(uint32_t dim);

/* ---- tally.c: cosines of a group of rows ---- */

#define BR_ANN__MAX_COSINE 1.5 /* unit vectors have no larger one: beyond it, or NaN, a row's scale is damaged */

struct br_ann__sums {
	uint64_t n;
	int64_t sum;              /* of round(cosine * 2^30): the sums do not depend on the order of the rows */
	__int128 sq;              /* of its squares */
	bool damaged;             /* a row had an impossible cosine; it is not in the sums */
};
struct br_ann__group {
	const int32_t *dot;       /* [n] */
	const char *scales;       /* [n] little-endian f32, any alignment; 0: the row has no vector */
	double scale;             /* of the query */
	uint32_t n;               /* at most 64 */
};
/* Adds the rows' cosines to s; a bit for each row whose cosine as f32 is at least `floor`. All ways give the same bits. */
typedef uint64_t br_ann__tally_fn(struct br_ann__sums *s, const struct br_ann__group *g, float floor);
br_ann__tally_fn br_ann__tally_scalar, br_ann__tally_avx2;
br_ann__tally_fn *br_ann__tally(void);
void br_ann__sums_add(struct br_ann__sums *s, double cosine);

static inline float br_ann__group_scale(const struct br_ann__group *g, uint32_t i)
{
	float f;
	memcpy(&f, g->scales + 4 * (size_t)i, 4);
	return f;
}
static inline double br_ann__cosine(const struct br_ann__group *g, uint32_t i)
{
	return (double)g->dot[i] * (double)br_ann__group_scale(g, i) * g->scale;
}

/* ---- exact.c ---- */

/* Rows from `from` on go into top; stats (NULL: not wanted) as br_ann_search, without the way. */
int br_ann__scan(struct br_topk *top, struct br_ann_stats *stats, const struct br_ann_source *src, uint32_t from, const struct br_ann_query *q,
		 const struct br_bits *keep, struct br_err *err);
/* mean, sigma and scored of n rows that stand one behind the other; row[i] is the number of each. */
int br_ann__sample_stats(struct br_ann_stats *out, const struct br_ann_block *b, const uint32_t *row, const struct br_ann_query *q,
			 const struct br_bits *keep, struct br_err *err);
float br_ann__scale(const struct br_ann_block *b, uint32_t i);

/* ---- load.c ---- */

const struct br_ann_plugin *br_ann__plugin(struct br_err *err); /* NULL: UNSUPPORTED */
int br_ann__blas(struct br_err *err);                           /* before anything is built */
void br_ann__blas_threads(int n);                               /* of OpenBLAS; other BLAS have their own ways */

/* ---- sample.c: what stands behind FAISS's own bytes in an index file ---- */

#define BR_ANN__SAMPLE 4096u
struct br_ann__tail {
	const uint32_t *map;      /* [vectors] row of each entry; NULL: labels are rows */
	const uint32_t *row;      /* [rows.n] numbers of the rows in the sample, ascending */
	struct br_ann_block rows;
};
/* Padding and tail for the entries row[0 .. n - 1], behind the `at` bytes that are written. */
int br_ann__tail_write(int fd, uint64_t at, const struct br_ann_source *src, const uint32_t *row, uint32_t n, bool with_map, struct br_err *err);
int br_ann__tail_read(struct br_ann__tail *out, struct br_slice file, const struct br_ann_file *f, struct br_err *err);
bool br_ann__numbered(enum br_ann_kind kind); /* entries are numbered as they come: the file has a map */

/* ---- index.c ---- */

/* Candidates for k hits at this effort, exact cosines in place of FAISS's, into top; returns how many were rescored. */
int br_ann__candidates(struct br_topk *top, const struct br_ann_index *ix, const struct br_ann_source *src, const struct br_ann_query *q,
		       const struct br_bits *keep, uint32_t effort, struct br_err *err);

#endif
