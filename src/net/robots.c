/*
 * robots.txt as RFC 9309 has it: groups for our name, else for "*"; the longest pattern that matches decides, and of two
 * equally long ones the one that allows. Matching goes back to the last '*' only, so its time is pattern times path.
 */
#include "internal.h"

#include <stdlib.h>

struct line { struct br_slice key, value; };

static struct br_slice trimmed(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	return br_slice(p, (size_t)(end - p));
}

/* The next "key: value" of the text, comments cut off; false at its end. */
static bool next_line(struct line *l, const char **at, const char *end)
{
	while (*at < end) {
		const char *p = *at, *eol = p, *hash, *colon;

		while (eol < end && *eol != '\n' && *eol != '\r')
			eol++;
		*at = eol + (eol < end);
		hash = memchr(p, '#', (size_t)(eol - p));
		eol = hash ? hash : eol;
		if (!(colon = memchr(p, ':', (size_t)(eol - p))))
			continue;
		*l = (struct line){ trimmed(p, colon), trimmed(colon + 1, eol) };
		return true;
	}
	return false;
}

static bool is(struct br_slice s, const char *word)
{
	return s.len == strlen(word) && !strncasecmp(s.ptr, word, s.len);
}

/* "br/1.0" and "br" name agent "br". */
static bool names_agent(struct br_slice s, const char *agent)
{
	size_t n = 0;

	while (n < s.len && (br_net__alpha(s.ptr[n]) || s.ptr[n] == '-' || s.ptr[n] == '_'))
		n++;
	return is(br_slice(s.ptr, n), agent);
}

static void take_delay(struct br_robots *out, struct br_slice v)
{
	char *text = br_strndup(v.ptr, BR_MIN(v.len, (size_t)32));
	double d;

	if (br_parse_double(&d, text, 0, 1e6, "delay", NULL) == 0)
		out->delay = BR_MAX(out->delay, d);
	free(text);
}

/* A pattern in the normal form of paths; patterns are kept in out->text, which was given room before. */
static void take_rule(struct br_robots *out, struct br_slice v, bool allow)
{
	size_t at = out->text.len;

	if (!v.len || v.len > BR_MAX_URL || out->rules.n >= BR_MAX_ROBOTS_RULES)
		return;
	br_net__put_path(&out->text, v.ptr, v.len);
	if (!out->text.failed)
		*br_vec_push(&out->rules) = (struct br_robots_rule){ { (const char *)at, out->text.len - at }, allow };
}

/* Takes the groups for agent (NULL: for "*"). Returns whether there was one. */
static bool take_groups(struct br_robots *out, struct br_slice text, const char *agent)
{
	const char *at = text.ptr, *end = at + text.len;
	bool ours = false, naming = false, found = false;
	struct line l;

	while (next_line(&l, &at, end)) {
		if (is(l.key, "user-agent")) {
			bool fits = agent ? names_agent(l.value, agent) : is(l.value, "*");

			ours = fits || (naming && ours); /* several names may stand above one group */
			naming = true;
			found |= fits;
			continue;
		}
		if (is(l.key, "allow") || is(l.key, "disallow")) {
			naming = false;
			if (ours)
				take_rule(out, l.value, (l.key.ptr[0] | 32) == 'a');
		} else if (is(l.key, "crawl-delay")) {
			naming = false;
			if (ours)
				take_delay(out, l.value);
		}
	}
	return found;
}

void br_robots_parse(struct br_robots *out, struct br_slice text, const char *agent)
{
	*out = (struct br_robots){ 0 };
	br_buf_init(&out->text, 3 * (size_t)BR_MAX_ROBOTS);
	text.len = BR_MIN(text.len, (size_t)BR_MAX_ROBOTS);
	if (text.len >= 3 && !memcmp(text.ptr, "\xef\xbb\xbf", 3))
		text = br_slice(text.ptr + 3, text.len - 3);
	if (text.len && !take_groups(out, text, agent))
		take_groups(out, text, NULL);
	for (size_t i = 0; i < out->rules.n; i++) /* the buffer has stopped moving */
		out->rules.v[i].pattern.ptr = out->text.ptr + (size_t)out->rules.v[i].pattern.ptr;
}

void br_robots_release(struct br_robots *r)
{
	br_vec_release(&r->rules);
	br_buf_release(&r->text);
	r->delay = 0;
}

/* The pattern matches a beginning of path; '*' is any bytes, '$' at its end is the end of the path. */
static bool matches(struct br_slice pattern, const char *path)
{
	const char *p = pattern.ptr, *end = p + pattern.len, *star = NULL, *back = NULL, *t = path;
	bool anchored = pattern.len && end[-1] == '$';

	end -= anchored;
	for (;;) {
		if (p == end && (!anchored || !*t))
			return true;
		if (p < end && *p == '*') {
			star = ++p;
			back = t;
		} else if (p < end && *t && *p == *t) {
			p++;
			t++;
		} else if (star && *back) {
			p = star;
			t = ++back;
		} else {
			return false;
		}
	}
}

bool br_robots_allow(const struct br_robots *r, const char *path)
{
	bool allow = true;
	size_t best = 0;

	for (size_t i = 0; i < r->rules.n; i++) {
		const struct br_robots_rule *rule = &r->rules.v[i];

		if (rule->pattern.len < best || (rule->pattern.len == best && !rule->allow && best))
			continue;
		if (matches(rule->pattern, path)) {
			best = rule->pattern.len;
			allow = rule->allow;
		}
	}
	return allow;
}
