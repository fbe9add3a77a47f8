/* `br backup`: the whole workspace as one file, checking such a file, making a workspace of it. */
#include "cmd.h"

struct backup_params { bool verify, restore; };
static const struct br_opt opts[] = {
	{ "verify", 0, BR_AT_BOOL(struct backup_params, verify), NULL, "check a backup instead of making one" },
	{ "restore", 0, BR_AT_BOOL(struct backup_params, restore), NULL, "make a workspace in the folder from a backup" },
	BR_OPT_END,
};

struct state { struct br_cli *c; const char *doing; };

static void on_progress(const struct br_progress *p, void *arg)
{
	struct state *s = arg;

	br_bar_show(&s->c->out, s->doing, p);
}

static void tell_json(struct br_cli *c, const struct br_backup_stats *s, const char *action)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kint(&j, "v", 1);
	br_json_kstr(&j, "action", action);
	br_json_kstr(&j, "file", c->operand[0]);
	br_json_kuint(&j, "bytes", s->bytes);
	br_json_kuint(&j, "data_bytes", s->data_bytes);
	br_json_kuint(&j, "originals", s->objects);
	if (s->generation)
		br_json_kuint(&j, "generation", s->generation);
	else
		br_json_knull(&j, "generation");
	br_json_knum(&j, "took_ms", s->seconds * 1000, 1);
	br_json_end(&j);
	br_out_line(&c->out);
}

static void tell(struct br_cli *c, const struct br_backup_stats *s, const char *action, const char *did)
{
	bool piped = !strcmp(c->operand[0], "-") && !strcmp(action, "backup");

	if (c->opt.json)
		tell_json(c, s, action);
	else if (piped) /* standard output is the backup */
		br_note(&c->out, "%s: %s, %s %s in %s", did, br_human_bytes(s->bytes).s, br_human_count(s->objects).s,
		        br_plural(s->objects, "original", "originals"), br_human_seconds(s->seconds).s);
	else if (!c->opt.quiet)
		br_out_f(&c->out, "%s: %s, %s %s in %s\n", did, br_human_bytes(s->bytes).s, br_human_count(s->objects).s,
		         br_plural(s->objects, "original", "originals"), br_human_seconds(s->seconds).s);
}

static int backup_check(struct br_cli *c, struct br_err *err)
{
	const struct backup_params *p = c->params;

	if (p->verify && p->restore)
		return br_fail(err, BR_EUSAGE, "--verify and --restore exclude each other");
	if (p->restore && c->n < 2)
		return br_fail(err, BR_EUSAGE, "--restore needs a file and a folder");
	if (!p->restore && c->n > 1)
		return br_fail(err, BR_EUSAGE, "'%s' is one operand too many", c->operand[1]);
	if (c->opt.json && !p->verify && !p->restore && !strcmp(c->operand[0], "-"))
		return br_fail(err, BR_EUSAGE, "--json and a backup to standard output exclude each other");
	return 0;
}

static int backup_run(struct br_cli *c, struct br_err *err)
{
	const struct backup_params *p = c->params;
	struct state s = { c, p->restore ? "restoring" : p->verify ? "checking" : "backing up" };
	const struct br_backup_opts o = { on_progress, &s };
	struct br_backup_stats stats;
	int rc;

	if (p->restore)
		rc = br_backup_restore(&stats, c->operand[0], c->operand[1], &o, err);
	else if (p->verify)
		rc = br_backup_verify(&stats, c->operand[0], &o, err);
	else if ((rc = br_cli_open(c, err)) == 0)
		rc = br_backup(&stats, c->ws, c->operand[0], &o, err);
	br_bar_hide(&c->out);
	if (p->verify && rc == -BR_EINPUT) {
		br_warn(&c->out, "%s", err->msg);
		return br_status(BR_ECHECK);
	}
	if (rc == 0)
		tell(c, &stats, p->restore ? "restore" : p->verify ? "verify" : "backup", p->restore ? "restored" : p->verify ? "intact" : "backed up");
	return rc;
}

static const struct br_example examples[] = {
	{ "br backup ../notes.tar", "while others may go on writing" },
	{ "br backup --verify ../notes.tar", "every checksum" },
	{ "br backup --restore ../notes.tar ../copy", "makes ../copy/.br" },
	{ "br backup - | gzip >../notes.tar.gz", "compressed" },
	{ NULL },
};
const struct br_cmd br_cmd_backup = {
	.name = "backup", .group = "care", .summary = "copy the whole workspace into one file, while it is in use",
	.operands = "<file> [<dir>]", .min = 1, .max = 2, .complete = BR_C_FILE,
	.opts = opts, .params_size = sizeof(struct backup_params), .flags = BR_CMD_MAY_WS | BR_CMD_LONG,
	.check = backup_check, .run = backup_run, .examples = examples,
};
