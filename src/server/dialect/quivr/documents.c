/* Documents of a knowledge base: the list, one, its deletion, earlier versions and the way back to one of them. */
#include "quivr.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the object ---- */

static const char *state_name(const struct br_doc *d)
{
	static const char *const names[] = { [BR_DOC_INDEXED] = "processed", [BR_DOC_UPLOADED] = "uploaded", [BR_DOC_FAILED] = "failed",
		[BR_DOC_SKIPPED] = "skipped", [BR_DOC_CONTAINER] = "container" };

	return d->state < BR_COUNT(names) ? names[d->state] : "failed";
}

static uint32_t pages(struct br_txn *t, const struct br_nb *nb, const struct br_doc *d)
{
	struct br_chunk_rec c;

	return d->chunks && br_chunk_get(&c, t, nb->nb, d->first_chunk + d->chunks - 1, NULL) == 0 ? c.page : 0;
}

void br_quivr__doc_members(struct br_json *j, struct br_txn *t, const struct br_nb *nb, const struct br_doc *d, const char *status)
{
	uint32_t n = pages(t, nb, d);
	char sha[65];

	br_hex(sha, d->sha, 32);
	br_json_kstr(j, "id", d->id);
	br_json_kstr(j, "document_id", d->id);
	br_json_kstr(j, "filename", br_path_base(d->path));
	br_json_kstr(j, "file_path", d->path);
	br_json_kstr(j, "knowledge_base_id", nb->id);
	br_json_kstr(j, "status", status ? status : state_name(d));
	br_json_kuint(j, "chunk_count", d->chunks);
	br_json_kstr(j, "content_type", br_format_mime(d->format));
	br_json_kuint(j, "size_bytes", d->size);
	br_json_key(j, "page_count");
	if (n)
		br_json_uint(j, n);
	else
		br_json_null(j);
	br_json_kstr(j, "content_hash", sha);
	br_json_kstr(j, "title", d->title && *d->title ? d->title : NULL);
	br_json_key(j, "metadata");
	br_json_raw(j, d->meta[0] ? d->meta : "{}", strlen(d->meta[0] ? d->meta : "{}"));
	br_quivr__time(j, "created_at", d->created);
	br_quivr__time(j, "updated_at", d->indexed);
}
#define DOC_OUT { "id", MUST(STR) }, { "document_id", MUST(STR) }, { "filename", MUST(STR) }, { "file_path", MUST(STR) }, { "knowledge_base_id", MUST(STR) }, \
	{ "status", MUST(STR) }, { "chunk_count", MUST(INT) }, { "content_type", MAY_NULL(STR) }, { "size_bytes", MUST(INT) }, { "page_count", MAY_NULL(INT) }, \
	{ "content_hash", MUST(STR) }, { "title", MAY_NULL(STR) }, { "metadata", MUST(OBJ) }, { "created_at", MAY_NULL(STR), .format = "date-time" }, \
	{ "updated_at", MAY_NULL(STR), .format = "date-time" }
static const struct br_field doc_out[] = { DOC_OUT, BR_FIELD_END };
static const struct br_shape doc_shape = { "QuivrDocument", doc_out, 0 };

/* ---- events ---- */

static void add_kb(struct br_json *j, const struct br_nb *nb)
{
	br_json_kstr(j, "kb_id", nb->id);
	br_json_kstr(j, "knowledge_base_id", nb->id);
	br_json_end(j);
}

void br_quivr__doc_event(struct br_req *r, enum br_hook_event_id event, const struct br_nb *nb, const struct br_doc *d, uint32_t old_chunks)
{
	struct br_buf b = BR_BUF_INIT(64 << 10);
	struct br_json j;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "document_id", d->id);
	br_json_kstr(&j, "filename", br_path_base(d->path));
	br_json_kstr(&j, "file_path", d->path);
	if (event == BR_HOOK_DOCUMENT_UPDATED) {
		br_json_kuint(&j, "old_chunk_count", old_chunks);
		br_json_kuint(&j, "new_chunk_count", d->chunks);
	} else if (event == BR_HOOK_DOCUMENT_UPLOADED) {
		br_json_kuint(&j, "chunk_count", d->chunks);
	}
	add_kb(&j, nb);
	br_quivr__event(r, event, nb->id, br_buf_slice(&b));
	br_buf_release(&b);
}

void br_quivr__failure_event(struct br_req *r, const struct br_nb *nb, const char *path, const char *message)
{
	struct br_buf b = BR_BUF_INIT(64 << 10);
	struct br_json j;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "file_path", path);
	br_json_kstr(&j, "message", message);
	add_kb(&j, nb);
	br_quivr__event(r, BR_HOOK_ERROR_INGESTION, nb->id, br_buf_slice(&b));
	br_buf_release(&b);
}

/* ---- the list ---- */

struct list_in { int64_t limit, offset; const char *path, *filename; };
static const struct br_field list_in[] = {
	{ "limit", BR_FAT_INT(struct list_in, limit), .in = BR_IN_QUERY, .min = 1, .max = 100000, .dflt = "10000" },
	{ "offset", BR_FAT_INT(struct list_in, offset), .in = BR_IN_QUERY, .min = 0, .max = 1e9, .dflt = "0" },
	{ "file_path", BR_FAT_STR(struct list_in, path), .in = BR_IN_QUERY, .help = "only the one of this path" },
	{ "filename", BR_FAT_STR(struct list_in, filename), .in = BR_IN_QUERY, .help = "only those of this name" }, BR_FIELD_END,
};

struct listed { int64_t created; uint32_t doc; };
struct listing { const struct list_in *in; BR_VEC(struct listed) all; };

static int take_one(const struct br_doc *d, void *arg)
{
	struct listing *l = arg;

	if (d->state == BR_DOC_SKIPPED || (l->in->path && strcmp(l->in->path, d->path)) ||
	    (l->in->filename && strcmp(l->in->filename, br_path_base(d->path))))
		return 0;
	*br_vec_push(&l->all) = (struct listed){ d->created, d->doc };
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	if (x->created != y->created)
		return x->created > y->created ? -1 : 1;
	return x->doc > y->doc ? -1 : 1;
}

static int write_list(struct br_json *j, const struct listing *l, struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	struct br_arena a = { 0 };
	int rc = 0;

	br_json_arr(j);
	for (size_t i = (size_t)l->in->offset; i < l->all.n && i < (size_t)(l->in->offset + l->in->limit) && rc == 0; i++) {
		struct br_doc *d;
		br_arena_reset(&a);
		if ((rc = br_doc_get(&d, &a, t, nb->nb, l->all.v[i].doc, err)) < 0)
			break;
		br_json_obj(j);
		br_quivr__doc_members(j, t, nb, d, NULL);
		br_json_end(j);
	}
	br_json_end(j);
	br_arena_release(&a);
	return rc;
}

static int list(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_SERVE_REPLY);
	struct listing l = { .in = in };
	struct br_json *out, j;
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_quivr__kb(&nb, r, br_req_param(r, "id"), err);

	if (rc < 0 || (rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	br_json_init(&j, &text, false);
	if ((rc = br_doc_each(t, nb->nb, take_one, &l, err)) == 0) {
		if (l.all.n)
			qsort(l.all.v, l.all.n, sizeof *l.all.v, newest_first);
		rc = write_list(&j, &l, t, nb, err);
	}
	br_txn_end(t);
	if (rc == 0 && (rc = br_buf_check(&text, "the list", err)) == 0) {
		out = br_reply(r, 0);
		br_json_obj(out);
		br_json_key(out, "documents");
		br_json_raw(out, text.ptr, text.len);
		br_json_kuint(out, "total", l.all.n);
		br_json_kint(out, "limit", l.in->limit);
		br_json_kint(out, "offset", l.in->offset);
		br_json_end(out);
	}
	br_vec_release(&l.all);
	br_buf_release(&text);
	return rc;
}
static const struct br_field list_out[] = {
	{ "documents", MUST(ARR), .shape = &doc_shape }, { "total", MUST(INT) }, { "limit", MUST(INT) }, { "offset", MUST(INT) }, BR_FIELD_END,
};
static const struct br_shape list_shape = { "QuivrDocuments", list_out, 0 };

/* ---- one ---- */

static int find(struct br_nb **nb, struct br_doc **d, struct br_req *r, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_quivr__kb(nb, r, br_req_param(r, "id"), err);

	if (rc < 0 || (rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	rc = br_quivr__doc(d, r, t, *nb, br_req_param(r, "doc_id"), err);
	br_txn_end(t);
	return rc;
}

static int reply_doc(struct br_req *r, const struct br_nb *nb, const char *id, struct br_err *err)
{
	struct br_json *j;
	struct br_txn *t;
	struct br_doc *d;
	int rc = br_txn_read(&t, br_req_ws(r)->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_quivr__doc(&d, r, t, nb, id, err)) == 0) {
		j = br_reply(r, 0);
		br_json_obj(j);
		br_quivr__doc_members(j, t, nb, d, NULL);
		br_json_end(j);
	}
	br_txn_end(t);
	return rc;
}

static int show(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_nb *nb;
	int rc = br_quivr__kb(&nb, r, br_req_param(r, "id"), err);

	(void)in;
	return rc < 0 ? rc : reply_doc(r, nb, br_req_param(r, "doc_id"), err);
}

static int drop(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j;
	struct br_nb *nb;
	struct br_doc *d;
	int rc = find(&nb, &d, r, err);

	(void)in;
	if (rc < 0 || (rc = br_doc_remove(br_req_ws(r), nb->nb, &d->doc, 1, err)) < 0 ||
	    (rc = br_keep_put(br_req_ws(r), nb->nb, BR_KEEP_QUIVR_VERSION, d->id, NULL, err)) < 0)
		return rc;
	br_quivr__doc_event(r, BR_HOOK_DOCUMENT_DELETED, nb, d, 0);
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "id", d->id);
	br_json_kstr(j, "document_id", d->id);
	br_json_kstr(j, "filename", br_path_base(d->path));
	br_json_kbool(j, "deleted", true);
	br_json_end(j);
	return 0;
}
static const struct br_field drop_out[] = {
	{ "id", MUST(STR) }, { "document_id", MUST(STR) }, { "filename", MUST(STR) }, { "deleted", MUST(BOOL) }, BR_FIELD_END,
};
static const struct br_shape drop_shape = { "QuivrDocumentDeleted", drop_out, 0 };

/* ---- versions: what a document was, one record for all of them ---- */

enum { VERSIONS = 50 };

static int load_versions(struct br_jdoc **out, struct br_req *r, const struct br_nb *nb, const char *id, struct br_err *err)
{
	const char *json;
	int rc = br_keep_get(&json, br_req_arena(r), br_req_ws(r), nb->nb, BR_KEEP_QUIVR_VERSION, id, err);

	*out = NULL;
	return rc < 0 || !json ? rc : br_jdoc_parse(out, br_slice_str(json), "versions", err);
}

static size_t count(const struct br_jval *v)
{
	size_t n = 0;

	for (v = br_jval_first(v); v; v = br_jval_next(v))
		n++;
	return n;
}

static int64_t number_of(const struct br_jval *version)
{
	double n = 0;

	br_jval_num(&n, br_jval_get(version, "version"));
	return (int64_t)n;
}

static int64_t newest(const struct br_jdoc *doc)
{
	int64_t n = 0;

	for (const struct br_jval *v = doc ? br_jval_first(br_jdoc_root(doc)) : NULL; v; v = br_jval_next(v))
		n = BR_MAX(n, number_of(v));
	return n;
}

static void write_version(struct br_json *j, int64_t number, const struct br_doc *d)
{
	char sha[65];

	br_hex(sha, d->sha, 32);
	br_json_obj(j);
	br_json_kint(j, "version", number);
	br_json_kstr(j, "content_hash", sha);
	br_json_kuint(j, "size_bytes", d->size);
	br_json_kuint(j, "chunk_count", d->chunks);
	br_quivr__time(j, "created_at", d->indexed);
	br_json_key(j, "metadata");
	br_json_raw(j, d->meta[0] ? d->meta : "{}", strlen(d->meta[0] ? d->meta : "{}"));
	br_json_end(j);
}

int br_quivr__keep_version(struct br_req *r, const struct br_nb *nb, const struct br_doc *d, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BR_SERVE_REPLY);
	struct br_jdoc *doc;
	struct br_json j;
	size_t skip;
	int rc = load_versions(&doc, r, nb, d->id, err);

	if (rc < 0)
		return rc;
	skip = doc ? count(br_jdoc_root(doc)) : 0;
	skip = skip >= VERSIONS ? skip - VERSIONS + 1 : 0;
	br_json_init(&j, &b, false);
	br_json_arr(&j);
	for (const struct br_jval *v = doc ? br_jval_first(br_jdoc_root(doc)) : NULL; v; v = br_jval_next(v))
		if (skip)
			skip--;
		else
			br_jval_write(&j, v);
	write_version(&j, newest(doc) + 1, d);
	br_json_end(&j);
	br_jdoc_free(doc);
	if ((rc = br_buf_check(&b, "versions", err)) == 0)
		rc = br_keep_put(br_req_ws(r), nb->nb, BR_KEEP_QUIVR_VERSION, d->id, b.ptr, err);
	br_buf_release(&b);
	return BR_MIN(rc, 0);
}

static int versions(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_jdoc *doc = NULL;
	struct br_json *j;
	struct br_nb *nb;
	struct br_doc *d;
	int rc = find(&nb, &d, r, err);

	(void)in;
	if (rc < 0 || (rc = load_versions(&doc, r, nb, d->id, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "document_id", d->id);
	br_json_kint(j, "current_version", newest(doc) + 1);
	br_json_key(j, "versions");
	br_json_arr(j);
	for (const struct br_jval *v = doc ? br_jval_first(br_jdoc_root(doc)) : NULL; v; v = br_jval_next(v))
		br_jval_write(j, v);
	write_version(j, newest(doc) + 1, d);
	br_json_end(j);
	br_json_end(j);
	br_jdoc_free(doc);
	return 0;
}
static const struct br_field version_out[] = {
	{ "version", MUST(INT) }, { "content_hash", MUST(STR) }, { "size_bytes", MUST(INT) }, { "chunk_count", MUST(INT) },
	{ "created_at", MAY_NULL(STR), .format = "date-time" }, { "metadata", MUST(OBJ) }, BR_FIELD_END,
};
static const struct br_shape version_shape = { "QuivrVersion", version_out, 0 };
static const struct br_field versions_out[] = {
	{ "document_id", MUST(STR) }, { "current_version", MUST(INT) }, { "versions", MUST(ARR), .shape = &version_shape }, BR_FIELD_END,
};
static const struct br_shape versions_shape = { "QuivrVersions", versions_out, 0 };

/* ---- the way back: the old bytes are taken in anew, as a version of their own ---- */

struct rollback_in { int64_t version; };
static const struct br_field rollback_in[] = {
	{ "version", BR_FAT_INT(struct rollback_in, version), .flags = BR_REQUIRED, .min = 1, .max = 1e9 }, BR_FIELD_END,
};

static bool parse_hex(uint8_t out[32], const char *s)
{
	for (size_t i = 0; i < 32; i++) {
		unsigned byte;
		if (!s || sscanf(s + 2 * i, "%2x", &byte) != 1)
			return false;
		out[i] = (uint8_t)byte;
	}
	return true;
}

static int restore(struct br_req *r, const struct br_nb *nb, const struct br_doc *d, const struct br_jval *version, struct br_err *err)
{
	const char *sha = br_jval_str(br_jval_get(version, "content_hash"));
	struct br_buf meta = BR_BUF_INIT(BR_MAX_META);
	struct br_put p = { .path = d->path };
	struct br_json j;
	uint8_t raw[32];
	char *file;
	int rc;

	if (!sha || strlen(sha) != 64 || !parse_hex(raw, sha))
		return br_fail(err, BR_ECORRUPT, "a version has no hash");
	file = br_original_file(br_req_ws(r), raw);
	br_json_init(&j, &meta, false);
	br_jval_write(&j, br_jval_get(version, "metadata"));
	p.file = file;
	p.meta = meta.ptr;
	if (!br_is_file(file))
		rc = br_quivr__conflict(r, err, "document", d->id, "version", "The bytes of this version are not kept any more");
	else if ((rc = br_quivr__keep_version(r, nb, d, err)) == 0)
		rc = br_put_upload(br_req_ws(r), nb->id, &p, err);
	free(file);
	br_buf_release(&meta);
	return rc;
}

static int rollback(struct br_req *r, const void *in, struct br_err *err)
{
	const struct rollback_in *p = in;
	const struct br_jval *v;
	struct br_jdoc *doc = NULL;
	struct br_txn *t;
	struct br_doc *d, *now;
	struct br_nb *nb;
	int rc = find(&nb, &d, r, err);

	if (rc < 0 || (rc = load_versions(&doc, r, nb, d->id, err)) < 0)
		return rc;
	for (v = doc ? br_jval_first(br_jdoc_root(doc)) : NULL; v && number_of(v) != p->version; v = br_jval_next(v))
		;
	rc = v ? restore(r, nb, d, v, err) : br_quivr__absent(r, err, "version", br_arena_printf(br_req_arena(r), "%lld", (long long)p->version));
	br_jdoc_free(doc);
	if (rc < 0 || (rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	rc = br_quivr__doc(&now, r, t, nb, d->id, err);
	br_txn_end(t);
	if (rc < 0)
		return rc;
	br_quivr__doc_event(r, BR_HOOK_DOCUMENT_UPDATED, nb, now, d->chunks);
	return reply_doc(r, nb, d->id, err);
}

static const short known[] = { 404, 0 }, back_fails[] = { 400, 404, 409, 0 };
static const struct br_route rows[] = {
	{ "GET", KB "/documents", "quivr_documents", "Documents, newest first", "documents", BR_LEVEL_KEY, .scopes = "kb:read", .rate = "key", .in = list_in,
	  .in_size = sizeof(struct list_in), .out = &list_shape, .fails = known, .flags = BR_ROUTE_SLOW, .run = list },
	{ "GET", DOC, "quivr_document", "A document", "documents", BR_LEVEL_KEY, .scopes = "kb:read", .rate = "key", .out = &doc_shape, .fails = known,
	  .run = show },
	{ "DELETE", DOC, "quivr_delete_document", "Delete a document with its passages", "documents", BR_LEVEL_KEY, .scopes = "documents:write", .rate = "key",
	  .out = &drop_shape, .fails = known, .flags = BR_ROUTE_SLOW, .run = drop },
	{ "GET", DOC "/versions", "quivr_versions", "What a document was", "documents", BR_LEVEL_KEY, .scopes = "kb:read", .rate = "key",
	  .out = &versions_shape, .fails = known, .run = versions },
	{ "POST", DOC "/rollback", "quivr_rollback", "Make a document what it was", "documents", BR_LEVEL_KEY, .scopes = "documents:write", .rate = "key",
	  .body = BR_BODY_JSON, .in = rollback_in, .in_size = sizeof(struct rollback_in), .out = &doc_shape, .fails = back_fails, .flags = BR_ROUTE_SLOW,
	  .run = rollback },
};
const struct br_routes br_quivr__documents_rows = { rows, BR_COUNT(rows) };
