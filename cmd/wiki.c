/*
 * br wiki - pages compiled from a notebook: compile, lint, patch, export.
 */
#include "wiki.h"

#include <stdlib.h>

/* ---- what the verbs share ---- */

int br_wiki_use_open(struct br_wiki_use *u, struct br_cli *c, const char *when, struct br_err *err)
{
	bool there = br_llm_configured(c->config, BR_LLM_CHAT);
	int rc;

	*u = (struct br_wiki_use){ 0 };
	if (!strcmp(when, "on") && !there)
		return br_fail(err, BR_EUSAGE, "no language model is configured");
	if (!strcmp(when, "off") || !there)
		return 0;
	if ((rc = br_llm_open(&u->llm, c->config, BR_LLM_CHAT, err)) < 0)
		return rc;
	u->m = (struct br_wiki_model){ br_wiki_ask_llm, u->llm, br_llm_info(u->llm)->model };
	u->model = &u->m;
	return 0;
}

void br_wiki_use_close(struct br_wiki_use *u)
{
	br_llm_close(u->llm);
	u->llm = NULL;
}

int br_wiki_notebook(uint32_t *nb, const char **name, struct br_cli *c, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *rec;
	int rc = br_cli_notebook(&rec, &t, c, err);

	if (rc < 0)
		return rc;
	*nb = rec->nb;
	*name = rec->name;
	br_txn_end(t);
	return 0;
}

struct br_json br_wiki_json_begin(struct br_cli *c)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	return j;
}

void br_wiki_json_end(struct br_cli *c, struct br_json *j)
{
	br_json_end(j);
	br_out_line(&c->out);
}

/* ---- compile ---- */

struct compile_params { bool force, plan; const char *model; };
static const struct br_opt compile_opts[] = {
	{ "force", 'f', BR_AT_BOOL(struct compile_params, force), NULL, "write also pages of which nothing changed" },
	BR_WIKI_MODEL_OPT(struct compile_params),
	{ "plan", 0, BR_AT_BOOL(struct compile_params, plan), NULL, "tell what would be written, and touch nothing; exit 4" },
	BR_OPT_END,
};

static const char *const outcomes[] = { "compiled", "skipped", "failed", "removed" };

static void on_compiled(const struct br_wiki_event *e, void *arg)
{
	struct br_cli *c = arg;
	bool plan = ((const struct compile_params *)c->params)->plan;
	struct br_json j;

	if (!c->opt.json) {
		if (e->outcome == BR_WIKI_FAILED_PAGE)
			br_warn(&c->out, "page '%s': %s", e->slug, e->why);
		else if (!c->opt.quiet && (e->outcome != BR_WIKI_SKIPPED || (c->opt.verbose && e->why[0])))
			br_out_f(&c->out, "%s: %s%s%s%s\n", e->slug, plan && e->outcome == BR_WIKI_COMPILED ? "to be compiled" : outcomes[e->outcome],
			         e->outcome == BR_WIKI_COMPILED && e->lint_status == BR_WIKI_FAILED ? ", lint failed" : "", e->why[0] ? ", " : "", e->why);
		return;
	}
	j = br_wiki_json_begin(c);
	br_json_kstr(&j, "event", "page");
	br_json_kstr(&j, "slug", e->slug);
	br_json_kstr(&j, "outcome", outcomes[e->outcome]);
	br_json_key(&j, "version");
	e->version ? br_json_uint(&j, e->version) : br_json_null(&j);
	br_json_kstr(&j, "lint_status", e->outcome == BR_WIKI_COMPILED && !plan ? br_wiki_lint_name(e->lint_status) : NULL);
	br_json_kstr(&j, "why", e->why[0] ? e->why : NULL);
	br_wiki_json_end(c, &j);
}

static void on_progress(const struct br_progress *p, void *arg)
{
	struct br_cli *c = arg;

	br_bar_show(&c->out, "compiling", p);
}

static void compile_json(struct br_cli *c, const char *name, const struct br_wiki_report *r, bool plan, int status)
{
	struct br_json j = br_wiki_json_begin(c);

	br_json_kstr(&j, "event", "done");
	br_json_kstr(&j, "notebook", name);
	br_json_kbool(&j, "plan", plan);
	br_json_kuint(&j, "topics", r->topics);
	br_json_kuint(&j, "compiled", r->compiled);
	br_json_kuint(&j, "skipped", r->skipped);
	br_json_kuint(&j, "failed", r->failed);
	br_json_kuint(&j, "removed", r->removed);
	br_json_kuint(&j, "passed", r->passed);
	br_json_knum(&j, "took_ms", r->seconds * 1000, 1);
	br_json_kint(&j, "exit", status);
	br_wiki_json_end(c, &j);
}

static void compile_text(struct br_cli *c, const struct br_wiki_report *r, bool plan)
{
	br_out_f(&c->out, "%s of %s %s %s, %s skipped", br_human_count(r->compiled).s, br_human_count(r->topics).s, br_plural(r->topics, "page", "pages"),
	         plan ? "to be compiled" : "compiled", br_human_count(r->skipped).s);
	if (r->failed)
		br_out_f(&c->out, ", %s failed", br_human_count(r->failed).s);
	if (r->removed)
		br_out_f(&c->out, ", %s removed", br_human_count(r->removed).s);
	if (r->compiled > r->passed && !plan)
		br_out_f(&c->out, "; %s failed lint: 'br wiki lint' tells why", br_human_count(r->compiled - r->passed).s);
	br_out_f(&c->out, " in %s\n", br_human_seconds(r->seconds).s);
}

static int compile_run(struct br_cli *c, struct br_err *err)
{
	const struct compile_params *p = c->params;
	struct br_wiki_compile_opts o = { .slug = c->n ? c->operand : NULL, .force = p->force, .plan = p->plan, .event = on_compiled, .progress = on_progress, .arg = c };
	struct br_wiki_report r;
	struct br_wiki_use use;
	const char *name;
	uint32_t nb;
	int rc = br_wiki_notebook(&nb, &name, c, err), status;

	if (rc < 0 || (rc = br_wiki_use_open(&use, c, p->model, err)) < 0)
		return rc;
	o.model = use.model;
	rc = br_wiki_compile(&r, c->ws, nb, &o, err);
	br_bar_hide(&c->out);
	br_wiki_use_close(&use);
	status = rc < 0 ? br_status(err->code) : 0;
	if (rc == 0 || rc == -BR_EPARTIAL || rc == -BR_ECHANGES) {
		if (c->opt.json)
			compile_json(c, name, &r, p->plan, status);
		else if (!c->opt.quiet || p->plan)
			compile_text(c, &r, p->plan);
	}
	return rc == -BR_ECHANGES ? status : rc;
}

/* ---- lint ---- */

struct lint_params { bool no_recompile; const char *model; };
static const struct br_opt lint_opts[] = {
	{ "no-recompile", 0, BR_AT_BOOL(struct lint_params, no_recompile), NULL, "only look: leave pages alone that a compile might mend" },
	BR_WIKI_MODEL_OPT(struct lint_params),
	BR_OPT_END,
};

static void on_linted(const struct br_wiki_page *p, void *arg)
{
	struct br_wiki_page without_body = *p;
	struct br_cli *c = arg;
	struct br_json j;

	if (c->opt.json) {
		j = br_wiki_json_begin(c);
		br_json_kstr(&j, "event", "page");
		without_body.body = NULL;
		br_wiki_page_json(&j, &without_body);
		br_wiki_json_end(c, &j);
		return;
	}
	for (size_t i = 0; i < p->n_errors; i++) {
		br_out_styled(&c->out, BR_PATH, p->slug);
		br_out_f(&c->out, ": %s E%u: ", p->error[i].blocks ? "error" : "warning", p->error[i].code);
		br_out_text(&c->out, p->error[i].text, strlen(p->error[i].text));
		br_out_s(&c->out, "\n");
	}
}

static void lint_told(struct br_cli *c, const char *name, const struct br_wiki_linted *l, int status)
{
	struct br_json j;

	if (!c->opt.json) {
		if (!c->opt.quiet)
			br_out_f(&c->out, "%s %s checked: %s passed, %s failed, %s %s, %s compiled anew\n", br_human_count(l->checked).s, br_plural(l->checked, "page", "pages"),
			         br_human_count(l->passed).s, br_human_count(l->failed).s, br_human_count(l->warnings).s, br_plural(l->warnings, "warning", "warnings"),
			         br_human_count(l->recompiled).s);
		return;
	}
	j = br_wiki_json_begin(c);
	br_json_kstr(&j, "event", "done");
	br_json_kstr(&j, "notebook", name);
	br_json_kuint(&j, "checked", l->checked);
	br_json_kuint(&j, "passed", l->passed);
	br_json_kuint(&j, "failed", l->failed);
	br_json_kuint(&j, "warnings", l->warnings);
	br_json_kuint(&j, "recompiled", l->recompiled);
	br_json_kint(&j, "exit", status);
	br_wiki_json_end(c, &j);
}

static int lint_run(struct br_cli *c, struct br_err *err)
{
	const struct lint_params *p = c->params;
	struct br_wiki_lint_opts o = { .slug = c->n ? c->operand : NULL, .no_recompile = p->no_recompile, .event = on_linted, .arg = c };
	struct br_wiki_linted l;
	struct br_wiki_use use;
	const char *name;
	uint32_t nb;
	int rc = br_wiki_notebook(&nb, &name, c, err);

	if (rc < 0 || (rc = br_wiki_use_open(&use, c, p->model, err)) < 0)
		return rc;
	o.model = use.model;
	rc = br_wiki_lint(&l, c->ws, nb, &o, err);
	br_wiki_use_close(&use);
	if (rc == 0 || rc == -BR_ECHECK)
		lint_told(c, name, &l, rc < 0 ? br_status(err->code) : 0);
	return rc;
}

/* ---- patch ---- */

struct patch_params { const char *section, *claim, *actor; double confidence; bool create; };
static const struct br_opt patch_opts[] = {
	{ "section", 's', BR_AT_STR(struct patch_params, section), "heading", "the section it belongs to, made when there is none" },
	{ "claim", 'c', BR_AT_STR(struct patch_params, claim), "id", "id of the verified claim; the same again replaces what it said" },
	{ "confidence", 0, BR_AT_NUM(struct patch_params, confidence), "share", "how sure it is; below 0.5 it is refused", .dflt = "1", .min = 0, .max = 1 },
	{ "actor", 0, BR_AT_STR(struct patch_params, actor), "name", "who says so, for the history", .env = "USER" },
	{ "create", 0, BR_AT_BOOL(struct patch_params, create), NULL, "make the page when there is none" },
	BR_OPT_END,
};

static int patch_check(struct br_cli *c, struct br_err *err)
{
	const struct patch_params *p = c->params;

	return !p->section || !p->claim ? br_fail(err, BR_EUSAGE, "--section and --claim are needed") : 0;
}

static void patch_json(struct br_cli *c, const char *slug, const struct br_wiki_patched *r)
{
	struct br_json j = br_wiki_json_begin(c);

	br_json_kint(&j, "v", 1);
	br_json_kstr(&j, "slug", slug);
	br_json_kuint(&j, "version", r->version);
	br_json_kstr(&j, "lint_status", br_wiki_lint_name(r->lint_status));
	br_json_kbool(&j, "live", r->live);
	br_json_kuint(&j, "superseded", r->superseded);
	br_json_key(&j, "lint_errors");
	br_json_arr(&j);
	for (size_t i = 0; i < r->n_errors; i++) {
		br_json_obj(&j);
		br_json_kstr(&j, "code", br_arena_printf(&c->arena, "E%u", r->error[i].code));
		br_json_kstr(&j, "severity", r->error[i].blocks ? "error" : "warning");
		br_json_kstr(&j, "message", r->error[i].text);
		br_json_end(&j);
	}
	br_json_end(&j);
	br_wiki_json_end(c, &j);
}

static void patch_text(struct br_cli *c, const char *slug, const struct br_wiki_patched *r)
{
	for (size_t i = 0; i < r->n_errors; i++)
		br_warn(&c->out, "E%u: %s", r->error[i].code, r->error[i].text);
	if (!c->opt.quiet)
		br_out_f(&c->out, "page '%s', version %u: lint %s, %s\n", slug, r->version, br_wiki_lint_name(r->lint_status), r->live ? "live" : "not live");
}

static int patch_run(struct br_cli *c, struct br_err *err)
{
	const struct patch_params *p = c->params;
	struct br_wiki_patch x = { .slug = c->operand[0], .section = p->section, .claim = p->claim, .confidence = p->confidence, .actor = p->actor, .create = p->create };
	struct br_buf text = BR_BUF_INIT(BR_MAX_WIKI_PATCH + 1);
	struct br_wiki_patched r;
	const char *name;
	uint32_t nb = 0;
	int rc = br_wiki_notebook(&nb, &name, c, err);

	for (size_t i = 1; i < c->n; i++)
		br_buf_addf(&text, "%s%s", i > 1 ? " " : "", c->operand[i]);
	x.content = text.ptr;
	if (rc == 0 && (rc = br_buf_check(&text, "the content", err)) == 0 && (rc = br_wiki_patch(&r, &c->arena, c->ws, nb, &x, err)) == 0) {
		if (c->opt.json)
			patch_json(c, x.slug, &r);
		else
			patch_text(c, x.slug, &r);
		if (!r.live)
			rc = br_fail(err, BR_ECHECK, "the patched page did not pass lint; what was published before stays");
	}
	br_buf_release(&text);
	return rc;
}

/* ---- export ---- */

struct export_params { bool all; };
static const struct br_opt export_opts[] = {
	{ "all", 'a', BR_AT_BOOL(struct export_params, all), NULL, "also pages that may not be served, such as those that failed lint" },
	BR_OPT_END,
};

static int export_run(struct br_cli *c, struct br_err *err)
{
	const struct br_wiki_export_opts o = { .all = ((const struct export_params *)c->params)->all };
	struct br_wiki_exported x;
	const char *name;
	struct br_json j;
	uint32_t nb;
	int rc = br_wiki_notebook(&nb, &name, c, err);

	if (rc < 0 || (rc = br_wiki_export(&x, c->ws, nb, c->operand[0], &o, err)) < 0)
		return rc;
	if (c->opt.json) {
		j = br_wiki_json_begin(c);
		br_json_kint(&j, "v", 1);
		br_json_kstr(&j, "notebook", name);
		br_json_kstr(&j, "folder", c->operand[0]);
		br_json_kuint(&j, "written", x.written);
		br_json_kuint(&j, "same", x.same);
		br_json_kuint(&j, "removed", x.removed);
		br_wiki_json_end(c, &j);
	} else if (!c->opt.quiet) {
		br_out_f(&c->out, "%s %s written, %s as they were, %s removed\n", br_human_count(x.written).s, br_plural(x.written, "file", "files"),
		         br_human_count(x.same).s, br_human_count(x.removed).s);
	}
	return 0;
}

/* ---- the tables ---- */

static const struct br_cmd compile = {
	.name = "compile", .summary = "write the pages of which something changed", .operands = "[<slug>...]", .max = -1, .opts = compile_opts,
	.params_size = sizeof(struct compile_params), .flags = BR_CMD_WS | BR_CMD_LONG | BR_CMD_STREAM, .run = compile_run,
};
static const struct br_cmd lint = {
	.name = "lint", .summary = "check citations and contradictions of pages; exit 3 when one fails", .operands = "[<slug>...]", .max = -1, .opts = lint_opts,
	.params_size = sizeof(struct lint_params), .flags = BR_CMD_WS | BR_CMD_LONG | BR_CMD_STREAM, .run = lint_run,
};
static const struct br_cmd patch = {
	.name = "patch", .summary = "put a verified fact into a page", .operands = "<slug> <content>...", .min = 2, .max = -1, .opts = patch_opts,
	.params_size = sizeof(struct patch_params), .flags = BR_CMD_WS, .check = patch_check, .run = patch_run,
};
static const struct br_cmd export = {
	.name = "export", .summary = "write pages as Markdown files into a folder", .operands = "<folder>", .min = 1, .max = 1, .complete = BR_C_DIR,
	.opts = export_opts, .params_size = sizeof(struct export_params), .flags = BR_CMD_WS | BR_CMD_LONG, .run = export_run,
};
static const struct br_cmd *const subs[] = { &br_cmd_wiki_plan, &compile, &lint, &br_cmd_wiki_list, &br_cmd_wiki_show, &patch, &br_cmd_wiki_history, &export, NULL };
static const struct br_example examples[] = {
	{ "br wiki compile", "plan topics, if there is no plan, and write their pages" },
	{ "br wiki plan --file topics.txt && br wiki compile", "the topics that people ask for" },
	{ "br wiki show return-policy", "one page, with the places it quotes" },
	{ "br wiki patch company --section leadership --claim c-17 'CEO: Anna Berg'", "a fact that somebody verified, at once" },
	{ "br wiki lint && br wiki export docs/wiki", "check, then write files for a repository" },
	{ NULL },
};
const struct br_cmd br_cmd_wiki = {
	.name = "wiki", .group = "documents", .summary = "compile pages about a notebook's topics, check and mend them",
	.operands = "plan|compile|lint|list|show|patch|history|export", .sub = subs, .examples = examples,
};
