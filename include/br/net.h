/*
 * net - the one door to libcurl, and what belongs to addresses of the web: URLs, which machines may be reached, robots.txt, links.
 * Use:     br_net_open with rules from the settings; br_http for each request; br_net_close.
 * Threads: one br_net per thread; it keeps connections open between requests. All else are plain values.
 * Global:  libcurl is loaded when the first br_net is opened, once per process, and stays.
 * Fails:   INPUT (bad URL, an address that may not be reached, an answer that makes no sense), IO (cannot resolve, connect, read),
 *          TIMEOUT, TOOBIG, UNSUPPORTED (libcurl is not installed), CANCELLED. An HTTP status is no failure.
 */
#ifndef BR_NET_H
#define BR_NET_H

#include "br/config.h"

/* ---- URLs (url.c): http and https only ---- */

struct br_url {
	char *text;              /* normal form: no credentials, no fragment; what is stored, compared and told */
	char *host;              /* lower case, no brackets; numbers in any notation are dotted */
	char *user, *password;   /* decoded, or NULL */
	const char *path;        /* in text: path and query, begins with '/' */
	uint16_t port;
	bool https;
};
/* `ref` as found in a page or on a command line; relative ones are resolved against base (NULL: must be absolute). INPUT. */
BR_MUST_USE int br_url_parse(struct br_url *out, const struct br_url *base, struct br_slice ref, struct br_err *err);
void br_url_release(struct br_url *u);
bool br_url_same_host(const struct br_url *a, const struct br_url *b);   /* host and port, the two default ports being alike */
bool br_url_same_origin(const struct br_url *a, const struct br_url *b); /* scheme, host and port */
bool br_is_url(const char *s);                                            /* begins with "http://" or "https://" */
/* Last part of the path without the query: "a.html" of "http://h/x/a.html?q", empty for "http://h/"; borrowed. */
struct br_slice br_url_name(const char *url);

/* ---- who may be reached (address.c) ---- */

struct br_addr { uint8_t b[16]; uint8_t len; /* 4 or 16 */ };
enum br_addr_kind {
	BR_ADDR_PUBLIC, BR_ADDR_LOOPBACK, BR_ADDR_PRIVATE, BR_ADDR_LINK_LOCAL, BR_ADDR_SHARED, BR_ADDR_METADATA, BR_ADDR_MULTICAST,
	BR_ADDR_UNSPECIFIED, BR_ADDR_RESERVED,
};
/* A literal address: dotted, decimal, hexadecimal or octal IPv4 as inet_aton reads it, IPv6 without brackets. */
bool br_addr_parse(struct br_addr *out, const char *text);
/* What kind of machine stands behind it. IPv6 that carries an IPv4 address (mapped, NAT64, 6to4 ...) is what that address is. */
enum br_addr_kind br_addr_kind(const struct br_addr *a);
const char *br_addr_kind_name(enum br_addr_kind k); /* "loopback" ... */

/* Strings are borrowed and must outlive the br_net. */
struct br_net_rules {
	bool allow_private;      /* everything but metadata services */
	const char *allow;       /* "wiki.corp .lan 10.1.0.0/16 ::1": names, suffixes, addresses, ranges; or NULL */
	const char *proxy;       /* URL of a proxy, "" for none; NULL: http_proxy, https_proxy ... of the environment */
	const char *ca_file;     /* certificates to trust instead of the system's, or NULL */
	const char *contact;     /* in the user agent, or NULL */
	int64_t timeout_ms;      /* of one whole request; a request may say otherwise */
	uint64_t max_bytes;      /* of one answer; likewise */
};
void br_net_rules(struct br_net_rules *out, const struct br_config *c); /* from the settings net.* */
BR_MUST_USE int br_net_allow_check(const char *allow, struct br_err *err); /* USAGE names the word that is none of these */
/* May `a` be reached as a machine of name `host`? */
bool br_net_permits(const struct br_net_rules *rules, const char *host, const struct br_addr *a);

/* ---- requests (http.c) ---- */

struct br_http_header { const char *name, *value; };
struct br_http_hop {
	const struct br_url *url;
	unsigned number;         /* 0: the request itself, then each redirect */
	BR_VEC(struct br_http_header) headers; /* a hook may add some, for this hop only; strings live until the request ends */
};
struct br_http_request {
	const char *url;
	const char *method;      /* NULL: GET, or POST when there is a body */
	const struct br_http_header *headers; /* ends with name NULL, or NULL; sent to the origin of `url`, to no other */
	struct br_slice body;    /* ptr NULL: none */
	const char *content_type; /* of the body */
	int64_t timeout_ms;      /* 0: of the rules; -1: none, for streams */
	int64_t idle_ms;         /* no byte for so long is a time-out; 0: 20 s */
	uint64_t max_bytes;      /* of the answer, unpacked; 0: of the rules */
	unsigned redirects;      /* followed at most; 0: a redirect is an answer like any other */
	unsigned retries;        /* when the connection fails or the answer is 429, 502, 503, 504, nothing having been passed on */
	bool retry_post;         /* also where the method changes something */
	/* Body of a 2xx answer in pieces, as they come; non-zero stops with CANCELLED. NULL, and of others: response->body. */
	int (*data)(struct br_slice piece, void *arg);
	/* Before each hop, before anything is sent: a negative code (err filled) refuses it. */
	int (*hop)(struct br_http_hop *hop, void *arg, struct br_err *err);
	void *arg;
};
struct br_http_response {
	int status;
	struct br_url url;       /* the one that answered, after redirects */
	struct br_buf body;
	uint64_t bytes;          /* of the body, also when it was passed on */
	unsigned attempts;
	struct br_arena arena;
	BR_VEC(struct br_http_header) headers;
};
struct br_net;
BR_MUST_USE int br_net_open(struct br_net **out, const struct br_net_rules *rules, struct br_err *err);
void br_net_close(struct br_net *n);
/*
 * Returns 0 when there is an answer, whatever its status. SIGINT and SIGTERM (br_stop_signal) end it within 0.2 s. Release out
 * in every case.
 */
BR_MUST_USE int br_http(struct br_http_response *out, struct br_net *n, const struct br_http_request *r, struct br_err *err);
void br_http_response_release(struct br_http_response *r);
const char *br_http_header(const struct br_http_response *r, const char *name); /* the last of that name, or NULL */
const char *br_http_status_text(int status);   /* "Not Found", or "" */
/* Milliseconds that a Retry-After of seconds or of a date asks for; -1 when it is neither. now: seconds since 1970. */
int64_t br_http_retry_after(const char *value, int64_t now);
const char *br_net_agent(const struct br_net *n);
const char *br_net_library(struct br_err *err); /* "libcurl 7.88.1 OpenSSL/3.0.17", or NULL when it cannot be loaded; loads it */

/* ---- robots.txt, RFC 9309 (robots.c) ---- */

struct br_robots {
	BR_VEC(struct br_robots_rule { struct br_slice pattern; bool allow; }) rules;
	struct br_buf text;      /* what the patterns point into */
	double delay;            /* seconds between requests; 0: not said */
};
/* The rules of the groups for `agent` (a product token such as "br"), or of those for everybody. */
void br_robots_parse(struct br_robots *out, struct br_slice text, const char *agent);
bool br_robots_allow(const struct br_robots *r, const char *path); /* path and query as in br_url */
void br_robots_release(struct br_robots *r);

/* ---- links of a page (links.c) ---- */

struct br_links {
	struct br_arena arena;
	BR_VEC(struct br_slice) href;  /* as written, character references resolved; in the arena */
	struct br_slice base;          /* of <base href>, or empty */
	bool nofollow, noindex;        /* <meta name=robots> */
};
/* A bounded scan of HTML for <a href> and <area href>, not of comments, scripts and the like. */
void br_links_scan(struct br_links *out, struct br_slice html);
void br_links_release(struct br_links *l);

#endif
