/*
 * Definitions: sentences such as "A lease is a lock that ends by itself" or "... write-ahead log (WAL) ...", found by their form. A few
 * that are none do no harm: they are used only where a passage has the term and does not explain it.
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>

enum { MAX_TERM = 60, MAX_WORDS = 4, MIN_SENTENCE = 12, MAX_SENTENCE = 400, MAX_ABBREVIATION = 8 };
enum { COMMON_FROM = 8, COMMON_SHARE = 5 }; /* passages of a document; one in so many */

static const char *const verbs[] = {
	" is a ", " is an ", " is the ", " is any ", " are a ", " are the ", " means ", " refers to ", " denotes ", " stands for ",
	" describes ", " ist ein ", " ist eine ", " ist der ", " ist die ", " ist das ", " bezeichnet ", " bedeutet ", " est un ",
	" est une ", " est le ", " est la ", " désigne ", " signifie ", " es un ", " es una ", " significa ", " è un ", " è una ",
};
static const char *const articles[] = {
	"a", "an", "the", "ein", "eine", "der", "die", "das", "un", "une", "le", "la", "les", "el", "los", "una", "il", "lo",
};
/* A term that begins or ends with one of these is none. */
static const char *const not_terms[] = {
	"this", "that", "these", "those", "it", "there", "here", "which", "what", "who", "he", "she", "they", "we", "you", "i", "one",
	"if", "when", "as", "and", "but", "or", "so", "then", "because", "each", "in", "on", "at", "for", "by", "with", "from", "to",
	"all", "some", "where", "how", "why", "such", "its", "his", "her", "our", "your", "their",
	"following", "suppose", "note", "example", "above", "below", "default", "result", "next", "first", "second", "only", "reason",
	"es", "dies", "diese", "dieser", "dieses", "ce", "cela", "elle", "esto", "eso",
};

static const char lists[] = "#>-+|=~ \t\r\n", emphasis[] = "*_`\"'#>-+|=~ \t\r\n";

static bool is_word(unsigned char c) { return c >= 0x80 || isalnum(c); }

static bool among(struct br_slice word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i]) == word.len && !strncasecmp(list[i], word.ptr, word.len))
			return true;
	return false;
}

/* Without these characters at both ends. */
static struct br_slice strip(struct br_slice s, const char *marks)
{
	while (s.len && strchr(marks, s.ptr[0]))
		s = br_slice(s.ptr + 1, s.len - 1);
	while (s.len && strchr(marks, s.ptr[s.len - 1]))
		s.len--;
	return s;
}

static struct br_slice first_word(struct br_slice s)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] != ' ')
		n++;
	return br_slice(s.ptr, n);
}

static struct br_slice last_word(struct br_slice s)
{
	const char *gap = s.len ? memrchr(s.ptr, ' ', s.len) : NULL;

	return gap ? br_slice(gap + 1, (size_t)(s.ptr + s.len - gap - 1)) : s;
}

/* ---- "TERM is a ..." ---- */

static bool is_term(struct br_slice s)
{
	size_t words = 1, letters = 0;

	if (s.len < 2 || s.len > MAX_TERM)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c < 0x20 || strchr(",;:.!?()[]{}<>=/\\|", c))
			return false;
		words += c == ' ';
		letters += c >= 0x80 || isalpha(c);
	}
	return words <= MAX_WORDS && letters >= 2 && !among(first_word(s), not_terms, BR_COUNT(not_terms)) &&
	       !among(last_word(s), not_terms, BR_COUNT(not_terms));
}

static struct br_slice before_verb(struct br_slice s)
{
	size_t best = s.len;

	for (size_t i = 0; i < BR_COUNT(verbs); i++) {
		const char *p = memmem(s.ptr, BR_MIN(s.len, (size_t)2 * MAX_TERM), verbs[i], strlen(verbs[i]));
		if (p)
			best = BR_MIN(best, (size_t)(p - s.ptr));
	}
	return best < s.len ? br_slice(s.ptr, best) : br_slice("", 0);
}

static struct br_slice defined_term(struct br_slice sentence)
{
	struct br_slice term = strip(before_verb(sentence), emphasis), word = first_word(term);

	if (word.len < term.len && among(word, articles, BR_COUNT(articles)))
		term = strip(br_slice(term.ptr + word.len, term.len - word.len), emphasis);
	return is_term(term) ? term : br_slice("", 0);
}

/* ---- "long form (LF)" ---- */

static bool is_abbreviation(struct br_slice s)
{
	size_t upper = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (!isupper((unsigned char)s.ptr[i]) && !isdigit((unsigned char)s.ptr[i]))
			return false;
		upper += isupper((unsigned char)s.ptr[i]) != 0;
	}
	return upper >= 2 && s.len <= MAX_ABBREVIATION;
}

/* Does a word with its first letter stand shortly before it, as many words back as it has letters or a few more? */
static bool is_spelled_out(struct br_slice before, char letter, size_t letters)
{
	size_t words = 0;

	for (size_t i = before.len; i-- > 0 && words <= letters + 1;) {
		if (!is_word((unsigned char)before.ptr[i]) || (i && is_word((unsigned char)before.ptr[i - 1])))
			continue;
		words++;
		if (tolower((unsigned char)before.ptr[i]) == tolower((unsigned char)letter) && words + 1 >= letters)
			return true;
	}
	return false;
}

static struct br_slice abbreviation(struct br_slice s)
{
	for (const char *p = s.ptr, *end = s.ptr + s.len; (p = memchr(p, '(', (size_t)(end - p))); p++) {
		const char *close = memchr(p, ')', (size_t)(end - p));
		struct br_slice inner;
		if (!close)
			break;
		inner = br_slice(p + 1, (size_t)(close - p - 1));
		if (is_abbreviation(inner) && is_spelled_out(br_slice(s.ptr, (size_t)(p - s.ptr)), inner.ptr[0], inner.len))
			return inner;
	}
	return br_slice("", 0);
}

/* ---- sentences ---- */

static void look_at_sentence(definitions *out, struct br_slice text, struct br_slice sentence)
{
	struct br_slice s = strip(sentence, lists), term;
	bool exact = false;

	if (s.len < MIN_SENTENCE || s.len > MAX_SENTENCE || s.ptr[s.len - 1] == ':' || out->n == BR_MAX_DEFINITIONS)
		return;
	if (!(term = defined_term(s)).len) {
		term = abbreviation(s);
		exact = true;
	}
	if (term.len)
		*br_vec_push(out) = (struct definition){ term, (uint32_t)(s.ptr - text.ptr), (uint32_t)s.len, exact };
}

static void look_at_paragraph(definitions *out, struct br_slice text, struct br_slice paragraph)
{
	struct br_range r;
	size_t pos = 0;

	while (br_sentence_next(&r, paragraph, &pos))
		look_at_sentence(out, text, br_slice(paragraph.ptr + r.off, r.len));
}

void find_definitions(definitions *out, struct br_slice text)
{
	for (size_t at = 0; at < text.len && out->n < BR_MAX_DEFINITIONS;) {
		const char *p = memmem(text.ptr + at, text.len - at, "\n\n", 2);
		size_t n = p ? (size_t)(p - text.ptr) - at : text.len - at;
		look_at_paragraph(out, text, br_slice(text.ptr + at, n));
		at += n + 2;
	}
}

/* ---- which of them a passage needs ---- */

/* As whole words; an English plural will do. */
static bool has_term(struct br_slice text, const struct definition *d)
{
	char first[3] = { (char)tolower((unsigned char)d->term.ptr[0]), (char)toupper((unsigned char)d->term.ptr[0]), 0 };
	size_t n = d->term.len;

	if (d->exact)
		first[0] = first[1] = d->term.ptr[0];
	for (size_t i = 0; i + n <= text.len; i++) {
		const char *p = text.ptr + i;
		size_t end = i + n;
		if ((*p != first[0] && *p != first[1]) || (i && is_word((unsigned char)p[-1])) ||
		    (d->exact ? memcmp(p, d->term.ptr, n) : strncasecmp(p, d->term.ptr, n)))
			continue;
		end += end < text.len && text.ptr[end] == 's';
		if (end == text.len || !is_word((unsigned char)text.ptr[end]))
			return true;
	}
	return false;
}

static uint32_t distance(const struct definition *d, uint32_t off) { return d->off > off ? d->off - off : off - d->off; }

static bool same_term(const struct definition *a, const struct definition *b)
{
	return a->term.len == b->term.len && !strncasecmp(a->term.ptr, b->term.ptr, a->term.len);
}

/* Of a term that is explained more than once, one explanation in the passage is enough. */
static bool is_explained(const definitions *all, const struct definition *d, uint32_t off, uint32_t len)
{
	for (size_t i = 0; i < all->n; i++)
		if (same_term(&all->v[i], d) && all->v[i].off < off + len && all->v[i].off + all->v[i].len > off)
			return true;
	return false;
}

/* Into its place by distance, instead of a farther one of the same term; the one that falls out at the end is forgotten. */
static size_t insert(const struct definition **out, size_t have, size_t n, const struct definition *d, uint32_t off)
{
	size_t at = have;

	for (size_t i = 0; i < have; i++) {
		if (!same_term(out[i], d))
			continue;
		if (distance(out[i], off) <= distance(d, off))
			return have;
		at = --have;
		memmove(out + i, out + i + 1, (have - i) * sizeof *out);
		break;
	}
	while (at && distance(d, off) < distance(out[at - 1], off))
		at--;
	if (at == n)
		return have;
	have = BR_MIN(have + 1, n);
	memmove(out + at + 1, out + at, (have - at - 1) * sizeof *out);
	out[at] = d;
	return have;
}

size_t missing_definitions(const struct definition **out, size_t n, const definitions *all, struct br_slice text, uint32_t off,
                           uint32_t len)
{
	struct br_slice body = br_slice(text.ptr + off, len);
	size_t have = 0;

	for (size_t i = 0; i < all->n; i++)
		if (has_term(body, &all->v[i]) && !is_explained(all, &all->v[i], off, len))
			have = insert(out, have, n, &all->v[i], off);
	return have;
}

void drop_common(definitions *all, struct br_slice text, const struct passage *p, uint32_t n)
{
	size_t kept = 0;

	if (n < COMMON_FROM)
		return;
	for (size_t i = 0; i < all->n; i++) {
		uint32_t has = 0;
		for (uint32_t k = 0; k < n && has <= n / COMMON_SHARE; k++)
			has += has_term(br_slice(text.ptr + p[k].off, p[k].len), &all->v[i]);
		if (has <= n / COMMON_SHARE)
			all->v[kept++] = all->v[i];
	}
	all->n = kept;
}
