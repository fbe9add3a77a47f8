/*
 * MIME: headers with their foldings, parameters and encoded words; multiparts down to their leaves. Messages in the
 * wild break every rule: what cannot be understood is taken as it stands, nothing is an error.
 */
#include "helper.h"
#include "mime.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { HEADER_MAX = 16 << 10, NAME_BYTES = 255 };

/* ---- lines and headers ---- */

static size_t line_len(struct br_slice s, size_t at)
{
	const char *nl = memchr(s.ptr + at, '\n', s.len - at);

	return nl ? (size_t)(nl + 1 - (s.ptr + at)) : s.len - at;
}

static bool is_empty_line(const char *p, size_t n)
{
	return n == 0 || *p == '\n' || (*p == '\r' && (n == 1 || p[1] == '\n'));
}

/* "Name: value", or the rest of one that was folded. The separator of a mailbox may stand in front. */
static bool is_header_line(const char *p, size_t n)
{
	size_t i = 0;

	if (br_text__blank(*p) || (n > 5 && (!memcmp(p, "From ", 5) || !memcmp(p, ">From", 5))))
		return true;
	while (i < n && (unsigned char)p[i] > ' ' && p[i] != ':')
		i++;
	return i && i < n && p[i] == ':';
}

struct br_slice br_text__head(struct br_slice entity)
{
	size_t at = 0, n;

	while (at < entity.len && !is_empty_line(entity.ptr + at, n = line_len(entity, at)) &&
	    is_header_line(entity.ptr + at, n))
		at += n;
	return br_slice(entity.ptr, at);
}

/* Head and body. One that begins with an empty line has no head, one without an empty line may be all head. */
static void split(struct br_text__part *p, struct br_slice entity)
{
	size_t at;

	p->head = br_text__head(entity);
	at = p->head.len;
	if (at < entity.len && is_empty_line(entity.ptr + at, line_len(entity, at)))
		at += line_len(entity, at);
	p->body = br_slice(entity.ptr + at, entity.len - at);
}

/* The value of a header with its folded lines, raw; empty if there is none. */
static struct br_slice raw_header(struct br_slice head, const char *name)
{
	size_t len = strlen(name), n;

	for (size_t at = 0; at < head.len; at += n) {
		n = line_len(head, at);
		if (n <= len || head.ptr[at + len] != ':' || strncasecmp(head.ptr + at, name, len))
			continue;
		while (at + n < head.len && (head.ptr[at + n] == ' ' || head.ptr[at + n] == '\t'))
			n += line_len(head, at + n);
		return br_slice(head.ptr + at + len + 1, BR_MIN(n - len - 1, (size_t)HEADER_MAX));
	}
	return br_slice("", 0);
}

/* ---- transfer encodings ---- */

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static void from_base64(struct br_buf *out, struct br_slice in)
{
	unsigned have = 0, bits = 0;

	if (!br_buf_reserve(out, BR_MIN(in.len / 4 * 3 + 3, out->max - out->len)))
		return;
	for (size_t i = 0; i < in.len; i++) {
		int d = base64_digit(in.ptr[i]);
		if (in.ptr[i] == '=') /* padding: what follows begins afresh */
			have = bits = 0;
		if (d < 0)
			continue;
		bits = (bits << 6 | (unsigned)d) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			br_buf_addc(out, (char)(bits >> have & 0xff));
		}
	}
}

static int hex(char c)
{
	return br_text__digit(c) ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* In headers "_" is a space; in bodies "=" at the end of a line joins it to the next. */
static void from_quoted(struct br_buf *out, struct br_slice in, bool header)
{
	for (size_t i = 0; i < in.len; i++) {
		char c = in.ptr[i];
		size_t j = i + 1;
		if (c == '=' && i + 2 < in.len && hex(in.ptr[i + 1]) >= 0 && hex(in.ptr[i + 2]) >= 0) {
			br_buf_addc(out, (char)(hex(in.ptr[i + 1]) << 4 | hex(in.ptr[i + 2])));
			i += 2;
			continue;
		}
		while (c == '=' && j < in.len && (in.ptr[j] == ' ' || in.ptr[j] == '\t' || in.ptr[j] == '\r'))
			j++;
		if (c == '=' && !header && (j == in.len || in.ptr[j] == '\n'))
			i = j;
		else
			br_buf_addc(out, header && c == '_' ? ' ' : c);
	}
}

void br_text__part_bytes(struct br_buf *out, const struct br_text__part *p)
{
	if (p->base64)
		from_base64(out, p->body);
	else if (p->quoted)
		from_quoted(out, p->body, false);
	else
		br_buf_add(out, p->body.ptr, p->body.len);
}

/* ---- encoded words: =?charset?B?...?= ---- */

struct word { struct br_slice charset, text; char how; size_t len; };

static bool encoded_word(struct word *w, const char *p, size_t n)
{
	const char *end = p + n, *cs, *how, *text, *stop;

	if (n < 8 || p[0] != '=' || p[1] != '?')
		return false;
	cs = p + 2;
	how = memchr(cs, '?', (size_t)(end - cs));
	if (!how || end - how < 5 || how[2] != '?' || !memchr("bBqQ", how[1], 4))
		return false;
	text = how + 3;
	stop = memmem(text, (size_t)(end - text), "?=", 2);
	if (!stop || stop - p > 4096)
		return false;
	w->charset = br_slice(cs, strcspn(cs, "*?"));
	w->text = br_slice(text, (size_t)(stop - text));
	w->how = (char)(how[1] | 32);
	w->len = (size_t)(stop + 2 - p);
	return true;
}

static void add_decoded(struct br_buf *out, struct br_slice bytes, struct br_slice charset)
{
	struct br_buf utf8 = BR_BUF_INIT(HEADER_MAX * 4);
	char encoding[24];

	if (br_text__decode_as(&utf8, encoding, bytes, charset, NULL) == 0)
		br_buf_add(out, utf8.ptr, utf8.len);
	br_buf_release(&utf8);
}

/* Words of one charset that follow one another may share a character, so their bytes are joined first. */
static size_t add_words(struct br_buf *out, const char *p, size_t n, size_t at, struct word w)
{
	struct br_buf bytes = BR_BUF_INIT(HEADER_MAX * 2);
	struct br_slice charset = w.charset;
	bool more = true;

	while (more) {
		size_t next;
		if (w.how == 'b')
			from_base64(&bytes, w.text);
		else
			from_quoted(&bytes, w.text, true);
		at += w.len;
		for (next = at; next < n && br_text__blank(p[next]); next++)
			;
		more = encoded_word(&w, p + next, n - next);
		at = more ? next : at;
		if (more && (w.charset.len != charset.len || strncasecmp(w.charset.ptr, charset.ptr, charset.len))) {
			add_decoded(out, br_buf_slice(&bytes), charset);
			br_buf_reset(&bytes);
			charset = w.charset;
		}
	}
	add_decoded(out, br_buf_slice(&bytes), charset);
	br_buf_release(&bytes);
	return at;
}

/* White space to single spaces, control bytes dropped; in place. */
static void one_line(struct br_buf *b)
{
	size_t to = 0;

	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->ptr[i];
		if (c > ' ' && c != 0x7f)
			b->ptr[to++] = (char)c;
		else if (to && b->ptr[to - 1] != ' ')
			b->ptr[to++] = ' ';
	}
	while (to && b->ptr[to - 1] == ' ')
		to--;
	b->len = to;
	if (b->cap)
		b->ptr[to] = 0;
}

static void decode_header(struct br_buf *out, struct br_slice raw)
{
	struct br_buf words = BR_BUF_INIT(HEADER_MAX * 4), utf8 = BR_BUF_INIT(HEADER_MAX * 4);
	char encoding[24];
	struct word w;

	/* Bytes beyond ASCII that should not be there are guessed first. */
	if (br_decode(&utf8, encoding, raw, NULL) < 0)
		br_buf_reset(&utf8);
	for (size_t i = 0; i < utf8.len;) {
		if (utf8.ptr[i] == '=' && encoded_word(&w, utf8.ptr + i, utf8.len - i))
			i = add_words(&words, utf8.ptr, utf8.len, i, w);
		else
			br_buf_addc(&words, utf8.ptr[i++]);
	}
	one_line(&words);
	br_buf_add(out, words.ptr, words.len);
	br_buf_release(&words);
	br_buf_release(&utf8);
}

bool br_text__header(struct br_buf *out, struct br_slice head, const char *name)
{
	struct br_slice raw = raw_header(head, name);

	if (!raw.len)
		return false;
	decode_header(out, raw);
	return true;
}

/* ---- parameters: "; name=value", quoted, and as RFC 2231 has them: name*0*=utf-8''caf%C3%A9; name*1=... ---- */

struct param { struct br_slice value; bool percent, quoted; };

static size_t skip_blank(struct br_slice s, size_t at)
{
	while (at < s.len && (br_text__blank(s.ptr[at]) || s.ptr[at] == ';'))
		at++;
	return at;
}

/* The value that begins at *at, which moves behind it. */
static struct br_slice param_value(struct br_slice s, size_t *at, bool *quoted)
{
	size_t begin = *at, end;

	*quoted = begin < s.len && s.ptr[begin] == '"';
	if (*quoted) {
		for (end = ++begin; end < s.len && s.ptr[end] != '"'; end++)
			end += s.ptr[end] == '\\' && end + 1 < s.len;
		*at = BR_MIN(end + 1, s.len);
		return br_slice(s.ptr + begin, BR_MIN(end, s.len) - begin);
	}
	for (end = begin; end < s.len && s.ptr[end] != ';' && !br_text__blank(s.ptr[end]); end++)
		;
	*at = end;
	return br_slice(s.ptr + begin, end - begin);
}

/* Piece `part` of parameter `name` (0: the first or only one). */
static bool find_param(struct param *out, struct br_slice s, const char *name, unsigned part)
{
	size_t len = strlen(name), at = 0;

	while (at < s.len && s.ptr[at] != ';')
		at++;
	while ((at = skip_blank(s, at)) < s.len) {
		size_t begin = at, n;
		unsigned number = 0;
		bool star;

		while (at < s.len && s.ptr[at] != '=' && s.ptr[at] != ';')
			at++;
		for (n = at; n > begin && br_text__blank(s.ptr[n - 1]); n--)
			;
		if (at == s.len || s.ptr[at] == ';')
			continue;
		at++;
		while (at < s.len && br_text__blank(s.ptr[at]))
			at++;
		out->value = param_value(s, &at, &out->quoted);
		out->percent = n > begin && s.ptr[n - 1] == '*';
		n -= out->percent;
		star = n > begin + len && s.ptr[begin + len] == '*';
		for (size_t i = begin + len + 1; star && i < n; i++)
			number = br_text__digit(s.ptr[i]) && number < 100 ? number * 10 + (unsigned)(s.ptr[i] - '0')
			    : 1000;
		if ((star || n == begin + len) && n - begin >= len && !strncasecmp(s.ptr + begin, name, len) &&
		    number == part)
			return true;
	}
	return false;
}

static void unescape(struct br_buf *out, const struct param *p, struct br_slice v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (p->percent && v.ptr[i] == '%' && i + 2 < v.len && hex(v.ptr[i + 1]) >= 0 &&
		    hex(v.ptr[i + 2]) >= 0) {
			br_buf_addc(out, (char)(hex(v.ptr[i + 1]) << 4 | hex(v.ptr[i + 2])));
			i += 2;
		} else if (p->quoted && v.ptr[i] == '\\' && i + 1 < v.len) {
			br_buf_addc(out, v.ptr[++i]);
		} else {
			br_buf_addc(out, v.ptr[i]);
		}
	}
}

/* The whole parameter as UTF-8; false when there is none. */
static bool param(struct br_buf *out, struct br_slice s, const char *name)
{
	struct br_buf bytes = BR_BUF_INIT(HEADER_MAX);
	struct br_slice charset = { "", 0 };
	struct param p;
	bool extended = false;
	unsigned n = 0;

	for (; n < 50 && find_param(&p, s, name, n); n++) {
		struct br_slice v = p.value;
		const char *q = n == 0 && p.percent ? memchr(v.ptr, '\'', v.len) : NULL, *r = q ? memchr(q + 1, '\'',
		    (size_t)(v.ptr + v.len - q - 1)) : NULL;
		if (r) {
			charset = br_slice(v.ptr, (size_t)(q - v.ptr));
			v = br_slice(r + 1, (size_t)(v.ptr + v.len - r - 1));
		}
		extended |= p.percent;
		unescape(&bytes, &p, v);
	}
	if (extended)
		add_decoded(out, br_buf_slice(&bytes), charset);
	else
		decode_header(out, br_buf_slice(&bytes));
	br_buf_release(&bytes);
	return n > 0;
}

/* ---- one part ---- */

static void lower_word(char *out, size_t room, struct br_slice s)
{
	size_t at = skip_blank(s, 0), n = 0;

	for (; at < s.len && n + 1 < room && !br_text__blank(s.ptr[at]) && s.ptr[at] != ';'; at++)
		out[n++] = s.ptr[at] >= 'A' && s.ptr[at] <= 'Z' ? (char)(s.ptr[at] | 32) : s.ptr[at];
	out[n] = 0;
}

/* A file's name is a label here, never a path: what could be taken for one goes. */
static char *file_name(struct br_buf *b)
{
	const char *base;

	one_line(b);
	for (size_t i = 0; i < b->len; i++)
		if (b->ptr[i] == '\\')
			b->ptr[i] = '/';
	while (b->len && b->ptr[b->len - 1] == '/')
		b->ptr[--b->len] = 0;
	base = br_path_base(b->ptr);
	if (!*base || !strcmp(base, ".") || !strcmp(base, ".."))
		return NULL;
	return br_strndup(base, br_utf8_valid(base, BR_MIN(strlen(base), (size_t)NAME_BYTES)));
}

static void read_head(struct br_text__part *p, struct br_slice entity)
{
	struct br_slice type, disposition;
	struct br_buf b = BR_BUF_INIT(HEADER_MAX * 4);
	struct param c;
	char word[64];

	*p = (struct br_text__part){ 0 };
	split(p, entity);
	type = raw_header(p->head, "Content-Type");
	disposition = raw_header(p->head, "Content-Disposition");
	lower_word(p->type, sizeof p->type, type);
	if (!strchr(p->type, '/'))
		strcpy(p->type, "text/plain");
	if (find_param(&c, type, "charset", 0))
		p->charset = c.value;
	if (param(&b, type, "boundary"))
		snprintf(p->boundary, sizeof p->boundary, "%s", b.ptr);
	br_buf_reset(&b);
	p->flowed = find_param(&c, type, "format", 0) && c.value.len == 6 && !strncasecmp(c.value.ptr, "flowed", 6);
	lower_word(word, sizeof word, raw_header(p->head, "Content-Transfer-Encoding"));
	p->base64 = !strcmp(word, "base64");
	p->quoted = !strcmp(word, "quoted-printable");
	lower_word(word, sizeof word, disposition);
	p->attached = !strcmp(word, "attachment");
	if (param(&b, disposition, "filename") || param(&b, type, "name"))
		p->name = file_name(&b);
	br_buf_release(&b);
}

/* ---- multiparts ---- */

struct walk {
	br_text__part_fn *fn;
	void *arg;
	struct br_err *err;
	unsigned parts;
};

static int walk(struct walk *w, struct br_slice entity, unsigned depth);

/* The next part at *at of a multipart's body; false at the end. */
static bool next_part(struct br_slice *out, struct br_slice body, const char *boundary, size_t *at)
{
	size_t len = strlen(boundary), begin = SIZE_MAX, n;

	for (size_t i = *at; i < body.len; i += n) {
		const char *p = body.ptr + i;
		n = line_len(body, i);
		if (n < len + 2 || p[0] != '-' || p[1] != '-' || memcmp(p + 2, boundary, len))
			continue;
		if (begin != SIZE_MAX) {
			size_t end = i - (i > begin && body.ptr[i - 1] == '\n');
			end -= end > begin && body.ptr[end - 1] == '\r';
			*out = br_slice(body.ptr + begin, end - begin);
			*at = i;
			return true;
		}
		if (n >= len + 4 && p[len + 2] == '-' && p[len + 3] == '-')
			return false;
		begin = i + n;
	}
	*out = begin < body.len ? br_slice(body.ptr + begin, body.len - begin) : br_slice("", 0);
	*at = body.len;
	return begin < body.len; /* its end is missing: it goes on to the end of the message */
}

static bool has_words(const struct br_text__part *p)
{
	for (size_t i = 0; i < p->body.len; i++)
		if (br_text__wordy(p->body.ptr[i]))
			return true;
	return false;
}

/* How good a choice an alternative is: plain text, then what contains HTML, then anything else that is text. */
static int rank(struct br_slice entity)
{
	struct br_text__part p;
	int r;

	read_head(&p, entity);
	if (!strcmp(p.type, "text/plain"))
		r = has_words(&p) ? 4 : 0;
	else if (!strcmp(p.type, "text/html"))
		r = 3;
	else
		r = !strncmp(p.type, "multipart/", 10) ? 2 : !strncmp(p.type, "text/", 5) ? 1 : 0;
	free(p.name);
	return r;
}

static int walk_alternatives(struct walk *w, const struct br_text__part *m, unsigned depth)
{
	struct br_slice part, best = { 0 };
	int best_rank = 0;

	for (size_t at = 0; next_part(&part, m->body, m->boundary, &at) && w->parts++ < BR_MAX_MIME_PARTS;) {
		int r = rank(part);
		if (r > best_rank) {
			best = part;
			best_rank = r;
		}
	}
	return best_rank ? walk(w, best, depth + 1) : 0;
}

static int walk_multipart(struct walk *w, const struct br_text__part *m, unsigned depth)
{
	struct br_slice part;
	int rc = 0;

	if (!strcmp(m->type, "multipart/alternative"))
		return walk_alternatives(w, m, depth);
	for (size_t at = 0; rc == 0 && next_part(&part, m->body, m->boundary, &at) && w->parts++ < BR_MAX_MIME_PARTS;)
		rc = walk(w, part, depth + 1);
	return rc;
}

static bool is_signature(const char *type)
{
	return !strcmp(type, "application/pgp-signature") || !strcmp(type, "application/pkcs7-signature") ||
	       !strcmp(type, "application/x-pkcs7-signature") || !strcmp(type, "application/pgp-encrypted");
}

static int walk_leaf(struct walk *w, const struct br_text__part *p)
{
	bool text = !strncmp(p->type, "text/", 5), html = !strcmp(p->type, "text/html");

	if (is_signature(p->type))
		return 0;
	if (text && !p->attached && (!p->name || html || !strcmp(p->type, "text/plain")))
		return w->fn(p, html ? BR_PART_HTML : BR_PART_PLAIN, w->arg, w->err);
	if (!p->name && (text || !strncmp(p->type, "image/", 6) || !strncmp(p->type, "message/", 8)))
		return 0; /* pictures of the layout, delivery reports */
	return w->fn(p, BR_PART_FILE, w->arg, w->err);
}

static int walk_message(struct walk *w, const struct br_text__part *p, unsigned depth)
{
	struct br_text__part inner;
	int rc;

	if (p->base64 || p->quoted) /* not allowed, but done: a document of its own */
		return w->fn(p, BR_PART_FILE, w->arg, w->err);
	read_head(&inner, p->body);
	rc = w->fn(&inner, BR_PART_MESSAGE, w->arg, w->err);
	free(inner.name);
	return rc == 0 ? walk(w, p->body, depth + 1) : rc;
}

static int walk(struct walk *w, struct br_slice entity, unsigned depth)
{
	struct br_text__part p;
	int rc;

	if (depth > BR_MAX_MIME_DEPTH)
		return 0;
	read_head(&p, entity);
	if (!strncmp(p.type, "multipart/", 10) && p.boundary[0])
		rc = walk_multipart(w, &p, depth);
	else if (!strcmp(p.type, "message/rfc822") || !strcmp(p.type, "message/global"))
		rc = walk_message(w, &p, depth);
	else
		rc = walk_leaf(w, &p);
	free(p.name);
	return rc;
}

int br_text__mime(struct br_slice message, br_text__part_fn *fn, void *arg, struct br_err *err)
{
	struct walk w = { fn, arg, err, 0 };

	return walk(&w, message, 0);
}
