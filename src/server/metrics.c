/*
 * Counters, and their text for Prometheus.
 */
#include "internal.h"

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
	if (s->o.tenancy)
		br_tenancy_metrics(out, s->o.tenancy);
	if (s->o.ws)
		workspace(out, s->o.ws);
}
