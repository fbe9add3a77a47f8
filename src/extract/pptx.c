/*
 * PPTX: slides in the order they are shown, each a section under its title, with its tables, diagrams and notes; the
 * page is the number of the slide. Each slide is read twice, for its title need not come first.
 */
#include "extract/extract.h"

#include <stdio.h>
#include <stdlib.h>

enum { LEVELS = 9, DATA_PARAS = 20, MAX_SLIDES = 10000 };

enum pass { TITLE, BODY, NOTES, DIAGRAM };

struct pptx {
	struct br_extract__render r;
	struct br_extract__zip *zip;
	BR_VEC(char *) slides;           /* relation ids, in order */
	enum pass pass;
	struct br_buf title;
	char *first_title;
	/* in a shape */
	char holder[16];                 /* type of the placeholder it is, "" if none is said */
	bool is_holder, in_shape;
	bool in_text, choice, first_row;
	int tables;
	/* in a paragraph */
	bool described, no_bullet, bullet, noted;
	char number_format[24];
	unsigned level, count[LEVELS];
};

static bool is_title(const struct pptx *s)
{
	return !strcmp(s->holder, "title") || !strcmp(s->holder, "ctrTitle");
}

/* Whether what the shape says belongs to this pass. Dates, footers and numbers of slides are left out. */
static bool wanted(const struct pptx *s)
{
	static const char *const furniture[] = { "dt", "ftr", "sldNum", "hdr", "sldImg" };

	for (size_t i = 0; i < BR_COUNT(furniture); i++)
		if (!strcmp(s->holder, furniture[i]))
			return false;
	switch (s->pass) {
	case TITLE: return is_title(s) && s->in_shape;
	case BODY: return !is_title(s);
	case NOTES: return !strcmp(s->holder, "body");
	default: return true;
	}
}

/* ---- paragraphs ---- */

/* Text in the placeholder of a slide's body is a list unless it says otherwise. */
static bool is_list(const struct pptx *s)
{
	bool body = s->is_holder && (!s->holder[0] || !strcmp(s->holder, "body") || !strcmp(s->holder, "obj"));

	return s->pass == BODY && !s->no_bullet && (s->bullet || s->number_format[0] || body);
}

static void write_number(struct pptx *s)
{
	const char *f = s->number_format, *format = !strncmp(f, "alphaLc", 7) ? "lowerLetter" : !strncmp(f, "alphaUc",
	                                                                                                 7) ? "upperLetter" :
	                !strncmp(f, "romanLc", 7) ? "lowerRoman" : !strncmp(f, "romanUc", 7) ? "upperRoman" : "decimal";
	char ordinal[32], label[40];

	br_extract__ordinal(ordinal, format, ++s->count[s->level]);
	br_extract__words(&s->r, label, (size_t)snprintf(label, sizeof label, "%s. ", ordinal), 1);
}

static void describe(struct pptx *s)
{
	bool list = is_list(s) && !s->tables;

	if (s->described)
		return;
	s->described = true;
	s->r.kind = list ? BR_BLOCK_LIST : BR_BLOCK_PARA;
	s->r.level = (uint8_t)(list ? s->level + 1 : 0);
	for (unsigned i = s->level + 1; i < LEVELS; i++)
		s->count[i] = 0;
	if (s->pass == NOTES && !s->noted)
		br_extract__words(&s->r, "Notes: ", 7, 1);
	s->noted = true;
	if (list && s->number_format[0])
		write_number(s);
	else if (list)
		br_extract__words(&s->r, "- ", 2, 1);
}

static void begin_paragraph(struct pptx *s)
{
	if (s->pass == TITLE) {
		br_buf_addc(&s->title, ' ');
		return;
	}
	br_extract__end_block(&s->r);
	br_extract__table_para(&s->r);
	s->described = s->no_bullet = s->bullet = false;
	s->number_format[0] = 0;
	s->level = 0;
}

static void words(struct pptx *s, const char *p, size_t n)
{
	if (s->pass == TITLE) {
		br_buf_add(&s->title, p, n);
		return;
	}
	if (strspn(p, " \t\n") < n)
		describe(s);
	br_extract__words(&s->r, p, n, 1);
}

static void line_break(struct pptx *s)
{
	if (s->pass == TITLE)
		br_buf_addc(&s->title, ' ');
	else
		br_extract__line_break(&s->r);
}

/* ---- events of a slide ---- */

static void begin_shape(struct pptx *s)
{
	s->holder[0] = 0;
	s->is_holder = false;
	s->in_shape = true;
	memset(s->count, 0, sizeof s->count);
}

static unsigned level_of(struct br_extract__xml *x)
{
	int64_t n;

	return br_parse_int(&n, br_extract__xml_attr(x, "lvl"), 0, LEVELS - 1, "lvl", NULL) == 0 ? (unsigned)n : 0;
}

static bool is_true(const char *v) { return !strcmp(v, "1") || !strcmp(v, "true"); }

static void table_event(struct pptx *s, struct br_extract__xml *x, const char *name)
{
	if (!strcmp(name, "tbl") && !s->tables++) {
		br_extract__table_begin(&s->r);
		s->first_row = false;
	} else if (!strcmp(name, "tblPr")) {
		s->first_row = is_true(br_extract__xml_attr(x, "firstRow"));
	} else if (!strcmp(name, "tr")) {
		br_extract__table_row(&s->r, s->first_row);
		s->first_row = false;
	} else if (!strcmp(name, "tc")) {
		br_extract__table_cell(&s->r, false);
	}
}

static void slide_start(struct br_extract__xml *x, const char *name)
{
	struct pptx *s = x->ctx;

	if (!strcmp(name, "Fallback"))
		x->skip = s->choice ? x->depth : 0;
	else if (!strcmp(name, "sp") || !strcmp(name, "graphicFrame") || !strcmp(name, "pic"))
		begin_shape(s);
	else if (!strcmp(name, "ph")) {
		snprintf(s->holder, sizeof s->holder, "%s", br_extract__xml_attr(x, "type"));
		s->is_holder = true;
	} else if (!wanted(s))
		return;
	else if (!strcmp(name, "t"))
		s->in_text = true;
	else if (!strcmp(name, "p"))
		begin_paragraph(s);
	else if (!strcmp(name, "pPr"))
		s->level = level_of(x);
	else if (!strcmp(name, "buNone"))
		s->no_bullet = true;
	else if (!strcmp(name, "buChar"))
		s->bullet = true;
	else if (!strcmp(name, "buAutoNum"))
		snprintf(s->number_format, sizeof s->number_format, "%s", br_extract__xml_attr(x, "type"));
	else if (!strcmp(name, "br"))
		line_break(s);
	else if (s->pass == BODY)
		table_event(s, x, name);
	x->rc = s->r.rc;
}

static void slide_end(struct br_extract__xml *x, const char *name)
{
	struct pptx *s = x->ctx;

	if (!strcmp(name, "Choice"))
		s->choice = true;
	else if (!strcmp(name, "Fallback"))
		s->choice = false;
	else if (!strcmp(name, "t"))
		s->in_text = false;
	else if (!strcmp(name, "sp"))
		s->in_shape = false;
	else if (!strcmp(name, "p") && s->pass != TITLE)
		br_extract__end_block(&s->r);
	else if (!strcmp(name, "tbl") && s->tables && !--s->tables)
		br_extract__table_end(&s->r);
	x->rc = s->r.rc;
}

static void slide_text(struct br_extract__xml *x, const char *p, size_t n)
{
	struct pptx *s = x->ctx;

	if (s->in_text)
		words(s, p, n);
	x->rc = s->r.rc;
}

/* ---- slides ---- */

static int pass(struct pptx *s, enum pass what, const char *part)
{
	static const struct br_extract__xml_events on = { slide_start, slide_end, slide_text };
	struct br_extract__xml x = { .on = &on, .ctx = s, .err = s->r.err };
	int rc;

	s->pass = what;
	s->choice = s->in_text = s->in_shape = s->noted = false;
	s->tables = 0;
	s->holder[0] = 0;
	rc = *part ? br_extract__xml_part(&x, s->zip, part) : 0;
	br_extract__table_end(&s->r);
	br_extract__cut_block(&s->r);
	return what != TITLE && rc == -BR_ENOTFOUND ? 0 : rc;
}

static void head(struct pptx *s)
{
	char number[32];

	if (strspn(s->title.ptr, " \t\n") == s->title.len) {
		snprintf(number, sizeof number, "Slide %u", s->r.page);
		br_extract__heading(&s->r, 1, number);
		return;
	}
	br_extract__heading(&s->r, 1, s->title.ptr);
	if (!s->first_title)
		s->first_title = br_strdup(s->title.ptr);
}

static int read_slide(struct pptx *s, const char *part)
{
	struct br_extract__rels rels;
	int rc;

	br_buf_reset(&s->title);
	if ((rc = pass(s, TITLE, part)) < 0)
		return rc;
	head(s);
	if ((rc = pass(s, BODY, part)) < 0 || (rc = br_extract__rels_read(&rels, s->zip, part, s->r.err)) < 0)
		return rc;
	for (size_t i = 0; i < rels.v.n && rc == 0; i++) {
		const struct br_extract__rel *rel = &rels.v.v[i];
		if (!strcmp(rel->type, "diagramData") || !strcmp(rel->type, "chart"))
			rc = pass(s, DIAGRAM, rel->target);
	}
	if (rc == 0)
		rc = pass(s, NOTES, br_extract__rel_of_type(&rels, "notesSlide"));
	br_extract__rels_release(&rels);
	return rc;
}

/* ---- the presentation ---- */

static void presentation_start(struct br_extract__xml *x, const char *name)
{
	struct pptx *s = x->ctx;

	if (!strcmp(name, "sldId") && s->slides.n < MAX_SLIDES)
		*br_vec_push(&s->slides) = br_strdup(br_extract__xml_attr_in(x, "relationships", "id"));
}

static int read_slides(struct pptx *s, const char *main)
{
	static const struct br_extract__xml_events on = { .start = presentation_start };
	struct br_extract__xml x = { .on = &on, .ctx = s, .err = s->r.err };
	struct br_extract__rels rels;
	int rc = br_extract__xml_part(&x, s->zip, main);

	if (rc < 0 || (rc = br_extract__rels_read(&rels, s->zip, main, s->r.err)) < 0)
		return rc;
	for (size_t i = 0; i < s->slides.n && rc == 0; i++) {
		const char *part = br_extract__rel_target(&rels, s->slides.v[i]);
		s->r.page = (uint32_t)i + 1;
		rc = *part ? read_slide(s, part) : 0;
		if (rc == -BR_ENOTFOUND) /* a slide that is listed but gone */
			rc = 0;
	}
	br_extract__rels_release(&rels);
	return rc;
}

int br_extract__pptx(struct br_extracted *out, struct br_extract__zip *z, const char *main, struct br_err *err)
{
	struct pptx s = { .zip = z, .title = BR_BUF_INIT(1 << 20) };
	char *meta = NULL;
	int rc;

	br_extract__render_init(&s.r, out, err);
	s.r.data_paras = DATA_PARAS;
	if ((rc = read_slides(&s, main)) == 0 && (rc = br_extract__finish(&s.r)) == 0 &&
	    (rc = br_extract__meta_title(&meta, z, "docProps/core.xml", err)) == 0) {
		const char *const titles[] = { meta, s.first_title };
		br_extract__title(out, titles, BR_COUNT(titles), false);
	}
	for (size_t i = 0; i < s.slides.n; i++)
		free(s.slides.v[i]);
	br_vec_release(&s.slides);
	br_buf_release(&s.title);
	free(s.first_title);
	free(meta);
	br_extract__render_release(&s.r);
	return rc;
}
