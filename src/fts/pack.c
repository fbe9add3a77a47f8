/*
 * Bit packing of 128 numbers, four lanes side by side: number i stands in lane i % 4. With GCC's vectors this is one 128-bit
 * operation for four numbers on every machine that has them (SSE2 is part of x86-64) and plain C elsewhere.
 */
#include "internal.h"

typedef uint32_t lanes __attribute__((vector_size(16)));

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#define EACH_WIDTH(X)                                                                                                    \
	X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16)                           \
	X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32)

static inline lanes load(const void *p) { lanes v; memcpy(&v, p, sizeof v); return v; }
static inline void store(void *p, lanes v) { memcpy(p, &v, sizeof v); }

unsigned br_fts__bits(const uint32_t v[BR_FTS__BLOCK])
{
	uint32_t any = 0;
	for (int i = 0; i < BR_FTS__BLOCK; i++)
		any |= v[i];
	return any ? 32 - (unsigned)__builtin_clz(any) : 0;
}

void br_fts__pack(char *out, const uint32_t v[BR_FTS__BLOCK], unsigned bits)
{
	lanes word = { 0 };
	unsigned used = 0;
	if (!bits)
		return;
	for (int i = 0; i < BR_FTS__BLOCK / 4; i++) {
		lanes x = load(v + 4 * i);
		word |= x << used;
		used += bits;
		if (used >= 32) {
			store(out, word);
			out += sizeof word;
			used -= 32;
			word = used ? x >> (bits - used) : (lanes){ 0 };
		}
	}
}

/* `bits` is a constant wherever this is inlined, so every shift and branch is decided at compile time. */
static inline __attribute__((always_inline)) void unpack_width(uint32_t *out, const char *in, const unsigned bits)
{
	const uint32_t m = bits == 32 ? UINT32_MAX : (1u << (bits & 31)) - 1;
	const lanes mask = { m, m, m, m };
	lanes word = load(in);
	unsigned used = 0;
	UNROLL
	for (int i = 0; i < BR_FTS__BLOCK / 4; i++) {
		lanes x = word >> used;
		used += bits;
		if (used >= 32 && i < BR_FTS__BLOCK / 4 - 1) {
			used -= 32;
			in += sizeof word;
			word = load(in);
			if (used)
				x |= word << (bits - used);
		}
		store(out + 4 * i, x & mask);
	}
}

void br_fts__unpack(uint32_t v[BR_FTS__BLOCK], const char *in, unsigned bits)
{
	switch (bits) {
#define X(n) case n: unpack_width(v, in, n); break;
		EACH_WIDTH(X)
#undef X
	default:
		memset(v, 0, BR_FTS__BLOCK * sizeof *v);
	}
}

void br_fts__sum_gaps(uint32_t v[BR_FTS__BLOCK], uint32_t base)
{
	const lanes zero = { 0 };
	lanes sum = { base, base, base, base };
	for (int i = 0; i < BR_FTS__BLOCK / 4; i++) {
		lanes x = load(v + 4 * i) + 1;
		x += __builtin_shufflevector(x, zero, 4, 0, 1, 2);
		x += __builtin_shufflevector(x, zero, 4, 5, 0, 1);
		sum = x + sum;
		store(v + 4 * i, sum);
		sum = __builtin_shufflevector(sum, sum, 3, 3, 3, 3);
	}
}
