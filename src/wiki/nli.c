/*
 * The deterministic judge of two claims. It calls a contradiction only what is one by its form: the same subject and nearly the same
 * words, and exactly one number, date or negation that differs. Everything else is neutral, which is never a fault.
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>

enum { MAX_WORDS = JUDGED_WORDS, SUBJECT_WORDS = 2, SUBJECT_WIDE = 4, LEAST_WORDS = 3 };
static const double ALIKE = 0.8;

static const char *const negations[] = {
	"not", "no", "never", "cannot", "without", "none", "neither", "nor", "nicht", "kein", "keine", "keinen", "keiner", "nie", "niemals", "pas",
	"jamais", "aucun", "aucune", "nunca", "não", "non", "niet", "geen", "не", "нет",
};
static const char *const wide_negations[] = { "不", "没", "無", "无", "未", "非", "沒", "勿" };
static const char *const dates[] = {
	"january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december", "monday", "tuesday",
	"wednesday", "thursday", "friday", "saturday", "sunday", "januar", "februar", "märz", "juni", "juli", "oktober", "dezember",
};
static const char *const little[] = {
	"the", "a", "an", "is", "are", "was", "were", "be", "been", "will", "this", "that", "it", "its", "of", "in", "on", "to", "for", "and", "or",
	"does", "do", "did", "has", "have", "had", "can", "may", "der", "die", "das", "ein", "eine", "ist", "sind", "und", "le", "la", "les", "un",
	"une", "est", "sont", "el", "los", "las", "es", "son",
};

static bool among(const char *const *list, size_t n, struct br_slice word)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i]) == word.len && !memcmp(list[i], word.ptr, word.len))
			return true;
	return false;
}

/* "1,000.5", "2026-01-31", "10mb", "3rd"; not "http/2" and "v3", which are names. */
static bool is_number(struct br_slice w)
{
	size_t letters = 0;

	for (size_t i = 0; i < w.len; i++) {
		if (isdigit((unsigned char)w.ptr[i]) && letters)
			return false;
		letters += !isdigit((unsigned char)w.ptr[i]) && !strchr(".,:-/", w.ptr[i]);
	}
	return w.len && isdigit((unsigned char)w.ptr[0]) && letters <= 3;
}

static void add_number(struct judged *s, struct br_slice w)
{
	if (s->numbers < MAX_WORDS) {
		s->at[s->numbers] = (uint32_t)s->words;
		s->number[s->numbers++] = br_hash64(w.ptr, w.len);
	}
}

static void add_word(struct judged *s, struct br_slice w, bool wide)
{
	bool contraction = w.len > 3 && !memcmp(w.ptr + w.len - 3, "n't", 3);

	if (contraction || (wide ? among(wide_negations, BR_COUNT(wide_negations), w) : among(negations, BR_COUNT(negations), w))) {
		s->negated = !s->negated;
		return;
	}
	if (!wide && (is_number(w) || among(dates, BR_COUNT(dates), w))) {
		add_number(s, w);
		return;
	}
	if (wide ? w.len == 0 : among(little, BR_COUNT(little), w))
		return;
	if (s->words < MAX_WORDS) {
		s->wide += wide;
		s->word[s->words++] = br_hash64(w.ptr, w.len);
	}
}

/* "1,000.5", "2026-01-31", "10:30", "http/2" and "don't" are one word each. */
static bool joins(const char *p, size_t i, size_t n)
{
	bool digits = i && isalnum((unsigned char)p[i - 1]) && i + 1 < n && isdigit((unsigned char)p[i + 1]);

	return (strchr(".,:-/", p[i]) && digits) || (p[i] == '\'' && i && i + 1 < n && isalpha((unsigned char)p[i + 1]));
}

void br_wiki__judged(struct judged *s, struct br_slice text)
{
	struct br_arena a = { 0 };
	char *p = br_arena_strndup(&a, text.ptr, text.len);
	size_t from = 0, i = 0;
	uint32_t cp;

	memset(s, 0, sizeof *s);
	for (size_t k = 0; k < text.len; k++)
		p[k] = (char)(isupper((unsigned char)p[k]) ? tolower((unsigned char)p[k]) : p[k]);
	while (i <= text.len) {
		size_t step = i < text.len ? br_utf8_next(&cp, p + i, text.len - i) : 1;
		bool wide = i < text.len && br_wiki__is_wide(cp);
		bool letter = i < text.len && !wide && (cp >= 0xaa ? !(cp >= 0x2010 && cp <= 0x303f) && cp < 0xff00 : isalnum((int)cp) || (cp < 0x80 && joins(p, i, text.len)));
		if (!letter) {
			if (i > from)
				add_word(s, br_slice(p + from, i - from), false);
			if (wide)
				add_word(s, br_slice(p + i, step), true);
			from = i + step;
		}
		i += step;
	}
	br_arena_release(&a);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Share of the words of both that both have, as sets. */
static double alike(const struct judged *a, const struct judged *b)
{
	uint64_t x[MAX_WORDS], y[MAX_WORDS];
	size_t i = 0, j = 0, both = 0;

	memcpy(x, a->word, a->words * sizeof *x);
	memcpy(y, b->word, b->words * sizeof *y);
	qsort(x, a->words, sizeof *x, by_value);
	qsort(y, b->words, sizeof *y, by_value);
	while (i < a->words && j < b->words) {
		uint64_t u = x[i], v = y[j];
		both += u == v;
		i += u <= v;
		j += v <= u;
	}
	return a->words + b->words ? (double)both / (double)(a->words + b->words - both) : 0;
}

static bool same_subject(const struct judged *a, const struct judged *b)
{
	size_t n = a->wide && b->wide ? SUBJECT_WIDE : SUBJECT_WORDS;

	return a->words >= n && b->words >= n && !memcmp(a->word, b->word, n * sizeof *a->word);
}

/* How many of the numbers differ, which must be as many in both and stand in the same places. */
static int differing(const struct judged *a, const struct judged *b)
{
	int n = 0;

	if (a->numbers != b->numbers)
		return -1;
	for (size_t i = 0; i < a->numbers; i++) {
		if (a->at[i] != b->at[i])
			return -1;
		n += a->number[i] != b->number[i];
	}
	return n;
}

enum br_verdict br_wiki__compare(const struct judged *a, const struct judged *b)
{
	int numbers;
	double share;

	if (!same_subject(a, b) || a->words + a->numbers < LEAST_WORDS || (numbers = differing(a, b)) < 0 || numbers > 1)
		return BR_NEUTRAL;
	share = alike(a, b);
	if (share == 1.0 && !numbers && a->negated == b->negated)
		return BR_ENTAILMENT;
	return share >= ALIKE && numbers + (a->negated != b->negated) == 1 ? BR_CONTRADICTION : BR_NEUTRAL;
}

enum br_verdict br_wiki_judge(struct br_slice claim, struct br_slice other)
{
	struct judged a, b;

	br_wiki__judged(&a, claim);
	br_wiki__judged(&b, other);
	return br_wiki__compare(&a, &b);
}
