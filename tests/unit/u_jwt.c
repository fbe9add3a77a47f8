/* Tokens: keys are made here, signed with, and every way of not being a good token is refused for its own reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "br/auth.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define NOW 1700000000

static EVP_PKEY *g_rsa, *g_rsa2, *g_ec;
static struct br_jwks *g_set;  /* rsa-1, rsa-2, ec-1 */
static char *g_set_text;

/* ---- making ---- */

static void add64(struct br_buf *b, const void *p, size_t n)
{
	br_base64url(b, p, n);
}

static void add_number(struct br_buf *b, EVP_PKEY *k, const char *param)
{
	unsigned char bytes[1024];
	BIGNUM *n = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(k, param, &n), 1);
	add64(b, bytes, (size_t)BN_bn2bin(n, bytes));
	BN_free(n);
}

static void add_coordinate(struct br_buf *b, const char *param)
{
	unsigned char bytes[32];
	BIGNUM *n = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(g_ec, param, &n), 1);
	assert_int_equal(BN_bn2binpad(n, bytes, 32), 32);
	add64(b, bytes, 32);
	BN_free(n);
}

static void add_rsa(struct br_buf *b, EVP_PKEY *k, const char *more)
{
	br_buf_addf(b, "{\"kty\":\"RSA\"%s,\"n\":\"", more);
	add_number(b, k, OSSL_PKEY_PARAM_RSA_N);
	br_buf_adds(b, "\",\"e\":\"");
	add_number(b, k, OSSL_PKEY_PARAM_RSA_E);
	br_buf_adds(b, "\"}");
}

static void add_ec(struct br_buf *b, const char *more)
{
	br_buf_addf(b, "{\"kty\":\"EC\",\"crv\":\"P-256\"%s,\"x\":\"", more);
	add_coordinate(b, OSSL_PKEY_PARAM_EC_PUB_X);
	br_buf_adds(b, "\",\"y\":\"");
	add_coordinate(b, OSSL_PKEY_PARAM_EC_PUB_Y);
	br_buf_adds(b, "\"}");
}

static struct br_jwks *parse(const char *text)
{
	struct br_jwks *s;
	struct br_err err = { 0 };

	if (br_jwks_parse(&s, br_slice_str(text), &err) < 0)
		fail_msg("%s", err.msg);
	return s;
}

static int make_keys(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);

	(void)state;
	g_rsa = EVP_RSA_gen(2048);
	g_rsa2 = EVP_RSA_gen(2048);
	g_ec = EVP_EC_gen("P-256");
	assert_true(g_rsa && g_rsa2 && g_ec);
	br_buf_adds(&b, "{\"keys\":[");
	add_rsa(&b, g_rsa, ",\"kid\":\"rsa-1\",\"use\":\"sig\",\"alg\":\"RS256\"");
	br_buf_addc(&b, ',');
	add_rsa(&b, g_rsa2, ",\"kid\":\"rsa-2\"");
	br_buf_addc(&b, ',');
	add_ec(&b, ",\"kid\":\"ec-1\",\"key_ops\":[\"verify\"]");
	br_buf_adds(&b, ",{\"kty\":\"oct\",\"kid\":\"rsa-1\",\"k\":\"AAAA\"},{\"kty\":\"OKP\",\"kid\":\"x\"}]}");
	g_set_text = br_buf_take(&b, NULL);
	g_set = parse(g_set_text);
	return 0;
}

static int drop_keys(void **state)
{
	(void)state;
	br_jwks_free(g_set);
	free(g_set_text);
	EVP_PKEY_free(g_rsa);
	EVP_PKEY_free(g_rsa2);
	EVP_PKEY_free(g_ec);
	return 0;
}

static void add_signature(struct br_buf *b, EVP_PKEY *k)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char sig[1024], raw[64];
	size_t n = sizeof sig;

	assert_int_equal(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, k), 1);
	assert_int_equal(EVP_DigestSign(c, sig, &n, (unsigned char *)b->ptr, b->len), 1);
	EVP_MD_CTX_free(c);
	br_buf_addc(b, '.');
	if (k == g_ec) {
		const unsigned char *p = sig;
		ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &p, (long)n);
		assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32), 32);
		assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32), 32);
		ECDSA_SIG_free(pair);
		add64(b, raw, 64);
	} else {
		add64(b, sig, n);
	}
}

/* key NULL: the signature is empty. Caller frees. */
static char *token(const char *head, const char *claims, EVP_PKEY *key)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);

	add64(&b, head, strlen(head));
	br_buf_addc(&b, '.');
	add64(&b, claims, strlen(claims));
	if (key)
		add_signature(&b, key);
	else
		br_buf_addc(&b, '.');
	return br_buf_take(&b, NULL);
}

#define HEAD "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"typ\":\"JWT\"}"
#define CLAIMS "{\"sub\":\"user_1\",\"exp\":1700000060,\"nbf\":1699999990,\"iat\":1699999990,\"iss\":\"https://id.example\",\"aud\":\"br\"}"
static const struct br_jwt_rules g_rules = { .issuer = "https://id.example", .audience = "br", .now = NOW };

static const char *verdict(const struct br_jwks *set, const char *text, const struct br_jwt_rules *rules)
{
	enum br_jwt_refusal why;
	struct br_err err = { 0 };
	struct br_jwt t;
	int rc = br_jwt_verify(&t, &why, set, br_slice_str(text), rules, &err);

	assert_int_equal(rc, why == BR_JWT_ALLOWED ? 0 : -BR_EAUTH);
	if (rc == 0)
		assert_string_equal(t.sub, br_jval_str(br_jval_get(t.claims, "sub")));
	else
		assert_null(t.doc);
	if (strlen(text) > 20)
		assert_null(strstr(err.msg, text));
	br_jwt_release(&t);
	return br_jwt_refusal_name(why);
}

/* Makes, asks, frees. */
static void says(const char *want, const char *head, const char *claims, EVP_PKEY *key, const struct br_jwt_rules *rules)
{
	char *t = token(head, claims, key);
	const char *got = verdict(g_set, t, rules);

	if (strcmp(got, want))
		fail_msg("%s %s: %s, wanted %s", head, claims, got, want);
	free(t);
}

/* ---- what is accepted ---- */

static void test_accepted(void **state)
{
	struct br_jwt t;
	enum br_jwt_refusal why;
	struct br_err err;
	char *text = token(HEAD, CLAIMS, g_rsa);

	(void)state;
	assert_int_equal(br_jwks_count(g_set), 3);
	assert_int_equal(br_jwt_verify(&t, &why, g_set, br_slice_str(text), &g_rules, &err), 0);
	assert_string_equal(t.sub, "user_1");
	assert_string_equal(t.issuer, "https://id.example");
	assert_int_equal(t.expires, NOW + 60);
	assert_string_equal(br_jval_str(br_jval_get(t.claims, "aud")), "br");
	br_jwt_release(&t);
	br_jwt_release(&t);
	free(text);
	says("allowed", "{\"alg\":\"ES256\",\"kid\":\"ec-1\"}", CLAIMS, g_ec, &g_rules);
	says("allowed", "{\"alg\":\"ES256\"}", CLAIMS, g_ec, &g_rules); /* there is one such key only */
	says("allowed", "{\"typ\":\"at+jwt\",\"alg\":\"RS256\",\"kid\":\"rsa-2\"}", CLAIMS, g_rsa2, &g_rules);
}

/* RFC 7515, A.3: its payload has no sub, which is looked at after the signature. */
static void test_vector_of_the_rfc(void **state)
{
	static const char key[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
	static char text[] = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
		"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
	struct br_jwks *s = parse(key);

	(void)state;
	assert_string_equal(verdict(s, text, &g_rules), "claims");
	text[30] ^= 1;
	assert_string_equal(verdict(s, text, &g_rules), "signature");
	br_jwks_free(s);
}

/* ---- algorithms and keys ---- */

static void test_algorithm_confusion(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	unsigned char mac[32], *pem = NULL;
	unsigned n = 0;
	char *none;
	int len;

	(void)state;
	says("alg", "{\"alg\":\"none\"}", CLAIMS, NULL, &g_rules);
	says("alg", "{\"alg\":\"None\",\"kid\":\"rsa-1\"}", CLAIMS, NULL, &g_rules);
	says("alg", "{\"alg\":\"\",\"kid\":\"rsa-1\"}", CLAIMS, g_rsa, &g_rules);
	says("alg", "{\"kid\":\"rsa-1\"}", CLAIMS, g_rsa, &g_rules);
	says("alg", "{\"alg\":[\"RS256\"],\"kid\":\"rsa-1\"}", CLAIMS, g_rsa, &g_rules);
	says("alg", "{\"alg\":\"rs256\",\"kid\":\"rsa-1\"}", CLAIMS, g_rsa, &g_rules);
	says("alg", "{\"alg\":\"RS512\",\"kid\":\"rsa-1\"}", CLAIMS, g_rsa, &g_rules);
	says("alg", "{\"alg\":\"PS256\",\"kid\":\"rsa-1\"}", CLAIMS, g_rsa, &g_rules);
	says("key", "{\"alg\":\"ES256\",\"kid\":\"rsa-1\"}", CLAIMS, g_rsa, &g_rules);
	says("key", "{\"alg\":\"RS256\",\"kid\":\"ec-1\"}", CLAIMS, g_ec, &g_rules);
	says("signature", HEAD, CLAIMS, NULL, &g_rules);
	none = token("{\"alg\":\"none\"}", CLAIMS, g_rsa);
	assert_string_equal(verdict(g_set, none, &g_rules), "alg");
	free(none);

	/* a MAC with the public key as its secret */
	add64(&b, "{\"alg\":\"HS256\",\"kid\":\"rsa-1\"}", 29);
	br_buf_addc(&b, '.');
	add64(&b, CLAIMS, strlen(CLAIMS));
	len = i2d_PUBKEY(g_rsa, &pem);
	assert_non_null(HMAC(EVP_sha256(), pem, len, (unsigned char *)b.ptr, b.len, mac, &n));
	br_buf_addc(&b, '.');
	add64(&b, mac, n);
	assert_string_equal(verdict(g_set, b.ptr, &g_rules), "alg");
	OPENSSL_free(pem);
	br_buf_release(&b);
}

static void test_keys_by_kid(void **state)
{
	(void)state;
	says("key", "{\"alg\":\"RS256\",\"kid\":\"rsa-3\"}", CLAIMS, g_rsa, &g_rules);
	says("key", "{\"alg\":\"RS256\"}", CLAIMS, g_rsa, &g_rules); /* which of two? */
	says("key", "{\"alg\":\"RS256\",\"kid\":\"\"}", CLAIMS, g_rsa, &g_rules);
	says("signature", "{\"alg\":\"RS256\",\"kid\":\"rsa-2\"}", CLAIMS, g_rsa, &g_rules);
	says("malformed", "{\"alg\":\"RS256\",\"kid\":1}", CLAIMS, g_rsa, &g_rules);
	says("malformed", "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"crit\":[\"b64\"],\"b64\":false}", CLAIMS, g_rsa, &g_rules);
	says("malformed", "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"typ\":\"JWE\"}", CLAIMS, g_rsa, &g_rules);
	says("malformed", "{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"rsa-1\"}", CLAIMS, g_rsa, &g_rules);
	says("malformed", HEAD, "{\"sub\":\"a\",\"sub\":\"b\",\"exp\":1700000060}", g_rsa, &g_rules);
	/* keys that a token brings along are nobody's */
	says("signature", "{\"alg\":\"RS256\",\"kid\":\"rsa-1\",\"jwk\":{\"kty\":\"RSA\"},\"jku\":\"http://x\",\"x5c\":[]}", CLAIMS, g_rsa2, &g_rules);
}

static void test_changed_tokens(void **state)
{
	char *text = token(HEAD, CLAIMS, g_rsa), *es = token("{\"alg\":\"ES256\",\"kid\":\"ec-1\"}", CLAIMS, g_ec);
	size_t n = strlen(text);
	char *copy = br_alloc(n + 2);

	(void)state;
	assert_string_equal(verdict(g_set, text, &g_rules), "allowed");
	for (size_t i = 0; i < n; i++) { /* another character anywhere */
		memcpy(copy, text, n + 1);
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		if (!strcmp(verdict(g_set, copy, &g_rules), "allowed"))
			fail_msg("character %zu does not matter", i);
	}
	for (size_t i = 0; i < n; i += i < 20 || i > n - 20 ? 1 : 13) { /* cut anywhere */
		memcpy(copy, text, i);
		copy[i] = 0;
		assert_string_not_equal(verdict(g_set, copy, &g_rules), "allowed");
	}
	memcpy(copy, text, n);
	copy[n] = 'A';
	copy[n + 1] = 0;
	assert_string_not_equal(verdict(g_set, copy, &g_rules), "allowed");
	for (size_t i = strlen(es) - 86; i < strlen(es); i++) {
		char was = es[i];
		es[i] = was == 'A' ? 'B' : 'A';
		assert_string_not_equal(verdict(g_set, es, &g_rules), "allowed");
		es[i] = was;
	}
	free(copy);
	free(text);
	free(es);
}

/* r = 0 and s = 0, which careless verifiers take for any text; and a signature in the other form. */
static void test_odd_ec_signatures(void **state)
{
	static const char zero[86 + 1] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	char *text = token("{\"alg\":\"ES256\",\"kid\":\"ec-1\"}", CLAIMS, NULL), *both = br_sprintf("%s%s", text, zero);

	(void)state;
	assert_string_equal(verdict(g_set, both, &g_rules), "signature");
	assert_string_equal(verdict(g_set, text, &g_rules), "signature");
	free(text);
	free(both);
}

static void test_malformed(void **state)
{
	static const char *const bad[] = { ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "e30.e30.", "e30.e30.e30.e30.e30", " ", "Bearer x.y.z", "e30=.e30.AA" };
	struct br_buf b = BR_BUF_INIT(1 << 20);
	char *text = token(HEAD, CLAIMS, g_rsa);

	(void)state;
	assert_string_equal(verdict(g_set, "", &g_rules), "missing");
	for (size_t i = 0; i < BR_COUNT(bad); i++) {
		const char *got = verdict(g_set, bad[i], &g_rules);
		if (strcmp(got, "malformed") && strcmp(got, "alg"))
			fail_msg("'%s' is %s", bad[i], got);
	}
	br_buf_addf(&b, "%s\n", text);
	assert_string_equal(verdict(g_set, b.ptr, &g_rules), "malformed");
	br_buf_reset(&b);
	while (b.len <= BR_MAX_JWT)
		br_buf_adds(&b, text);
	assert_string_equal(verdict(g_set, b.ptr, &g_rules), "malformed");
	br_buf_reset(&b); /* a head with very many members */
	br_buf_adds(&b, "{\"alg\":\"RS256\"");
	for (int i = 0; i < 500; i++)
		br_buf_addf(&b, ",\"m%d\":1", i);
	br_buf_adds(&b, "}");
	says("malformed", b.ptr, CLAIMS, g_rsa, &g_rules);
	br_buf_release(&b);
	free(text);
}

/* ---- claims ---- */

static void test_times(void **state)
{
	struct br_jwt_rules r = { .now = NOW };

	(void)state;
	says("allowed", HEAD, "{\"sub\":\"a\",\"exp\":1700000001}", g_rsa, &r);
	says("expired", HEAD, "{\"sub\":\"a\",\"exp\":1700000000}", g_rsa, &r);
	says("allowed", HEAD, "{\"sub\":\"a\",\"exp\":1700000000.5}", g_rsa, &r);
	says("allowed", HEAD, "{\"sub\":\"a\",\"exp\":1700000001,\"nbf\":1700000000}", g_rsa, &r);
	says("early", HEAD, "{\"sub\":\"a\",\"exp\":1700000009,\"nbf\":1700000001}", g_rsa, &r);
	says("early", HEAD, "{\"sub\":\"a\",\"exp\":1700000009,\"iat\":1700000001}", g_rsa, &r);
	r.leeway = 5;
	says("allowed", HEAD, "{\"sub\":\"a\",\"exp\":1699999996}", g_rsa, &r);
	says("expired", HEAD, "{\"sub\":\"a\",\"exp\":1699999995}", g_rsa, &r);
	says("allowed", HEAD, "{\"sub\":\"a\",\"exp\":1700000009,\"nbf\":1700000005}", g_rsa, &r);
	says("early", HEAD, "{\"sub\":\"a\",\"exp\":1700000009,\"nbf\":1700000006}", g_rsa, &r);
	says("claims", HEAD, "{\"sub\":\"a\"}", g_rsa, &r);
	says("claims", HEAD, "{\"sub\":\"a\",\"exp\":\"1700000060\"}", g_rsa, &r);
	says("claims", HEAD, "{\"sub\":\"a\",\"exp\":-1}", g_rsa, &r);
	says("claims", HEAD, "{\"sub\":\"a\",\"exp\":1e300}", g_rsa, &r);
	says("claims", HEAD, "{\"sub\":\"a\",\"exp\":null}", g_rsa, &r);
	says("claims", HEAD, "{\"sub\":\"a\",\"exp\":1700000060,\"nbf\":\"now\"}", g_rsa, &r);
}

static void test_issuer_audience_party(void **state)
{
	static const char *const parties[] = { "https://app.example", "https://admin.example", NULL };
	struct br_jwt_rules r = { .issuer = "https://id.example", .audience = "br", .now = NOW };

	(void)state;
#define C(more) "{\"sub\":\"a\",\"exp\":1700000060" more "}"
	says("issuer", HEAD, C(""), g_rsa, &r);
	says("issuer", HEAD, C(",\"iss\":\"https://id.example/\""), g_rsa, &r);
	says("issuer", HEAD, C(",\"iss\":\"https://id.example.evil\""), g_rsa, &r);
	says("claims", HEAD, C(",\"iss\":[\"https://id.example\"]"), g_rsa, &r);
	says("audience", HEAD, C(",\"iss\":\"https://id.example\""), g_rsa, &r);
	says("audience", HEAD, C(",\"iss\":\"https://id.example\",\"aud\":\"other\""), g_rsa, &r);
	says("audience", HEAD, C(",\"iss\":\"https://id.example\",\"aud\":[\"x\",1]"), g_rsa, &r);
	says("audience", HEAD, C(",\"iss\":\"https://id.example\",\"aud\":{\"br\":\"br\"}"), g_rsa, &r);
	says("allowed", HEAD, C(",\"iss\":\"https://id.example\",\"aud\":[\"x\",\"br\"]"), g_rsa, &r);
	r = (struct br_jwt_rules){ .now = NOW, .parties = parties };
	says("allowed", HEAD, C(""), g_rsa, &r);
	says("allowed", HEAD, C(",\"azp\":\"https://admin.example\""), g_rsa, &r);
	says("audience", HEAD, C(",\"azp\":\"https://evil.example\""), g_rsa, &r);
	says("audience", HEAD, C(",\"azp\":1"), g_rsa, &r);
	says("claims", HEAD, "{\"exp\":1700000060}", g_rsa, &r);
	says("claims", HEAD, "{\"sub\":\"\",\"exp\":1700000060}", g_rsa, &r);
	says("claims", HEAD, "{\"sub\":7,\"exp\":1700000060}", g_rsa, &r);
	says("malformed", HEAD, "[]", g_rsa, &r);
	says("malformed", HEAD, "{\"sub\":\"a\\u0000b\",\"exp\":1700000060}", g_rsa, &r);
}

/* ---- key sets ---- */

static int parses(const char *text)
{
	struct br_jwks *s;
	int rc = br_jwks_parse(&s, br_slice_str(text), NULL);

	assert_int_equal(rc == 0, s != NULL);
	br_jwks_free(s);
	return rc;
}

static void test_key_sets(void **state)
{
	static const char *const refused[] = { ",\"use\":\"enc\"", ",\"alg\":\"RS512\"", ",\"alg\":\"PS256\"", ",\"alg\":\"HS256\"", ",\"alg\":1", ",\"key_ops\":[\"sign\"]",
		",\"key_ops\":[]" };
	static const char *const bad[] = { "", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[1]}", "{\"keys\":[],\"keys\":[]}",
		"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", "{\"keys\":[{\"kty\":\"RSA\"}]}",
		"{\"keys\":[{\"kty\":\"RSA\",\"kty\":\"EC\"}]}",
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}]}",
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}]}" };
	struct br_buf b = BR_BUF_INIT(1 << 20);
	EVP_PKEY *small;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(bad); i++)
		if (parses(bad[i]) != -BR_EINPUT)
			fail_msg("taken: %s", bad[i]);
	for (size_t i = 0; i < BR_COUNT(refused); i++) {
		br_buf_reset(&b);
		br_buf_adds(&b, "{\"keys\":[");
		add_rsa(&b, g_rsa, refused[i]);
		br_buf_adds(&b, "]}");
		if (parses(b.ptr) != -BR_EINPUT)
			fail_msg("taken: %s", refused[i]);
	}
	br_buf_reset(&b); /* two keys of one name */
	br_buf_adds(&b, "{\"keys\":[");
	add_rsa(&b, g_rsa, ",\"kid\":\"k\"");
	br_buf_addc(&b, ',');
	add_rsa(&b, g_rsa2, ",\"kid\":\"k\"");
	br_buf_adds(&b, "]}");
	assert_int_equal(parses(b.ptr), -BR_EINPUT);
	br_buf_reset(&b); /* of two kinds they can be told apart */
	br_buf_adds(&b, "{\"keys\":[");
	add_rsa(&b, g_rsa, ",\"kid\":\"k\"");
	br_buf_addc(&b, ',');
	add_ec(&b, ",\"kid\":\"k\"");
	br_buf_adds(&b, "]}");
	assert_int_equal(parses(b.ptr), 0);
	small = EVP_RSA_gen(1024);
	br_buf_reset(&b);
	br_buf_adds(&b, "{\"keys\":[");
	add_rsa(&b, small, "");
	br_buf_adds(&b, "]}");
	assert_int_equal(parses(b.ptr), -BR_EINPUT);
	EVP_PKEY_free(small);
	br_buf_reset(&b);
	br_buf_adds(&b, "{\"keys\":[");
	for (int i = 0; i <= BR_MAX_JWKS_KEYS; i++)
		br_buf_addf(&b, "%s{\"kty\":\"oct\"}", i ? "," : "");
	br_buf_adds(&b, "]}");
	assert_int_equal(parses(b.ptr), -BR_ETOOBIG);
	br_buf_reset(&b);
	br_buf_addz(&b, BR_MAX_JWKS + 1);
	memset(b.ptr, ' ', b.len);
	assert_int_equal(parses(b.ptr), -BR_ETOOBIG);
	br_buf_release(&b);
}

static void test_damaged_key_sets(void **state)
{
	size_t n = strlen(g_set_text);
	uint32_t seed = 3;

	(void)state;
	for (size_t i = 0; i < n; i += 7) {
		char *copy = br_strndup(g_set_text, i);
		assert_true(parses(copy) < 0);
		free(copy);
	}
	for (int i = 0; i < 400; i++) {
		char *copy = br_strdup(g_set_text);
		seed = seed * 1664525 + 1013904223;
		copy[(seed >> 8) % n] = "\"}{],:A"[(seed >> 4) % 7];
		(void)parses(copy);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted), cmocka_unit_test(test_vector_of_the_rfc), cmocka_unit_test(test_algorithm_confusion), cmocka_unit_test(test_keys_by_kid),
		cmocka_unit_test(test_changed_tokens), cmocka_unit_test(test_odd_ec_signatures), cmocka_unit_test(test_malformed), cmocka_unit_test(test_times),
		cmocka_unit_test(test_issuer_audience_party), cmocka_unit_test(test_key_sets), cmocka_unit_test(test_damaged_key_sets),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
