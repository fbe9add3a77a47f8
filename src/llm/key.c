/*
 * Keys: where they come from, and that they go nowhere but into the header of a request.
 */
#include "br/os.h"
#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TELLING = 8 }; /* bytes of a key that must not be seen together */

extern char **environ;

void br_llm__key_free(char *key)
{
	if (key)
		explicit_bzero(key, strlen(key));
	free(key);
}

/* Only what can stand in a header; the message must not show it. */
static int check(const char *key, const char *from, struct br_err *err)
{
	size_t n = strlen(key);

	if (n > BR_MAX_LLM_KEY)
		return br_fail(err, BR_EAUTH, "the key of %s is longer than %d bytes", from, BR_MAX_LLM_KEY);
	for (size_t i = 0; i < n; i++)
		if (key[i] <= ' ' || key[i] > '~')
			return br_fail(err, BR_EAUTH, "the key of %s has a character that no key has", from);
	return n ? 0 : br_fail(err, BR_EAUTH, "the key of %s is empty", from);
}

static int take(struct br_llm *s, const char *value, const char *from, struct br_err *err)
{
	size_t a = strspn(value, " \t"), n = strcspn(value + a, "\r\n");

	while (n && (value[a + n - 1] == ' ' || value[a + n - 1] == '\t'))
		n--;
	br_llm__key_free(s->key);
	s->key = br_strndup(value + a, n);
	if (from != s->info.key_from)
		s->info.key_from = br_arena_strdup(&s->mem, from);
	s->key_ready = true;
	return check(s->key, from, err);
}

int br_llm__key_find(struct br_llm *s, const struct br_config *c, struct br_err *err)
{
	const char *role = br_llm_role_name(s->info.role), *env = s->provider->key_env, *v;
	enum br_config_level level;
	char *key = br_arena_printf(&s->mem, "%s.key", role), *command = br_arena_printf(&s->mem, "%s.key_command", role);
	bool at_home = s->provider->base_url && !strcmp(s->info.base_url, s->provider->base_url);

	if (c && (v = br_config_get(c, key, &level)) && *v)
		return take(s, v, level == BR_CONFIG_ENV ? br_setting_find(key)->env : key, err);
	if (c && (v = br_config_get(c, command, NULL)) && *v) {
		s->key_command = br_arena_strdup(&s->mem, v);
		s->info.key_from = command;
		return 0;
	}
	s->key_ready = true;
	if (env && (v = getenv(env)) && *v)
		return take(s, v, env, err);
	s->info.key_missing = s->provider->flags & WANTS_KEY && at_home;
	return 0;
}

int br_llm__key_set(struct br_llm *s, const char *key, const char *from, struct br_err *err)
{
	s->info.key_missing = false;
	return take(s, key, from, err);
}

/* ---- the command ---- */

static int read_output(struct br_buf *out, int fd, struct br_err *err)
{
	int64_t until = br_mono_ns() + BR_MAX_LLM_KEY_WAIT * INT64_C(1000000000);
	char part[512];
	ssize_t n = 1;
	int rc;

	while (n != 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if ((rc = br_check_stop(err)) < 0)
			return rc;
		if (br_mono_ns() > until)
			return br_fail(err, BR_EAUTH, "it takes more than %d s", BR_MAX_LLM_KEY_WAIT);
		if (poll(&p, 1, 50) <= 0)
			continue;
		if ((n = read(fd, part, sizeof part)) < 0 && errno != EINTR)
			return br_fail_errno(err, BR_EAUTH, "its output cannot be read");
		br_buf_add(out, part, (size_t)BR_MAX(n, (ssize_t)0));
	}
	explicit_bzero(part, sizeof part);
	return out->failed ? br_fail(err, BR_EAUTH, "it prints more than a key") : 0;
}

static int run_command(struct br_llm *s, struct br_err *err)
{
	const char *argv[] = { "/bin/sh", "-c", s->key_command, NULL };
	struct br_buf out = BR_BUF_INIT(BR_MAX_LLM_KEY + 4096);
	struct br_child child;
	int status, rc;

	if ((rc = br_child_start(&child, argv, (const char *const *)environ, true, err)) < 0)
		return rc;
	close(child.in);
	child.in = 0;
	rc = read_output(&out, child.out, err);
	status = br_child_end(&child, rc < 0);
	if (rc == 0 && (!WIFEXITED(status) || WEXITSTATUS(status)))
		rc = br_fail(err, BR_EAUTH, "it ended with status %d",
		             WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	if (rc == -BR_EAUTH)
		br_err_prefix(err, rc, "%s gives no key", s->info.key_from);
	if (rc == 0)
		rc = take(s, out.ptr, s->info.key_from, err);
	explicit_bzero(out.ptr, out.len);
	br_buf_release(&out);
	return rc;
}

int br_llm__key_get(char **out, struct br_llm *s, struct br_err *err)
{
	const char *role = br_llm_role_name(s->info.role);
	int rc = 0;

	*out = NULL;
	if (s->info.key_missing)
		return br_fail(err, BR_EAUTH, "no key for %s: set %s, %s.key or %s.key_command", s->name,
		               s->provider->key_env, role, role);
	pthread_mutex_lock(&s->mu);
	if (!s->key_ready)
		rc = run_command(s, err);
	if (rc == 0)
		*out = br_strdup(s->key);
	pthread_mutex_unlock(&s->mu);
	return rc;
}

/* ---- messages of others, who may repeat what they were sent ---- */

static size_t common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

void br_llm__scrub(char *text, const char *key)
{
	size_t n = key ? strlen(key) : 0, least = BR_MIN(n, (size_t)TELLING), hide;

	for (char *p = text; n && *p; p += BR_MAX(hide, (size_t)1)) {
		hide = 0;
		for (size_t i = 0; i < n; i++)
			hide = BR_MAX(hide, common(p, key + i));
		if (hide < least)
			hide = 0;
		memset(p, '*', hide);
	}
}
