/*
 * The language of a text: the script decides where it can; languages in Latin script are told apart by frequent words,
 * endings of longer words and letters that few of them have. Reads samples, and no more of them when the case is clear.
 */
#include "internal.h"
#include "lang_words.h"

enum { SAMPLES = 8, SAMPLE = 1024, LATIN_LANGS = 17, LONG_WORD = 6, ENDING_MAX = 5 };

static const char lang_names[LATIN_LANGS][3] = { "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "pl", "cs", "ro", "hu", "tr", "ca" };

/* Letters beyond ASCII and who uses them often. */
static const struct { uint16_t cp; uint32_t langs; } letters[] = {
	{ 0xdf, DE }, { 0xe0, FR | IT | PT | CA }, { 0xe1, ES | PT | HU | CS }, { 0xe2, FR | RO | PT }, { 0xe3, PT }, { 0xe4, DE | SV | FI },
	{ 0xe5, SV | DA | NO }, { 0xe6, DA | NO }, { 0xe7, FR | PT | TR | CA }, { 0xe8, FR | IT | CA }, { 0xe9, FR | ES | PT | HU | CS | CA },
	{ 0xea, FR | PT }, { 0xeb, NL | FR }, { 0xec, IT }, { 0xed, ES | PT | HU | CS | CA }, { 0xee, FR | RO }, { 0xef, FR | CA | NL },
	{ 0xf1, ES }, { 0xf2, IT | CA }, { 0xf3, ES | PT | HU | PL | CA }, { 0xf4, FR | PT }, { 0xf5, PT }, { 0xf6, DE | SV | FI | HU | TR },
	{ 0xf8, DA | NO }, { 0xf9, FR | IT }, { 0xfa, ES | PT | HU | CS }, { 0xfc, DE | TR | HU }, { 0xfd, CS }, { 0x103, RO }, { 0x105, PL },
	{ 0x107, PL }, { 0x10d, CS }, { 0x10f, CS }, { 0x119, PL }, { 0x11b, CS }, { 0x11f, TR }, { 0x131, TR }, { 0x142, PL }, { 0x144, PL },
	{ 0x148, CS }, { 0x151, HU }, { 0x153, FR }, { 0x159, CS }, { 0x15b, PL }, { 0x15f, TR | RO }, { 0x161, CS }, { 0x163, RO },
	{ 0x165, CS }, { 0x16f, CS }, { 0x171, HU }, { 0x17a, PL }, { 0x17c, PL }, { 0x17e, CS }, { 0x219, RO }, { 0x21b, RO },
};

enum script { LATIN, CYRILLIC, GREEK, HEBREW, ARABIC, DEVANAGARI, BENGALI, TAMIL, THAI, GEORGIAN, ARMENIAN, KANA, HAN, HANGUL, SCRIPTS };
static const struct { uint32_t from, to; enum script script; } ranges[] = {
	{ 0xc0, 0x24f, LATIN }, { 0x370, 0x3ff, GREEK }, { 0x400, 0x52f, CYRILLIC }, { 0x531, 0x58f, ARMENIAN }, { 0x5d0, 0x5ea, HEBREW },
	{ 0x620, 0x6ff, ARABIC }, { 0x900, 0x97f, DEVANAGARI }, { 0x980, 0x9ff, BENGALI }, { 0xb80, 0xbff, TAMIL }, { 0xe01, 0xe7f, THAI },
	{ 0x10a0, 0x10ff, GEORGIAN }, { 0x1e00, 0x1eff, LATIN }, { 0x3041, 0x30ff, KANA }, { 0x3400, 0x9fff, HAN }, { 0xac00, 0xd7a3, HANGUL },
	{ 0x20000, 0x2ffff, HAN },
};

struct census {
	uint32_t script[SCRIPTS];       /* letters */
	uint32_t words;                 /* of Latin script */
	uint32_t score[LATIN_LANGS];
	char word[40];
	uint32_t len;                   /* of the open word; more than sizeof word: too long to be one */
	uint32_t ukrainian, russian, bulgarian, serbian, belarusian, hard;  /* Cyrillic letters: hard is the hard sign */
	uint32_t persian, urdu;
};

/* ---- Latin script ---- */

static void vote(struct census *c, uint32_t langs, uint32_t weight)
{
	uint32_t share = langs ? weight / (uint32_t)__builtin_popcount(langs) : 0;

	for (; langs; langs &= langs - 1)
		c->score[__builtin_ctz(langs)] += share;
}

static uint64_t pack(const char *p, size_t n)
{
	char b[8] = { 0 };

	memcpy(b, p, n);
	return br_rd_be64(b);
}

static uint32_t look_up(const struct br_text__hint *v, size_t n, const char *p, size_t len)
{
	uint64_t key = pack(p, len);
	size_t base = 0;

	while (n > 1) {
		size_t half = n / 2;
		base += br_rd_be64(v[base + half].word) <= key ? half : 0;
		n -= half;
	}
	return br_rd_be64(v[base].word) == key ? v[base].langs : 0;
}

static void end_word(struct census *c)
{
	uint32_t langs = 0, len = c->len;

	c->len = 0;
	if (!len || len > sizeof c->word)
		return;
	c->words++;
	if (len <= 8)
		langs = look_up(words, BR_COUNT(words), c->word, len);
	if (langs) {
		vote(c, langs, len == 1 ? 24 : 48);
		return;
	}
	for (uint32_t n = ENDING_MAX; len >= LONG_WORD && n >= 2 && !langs; n--)
		langs = look_up(endings, BR_COUNT(endings), c->word + len - n, n);
	vote(c, langs, 16);
}

static uint32_t lower(uint32_t cp)
{
	if (cp < 0x100)
		return cp >= 0xc0 && cp <= 0xde && cp != 0xd7 ? cp + 0x20 : cp;
	if (cp == 0x130)
		return 'i';
	if (cp == 0x178)
		return 0xff;
	if ((cp >= 0x139 && cp <= 0x148) || (cp >= 0x179 && cp <= 0x17e))
		return cp + (cp & 1);
	return cp < 0x250 ? cp | 1 : cp;
}

/* Pairs of upper and lower case begin at an even number but for those handled; lower() may overshoot for lone letters, which no table has. */
static void latin_letter(struct census *c, uint32_t cp)
{
	size_t lo = 0, hi = BR_COUNT(letters);

	cp = lower(cp);
	if (c->len + 4 <= sizeof c->word)
		c->len += (uint32_t)br_utf8_put(c->word + c->len, cp);
	else
		c->len = sizeof c->word + 1;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (letters[mid].cp < cp)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < BR_COUNT(letters) && letters[lo].cp == cp)
		vote(c, letters[lo].langs, 30);
}

static const char *latin_language(const struct census *c)
{
	uint32_t best = 0, second = 0;
	int lang = 0;

	for (int i = 0; i < LATIN_LANGS; i++) {
		if (c->score[i] > best) {
			second = best;
			best = c->score[i];
			lang = i;
		} else if (c->score[i] > second) {
			second = c->score[i];
		}
	}
	/* Running text scores 8 to 16 a word. Identifiers and tables have a frequent word now and then: there the lead must be clear. */
	if (best < 72 || 2 * best < 3 * c->words || best * 20 < second * 21 || (best < 5 * c->words && best < 2 * second))
		return "";
	/* The few words that identifiers have in common with a language are English more often than not. */
	if (lang && best < 4 * c->words)
		return "";
	return lang_names[lang];
}

/* ---- other scripts ---- */

static void cyrillic_letter(struct census *c, uint32_t cp)
{
	switch (cp) {
	case 0x456: case 0x406: case 0x457: case 0x407: case 0x454: case 0x404: case 0x491:
		c->ukrainian++;
		break;
	case 0x44b: case 0x42b: case 0x44d: case 0x42d: case 0x451: case 0x401:
		c->russian++;
		break;
	case 0x45e: case 0x40e:
		c->belarusian++;
		break;
	case 0x452: case 0x458: case 0x459: case 0x45a: case 0x45b: case 0x45f:
		c->serbian++;
		break;
	case 0x44a: case 0x42a:
		c->hard++;
		break;
	default:
		break;
	}
}

static const char *cyrillic_language(const struct census *c)
{
	if (c->belarusian && c->belarusian * 3 > c->ukrainian / 4)
		return "be";
	if (c->serbian > c->russian && c->serbian > c->ukrainian)
		return "sr";
	if (c->ukrainian > c->russian)
		return "uk";
	/* Russian has its hard sign in one letter of 3000, Bulgarian in one of 60, and neither of the letters counted as Russian. */
	if (!c->russian && c->hard * 300 > c->script[CYRILLIC])
		return "bg";
	return "ru";
}

static void arabic_letter(struct census *c, uint32_t cp)
{
	c->persian += cp == 0x67e || cp == 0x686 || cp == 0x698 || cp == 0x6af;
	c->urdu += cp == 0x679 || cp == 0x688 || cp == 0x691 || cp == 0x6d2 || cp == 0x6ba;
}

static void letter(struct census *c, uint32_t cp)
{
	for (size_t i = 0; i < BR_COUNT(ranges); i++) {
		if (cp < ranges[i].from || cp > ranges[i].to)
			continue;
		c->script[ranges[i].script]++;
		if (ranges[i].script == LATIN)
			latin_letter(c, cp);
		else if (ranges[i].script == CYRILLIC)
			cyrillic_letter(c, cp);
		else if (ranges[i].script == ARABIC)
			arabic_letter(c, cp);
		if (ranges[i].script != LATIN)
			end_word(c);
		return;
	}
	end_word(c);
}

static void count(struct census *c, const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t cp;
		if (br_text__alpha(p[i])) {
			if (c->len < sizeof c->word)
				c->word[c->len] = (char)(p[i] | 32);
			c->len = BR_MIN(c->len + 1, (uint32_t)sizeof c->word + 1);
			c->script[LATIN]++;
			i++;
		} else if (p[i] & 0x80) {
			i += br_utf8_next(&cp, p + i, n - i);
			letter(c, cp);
		} else {
			end_word(c);
			i++;
		}
	}
	end_word(c);
}

static const char *decide(const struct census *c)
{
	static const char names[SCRIPTS][3] = { [GREEK] = "el", [HEBREW] = "he", [DEVANAGARI] = "hi", [BENGALI] = "bn", [TAMIL] = "ta", [THAI] = "th",
		[GEORGIAN] = "ka", [ARMENIAN] = "hy", [KANA] = "ja", [HAN] = "zh", [HANGUL] = "ko" };
	/* Names and terms in Latin letters are common everywhere, and a Han character says as much as three letters. */
	uint32_t best = c->script[LATIN] / 4, weight;
	int script = LATIN;

	for (int i = LATIN + 1; i < SCRIPTS; i++) {
		weight = c->script[i] * (i >= KANA ? 3 : 1);
		if (weight > best) {
			best = weight;
			script = i;
		}
	}
	if (script == HAN && c->script[KANA] * 10 > c->script[HAN])
		return "ja";
	if (script == LATIN)
		return latin_language(c);
	if (script == CYRILLIC)
		return cyrillic_language(c);
	if (script == ARABIC)
		return c->urdu * 50 > c->script[ARABIC] ? "ur" : c->persian * 50 > c->script[ARABIC] ? "fa" : "ar";
	return names[script];
}

/* Enough words of a language that leads by far. */
static bool clear(const struct census *c)
{
	uint32_t best = 0, second = 0;

	for (int i = 0; i < LATIN_LANGS; i++) {
		second = c->score[i] > best ? best : BR_MAX(second, c->score[i]);
		best = BR_MAX(best, c->score[i]);
	}
	return c->words > 200 && best > 6 * c->words && best > 4 * second;
}

/* Samples in an order that soon covers beginning, middle and end: front matter and licences may be in another language. */
const char *br_guess_lang(struct br_slice text)
{
	static const uint8_t order[SAMPLES] = { 0, 4, 7, 2, 5, 1, 6, 3 };
	struct census c = { 0 };

	if (text.len <= 3 * SAMPLE) {
		count(&c, text.ptr, text.len);
		return decide(&c);
	}
	for (size_t i = 0; i < SAMPLES && (i < 3 || !clear(&c)); i++) {
		size_t at = (text.len - SAMPLE) / (SAMPLES - 1) * order[i], n;
		while (at < text.len && (text.ptr[at] & 0xc0) == 0x80)
			at++;
		n = BR_MIN((size_t)SAMPLE, text.len - at);
		count(&c, text.ptr + at, n);
	}
	return decide(&c);
}
