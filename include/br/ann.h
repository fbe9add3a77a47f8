/*
 * ann - nearest neighbours over rows of scaled int8: the exact scan, which is the reference, and indexes of FAISS for many rows.
 * Use:     fill a br_ann_source (where rows come from), br_ann_query_init, br_ann_search; or br_ann_build once, br_ann_index_open, br_ann_find.
 * Values:  a row r stands for the vector scale[r] * code[r][0..dim); the query is int16 with one scale. A dot product is the exact
 *          integer sum, times both scales in double: bit-equal in scalar, AVX2 and AVX-512 code.
 * Threads: no state but the plugin, loaded once; any number at once. An index that is open may be searched by many threads.
 */
#ifndef BR_ANN_H
#define BR_ANN_H

#include "br/bits.h"

#define BR_ANN_MAX_DIM 4096
#define BR_ANN_MAX_THREADS 8 /* of one scan: more wait for memory only */

struct br_ann_block {
	const int8_t *code;   /* [n][dim], any alignment; NULL: no row of this block has a vector */
	const char *scale;    /* n little-endian f32, any alignment; 0: this row has no vector */
	uint32_t n;           /* rows in this block */
};
struct br_ann_source {
	uint32_t rows, dim, per_block; /* row = block * per_block + i */
	int (*block)(struct br_ann_block *out, uint32_t block, void *arg, struct br_err *err);
	void *arg;
	unsigned threads;              /* that may share an exact scan, each calling block after the caller has; 0 and 1: the caller alone */
};
struct br_ann_query {
	int16_t code[BR_ANN_MAX_DIM];
	double scale;
	uint32_t dim;
};
struct br_ann_stats {
	double mean, sigma;   /* of the cosine over all kept rows that have a vector, or over the kept ones of a sample */
	uint64_t scored;      /* rows these two come from */
	char way[160];        /* "exact scan"; "ivf, nprobe 16 of 1024, 200 rescored, 312 newer rows scanned" */
};
/* From a unit vector of floats (or anything proportional: it is normalised). */
void br_ann_query_init(struct br_ann_query *q, const float *v, uint32_t dim);
/* From integer sums; false when all are zero. */
bool br_ann_query_from_sums(struct br_ann_query *q, const int32_t *sum, uint32_t dim);
/*
 * Best k rows by cosine among `keep` (NULL: all) into `out`, which br_topk_init made; they come out sorted, best first.
 * mean and sigma are exact, and the same in whatever order the rows stand. CORRUPT for a row that no unit vector can be.
 */
BR_MUST_USE int br_ann_search(struct br_topk *out, struct br_ann_stats *stats, const struct br_ann_source *src, const struct br_ann_query *q, const struct br_bits *keep, struct br_err *err);
/* Cosines of given rows; NAN for a row without a vector. */
BR_MUST_USE int br_ann_score(float *out, const struct br_ann_source *src, const struct br_ann_query *q, const uint32_t *row, size_t n, struct br_err *err);

/* ---- indexes: FAISS in libbr-ann.so, loaded when the first one is built or opened ---- */

#define BR_ANN_KIND_LIST(X)                                                        \
	X(flat, "32-bit floats, exact")                                            \
	X(sq8,  "8-bit codes, exact")                                              \
	X(ivf,  "8-bit codes in inverted lists")                                   \
	X(hnsw, "8-bit codes in a graph: slow to build, poor with filters")        \
	X(pq,   "product codes in inverted lists: an eighth of the memory")
enum br_ann_kind {
#define X(name, what) BR_ANN_##name,
	BR_ANN_KIND_LIST(X)
#undef X
	BR_ANN_KIND_COUNT
};
const char *br_ann_kind_name(enum br_ann_kind kind);
bool br_ann_kind_parse(enum br_ann_kind *out, const char *name);

/* What is to be known of an index file beside its bytes. */
struct br_ann_file {
	enum br_ann_kind kind;
	char factory[48];       /* of FAISS: "IVF1024,SQ8" */
	uint32_t dim;
	uint32_t rows;          /* 0 .. rows - 1 are covered */
	uint32_t vectors;       /* of these are in it: live ones that have a vector */
	uint32_t lists;         /* inverted lists; 0: none */
	uint32_t effort[2];     /* nprobe or efSearch for up to 10 and for up to 100 hits, as calibrated; 0: no such thing */
	double recall[2];       /* reached in the calibration, of 10 and of 100 */
	uint64_t faiss_bytes;   /* written by FAISS; a sample of the rows, ours, follows */
};
struct br_ann_build_opts {
	unsigned threads;
	void (*progress)(const char *doing, double share, void *arg); /* may be NULL */
	void *arg;
};
/*
 * Writes a new file at path, synced: the rows of src that `live` has (NULL: all). FULL, IO, NOMEM, CANCELLED; UNSUPPORTED when the
 * plugin or BLAS is not installed; NOTFOUND when no row has a vector. Reads src many times over: it should be in memory.
 */
BR_MUST_USE int br_ann_build(struct br_ann_file *out, const char *path, const struct br_ann_source *src, const struct br_bits *live,
			     enum br_ann_kind kind, const struct br_ann_build_opts *opts, struct br_err *err);

struct br_ann_index;
/* FAISS trusts what it reads: the caller knows by a hash that the file is as it was built. CORRUPT: it does not fit `file`. */
BR_MUST_USE int br_ann_index_open(struct br_ann_index **out, const char *path, const struct br_ann_file *file, struct br_err *err);
void br_ann_index_close(struct br_ann_index *ix);
const struct br_ann_file *br_ann_index_file(const struct br_ann_index *ix);
/* 1: a few rows of src, spread evenly, are those that were indexed; 0: they are not. */
BR_MUST_USE int br_ann_index_fits(const struct br_ann_index *ix, const struct br_ann_source *src, struct br_err *err);
/*
 * As br_ann_search, by an index (NULL: exact scan): its candidates get their exact cosines, and rows behind those it covers are
 * scanned. Few kept rows are scored one by one instead. mean and sigma come from a sample of 4,096 rows.
 */
BR_MUST_USE int br_ann_find(struct br_topk *out, struct br_ann_stats *stats, const struct br_ann_index *ix, const struct br_ann_source *src,
			    const struct br_ann_query *q, const struct br_bits *keep, struct br_err *err);

/* "1.7.3", or NULL and why the plugin cannot be used. BR_ANN_LIB names another file than the one beside br or in its library folder. */
const char *br_ann_faiss(struct br_err *err);
/* For tests: names of FAISS functions that our kernels replace, and whether each was called since the last look. */
size_t br_ann_wrapped(const char *const **name, bool *called, size_t max);

/* ---- kernels, chosen once by what the processor has; BR_SIMD=scalar|avx2|avx512 forces one ---- */

typedef void br_dot_fn(int32_t *out, const int8_t *rows, size_t n, size_t dim, const int16_t *q); /* dim a multiple of 32, rows dense */
enum br_simd { BR_SIMD_SCALAR, BR_SIMD_AVX2, BR_SIMD_AVX512 };
enum br_simd br_simd_level(void);
const char *br_simd_name(enum br_simd level);
br_dot_fn br_dot_scalar, br_dot_avx2, br_dot_avx512;

#endif
