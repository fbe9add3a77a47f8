/* `br sync`: makes a notebook equal to folders. */
#include "load.h"

static const struct br_opt opts[] = {
	BR_LOAD_RUN_OPTS,
	{ "since-commit", 0, BR_AT_STR(struct br_load_params, since_commit), "rev",
	  "look only at what git says changed since this commit" },
	{ "watch", 'w', BR_AT_BOOL(struct br_load_params, watch), NULL, "go on, and sync whenever something changes" },
	BR_LOAD_POLL_OPT,
	BR_LOAD_WALK_OPTS,
	BR_OPT_END,
};

static int sync_check(struct br_cli *c, struct br_err *err)
{
	const struct br_load_params *p = c->params;

	if (p->watch && (p->plan || p->force || p->since_commit || p->max_errors))
		return br_fail(err, BR_EUSAGE, "--watch goes with neither --plan, --force, --since-commit nor --max-errors");
	if (p->poll && !p->watch)
		return br_fail(err, BR_EUSAGE, "--poll is for --watch");
	return 0;
}

static int sync_run(struct br_cli *c, struct br_err *err)
{
	const struct br_load_params *p = c->params;

	return p->watch ? br_watch_run(c, err) : br_load(c, br_sync, "syncing", err);
}

static const struct br_example examples[] = {
	{ "br sync .", "index this folder, and from then on what changed in it" },
	{ "br sync", "the folders of earlier syncs" },
	{ "br sync --since-commit HEAD .", "only what is not as in the last commit" },
	{ "br sync --plan", "what would be done; exit 4 if there is something" },
	{ NULL },
};
const struct br_cmd br_cmd_sync = {
	.name = "sync", .group = "documents", .summary = "make a notebook equal to folders: add, change, move, delete",
	.operands = "[<dir>...]", .max = -1, .complete = BR_C_DIR,
	.opts = opts, .params_size = sizeof(struct br_load_params),
	.flags = BR_CMD_WS | BR_CMD_LONG | BR_CMD_STREAM, .check = sync_check, .run = sync_run, .examples = examples,
};
