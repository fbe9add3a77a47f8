/* `br docs duplicates`: documents that say the same. */
#include "cmd.h"

#define NO_TEXT 2 /* as a threshold: no two texts are so alike */

struct dup_params { double threshold; bool exact; };
static const struct br_opt opts[] = {
	{ "threshold", 0, BR_AT_NUM(struct dup_params, threshold), "share", "how alike two texts must be, from 0.5 to 1", .dflt = "0.8",
	  .min = 0.5, .max = 1 },
	{ "exact", 0, BR_AT_BOOL(struct dup_params, exact), NULL, "only documents whose bytes are the same" },
	BR_OPT_END,
};

static void group_json(struct br_cli *c, const struct br_dup_group *g)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "kind", g->exact ? "exact" : "near");
	br_json_key(&j, "documents");
	br_json_arr(&j);
	for (size_t i = 0; i < g->n; i++) {
		br_json_obj(&j);
		br_json_kstr(&j, "id", g->doc[i].doc->id);
		br_json_kstr(&j, "path", g->doc[i].doc->path);
		br_json_kuint(&j, "size", g->doc[i].doc->size);
		br_json_knum(&j, "similarity", g->doc[i].similarity, 3);
		br_json_kbool(&j, "same_bytes", g->doc[i].same_bytes);
		br_json_end(&j);
	}
	br_json_end(&j);
	br_json_end(&j);
	br_out_line(&c->out);
}

static void group_text(struct br_out *o, const struct br_dup_group *g)
{
	br_out_f(o, "%s%zu %s%s\n", br_out_style(o, BR_BOLD), g->n, g->exact ? "with the same bytes" : "alike", br_out_style(o, BR_PLAIN));
	for (size_t i = 0; i < g->n; i++) {
		const struct br_dup *d = &g->doc[i];
		if (!i)
			br_out_s(o, "         ");
		else if (d->same_bytes)
			br_out_s(o, "   same  ");
		else
			br_out_f(o, "  %4.0f%%  ", 100 * d->similarity);
		br_out_styled(o, BR_PATH, d->doc->path);
		br_out_s(o, "\n");
	}
}

static int on_group(const struct br_dup_group *g, void *arg)
{
	struct br_cli *c = arg;

	if (c->opt.json)
		group_json(c, g);
	else
		group_text(&c->out, g);
	return 0;
}

static int duplicates_run(struct br_cli *c, struct br_err *err)
{
	const struct dup_params *p = c->params;
	struct br_dup_report r;
	struct br_txn *t;
	struct br_nb *nb;
	int rc;

	if ((rc = br_cli_notebook(&nb, &t, c, err)) < 0)
		return rc;
	br_txn_end(t);
	if ((rc = br_duplicates(&r, c->ws, nb->nb, p->exact ? NO_TEXT : p->threshold, on_group, c, err)) < 0)
		return rc;
	if (!c->opt.json)
		br_note(&c->out, "%s of %s documents stand in for another%s", br_human_count(r.copies).s, br_human_count(r.docs).s,
		        r.bytes_only && !p->exact ? "; the shortest were compared by their bytes alone" : "");
	return 0;
}

const struct br_cmd br_cmd_docs_duplicates = {
	.name = "duplicates", .summary = "show documents that are the same, or nearly",
	.opts = opts, .params_size = sizeof(struct dup_params), .flags = BR_CMD_WS | BR_CMD_PAGER, .run = duplicates_run,
};
