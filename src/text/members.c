/*
 * The members of a container, one after the other: archives are unpacked by the child, mailboxes are cut at their
 * "From " lines and mails at their attachments here. What names say is made harmless: they only label documents.
 */
#include "helper.h"
#include "mime.h"

#include <stdlib.h>
#include <strings.h>

enum { MEMBER_NAME = 1024 /* bytes kept of a name */, KEPT_PART = 1 << 20 };

/* Names that were given, by hash, so that none is given twice. */
struct names { uint64_t *slot; size_t n, size; };

struct attachment { struct br_text__part part; char *name; };

struct br_members {
	enum br_format format;
	char *container;                 /* its own name, without folders */
	struct br_slice bytes;
	size_t at;                       /* MBOX: where the next message begins */
	BR_VEC(struct attachment) attachment; /* MAIL */
	struct br_text__helper helper;   /* ZIP, TAR */
	struct names names;
	struct br_buf name, content, why;
	uint64_t left;                   /* bytes that may still come */
	size_t count;
};

/* ---- names ---- */

/* True when it was not there before. A hash of 64 bits that meets another's costs a suffix, nothing more. */
static bool names_add(struct names *t, const char *name)
{
	uint64_t h = br_hash64(name, strlen(name)) | 1;
	size_t i;

	if (t->n * 2 >= t->size) {
		struct names big = { br_allocn(t->size ? t->size * 2 : 64, sizeof *big.slot), t->n, t->size
		    ? t->size * 2 : 64 };
		for (i = 0; i < t->size; i++)
			for (size_t k = t->slot[i] & (big.size - 1); t->slot[i]; k = (k + 1) & (big.size - 1))
				if (!big.slot[k]) {
					big.slot[k] = t->slot[i];
					break;
				}
		free(t->slot);
		*t = big;
	}
	for (i = h & (t->size - 1); t->slot[i]; i = (i + 1) & (t->size - 1))
		if (t->slot[i] == h)
			return false;
	t->slot[i] = h;
	t->n++;
	return true;
}

/* "a.pdf", then "a-2.pdf", "a-3.pdf": into m->name. */
static void unique(struct br_members *m, const char *name)
{
	const char *ext = br_path_ext(name);
	size_t stem = strlen(name) - (*ext ? strlen(ext) + 1 : 0);

	br_buf_reset(&m->name);
	br_buf_adds(&m->name, name);
	for (unsigned i = 2; !names_add(&m->names, m->name.ptr); i++) {
		br_buf_reset(&m->name);
		br_buf_addf(&m->name, "%.*s-%u%s", (int)stem, name, i, name + stem);
	}
}

/* "/a/../b\n" as "a/b?": no empty parts, no "." and "..", nothing that is not printed. Into out. */
static void clean_name(struct br_buf *out, struct br_slice raw)
{
	struct br_buf utf8 = BR_BUF_INIT(4 * MEMBER_NAME);
	char encoding[24];

	raw.len = BR_MIN(raw.len, (size_t)MEMBER_NAME);
	if (br_decode(&utf8, encoding, raw, NULL) < 0)
		br_buf_reset(&utf8);
	br_buf_reset(out);
	for (const char *p = utf8.ptr; *p;) {
		size_t n = strcspn(p, "/");
		bool dots = (n == 1 && *p == '.') || (n == 2 && p[0] == '.' && p[1] == '.');
		if (n && !dots) {
			if (out->len)
				br_buf_addc(out, '/');
			for (size_t i = 0; i < n; i++)
				br_buf_addc(out, (unsigned char)p[i] < ' ' || p[i] == 0x7f ? '?' : p[i]);
		}
		p += n + (p[n] == '/');
	}
	br_buf_release(&utf8);
}

/* ---- mailboxes ---- */

/* "From " at the begin of a line, behind an empty one, and a header in the next line. */
static bool begins_message(struct br_slice b, size_t at)
{
	const char *p = b.ptr + at, *end = b.ptr + b.len, *nl;

	if (b.len - at < 6 || memcmp(p, "From ", 5) || !(nl = memchr(p, '\n', (size_t)(end - p))))
		return false;
	if (at && !(at >= 2 && p[-1] == '\n' && (p[-2] == '\n' || (p[-2] == '\r' && at >= 3 && p[-3] == '\n'))))
		return false;
	for (p = nl + 1; p < end && *p != ':' && (unsigned char)*p > ' '; p++)
		;
	return p < end && *p == ':' && p > nl + 1;
}

static size_t next_message(struct br_slice b, size_t at)
{
	while (at < b.len) {
		const char *p = memmem(b.ptr + at, b.len - at, "\nFrom ", 6);
		if (!p)
			break;
		at = (size_t)(p + 1 - b.ptr);
		if (begins_message(b, at))
			return at;
	}
	return b.len;
}

/* Lines ">From " lose one ">". */
static struct br_slice unquoted(struct br_buf *out, struct br_slice message)
{
	const char *end = message.ptr + message.len, *p = message.ptr, *q;

	if (!memmem(message.ptr, message.len, "\n>", 2) || !memmem(message.ptr, message.len, ">From ", 6))
		return message;
	br_buf_reset(out);
	while ((q = memmem(p, (size_t)(end - p), "\n>", 2))) {
		const char *r = q + 1;
		while (r < end && *r == '>')
			r++;
		br_buf_add(out, p, (size_t)(q + 1 - p));
		p = q + 1 + (end - r >= 5 && !memcmp(r, "From ", 5));
	}
	br_buf_add(out, p, (size_t)(end - p));
	return br_buf_slice(out);
}

/* Messages are named by their id, which stays when others come and go; those without by their content. */
static void name_message(struct br_members *m, struct br_slice message)
{
	struct br_buf id = BR_BUF_INIT(64 << 10), clean = BR_BUF_INIT(4 * MEMBER_NAME);
	uint8_t sha[32];
	char hex[65];
	size_t n;

	if (br_text__header(&id, br_text__head(message), "Message-ID")) {
		for (size_t i = 0; i < id.len; i++)
			id.ptr[i] = strchr("<> \"'/\\", id.ptr[i]) ? ' ' : id.ptr[i];
		for (n = 0; id.ptr[n] == ' '; n++)
			;
		clean_name(&clean, br_slice(id.ptr + n, BR_MIN(strcspn(id.ptr + n, " "), (size_t)150)));
	}
	if (!clean.len) {
		br_sha256(sha, message.ptr, message.len);
		br_hex(hex, sha, sizeof sha);
		br_buf_add(&clean, hex, 16);
	}
	br_buf_adds(&clean, ".eml");
	unique(m, clean.ptr);
	br_buf_release(&id);
	br_buf_release(&clean);
}

static int next_of_mailbox(struct br_member *out, struct br_members *m)
{
	struct br_slice message;
	size_t begin = m->at;
	const char *nl;

	if (begin >= m->bytes.len)
		return 0;
	m->at = next_message(m->bytes, begin);
	message = br_slice(m->bytes.ptr + begin, m->at - begin);
	if (begins_message(m->bytes, begin) && (nl = memchr(message.ptr, '\n', message.len)))
		message = br_slice(nl + 1, message.len - (size_t)(nl + 1 - message.ptr));
	message = unquoted(&m->content, message);
	name_message(m, message);
	out->bytes = message;
	return 1;
}

/* ---- attachments ---- */

static const char *ending_for(const char *type)
{
	static const struct { const char *type, *ending; } endings[] = {
		{ "application/pdf", "pdf" }, { "application/zip", "zip" }, { "application/msword", "doc" },
		    { "application/json", "json" },
		{ "text/calendar", "ics" }, { "text/html", "html" }, { "text/csv", "csv" }, { "message/rfc822",
		    "eml" }, { "image/png", "png" },
		{ "image/jpeg", "jpg" },
	};

	for (size_t i = 0; i < BR_COUNT(endings); i++)
		if (!strcmp(endings[i].type, type))
			return endings[i].ending;
	return !strncmp(type, "text/", 5) ? "txt" : "bin";
}

static int on_attachment(const struct br_text__part *p, enum br_text__role role, void *arg, struct br_err *err)
{
	struct br_members *m = arg;
	struct attachment *a;

	(void)err;
	if (role != BR_PART_FILE)
		return 0;
	a = br_vec_push(&m->attachment);
	a->part = *p;
	a->part.name = NULL;
	a->name = p->name && p->name[0] ? br_strdup(p->name) : br_sprintf("part-%zu.%s", m->attachment.n,
	    ending_for(p->type));
	return 0;
}

static int next_of_mail(struct br_member *out, struct br_members *m)
{
	struct attachment *a;
	struct br_buf clean = BR_BUF_INIT(4 * MEMBER_NAME);

	if (m->count >= m->attachment.n)
		return 0;
	a = &m->attachment.v[m->count];
	clean_name(&clean, br_slice_str(a->name));
	unique(m, clean.len ? clean.ptr : "part.bin");
	br_buf_release(&clean);
	br_buf_reset(&m->content);
	br_text__part_bytes(&m->content, &a->part);
	out->bytes = br_buf_slice(&m->content);
	return 1;
}

static int count_file(const struct br_text__part *p, enum br_text__role role, void *arg, struct br_err *err)
{
	(void)p, (void)err;
	*(bool *)arg |= role == BR_PART_FILE;
	return 0;
}

/* ---- archives ---- */

/* A file that was only compressed has no name inside: "notes.txt.gz" holds "notes.txt". */
static void name_single(struct br_members *m, struct br_buf *out)
{
	const char *ext = br_path_ext(m->container);
	size_t n = strlen(m->container) - (*ext ? strlen(ext) + 1 : 0);

	br_buf_reset(out);
	if (n)
		br_buf_add(out, m->container, n);
	else
		br_buf_adds(out, "content");
}

static int next_of_archive(struct br_member *out, struct br_members *m, struct br_err *err)
{
	struct br_buf clean = BR_BUF_INIT(4 * MEMBER_NAME);
	struct br_slice body, name;
	struct br_rd r;
	uint32_t code;
	int rc = br_text__helper_member(&m->helper, &code, &body, err);

	if (rc <= 0)
		return rc;
	r = br_rd(body);
	name = br_rd_lstr(&r);
	if (r.bad)
		return br_fail(err, BR_ECORRUPT, "the extractor's reply is damaged: member");
	clean_name(&clean, name);
	if (!clean.len)
		name_single(m, &clean);
	unique(m, clean.ptr);
	br_buf_release(&clean);
	out->bytes = br_slice(r.p, (size_t)(r.end - r.p));
	if (code != BR_OK) {
		br_buf_reset(&m->why);
		for (const unsigned char *p = r.p; p < r.end && m->why.len < 200; p++)
			br_buf_addc(&m->why, *p < ' ' || *p >= 0x7f ? '?' : (char)*p);
		out->refused = m->why.ptr;
		out->code = (enum br_code)code;
		out->bytes = br_slice("", 0);
	}
	return 1;
}

/* ---- all ---- */

bool br_is_archive(enum br_format format)
{
	return format == BR_FMT_ZIP || format == BR_FMT_TAR || format == BR_FMT_MBOX;
}

bool br_has_members(enum br_format format, struct br_slice bytes)
{
	bool found = false;

	if (br_is_archive(format))
		return true;
	return format == BR_FMT_MAIL && br_text__mime(bytes, count_file, &found, NULL) == 0 && found;
}

int br_members_open(struct br_members **out, const char *helper, const char *name, enum br_format format,
        struct br_slice bytes, struct br_err *err)
{
	struct br_members *m = br_alloc(sizeof *m);
	int rc = 0;

	m->format = format;
	m->bytes = bytes;
	m->left = BR_MAX_UNPACKED;
	m->container = br_strdup(br_path_base(name));
	m->helper.path = br_strdup(helper);
	br_buf_init(&m->helper.reply, BR_MAX_MEMBER + (64u << 10));
	br_buf_init(&m->name, 8 * MEMBER_NAME);
	br_buf_init(&m->content, BR_MAX_FILE);
	br_buf_init(&m->why, 4096);
	if (format == BR_FMT_MAIL)
		rc = br_text__mime(bytes, on_attachment, m, err);
	else if (format != BR_FMT_MBOX)
		rc = br_text__helper_unpack(&m->helper, format, bytes, err);
	if (rc < 0)
		br_members_close(m);
	else
		*out = m;
	return rc;
}

int br_members_next(struct br_member *out, struct br_members *m, struct br_err *err)
{
	int rc;

	*out = (struct br_member){ .code = BR_OK };
	if (m->content.cap > KEPT_PART)
		br_buf_release(&m->content);
	rc = m->format == BR_FMT_MAIL ? next_of_mail(out, m) : m->format == BR_FMT_MBOX ? next_of_mailbox(out, m)
	    : next_of_archive(out, m, err);
	if (rc <= 0)
		return rc;
	out->name = m->name.ptr;
	if (++m->count > BR_MAX_MEMBERS)
		return br_fail(err, BR_ETOOBIG, "holds more than %u documents", BR_MAX_MEMBERS);
	if (out->bytes.len > m->left)
		return br_fail(err, BR_ETOOBIG, "unpacks to more than %u MB", BR_MAX_UNPACKED >> 20);
	m->left -= out->bytes.len;
	if (out->bytes.len > BR_MAX_MEMBER) {
		*out = (struct br_member){ .name = m->name.ptr, .refused = "larger than 64 MB", .code = BR_ETOOBIG };
		_Static_assert(BR_MAX_MEMBER == 64u << 20, "as the message says");
	}
	return 1;
}

void br_members_close(struct br_members *m)
{
	if (!m)
		return;
	br_text__helper_release(&m->helper);
	for (size_t i = 0; i < m->attachment.n; i++)
		free(m->attachment.v[i].name);
	br_vec_release(&m->attachment);
	free(m->names.slot);
	free(m->container);
	br_buf_release(&m->name);
	br_buf_release(&m->content);
	br_buf_release(&m->why);
	free(m);
}
