/*
 * Hashes and random: the door to libcrypto and xxHash. SHA-256 names content, XXH3 makes table and path keys.
 */
#include "br/base.h"

#define OPENSSL_SUPPRESS_DEPRECATED /* the plain functions: EVP would pull in all of the library */
#include <openssl/opensslv.h>
#include <openssl/sha.h>
#include <sys/random.h>
#include <xxhash.h>

uint64_t br_hash64(const void *p, size_t n) { return XXH3_64bits(p, n); }

void br_hash128(uint8_t out[16], const void *p, size_t n)
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c, XXH3_128bits(p, n));
	memcpy(out, c.digest, 16);
}

void br_sha256(uint8_t out[32], const void *p, size_t n)
{
	SHA256_CTX c;

	SHA256_Init(&c);
	SHA256_Update(&c, p, n);
	SHA256_Final(out, &c);
}

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct br_sha256), "struct br_sha256 has room for libcrypto's state");

void br_sha1(uint8_t out[20], const void *p, size_t n) { SHA1(p, n, out); }
void br_sha256_init(struct br_sha256 *c) { SHA256_Init((SHA256_CTX *)c->state); }
void br_sha256_add(struct br_sha256 *c, const void *p, size_t n) { SHA256_Update((SHA256_CTX *)c->state, p, n); }
void br_sha256_end(uint8_t out[32], struct br_sha256 *c) { SHA256_Final(out, (SHA256_CTX *)c->state); }

/* RFC 2104. */
void br_hmac_sha256(uint8_t out[32], struct br_slice key, struct br_slice text)
{
	uint8_t k[64] = { 0 };
	SHA256_CTX c;

	if (key.len > sizeof k)
		br_sha256(k, key.ptr, key.len);
	else if (key.len)
		memcpy(k, key.ptr, key.len);
	for (size_t i = 0; i < sizeof k; i++)
		k[i] ^= 0x36;
	SHA256_Init(&c);
	SHA256_Update(&c, k, sizeof k);
	SHA256_Update(&c, text.ptr, text.len);
	SHA256_Final(out, &c);
	for (size_t i = 0; i < sizeof k; i++)
		k[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&c);
	SHA256_Update(&c, k, sizeof k);
	SHA256_Update(&c, out, 32);
	SHA256_Final(out, &c);
	br_wipe(k, sizeof k);
}

void br_hex(char *out, const uint8_t *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[2 * n] = 0;
}

void br_random(void *p, size_t n)
{
	while (n) {
		ssize_t got = getrandom(p, n, 0);
		BR_ASSERT(got > 0);
		p = (char *)p + got;
		n -= (size_t)got;
	}
}

static void uuid_format(char out[37], uint8_t r[16], uint8_t version)
{
	char hex[33];

	r[6] = (uint8_t)((r[6] & 0x0f) | version << 4);
	r[8] = (r[8] & 0x3f) | 0x80;
	br_hex(hex, r, 16);
	for (int i = 0, o = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			out[o++] = '-';
		out[o++] = hex[i];
	}
	out[36] = 0;
}

void br_uuid(char out[37])
{
	uint8_t r[16];

	br_random(r, sizeof r);
	uuid_format(out, r, 4);
}

void br_uuid_ordered(char out[37], int64_t ms)
{
	uint8_t r[16];

	br_be64(r, (uint64_t)ms << 16);
	br_random(r + 6, 10);
	uuid_format(out, r, 7);
}

const char *br_hash_library(void)
{
	return "OpenSSL " OPENSSL_VERSION_STR ", xxHash " BR_STRINGIFY(XXH_VERSION_MAJOR) "." BR_STRINGIFY(XXH_VERSION_MINOR) "." BR_STRINGIFY(XXH_VERSION_RELEASE);
}
