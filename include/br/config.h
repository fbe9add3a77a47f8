/*
 * config - settings: one table of every key, read from built in < user < workspace < environment (< option, by the caller).
 * Part of base.
 * Trust:   settings marked `trusted` reach the network or run programs; from a workspace's config they count only after
 *          `br config trust`, which records the file's hash at user level. User level, environment and options always count.
 * Format:  ini: [section] and `name = value`; key "search.top" is `top` in [search]. See br-config(5).
 */
#ifndef BR_CONFIG_H
#define BR_CONFIG_H

#include "br/base.h"

enum br_setting_type { BR_SET_STR, BR_SET_INT, BR_SET_NUM, BR_SET_BOOL, BR_SET_ENUM, BR_SET_SECONDS, BR_SET_BYTES };
struct br_setting {
	const char *key, *env;      /* "search.top", "BR_TOP" or NULL */
	enum br_setting_type type;
	const char *dflt;           /* NULL: unset */
	double min, max;            /* numbers */
	const char *choices;        /* ENUM: "a|b|c" */
	bool trusted;
	const char *help;
	bool secret;                /* the value is shown to nobody */
};
const struct br_setting *br_settings(size_t *n);        /* src/base/settings.c: the table */
const struct br_setting *br_setting_find(const char *key);

enum br_config_level { BR_CONFIG_BUILTIN, BR_CONFIG_USER, BR_CONFIG_WORKSPACE, BR_CONFIG_ENV };
struct br_config;
/* dir: the workspace folder, or NULL. Unknown keys and bad values are warnings in the log, named with file and line; a file that cannot be parsed is an error. */
BR_MUST_USE int br_config_load(struct br_config **out, const char *dir, struct br_err *err);
/* Reads everything again; values handed out before stay good. After an error c is as it was. Readers in other threads may go on meanwhile. */
BR_MUST_USE int br_config_reload(struct br_config *c, const char *dir, struct br_err *err);
void br_config_free(struct br_config *c);
/* Value in force and, if asked, the level it comes from; NULL when unset. key must be in the table. */
const char *br_config_get(const struct br_config *c, const char *key, enum br_config_level *level);
int64_t br_config_int(const struct br_config *c, const char *key);
double br_config_num(const struct br_config *c, const char *key);
bool br_config_bool(const struct br_config *c, const char *key);
/* Checks, then edits one line of the level's file (comments and order stay), atomically. value NULL removes. Mode 0600.
 * A workspace file that was trusted stays so. */
BR_MUST_USE int br_config_set(const char *dir, enum br_config_level level, const char *key, const char *value, struct br_err *err);
char *br_config_path(const char *dir, enum br_config_level level);   /* caller frees */
BR_MUST_USE int br_config_check(const char *key, const char *value, struct br_err *err); /* USAGE */
/* Trust of the workspace's config file as it stands now. */
BR_MUST_USE int br_config_trust(const char *dir, bool trust, struct br_err *err);
bool br_config_trusted(const struct br_config *c);
/* Keys set in the workspace's file that do not count for lack of trust; comma-separated, "" if none. */
const char *br_config_ignored(const struct br_config *c);

#endif
