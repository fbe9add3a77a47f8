/* Reports of `br health` for machines that watch: the text format of Prometheus, and the line of a Nagios plugin. */
#include "health.h"

#include <stdio.h>

/* ---- Prometheus ---- */

static void label(struct br_buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' || *s == '"')
			br_buf_addc(b, '\\');
		if (*s == '\n')
			br_buf_adds(b, "\\n");
		else
			br_buf_addc(b, *s);
	}
}

static void metric(struct br_buf *b, const char *name, const char *help)
{
	br_buf_addf(b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void sample(struct br_buf *b, const char *name, const struct br_health *h, const struct br_health_rule *rule)
{
	br_buf_addf(b, "%s{notebook=\"", name);
	label(b, h->notebook);
	if (rule)
		br_buf_addf(b, "\",rule=\"%s\",severity=\"%s", rule->name, br_severity_name(rule->severity));
	br_buf_adds(b, "\"} ");
}

typedef double value_fn(const struct br_health *h);
static double score(const struct br_health *h) { return h->score; }
static double documents(const struct br_health *h) { return (double)h->docs; }
static double failed(const struct br_health *h) { return (double)h->failed; }
static double passages(const struct br_health *h) { return (double)h->chunks; }
static double deleted(const struct br_health *h) { return (double)h->dead; }
static double text_bytes(const struct br_health *h) { return (double)h->text_bytes; }
static double generation(const struct br_health *h) { return (double)h->generation; }
static double indexed(const struct br_health *h) { return (double)h->indexed_at; }
static double seconds(const struct br_health *h) { return h->seconds; }
static const struct { const char *name, *help; value_fn *value; } gauges[] = {
	{ "br_health_score", "How well the notebook is kept, 0 to 100.", score },
	{ "br_documents", "Indexed documents.", documents },
	{ "br_documents_failed", "Documents that could not be read or understood.", failed },
	{ "br_passages", "Passages that answer questions.", passages },
	{ "br_passages_deleted", "Deleted passages that are still in the index.", deleted },
	{ "br_text_bytes", "Bytes of stored text.", text_bytes },
	{ "br_generation", "Number of the last commit that changed the notebook.", generation },
	{ "br_last_indexed_timestamp_seconds", "When a document was indexed last, 0 for never.", indexed },
	{ "br_health_duration_seconds", "How long the look at the notebook took.", seconds },
};

static void results(struct br_buf *b, const struct br_healths *all, bool points)
{
	const char *name = points ? "br_health_points" : "br_health_findings";

	metric(b, name, points ? "Points that a rule costs." : "What a rule found, within its tolerance or not.");
	for (size_t i = 0; i < all->v.n; i++)
		for (int k = 0; k < BR_H_COUNT; k++) {
			const struct br_health_result *r = &all->v.v[i].rule[k];
			if (!r->asked)
				continue;
			sample(b, name, &all->v.v[i], br_health_rule((enum br_health_id)k));
			br_buf_addf(b, "%.10g\n", points ? r->points : (double)r->found);
		}
}

void br_health_prometheus(struct br_buf *out, const struct br_ws *ws, const struct br_healths *all)
{
	for (size_t g = 0; g < BR_COUNT(gauges); g++) {
		metric(out, gauges[g].name, gauges[g].help);
		for (size_t i = 0; i < all->v.n; i++) {
			sample(out, gauges[g].name, &all->v.v[i], NULL);
			br_buf_addf(out, "%.15g\n", gauges[g].value(&all->v.v[i]));
		}
	}
	results(out, all, false);
	results(out, all, true);
	metric(out, "br_workspace_bytes", "Size of the data file.");
	br_buf_addf(out, "br_workspace_bytes %llu\n", (unsigned long long)br_store_bytes(ws->store));
}

/* ---- Nagios ---- */

/* A quoted label; a quote in it is doubled, and what would end it or the line is left out. */
static void perf_label(struct br_buf *b, const struct br_health *h, bool several, const char *name)
{
	br_buf_addc(b, '\'');
	for (const char *s = several ? h->notebook : ""; *s; s++)
		if (*s == '\'')
			br_buf_adds(b, "''");
		else if (*s != '=' && *s != '|' && *s != '\n')
			br_buf_addc(b, *s);
	br_buf_addf(b, "%s%s'=", several ? " " : "", name);
}

static void perf(struct br_buf *b, const struct br_health *h, bool several, int64_t warning, int64_t critical)
{
	perf_label(b, h, several, "score");
	br_buf_addf(b, "%d;%lld:;%lld:;0;100 ", h->score, (long long)warning, (long long)critical);
	perf_label(b, h, several, "documents");
	br_buf_addf(b, "%llu;;;0 ", (unsigned long long)h->docs);
	perf_label(b, h, several, "passages");
	br_buf_addf(b, "%llu;;;0", (unsigned long long)h->chunks);
	for (int i = 0; i < BR_H_COUNT; i++)
		if (h->rule[i].asked) {
			br_buf_addc(b, ' ');
			perf_label(b, h, several, br_health_rule((enum br_health_id)i)->name);
			br_buf_addf(b, "%llu;;;0", (unsigned long long)h->rule[i].found);
		}
}

static void say(struct br_buf *b, const struct br_health *h, const char *sep)
{
	const char *comma = ": ";

	br_buf_adds(b, sep);
	for (const char *s = h->notebook; *s; s++)
		br_buf_addc(b, *s == '|' || *s == '\n' ? ' ' : *s);
	br_buf_addf(b, " %d of 100", h->score);
	for (int i = 0; i < BR_H_COUNT; i++)
		if (h->rule[i].counts) {
			br_buf_addf(b, "%s%s %llu", comma, br_health_rule((enum br_health_id)i)->name, (unsigned long long)h->rule[i].found);
			comma = ", ";
		}
}

int br_health_nagios(struct br_buf *out, const struct br_healths *all, int64_t warning, int64_t critical)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	int status = 0;

	for (size_t i = 0; i < all->v.n; i++) {
		int score = all->v.v[i].score, own = score < critical ? 2 : score < warning ? 1 : 0;
		status = BR_MAX(status, own);
	}
	br_buf_addf(out, "BR %s - ", words[status]);
	for (size_t i = 0; i < all->v.n; i++)
		say(out, &all->v.v[i], i ? "; " : "");
	br_buf_adds(out, " | ");
	for (size_t i = 0; i < all->v.n; i++) {
		br_buf_adds(out, i ? " " : "");
		perf(out, &all->v.v[i], all->v.n > 1, warning, critical);
	}
	br_buf_addc(out, '\n');
	return status;
}
