/*
 * Lines from the person at the terminal: libedit with history and completion of commands where it is installed, plain input else.
 * libedit is loaded when a session begins, so that no other start of br pays for it. The history is kept in the user's state folder.
 */
#include "chat.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY_LINES = 1000 };

/* What is used of libedit. */
struct lib {
	void *handle;
	EditLine *(*init)(const char *, FILE *, FILE *, FILE *);
	void (*end)(EditLine *);
	int (*set)(EditLine *, int, ...);
	int (*wset)(EditLine *, int, ...);
	const char *(*gets)(EditLine *, int *);
	const LineInfo *(*line)(EditLine *);
	int (*insert)(EditLine *, const char *);
	void (*reset)(EditLine *);
	History *(*history_init)(void);
	void (*history_end)(History *);
	int (*history)(History *, HistEvent *, int, ...);
};
struct br_edit {
	struct lib lib;
	EditLine *el;
	History *history;
	const char *const *commands;
	const char *prompt;
	char *file;           /* of the history, or NULL */
	char *plain;          /* line without libedit */
	size_t plain_size;
};

/* ---- loading ---- */

static bool load(struct lib *l)
{
	const struct { const char *name; void *at; } want[] = {
		{ "el_init", &l->init }, { "el_end", &l->end }, { "el_set", &l->set }, { "el_wset", &l->wset }, { "el_gets", &l->gets },
		{ "el_line", &l->line }, { "el_insertstr", &l->insert }, { "el_reset", &l->reset }, { "history_init", &l->history_init },
		{ "history_end", &l->history_end }, { "history", &l->history },
	};

	if (!(l->handle = dlopen("libedit.so.2", RTLD_LAZY | RTLD_LOCAL)))
		return false;
	for (size_t i = 0; i < BR_COUNT(want); i++) {
		void *f = dlsym(l->handle, want[i].name);
		if (!f)
			return false;
		memcpy(want[i].at, &f, sizeof f);
	}
	return true;
}

/* ---- history ---- */

static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state && state[0] == '/')
		return br_path_join(state, "br/chat_history");
	return home && home[0] ? br_path_join(home, ".local/state/br/chat_history") : NULL;
}

/* Readable by its owner alone, before anything is written to it. */
static bool make_private(const char *path)
{
	char *dir = br_strndup(path, (size_t)(br_path_base(path) - path));
	int fd = -1;

	if (br_mkdirs(dir, 0700, NULL) == 0)
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		close(fd);
	free(dir);
	return fd >= 0;
}

static void open_history(struct br_edit *e)
{
	HistEvent ev;

	if (!(e->history = e->lib.history_init()))
		return;
	e->lib.history(e->history, &ev, H_SETSIZE, HISTORY_LINES);
	e->lib.history(e->history, &ev, H_SETUNIQUE, 1);
	e->file = history_path();
	if (e->file)
		e->lib.history(e->history, &ev, H_LOAD, e->file);
	e->lib.set(e->el, EL_HIST, e->lib.history, e->history);
}

void br_edit_remember(struct br_edit *e, const char *line)
{
	HistEvent ev;

	if (e->history && line[strspn(line, " \t\r\n")])
		e->lib.history(e->history, &ev, H_ENTER, line);
}

static void save_history(struct br_edit *e)
{
	HistEvent ev;

	if (e->file && make_private(e->file))
		e->lib.history(e->history, &ev, H_SAVE, e->file);
}

/* ---- the editor ---- */

/* libedit's callbacks find their editor here: there is one terminal, so one at a time. */
static struct br_edit *current;

static char *prompt_of(EditLine *el)
{
	(void)el;
	return (char *)(uintptr_t)current->prompt;
}

/* Completes the command that the line begins with as far as it is clear. */
static unsigned char complete(EditLine *el, wint_t ch)
{
	struct br_edit *e = current;
	const LineInfo *l = e->lib.line(el);
	size_t n = (size_t)(l->cursor - l->buffer), same = 0;
	const char *first = NULL;
	char rest[64] = "";

	(void)ch;
	if (!n || l->buffer[0] != '/')
		return CC_ERROR;
	for (const char *const *c = e->commands; *c; c++) {
		if (strncmp(*c, l->buffer, n))
			continue;
		if (!first)
			same = strlen(first = *c);
		for (size_t k = n; k < same; k++)
			if ((*c)[k] != first[k])
				same = k;
		same = BR_MIN(same, strlen(*c));
	}
	if (!first || same - n >= sizeof rest)
		return CC_ERROR;
	memcpy(rest, first + n, same - n);
	if (same == strlen(first))
		rest[same - n] = ' ';
	return rest[0] && e->lib.insert(el, rest) == 0 ? CC_REFRESH : CC_ERROR;
}

static bool open_editor(struct br_edit *e)
{
	if (!load(&e->lib) || !(e->el = e->lib.init("br", stdin, stdout, stderr)))
		return false;
	current = e;
	e->lib.set(e->el, EL_PROMPT, prompt_of);
	e->lib.set(e->el, EL_EDITOR, "emacs");
	e->lib.set(e->el, EL_SIGNAL, 0);
	e->lib.wset(e->el, EL_ADDFN, L"br-complete", L"complete a command", complete); /* the narrow one copies the names and loses them */
	e->lib.set(e->el, EL_BIND, "^I", "br-complete", NULL);
	e->lib.set(e->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	open_history(e);
	return true;
}

struct br_edit *br_edit_new(const char *const *commands)
{
	struct br_edit *e = br_alloc(sizeof *e);

	e->commands = commands;
	(void)open_editor(e); /* without it lines are plain */
	return e;
}

void br_edit_free(struct br_edit *e)
{
	if (!e)
		return;
	if (e->history) {
		save_history(e);
		e->lib.history_end(e->history);
	}
	if (e->el)
		e->lib.end(e->el);
	current = NULL; /* the library stays: what it and its terminal library hold goes with the process */
	free(e->file);
	free(e->plain);
	free(e);
}

/* Without libedit. */
static const char *plain_line(struct br_edit *e, const char *prompt)
{
	ssize_t n;

	(void)br_fd_write(1, prompt, strlen(prompt));
	n = getline(&e->plain, &e->plain_size, stdin);
	if (n < 0)
		clearerr(stdin);
	return n < 0 ? NULL : e->plain;
}

const char *br_edit_line(struct br_edit *e, const char *prompt)
{
	const char *line;
	int n = 0;

	if (!e->el)
		return plain_line(e, prompt);
	e->prompt = prompt;
	line = e->lib.gets(e->el, &n);
	if (!line || n <= 0) {
		e->lib.reset(e->el);
		return NULL;
	}
	return line;
}
