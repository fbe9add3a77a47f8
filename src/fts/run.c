/*
 * Words that are more than plain letters: identifiers, numbers, apostrophes. One pass finds the end of the run and the
 * places where it falls into parts: at '_' and '.', where a capital follows a small letter (parse|Http), and before the last capital
 * of a row when a small letter follows (HTTP|Header).
 */
#include "run.h"

#include <strings.h>

struct scan {
	const struct br_tokenizer *t;
	const char *s;
	size_t n, p;
	size_t part;                /* where the open part began */
	size_t group;               /* where the open group of digits began: after the part's start or a comma */
	enum br_fts__class before;  /* of the last character that is no mark; C_SEP at the start of a part */
	bool digits, letters;       /* in the open part */
	bool plural;                /* the open part is capitals and will end in s: PDFs */
	size_t sep;                 /* last '_' or '.', 0: none (a run never begins with one) */
	uint32_t parts_at_sep;
};

static enum br_fts__class peek(const struct scan *k, size_t at, size_t *len)
{
	uint32_t c;
	if (at >= k->n) {
		*len = 0;
		return C_SEP;
	}
	*len = br_utf8_next(&c, k->s + at, k->n - at);
	return br_fts__class(k->t, c);
}

static bool in_word(enum br_fts__class c) { return c >= C_LOWER && c <= C_DIGIT; }
static bool is_letter(enum br_fts__class c) { return c >= C_LOWER && c <= C_LETTER; }
static bool is_digit(const struct scan *k, size_t at) { return at < k->n && k->s[at] >= '0' && k->s[at] <= '9'; }

static void close_part(struct br_fts__run *r, struct scan *k, size_t to)
{
	if (to > k->part && r->n < BR_COUNT(r->part))
		r->part[r->n++] = (struct br_fts__part){ (uint32_t)k->part, (uint32_t)to, k->digits };
	k->digits = k->letters = false;
	k->before = C_SEP;
}

static void open_part(struct scan *k, size_t at) { k->part = k->group = at; }

/* "s" and then no more of the word: the plural of an abbreviation (PDFs), or what follows an apostrophe (reset's). */
static bool ends_in_s(const struct scan *k, size_t at)
{
	size_t len;
	if (at >= k->n || (k->s[at] != 's' && k->s[at] != 'S'))
		return false;
	enum br_fts__class c = peek(k, at + 1, &len);
	return !in_word(c) && c != C_UNDER && c != C_MARK;
}

static bool splits_before_capital(struct scan *k, size_t len)
{
	size_t ignored;
	if (k->before == C_LOWER)
		return true;
	if ((k->before != C_UPPER && k->before != C_DIGIT) || peek(k, k->p + len, &ignored) != C_LOWER)
		return false;
	k->plural = ends_in_s(k, k->p + len);
	return !k->plural;
}

/* The part before an apostrophe is a word of its own: l'opera, dell'arte. */
static bool elides(const struct scan *k)
{
	static const char *const usual[] = { "l", "d", "j", "m", "n", "s", "t", "c", "qu" };
	const struct br_fts__lang *l = &k->t->langs[k->t->lang];
	size_t bytes = k->p - k->part, chars = 0;
	if (!l->elision || k->digits)
		return false;
	for (size_t i = k->part; i < k->p; i++)
		chars += ((unsigned char)k->s[i] & 0xC0) != 0x80;
	if (!l->elision_known)
		return chars <= l->elision;
	for (size_t i = 0; i < BR_COUNT(usual); i++)
		if (strlen(usual[i]) == bytes && strncasecmp(usual[i], k->s + k->part, bytes) == 0)
			return true;
	return false;
}

/* True when the run ends here. An apostrophe that is passed over stays in the part and is dropped by normalisation. */
static bool at_apostrophe(struct br_fts__run *r, struct scan *k, size_t len)
{
	size_t after;
	if (!is_letter(k->before) || !is_letter(peek(k, k->p + len, &after)))
		return true;
	if (ends_in_s(k, k->p + len)) {
		r->next = k->p + len + 1;
		return true;
	}
	if (elides(k)) {
		r->next = k->p + len;
		return true;
	}
	k->before = C_SEP;
	k->p += len;
	return false;
}

/* '_' any number of times or one '.', with more of the word behind; true when the run ends here. */
static bool at_separator(struct br_fts__run *r, struct scan *k, bool under)
{
	size_t len, q = k->p + 1;
	while (under && q < k->n && k->s[q] == '_')
		q++;
	if (!in_word(peek(k, q, &len)))
		return true;
	close_part(r, k, k->p);
	k->sep = k->p;
	k->parts_at_sep = r->n;
	k->p = q;
	open_part(k, q);
	return false;
}

/* A comma between digits in groups of three is no end: 1,000,000. */
static bool at_comma(struct br_fts__run *r, struct scan *k)
{
	if (r->n || k->letters || !k->digits || k->p - k->group > 3 || !is_digit(k, k->p + 1) || !is_digit(k, k->p + 2) ||
	    !is_digit(k, k->p + 3) || is_digit(k, k->p + 4))
		return true;
	k->group = ++k->p;
	return false;
}

static bool step(struct br_fts__run *r, struct scan *k)
{
	size_t len;
	enum br_fts__class c = peek(k, k->p, &len);
	switch (c) {
	case C_UPPER:
		if (k->p > k->part && splits_before_capital(k, len)) {
			close_part(r, k, k->p);
			open_part(k, k->p);
		}
		/* fallthrough */
	case C_LOWER:
	case C_LETTER:
		k->letters = true;
		break;
	case C_DIGIT:
		k->digits = true;
		break;
	case C_MARK:
		c = k->before;
		break;
	case C_UNDER:
	case C_DOT:
		return at_separator(r, k, c == C_UNDER);
	case C_APOS:
		return at_apostrophe(r, k, len);
	case C_COMMA:
		return at_comma(r, k);
	default:
		return true;
	}
	k->before = c;
	k->p += len;
	return false;
}

/* Too long: cut at the last separator, and without one it is no word at all. */
static void overlong(struct br_fts__run *r, struct scan *k)
{
	size_t len;
	if (k->sep) {
		r->n = k->parts_at_sep;
		r->to = k->sep;
		r->next = k->sep + 1;
		return;
	}
	for (enum br_fts__class c; c = peek(k, k->p, &len), in_word(c) || c == C_MARK;)
		k->p += len;
	r->blob = true;
	r->n = 0;
	r->to = r->next = k->p;
}

void br_fts__run_scan(struct br_fts__run *r, const struct br_tokenizer *t, const char *s, size_t n, size_t from)
{
	struct scan k = { .t = t, .s = s, .n = n, .p = from, .part = from, .group = from, .before = C_SEP };
	r->from = from;
	r->next = 0;
	r->n = 0;
	r->blob = false;
	while (!step(r, &k)) {
		if (k.p - from > BR_MAX_WORD) {
			overlong(r, &k);
			return;
		}
	}
	r->next = BR_MAX(r->next, k.p);
	r->to = k.plural ? k.p - 1 : k.p;
	close_part(r, &k, r->to);
}
