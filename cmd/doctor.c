/* `br doctor`: checks the surroundings br runs in, one line each. */
#include "cmd.h"

#include <langinfo.h>
#include <limits.h>
#include <linux/magic.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef BR_LIBDIR
#define BR_LIBDIR "/usr/local/lib/br"
#endif
#define LOW_SPACE (200u << 20) /* bytes free below which a commit may soon fail */

enum verdict { OK, WARN, FAIL };
/* Each says what it found in detail. */
typedef enum verdict check_fn(struct br_cli *c, struct br_buf *detail);

/* ---- the workspace ---- */

static enum verdict check_workspace(struct br_cli *c, struct br_buf *detail)
{
	struct br_err err;
	struct br_txn *t;

	if (!c->dir) {
		br_buf_adds(detail, "none here; 'br init' makes one");
		return WARN;
	}
	if (br_cli_open(c, &err) < 0 || br_txn_read(&t, c->ws->store, &err) < 0) {
		br_buf_adds(detail, err.msg);
		return FAIL;
	}
	br_buf_addf(detail, "%s, generation %llu, %s", c->dir, (unsigned long long)br_txn_generation(t),
	            br_human_bytes(br_store_bytes(c->ws->store)).s);
	br_txn_end(t);
	return OK;
}

static enum verdict check_config(struct br_cli *c, struct br_buf *detail)
{
	struct br_config *config;
	enum verdict v = OK;
	struct br_err err;

	if (br_config_load(&config, c->dir, &err) < 0) {
		br_buf_adds(detail, err.msg);
		return FAIL;
	}
	if (br_config_ignored(config)[0]) {
		br_buf_addf(detail, "not honoured before 'br config trust': %s", br_config_ignored(config));
		v = WARN;
	} else {
		br_buf_adds(detail, "settings are well formed");
	}
	br_config_free(config);
	return v;
}

static enum verdict check_lock(struct br_cli *c, struct br_buf *detail)
{
	struct br_lock lock;
	struct br_err err;
	char *path;
	int rc;

	if (!c->dir) {
		br_buf_adds(detail, "no workspace");
		return OK;
	}
	path = br_path_join(c->dir, "lock");
	rc = br_is_file(path) ? br_lock_take(&lock, path, 0, &err) : 1;
	free(path);
	if (rc == 0)
		br_lock_drop(&lock);
	br_buf_adds(detail, rc < 0 ? err.msg : "nobody is writing");
	return rc < 0 ? WARN : OK;
}

/* ---- the file system ---- */

static const struct { unsigned long magic; const char *name; enum verdict v; } file_systems[] = {
	{ NFS_SUPER_MAGIC, "NFS", FAIL }, { SMB_SUPER_MAGIC, "SMB", FAIL }, { 0xff534d42ul, "CIFS", FAIL },
	{ 0xfe534d42ul, "SMB2", FAIL },   { AFS_SUPER_MAGIC, "AFS", FAIL }, { 0x00c36400ul, "Ceph", FAIL },
	{ V9FS_MAGIC, "9p", WARN },       { 0x65735546ul, "FUSE", WARN },
};

static enum verdict check_file_system(struct br_cli *c, struct br_buf *detail)
{
	const char *at = c->dir ? c->dir : ".";
	struct statfs fs;
	size_t i;

	if (statfs(at, &fs) < 0) {
		br_buf_addf(detail, "cannot look at '%s'", at);
		return FAIL;
	}
	for (i = 0; i < BR_COUNT(file_systems); i++) {
		if ((unsigned long)fs.f_type != file_systems[i].magic)
			continue;
		br_buf_addf(detail, "%s: memory mapping and locks are not dependable there; use a local disk", file_systems[i].name);
		return file_systems[i].v;
	}
	br_buf_adds(detail, "local");
	return OK;
}

static enum verdict check_space(struct br_cli *c, struct br_buf *detail)
{
	struct statvfs fs;
	uint64_t room;

	if (statvfs(c->dir ? c->dir : ".", &fs) < 0) {
		br_buf_adds(detail, "unknown");
		return WARN;
	}
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	br_buf_addf(detail, "%s free", br_human_bytes(room).s);
	return room < LOW_SPACE ? WARN : OK;
}

/* ---- the program ---- */

static enum verdict check_model(struct br_cli *c, struct br_buf *detail)
{
	const struct br_model *m = c->ws ? c->ws->model : br_model_builtin();
	struct br_err err;

	if (br_model_verify(m, &err) < 0) {
		br_buf_adds(detail, err.msg);
		return FAIL;
	}
	br_buf_addf(detail, "%s, %u dimensions, contents as signed", br_model_info(m)->id, br_model_info(m)->dim);
	return OK;
}

static enum verdict check_simd(struct br_cli *c, struct br_buf *detail)
{
	(void)c;
	br_buf_adds(detail, br_simd_name(br_simd_level()));
	if (br_simd_level() != BR_SIMD_SCALAR)
		return OK;
	br_buf_adds(detail, ": vectors are compared without SIMD, several times slower");
	return WARN;
}

static enum verdict check_threads(struct br_cli *c, struct br_buf *detail)
{
	(void)c;
	br_buf_addf(detail, "%u", br_cores());
	return OK;
}

/* As the library looks for it: the setting, beside the running binary, then in the library folder. */
static char *find_helper(const struct br_cli *c)
{
	const char *set = c->config ? br_config_get(c->config, "extract.helper", NULL) : NULL;
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash, *path;

	if (set && set[0])
		return br_strdup(set);
	if (n > 0) {
		self[n] = '\0';
		if ((slash = strrchr(self, '/')))
			*slash = '\0';
		path = br_path_join(self, "br-extract");
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return access(BR_LIBDIR "/br-extract", X_OK) == 0 ? br_strdup(BR_LIBDIR "/br-extract") : NULL;
}

/* "a\nb\n" as "a, b" */
static void add_lines(struct br_buf *out, const char *lines)
{
	size_t n;

	for (; (n = strcspn(lines, "\n")); lines += n + (lines[n] == '\n')) {
		br_buf_adds(out, ", ");
		br_buf_add(out, lines, n);
	}
}

static enum verdict check_extractor(struct br_cli *c, struct br_buf *detail)
{
	char *path = find_helper(c);
	const char *argv[] = { path, "--probe", NULL };
	struct br_buf said = BR_BUF_INIT(64u << 10);
	struct br_child child;
	struct br_err err;
	int st = -1;

	if (!path) {
		br_buf_adds(detail, "br-extract is not installed: HTML cannot be read");
		return FAIL;
	}
	if (br_child_start(&child, argv, NULL, false, &err) == 0) {
		if (br_fd_read(&said, child.out, said.max, "br-extract", &err) < 0)
			br_buf_reset(&said);
		st = br_child_end(&child, false);
	}
	br_buf_adds(detail, path);
	add_lines(detail, said.len || !st ? said.ptr : "does not run");
	br_buf_release(&said);
	free(path);
	return WIFEXITED(st) && WEXITSTATUS(st) == 0 ? OK : WIFEXITED(st) && WEXITSTATUS(st) == 3 ? WARN : FAIL;
}

static enum verdict check_vectors(struct br_cli *c, struct br_buf *detail)
{
	const char *version;
	struct br_err err;

	(void)c;
	if ((version = br_ann_faiss(&err))) {
		br_buf_addf(detail, "FAISS %s", version);
		return OK;
	}
	br_buf_addf(detail, "%s: large notebooks are searched one vector at a time", err.msg);
	return WARN;
}

static enum verdict check_network(struct br_cli *c, struct br_buf *detail)
{
	struct br_err err;
	const char *lib = br_net_library(&err);

	(void)c;
	br_buf_adds(detail, lib ? lib : err.msg);
	return lib ? OK : WARN;
}

/* Programs that read what br itself cannot; each is missed only by those who have such files. */
static enum verdict check_tools(struct br_cli *c, struct br_buf *detail)
{
	static const struct { const char *program, *package, *reads; } tools[] = {
		{ "pdftotext", "poppler-utils", "PDF" }, { "catdoc", "catdoc", "doc" }, { "xls2csv", "catdoc", "xls" },
		{ "catppt", "catdoc", "ppt" }, { "pdftoppm", "poppler-utils", "scans (--ocr)" }, { "tesseract", "tesseract-ocr", "pictures (--ocr)" },
	};
	size_t missing = 0;

	(void)c;
	for (size_t i = 0; i < BR_COUNT(tools); i++) {
		char *path = br_tool_find(tools[i].program);
		if (!path)
			br_buf_addf(detail, "%sno %s for %s: apt install %s", missing++ ? "; " : "", tools[i].program, tools[i].reads, tools[i].package);
		free(path);
	}
	if (!missing)
		br_buf_adds(detail, "PDF, doc, xls, ppt, and pictures with --ocr");
	return missing ? WARN : OK;
}

static enum verdict check_locale(struct br_cli *c, struct br_buf *detail)
{
	const char *set;

	(void)c;
	setlocale(LC_CTYPE, "");
	set = nl_langinfo(CODESET);
	br_buf_adds(detail, set);
	if (!strcmp(set, "UTF-8"))
		return OK;
	br_buf_adds(detail, ": output is UTF-8 all the same; set LC_ALL=C.UTF-8");
	return WARN;
}

static const struct { const char *name; check_fn *fn; } checks[] = {
	{ "workspace", check_workspace },     { "settings", check_config },   { "lock", check_lock },
	{ "file system", check_file_system }, { "disk", check_space },        { "model", check_model },
	{ "processor", check_simd },          { "threads", check_threads },   { "extractor", check_extractor },
	{ "vectors", check_vectors },         { "network", check_network },   { "tools", check_tools },
	{ "locale", check_locale },
};

/* ---- the report ---- */

static const struct { const char *word; enum br_style style; } verdicts[] = {
	[OK] = { "ok", BR_GOOD }, [WARN] = { "warn", BR_WARN }, [FAIL] = { "fail", BR_BAD },
};

static void tell(struct br_cli *c, struct br_json *j, const char *name, enum verdict v, const char *detail)
{
	if (!c->opt.json) {
		br_out_f(&c->out, "%s%-4s%s  %-11s  ", br_out_style(&c->out, verdicts[v].style), verdicts[v].word,
		         br_out_style(&c->out, BR_PLAIN), name);
		br_out_text(&c->out, detail, strlen(detail));
		br_out_s(&c->out, "\n");
		return;
	}
	br_json_obj(j);
	br_json_kstr(j, "name", name);
	br_json_kstr(j, "state", verdicts[v].word);
	br_json_kstr(j, "detail", detail);
	br_json_end(j);
}

static enum verdict run_all(struct br_cli *c, struct br_json *j)
{
	struct br_buf detail = BR_BUF_INIT(64u << 10);
	enum verdict worst = OK, v;
	size_t i;

	for (i = 0; i < BR_COUNT(checks); i++) {
		br_buf_reset(&detail);
		v = checks[i].fn(c, &detail);
		worst = BR_MAX(worst, v);
		if (!c->opt.quiet || v == FAIL || c->opt.json)
			tell(c, j, checks[i].name, v, detail.ptr);
	}
	br_buf_release(&detail);
	return worst;
}

static int doctor_run(struct br_cli *c, struct br_err *err)
{
	struct br_json j;
	enum verdict worst;

	(void)err;
	br_json_init(&j, br_out_json(&c->out), false);
	if (c->opt.json) {
		br_json_obj(&j);
		br_json_kint(&j, "v", 1);
		br_json_key(&j, "checks");
		br_json_arr(&j);
	}
	worst = run_all(c, &j);
	if (c->opt.json) {
		br_json_end(&j);
		br_json_kbool(&j, "ok", worst != FAIL);
		br_json_end(&j);
		br_out_line(&c->out);
	}
	return br_status(worst == FAIL ? BR_ECHECK : BR_OK);
}

static const struct br_example examples[] = {
	{ "br doctor", "a line for each check" },
	{ "br doctor -q", "only what fails" },
	{ NULL },
};
const struct br_cmd br_cmd_doctor = {
	.name = "doctor", .group = "care", .summary = "check the surroundings br runs in",
	.flags = BR_CMD_MAY_WS | BR_CMD_BEAR, .run = doctor_run, .examples = examples,
};
