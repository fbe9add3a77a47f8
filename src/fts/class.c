/*
 * Classes of characters: which belong to words, which to runs without spaces, which separate. Unicode's general
 * categories decide, except for the scripts named here.
 */
#include "token.h"

#include <utf8proc.h>

struct range {
	uint32_t from, to;
	uint8_t class;
};

/* Scripts written without spaces. Digits and punctuation inside the ranges are sorted out by category below. */
static const struct range spaceless[] = {
	{ 0x0E00, 0x0EFF, C_SEA },    { 0x1000, 0x109F, C_SEA },    { 0x1100, 0x11FF, C_HANGUL }, { 0x1780, 0x17FF, C_SEA },
	{ 0x2E80, 0x2FDF, C_HAN },    { 0x3005, 0x3007, C_HAN },    { 0x3021, 0x3029, C_HAN },    { 0x3031, 0x3035, C_HAN },
	{ 0x3041, 0x3096, C_HAN },    { 0x309D, 0x309F, C_HAN },    { 0x30A1, 0x30FA, C_HAN },    { 0x30FC, 0x30FF, C_HAN },
	{ 0x3105, 0x312F, C_HAN },    { 0x3131, 0x318E, C_HANGUL }, { 0x31F0, 0x31FF, C_HAN },    { 0x3400, 0x4DBF, C_HAN },
	{ 0x4E00, 0x9FFF, C_HAN },    { 0xA960, 0xA97F, C_HANGUL }, { 0xA9E0, 0xA9FF, C_SEA },    { 0xAA60, 0xAA7F, C_SEA },
	{ 0xAC00, 0xD7FF, C_HANGUL }, { 0xF900, 0xFAFF, C_HAN },    { 0xFF66, 0xFF9F, C_HAN },    { 0xFFA0, 0xFFDC, C_HANGUL },
	{ 0x1B000, 0x1B16F, C_HAN },  { 0x20000, 0x3FFFD, C_HAN },
};

static enum br_fts__class spaceless_class(uint32_t c)
{
	size_t lo = 0, hi = BR_COUNT(spaceless);
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (c > spaceless[mid].to)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < BR_COUNT(spaceless) && c >= spaceless[lo].from ? spaceless[lo].class : C_SEP;
}

static enum br_fts__class category_class(uint32_t c)
{
	switch (utf8proc_category((utf8proc_int32_t)c)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LT:
		return C_UPPER;
	case UTF8PROC_CATEGORY_LL:
		return C_LOWER;
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
		return C_LETTER;
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return C_DIGIT;
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
		return C_MARK;
	default:
		return C_SEP;
	}
}

enum br_fts__class br_fts__class_of(uint32_t c)
{
	switch (c) {
	case '_':
		return C_UNDER;
	case '.':
		return C_DOT;
	case ',':
		return C_COMMA;
	case '\'':
	case 0x2019:
	case 0x02BC:
	case 0xFF07:
		return C_APOS;
	case 0x00AD: /* soft hyphen, joiners, byte order mark: invisible inside words */
	case 0x200C:
	case 0x200D:
	case 0x2060:
	case 0xFEFF:
		return C_MARK;
	case 0x30FB: /* katakana middle dot, of category Po, inside no range */
		return C_SEP;
	}
	enum br_fts__class script = c < 0x0E00 ? C_SEP : spaceless_class(c);
	enum br_fts__class class = category_class(c);
	if (script == C_SEP)
		return class;
	if (script == C_SEA)
		return class == C_DIGIT || class == C_SEP || class == C_MARK ? class : C_SEA;
	return class == C_MARK ? C_MARK : script;
}

bool br_fts__joins(uint32_t c)
{
	return c == 0xFF9E || c == 0xFF9F || (c >= 0x1160 && c <= 0x11FF) || (c >= 0xD7B0 && c <= 0xD7FB);
}
