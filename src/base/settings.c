/*
 * settings - the table of every setting. `br config`, its manual and the check of values come from these rows.
 * A row that reaches the network or runs a program is `trusted`: from a workspace it counts only after `br config trust`.
 */
#include "br/config.h"

#define ANY 0, 0 /* min, max: not a number */

static const struct br_setting table[] = {
	/* key              env            type            default      min  max          choices  trusted  help */
	{ "search.strategy", "BR_STRATEGY", BR_SET_ENUM,    "hybrid",    ANY, "hybrid|fusion|full_text|semantic", false,
	  "how a question is answered when it names no strategy" },
	{ "search.top",      "BR_TOP",      BR_SET_INT,     "8",         1, BR_MAX_TOP, NULL, false,
	  "number of hits" },
	{ "chunk.strategy",  NULL,          BR_SET_ENUM,    "structure", ANY, "structure|recursive", false,
	  "how documents are cut: along headings, blocks and sentences, or by size alone" },
	{ "chunk.size",      NULL,          BR_SET_INT,     "1000",      100, 20000, NULL, false,
	  "characters aimed at in one chunk" },
	{ "chunk.overlap",   NULL,          BR_SET_INT,     "0",         0, 10000, NULL, false,
	  "characters that a chunk repeats of the one before it" },
	{ "bm25.k1",         NULL,          BR_SET_NUM,     "1.2",       0, 10, NULL, false,
	  "how much a repeated word adds" },
	{ "bm25.b",          NULL,          BR_SET_NUM,     "0.75",      0, 1, NULL, false,
	  "how much long chunks are held back" },
	{ "language",        NULL,          BR_SET_STR,     NULL,        ANY, NULL, false,
	  "language of the documents, for word stems; guessed for each document when unset" },
	{ "core.threads",    "BR_THREADS",  BR_SET_INT,     "0",         0, 1024, NULL, false,
	  "worker threads; 0 for one on each processor" },
	{ "core.color",      NULL,          BR_SET_ENUM,    "auto",      ANY, "auto|always|never", false,
	  "colours in output; auto means on a terminal" },
	{ "core.pager",      "BR_PAGER",    BR_SET_STR,     NULL,        ANY, NULL, true,
	  "program that shows long output on a terminal" },
	{ "core.wait",       "BR_WAIT",     BR_SET_SECONDS, "10s",       0, 86400, NULL, false,
	  "time to wait while another process writes to the workspace" },
	{ "ingest.max_file", NULL,          BR_SET_BYTES,   "256M",      1, BR_MAX_FILE, NULL, false,
	  "larger files are reported and left out" },
	{ "ingest.hidden",   NULL,          BR_SET_BOOL,    "false",     ANY, NULL, false,
	  "also take files and folders whose names begin with a dot" },
	{ "embed.model",     NULL,          BR_SET_STR,     NULL,        ANY, NULL, true,
	  "path of a .brem model file; the built-in model when unset" },
	{ "ann.kind",        "BR_ANN_KIND", BR_SET_ENUM,    "auto",      ANY, "auto|exact|flat|sq8|ivf|hnsw|pq", false,
	  "vector index: auto is ivf for many passages, exact never uses one, any other is used for any number" },
	{ "ann.min_rows",    NULL,          BR_SET_INT,     "65536",     1, 4294967295.0, NULL, false,
	  "passages from which on auto builds a vector index; fewer are compared one by one" },
	{ "ann.auto",        "BR_ANN_AUTO", BR_SET_ENUM,    "true",      ANY, "true|false|wait", false,
	  "after sync and ingest, build a vector index that is due: in the background, never, or before they end" },
	{ "serve.listen",    "BR_LISTEN",   BR_SET_STR,     "127.0.0.1:8000", ANY, NULL, true,
	  "address and port of br serve; several with commas" },
	{ "serve.hosts",     "BR_HOSTS",    BR_SET_STR,     NULL,        ANY, NULL, true,
	  "names under which br serve is called besides addresses and localhost, with commas; * for any" },
	{ "serve.origins",   "CORS_ORIGINS", BR_SET_STR,    "http://localhost:5173,http://localhost:3000", ANY, NULL, true,
	  "origins of web pages that may call br serve, with commas; * for any" },
	{ "serve.access_log", NULL,         BR_SET_STR,     NULL,        ANY, NULL, true,
	  "file for a line of JSON about each answer of br serve; - is standard output" },
	{ "serve.grace",     NULL,          BR_SET_SECONDS, "10s",       0, 3600, NULL, false,
	  "time that br serve gives answers on their way when it ends" },
	{ "serve.cache",     NULL,          BR_SET_BYTES,   "32M",       0, 1073741824.0, NULL, false,
	  "memory of br serve for answers to be given again within a second while nothing is committed; 0 for none" },
	{ "serve.workers",   NULL,          BR_SET_INT,     "0",         0, 1024, NULL, false,
	  "threads of br serve that compute; 0 for one on each processor" },
	{ "extract.helper",  "BR_EXTRACT",  BR_SET_STR,     NULL,        ANY, NULL, true,
	  "path of the br-extract program" },
};

const struct br_setting *br_settings(size_t *n)
{
	*n = BR_COUNT(table);
	return table;
}

const struct br_setting *br_setting_find(const char *key)
{
	for (size_t i = 0; i < BR_COUNT(table); i++)
		if (strcmp(table[i].key, key) == 0)
			return &table[i];
	return NULL;
}
