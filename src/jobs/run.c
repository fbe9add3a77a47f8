/*
 * The threads that run jobs: one indexes, one enhances. Each takes what is pending, oldest notebook first, in batches of equal settings; marks them as processing
 * in one commit, lets ingest do its work, and writes what became of each in another.
 */
#include "internal.h"

#include "br/enhance.h"
#include "br/json.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define NICE 5 /* who asks goes first */

struct batch {
	struct br_arena arena;
	BR_VEC(struct br_job_info) job;
	bool enhance;
};

void br_jobs__wake(struct br_jobs *j)
{
	pthread_mutex_lock(&j->mu);
	j->lane[0].news = j->lane[1].news = true;
	j->seq++;
	pthread_cond_broadcast(&j->stir);
	pthread_cond_broadcast(&j->changed);
	pthread_mutex_unlock(&j->mu);
}

static int gather(const struct br_job_info *job, void *arg)
{
	struct batch *b = arg;
	struct br_job_info *mine;

	if (job->state > BR_JOB_PROCESSING || job->enhance != b->enhance)
		return 0;
	if (b->job.n && (job->nb != b->job.v[0].nb || strcmp(job->settings, b->job.v[0].settings)))
		return 0;
	mine = br_vec_push(&b->job);
	*mine = *job;
	mine->name = br_arena_strdup(&b->arena, job->name);
	mine->settings = br_arena_strdup(&b->arena, job->settings);
	mine->error = mine->stage = "";
	return b->job.n >= JOB_BATCH;
}

static int next_batch(struct batch *b, struct br_ws *ws, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_job_each(t, 0, gather, b, err);
	br_txn_end(t);
	return BR_MIN(rc, 0);
}

/* ---- states ---- */

/* 0: it was cancelled while it waited, which stays written. */
static int goes_on(struct br_txn *t, struct br_job_info *job, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_job_info now;
	int rc = job->enhance ? br_job_get_enhance(&now, &a, t, job->nb, job->doc, err) : br_job_get(&now, &a, t, job->nb, job->doc, err);

	if (rc == 0 && now.state > BR_JOB_PROCESSING)
		job->state = BR_JOB_ERROR;
	else if (rc == 0)
		rc = 1;
	br_arena_release(&a);
	return rc;
}

static int put_states(struct br_txn *t, void *arg, struct br_err *err)
{
	struct batch *b = arg;
	struct br_slice val;
	struct br_key k;
	int rc = 0;

	for (size_t i = 0; i < b->job.n && rc >= 0; i++) {
		br_job__key(&k, b->job.v[i].nb, b->job.v[i].doc, b->job.v[i].enhance);
		if ((rc = br_get(&val, t, BR_T_JOB, br_key_slice(&k), err)) > 0 && (rc = goes_on(t, &b->job.v[i], err)) > 0)
			rc = br_job__put(t, &b->job.v[i], err);
	}
	return BR_MIN(rc, 0);
}

static int set_states(struct batch *b, struct br_jobs *j, enum br_job_state state, const char *stage, struct br_err *err)
{
	int rc;

	for (size_t i = 0; i < b->job.n; i++) {
		if (b->job.v[i].state == BR_JOB_ERROR)
			continue;
		b->job.v[i].state = state;
		b->job.v[i].stage = stage;
		b->job.v[i].updated = br_now();
	}
	rc = br_store_write(j->ws->store, put_states, b, err);
	br_live__changed(j);
	return rc;
}

static void failed(struct batch *b, struct br_job_info *job, const char *stage, const char *why)
{
	job->state = BR_JOB_ERROR;
	job->stage = stage;
	job->error = br_arena_strdup(&b->arena, why);
	job->updated = br_now();
}

/* What ingest said of the documents, or what is written in their own records. */
static int read_outcomes(struct batch *b, struct br_jobs *j, struct br_err *err)
{
	struct br_txn *t;
	uint64_t most = (uint64_t)br_config_int(j->ws->config, "ingest.max_file");
	int rc = br_txn_read(&t, j->ws->store, err);

	for (size_t i = 0; i < b->job.n && rc == 0; i++) {
		struct br_job_info *job = &b->job.v[i];
		struct br_doc *d;
		bool cancelled;
		const char *why = br_live__failure(j, job, &cancelled, &b->arena);
		if (job->state == BR_JOB_ERROR)
			continue;
		if (br_doc_find(&d, &b->arena, t, j->ws, job->nb, job->doc, NULL) < 0)
			failed(b, job, "failed", "the document was deleted");
		else if (!job->enhance && d->state == BR_DOC_UPLOADED && d->size > most)
			failed(b, job, "failed", br_arena_printf(&b->arena, "larger than %llu MB (ingest.max_file)", (unsigned long long)most >> 20));
		else if (why)
			failed(b, job, cancelled ? JOB_CANCELLED : "failed", why);
		else if (job->enhance)
			continue;
		else if (d->state == BR_DOC_FAILED || d->state == BR_DOC_SKIPPED)
			failed(b, job, "failed", d->error[0] ? d->error : "nothing to index in it");
		else if (d->state == BR_DOC_UPLOADED)
			failed(b, job, "failed", "it was not indexed");
	}
	if (rc == 0)
		br_txn_end(t);
	return rc;
}

/* ---- one batch ---- */

struct how { struct br_chunk_opts chunking; bool chunked, ocr, contextual; };

static bool is_true(const struct br_jval *v, const char *key)
{
	bool b;

	return br_jval_bool(&b, br_jval_get(v, key)) && b;
}

/* A job without settings takes those of the notebook. */
static void get_how(struct how *out, const struct br_job_info *job)
{
	const struct br_jval *root;
	struct br_jdoc *doc;
	const char *word;
	double v;

	if (br_jdoc_parse(&doc, br_slice_str(job->settings), "settings", NULL) < 0)
		return;
	root = br_jdoc_root(doc);
	if (br_jval_num(&v, br_jval_get(root, "chunk_size")))
		out->chunking.size = (uint32_t)v;
	if (br_jval_num(&v, br_jval_get(root, "chunk_overlap")))
		out->chunking.overlap = (uint32_t)v;
	if ((word = br_jval_str(br_jval_get(root, "chunking_strategy"))))
		out->chunking.how = !strncmp(word, "Recursive", 9) ? BR_CHUNK_RECURSIVE : BR_CHUNK_STRUCTURE;
	word = br_jval_str(br_jval_get(root, "parser"));
	out->ocr = is_true(root, "enable_multimodal_processing") || (word && strstr(word, "OCR"));
	out->contextual = is_true(root, "enable_contextual_retrieval");
	out->chunked = out->chunking.overlap < out->chunking.size;
	br_jdoc_free(doc);
}

static int notebook_of(struct br_nb **out, struct batch *b, struct br_ws *ws, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_nb_by_number(out, &b->arena, t, b->job.v[0].nb, err);
	br_txn_end(t);
	return rc;
}

static int index_batch(struct batch *b, struct br_jobs *j, struct br_err *err)
{
	const char **id = br_arena_zalloc(&b->arena, (b->job.n + 1) * sizeof *id);
	struct br_ingest_opts o = { .uploads = id, .force = true, .cancel = &j->cancel, .stage = br_live__stage, .event = br_live__event, .arg = j };
	struct br_ingest_stats stats;
	struct how how = { .chunked = false };
	struct br_nb *nb;
	size_t n = 0;
	int rc = notebook_of(&nb, b, j->ws, err);

	if (rc < 0)
		return rc;
	how.chunking = nb->chunking;
	get_how(&how, &b->job.v[0]);
	o.chunking = how.chunked ? &how.chunking : NULL;
	o.ocr = how.ocr;
	o.notebook = nb->id;
	for (size_t i = 0; i < b->job.n; i++)
		if (b->job.v[i].state != BR_JOB_ERROR)
			id[n++] = b->job.v[i].doc;
	rc = n ? br_ingest(&stats, j->ws, NULL, 0, &o, err) : 0;
	return rc == -BR_EPARTIAL ? 0 : rc;
}

/* ---- contexts ---- */

struct wanted { struct batch *b; struct br_jobs *j; };

static bool is_wanted(const struct br_doc *d, void *arg)
{
	const struct wanted *w = arg;

	for (size_t i = 0; i < w->b->job.n; i++)
		if (w->b->job.v[i].state != BR_JOB_ERROR && !strcmp(w->b->job.v[i].doc, d->id))
			return br_live__wanted(w->j, d->id);
	return false;
}

static int enhance_batch(struct batch *b, struct br_jobs *j, struct br_err *err)
{
	struct wanted w = { b, j };
	struct br_enhance_stats stats;
	struct br_enhance_opts o = { .want = is_wanted, .want_arg = &w, .cancel = &j->abort, .progress = br_live__progress, .arg = j };
	struct br_nb *nb;
	int rc = notebook_of(&nb, b, j->ws, err);

	if (rc < 0)
		return rc;
	o.notebook = nb->id;
	rc = br_enhance(&stats, j->ws, &o, err);
	if (rc == -BR_ECANCELLED && !br_stop_signal() && !atomic_load(&j->cancel)) /* nobody wants it any more */
		rc = 0;
	return rc == -BR_EPARTIAL ? 0 : rc;
}

/* Documents that were indexed and are to have contexts get them next, if there is a model to write them. */
static int go_on(struct batch *b, struct br_jobs *j, struct br_err *err)
{
	struct br_job_info *more = br_arena_zalloc(&b->arena, (b->job.n + 1) * sizeof *more);
	struct how how = { .contextual = false };
	struct br_err why;
	struct br_nb *nb;
	size_t n = 0;
	int rc;

	get_how(&how, &b->job.v[0]);
	if (b->job.v[0].enhance || !how.contextual || !br_llm_configured(j->ws->config, BR_LLM_CHAT))
		return 0;
	for (size_t i = 0; i < b->job.n; i++) {
		if (b->job.v[i].state != BR_JOB_SUCCESS)
			continue;
		more[n] = (struct br_job_info){ .enhance = true, .name = b->job.v[i].name, .settings = "{}" };
		memcpy(more[n++].doc, b->job.v[i].doc, sizeof more[0].doc);
	}
	if ((rc = notebook_of(&nb, b, j->ws, &why)) == 0 && n)
		rc = br_job_add(j, j->ws, nb->id, more, n, &why);
	if (rc == -BR_EEXISTS || rc == -BR_ENOTFOUND) /* on its way already, or gone */
		return 0;
	return rc < 0 ? br_fail(err, why.code, "%s", why.msg) : 0;
}

static int begin_live(struct batch *b, struct br_jobs *j, struct br_err *err)
{
	struct br_nb_values *v;
	struct br_nb *nb;
	struct br_txn *t;
	int64_t limit;
	int rc = notebook_of(&nb, b, j->ws, err);

	if (rc == -BR_ENOTFOUND) /* it went, and its jobs with it */
		return 0;
	if (rc < 0 || (rc = br_txn_read(&t, j->ws->store, err)) < 0)
		return rc;
	v = br_nb_values_new(nb);
	limit = br_nb_int(v, "ingest.timeout_minutes") * 60 * 1000000000;
	br_nb_values_free(v);
	for (size_t i = 0; i < b->job.n; i++) {
		struct br_doc *d;
		if (br_doc_find(&d, &b->arena, t, j->ws, b->job.v[i].nb, b->job.v[i].doc, NULL) == 0)
			br_live__begin(j, &b->job.v[i], d->path, b->job.v[i].enhance ? 0 : limit);
	}
	br_txn_end(t);
	return 0;
}

static int run_batch(struct batch *b, struct br_jobs *j, struct br_err *err)
{
	bool enhance = b->job.v[0].enhance;
	int rc = set_states(b, j, BR_JOB_PROCESSING, enhance ? "enhancing" : "parsing", err);

	if (rc < 0)
		return rc;
	rc = enhance ? enhance_batch(b, j, err) : index_batch(b, j, err);
	if (rc == -BR_ECANCELLED || rc == -BR_ELOCKED) /* as it was: to be gone on with */
		return rc;
	for (size_t i = 0; i < b->job.n && rc < 0; i++)
		failed(b, &b->job.v[i], "failed", err->msg);
	if (rc == 0 && (rc = read_outcomes(b, j, err)) < 0)
		return rc;
	return (rc = set_states(b, j, BR_JOB_SUCCESS, "completed", err)) < 0 ? rc : go_on(b, j, err);
}

/* 1: there was something to do. */
static int run_some(struct lane *l, struct br_err *err)
{
	struct batch b = { .enhance = l->enhance };
	struct br_jobs *j = l->j;
	int rc = next_batch(&b, j->ws, err);

	if (rc == 0 && b.job.n && (rc = begin_live(&b, j, err)) == 0 && (rc = run_batch(&b, j, err)) == 0)
		rc = 1;
	br_live__end(j, l->enhance);
	if (b.job.n)
		malloc_trim(0); /* what many passages needed goes back to the system: the server may run for months */
	br_vec_release(&b.job);
	br_arena_release(&b.arena);
	return rc;
}

/* ---- the threads ---- */

/* False: to end. After a failure another try is made in a while. */
static bool wait_for_news(struct lane *l, bool soon)
{
	struct br_jobs *j = l->j;
	struct timespec until;
	bool go;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	pthread_mutex_lock(&j->mu);
	while (!j->quit && !l->news)
		if (soon ? pthread_cond_timedwait(&j->stir, &j->mu, &until) != 0 : pthread_cond_wait(&j->stir, &j->mu) != 0)
			break;
	l->news = false;
	go = !j->quit;
	pthread_mutex_unlock(&j->mu);
	return go;
}

static void *run(void *arg)
{
	struct lane *l = arg;
	struct br_err err = { 0 };
	int rc;

	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* of this thread; what it starts inherits it */
	do {
		while ((rc = run_some(l, &err)) > 0 && !atomic_load(&l->j->cancel))
			;
		if (rc < 0 && rc != -BR_ECANCELLED)
			br_log(BR_LOG_ERROR, "a job in the background: %s", err.msg);
	} while (wait_for_news(l, rc < 0));
	return NULL;
}

static int start_lanes(struct br_jobs *j)
{
	sigset_t all, old;
	int e = 0;

	sigfillset(&all); /* they are the main thread's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (size_t i = 0; i < BR_COUNT(j->lane) && !e; i++) {
		j->lane[i] = (struct lane){ .j = j, .enhance = i };
		e = pthread_create(&j->lane[i].thread, NULL, run, &j->lane[i]);
		j->lane[i].runs = !e;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return e;
}

int br_jobs_start(struct br_jobs **out, struct br_ws *ws, struct br_err *err)
{
	struct br_jobs *j = br_alloc(sizeof *j);

	*out = NULL;
	j->ws = ws;
	pthread_mutex_init(&j->mu, NULL);
	pthread_cond_init(&j->stir, NULL);
	pthread_cond_init(&j->changed, NULL);
	j->seq = 1;
	if (start_lanes(j)) {
		br_jobs_stop(j);
		return br_fail(err, BR_ENOMEM, "cannot start a thread for jobs");
	}
	*out = j;
	return 0;
}

void br_jobs_stop(struct br_jobs *j)
{
	if (!j)
		return;
	atomic_store(&j->cancel, true);
	pthread_mutex_lock(&j->mu);
	j->quit = true;
	atomic_store(&j->abort, true);
	pthread_cond_broadcast(&j->stir);
	pthread_mutex_unlock(&j->mu);
	for (size_t i = 0; i < BR_COUNT(j->lane); i++)
		if (j->lane[i].runs)
			pthread_join(j->lane[i].thread, NULL);
	pthread_mutex_destroy(&j->mu);
	pthread_cond_destroy(&j->stir);
	pthread_cond_destroy(&j->changed);
	br_vec_release(&j->live);
	free(j);
}
