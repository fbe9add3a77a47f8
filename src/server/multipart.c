/*
 * multipart/form-data, read as it comes. Parts are told through callbacks; nothing is kept but what could still turn out to be a
 * boundary, and the head of the part at hand.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define MAX_BOUNDARY 70
#define MAX_NAME 255

struct br_multipart {
	struct br_multipart_events ev;
	char mark[MAX_BOUNDARY + 5];    /* "\r\n--boundary" */
	size_t mark_len;
	struct br_buf held;             /* not looked at to its end yet */
	unsigned parts;
	enum { BEFORE, BEHIND_MARK, PART_HEAD, PART_DATA, OVER } state;
};

static int damaged(struct br_err *err, const char *what)
{
	return br_fail(err, BR_EINPUT, "the multipart body is damaged: %s", what);
}

/* ---- parameters of headers: ; name="value" or name=value ---- */

/* The value of a parameter in `s`, unquoted, into out. False: absent, or too long. */
static bool parameter(char *out, size_t size, const char *s, const char *name)
{
	size_t len = strlen(name), n;

	for (s = strchr(s, ';'); s; s = strchr(s, ';')) {
		s += 1 + strspn(s + 1, " \t");
		if (!strncasecmp(s, name, len) && s[len] == '=')
			break;
		for (bool quoted = false; *s && (quoted || *s != ';'); s++) {
			if (*s == '\\' && quoted && s[1])
				s++;
			else if (*s == '"')
				quoted = !quoted;
		}
	}
	if (!s)
		return false;
	s += len + 1;
	if (*s != '"') {
		n = strcspn(s, "; \t");
		if (n >= size)
			return false;
		memcpy(out, s, n);
		out[n] = 0;
		return true;
	}
	for (n = 0, s++; *s && *s != '"'; s++) {
		if (*s == '\\' && (s[1] == '"' || s[1] == '\\'))
			s++;
		if (n + 1 >= size)
			return false;
		out[n++] = *s;
	}
	out[n] = 0;
	return *s == '"';
}

/* "UTF-8''na%C3%AFve.txt" */
static bool extended(char *out, const char *s)
{
	const char *text;

	if (strncasecmp(s, "utf-8'", 6) || !(text = strchr(s + 6, '\'')))
		return false;
	return br_url_decode(out, br_slice_str(text + 1), false) > 0;
}

char *br_multipart__clean_name(struct br_arena *a, const char *filename)
{
	const char *base = filename;
	size_t n = 0;
	char *out;

	for (const char *p = filename; *p; p++)
		if (*p == '/' || *p == '\\')
			base = p + 1;
	out = br_arena_strdup(a, base);
	for (const char *p = base; *p && n < MAX_NAME; p++)
		if ((unsigned char)*p >= 0x20 && *p != 0x7f)
			out[n++] = *p;
	while (n && br_utf8_valid(out, n) != n) /* cut inside a character, or not UTF-8 at all */
		n = br_utf8_valid(out, n);
	out[n] = 0;
	if (!strcmp(out, ".") || !strcmp(out, "..") || !n)
		return br_arena_strdup(a, "file");
	return out;
}

/* ---- the beginning ---- */

int br_multipart__new(struct br_multipart **out, const char *type, const struct br_multipart_events *ev, struct br_err *err)
{
	char boundary[MAX_BOUNDARY + 1];
	struct br_multipart *m;

	*out = NULL;
	if (strncasecmp(type, "multipart/form-data", 19) || !parameter(boundary, sizeof boundary, type, "boundary") || !boundary[0])
		return br_fail(err, BR_EINPUT, "the body must be multipart/form-data with a boundary");
	m = br_alloc(sizeof *m);
	m->ev = *ev;
	m->mark_len = 4 + strlen(boundary);
	memcpy(m->mark, "\r\n--", 4);
	memcpy(m->mark + 4, boundary, m->mark_len - 3);
	br_buf_init(&m->held, 2 * BR_SERVE_BLOCK + BR_SERVE_PART_HEAD);
	br_buf_adds(&m->held, "\r\n"); /* so that the first boundary has its line end too */
	*out = m;
	return 0;
}

void br_multipart__free(struct br_multipart *m)
{
	if (!m)
		return;
	br_buf_release(&m->held);
	free(m);
}

/* ---- heads of parts ---- */

struct part_head { char name[1024], filename[1024], type[256]; bool has_name, has_file; };

static void read_disposition(struct part_head *h, const char *value)
{
	char raw[1024];

	h->has_name = parameter(h->name, sizeof h->name, value, "name");
	h->has_file = parameter(h->filename, sizeof h->filename, value, "filename");
	if (parameter(raw, sizeof raw, value, "filename*") && extended(h->filename, raw))
		h->has_file = true;
}

static int read_line(struct part_head *h, const char *line, struct br_err *err)
{
	const char *value = strchr(line, ':');
	size_t n = value ? (size_t)(value - line) : 0;

	if (!n)
		return damaged(err, "a line of a part's head is not \"Name: value\"");
	value += 1 + strspn(value + 1, " \t");
	if (n == 19 && !strncasecmp(line, "Content-Disposition", n))
		read_disposition(h, value);
	else if (n == 12 && !strncasecmp(line, "Content-Type", n))
		snprintf(h->type, sizeof h->type, "%s", value);
	return 0;
}

/* text: the lines of a head, ended by an empty one that is not among them */
static int read_head(struct br_multipart *m, char *text, struct br_err *err)
{
	struct part_head h = { .has_name = false };
	char *end;
	int rc;

	for (; *text; text = end + 2) {
		if (!(end = strstr(text, "\r\n")))
			return damaged(err, "the head of a part has no end");
		*end = 0;
		if ((rc = read_line(&h, text, err)) < 0)
			return rc;
	}
	if (!h.has_name)
		return damaged(err, "a part has no name");
	if (br_utf8_valid(h.name, strlen(h.name)) != strlen(h.name))
		return damaged(err, "the name of a part is not UTF-8");
	if (++m->parts > BR_SERVE_PARTS)
		return br_fail(err, BR_ETOOBIG, "the multipart body has more than %d parts", BR_SERVE_PARTS);
	return m->ev.begin(h.name, h.has_file ? h.filename : NULL, h.type[0] ? h.type : NULL, m->ev.arg, err);
}

static void drop(struct br_multipart *m, size_t n)
{
	memmove(m->held.ptr, m->held.ptr + n, m->held.len - n + 1);
	m->held.len -= n;
}

/* ---- each state takes what it can: 1 went on, 0 needs more ---- */

/* Bytes before the mark go to `data` when there is a part. */
static int until_mark(struct br_multipart *m, bool part, struct br_err *err)
{
	const char *at = memmem(m->held.ptr, m->held.len, m->mark, m->mark_len);
	size_t n = at ? (size_t)(at - m->held.ptr) : m->held.len >= m->mark_len ? m->held.len - m->mark_len + 1 : 0;
	int rc;

	if (part && n && (rc = m->ev.data(m->held.ptr, n, m->ev.arg, err)) < 0)
		return rc;
	drop(m, n + (at ? m->mark_len : 0));
	if (!at)
		return 0;
	if (part && (rc = m->ev.end(m->ev.arg, err)) < 0)
		return rc;
	m->state = BEHIND_MARK;
	return 1;
}

/* "--" ends all; blanks may stand before the line's end. */
static int behind_mark(struct br_multipart *m, struct br_err *err)
{
	size_t blanks = strspn(m->held.ptr, " \t");

	if (m->held.len < blanks + 2)
		return blanks > 100 ? damaged(err, "a boundary does not end its line") : 0;
	if (!blanks && !memcmp(m->held.ptr, "--", 2)) {
		m->state = OVER;
		br_buf_reset(&m->held);
		return 1;
	}
	if (memcmp(m->held.ptr + blanks, "\r\n", 2) != 0)
		return damaged(err, "a boundary does not end its line");
	drop(m, blanks + 2);
	m->state = PART_HEAD;
	return 1;
}

static int part_head(struct br_multipart *m, struct br_err *err)
{
	char *end = memmem(m->held.ptr, m->held.len, "\r\n\r\n", 4);
	size_t n;
	int rc;

	if (!end)
		return m->held.len > BR_SERVE_PART_HEAD ? damaged(err, "the head of a part is too long") : 0;
	n = (size_t)(end - m->held.ptr) + 4;
	if (n > BR_SERVE_PART_HEAD || memchr(m->held.ptr, 0, n))
		return damaged(err, "the head of a part is too long or has a NUL in it");
	end[2] = 0;
	if ((rc = read_head(m, m->held.ptr, err)) < 0)
		return rc;
	drop(m, n);
	m->state = PART_DATA;
	return 1;
}

static int advance(struct br_multipart *m, struct br_err *err)
{
	switch (m->state) {
	case BEFORE:
		return until_mark(m, false, err);
	case BEHIND_MARK:
		return behind_mark(m, err);
	case PART_HEAD:
		return part_head(m, err);
	case PART_DATA:
		return until_mark(m, true, err);
	case OVER:
		br_buf_reset(&m->held);
		return 0;
	}
	return 0;
}

int br_multipart__feed(struct br_multipart *m, const char *p, size_t n, struct br_err *err)
{
	size_t part;
	int rc;

	for (; n; p += part, n -= part) {
		part = BR_MIN(n, (size_t)BR_SERVE_BLOCK);
		br_buf_add(&m->held, p, part);
		if ((rc = br_buf_check(&m->held, "the multipart body", err)) < 0)
			return rc;
		while ((rc = advance(m, err)) > 0)
			;
		if (rc < 0)
			return rc;
	}
	return 0;
}

int br_multipart__end(struct br_multipart *m, struct br_err *err)
{
	return m->state == OVER ? 0 : damaged(err, "it ends before its last boundary");
}
