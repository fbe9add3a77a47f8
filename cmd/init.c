/* `br init`: makes a workspace. */
#include "cmd.h"

#include <stdlib.h>

static void tell(struct br_cli *c, const char *dir, const char *root)
{
	struct br_json j;

	if (c->opt.json) {
		br_json_init(&j, br_out_json(&c->out), false);
		br_json_obj(&j);
		br_json_kint(&j, "v", 1);
		br_json_kstr(&j, "workspace", dir);
		br_json_kstr(&j, "root", root);
		br_json_end(&j);
		br_out_line(&c->out);
		return;
	}
	if (c->opt.quiet)
		return;
	br_out_s(&c->out, "made an empty workspace in ");
	br_out_text(&c->out, dir, strlen(dir));
	br_out_s(&c->out, "\n");
	if (c->out.tty)
		br_note(&c->out, "next: 'br sync .' reads this folder, 'br query' asks it");
}

static int init_run(struct br_cli *c, struct br_err *err)
{
	char *root = br_path_abs(c->n ? c->operand[0] : ".");
	char *dir = br_path_join(root, ".br");
	int rc;

	if ((rc = br_mkdirs(root, 0777, err)) == 0 && (rc = br_ws_init(dir, err)) == 0)
		tell(c, dir, root);
	free(dir);
	free(root);
	return rc;
}

static const struct br_example examples[] = {
	{ "br init", "a workspace for the present folder" },
	{ "br init ~/notes", "one for another folder, which is made if need be" },
	{ NULL },
};
const struct br_cmd br_cmd_init = {
	.name = "init", .group = "workspace", .summary = "make a workspace",
	.operands = "[<dir>]", .max = 1, .complete = BR_C_DIR,
	.run = init_run, .examples = examples,
};
