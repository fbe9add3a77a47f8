/*
 * The head of a request, strictly: nothing that another reader (a proxy, a log) could take for something else is accepted. That
 * is what request smuggling lives on: two lengths, a length and an encoding, folded lines, blanks before colons, bare line feeds.
 */
#include "head.h"

#include <ctype.h>
#include <strings.h>

static bool is_token_char(unsigned char c)
{
	return isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct br_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_token_char((unsigned char)s.ptr[i]))
			return false;
	return s.len > 0;
}

static int refuse(const char **why, int status, const char *what)
{
	*why = what;
	return -status;
}

bool br_slice_is(struct br_slice s, const char *text)
{
	return s.len == strlen(text) && strncasecmp(s.ptr, text, s.len) == 0;
}

/* ---- where it ends ---- */

static int check_byte(const char *p, size_t i, const char **why)
{
	unsigned char c = (unsigned char)p[i];

	if (c == '\n' && (i == 0 || p[i - 1] != '\r'))
		return refuse(why, 400, "a line of the head ends without a carriage return");
	if (c != '\n' && i > 0 && p[i - 1] == '\r')
		return refuse(why, 400, "a carriage return inside a line of the head");
	if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f)
		return refuse(why, 400, "a control character in the head");
	return 0;
}

int64_t br_head_find(size_t *seen, const char *p, size_t n, const char **why)
{
	size_t i = *seen;
	int rc;

	for (; i < n; i++) {
		if ((rc = check_byte(p, i, why)) < 0)
			return rc;
		if (p[i] == '\n' && i >= 3 && p[i - 2] == '\n')
			return (int64_t)i + 1;
	}
	*seen = n;
	if (n > BR_SERVE_TARGET && !memchr(p, '\n', n))
		return refuse(why, 414, "the request line is too long");
	if (n > BR_SERVE_HEAD)
		return refuse(why, 431, "the head of the request is too long");
	return 0;
}

/* ---- the request line ---- */

static int parse_version(struct br_head *h, struct br_slice v, const char **why)
{
	if (v.len == 8 && !memcmp(v.ptr, "HTTP/1.", 7) && (v.ptr[7] == '0' || v.ptr[7] == '1')) {
		h->minor = v.ptr[7] - '0';
		return 0;
	}
	if (v.len == 8 && !memcmp(v.ptr, "HTTP/", 5) && isdigit((unsigned char)v.ptr[5]) && v.ptr[6] == '.')
		return refuse(why, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	return refuse(why, 400, "the request line has no version of HTTP");
}

/* "http://host/path": its host takes the place of the header's. */
static int split_absolute(struct br_head *h, struct br_slice *rest, const char **why)
{
	size_t skip = !strncasecmp(rest->ptr, "http://", 7) ? 7 : !strncasecmp(rest->ptr, "https://", 8) ? 8 : 0, n = 0;

	if (!skip || rest->len <= skip)
		return refuse(why, 400, "the target of the request is neither a path nor an address");
	*rest = br_slice(rest->ptr + skip, rest->len - skip);
	while (n < rest->len && !strchr("/?", rest->ptr[n]))
		n++;
	if (!n || n == rest->len || rest->ptr[n] != '/' || memchr(rest->ptr, '@', n))
		return refuse(why, 400, "the target of the request is an address without a path, or with a password");
	h->host = br_slice(rest->ptr, n);
	h->host_given = true;
	*rest = br_slice(rest->ptr + n, rest->len - n);
	return 0;
}

static int parse_target(struct br_head *h, const char **why)
{
	struct br_slice t = h->target;
	const char *q;
	int rc;

	for (size_t i = 0; i < t.len; i++)
		if ((unsigned char)t.ptr[i] <= 0x20 || (unsigned char)t.ptr[i] >= 0x7f || t.ptr[i] == '#')
			return refuse(why, 400, "the target of the request has a character that must be percent-encoded");
	if (t.len == 1 && *t.ptr == '*') {
		h->star = true;
		return br_slice_is(h->method, "OPTIONS") ? 0 : refuse(why, 400, "only OPTIONS can be asked of '*'");
	}
	if ((!t.len || *t.ptr != '/') && (rc = split_absolute(h, &t, why)) < 0)
		return rc;
	q = memchr(t.ptr, '?', t.len);
	h->path = br_slice(t.ptr, q ? (size_t)(q - t.ptr) : t.len);
	h->query = q ? br_slice(q + 1, t.len - h->path.len - 1) : br_slice("", 0);
	return 0;
}

static int parse_line(struct br_head *h, struct br_slice line, const char **why)
{
	const char *a = memchr(line.ptr, ' ', line.len), *b = a ? memchr(a + 1, ' ', line.len - (size_t)(a + 1 - line.ptr)) : NULL;
	int rc;

	if (!b)
		return refuse(why, 400, "the request line is not \"METHOD TARGET HTTP/1.1\"");
	h->method = br_slice(line.ptr, (size_t)(a - line.ptr));
	h->target = br_slice(a + 1, (size_t)(b - a) - 1);
	if (!is_token(h->method) || h->method.len > 32)
		return refuse(why, 400, "the request line has no method");
	if ((rc = parse_version(h, br_slice(b + 1, line.len - (size_t)(b + 1 - line.ptr)), why)) < 0)
		return rc;
	return line.len > BR_SERVE_TARGET ? refuse(why, 414, "the request line is too long") : parse_target(h, why);
}

/* ---- header lines ---- */

static struct br_slice trim(struct br_slice s)
{
	while (s.len && (*s.ptr == ' ' || *s.ptr == '\t'))
		s = br_slice(s.ptr + 1, s.len - 1);
	while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool br_list_next(struct br_slice *out, struct br_slice *rest, char sep)
{
	const char *end;
	size_t n;

	if (!rest->ptr)
		return false;
	end = memchr(rest->ptr, sep, rest->len);
	n = end ? (size_t)(end - rest->ptr) : rest->len;
	*out = trim(br_slice(rest->ptr, n));
	*rest = end ? br_slice(end + 1, rest->len - n - 1) : br_slice(NULL, 0);
	return true;
}

static int parse_header(struct br_head *h, struct br_slice line, const char **why)
{
	const char *colon = memchr(line.ptr, ':', line.len);
	struct br_header *f;

	if (*line.ptr == ' ' || *line.ptr == '\t')
		return refuse(why, 400, "a header is folded over two lines");
	if (!colon || !is_token(br_slice(line.ptr, (size_t)(colon - line.ptr))))
		return refuse(why, 400, "a line of the head is not \"Name: value\"");
	if (h->n == BR_COUNT(h->header))
		return refuse(why, 431, "too many headers");
	f = &h->header[h->n++];
	f->name = br_slice(line.ptr, (size_t)(colon - line.ptr));
	f->value = trim(br_slice(colon + 1, line.len - f->name.len - 1));
	return 0;
}

const struct br_header *br_head_get(const struct br_head *h, const char *name, size_t from)
{
	for (; from < h->n; from++)
		if (br_slice_is(h->header[from].name, name))
			return &h->header[from];
	return NULL;
}

/* *out stays NULL when there is none; two are refused. */
static int single(const struct br_header **out, const struct br_head *h, const char *name, const char *twice, const char **why)
{
	*out = br_head_get(h, name, 0);
	if (*out && br_head_get(h, name, (size_t)(*out - h->header) + 1))
		return refuse(why, 400, twice);
	return 0;
}

static int parse_length(struct br_head *h, const char **why)
{
	const struct br_header *f;
	int rc = single(&f, h, "Content-Length", "Content-Length is given twice", why);

	h->length = -1;
	if (rc < 0 || !f)
		return rc;
	if (!f->value.len || f->value.len > 18)
		return refuse(why, 400, "Content-Length is not a number");
	h->length = 0;
	for (size_t i = 0; i < f->value.len; i++) {
		if (!isdigit((unsigned char)f->value.ptr[i]))
			return refuse(why, 400, "Content-Length is not a number");
		h->length = h->length * 10 + (f->value.ptr[i] - '0');
	}
	return 0;
}

static int parse_encoding(struct br_head *h, const char **why)
{
	const struct br_header *f;
	int rc = single(&f, h, "Transfer-Encoding", "Transfer-Encoding is given twice", why);

	if (rc < 0 || !f)
		return rc;
	if (h->length >= 0)
		return refuse(why, 400, "both Content-Length and Transfer-Encoding are given");
	if (h->minor == 0)
		return refuse(why, 400, "Transfer-Encoding does not belong into HTTP/1.0");
	if (!br_slice_is(f->value, "chunked"))
		return refuse(why, 501, "of transfer encodings only chunked is known here");
	h->chunked = true;
	return 0;
}

static int parse_host(struct br_head *h, const char **why)
{
	const struct br_header *f;
	int rc = single(&f, h, "Host", "Host is given twice", why);

	if (rc < 0)
		return rc;
	if (!f && h->minor == 1)
		return refuse(why, 400, "Host is missing");
	if (f && !h->host_given) {
		h->host = f->value;
		h->host_given = true;
	}
	for (size_t i = 0; i < h->host.len; i++)
		if (!isalnum((unsigned char)h->host.ptr[i]) && !strchr("-._~:[]%!$&'()*+,;=", h->host.ptr[i]))
			return refuse(why, 400, "Host is not a name");
	return 0;
}

static int parse_connection(struct br_head *h, const char **why)
{
	const struct br_header *f = NULL;
	struct br_slice rest, word;

	while ((f = br_head_get(h, "Connection", f ? (size_t)(f - h->header) + 1 : 0)))
		for (rest = f->value; br_list_next(&word, &rest, ',');) {
			h->close |= br_slice_is(word, "close");
			h->keep_alive |= br_slice_is(word, "keep-alive");
			h->upgrade |= br_slice_is(word, "upgrade");
		}
	if (!(f = br_head_get(h, "Expect", 0)))
		return 0;
	h->expect = h->minor == 1;
	return br_slice_is(f->value, "100-continue") ? 0 : refuse(why, 417, "of expectations only 100-continue is known here");
}

int br_head_parse(struct br_head *h, const char *p, size_t n, const char **why)
{
	const struct br_slice none = { "", 0 };
	const char *end = p + n, *eol;
	int rc;

	*h = (struct br_head){ .length = -1, .method = none, .target = none, .path = none, .query = none, .host = none };
	eol = memmem(p, n, "\r\n", 2);
	if (!eol)
		return refuse(why, 400, "the head has no end");
	if ((rc = parse_line(h, br_slice(p, (size_t)(eol - p)), why)) < 0)
		return rc;
	for (p = eol + 2; p < end; p = eol + 2) {
		eol = memmem(p, (size_t)(end - p), "\r\n", 2);
		if (!eol || eol == p)
			break;
		if ((rc = parse_header(h, br_slice(p, (size_t)(eol - p)), why)) < 0)
			return rc;
	}
	if ((rc = parse_length(h, why)) < 0 || (rc = parse_encoding(h, why)) < 0 || (rc = parse_host(h, why)) < 0)
		return rc;
	return parse_connection(h, why);
}

/* ---- values ---- */

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

int64_t br_url_decode(char *out, struct br_slice s, bool plus)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		int hi, lo;

		if (s.ptr[i] == '%') {
			if (s.len - i < 3 || (hi = hex_digit(s.ptr[i + 1])) < 0 || (lo = hex_digit(s.ptr[i + 2])) < 0 || !(hi | lo))
				return -1;
			out[n++] = (char)(hi << 4 | lo);
			i += 2;
		} else {
			out[n++] = plus && s.ptr[i] == '+' ? ' ' : s.ptr[i];
		}
	}
	out[n] = 0;
	return br_utf8_valid(out, n) == n ? (int64_t)n : -1;
}

/* "0", "0.5", "1.000" in thousandths; -1: not such a number. */
static int quality(struct br_slice s)
{
	int v = 0, unit = 1000;

	for (size_t i = 0; i < s.len; i++) {
		if (i == 1 ? s.ptr[i] != '.' : !isdigit((unsigned char)s.ptr[i]))
			return -1;
		if (i == 1)
			continue;
		v += (s.ptr[i] - '0') * unit;
		unit /= 10;
	}
	return s.len && s.len <= 5 && v <= 1000 ? v : -1;
}

/* q of the item "gzip;q=0.5" in thousandths. */
static int item_quality(struct br_slice rest)
{
	struct br_slice param;
	int q = 1000;

	while (br_list_next(&param, &rest, ';'))
		if (param.len > 2 && (param.ptr[0] | 0x20) == 'q' && param.ptr[1] == '=')
			q = quality(br_slice(param.ptr + 2, param.len - 2));
	return q;
}

bool br_accepts_gzip(struct br_slice accept)
{
	int gzip = -1, any = -1, identity = -1;
	struct br_slice item, name, rest;

	while (br_list_next(&item, &accept, ',')) {
		rest = item;
		br_list_next(&name, &rest, ';');
		int q = rest.ptr ? item_quality(rest) : 1000;
		if (br_slice_is(name, "gzip") || br_slice_is(name, "x-gzip"))
			gzip = q;
		else if (br_slice_is(name, "identity"))
			identity = q;
		else if (br_slice_is(name, "*"))
			any = q;
	}
	gzip = gzip < 0 ? any : gzip;
	return gzip > 0 && gzip >= identity;
}
