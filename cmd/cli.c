/*
 * Small services for verbs: hints, exit statuses, a question to the person at the terminal, finding and opening the
 * workspace and the notebook in question.
 */
#include "cmd.h"

#include <stdio.h>
#include <unistd.h>

int br_status(enum br_code code)
{
	return code == BR_OK ? 0 : br_err_info(code)->exit;
}

void br_cli_hint(struct br_cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->hint, sizeof c->hint, fmt, ap);
	va_end(ap);
}

bool br_confirm(struct br_cli *c, const char *question)
{
	char answer[16];
	ssize_t n;

	if (!isatty(0) || !isatty(2))
		return false;
	br_bar_hide(&c->out);
	br_out_flush(&c->out);
	if (br_fd_write(2, question, strlen(question)) < 0 || br_fd_write(2, " [y/N] ", 7) < 0)
		return false;
	n = read(0, answer, sizeof answer);
	return n > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

int br_cli_notebook(struct br_nb **nb, struct br_txn **t, struct br_cli *c, struct br_err *err)
{
	int rc;

	*t = NULL;
	if ((rc = br_txn_read(t, c->ws->store, err)) < 0)
		return rc;
	rc = br_nb_get(nb, &c->arena, *t, c->opt.notebook, err);
	if (rc < 0) {
		br_txn_end(*t);
		*t = NULL;
		if (rc == -BR_ENOTFOUND)
			br_cli_hint(c, "'br notebook list' shows what there is");
	}
	return rc;
}

int br_cli_find(struct br_cli *c, bool must, struct br_err *err)
{
	int rc = br_ws_find(&c->dir, NULL, c->opt.workspace, err);

	if (rc == -BR_ENOWORKSPACE && !must && !(c->opt.workspace && c->opt.workspace[0]))
		return 0;
	return rc;
}

int br_cli_open(struct br_cli *c, struct br_err *err)
{
	const char *ignored;
	int rc;

	if (c->ws)
		return 0;
	if ((!c->dir && (rc = br_cli_find(c, true, err)) < 0) ||
	    (rc = br_ws_open(&c->ws, c->dir, c->opt.wait * 1000, err)) < 0)
		return rc;
	c->config = c->ws->config;
	ignored = br_config_ignored(c->config);
	if (ignored[0])
		br_note(&c->out, "br: not honoured before 'br config trust': %s", ignored);
	return 0;
}
