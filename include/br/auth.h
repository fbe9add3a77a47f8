/*
 * auth - keys: who may do what, from where, how often. One model for every dialect of the server and for `br keys`.
 * Use:     br_apikey_create, whose secret is shown once; br_auth_check for each request, then br_apikey_may, the limiter
 *          (br_limiter_take), the budgets (br_budget_take), and br_meter_add when it is answered.
 * Owns:    tables KEY, KEYREF and KEYUSE. No secret is ever stored, logged or put in a message: its SHA-256 is.
 * Threads: br_limiter, br_budgets and br_meter may be shared by any number; all else are plain values and calls.
 * Lives:   keys decoded into an arena live as long as the arena.
 * Fails:   AUTH, FORBIDDEN, LIMITED, NOTFOUND, USAGE, CORRUPT, VERSION, and what the store fails with.
 * Format:  man/br-index.5, KEYS
 */
#ifndef BR_AUTH_H
#define BR_AUTH_H

#include "br/json.h"
#include "br/store.h"

/* ---- names of kinds, scopes and reasons: the one list of each ---- */

#define BR_KEY_KIND_LIST(X) /* name   secrets begin  scopes of a new one                      what it is for */            \
	X(ANY,     "any",     "br_",       BR_SCOPE_QUERY,                          "every dialect that takes keys")        \
	X(BEYOND,  "beyond",  "br_key_",   BR_SCOPE_QUERY,                          "external API, bound to one notebook")  \
	X(QUIVR,   "quivr",   "qk_",       BR_SCOPE_QUERY | BR_SCOPE_KB_READ,       "integration API, by scopes")           \
	X(BAIYUAN, "baiyuan", "rag_",      BR_SCOPE_ALL & ~BR_SCOPE_ADMIN,   "tenant API, bound to tenants")
enum br_key_kind {
#define X(id, ...) BR_KEY_##id,
	BR_KEY_KIND_LIST(X)
#undef X
	BR_KEY_KIND_COUNT
};

#define BR_SCOPE_LIST(X) /* bit, name, what it allows */                                                                   \
	X(QUERY,     0, "query",           "ask, chat and search")                                                         \
	X(KB_READ,   1, "kb:read",         "list and show notebooks and documents")                                        \
	X(KB_WRITE,  2, "kb:write",        "make, change and delete notebooks")                                            \
	X(DOCUMENTS, 3, "documents:write", "ingest and delete documents")                                                  \
	X(WEBHOOKS,  4, "webhooks:manage", "make and delete webhooks")                                                     \
	X(WIKI,      5, "wiki:write",      "compile, lint and patch wiki pages")                                           \
	X(ADMIN,    15, "admin",           "everything, keys included")
enum br_scope {
#define X(id, bit, ...) BR_SCOPE_##id = 1 << (bit),
	BR_SCOPE_LIST(X)
#undef X
};
#define X(id, bit, ...) | 1 << (bit)
enum { BR_SCOPE_ALL = 0 BR_SCOPE_LIST(X) };
#undef X

/* Why a request is refused. A dialect maps these to its statuses; `code` is what our own calls return. */
#define BR_REFUSAL_LIST(X) /* name, code, text */                                                                          \
	X(MISSING,  "missing",  AUTH,      "no key was given")                                                             \
	X(UNKNOWN,  "unknown",  AUTH,      "this key is not known")                                                        \
	X(REVOKED,  "revoked",  FORBIDDEN, "this key was revoked")                                                         \
	X(DISABLED, "disabled", AUTH,      "this key is disabled")                                                         \
	X(EXPIRED,  "expired",  AUTH,      "this key has expired")                                                         \
	X(ADDRESS,  "address",  FORBIDDEN, "this key may not be used from this address")                                   \
	X(KIND,     "kind",     FORBIDDEN, "this key is for another API")                                                  \
	X(SCOPE,    "scope",    FORBIDDEN, "this key lacks the scope")                                                     \
	X(NOTEBOOK, "notebook", FORBIDDEN, "this key may not use this notebook")                                           \
	X(TENANT,   "tenant",   FORBIDDEN, "this key belongs to another tenant")                                           \
	X(RATE,     "rate",     LIMITED,   "too many requests")                                                            \
	X(BUDGET,   "budget",   LIMITED,   "the token budget is spent")
enum br_refusal {
	BR_ALLOWED,
#define X(id, ...) BR_REFUSED_##id,
	BR_REFUSAL_LIST(X)
#undef X
	BR_REFUSAL_COUNT
};

struct br_key_kind_info { const char *name, *begins; uint32_t scopes; const char *what; };
const struct br_key_kind_info *br_key_kind_info(enum br_key_kind kind);
BR_MUST_USE int br_key_kind_parse(enum br_key_kind *out, const char *name, struct br_err *err);

struct br_scope_info { const char *name; uint32_t bit; const char *what; };
const struct br_scope_info *br_scopes(size_t *n);
/* "query,kb:read"; "ingest" is another name of documents:write. USAGE names the word. */
BR_MUST_USE int br_scopes_parse(uint32_t *out, const char *text, struct br_err *err);

struct br_refusal_info { const char *name; enum br_code code; const char *text; };
const struct br_refusal_info *br_refusal_info(enum br_refusal why);

/* ---- addresses: IPv6, or IPv4 as ::ffff:a.b.c.d ---- */

struct br_key_addr { uint8_t b[16]; };
struct br_key_net { struct br_key_addr net; uint8_t bits; bool v4; }; /* bits of 128, also for IPv4 */
bool br_key_addr_parse(struct br_key_addr *out, const char *text);        /* "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1"; no zone */
BR_MUST_USE int br_key_net_parse(struct br_key_net *out, const char *text, struct br_err *err); /* "10.0.0.0/8"; without a length: one address */
void br_key_net_text(char out[64], const struct br_key_net *c);
bool br_key_net_has(const struct br_key_net *c, const struct br_key_addr *a); /* IPv4 networks have IPv4 addresses alone, and the other way round */

/* ---- rates and budgets ---- */

struct br_key_rate { uint32_t n; uint32_t seconds; };                 /* at most n in any `seconds` seconds */
BR_MUST_USE int br_key_rate_parse(struct br_key_rate *out, const char *text, struct br_err *err); /* "100/hour": second, minute, hour, day */
void br_key_rate_text(char out[32], struct br_key_rate r);

struct br_budget { uint64_t day, month; };                        /* tokens a day and a month of UTC; 0: no limit */

/* ---- keys ---- */

struct br_key_secret {
	char id[37];
	char shown[16];          /* how it begins, for people */
	uint8_t hash[32];        /* SHA-256 of the whole secret */
	int64_t created, until;  /* until: of a rotated one, when it stops; 0: no end */
	int64_t revoked;         /* 0: not */
};
struct br_names { const char **v; size_t n; };
struct br_apikey {
	uint32_t number;
	char id[37];             /* that of its first secret */
	const char *name, *owner; /* owner: of the user who made it, "" none */
	enum br_key_kind kind;
	uint32_t scopes;         /* enum br_scope, or'ed */
	struct br_names notebooks; /* ids; none: every notebook */
	struct br_names tenants; /* none: every tenant */
	struct { struct br_key_net *v; size_t n; } from; /* allowed addresses; none: any */
	struct br_key_rate rate[BR_MAX_KEY_RATES]; /* all hold; none: the server's default */
	unsigned rates;
	struct br_budget budget;
	bool enabled;
	int64_t created, changed, expires, revoked; /* seconds since 1970; 0: never */
	struct br_key_secret *secret; /* oldest first; the last is the one in use */
	size_t secrets;
	struct br_slice unknown; /* fields of newer programs, kept as they are */
};

#define BR_SECRET_SIZE 64        /* room for a secret and its NUL; wipe it after use */

/*
 * Makes a key of what spec says (number, id, secrets and times are made here; scopes 0: those of its kind), and its secret of 256
 * random bits. `out` is the key as stored.
 */
BR_MUST_USE int br_apikey_create(struct br_apikey **out, char secret[BR_SECRET_SIZE], struct br_arena *a, struct br_store *s,
                                 const struct br_apikey *spec, struct br_err *err);
/* By id of the key or of one of its secrets, by name, or by a beginning of an id of at least 6 characters; one key alone must fit. */
BR_MUST_USE int br_apikey_find(struct br_apikey **out, struct br_arena *a, struct br_txn *t, const char *name, struct br_err *err);
typedef int br_apikey_fn(const struct br_apikey *k, void *arg);
BR_MUST_USE int br_apikey_each(struct br_txn *t, br_apikey_fn *fn, void *arg, struct br_err *err); /* oldest first; k lives for the call */
/*
 * Runs fn on the key and stores what it changed in one commit: name, owner, scopes, notebooks, tenants, from, rates, budget, enabled,
 * expires. What fn puts in must live as long as the call; fn may be called again and returns 0, or an error that undoes everything.
 */
typedef int br_apikey_edit_fn(struct br_apikey *k, void *arg, struct br_err *err);
BR_MUST_USE int br_apikey_edit(struct br_store *s, const char *name, br_apikey_edit_fn *fn, void *arg, struct br_err *err);
/* A new secret at once; the ones before it work for `grace` more seconds, 0: they are revoked now. All share limits and usage. */
BR_MUST_USE int br_apikey_rotate(struct br_apikey **out, char secret[BR_SECRET_SIZE], struct br_arena *a, struct br_store *s,
                                 const char *name, int64_t grace, struct br_err *err);
/* For good. OLD: only the secrets that were rotated away; ONE: the secret whose id `name` is, or the key when that one is in use. */
enum br_revoke { BR_REVOKE_KEY, BR_REVOKE_OLD, BR_REVOKE_ONE };
BR_MUST_USE int br_apikey_revoke(struct br_store *s, const char *name, enum br_revoke what, struct br_err *err);
/* The key, its secrets and its usage: as if it had never been. */
BR_MUST_USE int br_apikey_delete(struct br_store *s, const char *name, struct br_err *err);
const struct br_key_secret *br_apikey_current(const struct br_apikey *k);
/* BR_ALLOWED, or why its current secret is refused now wherever it comes from. */
enum br_refusal br_apikey_state(const struct br_apikey *k, int64_t now);

/* ---- profiles: production, staging, development ---- */

struct br_profile {
	const char *name;
	uint32_t body;           /* bytes of a request at most */
	struct br_key_rate rate; /* of keys without one; n 0: no limit */
	struct br_budget budget; /* of keys without one */
	int64_t rotate_days;     /* how old a secret may get before people are told; 0: any age */
	bool https, audit;       /* demanded; written */
	bool addresses;          /* keys should name addresses */
	bool any_origin;         /* pages from anywhere may ask */
};
const struct br_profile *br_profile_find(const char *name); /* NULL: none */
struct br_key_limits { struct br_key_rate rate[BR_MAX_KEY_RATES]; unsigned rates; struct br_budget budget; };
/* Those of the key, and where it has none those of the profile. */
void br_apikey_limits(struct br_key_limits *out, const struct br_apikey *k, const struct br_profile *p);
/* Days since the secret in use was made when that is longer than the profile wants, else 0. */
int64_t br_apikey_overdue(const struct br_apikey *k, const struct br_profile *p, int64_t now);

/* ---- checking a request ---- */

/*
 * Whose secret this is: 0 and the key, with the secret's place in key->secret. Else AUTH or FORBIDDEN and *why: the checks come in
 * the order of the list, so that nobody learns the state of a key without knowing it. from NULL: the address is not looked at.
 * Looks up by 8 bytes of the hash and compares all of it in steps that do not depend on the bytes.
 */
BR_MUST_USE int br_auth_check(struct br_apikey **out, size_t *which, enum br_refusal *why, struct br_arena *a, struct br_txn *t,
                              const char *secret, const struct br_key_addr *from, int64_t now, struct br_err *err);
/* BR_ALLOWED, or KIND, SCOPE, NOTEBOOK, TENANT. Scope 0, NULL: not asked for. admin implies every scope. */
enum br_refusal br_apikey_may(const struct br_apikey *k, enum br_key_kind kind, uint32_t scopes, const char *notebook, const char *tenant);
int br_auth_refuse(struct br_err *err, enum br_refusal why); /* its code and text */

/* ---- requests in a moving window, in memory: never more than n in any window, whatever number of threads ask ---- */

struct br_limiter;
struct br_limiter *br_limiter_new(int64_t (*clock)(void)); /* NULL: br_mono_ns */
void br_limiter_free(struct br_limiter *l);
/* 0: passes all n rates and counts; else the nanoseconds until it may be asked again, and nothing is counted. who: any text. */
int64_t br_limiter_take(struct br_limiter *l, const char *who, const struct br_key_rate *rate, unsigned n);
int64_t br_limiter_peek(struct br_limiter *l, const char *who, const struct br_key_rate *rate, unsigned n); /* likewise, but nothing is counted */
size_t br_limiter_size(struct br_limiter *l);               /* who's it remembers */

/* ---- tokens a day and a month, in memory ---- */

struct br_budgets;
/* load tells what was spent before, when a key is first met; called under a lock, so it calls nothing of these. NULL: nothing. */
typedef void br_budget_load(uint64_t *day, uint64_t *month, uint32_t key, int64_t now, void *arg);
struct br_budgets *br_budgets_new(br_budget_load *load, void *arg);
void br_budgets_free(struct br_budgets *b);
/*
 * 0: there is room for `tokens` more, which are set aside until br_budget_settle tells what was really used; else the seconds until
 * the budget begins anew. tokens 0: only asks whether the budget is spent.
 */
int64_t br_budget_take(struct br_budgets *b, uint32_t key, const struct br_budget *limit, uint64_t tokens, int64_t now);
/*
 * When br_budget_take has no room: sets aside all that is left, if something is and nobody else is spending, and tells how much; else 0.
 * So the last answer of a day may cost more than is left, and only that one.
 */
uint64_t br_budget_take_rest(struct br_budgets *b, uint32_t key, const struct br_budget *limit, int64_t now);
void br_budget_settle(struct br_budgets *b, uint32_t key, uint64_t taken, uint64_t used, int64_t now);

/* ---- what keys are used for, by day of UTC; collected in memory, written when it is flushed ---- */

struct br_key_use {
	uint64_t requests, errors, tokens;
	const struct br_key_addr *from; /* or NULL */
};
struct br_meter;
struct br_meter *br_meter_new(struct br_store *s);
void br_meter_free(struct br_meter *m);                     /* what was not flushed is lost */
void br_meter_add(struct br_meter *m, uint32_t key, const struct br_key_use *use, int64_t now);
BR_MUST_USE int br_meter_flush(struct br_meter *m, struct br_err *err); /* one commit, none when there is nothing; on failure it stays collected */

struct br_key_usage {
	uint32_t day;            /* since 1970; of a sum: the first */
	uint64_t requests, errors, tokens, addresses; /* addresses: different ones */
	bool more_addresses;     /* than were counted */
	int64_t last;            /* second of the last use */
};
typedef int br_key_usage_fn(const struct br_key_usage *u, void *arg);
/* Sum of days from..to, both included; fn (or NULL) is called for each day with any use. */
BR_MUST_USE int br_key_usage(struct br_key_usage *out, struct br_txn *t, uint32_t key, uint32_t from, uint32_t to, br_key_usage_fn *fn,
                             void *arg, struct br_err *err);
BR_MUST_USE int br_key_last_use(int64_t *out, struct br_txn *t, uint32_t key, struct br_err *err); /* 0: never used */
/* Tokens of the day and the month of `now`. */
BR_MUST_USE int br_key_spent(uint64_t *day, uint64_t *month, struct br_txn *t, uint32_t key, int64_t now, struct br_err *err);

/* ---- tokens of an identity provider (JWT, RFC 7519) against its key set (JWKS, RFC 7517) ---- */

#define BR_JWT_REFUSAL_LIST(X) /* name, text */                                                                            \
	X(MISSING,   "missing",   "no token was given")                                                                    \
	X(MALFORMED, "malformed", "this is not a token that can be read")                                                  \
	X(ALG,       "alg",       "this token is signed in a way that is not accepted")                                    \
	X(KEY,       "key",       "this token is signed with a key that is not known")  /* perhaps a newer one: fetch the set again */ \
	X(SIGNATURE, "signature", "the signature of this token is wrong")                                                  \
	X(CLAIMS,    "claims",    "this token lacks what it must say, or says it in a wrong form")                         \
	X(EXPIRED,   "expired",   "this token has expired")                                                                \
	X(EARLY,     "early",     "this token is not valid yet")                                                           \
	X(ISSUER,    "issuer",    "this token is from another issuer")                                                     \
	X(AUDIENCE,  "audience",  "this token is for somebody else")
enum br_jwt_refusal {
	BR_JWT_ALLOWED,
#define X(id, ...) BR_JWT_##id,
	BR_JWT_REFUSAL_LIST(X)
#undef X
	BR_JWT_REFUSAL_COUNT
};
const char *br_jwt_refusal_name(enum br_jwt_refusal why);

struct br_jwks; /* never changes; may be shared by threads */
/*
 * Keys that are not for RS256 or ES256 signatures are passed over. INPUT: not a key set, none is left, two have one kid and one
 * algorithm, or a member stands twice.
 */
BR_MUST_USE int br_jwks_parse(struct br_jwks **out, struct br_slice text, struct br_err *err);
void br_jwks_free(struct br_jwks *s);
size_t br_jwks_count(const struct br_jwks *s);

struct br_jwt_rules {
	const char *issuer;          /* exactly this; NULL: any */
	const char *audience;        /* aud is it or has it; NULL: not looked at */
	const char *const *parties;  /* azp, where the token has one, is among these; NULL: not looked at */
	int64_t now, leeway;         /* seconds; leeway: that clocks may differ */
};
struct br_jwt {
	struct br_jdoc *doc;
	const struct br_jval *claims; /* all of them, also those below; live as long as doc */
	const char *sub, *issuer;     /* issuer: NULL none */
	int64_t expires;
};
/*
 * AUTH and *why when it is not accepted; nothing of the token is in the message. The algorithm is the key's, which the token must
 * name; keys and addresses inside the token are not looked at. exp and sub must be there.
 */
BR_MUST_USE int br_jwt_verify(struct br_jwt *out, enum br_jwt_refusal *why, const struct br_jwks *keys, struct br_slice token,
                              const struct br_jwt_rules *rules, struct br_err *err);
void br_jwt_release(struct br_jwt *t);

/* ---- the identity provider that the settings auth.* name: its key set, fetched and kept (provider.c) ---- */

/*
 * A thread of its own fetches the key set, again after auth.refresh, and when a token names a key that is not in it (BR_JWKS_ASKED times
 * a minute). While the provider is down the keys go on serving, for auth.max_age at most. May be shared by threads.
 */
struct br_config;
struct br_idp;
bool br_idp_wanted(const struct br_config *c); /* false: nobody is asked who they are */
BR_MUST_USE int br_idp_open(struct br_idp **out, const struct br_config *c, struct br_err *err); /* c outlives it; settings are read when they are needed */
void br_idp_close(struct br_idp *p);           /* NULL is accepted */
/* NULL, or what is wrong with the settings. */
const char *br_idp_problem(char *out, size_t size, const struct br_config *c);
void br_idp_refresh(struct br_idp *p);         /* fetch the key set now: settings may have changed */
/* As br_jwt_verify. Also UPSTREAM (no key set, and the provider cannot be reached) and USAGE (the settings make no sense). Waits for the network. */
BR_MUST_USE int br_idp_check(struct br_jwt *out, enum br_jwt_refusal *why, struct br_idp *p, struct br_slice token, struct br_err *err);

/* ---- care ---- */

/* Every record of the three tables; problems are told to fn; how many. repair: in a write transaction, drops what cannot be used. */
BR_MUST_USE int br_auth_verify(uint64_t *problems, struct br_txn *t, bool repair, br_problem_fn *fn, void *arg, struct br_err *err);

#endif
