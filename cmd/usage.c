/*
 * Help text: the overview of all verbs, the usage line and the full help of one verb. Everything comes from the tables.
 */
#include "cmd.h"

static void add_name(struct br_buf *out, const struct br_cmd *parent, const struct br_cmd *cmd)
{
	br_buf_addf(out, "br %s%s%s", parent ? parent->name : "", parent ? " " : "", cmd->name);
}

void br_usage_line(struct br_buf *out, const struct br_cmd *parent, const struct br_cmd *cmd)
{
	add_name(out, parent, cmd);
	if (cmd->sub && !cmd->run) {
		br_buf_adds(out, " <what>");
		return;
	}
	br_buf_adds(out, " [options]");
	if (cmd->operands)
		br_buf_addf(out, " %s", cmd->operands);
}

static void usage(struct br_out *o, const char *lead, const struct br_cmd *parent, const struct br_cmd *cmd)
{
	struct br_buf line = BR_BUF_INIT(4096);

	br_usage_line(&line, parent, cmd);
	br_out_f(o, "%s%s\n", lead, line.ptr);
	br_buf_release(&line);
}

/* "  -k, --top <n>" and beside it what it does, its choices and its default */
static void option(struct br_columns *t, const struct br_opt *o)
{
	const char *dflt = br_opt_default(o), *at = o->choices ? o->choices : "", *c;
	char letter[5] = "   ";
	struct br_buf text = BR_BUF_INIT(4096);
	size_t n, i;

	if (o->letter)
		memcpy(letter, (char[]){ '-', o->letter, ',', '\0' }, 4);
	br_columns_add(t, BR_PLAIN, " %s --%s%s%s%s", letter, o->name, o->arg ? " <" : "", o->arg ? o->arg : "",
	               o->arg ? ">" : "");
	br_buf_adds(&text, o->help);
	for (i = 0; (n = br_choice_next(&c, &at)); i++)
		br_buf_addf(&text, "%s%.*s", i ? ", " : ": ", (int)n, c);
	if (dflt && dflt[0] && o->type != BR_OPT_BOOL)
		br_buf_addf(&text, " [%s]", dflt);
	br_columns_add(t, BR_PLAIN, "%s", text.ptr);
	br_buf_release(&text);
}

static void options(struct br_out *o, const char *title, const struct br_opt *opt)
{
	struct br_columns t = { .align = "ll" };

	if (!opt || !opt->name)
		return;
	br_out_f(o, "\n%s%s%s\n", br_out_style(o, BR_BOLD), title, br_out_style(o, BR_PLAIN));
	for (; opt->name; opt++)
		option(&t, opt);
	br_columns_print(o, &t);
}

static void subs(struct br_out *o, const struct br_cmd *cmd)
{
	struct br_columns t = { .align = "ll" };
	struct br_buf line = BR_BUF_INIT(4096);
	const struct br_cmd *const *s;

	for (s = cmd->sub; *s; s++) {
		br_buf_reset(&line);
		br_usage_line(&line, cmd, *s);
		br_columns_add(&t, BR_PLAIN, "  %s", line.ptr);
		br_columns_add(&t, BR_PLAIN, "%s", (*s)->summary);
	}
	br_columns_print(o, &t);
	br_buf_release(&line);
}

static void examples(struct br_out *o, const struct br_cmd *cmd)
{
	struct br_columns t = { .align = "ll" };
	const struct br_example *e;

	if (!cmd->examples)
		return;
	br_out_f(o, "\n%sExamples%s\n", br_out_style(o, BR_BOLD), br_out_style(o, BR_PLAIN));
	for (e = cmd->examples; e->line; e++) {
		br_columns_add(&t, BR_PLAIN, "  %s", e->line);
		br_columns_add(&t, BR_DIM, "%s", e->what);
	}
	br_columns_print(o, &t);
}

void br_usage_verb(struct br_out *o, const struct br_cmd *parent, const struct br_cmd *cmd)
{
	const char *name = parent ? parent->name : cmd->name;

	br_out_f(o, "br %s%s%s - %s\n\n", parent ? parent->name : "", parent ? " " : "", cmd->name, cmd->summary);
	if (cmd->run)
		usage(o, "usage: ", parent, cmd);
	if (cmd->sub)
		subs(o, cmd);
	options(o, "Options", cmd->opts);
	examples(o, cmd);
	if (cmd->run)
		options(o, "Common options", br_common_opts);
	br_out_f(o, "\nMore: man br-%s\n", name);
}

static void group(struct br_out *o, const struct br_group *g)
{
	struct br_columns t = { .align = "ll" };
	const struct br_cmd *const *c;

	br_out_f(o, "\n%s%s%s\n", br_out_style(o, BR_BOLD), g->title, br_out_style(o, BR_PLAIN));
	for (c = br_cmds; *c; c++) {
		if (strcmp((*c)->group, g->id))
			continue;
		br_columns_add(&t, BR_PLAIN, "  %-10s", (*c)->name);
		br_columns_add(&t, BR_PLAIN, "%s", (*c)->summary);
	}
	br_columns_print(o, &t);
}

void br_usage_all(struct br_out *o)
{
	const struct br_group *g;

	br_out_s(o, "br - search your own documents by words and by meaning\n\n"
	            "usage: br [common options] <verb> [options] [operands]\n");
	for (g = br_groups; g->id; g++)
		group(o, g);
	options(o, "Common options", br_common_opts);
	br_out_s(o, "\nStart: br init && br sync . && br query 'how do I ...'\nMore: br help <verb>, man br\n");
}
