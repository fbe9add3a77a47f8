/*
 * log - lines on stderr, one write each, so that lines of several threads or processes do not mix.
 * File names and foreign messages pass through here: control characters never reach the terminal.
 */
#include "br/os.h"

#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

enum br_log_level br_log_level = BR_LOG_WARN;

void br_log(enum br_log_level level, const char *fmt, ...)
{
	static const char *const name[] = { "error", "warning", "info", "debug" };
	char line[LINE_MAX_BYTES];
	size_t head, len;
	va_list ap;
	int n;

	if (level > br_log_level)
		return;
	head = (size_t)snprintf(line, sizeof line, "br: %s: ", name[level]);
	va_start(ap, fmt);
	n = vsnprintf(line + head, sizeof line - head, fmt, ap);
	va_end(ap);
	len = BR_MIN(head + (n > 0 ? (size_t)n : 0), sizeof line - 1);
	for (size_t i = head; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	(void)br_fd_write(STDERR_FILENO, line, len);
}
