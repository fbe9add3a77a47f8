/*
 * Sentences: where one ends is decided at each full stop from the word before it and the character behind it. Meant for
 * English, German, French and Spanish, and for the full stops of Chinese and Japanese. Every byte is looked at a
 * bounded number of times.
 */
#include "internal.h"

/* Words whose full stop ends no sentence, whatever follows. Lower case, without the last full stop. */
static const char *const always[] = {
	"e.g", "i.e", "mr", "mrs", "ms", "dr", "prof", "st", "cf", "vs", "al", "approx", "z.b", "d.h", "u.a", "bzw", "vgl", "ca", "evtl",
	"ggf", "inkl", "sog", "resp", "hr", "fr", "p.ex", "mme", "mlle", "env", "sr", "sra", "srta", "dra", "ud", "uds", "ej", "av",
};
/* Words whose full stop ends no sentence before a number. */
static const char *const before_number[] = {
	"no", "nr", "fig", "figs", "eq", "sec", "ch", "vol", "pp", "art", "abb", "abs", "kap", "bd", "chap", "cap", "pag", "tab", "ver",
};

#define LONGEST_ABBREVIATION 8

static bool is_closer(uint32_t cp)
{
	switch (cp) {
	case ')': case ']': case '}': case '"': case '\'': case '*': case '_':
	case 0x00bb: case 0x2019: case 0x201d: case 0x203a:
	case 0x3009: case 0x300b: case 0x300d: case 0x300f: case 0x3011: case 0xff09: case 0xff3d: case 0xff63:
		return true;
	default:
		return false;
	}
}

static bool is_wide_stop(uint32_t cp)
{
	return cp == 0x3002 || cp == 0xff01 || cp == 0xff1f || cp == 0xff61;
}

static bool is_lower(uint32_t cp)
{
	return (cp >= 'a' && cp <= 'z') || (cp >= 0xdf && cp <= 0xff && cp != 0xf7) ||
	       (cp >= 0x100 && cp <= 0x137 && (cp & 1)) || (cp >= 0x3ac && cp <= 0x3ce) || (cp >= 0x430 && cp <= 0x45f);
}

static bool in_list(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], word))
			return true;
	return false;
}

/* The run of stops and what closes behind them. */
struct stop {
	size_t end;     /* behind the run */
	unsigned dots;  /* full stops */
	bool mark;      /* ! or ? */
	bool ellipsis;
	bool wide;      /* CJK: needs no space */
	bool closed;    /* a quote or bracket closes behind it */
};

static struct stop read_stop(struct br_slice t, size_t pos)
{
	struct stop s = { .end = pos };

	while (s.end < t.len) {
		uint32_t cp;
		size_t n = br_utf8_next(&cp, t.ptr + s.end, t.len - s.end);

		if (cp == '.')
			s.dots++;
		else if (cp == '!' || cp == '?')
			s.mark = true;
		else if (cp == 0x2026)
			s.ellipsis = true;
		else if (is_wide_stop(cp))
			s.wide = true;
		else if (is_closer(cp) && s.end > pos)
			s.closed = true;
		else
			break;
		s.end += n;
	}
	s.ellipsis |= s.dots > 1;
	return s;
}

/* The word that ends before `dot`, lower-cased into out. Its length in bytes; 0: too long to be an abbreviation. */
static size_t word_before(char out[LONGEST_ABBREVIATION + 1], struct br_slice t, size_t from, size_t dot)
{
	size_t start = dot, n = 0;

	while (start > from && !is_blank(t.ptr[start - 1]) && !strchr("([{\"'*_", t.ptr[start - 1])) {
		if (dot - start == LONGEST_ABBREVIATION)
			return 0;
		start--;
	}
	for (; start < dot; start++) {
		char ch = t.ptr[start];
		out[n++] = ch >= 'A' && ch <= 'Z' ? (char)(ch + 32) : ch;
	}
	out[n] = 0;
	return n;
}

static bool is_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == 0;
}

static bool is_one_letter(const char *s)
{
	uint32_t cp;
	size_t len = strlen(s);

	return len && br_utf8_next(&cp, s, len) == len && (cp >= 0xc0 || (cp >= 'a' && cp <= 'z'));
}

/* Whether a single full stop behind text [from, dot) ends a sentence when `next` is the first character behind it. */
static bool dot_ends(struct br_slice t, size_t from, size_t dot, uint32_t next)
{
	char word[LONGEST_ABBREVIATION + 1];

	if (is_lower(next))
		return false;
	if (!word_before(word, t, from, dot))
		return true;
	if (is_one_letter(word) || in_list(always, BR_COUNT(always), word))
		return false;
	if (next >= '0' && next <= '9' && in_list(before_number, BR_COUNT(before_number), word))
		return false;
	/* "3. Install it": the number of a list item, not a sentence */
	return !(is_digits(word) && strlen(word) == dot - from);
}

static bool stop_ends(struct br_slice t, size_t from, size_t pos, const struct stop *s, uint32_t next)
{
	if (s->mark)
		return !(s->closed && is_lower(next)); /* "Why?" he asked */
	if (s->ellipsis)
		return !is_lower(next);
	return dot_ends(t, from, pos, next);
}

/* Skips blanks; a blank line among them sets *para. */
static size_t skip_blanks(struct br_slice t, size_t pos, bool *para)
{
	unsigned newlines = 0;

	for (; pos < t.len && is_blank(t.ptr[pos]); pos++)
		newlines += t.ptr[pos] == '\n';
	*para = newlines > 1;
	return pos;
}

static bool may_stop(unsigned char ch)
{
	return ch == '.' || ch == '!' || ch == '?' || ch == '\n' || ch == 0xe2 || ch == 0xe3 || ch == 0xef;
}

/* Looks at the possible end at pos. True: the sentence ends at *end and the next begins at *next; false: go on at *next. */
static bool ends_here(struct br_slice t, size_t from, size_t pos, size_t *end, size_t *next)
{
	struct stop s;
	uint32_t cp = 0;
	bool para;

	*end = pos;
	if (t.ptr[pos] == '\n') {
		*next = skip_blanks(t, pos, &para);
		return para || *next == t.len;
	}
	s = read_stop(t, pos);
	if (s.end == pos) { /* some other character of three bytes */
		*next = pos + br_utf8_next(&cp, t.ptr + pos, t.len - pos);
		return false;
	}
	*end = s.end;
	*next = skip_blanks(t, s.end, &para);
	if (para || s.wide || *next == t.len)
		return true;
	if (*next == s.end)
		return false; /* inside a word: 3.14, example.org */
	br_utf8_next(&cp, t.ptr + *next, t.len - *next);
	return stop_ends(t, from, pos, &s, cp);
}

bool br_sentence_next(struct br_range *out, struct br_slice text, size_t *pos)
{
	bool para;
	size_t from = skip_blanks(text, *pos, &para), at = from, end = text.len, next = text.len;

	if (from >= text.len) {
		*pos = text.len;
		return false;
	}
	while (at < text.len) {
		if (!may_stop((unsigned char)text.ptr[at])) {
			at++;
			continue;
		}
		if (ends_here(text, from, at, &end, &next))
			break;
		at = next;
		end = next = text.len;
	}
	while (is_blank(text.ptr[end - 1]))
		end--;
	*out = (struct br_range){ (uint32_t)from, (uint32_t)(end - from) };
	*pos = next;
	return true;
}
