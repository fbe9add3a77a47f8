/*
 * Counters, and their text for Prometheus.
 */
#include "internal.h"

#include "br/jobs.h"
#include "br/llm.h"
#include "br/tenant.h"

#include <unistd.h>

const double br_metric__bounds[11] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10 };

void br_metric__count(struct br_metric *m, int status, int64_t ns)
{
	size_t i = 0;

	while (i < BR_COUNT(br_metric__bounds) && (double)ns > br_metric__bounds[i] * 1e9)
		i++;
	atomic_fetch_add_explicit(&m->status[BR_MIN(BR_MAX(status, 0), 599)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->bucket[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->sum_us, (uint64_t)ns / 1000, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->count, 1, memory_order_relaxed);
}

static uint64_t get(_Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static void family(struct br_buf *out, const char *name, const char *type, const char *help)
{
	br_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void number(struct br_buf *out, const char *name, const char *type, const char *help, uint64_t v)
{
	family(out, name, type, help);
	br_buf_addf(out, "%s %llu\n", name, (unsigned long long)v);
}

static void requests_of(struct br_buf *out, const char *route, struct br_metric *m)
{
	for (int i = 0; i < 600; i++)
		if (get(&m->status[i]))
			br_buf_addf(out, "br_http_requests_total{route=\"%s\",status=\"%d\"} %llu\n", route, i, (unsigned long long)get(&m->status[i]));
}

static void latency_of(struct br_buf *out, const char *route, struct br_metric *m)
{
	uint64_t sum = 0;

	if (!get(&m->count))
		return;
	for (size_t i = 0; i < BR_COUNT(br_metric__bounds); i++) {
		sum += get(&m->bucket[i]);
		br_buf_addf(out, "br_http_request_seconds_bucket{route=\"%s\",le=\"%g\"} %llu\n", route, br_metric__bounds[i], (unsigned long long)sum);
	}
	sum += get(&m->bucket[BR_COUNT(br_metric__bounds)]);
	br_buf_addf(out, "br_http_request_seconds_bucket{route=\"%s\",le=\"+Inf\"} %llu\n", route, (unsigned long long)sum);
	br_buf_addf(out, "br_http_request_seconds_sum{route=\"%s\"} %.6f\n", route, (double)get(&m->sum_us) / 1e6);
	br_buf_addf(out, "br_http_request_seconds_count{route=\"%s\"} %llu\n", route, (unsigned long long)sum);
}

struct totals { uint64_t notebooks, docs, chunks, dead, text; };

static int add_notebook(const struct br_nb *nb, void *arg)
{
	struct totals *t = arg;

	t->notebooks++;
	t->docs += nb->docs;
	t->chunks += nb->chunks;
	t->dead += nb->dead;
	t->text += nb->text_bytes;
	return 0;
}

static void workspace(struct br_buf *out, struct br_ws *ws)
{
	struct totals t = { 0 };
	struct br_txn *txn;
	uint64_t generation;

	if (br_txn_read(&txn, ws->store, NULL) < 0)
		return;
	generation = br_txn_generation(txn);
	if (br_nb_each(txn, add_notebook, &t, NULL) == 0) {
		number(out, "br_notebooks", "gauge", "Notebooks of the workspace.", t.notebooks);
		number(out, "br_documents", "gauge", "Documents that are not deleted.", t.docs);
		number(out, "br_passages", "gauge", "Passages that are not deleted.", t.chunks);
		number(out, "br_passages_deleted", "gauge", "Deleted passages that br gc would drop.", t.dead);
		number(out, "br_text_bytes", "gauge", "Text of the documents.", t.text);
	}
	br_txn_end(txn);
	number(out, "br_workspace_generation", "counter", "Commits to the workspace.", generation);
	number(out, "br_workspace_bytes", "gauge", "Size of the data file.", br_store_bytes(ws->store));
}

struct job_counts { uint64_t n[2][BR_JOB_ERROR + 1]; };

static int count_job(const struct br_job_info *job, void *arg)
{
	struct job_counts *c = arg;

	c->n[job->enhance][job->state]++;
	return 0;
}

static void jobs(struct br_buf *out, struct br_ws *ws)
{
	struct job_counts c = { { { 0 } } };
	struct br_txn *t;
	int rc;

	if (br_txn_read(&t, ws->store, NULL) < 0)
		return;
	rc = br_job_each(t, 0, count_job, &c, NULL);
	br_txn_end(t);
	if (rc < 0)
		return;
	family(out, "br_jobs", "gauge", "Jobs of documents that are there, by what became of them.");
	for (int k = 0; k < 2; k++)
		for (int s = 0; s <= BR_JOB_ERROR; s++)
			br_buf_addf(out, "br_jobs{kind=\"%s\",state=\"%s\"} %llu\n", k ? "enhance" : "index", br_job_state_name((enum br_job_state)s), (unsigned long long)c.n[k][s]);
}

/* One family of the model services: for each role what `at` says of it. */
static void of_services(struct br_buf *out, const char *name, const char *help, size_t at)
{
	family(out, name, "counter", help);
	for (int r = 0; r < BR_LLM_ROLES; r++) {
		struct br_llm_usage u;
		uint64_t v;
		br_llm_totals(&u, (enum br_llm_role)r);
		memcpy(&v, (const char *)&u + at, sizeof v);
		br_buf_addf(out, "%s{role=\"%s\"} %llu\n", name, br_llm_role_name((enum br_llm_role)r), (unsigned long long)v);
	}
}

static void services(struct br_buf *out)
{
	of_services(out, "br_model_requests_total", "Requests to model services, repeated ones too.", offsetof(struct br_llm_usage, requests));
	of_services(out, "br_model_retries_total", "Requests that were repeated.", offsetof(struct br_llm_usage, retries));
	of_services(out, "br_model_failures_total", "Calls of model services that failed in the end.", offsetof(struct br_llm_usage, failed));
	of_services(out, "br_model_prompt_tokens_total", "Tokens sent.", offsetof(struct br_llm_usage, prompt_tokens));
	of_services(out, "br_model_completion_tokens_total", "Tokens received.", offsetof(struct br_llm_usage, completion_tokens));
}

static uint64_t resident(void)
{
	struct br_buf b = BR_BUF_INIT(4096);
	unsigned long long pages = 0;
	char *at;

	if (br_file_read(&b, "/proc/self/statm", 4096, NULL) == 0 && (at = strchr(b.ptr, ' ')))
		for (at++; *at >= '0' && *at <= '9'; at++)
			pages = pages * 10 + (unsigned)(*at - '0');
	br_buf_release(&b);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void queue_of(struct br_buf *out, const char *name, struct br_work *w)
{
	unsigned threads, queued, idle;

	pthread_mutex_lock(&w->mu);
	threads = w->threads;
	queued = w->queued;
	idle = w->idle;
	pthread_mutex_unlock(&w->mu);
	br_buf_addf(out, "br_workers{kind=\"%s\",state=\"idle\"} %u\nbr_workers{kind=\"%s\",state=\"busy\"} %u\nbr_workers{kind=\"%s\",state=\"queued\"} %u\n",
	            name, idle, name, threads - idle, name, queued);
}

void br_server_metrics(struct br_buf *out, struct br_server *s)
{
	family(out, "br_http_requests_total", "counter", "Answers by route and status.");
	for (size_t i = 0; i < s->router.row.n; i++)
		requests_of(out, s->router.row.v[i]->route->id, s->router.row.v[i]->metric);
	requests_of(out, "", &s->none);
	family(out, "br_http_request_seconds", "histogram", "From the head of a request to the end of its answer.");
	for (size_t i = 0; i < s->router.row.n; i++)
		latency_of(out, s->router.row.v[i]->route->id, s->router.row.v[i]->metric);
	number(out, "br_http_connections", "gauge", "Open connections.", atomic_load(&s->conns));
	number(out, "br_http_connections_total", "counter", "Connections taken.", get(&s->accepted));
	number(out, "br_http_connections_refused_total", "counter", "Connections turned away for their number.", get(&s->turned_away));
	number(out, "br_http_malformed_total", "counter", "Requests that were not understood or came too slowly.", get(&s->refused));
	number(out, "br_access_log_lost_total", "counter", "Lines of the access log that were lost because nobody took them.", get(&s->log_lost));
	number(out, "br_answers_repeated_total", "counter", "Answers that were given again without work.", get(&s->cache_hits));
	family(out, "br_workers", "gauge", "Threads that run requests, and requests that wait for one.");
	queue_of(out, "quick", &s->quick);
	queue_of(out, "slow", &s->slow);
	number(out, "br_resident_bytes", "gauge", "Memory in use.", resident());
	number(out, "br_uptime_seconds", "gauge", "Since the start.", (uint64_t)(br_mono_ns() - s->started) / 1000000000u);
	services(out);
	if (s->o.tenancy)
		br_tenancy_metrics(out, s->o.tenancy);
	if (!s->o.ws)
		return;
	workspace(out, s->o.ws);
	jobs(out, s->o.ws);
}

static void add_row(const struct br_metric *m, uint64_t *errors, uint64_t *count, uint64_t *us)
{
	for (int status = 500; status < 600; status++)
		*errors += atomic_load_explicit(&m->status[status], memory_order_relaxed);
	*count += atomic_load_explicit(&m->count, memory_order_relaxed);
	*us += atomic_load_explicit(&m->sum_us, memory_order_relaxed);
}

void br_server_load(struct br_server_load *out, struct br_server *s)
{
	uint64_t errors = 0, count = 0, us = 0;

	for (size_t i = 0; i < s->router.row.n; i++)
		add_row(s->router.row.v[i]->metric, &errors, &count, &us);
	*out = (struct br_server_load){ .connections = atomic_load(&s->conns) };
	if (count) {
		out->average_ms = (double)us / 1000 / (double)count;
		out->error_percent = 100.0 * (double)errors / (double)count;
	}
}
