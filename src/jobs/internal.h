/* jobs, inside: records. */
#ifndef BR_JOBS_INTERNAL_H
#define BR_JOBS_INTERNAL_H

#include "br/jobs.h"

#define JOB_BATCH 256 /* documents that are indexed together at most */

void br_job__key(struct br_key *k, uint32_t nb, const char *doc, bool enhance);
int br_job__put(struct br_txn *t, const struct br_job_info *job, struct br_err *err);
void br_jobs__wake(struct br_jobs *j);

#endif
