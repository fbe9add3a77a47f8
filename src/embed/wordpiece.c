/*
 * Text into pieces: BERT's uncased normaliser, its split into words, then longest match.
 * Most words are plain ASCII of at most 23 bytes: they are found 8 bytes at a time, lower-cased in registers and looked up
 * in a cache of words. Everything else goes character by character (`other`). Both ways end in the same cache.
 */
#include "internal.h"

#include <stdlib.h>
#include <utf8proc.h>

/* ---- the list of pieces ---- */

#define FNV_BASIS 0xCBF29CE484222325ull
#define FNV_PRIME 0x100000001B3ull

static inline uint64_t fnv(uint64_t h, char c)
{
	return (h ^ (unsigned char)c) * FNV_PRIME;
}

/* The piece `s` with hash h, or UINT32_MAX. A damaged table without an empty slot ends the search after one round. */
static uint32_t find_piece(const struct br_model *m, uint64_t h, struct br_slice s, unsigned continues)
{
	uint32_t at = (uint32_t)(h ^ h >> 32);

	for (uint32_t i = 0; i <= m->hash_mask; i++, at++) {
		struct br_embed__slot slot = m->slot[at & m->hash_mask];
		if (slot.id == UINT32_MAX)
			break;
		if (slot.fp == h >> 32 && br_slice_eq(br_embed__piece(m, slot.id), s) &&
		    (m->tokflags[slot.id] & BR_PIECE_CONTINUES) == continues)
			return slot.id;
	}
	return UINT32_MAX;
}

/* Longest piece at the start of s: its id, and its bytes in *len; UINT32_MAX if there is none. */
static uint32_t longest_piece(size_t *len, const struct br_model *m, struct br_slice s, unsigned continues)
{
	uint64_t h[BR_EMBED__MAX_PIECE], state = continues ? fnv(fnv(FNV_BASIS, '#'), '#') : FNV_BASIS;
	size_t n = BR_MIN(s.len, m->max_piece_bytes);

	for (size_t i = 0; i < n; i++) {
		h[i] = state = fnv(state, s.ptr[i]);
		__builtin_prefetch(&m->slot[(state ^ state >> 32) & m->hash_mask]);
	}
	for (; n; n--) {
		bool inside = n < s.len && ((unsigned char)s.ptr[n] & 0xC0) == 0x80; /* of a character */
		uint32_t id = inside ? UINT32_MAX : find_piece(m, h[n - 1], br_slice(s.ptr, n), continues);
		if (id != UINT32_MAX) {
			*len = n;
			return id;
		}
	}
	return UINT32_MAX;
}

static size_t utf8_len(char first)
{
	unsigned char c = (unsigned char)first;
	return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

static bool piece_weak(const struct br_model *m, uint32_t id)
{
	struct br_slice s = br_embed__piece(m, id);
	return id == m->unk_id || s.len == 0 || s.len == utf8_len(s.ptr[0]);
}

/* ---- words ---- */

static void push(struct br_embedder *e, uint32_t id)
{
	*br_vec_push(&e->id) = id;
}

/* Pieces of one word onto e->id; [UNK] for the whole word when some part of it is no piece. */
static void word_pieces(struct br_embedder *e, struct br_slice w)
{
	size_t start = e->id.n, len;

	for (size_t at = 0; at < w.len; at += len) {
		uint32_t id = longest_piece(&len, e->m, br_slice(w.ptr + at, w.len - at), at ? BR_PIECE_CONTINUES : 0);
		if (id == UINT32_MAX) {
			e->id.n = start;
			push(e, e->m->unk_id);
			return;
		}
		push(e, id);
	}
}

/* Counts the pieces from `start` on, which are one word. */
static struct br_embed__tally count_pieces(const struct br_embedder *e, size_t start)
{
	const struct br_model *m = e->m;
	struct br_embed__tally t = { .pieces = e->id.n - start };

	for (size_t i = start; i < e->id.n; i++) {
		t.weak += piece_weak(m, e->id.v[i]);
		t.special += (m->tokflags[e->id.v[i]] & BR_PIECE_SPECIAL) != 0;
	}
	t.known = t.pieces == 1 && t.weak == 0 && t.special == 0;
	return t;
}

static void tally_add(struct br_embed__tally *to, const struct br_embed__tally *t)
{
	to->pieces += t->pieces;
	to->weak += t->weak;
	to->special += t->special;
	to->known += t->known;
}

static struct br_embed__word *cache_slot(const struct br_embedder *e, const uint64_t k[3])
{
	uint64_t h = k[0] * 0x9E3779B97F4A7C15ull + k[1] * 0xC2B2AE3D27D4EB4Full + k[2] * 0x165667B19E3779F9ull;
	return &e->cache[h >> (64 - e->cache_log)];
}

/* A word that the cache does not have: cut it, and remember it if it is not in too many pieces. */
static void word_miss(struct br_embedder *e, struct br_embed__word *slot, const uint64_t k[3])
{
	const char *bytes = (const char *)k;
	size_t start = e->id.n;

	word_pieces(e, br_slice(bytes, strnlen(bytes, BR_EMBED__WORD)));
	struct br_embed__tally t = count_pieces(e, start);
	tally_add(&e->tally, &t);
	if (t.pieces > BR_EMBED__IDS)
		return;
	memcpy(slot->key, k, sizeof slot->key);
	memcpy(slot->id, e->id.v + start, t.pieces * sizeof slot->id[0]);
	slot->n = (uint8_t)t.pieces;
	slot->weak = (uint8_t)t.weak;
	slot->special = (uint8_t)t.special;
	slot->known = (uint8_t)t.known;
	if (++e->cache_puts > 2u << e->cache_log && e->cache_log < BR_EMBED__CACHE_MAX)
		br_embed__cache_new(e, e->cache_log + 1);
}

/* A word of at most 23 bytes, zero-padded. All ids of an entry are copied, as most words have one: no loop to mispredict. */
static inline void short_word(struct br_embedder *e, const uint64_t k[3])
{
	struct br_embed__word *w = cache_slot(e, k);

	if (w->key[0] != k[0] || w->key[1] != k[1] || w->key[2] != k[2]) {
		word_miss(e, w, k);
		return;
	}
	br_vec_reserve(&e->id, BR_EMBED__IDS);
	memcpy(e->id.v + e->id.n, w->id, sizeof w->id);
	e->id.n += w->n;
	e->tally.pieces += w->n;
	e->tally.weak += w->weak;
	e->tally.special += w->special;
	e->tally.known += w->known;
}

static void any_word(struct br_embedder *e, struct br_slice w)
{
	uint64_t k[3] = { 0 };
	size_t start = e->id.n;

	if (w.len < BR_EMBED__WORD) {
		memcpy(k, w.ptr, w.len);
		short_word(e, k);
		return;
	}
	word_pieces(e, w);
	struct br_embed__tally t = count_pieces(e, start);
	tally_add(&e->tally, &t);
}

/* A run of Han, kana, Hangul, Thai: each piece counts as a word, and so does each character that is in no piece. */
static void run_pieces(struct br_embedder *e, struct br_slice w)
{
	for (size_t at = 0, len; at < w.len; at += len) {
		uint32_t id = longest_piece(&len, e->m, br_slice(w.ptr + at, w.len - at), 0);
		e->tally.words++;
		if (id == UINT32_MAX) {
			len = utf8_len(w.ptr[at]);
			continue;
		}
		push(e, id);
		struct br_embed__tally t = count_pieces(e, e->id.n - 1);
		tally_add(&e->tally, &t);
	}
}

/* ---- characters outside ASCII ---- */

struct range { uint32_t first, last; };

static bool in_ranges(const struct range *r, size_t n, uint32_t cp)
{
	for (size_t i = 0; i < n; i++)
		if (cp >= r[i].first && cp <= r[i].last)
			return true;
	return false;
}

static bool is_white(uint32_t cp)
{
	return cp == ' ' || cp == '\t' || cp == '\n' || cp == '\r' || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) ||
	       cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

static bool is_dropped(uint32_t cp)
{
	utf8proc_category_t c = utf8proc_category((int32_t)cp);
	return cp == 0xFFFD || c == UTF8PROC_CATEGORY_CC || c == UTF8PROC_CATEGORY_CF || c == UTF8PROC_CATEGORY_CO ||
	       c == UTF8PROC_CATEGORY_CS;
}

/* BERT's list, with its gap between 2B820 and 2B91F. */
static bool is_ideograph(uint32_t cp)
{
	static const struct range r[] = {
		{ 0x3400, 0x4DBF }, { 0x4E00, 0x9FFF }, { 0xF900, 0xFAFF }, { 0x20000, 0x2A6DF }, { 0x2A700, 0x2B73F },
		{ 0x2B740, 0x2B81F }, { 0x2B920, 0x2CEAF }, { 0x2F800, 0x2FA1F },
	};
	return cp >= r[0].first && in_ranges(r, BR_COUNT(r), cp);
}

/* Scripts that are written without spaces between words, as CJK_RUNS has them; after decomposition, so with jamo. */
static bool is_run_char(uint32_t cp)
{
	static const struct range r[] = {
		{ 0x0E01, 0x0E3A }, { 0x0E40, 0x0E5B },                                             /* Thai */
		{ 0x1100, 0x11FF }, { 0x302E, 0x302F }, { 0x3131, 0x318E }, { 0xA960, 0xA97C },     /* Hangul */
		{ 0xAC00, 0xD7A3 }, { 0xD7B0, 0xD7FB }, { 0xFFA0, 0xFFDC },
		{ 0x3041, 0x3096 }, { 0x309D, 0x309F }, { 0x30A1, 0x30FA }, { 0x30FC, 0x30FF },     /* kana */
		{ 0x31F0, 0x31FF }, { 0xFF66, 0xFF9D }, { 0x1AFF0, 0x1B167 },
		{ 0x2E80, 0x2FD5 }, { 0x3005, 0x3007 }, { 0x3021, 0x3029 }, { 0x3038, 0x303B },     /* Han */
		{ 0x3400, 0x4DBF }, { 0x4E00, 0x9FFF }, { 0xF900, 0xFAFF }, { 0x20000, 0x3FFFD },
	};
	return cp >= r[0].first && in_ranges(r, BR_COUNT(r), cp);
}

static bool is_punct(uint32_t cp)
{
	utf8proc_category_t c;

	if (cp < 0x80)
		return cp > ' ' && cp < 0x7F && !((cp | 0x20) >= 'a' && (cp | 0x20) <= 'z') && !(cp >= '0' && cp <= '9');
	c = utf8proc_category((int32_t)cp);
	return c >= UTF8PROC_CATEGORY_PC && c <= UTF8PROC_CATEGORY_PO;
}

/* ---- the word in hand ---- */

static struct br_slice word_utf8(struct br_embedder *e)
{
	e->bytes.n = 0;
	br_vec_reserve(&e->bytes, 4 * e->word.n);
	for (size_t i = 0; i < e->word.n; i++)
		e->bytes.n += br_utf8_put(e->bytes.v + e->bytes.n, e->word.v[i]);
	return br_slice(e->bytes.v, e->bytes.n);
}

static void word_end(struct br_embedder *e)
{
	if (e->word.n == 0)
		return;
	if (e->run) {
		run_pieces(e, word_utf8(e));
	} else if (e->too_long) {
		push(e, e->m->unk_id);
		struct br_embed__tally t = count_pieces(e, e->id.n - 1);
		tally_add(&e->tally, &t);
		e->tally.words++;
	} else {
		any_word(e, word_utf8(e));
		e->tally.words++;
	}
	e->word.n = e->reorder = 0;
	e->too_long = e->run = false;
}

static void punct_word(struct br_embedder *e, uint32_t cp)
{
	char b[4];

	word_end(e);
	any_word(e, br_slice(b, br_utf8_put(b, cp)));
	e->tally.punct++;
}

/* Appends in canonical order: a character of class c > 0 goes before those of a higher class just before it. */
static void word_char(struct br_embedder *e, uint32_t cp, int class)
{
	size_t i;

	if (e->word.n >= e->m->max_word_chars && !e->run) {
		e->too_long = true;
		return;
	}
	br_vec_push(&e->word);
	for (i = e->word.n - 1; class && i > e->reorder; i--) {
		if (utf8proc_get_property((int32_t)e->word.v[i - 1])->combining_class <= class)
			break;
		e->word.v[i] = e->word.v[i - 1];
	}
	e->word.v[i] = cp;
}

/* One character of the decomposition. Marks go, but one of class 0 still parts what stands around it. */
static void put_char(struct br_embedder *e, uint32_t cp)
{
	const utf8proc_property_t *prop = utf8proc_get_property((int32_t)cp);

	if (prop->category == UTF8PROC_CATEGORY_MN) {
		if (prop->combining_class == 0)
			e->reorder = e->word.n;
		return;
	}
	cp = (uint32_t)utf8proc_tolower((int32_t)cp);
	if (is_punct(cp)) {
		punct_word(e, cp);
		return;
	}
	bool run = e->m->cjk_runs && is_run_char(cp);
	if (run != e->run)
		word_end(e);
	e->run = run;
	word_char(e, cp, prop->combining_class);
	if (prop->combining_class == 0)
		e->reorder = e->word.n;
}

/* Canonical decomposition of one character is at most 4 long (Unicode's stability policy). */
static void put_decomposed(struct br_embedder *e, uint32_t cp)
{
	int32_t d[16];
	int last = 0;
	utf8proc_ssize_t n = utf8proc_decompose_char((int32_t)cp, d, (utf8proc_ssize_t)BR_COUNT(d), UTF8PROC_DECOMPOSE, &last);

	for (utf8proc_ssize_t i = 0; i < n && i < (utf8proc_ssize_t)BR_COUNT(d); i++)
		put_char(e, (uint32_t)d[i]);
}

static void any_char(struct br_embedder *e, uint32_t cp)
{
	if (is_white(cp)) {
		word_end(e);
	} else if (is_dropped(cp)) {
		return;
	} else if (!e->m->cjk_runs && is_ideograph(cp)) {
		word_end(e);
		put_decomposed(e, cp);
		word_end(e);
	} else {
		put_decomposed(e, cp);
	}
}

/* ---- the fast way ---- */

enum class { DROP, SPACE, PUNCT, WORD, HIGH };

static inline enum class byte_class(unsigned char c)
{
	static const uint8_t class[128] = {
		['\t'] = SPACE, ['\n'] = SPACE, ['\r'] = SPACE, [' '] = SPACE,
		['!' ... '/'] = PUNCT, [':' ... '@'] = PUNCT, ['[' ... '`'] = PUNCT, ['{' ... '~'] = PUNCT,
		['0' ... '9'] = WORD, ['A' ... 'Z'] = WORD, ['a' ... 'z'] = WORD,
	};
	return c < 0x80 ? (enum class)class[c] : HIGH;
}

#define EACH(x) (0x0101010101010101ull * (x))

/* The top bit of each byte of x that is an ASCII letter or digit. Adding (128 - c) sets the top bit of what is >= c. */
static inline uint64_t word_bits(uint64_t x)
{
	uint64_t low = (x | EACH(0x20)) & EACH(0x7F), raw = x & EACH(0x7F);
	uint64_t letter = (low + EACH(0x80 - 'a')) & ~(low + EACH(0x80 - '{'));
	uint64_t digit = (raw + EACH(0x80 - '0')) & ~(raw + EACH(0x80 - ':'));

	return (letter | digit) & ~x & EACH(0x80);
}

/* x cut to its leading letters and digits, in lower case; *n of them. */
static inline uint64_t word_part(uint64_t x, size_t *n)
{
	uint64_t stop = ~word_bits(x) & EACH(0x80);
	uint64_t keep = ((stop & -stop) >> 7) - 1; /* the bytes below the first that stops, or all */

	*n = stop ? (size_t)__builtin_ctzll(stop) >> 3 : 8;
	return (x | EACH(0x20)) & keep;
}

/* Letters and digits at p, lower-cased into k; returns how many, 24 meaning that many or more. */
static inline size_t ascii_word(uint64_t k[3], const char *p, size_t avail)
{
	uint64_t x[3] = { 0 };
	size_t n, m;

	if (avail >= sizeof x)
		memcpy(x, p, sizeof x);
	else
		memcpy(x, p, avail);
	k[0] = word_part(x[0], &n);
	k[1] = word_part(x[1], &m) & -(uint64_t)(n == 8);
	k[2] = 0;
	n += n == 8 ? m : 0;
	if (n == 16) {
		k[2] = word_part(x[2], &m);
		n += m;
	}
	return n;
}

/* Character by character until a word has ended. */
static const char *other(struct br_embedder *e, const char *p, const char *end)
{
	do {
		enum class c = byte_class((unsigned char)*p);
		uint32_t cp;
		if (c == SPACE || c == PUNCT)
			break;
		p += br_utf8_next(&cp, p, (size_t)(end - p));
		if (c == WORD)
			put_char(e, cp);
		else
			any_char(e, cp);
	} while (p < end && e->word.n);
	word_end(e);
	return p;
}

/* An ASCII word that ends in plain sight; false: it goes on in a way that needs `other`. */
static inline bool fast_word(struct br_embedder *e, const char **p, const char *end)
{
	uint64_t k[BR_EMBED__WORD / 8];
	size_t n = ascii_word(k, *p, (size_t)(end - *p));
	const char *next = *p + n;

	if (n >= BR_EMBED__WORD || n > e->m->max_word_chars)
		return false;
	if (next < end && byte_class((unsigned char)*next) != SPACE && byte_class((unsigned char)*next) != PUNCT)
		return false;
	short_word(e, k);
	e->tally.words++;
	*p = next;
	return true;
}

void br_embed__tokenise(struct br_embedder *e, struct br_slice text, size_t *at, size_t limit)
{
	const char *p, *end;

	if (*at >= text.len)
		return;
	p = text.ptr + *at;
	end = text.ptr + text.len;
	while (p < end && e->id.n < limit) {
		enum class c = byte_class((unsigned char)*p);
		if (c == SPACE || c == DROP)
			p++;
		else if (c == PUNCT) {
			short_word(e, (uint64_t[3]){ (unsigned char)*p++ });
			e->tally.punct++;
		}
		else if (c == HIGH || !fast_word(e, &p, end))
			p = other(e, p, end);
	}
	*at = (size_t)(p - text.ptr);
}
