/*
 * NDJSON records: {"id" or "_id", "title", "text" (or "contents"), "metadata"} on one line.
 */
#include "internal.h"

#include <math.h>
#include <stdio.h>

static const struct br_jval *first_of(const struct br_jval *obj, const char *a, const char *b)
{
	const struct br_jval *v = br_jval_get(obj, a);

	return v ? v : br_jval_get(obj, b);
}

static const char *as_text(struct br_arena *a, const struct br_jval *v)
{
	double num;

	if (!v)
		return NULL;
	if (br_jval_num(&num, v) && num == floor(num) && fabs(num) < 9e15)
		return br_arena_printf(a, "%.0f", num);
	return br_arena_strdup(a, br_jval_str(v));
}

static const char *meta_of(struct br_arena *a, const struct br_jval *v)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_META);
	struct br_json j;
	const char *out;

	if (!v || br_jval_type(v) != BR_J_OBJ || !br_jval_first(v))
		return "";
	br_json_init(&j, &b, false);
	br_jval_write(&j, v);
	out = b.failed ? NULL : br_arena_strndup(a, b.ptr, b.len);
	br_buf_release(&b);
	return out;
}

static int take(struct record *out, struct br_arena *a, const struct br_jval *root, const char *name, struct br_err *err)
{
	if (br_jval_type(root) != BR_J_OBJ)
		return br_fail(err, BR_EINPUT, "%s: a record is a JSON object", name);
	out->id = as_text(a, first_of(root, "id", "_id"));
	out->title = as_text(a, br_jval_get(root, "title"));
	out->text = as_text(a, first_of(root, "text", "contents"));
	out->meta = meta_of(a, first_of(root, "metadata", "meta"));
	if (!out->id || !*out->id)
		return br_fail(err, BR_EINPUT, "%s: the record has no \"id\"", name);
	if (strlen(out->id) > BR_MAX_PATH)
		return br_fail(err, BR_EINPUT, "%s: \"id\" has more than %d bytes", name, BR_MAX_PATH);
	if (!out->text)
		return br_fail(err, BR_EINPUT, "%s: record '%.100s' has no \"text\"", name, out->id);
	if (!out->meta)
		return br_fail(err, BR_ETOOBIG, "%s: \"metadata\" of '%.100s' is over %u bytes", name, out->id, BR_MAX_META);
	if (!out->title)
		out->title = "";
	return 0;
}

int record_parse(struct record *out, struct br_arena *a, struct br_slice line, const char *name, struct br_err *err)
{
	struct br_jdoc *doc;
	int rc;

	*out = (struct record){ 0 };
	if ((rc = br_jdoc_parse(&doc, line, name, err)) < 0)
		return rc;
	rc = take(out, a, br_jdoc_root(doc), name, err);
	br_jdoc_free(doc);
	return rc;
}
