/*
 * ini - reading configuration files through inih, and changing one value of a file's text.
 * inih takes an indented line for more of the value above it and cuts long lines in two; our reader strips what is in front
 * of a line and refuses long ones. An edit is read back before anybody gets it: what inih cannot hold is never written.
 */
#include "internal.h"

#include <ini.h>
#include <stdlib.h>

/* ---- reading ---- */

struct source {
	const char *p, *end;
	unsigned line, too_long; /* too_long: the first such line, 0 for none */
	br_base__ini_fn *fn;
	void *arg;
};

static const char *line_end(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl ? nl + 1 : end;
}

/* White space as inih has it. */
static bool is_blank(char c) { return c && strchr(" \t\v\f\r", c); }

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

/* As fgets, one whole line each time. */
static char *read_line(char *to, int room, void *stream)
{
	struct source *s = stream;
	const char *from, *e = line_end(s->p, s->end);
	size_t n;

	if (s->p == s->end)
		return NULL;
	s->line++;
	from = skip_blanks(s->p, e);
	n = (size_t)(e - from);
	if (n > (size_t)room - 1) {
		n = (size_t)room - 1;
		s->too_long = s->too_long ? s->too_long : s->line;
	}
	memcpy(to, from, n);
	to[n] = '\0';
	s->p = e;
	return to;
}

static int take(void *user, const char *section, const char *name, const char *value)
{
	struct source *s = user;

	s->fn(section, name, value, s->line, s->arg);
	return 1;
}

int br_base__ini_parse(struct br_slice text, const char *path, br_base__ini_fn *fn, void *arg, struct br_err *err)
{
	struct source s = { .p = text.ptr, .end = text.ptr + text.len, .fn = fn, .arg = arg };
	int bad;

	if (text.len && memchr(text.ptr, 0, text.len))
		return br_fail(err, BR_EINPUT, "'%s' is not a text file", path);
	bad = ini_parse_stream(read_line, &s, take, &s);
	if (s.too_long)
		return br_fail(err, BR_EINPUT, "'%s' line %u: line too long", path, s.too_long);
	if (bad)
		return br_fail(err, BR_EINPUT, "'%s' line %d: expected '[section]' or 'name = value'", path, bad);
	return 0;
}

/* ---- changing ---- */

/* What one line is. name and section borrow from the text. */
struct line {
	bool is_section, is_value;
	struct br_slice name;  /* of the section or of the value */
	const char *body;      /* first byte that is not blank */
	const char *tail;      /* a comment behind the value with the blank in front of it, or the line's end */
};

static struct br_slice stripped(const char *p, const char *end)
{
	while (end > p && (is_blank(end[-1]) || end[-1] == '\n'))
		end--;
	return br_slice(p, (size_t)(end - p));
}

static const char *comment_or_end(const char *p, const char *end)
{
	for (; p < end; p++)
		if (*p == ';' && is_blank(p[-1])) {
			while (is_blank(p[-1]))
				p--;
			break;
		}
	return p;
}

static struct line look_at(const char *p, const char *end)
{
	struct line l = { .body = skip_blanks(p, end) };
	struct br_slice s = stripped(l.body, end);
	size_t n;

	l.tail = s.ptr + s.len;
	if (!s.len || *s.ptr == ';' || *s.ptr == '#')
		return l;
	if (*s.ptr == '[') {
		const char *close = memchr(s.ptr, ']', s.len);

		l.is_section = close;
		l.name = close ? br_slice(s.ptr + 1, (size_t)(close - s.ptr) - 1) : l.name;
		return l;
	}
	for (n = 0; n < s.len && s.ptr[n] != '=' && s.ptr[n] != ':'; )
		n++;
	l.is_value = n < s.len;
	l.name = stripped(s.ptr, s.ptr + n);
	l.tail = l.is_value ? comment_or_end(s.ptr + n + 1, s.ptr + s.len) : l.tail;
	return l;
}

struct place {
	const char *value, *value_end; /* the last line that sets the name, or NULL */
	const char *insert;            /* behind the last line of the section, or NULL */
};

static struct place find_place(struct br_slice text, const char *section, const char *name)
{
	const char *p = text.ptr, *end = p + text.len, *e;
	bool inside = !*section;
	struct place at = { .insert = inside ? p : NULL };

	for (; p < end; p = e) {
		struct line l = look_at(p, e = line_end(p, end));

		if (l.is_section)
			inside = br_slice_eq(l.name, br_slice_str(section));
		if (inside && (l.is_section || l.is_value))
			at.insert = e;
		if (inside && l.is_value && br_slice_eq(l.name, br_slice_str(name))) {
			at.value = p;
			at.value_end = e;
		}
	}
	return at;
}

static void add_span(struct br_buf *out, const char *from, const char *to)
{
	br_buf_add(out, from, (size_t)(to - from));
}

static void add_line_end(struct br_buf *out)
{
	if (out->len && out->ptr[out->len - 1] != '\n')
		br_buf_addc(out, '\n');
}

static void replace(struct br_buf *out, struct br_slice text, const struct place *at, const char *name, const char *value)
{
	struct line l = look_at(at->value, at->value_end);

	add_span(out, text.ptr, l.body);
	br_buf_addf(out, "%s = %s", name, value);
	add_span(out, l.tail, text.ptr + text.len);
}

static void insert(struct br_buf *out, struct br_slice text, const struct place *at, const char *section, const char *name,
                   const char *value)
{
	const char *end = text.ptr + text.len, *where = at->insert ? at->insert : end;

	add_span(out, text.ptr, where);
	add_line_end(out);
	if (!at->insert)
		br_buf_addf(out, "%s[%s]\n", out->len ? "\n" : "", section);
	br_buf_addf(out, "%s = %s\n", name, value);
	add_span(out, where, end);
}

static void remove_all(struct br_buf *out, struct br_slice text, const char *section, const char *name)
{
	const char *p = text.ptr, *end = p + text.len, *e;
	bool inside = !*section;

	for (; p < end; p = e) {
		struct line l = look_at(p, e = line_end(p, end));

		if (l.is_section)
			inside = br_slice_eq(l.name, br_slice_str(section));
		if (!inside || !l.is_value || !br_slice_eq(l.name, br_slice_str(name)))
			add_span(out, p, e);
	}
}

struct wanted {
	const char *section, *name, *value;
	bool seen, same;
};

static void compare(const char *section, const char *name, const char *value, unsigned line, void *arg)
{
	struct wanted *w = arg;

	(void)line;
	if (strcmp(section, w->section) != 0 || strcmp(name, w->name) != 0)
		return;
	w->seen = true;
	w->same = w->value && strcmp(value, w->value) == 0;
}

int br_base__ini_edit(struct br_buf *out, struct br_slice text, const char *path, const char *section, const char *name,
                      const char *value, struct br_err *err)
{
	struct wanted w = { .section = section, .name = name, .value = value };
	size_t bom = text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	struct br_slice body = br_slice(text.ptr + bom, text.len - bom);
	struct place at = find_place(body, section, name);
	int rc;

	if (!value)
		remove_all(out, body, section, name);
	else if (at.value)
		replace(out, body, &at, name, value);
	else
		insert(out, body, &at, section, name, value);
	if ((rc = br_buf_check(out, path, err)) < 0 || (rc = br_base__ini_parse(br_buf_slice(out), path, compare, &w, err)) < 0)
		return rc;
	if (value ? !w.same : w.seen)
		return br_fail(err, BR_EUSAGE, "'%s' cannot hold this value of %s: line ends, outer blanks and ' ;' are not possible",
		               path, name);
	return 0;
}
