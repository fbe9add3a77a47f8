/* answer - shared inside src/answer only. */
#ifndef BR_ANSWER_INTERNAL_H
#define BR_ANSWER_INTERNAL_H

#include "br/answer.h"

#define ANSWER_LOOK 10 /* passages that are looked at when sentences are quoted */

/* ---- the question against its passages (terms.c) ---- */

/* Words of the question that a text has are bits: one per group of the first 64. */
struct inquiry {
	struct br_searcher *s;
	struct br_ws *ws;
	struct br_terms terms;
	struct br_result r;
	struct br_tokenizer *tok;
	struct br_embedder *embedder;
	int16_t vec[BR_ANN_MAX_DIM];   /* of the question, widened */
	double scale;                  /* 0: it has none */
	double gain;                   /* how far the model is trusted with this question, 0..1 */
	double all, once;              /* weight of all words; of a word that stands in one passage */
	float retrieved[64];           /* what each word weighed in retrieval */
};
int br_answer__inquiry_make(struct inquiry *q, struct br_searcher *s, const char *question, const struct br_query_opts *opts, struct br_err *err);
void br_answer__inquiry_release(struct inquiry *q);
double br_answer__share(const struct inquiry *q, uint64_t words);           /* of the question's weight that these words have, 0..1 */
double br_answer__weight_of(const struct inquiry *q, uint64_t words);
double br_answer__bm25(const struct inquiry *q, const struct br_found *f, uint64_t words);
double br_answer__closeness(struct inquiry *q, struct br_slice text);       /* cosine with the question, 0 when not known */
uint64_t br_answer__words_of(struct inquiry *q, const char *lang, struct br_slice text);
uint64_t br_answer__words_of_token(const struct inquiry *q, const struct br_token *t);
double br_answer__loose_share(const struct inquiry *q, const struct br_tokens *t, uint64_t have);
uint64_t br_answer__words_above(struct inquiry *q, const struct br_found *f); /* in title and headings */

/* A passage cut into what can be quoted (units.c). */
struct unit {
	uint32_t hit;                  /* which of the passages */
	uint32_t off, len;             /* bytes of its text */
	uint64_t words;
	bool code, asks;               /* asks: ends with a question mark */
	double score;
};
struct passage {
	uint64_t above, words;         /* words in title and headings; there and in the text */
	double loose;                  /* share of the question's weight when words may differ in their ends */
};
typedef BR_VEC(struct unit) units;
void br_answer__cut_passage(units *out, struct passage *p, struct inquiry *q, uint32_t hit);

/* ---- whether passages support an answer (support.c): found from 0 on ---- */
double br_answer__support(const struct inquiry *q, const struct passage *p, const units *u);

/* ---- quoted answers (quote.c) ---- */
void br_answer__score_units(struct inquiry *q, const struct passage *p, units *u);
int br_answer__quote_answer(struct br_reply *out, struct inquiry *q, const struct br_answer_opts *opts, struct br_err *err);
void br_answer__cite_range(struct br_citation *c, struct br_arena *a, const struct br_found *f, uint32_t off, uint32_t len);
int br_answer__write_quotes(struct br_reply *out, const struct inquiry *q, struct unit *const *u, size_t n, struct br_err *err);
const char *br_answer__nothing_found(const char *language, const char *question);

/* ---- questions about everything (overview.c) ---- */
bool br_answer__asks_overview(struct br_arena *a, const char *question);
int br_answer__overview(struct br_reply *out, struct br_searcher *s, const struct br_answer_opts *opts, struct br_err *err);

/* ---- answers of a language model (model.c, prompt.c) ---- */
int br_answer__model_answer(struct br_reply *out, struct inquiry *q, const struct br_answer_opts *opts, struct br_err *err);
char *br_answer__condense(struct br_arena *a, const char *question, const struct br_answer_opts *opts, struct br_usage *tokens, struct br_err *err); /* NULL with err when the model was stopped */
char *br_answer__condense_plainly(struct br_arena *a, const char *question, const struct br_answer_opts *opts);
#define NOT_FOUND_MARK "NOT FOUND"
int br_answer__prompt_system(struct br_buf *out, const struct br_answer_opts *opts, struct br_err *err);
int br_answer__prompt_question(struct br_buf *out, const struct br_result *r, const char *question, struct br_err *err);
int br_answer__check_voice(const struct br_answer_opts *opts, struct br_err *err); /* persona and language are known */

/* ---- the answer cache (cache.c) ---- */
void br_answer__cache_key(uint8_t key[16], const struct br_answer_opts *opts, const char *question);
int br_answer__cache_find(struct br_reply *out, struct br_searcher *s, const struct br_answer_opts *opts, const char *question, struct br_err *err); /* 1 found */
int br_answer__cache_keep(struct br_searcher *s, const struct br_answer_opts *opts, const char *question, const struct br_reply *r, struct br_err *err);

/* ---- records ---- */
enum { RECORD_VERSION = 1 };
static inline void put_str(struct br_buf *b, const char *s) { br_buf_lstr(b, s ? s : "", s ? strlen(s) : 0); }
static inline const char *get_str(struct br_arena *a, struct br_rd *r)
{
	struct br_slice s = br_rd_lstr(r);

	return br_arena_strndup(a, s.ptr, s.len);
}
void br_answer__put_number(struct br_buf *b, double v);
double br_answer__get_number(struct br_rd *r);

#endif
