/* `br verify`: checks every record of the workspace. */
#include "cmd.h"

struct verify_params { bool quick; };
static const struct br_opt opts[] = {
	{ "quick", 0, BR_AT_BOOL(struct verify_params, quick), NULL, "counts and ranges only, not every record" },
	BR_OPT_END,
};

struct state { struct br_cli *c; struct br_json j; };

static void on_problem(const char *what, void *arg)
{
	struct state *s = arg;

	if (s->c->opt.json) {
		br_json_str(&s->j, what);
		return;
	}
	br_out_styled(&s->c->out, BR_BAD, "damaged");
	br_out_s(&s->c->out, ": ");
	br_out_text(&s->c->out, what, strlen(what));
	br_out_s(&s->c->out, "\n");
}

static void end_json(struct state *s, const struct br_verify_report *r, double ms)
{
	br_json_end(&s->j);
	br_json_kbool(&s->j, "ok", !r->problems);
	br_json_kuint(&s->j, "notebooks", r->notebooks);
	br_json_kuint(&s->j, "docs", r->docs);
	br_json_kuint(&s->j, "chunks", r->chunks);
	br_json_kuint(&s->j, "vectors", r->vectors);
	br_json_kuint(&s->j, "terms", r->terms);
	br_json_knum(&s->j, "took_ms", ms, 1);
	br_json_end(&s->j);
	br_out_line(&s->c->out);
}

static void end_text(struct br_out *o, const struct br_verify_report *r, double ms)
{
	if (r->problems)
		br_out_f(o, "%s %s\n", br_human_count(r->problems).s, br_plural(r->problems, "problem", "problems"));
	else if (!o->quiet)
		br_out_f(o, "%sintact%s: %s %s, %s documents, %s passages, %s vectors, %s terms in %s\n", br_out_style(o, BR_GOOD),
		         br_out_style(o, BR_PLAIN), br_human_count(r->notebooks).s, br_plural(r->notebooks, "notebook", "notebooks"),
		         br_human_count(r->docs).s, br_human_count(r->chunks).s, br_human_count(r->vectors).s,
		         br_human_count(r->terms).s, br_human_seconds(ms / 1000).s);
}

static int verify_run(struct br_cli *c, struct br_err *err)
{
	const struct verify_params *p = c->params;
	struct br_verify_report r = { 0 };
	struct state s = { .c = c };
	int64_t start = br_mono_ns();
	double ms;
	int rc;

	if (c->opt.json) {
		br_json_init(&s.j, br_out_json(&c->out), false);
		br_json_obj(&s.j);
		br_json_kint(&s.j, "v", 1);
		br_json_key(&s.j, "problems");
		br_json_arr(&s.j);
	}
	rc = br_verify(&r, c->ws, p->quick, on_problem, &s, err);
	if (rc < 0 && (rc != -BR_ECORRUPT || !r.problems)) {
		br_buf_reset(br_out_json(&c->out));
		return rc;
	}
	ms = (double)(br_mono_ns() - start) / 1e6;
	if (c->opt.json)
		end_json(&s, &r, ms);
	else
		end_text(&c->out, &r, ms);
	return br_status(r.problems ? BR_ECHECK : BR_OK);
}

static const struct br_example examples[] = {
	{ "br verify", "every record" },
	{ "br verify --quick", "counts and ranges" },
	{ NULL },
};
const struct br_cmd br_cmd_verify = {
	.name = "verify", .group = "care", .summary = "check the workspace for damage",
	.opts = opts, .params_size = sizeof(struct verify_params), .flags = BR_CMD_WS | BR_CMD_LONG, .run = verify_run,
	.examples = examples,
};
