/*
 * Records of jobs: encoder beside decoder (man/br-index.5, JOB); adding, finding, forgetting.
 */
#include "internal.h"

enum { RECORD_VERSION = 1, RECORD_MAX = 1 << 20 };

static const char *const names[] = { "pending", "processing", "success", "error" };

const char *br_job_state_name(enum br_job_state s)
{
	return names[s];
}

static void put_str(struct br_buf *b, const char *s)
{
	br_buf_lstr(b, s ? s : "", s ? strlen(s) : 0);
}

static const char *get_str(struct br_arena *a, struct br_rd *r)
{
	struct br_slice s = br_rd_lstr(r);

	return br_arena_strndup(a, s.len ? s.ptr : "", s.len);
}

static void encode(struct br_buf *b, const struct br_job_info *j)
{
	br_buf_u8(b, RECORD_VERSION);
	put_str(b, j->id);
	put_str(b, j->name);
	br_buf_u8(b, (uint8_t)j->state);
	put_str(b, j->stage);
	put_str(b, j->error);
	put_str(b, j->settings);
	br_buf_le64(b, (uint64_t)j->created);
	br_buf_le64(b, (uint64_t)j->updated);
}

static int decode(struct br_job_info *out, struct br_arena *a, struct br_slice key, struct br_slice rec, struct br_err *err)
{
	struct br_rd r = br_rd(rec);
	uint8_t version = br_rd_u8(&r);
	struct br_slice id = br_rd_lstr(&r);

	*out = (struct br_job_info){ 0 };
	if (version > RECORD_VERSION)
		return br_fail(err, BR_EVERSION, "a job was written by a newer br");
	if (key.len < 40 || key.len > 41 || id.len != 36)
		return br_fail(err, BR_ECORRUPT, "the record of a job is damaged");
	out->nb = br_rd_be32(key.ptr);
	out->enhance = key.len == 41;
	memcpy(out->doc, key.ptr + 4, 36);
	memcpy(out->id, id.ptr, 36);
	out->name = get_str(a, &r);
	out->state = (enum br_job_state)br_rd_u8(&r);
	out->stage = get_str(a, &r);
	out->error = get_str(a, &r);
	out->settings = get_str(a, &r);
	out->created = (int64_t)br_rd_u64(&r);
	out->updated = (int64_t)br_rd_u64(&r);
	if (r.bad || r.p != r.end || out->state > BR_JOB_ERROR)
		return br_fail(err, BR_ECORRUPT, "the record of the job of document %s is damaged", out->doc);
	return 0;
}

void br_job__key(struct br_key *k, uint32_t nb, const char *doc, bool enhance)
{
	br_key_init(k, nb);
	br_key_bytes(k, doc, strnlen(doc, 36));
	if (enhance)
		br_key_bytes(k, "e", 1);
}

int br_job__put(struct br_txn *t, const struct br_job_info *job, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(RECORD_MAX);
	struct br_key k;
	int rc;

	encode(&b, job);
	br_job__key(&k, job->nb, job->doc, job->enhance);
	if ((rc = br_buf_check(&b, "a job", err)) == 0)
		rc = br_put(t, BR_T_JOB, br_key_slice(&k), br_buf_slice(&b), err);
	br_buf_release(&b);
	return rc;
}

static int get(struct br_job_info *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *doc, bool enhance, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	br_job__key(&k, nb, doc, enhance);
	if ((rc = br_get(&val, t, BR_T_JOB, br_key_slice(&k), err)) < 0)
		return rc;
	return rc ? decode(out, a, br_key_slice(&k), val, err) : br_fail(err, BR_ENOTFOUND, "no job for document '%s'", doc);
}

int br_job_get(struct br_job_info *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *doc, struct br_err *err)
{
	return get(out, a, t, nb, doc, false, err);
}

int br_job_get_enhance(struct br_job_info *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *doc, struct br_err *err)
{
	return get(out, a, t, nb, doc, true, err);
}

int br_job_each(struct br_txn *t, uint32_t nb, br_job_fn *fn, void *arg, struct br_err *err)
{
	struct br_cur cur;
	struct br_key k;
	int rc = br_cur_open(&cur, t, BR_T_JOB, err), stop = 0;

	if (rc < 0)
		return rc;
	br_key_init(&k, nb);
	if (nb)
		cur.within = br_key_slice(&k);
	for (rc = br_cur_seek(&cur, nb ? br_key_slice(&k) : br_slice("", 0), err); rc > 0 && !stop; rc = br_cur_next(&cur, err)) {
		struct br_arena a = { 0 };
		struct br_job_info job;
		int bad = decode(&job, &a, cur.key, cur.val, err);
		if (bad == 0)
			stop = fn(&job, arg);
		br_arena_release(&a);
		if (bad < 0) {
			rc = bad;
			break;
		}
	}
	br_cur_close(&cur);
	return rc < 0 ? rc : stop;
}

/* ---- adding and forgetting ---- */

struct change { struct br_ws *ws; const char *notebook, *doc; uint32_t nb; struct br_job_info *job; size_t n; };

static int is_free(struct br_txn *t, uint32_t nb, const char *doc, bool enhance, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_job_info old;
	struct br_err why;
	int rc = get(&old, &a, t, nb, doc, enhance, &why);

	if (rc == 0 && old.state <= BR_JOB_PROCESSING)
		rc = br_fail(err, BR_EEXISTS, "'%s' is being processed", old.name);
	else if (rc == -BR_ENOTFOUND)
		rc = 0;
	else if (rc < 0 && err)
		*err = why;
	br_arena_release(&a);
	return rc;
}

static int add(struct br_txn *t, void *arg, struct br_err *err)
{
	struct change *c = arg;
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc = br_nb_get(&nb, &a, t, c->notebook, err);

	for (size_t i = 0; i < c->n && rc == 0; i++) {
		struct br_job_info *j = &c->job[i];
		struct br_doc *d;
		j->nb = nb->nb;
		if ((rc = br_doc_find(&d, &a, t, c->ws, nb->nb, j->doc, err)) < 0)
			break;
		memcpy(j->doc, d->id, sizeof j->doc);
		if ((rc = is_free(t, nb->nb, j->doc, j->enhance, err)) == 0)
			rc = br_job__put(t, j, err);
	}
	br_arena_release(&a);
	return rc;
}

int br_job_add(struct br_jobs *jobs, struct br_ws *ws, const char *notebook, struct br_job_info *job, size_t n, struct br_err *err)
{
	struct change c = { .ws = ws, .notebook = notebook, .job = job, .n = n };
	int rc;

	for (size_t i = 0; i < n; i++) {
		br_uuid(job[i].id);
		job[i].state = BR_JOB_PENDING;
		job[i].stage = "queued";
		job[i].error = "";
		job[i].created = job[i].updated = br_now();
	}
	if ((rc = br_store_write(ws->store, add, &c, err)) == 0 && jobs)
		br_jobs__wake(jobs);
	return rc;
}

static int forget(struct br_txn *t, void *arg, struct br_err *err)
{
	struct change *c = arg;
	struct br_arena a = { 0 };
	struct br_job_info old;
	struct br_key k;
	int rc = 0;

	for (int enhance = 0; enhance < 2 && rc >= 0; enhance++) {
		if (get(&old, &a, t, c->nb, c->doc, enhance, NULL) == 0 && old.state == BR_JOB_PROCESSING) /* nobody needs one that cannot be read */
			rc = br_fail(err, BR_EEXISTS, "'%s' is being processed", old.name);
		br_job__key(&k, c->nb, c->doc, enhance);
		if (rc >= 0)
			rc = br_del(t, BR_T_JOB, br_key_slice(&k), err);
	}
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

int br_job_forget(struct br_ws *ws, uint32_t nb, const char *doc, struct br_err *err)
{
	struct change c = { .nb = nb, .doc = doc };

	return br_store_write(ws->store, forget, &c, err);
}
