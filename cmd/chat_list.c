/* `br chat list` and its like: conversations that were kept, and what people said of their answers. */
#include "chat.h"

#include <stdio.h>
#include <stdlib.h>

static void chat_line(struct br_cli *c, const struct br_chat *h)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_chat_write_json(&j, h);
	br_out_line(&c->out);
}

static int explain(struct br_cli *c, int rc)
{
	if (rc == -BR_ENOTFOUND)
		br_cli_hint(c, "'br chat list' shows what there is");
	return rc;
}

/* ---- list ---- */

struct list_params { bool all; };
static const struct br_opt list_opts[] = {
	{ "all", 'a', BR_AT_BOOL(struct list_params, all), NULL, "archived ones, too" },
	BR_OPT_END,
};

static int list_run(struct br_cli *c, struct br_err *err)
{
	const struct list_params *p = c->params;
	struct br_chats list = { 0 };
	int rc = br_chat_list(&list, &c->arena, c->ws, c->opt.notebook, NULL, p->all, err);

	for (size_t i = 0; i < list.v.n && c->opt.json && rc == 0; i++)
		chat_line(c, &list.v.v[i]);
	if (!c->opt.json && rc == 0)
		br_print_chats(c, &list);
	if (rc == 0 && !list.v.n && !c->opt.json)
		br_note(&c->out, "no conversations");
	br_vec_release(&list.v);
	return rc;
}

/* ---- show, export ---- */

static void whole_json(struct br_cli *c, const struct br_chat *h, const struct br_messages *m)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kint(&j, "v", 1);
	br_json_key(&j, "conversation");
	br_chat_write_json(&j, h);
	br_json_key(&j, "messages");
	br_json_arr(&j);
	for (size_t i = 0; i < m->v.n; i++)
		br_message_write_json(&j, &m->v.v[i]);
	br_json_end(&j);
	br_json_end(&j);
	br_out_line(&c->out);
}

static int read_whole(struct br_chat *h, struct br_messages *m, struct br_cli *c, struct br_err *err)
{
	int rc = br_chat_get(h, &c->arena, c->ws, c->opt.notebook, c->operand[0], err);

	return explain(c, rc < 0 ? rc : br_chat_messages(m, &c->arena, c->ws, c->opt.notebook, h->id, 0, err));
}

static int show_run(struct br_cli *c, struct br_err *err)
{
	struct br_messages m = { 0 };
	struct br_chat h;
	int rc = read_whole(&h, &m, c, err);

	if (rc == 0 && c->opt.json) {
		whole_json(c, &h, &m);
	} else if (rc == 0) {
		br_out_styled(&c->out, BR_BOLD, h.title);
		br_out_f(&c->out, "  %s%s%s\n\n", br_out_style(&c->out, BR_DIM), h.id, br_out_style(&c->out, BR_PLAIN));
		for (size_t i = 0; i < m.v.n; i++)
			br_print_message(c, &m.v.v[i]);
	}
	br_vec_release(&m.v);
	return rc;
}

struct export_params { const char *format; };
static const struct br_opt export_opts[] = {
	{ "format", 0, BR_AT_STR(struct export_params, format), "format", "how to write it", .dflt = "markdown", .choices = "markdown|json" },
	BR_OPT_END,
};

static int export_run(struct br_cli *c, struct br_err *err)
{
	const struct export_params *p = c->params;
	struct br_buf text = BR_BUF_INIT(1u << 30);
	struct br_messages m = { 0 };
	struct br_chat h;
	int rc = read_whole(&h, &m, c, err);

	if (rc == 0 && (c->opt.json || !strcmp(p->format, "json"))) {
		whole_json(c, &h, &m);
	} else if (rc == 0) {
		br_chat_export_markdown(&text, &h, m.v.v, m.v.n);
		if ((rc = br_buf_check(&text, "the conversation", err)) == 0)
			br_out_text(&c->out, text.ptr, text.len);
	}
	br_buf_release(&text);
	br_vec_release(&m.v);
	return rc;
}

/* ---- rename, pin, archive ---- */

static int change(struct br_cli *c, const struct br_chat_change *to, struct br_err *err)
{
	struct br_chat h;
	int rc = explain(c, br_chat_set(&h, &c->arena, c->ws, c->opt.notebook, c->operand[0], to, err));

	if (rc == 0 && c->opt.json)
		chat_line(c, &h);
	return rc;
}

static int rename_run(struct br_cli *c, struct br_err *err)
{
	return change(c, &(struct br_chat_change){ c->operand[1], -1, -1 }, err);
}

struct off_params { bool off; };
static const struct br_opt off_opts[] = {
	{ "off", 0, BR_AT_BOOL(struct off_params, off), NULL, "take it back" },
	BR_OPT_END,
};

static int pin_run(struct br_cli *c, struct br_err *err)
{
	const struct off_params *p = c->params;

	return change(c, &(struct br_chat_change){ NULL, !p->off, -1 }, err);
}

static int archive_run(struct br_cli *c, struct br_err *err)
{
	const struct off_params *p = c->params;

	return change(c, &(struct br_chat_change){ NULL, -1, !p->off }, err);
}

/* ---- delete ---- */

struct delete_params { bool yes; };
static const struct br_opt delete_opts[] = {
	{ "yes", 'y', BR_AT_BOOL(struct delete_params, yes), NULL, "do not ask" },
	BR_OPT_END,
};

static int delete_run(struct br_cli *c, struct br_err *err)
{
	const struct delete_params *p = c->params;
	struct br_chat h;
	char *question;
	bool sure;
	int rc;

	if ((rc = explain(c, br_chat_get(&h, &c->arena, c->ws, c->opt.notebook, c->operand[0], err))) < 0)
		return rc;
	question = br_sprintf("Delete conversation '%s' with %u %s?", h.title, h.messages, br_plural(h.messages, "message", "messages"));
	sure = p->yes || br_confirm(c, question);
	free(question);
	if (!sure) {
		br_cli_hint(c, "--yes deletes without asking");
		return br_fail(err, BR_EUSAGE, "conversation '%s' was not deleted: nobody said yes", h.title);
	}
	return br_chat_delete(NULL, c->ws, c->opt.notebook, h.id, err);
}

/* ---- feedback ---- */

struct feedback_params { bool like, dislike; const char *comment; };
static const struct br_opt feedback_opts[] = {
	{ "like", 0, BR_AT_BOOL(struct feedback_params, like), NULL, "the answer was good" },
	{ "dislike", 0, BR_AT_BOOL(struct feedback_params, dislike), NULL, "the answer was not good" },
	{ "comment", 'm', BR_AT_STR(struct feedback_params, comment), "text", "what about it" },
	BR_OPT_END,
};

static int feedback_check(struct br_cli *c, struct br_err *err)
{
	const struct feedback_params *p = c->params;

	return p->like == p->dislike ? br_fail(err, BR_EUSAGE, "say either --like or --dislike") : 0;
}

static int feedback_run(struct br_cli *c, struct br_err *err)
{
	const struct feedback_params *p = c->params;
	struct br_message m;
	struct br_json j;
	int rc = br_message_feedback(&m, &c->arena, c->ws, c->opt.notebook, c->operand[0], p->like ? 1 : -1, p->comment, err);

	if (rc == -BR_ENOTFOUND)
		br_cli_hint(c, "'br chat show last' names messages");
	if (rc == 0 && c->opt.json) {
		br_json_init(&j, br_out_json(&c->out), false);
		br_message_write_json(&j, &m);
		br_out_line(&c->out);
	}
	return rc;
}

/* ---- the tables ---- */

static const struct br_cmd list_cmd = {
	.name = "list", .summary = "show the conversations of the notebook", .opts = list_opts, .params_size = sizeof(struct list_params),
	.flags = BR_CMD_WS, .run = list_run,
};
static const struct br_cmd show_cmd = {
	.name = "show", .summary = "show a conversation with its messages", .operands = "<conversation>", .min = 1, .max = 1,
	.flags = BR_CMD_WS | BR_CMD_PAGER, .run = show_run,
};
static const struct br_cmd rename_cmd = {
	.name = "rename", .summary = "give a conversation a title", .operands = "<conversation> <title>", .min = 2, .max = 2,
	.flags = BR_CMD_WS, .run = rename_run,
};
static const struct br_cmd pin_cmd = {
	.name = "pin", .summary = "list a conversation first", .operands = "<conversation>", .min = 1, .max = 1,
	.opts = off_opts, .params_size = sizeof(struct off_params), .flags = BR_CMD_WS, .run = pin_run,
};
static const struct br_cmd archive_cmd = {
	.name = "archive", .summary = "put a conversation away; it is listed with --all", .operands = "<conversation>", .min = 1, .max = 1,
	.opts = off_opts, .params_size = sizeof(struct off_params), .flags = BR_CMD_WS, .run = archive_run,
};
static const struct br_cmd delete_cmd = {
	.name = "delete", .summary = "delete a conversation with its messages", .operands = "<conversation>", .min = 1, .max = 1,
	.opts = delete_opts, .params_size = sizeof(struct delete_params), .flags = BR_CMD_WS, .run = delete_run,
};
static const struct br_cmd export_cmd = {
	.name = "export", .summary = "write a conversation to standard output", .operands = "<conversation>", .min = 1, .max = 1,
	.opts = export_opts, .params_size = sizeof(struct export_params), .flags = BR_CMD_WS, .run = export_run,
};
static const struct br_cmd feedback_cmd = {
	.name = "feedback", .summary = "say whether an answer was good", .operands = "<message>", .min = 1, .max = 1,
	.opts = feedback_opts, .params_size = sizeof(struct feedback_params), .flags = BR_CMD_WS, .check = feedback_check, .run = feedback_run,
};
const struct br_cmd *const br_chat_subs[] = {
	&list_cmd, &show_cmd, &rename_cmd, &pin_cmd, &archive_cmd, &delete_cmd, &export_cmd, &feedback_cmd, NULL,
};
