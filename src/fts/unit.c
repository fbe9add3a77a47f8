/*
 * An inverted index of some documents in memory. While chunks come in, a hash table finds the term and a log takes (term, tf) per
 * chunk; finishing sorts the terms and deals the log out to them.
 */
#include "unit.h"

#include <stdlib.h>

#define ROOM (64u << 10)

struct br_fts_unit *br_fts_unit_new(void)
{
	struct br_fts_unit *u = br_alloc(sizeof *u);
	u->table_size = 1u << 12;
	u->table = br_allocn(u->table_size, sizeof *u->table);
	return u;
}

void br_fts_unit_free(struct br_fts_unit *u)
{
	if (!u)
		return;
	br_arena_release(&u->arena);
	br_vec_release(&u->term);
	br_vec_release(&u->log);
	br_vec_release(&u->log_start);
	br_vec_release(&u->len);
	br_vec_release(&u->hash);
	free(u->posting);
	free(u->table);
	free(u);
}

uint32_t br_fts_unit_chunks(const struct br_fts_unit *u) { return (uint32_t)u->len.n; }

size_t br_fts_unit_bytes(const struct br_fts_unit *u)
{
	return sizeof *u + u->arena.used + u->term.cap * sizeof *u->term.v + u->log.cap * sizeof *u->log.v +
	       u->log_start.cap * sizeof *u->log_start.v + u->len.cap * sizeof *u->len.v + u->postings * sizeof *u->posting +
	       (u->table ? u->table_size * sizeof *u->table : 0);
}

/* ---- terms ---- */

static inline uint64_t load64(const char *p) { uint64_t v; memcpy(&v, p, 8); return v; }

/* At most 8 bytes as a number, the first byte lowest. */
static inline uint64_t load_tail(const char *p, size_t n)
{
	uint32_t a, b;
	if (n >= 4) {
		memcpy(&a, p, 4);
		memcpy(&b, p + n - 4, 4);
		return a | (uint64_t)b << (8 * n - 32);
	}
	uint64_t v = (unsigned char)p[0];
	if (n > 1)
		v |= (uint64_t)(unsigned char)p[1] << 8;
	return n > 2 ? v | (uint64_t)(unsigned char)p[2] << 16 : v;
}

/* Signatures of documents are made of it and stored: it must stay what it is (man/br-index.5, SIGNATURES). */
static inline uint32_t hash_term(const char *s, size_t n)
{
	uint64_t h = n * 0x9E3779B97F4A7C15u;
	for (; n > 8; s += 8, n -= 8)
		h = (h ^ load64(s)) * 0xC2B2AE3D27D4EB4Fu, h ^= h >> 31;
	h = (h ^ load_tail(s, n)) * 0x9E3779B97F4A7C15u;
	return (uint32_t)(h >> 32) ^ (uint32_t)h >> 15;
}

static uint64_t prefix_of(const char *s, size_t n)
{
	char b[8] = { 0 };
	memcpy(b, s, BR_MIN(n, (size_t)8));
	return br_rd_be64(b);
}

static void grow_table(struct br_fts_unit *u)
{
	free(u->table);
	u->table_size *= 2;
	u->table = br_allocn(u->table_size, sizeof *u->table);
	for (uint32_t i = 0; i < u->term.n; i++) {
		uint32_t h = u->term.v[i].hash & (u->table_size - 1);
		while (u->table[h])
			h = (h + 1) & (u->table_size - 1);
		u->table[h] = i + 1;
	}
}

static const char *keep_bytes(struct br_fts_unit *u, const char *s, size_t n)
{
	if (u->room_left < n) {
		u->room = br_arena_alloc(&u->arena, ROOM);
		u->room_left = ROOM;
	}
	char *at = u->room;
	memcpy(at, s, n);
	u->room += n;
	u->room_left -= n;
	return at;
}

static uint32_t add_term(struct br_fts_unit *u, const struct br_token *k, uint32_t hash, uint32_t slot)
{
	*br_vec_push(&u->term) = (struct br_fts__term){
		.prefix = prefix_of(k->term, k->term_len),
		.s = keep_bytes(u, k->term, k->term_len),
		.hash = hash,
		.len = (uint8_t)k->term_len,
	};
	u->table[slot] = (uint32_t)u->term.n;
	if (u->term.n * 2 > u->table_size)
		grow_table(u);
	return (uint32_t)u->term.n - 1;
}

static inline uint32_t find_term(struct br_fts_unit *u, const struct br_token *k, uint32_t hash)
{
	uint32_t h = hash & (u->table_size - 1);
	for (; u->table[h]; h = (h + 1) & (u->table_size - 1)) {
		const struct br_fts__term *t = &u->term.v[u->table[h] - 1];
		if (t->hash == hash && t->len == k->term_len && memcmp(t->s, k->term, k->term_len) == 0)
			return u->table[h] - 1;
	}
	return add_term(u, k, hash, h);
}

/* Ahead of their use, so that the table's memory is there in time. */
static void hash_tokens(struct br_fts_unit *u, const struct br_tokens *k)
{
	u->hash.n = 0;
	br_vec_reserve(&u->hash, k->v.n);
	u->hash.n = k->v.n;
	for (size_t i = 0; i < k->v.n; i++) {
		u->hash.v[i] = hash_term(k->v.v[i].term, k->v.v[i].term_len);
		__builtin_prefetch(&u->table[u->hash.v[i] & (u->table_size - 1)]);
	}
	for (size_t i = 0; i < k->v.n; i++) {
		uint32_t at = u->table[u->hash.v[i] & (u->table_size - 1)];
		if (at)
			__builtin_prefetch(&u->term.v[at - 1].s);
	}
}

/* ---- chunks ---- */

void br_fts_unit_begin(struct br_fts_unit *u)
{
	BR_ASSERT(!u->posting);
	*br_vec_push(&u->log_start) = (uint32_t)u->log.n;
	u->tokens = 0;
}

void br_fts_unit_text(struct br_fts_unit *u, struct br_tokenizer *t, struct br_slice text)
{
	const struct br_tokens *k = br_tokenize(t, text);
	uint32_t stamp = (uint32_t)u->log_start.n;
	hash_tokens(u, k);
	for (size_t i = 0; i < k->v.n; i++) {
		uint32_t id = find_term(u, &k->v.v[i], u->hash.v[i]);
		struct br_fts__term *term = &u->term.v[id];
		if (term->stamp != stamp) {
			term->stamp = stamp;
			term->slot = (uint32_t)u->log.n;
			term->n++;
			*br_vec_push(&u->log) = (struct br_fts__posting){ id, 1 };
		} else if (u->log.v[term->slot].tf < UINT16_MAX) {
			u->log.v[term->slot].tf++;
		}
	}
	u->tokens += k->positions;
}

const uint32_t *br_fts_unit_hashes(const struct br_fts_unit *u, size_t *n)
{
	*n = u->hash.n;
	return u->hash.v;
}

uint32_t br_fts_unit_end(struct br_fts_unit *u)
{
	uint16_t len = (uint16_t)BR_MIN(BR_MAX(u->tokens, 1u), (uint32_t)UINT16_MAX);
	*br_vec_push(&u->len) = len;
	BR_ASSERT(u->len.n == u->log_start.n);
	return len;
}

/* ---- finishing ---- */

struct item {
	uint64_t prefix;
	uint32_t id;
};

static inline bool item_before(const struct br_fts__term *t, struct item a, struct item b)
{
	if (a.prefix != b.prefix)
		return a.prefix < b.prefix;
	return br_fts__term_cmp(0, t[a.id].s, t[a.id].len, 0, t[b.id].s, t[b.id].len) < 0;
}

static void merge_runs(const struct br_fts__term *t, struct item *out, const struct item *a, size_t an, const struct item *b, size_t bn)
{
	const struct item *ae = a + an, *be = b + bn;
	while (a < ae && b < be)
		*out++ = item_before(t, *b, *a) ? *b++ : *a++;
	while (a < ae)
		*out++ = *a++;
	while (b < be)
		*out++ = *b++;
}

/* Merge sort: 16-byte items, whose prefixes decide nearly every comparison, move instead of terms. Returns item or spare. */
static struct item *sort_items(const struct br_fts__term *t, struct item *item, struct item *spare, size_t n)
{
	for (size_t width = 1; width < n; width *= 2) {
		for (size_t i = 0; i < n; i += 2 * width) {
			size_t an = BR_MIN(width, n - i), bn = BR_MIN(width, n - i - an);
			merge_runs(t, spare + i, item + i, an, item + i + an, bn);
		}
		struct item *swap = item;
		item = spare;
		spare = swap;
	}
	return item;
}

/* Sorts u->term; place gets the new index of every old one. */
static void sort_terms(struct br_fts_unit *u, uint32_t *place)
{
	size_t n = u->term.n;
	struct item *a = br_allocn(2 * n + 1, sizeof *a);
	struct br_fts__term *sorted = br_allocn(n + 1, sizeof *sorted);
	uint32_t first = 0;
	for (size_t i = 0; i < n; i++)
		a[i] = (struct item){ u->term.v[i].prefix, (uint32_t)i };
	const struct item *order = sort_items(u->term.v, a, a + n, n);
	for (size_t i = 0; i < n; i++) {
		place[order[i].id] = (uint32_t)i;
		sorted[i] = u->term.v[order[i].id];
		sorted[i].first = first;
		sorted[i].slot = first;
		first += sorted[i].n;
	}
	free(a);
	free(u->term.v);
	u->term.v = sorted;
	u->term.cap = n + 1;
}

void br_fts_unit_finish(struct br_fts_unit *u)
{
	uint32_t *place = br_allocn(u->term.n + 1, sizeof *place);
	sort_terms(u, place);
	u->postings = u->log.n;
	u->posting = br_allocn(u->postings + 1, sizeof *u->posting);
	for (uint32_t c = 0; c < u->len.n; c++) {
		size_t end = c + 1 < u->len.n ? u->log_start.v[c + 1] : u->log.n;
		for (size_t i = u->log_start.v[c]; i < end; i++)
			u->posting[u->term.v[place[u->log.v[i].chunk]].slot++] = (struct br_fts__posting){ c, u->log.v[i].tf };
	}
	free(place);
	free(u->table);
	u->table = NULL;
	br_vec_release(&u->log);
	br_vec_release(&u->log_start);
}
