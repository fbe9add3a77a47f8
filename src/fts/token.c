/*
 * The tokenizer: one pass over valid UTF-8. Plain ASCII words, most of any text, take a loop over a byte table and a cache that
 * remembers their terms; everything else goes through run.c (identifiers, numbers, other scripts) or cjk_run.
 */
#include "run.h"

#include <stdlib.h>

#define ROOM (64u << 10)

static const uint8_t byte_class[256] = {
	['a' ... 'z'] = C_LOWER, ['A' ... 'Z'] = C_UPPER, ['0' ... '9'] = C_DIGIT, ['_'] = C_UNDER,
	['.'] = C_DOT,           ['\''] = C_APOS,         [','] = C_COMMA,         [0x80 ... 0xFF] = C_HIGH,
};

struct br_tokenizer *br_tokenizer_new(void)
{
	struct br_tokenizer *t = br_alloc(sizeof *t);
	t->cache_size = BR_FTS__CACHE_MIN;
	t->cache = br_allocn(t->cache_size, sizeof *t->cache);
	for (uint32_t c = 0; c < BR_COUNT(t->classes); c++)
		t->classes[c] = (uint8_t)br_fts__class_of(c);
	t->langs[0].elision = 2;
	t->langs[0].elision_known = true;
	t->langs[0].keeps_first = true;
	t->letters = UINT32_MAX;
	t->n_langs = 1;
	return t;
}

void br_tokenizer_free(struct br_tokenizer *t)
{
	if (!t)
		return;
	br_fts__langs_release(t);
	br_vec_release(&t->out.v);
	br_arena_release(&t->arena);
	free(t->cache);
	free(t);
}

void br_tokenizer_lang(struct br_tokenizer *t, const char *lang)
{
	if (!lang || strcmp(t->langs[t->lang].code, lang) != 0)
		t->lang = lang ? br_fts__lang_index(t, lang) : 0;
}

void br_tokenizer_letters(struct br_tokenizer *t, uint32_t letters) { t->letters = letters; }

/* ---- terms: from the cache, or made and remembered ---- */

struct word {
	const char *s; /* the text */
	size_t n;
	size_t from, to;
};

/* The word's bytes padded with zeros; reads past the word where the text goes on. */
static inline void load_key(uint64_t key[3], const struct word *w)
{
	static const unsigned char mask[2 * BR_FTS__RAW] = { [0 ... BR_FTS__RAW - 1] = 0xFF };
	uint64_t m[3];
	size_t len = w->to - w->from;
	if (w->from + BR_FTS__RAW <= w->n) {
		memcpy(key, w->s + w->from, BR_FTS__RAW);
		memcpy(m, mask + BR_FTS__RAW - len, BR_FTS__RAW);
		key[0] &= m[0];
		key[1] &= m[1];
		key[2] &= m[2];
	} else {
		memset(key, 0, BR_FTS__RAW);
		memcpy(key, w->s + w->from, len);
	}
}

static inline struct br_fts__cached *cache_slot(struct br_tokenizer *t, const uint64_t key[3], uint32_t lang)
{
	uint64_t h = (key[0] + lang) * 0x9E3779B97F4A7C15u ^ key[1] * 0xC2B2AE3D27D4EB4Fu ^ key[2] * 0x165667B19E3779F9u;
	h = (h ^ h >> 29) * 0x9E3779B97F4A7C15u;
	return &t->cache[h >> 32 & (t->cache_size - 1)];
}

static inline char *term_room(struct br_tokenizer *t)
{
	if (t->room_left < BR_MAX_TOKEN) {
		t->room = br_arena_alloc(&t->arena, ROOM);
		t->room_left = ROOM;
	}
	return t->room;
}

/* Grows fourfold, empty, once it has been filled twice over. */
static void cache_grow(struct br_tokenizer *t)
{
	t->cache_size *= 4;
	t->cache_puts = 0;
	free(t->cache);
	t->cache = br_allocn(t->cache_size, sizeof *t->cache);
}

/* Term of a word into room; its length. */
static inline size_t make_term(struct br_tokenizer *t, char *room, const struct word *w, uint32_t lang)
{
	uint64_t key[3];
	if (w->to - w->from > BR_FTS__RAW)
		return br_fts__normalise(t, room, w->s + w->from, w->to - w->from, lang);
	load_key(key, w);
	struct br_fts__cached *c = cache_slot(t, key, lang);
	if (c->raw[0] == key[0] && c->raw[1] == key[1] && c->raw[2] == key[2] && c->lang == lang && c->term_len) {
		memcpy(room, c->term, sizeof c->term);
		return c->term_len;
	}
	size_t len = br_fts__normalise(t, room, w->s + w->from, w->to - w->from, lang);
	if (len > 0 && len <= sizeof c->term) {
		memcpy(c->raw, key, sizeof c->raw);
		memcpy(c->term, room, len);
		c->lang = (uint8_t)lang;
		c->term_len = (uint8_t)len;
		if (++t->cache_puts > 2 * t->cache_size && t->cache_size < BR_FTS__CACHE_MAX)
			cache_grow(t);
	}
	return len;
}

static inline void push(struct br_tokenizer *t, const struct word *w, size_t term_len, unsigned flags)
{
	*br_vec_push(&t->out.v) = (struct br_token){
		.term = term_len ? t->room : "",
		.off = (uint32_t)w->from,
		.len = (uint32_t)(w->to - w->from),
		.pos = t->out.positions,
		.term_len = (uint16_t)term_len,
		.flags = (uint8_t)flags,
	};
	t->room += term_len;
	t->room_left -= term_len;
}

static inline void emit(struct br_tokenizer *t, const struct word *w, unsigned flags, uint32_t lang)
{
	size_t len = make_term(t, term_room(t), w, lang);
	if (!len)
		return;
	push(t, w, len, flags);
	if (!(flags & BR_TOK_WHOLE))
		t->out.positions++;
}

static void emit_blob(struct br_tokenizer *t, const struct word *w)
{
	size_t len = br_fts__normalise_blob(t, term_room(t), w->s + w->from, w->to - w->from);
	push(t, w, len, 0);
	t->out.positions++;
}

/* ---- runs ---- */

/* C++, C# and F#, which are nothing without their last characters; 0: none of them. */
static size_t special(const char *s, size_t n, size_t p)
{
	char c = s[p] | 0x20;
	if (c == 'c' && n - p >= 3 && s[p + 1] == '+' && s[p + 2] == '+')
		return 3;
	return (c == 'c' || c == 'f') && n - p >= 2 && s[p + 1] == '#' ? 2 : 0;
}

/* `from` is where the word as a whole begins: the run, or the dot before it. Returns where to go on. */
static size_t word_run(struct br_tokenizer *t, const char *s, size_t n, size_t p, size_t from)
{
	struct br_fts__run r;
	struct word w = { s, n, p, p + special(s, n, p) };
	if (w.to > p) {
		emit(t, &w, 0, 0);
		return w.to;
	}
	br_fts__run_scan(&r, t, s, n, p);
	if (r.blob) {
		w.to = r.to;
		emit_blob(t, &w);
		return r.next;
	}
	if (t->whole && (r.n > 1 || from < p) && r.to - from <= BR_MAX_WORD) {
		bool digits = false;
		for (uint32_t i = 0; i < r.n; i++)
			digits |= r.part[i].digits;
		w.from = from;
		w.to = r.to;
		emit(t, &w, BR_TOK_WHOLE | (digits ? BR_TOK_NUM : 0), 0);
	}
	for (uint32_t i = 0; i < r.n; i++) {
		w.from = r.part[i].from;
		w.to = r.part[i].to;
		emit(t, &w, r.part[i].digits ? BR_TOK_NUM : 0, r.part[i].digits ? 0 : t->stem);
	}
	return r.next;
}

/* A character of a spaceless script with the few marks on it; returns its end. */
static size_t cjk_cell(const struct br_tokenizer *t, const char *s, size_t n, size_t p)
{
	uint32_t c;
	p += br_utf8_next(&c, s + p, n - p);
	for (int marks = 0; marks < 4 && p < n; marks++) {
		size_t len = br_utf8_next(&c, s + p, n - p);
		if (br_fts__class(t, c) != C_MARK && !br_fts__joins(c))
			break;
		p += len;
	}
	return p;
}

static size_t cjk_run(struct br_tokenizer *t, const char *s, size_t n, size_t p, enum br_fts__class class)
{
	struct word w = { s, n, p, cjk_cell(t, s, n, p) };
	size_t cell = w.to;
	bool pair = false;
	uint32_t c;
	while (cell < n && (br_utf8_next(&c, s + cell, n - cell), br_fts__class(t, c) == class)) {
		w.to = cjk_cell(t, s, n, cell);
		emit(t, &w, BR_TOK_CJK, 0);
		w.from = cell;
		cell = w.to;
		pair = true;
	}
	if (!pair)
		emit(t, &w, BR_TOK_CJK, 0);
	return cell;
}

static size_t high_run(struct br_tokenizer *t, const char *s, size_t n, size_t p)
{
	uint32_t c;
	size_t len = br_utf8_next(&c, s + p, n - p);
	enum br_fts__class class = br_fts__class(t, c);
	if (class >= C_HAN)
		return cjk_run(t, s, n, p, class);
	return class >= C_LOWER && class <= C_DIGIT ? word_run(t, s, n, p, p) : p + len;
}

/* .NET, .gitignore: a dot that begins a word behind a space, quote, bracket or slash. */
static size_t dot_run(struct br_tokenizer *t, const char *s, size_t n, size_t p)
{
	bool opens = p == 0 || memchr(" \t\n\r\"'`([{/", s[p - 1], 11);
	bool letter = p + 1 < n && (byte_class[(unsigned char)s[p + 1]] == C_LOWER || byte_class[(unsigned char)s[p + 1]] == C_UPPER);
	return opens && letter ? word_run(t, s, n, p + 1, p) : p + 1;
}

/* What stands at q cannot continue an ASCII word that ends there. The rest is for run.c to find out. */
static inline bool plain_end(const char *s, size_t n, size_t q)
{
	if (q == n)
		return true;
	uint8_t c = byte_class[(unsigned char)s[q]];
	if (c == C_DOT)
		return q + 1 == n || byte_class[(unsigned char)s[q + 1]] == C_SEP;
	return c == C_SEP || c == C_COMMA;
}

static inline size_t span(const char *s, size_t n, size_t q, uint8_t class)
{
	while (q < n && byte_class[(unsigned char)s[q]] == class)
		q++;
	return q;
}

static size_t letter_run(struct br_tokenizer *t, const char *s, size_t n, size_t p)
{
	size_t q = span(s, n, p + 1, C_LOWER);
	if (q == p + 1 && byte_class[(unsigned char)s[p]] == C_UPPER)
		q = span(s, n, q, C_UPPER);
	bool maybe_special = q == p + 1 && q < n && (s[q] == '+' || s[q] == '#');
	if (!plain_end(s, n, q) || q - p > BR_MAX_WORD || maybe_special)
		return word_run(t, s, n, p, p);
	if (t->letters >> ((s[p] | 0x20) - 'a') & 1 || !t->langs[t->stem].keeps_first) {
		emit(t, &(struct word){ s, n, p, q }, 0, t->stem);
	} else {
		push(t, &(struct word){ s, n, p, q }, 0, 0);
		t->out.positions++;
	}
	return q;
}

static const struct br_tokens *tokenize(struct br_tokenizer *t, struct br_slice text)
{
	const char *s = text.ptr;
	size_t n = text.len;
	br_arena_reset(&t->arena);
	t->room_left = 0;
	t->out.v.n = 0;
	t->out.positions = 0;
	for (size_t p = 0; p < n;) {
		switch (byte_class[(unsigned char)s[p]]) {
		case C_LOWER:
		case C_UPPER:
			p = letter_run(t, s, n, p);
			break;
		case C_DIGIT:
			p = word_run(t, s, n, p, p);
			break;
		case C_DOT:
			p = dot_run(t, s, n, p);
			break;
		case C_HIGH:
			p = high_run(t, s, n, p);
			break;
		default:
			p++;
		}
	}
	return &t->out;
}

const struct br_tokens *br_tokenize(struct br_tokenizer *t, struct br_slice text)
{
	t->stem = t->lang;
	t->whole = true;
	return tokenize(t, text);
}

const struct br_tokens *br_tokenize_exact(struct br_tokenizer *t, struct br_slice text)
{
	t->stem = 0;
	t->whole = false;
	return tokenize(t, text);
}
