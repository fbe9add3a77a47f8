/* gzip by zlib, zstd, xz by liblzma: one way to pull bytes from each, with the limits that stop bombs. */
#include "extract/inflate.h"

#include <stdlib.h>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

enum { HONEST = 16 << 20 /* bytes out up to which any ratio is fine */, XZ_MEMORY = 256 << 20, ZSTD_WINDOW = 27 };

enum kind { BARE, GZIP, ZSTD, XZ };

struct br_extract__inflate {
	enum kind kind;
	struct br_slice in;
	size_t at;                    /* bytes of `in` used up */
	uint64_t out;                 /* bytes that came out */
	bool ended;                   /* a stream ended; another may follow */
	z_stream gz;
	ZSTD_DStream *zstd;
	lzma_stream xz;
};

static int damaged(struct br_err *err, const char *what)
{
	return br_fail(err, BR_EINPUT, "damaged: its %s data cannot be unpacked", what);
}

static bool begins(struct br_slice b, const char *magic, size_t n)
{
	return b.len >= n && !memcmp(b.ptr, magic, n);
}

int br_extract__inflate_open(struct br_extract__inflate **out, struct br_slice bytes, bool *packed, struct br_err *err)
{
	struct br_extract__inflate *s = br_alloc(sizeof *s);
	bool ok = true;

	s->in = bytes;
	s->kind = begins(bytes, "\x1f\x8b", 2) ? GZIP : begins(bytes, "\x28\xb5\x2f\xfd", 4) ? ZSTD : begins(bytes,
	    "\xfd""7zXZ", 6) ? XZ : BARE;
	if (s->kind == GZIP) {
		ok = inflateInit2(&s->gz, 15 + 16) == Z_OK;
	} else if (s->kind == ZSTD) {
		ok = (s->zstd = ZSTD_createDStream()) && !ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd,
		    ZSTD_d_windowLogMax, ZSTD_WINDOW));
	} else if (s->kind == XZ) {
		ok = lzma_stream_decoder(&s->xz, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK;
	}
	*packed = s->kind != BARE;
	*out = s;
	if (ok)
		return 0;
	br_extract__inflate_close(s);
	return br_fail(err, BR_ENOMEM, "out of memory for unpacking");
}

void br_extract__inflate_close(struct br_extract__inflate *s)
{
	if (s->kind == GZIP)
		inflateEnd(&s->gz);
	if (s->kind == XZ)
		lzma_end(&s->xz);
	ZSTD_freeDStream(s->zstd);
	free(s);
}

/* ---- one step each: bytes written, 0 at the end, negative; input left and nothing written is damage ---- */

static int64_t step_gzip(struct br_extract__inflate *s, void *to, size_t n, struct br_err *err)
{
	int rc;

	if (s->ended) { /* members of gzip may follow each other; what else is there is padding */
		if (!begins(br_slice(s->in.ptr + s->at, s->in.len - s->at), "\x1f\x8b", 2))
			return 0;
		inflateReset(&s->gz);
		s->ended = false;
	}
	s->gz.next_in = (Bytef *)(uintptr_t)(s->in.ptr + s->at);
	s->gz.avail_in = (uInt)(s->in.len - s->at);
	s->gz.next_out = to;
	s->gz.avail_out = (uInt)n;
	rc = inflate(&s->gz, Z_NO_FLUSH);
	s->at = s->in.len - s->gz.avail_in;
	s->ended = rc == Z_STREAM_END;
	n -= s->gz.avail_out;
	if (n || s->ended)
		return n ? (int64_t)n : step_gzip(s, to, s->gz.avail_out, err);
	return damaged(err, "gzip");
}

static int64_t step_zstd(struct br_extract__inflate *s, void *to, size_t n, struct br_err *err)
{
	ZSTD_inBuffer in = { s->in.ptr, s->in.len, s->at };
	ZSTD_outBuffer out = { to, n, 0 };
	size_t rc = 1, before;

	do {
		before = in.pos;
		if (in.pos == in.size && s->ended)
			break;
		rc = ZSTD_decompressStream(s->zstd, &out, &in);
		s->at = in.pos;
		s->ended = rc == 0;
		if (ZSTD_isError(rc) || (!out.pos && in.pos == before && !s->ended))
			return out.pos ? (int64_t)out.pos : damaged(err, "zstd");
	} while (!out.pos);
	return (int64_t)out.pos;
}

static int64_t step_xz(struct br_extract__inflate *s, void *to, size_t n, struct br_err *err)
{
	lzma_ret rc;

	if (s->ended)
		return 0;
	s->xz.next_in = (const uint8_t *)s->in.ptr + s->at;
	s->xz.avail_in = s->in.len - s->at;
	s->xz.next_out = to;
	s->xz.avail_out = n;
	rc = lzma_code(&s->xz, LZMA_FINISH);
	s->at = s->in.len - s->xz.avail_in;
	s->ended = rc == LZMA_STREAM_END;
	n -= s->xz.avail_out;
	return n || s->ended ? (int64_t)n : damaged(err, "xz");
}

int64_t br_extract__inflate(struct br_extract__inflate *s, void *to, size_t n, struct br_err *err)
{
	int64_t got;

	switch (s->kind) {
	case GZIP: got = step_gzip(s, to, n, err); break;
	case ZSTD: got = step_zstd(s, to, n, err); break;
	case XZ: got = step_xz(s, to, n, err); break;
	default:
		got = (int64_t)BR_MIN(n, s->in.len - s->at);
		memcpy(to, s->in.ptr + s->at, (size_t)got);
		s->at += (size_t)got;
		break;
	}
	if (got <= 0)
		return got;
	s->out += (uint64_t)got;
	if (s->out > BR_MAX_UNPACKED)
		return br_fail(err, BR_ETOOBIG, "unpacks to more than %u MB", BR_MAX_UNPACKED >> 20);
	if (s->kind != BARE && s->out > HONEST && s->out / BR_EXTRACT_RATIO > s->at)
		return br_fail(err, BR_ETOOBIG, "is a bomb: it unpacks to more than %u times its size",
		    BR_EXTRACT_RATIO);
	return got;
}
