/* Mails and mailboxes: what they say, and what is attached. No helper is there: HTML parts are refused. */
#include "fuzz.h"

#include "text/helper.h"
#include "text/mime.h"

static void check_name(const char *name)
{
	HOLDS(*name && *name != '/' && br_utf8_valid(name, strlen(name)) == strlen(name));
	for (const char *p = name; *p; p += strcspn(p, "/"), p += *p == '/') {
		size_t n = strcspn(p, "/");
		HOLDS(n && !(n == 1 && *p == '.') && !(n == 2 && p[0] == '.' && p[1] == '.'));
		for (size_t i = 0; i < n; i++)
			HOLDS((unsigned char)p[i] >= ' ' && p[i] != 0x7f);
	}
}

static void check_members(enum br_format format, struct br_slice bytes)
{
	struct br_members *m;
	struct br_member one;
	BR_VEC(char *) seen = { 0 };

	if (br_members_open(&m, "/nonexistent/br-extract", "a.mbox", format, bytes, NULL) < 0)
		return;
	while (br_members_next(&one, m, NULL) > 0) {
		check_name(one.name);
		for (size_t i = 0; i < seen.n; i++)
			HOLDS(strcmp(seen.v[i], one.name));
		*br_vec_push(&seen) = br_strdup(one.name);
		(void)br_hash64(one.bytes.ptr, one.bytes.len);
		HOLDS(seen.n <= bytes.len);
	}
	br_members_close(m);
	for (size_t i = 0; i < seen.n; i++)
		free(seen.v[i]);
	br_vec_release(&seen);
}

static int on_part(const struct br_text__part *p, enum br_text__role role, void *arg, struct br_err *err)
{
	const struct br_slice *whole = arg;
	struct br_buf bytes = BR_BUF_INIT(1 << 24);

	(void)err;
	HOLDS(role <= BR_PART_MESSAGE && (!p->body.len || (p->body.ptr >= whole->ptr && p->body.ptr + p->body.len <= whole->ptr + whole->len)));
	HOLDS(!p->name || br_utf8_valid(p->name, strlen(p->name)) == strlen(p->name));
	br_text__part_bytes(&bytes, p);
	HOLDS(bytes.len <= p->body.len);
	br_buf_release(&bytes);
	return 0;
}

FUZZ(text_mail)
{
	struct br_extracted e;
	struct br_text__helper helper = { .path = br_strdup("/nonexistent/br-extract"), .reply = BR_BUF_INIT(1 << 20) };
	struct br_buf h = BR_BUF_INIT(1 << 24);
	struct br_err err = { 0 };

	br_extracted_init(&e);
	e.format = BR_FMT_MAIL;
	HOLDS(br_text__mime(in, on_part, &in, &err) == 0);
	if (br_text__header(&h, br_text__head(in), "Subject"))
		HOLDS(br_utf8_valid(h.ptr, h.len) == h.len && !memchr(h.ptr, '\n', h.len));
	if (br_text__read_mail(&e, &helper, in, &err) == 0) {
		e.format = BR_FMT_MAIL;
		fuzz_check_rendered(&e);
	} else {
		HOLDS(err.code && err.msg[0]);
	}
	(void)br_has_members(BR_FMT_MAIL, in);
	check_members(BR_FMT_MAIL, in);
	check_members(BR_FMT_MBOX, in);
	br_extracted_release(&e);
	br_text__helper_release(&helper);
	br_buf_release(&h);
}
