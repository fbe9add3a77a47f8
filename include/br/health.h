/*
 * health - how well a notebook is kept: rules, a score, and repairs that lose nothing.
 * Use:     br_health_check fills a report; br_health_fix does what is safe and tells each thing it did; br_health_release.
 * Rules:   the table is in src/health/rules.c; br-health(1) lists it. What is found is counted, told to `finding` if that is set, and
 *          the first few are kept as examples.
 * Score:   100 - the points of all rules, rounded down, at least 0. A rule costs weight * found / of, or nothing while
 *          100 * found / of is at most the percentage its setting puts up with. So 100 means: nothing counts.
 * Threads: a caller has no transaction open; reports are plain values.
 * Fails:   as br_doc_each and br_nb_get; CORRUPT means that 'br verify' comes first.
 */
#ifndef BR_HEALTH_H
#define BR_HEALTH_H

#include "br/corpus.h"

enum br_severity { BR_INFO, BR_WARNING, BR_ERROR };
const char *br_severity_name(enum br_severity s); /* "info" ... */

enum br_health_id {
	BR_H_DUPLICATE, BR_H_NEAR_DUPLICATE, BR_H_ORPHAN, BR_H_LOST_ORIGINAL, BR_H_STALE, BR_H_FAILED, BR_H_GONE_PAGE, BR_H_NO_TEXT,
	BR_H_BROKEN_REFERENCE, BR_H_MISSING_VECTOR, BR_H_LONG_PASSAGE, BR_H_SHORT_PASSAGE, BR_H_GARBAGE, BR_H_VECTOR_INDEX,
	BR_H_EMBEDDING_CACHE, BR_H_COUNT
};
struct br_health_rule {
	const char *name;           /* "near-duplicate" */
	enum br_severity severity;
	const char *key;            /* setting: the percentage that is put up with */
	const char *of;             /* what the share is of: "documents" */
	unsigned weight;            /* points when all of them are found */
	const char *finds, *reason; /* what; why it matters */
	const char *fix;            /* what br_health_fix does about it; NULL: nothing */
};
const struct br_health_rule *br_health_rule(enum br_health_id id);
int br_health_rule_find(const char *name);      /* its id; -1: none of that name */

struct br_finding {
	enum br_health_id rule;
	const char *path;           /* of the document; "" when it is about the notebook */
	uint32_t line;              /* in it, 0: all of it */
	const char *detail;         /* "the same bytes as 'a.md'" */
	bool fixable;
};

struct br_health_result {           /* of one rule */
	bool asked;                 /* it was looked at */
	bool counts;                /* more was found than is put up with */
	uint64_t found, of, fixable;
	double points;
	BR_VEC(struct br_finding) examples; /* strings live as long as the report */
};
struct br_health {
	char *notebook, id[37];
	int score;
	double points;
	uint64_t docs, chunks, dead, failed, uploaded, text_bytes, source_bytes, generation;
	int64_t indexed_at;         /* seconds since 1970, 0: never */
	struct br_health_result rule[BR_H_COUNT];
	double seconds;
	struct br_arena arena;
};
struct br_health_opts {
	uint32_t rules;             /* a bit for each br_health_id; 0: all */
	unsigned examples;          /* kept of each rule */
	void (*finding)(const struct br_finding *f, void *arg); /* every one; strings live for the call */
	void *arg;
};
/* notebook NULL: the one in use. */
BR_MUST_USE int br_health_check(struct br_health *out, struct br_ws *ws, const char *notebook, const struct br_health_opts *opts, struct br_err *err);
void br_health_release(struct br_health *h);

/* ---- repairs ---- */

enum br_fix { BR_FIX_REMOVE, BR_FIX_READ, BR_FIX_DROP, BR_FIX_EMBED, BR_FIX_BUILD, BR_FIX_COLLECT };
const char *br_fix_name(enum br_fix f);         /* "remove" ... as in the JSON events */
struct br_fix_event {
	enum br_health_id rule;
	enum br_fix what;
	const char *path;           /* of the document; "" when it is about the notebook */
	const char *detail;         /* "the same bytes as 'a.md', which stays" */
	const char *failed;         /* why it was not done, or NULL */
};
struct br_fix_opts {
	uint32_t rules;             /* as above */
	bool plan;                  /* tell, touch nothing; returns CHANGES if there is something to do */
	void (*event)(const struct br_fix_event *e, void *arg);
	void *arg;
};
struct br_fixed { uint64_t done, failed; };     /* plan: done is what would be */
/* 0, PARTIAL when something was not done, CHANGES (plan), or the error that stopped it; what was done before it stays. */
BR_MUST_USE int br_health_fix(struct br_fixed *out, struct br_ws *ws, const char *notebook, const struct br_fix_opts *opts, struct br_err *err);

#endif
