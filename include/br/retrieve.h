/*
 * retrieve - questions to ranked passages: strategies, filters, fusion, snippets, folding.
 * Use:     fill br_query_opts (BR_QUERY_OPTS_DEFAULT), br_retrieve, read result, br_result_release.
 * Threads: a br_searcher (tokenizer, embedder, scratch) belongs to one thread; make one per worker and reuse it.
 * Lives:   results are copies in the result's arena: no transaction is held after br_retrieve returns.
 * Fails:   USAGE (question or filter), NOTFOUND (notebook), CORRUPT. No hit is not an error, nor is a service that fails, unless
 *          opts->strict; CANCELLED while one is waited for.
 */
#ifndef BR_RETRIEVE_H
#define BR_RETRIEVE_H

#include "br/corpus.h"
#include "br/llm.h"

#define BR_STRATEGY_LIST(X) /* name, summary, compares vectors */                                           \
	X(hybrid,    "words and meaning, scaled scores, then title and word pairs (default)", true)        \
	X(fusion,    "words and meaning, merged by weighted reciprocal rank", true)                        \
	X(full_text, "words: BM25", false)                                                                 \
	X(semantic,  "meaning: cosine of vectors", true)                                                   \
	X(hyde,      "a language model writes a passage that would answer; its meaning counts, too", true) \
	X(multi_query, "a language model asks in other words, too; merged by reciprocal rank", true) \
	X(kb_explorer, "a language model searches, lists and reads; what it chooses comes first", true)

/* Asks a language model; br_ask_llm is one, with a struct br_llm of role chat as arg. */
typedef int br_ask_model(struct br_buf *out, const char *system, const char *user, void *arg, struct br_err *err);
br_ask_model br_ask_llm;

/*
 * Conditions as JSON (where.c): a field equals a value, {"$eq $ne $in $nin $gt $gte $lt $lte $contains $not_contains": operand},
 * "$and", "$or", "$not", and "date_range": [from, to]. Fields are those of the document's metadata, then document_id, filename,
 * file_path, title, document_type, content_type, language, upload_date, page_number, chunk_index, heading, has_table, has_code.
 */
struct br_where;
/*
 * *out lives as long as a and filters; NULL: there is no condition. USAGE: *place is where it stands, "doc_type.$foo", "" for all of it.
 */
BR_MUST_USE int br_where_compile(struct br_where **out, const char **place, struct br_arena *a, const struct br_jval *filters, struct br_err *err);
bool br_where_doc(const struct br_where *w, const struct br_doc *d); /* without passages: what is asked of them is absent */

struct br_query_opts {
	const char *notebook;          /* NULL: the one in use */
	const char *strategy;          /* NULL: search.strategy of the config */
	uint32_t top;                  /* 1..BR_MAX_TOP */
	uint32_t list;                 /* candidates by words, and as many by meaning; 0: enough for `top` */
	const char *const *filter;     /* "field=value", "path~glob", "date>=2026-01-01" ...; all must hold; NULL-terminated or NULL */
	const struct br_where *where;  /* must hold, too; NULL: no condition */
	double min_similarity;         /* hits below it are left out; 0: none are */
	double full_text_weight, semantic_weight; /* scale the two; <= 0: the strategy's own */
	double rrf_k;                  /* of fusion and multi_query: how flat reciprocal ranks are; <= 0: 60 */
	bool explain;
	bool no_fold;                  /* near-identical hits stay */
	bool by_doc;                   /* at most one hit per document: its best */
	bool no_text;                  /* hits without text (eval) */
	bool plain;                    /* the question is words only: quotes, '-' and field: have no meaning */
	int64_t freshness_ns;          /* budget for the check of sources; 0: none */
	unsigned threads;              /* that may share the work of this question; 0 and 1: the caller alone */
	br_ask_model *ask;             /* for hyde and multi_query; NULL: there is none, and they run as hybrid */
	void *ask_arg;
	struct br_llm *explorer;       /* for kb_explorer, of role chat; NULL: likewise */
	struct br_llm *rerank;         /* puts the best 50 in order; NULL: none */
	bool reorder;                  /* without a service: the best 50 are put in order by the words that they share with the question, too */
	bool strict;                   /* what would run as less is a failure: CHECK, or that of the service */
};
#define BR_QUERY_OPTS_DEFAULT { .top = 8, .freshness_ns = 500000 }

struct br_found {
	double score;
	double similarity;             /* 0 to 1, whatever the strategy: how far the passage has the question's words or its meaning */
	const char *path, *title, *doc_id, *format, *lang;
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
	const char *const *trace;      /* what kb_explorer did, a line each, NULL-terminated; or NULL */
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
struct br_ws *br_searcher_workspace(const struct br_searcher *s);
BR_MUST_USE int br_retrieve(struct br_result *out, struct br_searcher *s, const char *query, const struct br_query_opts *opts, struct br_err *err);
const char *const *br_strategy_names(size_t *n);
bool br_strategy_asks(const char *name); /* it needs a language model to be more than hybrid */

/* A question as a notebook weighs it, for those who look at its hits more closely. */
struct br_terms {
	struct br_fts_query words;     /* idf set; that of function words is held back */
	uint64_t content;              /* a bit per group (of the first 64) that says what the question is about */
	struct br_buf plain;           /* the words alone, without operators: what groups' off and len point into */
};
BR_MUST_USE int br_terms_read(struct br_terms *out, struct br_searcher *s, const char *question, const struct br_query_opts *opts, struct br_err *err);
void br_terms_release(struct br_terms *t);

#endif
