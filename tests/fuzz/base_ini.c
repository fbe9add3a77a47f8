/* One value of an ini file is changed; all others stay as they were. Input: section, name, value (or "-" to remove), then the file. */
#include "fuzz.h"

#include "base/internal.h"

struct seen {
	const char *section, *name;
	struct br_buf others;
	char *value; /* the last one of section and name */
};

static void note(const char *section, const char *name, const char *value, unsigned line, void *arg)
{
	struct seen *s = arg;

	HOLDS(line >= 1);
	if (!strcmp(section, s->section) && !strcmp(name, s->name)) {
		free(s->value);
		s->value = br_strdup(value);
	} else {
		br_buf_addf(&s->others, "[%s]%s=%s\n", section, name, value);
	}
}

static bool simple(const char *s)
{
	return *s && strlen(s) < 40 && s[strspn(s, "abcdefghijklmnopqrstuvwxyz_")] == 0;
}

FUZZ(base_ini)
{
	struct br_rd r = br_rd(in);
	char *section = fuzz_line(&r), *name = fuzz_line(&r), *value = fuzz_line(&r);
	bool drop = !strcmp(value, "-");
	struct seen before = { .section = section, .name = name, .others = BR_BUF_INIT(SIZE_MAX) }, after = before;
	struct br_buf out = BR_BUF_INIT(1 << 20);
	bool parses = br_base__ini_parse(fuzz_rest(&r), "file", note, &before, NULL) == 0;

	if (parses && simple(section) && simple(name) &&
	    br_base__ini_edit(&out, fuzz_rest(&r), "file", section, name, drop ? NULL : value, NULL) == 0) {
		HOLDS(br_base__ini_parse(br_buf_slice(&out), "file", note, &after, NULL) == 0);
		HOLDS(drop ? !after.value : after.value && !strcmp(after.value, value));
		HOLDS(br_slice_eq(br_buf_slice(&before.others), br_buf_slice(&after.others)));
	}
	free(section);
	free(name);
	free(value);
	free(before.value);
	free(after.value);
	br_buf_release(&before.others);
	br_buf_release(&after.others);
	br_buf_release(&out);
}
