/*
 * remote - makes a knowledge base of a server far away equal to a folder here, over the Quivr API.
 * Use:     br_remote_sync.
 * Threads: one caller; requests are made by threads of its own.
 * Fails:   AUTH, FORBIDDEN, NOTFOUND (the knowledge base), UPSTREAM (the server answers nonsense), LIMITED, IO and TIMEOUT (it cannot be
 *          reached), PARTIAL (some files failed), CHANGES (plan), CANCELLED. What was done stays, and the next run goes on from there.
 */
#ifndef BR_REMOTE_H
#define BR_REMOTE_H

#include "br/corpus.h"
#include "br/net.h"

struct br_remote_opts {
	const char *url, *key, *kb;  /* url: with or without /api/v1 */
	const char *dir;             /* the folder */
	const char *source;          /* kept with each document; documents of other sources are never deleted */
	const char *meta;            /* JSON object, kept with what is uploaded, or NULL */
	const char *cache;           /* file that remembers hashes, or NULL */
	const struct br_net_rules *net;
	unsigned jobs;               /* uploads at once */
	uint64_t max_errors;         /* 0: any number */
	bool plan, force;            /* force: upload what has not changed, too, and ask again for what the server refused */
	struct br_walk_opts walk;
	void (*event)(const struct br_event *e, void *arg);
	void (*progress)(const struct br_progress *p, void *arg); /* or NULL */
	void *arg;
};
BR_MUST_USE int br_remote_sync(struct br_ingest_stats *stats, const struct br_remote_opts *opts, struct br_err *err);

#endif
