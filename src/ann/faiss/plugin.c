/*
 * The table of functions that br finds in libbr-ann.so, over the C interface of FAISS.
 */
#include "../plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capi.h"
#include "kernels.h"

/* Of libgomp. The number of threads is a matter of each calling thread: what one sets, another does not see. */
void omp_set_num_threads(int n);

struct br_ann_plugin *br_ann_plugin(void);

static int make(void **index, int dim, const char *factory)
{
	FaissIndex *ix = NULL;
	int rc = faiss_index_factory(&ix, dim, factory, METRIC_INNER_PRODUCT);

	if (rc == 0)
		br_faiss_tune(ix);
	*index = ix;
	return rc;
}

static void building(int threads, bool (*stop)(void))
{
	omp_set_num_threads(threads > 0 ? threads : 1);
	br_faiss_blas(threads > 0);
	br_faiss_interrupt(stop);
}

static int train(void *index, const float *x, size_t n) { return faiss_Index_train(index, (idx_t)n, x); }

static int add(void *index, const float *x, const int64_t *id, size_t n)
{
	return id ? faiss_Index_add_with_ids(index, (idx_t)n, x, id) : faiss_Index_add(index, (idx_t)n, x);
}

/* Through a FILE of our own: FAISS's would not notice what is lost when it is closed. */
static int save(const void *index, int fd)
{
	int own = dup(fd), rc, e;
	FILE *f = own < 0 ? NULL : fdopen(own, "wb");

	if (!f) {
		if (own >= 0)
			close(own);
		return -1;
	}
	errno = 0;
	rc = faiss_write_index(index, f);
	e = errno;
	if (fclose(f) != 0) {
		rc = -1;
		e = errno;
	}
	errno = e ? e : EIO;
	return rc;
}

static int open_file(void **index, const char *path, bool map)
{
	FaissIndex *ix = NULL;
	int rc = faiss_read_index_fname(path, map ? BR_FAISS_IO_MMAP : FAISS_IO_FLAG_READ_ONLY, &ix);

	if (rc == 0)
		br_faiss_tune(ix);
	*index = ix;
	return rc;
}

static int selector(FaissIDSelector **out, const struct br_ann_params *p)
{
	const uint8_t *bits = (const uint8_t *)p->keep; /* little-endian words: the same bitmap in bytes */
	size_t bytes = (p->keep_bits + 7) / 8;

	*out = NULL;
	if (!p->keep)
		return 0;
	return p->row ? br_faiss_selector_mapped(out, bytes, bits, p->row) : faiss_IDSelectorBitmap_new(out, bytes, bits);
}

static int params(FaissSearchParameters **out, const FaissIndex *index, FaissIDSelector *sel, uint32_t effort)
{
	switch (br_faiss_type(index)) {
	case BR_FAISS_IVF:
		return faiss_SearchParametersIVF_new_with(out, sel, effort, 0);
	case BR_FAISS_HNSW:
		return br_faiss_params_hnsw(out, sel, (int)effort);
	default:
		return faiss_SearchParameters_new(out, sel);
	}
}

/* HNSW looks at no more candidates than hits are asked for (or the index's own efSearch): so `effort` hits are asked for. */
static int search_wide(const FaissIndex *index, const float *q, const FaissSearchParameters *sp, size_t wide, size_t k, float *score, idx_t *label)
{
	float *scores = malloc(wide * sizeof *scores);
	idx_t *labels = malloc(wide * sizeof *labels);
	int rc = scores && labels ? faiss_Index_search_with_params(index, 1, q, (idx_t)wide, sp, scores, labels) : -1;

	if (rc == 0) {
		memcpy(score, scores, k * sizeof *score);
		memcpy(label, labels, k * sizeof *label);
	}
	free(scores);
	free(labels);
	return rc;
}

static int search(const void *index, const float *q, const struct br_ann_params *p, size_t k, float *score, int64_t *label)
{
	bool wide = br_faiss_type(index) == BR_FAISS_HNSW && p->effort > k;
	FaissSearchParameters *sp = NULL;
	FaissIDSelector *sel;
	int rc;

	omp_set_num_threads(1);
	if ((rc = selector(&sel, p)) == 0 && (rc = params(&sp, index, sel, p->effort)) == 0)
		rc = wide ? search_wide(index, q, sp, p->effort, k, score, label) : faiss_Index_search_with_params(index, 1, q, (idx_t)k, sp, score, label);
	faiss_SearchParameters_free(sp);
	faiss_IDSelector_free(sel);
	for (size_t i = 0; rc == 0 && p->row && i < k; i++)
		label[i] = label[i] < 0 ? -1 : (int64_t)p->row[label[i]];
	return rc;
}

static uint64_t count(const void *index) { return (uint64_t)faiss_Index_ntotal(index); }
static uint32_t dim(const void *index) { return (uint32_t)faiss_Index_d(index); }
static uint32_t lists(const void *index) { return (uint32_t)br_faiss_lists(index); }
static void free_index(void *index) { faiss_Index_free(index); }

static size_t wrapped(const char *const **name, bool *called, size_t max)
{
	static const char *const names[] = {
#define X(name) #name,
		BR_FAISS_WRAPPED(X)
#undef X
	};
	size_t n = max < BR_WRAPPED_COUNT ? max : BR_WRAPPED_COUNT;

	*name = names;
	for (size_t i = 0; i < n; i++)
		called[i] = __atomic_exchange_n(&br_faiss_called[i], 0, __ATOMIC_RELAXED);
	return n;
}

__attribute__((visibility("default"))) struct br_ann_plugin *br_ann_plugin(void)
{
	static struct br_ann_plugin table = {
		.abi = BR_ANN_PLUGIN_ABI,
		.error = faiss_get_last_error,
		.make = make, .building = building, .train = train, .add = add, .save = save,
		.open = open_file, .search = search, .count = count, .dim = dim, .lists = lists, .free = free_index,
		.wrapped = wrapped,
	};
	table.version = br_faiss_version();
	br_faiss_blas(false);
	return &table;
}
