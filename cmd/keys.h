/* What the files of `br keys` share. */
#ifndef BR_CMD_KEYS_H
#define BR_CMD_KEYS_H

#include "cmd.h"

/* One key as a JSON object in a line; secret NULL: without. */
int br_keys_json(struct br_cli *c, struct br_txn *t, const struct br_apikey *k, const char *secret, struct br_err *err);
int br_keys_text(struct br_cli *c, struct br_txn *t, const struct br_apikey *k, struct br_err *err);
/* "active", or why its current secret is refused. */
const char *br_keys_state(const struct br_apikey *k, int64_t now);
/* Name of a notebook by id, in the run's arena; NULL when there is none. */
const char *br_keys_notebook(struct br_cli *c, struct br_txn *t, const char *id);

extern const struct br_cmd br_keys_list, br_keys_show, br_keys_usage;

#endif
