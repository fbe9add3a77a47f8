/*
 * The head of Markdown files: YAML or TOML between rules, and JSON in a comment. Only flat keys matter here.
 */
#include "internal.h"

#include <stdio.h>
#include <strings.h>

enum { FRONT_MAX = 64 << 10 };

static bool key_is(struct br_slice key, const char *name)
{
	return key.len == strlen(name) && !strncasecmp(key.ptr, name, key.len);
}

/* Keys whose values steer programs or repeat the same legal line in every file. */
static bool for_machines(struct br_slice key)
{
	static const char *const names[] = { "c", "SPDX-License-Identifier", "layout", "template", "weight", "draft", "toc", "permalink",
		"sidebar_position", "aliases", "image", "css", "redirect_from" };

	for (size_t i = 0; i < BR_COUNT(names); i++)
		if (key_is(key, names[i]))
			return true;
	return false;
}

static struct br_slice unquoted(const char *p, const char *end)
{
	while (p < end && br_text__blank(*p))
		p++;
	while (end > p && br_text__blank(end[-1]))
		end--;
	if (end - p >= 2 && (*p == '"' || *p == '\'') && end[-1] == *p)
		p++, end--;
	return br_slice(p, (size_t)(end - p));
}

static bool key_value(struct br_slice *key, struct br_slice *value, const struct br_text__line *l, char sign)
{
	const char *p = l->p + l->first, *end = l->p + l->end, *at = p;

	while (at < end && (br_text__wordy(*at) || *at == '-' || *at == '_'))
		at++;
	*key = br_slice(p, (size_t)(at - p));
	while (at < end && *at == ' ')
		at++;
	if (l->indent || !key->len || at == end || *at != sign)
		return false;
	*value = unquoted(at + 1, end);
	return true;
}

static void keep(struct br_text__front *f, struct br_slice key, struct br_slice value)
{
	if (key_is(key, "title") && !f->title.len)
		f->title = value;
	else if (key_is(key, "section"))
		f->section = value;
	else if (key_is(key, "help"))
		f->help = value;
}

/* The line that closes what the first line opened; false if there is none or the lines between are no keys. */
static bool find_close(struct br_text__line *close, const struct br_text__line *open, struct br_slice text, char sign)
{
	struct br_slice key, value;
	bool keys = false;

	text.len = BR_MIN(text.len, (size_t)FRONT_MAX);
	for (size_t at = open->next; br_text__line(close, text, at); at = close->next) {
		if (br_text__line_len(close) == 3 && !memcmp(close->p + close->first, open->p, 3))
			return keys;
		keys |= key_value(&key, &value, close, sign);
	}
	return false;
}

void br_text__front_matter(struct br_text__front *f, struct br_extracted *e)
{
	struct br_slice text = br_buf_slice(&e->text), key, value;
	struct br_text__line open, close, l;
	bool hidden = false;
	char sign;

	*f = (struct br_text__front){ 0 };
	if (!br_text__line(&open, text, 0) || (!br_text__is(&open, "---") && !br_text__is(&open, "+++")) || open.indent)
		return;
	sign = text.ptr[0] == '-' ? ':' : '=';
	if (!find_close(&close, &open, text, sign))
		return;
	for (size_t at = open.next; at < close.off && br_text__line(&l, text, at); at = l.next) {
		if (key_value(&key, &value, &l, sign)) {
			hidden = for_machines(key);
			keep(f, key, value);
		}
		if (hidden)
			br_text__skip(e, l.first, l.end);
	}
	br_text__block(e, BR_BLOCK_PARA, 0, open.next, close.off);
	f->end = close.next;
}

/* ---- JSON in a comment ---- */

static size_t unescape(char *out, size_t room, const char *p, const char *end)
{
	size_t n = 0;

	for (; p < end && *p != '"' && n + 4 < room; p++) {
		unsigned cp;
		if (*p != '\\') {
			out[n++] = *p;
		} else if (end - p > 5 && p[1] == 'u' && sscanf(p + 2, "%4x", &cp) == 1 && cp >= 0x20 && (cp < 0xd800 || cp > 0xdfff)) {
			n += br_utf8_put(out + n, cp);
			p += 5;
		} else if (end - p > 1 && p[1] != 'u') {
			out[n++] = *++p == 'n' || *p == 't' ? ' ' : *p;
		}
	}
	return n;
}

void br_text__title_json(struct br_extracted *e, const char *p, size_t n)
{
	static const char key[] = "\"title\"";
	const char *end = p + n;
	char title[BR_MAX_TITLE + 8];

	for (p = memchr(p, '"', n); p && (size_t)(end - p) > sizeof key; p = memchr(p + 1, '"', (size_t)(end - p - 1))) {
		if (strncasecmp(p, key, sizeof key - 1))
			continue;
		for (p += sizeof key - 1; p < end && (br_text__blank(*p) || *p == ':'); p++)
			;
		if (p < end && *p == '"')
			br_text__title(e, title, unescape(title, sizeof title, p + 1, end));
		return;
	}
}
