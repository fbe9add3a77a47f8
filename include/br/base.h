/*
 * base - errors, memory, buffers, byte codecs. Every other file includes this first.
 * Use:     functions return 0 or a negative error code and fill `err` (which may be NULL).
 * Owns:    what `_init` fills the caller releases; `_release` is safe on a zeroed or released struct.
 * Threads: no global state; one object belongs to one thread at a time.
 * Fails:   br_alloc and friends end the program with a message and the status of NOMEM when memory is out: they serve
 *          small needs of our own.
 *          Sizes that come from a user, a file or the network go through a bounded br_buf or br_try_alloc.
 */
#ifndef BR_BASE_H
#define BR_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "br/limits.h"

#define BR_MUST_USE __attribute__((warn_unused_result))
#define BR_PRINTF(a, b) __attribute__((format(printf, a, b), nonnull(a)))
#define BR_STRINGIFY_(x) #x
#define BR_STRINGIFY(x) BR_STRINGIFY_(x)
#define BR_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BR_MIN(a, b) ((a) < (b) ? (a) : (b))
#define BR_MAX(a, b) ((a) > (b) ? (a) : (b))

/* ---- errors: the one list; exit status, HTTP status and manual come from it ---- */

#define BR_ERR_LIST(X) /* name     exit  http  retry  what it means */                              \
	X(USAGE,        129,  400, false, "bad option, argument or field")                          \
	X(NOTFOUND,       1,  404, false, "nothing found")                                          \
	X(PARTIAL,        2,  207, false, "done in part: some inputs failed")                       \
	X(CHECK,          3,  422, false, "a check failed")                                         \
	X(CHANGES,        4,  409, false, "--plan found changes")                                   \
	X(NOWORKSPACE,   10,  404, false, "no workspace here; run 'br init'")                       \
	X(LOCKED,        11,  503, true,  "another process is writing to the workspace")            \
	X(AUTH,          12,  401, false, "key missing or refused")                                 \
	X(FORBIDDEN,     12,  403, false, "this key may not do that")                               \
	X(UPSTREAM,      13,  502, true,  "model service failed")                                   \
	X(FULL,          14,  507, true,  "disk full")                                              \
	X(TOOBIG,        14,  413, false, "over a limit")                                           \
	X(CORRUPT,       15,  500, false, "workspace damaged; run 'br verify'")                     \
	X(VERSION,       15,  500, false, "workspace was written by a newer br")                    \
	X(INPUT,        128,  422, false, "input cannot be read or understood")                     \
	X(UNSUPPORTED,  128,  415, false, "this kind of input is not supported")                    \
	X(EXISTS,       128,  409, false, "already exists")                                         \
	X(IO,           128,  500, false, "reading or writing failed")                              \
	X(NOMEM,        128,  503, true,  "out of memory")                                          \
	X(TIMEOUT,      128,  504, true,  "took too long")                                          \
	X(CANCELLED,    130,  499, true,  "stopped by a signal")                                    \
	X(BUG,          128,  500, false, "a mistake in br itself")                                  \
	X(LIMITED,       12,  429, true,  "rate limit or budget of this key reached")

enum br_code {
	BR_OK,
#define X(name, ...) BR_E##name,
	BR_ERR_LIST(X)
#undef X
	BR_ERR_COUNT
};

struct br_err {
	enum br_code code;
	char msg[400];
};

struct br_err_info {
	const char *name; /* as in the list and in JSON: "NOTFOUND" */
	int exit, http;
	bool retry;
	const char *text;
};

/* Fills err (if not NULL) and returns -code. A message names the thing and the cause. */
int br_fail(struct br_err *err, enum br_code code, const char *fmt, ...) BR_PRINTF(3, 4);
/* As br_fail, with ": strerror(errno)" appended; ENOSPC/EDQUOT become FULL, ENOMEM NOMEM, the rest `code`. */
int br_fail_errno(struct br_err *err, enum br_code code, const char *fmt, ...) BR_PRINTF(3, 4);
/* Prefixes what is in err with "what: "; returns rc unchanged. */
int br_err_prefix(struct br_err *err, int rc, const char *fmt, ...) BR_PRINTF(3, 4);
const struct br_err_info *br_err_info(enum br_code code);

/* Programmer mistake: message with file and line, then abort. */
_Noreturn void br_bug(const char *file, int line, const char *what);
#define BR_ASSERT(x) ((x) ? (void)0 : br_bug(__FILE__, __LINE__, #x))

/* ---- memory ---- */

void *br_alloc(size_t n);           /* zeroed; never NULL */
void *br_allocn(size_t n, size_t size);
void *br_realloc(void *p, size_t n);
char *br_strdup(const char *s);     /* NULL gives NULL */
char *br_strndup(const char *s, size_t n);
char *br_sprintf(const char *fmt, ...) BR_PRINTF(1, 2);
void *br_try_alloc(size_t n);       /* zeroed; NULL when memory is out */
void *br_must(void *p);             /* p, which a library allocated; ends the program like br_alloc when it is NULL */

/* ---- slices: borrowed bytes, not NUL-terminated ---- */

struct br_slice {
	const char *ptr;
	size_t len;
};
static inline struct br_slice br_slice(const void *p, size_t n) { return (struct br_slice){ p, n }; }
static inline struct br_slice br_slice_str(const char *s) { return (struct br_slice){ s, s ? strlen(s) : 0 }; }
static inline bool br_slice_eq(struct br_slice a, struct br_slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ---- buffers: growable bytes with a maximum. ptr is never NULL after init and always NUL-terminated.
 *      A failed append (over max, out of memory) sets `failed`; later appends do nothing; check once at the end.
 *      A buffer without a limit, of max SIZE_MAX, is for small needs of our own and never fails, like br_alloc. ---- */

struct br_buf {
	char *ptr;
	size_t len, cap, max;
	enum br_code failed;
};
extern char br_buf_empty[1];
#define BR_BUF_INIT(maximum) { br_buf_empty, 0, 0, (maximum), BR_OK }
void br_buf_init(struct br_buf *b, size_t max);
void br_buf_release(struct br_buf *b);
void br_buf_reset(struct br_buf *b);                 /* empty again, memory kept, failure forgotten */
bool br_buf_reserve(struct br_buf *b, size_t extra); /* room for extra more bytes; false: failed */
void br_buf_add(struct br_buf *b, const void *p, size_t n);
void br_buf_addz(struct br_buf *b, size_t n);        /* n zero bytes */
void br_buf_adds(struct br_buf *b, const char *s);
void br_buf_addc(struct br_buf *b, char c);
void br_buf_addf(struct br_buf *b, const char *fmt, ...) BR_PRINTF(2, 3);
void br_buf_vaddf(struct br_buf *b, const char *fmt, va_list ap) BR_PRINTF(2, 0);
char *br_buf_take(struct br_buf *b, size_t *len);    /* the memory moves to the caller (free); b is empty */
int br_buf_check(const struct br_buf *b, const char *what, struct br_err *err);
static inline struct br_slice br_buf_slice(const struct br_buf *b) { return (struct br_slice){ b->ptr, b->len }; }

/* ---- arenas: many small allocations, freed together ---- */

struct br_arena {
	struct br_arena_block *head;
	size_t used; /* bytes handed out */
};
void *br_arena_alloc(struct br_arena *a, size_t n);            /* 16-byte aligned, not zeroed */
void *br_arena_zalloc(struct br_arena *a, size_t n);
char *br_arena_strndup(struct br_arena *a, const char *s, size_t n);
char *br_arena_strdup(struct br_arena *a, const char *s);      /* NULL gives NULL */
char *br_arena_printf(struct br_arena *a, const char *fmt, ...) BR_PRINTF(2, 3);
void br_arena_reset(struct br_arena *a);                       /* keeps the largest block for reuse */
void br_arena_release(struct br_arena *a);

/* ---- growable arrays: BR_VEC(struct br_hit) hits = {0}; *br_vec_push(&hits) = h; free by br_vec_release ---- */

#define BR_VEC(...) struct { __VA_ARGS__ *v; size_t n, cap; }
void *br_vec_grow_(void *v, size_t *cap, size_t need, size_t size);
#define br_vec_reserve(vec, extra)                                                                   \
	((vec)->n + (extra) > (vec)->cap                                                             \
		? (void)((vec)->v = br_vec_grow_((vec)->v, &(vec)->cap, (vec)->n + (extra), sizeof *(vec)->v)) \
		: (void)0)
#define br_vec_push(vec) (br_vec_reserve(vec, 1), &(vec)->v[(vec)->n++])
#define br_vec_release(vec) (free((vec)->v), (vec)->v = NULL, (vec)->n = (vec)->cap = 0)

/* ---- byte codecs: fixed big-endian for keys (they sort), little-endian for values, varint = LEB128 ---- */

static inline void br_be32(void *p, uint32_t v) { v = __builtin_bswap32(v); memcpy(p, &v, 4); }
static inline uint32_t br_rd_be32(const void *p) { uint32_t v; memcpy(&v, p, 4); return __builtin_bswap32(v); }
static inline void br_be64(void *p, uint64_t v) { v = __builtin_bswap64(v); memcpy(p, &v, 8); }
static inline uint64_t br_rd_be64(const void *p) { uint64_t v; memcpy(&v, p, 8); return __builtin_bswap64(v); }
static inline uint16_t br_rd_le16(const void *p) { uint16_t v; memcpy(&v, p, 2); return v; }
static inline uint32_t br_rd_le32(const void *p) { uint32_t v; memcpy(&v, p, 4); return v; }
static inline uint64_t br_rd_le64(const void *p) { uint64_t v; memcpy(&v, p, 8); return v; }
void br_buf_u8(struct br_buf *b, uint8_t v);
void br_buf_le16(struct br_buf *b, uint16_t v);
void br_buf_le32(struct br_buf *b, uint32_t v);
void br_buf_le64(struct br_buf *b, uint64_t v);
void br_buf_varint(struct br_buf *b, uint64_t v);
void br_buf_lstr(struct br_buf *b, const char *p, size_t n); /* varint length, then the bytes */

/* A reader over a record. After any read past the end `bad` is set and every read gives 0 or an empty slice. */
struct br_rd {
	const unsigned char *p, *end;
	bool bad;
};
static inline struct br_rd br_rd(struct br_slice s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	return (struct br_rd){ p, s.len ? p + s.len : p, false };
}
uint8_t br_rd_u8(struct br_rd *r);
uint16_t br_rd_u16(struct br_rd *r);
uint32_t br_rd_u32(struct br_rd *r);
uint64_t br_rd_u64(struct br_rd *r);
uint64_t br_rd_varint(struct br_rd *r);
struct br_slice br_rd_bytes(struct br_rd *r, size_t n);
struct br_slice br_rd_lstr(struct br_rd *r);

/* ---- hashes and random ---- */

const char *br_hash_library(void);                                /* "OpenSSL 3.0.17, xxHash 0.8.1", what is linked */
uint64_t br_hash64(const void *p, size_t n);                      /* XXH3-64; for tables and caches */
void br_hash128(uint8_t out[16], const void *p, size_t n);        /* XXH3-128 in canonical byte order; file and path keys */
void br_sha256(uint8_t out[32], const void *p, size_t n);         /* content identity */
struct br_sha256 { uint64_t state[16]; };                         /* the same in pieces: init, add any number of times, end */
void br_sha256_init(struct br_sha256 *c);
void br_sha256_add(struct br_sha256 *c, const void *p, size_t n);
void br_sha256_end(uint8_t out[32], struct br_sha256 *c);
void br_sha1(uint8_t out[20], const void *p, size_t n);           /* for protocols that want it, for nothing else */
void br_hmac_sha256(uint8_t out[32], struct br_slice key, struct br_slice text);
void br_hex(char *out, const uint8_t *p, size_t n);               /* 2n characters and a NUL */
void br_random(void *p, size_t n);                                /* from the kernel */
void br_uuid(char out[37]);                                       /* random, version 4, lower case */
void br_uuid_ordered(char out[37], int64_t ms);                   /* version 7: sorts by time, so that keys are appended */

/* ---- secrets ---- */

bool br_secret_equal(const void *a, const void *b, size_t n);     /* the same number of steps whatever the bytes are */
void br_wipe(void *p, size_t n);                                  /* zeroes that no compiler leaves out */
void br_base64url(struct br_buf *out, const void *p, size_t n);   /* appended, without padding */
bool br_base64url_decode(struct br_buf *out, struct br_slice text); /* strict: no padding, no white space, one text for each value */

/* ---- secrets on disk (cipher.c): AES-256-GCM, each time under a nonce of its own ---- */

enum { BR_CIPHER_KEY = 32, BR_CIPHER_MORE = 29 }; /* bytes; MORE: by how many the text grows */
/* Appended. about: bytes that are not kept, but without which nothing is deciphered: what the secret is for. */
BR_MUST_USE int br_encipher(struct br_buf *out, const uint8_t key[BR_CIPHER_KEY], struct br_slice text, struct br_slice about,
                            struct br_err *err); /* UNSUPPORTED: libcrypto is not installed */
/* False: another key, another `about`, or not what br_encipher made; nothing is appended then. */
bool br_decipher(struct br_buf *out, const uint8_t key[BR_CIPHER_KEY], struct br_slice sealed, struct br_slice about);

/* ---- signatures of others (sign.c); a key may be shared by threads ---- */

enum br_sign_alg { BR_SIGN_RS256, BR_SIGN_ES256 };
struct br_pubkey;
BR_MUST_USE int br_pubkey_ready(struct br_err *err);                    /* UNSUPPORTED: libcrypto is not installed, and no key can be made */
struct br_pubkey *br_pubkey_rsa(struct br_slice n, struct br_slice e);  /* big-endian; NULL: not a key of 2048 to 8192 bits */
struct br_pubkey *br_pubkey_p256(struct br_slice x, struct br_slice y); /* 32 bytes each; NULL: not a point of the curve */
void br_pubkey_free(struct br_pubkey *k);
enum br_sign_alg br_pubkey_alg(const struct br_pubkey *k);
bool br_pubkey_verify(const struct br_pubkey *k, struct br_slice text, struct br_slice sig);

/* ---- strings ---- */

/* Strict decimal within [min, max]: no sign unless min < 0, no spaces, nothing after it. */
int br_parse_int(int64_t *out, const char *s, int64_t min, int64_t max, const char *what, struct br_err *err);
int br_parse_double(double *out, const char *s, double min, double max, const char *what, struct br_err *err);
/* "90", "90s", "15m", "2h", "7d" in seconds; "10M", "2G" in bytes. */
int br_parse_seconds(int64_t *out, const char *s, const char *what, struct br_err *err);
int br_parse_bytes(int64_t *out, const char *s, const char *what, struct br_err *err);
/* One UTF-8 character: bytes taken (1..4) and *cp; invalid input takes 1 byte and gives 0xFFFD. n >= 1. */
size_t br_utf8_next(uint32_t *cp, const char *p, size_t n);
size_t br_utf8_put(char out[4], uint32_t cp);
void br_utf8_lower(char *s, size_t n); /* capitals of ASCII, Latin-1 and Cyrillic, in place */
/* Offset of the first invalid byte, or n when all is valid UTF-8 (no surrogates, no overlongs). */
size_t br_utf8_valid(const char *p, size_t n);
/* Shortest string close to `word` among names (edit distance <= 2), or NULL: for "did you mean". */
const char *br_closest(const char *word, const char *const *names, size_t n);

#endif
