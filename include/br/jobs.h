/*
 * jobs - what a server does in the background: indexing and enhancing of documents, one job of each kind for a document, kept in
 *          the workspace.
 * Use:     br_jobs_start when the server starts: what a killed one left is done first. br_job_add, br_job_get and br_job_each
 *          from any thread that has no transaction; br_jobs_stop ends what is running, to be done at the next start.
 * Owns:    table JOB.
 * Threads: one that indexes and one that enhances; each runs jobs of the same notebook and settings together, since a commit costs more than a
 *          document.
 * Fails:   NOTFOUND, EXISTS (the document is being worked on), CORRUPT, and what the store fails with.
 * Format:  man/br-index.5, JOB
 */
#ifndef BR_JOBS_H
#define BR_JOBS_H

#include "br/corpus.h"

enum br_job_state { BR_JOB_PENDING, BR_JOB_PROCESSING, BR_JOB_SUCCESS, BR_JOB_ERROR };
const char *br_job_state_name(enum br_job_state s); /* "pending" ... */

struct br_job_info {
	char id[37], doc[37];
	uint32_t nb;
	bool enhance;                /* contexts are written; else it is indexed */
	enum br_job_state state;
	const char *name;            /* of the file */
	const char *stage, *error;   /* "embedding"; why it failed, "" if it did not */
	const char *settings;        /* JSON object: {"chunk_size":1000 ...} */
	int64_t created, updated;    /* seconds */
};

struct br_jobs;
BR_MUST_USE int br_jobs_start(struct br_jobs **out, struct br_ws *ws, struct br_err *err);
void br_jobs_stop(struct br_jobs *j);

/* All in one commit, or none. doc, enhance, name and settings of each are read; id is filled. jobs NULL: they wait for the next server. */
BR_MUST_USE int br_job_add(struct br_jobs *jobs, struct br_ws *ws, const char *notebook, struct br_job_info *job, size_t n, struct br_err *err);
/* The one that indexes, and the one that enhances. */
BR_MUST_USE int br_job_get(struct br_job_info *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *doc, struct br_err *err);
BR_MUST_USE int br_job_get_enhance(struct br_job_info *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *doc, struct br_err *err);
typedef int br_job_fn(const struct br_job_info *job, void *arg); /* non-zero stops */
BR_MUST_USE int br_job_each(struct br_txn *t, uint32_t nb, br_job_fn *fn, void *arg, struct br_err *err); /* nb 0: of all notebooks */
/*
 * One that waits is over at once: 0. One that is being worked on ends soon, unless its words are in the index already: 1. Either way it
 * becomes an error, "cancelled". NOTFOUND: there is none; EXISTS: it is over. jobs NULL: nothing is being worked on here.
 */
BR_MUST_USE int br_job_cancel(struct br_jobs *jobs, struct br_ws *ws, uint32_t nb, const char *doc, bool enhance, struct br_err *err);
/* The stage that a job is in just now, if it is worked on here; how far it is, from 0 to 1. */
double br_job_live(struct br_jobs *jobs, struct br_job_info *job);
/* EXISTS while it is processed; no job is not an error. */
BR_MUST_USE int br_job_forget(struct br_ws *ws, uint32_t nb, const char *doc, struct br_err *err);

/*
 * ---- those who watch: br_jobs_watch, then br_jobs_wait again and again, br_jobs_unwatch ----
 * False: there are `most` already.
 */
bool br_jobs_watch(struct br_jobs *j, unsigned most);
void br_jobs_unwatch(struct br_jobs *j);
/* True: something changed since *seen (0 at first), which follows; false: nothing did for so long. */
bool br_jobs_wait(struct br_jobs *j, uint64_t *seen, int timeout_ms);
void br_jobs_stir(struct br_jobs *j); /* all who wait look again */

#endif
