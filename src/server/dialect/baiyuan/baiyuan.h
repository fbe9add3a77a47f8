/*
 * baiyuan - what the files of the Baiyuan dialect share.
 */
#ifndef BR_SERVER_BAIYUAN_H
#define BR_SERVER_BAIYUAN_H

#include "br/auth.h"
#include "br/server.h"
#include "br/tenant.h"

#define API "/api/v1"
#define BAIYUAN_ROUTERS(X) X(ask) X(bases) X(documents) X(wiki) X(sessions)
#define X(name) extern const struct br_routes br_baiyuan__##name##_rows;
BAIYUAN_ROUTERS(X)
#undef X

#define MUST(kind) BR_FOUT(kind), .flags = BR_REQUIRED
#define MAY_NULL(kind) BR_FOUT(kind), .flags = BR_REQUIRED | BR_NULLABLE

struct br_tenancy *br_baiyuan__tenancy(struct br_req *r);
const char *br_baiyuan__tenant(struct br_req *r);                          /* its id */
/* The knowledge base that a request names as knowledge_base_id or kb_id; NULL: none. */
const char *br_baiyuan__kb(const char *knowledge_base_id, const char *kb_id);
void br_baiyuan__time(struct br_json *j, const char *key, int64_t seconds); /* null for 0 */
/* As JSON in ASCII alone, so that no line of it can be cut in two. */
void br_baiyuan__ascii(struct br_buf *out, struct br_slice json);
void br_baiyuan__or_null(struct br_json *j, const char *key, const char *s); /* null for "" */

#endif
