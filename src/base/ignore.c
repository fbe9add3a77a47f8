/*
 * ignore - gitignore rules: parsing a file of patterns and asking whether a path is excluded.
 * Matching goes part by part ("**" takes any number of whole parts, "*" any bytes of one part), each level with one
 * point of return, so its time is bounded by pattern times path: patterns come with the folders and may be hostile.
 */
#include "internal.h"

#include <stdlib.h>

struct br_base__seg {
	struct br_slice text;
	bool any;       /* "**" */
	bool literal;   /* no wildcard and no escape */
};

enum rule_kind {
	RULE_NAME,      /* the last part equals text */
	RULE_SUFFIX,    /* "*text": the last part ends with text */
	RULE_GLOB,      /* the last part matches the pattern */
	RULE_PATH       /* the whole path below the frame's folder matches seg[first_seg..+nseg) */
};

struct br_base__rule {
	enum rule_kind kind;
	bool negated, dir_only;
	struct br_slice text;
	size_t first_seg, nseg;
};

/* ---- one part: '*', '?', [sets], escapes ---- */

static bool in_class(struct br_slice name, unsigned char c, bool *known)
{
	static const char *const names[] = { "alnum", "alpha", "blank", "cntrl", "digit", "graph",
	                                     "lower", "print", "punct", "space", "upper", "xdigit" };
	bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
	bool graph = c > 0x20 && c < 0x7f, alnum = lower || upper || digit;
	const bool is[] = { alnum, lower || upper, c == ' ' || c == '\t', c < 0x20 || c == 0x7f, digit, graph,
	                    lower, graph || c == ' ', graph && !alnum, c == ' ' || (c >= '\t' && c <= '\r'), upper,
	                    digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') };

	for (size_t i = 0; i < BR_COUNT(names); i++)
		if (br_slice_eq(name, br_slice_str(names[i])))
			return is[i];
	*known = false;
	return false;
}

/* Name of a [:class:] that begins at p ("[:"), or an empty slice. */
static struct br_slice class_name(const char *p, const char *end)
{
	const char *close = end - p > 3 && p[1] == ':' ? memchr(p + 2, ']', (size_t)(end - p) - 2) : NULL;

	if (!close || close[-1] != ':' || close - 1 < p + 2)
		return br_slice(NULL, 0);
	return br_slice(p + 2, (size_t)(close - 1 - (p + 2)));
}

/* One character of a set, with its escape; NULL at the end of the pattern. */
static const char *set_char(const char *p, const char *end, unsigned char *out)
{
	if (p < end && *p == '\\')
		p++;
	if (p >= end)
		return NULL;
	*out = (unsigned char)*p;
	return p + 1;
}

/* A set that begins at p ('['): the place behind it, and in *hit whether c is in it. NULL: no end, or an unknown class. */
static const char *match_set(const char *p, const char *end, unsigned char c, bool *hit)
{
	bool negated, known = true, in = false;

	p++;
	negated = p < end && (*p == '!' || *p == '^');
	p += negated;
	for (const char *first = p; p < end && (*p != ']' || p == first); ) {
		struct br_slice name = *p == '[' ? class_name(p, end) : br_slice(NULL, 0);
		unsigned char lo, hi;

		if (name.ptr) {
			in |= in_class(name, c, &known);
			p = name.ptr + name.len + 2;
			continue;
		}
		if (!(p = set_char(p, end, &lo)))
			return NULL;
		hi = lo;
		if (end - p > 1 && *p == '-' && p[1] != ']' && !(p = set_char(p + 1, end, &hi)))
			return NULL;
		in |= lo <= c && c <= hi;
	}
	*hit = in != negated;
	return p < end && known ? p + 1 : NULL;
}

/* Pattern behind one element that stands for the byte c, or NULL when it does not. */
static const char *match_one(const char *p, const char *end, char c)
{
	bool hit = false;

	switch (*p) {
	case '?':
		return p + 1;
	case '[':
		p = match_set(p, end, (unsigned char)c, &hit);
		return hit ? p : NULL;
	case '\\':
		p++;
		return p < end && *p == c ? p + 1 : NULL;
	default:
		return *p == c ? p + 1 : NULL;
	}
}

static bool match_glob(struct br_slice pattern, const char *t, const char *t_end)
{
	const char *p = pattern.ptr, *end = p + pattern.len, *star = NULL, *back = NULL;

	while (t < t_end) {
		const char *next;

		if (p < end && *p == '*') {
			star = ++p;
			back = t;
			if (star == end)
				return true;
		} else if (p < end && (next = match_one(p, end, *t))) {
			p = next;
			t++;
		} else if (star) {
			p = star;
			t = ++back;
		} else {
			return false;
		}
	}
	while (p < end && *p == '*')
		p++;
	return p == end;
}

/* ---- whole paths ---- */

static bool match_seg(const struct br_base__seg *s, const char *p, const char *end)
{
	return s->literal ? br_slice_eq(s->text, br_slice(p, (size_t)(end - p))) : match_glob(s->text, p, end);
}

static const char *part_end(const char *p, const char *end)
{
	const char *slash = memchr(p, '/', (size_t)(end - p));

	return slash ? slash : end;
}

static bool match_path(const struct br_base__seg *seg, size_t nseg, const char *p, const char *end)
{
	size_t s = 0, after_any = 0; /* 0: no "**" yet; else the part of the pattern behind the last one */
	const char *back = NULL;

	while (p < end) {
		const char *e = part_end(p, end);

		if (s < nseg && seg[s].any) {
			if (++s == nseg)
				return true;
			after_any = s;
			back = p;
		} else if (s < nseg && match_seg(&seg[s], p, e)) {
			s++;
			p = BR_MIN(e + 1, end);
		} else if (after_any) {
			s = after_any;
			p = back = BR_MIN(part_end(back, end) + 1, end);
		} else {
			return false;
		}
	}
	return s == nseg;
}

static bool rule_matches(const struct br_base__frame *f, const struct br_base__rule *r, const char *path, size_t name, size_t len)
{
	struct br_slice base = { path + name, len - name };

	switch (r->kind) {
	case RULE_NAME:
		return br_slice_eq(base, r->text);
	case RULE_SUFFIX:
		return base.len >= r->text.len && memcmp(base.ptr + base.len - r->text.len, r->text.ptr, r->text.len) == 0;
	case RULE_GLOB:
		return match_glob(r->text, base.ptr, base.ptr + base.len);
	case RULE_PATH:
		return match_path(f->seg.v + r->first_seg, r->nseg, path + f->base, path + len);
	}
	return false;
}

int br_base__ignore_verdict(const struct br_base__ignore *ig, const char *path, size_t name, size_t len, bool is_dir)
{
	for (size_t i = ig->frame.n; i-- > 0; ) {
		const struct br_base__frame *f = &ig->frame.v[i];

		if (f->git && i < ig->git_from)
			continue;
		for (size_t k = f->rule.n; k-- > 0; ) {
			const struct br_base__rule *r = &f->rule.v[k];

			if ((is_dir || !r->dir_only) && rule_matches(f, r, path, name, len))
				return r->negated ? -1 : 1;
		}
	}
	return 0;
}

/* ---- parsing ---- */

/* Blanks at the end go, unless a backslash protects them. */
static size_t trimmed(const char *p, size_t n)
{
	size_t keep = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == ' ')
			continue;
		if (p[i] == '\\')
			i++;
		keep = BR_MIN(i + 1, n);
	}
	return keep;
}

static bool is_literal(struct br_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (memchr("*?[\\", s.ptr[i], 4))
			return false;
	return true;
}

static bool all_stars(struct br_slice s)
{
	size_t i = 0;

	while (i < s.len && s.ptr[i] == '*')
		i++;
	return i == s.len && i > 1;
}

/* Behind one element of a pattern: a set, an escaped character, or a byte. NULL: a set or escape that is cut short. */
static const char *element_end(const char *p, const char *end)
{
	bool hit;

	if (*p == '[')
		return match_set(p, end, '/', &hit);
	if (*p == '\\')
		return p + 1 < end ? p + 2 : NULL;
	return p + 1;
}

/* A pattern with a broken element matches nothing. */
static bool well_formed(struct br_slice s)
{
	const char *p = s.ptr, *end = p + s.len;

	while (p && p < end)
		p = element_end(p, end);
	return p;
}

static bool at_slash(const char *p, const char *end)
{
	return *p == '/' || (*p == '\\' && p + 1 < end && p[1] == '/');
}

/* Cuts a path pattern into parts; a '/' inside a set does not cut. */
static void add_segs(struct br_base__frame *f, struct br_base__rule *r)
{
	const char *p = r->text.ptr, *end = p + r->text.len, *e;

	r->first_seg = f->seg.n;
	for (bool more = true; more; p = e + 1) {
		struct br_slice s;

		for (e = p; e < end && !at_slash(e, end); )
			e = element_end(e, end);
		s = br_slice(p, (size_t)(e - p));
		*br_vec_push(&f->seg) = (struct br_base__seg){ s, all_stars(s), is_literal(s) };
		more = e < end;
		e += more && *e == '\\';
	}
	r->nseg = f->seg.n - r->first_seg;
}

static void classify(struct br_base__frame *f, struct br_base__rule *r)
{
	struct br_slice *t = &r->text;

	if (memchr(t->ptr, '/', t->len)) {
		r->kind = RULE_PATH;
		if (*t->ptr == '/')
			*t = br_slice(t->ptr + 1, t->len - 1);
		add_segs(f, r);
	} else if (is_literal(*t)) {
		r->kind = RULE_NAME;
	} else if (*t->ptr == '*' && is_literal(br_slice(t->ptr + 1, t->len - 1))) {
		r->kind = RULE_SUFFIX;
		*t = br_slice(t->ptr + 1, t->len - 1);
	} else {
		r->kind = RULE_GLOB;
	}
}

static void add_line(struct br_base__frame *f, const char *p, size_t n)
{
	struct br_base__rule r = { 0 };

	if (n && *p == '#')
		return;
	n = trimmed(p, n - (n && p[n - 1] == '\r'));
	if (n && *p == '!') {
		r.negated = true;
		p++;
		n--;
	}
	if (n && p[n - 1] == '/') {
		r.dir_only = true;
		n--;
	}
	r.text = br_slice(p, n);
	if (!n || n > BR_MAX_PATH || !well_formed(r.text))
		return;
	classify(f, &r);
	*br_vec_push(&f->rule) = r;
}

static void skip_bom(struct br_slice *s)
{
	if (s->len >= 3 && memcmp(s->ptr, "\xef\xbb\xbf", 3) == 0)
		*s = br_slice(s->ptr + 3, s->len - 3);
}

void br_base__ignore_push(struct br_base__ignore *ig, struct br_slice text, size_t base, bool git)
{
	struct br_base__frame *f = br_vec_push(&ig->frame);
	const char *p, *end;

	*f = (struct br_base__frame){ .base = base, .git = git };
	skip_bom(&text);
	br_buf_init(&f->text, BR_MAX_IGNORE_FILE);
	br_buf_add(&f->text, text.ptr, text.len);
	for (p = f->text.ptr, end = p + f->text.len; p < end; p++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *e = nl ? nl : end;

		add_line(f, p, (size_t)(e - p));
		p = e;
	}
}

void br_base__ignore_pop(struct br_base__ignore *ig, size_t frames)
{
	while (ig->frame.n > frames) {
		struct br_base__frame *f = &ig->frame.v[--ig->frame.n];

		br_vec_release(&f->rule);
		br_vec_release(&f->seg);
		br_buf_release(&f->text);
	}
}

void br_base__ignore_release(struct br_base__ignore *ig)
{
	br_base__ignore_pop(ig, 0);
	br_vec_release(&ig->frame);
	ig->git_from = 0;
}
