/*
 * br wiki plan - the topics of the wiki: shown, found in the notebook, or taken from a list that people keep.
 */
#include "wiki.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct plan_params { const char *file, *model; bool edit, find; };
static const struct br_opt opts[] = {
	{ "find", 0, BR_AT_BOOL(struct plan_params, find), NULL, "find topics in the notebook, instead of those found before" },
	{ "file", 'f', BR_AT_STR(struct plan_params, file), "file", "read the list of people's topics from file, '-' for standard input", .complete = BR_C_FILE },
	{ "edit", 'e', BR_AT_BOOL(struct plan_params, edit), NULL, "edit that list in $VISUAL or $EDITOR" },
	BR_WIKI_MODEL_OPT(struct plan_params),
	BR_OPT_END,
};

static int check(struct br_cli *c, struct br_err *err)
{
	const struct plan_params *p = c->params;

	return (p->file != NULL) + p->edit + p->find > 1 ? br_fail(err, BR_EUSAGE, "only one of --find, --file and --edit") : 0;
}

static int read_topics(struct br_wiki_topics *out, struct br_cli *c, uint32_t nb, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, c->ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_wiki_plan_get(out, &c->arena, t, nb, err);
	br_txn_end(t);
	return rc;
}

/* ---- showing ---- */

static void show_json(struct br_cli *c, const char *name, const struct br_wiki_topics *t)
{
	struct br_json j = br_wiki_json_begin(c);

	br_json_kint(&j, "v", 1);
	br_json_kstr(&j, "notebook", name);
	br_json_key(&j, "topics");
	br_json_arr(&j);
	for (size_t i = 0; i < t->v.n; i++) {
		const struct br_wiki_topic *x = &t->v.v[i];
		br_json_obj(&j);
		br_json_kstr(&j, "slug", x->slug);
		br_json_kstr(&j, "title", x->title);
		br_json_key(&j, "aliases");
		br_json_arr(&j);
		for (const char *const *s = x->alias; *s; s++)
			br_json_str(&j, *s);
		br_json_end(&j);
		br_json_kstr(&j, "category", x->category);
		br_json_kbool(&j, "manual", x->manual);
		br_json_end(&j);
	}
	br_json_end(&j);
	br_wiki_json_end(c, &j);
}

static void show(struct br_cli *c, const char *name, const struct br_wiki_topics *t)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);

	if (c->opt.json) {
		show_json(c, name, t);
		return;
	}
	br_wiki_plan_write(&b, t);
	br_out_text(&c->out, b.ptr, b.len);
	br_buf_release(&b);
}

/* ---- people's list ---- */

static int read_file(struct br_buf *out, const char *path, struct br_err *err)
{
	struct br_infile f;
	size_t got;
	int rc = br_infile_open(&f, path, err);

	if (rc < 0)
		return rc;
	do {
		char block[4096];
		if ((rc = br_infile_read(&got, &f, block, sizeof block, err)) == 0)
			br_buf_add(out, block, got);
	} while (rc == 0 && got && !out->failed);
	br_infile_close(&f);
	return rc < 0 ? rc : br_buf_check(out, "the list of topics", err);
}

static int set_list(struct br_cli *c, uint32_t nb, struct br_slice text, const char *name, struct br_err *err)
{
	struct br_wiki_topics t;
	int rc = br_wiki_plan_parse(&t, &c->arena, text, name, err);

	if (rc < 0)
		return rc;
	if ((rc = br_wiki_plan_set(c->ws, nb, t.v.v, t.v.n, err)) == 0 && !c->opt.quiet && !c->opt.json)
		br_out_f(&c->out, "%s %s; 'br wiki compile' writes their pages\n", br_human_count(t.v.n).s, br_plural(t.v.n, "topic", "topics"));
	br_vec_release(&t.v);
	return rc;
}

static int from_file(struct br_cli *c, uint32_t nb, struct br_err *err)
{
	const char *path = ((const struct plan_params *)c->params)->file;
	struct br_buf text = BR_BUF_INIT(BR_MAX_WIKI_PLAN);
	int rc = read_file(&text, path, err);

	if (rc == 0)
		rc = set_list(c, nb, br_buf_slice(&text), strcmp(path, "-") ? path : "standard input", err);
	br_buf_release(&text);
	return rc;
}

/* ---- editing ---- */

static int run_editor(const char *path, struct br_err *err)
{
	const char *editor = getenv("VISUAL");
	pid_t pid;
	int status;

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	if (!editor || !*editor)
		editor = "vi";
	if ((pid = fork()) < 0)
		return br_fail_errno(err, BR_EIO, "cannot start the editor");
	if (pid == 0) {
		char *line = br_sprintf("%s \"$1\"", editor);
		execl("/bin/sh", "sh", "-c", line, "sh", path, (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return br_fail_errno(err, BR_EIO, "cannot wait for the editor");
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : br_fail(err, BR_EINPUT, "the editor '%s' failed; nothing was changed", editor);
}

static void put_manual(struct br_buf *out, const struct br_wiki_topics *t)
{
	struct br_wiki_topics manual = { 0 };

	br_buf_adds(out, "# slug | title | alias, alias | category\n");
	for (size_t i = 0; i < t->v.n; i++)
		if (t->v.v[i].manual)
			*br_vec_push(&manual.v) = t->v.v[i];
	br_wiki_plan_write(out, &manual);
	br_vec_release(&manual.v);
}

static int write_list(struct br_cli *c, uint32_t nb, const char *path, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_WIKI_PLAN);
	struct br_wiki_topics t = { 0 };
	int rc = read_topics(&t, c, nb, err);

	if (rc == 0) {
		put_manual(&text, &t);
		if ((rc = br_buf_check(&text, "the list of topics", err)) == 0)
			rc = br_file_write_atomic(path, text.ptr, text.len, 0644, err);
	}
	br_vec_release(&t.v);
	br_buf_release(&text);
	return rc;
}

/* The file is left where it is when it cannot be taken, so that no typing is lost. */
static int edit(struct br_cli *c, uint32_t nb, struct br_err *err)
{
	char *path = br_path_join(c->ws->dir, "wiki-topics.txt");
	struct br_buf text = BR_BUF_INIT(BR_MAX_WIKI_PLAN);
	int rc = 0;

	if (br_is_file(path))
		br_note(&c->out, "br: going on with '%s', which could not be taken the last time", path);
	else
		rc = write_list(c, nb, path, err);
	if (rc == 0 && (rc = run_editor(path, err)) == 0 && (rc = read_file(&text, path, err)) == 0 && (rc = set_list(c, nb, br_buf_slice(&text), path, err)) == 0)
		unlink(path);
	br_buf_release(&text);
	free(path);
	return rc;
}

/* ---- finding ---- */

static int find(struct br_cli *c, uint32_t nb, struct br_err *err)
{
	struct br_wiki_topics t;
	struct br_wiki_use use;
	int rc = br_wiki_use_open(&use, c, ((const struct plan_params *)c->params)->model, err);

	if (rc < 0)
		return rc;
	if ((rc = br_wiki_plan_make(&t, &c->arena, c->ws, nb, use.model, err)) == 0)
		br_vec_release(&t.v);
	br_wiki_use_close(&use);
	return rc;
}

static int run(struct br_cli *c, struct br_err *err)
{
	const struct plan_params *p = c->params;
	struct br_wiki_topics t = { 0 };
	const char *name;
	uint32_t nb;
	int rc = br_wiki_notebook(&nb, &name, c, err);

	if (rc < 0)
		return rc;
	if (p->file || p->edit) {
		rc = p->file ? from_file(c, nb, err) : edit(c, nb, err);
		if (rc < 0 || !c->opt.json)
			return rc;
	} else if (p->find && (rc = find(c, nb, err)) < 0)
		return rc;
	if ((rc = read_topics(&t, c, nb, err)) < 0)
		return rc;
	show(c, name, &t);
	if (!t.v.n && !c->opt.json)
		br_note(&c->out, "br: nothing is planned; 'br wiki plan --find' looks for topics, 'br wiki compile' does it by itself");
	br_vec_release(&t.v);
	return 0;
}

const struct br_cmd br_cmd_wiki_plan = {
	.name = "plan", .summary = "print the topics, find them in the notebook, or take a list", .opts = opts, .params_size = sizeof(struct plan_params),
	.flags = BR_CMD_WS | BR_CMD_LONG, .check = check, .run = run,
};
