/* `br config`: reads and changes settings, and trusts a workspace's own. */
#include "cmd.h"

#include <stdlib.h>
#include <unistd.h>

static const char *const level_names[] = {
	[BR_CONFIG_BUILTIN] = "built in", [BR_CONFIG_USER] = "user", [BR_CONFIG_WORKSPACE] = "workspace",
	[BR_CONFIG_ENV] = "environment",
};

struct config_params { bool user; };
static const struct br_opt level_opts[] = {
	{ "user", 0, BR_AT_BOOL(struct config_params, user), NULL, "the user's own settings instead of the workspace's" },
	BR_OPT_END,
};
struct list_params { bool set; };
static const struct br_opt list_opts[] = {
	{ "set", 0, BR_AT_BOOL(struct list_params, set), NULL, "only settings that differ from the built-in ones" },
	BR_OPT_END,
};

static int known(struct br_cli *c, const char *key, struct br_err *err)
{
	const struct br_setting *s;
	const char *names[128], *close;
	size_t n, i;

	if (br_setting_find(key))
		return 0;
	s = br_settings(&n);
	for (i = 0; i < n && i < BR_COUNT(names); i++)
		names[i] = s[i].key;
	if ((close = br_closest(key, names, i)))
		br_cli_hint(c, "did you mean '%s'?", close);
	else
		br_cli_hint(c, "'br config list' shows every setting");
	return br_fail(err, BR_EUSAGE, "there is no setting '%s'", key);
}

/* ---- get, list ---- */

#define HIDDEN "(hidden)"

/* What is shown of a value: of a key, only that there is one. */
static const char *shown(const struct br_setting *s, const char *value)
{
	return value && s->secret ? HIDDEN : value;
}

static void print_json(struct br_cli *c, const struct br_setting *s, const char *value, enum br_config_level level)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "key", s->key);
	br_json_kstr(&j, "value", shown(s, value));
	br_json_kstr(&j, "from", value ? level_names[level] : NULL);
	br_json_kstr(&j, "default", s->dflt);
	br_json_kstr(&j, "env", s->env);
	br_json_kstr(&j, "help", s->help);
	br_json_end(&j);
	br_out_line(&c->out);
}

static int get_run(struct br_cli *c, struct br_err *err)
{
	enum br_config_level level = BR_CONFIG_BUILTIN;
	const char *value;
	int rc;

	if ((rc = known(c, c->operand[0], err)) < 0)
		return rc;
	value = br_config_get(c->config, c->operand[0], &level);
	if (c->opt.json)
		print_json(c, br_setting_find(c->operand[0]), value, level);
	else if (value)
		br_out_f(&c->out, "%s\n", shown(br_setting_find(c->operand[0]), value));
	return value ? 0 : br_status(BR_ENOTFOUND);
}

static int list_run(struct br_cli *c, struct br_err *err)
{
	const struct list_params *p = c->params;
	struct br_columns t = { .align = "lll" };
	enum br_config_level level;
	const struct br_setting *s;
	const char *value;
	size_t n, i;

	(void)err;
	s = br_settings(&n);
	for (i = 0; i < n; i++) {
		level = BR_CONFIG_BUILTIN;
		value = br_config_get(c->config, s[i].key, &level);
		if (p->set && level == BR_CONFIG_BUILTIN)
			continue;
		if (c->opt.json) {
			print_json(c, &s[i], value, level);
			continue;
		}
		br_columns_add(&t, BR_BOLD, "%s", s[i].key);
		br_columns_add(&t, BR_PLAIN, "%s", value ? shown(&s[i], value) : "-");
		br_columns_add(&t, level == BR_CONFIG_BUILTIN ? BR_DIM : BR_GOOD, "%s", value ? level_names[level] : "unset");
	}
	br_columns_print(&c->out, &t);
	return 0;
}

/* ---- set, unset ---- */

static int edit(struct br_cli *c, const char *key, const char *value, struct br_err *err)
{
	const struct config_params *p = c->params;
	int rc;

	if ((rc = known(c, key, err)) < 0 || (value && (rc = br_config_check(key, value, err)) < 0))
		return rc;
	if (!p->user && !c->dir) {
		br_cli_hint(c, "'br config %s --user ...' changes your own settings", c->cmd->name);
		return br_fail(err, BR_ENOWORKSPACE, "no workspace whose settings could be changed");
	}
	return br_config_set(c->dir, p->user ? BR_CONFIG_USER : BR_CONFIG_WORKSPACE, key, value, err);
}

/* A key on the command line is seen by all who list processes: "-" takes the first line of standard input. */
static int set_value(struct br_cli *c, const char *key, const char *value, struct br_err *err)
{
	const struct br_setting *s = br_setting_find(key);
	struct br_buf in = BR_BUF_INIT(64u << 10);
	int rc;

	if (!s || !s->secret || strcmp(value, "-") != 0)
		return edit(c, key, value, err);
	if ((rc = br_fd_read(&in, STDIN_FILENO, in.max, "standard input", err)) == 0) {
		in.ptr[strcspn(in.ptr, "\r\n")] = '\0';
		rc = in.ptr[0] ? edit(c, key, in.ptr, err) : br_fail(err, BR_EUSAGE, "no key on standard input");
	}
	explicit_bzero(in.ptr, in.len);
	br_buf_release(&in);
	return rc;
}

static int set_run(struct br_cli *c, struct br_err *err)
{
	const struct br_setting *s;
	int rc = set_value(c, c->operand[0], c->operand[1], err);

	if (rc < 0)
		return rc;
	s = br_setting_find(c->operand[0]);
	if (s->trusted && !((const struct config_params *)c->params)->user)
		br_note(&c->out, "br: '%s' counts here only after 'br config trust'", s->key);
	return 0;
}

static int unset_run(struct br_cli *c, struct br_err *err)
{
	return edit(c, c->operand[0], NULL, err);
}

/* ---- path, trust ---- */

static int path_run(struct br_cli *c, struct br_err *err)
{
	const struct config_params *p = c->params;
	char *path;

	if (!p->user && !c->dir)
		return br_fail(err, BR_ENOWORKSPACE, "no workspace in this folder or any above it");
	path = br_config_path(c->dir, p->user ? BR_CONFIG_USER : BR_CONFIG_WORKSPACE);
	if (c->opt.json) {
		struct br_json j;
		br_json_init(&j, br_out_json(&c->out), false);
		br_json_obj(&j);
		br_json_kstr(&j, "path", path);
		br_json_end(&j);
	} else {
		br_out_text(&c->out, path, strlen(path));
	}
	br_out_line(&c->out);
	free(path);
	return 0;
}

static int trust(struct br_cli *c, bool yes, struct br_err *err)
{
	if (!c->dir)
		return br_fail(err, BR_ENOWORKSPACE, "no workspace in this folder or any above it");
	return br_config_trust(c->dir, yes, err);
}

static int trust_run(struct br_cli *c, struct br_err *err)
{
	return trust(c, true, err);
}

static int untrust_run(struct br_cli *c, struct br_err *err)
{
	return trust(c, false, err);
}

/* ---- the tables ---- */

static const struct br_cmd get = {
	.name = "get", .summary = "print one setting", .operands = "<key>", .min = 1, .max = 1, .complete = BR_C_KEY,
	.flags = BR_CMD_MAY_WS, .run = get_run,
};
static const struct br_cmd set = {
	.name = "set", .summary = "change one setting", .operands = "<key> <value>", .min = 2, .max = 2, .complete = BR_C_KEY,
	.opts = level_opts, .params_size = sizeof(struct config_params), .flags = BR_CMD_MAY_WS, .run = set_run,
};
static const struct br_cmd unset = {
	.name = "unset", .summary = "take one setting back", .operands = "<key>", .min = 1, .max = 1, .complete = BR_C_KEY,
	.opts = level_opts, .params_size = sizeof(struct config_params), .flags = BR_CMD_MAY_WS, .run = unset_run,
};
static const struct br_cmd list = {
	.name = "list", .summary = "show every setting and where its value comes from",
	.opts = list_opts, .params_size = sizeof(struct list_params), .flags = BR_CMD_MAY_WS, .run = list_run,
};
static const struct br_cmd path = {
	.name = "path", .summary = "print the name of the settings file",
	.opts = level_opts, .params_size = sizeof(struct config_params), .flags = BR_CMD_MAY_WS, .run = path_run,
};
static const struct br_cmd trust_cmd = {
	.name = "trust", .summary = "let this workspace's settings reach the network and run programs",
	.flags = BR_CMD_MAY_WS, .run = trust_run,
};
static const struct br_cmd untrust_cmd = {
	.name = "untrust", .summary = "take the trust back", .flags = BR_CMD_MAY_WS, .run = untrust_run,
};
static const struct br_cmd *const subs[] = { &get, &set, &unset, &list, &path, &trust_cmd, &untrust_cmd, NULL };
static const struct br_example examples[] = {
	{ "br config list", "every setting, its value and where it comes from" },
	{ "br config set search.top 20", "for this workspace" },
	{ "br config set --user search.top 20", "for all of yours" },
	{ "br config set --user chat.key - < key.txt", "a key, unseen by who lists processes" },
	{ NULL },
};
const struct br_cmd br_cmd_config = {
	.name = "config", .group = "workspace", .summary = "read and change settings",
	.operands = "get|set|unset|list|path|trust|untrust", .sub = subs, .examples = examples,
};
