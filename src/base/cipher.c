/*
 * Secrets on disk: AES-256-GCM through libcrypto. What is written is a byte of version, the nonce, the text enciphered, the tag.
 */
#include "crypto.h"

#include <limits.h>

enum { VERSION = 1, NONCE = 12, TAG = 16 };
_Static_assert(BR_CIPHER_MORE == 1 + NONCE + TAG, "what the text grows by");

static EVP_CIPHER_CTX *begin(const uint8_t key[BR_CIPHER_KEY], const void *nonce, struct br_slice about, bool in)
{
	EVP_CIPHER_CTX *c;
	int n;

	BR_ASSERT(about.len <= INT_MAX);
	c = br_must(br_lc.EVP_CIPHER_CTX_new());
	BR_ASSERT(br_lc.EVP_CipherInit_ex(c, br_lc.EVP_aes_256_gcm(), NULL, key, nonce, in) == 1);
	BR_ASSERT(!about.len || br_lc.EVP_CipherUpdate(c, NULL, &n, (const unsigned char *)about.ptr, (int)about.len) == 1);
	return c;
}

int br_encipher(struct br_buf *out, const uint8_t key[BR_CIPHER_KEY], struct br_slice text, struct br_slice about,
                struct br_err *err)
{
	unsigned char nonce[NONCE], tag[TAG], *to;
	EVP_CIPHER_CTX *c;
	int n = 0, end = 0, rc;

	if ((rc = br_crypto__load(err)) < 0)
		return rc;
	if (text.len > INT_MAX - BR_CIPHER_MORE || !br_buf_reserve(out, text.len + BR_CIPHER_MORE))
		return br_fail(err, BR_ETOOBIG, "a secret of %zu bytes", text.len);
	br_random(nonce, sizeof nonce);
	br_buf_u8(out, VERSION);
	br_buf_add(out, nonce, sizeof nonce);
	to = (unsigned char *)out->ptr + out->len;
	br_buf_addz(out, text.len);
	c = begin(key, nonce, about, true);
	BR_ASSERT(!text.len || br_lc.EVP_CipherUpdate(c, to, &n, (const unsigned char *)text.ptr, (int)text.len) == 1);
	BR_ASSERT(br_lc.EVP_CipherFinal_ex(c, to + n, &end) == 1 && (size_t)(n + end) == text.len);
	BR_ASSERT(br_lc.EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, tag) == 1);
	br_buf_add(out, tag, sizeof tag);
	br_lc.EVP_CIPHER_CTX_free(c);
	return 0;
}

bool br_decipher(struct br_buf *out, const uint8_t key[BR_CIPHER_KEY], struct br_slice sealed, struct br_slice about)
{
	size_t len = sealed.len - BR_CIPHER_MORE, at = out->len;
	const unsigned char *from = (const unsigned char *)sealed.ptr + 1 + NONCE;
	unsigned char tag[TAG];
	EVP_CIPHER_CTX *c;
	int n = 0, end = 0;
	bool ok;

	if (sealed.len < BR_CIPHER_MORE || sealed.len > INT_MAX || *sealed.ptr != VERSION || !br_buf_reserve(out, len + 1) ||
	    br_crypto__load(NULL) < 0)
		return false;
	memcpy(tag, from + len, TAG);
	br_buf_addz(out, len);
	c = begin(key, sealed.ptr + 1, about, false);
	ok = (!len || br_lc.EVP_CipherUpdate(c, (unsigned char *)out->ptr + at, &n, from, (int)len) == 1) &&
		br_lc.EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
		br_lc.EVP_CipherFinal_ex(c, (unsigned char *)out->ptr + at + n, &end) == 1;
	br_lc.EVP_CIPHER_CTX_free(c);
	br_lc.ERR_clear_error();
	if (!ok) { /* what came out of it is nobody's word */
		br_wipe(out->ptr + at, len);
		out->len = at;
		out->ptr[at] = 0;
	}
	return ok;
}
