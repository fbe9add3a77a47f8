/*
 * Answers: one value inside the dialect's envelope, text, a file, nothing, or an error in the dialect's words; then the head that
 * goes before it. Streams are in stream.c.
 */
#include "internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const struct { int status; const char *text; } statuses[] = {
	{ 100, "Continue" }, { 101, "Switching Protocols" }, { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" },
	{ 206, "Partial Content" }, { 207, "Multi-Status" }, { 304, "Not Modified" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
	{ 402, "Payment Required" }, { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 408, "Request Timeout" },
	{ 409, "Conflict" }, { 410, "Gone" }, { 411, "Length Required" }, { 412, "Precondition Failed" }, { 413, "Content Too Large" },
	{ 414, "URI Too Long" }, { 415, "Unsupported Media Type" }, { 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" },
	{ 421, "Misdirected Request" }, { 422, "Unprocessable Content" }, { 423, "Locked" }, { 426, "Upgrade Required" },
	{ 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" }, { 499, "Client Closed Request" },
	{ 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" }, { 507, "Insufficient Storage" },
};

const char *br_status__text(int status)
{
	for (size_t i = 0; i < BR_COUNT(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].text;
	return "Status";
}

/* ---- what handlers give ---- */

static void begin(struct br_req *r, int status, const char *type)
{
	BR_ASSERT(!r->replied);
	r->replied = true;
	r->status = status ? status : r->row && r->row->route->ok ? r->row->route->ok : 200;
	r->type = type;
}

/* Neither may end the line it stands in. */
static bool one_line(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

void br_reply_transient(struct br_req *r) { r->transient = true; }

void br_reply_header(struct br_req *r, const char *name, const char *value)
{
	if (one_line(name) && one_line(value))
		br_buf_addf(&r->headers, "%s: %s\r\n", name, value);
}

struct br_json *br_reply(struct br_req *r, int status)
{
	const struct br_dialect *d = r->dialect;

	begin(r, status, "application/json");
	br_json_init(&r->json, &r->out, false);
	r->enveloped = d && d->open && !(r->row->route->flags & BR_ROUTE_BARE);
	if (r->enveloped)
		d->open(&r->json);
	return &r->json;
}

void br_reply_text(struct br_req *r, int status, const char *type, const char *text, size_t n)
{
	begin(r, status, type);
	br_buf_add(&r->out, text, n);
}

void br_reply_empty(struct br_req *r, int status)
{
	begin(r, status, NULL);
	r->no_body = status == 204 || status == 304;
}

bool br_reply_etag(struct br_req *r, const char *etag)
{
	const struct br_header *h = br_head_get(&r->head, "If-None-Match", 0);
	struct br_slice rest = h ? h->value : br_slice(NULL, 0), item;
	char quoted[140];

	snprintf(quoted, sizeof quoted, "\"%.130s\"", etag);
	br_reply_header(r, "ETag", quoted);
	while (br_list_next(&item, &rest, ',')) {
		if (item.len > 2 && item.ptr[0] == 'W' && item.ptr[1] == '/')
			item = br_slice(item.ptr + 2, item.len - 2);
		if (!br_slice_eq(item, br_slice_str("*")) && !br_slice_eq(item, br_slice_str(quoted)))
			continue;
		br_reply_empty(r, 304);
		return true;
	}
	return false;
}

/* ---- files ---- */

/* "bytes=a-b", "bytes=a-", "bytes=-n" of size bytes. 1: a range, 0: none that we follow, -1: outside. */
static int parse_range(struct br_slice v, uint64_t size, uint64_t *at, uint64_t *n)
{
	char text[64], *end;
	uint64_t a, b;

	if (v.len >= sizeof text || v.len < 8 || memcmp(v.ptr, "bytes=", 6) || memchr(v.ptr, ',', v.len))
		return 0;
	memcpy(text, v.ptr + 6, v.len - 6);
	text[v.len - 6] = 0;
	if (text[0] == '-') {
		b = strtoull(text + 1, &end, 10);
		if (*end || !isdigit((unsigned char)text[1]))
			return 0;
		*n = BR_MIN(b, size);
		*at = size - *n;
		return *n ? 1 : -1;
	}
	a = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end != '-')
		return 0;
	b = end[1] ? strtoull(end + 1, &end, 10) : UINT64_MAX;
	if (b < a || (b != UINT64_MAX && *end))
		return 0;
	*at = a;
	*n = a < size ? BR_MIN(b, size - 1) - a + 1 : 0;
	return a < size ? 1 : -1;
}

static void add_disposition(struct br_req *r, const char *name)
{
	struct br_buf b = BR_BUF_INIT(8192);

	br_buf_adds(&b, "attachment; filename*=UTF-8''");
	for (; *name; name++) {
		if (isalnum((unsigned char)*name) || strchr("-._~", *name))
			br_buf_addc(&b, *name);
		else
			br_buf_addf(&b, "%%%02X", (unsigned char)*name);
	}
	br_reply_header(r, "Content-Disposition", b.ptr);
	br_buf_release(&b);
}

int br_reply_file(struct br_req *r, int fd, const char *type, const char *download, struct br_err *err)
{
	const struct br_header *h = br_head_get(&r->head, "Range", 0);
	uint64_t at = 0, n;
	struct stat st;
	int range;

	if (fstat(fd, &st) < 0) {
		close(fd);
		return br_fail_errno(err, BR_EIO, "cannot read a file to be sent");
	}
	n = (uint64_t)st.st_size;
	range = h ? parse_range(h->value, n, &at, &n) : 0;
	begin(r, range > 0 ? 206 : range < 0 ? 416 : 0, type);
	br_reply_header(r, "Accept-Ranges", "bytes");
	if (download)
		add_disposition(r, download);
	if (range > 0)
		br_buf_addf(&r->headers, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)at, (unsigned long long)(at + n - 1),
		            (unsigned long long)st.st_size);
	else if (range < 0)
		br_buf_addf(&r->headers, "Content-Range: bytes */%llu\r\n", (unsigned long long)st.st_size);
	r->file = fd;
	r->file_at = at;
	r->file_left = range < 0 ? 0 : n;
	return 0;
}

/* ---- errors ---- */

int br_req_fail(struct br_req *r, int status, struct br_err *err, enum br_code code, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	r->fail_status = status;
	return br_fail(err, code, "%s", text);
}

static void plain_error(struct br_json *j, const struct br_fault *f)
{
	br_json_obj(j);
	br_json_key(j, "error");
	br_json_obj(j);
	br_json_kstr(j, "code", br_err_info(f->code)->name);
	br_json_kstr(j, "message", f->message);
	br_json_end(j);
	br_json_end(j);
}

static void forget_reply(struct br_req *r)
{
	br_buf_reset(&r->out);
	br_buf_reset(&r->headers);
	if (r->file)
		close(r->file);
	r->file = 0;
	r->replied = r->enveloped = r->no_body = false;
}

void br_reply__err(struct br_req *r, enum br_stage stage, int status, const struct br_err *err)
{
	struct br_fault f = { .stage = stage, .status = status, .code = err->code, .message = err->msg,
	                      .problem = r->problem.v, .problems = r->problem.n, .limit = status == 413 ? r->body_max : 0 };

	if (stage != BR_AT_MATCH && stage != BR_AT_RATE)
		forget_reply(r);
	if (!r->dialect)
		r->dialect = br_router__dialect(&r->server->router, r->head.path);
	br_json_init(&r->json, &r->out, false);
	if (r->dialect)
		r->dialect->error(&r->json, r, &f);
	else
		plain_error(&r->json, &f);
	r->replied = true;
	r->enveloped = false;
	r->type = "application/json";
	r->status = f.status;
	if (br_err_info(err->code)->retry && (r->status == 503 || r->status == 429) && !r->rate.after)
		br_reply_header(r, "Retry-After", "1");
	if (r->status == 401 && r->dialect && r->dialect->security && !strcmp(r->dialect->security, "bearer"))
		br_reply_header(r, "WWW-Authenticate", "Bearer");
}

void br_reply__fault(struct br_req *r, enum br_stage stage, int status, enum br_code code, const char *fmt, ...)
{
	struct br_err err = { .code = code };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err.msg, sizeof err.msg, fmt, ap);
	va_end(ap);
	br_reply__err(r, stage, status, &err);
}

/* ---- compressing ---- */

static bool worth_gzip(const struct br_req *r)
{
	const struct br_header *h = br_head_get(&r->head, "Accept-Encoding", 0);

	return r->out.len >= BR_SERVE_GZIP_FROM && r->type && h && r->status != 206 &&
	       (!strncmp(r->type, "text/", 5) || !strncmp(r->type, "application/json", 16) || !strncmp(r->type, "application/javascript", 22)) &&
	       br_accepts_gzip(h->value);
}

static void compress_out(struct br_req *r)
{
	struct br_buf z = BR_BUF_INIT(BR_SERVE_REPLY);
	z_stream s = { .next_in = (Bytef *)r->out.ptr, .avail_in = (uInt)r->out.len };

	if (deflateInit2(&s, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return;
	if (br_buf_reserve(&z, deflateBound(&s, r->out.len))) {
		s.next_out = (Bytef *)z.ptr;
		s.avail_out = (uInt)z.cap - 1;
		if (deflate(&s, Z_FINISH) == Z_STREAM_END && s.total_out < r->out.len) {
			br_buf_reset(&r->out);
			br_buf_add(&r->out, z.ptr, s.total_out);
			r->gzip = true;
		}
	}
	deflateEnd(&s);
	br_buf_release(&z);
}

/* ---- the head ---- */

static void check_reply(struct br_req *r)
{
	const struct br_route *route = r->row ? r->row->route : NULL;
	const struct br_jval *v;
	struct br_jdoc *doc;
	char why[300] = "";

	if (!getenv("BR_SERVE_CHECK") || !route || !route->out || r->status >= 300 || r->streaming)
		return;
	if (br_jdoc_parse(&doc, br_buf_slice(&r->out), "an answer", NULL) < 0) {
		br_log(BR_LOG_ERROR, "%s: its answer is not JSON", route->id);
		abort();
	}
	v = br_jdoc_root(doc);
	if (r->dialect->open && !(route->flags & BR_ROUTE_BARE))
		v = br_jval_get(v, "data");
	if (!br_fields__check(route->out, route->flags & BR_ROUTE_LIST, v, why, sizeof why)) {
		br_log(BR_LOG_ERROR, "%s: its answer is not what its table says: %s", route->id, why);
		abort();
	}
	br_jdoc_free(doc);
}

static void add_cors(struct br_req *r)
{
	if (!r->origin)
		return;
	br_buf_addf(&r->head_out, "Access-Control-Allow-Origin: %s\r\n%sVary: Origin\r\n"
	            "Access-Control-Expose-Headers: X-Request-Id, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset\r\n",
	            r->origin, strcmp(r->origin, "*") ? "Access-Control-Allow-Credentials: true\r\n" : "");
}

static void add_length(struct br_req *r)
{
	uint64_t n = r->file ? r->file_left : r->out.len;

	if (r->streaming) {
		if (r->head.minor == 1 && !r->upgrade)
			br_buf_adds(&r->head_out, "Transfer-Encoding: chunked\r\n");
	} else if (r->status != 204 && r->status != 304) {
		br_buf_addf(&r->head_out, "Content-Length: %llu\r\n", (unsigned long long)n);
	}
}

/* A dialect counts what it answered, and so what it could not answer. */
static void tell_dialect(struct br_req *r)
{
	if (r->dialect && r->dialect->answered && !r->answered)
		r->dialect->answered(r, r->status);
	r->answered = true;
}

/* The head lacks Date and Connection: the event thread adds them. */
void br_reply__finish(struct br_req *r)
{
	struct br_buf *h = &r->head_out;
	bool varies;

	if (r->enveloped && r->dialect->close)
		r->dialect->close(&r->json);
	if (r->type && !strcmp(r->type, "application/json"))
		br_buf_addc(&r->out, '\n');
	if (r->out.failed) {
		br_reply__fault(r, BR_AT_RUN, 500, BR_ETOOBIG, "the answer is too large");
		br_buf_addc(&r->out, '\n');
	}
	check_reply(r);
	tell_dialect(r);
	varies = r->type && r->out.len >= BR_SERVE_GZIP_FROM;
	if (worth_gzip(r))
		compress_out(r);
	br_buf_reset(h);
	br_buf_addf(h, "HTTP/1.1 %d %s\r\n", r->status, br_status__text(r->status));
	if (r->type)
		br_buf_addf(h, "Content-Type: %s\r\n", r->type);
	if (r->gzip)
		br_buf_adds(h, "Content-Encoding: gzip\r\n");
	if (varies)
		br_buf_adds(h, "Vary: Accept-Encoding\r\n");
	add_length(r);
	add_cors(r);
	br_buf_addf(h, "X-Request-Id: %s\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n%s", r->id,
	            r->secure ? "Strict-Transport-Security: max-age=31536000\r\n" : "");
	br_buf_add(h, r->headers.ptr, r->headers.len);
}
