/*
 * keep - small records that the APIs of the server keep in the workspace: a JSON object each.
 * Use:     br_keep_get and br_keep_each read one and all of a kind; br_keep_put writes or removes one. What belongs to a notebook goes
 *          with it.
 * Owns:    table API. The key is the notebook's number (0: of the workspace), the kind and the name.
 * Threads: any that has no transaction.
 * Fails:   USAGE for a name that is too long, and what the store fails with.
 * Format:  man/br-index.5, API
 */
#ifndef BR_KEEP_H
#define BR_KEEP_H

#include "br/corpus.h"

enum { BR_KEEP_NAME = 200 }; /* bytes of a name */

/* Written to disk: never reuse a number. */
enum br_keep_kind {
	BR_KEEP_INVITE = 1,
	BR_KEEP_ACCESS = 2,
	BR_KEEP_SETTING = 4,
	BR_KEEP_PERSON = 5,       /* a user: see br_person in br/server.h */
	BR_KEEP_SECRET = 6,       /* enciphered: br_keep_secret_put */
	BR_KEEP_QUIVR_KB = 10,
	BR_KEEP_QUIVR_VERSION = 12,
	BR_KEEP_QUIVR_FEEDBACK = 13,
	BR_KEEP_QUIVR_GRANT = 14,
	BR_KEEP_QUIVR_CHAT = 16,
	BR_KEEP_TENANT = 30,
	BR_KEEP_TDOC = 31,     /* of a notebook: documents of a tenant, by id */
	BR_KEEP_TDOC_HASH = 32, /* and by SHA-256 of their source */
	BR_KEEP_TDOC_EXTERNAL = 33, /* and by the customer's own id */
	BR_KEEP_SESSION = 34,  /* tenant/conversation */
	BR_KEEP_SESSION_NAME = 35, /* tenant/SHA-256 of the session's name */
	BR_KEEP_AUDIT = 36,    /* tenant/time: what was asked */
	BR_KEEP_AUDIT_SUM = 37, /* tenant: how often each path answered */
};

BR_MUST_USE int br_keep_get(const char **out, struct br_arena *a, struct br_ws *ws, uint32_t nb, enum br_keep_kind kind, const char *name, struct br_err *err); /* NULL: none */
/* json NULL: removed; 1: it was there. */
BR_MUST_USE int br_keep_put(struct br_ws *ws, uint32_t nb, enum br_keep_kind kind, const char *name, const char *json, struct br_err *err);
typedef void br_keep_fn(uint32_t nb, const char *name, const char *json, void *arg); /* the strings live as long as the arena */
BR_MUST_USE int br_keep_each(struct br_arena *a, struct br_ws *ws, uint32_t nb, enum br_keep_kind kind, br_keep_fn *fn, void *arg, struct br_err *err); /* nb 0: of all */
/* Those whose name begins with prefix, in order of their names, which live as long as the arena; fn not 0 stops, and is returned. */
typedef int br_keep_under_fn(const char *name, const char *json, void *arg);
BR_MUST_USE int br_keep_under(struct br_arena *a, struct br_ws *ws, uint32_t nb, enum br_keep_kind kind, const char *prefix, br_keep_under_fn *fn, void *arg, struct br_err *err);
/* Many in one commit, or none; those of a notebook that is not there are left out. */
struct br_keep_row { uint32_t nb; enum br_keep_kind kind; const char *name, *json; }; /* json NULL: removed */
BR_MUST_USE int br_keep_put_all(struct br_ws *ws, const struct br_keep_row *row, size_t n, struct br_err *err);
const char *br_keep_member(struct br_arena *a, const char *json, const char *key); /* a string of it; NULL: none */

/*
 * A secret, kept enciphered under the key of the workspace: the setting auth.secret, else what stands in the file "secret" beside the
 * data file, which is made when there is none. The caller wipes and frees what it gets; NULL: none, or none that this key opens.
 */
BR_MUST_USE int br_keep_secret_get(char **out, struct br_ws *ws, const char *name, struct br_err *err);
BR_MUST_USE int br_keep_secret_put(struct br_ws *ws, const char *name, const char *secret, struct br_err *err); /* NULL: removed; 1: it was there */

/*
 * Keys of model services that users gave, by service: "openrouter_api_key". user NULL: the workspace's, which serve whoever has none.
 */
#define BR_KEEP_SLOTS(X) X("openrouter_api_key", "openrouter", "OPENROUTER_API_KEY") X("openai_api_key", "openai", "OPENAI_API_KEY") \
	X("mistral_api_key", "mistral", "MISTRAL_API_KEY")
void br_keep_slot_name(char out[80], const char *slot, const char *user); /* the record's, for br_keep_secret_* */
/* The first that there is, of the users in order (NULL-terminated), then the workspace's. *out: to be wiped and freed; NULL: none. */
BR_MUST_USE int br_keep_provider_key(char **out, struct br_ws *ws, const char *provider, const char *const *user, struct br_err *err);
struct br_llm;
BR_MUST_USE int br_keep_use_key(struct br_llm *s, struct br_ws *ws, const char *const *user, struct br_err *err); /* the service then uses it */

#endif
