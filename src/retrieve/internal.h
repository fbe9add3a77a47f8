/* retrieve - shared inside src/retrieve only. */
#ifndef BR_RETRIEVE_INTERNAL_H
#define BR_RETRIEVE_INTERNAL_H

#include "br/retrieve.h"

enum {
	LIST_LEN = 100,    /* candidates of each list, more when more hits are asked for */
	RERANK_LEN = 50,   /* candidates that get title and pairs */
};

/* ---- the question, parsed (question.c) ---- */
struct phrase { struct br_slice text; bool exclude; };
struct question {
	struct br_buf plain;                    /* the words, without operators: what is embedded and scored */
	BR_VEC(struct phrase) phrases;          /* "exact words", -"not these" */
	BR_VEC(struct br_slice) exclude;        /* -word */
	BR_VEC(char *) filter;                  /* field:value, rewritten as filters */
	char *copy;                             /* what the slices point into */
};
int question_parse(struct question *q, const char *text, bool plain, struct br_err *err);
void question_release(struct question *q);

/* ---- filters (filter.c) ---- */
struct filter;
int filter_parse(struct filter **out, const char *text, struct br_err *err); /* USAGE names the fields there are */
void filter_free(struct filter *f);
bool filter_match(const struct filter *f, const struct br_doc *d);

/* ---- conditions as JSON (where.c) ---- */
struct where_facts {
	const struct br_doc *doc;
	const struct br_jval *meta;             /* of the document; NULL: none */
	const struct br_chunk_rec *chunk;
	struct br_slice text;                   /* of the passage */
};
bool where_of_passages(const struct br_where *w); /* it asks for chunk and text */
bool where_match(const struct br_where *w, const struct where_facts *f);

/* ---- one candidate on its way through ranking ---- */
struct cand {
	uint32_t chunk;
	float bm25, cosine;             /* cosine NAN: no vector */
	int32_t lex_rank, sem_rank;     /* from 1, 0 not in that list */
	double score, f_lex, f_sem, f_title, f_pairs, f_about, f_many, f_crowding;
	/* filled for those that are shown or reranked */
	struct br_chunk_rec rec;
	const struct br_doc *doc;
	struct br_slice text;
	uint64_t matched;               /* bit per group */
};

/* A passage that a language model chose before the snapshot was taken, and how to know it again. */
struct chosen { uint32_t chunk, ordinal; const char *doc_id; };

struct search {
	struct br_searcher *s;
	const struct br_query_opts *opts;
	struct br_result *out;
	struct br_txn *t;
	struct br_nb *nb;
	struct br_arena scratch;        /* what lives as long as the search */
	struct question q;
	struct br_slice written;        /* by a language model: what is embedded behind the question */
	const char *variant[BR_MAX_EXPLORE_STEPS]; /* likewise: the question in other words */
	size_t n_variants;
	const struct chosen *chosen;    /* by kb_explorer, best first */
	size_t n_chosen;
	struct br_ann_query *variant_vec; /* of a service, for each variant */
	const char *langs[10];          /* in which question words are stemmed; NULL-terminated */
	struct br_fts_query words;
	uint64_t content;               /* bit per group: it says what the question is about */
	struct br_bits keep_bits;
	const struct br_bits *keep;     /* NULL: every chunk */
	struct br_vec_source rows;
	struct br_ann_query vec;
	bool has_vec;
	bool service;                   /* vec is a service's, as the notebook's vectors are */
	struct br_nb *asked;            /* the notebook as it was when the service was asked, or NULL */
	const char *no_vec;             /* why the service gave no vector, or NULL */
	double fit, gain;               /* gain: how far the model is trusted with this question, 0..1 */
	struct br_topk lexical, semantic;
	struct br_ann_stats ann;
	BR_VEC(struct cand) cand;
	const struct br_doc *doc[256];  /* decoded lately, by number */
};

struct br_searcher {
	struct br_ws *ws;
	struct br_tokenizer *tok;
	struct br_embedder *embedder;
	struct br_embedding vec;        /* scratch */
	struct br_text_reader *reader;
};

/* ---- constraints (constrain.c): live chunks, filters, phrases and exclusions become one bitmap before any scoring ---- */
int constrain(struct search *s, struct br_err *err);

/* ---- weights (function_words.c): "how do I" says less than "commit" ---- */
void weigh_function_words(struct search *s);

/* ---- candidates (candidates.c) ---- */
int find_lexical(struct search *s, struct br_err *err);
int find_semantic(struct search *s, struct br_err *err);
int merge_lists(struct search *s, struct br_err *err); /* union of both, with both scores of every member */
int load_cand(struct search *s, struct cand *c, bool text, struct br_err *err); /* record and document, and its text if asked */
void sort_cands(struct search *s, bool by_path);       /* best first; equal scores by path, or by chunk number while paths are not known */

static inline double rrf_k(const struct search *s) { return s->opts->rrf_k > 0 ? s->opts->rrf_k : 60; }

/* The token is one of the group's forms. */
static inline bool group_has(const struct br_fts_group *g, const struct br_token *tok)
{
	for (size_t i = 0; i < g->alts.n; i++) {
		const struct br_fts_alt *a = &g->alts.v[i];
		if (a->term[0] == tok->term[0] && a->len == tok->term_len && !memcmp(a->term, tok->term, a->len))
			return true;
	}
	return false;
}

/* Tokens of text; of words that cannot be the question's, the term may be empty. Valid until the next use of the tokenizer. */
const struct br_tokens *question_words(struct search *s, struct br_slice text);

/* ---- features of a loaded candidate (features.c), each 0..1 ---- */
double title_share(struct search *s, const struct cand *c);
double pair_share(struct search *s, const struct cand *c);
double pair_bound(const struct search *s, const struct cand *c); /* at most this is its pair_share, as far as one knows without its text */
double about_cosine(struct search *s, const struct cand *c);

/* ---- presentation ---- */
int present(struct search *s, struct br_err *err);      /* present.c: folds, copies hits into the result */
void snippet(struct search *s, const struct cand *c, struct br_found *out); /* snippet.c */

/* ---- strategies: one row and one file each ---- */
struct strategy {
	const char *name;
	bool vectors;                   /* compares them */
	int (*rank)(struct search *s, struct br_err *err); /* fills s->cand, best first */
	int (*prepare)(struct search *s, struct br_err *err); /* before the transaction begins: may wait for a service; or NULL */
};
int prepare_words(struct search *s, struct br_err *err);
void prepare_vector(struct search *s);
int rank_hybrid(struct search *s, struct br_err *err);
int rank_fusion(struct search *s, struct br_err *err);
int rank_full_text(struct search *s, struct br_err *err);
int rank_semantic(struct search *s, struct br_err *err);
int rank_hyde(struct search *s, struct br_err *err);
int prepare_hyde(struct search *s, struct br_err *err);
int rank_multi_query(struct search *s, struct br_err *err);
int prepare_multi_query(struct search *s, struct br_err *err);
bool add_variant(struct search *s, struct br_slice text); /* false: it is known already, or there is no more room */
int rank_kb_explorer(struct search *s, struct br_err *err);
int prepare_kb_explorer(struct search *s, struct br_err *err);
void degrade(struct search *s);                         /* says in the result why vectors did not take part */


/* ---- services (model.c, rerank.c) ---- */
/* The model's answer, in s->scratch; NULL when there is none: the strategy runs as less, and the result says why. */
int ask_model(const char **out, struct search *s, const char *system, struct br_err *err);
/* A service failed: under strict that is the failure; else the result says so, and 0. */
int service_failed(struct br_result *r, const struct br_query_opts *opts, const char *what, int rc, const struct br_err *why, struct br_err *err);
/* Puts the hits in the order of the service's scores and keeps opts->top. */
int rerank_hits(struct br_result *r, const struct br_query_opts *opts, struct br_err *err);
/* Without a service: the best of s->cand by what their text, title and heading share with the question. */
int reorder_cands(struct search *s, struct br_err *err);

#endif
