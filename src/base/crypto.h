/* base, inside: the larger part of libcrypto, loaded when it is first needed (crypto.c). */
#ifndef BR_BASE_CRYPTO_H
#define BR_BASE_CRYPTO_H

#include "br/base.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#define BR_CRYPTO__LIST(X) \
	X(BN_bin2bn) X(BN_free) X(BN_is_odd) X(BN_is_one) X(BN_num_bits) X(CRYPTO_free) X(ECDSA_SIG_free) \
	X(ECDSA_SIG_new) X(ECDSA_SIG_set0) X(ERR_clear_error) X(EVP_CIPHER_CTX_ctrl) X(EVP_CIPHER_CTX_free) \
	X(EVP_CIPHER_CTX_new) X(EVP_CipherFinal_ex) X(EVP_CipherInit_ex) X(EVP_CipherUpdate) X(EVP_DigestVerify) \
	X(EVP_DigestVerifyInit) X(EVP_MD_CTX_free) X(EVP_MD_CTX_new) X(EVP_PKEY_CTX_free) \
	X(EVP_PKEY_CTX_new_from_name) X(EVP_PKEY_CTX_new_from_pkey) X(EVP_PKEY_free) X(EVP_PKEY_fromdata) \
	X(EVP_PKEY_fromdata_init) X(EVP_PKEY_get_size) X(EVP_PKEY_public_check_quick) X(EVP_aes_256_gcm) X(EVP_sha256) \
	X(OPENSSL_init_crypto) X(OSSL_PARAM_BLD_free) X(OSSL_PARAM_BLD_new) X(OSSL_PARAM_BLD_push_BN) \
	X(OSSL_PARAM_BLD_push_octet_string) X(OSSL_PARAM_BLD_push_utf8_string) X(OSSL_PARAM_BLD_to_param) \
	X(OSSL_PARAM_free) X(i2d_ECDSA_SIG)
struct br_crypto__lib {
#define X(name) __typeof__(name) *name;
	BR_CRYPTO__LIST(X)
#undef X
};
extern struct br_crypto__lib br_lc; /* filled by the first call of: */
BR_MUST_USE int br_crypto__load(struct br_err *err); /* UNSUPPORTED: it is not installed */

#endif
