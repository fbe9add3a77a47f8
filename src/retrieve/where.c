/*
 * Conditions as JSON, in the grammar that vector stores share: {"team": "eng", "n": {"$gte": 4}, "$or": [...]}. Compiled once, then
 * asked of every document before anything is ranked. They keep tenants apart: what is not understood is refused, never passed over,
 * and a field that is absent satisfies nothing but $ne, $nin and $not_contains.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

enum op { OP_EQ, OP_NE, OP_IN, OP_NIN, OP_GT, OP_GTE, OP_LT, OP_LTE, OP_CONTAINS, OP_NOT_CONTAINS, OP_DATES };
static const struct { const char *name; enum op op; } ops[] = {
	{ "$eq", OP_EQ }, { "$ne", OP_NE }, { "$in", OP_IN }, { "$nin", OP_NIN }, { "$gt", OP_GT }, { "$gte", OP_GTE }, { "$lt", OP_LT },
	{ "$lte", OP_LTE }, { "$contains", OP_CONTAINS }, { "$not_contains", OP_NOT_CONTAINS },
};

/* Facts that need no metadata; those from PAGE on are of passages. */
enum fact { F_NONE, F_ID, F_FILENAME, F_PATH, F_TITLE, F_TYPE, F_CONTENT_TYPE, F_LANGUAGE, F_UPLOADED, F_PAGE, F_INDEX, F_HEADING, F_TABLE, F_CODE };
static const struct { const char *name; enum fact fact; } facts[] = {
	{ "document_id", F_ID }, { "filename", F_FILENAME }, { "file_path", F_PATH }, { "title", F_TITLE }, { "document_type", F_TYPE },
	{ "content_type", F_CONTENT_TYPE }, { "language", F_LANGUAGE }, { "upload_date", F_UPLOADED }, { "page_number", F_PAGE },
	{ "chunk_index", F_INDEX }, { "heading", F_HEADING }, { "has_table", F_TABLE }, { "has_code", F_CODE },
};

enum kind { W_AND, W_OR, W_NOT, W_TEST };
struct br_where {
	enum kind kind;
	struct br_where *child, *next;  /* AND, OR, NOT */
	const char *field;              /* TEST */
	enum fact fact;
	enum op op;
	const struct br_jval *operand;
	int64_t from, to;               /* DATES, seconds, both included */
	bool passages;                  /* of the root: facts of passages are asked for */
};

/* ---- compiling ---- */

struct compiling { struct br_arena *a; const char **place; bool passages; struct br_err *err; };

static int wrong(const struct compiling *c, const char *place, const char *what)
{
	*c->place = place;
	return br_fail(c->err, BR_EUSAGE, "filters: %s%s%s", *place ? place : "", *place ? ": " : "", what);
}

static const char *below(const struct compiling *c, const char *place, const char *key)
{
	return *place ? br_arena_printf(c->a, "%s.%s", place, key) : key;
}

static struct br_where *node(const struct compiling *c, enum kind kind)
{
	struct br_where *w = br_arena_zalloc(c->a, sizeof *w);

	w->kind = kind;
	return w;
}

static void adopt(struct br_where *parent, struct br_where *child)
{
	child->next = parent->child;
	parent->child = child;
}

static bool is_scalar(const struct br_jval *v)
{
	return br_jval_type(v) != BR_J_ARR && br_jval_type(v) != BR_J_OBJ;
}

static bool all_scalars(const struct br_jval *v)
{
	if (br_jval_type(v) != BR_J_ARR)
		return false;
	for (v = br_jval_first(v); v; v = br_jval_next(v))
		if (!is_scalar(v))
			return false;
	return true;
}

static const char *operand_problem(enum op op, const struct br_jval *v)
{
	enum br_jtype t = br_jval_type(v);

	if (op == OP_IN || op == OP_NIN)
		return all_scalars(v) ? NULL : "must be an array of strings, numbers and booleans";
	if (op >= OP_GT && op <= OP_LTE)
		return t == BR_J_NUM || t == BR_J_STR ? NULL : "must be a number or a string";
	return is_scalar(v) ? NULL : "must be a string, a number or a boolean";
}

static enum fact fact_of(struct compiling *c, const char *field)
{
	for (size_t i = 0; i < BR_COUNT(facts); i++)
		if (!strcmp(facts[i].name, field)) {
			c->passages |= facts[i].fact >= F_PAGE;
			return facts[i].fact;
		}
	return F_NONE;
}

static struct br_where *test(struct compiling *c, const char *field, enum op op, const struct br_jval *operand)
{
	struct br_where *w = node(c, W_TEST);

	w->field = field;
	w->fact = fact_of(c, field);
	w->op = op;
	w->operand = operand;
	return w;
}

/* A day stands for all of it. */
static bool read_time(int64_t *out, const struct br_jval *v, bool end)
{
	const char *s = br_jval_str(v);

	if (br_jval_type(v) == BR_J_NULL) {
		*out = end ? INT64_MAX : INT64_MIN;
		return true;
	}
	if (!s || br_time_parse(out, s) < 0)
		return false;
	*out += end && strlen(s) == 10 ? 86399 : 0;
	return true;
}

static int compile_dates(struct br_where *parent, struct compiling *c, const char *place, const struct br_jval *v)
{
	const struct br_jval *from = br_jval_first(v), *to = from ? br_jval_next(from) : NULL;
	struct br_where *w = test(c, "date", OP_DATES, NULL);

	if (!to || br_jval_next(to) || !read_time(&w->from, from, false) || !read_time(&w->to, to, true))
		return wrong(c, place, "must be two dates such as \"2024-01-31\", from and to");
	adopt(parent, w);
	return 0;
}

static int compile_ops(struct br_where *parent, struct compiling *c, const char *place, const char *field, const struct br_jval *v);

static int compile_op(struct br_where *parent, struct compiling *c, const char *place, const char *field, const struct br_jval *v)
{
	const char *key = br_jval_key(v), *where = below(c, place, key), *what;
	struct br_where *w;

	if (!strcmp(key, "$not") && br_jval_type(v) == BR_J_OBJ) {
		adopt(parent, w = node(c, W_NOT));
		return compile_ops(w, c, where, field, v);
	}
	for (size_t i = 0; i < BR_COUNT(ops); i++) {
		if (strcmp(key, ops[i].name))
			continue;
		if ((what = operand_problem(ops[i].op, v)))
			return wrong(c, where, what);
		adopt(parent, test(c, field, ops[i].op, v));
		return 0;
	}
	return wrong(c, where, "this operator is not known");
}

static int compile_ops(struct br_where *parent, struct compiling *c, const char *place, const char *field, const struct br_jval *v)
{
	const struct br_jval *m = br_jval_first(v);
	struct br_where *all = node(c, W_AND);
	int rc = m ? 0 : wrong(c, place, "an operator is missing");

	for (; m && rc == 0; m = br_jval_next(m))
		rc = compile_op(all, c, place, field, m);
	adopt(parent, all);
	return rc;
}

static int compile_field(struct br_where *parent, struct compiling *c, const char *place, const struct br_jval *v)
{
	const char *field = br_arena_strdup(c->a, br_jval_key(v));

	if (br_jval_type(v) == BR_J_OBJ)
		return compile_ops(parent, c, place, field, v);
	if (br_jval_type(v) == BR_J_ARR && !strcmp(field, "date_range"))
		return compile_dates(parent, c, place, v);
	if (!is_scalar(v))
		return wrong(c, place, "a list needs an operator such as $in");
	adopt(parent, test(c, field, OP_EQ, v));
	return 0;
}

static int compile_object(struct br_where *parent, struct compiling *c, const char *place, const struct br_jval *v);

static int compile_list(struct br_where *parent, struct compiling *c, enum kind kind, const char *place, const struct br_jval *v)
{
	struct br_where *w = node(c, kind);
	const struct br_jval *e = br_jval_first(v);
	size_t i = 0;
	int rc = 0;

	if (br_jval_type(v) != BR_J_ARR || !e)
		return wrong(c, place, "must be an array with at least one condition");
	for (; e && rc == 0; e = br_jval_next(e))
		rc = compile_object(w, c, br_arena_printf(c->a, "%s[%zu]", place, i++), e);
	adopt(parent, w);
	return rc;
}

static int compile_logic(struct br_where *parent, struct compiling *c, const char *place, const struct br_jval *v)
{
	const char *key = br_jval_key(v);
	struct br_where *w;

	if (!strcmp(key, "$and") || !strcmp(key, "$or"))
		return compile_list(parent, c, key[1] == 'a' ? W_AND : W_OR, place, v);
	if (strcmp(key, "$not"))
		return wrong(c, place, "this operator is not known");
	adopt(parent, w = node(c, W_NOT));
	return compile_object(w, c, place, v);
}

static int compile_object(struct br_where *parent, struct compiling *c, const char *place, const struct br_jval *v)
{
	struct br_where *all = node(c, W_AND);
	int rc = 0;

	if (br_jval_type(v) != BR_J_OBJ)
		return wrong(c, place, "must be an object");
	for (const struct br_jval *m = br_jval_first(v); m && rc == 0; m = br_jval_next(m)) {
		const char *key = br_jval_key(m), *where = below(c, place, key);
		rc = *key == '$' ? compile_logic(all, c, where, m) : compile_field(all, c, where, m);
	}
	adopt(parent, all);
	return rc;
}

int br_where_compile(struct br_where **out, const char **place, struct br_arena *a, const struct br_jval *filters, struct br_err *err)
{
	struct compiling c = { .a = a, .place = place, .err = err };
	struct br_where *root = node(&c, W_AND);
	int rc;

	*out = NULL;
	*place = "";
	if (!filters || br_jval_type(filters) == BR_J_NULL || (br_jval_type(filters) == BR_J_OBJ && !br_jval_first(filters)))
		return 0;
	if ((rc = compile_object(root, &c, "", filters)) < 0)
		return rc;
	root->passages = c.passages;
	*out = root;
	return 0;
}

bool where_of_passages(const struct br_where *w) { return w->passages; }

/* ---- values: of metadata, or facts ---- */

struct value {
	enum { V_ABSENT, V_NULL, V_BOOL, V_NUM, V_STR, V_LIST /* of JSON */, V_PARTS /* of a heading */ } type;
	bool flag;
	double num;
	struct br_slice str;            /* STR, PARTS ('\x1f' between) */
	const struct br_jval *list;
	char iso[32];                   /* what str may point to */
};

static void take_json(struct value *out, const struct br_jval *v)
{
	switch (br_jval_type(v)) {
	case BR_J_NULL: out->type = V_NULL; break;
	case BR_J_BOOL: out->type = br_jval_bool(&out->flag, v) ? V_BOOL : V_ABSENT; break;
	case BR_J_NUM: out->type = br_jval_num(&out->num, v) ? V_NUM : V_ABSENT; break;
	case BR_J_STR: out->type = V_STR; out->str = br_slice_str(br_jval_str(v)); break;
	case BR_J_ARR: out->type = V_LIST; out->list = v; break;
	case BR_J_OBJ: out->type = V_ABSENT; break;
	}
}

static void take_str(struct value *out, const char *s)
{
	out->type = *s ? V_STR : V_ABSENT;
	out->str = br_slice_str(s);
}

static void take_num(struct value *out, uint32_t n, bool there)
{
	out->type = there ? V_NUM : V_ABSENT;
	out->num = n;
}

/* A row of a table as our text has it, or as Markdown has it: two bars in one line. */
static bool has_table(struct br_slice text)
{
	size_t bars = 0;

	for (size_t i = 0; i < text.len; i++) {
		bars = text.ptr[i] == '\n' ? 0 : bars + (text.ptr[i] == '|');
		if (bars == 2)
			return true;
	}
	return false;
}

static bool has_code(const struct where_facts *f)
{
	return f->doc->format == BR_FMT_CODE || memmem(f->text.ptr, f->text.len, "```", 3);
}

static void take_doc_fact(struct value *out, enum fact fact, const struct br_doc *d)
{
	switch (fact) {
	case F_ID: take_str(out, d->id); break;
	case F_FILENAME: take_str(out, br_path_base(d->path)); break;
	case F_PATH: take_str(out, d->path); break;
	case F_TITLE: take_str(out, d->title); break;
	case F_TYPE: take_str(out, br_format_name(d->format)); break;
	case F_CONTENT_TYPE: take_str(out, br_format_mime(d->format)); break;
	case F_LANGUAGE: take_str(out, d->lang); break;
	case F_UPLOADED:
		br_time_iso(out->iso, d->created);
		take_str(out, out->iso);
		break;
	default: break;
	}
}

static void take_fact(struct value *out, enum fact fact, const struct where_facts *f)
{
	switch (fact) {
	case F_PAGE: take_num(out, f->chunk->page, f->chunk->page > 0); break;
	case F_INDEX: take_num(out, f->chunk->ordinal, true); break;
	case F_HEADING:
		out->type = f->chunk->heading.len ? V_PARTS : V_ABSENT;
		out->str = f->chunk->heading;
		break;
	case F_TABLE: case F_CODE:
		out->type = V_BOOL;
		out->flag = fact == F_TABLE ? has_table(f->text) : has_code(f);
		break;
	default: take_doc_fact(out, fact, f->doc);
	}
}

/* The document's own metadata first; its id is never anybody's to say. */
static void look_up(struct value *out, const struct br_where *w, const struct where_facts *f)
{
	const struct br_jval *own = w->fact == F_ID ? NULL : br_jval_get(f->meta, w->field);

	out->type = V_ABSENT;
	if (own)
		take_json(out, own);
	else if (w->fact)
		take_fact(out, w->fact, f);
}

/* ---- matching ---- */

/* Types are compared, too: "5" is not 5, and true is not 1. */
static bool equal_one(const struct value *v, const struct br_jval *to)
{
	double num;
	bool flag;

	switch (v->type) {
	case V_NULL: return br_jval_type(to) == BR_J_NULL;
	case V_BOOL: return br_jval_bool(&flag, to) && flag == v->flag;
	case V_NUM: return br_jval_num(&num, to) && num == v->num;
	case V_STR: return br_jval_str(to) && br_slice_eq(v->str, br_slice_str(br_jval_str(to)));
	default: return false;
	}
}

static bool part_equals(struct br_slice parts, const char *to)
{
	const char *p = parts.ptr, *end = parts.ptr + parts.len;

	for (; to && p <= end; p++) {
		const char *stop = memchr(p, '\x1f', (size_t)(end - p));
		stop = stop ? stop : end;
		if (br_slice_eq(br_slice(p, (size_t)(stop - p)), br_slice_str(to)))
			return true;
		p = stop;
	}
	return false;
}

/* Of a list: one of its elements. */
static bool equals(const struct value *v, const struct br_jval *to)
{
	struct value one = { .type = V_ABSENT };

	if (v->type == V_PARTS)
		return part_equals(v->str, br_jval_str(to));
	if (v->type != V_LIST)
		return equal_one(v, to);
	for (const struct br_jval *e = br_jval_first(v->list); e; e = br_jval_next(e)) {
		take_json(&one, e);
		if (equal_one(&one, to))
			return true;
	}
	return false;
}

static bool is_among(const struct value *v, const struct br_jval *list)
{
	for (const struct br_jval *e = br_jval_first(list); e; e = br_jval_next(e))
		if (equals(v, e))
			return true;
	return false;
}

/* Of two numbers, or of the bytes of two strings; false: they have no order. */
static bool order(int *out, const struct value *v, const struct br_jval *to)
{
	const char *s = br_jval_str(to);
	double num;
	size_t n;

	if (v->type == V_NUM && br_jval_num(&num, to)) {
		*out = v->num < num ? -1 : v->num > num;
		return true;
	}
	if (v->type != V_STR || !s)
		return false;
	n = strlen(s);
	*out = memcmp(v->str.ptr, s, BR_MIN(n, v->str.len));
	if (!*out)
		*out = v->str.len < n ? -1 : v->str.len > n;
	return true;
}

static bool contains(const struct value *v, const struct br_jval *what)
{
	const char *s = br_jval_str(what);

	if (v->type == V_STR || v->type == V_PARTS)
		return s && memmem(v->str.ptr, v->str.len, s, strlen(s));
	return v->type == V_LIST && equals(v, what);
}

static bool in_dates(const struct br_where *w, const struct value *v, const struct br_doc *d)
{
	int64_t t = d->mtime_ns ? d->mtime_ns / 1000000000 : d->created, said;
	char text[40];

	if (v->type == V_STR && v->str.len < sizeof text) {
		snprintf(text, sizeof text, "%.*s", (int)v->str.len, v->str.ptr);
		if (br_time_parse(&said, text) == 0)
			t = said;
	}
	return t >= w->from && t <= w->to;
}

static bool passes(const struct br_where *w, const struct where_facts *f)
{
	struct value v;
	int o = 0;

	look_up(&v, w, f);
	switch (w->op) {
	case OP_EQ: return equals(&v, w->operand);
	case OP_NE: return !equals(&v, w->operand);
	case OP_IN: return is_among(&v, w->operand);
	case OP_NIN: return !is_among(&v, w->operand);
	case OP_GT: return order(&o, &v, w->operand) && o > 0;
	case OP_GTE: return order(&o, &v, w->operand) && o >= 0;
	case OP_LT: return order(&o, &v, w->operand) && o < 0;
	case OP_LTE: return order(&o, &v, w->operand) && o <= 0;
	case OP_CONTAINS: return contains(&v, w->operand);
	case OP_NOT_CONTAINS: return !contains(&v, w->operand);
	case OP_DATES: return in_dates(w, &v, f->doc);
	}
	return false;
}

bool where_match(const struct br_where *w, const struct where_facts *f)
{
	bool all = w->kind != W_OR;

	if (w->kind == W_TEST)
		return passes(w, f);
	for (const struct br_where *c = w->child; c; c = c->next)
		if (where_match(c, f) != all)
			return w->kind == W_NOT ? true : !all;
	return w->kind == W_NOT ? false : all;
}

bool br_where_doc(const struct br_where *w, const struct br_doc *d)
{
	static const struct br_chunk_rec none;
	struct where_facts f = { .doc = d, .chunk = &none, .text = br_slice("", 0) };
	struct br_jdoc *meta = NULL;
	bool hit;

	if (d->meta[0] && br_jdoc_parse(&meta, br_slice_str(d->meta), "metadata", NULL) == 0)
		f.meta = br_jdoc_root(meta);
	hit = where_match(w, &f);
	br_jdoc_free(meta);
	return hit;
}
