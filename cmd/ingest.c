/* `br ingest`: adds or updates files, folders, standard input, web pages, NDJSON records, or what was uploaded. */
#include "load.h"

static const struct br_opt opts[] = {
	BR_LOAD_RUN_OPTS,
	{ "depth", 0, BR_AT_INT(struct br_load_params, depth), "n", "of a URL, follow links on the same host n steps far",
	  .dflt = "0", .min = 0, .max = 100 },
	{ "max-pages", 0, BR_AT_INT(struct br_load_params, max_pages), "n", "with --depth, ask for n pages at most",
	  .dflt = "500", .min = 1, .max = BR_MAX_CRAWL },
	{ "delay", 0, BR_AT_NUM(struct br_load_params, delay), "seconds", "with --depth, wait so long between two pages",
	  .min = 0, .max = BR_MAX_CRAWL_DELAY, .key = "net.delay" },
	{ "refresh", 0, BR_AT_BOOL(struct br_load_params, refresh), NULL, "ask again for every URL that was indexed" },
	{ "allow-private", 0, BR_AT_BOOL(struct br_load_params, allow_private), NULL,
	  "also URLs of this machine and of private networks" },
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
	{ "br ingest --depth 2 https://example.org/docs/", "a page, and what it leads to on the same host" },
	{ "br ingest --refresh", "pages that changed since they were indexed" },
	{ "br ingest --ndjson records.jsonl", "one document per line" },
	{ "br ingest", "what was uploaded and is not indexed yet" },
	{ NULL },
};
const struct br_cmd br_cmd_ingest = {
	.name = "ingest", .group = "documents", .summary = "add or update files, folders, web pages or records",
	.operands = "[<path>|<url>...]", .max = -1, .complete = BR_C_FILE,
	.opts = opts, .params_size = sizeof(struct br_load_params),
	.flags = BR_CMD_WS | BR_CMD_LONG | BR_CMD_STREAM, .check = br_load_check, .run = ingest_run, .examples = examples,
};
