/*
 * Block-max search in windows of BR_FTS__LEN_BLOCK chunks. Of each window the headers of the blocks tell what each list can
 * add at most; while the sum cannot enter the top k the window is passed over unread. Otherwise the lists are split (MaxScore): those
 * which together cannot lift a chunk into the top k are only probed, the others are added up chunk by chunk. The chunks whose sums may do are
 * the window's candidates; they go through the probed lists together, list after list, which spares the processor the branches that it
 * cannot foresee. What then may be a hit is scored again, exactly and in the order of the groups, so the sums on the way only
 * need to be bounds.
 */
#include "search.h"

#include <float.h>
#include <stdlib.h>

#define WINDOW BR_FTS__LEN_BLOCK
#define BEST_WINDOWS 2 /* more gain nothing */
#define MARK_SHARE 8   /* a list with more than this part of all chunks is not marked */

struct search {
	struct br_fts__lists l;
	const struct br_fts_query *q;
	const struct br_fts_want *want;
	struct br_topk *out;
	struct br_err *err;
	double slack;                       /* factor that covers the rounding of sums of floats */
	uint32_t driver;                    /* MUST group whose chunks are tried; BR_FTS__NONE: no MUST groups */
	bool has_not;
	bool sums_are_scores;               /* no group has several lists, whose shares together are more than the group's */

	uint32_t n_windows;
	float *window_bound;                /* what all lists can add to a chunk of each window; 0 when it is done */
	struct br_fts__postings **scored;   /* all lists but those of NOT groups */
	uint32_t n_scored;

	/* the window in hand */
	uint32_t from, n;                   /* its first chunk and its chunks */
	struct br_fts__postings **active;   /* lists with postings there: first the probed ones, by rising bound */
	uint32_t n_active, n_probed;
	double *probed_bound;               /* [i]: of active[0] to active[i - 1] together */
	double total;                       /* bound of a chunk of the window */
	float sum[WINDOW];                  /* what the lists that are not probed add */
	uint64_t seen[(WINDOW + 63) / 64];  /* those of sum that are not 0 */
	uint32_t n_cand;
	uint16_t cand[WINDOW];              /* candidates, ascending, counted from `from`; what was found of their scores so far */
	float cand_sum[WINDOW];
	uint8_t mark[WINDOW];               /* 1: the strongest probed list has the chunk */
};

static inline double threshold(const struct search *s) { return br_topk_worst(s->out).score; }
/* No score up to `bound` enters the top k any more: chunks come in ascending order, so an equal score is too late. */
static inline bool hopeless(const struct search *s, double bound) { return bound * s->slack <= threshold(s); }

/* ---- bounds of a window ---- */

/* Unused pairs, whose tf is 0, add nothing: all are computed, since no processor could foresee how many there are. */
static float bound_of(const struct br_fts__bm25 *m, float weight, const struct br_fts__bound *b)
{
	float best = 0;
	for (int i = 0; i < BR_FTS__PAIRS; i++) {
		uint8_t tf = b->pair[2 * i], code = b->pair[2 * i + 1];
		float norm = (code < BR_COUNT(m->code_norm) ? m->code_norm[code] : 0) + FLT_MIN; /* not 0 / 0 */
		float v = tf == 255 ? weight : br_fts__share(weight, tf, norm);
		best = BR_MAX(best, v);
	}
	return best;
}

static inline float spot_bound(const struct search *s, const struct br_fts__postings *p, struct br_fts__spot *at)
{
	if (at->bound < 0)
		at->bound = bound_of(&s->l.bm25, p->weight, &at->head.bound);
	return at->bound;
}

static inline uint32_t window_end(const struct search *s) { return s->from + s->n; }

/* Every header of a list once: the bounds of all windows. */
static int survey_blocks(struct search *s, struct br_fts__postings *p)
{
	int rc = 0;
	p->block_bound = br_arena_zalloc(&s->l.arena, s->n_windows * sizeof *p->block_bound);
	for (struct br_fts__spot at = p->scan.spot; rc == 0 && at.seg < p->n_segs; rc = br_fts__spot_next(&at, p, s->err)) {
		float bound = bound_of(&s->l.bm25, p->weight, &at.head.bound);
		uint32_t last = BR_MIN(at.head.last / WINDOW, s->n_windows - 1);
		for (uint32_t w = at.from / WINDOW; w <= last; w++)
			p->block_bound[w] = BR_MAX(p->block_bound[w], bound);
	}
	return rc;
}

static bool is_not(const struct search *s, uint32_t group) { return s->q->groups.v[group].kind == BR_GROUP_NOT; }

/* What all lists together can add to a chunk of each window, at most. */
static int survey(struct search *s)
{
	for (uint32_t i = 0; i < s->l.n; i++) {
		struct br_fts__postings *p = s->l.list[i];
		if (is_not(s, p->group))
			continue;
		int rc = survey_blocks(s, p);
		if (rc < 0)
			return rc;
		s->scored[s->n_scored++] = p;
		for (uint32_t w = 0; w < s->n_windows; w++)
			s->window_bound[w] += p->block_bound[w];
		for (uint32_t k = 0; k < p->n_tail; k++) { /* a window with blocks and tail counts both, which only loosens it */
			uint32_t w = p->tail_chunk[k] / WINDOW;
			if (k == 0 || w != p->tail_chunk[k - 1] / WINDOW)
				s->window_bound[w] += p->weight;
		}
	}
	return 0;
}

/* The list's bound in the window in hand; its tail's part exactly. */
static void list_bound(struct search *s, struct br_fts__postings *p)
{
	float best = p->block_bound[s->from / WINDOW];
	uint32_t i = p->tail_to;
	while (i < p->n_tail && p->tail_chunk[i] < s->from)
		i++;
	for (p->tail_from = i; i < p->n_tail && p->tail_chunk[i] < window_end(s); i++) {
		float norm = br_fts__norm(&s->l.bm25, br_fts__len_at(&s->l, p->tail_chunk[i] - s->from));
		float v = br_fts__share(p->weight, p->tail_tf[i], norm);
		best = BR_MAX(best, v);
	}
	p->tail_to = i;
	p->bound = best;
}

static void find_active(struct search *s)
{
	s->n_active = 0;
	s->total = 0;
	for (uint32_t i = 0; i < s->n_scored; i++) {
		list_bound(s, s->scored[i]);
		if (s->scored[i]->bound > 0)
			s->active[s->n_active++] = s->scored[i];
		s->total += s->scored[i]->bound;
	}
}

/* ---- which lists are probed ---- */

static bool probed_first(const struct search *s, const struct br_fts__postings *a, const struct br_fts__postings *b)
{
	bool da = a->group == s->driver, db = b->group == s->driver;
	return da != db ? db : a->bound < b->bound;
}

/* With MUST groups all but the driver's lists are probed, else as many of the weakest as cannot make a hit by themselves. */
static void split_active(struct search *s)
{
	for (uint32_t i = 1; i < s->n_active; i++) {
		struct br_fts__postings *p = s->active[i];
		uint32_t k = i;
		for (; k > 0 && probed_first(s, p, s->active[k - 1]); k--)
			s->active[k] = s->active[k - 1];
		s->active[k] = p;
	}
	double sum = 0;
	s->n_probed = 0;
	s->probed_bound[0] = 0;
	for (uint32_t i = 0; i < s->n_active; i++) {
		sum += s->active[i]->bound;
		if (s->driver == BR_FTS__NONE ? !hopeless(s, sum) : s->active[i]->group == s->driver)
			break;
		s->probed_bound[++s->n_probed] = sum;
	}
}

/* ---- adding up ---- */

typedef float lanes __attribute__((vector_size(16)));
typedef int ints __attribute__((vector_size(16)));

static inline void add_one(struct search *s, uint32_t d, float v)
{
	s->sum[d] += v;
	s->seen[d / 64] |= 1ull << (d % 64);
}

/* n postings of the window. */
static inline void add_postings(struct search *s, float weight, const uint32_t *chunk, const uint32_t *tf, uint32_t n)
{
	const struct br_fts__bm25 *m = &s->l.bm25;
	uint32_t i = 0;
	for (; i + 4 <= n; i += 4) {
		uint32_t d[4];
		ints f;
		for (int k = 0; k < 4; k++)
			d[k] = chunk[i + k] - s->from;
		memcpy(&f, tf + i, sizeof f);
		ints len = { (int)br_fts__len_at(&s->l, d[0]), (int)br_fts__len_at(&s->l, d[1]), (int)br_fts__len_at(&s->l, d[2]), (int)br_fts__len_at(&s->l, d[3]) };
		lanes g = __builtin_convertvector(f, lanes);
		lanes v = weight * (g / (g + (m->base + m->slope * __builtin_convertvector(len, lanes))));
		for (int k = 0; k < 4; k++)
			add_one(s, d[k], v[k]);
	}
	for (; i < n; i++) {
		uint32_t d = chunk[i] - s->from;
		add_one(s, d, br_fts__share(weight, tf[i], br_fts__norm(m, br_fts__len_at(&s->l, d))));
	}
}

static inline void mark_postings(struct search *s, const uint32_t *chunk, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		s->mark[chunk[i] - s->from] = 1;
}

enum take { ADD, MARK }; /* a constant wherever it is passed */

static inline __attribute__((always_inline)) int take_block(struct search *s, struct br_fts__postings *p, enum take how)
{
	struct br_fts__cursor *c = &p->scan;
	int rc = br_fts__cursor_chunks(c, p, s->err);
	if (rc < 0)
		return rc;
	uint32_t i = c->spot.from < s->from ? br_fts__below(c->chunk, BR_FTS__BLOCK, s->from) : 0;
	uint32_t to = c->spot.head.last >= window_end(s) ? br_fts__below(c->chunk, BR_FTS__BLOCK, window_end(s)) : BR_FTS__BLOCK;
	if (how == MARK) {
		mark_postings(s, c->chunk + i, to - i);
		return 0;
	}
	br_fts__cursor_tfs(c);
	add_postings(s, p->weight, c->chunk + i, c->tf + i, to - i);
	return 0;
}

/* The list's postings in the window, but for blocks that have no hit. */
static inline __attribute__((always_inline)) int take_list(struct search *s, struct br_fts__postings *p, enum take how)
{
	struct br_fts__cursor *c = &p->scan;
	uint32_t tail = p->tail_to - p->tail_from;
	int rc = br_fts__cursor_seek(c, p, s->from, s->err);
	if (rc < 0)
		return rc;
	while (c->spot.seg < p->n_segs && c->spot.from < window_end(s)) {
		double others = s->total - p->bound;
		if (!hopeless(s, others + spot_bound(s, p, &c->spot)) && (rc = take_block(s, p, how)) < 0)
			return rc;
		if (c->spot.head.last >= window_end(s) - 1)
			break;
		if ((rc = br_fts__cursor_next(c, p, s->err)) < 0)
			return rc;
	}
	if (how == MARK)
		mark_postings(s, p->tail_chunk + p->tail_from, tail);
	else
		add_postings(s, p->weight, p->tail_chunk + p->tail_from, p->tail_tf + p->tail_from, tail);
	return 0;
}

/* ---- candidates ---- */

/* What a candidate must have for it to be worth a look when lists that add up to `more` are still to come. */
static inline float needed(const struct search *s, double more) { return (float)(threshold(s) / s->slack - more); }

/*
 * Candidates from the sums, which are cleared. Most fall at the strongest of the probed lists: unless it is long, the chunks that it has are
 * marked, and those that it has not must do without it.
 */
static int collect(struct search *s)
{
	struct br_fts__postings *strongest = s->n_probed ? s->active[s->n_probed - 1] : NULL;
	float with = needed(s, s->probed_bound[s->n_probed]), least[2] = { with, with };
	bool marked = strongest && strongest->list.n < s->l.ever / MARK_SHARE;
	uint32_t n = 0;
	if (marked) {
		int rc = take_list(s, strongest, MARK);
		if (rc < 0)
			return rc;
		least[0] = needed(s, s->probed_bound[s->n_probed - 1]);
	}
	for (uint32_t w = 0; w < BR_COUNT(s->seen); w++) {
		for (uint64_t bits = s->seen[w]; bits; bits &= bits - 1) {
			uint32_t d = w * 64 + (uint32_t)__builtin_ctzll(bits);
			s->cand[n] = (uint16_t)d;
			s->cand_sum[n] = s->sum[d];
			n += s->sum[d] >= least[s->mark[d]];
			s->sum[d] = 0;
		}
		s->seen[w] = 0;
	}
	if (marked)
		memset(s->mark, 0, sizeof s->mark);
	s->n_cand = n;
	return 0;
}

/* Candidates with less than `least` go. */
static void thin_out(struct search *s, float least)
{
	uint32_t n = 0;
	for (uint32_t k = 0; k < s->n_cand; k++) {
		float sum = s->cand_sum[k];
		s->cand[n] = s->cand[k];
		s->cand_sum[n] = sum;
		n += sum >= least;
	}
	s->n_cand = n;
}

static void keep_wanted(struct search *s)
{
	uint32_t n = 0;
	for (uint32_t k = 0; k < s->n_cand; k++) {
		s->cand[n] = s->cand[k];
		s->cand_sum[n] = s->cand_sum[k];
		n += br_bits_get(s->want->keep, s->from + s->cand[k]);
	}
	s->n_cand = n;
}

/* What the block or tail under the cursor adds to candidates k to `to`. */
static int probe_block(struct search *s, struct br_fts__postings *p, uint32_t k, uint32_t to)
{
	const struct br_fts__bm25 *m = &s->l.bm25;
	struct br_fts__cursor *c = &p->probe;
	int rc = br_fts__cursor_chunks(c, p, s->err);
	if (rc < 0)
		return rc;
	br_fts__cursor_tfs(c);
	for (; k < to; k++) {
		uint32_t d = s->cand[k], i = br_fts__below(c->chunk, c->n, s->from + d);
		i -= i == c->n;
		float tf = (float)(int)(c->tf[i] & -(uint32_t)(c->chunk[i] == s->from + d));
		s->cand_sum[k] += p->weight * (tf / (tf + (br_fts__norm(m, br_fts__len_at(&s->l, d)) + FLT_MIN))); /* not 0 / 0 */
	}
	return 0;
}

/* Whether one of the candidates k to `to` may be a hit with what the block under the cursor and weaker lists add. */
static bool worth_probing(struct search *s, struct br_fts__postings *p, double weaker, uint32_t k, uint32_t to)
{
	float best = 0;
	if (p->probe.spot.seg == p->n_segs)
		return true;
	for (; k < to; k++)
		best = BR_MAX(best, s->cand_sum[k]);
	return !hopeless(s, (double)best + spot_bound(s, p, &p->probe.spot) + weaker);
}

/* What a list adds to the candidates; weaker: what the lists behind it may add. */
static int probe_list(struct search *s, struct br_fts__postings *p, double weaker)
{
	struct br_fts__cursor *c = &p->probe;
	for (uint32_t k = 0, to; k < s->n_cand; k = to) {
		int rc = br_fts__cursor_seek(c, p, s->from + s->cand[k], s->err);
		if (rc < 0)
			return rc;
		if (c->spot.from >= window_end(s))
			break;
		uint32_t last = BR_MIN(c->spot.head.last, window_end(s) - 1) - s->from;
		for (to = k + 1; to < s->n_cand && s->cand[to] <= last; to++)
			;
		if (s->from + s->cand[to - 1] >= c->spot.from && worth_probing(s, p, weaker, k, to) && (rc = probe_block(s, p, k, to)) < 0)
			return rc;
	}
	return 0;
}

static int probe_all(struct search *s)
{
	for (uint32_t i = s->n_probed; i-- > 0 && s->n_cand;) {
		int rc = probe_list(s, s->active[i], s->probed_bound[i]);
		if (rc < 0)
			return rc;
		thin_out(s, needed(s, s->probed_bound[i]));
	}
	return 0;
}

/* MUST and NOT groups: 1 kept, 0 not. */
static int passes(struct search *s, uint32_t chunk)
{
	if (s->driver == BR_FTS__NONE && !s->has_not)
		return 1;
	for (size_t g = 0; g < s->q->groups.n; g++) {
		enum br_group_kind kind = s->q->groups.v[g].kind;
		uint32_t tf;
		if (kind == BR_GROUP_SHOULD || g == s->driver)
			continue;
		int rc = br_fts__group_tf(&tf, &s->l, (uint32_t)g, chunk, s->err);
		if (rc < 0)
			return rc;
		if ((tf > 0) != (kind == BR_GROUP_MUST))
			return 0;
	}
	return 1;
}

/* As br_fts__tf; a block that the list's other cursors have open need not be unpacked again. */
static int exact_tf(uint32_t *tf, struct br_fts__postings *p, uint32_t chunk, struct br_err *err)
{
	struct br_fts__cursor *const open[] = { &p->scan, &p->probe };
	for (size_t k = 0; k < BR_COUNT(open); k++) {
		struct br_fts__cursor *c = open[k];
		if (!c->chunks_ready || c->spot.from > chunk || c->spot.head.last < chunk)
			continue;
		uint32_t i = br_fts__below(c->chunk, c->n, chunk);
		bool there = i < c->n && c->chunk[i] == chunk;
		if (there)
			br_fts__cursor_tfs(c);
		*tf = there ? c->tf[i] : 0;
		return 0;
	}
	return br_fts__tf(tf, &p->exact, p, chunk, err);
}

static int exact_score(float *out, struct search *s, uint32_t chunk)
{
	double sum = 0;
	uint32_t len = br_fts__len_at(&s->l, chunk - s->from);
	for (uint32_t i = 0; i < s->l.n;) {
		uint32_t group = s->l.list[i]->group, tf = 0, one;
		float weight = s->l.list[i]->weight;
		for (; i < s->l.n && s->l.list[i]->group == group; i++) {
			struct br_fts__postings *p = s->l.list[i];
			if (p->bound <= 0) /* also those of NOT groups */
				continue;
			int rc = exact_tf(&one, p, chunk, s->err);
			if (rc < 0)
				return rc;
			tf += one;
		}
		if (tf)
			sum += br_fts__part(&s->l.bm25, weight, tf, len);
	}
	*out = (float)sum;
	return 0;
}

static int try_one(struct search *s, uint32_t chunk)
{
	const struct br_fts_want *want = s->want;
	struct br_hit hit = { .chunk = chunk };
	int rc = passes(s, chunk);
	if (rc <= 0 || (rc = exact_score(&hit.score, s, chunk)) < 0)
		return rc;
	if (br_hit_before(hit, br_topk_worst(s->out)) && (!want->accept || want->accept(chunk, want->arg)))
		br_topk_push(s->out, hit);
	return 0;
}

/* The k-th greatest of n numbers, which are moved about. */
static float kth_greatest(float *v, uint32_t n, uint32_t k)
{
	for (;;) {
		float pivot = v[n / 2];
		uint32_t more = 0, same = 0;
		for (uint32_t i = 0; i < n; i++) { /* the greater ones to the front */
			float x = v[i];
			v[i] = v[more];
			v[more] = x;
			more += x > pivot;
			same += x == pivot;
		}
		if (k > more && k <= more + same)
			return pivot;
		if (k <= more) {
			n = more;
			continue;
		}
		uint32_t rest = 0;
		for (uint32_t i = more; i < n; i++)
			if (v[i] < pivot)
				v[rest++] = v[i];
		n = rest;
		k -= more + same;
	}
}

/* The sums are complete now. Where they are all but the scores, of more than k candidates those whose sums are not among the best k go. */
static void keep_best(struct search *s)
{
	if (s->n_cand <= s->want->k || s->want->accept || s->driver != BR_FTS__NONE || s->has_not || !s->sums_are_scores)
		return;
	memcpy(s->sum, s->cand_sum, s->n_cand * sizeof *s->sum);
	float least = (float)((double)kth_greatest(s->sum, s->n_cand, s->want->k) / (s->slack * s->slack));
	memset(s->sum, 0, s->n_cand * sizeof *s->sum);
	thin_out(s, least);
}

static int try_candidates(struct search *s)
{
	int rc = collect(s);
	if (rc < 0)
		return rc;
	if (s->want->keep)
		keep_wanted(s);
	rc = probe_all(s);
	keep_best(s);
	for (uint32_t k = 0; rc == 0 && k < s->n_cand; k++)
		if (!hopeless(s, s->cand_sum[k]))
			rc = try_one(s, s->from + s->cand[k]);
	return rc;
}

/* ---- the whole ---- */

static int search_window(struct search *s, uint32_t window)
{
	int rc;
	if (s->window_bound[window] <= 0 || hopeless(s, s->window_bound[window]))
		return 0;
	s->from = window * WINDOW;
	s->n = BR_MIN(s->l.ever - s->from, (uint32_t)WINDOW);
	if ((rc = br_fts__lists_len(&s->l, window)) < 0)
		return rc;
	find_active(s);
	if (hopeless(s, s->total))
		return 0;
	split_active(s);
	for (uint32_t i = s->n_probed; i < s->n_active; i++)
		if ((rc = take_list(s, s->active[i], ADD)) < 0)
			return rc;
	return try_candidates(s);
}

static int rewind_all(struct search *s)
{
	int rc = 0;
	for (uint32_t i = 0; rc == 0 && i < s->l.n; i++) {
		struct br_fts__postings *p = s->l.list[i];
		p->tail_to = 0;
		if ((rc = br_fts__cursor_rewind(&p->scan, p, s->err)) == 0 && (rc = br_fts__cursor_rewind(&p->probe, p, s->err)) == 0)
			rc = br_fts__cursor_rewind(&p->exact, p, s->err);
	}
	return rc;
}

/* The window that promises most goes first, so that the threshold is high from the start; it is then done. */
static int search_best_window(struct search *s)
{
	uint32_t best = 0;
	for (uint32_t w = 1; w < s->n_windows; w++)
		if (s->window_bound[w] > s->window_bound[best])
			best = w;
	int rc = search_window(s, best);
	s->window_bound[best] = 0;
	return rc < 0 ? rc : rewind_all(s);
}

/* The rarest MUST group; false when one of them is nowhere. */
static bool choose_driver(struct search *s)
{
	uint64_t least = UINT64_MAX;
	s->driver = BR_FTS__NONE;
	s->sums_are_scores = true;
	for (size_t g = 0; g < s->q->groups.n; g++) {
		uint64_t n = 0;
		s->sums_are_scores &= s->l.first[g + 1] - s->l.first[g] <= 1;
		s->has_not |= s->q->groups.v[g].kind == BR_GROUP_NOT;
		if (s->q->groups.v[g].kind != BR_GROUP_MUST)
			continue;
		for (uint32_t i = s->l.first[g]; i < s->l.first[g + 1]; i++)
			n += s->l.list[i]->list.n;
		if (n == 0)
			return false;
		if (n < least) {
			least = n;
			s->driver = (uint32_t)g;
		}
	}
	return true;
}

static int search_all(struct search *s)
{
	int rc;
	if (!choose_driver(s) || s->l.ever == 0)
		return 0;
	s->n_windows = (s->l.ever - 1) / WINDOW + 1;
	s->window_bound = br_arena_zalloc(&s->l.arena, s->n_windows * sizeof *s->window_bound);
	s->scored = br_arena_alloc(&s->l.arena, (s->l.n + 1) * sizeof *s->scored);
	s->active = br_arena_alloc(&s->l.arena, (s->l.n + 1) * sizeof *s->active);
	s->probed_bound = br_arena_alloc(&s->l.arena, (s->l.n + 1) * sizeof *s->probed_bound);
	s->slack = 1 + 1e-6 + 1.2e-7 * s->l.n;
	rc = survey(s);
	for (int i = 0; rc == 0 && i < BEST_WINDOWS; i++)
		rc = search_best_window(s);
	for (uint32_t w = 0; rc == 0 && w < s->n_windows; w++)
		rc = search_window(s, w);
	return rc;
}

int br_fts_search(struct br_topk *out, struct br_txn *t, uint32_t nb, const struct br_fts_query *q, const struct br_fts_want *want, struct br_err *err)
{
	struct search *s = br_alloc(sizeof *s);
	s->q = q;
	s->want = want;
	s->out = out;
	s->err = err;
	br_topk_release(out);
	br_topk_init(out, want->k);
	int rc = br_fts__lists_open(&s->l, t, nb, q, err);
	if (rc == 0 && want->k)
		rc = want->exhaustive ? br_fts__exhaustive(out, &s->l, q, want, err) : search_all(s);
	br_fts__lists_close(&s->l);
	free(s);
	if (rc < 0)
		br_topk_release(out);
	else
		br_topk_sort(out);
	return rc;
}
