/*
 * Documents that say the same: first those with the same bytes, by sorting their SHA-256; of each such set the first by path goes on and
 * is compared with the leaders found so far. Candidates come from bands: four bytes at a time of the signature are a key, and who
 * shares no key with a leader is not compared with it, so that the work does not grow with the number of pairs.
 */
#include "br/os.h"

#include "internal.h"

#include <stdlib.h>

enum {
	BAND = 4,                               /* bytes of a band */
	BANDS = SIGNATURE_BINS / BAND,          /* at 0.8, one of 32 bands is shared but for 1 pair in 10^7; at 0.5, for 1 in 8 */
	PER_KEY = 64,                           /* leaders compared for one key: bounds what a common phrase can cost */
	NONE = -1,
};

struct entry {
	struct br_doc d;
	uint32_t leader;        /* entry it belongs to; its own number: none */
	uint32_t asked;         /* 1 + entry that was compared with it last */
	double similarity;      /* to the leader */
	bool same_bytes;        /* as the leader */
};
struct link { uint32_t leader; int32_t next; };
struct finder {
	struct br_arena arena;
	BR_VEC(struct entry) v;
	int32_t *head;          /* by band and key, first link or NONE */
	uint32_t mask;
	BR_VEC(struct link) link;
	struct br_dup_report *out;
	double threshold;
};

static int gather(const struct br_doc *d, void *arg)
{
	struct finder *f = arg;
	struct entry *e;

	if (d->state != BR_DOC_INDEXED)
		return 0;
	e = br_vec_push(&f->v);
	*e = (struct entry){ .d = { .doc = d->doc, .size = d->size } };
	e->d.path = br_arena_strdup(&f->arena, d->path);
	e->d.title = br_arena_strdup(&f->arena, d->title);
	memcpy(e->d.id, d->id, sizeof d->id);
	memcpy(e->d.sha, d->sha, sizeof d->sha);
	if (d->signature.len)
		e->d.signature = br_slice(br_arena_strndup(&f->arena, d->signature.ptr, d->signature.len), d->signature.len);
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->d.path, ((const struct entry *)b)->d.path);
}

/* ---- the same bytes ---- */

struct ref { uint8_t sha[32]; uint32_t at; };

static int by_sha(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;
	int d = memcmp(x->sha, y->sha, sizeof x->sha);

	return d ? d : (x->at > y->at) - (x->at < y->at);
}

static void join_exact(struct finder *f)
{
	struct ref *r = br_allocn(f->v.n + 1, sizeof *r);

	for (uint32_t i = 0; i < f->v.n; i++) {
		memcpy(r[i].sha, f->v.v[i].d.sha, sizeof r[i].sha);
		r[i].at = f->v.v[i].leader = i;
	}
	qsort(r, f->v.n, sizeof *r, by_sha);
	for (size_t i = 1, first = 0; i < f->v.n; i++) {
		struct entry *e = &f->v.v[r[i].at];
		if (memcmp(r[i].sha, r[first].sha, sizeof r[i].sha)) {
			first = i;
			continue;
		}
		e->leader = r[first].at;
		e->similarity = 1;
		e->same_bytes = true;
	}
	free(r);
}

/* ---- nearly the same text ---- */

/* Where the links of this band of e begin; NULL when no run of words fell into it. */
static int32_t *head_of(struct finder *f, const struct entry *e, int band)
{
	const char *p = e->d.signature.ptr + 1 + band * BAND;
	uint64_t h;

	if (!br_rd_le32(p))
		return NULL;
	h = (br_rd_le32(p) | (uint64_t)band << 32) * 0x9E3779B97F4A7C15u;
	return &f->head[(h >> 32) & f->mask];
}

static void look_at(struct finder *f, uint32_t at, int32_t *head)
{
	struct entry *e = &f->v.v[at];
	int n = 0;

	for (int32_t l = *head; l != NONE && n < PER_KEY; l = f->link.v[l].next, n++) {
		struct entry *lead = &f->v.v[f->link.v[l].leader];
		double s;
		if (lead->asked == at + 1)
			continue;
		lead->asked = at + 1;
		s = br_doc_similarity(&e->d, &lead->d);
		if (s >= f->threshold && s > e->similarity) {
			e->similarity = s;
			e->leader = f->link.v[l].leader;
		}
	}
}

static void join_near(struct finder *f)
{
	uint32_t size = 1024;

	while (size < f->v.n * BANDS / 2 && size < 1u << 30)
		size *= 2;
	f->mask = size - 1;
	f->head = br_allocn(size, sizeof *f->head);
	memset(f->head, 0xff, size * sizeof *f->head);
	for (uint32_t i = 0; i < f->v.n; i++) {
		struct entry *e = &f->v.v[i];
		if (e->leader != i || !e->d.signature.len)
			continue;
		for (int b = 0; b < BANDS; b++) {
			int32_t *head = head_of(f, e, b);
			if (head)
				look_at(f, i, head);
		}
		for (int b = 0; b < BANDS && e->leader == i; b++) {
			int32_t *head = head_of(f, e, b);
			if (!head)
				continue;
			*br_vec_push(&f->link) = (struct link){ i, *head };
			*head = (int32_t)f->link.n - 1;
		}
	}
}

/* Copies of a document that turned out to follow another follow that one, too. */
static void settle(struct finder *f)
{
	for (uint32_t i = 0; i < f->v.n; i++) {
		struct entry *e = &f->v.v[i], *l = &f->v.v[e->leader];
		if (l->leader == e->leader)
			continue;
		e->similarity = l->similarity;
		e->same_bytes = false;
		e->leader = l->leader;
	}
}

/* ---- telling ---- */

/* Entries in order of their leader, then of their path. */
static int by_leader(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;

	if (x->leader != y->leader)
		return x->leader < y->leader ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int tell_group(struct finder *f, struct entry *const *e, size_t n, br_dup_fn *fn, void *arg)
{
	struct br_dup *doc = br_allocn(n, sizeof *doc);
	struct br_dup_group g = { doc, n, true };
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		doc[i] = (struct br_dup){ &e[i]->d, i ? e[i]->similarity : 1, !i || e[i]->same_bytes };
		g.exact &= doc[i].same_bytes;
	}
	*(g.exact ? &f->out->exact : &f->out->near) += 1;
	f->out->copies += n - 1;
	if (fn)
		rc = fn(&g, arg);
	free(doc);
	return rc;
}

static int tell_groups(struct finder *f, br_dup_fn *fn, void *arg)
{
	struct entry **e = br_allocn(f->v.n + 1, sizeof *e);
	int rc = 0;

	for (size_t i = 0; i < f->v.n; i++)
		e[i] = &f->v.v[i];
	qsort(e, f->v.n, sizeof *e, by_leader);
	for (size_t i = 0, j; i < f->v.n && rc == 0; i = j) {
		for (j = i + 1; j < f->v.n && e[j]->leader == e[i]->leader; j++)
			;
		if (j - i > 1)
			rc = tell_group(f, e + i, j - i, fn, arg);
	}
	free(e);
	return rc;
}

int br_duplicates(struct br_dup_report *out, struct br_ws *ws, uint32_t nb, double threshold, br_dup_fn *fn, void *arg,
                  struct br_err *err)
{
	struct finder f = { .out = out, .threshold = threshold };
	struct br_txn *t;
	int rc;

	*out = (struct br_dup_report){ 0 };
	if ((rc = br_txn_read(&t, ws->store, err)) < 0)
		return rc;
	rc = br_doc_each(t, nb, gather, &f, err);
	br_txn_end(t);
	if (rc == 0 && f.v.n) {
		out->docs = f.v.n;
		for (size_t i = 0; i < f.v.n; i++)
			out->bytes_only += !f.v.v[i].d.signature.len;
		qsort(f.v.v, f.v.n, sizeof *f.v.v, by_path);
		join_exact(&f);
		join_near(&f);
		settle(&f);
		rc = tell_groups(&f, fn, arg);
	}
	free(f.head);
	br_vec_release(&f.link);
	br_vec_release(&f.v);
	br_arena_release(&f.arena);
	return rc;
}
