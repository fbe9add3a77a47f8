/* The requests to the server: list, upload, delete, report. What passes by itself is tried again, as the server asks (Retry-After). */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { RETRIES = 6, PAGE = 2000 };

int api_open(struct api *a, const struct br_remote_opts *o, struct br_err *err)
{
	size_t n = strlen(o->url);

	*a = (struct api){ .o = o };
	while (n && o->url[n - 1] == '/')
		n--;
	if (n > 7 && !strncmp(o->url + n - 7, "/api/v1", 7))
		n -= 7;
	a->base = br_sprintf("%.*s/api/v1", (int)n, o->url);
	a->bearer = br_sprintf("Bearer %s", o->key);
	return br_net_open(&a->net, o->net, err);
}

void api_close(struct api *a)
{
	br_net_close(a->net);
	br_arena_release(&a->arena);
	if (a->bearer)
		br_wipe(a->bearer, strlen(a->bearer));
	free(a->bearer);
	free(a->base);
}

static int ask(struct br_http_response *res, struct api *a, const char *method, const char *path, struct br_slice body, const char *type, struct br_err *err)
{
	char *url = br_sprintf("%s%s", a->base, path);
	const struct br_http_header headers[] = { { "Authorization", a->bearer }, { NULL, NULL } };
	struct br_http_request r = {
		.url = url, .method = method, .headers = headers, .body = body, .content_type = type, .retries = RETRIES, .retry_post = true,
		.idle_ms = 120000, .max_bytes = BR_MAX_HTTP_BODY, .timeout_ms = 300000,
	};
	int rc = br_http(res, a->net, &r, err);

	free(url);
	return rc;
}

/* ---- what it says ---- */

/* The error's message and field; borrowed from the document. */
static const char *message_of(const char **field, struct br_jdoc **doc, const struct br_http_response *res)
{
	const char *m;

	*field = "";
	*doc = NULL;
	if (br_jdoc_parse(doc, br_buf_slice(&res->body), "the answer", NULL) < 0)
		return br_http_status_text(res->status);
	m = br_jval_str(br_jval_get(br_jdoc_root(*doc), "message"));
	*field = br_jval_str(br_jval_get(br_jdoc_root(*doc), "field"));
	*field = *field ? *field : "";
	return m ? m : br_http_status_text(res->status);
}

/* 0: a refusal of this one thing, in err; negative: of everything. */
static int refusal(enum said *said, const struct br_http_response *res, bool thing, struct br_err *err)
{
	const char *field, *why;
	struct br_jdoc *doc;
	int rc = 0, status = res->status;

	why = message_of(&field, &doc, res);
	*said = SAID_NO;
	if (status == 401)
		rc = br_fail(err, BR_EAUTH, "the server refuses the key: %s", why);
	else if (status == 403)
		rc = br_fail(err, BR_EFORBIDDEN, "the server forbids it: %s", why);
	else if (status == 429)
		rc = br_fail(err, BR_ELIMITED, "the server wants no more now: %s", why);
	else if (status == 404)
		rc = br_fail(err, BR_ENOTFOUND, "the server says: %s", why);
	else if (thing && status < 500)
		br_fail(err, BR_EINPUT, "%s", why);
	else
		rc = br_fail(err, BR_EUPSTREAM, "the server answers with status %d: %s", status, why);
	if (status == 400 && !strcmp(field, "file"))
		*said = SAID_NO_DOCUMENT;
	br_jdoc_free(doc);
	return rc;
}

/* ---- the list ---- */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct far *)a)->path, ((const struct far *)b)->path);
}

static bool take_hash(uint8_t out[32], const char *hex)
{
	if (!hex || strlen(hex) != 64)
		return false;
	for (int i = 0; i < 32; i++) {
		unsigned v;
		if (sscanf(hex + 2 * i, "%2x", &v) != 1)
			return false;
		out[i] = (uint8_t)v;
	}
	return true;
}

static int take_page(struct fars *out, uint64_t *total, struct br_arena *arena, const struct api *a, struct br_slice text, struct br_err *err)
{
	const struct br_jval *root, *list;
	struct br_jdoc *doc;
	double n = 0;
	int rc = br_jdoc_parse(&doc, text, "the list of documents", err);

	if (rc < 0)
		return br_fail(err, BR_EUPSTREAM, "the server's list of documents cannot be read");
	root = br_jdoc_root(doc);
	list = br_jval_get(root, "documents");
	if (!list || br_jval_type(list) != BR_J_ARR || !br_jval_num(&n, br_jval_get(root, "total")))
		rc = br_fail(err, BR_EUPSTREAM, "the server's list of documents cannot be read");
	*total = (uint64_t)n;
	for (const struct br_jval *v = list && rc == 0 ? br_jval_first(list) : NULL; v; v = br_jval_next(v)) {
		const char *path = br_jval_str(br_jval_get(v, "file_path")), *id = br_jval_str(br_jval_get(v, "id"));
		const char *source = br_jval_str(br_jval_get(br_jval_get(v, "metadata"), "source")), *status = br_jval_str(br_jval_get(v, "status"));
		struct far *d;
		if (!id)
			continue;
		d = br_vec_push(&out->v);
		*d = (struct far){ .path = br_arena_strdup(arena, path ? path : br_jval_str(br_jval_get(v, "filename"))), .id = br_arena_strdup(arena, id),
			.ours = source && !strcmp(source, a->o->source) };
		d->failed = !take_hash(d->sha, br_jval_str(br_jval_get(v, "content_hash"))) || (status && strcmp(status, "processed"));
		if (!d->path)
			out->v.n--;
	}
	br_jdoc_free(doc);
	return rc;
}

int api_list(struct fars *out, struct br_arena *arena, struct api *a, struct br_err *err)
{
	uint64_t total = 1;
	int rc = 0;

	for (uint64_t at = 0; rc == 0 && at < total; at += PAGE) {
		char *path = br_sprintf("/kb/%s/documents?limit=%d&offset=%llu", a->o->kb, PAGE, (unsigned long long)at);
		struct br_http_response res = { 0 };
		enum said said;
		if ((rc = ask(&res, a, "GET", path, br_slice(NULL, 0), NULL, err)) == 0)
			rc = res.status == 200 ? take_page(out, &total, arena, a, br_buf_slice(&res.body), err) : refusal(&said, &res, false, err);
		br_http_response_release(&res);
		free(path);
	}
	if (out->v.n)
		qsort(out->v.v, out->v.n, sizeof *out->v.v, by_path);
	return rc;
}

/* ---- upload ---- */

static void part(struct br_buf *b, const char *mark, const char *name, const char *value)
{
	br_buf_addf(b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", mark, name, value);
}

/* As clients do it: a quote would end the name. */
static void file_name(struct br_buf *b, const char *name)
{
	for (; *name; name++)
		if (*name == '"')
			br_buf_adds(b, "%22");
		else
			br_buf_addc(b, *name);
}

static void metadata(struct br_buf *b, const struct br_remote_opts *o)
{
	struct br_jdoc *doc = NULL;
	struct br_json j;

	br_json_init(&j, b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "source", o->source);
	if (o->meta && br_jdoc_parse(&doc, br_slice_str(o->meta), "--meta", NULL) == 0)
		for (const struct br_jval *v = br_jval_first(br_jdoc_root(doc)); v; v = br_jval_next(v)) {
			if (!strcmp(br_jval_key(v), "source"))
				continue;
			br_json_key(&j, br_jval_key(v));
			br_jval_write(&j, v);
		}
	br_json_end(&j);
	br_jdoc_free(doc);
}

static int form(struct br_buf *b, const char *mark, const struct api *a, const struct near *f, bool update, struct br_err *err)
{
	struct br_buf meta = BR_BUF_INIT(BR_MAX_META);
	int rc;

	metadata(&meta, a->o);
	part(b, mark, "knowledge_base_id", a->o->kb);
	part(b, mark, "file_path", f->rel);
	part(b, mark, "deduplicate", update ? "true" : "false");
	part(b, mark, "metadata", meta.ptr);
	br_buf_addf(b, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"", mark);
	file_name(b, br_path_base(f->rel));
	br_buf_adds(b, "\"\r\nContent-Type: application/octet-stream\r\n\r\n");
	if ((rc = br_buf_check(&meta, "metadata", err)) == 0 && (rc = br_file_read(b, f->path, BR_MAX_FILE, err)) == 0) {
		br_buf_addf(b, "\r\n--%s--\r\n", mark);
		rc = br_buf_check(b, f->rel, err);
	}
	br_buf_release(&meta);
	return rc;
}

int api_upload(enum said *said, struct api *a, const struct near *f, bool update, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_FILE + (1 << 20));
	struct br_http_response res = { 0 };
	uint8_t r[16];
	char mark[33], *type;
	int rc;

	br_random(r, sizeof r);
	br_hex(mark, r, sizeof r);
	*said = SAID_NO;
	if (form(&b, mark, a, f, update, err) < 0) {
		br_buf_release(&b);
		return 0; /* this file cannot be read, others can */
	}
	type = br_sprintf("multipart/form-data; boundary=%s", mark);
	rc = ask(&res, a, "POST", "/ingest", br_buf_slice(&b), type, err);
	free(type);
	br_buf_release(&b);
	if (rc == 0 && (res.status == 200 || res.status == 201))
		*said = SAID_YES;
	else if (rc == 0 && res.status == 409 && !update)
		rc = api_upload(said, a, f, true, err); /* it came there meanwhile */
	else if (rc == 0)
		rc = refusal(said, &res, true, err);
	br_http_response_release(&res);
	return rc;
}

/* ---- delete, report ---- */

int api_delete(enum said *said, struct api *a, const struct far *d, struct br_err *err)
{
	char *path = br_sprintf("/kb/%s/documents/%s", a->o->kb, d->id);
	struct br_http_response res = { 0 };
	int rc = ask(&res, a, "DELETE", path, br_slice(NULL, 0), NULL, err);

	*said = SAID_YES;
	if (rc == 0 && res.status != 200 && res.status != 204 && res.status != 404)
		rc = refusal(said, &res, true, err);
	br_http_response_release(&res);
	free(path);
	return rc;
}

/* Servers of others do not know this path: that is no failure. */
int api_report(struct api *a, const struct br_ingest_stats *s, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(4096);
	char *path = br_sprintf("/kb/%s/syncs/completed", a->o->kb);
	struct br_http_response res = { 0 };
	struct br_json j;
	int rc;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "source", a->o->source);
	br_json_kuint(&j, "added", s->count[BR_ACT_ADD]);
	br_json_kuint(&j, "updated", s->count[BR_ACT_CHANGE]);
	br_json_kuint(&j, "deleted", s->count[BR_ACT_DELETE]);
	br_json_kuint(&j, "failed", s->count[BR_ACT_FAIL]);
	br_json_end(&j);
	rc = ask(&res, a, "POST", path, br_buf_slice(&b), "application/json", err);
	br_http_response_release(&res);
	br_buf_release(&b);
	free(path);
	return rc;
}
