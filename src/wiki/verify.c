/*
 * Care for table WIKI: records that cannot be read, pages without the versions they name, versions without a page.
 */
#include "internal.h"

#include <stdlib.h>

struct care {
	struct br_txn *t;
	br_problem_fn *fn;
	void *arg;
	uint64_t *problems;
	BR_VEC(struct br_key) bad;
};

static void problem(struct care *c, struct br_slice key, const char *what)
{
	struct br_key *k;

	++*c->problems;
	if (c->fn)
		c->fn(what, c->arg);
	if (key.len < 1 || key.len > sizeof k->b)
		return;
	k = br_vec_push(&c->bad);
	memcpy(k->b, key.ptr, key.len);
	k->n = key.len;
}

static bool has_version(struct care *c, struct br_arena *a, uint32_t nb, const char *slug, uint32_t version)
{
	struct version v;

	return !version || br_wiki__version_get(&v, a, c->t, nb, slug, version, NULL) != -BR_ENOTFOUND; /* a damaged one is told by itself */
}

/* What a record that can be read says of others. */
static void check_links(struct care *c, struct br_slice key, uint32_t nb, enum kind kind, const char *slug)
{
	struct br_arena a = { 0 };
	struct head h;

	if (kind == KIND_PAGE && br_wiki__head_get(&h, &a, c->t, nb, slug, NULL) > 0 &&
	    (!h.newest || !has_version(c, &a, nb, slug, h.newest) || !has_version(c, &a, nb, slug, h.published)))
		problem(c, key, br_arena_printf(&a, "wiki page '%s' names a version that is not there", slug));
	if (kind == KIND_VERSION && br_wiki__head_get(&h, &a, c->t, nb, slug, NULL) == 0)
		problem(c, key, br_arena_printf(&a, "a version of wiki page '%s' belongs to nothing", slug));
	br_arena_release(&a);
}

static int check_all(struct care *c, struct br_err *err)
{
	char slug[BR_MAX_WIKI_SLUG + 1];
	struct br_slice rest;
	struct br_cur cur;
	int rc = br_cur_open(&cur, c->t, BR_T_WIKI, err);

	if (rc < 0)
		return rc;
	for (rc = br_cur_seek(&cur, br_slice("", 0), err); rc != 0; rc = br_cur_next(&cur, err)) {
		struct br_err why = { 0 };
		if (rc < 0 && (rc != -BR_ECORRUPT || !cur.key.len))
			break;
		if (rc < 0) /* its checksum is wrong, which is told with its notebook */
			continue;
		if (br_wiki__record_check(cur.key, cur.val, &why) < 0)
			problem(c, cur.key, why.msg);
		else if (br_wiki__read_key(slug, &rest, cur.key))
			check_links(c, cur.key, br_rd_be32(cur.key.ptr), (enum kind)(unsigned char)cur.key.ptr[4], slug);
	}
	br_cur_close(&cur);
	return BR_MIN(rc, 0);
}

int br_wiki_verify(uint64_t *problems, struct br_txn *t, bool fix, br_problem_fn *fn, void *arg, struct br_err *err)
{
	struct care c = { .t = t, .fn = fn, .arg = arg, .problems = problems };
	int rc;

	do { /* a record that goes may leave others without what they name */
		*problems = c.bad.n = 0;
		rc = check_all(&c, err);
		for (size_t i = 0; i < c.bad.n && fix && rc >= 0; i++)
			rc = br_del(t, BR_T_WIKI, br_key_slice(&c.bad.v[i]), err);
	} while (rc >= 0 && fix && c.bad.n);
	br_vec_release(&c.bad);
	return BR_MIN(rc, 0);
}
