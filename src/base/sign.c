/*
 * Signatures of others, checked with their public keys: RS256 (RSASSA-PKCS1-v1_5) and ES256 (ECDSA on P-256), both over SHA-256.
 */
#include "crypto.h"

#include <stdlib.h>

enum { RSA_LEAST = 2048, RSA_MOST = 8192, EXPONENT_BYTES = 8, P256_BYTES = 32 };

struct br_pubkey { EVP_PKEY *pkey; enum br_sign_alg alg; };

static struct br_pubkey *from_params(const char *type, OSSL_PARAM_BLD *build, enum br_sign_alg alg)
{
	OSSL_PARAM *params = br_lc.OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *make = br_lc.EVP_PKEY_CTX_new_from_name(NULL, type, NULL), *check = NULL;
	struct br_pubkey *k = NULL;
	EVP_PKEY *pkey = NULL;

	if (params && make && br_lc.EVP_PKEY_fromdata_init(make) == 1 &&
	    br_lc.EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1 &&
	    (check = br_lc.EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL)) && br_lc.EVP_PKEY_public_check_quick(check) == 1) {
		k = br_alloc(sizeof *k);
		k->pkey = pkey;
		k->alg = alg;
		pkey = NULL;
	}
	br_lc.EVP_PKEY_free(pkey);
	br_lc.EVP_PKEY_CTX_free(make);
	br_lc.EVP_PKEY_CTX_free(check);
	br_lc.OSSL_PARAM_free(params);
	br_lc.ERR_clear_error();
	return k;
}

int br_pubkey_ready(struct br_err *err)
{
	return br_crypto__load(err);
}

static BIGNUM *number(struct br_slice s)
{
	return br_must(br_lc.BN_bin2bn((const unsigned char *)s.ptr, (int)s.len, NULL));
}

struct br_pubkey *br_pubkey_rsa(struct br_slice n, struct br_slice e)
{
	OSSL_PARAM_BLD *build;
	struct br_pubkey *k = NULL;
	BIGNUM *mod, *exp;

	if (!n.len || n.len > RSA_MOST / 8 || !e.len || e.len > EXPONENT_BYTES || br_crypto__load(NULL) < 0)
		return NULL;
	build = br_must(br_lc.OSSL_PARAM_BLD_new());
	mod = number(n);
	exp = number(e);
	if (br_lc.BN_num_bits(mod) >= RSA_LEAST && br_lc.BN_is_odd(mod) && br_lc.BN_is_odd(exp) && !br_lc.BN_is_one(exp) &&
	    br_lc.OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, mod) == 1 &&
	    br_lc.OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exp) == 1)
		k = from_params("RSA", build, BR_SIGN_RS256);
	br_lc.BN_free(mod);
	br_lc.BN_free(exp);
	br_lc.OSSL_PARAM_BLD_free(build);
	return k;
}

struct br_pubkey *br_pubkey_p256(struct br_slice x, struct br_slice y)
{
	unsigned char point[1 + 2 * P256_BYTES] = { POINT_CONVERSION_UNCOMPRESSED };
	OSSL_PARAM_BLD *build;
	struct br_pubkey *k = NULL;

	if (x.len != P256_BYTES || y.len != P256_BYTES || br_crypto__load(NULL) < 0)
		return NULL;
	build = br_must(br_lc.OSSL_PARAM_BLD_new());
	memcpy(point + 1, x.ptr, P256_BYTES);
	memcpy(point + 1 + P256_BYTES, y.ptr, P256_BYTES);
	if (br_lc.OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
	    br_lc.OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
		k = from_params("EC", build, BR_SIGN_ES256);
	br_lc.OSSL_PARAM_BLD_free(build);
	return k;
}

void br_pubkey_free(struct br_pubkey *k)
{
	if (k)
		br_lc.EVP_PKEY_free(k->pkey);
	free(k);
}

enum br_sign_alg br_pubkey_alg(const struct br_pubkey *k)
{
	return k->alg;
}

/* ---- checking ---- */

static bool check(const struct br_pubkey *k, struct br_slice text, const unsigned char *sig, size_t n)
{
	EVP_MD_CTX *c = br_must(br_lc.EVP_MD_CTX_new());
	bool ok = br_lc.EVP_DigestVerifyInit(c, NULL, br_lc.EVP_sha256(), NULL, k->pkey) == 1 &&
		br_lc.EVP_DigestVerify(c, sig, n, (const unsigned char *)text.ptr, text.len) == 1;

	br_lc.EVP_MD_CTX_free(c);
	br_lc.ERR_clear_error();
	return ok;
}

/* Tokens have r and s side by side, libcrypto wants them in DER. */
static bool check_p256(const struct br_pubkey *k, struct br_slice text, struct br_slice sig)
{
	ECDSA_SIG *pair = br_must(br_lc.ECDSA_SIG_new());
	unsigned char *der = NULL;
	bool ok = false;
	int n;
	BIGNUM *r = number(br_slice(sig.ptr, P256_BYTES)), *s = number(br_slice(sig.ptr + P256_BYTES, P256_BYTES));

	BR_ASSERT(br_lc.ECDSA_SIG_set0(pair, r, s) == 1);
	if ((n = br_lc.i2d_ECDSA_SIG(pair, &der)) > 0)
		ok = check(k, text, der, (size_t)n);
	br_lc.CRYPTO_free(der, __FILE__, __LINE__);
	br_lc.ECDSA_SIG_free(pair);
	return ok;
}

bool br_pubkey_verify(const struct br_pubkey *k, struct br_slice text, struct br_slice sig)
{
	if (k->alg == BR_SIGN_ES256)
		return sig.len == 2 * P256_BYTES && check_p256(k, text, sig);
	return sig.len == (size_t)br_lc.EVP_PKEY_get_size(k->pkey) && check(k, text, (const unsigned char *)sig.ptr, sig.len);
}
