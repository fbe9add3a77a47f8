/*
 * reader - documents and values, behind which cJSON stands. Text reaches cJSON only after scan.c has passed it.
 * A br_jval is a cJSON node under another name.
 */
#include "internal.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EXACT_INT 9007199254740992.0 /* 2^53: up to here a double holds every integer */

struct br_jdoc {
	cJSON *root;
};

static const cJSON *node(const struct br_jval *v) { return (const cJSON *)v; }
static const struct br_jval *jval(const cJSON *n) { return (const struct br_jval *)n; }

int br_jdoc_parse(struct br_jdoc **out, struct br_slice text, const char *name, struct br_err *err)
{
	cJSON *root;
	int rc;

	*out = NULL;
	if ((rc = br_json__scan(text, name, err)) < 0)
		return rc;
	root = cJSON_ParseWithLengthOpts(text.ptr, text.len, NULL, false);
	if (!root)
		return br_fail(err, BR_ENOMEM, "%s: out of memory", name); /* nothing else is left to fail */
	*out = br_alloc(sizeof **out);
	(*out)->root = root;
	return 0;
}

void br_jdoc_free(struct br_jdoc *d)
{
	if (!d)
		return;
	cJSON_Delete(d->root);
	free(d);
}

const struct br_jval *br_jdoc_root(const struct br_jdoc *d)
{
	return jval(d->root);
}

enum br_jtype br_jval_type(const struct br_jval *v)
{
	switch (node(v)->type & 0xff) {
	case cJSON_False:
	case cJSON_True:
		return BR_J_BOOL;
	case cJSON_Number:
		return BR_J_NUM;
	case cJSON_String:
		return BR_J_STR;
	case cJSON_Array:
		return BR_J_ARR;
	case cJSON_Object:
		return BR_J_OBJ;
	default:
		return BR_J_NULL;
	}
}

const struct br_jval *br_jval_get(const struct br_jval *obj, const char *key)
{
	return obj && cJSON_IsObject(node(obj)) ? jval(cJSON_GetObjectItemCaseSensitive(node(obj), key)) : NULL;
}

const char *br_jval_str(const struct br_jval *v)
{
	return v && cJSON_IsString(node(v)) ? node(v)->valuestring : NULL;
}

bool br_jval_num(double *out, const struct br_jval *v)
{
	if (!v || !cJSON_IsNumber(node(v)))
		return false;
	*out = node(v)->valuedouble;
	return true;
}

bool br_jval_bool(bool *out, const struct br_jval *v)
{
	if (!v || !cJSON_IsBool(node(v)))
		return false;
	*out = cJSON_IsTrue(node(v));
	return true;
}

const struct br_jval *br_jval_first(const struct br_jval *v)
{
	return v && (cJSON_IsObject(node(v)) || cJSON_IsArray(node(v))) ? jval(node(v)->child) : NULL;
}

const struct br_jval *br_jval_next(const struct br_jval *v)
{
	return v ? jval(node(v)->next) : NULL;
}

const char *br_jval_key(const struct br_jval *v)
{
	return v ? node(v)->string : NULL;
}

/* The shortest of 15, 16 or 17 digits that reads back as the same double. */
static void write_num(struct br_json *j, double v)
{
	char text[40];
	int n = 0;

	if (v == floor(v) && fabs(v) <= EXACT_INT) {
		br_json_int(j, (int64_t)v);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		n = snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	br_json_raw(j, text, (size_t)n);
}

/* Recursion is bounded: no document is deeper than BR_MAX_JSON_DEPTH. */
void br_jval_write(struct br_json *j, const struct br_jval *v)
{
	enum br_jtype type = br_jval_type(v);

	switch (type) {
	case BR_J_NULL:
		br_json_null(j);
		break;
	case BR_J_BOOL:
		br_json_bool(j, cJSON_IsTrue(node(v)));
		break;
	case BR_J_NUM:
		write_num(j, node(v)->valuedouble);
		break;
	case BR_J_STR:
		br_json_str(j, br_jval_str(v));
		break;
	case BR_J_ARR:
	case BR_J_OBJ:
		type == BR_J_OBJ ? br_json_obj(j) : br_json_arr(j);
		for (const struct br_jval *m = br_jval_first(v); m; m = br_jval_next(m)) {
			if (type == BR_J_OBJ)
				br_json_key(j, br_jval_key(m));
			br_jval_write(j, m);
		}
		br_json_end(j);
		break;
	}
}

const char *br_json_library(void)
{
	return "cJSON " BR_STRINGIFY(CJSON_VERSION_MAJOR) "." BR_STRINGIFY(CJSON_VERSION_MINOR) "." BR_STRINGIFY(CJSON_VERSION_PATCH);
}
