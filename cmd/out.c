/*
 * Standard output, buffered by us so that a failed write is never missed; colours and the pager, which exist on
 * terminals only. A reader that goes away (EPIPE) ends the program the way it ends others: silently, by SIGPIPE.
 */
#include "cmd.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FLUSH_AT (64u << 10)
#define OUT_MAX  (1u << 30)

extern char **environ;

/* ---- looking at the terminals ---- */

static bool set_in_environment(const char *name)
{
	const char *value = getenv(name);

	return value && value[0];
}

static unsigned terminal_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize w;
	int64_t n;

	if (columns && br_parse_int(&n, columns, 20, 10000, "COLUMNS", NULL) == 0)
		return (unsigned)n;
	return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col >= 20 ? w.ws_col : 80;
}

void br_out_init(struct br_out *o)
{
	memset(o, 0, sizeof *o);
	br_buf_init(&o->buf, OUT_MAX);
	o->width = 80;
}

void br_out_look(struct br_out *o, const struct br_common *common)
{
	const char *term = getenv("TERM");
	bool able = term && term[0] && strcmp(term, "dumb");

	o->tty = isatty(1);
	o->err_tty = isatty(2);
	o->no_colour = common->no_color || common->json || set_in_environment("NO_COLOR");
	o->colour = o->tty && able && !o->no_colour;
	o->err_colour = o->err_tty && able && !o->no_colour;
	o->quiet = common->quiet;
	if (o->tty || o->err_tty)
		o->width = terminal_width(o->tty ? 1 : 2);
}

void br_out_colour(struct br_out *o, const char *when)
{
	bool always = !strcmp(when, "always"), never = !strcmp(when, "never");

	if (o->no_colour || (!always && !never))
		return;
	o->colour = o->err_colour = always;
}

/* A file gains nothing from being written line by line. */
static bool is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

void br_out_by_line(struct br_out *o)
{
	o->by_line = !is_regular(1);
}

/* ---- the pager ---- */

void br_out_pager(struct br_out *o, const char *command)
{
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t dflt;
	int end[2];

	if (!o->tty || !command || !command[0] || !strcmp(command, "cat") || pipe(end) < 0)
		return;
	setenv("LESS", "FRX", 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, end[0], 0);
	posix_spawn_file_actions_addclose(&actions, end[1]);
	sigemptyset(&dflt);
	sigaddset(&dflt, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &dflt);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	if (posix_spawn(&o->pager, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv, environ) == 0)
		dup2(end[1], 1);
	else
		o->pager = 0;
	close(end[0]);
	close(end[1]);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
}

static void end_pager(struct br_out *o)
{
	if (!o->pager)
		return;
	close(1);
	while (waitpid(o->pager, NULL, 0) < 0 && errno == EINTR)
		;
	o->pager = 0;
}

/* ---- writing ---- */

static _Noreturn void reader_is_gone(struct br_out *o)
{
	end_pager(o);
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
	_exit(128 + SIGPIPE); /* SIGPIPE is blocked */
}

void br_out_flush(struct br_out *o)
{
	if (o->buf.len && !o->write_errno && br_fd_write(1, o->buf.ptr, o->buf.len) < 0) {
		o->write_errno = errno;
		if (errno == EPIPE)
			reader_is_gone(o);
	}
	br_buf_reset(&o->buf);
}

static void written(struct br_out *o)
{
	if (o->buf.failed)
		o->write_errno = ENOMEM;
	if (o->buf.len >= FLUSH_AT || (o->by_line && o->buf.len && o->buf.ptr[o->buf.len - 1] == '\n'))
		br_out_flush(o);
}

void br_out_n(struct br_out *o, const char *s, size_t n)
{
	br_buf_add(&o->buf, s, n);
	written(o);
}

void br_out_s(struct br_out *o, const char *s)
{
	br_out_n(o, s, strlen(s));
}

void br_out_f(struct br_out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	br_buf_vaddf(&o->buf, fmt, ap);
	va_end(ap);
	written(o);
}

/* C0 except newline and tab, DEL, C1, and the marks that reverse the direction of what follows */
static bool is_control(uint32_t cp)
{
	return (cp < 0x20 && cp != '\n' && cp != '\t') || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x202a && cp <= 0x202e) ||
	       (cp >= 0x2066 && cp <= 0x2069);
}

void br_out_text(struct br_out *o, const char *s, size_t n)
{
	size_t i, k;
	uint32_t cp;

	if (!o->tty) {
		br_out_n(o, s, n);
		return;
	}
	for (i = 0; i < n; i += k) {
		k = br_utf8_next(&cp, s + i, n - i);
		if (cp == 0xfffd && k == 1)
			br_buf_adds(&o->buf, "\xef\xbf\xbd");
		else if (is_control(cp))
			br_buf_addf(&o->buf, "\\u%04x", cp);
		else
			br_buf_add(&o->buf, s + i, k);
	}
	written(o);
}

static const char *const styles[] = {
	[BR_PLAIN] = "\033[0m", [BR_BOLD] = "\033[1m", [BR_DIM] = "\033[2m", [BR_PATH] = "\033[35m", [BR_LINE] = "\033[32m",
	[BR_GOOD] = "\033[32m", [BR_WARN] = "\033[33m", [BR_BAD] = "\033[31m", [BR_MATCH] = "\033[1;31m",
};

const char *br_out_style(const struct br_out *o, enum br_style style)
{
	return o->colour ? styles[style] : "";
}

void br_out_styled(struct br_out *o, enum br_style style, const char *text)
{
	br_out_s(o, style ? br_out_style(o, style) : "");
	br_out_text(o, text, strlen(text));
	br_out_s(o, style ? br_out_style(o, BR_PLAIN) : "");
}

struct br_buf *br_out_json(struct br_out *o)
{
	return &o->buf;
}

void br_out_line(struct br_out *o)
{
	br_out_n(o, "\n", 1);
}

int br_out_end(struct br_out *o, struct br_err *err)
{
	br_bar_hide(o);
	br_out_flush(o);
	end_pager(o);
	if (!o->write_errno)
		return 0;
	errno = o->write_errno;
	return br_fail_errno(err, BR_EIO, "cannot write to standard output");
}

void br_out_release(struct br_out *o)
{
	br_buf_release(&o->buf);
}

/* ---- standard error ---- */

/* What is said when memory is out is cut to what the stack holds. */
static void BR_PRINTF(3, 0) say(struct br_out *o, const char *lead, const char *fmt, va_list ap)
{
	struct br_buf line = BR_BUF_INIT(64u << 10);
	char brief[1024];
	va_list again;

	br_bar_hide(o);
	br_out_flush(o); /* so that both streams read in order on a terminal */
	va_copy(again, ap);
	br_buf_adds(&line, lead);
	br_buf_vaddf(&line, fmt, ap);
	br_buf_addc(&line, '\n');
	if (line.failed) {
		vsnprintf(brief, sizeof brief, fmt, again);
		(void)br_fd_write(2, lead, strlen(lead));
		(void)br_fd_write(2, brief, strlen(brief));
		(void)br_fd_write(2, "\n", 1);
	} else {
		(void)br_fd_write(2, line.ptr, line.len);
	}
	va_end(again);
	br_buf_release(&line);
}

void br_note(struct br_out *o, const char *fmt, ...)
{
	va_list ap;

	if (o->quiet)
		return;
	va_start(ap, fmt);
	say(o, "", fmt, ap);
	va_end(ap);
}

void br_warn(struct br_out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(o, o->err_colour ? "\033[31mbr:\033[0m " : "br: ", fmt, ap);
	va_end(ap);
}

/* ---- the progress bar: one line on a terminal's standard error, first shown after half a second ---- */

#define BAR_AFTER_NS 500000000
#define BAR_EVERY_NS 100000000
#define BAR_CELLS    24

static void bar_draw(const char *what, const struct br_progress *p, double seconds)
{
	double share = p->bytes_total ? (double)p->bytes_done / (double)p->bytes_total : 0;
	unsigned full = (unsigned)(BR_MIN(share, 1.0) * BAR_CELLS), i;
	struct br_buf b = BR_BUF_INIT(4096);

	br_buf_addf(&b, "\r\033[K%s  ", what);
	for (i = 0; i < BAR_CELLS; i++)
		br_buf_adds(&b, i < full ? "\xe2\x94\x81" : "\xe2\x94\x80");
	br_buf_addf(&b, "  %3.0f%%", 100 * BR_MIN(share, 1.0));
	if (p->files_total)
		br_buf_addf(&b, "  %s / %s files  %s/s", br_human_count(p->files_done).s, br_human_count(p->files_total).s,
		            br_human_bytes((uint64_t)((double)p->bytes_done / seconds)).s);
	if (share > 0.01 && share < 1)
		br_buf_addf(&b, "  %s left", br_human_seconds(seconds * (1 - share) / share).s);
	(void)br_fd_write(2, b.ptr, b.len);
	br_buf_release(&b);
}

void br_bar_show(struct br_out *o, const char *what, const struct br_progress *p)
{
	int64_t now = br_mono_ns();

	if (!o->err_tty || o->quiet)
		return;
	if (!o->bar.start_ns)
		o->bar.start_ns = now;
	if (now - o->bar.start_ns < BAR_AFTER_NS || now - o->bar.last_ns < BAR_EVERY_NS)
		return;
	o->bar.last_ns = now;
	o->bar.shown = true;
	bar_draw(what, p, (double)(now - o->bar.start_ns) / 1e9);
}

void br_bar_hide(struct br_out *o)
{
	if (o->bar.shown)
		(void)br_fd_write(2, "\r\033[K", 4);
	o->bar.shown = false;
}
