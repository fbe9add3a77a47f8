/*
 * From a raw word to its index term: Unicode normalisation, stemming, folding of accents. Everything here runs once per
 * distinct word; the cache in token.c stands before it.
 */
#include "token.h"

#include <errno.h>
#include <libstemmer.h>
#include <stdlib.h>
#include <utf8proc.h>

/* Languages whose own script is not Latin: their plain ASCII words are mostly English. */
static const char *const other_script[] = { "ar", "el", "he", "hi", "hy", "ja", "ko", "ne", "ru", "ta", "th", "uk", "bg", "yi", "zh" };
/*
 * Languages stemmed after the accents are folded, so that words typed without them find those with them. Their stemmers
 * lose little by that (at most 5 % of the pairs of inflected forms they join otherwise) once the endings below are restored;
 * elsewhere (Hungarian, Romanian, Turkish ...) they would lose 10 to 25 %, and accents are folded after stemming.
 */
static const char *const fold_first[] = { "ca", "da", "de", "el", "es", "fi", "fr", "it", "nl", "pt", "sv" };
static const char *const elides[] = { "ca", "fr", "it" };
/* Languages whose stemmers take prefixes off or write first letters in another way. */
static const char *const moves_first[] = { "ga", "id", "sr", "tr" };

/* Endings that a stemmer knows with their accents only (and the plural of -ção, which it takes for another word). The longest first. */
static const struct ending {
	char code[3], plain[8], accented[10];
} endings[] = {
	{ "ca", "cio", "ció" },     { "es", "cion", "ción" },     { "fr", "ees", "ées" },     { "fr", "ee", "ée" },
	{ "fr", "lite", "lité" },   { "fr", "lites", "lités" },   { "pt", "cao", "ção" },     { "pt", "coes", "ção" },
	{ "pt", "oes", "ão" },      { "pt", "avel", "ável" },     { "pt", "aveis", "áveis" }, { "pt", "ivel", "ível" },
	{ "pt", "iveis", "íveis" }, { "pt", "ancia", "ância" },   { "pt", "encia", "ência" }, { "pt", "ancias", "âncias" },
	{ "pt", "arao", "arão" },   { "pt", "encias", "ências" }, { "pt", "erao", "erão" },   { "pt", "irao", "irão" },
};

static bool listed(const char *code, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(code, list[i]) == 0)
			return true;
	return false;
}

/* NULL when there is none for the language. */
static struct sb_stemmer *new_stemmer(const char *name)
{
	struct sb_stemmer *s;

	errno = 0;
	s = sb_stemmer_new(name, "UTF_8");
	return s || errno != ENOMEM ? s : br_must(NULL);
}

/* False when nothing is known about the language: it is treated as none. */
static bool lang_fill(struct br_tokenizer *t, struct br_fts__lang *l, const char *code)
{
	const char *name = strcmp(code, "nb") == 0 || strcmp(code, "nn") == 0 ? "no" : code;
	bool other = listed(code, other_script, BR_COUNT(other_script));
	l->stem = new_stemmer(name);
	if (!l->stem && !other)
		return false;
	memcpy(l->code, code, 3);
	l->ascii = l->stem;
	if (other) {
		if (!t->english)
			t->english = new_stemmer("en");
		l->ascii = t->english;
	}
	l->fold_first = listed(code, fold_first, BR_COUNT(fold_first));
	l->keeps_first = !listed(code, moves_first, BR_COUNT(moves_first));
	l->elision = listed(code, elides, BR_COUNT(elides)) ? 6 : 0;
	return true;
}

uint32_t br_fts__lang_index(struct br_tokenizer *t, const char *code)
{
	if (strlen(code) != 2 || code[0] < 'a' || code[0] > 'z' || code[1] < 'a' || code[1] > 'z')
		return 0;
	for (uint32_t i = 1; i < t->n_langs; i++)
		if (memcmp(t->langs[i].code, code, 3) == 0)
			return i;
	if (t->n_langs == BR_FTS__LANGS || !lang_fill(t, &t->langs[t->n_langs], code))
		return 0;
	return t->n_langs++;
}

void br_fts__langs_release(struct br_tokenizer *t)
{
	for (uint32_t i = 1; i < t->n_langs; i++)
		if (t->langs[i].stem)
			sb_stemmer_delete(t->langs[i].stem);
	if (t->english)
		sb_stemmer_delete(t->english);
}

/* ---- marks and accents; c is casefolded and, here, decomposed ---- */

static bool is_accent(int32_t c) { return c >= 0x300 && c <= 0x36F; }

/* Points and vowel signs that Arabic and Hebrew are written with or without; the tatweel; hamza and madda on a letter. */
static bool is_pointing(int32_t c)
{
	return (c >= 0x591 && c <= 0x5C7 && c != 0x5BE && c != 0x5C0 && c != 0x5C3 && c != 0x5C6) || c == 0x640 ||
	       (c >= 0x610 && c <= 0x61A) || (c >= 0x64B && c <= 0x65F) || c == 0x670 || (c >= 0x6D6 && c <= 0x6ED && c != 0x6DD && c != 0x6DE);
}

/* Cyrillic: stress marks on vowels go, and the dots of yo; short i, yi and the letters of Macedonian are letters. */
static bool drops_on_cyrillic(int32_t base, int32_t mark)
{
	bool vowel = base == 0x430 || base == 0x435 || base == 0x438 || base == 0x43E || base == 0x443 || base == 0x44B ||
	             base == 0x44D || base == 0x44E || base == 0x44F || base == 0x456;
	return ((mark == 0x300 || mark == 0x301) && vowel) || (mark == 0x308 && base == 0x435);
}

static bool folds(int32_t base) { return base < 0x400 || (base >= 0x1E00 && base < 0x2000); }

/* Letters that carry no mark to strip, with what people write for them. */
static const char *letter_fold(int32_t c)
{
	switch (c) {
	case 0x00DF: return "ss";
	case 0x00E6: return "ae";
	case 0x00F0: return "d";
	case 0x00F8: return "o";
	case 0x00FE: return "th";
	case 0x0111: return "d";
	case 0x0127: return "h";
	case 0x0131: return "i";
	case 0x0138: return "k";
	case 0x0142: return "l";
	case 0x014B: return "n";
	case 0x0153: return "oe";
	case 0x0167: return "t";
	case 0x03C2: return "\xCF\x83"; /* final sigma */
	default: return NULL;
	}
}

/* Over decomposed characters, in place; all: every accent of Latin and Greek, else only what is no part of spelling. */
static size_t drop_marks(int32_t *c, size_t n, bool all)
{
	size_t out = 0;
	int32_t base = 0;
	for (size_t i = 0; i < n; i++) {
		bool drop = c[i] == '\'' || c[i] == ',' || c[i] == 0x2019 || c[i] == 0x2BC || is_pointing(c[i]);
		if (is_accent(c[i]))
			drop = (all && folds(base)) || drops_on_cyrillic(base, c[i]) || (c[i] == 0x307 && base == 'i');
		else if (!drop)
			base = c[i];
		if (!drop)
			c[out++] = c[i];
	}
	return out;
}

/* Accents of a composed UTF-8 word into t->folded; returns its length. */
static size_t fold(struct br_tokenizer *t, const char *s, size_t n)
{
	char *o = t->folded, *end = t->folded + sizeof t->folded - 8;
	for (size_t i = 0; i < n && o < end;) {
		uint32_t c;
		size_t len = br_utf8_next(&c, s + i, n - i);
		const char *other = letter_fold((int32_t)c);
		utf8proc_int32_t part[8] = { (utf8proc_int32_t)c };
		utf8proc_ssize_t parts = 1;
		i += len;
		if (other) {
			memcpy(o, other, strlen(other));
			o += strlen(other);
			continue;
		}
		if (c >= 0xC0 && folds((int32_t)c))
			parts = utf8proc_decompose_char((utf8proc_int32_t)c, part, 8, UTF8PROC_DECOMPOSE, NULL);
		if (parts < 1 || parts > 8)
			parts = 1;
		for (utf8proc_ssize_t k = 0; k < parts; k++)
			if (!is_accent(part[k]))
				o += br_utf8_put(o, (uint32_t)part[k]);
	}
	return (size_t)(o - t->folded);
}

/* ---- the steps of a word ---- */

static size_t cut(char out[BR_MAX_TOKEN], const char *s, size_t n, uint64_t hash)
{
	uint8_t h[8];
	char hex[17];
	size_t keep = BR_MIN(n, (size_t)BR_MAX_TOKEN - 16);
	while (keep > 0 && keep < n && ((unsigned char)s[keep] & 0xC0) == 0x80)
		keep--;
	br_be64(h, hash);
	br_hex(hex, h, 8);
	memcpy(out, s, keep);
	memcpy(out + keep, hex, 16);
	return keep + 16;
}

static size_t finish(char out[BR_MAX_TOKEN], const char *s, size_t n)
{
	if (n > BR_MAX_TOKEN)
		return cut(out, s, n, br_hash64(s, n));
	memcpy(out, s, n);
	return n;
}

/* A result that is empty or much longer is no stem. */
static struct br_slice stem(struct sb_stemmer *st, struct br_slice word)
{
	if (!st)
		return word;
	const sb_symbol *s = br_must((void *)(uintptr_t)sb_stemmer_stem(st, (const sb_symbol *)word.ptr, (int)word.len));
	int n = sb_stemmer_length(st);
	return n > 0 ? br_slice(s, (size_t)n) : word;
}

static bool is_ascii(const char *s, size_t n)
{
	unsigned char any = 0;
	for (size_t i = 0; i < n; i++)
		any |= (unsigned char)s[i];
	return any < 0x80;
}

static size_t finish_folded(struct br_tokenizer *t, char out[BR_MAX_TOKEN], struct br_slice term)
{
	if (is_ascii(term.ptr, term.len))
		return finish(out, term.ptr, term.len);
	return finish(out, t->folded, fold(t, term.ptr, term.len));
}

/* In place, within room; returns the new length. */
static size_t restore_ending(const char *code, char *word, size_t n, size_t room)
{
	for (size_t i = 0; i < BR_COUNT(endings); i++) {
		const struct ending *e = &endings[i];
		size_t from = strlen(e->plain), to = strlen(e->accented);
		if (strcmp(e->code, code) != 0 || n <= from || n - from + to > room || memcmp(word + n - from, e->plain, from) != 0)
			continue;
		memcpy(word + n - from, e->accented, to);
		return n - from + to;
	}
	return n;
}

static size_t normalise_ascii(struct br_tokenizer *t, char out[BR_MAX_TOKEN], const char *raw, size_t n, uint32_t lang)
{
	char low[BR_MAX_WORD];
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		if (raw[i] == '\'' || raw[i] == ',')
			continue;
		low[len++] = raw[i] >= 'A' && raw[i] <= 'Z' ? (char)(raw[i] + 32) : raw[i];
	}
	if (t->langs[lang].fold_first)
		len = restore_ending(t->langs[lang].code, low, len, sizeof low);
	struct br_slice term = stem(t->langs[lang].ascii, br_slice(low, len));
	return finish_folded(t, out, term);
}

size_t br_fts__normalise(struct br_tokenizer *t, char out[BR_MAX_TOKEN], const char *raw, size_t n, uint32_t lang)
{
	const struct br_fts__lang *l = &t->langs[lang];
	const utf8proc_option_t nfkc_fold = UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
	if (is_ascii(raw, n))
		return normalise_ascii(t, out, raw, n, lang);

	utf8proc_ssize_t c = utf8proc_decompose((const utf8proc_uint8_t *)raw, (utf8proc_ssize_t)n, t->work, BR_COUNT(t->work) - 1, nfkc_fold);
	if (c <= 0 || (size_t)c >= BR_COUNT(t->work))
		return 0;
	c = (utf8proc_ssize_t)drop_marks(t->work, (size_t)c, l->fold_first);
	c = utf8proc_reencode(t->work, c, nfkc_fold); /* composes and leaves UTF-8 in the same memory */
	if (c <= 0)
		return 0;
	struct br_slice word = br_slice(t->work, (size_t)c);
	if (l->fold_first) {
		word.len = fold(t, word.ptr, word.len);
		word.ptr = t->folded;
		if (word.len <= BR_MAX_WORD && is_ascii(word.ptr, word.len))
			return normalise_ascii(t, out, word.ptr, word.len, lang);
	}
	return finish_folded(t, out, stem(is_ascii(word.ptr, word.len) ? l->ascii : l->stem, word));
}

size_t br_fts__normalise_blob(struct br_tokenizer *t, char out[BR_MAX_TOKEN], const char *raw, size_t n)
{
	char head[BR_MAX_TOKEN];
	size_t take = BR_MIN(n, (size_t)BR_MAX_TOKEN - 16);
	while (take > 0 && take < n && ((unsigned char)raw[take] & 0xC0) == 0x80)
		take--;
	size_t len = br_fts__normalise(t, head, raw, take, 0);
	return cut(out, head, len, br_hash64(raw, n));
}

const char *br_fts_library(void)
{
	return "utf8proc " BR_STRINGIFY(UTF8PROC_VERSION_MAJOR) "." BR_STRINGIFY(UTF8PROC_VERSION_MINOR) "." BR_STRINGIFY(UTF8PROC_VERSION_PATCH) ", Snowball";
}
