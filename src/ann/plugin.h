/*
 * What libbr-ann.so offers to br: one table of functions over FAISS, found by dlsym under BR_ANN_PLUGIN_SYMBOL.
 * Functions return 0 or a negative value, and then error() says why in the calling thread. No exception leaves the plugin.
 */
#ifndef BR_ANN_PLUGIN_H
#define BR_ANN_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BR_ANN_PLUGIN_ABI 1
#define BR_ANN_PLUGIN_SYMBOL "br_ann_plugin"

struct br_ann_params {
	const uint64_t *keep;   /* bitmap over rows; NULL: all */
	size_t keep_bits;
	const uint32_t *row;    /* row of each entry, where entries are numbered 0, 1 ...; NULL: labels are rows */
	uint32_t effort;        /* nprobe of IVF, efSearch of HNSW */
};

struct br_ann_plugin {
	uint32_t abi;
	const char *version;    /* of FAISS: "1.7.3" */
	const char *(*error)(void);
	/* Building uses BLAS, which the caller has loaded; threads and stop hold for the calling thread's builds. */
	int (*make)(void **index, int dim, const char *factory);
	void (*building)(int threads, bool (*stop)(void));
	int (*train)(void *index, const float *x, size_t n);
	int (*add)(void *index, const float *x, const int64_t *id, size_t n); /* id NULL: numbered as they come */
	int (*save)(const void *index, int fd);          /* at the descriptor's place; errno says what failed */
	/* Searching: by any number of threads, each on its own. `map`: inverted lists stay in the file and are mapped. */
	int (*open)(void **index, const char *path, bool map);
	/* The best k by inner product with q, unordered; label -1: fewer were found. */
	int (*search)(const void *index, const float *q, const struct br_ann_params *p, size_t k, float *score, int64_t *label);
	uint64_t (*count)(const void *index);
	uint32_t (*dim)(const void *index);
	uint32_t (*lists)(const void *index);  /* inverted lists; 0: it has none */
	void (*free)(void *index);
	/* Names of the functions of FAISS that our kernels stand in for, and whether each was called since the last look. */
	size_t (*wrapped)(const char *const **name, bool *called, size_t max);
};

#endif
