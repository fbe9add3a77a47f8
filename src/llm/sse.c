/*
 * Server-sent events, as far as model services use them: the data of each event, wherever the pieces are cut. Names, ids and
 * comments are read over. Line ends are LF, CRLF or CR.
 */
#include "internal.h"

void br_llm__sse_init(struct br_llm__sse *p, int (*event)(struct br_slice, void *, struct br_err *), void *arg)
{
	*p = (struct br_llm__sse){ .event = event, .arg = arg };
	br_buf_init(&p->line, BR_MAX_LLM_EVENT);
	br_buf_init(&p->data, BR_MAX_LLM_EVENT);
}

void br_llm__sse_release(struct br_llm__sse *p)
{
	br_buf_release(&p->line);
	br_buf_release(&p->data);
}

static int too_long(struct br_err *err)
{
	return br_fail(err, BR_ETOOBIG, "an event of its stream has more than %u bytes", BR_MAX_LLM_EVENT);
}

static int dispatch(struct br_llm__sse *p, struct br_err *err)
{
	int rc = 0;

	if (p->has_data)
		rc = p->event(br_buf_slice(&p->data), p->arg, err);
	br_buf_reset(&p->data);
	p->has_data = false;
	return rc;
}

static void add_data(struct br_llm__sse *p, struct br_slice value)
{
	if (value.len && *value.ptr == ' ')
		value = br_slice(value.ptr + 1, value.len - 1);
	if (p->has_data)
		br_buf_addc(&p->data, '\n');
	br_buf_add(&p->data, value.ptr, value.len);
	p->has_data = true;
}

static int take_line(struct br_llm__sse *p, struct br_err *err)
{
	struct br_slice l = br_buf_slice(&p->line);
	static const char bom[] = "\xef\xbb\xbf";
	int rc = 0;

	if (!p->begun && l.len >= 3 && !memcmp(l.ptr, bom, 3))
		l = br_slice(l.ptr + 3, l.len - 3);
	p->begun = true;
	if (!l.len)
		rc = dispatch(p, err);
	else if (l.len >= 5 && !memcmp(l.ptr, "data:", 5))
		add_data(p, br_slice(l.ptr + 5, l.len - 5));
	else if (l.len == 4 && !memcmp(l.ptr, "data", 4))
		add_data(p, br_slice("", 0));
	br_buf_reset(&p->line);
	return rc == 0 && p->data.failed ? too_long(err) : rc;
}

int br_llm__sse_feed(struct br_llm__sse *p, struct br_slice bytes, struct br_err *err)
{
	const char *at = bytes.ptr, *end = at + bytes.len;
	int rc = 0;

	while (at < end && rc == 0) {
		size_t n = 0;

		if (p->cr && *at == '\n') {
			p->cr = false;
			at++;
			continue;
		}
		p->cr = false;
		while (at + n < end && at[n] != '\n' && at[n] != '\r')
			n++;
		br_buf_add(&p->line, at, n);
		if (p->line.failed)
			return too_long(err);
		at += n;
		if (at < end) {
			p->cr = *at++ == '\r';
			rc = take_line(p, err);
		}
	}
	return rc;
}

int br_llm__sse_end(struct br_llm__sse *p, struct br_err *err)
{
	int rc = p->line.len ? take_line(p, err) : 0;

	return rc == 0 ? dispatch(p, err) : rc;
}
