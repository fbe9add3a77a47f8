/*
 * The option parser: reads a command line against option tables and writes the values into the structs the rows point
 * into; then fills what was not given from the environment and the configuration.
 */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>

const char *br_opt_default(const struct br_opt *o)
{
	return o->key ? br_setting_find(o->key)->dflt : o->dflt;
}

const char *br_opt_env(const struct br_opt *o)
{
	return o->key ? br_setting_find(o->key)->env : o->env;
}

size_t br_choice_next(const char **out, const char **at)
{
	const char *s = *at;
	size_t n;

	s += *s == '|';
	n = strcspn(s, "|");
	*out = s;
	*at = s + n;
	return n;
}

/* ---- values ---- */

static bool is_choice(const char *choices, const char *word, size_t len)
{
	const char *c;
	size_t n;

	while ((n = br_choice_next(&c, &choices)))
		if (n == len && !memcmp(c, word, n))
			return true;
	return false;
}

/* "a|b|c" as "a, b, c" */
static void spell_choices(char *out, size_t size, const char *choices)
{
	const char *c;
	size_t n, used = 0;

	out[0] = '\0';
	while ((n = br_choice_next(&c, &choices)) && used < size)
		used += (size_t)snprintf(out + used, size - used, "%s%.*s", used ? ", " : "", (int)n, c);
}

static int check_choice(const struct br_opt *o, const char *label, const char *text, struct br_err *err)
{
	const char *word = text;
	char all[200];
	size_t n;

	for (;;) {
		n = o->many ? strcspn(word, ",") : strlen(word);
		if (!is_choice(o->choices, word, n)) {
			spell_choices(all, sizeof all, o->choices);
			return br_fail(err, BR_EUSAGE, "%s: '%.*s' is not one of: %s", label, (int)n, word, all);
		}
		if (!word[n])
			return 0;
		word += n + 1;
	}
}

static void list_add(struct br_list *l, struct br_arena *arena, const char *text)
{
	const char **v;

	if ((l->n & (l->n + 1)) == 0) { /* full at 0, 1, 3, 7 ...: a NULL stands behind the last */
		v = br_arena_alloc(arena, (2 * l->n + 2) * sizeof *v);
		if (l->n)
			memcpy(v, l->v, l->n * sizeof *v);
		l->v = v;
	}
	l->v[l->n++] = text;
	l->v[l->n] = NULL;
}

static int set_bool(bool *out, const char *label, const char *text, struct br_err *err)
{
	static const char *const yes[] = { "true", "yes", "on", "1" }, *const no[] = { "false", "no", "off", "0" };
	size_t i;

	for (i = 0; i < BR_COUNT(yes); i++) {
		if (!strcmp(text, yes[i]) || !strcmp(text, no[i])) {
			*out = !strcmp(text, yes[i]);
			return 0;
		}
	}
	return br_fail(err, BR_EUSAGE, "%s: '%s' is neither true nor false", label, text);
}

/* label is how the user gave it: "--top", "-k", "BR_TOP" */
static int set_value(const struct br_opt *o, void *params, struct br_arena *arena, const char *label, const char *text,
                     struct br_err *err)
{
	void *field = (char *)params + o->at;
	bool ranged = o->min < o->max;

	switch (o->type) {
	case BR_OPT_BOOL:
		return set_bool(field, label, text, err);
	case BR_OPT_INT:
		return br_parse_int(field, text, ranged ? (int64_t)o->min : INT64_MIN, ranged ? (int64_t)o->max : INT64_MAX,
		                    label, err);
	case BR_OPT_NUM:
		return br_parse_double(field, text, ranged ? o->min : -1e300, ranged ? o->max : 1e300, label, err);
	case BR_OPT_SECONDS:
		return br_parse_seconds(field, text, label, err);
	case BR_OPT_STR:
		*(const char **)field = text;
		return o->choices ? check_choice(o, label, text, err) : 0;
	case BR_OPT_LIST:
		list_add(field, arena, text);
		return 0;
	case BR_OPT_TYPE_COUNT:
		break;
	}
	return br_fail(err, BR_EBUG, "option %s has no type", label);
}

void br_opts_defaults(const struct br_opt *opt, void *params)
{
	struct br_err err;
	int rc;

	for (; opt && opt->name; opt++) {
		if (!opt->dflt)
			continue;
		rc = set_value(opt, params, NULL, opt->name, opt->dflt, &err);
		BR_ASSERT(rc == 0);
	}
}

static int fill_one(const struct br_opt *o, void *params, struct br_arena *arena, const struct br_config *config,
                    struct br_err *err)
{
	const char *label = o->key ? o->key : o->env, *text = NULL;

	if (o->key)
		text = config ? br_config_get(config, o->key, NULL) : NULL;
	else if (o->env)
		text = getenv(o->env);
	return text && text[0] ? set_value(o, params, arena, label, br_arena_strdup(arena, text), err) : 0;
}

int br_opts_fill(struct br_optset *s, struct br_arena *arena, const struct br_config *config, struct br_err *err)
{
	size_t i;
	int rc;

	for (i = 0; s->opt && s->opt[i].name; i++)
		if (!(s->seen >> i & 1) && (rc = fill_one(&s->opt[i], s->params, arena, config, err)) < 0)
			return rc;
	return 0;
}

bool br_opt_is_set(const struct br_cli *c, const char *name)
{
	const struct br_optset *const sets[] = { &c->own, &c->common };

	for (size_t k = 0; k < BR_COUNT(sets); k++)
		for (size_t i = 0; sets[k]->opt && sets[k]->opt[i].name; i++)
			if (!strcmp(sets[k]->opt[i].name, name))
				return sets[k]->seen >> i & 1;
	return false;
}

/* ---- the command line ---- */

static const struct br_opt *find_long(struct br_parse *p, const char *name, size_t len, struct br_optset **set,
                                      bool *negated)
{
	const struct br_opt *o;
	size_t i, n;

	for (i = 0; i < BR_COUNT(p->set); i++) {
		for (o = p->set[i].opt; o && o->name; o++) {
			n = strlen(o->name);
			*set = &p->set[i];
			*negated = false;
			if (n == len && !memcmp(o->name, name, n))
				return o;
			*negated = true;
			if (o->type != BR_OPT_BOOL)
				continue;
			if (len == n + 3 && !memcmp(name, "no-", 3) && !memcmp(name + 3, o->name, n))
				return o;
			if (n == len + 3 && !memcmp(o->name, "no-", 3) && !memcmp(o->name + 3, name, len))
				return o;
		}
	}
	return NULL;
}

static const struct br_opt *find_letter(struct br_parse *p, char letter, struct br_optset **set)
{
	const struct br_opt *o;
	size_t i;

	for (i = 0; i < BR_COUNT(p->set); i++) {
		*set = &p->set[i];
		for (o = p->set[i].opt; o && o->name; o++)
			if (o->letter == letter)
				return o;
	}
	return NULL;
}

static int unknown_long(struct br_parse *p, const char *name, size_t len, struct br_err *err)
{
	const char *names[128], *close;
	const struct br_opt *o;
	size_t i, n = 0;
	char word[64];

	for (i = 0; i < BR_COUNT(p->set); i++)
		for (o = p->set[i].opt; o && o->name && n < BR_COUNT(names); o++)
			names[n++] = o->name;
	snprintf(word, sizeof word, "%.*s", (int)BR_MIN(len, sizeof word), name);
	if ((close = br_closest(word, names, n)))
		snprintf(p->hint, sizeof p->hint, "did you mean '--%s'?", close);
	return br_fail(err, BR_EUSAGE, "unknown option '--%.*s'", (int)BR_MIN(len, (size_t)100), name);
}

static int give(struct br_parse *p, struct br_optset *s, const struct br_opt *o, const char *label, const char *text,
                struct br_err *err)
{
	s->seen |= UINT64_C(1) << (o - s->opt);
	return set_value(o, s->params, p->arena, label, text, err);
}

/* arg is behind "--"; *i stands on it and moves over a value of its own */
static int parse_long(struct br_parse *p, const char *arg, int *i, int argc, char **argv, struct br_err *err)
{
	size_t len = strcspn(arg, "=");
	struct br_optset *s;
	bool negated;
	const struct br_opt *o = find_long(p, arg, len, &s, &negated);
	const char *text = arg[len] ? arg + len + 1 : NULL;
	char label[80];

	if (!o)
		return unknown_long(p, arg, len, err);
	snprintf(label, sizeof label, "--%.*s", (int)len, arg);
	if (o->type == BR_OPT_BOOL) {
		if (text && negated)
			return br_fail(err, BR_EUSAGE, "%s takes no value", label);
		return give(p, s, o, label, text ? text : negated ? "false" : "true", err);
	}
	if (!text && *i + 1 >= argc)
		return br_fail(err, BR_EUSAGE, "%s needs a value: <%s>", label, o->arg);
	return give(p, s, o, label, text ? text : argv[++*i], err);
}

static int unknown_letter(const char *arg, struct br_err *err)
{
	uint32_t cp;

	return br_fail(err, BR_EUSAGE, "unknown option '-%.*s'", (int)br_utf8_next(&cp, arg, strlen(arg)), arg);
}

/* "-k5", "-k 5", "-lqk5": booleans in a row, the first with a value takes the rest */
static int parse_letters(struct br_parse *p, const char *arg, int *i, int argc, char **argv, struct br_err *err)
{
	const struct br_opt *o;
	struct br_optset *s;
	int rc = 0;

	for (; *arg && rc == 0; arg++) {
		char label[] = { '-', *arg, '\0' };
		if (!(o = find_letter(p, *arg, &s)))
			return unknown_letter(arg, err);
		if (o->type == BR_OPT_BOOL)
			rc = give(p, s, o, label, "true", err);
		else if (arg[1] || *i + 1 < argc)
			return give(p, s, o, label, arg[1] ? arg + 1 : argv[++*i], err);
		else
			return br_fail(err, BR_EUSAGE, "%s needs a value: <%s>", label, o->arg);
	}
	return rc;
}

int br_parse(struct br_parse *p, struct br_operands *out, int *i, int argc, char **argv, struct br_err *err)
{
	const char *arg;
	int rc;

	p->hint[0] = '\0';
	for (; *i < argc; (*i)++) {
		arg = argv[*i];
		if (arg[0] != '-' || !arg[1]) {
			if (p->stop_at_operand)
				return 0;
			*br_vec_push(&out->v) = arg;
		} else if (!strcmp(arg, "--")) {
			for ((*i)++; *i < argc; (*i)++)
				*br_vec_push(&out->v) = argv[*i];
			return 0;
		} else {
			rc = arg[1] == '-' ? parse_long(p, arg + 2, i, argc, argv, err)
			                   : parse_letters(p, arg + 1, i, argc, argv, err);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}
