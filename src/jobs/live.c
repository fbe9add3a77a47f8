/*
 * What the thread is at just now, in memory: stages, how far they are, who does not want them any more; and those who watch all that.
 */
#include "internal.h"

#include <stdlib.h>
#include <time.h>

static const char *const stages[] = { "parsing", "cleaning", "chunking", "embedding", "storing" };
static const double shares[] = { 0.02, 0.2, 0.3, 0.35, 0.9, 1 }; /* of the whole, where each begins */

static struct live *find(struct br_jobs *j, const char *doc, bool enhance)
{
	for (size_t i = 0; i < j->live.n; i++)
		if (j->live.v[i].enhance == enhance && !strcmp(j->live.v[i].doc, doc))
			return &j->live.v[i];
	return NULL;
}

static struct live *find_path(struct br_jobs *j, const char *path)
{
	for (size_t i = 0; i < j->live.n; i++)
		if (!j->live.v[i].enhance && !strcmp(j->live.v[i].path, path))
			return &j->live.v[i];
	return NULL;
}

/* Holding mu. */
static void tell(struct br_jobs *j)
{
	j->seq++;
	pthread_cond_broadcast(&j->changed);
}

/* ---- by the thread ---- */

void br_live__begin(struct br_jobs *j, const struct br_job_info *job, const char *path, int64_t limit_ns)
{
	struct live *l;

	pthread_mutex_lock(&j->mu);
	l = br_vec_push(&j->live);
	*l = (struct live){ .nb = job->nb, .enhance = job->enhance, .path = br_strdup(path), .stage = job->enhance ? "enhancing" : "parsing",
		.limit_ns = limit_ns };
	memcpy(l->doc, job->doc, sizeof l->doc);
	pthread_mutex_unlock(&j->mu);
}

void br_live__end(struct br_jobs *j, bool enhance)
{
	size_t n = 0;

	pthread_mutex_lock(&j->mu);
	for (size_t i = 0; i < j->live.n; i++) {
		struct live *l = &j->live.v[i];
		if (l->enhance != enhance) {
			j->live.v[n++] = *l;
			continue;
		}
		free(l->path);
		free(l->why);
	}
	j->live.n = n;
	if (enhance && !j->quit)
		atomic_store(&j->abort, false);
	tell(j);
	pthread_mutex_unlock(&j->mu);
}

void br_live__changed(struct br_jobs *j)
{
	pthread_mutex_lock(&j->mu);
	tell(j);
	pthread_mutex_unlock(&j->mu);
}

/* ---- by ingest and enhance, from any thread ---- */

static bool is_unwanted(struct live *l)
{
	int64_t now = br_mono_ns();

	if (!l->began_ns)
		l->began_ns = now;
	l->late |= l->limit_ns && now - l->began_ns > l->limit_ns;
	return l->cancelled || l->late;
}

bool br_live__stage(const char *path, enum br_ingest_stage stage, double done, void *jobs)
{
	struct br_jobs *j = jobs;
	struct live *l;
	bool unwanted = false;

	pthread_mutex_lock(&j->mu);
	if ((l = find_path(j, path))) {
		bool news = l->stage != stages[stage] || done >= l->done + 0.01;
		l->stage = stages[stage];
		l->done = done;
		unwanted = is_unwanted(l);
		if (news)
			tell(j);
	}
	pthread_mutex_unlock(&j->mu);
	return unwanted;
}

void br_live__event(const struct br_event *e, void *jobs)
{
	struct br_jobs *j = jobs;
	struct live *l;

	if (e->action != BR_ACT_FAIL && e->action != BR_ACT_SKIP)
		return;
	pthread_mutex_lock(&j->mu);
	if ((l = find_path(j, e->path))) {
		free(l->why);
		l->why = br_strdup(e->reason && *e->reason ? e->reason : "nothing to index in it");
	}
	pthread_mutex_unlock(&j->mu);
}

void br_live__progress(const struct br_progress *p, void *jobs)
{
	struct br_jobs *j = jobs;
	bool wanted = false;

	pthread_mutex_lock(&j->mu);
	for (size_t i = 0; i < j->live.n; i++) {
		struct live *l = &j->live.v[i];
		if (!l->enhance)
			continue;
		l->done = p->files_total ? (double)p->files_done / (double)p->files_total : 0;
		wanted |= !is_unwanted(l);
	}
	if (!wanted)
		atomic_store(&j->abort, true);
	tell(j);
	pthread_mutex_unlock(&j->mu);
}

bool br_live__wanted(struct br_jobs *j, const char *doc)
{
	struct live *l;
	bool yes;

	pthread_mutex_lock(&j->mu);
	yes = (l = find(j, doc, true)) && !l->cancelled;
	pthread_mutex_unlock(&j->mu);
	return yes;
}

const char *br_live__failure(struct br_jobs *j, const struct br_job_info *job, bool *cancelled, struct br_arena *a)
{
	const char *why = NULL;
	struct live *l;

	*cancelled = false;
	pthread_mutex_lock(&j->mu);
	if ((l = find(j, job->doc, job->enhance)) && (l->why || l->enhance)) {
		*cancelled = l->cancelled;
		if (l->late && !l->cancelled)
			why = br_arena_printf(a, "it took longer than %lld minutes", (long long)(l->limit_ns / 60000000000));
		else
			why = l->cancelled ? JOB_CANCELLED : br_arena_strdup(a, l->why);
	}
	pthread_mutex_unlock(&j->mu);
	return why;
}

/* ---- by others ---- */

static double share(const struct live *l)
{
	for (size_t i = 0; i < BR_COUNT(stages); i++)
		if (l->stage == stages[i])
			return shares[i] + l->done * (shares[i + 1] - shares[i]);
	return l->done;
}

double br_job_live(struct br_jobs *j, struct br_job_info *job)
{
	double done = job->state >= BR_JOB_SUCCESS;
	struct live *l;

	if (!j || job->state != BR_JOB_PROCESSING)
		return done;
	pthread_mutex_lock(&j->mu);
	if ((l = find(j, job->doc, job->enhance)) && l->nb == job->nb) {
		job->stage = l->stage;
		done = share(l);
	}
	pthread_mutex_unlock(&j->mu);
	return done;
}

/* ---- cancelling ---- */

struct cancel { uint32_t nb; const char *doc; bool enhance; };

static int end_waiting(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct cancel *c = arg;
	struct br_arena a = { 0 };
	struct br_job_info job;
	int rc = c->enhance ? br_job_get_enhance(&job, &a, t, c->nb, c->doc, err) : br_job_get(&job, &a, t, c->nb, c->doc, err);

	if (rc == 0 && job.state > BR_JOB_PROCESSING)
		rc = br_fail(err, BR_EEXISTS, "'%s' is not being processed", job.name);
	if (rc == 0) {
		job.state = BR_JOB_ERROR;
		job.stage = job.error = JOB_CANCELLED;
		job.updated = br_now();
		rc = br_job__put(t, &job, err);
	}
	br_arena_release(&a);
	return rc;
}

/* True: the thread is at it, and was told. */
static bool stop_live(struct br_jobs *j, const struct cancel *c)
{
	bool found = false, wanted = false;

	pthread_mutex_lock(&j->mu);
	for (size_t i = 0; i < j->live.n; i++) {
		struct live *l = &j->live.v[i];
		if (l->nb == c->nb && l->enhance == c->enhance && !strcmp(l->doc, c->doc))
			found = l->cancelled = true;
		wanted |= l->enhance && !l->cancelled;
	}
	if (found && c->enhance && !wanted)
		atomic_store(&j->abort, true);
	pthread_mutex_unlock(&j->mu);
	return found;
}

int br_job_cancel(struct br_jobs *j, struct br_ws *ws, uint32_t nb, const char *doc, bool enhance, struct br_err *err)
{
	struct cancel c = { nb, doc, enhance };
	int rc;

	if (j && stop_live(j, &c))
		return 1;
	rc = br_store_write(ws->store, end_waiting, &c, err);
	if (rc == 0 && j)
		br_live__changed(j);
	return rc;
}

/* ---- watching ---- */

bool br_jobs_watch(struct br_jobs *j, unsigned most)
{
	bool ok;

	pthread_mutex_lock(&j->mu);
	ok = j->watchers < most;
	j->watchers += ok;
	pthread_mutex_unlock(&j->mu);
	return ok;
}

void br_jobs_unwatch(struct br_jobs *j)
{
	pthread_mutex_lock(&j->mu);
	j->watchers--;
	pthread_mutex_unlock(&j->mu);
}

bool br_jobs_wait(struct br_jobs *j, uint64_t *seen, int timeout_ms)
{
	struct timespec until;
	bool news;
	int late = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&j->mu);
	while (j->seq == *seen && !late)
		late = pthread_cond_timedwait(&j->changed, &j->mu, &until);
	news = j->seq != *seen;
	*seen = j->seq;
	pthread_mutex_unlock(&j->mu);
	return news;
}

void br_jobs_stir(struct br_jobs *j)
{
	br_live__changed(j);
}
