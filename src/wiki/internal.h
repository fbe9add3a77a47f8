/* wiki - shared inside src/wiki only. */
#ifndef BR_WIKI_INTERNAL_H
#define BR_WIKI_INTERNAL_H

#include "br/wiki.h"

/* Of the rules by which pages are written: raised when they change, so that pages are written anew. */
#define PROMPT_PLAIN "extract-1"
#define PROMPT_MODEL "compile-1"
#define TAG_FALLBACK "wiki_fallback"
#define PLAIN_NAME "br"                /* who compiled without a model */

typedef BR_VEC(const char *) strings;

/* ---- words (words.c) ---- */
bool br_wiki__is_wide(uint32_t cp);                     /* of a script without spaces between words */
size_t br_wiki__chars(struct br_slice s);               /* characters */
size_t br_wiki__cut(struct br_slice s, size_t chars);   /* bytes of the first so many characters */
struct br_slice br_wiki__trim(struct br_slice s);
char *br_wiki__phrase(struct br_arena *a, struct br_slice text); /* as br_wiki_normalize, but punctuation separates words */
const char *const *br_wiki__list(struct br_arena *a, const strings *v); /* NULL-terminated */
char *br_wiki__one_line(struct br_arena *a, struct br_slice text);     /* white space is single blanks, none at the ends */

/* Distinct words of a text as sorted hashes. */
struct word_set { uint64_t *h; size_t n; };
void br_wiki__words(struct word_set *out, struct br_slice text);
void br_wiki__words_release(struct word_set *w);
double br_wiki__overlap(const struct word_set *a, const struct word_set *b, bool of_longer); /* share of the shorter (or longer) one's words in both */

/* ---- bodies (claims.c) ---- */
struct marker { bool patch; struct br_slice id; uint32_t off, len; }; /* id: 32 hex digits, or of a claim */
/* The next well-formed marker at or behind `from`. */
bool br_wiki__next_marker(struct marker *out, struct br_slice body, size_t from);
struct claim {
	struct br_slice text;          /* one sentence or list item's sentence, without markers */
	uint32_t section;              /* index into section; 0 is what stands before the first heading */
	uint32_t first_marker, markers;
	bool item;                     /* of a list or table */
};
struct claims { BR_VEC(struct claim) v; BR_VEC(struct marker) m; BR_VEC(struct br_slice) section; };
void br_wiki__claims(struct claims *out, struct br_slice body); /* borrows body */
void br_wiki__claims_release(struct claims *c);
bool br_wiki__is_caveats(struct br_slice heading);
/* "## Heading" of a line: its words, or false. */
bool br_wiki__heading(struct br_slice *out, struct br_slice line);

/* ---- records (record.c; man/br-index.5, WIKI) ---- */
enum kind { KIND_TOPIC = 1, KIND_PAGE = 2, KIND_VERSION = 3, KIND_PATCH = 4, KIND_STATE = 5 };
struct head {                                   /* of a page */
	const char *slug;
	uint32_t published, newest;             /* versions */
	int64_t created, deleted;               /* deleted 0: it is not */
	uint64_t generation;                    /* of the notebook when passages were last gathered */
	uint8_t input[16], fingerprint[16];     /* of title, aliases, rules and model; of these and the passages */
	uint8_t again[16];                      /* fingerprint for which lint had it compiled anew */
	bool patched;                           /* made by a patch: stays without a plan */
	/* of the published version, for votes */
	const char *title, *summary, *const *alias;
	uint8_t model[8];                       /* that made the vector */
	struct br_slice code;                   /* int8 each; empty: no vector */
	float scale;
};
struct cited { uint32_t doc; uint64_t sig; char id[37]; }; /* a document as it was */
struct version {
	struct br_wiki_page p;                  /* without what is the page's */
	const char *base;                       /* the body before patches */
	const struct cited *doc;
	size_t n_docs;
	const uint32_t *of;                     /* of each source: index into doc */
	uint8_t fingerprint[16];
};
int br_wiki__topic_get(struct br_wiki_topic *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, struct br_err *err); /* 1 there, 0 not */
int br_wiki__topic_put(struct br_txn *t, uint32_t nb, const struct br_wiki_topic *topic, struct br_err *err);
int br_wiki__topic_del(struct br_txn *t, uint32_t nb, const char *slug, struct br_err *err);
int br_wiki__head_get(struct head *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, struct br_err *err); /* 1 there, 0 not */
int br_wiki__head_put(struct br_txn *t, uint32_t nb, const struct head *h, struct br_err *err);
int br_wiki__version_get(struct version *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, uint32_t version, struct br_err *err); /* NOTFOUND */
int br_wiki__version_put(struct br_txn *t, uint32_t nb, const struct version *v, struct br_err *err);
int br_wiki__version_del(struct br_txn *t, uint32_t nb, const char *slug, uint32_t version, struct br_err *err);
int br_wiki__patch_put(struct br_txn *t, uint32_t nb, const struct br_wiki_patch *p, struct br_err *err);
int br_wiki__state_get(struct br_wiki_report *out, struct br_txn *t, uint32_t nb, struct br_err *err);
int br_wiki__state_put(struct br_txn *t, uint32_t nb, const struct br_wiki_report *r, struct br_err *err);
int br_wiki__touch(struct br_txn *t, uint32_t nb, struct br_err *err); /* the stamp: something changed */
typedef int topic_fn(const struct br_wiki_topic *t, void *arg);  /* non-zero stops and is returned; the record lives for the call */
int br_wiki__topics(struct br_txn *t, uint32_t nb, topic_fn *fn, void *arg, struct br_err *err);
typedef int head_fn(const struct head *h, void *arg);
int br_wiki__heads(struct br_arena *a, struct br_txn *t, uint32_t nb, head_fn *fn, void *arg, struct br_err *err); /* records live as long as a */
typedef int version_fn(const struct version *v, void *arg);
int br_wiki__versions(struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, version_fn *fn, void *arg, struct br_err *err); /* oldest first */
/* The slug in a key, and what stands behind it and a NUL. False: no key of ours. */
bool br_wiki__read_key(char slug[BR_MAX_WIKI_SLUG + 1], struct br_slice *rest, struct br_slice key);
int br_wiki__record_check(struct br_slice key, struct br_slice val, struct br_err *err);

/* ---- passages that pages cite (sources.c) ---- */
void br_wiki__chunk_id(char out[33], const char *doc_id, struct br_slice text);
uint64_t br_wiki__doc_sig(const struct br_doc *d);
/* gone[i] (p.n_sources of them) is set for each source that is not there any more; returns how many. */
int br_wiki__gone(bool *gone, struct br_txn *t, uint32_t nb, const struct version *v, struct br_err *err);

/* ---- pages (page.c) ---- */
/* What holds of a version as the documents are in this snapshot: status, lint, serveable, why, dirty. */
int br_wiki__finish(struct version *v, struct br_arena *a, struct br_txn *t, const struct br_nb *nb, const struct head *h, struct br_err *err);
/*
 * A new version of a page, which becomes the published one when its lint_status is PASSED and it is no fallback. h gets what follows
 * from it. Old versions go.
 */
int br_wiki__add_version(struct br_txn *t, const struct br_ws *ws, uint32_t nb, struct head *h, struct version *v, struct br_err *err);
/* Which version readers get from now on: the pointer, and what votes need of it. */
void br_wiki__point(struct head *h, struct br_arena *a, const struct br_ws *ws, const struct version *v);
int br_wiki__retire(struct br_txn *t, uint32_t nb, struct head *h, struct br_err *err); /* soft delete */
int br_wiki__lock(struct br_lock *l, struct br_ws *ws, uint32_t nb, struct br_err *err); /* EXISTS: another run */

/* ---- gathering (gather.c, synonyms.c) ---- */
struct gathered {
	struct br_quotables q;
	char (*id)[33];                         /* of each hit */
	bool *use;                              /* whether it is a passage of the page */
	size_t used;
	uint8_t input[16], fingerprint[16];
};
void br_wiki__input(uint8_t out[16], const struct br_wiki_topic *topic, const struct br_wiki_model *model);
int br_wiki__gather(struct gathered *out, struct br_searcher *s, const char *notebook, const struct br_wiki_topic *topic, const struct br_wiki_model *model, struct br_err *err);
void br_wiki__gathered_release(struct gathered *g);
/* Appends, behind a blank each, what words and phrases of text are called in the other language. */
void br_wiki__translate(struct br_buf *out, const char *text);
/* The other language's word for exactly this phrase, or NULL. */
const char *br_wiki__synonym(const char *phrase);

/* ---- writing (extractive.c, model.c) ---- */
struct draft { struct br_buf body; const char *summary; bool fallback; double confidence; };
int br_wiki__extract(struct draft *out, struct br_arena *a, const struct br_wiki_topic *topic, const struct gathered *g, struct br_err *err);
int br_wiki__ask_page(struct draft *out, struct br_arena *a, const struct br_wiki_topic *topic, const struct gathered *g, const char *existing, bool again,
                      const struct br_wiki_model *model, struct br_err *err);
int br_wiki__ask_plan(struct br_wiki_topics *out, struct br_arena *a, struct br_slice digest, const struct br_wiki_model *model, struct br_err *err);
int br_wiki__ask_slug(const char **out, struct br_arena *a, struct br_slice pages, const char *question, const struct br_wiki_model *model, struct br_err *err);
char *br_wiki__summary(struct br_arena *a, struct br_slice first); /* at most 80 characters */

/* ---- the plan (plan.c): as br_wiki_plan_make; the caller holds the lock ---- */
int br_wiki__plan_make(struct br_wiki_topics *out, struct br_arena *a, struct br_ws *ws, uint32_t nb, const struct br_wiki_model *model, struct br_err *err);

/* An array of topics, those that make no sense left out. out comes in zeroed. */
int br_wiki__plan_json(struct br_wiki_topics *out, struct br_arena *a, struct br_slice text, const char *name, struct br_err *err);

/* ---- topics of a notebook (topics.c) ---- */
int br_wiki__topics_find(struct br_wiki_topics *out, struct br_arena *a, struct br_txn *t, const struct br_nb *nb, struct br_err *err);
int br_wiki__digest(struct br_buf *out, struct br_txn *t, uint32_t nb, struct br_err *err); /* titles and headings for a model */
bool br_wiki__is_function_word(struct br_slice word);
bool br_wiki__is_generic(const char *heading);          /* "Options", "See also": names nothing */

/* ---- one page (compile.c) ---- */
struct run;
/* lint's way of having a page compiled anew. *compiled tells whether there is a new version. The caller holds the lock. */
int br_wiki__compile_one(bool *compiled, struct br_ws *ws, uint32_t nb, const char *slug, const struct br_wiki_model *model, bool again, struct br_err *err);

/* ---- claims against each other (nli.c) ---- */
enum { JUDGED_WORDS = 80 };
struct judged {
	uint64_t word[JUDGED_WORDS], number[JUDGED_WORDS]; /* in order; numbers and dates apart */
	uint32_t at[JUDGED_WORDS];              /* of each number: how many words stand before it */
	size_t words, numbers, wide;
	bool negated;
};
void br_wiki__judged(struct judged *out, struct br_slice text);
enum br_verdict br_wiki__compare(const struct judged *a, const struct judged *b);

/* ---- lint (lint.c) ---- */
/* Findings of a version by itself and against the other pages; sets lint_status, error. No E5: that is told when it is read. */
int br_wiki__lint_version(struct version *v, struct br_arena *a, struct br_txn *t, uint32_t nb, struct br_err *err);

/* ---- patches (patch.c) ---- */
/* base with all patches of the page applied, appended to out; *superseded may be NULL. */
void br_wiki__apply(struct br_buf *out, const char *base, const struct br_wiki_patches *p, uint32_t *superseded);

#endif
