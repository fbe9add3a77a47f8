/* chat - what the parts of `br chat` share. */
#ifndef BR_CMD_CHAT_H
#define BR_CMD_CHAT_H

#include "cmd.h"

struct br_chat_params {
	int64_t top;
	const char *strategy, *conversation, *persona, *language, *files;
	struct br_list filter;
	bool new_chat, quote, strict, no_stream, no_save, plain, suggest;
};

/* A run of `br chat`: one question, or many in a session. */
struct br_talk {
	struct br_cli *c;
	struct br_searcher *searcher;
	struct br_answer_service *service;   /* the configured language model, or NULL */
	const struct br_answer_model *model; /* of it; NULL: answers are quoted */
	const char *persona, *language, *strategy; /* as they are now: a session may change them */
	struct br_list filter;               /* --filter, and --files as path~glob */
	struct br_chat chat;                 /* id "": none yet */
	bool keep;                           /* what is said goes into chat, which is made when there is none */
	bool session;
	struct br_reply reply;               /* the last one */
	char reply_id[37];                   /* of its message, "" when not kept */
	bool streamed;                       /* text went out while it came */
	char last;                           /* byte that was printed */
};
int br_talk_begin(struct br_talk *t, struct br_cli *c, struct br_err *err);
void br_talk_end(struct br_talk *t);
int br_talk_ask(struct br_talk *t, const char *question, struct br_err *err); /* prints the answer */
int br_talk_too_long(const struct br_buf *text, struct br_err *err); /* of a buffer that failed */
void br_talk_files(struct br_talk *t, const char *glob);                      /* only documents whose path matches; NULL: all */
int br_talk_resume(struct br_talk *t, const char *id, struct br_err *err);
int br_talk_session(struct br_talk *t, struct br_err *err);                   /* chat_session.c */

/* chat_print.c */
void br_print_reply(struct br_talk *t);           /* what is still to be said of t->reply */
void br_print_quotes(struct br_cli *c, const struct br_reply *r);
void br_print_message(struct br_cli *c, const struct br_message *m);
void br_print_chats(struct br_cli *c, const struct br_chats *list);

/* chat_edit.c: one line from the person at the terminal, with history; NULL at the end of input. Valid until the next one. */
struct br_edit;
struct br_edit *br_edit_new(const char *const *commands);  /* NULL-terminated: completed at the beginning of a line */
void br_edit_free(struct br_edit *e);
const char *br_edit_line(struct br_edit *e, const char *prompt);
void br_edit_remember(struct br_edit *e, const char *line);

extern const struct br_cmd *const br_chat_subs[]; /* chat_list.c */

#endif
