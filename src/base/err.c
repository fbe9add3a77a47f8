/*
 * Errors: one list makes names, exit statuses and texts. A message is formatted into a temporary first, so that
 * arguments may point into the error that is being replaced.
 */
#include "br/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct br_err_info infos[BR_ERR_COUNT] = {
	[BR_OK] = { "ok", 0, 200, false, "done" },
#define X(name, exit, http, retry, text) [BR_E##name] = { #name, exit, http, retry, text },
	BR_ERR_LIST(X)
#undef X
};

const struct br_err_info *br_err_info(enum br_code code)
{
	return &infos[code < BR_ERR_COUNT ? code : BR_EBUG];
}

static void set(struct br_err *err, enum br_code code, const char *msg)
{
	size_t n = strnlen(msg, sizeof err->msg - 1);

	err->code = code;
	memmove(err->msg, msg, n);
	err->msg[n] = 0;
}

int br_fail(struct br_err *err, enum br_code code, const char *fmt, ...)
{
	char msg[sizeof err->msg];
	va_list ap;

	if (!err)
		return -(int)code;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	set(err, code, msg);
	return -(int)code;
}

static enum br_code errno_code(int e, enum br_code otherwise)
{
	if (e == ENOSPC || e == EDQUOT || e == EFBIG)
		return BR_EFULL;
	return e == ENOMEM ? BR_ENOMEM : otherwise;
}

int br_fail_errno(struct br_err *err, enum br_code code, const char *fmt, ...)
{
	int e = errno;
	char msg[sizeof err->msg];
	size_t n;
	va_list ap;

	code = errno_code(e, code);
	if (!err)
		return -(int)code;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	n = strlen(msg);
	snprintf(msg + n, sizeof msg - n, ": %s", code == BR_EFULL && e != EFBIG ? "disk full" : strerror(e));
	set(err, code, msg);
	return -(int)code;
}

int br_err_prefix(struct br_err *err, int rc, const char *fmt, ...)
{
	char what[sizeof err->msg / 2], msg[2 * sizeof err->msg];
	va_list ap;

	if (!err || !rc)
		return rc;
	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	snprintf(msg, sizeof msg, "%s: %s", what, err->msg);
	set(err, err->code, msg);
	return rc;
}

_Noreturn void br_bug(const char *file, int line, const char *what)
{
	fprintf(stderr, "br: bug at %s:%d: %s\n", file, line, what);
	abort();
}
