/*
 * config - the settings in force: built in, user's file, workspace's file, environment; later ones win.
 * A workspace may come with somebody else's repository, so its file is not trusted until its very bytes have been: the trust
 * file at user level holds one line "<sha256 of the file> <its path>" for each.
 */
#include "br/config.h"

#include "br/os.h"
#include "internal.h"

#include <stdlib.h>
#include <sys/stat.h>

#define LEVELS (BR_CONFIG_ENV + 1)

struct br_config {
	_Atomic(struct br_config *) newer; /* what counts since the last reload; NULL: this */
	struct br_config *older;           /* replaced ones, whose values may still be in use */
	struct br_arena mem;
	const char **value[LEVELS]; /* by row of the table; NULL: not set at that level */
	bool trusted;
	const char *ignored;
};

static size_t row_count(void)
{
	size_t n;

	br_settings(&n);
	return n;
}

static size_t row_of(const struct br_setting *s)
{
	size_t n;

	return (size_t)(s - br_settings(&n));
}

/* ---- checking ---- */

static bool is_choice(const char *choices, const char *value)
{
	size_t n = strlen(value);

	for (const char *p = choices; ; p++) {
		size_t k = strcspn(p, "|");

		if (k == n && memcmp(p, value, n) == 0)
			return true;
		p += k;
		if (!*p)
			return false;
	}
}

static int parse_bool(bool *out, const char *value)
{
	*out = is_choice("true|yes|on|1", value);
	return *out || is_choice("false|no|off|0", value) ? 0 : -1;
}

static int check_range(const struct br_setting *s, int64_t v, const char *value, const char *what, struct br_err *err)
{
	if ((double)v >= s->min && (double)v <= s->max)
		return 0;
	return br_fail(err, BR_EUSAGE, "%s: %s is not between %.0f and %.0f", what, value, s->min, s->max);
}

static int check_text(const char *value, const char *what, struct br_err *err)
{
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return br_fail(err, BR_EUSAGE, "%s: control characters are not allowed", what);
	return 0;
}

/* what: the key or the environment variable, for the message. */
static int check_value(const struct br_setting *s, const char *value, const char *what, struct br_err *err)
{
	int64_t v;
	double d;
	bool b;
	int rc;

	switch (s->type) {
	case BR_SET_STR:
		return check_text(value, what, err);
	case BR_SET_INT:
		return br_parse_int(&v, value, (int64_t)s->min, (int64_t)s->max, what, err);
	case BR_SET_NUM:
		return br_parse_double(&d, value, s->min, s->max, what, err);
	case BR_SET_SECONDS:
		rc = br_parse_seconds(&v, value, what, err);
		return rc < 0 ? rc : check_range(s, v, value, what, err);
	case BR_SET_BYTES:
		rc = br_parse_bytes(&v, value, what, err);
		return rc < 0 ? rc : check_range(s, v, value, what, err);
	case BR_SET_BOOL:
		return parse_bool(&b, value) == 0 ? 0 : br_fail(err, BR_EUSAGE, "%s: '%s' is neither true nor false", what, value);
	case BR_SET_ENUM:
		return is_choice(s->choices, value) ? 0 : br_fail(err, BR_EUSAGE, "%s: '%s' is not one of %s", what, value, s->choices);
	}
	return br_fail(err, BR_EBUG, "%s: unknown type", what);
}

static int find_row(const struct br_setting **out, const char *key, struct br_err *err)
{
	size_t n;
	const struct br_setting *all = br_settings(&n);
	const char **names, *near;
	int rc;

	if ((*out = br_setting_find(key)))
		return 0;
	names = br_allocn(n, sizeof *names);
	for (size_t i = 0; i < n; i++)
		names[i] = all[i].key;
	near = br_closest(key, names, n);
	rc = near ? br_fail(err, BR_EUSAGE, "no setting '%s'; did you mean '%s'?", key, near)
	          : br_fail(err, BR_EUSAGE, "no setting '%s'", key);
	free(names);
	return rc;
}

int br_config_check(const char *key, const char *value, struct br_err *err)
{
	const struct br_setting *s;
	int rc = find_row(&s, key, err);

	return rc < 0 ? rc : check_value(s, value, key, err);
}

/* ---- places ---- */

/* <folder of the user's configuration>/name, or NULL when there is no home. */
static char *user_path(const char *name)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (xdg && *xdg == '/')
		return br_sprintf("%s/br/%s", xdg, name);
	return home && *home == '/' ? br_sprintf("%s/.config/br/%s", home, name) : NULL;
}

char *br_config_path(const char *dir, enum br_config_level level)
{
	switch (level) {
	case BR_CONFIG_USER:
		return user_path("config");
	case BR_CONFIG_WORKSPACE:
		return dir ? br_path_join(dir, "config") : NULL;
	default:
		return NULL;
	}
}

static int no_home(struct br_err *err)
{
	return br_fail(err, BR_EUSAGE, "no folder for the user's settings: neither HOME nor XDG_CONFIG_HOME is set");
}

/* A file that is absent gives nothing; *there tells. */
static int read_file(struct br_buf *out, bool *there, const char *path, struct br_err *err)
{
	struct br_err why = { 0 };
	int rc = br_file_read(out, path, BR_MAX_CONFIG, &why);

	*there = rc == 0;
	if (rc == 0 || why.code == BR_ENOTFOUND)
		return 0;
	if (err)
		*err = why;
	return rc;
}

/*
 * Files of the user's folder may be links into a collection of settings: there the file behind the link is replaced. In a
 * workspace, which may be somebody else's, the link itself is.
 */
static int write_file(const char *path, bool follow, const struct br_buf *text, struct br_err *err)
{
	char *real = follow ? realpath(path, NULL) : NULL, *dir = br_path_join(path, "..");
	int rc = br_mkdirs(dir, 0700, err);

	if (rc == 0)
		rc = br_file_write_atomic(real ? real : path, text->ptr, text->len, 0600, err);
	free(dir);
	free(real);
	return rc;
}

/* ---- trust ---- */

/* The line that stands for this file with these bytes, without its end; NULL when the path cannot be in one. Caller frees. */
static char *trust_line(const char *path, struct br_slice text)
{
	char *real = realpath(path, NULL), *line = NULL, hex[65];
	uint8_t sum[32];

	if (real && !strchr(real, '\n')) {
		br_sha256(sum, text.ptr, text.len);
		br_hex(hex, sum, sizeof sum);
		line = br_sprintf("%s %s", hex, real);
	}
	free(real);
	return line;
}

static bool has_line(const struct br_buf *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = text->ptr; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (strcspn(p, "\n") == n && memcmp(p, line, n) == 0)
			return true;
	return false;
}

static bool is_trusted(const char *path, struct br_slice text)
{
	struct br_buf known = BR_BUF_INIT(BR_MAX_CONFIG);
	char *line = trust_line(path, text), *store = user_path("trust");
	bool yes = line && store && br_file_read(&known, store, BR_MAX_CONFIG, NULL) == 0 && has_line(&known, line);

	br_buf_release(&known);
	free(store);
	free(line);
	return yes;
}

/* All lines but those for the path in `line`, which begins behind the hash. */
static void copy_others(struct br_buf *out, const struct br_buf *text, const char *line)
{
	const char *path = line + 64;
	size_t n = strlen(path);

	for (const char *p = text->ptr; *p; ) {
		size_t k = strcspn(p, "\n");

		if (k && !(k == 64 + n && memcmp(p + 64, path, n) == 0))
			br_buf_addf(out, "%.*s\n", (int)k, p);
		p += k + (p[k] == '\n');
	}
}

static int write_trust(const char *store, const char *line, bool trust, struct br_err *err)
{
	struct br_buf old = BR_BUF_INIT(BR_MAX_CONFIG), now = BR_BUF_INIT(BR_MAX_CONFIG);
	bool there;
	int rc;

	if ((rc = read_file(&old, &there, store, err)) == 0) {
		copy_others(&now, &old, line);
		if (trust)
			br_buf_addf(&now, "%s\n", line);
		rc = br_buf_check(&now, store, err);
	}
	if (rc == 0 && (trust || there))
		rc = write_file(store, true, &now, err);
	br_buf_release(&old);
	br_buf_release(&now);
	return rc;
}

int br_config_trust(const char *dir, bool trust, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_CONFIG);
	char *path = br_config_path(dir, BR_CONFIG_WORKSPACE), *store = user_path("trust"), *line = NULL;
	int rc;

	if (!store)
		rc = no_home(err);
	else if ((rc = br_file_read(&text, path, BR_MAX_CONFIG, err)) == 0 && !(line = trust_line(path, br_buf_slice(&text))))
		rc = br_fail(err, BR_EINPUT, "'%s' has a path that cannot be recorded", path);
	if (rc == 0)
		rc = write_trust(store, line, trust, err);
	free(line);
	free(store);
	free(path);
	br_buf_release(&text);
	return rc;
}

/* ---- loading ---- */

struct loading {
	struct br_config *c;
	const char *path;
	enum br_config_level level;
};

static char *join_key(const char *section, const char *name)
{
	return *section ? br_sprintf("%s.%s", section, name) : br_strdup(name);
}

static void take_value(const char *section, const char *name, const char *value, unsigned line, void *arg)
{
	struct loading *l = arg;
	const struct br_setting *s;
	struct br_err why = { 0 };
	char *key = join_key(section, name);

	if (find_row(&s, key, &why) < 0 || check_value(s, value, key, &why) < 0)
		br_log(BR_LOG_WARN, "'%s' line %u: %s", l->path, line, why.msg);
	else
		l->c->value[l->level][row_of(s)] = br_arena_strdup(&l->c->mem, value);
	free(key);
}

/* Takes back the settings that a workspace may not make without trust, and remembers their keys. */
static void drop_untrusted(struct br_config *c)
{
	struct br_buf keys = BR_BUF_INIT(BR_MAX_CONFIG);
	size_t n;
	const struct br_setting *all = br_settings(&n);

	for (size_t i = 0; i < n; i++) {
		const char **v = &c->value[BR_CONFIG_WORKSPACE][i];

		if (!all[i].trusted || !*v)
			continue;
		br_buf_addf(&keys, "%s%s", keys.len ? "," : "", all[i].key);
		*v = NULL;
	}
	c->ignored = br_arena_strdup(&c->mem, keys.ptr);
	br_buf_release(&keys);
}

/* A key is for nobody's eyes but its owner's. */
static void warn_exposed(const struct br_config *c, const char *path, enum br_config_level level)
{
	const struct br_setting *all = br_settings(&(size_t){ 0 });
	struct stat st;

	for (size_t i = 0; i < row_count(); i++)
		if (all[i].secret && c->value[level][i] && stat(path, &st) == 0 && (st.st_mode & 077)) {
			br_log(BR_LOG_WARN, "'%s' holds a key and is open to others: chmod 600", path);
			return;
		}
}

static int load_file(struct br_config *c, const char *dir, enum br_config_level level, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_CONFIG);
	struct loading l = { .c = c, .level = level };
	char *path = br_config_path(dir, level);
	bool there = false;
	int rc = 0;

	l.path = path;
	if (path)
		rc = read_file(&text, &there, path, err);
	if (rc == 0 && there)
		rc = br_base__ini_parse(br_buf_slice(&text), path, take_value, &l, err);
	if (rc == 0 && there && level == BR_CONFIG_WORKSPACE && !(c->trusted = is_trusted(path, br_buf_slice(&text))))
		drop_untrusted(c);
	if (rc == 0 && there)
		warn_exposed(c, path, level);
	free(path);
	br_buf_release(&text);
	return rc;
}

static void load_builtin_and_env(struct br_config *c)
{
	size_t n;
	const struct br_setting *all = br_settings(&n);

	for (size_t i = 0; i < n; i++) {
		const char *v = all[i].env ? getenv(all[i].env) : NULL;
		struct br_err why = { 0 };

		c->value[BR_CONFIG_BUILTIN][i] = all[i].dflt;
		if (!v || !*v)
			continue;
		if (check_value(&all[i], v, all[i].env, &why) < 0)
			br_log(BR_LOG_WARN, "%s", why.msg);
		else
			c->value[BR_CONFIG_ENV][i] = br_arena_strdup(&c->mem, v);
	}
}

int br_config_load(struct br_config **out, const char *dir, struct br_err *err)
{
	struct br_config *c = br_alloc(sizeof *c);
	int rc;

	c->ignored = "";
	for (int level = 0; level < LEVELS; level++)
		c->value[level] = br_allocn(row_count(), sizeof *c->value[level]);
	load_builtin_and_env(c);
	rc = load_file(c, NULL, BR_CONFIG_USER, err);
	if (rc == 0)
		rc = load_file(c, dir, BR_CONFIG_WORKSPACE, err);
	if (rc < 0) {
		br_config_free(c);
		c = NULL;
	}
	*out = c;
	return rc;
}

int br_config_reload(struct br_config *c, const char *dir, struct br_err *err)
{
	struct br_config *now;
	int rc = br_config_load(&now, dir, err);

	if (rc < 0)
		return rc;
	now->older = c->newer;
	c->newer = now;
	return 0;
}

void br_config_free(struct br_config *c)
{
	if (!c)
		return;
	br_config_free(c->newer);
	br_config_free(c->older);
	for (int level = 0; level < LEVELS; level++)
		free(c->value[level]);
	br_arena_release(&c->mem);
	free(c);
}

/* ---- asking ---- */

static const struct br_config *in_force(const struct br_config *c)
{
	const struct br_config *newer = c->newer;

	return newer ? newer : c;
}

const char *br_config_get(const struct br_config *c, const char *key, enum br_config_level *level)
{
	const struct br_setting *s = br_setting_find(key);
	int at = LEVELS - 1;

	BR_ASSERT(s);
	c = in_force(c);
	while (at > BR_CONFIG_BUILTIN && !c->value[at][row_of(s)])
		at--;
	if (level)
		*level = (enum br_config_level)at;
	return c->value[at][row_of(s)];
}

int64_t br_config_int(const struct br_config *c, const char *key)
{
	const struct br_setting *s = br_setting_find(key);
	const char *value = br_config_get(c, key, NULL);
	int64_t v = 0;
	int rc = -1;

	if (value && s->type == BR_SET_INT)
		rc = br_parse_int(&v, value, INT64_MIN, INT64_MAX, key, NULL);
	else if (value && s->type == BR_SET_SECONDS)
		rc = br_parse_seconds(&v, value, key, NULL);
	else if (value && s->type == BR_SET_BYTES)
		rc = br_parse_bytes(&v, value, key, NULL);
	BR_ASSERT(rc == 0); /* values are checked when they are loaded */
	return v;
}

double br_config_num(const struct br_config *c, const char *key)
{
	const char *value = br_config_get(c, key, NULL);
	double v = 0;

	BR_ASSERT(value && br_parse_double(&v, value, -1e300, 1e300, key, NULL) == 0);
	return v;
}

bool br_config_bool(const struct br_config *c, const char *key)
{
	const char *value = br_config_get(c, key, NULL);
	bool v = false;

	BR_ASSERT(value && parse_bool(&v, value) == 0);
	return v;
}

bool br_config_trusted(const struct br_config *c) { return in_force(c)->trusted; }
const char *br_config_ignored(const struct br_config *c) { return in_force(c)->ignored; }

/* ---- changing ---- */

static int edit_file(struct br_buf *now, const char *path, const struct br_buf *text, const char *key, const char *value,
                     struct br_err *err)
{
	const char *dot = strchr(key, '.');
	char *section = br_strndup(key, dot ? (size_t)(dot - key) : 0);
	int rc = br_base__ini_edit(now, br_buf_slice(text), path, section, dot ? dot + 1 : key, value, err);

	free(section);
	return rc;
}

int br_config_set(const char *dir, enum br_config_level level, const char *key, const char *value, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_CONFIG), now = BR_BUF_INIT(BR_MAX_CONFIG);
	const struct br_setting *s;
	char *path = br_config_path(dir, level);
	bool there = false, trusted;
	int rc;

	if ((rc = find_row(&s, key, err)) < 0 || (value && (rc = check_value(s, value, key, err)) < 0))
		goto out;
	if (!path) {
		rc = level == BR_CONFIG_USER ? no_home(err) : br_fail(err, BR_EUSAGE, "%s: this level has no file to write to", key);
		goto out;
	}
	if ((rc = read_file(&text, &there, path, err)) < 0 || (rc = edit_file(&now, path, &text, key, value, err)) < 0)
		goto out;
	/* Whoever trusted the file and changes it by this call need not look at it again. */
	trusted = there && level == BR_CONFIG_WORKSPACE && is_trusted(path, br_buf_slice(&text));
	if (value || there)
		rc = write_file(path, level == BR_CONFIG_USER, &now, err);
	if (rc == 0 && trusted)
		rc = br_config_trust(dir, true, err);
out:
	free(path);
	br_buf_release(&text);
	br_buf_release(&now);
	return rc;
}
