/* Globs against a plain matcher of our own, and patterns that people write. Input: a line with the pattern, then the text. */
#include "fuzz.h"

#include "br/rx.h"

/* '*' within a part, '**' across, "**" and a slash at the start of a part also nothing, '?', '\c'; no sets. */
static bool match(const char *g, const char *t, bool part_start)
{
	uint32_t c;

	for (; *g; part_start = g[-1] == '/') {
		if (*g == '*' && g[1] == '*') {
			size_t n = strspn(g, "*");
			if (part_start && g[n] == '/') {
				if (match(g + n + 1, t, true))
					return true;
				for (; *t; t++)
					if (*t == '/' && match(g + n + 1, t + 1, true))
						return true;
				return false;
			}
			for (;; t++) {
				if (match(g + n, t, false))
					return true;
				if (!*t)
					return false;
			}
		}
		if (*g == '*') {
			for (;; t++) {
				if (match(g + 1, t, false))
					return true;
				if (!*t || *t == '/')
					return false;
			}
		}
		if (*g == '?') {
			if (!*t || *t == '/')
				return false;
			t += br_utf8_next(&c, t, strlen(t));
			g++;
			continue;
		}
		g += *g == '\\' && g[1];
		if (*g++ != *t++)
			return false;
	}
	return !*t;
}

static void check_glob(const char *glob, struct br_slice text)
{
	char *pattern = br_rx_from_glob(glob), *t = br_strndup(text.ptr, text.len);
	size_t stars = 0;
	struct br_rx *rx = NULL;

	for (const char *p = glob; *p; p++)
		stars += *p == '*';
	if (br_rx_new(&rx, pattern, 0, NULL) < 0)
		HOLDS(strchr(glob, '[') || strlen(pattern) > BR_RX_MAX_PATTERN);
	else if (!strchr(glob, '[') && strlen(glob) <= 24 && stars <= 6 && text.len <= 60)
		HOLDS(br_rx_match(rx, text, 0, NULL, 0, NULL) == match(glob, t, true));
	br_rx_free(rx);
	free(pattern);
	free(t);
}

static void check_pattern(const char *pattern, struct br_slice text)
{
	struct br_rx_range g[4];
	struct br_rx *rx = NULL;

	if (br_rx_new(&rx, pattern, 0, NULL) < 0)
		return;
	for (size_t from = 0; from <= text.len && br_rx_match(rx, text, from, g, BR_COUNT(g), NULL) > 0; from = g[0].off + (g[0].len ? g[0].len : 1)) {
		HOLDS(g[0].off >= from || !fuzz_at_char(text, from) || strchr(pattern, '\\'));
		for (size_t i = 0; i < BR_COUNT(g); i++)
			HOLDS(g[i].off == UINT32_MAX || (size_t)g[i].off + g[i].len <= text.len);
		if (g[0].off + g[0].len < from)
			break;
	}
	br_rx_free(rx);
}

FUZZ(rx_glob)
{
	struct br_rd r = br_rd(in);
	char *pattern = fuzz_line(&r);
	struct br_buf text = BR_BUF_INIT(SIZE_MAX);

	fuzz_text(&text, fuzz_rest(&r));
	if (br_utf8_valid(pattern, strlen(pattern)) == strlen(pattern)) {
		check_glob(pattern, br_buf_slice(&text));
		check_pattern(pattern, br_buf_slice(&text));
	}
	free(pattern);
	br_buf_release(&text);
}
