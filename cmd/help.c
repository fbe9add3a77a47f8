/* `br help`: the overview, or the help of one verb. */
#include "cmd.h"

static int unknown(struct br_cli *c, const struct br_cmd *const *list, const char *word, struct br_err *err)
{
	const char *close = br_cmd_closest(list, word);

	if (close)
		br_cli_hint(c, "did you mean '%s'?", close);
	return br_fail(err, BR_EUSAGE, "there is no help on '%s'", word);
}

static int help_run(struct br_cli *c, struct br_err *err)
{
	const struct br_cmd *const *list = br_cmds;
	const struct br_cmd *parent = NULL, *cmd = NULL;
	size_t i;

	for (i = 0; i < c->n; i++) {
		parent = cmd;
		if (!list || !(cmd = br_cmd_find(list, c->operand[i])))
			return unknown(c, list ? list : br_cmds, c->operand[i], err);
		list = cmd->sub;
	}
	if (cmd)
		br_usage_verb(&c->out, parent, cmd);
	else
		br_usage_all(&c->out);
	return 0;
}

static const struct br_example examples[] = {
	{ "br help query", "the options of 'br query', as 'br query -h'" },
	{ "br help docs rm", "and of a verb of two words" },
	{ NULL },
};
const struct br_cmd br_cmd_help = {
	.name = "help", .group = "about", .summary = "show help on br or on one verb",
	.operands = "[<verb> [<what>]]", .max = 2, .complete = BR_C_VERB,
	.run = help_run, .examples = examples,
};
