/* Tokens and key sets of others. Input: a line, the token (plain, or its three parts to be put into base64url), then a key set. */
#include "fuzz.h"

static const char fixed[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static void ask(const struct br_jwks *s, struct br_slice token)
{
	struct br_jwt_rules rules = { .issuer = "i", .audience = "a", .now = 1700000000, .leeway = 5 };
	enum br_jwt_refusal why;
	struct br_jwt t;
	int rc = br_jwt_verify(&t, &why, s, token, &rules, NULL);

	HOLDS((rc == 0) == (why == BR_JWT_ALLOWED) && (rc == 0) == (t.doc != NULL));
	HOLDS(rc < 0); /* nobody has signed what comes in here */
	br_jwt_release(&t);
}

/* "{head}.{claims}.sig" with the parts in base64url, so that what is inside is reached. */
static void ask_encoded(const struct br_jwks *s, const char *line)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	size_t n;

	for (const char *p = line;; p += n + 1) {
		n = strcspn(p, ".");
		br_base64url(&b, p, n);
		if (!p[n])
			break;
		br_buf_addc(&b, '.');
	}
	ask(s, br_buf_slice(&b));
	br_buf_release(&b);
}

FUZZ(auth_jwt)
{
	struct br_rd r = br_rd(in);
	char *line = fuzz_line(&r);
	struct br_jwks *s;

	HOLDS(br_jwks_parse(&s, br_slice_str(fixed), NULL) == 0 && br_jwks_count(s) == 1);
	ask(s, br_slice_str(line));
	ask_encoded(s, line);
	br_jwks_free(s);
	if (br_jwks_parse(&s, fuzz_rest(&r), NULL) == 0) {
		HOLDS(br_jwks_count(s) > 0 && br_jwks_count(s) <= BR_MAX_JWKS_KEYS);
		ask_encoded(s, line);
	}
	br_jwks_free(s);
	free(line);
}
