/*
 * The OpenAPI 3.1 document, from the rows that also dispatch and validate.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef BR_VERSION
#define BR_VERSION "0"
#endif

static const char *const types[] = {
	[BR_F_STR] = "string", [BR_F_INT] = "integer", [BR_F_NUM] = "number", [BR_F_BOOL] = "boolean", [BR_F_OBJ] = "object",
	[BR_F_ARR] = "array", [BR_F_FILE] = "string",
};

static void shape_schema(struct br_json *j, const struct br_shape *s, bool request);

static void ref(struct br_json *j, const char *name)
{
	char path[120];

	snprintf(path, sizeof path, "#/components/schemas/%s", name);
	br_json_kstr(j, "$ref", path);
}

/* ---- one field ---- */

static void type_member(struct br_json *j, const struct br_field *f, bool nullable)
{
	if (f->type == BR_F_ANY)
		return;
	br_json_key(j, "type");
	if (!nullable) {
		br_json_str(j, types[f->type]);
		return;
	}
	br_json_arr(j);
	br_json_str(j, types[f->type]);
	br_json_str(j, "null");
	br_json_end(j);
}

static void choices_member(struct br_json *j, const struct br_field *f, bool nullable)
{
	br_json_key(j, "enum");
	br_json_arr(j);
	for (const char *p = f->choices;; p++) {
		size_t n = strcspn(p, "|");
		br_json_strn(j, p, n);
		p += n;
		if (!*p)
			break;
	}
	if (nullable)
		br_json_null(j);
	br_json_end(j);
}

static void limits(struct br_json *j, const struct br_field *f)
{
	static const char *const least[] = { [BR_F_STR] = "minLength", [BR_F_INT] = "minimum", [BR_F_NUM] = "minimum", [BR_F_ARR] = "minItems" };
	static const char *const most[] = { [BR_F_STR] = "maxLength", [BR_F_INT] = "maximum", [BR_F_NUM] = "maximum", [BR_F_ARR] = "maxItems" };
	bool number = f->type == BR_F_INT || f->type == BR_F_NUM;

	if ((size_t)f->type >= BR_COUNT(least) || !least[f->type])
		return;
	if (number ? f->min != 0 || f->max != 0 : f->min > 0)
		br_json_knum(j, least[f->type], f->min, 6);
	if (f->max > 0 || (number && f->min < 0))
		br_json_knum(j, most[f->type], f->max, 6);
}

static void dflt(struct br_json *j, const struct br_field *f)
{
	if (!f->dflt)
		return;
	br_json_key(j, "default");
	if (f->type == BR_F_STR)
		br_json_str(j, f->dflt);
	else
		br_json_raw(j, f->dflt, strlen(f->dflt));
}

static void elements(struct br_json *j, const struct br_field *f, bool request)
{
	br_json_key(j, "items");
	if (f->shape) {
		shape_schema(j, f->shape, request);
		return;
	}
	br_json_obj(j);
	if (f->of)
		br_json_kstr(j, "type", types[f->of]);
	if (f->choices)
		choices_member(j, f, false);
	br_json_end(j);
}

/* In requests null is taken for "not given" wherever a field may be left out. */
static void field_schema(struct br_json *j, const struct br_field *f, bool request, bool text)
{
	bool nullable = request ? !text && !(f->flags & BR_REQUIRED) : (f->flags & BR_NULLABLE) != 0;

	if (f->type == BR_F_OBJ && f->shape && !nullable) {
		shape_schema(j, f->shape, request);
		return;
	}
	br_json_obj(j);
	if (f->type == BR_F_OBJ && f->shape) {
		br_json_key(j, "anyOf");
		br_json_arr(j);
		shape_schema(j, f->shape, request);
		br_json_obj(j);
		br_json_kstr(j, "type", "null");
		br_json_end(j);
		br_json_end(j);
	} else {
		type_member(j, f, nullable);
	}
	if (f->help)
		br_json_kstr(j, "description", f->help);
	if (f->type == BR_F_ARR)
		elements(j, f, request);
	else if (f->choices)
		choices_member(j, f, nullable);
	if (f->pattern)
		br_json_kstr(j, "pattern", f->pattern);
	if (f->format || f->type == BR_F_FILE)
		br_json_kstr(j, "format", f->type == BR_F_FILE ? "binary" : f->format);
	limits(j, f);
	dflt(j, f);
	br_json_end(j);
}

/* ---- objects ---- */

static void object_schema(struct br_json *j, const struct br_field *field, enum br_fwhere in, bool request)
{
	bool any = false;

	br_json_obj(j);
	br_json_kstr(j, "type", "object");
	br_json_key(j, "properties");
	br_json_obj(j);
	for (const struct br_field *f = field; f && f->name; f++) {
		if (f->in != in)
			continue;
		any |= (f->flags & BR_REQUIRED) != 0;
		br_json_key(j, f->name);
		if (f->type == BR_F_FILE && f->max != 1) { /* may be repeated */
			struct br_field many = { .type = BR_F_ARR, .of = BR_F_STR, .help = f->help };
			many.flags = BR_REQUIRED;
			field_schema(j, &many, request, true);
			continue;
		}
		field_schema(j, f, request, in == BR_IN_FORM);
	}
	br_json_end(j);
	if (any) {
		br_json_key(j, "required");
		br_json_arr(j);
		for (const struct br_field *f = field; f && f->name; f++)
			if (f->in == in && (f->flags & BR_REQUIRED))
				br_json_str(j, f->name);
		br_json_end(j);
	}
	br_json_end(j);
}

static void shape_schema(struct br_json *j, const struct br_shape *s, bool request)
{
	if (!s->name) {
		object_schema(j, s->field, BR_IN_BODY, request);
		return;
	}
	br_json_obj(j);
	ref(j, s->name);
	br_json_end(j);
}

/* ---- components: every named shape, once ---- */

struct shapes { BR_VEC(struct br_named { const struct br_shape *shape; bool request; }) v; };

static void collect(struct shapes *all, const struct br_field *field, bool request);

static void collect_shape(struct shapes *all, const struct br_shape *s, bool request)
{
	for (size_t i = 0; i < all->v.n; i++)
		if (all->v.v[i].shape == s)
			return;
	*br_vec_push(&all->v) = (struct br_named){ s, request };
	collect(all, s->field, request);
}

static void collect(struct shapes *all, const struct br_field *field, bool request)
{
	for (const struct br_field *f = field; f && f->name; f++)
		if (f->shape)
			collect_shape(all, f->shape, request);
}

static void components(struct br_json *j, const struct br_server *s)
{
	struct shapes all = { { 0 } };

	for (size_t i = 0; i < s->router.row.n; i++) {
		const struct br_route *r = s->router.row.v[i]->route;

		collect(&all, r->in, true);
		if (r->out)
			collect_shape(&all, r->out, false);
	}
	for (size_t i = 0; i < all.v.n; i++) {
		if (!all.v.v[i].shape->name)
			continue;
		br_json_key(j, all.v.v[i].shape->name);
		object_schema(j, all.v.v[i].shape->field, BR_IN_BODY, all.v.v[i].request);
	}
	br_vec_release(&all.v);
}

/* ---- an operation ---- */

static bool has_field(const struct br_route *r, const char *name)
{
	for (const struct br_field *f = r->in; f && f->name; f++)
		if (f->in == BR_IN_PATH && !strcmp(f->name, name))
			return true;
	return false;
}

/* A part of the path that no field describes is any text. */
static void bare_parameters(struct br_json *j, const struct br_mounted *m)
{
	static const struct br_field any = { .type = BR_F_STR, .flags = BR_REQUIRED };

	for (unsigned i = 0; i < m->params; i++) {
		if (has_field(m->route, m->param[i]))
			continue;
		br_json_obj(j);
		br_json_kstr(j, "name", m->param[i]);
		br_json_kstr(j, "in", "path");
		br_json_kbool(j, "required", true);
		br_json_key(j, "schema");
		field_schema(j, &any, true, true);
		br_json_end(j);
	}
}

static void parameters(struct br_json *j, const struct br_mounted *m)
{
	br_json_key(j, "parameters");
	br_json_arr(j);
	bare_parameters(j, m);
	for (const struct br_field *f = m->route->in; f && f->name; f++) {
		if (f->in != BR_IN_PATH && f->in != BR_IN_QUERY)
			continue;
		br_json_obj(j);
		br_json_kstr(j, "name", f->name);
		br_json_kstr(j, "in", f->in == BR_IN_PATH ? "path" : "query");
		if (f->help)
			br_json_kstr(j, "description", f->help);
		br_json_kbool(j, "required", f->in == BR_IN_PATH || (f->flags & BR_REQUIRED));
		br_json_key(j, "schema");
		field_schema(j, f, true, true);
		br_json_end(j);
	}
	br_json_end(j);
}

static void request_body(struct br_json *j, const struct br_route *r)
{
	static const char *const type[] = { [BR_BODY_JSON] = "application/json", [BR_BODY_FORM] = "multipart/form-data", [BR_BODY_RAW] = "application/octet-stream" };

	if (r->body == BR_BODY_NONE)
		return;
	br_json_key(j, "requestBody");
	br_json_obj(j);
	br_json_kbool(j, "required", !(r->flags & BR_ROUTE_MAY_BODY));
	br_json_key(j, "content");
	br_json_obj(j);
	br_json_key(j, type[r->body]);
	br_json_obj(j);
	br_json_key(j, "schema");
	if (r->body == BR_BODY_RAW) {
		br_json_obj(j);
		br_json_kstr(j, "type", "string");
		br_json_kstr(j, "format", "binary");
		br_json_end(j);
	} else {
		object_schema(j, r->in, r->body == BR_BODY_JSON ? BR_IN_BODY : BR_IN_FORM, true);
	}
	br_json_end(j);
	br_json_end(j);
	br_json_end(j);
}

static void data_schema(struct br_json *j, const void *arg)
{
	const struct br_route *r = arg;

	if (!r->out) {
		br_json_obj(j);
		br_json_end(j);
	} else if (r->flags & BR_ROUTE_LIST) {
		struct br_field all = { .type = BR_F_ARR, .shape = r->out };
		field_schema(j, &all, false, false);
	} else {
		shape_schema(j, r->out, false);
	}
}

static void success(struct br_json *j, const struct br_mounted *m, int status)
{
	const struct br_route *r = m->route;
	char code[12];

	snprintf(code, sizeof code, "%d", status);
	br_json_key(j, code);
	br_json_obj(j);
	br_json_kstr(j, "description", br_status__text(status));
	if (status != 204) {
		br_json_key(j, "content");
		br_json_obj(j);
		br_json_key(j, r->type ? r->type : "application/json");
		br_json_obj(j);
		if (!r->type || !strcmp(r->type, "application/json")) {
			br_json_key(j, "schema");
			if (m->dialect->schema && !(r->flags & BR_ROUTE_BARE))
				m->dialect->schema(j, data_schema, r);
			else
				data_schema(j, r);
		}
		br_json_end(j);
		if (!r->type && (r->flags & BR_ROUTE_STREAM)) { /* as the request wants it */
			br_json_key(j, "text/event-stream");
			br_json_obj(j);
			br_json_end(j);
		}
		br_json_end(j);
	}
	br_json_end(j);
}

static void failure(struct br_json *j, const struct br_dialect *d, int status)
{
	char code[12], name[80];

	snprintf(code, sizeof code, "%d", status);
	snprintf(name, sizeof name, "%s_error", d->name);
	br_json_key(j, code);
	br_json_obj(j);
	br_json_kstr(j, "description", br_status__text(status));
	br_json_key(j, "content");
	br_json_obj(j);
	br_json_key(j, "application/json");
	br_json_obj(j);
	br_json_key(j, "schema");
	br_json_obj(j);
	ref(j, name);
	br_json_end(j);
	br_json_end(j);
	br_json_end(j);
	br_json_end(j);
}

static void successes(struct br_json *j, const struct br_mounted *m)
{
	int ok = m->route->ok ? m->route->ok : 200;

	success(j, m, ok);
	for (const short *f = m->route->fails; f && *f; f++)
		if (*f < 300 && *f != ok)
			success(j, m, *f);
}

/* Those of the row and those of the steps before the handler. */
static void failures(struct br_json *j, const struct br_mounted *m)
{
	const struct br_route *r = m->route;
	int invalid = m->dialect->invalid ? m->dialect->invalid : 422;
	bool body = r->body != BR_BODY_NONE;
	bool want[600] = { [400] = true, [500] = true, [503] = true };

	want[401] = want[403] = r->level > BR_LEVEL_OPEN;
	want[403] = true; /* a page of another origin */
	want[421] = true;
	want[429] = r->rate != NULL;
	want[408] = want[413] = want[415] = body;
	want[507] = r->body == BR_BODY_FORM || r->body == BR_BODY_RAW;
	want[invalid] |= r->in != NULL;
	for (const short *f = r->fails; f && *f; f++)
		want[*f] = true;
	for (int i = 400; i < 600; i++)
		if (want[i])
			failure(j, m->dialect, i);
}

static void security(struct br_json *j, const struct br_mounted *m)
{
	if (m->route->level <= BR_LEVEL_OPEN || !m->dialect->security)
		return;
	br_json_key(j, "security");
	br_json_arr(j);
	br_json_obj(j);
	br_json_key(j, m->dialect->name);
	br_json_arr(j);
	br_json_end(j);
	br_json_end(j);
	br_json_end(j);
}

static void operation(struct br_json *j, const struct br_mounted *m)
{
	static const char *const levels[] = { "", "open", "key", "user", "admin" };
	const struct br_route *r = m->route;
	char method[10];
	size_t i;

	for (i = 0; r->method[i]; i++)
		method[i] = (char)(r->method[i] | 0x20);
	method[i] = 0;
	br_json_key(j, method);
	br_json_obj(j);
	br_json_kstr(j, "operationId", r->id);
	br_json_kstr(j, "summary", r->summary);
	if (r->tag) {
		br_json_key(j, "tags");
		br_json_arr(j);
		br_json_str(j, r->tag);
		br_json_end(j);
	}
	br_json_kstr(j, "x-level", levels[r->level]);
	if (r->scopes)
		br_json_kstr(j, "x-scopes", r->scopes);
	security(j, m);
	parameters(j, m);
	request_body(j, r);
	br_json_key(j, "responses");
	br_json_obj(j);
	successes(j, m);
	failures(j, m);
	br_json_end(j);
	br_json_end(j);
}

/* ---- the document ---- */

static bool first_of_path(const struct br_router *r, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (!strcmp(r->row.v[i]->route->path, r->row.v[at]->route->path) && !(r->row.v[i]->route->flags & BR_ROUTE_HIDDEN))
			return false;
	return !(r->row.v[at]->route->flags & BR_ROUTE_HIDDEN);
}

static void paths(struct br_json *j, const struct br_router *r)
{
	for (size_t i = 0; i < r->row.n; i++) {
		const char *path = r->row.v[i]->route->path;

		if (!first_of_path(r, i))
			continue;
		br_json_key(j, path);
		br_json_obj(j);
		for (size_t k = i; k < r->row.n; k++)
			if (!strcmp(r->row.v[k]->route->path, path) && !(r->row.v[k]->route->flags & BR_ROUTE_HIDDEN))
				operation(j, r->row.v[k]);
		br_json_end(j);
	}
}

static void plain_error_schema(struct br_json *j)
{
	static const char text[] = "{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":{\"type\":\"object\",\"required\":[\"code\","
	                           "\"message\"],\"properties\":{\"code\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"message\":{\"type\":"
	                           "\"string\"},\"request_id\":{\"type\":\"string\"},\"fields\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}}}}}";

	br_json_raw(j, text, sizeof text - 1);
}

static void error_schemas(struct br_json *j, const struct br_router *r)
{
	char name[80];

	for (size_t i = 0; i < r->dialect.n; i++) {
		snprintf(name, sizeof name, "%s_error", r->dialect.v[i]->name);
		br_json_key(j, name);
		if (r->dialect.v[i]->error_schema)
			r->dialect.v[i]->error_schema(j);
		else
			plain_error_schema(j);
	}
}

static void security_schemes(struct br_json *j, const struct br_router *r)
{
	for (size_t i = 0; i < r->dialect.n; i++) {
		const struct br_dialect *d = r->dialect.v[i];
		bool bearer = d->security && !strcmp(d->security, "bearer");

		if (!d->security)
			continue;
		br_json_key(j, d->name);
		br_json_obj(j);
		br_json_kstr(j, "type", bearer ? "http" : "apiKey");
		br_json_kstr(j, bearer ? "scheme" : "in", bearer ? "bearer" : "header");
		if (!bearer)
			br_json_kstr(j, "name", d->security);
		br_json_end(j);
	}
}

void br_server_openapi(struct br_buf *out, const struct br_server *s)
{
	struct br_json j;

	br_json_init(&j, out, true);
	br_json_obj(&j);
	br_json_kstr(&j, "openapi", "3.1.0");
	br_json_key(&j, "info");
	br_json_obj(&j);
	br_json_kstr(&j, "title", "br serve");
	br_json_kstr(&j, "version", BR_VERSION);
	br_json_end(&j);
	br_json_key(&j, "paths");
	br_json_obj(&j);
	paths(&j, &s->router);
	br_json_end(&j);
	br_json_key(&j, "components");
	br_json_obj(&j);
	br_json_key(&j, "schemas");
	br_json_obj(&j);
	error_schemas(&j, &s->router);
	components(&j, s);
	br_json_end(&j);
	br_json_key(&j, "securitySchemes");
	br_json_obj(&j);
	security_schemes(&j, &s->router);
	br_json_end(&j);
	br_json_end(&j);
	br_json_end(&j);
	br_buf_addc(out, '\n');
}
