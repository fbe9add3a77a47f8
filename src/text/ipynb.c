/*
 * Jupyter notebooks: Markdown cells as Markdown, code cells as code, and of their outputs what is text. Pictures, HTML and
 * widgets are left out, their text form stands beside them. A file that is no notebook is read as JSON.
 */
#include "internal.h"

#include "br/json.h"

struct notebook {
	struct br_extracted *e;
	struct br_buf part;          /* source or output of one cell */
};

/* Into part: a string, or an array of strings that belong together. */
static void joined(struct notebook *n, const struct br_jval *v)
{
	br_buf_reset(&n->part);
	if (br_jval_str(v))
		br_buf_adds(&n->part, br_jval_str(v));
	else if (v && br_jval_type(v) == BR_J_ARR)
		for (const struct br_jval *i = br_jval_first(v); i; i = br_jval_next(i))
			if (br_jval_str(i))
				br_buf_adds(&n->part, br_jval_str(i));
}

/* Colours and cursor movements of terminals, "\x1b[31m", and other control bytes go; in place. */
static struct br_slice without_escapes(struct br_buf *b)
{
	size_t to = 0;

	for (size_t i = 0; i < b->len; i++) {
		if (b->ptr[i] == '\x1b' && i + 1 < b->len && b->ptr[i + 1] == '[') {
			for (i += 2; i < b->len && !(b->ptr[i] >= '@' && b->ptr[i] <= '~'); i++)
				;
			continue;
		}
		if ((unsigned char)b->ptr[i] >= ' ' || b->ptr[i] == '\n' || b->ptr[i] == '\t')
			b->ptr[to++] = b->ptr[i];
	}
	return br_slice(b->ptr, to);
}

static int add_markdown(struct notebook *n, const struct br_jval *text, struct br_err *err)
{
	struct br_extracted cell;
	struct br_slice source;
	int rc;

	joined(n, text);
	source = without_escapes(&n->part);
	br_extracted_init(&cell);
	cell.format = BR_FMT_MARKDOWN;
	br_buf_add(&cell.text, source.ptr, source.len);
	if ((rc = br_read_markdown(&cell, "", err)) == 0)
		br_text__append(n->e, &cell);
	br_extracted_release(&cell);
	return rc;
}

static void add_code(struct notebook *n, const struct br_jval *text)
{
	joined(n, text);
	br_text__put(n->e, BR_BLOCK_CODE, 0, without_escapes(&n->part));
}

static void add_error(struct notebook *n, const struct br_jval *o)
{
	const char *name = br_jval_str(br_jval_get(o, "ename")), *value = br_jval_str(br_jval_get(o, "evalue"));

	br_buf_reset(&n->part);
	br_buf_addf(&n->part, "%s: %s", name ? name : "error", value ? value : "");
	br_text__put(n->e, BR_BLOCK_CODE, 0, without_escapes(&n->part));
}

/* nbformat 4 keeps what was computed in "data" by type, nbformat 3 in the output itself. */
static void add_output(struct notebook *n, const struct br_jval *o)
{
	const char *kind = br_jval_str(br_jval_get(o, "output_type"));
	const struct br_jval *data = br_jval_get(o, "data");

	if (kind && (!strcmp(kind, "error") || !strcmp(kind, "pyerr")))
		add_error(n, o);
	else if (br_jval_get(data, "text/plain"))
		add_code(n, br_jval_get(data, "text/plain"));
	else
		add_code(n, br_jval_get(o, "text"));
}

static int add_cell(struct notebook *n, const struct br_jval *cell, struct br_err *err)
{
	const char *kind = br_jval_str(br_jval_get(cell, "cell_type"));
	const struct br_jval *source = br_jval_get(cell, "source"), *outputs = br_jval_get(cell, "outputs");

	if (!kind)
		return 0;
	if (!strcmp(kind, "markdown"))
		return add_markdown(n, source, err);
	if (!strcmp(kind, "heading")) { /* nbformat 3 */
		joined(n, source);
		br_text__put(n->e, BR_BLOCK_HEADING, 2, without_escapes(&n->part));
		return 0;
	}
	add_code(n, source ? source : br_jval_get(cell, "input"));
	for (const struct br_jval *o = br_jval_first(outputs); o; o = br_jval_next(o))
		add_output(n, o);
	return 0;
}

static int add_cells(struct notebook *n, const struct br_jval *cells, struct br_err *err)
{
	int rc = 0;

	for (const struct br_jval *c = br_jval_first(cells); c && rc == 0; c = br_jval_next(c))
		rc = add_cell(n, c, err);
	return rc;
}

static int add_all(struct notebook *n, const struct br_jval *root, struct br_err *err)
{
	const struct br_jval *sheets = br_jval_get(root, "worksheets"), *title = br_jval_get(br_jval_get(root,
	    "metadata"), "title");
	int rc = add_cells(n, br_jval_get(root, "cells"), err);

	for (const struct br_jval *s = br_jval_first(sheets); s && rc == 0; s = br_jval_next(s))
		rc = add_cells(n, br_jval_get(s, "cells"), err);
	if (br_jval_str(title))
		br_text__title(n->e, br_jval_str(title), strlen(br_jval_str(title)));
	return rc;
}

int br_read_ipynb(struct br_extracted *out, const char *name, struct br_err *err)
{
	struct notebook n = { .e = out, .part = BR_BUF_INIT(BR_MAX_TEXT) };
	struct br_buf source = out->text;
	struct br_jdoc *doc;
	struct br_err why;
	int rc;

	if (br_jdoc_parse(&doc, br_buf_slice(&source), "notebook", &why) < 0) {
		out->format = BR_FMT_JSON;
		return br_read_json(out, name, err);
	}
	br_buf_init(&out->text, BR_MAX_TEXT);
	rc = add_all(&n, br_jdoc_root(doc), err);
	br_jdoc_free(doc);
	br_buf_release(&source);
	br_buf_release(&n.part);
	if (rc == 0)
		rc = br_buf_check(&out->text, "text", err);
	if (rc == 0)
		br_text__finish(out);
	return rc;
}
