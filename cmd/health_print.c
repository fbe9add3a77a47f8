/* Reports of `br health` for people, and as JSON. */
#include "health.h"

#include <stdio.h>

static const enum br_style styles[] = { [BR_INFO] = BR_DIM, [BR_WARNING] = BR_WARN, [BR_ERROR] = BR_BAD };

/* ---- text ---- */

static void place(struct br_out *o, const struct br_finding *f)
{
	if (!f->path[0])
		return;
	br_out_styled(o, BR_PATH, f->path);
	if (f->line)
		br_out_f(o, ":%u", f->line);
	br_out_s(o, ": ");
}

static void example(struct br_out *o, const struct br_finding *f)
{
	br_out_s(o, "    ");
	place(o, f);
	br_out_text(o, f->detail, strlen(f->detail));
	br_out_s(o, "\n");
}

static void result(struct br_cli *c, const struct br_health_rule *rule, const struct br_health_result *r)
{
	struct br_out *o = &c->out;

	br_out_f(o, "%s%-7s%s  %s: %s", br_out_style(o, styles[rule->severity]), br_severity_name(rule->severity), br_out_style(o, BR_PLAIN),
	         rule->name, br_human_count(r->found).s);
	if (r->of > 1)
		br_out_f(o, " of %s %s", br_human_count(r->of).s, rule->of);
	if (r->counts)
		br_out_f(o, ", -%.2f\n", r->points);
	else
		br_out_f(o, ", put up with (%s)\n", rule->key);
	for (size_t i = 0; i < r->examples.n && !((const struct br_health_params *)c->params)->list; i++)
		example(o, &r->examples.v[i]);
}

static void head(struct br_out *o, const struct br_health *h, int before)
{
	enum br_style style = h->score >= 90 ? BR_GOOD : h->score >= 70 ? BR_WARN : BR_BAD;

	br_out_styled(o, BR_BOLD, h->notebook);
	br_out_f(o, ": %s%d%s of 100", br_out_style(o, style), h->score, br_out_style(o, BR_PLAIN));
	if (before >= 0 && before != h->score)
		br_out_f(o, ", was %d", before);
	br_out_f(o, "; %s %s, %s %s\n", br_human_count(h->docs).s, br_plural(h->docs, "document", "documents"), br_human_count(h->chunks).s,
	         br_plural(h->chunks, "passage", "passages"));
}

void br_health_text(struct br_cli *c, const struct br_health *h, int before)
{
	const struct br_health_params *p = c->params;
	uint64_t fixable = 0;

	if (c->opt.quiet && h->score >= p->min_score)
		return;
	head(&c->out, h, before);
	if (p->fix && !c->opt.verbose && h->score >= p->min_score)
		return; /* what was done has been told */
	for (int i = 0; i < BR_H_COUNT; i++) {
		const struct br_health_result *r = &h->rule[i];
		fixable += r->fixable;
		if (r->found && (r->counts || c->opt.verbose))
			result(c, br_health_rule((enum br_health_id)i), r);
	}
	if (fixable && !p->fix)
		br_out_f(&c->out, "'br health --fix' repairs %s of these\n", br_human_count(fixable).s);
}

/* ---- JSON ---- */

static void finding_json(struct br_json *j, const struct br_finding *f)
{
	br_json_kstr(j, "path", f->path[0] ? f->path : NULL);
	br_json_key(j, "line");
	if (f->line)
		br_json_uint(j, f->line);
	else
		br_json_null(j);
	br_json_kstr(j, "detail", f->detail);
	br_json_kbool(j, "fixable", f->fixable);
}

static void result_json(struct br_json *j, const struct br_config *config, enum br_health_id id, const struct br_health_result *r)
{
	const struct br_health_rule *rule = br_health_rule(id);

	br_json_obj(j);
	br_json_kstr(j, "name", rule->name);
	br_json_kstr(j, "severity", br_severity_name(rule->severity));
	br_json_kuint(j, "found", r->found);
	br_json_kuint(j, "of", r->of);
	br_json_kbool(j, "counts", r->counts);
	br_json_knum(j, "tolerated", br_config_num(config, rule->key), 3);
	br_json_knum(j, "points", r->points, 3);
	br_json_kuint(j, "fixable", r->fixable);
	br_json_key(j, "examples");
	br_json_arr(j);
	for (size_t i = 0; i < r->examples.n; i++) {
		br_json_obj(j);
		finding_json(j, &r->examples.v[i]);
		br_json_end(j);
	}
	br_json_end(j);
	br_json_end(j);
}

static void totals_json(struct br_json *j, const struct br_health *h)
{
	char iso[32];

	br_time_iso(iso, h->indexed_at);
	br_json_key(j, "totals");
	br_json_obj(j);
	br_json_kuint(j, "docs", h->docs);
	br_json_kuint(j, "failed", h->failed);
	br_json_kuint(j, "uploaded", h->uploaded);
	br_json_kuint(j, "passages", h->chunks);
	br_json_kuint(j, "deleted", h->dead);
	br_json_kuint(j, "text_bytes", h->text_bytes);
	br_json_kuint(j, "source_bytes", h->source_bytes);
	br_json_kuint(j, "generation", h->generation);
	br_json_kstr(j, "indexed_at", h->indexed_at ? iso : NULL);
	br_json_end(j);
}

static void fixed_json(struct br_json *j, int before, const struct br_fixed *fixed)
{
	br_json_key(j, "score_before");
	if (before >= 0)
		br_json_int(j, before);
	else
		br_json_null(j);
	br_json_kuint(j, "fixed", fixed->done);
	br_json_kuint(j, "not_fixed", fixed->failed);
}

void br_health_json(struct br_cli *c, const struct br_health *h, const char *event, int before, const struct br_fixed *fixed)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	if (event)
		br_json_kstr(&j, "event", event);
	else
		br_json_kint(&j, "v", 1);
	br_json_kstr(&j, "notebook", h->notebook);
	br_json_kint(&j, "score", h->score);
	if (fixed)
		fixed_json(&j, before, fixed);
	totals_json(&j, h);
	br_json_key(&j, "rules");
	br_json_arr(&j);
	for (int i = 0; i < BR_H_COUNT; i++)
		if (h->rule[i].asked)
			result_json(&j, c->config, (enum br_health_id)i, &h->rule[i]);
	br_json_end(&j);
	br_json_knum(&j, "took_ms", h->seconds * 1000, 1);
	br_json_end(&j);
	br_out_line(&c->out);
}

/* ---- findings and repairs, as they come ---- */

void br_health_finding(struct br_cli *c, const struct br_finding *f)
{
	const struct br_health_rule *rule = br_health_rule(f->rule);
	struct br_json j;

	if (!c->opt.json) {
		br_out_styled(&c->out, styles[rule->severity], rule->name);
		br_out_s(&c->out, "  ");
		place(&c->out, f);
		br_out_text(&c->out, f->detail, strlen(f->detail));
		br_out_s(&c->out, "\n");
		return;
	}
	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "event", "finding");
	br_json_kstr(&j, "rule", rule->name);
	br_json_kstr(&j, "severity", br_severity_name(rule->severity));
	finding_json(&j, f);
	br_json_end(&j);
	br_out_line(&c->out);
}

static void event_text(struct br_cli *c, const struct br_fix_event *e, bool plan)
{
	static const char *const did[] = { "removed", "read again", "dropped", "embedded", "built", "collected" };
	static const char *const would[] = { "to remove", "to read again", "to drop", "to embed", "to build", "to collect" };
	struct br_out *o = &c->out;

	if (e->failed) {
		br_warn(o, "not %s: %s%s%s: %s", did[e->what], e->path, e->path[0] ? ": " : "", e->detail, e->failed);
		return;
	}
	br_out_f(o, "%s: ", (plan ? would : did)[e->what]);
	if (e->path[0]) {
		br_out_styled(o, BR_PATH, e->path);
		br_out_s(o, " (");
	}
	br_out_text(o, e->detail, strlen(e->detail));
	br_out_s(o, e->path[0] ? ")\n" : "\n");
}

void br_health_event(struct br_cli *c, const struct br_fix_event *e, bool plan)
{
	struct br_json j;

	if (!c->opt.json) {
		event_text(c, e, plan);
		return;
	}
	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "event", plan ? "plan" : "fix");
	br_json_kstr(&j, "rule", br_health_rule(e->rule)->name);
	br_json_kstr(&j, "action", br_fix_name(e->what));
	br_json_kstr(&j, "path", e->path[0] ? e->path : NULL);
	br_json_kstr(&j, "detail", e->detail);
	br_json_kstr(&j, "failed", e->failed);
	br_json_end(&j);
	br_out_line(&c->out);
}

/* ---- the rules themselves ---- */

static void rule_json(struct br_cli *c, const struct br_health_rule *r)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "name", r->name);
	br_json_kstr(&j, "severity", br_severity_name(r->severity));
	br_json_kuint(&j, "weight", r->weight);
	br_json_kstr(&j, "of", r->of);
	br_json_kstr(&j, "setting", r->key);
	br_json_knum(&j, "tolerated", br_config_num(c->config, r->key), 3);
	br_json_kstr(&j, "finds", r->finds);
	br_json_kstr(&j, "reason", r->reason);
	br_json_kstr(&j, "fix", r->fix);
	br_json_end(&j);
	br_out_line(&c->out);
}

void br_health_rules(struct br_cli *c)
{
	for (int i = 0; i < BR_H_COUNT; i++) {
		const struct br_health_rule *r = br_health_rule((enum br_health_id)i);
		if (c->opt.json) {
			rule_json(c, r);
			continue;
		}
		br_out_styled(&c->out, BR_BOLD, r->name);
		br_out_f(&c->out, " (%s, up to %u points)\n    %s\n    why: %s\n", br_severity_name(r->severity), r->weight, r->finds, r->reason);
		if (r->fix)
			br_out_f(&c->out, "    --fix: %s\n", r->fix);
	}
}
