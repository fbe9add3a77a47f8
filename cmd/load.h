/* load - what ingest, sync and upload have in common: options, events, the closing line. */
#ifndef BR_CMD_LOAD_H
#define BR_CMD_LOAD_H

#include "cmd.h"

struct br_load_params {
	bool plan, force, ocr, ndjson, hidden, no_ignore, nice, refresh, allow_private, watch;
	int64_t max_errors, depth, max_pages, poll;
	double delay;
	const char *since_commit;
	struct br_list exclude;
	const char *title, *lang, *type, *meta, *stdin_name;
	const char *remote, *kb, *key, *source; /* of sync to a server */
	int64_t jobs;
};
#define BR_LOAD_TYPE_(id, name, ...) "|" name
#define BR_LOAD_TYPES BR_FORMAT_LIST(BR_LOAD_TYPE_)

/* Options of ingest and sync: how to run, and what of folders is taken. */
#define BR_LOAD_RUN_OPTS \
	{ "plan", 0, BR_AT_BOOL(struct br_load_params, plan), NULL, \
	  "tell what would be done and touch nothing; exit 4 if there is something" }, \
	{ "force", 'f', BR_AT_BOOL(struct br_load_params, force), NULL, "index again what has not changed" }, \
	{ "ocr", 0, BR_AT_BOOL(struct br_load_params, ocr), NULL, "read the text of pictures and scans, with tesseract", \
	  .key = "extract.ocr" }, \
	{ "max-errors", 0, BR_AT_INT(struct br_load_params, max_errors), "n", "stop after n failed inputs; 0 for never", \
	  .dflt = "0", .min = 0, .max = 1e9 }, \
	BR_LOAD_NICE_OPT
#define BR_LOAD_NICE_OPT \
	{ "nice", 0, BR_AT_BOOL(struct br_load_params, nice), NULL, "leave processor and disk to others" }
#define BR_LOAD_POLL_OPT \
	{ "poll", 0, BR_AT_SECONDS(struct br_load_params, poll), "time", \
	  "when watching, look at everything so often instead of being told by the system" }
#define BR_LOAD_WALK_OPTS \
	{ "exclude", 'x', BR_AT_LIST(struct br_load_params, exclude), "pattern", \
	  "leave out what this gitignore pattern matches" }, \
	{ "hidden", 0, BR_AT_BOOL(struct br_load_params, hidden), NULL, "also names that begin with a dot", \
	  .key = "ingest.hidden" }, \
	{ "no-ignore", 0, BR_AT_BOOL(struct br_load_params, no_ignore), NULL, "do not read .gitignore and .brignore" }

typedef int br_load_fn(struct br_ingest_stats *stats, struct br_ws *ws, const char *const *path, size_t n,
                       const struct br_ingest_opts *opts, struct br_err *err);
/* c->params is a struct br_load_params. */
int br_load_check(struct br_cli *c, struct br_err *err);
int br_load(struct br_cli *c, br_load_fn *fn, const char *doing, struct br_err *err);

/* ---- in parts, for what runs several times ---- */

struct br_load { struct br_cli *c; const struct br_load_params *p; const char *doing; bool changes_only; /* tell each change, and nothing of what stays */ };
void br_load_event(const struct br_event *e, void *load);
void br_load_progress(const struct br_progress *p, void *load);
void br_load_options(struct br_ingest_opts *o, struct br_load *l);
/* Prints the closing line; returns the exit status, or the error that stopped the run. */
int br_load_finish(struct br_load *l, const struct br_ingest_stats *s, int rc, struct br_err *err);
int br_remote_check(const struct br_cli *c, struct br_err *err); /* cmd/sync_remote.c */
int br_remote_run(struct br_cli *c, struct br_err *err);
int br_watch_run(struct br_cli *c, struct br_err *err); /* cmd/watch.c */

#endif
