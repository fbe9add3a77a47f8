/*
 * Documents inside documents. A container (archive, mailbox, mail with attachments) that changed is opened here, on
 * the thread that plans: its members become inputs like any other, named "a.zip!/inner/name.md". Twice: first every
 * name and hash is taken, so that what went, what moved and what ends the container is known before anything is
 * touched; then the members are given. The record of the container comes last: until it is committed, the next run
 * opens the container again, and keeps what is there already.
 */
#include "internal.h"

#include <stdlib.h>

/* What the notebook has of members, by path. */
struct known_member {
	const char *path;
	uint8_t sha[32];
	uint32_t doc;
	uint64_t size;
	uint8_t state;
	bool taken;                     /* is still there, or moved to another name */
};
struct members {
	const struct members_run *r;
	struct br_arena arena;
	BR_VEC(struct known_member) known;
	uint64_t left;                  /* bytes that may still be unpacked for the file at hand */
};

/* One member as the first pass saw it. */
struct entry {
	const char *path;
	const struct known_member *known, *from;
	uint8_t sha[32];
	bool wanted;                    /* not hidden */
};
/* One container being opened; outer is the one it lies in. */
struct level {
	const struct input *in;
	struct br_slice bytes;
	uint8_t sha[32];
	enum br_format format;
	unsigned depth;                 /* 1: a file */
	bool folders;                   /* its names are those of files */
	const struct level *outer;
	struct br_arena arena;
	BR_VEC(struct entry) entry;
};

/* ---- what the notebook has ---- */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct known_member *)a)->path, ((const struct known_member *)b)->path);
}

static int gather(const struct br_doc *d, void *arg)
{
	struct members *m = arg;
	struct known_member *k;

	if (d->origin != BR_FROM_MEMBER)
		return 0;
	k = br_vec_push(&m->known);
	*k = (struct known_member){ .path = br_arena_strdup(&m->arena, d->path), .doc = d->doc, .size = d->size, .state = d->state };
	memcpy(k->sha, d->sha, sizeof k->sha);
	return 0;
}

int members_new(struct members **out, const struct members_run *r, struct br_err *err)
{
	struct members *m = br_alloc(sizeof *m);
	struct br_txn *t;
	int rc = br_txn_read(&t, r->ws->store, err);

	m->r = r;
	*out = m;
	if (rc < 0)
		return rc;
	rc = br_doc_each(t, r->nb->nb, gather, m, err);
	br_txn_end(t);
	if (m->known.n)
		qsort(m->known.v, m->known.n, sizeof *m->known.v, by_path);
	return rc;
}

void members_free(struct members *m)
{
	if (!m)
		return;
	br_vec_release(&m->known);
	br_arena_release(&m->arena);
	free(m);
}

/* The first that does not stand before `path`. */
static size_t lower_bound(const struct members *m, const char *path)
{
	size_t lo = 0, hi = m->known.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (strcmp(m->known.v[mid].path, path) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct known_member *find_known(struct members *m, const char *path)
{
	size_t i = lower_bound(m, path);

	return i < m->known.n && !strcmp(m->known.v[i].path, path) ? &m->known.v[i] : NULL;
}

/* Those below a container: [*first, end). */
static size_t range_of(struct members *m, size_t *first, const char *container)
{
	char *prefix = br_sprintf("%s!/", container);
	size_t n = strlen(prefix), end;

	for (end = *first = lower_bound(m, prefix); end < m->known.n && !strncmp(m->known.v[end].path, prefix,
	    n); end++)
		;
	free(prefix);
	return end;
}

/* ---- removing ---- */

struct removal { BR_VEC(uint32_t) doc; BR_VEC(const struct known_member *) what; };

static void doom(struct removal *g, const struct known_member *k)
{
	*br_vec_push(&g->doc) = k->doc;
	*br_vec_push(&g->what) = k;
}

static int remove_all(struct members *m, struct removal *g, struct br_err *err)
{
	int rc = 0;

	if (g->doc.n && (rc = m->r->remove(g->doc.v, g->doc.n, m->r->arg, err)) == 0)
		for (size_t i = 0; i < g->what.n; i++)
			tell(m->r->stats, m->r->opts, &(struct br_event){ BR_ACT_DELETE, g->what.v[i]->path, NULL,
			    NULL, g->what.v[i]->size });
	br_vec_release(&g->doc);
	br_vec_release(&g->what);
	return rc;
}

int members_drop(struct members *m, const char *container, struct br_err *err)
{
	struct removal g = { 0 };
	size_t i, end = range_of(m, &i, container);

	for (; i < end; i++)
		if (!m->known.v[i].taken)
			doom(&g, &m->known.v[i]);
	return remove_all(m, &g, err);
}

/* ---- the first pass ---- */

static bool is_hidden(const char *name)
{
	for (const char *p = name; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
		if (*p == '.')
			return true;
	return !strncmp(name, "__MACOSX/", 9);
}

static int open_members(struct br_members **out, const struct members *m, const struct level *l, struct br_err *err)
{
	return br_members_open(out, br_config_get(m->r->ws->config, "extract.helper", NULL), l->in->path, l->format,
	    l->bytes, err);
}

static int list(struct members *m, struct level *l, struct br_err *err)
{
	struct br_members *s;
	struct br_member one;
	int rc = open_members(&s, m, l, err);

	l->folders = l->format == BR_FMT_ZIP || l->format == BR_FMT_TAR;
	if (rc < 0)
		return rc;
	while ((rc = br_members_next(&one, s, err)) > 0 && (rc = br_check_stop(err)) == 0) {
		struct entry *e = br_vec_push(&l->entry);
		*e = (struct entry){ .path = br_arena_printf(&l->arena, "%s!/%s", l->in->path, one.name) };
		e->wanted = (m->r->opts->hidden || !l->folders || !is_hidden(one.name)) &&
		    strlen(e->path) <= BR_MAX_PATH;
		br_sha256(e->sha, one.bytes.ptr, one.bytes.len);
		if (one.bytes.len > m->left) {
			rc = br_fail(err, BR_ETOOBIG, "unpacks to more than %u MB, with what is in its archives",
			    BR_MAX_UNPACKED >> 20);
			break;
		}
		m->left -= one.bytes.len;
	}
	br_members_close(s);
	return rc;
}

/* ---- what went, and what only moved ---- */

/* Bytes of the path of the member of `container` that k is or lies in. */
static size_t owner_len(const struct known_member *k, const char *container)
{
	size_t base = strlen(container) + 2;
	const char *inner = strstr(k->path + base, "!/");

	return inner ? (size_t)(inner - k->path) : strlen(k->path);
}

/* One that is not there any more under its name, of these bytes. */
static struct known_member *same_bytes(struct members *m, const char *container, const struct entry *e)
{
	size_t i, end = range_of(m, &i, container);

	for (; i < end; i++) {
		struct known_member *k = &m->known.v[i];
		if (k->taken || memcmp(k->sha, e->sha, sizeof e->sha) || (k->state != BR_DOC_INDEXED &&
		    k->state != BR_DOC_CONTAINER))
			continue;
		if (owner_len(k, container) == strlen(k->path)) /* not within a container of its own */
			return k;
	}
	return NULL;
}

static void match(struct members *m, struct level *l)
{
	size_t i, end = range_of(m, &i, l->in->path);

	if (i == end && !l->in->from)
		return;
	for (size_t k = 0; k < l->entry.n; k++) {
		struct entry *e = &l->entry.v[k];
		struct known_member *known = e->wanted ? find_known(m, e->path) : NULL;
		if (known)
			known->taken = true;
		e->known = known;
	}
	for (size_t k = 0; k < l->entry.n; k++) {
		struct entry *e = &l->entry.v[k];
		struct known_member *from = e->known || !e->wanted ? NULL : same_bytes(m, l->in->path, e);
		if (!from && !e->known && e->wanted && l->in->from)
			from = same_bytes(m, l->in->from, e);
		if (from)
			from->taken = true;
		e->from = from;
	}
}

/* A member of a container in the container: of one that is still there it is looked at when that one is opened. */
static bool is_gone(struct members *m, const struct known_member *k, const char *container)
{
	size_t n = owner_len(k, container);
	char *owner = br_strndup(k->path, n);
	const struct known_member *o = find_known(m, owner);

	free(owner);
	return !k->taken && !(o && o->taken);
}

static int remove_gone(struct members *m, const struct level *l, struct br_err *err)
{
	const char *containers[] = { l->in->path, l->in->from };
	struct removal g = { 0 };

	for (size_t c = 0; c < BR_COUNT(containers); c++) {
		size_t i = 0, end = containers[c] ? range_of(m, &i, containers[c]) : 0;
		for (; i < end; i++)
			if (is_gone(m, &m->known.v[i], containers[c]))
				doom(&g, &m->known.v[i]);
	}
	return remove_all(m, &g, err);
}

/* ---- the second pass ---- */

static int open_level(struct members *m, struct level *l, struct br_err *err);

static bool holds_itself(const struct level *l, const uint8_t sha[32])
{
	for (; l; l = l->outer)
		if (!memcmp(l->sha, sha, sizeof l->sha))
			return true;
	return false;
}

static int open_inner(struct members *m, const struct level *outer, const struct entry *e, struct br_slice bytes,
        enum br_format format,
                      struct input *in, struct br_err *err)
{
	struct level l = { .in = in, .bytes = bytes, .format = format, .depth = outer->depth + 1, .outer = outer };
	bool same = e->known && !memcmp(e->known->sha, e->sha, sizeof e->sha) &&
	    (e->known->state == BR_DOC_CONTAINER || e->known->state == BR_DOC_INDEXED);
	int rc;

	in->expanded = true;
	if (same && !m->r->opts->force && !outer->in->again)
		return m->r->give(in, m->r->arg, err); /* its members are as they were */
	in->again = outer->in->again;
	if (holds_itself(outer, e->sha))
		in->refused = "is an archive that holds itself";
	else if (l.depth > BR_MAX_NESTED && br_is_archive(format))
		in->refused = "archives within archives are opened 3 deep, this one is deeper";
	if (in->refused || l.depth > BR_MAX_NESTED)
		return m->r->give(in, m->r->arg, err);
	_Static_assert(BR_MAX_NESTED == 3, "as the message says");
	memcpy(l.sha, e->sha, sizeof l.sha);
	rc = open_level(m, &l, err);
	br_arena_release(&l.arena);
	br_vec_release(&l.entry);
	return rc;
}

static int give_one(struct members *m, const struct level *l, const struct entry *e, const struct br_member *one,
        struct br_err *err)
{
	struct input in = { .origin = BR_FROM_MEMBER, .path = e->path, .bytes = one->bytes, .size = one->bytes.len,
	    .seen_ns = l->in->seen_ns,
		.meta = l->in->meta };
	size_t first;
	int rc = 0;

	if (l->in->origin != BR_FROM_URL) { /* there is no file whose time could be compared */
		in.inode = l->in->inode;
		in.mtime_ns = l->in->mtime_ns;
	}

	in.action = e->known ? BR_ACT_CHANGE : e->from ? BR_ACT_MOVE : BR_ACT_ADD;
	in.from = e->from ? e->from->path : NULL;
	if (one->refused) {
		in.refused = one->refused;
		in.failed = one->code == BR_EINPUT;
	} else {
		enum br_format f = br_sniff(br_path_base(e->path), one->bytes, NULL);
		if (br_has_members(f, one->bytes))
			return open_inner(m, l, e, one->bytes, f, &in, err);
	}
	in.expanded = true;
	if (range_of(m, &first, e->path) > first) /* it was a container */
		rc = members_drop(m, e->path, err);
	return rc < 0 ? rc : m->r->give(&in, m->r->arg, err);
}

static int give_all(struct members *m, const struct level *l, struct br_err *err)
{
	struct br_members *s;
	struct br_member one;
	int rc = open_members(&s, m, l, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < l->entry.n && (rc = br_members_next(&one, s, err)) > 0; i++) {
		if (l->entry.v[i].wanted && (rc = give_one(m, l, &l->entry.v[i], &one, err)) < 0)
			break;
	}
	br_members_close(s);
	return rc < 0 ? rc : 0;
}

/* The container itself: an archive is no document, a mail is one. */
static int give_container(struct members *m, const struct level *l, const char *why, bool failed, struct br_err *err)
{
	struct input in = *l->in;

	in.expanded = true;
	in.refused = br_is_archive(l->format) ? why : NULL;
	in.failed = failed;
	in.file = NULL;
	in.format = l->format;
	in.sha = br_is_archive(l->format) ? l->sha : NULL;
	in.bytes = in.sha ? br_slice("", 0) : l->bytes;
	return m->r->give(&in, m->r->arg, err);
}

static bool is_verdict(int rc) { return rc == -BR_EUNSUPPORTED || rc == -BR_ETOOBIG; }
static bool is_damage(int rc) { return rc == -BR_EINPUT || rc == -BR_ETIMEOUT || rc == -BR_ECORRUPT; }

static int open_level(struct members *m, struct level *l, struct br_err *err)
{
	struct br_err why = { 0 };
	int rc = list(m, l, &why), given = 0;

	if (rc < 0 && !is_verdict(rc) && !is_damage(rc))
		return br_fail(err, why.code, "%s", why.msg);
	if (is_verdict(rc)) /* nothing of it is indexed */
		l->entry.n = 0;
	match(m, l);
	if (!is_damage(rc)) /* what a damaged container does not show may come again */
		given = remove_gone(m, l, err);
	if (given == 0 && l->entry.n)
		given = give_all(m, l, &why);
	if (given < 0 && !is_verdict(given) && !is_damage(given))
		return br_fail(err, why.code ? why.code : BR_EIO, "%s", why.msg);
	if (given < 0)
		rc = given;
	if (l->depth == 1 && l->in->same && rc == 0)
		return 0; /* its record is as it should be */
	return give_container(m, l, rc < 0 ? why.msg : NULL, is_damage(rc), err);
}

/* ---- one file ---- */

int members_open(struct members *m, const struct input *in, struct br_err *err)
{
	struct input own = *in;
	struct level l = { .in = &own, .depth = 1 };
	struct br_buf file = BR_BUF_INIT(BR_MAX_FILE);
	struct br_err why = { 0 };
	int rc;

	own.seen_ns = br_now_ns();
	l.bytes = in->bytes;
	if (in->file) {
		if ((rc = br_file_read(&file, in->file, (size_t)br_config_int(m->r->ws->config, "ingest.max_file"),
		    &why)) < 0) {
			own.expanded = true; /* it went meanwhile, say: the worker tells why */
			br_buf_release(&file);
			return m->r->give(&own, m->r->arg, err);
		}
		l.bytes = br_buf_slice(&file);
	}
	br_sha256(l.sha, l.bytes.ptr, l.bytes.len);
	l.format = m->r->opts->format ? m->r->opts->format : br_sniff(br_path_base(in->path), l.bytes, NULL);
	m->left = BR_MAX_UNPACKED;
	if (br_has_members(l.format, l.bytes)) {
		rc = open_level(m, &l, err);
	} else { /* it is another file by now */
		own.expanded = true;
		rc = m->r->give(&own, m->r->arg, err);
	}
	br_arena_release(&l.arena);
	br_vec_release(&l.entry);
	br_buf_release(&file);
	return rc;
}
