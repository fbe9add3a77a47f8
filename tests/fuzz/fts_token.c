/* The tokenizer. Input: a byte that chooses the language, then text. */
#include "fuzz.h"

static const char *const langs[] = { "", "en", "de", "fr", "ru", "zh", "ja", "it", "ar", "el", "tr", "xx", "es", "ca" };

struct kept { struct br_arena a; BR_VEC(struct br_token) v; uint32_t positions; };

static void keep(struct kept *out, const struct br_tokens *k)
{
	for (size_t i = 0; i < k->v.n; i++) {
		struct br_token t = k->v.v[i];
		t.term = br_arena_strndup(&out->a, t.term, t.term_len);
		*br_vec_push(&out->v) = t;
	}
	out->positions = k->positions;
}

static void kept_release(struct kept *k)
{
	br_arena_release(&k->a);
	br_vec_release(&k->v);
}

static bool same_place(const struct br_token *a, const struct br_token *b) { return a->off == b->off && a->len == b->len && a->pos == b->pos && a->flags == b->flags; }
static bool same_term(const struct br_token *a, const struct br_token *b) { return br_slice_eq(br_slice(a->term, a->term_len), br_slice(b->term, b->term_len)); }

static void check_order(const struct kept *k, struct br_slice text)
{
	uint32_t pos = 0, off = 0;

	for (size_t i = 0; i < k->v.n; i++) {
		const struct br_token *t = &k->v.v[i];
		HOLDS(t->len && (size_t)t->off + t->len <= text.len && t->off >= off);
		HOLDS(fuzz_at_char(text, t->off) && fuzz_at_char(text, (size_t)t->off + t->len));
		HOLDS(t->term_len >= 1 && t->term_len <= BR_MAX_TOKEN && br_utf8_valid(t->term, t->term_len) == t->term_len);
		HOLDS(t->pos >= pos && t->pos < k->positions);
		if (t->flags & BR_TOK_WHOLE) /* its parts follow from the same position */
			HOLDS(i + 1 < k->v.n && k->v.v[i + 1].pos == t->pos && k->v.v[i + 1].off >= t->off);
		off = t->off;
		pos = t->pos;
	}
}

static void check_same(const struct kept *a, const struct br_tokens *b)
{
	HOLDS(a->v.n == b->v.n && a->positions == b->positions);
	for (size_t i = 0; i < a->v.n; i++)
		HOLDS(same_place(&a->v.v[i], &b->v.v[i]) && same_term(&a->v.v[i], &b->v.v[i]));
}

/* With most letters not wanted the places stay, and terms are the same or empty. */
static void check_letters(const struct kept *a, struct br_tokenizer *t, struct br_slice text, uint32_t letters)
{
	const struct br_tokens *b;

	br_tokenizer_letters(t, letters);
	b = br_tokenize(t, text);
	HOLDS(a->v.n == b->v.n && a->positions == b->positions);
	for (size_t i = 0; i < a->v.n; i++) {
		const struct br_token *x = &a->v.v[i], *y = &b->v.v[i];
		HOLDS(x->off == y->off && x->len == y->len && x->pos == y->pos);
		HOLDS(y->term_len == 0 || same_term(x, y));
		HOLDS(y->term_len || (x->term[0] >= 'a' && x->term[0] <= 'z' && !(letters >> (x->term[0] - 'a') & 1)));
	}
	br_tokenizer_letters(t, UINT32_MAX);
}

/* Text in two pieces, cut at a paragraph's end, has the words of the whole. */
static void check_pieces(const struct kept *a, struct br_tokenizer *t, struct br_slice text)
{
	const char *cut = memmem(text.ptr, text.len, "\n\n", 2);
	size_t n = cut ? (size_t)(cut - text.ptr) + 2 : 0, i;
	uint32_t positions;
	const struct br_tokens *b;

	if (!cut)
		return;
	b = br_tokenize(t, br_slice(text.ptr, n));
	positions = b->positions;
	for (i = 0; i < b->v.n; i++)
		HOLDS(i < a->v.n && same_place(&a->v.v[i], &b->v.v[i]) && same_term(&a->v.v[i], &b->v.v[i]));
	b = br_tokenize(t, br_slice(text.ptr + n, text.len - n));
	HOLDS(a->v.n == i + b->v.n && a->positions == positions + b->positions);
	for (size_t k = 0; k < b->v.n; k++) {
		const struct br_token *x = &a->v.v[i + k], *y = &b->v.v[k];
		HOLDS(x->off == y->off + n && x->len == y->len && x->pos == y->pos + positions && same_term(x, y));
	}
}

FUZZ(fts_token)
{
	static struct br_tokenizer *old; /* whose caches are warm */
	static unsigned runs;
	struct br_rd r = br_rd(in);
	const char *lang = langs[br_rd_u8(&r) % BR_COUNT(langs)];
	uint32_t letters = br_rd_u16(&r) * 0x9e37u;
	struct br_buf text = BR_BUF_INIT(SIZE_MAX);
	struct kept k = { .positions = 0 }, exact = { .positions = 0 };
	struct br_tokenizer *fresh = br_tokenizer_new();

	if (!old || ++runs % 1000 == 0) {
		br_tokenizer_free(old);
		old = br_tokenizer_new();
	}
	fuzz_text(&text, fuzz_rest(&r));
	br_tokenizer_lang(fresh, lang);
	br_tokenizer_lang(old, lang);
	keep(&k, br_tokenize(old, br_buf_slice(&text)));
	check_order(&k, br_buf_slice(&text));
	check_same(&k, br_tokenize(fresh, br_buf_slice(&text)));
	check_letters(&k, old, br_buf_slice(&text), letters);
	check_same(&k, br_tokenize(old, br_buf_slice(&text)));
	check_pieces(&k, old, br_buf_slice(&text));
	keep(&exact, br_tokenize_exact(old, br_buf_slice(&text)));
	check_order(&exact, br_buf_slice(&text));
	for (size_t i = 0; i < exact.v.n; i++)
		HOLDS(!(exact.v.v[i].flags & BR_TOK_WHOLE));
	check_same(&k, br_tokenize(old, br_buf_slice(&text)));
	br_tokenizer_free(fresh);
	kept_release(&k);
	kept_release(&exact);
	br_buf_release(&text);
	if (runs % 1000 == 999) {
		br_tokenizer_free(old);
		old = NULL;
	}
}
