/*
 * json - a streaming writer of our own (stack of open brackets, never builds a tree) and a reader behind which cJSON stands.
 * Threads: plain values.
 */
#ifndef BR_JSON_H
#define BR_JSON_H

#include "br/base.h"

/* ---- writing: br_json_obj, br_json_key + value ..., br_json_end; commas and escapes are ours ---- */

#define BR_JSON_WRITE_DEPTH (BR_MAX_JSON_DEPTH + 32) /* a value that was read fits inside what we wrap around it */
struct br_json {
	struct br_buf *out;
	uint32_t depth;
	char open[BR_JSON_WRITE_DEPTH]; /* '{' or '[' */
	bool more[BR_JSON_WRITE_DEPTH]; /* a member was written at this depth */
	bool keyed;
	bool pretty;         /* two-space indent and line ends; false: one line */
};
void br_json_init(struct br_json *j, struct br_buf *out, bool pretty);
void br_json_obj(struct br_json *j);
void br_json_arr(struct br_json *j);
void br_json_end(struct br_json *j);
void br_json_key(struct br_json *j, const char *key);
void br_json_str(struct br_json *j, const char *s);              /* NULL writes null */
void br_json_strn(struct br_json *j, const char *s, size_t n);   /* invalid UTF-8 becomes U+FFFD */
void br_json_int(struct br_json *j, int64_t v);
void br_json_uint(struct br_json *j, uint64_t v);
void br_json_num(struct br_json *j, double v, int decimals);     /* fixed decimals, trailing zeros dropped; NaN and infinities write null */
void br_json_bool(struct br_json *j, bool v);
void br_json_null(struct br_json *j);
void br_json_raw(struct br_json *j, const char *s, size_t n);    /* one complete value */
/* key and value in one call */
void br_json_kstr(struct br_json *j, const char *key, const char *s);
void br_json_kint(struct br_json *j, const char *key, int64_t v);
void br_json_kuint(struct br_json *j, const char *key, uint64_t v);
void br_json_knum(struct br_json *j, const char *key, double v, int decimals);
void br_json_kbool(struct br_json *j, const char *key, bool v);
void br_json_knull(struct br_json *j, const char *key);

/* ---- reading: case-sensitive, nothing behind the value, bounded depth and size, no \u0000, valid UTF-8 ---- */

const char *br_json_library(void);   /* "cJSON 1.7.15", what is linked */
struct br_jval;      /* a value inside a document; lives as long as the document */
struct br_jdoc;
BR_MUST_USE int br_jdoc_parse(struct br_jdoc **out, struct br_slice text, const char *name, struct br_err *err); /* INPUT with the byte offset */
void br_jdoc_free(struct br_jdoc *d);
const struct br_jval *br_jdoc_root(const struct br_jdoc *d);
enum br_jtype { BR_J_NULL, BR_J_BOOL, BR_J_NUM, BR_J_STR, BR_J_ARR, BR_J_OBJ };
enum br_jtype br_jval_type(const struct br_jval *v);
const struct br_jval *br_jval_get(const struct br_jval *obj, const char *key); /* NULL if absent or not an object */
const char *br_jval_str(const struct br_jval *v);                /* NULL if not a string */
bool br_jval_num(double *out, const struct br_jval *v);
bool br_jval_bool(bool *out, const struct br_jval *v);
const struct br_jval *br_jval_first(const struct br_jval *v);    /* first member or element */
const struct br_jval *br_jval_next(const struct br_jval *v);
const char *br_jval_key(const struct br_jval *v);                /* of a member */
void br_jval_write(struct br_json *j, const struct br_jval *v);  /* the same value, canonical (keys in the order given) */

#endif
