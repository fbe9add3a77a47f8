/*
 * What the readers of office formats share: relations between parts, titles from metadata, numbers as people write
 * them.
 */
#include "extract/extract.h"
#include "br/os.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "text/internal.h"

/* ---- relations ---- */

char *br_extract__resolve(const char *from, const char *target)
{
	const char *slash = strrchr(from, '/');
	char *folder, *path;

	if (*target == '/')
		return br_path_join("", target + strspn(target, "/"));
	folder = br_strndup(from, slash ? (size_t)(slash - from) : 0);
	path = br_path_join(folder, target);
	free(folder);
	return path;
}

struct rels_reader { struct br_extract__rels *out; const char *part; };

static void on_relation(struct br_extract__xml *x, const char *name)
{
	struct rels_reader *reader = x->ctx;
	struct br_extract__rel rel = { 0 };
	const char *v;

	if (strcmp(name, "Relationship"))
		return;
	rel.external = !strcasecmp(br_extract__xml_attr(x, "TargetMode"), "External");
	rel.id = br_strdup(br_extract__xml_attr(x, "Id"));
	v = strrchr(br_extract__xml_attr(x, "Type"), '/');
	rel.type = br_strdup(v ? v + 1 : "");
	v = br_extract__xml_attr(x, "Target");
	rel.target = rel.external ? br_strdup("") : br_extract__resolve(reader->part, v);
	*br_vec_push(&reader->out->v) = rel;
}

/* "word/document.xml" has its relations in "word/_rels/document.xml.rels". */
int br_extract__rels_read(struct br_extract__rels *r, struct br_extract__zip *z, const char *part, struct br_err *err)
{
	static const struct br_extract__xml_events on = { .start = on_relation };
	struct rels_reader reader = { r, part };
	struct br_extract__xml x = { .on = &on, .ctx = &reader, .err = err };
	const char *base = strrchr(part, '/');
	char *name;
	int rc;

	base = base ? base + 1 : part;
	name = br_sprintf("%.*s_rels/%s.rels", (int)(base - part), part, base);
	*r = (struct br_extract__rels){ 0 };
	rc = br_extract__xml_part(&x, z, name);
	free(name);
	return rc == -BR_ENOTFOUND ? 0 : rc;
}

void br_extract__rels_release(struct br_extract__rels *r)
{
	for (size_t i = 0; i < r->v.n; i++) {
		free(r->v.v[i].id);
		free(r->v.v[i].type);
		free(r->v.v[i].target);
	}
	br_vec_release(&r->v);
}

const char *br_extract__rel_target(const struct br_extract__rels *r, const char *id)
{
	for (size_t i = 0; i < r->v.n; i++)
		if (!strcmp(r->v.v[i].id, id))
			return r->v.v[i].target;
	return "";
}

const char *br_extract__rel_of_type(const struct br_extract__rels *r, const char *type)
{
	for (size_t i = 0; i < r->v.n; i++)
		if (!strcmp(r->v.v[i].type, type) && !r->v.v[i].external)
			return r->v.v[i].target;
	return "";
}

/* ---- titles ---- */

struct meta { struct br_buf title; bool in; };

static void meta_start(struct br_extract__xml *x, const char *name)
{
	struct meta *m = x->ctx;

	m->in = !strcmp(name, "title") && strstr(x->space, "purl.org/dc/") && !m->title.len;
}

static void meta_end(struct br_extract__xml *x, const char *name)
{
	(void)name;
	((struct meta *)x->ctx)->in = false;
}

static void meta_text(struct br_extract__xml *x, const char *p, size_t n)
{
	struct meta *m = x->ctx;

	if (m->in)
		br_buf_add(&m->title, p, n);
}

/* What programs write when nobody gave a title. */
static bool says_something(const char *t)
{
	static const char *const empty[] = {
		"untitled", "document", "presentation", "powerpoint presentation", "slide", "book", "title", "workbook", "template",
	};
	size_t n = strlen(t), letters = 0;

	for (size_t i = 0; i < n; i++)
		letters += isalpha((unsigned char)t[i]) || (t[i] & 0x80);
	for (size_t i = 0; i < BR_COUNT(empty); i++) {
		size_t k = strlen(empty[i]);
		if (!strncasecmp(t, empty[i], k) && strspn(t + k, "0123456789 ") == n - k)
			return false;
	}
	return letters >= 2 && strncasecmp(t, "microsoft ", 10);
}

int br_extract__meta_title(char **out, struct br_extract__zip *z, const char *part, struct br_err *err)
{
	static const struct br_extract__xml_events on = { .start = meta_start, .end = meta_end, .text = meta_text };
	struct meta m = { .title = BR_BUF_INIT(1 << 20) };
	struct br_extract__xml x = { .on = &on, .ctx = &m, .err = err };
	int rc = *part ? br_extract__xml_part(&x, z, part) : 0;

	*out = rc == 0 && m.title.len ? br_strndup(m.title.ptr, m.title.len) : NULL;
	br_buf_release(&m.title);
	/* Metadata that cannot be read are none: the document itself counts. */
	return rc == -BR_ETOOBIG || rc == -BR_ENOMEM ? rc : 0;
}

void br_extract__title(struct br_extracted *e, const char *const *candidates, size_t n, bool heading)
{
	for (size_t i = 0; i < n && !e->title; i++)
		if (candidates[i] && says_something(candidates[i]))
			br_text__title(e, candidates[i], strlen(candidates[i]));
	for (size_t i = 0; heading && i < e->blocks.n && !e->title; i++)
		if (e->blocks.v[i].kind == BR_BLOCK_HEADING && e->blocks.v[i].level == 1)
			br_text__title(e, e->text.ptr + e->blocks.v[i].off, e->blocks.v[i].len);
}

/* ---- blocks ---- */

void br_extract__paragraphs(struct br_extract__render *r, struct br_slice text)
{
	const char *p = text.ptr, *end = p + text.len;

	br_extract__cut_block(r);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		r->kind = BR_BLOCK_PARA;
		r->level = 0;
		br_extract__words(r, p, (size_t)(stop - p), 1);
		br_extract__cut_block(r);
		p = nl ? nl + 1 : end;
	}
}

void br_extract__heading(struct br_extract__render *r, int level, const char *text)
{
	br_extract__cut_block(r);
	r->kind = BR_BLOCK_HEADING;
	r->level = (uint8_t)BR_MIN(BR_MAX(level, 1), BR_MAX_HEADING_DEPTH);
	br_extract__words(r, text, strlen(text), 1);
	br_extract__cut_block(r);
	r->kind = BR_BLOCK_PARA;
	r->level = 0;
}

int br_extract__finish(struct br_extract__render *r)
{
	br_extract__table_end(r);
	br_extract__cut_block(r);
	if (r->rc < 0)
		return r->rc;
	if (!r->out->blocks.n)
		return br_fail(r->err, BR_EUNSUPPORTED, "no text in this document");
	br_text__finish(r->out);
	return 0;
}

/* ---- numbers ---- */

/* Digits of "1.5e+20" without the exponent. */
static void expand(char out[64], const char *digits)
{
	bool minus = *digits == '-';
	const char *e = strchr(digits, 'e');
	char mantissa[32] = "";
	int exponent = e ? atoi(e + 1) : 0, n = 0, at = 0;

	for (const char *p = digits + minus; p < e; p++)
		if (*p != '.' && n < 30)
			mantissa[n++] = *p;
	if (minus)
		out[at++] = '-';
	if (exponent < 0) {
		at += snprintf(out + at, 64 - (size_t)at, "0.%.*s%s", -exponent - 1, "000000000000000000000", mantissa);
	} else {
		for (int i = 0; i <= BR_MAX(exponent, n - 1); i++) {
			if (i == exponent + 1)
				out[at++] = '.';
			out[at++] = i < n ? mantissa[i] : '0';
		}
		out[at] = 0;
	}
}

void br_extract__number(char out[64], const char *value, bool percent)
{
	char *end, digits[40];
	double v = strtod(value, &end);
	size_t n = strlen(value);

	/* Digits alone stay as they are, however many. */
	if (!percent && n && n < 40 && strspn(value + (*value == '-'), "0123456789") == n - (*value == '-')) {
		snprintf(out, 64, "%s", value);
		return;
	}
	if (end == value || *end || !isfinite(v) || fabs(v) >= 1e21 || (v != 0 && fabs(v) < 1e-15)) {
		snprintf(out, 64, "%.60s", value);
		return;
	}
	snprintf(digits, sizeof digits, "%.15g", percent ? v * 100 : v);
	if (strchr(digits, 'e'))
		expand(out, digits);
	else
		snprintf(out, 64, "%s", digits);
	if (percent)
		strcat(out, "%");
}

static void roman(char *out, unsigned n, bool upper)
{
	static const struct { unsigned v; const char *s; } parts[] = {
		{ 1000, "m" }, { 900, "cm" }, { 500, "d" }, { 400, "cd" }, { 100, "c" }, { 90, "xc" }, { 50, "l" }, { 40, "xl" },
		{ 10, "x" }, { 9, "ix" }, { 5, "v" }, { 4, "iv" }, { 1, "i" },
	};
	size_t at = 0;

	for (size_t i = 0; i < BR_COUNT(parts); i++)
		for (; n >= parts[i].v && at < 24; n -= parts[i].v)
			at += (size_t)sprintf(out + at, "%s", parts[i].s);
	for (size_t i = 0; upper && i < at; i++)
		out[i] = (char)toupper((unsigned char)out[i]);
}

void br_extract__ordinal(char out[32], const char *format, unsigned n)
{
	bool upper = !strncmp(format, "upper", 5) || !strcmp(format, "A") || !strcmp(format, "I");

	if ((!strcmp(format, "lowerRoman") || !strcmp(format, "upperRoman") || !strcasecmp(format, "i")) && n && n < 4000)
		roman(out, n, upper);
	else if ((!strcmp(format, "lowerLetter") || !strcmp(format, "upperLetter") || !strcasecmp(format, "a")) && n &&
	         n <= 26 * 8) {
		size_t times = (n - 1) / 26 + 1; /* aa, bb behind z */
		memset(out, (upper ? 'A' : 'a') + (int)((n - 1) % 26), times);
		out[times] = 0;
	} else {
		snprintf(out, 32, !strcmp(format, "decimalZero") ? "%02u" : "%u", n);
	}
}
