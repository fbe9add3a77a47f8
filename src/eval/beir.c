/*
 * BEIR's corpus.jsonl and queries.jsonl: one JSON object a line, handed on one at a time.
 */
#include <math.h>

#include "br/json.h"
#include "internal.h"

/* Ids are strings; some sets write them as numbers. `text` holds the spelling of a number while the row is in use. */
static const char *id_of(const struct br_jval *v, char text[32])
{
	double num;

	if (!v)
		return NULL;
	if (br_jval_type(v) == BR_J_STR)
		return br_jval_str(v);
	if (!br_jval_num(&num, v) || fabs(num) > 9007199254740992.0 || num != floor(num))
		return NULL;
	snprintf(text, 32, "%.0f", num);
	return text;
}

/* Absent and null are "". */
static const char *title_of(const struct br_jval *v)
{
	return !v || br_jval_type(v) == BR_J_NULL ? "" : br_jval_str(v);
}

static int one_row(struct eval_lines *l, br_beir_fn *fn, void *arg, struct br_err *err)
{
	struct br_jdoc *doc = NULL;
	struct br_beir_row row;
	char number[32];
	char *place = br_sprintf("%s:%zu", l->path, l->no);
	int rc = br_jdoc_parse(&doc, br_buf_slice(&l->line), place, err);

	if (rc < 0)
		goto out;
	const struct br_jval *root = br_jdoc_root(doc);
	row.id = id_of(br_jval_get(root, "_id"), number);
	row.title = title_of(br_jval_get(root, "title"));
	row.text = br_jval_str(br_jval_get(root, "text"));
	if (br_jval_type(root) != BR_J_OBJ)
		rc = br_fail(err, BR_EINPUT, "%s: not a JSON object", place);
	else if (!row.id || !*row.id)
		rc = br_fail(err, BR_EINPUT, "%s: \"_id\" must be a string or a whole number", place);
	else if (!row.title)
		rc = br_fail(err, BR_EINPUT, "%s: \"title\" must be a string", place);
	else if (!row.text)
		rc = br_fail(err, BR_EINPUT, "%s: \"text\" must be a string", place);
	else
		rc = fn(&row, arg, err);
out:
	br_jdoc_free(doc);
	free(place);
	return rc;
}

int br_beir_each(const char *path, br_beir_fn *fn, void *arg, struct br_err *err)
{
	struct eval_lines l;
	int rc = eval__lines_open(&l, path, err);

	while (rc == 0 && (rc = eval__lines_next(&l, err)) > 0)
		rc = one_row(&l, fn, arg, err);
	eval__lines_close(&l);
	return rc;
}
