/* `br sync`: makes a notebook equal to folders. */
#include "load.h"

static const struct br_opt opts[] = {
	BR_LOAD_RUN_OPTS,
	BR_LOAD_WALK_OPTS,
	BR_OPT_END,
};

static int sync_run(struct br_cli *c, struct br_err *err)
{
	return br_load(c, br_sync, "syncing", err);
}

static const struct br_example examples[] = {
	{ "br sync .", "index this folder, and from then on what changed in it" },
	{ "br sync", "the folders of earlier syncs" },
	{ "br sync --plan", "what would be done; exit 4 if there is something" },
	{ NULL },
};
const struct br_cmd br_cmd_sync = {
	.name = "sync", .group = "documents", .summary = "make a notebook equal to folders: add, change, move, delete",
	.operands = "[<dir>...]", .max = -1, .complete = BR_C_DIR,
	.opts = opts, .params_size = sizeof(struct br_load_params),
	.flags = BR_CMD_WS | BR_CMD_LONG | BR_CMD_STREAM, .run = sync_run, .examples = examples,
};
