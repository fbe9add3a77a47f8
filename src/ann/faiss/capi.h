/*
 * The C interface of FAISS as far as we use it: the official headers, whose functions Debian's archive does not contain (capi.cc
 * has them), what later versions of FAISS add to them under the names they have there, and a few of our own (br_faiss_*).
 */
#ifndef BR_FAISS_CAPI_H
#define BR_FAISS_CAPI_H

#ifdef __cplusplus
extern "C" {
#else
#include <stdbool.h>
#endif

#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/impl/AuxIndexStructures_c.h>
#include <faiss/c_api/index_factory_c.h>
#include <faiss/c_api/index_io_c.h>

/* Map inverted lists instead of reading them. The official FAISS_IO_FLAG_MMAP (1) has no effect. */
#define BR_FAISS_IO_MMAP (0x646f0000 | 8)

/* ---- names of later versions ---- */
FAISS_DECLARE_CLASS(SearchParameters)
FAISS_DECLARE_DESTRUCTOR(SearchParameters)
int faiss_IDSelectorBitmap_new(FaissIDSelector **out, size_t n, const uint8_t *bitmap); /* n bytes */
int faiss_SearchParameters_new(FaissSearchParameters **out, FaissIDSelector *sel);
int faiss_SearchParametersIVF_new_with(FaissSearchParameters **out, FaissIDSelector *sel, size_t nprobe, size_t max_codes);
int faiss_Index_search_with_params(const FaissIndex *index, faiss_idx_t n, const float *x, faiss_idx_t k,
				   const FaissSearchParameters *params, float *distances, faiss_idx_t *labels);

/* ---- our own ---- */
const char *br_faiss_version(void);
int br_faiss_params_hnsw(FaissSearchParameters **out, FaissIDSelector *sel, int ef);
/* Keeps entry i when row[i] is set in the bitmap. */
int br_faiss_selector_mapped(FaissIDSelector **out, size_t n, const uint8_t *bitmap, const uint32_t *row);
enum br_faiss_type { BR_FAISS_PLAIN, BR_FAISS_IVF, BR_FAISS_HNSW };
enum br_faiss_type br_faiss_type(const FaissIndex *index);
size_t br_faiss_lists(const FaissIndex *index);
void br_faiss_blas(bool on);                    /* off: nothing calls BLAS, which may not be loaded */
void br_faiss_interrupt(bool (*stop)(void));    /* asked by long work; NULL: never stopped */
void br_faiss_tune(FaissIndex *index);          /* no warnings about few vectors on stderr, no prefetching threads, a denser graph */

#ifdef __cplusplus
}
#endif
#endif
