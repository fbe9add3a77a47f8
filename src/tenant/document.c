/*
 * Documents of a tenant: a record each, beside the document of the notebook that has the same id. The record is there before the document
 * and stays behind it: a document that is deleted leaves the index at once, its record a month later.
 */
#include "internal.h"

#include <stdlib.h>

static const char *const names[] = {
#define X(id, name) name,
	BR_TDOC_STATUS_LIST(X)
#undef X
};
const char *br_tdoc_status_name(enum br_tdoc_status s) { return names[s]; }

bool br_tdoc_may_become(enum br_tdoc_status from, enum br_tdoc_status to)
{
#define B(s) (1u << BR_TDOC_##s)
	static const unsigned next[] = {
		[BR_TDOC_UPLOADED] = B(EXTRACTING) | B(CHUNKING) | B(DELETED),
		[BR_TDOC_EXTRACTING] = B(CHUNKING) | B(FAILED) | B(DELETED),
		[BR_TDOC_CHUNKING] = B(EMBEDDING) | B(FAILED) | B(DELETED),
		[BR_TDOC_EMBEDDING] = B(READY) | B(FAILED) | B(DELETED),
		[BR_TDOC_READY] = B(RE_EMBEDDING) | B(DELETED),
		[BR_TDOC_RE_EMBEDDING] = B(READY) | B(DELETED),
		[BR_TDOC_FAILED] = B(EXTRACTING) | B(DELETED),
		[BR_TDOC_DELETED] = 0,
	};
#undef B
	return next[from] >> to & 1;
}

/* ---- the record ---- */

static const struct member members[] = {
	MEM(br_tdoc, id, 'u'), MEM(br_tdoc, kb, 'u'), MEM(br_tdoc, tenant, 'u'), MEM(br_tdoc, title, 's'), MEM(br_tdoc, doc_type, 's'),
	MEM(br_tdoc, source_uri, 's'), MEM(br_tdoc, file_name, 's'), MEM(br_tdoc, error, 's'), MEM(br_tdoc, external_id, 's'), MEM(br_tdoc, source_hash, 's'),
	MEM(br_tdoc, replaces, 's'), MEM(br_tdoc, history, 'r'), MEM(br_tdoc, file_size, 'i'), MEM(br_tdoc, char_count, 'i'), MEM(br_tdoc, chunk_count, 'i'),
	MEM(br_tdoc, version, 'i'), MEM(br_tdoc, created, 'i'), MEM(br_tdoc, ingested, 'i'), MEM(br_tdoc, ready, 'i'), MEM(br_tdoc, deleted, 'i'),
	MEM(br_tdoc, attempts, 'i'), MEM(br_tdoc, next, 'i'), MEM(br_tdoc, depth, 'i'), MEM(br_tdoc, max_depth, 'i'), MEM(br_tdoc, max_pages, 'i'),
	MEM(br_tdoc, robots, 'b'), MEM(br_tdoc, dead, 'b'), { NULL },
};

static int status_of(const char *name)
{
	for (int i = 0; name && i < BR_TDOC_STATUS_COUNT; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

void tdoc_decode(struct br_tdoc *out, struct br_arena *a, uint32_t nb, const char *json)
{
	const char *status = br_keep_member(a, json, "status");

	*out = (struct br_tdoc){ .title = "", .doc_type = "", .source_uri = "", .file_name = "", .error = "", .external_id = "", .source_hash = "",
		.replaces = "", .history = "[]" };
	if (record_read(out, a, members, json, NULL) < 0 || status_of(status) < 0)
		out->status = BR_TDOC_DELETED;
	else
		out->status = (enum br_tdoc_status)status_of(status);
	out->nb = nb;
}

static char *encode(struct br_arena *a, const struct br_tdoc *d)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct br_json j;
	char *s;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "status", names[d->status]);
	record_write(&j, members, d);
	br_json_end(&j);
	s = br_arena_strndup(a, b.ptr, b.len);
	br_buf_release(&b);
	return s;
}

int tdoc_read(struct br_tdoc *out, struct br_arena *a, struct br_ws *ws, uint32_t nb, const char *id, struct br_err *err)
{
	const char *json;
	int rc = br_keep_get(&json, a, ws, nb, BR_KEEP_TDOC, id, err);

	if (rc < 0 || !json)
		return rc;
	tdoc_decode(out, a, nb, json);
	return 1;
}

static void rows_of(struct br_keep_row *row, size_t *n, struct br_arena *a, const struct br_tdoc *d)
{
	char key[65];
	uint8_t sha[32];
	bool gone = d->status == BR_TDOC_DELETED;

	row[(*n)++] = (struct br_keep_row){ d->nb, BR_KEEP_TDOC, d->id, encode(a, d) };
	if (*d->source_hash)
		row[(*n)++] = (struct br_keep_row){ d->nb, BR_KEEP_TDOC_HASH, d->source_hash,
			gone || d->status == BR_TDOC_FAILED ? NULL : br_arena_printf(a, "{\"id\":\"%s\"}", d->id) };
	if (!*d->external_id)
		return;
	br_sha256(sha, d->external_id, strlen(d->external_id));
	br_hex(key, sha, 32);
	row[(*n)++] = (struct br_keep_row){ d->nb, BR_KEEP_TDOC_EXTERNAL, br_arena_strdup(a, key),
		gone ? NULL : br_arena_printf(a, "{\"id\":\"%s\"}", d->id) };
}

int tdoc_write(struct br_ws *ws, const struct br_tdoc *d, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_keep_row row[3];
	size_t n = 0;
	int rc;

	rows_of(row, &n, &a, d);
	rc = br_keep_put_all(ws, row, n, err);
	br_arena_release(&a);
	return rc;
}

void tdoc_set(struct br_tdoc *d, struct br_arena *a, enum br_tdoc_status s)
{
	size_t len = strlen(d->history);
	bool none = len < 3;
	char iso[32];

	if (d->status != s)
		BR_ASSERT(br_tdoc_may_become(d->status, s));
	br_time_iso(iso, br_now());
	d->status = s;
	if (len < 4096)
		d->history = br_arena_printf(a, "%.*s%s{\"status\":\"%s\",\"at\":\"%s\"}]", none ? 1 : (int)len - 1, none ? "[" : d->history, none ? "" : ",",
		                             names[s], iso);
}

/* ---- the document of the notebook ---- */

int doc_look(struct br_doc **out, struct br_arena *a, struct br_ws *ws, uint32_t nb, const char *id, struct br_err *err)
{
	struct br_err why = { 0 };
	struct br_txn *t;
	int rc = br_txn_read(&t, ws->store, err);

	*out = NULL;
	if (rc < 0)
		return rc;
	if ((rc = br_doc_find(out, a, t, ws, nb, id, &why)) == -BR_ENOTFOUND)
		rc = 0;
	br_txn_end(t);
	return rc < 0 ? br_fail(err, why.code, "%s", why.msg) : 0;
}

int doc_drop(struct br_ws *ws, uint32_t nb, const char *id, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_doc *d;
	int rc = doc_look(&d, &a, ws, nb, id, err);

	if (rc == 0 && d)
		rc = br_doc_remove(ws, nb, &d->doc, 1, err);
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

/* ---- adding ---- */

/* At most n bytes, whole characters. */
static char *shortened(struct br_arena *a, const char *text, size_t n)
{
	char *s = br_arena_strndup(a, text, strnlen(text, n));

	s[br_utf8_valid(s, strlen(s))] = 0;
	return s;
}

/* A name that can stand in a path, ending as the format wants. */
static char *file_name(struct br_arena *a, const char *title, const char *ending)
{
	char *s = shortened(a, *title ? title : "untitled", 200);

	for (char *p = s; *p; p++)
		if (*p == '/' || (unsigned char)*p < 32 || *p == 127 || *p == '!')
			*p = '-';
	return br_arena_printf(a, "%s%s", s, ending);
}

static int same_bytes(struct br_tdoc *out, struct br_arena *a, struct br_ws *ws, uint32_t nb, const char *sha, struct br_err *err)
{
	const char *json, *id;
	int rc = br_keep_get(&json, a, ws, nb, BR_KEEP_TDOC_HASH, sha, err);

	if (rc < 0 || !json || !(id = br_keep_member(a, json, "id")))
		return rc;
	rc = tdoc_read(out, a, ws, nb, id, err);
	return rc > 0 && (out->status == BR_TDOC_DELETED || out->status == BR_TDOC_FAILED) ? 0 : rc;
}

static int same_external(struct br_tdoc *out, struct br_arena *a, struct br_ws *ws, uint32_t nb, const char *external, struct br_err *err)
{
	const char *json, *id;
	uint8_t sha[32];
	char key[65];
	int rc;

	br_sha256(sha, external, strlen(external));
	br_hex(key, sha, 32);
	if ((rc = br_keep_get(&json, a, ws, nb, BR_KEEP_TDOC_EXTERNAL, key, err)) < 0 || !json || !(id = br_keep_member(a, json, "id")))
		return rc;
	rc = tdoc_read(out, a, ws, nb, id, err);
	return rc > 0 && out->status == BR_TDOC_DELETED ? 0 : rc;
}

static void hash_of(struct br_tdoc *d, struct br_arena *a, struct br_slice bytes)
{
	uint8_t sha[32];
	char hex[65];

	br_sha256(sha, bytes.ptr, bytes.len);
	br_hex(hex, sha, 32);
	d->source_hash = br_arena_strdup(a, hex);
	d->file_size = (int64_t)bytes.len;
}

/* 1: *d is what there was. What is pushed is told by its own id; everything else by its bytes. */
static int known_already(struct br_tdoc *d, struct br_arena *a, struct br_tenancy *t, const struct br_tdoc_spec *spec, struct br_err *err)
{
	struct br_tdoc old;
	int rc;

	if (!spec->external_id)
		return spec->bytes.ptr && (rc = same_bytes(&old, a, t->ws, d->nb, d->source_hash, err)) != 0 ? (rc > 0 ? (*d = old, 1) : rc) : 0;
	if ((rc = same_external(&old, a, t->ws, d->nb, spec->external_id, err)) <= 0)
		return rc;
	if (spec->version > old.version && strcmp(old.source_hash, d->source_hash)) {
		d->replaces = br_arena_strdup(a, old.id);
		return 0;
	}
	if (spec->version > old.version) { /* the same text: nothing to do but to remember */
		old.version = spec->version;
		rc = tdoc_write(t->ws, &old, err);
	}
	*d = old;
	return rc < 0 ? rc : 1;
}

/* An upload of the notebook, with the document's own id. */
static int store_bytes(struct br_ws *ws, const char *notebook, const struct br_tdoc *d, struct br_slice bytes, struct br_err *err)
{
	struct br_new_upload up = { .name = d->file_name, .title = d->title, .bytes = bytes };
	int rc;

	memcpy(up.id, d->id, sizeof up.id);
	rc = br_upload_new(&up, 1, ws, notebook, err);
	free(up.path);
	return rc;
}

static int put_new(struct br_tdoc *d, struct br_arena *a, struct br_tenancy *t, const struct br_kb *kb, const struct br_tdoc_spec *spec, struct br_err *err)
{
	int rc;

	tdoc_set(d, a, BR_TDOC_UPLOADED);
	if ((rc = tdoc_write(t->ws, d, err)) < 0 || !spec->bytes.ptr)
		return rc;
	if ((rc = store_bytes(t->ws, kb->id, d, spec->bytes, err)) < 0) {
		d->status = BR_TDOC_DELETED;
		(void)!tdoc_write(t->ws, d, NULL);
	}
	return rc;
}

int br_tdoc_add(struct br_tdoc *out, bool *duplicate, struct br_arena *a, struct br_tenancy *t, const char *tenant, const struct br_tdoc_spec *spec,
                struct br_err *err)
{
	const char *title = spec->title && *spec->title ? spec->title : "";
	struct br_kb kb;
	int rc = br_kb_get(&kb, a, t->ws, tenant, spec->kb, err);

	*duplicate = false;
	if (rc < 0)
		return rc;
	*out = (struct br_tdoc){ .nb = kb.nb, .title = shortened(a, title, BR_MAX_TITLE), .doc_type = spec->doc_type, .error = "", .source_hash = "", .replaces = "",
		.source_uri = spec->url ? spec->url : "", .external_id = spec->external_id ? spec->external_id : "", .history = "[]", .version = spec->version,
		.created = br_now(), .max_depth = spec->max_depth, .max_pages = spec->max_pages, .robots = spec->robots };
	br_uuid_ordered(out->id, br_now_ns() / 1000000);
	memcpy(out->kb, kb.id, 37);
	memcpy(out->tenant, kb.tenant, 37);
	out->file_name = spec->file_name ? file_name(a, spec->file_name, "") : spec->bytes.ptr ? file_name(a, title, ".md") : "";
	if (spec->bytes.ptr)
		hash_of(out, a, spec->bytes);
	pthread_mutex_lock(&t->change);
	if ((rc = known_already(out, a, t, spec, err)) > 0)
		*duplicate = true;
	else if (rc == 0)
		rc = put_new(out, a, t, &kb, spec, err);
	pthread_mutex_unlock(&t->change);
	if (rc == 0)
		tdoc_enqueue(t, out, 0);
	return BR_MIN(rc, 0);
}

/* ---- pages of the web ---- */

static int put_page(struct br_tenancy *t, struct br_tdoc *d, struct br_arena *a, struct br_slice bytes, const char *name, struct br_err *err)
{
	struct br_tdoc other;
	int rc;

	hash_of(d, a, bytes);
	if ((rc = same_bytes(&other, a, t->ws, d->nb, d->source_hash, err)) != 0 && (rc < 0 || strcmp(other.id, d->id))) {
		if (rc > 0)
			d->source_hash = "";
		return rc;
	}
	d->file_name = file_name(a, name, "");
	d->ingested = br_now();
	if ((rc = tdoc_write(t->ws, d, err)) < 0 || (rc = doc_drop(t->ws, d->nb, d->id, err)) < 0) /* of an earlier try */
		return rc;
	return store_bytes(t->ws, d->kb, d, bytes, err);
}

int tdoc_store(struct br_tenancy *t, struct br_tdoc *d, struct br_arena *a, struct br_slice bytes, const char *name, struct br_err *err)
{
	struct br_tdoc now;
	int rc;

	pthread_mutex_lock(&t->change);
	rc = tdoc_read(&now, a, t->ws, d->nb, d->id, err);
	if (rc == 0 || (rc > 0 && now.status == BR_TDOC_DELETED))
		rc = br_fail(err, BR_ENOTFOUND, "the document was deleted");
	else if (rc > 0)
		rc = put_page(t, d, a, bytes, name, err);
	pthread_mutex_unlock(&t->change);
	return rc;
}

int tdoc_add_page(struct br_tenancy *t, const struct br_tdoc *root, struct br_arena *a, const char *url, struct br_slice bytes, const char *name, const char *title,
                  struct br_err *err)
{
	struct br_tdoc d = *root;
	int rc;

	br_uuid_ordered(d.id, br_now_ns() / 1000000);
	d.title = title;
	d.source_uri = br_arena_strdup(a, url);
	d.history = "[]";
	d.error = d.replaces = "";
	d.status = BR_TDOC_UPLOADED;
	d.max_depth = d.max_pages = d.attempts = 0;
	d.created = br_now();
	tdoc_set(&d, a, BR_TDOC_UPLOADED);
	tdoc_set(&d, a, BR_TDOC_EXTRACTING);
	pthread_mutex_lock(&t->change);
	rc = put_page(t, &d, a, bytes, name, err);
	pthread_mutex_unlock(&t->change);
	if (rc == 0)
		queue_add(t, &t->index, d.nb, d.id, 0);
	return rc;
}

/* ---- reading ---- */

/* What the index thread is at is further than its record. */
static void as_of_now(struct br_tdoc *d, struct br_tenancy *t)
{
	pthread_mutex_lock(&t->mu);
	for (size_t i = 0; i < t->now.docs.v.n; i++)
		if (t->now.docs.v.v[i].nb == d->nb && !strcmp(t->now.docs.v.v[i].id, d->id) && d->status != BR_TDOC_DELETED && d->status != BR_TDOC_READY)
			d->status = d->status == BR_TDOC_RE_EMBEDDING ? d->status : t->now.status;
	pthread_mutex_unlock(&t->mu);
}

int br_tdoc_get(struct br_tdoc *out, struct br_arena *a, struct br_tenancy *t, const char *tenant, const char *id, struct br_err *err)
{
	struct br_kbs kbs = { 0 };
	const char *key = lower_id(a, id);
	int rc = is_uuid(key) ? br_kb_list(&kbs, a, t->ws, tenant, err) : 0, found = 0;

	for (size_t i = 0; i < kbs.v.n && rc >= 0 && !found; i++)
		found = rc = tdoc_read(out, a, t->ws, kbs.v.v[i].nb, key, err);
	br_vec_release(&kbs.v);
	if (rc < 0)
		return rc;
	if (!found || out->status == BR_TDOC_DELETED)
		return br_fail(err, BR_ENOTFOUND, "document not found");
	if (strcmp(out->tenant, tenant))
		return br_fail(err, BR_EBUG, "a document of another tenant was read");
	as_of_now(out, t);
	return 0;
}

struct listing { struct br_tdocs *out; struct br_arena *a; struct br_tenancy *t; const struct br_tdoc_query *q; const char *tenant; uint32_t nb; };

static int take(const char *name, const char *json, void *arg)
{
	struct listing *l = arg;
	struct br_tdoc d;

	(void)name;
	tdoc_decode(&d, l->a, l->nb, json);
	if (strcmp(d.tenant, l->tenant))
		return 0;
	as_of_now(&d, l->t);
	if (l->q->status ? strcmp(names[d.status], l->q->status) != 0 : d.status == BR_TDOC_DELETED)
		return 0;
	*br_vec_push(&l->out->v) = d;
	return 0;
}

/* Newest first: ids are made in the order of time. */
static int newest_first(const void *x, const void *y)
{
	return strcmp(((const struct br_tdoc *)y)->id, ((const struct br_tdoc *)x)->id);
}

int br_tdoc_list(struct br_tdocs *out, struct br_arena *a, struct br_tenancy *t, const char *tenant, const struct br_tdoc_query *q, struct br_err *err)
{
	struct listing l = { out, a, t, q, tenant, 0 };
	struct br_kbs kbs = { 0 };
	struct br_kb one;
	int rc = q->kb ? br_kb_get(&one, a, t->ws, tenant, q->kb, err) : br_kb_list(&kbs, a, t->ws, tenant, err);

	if (rc == 0 && q->kb)
		*br_vec_push(&kbs.v) = one;
	for (size_t i = 0; i < kbs.v.n && rc == 0; i++) {
		l.nb = kbs.v.v[i].nb;
		rc = br_keep_under(a, t->ws, l.nb, BR_KEEP_TDOC, "", take, &l, err);
	}
	br_vec_release(&kbs.v);
	out->total = out->v.n;
	if (out->v.n)
		qsort(out->v.v, out->v.n, sizeof *out->v.v, newest_first);
	if (q->offset) {
		size_t skip = BR_MIN(q->offset, out->v.n);
		memmove(out->v.v, out->v.v + skip, (out->v.n - skip) * sizeof *out->v.v);
		out->v.n -= skip;
	}
	out->v.n = BR_MIN(out->v.n, q->limit);
	return rc;
}

/* ---- deleting, trying again ---- */

/* Rows that meanwhile lead to another document stay. */
static int leave_others(struct br_tdoc *d, struct br_arena *a, struct br_ws *ws, struct br_err *err)
{
	struct br_tdoc other;
	int rc = *d->source_hash ? same_bytes(&other, a, ws, d->nb, d->source_hash, err) : 0;

	if (rc > 0 && strcmp(other.id, d->id))
		d->source_hash = "";
	if (rc >= 0 && *d->external_id && (rc = same_external(&other, a, ws, d->nb, d->external_id, err)) > 0 && strcmp(other.id, d->id))
		d->external_id = "";
	return BR_MIN(rc, 0);
}

int br_tdoc_delete(struct br_tenancy *t, const char *tenant, const char *id, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_tdoc d;
	int rc;

	pthread_mutex_lock(&t->change);
	if ((rc = br_tdoc_get(&d, &a, t, tenant, id, err)) == 0 && (rc = leave_others(&d, &a, t->ws, err)) == 0) {
		d.status = BR_TDOC_DELETED;
		d.deleted = br_now();
		if ((rc = tdoc_write(t->ws, &d, err)) == 0)
			rc = doc_drop(t->ws, d.nb, d.id, err);
	}
	pthread_mutex_unlock(&t->change);
	br_arena_release(&a);
	return rc;
}

int br_tdoc_retry(struct br_tdoc *out, struct br_arena *a, struct br_tenancy *t, const char *tenant, const char *id, struct br_err *err)
{
	int rc;

	pthread_mutex_lock(&t->change);
	if ((rc = br_tdoc_get(out, a, t, tenant, id, err)) == 0 && out->status != BR_TDOC_FAILED && out->status != BR_TDOC_READY)
		rc = br_fail(err, BR_EEXISTS, "the document is %s", names[out->status]);
	if (rc == 0) {
		out->error = "";
		out->dead = false;
		out->attempts = 0;
		tdoc_set(out, a, out->status == BR_TDOC_READY ? BR_TDOC_RE_EMBEDDING : BR_TDOC_EXTRACTING);
		rc = tdoc_write(t->ws, out, err);
	}
	pthread_mutex_unlock(&t->change);
	if (rc == 0)
		tdoc_enqueue(t, out, 0);
	return rc;
}

struct purge { struct br_arena *a; int64_t before; BR_VEC(struct br_keep_row) row; uint32_t nb; };

static int old_one(const char *name, const char *json, void *arg)
{
	struct purge *p = arg;
	struct br_tdoc d;

	tdoc_decode(&d, p->a, p->nb, json);
	if (d.status == BR_TDOC_DELETED && d.deleted < p->before)
		*br_vec_push(&p->row) = (struct br_keep_row){ p->nb, BR_KEEP_TDOC, name, NULL };
	return 0;
}

int br_tdoc_purge(uint64_t *n, struct br_ws *ws, int64_t before, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct purge p = { .a = &a, .before = before };
	struct br_kbs kbs = { 0 };
	int rc = kb_each(&kbs, &a, ws, NULL, err);

	for (size_t i = 0; i < kbs.v.n && rc == 0; i++) {
		p.nb = kbs.v.v[i].nb;
		rc = br_keep_under(&a, ws, p.nb, BR_KEEP_TDOC, "", old_one, &p, err);
	}
	*n = p.row.n;
	if (rc == 0 && p.row.n)
		rc = br_keep_put_all(ws, p.row.v, p.row.n, err);
	br_vec_release(&p.row);
	br_vec_release(&kbs.v);
	br_arena_release(&a);
	return rc;
}
