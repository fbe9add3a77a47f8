/* `br notebook`: the notebooks of a workspace. */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- create, rename, use ---- */

static int created(struct br_cli *c, const char *name, const char *id)
{
	struct br_json j;

	if (c->opt.json) {
		br_json_init(&j, br_out_json(&c->out), false);
		br_json_obj(&j);
		br_json_kstr(&j, "id", id);
		br_json_kstr(&j, "name", name);
		br_json_end(&j);
		br_out_line(&c->out);
	} else if (!c->opt.quiet) {
		br_out_s(&c->out, "made notebook '");
		br_out_text(&c->out, name, strlen(name));
		br_out_s(&c->out, "'\n");
	}
	return 0;
}

static int create_run(struct br_cli *c, struct br_err *err)
{
	char id[37];
	int rc = br_nb_create(c->ws, c->operand[0], id, err);

	return rc < 0 ? rc : created(c, c->operand[0], id);
}

static int rename_run(struct br_cli *c, struct br_err *err)
{
	return br_nb_rename(c->ws, c->operand[0], c->operand[1], err);
}

static int use_run(struct br_cli *c, struct br_err *err)
{
	return br_nb_use(c->ws, c->operand[0], err);
}

/* ---- list, show ---- */

struct pairs { struct br_nb_pair *v; size_t n; };

struct list_params { bool names; };
static const struct br_opt list_opts[] = {
	{ "names", 0, BR_AT_BOOL(struct list_params, names), NULL, "only the names, one a line" },
	BR_OPT_END,
};
struct list_state {
	struct br_cli *c;
	struct br_columns t;
	const char *current;
};

static const char *chunker_name(const struct br_nb *nb)
{
	return nb->chunking.how == BR_CHUNK_RECURSIVE ? "recursive" : "structure";
}

/* Of all settings, or of those in pairs, the values in force. */
static void settings_json(struct br_json *j, const struct br_nb *nb, const struct pairs *only)
{
	struct br_nb_values *v = br_nb_values_new(nb);
	const struct br_nb_setting *s;
	size_t n, i, k;

	s = br_nb_settings(&n);
	br_json_obj(j);
	for (i = 0; i < n; i++) {
		for (k = 0; only && k < only->n && strcmp(only->v[k].key, s[i].key); k++)
			;
		if (only && k == only->n)
			continue;
		br_json_key(j, s[i].key);
		br_nb_value_write(j, v, &s[i]);
	}
	br_json_end(j);
	br_nb_values_free(v);
}

static void nb_json(struct br_cli *c, const struct br_nb *nb, bool current)
{
	struct br_json j;
	char iso[32];
	size_t i;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kstr(&j, "id", nb->id);
	br_json_kstr(&j, "name", nb->name);
	br_json_kbool(&j, "current", current);
	br_json_kuint(&j, "docs", nb->docs);
	br_json_kuint(&j, "chunks", nb->chunks);
	br_json_kuint(&j, "dead_chunks", nb->dead);
	br_json_kuint(&j, "text_bytes", nb->text_bytes);
	br_json_kuint(&j, "source_bytes", nb->source_bytes);
	br_json_kuint(&j, "generation", nb->generation);
	br_time_iso(iso, nb->created);
	br_json_kstr(&j, "created", iso);
	br_time_iso(iso, nb->updated);
	br_json_kstr(&j, "updated", iso);
	br_json_key(&j, "settings");
	settings_json(&j, nb, NULL);
	br_json_kstr(&j, "model", nb->dim ? nb->model_id : NULL);
	br_json_key(&j, "folders");
	br_json_arr(&j);
	for (i = 0; i < nb->roots.n; i++)
		br_json_str(&j, nb->roots.v[i]);
	br_json_end(&j);
	br_json_key(&j, "languages");
	br_json_obj(&j);
	for (i = 0; i < nb->langs.n; i++)
		br_json_kuint(&j, nb->langs.v[i].lang[0] ? nb->langs.v[i].lang : "none", nb->langs.v[i].docs);
	br_json_end(&j);
	br_json_end(&j);
	br_out_line(&c->out);
}

static int list_one(const struct br_nb *nb, void *arg)
{
	struct list_state *s = arg;
	const struct list_params *p = s->c->params;
	bool current = s->current && !strcmp(s->current, nb->name);

	if (s->c->opt.json) {
		nb_json(s->c, nb, current);
	} else if (p->names) {
		br_out_text(&s->c->out, nb->name, strlen(nb->name));
		br_out_s(&s->c->out, "\n");
	} else {
		br_columns_add(&s->t, current ? BR_GOOD : BR_PLAIN, "%s %s", current ? "*" : " ", nb->name);
		br_columns_add(&s->t, BR_PLAIN, "%s %s", br_human_count(nb->docs).s, br_plural(nb->docs, "document", "documents"));
		br_columns_add(&s->t, BR_PLAIN, "%s %s", br_human_count(nb->chunks).s, br_plural(nb->chunks, "passage", "passages"));
		br_columns_add(&s->t, BR_PLAIN, "%s", br_human_bytes(nb->text_bytes).s);
	}
	return 0;
}

static int list_run(struct br_cli *c, struct br_err *err)
{
	struct list_state s = { c, { .align = "lrrr" }, NULL };
	char *current = NULL;
	struct br_txn *t;
	int rc;

	if ((rc = br_txn_read(&t, c->ws->store, err)) < 0)
		return rc;
	s.current = br_nb_current(&current, t);
	rc = br_nb_each(t, list_one, &s, err);
	br_txn_end(t);
	br_columns_print(&c->out, &s.t);
	free(current);
	return rc;
}

static void row(struct br_columns *t, const char *name, const char *value)
{
	br_columns_add(t, BR_DIM, "%s", name);
	br_columns_add(t, BR_PLAIN, "%s", value);
}

/* Those that were set, beside the ones shown by name. */
static void set_rows(struct br_columns *t, const struct br_nb *nb)
{
	struct br_nb_values *v = br_nb_values_new(nb);
	struct br_buf b = BR_BUF_INIT(8 << 20);
	const struct br_nb_setting *s;
	struct br_json j;
	size_t n, i;

	s = br_nb_settings(&n);
	for (i = 0; i < n; i++) {
		if (s[i].type == BR_NBS_CONFIG || !br_nb_is_set(v, s[i].key))
			continue;
		br_buf_reset(&b);
		br_json_init(&j, &b, false);
		br_nb_value_write(&j, v, &s[i]);
		row(t, s[i].key, b.ptr);
	}
	br_buf_release(&b);
	br_nb_values_free(v);
}

static void show_text(struct br_cli *c, const struct br_nb *nb)
{
	struct br_columns t = { .align = "ll" };
	struct br_buf b = BR_BUF_INIT(1u << 20);
	char iso[32];
	size_t i;

	row(&t, "name", nb->name);
	row(&t, "id", nb->id);
	row(&t, "documents", br_human_count(nb->docs).s);
	row(&t, "passages", br_human_count(nb->chunks).s);
	row(&t, "text", br_human_bytes(nb->text_bytes).s);
	br_time_iso(iso, nb->created);
	row(&t, "made", iso);
	br_time_iso(iso, nb->updated);
	row(&t, "changed", iso);
	br_buf_addf(&b, "%s, %u characters", chunker_name(nb), nb->chunking.size);
	if (nb->chunking.overlap)
		br_buf_addf(&b, ", %u overlapping", nb->chunking.overlap);
	row(&t, "chunking", b.ptr);
	row(&t, "language", nb->lang[0] ? nb->lang : "guessed for each document");
	br_buf_reset(&b);
	br_buf_addf(&b, "k1 %g, b %g", nb->k1, nb->b);
	row(&t, "BM25", b.ptr);
	row(&t, "model", nb->dim ? nb->model_id : "none");
	for (i = 0; i < nb->roots.n; i++)
		row(&t, i ? "" : "folders", nb->roots.v[i][0] ? nb->roots.v[i] : ".");
	set_rows(&t, nb);
	br_columns_print(&c->out, &t);
	br_buf_release(&b);
}

static int show_run(struct br_cli *c, struct br_err *err)
{
	char *current = NULL;
	struct br_txn *t;
	struct br_nb *nb;
	const char *name;
	int rc;

	if (c->n)
		c->opt.notebook = c->operand[0];
	if ((rc = br_cli_notebook(&nb, &t, c, err)) < 0)
		return rc;
	name = br_nb_current(&current, t);
	if (c->opt.json)
		nb_json(c, nb, name && !strcmp(name, nb->name));
	else
		show_text(c, nb);
	br_txn_end(t);
	free(current);
	return 0;
}

/* ---- set ---- */

static int told_set(struct br_cli *c, const struct pairs *p, bool reindex, struct br_err *err)
{
	struct br_json j;
	struct br_txn *t;
	struct br_nb *nb;
	int rc;

	if (!c->opt.json) {
		if (reindex)
			br_note(&c->out, "br: holds for documents indexed from now on; 'br sync --force' indexes all again");
		return 0;
	}
	if ((rc = br_cli_notebook(&nb, &t, c, err)) < 0)
		return rc;
	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kint(&j, "v", 1);
	br_json_kstr(&j, "notebook", nb->name);
	br_json_key(&j, "settings");
	settings_json(&j, nb, p);
	br_json_kbool(&j, "reindex", reindex);
	br_json_end(&j);
	br_out_line(&c->out);
	br_txn_end(t);
	return 0;
}

static int set_all(struct br_cli *c, const struct pairs *p, struct br_err *err)
{
	bool reindex = false;
	int rc = br_nb_set_all(c->ws, c->opt.notebook, p->v, p->n, &reindex, err);

	return rc < 0 ? rc : told_set(c, p, reindex, err);
}

static int set_check(struct br_cli *c, struct br_err *err)
{
	return c->n % 2 ? br_fail(err, BR_EUSAGE, "'%s' has no value", c->operand[c->n - 1]) : 0;
}

static int set_run(struct br_cli *c, struct br_err *err)
{
	struct pairs p = { br_arena_alloc(&c->arena, c->n * sizeof *p.v), c->n / 2 };

	for (size_t i = 0; i < p.n; i++)
		p.v[i] = (struct br_nb_pair){ c->operand[2 * i], c->operand[2 * i + 1] };
	return set_all(c, &p, err);
}

static int unset_run(struct br_cli *c, struct br_err *err)
{
	struct pairs p = { br_arena_alloc(&c->arena, c->n * sizeof *p.v), c->n };

	for (size_t i = 0; i < p.n; i++)
		p.v[i] = (struct br_nb_pair){ c->operand[i], NULL };
	return set_all(c, &p, err);
}

/* ---- delete ---- */

struct delete_params { bool yes; };
static const struct br_opt delete_opts[] = {
	{ "yes", 'y', BR_AT_BOOL(struct delete_params, yes), NULL, "do not ask" },
	BR_OPT_END,
};

static int may_delete(struct br_cli *c, struct br_err *err)
{
	const struct delete_params *p = c->params;
	struct br_txn *t;
	struct br_nb *nb;
	char question[300];
	int rc;

	c->opt.notebook = c->operand[0];
	if ((rc = br_cli_notebook(&nb, &t, c, err)) < 0)
		return rc;
	br_txn_end(t);
	snprintf(question, sizeof question, "Delete notebook '%s' with %s %s?", nb->name, br_human_count(nb->docs).s,
	         br_plural(nb->docs, "document", "documents"));
	if (p->yes || br_confirm(c, question))
		return 0;
	br_cli_hint(c, "--yes deletes without asking");
	return br_fail(err, BR_EUSAGE, "notebook '%s' was not deleted: nobody said yes", nb->name);
}

static int delete_run(struct br_cli *c, struct br_err *err)
{
	int rc = may_delete(c, err);

	return rc < 0 ? rc : br_nb_delete(c->ws, c->operand[0], err);
}

/* ---- the tables ---- */

static const struct br_cmd create = {
	.name = "create", .summary = "make a notebook", .operands = "<name>", .min = 1, .max = 1,
	.flags = BR_CMD_WS, .run = create_run,
};
static const struct br_cmd list = {
	.name = "list", .summary = "show all notebooks", .opts = list_opts, .params_size = sizeof(struct list_params),
	.flags = BR_CMD_WS, .run = list_run,
};
static const struct br_cmd show = {
	.name = "show", .summary = "show one notebook and its settings", .operands = "[<name>]", .max = 1,
	.complete = BR_C_NOTEBOOK, .flags = BR_CMD_WS, .run = show_run,
};
static const struct br_cmd rename_cmd = {
	.name = "rename", .summary = "give a notebook another name", .operands = "<name> <new-name>", .min = 2, .max = 2,
	.complete = BR_C_NOTEBOOK, .flags = BR_CMD_WS, .run = rename_run,
};
static const struct br_cmd use = {
	.name = "use", .summary = "choose the notebook that verbs work on", .operands = "<name>", .min = 1, .max = 1,
	.complete = BR_C_NOTEBOOK, .flags = BR_CMD_WS, .run = use_run,
};
static const struct br_cmd set = {
	.name = "set", .summary = "change settings of the notebook, all of them or none", .operands = "<key> <value>...", .min = 2, .max = -1,
	.flags = BR_CMD_WS, .check = set_check, .run = set_run,
};
static const struct br_cmd unset = {
	.name = "unset", .summary = "take settings of the notebook back", .operands = "<key>...", .min = 1, .max = -1,
	.flags = BR_CMD_WS, .run = unset_run,
};
static const struct br_cmd delete_cmd = {
	.name = "delete", .summary = "delete a notebook with all its documents", .operands = "<name>", .min = 1, .max = 1,
	.complete = BR_C_NOTEBOOK, .opts = delete_opts, .params_size = sizeof(struct delete_params),
	.flags = BR_CMD_WS, .run = delete_run,
};
static const struct br_cmd *const subs[] = { &create, &list, &show, &rename_cmd, &use, &set, &unset, &br_cmd_notebook_reembed, &delete_cmd, NULL };
static const struct br_example examples[] = {
	{ "br notebook create research", "an empty notebook" },
	{ "br notebook use research", "verbs now work on it" },
	{ "br notebook set -n research chunk.size 600", "smaller passages" },
	{ "br notebook set chat.persona clear chat.language de", "two settings at once" },
	{ NULL },
};
const struct br_cmd br_cmd_notebook = {
	.name = "notebook", .group = "workspace", .summary = "make, list, choose and delete notebooks",
	.operands = "create|list|show|rename|use|set|unset|reembed|delete", .sub = subs, .examples = examples,
};
