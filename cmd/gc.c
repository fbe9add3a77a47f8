/* `br gc`: drops what deleted documents left, removes files nobody needs, gives room back to the disk. */
#include "cmd.h"

struct gc_params { bool plan, no_compact; };
static const struct br_opt opts[] = {
	{ "plan", 0, BR_AT_BOOL(struct gc_params, plan), NULL, "print what would be done; exit 4 if there is something" },
	{ "no-compact", 0, BR_AT_BOOL(struct gc_params, no_compact), NULL, "leave the size of the data file as it is" },
	BR_OPT_END,
};

struct state { struct br_cli *c; struct br_json j; };

static void on_notebook(const struct br_gc_event *e, void *arg)
{
	struct state *s = arg;
	struct br_out *o = &s->c->out;

	if (s->c->opt.json) {
		br_json_obj(&s->j);
		br_json_kstr(&s->j, "name", e->notebook);
		br_json_kuint(&s->j, "dropped", e->chunks);
		br_json_kuint(&s->j, "terms", e->terms);
		br_json_kuint(&s->j, "chunks", e->kept);
		br_json_end(&s->j);
		return;
	}
	if (o->quiet)
		return;
	br_out_text(o, e->notebook, strlen(e->notebook));
	br_out_f(o, ": %s deleted %s", br_human_count(e->chunks).s, br_plural(e->chunks, "passage", "passages"));
	if (e->terms)
		br_out_f(o, " and %s %s", br_human_count(e->terms).s, br_plural(e->terms, "word", "words"));
	br_out_f(o, "; %s %s\n", br_human_count(e->kept).s, br_plural(e->kept, "stays", "stay"));
}

static void end_json(struct state *s, const struct br_gc_report *r, bool plan, double ms)
{
	struct br_json *j = &s->j;

	br_json_end(j);
	br_json_kbool(j, "plan", plan);
	br_json_kuint(j, "dropped", r->chunks);
	br_json_kuint(j, "terms", r->terms);
	br_json_kuint(j, "objects", r->objects);
	br_json_kuint(j, "indexes", r->indexes);
	br_json_kuint(j, "leftovers", r->leftovers);
	br_json_kuint(j, "file_bytes", r->file_bytes);
	br_json_kuint(j, "slack", r->slack);
	br_json_key(j, "data");
	br_json_obj(j);
	br_json_kbool(j, "shrunk", r->shrunk.done);
	br_json_kuint(j, "before", r->shrunk.before);
	br_json_kuint(j, "after", r->shrunk.after);
	br_json_kstr(j, "reason", r->shrunk.why[0] ? r->shrunk.why : NULL);
	br_json_end(j);
	br_json_kuint(j, "generation", r->generation);
	br_json_knum(j, "took_ms", ms, 1);
	br_json_end(j);
	br_out_line(&s->c->out);
}

static void tell_files(struct br_out *o, const struct br_gc_report *r)
{
	if (r->objects)
		br_out_f(o, "%s %s that no document names\n", br_human_count(r->objects).s, br_plural(r->objects, "original", "originals"));
	if (r->indexes)
		br_out_f(o, "%s %s of vector indexes without their notebook\n", br_human_count(r->indexes).s,
		         br_plural(r->indexes, "file", "files"));
	if (r->leftovers)
		br_out_f(o, "%s %s left by processes that died\n", br_human_count(r->leftovers).s, br_plural(r->leftovers, "file", "files"));
	if (r->file_bytes)
		br_out_f(o, "%s in these files\n", br_human_bytes(r->file_bytes).s);
}

static void end_text(struct br_cli *c, const struct br_gc_report *r, const struct gc_params *p)
{
	struct br_out *o = &c->out;
	bool plan_shrink = p->plan && !p->no_compact && br_store_worth_shrinking(c->ws->store, r->slack);

	if (r->shrunk.why[0])
		br_note(o, "br: data file not shrunk: %s", r->shrunk.why);
	if (o->quiet)
		return;
	tell_files(o, r);
	if (r->shrunk.done)
		br_out_f(o, "data file: %s, was %s\n", br_human_bytes(r->shrunk.after).s, br_human_bytes(r->shrunk.before).s);
	else if (plan_shrink)
		br_out_f(o, "data file: %s of %s hold nothing\n", br_human_bytes(r->slack).s, br_human_bytes(br_store_bytes(c->ws->store)).s);
	if (!r->anything && !plan_shrink && !r->shrunk.why[0])
		br_out_s(o, "nothing to do\n");
}

static int gc_run(struct br_cli *c, struct br_err *err)
{
	const struct gc_params *p = c->params;
	struct state s = { .c = c };
	struct br_gc_opts o = { .notebook = c->opt.notebook, .plan = p->plan, .no_compact = p->no_compact, .event = on_notebook, .arg = &s };
	struct br_gc_report r;
	int64_t start = br_mono_ns();
	uint64_t purged; /* records of documents of tenants */
	int rc;

	if (c->opt.json) {
		br_json_init(&s.j, br_out_json(&c->out), false);
		br_json_obj(&s.j);
		br_json_kint(&s.j, "v", 1);
		br_json_key(&s.j, "notebooks");
		br_json_arr(&s.j);
	}
	if (!p->plan && (rc = br_tdoc_purge(&purged, c->ws, br_now() - BR_TDOC_KEEP_DELETED, err)) < 0)
		return rc;
	rc = br_gc(&r, c->ws, &o, err);
	if (rc < 0 && rc != -BR_ECHANGES) {
		if (c->opt.json)
			br_buf_reset(br_out_json(&c->out));
		return rc; /* what was done before is told all the same */
	}
	if (c->opt.json)
		end_json(&s, &r, p->plan, (double)(br_mono_ns() - start) / 1e6);
	else
		end_text(c, &r, p);
	return br_status(rc < 0 ? BR_ECHANGES : BR_OK);
}

static const struct br_example examples[] = {
	{ "br gc", "after much was deleted or changed" },
	{ "br gc --plan", "what would be done" },
	{ NULL },
};
const struct br_cmd br_cmd_gc = {
	.name = "gc", .group = "care", .summary = "drop what deleted documents left and give room back to the disk",
	.opts = opts, .params_size = sizeof(struct gc_params), .flags = BR_CMD_WS | BR_CMD_LONG, .run = gc_run,
	.examples = examples,
};
