/*
 * E1 to E7: contexts of passages: started in the background, looked at, published, tried again. The enhanced text of a passage is its
 * context and the passage itself; its id is that of the file and its place there.
 */
#include "beyond.h"

#include "br/enhance.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHORT = 300 }; /* characters of a text in a list */

static bool is_it(const struct br_doc *d, void *arg)
{
	return !strcmp(d->id, arg);
}

/* ---- E1 ---- */

struct listing { struct br_json *j; };

static void write_counts(struct br_json *j, const struct br_enhance_count *n)
{
	br_json_kuint(j, "pending", n->state[BR_CTX_PENDING]);
	br_json_kuint(j, "processing", n->state[BR_CTX_PROCESSING]);
	br_json_kuint(j, "success", n->state[BR_CTX_SUCCESS]);
	br_json_kuint(j, "failed", n->state[BR_CTX_FAILED]);
	br_json_kuint(j, "embedded", n->state[BR_CTX_EMBEDDED]);
}
#define COUNTS_OUT { "pending", MUST(INT) }, { "processing", MUST(INT) }, { "success", MUST(INT) }, { "failed", MUST(INT) }, { "embedded", MUST(INT) }

static int put_file(const struct br_doc *d, const struct br_enhance_count *n, void *arg)
{
	struct listing *l = arg;

	br_json_obj(l->j);
	br_json_kstr(l->j, "file_id", d->id);
	br_json_kstr(l->j, "file_name", br_path_base(d->path));
	br_json_kuint(l->j, "total_chunks", n->chunks);
	write_counts(l->j, n);
	br_json_end(l->j);
	return 0;
}

static int files(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_SERVE_REPLY);
	struct br_enhance_count total;
	struct br_json j;
	struct listing l = { &j };
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	br_json_init(&j, &text, false);
	br_json_arr(&j);
	if (rc == 0 && (rc = br_enhance_status(&total, br_req_ws(r), nb->id, NULL, NULL, put_file, &l, err)) == 0) {
		br_json_end(&j);
		if ((rc = br_buf_check(&text, "the list", err)) == 0)
			br_json_raw(br_reply(r, 0), text.ptr, text.len);
	}
	br_buf_release(&text);
	return rc;
}
static const struct br_field file_out[] = {
	{ "file_id", MUST(STR) }, { "file_name", MUST(STR) }, { "total_chunks", MUST(INT) }, COUNTS_OUT, BR_FIELD_END,
};
static const struct br_shape file_shape = { "BeyondEnhanceFile", file_out, 0 };

/* ---- E2, E3 ---- */

struct chunks { struct br_req *r; const struct br_nb *nb; const struct br_doc *d; struct br_txn *t; struct br_ctx *ctx; };

static void write_short(struct br_json *j, const char *key, const struct br_buf *text, size_t most)
{
	size_t at = 0, n = 0;

	for (; at < text->len && n <= most; at++)
		n += ((unsigned char)text->ptr[at] & 0xc0) != 0x80;
	if (n > most)
		at--;
	br_json_key(j, key);
	br_json_strn(j, text->ptr, at);
}

static void write_metadata(struct br_json *j, const struct chunks *c, const struct br_chunk_rec *k)
{
	br_json_key(j, "original_metadata");
	br_json_obj(j);
	br_json_kstr(j, "file_id", c->d->id);
	br_json_kstr(j, "file_name", br_path_base(c->d->path));
	br_json_kuint(j, "chunk_index", k->ordinal);
	br_json_kstr(j, "notebook_id", c->nb->id);
	br_json_key(j, "loc");
	br_json_obj(j);
	br_json_key(j, "lines");
	br_json_obj(j);
	br_json_kuint(j, "from", k->line);
	br_json_kuint(j, "to", k->line_end);
	br_json_end(j);
	br_json_end(j);
	br_json_end(j);
}

static int write_chunk(struct br_json *j, const struct chunks *c, uint32_t ordinal, bool whole, struct br_err *err)
{
	const struct br_ctx *x = &c->ctx[ordinal];
	struct br_buf text = BR_BUF_INIT(BR_MAX_TEXT), both = BR_BUF_INIT(BR_MAX_TEXT);
	struct br_chunk_rec k;
	int rc = br_chunk_get(&k, c->t, c->nb->nb, c->d->first_chunk + ordinal, err);

	if (rc == 0 && (rc = br_doc_text(&text, NULL, c->t, c->nb->nb, c->d->doc, k.off, k.len, err)) == 0) {
		br_json_obj(j);
		br_json_kstr(j, "chunk_id", br_arena_printf(br_req_arena(c->r), "%s:%u", c->d->id, ordinal));
		br_json_kstr(j, "file_id", c->d->id);
		br_json_kuint(j, "chunk_index", ordinal);
		br_json_kstr(j, "status", br_ctx_state_name((enum br_ctx_state)x->state));
		write_short(j, "original_chunk", &text, whole ? SIZE_MAX - 1 : SHORT);
		if (x->state == BR_CTX_SUCCESS || x->state == BR_CTX_EMBEDDED) {
			br_buf_addf(&both, "%s\n\n", x->text);
			br_buf_add(&both, text.ptr, text.len);
			write_short(j, "enhanced_chunk", &both, whole ? SIZE_MAX - 1 : SHORT);
		} else {
			br_json_knull(j, "enhanced_chunk");
		}
		br_beyond__time(j, "updated_at", x->at);
		if (whole)
			write_metadata(j, c, &k);
		br_json_end(j);
	}
	br_buf_release(&both);
	br_buf_release(&text);
	return rc;
}
#define CHUNK_OUT \
	{ "chunk_id", MUST(STR) }, { "file_id", MUST(STR) }, { "chunk_index", MUST(INT) }, \
	{ "status", MUST(STR), .choices = "pending|processing|success|failed|embedded" }, { "original_chunk", MUST(STR) }, \
	{ "enhanced_chunk", MAY_NULL(STR) }, { "updated_at", MAY_NULL(STR), .format = "date-time" }
static const struct br_field chunk_out[] = { CHUNK_OUT, BR_FIELD_END };
static const struct br_shape chunk_shape = { "BeyondEnhanceChunk", chunk_out, 0 };
static const struct br_field whole_out[] = { CHUNK_OUT, { "original_metadata", MUST(OBJ) }, BR_FIELD_END };
static const struct br_shape whole_shape = { "BeyondEnhanceWholeChunk", whole_out, 0 };

static int open_doc(struct chunks *c, const char *id, struct br_err *err)
{
	struct br_doc *d;
	int rc = br_beyond__doc(&d, c->r, c->t, c->nb->nb, id, err);

	c->d = d;
	if (rc == 0)
		rc = br_contexts_get(&c->ctx, br_req_arena(c->r), c->t, c->nb->nb, d, err);
	return rc;
}

struct page_in { int64_t limit, offset; };
static const struct br_field page_in[] = {
	{ "limit", BR_FAT_INT(struct page_in, limit), .in = BR_IN_QUERY, .min = 1, .max = 1000, .dflt = "200" },
	{ "offset", BR_FAT_INT(struct page_in, offset), .in = BR_IN_QUERY, .min = 0, .max = 4000000000.0, .dflt = "0" }, BR_FIELD_END,
};

static int list_chunks(struct br_req *r, const void *in, struct br_err *err)
{
	const struct page_in *p = in;
	struct br_buf text = BR_BUF_INIT(BR_SERVE_REPLY);
	struct chunks c = { .r = r };
	struct br_json j;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	if (rc < 0 || (rc = br_txn_read(&c.t, br_req_ws(r)->store, err)) < 0)
		return rc;
	c.nb = nb;
	br_json_init(&j, &text, false);
	br_json_arr(&j);
	if ((rc = open_doc(&c, br_req_param(r, "file_id"), err)) == 0)
		for (int64_t i = p->offset; i < c.d->chunks && i < p->offset + p->limit && rc == 0; i++)
			rc = write_chunk(&j, &c, (uint32_t)i, false, err);
	br_txn_end(c.t);
	if (rc == 0) {
		br_json_end(&j);
		if ((rc = br_buf_check(&text, "the list", err)) == 0)
			br_json_raw(br_reply(r, 0), text.ptr, text.len);
	}
	br_buf_release(&text);
	return rc;
}

static int show_chunk(struct br_req *r, const void *in, struct br_err *err)
{
	const char *id = br_req_param(r, "chunk_id"), *colon = strchr(id, ':');
	struct chunks c = { .r = r };
	int64_t ordinal = -1;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc < 0)
		return rc;
	if (!colon || br_parse_int(&ordinal, colon + 1, 0, UINT32_MAX, "chunk", NULL) < 0)
		return br_fail(err, BR_ENOTFOUND, "Chunk not found");
	if ((rc = br_txn_read(&c.t, br_req_ws(r)->store, err)) < 0)
		return rc;
	c.nb = nb;
	if ((rc = open_doc(&c, br_arena_strndup(br_req_arena(r), id, (size_t)(colon - id)), err)) == -BR_ENOTFOUND ||
	    (rc == 0 && ordinal >= c.d->chunks))
		rc = br_fail(err, BR_ENOTFOUND, "Chunk not found");
	if (rc == 0)
		rc = write_chunk(br_reply(r, 0), &c, (uint32_t)ordinal, true, err);
	br_txn_end(c.t);
	return rc;
}

/* ---- E4 ---- */

struct status_in { const char *file; };
static const struct br_field status_in[] = {
	{ "file_id", BR_FAT_STR(struct status_in, file), .in = BR_IN_QUERY, .max = 100, .help = "the whole notebook when it is left out" }, BR_FIELD_END,
};

static int find_file(struct br_doc **out, struct br_job_info *job, bool *has_job, struct br_req *r, const struct br_nb *nb, const char *id, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, br_req_ws(r)->store, err);

	if (rc < 0)
		return rc;
	if ((rc = br_beyond__doc(out, r, t, nb->nb, id, err)) == 0)
		*has_job = br_job_get_enhance(job, br_req_arena(r), t, nb->nb, id, NULL) == 0;
	br_txn_end(t);
	return rc;
}

static int status(struct br_req *r, const void *in, struct br_err *err)
{
	const struct status_in *p = in;
	struct br_job_info job = { .state = BR_JOB_PENDING };
	struct br_enhance_count n;
	struct br_json *j;
	struct br_doc *d;
	struct br_nb *nb;
	bool has_job = false;
	uint64_t open;
	int rc = br_beyond__nb(&nb, r, err);

	if (rc < 0 || (p->file && (rc = find_file(&d, &job, &has_job, r, nb, p->file, err)) < 0) ||
	    (rc = br_enhance_status(&n, br_req_ws(r), nb->id, p->file ? is_it : NULL, (void *)p->file, NULL, NULL, err)) < 0)
		return rc;
	if (has_job && job.state == BR_JOB_ERROR) { /* nobody will do the rest: who polls must come to an end */
		n.state[BR_CTX_FAILED] += n.state[BR_CTX_PENDING] + n.state[BR_CTX_PROCESSING];
		n.state[BR_CTX_PENDING] = n.state[BR_CTX_PROCESSING] = 0;
	}
	open = n.state[BR_CTX_PENDING] + n.state[BR_CTX_PROCESSING];
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "file_id", p->file);
	br_json_kuint(j, "total", n.chunks);
	write_counts(j, &n);
	br_beyond__float(j, "progress_pct", n.chunks ? 100.0 * (double)(n.chunks - open) / (double)n.chunks : 100, 1);
	br_json_kbool(j, "all_terminated", !open);
	br_json_end(j);
	return 0;
}
static const struct br_field status_out[] = {
	{ "file_id", MAY_NULL(STR) }, { "total", MUST(INT) }, COUNTS_OUT, { "progress_pct", MUST(NUM) }, { "all_terminated", MUST(BOOL) }, BR_FIELD_END,
};
static const struct br_shape status_shape = { "BeyondEnhanceStatus", status_out, 0 };

/* ---- E5 ---- */

struct start_in { const struct br_jval *files; };
static const struct br_field start_in[] = {
	{ "file_ids", BR_FAT_ARR(struct start_in, files), .flags = BR_REQUIRED, .of = BR_F_STR, .min = 1, .max = 1000 }, BR_FIELD_END,
};

static int start(struct br_req *r, const void *in, struct br_err *err)
{
	const struct start_in *p = in;
	struct br_enhance_count n;
	struct br_job_info *job, old;
	struct br_json *j;
	struct br_doc *d;
	struct br_nb *nb;
	uint64_t queued = 0;
	size_t k = 0;
	bool has;
	int rc = br_beyond__nb(&nb, r, err);

	job = br_arena_zalloc(br_req_arena(r), 1000 * sizeof *job);
	for (const struct br_jval *f = br_jval_first(p->files); f && rc == 0; f = br_jval_next(f)) {
		if ((rc = find_file(&d, &old, &has, r, nb, br_jval_str(f), err)) < 0 ||
		    (rc = br_enhance_status(&n, br_req_ws(r), nb->id, is_it, d->id, NULL, NULL, err)) < 0)
			break;
		memcpy(job[k].doc, d->id, sizeof d->id);
		job[k].name = br_path_base(d->path);
		job[k].settings = "{}";
		job[k++].enhance = true;
		queued += n.state[BR_CTX_PENDING] + n.state[BR_CTX_FAILED];
	}
	if (rc < 0 || (rc = br_job_add(br_server_opts(br_req_server(r))->jobs, br_req_ws(r), nb->id, job, k, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kbool(j, "started", true);
	br_json_key(j, "file_ids");
	br_json_arr(j);
	for (size_t i = 0; i < k; i++)
		br_json_str(j, job[i].doc);
	br_json_end(j);
	br_json_kuint(j, "queued_chunks", queued);
	br_json_end(j);
	return 0;
}
static const struct br_field start_out[] = {
	{ "started", MUST(BOOL) }, { "file_ids", MUST(ARR), .of = BR_F_STR }, { "queued_chunks", MUST(INT) }, BR_FIELD_END,
};
static const struct br_shape start_shape = { "BeyondEnhanceStarted", start_out, 0 };

/* ---- E6, E7 ---- */

struct publish_in { const char *file, *name, *title; };
static const struct br_field publish_in[] = {
	{ "file_id", BR_FAT_STR(struct publish_in, file), .flags = BR_REQUIRED, .min = 1, .max = 100 },
	{ "file_name", BR_FAT_STR(struct publish_in, name), .max = 1000 }, { "notebook_title", BR_FAT_STR(struct publish_in, title), .max = 1000 }, BR_FIELD_END,
};

static int change(uint64_t *chunks, struct br_req *r, const struct br_nb *nb, const char *file, enum br_ctx_change what, struct br_err *err)
{
	struct br_ctx_opts o = { .what = what, .want = is_it, .arg = (void *)file };
	struct br_ctx_stats stats = { 0 };
	int rc = br_contexts_change(&stats, br_req_ws(r), nb->id, &o, err);

	*chunks = stats.chunks;
	return rc;
}

static int publish(struct br_req *r, const void *in, struct br_err *err)
{
	const struct publish_in *p = in;
	struct br_enhance_count n;
	struct br_job_info job;
	struct br_json *j;
	struct br_doc *d;
	struct br_nb *nb;
	uint64_t chunks;
	bool has;
	int rc = br_beyond__nb(&nb, r, err);

	if (rc < 0 || (rc = find_file(&d, &job, &has, r, nb, p->file, err)) < 0 ||
	    (rc = br_enhance_status(&n, br_req_ws(r), nb->id, is_it, d->id, NULL, NULL, err)) < 0)
		return rc;
	if (!n.chunks || n.state[BR_CTX_SUCCESS] + n.state[BR_CTX_EMBEDDED] != n.chunks)
		return br_req_fail(r, 409, err, BR_EEXISTS, "Not all chunks of '%s' are enhanced: %llu of %llu", br_path_base(d->path),
		                   (unsigned long long)(n.state[BR_CTX_SUCCESS] + n.state[BR_CTX_EMBEDDED]), (unsigned long long)n.chunks);
	if ((rc = change(&chunks, r, nb, d->id, BR_CTX_PUBLISH, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kuint(j, "published_count", chunks);
	br_json_kstr(j, "file_id", d->id);
	br_json_end(j);
	return 0;
}
static const struct br_field publish_out[] = { { "published_count", MUST(INT) }, { "file_id", MUST(STR) }, BR_FIELD_END };
static const struct br_shape publish_shape = { "BeyondPublished", publish_out, 0 };

static int reset(struct br_req *r, const void *in, struct br_err *err)
{
	const struct publish_in *p = in;
	struct br_job_info job;
	struct br_json *j;
	struct br_doc *d;
	struct br_nb *nb;
	uint64_t chunks;
	bool has;
	int rc = br_beyond__nb(&nb, r, err);

	if (rc < 0 || (rc = find_file(&d, &job, &has, r, nb, p->file, err)) < 0 || (rc = change(&chunks, r, nb, d->id, BR_CTX_RETRY, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kuint(j, "reset_count", chunks);
	br_json_end(j);
	return 0;
}
static const struct br_field reset_out[] = { { "reset_count", MUST(INT) }, BR_FIELD_END };
static const struct br_shape reset_shape = { "BeyondEnhanceReset", reset_out, 0 };

#define ENH NB "/enhance"
#define PUBLISH .body = BR_BODY_JSON, .in = publish_in, .in_size = sizeof(struct publish_in), .flags = BR_ROUTE_SLOW
static const short known[] = { 404, 0 }, conflict[] = { 404, 409, 0 }, publish_fails[] = { 404, 409, 415, 502, 0 };
static const struct br_route rows[] = {
	{ "GET", ENH "/files", "beyond_enhance_files", "How far files are enhanced", "enhancement", BR_LEVEL_ADMIN, .out = &file_shape, .fails = known,
	  .flags = BR_ROUTE_LIST | BR_ROUTE_SLOW, .run = files },
	{ "GET", ENH "/files/{file_id}/chunks", "beyond_enhance_chunks", "Passages of a file, cut short", "enhancement", BR_LEVEL_ADMIN, .in = page_in,
	  .in_size = sizeof(struct page_in), .out = &chunk_shape, .fails = known, .flags = BR_ROUTE_LIST, .run = list_chunks },
	{ "GET", ENH "/chunks/{chunk_id}", "beyond_enhance_chunk", "A passage", "enhancement", BR_LEVEL_ADMIN, .out = &whole_shape, .fails = known,
	  .run = show_chunk },
	{ "GET", ENH "/status", "beyond_enhance_status", "How far a file or the notebook is", "enhancement", BR_LEVEL_ADMIN, .in = status_in,
	  .in_size = sizeof(struct status_in), .out = &status_shape, .fails = known, .flags = BR_ROUTE_SLOW, .run = status },
	{ "POST", ENH, "beyond_enhance", "Enhance files in the background", "enhancement", BR_LEVEL_ADMIN, .body = BR_BODY_JSON, .in = start_in,
	  .in_size = sizeof(struct start_in), .out = &start_shape, .fails = conflict, .flags = BR_ROUTE_SLOW, .run = start },
	{ "POST", ENH "/publish", "beyond_publish", "Index what was enhanced", "enhancement", BR_LEVEL_ADMIN, PUBLISH, .out = &publish_shape,
	  .fails = publish_fails, .run = publish },
	{ "POST", ENH "/reset", "beyond_enhance_reset", "Let what failed be tried again", "enhancement", BR_LEVEL_ADMIN, PUBLISH, .out = &reset_shape,
	  .fails = publish_fails, .run = reset },
};
const struct br_routes br_beyond__enhance_rows = { rows, BR_COUNT(rows) };
