/* chat - conversations and their records, inside src/answer. */
#ifndef BR_ANSWER_CHAT_H
#define BR_ANSWER_CHAT_H

#include "internal.h"

void br_answer__chat_encode(struct br_buf *b, const struct br_chat *c);
int br_answer__chat_decode(struct br_chat *out, struct br_arena *a, uint32_t number, struct br_slice rec, struct br_err *err);
void br_answer__message_encode(struct br_buf *b, const struct br_message *m);
int br_answer__message_decode(struct br_message *out, struct br_arena *a, struct br_slice rec, struct br_err *err);
void br_answer__chat_key(struct br_key *k, uint32_t nb, uint32_t number);
void br_answer__message_key(struct br_key *k, uint32_t nb, uint32_t chat, uint32_t number);
void br_answer__said_id_key(struct br_key *k, int kind, uint32_t nb, const char *id); /* of table EXTID; kind: BR_EXT_... */

/* In a transaction. `id`: as in br/answer.h. */
int br_answer__chat_find(struct br_chat *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *id, struct br_err *err);
int br_answer__chat_put(struct br_txn *t, uint32_t nb, const struct br_chat *c, struct br_err *err);
typedef int chat_fn(const struct br_chat *c, void *arg, struct br_err *err);
int br_answer__chat_each(struct br_txn *t, struct br_arena *a, uint32_t nb, chat_fn *fn, void *arg, struct br_err *err);
int br_answer__nb_number(uint32_t *out, struct br_txn *t, const char *notebook, struct br_err *err);

#endif
