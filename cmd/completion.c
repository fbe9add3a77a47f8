/*
 * `br completion`: completion scripts for bash, zsh and fish, written from the tables. They know verbs, options and
 * fixed values by themselves, and ask `br` for names of notebooks and documents.
 */
#include "cmd.h"


/* A visit to every command that can be run: parent is NULL or the verb above. */
typedef void visit_fn(struct br_out *o, const struct br_cmd *parent, const struct br_cmd *cmd);

static void each_cmd(struct br_out *o, visit_fn *fn)
{
	const struct br_cmd *const *c, *const *s;

	for (c = br_cmds; *c; c++) {
		if ((*c)->run)
			fn(o, NULL, *c);
		for (s = (*c)->sub; s && *s; s++)
			fn(o, *c, *s);
	}
}

static void words_of(struct br_out *o, const struct br_cmd *const *list)
{
	const struct br_cmd *const *c;

	for (c = list; *c; c++)
		br_out_f(o, "%s%s", c == list ? "" : " ", (*c)->name);
}

/* Names of all settings, or choices, separated by spaces */
static void keys(struct br_out *o)
{
	const struct br_setting *s;
	size_t n, i;

	s = br_settings(&n);
	for (i = 0; i < n; i++)
		br_out_f(o, "%s%s", i ? " " : "", s[i].key);
}

static void choices(struct br_out *o, const char *list)
{
	const char *c;
	size_t n, i;

	for (i = 0; (n = br_choice_next(&c, &list)); i++)
		br_out_f(o, "%s%.*s", i ? " " : "", (int)n, c);
}

/* ---- bash ---- */

static void bash_action(struct br_out *o, enum br_complete what, const char *list)
{
	if (list) {
		br_out_s(o, "_br_words '");
		choices(o, list);
		br_out_s(o, "'");
		return;
	}
	switch (what) {
	case BR_C_FILE:     br_out_s(o, "_br_files -f"); break;
	case BR_C_DIR:      br_out_s(o, "_br_files -d"); break;
	case BR_C_NOTEBOOK: br_out_s(o, "_br_lines notebook list --names"); break;
	case BR_C_DOC:      br_out_s(o, "_br_lines docs list --paths"); break;
	case BR_C_KEY:      br_out_s(o, "_br_words '"); keys(o); br_out_s(o, "'"); break;
	case BR_C_VERB:     br_out_s(o, "_br_words \"$verbs\""); break;
	case BR_C_NONE:     br_out_s(o, ":"); break;
	}
}

static void bash_names(struct br_out *o, const struct br_opt *opt)
{
	for (; opt && opt->name; opt++) {
		br_out_f(o, " --%s", opt->name);
		if (opt->letter)
			br_out_f(o, " -%c", opt->letter);
	}
}

/* A case branch for each option that takes a value; path is "query" or "docs cat", or "*" for the common ones. */
static void bash_values(struct br_out *o, const char *path, const struct br_opt *opt)
{
	for (; opt && opt->name; opt++) {
		if (!opt->arg)
			continue;
		br_out_f(o, "\t%s:--%s", path, opt->name);
		if (opt->letter)
			br_out_f(o, "|%s:-%c", path, opt->letter);
		br_out_s(o, ") ");
		bash_action(o, opt->complete, opt->choices);
		br_out_s(o, "; return ;;\n");
	}
}

static void path_of(char *out, size_t size, const struct br_cmd *parent, const struct br_cmd *cmd, const char *between)
{
	struct br_buf b = BR_BUF_INIT(200);

	br_buf_addf(&b, "%s%s%s", parent ? parent->name : "", parent ? between : "", cmd->name);
	BR_ASSERT(b.len < size);
	memcpy(out, b.ptr, b.len + 1);
	br_buf_release(&b);
}

static void bash_value_cases(struct br_out *o, const struct br_cmd *parent, const struct br_cmd *cmd)
{
	char path[80];

	path_of(path, sizeof path, parent, cmd, ".");
	bash_values(o, path, cmd->opts);
}

static void bash_verb_cases(struct br_out *o, const struct br_cmd *parent, const struct br_cmd *cmd)
{
	char path[80];

	if (cmd->sub)
		return; /* bash_subs has it */
	path_of(path, sizeof path, parent, cmd, ".");
	br_out_f(o, "\t%s)\n\t\tcase $cur in\n\t\t-*) _br_words \"", path);
	bash_names(o, cmd->opts);
	br_out_s(o, " $common\" ;;\n\t\t*) ");
	bash_action(o, cmd->complete, cmd->choices);
	br_out_s(o, " ;;\n\t\tesac ;;\n");
}

static void bash_subs(struct br_out *o)
{
	const struct br_cmd *const *c;

	for (c = br_cmds; *c; c++) {
		if (!(*c)->sub)
			continue;
		br_out_f(o, "\t%s)\n\t\tcase $cur in\n\t\t-*) _br_words \"", (*c)->name);
		bash_names(o, (*c)->opts);
		br_out_f(o, "%s$common\" ;;\n\t\t*) _br_words '", (*c)->opts ? " " : "");
		words_of(o, (*c)->sub);
		br_out_s(o, "' ;;\n\t\tesac ;;\n");
	}
}

/* Options with a value, for the search of the verb among the words: their values are no verbs. */
static void bash_common_with_value(struct br_out *o)
{
	const struct br_opt *opt;
	bool first = true;

	for (opt = br_common_opts; opt->name; opt++) {
		if (!opt->arg)
			continue;
		br_out_f(o, "%s--%s", first ? "" : "|", opt->name);
		if (opt->letter)
			br_out_f(o, "|-%c", opt->letter);
		first = false;
	}
}

static void bash_two_words(struct br_out *o)
{
	const struct br_cmd *const *c;
	bool first = true;

	for (c = br_cmds; *c; c++) {
		if (!(*c)->sub)
			continue;
		br_out_f(o, "%s%s", first ? "" : "|", (*c)->name);
		first = false;
	}
}

static void bash(struct br_out *o)
{
	br_out_s(o, "# bash completion for br; written by `br completion bash`\n\n"
	            "_br_words() { COMPREPLY=($(compgen -W \"$1\" -- \"$cur\")); }\n"
	            "_br_files()\n{\n"
	            "\tlocal IFS=$'\\n'\n"
	            "\tcompopt -o filenames 2>/dev/null\n"
	            "\tCOMPREPLY=($(compgen \"$1\" -- \"$cur\"))\n"
	            "}\n"
	            "_br_lines()\n{\n"
	            "\tlocal line\n"
	            "\tCOMPREPLY=()\n"
	            "\twhile IFS= read -r line; do\n"
	            "\t\t[[ $line == \"$cur\"* ]] && COMPREPLY+=(\"$(printf %q \"$line\")\")\n"
	            "\tdone < <(\"${COMP_WORDS[0]}\" \"${where[@]}\" \"$@\" 2>/dev/null)\n"
	            "}\n\n"
	            "_br()\n{\n"
	            "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= word i\n"
	            "\tlocal -a where=()\n"
	            "\tlocal verbs='");
	words_of(o, br_cmds);
	br_out_s(o, "'\n\tlocal common='");
	bash_names(o, br_common_opts);
	br_out_s(o, "'\n\n\tCOMPREPLY=()\n"
	            "\t# bash cuts --name=value at the sign\n"
	            "\tif [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
	            "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	            "\t\tword=${COMP_WORDS[i]}\n"
	            "\t\tcase $word in\n"
	            "\t\t");
	bash_common_with_value(o);
	br_out_s(o, ") ((i++)); [[ $i -lt $COMP_CWORD ]] && where+=(\"$word\" \"${COMP_WORDS[i]}\") ;;\n"
	            "\t\t-*) ;;\n"
	            "\t\t*)\tcase $cmd in\n"
	            "\t\t\t'') cmd=$word ;;\n"
	            "\t\t\t");
	bash_two_words(o);
	br_out_s(o, ") cmd=$cmd.$word ;;\n\t\t\tesac ;;\n\t\tesac\n\tdone\n\n"
	            "\tcase ${cmd:-br}:$prev in\n");
	each_cmd(o, bash_value_cases);
	bash_values(o, "*", br_common_opts);
	br_out_s(o, "\tesac\n\n\tcase $cmd in\n"
	            "\t'')\n\t\tcase $cur in\n\t\t-*) _br_words \"$common --version\" ;;\n"
	            "\t\t*) _br_words \"$verbs\" ;;\n\t\tesac ;;\n");
	bash_subs(o);
	each_cmd(o, bash_verb_cases);
	br_out_s(o, "\tesac\n}\n\ncomplete -F _br br\n");
}

/* ---- zsh ---- */

/* Inside '...[help]...' of _arguments */
static void zsh_text(struct br_out *o, const char *s)
{
	for (; *s; s++) {
		if (strchr("[]:\\", *s))
			br_out_s(o, "\\");
		if (*s == '\'')
			br_out_s(o, "'\\'");
		br_out_n(o, s, 1);
	}
}

/* A call that begins with a space gets its own words alone. */
static void zsh_action(struct br_out *o, enum br_complete what, const char *list)
{
	if (list) {
		br_out_s(o, "(");
		choices(o, list);
		br_out_s(o, ")");
		return;
	}
	switch (what) {
	case BR_C_FILE:     br_out_s(o, "_files"); break;
	case BR_C_DIR:      br_out_s(o, "_files -/"); break;
	case BR_C_NOTEBOOK: br_out_s(o, " _br_lines notebook list --names"); break;
	case BR_C_DOC:      br_out_s(o, " _br_lines docs list --paths"); break;
	case BR_C_KEY:      br_out_s(o, "("); keys(o); br_out_s(o, ")"); break;
	case BR_C_VERB:     br_out_s(o, "_br_verbs"); break;
	case BR_C_NONE:     br_out_s(o, " "); break;
	}
}

static void zsh_opt(struct br_out *o, const struct br_opt *opt)
{
	const char *star = opt->type == BR_OPT_LIST ? "*" : "";

	br_out_s(o, "\t\t");
	if (opt->letter)
		br_out_f(o, "%s{-%c%s,--%s%s}'", star[0] ? "\\*" : "", opt->letter, opt->arg ? "+" : "", opt->name,
		         opt->arg ? "=" : "");
	else
		br_out_f(o, "'%s--%s%s", star, opt->name, opt->arg ? "=" : "");
	br_out_s(o, "[");
	zsh_text(o, opt->help);
	br_out_s(o, "]");
	if (opt->arg) {
		br_out_f(o, ":%s:", opt->arg);
		zsh_action(o, opt->complete, opt->choices);
	}
	br_out_s(o, "' \\\n");
}

static void zsh_opts(struct br_out *o, const struct br_opt *opt)
{
	for (; opt && opt->name; opt++)
		zsh_opt(o, opt);
}

static void zsh_cmd(struct br_out *o, const struct br_cmd *parent, const struct br_cmd *cmd)
{
	char path[80];

	path_of(path, sizeof path, parent, cmd, ".");
	br_out_f(o, "\t%s) _arguments -s -S \\\n", path);
	zsh_opts(o, cmd->opts);
	if (cmd->max) {
		br_out_s(o, "\t\t'*: :");
		zsh_action(o, cmd->complete, cmd->choices);
		br_out_s(o, "' \\\n");
	}
	br_out_s(o, "\t\t$common ;;\n");
}

static void zsh_list(struct br_out *o, const char *name, const struct br_cmd *const *list)
{
	const struct br_cmd *const *c;

	br_out_f(o, "_br_%s()\n{\n\tlocal -a list=(\n", name);
	for (c = list; *c; c++) {
		br_out_f(o, "\t\t'%s:", (*c)->name);
		zsh_text(o, (*c)->summary);
		br_out_s(o, "'\n");
	}
	br_out_f(o, "\t)\n\t_describe '%s' list\n}\n", name);
}

/* A verb that also runs by itself: what follows it is a sub-verb only where it is the name of one. */
static void zsh_either(struct br_out *o, const struct br_cmd *cmd)
{
	const struct br_cmd *const *s;

	br_out_f(o, "\t%s)\n\t\tif ((CURRENT == 2)) && [[ $words[2] != -* ]]; then _br_%s; return; fi\n\t\tcase $words[2] in\n\t\t", cmd->name, cmd->name);
	for (s = cmd->sub; *s; s++)
		br_out_f(o, "%s%s", s == cmd->sub ? "" : "|", (*s)->name);
	br_out_s(o, ") verb=$verb.$words[2]; shift words; ((CURRENT--)) ;;\n\t\tesac ;;\n");
}

static void zsh(struct br_out *o)
{
	const struct br_cmd *const *c;

	br_out_s(o, "#compdef br\n# zsh completion for br; written by `br completion zsh`\n\n"
	            "_br_lines()\n{\n"
	            "\tlocal -a list=(\"${(@f)$(_call_program br br \"$@\" 2>/dev/null)}\")\n"
	            "\t[[ -n $list ]] && compadd -a list\n"
	            "}\n");
	zsh_list(o, "verbs", br_cmds);
	for (c = br_cmds; *c; c++)
		if ((*c)->sub)
			zsh_list(o, (*c)->name, (*c)->sub);
	br_out_s(o, "_br_run()\n{\n\tlocal -a common=(\n");
	zsh_opts(o, br_common_opts);
	br_out_s(o, "\t)\n\tcase $1 in\n");
	each_cmd(o, zsh_cmd);
	br_out_s(o, "\tesac\n}\n_br()\n{\n\tlocal context state line verb\n\tlocal -A opt_args\n\t_arguments -C -s -S \\\n");
	zsh_opts(o, br_common_opts);
	br_out_s(o, "\t\t'--version[show the version]' \\\n\t\t'1: :_br_verbs' '*:: :->rest' && return\n"
	            "\t[[ $state == rest ]] || return\n\tverb=$words[1]\n\tcase $verb in\n");
	for (c = br_cmds; *c; c++)
		if ((*c)->sub && (*c)->run)
			zsh_either(o, *c);
		else if ((*c)->sub)
			br_out_f(o, "\t%s)\n\t\tif ((CURRENT == 2)); then _br_%s; return; fi\n\t\tverb=$verb.$words[2]\n"
			            "\t\tshift words; ((CURRENT--)) ;;\n", (*c)->name, (*c)->name);
	br_out_s(o, "\tesac\n\t_br_run $verb\n}\n\nif [[ $funcstack[1] == _br ]]; then _br \"$@\"; else compdef _br br; fi\n");
}

/* ---- fish ---- */

static void fish_text(struct br_out *o, const char *s)
{
	br_out_s(o, "'");
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			br_out_s(o, "\\");
		br_out_n(o, s, 1);
	}
	br_out_s(o, "'");
}

static void fish_action(struct br_out *o, enum br_complete what, const char *list)
{
	switch (what) {
	case BR_C_FILE:     br_out_s(o, " -F"); return;
	case BR_C_DIR:      br_out_s(o, " -xa '(__fish_complete_directories)'"); return;
	case BR_C_NOTEBOOK: br_out_s(o, " -xa '(br notebook list --names 2>/dev/null)'"); return;
	case BR_C_DOC:      br_out_s(o, " -xa '(br docs list --paths 2>/dev/null)'"); return;
	case BR_C_KEY:      br_out_s(o, " -xa '"); keys(o); br_out_s(o, "'"); return;
	case BR_C_VERB:     br_out_s(o, " -xa '"); words_of(o, br_cmds); br_out_s(o, "'"); return;
	case BR_C_NONE:     break;
	}
	br_out_s(o, " -x");
	if (list) {
		br_out_s(o, "a '");
		choices(o, list);
		br_out_s(o, "'");
	}
}

static void fish_opts(struct br_out *o, const char *when, const struct br_opt *opt)
{
	for (; opt && opt->name; opt++) {
		br_out_f(o, "complete -c br%s -l %s", when, opt->name);
		if (opt->letter)
			br_out_f(o, " -s %c", opt->letter);
		br_out_s(o, " -d ");
		fish_text(o, opt->help);
		if (opt->arg)
			fish_action(o, opt->complete, opt->choices);
		br_out_s(o, "\n");
	}
}

static void fish_cmd(struct br_out *o, const struct br_cmd *parent, const struct br_cmd *cmd)
{
	char path[80], when[120];
	struct br_buf b = BR_BUF_INIT(sizeof when - 1);

	path_of(path, sizeof path, parent, cmd, " ");
	br_buf_addf(&b, " -n '__br_in %s'", path);
	memcpy(when, b.ptr, b.len + 1);
	br_buf_release(&b);
	fish_opts(o, when, cmd->opts);
	if (cmd->choices || cmd->complete != BR_C_NONE) {
		br_out_f(o, "complete -c br%s", when);
		fish_action(o, cmd->choices ? BR_C_NONE : cmd->complete, cmd->choices);
		br_out_s(o, "\n");
	}
}

static void fish_verbs(struct br_out *o, const char *when, const struct br_cmd *const *list)
{
	for (; *list; list++) {
		br_out_f(o, "complete -c br -n '%s' -fa %s -d ", when, (*list)->name);
		fish_text(o, (*list)->summary);
		br_out_s(o, "\n");
	}
}

static void fish(struct br_out *o)
{
	const struct br_cmd *const *c;

	br_out_s(o, "# fish completion for br; written by `br completion fish`\n\n"
	            "# The words before the cursor without options, without their values, and without `br`\n"
	            "function __br_words\n"
	            "    set -l skip 0\n"
	            "    for w in (commandline -opc)[2..-1]\n"
	            "        if test $skip = 1\n"
	            "            set skip 0\n"
	            "            continue\n"
	            "        end\n"
	            "        switch $w\n"
	            "            case ");
	for (const struct br_opt *opt = br_common_opts; opt->name; opt++) {
		if (opt->arg && opt->letter)
			br_out_f(o, "-%c ", opt->letter);
		if (opt->arg)
			br_out_f(o, "--%s ", opt->name);
	}
	br_out_s(o, "\n                set skip 1\n"
	            "            case '-*'\n"
	            "            case '*'\n"
	            "                echo $w\n"
	            "        end\n"
	            "    end\n"
	            "end\n"
	            "function __br_in\n"
	            "    set -l w (__br_words)\n"
	            "    test (count $w) -ge (count $argv); and test \"$w[1..\"(count $argv)\"]\" = \"$argv\"\n"
	            "end\n"
	            "function __br_at\n"
	            "    set -l w (__br_words)\n"
	            "    test \"$w\" = \"$argv\"\n"
	            "end\n\n"
	            "complete -c br -f\n");
	fish_opts(o, "", br_common_opts);
	fish_verbs(o, "__br_at", br_cmds);
	for (c = br_cmds; *c; c++) {
		struct br_buf when = BR_BUF_INIT(200);
		if (!(*c)->sub)
			continue;
		br_buf_addf(&when, "__br_at %s", (*c)->name);
		fish_verbs(o, when.ptr, (*c)->sub);
		br_buf_release(&when);
	}
	each_cmd(o, fish_cmd);
}

/* ---- the verb ---- */

void br_completion_write(struct br_out *o, const char *shell)
{
	if (!strcmp(shell, "bash"))
		bash(o);
	else if (!strcmp(shell, "zsh"))
		zsh(o);
	else
		fish(o);
}

static int completion_run(struct br_cli *c, struct br_err *err)
{
	(void)err;
	br_completion_write(&c->out, c->operand[0]);
	return 0;
}

static const struct br_example examples[] = {
	{ "br completion bash > ~/.local/share/bash-completion/completions/br", "for bash" },
	{ "br completion zsh > ~/.zfunc/_br", "for zsh, with ~/.zfunc in fpath" },
	{ "br completion fish > ~/.config/fish/completions/br.fish", "for fish" },
	{ NULL },
};
const struct br_cmd br_cmd_completion = {
	.name = "completion", .group = "about", .summary = "print the completion script of a shell",
	.operands = "bash|zsh|fish", .min = 1, .max = 1, .choices = "bash|zsh|fish",
	.run = completion_run, .examples = examples,
};
