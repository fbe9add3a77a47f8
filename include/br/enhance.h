/*
 * enhance - contexts for passages: a sentence or two that place a passage within its document, so that it is found by words which it
 *          does not contain. Written by the language model, or without one taken from title, headings and definitions of the document.
 * Use:     br_enhance writes what is missing; br_contexts_change (br/corpus.h) publishes or resets; br_enhance_status tells.
 * Threads: one run at a time in a workspace (LOCKED), which starts threads of its own; anybody may read meanwhile.
 * Stops:   on SIGINT and SIGTERM, or killed: what was written stays, the next run does what is missing.
 * Fails:   NOTFOUND (no such notebook), USAGE (a model is wanted and none is configured), LOCKED, CANCELLED, AUTH, UPSTREAM, FULL, CORRUPT.
 */
#ifndef BR_ENHANCE_H
#define BR_ENHANCE_H

#include "br/corpus.h"
#include "br/llm.h"

enum br_enhance_model { BR_ENHANCE_AUTO /* if one is configured */, BR_ENHANCE_ON, BR_ENHANCE_OFF };
struct br_enhance_event {                 /* one chunk, once its state is durable */
	const struct br_doc *doc;
	uint32_t ordinal;
	const struct br_ctx *ctx;         /* SUCCESS or FAILED */
};
typedef bool br_want_fn(const struct br_doc *d, void *arg);
struct br_enhance_opts {
	const char *notebook;             /* NULL: the one in use */
	br_want_fn *want;                 /* NULL: every document */
	void *want_arg;
	uint64_t limit;                   /* at most so many chunks; 0: all */
	enum br_enhance_model model;
	atomic_bool *cancel;              /* may be NULL; set: stops as a signal does. It is set, too, when the run gives up */
	bool plan;                        /* count, and estimate the cost; returns CHANGES if there is something to do */
	void (*event)(const struct br_enhance_event *e, void *arg); /* may be NULL */
	void (*progress)(const struct br_progress *p, void *arg);   /* "files" are chunks here; may be NULL */
	void *arg;
};
struct br_enhance_stats {
	uint64_t docs, todo;              /* looked at; chunks to do, within the limit */
	uint64_t success, failed, kept;   /* written, not written, had one already */
	uint64_t prompt_tokens, completion_tokens; /* of the model; plan: as estimated */
	double cost;                      /* US dollars; negative: not known */
	char by[BR_MAX_MODEL_ID + 1];     /* the model; "br" without one */
	double seconds;
};
/*
 * 0, or PARTIAL when some chunks failed. UPSTREAM when all failed, or several in a row: then the service is not asked any more. stats
 * hold in every case. Chunks that failed are tried again by the next run.
 */
BR_MUST_USE int br_enhance(struct br_enhance_stats *out, struct br_ws *ws, const struct br_enhance_opts *opts, struct br_err *err);

struct br_enhance_count { uint64_t chunks, state[BR_CTX_STATES]; };
typedef int br_enhance_file_fn(const struct br_doc *d, const struct br_enhance_count *n, void *arg);
/* fn (may be NULL) is told of every indexed document that is wanted; non-zero stops. PROCESSING is counted only while a run is going on. */
BR_MUST_USE int br_enhance_status(struct br_enhance_count *total, struct br_ws *ws, const char *notebook, br_want_fn *want, void *want_arg,
                                  br_enhance_file_fn *fn, void *arg, struct br_err *err);
bool br_enhance_running(struct br_ws *ws);
double br_enhance_percent(const struct br_enhance_count *n);    /* of chunks that are neither pending nor processing */

#endif
