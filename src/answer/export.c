/*
 * Conversations for programs and for readers: JSON objects, and Markdown with citations as a list under each answer.
 */
#include "internal.h"

#include <stdio.h>

static void time_or_null(struct br_json *j, const char *key, int64_t at)
{
	char iso[32];

	br_time_iso(iso, at);
	br_json_kstr(j, key, at ? iso : NULL);
}

/* Milliseconds stay: messages of one second keep their order. */
static void time_ms(char out[40], int64_t ms)
{
	char iso[32];

	br_time_iso(iso, ms / 1000);
	snprintf(out, 40, "%.19s.%03dZ", iso, (int)(ms % 1000));
}

void br_chat_write_json(struct br_json *j, const struct br_chat *c)
{
	br_json_obj(j);
	br_json_kstr(j, "id", c->id);
	br_json_kstr(j, "title", c->title);
	br_json_kstr(j, "owner", c->owner);
	br_json_kbool(j, "pinned", c->pinned);
	br_json_kbool(j, "archived", c->archived);
	br_json_kuint(j, "messages", c->messages);
	time_or_null(j, "created", c->created);
	time_or_null(j, "updated", c->updated);
	time_or_null(j, "last_message", c->last);
	br_json_end(j);
}

/* A stored value as it was written; what does not parse any more is left out. */
static void stored_json(struct br_json *j, const char *key, const char *text, const char *empty)
{
	struct br_jdoc *d;
	struct br_err err;

	br_json_key(j, key);
	if (br_jdoc_parse(&d, br_slice_str(text && text[0] ? text : empty), key, &err) < 0) {
		br_json_raw(j, empty, strlen(empty));
		return;
	}
	br_jval_write(j, br_jdoc_root(d));
	br_jdoc_free(d);
}

void br_message_write_json(struct br_json *j, const struct br_message *m)
{
	char at[40];

	br_json_obj(j);
	br_json_kstr(j, "id", m->id);
	br_json_kstr(j, "conversation_id", m->chat_id);
	br_json_kstr(j, "role", m->role == BR_ROLE_USER ? "user" : "assistant");
	time_ms(at, m->created_ms);
	br_json_kstr(j, "created", at);
	br_json_kstr(j, "content", m->text);
	stored_json(j, "citations", m->citations, "[]");
	stored_json(j, "run", m->meta, "{}");
	br_json_key(j, "tokens");
	br_json_obj(j);
	br_json_kuint(j, "prompt", m->tokens.prompt);
	br_json_kuint(j, "completion", m->tokens.completion);
	br_json_end(j);
	br_json_knum(j, "took_ms", m->took_ms, 3);
	br_json_key(j, "feedback");
	if (m->verdict || (m->comment && m->comment[0])) {
		br_json_obj(j);
		br_json_kstr(j, "verdict", m->verdict > 0 ? "like" : m->verdict < 0 ? "dislike" : NULL);
		br_json_kstr(j, "comment", m->comment);
		br_json_end(j);
	} else {
		br_json_null(j);
	}
	br_json_end(j);
}

/* ---- Markdown ---- */

static void one_line(struct br_buf *out, const char *s)
{
	for (; *s; s++)
		br_buf_addc(out, (unsigned char)*s < 0x20 ? ' ' : *s);
}

static double number(const struct br_jval *obj, const char *key)
{
	double v;

	return br_jval_num(&v, br_jval_get(obj, key)) ? v : 0;
}

static void citation(struct br_buf *out, const struct br_jval *c)
{
	const struct br_jval *lines = br_jval_get(c, "lines");
	const char *path = br_jval_str(br_jval_get(c, "path")), *quote = br_jval_str(br_jval_get(c, "quote"));
	double from = number(lines, "from"), to = number(lines, "to"), page = number(c, "page");

	br_buf_addf(out, "- [%.0f] `", number(c, "n"));
	one_line(out, path ? path : "");
	if (from > 0)
		br_buf_addf(out, to > from ? ":%.0f-%.0f" : ":%.0f", from, to);
	br_buf_addc(out, '`');
	if (page > 0)
		br_buf_addf(out, ", page %.0f", page);
	br_buf_adds(out, ": ");
	one_line(out, quote ? quote : "");
	br_buf_addc(out, '\n');
}

static void citations(struct br_buf *out, const char *text)
{
	const struct br_jval *c;
	struct br_jdoc *d;
	struct br_err err;
	bool cited;

	if (!text || br_jdoc_parse(&d, br_slice_str(text), "citations", &err) < 0)
		return;
	for (c = br_jval_first(br_jdoc_root(d)); c; c = br_jval_next(c))
		if (!br_jval_bool(&cited, br_jval_get(c, "cited")) || cited)
			citation(out, c);
	br_buf_addc(out, '\n');
	br_jdoc_free(d);
}

void br_chat_export_markdown(struct br_buf *out, const struct br_chat *c, const struct br_message *m, size_t n)
{
	char at[40];

	br_buf_adds(out, "# ");
	one_line(out, c->title);
	br_buf_addf(out, "\n\nConversation %s\n\n", c->id);
	for (size_t i = 0; i < n; i++) {
		time_ms(at, m[i].created_ms);
		br_buf_addf(out, "## %s, %s\n\n", m[i].role == BR_ROLE_USER ? "Question" : "Answer", at);
		br_buf_adds(out, m[i].text);
		br_buf_adds(out, "\n\n");
		if (m[i].role == BR_ROLE_ASSISTANT)
			citations(out, m[i].citations);
		if (m[i].verdict)
			br_buf_addf(out, "Feedback: %s", m[i].verdict > 0 ? "like" : "dislike");
		if (m[i].verdict && m[i].comment[0]) {
			br_buf_adds(out, ", ");
			one_line(out, m[i].comment);
		}
		if (m[i].verdict)
			br_buf_adds(out, "\n\n");
	}
}
