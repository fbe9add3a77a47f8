/*
 * br wiki list, show, history - pages for people and as JSON.
 */
#include "wiki.h"

#include <stdlib.h>

/* ---- list ---- */

struct list_params { bool all; };
static const struct br_opt list_opts[] = {
	{ "all", 'a', BR_AT_BOOL(struct list_params, all), NULL, "also pages that were deleted" },
	BR_OPT_END,
};

static enum br_style style_of(const struct br_wiki_page *p)
{
	return p->lint_status == BR_WIKI_FAILED ? BR_BAD : p->serveable ? BR_GOOD : BR_WARN;
}

static const char *state_of(const struct br_wiki_page *p)
{
	return p->status == BR_WIKI_DELETED ? "deleted" : p->serveable ? (p->newest != p->version ? "live, newer failed" : "live") : br_wiki_lint_name(p->lint_status);
}

static void list_text(struct br_cli *c, const struct br_wiki_pages *pages)
{
	struct br_columns t = { .align = "lrrrl" };

	br_columns_add(&t, BR_BOLD, "state");
	br_columns_add(&t, BR_BOLD, "version");
	br_columns_add(&t, BR_BOLD, "tokens");
	br_columns_add(&t, BR_BOLD, "passages");
	br_columns_add(&t, BR_BOLD, "page");
	for (size_t i = 0; i < pages->v.n; i++) {
		const struct br_wiki_page *p = &pages->v.v[i];
		br_columns_add(&t, style_of(p), "%s%s", state_of(p), p->dirty ? "*" : "");
		br_columns_add(&t, BR_PLAIN, "%u", p->version);
		br_columns_add(&t, BR_PLAIN, "%u", p->token_count);
		br_columns_add(&t, BR_PLAIN, "%zu", p->n_sources);
		br_columns_add(&t, BR_PATH, "%s", p->slug);
	}
	br_columns_print(&c->out, &t);
}

static void report_json(struct br_json *j, const struct br_wiki_report *r)
{
	char when[32];

	br_json_key(j, "last_compile");
	if (!r->at) {
		br_json_null(j);
		return;
	}
	br_time_iso(when, r->at);
	br_json_obj(j);
	br_json_kstr(j, "at", when);
	br_json_kuint(j, "compiled", r->compiled);
	br_json_kuint(j, "skipped", r->skipped);
	br_json_kuint(j, "failed", r->failed);
	br_json_kuint(j, "removed", r->removed);
	br_json_knum(j, "took_ms", r->seconds * 1000, 1);
	br_json_end(j);
}

static void list_json(struct br_cli *c, const char *name, uint32_t nb, const struct br_wiki_pages *pages, const struct br_wiki_report *r)
{
	struct br_json j = br_wiki_json_begin(c);

	br_json_kint(&j, "v", 1);
	br_json_kstr(&j, "notebook", name);
	br_json_kbool(&j, "running", br_wiki_running(c->ws, nb));
	report_json(&j, r);
	br_json_key(&j, "pages");
	br_json_arr(&j);
	for (size_t i = 0; i < pages->v.n; i++) {
		br_json_obj(&j);
		br_wiki_page_json(&j, &pages->v.v[i]);
		br_json_end(&j);
	}
	br_json_end(&j);
	br_wiki_json_end(c, &j);
}

static int list_run(struct br_cli *c, struct br_err *err)
{
	struct br_wiki_pages pages = { 0 };
	struct br_wiki_report r;
	struct br_txn *t;
	struct br_nb *nb;
	uint32_t number;
	const char *name;
	int rc = br_cli_notebook(&nb, &t, c, err);

	if (rc < 0)
		return rc;
	number = nb->nb;
	name = nb->name;
	if ((rc = br_wiki_list(&pages, &c->arena, t, number, ((const struct list_params *)c->params)->all, err)) == 0)
		rc = br_wiki_last_compile(&r, t, number, err);
	br_txn_end(t);
	if (rc == 0 && c->opt.json)
		list_json(c, name, number, &pages, &r);
	else if (rc == 0 && pages.v.n)
		list_text(c, &pages);
	else if (rc == 0)
		br_note(&c->out, "br: there are no pages; 'br wiki compile' writes them");
	br_vec_release(&pages.v);
	return rc;
}

const struct br_cmd br_cmd_wiki_list = {
	.name = "list", .summary = "list pages and what may be served", .opts = list_opts, .params_size = sizeof(struct list_params),
	.flags = BR_CMD_WS | BR_CMD_PAGER, .run = list_run,
};

/* ---- show ---- */

struct show_params { int64_t version; bool markers; };
static const struct br_opt show_opts[] = {
	{ "version", 0, BR_AT_INT(struct show_params, version), "n", "that version instead of the published one", .dflt = "0", .min = 0, .max = 4e9 },
	{ "markers", 0, BR_AT_BOOL(struct show_params, markers), NULL, "leave the markers of passages in the text" },
	BR_OPT_END,
};

static void show_sources(struct br_cli *c, const struct br_wiki_passages *s)
{
	struct br_out *o = &c->out;

	for (size_t i = 0; i < s->v.n; i++) {
		const struct br_wiki_passage *p = &s->v.v[i];
		br_out_f(o, "%s[chunk_%s]%s ", br_out_style(o, BR_DIM), p->chunk, br_out_style(o, BR_PLAIN));
		if (!p->there) {
			br_out_s(o, "deleted or changed\n");
			continue;
		}
		br_out_styled(o, BR_PATH, p->path);
		if (p->line)
			br_out_f(o, ":%u-%u", p->line, p->line_end);
		br_out_s(o, "\n");
	}
}

static void show_text(struct br_cli *c, const struct br_wiki_page *p, const struct br_wiki_passages *s)
{
	struct br_buf body = BR_BUF_INIT(SIZE_MAX);
	struct br_out *o = &c->out;

	br_out_f(o, "%s", br_out_style(o, BR_BOLD));
	br_out_text(o, p->title, strlen(p->title));
	br_out_f(o, "%s\nversion %u of %u, %s, lint %s%s%s\n\n", br_out_style(o, BR_PLAIN), p->version, p->newest, br_wiki_status_name(p->status),
	         br_wiki_lint_name(p->lint_status), p->serveable ? "" : "; not served: ", p->why);
	if (((const struct show_params *)c->params)->markers)
		br_buf_adds(&body, p->body);
	else
		br_wiki_strip(&body, br_slice_str(p->body));
	br_out_text(o, body.ptr, body.len);
	br_out_s(o, "\n");
	show_sources(c, s);
	br_buf_release(&body);
}

static void show_json(struct br_cli *c, const char *name, const struct br_wiki_page *p, const struct br_wiki_passages *s)
{
	struct br_json j = br_wiki_json_begin(c);

	br_json_kint(&j, "v", 1);
	br_json_kstr(&j, "notebook", name);
	br_wiki_page_json(&j, p);
	br_json_key(&j, "sources");
	br_json_arr(&j);
	for (size_t i = 0; i < s->v.n; i++) {
		const struct br_wiki_passage *x = &s->v.v[i];
		br_json_obj(&j);
		br_json_kstr(&j, "chunk", x->chunk);
		br_json_kstr(&j, "doc_id", x->doc_id);
		br_json_kbool(&j, "there", x->there);
		br_json_kstr(&j, "path", x->there ? x->path : NULL);
		br_json_kuint(&j, "ordinal", x->ordinal);
		br_json_kuint(&j, "line", x->line);
		br_json_kuint(&j, "line_end", x->line_end);
		br_json_kstr(&j, "text", x->there ? x->text : NULL);
		br_json_end(&j);
	}
	br_json_end(&j);
	br_wiki_json_end(c, &j);
}

static int show_run(struct br_cli *c, struct br_err *err)
{
	const struct show_params *p = c->params;
	struct br_wiki_passages s = { 0 };
	struct br_wiki_page page;
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_cli_notebook(&nb, &t, c, err);

	if (rc < 0)
		return rc;
	if ((rc = br_wiki_get(&page, &c->arena, t, nb->nb, c->operand[0], (uint32_t)p->version, err)) == 0 &&
	    (rc = br_wiki_sources(&s, &c->arena, t, nb->nb, &page, err)) == 0) {
		if (c->opt.json)
			show_json(c, nb->name, &page, &s);
		else
			show_text(c, &page, &s);
	}
	br_vec_release(&s.v);
	br_txn_end(t);
	return rc;
}

const struct br_cmd br_cmd_wiki_show = {
	.name = "show", .summary = "print a page and the places it quotes", .operands = "<slug>", .min = 1, .max = 1, .opts = show_opts,
	.params_size = sizeof(struct show_params), .flags = BR_CMD_WS | BR_CMD_PAGER, .run = show_run,
};

/* ---- history ---- */

struct history_params { int64_t publish; bool reviewed; const char *actor; };
static const struct br_opt history_opts[] = {
	{ "publish", 0, BR_AT_INT(struct history_params, publish), "n", "make version n the published one again", .dflt = "0", .min = 0, .max = 4e9 },
	{ "reviewed", 0, BR_AT_BOOL(struct history_params, reviewed), NULL, "with --publish: a person has read it, whatever lint says" },
	{ "actor", 0, BR_AT_STR(struct history_params, actor), "name", "with --publish: who did, for the history", .env = "USER" },
	BR_OPT_END,
};

static int history_check(struct br_cli *c, struct br_err *err)
{
	const struct history_params *p = c->params;

	return p->reviewed && !p->publish ? br_fail(err, BR_EUSAGE, "--reviewed is for --publish") : 0;
}

static void history_json(struct br_cli *c, const char *name, const struct br_wiki_pages *v)
{
	struct br_json j = br_wiki_json_begin(c);

	br_json_kint(&j, "v", 1);
	br_json_kstr(&j, "notebook", name);
	br_json_key(&j, "versions");
	br_json_arr(&j);
	for (size_t i = 0; i < v->v.n; i++) {
		br_json_obj(&j);
		br_wiki_page_json(&j, &v->v.v[i]);
		br_json_end(&j);
	}
	br_json_end(&j);
	br_wiki_json_end(c, &j);
}

static void history_text(struct br_cli *c, const struct br_wiki_pages *v)
{
	struct br_columns t = { .align = "rlllll" };

	for (size_t i = 0; i < v->v.n; i++) {
		const struct br_wiki_page *p = &v->v.v[i];
		char when[32];
		br_time_iso(when, p->compiled_at);
		br_columns_add(&t, p->version == p->published ? BR_BOLD : BR_PLAIN, "%u", p->version);
		br_columns_add(&t, BR_DIM, "%s", when);
		br_columns_add(&t, BR_PLAIN, "%s", p->version == p->published ? "published" : br_wiki_status_name(p->status));
		br_columns_add(&t, style_of(p), "%s", br_wiki_lint_name(p->lint_status));
		br_columns_add(&t, BR_PLAIN, "%s%s%s", p->reason, p->actor[0] ? " by " : "", p->actor);
		br_columns_add(&t, BR_PLAIN, "%s", p->summary);
	}
	br_columns_print(&c->out, &t);
}

static int history_run(struct br_cli *c, struct br_err *err)
{
	const struct history_params *p = c->params;
	struct br_wiki_pages v = { 0 };
	const char *name;
	struct br_txn *t;
	uint32_t nb;
	int rc = br_wiki_notebook(&nb, &name, c, err);

	if (rc == 0 && p->publish)
		rc = br_wiki_publish(c->ws, nb, c->operand[0], (uint32_t)p->publish, p->reviewed, p->actor, err);
	if (rc < 0 || (rc = br_txn_read(&t, c->ws->store, err)) < 0)
		return rc;
	rc = br_wiki_history(&v, &c->arena, t, nb, c->operand[0], err);
	br_txn_end(t);
	if (rc == 0 && c->opt.json)
		history_json(c, name, &v);
	else if (rc == 0)
		history_text(c, &v);
	br_vec_release(&v.v);
	return rc;
}

const struct br_cmd br_cmd_wiki_history = {
	.name = "history", .summary = "list the versions of a page, or publish another one", .operands = "<slug>", .min = 1, .max = 1, .opts = history_opts,
	.params_size = sizeof(struct history_params), .flags = BR_CMD_WS | BR_CMD_PAGER, .check = history_check, .run = history_run,
};
