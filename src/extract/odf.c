/*
 * OpenDocument: text, spreadsheets and presentations share one vocabulary in content.xml. Headings with their level,
 * lists with their numbers, tables; notes, comments and text boxes behind the paragraph they stand in; slides and
 * sheets are sections and pages.
 */
#include "extract/extract.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIST_DEPTH = 10, DATA_PARAS = 20, NAME = 80, MAX_RECORDS = 65536 };

struct list_level { char format[8], suffix[8]; unsigned start, display; };
struct list_style { char name[NAME]; struct list_level level[LIST_DEPTH]; };
struct cell { unsigned column; uint32_t off, len; bool number; };

struct odf {
	struct br_extract__render r;
	enum br_format format;
	BR_VEC(struct list_style) styles;
	BR_VEC(char *) title_styles;     /* of paragraphs that are the document's title */
	BR_VEC(char *) slide_titles;
	bool only_titles;                /* first reading of a presentation: nothing else is kept */
	bool encrypted;
	/* text */
	int body, paras, tables, asides; /* how many are open */
	bool head_rows, in_title, prefixed;
	int lists;
	struct { int style; unsigned count; bool label; } list[LIST_DEPTH];
	struct br_buf aside;             /* what follows the paragraph, a line each */
	char *title;
	size_t title_at;
	/* sheets */
	struct br_extract__sheet sheet;
	bool in_sheet, in_cell;
	char sheet_name[BR_MAX_HEADING];
	unsigned column, row_times, cell_times;
	char type[16], value[64];
	struct br_buf text;              /* of the cells of one row */
	BR_VEC(struct cell) row;
	/* slides */
	uint32_t page;
	bool in_notes, noted, in_title_frame;
};

static unsigned count_attr(struct br_extract__xml *x, const char *name, unsigned otherwise)
{
	const char *v = br_extract__xml_attr(x, name);
	int64_t n;

	return *v && br_parse_int(&n, v, 0, INT32_MAX, name, NULL) == 0 ? (unsigned)n : otherwise;
}

/* ---- styles ---- */

static struct list_level *level_now(struct odf *d, struct br_extract__xml *x)
{
	unsigned level = count_attr(x, "level", 1);

	return d->styles.n && level >= 1 && level <= LIST_DEPTH ? &d->styles.v[d->styles.n - 1].level[level - 1] : NULL;
}

static void style_start(struct odf *d, struct br_extract__xml *x, const char *name)
{
	struct list_level *l;

	if (!strcmp(name, "list-style") && d->styles.n < MAX_RECORDS) {
		struct list_style *s = br_vec_push(&d->styles);
		*s = (struct list_style){ "", { { "", "", 0, 0 } } };
		snprintf(s->name, sizeof s->name, "%s", br_extract__xml_attr(x, "name"));
	} else if (!strcmp(name, "list-level-style-number") && (l = level_now(d, x))) {
		snprintf(l->format, sizeof l->format, "%s", br_extract__xml_attr(x, "num-format"));
		snprintf(l->suffix, sizeof l->suffix, "%s", br_extract__xml_attr(x, "num-suffix"));
		l->start = count_attr(x, "start-value", 1);
		l->display = count_attr(x, "display-levels", 1);
	} else if (!strcmp(name, "style") && d->title_styles.n < MAX_RECORDS) {
		bool title = !strcmp(br_extract__xml_attr(x, "parent-style-name"), "Title");
		const char *style = br_extract__xml_attr(x, "name");
		if (title || !strcmp(style, "Title"))
			*br_vec_push(&d->title_styles) = br_strdup(style);
	}
}

static bool is_title_style(const struct odf *d, const char *style)
{
	if (!strcmp(style, "Title"))
		return true;
	for (size_t i = 0; i < d->title_styles.n; i++)
		if (!strcmp(d->title_styles.v[i], style))
			return true;
	return false;
}

static int find_list_style(const struct odf *d, const char *name)
{
	for (size_t i = 0; *name && i < d->styles.n; i++)
		if (!strcmp(d->styles.v[i].name, name))
			return (int)i;
	return -1;
}

/* ---- lists ---- */

static void begin_list(struct odf *d, struct br_extract__xml *x)
{
	int at = d->lists++, style = find_list_style(d, br_extract__xml_attr(x, "style-name"));

	if (at >= LIST_DEPTH)
		return;
	d->list[at].style = style >= 0 || at == 0 ? style : d->list[at - 1].style;
	d->list[at].count = style >= 0 || d->list[at].style >= 0 ? d->styles.v[d->list[at].style].level[at].start : 1;
	d->list[at].label = false;
}

static void begin_item(struct odf *d, struct br_extract__xml *x)
{
	int at = BR_MIN(d->lists, LIST_DEPTH) - 1;

	if (at < 0)
		return;
	d->list[at].count = count_attr(x, "start-value", d->list[at].count);
	d->list[at].label = true;
}

/* "2.1." with as many levels as the style shows, or a bullet; counts on. */
static void write_label(struct odf *d, int at)
{
	const struct list_level *l = d->list[at].style >= 0 ? &d->styles.v[d->list[at].style].level[at] : NULL;
	char label[LIST_DEPTH * 33 + 16] = "- ", ordinal[32];
	size_t n = 0;
	int from = l ? BR_MAX(at + 1 - (int)BR_MIN(BR_MAX(l->display, 1u), (unsigned)LIST_DEPTH), 0) : at;

	if (l && l->format[0]) {
		for (int i = from; i <= at; i++) {
			/* those above have counted on already */
			br_extract__ordinal(ordinal, l->format, d->list[i].count - (i < at && d->list[i].count));
			n += (size_t)snprintf(label + n, sizeof label - n, "%s%s", n ? "." : "", ordinal);
		}
		snprintf(label + n, sizeof label - n, "%s ", l->suffix);
	}
	br_extract__words(&d->r, label, strlen(label), 1);
	d->list[at].count++;
	d->list[at].label = false;
}

/* ---- paragraphs ---- */

static void add_line(struct odf *d)
{
	if (d->aside.len && d->aside.ptr[d->aside.len - 1] != '\n')
		br_buf_addc(&d->aside, '\n');
}

static void flush_aside(struct odf *d)
{
	if (d->asides || d->tables || d->in_sheet || !d->aside.len)
		return;
	br_extract__paragraphs(&d->r, br_buf_slice(&d->aside));
	br_buf_reset(&d->aside);
}

static void describe(struct odf *d, struct br_extract__xml *x, bool heading)
{
	int at = BR_MIN(d->lists, LIST_DEPTH) - 1;

	d->r.kind = at >= 0 && !d->in_notes ? BR_BLOCK_LIST : BR_BLOCK_PARA;
	d->r.level = (uint8_t)(d->r.kind == BR_BLOCK_LIST ? at + 1 : 0);
	d->in_title = !heading && !d->tables && d->format == BR_FMT_ODT && is_title_style(d, br_extract__xml_attr(x,
	                                                                                                          "style-name"));
	d->title_at = d->r.out->text.len;
	if ((heading || d->in_title) && !d->tables) {
		d->r.kind = BR_BLOCK_HEADING;
		d->r.level = (uint8_t)BR_MIN(BR_MAX(count_attr(x, "outline-level", 1), 1u), (unsigned)BR_MAX_HEADING_DEPTH);
	} else if (d->in_notes && !d->noted) {
		br_extract__words(&d->r, "Notes: ", 7, 1);
		d->noted = true;
	} else if (at >= 0 && d->list[at].label && d->r.kind == BR_BLOCK_LIST && !d->tables) {
		write_label(d, at);
	}
}

static void begin_paragraph(struct odf *d, struct br_extract__xml *x, bool heading)
{
	d->paras++;
	if (d->asides) {
		if (!d->prefixed)
			add_line(d);
		d->prefixed = false;
	} else if (d->in_cell) {
		br_buf_addc(&d->text, ' ');
	} else if (!d->only_titles && !d->in_title_frame) {
		br_extract__end_block(&d->r);
		if (d->tables == 1)
			br_extract__table_para(&d->r);
		describe(d, x, heading);
	}
}

static void end_paragraph(struct odf *d)
{
	const struct br_buf *t = &d->r.out->text;

	d->paras--;
	if (d->asides) {
		add_line(d);
		return;
	}
	if (d->in_cell || d->only_titles || d->in_title_frame)
		return;
	br_extract__end_block(&d->r);
	if (d->in_title && !d->title && t->len > d->title_at)
		d->title = br_strndup(t->ptr + d->title_at, t->len - d->title_at);
	d->in_title = false;
	flush_aside(d);
}

static void words(struct odf *d, const char *p, size_t n)
{
	if (!d->paras)
		return;
	if (d->only_titles) {
		if (d->in_title_frame && d->slide_titles.n) {
			char **t = &d->slide_titles.v[d->slide_titles.n - 1], *more = *t && strlen(*t) < BR_MAX_HEADING
			           ? br_sprintf("%s%.*s", *t, (int)BR_MIN(n, (size_t)BR_MAX_HEADING), p) : NULL;
			if (more) {
				free(*t);
				*t = more;
			}
		}
	} else if (d->asides) {
		br_buf_add(&d->aside, p, n);
	} else if (d->in_cell) {
		br_buf_add(&d->text, p, n);
	} else if (!d->in_title_frame) {
		br_extract__words(&d->r, p, n, 1);
	}
}

/* ---- sheets ---- */

static void begin_sheet(struct odf *d, struct br_extract__xml *x)
{
	snprintf(d->sheet_name, sizeof d->sheet_name, "%s", br_extract__xml_attr(x, "name"));
	d->r.page = ++d->page;
	d->in_sheet = true;
	br_extract__sheet_begin(&d->sheet, &d->r, d->sheet_name);
}

static void end_sheet(struct odf *d)
{
	br_extract__sheet_end(&d->sheet);
	d->in_sheet = false;
	flush_aside(d);
}

static void begin_row(struct odf *d, struct br_extract__xml *x)
{
	d->row_times = count_attr(x, "number-rows-repeated", 1);
	d->column = 0;
	d->row.n = 0;
	br_buf_reset(&d->text);
}

/* A row that says it is repeated is, in most files, the empty rest of the sheet. */
static void end_row(struct odf *d)
{
	unsigned times = BR_MIN(d->row_times, (unsigned)BR_EXTRACT_SPREAD);

	for (unsigned i = 0; i < times && d->row.n && d->r.rc == 0; i++) {
		for (size_t k = 0; k < d->row.n; k++) {
			const struct cell *c = &d->row.v[k];
			br_extract__sheet_cell(&d->sheet, c->column, br_slice(d->text.ptr + c->off, c->len), c->number);
		}
		br_extract__sheet_row_end(&d->sheet);
	}
}

static void begin_cell(struct odf *d, struct br_extract__xml *x)
{
	static const char *const values[] = { "value", "date-value", "string-value" };

	d->cell_times = count_attr(x, "number-columns-repeated", 1);
	snprintf(d->type, sizeof d->type, "%s", br_extract__xml_attr(x, "value-type"));
	d->value[0] = 0;
	for (size_t i = 0; i < BR_COUNT(values) && !d->value[0]; i++)
		snprintf(d->value, sizeof d->value, "%s", br_extract__xml_attr(x, values[i]));
	d->in_cell = true;
	*br_vec_push(&d->row) = (struct cell){ .off = (uint32_t)d->text.len };
}

/* What the cell shows; for numbers and dates its value, which no format has shortened. */
static void show_value(struct odf *d, struct cell *c)
{
	char shown[64];

	c->number = d->type[0] && strcmp(d->type, "string");
	if (!strcmp(d->type, "float"))
		br_extract__number(shown, d->value, false);
	else if (!strcmp(d->type, "date"))
		snprintf(shown, sizeof shown, "%.10s%s%.5s", d->value, strlen(d->value) > 15 && strncmp(d->value + 10, "T00:00",
		                                                                                        6) ? " " : "",
		         strlen(d->value) > 15 && strncmp(d->value + 10, "T00:00", 6) ? d->value + 11 : "");
	else if (c->len || !d->value[0])
		return;
	else
		snprintf(shown, sizeof shown, "%s", d->value);
	d->text.len = c->off;
	br_buf_adds(&d->text, shown);
	c->len = (uint32_t)(d->text.len - c->off);
}

static void end_cell(struct odf *d)
{
	struct cell c;
	unsigned times = d->cell_times;

	d->in_cell = false;
	if (!d->row.n)
		return;
	c = d->row.v[--d->row.n];
	c.len = (uint32_t)(d->text.len - c.off);
	show_value(d, &c);
	for (unsigned i = 0; c.len && i < BR_MIN(times, (unsigned)BR_EXTRACT_SPREAD) && d->row.n < MAX_RECORDS; i++) {
		c.column = d->column + i + 1;
		*br_vec_push(&d->row) = c;
	}
	d->column = BR_MIN(d->column + times, 1u << 20);
	if (d->text.failed)
		d->r.rc = br_buf_check(&d->text, "cells", d->r.err);
}

/* ---- slides ---- */

static void begin_slide(struct odf *d)
{
	char number[32];
	const char *title;

	d->page++;
	if (d->only_titles) {
		if (d->slide_titles.n < MAX_RECORDS)
			*br_vec_push(&d->slide_titles) = br_strdup("");
		return;
	}
	d->r.page = d->page;
	snprintf(number, sizeof number, "Slide %u", d->page);
	title = d->page <= d->slide_titles.n ? d->slide_titles.v[d->page - 1] : "";
	br_extract__heading(&d->r, 1, strspn(title, " \t\n") < strlen(title) ? title : number);
}

static void begin_frame(struct odf *d, struct br_extract__xml *x)
{
	static const char *const furniture[] = { "header", "footer", "date-time", "page-number" };
	const char *class = br_extract__xml_attr(x, "class");

	for (size_t i = 0; i < BR_COUNT(furniture); i++)
		if (!strcmp(class, furniture[i]))
			x->skip = x->depth;
	if (d->format == BR_FMT_ODP)
		d->in_title_frame = !d->in_notes && !strcmp(class, "title");
}

/* ---- events ---- */

enum what {
	E_NONE, E_BODY, E_TEXT, E_SPREADSHEET, E_PRESENTATION, E_P, E_H, E_S, E_TAB, E_BREAK, E_LIST, E_ITEM, E_ASIDE,
	E_COMMENT, E_BOX, E_SKIP, E_TABLE, E_HEAD_ROWS, E_ROW, E_CELL, E_COVERED, E_PAGE, E_NOTES, E_FRAME,
};
static const struct element { const char *name; enum what what; } elements[] = { /* sorted */
	{ "annotation", E_COMMENT }, { "body", E_BODY }, { "covered-table-cell", E_COVERED }, { "creator", E_SKIP },
	{ "date", E_SKIP }, { "desc", E_SKIP }, { "forms", E_SKIP }, { "frame", E_FRAME }, { "h", E_H },
	{ "line-break", E_BREAK }, { "list", E_LIST }, { "list-header", E_NONE }, { "list-item", E_ITEM },
	{ "note", E_ASIDE }, { "note-citation", E_SKIP }, { "notes", E_NOTES }, { "p", E_P }, { "page", E_PAGE },
	{ "presentation", E_PRESENTATION }, { "ruby-text", E_SKIP }, { "s", E_S }, { "scripts", E_SKIP },
	{ "spreadsheet", E_SPREADSHEET }, { "tab", E_TAB }, { "table", E_TABLE }, { "table-cell", E_CELL },
	{ "table-header-rows", E_HEAD_ROWS }, { "table-of-content", E_SKIP }, { "table-row", E_ROW }, { "text", E_TEXT },
	{ "text-box", E_BOX }, { "tracked-changes", E_SKIP },
};

static int by_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct element *)row)->name);
}

static enum what element(const char *name)
{
	const struct element *e = bsearch(name, elements, BR_COUNT(elements), sizeof *elements, by_name);

	return e ? e->what : E_NONE;
}

/* The date and author of a comment are left out, fields of the text with those names are not. */
static bool is_field(const char *name, const char *space)
{
	return (!strcmp(name, "date") || !strcmp(name, "creator")) && !strstr(space, "purl.org");
}

static void begin_table(struct odf *d, struct br_extract__xml *x)
{
	if (d->asides || d->only_titles || d->tables++)
		return;
	if (d->format == BR_FMT_ODS)
		begin_sheet(d, x);
	else
		br_extract__table_begin(&d->r);
	d->head_rows = false;
}

static void end_table(struct odf *d)
{
	if (d->asides || d->only_titles || --d->tables)
		return;
	if (d->in_sheet)
		end_sheet(d);
	else
		br_extract__table_end(&d->r);
	flush_aside(d);
}

static void table_event(struct odf *d, struct br_extract__xml *x, enum what what)
{
	if (d->asides || d->only_titles || d->tables != 1)
		return;
	if (what == E_HEAD_ROWS)
		d->head_rows = true;
	else if (what == E_ROW && d->in_sheet)
		begin_row(d, x);
	else if (what == E_ROW)
		br_extract__table_row(&d->r, d->head_rows);
	else if (what == E_CELL && d->in_sheet)
		begin_cell(d, x);
	else if (what == E_COVERED && d->in_sheet)
		d->column = BR_MIN(d->column + count_attr(x, "number-columns-repeated", 1), 1u << 20);
	else if (!d->in_sheet)
		br_extract__table_cell(&d->r, false);
}

static void begin_aside(struct odf *d, const char *prefix)
{
	if (!d->asides++)
		add_line(d);
	br_buf_adds(&d->aside, prefix);
	d->prefixed = prefix[0] != 0;
}

static void set_kind(struct odf *d, enum what what)
{
	d->format = what == E_TEXT ? BR_FMT_ODT : what == E_SPREADSHEET ? BR_FMT_ODS : BR_FMT_ODP;
}

static void doc_start(struct br_extract__xml *x, const char *name)
{
	struct odf *d = x->ctx;
	enum what what = element(name);

	if (!d->body) {
		d->body = what == E_BODY ? x->depth : 0;
		style_start(d, x, name);
		return;
	}
	switch (what) {
	case E_TEXT: case E_SPREADSHEET: case E_PRESENTATION:
		if (x->depth == d->body + 1)
			set_kind(d, what);
		break;
	case E_P: case E_H: begin_paragraph(d, x, what == E_H); break;
	case E_S: case E_TAB: words(d, " ", 1); break;
	case E_BREAK:
		if (d->asides || d->in_cell || d->only_titles || d->in_title_frame)
			words(d, " ", 1);
		else
			br_extract__line_break(&d->r);
		break;
	case E_LIST: begin_list(d, x); break;
	case E_ITEM: begin_item(d, x); break;
	case E_COMMENT: begin_aside(d, "Comment: "); break;
	case E_ASIDE: begin_aside(d, ""); break;
	case E_BOX:
		if (d->paras || d->asides)
			begin_aside(d, "");
		break;
	case E_SKIP: x->skip = is_field(name, x->space) ? 0 : x->depth; break;
	case E_TABLE: begin_table(d, x); break;
	case E_HEAD_ROWS: case E_ROW: case E_CELL: case E_COVERED: table_event(d, x, what); break;
	case E_PAGE: begin_slide(d); break;
	case E_NOTES:
		d->in_notes = true;
		d->noted = d->in_title_frame = false;
		break;
	case E_FRAME: begin_frame(d, x); break;
	default: break;
	}
	x->rc = d->r.rc;
}

static void table_ends(struct odf *d, enum what what)
{
	if (d->asides || d->only_titles || d->tables != 1)
		return;
	if (what == E_HEAD_ROWS)
		d->head_rows = false;
	else if (what == E_ROW && d->in_sheet)
		end_row(d);
	else if (what == E_CELL && d->in_sheet)
		end_cell(d);
}

static void end_aside(struct odf *d)
{
	if (d->asides && !--d->asides)
		add_line(d);
}

static void doc_end(struct br_extract__xml *x, const char *name)
{
	struct odf *d = x->ctx;
	enum what what = element(name);

	if (!d->body || x->rc < 0)
		return;
	switch (what) {
	case E_BODY: d->body = 0; break;
	case E_P: case E_H: end_paragraph(d); break;
	case E_LIST: d->lists--; break;
	case E_COMMENT: case E_ASIDE: end_aside(d); break;
	case E_BOX:
		if (d->paras || d->asides)
			end_aside(d);
		break;
	case E_TABLE: end_table(d); break;
	case E_HEAD_ROWS: case E_ROW: case E_CELL: table_ends(d, what); break;
	case E_NOTES: d->in_notes = false; break;
	case E_FRAME: d->in_title_frame = false; break;
	default: break;
	}
	if (d->aside.failed)
		d->r.rc = br_buf_check(&d->aside, "text beside the text", d->r.err);
	x->rc = d->r.rc;
}

static void doc_text(struct br_extract__xml *x, const char *p, size_t n)
{
	struct odf *d = x->ctx;

	if (d->body)
		words(d, p, n);
	x->rc = d->r.rc;
}

/* ---- the document ---- */

static void manifest_start(struct br_extract__xml *x, const char *name)
{
	((struct odf *)x->ctx)->encrypted |= !strcmp(name, "encryption-data");
}

static int check_encrypted(struct odf *d, struct br_extract__zip *z)
{
	static const struct br_extract__xml_events on = { .start = manifest_start };
	struct br_extract__xml x = { .on = &on, .ctx = d, .err = d->r.err };
	int rc = br_extract__xml_part(&x, z, "META-INF/manifest.xml");

	if (d->encrypted || br_extract__zip_find(z, "encrypted-package") >= 0)
		return br_fail(d->r.err, BR_EUNSUPPORTED, "is password-protected");
	return rc == -BR_ETOOBIG || rc == -BR_ENOMEM || rc == -BR_EUNSUPPORTED ? rc : 0;
}

static int read_content(struct odf *d, struct br_extract__zip *z, bool only_titles)
{
	static const struct br_extract__xml_events on = { doc_start, doc_end, doc_text };
	struct br_extract__xml x = { .on = &on, .ctx = d, .err = d->r.err };
	int rc;

	d->only_titles = only_titles;
	d->page = 0;
	rc = br_extract__xml_part(&x, z, "content.xml");
	if (d->in_sheet)
		end_sheet(d);
	d->body = d->paras = d->tables = d->asides = d->lists = 0;
	flush_aside(d);
	return rc == -BR_ENOTFOUND ? br_fail(d->r.err, BR_EINPUT, "damaged: its part 'content.xml' is missing") : rc;
}

static void styles_event(struct br_extract__xml *x, const char *name)
{
	style_start(x->ctx, x, name);
}

/* Lists may have styles of styles.xml. */
static int read_styles(struct odf *d, struct br_extract__zip *z)
{
	static const struct br_extract__xml_events on = { .start = styles_event };
	struct br_extract__xml x = { .on = &on, .ctx = d, .err = d->r.err };
	int rc = br_extract__xml_part(&x, z, "styles.xml");

	return rc == -BR_ENOTFOUND ? 0 : rc;
}

static int read_document(struct odf *d, struct br_extract__zip *z, struct br_extracted *out)
{
	char *meta = NULL;
	int rc;

	if ((rc = check_encrypted(d, z)) < 0 || (rc = read_styles(d, z)) < 0 ||
	    (d->format == BR_FMT_ODP && (rc = read_content(d, z, true)) < 0) || (rc = read_content(d, z, false)) < 0 ||
	    (rc = br_extract__finish(&d->r)) < 0 || (rc = br_extract__meta_title(&meta, z, "meta.xml", d->r.err)) < 0)
		return rc;
	out->format = d->format;
	{
		const char *const titles[] = { d->title, meta, d->slide_titles.n ? d->slide_titles.v[0] : NULL };
		br_extract__title(out, titles, BR_COUNT(titles), d->format == BR_FMT_ODT);
	}
	free(meta);
	return 0;
}

static void release_names(char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
}

int br_extract__odf(struct br_extracted *out, enum br_format format, struct br_slice bytes, struct br_err *err)
{
	struct odf d = { .format = format, .aside = BR_BUF_INIT(BR_EXTRACT_PART), .text = BR_BUF_INIT(BR_EXTRACT_PART) };
	struct br_extract__zip z;
	int rc;

	if ((rc = br_extract__zip_open(&z, bytes, err)) < 0)
		return rc;
	br_extract__render_init(&d.r, out, err);
	d.r.data_paras = DATA_PARAS;
	rc = read_document(&d, &z, out);
	br_extract__zip_close(&z);
	release_names(d.title_styles.v, d.title_styles.n);
	release_names(d.slide_titles.v, d.slide_titles.n);
	br_vec_release(&d.title_styles);
	br_vec_release(&d.slide_titles);
	br_vec_release(&d.styles);
	br_vec_release(&d.row);
	br_buf_release(&d.aside);
	br_buf_release(&d.text);
	free(d.title);
	br_extract__render_release(&d.r);
	return rc;
}
