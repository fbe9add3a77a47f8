/*
 * What happens to a request before its body is read: Host and Origin, match, identify, authorise, rate, size. Each step either
 * goes on or makes the answer.
 */
#include "internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* ---- Host and Origin: a page on another origin, also one whose name leads to us (DNS rebinding), gets nothing ---- */

static bool in_list(const char *list, struct br_slice s)
{
	struct br_slice rest = list ? br_slice_str(list) : br_slice(NULL, 0), item;

	while (br_list_next(&item, &rest, ','))
		if (item.len && item.len == s.len && !strncasecmp(item.ptr, s.ptr, s.len))
			return true;
	return false;
}

/* Without the port. */
static struct br_slice host_name(struct br_slice host)
{
	const char *end = host.len && *host.ptr == '[' ? memchr(host.ptr, ']', host.len) : memchr(host.ptr, ':', host.len);

	if (end && *host.ptr == '[')
		return br_slice(host.ptr, (size_t)(end - host.ptr) + 1);
	return end ? br_slice(host.ptr, (size_t)(end - host.ptr)) : host;
}

static bool is_address(struct br_slice name)
{
	size_t digits = 0;

	for (size_t i = 0; i < name.len; i++)
		digits += isdigit((unsigned char)name.ptr[i]) || name.ptr[i] == '.';
	return name.len && (*name.ptr == '[' || digits == name.len);
}

/*
 * A name that leads to us may be somebody else's; an address cannot be. Where proofs of identity are asked for, which a page
 * of somebody else does not have, names do not matter.
 */
static bool host_allowed(const struct br_req *r)
{
	struct br_slice name = host_name(r->head.host);

	return r->server->any_host || r->server->o.authenticated || !r->head.host_given || !name.len || is_address(name) ||
	       br_slice_is(name, "localhost") || in_list(r->server->o.hosts, name);
}

static bool same_origin(const struct br_req *r, struct br_slice origin)
{
	const char *sep = memmem(origin.ptr, origin.len, "://", 3);
	struct br_slice host;

	if (!sep)
		return false;
	host = br_slice(sep + 3, origin.len - (size_t)(sep + 3 - origin.ptr));
	return host.len == r->head.host.len && !strncasecmp(host.ptr, r->head.host.ptr, host.len);
}

static bool at_gateway(const struct br_req *r)
{
	const struct br_dialect *d = br_router__dialect(&r->server->router, r->head.path);

	return d && d->gateway;
}

static int check_origin(struct br_req *r)
{
	const struct br_header *h = br_head_get(&r->head, "Origin", 0);

	if (!host_allowed(r)) {
		br_reply__fault(r, BR_AT_HTTP, 421, BR_EFORBIDDEN, "this server does not go by the name '%.*s'; --host adds names",
		                (int)BR_MIN(r->head.host.len, 100), r->head.host.ptr);
		return -1;
	}
	if (!h || same_origin(r, h->value))
		return 0;
	if (r->server->o.any_origin && !r->server->any_origin && at_gateway(r)) {
		r->origin = "*";
		return 0;
	}
	if (r->server->any_origin || in_list(r->server->o.origins, h->value)) {
		r->origin = br_arena_strndup(&r->arena, h->value.ptr, h->value.len);
		return 0;
	}
	br_reply__fault(r, BR_AT_HTTP, 403, BR_EFORBIDDEN, "pages of '%.*s' may not call this server; --origin allows them",
	                (int)BR_MIN(h->value.len, 100), h->value.ptr);
	return -1;
}

/* ---- match ---- */

static int answer_options(struct br_req *r)
{
	const struct br_header *want = br_head_get(&r->head, "Access-Control-Request-Headers", 0);

	br_reply_empty(r, 204);
	br_reply_header(r, "Allow", r->match.allow[0] ? r->match.allow : "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	if (!r->origin)
		return -1;
	br_reply_header(r, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	br_reply_header(r, "Access-Control-Max-Age", "600");
	if (want)
		br_reply_header(r, "Access-Control-Allow-Headers", br_arena_strndup(&r->arena, want->value.ptr, want->value.len));
	return -1;
}

/* There is no such path, or not with this method. */
static int no_match(struct br_req *r)
{
	const struct br_match *m = &r->match;

	if (m->status == 405)
		br_reply_header(r, "Allow", m->allow);
	if (m->status == 400)
		br_reply__fault(r, BR_AT_MATCH, 400, BR_EUSAGE, "the path of the request cannot be decoded");
	else
		br_reply__fault(r, BR_AT_MATCH, m->status, m->status == 405 ? BR_EUSAGE : BR_ENOTFOUND, "%s",
		                m->status == 405 ? "Method Not Allowed" : "Not Found");
	return -1;
}

static void take_dialect(struct br_req *r)
{
	const struct br_dialect *d = r->match.row ? r->match.row->dialect : br_router__dialect(&r->server->router, r->head.path);
	char own[sizeof r->id];

	r->dialect = r->match.row || (d && d->gateway) ? d : NULL;
	if (!r->dialect || !d->id_begins || !r->own_id)
		return;
	snprintf(own, sizeof own, "%s%s", d->id_begins, r->id);
	memcpy(r->id, own, sizeof own);
}

static int match(struct br_req *r)
{
	struct br_match *m = &r->match;
	bool options = br_slice_eq(r->head.method, br_slice_str("OPTIONS"));

	if (!r->head.star)
		br_router__find(m, &r->server->router, r->head.method, r->head.path, &r->arena);
	r->row = m->row;
	take_dialect(r);
	if (options && (r->head.star || m->status == 405))
		return answer_options(r);
	return m->row || r->dialect ? 0 : no_match(r);
}

/* ---- authorise ---- */

static bool has_scope(const struct br_identity *who, struct br_slice scope)
{
	if (!who->scopes)
		return true;
	for (size_t i = 0; who->scopes[i]; i++)
		if (br_slice_eq(scope, br_slice_str(who->scopes[i])))
			return true;
	return false;
}

static int check_scopes(struct br_req *r)
{
	const char *scopes = r->row->route->scopes;
	struct br_slice rest = scopes ? br_slice_str(scopes) : br_slice(NULL, 0), one;

	while (br_list_next(&one, &rest, ' ')) {
		if (!one.len || has_scope(&r->who, one))
			continue;
		br_reply__fault(r, BR_AT_AUTHORISE, 403, BR_EFORBIDDEN, "this key lacks the scope %.*s", (int)one.len, one.ptr);
		return -1;
	}
	return 0;
}

int br_gate__authorise(struct br_req *r)
{
	const struct br_route *route = r->row->route;
	struct br_err err = { 0 };
	int status;

	if (r->who.level < route->level) {
		br_reply__fault(r, BR_AT_AUTHORISE, 403, BR_EFORBIDDEN, "%s", route->level == BR_LEVEL_ADMIN ? "Admin access required" : "Access denied");
		return -1;
	}
	if (check_scopes(r) < 0)
		return -1;
	if (!r->dialect->authorise || r->dialect->authorise(r, &err) == 0)
		return 0;
	status = r->fail_status ? r->fail_status : br_err_info(err.code)->http;
	br_reply__err(r, BR_AT_AUTHORISE, status, &err);
	return -1;
}

/* ---- rate ---- */

static void add_number(struct br_req *r, const char *name, int64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)v);
	br_reply_header(r, name, text);
}

static int check_rate(struct br_req *r)
{
	const char *class = r->row ? r->row->route->rate : NULL;
	bool passes;

	if (!r->dialect->rate || (!class && !r->dialect->gateway))
		return 0;
	passes = r->dialect->rate(&r->rate, r, class);
	if (r->rate.limit) {
		add_number(r, "X-RateLimit-Limit", r->rate.limit);
		add_number(r, "X-RateLimit-Remaining", r->rate.left);
		add_number(r, "X-RateLimit-Reset", r->rate.reset);
	}
	if (passes)
		return 0;
	if (r->rate.after)
		add_number(r, "Retry-After", r->rate.after);
	br_reply__fault(r, BR_AT_RATE, 429, BR_EFORBIDDEN, "Rate limit exceeded");
	return -1;
}

/* ---- size and kind of the body ---- */

static bool has_body(const struct br_req *r)
{
	return r->head.chunked || r->head.length > 0;
}

static bool is_json(struct br_slice type)
{
	const char *semi = memchr(type.ptr, ';', type.len);
	struct br_slice t = semi ? br_slice(type.ptr, (size_t)(semi - type.ptr)) : type;

	while (t.len && t.ptr[t.len - 1] == ' ')
		t.len--;
	return br_slice_is(t, "application/json") || (t.len > 5 && !strncasecmp(t.ptr + t.len - 5, "+json", 5));
}

static int check_type(struct br_req *r)
{
	const struct br_header *h = br_head_get(&r->head, "Content-Type", 0);
	enum br_body_kind kind = r->row->route->body;

	if (!has_body(r))
		return 0;
	if (br_head_get(&r->head, "Content-Encoding", 0)) {
		br_reply__fault(r, BR_AT_SIZE, 415, BR_EUNSUPPORTED, "compressed bodies are not accepted");
		return -1;
	}
	if (kind == BR_BODY_RAW || kind == BR_BODY_NONE)
		return 0;
	if (kind == BR_BODY_JSON && (!h || is_json(h->value)))
		return 0;
	if (kind == BR_BODY_FORM && h && h->value.len >= 19 && !strncasecmp(h->value.ptr, "multipart/form-data", 19))
		return 0;
	br_reply__fault(r, BR_AT_SIZE, 415, BR_EUNSUPPORTED, "the body must be %s", kind == BR_BODY_JSON ? "application/json" : "multipart/form-data");
	return -1;
}

static uint64_t upload_most(const struct br_req *r)
{
	return r->server->o.ws ? (uint64_t)br_config_int(r->server->o.ws->config, "serve.upload") : BR_SERVE_UPLOAD;
}

static int check_size(struct br_req *r)
{
	const struct br_route *route = r->row->route;
	bool file = route->body == BR_BODY_FORM || route->body == BR_BODY_RAW;
	uint64_t most = r->dialect->largest ? r->dialect->largest(r) : 0;

	r->body_max = route->body_max ? route->body_max : file ? upload_most(r) : BR_SERVE_JSON_BODY;
	r->body_max = most ? BR_MIN(r->body_max, most) : r->body_max;
	r->body.max = file ? 0 : (size_t)r->body_max;
	if (r->head.length >= 0 && (uint64_t)r->head.length > r->body_max) {
		br_reply__fault(r, BR_AT_SIZE, 413, BR_ETOOBIG, "the body is larger than %llu bytes", (unsigned long long)r->body_max);
		return -1;
	}
	return check_type(r);
}

/* ---- in order ---- */

int br_gate__identified(struct br_req *r, enum br_who who)
{
	if (who == BR_WHO_REFUSED) {
		br_reply__err(r, BR_AT_IDENTIFY, r->fail_status ? r->fail_status : br_err_info(r->err.code)->http, &r->err);
		return -1;
	}
	if (r->dialect->gateway)
		return check_rate(r) < 0 || (!r->row && no_match(r) < 0) || check_size(r) < 0 ? -1 : 0;
	return br_gate__authorise(r) < 0 || check_rate(r) < 0 || check_size(r) < 0 ? -1 : 0;
}

int br_gate__enter(struct br_req *r)
{
	enum br_who who = BR_WHO_KNOWN;

	br_front__look(r);
	if (check_origin(r) < 0 || match(r) < 0)
		return -1;
	r->who = (struct br_identity){ .level = BR_LEVEL_OPEN };
	if (!r->row || r->row->route->level > BR_LEVEL_OPEN)
		who = r->dialect->identify(&r->who, r, false, &r->err);
	return who == BR_WHO_LATER ? 1 : br_gate__identified(r, who);
}
