/*
 * Building an index: which rows go in, the shape by their number, training, adding, saving; then calibration of the effort on
 * the saved file, so that what will be opened is what was measured.
 */
#include "internal.h"

#include "br/os.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TRAIN_MAX 100000u    /* vectors that centres are learnt from; more change little */
#define TRAIN_PER_LIST 39u   /* below, k-means has too little to learn from, and FAISS says so on stderr */
#define ADD_STEP 16384u
#define ALONE_BELOW 50000u   /* vectors that one thread indexes alone */
#define RECALL_WANTED 0.98
#define GRAPH_MOST 768u     /* efSearch of a graph: beyond, the exact scan is faster */
#define CALIBRATION 200u     /* questions */

struct build {
	const struct br_ann_plugin *plugin;
	const struct br_ann_source *src;
	const struct br_ann_build_opts *opts;
	struct br_ann_file *file;
	uint32_t *row;          /* of each entry */
	uint32_t n;
	void *faiss;
	bool created;           /* the file at path is ours */
};

static int tell(struct build *b, const char *doing, double share, struct br_err *err)
{
	if (b->opts->progress)
		b->opts->progress(doing, share, b->opts->arg);
	return br_check_stop(err);
}

static bool stop_asked(void)
{
	return br_stop_signal() != 0;
}

static int faiss_failed(struct build *b, const char *what, struct br_err *err)
{
	int rc = br_check_stop(err);

	return rc < 0 ? rc : br_fail(err, BR_EUNSUPPORTED, "FAISS cannot %s: %s", what, b->plugin->error());
}

/* ---- rows ---- */

static int choose_rows(struct build *b, const struct br_bits *live, struct br_err *err)
{
	const struct br_ann_source *src = b->src;
	struct br_ann_block block = { 0 };
	int rc;

	if (!(b->row = br_try_alloc(((size_t)src->rows + 1) * sizeof *b->row)))
		return br_fail(err, BR_ENOMEM, "out of memory for %u vectors", src->rows);
	for (uint32_t r = 0; r < src->rows; r++) {
		uint32_t at = r % src->per_block;
		if (at == 0 && (rc = src->block(&block, r / src->per_block, src->arg, err)) < 0)
			return rc;
		if (block.code && at < block.n && br_ann__scale(&block, at) != 0 && (!live || br_bits_get(live, r)))
			b->row[b->n++] = r;
	}
	return b->n ? 0 : br_fail(err, BR_ENOTFOUND, "there are no vectors to index");
}

static int fetch(float *out, const struct br_ann_source *src, uint32_t row, struct br_err *err)
{
	struct br_ann_block b = { 0 };
	uint32_t at = row % src->per_block;
	const int8_t *code;
	float scale;
	int rc = src->block(&b, row / src->per_block, src->arg, err);

	if (rc < 0)
		return rc;
	if (!b.code || at >= b.n)
		return br_fail(err, BR_ECORRUPT, "vector %u has gone", row);
	code = b.code + (size_t)at * src->dim;
	scale = br_ann__scale(&b, at);
	for (uint32_t d = 0; d < src->dim; d++)
		out[d] = scale * code[d];
	return 0;
}

/* n of `of` rows from row[first], spread evenly, as floats. */
static int fetch_spread(float *out, struct build *b, uint32_t n, uint32_t of, uint32_t first, struct br_err *err)
{
	for (uint32_t i = 0; i < n; i++) {
		int rc = fetch(out + (size_t)i * b->src->dim, b->src, b->row[first + (uint32_t)((uint64_t)i * of / n)], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- shape ---- */

/* The power of two nearest to 4 sqrt(n), but with enough vectors to learn each centre from. */
static uint32_t list_count(uint32_t n)
{
	uint32_t train = BR_MIN(n, TRAIN_MAX);
	double want = log2(4 * sqrt((double)n));
	uint32_t lists = 1u << (uint32_t)(want + 0.5);

	while (lists > 1 && lists > train / TRAIN_PER_LIST)
		lists /= 2;
	return lists;
}

/*
 * Product codes: parts of 8 numbers or, where the dimension does not allow it, a few more; 256 centres each if there are vectors
 * enough. "np" leaves out what FAISS calls polysemous: minutes of learning for a way of searching that nobody uses here.
 */
static void product_shape(uint32_t dim, uint32_t n, uint32_t *parts, uint32_t *bits)
{
	uint32_t width = BR_MIN(8u, dim);

	while (dim % width)
		width++;
	*parts = dim / width;
	for (*bits = 8; *bits > 1 && n < TRAIN_PER_LIST << *bits;)
		--*bits;
}

static void choose_shape(struct build *b, enum br_ann_kind kind)
{
	struct br_ann_file *f = b->file;
	uint32_t parts, bits;

	f->kind = kind;
	f->lists = kind == BR_ANN_ivf || kind == BR_ANN_pq ? list_count(b->n) : 0;
	switch (kind) {
	case BR_ANN_ivf:
		snprintf(f->factory, sizeof f->factory, "IVF%u,SQ8", f->lists);
		break;
	case BR_ANN_pq:
		product_shape(f->dim, b->n, &parts, &bits);
		snprintf(f->factory, sizeof f->factory, "IVF%u,PQ%ux%unp", f->lists, parts, bits);
		break;
	default:
		strcpy(f->factory, kind == BR_ANN_flat ? "Flat" : kind == BR_ANN_sq8 ? "SQ8" : "HNSW32_SQ8");
	}
}

/* ---- training and adding ---- */

/*
 * Learning goes in many rounds, at whose ends threads wait for each other. Where a round is short (few vectors, product codes) that
 * takes longer than the work, on a busy machine hundreds of times.
 */
static void set_threads(struct build *b, bool learning)
{
	bool alone = b->n < ALONE_BELOW || (learning && b->file->kind == BR_ANN_pq);

	b->plugin->building(alone ? 1 : (int)b->opts->threads, stop_asked);
	br_ann__blas_threads(alone ? 1 : (int)b->opts->threads);
}

/* With fewer vectors than centres (product codes of a handful) the same are given again: FAISS refuses else. */
static int train(struct build *b, struct br_err *err)
{
	uint32_t n = BR_MIN(b->n, TRAIN_MAX), copies = n < 512 ? 512 / n + 1 : 1;
	size_t one = (size_t)n * b->src->dim;
	float *x = br_try_alloc(copies * one * sizeof *x);
	int rc;

	if (!x)
		return br_fail(err, BR_ENOMEM, "out of memory for training");
	if ((rc = fetch_spread(x, b, n, b->n, 0, err)) < 0)
		goto out;
	for (uint32_t c = 1; c < copies; c++)
		memcpy(x + c * one, x, one * sizeof *x);
	if (b->plugin->train(b->faiss, x, (size_t)n * copies) < 0)
		rc = faiss_failed(b, "learn from the vectors", err);
out:
	free(x);
	return rc;
}

static int add(struct build *b, struct br_err *err)
{
	uint32_t step = BR_MIN(ADD_STEP, b->n);
	float *x = br_try_alloc((size_t)step * b->src->dim * sizeof *x);
	int64_t *id = br_allocn(step, sizeof *id);
	int rc = x ? 0 : br_fail(err, BR_ENOMEM, "out of memory for adding");

	for (uint32_t at = 0; at < b->n && rc == 0; at += step) {
		uint32_t m = BR_MIN(step, b->n - at);
		if ((rc = tell(b, "adding vectors", (double)at / b->n, err)) < 0 || (rc = fetch_spread(x, b, m, m, at, err)) < 0)
			break;
		for (uint32_t i = 0; i < m; i++)
			id[i] = b->row[at + i];
		if (b->plugin->add(b->faiss, x, br_ann__numbered(b->file->kind) ? NULL : id, m) < 0)
			rc = faiss_failed(b, "add vectors", err);
	}
	free(x);
	free(id);
	return rc;
}

/* ---- saving ---- */

static int save(struct build *b, const char *path, struct br_err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666), rc = 0;
	off_t end = 0;

	if (fd < 0)
		return br_fail_errno(err, BR_EIO, "cannot create '%s'", path);
	b->created = true;
	if (b->plugin->save(b->faiss, fd) < 0 || (end = lseek(fd, 0, SEEK_END)) < 0)
		rc = br_fail_errno(err, BR_EIO, "cannot write '%s'", path);
	if (rc == 0) {
		b->file->faiss_bytes = (uint64_t)end;
		rc = br_ann__tail_write(fd, (uint64_t)end, b->src, b->row, b->n, br_ann__numbered(b->file->kind), err);
	}
	if (rc == 0 && fsync(fd) < 0)
		rc = br_fail_errno(err, BR_EIO, "cannot write '%s'", path);
	close(fd);
	return rc;
}

/* ---- calibration ---- */

struct question {
	struct br_ann_query q;
	struct br_topk truth;   /* the best 100 */
};

/* Of no use but to spread: the same numbers in every build. */
static double noise(uint64_t *state)
{
	double sum = 0;

	for (int i = 0; i < 4; i++) {
		*state = *state * 6364136223846793005u + 1442695040888963407u;
		sum += (double)(*state >> 40) * 0x1p-24 - 0.5;
	}
	return sum * 1.7320508; /* variance 1 */
}

/*
 * Questions lie near what is stored but not on it: a stored vector, or the middle of two, and noise of half its length or of all
 * of it. Of each kind a quarter.
 */
static int make_question(struct question *out, struct build *b, uint32_t i, uint64_t *state, struct br_err *err)
{
	uint32_t dim = b->src->dim, one = (uint32_t)((uint64_t)i * b->n / CALIBRATION), other = (uint32_t)(((uint64_t)one + b->n / 3) % b->n);
	double loud = (i & 2 ? 1.0 : 0.5) / sqrt(dim);
	float x[BR_ANN_MAX_DIM], y[BR_ANN_MAX_DIM];
	int rc;

	if ((rc = fetch(x, b->src, b->row[one], err)) < 0 || (rc = fetch(y, b->src, b->row[other], err)) < 0)
		return rc;
	for (uint32_t d = 0; d < dim; d++) {
		double v = i & 1 ? M_SQRT1_2 * ((double)x[d] + (double)y[d]) : (double)x[d];
		x[d] = (float)(v + loud * noise(state));
	}
	br_ann_query_init(&out->q, x, dim);
	br_topk_init(&out->truth, BR_MIN(100u, b->n));
	return 0;
}

static int make_questions(struct question *out, struct build *b, const struct br_bits *live, struct br_err *err)
{
	struct br_ann_stats stats;
	uint64_t state = 1;
	int rc = 0;

	for (uint32_t i = 0; i < CALIBRATION && rc == 0; i++)
		if ((rc = tell(b, "measuring", (double)i / CALIBRATION, err)) == 0 && (rc = make_question(&out[i], b, i, &state, err)) == 0)
			rc = br_ann_search(&out[i].truth, &stats, b->src, &out[i].q, live, err);
	return rc;
}

/* Share of the true best k that the index finds. Rows of equal score stand for each other. */
static int recall(double *out, const struct br_ann_index *ix, struct build *b, const struct question *questions, const struct br_bits *live,
		  uint32_t k, uint32_t effort, struct br_err *err)
{
	uint64_t found = 0, all = 0;
	int rc = 0;

	for (uint32_t i = 0; i < CALIBRATION && rc >= 0; i++) {
		const struct br_topk *truth = &questions[i].truth;
		uint32_t m = BR_MIN(k, truth->n);
		struct br_topk top;
		br_topk_init(&top, k);
		rc = br_ann__candidates(&top, ix, b->src, &questions[i].q, live, effort, err);
		for (uint32_t j = 0; j < top.n; j++)
			found += top.h[j].score >= truth->h[m - 1].score;
		all += m;
		br_topk_release(&top);
	}
	*out = all ? (double)BR_MIN(found, all) / (double)all : 1;
	return BR_MIN(rc, 0);
}

/* 8, 12, 16, 24, 32 ... until enough is found. */
static int raise_effort(struct br_ann_file *f, int which, const struct br_ann_index *ix, struct build *b, const struct question *questions,
			const struct br_bits *live, struct br_err *err)
{
	uint32_t k = which ? 100 : 10, most = f->lists ? f->lists : BR_MIN(f->vectors, GRAPH_MOST), effort = BR_MIN(which ? f->effort[0] : 8u, most);
	bool has_effort = f->lists || f->kind == BR_ANN_hnsw;
	int rc;

	for (;;) {
		f->effort[which] = has_effort ? effort : 0;
		if ((rc = recall(&f->recall[which], ix, b, questions, live, k, effort, err)) < 0)
			return rc;
		if (f->recall[which] >= RECALL_WANTED || effort >= most || !has_effort)
			break;
		effort = BR_MIN(effort & (effort - 1) ? effort / 3 * 4 : effort + effort / 2, most);
	}
	return 0;
}

static int calibrate(struct build *b, const char *path, const struct br_bits *live, struct br_err *err)
{
	struct question *questions = br_allocn(CALIBRATION, sizeof *questions);
	struct br_ann_index *ix = NULL;
	int rc;

	if ((rc = br_ann_index_open(&ix, path, b->file, err)) == 0 && (rc = make_questions(questions, b, live, err)) == 0)
		for (int which = 0; which < 2 && rc == 0; which++)
			rc = raise_effort(b->file, which, ix, b, questions, live, err);
	br_ann_index_close(ix);
	for (uint32_t i = 0; i < CALIBRATION; i++)
		br_topk_release(&questions[i].truth);
	free(questions);
	return rc;
}

/* ---- all of it ---- */

static int build_all(struct build *b, const char *path, const struct br_bits *live, enum br_ann_kind kind, struct br_err *err)
{
	int rc;

	if ((rc = choose_rows(b, live, err)) < 0)
		return rc;
	b->file->rows = b->src->rows;
	b->file->vectors = b->n;
	b->file->dim = b->src->dim;
	choose_shape(b, kind);
	if ((rc = tell(b, "learning from vectors", 0, err)) < 0)
		return rc;
	set_threads(b, true);
	if (b->plugin->make(&b->faiss, (int)b->src->dim, b->file->factory) < 0)
		return faiss_failed(b, "make an index", err);
	if ((rc = train(b, err)) < 0)
		return rc;
	set_threads(b, false);
	if ((rc = add(b, err)) < 0 || (rc = tell(b, "writing", 0, err)) < 0 || (rc = save(b, path, err)) < 0)
		return rc;
	b->plugin->free(b->faiss);
	b->faiss = NULL;
	return calibrate(b, path, live, err);
}

int br_ann_build(struct br_ann_file *out, const char *path, const struct br_ann_source *src, const struct br_bits *live,
		 enum br_ann_kind kind, const struct br_ann_build_opts *opts, struct br_err *err)
{
	struct build b = { .plugin = br_ann__plugin(err), .src = src, .opts = opts, .file = out };
	int rc;

	*out = (struct br_ann_file){ .kind = kind };
	if (!b.plugin)
		return -BR_EUNSUPPORTED;
	if ((rc = br_ann__blas(err)) < 0)
		return rc;
	rc = build_all(&b, path, live, kind, err);
	b.plugin->building(0, NULL);
	if (b.faiss)
		b.plugin->free(b.faiss);
	free(b.row);
	if (rc < 0 && b.created)
		unlink(path);
	return rc;
}
