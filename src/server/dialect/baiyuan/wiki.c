/* The wiki: compile, lint, list, get, patch. A large knowledge base is compiled in the background. */
#include "baiyuan.h"

#include <stdlib.h>

#define WIKI API "/knowledge-bases/{id}/wiki"
enum { AT_ONCE = 300 /* documents that are compiled while the client waits */ };

static int base(struct br_kb *out, struct br_req *r, struct br_err *err)
{
	return br_kb_get(out, br_req_arena(r), br_req_ws(r), br_baiyuan__tenant(r), br_req_param(r, "id"), err);
}

/* ---- a model, where one is configured ---- */

struct modelled { struct br_llm *llm; struct br_wiki_model model; };

static int open_model(struct modelled *m, struct br_req *r, struct br_err *err)
{
	const struct br_config *c = br_req_ws(r)->config;
	int rc;

	*m = (struct modelled){ NULL, { br_wiki_ask_llm, NULL, NULL } };
	if (!br_llm_configured(c, BR_LLM_CHAT) || (rc = br_llm_open(&m->llm, c, BR_LLM_CHAT, err)) == 0) {
		m->model.arg = m->llm;
		m->model.name = m->llm ? br_llm_info(m->llm)->model : NULL;
		return 0;
	}
	return rc;
}

/* ---- compile ---- */

struct slugs_in { const struct br_jval *slugs; bool force; };
static const struct br_field slugs_in[] = {
	{ "slugs", BR_FAT_ARR(struct slugs_in, slugs), .of = BR_F_STR, .max = 1000, .help = "these pages alone" },
	{ "force", BR_FAT_BOOL(struct slugs_in, force), .help = "also what did not change" }, BR_FIELD_END,
};

static const char *const *slugs_of(struct br_req *r, const struct br_jval *v)
{
	const char **out = br_arena_zalloc(br_req_arena(r), 1001 * sizeof *out);
	size_t n = 0;

	for (const struct br_jval *e = br_jval_first(v); e; e = br_jval_next(e))
		out[n++] = br_jval_str(e);
	return n ? out : NULL;
}

struct made { struct br_arena *a; BR_VEC(struct br_wiki_event) v; };

static void on_page(const struct br_wiki_event *e, void *arg)
{
	struct made *m = arg;

	if (e->version) {
		struct br_wiki_event *to = br_vec_push(&m->v);
		*to = *e;
		to->slug = br_arena_strdup(m->a, e->slug);
	}
}

static void write_report(struct br_json *j, const struct br_wiki_report *rep)
{
	br_json_kuint(j, "compiled", rep->compiled);
	br_json_kuint(j, "skipped", rep->skipped);
	br_json_kuint(j, "failed", rep->failed);
}

static void reply_compiled(struct br_req *r, const struct br_wiki_report *rep, const struct made *m)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	write_report(j, rep);
	br_json_key(j, "pages");
	br_json_arr(j);
	for (size_t i = 0; i < m->v.n; i++) {
		br_json_obj(j);
		br_json_kstr(j, "slug", m->v.v[i].slug);
		br_json_kuint(j, "version", m->v.v[i].version);
		br_json_kstr(j, "lint_status", br_wiki_lint_name(m->v.v[i].lint_status));
		br_json_end(j);
	}
	br_json_end(j);
	br_json_end(j);
}

static int compile_now(struct br_req *r, const struct br_kb *k, const struct slugs_in *p, struct br_err *err)
{
	struct made m = { .a = br_req_arena(r) };
	struct br_wiki_report rep;
	struct modelled model;
	struct br_wiki_compile_opts o = { .slug = slugs_of(r, p->slugs), .force = p->force, .event = on_page, .arg = &m };
	int rc = open_model(&model, r, err);

	if (rc < 0)
		return rc;
	o.model = model.llm ? &model.model : NULL;
	rc = br_wiki_compile(&rep, br_req_ws(r), k->nb, &o, err);
	if (rc == 0 || rc == -BR_EPARTIAL) {
		reply_compiled(r, &rep, &m);
		rc = 0;
	}
	br_llm_close(model.llm);
	br_vec_release(&m.v);
	return rc;
}

static int compile(struct br_req *r, const void *in, struct br_err *err)
{
	const struct slugs_in *p = in;
	struct br_json *j;
	struct br_kb k;
	char job[37];
	int rc = base(&k, r, err);

	if (rc < 0)
		return rc;
	if (br_wiki_running(br_req_ws(r), k.nb))
		return br_fail(err, BR_EEXISTS, "the wiki of this knowledge base is being compiled");
	if (k.docs <= AT_ONCE || br_jval_first(p->slugs))
		return compile_now(r, &k, p, err);
	if ((rc = br_tenancy_compile(br_baiyuan__tenancy(r), job, br_baiyuan__tenant(r), k.id, p->force, err)) < 0)
		return rc;
	j = br_reply(r, 202);
	br_json_obj(j);
	br_json_kstr(j, "job_id", job);
	br_json_kstr(j, "status", "running");
	br_json_end(j);
	return 0;
}
static const struct br_field compiled_page_out[] = { { "slug", MUST(STR) }, { "version", MUST(INT) }, { "lint_status", MUST(STR) }, BR_FIELD_END };
static const struct br_shape compiled_page_shape = { "BaiyuanCompiledPage", compiled_page_out, 0 };
static const struct br_field compiled_out[] = {
	{ "compiled", BR_FOUT(INT) }, { "skipped", BR_FOUT(INT) }, { "failed", BR_FOUT(INT) }, { "pages", BR_FOUT(ARR), .shape = &compiled_page_shape },
	{ "job_id", BR_FOUT(STR), .help = "202: the report is in last_compile of the list later" }, { "status", BR_FOUT(STR) }, BR_FIELD_END,
};
static const struct br_shape compiled_shape = { "BaiyuanCompiled", compiled_out, 0 };

/* ---- lint ---- */

static void write_errors(struct br_json *j, const char *key, const struct br_wiki_error *e, size_t n)
{
	char code[4] = "E0";

	br_json_key(j, key);
	br_json_arr(j);
	for (size_t i = 0; i < n; i++) {
		br_json_obj(j);
		code[1] = (char)('0' + e[i].code);
		br_json_kstr(j, "code", code);
		br_json_kstr(j, "severity", e[i].blocks ? "error" : "warning");
		br_json_kstr(j, "message", e[i].text);
		br_json_end(j);
	}
	br_json_end(j);
}

struct linted { struct br_json j; struct br_buf text; };

static void on_linted(const struct br_wiki_page *p, void *arg)
{
	struct linted *l = arg;

	br_json_obj(&l->j);
	br_json_kstr(&l->j, "slug", p->slug);
	br_json_kstr(&l->j, "lint_status", br_wiki_lint_name(p->lint_status));
	write_errors(&l->j, "errors", p->error, p->n_errors);
	br_json_end(&l->j);
}

static void reply_linted(struct br_req *r, const struct br_wiki_linted *done, const struct linted *l)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_kuint(j, "checked", done->checked);
	br_json_kuint(j, "passed", done->passed);
	br_json_kuint(j, "failed", done->failed);
	br_json_kuint(j, "recompiled", done->recompiled);
	br_json_key(j, "pages");
	br_json_raw(j, l->text.ptr, l->text.len);
	br_json_end(j);
}

static int lint(struct br_req *r, const void *in, struct br_err *err)
{
	const struct slugs_in *p = in;
	struct linted l = { .text = BR_BUF_INIT(BR_SERVE_REPLY) };
	struct br_wiki_linted done;
	struct modelled model;
	struct br_wiki_lint_opts o = { .slug = slugs_of(r, p->slugs), .event = on_linted, .arg = &l };
	struct br_kb k;
	int rc = base(&k, r, err);

	if (rc < 0 || (rc = open_model(&model, r, err)) < 0)
		return rc;
	o.model = model.llm ? &model.model : NULL;
	br_json_init(&l.j, &l.text, false);
	br_json_arr(&l.j);
	rc = br_wiki_lint(&done, br_req_ws(r), k.nb, &o, err);
	br_json_end(&l.j);
	if (rc == 0 || rc == -BR_ECHECK) {
		reply_linted(r, &done, &l);
		rc = 0;
	}
	br_llm_close(model.llm);
	br_buf_release(&l.text);
	return rc;
}
static const struct br_field error_out[] = {
	{ "code", MUST(STR), .choices = "E1|E2|E3|E4|E5" }, { "severity", MUST(STR), .choices = "error|warning" }, { "message", MUST(STR) }, BR_FIELD_END,
};
static const struct br_shape error_shape = { "BaiyuanLintError", error_out, 0 };
static const struct br_field linted_page_out[] = {
	{ "slug", MUST(STR) }, { "lint_status", MUST(STR) }, { "errors", MUST(ARR), .shape = &error_shape }, BR_FIELD_END,
};
static const struct br_shape linted_page_shape = { "BaiyuanLintedPage", linted_page_out, 0 };
static const struct br_field linted_out[] = {
	{ "checked", MUST(INT) }, { "passed", MUST(INT) }, { "failed", MUST(INT) }, { "recompiled", MUST(INT) }, { "pages", MUST(ARR), .shape = &linted_page_shape },
	BR_FIELD_END,
};
static const struct br_shape linted_shape = { "BaiyuanLinted", linted_out, 0 };

/* ---- list, get ---- */

static void reply_pages(struct br_req *r, const struct br_wiki_pages *all, const struct br_wiki_report *last)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_key(j, "pages");
	br_json_arr(j);
	for (size_t i = 0; i < all->v.n; i++) {
		br_json_obj(j);
		br_wiki_page_json(j, &all->v.v[i]);
		br_json_end(j);
	}
	br_json_end(j);
	br_json_key(j, "last_compile");
	if (last->at) {
		br_json_obj(j);
		write_report(j, last);
		br_baiyuan__time(j, "at", last->at);
		br_json_end(j);
	} else {
		br_json_null(j);
	}
	br_json_end(j);
}

static int list(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_wiki_pages all = { 0 };
	struct br_wiki_report last = { 0 };
	struct br_txn *t;
	struct br_kb k;
	int rc = base(&k, r, err);

	(void)in;
	if (rc < 0 || (rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	if ((rc = br_wiki_list(&all, br_req_arena(r), t, k.nb, false, err)) == 0)
		rc = br_wiki_last_compile(&last, t, k.nb, err);
	br_txn_end(t);
	if (rc == 0)
		reply_pages(r, &all, &last);
	br_vec_release(&all.v);
	return rc;
}
static const struct br_field page_out[] = { { "slug", MUST(STR) }, { "title", MUST(STR) }, BR_FIELD_END };
static const struct br_shape page_shape = { "BaiyuanWikiPage", page_out, 0 };
static const struct br_field last_out[] = { { "compiled", MUST(INT) }, { "skipped", MUST(INT) }, { "failed", MUST(INT) }, { "at", MUST(STR) }, BR_FIELD_END };
static const struct br_shape last_shape = { "BaiyuanLastCompile", last_out, 0 };
static const struct br_field pages_out[] = {
	{ "pages", MUST(ARR), .shape = &page_shape }, { "last_compile", MAY_NULL(OBJ), .shape = &last_shape }, BR_FIELD_END,
};
static const struct br_shape pages_shape = { "BaiyuanWikiPages", pages_out, 0 };

static int get(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_wiki_page p;
	struct br_json *j;
	struct br_txn *t;
	struct br_kb k;
	int rc = base(&k, r, err);

	(void)in;
	if (rc < 0 || (rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	rc = br_wiki_get(&p, br_req_arena(r), t, k.nb, br_req_param(r, "slug"), 0, err);
	br_txn_end(t);
	if (rc == -BR_EUSAGE || (rc == 0 && p.deleted_at))
		return br_fail(err, BR_ENOTFOUND, "no such page");
	if (rc < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_wiki_page_json(j, &p);
	br_json_end(j);
	return 0;
}

/* ---- patch ---- */

struct what_in { const char *section, *content, *claim; double confidence; };
static const struct br_field what_in[] = {
	{ "section", BR_FAT_STR(struct what_in, section), .flags = BR_REQUIRED, .min = 1, .max = 200 },
	{ "content", BR_FAT_STR(struct what_in, content), .flags = BR_REQUIRED, .min = 1, .max = 10000 },
	{ "source_claim_id", BR_FAT_STR(struct what_in, claim), .flags = BR_REQUIRED, .min = 1, .max = 200 },
	{ "confidence", BR_FAT_NUM(struct what_in, confidence), .min = 0, .max = 1, .dflt = "1" }, BR_FIELD_END,
};
static const struct br_shape what_shape = { "BaiyuanPatchWhat", what_in, sizeof(struct what_in) };
struct patch_in { const char *tenant, *kb, *kb_id, *slug; const struct br_jval *patch; bool create; };
static const struct br_field patch_in[] = {
	{ "tenant_id", BR_FAT_STR(struct patch_in, tenant), .max = 100, .help = "that of the header" },
	{ "kb_id", BR_FAT_STR(struct patch_in, kb_id), .max = 100 }, { "knowledge_base_id", BR_FAT_STR(struct patch_in, kb), .max = 100 },
	{ "slug", BR_FAT_STR(struct patch_in, slug), .flags = BR_REQUIRED, .min = 1, .max = 200 },
	{ "patch", BR_FAT_OBJ(struct patch_in, patch), .flags = BR_REQUIRED, .shape = &what_shape },
	{ "create", BR_FAT_BOOL(struct patch_in, create), .help = "a page that there is not yet" }, BR_FIELD_END,
};

static void reply_patched(struct br_req *r, const char *slug, const struct br_wiki_patched *done)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_kstr(j, "slug", slug);
	br_json_kuint(j, "version", done->version);
	br_json_kstr(j, "lint_status", br_wiki_lint_name(done->lint_status));
	br_json_kbool(j, "live", done->live);
	write_errors(j, "lint_errors", done->error, done->n_errors);
	br_json_end(j);
}

static int patch(struct br_req *r, const void *in, struct br_err *err)
{
	const struct patch_in *p = in;
	const char *kb = br_baiyuan__kb(p->kb, p->kb_id);
	struct br_wiki_patched done = { 0 };
	struct br_wiki_patch w;
	struct what_in what;
	struct br_kb k;
	int rc;

	if (p->tenant && strcasecmp(p->tenant, br_baiyuan__tenant(r)))
		return br_fail(err, BR_EFORBIDDEN, "tenant mismatch");
	if (!kb)
		return br_fail(err, BR_EUSAGE, "kb_id is missing");
	if (!br_shape_read(&what, &what_shape, p->patch, r))
		return br_fail(err, BR_EUSAGE, "the patch is not valid");
	if ((rc = br_kb_get(&k, br_req_arena(r), br_req_ws(r), br_baiyuan__tenant(r), kb, err)) < 0)
		return rc;
	w = (struct br_wiki_patch){ .slug = p->slug, .section = what.section, .content = what.content, .claim = what.claim, .confidence = what.confidence,
		.actor = br_req_who(r)->key_id, .create = p->create };
	if ((rc = br_wiki_patch(&done, br_req_arena(r), br_req_ws(r), k.nb, &w, err)) < 0)
		return rc;
	reply_patched(r, p->slug, &done);
	return 0;
}
static const struct br_field patched_out[] = {
	{ "slug", MUST(STR) }, { "version", MUST(INT) }, { "lint_status", MUST(STR) }, { "live", MUST(BOOL) }, { "lint_errors", MUST(ARR), .shape = &error_shape },
	BR_FIELD_END,
};
static const struct br_shape patched_shape = { "BaiyuanPatched", patched_out, 0 };

static const short work_fails[] = { 202, 400, 404, 409, 502, 0 }, read_fails[] = { 404, 0 }, patch_fails[] = { 400, 403, 404, 0 };
static const struct br_route rows[] = {
	{ "POST", WIKI "/compile", "baiyuan_wiki_compile", "Make pages of the documents", "wiki", BR_LEVEL_KEY, .scopes = "wiki:write", .rate = "tenant",
	  .body = BR_BODY_JSON, .in = slugs_in, .in_size = sizeof(struct slugs_in), .out = &compiled_shape, .fails = work_fails,
	  .flags = BR_ROUTE_SLOW | BR_ROUTE_MAY_BODY, .run = compile },
	{ "POST", WIKI "/lint", "baiyuan_wiki_lint", "Check the pages", "wiki", BR_LEVEL_KEY, .scopes = "wiki:write", .rate = "tenant", .body = BR_BODY_JSON,
	  .in = slugs_in, .in_size = sizeof(struct slugs_in), .out = &linted_shape, .fails = work_fails, .flags = BR_ROUTE_SLOW | BR_ROUTE_MAY_BODY, .run = lint },
	{ "GET", WIKI, "baiyuan_wiki_list", "Pages, without their text", "wiki", BR_LEVEL_KEY, .scopes = "kb:read", .rate = "tenant", .out = &pages_shape,
	  .fails = read_fails, .run = list },
	{ "GET", WIKI "/{slug}", "baiyuan_wiki_page", "One page", "wiki", BR_LEVEL_KEY, .scopes = "kb:read", .rate = "tenant", .out = &page_shape, .fails = read_fails,
	  .run = get },
	{ "POST", API "/wiki/patch", "baiyuan_wiki_patch", "Set a fact on a page right", "wiki", BR_LEVEL_KEY, .scopes = "wiki:write", .rate = "tenant",
	  .body = BR_BODY_JSON, .in = patch_in, .in_size = sizeof(struct patch_in), .out = &patched_shape, .fails = patch_fails, .flags = BR_ROUTE_SLOW, .run = patch },
};
const struct br_routes br_baiyuan__wiki_rows = { rows, BR_COUNT(rows) };
