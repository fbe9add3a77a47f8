/*
 * Tokens of an identity provider. What may be signed with which algorithm is decided by the provider's key set alone: the token
 * only says which key it means, and a name of an algorithm that is not that key's is refused. So neither `none` nor a MAC made
 * with a public key ever gets as far as a check.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

enum { SUB_MOST = 200, MEMBERS_MOST = 200 };

struct key {
	char *kid;               /* NULL: none */
	struct br_pubkey *key;
};

struct br_jwks { BR_VEC(struct key) keys; };

static const char *const alg_names[] = { [BR_SIGN_RS256] = "RS256", [BR_SIGN_ES256] = "ES256" };

static const struct { const char *name, *text; } refusals[] = {
	{ "allowed", "allowed" },
#define X(id, name, text) { name, text },
	BR_JWT_REFUSAL_LIST(X)
#undef X
};

const char *br_jwt_refusal_name(enum br_jwt_refusal why)
{
	return refusals[why].name;
}

/*
 * A member that stands twice means one thing to one reader and another to the next. So many that looking costs are not wanted
 * either: heads are looked at before anybody has signed anything.
 */
static bool has_twins(const struct br_jval *obj)
{
	unsigned n = 0;

	for (const struct br_jval *a = br_jval_first(obj); a; a = br_jval_next(a))
		if (++n > MEMBERS_MOST)
			return true;
	for (const struct br_jval *a = br_jval_first(obj); a; a = br_jval_next(a))
		for (const struct br_jval *b = br_jval_next(a); b; b = br_jval_next(b))
			if (!strcmp(br_jval_key(a), br_jval_key(b)))
				return true;
	return false;
}

/* ---- key sets ---- */

static bool is_or_none(const struct br_jval *obj, const char *member, const char *value)
{
	const struct br_jval *v = br_jval_get(obj, member);

	return !v || (br_jval_str(v) && !strcmp(br_jval_str(v), value));
}

static bool may_verify(const struct br_jval *jwk)
{
	const struct br_jval *ops = br_jval_get(jwk, "key_ops");

	for (const struct br_jval *op = br_jval_first(ops); op; op = br_jval_next(op))
		if (br_jval_str(op) && !strcmp(br_jval_str(op), "verify"))
			return true;
	return !ops;
}

static bool bytes_of(struct br_buf *out, const struct br_jval *jwk, const char *member)
{
	const char *text = br_jval_str(br_jval_get(jwk, member));

	return text && br_base64url_decode(out, br_slice_str(text)) && out->len;
}

static struct br_pubkey *make_key(const struct br_jval *jwk, enum br_sign_alg alg)
{
	struct br_buf a = BR_BUF_INIT(SIZE_MAX), b = BR_BUF_INIT(SIZE_MAX);
	bool rsa = alg == BR_SIGN_RS256;
	struct br_pubkey *k = NULL;

	if (bytes_of(&a, jwk, rsa ? "n" : "x") && bytes_of(&b, jwk, rsa ? "e" : "y"))
		k = rsa ? br_pubkey_rsa(br_buf_slice(&a), br_buf_slice(&b)) : br_pubkey_p256(br_buf_slice(&a), br_buf_slice(&b));
	br_buf_release(&a);
	br_buf_release(&b);
	return k;
}

/* NULL: not one for signatures that we check, or not a sound one. */
static struct br_pubkey *usable(const struct br_jval *jwk)
{
	const char *kty = br_jval_str(br_jval_get(jwk, "kty"));
	enum br_sign_alg alg;

	if (kty && !strcmp(kty, "RSA"))
		alg = BR_SIGN_RS256;
	else if (kty && !strcmp(kty, "EC") && br_jval_get(jwk, "crv") && is_or_none(jwk, "crv", "P-256"))
		alg = BR_SIGN_ES256;
	else
		return NULL;
	if (!is_or_none(jwk, "use", "sig") || !is_or_none(jwk, "alg", alg_names[alg]) || !may_verify(jwk))
		return NULL;
	return make_key(jwk, alg);
}

static bool same_kid(const struct key *a, const struct key *b)
{
	return a->kid && b->kid && !strcmp(a->kid, b->kid) && br_pubkey_alg(a->key) == br_pubkey_alg(b->key);
}

static int add_key(struct br_jwks *s, const struct br_jval *jwk, struct br_err *err)
{
	struct key k;

	if (br_jval_type(jwk) != BR_J_OBJ)
		return br_fail(err, BR_EINPUT, "key set: a key is not an object");
	if (has_twins(jwk))
		return br_fail(err, BR_EINPUT, "key set: a member of a key stands twice");
	if (!(k.key = usable(jwk)))
		return 0;
	k.kid = br_strdup(br_jval_str(br_jval_get(jwk, "kid")));
	*br_vec_push(&s->keys) = k;
	for (size_t i = 0; i + 1 < s->keys.n; i++)
		if (same_kid(&s->keys.v[i], &k))
			return br_fail(err, BR_EINPUT, "key set: two keys have the kid '%.60s'", k.kid);
	return 0;
}

static int add_keys(struct br_jwks *s, const struct br_jval *root, struct br_err *err)
{
	const struct br_jval *list = br_jval_get(root, "keys");
	size_t n = 0;
	int rc = 0;

	if (br_jval_type(root) != BR_J_OBJ || !list || br_jval_type(list) != BR_J_ARR || has_twins(root))
		return br_fail(err, BR_EINPUT, "key set: not an object with one array \"keys\"");
	for (const struct br_jval *k = br_jval_first(list); k && rc == 0; k = br_jval_next(k))
		rc = ++n > BR_MAX_JWKS_KEYS ? br_fail(err, BR_ETOOBIG, "key set: more than %d keys", BR_MAX_JWKS_KEYS) : add_key(s, k, err);
	if (rc == 0 && !s->keys.n)
		rc = br_fail(err, BR_EINPUT, "key set: no key for RS256 or ES256");
	return rc;
}

int br_jwks_parse(struct br_jwks **out, struct br_slice text, struct br_err *err)
{
	struct br_jwks *s;
	struct br_jdoc *doc;
	int rc;

	*out = NULL;
	if (text.len > BR_MAX_JWKS)
		return br_fail(err, BR_ETOOBIG, "key set: %zu bytes are more than %u", text.len, BR_MAX_JWKS);
	if ((rc = br_pubkey_ready(err)) < 0 || (rc = br_jdoc_parse(&doc, text, "key set", err)) < 0)
		return rc;
	s = br_alloc(sizeof *s);
	rc = add_keys(s, br_jdoc_root(doc), err);
	br_jdoc_free(doc);
	if (rc == 0)
		*out = s;
	else
		br_jwks_free(s);
	return rc;
}

void br_jwks_free(struct br_jwks *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->keys.n; i++) {
		free(s->keys.v[i].kid);
		br_pubkey_free(s->keys.v[i].key);
	}
	br_vec_release(&s->keys);
	free(s);
}

size_t br_jwks_count(const struct br_jwks *s)
{
	return s->keys.n;
}

/* ---- one token ---- */

struct parts { struct br_slice head, body, sig, text; }; /* text: what is signed */

static bool split(struct parts *p, struct br_slice token)
{
	const char *end = token.ptr + token.len;
	const char *a = memchr(token.ptr, '.', token.len), *b = a ? memchr(a + 1, '.', (size_t)(end - a - 1)) : NULL;

	if (!b || memchr(b + 1, '.', (size_t)(end - b - 1)))
		return false;
	p->head = br_slice(token.ptr, (size_t)(a - token.ptr));
	p->body = br_slice(a + 1, (size_t)(b - a - 1));
	p->sig = br_slice(b + 1, (size_t)(end - b - 1));
	p->text = br_slice(token.ptr, (size_t)(b - token.ptr));
	return true;
}

/* NULL: not an object in base64url, or one with a member twice. */
static struct br_jdoc *object(struct br_slice part)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct br_jdoc *doc = NULL;

	if (!br_base64url_decode(&b, part) || br_jdoc_parse(&doc, br_buf_slice(&b), "token", NULL) < 0)
		doc = NULL;
	br_buf_release(&b);
	if (doc && (br_jval_type(br_jdoc_root(doc)) != BR_J_OBJ || has_twins(br_jdoc_root(doc)))) {
		br_jdoc_free(doc);
		doc = NULL;
	}
	return doc;
}

static const struct br_pubkey *find_key(const struct br_jwks *s, const char *kid, enum br_sign_alg alg)
{
	const struct br_pubkey *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->keys.n; i++) {
		const struct key *k = &s->keys.v[i];
		if (br_pubkey_alg(k->key) != alg || (kid && (!k->kid || strcmp(k->kid, kid))))
			continue;
		found = k->key;
		n++;
	}
	return n == 1 ? found : NULL; /* without a kid, only where there is no choice */
}

static bool known_type(const struct br_jval *head)
{
	const struct br_jval *typ = br_jval_get(head, "typ");
	const char *t = br_jval_str(typ);

	return !typ || (t && (!strcasecmp(t, "JWT") || !strcasecmp(t, "at+jwt")));
}

static enum br_jwt_refusal choose_key(const struct br_pubkey **out, const struct br_jwks *keys, const struct br_jval *head)
{
	const char *alg = br_jval_str(br_jval_get(head, "alg"));
	const struct br_jval *kid = br_jval_get(head, "kid");
	size_t a;

	if (!known_type(head) || br_jval_get(head, "crit") || (kid && !br_jval_str(kid))) /* crit: nothing of it is understood */
		return BR_JWT_MALFORMED;
	for (a = 0; alg && a < BR_COUNT(alg_names) && strcmp(alg_names[a], alg); a++)
		;
	if (!alg || a == BR_COUNT(alg_names))
		return BR_JWT_ALG;
	*out = find_key(keys, br_jval_str(kid), (enum br_sign_alg)a);
	return *out ? BR_JWT_ALLOWED : BR_JWT_KEY;
}

static enum br_jwt_refusal check_signature(const struct br_jwks *keys, const struct parts *p)
{
	struct br_jdoc *head = object(p->head);
	struct br_buf sig = BR_BUF_INIT(SIZE_MAX);
	const struct br_pubkey *k;
	enum br_jwt_refusal why;

	if (!head)
		return BR_JWT_MALFORMED;
	why = choose_key(&k, keys, br_jdoc_root(head));
	if (why == BR_JWT_ALLOWED && !br_base64url_decode(&sig, p->sig))
		why = BR_JWT_MALFORMED;
	if (why == BR_JWT_ALLOWED && !br_pubkey_verify(k, p->text, br_buf_slice(&sig)))
		why = BR_JWT_SIGNATURE;
	br_buf_release(&sig);
	br_jdoc_free(head);
	return why;
}

/* ---- what it says ---- */

/* 1 there, 0 not, -1 not a time. */
static int time_of(double *out, const struct br_jval *claims, const char *name)
{
	const struct br_jval *v = br_jval_get(claims, name);

	if (!v)
		return 0;
	return br_jval_num(out, v) && isfinite(*out) && *out >= 0 && *out < 1e12 ? 1 : -1;
}

static enum br_jwt_refusal check_times(struct br_jwt *t, const struct br_jwt_rules *r)
{
	double exp, nbf = 0, iat = 0, now = (double)r->now, leeway = (double)r->leeway;

	if (time_of(&exp, t->claims, "exp") != 1 || time_of(&nbf, t->claims, "nbf") < 0 || time_of(&iat, t->claims, "iat") < 0)
		return BR_JWT_CLAIMS;
	t->expires = (int64_t)exp;
	if (now >= exp + leeway)
		return BR_JWT_EXPIRED;
	return nbf > now + leeway || iat > now + leeway ? BR_JWT_EARLY : BR_JWT_ALLOWED;
}

static bool is_for(const struct br_jval *aud, const char *audience)
{
	if (br_jval_str(aud))
		return !strcmp(br_jval_str(aud), audience);
	if (!aud || br_jval_type(aud) != BR_J_ARR)
		return false;
	for (const struct br_jval *a = br_jval_first(aud); a; a = br_jval_next(a))
		if (br_jval_str(a) && !strcmp(br_jval_str(a), audience))
			return true;
	return false;
}

static bool is_party(const struct br_jval *azp, const char *const *parties)
{
	const char *name = br_jval_str(azp);

	for (; name && *parties; parties++)
		if (!strcmp(name, *parties))
			return true;
	return !azp;
}

static enum br_jwt_refusal check_claims(struct br_jwt *t, const struct br_jwt_rules *r)
{
	const struct br_jval *iss = br_jval_get(t->claims, "iss");
	enum br_jwt_refusal why;

	t->sub = br_jval_str(br_jval_get(t->claims, "sub"));
	t->issuer = br_jval_str(iss);
	if (!t->sub || !*t->sub || strlen(t->sub) > SUB_MOST || (iss && !t->issuer))
		return BR_JWT_CLAIMS;
	if ((why = check_times(t, r)) != BR_JWT_ALLOWED)
		return why;
	if (r->issuer && (!t->issuer || strcmp(t->issuer, r->issuer)))
		return BR_JWT_ISSUER;
	if ((r->audience && !is_for(br_jval_get(t->claims, "aud"), r->audience)) ||
	    (r->parties && !is_party(br_jval_get(t->claims, "azp"), r->parties)))
		return BR_JWT_AUDIENCE;
	return BR_JWT_ALLOWED;
}

/* The signature comes first: nothing is believed, and nothing is told about, that nobody signed. */
static enum br_jwt_refusal verify(struct br_jwt *out, const struct br_jwks *keys, struct br_slice token, const struct br_jwt_rules *rules)
{
	enum br_jwt_refusal why;
	struct parts p;

	if (!token.len)
		return BR_JWT_MISSING;
	if (token.len > BR_MAX_JWT || !split(&p, token))
		return BR_JWT_MALFORMED;
	if ((why = check_signature(keys, &p)) != BR_JWT_ALLOWED)
		return why;
	if (!(out->doc = object(p.body)))
		return BR_JWT_MALFORMED;
	out->claims = br_jdoc_root(out->doc);
	return check_claims(out, rules);
}

int br_jwt_verify(struct br_jwt *out, enum br_jwt_refusal *why, const struct br_jwks *keys, struct br_slice token,
                  const struct br_jwt_rules *rules, struct br_err *err)
{
	*out = (struct br_jwt){ 0 };
	if ((*why = verify(out, keys, token, rules)) == BR_JWT_ALLOWED)
		return 0;
	br_jwt_release(out);
	return br_fail(err, BR_EAUTH, "%s", refusals[*why].text);
}

void br_jwt_release(struct br_jwt *t)
{
	br_jdoc_free(t->doc);
	*t = (struct br_jwt){ 0 };
}
