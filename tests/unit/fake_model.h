/* The service of tests/fake/model.py: started by setup, asked what it was asked. Include behind cmocka.h and scratch.h. */
#ifndef FAKE_MODEL_H
#define FAKE_MODEL_H

#include "br/json.h"
#include "br/llm.h"

static struct br_child fake;
static int64_t fake_port;

static inline bool fake_read_port(const char *file)
{
	struct br_buf b = BR_BUF_INIT(64);
	bool there = br_file_read(&b, file, 64, NULL) == 0 && br_parse_int(&fake_port, b.ptr, 1, 65535, "port", NULL) == 0;

	br_buf_release(&b);
	return there;
}

static inline int fake_setup(void **state)
{
	const char *argv[] = { "/usr/bin/python3", "-B", "tests/fake/model.py", NULL, NULL, NULL };
	static const char *const clear[] = { "http_proxy", "https_proxy", "all_proxy", "OPENROUTER_API_KEY", "OPENAI_API_KEY", "OLLAMA_API_KEY" };

	if (scratch_setup(state) < 0)
		return -1;
	for (size_t i = 0; i < BR_COUNT(clear); i++)
		unsetenv(clear[i]);
	setenv("XDG_CONFIG_HOME", scratch(""), 1); /* settings are those that a test makes */
	argv[3] = scratch("port");
	argv[4] = scratch("log");
	if (access(argv[0], X_OK) < 0 || access(argv[2], R_OK) < 0) {
		printf("skipped: no python3, or not run from the top of the tree\n");
		return 0;
	}
	if (br_child_start(&fake, argv, NULL, true, NULL) < 0)
		return -1;
	for (int i = 0; i < 500 && !fake_read_port(argv[3]); i++)
		usleep(20000);
	return fake_port ? 0 : -1;
}

static inline int fake_teardown(void **state)
{
	br_child_end(&fake, true);
	return scratch_teardown(state);
}

/* Starts a test's settings: "role.name", value, ..., NULL. base_url is the fake's unless it is given; each test has its own. */
static inline struct br_config *fake_config(const char *role, const char *model, ...)
{
	struct br_err err;
	struct br_config *c;
	char *more, *text = br_sprintf("[%s]\nbase_url = http://127.0.0.1:%lld/v1\nmodel = %s\n", role,
	                               (long long)fake_port, model);
	const char *key;
	va_list ap;

	va_start(ap, model);
	while ((key = va_arg(ap, const char *))) {
		size_t n = strcspn(key, ".");

		more = br_sprintf("%s[%.*s]\n%s = %s\n", text, (int)n, key, key + n + 1, va_arg(ap, const char *));
		free(text);
		text = more;
	}
	va_end(ap);
	chmod(scratch_put("br/config", text), 0600);
	free(text);
	if (br_config_load(&c, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	return c;
}

static inline struct br_llm *fake_open(struct br_config *c, enum br_llm_role role)
{
	struct br_err err;
	struct br_llm *s;

	if (br_llm_open(&s, c, role, &err) < 0)
		fail_msg("%s", err.msg);
	br_config_free(c);
	return s;
}

static inline void fake_needed(void)
{
	if (!fake_port)
		skip();
}

/* Lines of the log that hold all of these words. */
static inline size_t fake_logged(const char *a, const char *b)
{
	struct br_buf log = BR_BUF_INIT(64 << 20);
	size_t n = 0;

	if (br_file_read(&log, scratch("log"), log.max, NULL) < 0)
		return 0;
	for (char *p = log.ptr, *e; *p; p = e) {
		e = strchrnul(p, '\n');
		e += *e && (*e = 0, 1);
		n += strstr(p, a) && strstr(p, b);
	}
	br_buf_release(&log);
	return n;
}

/* The log is written by another process: waits until it says so often, for a while. */
static inline void fake_expect_log(size_t times, const char *a, const char *b)
{
	for (int i = 0; i < 250 && fake_logged(a, b) < times; i++)
		usleep(20000);
	if (fake_logged(a, b) != times)
		fail_msg("the log has %zu lines with %s and %s, not %zu", fake_logged(a, b), a, b, times);
}

#endif
