/* `br verify`: checks every record of the workspace, and with --repair makes what is damaged anew. */
#include "cmd.h"

struct verify_params { bool quick, repair; };
static const struct br_opt opts[] = {
	{ "quick", 0, BR_AT_BOOL(struct verify_params, quick), NULL, "counts and ranges only, not every record" },
	{ "repair", 0, BR_AT_BOOL(struct verify_params, repair), NULL, "build anew what can be derived, and mark the rest to be read again" },
	BR_OPT_END,
};

struct state {
	struct br_cli *c;
	struct br_json j;
	struct br_verify_report found, left; /* left: after a repair */
	struct br_repair_report repaired;
	bool salvaged;
};

/* ---- telling ---- */

static void tell(struct state *s, enum br_style style, const char *word, const char *what)
{
	struct br_out *o = &s->c->out;

	if (s->c->opt.json) {
		br_json_str(&s->j, what);
		return;
	}
	br_out_styled(o, style, word);
	if (word[0])
		br_out_s(o, ": ");
	br_out_text(o, what, strlen(what));
	br_out_s(o, "\n");
}

static void on_problem(const char *what, void *arg) { tell(arg, BR_BAD, "damaged", what); }
static void on_repair(const char *what, void *arg) { tell(arg, BR_PLAIN, "", what); }

static void on_salvage(const char *what, void *arg)
{
	struct state *s = arg;

	s->repaired.lost++;
	on_problem(what, s);
}

static bool is_clean(const struct state *s) { return !s->left.problems && !s->repaired.lost && !s->repaired.again; }

static void end_json(struct state *s, double ms)
{
	const struct br_verify_report *r = &s->left;
	struct br_json *j = &s->j;

	br_json_end(j);
	br_json_kbool(j, "ok", is_clean(s));
	br_json_kuint(j, "notebooks", r->notebooks);
	br_json_kuint(j, "docs", r->docs);
	br_json_kuint(j, "chunks", r->chunks);
	br_json_kuint(j, "vectors", r->vectors);
	br_json_kuint(j, "terms", r->terms);
	if (((const struct verify_params *)s->c->params)->repair) {
		br_json_kuint(j, "repaired", s->repaired.notebooks);
		br_json_kuint(j, "read_again", s->repaired.again);
		br_json_kuint(j, "lost", s->repaired.lost);
		br_json_kbool(j, "salvaged", s->salvaged);
	}
	br_json_knum(j, "took_ms", ms, 1);
	br_json_end(j);
	br_out_line(&s->c->out);
}

static void end_repaired(struct br_out *o, const struct state *s)
{
	const struct br_repair_report *r = &s->repaired;

	if (s->salvaged)
		br_note(o, "br: the damaged data file was kept as '%s/data.mdb.damaged'", s->c->dir);
	if (r->again)
		br_out_f(o, "%s %s to be read again\n", br_human_count(r->again).s, br_plural(r->again, "document is", "documents are"));
	if (r->lost)
		br_out_f(o, "%s %s lost\n", br_human_count(r->lost).s, br_plural(r->lost, "thing is", "things are"));
}

static void end_text(struct state *s, double ms)
{
	const struct br_verify_report *r = &s->left;
	struct br_out *o = &s->c->out;

	if (s->found.problems)
		br_out_f(o, "%s %s\n", br_human_count(s->found.problems).s, br_plural(s->found.problems, "problem", "problems"));
	end_repaired(o, s);
	if (!r->problems && !o->quiet)
		br_out_f(o, "%sintact%s: %s %s, %s documents, %s passages, %s vectors, %s terms in %s\n", br_out_style(o, BR_GOOD),
		         br_out_style(o, BR_PLAIN), br_human_count(r->notebooks).s, br_plural(r->notebooks, "notebook", "notebooks"),
		         br_human_count(r->docs).s, br_human_count(r->chunks).s, br_human_count(r->vectors).s,
		         br_human_count(r->terms).s, br_human_seconds(ms / 1000).s);
}

/* ---- checking and repairing ---- */

/* A data file with damaged pages, which must not be open, gives way to what can be read of it. */
static int salvage(struct state *s, struct br_err *err)
{
	struct br_cli *c = s->c;
	uint64_t records;
	int rc;

	br_ws_close(c->ws);
	c->ws = NULL;
	c->config = c->own_config;
	if ((rc = br_store_salvage(&records, c->dir, c->opt.wait * 1000, on_salvage, s, err)) < 0)
		return rc;
	s->salvaged = true;
	return br_cli_open(c, err);
}

static int check_keys(struct state *s, uint64_t *problems, br_problem_fn *fn, struct br_err *err)
{
	struct br_txn *t;
	uint64_t hooks = 0;
	int rc = br_txn_read(&t, s->c->ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_auth_verify(problems, t, false, fn, s, err);
	if (rc == 0)
		rc = br_hook_verify(&hooks, t, false, fn, s, err);
	*problems += hooks;
	br_txn_end(t);
	return rc;
}

static int check_wiki(struct state *s, uint64_t *problems, br_problem_fn *fn, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, s->c->ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_wiki_verify(problems, t, false, fn, s, err);
	br_txn_end(t);
	return rc;
}

static int check(struct state *s, struct br_verify_report *out, br_problem_fn *fn, struct br_err *err)
{
	const struct verify_params *p = s->c->params;
	int rc = br_verify(out, s->c->ws, p->quick, fn, s, err);
	uint64_t keys = 0, wiki = 0;

	if (rc == -BR_ECORRUPT && out->problems)
		rc = 0;
	if (rc == 0)
		rc = check_keys(s, &keys, fn, err);
	if (rc == 0 && !p->quick)
		rc = check_wiki(s, &wiki, fn, err);
	out->problems += keys + wiki;
	return rc;
}

static int fix_keys(struct br_txn *t, void *arg, struct br_err *err)
{
	uint64_t hooks;
	int rc = br_auth_verify(arg, t, true, NULL, NULL, err);

	return rc < 0 ? rc : br_hook_verify(&hooks, t, true, NULL, NULL, err);
}

static int repair_keys(struct state *s, struct br_err *err)
{
	uint64_t found, fixed;
	int rc;

	if ((rc = check_keys(s, &found, NULL, err)) < 0 || !found || (rc = br_store_write(s->c->ws->store, fix_keys, &fixed, err)) < 0)
		return rc;
	on_repair("repaired: references of keys were made again; keys, usage and webhooks whose records were damaged are gone", s);
	return 0;
}

static int fix_wiki(struct br_txn *t, void *arg, struct br_err *err)
{
	return br_wiki_verify(arg, t, true, NULL, NULL, err);
}

static int repair_wiki(struct state *s, struct br_err *err)
{
	uint64_t found, fixed;
	int rc;

	if ((rc = check_wiki(s, &found, NULL, err)) < 0 || !found || (rc = br_store_write(s->c->ws->store, fix_wiki, &fixed, err)) < 0)
		return rc;
	on_repair("repaired: damaged records of the wiki are gone; 'br wiki compile' writes its pages anew", s);
	return 0;
}

static int open_and_check(struct state *s, struct br_err *err)
{
	const struct verify_params *p = s->c->params;
	int rc = br_cli_open(s->c, err);

	if (rc == 0)
		rc = check(s, &s->found, on_problem, err);
	if (rc == -BR_ECORRUPT && p->repair) { /* pages, or what is needed to open it */
		on_problem(err->msg, s);
		if ((rc = salvage(s, err)) == 0)
			rc = check(s, &s->found, on_problem, err);
		s->found.problems++;
	}
	return rc;
}

static int repair(struct state *s, struct br_err *err)
{
	struct br_repair_report pages = s->repaired;
	int rc = br_repair(&s->repaired, s->c->ws, s->salvaged, on_repair, s, err);

	if (rc == -BR_ECORRUPT && !s->salvaged && (rc = salvage(s, err)) == 0) { /* not even a commit could be begun */
		pages = s->repaired;
		rc = br_repair(&s->repaired, s->c->ws, s->salvaged, on_repair, s, err);
	}
	s->repaired.lost += pages.lost;
	if (rc == 0)
		rc = repair_keys(s, err);
	if (rc == 0)
		rc = repair_wiki(s, err);
	if (rc == 0)
		rc = check(s, &s->left, NULL, err);
	return rc;
}

static int verify_run(struct br_cli *c, struct br_err *err)
{
	const struct verify_params *p = c->params;
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
	rc = open_and_check(&s, err);
	s.left = s.found;
	if (rc == 0 && p->repair && c->opt.json) {
		br_json_end(&s.j);
		br_json_key(&s.j, "repairs");
		br_json_arr(&s.j);
	}
	if (rc == 0 && p->repair && s.found.problems)
		rc = repair(&s, err);
	if (rc < 0) {
		if (c->opt.json)
			br_buf_reset(br_out_json(&c->out));
		if (rc == -BR_ECORRUPT)
			br_cli_hint(c, "%s", p->repair ? "restore a backup, or move .br away, 'br init' and 'br sync'" :
				    "'br verify --repair' saves what can be read; a backup is better");
		return rc;
	}
	ms = (double)(br_mono_ns() - start) / 1e6;
	if (c->opt.json)
		end_json(&s, ms);
	else
		end_text(&s, ms);
	return br_status(is_clean(&s) ? BR_OK : BR_ECHECK);
}

static int verify_check(struct br_cli *c, struct br_err *err)
{
	const struct verify_params *p = c->params;

	return p->quick && p->repair ? br_fail(err, BR_EUSAGE, "--quick and --repair do not go together") : 0;
}

static const struct br_example examples[] = {
	{ "br verify", "every record" },
	{ "br verify --quick", "counts and ranges" },
	{ "br verify --repair", "and what is damaged made anew" },
	{ NULL },
};
const struct br_cmd br_cmd_verify = {
	.name = "verify", .group = "care", .summary = "check the workspace for damage, and repair it",
	.opts = opts, .params_size = sizeof(struct verify_params), .flags = BR_CMD_MAY_WS | BR_CMD_LONG, .check = verify_check,
	.run = verify_run, .examples = examples,
};
