/* `br ingest`: adds or updates files, folders, standard input, NDJSON records, or what was uploaded. */
#include "load.h"

static const struct br_opt opts[] = {
	BR_LOAD_RUN_OPTS,
	{ "ndjson", 0, BR_AT_BOOL(struct br_load_params, ndjson), NULL, "read records, one JSON object a line" },
	{ "stdin-name", 0, BR_AT_STR(struct br_load_params, stdin_name), "name",
	  "name of what comes from standard input (-)",
	  .dflt = "stdin" },
	{ "type", 't', BR_AT_STR(struct br_load_params, type), "type", "take the input as this", .choices = BR_LOAD_TYPES },
	{ "title", 0, BR_AT_STR(struct br_load_params, title), "text", "title, instead of the document's own" },
	{ "lang", 0, BR_AT_STR(struct br_load_params, lang), "code", "language (en, de ...), instead of a guess" },
	{ "meta", 0, BR_AT_STR(struct br_load_params, meta), "json", "metadata, a JSON object; filters can ask for it" },
	BR_LOAD_WALK_OPTS,
	BR_OPT_END,
};

static int ingest_run(struct br_cli *c, struct br_err *err)
{
	return br_load(c, br_ingest, "indexing", err);
}

static const struct br_example examples[] = {
	{ "br ingest notes.md docs/", "a file, and everything below a folder" },
	{ "br ingest --stdin-name todo.txt - < todo.txt", "standard input" },
	{ "br ingest --ndjson records.jsonl", "one document per line" },
	{ "br ingest", "what was uploaded and is not indexed yet" },
	{ NULL },
};
const struct br_cmd br_cmd_ingest = {
	.name = "ingest", .group = "documents", .summary = "add or update files, folders or records",
	.operands = "[<path>...]", .max = -1, .complete = BR_C_FILE,
	.opts = opts, .params_size = sizeof(struct br_load_params),
	.flags = BR_CMD_WS | BR_CMD_LONG | BR_CMD_STREAM, .check = br_load_check, .run = ingest_run, .examples = examples,
};
