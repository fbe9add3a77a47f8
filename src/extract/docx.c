/*
 * DOCX: paragraphs, headings by the outline level of their style, lists with the numbers Word would print, tables, and
 * what stands beside the text - notes, comments, text boxes, which follow the paragraph they belong to, and page
 * headers, which come last and once. Of tracked changes what would be there if all were accepted.
 */
#include "extract/extract.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { LEVELS = 9, STYLE_DEPTH = 16, NO_OUTLINE = 9, DATA_PARAS = 20, LABEL = 64, MAX_RECORDS = 65536 };

/* ---- what the other parts say ---- */

struct style {
	char *id, *based;
	int outline;             /* 0..8, NO_OUTLINE: body text, -1: not said */
	int num, level;          /* numbering, -1: not said */
	bool title, toc;
};
struct list_level { char format[16], text[LABEL]; unsigned start; };
struct abstract {
	int id;
	struct list_level level[LEVELS];
	unsigned count[LEVELS];
	bool begun[LEVELS];
};
struct num { int id, abstract; int start[LEVELS]; bool used[LEVELS]; };
struct note { char kind; int id; char *text; };

struct docx {
	struct br_extract__render r;
	struct br_extract__zip *zip;
	BR_VEC(struct style) styles;
	BR_VEC(struct abstract *) abstracts;
	BR_VEC(struct num) nums;
	BR_VEC(struct note) notes;
	int at_level;                    /* numbering.xml: level being read */
	/* document.xml */
	int paras, tables, boxes;        /* how many are open */
	bool in_text, choice, row_pending, head_row, first_row;
	bool drop;                       /* this paragraph is left out */
	bool to_aside;                   /* all words go to `aside`: notes, headers */
	char style[LABEL];
	int outline, num, level;         /* of the paragraph, -1: not said */
	char label[2 * LABEL];           /* number to write before its first word */
	char note_kind;
	int note_id;
	struct br_buf aside;             /* what follows the paragraph, a line each */
	char *title;                     /* of a paragraph in style Title */
	size_t title_at;
	bool in_title;
};

static int number(struct br_extract__xml *x, const char *name, int otherwise)
{
	const char *v = br_extract__xml_attr(x, name);
	int64_t n;

	return *v && br_parse_int(&n, v, -1000000, 1000000000, name, NULL) == 0 ? (int)n : otherwise;
}

/* ---- styles.xml ---- */

static void name_style(struct style *s, const char *name)
{
	if (!strncasecmp(name, "heading ", 8) && name[8] >= '1' && name[8] <= '9' && !name[9] && s->outline < 0)
		s->outline = name[8] - '1';
	s->title |= !strcasecmp(name, "title");
	s->toc |= (!strncasecmp(name, "toc ", 4) && isdigit((unsigned char)name[4])) || !strncasecmp(name, "table of ", 9);
}

static void style_start(struct br_extract__xml *x, const char *name)
{
	struct docx *d = x->ctx;
	struct style *s = d->styles.n ? &d->styles.v[d->styles.n - 1] : NULL;

	if (!strcmp(name, "style") && d->styles.n < MAX_RECORDS) {
		s = br_vec_push(&d->styles);
		*s = (struct style){ .outline = -1, .num = -1, .level = -1 };
		s->id = br_strdup(br_extract__xml_attr(x, "styleId"));
	} else if (!s) {
		return;
	} else if (!strcmp(name, "name")) {
		name_style(s, br_extract__xml_attr(x, "val"));
	} else if (!strcmp(name, "basedOn") && !s->based) {
		s->based = br_strdup(br_extract__xml_attr(x, "val"));
	} else if (!strcmp(name, "outlineLvl")) {
		s->outline = BR_MIN(BR_MAX(number(x, "val", NO_OUTLINE), 0), NO_OUTLINE);
	} else if (!strcmp(name, "numId")) {
		s->num = number(x, "val", 0);
	} else if (!strcmp(name, "ilvl")) {
		s->level = number(x, "val", 0);
	}
}

static const struct style *find_style(const struct docx *d, const char *id)
{
	for (size_t i = 0; id && *id && i < d->styles.n; i++)
		if (!strcmp(d->styles.v[i].id, id))
			return &d->styles.v[i];
	return NULL;
}

/* With what it inherits. */
static struct style resolve_style(const struct docx *d, const char *id)
{
	struct style out = { .outline = -1, .num = -1, .level = -1 };
	const struct style *s = find_style(d, id);

	for (int depth = 0; s && depth < STYLE_DEPTH; depth++) {
		out.outline = out.outline < 0 ? s->outline : out.outline;
		out.num = out.num < 0 ? s->num : out.num;
		out.level = out.level < 0 ? s->level : out.level;
		out.title |= s->title;
		out.toc |= s->toc;
		s = find_style(d, s->based);
	}
	return out;
}

/* ---- numbering.xml ---- */

static struct list_level *level_now(struct docx *d)
{
	if (!d->abstracts.n || d->at_level < 0 || d->at_level >= LEVELS || d->nums.n)
		return NULL;
	return &d->abstracts.v[d->abstracts.n - 1]->level[d->at_level];
}

static void numbering_start(struct br_extract__xml *x, const char *name)
{
	struct docx *d = x->ctx;
	struct list_level *l = level_now(d);

	if (!strcmp(name, "abstractNum") && d->abstracts.n < MAX_RECORDS) {
		struct abstract *a = br_alloc(sizeof *a);
		a->id = number(x, "abstractNumId", -1);
		*br_vec_push(&d->abstracts) = a;
		d->at_level = -1;
	} else if (!strcmp(name, "num") && d->nums.n < MAX_RECORDS) {
		struct num *n = br_vec_push(&d->nums);
		*n = (struct num){ .id = number(x, "numId", -1), .abstract = -1 };
		memset(n->start, -1, sizeof n->start);
	} else if (!strcmp(name, "abstractNumId") && d->nums.n) {
		d->nums.v[d->nums.n - 1].abstract = number(x, "val", -1);
	} else if (!strcmp(name, "lvl") || !strcmp(name, "lvlOverride")) {
		d->at_level = number(x, "ilvl", -1);
		if ((l = level_now(d)))
			l->start = 1;
	} else if (!strcmp(name, "startOverride") && d->nums.n && d->at_level >= 0 && d->at_level < LEVELS) {
		d->nums.v[d->nums.n - 1].start[d->at_level] = BR_MAX(number(x, "val", 1), 0);
	} else if (!strcmp(name, "start") && l) {
		l->start = (unsigned)BR_MAX(number(x, "val", 1), 0);
	} else if (!strcmp(name, "numFmt") && l) {
		snprintf(l->format, sizeof l->format, "%s", br_extract__xml_attr(x, "val"));
	} else if (!strcmp(name, "lvlText") && l) {
		snprintf(l->text, sizeof l->text, "%s", br_extract__xml_attr(x, "val"));
	}
}

static struct num *find_num(struct docx *d, int id)
{
	for (size_t i = 0; i < d->nums.n; i++)
		if (d->nums.v[i].id == id)
			return &d->nums.v[i];
	return NULL;
}

static struct abstract *find_abstract(struct docx *d, int id)
{
	for (size_t i = 0; i < d->abstracts.n; i++)
		if (d->abstracts.v[i]->id == id)
			return d->abstracts.v[i];
	return NULL;
}

static void count(struct abstract *a, struct num *n, int level)
{
	if (n->start[level] >= 0 && !n->used[level])
		a->count[level] = (unsigned)n->start[level];
	else
		a->count[level] = a->begun[level] ? a->count[level] + 1 : a->level[level].start;
	n->used[level] = a->begun[level] = true;
	for (int i = level + 1; i < LEVELS; i++)
		a->begun[i] = false;
}

/* "%1.%2." with the numbers of the levels; "-" for a bullet. */
static void write_label(struct docx *d, const struct abstract *a, int level)
{
	const char *format = a->level[level].format;
	size_t n = 0;

	d->label[0] = 0;
	if (!strcmp(format, "none"))
		return;
	if (!strcmp(format, "bullet")) {
		strcpy(d->label, "-");
		return;
	}
	for (const char *p = a->level[level].text; *p && n + 40 < sizeof d->label; p++) {
		int k = p[0] == '%' && p[1] >= '1' && p[1] <= '9' ? p[1] - '1' : -1;
		char ordinal[32];
		if (k < 0) {
			d->label[n++] = *p;
			continue;
		}
		br_extract__ordinal(ordinal, a->level[k].format, a->begun[k] ? a->count[k] : a->level[k].start);
		n += (size_t)snprintf(d->label + n, sizeof d->label - n, "%s", ordinal);
		p++;
	}
	d->label[n] = 0;
}

/* ---- notes, comments ---- */

static void add_line(struct docx *d)
{
	if (d->aside.len && d->aside.ptr[d->aside.len - 1] != '\n')
		br_buf_addc(&d->aside, '\n');
}

static void begin_note(struct docx *d, struct br_extract__xml *x, char kind)
{
	const char *author;

	br_buf_reset(&d->aside);
	d->note_kind = kind;
	d->note_id = number(x, "id", -1);
	if (kind != 'c')
		return;
	author = br_extract__xml_attr(x, "author");
	br_buf_addf(&d->aside, "Comment%s%s: ", *author ? " by " : "", author);
}

/* Lines become one; separators and other notes that are only made of lines have no text. */
static void end_note(struct docx *d)
{
	while (d->aside.len && (unsigned char)d->aside.ptr[d->aside.len - 1] <= ' ')
		d->aside.len--;
	for (size_t i = 0; i < d->aside.len; i++)
		d->aside.ptr[i] = d->aside.ptr[i] == '\n' ? ' ' : d->aside.ptr[i];
	if (d->aside.len && d->note_id >= 0 && d->notes.n < MAX_RECORDS)
		*br_vec_push(&d->notes) = (struct note){ d->note_kind, d->note_id, br_strndup(d->aside.ptr, d->aside.len) };
	br_buf_reset(&d->aside);
	d->note_kind = 0;
}

static void refer(struct docx *d, char kind, int id)
{
	for (size_t i = 0; i < d->notes.n; i++) {
		if (d->notes.v[i].kind != kind || d->notes.v[i].id != id || !d->notes.v[i].text)
			continue;
		add_line(d);
		br_buf_adds(&d->aside, d->notes.v[i].text);
		br_buf_addc(&d->aside, '\n');
		free(d->notes.v[i].text); /* once, however often it is referred to */
		d->notes.v[i].text = NULL;
	}
}

static void flush_aside(struct docx *d)
{
	if (d->to_aside || d->tables || !d->aside.len)
		return;
	br_extract__paragraphs(&d->r, br_buf_slice(&d->aside));
	br_buf_reset(&d->aside);
}

/* ---- paragraphs ---- */

static bool aside(const struct docx *d) { return d->to_aside || d->boxes; }

static void words(struct docx *d, const char *p, size_t n)
{
	if (aside(d)) {
		br_buf_add(&d->aside, p, n);
		return;
	}
	if (d->drop)
		return;
	if (d->label[0]) {
		size_t k = strlen(d->label);
		d->label[k++] = ' ';
		br_extract__words(&d->r, d->label, k, 1);
		d->label[0] = 0;
	}
	br_extract__words(&d->r, p, n, 1);
}

static void begin_paragraph(struct docx *d)
{
	d->paras++;
	if (aside(d)) {
		add_line(d);
		return;
	}
	br_extract__end_block(&d->r);
	if (d->tables == 1)
		br_extract__table_para(&d->r);
	d->r.kind = BR_BLOCK_PARA;
	d->r.level = 0;
	d->style[0] = d->label[0] = 0;
	d->outline = d->num = d->level = -1;
	d->in_title = d->drop = false;
}

static void number_paragraph(struct docx *d, int num, int level)
{
	struct num *n = num > 0 ? find_num(d, num) : NULL;
	struct abstract *a = n ? find_abstract(d, n->abstract) : NULL;

	level = BR_MIN(BR_MAX(level, 0), LEVELS - 1);
	if (!a)
		return;
	count(a, n, level);
	write_label(d, a, level);
	if (d->r.kind == BR_BLOCK_PARA) {
		d->r.kind = BR_BLOCK_LIST;
		d->r.level = (uint8_t)(level + 1);
	}
}

/* Behind <w:pPr>: everything is known that decides what the paragraph is. */
static void describe_paragraph(struct docx *d)
{
	struct style s = resolve_style(d, d->style);
	int outline = d->outline >= 0 ? d->outline : s.outline;

	if (aside(d))
		return;
	d->drop = s.toc;
	if (!d->tables && (s.title || (outline >= 0 && outline < NO_OUTLINE))) {
		d->r.kind = BR_BLOCK_HEADING;
		d->r.level = (uint8_t)(s.title ? 1 : BR_MIN(outline + 1, BR_MAX_HEADING_DEPTH));
	}
	d->in_title = s.title && !d->title && !d->tables;
	d->title_at = d->r.out->text.len;
	number_paragraph(d, d->num >= 0 ? d->num : s.num, d->level >= 0 ? d->level : s.level);
}

static void end_paragraph(struct docx *d)
{
	const struct br_buf *t = &d->r.out->text;

	d->paras--;
	if (aside(d)) {
		add_line(d);
		return;
	}
	br_extract__end_block(&d->r);
	d->label[0] = 0;
	if (d->in_title && t->len > d->title_at)
		d->title = br_strndup(t->ptr + d->title_at, t->len - d->title_at);
	d->in_title = false;
	flush_aside(d);
}

/* ---- tables ---- */

static void begin_table(struct docx *d)
{
	if (aside(d) || ++d->tables > 1)
		return;
	br_extract__table_begin(&d->r);
	d->first_row = d->row_pending = false;
}

static void end_table(struct docx *d)
{
	if (aside(d) || --d->tables)
		return;
	br_extract__table_end(&d->r);
	flush_aside(d);
}

static void begin_cell(struct docx *d)
{
	if (aside(d)) {
		br_buf_addc(&d->aside, ' ');
		return;
	}
	d->r.space = true;
	if (d->tables != 1)
		return;
	if (d->row_pending)
		br_extract__table_row(&d->r, d->head_row);
	d->row_pending = d->head_row = false;
	br_extract__table_cell(&d->r, false);
}

/* ---- document.xml ---- */

enum what {
	E_NONE, E_P, E_PPR, E_STYLE, E_OUTLINE, E_NUM, E_LEVEL, E_T, E_TAB, E_BR, E_HYPHEN, E_TBL, E_LOOK, E_TR, E_HEAD_ROW,
	E_TC, E_SKIP, E_CHOICE, E_FALLBACK, E_BOX, E_FOOT, E_END, E_COMMENT, E_FOOT_REF, E_END_REF, E_COMMENT_REF,
};
static const struct element { const char *name; enum what what; } elements[] = { /* sorted */
	{ "Choice", E_CHOICE }, { "Fallback", E_FALLBACK }, { "br", E_BR }, { "comment", E_COMMENT },
	{ "commentReference", E_COMMENT_REF }, { "cr", E_BR }, { "del", E_SKIP }, { "endnote", E_END },
	{ "endnoteReference", E_END_REF }, { "footnote", E_FOOT }, { "footnoteReference", E_FOOT_REF }, { "ilvl", E_LEVEL },
	{ "moveFrom", E_SKIP }, { "noBreakHyphen", E_HYPHEN }, { "numId", E_NUM }, { "numberingChange", E_SKIP },
	{ "outlineLvl", E_OUTLINE }, { "p", E_P }, { "pPr", E_PPR }, { "pPrChange", E_SKIP }, { "pStyle", E_STYLE },
	{ "ptab", E_TAB }, { "rPr", E_SKIP }, { "rt", E_SKIP }, { "sectPr", E_SKIP }, { "t", E_T }, { "tab", E_TAB },
	{ "tbl", E_TBL }, { "tblHeader", E_HEAD_ROW }, { "tblLook", E_LOOK }, { "tblPrChange", E_SKIP }, { "tc", E_TC },
	{ "tcPrChange", E_SKIP }, { "tr", E_TR }, { "trPrChange", E_SKIP }, { "txbxContent", E_BOX },
};

static int by_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct element *)row)->name);
}

/* Drawings and formulas have elements of the same names: of theirs only the words of formulas count. */
static enum what element(const char *name, const char *space)
{
	const struct element *e = bsearch(name, elements, BR_COUNT(elements), sizeof *elements, by_name);

	if (!e)
		return E_NONE;
	if (strstr(space, "wordprocessingml") || strstr(space, "markup-compatibility"))
		return e->what;
	return e->what == E_T && strstr(space, "/math") ? E_T : E_NONE;
}

static bool first_row_is_head(struct br_extract__xml *x)
{
	const char *first = br_extract__xml_attr(x, "firstRow");

	if (*first)
		return strcmp(first, "0") && strcmp(first, "false");
	return (strtoul(br_extract__xml_attr(x, "val"), NULL, 16) & 0x20) != 0;
}

static bool is_off(struct br_extract__xml *x)
{
	const char *v = br_extract__xml_attr(x, "val");

	return !strcmp(v, "0") || !strcmp(v, "false") || !strcmp(v, "off");
}

static void doc_start(struct br_extract__xml *x, const char *name)
{
	struct docx *d = x->ctx;

	switch (element(name, x->space)) {
	case E_P: begin_paragraph(d); break;
	case E_STYLE:
		if (!aside(d))
			snprintf(d->style, sizeof d->style, "%s", br_extract__xml_attr(x, "val"));
		break;
	case E_OUTLINE: d->outline = BR_MIN(BR_MAX(number(x, "val", NO_OUTLINE), 0), NO_OUTLINE); break;
	case E_NUM: d->num = BR_MAX(number(x, "val", 0), 0); break;
	case E_LEVEL: d->level = BR_MAX(number(x, "val", 0), 0); break;
	case E_T: d->in_text = true; break;
	case E_TAB:
		if (d->paras) /* not a tab stop of a style */
			words(d, "\t", 1);
		break;
	case E_BR:
		if (aside(d))
			br_buf_addc(&d->aside, ' ');
		else
			br_extract__line_break(&d->r);
		break;
	case E_HYPHEN: words(d, "-", 1); break;
	case E_TBL: begin_table(d); break;
	case E_LOOK: d->first_row |= d->tables == 1 && first_row_is_head(x); break;
	case E_TR:
		if (d->tables == 1 && !aside(d)) {
			d->row_pending = true;
			d->head_row = d->first_row;
			d->first_row = false;
		}
		break;
	case E_HEAD_ROW: d->head_row |= d->tables == 1 && !is_off(x); break;
	case E_TC: begin_cell(d); break;
	case E_SKIP: x->skip = x->depth; break;
	case E_FALLBACK: x->skip = d->choice ? x->depth : 0; break;
	case E_BOX:
		add_line(d);
		d->boxes++;
		break;
	case E_FOOT: begin_note(d, x, 'f'); break;
	case E_END: begin_note(d, x, 'e'); break;
	case E_COMMENT: begin_note(d, x, 'c'); break;
	case E_FOOT_REF: refer(d, 'f', number(x, "id", -1)); break;
	case E_END_REF: refer(d, 'e', number(x, "id", -1)); break;
	case E_COMMENT_REF: refer(d, 'c', number(x, "id", -1)); break;
	default: break;
	}
	x->rc = d->r.rc;
}

static void doc_end(struct br_extract__xml *x, const char *name)
{
	struct docx *d = x->ctx;

	switch (element(name, x->space)) {
	case E_P: end_paragraph(d); break;
	case E_PPR: describe_paragraph(d); break;
	case E_T: d->in_text = false; break;
	case E_TBL: end_table(d); break;
	case E_CHOICE: d->choice = true; break;
	case E_FALLBACK: d->choice = false; break;
	case E_BOX:
		add_line(d);
		d->boxes--;
		break;
	case E_FOOT: case E_END: case E_COMMENT: end_note(d); break;
	default: break;
	}
	x->rc = d->r.rc;
}

static void doc_text(struct br_extract__xml *x, const char *p, size_t n)
{
	struct docx *d = x->ctx;

	if (d->in_text)
		words(d, p, n);
	if (d->aside.failed)
		d->r.rc = br_buf_check(&d->aside, "text beside the text", d->r.err);
	x->rc = d->r.rc;
}

/* ---- the document ---- */

static int optional_part(struct docx *d, const char *name, const struct br_extract__xml_events *on)
{
	struct br_extract__xml x = { .on = on, .ctx = d, .err = d->r.err };
	int rc = *name ? br_extract__xml_part(&x, d->zip, name) : 0;

	return rc == -BR_ENOTFOUND ? 0 : rc;
}

static const struct br_extract__xml_events doc_events = { doc_start, doc_end, doc_text };

static int read_notes(struct docx *d, const struct br_extract__rels *rels)
{
	static const char *const types[] = { "footnotes", "endnotes", "comments" };
	int rc = 0;

	d->to_aside = true;
	for (size_t i = 0; i < BR_COUNT(types) && rc == 0; i++)
		rc = optional_part(d, br_extract__rel_of_type(rels, types[i]), &doc_events);
	d->to_aside = false;
	br_buf_reset(&d->aside);
	return rc;
}

static bool is_new(const struct docx *d, const char *p, size_t n)
{
	const struct br_buf *t = &d->r.out->text;
	size_t letters = 0;

	for (size_t i = 0; i < n; i++)
		letters += isalpha((unsigned char)p[i]) || (p[i] & 0x80);
	return letters >= 4 && !memmem(t->ptr, t->len, p, n);
}

/* Headers and footers: each line that the document does not have already. */
static int read_margins(struct docx *d, const struct br_extract__rels *rels)
{
	int rc = 0;

	for (size_t i = 0; i < rels->v.n && rc == 0; i++) {
		const struct br_extract__rel *r = &rels->v.v[i];
		if (strcmp(r->type, "header") && strcmp(r->type, "footer"))
			continue;
		br_buf_reset(&d->aside);
		d->to_aside = true;
		rc = optional_part(d, r->target, &doc_events);
		d->to_aside = false;
		for (const char *p = d->aside.ptr, *nl; rc == 0 && (nl = strchr(p, '\n')); p = nl + 1)
			if (is_new(d, p, (size_t)(nl - p)))
				br_extract__paragraphs(&d->r, br_slice(p, (size_t)(nl - p)));
	}
	return rc;
}

static int read_parts(struct docx *d, const char *main)
{
	static const struct br_extract__xml_events styles = { .start = style_start }, numbering = { .start = numbering_start };
	struct br_extract__xml x = { .on = &doc_events, .ctx = d, .err = d->r.err };
	struct br_extract__rels rels;
	int rc = br_extract__rels_read(&rels, d->zip, main, d->r.err);

	if (rc == 0 && (rc = optional_part(d, br_extract__rel_of_type(&rels, "styles"), &styles)) == 0 &&
	    (rc = optional_part(d, br_extract__rel_of_type(&rels, "numbering"), &numbering)) == 0 &&
	        (rc = read_notes(d, &rels)) == 0 &&
	    (rc = br_extract__xml_part(&x, d->zip, main)) == 0) {
		flush_aside(d);
		rc = read_margins(d, &rels);
	}
	br_extract__rels_release(&rels);
	return rc;
}

static void release(struct docx *d)
{
	for (size_t i = 0; i < d->styles.n; i++) {
		free(d->styles.v[i].id);
		free(d->styles.v[i].based);
	}
	for (size_t i = 0; i < d->abstracts.n; i++)
		free(d->abstracts.v[i]);
	for (size_t i = 0; i < d->notes.n; i++)
		free(d->notes.v[i].text);
	br_vec_release(&d->styles);
	br_vec_release(&d->abstracts);
	br_vec_release(&d->nums);
	br_vec_release(&d->notes);
	br_buf_release(&d->aside);
	free(d->title);
	br_extract__render_release(&d->r);
}

int br_extract__docx(struct br_extracted *out, struct br_extract__zip *z, const char *main, struct br_err *err)
{
	struct docx d = { .zip = z, .aside = BR_BUF_INIT(BR_EXTRACT_PART) };
	char *meta = NULL;
	int rc;

	br_extract__render_init(&d.r, out, err);
	d.r.data_paras = DATA_PARAS;
	if ((rc = read_parts(&d, main)) == 0 && (rc = br_extract__finish(&d.r)) == 0 &&
	    (rc = br_extract__meta_title(&meta, z, "docProps/core.xml", err)) == 0) {
		const char *const titles[] = { d.title, meta };
		br_extract__title(out, titles, BR_COUNT(titles), true);
	}
	free(meta);
	release(&d);
	return rc;
}
