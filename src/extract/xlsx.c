/*
 * XLSX, transitional and strict: sheets in the order of the workbook, hidden ones too; each a section under its name,
 * the page is the number of the sheet. Cells show what a person would read: dates by the cell's style, numbers without
 * exponent, results of formulas.
 */
#include "extract/extract.h"
#include "br/os.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_SHEETS = 10000, MAX_STYLES = 1 << 17, MAX_STRINGS = 8 << 20 };

enum style { PLAIN, PERCENT, DATE, TIME, DATE_TIME };

struct sheet_ref { char *name, *rel; };
struct format { int id; enum style style; };

struct xlsx {
	struct br_extract__render r;
	struct br_extract__zip *zip;
	BR_VEC(struct sheet_ref) refs;
	bool date1904;
	struct br_buf strings;           /* all shared strings, one behind the other */
	BR_VEC(uint32_t) ends;           /* where each ends */
	BR_VEC(struct format) formats;   /* of the workbook's own */
	BR_VEC(uint8_t) styles;          /* of cells, by number */
	bool in_text, in_xfs;
	/* the sheet being read */
	struct br_extract__sheet sheet;
	unsigned column;
	char type[12];
	unsigned style;
	struct br_buf value;
	char note_ref[16];
};

/* ---- number formats ---- */

/* Ids that have no format code of their own; 27 to 36 and 50 to 58 are dates of East Asia. */
static enum style builtin(int id)
{
	if (id == 9 || id == 10)
		return PERCENT;
	if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 58))
		return DATE;
	if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || (id >= 45 && id <= 47))
		return TIME;
	return id == 22 ? DATE_TIME : PLAIN;
}

/* Past what is text in a format code: "...", \x, _x, *x, [colour]; but [h] counts hours. */
static const char *skip_literal(const char *p)
{
	const char *end = *p == '"' ? strchr(p + 1, '"') : *p == '[' && !strchr("hHmMsS", p[1]) ? strchr(p, ']') : NULL;

	if (end)
		return end + 1;
	return (*p == '\\' || *p == '_' || *p == '*') && p[1] ? p + 2 : NULL;
}

static enum style by_code(const char *p)
{
	bool date = false, time = false, month = false, percent = false;

	if (!strncmp(p, "General", 7))
		return PLAIN;
	while (*p && *p != ';') {
		const char *behind = skip_literal(p);
		if (behind) {
			p = behind;
			continue;
		}
		date |= strchr("yYdD", *p) != NULL;
		time |= strchr("hHsS", *p) != NULL;
		month |= *p == 'm' || *p == 'M';
		percent |= *p == '%';
		p++;
	}
	if (time)
		return date ? DATE_TIME : TIME;
	return date || month ? DATE : percent ? PERCENT : PLAIN;
}

static int int_attr(struct br_extract__xml *x, const char *name, int otherwise)
{
	const char *v = br_extract__xml_attr(x, name);
	int64_t n;

	return *v && br_parse_int(&n, v, 0, 1 << 30, name, NULL) == 0 ? (int)n : otherwise;
}

static void style_start(struct br_extract__xml *x, const char *name)
{
	struct xlsx *w = x->ctx;

	if (!strcmp(name, "numFmt") && w->formats.n < MAX_STYLES) {
		struct format f = { .id = int_attr(x, "numFmtId", -1) };
		f.style = by_code(br_extract__xml_attr(x, "formatCode"));
		*br_vec_push(&w->formats) = f;
	} else if (!strcmp(name, "cellXfs")) {
		w->in_xfs = true;
	} else if (!strcmp(name, "xf") && w->in_xfs && w->styles.n < MAX_STYLES) {
		int id = int_attr(x, "numFmtId", 0);
		enum style s = builtin(id);
		for (size_t i = 0; i < w->formats.n; i++)
			if (w->formats.v[i].id == id)
				s = w->formats.v[i].style;
		*br_vec_push(&w->styles) = (uint8_t)s;
	}
}

static void style_end(struct br_extract__xml *x, const char *name)
{
	if (!strcmp(name, "cellXfs"))
		((struct xlsx *)x->ctx)->in_xfs = false;
}

/* ---- shared strings ---- */

static void string_start(struct br_extract__xml *x, const char *name)
{
	struct xlsx *w = x->ctx;

	if (!strcmp(name, "rPh")) /* how it is pronounced */
		x->skip = x->depth;
	w->in_text = !strcmp(name, "t");
}

static void string_end(struct br_extract__xml *x, const char *name)
{
	struct xlsx *w = x->ctx;

	w->in_text = false;
	if (strcmp(name, "si"))
		return;
	if (w->ends.n >= MAX_STRINGS)
		x->rc = br_fail(x->err, BR_ETOOBIG, "more than %u strings", MAX_STRINGS);
	else
		*br_vec_push(&w->ends) = (uint32_t)w->strings.len;
}

static void string_text(struct br_extract__xml *x, const char *p, size_t n)
{
	struct xlsx *w = x->ctx;

	if (w->in_text)
		br_buf_add(&w->strings, p, n);
	if (w->strings.failed)
		x->rc = br_buf_check(&w->strings, "shared strings", x->err);
}

static struct br_slice shared(const struct xlsx *w, const char *index)
{
	int64_t i;
	uint32_t from;

	if (!w->ends.n || br_parse_int(&i, index, 0, (int64_t)w->ends.n - 1, "index", NULL) < 0)
		return br_slice("", 0);
	from = i ? w->ends.v[i - 1] : 0;
	return br_slice(w->strings.ptr + from, w->ends.v[i] - from);
}

/* ---- cells ---- */

/* Days since 1899-12-30 to a date; the year 1900 had no 29th of February, but Excel has one. */
static int write_date(char out[64], int64_t days)
{
	char iso[32];

	br_time_iso(iso, (days - 25569) * 86400);
	return snprintf(out, 64, "%.10s", iso);
}

static void write_time(char *out, size_t room, int64_t seconds)
{
	if (seconds % 60)
		snprintf(out, room, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
	else
		snprintf(out, room, "%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60));
}

static bool write_moment(char out[64], const struct xlsx *w, const char *value, enum style s)
{
	char *end;
	double v = strtod(value, &end);
	int64_t seconds, days;
	int n = 0;

	if (end == value || *end || !isfinite(v) || v < 0 || v > 2958466)
		return false;
	seconds = llround(v * 86400);
	if (s == TIME && (v < 1 || w->date1904)) {
		write_time(out, 64, seconds);
		return true;
	}
	days = seconds / 86400 + (w->date1904 ? 1462 : 0);
	seconds %= 86400;
	if (days < 60 && !w->date1904)
		days++;
	if (s == TIME && v < 60) { /* hours beyond a day */
		write_time(out, 64, llround(v * 86400));
		return true;
	}
	n = write_date(out, days);
	if (s != DATE && seconds) {
		out[n++] = ' ';
		write_time(out + n, 64 - (size_t)n, seconds);
	}
	return true;
}

static void end_cell(struct xlsx *w)
{
	struct br_slice text = br_buf_slice(&w->value);
	enum style s = w->style < w->styles.n ? (enum style)w->styles.v[w->style] : PLAIN;
	bool number = false;
	char shown[64];

	if (!strcmp(w->type, "s")) {
		text = shared(w, w->value.ptr);
	} else if (!strcmp(w->type, "b")) {
		text = br_slice_str(w->value.ptr[0] == '1' ? "TRUE" : "FALSE");
	} else if ((!w->type[0] || !strcmp(w->type, "n")) && text.len) {
		number = true;
		if (s < DATE || !write_moment(shown, w, w->value.ptr, s))
			br_extract__number(shown, w->value.ptr, s == PERCENT);
		text = br_slice_str(shown);
	} else if (!strcmp(w->type, "d")) {
		number = true;
	}
	if (text.len)
		br_extract__sheet_cell(&w->sheet, w->column, text, number);
}

/* "BC12": 55; 0 when there is none. */
static unsigned column_of(const char *ref)
{
	unsigned n = 0;

	for (; *ref >= 'A' && *ref <= 'Z' && n < 20000; ref++)
		n = n * 26 + (unsigned)(*ref - 'A' + 1);
	return n;
}

static void sheet_start(struct br_extract__xml *x, const char *name)
{
	struct xlsx *w = x->ctx;

	if (!strcmp(name, "c")) {
		unsigned at = column_of(br_extract__xml_attr(x, "r"));
		w->column = at > w->column ? at : w->column + 1;
		snprintf(w->type, sizeof w->type, "%s", br_extract__xml_attr(x, "t"));
		w->style = (unsigned)int_attr(x, "s", 0);
		br_buf_reset(&w->value);
	} else if (!strcmp(name, "row")) {
		w->column = 0;
	} else if (!strcmp(name, "rPh") || !strcmp(name, "extLst") || !strcmp(name, "oddHeader")) {
		x->skip = x->depth;
	}
	w->in_text = !strcmp(name, "v") || !strcmp(name, "t");
}

static void sheet_end(struct br_extract__xml *x, const char *name)
{
	struct xlsx *w = x->ctx;

	w->in_text = false;
	if (!strcmp(name, "c"))
		end_cell(w);
	else if (!strcmp(name, "row"))
		br_extract__sheet_row_end(&w->sheet);
	x->rc = w->r.rc;
}

static void sheet_text(struct br_extract__xml *x, const char *p, size_t n)
{
	struct xlsx *w = x->ctx;

	if (w->in_text)
		br_buf_add(&w->value, p, BR_MIN(n, w->value.max - w->value.len));
}

/* ---- comments of a sheet ---- */

static void comment_start(struct br_extract__xml *x, const char *name)
{
	struct xlsx *w = x->ctx;

	if (!strcmp(name, "comment")) {
		snprintf(w->note_ref, sizeof w->note_ref, "%s", br_extract__xml_attr(x, "ref"));
		br_buf_reset(&w->value);
		br_buf_addf(&w->value, "Comment on %s: ", w->note_ref);
	}
	w->in_text = !strcmp(name, "t");
}

static void comment_end(struct br_extract__xml *x, const char *name)
{
	struct xlsx *w = x->ctx;

	w->in_text = false;
	if (strcmp(name, "comment"))
		return;
	for (size_t i = 0; i < w->value.len; i++)
		w->value.ptr[i] = w->value.ptr[i] == '\n' ? ' ' : w->value.ptr[i];
	br_extract__paragraphs(&w->r, br_buf_slice(&w->value));
	x->rc = w->r.rc;
}

/* ---- the workbook ---- */

static int part(struct xlsx *w, const struct br_extract__xml_events *on, const char *name)
{
	struct br_extract__xml x = { .on = on, .ctx = w, .err = w->r.err };
	int rc = *name ? br_extract__xml_part(&x, w->zip, name) : 0;

	w->in_text = w->in_xfs = false;
	return rc == -BR_ENOTFOUND ? 0 : rc;
}

static int read_sheet(struct xlsx *w, const struct sheet_ref *ref, const char *name)
{
	static const struct br_extract__xml_events cells = { sheet_start, sheet_end, sheet_text }, comments = { comment_start,
		comment_end, sheet_text };
	struct br_extract__rels rels;
	int rc;

	w->column = 0;
	br_extract__sheet_begin(&w->sheet, &w->r, ref->name);
	rc = part(w, &cells, name);
	br_extract__sheet_row_end(&w->sheet);
	br_extract__sheet_end(&w->sheet);
	if (rc < 0 || (rc = br_extract__rels_read(&rels, w->zip, name, w->r.err)) < 0)
		return rc;
	rc = part(w, &comments, br_extract__rel_of_type(&rels, "comments"));
	br_extract__rels_release(&rels);
	return rc;
}

static void workbook_start(struct br_extract__xml *x, const char *name)
{
	struct xlsx *w = x->ctx;
	const char *v;

	if (!strcmp(name, "sheet") && w->refs.n < MAX_SHEETS) {
		struct sheet_ref ref = { .name = br_strdup(br_extract__xml_attr(x, "name")) };
		ref.rel = br_strdup(br_extract__xml_attr_in(x, "relationships", "id"));
		*br_vec_push(&w->refs) = ref;
	} else if (!strcmp(name, "workbookPr")) {
		v = br_extract__xml_attr(x, "date1904");
		w->date1904 = !strcmp(v, "1") || !strcmp(v, "true");
	}
}

static int read_workbook(struct xlsx *w, const char *main)
{
	static const struct br_extract__xml_events book = { .start = workbook_start }, styles = { .start = style_start,
		.end = style_end },
		strings = { string_start, string_end, string_text };
	struct br_extract__xml x = { .on = &book, .ctx = w, .err = w->r.err };
	struct br_extract__rels rels;
	int rc;

	if ((rc = br_extract__xml_part(&x, w->zip, main)) < 0 ||
	    (rc = br_extract__rels_read(&rels, w->zip, main, w->r.err)) < 0)
		return rc;
	if ((rc = part(w, &styles, br_extract__rel_of_type(&rels, "styles"))) == 0)
		rc = part(w, &strings, br_extract__rel_of_type(&rels, "sharedStrings"));
	for (size_t i = 0; i < w->refs.n && rc == 0; i++) {
		const char *name = br_extract__rel_target(&rels, w->refs.v[i].rel);
		w->r.page = (uint32_t)i + 1;
		rc = *name ? read_sheet(w, &w->refs.v[i], name) : 0;
	}
	br_extract__rels_release(&rels);
	return rc;
}

int br_extract__xlsx(struct br_extracted *out, struct br_extract__zip *z, const char *main, struct br_err *err)
{
	struct xlsx w = { .zip = z, .strings = BR_BUF_INIT(BR_EXTRACT_PART), .value = BR_BUF_INIT(64 << 10) };
	char *meta = NULL;
	int rc;

	br_extract__render_init(&w.r, out, err);
	if ((rc = read_workbook(&w, main)) == 0 && (rc = br_extract__finish(&w.r)) == 0 &&
	    (rc = br_extract__meta_title(&meta, z, "docProps/core.xml", err)) == 0)
		br_extract__title(out, (const char *const *)&meta, 1, false);
	for (size_t i = 0; i < w.refs.n; i++) {
		free(w.refs.v[i].name);
		free(w.refs.v[i].rel);
	}
	br_vec_release(&w.refs);
	br_vec_release(&w.ends);
	br_vec_release(&w.formats);
	br_vec_release(&w.styles);
	br_buf_release(&w.strings);
	br_buf_release(&w.value);
	free(meta);
	br_extract__render_release(&w.r);
	return rc;
}
