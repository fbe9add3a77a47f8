/*
 * One question from text to result: parse, open a snapshot, constrain, rank by the strategy's row, present.
 */
#include "br/llm.h"

#include "internal.h"

#include <stdlib.h>

#define prepare_hybrid NULL
#define prepare_fusion NULL
#define prepare_full_text NULL
#define prepare_semantic NULL

static const struct strategy strategies[] = {
#define X(name, summary, vectors) { #name, vectors, rank_##name, prepare_##name },
	BR_STRATEGY_LIST(X)
#undef X
};

static const char *const names[] = {
#define X(name, summary, vectors) #name,
	BR_STRATEGY_LIST(X)
#undef X
};

const char *const *br_strategy_names(size_t *n)
{
	*n = BR_COUNT(names);
	return names;
}

bool br_strategy_asks(const char *name)
{
	for (size_t i = 0; i < BR_COUNT(strategies); i++)
		if (!strcmp(strategies[i].name, name))
			return strategies[i].prepare != NULL;
	return false;
}

static int find_strategy(const struct strategy **out, const char *name, struct br_err *err)
{
	const char *close = br_closest(name, names, BR_COUNT(names));

	*out = NULL;
	for (size_t i = 0; i < BR_COUNT(strategies); i++) {
		if (!strcmp(strategies[i].name, name)) {
			*out = &strategies[i];
			return 0;
		}
	}
	return br_fail(err, BR_EUSAGE, "no strategy '%s'%s%s%s (there are hybrid, fusion, full_text, semantic, hyde, multi_query, kb_explorer)", name,
		       close ? "; did you mean '" : "", close ? close : "", close ? "'?" : "");
}

struct br_searcher *br_searcher_new(struct br_ws *ws)
{
	struct br_searcher *s = br_alloc(sizeof *s);

	s->ws = ws;
	s->tok = br_tokenizer_new();
	s->embedder = br_embedder_new(ws->model);
	s->reader = br_text_reader_new();
	return s;
}

void br_searcher_free(struct br_searcher *s)
{
	if (!s)
		return;
	br_tokenizer_free(s->tok);
	br_embedder_free(s->embedder);
	br_text_reader_free(s->reader);
	free(s);
}

struct br_ws *br_searcher_workspace(const struct br_searcher *s) { return s->ws; }

void br_result_release(struct br_result *r)
{
	struct br_arena a = r->arena;

	br_arena_release(&a); /* r's own fields may point into it */
	*r = (struct br_result){ 0 };
}

/* ---- preparing ---- */

static int by_docs(const void *a, const void *b)
{
	const struct br_lang_count *x = a, *y = b;

	if (x->docs != y->docs)
		return x->docs > y->docs ? -1 : 1;
	return strcmp(x->lang, y->lang);
}

/* Question words are stemmed in every language that documents of the notebook were stemmed in, the most frequent first. */
static void choose_langs(struct search *s)
{
	size_t n = BR_MIN(s->nb->langs.n, BR_COUNT(s->langs) - 1);

	if (s->nb->langs.n)
		qsort(s->nb->langs.v, s->nb->langs.n, sizeof *s->nb->langs.v, by_docs);
	for (size_t i = 0; i < n; i++)
		s->langs[i] = s->nb->langs.v[i].lang;
	if (!n)
		s->langs[n++] = "";
	s->langs[n] = NULL;
}

/*
 * gain = clip((fit - 0.4) / 0.3, 0, 1): the built-in model keeps silent where it does not know the question's words. Services know
 * them all.
 */
void prepare_vector(struct search *s)
{
	struct br_slice text = s->written.len ? s->written : br_buf_slice(&s->q.plain);
	enum br_space space = br_nb_space(s->s->ws, s->nb);

	s->service = space == BR_SPACE_SERVICE;
	if (s->service) {
		s->has_vec = s->asked && s->asked->nb == s->nb->nb && s->asked->dim == s->nb->dim && !s->no_vec;
		s->fit = s->gain = s->has_vec;
	} else {
		s->has_vec = space == BR_SPACE_BUILTIN && text.len && br_embed_query(&s->vec, &s->fit, s->s->embedder, text);
		s->gain = s->has_vec ? BR_MIN(BR_MAX((s->fit - 0.4) / 0.3, 0.0), 1.0) : 0;
	}
	if (s->has_vec)
		br_vec_source(&s->rows, s->t, s->nb->nb, s->nb->dim, s->nb->next_chunk);
}

/* The service is asked before the snapshot is taken on which the rest is done. A failure of its leaves the words. */
static int ask_service(struct search *s, const struct strategy *st, struct br_err *err)
{
	struct br_slice text = s->written.len ? s->written : br_buf_slice(&s->q.plain);
	struct br_err why = { 0 };
	struct br_txn *t;
	int rc;

	if (!st->vectors || !text.len || !br_llm_configured(s->s->ws->config, BR_LLM_EMBED))
		return 0;
	if ((rc = br_txn_read(&t, s->s->ws->store, err)) < 0)
		return rc;
	rc = br_nb_get(&s->asked, &s->scratch, t, s->opts->notebook, err);
	br_txn_end(t);
	if (rc < 0 || br_nb_space(s->s->ws, s->asked) != BR_SPACE_SERVICE)
		return rc;
	s->variant_vec = br_arena_alloc(&s->scratch, (s->n_variants + 1) * sizeof *s->variant_vec);
	rc = br_nb_embed_query(&s->vec, s->s->ws, s->asked, text, &why);
	for (size_t i = 0; i < s->n_variants && rc == 0; i++)
		rc = br_nb_embed_query(&s->variant_vec[i], s->s->ws, s->asked, br_slice_str(s->variant[i]), &why);
	if (rc == -BR_ECANCELLED)
		return br_fail(err, why.code, "%s", why.msg);
	if (rc < 0)
		s->no_vec = br_arena_strdup(&s->out->arena, why.msg);
	return 0;
}

int prepare_words(struct search *s, struct br_err *err)
{
	int rc;

	br_fts_query_init(&s->words);
	s->words.k1 = s->nb->k1;
	s->words.b = s->nb->b;
	if (s->q.plain.len)
		br_fts_query_add(&s->words, s->s->tok, br_buf_slice(&s->q.plain), s->langs, BR_GROUP_SHOULD);
	if ((rc = br_fts_resolve(&s->words, s->t, s->nb->nb, err)) == 0)
		weigh_function_words(s);
	return rc;
}

/* ---- a question that is only filters or exclusions: what remains, in order of paths ---- */

static int rank_all(struct search *s)
{
	for (uint32_t c = 0; c < s->nb->next_chunk && s->cand.n < BR_MAX_TOP; c++)
		if (!s->keep || br_bits_get(s->keep, c))
			*br_vec_push(&s->cand) = (struct cand){ .chunk = c, .cosine = __builtin_nanf("") };
	return 0;
}

void degrade(struct search *s)
{
	if (!s->nb->dim)
		s->out->degraded = "this notebook has no vectors; ran as full_text";
	else if (s->service)
		s->out->degraded = br_arena_printf(&s->out->arena, "%s; ran as full_text", s->no_vec ? s->no_vec : "the notebook was given another model meanwhile");
	else if (br_nb_space(s->s->ws, s->nb) == BR_SPACE_FOREIGN)
		s->out->degraded = br_arena_printf(&s->out->arena, "the notebook's vectors are of '%s', which is not configured here; ran as full_text", s->nb->model_id);
	else
		s->out->degraded = "the model knows none of the question's words; ran as full_text";
}

static int rank(struct search *s, const struct strategy *st, struct br_err *err)
{
	int rc;

	if ((rc = constrain(s, err)) < 0 || (rc = prepare_words(s, err)) < 0)
		return rc;
	prepare_vector(s);
	if (!s->q.plain.len)
		return rank_all(s);
	if (st->vectors && !s->has_vec && (s->service || br_nb_space(s->s->ws, s->nb) != BR_SPACE_BUILTIN))
		degrade(s);
	if ((rc = st->rank(s, err)) == 0 && s->opts->reorder)
		rc = reorder_cands(s, err);
	return rc;
}

/* At least the distinct documents among the hits that changed; all that the look within the budget found when that is more. */
static uint64_t count_stale(const struct br_result *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		size_t k = 0;
		while (k < i && r->hit[k].doc != r->hit[i].doc)
			k++;
		n += k == i && r->hit[i].stale;
	}
	return BR_MAX(n, r->fresh.changed + r->fresh.missing);
}

static int answer(struct search *s, const char *text, const struct strategy *st, struct br_err *err)
{
	int rc;

	if ((rc = br_txn_read(&s->t, s->s->ws->store, err)) < 0 ||
	    (rc = br_nb_get(&s->nb, &s->scratch, s->t, s->opts->notebook, err)) < 0)
		return rc;
	choose_langs(s);
	s->out->query = br_arena_strdup(&s->out->arena, text);
	s->out->notebook = br_arena_strdup(&s->out->arena, s->nb->name);
	s->out->strategy = st->name;
	if ((rc = rank(s, st, err)) < 0 || (rc = present(s, err)) < 0)
		return rc;
	rc = br_freshness(&s->out->fresh, s->t, s->s->ws, s->nb, s->opts->freshness_ns, err);
	s->out->stale_sources = count_stale(s->out);
	s->out->generation = br_txn_generation(s->t);
	s->out->indexed_at = s->nb->updated;
	s->out->fit = s->fit;
	s->out->way = s->ann.way[0] ? br_arena_strdup(&s->out->arena, s->ann.way) : NULL;
	return rc;
}

static void search_release(struct search *s)
{
	question_release(&s->q);
	br_fts_query_release(&s->words);
	br_bits_release(&s->keep_bits);
	br_topk_release(&s->lexical);
	br_topk_release(&s->semantic);
	br_vec_release(&s->cand);
	br_arena_release(&s->scratch);
	br_txn_end(s->t);
	free(s);
}

static int retrieve(struct br_result *out, struct br_searcher *searcher, const char *query, const struct br_query_opts *opts, struct br_err *err)
{
	const char *name = opts->strategy ? opts->strategy : br_config_get(searcher->ws->config, "search.strategy", NULL);
	const struct strategy *st = NULL;
	struct search *s;
	int rc;

	*out = (struct br_result){ 0 };
	if ((rc = find_strategy(&st, name, err)) < 0)
		return rc;
	if (!opts->top || opts->top > BR_MAX_TOP)
		return br_fail(err, BR_EUSAGE, "between 1 and %d hits can be asked for", BR_MAX_TOP);
	s = br_alloc(sizeof *s);
	s->s = searcher;
	br_text_reader_reset(searcher->reader);
	s->opts = opts;
	s->out = out;
	if ((rc = question_parse(&s->q, query, opts->plain, err)) == 0 && (!st->prepare || (rc = st->prepare(s, err)) == 0) &&
	    (rc = ask_service(s, st, err)) == 0)
		rc = answer(s, query, st, err);
	search_release(s);
	return rc;
}

int br_retrieve(struct br_result *out, struct br_searcher *searcher, const char *query, const struct br_query_opts *opts, struct br_err *err)
{
	int64_t began = br_mono_ns();
	struct br_query_opts wide = *opts;
	int rc;

	if (opts->rerank && opts->top && opts->top <= BR_MAX_TOP) {
		wide.top = BR_MAX(opts->top, (uint32_t)RERANK_LEN);
		wide.no_text = false;
	}
	if ((rc = retrieve(out, searcher, query, &wide, err)) == 0 && opts->rerank)
		rc = rerank_hits(out, opts, err);
	if (rc == 0 && opts->strict && out->degraded)
		rc = br_fail(err, BR_ECHECK, "'%s' would run as less: %s", out->strategy, out->degraded);
	out->took_ms = (double)(br_mono_ns() - began) / 1e6;
	if (rc < 0)
		br_result_release(out);
	return rc;
}

/* ---- the question alone ---- */

static int read_terms(struct br_terms *out, struct search *s, const char *question, struct br_err *err)
{
	int rc;

	if ((rc = question_parse(&s->q, question, s->opts->plain, err)) < 0 ||
	    (rc = br_nb_get(&s->nb, &s->scratch, s->t, s->opts->notebook, err)) < 0)
		return rc;
	choose_langs(s);
	if ((rc = prepare_words(s, err)) < 0)
		return rc;
	out->words = s->words;
	s->words = (struct br_fts_query){ 0 };
	out->content = s->content;
	br_buf_add(&out->plain, s->q.plain.ptr, s->q.plain.len);
	return br_buf_check(&out->plain, "the question", err);
}

int br_terms_read(struct br_terms *out, struct br_searcher *searcher, const char *question, const struct br_query_opts *opts, struct br_err *err)
{
	struct search *s = br_alloc(sizeof *s);
	int rc;

	*out = (struct br_terms){ .plain = BR_BUF_INIT(2 * BR_MAX_QUERY + 1) };
	s->s = searcher;
	s->opts = opts;
	if ((rc = br_txn_read(&s->t, searcher->ws->store, err)) == 0)
		rc = read_terms(out, s, question, err);
	search_release(s);
	if (rc < 0)
		br_terms_release(out);
	return rc;
}

void br_terms_release(struct br_terms *t)
{
	br_fts_query_release(&t->words);
	br_buf_release(&t->plain);
}
