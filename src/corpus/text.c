/*
 * Stored text: blocks of TEXT_BLOCK bytes of a document's text, each a zstd frame, most of them made with a dictionary of the
 * notebook. Small blocks make fetching a passage cheap; the dictionary gives back what small blocks lose. Layout: man/br-index.5.
 */
#define ZSTD_STATIC_LINKING_ONLY
#define ZDICT_STATIC_LINKING_ONLY
#include "br/os.h"

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zdict.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
	DICT_BYTES = 32 << 10,
	DICT_LEAST = 1 << 20,   /* bytes of source to be indexed at once from which a dictionary pays */
	DICT_SAMPLES = 512,     /* files looked at, evenly spaced over those of the plan */
	DICT_SAMPLE = 2048,     /* bytes of each */
	DICT_MOST = 128 << 10,  /* bytes of one that another program made */
	DICT_ENOUGH = 64 << 10, /* bytes of text in all samples, below which there is nothing to learn */
};

/* ---- dictionaries ---- */

struct text_dict {
	uint32_t id;            /* chosen by zstd from its content; stands in every frame made with it */
	struct br_slice bytes;
	ZSTD_CDict *zstd;
};

static struct text_dict *dict_new(struct br_slice bytes)
{
	struct text_dict *d = br_alloc(sizeof *d);
	char *p = br_alloc(bytes.len);

	memcpy(p, bytes.ptr, bytes.len);
	d->bytes = br_slice(p, bytes.len);
	d->id = ZSTD_getDictID_fromDict(p, bytes.len);
	d->zstd = br_must(ZSTD_createCDict_byReference(p, bytes.len, TEXT_ZSTD_LEVEL));
	return d;
}

void text_dict_free(struct text_dict *d)
{
	if (!d)
		return;
	ZSTD_freeCDict(d->zstd);
	free((char *)(uintptr_t)d->bytes.ptr);
	free(d);
}

static void dict_key(struct br_key *k, uint32_t nb, uint32_t id)
{
	br_key_init(k, nb);
	br_key_u32(k, id);
}

int text_dict_load(struct text_dict **out, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_cur cur;
	struct br_key k;
	int rc;

	*out = NULL;
	br_key_init(&k, nb);
	if ((rc = br_cur_open(&cur, t, BR_T_DICT, err)) < 0)
		return rc;
	cur.within = br_key_slice(&k);
	rc = br_cur_seek(&cur, br_key_slice(&k), err);
	if (rc > 0 && br_has_prefix(cur.key, br_key_slice(&k)))
		*out = dict_new(cur.val);
	br_cur_close(&cur);
	return BR_MIN(0, rc);
}

int text_dict_put(struct br_txn *t, uint32_t nb, const struct text_dict *d, struct br_err *err)
{
	struct br_slice there;
	struct br_key k;
	int rc;

	dict_key(&k, nb, d->id);
	rc = br_get(&there, t, BR_T_DICT, br_key_slice(&k), err);
	return rc ? BR_MIN(0, rc) : br_put(t, BR_T_DICT, br_key_slice(&k), d->bytes, err);
}

/* The beginning of a file, if it is text. */
static size_t sample_file(char *out, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, out, DICT_SAMPLE);
	close(fd);
	return n > 0 && !memchr(out, 0, (size_t)n) ? (size_t)n : 0;
}

struct samples { char *bytes; size_t len, n, size[DICT_SAMPLES]; };

static void sample_plan(struct samples *s, const struct plan *p)
{
	size_t step = BR_MAX((size_t)1, p->in.n / DICT_SAMPLES);

	for (size_t i = 0; i < p->in.n && s->n < DICT_SAMPLES; i += step) {
		size_t n = p->in.v[i].file && !p->in.v[i].touch_only ? sample_file(s->bytes + s->len, p->in.v[i].file) : 0;
		if (n)
			s->size[s->n++] = n;
		s->len += n;
	}
}

/* Parameters: 10 ms, and within 1 % of what zstd's own search for better ones gives in 400. */
static struct text_dict *train(const struct samples *s)
{
	ZDICT_fastCover_params_t how = { .k = 200, .d = 8, .f = 18, .accel = 5, .zParams = { .compressionLevel = TEXT_ZSTD_LEVEL } };
	char *bytes = br_alloc(DICT_BYTES);
	size_t n = ZDICT_trainFromBuffer_fastCover(bytes, DICT_BYTES, s->bytes, s->size, (unsigned)s->n, how);
	struct text_dict *d = ZDICT_isError(n) ? NULL : dict_new(br_slice(bytes, n));

	free(bytes);
	return d;
}

static struct samples *samples_new(void)
{
	struct samples *s = br_alloc(sizeof *s);

	s->bytes = br_alloc(DICT_SAMPLES * DICT_SAMPLE);
	return s;
}

/* Frees s. */
static struct text_dict *learn(struct samples *s)
{
	struct text_dict *d = s->len >= DICT_ENOUGH ? train(s) : NULL;

	free(s->bytes);
	free(s);
	return d;
}

struct text_dict *text_dict_learn(const struct plan *p)
{
	struct samples *s;

	if (p->bytes < DICT_LEAST)
		return NULL;
	s = samples_new();
	sample_plan(s, p);
	return learn(s);
}

/* ---- packing ---- */

void packed_text_release(struct packed_text *p)
{
	br_buf_release(&p->bytes);
	br_vec_release(&p->end);
}

struct text_packer *text_packer_new(const struct text_dict *d)
{
	ZSTD_CCtx *z = br_must(ZSTD_createCCtx());

	ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, TEXT_ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(z, ZSTD_c_contentSizeFlag, 0);
	if (d)
		ZSTD_CCtx_refCDict(z, d->zstd);
	return (struct text_packer *)z;
}

void text_packer_free(struct text_packer *p) { ZSTD_freeCCtx((ZSTD_CCtx *)p); }

int pack_text(struct packed_text *out, struct text_packer *packer, struct br_slice text, struct br_err *err)
{
	br_buf_init(&out->bytes, 2 * (size_t)BR_MAX_TEXT);
	out->raw = (uint32_t)text.len;
	for (size_t at = 0; at < text.len; at += TEXT_BLOCK) {
		size_t n = BR_MIN(text.len - at, (size_t)TEXT_BLOCK), bound = ZSTD_compressBound(n), got;
		if (!br_buf_reserve(&out->bytes, bound))
			return br_buf_check(&out->bytes, "stored text", err);
		got = ZSTD_compress2((ZSTD_CCtx *)packer, out->bytes.ptr + out->bytes.len, bound, text.ptr + at, n);
		if (ZSTD_isError(got))
			return br_fail(err, ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation ? BR_ENOMEM : BR_EBUG,
			               "compressing text: %s", ZSTD_getErrorName(got));
		out->bytes.len += got;
		*br_vec_push(&out->end) = (uint32_t)out->bytes.len;
	}
	return 0;
}

static void text_key(struct br_key *k, uint32_t nb, uint32_t doc, uint32_t block)
{
	br_key_init(k, nb);
	br_key_u32(k, doc);
	br_key_u32(k, block);
}

int text_put(struct br_txn *t, uint32_t nb, uint32_t doc, const struct packed_text *p, struct br_err *err)
{
	int rc = 0;

	for (uint32_t i = 0, at = 0; i < p->end.n && rc >= 0; at = p->end.v[i++]) {
		struct br_key k;
		text_key(&k, nb, doc, i);
		rc = br_append(t, BR_T_TEXT, br_key_slice(&k), br_slice(p->bytes.ptr + at, p->end.v[i] - at), err);
	}
	return rc;
}

/* ---- reading ---- */

struct br_text_reader {
	ZSTD_DCtx *zstd;
	ZSTD_DDict *dict;               /* the last that was needed; an id means the same bytes in every notebook */
	uint32_t dict_id;
	bool have;                      /* raw holds this block */
	uint32_t nb, doc, block;
	size_t len;
	char raw[TEXT_BLOCK];
};

struct br_text_reader *br_text_reader_new(void)
{
	struct br_text_reader *r = br_alloc(sizeof *r);

	r->zstd = br_must(ZSTD_createDCtx());
	return r;
}

void br_text_reader_free(struct br_text_reader *r)
{
	if (!r)
		return;
	ZSTD_freeDCtx(r->zstd);
	ZSTD_freeDDict(r->dict);
	free(r);
}

void br_text_reader_reset(struct br_text_reader *r) { r->have = false; }

static int need_dict(struct br_text_reader *r, struct br_txn *t, uint32_t nb, uint32_t id, struct br_err *err)
{
	struct br_slice bytes;
	struct br_key k;
	int rc;

	if (r->dict && r->dict_id == id)
		return 0;
	dict_key(&k, nb, id);
	if ((rc = br_get(&bytes, t, BR_T_DICT, br_key_slice(&k), err)) < 0)
		return rc;
	if (!rc)
		return br_fail(err, BR_ECORRUPT, "the text's dictionary %08x is not there", id);
	ZSTD_freeDDict(r->dict);
	errno = 0;
	if (!(r->dict = ZSTD_createDDict(bytes.ptr, bytes.len)))
		return br_fail(err, errno == ENOMEM ? BR_ENOMEM : BR_ECORRUPT, "the text's dictionary %08x %s", id,
		               errno == ENOMEM ? "needs more memory" : "is damaged");
	r->dict_id = id;
	return 0;
}

static int unpack(struct br_text_reader *r, struct br_txn *t, uint32_t nb, struct br_slice frame, size_t *n, struct br_err *err)
{
	uint32_t id = ZSTD_getDictID_fromFrame(frame.ptr, frame.len);
	int rc = id ? need_dict(r, t, nb, id, err) : 0;

	if (rc < 0)
		return rc;
	*n = id ? ZSTD_decompress_usingDDict(r->zstd, r->raw, TEXT_BLOCK, frame.ptr, frame.len, r->dict) :
	          ZSTD_decompressDCtx(r->zstd, r->raw, TEXT_BLOCK, frame.ptr, frame.len);
	return ZSTD_isError(*n) ? br_fail(err, BR_ECORRUPT, "%s", ZSTD_getErrorName(*n)) : 0;
}

/* 1: the block is in r->raw; 0: the text ends before it. */
static int read_block(struct br_text_reader *r, struct br_txn *t, uint32_t nb, uint32_t doc, uint32_t block, struct br_err *err)
{
	struct br_err why = { 0 };
	struct br_slice val;
	struct br_key k;
	int rc;

	if (r->have && r->nb == nb && r->doc == doc && r->block == block)
		return 1;
	r->have = false;
	text_key(&k, nb, doc, block);
	if ((rc = br_get(&val, t, BR_T_TEXT, br_key_slice(&k), err)) <= 0)
		return rc;
	if ((rc = unpack(r, t, nb, val, &r->len, &why)) < 0)
		return br_fail(err, why.code, "document %u: text block %u is damaged: %s", doc, block, why.msg);
	r->have = true;
	r->nb = nb;
	r->doc = doc;
	r->block = block;
	return 1;
}

int br_doc_text(struct br_buf *out, struct br_text_reader *reader, struct br_txn *t, uint32_t nb, uint32_t doc, uint32_t off, uint32_t len, struct br_err *err)
{
	struct br_text_reader *r = reader ? reader : br_text_reader_new();
	uint32_t end = len > UINT32_MAX - off ? UINT32_MAX : off + len;
	int rc = 1;

	for (uint32_t block = off / TEXT_BLOCK; rc > 0 && (uint64_t)block * TEXT_BLOCK < end; block++) {
		uint32_t base = block * TEXT_BLOCK, from = off > base ? off - base : 0;
		size_t n;
		if ((rc = read_block(r, t, nb, doc, block, err)) <= 0)
			break;
		n = BR_MIN(r->len, end - base);
		if (n > from)
			br_buf_add(out, r->raw + from, n - from);
	}
	if (!reader)
		br_text_reader_free(r);
	return rc < 0 ? rc : br_buf_check(out, "stored text", err);
}

/* ---- for export and import ---- */

int text_dict_learn_stored(struct text_dict **out, struct br_txn *t, uint32_t nb, const uint32_t *doc, size_t n, uint64_t bytes, struct br_err *err)
{
	struct br_text_reader *reader;
	struct br_buf b = BR_BUF_INIT(DICT_SAMPLE);
	size_t step = BR_MAX((size_t)1, n / DICT_SAMPLES);
	struct samples *s;
	int rc = 0;

	*out = NULL;
	if (bytes < DICT_LEAST)
		return 0;
	s = samples_new();
	reader = br_text_reader_new();
	for (size_t i = 0; i < n && s->n < DICT_SAMPLES && rc == 0; i += step) {
		br_buf_reset(&b);
		if ((rc = br_doc_text(&b, reader, t, nb, doc[i], 0, DICT_SAMPLE, err)) < 0 || !b.len)
			continue;
		memcpy(s->bytes + s->len, b.ptr, b.len);
		s->size[s->n++] = b.len;
		s->len += b.len;
	}
	*out = learn(s);
	br_text_reader_free(reader);
	br_buf_release(&b);
	return rc;
}

struct br_slice text_dict_bytes(const struct text_dict *d) { return d->bytes; }

int text_dict_open(struct text_dict **out, struct br_slice bytes, struct br_err *err)
{
	struct text_dict *d = bytes.len <= DICT_MOST && ZSTD_getDictID_fromDict(bytes.ptr, bytes.len) ? dict_new(bytes) : NULL;

	*out = d;
	if (d && d->zstd)
		return 0;
	text_dict_free(d);
	*out = NULL;
	return br_fail(err, BR_EINPUT, "its dictionary is damaged");
}

const char *br_corpus_library(void) { return "zstd " ZSTD_VERSION_STRING; }
