/*
 * `br`: finds the verb, reads its options, opens what it asks for, runs it, and reports how it ended.
 */
#include "cmd.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef BR_VERSION
#define BR_VERSION "0"
#endif

/* ---- errors ---- */

static const char *hint_of(enum br_code code)
{
	switch (code) {
	case BR_ENOWORKSPACE: return "'br init' makes one; -C or --workspace name another place";
	case BR_ELOCKED:      return "--wait 60 waits a minute for it";
	case BR_EFULL:        return "make room and run it again; what was stored is intact";
	case BR_ECORRUPT:     return "'br verify' names every damaged record";
	case BR_EVERSION:     return "use the br that wrote it, or a newer one";
	case BR_ECANCELLED:   return "what was done stays; run it again to go on";
	case BR_EBUG:         return "this should not happen; please report it";
	default:              return "";
	}
}

static void report_json(struct br_cli *c, const struct br_err *err, const char *hint)
{
	static const char no_memory[] = "{\"error\":{\"code\":\"NOMEM\",\"exit\":128,\"message\":\"out of memory\",\"hint\":null}}\n";
	const struct br_err_info *info = br_err_info(err->code);
	struct br_buf line = BR_BUF_INIT(64u << 10);
	struct br_json j;

	br_json_init(&j, &line, false);
	br_json_obj(&j);
	br_json_key(&j, "error");
	br_json_obj(&j);
	br_json_kstr(&j, "code", info->name);
	br_json_kint(&j, "exit", info->exit);
	br_json_kstr(&j, "message", err->msg);
	br_json_kstr(&j, "hint", hint[0] ? hint : NULL);
	br_json_end(&j);
	br_json_end(&j);
	br_buf_addc(&line, '\n');
	br_bar_hide(&c->out);
	br_out_flush(&c->out);
	if (line.failed) {
		br_buf_reset(&line);
		(void)br_fd_write(2, no_memory, strlen(no_memory));
	}
	(void)br_fd_write(2, line.ptr, line.len);
	br_buf_release(&line);
}

static void add_usage(struct br_buf *text, const struct br_cli *c)
{
	br_buf_adds(text, "\nusage: ");
	if (c->cmd)
		br_usage_line(text, c->parent, c->cmd);
	else
		br_buf_adds(text, "br [common options] <verb> [options] [operands]");
}

static void usage_hint(struct br_cli *c)
{
	if (c->hint[0])
		return;
	if (c->cmd)
		br_cli_hint(c, "'br %s%s%s -h' explains it", c->parent ? c->parent->name : "", c->parent ? " " : "", c->cmd->name);
	else
		br_cli_hint(c, "'br help' lists the verbs");
}

static int report(struct br_cli *c, const struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(64u << 10);
	const char *hint;

	if (err->code == BR_EUSAGE)
		usage_hint(c);
	hint = c->hint[0] ? c->hint : hint_of(err->code);
	if (c->opt.json) {
		report_json(c, err, hint);
	} else {
		br_buf_adds(&text, err->msg);
		if (err->code == BR_EUSAGE)
			add_usage(&text, c);
		if (hint[0])
			br_buf_addf(&text, "\nhint: %s", hint);
		br_warn(&c->out, "%s", text.failed ? err->msg : text.ptr);
	}
	br_buf_release(&text);
	return br_status(err->code);
}

/* ---- damage that cannot be gone back from ---- */

static bool damage_as_json;

static void on_damage(void)
{
	static const char text[] = "br: the workspace is damaged: a page of its data file leads nowhere\nhint: 'br verify' names it\n";
	static const char json[] = "{\"error\":{\"code\":\"CORRUPT\",\"exit\":15,\"message\":\"the workspace is damaged: a page of its data "
	                           "file leads nowhere\",\"hint\":\"'br verify' names it\"}}\n";

	(void)!(damage_as_json ? write(2, json, sizeof json - 1) : write(2, text, sizeof text - 1));
	_exit(br_err_info(BR_ECORRUPT)->exit);
}

/* ---- --timeout ---- */

static volatile sig_atomic_t timed_out, polite;

static void on_alarm(int sig)
{
	static const char msg[] = "br: stopped by --timeout\n";

	(void)sig;
	timed_out = 1;
	if (polite) {
		kill(getpid(), SIGTERM);
		return;
	}
	if (write(2, msg, sizeof msg - 1) < 0)
		_exit(br_err_info(BR_ETIMEOUT)->exit);
	_exit(br_err_info(BR_ETIMEOUT)->exit);
}

static void start_timer(int64_t seconds)
{
	struct sigaction act = { .sa_handler = on_alarm };
	struct itimerval when = { .it_value.tv_sec = (time_t)seconds };

	if (seconds <= 0)
		return;
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &when, NULL);
}

/* ---- reading the command line ---- */

static int need_verb(struct br_cli *c, const struct br_cmd *const *list, const char *word, struct br_err *err)
{
	const char *close = word ? br_cmd_closest(list, word) : NULL;
	const char *of = c->cmd ? c->cmd->name : NULL;

	if (close)
		br_cli_hint(c, "did you mean '%s'?", close);
	if (word)
		return br_fail(err, BR_EUSAGE, "'%s' is not something 'br%s%s' can do", word, of ? " " : "", of ? of : "");
	return br_fail(err, BR_EUSAGE, "'br%s%s' needs to know what to do", of ? " " : "", of ? of : "");
}

static int check_operands(struct br_cli *c, struct br_err *err)
{
	const struct br_opt as_opt = { .choices = c->cmd->choices };
	const char *choice, *at;
	size_t i, n;

	if (c->n < (size_t)c->cmd->min)
		return br_fail(err, BR_EUSAGE, "missing operand: %s", c->cmd->operands);
	if (c->cmd->max >= 0 && c->n > (size_t)c->cmd->max)
		return br_fail(err, BR_EUSAGE, "'%s' is one operand too many", c->operand[c->cmd->max]);
	for (i = 0; as_opt.choices && i < c->n; i++) {
		at = as_opt.choices;
		while ((n = br_choice_next(&choice, &at)) && (n != strlen(c->operand[i]) || memcmp(choice, c->operand[i], n)))
			;
		if (!n)
			return br_fail(err, BR_EUSAGE, "'%s' is not one of: %s", c->operand[i], as_opt.choices);
	}
	return 0;
}

/*
 * The table to go on with behind a verb. A verb that also runs by itself goes on only where the next word names a sub-verb and no more
 * operands follow than that takes: "br chat list" lists, "br chat list the rules of chess" asks.
 */
static const struct br_cmd *const *below(const struct br_cmd *cmd, int i, int argc, char **argv)
{
	const struct br_cmd *sub = cmd->run && cmd->sub && i < argc ? br_cmd_find(cmd->sub, argv[i]) : NULL;
	int words = 0;

	if (!cmd->run)
		return cmd->sub;
	if (!sub)
		return NULL;
	for (i++; i < argc && argv[i][0] != '-'; i++)
		words++;
	return sub->max < 0 || words <= sub->max ? cmd->sub : NULL;
}

/* Leaves the verb (and sub-verb) in c->cmd, its parameters filled from the command line, operands in ops. */
static int read_arguments(struct br_cli *c, struct br_operands *ops, int argc, char **argv, struct br_err *err)
{
	const struct br_cmd *const *list = br_cmds;
	const struct br_cmd *found;
	struct br_parse p = { .set = { { NULL }, { br_common_opts, &c->opt } }, .arena = &c->arena, .stop_at_operand = true };
	int i = 1, rc;

	while (list) {
		rc = br_parse(&p, ops, &i, argc, argv, err);
		if (rc < 0 || (c->opt.help && i >= argc))
			goto out;
		if (i >= argc || !(found = br_cmd_find(list, argv[i])))
			return need_verb(c, list, i < argc ? argv[i] : NULL, err);
		c->parent = c->cmd;
		c->cmd = found;
		list = below(found, ++i, argc, argv);
	}
	c->params = br_alloc(BR_MAX(c->cmd->params_size, (size_t)1));
	p.set[0] = (struct br_optset){ c->cmd->opts, c->params };
	p.stop_at_operand = false;
	br_opts_defaults(c->cmd->opts, c->params);
	rc = br_parse(&p, ops, &i, argc, argv, err);
	c->own = p.set[0];
out:
	if (rc < 0 && p.hint[0])
		br_cli_hint(c, "%s", p.hint);
	c->common = p.set[1];
	if (rc == 0 && !c->opt.help)
		rc = br_opts_fill(&c->common, &c->arena, NULL, err);
	*br_vec_push(&ops->v) = NULL;
	c->operand = ops->v.v;
	c->n = ops->v.n - 1;
	return rc;
}

/* --json decides how errors look, so it is looked for before anything can fail. */
static bool wants_json(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--json"))
			return true;
	return false;
}

/* ---- preparing ---- */

static int change_dir(struct br_cli *c, struct br_err *err)
{
	size_t i;

	for (i = 0; i < c->opt.chdir.n; i++)
		if (chdir(c->opt.chdir.v[i]) < 0)
			return br_fail_errno(err, BR_EINPUT, "cannot change to '%s'", c->opt.chdir.v[i]);
	return 0;
}

static bool has_keys(const struct br_opt *o)
{
	for (; o && o->name; o++)
		if (o->key)
			return true;
	return false;
}

/* What the command line and the environment left open. The workspace is not open yet: --wait has a say in that. */
static int read_settings(struct br_cli *c, struct br_err *err)
{
	const char *colour;
	int rc;

	if (!c->dir && !(c->cmd->flags & BR_CMD_MAY_WS) && !has_keys(c->cmd->opts))
		return 0;
	if ((rc = br_config_load(&c->own_config, c->dir, err)) < 0)
		return c->cmd->flags & BR_CMD_BEAR ? 0 : rc;
	c->config = c->own_config;
	if ((colour = br_config_get(c->config, "core.color", NULL)))
		br_out_colour(&c->out, colour);
	if ((rc = br_opts_fill(&c->common, &c->arena, c->config, err)) < 0)
		return rc;
	return br_opts_fill(&c->own, &c->arena, c->config, err);
}

static int prepare(struct br_cli *c, struct br_err *err)
{
	int flags = c->cmd->flags, rc;

	if ((rc = change_dir(c, err)) < 0)
		return rc;
	if ((flags & (BR_CMD_WS | BR_CMD_MAY_WS)) && (rc = br_cli_find(c, flags & BR_CMD_WS, err)) < 0)
		return rc;
	if ((rc = read_settings(c, err)) < 0 || ((flags & BR_CMD_WS) && (rc = br_cli_open(c, err)) < 0))
		return rc;
	if ((flags & BR_CMD_PAGER) && !c->opt.json && c->config)
		br_out_pager(&c->out, br_config_get(c->config, "core.pager", NULL));
	return 0;
}

/* ---- running ---- */

static int run(struct br_cli *c, struct br_err *err)
{
	int rc;

	br_out_look(&c->out, &c->opt);
	if (c->opt.help) {
		if (c->cmd)
			br_usage_verb(&c->out, c->parent, c->cmd);
		else
			br_usage_all(&c->out);
		return 0;
	}
	if ((rc = check_operands(c, err)) < 0 || (c->cmd->check && (rc = c->cmd->check(c, err)) < 0))
		return rc;
	br_log_level = c->opt.quiet ? BR_LOG_ERROR : c->opt.verbose ? BR_LOG_INFO : BR_LOG_WARN;
	if (c->cmd->flags & BR_CMD_STREAM)
		br_out_by_line(&c->out);
	polite = c->cmd->flags & BR_CMD_LONG ? 1 : 0;
	if (polite)
		br_catch_signals();
	start_timer(c->opt.timeout);
	if ((rc = prepare(c, err)) < 0)
		return rc;
	rc = c->cmd->run(c, err);
	if (rc == -BR_ECANCELLED && timed_out)
		rc = br_fail(err, BR_ETIMEOUT, "stopped by --timeout");
	return rc;
}

static void release(struct br_cli *c, struct br_operands *ops)
{
	br_ws_close(c->ws);
	br_config_free(c->own_config);
	free(c->dir);
	free(c->params);
	br_vec_release(&ops->v);
	br_arena_release(&c->arena);
	br_out_release(&c->out);
}

static int version_only(void)
{
	static const char line[] = "br " BR_VERSION "\n";
	struct br_cli c = { 0 };
	struct br_err err;
	int status = 0;

	br_out_init(&c.out);
	br_out_n(&c.out, line, sizeof line - 1);
	if (br_out_end(&c.out, &err) < 0)
		status = report(&c, &err);
	br_out_release(&c.out);
	return status;
}

int main(int argc, char **argv)
{
	struct br_operands ops = { 0 };
	struct br_cli c = { 0 };
	struct br_err err = { 0 };
	int rc, status;

	signal(SIGPIPE, SIG_IGN); /* a helper that dies must not take us along; out.c ends us when stdout's reader is gone */
	if (argc == 2 && !strcmp(argv[1], "--version"))
		return version_only();
#ifndef NDEBUG
	br_table_check();
#endif
	br_out_init(&c.out);
	br_opts_defaults(br_common_opts, &c.opt);
	c.opt.json = damage_as_json = wants_json(argc, argv);
	br_store_on_damage(on_damage);
	rc = read_arguments(&c, &ops, argc, argv, &err);
	if (rc == 0)
		rc = run(&c, &err);
	status = rc < 0 ? report(&c, &err) : rc;
	if (br_out_end(&c.out, &err) < 0 && rc >= 0)
		status = report(&c, &err);
	release(&c, &ops);
	return status;
}
