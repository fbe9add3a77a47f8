/*
 * retrieve - questions to ranked passages: strategies, filters, fusion, snippets, folding.
 * Use:     fill br_query_opts (BR_QUERY_OPTS_DEFAULT), br_retrieve, read result, br_result_release.
 * Threads: a br_searcher (tokenizer, embedder, scratch) belongs to one thread; make one per worker and reuse it.
 * Lives:   results are copies in the result's arena: no transaction is held after br_retrieve returns.
 * Fails:   USAGE (question or filter), NOTFOUND (notebook), CORRUPT. No hit is not an error.
 */
#ifndef BR_RETRIEVE_H
#define BR_RETRIEVE_H

#include "br/corpus.h"

#define BR_STRATEGY_LIST(X) /* name            summary */                                                   \
	X(hybrid,    "words and meaning, scaled scores, then title and word pairs (default)")              \
	X(fusion,    "words and meaning, merged by weighted reciprocal rank")                              \
	X(full_text, "words: BM25")                                                                        \
	X(semantic,  "meaning: cosine of vectors")

struct br_query_opts {
	const char *notebook;          /* NULL: the one in use */
	const char *strategy;          /* NULL: search.strategy of the config */
	uint32_t top;                  /* 1..BR_MAX_TOP */
	const char *const *filter;     /* "field=value", "path~glob", "date>=2026-01-01" ...; all must hold; NULL-terminated or NULL */
	double full_text_weight, semantic_weight; /* scale the two; <= 0: the strategy's own */
	bool explain;
	bool no_fold;                  /* near-identical hits stay */
	bool by_doc;                   /* at most one hit per document: its best */
	bool no_text;                  /* hits without text (eval) */
	bool plain;                    /* the question is words only: quotes, '-' and field: have no meaning */
	int64_t freshness_ns;          /* budget for the check of sources; 0: none */
	unsigned threads;              /* that may share the work of this question; 0 and 1: the caller alone */
};
#define BR_QUERY_OPTS_DEFAULT { .top = 8, .freshness_ns = 500000 }

struct br_found {
	double score;
	const char *path, *title, *doc_id, *format;
	const char *const *heading;    /* path, NULL-terminated */
	uint32_t line, line_end, page;
	uint32_t doc, chunk, ordinal;
	const char *text;              /* the whole chunk */
	const char *snippet;           /* its most telling lines, NUL-terminated */
	uint32_t snippet_line;         /* first line of the snippet */
	uint32_t folded;               /* near-identical hits that stand behind this one */
	bool stale;                    /* its source is not what was indexed; always looked at, unless freshness_ns is 0 */
	/* explain */
	int32_t lexical_rank, semantic_rank; /* from 1; 0: not in that list */
	double bm25, cosine, f_lexical, f_semantic, f_title, f_pairs, f_about, f_many, f_crowding; /* what each part added to the score */
	const char *matched;           /* terms of the question found, separated by spaces */
};
struct br_result {
	struct br_arena arena;
	const char *query, *notebook, *strategy, *degraded; /* degraded: why the strategy ran as less, or NULL */
	struct br_found *hit;
	size_t n;
	uint64_t generation, candidates;
	int64_t indexed_at;
	struct br_freshness fresh;
	uint64_t stale_sources;        /* known to have changed or gone: of those looked at in time, and of the hits in any case */
	const char *way;               /* how vectors were searched */
	double fit, took_ms;
};
void br_result_release(struct br_result *r);

/* As br-json(7) has it: the whole object; the members of one hit, between br_json_obj and br_json_end. */
struct br_result_json {
	const char *id; /* of one question among several; NULL: left out */
	bool explain, no_text;
};
void br_result_json(struct br_json *j, const struct br_result *r, const struct br_result_json *how);
void br_found_json(struct br_json *j, const struct br_found *f, size_t rank, const struct br_result_json *how);

struct br_searcher;
struct br_searcher *br_searcher_new(struct br_ws *ws);
void br_searcher_free(struct br_searcher *s);
BR_MUST_USE int br_retrieve(struct br_result *out, struct br_searcher *s, const char *query, const struct br_query_opts *opts, struct br_err *err);
const char *const *br_strategy_names(size_t *n);

#endif
