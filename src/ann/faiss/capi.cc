/*
 * Functions of FAISS's C interface that Debian's archive lacks, and the two of ScalarQuantizer that `ld --wrap` sends here so
 * that 8-bit codes are scored by our kernels. This is the one C++ file; no exception leaves it.
 */
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <vector>

#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/impl/ScalarQuantizer.h>
#include <faiss/index_factory.h>
#include <faiss/index_io.h>
#include <faiss/invlists/DirectMap.h>
#include <faiss/invlists/OnDiskInvertedLists.h>
#include <faiss/utils/Heap.h>
#include <faiss/utils/distances.h>

#include "capi.h"
#include "kernels.h"

namespace {

thread_local char last_error[400];

template <class Work> int guarded(Work work) noexcept
{
	try {
		work();
		return 0;
	} catch (const faiss::FaissException &e) {
		snprintf(last_error, sizeof last_error, "%s", e.msg.c_str());
		return FAISS_EXCEPT;
	} catch (const std::exception &e) {
		snprintf(last_error, sizeof last_error, "%s", e.what());
		return STD_EXCEPT;
	} catch (...) {
		snprintf(last_error, sizeof last_error, "unknown exception");
		return UNKNOWN_EXCEPT;
	}
}

faiss::Index *in(FaissIndex *p) { return reinterpret_cast<faiss::Index *>(p); }
const faiss::Index *in(const FaissIndex *p) { return reinterpret_cast<const faiss::Index *>(p); }
faiss::IDSelector *in(FaissIDSelector *p) { return reinterpret_cast<faiss::IDSelector *>(p); }
const faiss::SearchParameters *in(const FaissSearchParameters *p) { return reinterpret_cast<const faiss::SearchParameters *>(p); }
FaissSearchParameters *out(faiss::SearchParameters *p) { return reinterpret_cast<FaissSearchParameters *>(p); }
FaissIDSelector *out(faiss::IDSelector *p) { return reinterpret_cast<FaissIDSelector *>(p); }

struct MappedSelector : faiss::IDSelector {
	faiss::IDSelectorBitmap bits;
	const uint32_t *row;
	MappedSelector(size_t n, const uint8_t *bitmap, const uint32_t *row) : bits(n, bitmap), row(row) {}
	bool is_member(idx_t id) const override { return bits.is_member(row[id]); }
};

struct Interrupt : faiss::InterruptCallback {
	bool (*stop)(void);
	explicit Interrupt(bool (*stop)(void)) : stop(stop) {}
	bool want_interrupt() override { return stop(); }
};

/* ---- 8-bit codes, inner product ---- */

struct Query { /* a query against one quantizer */
	std::vector<int16_t> w;
	struct br_sq8_query q;
	const float *min, *range;
	explicit Query(const faiss::ScalarQuantizer &sq)
		: w(sq.d), q(), min(sq.trained.data()), range(sq.trained.data() + sq.d)
	{
		q.w = w.data();
		q.dim = sq.d;
	}
	void set(const float *x) { br_sq8_query(&q, x, min, range); }
	float score(const uint8_t *code) const
	{
		int32_t s;
		br_sq8_dot(&s, code, 1, q.dim, q.w);
		return q.bias + q.scale * float(s);
	}
};

struct Distances : faiss::ScalarQuantizer::SQDistanceComputer {
	Query query;
	std::vector<float> lo, step;
	explicit Distances(const faiss::ScalarQuantizer &sq) : query(sq), lo(sq.d), step(sq.d)
	{
		code_size = sq.code_size;
		for (size_t d = 0; d < sq.d; d++) {
			step[d] = query.range[d] / 255;
			lo[d] = query.min[d] + 0.5f * step[d];
		}
	}
	void set_query(const float *x) override { query.set(q = x); }
	float query_to_code(const uint8_t *code) const override { return query.score(code); }
	float symmetric_dis(idx_t i, idx_t j) override
	{
		return br_sq8_pair(codes + i * code_size, codes + j * code_size, lo.data(), step.data(), lo.size());
	}
};

struct Scanner : faiss::InvertedListScanner {
	Query query;
	float base = 0; /* what the centre of the list adds to each score */
	bool by_residual;
	Scanner(const faiss::ScalarQuantizer &sq, bool store_pairs, const faiss::IDSelector *sel, bool by_residual)
		: InvertedListScanner(store_pairs, sel), query(sq), by_residual(by_residual)
	{
		keep_max = true;
		code_size = sq.code_size;
	}
	void set_query(const float *x) override { query.set(x); }
	void set_list(idx_t list, float coarse) override
	{
		list_no = list;
		base = by_residual ? coarse : 0;
	}
	float distance_to_code(const uint8_t *code) const override { return base + query.score(code); }
	/* In a mapped file the ids stand at any address. */
	static idx_t id_at(const idx_t *ids, size_t i)
	{
		idx_t id;
		memcpy(&id, reinterpret_cast<const char *>(ids) + i * sizeof id, sizeof id);
		return id;
	}
	idx_t label(const idx_t *ids, size_t i) const { return store_pairs ? idx_t(faiss::lo_build(list_no, i)) : id_at(ids, i); }
	bool wanted(const idx_t *ids, size_t i) const { return !sel || sel->is_member(store_pairs ? idx_t(i) : id_at(ids, i)); }

	/* Calls good(score, place) for every wanted code whose score is above bar(). */
	template <class Bar, class Good>
	void scan(size_t n, const uint8_t *codes, const idx_t *ids, Bar bar, Good good) const
	{
		const size_t group = 64;
		int32_t sum[group];

		for (size_t at = 0; at < n; at += group) {
			size_t m = n - at < group ? n - at : group;
			br_sq8_dot(sum, codes + at * code_size, m, query.q.dim, query.q.w);
			for (size_t i = 0; i < m; i++) {
				float score = base + query.q.bias + query.q.scale * float(sum[i]);
				if (score > bar() && wanted(ids, at + i))
					good(score, at + i);
			}
		}
	}
	size_t scan_codes(size_t n, const uint8_t *codes, const idx_t *ids, float *score, idx_t *labels, size_t k) const override
	{
		size_t updates = 0;

		scan(n, codes, ids, [&] { return score[0]; }, [&](float s, size_t i) {
			faiss::minheap_replace_top(k, score, labels, s, label(ids, i));
			updates++;
		});
		return updates;
	}
	void scan_codes_range(size_t n, const uint8_t *codes, const idx_t *ids, float radius, faiss::RangeQueryResult &res) const override
	{
		scan(n, codes, ids, [&] { return radius; }, [&](float s, size_t i) { res.add(s, label(ids, i)); });
	}
};

bool is_ours(const faiss::ScalarQuantizer *sq, faiss::MetricType metric)
{
	return sq->qtype == faiss::ScalarQuantizer::QT_8bit && metric == faiss::METRIC_INNER_PRODUCT && sq->trained.size() == 2 * sq->d;
}

} // namespace

/* ---- wrapped methods: `this` is the first parameter ---- */

#define GET_DISTANCE_COMPUTER(prefix) prefix##_ZNK5faiss15ScalarQuantizer21get_distance_computerENS_10MetricTypeE
#define SELECT_SCANNER(prefix) \
	prefix##_ZNK5faiss15ScalarQuantizer26select_InvertedListScannerENS_10MetricTypeEPKNS_5IndexEbPKNS_10IDSelectorEb

extern "C" {

faiss::ScalarQuantizer::SQDistanceComputer *GET_DISTANCE_COMPUTER(__real_)(const faiss::ScalarQuantizer *, faiss::MetricType);
faiss::ScalarQuantizer::SQDistanceComputer *GET_DISTANCE_COMPUTER(__wrap_)(const faiss::ScalarQuantizer *, faiss::MetricType);
faiss::InvertedListScanner *SELECT_SCANNER(__real_)(const faiss::ScalarQuantizer *, faiss::MetricType, const faiss::Index *, bool,
						    const faiss::IDSelector *, bool);
faiss::InvertedListScanner *SELECT_SCANNER(__wrap_)(const faiss::ScalarQuantizer *, faiss::MetricType, const faiss::Index *, bool,
						    const faiss::IDSelector *, bool);

faiss::ScalarQuantizer::SQDistanceComputer *GET_DISTANCE_COMPUTER(__wrap_)(const faiss::ScalarQuantizer *sq, faiss::MetricType metric)
{
	if (!is_ours(sq, metric))
		return GET_DISTANCE_COMPUTER(__real_)(sq, metric);
	br_faiss_mark(BR_WRAPPED_sq8_distance_computer);
	return new Distances(*sq);
}

faiss::InvertedListScanner *SELECT_SCANNER(__wrap_)(const faiss::ScalarQuantizer *sq, faiss::MetricType metric, const faiss::Index *coarse,
						    bool store_pairs, const faiss::IDSelector *sel, bool by_residual)
{
	if (!is_ours(sq, metric))
		return SELECT_SCANNER(__real_)(sq, metric, coarse, store_pairs, sel, by_residual);
	br_faiss_mark(BR_WRAPPED_sq8_scanner);
	return new Scanner(*sq, store_pairs, sel, by_residual);
}

/* ---- the C interface ---- */

const char *faiss_get_last_error() { return last_error; }

int faiss_index_factory(FaissIndex **p, int d, const char *description, FaissMetricType metric)
{
	return guarded([&] { *p = reinterpret_cast<FaissIndex *>(faiss::index_factory(d, description, faiss::MetricType(metric))); });
}

int faiss_Index_train(FaissIndex *index, idx_t n, const float *x)
{
	return guarded([&] { in(index)->train(n, x); });
}

int faiss_Index_add(FaissIndex *index, idx_t n, const float *x)
{
	return guarded([&] { in(index)->add(n, x); });
}

int faiss_Index_add_with_ids(FaissIndex *index, idx_t n, const float *x, const idx_t *ids)
{
	return guarded([&] { in(index)->add_with_ids(n, x, ids); });
}

int faiss_Index_search_with_params(const FaissIndex *index, faiss_idx_t n, const float *x, faiss_idx_t k, const FaissSearchParameters *params,
				   float *distances, faiss_idx_t *labels)
{
	return guarded([&] { in(index)->search(n, x, k, distances, labels, in(params)); });
}

void faiss_Index_free(FaissIndex *index) { delete in(index); }
idx_t faiss_Index_ntotal(const FaissIndex *index) { return in(index)->ntotal; }
int faiss_Index_d(const FaissIndex *index) { return int(in(index)->d); }

int faiss_write_index(const FaissIndex *index, FILE *f)
{
	return guarded([&] { faiss::write_index(in(index), f); });
}

int faiss_read_index_fname(const char *path, int flags, FaissIndex **p)
{
	return guarded([&] { *p = reinterpret_cast<FaissIndex *>(faiss::read_index(path, flags)); });
}

int faiss_IDSelectorBitmap_new(FaissIDSelector **p, size_t n, const uint8_t *bitmap)
{
	return guarded([&] { *p = out(new faiss::IDSelectorBitmap(n, bitmap)); });
}

int br_faiss_selector_mapped(FaissIDSelector **p, size_t n, const uint8_t *bitmap, const uint32_t *row)
{
	return guarded([&] { *p = out(new MappedSelector(n, bitmap, row)); });
}

void faiss_IDSelector_free(FaissIDSelector *sel) { delete in(sel); }

int faiss_SearchParameters_new(FaissSearchParameters **p, FaissIDSelector *sel)
{
	return guarded([&] {
		auto *params = new faiss::SearchParameters;
		params->sel = in(sel);
		*p = out(params);
	});
}

int faiss_SearchParametersIVF_new_with(FaissSearchParameters **p, FaissIDSelector *sel, size_t nprobe, size_t max_codes)
{
	return guarded([&] {
		auto *params = new faiss::SearchParametersIVF;
		params->sel = in(sel);
		params->nprobe = nprobe;
		params->max_codes = max_codes;
		*p = out(params);
	});
}

int br_faiss_params_hnsw(FaissSearchParameters **p, FaissIDSelector *sel, int ef)
{
	return guarded([&] {
		auto *params = new faiss::SearchParametersHNSW;
		params->sel = in(sel);
		params->efSearch = ef;
		*p = out(params);
	});
}

void faiss_SearchParameters_free(FaissSearchParameters *params) { delete reinterpret_cast<faiss::SearchParameters *>(params); }

enum br_faiss_type br_faiss_type(const FaissIndex *index)
{
	if (dynamic_cast<const faiss::IndexIVF *>(in(index)))
		return BR_FAISS_IVF;
	return dynamic_cast<const faiss::IndexHNSW *>(in(index)) ? BR_FAISS_HNSW : BR_FAISS_PLAIN;
}

size_t br_faiss_lists(const FaissIndex *index)
{
	auto *ivf = dynamic_cast<const faiss::IndexIVF *>(in(index));
	return ivf ? ivf->nlist : 0;
}

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
const char *br_faiss_version() { return TEXT(FAISS_VERSION_MAJOR) "." TEXT(FAISS_VERSION_MINOR) "." TEXT(FAISS_VERSION_PATCH); }

void br_faiss_blas(bool on) { faiss::distance_compute_blas_threshold = on ? 20 : INT32_MAX; }

void br_faiss_interrupt(bool (*stop)(void))
{
	faiss::InterruptCallback::instance.reset(stop ? new Interrupt(stop) : nullptr);
}

void br_faiss_tune(FaissIndex *index)
{
	if (auto *graph = dynamic_cast<faiss::IndexHNSW *>(in(index)))
		graph->hnsw.efConstruction = 100;
	auto *ivf = dynamic_cast<faiss::IndexIVF *>(in(index));

	if (!ivf)
		return;
	ivf->cp.min_points_per_centroid = 1;
	if (auto *pq = dynamic_cast<faiss::IndexIVFPQ *>(ivf)) { /* FAISS's own 25 rounds over 256 each take minutes and gain nothing */
		pq->pq.cp.min_points_per_centroid = 1;
		pq->pq.cp.max_points_per_centroid = 64;
		pq->pq.cp.niter = 12;
	}
	if (auto *lists = dynamic_cast<faiss::OnDiskInvertedLists *>(ivf->invlists))
		lists->prefetch_nthread = 0;
}

} // extern "C"
