/*
 * walk - every regular file below a folder, in one fixed order, without what the ignore files exclude.
 * Each folder is opened relative to the one above it and read once; a file costs one fstatat. Two paths grow and shrink with
 * the walk: `path`, to open things with, and `key`, relative to the top of the repository, which the rules are asked about.
 */
#include "br/os.h"

#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct walk {
	const struct br_walk_opts *o;
	br_walk_fn *fn;
	br_walk_bad_fn *bad;
	void *arg;
	struct br_base__ignore rules, exclude;
	struct br_buf path, key;
	size_t rel;               /* where the path relative to the root begins in key */
	char *real_root;
};

struct item {
	size_t name;              /* offset into names */
	unsigned char type;       /* DT_... */
};

struct folder {
	DIR *dir;
	struct br_buf names;
	BR_VEC(struct item) item;
	bool git, gitignore, brignore; /* has an entry of that name */
};

static int walk_folder(struct walk *w, DIR *dir, unsigned depth, struct br_err *err);

static void report(struct walk *w, const struct br_err *why)
{
	if (w->bad)
		w->bad(w->path.ptr, why, w->arg);
}

static void cut(struct br_buf *b, size_t len)
{
	b->len = len;
	if (b->cap)
		b->ptr[len] = '\0';
}

/* ---- rules ---- */

/* An ignore file that is absent, a symlink or not a file counts as empty; one that cannot be read is reported. */
static void load_rules(struct walk *w, int dir, const char *name, bool git)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_IGNORE_FILE);
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct br_err why = { 0 };
	struct stat st;
	int rc = 0;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		rc = br_fd_read(&text, fd, BR_MAX_IGNORE_FILE, name, &why);
	else if (fd < 0 && (errno == EACCES || errno == EIO))
		rc = br_fail_errno(&why, BR_EIO, "cannot open '%s'", name);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		report(w, &why);
	else if (text.len)
		br_base__ignore_push(&w->rules, br_buf_slice(&text), w->key.len, git);
	br_buf_release(&text);
}

/* Rules of the folder whose path is in key. A repository begins afresh: the git rules of an outer one end here. */
static void enter_folder(struct walk *w, int dir, bool git, bool gitignore, bool brignore)
{
	if (w->o->no_ignore)
		return;
	if (git) {
		w->rules.git_from = w->rules.frame.n;
		load_rules(w, dir, ".git/info/exclude", true);
	}
	if (gitignore)
		load_rules(w, dir, ".gitignore", true);
	if (brignore)
		load_rules(w, dir, ".brignore", false);
}

/* Bytes of the folder at or above `real` that holds ".git"; 0 when there is none. */
static size_t repository_top(const char *real)
{
	size_t n = strlen(real);

	while (n) {
		char *git = br_sprintf("%.*s/.git", (int)n, real);
		bool found = access(git, F_OK) == 0;

		free(git);
		if (found)
			return n;
		while (n && real[n - 1] != '/')
			n--;
		n -= n > 0;
	}
	return 0;
}

/* The root lies inside a repository: rules of the folders from its top down to the one above the root count as well. */
static void load_outer_rules(struct walk *w)
{
	const char *real = w->real_root;
	size_t top = repository_top(real), n = top;

	while (top && real[n] == '/') {
		char *folder = br_strndup(real, n);
		int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0) {
			enter_folder(w, fd, n == top, true, true);
			close(fd);
		}
		free(folder);
		n += 1 + strcspn(real + n + 1, "/");
		cut(&w->key, 0);
		br_buf_add(&w->key, real + top + 1, n - top - 1);
		br_buf_addc(&w->key, '/');
	}
	w->rel = w->key.len;
}

static void load_exclude(struct walk *w)
{
	struct br_buf lines = BR_BUF_INIT(SIZE_MAX);

	for (const char *const *p = w->o->exclude; p && *p; p++)
		br_buf_addf(&lines, "%s\n", *p);
	br_base__ignore_push(&w->exclude, br_buf_slice(&lines), w->rel, false);
	br_buf_release(&lines);
}

/* Is what key names excluded? Its last part begins at `name`. */
static bool excluded(const struct walk *w, size_t name, bool is_dir)
{
	int v = br_base__ignore_verdict(&w->exclude, w->key.ptr, name, w->key.len, is_dir);

	return (v ? v : br_base__ignore_verdict(&w->rules, w->key.ptr, name, w->key.len, is_dir)) > 0;
}

/* ---- a selection of paths ---- */

/* First of the selection that is not less than p[0..n), or that begins with it. */
static size_t select_from(const struct walk *w, const char *p, size_t n)
{
	size_t lo = 0, hi = w->o->n_only;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (strncmp(w->o->only[mid], p, n) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool selected(const struct walk *w, const char *p, size_t n)
{
	size_t i = select_from(w, p, n);

	return i < w->o->n_only && !strncmp(w->o->only[i], p, n) && !w->o->only[i][n];
}

/* Is what key names to be looked at: is it selected, below something that is, or a folder on the way to it? */
static bool wanted(struct walk *w, bool is_dir)
{
	const char *rel = w->key.ptr + w->rel;
	size_t n = w->key.len - w->rel, i;
	bool leads;

	if (!w->o->only || selected(w, rel, n))
		return true;
	for (const char *slash = rel; (slash = strchr(slash, '/')); slash++)
		if (selected(w, rel, (size_t)(slash - rel)))
			return true;
	if (!is_dir)
		return false;
	br_buf_addc(&w->key, '/');
	rel = w->key.ptr + w->rel;
	i = select_from(w, rel, n + 1);
	leads = i < w->o->n_only && !strncmp(w->o->only[i], rel, n + 1);
	cut(&w->key, w->key.len - 1);
	return leads;
}

/* ---- files ---- */

static bool is_own_folder(const char *name)
{
	return strcmp(name, ".git") == 0 || strcmp(name, ".br") == 0;
}

/* Does the link at `path` end in a file inside the root, and not in the root's .git or .br? */
static bool link_stays_inside(const struct walk *w)
{
	char *real = realpath(w->path.ptr, NULL);
	size_t n = strcmp(w->real_root, "/") == 0 ? 0 : strlen(w->real_root);
	bool inside = real && strncmp(real, w->real_root, n) == 0 && real[n] == '/';

	for (char *save = NULL, *part = inside ? strtok_r(real + n, "/", &save) : NULL; part; part = strtok_r(NULL, "/", &save))
		inside &= !is_own_folder(part);
	free(real);
	return inside;
}

static int visit(struct walk *w, const struct stat *st)
{
	struct br_walk_entry e = {
		.path = w->path.ptr,
		.rel = w->key.ptr + w->rel,
		.size = (uint64_t)st->st_size,
		.inode = st->st_ino,
		.mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
	};

	return w->fn(&e, w->arg);
}

static int walk_file(struct walk *w, int dir, const char *name, bool is_link)
{
	struct br_err why = { 0 };
	struct stat st;

	if (fstatat(dir, name, &st, is_link ? 0 : AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT || errno == ELOOP)
			return 0; /* gone meanwhile, or a link to nothing */
		br_fail_errno(&why, BR_EIO, "cannot look at '%s'", w->path.ptr);
		report(w, &why);
		return 0;
	}
	if (!S_ISREG(st.st_mode) || (is_link && !link_stays_inside(w)))
		return 0;
	return visit(w, &st);
}

/* ---- folders ---- */

static int walk_subfolder(struct walk *w, int parent, const char *name, unsigned depth, struct br_err *err)
{
	struct br_err why = { 0 };
	DIR *dir;
	int fd;

	if (depth > BR_MAX_WALK_DEPTH) {
		br_fail(&why, BR_ETOOBIG, "'%s' is more than %d folders deep", w->path.ptr, BR_MAX_WALK_DEPTH);
		report(w, &why);
		return 0;
	}
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir)
		return walk_folder(w, dir, depth, err);
	br_fail_errno(&why, BR_EIO, "cannot open folder '%s'", w->path.ptr);
	if (fd >= 0)
		close(fd);
	report(w, &why);
	return 0;
}

static int walk_item(struct walk *w, struct folder *f, const struct item *it, unsigned depth, struct br_err *err)
{
	const char *name = f->names.ptr + it->name;
	size_t path_len = w->path.len, key_len = w->key.len;
	struct br_err why = { 0 };
	unsigned char type = it->type;
	struct stat st;
	int rc = 0;

	br_buf_adds(&w->path, name);
	br_buf_adds(&w->key, name);
	if (type == DT_UNKNOWN && fstatat(dirfd(f->dir), name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		type = IFTODT(st.st_mode);
	if ((type != DT_DIR && type != DT_REG && type != DT_LNK) || !wanted(w, type == DT_DIR) || excluded(w, key_len, type == DT_DIR)) {
		; /* nothing to see */
	} else if (w->key.len - w->rel > BR_MAX_PATH) {
		br_fail(&why, BR_ETOOBIG, "path is longer than %d bytes", BR_MAX_PATH);
		report(w, &why);
	} else if (type == DT_DIR) {
		rc = walk_subfolder(w, dirfd(f->dir), name, depth + 1, err);
	} else {
		rc = walk_file(w, dirfd(f->dir), name, type == DT_LNK);
	}
	cut(&w->path, path_len);
	cut(&w->key, key_len);
	return rc;
}

static void note_name(const struct walk *w, struct folder *f, const struct dirent *d)
{
	const char *name = d->d_name;

	if (*name == '.') {
		f->git |= strcmp(name, ".git") == 0;
		f->gitignore |= strcmp(name, ".gitignore") == 0;
		f->brignore |= strcmp(name, ".brignore") == 0;
		if (!w->o->hidden || is_own_folder(name) || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			return;
	}
	*br_vec_push(&f->item) = (struct item){ f->names.len, d->d_type };
	br_buf_add(&f->names, name, strlen(name) + 1);
}

static int by_name(const void *a, const void *b, void *names)
{
	const struct item *x = a, *y = b;

	return strcmp((const char *)names + x->name, (const char *)names + y->name);
}

/* What the folder holds, sorted. What was read before an error still counts. */
static void read_folder(struct walk *w, struct folder *f)
{
	struct br_err why = { 0 };
	struct dirent *d;

	while (errno = 0, (d = readdir(f->dir)))
		note_name(w, f, d);
	if (errno) {
		br_fail_errno(&why, BR_EIO, "cannot read folder '%s'", w->path.len ? w->path.ptr : ".");
		report(w, &why);
	}
	if (f->item.n)
		qsort_r(f->item.v, f->item.n, sizeof *f->item.v, by_name, f->names.ptr);
}

static void end_with_slash(struct br_buf *b)
{
	if (b->len && b->ptr[b->len - 1] != '/')
		br_buf_addc(b, '/');
}

/* Takes dir. path and key name the folder. */
static int walk_folder(struct walk *w, DIR *dir, unsigned depth, struct br_err *err)
{
	struct folder f = { .dir = dir, .names = BR_BUF_INIT(SIZE_MAX) };
	size_t frames = w->rules.frame.n, git_from = w->rules.git_from;
	int rc;

	if (w->o->folder)
		w->o->folder(w->path.len ? w->path.ptr : ".", w->arg);
	read_folder(w, &f);
	end_with_slash(&w->path);
	end_with_slash(&w->key);
	enter_folder(w, dirfd(dir), f.git, f.gitignore, f.brignore);
	rc = br_check_stop(err);
	for (size_t i = 0; rc == 0 && i < f.item.n; i++)
		rc = walk_item(w, &f, &f.item.v[i], depth, err);
	br_base__ignore_pop(&w->rules, frames);
	w->rules.git_from = git_from;
	br_vec_release(&f.item);
	br_buf_release(&f.names);
	closedir(dir);
	return rc;
}

static int walk_root(struct walk *w, const char *root, struct br_err *err)
{
	DIR *dir = opendir(root);

	w->real_root = dir ? realpath(root, NULL) : NULL;
	if (!w->real_root) {
		int rc = br_fail_errno(err, BR_EIO, "cannot open folder '%s'", root);

		if (dir)
			closedir(dir);
		return rc;
	}
	if (strcmp(root, ".") != 0)
		br_buf_adds(&w->path, root);
	if (!w->o->no_ignore)
		load_outer_rules(w);
	load_exclude(w);
	return walk_folder(w, dir, 0, err);
}

int br_walk(const char *root, const struct br_walk_opts *opts, br_walk_fn *fn, br_walk_bad_fn *bad, void *arg, struct br_err *err)
{
	static const struct br_walk_opts none;
	struct walk w = {
		.o = opts ? opts : &none, .fn = fn, .bad = bad, .arg = arg,
		.path = BR_BUF_INIT(SIZE_MAX), .key = BR_BUF_INIT(SIZE_MAX),
	};
	char *clean = br_path_join(root, "");
	struct stat st;
	int rc;

	if (stat(clean, &st) < 0) {
		rc = br_fail_errno(err, errno == ENOENT || errno == ENOTDIR ? BR_ENOTFOUND : BR_EIO, "cannot open '%s'", clean);
	} else if (S_ISDIR(st.st_mode)) {
		rc = walk_root(&w, clean, err);
	} else if (S_ISREG(st.st_mode)) {
		br_buf_adds(&w.path, clean);
		rc = visit(&w, &st);
	} else {
		rc = br_fail(err, BR_EINPUT, "'%s' is neither a file nor a folder", clean);
	}
	br_base__ignore_release(&w.rules);
	br_base__ignore_release(&w.exclude);
	br_buf_release(&w.path);
	br_buf_release(&w.key);
	free(w.real_root);
	free(clean);
	return rc;
}
