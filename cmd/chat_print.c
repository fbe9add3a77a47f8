/* Answers and conversations as people and programs read them: text with a list of citations, JSON of br-json(7). */
#include "chat.h"
#include "query.h"

/* ---- JSON ---- */

static void reply_json(struct br_talk *t)
{
	const struct br_reply *r = &t->reply;
	struct br_json j;
	char iso[32];

	br_json_init(&j, br_out_json(&t->c->out), false);
	br_json_obj(&j);
	br_json_kint(&j, "v", 1);
	br_json_kstr(&j, "question", r->question);
	br_json_kstr(&j, "answer", r->text);
	br_json_kbool(&j, "found", r->found);
	br_json_key(&j, "citations");
	br_reply_citations(&j, r, false);
	br_json_kstr(&j, "conversation_id", t->chat.id[0] ? t->chat.id : NULL);
	br_json_kstr(&j, "message_id", t->reply_id[0] ? t->reply_id : NULL);
	br_json_kstr(&j, "notebook", r->notebook);
	br_reply_origin(&j, r);
	br_time_iso(iso, r->indexed_at);
	br_json_kstr(&j, "indexed_at", r->indexed_at ? iso : NULL);
	br_json_kuint(&j, "stale_sources", r->stale_sources);
	br_json_knum(&j, "took_ms", r->took_ms, 3);
	br_json_key(&j, "tokens");
	br_json_obj(&j);
	br_json_kuint(&j, "prompt", r->tokens.prompt);
	br_json_kuint(&j, "completion", r->tokens.completion);
	br_json_end(&j);
	br_json_key(&j, "suggested");
	br_json_arr(&j);
	for (const char **s = r->suggested; s && *s; s++)
		br_json_str(&j, *s);
	br_json_end(&j);
	br_json_end(&j);
	br_out_line(&t->c->out);
}

/* ---- text ---- */

static void place(struct br_cli *c, const struct br_citation *q)
{
	struct br_out *o = &c->out;

	br_out_f(o, "%s[%u]%s ", br_out_style(o, BR_BOLD), q->n, br_out_style(o, BR_PLAIN));
	if (o->colour)
		br_link_begin(c, q->path);
	br_out_styled(o, BR_PATH, q->path);
	if (q->line) {
		br_out_f(o, ":%s%u", br_out_style(o, BR_LINE), q->line);
		if (q->line_end > q->line)
			br_out_f(o, "-%u", q->line_end);
		br_out_s(o, br_out_style(o, BR_PLAIN));
	}
	if (o->colour)
		br_link_end(c);
	if (q->page)
		br_out_f(o, ", page %u", q->page);
	if (q->stale)
		br_out_f(o, "  %schanged since%s", br_out_style(o, BR_DIM), br_out_style(o, BR_PLAIN));
	br_out_s(o, "\n");
}

static void notes(struct br_cli *c, const struct br_reply *r)
{
	if (r->degraded)
		br_note(&c->out, "%s ran as less: %s", r->strategy, r->degraded);
	if (r->repaired)
		br_note(&c->out, "%s %s that pointed nowhere %s removed", br_human_count(r->repaired).s, br_plural(r->repaired, "citation", "citations"),
		        br_plural(r->repaired, "was", "were"));
	if (r->stale_sources)
		br_note(&c->out, "%s %s changed since %s indexed; 'br sync' brings %s up to date", br_human_count(r->stale_sources).s,
		        br_plural(r->stale_sources, "source has", "sources have"), br_plural(r->stale_sources, "it was", "they were"),
		        br_plural(r->stale_sources, "it", "them"));
}

static void suggestions(struct br_out *o, const struct br_reply *r)
{
	if (!r->suggested || !r->suggested[0])
		return;
	br_out_f(o, "\n%sOne could also ask%s\n", br_out_style(o, BR_DIM), br_out_style(o, BR_PLAIN));
	for (const char **s = r->suggested; *s; s++) {
		br_out_s(o, "  ");
		br_out_text(o, *s, strlen(*s));
		br_out_s(o, "\n");
	}
}

void br_print_reply(struct br_talk *t)
{
	const struct br_reply *r = &t->reply;
	struct br_out *o = &t->c->out;

	if (t->c->opt.json) {
		reply_json(t);
		return;
	}
	if (!t->streamed) {
		br_out_s(o, t->session ? "\n" : "");
		br_out_text(o, r->text, strlen(r->text));
		t->last = r->text[0] ? r->text[strlen(r->text) - 1] : 0;
	}
	br_out_s(o, t->last == '\n' ? "" : "\n");
	if (r->found)
		br_out_s(o, "\n");
	for (size_t i = 0; i < r->n && r->found; i++)
		if (r->cite[i].cited)
			place(t->c, &r->cite[i]);
	suggestions(o, r);
	br_out_s(o, t->session ? "\n" : "");
	notes(t->c, r);
}

static void indented(struct br_out *o, const char *s)
{
	size_t n;

	for (; *s; s += n + (s[n] == '\n')) {
		n = strcspn(s, "\n");
		br_out_s(o, "    ");
		br_out_text(o, s, n);
		br_out_s(o, "\n");
	}
}

void br_print_quotes(struct br_cli *c, const struct br_reply *r)
{
	for (size_t i = 0; i < r->n && r->found; i++) {
		if (!r->cite[i].cited)
			continue;
		place(c, &r->cite[i]);
		indented(&c->out, r->cite[i].quote);
	}
}

/* ---- conversations ---- */

void br_print_message(struct br_cli *c, const struct br_message *m)
{
	struct br_out *o = &c->out;
	char iso[32];

	br_time_iso(iso, m->created_ms / 1000);
	br_out_styled(o, BR_BOLD, m->role == BR_ROLE_USER ? "Question" : "Answer");
	br_out_f(o, "  %s%s  %s%s%s\n", br_out_style(o, BR_DIM), iso, m->id, m->verdict > 0 ? "  liked" : m->verdict < 0 ? "  disliked" : "",
	         br_out_style(o, BR_PLAIN));
	indented(o, m->text);
	br_out_s(o, "\n");
}

void br_print_chats(struct br_cli *c, const struct br_chats *list)
{
	struct br_columns t = { .align = "llrl" };

	for (size_t i = 0; i < list->v.n; i++) {
		const struct br_chat *h = &list->v.v[i];
		br_columns_add(&t, BR_DIM, "%s", h->id);
		br_columns_add(&t, BR_PLAIN, "%s", br_human_age(h->last ? h->last : h->created, br_now()).s);
		br_columns_add(&t, BR_PLAIN, "%u %s", h->messages, br_plural(h->messages, "message", "messages"));
		br_columns_add(&t, h->pinned ? BR_BOLD : BR_PLAIN, "%s%s%s", h->title, h->pinned ? "  (pinned)" : "", h->archived ? "  (archived)" : "");
	}
	br_columns_print(&c->out, &t);
}
