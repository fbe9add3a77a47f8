/* jobs, inside: records, what is being worked on, who watches. */
#ifndef BR_JOBS_INTERNAL_H
#define BR_JOBS_INTERNAL_H

#include "br/jobs.h"

#include <pthread.h>
#include <stdatomic.h>

#define JOB_BATCH 256 /* documents that are indexed together at most */
#define JOB_CANCELLED "cancelled"

/* A job that a thread is at. Guarded by the mutex of struct br_jobs. */
struct live {
	char doc[37];
	uint32_t nb;
	bool enhance, cancelled, late; /* late: it took longer than its notebook allows */
	char *path;                    /* of the document */
	const char *stage;
	double done;                   /* of the stage */
	int64_t began_ns, limit_ns;    /* began: with its first stage, 0 before */
	char *why;                     /* what ingest said of it when it failed */
};

/* One thread indexes and one enhances, as a model may take hours. */
struct lane {
	struct br_jobs *j;
	pthread_t thread;
	bool enhance, news, runs;
};

struct br_jobs {
	struct br_ws *ws;
	struct lane lane[2];
	pthread_mutex_t mu;
	pthread_cond_t stir, changed;  /* for the threads; for those who watch */
	bool quit;
	atomic_bool cancel, abort;     /* the server ends; nobody wants what is being enhanced */
	BR_VEC(struct live) live;
	uint64_t seq;
	unsigned watchers;
};

void br_job__key(struct br_key *k, uint32_t nb, const char *doc, bool enhance);
int br_job__put(struct br_txn *t, const struct br_job_info *job, struct br_err *err);
void br_jobs__wake(struct br_jobs *j);

/* ---- live.c ---- */
void br_live__begin(struct br_jobs *j, const struct br_job_info *job, const char *path, int64_t limit_ns);
void br_live__end(struct br_jobs *j, bool enhance);                /* of all of this kind */
bool br_live__stage(const char *path, enum br_ingest_stage stage, double done, void *jobs); /* as br_ingest_opts has it */
void br_live__event(const struct br_event *e, void *jobs);
void br_live__progress(const struct br_progress *p, void *jobs); /* of enhancing */
bool br_live__wanted(struct br_jobs *j, const char *doc);
/* Why it did not become what it should, or NULL; *cancelled: as somebody, or the time, wanted. In a. */
const char *br_live__failure(struct br_jobs *j, const struct br_job_info *job, bool *cancelled, struct br_arena *a);
void br_live__changed(struct br_jobs *j);

#endif
