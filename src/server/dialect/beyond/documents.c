/*
 * D1 to D7: uploads, and jobs that index them. A file is a document of the notebook as soon as it is uploaded, its id the file's.
 */
#include "beyond.h"

#include <stdlib.h>
#include <strings.h>

#define DOC NB "/documents/{file_id}"


/* ---- D1: upload ---- */

static bool is_supported(const char *name)
{
	static const char *const types[] = { "pdf", "docx", "doc", "md", "txt", "csv", "xlsx", "xls", "pptx", "html", "htm", "markdown",
		"rtf", "odt", "ods", "odp", "epub", "eml", "json", "rst", "adoc", "ipynb", "srt", "vtt", "tsv" };

	for (size_t i = 0; i < BR_COUNT(types); i++)
		if (!strcasecmp(types[i], br_path_ext(name)))
			return true;
	return false;
}

static struct br_part *file_part(struct br_req *r, size_t *at)
{
	struct br_part *p;

	while ((p = br_req_part(r, (*at)++)))
		if (p->path && !strcmp(p->name, "files"))
			return p;
	return NULL;
}

/* Before anything is stored. */
static int check_parts(struct br_req *r, struct br_err *err)
{
	struct br_part *p;
	size_t at = 0;

	while ((p = file_part(r, &at))) {
		if (!p->filename || !*p->filename)
			return br_req_fail(r, 400, err, BR_EUSAGE, "A file has no name");
		if (!is_supported(p->filename))
			return br_req_fail(r, 400, err, BR_EUSAGE, "'%s': this type of file is not supported", p->filename);
	}
	return 0;
}

static void reply_uploaded(struct br_req *r, const struct br_nb *nb, const struct br_new_upload *u, size_t n)
{
	struct br_json *j = br_reply(r, 0);

	br_json_arr(j);
	for (size_t i = 0; i < n; i++) {
		br_json_obj(j);
		br_json_kstr(j, "file_id", u[i].id);
		br_json_kstr(j, "file_name", u[i].name);
		br_json_kstr(j, "file_type", br_beyond__file_type(br_req_arena(r), u[i].name));
		br_json_kstr(j, "storage_path", br_arena_printf(br_req_arena(r), "%s/%s/%s", nb->id, u[i].id, u[i].name));
		br_json_kuint(j, "size", u[i].size);
		br_json_end(j);
	}
	br_json_end(j);
}

static int store_parts(struct br_req *r, const struct br_nb *nb, struct br_err *err)
{
	BR_VEC(struct br_new_upload) all = { 0 };
	struct br_part *p;
	size_t at = 0;
	int rc;

	while ((p = file_part(r, &at)))
		*br_vec_push(&all) = (struct br_new_upload){ .file = p->path, .name = p->filename, .size = p->size };
	rc = br_upload_new(all.v, all.n, br_req_ws(r), nb->id, err);
	if (rc == 0)
		reply_uploaded(r, nb, all.v, all.n);
	for (size_t i = 0; i < all.n; i++)
		free(all.v[i].path);
	br_vec_release(&all);
	return rc == -BR_EIO ? br_req_fail(r, 502, err, BR_EIO, "Storage failed") : rc;
}

static int upload(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_nb_values *v;
	struct br_nb *nb;
	bool none;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc < 0)
		return rc;
	v = br_nb_values_new(nb);
	none = !strcmp(br_nb_str(v, "api.storage_provider"), "none");
	br_nb_values_free(v);
	if (none)
		return br_req_fail(r, 409, err, BR_EEXISTS, "Storage is disabled for this notebook");
	if ((rc = check_parts(r, err)) < 0)
		return rc;
	return store_parts(r, nb, err);
}
static const struct br_field upload_in[] = {
	{ "files", BR_F_FILE, 0, .in = BR_IN_FORM, .flags = BR_REQUIRED, .help = "one part for each file" }, BR_FIELD_END,
};
static const struct br_field uploaded_out[] = {
	{ "file_id", MUST(STR) }, { "file_name", MUST(STR) }, { "file_type", MUST(STR) }, { "storage_path", MUST(STR) }, { "size", MUST(INT) }, BR_FIELD_END,
};
static const struct br_shape uploaded_shape = { "BeyondUploadedFile", uploaded_out, 0 };

/* ---- D2, D5: lists ---- */

struct listing { struct br_req *r; const struct br_nb *nb; struct br_txn *t; struct br_json *j; struct br_buf text; };

static int list_docs(struct br_req *r, br_doc_fn *fn, struct br_err *err)
{
	struct listing l = { .r = r, .text = BR_BUF_INIT(BR_SERVE_REPLY) };
	struct br_json j;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	if (rc < 0 || (rc = br_txn_read(&l.t, br_req_ws(r)->store, err)) < 0)
		return rc;
	l.nb = nb;
	l.j = &j;
	br_json_init(&j, &l.text, false);
	br_json_arr(&j);
	rc = br_doc_each(l.t, nb->nb, fn, &l, err);
	br_json_end(&j);
	br_txn_end(l.t);
	if (rc == 0 && (rc = br_buf_check(&l.text, "the list", err)) == 0)
		br_json_raw(br_reply(r, 0), l.text.ptr, l.text.len);
	br_buf_release(&l.text);
	return rc;
}

static int put_source(const struct br_doc *d, void *arg)
{
	struct listing *l = arg;
	struct br_json *j = l->j;
	struct br_arena a = { 0 };

	if (d->origin != BR_FROM_UPLOAD)
		return 0;
	br_json_obj(j);
	br_json_kstr(j, "file_id", d->id);
	br_json_kstr(j, "file_name", br_path_base(d->path));
	br_json_kstr(j, "file_path", br_arena_printf(&a, "%s/%s/%s", l->nb->id, d->id, br_path_base(d->path)));
	br_json_kstr(j, "file_type", br_beyond__file_type(&a, d->path));
	br_json_kuint(j, "size", d->size);
	br_beyond__time(j, "created_at", d->created);
	br_json_end(j);
	br_arena_release(&a);
	return 0;
}

static int sources(struct br_req *r, const void *in, struct br_err *err)
{
	(void)in;
	return list_docs(r, put_source, err);
}
static const struct br_field source_out[] = {
	{ "file_id", MUST(STR) }, { "file_name", MUST(STR) }, { "file_path", MUST(STR) }, { "file_type", MUST(STR) }, { "size", MUST(INT) },
	{ "created_at", MAY_NULL(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape source_shape = { "BeyondSource", source_out, 0 };

static int put_document(const struct br_doc *d, void *arg)
{
	struct listing *l = arg;
	struct br_json *j = l->j;
	struct br_job_info job = { .id = "" };
	struct br_arena a = { 0 };
	bool known = br_job_get(&job, &a, l->t, l->nb->nb, d->id, NULL) == 0, bad = d->state == BR_DOC_FAILED || d->state == BR_DOC_SKIPPED;
	enum br_job_state is = d->state == BR_DOC_UPLOADED ? BR_JOB_PENDING : bad ? BR_JOB_ERROR : BR_JOB_SUCCESS;
	const char *why = known ? job.error : d->error;

	(void)br_job_live(br_server_opts(br_req_server(l->r))->jobs, &job);
	br_json_obj(j);
	br_json_kstr(j, "file_id", d->id);
	br_json_kstr(j, "file_name", br_path_base(d->path));
	br_json_kstr(j, "file_type", br_beyond__file_type(&a, d->path));
	br_json_kstr(j, "status", br_job_state_name(known ? job.state : is));
	br_json_kuint(j, "chunk_count", d->chunks);
	br_beyond__time(j, "created_at", d->created);
	br_json_kstr(j, "job_id", known ? job.id : NULL);
	br_json_kstr(j, "stage", known ? job.stage : NULL);
	br_json_kstr(j, "error_description", why && *why ? why : NULL);
	br_beyond__time(j, "updated_at", known ? job.updated : d->indexed);
	br_json_end(j);
	br_arena_release(&a);
	return 0;
}

static int list(struct br_req *r, const void *in, struct br_err *err)
{
	(void)in;
	return list_docs(r, put_document, err);
}
static const struct br_field document_out[] = {
	{ "file_id", MUST(STR) }, { "file_name", MUST(STR) }, { "file_type", MUST(STR) },
	{ "status", MUST(STR), .choices = "pending|processing|success|error" }, { "chunk_count", MUST(INT) },
	{ "created_at", MAY_NULL(STR), .format = "date-time" }, { "job_id", MAY_NULL(STR) }, { "stage", MAY_NULL(STR) },
	{ "error_description", MAY_NULL(STR) }, { "updated_at", MAY_NULL(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape document_shape = { "BeyondDocument", document_out, 0 };

/* ---- D3: ingest ---- */

struct settings_in { const char *parser, *how; int64_t size, overlap; bool pictures, contextual; };
static const struct br_field settings_in[] = {
	{ "parser", BR_FAT_STR(struct settings_in, parser), .max = 100, .dflt = "Docling Parser" },
	{ "chunking_strategy", BR_FAT_STR(struct settings_in, how), .max = 100, .dflt = "Recursive Chunking" },
	{ "chunk_size", BR_FAT_INT(struct settings_in, size), .min = 50, .max = 100000, .dflt = "1000", .help = "characters" },
	{ "chunk_overlap", BR_FAT_INT(struct settings_in, overlap), .min = 0, .max = 99999, .dflt = "200" },
	{ "enable_multimodal_processing", BR_FAT_BOOL(struct settings_in, pictures),
	  .help = "text in pictures and scans is read, where tesseract is installed; pictures are not described. Unset: the notebook's" },
	{ "enable_contextual_retrieval", BR_FAT_BOOL(struct settings_in, contextual),
	  .help = "enhancement begins as soon as the file is indexed, where a language model is configured. Unset: the notebook's" }, BR_FIELD_END,
};
static const struct br_shape settings_shape_in = { "BeyondIngestionSettingsIn", settings_in, sizeof(struct settings_in) };

struct file_in { const char *id, *name, *path; };
static const struct br_field file_in[] = {
	{ "file_id", BR_FAT_STR(struct file_in, id), .flags = BR_REQUIRED, .min = 1, .max = 100 },
	{ "file_name", BR_FAT_STR(struct file_in, name), .flags = BR_REQUIRED, .max = 1000 },
	{ "file_path", BR_FAT_STR(struct file_in, path), .flags = BR_REQUIRED, .max = 2000 }, BR_FIELD_END,
};
static const struct br_shape file_shape_in = { "BeyondIngestFile", file_in, sizeof(struct file_in) };

struct ingest_in { const struct br_jval *files, *settings; const char *name; };
static const struct br_field ingest_in[] = {
	{ "files", BR_FAT_ARR(struct ingest_in, files), .flags = BR_REQUIRED, .min = 1, .max = 1000, .shape = &file_shape_in },
	{ "settings", BR_FAT_OBJ(struct ingest_in, settings), .shape = &settings_shape_in },
	{ "notebook_name", BR_FAT_STR(struct ingest_in, name), .max = 1000 }, BR_FIELD_END,
};

static void write_settings(struct br_json *j, const struct settings_in *s)
{
	br_json_obj(j);
	br_json_kstr(j, "parser", s->parser);
	br_json_kstr(j, "chunking_strategy", s->how);
	br_json_kint(j, "chunk_size", s->size);
	br_json_kint(j, "chunk_overlap", s->overlap);
	br_json_kbool(j, "enable_multimodal_processing", s->pictures);
	br_json_kbool(j, "enable_contextual_retrieval", s->contextual);
	br_json_end(j);
}

/* What the notebook says where the request does not. */
static void inherit(struct settings_in *s, struct br_arena *a, const struct br_nb *nb, const struct br_jval *asked)
{
	static const char *const name[] = { "parser", "enable_multimodal_processing", "enable_contextual_retrieval" };
	struct br_nb_values *v = br_nb_values_new(nb);
	bool given[BR_COUNT(name)];

	for (size_t i = 0; i < BR_COUNT(name); i++)
		given[i] = br_jval_get(asked, name[i]) && br_jval_type(br_jval_get(asked, name[i])) != BR_J_NULL;
	if (!given[0])
		s->parser = br_nb_str(v, "ingest.parser");
	if (!given[1])
		s->pictures = br_nb_bool(v, "ingest.multimodal");
	if (!given[2])
		s->contextual = br_nb_bool(v, "ingest.contextual");
	s->parser = br_arena_strdup(a, s->parser);
	br_nb_values_free(v);
}

static int read_settings(const char **out, struct br_req *r, const struct br_nb *nb, const struct br_jval *v, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(64 << 10);
	struct settings_in s;
	struct br_json j;

	if (!br_shape_read(&s, &settings_shape_in, v, r))
		return br_fail(err, BR_EINPUT, "The settings are not valid");
	if (s.overlap >= s.size)
		return br_req_fail(r, 422, err, BR_EUSAGE, "chunk_overlap must be smaller than chunk_size");
	inherit(&s, br_req_arena(r), nb, v);
	br_json_init(&j, &b, false);
	write_settings(&j, &s);
	*out = br_arena_strdup(br_req_arena(r), b.ptr);
	br_buf_release(&b);
	return 0;
}

static int read_files(struct br_job_info *job, struct br_req *r, const struct br_nb *nb, const struct br_jval *files, const char *settings,
                      struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, br_req_ws(r)->store, err);

	if (rc < 0)
		return rc;
	for (const struct br_jval *f = br_jval_first(files); f && rc == 0; f = br_jval_next(f), job++) {
		struct file_in in;
		struct br_doc *d;
		br_shape_read(&in, &file_shape_in, f, r);
		if ((rc = br_beyond__doc(&d, r, t, nb->nb, in.id, err)) < 0)
			break;
		if (d->origin != BR_FROM_UPLOAD)
			rc = br_req_fail(r, 400, err, BR_EUSAGE, "'%s' was not uploaded", d->path);
		memcpy(job->doc, d->id, sizeof job->doc);
		job->name = br_path_base(d->path);
		job->settings = settings;
	}
	br_txn_end(t);
	return rc;
}

static void reply_jobs(struct br_req *r, const struct br_job_info *job, size_t n)
{
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_key(j, "jobs");
	br_json_arr(j);
	for (size_t i = 0; i < n; i++) {
		br_json_obj(j);
		br_json_kstr(j, "job_id", job[i].id);
		br_json_kstr(j, "file_id", job[i].doc);
		br_json_kstr(j, "file_name", job[i].name);
		br_json_kstr(j, "status", br_job_state_name(job[i].state));
		br_json_end(j);
	}
	br_json_end(j);
	br_json_end(j);
}

static int ingest(struct br_req *r, const void *in, struct br_err *err)
{
	const struct ingest_in *p = in;
	const char *settings = NULL;
	struct br_job_info *job;
	struct br_nb *nb;
	size_t n = 0;
	int rc = br_beyond__nb(&nb, r, err);

	for (const struct br_jval *f = br_jval_first(p->files); f; f = br_jval_next(f))
		n++;
	job = br_arena_zalloc(br_req_arena(r), n * sizeof *job);
	if (rc < 0 || (rc = read_settings(&settings, r, nb, p->settings, err)) < 0 || (rc = read_files(job, r, nb, p->files, settings, err)) < 0)
		return rc;
	if ((rc = br_job_add(br_server_opts(br_req_server(r))->jobs, br_req_ws(r), nb->id, job, n, err)) < 0)
		return rc;
	reply_jobs(r, job, n);
	return 0;
}
static const struct br_field job_out[] = {
	{ "job_id", MUST(STR) }, { "file_id", MUST(STR) }, { "file_name", MUST(STR) }, { "status", MUST(STR) }, BR_FIELD_END,
};
static const struct br_shape job_shape = { "BeyondJob", job_out, 0 };
static const struct br_field jobs_out[] = { { "jobs", MUST(ARR), .shape = &job_shape }, BR_FIELD_END };
static const struct br_shape jobs_shape = { "BeyondJobs", jobs_out, 0 };

/* ---- D4, D6 ---- */

static int find_job(struct br_job_info *out, struct br_nb **nb, struct br_req *r, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_beyond__nb(nb, r, err);

	if (rc < 0 || (rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	rc = br_job_get(out, br_req_arena(r), t, (*nb)->nb, br_req_param(r, "file_id"), err);
	br_txn_end(t);
	return rc == -BR_ENOTFOUND ? br_fail(err, BR_ENOTFOUND, "No job is known for this file") : rc;
}

static int stage(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_job_info job;
	struct br_json *j;
	struct br_nb *nb;
	double done;
	int rc = find_job(&job, &nb, r, err);

	(void)in;
	if (rc < 0)
		return rc;
	done = br_job_live(br_server_opts(br_req_server(r))->jobs, &job);
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "file_id", job.doc);
	br_json_kstr(j, "job_id", job.id);
	br_json_kstr(j, "status", br_job_state_name(job.state));
	br_json_kstr(j, "stage", job.stage);
	br_beyond__float(j, "progress", done, 3);
	br_json_kstr(j, "error_description", *job.error ? job.error : NULL);
	br_beyond__time(j, "updated_at", job.updated);
	br_json_end(j);
	return 0;
}
static const struct br_field stage_out[] = {
	{ "file_id", MUST(STR) }, { "job_id", MUST(STR) }, { "status", MUST(STR), .choices = "pending|processing|success|error" },
	{ "stage", MUST(STR) }, { "progress", MUST(NUM), .help = "0 to 1" }, { "error_description", MAY_NULL(STR) }, { "updated_at", MUST(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape stage_shape = { "BeyondStage", stage_out, 0 };

static int settings(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_job_info job;
	struct br_json *j;
	struct br_nb *nb;
	int rc = find_job(&job, &nb, r, err);

	(void)in;
	if (rc < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "file_id", job.doc);
	br_json_key(j, "ingestion_settings");
	br_json_raw(j, job.settings, strlen(job.settings));
	br_json_end(j);
	return 0;
}
static const struct br_field kept_out[] = {
	{ "parser", MUST(STR) }, { "chunking_strategy", MUST(STR) }, { "chunk_size", MUST(INT) }, { "chunk_overlap", MUST(INT) },
	{ "enable_multimodal_processing", MUST(BOOL) }, { "enable_contextual_retrieval", MUST(BOOL) }, BR_FIELD_END,
};
static const struct br_shape kept_shape = { "BeyondIngestionSettings", kept_out, 0 };
static const struct br_field settings_out[] = { { "file_id", MUST(STR) }, { "ingestion_settings", MUST(OBJ), .shape = &kept_shape }, BR_FIELD_END };
static const struct br_shape settings_shape = { "BeyondFileSettings", settings_out, 0 };

/* ---- D7 ---- */

static int drop(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j;
	struct br_txn *t;
	struct br_nb *nb;
	struct br_doc *d;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc < 0 || (rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	rc = br_beyond__doc(&d, r, t, nb->nb, br_req_param(r, "file_id"), err);
	br_txn_end(t);
	if (rc < 0 || (rc = br_job_forget(br_req_ws(r), nb->nb, d->id, err)) < 0 || (rc = br_doc_remove(br_req_ws(r), nb->nb, &d->doc, 1, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kbool(j, "deleted", true);
	br_json_kstr(j, "file_id", d->id);
	br_json_end(j);
	return 0;
}
static const struct br_field drop_out[] = { { "deleted", MUST(BOOL) }, { "file_id", MUST(STR) }, BR_FIELD_END };
static const struct br_shape drop_shape = { "BeyondFileDeleted", drop_out, 0 };

/* ---- cancelling what D3 or E5 began ---- */

static int cancel(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_jobs *jobs = br_server_opts(br_req_server(r))->jobs;
	struct br_json *j;
	struct br_doc *d;
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err), over = 0;

	(void)in;
	if (rc < 0 || (rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	rc = br_beyond__doc(&d, r, t, nb->nb, br_req_param(r, "file_id"), err);
	br_txn_end(t);
	if (rc < 0)
		return rc;
	for (int enhance = 0; enhance < 2; enhance++) {
		rc = br_job_cancel(jobs, br_req_ws(r), nb->nb, d->id, enhance, err);
		if (rc >= 0)
			break;
		over += rc == -BR_EEXISTS;
		if (rc != -BR_EEXISTS && rc != -BR_ENOTFOUND)
			return rc;
	}
	if (rc < 0)
		return over ? br_fail(err, BR_EEXISTS, "This file is not being processed") : br_fail(err, BR_ENOTFOUND, "No job is known for this file");
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kbool(j, "cancelled", true);
	br_json_kstr(j, "file_id", d->id);
	br_json_kstr(j, "status", rc ? "processing" : "error");
	br_json_end(j);
	return 0;
}
static const struct br_field cancel_out[] = {
	{ "cancelled", MUST(BOOL) }, { "file_id", MUST(STR) },
	{ "status", MUST(STR), .choices = "processing|error", .help = "processing: it ends soon" }, BR_FIELD_END,
};
static const struct br_shape cancel_shape = { "BeyondCancelled", cancel_out, 0 };

static const short upload_fails[] = { 400, 404, 409, 502, 0 }, ingest_fails[] = { 400, 404, 409, 0 }, drop_fails[] = { 404, 409, 0 }, known[] = { 404, 0 };
static const struct br_route rows[] = {
	{ "POST", NB "/documents/upload", "beyond_upload", "Store files", "documents", BR_LEVEL_ADMIN, .body = BR_BODY_FORM, .in = upload_in,
	  .out = &uploaded_shape, .fails = upload_fails, .flags = BR_ROUTE_SLOW | BR_ROUTE_LIST, .run = upload },
	{ "GET", NB "/documents/sources", "beyond_sources", "Stored files", "documents", BR_LEVEL_ADMIN, .out = &source_shape, .fails = known,
	  .flags = BR_ROUTE_LIST, .run = sources },
	{ "POST", NB "/documents/ingest", "beyond_ingest", "Index stored files in the background", "documents", BR_LEVEL_ADMIN, .body = BR_BODY_JSON,
	  .in = ingest_in, .in_size = sizeof(struct ingest_in), .out = &jobs_shape, .fails = ingest_fails, .flags = BR_ROUTE_SLOW, .run = ingest },
	{ "GET", DOC "/stage", "beyond_stage", "How far a file is", "documents", BR_LEVEL_ADMIN, .out = &stage_shape, .fails = known, .run = stage },
	{ "GET", NB "/documents", "beyond_documents", "All documents", "documents", BR_LEVEL_ADMIN, .out = &document_shape, .fails = known,
	  .flags = BR_ROUTE_LIST, .run = list },
	{ "GET", DOC "/settings", "beyond_file_settings", "How a file was ingested", "documents", BR_LEVEL_ADMIN, .out = &settings_shape,
	  .fails = known, .run = settings },
	{ "DELETE", DOC, "beyond_delete_document", "Delete a file with its passages", "documents", BR_LEVEL_ADMIN, .out = &drop_shape,
	  .fails = drop_fails, .flags = BR_ROUTE_SLOW, .run = drop },
	{ "POST", DOC "/cancel", "beyond_cancel", "End the job of a file", "documents", BR_LEVEL_ADMIN, .out = &cancel_shape, .fails = drop_fails,
	  .flags = BR_ROUTE_SLOW, .run = cancel },
};
const struct br_routes br_beyond__documents_rows = { rows, BR_COUNT(rows) };
