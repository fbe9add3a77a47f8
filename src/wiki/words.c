/*
 * Text rules of the wiki: slugs, phrases as votes and cache keys compare them, sets of words, sizes in characters and tokens.
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- characters ---- */

bool br_wiki__is_wide(uint32_t cp)
{
	return (cp >= 0x2e80 && cp <= 0x9fff && cp != 0x3000) || (cp >= 0xac00 && cp <= 0xd7af) || (cp >= 0xf900 && cp <= 0xfaff) ||
	       (cp >= 0x20000 && cp <= 0x3ffff);
}

static bool is_blank(uint32_t cp)
{
	return cp == ' ' || (cp >= 9 && cp <= 13) || cp == 0xa0 || cp == 0x3000 || (cp >= 0x2000 && cp <= 0x200b) || cp == 0x2028 || cp == 0x2029;
}

static bool is_punctuation(uint32_t cp)
{
	if (cp < 0x80)
		return ispunct((int)cp);
	return (cp >= 0xa1 && cp <= 0xbf && cp != 0xaa && cp != 0xb2 && cp != 0xb3 && cp != 0xb5 && cp != 0xb9 && cp != 0xba) || cp == 0xd7 ||
	       cp == 0xf7 || (cp >= 0x2010 && cp <= 0x206f) || (cp >= 0x3001 && cp <= 0x3020) || cp == 0x3030 || cp == 0x30fb ||
	       (cp >= 0xfe30 && cp <= 0xfe6f) || (cp >= 0xff5f && cp <= 0xff65);
}

/* Full-width forms are their half-width ones; letters of the usual alphabets are lower case. */
static uint32_t fold(uint32_t cp)
{
	if (cp >= 0xff01 && cp <= 0xff5e)
		cp -= 0xfee0;
	if ((cp >= 'A' && cp <= 'Z') || (cp >= 0xc0 && cp <= 0xde && cp != 0xd7) || (cp >= 0x391 && cp <= 0x3a9) || (cp >= 0x410 && cp <= 0x42f))
		return cp + 32;
	if (cp >= 0x400 && cp <= 0x40f)
		return cp + 80;
	if ((cp >= 0x100 && cp <= 0x137) || (cp >= 0x14a && cp <= 0x177))
		return cp | 1;
	return cp;
}

size_t br_wiki__chars(struct br_slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
	return n;
}

size_t br_wiki__cut(struct br_slice s, size_t chars)
{
	size_t i = 0;
	uint32_t cp;

	while (i < s.len && chars--)
		i += br_utf8_next(&cp, s.ptr + i, s.len - i);
	return i;
}

struct br_slice br_wiki__trim(struct br_slice s)
{
	while (s.len && isspace((unsigned char)s.ptr[0]))
		s = br_slice(s.ptr + 1, s.len - 1);
	while (s.len && isspace((unsigned char)s.ptr[s.len - 1]))
		s.len--;
	return s;
}

/* ---- phrases ---- */

static void normalize(struct br_buf *out, struct br_slice text, bool separates)
{
	bool gap = false, any = false;
	char c[4];
	uint32_t cp;

	for (size_t i = 0; i < text.len;) {
		i += br_utf8_next(&cp, text.ptr + i, text.len - i);
		cp = fold(cp);
		if (is_blank(cp) || (separates && is_punctuation(cp))) {
			gap = true;
		} else if (!is_punctuation(cp)) {
			if (gap && any)
				br_buf_addc(out, ' ');
			br_buf_add(out, c, br_utf8_put(c, cp));
			gap = false;
			any = true;
		}
	}
}

void br_wiki_normalize(struct br_buf *out, struct br_slice text) { normalize(out, text, false); }

char *br_wiki__phrase(struct br_arena *a, struct br_slice text)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	char *out;

	normalize(&b, text, true);
	out = br_arena_strndup(a, b.ptr, b.len);
	br_buf_release(&b);
	return out;
}

char *br_wiki__one_line(struct br_arena *a, struct br_slice text)
{
	char *out = br_arena_alloc(a, text.len + 1);
	size_t n = 0;

	text = br_wiki__trim(text);
	for (size_t i = 0; i < text.len; i++) {
		bool blank = isspace((unsigned char)text.ptr[i]);
		if (!blank || out[n - 1] != ' ') /* the first is none */
			out[n++] = blank ? ' ' : text.ptr[i];
	}
	out[n] = '\0';
	return out;
}

const char *const *br_wiki__list(struct br_arena *a, const strings *v)
{
	const char **out = br_arena_zalloc(a, (v->n + 1) * sizeof *out);

	if (v->n)
		memcpy(out, v->v, v->n * sizeof *out);
	return out;
}

/* ---- slugs ---- */

bool br_wiki_slug_ok(const char *slug, struct br_err *err)
{
	size_t n = slug ? strlen(slug) : 0;
	bool ok = n && n <= BR_MAX_WIKI_SLUG && slug[0] != '-' && slug[n - 1] != '-';

	for (size_t i = 0; i < n && ok; i++)
		ok = (slug[i] >= 'a' && slug[i] <= 'z') || isdigit((unsigned char)slug[i]) || (slug[i] == '-' && slug[i + 1] != '-');
	if (!ok)
		br_fail(err, BR_EUSAGE, "'%.120s' is no slug: small letters, digits and single '-', at most %d", slug ? slug : "", BR_MAX_WIKI_SLUG);
	return ok;
}

/* Letters with marks without them, as far as Latin 1 goes. */
static const char *plain_letter(uint32_t cp, char one[2])
{
	static const char letters[] = "aaaaaaaceeeeiiiidnooooo-ouuuuy-saaaaaaaceeeeiiiidnooooo-ouuuuy-y";

	if (cp == 0xdf)
		return "ss";
	if (cp >= 0xc0 && cp <= 0xff)
		one[0] = letters[cp - 0xc0];
	else if (cp < 0x80 && isalnum((int)cp))
		one[0] = (char)tolower((int)cp);
	else
		return "-";
	return one;
}

char *br_wiki_slugify(struct br_arena *a, const char *text)
{
	struct br_slice s = br_slice_str(text);
	char out[BR_MAX_WIKI_SLUG + 4], hex[9];
	uint64_t hash = br_hash64(s.ptr, s.len);
	size_t n = 0, letters = 0;
	bool wide = false;
	uint32_t cp;

	for (size_t i = 0; i < s.len && n < BR_MAX_WIKI_SLUG;) {
		char one[2] = "";
		const char *p;
		i += br_utf8_next(&cp, s.ptr + i, s.len - i);
		wide |= br_wiki__is_wide(cp);
		if (cp == '\'' || cp == 0x2019)
			continue;
		for (p = plain_letter(cp, one); *p && n < BR_MAX_WIKI_SLUG; p++) {
			if (*p == '-' && (!n || out[n - 1] == '-'))
				continue;
			letters += *p != '-';
			out[n++] = *p;
		}
	}
	while (n && out[n - 1] == '-')
		n--;
	if (letters >= 2 && !wide)
		return br_arena_strndup(a, out, n);
	br_hex(hex, (const uint8_t *)&hash, 4);
	return br_arena_printf(a, "topic-%s", hex);
}

/* ---- sets of words ---- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Words are runs of letters and digits, or single characters of scripts without spaces. */
void br_wiki__words(struct word_set *out, struct br_slice text)
{
	struct br_arena a = { 0 };
	char *p = br_wiki__phrase(&a, text);
	size_t len = strlen(p), from = 0, n = 0;
	uint32_t cp;

	*out = (struct word_set){ br_allocn(len + 1, sizeof *out->h), 0 };
	for (size_t i = 0; i <= len;) {
		size_t step = i < len ? br_utf8_next(&cp, p + i, len - i) : 1;
		bool wide = i < len && br_wiki__is_wide(cp);
		if ((i == len || p[i] == ' ' || wide) && i > from)
			out->h[out->n++] = br_hash64(p + from, i - from);
		if (wide)
			out->h[out->n++] = br_hash64(p + i, step);
		if (i == len || p[i] == ' ' || wide)
			from = i + step;
		i += step;
	}
	br_arena_release(&a);
	qsort(out->h, out->n, sizeof *out->h, by_value);
	for (size_t i = 0; i < out->n; i++)
		if (!n || out->h[n - 1] != out->h[i])
			out->h[n++] = out->h[i];
	out->n = n;
}

void br_wiki__words_release(struct word_set *w)
{
	free(w->h);
	*w = (struct word_set){ 0 };
}

double br_wiki__overlap(const struct word_set *a, const struct word_set *b, bool of_longer)
{
	size_t i = 0, j = 0, both = 0, all = of_longer ? BR_MAX(a->n, b->n) : BR_MIN(a->n, b->n);

	while (i < a->n && j < b->n) {
		uint64_t x = a->h[i], y = b->h[j];
		both += x == y;
		i += x <= y;
		j += y <= x;
	}
	return all ? (double)both / (double)all : 0;
}

/* ---- sizes ---- */

uint32_t br_wiki_token_count(struct br_slice text)
{
	struct br_buf plain = BR_BUF_INIT(SIZE_MAX);
	size_t n = 0, letters = 0;
	uint32_t cp;

	br_wiki_strip(&plain, text);
	for (size_t i = 0; i < plain.len;) {
		i += br_utf8_next(&cp, plain.ptr + i, plain.len - i);
		if (br_wiki__is_wide(cp)) {
			n++;
			letters = 0;
		} else if (is_blank(cp) || is_punctuation(cp)) {
			n += is_punctuation(cp);
			letters = 0;
		} else if (letters++ % 6 == 0) { /* a longer word is several tokens */
			n++;
		}
	}
	br_buf_release(&plain);
	return (uint32_t)BR_MIN(n, (size_t)UINT32_MAX);
}
