/*
 * wiki - pages compiled from a notebook's passages: planned, compiled, linted, versioned, patched, voted for, exported.
 * Use:     br_wiki_compile (it plans when there is no plan); br_wiki_match and br_wiki_get to answer; br_wiki_strip before it is shown.
 * Owns:    table WIKI, wiki-NUMBER.lock in .br. Everything takes the notebook's number (br_nb.nb), which is the first part of every key:
 *          nothing of another notebook is ever read. Whose notebook it is the caller has checked.
 * Markers: "[chunk_<32 hex>]" behind every claim, made of the document's id and the passage's text, so that passages which did not change
 *          keep theirs when they are indexed again; "[claim_<id>]" behind what a patch says. br_wiki_sources resolves them.
 * Versions: a page has versions from 1 on and a pointer to the published one, which is the newest that passed lint. The published one
 *          stays while a newer one is pending or failed.
 * Deleted: what a page may be served with is decided when it is read, against the documents as they are in that snapshot: a page that
 *          cites a passage which was deleted or changed is not serveable from the commit on that deleted it (E5). Ingest, sync and
 *          removal write nothing here and are no slower for it.
 * Threads: functions with a br_txn belong to its thread; the others open transactions of their own, the caller has none, and may be
 *          called by any thread. One compile, plan or automatic recompile of a notebook at a time: EXISTS. No transaction is
 *          held while a model is asked.
 * Lives:   what comes out lives as long as the arena it was read into.
 * Stops:   on SIGINT, SIGTERM and *cancel; killed: every page that was committed stays, and the next run goes on from there.
 * Fails:   NOTFOUND (no such page, version or notebook), EXISTS (another run), USAGE (a slug, list or patch that makes no sense), PARTIAL,
 *          CANCELLED, CORRUPT, FULL and the other errors of the store. A model that fails makes a page fail, not the run.
 * Format:  man/br-index.5, WIKI; br-wiki(1)
 */
#ifndef BR_WIKI_H
#define BR_WIKI_H

#include "br/answer.h"
#include "br/corpus.h"
#include "br/json.h"
#include "br/retrieve.h"

#include <stdatomic.h>

/* ---- text rules (words.c) ---- */

bool br_wiki_slug_ok(const char *slug, struct br_err *err);                    /* kebab-case ASCII; USAGE */
char *br_wiki_slugify(struct br_arena *a, const char *text);                   /* "Return policy" -> "return-policy"; of no ASCII: "topic-" and 8 hex */
/* As cache keys and the keyword vote have it: full-width to half-width, lower case, no punctuation, single blanks. Appended. */
void br_wiki_normalize(struct br_buf *out, struct br_slice text);
void br_wiki_strip(struct br_buf *out, struct br_slice body);                  /* without markers and the blanks before them; appended */
uint32_t br_wiki_token_count(struct br_slice text);                            /* about: words, and one a CJK character; markers left out */

/* ---- language models ---- */

/* NULL in its place: none is asked, pages are made of sentences quoted from passages. */
struct br_wiki_model { br_ask_model *ask; void *arg; const char *name; };
/* A br_ask_model; arg is a struct br_llm of role chat. At most 60 s a call; an empty reply is UPSTREAM; room for 2000 tokens or more. */
br_ask_model br_wiki_ask_llm;

/* ---- the plan (plan.c, topics.c) ---- */

struct br_wiki_topic {
	const char *slug, *title;
	const char *const *alias;      /* NULL-terminated; never NULL */
	const char *category;          /* "" none */
	bool manual;                   /* from the list of people; the others were planned */
};
struct br_wiki_topics { BR_VEC(struct br_wiki_topic) v; };      /* free with br_vec_release; what is in it is the arena's */
/* By slug. */
BR_MUST_USE int br_wiki_plan_get(struct br_wiki_topics *out, struct br_arena *a, struct br_txn *t, uint32_t nb, struct br_err *err);
/* Replaces the manual list; a planned topic of the same slug gives way. USAGE: a slug twice, an alias of two slugs. */
BR_MUST_USE int br_wiki_plan_set(struct br_ws *ws, uint32_t nb, const struct br_wiki_topic *v, size_t n, struct br_err *err);
/* Replaces what was planned by 30 to 50 topics of the notebook (fewer when it has not so many): by the model, or of titles and headings. */
BR_MUST_USE int br_wiki_plan_make(struct br_wiki_topics *out, struct br_arena *a, struct br_ws *ws, uint32_t nb, const struct br_wiki_model *model, struct br_err *err);
/* A JSON array of {slug, title, aliases, category}, or lines "slug | title | alias, alias | category"; INPUT names the line. */
BR_MUST_USE int br_wiki_plan_parse(struct br_wiki_topics *out, struct br_arena *a, struct br_slice text, const char *name, struct br_err *err);
void br_wiki_plan_write(struct br_buf *out, const struct br_wiki_topics *t);   /* such lines */

/* ---- pages (page.c, record.c) ---- */

enum br_wiki_lint_status { BR_WIKI_PENDING, BR_WIKI_PASSED, BR_WIKI_FAILED };
const char *br_wiki_lint_name(enum br_wiki_lint_status s);      /* "pending", "passed", "failed" */
enum br_wiki_status { BR_WIKI_ACTIVE, BR_WIKI_STALE, BR_WIKI_DELETED };
const char *br_wiki_status_name(enum br_wiki_status s);         /* "active", "stale", "deleted" */

struct br_wiki_error { uint8_t code; bool blocks; const char *text; }; /* code 1 to 5: E1 to E5 */
struct br_wiki_source { char chunk[33], doc_id[37]; };          /* hex digits of the marker; the document */
struct br_wiki_page {                  /* one version */
	const char *slug, *title;
	const char *const *alias;      /* NULL-terminated */
	const char *category, *summary, *body; /* body: NULL in lists */
	const struct br_wiki_source *source;
	size_t n_sources;
	const char *const *doc_id;     /* of the sources, each once; NULL-terminated */
	const char *const *tags;       /* "wiki_fallback"; NULL-terminated */
	double confidence;
	uint32_t token_count;
	int64_t compiled_at;           /* seconds since 1970 */
	const char *compiled_by, *compiled_prompt; /* "br" without a model; version of the template */
	const char *reason, *actor;    /* "compile", "recompile", "patch", "restore"; who patched or restored, "" */
	enum br_wiki_lint_status lint_status;
	const struct br_wiki_error *error;
	size_t n_errors;
	uint32_t version, newest, published; /* of this one; of the page; published 0: none */
	enum br_wiki_status status;    /* of this version: ACTIVE is the published one, or the newest of a page that has none */
	int64_t deleted_at;            /* 0: it is not */
	char fingerprint[33];
	bool serveable, dirty;         /* as of the snapshot; dirty: documents changed since it was last looked at, a compile may change it */
	const char *why;               /* not serveable because; "" */
};
struct br_wiki_pages { BR_VEC(struct br_wiki_page) v; };
/*
 * Of every page the published version, or else the newest; by slug; without bodies. deleted: also pages that are. E5 is found here and in
 * br_wiki_get as the documents are: lint_status and error say so at once.
 */
BR_MUST_USE int br_wiki_list(struct br_wiki_pages *out, struct br_arena *a, struct br_txn *t, uint32_t nb, bool deleted, struct br_err *err);
/* version 0: the published one, or else the newest. */
BR_MUST_USE int br_wiki_get(struct br_wiki_page *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, uint32_t version, struct br_err *err);
BR_MUST_USE int br_wiki_history(struct br_wiki_pages *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, struct br_err *err); /* newest first */
BR_MUST_USE int br_wiki_count(uint64_t *out, struct br_txn *t, uint32_t nb, struct br_err *err); /* pages that are not deleted */
/*
 * Makes a version the published one again. CHECK when it did not pass lint or is a fallback, unless a person `reviewed` it;
 * what cites deleted passages never.
 */
BR_MUST_USE int br_wiki_publish(struct br_ws *ws, uint32_t nb, const char *slug, uint32_t version, bool reviewed, const char *actor, struct br_err *err);
/* Raised with every change of the wiki, for caches; a change of documents raises br_nb.generation. */
BR_MUST_USE int br_wiki_stamp(uint64_t *out, struct br_txn *t, uint32_t nb, struct br_err *err);

struct br_wiki_passage {
	char chunk[33];
	bool there;                    /* false: deleted or changed; then only chunk and doc_id are set */
	const char *doc_id, *path, *title, *text;
	uint32_t doc, number, ordinal, line, line_end, page; /* number: of the chunk */
};
struct br_wiki_passages { BR_VEC(struct br_wiki_passage) v; };
BR_MUST_USE int br_wiki_sources(struct br_wiki_passages *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const struct br_wiki_page *p, struct br_err *err);
/* The members of a page as the Baiyuan API has them, between br_json_obj and br_json_end; body when there is one. */
void br_wiki_page_json(struct br_json *j, const struct br_wiki_page *p);

/* ---- compiling (compile.c) ---- */

enum br_wiki_outcome { BR_WIKI_COMPILED, BR_WIKI_SKIPPED, BR_WIKI_FAILED_PAGE, BR_WIKI_REMOVED };
struct br_wiki_event {
	const char *slug;
	enum br_wiki_outcome outcome;
	uint32_t version;              /* 0: there is no page */
	enum br_wiki_lint_status lint_status;
	const char *why;               /* why it failed, was removed or has no page; "" */
};
struct br_wiki_compile_opts {
	const char *const *slug;       /* NULL-terminated, these alone: NOTFOUND when one is not planned; NULL: all */
	bool force;                    /* also what did not change */
	bool plan;                     /* touch nothing; what would be compiled counts as compiled; returns CHANGES when there is some */
	const struct br_wiki_model *model; /* NULL: none */
	const atomic_bool *cancel;     /* may be NULL */
	void (*event)(const struct br_wiki_event *e, void *arg);  /* a page, once it is durable; may be NULL */
	void (*progress)(const struct br_progress *p, void *arg); /* "files" are pages; may be NULL */
	void *arg;
};
struct br_wiki_report {
	uint64_t topics, compiled, skipped, failed, removed, passed; /* passed: of the compiled ones, lint */
	int64_t at;                    /* when it ended; 0: there was none */
	double seconds;
};
/* 0, or PARTIAL when pages failed; the report holds in every case. */
BR_MUST_USE int br_wiki_compile(struct br_wiki_report *out, struct br_ws *ws, uint32_t nb, const struct br_wiki_compile_opts *opts, struct br_err *err);
BR_MUST_USE int br_wiki_last_compile(struct br_wiki_report *out, struct br_txn *t, uint32_t nb, struct br_err *err);
bool br_wiki_running(struct br_ws *ws, uint32_t nb);            /* a compile or plan */

/* ---- lint (lint.c, nli.c) ---- */

struct br_wiki_lint_opts {
	const char *const *slug;       /* as above */
	bool no_recompile;             /* leave pages alone that miss citations (E2) or cite what is gone (E5): else they are compiled anew, once */
	const struct br_wiki_model *model;
	void (*event)(const struct br_wiki_page *p, void *arg);   /* each page, with its errors; may be NULL */
	void *arg;
};
struct br_wiki_linted { uint64_t checked, passed, failed, recompiled, warnings; };
/* The newest version of every page. 0, or CHECK when one failed. */
BR_MUST_USE int br_wiki_lint(struct br_wiki_linted *out, struct br_ws *ws, uint32_t nb, const struct br_wiki_lint_opts *opts, struct br_err *err);
/* The deterministic judge: same subject, and one number, date or negation that differs. Neutral is never a fault. */
enum br_verdict { BR_NEUTRAL, BR_ENTAILMENT, BR_CONTRADICTION };
enum br_verdict br_wiki_judge(struct br_slice claim, struct br_slice other);

/* ---- which page answers a question (vote.c) ---- */

struct br_wiki_match_opts {
	double floor, margin;          /* of the embedding voter; <= 0: those of the setting wiki.floor, wiki.margin of the notebook */
	const struct br_wiki_model *model; /* asked only when the two differ; NULL: a disagreement is a miss */
};
struct br_wiki_match {
	bool hit;
	uint32_t nb;                   /* of the page that was hit */
	const char *slug;              /* NULL: miss */
	const char *keyword, *phrase;  /* slug or NULL; the words that decided */
	const char *embedding;         /* slug or NULL */
	double cosine, second;         /* of the best page and the next, whether or not it voted */
	const char *llm;               /* slug or NULL: none or not asked */
	bool asked;
	char row;                      /* 'a' to 'g' of the table in br-wiki(1) */
};
/*
 * nb: the notebooks that are searched, the default one first; a slug of two is the first one's when that is the default, else that of
 * the higher cosine. Only serveable pages of notebooks whose setting wiki.enabled is on take part. A model that fails: as if there were none.
 */
BR_MUST_USE int br_wiki_match(struct br_wiki_match *out, struct br_arena *a, struct br_ws *ws, const uint32_t *nb, size_t n, const char *question,
                              const struct br_wiki_match_opts *opts, struct br_err *err);

/* ---- patches (patch.c) ---- */

struct br_wiki_patch {
	const char *slug, *section, *content;
	const char *claim;             /* letters, digits, '_', '-', '.', ':' */
	double confidence;             /* below 0.5: USAGE */
	const char *actor;             /* "" nobody known */
	bool create;                   /* the page, when there is none; else NOTFOUND */
	int64_t at;                    /* read: when */
	uint32_t version;              /* read: that it made */
};
struct br_wiki_patches { BR_VEC(struct br_wiki_patch) v; };
struct br_wiki_patched {
	uint32_t version;
	enum br_wiki_lint_status lint_status;
	bool live;                     /* it is published */
	const struct br_wiki_error *error;
	size_t n_errors;
	uint32_t superseded;           /* lines that gave way */
};
/* A new version, linted, and published when it passed. The same claim again replaces what it said; the same words change nothing. */
BR_MUST_USE int br_wiki_patch(struct br_wiki_patched *out, struct br_arena *a, struct br_ws *ws, uint32_t nb, const struct br_wiki_patch *p, struct br_err *err);
BR_MUST_USE int br_wiki_patches(struct br_wiki_patches *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, struct br_err *err); /* in order of time */

/* ---- export (export.c), care ---- */

struct br_wiki_export_opts { bool all; /* also pages that may not be served */ };
struct br_wiki_exported { uint64_t written, same, removed; };
/* SLUG.md for every page and README.md, a list; only what changed is written, and files of pages that are gone go. EXISTS: a file of the name that is not ours. */
BR_MUST_USE int br_wiki_export(struct br_wiki_exported *out, struct br_ws *ws, uint32_t nb, const char *dir, const struct br_wiki_export_opts *opts, struct br_err *err);
/*
 * Every record of table WIKI, and that pages have the versions they name; problems are told to fn (may be NULL) and counted. fix, in a
 * write transaction: what is damaged goes, so that the next compile makes it anew.
 */
BR_MUST_USE int br_wiki_verify(uint64_t *problems, struct br_txn *t, bool fix, br_problem_fn *fn, void *arg, struct br_err *err);

#endif
