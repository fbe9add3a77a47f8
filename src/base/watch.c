/*
 * watch - inotify on every folder that a walk enters. A watch belongs to a folder, not to its path: what is renamed away is
 * dropped, what comes in is walked and watched anew, each folder before its entries are read, so that nothing slips between.
 * Whoever reads a batch looks at the files themselves; a path too many in it costs a look, and when the kernel's queue
 * overflows, or an ignore file changes what is to be watched, everything below is looked at.
 */
#include "br/os.h"

#include "internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#define MASK (IN_CREATE | IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | \
              IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)
enum { PATHS_MOST = 20000 };      /* more changed paths than that: a look at everything is as cheap */

struct watched { int wd; char *path; };
struct br_watch {
	struct br_watch_opts o;
	const char **root;
	size_t n_root;
	int fd;
	BR_VEC(struct watched) folder;  /* by wd */
	struct br_arena arena;          /* of the batch */
	BR_VEC(const char *) path;
	uint64_t events;                /* that told of a change */
	bool open;                      /* it is set up: a folder that is not there was there */
	bool all, lost;                 /* lost: the watches have to be made anew */
	struct br_err bad;              /* the first watch that could not be made, but for passing reasons */
};

/* ---- the table of watches ---- */

static size_t place_of(const struct br_watch *w, int wd)
{
	size_t lo = 0, hi = w->folder.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (w->folder.v[mid].wd < wd)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct watched *find(struct br_watch *w, int wd)
{
	size_t i = place_of(w, wd);

	return i < w->folder.n && w->folder.v[i].wd == wd ? &w->folder.v[i] : NULL;
}

static void remember(struct br_watch *w, int wd, const char *path)
{
	struct watched *f = find(w, wd);
	size_t i = place_of(w, wd);

	if (f) {
		free(f->path);
		f->path = br_strdup(path);
		return;
	}
	br_vec_push(&w->folder);
	memmove(w->folder.v + i + 1, w->folder.v + i, (w->folder.n - 1 - i) * sizeof *w->folder.v);
	w->folder.v[i] = (struct watched){ wd, br_strdup(path) };
}

static void forget(struct br_watch *w, size_t i)
{
	free(w->folder.v[i].path);
	w->folder.n--;
	memmove(w->folder.v + i, w->folder.v + i + 1, (w->folder.n - i) * sizeof *w->folder.v);
}

static bool is_below(const char *path, const char *top)
{
	size_t n = strcmp(top, "/") ? strlen(top) : 0;

	return !strncmp(path, top, n) && (!path[n] || path[n] == '/');
}

/* The folder went, with all below it; where it went its watches would tell wrong paths. */
static void forget_below(struct br_watch *w, const char *top)
{
	for (size_t i = w->folder.n; i-- > 0;)
		if (is_below(w->folder.v[i].path, top)) {
			inotify_rm_watch(w->fd, w->folder.v[i].wd);
			forget(w, i);
		}
}

static void forget_all(struct br_watch *w)
{
	while (w->folder.n)
		forget(w, w->folder.n - 1);
}

/* ---- making watches ---- */

static void no_watch(struct br_watch *w, const char *path)
{
	if (errno == ENOSPC)
		br_fail(&w->bad, BR_ETOOBIG, "cannot watch '%s': more folders than fs.inotify.max_user_watches allows", path);
	else if (errno == ENOMEM)
		br_fail_errno(&w->bad, BR_ENOMEM, "cannot watch '%s'", path);
	/* else it went meanwhile, or may not be read, which the reader of the batch will tell */
}

static void on_folder(const char *path, void *arg)
{
	struct br_watch *w = arg;
	int wd = inotify_add_watch(w->fd, path, MASK);

	if (wd >= 0)
		remember(w, wd, path);
	else if (!w->bad.code)
		no_watch(w, path);
}

static int on_file(const struct br_walk_entry *e, void *arg)
{
	(void)e, (void)arg;
	return 0;
}

/* Watches of `path` and all below it, in each root that holds it. */
static int watch_below(struct br_watch *w, const char *path, struct br_err *err)
{
	struct br_walk_opts o = w->o.walk;
	struct br_err why;
	int rc = 0;

	o.folder = on_folder;
	for (size_t i = 0; i < w->n_root && rc == 0; i++) {
		const char *root = w->root[i], *rel = path + (strcmp(root, "/") ? strlen(root) : 0);

		if (!is_below(path, root))
			continue;
		o.only = NULL;
		if (*rel) {
			rel++;
			o.only = &rel;
			o.n_only = 1;
		}
		rc = br_walk(root, &o, on_file, NULL, w, &why);
		if (rc == -BR_ECANCELLED)
			return br_check_stop(err);
		rc = 0; /* a root that went is found by its own event */
	}
	if (w->bad.code)
		return br_fail(err, w->bad.code, "%s", w->bad.msg);
	return rc;
}

static int no_inotify(struct br_err *err)
{
	if (errno == EMFILE)
		return br_fail(err, BR_ETOOBIG, "cannot watch: more programs do than fs.inotify.max_user_instances allows");
	return br_fail_errno(err, BR_EIO, "cannot watch");
}

/* All watches anew. */
static int watch_roots(struct br_watch *w, struct br_err *err)
{
	int rc = 0;

	if (w->fd)
		close(w->fd);
	forget_all(w);
	w->lost = false;
	if ((w->fd = br_base__fd_high(inotify_init1(IN_CLOEXEC | IN_NONBLOCK))) < 0) {
		w->fd = 0;
		return no_inotify(err);
	}
	for (size_t i = 0; i < w->n_root && rc == 0; i++)
		rc = watch_below(w, w->root[i], err);
	return rc;
}

/* ---- events ---- */

static void changed(struct br_watch *w, const char *path)
{
	w->events++;
	if (w->all || (w->path.n && !strcmp(w->path.v[w->path.n - 1], path)))
		return;
	if (w->path.n >= PATHS_MOST)
		w->all = true;
	else
		*br_vec_push(&w->path) = br_arena_strdup(&w->arena, path);
}

static bool is_root(const struct br_watch *w, const char *path)
{
	for (size_t i = 0; i < w->n_root; i++)
		if (!strcmp(w->root[i], path))
			return true;
	return false;
}

static int on_subfolder(struct br_watch *w, const char *path, uint32_t mask, struct br_err *err)
{
	if (mask & (IN_MOVED_FROM | IN_DELETE))
		forget_below(w, path);
	changed(w, path);
	return mask & (IN_CREATE | IN_MOVED_TO | IN_ATTRIB) ? watch_below(w, path, err) : 0;
}

/* An entry of a watched folder. */
static int on_entry(struct br_watch *w, const char *folder, const char *name, uint32_t mask, struct br_err *err)
{
	bool rules = !w->o.walk.no_ignore && (!strcmp(name, ".gitignore") || !strcmp(name, ".brignore"));
	char *path;
	int rc = 0;

	if (!strcmp(name, ".br") || !strcmp(name, ".git"))
		return 0;
	if (rules) { /* folders may have come in or gone out of view */
		changed(w, folder);
		if ((rc = watch_below(w, folder, err)) < 0)
			return rc;
	}
	if (*name == '.' && !w->o.walk.hidden)
		return 0;
	path = br_sprintf("%s/%s", strcmp(folder, "/") ? folder : "", name);
	if (mask & IN_ISDIR)
		rc = on_subfolder(w, path, mask, err);
	else
		changed(w, path);
	free(path);
	return rc;
}

static void lose(struct br_watch *w)
{
	w->all = w->lost = true;
	w->events++;
}

static int on_event(struct br_watch *w, const struct inotify_event *e, struct br_err *err)
{
	struct watched *f;
	char *folder;
	int rc;

	if (e->mask & IN_Q_OVERFLOW)
		lose(w);
	if (!(f = find(w, e->wd)))
		return 0;
	if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) {
		if (is_root(w, f->path))
			lose(w);
		if (e->mask & IN_IGNORED)
			forget(w, (size_t)(f - w->folder.v));
		return 0;
	}
	if (!e->len)
		return 0;
	folder = br_strdup(f->path); /* the table moves when watches are added */
	rc = on_entry(w, folder, e->name, e->mask, err);
	free(folder);
	return rc;
}

static int read_events(struct br_watch *w, struct br_err *err)
{
	_Alignas(struct inotify_event) char buf[65536];
	ssize_t n;
	int rc = 0;

	while (!w->lost && (n = read(w->fd, buf, sizeof buf)) > 0)
		for (const char *p = buf; p < buf + n && rc == 0 && !w->lost;) {
			const struct inotify_event *e = (const void *)p;

			rc = on_event(w, e, err);
			p += sizeof *e + e->len;
		}
	if (rc == 0 && w->lost)
		rc = watch_roots(w, err);
	return rc;
}

/* ---- waiting ---- */

/* A signal that comes between the look at the flag and the wait must end the wait, too. */
static int sleep_ms(struct br_watch *w, int64_t ms, struct br_err *err)
{
	struct pollfd p = { w->fd ? w->fd : -1, POLLIN, 0 };
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	sigset_t stop, old;
	int rc, n = 0;

	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stop, &old);
	if ((rc = br_check_stop(err)) == 0 && (n = ppoll(&p, 1, ms < 0 ? NULL : &ts, &old)) < 0 && errno != EINTR)
		rc = br_fail_errno(err, BR_EIO, "cannot wait for changes");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		rc = br_check_stop(err);
	return rc ? rc : n > 0;
}

static int check_roots(const struct br_watch *w, struct br_err *err)
{
	for (size_t i = 0; i < w->n_root; i++)
		if (!br_is_dir(w->root[i]))
			return w->open ? br_fail(err, BR_EINPUT, "folder '%s' is gone", w->root[i])
			               : br_fail(err, BR_EINPUT, "cannot watch '%s': no such folder", w->root[i]);
	return 0;
}

static int by_string(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static void hand_out(struct br_watch *w, struct br_watch_changes *out)
{
	size_t n = 0;

	if (w->path.n)
		qsort(w->path.v, w->path.n, sizeof *w->path.v, by_string);
	for (size_t i = 0; i < w->path.n; i++)
		if (!n || strcmp(w->path.v[n - 1], w->path.v[i]))
			w->path.v[n++] = w->path.v[i];
	*out = (struct br_watch_changes){ w->all, w->path.v, n };
}

static int gather(struct br_watch *w, struct br_err *err)
{
	int64_t first = 0, last = 0, now, left = -1;
	int rc;

	for (;;) {
		uint64_t before = w->events;

		if ((rc = sleep_ms(w, left, err)) < 0 || (rc && (rc = read_events(w, err)) < 0))
			return rc;
		now = br_mono_ns() / 1000000;
		if (w->events != before)
			last = now;
		if (last && !first)
			first = now;
		if (!first)
			continue;
		left = BR_MIN(last + w->o.quiet_ms, first + w->o.most_ms) - now;
		if (left <= 0)
			return 0;
	}
}

int br_watch_wait(struct br_watch *w, struct br_watch_changes *out, struct br_err *err)
{
	int rc;

	br_arena_reset(&w->arena);
	w->path.n = 0;
	w->all = w->o.poll_ms > 0;
	rc = w->o.poll_ms > 0 ? sleep_ms(w, w->o.poll_ms, err) : gather(w, err);
	if (rc >= 0 && w->all)
		rc = check_roots(w, err);
	hand_out(w, out);
	return rc < 0 ? rc : 0;
}

int br_watch_open(struct br_watch **out, const char *const *root, size_t n, const struct br_watch_opts *opts, struct br_err *err)
{
	struct br_watch *w = br_alloc(sizeof *w);
	int rc;

	w->o = *opts;
	w->root = br_allocn(n + 1, sizeof *w->root);
	for (size_t i = 0; i < n; i++)
		w->root[w->n_root++] = br_strdup(root[i]);
	rc = check_roots(w, err);
	if (rc == 0 && !opts->poll_ms)
		rc = watch_roots(w, err);
	if (rc < 0) {
		br_watch_close(w);
		w = NULL;
	} else
		w->open = true;
	*out = w;
	return rc;
}

size_t br_watch_folders(const struct br_watch *w) { return w->folder.n; }

void br_watch_close(struct br_watch *w)
{
	if (!w)
		return;
	if (w->fd)
		close(w->fd);
	forget_all(w);
	for (size_t i = 0; i < w->n_root; i++)
		free((void *)(uintptr_t)w->root[i]);
	free(w->root);
	br_vec_release(&w->folder);
	br_vec_release(&w->path);
	br_arena_release(&w->arena);
	free(w);
}
