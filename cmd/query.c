/* `br query`: finds passages. One question from the operands, or many from standard input. */
#include "query.h"

#include <stdio.h>

#define CHOICE(name, ...) "|" #name
static const struct br_opt opts[] = {
	{ "top", 'k', BR_AT_INT(struct br_query_params, top), "n", "return at most n passages", .key = "search.top",
	  .min = 1, .max = BR_MAX_TOP },
	{ "strategy", 's', BR_AT_STR(struct br_query_params, strategy), "name", "how passages are found",
	  .key = "search.strategy", .choices = BR_STRATEGY_LIST(CHOICE) },
	{ "filter", 'f', BR_AT_LIST(struct br_query_params, filter), "condition",
	  "only documents for which this holds (path~docs/**, type=markdown, date>=2026-01-01)" },
	{ "by-doc", 'd', BR_AT_BOOL(struct br_query_params, by_doc), NULL,
	  "at most one passage of each document: its best" },
	{ "no-fold", 0, BR_AT_BOOL(struct br_query_params, no_fold), NULL,
	  "also show passages nearly identical to a better one" },
	{ "plain", 0, BR_AT_BOOL(struct br_query_params, plain), NULL,
	  "the question is words only: quotes, '-' and field: mean nothing" },
	{ "files-only", 'l', BR_AT_BOOL(struct br_query_params, files_only), NULL, "print only the paths of documents" },
	{ "format", 0, BR_AT_STR(struct br_query_params, format), "format", "how to print", .dflt = "text",
	  .choices = "text|json|ndjson|trec|csv" },
	{ "explain", 'e', BR_AT_BOOL(struct br_query_params, explain), NULL, "tell why each passage was found" },
	{ "full-text-weight", 0, BR_AT_NUM(struct br_query_params, full_text_weight), "x",
	  "weight of words, instead of the strategy's own", .min = 0, .max = 1000 },
	{ "semantic-weight", 0, BR_AT_NUM(struct br_query_params, semantic_weight), "x",
	  "weight of meaning, instead of the strategy's own", .min = 0, .max = 1000 },
	{ "rerank", 0, BR_AT_BOOL(struct br_query_params, rerank), NULL, "let the rerank service put the best passages in order",
	  .key = "search.rerank" },
	{ "strict", 0, BR_AT_BOOL(struct br_query_params, strict), NULL,
	  "fail where a model or service is missing, instead of doing with less" },
	{ "stdin", 0, BR_AT_BOOL(struct br_query_params, from_stdin), NULL,
	  "read questions from standard input, one a line, as the operand '-'" },
	BR_OPT_END,
};

typedef void printer(struct br_cli *c, const struct br_answer *a);

static printer *printer_of(const struct br_cli *c)
{
	static const struct { const char *name; printer *print; } printers[] = {
		{ "text", br_query_text }, { "json", br_query_json }, { "ndjson", br_query_ndjson },
		{ "trec", br_query_trec }, { "csv", br_query_csv },
	};
	const struct br_query_params *p = c->params;
	size_t i;

	if (c->opt.json && !br_opt_is_set(c, "format"))
		return br_query_json;
	if (p->files_only && !br_opt_is_set(c, "format"))
		return br_query_files;
	for (i = 0; strcmp(printers[i].name, p->format); i++)
		BR_ASSERT(i + 1 < BR_COUNT(printers));
	return printers[i].print;
}

/* ---- asking ---- */

struct ask {
	struct br_cli *c;
	struct br_llm *chat, *rerank;
	struct br_searcher *searcher;
	struct br_query_opts opts;
	printer *print;
	bool several, any;
};

static int ask(struct ask *a, const char *id, const char *text, uint64_t number, struct br_err *err)
{
	struct br_result r = { 0 };
	struct br_answer answer = { &r, id, number, a->several };
	int rc = br_retrieve(&r, a->searcher, text, &a->opts, err);

	if (rc == 0) {
		a->any |= r.n > 0;
		a->print(a->c, &answer);
		if (a->several)
			br_out_flush(&a->c->out); /* who feeds us line by line waits for the answer */
		else if (!r.n && a->print == br_query_text)
			br_note(&a->c->out, "nothing found");
	}
	br_result_release(&r);
	return rc;
}

/* "question", or "id TAB question" */
static int ask_line(struct ask *a, char *line, uint64_t number, struct br_err *err)
{
	char *tab, own_id[24];
	int rc;

	line[strcspn(line, "\r\n")] = '\0';
	if (!line[strspn(line, " \t")])
		return 0;
	snprintf(own_id, sizeof own_id, "%llu", (unsigned long long)number);
	if ((tab = strchr(line, '\t')))
		*tab = '\0';
	rc = ask(a, tab && tab > line ? line : own_id, tab ? tab + 1 : line, number, err);
	return br_err_prefix(rc < 0 ? err : NULL, rc, "line %llu", (unsigned long long)number);
}

static int ask_stdin(struct ask *a, struct br_err *err)
{
	char line[BR_MAX_QUERY + 512];
	uint64_t number = 0;
	int rc = 0;

	while (rc == 0 && fgets(line, sizeof line, stdin)) {
		number++;
		if (!strchr(line, '\n') && !feof(stdin))
			return br_fail(err, BR_EUSAGE, "line %llu: a question has at most %d bytes", (unsigned long long)number,
			               BR_MAX_QUERY);
		rc = ask_line(a, line, number, err);
	}
	if (rc == 0 && ferror(stdin))
		rc = br_fail_errno(err, BR_EIO, "cannot read standard input");
	return rc;
}

static int ask_operands(struct ask *a, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_QUERY + 1);
	size_t i;
	int rc;

	for (i = 0; i < a->c->n; i++) {
		br_buf_adds(&text, i ? " " : "");
		br_buf_adds(&text, a->c->operand[i]);
	}
	if (text.failed)
		rc = text.failed == BR_ENOMEM ? br_buf_check(&text, "the question", err) :
		                                br_fail(err, BR_EUSAGE, "a question has at most %d bytes", BR_MAX_QUERY);
	else
		rc = ask(a, NULL, text.ptr, 1, err);
	br_buf_release(&text);
	return rc;
}

/* What is not configured is left out: the answer says so. */
static int open_service(struct br_llm **out, struct br_cli *c, enum br_llm_role role, struct br_err *err)
{
	*out = NULL;
	return br_llm_configured(c->config, role) ? br_llm_open(out, c->config, role, err) : 0;
}

static int open_services(struct ask *a, struct br_err *err)
{
	const struct br_query_params *p = a->c->params;
	int rc = 0;

	if (br_strategy_asks(p->strategy))
		rc = open_service(&a->chat, a->c, BR_LLM_CHAT, err);
	if (rc == 0 && p->rerank && (rc = open_service(&a->rerank, a->c, BR_LLM_RERANK, err)) == 0 && !a->rerank) {
		if (p->strict)
			return br_fail(err, BR_ECHECK, "no rerank service configured");
		br_note(&a->c->out, "br: no rerank service configured");
	}
	a->opts.ask = a->chat ? br_ask_llm : NULL;
	a->opts.ask_arg = a->opts.explorer = a->chat;
	a->opts.rerank = a->rerank;
	return rc;
}

static bool many_questions(const struct br_cli *c)
{
	return ((const struct br_query_params *)c->params)->from_stdin || (c->n == 1 && !strcmp(c->operand[0], "-"));
}

static int query_check(struct br_cli *c, struct br_err *err)
{
	const struct br_query_params *p = c->params;

	if (!c->n && !p->from_stdin)
		return br_fail(err, BR_EUSAGE, "missing operand: <question>...");
	if (c->n && p->from_stdin && strcmp(c->operand[0], "-"))
		return br_fail(err, BR_EUSAGE, "--stdin reads questions from standard input: '%.100s' is one too many",
		               c->operand[0]);
	return 0;
}

static int query_run(struct br_cli *c, struct br_err *err)
{
	const struct br_query_params *p = c->params;
	struct ask a = { .c = c, .opts = BR_QUERY_OPTS_DEFAULT, .print = printer_of(c) };
	int rc;

	a.several = many_questions(c);
	a.opts.notebook = c->opt.notebook;
	a.opts.strategy = p->strategy;
	a.opts.top = (uint32_t)p->top;
	a.opts.filter = p->filter.v;
	a.opts.full_text_weight = p->full_text_weight;
	a.opts.semantic_weight = p->semantic_weight;
	a.opts.explain = p->explain;
	a.opts.no_fold = p->no_fold;
	a.opts.plain = p->plain;
	a.opts.by_doc = p->by_doc || p->files_only;
	a.opts.threads = br_cores();
	a.opts.strict = p->strict;
	a.searcher = br_searcher_new(c->ws);
	if ((rc = open_services(&a, err)) == 0)
		rc = a.several ? ask_stdin(&a, err) : ask_operands(&a, err);
	br_searcher_free(a.searcher);
	br_llm_close(a.chat);
	br_llm_close(a.rerank);
	if (rc == -BR_ENOTFOUND)
		br_cli_hint(c, "'br notebook list' shows what there is");
	return rc < 0 ? rc : br_status(a.any ? BR_OK : BR_ENOTFOUND);
}

static const struct br_example examples[] = {
	{ "br query how do I close a transaction", "the best passages" },
	{ "br query -k 3 -f 'path~docs/**' '\"read only\" -write'", "a phrase, without a word, below one folder" },
	{ "br query --json lmdb map size", "for scripts; exit 1 when nothing is found" },
	{ "br query -l lock", "only the names of documents" },
	{ NULL },
};
const struct br_cmd br_cmd_query = {
	.name = "query", .group = "search", .summary = "find passages by words and by meaning",
	.operands = "<question>...", .min = 0, .max = -1,
	.opts = opts, .params_size = sizeof(struct br_query_params),
	.flags = BR_CMD_WS | BR_CMD_PAGER, .check = query_check, .run = query_run, .examples = examples,
};
