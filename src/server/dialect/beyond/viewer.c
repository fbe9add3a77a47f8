/* V1, V2: what was made of files. */
#include "beyond.h"

static void reply_text(struct br_req *r, const struct br_doc *d, const struct br_buf *text)
{
	struct br_json *j = br_reply(r, 0);
	uint64_t chars = 0, lines = text->len && text->ptr[text->len - 1] != '\n';

	for (size_t i = 0; i < text->len; i++) {
		chars += ((unsigned char)text->ptr[i] & 0xc0) != 0x80;
		lines += text->ptr[i] == '\n';
	}
	br_json_obj(j);
	br_json_kstr(j, "file_id", d->id);
	br_json_kstr(j, "file_name", br_path_base(d->path));
	br_json_key(j, "content");
	br_json_strn(j, text->ptr, text->len);
	br_json_kuint(j, "char_count", chars);
	br_json_kuint(j, "line_count", lines);
	br_json_end(j);
}

static int content(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_SERVE_REPLY);
	struct br_txn *t;
	struct br_nb *nb;
	struct br_doc *d;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc < 0 || (rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	if ((rc = br_beyond__doc(&d, r, t, nb->nb, br_req_param(r, "file_id"), err)) == 0)
		rc = d->state == BR_DOC_INDEXED ? br_doc_text(&text, NULL, t, nb->nb, d->doc, 0, d->text_bytes, err)
		                                : br_fail(err, BR_ENOTFOUND, "This file has no content yet");
	br_txn_end(t);
	if (rc == 0 && (rc = br_buf_check(&text, "the content", err)) == 0)
		reply_text(r, d, &text);
	br_buf_release(&text);
	return rc;
}
static const struct br_field content_out[] = {
	{ "file_id", MUST(STR) }, { "file_name", MUST(STR) }, { "content", MUST(STR) }, { "char_count", MUST(INT) }, { "line_count", MUST(INT) }, BR_FIELD_END,
};
static const struct br_shape content_shape = { "BeyondContent", content_out, 0 };

struct listing { const struct br_nb *nb; struct br_txn *t; struct br_json *j; };

static int put_file(const struct br_doc *d, void *arg)
{
	struct listing *l = arg;
	struct br_arena a = { 0 };
	struct br_job_info job;
	bool bad = d->state == BR_DOC_FAILED || d->state == BR_DOC_SKIPPED;
	enum br_job_state is = d->state == BR_DOC_UPLOADED ? BR_JOB_PENDING : bad ? BR_JOB_ERROR : BR_JOB_SUCCESS;

	if (br_job_get(&job, &a, l->t, l->nb->nb, d->id, NULL) == 0)
		is = job.state;
	br_json_obj(l->j);
	br_json_kstr(l->j, "file_id", d->id);
	br_json_kstr(l->j, "file_name", br_path_base(d->path));
	br_json_kstr(l->j, "file_type", br_beyond__file_type(&a, d->path));
	br_json_kstr(l->j, "status", br_job_state_name(is));
	br_json_kuint(l->j, "chunk_count", d->chunks);
	br_beyond__time(l->j, "created_at", d->created);
	br_json_end(l->j);
	br_arena_release(&a);
	return 0;
}

static int files(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(BR_SERVE_REPLY);
	struct listing l = { 0 };
	struct br_json j;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc < 0 || (rc = br_txn_read(&l.t, br_req_ws(r)->store, err)) < 0)
		return rc;
	l.nb = nb;
	l.j = &j;
	br_json_init(&j, &text, false);
	br_json_arr(&j);
	rc = br_doc_each(l.t, nb->nb, put_file, &l, err);
	br_json_end(&j);
	br_txn_end(l.t);
	if (rc == 0 && (rc = br_buf_check(&text, "the list", err)) == 0)
		br_json_raw(br_reply(r, 0), text.ptr, text.len);
	br_buf_release(&text);
	return rc;
}
static const struct br_field file_out[] = {
	{ "file_id", MUST(STR) }, { "file_name", MUST(STR) }, { "file_type", MUST(STR) },
	{ "status", MUST(STR), .choices = "pending|processing|success|error" }, { "chunk_count", MUST(INT) },
	{ "created_at", MAY_NULL(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape file_shape = { "BeyondFile", file_out, 0 };

static const short known[] = { 404, 0 };
static const struct br_route rows[] = {
	{ "GET", NB "/documents/{file_id}/content", "beyond_content", "The text that was read from a file", "viewer", BR_LEVEL_ADMIN,
	  .out = &content_shape, .fails = known, .run = content },
	{ "GET", NB "/files", "beyond_files", "All files", "viewer", BR_LEVEL_ADMIN, .out = &file_shape, .fails = known,
	  .flags = BR_ROUTE_LIST, .run = files },
};
const struct br_routes br_beyond__viewer_rows = { rows, BR_COUNT(rows) };
