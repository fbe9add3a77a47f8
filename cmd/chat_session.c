/*
 * The session of `br chat` at a terminal: questions and commands that begin with '/'. Ctrl-C stops an answer or drops the line and the
 * session goes on; Ctrl-D ends it. A backslash at the end of a line continues it on the next.
 */
#include "chat.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct command {
	const char *name, *arg, *help;
	int (*run)(struct br_talk *t, const char *arg, struct br_err *err); /* 1: the session ends */
};
static const struct command commands[];

/* ---- commands ---- */

static int cmd_help(struct br_talk *t, const char *arg, struct br_err *err)
{
	struct br_columns table = { .align = "ll" };

	(void)arg, (void)err;
	for (const struct command *c = commands; c->name; c++) {
		br_columns_add(&table, BR_PLAIN, "  %s%s%s", c->name, c->arg ? " " : "", c->arg ? c->arg : "");
		br_columns_add(&table, BR_DIM, "%s", c->help);
	}
	br_columns_print(&t->c->out, &table);
	return 0;
}

static int cmd_new(struct br_talk *t, const char *arg, struct br_err *err)
{
	const struct br_chat_params *p = t->c->params;

	(void)arg, (void)err;
	t->chat = (struct br_chat){ 0 };
	t->keep = !p->no_save;
	t->reply_id[0] = 0;
	return 0;
}

static int cmd_list(struct br_talk *t, const char *arg, struct br_err *err)
{
	struct br_chats list = { 0 };
	int rc = br_chat_list(&list, &t->c->arena, t->c->ws, t->c->opt.notebook, NULL, false, err);

	(void)arg;
	if (rc == 0)
		br_print_chats(t->c, &list);
	br_vec_release(&list.v);
	return rc;
}

static int cmd_open(struct br_talk *t, const char *arg, struct br_err *err)
{
	struct br_messages m = { 0 };
	int rc = br_talk_resume(t, arg[0] ? arg : "last", err);

	if (rc == 0)
		rc = br_chat_messages(&m, &t->c->arena, t->c->ws, t->c->opt.notebook, t->chat.id, 0, err);
	for (size_t i = 0; i < m.v.n && rc == 0; i++)
		br_print_message(t->c, &m.v.v[i]);
	br_vec_release(&m.v);
	return rc;
}

static int cmd_title(struct br_talk *t, const char *arg, struct br_err *err)
{
	const struct br_chat_change to = { arg, -1, -1 };

	if (!t->chat.id[0])
		return br_fail(err, BR_EUSAGE, "nothing was said yet");
	return br_chat_set(&t->chat, &t->c->arena, t->c->ws, t->c->opt.notebook, t->chat.id, &to, err);
}

static int cmd_quotes(struct br_talk *t, const char *arg, struct br_err *err)
{
	(void)arg, (void)err;
	br_print_quotes(t->c, &t->reply);
	return 0;
}

static int judge(struct br_talk *t, int verdict, const char *comment, struct br_err *err)
{
	struct br_message m;

	if (!t->reply_id[0])
		return br_fail(err, BR_EUSAGE, "there is no answer that was kept");
	return br_message_feedback(&m, &t->c->arena, t->c->ws, t->c->opt.notebook, t->reply_id, verdict, comment, err);
}

static int cmd_like(struct br_talk *t, const char *arg, struct br_err *err) { return judge(t, 1, arg, err); }
static int cmd_dislike(struct br_talk *t, const char *arg, struct br_err *err) { return judge(t, -1, arg, err); }

static int cmd_suggest(struct br_talk *t, const char *arg, struct br_err *err)
{
	const char **q = NULL;
	int rc = br_suggest(&q, &t->c->arena, t->c->ws, t->c->opt.notebook, 5, err);

	(void)arg;
	for (; rc == 0 && *q; q++) {
		br_out_text(&t->c->out, *q, strlen(*q));
		br_out_s(&t->c->out, "\n");
	}
	return rc;
}

static int cmd_persona(struct br_talk *t, const char *arg, struct br_err *err)
{
	(void)err;
	t->persona = arg[0] ? br_arena_strdup(&t->c->arena, arg) : NULL;
	return 0;
}

static int cmd_language(struct br_talk *t, const char *arg, struct br_err *err)
{
	(void)err;
	t->language = arg[0] ? br_arena_strdup(&t->c->arena, arg) : NULL;
	return 0;
}

static int cmd_strategy(struct br_talk *t, const char *arg, struct br_err *err)
{
	(void)err;
	t->strategy = arg[0] ? br_arena_strdup(&t->c->arena, arg) : NULL;
	return 0;
}

static int cmd_files(struct br_talk *t, const char *arg, struct br_err *err)
{
	(void)err;
	br_talk_files(t, arg[0] ? arg : NULL);
	return 0;
}

static int cmd_quit(struct br_talk *t, const char *arg, struct br_err *err)
{
	(void)t, (void)arg, (void)err;
	return 1;
}

static const struct command commands[] = {
	{ "/help", NULL, "this list", cmd_help },
	{ "/new", NULL, "begin another conversation", cmd_new },
	{ "/list", NULL, "conversations of this notebook", cmd_list },
	{ "/open", "<id>", "go on with another conversation; without an id the one written to last", cmd_open },
	{ "/title", "<text>", "give this conversation a title", cmd_title },
	{ "/quotes", NULL, "what the last answer cites, word for word", cmd_quotes },
	{ "/like", "[<comment>]", "the last answer was good", cmd_like },
	{ "/dislike", "[<comment>]", "the last answer was not good", cmd_dislike },
	{ "/suggest", NULL, "questions one could ask", cmd_suggest },
	{ "/files", "[<glob>]", "only documents whose path matches; without one all", cmd_files },
	{ "/strategy", "[<name>]", "how passages are found", cmd_strategy },
	{ "/persona", "[<name>]", "how a language model writes", cmd_persona },
	{ "/language", "[<code>]", "language of the answers", cmd_language },
	{ "/quit", NULL, "end the session, as Ctrl-D", cmd_quit },
	{ NULL },
};

static const struct command *find_command(const char *word, size_t n)
{
	const struct command *found = NULL;

	for (const struct command *c = commands; c->name; c++) {
		if (strncmp(c->name, word, n))
			continue;
		if (strlen(c->name) == n)
			return c;
		if (found)
			return NULL; /* the beginning of two */
		found = c;
	}
	return found;
}

static int run_command(struct br_talk *t, const char *line, struct br_err *err)
{
	size_t n = strcspn(line, " \t");
	const struct command *c = find_command(line, n);

	if (!c)
		return br_fail(err, BR_EUSAGE, "there is no '%.*s'; /help lists what there is", (int)BR_MIN(n, (size_t)40), line);
	line += n;
	return c->run(t, line + strspn(line, " \t"), err);
}

/* ---- lines ---- */

/* One question or command: lines ended by a backslash are joined. False: no more input. */
static bool read_entry(struct br_buf *out, struct br_edit *e)
{
	const char *line = br_edit_line(e, "br> ");

	br_buf_reset(out);
	while (line) {
		size_t n = strlen(line);
		while (n && isspace((unsigned char)line[n - 1]))
			n--;
		if (!n || line[n - 1] != '\\') {
			br_buf_add(out, line, n);
			break;
		}
		br_buf_add(out, line, n - 1);
		br_buf_addc(out, '\n');
		line = br_edit_line(e, "... ");
	}
	br_edit_remember(e, out->ptr);
	return line != NULL;
}

static void tell_error(struct br_talk *t, int rc, const struct br_err *err)
{
	if (rc == -BR_ECANCELLED)
		br_note(&t->c->out, "%sstopped", t->streamed ? "\n" : "");
	else
		br_warn(&t->c->out, "%s", err->msg);
}

static int take_entry(struct br_talk *t, const char *text, struct br_err *err)
{
	text += strspn(text, " \t\r\n");
	if (!text[0])
		return 0;
	return text[0] == '/' ? run_command(t, text, err) : br_talk_ask(t, text, err);
}

/* What would fail every time ends the session; what is about one question does not. */
static bool is_fatal(int rc)
{
	return rc == -BR_ECORRUPT || rc == -BR_EVERSION || rc == -BR_ENOMEM || rc == -BR_EBUG;
}

static int session(struct br_talk *t, struct br_edit *e, struct br_err *err)
{
	struct br_buf entry = BR_BUF_INIT(BR_MAX_QUERY + 2);
	int rc = 0;

	for (;;) {
		br_forget_signal();
		if (!read_entry(&entry, e)) {
			if (!br_stop_signal())
				break;
			br_out_s(&t->c->out, "\n");
			br_out_flush(&t->c->out);
			continue;
		}
		br_forget_signal();
		rc = entry.failed ? br_talk_too_long(&entry, err) : take_entry(t, entry.ptr, err);
		br_out_flush(&t->c->out);
		if (rc > 0 || is_fatal(rc) || t->c->out.write_errno)
			break;
		if (rc < 0)
			tell_error(t, rc, err);
		rc = 0;
	}
	br_buf_release(&entry);
	return BR_MIN(rc, 0);
}

int br_talk_session(struct br_talk *t, struct br_err *err)
{
	const char *names[BR_COUNT(commands)] = { NULL };
	struct br_edit *e;
	int rc;

	for (size_t i = 0; commands[i].name; i++)
		names[i] = commands[i].name;
	br_note(&t->c->out, "Ask a question; /help lists commands, Ctrl-D ends.");
	e = br_edit_new(names);
	rc = session(t, e, err);
	br_edit_free(e);
	br_out_s(&t->c->out, "\n");
	return rc;
}
