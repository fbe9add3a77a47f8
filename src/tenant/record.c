/*
 * Records of this module are JSON objects. Which member goes where stands in a table beside each struct; encoder and decoder read that.
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>

static const void *at(const void *rec, const struct member *m) { return (const char *)rec + m->at; }

void record_write(struct br_json *j, const struct member *m, const void *rec)
{
	for (; m->key; m++) {
		const char *s = m->kind == 's' || m->kind == 'r' ? *(const char *const *)at(rec, m) : NULL;
		br_json_key(j, m->key);
		if (m->kind == 'i')
			br_json_int(j, *(const int64_t *)at(rec, m));
		else if (m->kind == 'b')
			br_json_bool(j, *(const bool *)at(rec, m));
		else if (m->kind == 'u')
			br_json_str(j, at(rec, m));
		else if (m->kind == 'r')
			br_json_raw(j, s && *s ? s : "{}", s && *s ? strlen(s) : 2);
		else
			br_json_str(j, s ? s : "");
	}
}

char *record_text(struct br_arena *a, const struct member *m, const void *rec)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct br_json j;
	char *s;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	record_write(&j, m, rec);
	br_json_end(&j);
	s = br_arena_strndup(a, b.ptr, b.len);
	br_buf_release(&b);
	return s;
}

static char *raw_copy(struct br_arena *a, const struct br_jval *v)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct br_json j;
	char *s;

	br_json_init(&j, &b, false);
	br_jval_write(&j, v);
	s = br_arena_strndup(a, b.ptr, b.len);
	br_buf_release(&b);
	return s;
}

static void read_member(void *rec, struct br_arena *a, const struct member *m, const struct br_jval *v)
{
	char *to = (char *)rec + m->at;
	const char *s = br_jval_str(v);
	double d = 0;

	if (m->kind == 'i' && br_jval_num(&d, v))
		*(int64_t *)to = (int64_t)d;
	else if (m->kind == 'b')
		(void)!br_jval_bool((bool *)to, v);
	else if (m->kind == 'u' && s && strlen(s) == 36)
		memcpy(to, s, 37);
	else if (m->kind == 's')
		*(const char **)to = br_arena_strdup(a, s ? s : "");
	else if (m->kind == 'r')
		*(const char **)to = v ? raw_copy(a, v) : "{}";
}

void record_fields(void *rec, struct br_arena *a, const struct member *m, const struct br_jval *v)
{
	for (; m->key; m++)
		read_member(rec, a, m, br_jval_get(v, m->key));
}

int record_read(void *rec, struct br_arena *a, const struct member *m, const char *json, struct br_err *err)
{
	struct br_jdoc *doc;

	if (br_jdoc_parse(&doc, br_slice_str(json), "a record", NULL) < 0)
		return br_fail(err, BR_ECORRUPT, "the record of a tenant is damaged");
	record_fields(rec, a, m, br_jdoc_root(doc));
	br_jdoc_free(doc);
	return 0;
}

bool is_uuid(const char *s)
{
	size_t i;

	for (i = 0; s && s[i]; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	return i == 36;
}

char *lower_id(struct br_arena *a, const char *id)
{
	char *s = br_arena_strdup(a, id);

	for (char *p = s; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return s;
}
