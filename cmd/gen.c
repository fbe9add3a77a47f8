/*
 * br-gen, a program of the build: writes manual pages and completions from the tables of verbs, options, settings and
 * errors, around prose from man/<name>.in. Not installed.
 *
 *   br-gen all DIR    every file, below DIR/man and DIR/completions
 *   br-gen man [VERB] | config | json | bash | zsh | fish    one of them, to stdout
 *   br-gen md-exit | md-verbs    tables for the README
 *   br-gen examples | verbs      lines for tests
 *   br-gen check      only the self-check of the tables
 */
#include "cmd.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Noreturn void die(const char *what, const char *name)
{
	fprintf(stderr, "br-gen: %s: %s\n", name, what);
	exit(1);
}

/* ---- prose: man/<name>.in, cut at its .Sh lines ---- */

struct prose {
	struct br_buf text;
	const char *name;
};

static void prose_load(struct prose *p, const char *name)
{
	char *path = br_sprintf("man/%s.in", name);
	struct br_err err;

	br_buf_init(&p->text, 1u << 20);
	p->name = name;
	if (br_file_read(&p->text, path, p->text.max, &err) < 0)
		die(err.msg, path);
	free(path);
}

static const char *next_section(const char *at)
{
	const char *s = strstr(at, "\n.Sh ");

	return s ? s + 1 : at + strlen(at);
}

static const char *first_section(const struct prose *p)
{
	return !strncmp(p->text.ptr, ".Sh ", 4) ? p->text.ptr : next_section(p->text.ptr);
}

static bool is_section(const char *s, const char *title)
{
	size_t n = strlen(title);

	return !strncmp(s + 4, title, n) && s[4 + n] == '\n';
}

/* The section with this title, if the prose has it. */
static void section(struct br_out *o, const struct prose *p, const char *title)
{
	const char *s, *end;

	for (s = first_section(p); *s; s = end) {
		end = next_section(s + 1);
		if (is_section(s, title))
			br_out_n(o, s, (size_t)(end - s));
	}
}

/* Sections that have no place of their own: they follow the options. */
static void other_sections(struct br_out *o, const struct prose *p)
{
	static const char *const placed[] = { "DESCRIPTION", "FILES", "SEE ALSO", "CAVEATS" };
	const char *s, *end;
	size_t i;

	for (s = first_section(p); *s; s = end) {
		end = next_section(s + 1);
		for (i = 0; i < BR_COUNT(placed) && !is_section(s, placed[i]); i++)
			;
		if (i == BR_COUNT(placed))
			br_out_n(o, s, (size_t)(end - s));
	}
}

/* ---- mdoc ---- */

/* Plain text: a backslash, a leading dot or quote would be a request */
static void text(struct br_out *o, const char *s)
{
	if (*s == '.' || *s == '\'')
		br_out_s(o, "\\&");
	for (; *s; s++) {
		if (*s == '\\')
			br_out_s(o, "\\e");
		else
			br_out_n(o, s, 1);
	}
}

/* "find passages" as "Find passages." */
static void sentence(struct br_out *o, const char *s)
{
	char first[2] = { (char)toupper((unsigned char)*s), '\0' };

	text(o, first);
	text(o, s + 1);
	br_out_s(o, ".\n");
}

static void head(struct br_out *o, const char *name, int sec, const char *what, const struct prose *p)
{
	const char *s;

	br_out_s(o, ".\\\" Written by br-gen; edit the .in file beside it, or the tables it comes from.\n");
	br_out_n(o, p->text.ptr, (size_t)(first_section(p) - p->text.ptr));
	br_out_s(o, ".Dt ");
	for (s = name; *s; s++)
		br_out_f(o, "%c", toupper((unsigned char)*s));
	br_out_f(o, " %d\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", sec, name);
	text(o, what);
	br_out_s(o, "\n");
}

/* "<path>...", "[<dir>]", "bash|zsh": Ar for names in angle brackets, Cm for other words, Oo and Oc for brackets */
static void operands(struct br_out *o, const char *s)
{
	size_t n;

	while (s && *s) {
		if (*s == '[' || *s == ']') {
			br_out_s(o, *s++ == '[' ? ".Oo\n" : ".Oc\n");
		} else if (*s == '<') {
			n = strcspn(s, ">");
			br_out_f(o, ".Ar %.*s%s\n", (int)n - 1, s + 1, !strncmp(s + n, ">...", 4) ? " ..." : "");
			s += n + (!strncmp(s + n, ">...", 4) ? 4 : 1);
		} else if (*s == ' ' || *s == '|') {
			br_out_s(o, *s++ == '|' ? ".No \\&|\n" : "");
		} else {
			n = strcspn(s, "[]<>| ");
			br_out_f(o, ".Cm %.*s\n", (int)n, s);
			s += n;
		}
	}
}

static void synopsis_line(struct br_out *o, const struct br_cmd *parent, const struct br_cmd *cmd)
{
	const struct br_opt *opt;

	br_out_f(o, ".Nm br %s%s%s\n", parent ? parent->name : "", parent ? " " : "", cmd->name);
	for (opt = cmd->opts; opt && opt->name; opt++) {
		if (opt->letter)
			br_out_f(o, ".Op Fl %c", opt->letter);
		else
			br_out_f(o, ".Op Fl -%s", opt->name);
		br_out_f(o, "%s%s\n", opt->arg ? " Ar " : "", opt->arg ? opt->arg : "");
	}
	operands(o, cmd->operands);
}

static void option(struct br_out *o, const struct br_opt *opt)
{
	const char *arg = opt->arg ? opt->arg : "", *ar = opt->arg ? " Ar " : "", *at = opt->choices ? opt->choices : "", *c;
	const char *dflt = br_opt_default(opt);
	size_t n, i;

	br_out_s(o, ".It ");
	if (opt->letter)
		br_out_f(o, "Fl %c%s%s , ", opt->letter, ar, arg);
	br_out_f(o, "Fl -%s%s%s\n", opt->name, ar, arg);
	sentence(o, opt->help);
	for (i = 0; (n = br_choice_next(&c, &at)); i++)
		br_out_f(o, "%s\n.Cm %.*s", i ? " ," : "One of", (int)n, c);
	br_out_s(o, i ? " .\n" : "");
	if (opt->type == BR_OPT_LIST)
		br_out_s(o, "May be given several times.\n");
	if (dflt && dflt[0] && opt->type != BR_OPT_BOOL)
		br_out_f(o, "The default is\n.Cm %s .\n", dflt);
	if (opt->key)
		br_out_f(o, "Setting\n.Va %s .\n", opt->key);
}

static void options(struct br_out *o, const struct br_opt *opt)
{
	br_out_s(o, ".Bl -tag -width Ds\n");
	for (; opt->name; opt++)
		option(o, opt);
	br_out_s(o, ".El\n");
}

static void verb_options(struct br_out *o, const struct br_cmd *cmd)
{
	const struct br_cmd *const *s;

	br_out_s(o, ".Sh OPTIONS\nOptions that every verb takes are described in\n.Xr br 1 .\n");
	if (cmd->opts && cmd->opts->name)
		options(o, cmd->opts);
	for (s = cmd->sub; s && *s; s++) {
		br_out_f(o, ".Ss br %s %s\n", cmd->name, (*s)->name);
		sentence(o, (*s)->summary);
		if ((*s)->opts && (*s)->opts->name)
			options(o, (*s)->opts);
	}
}

static bool has_env(const struct br_opt *opt)
{
	for (; opt && opt->name; opt++)
		if (br_opt_env(opt))
			return true;
	return false;
}

static void env_rows(struct br_out *o, const struct br_opt *opt)
{
	for (; opt && opt->name; opt++)
		if (br_opt_env(opt))
			br_out_f(o, ".It Ev %s\nAs\n.Fl -%s .\n", br_opt_env(opt), opt->name);
}

static void verb_environment(struct br_out *o, const struct br_cmd *cmd)
{
	br_out_s(o, ".Sh ENVIRONMENT\nVariables that hold for every verb are described in\n.Xr br 1 .\n");
	if (!has_env(cmd->opts))
		return;
	br_out_s(o, ".Bl -tag -width Ds\n");
	env_rows(o, cmd->opts);
	br_out_s(o, ".El\n");
}

/* Each status once, with everything it may mean. */
static void exit_status(struct br_out *o)
{
	int code, k;
	bool first;

	br_out_s(o, ".Sh EXIT STATUS\n.Bl -tag -width 999\n.It 0\nDone.\n");
	for (code = 1; code < 256; code++) {
		for (first = true, k = 1; k < BR_ERR_COUNT; k++) {
			const struct br_err_info *e = br_err_info((enum br_code)k);
			if (e->exit != code)
				continue;
			if (first)
				br_out_f(o, ".It %d\n", code);
			first = false;
			sentence(o, e->text);
		}
	}
	br_out_s(o, ".El\n");
}

static void examples(struct br_out *o, const struct br_cmd *cmd)
{
	const struct br_example *e = cmd->examples;

	if (!e)
		return;
	br_out_s(o, ".Sh EXAMPLES\n");
	for (; e->line; e++) {
		br_out_f(o, "%c", toupper((unsigned char)e->what[0]));
		text(o, e->what + 1);
		br_out_s(o, ":\n.Bd -literal -offset indent\n$ ");
		text(o, e->line);
		br_out_s(o, e[1].line ? "\n.Ed\n.Pp\n" : "\n.Ed\n");
	}
}

/* ---- the pages ---- */

static void api_names(struct br_out *o, const struct br_nb_setting *s)
{
	const struct { const char *api, *name; } in[] = { { "Beyond Retrieval", s->beyond }, { "Quivr", s->quivr }, { "Baiyuan", s->baiyuan } };
	const char *sep = "Name in the API of";

	for (size_t i = 0; i < BR_COUNT(in); i++) {
		if (!in[i].name)
			continue;
		br_out_f(o, "%s %s:\n.Va %s", sep, in[i].api, in[i].name);
		sep = " ;\nof";
	}
	br_out_s(o, *sep == ' ' ? " .\n" : "");
}

static void nb_range(struct br_out *o, const struct br_nb_setting *s)
{
	const char *at = s->choices ? s->choices : "", *c;
	size_t n, i;

	if (s->type == BR_NBS_INT || s->type == BR_NBS_NUM)
		br_out_f(o, "%s, %g to %.12g.\n", s->type == BR_NBS_INT ? "Whole number" : "Number", s->min, s->max);
	else if (s->type == BR_NBS_LIST || s->type == BR_NBS_OBJECT)
		br_out_s(o, s->type == BR_NBS_LIST ? "Words separated by commas, or a JSON array of strings.\n" : "A JSON object.\n");
	else if (s->type == BR_NBS_BOOL)
		br_out_s(o, "True or false.\n");
	for (i = 0; (n = br_choice_next(&c, &at)); i++)
		br_out_f(o, "%s\n.Cm %.*s", i ? " ," : "One of", (int)n, c);
	br_out_s(o, i ? " .\n" : "");
	if (s->fixed)
		br_out_s(o, "Fixed once the notebook has documents.\n");
}

static void nb_settings(struct br_out *o)
{
	const struct br_nb_setting *s;
	size_t n, i;

	s = br_nb_settings(&n);
	br_out_s(o, ".Sh SETTINGS OF A NOTEBOOK\n.Bl -tag -width Ds\n");
	for (i = 0; i < n; i++) {
		br_out_f(o, ".It Va %s\n", s[i].key);
		sentence(o, s[i].help);
		if (s[i].type == BR_NBS_CONFIG)
			br_out_s(o, "Range, and default of a new notebook: as the setting of that name in\n.Xr br-config 5 .\n");
		else
			nb_range(o, &s[i]);
		if (s[i].dflt && *s[i].dflt) {
			br_out_s(o, "Default:\n.Cm ");
			text(o, s[i].dflt);
			br_out_s(o, " .\n");
		} else if (s[i].type != BR_NBS_CONFIG) {
			br_out_s(o, s[i].dflt ? "Empty by default.\n" : "Unset by default.\n");
		}
		api_names(o, &s[i]);
	}
	br_out_s(o, ".El\n");
}

static void health_rules(struct br_out *o)
{
	br_out_s(o, ".Sh RULES\n.Bl -tag -width Ds\n");
	for (int i = 0; i < BR_H_COUNT; i++) {
		const struct br_health_rule *r = br_health_rule((enum br_health_id)i);
		br_out_f(o, ".It Cm %s Pq %s, weight %u\n", r->name, br_severity_name(r->severity), r->weight);
		sentence(o, r->finds);
		sentence(o, r->reason);
		br_out_s(o, "Share of: ");
		text(o, r->of);
		br_out_f(o, "; puts up with\n.Va %s .\n", r->key);
		if (r->fix) {
			br_out_s(o, ".Fl -fix\n");
			text(o, r->fix);
			br_out_s(o, ".\n");
		}
	}
	br_out_s(o, ".El\n");
}

static void man_verb(struct br_out *o, const char *verb)
{
	const struct br_cmd *cmd = br_cmd_find(br_cmds, verb);
	const struct br_cmd *const *s;
	char *name = br_sprintf("br-%s", verb);
	struct prose p;

	if (!cmd)
		die("no such verb", verb);
	prose_load(&p, name);
	head(o, name, 1, cmd->summary, &p);
	br_out_s(o, ".Sh SYNOPSIS\n");
	if (cmd->run)
		synopsis_line(o, NULL, cmd);
	for (s = cmd->sub; s && *s; s++)
		synopsis_line(o, cmd, *s);
	section(o, &p, "DESCRIPTION");
	verb_options(o, cmd);
	other_sections(o, &p);
	if (!strcmp(verb, "notebook"))
		nb_settings(o);
	if (!strcmp(verb, "health"))
		health_rules(o);
	verb_environment(o, cmd);
	section(o, &p, "FILES");
	exit_status(o);
	examples(o, cmd);
	section(o, &p, "SEE ALSO");
	section(o, &p, "CAVEATS");
	br_buf_release(&p.text);
	free(name);
}

static void verbs_of(struct br_out *o, const struct br_group *g)
{
	const struct br_cmd *const *c;

	br_out_f(o, ".Ss %s\n.Bl -tag -width completionXX\n", g->title);
	for (c = br_cmds; *c; c++) {
		if (strcmp((*c)->group, g->id))
			continue;
		br_out_f(o, ".It Cm %s\n", (*c)->name);
		sentence(o, (*c)->summary);
		br_out_f(o, "See\n.Xr br-%s 1 .\n", (*c)->name);
	}
	br_out_s(o, ".El\n");
}

static void man_br_environment(struct br_out *o)
{
	const struct br_setting *s;
	size_t n, i;

	br_out_s(o, ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n");
	for (const struct br_opt *opt = br_common_opts; opt->name; opt++)
		if (opt->env)
			br_out_f(o, ".It Ev %s\nAs\n.Fl -%s .\n", opt->env, opt->name);
	s = br_settings(&n);
	for (i = 0; i < n; i++)
		if (s[i].env)
			br_out_f(o, ".It Ev %s\nSetting\n.Va %s ;\nsee\n.Xr br-config 5 .\n", s[i].env, s[i].key);
	br_out_s(o, ".It Ev NO_COLOR\nWhen set and not empty: no colours.\n"
	            ".It Ev XDG_CONFIG_HOME\nFolder of the user's settings, instead of\n.Pa ~/.config .\n"
	            ".It Ev TMPDIR\nWhere\n.Xr br-eval 1\nmakes its temporary workspace, instead of\n.Pa /tmp .\n"
	            ".It Ev BR_CLOCK\nThe time, in seconds since 1970, instead of the clock's; for tests.\n.El\n");
}

static void man_br(struct br_out *o)
{
	const struct br_group *g;
	struct prose p;

	prose_load(&p, "br");
	head(o, "br", 1, "search your own documents by words and by meaning", &p);
	br_out_s(o, ".Sh SYNOPSIS\n.Nm br\n.Op Ar common options\n.Ar verb\n.Op Ar options\n.Op Ar operands\n"
	            ".Nm br\n.Fl -version\n");
	section(o, &p, "DESCRIPTION");
	br_out_s(o, ".Sh VERBS\n");
	for (g = br_groups; g->id; g++)
		verbs_of(o, g);
	br_out_s(o, ".Sh COMMON OPTIONS\nThey may stand before the verb or behind it.\n");
	options(o, br_common_opts);
	other_sections(o, &p);
	man_br_environment(o);
	section(o, &p, "FILES");
	exit_status(o);
	section(o, &p, "SEE ALSO");
	br_buf_release(&p.text);
}

static void setting(struct br_out *o, const struct br_setting *s)
{
	static const char *const types[] = {
		[BR_SET_STR] = "text", [BR_SET_INT] = "whole number", [BR_SET_NUM] = "number", [BR_SET_BOOL] = "true or false",
		[BR_SET_ENUM] = "one of the words below", [BR_SET_SECONDS] = "time: 90, 90s, 15m, 2h, 7d",
		[BR_SET_BYTES] = "size: 4096, 10M, 2G",
	};
	const char *at = s->choices ? s->choices : "", *c;
	size_t n, i;

	br_out_f(o, ".It Va %s\n", s->key);
	sentence(o, s->help);
	br_out_f(o, "Type: %s", types[s->type]);
	if (s->min < s->max)
		br_out_f(o, ", %g to %.12g", s->min, s->max);
	br_out_s(o, ".\n");
	for (i = 0; (n = br_choice_next(&c, &at)); i++)
		br_out_f(o, "%s\n.Cm %.*s", i ? " ," : "One of", (int)n, c);
	br_out_s(o, i ? " .\n" : "");
	if (s->dflt)
		br_out_f(o, "Default:\n.Cm %s .\n", s->dflt);
	else
		br_out_s(o, "Unset by default.\n");
	if (s->env)
		br_out_f(o, "Variable:\n.Ev %s .\n", s->env);
	if (s->trusted)
		br_out_s(o, "From a workspace it counts only after\n.Ic br config trust .\n");
}

static void man_config(struct br_out *o)
{
	const struct br_setting *s;
	struct prose p;
	size_t n, i;

	prose_load(&p, "br-config.5");
	head(o, "br-config", 5, "settings of br", &p);
	section(o, &p, "DESCRIPTION");
	br_out_s(o, ".Sh SETTINGS\n.Bl -tag -width Ds\n");
	s = br_settings(&n);
	for (i = 0; i < n; i++)
		setting(o, &s[i]);
	br_out_s(o, ".El\n");
	other_sections(o, &p);
	section(o, &p, "FILES");
	section(o, &p, "SEE ALSO");
	br_buf_release(&p.text);
}

static void man_json(struct br_out *o)
{
	struct prose p;

	prose_load(&p, "br-json.7");
	head(o, "br-json", 7, "JSON that br prints", &p);
	section(o, &p, "DESCRIPTION");
	other_sections(o, &p);
	section(o, &p, "SEE ALSO");
	br_buf_release(&p.text);
}

/* ---- tables for the README ---- */

static void md_exit(struct br_out *o)
{
	int code, k;
	bool any;

	br_out_s(o, "| status | meaning |\n|---|---|\n| 0 | done |\n");
	for (code = 1; code < 256; code++) {
		for (any = false, k = 1; k < BR_ERR_COUNT; k++) {
			if (br_err_info((enum br_code)k)->exit != code)
				continue;
			if (any)
				br_out_f(o, "; %s", br_err_info((enum br_code)k)->text);
			else
				br_out_f(o, "| %d | %s", code, br_err_info((enum br_code)k)->text);
			any = true;
		}
		br_out_s(o, any ? " |\n" : "");
	}
}

/* Every example of every verb, one a line: a test runs them. */
static void example_lines(struct br_out *o)
{
	const struct br_cmd *const *c;
	const struct br_example *e;

	for (c = br_cmds; *c; c++)
		for (e = (*c)->examples; e && e->line; e++)
			br_out_f(o, "%s\n", e->line);
}

static void verb_names(struct br_out *o)
{
	const struct br_cmd *const *c, *const *s;

	for (c = br_cmds; *c; c++) {
		if ((*c)->run)
			br_out_f(o, "%s\n", (*c)->name);
		for (s = (*c)->sub; s && *s; s++)
			br_out_f(o, "%s %s\n", (*c)->name, (*s)->name);
	}
}

static void md_verbs(struct br_out *o)
{
	const struct br_cmd *const *c;

	br_out_s(o, "| verb | does |\n|---|---|\n");
	for (c = br_cmds; *c; c++)
		br_out_f(o, "| `br %s` | %s |\n", (*c)->name, (*c)->summary);
}

/* ---- writing ---- */

static bool one(struct br_out *o, const char *what, const char *verb)
{
	static const struct { const char *name; void (*fn)(struct br_out *o); } pages[] = {
		{ "man", man_br }, { "config", man_config }, { "json", man_json }, { "md-exit", md_exit }, { "md-verbs", md_verbs },
		{ "examples", example_lines }, { "verbs", verb_names },
	};
	size_t i;

	if (!strcmp(what, "man") && verb) {
		man_verb(o, verb);
		return true;
	}
	for (i = 0; i < BR_COUNT(pages); i++) {
		if (!strcmp(what, pages[i].name)) {
			pages[i].fn(o);
			return true;
		}
	}
	if (strcmp(what, "bash") && strcmp(what, "zsh") && strcmp(what, "fish"))
		return false;
	br_completion_write(o, what);
	return true;
}

static void finish(struct br_out *o)
{
	struct br_err err;

	if (br_out_end(o, &err) < 0)
		die(err.msg, "stdout");
}

/* Standard output becomes the file. */
static void to_file(struct br_out *o, const char *dir, const char *file, const char *what, const char *verb)
{
	char *path = br_sprintf("%s/%s", dir, file);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0 || dup2(fd, 1) < 0)
		die("cannot be written", path);
	close(fd);
	if (!one(o, what, verb))
		die("is nothing known", what);
	finish(o);
	free(path);
}

static void all(struct br_out *o, const char *dir)
{
	static const char *const sub[] = { "man", "completions" };
	const struct br_cmd *const *c;
	struct br_err err;
	size_t i;

	for (i = 0; i < BR_COUNT(sub); i++) {
		char *path = br_sprintf("%s/%s", dir, sub[i]);
		if (br_mkdirs(path, 0777, &err) < 0)
			die(err.msg, path);
		free(path);
	}
	to_file(o, dir, "man/br.1", "man", NULL);
	to_file(o, dir, "man/br-config.5", "config", NULL);
	to_file(o, dir, "man/br-json.7", "json", NULL);
	to_file(o, dir, "completions/br.bash", "bash", NULL);
	to_file(o, dir, "completions/_br", "zsh", NULL);
	to_file(o, dir, "completions/br.fish", "fish", NULL);
	for (c = br_cmds; *c; c++) {
		char *file = br_sprintf("man/br-%s.1", (*c)->name);
		to_file(o, dir, file, "man", (*c)->name);
		free(file);
	}
}

int main(int argc, char **argv)
{
	struct br_out o;

	br_table_check();
	br_out_init(&o);
	if (argc == 2 && !strcmp(argv[1], "check"))
		return 0;
	if (argc == 3 && !strcmp(argv[1], "all"))
		all(&o, argv[2]);
	else if (argc < 2 || argc > 3 || !one(&o, argv[1], argv[2]))
		die("usage: br-gen all DIR | man [VERB] | config | json | bash | zsh | fish | md-exit | md-verbs | examples | "
		    "verbs | check", "br-gen");
	finish(&o);
	br_out_release(&o);
	return 0;
}
