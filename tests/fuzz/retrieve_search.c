/* Questions to a small workspace, by every strategy. Input: strategy, number of hits, switches (a byte each), a filter line, the question. */
#include "fuzz.h"

static struct br_ws *ws;
static struct br_searcher *searcher;

static void close_all(void)
{
	br_searcher_free(searcher);
	br_ws_close(ws);
}

static const struct { const char *name, *text; } files[] = {
	{ "docs/reset.md", "# Reset\n\nHow to **reset** the device. Hold the button for ten seconds, see [power](power.md).\n\n## Network\n\nThe network settings return to their defaults, too.\n" },
	{ "docs/power.md", "---\ntitle: Power supply\n---\n\n# Power\n\nUse the 12 V supply. The device does not start below 11 V.\n\n| volt | state |\n|---|---|\n| 11 | low |\n| 12 | good |\n" },
	{ "docs/same.md", "# Reset\n\nHow to **reset** the device. Hold the button for ten seconds, see [power](power.md).\n" },
	{ "docs/deutsch.txt", "Das Ger\xc3\xa4t l\xc3\xa4sst sich zur\xc3\xbc" "cksetzen: Taste zehn Sekunden lang halten, dann loslassen.\n" },
	{ "src/main.c", "/* Reads the button. */\nint read_button(void)\n{\n\treturn gpio_get(BUTTON_PIN);\n}\n\nint parseHTTPHeader(const char *line);\n" },
	{ "zh.txt", "\xe8\xae\xbe\xe5\xa4\x87\xe9\x87\x8d\xe7\xbd\xae\xe6\x96\xb9\xe6\xb3\x95\xef\xbc\x9a\xe6\x8c\x89\xe4\xbd\x8f\xe6\x8c\x89\xe9\x92\xae\xe5\x8d\x81\xe7\xa7\x92\xe3\x80\x82\n" },
};

static void open_all(void)
{
	char *dir = br_path_join(fuzz_dir(), ".br"), *root = br_path_join(fuzz_dir(), "files");
	const char *path = root;
	struct br_ingest_opts opts = { .notebook = NULL };
	struct br_ingest_stats stats;
	struct br_err err = { 0 };

	for (size_t i = 0; i < BR_COUNT(files); i++) {
		char *file = br_sprintf("files/%s", files[i].name), *full = br_path_join(fuzz_dir(), file), *up = br_path_join(full, "..");
		HOLDS(br_mkdirs(up, 0700, NULL) == 0);
		(void)fuzz_file(file, br_slice_str(files[i].text));
		free(file);
		free(full);
		free(up);
	}
	setenv("BR_THREADS", "1", 1);
	HOLDS(br_ws_init(dir, &err) == 0);
	HOLDS(br_ws_open(&ws, dir, 0, &err) == 0 && br_ingest(&stats, ws, &path, 1, &opts, &err) == 0);
	searcher = br_searcher_new(ws);
	atexit(close_all);
	free(dir);
	free(root);
}

static void check_hit(const struct br_found *h)
{
	HOLDS(h->path && h->title && h->format && h->heading && h->line >= 1 && h->line_end >= h->line);
	HOLDS(!h->text || (*h->text && h->snippet && h->snippet_line >= h->line && h->snippet_line <= h->line_end));
	HOLDS(!h->text || br_utf8_valid(h->snippet, strlen(h->snippet)) == strlen(h->snippet));
}

static void check_result(const struct br_result *r, const struct br_query_opts *o)
{
	HOLDS(r->n <= o->top && r->fit >= 0 && r->fit <= 1);
	for (size_t i = 0; i < r->n; i++) {
		check_hit(&r->hit[i]);
		HOLDS(i == 0 || r->hit[i - 1].score >= r->hit[i].score);
		for (size_t k = 0; k < i; k++)
			HOLDS(r->hit[k].chunk != r->hit[i].chunk && (!o->by_doc || r->hit[k].doc != r->hit[i].doc));
	}
}

FUZZ(retrieve_search)
{
	struct br_rd r = br_rd(in);
	size_t n;
	const char *const *names = br_strategy_names(&n);
	const char *strategy = names[br_rd_u8(&r) % n];
	struct br_query_opts o = BR_QUERY_OPTS_DEFAULT;
	uint8_t top = br_rd_u8(&r), how = br_rd_u8(&r);
	char *filter = fuzz_line(&r), *question;
	const char *filters[2] = { filter, NULL };
	struct br_result out;
	struct br_err err = { 0 };

	if (!ws)
		open_all();
	question = fuzz_line(&r);
	o.strategy = strategy;
	o.top = top + 1u;
	o.explain = how & 1;
	o.no_fold = how & 2;
	o.by_doc = how & 4;
	o.no_text = how & 8;
	o.plain = how & 16;
	o.filter = *filter ? filters : NULL;
	if (br_retrieve(&out, searcher, question, &o, &err) == 0)
		check_result(&out, &o);
	else
		HOLDS(err.code == BR_EUSAGE || err.code == BR_ETOOBIG);
	br_result_release(&out);
	free(filter);
	free(question);
}
