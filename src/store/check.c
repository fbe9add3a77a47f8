/*
 * The data file read without LMDB, which trusts every page: a damaged one, or one behind the end of the file, kills the
 * process. Before the file is mapped, its length, its directory of tables and META are looked at; br_store_check does
 * so with every page.
 *
 * LMDB does not write pages that a transaction took from the end of the file and gave back, so a file may end before the
 * last page that its meta page names, as long as every page it lacks stands in the list of free pages.
 *
 * The format of LMDB's pages, data version 1, native byte order:
 *   page    u64 number, u16 0, u16 flags, u16 lower, u16 upper (overflow pages: u32 count), u16 offsets of nodes up to `lower`
 *   node    u16 size low, u16 size high, u16 flags, u16 key size, key, data (branch: the three u16 are the child's number)
 *   meta    behind a page header: u32 magic, u32 version, u64 address, u64 map size, tree[2], u64 last page, u64 transaction
 *   tree    u32 (page size in the first), u16 flags, u16 depth, u64 branch, leaf, overflow pages, entries, root
 * The first tree maps a transaction's number to the pages it freed: u64 n, then n page numbers. The second maps the
 * name of a table to its tree.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC        0xBEEFC0DEu
#define DATA_VERSION 1
#define HEADER       16
#define NODE         8
#define TREE_BYTES   48
#define META_BYTES   136
#define MIN_PAGE     256u
#define MAX_PAGE     32768u
#define MAX_DEPTH    32
#define NO_ROOT      UINT64_MAX
#define TRIES        100 /* a writer may change what we read: again, from the newer meta page */

enum { P_BRANCH = 1, P_LEAF = 2, P_OVERFLOW = 4 };
enum { NODE_BIG = 1, NODE_TREE = 2 };

struct tree { uint16_t flags, depth; uint64_t entries, root; };

struct file {
	int fd;
	const char *path;
	struct tree free, main;
	uint64_t psize, last, txn;
	uint64_t txns[2];      /* of both meta pages */
	uint64_t want;         /* the transaction whose meta page counts; 0: the newer one */
	uint64_t whole;        /* pages that the file holds, all the way to their end */
	uint64_t missing;      /* free pages found beyond them */
	uint64_t visits;       /* of pages: a damaged file could lead in circles */
	uint8_t *seen;         /* bit per page that is in use or free, to find those that are twice; NULL: not kept */
	bool all_tables;
	const struct br_store__rescue *rescue; /* NULL: the first damage ends the walk */
	int stopped;           /* what rescue->record returned to end it */
	struct br_buf big;     /* a value on pages of its own */
};

enum kind { FREE_LIST, DIRECTORY, TABLE };

struct walk {
	struct file *f;
	enum kind kind;
	const struct tree *tree;
	struct br_slice table; /* name, for messages */
	uint64_t entries;
};

static uint16_t rd16(const char *p) { uint16_t v; memcpy(&v, p, 2); return v; }
static uint32_t rd32(const char *p) { uint32_t v; memcpy(&v, p, 4); return v; }
static uint64_t rd64(const char *p) { uint64_t v; memcpy(&v, p, 8); return v; }

static int damaged(const struct file *f, struct br_err *err, const char *what)
{
	return br_fail(err, BR_ECORRUPT, "'%s' is damaged: %s", f->path, what);
}

static int bad_page(const struct walk *w, uint64_t no, struct br_err *err, const char *what)
{
	return br_fail(err, BR_ECORRUPT, "'%s' is damaged: page %llu of %s%.*s: %s", w->f->path, (unsigned long long)no,
	               w->kind == TABLE ? "table " : w->kind == FREE_LIST ? "the list of free pages" : "the list of tables",
	               w->kind == TABLE ? (int)w->table.len : 0, w->table.ptr, what);
}

/* ---- meta pages ---- */

static struct tree read_tree(const char *p)
{
	return (struct tree){ .flags = rd16(p + 4), .depth = rd16(p + 6), .entries = rd64(p + 32), .root = rd64(p + 40) };
}

/* One of the two meta pages. *found tells whether it is one. */
static int read_meta(struct file *f, uint64_t at, bool *found, struct br_err *err)
{
	char b[HEADER + META_BYTES], *m = b + HEADER;
	ssize_t got = pread(f->fd, b, sizeof b, (off_t)at);

	*found = false;
	if (got < 0)
		return br_fail_errno(err, BR_EIO, "cannot read '%s'", f->path);
	if (got != (ssize_t)sizeof b || rd32(m) != MAGIC)
		return 0;
	if (rd32(m + 4) != DATA_VERSION)
		return br_fail(err, BR_EVERSION, "'%s' has LMDB data version %u, this br reads version %d", f->path,
		               rd32(m + 4) & 0xffff, DATA_VERSION);
	*found = true;
	f->txns[at != 0] = rd64(m + 128);
	f->psize = rd32(m + 24);
	if (f->want ? rd64(m + 128) != f->want : at && rd64(m + 128) < f->txn)
		return 0;
	f->free = read_tree(m + 24);
	f->main = read_tree(m + 24 + TREE_BYTES);
	f->last = rd64(m + 120);
	f->txn = rd64(m + 128);
	return 0;
}

static int read_both(struct file *f, struct br_err *err)
{
	bool found;
	uint64_t psize;
	int rc;

	f->txn = 0;
	if ((rc = read_meta(f, 0, &found, err)) < 0)
		return rc;
	if (!found)
		return br_fail(err, BR_ECORRUPT, "'%s' is not a data file of br", f->path);
	psize = f->psize;
	if (psize < MIN_PAGE || psize > MAX_PAGE || (psize & (psize - 1)))
		return damaged(f, err, "its page size is impossible");
	if ((rc = read_meta(f, psize, &found, err)) < 0)
		return rc;
	if (!found || f->psize != psize)
		return damaged(f, err, "a meta page makes no sense");
	if (f->want && f->txn != f->want)
		return 0;
	return f->last < 1 || f->last >= INT64_MAX / MAX_PAGE ? damaged(f, err, "a meta page makes no sense") : 0;
}

/*
 * Commits write the two meta pages in turn, so their transactions are neighbours, the even one in the first page. A
 * number that is damaged would bring back an older state. Commits between our two reads look alike: then again.
 */
static int read_metas(struct file *f, struct br_err *err)
{
	uint64_t seen[2] = { 0, 0 };
	int rc;

	for (int i = 0; i < TRIES; i++) {
		uint64_t a, b;

		if ((rc = read_both(f, err)) < 0 || f->want)
			return rc;
		a = f->txns[0];
		b = f->txns[1];
		if (a % 2 == 0 && (a + 1 == b || b + 1 == a))
			return 0;
		if (i && seen[0] == a && seen[1] == b)
			break;
		seen[0] = a;
		seen[1] = b;
	}
	return damaged(f, err, "its meta pages do not belong together");
}

static int read_size(struct file *f, struct br_err *err)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return br_fail_errno(err, BR_EIO, "cannot read '%s'", f->path);
	f->whole = (uint64_t)st.st_size / f->psize;
	return 0;
}

/* ---- pages ---- */

static int claim(struct walk *w, uint64_t no, uint64_t n, struct br_err *err)
{
	uint8_t *seen = w->f->seen;

	if (no < 2 || no > w->f->last || n > w->f->last + 1 - no)
		return bad_page(w, no, err, "no such page");
	for (uint64_t i = no; seen && i < no + n; i++) {
		if (seen[i / 8] & 1 << i % 8)
			return bad_page(w, i, err, "used twice");
		seen[i / 8] |= (uint8_t)(1 << i % 8);
	}
	return 0;
}

static int read_at(const struct file *f, char *out, size_t n, uint64_t at, struct br_err *err)
{
	ssize_t got = pread(f->fd, out, n, (off_t)at);

	if (got < 0)
		return br_fail_errno(err, BR_EIO, "cannot read '%s'", f->path);
	return (size_t)got == n ? 0 : damaged(f, err, "it is cut short");
}

static int read_page(struct walk *w, char *page, uint64_t no, struct br_err *err)
{
	struct file *f = w->f;
	unsigned flags, lower, upper;
	int rc;

	if (f->visits++ > f->last)
		return bad_page(w, no, err, "reached in a circle");
	if ((rc = claim(w, no, 1, err)) < 0 || (rc = read_at(f, page, f->psize, no * f->psize, err)) < 0)
		return rc;
	flags = rd16(page + 10);
	lower = rd16(page + 12);
	upper = rd16(page + 14);
	if (rd64(page) != no || (flags != P_BRANCH && flags != P_LEAF))
		return bad_page(w, no, err, "not a page of a tree");
	if (lower < HEADER + (flags == P_LEAF ? 2 : 4) || lower % 2 || lower > upper || upper > f->psize)
		return bad_page(w, no, err, "impossible bounds");
	return 0;
}

/* Free pages from a list of n numbers that stand at p. */
static int free_pages(struct walk *w, const char *p, uint64_t n, struct br_err *err)
{
	int rc;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t no = rd64(p + 8 * i);
		if ((rc = claim(w, no, 1, err)) < 0)
			return rc;
		w->f->missing += no >= w->f->whole;
	}
	return 0;
}

static int free_list_big(struct walk *w, uint64_t at, uint64_t n, struct br_err *err)
{
	char piece[8 * 512];
	int rc = 0;

	for (uint64_t k; rc == 0 && n; at += 8 * k, n -= k) {
		k = BR_MIN(n, sizeof piece / 8);
		if ((rc = read_at(w->f, piece, 8 * k, at, err)) == 0)
			rc = free_pages(w, piece, k, err);
	}
	return rc;
}

/* A value of n bytes on pages of its own. */
static int big_value(struct walk *w, uint64_t no, uint64_t n, struct br_err *err)
{
	struct file *f = w->f;
	char head[HEADER + 8];
	int rc;

	if (no < 2 || no > f->last)
		return bad_page(w, no, err, "no such page");
	if ((rc = read_at(f, head, sizeof head, no * f->psize, err)) < 0)
		return rc;
	if (rd64(head) != no || rd16(head + 10) != P_OVERFLOW || (HEADER + n + f->psize - 1) / f->psize > rd32(head + 12))
		return bad_page(w, no, err, "not the value it should be");
	if (no + rd32(head + 12) > f->whole)
		return damaged(f, err, "it is cut short");
	if ((rc = claim(w, no, rd32(head + 12), err)) < 0 || w->kind != FREE_LIST)
		return rc;
	if (rd64(head + HEADER) > n / 8 - 1)
		return bad_page(w, no, err, "a list longer than its record");
	return free_list_big(w, no * f->psize + HEADER + 8, rd64(head + HEADER), err);
}

static int walk_tree(struct file *f, enum kind kind, const struct tree *t, struct br_slice table, struct br_err *err);

/* A record that stands at node goes to the rescuer. */
static int rescue_record(struct walk *w, const char *node, struct br_err *err)
{
	struct file *f = w->f;
	size_t key = rd16(node + 6), n = rd16(node) | (size_t)rd16(node + 2) << 16;
	struct br_slice val = br_slice(node + NODE + key, n);
	int rc;

	if (rd16(node + 4) & NODE_BIG) {
		uint64_t no = rd64(val.ptr);
		br_buf_reset(&f->big);
		if ((rc = big_value(w, no, n, err)) < 0)
			return rc;
		if (!br_buf_reserve(&f->big, n))
			return br_buf_check(&f->big, "a record", err);
		if ((rc = read_at(f, f->big.ptr, n, no * f->psize + HEADER, err)) < 0)
			return rc;
		val.ptr = f->big.ptr;
	}
	return f->stopped = f->rescue->record(w->table, br_slice(node + NODE, key), val, f->rescue->arg, err);
}

/* What a walk does about a page or record that is damaged: it goes on behind it when there is a rescuer. */
static int pass_over(struct file *f, int rc, const struct br_err *err)
{
	if (rc == 0 || !f->rescue || f->stopped)
		return rc;
	f->rescue->lost(err->msg, f->rescue->arg);
	return 0;
}

static int record(struct walk *w, uint64_t no, const char *node, struct br_err *err)
{
	size_t key = rd16(node + 6), n = rd16(node) | (size_t)rd16(node + 2) << 16;
	const char *data = node + NODE + key;
	struct tree t;

	switch (w->kind) {
	case FREE_LIST:
		if (key != 8 || n < 8 || (!(rd16(node + 4) & NODE_BIG) && rd64(data) > n / 8 - 1))
			return bad_page(w, no, err, "not a list");
		return rd16(node + 4) & NODE_BIG ? big_value(w, rd64(data), n, err) : free_pages(w, data + 8, rd64(data), err);
	case DIRECTORY:
		if (rd16(node + 4) != NODE_TREE || n != TREE_BYTES)
			return bad_page(w, no, err, "not a table");
		t = read_tree(data);
		if (!w->f->all_tables && !br_slice_eq(br_slice(node + NODE, key), br_slice_str("meta")))
			return 0;
		return walk_tree(w->f, TABLE, &t, br_slice(node + NODE, key), err);
	default:
		if (w->f->rescue)
			return rescue_record(w, node, err);
		return rd16(node + 4) & NODE_BIG ? big_value(w, rd64(data), n, err) : 0;
	}
}

/* Keys of a page are from `from` on and before `to`, as the page above says; an empty one is no bound. */
struct range { struct br_slice from, to; };

static int walk_page(struct walk *w, uint64_t no, unsigned depth, struct range r, struct br_err *err);

static unsigned nodes_of(const char *page)
{
	return (rd16(page + 12) - HEADER) / 2u;
}

static struct br_slice key_of(const char *page, unsigned i)
{
	const char *node = page + rd16(page + HEADER + 2 * i);

	return br_slice(node + NODE, rd16(node + 6));
}

static int compare(struct br_slice a, struct br_slice b)
{
	int c = memcmp(a.ptr, b.ptr, BR_MIN(a.len, b.len));

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* Node i of a page: inside it, its key behind the one before. */
static int check_node(const struct walk *w, const char *page, unsigned i, struct br_err *err)
{
	uint64_t no = rd64(page), psize = w->f->psize;
	bool leaf = rd16(page + 10) == P_LEAF;
	size_t at = rd16(page + HEADER + 2 * i), data = 0;
	const char *node = page + at;

	if (at < rd16(page + 14) || at + NODE > psize)
		return bad_page(w, no, err, "a record outside the page");
	if (leaf)
		data = rd16(node + 4) & NODE_BIG ? 8 : rd16(node) | (size_t)rd16(node + 2) << 16;
	if (at + NODE + rd16(node + 6) + data > psize)
		return bad_page(w, no, err, "a record outside the page");
	if (leaf && rd16(node + 4) > (w->kind == DIRECTORY ? NODE_TREE : NODE_BIG))
		return bad_page(w, no, err, "a record of unknown kind");
	if (i == 0 || w->kind == FREE_LIST || (i == 1 && !leaf)) /* its keys are numbers; a branch has no first key */
		return 0;
	return compare(key_of(page, i - 1), key_of(page, i)) < 0 ? 0 : bad_page(w, no, err, "keys out of order");
}

/*
 * Nodes, each of an even number of bytes, fill the page from `upper` to its end without gaps: LMDB moves what stands between when
 * one goes, by the sizes that nodes tell.
 */
static bool packed(const struct walk *w, const char *page)
{
	bool leaf = rd16(page + 10) == P_LEAF;
	uint8_t taken[MAX_PAGE / 2] = { 0 };
	size_t sum = 0;

	for (unsigned i = 0; i < nodes_of(page); i++) {
		size_t at = rd16(page + HEADER + 2 * i), n = NODE + rd16(page + at + 6);
		if (leaf)
			n += rd16(page + at + 4) & NODE_BIG ? 8 : rd16(page + at) | (size_t)rd16(page + at + 2) << 16;
		n += n % 2;
		if (at % 2 || at + n > w->f->psize)
			return false;
		for (size_t k = at / 2; k < (at + n) / 2; k++)
			if (taken[k]++)
				return false;
		sum += n;
	}
	return sum == w->f->psize - rd16(page + 14);
}

static int check_nodes(const struct walk *w, const char *page, struct range r, struct br_err *err)
{
	unsigned n = nodes_of(page), first = rd16(page + 10) == P_BRANCH;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < n; i++)
		rc = check_node(w, page, i, err);
	if (rc == 0 && !packed(w, page))
		rc = bad_page(w, rd64(page), err, "records that overlap or leave a gap");
	if (rc < 0 || w->kind == FREE_LIST || first >= n)
		return rc;
	if ((r.from.len && compare(key_of(page, first), r.from) < 0) || (r.to.len && compare(key_of(page, n - 1), r.to) >= 0))
		return bad_page(w, rd64(page), err, "keys that belong elsewhere");
	return 0;
}

static int walk_node(struct walk *w, const char *page, unsigned i, unsigned depth, struct range r, struct br_err *err)
{
	const char *node = page + rd16(page + HEADER + 2 * i);

	if (rd16(page + 10) == P_BRANCH) {
		uint64_t child = rd16(node) | (uint64_t)rd16(node + 2) << 16 | (uint64_t)rd16(node + 4) << 32;
		struct range part = { i ? key_of(page, i) : r.from, i + 1 < nodes_of(page) ? key_of(page, i + 1) : r.to };

		return walk_page(w, child, depth + 1, part, err);
	}
	w->entries++;
	return record(w, rd64(page), node, err);
}

static int walk_page(struct walk *w, uint64_t no, unsigned depth, struct range r, struct br_err *err)
{
	char *page;
	int rc;

	if (depth > w->tree->depth)
		return bad_page(w, no, err, "deeper than its tree");
	page = br_alloc(w->f->psize);
	if ((rc = read_page(w, page, no, err)) == 0 && rd16(page + 10) == P_LEAF && depth != w->tree->depth)
		rc = bad_page(w, no, err, "less deep than its tree");
	if (rc == 0)
		rc = check_nodes(w, page, r, err);
	for (unsigned i = 0; rc == 0 && i < nodes_of(page); i++)
		rc = pass_over(w->f, walk_node(w, page, i, depth, r, err), err);
	free(page);
	return rc;
}

static int walk_tree(struct file *f, enum kind kind, const struct tree *t, struct br_slice table, struct br_err *err)
{
	struct walk w = { .f = f, .kind = kind, .tree = t, .table = table };
	int rc;

	if (t->root == NO_ROOT)
		return t->entries ? bad_page(&w, 0, err, "records but no page") : 0;
	if (t->depth > MAX_DEPTH || (t->flags && kind != FREE_LIST))
		return bad_page(&w, t->root, err, "impossible tree");
	if ((rc = walk_page(&w, t->root, 1, (struct range){ { "", 0 }, { "", 0 } }, err)) == 0 && w.entries != t->entries && !f->rescue)
		rc = bad_page(&w, t->root, err, "another number of records than it should have");
	return rc;
}

/* ---- the two checks ---- */

static int check_short(struct file *f, struct br_err *err)
{
	int rc = walk_tree(f, FREE_LIST, &f->free, br_slice("", 0), err);

	if (rc == 0 && f->whole <= f->last && f->missing != f->last + 1 - f->whole)
		rc = damaged(f, err, "it is cut short");
	return rc;
}

static int check_once(struct file *f, struct br_err *err)
{
	int rc;

	if ((rc = read_metas(f, err)) < 0 || (rc = read_size(f, err)) < 0)
		return rc;
	f->missing = f->visits = 0;
	if (f->whole <= f->last && (rc = check_short(f, err)) < 0)
		return rc;
	return walk_tree(f, DIRECTORY, &f->main, br_slice("", 0), err);
}

int br_store__check_file(const char *path, struct br_err *err)
{
	struct file f = { .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), .path = path };
	int rc;

	if (f.fd < 0)
		return br_fail_errno(err, errno == ENOENT || errno == ENOTDIR ? BR_ENOWORKSPACE : BR_EIO,
		                     "cannot open '%s'", path);
	for (int i = 0; (rc = check_once(&f, err)) < 0 && i < TRIES; i++) {
		uint64_t tried = f.txn;
		if (read_metas(&f, NULL) < 0 || f.txn == tried)
			break;
	}
	close(f.fd);
	return rc;
}

/* The meta page of t's snapshot. No writer uses the snapshot's pages again, but that one, after two more commits. */
static int read_snapshot(struct file *f, struct br_txn **t, struct br_store *s, struct br_err *err)
{
	int rc;

	for (int i = 0; i < TRIES; i++) {
		if ((rc = br_txn_read(t, s, err)) < 0)
			return rc;
		f->want = mdb_txn_id((*t)->m);
		if ((rc = read_metas(f, err)) < 0)
			return rc;
		if (f->txn == f->want)
			return read_size(f, err);
		br_txn_end(*t);
		*t = NULL;
	}
	return br_fail(err, BR_ELOCKED, "'%s' changes too fast to be checked", f->path);
}

int br_store_check(struct br_store *s, struct br_err *err)
{
	struct file f = { .fd = open(s->data_path, O_RDONLY | O_CLOEXEC), .path = s->data_path, .all_tables = true };
	struct br_txn *t = NULL;
	int rc;

	if (f.fd < 0)
		return br_fail_errno(err, BR_EIO, "cannot open '%s'", s->data_path);
	if ((rc = read_snapshot(&f, &t, s, err)) < 0)
		goto out;
	if (!(f.seen = br_try_alloc(f.last / 8 + 1))) {
		rc = br_fail(err, BR_ENOMEM, "cannot check '%s': out of memory", f.path);
		goto out;
	}
	if ((rc = check_short(&f, err)) == 0)
		rc = walk_tree(&f, DIRECTORY, &f.main, br_slice("", 0), err);
out:
	br_txn_end(t);
	free(f.seen);
	close(f.fd);
	return rc;
}

int br_store__rescue(const char *path, const struct br_store__rescue *to, struct br_err *err)
{
	struct file f = { .fd = open(path, O_RDONLY | O_CLOEXEC), .path = path, .all_tables = true, .rescue = to };
	struct br_err own; /* what is passed over is told by its message */
	int rc;

	err = err ? err : &own;
	if (f.fd < 0)
		return br_fail_errno(err, BR_EIO, "cannot open '%s'", path);
	br_buf_init(&f.big, UINT32_MAX);
	if ((rc = read_metas(&f, err)) == 0 && (rc = read_size(&f, err)) == 0) {
		if (!(f.seen = br_try_alloc(f.last / 8 + 1)))
			rc = br_fail(err, BR_ENOMEM, "cannot read '%s': out of memory", path);
		else
			rc = walk_tree(&f, DIRECTORY, &f.main, br_slice("", 0), err);
	}
	br_buf_release(&f.big);
	free(f.seen);
	close(f.fd);
	return rc;
}
