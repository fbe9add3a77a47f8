/* net, inside. */
#ifndef BR_NET_INTERNAL_H
#define BR_NET_INTERNAL_H

#include "br/net.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* ---- libcurl, loaded when first needed (load.c) ---- */

#define BR_NET__CURL(X)                                                                                \
	X(global_init) X(version) X(easy_init) X(easy_setopt) X(easy_getinfo) X(easy_cleanup) X(easy_reset) X(easy_strerror) \
	X(multi_init) X(multi_cleanup) X(multi_add_handle) X(multi_remove_handle) X(multi_perform) X(multi_poll) \
	X(multi_info_read) X(multi_strerror) X(slist_append) X(slist_free_all)
struct br_net__curl {
#define X(name) __typeof__(curl_##name) *name;
	BR_NET__CURL(X)
#undef X
};
/* UNSUPPORTED when it is not installed. */
int br_net__load(const struct br_net__curl **out, struct br_err *err);

/* ---- proxies (proxy.c) ---- */

/* Proxy for this URL, "" for none. */
const char *br_net__proxy_for(const struct br_net_rules *rules, const struct br_url *u);

/* ---- characters of URLs (url.c) ---- */

static inline bool br_net__digit(char c) { return c >= '0' && c <= '9'; }
static inline bool br_net__alpha(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
static inline char br_net__lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c; }
/* Value of a hexadecimal digit, or -1. */
static inline int br_net__hex(char c)
{
	return br_net__digit(c) ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}
/* Appends p[0..n) with every byte that may not stand in a path or query as %XX, and %XX that need not be so as itself. */
void br_net__put_path(struct br_buf *out, const char *p, size_t n);

#endif
