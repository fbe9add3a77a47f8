/*
 * Mail: the headers that say what it is about, then what it says; HTML where there is no plain text, read by the
 * child. Messages within it follow in place. Attachments are documents of their own, see members.c.
 */
#include "helper.h"
#include "mime.h"

#include <stdlib.h>

struct mail {
	struct br_extracted *e;
	struct br_text__helper *helper;
	struct br_buf bytes, utf8;
};

/* ---- headers ---- */

static void add_header(struct br_buf *out, struct br_slice head, const char *name)
{
	size_t had = out->len;

	if (had)
		br_buf_addc(out, '\n');
	br_buf_addf(out, "%s: ", name);
	if (!br_text__header(out, head, name) || out->ptr[out->len - 1] == ' ') {
		out->len = had;
		out->ptr[had] = 0;
	}
}

static void add_headers(struct mail *m, struct br_slice head, bool own)
{
	static const char *const names[] = { "From", "To", "Cc", "Date" };
	struct br_buf b = BR_BUF_INIT(1 << 20);

	if (br_text__header(&b, head, "Subject") && b.len) {
		if (own)
			br_text__title(m->e, b.ptr, b.len);
		br_text__put(m->e, BR_BLOCK_HEADING, own ? 1 : 2, br_buf_slice(&b));
	}
	br_buf_reset(&b);
	for (size_t i = 0; i < BR_COUNT(names); i++)
		add_header(&b, head, names[i]);
	br_text__put(m->e, BR_BLOCK_PARA, 0, br_buf_slice(&b));
	br_buf_release(&b);
}

/* ---- bodies ---- */

/* format=flowed: a line that ends with a space goes on in the next, unless that is the mark of a signature. */
static void unflow(struct br_buf *b)
{
	for (size_t i = 1; i + 1 < b->len; i++)
		if (b->ptr[i] == '\n' && b->ptr[i - 1] == ' ' && b->ptr[i + 1] != '>' && b->ptr[i + 1] != '\n' &&
		    !(i >= 3 && !memcmp(b->ptr + i - 3, "-- ", 3) && (i == 3 || b->ptr[i - 4] == '\n')))
			b->ptr[i] = ' ';
}

static int add_plain(struct mail *m, const struct br_text__part *p, struct br_err *err)
{
	struct br_extracted body;
	int rc;

	br_extracted_init(&body);
	body.format = BR_FMT_PLAIN;
	rc = br_text__decode_as(&body.text, m->e->encoding, br_buf_slice(&m->bytes), p->charset, err);
	if (rc == 0 && p->flowed)
		unflow(&body.text);
	if (rc == 0 && (rc = br_read_plain(&body, "", err)) == 0) {
		/* Lines of capitals are no headings here: they would stand above what follows. */
		for (size_t i = 0; i < body.blocks.n; i++)
			if (body.blocks.v[i].kind == BR_BLOCK_HEADING) {
				body.blocks.v[i].kind = BR_BLOCK_PARA;
				body.blocks.v[i].level = 0;
			}
		free(body.title);
		body.title = NULL;
		br_text__append(m->e, &body);
	}
	br_extracted_release(&body);
	return rc;
}

static int add_html(struct mail *m, const struct br_text__part *p, struct br_err *err)
{
	struct br_extracted body;
	struct br_err why = { 0 };
	int rc;

	br_extracted_init(&body);
	rc = br_text__decode_as(&m->utf8, m->e->encoding, br_buf_slice(&m->bytes), p->charset, err);
	if (rc == 0)
		rc = br_text__helper_ask(&body, m->helper, BR_FMT_HTML, br_buf_slice(&m->utf8), &why);
	if (rc == 0) {
		free(body.title);
		body.title = NULL;
		br_text__append(m->e, &body);
	} else if (rc == -BR_EUNSUPPORTED && body.blocks.n == 0 && strstr(why.msg, "no text")) {
		rc = 0; /* pictures only */
	} else if (why.code) {
		rc = br_fail(err, why.code, "%s", why.msg);
	}
	br_extracted_release(&body);
	return rc;
}

static int on_part(const struct br_text__part *p, enum br_text__role role, void *arg, struct br_err *err)
{
	struct mail *m = arg;
	int rc;

	if (role == BR_PART_MESSAGE)
		add_headers(m, p->head, false);
	if (role != BR_PART_PLAIN && role != BR_PART_HTML)
		return 0;
	br_buf_reset(&m->bytes);
	br_text__part_bytes(&m->bytes, p);
	rc = role == BR_PART_PLAIN ? add_plain(m, p, err) : add_html(m, p, err);
	return rc < 0 ? rc : br_buf_check(&m->e->text, "text", err);
}

int br_text__read_mail(struct br_extracted *out, struct br_text__helper *h, struct br_slice bytes, struct br_err *err)
{
	struct mail m = { out, h, BR_BUF_INIT(BR_MAX_FILE), BR_BUF_INIT(BR_MAX_FILE + BR_MAX_FILE / 2) };
	int rc;

	strcpy(out->encoding, "US-ASCII");
	add_headers(&m, br_text__head(bytes), true);
	rc = br_text__mime(bytes, on_part, &m, err);
	br_buf_release(&m.bytes);
	br_buf_release(&m.utf8);
	if (rc == 0)
		br_text__finish(out);
	return rc;
}
