/* `br chat`: answers with citations. One question from the operands or from standard input, or a session at the terminal. */
#include "chat.h"

#include "br/llm.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHOICE(name, ...) "|" #name
static const struct br_opt opts[] = {
	{ "conversation", 'c', BR_AT_STR(struct br_chat_params, conversation), "id",
	  "go on with this conversation; 'last' is the one written to last" },
	{ "new", 0, BR_AT_BOOL(struct br_chat_params, new_chat), NULL, "begin a conversation with this question" },
	{ "top", 'k', BR_AT_INT(struct br_chat_params, top), "n", "passages an answer is made from, 50 at the most", .key = "search.top",
	  .min = 1, .max = BR_MAX_TOP },
	{ "strategy", 's', BR_AT_STR(struct br_chat_params, strategy), "name", "how passages are found", .key = "search.strategy",
	  .choices = BR_STRATEGY_LIST(CHOICE) },
	{ "files", 0, BR_AT_STR(struct br_chat_params, files), "glob", "only from documents whose path matches" },
	{ "filter", 'f', BR_AT_LIST(struct br_chat_params, filter), "condition", "only from documents for which this holds, as for 'br query'" },
	{ "plain", 0, BR_AT_BOOL(struct br_chat_params, plain), NULL, "the question is words only: quotes, '-' and field: mean nothing" },
	{ "persona", 0, BR_AT_STR(struct br_chat_params, persona), "name", "how a language model writes", .choices = BR_PERSONA_LIST(CHOICE) },
	{ "language", 0, BR_AT_STR(struct br_chat_params, language), "code", "language of the answer", .choices = BR_LANGUAGE_LIST(CHOICE) },
	{ "strict", 0, BR_AT_BOOL(struct br_chat_params, strict), NULL, "fail rather than run as less, and accept no answer without a citation" },
	{ "quote", 0, BR_AT_BOOL(struct br_chat_params, quote), NULL, "quote sentences, even if a language model is configured" },
	{ "suggest", 0, BR_AT_BOOL(struct br_chat_params, suggest), NULL, "also suggest questions" },
	{ "no-stream", 0, BR_AT_BOOL(struct br_chat_params, no_stream), NULL, "print the answer when it is whole" },
	{ "no-save", 0, BR_AT_BOOL(struct br_chat_params, no_save), NULL, "keep nothing of what is said" },
	BR_OPT_END,
};

/* ---- beginning and end ---- */

void br_talk_files(struct br_talk *t, const char *glob)
{
	const struct br_chat_params *p = t->c->params;
	size_t k = 0;

	t->filter.v = br_arena_zalloc(&t->c->arena, (p->filter.n + 2) * sizeof *t->filter.v);
	for (; k < p->filter.n; k++)
		t->filter.v[k] = p->filter.v[k];
	if (glob)
		t->filter.v[k++] = br_arena_printf(&t->c->arena, "path~%s", glob);
	t->filter.n = k;
}

int br_talk_resume(struct br_talk *t, const char *id, struct br_err *err)
{
	int rc = br_chat_get(&t->chat, &t->c->arena, t->c->ws, t->c->opt.notebook, id, err);

	if (rc == -BR_ENOTFOUND)
		br_cli_hint(t->c, "'br chat list' shows what there is");
	t->keep = rc == 0;
	return rc;
}

int br_talk_begin(struct br_talk *t, struct br_cli *c, struct br_err *err)
{
	const struct br_chat_params *p = c->params;
	int rc;

	*t = (struct br_talk){ .c = c, .persona = p->persona, .language = p->language, .strategy = p->strategy };
	br_talk_files(t, p->files);
	if (p->conversation && (rc = br_talk_resume(t, p->conversation, err)) < 0)
		return rc;
	if (p->new_chat)
		t->keep = true;
	if (p->no_save)
		t->keep = false;
	if (!p->quote && br_llm_configured(c->config, BR_LLM_CHAT)) {
		if ((rc = br_answer_service_open(&t->service, c->config, NULL, err)) < 0)
			return rc;
		t->model = br_answer_service_model(t->service);
	}
	if (p->persona && !t->model)
		br_note(&c->out, "br: no language model is configured: sentences are quoted, and --persona changes nothing");
	t->searcher = br_searcher_new(c->ws);
	return 0;
}

void br_talk_end(struct br_talk *t)
{
	br_reply_release(&t->reply);
	br_searcher_free(t->searcher);
	br_answer_service_close(t->service);
}

/* ---- one question ---- */

static int on_piece(const char *text, size_t n, void *arg)
{
	struct br_talk *t = arg;

	if (br_stop_signal())
		return 1;
	if (!t->streamed)
		br_out_s(&t->c->out, t->session ? "\n" : "");
	t->streamed = true;
	t->last = n ? text[n - 1] : t->last;
	br_out_text(&t->c->out, text, n);
	br_out_flush(&t->c->out);
	return 0;
}

/* What was said before, for follow-ups. */
static int load_history(struct br_messages *m, struct br_turn **turn, struct br_arena *a, struct br_talk *t, struct br_err *err)
{
	int rc = br_chat_messages(m, a, t->c->ws, t->c->opt.notebook, t->chat.id, BR_MAX_HISTORY, err);

	*turn = br_arena_alloc(a, (m->v.n + 1) * sizeof **turn);
	for (size_t i = 0; i < m->v.n; i++)
		(*turn)[i] = (struct br_turn){ m->v.v[i].role == BR_ROLE_USER, m->v.v[i].text };
	return rc;
}

static int find_answer(struct br_talk *t, const char *question, struct br_err *err)
{
	const struct br_chat_params *p = t->c->params;
	struct br_answer_opts o = BR_ANSWER_OPTS_DEFAULT;
	struct br_messages m = { 0 };
	struct br_turn *turn = NULL;
	struct br_arena a = { 0 };
	int rc = 0;

	o.query.notebook = t->c->opt.notebook;
	o.query.strategy = t->strategy;
	o.query.top = (uint32_t)p->top;
	o.query.filter = t->filter.v;
	o.query.plain = p->plain;
	o.query.threads = br_cores();
	o.persona = t->persona;
	o.language = t->language;
	o.strict = p->strict;
	o.suggest = p->suggest;
	o.model = t->model;
	o.cache = t->model != NULL && !p->no_save; /* quoting is quicker than writing down what was quoted */
	if (!t->c->opt.json && !p->no_stream) {
		o.token = on_piece;
		o.arg = t;
	}
	if (t->chat.id[0])
		rc = load_history(&m, &turn, &a, t, err);
	o.history = turn;
	o.n_history = m.v.n;
	if (rc == 0)
		rc = br_answer(&t->reply, t->searcher, question, &o, err);
	br_vec_release(&m.v);
	br_arena_release(&a);
	return rc;
}

static int keep_it(struct br_talk *t, struct br_err *err)
{
	struct br_message saved[2];
	struct br_arena a = { 0 };
	bool made = false;
	int rc = 0;

	if (!t->chat.id[0]) {
		rc = br_chat_create(&t->chat, &t->c->arena, t->c->ws, t->c->opt.notebook, NULL, NULL, err);
		made = rc == 0;
	}
	if (rc == 0 && (rc = br_chat_save(saved, &a, t->c->ws, t->c->opt.notebook, t->chat.id, &t->reply, NULL, NULL, err)) == 0)
		memcpy(t->reply_id, saved[1].id, sizeof t->reply_id);
	if (made && !t->session && !t->c->opt.json)
		br_note(&t->c->out, "conversation %s", t->chat.id);
	br_arena_release(&a);
	return rc;
}

int br_talk_ask(struct br_talk *t, const char *question, struct br_err *err)
{
	int rc;

	br_reply_release(&t->reply);
	t->streamed = false;
	t->reply_id[0] = 0;
	if ((rc = find_answer(t, question, err)) < 0)
		return rc;
	if (t->keep && (rc = keep_it(t, err)) < 0)
		return rc;
	br_print_reply(t);
	br_out_flush(&t->c->out);
	return br_asked_add(t->c->ws, t->c->opt.notebook, &t->reply, "", err);
}

/* ---- where questions come from ---- */

int br_talk_too_long(const struct br_buf *text, struct br_err *err)
{
	if (text->failed == BR_ENOMEM)
		return br_buf_check(text, "the question", err);
	return br_fail(err, BR_EUSAGE, "a question has at most %d bytes", BR_MAX_QUERY);
}

static int ask_operands(struct br_talk *t, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_QUERY + 1);
	int rc;

	for (size_t i = 0; i < t->c->n; i++)
		br_buf_addf(&text, "%s%s", i ? " " : "", t->c->operand[i]);
	rc = text.failed ? br_talk_too_long(&text, err) : br_talk_ask(t, text.ptr, err);
	br_buf_release(&text);
	return rc;
}

static int ask_stdin(struct br_talk *t, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_QUERY + 2);
	int rc = br_fd_read(&text, 0, BR_MAX_QUERY, "standard input", err);

	while (rc == 0 && text.len && strchr(" \t\r\n", text.ptr[text.len - 1]))
		text.ptr[--text.len] = 0;
	if (rc == 0)
		rc = strlen(text.ptr) == text.len ? br_talk_ask(t, text.ptr, err) : br_fail(err, BR_EUSAGE, "the question has a NUL byte");
	br_buf_release(&text);
	return rc;
}

static int chat_check(struct br_cli *c, struct br_err *err)
{
	const struct br_chat_params *p = c->params;

	if (p->conversation && p->new_chat)
		return br_fail(err, BR_EUSAGE, "--conversation and --new exclude each other");
	if (p->new_chat && p->no_save)
		return br_fail(err, BR_EUSAGE, "--new and --no-save exclude each other");
	return 0;
}

static int chat_run(struct br_cli *c, struct br_err *err)
{
	const struct br_chat_params *p = c->params;
	struct br_talk t;
	int rc = br_talk_begin(&t, c, err);

	if (rc == 0 && !c->n && isatty(0)) {
		t.session = true;
		t.keep = !p->no_save;
		rc = br_talk_session(&t, err);
		br_talk_end(&t);
		return rc;
	}
	if (rc == 0)
		rc = !c->n || (c->n == 1 && !strcmp(c->operand[0], "-")) ? ask_stdin(&t, err) : ask_operands(&t, err);
	if (rc == 0)
		rc = br_status(t.reply.found ? BR_OK : BR_ENOTFOUND);
	br_talk_end(&t);
	return rc;
}

static const struct br_example examples[] = {
	{ "br chat who takes the lock", "an answer from the documents, with citations" },
	{ "br chat --new 'who takes the lock'", "and begin a conversation" },
	{ "br chat -c last 'and who waits for it?'", "go on with it" },
	{ "echo 'who takes the lock' | br chat --json -", "for scripts; exit 1 when nothing answers" },
	{ "br chat list", "the conversations of the notebook" },
	{ NULL },
};
const struct br_cmd br_cmd_chat = {
	.name = "chat", .group = "search", .summary = "answer questions from the documents, with citations",
	.operands = "[<question>...]", .min = 0, .max = -1,
	.opts = opts, .params_size = sizeof(struct br_chat_params), .sub = br_chat_subs,
	.flags = BR_CMD_WS | BR_CMD_LONG, .check = chat_check, .run = chat_run, .examples = examples,
};
