/*
 * The list of verbs and of the options they share, and a check of both tables for mistakes.
 * Help, manual pages, completions and the parser all read these rows.
 */
#include "cmd.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

const struct br_group br_groups[] = {
	{ "workspace", "Workspace" },
	{ "documents", "Documents" },
	{ "search", "Search" },
	{ "care", "Care" },
	{ "about", "About br" },
	{ NULL },
};

const struct br_cmd *const br_cmds[] = {
#define X(verb) &br_cmd_##verb,
	BR_VERB_LIST(X)
#undef X
	NULL,
};

const struct br_opt br_common_opts[] = {
	{ "directory", 'C', BR_AT_LIST(struct br_common, chdir), "dir", "run as if started in dir", .complete = BR_C_DIR },
	{ "workspace", 0, BR_AT_STR(struct br_common, workspace), "dir", "use the workspace of dir instead of looking upwards",
	  .env = "BR_DIR", .complete = BR_C_DIR },
	{ "notebook", 'n', BR_AT_STR(struct br_common, notebook), "name", "work on this notebook instead of the one in use",
	  .env = "BR_NOTEBOOK", .complete = BR_C_NOTEBOOK },
	{ "json", 0, BR_AT_BOOL(struct br_common, json), NULL, "print JSON; errors too, on standard error" },
	{ "quiet", 'q', BR_AT_BOOL(struct br_common, quiet), NULL, "print results and errors, nothing else" },
	{ "verbose", 'v', BR_AT_BOOL(struct br_common, verbose), NULL, "tell more" },
	{ "no-color", 0, BR_AT_BOOL(struct br_common, no_color), NULL, "no colours, even on a terminal" },
	{ "wait", 0, BR_AT_SECONDS(struct br_common, wait), "time", "wait so long for another writer (90, 15m, 2h)",
	  .key = "core.wait" },
	{ "timeout", 0, BR_AT_SECONDS(struct br_common, timeout), "time", "give up after so long",
	  .env = "BR_TIMEOUT" },
	{ "help", 'h', BR_AT_BOOL(struct br_common, help), NULL, "show this help" },
	BR_OPT_END,
};

const struct br_cmd *br_cmd_find(const struct br_cmd *const *list, const char *name)
{
	for (; *list; list++)
		if (!strcmp((*list)->name, name))
			return *list;
	return NULL;
}

const char *br_cmd_closest(const struct br_cmd *const *list, const char *name)
{
	const char *names[64];
	size_t n = 0;

	for (; list[n] && n < BR_COUNT(names); n++)
		names[n] = list[n]->name;
	return br_closest(name, names, n);
}

/* ---- the check ---- */

static void demand(bool ok, const char *where, const char *name, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "br: table: %s%s%s: %s\n", where, name ? " --" : "", name ? name : "", what);
	abort();
}

/* Help and summaries: lower case (a proper name such as JSON or BEIR may begin one), no full stop. */
static bool plain_words(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	return n > 2 && s[n - 1] != '.' && !(isupper((unsigned char)s[0]) && islower((unsigned char)s[1]));
}

static bool value_fits(const struct br_opt *o, const char *text)
{
	struct br_opt row[2] = { *o, BR_OPT_END };
	union { bool b; int64_t i; double d; const char *s; struct br_list l; } u;
	struct br_arena arena = { 0 };
	struct br_optset set = { row, &u };
	char *word = br_sprintf("--%s=%s", o->name, text);
	struct br_parse p = { .set = { set }, .arena = &arena };
	struct br_operands none = { 0 };
	struct br_err err;
	int i = 0, rc;

	row[0].at = 0;
	memset(&u, 0, sizeof u);
	rc = br_parse(&p, &none, &i, 1, &word, &err);
	free(word);
	br_arena_release(&arena);
	return rc == 0;
}

static void check_opt(const char *where, const struct br_opt *all, const struct br_opt *o)
{
	const struct br_opt *other;

	demand(plain_words(o->help), where, o->name, "help must be lower case without a full stop");
	demand((o->type == BR_OPT_BOOL) == (o->arg == NULL), where, o->name, "a value needs a name, a boolean has none");
	demand(o->min <= o->max, where, o->name, "empty range");
	demand(!o->choices || o->type == BR_OPT_STR, where, o->name, "only strings have choices");
	demand(!o->dflt || value_fits(o, o->dflt), where, o->name, "its own default is refused");
	demand(!o->key || br_setting_find(o->key), where, o->name, "no such setting");
	demand(!o->key || (!o->env && !o->dflt), where, o->name, "a setting brings its own variable and default");
	demand(o->type != BR_OPT_LIST || (!o->key && !o->env && !o->dflt), where, o->name, "lists have no default");
	for (other = all; other->name && other != o; other++) {
		demand(strcmp(other->name, o->name), where, o->name, "name used twice");
		demand(!o->letter || other->letter != o->letter, where, o->name, "letter used twice");
	}
}

static void check_opts(const char *where, const struct br_opt *own)
{
	const struct br_opt *o, *c;
	size_t n = 0;

	for (o = own; o && o->name; o++, n++) {
		check_opt(where, own, o);
		if (own == br_common_opts)
			continue;
		for (c = br_common_opts; c->name; c++) {
			demand(strcmp(c->name, o->name), where, o->name, "name of a common option");
			demand(!o->letter || c->letter != o->letter, where, o->name, "letter of a common option");
		}
	}
	demand(n < 64, where, NULL, "more than 63 options");
}

static void check_cmds(const struct br_cmd *const *list, bool top)
{
	const struct br_group *g;
	const struct br_cmd *c;
	size_t i, k;

	for (i = 0; list[i]; i++) {
		c = list[i];
		for (k = 0; k < i; k++)
			demand(strcmp(list[k]->name, c->name), c->name, NULL, "verb listed twice");
		for (g = br_groups; top && g->id && strcmp(g->id, c->group); g++)
			;
		demand(!top || g->id, c->name, NULL, "unknown group");
		demand(plain_words(c->summary), c->name, NULL, "summary must be lower case without a full stop");
		demand(c->run || c->sub, c->name, NULL, "neither run nor sub");
		demand(c->max < 0 || c->min <= c->max, c->name, NULL, "operand counts");
		demand(!c->operands == (c->max == 0 && (!c->sub || c->run)), c->name, NULL, "operands and their name go together");
		demand(!c->opts == !c->params_size, c->name, NULL, "options and params_size go together");
		check_opts(c->name, c->opts);
		if (c->sub)
			check_cmds(c->sub, false);
	}
}

void br_table_check(void)
{
	check_opts("br", br_common_opts);
	check_cmds(br_cmds, true);
}
