/* `br health`: how well a notebook is kept, as a score with reasons; --fix does what is safe. */
#include "health.h"

#include <stdlib.h>

static const struct br_opt opts[] = {
	{ "fix", 0, BR_AT_BOOL(struct br_health_params, fix), NULL, "do the repairs that lose nothing, and tell each" },
	{ "plan", 0, BR_AT_BOOL(struct br_health_params, plan), NULL,
	  "with --fix: tell what would be done and touch nothing; exit 4 if there is something" },
	{ "rule", 'r', BR_AT_LIST(struct br_health_params, rule), "name", "look at these rules only; several with commas" },
	{ "rules", 0, BR_AT_BOOL(struct br_health_params, rules), NULL, "list the rules" },
	{ "list", 'l', BR_AT_BOOL(struct br_health_params, list), NULL, "print every finding, not only examples" },
	{ "examples", 0, BR_AT_INT(struct br_health_params, examples), "n", "findings shown of each rule", .dflt = "3", .min = 0, .max = 1000 },
	{ "all", 'a', BR_AT_BOOL(struct br_health_params, all), NULL, "every notebook" },
	{ "min-score", 0, BR_AT_INT(struct br_health_params, min_score), "n", "exit 3 when the score is lower", .dflt = "0", .min = 0, .max = 100 },
	{ "format", 0, BR_AT_STR(struct br_health_params, format), "form", "how it is printed", .dflt = "text", .choices = "text|prometheus" },
	{ "output", 'o', BR_AT_STR(struct br_health_params, output), "file", "with --format prometheus: write this file, whole or not at all",
	  .complete = BR_C_FILE },
	{ "nagios", 0, BR_AT_BOOL(struct br_health_params, nagios), NULL, "print the line of a monitoring plugin; exit 0, 1, 2 or 3 as such" },
	{ "warning", 'w', BR_AT_INT(struct br_health_params, warning), "n", "with --nagios: warn when the score is lower", .key = "health.warning",
	  .min = 0, .max = 100 },
	{ "critical", 'c', BR_AT_INT(struct br_health_params, critical), "n", "with --nagios: critical when the score is lower",
	  .key = "health.critical", .min = 0, .max = 100 },
	BR_OPT_END,
};

struct state {
	struct br_cli *c;
	const struct br_health_params *p;
	uint32_t rules;
	BR_VEC(char *) notebook;        /* ids */
	struct br_healths all;
	bool changes, partial;
};

/* ---- options ---- */

static bool is_prometheus(const struct br_health_params *p) { return !strcmp(p->format, "prometheus"); }

static int rule_named(uint32_t *out, const char *name, struct br_err *err)
{
	const char *names[BR_H_COUNT], *near;
	int id = br_health_rule_find(name);

	if (id >= 0) {
		*out |= 1u << id;
		return 0;
	}
	for (int i = 0; i < BR_H_COUNT; i++)
		names[i] = br_health_rule((enum br_health_id)i)->name;
	near = br_closest(name, names, BR_H_COUNT);
	return near ? br_fail(err, BR_EUSAGE, "--rule: no rule '%s'; did you mean '%s'?", name, near)
	            : br_fail(err, BR_EUSAGE, "--rule: no rule '%s'; --rules lists them", name);
}

static int rules_asked(uint32_t *out, const struct br_list *l, struct br_err *err)
{
	int rc = 0;

	*out = 0;
	for (size_t i = 0; i < l->n && rc == 0; i++)
		for (const char *s = l->v[i]; s && rc == 0; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL) {
			char *name = br_strndup(s, strcspn(s, ","));
			rc = rule_named(out, name, err);
			free(name);
		}
	return rc;
}

static int health_check(struct br_cli *c, struct br_err *err)
{
	const struct br_health_params *p = c->params;
	uint32_t rules;

	if (p->plan && (!p->fix || p->min_score))
		return br_fail(err, BR_EUSAGE, p->fix ? "--plan and --min-score do not go together" : "--plan is for --fix");
	if (p->output && !is_prometheus(p))
		return br_fail(err, BR_EUSAGE, "--output is for --format prometheus");
	if (p->nagios && (p->fix || p->list || p->min_score || is_prometheus(p) || c->opt.json))
		return br_fail(err, BR_EUSAGE, "--nagios goes with neither --fix, --list, --min-score, --format nor --json");
	if (is_prometheus(p) && (p->list || c->opt.json || p->plan || (p->fix && !p->output)))
		return br_fail(err, BR_EUSAGE, "--format prometheus goes with neither --list, --json nor --plan, and with --fix only where "
		               "there is --output");
	if (p->all && c->opt.notebook && br_opt_is_set(c, "notebook"))
		return br_fail(err, BR_EUSAGE, "--all and --notebook do not go together");
	return rules_asked(&rules, &p->rule, err);
}

/* ---- notebooks ---- */

static int add_notebook(const struct br_nb *nb, void *arg)
{
	struct state *s = arg;

	*br_vec_push(&s->notebook) = br_arena_strdup(&s->c->arena, nb->id);
	return 0;
}

static int choose(struct state *s, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc;

	if (!s->p->all) {
		if ((rc = br_cli_notebook(&nb, &t, s->c, err)) == 0)
			rc = add_notebook(nb, s);
	} else if ((rc = br_txn_read(&t, s->c->ws->store, err)) == 0) {
		rc = br_nb_each(t, add_notebook, s, err);
	}
	br_txn_end(t);
	return rc;
}

/* ---- one of them ---- */

static void on_finding(const struct br_finding *f, void *arg) { br_health_finding(((struct state *)arg)->c, f); }

static void on_fix(const struct br_fix_event *e, void *arg)
{
	struct state *s = arg;

	br_health_event(s->c, e, s->p->plan);
}

static int look(struct br_health *out, struct state *s, const char *id, bool tell, struct br_err *err)
{
	struct br_health_opts o = { .rules = s->rules, .examples = (unsigned)s->p->examples, .arg = s };

	o.finding = tell && s->p->list ? on_finding : NULL;
	return br_health_check(out, s->c->ws, id, &o, err);
}

static int fix(struct br_fixed *out, struct state *s, const char *id, struct br_err *err)
{
	struct br_fix_opts o = { .rules = s->rules, .plan = s->p->plan, .event = on_fix, .arg = s };
	int rc = br_health_fix(out, s->c->ws, id, &o, err);

	s->changes |= rc == -BR_ECHANGES;
	s->partial |= rc == -BR_EPARTIAL;
	return rc == -BR_ECHANGES || rc == -BR_EPARTIAL ? 0 : rc;
}

static void tell(struct state *s, const struct br_health *h, int before, const struct br_fixed *fixed)
{
	if (s->p->nagios || is_prometheus(s->p))
		return;
	if (s->c->opt.json)
		br_health_json(s->c, h, s->p->fix || s->p->list ? "done" : NULL, before, s->p->fix ? fixed : NULL);
	else
		br_health_text(s->c, h, before);
}

static int one(struct state *s, const char *id, struct br_err *err)
{
	struct br_fixed fixed = { 0 };
	struct br_health h;
	int before = -1, rc = 0;

	if (s->p->fix) {
		rc = look(&h, s, id, false, err);
		before = s->p->plan ? -1 : h.score;
		br_health_release(&h);
		if (rc < 0 || (rc = fix(&fixed, s, id, err)) < 0)
			return rc;
	}
	rc = look(&h, s, id, true, err);
	if (rc == 0)
		tell(s, &h, before, &fixed);
	*br_vec_push(&s->all.v) = h;
	return rc;
}

/* ---- the whole ---- */

static int print_metrics(struct state *s, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	int rc = 0;

	br_health_prometheus(&b, s->c->ws, &s->all);
	if (s->p->output)
		rc = br_file_write_atomic(s->p->output, b.ptr, b.len, 0644, err);
	else
		br_out_n(&s->c->out, b.ptr, b.len);
	br_buf_release(&b);
	return rc;
}

static int print_nagios(struct state *s)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	int status = br_health_nagios(&b, &s->all, s->p->warning, s->p->critical);

	br_out_n(&s->c->out, b.ptr, b.len);
	br_buf_release(&b);
	return status;
}

static int status_of(const struct state *s)
{
	for (size_t i = 0; i < s->all.v.n; i++)
		if (s->all.v.v[i].score < s->p->min_score) {
			br_warn(&s->c->out, "notebook '%s' has a score of %d, below %lld", s->all.v.v[i].notebook, s->all.v.v[i].score,
			        (long long)s->p->min_score);
			return br_status(BR_ECHECK);
		}
	return br_status(s->changes ? BR_ECHANGES : s->partial ? BR_EPARTIAL : BR_OK);
}

static int run_all(struct state *s, struct br_err *err)
{
	int rc = br_cli_open(s->c, err);

	if (rc == 0)
		rc = choose(s, err);
	for (size_t i = 0; i < s->notebook.n && rc == 0; i++)
		rc = one(s, s->notebook.v[i], err);
	if (rc == 0 && is_prometheus(s->p))
		rc = print_metrics(s, err);
	if (rc < 0)
		return rc;
	return s->p->nagios ? print_nagios(s) : status_of(s);
}

/* Whatever keeps a plugin from telling is its fourth status, on standard output. */
static int unknown(struct br_cli *c, const struct br_err *err)
{
	br_buf_reset(&c->out.buf);
	br_out_f(&c->out, "BR UNKNOWN - %.*s\n", (int)strcspn(err->msg, "|\n"), err->msg);
	return 3;
}

static int health_run(struct br_cli *c, struct br_err *err)
{
	struct state s = { .c = c, .p = c->params };
	struct br_err why = { 0 };
	int rc;

	if (s.p->rules) {
		br_health_rules(c);
		return 0;
	}
	if ((rc = rules_asked(&s.rules, &s.p->rule, err)) < 0)
		return rc;
	rc = run_all(&s, &why);
	for (size_t i = 0; i < s.all.v.n; i++)
		br_health_release(&s.all.v.v[i]);
	br_vec_release(&s.all.v);
	br_vec_release(&s.notebook);
	if (rc < 0 && s.p->nagios)
		return unknown(c, &why);
	if (rc < 0)
		*err = why;
	return rc;
}

static const struct br_example examples[] = {
	{ "br health", "the score, what costs points, and examples" },
	{ "br health --fix --plan", "what would be repaired; exit 4 if there is something" },
	{ "br health --fix --min-score 90", "repair, then exit 3 if the score is still below 90" },
	{ "br health --all --format prometheus -o br.prom", "for the textfile collector" },
	{ "br health --nagios -w 95 -c 80", "for monitoring" },
	{ "br health --rule orphan,stale --list --json", "every finding of two rules" },
	{ NULL },
};
const struct br_cmd br_cmd_health = {
	.name = "health", .group = "care", .summary = "tell how well a notebook is kept, and repair what is safe",
	.opts = opts, .params_size = sizeof(struct br_health_params), .flags = BR_CMD_MAY_WS | BR_CMD_LONG | BR_CMD_STREAM, .check = health_check,
	.run = health_run, .examples = examples,
};
