/*
 * Repairs, each of which loses nothing: what is removed from a notebook either stands in it a second time or is gone from a folder that
 * the notebook is to be equal to; what is built or read again can be built and read again. Their order: first what changes documents,
 * then what follows from these. Each step looks for itself, so that it sees what the ones before it did.
 */
#include "internal.h"

#include "br/os.h"

#include <stdio.h>
#include <stdlib.h>

struct fixer {
	struct look l;                  /* fresh for each step */
	struct br_health seen;          /* what the look fills besides */
	struct br_health_opts opts;
	struct br_ws *ws;
	const char *notebook;
	const struct br_fix_opts *o;
	struct br_fixed *out;
	struct br_err *err;
	uint64_t removed;               /* plan: passages that would be deleted */
};

static void tell(struct fixer *f, enum br_health_id rule, enum br_fix what, const char *path, const char *detail, const char *failed)
{
	struct br_fix_event e = { rule, what, path ? path : "", detail, failed };

	*(failed ? &f->out->failed : &f->out->done) += 1;
	if (f->o->event)
		f->o->event(&e, f->o->arg);
}

static bool wanted(const struct fixer *f, enum br_health_id id) { return !f->o->rules || (f->o->rules >> id & 1); }

static int look_anew(struct fixer *f)
{
	look_release(&f->l);
	br_health_release(&f->seen);
	f->l = (struct look){ .ws = f->ws, .out = &f->seen, .opts = &f->opts, .err = f->err };
	return look_gather(&f->l, f->notebook);
}

/* Whether the failure ends the run; else it is told. */
static bool ends(int rc)
{
	static const enum br_code codes[] = { BR_ECANCELLED, BR_ELOCKED, BR_EFULL, BR_EIO, BR_ENOMEM, BR_ECORRUPT, BR_ENOTFOUND };

	for (size_t i = 0; i < BR_COUNT(codes); i++)
		if (rc == -(int)codes[i])
			return true;
	return false;
}

static int outcome(struct fixer *f, enum br_health_id rule, enum br_fix what, const char *path, const char *detail, int rc,
                   const struct br_err *why)
{
	if (rc < 0 && ends(rc))
		return br_fail(f->err, why->code, "%s", why->msg);
	tell(f, rule, what, path, detail, rc < 0 ? why->msg : NULL);
	return 0;
}

/* ---- documents ---- */

/* One commit for all; what is told follows it. */
static int remove_all(struct fixer *f, const uint32_t *doc, size_t n)
{
	return n && !f->o->plan ? br_doc_remove(f->ws, f->l.nb->nb, doc, n, f->err) : 0;
}

static int fix_orphans(struct fixer *f)
{
	BR_VEC(uint32_t) doc = { 0 };
	int rc = look_anew(f);

	for (size_t i = 0; i < f->l.v.n && rc == 0; i++) {
		const struct entry *e = &f->l.v.v[i];
		if (is_orphan(e) && e->unseen)
			tell(f, BR_H_ORPHAN, BR_FIX_REMOVE, e->path, "its file may be gone", "it cannot be looked at");
		else if (is_orphan(e) && orphan_fixable(e))
			*br_vec_push(&doc) = e->doc;
	}
	if (rc == 0)
		rc = remove_all(f, doc.v, doc.n);
	for (size_t i = 0, k = 0; i < f->l.v.n && k < doc.n && rc == 0; i++) {
		const struct entry *e = &f->l.v.v[i];
		const char *why = e->origin == BR_FROM_MEMBER ? "its archive is gone" : "its file is gone";
		if (e->doc != doc.v[k])
			continue;
		k++;
		f->removed += e->chunks;
		tell(f, BR_H_ORPHAN, BR_FIX_REMOVE, e->path, why, NULL);
	}
	br_vec_release(&doc);
	return rc;
}

static int fix_copies(struct fixer *f)
{
	BR_VEC(uint32_t) doc = { 0 };
	struct copies c = { 0 };
	int rc = look_anew(f);

	if (rc == 0)
		find_copies(&c, &f->l);
	for (size_t i = 0; i < c.v.n; i++)
		if (!c.v.v[i].why_not)
			*br_vec_push(&doc) = c.v.v[i].e->doc;
	if (rc == 0)
		rc = remove_all(f, doc.v, doc.n);
	for (size_t i = 0; i < c.v.n && rc == 0; i++) {
		char *detail = br_sprintf("the same bytes as '%s', which stays", c.v.v[i].stays->path);
		if (!c.v.v[i].why_not) {
			f->removed += c.v.v[i].e->chunks;
			tell(f, BR_H_DUPLICATE, BR_FIX_REMOVE, c.v.v[i].e->path, detail, NULL);
		}
		free(detail);
	}
	copies_release(&c);
	br_vec_release(&doc);
	return rc;
}

/* ---- reading again ---- */

static void on_read(const struct br_event *e, void *arg)
{
	struct fixer *f = arg;

	if (e->action == BR_ACT_DELETE) /* a member that its archive does not hold any more */
		tell(f, BR_H_STALE, BR_FIX_REMOVE, e->path, "its archive does not hold it any more", NULL);
	else
		tell(f, BR_H_STALE, BR_FIX_READ, e->path, e->action == BR_ACT_KEEP ? "its file has the same content" : "its file changed",
		     e->action == BR_ACT_FAIL ? e->reason : NULL);
}

/* The very files are named, so that whatever a sync of their folder was told to leave out plays no part. */
static int read_again(struct fixer *f, const char *const *file, size_t n)
{
	struct br_ingest_opts o = { .notebook = f->l.nb->id, .event = on_read, .arg = f };
	struct br_ingest_stats stats;
	struct br_err why = { 0 };
	int rc = br_ingest(&stats, f->ws, file, n, &o, &why);

	if (rc == 0 || rc == -BR_EPARTIAL)
		return 0; /* each was told */
	return outcome(f, BR_H_STALE, BR_FIX_READ, NULL, "files that changed", rc, &why);
}

static int fix_stale(struct fixer *f)
{
	BR_VEC(const char *) file = { 0 };
	int rc = look_anew(f);

	for (size_t i = 0; i < f->l.v.n && rc == 0; i++) {
		const struct entry *e = &f->l.v.v[i];
		if (!is_stale(&f->l, e) || !stale_fixable(e))
			continue;
		*br_vec_push(&file) = br_path_join(f->ws->root, e->path);
		f->removed += e->chunks;
		if (f->o->plan)
			tell(f, BR_H_STALE, BR_FIX_READ, e->path, "its file changed", NULL);
	}
	if (rc == 0 && file.n && !f->o->plan)
		rc = read_again(f, file.v, file.n);
	for (size_t i = 0; i < file.n; i++)
		free((char *)file.v[i]);
	br_vec_release(&file);
	return rc;
}

/* ---- what follows from the documents ---- */

static int fix_garbage(struct fixer *f)
{
	int rc = look_anew(f);
	struct br_gc_opts o = { .passages_only = true };
	struct br_gc_report r;
	struct br_err why = { 0 };
	uint64_t pending = f->o->plan ? f->removed : 0, dead;
	char detail[64];

	if (rc < 0 || !garbage_due(&f->l, dead = f->l.nb->dead + pending, f->l.nb->chunks - BR_MIN(pending, (uint64_t)f->l.nb->chunks)))
		return rc;
	o.notebook = f->l.nb->id;
	snprintf(detail, sizeof detail, "%llu deleted %s", (unsigned long long)dead, dead == 1 ? "passage" : "passages");
	rc = f->o->plan ? 0 : br_gc(&r, f->ws, &o, &why);
	return outcome(f, BR_H_GARBAGE, BR_FIX_COLLECT, NULL, detail, rc, &why);
}

static int count_missing(const struct br_doc *d, uint32_t passages, void *arg)
{
	(void)d;
	*(uint64_t *)arg += passages;
	return 0;
}

static int missing(uint64_t *n, struct fixer *f)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, f->ws->store, f->err);

	*n = 0;
	if (rc < 0)
		return rc;
	if (br_nb_space(f->ws, f->l.nb) == BR_SPACE_BUILTIN)
		rc = br_missing_vectors(f->ws, t, f->l.nb, count_missing, n, f->err);
	br_txn_end(t);
	return rc;
}

static int fix_vectors(struct fixer *f)
{
	struct br_reembed_opts o = { .want = BR_SPACE_BUILTIN };
	struct br_reembed_stats stats;
	struct br_err why = { 0 };
	char detail[64];
	uint64_t n;
	int rc = look_anew(f);

	if (rc < 0 || (rc = missing(&n, f)) < 0 || !n)
		return rc;
	snprintf(detail, sizeof detail, "%llu %s without a vector", (unsigned long long)n, n == 1 ? "passage" : "passages");
	rc = f->o->plan ? 0 : br_nb_reembed(&stats, f->ws, f->l.nb->id, &o, &why);
	return outcome(f, BR_H_MISSING_VECTOR, BR_FIX_EMBED, NULL, detail, rc, &why);
}

static int index_state(struct br_vindex_state *s, struct fixer *f)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, f->ws->store, f->err);

	if (rc < 0)
		return rc;
	rc = br_vindex_state(s, f->ws, t, f->l.nb, f->err);
	br_txn_end(t);
	return rc;
}

static void on_damage(const char *what, void *arg) { tell(arg, BR_H_VECTOR_INDEX, BR_FIX_DROP, NULL, what, NULL); }

/* A kind that was asked for by hand is built again although the settings alone would want none. */
static int build_index(struct fixer *f, const struct br_vindex_state *before)
{
	bool by_hand = !br_vindex_wanted(f->ws, f->l.nb) && before->kind < BR_ANN_KIND_COUNT;
	struct br_vindex_opts o = { .kind = by_hand ? br_ann_kind_name(before->kind) : NULL, .wait_ms = f->ws->wait_ms };
	struct br_vindex_state now = { 0 };
	struct br_err why = { 0 };
	int rc = f->o->plan ? 1 : br_vindex_build(&now, f->ws, f->l.nb->id, &o, &why);

	return rc ? outcome(f, BR_H_VECTOR_INDEX, BR_FIX_BUILD, NULL, before->why, rc, &why) : 0;
}

static int fix_index(struct fixer *f)
{
	struct br_vindex_state before;
	int rc = look_anew(f), bad;

	if (rc < 0 || (rc = index_state(&before, f)) < 0 ||
	    (rc = bad = br_vindex_verify(f->ws, f->l.nb, !f->o->plan, on_damage, f, f->err)) < 0)
		return rc;
	if (!before.due && !(bad && before.wanted))
		return 0;
	return br_ann_faiss(NULL) ? build_index(f, &before) : 0; /* as long as FAISS is not installed nothing is to be done */
}

static int fix_cache(struct fixer *f)
{
	struct br_err why = { 0 }, damage = { 0 };
	int rc = br_embeddings_check(f->ws, false, &damage);

	if (rc != -BR_ECORRUPT && rc != -BR_EVERSION)
		return 0;
	rc = f->o->plan ? 1 : br_embeddings_check(f->ws, true, &why);
	return rc == 0 ? 0 : outcome(f, BR_H_EMBEDDING_CACHE, BR_FIX_DROP, NULL, damage.msg, rc, &why);
}

/* ---- the whole ---- */

static const struct step { enum br_health_id rule; int (*fix)(struct fixer *f); } steps[] = {
	{ BR_H_EMBEDDING_CACHE, fix_cache }, { BR_H_STALE, fix_stale }, { BR_H_ORPHAN, fix_orphans }, { BR_H_DUPLICATE, fix_copies },
	{ BR_H_GARBAGE, fix_garbage }, { BR_H_MISSING_VECTOR, fix_vectors }, { BR_H_VECTOR_INDEX, fix_index },
};

int br_health_fix(struct br_fixed *out, struct br_ws *ws, const char *notebook, const struct br_fix_opts *opts, struct br_err *err)
{
	struct fixer f = { .ws = ws, .notebook = notebook, .o = opts, .out = out, .err = err };
	int rc = 0;

	*out = (struct br_fixed){ 0 };
	for (size_t i = 0; i < BR_COUNT(steps) && rc == 0; i++)
		if (wanted(&f, steps[i].rule) && (rc = br_check_stop(err)) == 0)
			rc = steps[i].fix(&f);
	look_release(&f.l);
	br_health_release(&f.seen);
	if (rc < 0)
		return rc;
	if (opts->plan)
		return out->done ? br_fail(err, BR_ECHANGES, "there is something to do") : 0;
	return out->failed ? br_fail(err, BR_EPARTIAL, "%llu of %llu repairs failed", (unsigned long long)out->failed,
	                             (unsigned long long)(out->done + out->failed)) : 0;
}
