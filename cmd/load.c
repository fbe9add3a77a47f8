/*
 * What ingest, sync and upload have in common: the events of a run as NDJSON or as lines, failures named on standard
 * error, and the line that closes it.
 */
#include "load.h"

#include "index.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- events ---- */

static void event_json(struct br_cli *c, const struct br_event *e)
{
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "event", "file");
	br_json_kstr(&j, "path", e->path);
	br_json_kstr(&j, "action", br_action_name(e->action));
	br_json_kstr(&j, "from", e->from);
	br_json_kstr(&j, "reason", e->reason);
	br_json_kuint(&j, "bytes", e->size);
	br_json_end(&j);
	br_out_line(&c->out);
}

static const struct { char mark; enum br_style style; } marks[BR_ACT_COUNT] = {
	[BR_ACT_ADD] = { 'A', BR_GOOD }, [BR_ACT_CHANGE] = { 'M', BR_WARN }, [BR_ACT_MOVE] = { 'R', BR_WARN },
	[BR_ACT_DELETE] = { 'D', BR_BAD }, [BR_ACT_KEEP] = { '=', BR_DIM }, [BR_ACT_SKIP] = { '-', BR_DIM },
	[BR_ACT_FAIL] = { '!', BR_BAD },
};

static void event_line(struct br_out *o, const struct br_event *e)
{
	br_bar_hide(o);
	br_out_f(o, "%s%c%s ", br_out_style(o, marks[e->action].style), marks[e->action].mark, br_out_style(o, BR_PLAIN));
	if (e->from) {
		br_out_text(o, e->from, strlen(e->from));
		br_out_s(o, " -> ");
	}
	br_out_text(o, e->path, strlen(e->path));
	if (e->reason && e->action == BR_ACT_SKIP) {
		br_out_f(o, "  %s", br_out_style(o, BR_DIM));
		br_out_text(o, e->reason, strlen(e->reason));
		br_out_s(o, br_out_style(o, BR_PLAIN));
	}
	br_out_s(o, "\n");
}

/* Reasons that begin with the place they are about would name it twice. */
static const char *reason_only(const struct br_event *e)
{
	size_t n = strlen(e->path);

	return !strncmp(e->reason, e->path, n) && !strncmp(e->reason + n, ": ", 2) ? e->reason + n + 2 : e->reason;
}

void br_load_event(const struct br_event *e, void *arg)
{
	struct br_load *l = arg;
	bool change = e->action <= BR_ACT_DELETE;

	if (l->changes_only && e->action == BR_ACT_KEEP)
		return;
	if (l->c->opt.json)
		event_json(l->c, e);
	else if (e->action == BR_ACT_FAIL)
		br_warn(&l->c->out, "cannot index '%s': %s", e->path, reason_only(e));
	else if (l->c->opt.verbose || ((l->p->plan || (l->changes_only && !l->c->opt.quiet)) && change))
		event_line(&l->c->out, e);
}

void br_load_progress(const struct br_progress *p, void *arg)
{
	struct br_load *l = arg;

	br_bar_show(&l->c->out, l->doing, p);
}

/* ---- the end ---- */

static void done_json(struct br_cli *c, const struct br_ingest_stats *s, int status)
{
	static const char *const names[BR_ACT_COUNT] = { "added", "changed", "moved", "deleted", "kept", "skipped", "failed" };
	struct br_json j;
	size_t i;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "event", "done");
	for (i = 0; i < BR_ACT_COUNT; i++)
		br_json_kuint(&j, names[i], s->count[i]);
	br_json_kuint(&j, "chunks", s->chunks);
	br_json_kuint(&j, "bytes", s->bytes);
	br_json_knum(&j, "took_ms", s->seconds * 1000, 1);
	br_json_kuint(&j, "generation", s->generation);
	br_json_kbool(&j, "stopped", s->stopped);
	br_json_kint(&j, "exit", status);
	br_json_end(&j);
	br_out_line(&c->out);
}

static bool idle(const struct br_ingest_stats *s)
{
	return !s->count[BR_ACT_ADD] && !s->count[BR_ACT_CHANGE] && !s->count[BR_ACT_MOVE] && !s->count[BR_ACT_DELETE] && !s->count[BR_ACT_FAIL];
}

/* "3 added, 1 changed, 3,812 unchanged": what is zero is left out; "nothing to do: 3,812 unchanged" */
static void add_counts(struct br_buf *b, const struct br_ingest_stats *s, bool plan)
{
	static const char *const did[BR_ACT_COUNT] = {
		"added", "changed", "moved", "deleted", "unchanged", "skipped", "failed",
	};
	static const char *const would[BR_ACT_COUNT] = {
		"to add", "to change", "to move", "to delete", "unchanged", "to skip", "failing",
	};
	const char *sep = idle(s) ? ": " : "";

	br_buf_adds(b, idle(s) ? "nothing to do" : "");
	for (size_t i = 0; i < BR_ACT_COUNT; i++) {
		if (!s->count[i])
			continue;
		br_buf_addf(b, "%s%s %s", sep, br_human_count(s->count[i]).s, (plan ? would : did)[i]);
		sep = ", ";
	}
}

static int passages(uint64_t *out, struct br_cli *c, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_cli_notebook(&nb, &t, c, err);

	if (rc < 0)
		return rc;
	*out = nb->chunks;
	br_txn_end(t);
	return 0;
}

static int done_text(struct br_cli *c, const struct br_load_params *p, const struct br_ingest_stats *s,
                     struct br_err *err)
{
	struct br_buf line = BR_BUF_INIT(4096);
	uint64_t n;
	int rc = 0;

	add_counts(&line, s, p->plan);
	if (p->plan) {
		br_out_f(&c->out, "%s\n", line.ptr);
	} else if (!c->ws) {
		if (!c->opt.quiet)
			br_out_f(&c->out, "%s in %s\n", line.ptr, br_human_seconds(s->seconds).s);
	} else if ((rc = passages(&n, c, err)) == 0 && !c->opt.quiet) {
		br_out_f(&c->out, "%s in %s; %s %s\n", line.ptr, br_human_seconds(s->seconds).s, br_human_count(n).s,
		         br_plural(n, "passage", "passages"));
	}
	br_buf_release(&line);
	return rc;
}

int br_load_finish(struct br_load *l, const struct br_ingest_stats *s, int rc, struct br_err *err)
{
	int printed = 0, status = br_status((enum br_code)-rc);

	br_bar_hide(&l->c->out);
	if (!l->p->plan && l->c->ws && (rc == 0 || rc == -BR_EPARTIAL))
		br_index_after_load(l->c);
	if (rc < 0 && rc != -BR_EPARTIAL && rc != -BR_ECHANGES)
		return rc;
	if (l->c->opt.json)
		done_json(l->c, s, status);
	else if (!l->changes_only)
		printed = done_text(l->c, l->p, s, err);
	if (s->stopped && !l->c->opt.json)
		br_warn(&l->c->out, "stopped by --max-errors; what was done stays");
	return printed < 0 ? printed : status;
}

static bool any_url(const struct br_cli *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (br_is_url(c->operand[i]))
			return true;
	return false;
}

int br_load_check(struct br_cli *c, struct br_err *err)
{
	const struct br_load_params *p = c->params;
	struct br_jdoc *doc = NULL;
	int rc = 0;

	if (p->refresh && c->n)
		return br_fail(err, BR_EUSAGE, "--refresh takes no operands; 'br ingest <url>' asks for one again");
	if (p->depth && !any_url(c))
		return br_fail(err, BR_EUSAGE, "--depth is for URLs");
	if (p->ndjson && !c->n)
		return br_fail(err, BR_EUSAGE, "--ndjson needs a file, or '-' for standard input");
	if (!p->meta)
		return 0;
	if (br_jdoc_parse(&doc, br_slice_str(p->meta), "--meta", err) < 0)
		rc = -(int)(err->code = BR_EUSAGE);
	else if (br_jval_type(br_jdoc_root(doc)) != BR_J_OBJ)
		rc = br_fail(err, BR_EUSAGE, "--meta: not a JSON object");
	br_jdoc_free(doc);
	return rc;
}

/* Processor and disk: the second by a call that has no wrapper (who 1 is a process, class 3 is idle). */
static void be_nice(void)
{
	setpriority(PRIO_PROCESS, 0, 10);
	syscall(SYS_ioprio_set, 1, 0, 3 << 13);
}

void br_load_options(struct br_ingest_opts *o, struct br_load *l)
{
	const struct br_load_params *p = l->p;

	*o = (struct br_ingest_opts){
		.notebook = l->c->opt.notebook, .plan = p->plan, .force = p->force, .ocr = p->ocr, .ndjson = p->ndjson, .stdin_name = p->stdin_name,
		.title = p->title, .lang = p->lang, .meta = p->meta, .hidden = p->hidden, .no_ignore = p->no_ignore,
		.exclude = p->exclude.v, .format = p->type ? br_format_by_name(p->type) : BR_FMT_UNKNOWN,
		.since_commit = p->since_commit, .max_errors = (uint64_t)p->max_errors, .depth = (unsigned)p->depth,
		.max_pages = (unsigned)p->max_pages, .delay = p->delay, .refresh = p->refresh, .allow_private = p->allow_private,
		.event = br_load_event, .progress = br_load_progress, .arg = l,
	};
	if (p->nice)
		be_nice();
}

int br_load(struct br_cli *c, br_load_fn *fn, const char *doing, struct br_err *err)
{
	struct br_load l = { .c = c, .p = c->params, .doing = doing };
	struct br_ingest_stats stats = { 0 };
	struct br_ingest_opts o;
	int rc;

	br_load_options(&o, &l);
	rc = fn(&stats, c->ws, c->operand, c->n, &o, err);
	return br_load_finish(&l, &stats, rc, err);
}
