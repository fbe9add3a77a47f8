/* `br export`: one notebook as one portable file. */
#include "cmd.h"

struct export_params { bool no_times; };
static const struct br_opt opts[] = {
	{ "no-times", 0, BR_AT_BOOL(struct export_params, no_times), NULL,
	  "without the documents' times of modification, so that equal files give equal bytes" },
	BR_OPT_END,
};

static void on_progress(const struct br_progress *p, void *arg)
{
	struct br_cli *c = arg;

	br_bar_show(&c->out, "exporting", p);
}

void br_brx_json(struct br_cli *c, const struct br_brx_stats *s, const char *file)
{
	struct br_json j;
	char hex[65];

	br_hex(hex, s->content, sizeof s->content);
	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kint(&j, "v", 1);
	br_json_kstr(&j, "notebook", s->name);
	if (file)
		br_json_kstr(&j, "file", file);
	br_json_kuint(&j, "docs", s->docs);
	br_json_kuint(&j, "chunks", s->chunks);
	br_json_kuint(&j, "originals", s->originals);
	br_json_kuint(&j, "bytes", s->bytes);
	br_json_kstr(&j, "content", hex);
	br_json_kuint(&j, "generation", s->generation);
	br_json_knum(&j, "took_ms", s->seconds * 1000, 1);
	br_json_end(&j);
	br_out_line(&c->out);
}

static int export_check(struct br_cli *c, struct br_err *err)
{
	if (c->opt.json && !strcmp(c->operand[1], "-"))
		return br_fail(err, BR_EUSAGE, "--json and an export to standard output exclude each other");
	return 0;
}

static int export_run(struct br_cli *c, struct br_err *err)
{
	const struct export_params *p = c->params;
	const struct br_export_opts o = { .no_times = p->no_times, .progress = on_progress, .arg = c };
	struct br_brx_stats s;
	int rc = br_export(&s, c->ws, c->operand[0], c->operand[1], &o, err);

	br_bar_hide(&c->out);
	if (rc < 0)
		return rc;
	if (c->opt.json)
		br_brx_json(c, &s, c->operand[1]);
	else if (!strcmp(c->operand[1], "-"))
		br_note(&c->out, "exported %s documents, %s passages: %s in %s", br_human_count(s.docs).s, br_human_count(s.chunks).s,
		        br_human_bytes(s.bytes).s, br_human_seconds(s.seconds).s);
	else if (!c->opt.quiet)
		br_out_f(&c->out, "exported %s documents, %s passages: %s in %s\n", br_human_count(s.docs).s, br_human_count(s.chunks).s,
		         br_human_bytes(s.bytes).s, br_human_seconds(s.seconds).s);
	return 0;
}

static const struct br_example examples[] = {
	{ "br export default handbook.brx", "everything that answers need" },
	{ "br export --no-times default handbook.brx", "the same bytes for the same files, whenever they were checked out" },
	{ NULL },
};
const struct br_cmd br_cmd_export = {
	.name = "export", .group = "care", .summary = "write a notebook into one portable file",
	.operands = "<notebook> <file>", .min = 2, .max = 2, .complete = BR_C_NOTEBOOK,
	.opts = opts, .params_size = sizeof(struct export_params), .flags = BR_CMD_WS | BR_CMD_LONG,
	.check = export_check, .run = export_run, .examples = examples,
};
