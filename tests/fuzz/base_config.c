/* A workspace's settings file: whatever is in force passes the check of its key. */
#include "fuzz.h"

static void check_values(const struct br_config *c)
{
	size_t n;
	const struct br_setting *s = br_settings(&n);

	for (size_t i = 0; i < n; i++) {
		enum br_config_level level;
		const char *v = br_config_get(c, s[i].key, &level);
		struct br_err err = { 0 };
		if (!v)
			continue;
		HOLDS(br_config_check(s[i].key, v, &err) == 0);
		HOLDS(level != BR_CONFIG_WORKSPACE || !s[i].trusted);
		if (s[i].type == BR_SET_INT || s[i].type == BR_SET_SECONDS || s[i].type == BR_SET_BYTES)
			(void)br_config_int(c, s[i].key);
		else if (s[i].type == BR_SET_NUM)
			HOLDS(br_config_num(c, s[i].key) >= s[i].min && br_config_num(c, s[i].key) <= s[i].max);
		else if (s[i].type == BR_SET_BOOL)
			(void)br_config_bool(c, s[i].key);
	}
}

FUZZ(base_config)
{
	struct br_rd r = br_rd(in);
	struct br_config *c = NULL;
	char *key, *value;

	(void)fuzz_file("config", in);
	if (br_config_load(&c, fuzz_dir(), NULL) == 0) {
		check_values(c);
		HOLDS(br_config_ignored(c) && !br_config_trusted(c));
		br_config_free(c);
	}
	key = fuzz_line(&r);
	value = fuzz_line(&r);
	HOLDS(br_config_check(key, value, NULL) < 0 || br_setting_find(key));
	free(key);
	free(value);
}
