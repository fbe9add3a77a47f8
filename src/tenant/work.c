/*
 * The threads of a tenancy: one indexes documents, in batches of a notebook, one fetches pages, one whole sites, one compiles
 * wikis, one writes the audit and clears up.
 * What a killed server left undone is found in the records when the next one starts.
 */
#include "internal.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = 32 };
static const int64_t SECOND = 1000000000, EMBED_PAUSE = 60;

/* ---- queues ---- */

void queue_add(struct br_tenancy *t, struct worker *w, uint32_t nb, const char *id, int64_t delay_ns)
{
	struct due *d;

	pthread_mutex_lock(&t->mu);
	d = br_vec_push(&w->queue.v);
	*d = (struct due){ .nb = nb, .at_ns = br_mono_ns() + delay_ns };
	memcpy(d->id, id, 37);
	pthread_cond_broadcast(&w->stir);
	pthread_mutex_unlock(&t->mu);
}

static size_t first_due(const struct queue *q)
{
	size_t best = 0;

	for (size_t i = 1; i < q->v.n; i++)
		if (q->v.v[i].at_ns < q->v.v[best].at_ns)
			best = i;
	return best;
}

static void take_out(struct due *out, struct queue *q, size_t i)
{
	*out = q->v.v[i];
	memmove(&q->v.v[i], &q->v.v[i + 1], (q->v.n - i - 1) * sizeof *q->v.v);
	q->v.n--;
}

/* Sleeps until something is stirred, `ns` at most. Under mu. */
static void doze(struct br_tenancy *t, pthread_cond_t *c, int64_t ns)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ns / SECOND;
	until.tv_nsec += ns % SECOND;
	if (until.tv_nsec >= SECOND) {
		until.tv_sec++;
		until.tv_nsec -= SECOND;
	}
	pthread_cond_timedwait(c, &t->mu, &until);
}

bool queue_take(struct due *out, struct br_tenancy *t, struct worker *w)
{
	bool got = false;

	pthread_mutex_lock(&t->mu);
	while (!atomic_load(&t->quit) && !got) {
		size_t i = first_due(&w->queue);
		int64_t left = w->queue.v.n ? w->queue.v.v[i].at_ns - br_mono_ns() : 3600 * SECOND;
		if ((got = left <= 0))
			take_out(out, &w->queue, i);
		else
			doze(t, &w->stir, left);
	}
	pthread_mutex_unlock(&t->mu);
	return got;
}

void tdoc_enqueue(struct br_tenancy *t, const struct br_tdoc *d, int64_t delay_ns)
{
	bool here = !*d->source_uri || (*d->source_hash && d->status != BR_TDOC_EXTRACTING && d->status != BR_TDOC_UPLOADED);

	queue_add(t, here ? &t->index : d->max_pages ? &t->crawl : &t->fetch, d->nb, d->id, delay_ns);
}

/* ---- indexing ---- */

struct batch { struct br_arena arena; BR_VEC(struct br_tdoc) doc; };

static void tell(struct br_tenancy *t, const struct batch *b, enum br_tdoc_status s)
{
	pthread_mutex_lock(&t->mu);
	t->now.docs.v.n = 0;
	t->now.status = s;
	for (size_t i = 0; b && i < b->doc.n; i++) {
		struct due *d = br_vec_push(&t->now.docs.v);
		d->nb = b->doc.v[i].nb;
		memcpy(d->id, b->doc.v[i].id, 37);
	}
	pthread_mutex_unlock(&t->mu);
}

static bool is_unfinished(enum br_tdoc_status s) { return s != BR_TDOC_READY && s != BR_TDOC_FAILED && s != BR_TDOC_DELETED; }

static void add(struct batch *b, struct br_tenancy *t, const struct due *due)
{
	struct br_tdoc d;

	if (tdoc_read(&d, &b->arena, t->ws, due->nb, due->id, NULL) > 0 && is_unfinished(d.status))
		*br_vec_push(&b->doc) = d;
}

/* What waits besides for the same notebook. */
static void add_more(struct batch *b, struct br_tenancy *t, uint32_t nb)
{
	struct due more[BATCH];
	size_t n = 0;

	pthread_mutex_lock(&t->mu);
	for (size_t i = 0; i < t->index.queue.v.n && n < BATCH;)
		if (t->index.queue.v.v[i].nb == nb && t->index.queue.v.v[i].at_ns <= br_mono_ns())
			take_out(&more[n++], &t->index.queue, i);
		else
			i++;
	pthread_mutex_unlock(&t->mu);
	for (size_t i = 0; i < n; i++)
		add(b, t, &more[i]);
}

struct watch { struct br_tenancy *t; const struct batch *b; };

static void on_progress(const struct br_progress *p, void *arg)
{
	const struct watch *w = arg;

	if (p->files_done)
		tell(w->t, w->b, BR_TDOC_EMBEDDING);
}

static int ingest(struct br_tenancy *t, struct batch *b, struct br_err *err)
{
	const char **id = br_arena_zalloc(&b->arena, (b->doc.n + 1) * sizeof *id);
	struct watch w = { t, b };
	struct br_ingest_opts o = { .notebook = b->doc.v[0].kb, .uploads = id, .force = true, .cancel = &t->quit, .progress = on_progress, .arg = &w };
	struct br_ingest_stats stats;
	int rc;

	for (size_t i = 0; i < b->doc.n; i++) {
		struct br_tdoc *d = &b->doc.v[i];
		id[i] = d->id;
		if (d->status == BR_TDOC_RE_EMBEDDING)
			continue;
		if (d->status == BR_TDOC_UPLOADED && strcmp(d->doc_type, "text") && strcmp(d->doc_type, "auto_push"))
			tdoc_set(d, &b->arena, BR_TDOC_EXTRACTING);
		if (d->status != BR_TDOC_CHUNKING && d->status != BR_TDOC_EMBEDDING)
			tdoc_set(d, &b->arena, BR_TDOC_CHUNKING);
	}
	tell(t, b, BR_TDOC_CHUNKING);
	rc = br_ingest(&stats, t->ws, NULL, 0, &o, err);
	return rc == -BR_EPARTIAL ? 0 : rc;
}

static int64_t count_characters(struct br_ws *ws, uint32_t nb, const struct br_doc *d)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_TEXT);
	struct br_txn *t;
	int64_t n = 0;

	if (br_txn_read(&t, ws->store, NULL) < 0)
		return 0;
	if (br_doc_text(&text, NULL, t, nb, d->doc, 0, d->text_bytes, NULL) == 0)
		for (size_t i = 0; i < text.len; i++)
			n += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	br_txn_end(t);
	br_buf_release(&text);
	return n;
}

static void take_outcome(struct br_tdoc *d, struct batch *b, struct br_tenancy *t, const struct br_doc *doc)
{
	bool again = d->status == BR_TDOC_RE_EMBEDDING;

	if (!doc || doc->state != BR_DOC_INDEXED || !doc->chunks) {
		if (again) {
			d->error = "its vectors could not be made anew";
			tdoc_set(d, &b->arena, BR_TDOC_READY);
			return;
		}
		d->error = doc && *doc->error ? doc->error : doc ? "there is nothing in it to index" : "its bytes were lost";
		d->dead = true;
		tdoc_set(d, &b->arena, BR_TDOC_FAILED);
		return;
	}
	if (!again && d->status == BR_TDOC_CHUNKING)
		tdoc_set(d, &b->arena, BR_TDOC_EMBEDDING);
	tdoc_set(d, &b->arena, BR_TDOC_READY);
	d->error = "";
	d->ready = br_now();
	d->ingested = d->ingested ? d->ingested : d->ready;
	d->chunk_count = doc->chunks;
	d->char_count = count_characters(t->ws, d->nb, doc);
	if (!*d->title)
		d->title = *doc->title ? doc->title : d->file_name;
}

/* What came of one document. It may have been deleted meanwhile: then it leaves the index, where it may just have come. */
static int settle(struct br_tenancy *t, struct batch *b, struct br_tdoc *d, struct br_err *err)
{
	struct br_tdoc now;
	struct br_doc *doc;
	int rc;

	pthread_mutex_lock(&t->change);
	rc = tdoc_read(&now, &b->arena, t->ws, d->nb, d->id, err);
	if (rc > 0 && now.status == BR_TDOC_DELETED)
		rc = doc_drop(t->ws, d->nb, d->id, err);
	else if (rc > 0 && (rc = doc_look(&doc, &b->arena, t->ws, d->nb, d->id, err)) == 0) {
		d->depth = now.depth;
		d->version = now.version;
		take_outcome(d, b, t, doc);
		rc = tdoc_write(t->ws, d, err);
	}
	pthread_mutex_unlock(&t->change);
	if (rc == 0 && d->status == BR_TDOC_FAILED)
		atomic_fetch_add(&t->dead_letters, 1);
	if (rc == 0 && d->status == BR_TDOC_READY && *d->replaces && (rc = br_tdoc_delete(t, d->tenant, d->replaces, err)) == -BR_ENOTFOUND)
		rc = 0;
	return rc;
}

/* Tried again later, or for people to look at. */
int tdoc_failed(struct br_tenancy *t, struct br_tdoc *d, struct br_arena *a, const struct br_err *why)
{
	bool upstream = why->code == BR_EUPSTREAM, passing = upstream || why->code == BR_EIO || why->code == BR_ETIMEOUT || why->code == BR_ELOCKED;
	struct br_tdoc now;
	int64_t delay;
	int rc;

	d->error = br_arena_strdup(a, why->msg);
	d->attempts++;
	d->dead = !passing || d->attempts >= TRIES;
	if (d->dead && is_unfinished(d->status) && d->status != BR_TDOC_RE_EMBEDDING) {
		if (d->status == BR_TDOC_UPLOADED)
			tdoc_set(d, a, BR_TDOC_EXTRACTING);
		tdoc_set(d, a, BR_TDOC_FAILED);
		atomic_fetch_add(&t->dead_letters, 1);
	} else if (d->dead && d->status == BR_TDOC_RE_EMBEDDING) {
		tdoc_set(d, a, BR_TDOC_READY);
	}
	pthread_mutex_lock(&t->change);
	if ((rc = tdoc_read(&now, a, t->ws, d->nb, d->id, NULL)) > 0 && now.status != BR_TDOC_DELETED)
		rc = tdoc_write(t->ws, d, NULL);
	pthread_mutex_unlock(&t->change);
	delay = upstream ? EMBED_PAUSE * SECOND : (int64_t)(t->retry_delay * (double)SECOND) << (d->attempts - 1);
	if (rc >= 0 && !d->dead)
		tdoc_enqueue(t, d, delay);
	return rc;
}

static void run_batch(struct br_tenancy *t, struct batch *b)
{
	struct br_err err = { 0 };
	int rc = ingest(t, b, &err);

	for (size_t i = 0; i < b->doc.n && rc == 0; i++)
		if (settle(t, b, &b->doc.v[i], &err) < 0)
			br_log(BR_LOG_ERROR, "document %s: %s", b->doc.v[i].id, err.msg);
	if (rc == -BR_ENOTFOUND || rc == -BR_ECANCELLED) /* the notebook has gone; or we end */
		return;
	for (size_t i = 0; i < b->doc.n && rc < 0; i++)
		tdoc_failed(t, &b->doc.v[i], &b->arena, &err);
}

void work_index(struct br_tenancy *t)
{
	struct due d;

	while (queue_take(&d, t, &t->index)) {
		struct batch b = { 0 };
		add(&b, t, &d);
		add_more(&b, t, d.nb);
		if (b.doc.n)
			run_batch(t, &b);
		tell(t, NULL, BR_TDOC_UPLOADED);
		br_vec_release(&b.doc);
		br_arena_release(&b.arena);
	}
}

/* ---- compiling wikis ---- */

int br_tenancy_compile(struct br_tenancy *t, char job[37], const char *tenant, const char *kb, bool force, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_kb k;
	int rc = br_kb_get(&k, &a, t->ws, tenant, kb, err);
	struct due *d;

	br_arena_release(&a);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&t->mu);
	for (size_t i = 0; i < t->compile.queue.v.n && rc == 0; i++)
		if (t->compile.queue.v.v[i].nb == k.nb)
			rc = br_fail(err, BR_EEXISTS, "the wiki of this knowledge base is being compiled");
	if (rc == 0) {
		d = br_vec_push(&t->compile.queue.v);
		*d = (struct due){ .nb = k.nb, .at_ns = br_mono_ns(), .force = force };
		br_uuid(d->id);
		memcpy(job, d->id, 37);
		pthread_cond_broadcast(&t->compile.stir);
	}
	pthread_mutex_unlock(&t->mu);
	return rc;
}

static int compile(struct br_tenancy *t, const struct due *d, struct br_err *err)
{
	struct br_wiki_compile_opts o = { .force = d->force, .cancel = &t->quit };
	struct br_wiki_model model = { br_wiki_ask_llm, NULL, NULL };
	struct br_wiki_report rep;
	struct br_llm *llm = NULL;
	int rc;

	if (br_llm_configured(t->ws->config, BR_LLM_CHAT) && (rc = br_llm_open(&llm, t->ws->config, BR_LLM_CHAT, err)) < 0)
		return rc;
	if (llm) {
		model.arg = llm;
		model.name = br_llm_info(llm)->model;
		o.model = &model;
	}
	rc = br_wiki_compile(&rep, t->ws, d->nb, &o, err);
	br_llm_close(llm);
	return rc == -BR_EPARTIAL || rc == -BR_ECANCELLED || rc == -BR_ENOTFOUND ? 0 : rc;
}

void work_compile(struct br_tenancy *t)
{
	struct br_err err = { 0 };
	struct due d;

	while (queue_take(&d, t, &t->compile))
		if (compile(t, &d, &err) < 0)
			br_log(BR_LOG_ERROR, "compiling a wiki: %s", err.msg);
}

/* ---- care ---- */

static void clear_up(struct br_tenancy *t)
{
	struct br_err err = { 0 };
	uint64_t n;

	if (br_tdoc_purge(&n, t->ws, br_now() - BR_TDOC_KEEP_DELETED, &err) < 0 || session_purge(t, &err) < 0)
		br_log(BR_LOG_ERROR, "clearing up: %s", err.msg);
}



/* Once a day every wiki is looked at. */
static void lint_all(struct br_tenancy *t)
{
	struct br_wiki_lint_opts o = { 0 };
	struct br_wiki_linted done;
	struct br_arena a = { 0 };
	struct br_kbs kbs = { 0 };
	struct br_err err = { 0 };
	int rc = kb_each(&kbs, &a, t->ws, NULL, &err);

	for (size_t i = 0; i < kbs.v.n && rc >= 0 && !atomic_load(&t->quit); i++)
		if (kbs.v.v[i].wiki_enabled && (rc = br_wiki_lint(&done, t->ws, kbs.v.v[i].nb, &o, &err)) < 0)
			rc = rc == -BR_ECHECK || rc == -BR_EEXISTS ? 0 : rc;
	if (rc < 0)
		br_log(BR_LOG_ERROR, "the daily check of wikis: %s", err.msg);
	br_vec_release(&kbs.v);
	br_arena_release(&a);
}

static void work_care(struct br_tenancy *t)
{
	struct br_err err = { 0 };
	int64_t hour = 0, day = br_now();
	bool go = true;

	while (go) {
		pthread_mutex_lock(&t->mu);
		if (!atomic_load(&t->quit))
			doze(t, &t->care.stir, SECOND);
		go = !atomic_load(&t->quit);
		pthread_mutex_unlock(&t->mu);
		if (audit_flush(t, &err) < 0 && !atomic_fetch_add(&t->failed_flush, 1))
			br_log(BR_LOG_ERROR, "the audit: %s", err.msg);
		if (go && br_now() - hour >= 3600) {
			clear_up(t);
			hour = br_now();
		}
		if (go && br_now() - day >= 86400) {
			lint_all(t);
			day = br_now();
		}
	}
}

/* ---- beginning and end ---- */

struct left { struct br_tenancy *t; struct br_arena a; uint32_t nb; };

static int take_up(const char *name, const char *json, void *arg)
{
	struct left *l = arg;
	struct br_tdoc d;

	(void)name;
	tdoc_decode(&d, &l->a, l->nb, json);
	if (is_unfinished(d.status))
		tdoc_enqueue(l->t, &d, 0);
	else if (d.max_pages && !d.depth && d.status == BR_TDOC_READY)
		queue_add(l->t, &l->t->crawl, d.nb, d.id, 0);
	return 0;
}

static int take_up_all(struct br_tenancy *t, struct br_err *err)
{
	struct left l = { .t = t };
	struct br_kbs kbs = { 0 };
	int rc = kb_each(&kbs, &l.a, t->ws, NULL, err);

	for (size_t i = 0; i < kbs.v.n && rc == 0; i++) {
		l.nb = kbs.v.v[i].nb;
		rc = br_keep_under(&l.a, t->ws, l.nb, BR_KEEP_TDOC, "", take_up, &l, err);
	}
	br_vec_release(&kbs.v);
	br_arena_release(&l.a);
	return rc;
}

struct start { struct br_tenancy *t; struct worker *w; };

static void *run(void *arg)
{
	struct start s = *(struct start *)arg;

	free(arg);
	s.w->run(s.t);
	return NULL;
}

static int start(struct br_tenancy *t, struct worker *w, void (*fn)(struct br_tenancy *t), struct br_err *err)
{
	struct start *s = br_alloc(sizeof *s);
	sigset_t all, old;
	int rc;

	*s = (struct start){ t, w };
	w->run = fn;
	sigfillset(&all); /* they are the main thread's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&w->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc) {
		free(s);
		return br_fail(err, BR_ENOMEM, "cannot start a thread for tenants");
	}
	w->started = true;
	return 0;
}

static void models_of(struct br_tenancy *t)
{
	const char *main = br_config_get(t->ws->config, "chat.model", NULL), *small = br_config_get(t->ws->config, "tenant.small_model", NULL);
	const char *more = br_config_get(t->ws->config, "tenant.models", NULL);
	struct br_router_model m[16];
	size_t n = 0;

	if (br_llm_configured(t->ws->config, BR_LLM_CHAT)) /* without a name: the one that the service has by default */
		m[n++] = (struct br_router_model){ main ? br_arena_strdup(&t->config, main) : NULL, false };
	for (; more && *more && n < 15; more += strspn(more, ", ")) {
		size_t len = strcspn(more, ", ");
		if (len)
			m[n++] = (struct br_router_model){ br_arena_strndup(&t->config, more, len), false };
		more += len;
	}
	if (small && *small)
		m[n++] = (struct br_router_model){ br_arena_strdup(&t->config, small), true };
	t->router = br_router_new(m, n, NULL);
}

int br_tenancy_open(struct br_tenancy **out, struct br_ws *ws, struct br_err *err)
{
	struct br_tenancy *t = br_alloc(sizeof *t);
	int rc;

	t->ws = ws;
	pthread_mutex_init(&t->mu, NULL);
	pthread_mutex_init(&t->change, NULL);
	pthread_mutex_init(&t->cache_mu, NULL);
	pthread_cond_init(&t->index.stir, NULL);
	pthread_cond_init(&t->fetch.stir, NULL);
	pthread_cond_init(&t->crawl.stir, NULL);
	pthread_cond_init(&t->compile.stir, NULL);
	pthread_cond_init(&t->care.stir, NULL);
	t->retry_delay = br_config_num(ws->config, "tenant.retry_delay");
	t->scrape_delay = br_config_num(ws->config, "tenant.scrape_delay");
	models_of(t);
	if ((rc = take_up_all(t, err)) < 0 || (rc = start(t, &t->index, work_index, err)) < 0 || (rc = start(t, &t->fetch, work_fetch, err)) < 0 ||
	    (rc = start(t, &t->crawl, work_crawl, err)) < 0 || (rc = start(t, &t->compile, work_compile, err)) < 0 ||
	    (rc = start(t, &t->care, work_care, err)) < 0) {
		br_tenancy_close(t);
		t = NULL;
	}
	*out = t;
	return rc;
}

static void stop(struct br_tenancy *t, struct worker *w)
{
	pthread_mutex_lock(&t->mu);
	pthread_cond_broadcast(&w->stir);
	pthread_mutex_unlock(&t->mu);
	if (w->started)
		pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->stir);
	br_vec_release(&w->queue.v);
}

void br_tenancy_close(struct br_tenancy *t)
{
	if (!t)
		return;
	atomic_store(&t->quit, true);
	stop(t, &t->index);
	stop(t, &t->fetch);
	stop(t, &t->crawl);
	stop(t, &t->compile);
	stop(t, &t->care);
	if (t->stamps) {
		t->stamps->refs = 1;
		stamps_put(t, t->stamps);
	}
	cache_free(t);
	br_router_free(t->router);
	br_vec_release(&t->now.docs.v);
	br_vec_release(&t->audit);
	br_arena_release(&t->audit_arena);
	br_arena_release(&t->config);
	pthread_mutex_destroy(&t->mu);
	pthread_mutex_destroy(&t->change);
	pthread_mutex_destroy(&t->cache_mu);
	free(t);
}

int br_tenancy_kb_delete(struct br_tenancy *t, const char *tenant, const char *id, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_kb kb;
	int rc;

	pthread_mutex_lock(&t->change);
	if ((rc = br_kb_get(&kb, &a, t->ws, tenant, id, err)) == 0)
		rc = br_nb_delete(t->ws, kb.id, err);
	pthread_mutex_unlock(&t->change);
	br_arena_release(&a);
	return rc;
}
