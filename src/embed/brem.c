/*
 * Models in the format .brem (man/br-index.5, EMBEDDING MODEL): the header is checked against the size of the file
 * before anything is believed. The tables behind it are not walked at start, which would read half the file; whoever
 * takes an offset or an id out of them checks it. br_model_verify compares the SHA-256 of it all.
 */
#include "internal.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#define HEADER 256u

enum flags {
	GLOBAL_SCALE = 1, L2_NORMALISE = 2, BERT_UNCASED = 4, MRL = 16, CJK_RUNS = 64,
	/* Query factors (8) and log2 of the term frequency (32) would change the sums: refused with the unknown ones. */
	NEEDED = GLOBAL_SCALE | L2_NORMALISE | BERT_UNCASED,
	KNOWN = NEEDED | MRL | CJK_RUNS,
};

extern const char br_model_data[], br_model_data_end[];

static struct br_model builtin;
static pthread_once_t builtin_once = PTHREAD_ONCE_INIT;

static uint32_t crc32_zlib(const char *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (; n; n--, p++) {
		crc ^= (unsigned char)*p;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
	}
	return ~crc;
}

static int damaged(const struct br_model *m, struct br_err *err, const char *what)
{
	return br_fail(err, BR_EINPUT, "model '%s' is damaged: %s", m->name, what);
}

static uint32_t u32_at(const struct br_model *m, size_t off) { return br_rd_le32(m->base + off); }
static uint64_t u64_at(const struct br_model *m, size_t off) { return br_rd_le64(m->base + off); }

static bool all_zero(const char *p, size_t n)
{
	while (n && *p == 0)
		p++, n--;
	return n == 0;
}

static int check_frame(const struct br_model *m, struct br_err *err)
{
	if (m->len < HEADER || memcmp(m->base, "BREMBED\0", 8) != 0)
		return br_fail(err, BR_EINPUT, "'%s' is not an embedding model (.brem)", m->name);
	if (u32_at(m, 8) != 1)
		return br_fail(err, BR_EUNSUPPORTED, "model '%s' has format version %u; this br reads version 1", m->name, u32_at(m, 8));
	if (crc32_zlib(m->base, 252) != u32_at(m, 252))
		return damaged(m, err, "checksum of the header");
	if (u64_at(m, 16) != m->len)
		return br_fail(err, BR_EINPUT, "model '%s' is damaged: %zu bytes instead of %llu", m->name, m->len,
			       (unsigned long long)u64_at(m, 16));
	if (u32_at(m, 12) != HEADER || u32_at(m, 92) != 0 || !all_zero(m->base + 208, 44))
		return damaged(m, err, "header fields that must be fixed");
	return 0;
}

static int check_flags(const struct br_model *m, struct br_err *err)
{
	uint32_t flags = u32_at(m, 36);

	if (flags & ~(uint32_t)KNOWN)
		return br_fail(err, BR_EUNSUPPORTED, "model '%s' needs features that this br does not have (flags 0x%x)", m->name,
			       flags & ~(uint32_t)KNOWN);
	if ((flags & NEEDED) != NEEDED)
		return br_fail(err, BR_EUNSUPPORTED, "model '%s' is of a kind that this br does not have (flags 0x%x)", m->name, flags);
	return 0;
}

/* Prefix lengths: falling, the rest 0. */
static bool prefixes_ok(const struct br_model *m)
{
	uint32_t last = u32_at(m, 28) + 1;

	for (size_t i = 0; i < 4; i++) {
		uint32_t k = br_rd_le16(m->base + 96 + 2 * i);
		if (k ? k >= last : false)
			return false;
		last = k;
	}
	return true;
}

static bool id_ok(const struct br_model *m)
{
	size_t n = strnlen(m->base + 176, 32);

	for (size_t i = 0; i < n; i++)
		if (m->base[176 + i] <= ' ' || m->base[176 + i] > '~')
			return false;
	return n > 0 && all_zero(m->base + 176 + n, 32 - n);
}

static uint32_t slots_for(uint32_t vocab)
{
	uint32_t n = 1;

	while ((uint64_t)n * 2 < (uint64_t)vocab * 3)
		n *= 2;
	return n;
}

static int check_numbers(const struct br_model *m, struct br_err *err)
{
	uint32_t vocab = u32_at(m, 24), dim = u32_at(m, 28), stride = u32_at(m, 32), bits = u32_at(m, 40);
	float scale;

	memcpy(&scale, &bits, 4);
	if (vocab == 0 || vocab > 1u << 24)
		return damaged(m, err, "number of pieces");
	if (dim == 0 || dim > BR_ANN_MAX_DIM)
		return damaged(m, err, "dimension");
	if (stride < dim || stride % 64 || stride > BR_ANN_MAX_DIM)
		return damaged(m, err, "row length");
	if (!isfinite(scale) || scale <= 0)
		return damaged(m, err, "scale");
	if (u32_at(m, 44) == 0 || u32_at(m, 44) > 1000)
		return damaged(m, err, "longest word");
	if (u32_at(m, 48) >= vocab)
		return damaged(m, err, "number of the unknown piece");
	if (u32_at(m, 52) == 0 || u32_at(m, 52) > BR_EMBED__MAX_PIECE)
		return damaged(m, err, "longest piece");
	if (u32_at(m, 88) != slots_for(vocab))
		return damaged(m, err, "size of the hash table");
	if (!prefixes_ok(m))
		return damaged(m, err, "prefix lengths");
	return id_ok(m) ? 0 : damaged(m, err, "name");
}

/* Is [offset at `field`, + n) in the file, behind the header, aligned? */
static bool section_ok(const struct br_model *m, size_t field, uint64_t n)
{
	uint64_t off = u64_at(m, field);
	return off >= HEADER && off % 64 == 0 && off <= m->len && n <= m->len - off;
}

static int check_sections(const struct br_model *m, struct br_err *err)
{
	uint64_t vocab = u32_at(m, 24);

	if (!section_ok(m, 56, 4 * (vocab + 1)))
		return damaged(m, err, "place of the string offsets");
	if (!section_ok(m, 64, u32_at(m, u64_at(m, 56) + 4 * vocab)))
		return damaged(m, err, "place of the strings");
	if (!section_ok(m, 72, vocab))
		return damaged(m, err, "place of the piece flags");
	if (!section_ok(m, 80, 8ull * u32_at(m, 88)))
		return damaged(m, err, "place of the hash table");
	if (!section_ok(m, 104, vocab * u32_at(m, 32)))
		return damaged(m, err, "place of the rows");
	if (u64_at(m, 112) || u64_at(m, 120))
		return damaged(m, err, "scales that the flags deny");
	if (!section_ok(m, 128, u64_at(m, 136)))
		return damaged(m, err, "place of the description");
	return 0;
}

static void fill(struct br_model *m)
{
	memcpy(m->info.id, m->base + 176, 32);
	memcpy(m->info.sha, m->base + 144, sizeof m->info.sha);
	m->info.vocab = u32_at(m, 24);
	m->info.dim = u32_at(m, 28);
	m->info.meta = m->base + u64_at(m, 128);
	m->info.meta_len = u64_at(m, 136);
	m->row_stride = u32_at(m, 32);
	m->cjk_runs = u32_at(m, 36) & CJK_RUNS;
	m->max_word_chars = u32_at(m, 44);
	m->unk_id = u32_at(m, 48);
	m->max_piece_bytes = u32_at(m, 52);
	m->hash_mask = u32_at(m, 88) - 1;
	m->stroff = (const void *)(m->base + u64_at(m, 56));
	m->strings = m->base + u64_at(m, 64);
	m->strings_bytes = m->stroff[m->info.vocab];
	m->tokflags = (const void *)(m->base + u64_at(m, 72));
	m->slot = (const void *)(m->base + u64_at(m, 80));
	m->rows = (const void *)(m->base + u64_at(m, 104));
}

static int model_init(struct br_model *m, const char *p, size_t n, struct br_err *err)
{
	int rc;

	m->base = p;
	m->len = n;
	if ((rc = check_frame(m, err)) < 0 || (rc = check_flags(m, err)) < 0 || (rc = check_numbers(m, err)) < 0 ||
	    (rc = check_sections(m, err)) < 0)
		return rc;
	fill(m);
	return 0;
}

static void builtin_open(void)
{
	static char name[] = "built-in";
	struct br_err err;

	builtin.name = name;
	if (model_init(&builtin, br_model_data, (size_t)(br_model_data_end - br_model_data), &err) < 0)
		br_bug(__FILE__, __LINE__, err.msg);
}

const struct br_model *br_model_builtin(void)
{
	pthread_once(&builtin_once, builtin_open);
	return &builtin;
}

int br_model_open(struct br_model **out, const char *path, struct br_err *err)
{
	struct br_model *m = br_alloc(sizeof *m);
	int rc;

	m->name = br_strdup(path);
	if ((rc = br_map_file(&m->map, path, err)) < 0 || (rc = model_init(m, m->map.ptr, m->map.len, err)) < 0)
		br_model_close(m);
	else
		*out = m;
	return rc;
}

void br_model_close(struct br_model *m)
{
	if (!m || m == &builtin)
		return;
	br_unmap(&m->map);
	free(m->name);
	free(m);
}

int br_model_verify(const struct br_model *m, struct br_err *err)
{
	uint8_t sha[32];

	br_sha256(sha, m->base + HEADER, m->len - HEADER);
	return memcmp(sha, m->base + 144, sizeof sha) == 0 ? 0 : damaged(m, err, "SHA-256 of the content");
}

const struct br_model_info *br_model_info(const struct br_model *m)
{
	return &m->info;
}

struct br_slice br_embed__piece(const struct br_model *m, uint32_t id)
{
	uint32_t a, b;

	if (id >= m->info.vocab)
		return br_slice(NULL, 0);
	a = m->stroff[id];
	b = m->stroff[id + 1];
	return a <= b && b <= m->strings_bytes ? br_slice(m->strings + a, b - a) : br_slice(NULL, 0);
}
