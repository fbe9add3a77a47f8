/* `br import`: a notebook from a file that `br export` wrote. */
#include "cmd.h"

struct import_params { const char *as; bool replace, reembed; };
static const struct br_opt opts[] = {
	{ "as", 0, BR_AT_STR(struct import_params, as), "name", "give the notebook this name" },
	{ "replace", 0, BR_AT_BOOL(struct import_params, replace), NULL, "in place of the notebook of that name" },
	{ "reembed", 0, BR_AT_BOOL(struct import_params, reembed), NULL, "make the vectors anew, with the model in use here" },
	BR_OPT_END,
};

static void on_progress(const struct br_progress *p, void *arg)
{
	struct br_cli *c = arg;

	br_bar_show(&c->out, "importing", p);
}

static int import_run(struct br_cli *c, struct br_err *err)
{
	const struct import_params *p = c->params;
	const struct br_import_opts o = { .as = p->as, .replace = p->replace, .reembed = p->reembed, .progress = on_progress, .arg = c };
	struct br_brx_stats s;
	int rc = br_import(&s, c->ws, c->operand[0], &o, err);

	br_bar_hide(&c->out);
	if (rc == -BR_EEXISTS)
		br_cli_hint(c, "--as gives it another name, --replace puts it in place of the other");
	if (rc == -BR_EUNSUPPORTED)
		br_cli_hint(c, "--reembed makes its vectors anew");
	if (rc < 0)
		return rc;
	if (c->opt.json)
		br_brx_json(c, &s, NULL);
	else if (!c->opt.quiet) {
		br_out_s(&c->out, "imported '");
		br_out_text(&c->out, s.name, strlen(s.name));
		br_out_f(&c->out, "': %s documents, %s passages in %s\n", br_human_count(s.docs).s, br_human_count(s.chunks).s, br_human_seconds(s.seconds).s);
	}
	return 0;
}

static const struct br_example examples[] = {
	{ "br import --as handbook handbook.brx", "under a name of its own" },
	{ "br import --as handbook --replace handbook.brx", "the newer one for the older, in one step" },
	{ NULL },
};
const struct br_cmd br_cmd_import = {
	.name = "import", .group = "care", .summary = "make a notebook from an exported file",
	.operands = "<file>", .min = 1, .max = 1, .complete = BR_C_FILE,
	.opts = opts, .params_size = sizeof(struct import_params), .flags = BR_CMD_WS | BR_CMD_LONG, .run = import_run,
	.examples = examples,
};
