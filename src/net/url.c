/*
 * URLs of http and https: read as browsers read them (RFC 3986 with the WHATWG's readings of bad ones), resolved against a
 * base, and written in one normal form, so that one page has one name.
 */
#include "internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

bool br_is_url(const char *s)
{
	return !strncasecmp(s, "http://", 7) || !strncasecmp(s, "https://", 8);
}

void br_url_release(struct br_url *u)
{
	free(u->text);
	free(u->host);
	free(u->user);
	free(u->password);
	*u = (struct br_url){ 0 };
}

static uint16_t plain_port(const struct br_url *u)
{
	return u->port == (u->https ? 443 : 80) ? 0 : u->port;
}

bool br_url_same_host(const struct br_url *a, const struct br_url *b)
{
	return !strcmp(a->host, b->host) && plain_port(a) == plain_port(b);
}

bool br_url_same_origin(const struct br_url *a, const struct br_url *b)
{
	return a->https == b->https && a->port == b->port && !strcmp(a->host, b->host);
}

struct br_slice br_url_name(const char *url)
{
	const char *p = strstr(url, "://"), *end, *from;

	p = p ? p + 3 + strcspn(p + 3, "/?#") : url;
	end = p + strcspn(p, "?#");
	for (from = end; from > p && from[-1] != '/'; from--)
		;
	return br_slice(from, (size_t)(end - from));
}

/* ---- characters ---- */

static bool is_unreserved(char c)
{
	return br_net__alpha(c) || br_net__digit(c) || (c && strchr("-._~", c));
}

static bool stays(char c)
{
	return is_unreserved(c) || (c && strchr("!$&'()*+,;=:@/?", c));
}

/* The byte that "%XX" at p stands for, or -1. */
static int escaped(const char *p, size_t n)
{
	int hi = n > 2 && *p == '%' ? br_net__hex(p[1]) : -1, lo = hi < 0 ? -1 : br_net__hex(p[2]);

	return lo < 0 ? -1 : hi * 16 + lo;
}

void br_net__put_path(struct br_buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int byte = escaped(p + i, n - i);
		char c = byte < 0 ? p[i] : (char)byte;

		if (byte >= 0)
			i += 2;
		if (byte < 0 ? stays(c) : is_unreserved(c))
			br_buf_addc(out, c);
		else
			br_buf_addf(out, "%%%02X", (unsigned char)c);
	}
}

/* Without white space around it, and without line ends and tabs, which browsers pass over; '\' is '/' before the query. */
static void clean(struct br_buf *out, struct br_slice ref)
{
	bool query = false;

	while (ref.len && (unsigned char)*ref.ptr <= ' ')
		ref = br_slice(ref.ptr + 1, ref.len - 1);
	while (ref.len && (unsigned char)ref.ptr[ref.len - 1] <= ' ')
		ref.len--;
	for (size_t i = 0; i < ref.len && ref.ptr[i] != '#'; i++) {
		char c = ref.ptr[i];

		query |= c == '?';
		if (c != '\n' && c != '\r' && c != '\t')
			br_buf_addc(out, c == '\\' && !query ? '/' : c);
	}
}

/* ---- authority ---- */

static char *decoded(struct br_slice s)
{
	char *out = br_alloc(s.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		int byte = escaped(s.ptr + i, s.len - i);

		out[n++] = byte < 0 ? s.ptr[i] : (char)byte;
		i += byte < 0 ? 0 : 2;
	}
	return out;
}

static void take_credentials(struct br_url *u, struct br_slice info)
{
	const char *colon = info.len ? memchr(info.ptr, ':', info.len) : NULL;
	size_t n = colon ? (size_t)(colon - info.ptr) : info.len;

	u->user = decoded(br_slice(info.ptr, n));
	u->password = colon ? decoded(br_slice(colon + 1, info.len - n - 1)) : NULL;
}

/* Its last label is a number: then all of it must be one address. */
static bool ends_in_number(const char *host)
{
	const char *dot = strrchr(host, '.'), *p = dot ? dot + 1 : host;

	if (p[0] == '0' && (p[1] | 32) == 'x')
		return p[2 + strspn(p + 2, "0123456789abcdef")] == 0;
	return *p && p[strspn(p, "0123456789")] == 0;
}

static int take_ipv6(struct br_url *u, const char *text, struct br_err *err)
{
	struct in6_addr a;
	char norm[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, text, &a) != 1)
		return br_fail(err, BR_EINPUT, "'[%s]' is not an address", text);
	u->host = br_strdup(inet_ntop(AF_INET6, &a, norm, sizeof norm));
	return 0;
}

static int take_host(struct br_url *u, struct br_slice h, struct br_err *err)
{
	struct br_addr a;

	if (h.len > 1 && h.ptr[0] == '[' && h.ptr[h.len - 1] == ']') {
		char *inner = br_strndup(h.ptr + 1, h.len - 2);
		int rc = take_ipv6(u, inner, err);

		free(inner);
		return rc;
	}
	if (h.len && h.ptr[h.len - 1] == '.')
		h.len--;
	if (!h.len || h.len > 253)
		return br_fail(err, BR_EINPUT, "%s", h.len ? "the host's name is too long" : "no host");
	u->host = br_strndup(h.ptr, h.len);
	for (char *p = u->host; *p; p++) {
		*p = br_net__lower(*p);
		if (!br_net__alpha(*p) && !br_net__digit(*p) && !strchr("-._", *p) && !(*p & 0x80))
			return br_fail(err, BR_EINPUT, "a host cannot have the character '%c'", *p < ' ' ? '?' : *p);
	}
	if (!ends_in_number(u->host))
		return 0;
	if (!br_addr_parse(&a, u->host) || a.len != 4)
		return br_fail(err, BR_EINPUT, "'%s' is not an address", u->host);
	free(u->host);
	u->host = br_sprintf("%u.%u.%u.%u", a.b[0], a.b[1], a.b[2], a.b[3]);
	return 0;
}

static int take_authority(struct br_url *u, struct br_slice s, struct br_err *err)
{
	const char *at = s.len ? memrchr(s.ptr, '@', s.len) : NULL, *bracket, *colon;
	char *digits;
	int64_t port;
	int rc;

	if (at) {
		take_credentials(u, br_slice(s.ptr, (size_t)(at - s.ptr)));
		s = br_slice(at + 1, s.len - (size_t)(at + 1 - s.ptr));
	}
	bracket = s.len ? memrchr(s.ptr, ']', s.len) : NULL;
	colon = s.len ? memrchr(s.ptr, ':', s.len) : NULL;
	if (bracket && colon && colon < bracket)
		colon = NULL;
	u->port = u->https ? 443 : 80;
	if (colon && colon + 1 < s.ptr + s.len) {
		digits = br_strndup(colon + 1, s.len - (size_t)(colon + 1 - s.ptr));
		rc = br_parse_int(&port, digits, 1, 65535, "the port", err);
		free(digits);
		if (rc < 0)
			return br_fail(err, BR_EINPUT, "its port is not a number from 1 to 65535");
		u->port = (uint16_t)port;
	}
	return take_host(u, br_slice(s.ptr, colon ? (size_t)(colon - s.ptr) : s.len), err);
}

/* ---- path ---- */

/* Adds path[0..n) to out with "." and ".." resolved. It begins with '/' and is percent-normal. */
static void put_without_dots(struct br_buf *out, const char *path, size_t n)
{
	size_t root = out->len;
	const char *p = path, *end = path + n;

	while (p < end) {
		const char *next = memchr(p + 1, '/', (size_t)(end - p - 1));
		size_t len = (size_t)((next ? next : end) - p);
		bool one = len == 2 && p[1] == '.', two = len == 3 && p[1] == '.' && p[2] == '.';

		if (two)
			while (out->len > root && out->ptr[--out->len] != '/')
				;
		if (!one && !two)
			br_buf_add(out, p, len);
		else if (!next)
			br_buf_addc(out, '/');
		p += len;
	}
	if (out->len == root)
		br_buf_addc(out, '/');
	if (out->cap)
		out->ptr[out->len] = 0;
}

/* The path of `rel` seen from base, not yet without dots. */
static void join_path(struct br_buf *out, const struct br_url *base, struct br_slice rel)
{
	size_t n = base ? strcspn(base->path, "?") : 0;

	if (rel.len && rel.ptr[0] != '/') {
		while (n && base->path[n - 1] != '/')
			n--;
		br_buf_add(out, base ? base->path : "/", base ? n : 1);
	} else if (!rel.len && base)
		br_buf_add(out, base->path, n);
	br_net__put_path(out, rel.ptr, rel.len);
	if (!out->len)
		br_buf_addc(out, '/');
}

/* rest: path and query. A base is given when the reference has no authority. */
static int finish(struct br_url *u, const struct br_url *base, struct br_slice rest, struct br_err *err)
{
	const char *q = rest.len ? memchr(rest.ptr, '?', rest.len) : NULL;
	struct br_slice rel = br_slice(rest.ptr, q ? (size_t)(q - rest.ptr) : rest.len);
	struct br_buf text = BR_BUF_INIT(BR_MAX_URL), path = BR_BUF_INIT(BR_MAX_URL);
	bool v6 = strchr(u->host, ':');
	size_t at;
	int rc;

	join_path(&path, base, rel);
	br_buf_addf(&text, "http%s://%s%s%s", u->https ? "s" : "", v6 ? "[" : "", u->host, v6 ? "]" : "");
	if (plain_port(u))
		br_buf_addf(&text, ":%u", u->port);
	at = text.len;
	put_without_dots(&text, path.ptr, path.len);
	if (q)
		br_net__put_path(&text, q, rest.len - rel.len);
	else if (!rel.len && base)
		br_buf_adds(&text, base->path + strcspn(base->path, "?"));
	rc = path.failed ? br_buf_check(&path, "URL", err) : br_buf_check(&text, "URL", err);
	br_buf_release(&path);
	u->text = br_buf_take(&text, NULL);
	u->path = rc == 0 ? u->text + at : "/";
	return rc;
}

/* Bytes of the scheme in front of ':'; 0 when there is none. */
static size_t scheme_of(struct br_slice s)
{
	size_t i = 0;

	while (i < s.len && (br_net__alpha(s.ptr[i]) || (i && (br_net__digit(s.ptr[i]) || strchr("+-.", s.ptr[i])))))
		i++;
	return i < s.len && s.ptr[i] == ':' ? i : 0;
}

static int parse(struct br_url *u, const struct br_url *base, struct br_slice s, struct br_err *err)
{
	size_t n = scheme_of(s), k;
	int rc;

	if (n) {
		u->https = n == 5 && !strncasecmp(s.ptr, "https", 5);
		if (!u->https && !(n == 4 && !strncasecmp(s.ptr, "http", 4)))
			return br_fail(err, BR_EINPUT, "only http and https are read");
		s = br_slice(s.ptr + n + 1, s.len - n - 1);
	} else if (base)
		u->https = base->https;
	if ((!n && !base) || s.len < 2 || s.ptr[0] != '/' || s.ptr[1] != '/') {
		if (n || !base)
			return br_fail(err, BR_EINPUT, "not a URL that begins with http:// or https://");
		u->host = br_strdup(base->host);
		u->port = base->port;
		return finish(u, base, s, err);
	}
	s = br_slice(s.ptr + 2, s.len - 2);
	for (k = 0; k < s.len && s.ptr[k] != '/' && s.ptr[k] != '?'; k++)
		;
	rc = take_authority(u, br_slice(s.ptr, k), err);
	return rc < 0 ? rc : finish(u, NULL, br_slice(s.ptr + k, s.len - k), err);
}

int br_url_parse(struct br_url *out, const struct br_url *base, struct br_slice ref, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_URL);
	int rc;

	*out = (struct br_url){ 0 };
	clean(&text, ref);
	if ((rc = br_buf_check(&text, "URL", err)) == 0)
		rc = memchr(text.ptr, 0, text.len) ? br_fail(err, BR_EINPUT, "a URL cannot have a NUL byte")
		                                   : parse(out, base, br_buf_slice(&text), err);
	br_buf_release(&text);
	if (rc < 0)
		br_url_release(out);
	return rc;
}
