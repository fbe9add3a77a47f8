/*
 * Field tables at work: values from the path, the query, a JSON body or a form go into the handler's struct, or what is wrong is
 * noted with its place. Unknown fields are ignored, null stands for "not given". The same tables check answers in tests.
 */
#include "internal.h"

#include "br/rx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_PROBLEMS 20
#define EXACT_INT 9007199254740992.0 /* 2^53 */

static const char *const type_names[] = {
	[BR_F_STR] = "string", [BR_F_INT] = "integer", [BR_F_NUM] = "number", [BR_F_BOOL] = "boolean",
	[BR_F_OBJ] = "object", [BR_F_ARR] = "array", [BR_F_ANY] = "value", [BR_F_FILE] = "file",
};

void br_req_problem(struct br_req *r, enum br_fwhere in, const char *field, const char *type, const char *fmt, ...)
{
	struct br_problem *p;
	char what[400];
	va_list ap;

	if (r->problem.n >= MAX_PROBLEMS)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	p = br_vec_push(&r->problem);
	*p = (struct br_problem){ in, br_arena_strdup(&r->arena, field), type, br_arena_strdup(&r->arena, what) };
}

int br_fields__compile(struct br_rx ***out, const struct br_field *f, struct br_err *err)
{
	size_t n = 0;
	bool any = false;
	int rc = 0;

	for (n = 0; f && f[n].name; n++)
		any |= f[n].pattern != NULL;
	*out = any ? br_allocn(n, sizeof **out) : NULL;
	for (size_t i = 0; any && i < n && rc == 0; i++)
		if (f[i].pattern)
			rc = br_rx_new(&(*out)[i], f[i].pattern, BR_RX_ANCHORED, err);
	return rc;
}

/* ---- one value ---- */

struct reading {
	struct br_req *r;            /* NULL: an answer is checked, the first problem ends it */
	enum br_fwhere in;
	const char *path;            /* of the object that is read: "files[2].", "" */
	char *why;                   /* of an answer */
	size_t why_size;
};

static const char *place(const struct reading *rd, const struct br_field *f, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s", rd->path, f->name);
	return buf;
}

static bool problem(const struct reading *rd, const struct br_field *f, const char *type, const char *what)
{
	char where[300];

	place(rd, f, where, sizeof where);
	if (rd->r)
		br_req_problem(rd->r, rd->in, where, type, "%s", what);
	else if (!rd->why[0])
		snprintf(rd->why, rd->why_size, "%s: %s", where, what);
	return false;
}

static bool in_choices(const char *choices, const char *s)
{
	size_t len = strlen(s);

	for (const char *p = choices;; p++) {
		size_t k = strcspn(p, "|");
		if (k == len && !memcmp(p, s, k))
			return true;
		p += k;
		if (!*p)
			return false;
	}
}

static bool is_uuid(const char *s)
{
	size_t i;

	for (i = 0; s[i]; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !strchr("0123456789abcdefABCDEF", s[i]))
			return false;
	return i == 36;
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool count_fits(const struct reading *rd, const struct br_field *f, size_t n, const char *of)
{
	char what[120];

	if ((double)n >= f->min && (f->max <= 0 || (double)n <= f->max))
		return true;
	if ((double)n < f->min)
		snprintf(what, sizeof what, "must have at least %.0f %s%s", f->min, of, f->min == 1 ? "" : "s");
	else
		snprintf(what, sizeof what, "must have at most %.0f %s%s", f->max, of, f->max == 1 ? "" : "s");
	return problem(rd, f, (double)n < f->min ? "too_short" : "too_long", what);
}

static bool check_str(const struct reading *rd, const struct br_field *f, const struct br_rx *rx, const char *s)
{
	struct br_rx_range all;
	char what[300];

	if (!count_fits(rd, f, characters(s), "character"))
		return false;
	if (f->choices && !in_choices(f->choices, s)) {
		snprintf(what, sizeof what, "must be one of: %s", f->choices);
		for (char *p = what; *p; p++)
			*p = *p == '|' ? ',' : *p;
		return problem(rd, f, "enum", what);
	}
	if (f->format && !strcmp(f->format, "uuid") && !is_uuid(s))
		return problem(rd, f, "uuid_parsing", "must be a UUID");
	if (rx && (br_rx_match(rx, br_slice_str(s), 0, &all, 1, NULL) <= 0 || all.len != strlen(s))) {
		snprintf(what, sizeof what, "must match %s", f->pattern);
		return problem(rd, f, "string_pattern_mismatch", what);
	}
	return true;
}

static bool check_num(const struct reading *rd, const struct br_field *f, double v)
{
	char what[120];

	if (f->type == BR_F_INT && (v != floor(v) || fabs(v) > EXACT_INT))
		return problem(rd, f, "int_type", "must be a whole number");
	if ((f->min != 0 || f->max != 0) && v < f->min) {
		snprintf(what, sizeof what, "must be at least %.15g", f->min);
		return problem(rd, f, "greater_than_equal", what);
	}
	if ((f->max != 0 || f->min < 0) && v > f->max) {
		snprintf(what, sizeof what, "must be at most %.15g", f->max);
		return problem(rd, f, "less_than_equal", what);
	}
	return true;
}

static bool wrong_type(const struct reading *rd, const struct br_field *f)
{
	char what[60], type[20];

	snprintf(what, sizeof what, "must be %s %s", strchr("aeio", type_names[f->type][0]) ? "an" : "a", type_names[f->type]);
	snprintf(type, sizeof type, "%s_type", type_names[f->type]);
	return problem(rd, f, rd->r ? br_arena_strdup(&rd->r->arena, type) : "type", what);
}

static bool read_object(void *out, const struct br_shape *s, const struct br_jval *v, const struct reading *rd, struct br_rx *const *rx,
                        uint64_t *given);

static bool check_elements(const struct reading *rd, const struct br_field *f, const struct br_jval *v)
{
	struct br_field one = { .name = f->name, .type = f->of, .choices = f->choices };
	char path[200];
	bool ok = true;
	size_t i = 0;

	for (const struct br_jval *e = br_jval_first(v); e; e = br_jval_next(e), i++) {
		struct reading in = *rd;

		snprintf(path, sizeof path, "%.100s%.60s[%zu]%s", rd->path, f->name, i, f->shape ? "." : "");
		in.path = path;
		one.name = "";
		if (f->shape && br_jval_type(e) == BR_J_OBJ)
			ok &= read_object(NULL, f->shape, e, &in, NULL, NULL);
		else if (f->shape)
			ok = problem(rd, f, "object_type", "must have objects as elements");
		else if ((f->of == BR_F_STR && !br_jval_str(e)) || ((f->of == BR_F_INT || f->of == BR_F_NUM) && br_jval_type(e) != BR_J_NUM))
			ok = wrong_type(&in, &one);
		else if (f->of == BR_F_STR && f->choices)
			ok &= check_str(&in, &one, NULL, br_jval_str(e));
	}
	return ok;
}

static bool check_value(const struct reading *rd, const struct br_field *f, const struct br_rx *rx, const struct br_jval *v, double *num, bool *flag)
{
	char path[200];
	struct reading in = *rd;
	size_t n = 0;

	switch (f->type) {
	case BR_F_STR:
		return br_jval_str(v) ? check_str(rd, f, rx, br_jval_str(v)) : wrong_type(rd, f);
	case BR_F_INT:
	case BR_F_NUM:
		return br_jval_num(num, v) ? check_num(rd, f, *num) : wrong_type(rd, f);
	case BR_F_BOOL:
		return br_jval_bool(flag, v) || wrong_type(rd, f);
	case BR_F_OBJ:
		snprintf(path, sizeof path, "%.100s%.80s.", rd->path, f->name);
		in.path = path;
		return br_jval_type(v) != BR_J_OBJ ? wrong_type(rd, f) : !f->shape || read_object(NULL, f->shape, v, &in, NULL, NULL);
	case BR_F_ARR:
		if (br_jval_type(v) != BR_J_ARR)
			return wrong_type(rd, f);
		for (const struct br_jval *e = br_jval_first(v); e; e = br_jval_next(e))
			n++;
		return count_fits(rd, f, n, "element") && check_elements(rd, f, v);
	default:
		return true;
	}
}

static void store(void *out, const struct br_field *f, const struct br_jval *v, double num, bool flag)
{
	char *at = (char *)out + f->at;

	switch (f->type) {
	case BR_F_STR:
		*(const char **)at = br_jval_str(v);
		break;
	case BR_F_INT:
		*(int64_t *)at = (int64_t)num;
		break;
	case BR_F_NUM:
		*(double *)at = num;
		break;
	case BR_F_BOOL:
		*(bool *)at = flag;
		break;
	default:
		*(const struct br_jval **)at = v;
	}
}

/* ---- text: of paths, queries, forms and defaults ---- */

static bool text_bool(bool *out, const char *s)
{
	*out = in_choices("true|1|yes|on|True", s);
	return *out || in_choices("false|0|no|off|False", s);
}

static bool set_text(void *out, const struct reading *rd, const struct br_field *f, const struct br_rx *rx, const char *s)
{
	char *at = (char *)out + f->at;
	double num = 0;

	switch (f->type) {
	case BR_F_STR:
		*(const char **)at = s;
		return check_str(rd, f, rx, s);
	case BR_F_BOOL:
		return text_bool((bool *)at, s) || wrong_type(rd, f);
	case BR_F_INT:
	case BR_F_NUM:
		if (br_parse_double(&num, s, -1e300, 1e300, f->name, NULL) < 0)
			return wrong_type(rd, f);
		if (f->type == BR_F_INT)
			*(int64_t *)at = (int64_t)num;
		else
			*(double *)at = num;
		return check_num(rd, f, num);
	default:
		return true;
	}
}

static bool take_default(void *out, const struct reading *rd, const struct br_field *f)
{
	if (f->flags & BR_REQUIRED)
		return problem(rd, f, "missing", "is missing");
	return !out || !f->dflt || set_text(out, rd, f, NULL, f->dflt);
}

/* ---- objects ---- */

static bool read_member(void *out, const struct br_field *f, const struct br_jval *v, const struct reading *rd, const struct br_rx *rx, bool *given)
{
	double num = 0;
	bool flag = false;

	*given = v && br_jval_type(v) != BR_J_NULL;
	if (!*given && v && !rd->r && (f->flags & BR_NULLABLE))
		return true;
	if (!*given)
		return take_default(rd->r ? out : NULL, rd, f);
	if (!check_value(rd, f, rx, v, &num, &flag))
		return false;
	if (out)
		store(out, f, v, num, flag);
	return true;
}

static bool read_object(void *out, const struct br_shape *s, const struct br_jval *v, const struct reading *rd, struct br_rx *const *rx,
                        uint64_t *given)
{
	bool ok = true, there;

	for (size_t i = 0; s->field[i].name; i++) {
		const struct br_field *f = &s->field[i];

		if (f->in != BR_IN_BODY)
			continue;
		ok &= read_member(out, f, v ? br_jval_get(v, f->name) : NULL, rd, rx ? rx[i] : NULL, &there);
		if (given && there)
			*given |= UINT64_C(1) << i;
	}
	return ok;
}

bool br_shape_read(void *out, const struct br_shape *s, const struct br_jval *v, struct br_req *r)
{
	struct reading rd = { .r = r, .in = BR_IN_BODY, .path = "" };

	memset(out, 0, s->size);
	return read_object(out, s, v, &rd, NULL, NULL);
}

bool br_fields__check(const struct br_shape *s, bool list, const struct br_jval *v, char *why, size_t size)
{
	const struct br_field all = { .name = "data", .type = list ? BR_F_ARR : BR_F_OBJ, .shape = s };
	struct reading rd = { .path = "", .why = why, .why_size = size };
	double num;
	bool flag;

	why[0] = 0;
	return check_value(&rd, &all, NULL, v, &num, &flag);
}

/* ---- a request ---- */

static const char *form_value(const struct br_req *r, const char *name)
{
	for (size_t i = 0; i < r->part.n; i++)
		if (!r->part.v[i].path && !strcmp(r->part.v[i].name, name))
			return r->part.v[i].value;
	return NULL;
}

static bool has_file(const struct br_req *r, const char *name)
{
	for (size_t i = 0; i < r->part.n; i++)
		if (r->part.v[i].path && !strcmp(r->part.v[i].name, name))
			return true;
	return false;
}

static void read_text_field(struct br_req *r, size_t i)
{
	const struct br_field *f = &r->row->route->in[i];
	struct reading rd = { .r = r, .in = f->in, .path = "" };
	const char *s;

	if (f->type == BR_F_FILE) {
		if ((f->flags & BR_REQUIRED) && !has_file(r, f->name))
			problem(&rd, f, "missing", "is missing");
		return;
	}
	s = f->in == BR_IN_PATH ? br_req_param(r, f->name) : f->in == BR_IN_QUERY ? br_req_query(r, f->name) : form_value(r, f->name);
	if (!s || (f->in == BR_IN_QUERY && !*s && f->type != BR_F_STR)) {
		take_default(r->in, &rd, f);
		return;
	}
	r->given |= UINT64_C(1) << i;
	set_text(r->in, &rd, f, r->row->rx ? r->row->rx[i] : NULL, s);
}

static int parse_json(struct br_req *r, struct br_err *err)
{
	int rc;

	if (!r->body.len && (r->row->route->flags & BR_ROUTE_MAY_BODY))
		return 0;
	if (!r->body.len)
		return br_fail(err, BR_EINPUT, "the request has no body: JSON is expected");
	if ((rc = br_jdoc_parse(&r->doc, br_buf_slice(&r->body), "the body", err)) < 0)
		return rc;
	if (br_jval_type(br_jdoc_root(r->doc)) != BR_J_OBJ && r->row->route->in)
		return br_fail(err, BR_EINPUT, "the body is JSON, but not an object");
	return 0;
}

int br_fields__read(struct br_req *r, struct br_err *err)
{
	const struct br_route *route = r->row->route;
	struct br_shape body = { .field = route->in };
	struct reading rd = { .r = r, .in = BR_IN_BODY, .path = "" };
	int rc;

	r->in = br_arena_zalloc(&r->arena, BR_MAX(route->in_size, 1));
	if (route->body == BR_BODY_JSON && (rc = parse_json(r, err)) < 0)
		return rc;
	for (size_t i = 0; route->in && route->in[i].name; i++)
		if (route->in[i].in != BR_IN_BODY)
			read_text_field(r, i);
	if (route->in && route->body == BR_BODY_JSON)
		read_object(r->in, &body, r->doc ? br_jdoc_root(r->doc) : NULL, &rd, r->row->rx, &r->given);
	if (!r->problem.n)
		return 0;
	return br_fail(err, BR_EUSAGE, "%s %s", r->problem.v[0].field, r->problem.v[0].what);
}

bool br_req_given(const struct br_req *r, const char *field)
{
	const struct br_field *f = r->row->route->in;

	for (size_t i = 0; f && f[i].name; i++)
		if (!strcmp(f[i].name, field))
			return r->given >> i & 1;
	return false;
}
