/* `br sync`: makes a notebook equal to folders. */
#include "load.h"

static const struct br_opt opts[] = {
	BR_LOAD_RUN_OPTS,
	{ "since-commit", 0, BR_AT_STR(struct br_load_params, since_commit), "rev",
	  "look only at what git says changed since this commit" },
	{ "watch", 'w', BR_AT_BOOL(struct br_load_params, watch), NULL, "go on, and sync whenever something changes" },
	BR_LOAD_POLL_OPT,
	BR_LOAD_WALK_OPTS,
	{ "remote", 0, BR_AT_STR(struct br_load_params, remote), "url", "sync a folder to a knowledge base of the server there; needs no workspace" },
	{ "kb", 0, BR_AT_STR(struct br_load_params, kb), "id", "with --remote, the knowledge base", .env = "BR_REMOTE_KB" },
	{ "key", 0, BR_AT_STR(struct br_load_params, key), "key", "with --remote, the key; better in BR_REMOTE_KEY, which process lists do not show",
	  .key = "remote.key" },
	{ "source", 0, BR_AT_STR(struct br_load_params, source), "name",
	  "with --remote, kept with each document; only documents of this source are deleted", .dflt = "ci-cd" },
	{ "meta", 0, BR_AT_STR(struct br_load_params, meta), "json", "with --remote, metadata of what is uploaded, a JSON object" },
	{ "jobs", 'j', BR_AT_INT(struct br_load_params, jobs), "n", "with --remote, uploads at once", .dflt = "4", .min = 1, .max = 64 },
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
	int rc;

	if ((rc = br_remote_check(c, err)) < 0) /* settings and variables are known by now */
		return rc;
	if (p->remote)
		return br_remote_run(c, err);
	if ((!c->dir && (rc = br_cli_find(c, 1, err)) < 0) || (rc = br_cli_open(c, err)) < 0)
		return rc;
	return p->watch ? br_watch_run(c, err) : br_load(c, br_sync, "syncing", err);
}

static const struct br_example examples[] = {
	{ "br sync .", "index this folder, and from then on what changed in it" },
	{ "br sync", "the folders of earlier syncs" },
	{ "br sync --since-commit HEAD .", "only what is not as in the last commit" },
	{ "br sync --remote https://docs.example.com --kb 5f0c9a1e docs", "a folder to a knowledge base of a server; the key is in BR_REMOTE_KEY" },
	{ "br sync --plan", "what would be done; exit 4 if there is something" },
	{ NULL },
};
const struct br_cmd br_cmd_sync = {
	.name = "sync", .group = "documents", .summary = "make a notebook equal to folders: add, change, move, delete",
	.operands = "[<dir>...]", .max = -1, .complete = BR_C_DIR,
	.opts = opts, .params_size = sizeof(struct br_load_params),
	.flags = BR_CMD_MAY_WS | BR_CMD_LONG | BR_CMD_STREAM, .check = sync_check, .run = sync_run, .examples = examples,
};
