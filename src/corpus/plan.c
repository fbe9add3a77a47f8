/*
 * The plan: what a sync or ingest would do, told exactly and without touching anything. The run carries out this very plan.
 *
 * A file is unchanged when size, mtime and inode are what the record says, and it was not written in the same tick in
 * which it was read. Otherwise its SHA-256 decides. A file that appeared with the content of one that went is a move.
 */
#include "internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { TICK_NS = 20 * 1000 * 1000 }; /* the kernel's file time may lag behind the clock by this much */

struct known {                          /* a FILE document of the notebook */
	struct br_doc d;
	bool seen, below;               /* met on the walk; below one of the roots */
	struct known *next;             /* same bucket */
};
struct kept_member {                    /* a MEMBER document */
	const char *path;
	uint32_t doc;
	uint64_t size;
	bool retry;
};
struct planner {
	struct plan *out;
	struct br_ws *ws;
	const struct br_ingest_opts *opts;
	bool sync;
	struct known **bucket;
	size_t mask;
	BR_VEC(struct known *) all;
	BR_VEC(struct kept_member) member; /* by path */
	BR_VEC(struct br_slice) roots;  /* document paths of the folders, without a final '/'; "" is the whole root */
	BR_VEC(const char *) blind;     /* document paths that could not be looked at: nothing below is deleted */
};

void plan_release(struct plan *p)
{
	br_arena_release(&p->arena);
	br_vec_release(&p->in);
	br_vec_release(&p->gone);
	br_vec_release(&p->events);
}

static void event(struct planner *p, enum br_action action, const char *path, const char *from, const char *reason, uint64_t size)
{
	*br_vec_push(&p->out->events) = (struct br_event){ action, path, from, reason, size };
}

/* ---- what the notebook has ---- */

static int gather(const struct br_doc *d, void *arg)
{
	struct planner *p = arg;
	struct known *k;

	if (d->origin == BR_FROM_MEMBER)
		*br_vec_push(&p->member) = (struct kept_member){ br_arena_strdup(&p->out->arena, d->path), d->doc, d->size, worth_retry(d, p->opts) };
	if (d->origin != BR_FROM_FILE)
		return 0;
	k = br_arena_zalloc(&p->out->arena, sizeof *k);
	k->d = *d;
	k->d.path = br_arena_strdup(&p->out->arena, d->path);
	k->d.title = k->d.meta = NULL;
	k->d.error = d->error[0] ? br_arena_strdup(&p->out->arena, d->error) : NULL;
	*br_vec_push(&p->all) = k;
	return 0;
}

static struct known **bucket_of(struct planner *p, const char *path)
{
	return &p->bucket[br_hash64(path, strlen(path)) & p->mask];
}

static int by_member(const void *a, const void *b)
{
	return strcmp(((const struct kept_member *)a)->path, ((const struct kept_member *)b)->path);
}

/* Members of the file: *n of them. */
static const struct kept_member *members_of(const struct planner *p, const char *path, size_t *n)
{
	size_t lo = 0, hi = p->member.n, len = strlen(path);
	char *prefix;

	*n = 0;
	if (!hi)
		return NULL;
	prefix = br_sprintf("%s!/", path);
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (strcmp(p->member.v[mid].path, prefix) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo + *n < p->member.n && !strncmp(p->member.v[lo + *n].path, prefix, len + 2))
		++*n;
	free(prefix);
	return p->member.v + lo;
}

static int load_known(struct planner *p, uint32_t nb, struct br_err *err)
{
	struct br_txn *t;
	size_t n = 64;
	int rc = br_txn_read(&t, p->ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_doc_each(t, nb, gather, p, err);
	br_txn_end(t);
	if (p->member.n)
		qsort(p->member.v, p->member.n, sizeof *p->member.v, by_member);
	while (n < p->all.n * 2)
		n *= 2;
	p->mask = n - 1;
	p->bucket = br_allocn(n, sizeof *p->bucket);
	for (size_t i = 0; i < p->all.n; i++) {
		struct known **b = bucket_of(p, p->all.v[i]->d.path);
		p->all.v[i]->next = *b;
		*b = p->all.v[i];
	}
	return rc;
}

static struct known *find_known(struct planner *p, const char *path)
{
	struct known *k = p->bucket[br_hash64(path, strlen(path)) & p->mask];

	while (k && strcmp(k->d.path, path))
		k = k->next;
	return k;
}

/* ---- comparing ---- */

/* Written so close to when we read it that a later write may have left the same file time. */
static bool racy(const struct br_doc *d)
{
	int64_t grain = d->mtime_ns % 1000000000 == 0 ? 2000000000 : TICK_NS; /* some file systems count in seconds */

	return d->mtime_ns + grain > d->seen_ns;
}

static bool same_stat(const struct br_doc *d, const struct br_walk_entry *e)
{
	return d->size == e->size && d->mtime_ns == e->mtime_ns && d->inode == e->inode;
}

/* 1 the file holds exactly what was indexed, 0 not, negative when it cannot be read. */
static int same_content(const struct br_doc *d, const char *file, uint64_t size, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_FILE);
	uint8_t sha[32];
	int rc;

	if (size != d->size)
		return 0;
	if ((rc = br_file_read(&b, file, BR_MAX_FILE, err)) == 0) {
		br_sha256(sha, b.ptr, b.len);
		rc = memcmp(sha, d->sha, sizeof sha) == 0;
	}
	br_buf_release(&b);
	return rc;
}

static void want(struct planner *p, const struct br_walk_entry *e, const char *path, enum br_action action, bool touch)
{
	struct input *in = br_vec_push(&p->out->in);
	size_t members;

	members_of(p, path, &members);
	*in = (struct input){ .origin = BR_FROM_FILE, .path = path, .file = br_arena_strdup(&p->out->arena, e->path),
		.size = e->size, .inode = e->inode, .mtime_ns = e->mtime_ns, .action = action, .touch_only = touch, .members = members > 0 };
	if (!touch)
		p->out->bytes += e->size;
}

static void keep(struct planner *p, const struct known *k)
{
	if (k->d.state == BR_DOC_SKIPPED)
		event(p, BR_ACT_SKIP, k->d.path, NULL, k->d.error, k->d.size);
	else {
		event(p, BR_ACT_KEEP, k->d.path, NULL, NULL, k->d.size);
		p->out->keep++;
	}
}

/* The file is as it was: if some of its members are worth another try, they get it; those of what is no container are leftovers. */
static void keep_container(struct planner *p, const struct br_walk_entry *e, const struct known *k)
{
	size_t n;
	const struct kept_member *m = members_of(p, k->d.path, &n);
	bool retry = n && k->d.state != BR_DOC_CONTAINER && k->d.format != BR_FMT_MAIL;

	for (size_t i = 0; i < n; i++)
		retry |= m[i].retry;
	if (!retry || p->opts->plan)
		return;
	want(p, e, k->d.path, BR_ACT_CHANGE, false);
	p->out->in.v[p->out->in.n - 1].again = true;
}

/* Only its time changed: that of its members is the same. */
static void touch(struct planner *p, const struct br_walk_entry *e, const struct known *k)
{
	size_t n;
	const struct kept_member *m = members_of(p, k->d.path, &n);
	struct br_walk_entry as = *e;

	want(p, e, k->d.path, BR_ACT_KEEP, true);
	for (size_t i = 0; i < n; i++) {
		as.size = m[i].size;
		want(p, &as, m[i].path, BR_ACT_KEEP, true);
	}
}

static void compare(struct planner *p, const struct br_walk_entry *e, struct known *k)
{
	int same;

	if (worth_retry(&k->d, p->opts) && (same_stat(&k->d, e) || same_content(&k->d, e->path, e->size, NULL) > 0)) {
		/* rights may have changed, or it was not the file that was at fault */
		want(p, e, k->d.path, BR_ACT_CHANGE, false);
		if (p->opts->plan)
			event(p, k->d.state == BR_DOC_FAILED ? BR_ACT_FAIL : BR_ACT_SKIP, k->d.path, NULL, k->d.error, e->size);
		return;
	}
	if (p->opts->force) {
		want(p, e, k->d.path, BR_ACT_CHANGE, false);
		event(p, BR_ACT_CHANGE, k->d.path, NULL, NULL, e->size);
		return;
	}
	if (same_stat(&k->d, e) && !racy(&k->d)) {
		keep(p, k);
		keep_container(p, e, k);
		return;
	}
	same = same_content(&k->d, e->path, e->size, NULL);
	if (same > 0) {
		keep(p, k);
		touch(p, e, k);
		keep_container(p, e, k);
		return;
	}
	want(p, e, k->d.path, BR_ACT_CHANGE, false);
	event(p, BR_ACT_CHANGE, k->d.path, NULL, NULL, e->size);
}

/* Why a new file will not be indexed, as far as its beginning tells; NULL: it will be tried. */
static const char *hopeless(const struct br_walk_entry *e)
{
	char head[65536];
	const char *why = NULL;
	int fd;
	ssize_t n;

	if (!e->size)
		return "no text";
	if ((fd = open(e->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		return NULL;
	n = read(fd, head, sizeof head);
	close(fd);
	if (n <= 0 || br_sniff(br_path_base(e->path), br_slice(head, (size_t)n), &why) != BR_FMT_UNKNOWN)
		return NULL;
	return why;
}

static void add_new(struct planner *p, const struct br_walk_entry *e, const char *path)
{
	const char *why = p->opts->plan ? hopeless(e) : NULL;

	if (why)
		event(p, BR_ACT_SKIP, path, NULL, why, e->size);
	else
		want(p, e, path, BR_ACT_ADD, false);
}

/* ---- a selection of paths ---- */

static int by_string(const void *key, const void *row) { return strcmp(key, *(const char *const *)row); }

/* One of the paths that are looked at, or below one. */
static bool is_selected(const struct br_ingest_opts *o, const char *file)
{
	char *path, *slash;
	bool yes = !o->only;

	for (path = yes ? NULL : br_strdup(file); path && !yes; ) {
		yes = bsearch(path, o->only, o->n_only, sizeof *o->only, by_string);
		if (!(slash = strrchr(path, '/')) || slash == path)
			break;
		*slash = 0;
	}
	free(path);
	return yes;
}

static bool was_looked_at(const struct planner *p, const struct known *k)
{
	char *file = p->opts->only ? doc_file_of(p->ws, k->d.path) : NULL;
	bool yes = !file || is_selected(p->opts, file);

	free(file);
	return yes;
}

/* ---- walking ---- */

static const char *own_path(struct planner *p, const char *file)
{
	char *path = doc_path_of(p->ws, file);
	const char *mine = br_arena_strdup(&p->out->arena, path);

	free(path);
	return mine;
}

static int on_file(const struct br_walk_entry *e, void *arg)
{
	struct planner *p = arg;
	const char *path = own_path(p, e->path);
	struct known *k = find_known(p, path);

	if (strlen(path) > BR_MAX_PATH) {
		event(p, BR_ACT_FAIL, path, NULL, "path too long", e->size);
		p->out->failed++;
	} else if (k) {
		if (!k->seen)
			compare(p, e, k);
		k->seen = true;
	} else {
		k = br_arena_zalloc(&p->out->arena, sizeof *k); /* new; remembered, for it may be met again below another root */
		k->d.path = (char *)path;
		k->seen = true;
		k->next = *bucket_of(p, path);
		*bucket_of(p, path) = k;
		add_new(p, e, path);
	}
	return br_stop_signal();
}

static void on_bad(const char *file, const struct br_err *why, void *arg)
{
	struct planner *p = arg;
	const char *path = own_path(p, file);

	event(p, BR_ACT_FAIL, path, NULL, br_arena_strdup(&p->out->arena, why->msg), 0);
	*br_vec_push(&p->blind) = path;
	p->out->failed++;
}

/* The part of the selection that lies below the folder, into w, relative to it. Caller frees; NULL: all of the folder. */
static const char **select_below(struct planner *p, const char *abs, struct br_walk_opts *w)
{
	const struct br_ingest_opts *o = p->opts;
	size_t n = strcmp(abs, "/") ? strlen(abs) : 0;
	const char **v;

	if (!o->only || is_selected(o, abs))
		return NULL;
	v = br_allocn(o->n_only + 1, sizeof *v);
	for (size_t i = 0; i < o->n_only; i++)
		if (!strncmp(o->only[i], abs, n) && o->only[i][n] == '/')
			v[w->n_only++] = o->only[i] + n + 1;
	w->only = v;
	return v;
}

static int walk_root(struct planner *p, const char *path, struct br_err *err)
{
	struct br_walk_opts w = { p->opts->hidden, p->opts->no_ignore, p->opts->exclude };
	char *abs = br_path_abs(path);
	struct br_err why = { 0 };
	const char **only = select_below(p, abs, &w);
	int rc = 0;

	if (!p->sync && !br_is_dir(abs) && !br_is_file(abs)) { /* one operand that is not there does not stop the others */
		br_fail(&why, BR_EINPUT, access(abs, F_OK) < 0 ? "no such file or folder" : "neither a file nor a folder");
		on_bad(abs, &why, p);
	} else
		rc = br_walk(abs, &w, on_file, on_bad, p, err);
	free(only);
	free(abs);
	return rc > 0 ? br_check_stop(err) : rc;
}

/* ---- what went, and what only moved ---- */

static bool below(const char *path, struct br_slice root)
{
	return root.len == 0 || (!strncmp(path, root.ptr, root.len) && (path[root.len] == '/' || !path[root.len]));
}

static bool is_blind(const struct planner *p, const char *path)
{
	for (size_t i = 0; i < p->blind.n; i++)
		if (below(path, br_slice_str(p->blind.v[i])))
			return true;
	return false;
}

static int by_size(const void *a, const void *b)
{
	const struct known *x = *(struct known *const *)a, *y = *(struct known *const *)b;

	if (x->d.size != y->d.size)
		return x->d.size < y->d.size ? -1 : 1;
	return strcmp(x->d.path, y->d.path);
}

/* The documents whose files went, by size. */
static size_t gone_list(struct planner *p, struct known ***out)
{
	struct known **v = br_allocn(p->all.n + 1, sizeof *v);
	size_t n = 0;

	for (size_t i = 0; i < p->all.n; i++) {
		struct known *k = p->all.v[i];
		for (size_t r = 0; r < p->roots.n && !k->below; r++)
			k->below = below(k->d.path, p->roots.v[r]);
		if (!k->seen && k->below && !is_blind(p, k->d.path) && was_looked_at(p, k))
			v[n++] = k;
	}
	qsort(v, n, sizeof *v, by_size);
	*out = v;
	return n;
}

static struct known *moved_from(struct known **gone, size_t n, const struct input *in)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (gone[mid]->d.size < in->size)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n && gone[lo]->d.size == in->size; lo++)
		if (!gone[lo]->seen && (gone[lo]->d.state == BR_DOC_INDEXED || gone[lo]->d.state == BR_DOC_CONTAINER) && same_content(&gone[lo]->d, in->file, in->size, NULL) > 0)
			return gone[lo];
	return NULL;
}

static int by_path(const void *a, const void *b)
{
	const struct known *x = *(struct known *const *)a, *y = *(struct known *const *)b;

	return strcmp(x->d.path, y->d.path);
}

static void delete_members(struct planner *p, const char *path)
{
	size_t n;
	const struct kept_member *m = members_of(p, path, &n);

	for (size_t i = 0; i < n; i++) {
		*br_vec_push(&p->out->gone) = m[i].doc;
		event(p, BR_ACT_DELETE, m[i].path, NULL, NULL, m[i].size);
	}
}

static void settle(struct planner *p)
{
	struct known **gone = NULL;
	size_t n = p->sync ? gone_list(p, &gone) : 0;

	for (size_t i = 0; i < p->out->in.n; i++) {
		struct input *in = &p->out->in.v[i];
		struct known *k = in->action == BR_ACT_ADD && in->size && n ? moved_from(gone, n, in) : NULL;
		if (k) {
			k->seen = true;
			in->action = BR_ACT_MOVE;
			in->from = k->d.path;
		}
		if (in->action == BR_ACT_ADD || in->action == BR_ACT_MOVE)
			event(p, in->action, in->path, in->from, NULL, in->size);
	}
	if (n)
		qsort(gone, n, sizeof *gone, by_path);
	for (size_t i = 0; i < n; i++) {
		if (gone[i]->seen)
			continue;
		*br_vec_push(&p->out->gone) = gone[i]->d.doc;
		event(p, BR_ACT_DELETE, gone[i]->d.path, NULL, NULL, gone[i]->d.size);
		delete_members(p, gone[i]->d.path);
	}
	free(gone);
}

static int add_roots(struct planner *p, const char *const *path, size_t n, struct br_err *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *root = own_path(p, path[i]);
		if (p->sync && br_is_file(path[i]))
			return br_fail(err, BR_EUSAGE, "'%s' is a file; sync takes folders ('br ingest' takes files)", path[i]);
		if (p->sync && !br_is_dir(path[i])) /* never taken for an empty folder: that would delete everything */
			return br_fail(err, BR_EINPUT, "cannot sync '%s': no such folder", path[i]);
		*br_vec_push(&p->roots) = br_slice_str(strcmp(root, ".") ? root : "");
	}
	return 0;
}

int plan_make(struct plan *out, struct br_ws *ws, const struct br_nb *nb, const char *const *path, size_t n, const struct br_ingest_opts *opts, bool sync, struct br_err *err)
{
	struct planner p = { .out = out, .ws = ws, .opts = opts, .sync = sync };
	int rc;

	if ((rc = add_roots(&p, path, n, err)) == 0)
		rc = load_known(&p, nb->nb, err);
	for (size_t i = 0; i < n && rc >= 0; i++)
		rc = walk_root(&p, path[i], err);
	if (rc >= 0)
		settle(&p);
	free(p.bucket);
	br_vec_release(&p.all);
	br_vec_release(&p.member);
	br_vec_release(&p.roots);
	br_vec_release(&p.blind);
	return rc;
}
