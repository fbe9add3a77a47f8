/* `br upload`: keeps copies of files in the workspace, to be indexed later. */
#include "load.h"

static const struct br_opt opts[] = {
	{ "stdin-name", 0, BR_AT_STR(struct br_load_params, stdin_name), "name", "name of what comes from standard input (-)",
	  .dflt = "stdin" },
	{ "title", 0, BR_AT_STR(struct br_load_params, title), "text", "title, instead of the document's own" },
	{ "lang", 0, BR_AT_STR(struct br_load_params, lang), "code", "language (en, de ...), instead of a guess" },
	{ "meta", 0, BR_AT_STR(struct br_load_params, meta), "json", "metadata, a JSON object; filters can ask for it" },
	BR_OPT_END,
};

static int upload_run(struct br_cli *c, struct br_err *err)
{
	return br_load(c, br_upload, "copying", err);
}

static const struct br_example examples[] = {
	{ "br upload report.html", "keep a copy" },
	{ "br ingest", "and index it" },
	{ NULL },
};
const struct br_cmd br_cmd_upload = {
	.name = "upload", .group = "documents", .summary = "keep copies of files in the workspace",
	.operands = "<file>...", .min = 1, .max = -1, .complete = BR_C_FILE,
	.opts = opts, .params_size = sizeof(struct br_load_params),
	.flags = BR_CMD_WS | BR_CMD_LONG | BR_CMD_STREAM, .check = br_load_check, .run = upload_run, .examples = examples,
};
