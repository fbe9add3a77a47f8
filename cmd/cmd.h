/*
 * cmd - the command line: tables of verbs and options, the parser that reads them, and output.
 * Use:     a verb is one file with one `const struct br_cmd`; its option rows point into its own parameter struct.
 *          main.c fills the parameters (default < configuration < environment < argument), opens what the flags ask for
 *          and calls `run`.
 * Rule:    results go to stdout through br_out_*, everything else to stderr through br_note and friends; a verb returns
 *          an exit status (>= 0), or a negative error code with err filled, which main.c prints.
 * Threads: one.
 */
#ifndef BR_CMD_H
#define BR_CMD_H

#include "br/br.h"

#include <sys/types.h>

/* ---- options ---- */

enum br_opt_type { BR_OPT_BOOL, BR_OPT_INT, BR_OPT_NUM, BR_OPT_SECONDS, BR_OPT_STR, BR_OPT_LIST, BR_OPT_TYPE_COUNT };

/* What a value or operand is, for completion. */
enum br_complete { BR_C_NONE, BR_C_FILE, BR_C_DIR, BR_C_NOTEBOOK, BR_C_DOC, BR_C_KEY, BR_C_VERB };

struct br_list { /* a repeatable option: v is NULL, or n strings and a NULL */
	const char **v;
	size_t n;
};

struct br_opt {
	const char *name;      /* "top" for --top; a boolean also answers to --no-top ("no-fold": to --fold) */
	char letter;           /* 0: none */
	enum br_opt_type type;
	size_t at;             /* offset in the parameter struct */
	const char *arg;       /* name of the value; NULL for booleans */
	const char *help;      /* lower case, no full stop */
	const char *env;       /* variable that gives it where the command line does not */
	const char *key;       /* setting that gives it where the command line does not; has its own variable and default */
	const char *dflt;      /* as one would type it; NULL: zero */
	double min, max;       /* INT and NUM; both 0: any */
	const char *choices;   /* STR: "a|b|c"; anything else is refused */
	bool many;             /* STR with choices: several, separated by commas */
	enum br_complete complete;
};
#define BR_OPT_END { NULL }

/* Type and offset of a field, checked by the compiler: a field of another type does not compile. */
#define BR_AT_(T, f, kind, ctype) kind, _Generic(((T *)0)->f, ctype : offsetof(T, f))
#define BR_AT_BOOL(T, f)    BR_AT_(T, f, BR_OPT_BOOL, bool)
#define BR_AT_INT(T, f)     BR_AT_(T, f, BR_OPT_INT, int64_t)
#define BR_AT_NUM(T, f)     BR_AT_(T, f, BR_OPT_NUM, double)
#define BR_AT_SECONDS(T, f) BR_AT_(T, f, BR_OPT_SECONDS, int64_t)
#define BR_AT_STR(T, f)     BR_AT_(T, f, BR_OPT_STR, const char *)
#define BR_AT_LIST(T, f)    BR_AT_(T, f, BR_OPT_LIST, struct br_list)

/* Options every verb takes, before or after its name. */
struct br_common {
	struct br_list chdir;
	const char *workspace, *notebook;
	bool json, quiet, verbose, no_color, help;
	int64_t wait, timeout; /* seconds; timeout 0: none */
};
extern const struct br_opt br_common_opts[];

/* ---- verbs ---- */

struct br_cli;
enum br_cmd_flags {
	BR_CMD_WS = 1,     /* the workspace must be there and is opened */
	BR_CMD_MAY_WS = 2, /* its folder is looked for (c->dir, NULL if none) and settings are read; nothing is opened */
	BR_CMD_LONG = 4,   /* SIGINT and SIGTERM ask it to stop at the next commit instead of killing it */
	BR_CMD_PAGER = 8,
	BR_CMD_STREAM = 16, /* each line of output is passed on at once */
	BR_CMD_BEAR = 32,  /* settings that cannot be read do not stop it: c->config may be NULL */
};
struct br_example { const char *line, *what; };
struct br_cmd {
	const char *name;                     /* one word */
	const char *group;                    /* id in br_groups; NULL in sub-tables */
	const char *summary;                  /* lower case, no full stop */
	const char *operands;                 /* "<question>...", NULL: takes none */
	int min, max;                         /* how many operands; max -1: any number */
	const char *choices;                  /* operands are one of these, "a|b"; for usage and completion */
	enum br_complete complete;            /* of operands */
	const struct br_opt *opts;            /* NULL: none of its own */
	size_t params_size;
	int flags;
	int (*check)(struct br_cli *c, struct br_err *err); /* may be NULL; usage errors, before anything is opened */
	int (*run)(struct br_cli *c, struct br_err *err);
	const struct br_cmd *const *sub;      /* NULL-terminated; the word behind the verb names one. With `run`, too, other words are operands */
	const struct br_example *examples;    /* ends with a row whose line is NULL */
};

#define BR_VERB_LIST(X)                                                                             \
	X(init) X(status) X(notebook) X(config)                                                     \
	X(sync) X(watch) X(ingest) X(upload) X(docs)                                          \
	X(query) X(chat) X(log) X(eval) X(serve)                                                    \
	X(verify) X(health) X(gc) X(index) X(backup) X(export) X(import) X(doctor) X(models) X(keys)           \
	X(tenant)                                                                                   \
	X(enhance) X(wiki) X(webhook)                                                               \
	X(help) X(version) X(completion)
#define X(verb) extern const struct br_cmd br_cmd_##verb;
BR_VERB_LIST(X)
#undef X
extern const struct br_cmd br_cmd_notebook_reembed; /* reembed.c */
struct br_brx_stats;
/* export.c: what was exported or imported; file NULL: not said. */
void br_brx_json(struct br_cli *c, const struct br_brx_stats *s, const char *file);

/* webhook.c: the settings of webhooks. */
int br_hook_opts(struct br_hooks_opts *out, struct br_net_rules *net, struct br_cli *c, struct br_err *err);

extern const struct br_cmd br_cmd_docs_duplicates; /* duplicates.c, a sub-verb of docs */

struct br_group { const char *id, *title; };
extern const struct br_group br_groups[];       /* in the order of the help; ends with id NULL */
extern const struct br_cmd *const br_cmds[];    /* NULL-terminated */
const struct br_cmd *br_cmd_find(const struct br_cmd *const *list, const char *name);
const char *br_cmd_closest(const struct br_cmd *const *list, const char *name);
void br_table_check(void);                      /* aborts on a mistake in the tables */

/* ---- the parser ---- */

struct br_optset { /* a table and the struct its rows point into */
	const struct br_opt *opt;
	void *params;
	uint64_t seen; /* a bit per row: given on the command line */
};
struct br_operands { BR_VEC(const char *) v; };
struct br_parse {
	struct br_optset set[2];   /* own options, common options; opt NULL: none */
	struct br_arena *arena;    /* lists and copies live here */
	bool stop_at_operand;      /* before the verb is known */
	char hint[160];            /* after an error: what to do, or "" */
};
/* Reads argv[*i] and on. USAGE names the option. Operands are appended to out. */
int br_parse(struct br_parse *p, struct br_operands *out, int *i, int argc, char **argv, struct br_err *err);
void br_opts_defaults(const struct br_opt *opt, void *params);
/* Rows that were not given: those with a variable from the environment, those with a setting from config (NULL: none). */
int br_opts_fill(struct br_optset *s, struct br_arena *arena, const struct br_config *config, struct br_err *err);
bool br_opt_is_set(const struct br_cli *c, const char *name); /* given on the command line */
const char *br_opt_default(const struct br_opt *o);           /* from the row or its setting; NULL: none */
const char *br_opt_env(const struct br_opt *o);
/* Next of "a|b|c" or "|a|b": its length, *at moved behind it; 0 at the end. */
size_t br_choice_next(const char **out, const char **at);

/* ---- output ---- */

enum br_style { BR_PLAIN, BR_BOLD, BR_DIM, BR_PATH, BR_LINE, BR_GOOD, BR_WARN, BR_BAD, BR_MATCH };
struct br_bar { bool shown; int64_t start_ns, last_ns; };
struct br_out {
	struct br_buf buf;
	int write_errno;         /* of the first write that failed */
	bool tty, colour;        /* stdout */
	bool err_tty, err_colour;
	bool by_line;            /* flush at each line, unless stdout is a file */
	bool no_colour;          /* --no-color, NO_COLOR or --json */
	bool quiet;
	unsigned width;          /* columns of the terminal, 80 when unknown */
	pid_t pager;
	struct br_bar bar;
};
void br_out_init(struct br_out *o);                                /* plain: no colour until br_out_look */
void br_out_look(struct br_out *o, const struct br_common *common); /* terminals, colours, width */
void br_out_colour(struct br_out *o, const char *when);   /* "always" or "never"; NO_COLOR and --no-color win */
void br_out_by_line(struct br_out *o);
void br_out_s(struct br_out *o, const char *s);
void br_out_n(struct br_out *o, const char *s, size_t n);
void br_out_f(struct br_out *o, const char *fmt, ...) BR_PRINTF(2, 3);
/* Text of others: on a terminal control characters are shown, not obeyed. */
void br_out_text(struct br_out *o, const char *s, size_t n);
void br_out_styled(struct br_out *o, enum br_style style, const char *text); /* text of others, in a style */
const char *br_out_style(const struct br_out *o, enum br_style style);       /* the escape, or "" */
void br_out_flush(struct br_out *o);
int br_out_end(struct br_out *o, struct br_err *err);     /* flush, end the pager; FULL or IO when output was lost */
void br_out_release(struct br_out *o);
void br_out_pager(struct br_out *o, const char *command);
/* One JSON value a line: br_json_init(j, br_out_json(o), false) ... br_out_line(o). */
struct br_buf *br_out_json(struct br_out *o);
void br_out_line(struct br_out *o);

/* stderr; `br_note` is silent under -q. Each is one line, written at once, the progress bar stepping aside. */
void br_note(struct br_out *o, const char *fmt, ...) BR_PRINTF(2, 3);
void br_warn(struct br_out *o, const char *fmt, ...) BR_PRINTF(2, 3);   /* "br: ..." */
void br_bar_show(struct br_out *o, const char *what, const struct br_progress *p);
void br_bar_hide(struct br_out *o);

/* ---- figures and columns for people ---- */

struct br_human { char s[40]; };
struct br_human br_human_count(uint64_t n);              /* 45,112 */
struct br_human br_human_bytes(uint64_t n);              /* 41.2 MB */
struct br_human br_human_seconds(double s);              /* 0.04 s, 12 s, 3 min 20 s */
struct br_human br_human_age(int64_t then, int64_t now); /* 2 hours ago */
const char *br_plural(uint64_t n, const char *one, const char *many);
size_t br_text_width(const char *s, size_t n);           /* columns on a terminal */

/* Rows of cells, printed in aligned columns. `align` has a letter per column: l, r; the last column is not padded. */
struct br_columns {
	const char *align;
	struct br_arena arena;
	BR_VEC(struct br_cell { char *text; enum br_style style; }) cells;
};
void br_columns_add(struct br_columns *t, enum br_style style, const char *fmt, ...) BR_PRINTF(3, 4);
void br_columns_print(struct br_out *o, struct br_columns *t);  /* and releases */

/* ---- a run ---- */

struct br_cli {
	const struct br_cmd *cmd, *parent;  /* parent: of a sub-verb, else NULL */
	struct br_common opt;
	struct br_optset own, common;       /* common: opt, with what was given */
	void *params;                       /* of cmd->params_size */
	const char *const *operand;  /* NULL-terminated */
	size_t n;
	char *dir;                          /* workspace folder, or NULL */
	struct br_ws *ws;
	struct br_config *own_config;       /* when no workspace was opened */
	const struct br_config *config;
	struct br_arena arena;              /* lives as long as the run */
	struct br_out out;
	char hint[200];                     /* for the error that run returns; "": the one of its code */
};
int br_cli_find(struct br_cli *c, bool must, struct br_err *err); /* c->dir; NULL when there is none and none is needed */
int br_cli_open(struct br_cli *c, struct br_err *err);            /* for a BR_CMD_MAY_WS verb that needs it after all */
void br_cli_hint(struct br_cli *c, const char *fmt, ...) BR_PRINTF(2, 3);
int br_status(enum br_code code);                            /* exit status of a code */
bool br_confirm(struct br_cli *c, const char *question); /* asks on the terminal; false without one */
/* Notebook of -n, or the one in use, in a read transaction the caller ends. */
int br_cli_notebook(struct br_nb **nb, struct br_txn **t, struct br_cli *c, struct br_err *err);

/* ---- help: usage.c; completion.c ---- */

void br_usage_line(struct br_buf *out, const struct br_cmd *parent, const struct br_cmd *cmd);
void br_usage_verb(struct br_out *o, const struct br_cmd *parent, const struct br_cmd *cmd);
void br_usage_all(struct br_out *o);
void br_completion_write(struct br_out *o, const char *shell); /* "bash", "zsh" or "fish" */

#endif
