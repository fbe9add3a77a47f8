/* enhance, inside. */
#ifndef BR_ENHANCE_INTERNAL_H
#define BR_ENHANCE_INTERNAL_H

#include "br/enhance.h"

/* ---- sentences that say what a term means (define.c) ---- */

struct definition {
	struct br_slice term;           /* in the document's text, as the sentence */
	uint32_t off, len;              /* of the sentence */
	bool exact;                     /* an abbreviation: its case counts */
};
typedef BR_VEC(struct definition) definitions;
struct passage { uint32_t off, len; struct br_slice heading; };
/* In the order of the text; at most BR_MAX_DEFINITIONS. */
void find_definitions(definitions *out, struct br_slice text);
/* Without those of terms that stand in so many of the n passages that they tell none from another ("git" in a book about git). */
void drop_common(definitions *all, struct br_slice text, const struct passage *p, uint32_t n);
/* Of terms that stand in this range of the text and are not explained there: at most n, the nearest first. Returns how many. */
size_t missing_definitions(const struct definition **out, size_t n, const definitions *all, struct br_slice text, uint32_t off,
                           uint32_t len);

/* ---- one document on its way (document.c) ---- */

struct document {
	struct br_arena arena;
	struct br_doc *doc;
	struct br_buf text;
	struct passage *passage;        /* doc->chunks */
	struct br_ctx *ctx;
	definitions defs;
	size_t users;                   /* items that are not done, and whoever loaded it */
};
/* NULL in *out: the document is gone, or not indexed. */
int document_load(struct document **out, struct br_ws *ws, uint32_t nb, uint32_t doc, struct br_err *err);
void document_drop(struct document *d);

/* ---- texts (plain.c, prompt.c) ---- */

/* One line of at most `most` bytes, without control characters, cut behind a character. */
void add_line(struct br_buf *out, struct br_slice text, size_t most);
void plain_context(struct br_buf *out, const struct document *d, uint32_t ordinal);
extern const char prompt_instructions[];
void prompt_passage(struct br_buf *out, const struct document *d, uint32_t ordinal);
/* What a model answered, as a context: one line, without quotation marks around it. INPUT: nothing is left. */
int take_answer(struct br_buf *out, struct br_slice answer, struct br_err *err);

#endif
