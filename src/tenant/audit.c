/*
 * A record for each question: gathered in memory, written by the care thread once a second in one commit, together with the sums by path.
 * The newest of each tenant are kept.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const names[] = {
#define X(id, name) name,
	BR_PATH_LIST(X)
#undef X
};
const char *br_path_name(enum br_path p) { return names[p]; }

static const struct member members[] = {
	MEM(br_audit, at_ms, 'i'), MEM(br_audit, tenant, 's'), MEM(br_audit, kb, 's'), MEM(br_audit, question, 's'), MEM(br_audit, answer, 's'), MEM(br_audit, path, 's'),
	MEM(br_audit, intent, 's'), MEM(br_audit, by, 's'), MEM(br_audit, sources, 's'), MEM(br_audit, vote, 's'), MEM(br_audit, from_wiki, 'b'),
	MEM(br_audit, prompt, 'i'), MEM(br_audit, completion, 'i'), { NULL },
};

static char *encode(struct br_arena *a, const struct br_audit *q)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct br_json j;
	char *s;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	record_write(&j, members, q);
	br_json_knum(&j, "took_ms", q->took_ms, 3);
	br_json_knum(&j, "score", q->score, 6);
	br_json_end(&j);
	s = br_arena_strndup(a, b.ptr, b.len);
	br_buf_release(&b);
	return s;
}

static int decode(struct br_audit *out, struct br_arena *a, const char *json)
{
	struct br_jdoc *doc;

	*out = (struct br_audit){ 0 };
	if (br_jdoc_parse(&doc, br_slice_str(json), "a record", NULL) < 0)
		return -1;
	record_fields(out, a, members, br_jdoc_root(doc));
	(void)!br_jval_num(&out->took_ms, br_jval_get(br_jdoc_root(doc), "took_ms"));
	(void)!br_jval_num(&out->score, br_jval_get(br_jdoc_root(doc), "score"));
	br_jdoc_free(doc);
	return 0;
}

/* ---- gathering ---- */

void audit_add(struct br_tenancy *t, const struct br_audit *q, enum br_path path)
{
	struct br_arena *a = &t->audit_arena;
	bool full;

	atomic_fetch_add(&t->paths[path], 1);
	atomic_fetch_add(&t->path_us[path], (uint64_t)(q->took_ms * 1000));
	pthread_mutex_lock(&t->mu);
	*br_vec_push(&t->audit) = (struct br_keep_row){ 0, BR_KEEP_AUDIT,
		br_arena_printf(a, "%s/%013lld-%08llx", q->tenant, (long long)q->at_ms, (unsigned long long)(t->audit_seq++ & 0xffffffff)), encode(a, q) };
	full = t->audit.n >= AUDIT_BATCH;
	if (full)
		pthread_cond_signal(&t->care.stir);
	pthread_mutex_unlock(&t->mu);
}

/* ---- writing ---- */

struct sums { char tenant[37]; uint64_t n[BR_PATH_COUNT], added; };
typedef BR_VEC(struct sums) all_sums;
struct taken { BR_VEC(struct br_keep_row) row; struct br_arena arena; };

static void read_sums(uint64_t *n, const char *json)
{
	struct br_jdoc *doc;
	double d;

	if (!json || br_jdoc_parse(&doc, br_slice_str(json), "sums", NULL) < 0)
		return;
	for (int i = 0; i < BR_PATH_COUNT; i++)
		if (br_jval_num(&d, br_jval_get(br_jdoc_root(doc), names[i])))
			n[i] += (uint64_t)d;
	br_jdoc_free(doc);
}

static int path_of(struct br_arena *a, const char *json)
{
	const char *path = br_keep_member(a, json, "path");

	for (int i = 0; path && i < BR_PATH_COUNT; i++)
		if (!strcmp(names[i], path))
			return i;
	return BR_PATH_NOTHING;
}

static int sums_of(struct sums **out, all_sums *all, struct br_arena *a, struct br_tenancy *t, const char *row, struct br_err *err)
{
	const char *json;
	int rc;

	for (size_t i = 0; i < all->n; i++)
		if (!strncmp(all->v[i].tenant, row, 36)) {
			*out = &all->v[i];
			return 0;
		}
	*out = br_vec_push(all);
	**out = (struct sums){ 0 };
	memcpy((*out)->tenant, row, 36);
	if ((rc = br_keep_get(&json, a, t->ws, 0, BR_KEEP_AUDIT_SUM, (*out)->tenant, err)) == 0)
		read_sums((*out)->n, json);
	return rc;
}

static char *sums_text(struct br_arena *a, const struct sums *s)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct br_json j;
	char *text;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	for (int i = 0; i < BR_PATH_COUNT; i++)
		br_json_kuint(&j, names[i], s->n[i]);
	br_json_end(&j);
	text = br_arena_strndup(a, b.ptr, b.len);
	br_buf_release(&b);
	return text;
}

struct old { BR_VEC(const char *) name; };

static int note(const char *name, const char *json, void *arg)
{
	(void)json;
	*br_vec_push(&((struct old *)arg)->name) = name;
	return 0;
}

/* Looked at once in a thousand: names are in the order of time. */
static int trim(struct taken *k, struct br_tenancy *t, const struct sums *s, struct br_err *err)
{
	uint64_t total = 0;
	struct old old = { 0 };
	int rc;

	for (int i = 0; i < BR_PATH_COUNT; i++)
		total += s->n[i];
	if (total / 1000 == (total - s->added) / 1000)
		return 0;
	rc = br_keep_under(&k->arena, t->ws, 0, BR_KEEP_AUDIT, s->tenant, note, &old, err);
	for (size_t i = 0; rc == 0 && i + AUDIT_MAX < old.name.n; i++)
		*br_vec_push(&k->row) = (struct br_keep_row){ 0, BR_KEEP_AUDIT, old.name.v[i], NULL };
	br_vec_release(&old.name);
	return rc;
}

static int add_sums(struct taken *k, struct br_tenancy *t, struct br_err *err)
{
	size_t n = k->row.n;
	all_sums all = { 0 };
	struct sums *s;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		if ((rc = sums_of(&s, &all, &k->arena, t, k->row.v[i].name, err)) == 0) {
			s->n[path_of(&k->arena, k->row.v[i].json)]++;
			s->added++;
		}
	for (size_t i = 0; i < all.n && rc == 0; i++) {
		*br_vec_push(&k->row) = (struct br_keep_row){ 0, BR_KEEP_AUDIT_SUM, br_arena_strdup(&k->arena, all.v[i].tenant), sums_text(&k->arena, &all.v[i]) };
		rc = trim(k, t, &all.v[i], err);
	}
	br_vec_release(&all);
	return rc;
}

int audit_flush(struct br_tenancy *t, struct br_err *err)
{
	struct taken k = { 0 };
	int rc = 0;

	pthread_mutex_lock(&t->mu);
	k.row.v = t->audit.v;
	k.row.n = t->audit.n;
	k.row.cap = t->audit.cap;
	k.arena = t->audit_arena;
	memset(&t->audit, 0, sizeof t->audit);
	t->audit_arena = (struct br_arena){ 0 };
	pthread_mutex_unlock(&t->mu);
	if (k.row.n && (rc = add_sums(&k, t, err)) == 0)
		rc = br_keep_put_all(t->ws, k.row.v, k.row.n, err);
	br_vec_release(&k.row);
	br_arena_release(&k.arena);
	return rc;
}

/* ---- reading ---- */

struct listing { struct br_arena *a; BR_VEC(const char *) json; };

static int gather(const char *name, const char *json, void *arg)
{
	(void)name;
	*br_vec_push(&((struct listing *)arg)->json) = json;
	return 0;
}

int br_audit_each(struct br_ws *ws, const char *tenant, size_t n, br_audit_fn *fn, void *arg, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct listing l = { .a = &a };
	struct br_audit q;
	int rc = br_keep_under(&a, ws, 0, BR_KEEP_AUDIT, tenant, gather, &l, err);

	for (size_t i = l.json.n; i-- && n-- && rc == 0;)
		if (decode(&q, &a, l.json.v[i]) == 0)
			rc = fn(&q, arg);
	br_vec_release(&l.json);
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

static int add_up(const char *name, const char *json, void *arg)
{
	(void)name;
	read_sums(arg, json);
	return 0;
}

int br_audit_sums(uint64_t sum[BR_PATH_COUNT], struct br_ws *ws, const char *tenant, struct br_err *err)
{
	struct br_arena a = { 0 };
	int rc;

	memset(sum, 0, BR_PATH_COUNT * sizeof *sum);
	rc = br_keep_under(&a, ws, 0, BR_KEEP_AUDIT_SUM, tenant ? tenant : "", add_up, sum, err);
	br_arena_release(&a);
	return rc;
}

/* ---- figures ---- */

static void family(struct br_buf *out, const char *name, const char *type, const char *help)
{
	br_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void br_tenancy_metrics(struct br_buf *out, struct br_tenancy *t)
{
	family(out, "br_tenant_answers_total", "counter", "Answers for tenants, by what gave them.");
	for (int i = 0; i < BR_PATH_COUNT; i++)
		br_buf_addf(out, "br_tenant_answers_total{path=\"%s\"} %llu\n", names[i], (unsigned long long)atomic_load(&t->paths[i]));
	family(out, "br_tenant_answer_seconds_total", "counter", "Time that these answers took.");
	for (int i = 0; i < BR_PATH_COUNT; i++)
		br_buf_addf(out, "br_tenant_answer_seconds_total{path=\"%s\"} %.6f\n", names[i], (double)atomic_load(&t->path_us[i]) / 1e6);
	family(out, "br_tenant_mode", "gauge", "0 normal, 1 degraded, 2 critical.");
	br_buf_addf(out, "br_tenant_mode %d\n", (int)br_router_mode(t->router));
	family(out, "br_tenant_p95_seconds", "gauge", "Time that answers took lately, 95th percentile.");
	br_buf_addf(out, "br_tenant_p95_seconds %.3f\n", br_router_p95(t->router));
	family(out, "br_tenant_dead_letters_total", "counter", "Documents that failed for good since the start.");
	br_buf_addf(out, "br_tenant_dead_letters_total %llu\n", (unsigned long long)atomic_load(&t->dead_letters));
}
