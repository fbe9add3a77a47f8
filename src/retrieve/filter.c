/*
 * Filters over documents: FIELD OP VALUE with = != ~ !~ < <= > >=. A field that is none of ours is a metadata key.
 */
#include "internal.h"

#include "br/rx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum op { OP_EQ, OP_NE, OP_GLOB, OP_NGLOB, OP_LT, OP_LE, OP_GT, OP_GE };
static const struct { const char *text; enum op op; } ops[] = { /* two characters before their first */
	{ "!=", OP_NE }, { "!~", OP_NGLOB }, { "<=", OP_LE }, { ">=", OP_GE }, { "=", OP_EQ }, { "~", OP_GLOB }, { "<", OP_LT }, { ">", OP_GT },
};
enum field { F_PATH, F_TITLE, F_TYPE, F_LANG, F_ID, F_DATE, F_INDEXED, F_SIZE, F_META };
static const char *const field_names[] = { "path", "title", "type", "lang", "id", "date", "indexed", "size" };

struct filter {
	enum field field;
	enum op op;
	char *key, *value;
	struct br_rx *rx;
	int64_t time, time_end; /* a day, when only a date is given */
	double num;
	bool is_num;
};

void filter_free(struct filter *f)
{
	if (!f)
		return;
	free(f->key);
	free(f->value);
	br_rx_free(f->rx);
	free(f);
}

/* The first place where an operator stands. */
static const char *find_op(const char *text, enum op *op, size_t *len)
{
	for (const char *p = text; *p; p++) {
		for (size_t i = 0; i < BR_COUNT(ops); i++) {
			*len = strlen(ops[i].text);
			*op = ops[i].op;
			if (!strncmp(p, ops[i].text, *len))
				return p;
		}
	}
	return NULL;
}

static enum field field_of(const char *name)
{
	for (size_t i = 0; i < BR_COUNT(field_names); i++)
		if (!strcmp(name, field_names[i]))
			return (enum field)i;
	return F_META;
}

static int prepare(struct filter *f, const char *text, struct br_err *err)
{
	char *end;

	if (f->field >= F_DATE && f->field <= F_SIZE && (f->op == OP_GLOB || f->op == OP_NGLOB))
		return br_fail(err, BR_EUSAGE, "filter '%s': '%s' knows = != < <= > and >=", text, f->key);
	if (f->op == OP_GLOB || f->op == OP_NGLOB) {
		char *pattern = br_rx_from_glob(f->value);
		char *whole = f->field != F_PATH ? br_sprintf("(?s)%s", pattern) : br_strdup(pattern);
		int rc = br_rx_new(&f->rx, whole, f->field == F_PATH ? 0 : BR_RX_ICASE, err);
		free(pattern);
		free(whole);
		return rc;
	}
	f->num = strtod(f->value, &end);
	f->is_num = end != f->value && !*end && isfinite(f->num);
	if (f->field == F_DATE || f->field == F_INDEXED) {
		if (br_time_parse(&f->time, f->value) < 0)
			return br_fail(err, BR_EUSAGE, "filter '%s': '%s' is not a date such as 2026-01-31 or 2026-01-31T12:00:00Z", text, f->value);
		f->time_end = f->time + (strlen(f->value) == 10 ? 86400 : 1);
	}
	if (f->field == F_SIZE && !f->is_num)
		return br_fail(err, BR_EUSAGE, "filter '%s': '%s' is not a number of bytes", text, f->value);
	if (f->field <= F_ID && f->op > OP_NGLOB)
		return br_fail(err, BR_EUSAGE, "filter '%s': '%s' knows = != ~ and !~", text, f->key);
	return 0;
}

int filter_parse(struct filter **out, const char *text, struct br_err *err)
{
	struct filter *f;
	enum op op;
	size_t len;
	const char *at = find_op(text, &op, &len);
	int rc;

	*out = NULL;
	if (!at || at == text)
		return br_fail(err, BR_EUSAGE, "filter '%s' is not of the form FIELD=VALUE (fields: path, title, type, lang, id, date, indexed, size, or a metadata key; "
					       "operators: = != ~ !~ < <= > >=)", text);
	f = br_alloc(sizeof *f);
	f->key = br_strndup(text, (size_t)(at - text));
	f->value = br_strdup(at + len);
	f->op = op;
	f->field = field_of(!strncmp(f->key, "meta.", 5) ? "" : f->key);
	if (!strncmp(f->key, "meta.", 5))
		memmove(f->key, f->key + 5, strlen(f->key + 5) + 1);
	if ((rc = prepare(f, text, err)) < 0) {
		filter_free(f);
		return rc;
	}
	*out = f;
	return 0;
}

/* ---- matching ---- */

static bool by_order(int order, enum op op)
{
	switch (op) {
	case OP_EQ: return order == 0;
	case OP_NE: return order != 0;
	case OP_LT: return order < 0;
	case OP_LE: return order <= 0;
	case OP_GT: return order > 0;
	default:    return order >= 0;
	}
}

static bool match_text(const struct filter *f, const char *value)
{
	if (f->rx) {
		bool hit = br_rx_match(f->rx, br_slice_str(value), 0, NULL, 0, NULL) > 0;
		return hit == (f->op == OP_GLOB);
	}
	return by_order(strcasecmp(value, f->value), f->op);
}

/* '=' on a path is that file, or everything below that folder; '~' without a slash looks at every part of the path. */
static bool match_path(const struct filter *f, const char *path)
{
	size_t n = strlen(f->value);

	if (f->rx && !strchr(f->value, '/')) {
		bool hit = br_rx_match(f->rx, br_slice_str(br_path_base(path)), 0, NULL, 0, NULL) > 0;
		for (const char *p = path, *slash; !hit && (slash = strchr(p, '/')); p = slash + 1)
			hit = br_rx_match(f->rx, br_slice(p, (size_t)(slash - p)), 0, NULL, 0, NULL) > 0;
		return hit == (f->op == OP_GLOB);
	}
	if (f->rx)
		return match_text(f, path);
	while (n && f->value[n - 1] == '/')
		n--;
	return (!strncmp(path, f->value, n) && (!path[n] || path[n] == '/')) == (f->op == OP_EQ);
}

static bool match_time(const struct filter *f, int64_t t)
{
	int order = t < f->time ? -1 : t >= f->time_end ? 1 : 0;

	if (f->op == OP_GT || f->op == OP_LE) /* after that day; up to and including it */
		return f->op == OP_GT ? order > 0 : order <= 0;
	return by_order(order, f->op);
}

/* '=' on an id may name several, with commas: one of them. */
static bool match_id(const struct filter *f, const char *id)
{
	size_t len;

	if (f->rx || f->op > OP_NE)
		return match_text(f, id);
	for (const char *p = f->value; *p; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		if (len == strlen(id) && !strncasecmp(p, id, len))
			return f->op == OP_EQ;
	}
	return f->op == OP_NE;
}

static bool match_value(const struct filter *f, const struct br_jval *v)
{
	const char *s = br_jval_str(v);
	double num;
	bool flag;

	if (s)
		return match_text(f, s);
	if (br_jval_num(&num, v))
		return f->is_num ? by_order(num < f->num ? -1 : num > f->num, f->op) : f->op == OP_NE || f->op == OP_NGLOB;
	if (br_jval_bool(&flag, v))
		return match_text(f, flag ? "true" : "false");
	return f->op == OP_NE || f->op == OP_NGLOB;
}

/* A list matches when one of its members does ('!=': when none is equal). */
static bool match_json(const struct filter *f, const struct br_jval *v)
{
	bool negative = f->op == OP_NE || f->op == OP_NGLOB;

	if (!v)
		return negative;
	if (br_jval_type(v) != BR_J_ARR)
		return match_value(f, v);
	for (v = br_jval_first(v); v; v = br_jval_next(v))
		if (match_value(f, v) != negative)
			return !negative;
	return negative;
}

static bool match_meta(const struct filter *f, const struct br_doc *d)
{
	struct br_jdoc *j = NULL;
	bool hit;

	if (!d->meta[0] || br_jdoc_parse(&j, br_slice_str(d->meta), "metadata", NULL) < 0)
		return f->op == OP_NE || f->op == OP_NGLOB;
	hit = match_json(f, br_jval_get(br_jdoc_root(j), f->key));
	br_jdoc_free(j);
	return hit;
}

/* The format or the ending of the name; '!=' and '!~': neither. */
static bool match_type(const struct filter *f, const struct br_doc *d)
{
	bool format = match_text(f, br_format_name(d->format)), ending = match_text(f, br_path_ext(d->path));

	return f->op == OP_NE || f->op == OP_NGLOB ? format && ending : format || ending;
}

bool filter_match(const struct filter *f, const struct br_doc *d)
{
	switch (f->field) {
	case F_PATH:    return match_path(f, d->path);
	case F_TITLE:   return match_text(f, d->title);
	case F_TYPE:    return match_type(f, d);
	case F_LANG:    return match_text(f, d->lang);
	case F_ID:      return match_id(f, d->id);
	case F_DATE:    return match_time(f, d->mtime_ns ? d->mtime_ns / 1000000000 : d->created);
	case F_INDEXED: return match_time(f, d->indexed);
	case F_SIZE:    return by_order((double)d->size < f->num ? -1 : (double)d->size > f->num, f->op);
	default:        return match_meta(f, d);
	}
}
