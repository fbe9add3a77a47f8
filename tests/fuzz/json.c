/* The door for JSON: what was read and written is read as the same; what we write of any bytes can be read. */
#include "fuzz.h"

static char *rewrite(struct br_slice text, size_t *len)
{
	struct br_buf out = BR_BUF_INIT(1 << 24);
	struct br_jdoc *d = NULL;
	struct br_json j;

	if (br_jdoc_parse(&d, text, "test", NULL) < 0)
		return NULL;
	br_json_init(&j, &out, false);
	br_jval_write(&j, br_jdoc_root(d));
	HOLDS(!out.failed);
	br_jdoc_free(d);
	return br_buf_take(&out, len);
}

static void walk(const struct br_jval *v, unsigned depth)
{
	enum br_jtype t = br_jval_type(v);
	double num;
	bool flag;

	HOLDS(depth <= BR_MAX_JSON_DEPTH);
	HOLDS((br_jval_str(v) != NULL) == (t == BR_J_STR) && br_jval_num(&num, v) == (t == BR_J_NUM) && br_jval_bool(&flag, v) == (t == BR_J_BOOL));
	HOLDS(t != BR_J_STR || br_utf8_valid(br_jval_str(v), strlen(br_jval_str(v))) == strlen(br_jval_str(v)));
	for (const struct br_jval *m = br_jval_first(v); m; m = br_jval_next(m)) {
		HOLDS(t == BR_J_ARR || (t == BR_J_OBJ && br_jval_key(m) && br_jval_get(v, br_jval_key(m))));
		walk(m, depth + 1);
	}
}

static void check_string(struct br_slice in)
{
	struct br_buf out = BR_BUF_INIT(1 << 24);
	struct br_jdoc *d = NULL;
	struct br_json j;
	const char *s;

	br_json_init(&j, &out, in.len & 1);
	br_json_obj(&j);
	br_json_key(&j, "k");
	br_json_strn(&j, in.len ? in.ptr : "", in.len);
	br_json_end(&j);
	HOLDS(memchr(in.ptr ? in.ptr : "", 0, in.len) || br_jdoc_parse(&d, br_buf_slice(&out), "own", NULL) == 0);
	if (d && br_utf8_valid(in.ptr, in.len) == in.len) {
		s = br_jval_str(br_jval_get(br_jdoc_root(d), "k"));
		HOLDS(s && br_slice_eq(br_slice_str(s), in));
	}
	br_jdoc_free(d);
	br_buf_release(&out);
}

FUZZ(json)
{
	struct br_jdoc *d = NULL;
	size_t n, m;
	char *once = rewrite(in, &n), *twice = once ? rewrite(br_slice(once, n), &m) : NULL;

	HOLDS(!once || (twice && n == m && !memcmp(once, twice, n)));
	if (br_jdoc_parse(&d, in, "test", NULL) == 0)
		walk(br_jdoc_root(d), 0);
	br_jdoc_free(d);
	check_string(in);
	free(once);
	free(twice);
}
