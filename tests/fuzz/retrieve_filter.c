/*
 * Filters: a document meets one or its opposite. Input: lines with field, value, path, title, language and metadata, then sizes.
 */
#include "fuzz.h"

#include "retrieve/internal.h"

static struct filter *filter(const char *field, const char *op, const char *value)
{
	char *text = br_sprintf("%s%s%s", field, op, value);
	struct filter *f = NULL;
	struct br_err err = { 0 };

	HOLDS(filter_parse(&f, text, &err) == 0 || (err.code == BR_EUSAGE && err.msg[0]));
	free(text);
	return f;
}

/* Exactly one of the two holds, where both are understood. */
static void opposite(const char *field, const char *value, const char *op, const char *not, const struct br_doc *d)
{
	struct filter *a = filter(field, op, value), *b = filter(field, not, value);

	if (a && b)
		HOLDS(filter_match(a, d) != filter_match(b, d));
	else
		HOLDS(!a == !b);
	filter_free(a);
	filter_free(b);
}

FUZZ(retrieve_filter)
{
	struct br_rd r = br_rd(in);
	char *field = fuzz_line(&r), *value = fuzz_line(&r), *path = fuzz_line(&r), *title = fuzz_line(&r), *lang = fuzz_line(&r), *meta = fuzz_line(&r);
	struct br_doc d = { .path = path, .title = title, .meta = meta, .error = path, .format = (uint8_t)(br_rd_u8(&r) % BR_FMT_COUNT) };
	bool ordered = !strcmp(field, "date") || !strcmp(field, "indexed") || !strcmp(field, "size");
	bool named = field[0] && field[strcspn(field, "=!~<>")] == 0;
	bool utf8 = br_utf8_valid(in.ptr, in.len) == in.len;

	snprintf(d.lang, sizeof d.lang, "%s", lang);
	d.size = br_rd_u32(&r);
	d.mtime_ns = (int64_t)br_rd_u32(&r) * 1000000000;
	d.created = br_rd_u32(&r);
	d.indexed = br_rd_u32(&r);
	filter_free(filter(field, "", value));
	if (named && utf8 && !strchr("=~", value[0]) && strlen(field) < 64) {
		opposite(field, value, "=", "!=", &d);
		opposite(field, value, "~", "!~", &d);
	}
	if (ordered && utf8 && !strchr("=~", value[0])) {
		opposite(field, value, "<", ">=", &d);
		opposite(field, value, ">", "<=", &d);
	}
	free(field);
	free(value);
	free(path);
	free(title);
	free(lang);
	free(meta);
}
