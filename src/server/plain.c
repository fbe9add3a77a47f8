/*
 * The engine's own routes: POST /query answers what `br query --json` prints; health, metrics, the OpenAPI document.
 */
#include "internal.h"

#include "br/auth.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef BR_VERSION
#define BR_VERSION "0"
#endif

/* ---- POST /query ---- */

struct query_in {
	const char *query, *notebook, *strategy;
	int64_t top;
	const struct br_jval *filter;
	double full_text_weight, semantic_weight;
	bool explain, fold, by_doc, plain;
};

#define CHOICE(name, ...) "|" #name
static const struct br_field query_in[] = {
	{ "query", BR_FAT_STR(struct query_in, query), .flags = BR_REQUIRED, .min = 1, .max = BR_MAX_QUERY, .help = "the question" },
	{ "notebook", BR_FAT_STR(struct query_in, notebook), .max = BR_MAX_NOTEBOOK_NAME, .help = "name or id; the one in use" },
	{ "strategy", BR_FAT_STR(struct query_in, strategy), .choices = &(BR_STRATEGY_LIST(CHOICE))[1], .help = "how passages are found" },
	{ "top", BR_FAT_INT(struct query_in, top), .min = 1, .max = BR_MAX_TOP, .dflt = "8", .help = "number of passages at most" },
	{ "filter", BR_FAT_ARR(struct query_in, filter), .of = BR_F_STR, .max = 64, .help = "conditions on documents, all of which must hold" },
	{ "full_text_weight", BR_FAT_NUM(struct query_in, full_text_weight), .max = 1000, .help = "weight of words; 0: the strategy's own" },
	{ "semantic_weight", BR_FAT_NUM(struct query_in, semantic_weight), .max = 1000, .help = "weight of meaning; 0: the strategy's own" },
	{ "explain", BR_FAT_BOOL(struct query_in, explain), .help = "tell why each passage was found" },
	{ "fold", BR_FAT_BOOL(struct query_in, fold), .dflt = "true", .help = "leave out passages nearly identical to a better one" },
	{ "by_doc", BR_FAT_BOOL(struct query_in, by_doc), .help = "at most one passage of each document" },
	{ "plain", BR_FAT_BOOL(struct query_in, plain), .help = "the question is words only: quotes and signs mean nothing" },
	BR_FIELD_END,
};
#define QUERY_OUT(kind) BR_FOUT(kind), .flags = BR_REQUIRED
static const struct br_field lines_out[] = {
	{ "from", QUERY_OUT(INT) | BR_NULLABLE }, { "to", QUERY_OUT(INT) | BR_NULLABLE }, BR_FIELD_END,
};
static const struct br_shape lines_shape = { "Lines", lines_out, 0 };
static const struct br_field hit_out[] = {
	{ "rank", QUERY_OUT(INT) }, { "score", QUERY_OUT(NUM) }, { "path", QUERY_OUT(STR) }, { "title", QUERY_OUT(STR) | BR_NULLABLE },
	{ "heading", QUERY_OUT(ARR), .of = BR_F_STR }, { "lines", QUERY_OUT(OBJ), .shape = &lines_shape },
	{ "page", QUERY_OUT(INT) | BR_NULLABLE }, { "stale", QUERY_OUT(BOOL) }, { "doc_id", QUERY_OUT(STR) }, { "chunk", QUERY_OUT(INT) },
	{ "text", QUERY_OUT(STR) }, { "why", BR_FOUT(OBJ), .help = "with explain" }, BR_FIELD_END,
};
static const struct br_shape hit_shape = { "Hit", hit_out, 0 };
static const struct br_field query_out[] = {
	{ "v", QUERY_OUT(INT), .help = "version of this shape" }, { "query", QUERY_OUT(STR) }, { "notebook", QUERY_OUT(STR) },
	{ "strategy", QUERY_OUT(STR) }, { "degraded", QUERY_OUT(STR) | BR_NULLABLE, .help = "why the strategy ran as less" },
	{ "generation", QUERY_OUT(INT) }, { "indexed_at", QUERY_OUT(STR) | BR_NULLABLE, .format = "date-time" },
	{ "stale_sources", QUERY_OUT(INT) }, { "stale_complete", QUERY_OUT(BOOL) }, { "took_ms", QUERY_OUT(NUM) },
	{ "candidates", BR_FOUT(INT), .help = "with explain" }, { "way", BR_FOUT(STR), .flags = BR_NULLABLE, .help = "with explain" },
	{ "fit", BR_FOUT(NUM), .help = "with explain" }, { "hits", QUERY_OUT(ARR), .shape = &hit_shape }, BR_FIELD_END,
};
static const struct br_shape query_shape = { "Answer", query_out, 0 };

static const char *const *filters(struct br_req *r, const struct br_jval *v)
{
	const char **out = br_arena_zalloc(br_req_arena(r), 65 * sizeof *out);
	size_t n = 0;

	for (const struct br_jval *e = br_jval_first(v); e; e = br_jval_next(e))
		out[n++] = br_jval_str(e);
	return n ? out : NULL;
}

static int query(struct br_req *r, const void *in, struct br_err *err)
{
	const struct query_in *q = in;
	struct br_query_opts o = BR_QUERY_OPTS_DEFAULT;
	struct br_result_json how = { .explain = q->explain };
	struct br_result result = { 0 };
	int rc;

	o.notebook = q->notebook;
	o.strategy = q->strategy;
	o.top = (uint32_t)q->top;
	o.filter = filters(r, q->filter);
	o.full_text_weight = q->full_text_weight;
	o.semantic_weight = q->semantic_weight;
	o.explain = q->explain;
	o.no_fold = !q->fold;
	o.by_doc = q->by_doc;
	o.plain = q->plain;
	rc = br_retrieve(&result, br_req_searcher(r), q->query, &o, err);
	if (rc == 0)
		br_result_json(br_reply(r, 0), &result, &how);
	br_result_release(&result);
	return rc;
}

/* ---- operations ---- */

static int greet(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j = br_reply(r, 0);

	(void)in;
	(void)err;
	br_json_obj(j);
	br_json_kstr(j, "name", "br");
	br_json_kstr(j, "version", BR_VERSION);
	br_json_kstr(j, "openapi", "/openapi.json");
	br_json_end(j);
	return 0;
}

static int alive(struct br_req *r, const void *in, struct br_err *err)
{
	(void)in;
	(void)err;
	br_reply_text(r, 200, "text/plain; charset=utf-8", "ok\n", 3);
	return 0;
}

/* Ready: not about to end, and the workspace can be read. */
static int ready(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc;

	(void)in;
	if (br_req_draining(r))
		return br_req_fail(r, 503, err, BR_ECANCELLED, "the server is ending");
	if ((rc = br_txn_read(&t, br_req_ws(r)->store, err)) == 0) {
		rc = br_nb_get(&nb, br_req_arena(r), t, NULL, err);
		br_txn_end(t);
	}
	if (rc < 0) {
		r->fail_status = 503;
		return rc;
	}
	br_reply_text(r, 200, "text/plain; charset=utf-8", "ready\n", 6);
	return 0;
}

static int metrics(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(16u << 20);

	(void)in;
	(void)err;
	br_server_metrics(&b, br_req_server(r));
	br_reply_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", b.ptr, b.len);
	br_buf_release(&b);
	return 0;
}

static int openapi(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(16u << 20);
	char etag[17];
	uint64_t h;

	(void)in;
	(void)err;
	br_server_openapi(&b, br_req_server(r));
	h = br_hash64(b.ptr, b.len);
	snprintf(etag, sizeof etag, "%016llx", (unsigned long long)h);
	if (!br_reply_etag(r, etag))
		br_reply_text(r, 200, "application/json", b.ptr, b.len);
	br_buf_release(&b);
	return 0;
}

/* ---- the dialect ---- */

static void error_body(struct br_json *j, struct br_req *r, struct br_fault *f)
{
	br_json_obj(j);
	br_json_key(j, "error");
	br_json_obj(j);
	br_json_kstr(j, "code", br_err_info(f->code)->name);
	br_json_kint(j, "status", f->status);
	br_json_kstr(j, "message", f->message);
	br_json_kstr(j, "request_id", br_req_id(r));
	br_json_key(j, "fields");
	br_json_arr(j);
	for (size_t i = 0; i < f->problems; i++) {
		br_json_obj(j);
		br_json_kstr(j, "field", f->problem[i].field);
		br_json_kstr(j, "type", f->problem[i].type);
		br_json_kstr(j, "message", f->problem[i].what);
		br_json_end(j);
	}
	br_json_end(j);
	br_json_end(j);
	br_json_end(j);
}

static const struct br_field greet_out[] = {
	{ "name", QUERY_OUT(STR) }, { "version", QUERY_OUT(STR) }, { "openapi", QUERY_OUT(STR) }, BR_FIELD_END,
};
static const struct br_shape greet_shape = { "Greeting", greet_out, 0 };
static const short query_fails[] = { 404, 0 }, ready_fails[] = { 503, 0 };

static const struct br_route routes[] = {
	{ "GET", "/", "greet", "Name and version", "system", BR_LEVEL_OPEN, .out = &greet_shape, .flags = BR_ROUTE_INLINE, .run = greet },
	{ "GET", "/healthz", "healthz", "The process lives", "system", BR_LEVEL_OPEN, .type = "text/plain", .flags = BR_ROUTE_INLINE, .run = alive },
	{ "GET", "/readyz", "readyz", "Requests can be answered", "system", BR_LEVEL_OPEN, .type = "text/plain", .fails = ready_fails, .run = ready },
	{ "GET", "/metrics", "metrics", "Figures for Prometheus", "system", BR_LEVEL_ADMIN, .type = "text/plain", .run = metrics },
	{ "GET", "/openapi.json", "openapi", "This document", "system", BR_LEVEL_OPEN, .type = "application/json", .run = openapi },
	{ "POST", "/query", "query", "Find passages by words and by meaning", "search", BR_LEVEL_USER, .body = BR_BODY_JSON,
	  .body_max = 64u << 10, .in = query_in, .in_size = sizeof(struct query_in), .out = &query_shape, .fails = query_fails, .flags = BR_ROUTE_CACHE, .run = query },
};

enum br_who br_identify_bypass(struct br_identity *out, struct br_req *r, bool may_wait, struct br_err *err)
{
	(void)may_wait;
	if (!br_req_local(r) && !br_server_opts(br_req_server(r))->insecure) {
		br_fail(err, BR_EAUTH, "only this machine may call a server without authentication");
		return BR_WHO_REFUSED;
	}
	*out = (struct br_identity){ .level = BR_LEVEL_ADMIN, .user = "dev-user", .bypass = true };
	return BR_WHO_KNOWN;
}

/* A key of `br keys` that is bound to no notebook, for programs such as Prometheus. */
static int identify_key(struct br_identity *out, struct br_req *r, const char *secret, struct br_err *err)
{
	enum br_refusal why;
	struct br_apikey *k;
	struct br_key_addr from;
	struct br_txn *t;
	size_t which;
	int rc;

	if (!br_key_addr_parse(&from, br_req_address(r)) && !br_key_addr_parse(&from, "127.0.0.1"))
		return br_fail(err, BR_EBUG, "no address");
	if ((rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	rc = br_auth_check(&k, &which, &why, br_req_arena(r), t, secret, &from, br_now(), err);
	br_txn_end(t);
	if (rc < 0)
		return rc;
	if (k->kind != BR_KEY_ANY || k->notebooks.n || !(k->scopes & (BR_SCOPE_QUERY | BR_SCOPE_ADMIN)))
		return br_auth_refuse(err, BR_REFUSED_KIND);
	*out = (struct br_identity){ .level = k->scopes & BR_SCOPE_ADMIN ? BR_LEVEL_ADMIN : BR_LEVEL_USER, .key_id = k->id, .user = k->id };
	return 0;
}

/* These routes know nothing of who owns which notebook: they are for administrators and for keys. */
static enum br_who identify(struct br_identity *out, struct br_req *r, bool may_wait, struct br_err *err)
{
	const char *key = br_req_header(r, "X-API-Key");
	enum br_who who;

	if (!br_server_opts(br_req_server(r))->idp)
		return br_identify_bypass(out, r, may_wait, err);
	if (!may_wait)
		return BR_WHO_LATER;
	if (key)
		return identify_key(out, r, key, err) < 0 ? BR_WHO_REFUSED : BR_WHO_KNOWN;
	if ((who = br_identify_user(out, r, may_wait, err)) != BR_WHO_KNOWN || out->level == BR_LEVEL_ADMIN)
		return who;
	br_fail(err, BR_EFORBIDDEN, "Admin access required");
	return BR_WHO_REFUSED;
}

const struct br_dialect br_dialect_plain = {
	.name = "plain", .prefix = "", .route = routes, .n = BR_COUNT(routes), .identify = identify, .error = error_body, .security = "bearer",
};
